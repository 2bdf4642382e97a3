"""Softmax networks by maximum likelihood: PyTorch modules climbed by scipy.optimize.

The identity that the package shows for the multinomial logit holds for them too: the
minimum of the cross-entropy is the maximum of the likelihood, whatever computes the scores.
"""

from mlelogit.networks.fitting import fit_network
from mlelogit.networks.results import NetworkResults

__all__ = ["NetworkResults", "fit_network"]

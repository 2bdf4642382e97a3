"""What is known of the point at which a network's climb ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.networks.likelihood import NetworkLikelihood, NetworkSums


@dataclass(frozen=True)
class NetworkCertificate:
    """What is known of the point at which a climb ended.

    Attributes
    ----------
    gradient_norm : float
        Largest entry of the gradient of the penalized log-likelihood.
    relative : float
        The same for each observation: over their weight in all.
    tolerance : float
        The `relative` that counts as stationary.
    """

    gradient_norm: float
    relative: float
    tolerance: float

    @property
    def stationary(self) -> bool:
        """Whether the gradient is as small as was asked."""
        return self.relative <= self.tolerance


def certify_network(
    likelihood: NetworkLikelihood, sums: NetworkSums, tolerance: float
) -> NetworkCertificate:
    """Say what is known of a point."""
    norm = float(np.abs(sums.gradient).max())
    return NetworkCertificate(norm, norm / likelihood.weight, tolerance)

"""Maximum likelihood is minimum cross-entropy is maximum entropy, and is statsmodels' answer.

`identity` holds the pieces, `engines` the independent ways to the same numbers,
`verification` sets them side by side for a user's own fit.
"""

from mlelogit.equivalence.identity import (
    cross_entropy,
    log_likelihood,
    one_hot,
    posterior_from_joint,
    softmax,
)

__all__ = ["cross_entropy", "log_likelihood", "one_hot", "posterior_from_joint", "softmax"]

"""Maximum likelihood is minimum cross-entropy is maximum entropy, and is statsmodels' answer.

`identity` holds the pieces, `engines` the independent ways to the same numbers,
`verification` sets them side by side for a user's own fit. These engines share no code with the fit
that they check. `gaussian` has the class densities whose posterior a softmax is, `moments` their
estimates, `discriminant` sets these beside the multinomial logit's.
"""

from mlelogit.equivalence.discriminant import (
    EstimatorComparison,
    compare_estimators,
    fit_gaussian_classes,
)
from mlelogit.equivalence.gaussian import GaussianClasses
from mlelogit.equivalence.identity import (
    cross_entropy,
    log_likelihood,
    one_hot,
    posterior_from_joint,
    softmax,
)
from mlelogit.equivalence.moments import GaussianFit

__all__ = [
    "EstimatorComparison",
    "GaussianClasses",
    "GaussianFit",
    "compare_estimators",
    "cross_entropy",
    "fit_gaussian_classes",
    "log_likelihood",
    "one_hot",
    "posterior_from_joint",
    "softmax",
]

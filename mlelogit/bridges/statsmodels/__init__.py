"""statsmodels' MNLogit on this package's likelihood, climb and covariances.

`MNLogit` takes the place of ``statsmodels.api.MNLogit`` by its import alone;
`mlelogit.MNLogitResults.to_statsmodels` hands a fit of this package to statsmodels' results.
"""

from __future__ import annotations

from mlelogit.bridges.statsmodels.model import MNLogit
from mlelogit.bridges.statsmodels.results import (
    L1MultinomialResults,
    MultinomialResults,
    MultinomialResultsWrapper,
)

__all__ = [
    "L1MultinomialResults",
    "MNLogit",
    "MultinomialResults",
    "MultinomialResultsWrapper",
]

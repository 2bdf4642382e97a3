r"""A log-likelihood along some directions only: ``θ = origin + A g`` with free params g (r,).

It is concave in g as it is in θ, with score ``A's`` and information ``A'I A``, so that g is
climbed, and certified, like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.fitting.certificate import Rounding, RowSizes
from mlelogit.fitting.climb import Objective
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.maximum import ReadOnly


@dataclass(frozen=True)
class FreeSpace(ReadOnly):
    """All params that meet linear equations, in the internal basis.

    Attributes
    ----------
    origin : numpy.ndarray
        (P,), the shortest of them.
    directions : numpy.ndarray
        A (P, r), orthonormal columns.
    """

    origin: np.ndarray
    directions: np.ndarray

    @property
    def size(self) -> int:
        """Number of free params r."""
        return self.directions.shape[1]

    def leave(self, free: np.ndarray) -> np.ndarray:
        """Return the params (P,) of free params (r,)."""
        return self.origin + self.directions @ free

    def enter(self, params: np.ndarray) -> np.ndarray:
        """Return the free params (r,) of params (P,), or of those nearest to them."""
        return np.asarray(self.directions.T @ (params - self.origin))

    def spread(self, inverse: np.ndarray) -> np.ndarray:
        """Return ``A V A'`` (P, P) of a covariance of the free params (r, r)."""
        return np.asarray(self.directions @ inverse @ self.directions.T)


@dataclass(frozen=True)
class RestrictedLogLikelihood:
    """The log-likelihood as a function of the params that linear equations leave free."""

    objective: Objective
    space: FreeSpace

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, from order 1 on the score ``A's``, from 2 on ``A'I A``."""
        sums, a = self.objective.evaluate(self.space.leave(params), order), self.space.directions
        return replace(
            sums,
            score=None if sums.score is None else a.T @ sums.score,
            information=None if sums.information is None else a.T @ sums.information @ a,
        )

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        """Bound the largest standard error of any log-odds at any row."""
        return self.objective.bound_log_odds_error(self.space.spread(covariance))

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass over the rows."""
        return self.objective.bound_log_odds_coarsely(self.space.spread(covariance), sizes)

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are."""
        return self.objective.measure_rows()

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""
        return self.objective.bound_rounding(sizes)

"""Factor a covariance so that nearly collinear columns cost half the digits they usually do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack, solve_triangular

from mlelogit.exceptions import RankDeficiencyError

# A column of which others leave this share of the variance: below, the rounding of the covariance
# itself, 1e-16, takes all but four digits of what is left.
SINGULAR = 1e-12
# Cuts the 53 bits of a double in halves.
SPLITTER = 2.0**27 + 1


class Factor(NamedTuple):
    """``Σ = D L F F' L' D``: D powers of two, so that units cost no digit, and F nearly one.

    F makes up for what rounding took from L. The whitened ``F^-1 L^-1 D^-1 r`` are then right to
    the square root of the condition number, in roundings, where L alone costs all of it.
    """

    lower: np.ndarray
    fine: np.ndarray
    scale: np.ndarray

    @property
    def log_determinant(self) -> float:
        """The logarithm of det Σ."""
        parts = np.diag(self.lower), np.diag(self.fine), self.scale
        return float(2 * sum(np.log(part).sum() for part in parts))

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """Return ``F^-1 L^-1 D^-1 r`` of every row r, (n, K)."""
        coarse = solve_triangular(self.lower, (rows / self.scale).T, lower=True)
        return np.asarray(solve_triangular(self.fine, coarse, lower=True).T)

    def solve(self, rows: np.ndarray) -> np.ndarray:
        """Return ``Σ^-1 r`` of every row r, (n, K)."""
        white = solve_triangular(self.fine, self.whiten(rows).T, lower=True, trans="T")
        return np.asarray(solve_triangular(self.lower, white, lower=True, trans="T").T / self.scale)


def factor_covariance(covariance: np.ndarray, names: tuple, where: str) -> Factor:
    """Return the Cholesky factor of a covariance (K, K).

    Parameters
    ----------
    covariance : numpy.ndarray
    names : tuple
        Of the columns, for the message.
    where : str
        Which covariance it is, for the message.

    Raises
    ------
    RankDeficiencyError
        If others leave nothing of a column's variance, or it has none.
    """
    variances = np.diag(covariance)
    if not (variances > 0).all():
        name = names[int(np.argmin(variances))]
        raise RankDeficiencyError(f"Column {name!r} has no variance {where}; leave it out.")
    scale = 2.0 ** np.round(np.log2(variances) / 2)
    inside = covariance / scale / scale[:, None]
    lower, failed = lapack.dpotrf(inside, lower=1, clean=1)
    shares = np.diag(lower) ** 2 / np.diag(inside)
    column = failed - 1 if failed else int(np.argmin(shares))
    if failed or shares[column] < SINGULAR:
        raise RankDeficiencyError(
            f"The covariance {where} is not positive definite: column {names[column]!r} is a "
            "combination of the columns before it. Leave it out."
        )
    rest = _subtract_square(inside, lower)
    coarse = solve_triangular(lower, solve_triangular(lower, rest, lower=True).T, lower=True)
    fine = np.tril(coarse, -1) + np.diag(1 + np.diag(coarse) / 2)
    return Factor(lower, fine, scale)


def _subtract_square(matrix: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return ``A - L L'`` with products and sums free of rounding (Dekker 1971; Knuth 1969)."""
    far = SPLITTER * lower
    first = far - (far - lower)
    second = lower - first
    high, low = matrix, np.zeros(matrix.shape)
    for whole, one, two in zip(lower.T, first.T, second.T, strict=True):
        product = np.outer(whole, whole)
        error = np.outer(one, one) - product + np.outer(one, two) + np.outer(two, one)
        total = high - product
        back = total - high
        low = low + ((high - (total - back)) - (product + back)) - (error + np.outer(two, two))
        high = total
    return np.asarray(high + low)

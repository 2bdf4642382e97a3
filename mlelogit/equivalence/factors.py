"""The Cholesky factor of a covariance: of the matrix, or of the rows that it comes from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from mlelogit.exceptions import RankDeficiencyError
from mlelogit.fitting.linalg import factor_positive

# A column of which others leave this share of the variance: below, the rounding of the covariance
# itself, 1e-16, takes all but four digits of what is left.
SINGULAR = 1e-12


class Factor(NamedTuple):
    """``Σ = L L'``, L lower triangular with a positive diagonal (K, K)."""

    lower: np.ndarray

    @property
    def log_determinant(self) -> float:
        """The logarithm of det Σ."""
        return float(2 * np.log(np.diag(self.lower)).sum())

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """Return ``L^-1 r`` of every row r, (n, K)."""
        return np.asarray(solve_triangular(self.lower, rows.T, lower=True).T)

    def solve(self, rows: np.ndarray) -> np.ndarray:
        """Return ``Σ^-1 r`` of every row r, (n, K)."""
        white = self.whiten(rows).T
        return np.asarray(solve_triangular(self.lower, white, lower=True, trans="T").T)


def factor_rows(rows: np.ndarray) -> np.ndarray:
    """Return L (K, K) with ``Σ_n r_n r_n' = L L'`` for rows r_n, by their QR decomposition.

    No product of two columns is formed, so nearly collinear ones keep their digits.
    """
    upper = np.linalg.qr(rows, mode="r")
    full = np.zeros((rows.shape[1], rows.shape[1]))
    full[: len(upper)] = upper * np.where(np.diag(upper) < 0, -1.0, 1.0)[:, np.newaxis]
    return np.ascontiguousarray(full.T)


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
    # Powers of two: units cost no digit.
    scale = 2.0 ** np.round(np.log2(variances) / 2)
    inside = covariance / scale / scale[:, np.newaxis]
    lower = factor_positive(inside)
    if lower is None or (np.diag(lower) ** 2 < SINGULAR * np.diag(inside)).any():
        name = names[_find_first(inside)]
        raise RankDeficiencyError(
            f"The covariance {where} is not positive definite, or so nearly that no digits are "
            f"left: column {name!r} is a combination of the columns before it. Leave it out."
        )
    return Factor(lower * scale[:, np.newaxis])


def _find_first(matrix: np.ndarray) -> int:
    """Return the position of the first column that is a combination of those before it."""
    for count in range(1, len(matrix)):
        lower = factor_positive(matrix[: count + 1, : count + 1])
        if lower is None or lower[-1, -1] ** 2 < SINGULAR * matrix[count, count]:
            return count
    return len(matrix) - 1

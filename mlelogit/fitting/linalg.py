"""Log-softmax, the internal basis and safe solves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import qr, solve_triangular
from scipy.linalg.blas import dtrsv
from scipy.linalg.lapack import dpotrf, dpotri, dtrtrs

ALIAS_TOLERANCE = 1e-11
# A combination of rounded columns is off by one or two of their roundings.
ROUNDED = 4
MIRRORED_COLUMNS = 256
# Relative to the largest eigenvalue, what rounding leaves of a variance of zero.
NO_VARIANCE = 1e-14
# Numbers of an eigenvector this near to its largest could change places by another order of sums:
# far more than rounding, far less than what tells numbers apart.
LARGEST = 1e-6


def log_softmax(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities and probabilities of scores (J, m), both (J, m).

    The scores are shifted by their maximum over the categories first, which
    leaves the probabilities as they are and keeps every exponential below one
    (Bishop 2006, section 4.3.4, gives the softmax).
    """
    shifted = u - u.max(axis=0)
    powers = np.exp(shifted)
    totals = powers.sum(axis=0)
    return shifted - np.log(totals), powers / totals


def log_others(scores: np.ndarray) -> np.ndarray:
    """Return ``log Σ_{l ≠ k} e^{u_l}`` for every category k of scores (J, m), or log-probabilities.

    It is summed from both sides, so that nothing is taken off a sum, however much of it is k.
    """
    nothing = np.full((1, scores.shape[1]), -np.inf)
    before = np.logaddexp.accumulate(np.concatenate([nothing, scores[:-1]]))
    after = np.logaddexp.accumulate(np.concatenate([nothing, scores[:0:-1]]))[::-1]
    return np.asarray(np.logaddexp(before, after))


@dataclass(frozen=True)
class TriangularFactor:
    """R of a QR decomposition of stacked rows; ``+`` stacks more rows.

    Attributes
    ----------
    r : numpy.ndarray
        (at most K, K), upper triangular.
    """

    r: np.ndarray

    def __add__(self, other: TriangularFactor) -> TriangularFactor:
        return TriangularFactor(triangularize(np.vstack([self.r, other.r])))


def triangularize(rows: np.ndarray) -> np.ndarray:
    """Return R of the QR decomposition of rows (m, K)."""
    return np.asarray(qr(rows, mode="r", check_finite=False)[0][: rows.shape[1]])


@dataclass(frozen=True)
class ColumnBasis:
    """Orthogonal columns Z of a design X: ``X diag(1 / scale) - 1 center' = Z R``.

    Attributes
    ----------
    scale : numpy.ndarray
        (K,), powers of two, so that scaling is exact.
    center : numpy.ndarray
        (K,), means of the scaled columns where there is a constant column, whose own
        center is zero; zero where there is none. It goes off first, so that a large
        mean costs no digits.
    r : numpy.ndarray
        (K, K), upper triangular; Z'Z is n times the identity.
    intercept : int or None
        Position of the constant column.
    level : float
        Its scaled value.
    constant : numpy.ndarray or None
        (K,): the combination of Z that is one in every row, if there is one.
    """

    scale: np.ndarray
    center: np.ndarray
    r: np.ndarray
    intercept: int | None = None
    level: float = 1.0
    constant: np.ndarray | None = None

    def enter(self, x: np.ndarray) -> np.ndarray:
        """Return the columns of a block (K, m) in this basis.

        New rows may have something else in the column that is constant in the fit's: what was
        taken off the others as a center is so many constants.
        """
        center = self.center[:, np.newaxis]
        if self.intercept is not None:
            constants = x[self.intercept] / self.scale[self.intercept]
            if (constants != self.level).any():
                center = center * (constants / self.level)
        centered = x / self.scale[:, np.newaxis] - center
        return solve_upper(self.r, centered, transpose=True)

    def leave_params(self, params: np.ndarray) -> np.ndarray:
        """Map coefficients (..., K) of Z to coefficients of X."""
        flat = self._back(params.reshape(-1, len(self.scale)).T).T
        if self.intercept is not None:
            flat[:, self.intercept] -= flat @ self.center / self.level
        return (flat / self.scale).reshape(params.shape)

    def enter_params(self, params: np.ndarray) -> np.ndarray:
        """Map coefficients (..., K) of X to coefficients of Z."""
        flat = params.reshape(-1, len(self.scale)) * self.scale
        if self.intercept is not None:
            flat[:, self.intercept] += flat @ self.center / self.level
        return (flat @ self.r.T).reshape(params.shape)

    def leave_covariance(self, covariance: np.ndarray) -> np.ndarray:
        """Map a covariance (P, P) of coefficients of Z to one of coefficients of X."""
        size, width = len(covariance), len(self.scale)
        once = self.leave_params(covariance.reshape(size, size // width, width))
        half = once.reshape(size, size).T
        twice = self.leave_params(half.reshape(size, size // width, width)).reshape(size, size)
        return (twice + twice.T) / 2

    def enter_covariance(self, covariance: np.ndarray) -> np.ndarray:
        """Map a covariance (P, P) of coefficients of X to one of coefficients of Z."""
        size, width = len(covariance), len(self.scale)
        once = self.enter_params(covariance.reshape(size, size // width, width))
        half = once.reshape(size, size).T
        twice = self.enter_params(half.reshape(size, size // width, width)).reshape(size, size)
        return (twice + twice.T) / 2

    def leave_score(self, score: np.ndarray) -> np.ndarray:
        """Map a gradient (..., K) in the coefficients of Z to one of X."""
        flat = score.reshape(-1, len(self.scale)) @ self.r
        if self.intercept is not None:
            flat = flat + np.outer(flat[:, self.intercept] / self.level, self.center)
        return (flat * self.scale).reshape(score.shape)

    @cached_property
    def matrix(self) -> np.ndarray:
        """M (K, K): row i holds the coefficients of X that the i-th unit of Z stands for."""
        return self.leave_params(np.eye(len(self.scale)))

    def enter_score(self, score: np.ndarray) -> np.ndarray:
        """Map a gradient (P,) in the coefficients of X to one of Z."""
        return (score.reshape(-1, len(self.scale)) @ self.matrix.T).ravel()

    def enter_information(self, information: np.ndarray) -> np.ndarray:
        """Map an information (P, P) of the coefficients of X to one of Z."""
        size, width = len(information), len(self.scale)
        turn = self.matrix.T
        once = (information.reshape(-1, width) @ turn).reshape(size, size)
        twice = (once.T.reshape(-1, width) @ turn).reshape(size, size)
        return (twice + twice.T) / 2

    @cached_property
    def raw_amplification(self) -> float:
        """How much the rounding of a row grows if Z is never formed, but X used in its place.

        With ``x = z F`` for the scaled columns the scores are off by at most
        ``ε |z| |F| |F⁻¹| |γ|``: this is the norm of ``|F| |F⁻¹|``.
        """
        forth = self.enter_params(np.diag(1 / self.scale)).T
        return float(np.linalg.norm(np.abs(forth) @ np.abs(np.linalg.inv(forth)), 2))

    @cached_property
    def condition_number(self) -> float:
        """The condition number of X with every column scaled to length one.

        ``X / scale = Z (R + c center')`` with c the combination of Z that is one, so it is that
        of this matrix with its columns scaled (Belsley, Kuh and Welsch 1980, section 3.2).
        """
        whole = self.r
        if self.constant is not None:
            whole = whole + np.outer(self.constant, self.center)
        singular = np.linalg.svd(whole / np.linalg.norm(whole, axis=0), compute_uv=False)
        return float(singular[0] / singular[-1]) if singular[-1] else np.inf

    @cached_property
    def amplification(self) -> float:
        """How much a row's rounding can grow on the way into this basis.

        A row z solves ``z R = x`` with an error of at most ``ε |z| |R| |R⁻¹|`` (Higham 2002,
        theorem 8.5): this is the norm of ``|R| |R⁻¹|``.
        """
        inverse = self._back(np.eye(len(self.r)))
        return float(np.linalg.norm(np.abs(self.r) @ np.abs(inverse), 2))

    def _back(self, columns: np.ndarray) -> np.ndarray:
        return solve_upper(self.r, columns)


def find_aliases(
    r: np.ndarray, norms: np.ndarray, rounding: np.ndarray | None = None
) -> dict[int, np.ndarray]:
    """Find the columns that are combinations of the columns before them.

    A column counts as one when its residual on those kept before it is below
    `ALIAS_TOLERANCE` of its norm, or below what the rounding of any column can make.

    Parameters
    ----------
    r : numpy.ndarray
        (any, K), the triangular factor of scaled columns.
    norms : numpy.ndarray
        (K,), the norms of the columns.
    rounding : numpy.ndarray, optional
        (K,), how coarsely the columns are rounded; as doubles if not given.

    Returns
    -------
    dict
        Position -> coefficients (K,) of the combination.
    """
    diagonal = np.zeros(r.shape[1])
    diagonal[: min(r.shape)] = np.abs(np.diag(r))
    given = np.zeros(len(norms)) if rounding is None else rounding
    smallest = norms * np.maximum(ALIAS_TOLERANCE, ROUNDED * np.maximum.accumulate(given))
    if (diagonal > smallest).all():
        return {}
    r = r[: np.flatnonzero(r.any(axis=1)).max(initial=-1) + 1]  # Few rows leave most of it zero.
    aliases: dict[int, np.ndarray] = {}
    kept: list[int] = []
    q, triangle = np.zeros(r.shape, order="F"), np.zeros((r.shape[1], r.shape[1]))
    for column in range(r.shape[1]):
        count, left = len(kept), r[:, column]
        along = np.zeros(count)
        for _ in range(2):  # Twice is enough (Giraud, Langou and Rozloznik 2005).
            more = q[:, :count].T @ left
            along, left = along + more, left - q[:, :count] @ more
        residual = float(np.linalg.norm(left))
        if residual > smallest[column]:
            q[:, count], triangle[:count, count] = left / residual, along
            triangle[count, count] = residual
            kept.append(column)
        else:
            weights = np.zeros(r.shape[1])
            weights[kept] = solve_triangular(triangle[:count, :count], along)
            aliases[column] = weights
    return aliases


def factor_positive(matrix: np.ndarray) -> np.ndarray | None:
    """Return the lower Cholesky factor, or None if the matrix is not positive definite."""
    if not np.isfinite(matrix).all():
        return None
    lower, info = dpotrf(matrix, lower=1, clean=1)
    return None if info else np.asarray(lower)


def invert_positive(factor: np.ndarray) -> np.ndarray:
    """Return the inverse of ``L L'`` from L, exactly symmetric."""
    inverse, info = dpotri(factor, lower=1)
    if info:
        raise np.linalg.LinAlgError("The factor is singular.")
    return mirror_lower(np.asarray(inverse))


def find_root(covariance: np.ndarray) -> np.ndarray:
    """Return L (P, r) with ``V = L L'``, of as many columns as V has rank."""
    lower = factor_positive(covariance)
    if lower is not None:
        return lower
    values, vectors = np.linalg.eigh(covariance)
    kept = values > NO_VARIANCE * values[-1]
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))


def find_scaled_root(covariance: np.ndarray) -> np.ndarray:
    """Return R (P, P) with ``V = R R'``, whose variances may be of very different sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.fitting.linalg import find_scaled_root
    >>> root = find_scaled_root(np.array([[4.0, 2.0], [2.0, 1.0]]))
    >>> np.allclose(root @ root.T, [[4.0, 2.0], [2.0, 1.0]])
    True
    """
    size = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(covariance / scale / scale[:, np.newaxis])
    return np.asarray(scale[:, np.newaxis] * vectors * np.sqrt(np.maximum(values, 0.0)))


def find_balanced_root(covariance: np.ndarray, base: int, categories: int, rank: int) -> np.ndarray:
    """Return L (P, r) with ``V = L L'`` that does not depend on the base.

    Its columns are the principal axes of the coefficients of all categories, which sum to zero.
    """
    others, size = categories - 1, len(covariance)
    inner = covariance.reshape(others, -1, others, size // others)
    whole = np.insert(np.insert(inner, base, 0.0, axis=0), base, 0.0, axis=2)
    whole = whole - whole.mean(axis=0)
    whole = whole - whole.mean(axis=2, keepdims=True)
    size = whole.shape[0] * whole.shape[1]
    values, vectors = np.linalg.eigh(whole.reshape(size, size))
    values, vectors = np.maximum(values[-rank:], 0.0), settle_signs(vectors[:, -rank:])
    axes = (vectors * np.sqrt(values)).reshape(categories, -1, rank)
    return np.delete(axes - axes[base], base, axis=0).reshape(-1, rank)


def settle_signs(factor: np.ndarray) -> np.ndarray:
    """Give the columns of factors (..., q, d) signs that do not depend on how they were found.

    The first of the largest numbers of a column, ties by rounding included, becomes positive.
    """
    sizes = np.abs(factor)
    first = (sizes >= (1 - LARGEST) * sizes.max(axis=-2, keepdims=True)).argmax(axis=-2)
    chosen = np.take_along_axis(factor, first[..., np.newaxis, :], axis=-2)
    return np.asarray(np.where(chosen < 0, -factor, factor))


def measure_lengths(rows: np.ndarray) -> np.ndarray:
    """Return the lengths of rows (m, P), of any size that is a double."""
    if not rows.size:
        return np.zeros(len(rows))
    size = np.abs(rows).max(axis=1)
    scaled = rows / np.where(size > 0, size, 1.0)[:, np.newaxis]
    return np.asarray(size * np.linalg.norm(scaled, axis=1))


def mirror_lower(matrix: np.ndarray) -> np.ndarray:
    """Copy the lower triangle of a matrix to its upper one, in place, some columns at a time."""
    for start in range(0, len(matrix), MIRRORED_COLUMNS):
        stop = start + MIRRORED_COLUMNS
        corner = np.tril(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = corner + np.tril(corner, -1).T
        matrix[start:stop, stop:] = matrix[stop:, start:stop].T
    return matrix


def solve_lower(factor: np.ndarray, right: np.ndarray, transpose: bool = False) -> np.ndarray:
    """Solve ``L x = right``, or ``L' x = right``, for a lower triangular L."""
    if right.ndim == 1:
        return np.asarray(dtrsv(factor, right, lower=1, trans=int(transpose)))
    solution, info = dtrtrs(factor, right, lower=1, trans=int(transpose))
    if info:
        raise np.linalg.LinAlgError("The factor is singular.")
    return np.asarray(solution)


def solve_upper(factor: np.ndarray, right: np.ndarray, transpose: bool = False) -> np.ndarray:
    """Solve ``R x = right``, or ``R' x = right``, for an upper triangular R, without checks."""
    solution, info = dtrtrs(factor, right, lower=0, trans=int(transpose))
    if info:
        raise np.linalg.LinAlgError("The factor is singular.")
    return np.asarray(solution)

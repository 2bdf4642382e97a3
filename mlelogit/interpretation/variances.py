r"""The delta method: how functions of the coefficients vary as the coefficients do.

With G the gradients of functions, and V the covariance of the coefficients, that of the functions
is ``G V G'`` to the first order (Greene 2018, theorem D.21A). Along what runs to infinity in
separated data nothing is known of the coefficients: what moves with it has no variance, and what
moves with nothing else is settled by the separation alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.limit import ESTIMABLE
from mlelogit.fitting.linalg import ColumnBasis, find_scaled_root
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance

# A variance this far below what its terms add up to in size is their rounding, and zero.
NOISE = 8 * np.finfo(float).eps
# Of the longest gradient of a set of categories: a thousand roundings of the sums over rows that
# it is made of, and far less than what any coefficient that matters moves.
STILL = 1e-13


@dataclass(frozen=True)
class ParamsLaw:
    """How the coefficients vary, as kernels over blocks need it.

    Attributes
    ----------
    inner : numpy.ndarray
        V (P, P) in the internal basis; NaN if there is none.
    basis : ColumnBasis
    base : int
    df : float
        Of the t distribution of estimates over standard errors; infinite for the normal.
    free : numpy.ndarray or None
        (P, q), in the internal basis: directions that run to infinity, of which nothing is known.
    unknown : numpy.ndarray or None
        (J - 1, K): coefficients of the design's columns that have no variance for another reason.
    """

    inner: np.ndarray
    basis: ColumnBasis
    base: int
    df: float
    free: np.ndarray | None = None
    unknown: np.ndarray | None = None


def find_law(record: FitRecord, covariance: Covariance) -> ParamsLaw:
    """Return how a fit's coefficients vary, or raise `CovarianceError` if that was left out."""
    need_covariance(covariance)
    lost = ~np.isfinite(np.diag(covariance.matrix))
    inner, free = covariance.inner, None
    if inner is None or not np.isfinite(inner).all():
        known = np.where(lost | lost[:, np.newaxis], 0, covariance.matrix)
        inner = record.basis.enter_covariance(known)
    elif record.separation.found and record.separation.free is not None:
        free = record.separation.free
        lost = lost & np.isfinite(record.separation.find_limits(record.basis))
    if lost.all():
        inner = np.full(covariance.matrix.shape, np.nan)
    shape = record.params.shape
    unknown = lost.reshape(shape) if lost.any() else None
    base = record.encoding.base
    return ParamsLaw(np.asarray(inner), record.basis, base, covariance.df, free, unknown)


@dataclass(frozen=True)
class Combinations:
    """Linear combinations of coefficients to the first order, and what is known of them.

    Attributes
    ----------
    rows : numpy.ndarray
        (q, P), in the internal basis.
    errors : numpy.ndarray
        (q,): standard errors; NaN for those that take what has no variance.
    """

    rows: np.ndarray
    errors: np.ndarray


def combine_gradients(record: FitRecord, law: ParamsLaw, gradients: np.ndarray) -> Combinations:
    """Return combinations of the design's coefficients, gradients (q, P), and their errors.

    They are formed in the internal basis: in columns that are nearly collinear the terms of a
    variance are far larger than what they add up to.
    """
    broken = ~np.isfinite(gradients).all(axis=1)
    gradients = np.where(broken[:, np.newaxis], 0.0, gradients)
    rows = enter_rows(gradients, record.moves, record.basis)
    variances = np.einsum("qp,qp->q", rows @ law.inner, rows)
    roots = np.sqrt(np.maximum(np.diag(law.inner), 0.0))
    errors = np.sqrt(np.where(variances <= NOISE * (np.abs(rows) @ roots) ** 2, 0.0, variances))
    errors[broken] = np.nan
    if law.unknown is not None:
        errors[(gradients[:, law.unknown.ravel()] != 0).any(axis=1)] = np.nan
    if law.free is not None:
        moves = np.linalg.norm(rows @ law.free, axis=1)
        errors[moves > ESTIMABLE * np.linalg.norm(rows, axis=1)] = np.nan
    return Combinations(rows, errors)


def find_effect_root(record: FitRecord, law: ParamsLaw, jacobian: np.ndarray) -> np.ndarray:
    """Return W (q, r) with ``W W' = G V G'`` for effects on all categories, one after another.

    NaN in rows of effects that have no variance.

    Parameters
    ----------
    record : FitRecord
    law : ParamsLaw
    jacobian : numpy.ndarray
        G (q, P), in the columns of the design.
    """
    found = combine_gradients(record, law, jacobian)
    lost = np.isnan(found.errors)
    if record.separation.found:
        lost |= find_still(jacobian, len(record.encoding.categories))
    if not np.isfinite(law.inner).all():
        return np.full((len(jacobian), 1), np.nan)
    root = found.rows @ find_scaled_root(law.inner)
    root[lost] = np.nan
    return np.asarray(root)


def find_open(record: FitRecord, jacobian: np.ndarray) -> np.ndarray:
    """Tell which effects (q,) the limit of separated data leaves open.

    The limit does not change along its free directions; what does is not told by it.
    """
    free = record.separation.free
    if free is None or record.moves is not None:
        return np.zeros(len(jacobian), dtype=bool)
    inside = enter_rows(np.nan_to_num(jacobian), None, record.basis)
    along = np.linalg.norm(inside @ free, axis=1)
    open_ones = along > ESTIMABLE * np.linalg.norm(inside, axis=1)
    return np.asarray(open_ones & ~find_still(inside, len(record.encoding.categories)))


def find_still(jacobian: np.ndarray, categories: int) -> np.ndarray:
    """Tell which effects (q,) do not move with any coefficient, beside those of other categories.

    What rounding leaves is nothing: the base's effect is less the sum of the others'.
    """
    lengths = np.linalg.norm(jacobian, axis=1).reshape(-1, categories)
    return (lengths <= STILL * lengths.max(axis=1, keepdims=True)).ravel()


def bound_log_odds(
    log_odds: np.ndarray, errors: np.ndarray, half: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of intervals of so many errors either way; NaN where an error is zero."""
    with np.errstate(invalid="ignore"):
        reach = half * np.where(errors > 0, errors, np.nan)
        return log_odds - reach, log_odds + reach


def bound_probabilities(
    probabilities: np.ndarray, errors: np.ndarray, half: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of intervals of probabilities with errors: of their log-odds, mapped back.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.variances import bound_probabilities
    >>> low, high = bound_probabilities(np.array([0.02]), np.array([0.012]), 1.96)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.006], [0.063])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = errors / (probabilities * (1 - probabilities))
        low, high = bound_log_odds(logit(probabilities), moves, half)
    return np.asarray(expit(low)), np.asarray(expit(high))

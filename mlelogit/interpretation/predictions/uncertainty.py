r"""How log-odds vary with the coefficients, row by row, in blocks.

Row n has scores u and probabilities y. The log-odds of category k against all others,

.. math:: \eta_k = \log \frac{y_k}{1 - y_k} = u_k - \log \sum_{l \ne k} e^{u_l},
   \qquad \frac{\partial \eta_k}{\partial u_j} = h_{kj} = 1[j = k] - \frac{y_j}{1 - y_k} 1[j \ne k],

have in ``y_j / (1 - y_k)`` the probabilities of the others given that it is not k: the softmax of
the other scores, formed from these, so that neither a probability near one nor one near zero costs
digits. With the covariances ``Q_jl = x' V_jl x`` of the scores (zero for the base) their variance
is ``h_k' Q h_k`` (the delta method: Greene 2018, theorem D.21A). Rows of h sum to zero, so it does
not depend on the base. The log-odds of k against a category r have ``h = e_k - e_r``.

Everything is formed in the internal basis, where combinations of nearly collinear columns do not
cancel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from mlelogit.data.blocks import Block
from mlelogit.data.sources import lay_out
from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.limit import ESTIMABLE
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.inference.sandwich.leverage import form_variances
from mlelogit.interpretation.points import PointModel, map_point_scores

# A variance this far below what its terms add up to in size is their rounding, and zero.
NOISE = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class Spread:
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


def spread_params(record: FitRecord, covariance: Covariance) -> Spread:
    """Return how a fit's coefficients vary, or raise `CovarianceError` if that was left out."""
    need_covariance(covariance)
    lost = ~np.isfinite(np.diag(covariance.matrix))
    inner, free = covariance.inner, None
    if inner is None:
        inner = _enter_covariance(
            record, np.where(lost | lost[:, np.newaxis], 0, covariance.matrix)
        )
    elif record.separation.found and record.separation.free is not None:
        free = record.separation.free
        lost = lost & np.isfinite(record.separation.find_limits(record.basis))
    if lost.all():
        inner = np.full(covariance.matrix.shape, np.nan)
    shape = record.params.shape
    unknown = lost.reshape(shape) if lost.any() else None
    base = record.encoding.base
    return Spread(np.asarray(inner), record.basis, base, covariance.df, free, unknown)


def _enter_covariance(record: FitRecord, matrix: np.ndarray) -> np.ndarray:
    """Map a covariance (P, P) of the design's coefficients to one of the internal basis."""
    size = len(matrix)
    once = record.basis.enter_params(matrix.reshape(size, *record.params.shape))
    back = once.reshape(size, size).T.reshape(size, *record.params.shape)
    twice = record.basis.enter_params(back).reshape(size, size)
    return (twice + twice.T) / 2


def contrast_others(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-odds of every category against all others (J, m), and their h (m, J, J)."""
    size, rows = scores.shape
    nothing = np.full((1, rows), -np.inf)
    before = np.logaddexp.accumulate(np.concatenate([nothing, scores[:-1]]))
    after = np.logaddexp.accumulate(np.concatenate([nothing, scores[:0:-1]]))[::-1]
    others = np.logaddexp(before, after)
    with np.errstate(invalid="ignore"):
        log_odds = scores - others
        shares = scores.T[:, np.newaxis] - others.T[:, :, np.newaxis]
    own = np.arange(size)
    shares[:, own, own] = 0.0
    ways = -np.exp(shares, out=shares)
    ways[:, own, own] = 1.0
    return log_odds, ways


def contrast_one(scores: np.ndarray, against: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-odds of every category against one (J, m), and their h (m, J, J)."""
    size, rows = scores.shape
    ways = np.eye(size)
    ways[:, against] -= 1.0
    with np.errstate(invalid="ignore"):
        log_odds = scores - scores[against]
    log_odds[against, ~np.isnan(scores).any(axis=0)] = 0.0
    return log_odds, np.broadcast_to(ways, (rows, size, size))


def contrast(scores: np.ndarray, against: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds against one category, or against all others if None; and their h."""
    return contrast_others(scores) if against is None else contrast_one(scores, against)


def map_contrasts(
    block: Block, model: PointModel, spread: Spread, against: int | None
) -> np.ndarray:
    """Return log-odds of a block's rows, as `contrast` does, above their errors (2 J, m).

    An error is NaN where the log-odds are not finite, or take what has no variance.
    """
    log_odds, ways = contrast(map_point_scores(block, model), against)
    errors = measure_contrasts(block.x, ways, spread)
    errors[~np.isfinite(log_odds)] = np.nan
    return np.concatenate([log_odds, errors])


def measure_contrasts(x: Any, ways: np.ndarray, spread: Spread) -> np.ndarray:
    """Return the standard errors (C, m) of contrasts h (m, C, J) at columns x (K, m).

    NaN for those that take what has no variance.
    """
    h, q = form_contrasts(x, ways, spread)
    variances = np.einsum("nkj,nkj->kn", h @ q, h)
    roots = np.sqrt(np.maximum(np.diagonal(q, axis1=1, axis2=2), 0.0))
    largest = np.einsum("nkj,nj->kn", np.abs(h), roots)
    errors = np.sqrt(np.where(variances <= NOISE * largest**2, 0.0, variances))
    errors[find_lost(x, h, spread)] = np.nan
    return np.asarray(errors)


def form_contrasts(x: Any, ways: np.ndarray, spread: Spread) -> tuple[np.ndarray, np.ndarray]:
    """Return contrasts without the base (m, C, J - 1), and Q (m, J - 1, J - 1)."""
    q = form_variances(spread.basis.enter(lay_out(x)), spread.inner)
    return np.delete(ways, spread.base, axis=2), q


def find_lost(x: Any, h: np.ndarray, spread: Spread) -> np.ndarray:
    """Tell which contrasts without the base (m, C, J - 1) take what has no variance: (C, m)."""
    lost = np.zeros((h.shape[1], h.shape[0]), dtype=bool)
    if spread.unknown is not None:
        taken = spread.unknown.astype(np.float64) @ (lay_out(x) != 0)
        lost |= np.einsum("nkj,jn->kn", np.abs(h), taken) > 0
    if spread.free is not None:
        z = spread.basis.enter(lay_out(x))
        free = spread.free.reshape(h.shape[2], len(z), -1)
        moves = np.einsum("nkj,jqn->kqn", h, np.einsum("jiq,in->jqn", free, z))
        lengths = np.sqrt(np.einsum("nkj,nkj->kn", h, h) * (z**2).sum(axis=0))
        lost |= np.sqrt((moves**2).sum(axis=1)) > ESTIMABLE * lengths
    return lost


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


def combine_gradients(record: FitRecord, spread: Spread, gradients: np.ndarray) -> Combinations:
    """Return combinations of the design's coefficients, gradients (q, P), and their errors."""
    rows = enter_rows(gradients, record.moves, record.basis)
    variances = np.einsum("qp,qp->q", rows @ spread.inner, rows)
    roots = np.sqrt(np.maximum(np.diag(spread.inner), 0.0))
    errors = np.sqrt(np.where(variances <= NOISE * (np.abs(rows) @ roots) ** 2, 0.0, variances))
    if spread.unknown is not None:
        errors[(gradients[:, spread.unknown.ravel()] != 0).any(axis=1)] = np.nan
    if spread.free is not None:
        moves = np.linalg.norm(rows @ spread.free, axis=1)
        errors[moves > ESTIMABLE * np.linalg.norm(rows, axis=1)] = np.nan
    return Combinations(rows, errors)


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
    >>> from mlelogit.interpretation.predictions.uncertainty import bound_probabilities
    >>> low, high = bound_probabilities(np.array([0.02]), np.array([0.012]), 1.96)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.006], [0.063])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = errors / (probabilities * (1 - probabilities))
        low, high = bound_log_odds(logit(probabilities), moves, half)
    return np.asarray(expit(low)), np.asarray(expit(high))


def map_leads(block: Block, model: PointModel, spread: Spread) -> np.ndarray:
    """Return the leader of every row, its closest rival, log-odds between them, error (4, m).

    The closest is the one against which the lead is the fewest standard errors; NaN if there is
    no other, as in the limit of separated data.
    """
    scores = map_point_scores(block, model)
    size, rows = scores.shape
    best, places = scores.argmax(axis=0), np.arange(rows)
    ways = np.tile(-np.eye(size), (rows, 1, 1))
    ways[places, :, best] += 1.0
    leads = scores[best, places] - scores
    errors = measure_contrasts(block.x, ways, spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = leads / errors
    z[np.isnan(z)] = -np.inf
    z[~np.isfinite(leads)] = np.inf
    z[best, places] = np.inf
    rival = z.argmin(axis=0)
    found = np.stack([best, rival, leads[rival, places], errors[rival, places]])
    found[1:, np.isposinf(z[rival, places])] = np.nan
    return np.asarray(found)

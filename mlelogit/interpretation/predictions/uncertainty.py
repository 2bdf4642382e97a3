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

from typing import Any

import numpy as np

from mlelogit.data.blocks import Block
from mlelogit.data.sources import lay_out
from mlelogit.fitting.limit import ESTIMABLE
from mlelogit.fitting.linalg import log_others
from mlelogit.inference.sandwich.leverage import form_variances
from mlelogit.interpretation.points import PointModel, map_point_scores
from mlelogit.interpretation.variances import NOISE, ParamsLaw


def contrast_others(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-odds of every category against all others (J, m), and their h (m, J, J)."""
    others = log_others(scores)
    with np.errstate(invalid="ignore"):
        log_odds = scores - others
        shares = scores.T[:, np.newaxis] - others.T[:, :, np.newaxis]
    own = np.arange(len(scores))
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
    block: Block, model: PointModel, law: ParamsLaw, against: int | None
) -> np.ndarray:
    """Return log-odds of a block's rows, as `contrast` does, above their errors (2 J, m).

    An error is NaN where the log-odds are not finite, or take what has no variance.
    """
    log_odds, ways = contrast(map_point_scores(block, model), against)
    errors = measure_contrasts(block.x, ways, law)
    errors[~np.isfinite(log_odds)] = np.nan
    return np.concatenate([log_odds, errors])


def measure_contrasts(x: Any, ways: np.ndarray, law: ParamsLaw) -> np.ndarray:
    """Return the standard errors (C, m) of contrasts h (m, C, J) at columns x (K, m).

    NaN for those that take what has no variance.
    """
    h, q = form_contrasts(x, ways, law)
    variances = np.einsum("nkj,nkj->kn", h @ q, h)
    roots = np.sqrt(np.maximum(np.diagonal(q, axis1=1, axis2=2), 0.0))
    largest = np.einsum("nkj,nj->kn", np.abs(h), roots)
    errors = np.sqrt(np.where(variances <= NOISE * largest**2, 0.0, variances))
    errors[find_lost(x, h, law)] = np.nan
    return np.asarray(errors)


def form_contrasts(x: Any, ways: np.ndarray, law: ParamsLaw) -> tuple[np.ndarray, np.ndarray]:
    """Return contrasts without the base (m, C, J - 1), and Q (m, J - 1, J - 1)."""
    q = form_variances(law.basis.enter(lay_out(x)), law.inner)
    return np.delete(ways, law.base, axis=2), q


def find_lost(x: Any, h: np.ndarray, law: ParamsLaw) -> np.ndarray:
    """Tell which contrasts without the base (m, C, J - 1) take what has no variance: (C, m)."""
    lost = np.zeros((h.shape[1], h.shape[0]), dtype=bool)
    if law.unknown is not None:
        taken = law.unknown.astype(np.float64) @ (lay_out(x) != 0)
        lost |= np.einsum("nkj,jn->kn", np.abs(h), taken) > 0
    if law.free is not None:
        z = law.basis.enter(lay_out(x))
        free = law.free.reshape(h.shape[2], len(z), -1)
        moves = np.einsum("nkj,jqn->kqn", h, np.einsum("jiq,in->jqn", free, z))
        lengths = np.sqrt(np.einsum("nkj,nkj->kn", h, h) * (z**2).sum(axis=0))
        lost |= np.sqrt((moves**2).sum(axis=1)) > ESTIMABLE * lengths
    return lost


def map_leads(block: Block, model: PointModel, law: ParamsLaw) -> np.ndarray:
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
    errors = measure_contrasts(block.x, ways, law)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = leads / errors
    z[np.isnan(z)] = -np.inf
    z[~np.isfinite(leads)] = np.inf
    z[best, places] = np.inf
    rival = z.argmin(axis=0)
    found = np.stack([best, rival, leads[rival, places], errors[rival, places]])
    found[1:, np.isposinf(z[rival, places])] = np.nan
    return np.asarray(found)

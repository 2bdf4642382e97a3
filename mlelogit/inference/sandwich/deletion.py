r"""Rows left out: the Newton step from the estimates to those of the other rows.

Let row n have the columns x, the residual ``e = w (d - t y)`` and ``A = w t (diag(y) - y y')`` in
the categories but the base, V the inverse of the information I, and ``Q = U'VU`` with
``U = 1 ⊗ x``. Without the row the score at the estimates is ``-U e`` and the information
``I - U A U'``, so that the Newton step ends at

    b - (I - U A U')⁻¹ U e = b - V U u,    u = (1 - A Q)⁻¹ e

(Woodbury; Pregibon 1981, Annals of Statistics 9, 705-724, for two categories; Lesaffre and
Albert 1989, Applied Statistics 38, 425-440, for several). From there, to the second order,

- the log-likelihood of the other rows has risen by ``s'(I - U A U')⁻¹s / 2 = e'Q u / 2``;
- the residual is told by others, with the variance ``A - A Q A``: ``e' A⁻¹ u`` is its square.

Where constraints hold, or the data are separated, V is that of what is left to estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.data.blocks import Block
from mlelogit.fitting.likelihood import Evaluation, drop_base, evaluate_block, weigh
from mlelogit.inference.sandwich.leverage import (
    Leverages,
    factor_spread,
    find_leverages,
    form_variances,
)


@dataclass(frozen=True)
class Deletions:
    """What leaving out each of some rows does.

    Attributes
    ----------
    leverages : Leverages
    pulls : numpy.ndarray
        u (J - 1, m): without the row the estimates move by ``-V (u ⊗ x)``.
    gains : numpy.ndarray
        ``e'Q u / 2`` (m,): by how much the log-likelihood of the other rows rises then.
    distances : numpy.ndarray
        ``u'Q u`` (m,): the square of that move, on the scale of the information I.
    squares : numpy.ndarray
        ``e' A⁻¹ u`` (m,): the standardized chi-square of the row.
    lone : numpy.ndarray
        (m,), bool: where a leverage is one, and the pseudo-inverse stands for the inverse.
    """

    leverages: Leverages
    pulls: np.ndarray
    gains: np.ndarray
    distances: np.ndarray
    squares: np.ndarray
    lone: np.ndarray


def delete_rows(block: Block, params: np.ndarray, base: int, covariance: np.ndarray) -> Deletions:
    """Leave out every row of a block by itself, with all its people and its weight.

    Parameters
    ----------
    block : Block
    params : numpy.ndarray
        (P,), in the columns of the block.
    base : int
    covariance : numpy.ndarray
        V (P, P), likewise.
    """
    evaluation = evaluate_block(block, params, base)
    people = np.ones(block.x.shape[1]) if evaluation.totals is None else evaluation.totals
    scale = np.sqrt(weigh(block, people))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(people > 0, scale / people, 0.0)
    turned = _whiten_residuals(evaluation, base) * ratio[:, np.newaxis]
    residuals = -weigh(block, drop_base(evaluation.excess, base)).T[:, :, np.newaxis]
    factor = factor_spread(evaluation, base) * scale[:, np.newaxis, np.newaxis]
    q = form_variances(block.x, covariance)
    leverages = find_leverages(factor, q)
    adjust, lone = leverages.adjust(1.0)
    pulls = (adjust @ residuals)[:, :, 0]
    gains = np.einsum("mk,mkl,ml->m", residuals[:, :, 0], q, pulls) / 2
    distances = np.einsum("mk,mkl,ml->m", pulls, q, pulls)
    rest = 1 - np.where(lone[:, np.newaxis], 0.0, leverages.values)
    known = np.isfinite(turned).all(axis=1)
    along = np.einsum("mkl,mk->ml", leverages.vectors, np.where(known[:, np.newaxis], turned, 0.0))
    with np.errstate(over="ignore"):
        squares = np.where(known, (along**2 / rest).sum(axis=1), np.inf)
    return Deletions(leverages, pulls.T, gains, distances, squares, lone)


def _whiten_residuals(evaluation: Evaluation, base: int) -> np.ndarray:
    """Return ``F⁻¹ (d - t y)`` (m, J - 1) with ``F F' = diag(y) - y y'``.

    ``F⁻¹ r = r / p + p Σ_k r_k / (√y_base (1 + √y_base))`` with ``p = √y``, and the residuals of
    all categories add up to zero. A category without probability has no residual either.
    """
    every = evaluation.probabilities
    p, root = np.sqrt(drop_base(every, base)), np.sqrt(every[base])
    excess, last = drop_base(evaluation.excess, base), evaluation.excess[base]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        own = np.where(excess == 0, 0.0, excess / p)
        rest = np.where(last == 0, 0.0, last / (root * (1 + root)))
        return np.asarray(p * rest - own).T

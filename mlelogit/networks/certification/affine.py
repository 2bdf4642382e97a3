r"""The certificate of a network whose scores are affine in its parameters.

Such a network has no hidden layer that is fitted, whatever the module looks like; its scores
``u_n(w) = u_n(0) + G_n w`` make the log-likelihood concave, and a stationary point is a global
maximum. The theorem of `mlelogit.fitting.certificate` then bounds how far that is. It needs of
the log-odds only that they are affine along lines: row n's third derivative along v is at most
its spread ``range_n(v)`` times its second. With s and I the score and information,
``λ² = s' I⁺ s``, D the largest standard error of any log-odds of any row and ``a = λ D < 1``, a
finite maximum exists, no log-odds of any row is further from there than ``-log(1 - a) / D`` of
its own standard errors, and ``(a + (1 - a) log(1 - a)) / D²`` of log-likelihood is left at most.

A Gaussian prior adds a quadratic, which has no third derivative and whose second is not negative:
with φ the penalized objective along a line, ``|φ'''| <= range_n(v) φ''`` as before, ``range_n(v)
<= D ‖v‖`` in the norm of the penalized information, and the rest follows word by word.

Directions along which no log-odds of any row changes, nor any parameter with a prior, are flat:
the shift of all scores, columns that are combinations of others. They are found as the null space
of G's contrasts, before any weight or probability, by the rank that the package gives to
columns; the theorem holds in their complement, where I is positive definite or nothing is claimed.

The change of scores by each parameter takes one pass over the rows, and the matrices P² numbers:
so it is done for small networks only. Derivation: ``docs/explanation/derivations.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlelogit.fitting.certificate import (
    Certificate,
    RowSizes,
    allow_rounding,
    bound_rounding,
    certify,
)
from mlelogit.fitting.linalg import (
    ALIAS_TOLERANCE,
    factor_positive,
    invert_positive,
    log_softmax,
    triangularize,
)
from mlelogit.networks.certification.scores import score_block
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.rows import cut_rows

# Numbers of the changes of scores that are held at a time: 64 MB.
HELD = 1 << 23
# Rows times categories times P², the arithmetic of one pass: some seconds.
LARGEST_WORK = 1e10
LARGEST_SIZE = 1500


@dataclass(frozen=True)
class ScoreChanges:
    """How the scores of every row change with some parameters in which they are affine.

    Attributes
    ----------
    likelihood : NetworkLikelihood
    origin : numpy.ndarray
        (P,): the parameters, those that change at zero.
    columns : numpy.ndarray
        (q,): places of those that change.
    """

    likelihood: NetworkLikelihood
    origin: np.ndarray
    columns: np.ndarray

    @cached_property
    def blocks(self) -> list[slice]:
        """The rows, so many at a time that their changes can be held."""
        rows = self.likelihood.rows
        categories = len(rows.encoding.categories)
        most = max(1, HELD // (categories * max(1, len(self.columns))))
        return list(cut_rows(rows.total, min(most, rows.per_block)))

    def walk(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the changes G (m, J, q) of every block of rows."""
        if len(self.blocks) == 1:
            yield self.blocks[0], self.whole
            return
        for block in self.blocks:
            yield block, self.find(block)

    @cached_property
    def whole(self) -> np.ndarray:
        """The changes of all rows, if they are one block."""
        return self.find(self.blocks[0])

    def find(self, block: slice) -> np.ndarray:
        """Return the changes G (m, J, q) of some rows: one pass for each parameter."""
        still = self.score(self.origin, block)
        changes = np.empty((*still.shape, len(self.columns)))
        moved = self.origin.copy()
        for place, column in enumerate(self.columns):
            moved[column] = 1.0
            changes[:, :, place] = self.score(moved, block) - still
            moved[column] = 0.0
        return changes

    def score(self, params: np.ndarray, block: slice) -> np.ndarray:
        """Return the contrasts of scores (m, J) of some rows."""
        return score_block(self.likelihood, params, block)


def is_examinable(likelihood: NetworkLikelihood) -> bool:
    """Tell whether a network is small enough for its change of scores to be found."""
    rows, size = likelihood.rows, likelihood.network.size
    work = float(rows.total) * len(rows.encoding.categories) * size**2
    return size <= LARGEST_SIZE and work <= LARGEST_WORK


def certify_affine(
    likelihood: NetworkLikelihood, params: np.ndarray, tolerance: float
) -> Certificate:
    """Bound how far the global maximum is from a point.

    Parameters
    ----------
    likelihood : NetworkLikelihood
        Of a network whose scores are affine in its parameters.
    params : numpy.ndarray
        (P,).
    tolerance : float
        The bound asked for, in standard errors.
    """
    changes = ScoreChanges(likelihood, np.zeros_like(params), np.arange(len(params)))
    turn, back = find_complement(changes)
    if not turn.shape[1]:
        return certify(0.0, 0.0, tolerance)
    score, information, sizes = _sum_rows(changes, params, turn)
    lower = factor_positive(information)
    if lower is None:
        return certify(np.inf, np.inf, tolerance)
    inverse = invert_positive(lower.copy())
    decrement = float(np.linalg.norm(np.linalg.solve(lower, score)))
    amplification = float(np.linalg.norm(np.abs(back) @ np.abs(turn), 2))
    rounding = bound_rounding(sizes, amplification, len(score), likelihood.rows.total)
    spread = _find_largest_error(changes, turn, lower)
    raised = allow_rounding(decrement, spread, float(np.trace(inverse)), rounding)
    return certify(*raised, tolerance * rounding.unit)


def find_complement(changes: ScoreChanges) -> tuple[np.ndarray, np.ndarray]:
    """Return T (P, r) whose columns span what is not flat, and its left inverse (r, P).

    The contrasts of G times T are orthogonal columns of length sqrt(n), as in the package's own
    basis, if there is no prior.
    """
    size, precisions = len(changes.columns), changes.likelihood.precisions
    r = np.diag(np.sqrt(precisions[changes.columns]))
    for _, block in changes.walk():
        contrasts = block - block.mean(axis=1, keepdims=True)
        r = triangularize(np.vstack([r, contrasts.reshape(-1, size)]))
    lengths = np.linalg.norm(r, axis=0)
    scale = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1.0), 1.0)
    _, values, vectors = np.linalg.svd(r * scale)
    kept = values > ALIAS_TOLERANCE * max(float(values[0]), np.finfo(float).tiny)
    root = np.sqrt(changes.likelihood.rows.total)
    along, values = vectors[kept], values[kept]
    turn = scale[:, np.newaxis] * along.T / values * root
    return turn, (values[:, np.newaxis] * along) / scale / root


def _sum_rows(
    changes: ScoreChanges, params: np.ndarray, turn: np.ndarray
) -> tuple[np.ndarray, np.ndarray, RowSizes]:
    """Return score (r,) and information (r, r) in other coordinates, and how large rows are."""
    likelihood, size = changes.likelihood, turn.shape[1]
    prior = likelihood.precisions
    score = -turn.T @ (prior * params)
    information = turn.T @ (prior[:, np.newaxis] * turn)
    sizes = RowSizes(0.0, 0.0, 0.0, 0.0, 0.0)
    for block, change in changes.walk():
        z = _turn(change, turn)
        still = changes.score(changes.origin, block)
        y = log_softmax((still + change @ params).T)[1].T
        d, weights = likelihood.rows.targets(block), likelihood.rows.weights(block)
        people = weights * d.sum(axis=1)
        score += np.einsum("nk,nkr->r", weights[:, np.newaxis] * d - people[:, np.newaxis] * y, z)
        z = z - np.einsum("nk,nkr->nr", y, z)[:, np.newaxis]
        root = (np.sqrt(people[:, np.newaxis] * y)[:, :, np.newaxis] * z).reshape(-1, size)
        information += root.T @ root
        longest = (z**2).sum(axis=2).max(axis=1)
        first = people * np.sqrt(longest) * (1 + np.abs(still).max(axis=1))
        sizes += RowSizes(
            float(first.sum()),
            float(people @ longest),
            float(people.max()),
            float(people.sum()),
            float(longest.max()),
        )
    return score, (information + information.T) / 2, sizes


def _find_largest_error(changes: ScoreChanges, turn: np.ndarray, lower: np.ndarray) -> float:
    """Return D: the largest standard error of the log-odds of two categories at any row."""
    root = np.linalg.solve(lower, turn.T).T
    largest = 0.0
    for _, change in changes.walk():
        moved = _turn(change, root)
        for k in range(moved.shape[1] - 1):
            apart = moved[:, k + 1 :] - moved[:, k : k + 1]
            largest = max(largest, float(np.einsum("nkr,nkr->nk", apart, apart).max()))
    return float(np.sqrt(largest))


def _turn(change: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Return the contrasts of changes in other coordinates (m, J, r)."""
    turned = change @ turn
    return np.asarray(turned - turned.mean(axis=1, keepdims=True))

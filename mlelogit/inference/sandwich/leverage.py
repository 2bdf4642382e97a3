r"""Scores adjusted for leverage: what each row or cluster took part in deciding, added back.

With V the inverse of the information, ``V = L L'``, and I_g the part of a row or a cluster in
the information, the scores s_g become

    L' s_g  ->  (1 - L' I_g L)^(-1/2) L' s_g      (HC2, CR2; Bell and McCaffrey 2002)
    L' s_g  ->  (1 - L' I_g L)^(-1)   L' s_g      (HC3, CR3)

The second is the Newton step from the estimates that leaves g out, the one-step jackknife
(MacKinnon and White 1985; Pregibon 1981 for one row of a logit). For a row of columns x and
probabilities y, with ``A = diag(y) - y y'`` of the categories but the base and
``Q_kl = x' V_kl x``, the leverage is the block ``A Q`` of (J - 1) x (J - 1): with
``A = F F'`` the score's residual r becomes ``r + F W φ(Λ) W' F' Q r`` where
``F' Q F = W Λ W'``, since ``f(B C) = 1 + B φ(C B) C`` if ``f(t) = 1 + t φ(t)``. No inverse of A is
needed, whose entries may be as small as they like. A cluster is treated so with its rows side
by side, or, if its residuals are more than parameters, by the eigenvalues of ``L' I_g L`` itself.

Each of several people in a row is an observation with a leverage of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks, cut_block
from mlelogit.data.design import take_rows
from mlelogit.data.sources import lay_out
from mlelogit.data.threads import fold_in_order
from mlelogit.exceptions import LeverageWarning
from mlelogit.fitting.adjustments import CACHED_ELEMENTS, LEAST_ROWS, stack_forms
from mlelogit.fitting.likelihood import (
    Evaluation,
    Matrix,
    drop_base,
    evaluate_block,
    spread_residuals,
    weigh,
)
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.products import index_pairs, weighted_gram
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.sandwich.cells import open_objective, sort_cells
from mlelogit.notices import track, warn_user

# Kind -> the power of (1 - H) that scores are divided by.
POWERS = {"HC2": 0.5, "HC3": 1.0, "CR2": 0.5, "CR3": 1.0}
# Half a double's digits: closer to one, rounding decides what is left.
LONE = 1e-8
# The arrays of some clusters of one size stay in cache.
BATCH_ELEMENTS = 1 << 16
# So many operations of eigenvalues take some ten seconds.
LONG_WORK = 1e10


@dataclass(frozen=True)
class AdjustedMeat(Matrix):
    """A sum of outer products of adjusted scores, and how many rows or clusters stand alone."""

    lone: int

    def __add__(self, other: Matrix) -> AdjustedMeat:
        lone = other.lone if isinstance(other, AdjustedMeat) else 0
        return AdjustedMeat(self.value + other.value, self.lone + lone)


def find_shift(leverages: np.ndarray, power: float) -> tuple[np.ndarray, np.ndarray]:
    """Return φ with ``(1 - t)^-power = 1 + t φ(t)``, and where a leverage t is one.

    There the pseudo-inverse is taken, which makes it zero: nothing but the row or cluster
    itself tells that combination, so its score along it is zero.
    """
    rest = 1 - leverages
    lone = rest < LONE
    rest = np.where(lone, 1.0, rest)
    shift = 1 / rest if power == 1 else 1 / (rest + np.sqrt(rest))
    return np.where(lone, -1 / np.where(lone, leverages, 1.0), shift), lone


def factor_spread(evaluation: Evaluation, base: int) -> np.ndarray:
    """Return F (m, J - 1, J - 1) with ``F F' = diag(y) - y y'`` for every row.

    ``F = diag(p) - y p' / (1 + √y_base)`` with ``p = √y``: since p'p = 1 - y_base.
    """
    every = evaluation.probabilities
    y = drop_base(every, base).T
    p = np.sqrt(y)
    factor = -y[:, :, np.newaxis] * (p / (1 + np.sqrt(every[base]))[:, np.newaxis])[:, np.newaxis]
    diagonal = np.arange(y.shape[1])
    factor[:, diagonal, diagonal] += p
    return factor


def form_variances(x: Any, covariance: np.ndarray) -> np.ndarray:
    """Return ``Q_kl = x' V_kl x`` for every row of columns x (K, m): (m, J - 1, J - 1)."""
    width, rows = x.shape
    equations = len(covariance) // width
    blocks = covariance.reshape(equations, width, equations, width).transpose(0, 2, 1, 3)
    q = np.empty((rows, equations, equations))
    step = max(LEAST_ROWS, CACHED_ELEMENTS // len(covariance))
    for start in range(0, rows, step):
        part = x[:, start : start + step]
        for k in range(equations):
            forms = stack_forms(part, blocks[k, k:]).T
            q[start : start + step, k, k:] = q[start : start + step, k:, k] = forms
    return q


@dataclass(frozen=True)
class Leverages:
    """The leverages of some rows, by ``F' Q F = W Λ W'``.

    Attributes
    ----------
    factor : numpy.ndarray
        F (m, J - 1, J - 1), with ``F F'`` the weight of a row in the information.
    ahead : numpy.ndarray
        ``F' Q``, likewise.
    values : numpy.ndarray
        Λ (m, J - 1), ascending: the eigenvalues of the leverage.
    vectors : numpy.ndarray
        W (m, J - 1, J - 1).
    """

    factor: np.ndarray
    ahead: np.ndarray
    values: np.ndarray
    vectors: np.ndarray

    @property
    def blocks(self) -> np.ndarray:
        """The leverage ``F F' Q`` of every row (m, J - 1, J - 1)."""
        return np.asarray(self.factor @ self.ahead)

    def adjust(self, power: float) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(1 - F F' Q)^-power`` (m, J - 1, J - 1), and where a leverage is one (m,)."""
        shift, lone = find_shift(self.values, power)
        left = self.factor @ self.vectors * shift[:, np.newaxis]
        adjust = left @ (np.swapaxes(self.vectors, 1, 2) @ self.ahead)
        return adjust + np.eye(adjust.shape[1]), np.asarray(lone.any(axis=1))


def find_leverages(factor: np.ndarray, q: np.ndarray) -> Leverages:
    """Decompose the leverages of rows by F and Q, (m, J - 1, J - 1) each."""
    ahead = np.swapaxes(factor, 1, 2) @ q
    return Leverages(factor, ahead, *np.linalg.eigh(ahead @ factor))


def sum_adjusted_meat(
    block: Block,
    params: np.ndarray,
    base: int,
    covariance: np.ndarray,
    power: float,
    weight_type: str | None,
    turn: np.ndarray | None = None,
) -> AdjustedMeat:
    """Sum the outer products of a block's adjusted scores, packed: HC2 with power 1/2, HC3 with 1.

    A sampling weight is part of the leverage, and squared in the products; a frequency
    weight is neither.
    """
    sampling = weight_type == "sampling"
    evaluation = evaluate_block(block, params, base)
    pairs = spread_residuals(block, evaluation, base)
    q, factor = form_variances(block.x, covariance), factor_spread(evaluation, base)
    if sampling:
        factor *= np.sqrt(np.asarray(block.weights))[:, np.newaxis, np.newaxis]
    adjust, lone = find_leverages(factor, q).adjust(power)
    first, second, position = index_pairs(q.shape[1])
    products = adjust @ pairs.T[:, position] @ np.swapaxes(adjust, 1, 2)
    spread = np.ascontiguousarray(products[:, first, second].T)
    for _ in range(2 if sampling else 1):
        spread = weigh(block, spread, spread)
    return AdjustedMeat(weighted_gram(block.x, spread, turn), int(lone.sum()))


def sum_adjusted_meats(record: FitRecord, covariance: np.ndarray, power: float) -> np.ndarray:
    """Return the sum of outer products of the observations' adjusted scores (P, P).

    Parameters
    ----------
    record : FitRecord
    covariance : numpy.ndarray
        V (P, P), in the internal basis.
    power : float
        1/2 for HC2, 1 for HC3.

    Warns
    -----
    LeverageWarning
        If a row has a leverage of one.
    """
    objective, params = open_objective(record)
    outer = objective.leave_covariance(covariance)
    meat = objective.sum_products(sum_adjusted_meat, params, outer, power, record.weight_type)
    warn_of_lone(meat.lone, "rows")
    return meat.value


def warn_of_lone(count: int, what: str) -> None:
    """Warn of rows or clusters that alone decide a combination of coefficients."""
    if count:
        warn_user(
            f"{count} {what} have a leverage of one: each alone decides some combination of the "
            "coefficients, whose variance they do not tell. Their adjustment is a pseudo-inverse: "
            "read these coefficients' standard errors with care, or drop what only they decide.",
            LeverageWarning,
        )


def sum_adjusted_clusters(
    record: FitRecord, root: np.ndarray, codes: np.ndarray, count: int, power: float
) -> AdjustedMeat:
    """Return the sum of outer products of the clusters' adjusted scores ``L' S_g``: (r, r).

    Parameters
    ----------
    record : FitRecord
    root : numpy.ndarray
        L (P, r), in the internal basis.
    codes : numpy.ndarray
        (n,), the cluster of every row.
    count : int
        How many clusters there are, none of them empty.
    power : float
        1/2 for CR2, 1 for CR3.
    """
    objective, params = open_objective(record)
    clusters = _Clusters(objective, record, params, root, power)
    order, starts = sort_cells(codes, count)
    sizes = np.diff(starts)
    equations = len(params) // objective.blocks.width
    # So large a cluster fills a batch: its rows are summed block by block.
    large = sizes * equations * root.shape[1] > BATCH_ELEMENTS
    total = AdjustedMeat(np.zeros((root.shape[1], root.shape[1])), 0)
    places = np.flatnonzero(large)
    shown = None if len(places) * len(params) ** 3 >= LONG_WORK else False
    for cluster in track(places, "Clusters", shown):
        total += clusters.adjust_large(order[starts[cluster] : starts[cluster + 1]])
    batches = []
    for size in np.unique(sizes[~large]):
        members = np.flatnonzero(~large & (sizes == size))
        step = max(1, BATCH_ELEMENTS // (int(size) * equations * root.shape[1]))
        rows = order[starts[members][:, np.newaxis] + np.arange(size)]
        batches += [rows[first : first + step] for first in range(0, len(members), step)]
    found: list[AdjustedMeat] = []
    fold_in_order(clusters.adjust_batch, batches, objective.blocks.threads, found.append)
    return sum(found, total)


def adjust_scores(
    power: float, scores: np.ndarray, products: np.ndarray, half: np.ndarray | None = None
) -> AdjustedMeat:
    """Adjust scores ``L' S_g`` (clusters, r) by ``L' I_g L = B B'``, or by B and ``B' B``."""
    leverages, vectors = np.linalg.eigh(products)
    shift, lone = find_shift(leverages, power)
    turned = np.swapaxes(vectors, 1, 2)
    turned, strength = (turned, leverages * shift) if half is None else (turned @ half, shift)
    along = strength * np.einsum("ctr,cr->ct", turned, scores)
    adjusted = scores + np.einsum("ctr,ct->cr", turned, along)
    return AdjustedMeat(adjusted.T @ adjusted, int(lone.any(axis=1).sum()))


@dataclass(frozen=True)
class _Clusters:
    """What the clusters of a fit are adjusted with."""

    objective: LogLikelihood
    record: FitRecord
    params: np.ndarray
    root: np.ndarray
    power: float

    def adjust_large(self, rows: np.ndarray) -> AdjustedMeat:
        """Adjust a cluster of many rows, by the sums of its blocks."""
        blocks = self.objective.blocks
        part = take_rows(blocks.design, np.sort(rows), lazy=True)
        apart = RowBlocks(part, blocks.basis, None, blocks.threads)
        sums = replace(self.objective, blocks=apart).evaluate(self.params, 2)
        score = self.root.T @ np.asarray(sums.score)
        share = self.root.T @ np.asarray(sums.information) @ self.root
        return adjust_scores(self.power, score[np.newaxis], (share + share.T)[np.newaxis] / 2)

    def adjust_batch(self, rows: np.ndarray) -> AdjustedMeat:
        """Adjust some clusters of m rows each, (clusters, m), side by side."""
        design, base = self.objective.blocks.design, self.objective.base
        block = cut_block(take_rows(design, rows.ravel()), 0, rows.size)
        block = replace(block, x=self.record.basis.enter(lay_out(block.x)))
        evaluation = evaluate_block(block, self.params, base)
        residuals = -weigh(block, drop_base(evaluation.excess, base))
        scale = np.sqrt(weigh(block, self._count_people(evaluation, rows.size)))
        factor = factor_spread(evaluation, base) * scale[:, np.newaxis, np.newaxis]
        equations, rank = len(residuals), self.root.shape[1]
        cube = self.root.reshape(equations, -1, rank)
        along = np.matmul(block.x.T, cube).transpose(1, 0, 2)
        scores = np.einsum("em,mer->mr", residuals, along)
        scores = scores.reshape(*rows.shape, rank).sum(axis=1)
        half = np.swapaxes(factor, 1, 2) @ along
        half = half.reshape(len(rows), rows.shape[1] * equations, rank)
        if half.shape[1] >= rank:
            return adjust_scores(self.power, scores, np.swapaxes(half, 1, 2) @ half)
        return adjust_scores(self.power, scores, half @ np.swapaxes(half, 1, 2), half)

    @staticmethod
    def _count_people(evaluation: Evaluation, rows: int) -> np.ndarray:
        return np.ones(rows) if evaluation.totals is None else evaluation.totals

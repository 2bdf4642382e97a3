"""Sums of scores and informations by cell, of rows that are read in pieces.

One pass finds the labels; a pass for every so many cells sums what is theirs. The memory is that
of some cells' sums, never of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.data.streaming.labels import StreamedLabels
from mlelogit.exceptions import RowsNotHeldError
from mlelogit.fitting.likelihood import sum_block
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.products import unpack_gram
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.sandwich.cells import open_objective, sum_apart
from mlelogit.inference.sandwich.leverage import AdjustedMeat, adjust_scores

# 64 MB of sums at a time: every thread and every piece under way has as many.
STREAMED_ELEMENTS = 1 << 23
# Beyond this reading the rows anew for every range of cells is no answer any more.
MOST_PASSES = 100


@dataclass(frozen=True)
class CellInformations:
    """Scores (c, P) and informations (c, P, P) of cells (c,); ``+`` joins rows."""

    cells: np.ndarray | None
    scores: np.ndarray
    informations: np.ndarray
    count: int

    def spread(self) -> CellInformations:
        """Return those of all cells, zero where there is no row."""
        if self.cells is None:
            return self
        scores = np.zeros((self.count, *self.scores.shape[1:]))
        informations = np.zeros((self.count, *self.informations.shape[1:]))
        scores[self.cells], informations[self.cells] = self.scores, self.informations
        return CellInformations(None, scores, informations, self.count)

    def __add__(self, other: CellInformations) -> CellInformations:
        total, places = self.spread(), slice(None) if other.cells is None else other.cells
        total.scores[places] += other.scores
        total.informations[places] += other.informations
        return total


def sum_cell_informations(
    block: Block, params: np.ndarray, base: int, basis: ColumnBasis | None, count: int
) -> CellInformations:
    """Add up scores and informations of a block's rows by cell, in a basis if one is given."""
    x = lay_out(block.x)
    block = replace(block, x=x if basis is None else basis.enter(x))
    groups = np.asarray(block.groups)
    order = np.argsort(groups, kind="stable")
    cells, starts = np.unique(groups[order], return_index=True)
    scores, informations = [], []
    for rows in np.split(order, starts[1:]):
        sums = sum_block(_take_rows(block, rows), params, base, 2, None, False)
        scores.append(np.asarray(sums.score))
        informations.append(unpack_gram(np.asarray(sums.information), len(block.x)))
    return CellInformations(cells, np.stack(scores), np.stack(informations), count)


def _take_rows(block: Block, rows: np.ndarray) -> Block:
    return replace(
        block,
        x=np.ascontiguousarray(block.x[:, rows]),
        codes=None if block.codes is None else block.codes[rows],
        table=None if block.table is None else np.ascontiguousarray(block.table[:, rows]),
        weights=None if block.weights is None else block.weights[rows],
        offset=None if block.offset is None else np.ascontiguousarray(block.offset[:, rows]),
        groups=None,
    )


def iterate_streamed(record: FitRecord, labels: StreamedLabels) -> Iterator[np.ndarray]:
    """Yield the sums of the rows' weighted scores by cell (c, P), some cells at a time.

    Raises
    ------
    RowsNotHeldError
        If there are so many cells that it would take more than 100 passes over the rows.
    """
    objective, params = open_objective(record)
    for apart, count in _cut_cells(objective, labels, objective.size, "clusters"):
        yield sum_apart(apart, objective, params, count)


def sum_adjusted_streamed(
    record: FitRecord, root: np.ndarray, labels: StreamedLabels, power: float
) -> AdjustedMeat:
    """Return the sum of outer products of the clusters' adjusted scores (r, r).

    As `mlelogit.inference.sandwich.leverage.sum_adjusted_clusters`, by the informations of the
    clusters, P x P each.

    Raises
    ------
    RowsNotHeldError
        If there are so many that it would take more than 100 passes over the rows.
    """
    objective, params = open_objective(record)
    total = AdjustedMeat(np.zeros((root.shape[1], root.shape[1])), 0)
    what = "clusters' informations (for 'CR2' and 'CR3')"
    for apart, count in _cut_cells(objective, labels, objective.size**2, what):
        scores, informations = _sum_informations(apart, objective, params, count)
        shares = root.T @ informations @ root
        shares = (shares + np.swapaxes(shares, 1, 2)) / 2
        total += adjust_scores(power, scores @ root, shares)
    return total


def _cut_cells(
    objective: LogLikelihood, labels: StreamedLabels, elements: int, what: str
) -> Iterator[tuple[RowBlocks, int]]:
    """Yield the rows of some cells at a time, and how many cells these are."""
    blocks: Any = objective.blocks
    step = max(1, STREAMED_ELEMENTS // elements)
    passes = -(-labels.count // step)
    if passes > MOST_PASSES:
        raise RowsNotHeldError(
            f"The sums of {labels.count} {what} do not fit in memory at once, and would take "
            f"{passes} passes over rows that are read in pieces ({blocks.design.stream.way}). "
            "Take fewer clusters or another correction, or read the table into a frame."
        )
    for first in range(0, labels.count, step):
        last = min(first + step, labels.count)
        design = blocks.design.stream.number_cells(blocks.design, labels, first, last)
        yield RowBlocks(design, None, None, blocks.threads), last - first


def _sum_informations(
    apart: RowBlocks, objective: LogLikelihood, params: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (count, P) and informations (count, P, P) in the internal basis."""
    inner: Any = objective.blocks.basis if objective.basis is None else objective.basis
    sums = apart.reduce(sum_cell_informations, params, objective.base, inner, count).spread()
    return sums.scores, sums.informations

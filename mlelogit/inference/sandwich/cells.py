"""Sums of scores by cell: clusters, periods or sampling units, some whole cells at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.data.sources import lay_out
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.likelihood import drop_base, evaluate_block, weigh
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.record import FitRecord

# So many sums are held at a time, 2 MB: one score for every row never is.
CELL_ELEMENTS = 1 << 18


@dataclass(frozen=True)
class CellSums:
    """Sums of scores by cell; ``+`` joins rows.

    Attributes
    ----------
    cells : numpy.ndarray or None
        (c,), the cells that the rows are in, all different; None for all of them.
    sums : numpy.ndarray
        (c, P).
    count : int
        How many cells there are.
    """

    cells: np.ndarray | None
    sums: np.ndarray
    count: int

    def spread(self) -> CellSums:
        """Return sums for all cells, zero where there is no row."""
        if self.cells is None:
            return self
        full = np.zeros((self.count, self.sums.shape[1]))
        full[self.cells] = self.sums
        return CellSums(None, full, self.count)

    def __add__(self, other: CellSums) -> CellSums:
        total = self.spread()
        # A spread total is nobody else's; a new one for every block would cost more than sums.
        total.sums[slice(None) if other.cells is None else other.cells] += other.sums
        return total


def sum_cell_scores(
    block: Block, params: np.ndarray, base: int, basis: ColumnBasis | None, count: int
) -> CellSums:
    """Add up the weighted scores of a block's rows by cell, in a basis if one is given."""
    if basis is not None:
        block = replace(block, x=basis.enter(lay_out(block.x)))
    excess = weigh(block, drop_base(evaluate_block(block, params, base).excess, base))
    cells, local = np.unique(np.asarray(block.groups), return_inverse=True)
    width, rows = block.x.shape
    sums = np.empty((len(cells), len(excess), width))
    for equation, values in enumerate(excess):
        picked = csr_array((-values, local, np.arange(rows + 1)), shape=(rows, len(cells)))
        sums[:, equation] = lay_out(picked.T @ block.x.T)
    return CellSums(cells, sums.reshape(len(cells), -1), count)


def open_objective(record: FitRecord) -> tuple[LogLikelihood, np.ndarray]:
    """Return the log-likelihood of a fit's rows, and the estimates (P,), in the internal basis."""
    objective = make_objective(record.limit_blocks(), record.encoding.base, record.basis)
    return objective, record.inner_params


def iterate_cells(
    record: FitRecord, codes: np.ndarray, count: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the sums of the rows' weighted scores by cell, some cells at a time, in order.

    Parameters
    ----------
    record : FitRecord
    codes : numpy.ndarray
        (n,), the cell of every row.
    count : int
        How many cells there are; one may be empty.

    Yields
    ------
    first : int
        The first cell.
    sums : numpy.ndarray
        (c, P), of it and those after it, in the internal basis.
    """
    objective, params = open_objective(record)
    step = max(1, CELL_ELEMENTS // objective.size)
    if count <= step:
        yield 0, _sum_scores(objective, params, codes, count, None)
        return
    order, starts = sort_cells(codes, count)
    for first in range(0, count, step):
        last = min(first + step, count)
        rows = np.sort(order[starts[first] : starts[last]])
        yield first, _sum_scores(objective, params, codes[rows] - first, last - first, rows)


def sort_cells(codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows by cell (n,), and where every cell begins among them (count + 1,)."""
    sizes = np.bincount(codes, minlength=count)
    return np.argsort(codes, kind="stable"), np.concatenate([[0], np.cumsum(sizes)])


def _sum_scores(
    objective: LogLikelihood,
    params: np.ndarray,
    codes: np.ndarray,
    count: int,
    rows: np.ndarray | None,
) -> np.ndarray:
    """Return the sums (count, P) of some rows, or all, in the internal basis."""
    blocks = objective.blocks
    if rows is not None and not len(rows):
        return np.zeros((count, objective.size))
    part = blocks.design if rows is None else take_rows(blocks.design, rows, lazy=True)
    size = blocks.size if rows is None else None
    apart = RowBlocks(replace(part, groups=codes), None, size, blocks.threads)
    return sum_apart(apart, objective, params, count)


def sum_apart(
    apart: RowBlocks, objective: LogLikelihood, params: np.ndarray, count: int
) -> np.ndarray:
    """Return the sums (count, P) of rows that know their cells, in the internal basis."""
    blocks, base, basis = objective.blocks, objective.base, objective.basis
    if basis is None:
        inner: Any = blocks.basis
        return apart.reduce(sum_cell_scores, params, base, inner, count).spread().sums
    outer = basis.leave_params(params)
    sums = apart.reduce(sum_cell_scores, outer, base, None, count).spread().sums
    return (sums.reshape(-1, blocks.width) @ basis.matrix.T).reshape(sums.shape)

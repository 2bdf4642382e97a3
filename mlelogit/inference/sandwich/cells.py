"""Sums of scores by cell: clusters, periods or sampling units, some whole cells at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csc_array, csr_array

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import Design, take_rows
from mlelogit.data.sources import lay_out
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.likelihood import drop_base, evaluate_block, sum_others, weigh
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.record import FitRecord

# So many sums are held at a time, 2 MB: one score for every row never is.
CELL_ELEMENTS = 1 << 18
# Distinct rows are evaluated for every part of the cells: not where that is most of the work.
WORTH_COUNTING = 2


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
    if blocks.summed is not blocks and len(codes) >= WORTH_COUNTING * blocks.summed.rows:
        return _sum_counted(objective, params, codes, count, rows)
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


def _sum_counted(
    objective: LogLikelihood,
    params: np.ndarray,
    codes: np.ndarray,
    count: int,
    rows: np.ndarray | None,
) -> np.ndarray:
    """Return the same sums from how often every distinct row, and category, is in every cell."""
    blocks, base, basis = objective.blocks, objective.base, objective.basis
    tables = _tabulate(blocks.design, codes, count, rows)
    numbered = replace(blocks.summed.design, groups=np.arange(blocks.summed.rows))
    inner = blocks.basis if basis is None else basis
    outer = params if basis is None else basis.leave_params(params)
    apart = RowBlocks(numbered, None, blocks.summed.size, blocks.threads)
    args = outer, base, inner, basis is not None, tables
    return np.asarray(apart.reduce(sum_counted_scores, *args).spread().sums)


def _tabulate(
    design: Design, codes: np.ndarray, count: int, rows: np.ndarray | None
) -> tuple[tuple[Any, Any], ...]:
    """Return the weight of every category, and of all the others, by cell and distinct row.

    For each category two arrays (count, d), sparse where most of their entries are zero.
    """
    few, outcome = design.compression, design.outcome
    if few is None:
        raise ValueError("The design's equal rows were not counted.")
    every = slice(None) if rows is None else rows
    places = few.places[every]
    weights = np.ones(len(places)) if design.weights is None else design.weights[every]
    own, people = outcome.codes, weights
    if own is None:
        table = np.asarray(outcome.table)[every].T * weights
        people = table.sum(axis=0) if outcome.kind == "counts" else weights
        found = [_cross(codes, places, column, count, few.count) for column in table]
    else:
        chosen = own[every]
        found = []
        for category in range(len(outcome.categories)):
            at = np.flatnonzero(chosen == category)
            found.append(_cross(codes[at], places[at], weights[at], count, few.count))
    total = _cross(codes, places, people, count, few.count)
    if any(isinstance(values, np.ndarray) for values in (*found, total)):
        found, total = [lay_out(values) for values in found], lay_out(total)
    return tuple((values, total - values) for values in found)


def _cross(
    codes: np.ndarray, places: np.ndarray, values: np.ndarray, count: int, distinct: int
) -> Any:
    """Add up values by cell and distinct row (count, d)."""
    if count * distinct <= len(codes):
        cells = codes.astype(np.int64) * distinct + places
        return np.bincount(cells, values, count * distinct).reshape(count, distinct)
    return csc_array((values, (codes, places)), shape=(count, distinct))


def sum_counted_scores(
    block: Block,
    params: np.ndarray,
    base: int,
    basis: ColumnBasis | None,
    outside: bool,
    tables: tuple[tuple[Any, Any], ...],
) -> CellSums:
    """Add up scores by cell over distinct rows, given how much each has of every category.

    Of d in a category and r in the others the score is ``d (1 - y) - r y`` times the columns.

    Parameters
    ----------
    block : Block
        Distinct rows in their own columns; `groups` are their numbers.
    params : numpy.ndarray
        (P,), in the basis, or in the columns of the design.
    base : int
    basis : ColumnBasis or None
        The sums' own.
    outside : bool
        Whether params are in the columns of the design.
    tables : tuple
        For every category d and r, (count, all distinct rows) each.
    """
    inside = block if basis is None else replace(block, x=basis.enter(lay_out(block.x)))
    y = evaluate_block(block if outside else inside, params, base).probabilities
    others, x = sum_others(y), lay_out(inside.x)
    at = slice(int(np.asarray(block.groups)[0]), int(np.asarray(block.groups)[-1]) + 1)
    sums = [
        own[:, at] @ (others[k] * x).T - rest[:, at] @ (y[k] * x).T
        for k, (own, rest) in enumerate(tables)
        if k != base
    ]
    count = tables[0][0].shape[0]
    return CellSums(None, np.stack(sums, axis=1).reshape(count, -1), count)

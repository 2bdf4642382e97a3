r"""Average probabilities by cell, and how they move with the coefficients.

Over the rows of a cell, with weights w,

.. math:: \bar y_k = \sum_n w_n y_{nk} / \sum_n w_n, \qquad
   \partial \bar y_k / \partial b_j
   = \sum_n w_n y_{nk} (1[j = k] - y_{nj}) x_n / \sum_n w_n

(Greene 2018, section 18.2.3), so that a covariance V of the coefficients gives the averages that
of ``G V G'``, G being these rows: the delta method (Greene 2018, theorem D.21A).
"""

from __future__ import annotations

import itertools
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.data.labels import Labels, cross_labels, read_several_labels
from mlelogit.exceptions import EmptyDataError, WeightError
from mlelogit.fitting.likelihood import fill_weights, spread_probabilities
from mlelogit.fitting.products import index_pairs, project_rows
from mlelogit.interpretation.points import PointModel, Points, map_point_probabilities
from mlelogit.interpretation.streaming import StreamedPoints

# So few cells are told apart within every block; of more, rows are put in order first.
FEW_CELLS = 32


@dataclass(frozen=True)
class Cells:
    """The cells that rows are averaged in.

    Attributes
    ----------
    codes : numpy.ndarray
        (n,): the cell of every row.
    names : pandas.Index
        (G,): what the cells are called, a level for every set of labels.
    sets : tuple of Labels
        What they are crossed from; none for one cell of all rows.
    """

    codes: np.ndarray
    names: pd.Index
    sets: tuple[Labels, ...]

    @property
    def count(self) -> int:
        """Number of cells G."""
        return len(self.names)


def read_streamed_cells(points: StreamedPoints, by: Any) -> tuple[StreamedPoints, Cells]:
    """Return rows that are read in pieces in cells by columns of the table; in one if None."""
    if by is None:
        return points, Cells(np.empty(0, np.int64), pd.Index(["average"], name="row"), ())
    labelled, sets = points.label(by)
    crossed = cross_labels(sets)
    return labelled, Cells(crossed.codes, crossed.names, sets)


def assign_piece(points: Points, codes: np.ndarray | None) -> list[RowBlocks]:
    """Return a piece's rows in blocks, each in its cell."""
    blocks = points.blocks()
    return [blocks if codes is None else assign_cells(blocks, codes)]


def read_cells(points: Points, by: Any) -> Cells:
    """Return the cells of rows by labels; one of all rows if None.

    Raises
    ------
    EmptyDataError
        If there are no rows.
    WeightError
        If those of a cell count for nothing.
    """
    rows = points.design.source.shape[0]
    if not rows:
        raise EmptyDataError("There are no rows to average over.")
    if by is None:
        cells = Cells(np.zeros(rows, np.int64), pd.Index(["average"], name="row"), ())
    else:
        sets = read_several_labels(points.design, by, "by")
        crossed = cross_labels(sets)
        cells = Cells(crossed.codes, crossed.names, sets)
    empty = np.flatnonzero(~(np.bincount(cells.codes, points.weights, cells.count) > 0))
    if empty.size:
        group = "" if by is None else f" of by={cells.names[empty[0]]!r}"
        raise WeightError(f"The weights of all rows{group} add up to zero, so there is no average.")
    return cells


def order_rows(points: Points, cells: Cells) -> tuple[Points, np.ndarray]:
    """Return rows and the cell of each, cell by cell if there are more than a few."""
    codes = cells.codes
    if cells.count <= FEW_CELLS or (np.diff(codes) >= 0).all():
        return points, codes
    order = np.argsort(codes, kind="stable")
    return replace(points, design=take_rows(points.design, order, lazy=True)), codes[order]


def name_beside(name: Any, taken: Container) -> str:
    """Return a column's name, "by ..." if a table has something else of that name.

    Examples
    --------
    >>> from mlelogit.interpretation.averages import name_beside
    >>> name_beside("region", {"category"}), name_beside("category", {"category"})
    ('region', 'by category')
    """
    return f"by {name}" if str(name) in taken else str(name)


@dataclass(frozen=True)
class CellParts:
    """Sums over some rows of the cells that they are in; ``+`` adds those of more rows.

    Attributes
    ----------
    cells : numpy.ndarray
        (g,): which cells.
    count : int
        Number of all cells G.
    arrays : tuple of numpy.ndarray
        (g, ...) each.
    """

    cells: np.ndarray
    count: int
    arrays: tuple[np.ndarray, ...]

    def __add__(self, other: CellParts) -> CellParts:
        # The sum so far is nobody else's: a copy of all cells for every block is too much.
        whole = self.complete()
        for mine, more in zip(whole.arrays, other.arrays, strict=True):
            mine[other.cells] += more
        return whole

    def complete(self) -> CellParts:
        """Return the same for all cells in their order, zero in those without a row."""
        every = np.arange(self.count)
        if np.array_equal(self.cells, every):
            return self
        arrays = tuple(np.zeros((self.count, *array.shape[1:])) for array in self.arrays)
        for whole, part in zip(arrays, self.arrays, strict=True):
            whole[self.cells] = part
        return CellParts(every, self.count, arrays)


@dataclass(frozen=True)
class CellSums:
    """Weights, values and how they move, summed over the rows of every cell.

    Attributes
    ----------
    totals : numpy.ndarray
        (G,).
    values : numpy.ndarray
        (G, J).
    jacobian : numpy.ndarray
        (G, J, P), in the columns of the design.
    """

    totals: np.ndarray
    values: np.ndarray
    jacobian: np.ndarray

    def average(self) -> CellSums:
        """Return the same divided by the totals."""
        return CellSums(
            self.totals,
            self.values / self.totals[:, np.newaxis],
            self.jacobian / self.totals[:, np.newaxis, np.newaxis],
        )

    def split(self, parts: int) -> list[CellSums]:
        """Return what was found in equal parts of the cells."""
        arrays = (np.split(array, parts) for array in (self.totals, self.values, self.jacobian))
        return [CellSums(*part) for part in zip(*arrays, strict=True)]


def sum_probabilities(blocks: RowBlocks, model: PointModel, cells: int = 1) -> CellSums:
    """Sum probabilities over the rows of every cell; `Design.groups` tells the cell of a row.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.averages import sum_probabilities
    >>> from mlelogit.interpretation.points import model_points, read_points
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> rows = read_points(res.record).blocks()
    >>> shares = sum_probabilities(rows, model_points(res.record)).average().values
    >>> shares.round(3).tolist()
    [[0.584, 0.416]]
    """
    return CellSums(*blocks.reduce(_sum_block, model, cells).complete().arrays)


def assign_cells(blocks: RowBlocks, codes: np.ndarray) -> RowBlocks:
    """Return the same rows, each in the cell of its code (n,)."""
    design = replace(blocks.design, groups=codes)
    return RowBlocks(design, size=blocks.size, threads=blocks.threads)


def _sum_block(block: Block, model: PointModel, cells: int) -> CellParts:
    y = map_point_probabilities(block, model)
    weights = fill_weights(block)
    spread = spread_probabilities(y, model.base) * weights
    weighed, lists = y * weights, list_cells(block)
    totals, values = np.empty(len(lists)), np.empty((len(lists), len(y)))
    jacobian = np.empty((len(lists), len(y), len(model.params)))
    for place, (_, rows) in enumerate(lists):
        totals[place], values[place] = weights[rows].sum(), weighed[:, rows].sum(axis=1)
        pairs = project_rows(spread[:, rows], block.x[:, rows])
        jacobian[place] = unpack_jacobian(pairs, model.base)
    return collect_cells(lists, cells, totals, values, jacobian)


def collect_cells(lists: list, cells: int, *arrays: np.ndarray) -> CellParts:
    """Return what was summed over the rows of the cells that a block has, in their order."""
    return CellParts(np.array([cell for cell, _ in lists], dtype=np.int64), cells, arrays)


def list_cells(block: Block) -> list[tuple[int, slice | np.ndarray]]:
    """Return the cells that a block has rows of, and which rows; one cell if it knows of none."""
    groups = block.groups
    if groups is None:
        return [(0, slice(None))]
    if (np.diff(groups) >= 0).all():
        ends = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(groups)]
        spans = itertools.pairwise(ends)
        return [(int(groups[start]), slice(start, stop)) for start, stop in spans if stop > start]
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    return [(int(groups[rows[0]]), rows) for rows in np.split(order, cuts)]


def unpack_jacobian(pairs: np.ndarray, base: int) -> np.ndarray:
    """Return the Jacobian (J, P) whose distinct rows are those of the pairs of categories.

    The base's probability moves against the sum of the others'.
    """
    size = int((np.sqrt(8 * len(pairs) + 1) - 1) / 2)
    _, _, position = index_pairs(size)
    others = pairs[position].reshape(size, -1)
    return np.insert(others, base, -others.sum(axis=0), axis=0)

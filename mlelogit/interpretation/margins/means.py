"""Means of variables and shares of levels by cell, and grids balanced over all levels."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.blocks import Block
from mlelogit.data.frames import as_numbers
from mlelogit.exceptions import EffectError
from mlelogit.fitting.likelihood import fill_weights
from mlelogit.fitting.products import project_rows
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.averages import CellParts, collect_cells, list_cells
from mlelogit.interpretation.margins.places import (
    MeanPlaces,
    RowPlaces,
    list_combinations,
)
from mlelogit.interpretation.margins.variables import Variable
from mlelogit.interpretation.points import Points, read_points

# Rows of a balanced grid: beyond, levels are so many that no one meant all their combinations.
MOST_ROWS = 1 << 20


def make_mean_places(
    points: Points, variables: dict[Hashable, Variable], codes: np.ndarray, cells: int
) -> MeanPlaces:
    """Return one row per cell, at the means of its rows."""
    return sum_means(points, variables, codes, cells).settle(points, variables)


@dataclass(frozen=True)
class MeanSums:
    """What means by cell are made of; ``+`` joins rows.

    Attributes
    ----------
    totals : numpy.ndarray
        Weights (G,).
    numbers : dict
        Number -> its weighted sums (G,).
    shares : dict
        Factor -> weights of its levels (G, levels).
    matrix : numpy.ndarray or None
        Weighted sums (G, K) of an array's columns.
    offset : numpy.ndarray or None
        Weighted sums (G, J).
    """

    totals: np.ndarray
    numbers: dict[Hashable, np.ndarray]
    shares: dict[Hashable, np.ndarray]
    matrix: np.ndarray | None
    offset: np.ndarray | None

    def __add__(self, other: MeanSums) -> MeanSums:
        return MeanSums(
            self.totals + other.totals,
            {name: one + other.numbers[name] for name, one in self.numbers.items()},
            {name: one + other.shares[name] for name, one in self.shares.items()},
            _add(self.matrix, other.matrix),
            _add(self.offset, other.offset),
        )

    def settle(self, points: Points, variables: dict[Hashable, Variable]) -> MeanPlaces:
        """Return the means as one row per cell."""
        each = self.totals[:, np.newaxis]
        return MeanPlaces(
            points,
            variables,
            {name: sums / self.totals for name, sums in self.numbers.items()},
            {name: sums / each for name, sums in self.shares.items()},
            None if self.matrix is None else self.matrix / each,
            None if self.offset is None else self.offset / each,
            len(self.totals),
            {},
        )


def _add(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    return None if left is None or right is None else left + right


def sum_means(
    points: Points, variables: dict[Hashable, Variable], codes: np.ndarray, cells: int
) -> MeanSums:
    """Sum what means by cell are made of."""
    weights = points.weights
    numbers: dict[Hashable, np.ndarray] = {}
    shares: dict[Hashable, np.ndarray] = {}
    matrix = None
    if points.encoding.rhs is None:
        sums = RowPlaces(points, variables, codes, cells, {}).blocks({}).reduce(_sum_columns, cells)
        matrix = sums.complete().arrays[0]
    else:
        for name in points.encoding.variables:
            variable, column = variables[name], points.frame[name]
            if variable.is_factor and not _is_truth(variable):
                shares[name] = _share(variable, column, codes, weights, cells)
            else:
                values = as_numbers(column, name).astype(np.float64)
                numbers[name] = np.bincount(codes, weights * values, cells)
    offset = points.design.offset
    if offset is not None:
        columns = [np.bincount(codes, weights * column, cells) for column in offset.T]
        offset = np.column_stack(columns)
    return MeanSums(np.bincount(codes, weights, cells), numbers, shares, matrix, offset)


def _is_truth(variable: Variable) -> bool:
    """Tell whether a factor is a column of truth values, whose share is its mean."""
    return variable.levels == (False, True)


def _share(
    variable: Variable, column: pd.Series, codes: np.ndarray, weights: np.ndarray, cells: int
) -> np.ndarray:
    levels = variable.levels or ()
    table = np.zeros((cells, len(levels)))
    values = column.to_numpy()
    for place, level in enumerate(levels):
        mine = np.asarray(values == level, dtype=bool)
        table[:, place] = np.bincount(codes[mine], weights[mine], cells)
    return table


def _sum_columns(block: Block, cells: int) -> CellParts:
    weights, lists = fill_weights(block), list_cells(block)
    sums = np.empty((len(lists), block.x.shape[0]))
    for place, (_, rows) in enumerate(lists):
        sums[place] = project_rows(weights[np.newaxis, rows], block.x[:, rows])[0]
    return collect_cells(lists, cells, sums)


def make_balanced_points(
    record: FitRecord,
    means: MeanPlaces,
) -> tuple[Points, np.ndarray]:
    """Return every combination of the levels, numbers at their means, and the cells of the rows.

    Raises
    ------
    EffectError
        If there are too many combinations, or the fit was not made by a formula.
    """
    if means.points.encoding.rhs is None:
        raise EffectError(
            "kind='balanced' is of the levels of factors, and an array has none; fit by a formula."
        )
    points, variables, cells = means.points, means.variables, means.cells
    factors = [name for name, variable in variables.items() if variable.is_factor]
    sizes = [len(variables[name].levels or ()) for name in factors]
    if cells * float(np.prod(sizes, dtype=np.float64)) > MOST_ROWS:
        raise EffectError(
            f"The factors have {np.prod(sizes, dtype=np.float64):.4g} combinations of levels; "
            f"{MOST_ROWS} rows is the most of a balanced grid."
        )
    grid = list_combinations(sizes)
    repeats = grid.shape[1]
    frame: dict[Hashable, Any] = {}
    for name in points.encoding.variables:
        if name in factors:
            levels = variables[name].levels or ()
            frame[name] = [levels[code] for code in np.tile(grid[factors.index(name)], cells)]
        else:
            frame[name] = np.repeat(means.numbers[name], repeats)
    offset = None if means.offset is None else np.repeat(means.offset, repeats, axis=0)
    made = read_points(record, pd.DataFrame(frame), offset=offset)
    return made, np.repeat(np.arange(cells), repeats)

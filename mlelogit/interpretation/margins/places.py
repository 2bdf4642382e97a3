"""Where effects are taken: at every row, at means, or on a balanced grid."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.blocks import LEAST_ROWS, PAIRS_PER_BLOCK, RowBlocks, choose_size
from mlelogit.data.changes import EncodedSource, ReplacedSource, is_single
from mlelogit.data.derivatives import Slopes, differentiate_columns
from mlelogit.data.design import Design, take_rows
from mlelogit.data.encoding import Encoding, encode_new
from mlelogit.data.sources import ArraySource, ColumnSource, JoinedSource, lay_out
from mlelogit.data.terms import read_terms
from mlelogit.interpretation.averages import assign_cells
from mlelogit.interpretation.margins.slopes import Direction
from mlelogit.interpretation.margins.variables import Variable
from mlelogit.interpretation.points import Points, read_values

# Elements of the columns of one block of changed rows: 32 MB.
BLOCK_ELEMENTS = 1 << 22
# A formula takes milliseconds to evaluate however few the rows, so that its blocks are longer.
ENCODED_ROWS = 1 << 14


class Places(Protocol):
    """Rows at which effects are taken, in cells, some variables with fixed values."""

    @property
    def cells(self) -> int:
        """Number of cells G."""

    @property
    def points(self) -> Points:
        """The rows that it is made of."""

    def values(self, name: Hashable) -> Any:
        """Return a variable's values (n,), or its one value."""

    def blocks(self, changes: Mapping[Hashable, Any]) -> RowBlocks:
        """Return the rows with more variables changed, each knowing its cell."""

    def slope_blocks(
        self, variable: Variable, logarithmic: bool, scaled: bool
    ) -> tuple[RowBlocks, Direction]:
        """Return the rows, below their columns how these move with a variable."""


@dataclass(frozen=True)
class SlopeSource:
    """Derivatives of a formula's columns by a variable, made when a block of them is cut."""

    rows: EncodedSource
    variable: Any
    columns: np.ndarray
    direct = False
    sparse = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.shape[0], len(self.columns)

    @property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.full((2, len(self.columns)), np.nan)
        return low, high

    @property
    def rounding(self) -> np.ndarray:
        return np.full(len(self.columns), np.finfo(np.float64).eps)

    def block(self, start: int, stop: int) -> np.ndarray:
        frame = self.rows.cut(start, stop)
        values = differentiate_columns(self.rows.encoding, frame, self.variable).values
        return np.broadcast_to(values, (len(self.columns), len(frame)))

    def take(self, rows: np.ndarray) -> SlopeSource:
        return SlopeSource(self.rows.take(rows), self.variable, self.columns)


def cut_blocks(design: Design, threads: int) -> RowBlocks:
    """Return rows in blocks: few where columns are encoded, small where they are many."""
    size, source = choose_size(design), design.source
    if _is_encoded(source):
        pairs = len(design.outcome.categories) * (len(design.outcome.categories) + 1) // 2
        size = max(size, min(ENCODED_ROWS, max(LEAST_ROWS, PAIRS_PER_BLOCK // pairs)))
    if not source.sparse:
        size = min(size, max(1, BLOCK_ELEMENTS // max(source.shape[1], 1)))
    return RowBlocks(design, size=size, threads=threads)


def _is_encoded(source: ColumnSource) -> bool:
    if isinstance(source, JoinedSource):
        return _is_encoded(source.left) or _is_encoded(source.right)
    return isinstance(source, EncodedSource | SlopeSource)


@dataclass(frozen=True)
class RowPlaces:
    """Every row as it is, but for variables that are fixed.

    Attributes
    ----------
    points : Points
    variables : dict
        Name -> variable.
    codes : numpy.ndarray or None
        (n,): the cell of every row; one cell if None.
    cells : int
    fixed : dict
    """

    points: Points
    variables: dict[Hashable, Variable]
    codes: np.ndarray | None
    cells: int
    fixed: dict[Hashable, Any]

    def values(self, name: Hashable) -> Any:
        if name in self.fixed:
            return self.fixed[name]
        return read_values(self.points, name)

    def blocks(self, changes: Mapping[Hashable, Any]) -> RowBlocks:
        return self._cut(self._find_source({**self.fixed, **changes}))

    def slope_blocks(
        self, variable: Variable, logarithmic: bool, scaled: bool
    ) -> tuple[RowBlocks, Direction]:
        source, length = self._find_source(self.fixed), self.points.design.source.shape[0]
        if variable.affine:
            slopes = find_rate(self.points, variable)
            steady = np.broadcast_to(slopes.values.T, (length, len(slopes.columns)))
            below: ColumnSource = ArraySource(steady)
        else:
            rows = EncodedSource(self.points.encoding, self.points.frame, self.fixed)
            slopes = differentiate_columns(self.points.encoding, rows.cut(0, 1), str(variable.name))
            below = SlopeSource(rows, str(variable.name), slopes.columns)
        source = JoinedSource(source, below)
        if scaled:
            values = np.broadcast_to(self.values(variable.name), (length,))
            source = JoinedSource(source, ArraySource(values[:, np.newaxis]))
        return self._cut(source), Direction(slopes.columns, logarithmic, scaled)

    def _cut(self, source: ColumnSource) -> RowBlocks:
        design = replace(self.points.design, source=source)
        blocks = cut_blocks(design, self.points.threads)
        return blocks if self.codes is None else assign_cells(blocks, self.codes)

    def _find_source(self, changes: dict[Hashable, Any]) -> ColumnSource:
        design = self.points.design
        if not changes:
            return design.source
        settled = self._settle_columns(changes)
        if settled is not None:
            return ReplacedSource(design.source, self.points.encoding.names, settled)
        return self.points.blocks(changes).design.source

    def _settle_columns(self, changes: dict[Hashable, Any]) -> dict[Any, Any] | None:
        """Return columns and their values if these follow from the changes alone.

        They do from single values of variables that stand alone, and from the values of a number
        by which they move at one rate.
        """
        encoding = self.points.encoding
        if encoding.rhs is None or self.points.design.source.sparse:
            return None
        columns: dict[Any, Any] = {}
        single = {name: value for name, value in changes.items() if is_single(value)}
        for name in changes:
            variable = self.variables[name]
            steady = variable.affine and not variable.is_factor
            if variable.columns is None or not (name in single or steady):
                return None
            columns |= {encoding.names[place]: place for place in variable.columns}
        row = EncodedSource(encoding, self.points.frame.iloc[:1], single).block(0, 1)
        found: dict[Any, Any] = {name: float(row[place, 0]) for name, place in columns.items()}
        for name in changes.keys() - single.keys():
            rate = find_rate(self.points, self.variables[name])
            start = float(self.points.frame[name].iloc[0])
            for place, (slope,) in zip(rate.columns, rate.values, strict=True):
                moved = row[place, 0] + slope * (changes[name] - start)
                same = slope == 1 and row[place, 0] == start
                found[encoding.names[place]] = changes[name] if same else moved
        return found


def find_rate(points: Points, variable: Variable) -> Slopes:
    """Return how columns move with a variable at one rate: the same at every row."""
    encoding = points.encoding
    if encoding.rhs is None:
        return Slopes(np.array(variable.columns, dtype=np.int64), np.ones((1, 1)))
    return differentiate_columns(encoding, points.frame.iloc[:1], str(variable.name))


@dataclass(frozen=True)
class MeanPlaces:
    """One row per cell, every variable at its mean there, factors in the shares of their levels.

    A column that is a product of factors has the product of their means (as Stata's atmeans), a
    transform is that of the mean.

    Attributes
    ----------
    points : Points
    variables : dict
    numbers : dict
        Number -> its means (G,).
    shares : dict
        Factor -> the shares of its levels (G, levels).
    matrix : numpy.ndarray or None
        (G, K): the means of an array's columns.
    offset : numpy.ndarray or None
        (G, J).
    fixed : dict
    """

    points: Points
    variables: dict[Hashable, Variable]
    numbers: dict[Hashable, np.ndarray]
    shares: dict[Hashable, np.ndarray]
    matrix: np.ndarray | None
    offset: np.ndarray | None
    cells: int
    fixed: dict[Hashable, Any]

    def values(self, name: Hashable) -> Any:
        if name in self.fixed:
            return self.fixed[name]
        if self.matrix is not None:
            return self.matrix[:, self.points.encoding.names.index(name)]
        return self.numbers[name]

    def blocks(self, changes: Mapping[Hashable, Any]) -> RowBlocks:
        return self._cut(self._mix({**self.fixed, **changes}))

    def slope_blocks(
        self, variable: Variable, logarithmic: bool, scaled: bool
    ) -> tuple[RowBlocks, Direction]:
        encoding = self.points.encoding
        x = self._mix(self.fixed)
        if encoding.rhs is None:
            columns = np.array(variable.columns, dtype=np.int64)
            below = np.ones((self.cells, 1))
        else:
            below = self._mix(self.fixed, str(variable.name))
            columns = np.flatnonzero(below.any(axis=0))
            below = below[:, columns]
        parts = [x, below]
        if scaled:
            parts.append(np.broadcast_to(self.values(variable.name), (self.cells,))[:, np.newaxis])
        return self._cut(np.hstack(parts)), Direction(columns, logarithmic, scaled)

    def _cut(self, matrix: np.ndarray) -> RowBlocks:
        design = self._design
        return RowBlocks(replace(design, source=ArraySource(matrix)))

    @cached_property
    def _design(self) -> Design:
        few = take_rows(self.points.design, np.zeros(self.cells, dtype=np.int64))
        return replace(few, weights=None, offset=self.offset, groups=np.arange(self.cells))

    def _mix(self, changes: dict[Hashable, Any], by: str | None = None) -> np.ndarray:
        if self.matrix is not None:
            x = self.matrix.copy()
            for name, value in changes.items():
                x[:, self.points.encoding.names.index(name)] = value
            return x
        numbers = {**self.numbers, **changes}
        shares = {name: share for name, share in self.shares.items() if name not in changes}
        levels = {name: self.variables[name].levels or () for name in shares}
        return mix_levels(self.points.encoding, numbers, shares, levels, self.cells, by)


def mix_levels(
    encoding: Encoding,
    values: dict[Hashable, Any],
    shares: dict[Hashable, np.ndarray],
    levels: dict[Hashable, tuple],
    cells: int,
    by: str | None,
) -> np.ndarray:
    """Return the columns (G, K) of rows whose factors are in several levels at once.

    Every term is linear in the indicators of each of its factors: it is the mean over the
    combinations of their levels, in the products of their shares.

    Parameters
    ----------
    encoding : Encoding
    values : dict
        Variable -> its one value, or values (G,).
    shares : dict
        Factor -> (G, levels).
    levels : dict
        Factor -> its levels.
    cells : int
        G.
    by : str, optional
        Return the derivatives by this variable instead.
    """
    terms = read_terms(encoding)
    mixed = np.zeros((cells, len(encoding.names)))
    for names in dict.fromkeys(frozenset(shares) & term.variables for term in terms):
        columns = [
            place
            for term in terms
            if frozenset(shares) & term.variables == names
            for place in term.columns
        ]
        chosen = sorted(names, key=str)
        grid = list_combinations([len(levels[name]) for name in chosen])
        weights = np.ones((cells, grid.shape[1]))
        frame: dict[str, Any] = {}
        for name in encoding.variables:
            if name in names:
                codes = grid[chosen.index(name)]
                weights *= shares[name][:, codes]
                frame[name] = _pick(levels[name], np.tile(codes, cells))
            elif name in shares:
                frame[name] = _pick(levels[name], np.zeros(weights.size, dtype=np.int64))
            else:
                whole = np.broadcast_to(values[name], (cells,))
                frame[name] = pd.Series(np.repeat(whole, grid.shape[1]))
        rows = _evaluate(encoding, pd.DataFrame(frame), by)[:, columns]
        cube = rows.reshape(cells, grid.shape[1], len(columns))
        mixed[:, columns] = np.einsum("gc,gck->gk", weights, cube)
    return mixed


def list_combinations(sizes: list[int]) -> np.ndarray:
    """Return all combinations of codes below some sizes, a column each; one if there are none."""
    return np.indices(sizes).reshape(len(sizes), -1) if sizes else np.zeros((0, 1), dtype=np.intp)


def _pick(levels: tuple, codes: np.ndarray) -> pd.Series:
    return pd.Series([levels[code] for code in codes], dtype=None if _numeric(levels) else object)


def _numeric(levels: tuple) -> bool:
    return all(isinstance(level, int | float | np.number | bool | np.bool_) for level in levels)


def _evaluate(encoding: Encoding, frame: pd.DataFrame, by: str | None) -> np.ndarray:
    if by is None:
        matrix = encode_new(encoding, frame)[0]
        return lay_out(matrix)
    slopes = differentiate_columns(encoding, frame, by)
    whole = np.zeros((len(frame), len(encoding.names)))
    whole[:, slopes.columns] = slopes.values.T
    return whole

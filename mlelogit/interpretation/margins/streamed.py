"""Where effects are taken when the rows are read in pieces: every piece's rows in their turn."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlelogit.data.blocks import RowBlocks
from mlelogit.interpretation.averages import Cells
from mlelogit.interpretation.margins.means import MeanSums, sum_means
from mlelogit.interpretation.margins.places import MeanPlaces, RowPlaces
from mlelogit.interpretation.margins.slopes import Direction
from mlelogit.interpretation.margins.variables import Variable
from mlelogit.interpretation.points import Points
from mlelogit.interpretation.streaming import StreamedPoints


@dataclass(frozen=True)
class Shift:
    """A number's values, moved by so much."""

    name: Hashable
    amount: float = 0.0

    def __add__(self, amount: float) -> Shift:
        return Shift(self.name, self.amount + amount)


@dataclass(frozen=True)
class PlaceRows:
    """Places the rows of a piece: some variables fixed, at several values in turn, some changed.

    Attributes
    ----------
    variables : dict
    cells : int
        Number of cells of the rows; those of the next values of `fixed` come after them.
    batch : tuple of dict
    changes : dict
    slope : tuple or None
        What `RowPlaces.slope_blocks` takes, for the columns' derivatives beneath.
    """

    variables: dict[Hashable, Variable]
    cells: int
    batch: tuple[dict[Hashable, Any], ...]
    changes: dict[Hashable, Any]
    slope: tuple[Variable, bool, bool] | None = None

    def __call__(self, points: Points, codes: np.ndarray | None) -> list[RowBlocks]:
        """Return the rows in blocks, once for every value at which variables are fixed."""
        return [self._place(points, codes, number)[0] for number in range(len(self.batch))]

    def find_direction(self, points: Points) -> Direction:
        """Return what stands beneath the columns; the same for all rows."""
        return self._place(points, None, 0)[1]

    def _place(self, points: Points, codes: np.ndarray | None, number: int) -> tuple[Any, Any]:
        total = self.cells * len(self.batch)
        if codes is None and total > 1:
            codes = np.zeros(points.design.source.shape[0], dtype=np.int64)
        apart = None if codes is None or total == 1 else codes + number * self.cells
        given = self.batch[number].items()
        fixed = {name: one for name, one in given if not isinstance(one, Shift)}
        places = RowPlaces(points, self.variables, apart, total, fixed)
        if self.slope is not None:
            return places.slope_blocks(*self.slope)
        moved = {name: one for name, one in given if name not in fixed}
        changes = {name: _settle(places, one) for name, one in {**moved, **self.changes}.items()}
        return places.blocks(changes), None


def _change(fixed: Mapping[Hashable, Any], changes: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
    """Return values with some changed; what is fixed moves from where it is."""
    moved = {
        name: fixed[name] + one.amount
        for name, one in changes.items()
        if isinstance(one, Shift) and name in fixed
    }
    return {**fixed, **changes, **moved}


def _settle(places: RowPlaces, value: Any) -> Any:
    return places.values(value.name) + value.amount if isinstance(value, Shift) else value


@dataclass(frozen=True)
class StreamedPlaces:
    """Every row as it is, but for variables that are fixed, read in pieces.

    Attributes
    ----------
    rows : StreamedPoints
    variables : dict
    single : int
        Number of cells of the rows.
    batch : tuple of dict
        Values of variables, those of the next after those of all rows: fixed, or moved by a
        `Shift`.
    """

    rows: StreamedPoints
    variables: dict[Hashable, Variable]
    single: int
    batch: tuple[dict[Hashable, Any], ...] = field(default=({},))

    @property
    def cells(self) -> int:
        """Number of cells G."""
        return self.single * len(self.batch)

    @cached_property
    def points(self) -> Points:
        """Some of the rows, in memory."""
        return self.rows.draw()

    def values(self, name: Hashable) -> Shift:
        """Return what stands for a number's values."""
        return Shift(name)

    def fix(self, batch: list[dict[Hashable, Any]]) -> StreamedPlaces:
        """Return the rows at which variables are fixed at several values in turn."""
        return replace(self, batch=tuple(batch))

    def spread(self, changes: Sequence[Mapping[Hashable, Any]]) -> StreamedPlaces:
        """Return the rows with each of several changes in turn, in cells of their own."""
        batch = (_change(fixed, one) for one in changes for fixed in self.batch)
        return replace(self, batch=tuple(batch))

    def blocks(self, changes: Mapping[Hashable, Any]) -> Any:
        """Return the rows with more variables changed, each knowing its cell."""
        return self.rows.place(PlaceRows(self.variables, self.single, self.batch, dict(changes)))

    def slope_blocks(
        self, variable: Variable, logarithmic: bool, scaled: bool
    ) -> tuple[Any, Direction]:
        """Return the rows, below their columns how these move with a variable."""
        asked = variable, logarithmic, scaled
        place = PlaceRows(self.variables, self.single, self.batch, {}, asked)
        return self.rows.place(place), place.find_direction(self.points)


@dataclass(frozen=True)
class MeanFinder:
    """Sums what means by cell are made of over a piece's rows."""

    variables: dict[Hashable, Variable]
    cells: int

    def __call__(self, points: Points, codes: np.ndarray | None) -> MeanSums:
        """Return the sums."""
        if codes is None:
            codes = np.zeros(points.design.source.shape[0], dtype=np.int64)
        return sum_means(points, self.variables, codes, self.cells)


def find_streamed_means(
    points: StreamedPoints, variables: dict[Hashable, Variable], cells: Cells
) -> MeanPlaces:
    """Return one row per cell, at the means of its rows."""
    sums = points.reduce(MeanFinder(variables, cells.count), "Means")
    found: MeanPlaces = sums.settle(points.draw(), variables)
    return found

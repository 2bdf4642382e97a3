"""The fit's own rows where they are read in pieces and too many to hold: sums over them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design, count_people
from mlelogit.data.encoding import Encoding
from mlelogit.data.labels import Labels, cross_labels
from mlelogit.data.rows import read_names
from mlelogit.data.streaming.designs import UsedRows
from mlelogit.data.streaming.labels import LabelNumbers
from mlelogit.data.streaming.rows import RowReader
from mlelogit.data.streaming.sources.pieces import add_records
from mlelogit.exceptions import EffectError, RowsNotHeldError
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.points import Points, read_points, read_values

# What places the rows of a piece, whose cells are known: some blocks of them, to be summed.
Place = Callable[[Points, Any], list[RowBlocks]]


@dataclass(frozen=True)
class StreamedPoints:
    """The fit's own rows, of which a function of a piece's rows is summed.

    Attributes
    ----------
    design : Design
    threads : int
    labels : Labels or None
        What the cells of the rows are; one cell of all if None.
    """

    design: Design
    threads: int
    labels: Labels | None = None
    own = True
    complete = None

    @property
    def encoding(self) -> Encoding:
        """How their variables become columns."""
        return self.design.encoding

    @property
    def index(self) -> pd.Index:
        """Numbers of the rows."""
        return self.design.index

    @property
    def stream(self) -> Any:
        """What reads the rows."""
        return self.design.stream

    @property
    def counted(self) -> bool:
        """Whether a row of weight w is w rows."""
        return self.design.weight_type in (None, "frequency")

    def label(self, by: Any) -> tuple[StreamedPoints, tuple[Labels, ...]]:
        """Return the same rows in cells by columns of the table, and the sets of labels."""
        sets = self.stream.read_labels(by, "by")
        design = replace(self.design, stream=self.stream.find_table(read_names(by)))
        return replace(self, design=design, labels=cross_labels(sets)), sets

    def reduce(self, function: Callable[[Points, Any], Any], what: str) -> Any:
        """Add up what a function returns for pieces' rows and the cell of each, in a pass."""
        stream, labels = self.stream, self.labels
        stream.passes += 1
        reader = stream.reader(self.design)
        if labels is not None:
            reader = replace(reader, beside=LabelNumbers(labels, 0, labels.count))  # type: ignore[arg-type]
        work = PointFunction(reader, function)
        return stream.pieces.reduce(work, reader.columns, what, self.threads)

    def place(self, place: Place) -> PlacedBlocks:
        """Return the rows in blocks, as a function places those of a piece."""
        return PlacedBlocks(self, place)

    def draw(self) -> Points:
        """Return some of the rows, in memory."""
        stream = self.stream
        return _read_piece(replace(stream.reader(self.design), beside=None), stream.drawn)[0]

    def measure_deviation(self, name: Hashable) -> float:
        """Return what `mlelogit.interpretation.margins.requests.measure_deviation` does."""
        center = float(np.mean(read_values(self.draw(), name)))
        sums = self.reduce(MomentFinder(name, center), f"Deviation of {name}")
        first, second = sums.first / sums.total, sums.second / sums.total
        size = sums.total if self.counted else self.design.audit.rows_used
        if size <= 1:
            raise EffectError(
                f"One row has no standard deviation of {name!r}; give change= a number."
            )
        return float(np.sqrt(max(second - first**2, 0.0) * size / (size - 1)))

    def find_ends(self, name: Any, ends: tuple[float, float]) -> list[float]:
        """Return the range of a number (ends 0 and 1), or quartiles where rows have no weights.

        Raises
        ------
        RowsNotHeldError
            If they have.
        """
        if ends == (0.0, 1.0):
            sums = self.reduce(MomentFinder(name, 0.0), f"Range of {name}")
            return [sums.low, sums.high]
        stream, outcome = self.stream, self.design.outcome
        if stream.request.options.weights is not None or outcome.kind == "counts":
            raise RowsNotHeldError(
                f"The quartiles of {name!r}, weighed, take all rows in memory, and they are read "
                f"in pieces ({stream.way}); give change=(from, to), two numbers."
            )
        found: Any = UsedRows(stream.pieces, stream.request)(name, np.array(ends))
        return [float(value) for value in found]


def open_points(
    record: FitRecord,
    newdata: Any = None,
    offset: Any = None,
    weights: Any = None,
    missing: str = "raise",
) -> Points | StreamedPoints:
    """Return rows as `mlelogit.interpretation.points.read_points` does, or a stream of own ones."""
    blocks = record.blocks
    given = newdata is not None or offset is not None or weights is not None
    if given or blocks is None or blocks.design.stream is None:
        return read_points(record, newdata, offset, weights, missing)
    if blocks.design.stream.is_few(blocks.design):
        return read_points(record)
    return StreamedPoints(blocks.design, blocks.threads)


@dataclass(frozen=True)
class PointFunction:
    """A function of a piece's rows as one of a frame, which can be pickled."""

    reader: RowReader
    function: Callable[[Points, Any], Any]

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Return what the function makes of the rows used of a frame; None if there is none."""
        points, codes = _read_piece(self.reader, frame)
        return None if points is None else self.function(points, codes)


def _read_piece(reader: RowReader, frame: pd.DataFrame) -> tuple[Any, np.ndarray | None]:
    """Return the rows used of a frame, weighed as in averages, and the cell of each."""
    design = reader.read_all(frame)
    if design is None:
        return None, None
    counted = count_people(design)
    times = counted if design.weights is None else counted * design.weights
    codes, plain = design.groups, replace(design, weights=times, groups=None)
    return Points(plain, design.index, None, True, 1), codes


@dataclass(frozen=True)
class PlacedBlocks:
    """Rows that are placed piece by piece, of which kernels are summed as `RowBlocks` does."""

    points: StreamedPoints
    place: Place

    def reduce(self, function: Callable[..., Any], *args: Any) -> Any:
        """Add up what a kernel returns for every block."""
        return self.points.reduce(PlacedSum(self.place, function, args), "Averages")


@dataclass(frozen=True)
class PlacedSum:
    """A kernel's sum over the rows of a piece."""

    place: Place
    function: Callable[..., Any]
    args: tuple

    def __call__(self, points: Points, codes: np.ndarray | None) -> Any:
        """Return the sum."""
        total = None
        for blocks in self.place(points, codes):
            total = add_records(total, blocks.reduce(self.function, *self.args))
        return total


@dataclass(frozen=True)
class Moments:
    """Weighted sums of a number and its square about a center, its ends; ``+`` joins rows."""

    total: float
    first: float
    second: float
    low: float
    high: float

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.total + other.total,
            self.first + other.first,
            self.second + other.second,
            min(self.low, other.low),
            max(self.high, other.high),
        )


@dataclass(frozen=True)
class MomentFinder:
    """Finds the moments of a number."""

    name: Hashable
    center: float

    def __call__(self, points: Points, _: np.ndarray | None) -> Moments:
        """Return the moments over a piece's rows."""
        values, weights = read_values(points, self.name), points.weights
        gaps, held = values - self.center, weights > 0
        low = float(values[held].min(initial=np.inf))
        high = float(values[held].max(initial=-np.inf))
        first, second = float(weights @ gaps), float(weights @ gaps**2)
        return Moments(float(weights.sum()), first, second, low, high)

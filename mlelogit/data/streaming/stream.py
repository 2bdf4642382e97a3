"""Stream: the rows of a design that are read in pieces whenever they are summed."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlelogit.data.blocks import KEPT_ELEMENTS, Basis, Block, RowBlocks
from mlelogit.data.design import Design
from mlelogit.data.encoding import Encoding
from mlelogit.data.rows import read_names
from mlelogit.data.sources import ColumnSource, PickedSource, lay_out
from mlelogit.data.streaming.labels import LabelNumbers, StreamedLabels, find_labels
from mlelogit.data.streaming.rows import RowReader, RowRequest, select_piece
from mlelogit.data.streaming.sources.pieces import (
    LeftPieces,
    LocalPieces,
    Pieces,
    add_records,
    give_frame,
)
from mlelogit.data.streaming.stamps import Stamp, Stamped, check_stamp, stamp_rows
from mlelogit.data.threads import count_threads
from mlelogit.exceptions import MNLogitError, RowsNotHeldError

# 256 MB of doubles. A table of this size is better in memory, where every answer can be had, and
# its rows are read there for what takes all of them at once.
HELD_ELEMENTS = 1 << 25


def refuse(what: str, way: str) -> NoReturn:
    """Raise `RowsNotHeldError`: something asks for all rows at once."""
    raise RowsNotHeldError(
        f"This needs {what} of all rows in memory, and they are read in pieces ({way}). Read the "
        "table, or a sample of it, into a frame and fit that; sums of rows (covariances, tests, "
        "averages, margins) do not need it."
    )


class NotHeld:
    """What stands for an array of rows that is not in memory: any use of it raises."""

    def __init__(self, what: str, way: str) -> None:
        self.__dict__.update(what=what, way=way)

    def __reduce__(self) -> tuple:
        return NotHeld, (self.__dict__["what"], self.__dict__["way"])

    def __repr__(self) -> str:
        return f"<{self.__dict__['what']}, not in memory>"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        refuse(self.__dict__["what"], self.__dict__["way"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not name.startswith("__array"):
            raise AttributeError(name)
        self._refuse()

    __array__ = __getitem__ = __setitem__ = __len__ = __iter__ = __contains__ = _refuse
    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __pow__ = __rpow__ = __abs__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pos__ = __invert__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __float__ = __int__ = __index__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = _refuse
    __rmatmul__ = __truediv__ = __rtruediv__ = __neg__ = __bool__ = __hash__ = _refuse


@dataclass(frozen=True)
class Extremes:
    """Least and largest value of every column (K,) each; ``+`` joins rows."""

    low: np.ndarray
    high: np.ndarray

    def __add__(self, other: Extremes) -> Extremes:
        return Extremes(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


@dataclass(frozen=True)
class Together:
    """Two records of the same rows."""

    first: Any
    second: Any

    def __add__(self, other: Together) -> Together:
        return Together(operator.add(self.first, other.first), self.second + other.second)


def find_block_extremes(block: Block) -> Extremes:
    """Return the extremes of a block's columns."""
    x = lay_out(block.x)
    return Extremes(x.min(axis=1), x.max(axis=1))


@dataclass(frozen=True)
class WithExtremes:
    """A function of a block that finds the extremes of its columns too."""

    function: Callable[..., Any]

    def __call__(self, block: Block, *args: Any) -> Together:
        """Return what the function finds in a block, and the extremes of its columns."""
        return Together(self.function(block, *args), find_block_extremes(block))


@dataclass(frozen=True)
class StreamedSource:
    """The columns of rows that are read in pieces: their shape and extremes, no block of them."""

    shape: tuple[int, int]
    way: str
    known: dict[str, Extremes] = field(default_factory=dict, compare=False)
    direct = False
    sparse = False

    @property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of every column, if a pass has found them."""
        if "extremes" not in self.known:
            refuse("the extremes", self.way)
        found = self.known["extremes"]
        return found.low, found.high

    @property
    def rounding(self) -> np.ndarray:
        """Doubles are what pieces come in."""
        return np.full(self.shape[1], np.finfo(np.float64).eps)

    def block(self, start: int, stop: int) -> NoReturn:
        """Raise `RowsNotHeldError`."""
        refuse(f"rows {start} to {stop}", self.way)

    def take(self, rows: np.ndarray) -> NoReturn:
        """Raise `RowsNotHeldError`."""
        refuse(f"{len(rows)} chosen rows", self.way)


@dataclass(frozen=True)
class StreamedDesign(Design):
    """A design whose rows are read in pieces; what it was made from can't be replaced."""

    def __post_init__(self) -> None:
        source: ColumnSource = self.source
        while isinstance(source, PickedSource):
            source = source.source
        arrays = (self.weights, self.offset, self.outcome.codes, self.outcome.table)
        kept = all(array is None or isinstance(array, NotHeld) for array in arrays)
        if not (kept and self.groups is None and isinstance(source, StreamedSource)):
            refuse("weights, an order or groups of its own", getattr(self.stream, "way", ""))


@dataclass(frozen=True)
class PieceSum:
    """A sum over blocks, as a function of a frame of rows that can be pickled.

    Attributes
    ----------
    reader : RowReader
    basis : Basis or None
        The columns come in this basis.
    function : callable
        Of a block and args.
    args : tuple
    full : bool
        Whether the rows have to be stamped in full.
    """

    reader: RowReader
    basis: Basis | None
    function: Callable[..., Any]
    args: tuple
    full: bool = True

    def __call__(self, frame: pd.DataFrame) -> Stamped:
        """Return the sum over the rows used of a frame; None as the record if there is none."""
        return self._work(frame, RowBlocks.reduce)

    def map(self, frame: pd.DataFrame) -> Stamped:
        """Return what the function finds per row used; None as the record if there is none."""
        return self._work(frame, RowBlocks.map)

    def _work(self, frame: pd.DataFrame, verb: Callable[..., Any]) -> Stamped:
        read = read_stamped(self.reader, frame, self.full)
        if read.record is None:
            return read
        blocks = RowBlocks(read.record, self.basis)
        return replace(read, record=verb(blocks, self.function, *self.args))


def read_stamped(reader: RowReader, frame: pd.DataFrame, full: bool = True) -> Stamped:
    """Return the design of the rows used of a frame, and the stamp of all that are used."""
    selected = select_piece(reader.request, frame)
    design = reader.read_selected(selected)
    known = None if design is None or reader.beside is not None else design.outcome
    stamp = stamp_rows(selected, reader.request.columns, known, full or reader.beside is not None)
    return Stamped(stamp, design)


def _check(reader: RowReader, frame: pd.DataFrame) -> None:
    reader.read(frame)


@dataclass
class PieceStream:
    """The rows behind a `StreamedDesign`.

    Attributes
    ----------
    pieces : Pieces
    request : RowRequest
    observations : float
        People among the rows used.
    drawn : pandas.DataFrame
        Some of the rows used, drawn from all.
    constant : bool
        Whether the design is a constant alone.
    held : int
        Number of rows that the pieces give.
    stamp : Stamp or None
        Of the rows as the last pass found them.
    passes : int
        How many passes have been made so far.
    behind : PieceStream or None
        The table itself, where the pieces are its distinct rows with their number.
    beside : LabelNumbers or None
        What gives the rows the numbers of their cells.
    """

    pieces: Pieces
    request: RowRequest
    observations: float
    drawn: pd.DataFrame
    held: int
    constant: bool = False
    passes: int = 1
    behind: PieceStream | None = None
    beside: LabelNumbers | None = None
    stamp: Stamp | None = field(default=None, repr=False)
    _kept: tuple[Encoding, Basis | None, list[RowBlocks]] | None = field(default=None, repr=False)
    _reader: RowReader | None = field(default=None, repr=False)
    _held: Any = field(default=None, repr=False)

    @property
    def way(self) -> str:
        """How the rows are read."""
        return self.pieces.way

    @property
    def fingerprint(self) -> str:
        """What tells these rows from others."""
        return f"{self.pieces.fingerprint} {self.request.fingerprint}"

    @property
    def table(self) -> str:
        """What tells their table from others."""
        return self.pieces.fingerprint

    def reader(self, design: Design) -> RowReader:
        """Return what reads the rows of a design, ready to be sent to where they are."""
        reader = self._reader
        if reader is None or reader.encoding is not design.encoding:
            reader = RowReader(self.request, design.encoding, self.constant, self.beside)
            reader.prepare()
            self._reader = reader
            if self.stamp is not None:  # Its categories may be others.
                self.stamp = replace(self.stamp, crossed=None)
        return reader

    def _prepare(self, rows: RowBlocks, function: Callable[..., Any], args: tuple) -> PieceSum:
        full = self.stamp is None or self.stamp.crossed is None
        return PieceSum(self.reader(rows.design), rows.basis, function, args, full)

    def reduce(self, rows: RowBlocks, function: Callable[..., Any], args: tuple) -> Any:
        """Add up what a function returns for blocks of the rows."""
        work = self._prepare(rows, function, args)
        try:
            return self._sum(rows, work, function, args)
        except MNLogitError:
            # What fails on distinct rows is done again on all, whose places the error then names.
            if self.behind is not None:
                read = replace(work.reader, request=self.behind.request)
                self.behind.pieces.reduce(partial(_check, read), read.columns, "", rows.threads)
            raise

    def _sum(self, rows: RowBlocks, work: Any, function: Callable[..., Any], args: tuple) -> Any:
        kept = self._keep(rows, work.reader)
        if kept is not None:
            total = None
            for blocks in kept:
                total = add_records(total, blocks.reduce(function, *args))
            return total
        self.passes += 1
        what = f"Pass {self.passes}"
        found = self.pieces.reduce(work, work.reader.columns, what, rows.threads)
        self._check(None if found is None else found.stamp)
        return found.record

    def map(self, rows: RowBlocks, function: Callable[..., np.ndarray], args: tuple) -> np.ndarray:
        """Join what a function returns per row of the table, not only of the distinct ones."""
        if self.behind is not None:
            return self.behind.map(rows, function, args)
        work = self._prepare(rows, function, args)
        self.passes += 1
        parts: list[np.ndarray] = []
        stamp: Stamp | None = None
        for found in self.pieces.map(work.map, work.reader.columns):
            stamp = add_records(stamp, found.stamp)
            if found.record is not None:
                parts.append(found.record)
                self._check_size(parts[-1].size / parts[-1].shape[-1], "a result per row")
        self._check(stamp)
        return np.concatenate(parts, axis=-1)

    def _check(self, found: Stamp | None) -> None:
        """Compare the rows of a pass with those of the passes before, and remember them."""
        self.stamp = check_stamp(self.stamp, found, self.held, self.way)

    def measure(self, rows: RowBlocks, function: Callable[..., Any], args: tuple) -> Any:
        """Add up as `reduce` does, and find the columns' extremes in the same pass."""
        found = self.reduce(rows, WithExtremes(function), args)
        source: Any = rows.design.source
        while isinstance(source, PickedSource):
            source = source.source
        if source.shape[1] == len(found.second.low):
            source.known["extremes"] = found.second
        return found.first

    def sample(self, design: Design) -> Design:
        """Return some rows in memory, drawn from all."""
        read = self.reader(design).read(self.drawn)
        if read is None:
            refuse("a sample", self.way)
        return read

    def is_few(self, design: Design) -> bool:
        """Tell whether the rows, of a table all of them, are few enough to be held in memory."""
        if self.behind is not None:
            return self.behind.is_few(design)
        here = not isinstance(self.pieces, LeftPieces)
        return here and self.held * self._count_width(design) <= HELD_ELEMENTS

    def _count_width(self, design: Design) -> int:
        return len(self.pieces.names) + design.source.shape[1] + len(design.encoding.categories)

    def hold(self, design: Design) -> Design:
        """Return all rows in memory, read anew unless they are still in use, if they are few.

        Where equal rows were counted, these are the rows of the table.

        Raises
        ------
        RowsNotHeldError
            If they are too many.
        """
        if self.behind is not None:
            return self.behind.hold(design)
        self._check_size(self._count_width(design), "all rows")
        held = None if self._held is None else self._held()
        if held is None or held.encoding is not design.encoding:
            self.passes += 1
            frames = list(self.pieces.map(give_frame, self.pieces.names))
            frame = pd.concat(frames or [self.drawn.iloc[:0]], ignore_index=True)
            self._check(stamp_rows(select_piece(self.request, frame), self.request.columns))
            held = self.reader(design).read_all(frame)
            if held is None:
                refuse("all rows", self.way)
            held = replace(held, audit=design.audit, weights_name=design.weights_name)
            self._held = weakref.ref(held)
        return held

    def _check_size(self, width: float, what: str) -> None:
        if self.held * width > HELD_ELEMENTS:
            raise RowsNotHeldError(
                f"This needs {what} in memory at once: {self.held} rows of {width:.0f} numbers, "
                f"and they are read in pieces ({self.way}). Fit a sample of the table in a frame, "
                "or ask for sums of the rows: covariances, tests, averages, margins. "
                "Predictions come frame by frame from results.predict(newdata=the table)."
            )

    def make_constant(self, design: Design) -> Design:
        """Return the design of a constant alone."""
        source = StreamedSource((self.held, 1), self.way)
        return replace(design, source=source, stream=self._renew(constant=True))

    def weigh_by_times(self, design: Design) -> Design | None:
        """Return distinct rows that weigh as often as they occur; None if all are rows of one."""
        if self.request.times is None:
            return None
        self.passes += 1
        request = replace(self.request, only_times=True)
        return replace(design, stream=self._renew(request=request))

    def read_labels(self, given: Any, what: str) -> tuple[StreamedLabels, ...]:
        """Find the labels that columns of the table have in the rows used, in one pass."""
        self.passes += 1
        stream = self.find_table(read_names(given) or ())
        return find_labels(stream.pieces, stream.request, given, what, count_threads())

    def number_cells(self, design: Design, labels: Any, first: int, last: int) -> Design:
        """Return the rows whose label has a number from the first to before the last."""
        beside = LabelNumbers(labels, first, last)
        return replace(design, stream=self.find_table(labels.columns)._renew(beside=beside))

    def find_table(self, columns: Sequence[Any]) -> PieceStream:
        """Return the stream of the table, if the distinct rows of this one lack some columns."""
        if self.behind is None or all(name in self.pieces.names for name in columns):
            return self
        return self.behind._renew(constant=self.constant)

    def _keep(self, rows: RowBlocks, reader: RowReader) -> list[RowBlocks] | None:
        """Return the rows as blocks in memory, if they are few and this process reads them."""
        few = self.held * rows.width <= KEPT_ELEMENTS
        if not few or not isinstance(self.pieces, LocalPieces):
            return None
        kept = self._kept
        if kept is None or kept[0] is not reader.encoding:
            designs = self._read_kept(reader)
        elif kept[1] is rows.basis:
            return kept[2]
        else:
            designs = [blocks.design for blocks in kept[2]]
        held = [RowBlocks(one, rows.basis, threads=rows.threads) for one in designs]
        self._kept = (reader.encoding, rows.basis, held)
        return held

    def _read_kept(self, reader: RowReader) -> list[Design]:
        self.passes += 1
        found = list(self.pieces.map(partial(read_stamped, reader), reader.columns))
        self._check(reduce(add_records, (one.stamp for one in found), None))
        return [one.record for one in found if one.record is not None]

    def __getstate__(self) -> dict[str, Any]:
        # What was drawn of rows that stay behind stays there too.
        drawn = self.drawn.iloc[:0] if getattr(self.pieces, "stays", False) else self.drawn
        none = dict.fromkeys(("_kept", "_reader", "_held"))
        return {**self.__dict__, **none, "drawn": drawn}

    def __deepcopy__(self, memo: dict) -> PieceStream:
        """Share the table and what was drawn of it, of which nothing is changed."""
        return self._renew()

    def _renew(self, **changes: Any) -> PieceStream:
        """Return another stream of the same rows, with nothing of what this one keeps."""
        return replace(self, _kept=None, _reader=None, _held=None, **changes)

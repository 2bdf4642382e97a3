"""Labels beside rows that are read in pieces: which there are, and the number of every row's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.foreign import densify
from mlelogit.data.frames import find_missing, list_some
from mlelogit.data.labels import MOST_WAYS, SHOWN, Labels, number_labels
from mlelogit.data.rows import read_names
from mlelogit.data.streaming.rows import RowRequest, select_piece
from mlelogit.data.streaming.sources.pieces import Pieces
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    LabelError,
    MissingDataError,
    RowsNotHeldError,
)

# Finding which of so many combinations differ takes some ten milliseconds.
FEW_COMBINATIONS = 1 << 16
_first_question = threading.Lock()


@dataclass(frozen=True)
class StreamedLabels(Labels):
    """Labels of rows that are read in pieces: `codes` are not of rows but of combinations.

    Attributes
    ----------
    columns : tuple of str
        The columns of the table that were asked for together.
    combinations : pandas.Index
        (c,): their combinations that occur, to which `codes` (c,) give the labels' numbers.
    """

    columns: tuple[str, ...] = ()
    combinations: pd.Index = field(default_factory=lambda: pd.Index([]), repr=False)


def _find_places(index: pd.Index, rows: pd.Index) -> np.ndarray:
    """Return where rows stand in an index.

    pandas makes its table at the first question, and of two threads that ask it at once one can
    be told that there are labels twice.
    """
    with _first_question:
        index.get_indexer(index[:1])
    return np.asarray(index.get_indexer(rows))


@dataclass(frozen=True)
class LabelNumbers:
    """What gives the rows of a frame the numbers of their labels, and can be pickled.

    Attributes
    ----------
    labels : StreamedLabels
    first, last : int
        Numbers from the first to before the last are given, from zero on.
    """

    labels: StreamedLabels
    first: int
    last: int

    def number(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the number (m,) of every row of the frame, -1 for those outside.

        Raises
        ------
        LabelError
            If there is a label that the pass before did not find.
        """
        labels = self.labels
        found = _find_places(labels.combinations, _index_rows(frame, labels.columns))
        if (found < 0).any():
            row = frame[list(labels.columns)].iloc[int(np.flatnonzero(found < 0)[0])]
            raise LabelError(
                f"{labels.name!r} holds {write_value(row.tolist())}, which it did not in the pass "
                "before: the table changes while it is read."
            )
        codes = labels.codes[found]
        inside = (codes >= self.first) & (codes < self.last)
        return np.asarray(np.where(inside, codes - self.first, -1), dtype=np.int64)


@dataclass(frozen=True)
class FoundLabels:
    """The combinations of labels of some rows; ``+`` joins rows.

    Attributes
    ----------
    frames : tuple of pandas.DataFrame
        Combinations, none twice in a frame.
    settled : int
        How many there were when all of them were last told apart.
    rows : int
        Number of rows that came in.
    gaps : dict
        Column -> how many of the rows used have no label, and the positions of the first.
    """

    frames: tuple[pd.DataFrame, ...]
    settled: int
    rows: int
    gaps: dict[str, tuple[int, list[int]]]

    def __add__(self, other: FoundLabels) -> FoundLabels:
        gaps = dict(self.gaps)
        for name, (count, places) in other.gaps.items():
            before, first = gaps.get(name, (0, []))
            gaps[name] = before + count, (first + [self.rows + at for at in places])[:SHOWN]
        frames, settled = self.frames + other.frames, self.settled
        if sum(map(len, frames)) > 2 * max(settled, FEW_COMBINATIONS):
            frames = (_tell_apart(frames),)
            settled = len(frames[0])
        return FoundLabels(frames, settled, self.rows + other.rows, gaps)


@dataclass(frozen=True)
class LabelFinder:
    """A pass over rows that finds their labels: a function of a frame that can be pickled."""

    request: RowRequest
    columns: tuple[str, ...]

    def __call__(self, frame: pd.DataFrame) -> FoundLabels:
        """Return the labels of the rows used of a frame."""
        selected = select_piece(self.request, frame)
        picked = selected.take_frame(list(self.columns)).apply(densify)
        gaps: dict[str, tuple[int, list[int]]] = {}
        for name in self.columns:
            missing = np.flatnonzero(find_missing(picked[name]))
            if len(missing):
                gaps[name] = len(missing), selected.kept[missing[:SHOWN]].tolist()
        return FoundLabels((_tell_apart((picked,)),), 0, len(frame), gaps)


def find_labels(
    pieces: Pieces, request: RowRequest, given: Any, what: str, threads: int
) -> tuple[StreamedLabels, ...]:
    """Find, in one pass, the labels that some columns of a table have in the rows used.

    Parameters
    ----------
    pieces : Pieces
    request : RowRequest
    given : str or list of str
        Names of columns.
    what : str
        The argument's name, for messages.
    threads : int

    Raises
    ------
    RowsNotHeldError
        If labels are given as values.
    ColumnNotFoundError, ColumnTypeError, LabelError, MissingDataError
        As `mlelogit.data.labels.read_several_labels` does.
    """
    columns = _read_columns(pieces, request, given, what)
    every = [*request.columns, *(name for name in columns if name not in request.columns)]
    found = pieces.reduce(LabelFinder(request, columns), every, f"Labels of {what}", threads)
    for place, name in enumerate(columns):
        if name in found.gaps:
            called = what if len(columns) == 1 else f"{what}[{place}]"
            count, first = found.gaps[name]
            raise MissingDataError(
                f"{name!r} ({called}) is missing in {count} of the rows used; first rows by "
                f"position among those given: {first}. Fill it in, or fit without these rows."
            )
    frame = _tell_apart(found.frames)
    index = _index_rows(frame, columns)
    numbered = (number_labels(frame[name], name) for name in columns)
    return tuple(StreamedLabels(one.codes, one.names, one.name, columns, index) for one in numbered)


def _read_columns(pieces: Pieces, request: RowRequest, given: Any, what: str) -> tuple[str, ...]:
    names = read_names(given)
    if not names:
        raise RowsNotHeldError(
            f"{what} must name a column of the table, or several, since its rows are read in "
            f"pieces ({pieces.way}): values in memory have no rows to go with."
        )
    twice = [name for name in names if names.count(name) > 1]
    if twice or len(names) > MOST_WAYS:
        said = f"{twice[0]!r} twice" if twice else f"{len(names)} columns"
        raise LabelError(f"{what} holds {said}; give different columns, {MOST_WAYS} at most.")
    absent = [name for name in names if name not in pieces.names]
    if absent:
        grouped = "" if request.times is None else " of the equal rows, counted together,"
        raise ColumnNotFoundError(
            f"{what} names {absent[0]!r}, which is no column{grouped}; there are "
            f"{list_some(pieces.names, 20)}."
        )
    if request.times is not None and request.times in names:
        raise LabelError(f"{what} names {request.times!r}, which says how often a row counts.")
    return names


def _tell_apart(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    try:
        return frame.drop_duplicates(ignore_index=True)
    except TypeError as error:
        raise ColumnTypeError(
            f"{list_some(list(frame.columns))} holds values that cannot be labels, such as "
            f"{write_value(frame.iloc[0, 0])}."
        ) from error


def _index_rows(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Index:
    """Return an index of a frame's combinations; the levels of categoricals as they are."""
    plain = [_leave_categories(densify(frame[name])) for name in columns]
    return pd.Index(plain[0]) if len(plain) == 1 else pd.MultiIndex.from_arrays(plain)


def _leave_categories(column: pd.Series) -> pd.Series:
    dtype = column.dtype
    return (
        column.astype(dtype.categories.dtype) if isinstance(dtype, pd.CategoricalDtype) else column
    )

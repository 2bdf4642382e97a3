"""Stamps: sums by which rows that are read in several passes are known to be the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from pandas.api.types import is_numeric_dtype

from mlelogit.data.outcome import Outcome
from mlelogit.data.streaming.rows import SelectedRows
from mlelogit.data.streaming.sources.pieces import add_records
from mlelogit.exceptions import ChangedRowsError

# Far above what another order of the additions does, far below what a changed row does.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Stamp:
    """Sums of the rows used that do not depend on their order; ``+`` joins rows.

    Attributes
    ----------
    rows : int
        How many they are.
    sums, squares : numpy.ndarray or None
        (C,), of every column of numbers; 0 for a column of others. None where `crossed` is enough.
    crossed : numpy.ndarray or None
        (C + 1,), of a number that stands for the category, and its products with the columns;
        None if the categories are not known yet.
    """

    rows: int
    sums: np.ndarray | None
    squares: np.ndarray | None
    crossed: np.ndarray | None = None

    def __add__(self, other: Stamp) -> Stamp:
        with np.errstate(all="ignore"):
            return Stamp(
                self.rows + other.rows,
                add_records(self.sums, other.sums),
                add_records(self.squares, other.squares),
                add_records(self.crossed, other.crossed),
            )

    def differs(self, other: Stamp) -> bool:
        """Tell whether another stamp cannot be one of the same rows; this one has squares."""
        if self.rows != other.rows:
            return True
        with np.errstate(all="ignore"):
            room = ROUNDING * np.sqrt(self.rows * np.asarray(self.squares))
            changed = _exceed(self.sums, other.sums, room)
            marked = np.append(ROUNDING * self.rows, room)
            return changed or _exceed(self.crossed, other.crossed, marked)

    def join(self, other: Stamp) -> Stamp:
        """Return what both know of the same rows."""
        return self if other.crossed is None else replace(self, crossed=other.crossed)


def _exceed(one: np.ndarray | None, other: np.ndarray | None, room: np.ndarray) -> bool:
    if one is None or other is None:
        return False
    return bool(np.any(np.abs(one - other) > room))


def stamp_rows(
    selected: SelectedRows, columns: list[str], outcome: Outcome | None = None, full: bool = True
) -> Stamp:
    """Return the stamp of the rows used of a frame.

    Parameters
    ----------
    selected : SelectedRows
    columns : list of str
        Those that the stamp is of.
    outcome : Outcome, optional
        Of these rows, by the categories of all.
    full : bool
        Whether to add up more than the products with the outcome, which takes thrice as long.
    """
    marks = None if outcome is None else _mark_categories(outcome)
    found = np.zeros((3, len(columns)))
    with np.errstate(all="ignore"):
        for place, name in enumerate(columns):
            values = _take_numbers(selected, name)
            if values is None:
                continue
            if full:
                found[0, place] = values.sum()
                found[1, place] = np.einsum("i,i->", values, values)
            if marks is not None:
                found[2, place] = np.einsum("i,i->", values, marks)
        sums, squares = (found[0], found[1]) if full else (None, None)
        crossed = None if marks is None else np.append(marks.sum(), found[2])
    return Stamp(len(selected.kept), sums, squares, crossed)


def _take_numbers(selected: SelectedRows, name: str) -> np.ndarray | None:
    column = selected.frame[name]
    if not is_numeric_dtype(column.dtype) or column.dtype.kind == "c":
        return None
    if isinstance(column.dtype, np.dtype):
        values = column.to_numpy()
    else:
        values = column.to_numpy(np.float64, na_value=np.nan)
    return np.asarray(selected.take(values), dtype=np.float64)


def _mark_categories(outcome: Outcome) -> np.ndarray:
    """Return a number (m,) for every row: of its category, or their sum by how much of each."""
    marks = np.sqrt(np.arange(2.0, len(outcome.categories) + 2)) % 1
    if outcome.codes is not None:
        return np.asarray(marks[outcome.codes])
    return np.asarray(outcome.table) @ marks


def check_stamp(known: Stamp | None, found: Stamp | None, rows: int, way: str) -> Stamp:
    """Compare the rows of a pass with those of the passes before; return the fuller stamp.

    Parameters
    ----------
    known : Stamp or None
        Of the pass before; None where there was none over these rows.
    found : Stamp or None
        Of this pass; None if it gave no rows.
    rows : int
        How many rows the first pass found.
    way : str
        How they are read.

    Raises
    ------
    ChangedRowsError
        If they are others.
    """
    count = 0 if found is None else found.rows
    if found is None or count != rows:
        _refuse(way, f"the first used {rows:,} rows, and this {count:,}")
    if known is None:
        return found
    if known.differs(found):
        _refuse(way, f"each used {rows:,} rows, but they hold other values")
    return known.join(found)


def _refuse(way: str, what: str) -> NoReturn:
    raise ChangedRowsError(
        f"The rows changed between two passes over them ({way}): {what}. Every pass must give the "
        "same rows. Write rows that are random or still changing to a file and read that; persist "
        "a dask frame (frame = frame.persist()); let a callable open its frames anew each time."
    )


@dataclass(frozen=True)
class Stamped:
    """What a pass returns of some rows, and their stamp; ``+`` joins rows."""

    stamp: Stamp
    record: Any

    def __add__(self, other: Stamped) -> Stamped:
        return Stamped(self.stamp + other.stamp, add_records(self.record, other.record))

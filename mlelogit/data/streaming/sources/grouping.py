"""Rows that are equal, each once, with how often it occurs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.codes import mix_codes
from mlelogit.data.frames import as_numbers
from mlelogit.data.streaming.sources.pieces import LocalPieces, Piece, Pieces, QuantileFinder
from mlelogit.data.streaming.sources.quantiles import find_repeated_quantiles
from mlelogit.exceptions import ColumnTypeError

# Rows that are looked at before all are read: where they are nearly all different, so is the rest.
FIRST_ROWS = 1 << 17
# Of the first rows; with more the records of equal rows would be as long as the rows.
DIFFERENT_SHARE = 0.5
# Of any part: then its record is as long as its rows, and would only travel.
NEARLY_ALL = 0.95
_ROWS_AT_ONCE = 1 << 16
_NULLABLE = {"bool": "boolean"} | {
    f"{sign}int{width}": f"{sign.upper()}Int{width}"
    for sign in ("", "u")
    for width in (8, 16, 32, 64)
}


@dataclass(frozen=True)
class Group:
    """Different rows, and how often each occurs.

    Attributes
    ----------
    frame : pandas.DataFrame
        (k, columns): in the order in which they came first; missing values are missing.
    times : numpy.ndarray
        (k,), int64.
    """

    frame: pd.DataFrame = field(repr=False)
    times: np.ndarray = field(repr=False)

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return int(self.times.sum())


@dataclass(frozen=True)
class Tally:
    """What is known of the equal rows after some of them; adds up.

    Attributes
    ----------
    limit : int
    group : Group or None
        None once there are more different rows than `limit`, or columns change their type on
        the way, so that rows cannot be told to be equal.
    """

    limit: int
    group: Group | None = field(repr=False)

    def __add__(self, other: Tally) -> Tally:
        if self.group is None or other.group is None:
            return Tally(self.limit, None)
        frames = _unify(self.group.frame, other.group.frame)
        if frames is None:
            return Tally(self.limit, None)
        times = np.concatenate([self.group.times, other.group.times])
        return tally_rows(pd.concat(frames, ignore_index=True), self.limit, times)


class _TooManyError(Exception):
    """Ends a pass of which nothing is to be learned any more."""


def count_rows(
    pieces: Pieces,
    columns: Sequence[str],
    limit: int,
    threads: int = 1,
    what: str = "Equal rows",
    repeats: int = 1,
) -> Group | None:
    """Count how often each different row of some columns occurs.

    Rows are equal if each of their values is: missing values equal each other and nothing else,
    -0.0 equals 0.0, strings are compared letter by letter, and values of different types
    (1, 1.0, True) are different. A database counts by itself; else the rows are read once.

    Parameters
    ----------
    pieces : Pieces
    columns : sequence of str
    limit : int
        The most different rows.
    threads : int
    what : str
        What the progress bar says.
    repeats : int
        How often a row must occur on average; nothing is counted further where it is clear that
        they do not.

    Returns
    -------
    Group or None
        None if there are more or they repeat less, or a column's type changes from piece to
        piece. The columns keep their types. The order of the rows is the same every time.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.streaming.sources.frames import FramePieces
    >>> from mlelogit.data.streaming.sources.grouping import count_rows
    >>> frames = [pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [2, 2]})]
    >>> group = count_rows(FramePieces(frames), ["x"], limit=10)
    >>> group.frame["x"].tolist(), group.times.tolist()
    ([1, 2], [1, 3])
    """
    own = getattr(pieces, "count_rows", None)
    counted = NotImplemented if own is None else own(columns, limit)
    if counted is not NotImplemented:
        return _check_repeats(counted, repeats)
    if _differ(pieces, columns, limit):
        return None
    tally = _tally_or_stop if isinstance(pieces, LocalPieces) else tally_some
    try:
        total = pieces.reduce(partial(tally, limit=limit), columns, what, threads)
    except _TooManyError:
        return None
    return None if total is None else _check_repeats(total.group, repeats)


def _check_repeats(group: Group | None, repeats: int) -> Group | None:
    if group is None or group.rows < repeats * len(group.times):
        return None
    return group


def tally_some(frame: pd.DataFrame, limit: int) -> Tally:
    """Count the equal rows of a frame of some rows; not if they are many and nearly all differ."""
    tally = tally_rows(frame, limit)
    return Tally(limit, None) if _are_different(len(frame), tally.group) else tally


def _are_different(rows: int, group: Group | None) -> bool:
    many = rows > _ROWS_AT_ONCE // 2
    return many and (group is None or len(group.times) > NEARLY_ALL * rows)


def tally_rows(frame: pd.DataFrame, limit: int, times: np.ndarray | None = None) -> Tally:
    """Count the equal rows of a frame in memory; see `count_rows`.

    Parameters
    ----------
    frame : pandas.DataFrame
    limit : int
    times : numpy.ndarray, optional
        (n,): how often every row counts; once if not given.
    """
    numbers = _number_rows(frame)
    codes, found = pd.factorize(numbers)
    if len(found) > limit:
        return Tally(limit, None)
    first = np.empty(len(found), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    totals = np.zeros(len(found), dtype=np.int64)
    np.add.at(totals, codes, 1 if times is None else times)
    return Tally(limit, Group(frame.iloc[first].reset_index(drop=True), totals))


def _tally_or_stop(frame: pd.DataFrame, limit: int) -> _StoppingTally:
    return _StoppingTally(*_stop(tally_some(frame, limit)))


class _StoppingTally(Tally):
    def __add__(self, other: Tally) -> _StoppingTally:
        return _StoppingTally(*_stop(Tally(self.limit, self.group) + other))


def _stop(tally: Tally) -> tuple[int, Group]:
    if tally.group is None:
        raise _TooManyError
    return tally.limit, tally.group


def _differ(pieces: Pieces, columns: Sequence[str], limit: int) -> bool:
    """Tell whether the first rows alone are more than a limit, or nearly all different."""
    for rows, different in pieces.map(_count_first, columns):
        return different > limit or (
            rows > _ROWS_AT_ONCE // 2 and different > DIFFERENT_SHARE * rows
        )
    return False


def _count_first(frame: pd.DataFrame) -> tuple[int, int]:
    head = frame.iloc[:FIRST_ROWS]
    group = tally_rows(head, len(head)).group
    return len(head), 0 if group is None else len(group.times)


def _number_rows(frame: pd.DataFrame) -> np.ndarray:
    """Give rows (n,) numbers that are equal just if the rows are."""
    columns = (_number_values(frame.iloc[:, i]) for i in range(frame.shape[1]))
    return mix_codes(columns, len(frame))


def _number_values(column: pd.Series) -> tuple[np.ndarray, int]:
    """Give values numbers from 0, missing ones the last; and one more than the last."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, count = column.cat.codes.to_numpy(), len(column.cat.categories)
    else:
        values: Any = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array
        if column.dtype == object:
            values = _mark_types(column)
        try:
            codes, found = pd.factorize(values)
        except TypeError as error:
            raise ColumnTypeError(
                f"Column {column.name!r} holds values that cannot be compared, such as lists "
                f"({error}); make columns of their parts."
            ) from error
        count = len(found)
    return np.where(codes < 0, count, codes).astype(np.int64), count + 1


def _mark_types(column: pd.Series) -> np.ndarray:
    """Tell objects of different types apart, that may be equal: 1, 1.0 and True."""
    values, missing = column.to_numpy(), column.isna().to_numpy()
    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        return values
    marked = np.empty(len(values), dtype=object)
    marked[:] = [
        None if gap else (type(value), value) for gap, value in zip(missing, values, strict=True)
    ]
    return marked


def _unify(left: pd.DataFrame, right: pd.DataFrame) -> list[pd.DataFrame] | None:
    """Give two frames the same types where one has gaps and one has none; None if they differ."""
    frames = [left.copy(deep=False), right.copy(deep=False)]
    for name in left.columns:
        kinds = [frame[name].dtype for frame in frames]
        if kinds[0] == kinds[1]:
            if _reorder(*kinds):
                return None
            continue
        common: Any = {_NULLABLE.get(str(kind), str(kind)) for kind in kinds}
        if len(common) > 1:
            return None
        for frame in frames:
            frame[name] = frame[name].astype(*common)
    return frames


def _reorder(left: Any, right: Any) -> bool:
    """Tell whether types are of the same categories in another order: equal ones, says pandas."""
    return isinstance(left, pd.CategoricalDtype) and not left.categories.equals(right.categories)


class GroupedPieces(LocalPieces):
    """Different rows in memory that stand for as many as they occur.

    Parameters
    ----------
    group : Group
    way : str
        Where all the rows are: "DuckDB".
    fingerprint : str
        Of these.

    Attributes
    ----------
    times_name : str
        A further column, not among `names`, that can be asked for: how often each row occurs.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from mlelogit.data.streaming.sources.grouping import Group, GroupedPieces
    >>> group = Group(pd.DataFrame({"x": [1.0, 2.0]}), np.array([3, 1]))
    >>> pieces = GroupedPieces(group, "DuckDB")
    >>> pieces.way
    '4 rows in DuckDB, 2 different'
    >>> pieces.find_quantiles("x", [0.5], ["x"])
    array([1.])
    """

    def __init__(self, group: Group, way: str, fingerprint: str = "") -> None:
        self.group = group
        self.names = tuple(group.frame.columns)
        self.rows = group.rows
        self.way = f"{self.rows:,} rows in {way}, {len(group.times):,} different"
        self.fingerprint = f"grouped {fingerprint} {self.names} {self.rows}"
        self.times_name = "times"
        while self.times_name in self.names:
            self.times_name = f".{self.times_name}"
        self.find_quantiles: QuantileFinder | None = self._find_quantiles

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the rows with these columns, in their order."""
        for start in range(0, max(len(self.group.times), 1), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            count = int(self.group.times[rows].sum())
            yield Piece("", partial(self._read, rows, list(columns)), count)

    def _read(self, rows: slice, columns: list[str]) -> Iterator[pd.DataFrame]:
        picked = self.group.frame.iloc[rows].assign(**{self.times_name: self.group.times[rows]})
        yield picked[columns].reset_index(drop=True)

    def _find_quantiles(
        self, column: str, probabilities: Sequence[float], complete: Sequence[str]
    ) -> np.ndarray:
        named = [name for name in dict.fromkeys((column, *complete)) if name != self.times_name]
        kept = ~self.group.frame[named].isna().any(axis=1).to_numpy()
        values = as_numbers(self.group.frame[column][kept], column).astype(np.float64)
        order = np.argsort(values, kind="stable")
        times = self.group.times[kept][order]
        return find_repeated_quantiles(values[order], times, probabilities)

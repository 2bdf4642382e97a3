"""Values by number: factorized columns, and the combinations of several that occur."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.threads import count_threads, fold_in_order

# A table of so many places, 16 MB, finds the combinations that occur; more are hashed.
TABLE = 1 << 24
# Whole numbers that span no more are their own codes: years, ages, dates by day, identifiers of
# a small register. Wider ones are hashed, lest a table of combinations have places for all of them.
SPAN = 1 << 20
# 1 MB of codes: they stay in a processor's cache, and a part costs far more than its start.
ROWS_AT_ONCE = 1 << 17
MOST_ROWS = np.iinfo(np.int32).max
# Beyond, codes of rows do not fit in 64 bits and are numbered anew.
LARGEST_CODE = int(np.iinfo(np.int64).max)
PLAIN_OBJECTS = ("string", "boolean", "integer", "floating", "empty")


@dataclass(frozen=True)
class Codes:
    """Values by number: `values` less `low`, from 0 to below `count`; missing ones are any.

    Exact if each of these numbers occurs.
    """

    values: np.ndarray
    low: int
    count: int
    exact: bool = False

    def cut(self, rows: Any) -> np.ndarray:
        """Return the numbers of some rows."""
        codes = self.values[rows].astype(np.int32)
        return codes - np.int32(self.low) if self.low else codes


def code_values(column: Any) -> Codes:
    """Return a column's values by number; values that differ in type alone stay apart.

    Raises
    ------
    TypeError
        If values cannot be hashed.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = column.cat.codes if isinstance(column, pd.Series) else column.codes
        return Codes(np.asarray(codes), 0, max(1, len(dtype.categories)))
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return _code_numbers(np.asarray(column))
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _code_objects(column)
    if not is_arrow(dtype):
        return _hash(column)
    codes, labels = number_arrow(column)
    return Codes(codes, 0, max(1, len(labels)), True)


def is_arrow(dtype: Any) -> bool:
    """Tell whether a column of a dtype is an array of Arrow's."""
    return isinstance(dtype, pd.ArrowDtype) or getattr(dtype, "storage", "") == "pyarrow"


def _code_numbers(values: np.ndarray) -> Codes:
    if values.dtype.kind == "b":
        return Codes(values.view(np.uint8), 0, 2)
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < SPAN and abs(low) < MOST_ROWS - SPAN:
            return Codes(values, low, high - low + 1)
    return _hash(values)


def _hash(values: Any) -> Codes:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "f":
        values = np.asarray(values)
        if values.dtype.itemsize > 8:
            raise TypeError("pandas has no hash of long doubles.")
        values = values.astype(np.float32 if values.dtype.itemsize < 8 else np.float64, copy=False)
    elif isinstance(values.dtype, np.dtype) and not values.dtype.isnative:
        values = np.asarray(values).astype(values.dtype.newbyteorder("="))
    codes, found = pd.factorize(values)
    return Codes(codes.astype(np.int32), 0, max(1, len(found)), True)


def _code_objects(column: Any) -> Codes:
    values = np.asarray(column, dtype=object)
    if pd.api.types.infer_dtype(values, skipna=True) in PLAIN_OBJECTS:
        return _hash(values)
    numbers: dict[Any, int] = {}
    codes = [numbers.setdefault((type(value), value), len(numbers)) for value in values]
    return Codes(np.array(codes, dtype=np.int32), 0, max(1, len(numbers)))


def is_text(series: pd.Series) -> bool:
    """Tell whether a column is text in an array of Arrow's."""
    return is_arrow(series.dtype) and isinstance(series.dtype, pd.StringDtype)


def number_arrow(column: Any) -> tuple[np.ndarray, list]:
    """Return numbers for a column of Arrow's, by first appearance, part by part in threads.

    Returns
    -------
    codes : numpy.ndarray
        (n,), int32; -1 for missing values.
    values : list
    """
    held: Any = column.array if isinstance(column, pd.Series) else column
    array = held.__arrow_array__()
    parts = [array.slice(at, ROWS_AT_ONCE) for at in range(0, len(array), ROWS_AT_ONCE)]
    numbers: dict[Any, int] = {}
    codes, start = np.empty(len(array), dtype=np.int32), 0

    def join(encoded: Any) -> None:
        nonlocal start
        for chunk in encoded.chunks if hasattr(encoded, "chunks") else [encoded]:
            values = chunk.dictionary.to_pylist()
            table = np.array([*(numbers.setdefault(v, len(numbers)) for v in values), -1], np.int32)
            indices = chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices
            codes[start : start + len(chunk)] = table[indices.to_numpy(zero_copy_only=False)]
            start += len(chunk)

    fold_in_order(lambda part: part.dictionary_encode(), parts, count_threads(), join)
    return codes, list(numbers)


def number_combinations(
    columns: Sequence[Any], kept: np.ndarray, total: int, most: int
) -> np.ndarray | None:
    """Return numbers for the combinations of the columns' values that occur.

    Parameters
    ----------
    columns : sequence of pandas.Series or numpy.ndarray
        (total,) each, of any type.
    kept : numpy.ndarray
        (n,): positions of the rows used, in order.
    total : int
    most : int
        Give up where there are more combinations.

    Returns
    -------
    numpy.ndarray or None
        (n,), int32, from 0 on without a gap, in any order; None if given up.

    Raises
    ------
    TypeError
        If values cannot be hashed.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.codes import number_combinations
    >>> columns = np.array([True, False, True]), np.array([7.5, 7.5, 7.5])
    >>> number_combinations(columns, np.arange(3), 3, 3)
    array([1, 0, 1], dtype=int32)
    """
    rows = None if len(kept) == total else kept
    waiting: list[Codes] = []
    for column in columns:
        codes = code_values(column)
        if codes.count == 1:
            continue
        if codes.exact and codes.count > most and len(kept) == total:
            return None
        if len(waiting) and np.prod([float(some.count) for some in waiting]) * codes.count > TABLE:
            waiting, rows = [_merge(waiting, rows, len(kept))], None
            if waiting[0].count > most:
                return None
            codes = codes if len(kept) == total else replace(codes, values=codes.values[kept])
        waiting.append(codes)
    if not waiting:
        return np.zeros(len(kept), dtype=np.int32)
    merged = _merge(waiting, rows, len(kept))
    return None if merged.count > most else merged.values


def _merge(waiting: list[Codes], rows: np.ndarray | None, length: int) -> Codes:
    """Return numbers for the combinations of columns' codes that occur."""
    size = int(np.prod([float(codes.count) for codes in waiting]))
    if size > TABLE:
        return _merge_by_hash(waiting, rows, length)
    merged, seen = np.empty(length, dtype=np.int32), np.zeros(size, dtype=bool)

    def mix(start: int) -> None:
        stretch = slice(start, min(start + ROWS_AT_ONCE, length))
        mixed = np.zeros(stretch.stop - start, dtype=np.int32)
        for codes in waiting:
            mixed *= np.int32(codes.count)
            mixed += codes.cut(stretch if rows is None else rows[stretch])
        seen[mixed] = True
        merged[stretch] = mixed

    _go_through(mix, length)
    return Codes(renumber(merged, np.cumsum(seen, dtype=np.int32) - 1), 0, int(seen.sum()))


def _merge_by_hash(waiting: list[Codes], rows: np.ndarray | None, length: int) -> Codes:
    every = slice(None) if rows is None else rows
    mixed = mix_codes(((codes.cut(every), codes.count) for codes in waiting), length)
    merged, found = pd.factorize(mixed)
    return Codes(merged.astype(np.int32), 0, len(found))


def mix_codes(columns: Iterable[tuple[np.ndarray, int]], length: int) -> np.ndarray:
    """Give rows (n,) whole numbers that are equal just if the rows' codes in all columns are.

    Parameters
    ----------
    columns : iterable of (numpy.ndarray, int)
        Codes (n,) from 0 to below a number, and that number.
    length : int
        n.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.codes import mix_codes
    >>> mix_codes([(np.array([0, 1, 0]), 2), (np.array([4, 4, 4]), 5)], 3)
    array([4, 9, 4])
    """
    mixed, size = np.zeros(length, dtype=np.int64), 1
    for codes, count in columns:
        if size > LARGEST_CODE // count:
            mixed, found = pd.factorize(mixed)
            size = len(found)
        mixed, size = mixed * count + codes, size * count
    return mixed


def renumber(places: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Put other numbers in the place of those of an array, which is changed."""
    table = table.astype(np.int32, copy=False)

    def look_up(start: int) -> None:
        stretch = places[start : start + ROWS_AT_ONCE]
        stretch[:] = table[stretch]

    _go_through(look_up, len(places))
    return places


def _go_through(function: Callable[[int], None], length: int) -> None:
    starts = list(range(0, length, ROWS_AT_ONCE))
    fold_in_order(function, starts, count_threads(), lambda _: None)

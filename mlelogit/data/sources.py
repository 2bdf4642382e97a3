"""Where the columns of a design are: in an array, column by column, or sparse."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.foreign import unmask
from mlelogit.data.frames import (
    COPIED_ELEMENTS,
    as_numbers,
    check_unique_names,
    is_boolean,
)
from mlelogit.exceptions import ColumnTypeError, EmptyDataError


class ColumnSource(Protocol):
    """Where the columns of a design are: nothing else knows how they are stored."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, K)."""

    @property
    def direct(self) -> bool:
        """Whether cutting a block costs next to nothing: no column is gathered or widened."""

    @property
    def sparse(self) -> bool:
        """Whether blocks are sparse."""

    @property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of every column (K,) each; NaN where one is."""

    @property
    def rounding(self) -> np.ndarray:
        """How coarsely every column is rounded, relatively (K,): that of its own dtype."""

    def block(self, start: int, stop: int) -> Any:
        """Return rows start to stop, columns first: (K, stop - start), float64, maybe sparse."""

    def take(self, rows: np.ndarray) -> ColumnSource:
        """Return the source of the rows at these positions."""


GATHERED_ROWS = 8192
FOLDED_ROWS = 64
FOLDED_AT_ONCE = 64 * FOLDED_ROWS
SPARSE_WIDTH = 32
SPARSE_SHARE = 1 / 8


@dataclass(frozen=True)
class ArraySource:
    """Columns in one array (n, K) of any real dtype."""

    array: np.ndarray
    sparse = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape[0], self.array.shape[1]

    @property
    def direct(self) -> bool:
        return self.array.dtype == np.float64

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        return find_extremes(self.array)

    @property
    def rounding(self) -> np.ndarray:
        return np.full(self.shape[1], find_rounding(self.array.dtype))

    def block(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop].T.astype(np.float64, copy=False)

    def take(self, rows: np.ndarray) -> ArraySource:
        return ArraySource(self.array[rows])


@dataclass(frozen=True)
class ColumnsSource:
    """Columns in K arrays (n,), each of its own dtype."""

    columns: tuple[np.ndarray, ...]
    direct = False
    sparse = False

    @property
    def shape(self) -> tuple[int, int]:
        return (len(self.columns[0]) if self.columns else 0), len(self.columns)

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        found = [(float(column.min()), float(column.max())) for column in self.columns]
        low, high = np.array(found).T
        return low, high

    @property
    def rounding(self) -> np.ndarray:
        return np.array([find_rounding(column.dtype) for column in self.columns])

    def block(self, start: int, stop: int) -> np.ndarray:
        out = np.empty((len(self.columns), stop - start))
        for row, column in zip(out, self.columns, strict=True):
            row[:] = column[start:stop]
        return out

    def take(self, rows: np.ndarray) -> ColumnsSource:
        return ColumnsSource(tuple(column[rows] for column in self.columns))


@dataclass(frozen=True)
class SparseSource:
    """Columns in a scipy.sparse array in compressed row form.

    Blocks stay sparse where that pays: many columns, of which a row fills few.
    """

    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    @cached_property
    def sparse(self) -> bool:
        rows, columns = self.array.shape
        return columns >= SPARSE_WIDTH and self.array.nnz <= SPARSE_SHARE * rows * columns

    @property
    def direct(self) -> bool:
        return self.sparse

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.array.min(axis=0), self.array.max(axis=0)
        return np.ravel(low.toarray()).astype(float), np.ravel(high.toarray()).astype(float)

    @property
    def rounding(self) -> np.ndarray:
        return np.full(self.shape[1], find_rounding(self.array.dtype))

    def block(self, start: int, stop: int) -> Any:
        rows = self.array[start:stop].astype(np.float64, copy=False)
        return rows.T if self.sparse else rows.toarray().T

    def take(self, rows: np.ndarray) -> SparseSource:
        return SparseSource(self.array[rows])


@dataclass(frozen=True)
class SelectedSource:
    """Some rows of a source, gathered when a block of them is cut."""

    source: ColumnSource
    rows: np.ndarray
    direct = False
    sparse = False

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), self.source.shape[1]

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        starts = range(0, len(self.rows), GATHERED_ROWS)
        found = [find_extremes(self.block(start, start + GATHERED_ROWS).T) for start in starts]
        lows, highs = zip(*found, strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    @property
    def rounding(self) -> np.ndarray:
        return self.source.rounding

    def block(self, start: int, stop: int) -> np.ndarray:
        rows = self.rows[start:stop]
        return self.source.take(rows).block(0, len(rows))

    def take(self, rows: np.ndarray) -> ColumnSource:
        return self.source.take(self.rows[rows])


@dataclass(frozen=True)
class PickedSource:
    """Some columns of a source, picked when a block is cut."""

    source: ColumnSource
    columns: np.ndarray
    direct = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape[0], len(self.columns)

    @property
    def sparse(self) -> bool:
        return self.source.sparse

    @property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.source.extremes
        return low[self.columns], high[self.columns]

    @property
    def rounding(self) -> np.ndarray:
        return self.source.rounding[self.columns]

    def block(self, start: int, stop: int) -> Any:
        return self.source.block(start, stop)[self.columns]

    def take(self, rows: np.ndarray) -> ColumnSource:
        return PickedSource(self.source.take(rows), self.columns)


@dataclass(frozen=True)
class JoinedSource:
    """The columns of two designs side by side."""

    left: ColumnSource
    right: ColumnSource
    direct = False
    sparse = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.left.shape[0], self.left.shape[1] + self.right.shape[1]

    @property
    def rounding(self) -> np.ndarray:
        return np.concatenate([self.left.rounding, self.right.rounding])

    @property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = zip(self.left.extremes, self.right.extremes, strict=True)
        return np.concatenate(low), np.concatenate(high)

    def block(self, start: int, stop: int) -> np.ndarray:
        blocks = self.left.block(start, stop), self.right.block(start, stop)
        return np.vstack([lay_out(block) for block in blocks])

    def take(self, rows: np.ndarray) -> JoinedSource:
        return JoinedSource(self.left.take(rows), self.right.take(rows))


def find_rounding(dtype: np.dtype) -> float:
    """Return the relative spacing of a dtype's numbers; that of doubles if it has none."""
    return float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)


def leave_out_rows(source: ColumnSource, kept: np.ndarray) -> ColumnSource:
    """Return the source of the rows kept: a copy if they are few or sparse, else no copy."""
    if len(kept) == source.shape[0]:
        return source
    small = kept.size * source.shape[1] <= COPIED_ELEMENTS
    if small or not isinstance(source, ArraySource | ColumnsSource):
        return source.take(kept)
    return SelectedSource(source, kept)


def lay_out(block: Any) -> np.ndarray:
    """Return a block's columns (K, m) as a plain array."""
    return block if isinstance(block, np.ndarray) else block.toarray()


def find_extremes(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and largest value of every column of an array (n, K); NaN where one is.

    Short rows in a row are folded into long ones, along which numpy is fast.
    """
    rows, columns = array.shape
    lows, highs = [], []
    for start in range(0, rows, FOLDED_AT_ONCE):
        part = array[start : start + FOLDED_AT_ONCE]
        if part.flags.c_contiguous and len(part) % FOLDED_ROWS == 0:
            part = part.reshape(-1, FOLDED_ROWS * columns)
        lows.append(part.min(axis=0).reshape(-1, columns).min(axis=0))
        highs.append(part.max(axis=0).reshape(-1, columns).max(axis=0))
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    return low.astype(np.float64), high.astype(np.float64)


def read_columns(
    exog: Any,
) -> tuple[tuple, Mapping[Any, np.ndarray], ColumnSource]:
    """Return names, the columns that hold values that are not finite, and the source."""
    if isinstance(exog, pd.Series):
        exog = exog.to_frame()
    if hasattr(exog, "tocsr"):
        return _read_sparse(exog)
    if isinstance(exog, pd.DataFrame):
        return _read_frame(exog)
    array = as_matrix(exog)
    if array is exog and array.size <= COPIED_ELEMENTS:
        array = array.copy(order="K")
    source = ArraySource(array)
    if not array.size:
        return name_columns(array), {}, source
    names = _name_by_extremes(*source.extremes)
    return names, {names[i]: array[:, i] for i in _find_odd(source)}, source


def find_truths(exog: Any, names: tuple) -> frozenset:
    """Return the names of the columns that hold truth values."""
    if isinstance(exog, pd.Series):
        return frozenset(names if is_boolean(exog) else ())
    if isinstance(exog, pd.DataFrame):
        return frozenset(name for name in names if is_boolean(exog[name]))
    return frozenset(names if getattr(exog, "dtype", None) == np.bool_ else ())


def _read_frame(exog: pd.DataFrame) -> tuple[tuple, Mapping[Any, np.ndarray], ColumnSource]:
    check_unique_names(exog.columns, "exog")
    names = tuple(exog.columns)
    if not names:
        raise EmptyDataError("exog has no columns.")
    columns = tuple(as_numbers(exog[name], name) for name in names)
    small = exog.size <= COPIED_ELEMENTS
    if small:
        columns = tuple(column.copy() for column in columns)
    source: ColumnSource = ColumnsSource(columns)
    if not len(exog):
        return names, {}, source
    if not small and _stand_in_one_array(columns):
        source = ArraySource(exog.to_numpy())
    return names, {names[i]: columns[i] for i in _find_odd(source)}, source


def _stand_in_one_array(columns: tuple[np.ndarray, ...]) -> bool:
    """Tell whether columns are those of one array of float64, which pandas gives without a copy."""
    if any(column.dtype != np.float64 for column in columns):
        return False
    # Columns of other frames can lie side by side in memory, and pandas would copy them.
    if len(columns) > 1 and len({id(column.base) for column in columns}) > 1:
        return False
    starts = [column.__array_interface__["data"][0] for column in columns]
    steps = {second - first for first, second in itertools.pairwise(starts)} or {8}
    strides = {column.strides[0] for column in columns}
    by_rows, by_columns = ({8}, {8 * len(columns)}), ({8 * len(columns[0])}, {8})
    return (steps, strides) in (by_rows, by_columns)


def _find_odd(source: ColumnSource) -> np.ndarray:
    """Return the positions of columns with values that are not finite: extremes pass them on."""
    low, high = source.extremes
    return np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))


def _read_sparse(exog: Any) -> tuple[tuple, Mapping[Any, np.ndarray], ColumnSource]:
    array = exog.tocsr(copy=exog.nnz <= COPIED_ELEMENTS)
    if array.dtype.kind not in "biuf":
        raise ColumnTypeError(f"exog has dtype {array.dtype}, which is not a real number.")
    names = name_columns(array)
    return names, find_odd_columns(array, names), SparseSource(array)


def find_odd_columns(array: Any, names: tuple) -> dict[Any, np.ndarray]:
    """Return the columns with values that are not finite of an array in compressed row form."""
    odd = np.unique(array.indices[~np.isfinite(array.data)])
    return {names[i]: array[:, [i]].toarray()[:, 0] for i in odd}


def make_source(matrix: Any) -> ColumnSource:
    """Return the source of an array (n, K), kept sparse where that pays."""
    if isinstance(matrix, np.ndarray):
        return ArraySource(matrix)
    source = SparseSource(matrix)
    return source if source.sparse else ArraySource(matrix.toarray())


def as_array(given: Any, what: str) -> np.ndarray:
    """Return anything as one array, masked entries missing."""
    try:
        return np.asarray(unmask(given))
    except ValueError as error:
        raise ColumnTypeError(f"{what} is not a rectangle: its rows differ in length.") from error


def as_matrix(exog: Any, what: str = "exog") -> np.ndarray:
    """Return rows by columns of real numbers as one array; a vector is one column."""
    array = as_array(exog, what)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.dtype.names is not None:
        raise ColumnTypeError(f"{what} is a structured array; give a DataFrame or a plain array.")
    if array.ndim != 2:
        raise ColumnTypeError(f"{what} has {array.ndim} dimensions; give rows by columns.")
    if array.dtype.kind in "biuf":
        return array
    names = [f"x{i + 1}" for i in range(array.shape[1])]
    numbers = [as_numbers(pd.Series(array[:, i]), name) for i, name in enumerate(names)]
    return np.column_stack(numbers) if numbers else np.empty((len(array), 0))


def name_columns(array: Any) -> tuple[str, ...]:
    """Name the columns of an unnamed array, dense or sparse, as statsmodels does.

    They are x1, x2, ...; the first column that holds one number other than zero is const.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.sources import name_columns
    >>> name_columns(np.array([[1.0, 3.0], [1.0, 5.0]]))
    ('const', 'x1')
    """
    if not array.shape[0]:
        return tuple(f"x{i + 1}" for i in range(array.shape[1]))
    low, high = array.min(axis=0), array.max(axis=0)
    if hasattr(low, "toarray"):
        low, high = low.toarray(), high.toarray()
    return _name_by_extremes(np.ravel(low), np.ravel(high))


def _name_by_extremes(low: np.ndarray, high: np.ndarray) -> tuple[str, ...]:
    constant = (low == high) & (low != 0)
    if not constant.any():
        return tuple(f"x{i + 1}" for i in range(len(low)))
    names = [f"x{i}" for i in range(1, len(low))]
    names.insert(int(np.argmax(constant)), "const")
    return tuple(names)

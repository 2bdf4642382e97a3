"""Where the columns of a design are: in an array, column by column, or sparse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.frames import as_numbers, check_unique_names, unmask
from mlelogit.exceptions import ColumnTypeError, EmptyDataError


class ColumnSource(Protocol):
    """Where the columns of a design are: nothing else knows how they are stored."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, K)."""

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop, columns first: (K, stop - start), float64."""

    def take(self, rows: np.ndarray) -> ColumnSource:
        """Return the source of the rows at these positions."""


COPIED_ELEMENTS = 1 << 22


@dataclass(frozen=True)
class ArraySource:
    """Columns in one array (n, K) of any real dtype."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape[0], self.array.shape[1]

    def block(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop].T.astype(np.float64, copy=False)

    def take(self, rows: np.ndarray) -> ArraySource:
        return ArraySource(self.array[rows])


@dataclass(frozen=True)
class ColumnsSource:
    """Columns in K arrays (n,), each of its own dtype."""

    columns: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return (len(self.columns[0]) if self.columns else 0), len(self.columns)

    def block(self, start: int, stop: int) -> np.ndarray:
        return np.stack([column[start:stop].astype(np.float64) for column in self.columns])

    def take(self, rows: np.ndarray) -> ColumnsSource:
        return ColumnsSource(tuple(column[rows] for column in self.columns))


@dataclass(frozen=True)
class SparseSource:
    """Columns in a scipy.sparse array in compressed row form."""

    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    def block(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop].toarray().T.astype(np.float64, copy=False)

    def take(self, rows: np.ndarray) -> SparseSource:
        return SparseSource(self.array[rows])


def read_columns(
    exog: Any,
) -> tuple[tuple, Mapping[Any, np.ndarray], ColumnSource]:
    """Return names, the columns that hold values that are not finite, and the source."""
    if isinstance(exog, pd.Series):
        exog = exog.to_frame()
    if hasattr(exog, "tocsr"):
        return _read_sparse(exog)
    if isinstance(exog, pd.DataFrame):
        check_unique_names(exog.columns, "exog")
        named = {name: as_numbers(exog[name], name) for name in exog.columns}
        if not named:
            raise EmptyDataError("exog has no columns.")
        odd = {name: column for name, column in named.items() if not _is_finite(column)}
        return tuple(named), odd, ColumnsSource(tuple(named.values()))
    array = as_matrix(exog)
    if array is exog and array.size <= COPIED_ELEMENTS:
        array = array.copy(order="K")
    if not len(array):
        return name_columns(array), {}, ArraySource(array)
    low, high = array.min(axis=0), array.max(axis=0)
    names = _name_by_extremes(low, high)
    suspect = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))
    return names, {names[i]: array[:, i] for i in suspect}, ArraySource(array)


def _is_finite(column: np.ndarray) -> bool:
    """Tell whether a column is finite, from its extremes, which a NaN passes on to."""
    if column.dtype.kind != "f" or not len(column):
        return True
    return bool(np.isfinite(column.min()) and np.isfinite(column.max()))


def _read_sparse(exog: Any) -> tuple[tuple, Mapping[Any, np.ndarray], ColumnSource]:
    array = exog.tocsr()
    if array.dtype.kind not in "biuf":
        raise ColumnTypeError(f"exog has dtype {array.dtype}, which is not a real number.")
    bad = ~np.isfinite(array.data)
    names = name_columns(array)
    columns = {}
    for position in np.unique(array.indices[bad]):
        columns[names[position]] = array[:, [position]].toarray()[:, 0]
    return names, columns, SparseSource(array)


def as_matrix(exog: Any, what: str = "exog") -> np.ndarray:
    """Return rows by columns of real numbers as one array; a vector is one column."""
    try:
        array = np.asarray(unmask(exog))
    except ValueError as error:
        raise ColumnTypeError(f"{what} is not a rectangle: its rows differ in length.") from error
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

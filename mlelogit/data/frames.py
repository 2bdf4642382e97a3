"""Bring frames and columns of any kind to pandas, once, at the border."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlelogit.data.foreign import (
    decode_dictionaries,
    densify,
    keep_whole,
    read_dictionary,
    read_foreign_column,
    unmask,
)
from mlelogit.exceptions import (
    ColumnTypeError,
    DuplicateColumnError,
    InfiniteValueError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
)

_NARWHALS_KINDS = ("polars", "pyarrow", "modin", "cudf")
COPIED_ELEMENTS = 1 << 17
_SHOWN = 5
_LONGEST = 200
_ROWS_AT_ONCE = 1 << 14


def list_some(items: Sequence[Any], shown: int = _SHOWN) -> str:
    """Write the first few items of a list, and how many more there are."""
    text = ", ".join(_write_short(item) for item in items[:shown])
    more = len(items) - shown
    return f"{text} and {more} more" if more > 0 else text


def _write_short(item: Any) -> str:
    """Write one item; of a name that is as long as a page only its beginning."""
    text = repr(item)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def is_foreign_frame(data: Any) -> bool:
    """Tell whether data is a frame or column of a kind that narwhals converts."""
    return type(data).__module__.split(".")[0] in _NARWHALS_KINDS and (
        type(data).__module__.split(".")[0] in sys.modules
    )


def convert_foreign(data: Any, columns: Collection[str] | None = None) -> Any:
    """Convert an eager frame or column known to narwhals to pandas; pass on all else.

    Numbers go through numpy, without a copy where they stand in one piece and no null
    among them: nothing may write into them. An Enum of polars and a dictionary of
    pyarrow keep the order of their categories; a Categorical of polars has no order of
    its own and becomes strings, as does anything else that is no number. Nulls become
    missing values.

    Parameters
    ----------
    data : any
    columns : collection of str, optional
        The columns of a frame that are needed; the others are left out.

    Raises
    ------
    ColumnTypeError
        If the rows of a frame are not in memory.
    DuplicateColumnError
        If a frame has two columns of one name.
    """
    data = fetch(data)
    if not is_foreign_frame(data):
        return decode_dictionaries(data)
    import narwhals as nw

    if hasattr(data, "to_pandas") and not hasattr(data, "columns") and hasattr(data, "type"):
        kind = str(data.type).startswith("dictionary")
        return read_dictionary(data) if kind else pd.Series(data.to_pandas())
    native = _open_foreign(data)
    if isinstance(native, nw.Series):
        return pd.Series(read_foreign_column(native), name=native.name or None)
    names = [name for name in native.columns if columns is None or name in columns]
    read = {i: read_foreign_column(native[name]) for i, name in enumerate(names)}
    frame = pd.DataFrame(read, index=pd.RangeIndex(len(native)), copy=False)
    frame.columns = pd.Index(names)
    return frame


def fetch(data: Any) -> Any:
    """Return what stands in memory for a frame or column that does not, or has its own layout.

    What dask would compute; an array for a matrix of numpy; a frame for a structured array or a
    list of dicts. Anything else as it is.

    Raises
    ------
    ColumnTypeError
        If data is a relation of DuckDB, whose rows pair with nothing by position, a LazyFrame or
        something that can be gone through only once.
    """
    if isinstance(data, np.ndarray):
        return _open_array(data)
    if holds_records(data):
        frame = pd.DataFrame.from_records(data)
        return keep_whole(frame, lambda name: [row.get(name) for row in data])
    if isinstance(data, Iterator):
        raise ColumnTypeError(
            f"A {type(data).__name__} can be gone through only once; give list(...) of it."
        )
    if isinstance(data, PathLike) or _holds_frames(data):
        said = "file" if isinstance(data, PathLike) else "list of frames"
        raise ColumnTypeError(
            f"A {said} is read in pieces, where a formula names its columns: mlelogit.mnlogit("
            "formula, data). Read it into one frame to give columns of it."
        )
    home, kind = type(data).__module__.split(".")[0], type(data).__name__
    if home in ("dask", "dask_expr") and kind in ("DataFrame", "Series", "Index", "Array"):
        return data.compute()
    if home in ("duckdb", "_duckdb") and hasattr(data, "sql_query"):
        raise ColumnTypeError(
            "The rows of a relation of DuckDB have no order in which they could be paired with "
            "others; give a formula and the relation, with all columns in it, or fetch it once: "
            "relation.df(), relation.pl() or relation.to_arrow_table()."
        )
    if home == "polars" and kind == "LazyFrame":
        _refuse_lazy()
    return data


def _open_array(data: np.ndarray) -> Any:
    """Return a matrix as an array, and a structured array as a frame of its fields."""
    if data.dtype.names is not None and data.ndim == 1:
        return pd.DataFrame({name: unmask(data[name]) for name in data.dtype.names})
    return np.asarray(data) if isinstance(data, np.matrix) else data


def _refuse_lazy() -> NoReturn:
    raise ColumnTypeError(
        "A LazyFrame is a plan, whose rows are not in memory; give frame.collect(), or write "
        "it to a parquet file (frame.sink_parquet) and give that, to be read in pieces."
    )


def _holds_frames(data: Any) -> bool:
    several = isinstance(data, list | tuple) and len(data) > 1
    return several and all(hasattr(one, "columns") and hasattr(one, "shape") for one in data)


def holds_records(data: Any) -> bool:
    """Tell whether data is a list of rows, each a dict of its values by column."""
    return (
        isinstance(data, list | tuple) and bool(data) and all(isinstance(row, dict) for row in data)
    )


def _open_foreign(data: Any) -> Any:
    """Return the frame or column that narwhals makes of one whose rows are in memory."""
    import narwhals as nw

    kind = type(data).__name__
    if kind == "RecordBatch":  # Which narwhals does not know.
        data = sys.modules["pyarrow"].Table.from_batches([data])
    if kind == "LazyFrame":
        _refuse_lazy()
    if hasattr(data, "column_names"):
        check_unique_names(data.column_names, kind)
    try:
        return nw.from_native(data, eager_only=True, allow_series=True)
    except TypeError as error:
        raise ColumnTypeError(
            f"{kind} is not an eager frame; collect it into memory first."
        ) from error


def list_foreign_names(data: Any) -> list[str] | None:
    """Return the names of the columns of a frame of polars or pyarrow; None of anything else."""
    if not is_foreign_frame(data) or (hasattr(data, "type") and not hasattr(data, "columns")):
        return None
    opened = _open_foreign(data)
    return list(opened.columns) if hasattr(opened, "columns") else None


def as_frame(data: Any, what: str = "data", columns: Collection[str] | None = None) -> pd.DataFrame:
    """Return data as a pandas DataFrame whose column names are all different.

    Parameters
    ----------
    data : DataFrame, dict of columns, list of dicts, or any eager frame that narwhals knows
        In a list of dicts, a row each, a column that a row lacks is missing there.
    what : str
        The argument's name, for messages.
    columns : collection of str, optional
        Those that are needed of a frame of polars or pyarrow, where each costs a conversion.

    Raises
    ------
    ColumnTypeError
        If data is no frame.
    DuplicateColumnError
        If two columns have the same name.
    """
    check_reopenable(data)
    data = convert_foreign(data, columns)
    if isinstance(data, dict):
        given = {
            name: convert_foreign(one) if is_foreign_frame(one) else one
            for name, one in data.items()
        }
        try:
            data = keep_whole(pd.DataFrame(given), given.__getitem__)
        except ValueError as error:
            raise LengthMismatchError(
                f"{what} must hold columns of one length; wrap single values in lists ({error})."
            ) from error
    if not isinstance(data, pd.DataFrame):
        raise ColumnTypeError(
            f"{what} must be a DataFrame (pandas, polars, pyarrow), a dict of columns or a list "
            f"of dicts, not {type(data).__name__}."
        )
    check_unique_names(data.columns, what)
    return data


def check_reopenable(data: Any) -> None:
    """Raise `ColumnTypeError` if data can be gone through only once: a generator, a reader."""
    if isinstance(data, Iterator):
        raise ColumnTypeError(
            f"A {type(data).__name__} can be gone through only once, and rows are read several "
            "times; give list(...) of its frames, or a function without arguments that opens "
            "them anew: lambda: pd.read_csv(path, chunksize=100_000)."
        )


def share_frame(data: Any, frame: pd.DataFrame) -> Any:
    """Return a frame that shares the columns of data, whatever is done to data's order later.

    Parameters
    ----------
    data : DataFrame or dict
        As it was given; frames of polars and pyarrow stay of their kind.
    frame : pandas.DataFrame
        What `as_frame` made of it.
    """
    if not is_foreign_frame(data):
        return frame.copy(deep=False)
    return data.clone() if hasattr(data, "clone") else data


def list_names(frame: Any) -> list[Hashable]:
    """Return the names of the columns of a frame of any kind; none without a frame."""
    if frame is None:
        return []
    return list(frame.column_names if hasattr(frame, "column_names") else frame.columns)


def look_up_column(frame: Any, name: Any) -> pd.Series | None:
    """Return a column of a frame of any kind as pandas, only that one converted; None if absent."""
    # pandas' NA equals nothing, and does not even say so.
    if name is pd.NA or name not in list_names(frame):
        return None
    if not is_foreign_frame(frame):
        return pd.Series(frame[name])
    return pd.Series(read_foreign_column(_open_foreign(frame)[name]), name=name)


def check_unique_names(names: Sequence[Hashable] | pd.Index, what: str) -> None:
    """Raise `DuplicateColumnError` if a column name stands twice."""
    index = pd.Index(names)
    if not index.is_unique:
        twice = list(dict.fromkeys(index[index.duplicated()]))
        raise DuplicateColumnError(
            f"{what} has more than one column named {list_some(twice)}; rename or drop one."
        )


def as_numbers(column: Any, name: Hashable) -> np.ndarray:
    """Return a column as a numeric numpy array, missing values as NaN.

    Booleans, integers and floats of any width, nullable and Arrow dtypes and
    object columns that hold numbers only are accepted; float64 is made only
    where the dtype is not already one of numpy's real numbers.

    Raises
    ------
    ColumnTypeError
        If the column holds text, dates, durations, complex numbers or categories.
    """
    column = unmask(column)
    dtype = getattr(column, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype):
        raise ColumnTypeError(
            f"Column {name!r} is categorical; use a formula to expand it, or convert it to numbers."
        )
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return np.asarray(column)
    if isinstance(dtype, np.dtype) and dtype.kind in "cmMSUV":
        raise ColumnTypeError(f"Column {name!r} has dtype {dtype}, which is not a real number.")
    series = column if isinstance(column, pd.Series) else pd.Series(column)
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        if pd.api.types.is_complex_dtype(series.dtype):
            raise ColumnTypeError(f"Column {name!r} is complex; give its real part.")
        if series.dtype.kind in "iu" and not series.isna().any():
            # Whole numbers can name levels, which doubles beyond 2**53 would merge.
            whole = np.int64 if series.dtype.kind == "i" else np.uint64
            return np.asarray(series.to_numpy(dtype=whole))
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if series.dtype == object:
        return _numbers_from_objects(series, name)
    raise ColumnTypeError(f"Column {name!r} has dtype {series.dtype}, which is not numeric.")


def _numbers_from_objects(series: pd.Series, name: Hashable) -> np.ndarray:
    from decimal import Decimal
    from numbers import Real

    values = series.to_numpy()
    missing = np.asarray(series.isna())
    numbers = np.full(len(values), np.nan)
    for row in np.flatnonzero(~missing):
        value = values[row]
        whole = type(value) is int
        if not isinstance(value, Real | Decimal | np.bool_):
            raise ColumnTypeError(
                f"Column {name!r} holds {value!r} ({type(value).__name__}) in row {row}, "
                "which is not a number."
            )
        try:
            numbers[row] = float(value)
            if whole and numbers[row] != value:
                raise ColumnTypeError(
                    f"Column {name!r} holds {value} in row {row}, a whole number beyond 2**53 that "
                    "no double is; convert the column to int64, or to text if it names levels."
                )
        except OverflowError as error:
            raise ColumnTypeError(
                f"Column {name!r} holds a number in row {row} that is beyond a double."
            ) from error
    return numbers


def is_numeric(column: pd.Series) -> bool:
    """Tell whether a column is numeric, or of objects that are all numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    if column.dtype == object:
        kind = pd.api.types.infer_dtype(column, skipna=True)
        return kind in ("integer", "floating", "mixed-integer-float", "decimal", "boolean")
    return bool(
        pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)
    )


def is_boolean(column: pd.Series) -> bool:
    """Tell whether a column holds truth values."""
    if column.dtype == object:
        return bool(pd.api.types.infer_dtype(column, skipna=True) == "boolean")
    return bool(pd.api.types.is_bool_dtype(column.dtype))


def find_missing(column: Any) -> np.ndarray:
    """Return a boolean mask of the missing values of a column, (n,)."""
    return np.asarray(pd.isna(densify(column)), dtype=bool)


def find_rows(values: np.ndarray, test: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the positions of the rows of an array (n, any) that a test finds, piece by piece."""
    found = [
        start + np.flatnonzero(test(values[start : start + _ROWS_AT_ONCE]))
        for start in range(0, len(values), _ROWS_AT_ONCE)
    ]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def check_missing(
    masks: Sequence[tuple[Hashable, np.ndarray]], where: str = "", advice: str = ""
) -> None:
    """Raise `MissingDataError` naming columns and rows if a mask holds True."""
    found = [(name, mask) for name, mask in masks if mask.any()]
    if not found:
        return
    counts = ", ".join(f"{name!r} ({int(mask.sum())})" for name, mask in found)
    rows = np.flatnonzero(np.logical_or.reduce([mask for _, mask in found]))
    raise MissingDataError(
        f"Missing values{where} in {len(rows)} rows, by column: {counts}; first rows by "
        f"position: {rows[:_SHOWN].tolist()}.{advice}"
    )


def check_finite(columns: Mapping[Any, np.ndarray], where: str = "") -> None:
    """Raise `InfiniteValueError` naming column and rows if a value is infinite."""
    for name, values in columns.items():
        if values.dtype.kind != "f":
            continue
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            raise InfiniteValueError(
                f"Column {name!r}{where} is infinite in {infinite.size} rows; first rows by "
                f"position: {infinite[:_SHOWN].tolist()}."
            )


def check_lengths(lengths: dict[str, int]) -> None:
    """Raise `LengthMismatchError` if inputs that go row by row differ in length."""
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise LengthMismatchError(f"Inputs differ in their number of rows: {listed}.")


def check_indexes(inputs: dict[str, Any]) -> pd.Index | None:
    """Return the index that all pandas inputs share, or raise.

    Identical indexes, duplicates allowed, pair by position, and so does anything
    without an index. Two indexes that differ, be it in order alone, raise
    `MisalignedIndexError`.
    """
    first: tuple[str, pd.Index] | None = None
    for name, value in inputs.items():
        if not isinstance(value, pd.Series | pd.DataFrame):
            continue
        if first is None:
            first = (name, value.index)
        elif not first[1].equals(value.index):
            raise MisalignedIndexError(
                f"The indexes of {first[0]} and {name} differ"
                f"{_tell_reordering(first[1], value.index)}; align them first, or pass "
                "numpy arrays to pair rows by position."
            )
    return None if first is None else first[1]


def _tell_reordering(left: pd.Index, right: pd.Index) -> str:
    if len(left) == len(right) and sorted(map(str, left)) == sorted(map(str, right)):
        return " in the order of their rows"
    return ""

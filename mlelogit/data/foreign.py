"""Read columns of polars, pyarrow and other kinds: numbers as views, strings by distinct values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd


def read_foreign_column(column: Any) -> Any:
    """Convert a column that narwhals knows to what pandas makes a column of.

    Numbers without nulls that stand in one piece become views, which must not be written to.
    Strings become objects, one for each distinct value and not for each row.

    Parameters
    ----------
    column : narwhals.Series

    Examples
    --------
    >>> import narwhals as nw
    >>> import pyarrow as pa
    >>> from mlelogit.data.foreign import read_foreign_column
    >>> table = nw.from_native(pa.table({"seats": [3, 4]}), eager_only=True)
    >>> read_foreign_column(table["seats"]).tolist()
    [3, 4]
    """
    import narwhals as nw

    dtype = column.dtype
    implementation = column.implementation
    if isinstance(dtype, nw.Enum):
        return _read_enum(column)
    if dtype == nw.Categorical and implementation.is_pyarrow():
        return read_dictionary(column.to_native())
    if dtype in (nw.String, nw.Categorical):
        return _read_strings(column)
    if dtype == nw.Boolean and not column.is_null().any():
        return column.to_numpy()
    if dtype in (nw.Int128, nw.UInt128):
        return pd.Series(column.to_list(), dtype=object)
    if dtype.is_float() or (dtype.is_integer() and not column.is_null().any()):
        return column.to_numpy()
    if dtype.is_integer():
        unsigned = dtype.is_unsigned_integer()
        return pd.array(column.to_list(), dtype="UInt64" if unsigned else "Int64")
    if dtype.is_temporal():
        if implementation.is_polars():
            return _read_times(column)
        return pd.Series(column.to_list())
    return pd.Series(column.to_list(), dtype=object)


def _read_times(column: Any) -> pd.Series:
    """Return times of polars, whose nanoseconds Python's own have no place for."""
    import narwhals as nw

    dtype = column.dtype
    if isinstance(dtype, nw.Datetime | nw.Duration) and dtype.time_unit == "ns":
        zone = getattr(dtype, "time_zone", None)
        values = pd.Series(column.to_numpy())
        return values if zone is None else values.dt.tz_localize("UTC").dt.tz_convert(zone)
    if dtype == nw.Time:
        native = column.to_native()
        whole = native.to_physical() % 1000 == 0
        if not whole.all():
            return pd.Series(native.dt.strftime("%H:%M:%S%.9f").to_list(), dtype=object)
    return pd.Series(column.to_list())


def _read_enum(column: Any) -> pd.Categorical:
    categories = list(column.dtype.categories)
    if not column.implementation.is_polars():
        return pd.Categorical(column.to_list(), categories=categories)
    dtype = pd.CategoricalDtype(categories)
    return pd.Categorical.from_codes(_list_places(column.to_native()), dtype=dtype)


def _read_strings(column: Any) -> pd.Series:
    """Return strings as objects that equal ones share, null as None."""
    native, implementation = column.to_native(), column.implementation
    if implementation.is_polars():
        coded = _code_polars(native)
    else:
        coded = _code_arrow(native) if implementation.is_pyarrow() else None
    if coded is None:
        return pd.Series(column.to_list(), dtype=object)
    codes, levels = coded
    shared = np.array([*levels, None], dtype=object)
    return pd.Series(shared[codes], dtype=object)


def _code_polars(series: Any) -> tuple[np.ndarray, list[str]] | None:
    """Return the place of every row (n,) in a list of distinct strings, -1 for null, and the list.

    None where too many are distinct for this to pay.
    """
    import polars as pl

    # An Enum of its own, for a Categorical would leave its strings in a pool of the process.
    levels = series.drop_nulls().unique().cast(pl.String)
    if 2 * len(levels) > len(series):
        return None
    return _list_places(series.cast(pl.Enum(levels))), levels.to_list()


def _list_places(series: Any) -> np.ndarray:
    """Return the places of the categories of an Enum of polars (n,), -1 for null."""
    import polars as pl

    places = series.to_physical().cast(pl.Int64)
    return np.asarray(places.fill_null(-1).to_numpy())


def _code_arrow(chunked: Any) -> tuple[np.ndarray, list[str]] | None:
    """Return what `_code_polars` does, for strings of pyarrow."""
    encoded = chunked.dictionary_encode().unify_dictionaries()
    if not encoded.num_chunks:
        return None
    levels = encoded.chunk(0).dictionary
    if 2 * len(levels) > len(chunked):
        return None
    places = [
        chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks
    ]
    return np.concatenate(places), levels.to_pylist()


def read_dictionary(array: Any) -> pd.Series:
    """Return an array of dictionary type of pyarrow as a Categorical of its values in order.

    A value that is null, or NaN, is missing, and one that the dictionary repeats is one category.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray

    Examples
    --------
    >>> import pyarrow as pa
    >>> from mlelogit.data.foreign import read_dictionary
    >>> codes, words = pa.array([0, 1, 2, 3]), pa.array(["b", None, "a", "b"])
    >>> read_dictionary(pa.DictionaryArray.from_arrays(codes, words)).tolist()
    ['b', nan, 'a', 'b']
    """
    parts = array.chunks if hasattr(array, "chunks") else [array]
    if not any(map(_is_irregular, parts)):
        return pd.Series(array.to_pandas())
    places: dict[Any, int] = {}
    codes = []
    for part in parts:
        values = part.dictionary.to_pylist()
        kept = [value is not None and value == value for value in values]
        table = [
            places.setdefault(value, len(places)) if keep else -1
            for value, keep in zip(values, kept, strict=True)
        ]
        indices = part.indices.fill_null(len(table)).to_numpy(zero_copy_only=False)
        codes.append(np.array([*table, -1], dtype=np.int64)[indices])
    dtype = pd.CategoricalDtype(list(places), ordered=array.type.ordered)
    return pd.Series(pd.Categorical.from_codes(np.concatenate(codes), dtype=dtype))


def _is_irregular(part: Any) -> bool:
    """Tell whether a dictionary holds what a Categorical cannot: null, NaN or a value twice."""
    values = part.dictionary
    floats = str(values.type) in ("halffloat", "float", "double")
    return bool(floats or values.null_count or len(values.unique()) < len(values))


def decode_dictionaries(data: Any) -> Any:
    """Return a frame or column of pandas whose dictionaries of Arrow are Categoricals."""
    if isinstance(data, pd.Series) and _is_dictionary(data.dtype):
        array: Any = data.array
        found = read_dictionary(array.__arrow_array__())
        return pd.Series(found.array, data.index, name=data.name)
    if not isinstance(data, pd.DataFrame) or not any(map(_is_dictionary, data.dtypes)):
        return data
    columns = {i: decode_dictionaries(data.iloc[:, i]) for i in range(data.shape[1])}
    return pd.DataFrame(columns, index=data.index, copy=False).set_axis(data.columns, axis=1)


def _is_dictionary(dtype: Any) -> bool:
    return isinstance(dtype, pd.ArrowDtype) and str(dtype.pyarrow_dtype).startswith("dictionary")


def densify(column: Any) -> Any:
    """Return a column of pandas in a dtype of numpy where it is sparse, or of nullable floats.

    There NaN can stand beside what is missing, and -0.0 be another value than 0.0.
    """
    if not isinstance(column, pd.Series):
        return column
    dtype: Any = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        accessor: Any = column.sparse
        return accessor.to_dense()
    if isinstance(dtype, np.dtype) or dtype.kind != "f":
        return column
    plain = np.dtype(f"f{dtype.itemsize}")
    values = column.to_numpy(dtype=plain, na_value=np.nan)
    return pd.Series(values, column.index, name=column.name)


def unmask(values: Any) -> Any:
    """Turn a numpy masked array into a plain one, masked entries missing."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    kind = values.dtype.kind
    if kind not in "biuf" or (kind in "iu" and _is_beyond(values)):
        plain = np.array(values.data, dtype=object)
        plain[np.ma.getmaskarray(values)] = None
        return plain
    return np.ma.filled(values.astype(np.float64), np.nan)


def _is_beyond(values: Any) -> bool:
    """Tell whether whole numbers are among those that not all are doubles."""
    plain = np.ma.filled(values, 0)
    return bool(plain.size and max(int(plain.max()), -int(plain.min())) > 2**53)


def infer_exactly(values: Sequence[Any]) -> pd.Series:
    """Return values as a column of the type that holds all of them, objects if none does.

    Examples
    --------
    >>> from mlelogit.data.foreign import infer_exactly
    >>> infer_exactly([1, None]).dtype, infer_exactly([2**53 + 1, None]).dtype
    (dtype('float64'), dtype('O'))
    """
    held = pd.Series(list(values), dtype=object)
    inferred = held.infer_objects()
    return held if inferred.dtype.kind == "f" and _lose_digits(held) else inferred


def keep_whole(frame: pd.DataFrame, find: Callable[[Any], Any]) -> pd.DataFrame:
    """Return a frame made of lists without the doubles that pandas rounded whole numbers to.

    Parameters
    ----------
    frame : pandas.DataFrame
    find : callable
        Of a column's name: what it was made of.
    """
    changed = {}
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if column.dtype == np.float64 and (column.abs() >= 2.0**53).any():
            given = find(name)
            if isinstance(given, list | tuple) and _lose_digits(given):
                changed[name] = pd.Series(list(given), frame.index, dtype=object)
    return frame.assign(**changed) if changed else frame


def _lose_digits(values: Any) -> bool:
    """Tell whether a whole number is among values that no double is."""
    return any(
        isinstance(value, int | np.integer) and int(value) != float(value) for value in values
    )

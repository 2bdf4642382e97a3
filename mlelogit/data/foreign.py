"""Read columns of polars and pyarrow: numbers as views, strings by their distinct values."""

from __future__ import annotations

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
        return column.to_native().to_pandas()
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
        return pd.Series(column.to_list())
    return pd.Series(column.to_list(), dtype=object)


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

"""Batches of DuckDB's rows as pandas frames, of the types that DuckDB itself would make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.exceptions import ColumnTypeError

DATES = frozenset(
    {"date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone"}
)
_WIDE = frozenset({"hugeint", "uhugeint"})
_INTEGERS = frozenset(
    f"{sign}{size}int" for sign in ("", "u") for size in ("tiny", "small", "big")
) | {"integer", "uinteger"}
_FLOATS = frozenset({"float", "double"})
_TEXT = frozenset({"varchar", "uuid"})
_KNOWN = DATES | _WIDE | _INTEGERS | _FLOATS | _TEXT | {"boolean", "enum", "decimal", "null"}
# Whole numbers beyond are not all doubles.
_LARGEST_EXACT = 2.0**53


def write_values(name: str, kind: str, said: str, exact: bool = False) -> str:
    """Write in SQL the values of a column, as those of a type that frames have.

    Parameters
    ----------
    name : str
        In the query.
    kind : str
        DuckDB's name of its type.
    said : str
        The column's name, for messages.
    exact : bool
        Whether values are to be equal just if they are in memory: whatever the collation,
        missing however they are, and with one zero.

    Raises
    ------
    ColumnTypeError
        If no column of a model can be of that type.

    Examples
    --------
    >>> from mlelogit.data.streaming.sources.batches import write_values
    >>> write_values("c0", "decimal", "price")
    'CAST(c0 AS DOUBLE)'
    """
    if kind not in _KNOWN:
        raise ColumnTypeError(
            f"Column {said!r} is {kind.upper()} in DuckDB, which is neither a number nor text, "
            "truth value, ENUM or date; convert it in SQL."
        )
    if kind == "decimal" or kind in _WIDE:
        return f"CAST({name} AS DOUBLE)"
    if kind == "null":
        return f"CAST({name} AS VARCHAR)"
    if kind == "uuid":
        return f"CAST({name} AS VARCHAR)"
    if kind in ("date", "timestamp_s", "timestamp_ms"):
        return f"CAST({name} AS TIMESTAMP)"
    if exact and kind in _FLOATS:
        return f"CASE WHEN isnan({name}) THEN NULL ELSE CAST({name} + 0 AS {kind}) END"
    if exact and kind == "varchar":
        return f'{name} COLLATE "binary"'
    return name


def make_frame(batch: Any, names: Sequence[str], kinds: Sequence[str]) -> pd.DataFrame:
    """Make a frame of the first columns of a batch.

    Integers and truth values with gaps become pandas' nullable ones, an ENUM a Categorical with
    all its values in their order, DECIMAL and HUGEINT doubles.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    names : sequence of str
    kinds : sequence of str
        DuckDB's names of their types.

    Raises
    ------
    ColumnTypeError
        If a HUGEINT is no double.
    """
    columns = {i: _convert(batch.column(i), kinds[i], name) for i, name in enumerate(names)}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(batch.num_rows), copy=False)
    frame.columns = pd.Index(list(names), dtype=None if names else object)
    return frame


def _convert(array: Any, kind: str, name: str) -> Any:
    if kind == "enum":
        codes = array.indices.cast("int32").fill_null(-1).to_numpy()
        values = array.dictionary.to_pylist()
        return pd.Categorical.from_codes(codes, categories=values, ordered=True)
    if kind in _INTEGERS or kind == "boolean":
        if array.null_count:
            return _find_nullable(str(array.type)).__from_arrow__(array)
        return array.to_numpy(zero_copy_only=False)
    if kind in _WIDE or kind == "decimal":
        return _check_wide(array.to_numpy(zero_copy_only=False), name, kind)
    if kind == "null":
        return pd.Series([None] * len(array), dtype=object)
    if kind in _FLOATS:
        return array.to_numpy(zero_copy_only=False)
    return array.to_pandas()


def _find_nullable(kind: str) -> Any:
    said = "boolean" if kind == "bool" else kind.replace("int", "Int").replace("uI", "UI")
    return pd.api.types.pandas_dtype(said)


def _check_wide(values: np.ndarray, name: str, kind: str) -> np.ndarray:
    if (np.abs(values) > _LARGEST_EXACT).any():
        raise ColumnTypeError(
            f"Column {name!r} is {kind.upper()} in DuckDB and holds numbers beyond 2^53, which are "
            "not all doubles; cast it in SQL, to DOUBLE if it is a quantity, to VARCHAR if a label."
        )
    return values

"""Turn batches of Arrow into pandas frames whose types do not depend on the batch."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlelogit.data.frames import check_unique_names, list_some
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    CorruptFileError,
    DataFileError,
)

# A batch is in memory as Arrow, as a frame and as a design, once per thread.
BATCH_BYTES = 1 << 25
# Of very wide rows: with fewer at a time a column costs more to open than to read.
FEWEST_ROWS = 1 << 10
# Of narrow ones: as many as row groups have that are written to be read so.
MOST_ROWS = 1 << 17
# A text of a dozen letters is so much with its place in Arrow and its object in pandas.
_TEXT_BYTES = 32
# What pyarrow raises of bytes that make no sense: its errors are of these kinds.
READING_ERRORS = (OSError, ValueError, RuntimeError, NotImplementedError, KeyError)
NO_PARQUET = "is no parquet file, or its end is lost or damaged"
_NULLABLE = {
    **{f"{sign}{bits}": f"{sign}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)},
    "boolean": "boolean",
    "Float32": "Float32",
    "Float64": "Float64",
}


@dataclass(frozen=True)
class ArrowColumns:
    """The columns of a table that stands in several places, each of one type.

    Attributes
    ----------
    types : dict
        Column -> the pyarrow type that its types everywhere are brought to.
    dtypes : dict
        Column -> name of pandas' nullable type that it was written from.
    gaps : frozenset of str
        Whole numbers and truth values that are, or may be, missing somewhere.
    levels : dict
        Column -> pandas.CategoricalDtype of all categories, in order; of those that are in use.
    """

    types: dict[str, Any]
    dtypes: dict[str, str] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()
    levels: dict[str, pd.CategoricalDtype] = field(default_factory=dict)

    def convert(self, batch: Any, columns: Sequence[str]) -> pd.DataFrame:
        """Return columns of a batch as pandas.read_parquet would return them of the whole table.

        Parameters
        ----------
        batch : pyarrow.RecordBatch or pyarrow.Table
        columns : sequence of str
        """
        made = {name: self._convert_column(name, batch.column(name)) for name in columns}
        return pd.DataFrame(made, index=pd.RangeIndex(batch.num_rows), copy=False)

    def _convert_column(self, name: str, column: Any) -> Any:
        import pyarrow as pa
        import pyarrow.types as kinds

        wanted = self.types[name]
        if kinds.is_dictionary(wanted):
            return self._convert_categories(name, column)
        if column.type != wanted:
            column = column.cast(wanted)
        if name in self.dtypes:
            dtype: Any = pd.api.types.pandas_dtype(self.dtypes[name])
            return dtype.__from_arrow__(column)
        if name not in self.gaps:
            return column.to_pandas()
        if kinds.is_boolean(wanted):
            return column.to_pandas().astype(object)
        try:
            return column.cast(pa.float64()).to_pandas()
        except pa.ArrowInvalid as error:
            raise ColumnTypeError(
                f"Column {name!r} holds whole numbers beyond 2**53 beside missing values, which "
                "doubles cannot tell apart; store them as strings."
            ) from error

    def _convert_categories(self, name: str, column: Any) -> Any:
        found, dtype = column.to_pandas(), self.levels.get(name)
        if dtype is None or found.dtype == dtype:
            return found
        unknown = found.cat.categories.difference(dtype.categories, sort=False)
        if len(unknown):
            raise ColumnTypeError(
                f"Column {name!r} has categories that its dictionary leaves out: "
                f"{list_some(list(unknown))}; store it as strings."
            )
        return found.cat.set_categories(dtype.categories, ordered=dtype.ordered)


def join_columns(
    schemas: Iterable[tuple[str, Any]], columns: Collection[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the type of columns in all places, and pandas' nullable types that they were.

    Parameters
    ----------
    schemas : iterable of (str, pyarrow.Schema)
        Where, and what stands there.
    columns : collection of str

    Raises
    ------
    ColumnNotFoundError
        If a column is absent in one place.
    ColumnTypeError
        If it is of different kinds in two.
    """
    types: dict[str, Any] = {}
    dtypes: dict[str, str] = {}
    first: dict[str, str] = {}
    for place, schema in schemas:
        check_unique_names(schema.names, place)
        nullable = _list_nullable(schema)
        for name in columns:
            if name not in schema.names:
                raise ColumnNotFoundError(
                    f"{place} has no column {name!r}. Its columns: {list_some(schema.names, 50)}."
                )
            kind = schema.field(name).type
            if name in nullable:
                dtypes[name] = nullable[name]
            if name not in types or _is_nothing(types[name]):
                types[name], first[name] = kind, place
            elif kind != types[name] and not _is_nothing(kind):
                types[name] = _join_types(name, (first[name], types[name]), (place, kind))
    return types, {name: _widen(dtype, types[name]) for name, dtype in dtypes.items()}


def _is_nothing(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_null(kind))


def _join_types(name: str, left: tuple[str, Any], right: tuple[str, Any]) -> Any:
    """Return the wider of two types of a column, or raise."""
    import pyarrow as pa
    import pyarrow.types as kinds

    both = left[1], right[1]
    if all(kinds.is_string(kind) or kinds.is_large_string(kind) for kind in both):
        return pa.large_string()
    if all(map(kinds.is_integer, both)):
        joined = np.promote_types(*(kind.to_pandas_dtype() for kind in both))
        return pa.int64() if joined.kind == "f" else pa.from_numpy_dtype(joined)
    if all(kinds.is_integer(kind) or kinds.is_floating(kind) for kind in both):
        return pa.float64()
    if all(map(kinds.is_dictionary, both)) and both[0].ordered == both[1].ordered:
        texts = _join_types(name, (left[0], both[0].value_type), (right[0], both[1].value_type))
        return pa.dictionary(pa.int64(), texts, ordered=both[0].ordered)
    if both[0] == both[1] or all(map(kinds.is_decimal, both)):
        return both[0]
    raise ColumnTypeError(
        f"Column {name!r} is {left[1]} in {left[0]} but {right[1]} in {right[0]}; "
        "write it as one type."
    )


def _widen(dtype: str, kind: Any) -> str:
    """Return the nullable type for what a column became beside other types."""
    import pyarrow.types as kinds

    if kinds.is_floating(kind):
        return "Float64" if "loat" not in dtype else dtype
    if kinds.is_integer(kind):
        return str(kind).replace("uint", "UInt").replace("int", "Int")
    return dtype


def _read_notes(schema: Any) -> dict[str, Any]:
    """Return what pandas noted of a frame when it wrote it."""
    noted = (schema.metadata or {}).get(b"pandas")
    try:
        notes = json.loads(noted) if noted else {}
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) else {}


def _list_noted(schema: Any, what: str) -> list[dict[str, Any]]:
    noted = _read_notes(schema).get(what)
    return [one for one in noted if isinstance(one, dict)] if isinstance(noted, list) else []


def _list_nullable(schema: Any) -> dict[str, str]:
    return {
        column["field_name"]: _NULLABLE[column["numpy_type"]]
        for column in _list_noted(schema, "columns")
        if column.get("numpy_type") in _NULLABLE and column.get("field_name") is not None
    }


def list_fields(schema: Any) -> tuple[str, ...]:
    """Return the columns of a table, without the unnamed index of the frame it was."""
    listed = _read_notes(schema).get("index_columns")
    index = listed if isinstance(listed, list) else []
    unnamed = {name for name in index if isinstance(name, str) and name.startswith("__")}
    return tuple(name for name in schema.names if name not in unnamed)


def count_rows_at_once(types: dict[str, Any], columns: Sequence[str]) -> int:
    """Return how many rows of these columns make a batch of about `BATCH_BYTES`."""
    width = sum(map(_measure_width, (types[name] for name in columns)))
    return int(np.clip(BATCH_BYTES // max(width, 1), FEWEST_ROWS, MOST_ROWS))


def _measure_width(kind: Any) -> int:
    try:
        return max(int(kind.bit_width) // 8, 8)
    except ValueError:
        return _TEXT_BYTES


def raise_unreadable(place: str, error: BaseException, said: str = "cannot be read") -> NoReturn:
    """Raise what a reading error means.

    Parameters
    ----------
    place : str
        What was read.
    error : Exception
        One of `READING_ERRORS`.
    said : str
        What is said of it if its bytes are at fault.

    Raises
    ------
    DataFileError
        If the system refuses to read, whatever stands in the file.
    CorruptFileError
        If what stands there makes no sense.
    """
    if isinstance(error, OSError) and error.errno is not None:
        reason = error.strerror or error
        raise DataFileError(f"{place} cannot be read: {reason}.") from error
    found = str(error).strip().split("\n")[0][:300]
    raise CorruptFileError(f"{place} {said}: {found}") from error


def list_loose(types: dict[str, Any], dtypes: dict[str, str]) -> list[str]:
    """Return the columns whose numpy type has no place for a missing value."""
    import pyarrow.types as kinds

    return [
        name
        for name, kind in types.items()
        if name not in dtypes and (kinds.is_integer(kind) or kinds.is_boolean(kind))
    ]


def list_unsure(schema: Any, names: Sequence[str]) -> list[str]:
    """Return those of some columns that may have missing values, as far as a schema tells."""
    whole = {
        column.get("field_name")
        for column in _list_noted(schema, "columns")
        if re.fullmatch("u?int(8|16|32|64)|bool", str(column.get("numpy_type")))
    }
    return [name for name in names if schema.field(name).nullable and name not in whole]


def list_dictionaries(types: dict[str, Any]) -> list[str]:
    """Return the columns of categories."""
    import pyarrow.types as kinds

    return [name for name, kind in types.items() if kinds.is_dictionary(kind)]


def join_categories(found: Iterable[Iterable[Any]], ordered: bool) -> pd.CategoricalDtype:
    """Return the categories of several dictionaries, in the order in which they come first."""
    levels: dict[Any, None] = {}
    for dictionary in found:
        levels.update((level, None) for level in dictionary if level is not None)
    return pd.CategoricalDtype(list(levels), ordered=ordered)

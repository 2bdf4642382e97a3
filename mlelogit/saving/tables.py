"""Columns and an index as JSON, for fits that are saved with their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from mlelogit.exceptions import SavedFitError
from mlelogit.saving.kinds import encode_float
from mlelogit.saving.numbers import encode_array
from mlelogit.saving.reading import Part
from mlelogit.saving.values import encode_value

KINDS = ("float64", "int64", "bool", "float32", "category", "values")
DTYPES = {"float64": float, "int64": int, "bool": bool, "float32": float}


def encode_column(name: Any, column: pd.Series) -> dict[str, Any]:
    """Return a column as an object: its name, its kind and its values."""
    made: dict[str, Any] = {"name": encode_value(name, "the name of a column")}
    if isinstance(column.dtype, pd.CategoricalDtype):
        levels = column.cat.categories
        said = f"a level of column {name!r}"
        return {
            **made,
            "kind": "category",
            "levels": [encode_value(level, said) for level in levels.tolist()],
            "ordered": bool(column.cat.ordered),
            "values": column.cat.codes.to_numpy(dtype=np.int64).tolist(),
        }
    kind = str(column.dtype)
    if kind in DTYPES and isinstance(column.dtype, np.dtype):
        return {**made, "kind": kind, "values": encode_array(column.to_numpy())}
    said = f"a value of column {name!r}"
    values = [encode_value(value, said) for value in column.astype(object).tolist()]
    return {**made, "kind": "values", "values": values}


def decode_column(part: Part, length: int | None) -> tuple[Any, pd.Series]:
    """Read a column (length,)."""
    found = part.members({"name", "kind", "values"}, {"levels", "ordered"})
    kind, name = found["kind"].text(KINDS), found["name"].label()
    if (kind == "category") != ({"levels", "ordered"} <= found.keys()):
        raise part.refuse("has levels, or lacks them")
    values = found["values"]
    if kind == "values":
        if length is not None and len(values.items()) != length:
            raise values.refuse(f"has {len(values.items())} values and not {length}")
        return name, pd.Series([item.value() for item in values.items()], dtype=object)
    if kind != "category":
        return name, pd.Series(values.vector(length, DTYPES[kind]).astype(kind))
    levels = found["levels"].labels()
    codes = values.vector(length, int)
    if ((codes < -1) | (codes >= len(levels))).any() or len(set(levels)) < len(levels):
        raise part.refuse("has codes of no level, or a level twice")
    ordered = found["ordered"].truth()
    dtype = pd.CategoricalDtype(pd.Index(list(levels)), ordered)
    return name, pd.Series(pd.Categorical.from_codes(codes.tolist(), dtype=dtype))


def encode_index(index: pd.Index) -> dict[str, Any]:
    """Return an index as an object: a range by its ends, others by their labels."""
    names = [encode_value(name, "the name of an index") for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "names": names, "values": [index.start, index.stop, index.step]}
    levels = [index.get_level_values(i) for i in range(index.nlevels)]
    made = {
        "kind": "labels",
        "names": names,
        "values": [encode_column(i, pd.Series(level)) for i, level in enumerate(levels)],
    }
    back = decode_index(Part(made, "the index"), len(index))
    if not back.equals(index) or list(back.names) != list(index.names):
        raise SavedFitError(
            "The rows have an index that would not come back from a file as it is; reset it "
            "before the fit, or save without data."
        )
    return made


def decode_index(part: Part, length: int) -> pd.Index:
    """Read an index (length,)."""
    found = part.members({"kind", "names", "values"})
    kind, names = found["kind"].text(("range", "labels")), list(found["names"].labels())
    if kind == "range":
        bounds = [item.whole(-(2**53)) for item in found["values"].items()]
        if len(bounds) != 3 or len(names) != 1 or not bounds[2]:
            raise part.refuse("is no range")
        index: pd.Index = pd.RangeIndex(range(*bounds), name=names[0])
    else:
        levels = [decode_column(item, length)[1] for item in found["values"].items()]
        if not levels or len(levels) != len(names):
            raise part.refuse("has no levels, or other names than levels")
        indexes = [pd.Index(level, name=name) for level, name in zip(levels, names, strict=True)]
        indexes = [one.infer_objects() for one in indexes]
        index = indexes[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(indexes, names=names)
    if len(index) != length:
        raise part.refuse(f"has {len(index)} labels and not {length}")
    return index


def encode_sparse(array: Any) -> dict[str, Any]:
    """Return a sparse array in compressed rows as an object of its three arrays."""
    return {
        "starts": array.indptr.astype(np.int64).tolist(),
        "columns": array.indices.astype(np.int64).tolist(),
        "values": [encode_float(value) for value in array.data],
    }


def decode_sparse(part: Part, length: int, width: int) -> csr_array:
    """Read a sparse array (length, width)."""
    found = part.members({"starts", "columns", "values"})
    starts = found["starts"].vector(length + 1, int)
    values = found["values"].vector(finite=True)
    columns = found["columns"].vector(len(values), int)
    if starts[0] != 0 or starts[-1] != len(values) or (np.diff(starts) < 0).any():
        raise part.refuse("has rows that do not follow each other")
    if len(columns) and not 0 <= columns.min() <= columns.max() < width:
        raise part.refuse("has entries in columns that it does not have")
    made = csr_array((values, columns, starts), shape=(length, width))
    made.sum_duplicates()
    return made

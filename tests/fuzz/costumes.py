"""The arrays, frames and oddities that columns come in."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from hypothesis import strategies as st


@dataclass(frozen=True)
class Worn:
    """What is given to the package, and the numbers in it; None if it holds no numbers."""

    given: Any
    values: np.ndarray | None


def clip_to_whole(x: np.ndarray, dtype: Any) -> np.ndarray:
    """Return the nearest integers of a dtype, exactly; no number is zero."""
    info = np.iinfo(dtype)
    whole = [
        min(max(round(v), info.min), info.max) if np.isfinite(v) else 0 for v in x.ravel().tolist()
    ]
    return np.array(whole, dtype=dtype).reshape(x.shape)


def cast(x: np.ndarray, dtype: Any) -> np.ndarray:
    """Cast without a word."""
    kind = np.dtype(dtype).kind
    if kind in "iu":
        return clip_to_whole(x, dtype)
    with np.errstate(all="ignore"):
        return (x > 0) if kind == "b" else x.astype(dtype)


def as_dtype(dtype: Any) -> Callable[..., Worn]:
    """Return the costume of a numpy dtype."""

    def wear(x: np.ndarray, rng: np.random.Generator) -> Worn:
        given = cast(x, dtype)
        return Worn(given, given.astype(np.float64))

    return wear


def refused(make: Callable[[np.ndarray], Any]) -> Callable[..., Worn]:
    """Return a costume in which there are no numbers."""
    return lambda x, rng: Worn(make(x), None)


def same(make: Callable[[np.ndarray], Any]) -> Callable[..., Worn]:
    """Return a costume that holds the same numbers."""
    return lambda x, rng: Worn(make(x), x)


def mask(x: np.ndarray, rng: np.random.Generator) -> Worn:
    hidden = rng.random(x.shape) < 0.05
    return Worn(np.ma.array(x, mask=hidden), np.where(hidden, np.nan, x))


def strided(x: np.ndarray) -> np.ndarray:
    wide = np.repeat(x, 2, axis=1)[::-1]
    return wide[::-1, ::2]


def locked(x: np.ndarray) -> np.ndarray:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def to_objects(x: np.ndarray, make: Callable[[float], Any] = float) -> np.ndarray:
    """Return Python objects, None where a number is missing."""
    out = np.empty(x.shape, dtype=object)
    for place, value in np.ndenumerate(x):
        out[place] = None if np.isnan(value) else make(float(value))
    return out


def to_fraction(value: float) -> Any:
    return fractions.Fraction(value) if np.isfinite(value) else value


def to_structured(x: np.ndarray) -> np.ndarray:
    fields = [(f"f{i}", "f8") for i in range(x.shape[1])]
    return np.array([tuple(row) for row in x.tolist()], dtype=fields)


def to_lists(x: np.ndarray) -> Any:
    return x.tolist()


def drop_last(x: np.ndarray) -> Any:
    return [row[: len(row) - i % 2] for i, row in enumerate(x.tolist())]


def name_plainly(x: np.ndarray) -> dict[str, Any]:
    return {f"c{i}": x[:, i] for i in range(x.shape[1])}


def widen(x: np.ndarray) -> Worn:
    whole = clip_to_whole(x, "int64")
    return Worn(pl.DataFrame(name_plainly(whole)).cast(pl.Int128), whole.astype(np.float64))


def with_gap(x: np.ndarray) -> Worn:
    """Return unsigned integers with a null in the first row."""
    whole = clip_to_whole(x, "uint64")
    rows = {name: [None, *column.tolist()[1:]] for name, column in name_plainly(whole).items()}
    values = whole.astype(np.float64)
    values[:1] = np.nan
    columns = {name: pa.array(column[: len(x)], pa.uint64()) for name, column in rows.items()}
    return Worn(pa.table(columns), values)


ARRAYS: dict[str, Callable[..., Worn]] = {
    **{
        dtype: as_dtype(dtype)
        for dtype in [
            "float64",
            "float32",
            "float16",
            "longdouble",
            ">f8",
            ">i4",
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
        ]
    },
    "Fortran": same(np.asfortranarray),
    "strided": same(strided),
    "locked": same(locked),
    "object": same(to_objects),
    "Decimal": same(lambda x: to_objects(x, lambda v: decimal.Decimal(repr(v)))),
    "Fraction": same(lambda x: to_objects(x, to_fraction)),
    "matrix": same(lambda x: np.asmatrix(x)),
    "masked": mask,
    "lists": same(to_lists),
    "tuples": same(lambda x: tuple(map(tuple, x.tolist()))),
    "dict": same(name_plainly),
    "polars": same(lambda x: pl.DataFrame(name_plainly(x))),
    "polars nulls": same(lambda x: pl.DataFrame(name_plainly(x), nan_to_null=True)),
    "arrow": same(lambda x: pa.table(name_plainly(x))),
    "arrow nulls": same(
        lambda x: pa.table({k: pa.array(v, from_pandas=True) for k, v in name_plainly(x).items()})
    ),
    "polars wide": lambda x, rng: widen(x),
    "arrow unsigned": lambda x, rng: with_gap(x),
    "csr": same(sp.csr_array),
    "csc": same(sp.csc_matrix),
    "coo": same(sp.coo_array),
    "lil": same(sp.lil_array),
    "dok": same(sp.dok_array),
    "structured": same(to_structured),
}
NO_ARRAYS: dict[str, Callable[..., Worn]] = {
    "complex": refused(lambda x: x + 0j),
    "datetime": refused(lambda x: clip_to_whole(x, "int32").astype("datetime64[s]")),
    "timedelta": refused(lambda x: clip_to_whole(x, "int32").astype("timedelta64[s]")),
    "strings": refused(lambda x: x.astype(str)),
    "bytes": refused(lambda x: x.astype(bytes)),
    "object strings": refused(lambda x: to_objects(x, str)),
    "object complex": refused(lambda x: to_objects(x, complex)),
    "object huge": refused(lambda x: to_objects(x, lambda v: 10**400)),
    "object lists": refused(lambda x: to_objects(x, lambda v: [v])),
    "ragged": refused(drop_last),
    "three": refused(lambda x: x[:, :, None]),
    "none": refused(lambda x: None),
    "text": refused(lambda x: "x1"),
    "number": refused(lambda x: 1.5),
    "zero-dimensional": refused(lambda x: np.array(1.5)),
    "generator": refused(lambda x: (row for row in x)),
    "set": refused(lambda x: {1.0, 2.0}),
    "object": refused(lambda x: object()),
    "class": refused(lambda x: pd.DataFrame),
    "lazy": refused(lambda x: pl.LazyFrame(name_plainly(x))),
    "polars strings": refused(lambda x: pl.DataFrame(name_plainly(x.astype(str)))),
    "arrow scalars": refused(lambda x: pa.scalar(1.0)),
    "sparse complex": refused(lambda x: sp.csr_array(x + 0j)),
}

SERIES: dict[str, Callable[[np.ndarray], tuple[Any, bool]]] = {
    "float64": lambda c: (c, True),
    "float32": lambda c: (cast(c, "float32"), True),
    "int8": lambda c: (cast(c, "int8"), True),
    "bool": lambda c: (c > 0, True),
    "Float64": lambda c: (pd.array(to_objects(c), dtype="Float64"), True),
    "Int64": lambda c: (pd.array(cast(c, "int64"), dtype="Int64"), True),
    "UInt8": lambda c: (pd.array(cast(c, "uint8"), dtype="UInt8"), True),
    "boolean": lambda c: (pd.array(c > 0, dtype="boolean"), True),
    "double[pyarrow]": lambda c: (pd.array(to_objects(c), dtype="double[pyarrow]"), True),
    "int64[pyarrow]": lambda c: (pd.array(cast(c, "int64"), dtype="int64[pyarrow]"), True),
    "bool[pyarrow]": lambda c: (pd.array(c > 0, dtype="bool[pyarrow]"), True),
    "Sparse": lambda c: (pd.arrays.SparseArray(c), True),
    "Sparse[int]": lambda c: (pd.arrays.SparseArray(cast(c, "int64"), fill_value=0), True),
    "Sparse[bool]": lambda c: (pd.arrays.SparseArray(c > 0), True),
    "object": lambda c: (to_objects(c), True),
    "decimal[pyarrow]": lambda c: (
        pd.array(
            [decimal.Decimal(v) for v in cast(c, "int32").tolist()],
            dtype=pd.ArrowDtype(pa.decimal128(20, 2)),
        ),
        True,
    ),
    "category": lambda c: (pd.Categorical(np.round(c)), False),
    "string": lambda c: (pd.array(c.astype(str), dtype="string"), False),
    "str": lambda c: (pd.Series(c.astype(str)), False),
    "datetime": lambda c: (pd.to_datetime(cast(c, "int32"), unit="s"), False),
    "zoned": lambda c: (pd.to_datetime(cast(c, "int32"), unit="s", utc=True), False),
    "timedelta": lambda c: (pd.to_timedelta(cast(c, "int32"), unit="s"), False),
    "period": lambda c: (pd.PeriodIndex(["2020-01"] * len(c), freq="M"), False),
    "interval": lambda c: (pd.IntervalIndex.from_arrays(cast(c, "int16"), cast(c, "int16")), False),
    "complex": lambda c: (c + 1j, False),
    "date objects": lambda c: (to_objects(c, lambda v: dt.date(2020, 1, 1)), False),
    "list[pyarrow]": lambda c: (
        pd.array([[1.0]] * len(c), dtype=pd.ArrowDtype(pa.list_(pa.float64()))),
        False,
    ),
}
GOOD_SERIES = tuple(list(SERIES)[:16])
NAMES: dict[str, Callable[[int], Any]] = {
    "letters": lambda k: list("abcdefghi")[:k],
    "numbers": range,
    "odd": lambda k: ["", "a b", "日本", "1", None, ("t", 1), 2.5, "x\ny", "const"][:k],
    "missing": lambda k: [np.nan, *"bcdefghi"][:k],
    "twice": lambda k: ["a"] * k,
    "long": lambda k: [f"{i}" + "n" * 3000 for i in range(k)],
    "levels": lambda k: pd.MultiIndex.from_product([["u"], range(k)]),
    "dates": lambda k: pd.date_range("2020", periods=k),
    "mixed": lambda k: [1, "1", 1.5, True, b"1", (1,), "True", "1.5", 0][:k],
}
INDEXES: dict[str, Callable[[int], Any]] = {
    "range": pd.RangeIndex,
    "equal": lambda n: pd.Index([7] * n),
    "strings": lambda n: pd.Index([f"r{i}" for i in range(n)], dtype=object),
    "dates": lambda n: pd.date_range("2020", periods=n),
    "levels": lambda n: pd.MultiIndex.from_arrays([range(n), ["a"] * n]),
    "missing": lambda n: pd.Index([np.nan] * n),
    "mixed": lambda n: pd.Index([i if i % 2 else str(i) for i in range(n)], dtype=object),
}


@st.composite
def frames(draw: st.DrawFn, x: np.ndarray, good: bool) -> Worn:
    """Draw a pandas frame of these columns: any dtypes, names and index."""
    kinds = st.sampled_from(GOOD_SERIES if good else tuple(SERIES))
    worn, numbers, holds_all = {}, x.copy(), True
    for i in range(x.shape[1]):
        data, holds = SERIES[draw(kinds)](x[:, i])
        worn[i] = data if isinstance(data, pd.Series) else pd.Series(data)
        numbers[:, i] = worn[i].to_numpy(np.float64, na_value=np.nan) if holds else np.nan
        holds_all &= holds
    frame = pd.DataFrame(worn, index=range(len(x)))
    easy = st.sampled_from(["letters", "numbers"])
    frame.columns = pd.Index(
        NAMES[draw(easy if good else st.sampled_from(list(NAMES)))](x.shape[1])
    )
    frame.index = INDEXES[draw(st.sampled_from(list(INDEXES)))](len(x))
    return Worn(frame, numbers if holds_all else None)


@st.composite
def costumes(draw: st.DrawFn, x: np.ndarray, rng: np.random.Generator, wild: bool) -> Worn:
    """Draw what the columns come in, wild or such that a fit is possible."""
    kind = draw(st.sampled_from(["odd frame", "no array"] if wild else ["array", "frame"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "frame" in kind:
            return draw(frames(x, kind == "frame"))
        pool = ARRAYS if kind == "array" else NO_ARRAYS
        return pool[draw(st.sampled_from(list(pool)))](x, rng)

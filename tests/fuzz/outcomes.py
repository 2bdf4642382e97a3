"""Outcomes of every kind: labels, counts, probabilities and what is none of them."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import strategies as st

LABELS: dict[str, list] = {
    "ints": [0, 1, 2, 3],
    "words": ["b", "a", "c", "d"],
    "negative": [-1, 5, 2**40, -(2**62)],
    "floats": [0.5, 1.5, 2.25, -1e300],
    "whole floats": [1.0, 2.0, 3.0, 0.0],
    "bools": [True, False, True, False],
    "np.bools": [np.True_, np.False_, np.True_, np.False_],
    "unicode": ["日本 語", "naïve", "\u202e", "a\u0301"],
    "empty": ["", " ", "a", "  "],
    "odd": ["a\nb", "|", "=", "nan"],
    "quoted": ["'", '"', "\\", "`"],
    "digits": ["10", "9", "1", "010"],
    "mixed": [1, "a", 2.5, (1, 2)],
    "collide": [1, "1", "True", 2],
    "equal": [1, True, 1.0, 2],
    "dates": [dt.date(2020, 1, day) for day in range(1, 5)],
    "stamps": list(pd.date_range("2020", periods=4)),
    "periods": list(pd.period_range("2020", periods=4, freq="M")),
    "intervals": list(pd.interval_range(0, 4)),
    "decimals": [Decimal("1.5"), Decimal(2), Decimal("-0"), Decimal("1e50")],
    "bytes": [b"a", b"b", b"c", b"d"],
    "tuples": [("a", 1), ("a", 2), ("b",), ()],
    "numpy words": [np.str_("a"), np.str_("b"), np.str_("c"), np.str_("d")],
    "complex": [1j, 2j, 3j, 4j],
    "huge": [10**30, 10**31, -(10**30), 0],
    "lists": [["a"], ["b"], ["c"], ["d"]],
    "none": [None, "a", "b", "c"],
    "nan": [np.nan, 1.0, 2.0, 3.0],
    "infinite": [np.inf, 1.0, 2.0, -np.inf],
    "nat": [pd.NaT, "a", "b", "c"],
    "na": [pd.NA, "a", "b", "c"],
    "sets": [frozenset({1}), frozenset({2}), frozenset({1, 2}), frozenset()],
    "long": ["a" * 3000, "b" * 3000, "c", "d"],
    "types": [int, str, float, list],
}
PLAIN = ("ints", "words", "floats", "bools", "unicode", "empty", "digits", "collide")


@dataclass(frozen=True)
class Drawn:
    """An outcome as given, its categories, and d (n, J), NaN in rows where it is missing.

    ``labels`` is None where no fit is possible.
    """

    given: Any
    labels: list | None
    d: np.ndarray
    kind: str


def as_array(values: list) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def add_levels(values: list) -> pd.Categorical:
    """Return a categorical with a level that no row has."""
    used = list(dict.fromkeys(value for value in values if not pd.isna(value)))
    return pd.Categorical(values, categories=[*used[::-1], "unused"])


CONTAINERS: dict[str, Callable[[list], Any]] = {
    "list": list,
    "tuple": tuple,
    "objects": as_array,
    "series": lambda v: pd.Series(v, dtype=object),
    "natural": np.array,
    "inferred": pd.Series,
    "categorical": pd.Categorical,
    "levels": add_levels,
    "index": lambda v: pd.Index(v, dtype=object),
    "column": lambda v: pd.DataFrame({"y": pd.Series(v, dtype=object)}),
    "two-dimensional": lambda v: as_array(v)[:, None],
    "nested": lambda v: [[item] for item in v],
    "string": lambda v: pd.array(v, dtype="string"),
    "Int64": lambda v: pd.array(v, dtype="Int64"),
    "category arrow": lambda v: pa.array(v).dictionary_encode(),
    "arrow": pa.array,
    "chunks": lambda v: pa.chunked_array([v]),
    "ArrowDtype": lambda v: pd.Series(pa.array(v), dtype=pd.ArrowDtype(pa.array(v).type)),
    "polars": lambda v: pl.Series("y", v),
    "polars categorical": lambda v: pl.Series("y", v).cast(pl.Categorical),
    "polars enum": lambda v: pl.Series("y", v, dtype=pl.Enum(sorted(set(v)))),
    "polars frame": lambda v: pl.DataFrame({"y": v}),
    "masked": lambda v: np.ma.array(np.array(v)),
    "dict": lambda v: dict(enumerate(v)),
    "short": lambda v: v[:-1],
    "long": lambda v: [*v, *v[:1]],
    "generator": lambda v: (item for item in v),
    "text": lambda v: "y",
    "none": lambda v: None,
    "number": lambda v: 3,
    "cube": lambda v: as_array(v)[:, None, None],
    "ragged": lambda v: [[item] * (1 + i % 2) for i, item in enumerate(v)],
}
EASY = ("list", "objects", "series", "natural", "categorical", "polars", "levels")


def is_gone(label: Any) -> bool:
    return label is None or label is pd.NaT or label is pd.NA or label != label


@st.composite
def labels(draw: st.DrawFn, codes: np.ndarray, wild: bool) -> Drawn:
    """Draw one label a row, in any container."""
    names = LABELS[draw(st.sampled_from(tuple(LABELS) if wild else PLAIN))]
    values = [names[code] for code in codes]
    fill = draw(st.sampled_from(tuple(CONTAINERS) if wild else EASY))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            given = CONTAINERS[fill](values)
        except Exception:  # noqa: BLE001 - a container that these labels do not go into
            given = values
    if getattr(given, "dtype", None) is not None and getattr(given.dtype, "kind", "") == "U":
        values = np.asarray(given).ravel().tolist()
    distinct: list[Any] = []
    for label in values:
        if not is_gone(label) and not any(label is own or label == own for own in distinct):
            distinct.append(label)
    d = np.zeros((len(codes), max(len(distinct), 1)))
    for row, label in enumerate(values):
        if is_gone(label):
            d[row] = np.nan
        else:
            d[row, next(i for i, own in enumerate(distinct) if own == label)] = 1
    return Drawn(given, distinct, d, "labels")


TABLES: dict[str, Callable[..., Any]] = {
    "one-hot": lambda d, rng: d,
    "counts": lambda d, rng: d * rng.integers(1, 5, (len(d), 1)) + rng.integers(0, 3, d.shape),
    "probabilities": lambda d, rng: (d + 0.3) / (d + 0.3).sum(axis=1, keepdims=True),
    "zero rows": lambda d, rng: d * (rng.random((len(d), 1)) < 0.8),
    "large": lambda d, rng: d * 2.0**60 + 2.0**59,
    "huge": lambda d, rng: d * 1e300,
    "tiny": lambda d, rng: d * 1e-300,
    "negative": lambda d, rng: d - 1,
    "missing": lambda d, rng: np.where(rng.random(d.shape) < 0.1, np.nan, d),
    "infinite": lambda d, rng: np.where(rng.random(d.shape) < 0.1, np.inf, d),
    "halves": lambda d, rng: d * 0.5,
    "unused": lambda d, rng: np.column_stack([d, np.zeros(len(d))]),
}
TABLE_KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda t: t,
    "frame": lambda t: pd.DataFrame(t, columns=list("pqrstuvw")[: t.shape[1]]),
    "lists": lambda t: t.tolist(),
    "objects": lambda t: t.astype(object),
    "polars": lambda t: pl.DataFrame({f"p{i}": t[:, i] for i in range(t.shape[1])}),
    "masked": lambda t: np.ma.array(t),
    "float32": lambda t: t.astype(np.float32),
    "strings": lambda t: t.astype(str),
    "complex": lambda t: t + 0j,
    "twice": lambda t: pd.DataFrame(t, columns=["p"] * t.shape[1]),
    "bools": lambda t: t > 0,
}


@st.composite
def tables(draw: st.DrawFn, codes: np.ndarray, rng: np.random.Generator, wild: bool) -> Drawn:
    """Draw an outcome of several columns."""
    size = int(codes.max(initial=1)) + 1
    d = np.eye(size)[codes] if len(codes) else np.zeros((0, size))
    kind = draw(st.sampled_from(list(TABLES)[: None if wild else 4]))
    look = draw(st.sampled_from(list(TABLE_KINDS)[: None if wild else 6]))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        table = np.asarray(TABLES[kind](d, rng), dtype=np.float64)
        given = TABLE_KINDS[look](table)
    if look in ("float32", "bools"):
        table = np.asarray(given, dtype=np.float64)
    fits = look not in ("strings", "complex") and not (look == "twice" and size > 1)
    names = list(given.columns) if hasattr(given, "columns") else list(range(table.shape[1]))
    return Drawn(given, names if fits else None, table, "table")

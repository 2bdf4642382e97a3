"""Cases: what is given to a model and to its fit, most of it right and some of it wrong."""

from __future__ import annotations

import decimal
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mlelogit.fitting.optimization import METHODS, STATSMODELS_METHODS
from tests.fuzz.columns import matrices
from tests.fuzz.costumes import Worn, costumes
from tests.fuzz.outcomes import Drawn, labels, tables

NIGHTLY = int(os.environ.get("MLELOGIT_FUZZ", "0"))


def budget(examples: int) -> settings:
    """Return settings: so many examples, always the same; in nightly mode others, and more."""
    return settings(
        max_examples=NIGHTLY or examples,
        derandomize=not NIGHTLY,
        deadline=None,
        database=None,
        print_blob=bool(NIGHTLY),
        suppress_health_check=list(HealthCheck),
    )


ALL_METHODS = ("auto", *METHODS, *STATSMODELS_METHODS)
WRONG = (
    5,
    -1.5,
    "nonsense",
    "",
    True,
    float("nan"),
    float("inf"),
    None,
    [],
    {},
    [1, [2]],
    object(),
    np.array([]),
    np.array(3.0),
    np.array(["a", "b"]),
    np.zeros((2, 2, 2)),
    np.full(4, np.nan),
    pd.Series(dtype=float),
    pd.DataFrame(),
    pd.NA,
    pd.NaT,
    pl.DataFrame(),
    10**400,
    1j,
    b"x",
    lambda *_: None,
    int,
    decimal.Decimal("NaN"),
)
wrong = st.sampled_from(WRONG)


@dataclass(frozen=True, repr=False)
class Case:
    """A model and a fit as a user would ask for them, and the truth about the data."""

    x: Worn
    y: Drawn
    options: dict[str, Any]
    fit: dict[str, Any]
    weights: np.ndarray | None
    offset: np.ndarray | None

    def __repr__(self) -> str:
        return (
            f"MNLogit({self.y.given!r}, {self.x.given!r}, **{self.options!r}).fit(**{self.fit!r})"
        )

    def complete(self) -> np.ndarray:
        """Return which rows (n,) hold no missing value and have weight."""
        values = np.asarray(self.x.values)
        kept = ~np.isnan(values).any(axis=1) & ~np.isnan(self.y.d).any(axis=1)
        if self.weights is not None:
            kept &= ~np.isnan(self.weights) & (self.weights > 0)
        if self.offset is not None:
            kept &= ~np.isnan(self.offset).any(axis=1)
        return kept & (self.y.d.sum(axis=1) > 0)


def spoil(values: np.ndarray, rng: np.random.Generator, value: float) -> np.ndarray:
    """Return numbers with one of them replaced."""
    spoilt = values.astype(np.float64)
    if spoilt.size:
        spoilt.flat[rng.integers(spoilt.size)] = value
    return spoilt


@st.composite
def weights(draw: st.DrawFn, n: int, rng: np.random.Generator, wild: bool) -> tuple[Any, Any, Any]:
    """Draw weights as given, their type, and as numbers; None, None, None for none."""
    if not wild and draw(st.sampled_from([True, True, False])):
        return None, None, None
    made = {
        "whole": rng.integers(1, 5, n).astype(float),
        "real": rng.uniform(0.1, 3, n),
        "zeros": rng.integers(0, 2, n).astype(float),
        "all zero": np.zeros(n),
        "negative": spoil(np.ones(n), rng, -1),
        "missing": spoil(np.ones(n), rng, np.nan),
        "infinite": spoil(np.ones(n), rng, np.inf),
        "huge": np.full(n, 1e300),
        "large": np.full(n, 2.0**60),
        "one huge": spoil(np.ones(n), rng, 1e18),
        "tiny": np.full(n, 1e-300),
        "one tiny": spoil(np.ones(n), rng, 1e-300),
        "subnormal": np.full(n, 5e-324),
    }
    values = made[draw(st.sampled_from(list(made)[: None if wild else 3]))]
    looks: dict[str, Any] = {
        "array": values,
        "list": values.tolist(),
        "objects": values.astype(object),
        "series": pd.Series(values),
        "column": values[:, None],
        "frame": pd.DataFrame({"w": values}),
        "polars": pl.Series(values),
        "bools": values > 0,
        "strings": values.astype(str),
        "short": values[:-1],
        "complex": values + 0j,
        "masked": np.ma.array(values),
        "reordered": pd.Series(values)[::-1],
        "name": "w",
        "wrong": draw(wrong),
    }
    look = draw(st.sampled_from(["array", *list(looks)[: None if wild else 7]]))
    kinds = ["frequency", "sampling", "importance"]
    kind = draw(st.sampled_from([*kinds, *kinds, None, "freq", 5] if wild else kinds))
    numbers = {"bools": (values > 0) * 1.0, "reordered": values[::-1]}.get(look, values)
    return looks[look], kind, numbers


@st.composite
def offsets(
    draw: st.DrawFn, n: int, size: int, rng: np.random.Generator, wild: bool
) -> tuple[Any, Any]:
    """Draw an offset as given and as numbers; None and None for none."""
    if not wild and draw(st.sampled_from([True, True, True, False])):
        return None, None
    width = draw(st.sampled_from([size, size - 1, *([1, size + 1] if wild else [])]))
    values = rng.normal(size=(n, max(width, 0)))
    changed = {
        "plain": values,
        "missing": spoil(values, rng, np.nan),
        "infinite": spoil(values, rng, np.inf),
        "large": values * 1e6,
        "huge": values * 1e90,
        "beyond": values * 1e300,
        "common": values + 1e12,
    }
    values = changed[draw(st.sampled_from(list(changed)[: None if wild else 1]))]
    looks: dict[str, Any] = {
        "array": values,
        "list": values.tolist(),
        "frame": pd.DataFrame(values),
        "vector": values.ravel(),
        "objects": values.astype(object),
        "strings": values.astype(str),
        "polars": pl.DataFrame({f"o{i}": values[:, i] for i in range(values.shape[1])}),
        "short": values[:-1],
        "wrong": draw(wrong),
    }
    return looks[draw(st.sampled_from(list(looks)[: None if wild else 3]))], values


@st.composite
def requests(draw: st.DrawFn, size: int, wild: bool) -> dict[str, Any]:
    """Draw the arguments of fit: right, or wild."""
    if not wild:
        return {"method": draw(st.sampled_from(ALL_METHODS))} if draw(st.booleans()) else {}
    right = {
        "method": st.sampled_from(ALL_METHODS),
        "start_params": st.sampled_from(
            [None, np.zeros(size), np.full(size, 30.0), np.full(size, 1e200), [0] * size]
        ),
        "maxiter": st.sampled_from([None, 1, 3, 50, np.int64(7)]),
        "tol": st.sampled_from([1e-6, 1e-2, 1e-300, 1e300, np.float32(1e-3), 1]),
        "cov_type": st.sampled_from([None, "nonrobust", "opg", "HC0", "HC1", "robust"]),
        "cov_kwds": st.sampled_from([None, {}]),
        "callback": st.sampled_from([None, lambda params: None, lambda params: True]),
        "threads": st.sampled_from([None, 1, 2]),
        "bias_reduction": st.sampled_from([None, "mean", "median"]),
        "disp": st.just(False),
    }
    chosen = draw(st.lists(st.sampled_from(list(right)), min_size=1, max_size=3, unique=True))
    pools = st.sampled_from([True, True, False])
    # What a callback raises is the caller's own.
    odd = {name: wrong.filter(lambda value: not callable(value)) for name in chosen}
    return {name: draw(right[name] if draw(pools) else odd[name]) for name in chosen}


@st.composite
def choices(draw: st.DrawFn, labels_given: list, wild: bool) -> dict[str, Any]:
    """Draw base, outcome and missing."""
    if not wild:
        base = draw(st.sampled_from([None, *labels_given[:2]]))
        return {"missing": "drop", "base": base}
    kinds = [None, "labels", "counts", "probabilities", "onehot", 5, []]
    return {
        "missing": draw(st.sampled_from(["drop", "raise", "ignore", None, 5])),
        "base": draw(wrong),
        "outcome": draw(st.sampled_from(kinds)),
        "collinear": draw(st.sampled_from(["drop", "drop", "raise", "keep", 5])),
    }


PARTS = ("rows", "columns", "costume", "outcome", "weights", "offset", "choices", "fit")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a whole case, in which two parts at most are wild."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    wild = draw(st.lists(st.sampled_from(PARTS), max_size=2))
    n = draw(st.sampled_from([12, 5, 3, 2, 1, 0] if "rows" in wild else [40, 60]))
    size = draw(st.sampled_from([3, 4, 1] if "rows" in wild else [3, 2, 4]))
    codes = rng.integers(0, size, n)
    if n > 20 and draw(st.sampled_from([False, False, True])):
        codes[1:] = np.minimum(codes[1:], max(size - 2, 0))
        codes[0] = size - 1
    x = draw(matrices(rng, codes, "columns" in wild))
    worn = draw(costumes(x, rng, "costume" in wild))
    odd = "outcome" in wild
    y = draw(tables(codes, rng, odd) if draw(st.booleans()) else labels(codes, odd))
    given, kind, numbers = draw(weights(n, rng, "weights" in wild))
    shift, shifts = draw(offsets(n, y.d.shape[1], rng, "offset" in wild))
    options: dict[str, Any] = {"weights": given, "weight_type": kind, "offset": shift}
    options |= draw(choices(y.labels or [], "choices" in wild))
    fit = draw(requests(max(x.shape[1] * (y.d.shape[1] - 1), 0), "fit" in wild))
    given_options = {name: value for name, value in options.items() if value is not None}
    return Case(worn, y, given_options, fit, numbers, shifts)

"""A fit of every kind, small, with the rows it was made from and new ones."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

import mlelogit as ml
from mlelogit.fitting import estimation


@dataclass(frozen=True)
class Fit:
    """Results, what has to be given again as their rows, and new rows with their offset."""

    results: Any
    rows: Any
    new: Any
    offset: Any = None


def make_frame(rows=160):
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"x": rng.normal(size=rows), "z": rng.uniform(1, 5, rows)})
    scores = np.c_[np.zeros(rows), 0.7 * frame.x, frame.z / 4] + rng.gumbel(size=(rows, 3))
    frame["y"] = np.array(["A", "B", "C"])[scores.argmax(axis=1)]
    frame["r"] = rng.choice(["north", "south", "east", "west"], rows)
    frame["q"] = rng.integers(1, 5, rows)
    frame["t"] = rng.integers(0, 2, rows).astype(bool)
    frame["g"] = rng.integers(0, 45, rows)
    frame["h"] = rng.integers(0, 50, rows)
    frame["year"] = np.arange(rows) % 45
    frame["w"] = rng.integers(0, 4, rows)
    frame["p"] = rng.uniform(0.5, 2.0, rows)
    counts = rng.integers(0, 4, (rows, 3))
    shares = rng.dirichlet([1, 2, 3], rows)
    for i, name in enumerate("ABC"):
        frame[f"c{name}"] = counts[:, i] + (name == "A")
        frame[f"s{name}"] = shares[:, i]
        frame[f"o{name}"] = rng.normal(size=rows) / 3
    return frame


FRAME = make_frame()
GAPS = FRAME.assign(x=FRAME.x.where(FRAME.index % 11 != 3), y=FRAME.y.where(FRAME.index != 5))
FEW = FRAME.drop_duplicates(["y", "r", "q"]).reset_index(drop=True)
SEPARATED = FRAME.assign(x=np.where(FRAME.y == "A", 1.0 + FRAME.x**2, -(FRAME.x**2)))
COMPLETE = FRAME.assign(x=FRAME.y.map({"A": 0.0, "B": 10.0, "C": 100.0}) + FRAME.x / 100)
# Factors without C(), whose levels are no texts.
LEVELS = FRAME.assign(
    q=pd.Categorical(FRAME.q),
    v=pd.Categorical(FRAME.q / 2),
    u=pd.cut(FRAME.z, [0, 2, 3, 5]),
    t=pd.Categorical(FRAME.t),
)
ODD = FRAME.rename(columns={"x": "x: [a] b", "z": "größe.z", "r": "'\" ~"})
FORMULA = "y ~ x + z"
SPLINES = "y ~ poly(x, 2) + bs(z, df=4) + cr(p, df=3) + center(h) + scale(year):x + log(z)"
DATES = [dt.date(2024, 1, day) for day in (1, 2, 3)]


def by_formula(formula, frame=FRAME, cov=None, fit=None, **options):
    model = ml.mnlogit(formula, frame, **options)
    kind, words = cov or (None, None)
    new = frame.dropna().iloc[:7]
    return Fit(model.fit(cov_type=kind, cov_kwds=words, **(fit or {})), frame, new)


def by_arrays(endog, exog, fit=None, offset=None, **options):
    results = ml.MNLogit(endog, exog, offset=offset, **options).fit(**(fit or {}))
    rows = {"endog": endog, "exog": exog}
    rows |= {"weights": options["weights"]} if "weights" in options else {}
    rows |= {} if offset is None else {"offset": offset}
    few = offset is not None and np.asarray(offset)[:7]
    return Fit(results, rows, exog[:7], few if offset is not None else None)


def label(values):
    """Return the outcome with other categories."""
    return pd.Series([values["ABC".index(one)] for one in FRAME.y], dtype=object)


def bootstrapped():
    plain = by_formula(FORMULA)
    boot = plain.results.bootstrap(25, seed=1, disp=False)
    return Fit(plain.results.with_cov(boot), plain.rows, plain.new)


def in_pieces():
    pieces = [FRAME.iloc[:50], FRAME.iloc[50:]]
    results = ml.mnlogit(FORMULA, pieces, stream=True, compress=False).fit()
    return Fit(results, pieces, FRAME.iloc[:7])


def omitted_covariance():
    largest, estimation.LARGEST_SIZE = estimation.LARGEST_SIZE, 1
    try:
        return by_formula(FORMULA)
    finally:
        estimation.LARGEST_SIZE = largest


def wide():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.choice(["a", "b"], 900), "k": rng.integers(0, 70, 900)})
    return by_formula("y ~ C(k)", frame.assign(k="level " + frame.k.astype(str)))


def sparse():
    rng = np.random.default_rng(6)
    exog = np.zeros((900, 40))
    exog[np.arange(900), rng.integers(0, 40, 900)] = rng.normal(size=900)
    return by_arrays(rng.choice(["a", "b"], 900), csr_array(exog))


X = FRAME[["x", "z"]].to_numpy()
ONES = np.column_stack([np.ones(len(X)), X])
MAKERS = {
    "formula": lambda: by_formula(FORMULA, base="B"),
    "dot": lambda: by_formula("y ~ . - r", FRAME[["y", "x", "r", "z"]]),
    "missing": lambda: by_formula(FORMULA, GAPS, missing="drop"),
    "splines": lambda: by_formula(SPLINES),
    "contrasts": lambda: by_formula("y ~ C(r, contr.helmert()) * t + C(q, Sum)"),
    "odd names": lambda: by_formula("y ~ Q('x: [a] b') + größe.z + Q('\\'\" ~')", ODD),
    "levels": lambda: by_formula("y ~ x + q + v:z + u + t", LEVELS),
    "omitted": lambda: by_formula("y ~ x + z + I(2 * x + 1)"),
    "counts": lambda: by_formula("counts(cA, cB, cC) ~ x + z"),
    "probabilities": lambda: by_formula("probabilities(sA, sB, sC) ~ x + z"),
    "frequency": lambda: by_formula(FORMULA, weights="w", weight_type="frequency"),
    "sampling": lambda: by_formula(FORMULA, weights="p", weight_type="sampling"),
    "importance": lambda: by_formula(FORMULA, weights="p", weight_type="importance"),
    "offset": lambda: by_formula(FORMULA.replace("z", "r"), offset=["oA", "oB", "oC"]),
    "compressed": lambda: by_formula("y ~ C(r) + q", compress=True),
    "HC3": lambda: by_formula(FORMULA, cov=("HC3", None)),
    "cluster": lambda: by_formula(FORMULA, cov=("cluster", {"groups": "g", "correction": "CR2"})),
    "ways": lambda: by_formula(FORMULA, cov=("cluster", {"groups": ["g", "h"]})),
    "labels": lambda: by_formula(FORMULA, cov=("cluster", {"groups": FRAME.g.to_numpy() % 41})),
    "HAC": lambda: by_formula(FORMULA, cov=("HAC", {"time": "year", "maxlags": 2})),
    "survey": lambda: by_formula(FORMULA, cov=("survey", {"psu": "g", "strata": "t"})),
    "bootstrap": bootstrapped,
    "mean": lambda: by_formula(FORMULA, fit={"bias_reduction": "mean"}),
    "median": lambda: by_formula(FORMULA, fit={"bias_reduction": "median"}),
    "constraints": lambda: by_formula(
        FORMULA, fit={"constraints": ["B: x = C: x", "B: z >= 0.1", "C: z <= 9"]}
    ),
    "equations": lambda: by_formula(FORMULA, fit={"equations": {"z": ["C"]}}),
    "quasi-complete": lambda: by_formula(FORMULA, SEPARATED),
    "complete": lambda: by_formula("y ~ x + I(x**2)", COMPLETE),
    "not converged": lambda: by_formula(FORMULA, fit={"maxiter": 1, "method": "BFGS"}),
    "no covariance": omitted_covariance,
    "pieces": in_pieces,
    "wide": wide,
    "arrays": lambda: by_arrays(FRAME.y, ONES),
    "weighted arrays": lambda: by_arrays(
        FRAME.y.to_numpy(),
        ONES,
        weights=FRAME.p.to_numpy(),
        weight_type="importance",
        offset=FRAME[["oA", "oB", "oC"]].to_numpy(),
    ),
    "sparse": sparse,
    "named arrays": lambda: by_arrays(
        label([2, 10, 3]), pd.DataFrame(ONES, columns=[0, ("a", 1), pd.Timestamp("2024-01-01")])
    ),
    "dates": lambda: by_arrays(label(DATES), ONES, base=DATES[1]),
    "intervals": lambda: by_arrays(
        label([pd.Interval(0, 1), pd.Interval(1, 2), pd.Interval(2, 3)]), ONES
    ),
    "mixed": lambda: by_arrays(label([1.5, "b", (1, "c")]), ONES),
}


@cache
def make(name):
    """Make the fit of a name, once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MAKERS[name]()

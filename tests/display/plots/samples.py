"""Fits to draw: ordinary, with nasty names, with many categories, separated, tiny, bare."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import mlelogit as ml
from mlelogit.display.plots.accessor import Plots
from mlelogit.exceptions import MNLogitWarning
from mlelogit.results import MNLogitResults
from tests.inference.samples import fitted, survey
from tests.reference_cases import FOLDER

NASTY = ["$x_1$ & 50%", "_hidden", "two\nlines", "a very long name " * 4]


@cache
def make_fit(kind: str) -> MNLogitResults:
    """Fit a model of a kind, once, and without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MNLogitWarning)
        return globals()[f"_fit_{kind}"]()


def draw(kind: str, **changes: Any) -> Plots:
    """Return the pictures of a fit, on figures that pyplot does not know."""
    res = make_fit(kind)
    return Plots(
        changes.get("record", res.record), changes.get("covariance", res.covariance), Figure
    )


def _fit_three() -> MNLogitResults:
    return fitted("party ~ age + educ + region", base="green")


def _fit_two() -> MNLogitResults:
    return ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()


def _fit_seven() -> MNLogitResults:
    frame = ml.datasets.load_anes96()
    return ml.mnlogit("PID ~ logpopul + selfLR + age + educ + income", frame).fit()


def _fit_nasty() -> MNLogitResults:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(150, 4)), columns=NASTY)
    categories = np.array(["$100% & more", "_none_", "<i>one\nand two</i>"])
    return ml.MNLogit(categories[rng.integers(3, size=150)], frame.assign(const=1.0)).fit()


def _fit_twelve() -> MNLogitResults:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    codes = (x @ rng.normal(size=(2, 12)) * 0.6 + rng.gumbel(size=(500, 12))).argmax(axis=1)
    long = [f"alternative {i}, with a long description of it" if i % 3 else i for i in range(12)]
    frame = pd.DataFrame(x, columns=["x0", "x1"])
    frame["y"] = pd.Categorical.from_codes(codes, categories=pd.Index(long, dtype=object))
    frame["part of the country"] = rng.choice([f"region number {i}" for i in range(4)], 500)
    return ml.mnlogit("y ~ x0 + x1 + `part of the country`", frame).fit()


def _fit_separated() -> MNLogitResults:
    frame = pd.read_csv(FOLDER / "data" / "bankwages.csv")
    return ml.mnlogit("job ~ education + minority + gender", frame, base="custodial").fit()


def _fit_tiny() -> MNLogitResults:
    frame = pd.DataFrame({"y": list("abcabcab"), "x": [1, 2, 3, 2, 3, 1, 2, 2.5]})
    return ml.mnlogit("y ~ x", frame).fit()


def _fit_weighted() -> MNLogitResults:
    return fitted("party ~ age", weights="weight", weight_type="sampling")


def _fit_reduced() -> MNLogitResults:
    return ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean")


def _fit_median() -> MNLogitResults:
    return ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="median")


def _fit_constrained() -> MNLogitResults:
    return ml.mnlogit("party ~ age + educ", survey()).fit(constraints="green: age = 0.01")


def _fit_collinear() -> MNLogitResults:
    frame = survey().assign(twice=lambda data: 2 * data["age"])
    return ml.mnlogit("party ~ age + twice", frame, collinear="drop").fit()


def _fit_intercept() -> MNLogitResults:
    return ml.mnlogit("party ~ 1", survey()).fit()


def _fit_apart() -> MNLogitResults:
    rng = np.random.default_rng(5)
    names = [f"a rather long name of a party, the {i}th" for i in range(5)]
    codes = np.arange(200) % 5
    frame = pd.DataFrame({"a long name of a column $x_1$": codes + rng.uniform(0, 0.9, 200)})
    frame["_other"] = rng.normal(size=200)
    return ml.MNLogit(np.array(names)[codes], frame.assign(const=1.0)).fit()

"""Fits that several tests of inference share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from mlelogit.results import MNLogitResults


@cache
def survey() -> pd.DataFrame:
    """Make 160 rows: three parties, two numbers, a factor and weights."""
    rng = np.random.default_rng(3)
    n = 160
    frame = pd.DataFrame(
        {
            "age": rng.normal(45, 12, size=n).round(1),
            "educ": rng.integers(1, 8, size=n),
            "region": rng.choice(["north", "south", "west"], size=n),
            "weight": rng.uniform(0.3, 3, size=n),
            "people": rng.integers(1, 5, size=n),
        }
    )
    south = (frame["region"] == "south").to_numpy()
    scores = np.column_stack(
        [np.zeros(n), 0.03 * (frame["age"] - 45), 0.3 * (frame["educ"] - 4) - 0.5 * south]
    )
    codes = (scores + rng.gumbel(size=(n, 3))).argmax(axis=1)
    frame["party"] = np.array(["blue", "green", "red"])[codes]
    return frame


@cache
def fitted(formula: str = "party ~ age + educ + region", **options: Any) -> MNLogitResults:
    """Fit a formula to the survey, once."""
    return ml.mnlogit(formula, survey(), **options).fit()


def plain_sandwich(res: MNLogitResults, squared: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return bread and meat (P, P) from residuals, weights and columns, with plain loops."""
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, len(survey()))).T
    y = res.fittedvalues.to_numpy()
    free = [k for k in range(y.shape[1]) if k != res.record.encoding.base]
    weights = np.ones(len(x)) if design.weights is None else design.weights
    d = np.eye(y.shape[1])[design.outcome.codes]
    size = len(free) * x.shape[1]
    information, meat = np.zeros((size, size)), np.zeros((size, size))
    for n, weight in enumerate(weights):
        p = y[n, free]
        information += weight * np.kron(np.diag(p) - np.outer(p, p), np.outer(x[n], x[n]))
        score = np.kron(d[n, free] - p, x[n])
        meat += weight ** (2 if squared else 1) * np.outer(score, score)
    return np.linalg.inv(information), meat

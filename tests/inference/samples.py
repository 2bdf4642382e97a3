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


def plain_rows(res: MNLogitResults) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted scores (n, P) and informations (n, P, P) of every row of labels."""
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, design.source.shape[0])).T
    y = res.fittedvalues.to_numpy()
    free = [k for k in range(y.shape[1]) if k != res.record.encoding.base]
    weights = np.ones(len(x)) if design.weights is None else design.weights
    d = np.eye(y.shape[1])[design.outcome.codes]
    scores = [w * np.kron(d[n, free] - y[n, free], x[n]) for n, w in enumerate(weights)]
    informations = [
        w * np.kron(np.diag(y[n, free]) - np.outer(y[n, free], y[n, free]), np.outer(x[n], x[n]))
        for n, w in enumerate(weights)
    ]
    return np.array(scores), np.array(informations)


def plain_clusters(
    scores: np.ndarray, informations: np.ndarray, groups: Any, power: float
) -> np.ndarray:
    """Add up the outer products of ``L (1 - L' I_g L)^-power L' S_g``, cluster by cluster."""
    groups = np.asarray(groups)
    root = np.linalg.cholesky(np.linalg.inv(informations.sum(axis=0)))
    total = np.zeros_like(root)
    for group in np.unique(groups):
        inside = groups == group
        share = np.eye(len(root)) - root.T @ informations[inside].sum(axis=0) @ root
        values, vectors = np.linalg.eigh(share)
        adjusted = (vectors * values**-power) @ vectors.T @ root.T @ scores[inside].sum(axis=0)
        total += np.outer(root @ adjusted, root @ adjusted)
    return total


@cache
def beside() -> dict[str, np.ndarray]:
    """Return labels that stand beside the survey: districts, classes, pairs, years, panels."""
    rng = np.random.default_rng(8)
    order = rng.permutation(160)
    return {
        "many": order // 3,
        "some": order // 8,
        "few": order % 12,
        "each": order,
        "year": order // 8,
        "panel": order % 8,
        "area": order % 5,
    }

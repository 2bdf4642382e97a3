"""Scores and informations of a fit at any params, row by row, in plain numpy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from mlelogit.fitting.constrained.restriction import fit_restricted, invert_along
from mlelogit.inference.covariance import estimate_covariance
from mlelogit.inference.testing.hypothesis import read_equations
from mlelogit.results import MNLogitResults
from tests.inference.samples import survey


@dataclass(frozen=True)
class Plain:
    """A fit's columns (n, K), outcome (n, J) and weights (n,), its base and params (P,)."""

    x: np.ndarray
    d: np.ndarray
    weights: np.ndarray
    base: int
    params: np.ndarray

    @property
    def free(self) -> list[int]:
        return [k for k in range(self.d.shape[1]) if k != self.base]

    def probabilities(self, params: np.ndarray) -> np.ndarray:
        scores = np.zeros(self.d.shape)
        scores[:, self.free] = self.x @ params.reshape(len(self.free), -1).T
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def loglike(self, params: np.ndarray) -> float:
        return float(self.weights @ (self.d * np.log(self.probabilities(params))).sum(axis=1))

    def scores(self, params: np.ndarray) -> np.ndarray:
        """Return the unweighted score of every row (n, P)."""
        residuals = (self.d - self.probabilities(params))[:, self.free]
        return np.einsum("nj,nk->njk", residuals, self.x).reshape(len(self.x), -1)

    def information(self, params: np.ndarray) -> np.ndarray:
        p = self.probabilities(params)[:, self.free]
        blocks = [
            [
                (self.weights * p[:, j] * ((j == k) - p[:, k]) * self.x.T) @ self.x
                for k in range(p.shape[1])
            ]
            for j in range(p.shape[1])
        ]
        return np.block(blocks)

    def climb(self, start: np.ndarray, directions: np.ndarray | None = None) -> np.ndarray:
        """Climb by Newton steps from params along directions (P, r), or along all."""
        params, along = start, np.eye(len(start)) if directions is None else directions
        for _ in range(25):
            score = along.T @ (self.weights @ self.scores(params))
            params = params + along @ np.linalg.solve(
                along.T @ self.information(params) @ along, score
            )
        return params


def lay_bare(res: MNLogitResults) -> Plain:
    """Take a fit of labels apart."""
    design = res.record.need_blocks().design
    rows = design.source.shape[0]
    weights = np.ones(rows) if design.weights is None else design.weights
    return Plain(
        np.asarray(design.source.block(0, rows)).T,
        np.eye(len(res.categories))[design.outcome.codes],
        weights,
        res.record.encoding.base,
        res.record.maximum.params,
    )


def costumes(formula: str, base: Any = None) -> dict[str, MNLogitResults]:
    """Fit the same people, one to four of whom a row of the survey stands for, in three ways."""
    frame = survey()
    expanded = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    right = formula.split("~")[1]
    tables = {
        party: frame["people"].where(frame["party"] == party, 0)
        for party in sorted(set(frame.party))
    }
    counted = frame.assign(**tables)
    return {
        "rows": ml.mnlogit(formula, expanded, base=base).fit(),
        "weights": ml.mnlogit(
            formula, frame, base=base, weights="people", weight_type="frequency"
        ).fit(),
        "counts": ml.mnlogit(f"counts(blue, green, red) ~ {right}", counted, base=base).fit(),
    }


def compare_frames(one: pd.DataFrame, two: pd.DataFrame, rtol: float = 1e-8) -> None:
    """Raise unless two tables of tests are the same."""
    two = two.loc[one.index]
    np.testing.assert_allclose(one["statistic"], two["statistic"], rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(one["p_value"], two["p_value"], rtol=10 * rtol, atol=1e-12)
    assert one["df"].tolist() == two["df"].tolist()


def hold(res: MNLogitResults, asked: Any) -> MNLogitResults:
    """Return the fit as held to equations, from their maximum on."""
    record = res.record
    restriction = read_equations(asked, record.encoding)
    fit = fit_restricted(record, restriction)
    inverse = invert_along(fit.sums.information, fit.space)
    maximum = replace(record.maximum, params=fit.params, sums=fit.sums, inverse=inverse)
    held = replace(record, maximum=maximum, restriction=restriction)
    return MNLogitResults(held, estimate_covariance(held, "nonrobust"))

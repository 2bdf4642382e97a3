"""Draw samples from a known multinomial logit, fit each, and note what covered and what rejected.

Three categories and three columns: a constant, a standard normal x and an indicator d of a third
of the people. In the truth d has no effect. So the hypothesis that its two coefficients are zero
holds, and a test of it at 5 % should reject in 5 % of the samples. One category is rare, and in
small samples can lack d entirely: then the likelihood has no maximum.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

import mlelogit as ml

TRUTH = np.array([[0.3, 0.8, 0.0], [-1.3, -0.6, 0.0]])
SHARE = 1 / 3
TESTED = 2
ALPHA = 0.05
METHODS = {"ML": None, "bias-reduced (mean)": "mean", "bias-reduced (median)": "median"}
TESTS = ("LR", "Wald", "score")
# What stands for "the sample has no such interval or test".
NONE = np.nan


@dataclass(frozen=True)
class Sample:
    """One sample: columns (n, 3) and categories (n,)."""

    x: np.ndarray
    codes: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What came of one sample and one method; NaN where the estimate does not exist.

    Attributes
    ----------
    covered : numpy.ndarray
        (6,), 1 where the interval of a coefficient holds its true value, 0 where not.
    rejected : dict
        Test -> 1 if it rejects the true hypothesis, 0 if not.
    """

    covered: np.ndarray
    rejected: dict[str, float]


def draw_sample(rows: int, rng: np.random.Generator) -> Sample:
    """Draw a sample in which every category occurs and d varies; others are drawn again."""
    while True:
        x = np.column_stack([np.ones(rows), rng.normal(size=rows), rng.random(rows) < SHARE])
        scores = np.insert(x @ TRUTH.T, 0, 0.0, axis=1) + rng.gumbel(size=(rows, len(TRUTH) + 1))
        codes = scores.argmax(axis=1)
        if len(np.unique(codes)) == len(TRUTH) + 1 and 0 < x[:, TESTED].sum() < rows:
            return Sample(x, codes)


def draw_samples(rows: int, replications: int, seed: int) -> Iterator[Sample]:
    """Yield samples, each from a stream of its own: the first ones do not depend on how many."""
    for stream in np.random.SeedSequence([seed, rows]).spawn(replications):
        yield draw_sample(rows, np.random.default_rng(stream))


def is_available(method: str) -> bool:
    """Tell whether this version's fit knows a method."""
    known = inspect.signature(ml.MNLogit.fit).parameters
    return METHODS[method] is None or "bias_reduction" in known


def examine(sample: Sample, method: str) -> Outcome:
    """Fit a sample by a method, and confront the fit with the truth."""
    kind = METHODS[method]
    options: dict[str, Any] = {} if kind is None else {"bias_reduction": kind}
    with warnings.catch_warnings():
        # Separated samples warn; they are counted.
        warnings.simplefilter("ignore", ml.exceptions.MNLogitWarning)
        model = ml.MNLogit(sample.codes, sample.x)
        res = model.fit(**options)
        wald = res.wald_test(res.params.index[TESTED]).p_value
        rejected = {"Wald": reject(wald) if res.converged else NONE}
        if kind is None:
            smaller = ml.MNLogit(sample.codes, sample.x[:, :TESTED]).fit()
            rejected["LR"] = reject(res.lr_test(smaller).p_value) if res.converged else NONE
            rejected["score"] = reject(score_p_value(model, smaller))
    return Outcome(cover(res), rejected)


def cover(res: Any) -> np.ndarray:
    """Return 1 where an interval holds the true coefficient, 0 where not, NaN without a maximum."""
    if not (res.converged and np.isfinite(res.bse.to_numpy()).all()):
        return np.full(TRUTH.size, NONE)
    interval = res.conf_int(ALPHA)
    true = TRUTH.ravel()
    return ((interval["lower"] <= true) & (true <= interval["upper"])).to_numpy(float)


def reject(p_value: float) -> float:
    """Return 1 if a p-value is below 5 %, 0 if not, NaN if there is none."""
    return float(p_value < ALPHA) if np.isfinite(p_value) else NONE


def score_p_value(model: Any, smaller: Any, at: int = TESTED) -> float:
    """Return the p-value of Rao's score test that a column has no effect.

    ``s' I⁻¹ s`` with score and information at the smaller model's estimates is chi-squared
    with J - 1 degrees of freedom (Rao 1948). It does not ask for a maximum of the larger model.
    """
    if not smaller.converged:
        return NONE
    constrained = np.insert(smaller.params.to_numpy().T, at, 0.0, axis=1).ravel()
    score = model.score(constrained).to_numpy().T.ravel()
    information = model.information(constrained).to_numpy()
    return float(chdtrc(len(smaller.categories) - 1, score @ np.linalg.solve(information, score)))

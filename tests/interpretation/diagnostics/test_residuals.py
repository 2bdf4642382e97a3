"""Residuals of four kinds: against formulas written out, scipy's distributions and mpmath."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binom, kstest

import mlelogit as ml
from mlelogit.exceptions import (
    DataNotKeptError,
    OptionError,
    OutcomeError,
    SeparationWarning,
)
from mlelogit.interpretation.diagnostics.residuals import RESIDUALS, compute_residuals
from tests.inference.samples import fitted, survey

FORMULA = "party ~ age + educ + region"
FIXED = tuple(kind for kind in RESIDUALS if kind != "quantile")


def make_counts():
    rng = np.random.default_rng(4)
    x = rng.normal(size=60)
    y = np.exp(np.column_stack([np.zeros(60), 0.5 * x, -0.4 * x, 0 * x - 1]))
    people = rng.integers(1, 9, size=60)
    table = np.array(
        [rng.multinomial(t, row / row.sum()) for t, row in zip(people, y, strict=True)]
    )
    return pd.DataFrame(table, columns=["a", "b", "c", "e"]).assign(x=x)


@pytest.fixture(scope="module")
def counts():
    return ml.mnlogit("counts(a, b, c, e) ~ x", make_counts()).fit()


def observe(res):
    """Return d, t and y from the frames that were given and fitted."""
    y = res.fittedvalues.to_numpy()
    if res.record.encoding.outcome_kind == "counts":
        d = make_counts()[["a", "b", "c", "e"]].to_numpy(dtype=float)
    else:
        d = np.eye(y.shape[1])[pd.Categorical(survey()["party"]).codes]
    return d, d.sum(axis=1)[:, np.newaxis], y


@pytest.mark.parametrize("kind", ["labels", "counts"])
def test_residuals_are_their_formulas(kind, counts):
    res = fitted(FORMULA) if kind == "labels" else counts
    d, t, y = observe(res)
    assert np.abs(res.residuals() - (d - t * y)).max().max() < 1e-14
    assert res.residuals().equals(res.resid_response)
    pearson = (d - t * y) / np.sqrt(t * y * (1 - y))
    assert np.abs(res.residuals("pearson") / pearson - 1).max().max() < 1e-11
    assert res.resid_pearson.equals(res.residuals("pearson"))
    safe = np.where(d > 0, d, 1.0)
    unit = 2 * (np.where(d > 0, d * np.log(safe / (t * y)), 0.0) - (d - t * y))
    deviance = np.sign(d - t * y) * np.sqrt(unit)
    assert np.abs(res.residuals("deviance") - deviance).max().max() < 1e-7
    assert res.resid_deviance.equals(res.residuals("deviance"))
    frame = res.residuals("deviance")
    assert list(frame.columns) == list(res.categories)
    assert frame.index.equals(res.fittedvalues.index)


def test_squared_deviances_of_a_row_add_up_to_its_share(counts):
    res = fitted(FORMULA)
    gap = (res.resid_deviance**2).sum(axis=1) + 2 * res.loglikeobs()
    assert np.abs(gap).max() < 1e-14
    d, t, y = observe(counts)
    share = 2 * np.where(d > 0, d * np.log(np.where(d > 0, d, 1) / (t * y)), 0.0).sum(axis=1)
    assert np.abs((counts.resid_deviance**2).sum(axis=1) - share).max() < 1e-12


def push(offsets, observed):
    """Fit four categories to rows with these offsets, and give theirs to the last."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.choice(list("abcd"), size=40), "x": rng.normal(size=40)})
    frame.loc[0, "y"] = observed
    offset = np.zeros((40, 4))
    offset[0] = offsets
    return ml.mnlogit("y ~ x", frame, offset=offset).fit()


@pytest.mark.parametrize(
    ("offsets", "observed"),
    [
        ([0, -2, -900, 1], "c"),
        ([0, 40, -3, 1], "b"),
        ([0, 900, -3, 1], "b"),
        ([0, 900, -3, 1], "a"),
        ([800, 0, 0, -20], "d"),
        ([0, 9, 0, 0], "b"),
        ([0, 0, 0, 4.5], "d"),
    ],
)
def test_tails_are_those_of_mpmath(offsets, observed):
    """Where probabilities underflow, or are one but for rounding, with 900 digits."""
    res = push(offsets, observed)
    scores = [mpmath.mpf(float(u)) for u in res.predict(which="linear").iloc[0]]
    codes = list("abcd").index(observed)
    with mpmath.workdps(900):
        powers = [mpmath.exp(u) for u in scores]
        y = [power / sum(powers) for power in powers]
        for k in range(4):
            d, others = mpmath.mpf(k == codes), sum(y[:k] + y[k + 1 :])
            error = others if k == codes else -y[k]
            pearson = error / mpmath.sqrt(y[k] * others)
            unit = (-mpmath.log(y[k]) - error) if k == codes else y[k]
            deviance = mpmath.sign(d - y[k]) * mpmath.sqrt(2 * unit)
            for kind, wanted in (("pearson", pearson), ("deviance", deviance)):
                found = res.residuals(kind).iloc[0, k]
                assert found == pytest.approx(float(wanted), rel=1e-11, abs=1e-300), (kind, k)
        low, high = sum(y[:codes]) + y[codes] / 2, sum(y[codes + 1 :]) + y[codes] / 2
    found = res.residuals("mid-quantile").iloc[0]
    assert log_tail(-abs(found)) == pytest.approx(float(mpmath.log(min(low, high))), rel=1e-10)
    assert found * float(high - low) <= 0


def log_tail(z):
    with mpmath.workdps(40):
        return float(mpmath.log(mpmath.erfc(-mpmath.mpf(float(z)) / mpmath.sqrt(2)) / 2))


def test_quantile_residuals_of_labels_are_uniform_on_their_intervals():
    res = fitted(FORMULA)
    d, _, y = observe(res)
    upper = (np.cumsum(y, axis=1) * d).sum(axis=1)
    own = (y * d).sum(axis=1)
    places = []
    for seed in range(20):
        residuals = res.residuals("quantile", seed=seed)
        share = (ndtr(residuals) - (upper - own)) / own
        assert ((share > 0) & (share < 1)).all()
        places.append(share)
    assert kstest(np.concatenate(places), "uniform").pvalue > 0.01
    middle = res.residuals("mid-quantile")
    assert np.abs(middle - ndtri(upper - own / 2)).max() < 1e-12
    assert middle.name == "mid-quantile"


def test_quantile_residuals_are_standard_normal_if_the_model_holds():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, 2))
    scores = x @ rng.normal(size=(2, 4)) + rng.gumbel(size=(4000, 4))
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=scores.argmax(axis=1))
    res = ml.mnlogit("y ~ a + b", frame).fit()
    assert kstest(res.residuals("quantile", seed=3), "norm").pvalue > 0.05
    wrong = ml.mnlogit("y ~ 1", frame).fit().residuals("quantile", seed=3)
    assert abs(np.corrcoef(wrong, frame["a"])[0, 1]) > 0.1
    assert abs(np.corrcoef(res.residuals("quantile", seed=3), frame["a"])[0, 1]) < 0.03


def test_quantile_residuals_of_counts_are_binomial(counts):
    """Of those not in an earlier category, how many are beyond: one binomial after the other."""
    d, _, y = observe(counts)
    shares = []
    for seed in range(10):
        found = counts.residuals("quantile", seed=seed)
        assert list(found.columns) == ["a", "b", "c"]
        for k in range(3):
            trials, beyond = d[:, k:].sum(axis=1), d[:, k + 1 :].sum(axis=1)
            law = binom(trials, y[:, k + 1 :].sum(axis=1) / y[:, k:].sum(axis=1))
            share = (ndtr(found.iloc[:, k]) - law.cdf(beyond - 1)) / law.pmf(beyond)
            assert ((share > 0) & (share < 1)).all()
            shares.append(share)
    assert kstest(np.concatenate(shares), "uniform").pvalue > 0.01
    together = counts.residuals("quantile", seed=1).to_numpy()
    assert kstest(together.ravel(), "norm").pvalue > 0.05
    assert np.abs(np.corrcoef(together.T) - np.eye(3)).max() < 0.3


def test_single_people_of_two_categories_are_labels_and_counts_alike():
    frame = survey().assign(blue=(survey()["party"] == "blue").astype(int))
    frame["other"] = 1 - frame["blue"]
    labels = ml.mnlogit("other ~ age + educ", frame).fit()
    counts = ml.mnlogit("counts(blue, other) ~ age + educ", frame).fit()
    for kind, seed in (("quantile", 4), ("mid-quantile", None)):
        gap = counts.residuals(kind, seed=seed)["blue"] - labels.residuals(kind, seed=seed)
        assert np.abs(gap).max() < 1e-9


def test_seeds_are_kept():
    res = fitted(FORMULA)
    one = res.residuals("quantile", seed=1)
    assert one.equals(res.residuals("quantile", seed=1))
    assert not one.equals(res.residuals("quantile", seed=2))
    assert not res.residuals("quantile").equals(res.residuals("quantile"))
    assert np.abs(one - res.rebase("red").residuals("quantile", seed=1)).max() < 1e-12


@pytest.mark.parametrize("kind", FIXED)
def test_residuals_are_those_of_rows_written_out(kind):
    res = fitted(FORMULA, weights="people", weight_type="frequency")
    long = survey().loc[survey().index.repeat(survey()["people"])]
    apart = ml.mnlogit(FORMULA, long).fit().residuals(kind)
    expected = apart[~long.index.duplicated()].to_numpy()
    assert np.abs(res.residuals(kind).to_numpy() - expected).max() < 1e-9
    assert np.abs(res.rebase("red").residuals(kind).to_numpy() - expected).max() < 1e-9


@pytest.mark.parametrize("kind", FIXED)
def test_residuals_in_the_limit_of_separated_data_are_finite(kind):
    frame = survey().copy()
    frame["z"] = ((frame["party"] != "red") & (np.arange(160) % 3 == 0)).astype(int)
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("party ~ age + z", frame).fit()
    found = res.residuals(kind)
    assert np.isfinite(found.to_numpy()).all()
    if kind != "mid-quantile":
        assert (found.loc[frame["z"] == 1, "red"] == 0).all()


def test_counts_in_the_limit_of_separated_data_have_residuals():
    """Where z = 1 all people are in the first category, and nobody is left for the others."""
    frame = make_counts().assign(z=np.arange(60) % 4 == 0)
    frame.loc[frame["z"], ["b", "c", "e"]] = 0
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("counts(a, b, c, e) ~ x + z", frame).fit()
    for kind in FIXED[:3]:
        assert (res.residuals(kind)[frame["z"]] == 0).all().all()
    shares = ndtr(res.residuals("quantile", seed=1)[frame["z"]])
    assert kstest(shares.to_numpy().ravel(), "uniform").pvalue > 0.01
    assert (res.residuals("mid-quantile")[frame["z"]].abs() < 1e-15).all().all()


def test_shares_have_residuals_but_no_quantiles():
    rng = np.random.default_rng(2)
    shares = rng.dirichlet([2, 2, 2], size=50)
    shares[0] = [0, 0.3, 0.7]
    frame = pd.DataFrame(shares, columns=["a", "b", "c"]).assign(x=rng.normal(size=50))
    res = ml.mnlogit("probabilities(a, b, c) ~ x", frame).fit()
    y = res.fittedvalues.to_numpy()
    assert np.abs(res.resid_pearson - (shares - y) / np.sqrt(y * (1 - y))).max().max() < 1e-12
    safe = np.where(shares > 0, shares, 1)
    entropy = 2 * (shares * np.log(safe / y)).sum(axis=1)
    assert np.abs((res.resid_deviance**2).sum(axis=1) - entropy).max() < 1e-12
    with pytest.raises(OutcomeError, match="this one is probabilities"):
        res.residuals("quantile", seed=1)


def test_bad_questions_are_named():
    res = fitted(FORMULA)
    with pytest.raises(OptionError, match="response, pearson, deviance, quantile"):
        res.residuals("raw")
    with pytest.raises(OptionError, match="draws nothing"):
        res.residuals("pearson", seed=1)
    with pytest.raises(OptionError, match="seed must be"):
        res.residuals("quantile", seed=1.5)
    for kind in RESIDUALS:
        with pytest.raises(DataNotKeptError):
            compute_residuals(replace(res.record, blocks=None), kind)

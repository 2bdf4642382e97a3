"""Outcomes of probabilities: every row is one observation, and nothing is drawn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mlelogit as ml
from tests.display.plots.judging import read_words
from tests.inference.samples import survey
from tests.interpretation.performance.judging import judge_all, measure_gap

SHARES = ["blue", "green", "red"]
FORMULA = "probabilities(blue, green, red) ~ age + educ"


def share(seed=5, exact=False):
    """Return rows with shares about those of a fit to labels, or just those of it."""
    frame = survey()
    plain = ml.mnlogit("party ~ age + educ", frame).fit()
    shares = plain.predict(frame).to_numpy()
    if not exact:
        noise = np.random.default_rng(seed).normal(scale=0.3, size=shares.shape)
        shares = shares * np.exp(noise)
        shares /= shares.sum(axis=1, keepdims=True)
    return frame.assign(**dict(zip(SHARES, shares.T, strict=True)))


def fit(frame, **how):
    return ml.mnlogit(FORMULA, frame, **how).fit()


@pytest.fixture(scope="module")
def split():
    frame = share()
    return fit(frame.iloc[::2]), frame.iloc[1::2]


def average(values):
    """Mean and standard error of one number a row."""
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def test_scores_are_means_over_rows(split):
    res, new = split
    d, y = new[SHARES].to_numpy(), res.predict(new).to_numpy()
    found = res.scores(new).overall
    brier = (d * ((y**2).sum(axis=1, keepdims=True) - 2 * y + 1)).sum(axis=1)
    losses = {"brier": brier, "log": -(d * np.log(y)).sum(axis=1)}
    for name, rows in losses.items():
        mean, error = average(rows)
        assert abs(found.loc[name, "score"] - mean) < 1e-14
        assert abs(found.loc[name, "std_err"] - error) < 1e-14


def test_means_and_rates_are_means_over_rows(split):
    res, new = split
    d, y = new[SHARES].to_numpy(), res.predict(new).to_numpy()
    means = res.calibration(new, bins=4).means
    for k, category in enumerate(SHARES):
        mean, error = average(d[:, k] - y[:, k])
        assert abs(means.loc[category, "difference"] - mean) < 1e-14
        assert abs(means.loc[category, "std_err"] - error) < 1e-14
    rates = res.classification(new).rates
    rows = np.arange(len(d))
    for name, values in (
        ("hit_rate", d[rows, y.argmax(axis=1)]),
        ("baseline_rate", d[:, d.sum(axis=0).argmax()]),
        ("mean_probability", (d * y).sum(axis=1)),
    ):
        mean, error = average(values)
        assert abs(rates.loc[name, "estimate"] - mean) < 1e-14
        assert abs(rates.loc[name, "std_err"] - error) < 1e-14


def test_nothing_is_made_up_of_shares_that_the_model_gives_exactly():
    """The gaps are rounding, and so are their standard errors."""
    frame = share(exact=True)
    res = fit(frame.iloc[::2])
    new = frame.iloc[1::2]
    found = res.calibration(new, bins=4)
    assert found.means["std_err"].max() < 1e-7
    assert found.errors[["estimate", "std_err"]].max(axis=None) < 1e-6
    assert (found.recalibration["estimate"] - found.recalibration["ideal"]).abs().max() < 1e-5
    assert found.recalibration["std_err"].max() < 1e-5


def test_what_takes_draws_is_not_known(split):
    res, new = split
    for how in ({}, {"newdata": new}):
        calibration = res.calibration(**how, bins=4)
        for bins in (calibration.bins, calibration.confidence):
            assert bins[["lower", "upper"]].isna().all(axis=None)
        assert calibration.errors["by_chance"].isna().all()
        assert calibration.tests["p_value"].isna().all()
        assert (calibration.tests["reason"] != "").all()
        rates = res.classification(**how)
        shares = rates.rates.loc[["hit_rate", "baseline_rate"]]
        assert shares[["lower", "upper"]].isna().all(axis=None)
        assert rates.by_category[["lower", "upper"]].isna().all(axis=None)
        for result in (calibration, rates, res.scores(**how)):
            assert sum("drawn: a row" in note for note in result.notes) == 1
    assert calibration.tests["reason"].str.contains("probabilities").all()


def test_discrimination_has_the_variance_of_the_jackknife(split):
    """Of a smooth statistic the jackknife over rows agrees with linearization to first order."""
    res, new = split
    new = new.head(60)
    found = res.scores(new).discrimination["std_err"]
    each = np.array(
        [res.scores(new.drop(index=label)).discrimination["estimate"] for label in new.index]
    )
    errors = np.sqrt(((each - each.mean(axis=0)) ** 2).sum(axis=0) * 59 / 60)
    assert np.abs(found / errors - 1).max() < 0.05


def test_recalibration_has_the_sandwich_of_rows(split):
    """With two categories recalibration is a fractional logit, whose sandwich is known."""
    frame = share().assign(rest=lambda f: f["green"] + f["blue"])
    res = ml.mnlogit("probabilities(rest, red) ~ age + educ", frame.iloc[::2]).fit()
    new = frame.iloc[1::2]
    found = res.calibration(new).recalibration.loc["own slopes"]
    beside = new.assign(u=res.predict(new, which="linear")["red"])
    again = ml.mnlogit("probabilities(rest, red) ~ u", beside).fit(cov_type="HC0")
    assert np.abs(found["estimate"].to_numpy() - again.params["red"].to_numpy()).max() < 1e-8
    errors = again.bse["red"].to_numpy() * np.sqrt(80 / 79)
    assert np.abs(found["std_err"].to_numpy() - errors).max() < 1e-8


def test_frequency_weights_are_copies_of_rows():
    frame = share()
    res, new = fit(frame.iloc[::2]), frame.iloc[1::2]
    copies = new.loc[new.index.repeat(new["people"])].reset_index(drop=True)
    weighted = judge_all(res, newdata=new, weights="people", weight_type="frequency")
    assert measure_gap(weighted, judge_all(res, newdata=copies)) < 1e-9
    own = judge_all(fit(new, weights="people", weight_type="frequency"))
    assert measure_gap(own, judge_all(fit(copies))) < 1e-7


def test_equal_sampling_weights_change_nothing(split):
    res, new = split
    weights = {"weights": np.full(80, 3.0), "weight_type": "sampling"}
    found, plain = res.scores(new, **weights), res.scores(new)
    for key in ("overall", "discrimination", "pairs"):
        assert (getattr(found, key) - getattr(plain, key)).abs().max(axis=None) < 1e-12
    left, right = res.calibration(new, **weights), res.calibration(new)
    assert (left.recalibration - right.recalibration).abs().max(axis=None) < 1e-9
    assert (left.means - right.means).abs().max(axis=None) < 1e-12


def test_shares_that_are_whole_are_labels():
    """Standard errors of means are then those of people, each in a row."""
    frame = survey()
    res, new = ml.mnlogit("party ~ age + educ", frame.iloc[::2]).fit(), frame.iloc[1::2]
    whole = (new["party"].to_numpy()[:, None] == np.array(SHARES)).astype(float)
    near = whole * (1 - 3e-9) + 1e-9
    found, plain = res.scores(new, outcome=near), res.scores(new)
    assert (found.overall - plain.overall).abs().max(axis=None) < 1e-6
    # Every category then has its people in rows of their own, up to the corrections for numbers.
    gaps = found.discrimination["std_err"] / plain.discrimination["std_err"] - 1
    assert gaps.abs().max() < 0.03


def test_pictures_leave_out_what_is_not_known(split):
    from matplotlib.figure import Figure

    res, _ = split
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = res.plot.calibration(bins=4, ax=Figure())
        residuals = res.plot.residuals("age", bins=4, ax=Figure())
    assert all(np.isfinite(ax.get_ylim()).all() for ax in [*axes, *residuals])
    assert "intervals" not in read_words(axes)
    assert "Grey" not in read_words(residuals)

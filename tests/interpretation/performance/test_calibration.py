"""Reliability, calibration errors and recalibration, beside scikit-learn, scipy and theorems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

import mlelogit as ml
from mlelogit.exceptions import OptionError
from mlelogit.interpretation.performance.binning import assign_bins
from mlelogit.interpretation.performance.calibration import calibrate
from tests.inference.samples import fitted, survey
from tests.interpretation.performance.judging import split_survey
from tests.reference_cases import PLAIN, fit_case


@pytest.fixture(scope="module")
def res():
    return fitted()


def test_bins_of_equal_width_are_those_of_sklearn(res):
    found = res.calibration(bins=7, strategy="uniform").bins
    for category in res.categories:
        y = res.fittedvalues[category].to_numpy()
        observed, predicted = calibration_curve(survey()["party"] == category, y, n_bins=7)
        lines = found.loc[category]
        assert np.abs(lines["observed"] - observed).max() < 1e-14
        assert np.abs(lines["predicted"] - predicted).max() < 1e-14
        numbers = np.digitize(y, np.linspace(0, 1, 8)[1:-1], right=True) + 1
        assert lines.index.tolist() == np.unique(numbers).tolist()
        assert lines["people"].tolist() == np.unique(numbers, return_counts=True)[1].tolist()


def test_bins_of_equal_numbers_are_cut_at_quantiles(res):
    found = res.calibration(bins=6).bins
    for category in res.categories:
        y = res.fittedvalues[category]
        inner = np.quantile(y, np.arange(1, 6) / 6, method="inverted_cdf")
        cells = pd.cut(y, [-1, *inner, 2])
        grouped, lines = y.groupby(cells, observed=True), found.loc[category]
        assert lines["people"].tolist() == grouped.size().tolist()
        assert np.abs(lines["predicted"].to_numpy() - grouped.mean().to_numpy()).max() < 1e-14
        assert (lines["from"].to_numpy() == grouped.min().to_numpy()).all()
        assert (lines["to"].to_numpy() == grouped.max().to_numpy()).all()
        own = (survey()["party"] == category).groupby(cells, observed=True).mean()
        assert np.abs(lines["observed"].to_numpy() - own.to_numpy()).max() < 1e-15


def test_intervals_in_bins_are_wilsons(res):
    found = res.calibration(bins=5, alpha=0.01)
    for lines in (found.bins, found.confidence):
        count = np.round(lines["people"] * lines["observed"])
        low, high = proportion_confint(count, lines["people"], alpha=0.01, method="wilson")
        assert np.abs(lines["lower"] - low).max() < 1e-14
        assert np.abs(lines["upper"] - high).max() < 1e-14


def test_confidence_is_about_the_category_predicted(res):
    found = res.calibration(bins=4, strategy="uniform")
    y = res.fittedvalues
    hits = res.predict(which="category").astype(str) == survey()["party"]
    observed, predicted = calibration_curve(hits, y.max(axis=1), n_bins=4)
    assert np.abs(found.confidence["observed"] - observed).max() < 1e-14
    assert np.abs(found.confidence["predicted"] - predicted).max() < 1e-14


def test_ties_share_a_bin_and_lessen_their_number():
    values = np.array([0.1, 0.1, 0.1 * (1 + 1e-14), 0.1, 0.4, 0.5])
    assert assign_bins(values, np.ones(6), 3, "quantile").tolist() == [0, 0, 0, 0, 2, 2]
    assert assign_bins(values, np.ones(6), 2, "uniform").tolist() == [0] * 6
    beside = np.array([0.2, 0.5, 0.5 * (1 + 1e-14), 0.6])
    assert assign_bins(beside, np.ones(4), 2, "uniform").tolist() == [0, 0, 0, 1]
    assert assign_bins(beside[1:], np.ones(3), 2, "uniform").tolist() == [0, 0, 1]
    assert assign_bins(beside[2:], np.ones(2), 2, "uniform").tolist() == [0, 1]
    res = fit_case("housing_main")
    for category, lines in res.calibration(bins=10).bins.groupby("category"):
        assert len(lines) <= 10
        total = res.audit.categories[category]
        assert abs((lines["people"] * lines["observed"]).sum() - total) < 1e-9
        assert (lines["from"].to_numpy()[1:] > lines["to"].to_numpy()[:-1]).all()


def test_means_agree_on_the_fits_own_rows_where_there_is_an_intercept(res):
    """A theorem: the scores of the intercepts are zero."""
    means = res.calibration().means
    assert means["difference"].abs().max() < 1e-10
    assert np.abs(means["observed"] - survey()["party"].value_counts(normalize=True)).max() < 1e-15
    gaps = (survey()["party"].to_numpy()[:, None] == np.array(res.categories)) - res.fittedvalues
    assert np.abs(means["std_err"] - gaps.std(ddof=1) / np.sqrt(len(gaps))).max() < 1e-15


@pytest.mark.parametrize("name", PLAIN)
def test_recalibration_of_the_fits_own_rows_is_the_identity(name):
    """A theorem: the score is zero along the linear predictors and the intercepts."""
    res = fit_case(name)
    found = res.calibration().recalibration
    assert np.abs(found["estimate"] - found["ideal"]).max() < 1e-6
    assert np.isfinite(found["std_err"]).all()


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_recalibration_undoes_scaled_coefficients(res, scale):
    """With coefficients times c the fit's own rows have slopes of 1 / c: a theorem."""
    maximum = replace(res.record.maximum, params=scale * res.record.maximum.params)
    found = calibrate(replace(res.record, maximum=maximum)).recalibration["estimate"]
    assert np.abs(found["own slopes"]["slope"] * scale - 1).max() < 1e-8
    assert found["own slopes"]["intercept"].abs().max() < 1e-8
    assert abs(found["one slope"]["slope"][""] * scale - 1) < 1e-8


def recalibrate_plainly(u, codes, weights, place):
    """Maximize the likelihood of scores ``a + b u``, params placed by a function, with scipy."""

    def fall(params):
        intercepts, slopes = place(params)
        logs = log_softmax(np.column_stack([np.zeros(len(u)), intercepts + slopes * u]), axis=1)
        return -weights @ logs[np.arange(len(u)), codes]

    size = 2 * u.shape[1]
    found = minimize(fall, np.zeros(size), method="BFGS", options={"gtol": 1e-8})
    return found.x, -found.fun


def test_recalibration_of_new_rows_by_scipy():
    res, new = split_survey()
    weights = np.arange(80) % 3 + 1
    how = {"weights": weights, "weight_type": "frequency"}
    found = res.calibration(newdata=new, **how)
    u = res.predict(new, which="linear").to_numpy()[:, 1:]
    codes = new["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    params, top = recalibrate_plainly(u, codes, weights, lambda b: (b[:2], b[2:]))
    estimates = found.recalibration["estimate"]
    assert np.abs(estimates["own slopes"] - params).max() < 1e-5
    params, middle = recalibrate_plainly(u, codes, weights, lambda b: (b[:2], np.ones(2)))
    assert np.abs(estimates["slopes of one"] - params[:2]).max() < 1e-5
    params, _ = recalibrate_plainly(u, codes, weights, lambda b: (b[:2], b[[2, 2]]))
    assert np.abs(estimates["one slope"] - params[:3]).max() < 1e-5
    y = res.predict(new).to_numpy()
    start = weights @ np.log(y[np.arange(80), codes])
    expected = [2 * (top - start), 2 * (middle - start), 2 * (top - middle)]
    assert np.abs(found.tests["statistic"] - expected).max() < 1e-8


def test_one_slope_and_the_tests_in_the_large_do_not_depend_on_the_base():
    res, new = split_survey()
    found, moved = (fit.calibration(newdata=new) for fit in (res, res.rebase("red")))
    assert found.base == "blue"
    assert moved.base == "red"
    slope = ("one slope", "slope", "")
    gaps = found.recalibration.loc[slope] - moved.recalibration.loc[slope]
    assert gaps.abs().max() < 1e-9
    shift = "intercepts zero given slopes one"
    left, right = found.tests.loc[shift, "statistic"], moved.tests.loc[shift, "statistic"]
    assert abs(left - right) < 1e-9
    constant = ("slopes of one", "intercept")
    pair = found.recalibration.loc[(*constant, "red"), "estimate"]
    assert abs(pair + moved.recalibration.loc[(*constant, "blue"), "estimate"]) < 1e-9


def test_tests_of_own_rows_and_of_sampling_weights_say_why_they_do_not_apply(res):
    found = res.calibration()
    assert found.tests["p_value"].isna().all()
    assert found.tests["reason"].str.contains("made from these rows").all()
    assert any("do not apply" in note for note in found.notes)
    fit, new = split_survey()
    weighted = fit.calibration(newdata=new, weights="weight", weight_type="sampling")
    assert weighted.tests[["statistic", "p_value"]].isna().all(axis=None)
    assert weighted.tests["reason"].str.contains("pseudo-likelihood").all()


def test_sampling_weights_give_the_sandwich_of_a_logit_on_the_linear_predictor():
    """With two categories recalibration is a logit, whose robust covariance is known."""
    frame = survey().assign(left=(survey()["party"] == "red").astype(int))
    res = ml.mnlogit("left ~ age + educ", frame.iloc[::2]).fit()
    new = frame.iloc[1::2]
    how = {"weights": "weight", "weight_type": "sampling"}
    found = res.calibration(newdata=new, **how).recalibration.loc["own slopes"]
    beside = new.assign(u=res.predict(new, which="linear")[1])
    again = ml.mnlogit("left ~ u", beside, **how).fit()
    assert np.abs(found["estimate"].to_numpy() - again.params[1].to_numpy()).max() < 1e-8
    assert np.abs(found["std_err"].to_numpy() - again.bse[1].to_numpy()).max() < 1e-8


def test_a_linear_predictor_that_does_not_vary_has_no_slope():
    res = ml.mnlogit("party ~ 1", survey()).fit()
    found = res.calibration()
    assert found.recalibration.loc["slopes of one", "estimate"].abs().max() < 1e-8
    assert found.recalibration.loc[["own slopes", "one slope"], "estimate"].isna().all()
    assert any("does not vary" in note for note in found.notes)


def test_new_rows_that_are_separated_or_lack_a_category_have_no_recalibration():
    res, new = split_survey()
    few = res.calibration(newdata=new[new["party"] != "red"])
    assert few.recalibration["estimate"].isna().all()
    assert few.tests["reason"].str.contains("no people of red").all()
    best = res.predict(new, which="category").astype(str)
    told = res.calibration(newdata=new.assign(party=best))
    assert told.recalibration.loc["own slopes", "estimate"].isna().all()
    assert any("separate" in note for note in told.notes)


def test_separated_fits_have_bins_and_no_recalibration():
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x", {"x": [0.0, 1, 2, 3, 4, 5], "y": list("aaabbb")}).fit()
    found = res.calibration()
    assert found.bins["observed"].isin([0, 1]).all()
    assert found.errors["estimate"].max() < 1e-12
    assert found.recalibration["estimate"].isna().all()
    assert any("separated" in note for note in found.notes)


def measure_error_by_hand(y, own, bins):
    """Return error, that expected by chance, and signed gaps of rows with own = 1 or 0."""
    inner = np.quantile(y, np.arange(1, bins) / bins, method="inverted_cdf")
    cells = np.digitize(y, inner, right=True)
    error, chance, signed = 0.0, 0.0, np.zeros(len(y))
    for cell in np.unique(cells):
        rows = cells == cell
        gap = y[rows].mean() - own[rows].mean()
        error += rows.mean() * abs(gap)
        variance = (y[rows] * (1 - y[rows])).sum() / rows.sum() ** 2
        chance += rows.mean() * np.sqrt(2 * variance / np.pi)
        signed[rows] = np.sign(gap) * (y[rows] - own[rows])
    return error, chance, signed


def test_calibration_errors_by_hand():
    res, new = split_survey()
    found, y = res.calibration(bins=4, newdata=new).errors, res.predict(new).to_numpy()
    d = new["party"].to_numpy()[:, None] == np.array(res.categories)
    each = [measure_error_by_hand(y[:, k], d[:, k], 4) for k in range(3)]
    best = y.argmax(axis=1)
    expected = {("category", name): one for name, one in zip(res.categories, each, strict=True)}
    expected["mean of categories", ""] = tuple(sum(parts) / 3 for parts in zip(*each, strict=True))
    own = d[np.arange(len(y)), best]
    expected["most probable category", ""] = measure_error_by_hand(y.max(axis=1), own, 4)
    assert set(found.index) == set(expected)
    for key, (error, chance, signed) in expected.items():
        line, width = found.loc[key], signed.std(ddof=1) / np.sqrt(len(y))
        assert abs(line["estimate"] - error) < 1e-14
        assert abs(line["by_chance"] - chance) < 1e-14
        assert abs(line["std_err"] - width) < 1e-14
        assert abs(line["lower"] - max(error - 1.959963984540054 * width, 0.0)) < 1e-14
        assert abs(line["upper"] - error - 1.959963984540054 * width) < 1e-14


def test_errors_by_chance_are_those_of_simulated_people(rng):
    """Outcomes drawn from the probabilities themselves, many times."""
    res, new = split_survey()
    y = res.predict(new).to_numpy()
    inner = np.quantile(y[:, 1], np.arange(1, 5) / 5, method="inverted_cdf")
    cells = np.digitize(y[:, 1], inner, right=True)
    drawn = rng.random((4000, len(y))) < y[:, 1]
    gaps = np.array([(drawn[:, cells == c] - y[cells == c, 1]).sum(axis=1) for c in range(5)])
    simulated = np.abs(gaps).sum(axis=0) / len(y)
    found = res.calibration(bins=5, newdata=new).errors.loc[("category", "green"), "by_chance"]
    assert abs(found - simulated.mean()) < 0.02 * found


def test_words_are_checked(res):
    with pytest.raises(OptionError, match="quantile, uniform"):
        res.calibration(strategy="kmeans")
    with pytest.raises(OptionError, match="bins"):
        res.calibration(bins=0)
    with pytest.raises(OptionError, match="goes with newdata"):
        res.calibration(outcome=survey()["party"])


def test_it_prints_as_tables(res):
    found = res.calibration()
    for word in ("observed", "own slopes", "by_chance", "intercepts zero", "made from these rows"):
        assert word in repr(found)
    assert found._repr_html_().count("<table") == 6


DEPARTURES = {
    "constant": ("party ~ age + educ - 1", {}, {}),
    "bias": ("party ~ age + educ", {}, {"bias_reduction": "mean"}),
    "constraints": ("party ~ age + educ", {}, {"constraints": ["green: age = 0.5"]}),
    "offset": ("party ~ age", {"offset": np.linspace(-1, 1, 160)[:, None] * [0, 1, 2]}, {}),
}


@pytest.mark.parametrize("name", DEPARTURES)
def test_own_rows_are_not_said_to_have_slopes_of_one_where_they_have_not(name):
    """Without constant, with bias reduction, equations or an offset the theorem does not hold."""
    formula, given, how = DEPARTURES[name]
    found = ml.mnlogit(formula, survey(), **given).fit(**how).calibration()
    recalibration = found.recalibration
    assert (recalibration["estimate"] - recalibration["ideal"]).abs().max() > 1e-3
    assert found.tests["statistic"].max() > 1e-4
    assert found.tests["p_value"].isna().all()
    assert found.tests["reason"].str.contains("made from these rows").all()
    assert not found.tests["reason"].str.contains("zero").any()
    assert not any("by the score equations" in note for note in found.notes)
    assert any("do not hold" in note and name in note for note in found.notes)


@pytest.mark.parametrize("equation", ["green: age = 0", "green: age = red: age"])
def test_equations_that_scaling_keeps_leave_the_theorem_or_do_not(equation):
    """Coefficients of zero stay so however they are scaled; equal ones only if all are."""
    found = ml.mnlogit("party ~ age + educ", survey()).fit(constraints=[equation]).calibration()
    gap = (found.recalibration["estimate"] - found.recalibration["ideal"]).abs().max()
    holds = any("by the score equations" in note for note in found.notes)
    assert holds == (gap < 1e-6) == ("red" not in equation)


def test_own_rows_with_a_constant_in_other_columns_have_slopes_of_one():
    res = ml.mnlogit("party ~ C(region) + age - 1", survey()).fit()
    found = res.calibration()
    assert (found.recalibration["estimate"] - found.recalibration["ideal"]).abs().max() < 1e-6
    assert found.tests["statistic"].max() < 1e-8
    assert found.tests["reason"].str.contains("zero").all()
    assert any("by the score equations" in note for note in found.notes)

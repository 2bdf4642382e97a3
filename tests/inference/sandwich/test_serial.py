"""HAC against statsmodels, and against sums over pairs of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mlelogit.exceptions import CovarianceError, LabelError
from mlelogit.inference.sandwich.serial import number_periods, read_lags
from tests.inference.samples import beside, fitted, plain_rows, survey
from tests.theorems.strategies import matrix_gap


def sum_pairs(res, times, groups, lags):
    """Sum over all pairs of rows, each weighed by its distance in time."""
    scores, informations = plain_rows(res)
    bread = np.linalg.inv(informations.sum(axis=0))
    distance = np.abs(np.subtract.outer(times, times))
    weights = np.maximum(1 - distance / (lags + 1), 0) * np.equal.outer(groups, groups)
    return bread @ scores.T @ weights @ scores @ bread


@pytest.mark.parametrize("lags", [0, 1, 3, 12, 400])
@pytest.mark.parametrize("groups", [None, "panel", "each"])
def test_pairs_of_rows_are_weighed_by_their_distance(lags, groups):
    res = fitted()
    times = np.array([1980, 1981, 1982, 1985, 1986, 1990, 1991, 1999])[beside()["year"] % 8]
    members = np.zeros(160) if groups is None else beside()[groups]
    labels = None if groups is None else members
    found = res.with_cov("HAC", time=times, groups=labels, maxlags=lags)
    assert matrix_gap(found.cov_params(), sum_pairs(res, times, members, lags)) < 1e-10


@pytest.fixture(scope="module")
def peers():
    """Return our fit of rows in the order of time, and a function that fits statsmodels' model."""
    frame = survey()
    exog = sm.add_constant(frame[["age", "educ"]])
    model = sm.MNLogit(pd.Categorical(frame["party"]).codes, exog)

    def fit(cov_type, **options):
        found = model.fit(disp=0, tol=1e-14, maxiter=100, cov_type=cov_type, cov_kwds=options)
        return np.asarray(found.cov_params())

    return fitted("party ~ age + educ"), fit


@pytest.mark.parametrize(("corrected", "ours"), [(True, "HC1"), (False, "none")])
def test_one_row_per_period_is_statsmodels_hac(peers, corrected, ours):
    res, fit = peers
    theirs = fit("HAC", maxlags=4, use_correction=corrected)
    found = res.with_cov("HAC", time=range(160), maxlags=4, correction=ours)
    assert matrix_gap(found.cov_params(), theirs) < 1e-8
    default = fit("HAC", maxlags=None, use_correction=False)
    assert matrix_gap(res.with_cov("HAC", time=range(160)).cov_params(), default) < 1e-8


@pytest.mark.parametrize(("corrected", "ours"), [("hac", "HC1"), ("cluster", "CR1")])
def test_panels_are_statsmodels_hac_panel(peers, corrected, ours):
    res, fit = peers
    groups = np.repeat(np.arange(8), 20)
    theirs = fit("hac-panel", groups=groups, maxlags=3, use_correction=corrected)
    time = np.tile(np.arange(20), 8)
    found = res.with_cov("HAC", time=time, groups=groups, maxlags=3, correction=ours)
    assert matrix_gap(found.cov_params(), theirs) < 1e-8


@pytest.mark.parametrize(
    ("corrected", "ours"), [(False, "none"), ("hac", "HC1"), ("cluster", "CR1")]
)
def test_sums_by_period_are_statsmodels_hac_groupsum(peers, corrected, ours):
    res, fit = peers
    time = np.tile(np.arange(20), 8)
    theirs = fit("hac-groupsum", time=time, maxlags=3, use_correction=corrected)
    found = res.with_cov("HAC", time=time, maxlags=3, correction=ours)
    assert matrix_gap(found.cov_params(), theirs) < 1e-8


def test_whole_numbers_are_periods_and_other_labels_are_ranked():
    days = pd.date_range("2020-01-01", periods=3, freq="7D")
    assert number_periods(pd.Index([3, 7])).tolist() == [3, 7]
    assert number_periods(pd.Index([3.0, 7.0])).tolist() == [3, 7]
    assert number_periods(pd.Index([0.5, 7.0])).tolist() == [0, 1]
    assert number_periods(days).tolist() == [0, 1, 2]
    assert number_periods(days.to_period("D")).tolist() == [18262, 18269, 18276]
    assert number_periods(pd.CategoricalIndex(["b", "a"], ["b", "a"])).tolist() == [0, 1]


def test_default_lag():
    assert [read_lags(None, t) for t in (20, 100, 500)] == [2, 4, 5]


def test_what_is_no_time():
    res = fitted()
    with pytest.raises(CovarianceError, match="one period"):
        res.with_cov("HAC", time=np.zeros(160))
    mixed = np.array([("a", 1)[i % 2] for i in range(160)], dtype=object)
    with pytest.raises(LabelError, match="compared"):
        res.with_cov("HAC", time=mixed)
    with pytest.raises(CovarianceError, match="one group"):
        res.with_cov("HAC", time=range(160), groups=np.zeros(160), correction="CR1")


def test_zero_lags_of_panels_are_clusters_of_group_and_period():
    res, labels = fitted(), beside()
    found = res.with_cov("HAC", time=labels["year"] // 4, groups=labels["panel"], maxlags=0)
    cells = labels["year"] // 4 * 1000 + labels["panel"]
    other = res.with_cov("cluster", groups=cells, correction="CR0")
    assert matrix_gap(found.cov_params(), other.cov_params()) < 1e-12

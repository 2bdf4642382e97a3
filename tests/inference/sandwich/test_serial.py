"""HAC against statsmodels, and against sums over pairs of rows."""

from __future__ import annotations

import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mlelogit.data.labels import read_labels
from mlelogit.exceptions import CovarianceError, FewClustersWarning, LabelError, OptionError
from mlelogit.inference.sandwich.serial import arrange_series, number_periods, read_lags
from tests.inference.samples import beside, fitted, plain_rows, survey
from tests.theorems.strategies import matrix_gap

pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")


def sum_pairs(res, times, groups, lags):
    """Sum over all pairs of rows, each weighed by its distance in time."""
    scores, informations = plain_rows(res)
    bread = np.linalg.inv(informations.sum(axis=0))
    distance = np.abs(np.subtract.outer(times, times))
    weights = np.maximum(1 - distance / (lags + 1), 0) * np.equal.outer(groups, groups)
    return bread @ scores.T @ weights @ scores @ bread


@pytest.mark.parametrize("lags", [0, 1, 3, 12, 19])
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


YEARS = np.array([1980, 1981, 1982, 1985, 1986, 1990, 1991, 1999])


@pytest.mark.parametrize(
    ("make", "counted"),
    [
        (lambda years: years, True),
        (lambda years: years.astype(float), True),
        (lambda years: pd.array(years, dtype="Int32"), True),
        (lambda years: pd.Series(years.tolist(), dtype=object), True),
        (lambda years: [Decimal(int(year)) for year in years], False),
        (lambda years: pd.PeriodIndex([str(y) for y in years], freq="Y"), True),
        (lambda years: years + 0.5, False),
        (lambda years: pd.to_datetime([f"{year}-01-01" for year in years]), False),
        (lambda years: [datetime.date(int(year), 1, 1) for year in years], False),
        (
            lambda years: pd.Categorical(
                [f"y{y}" for y in years], sorted({f"y{y}" for y in years}), ordered=True
            ),
            False,
        ),
    ],
)
def test_gaps_count_or_not_and_describe_says_so(make, counted):
    res, years = fitted(), YEARS[beside()["year"] % 8]
    given = make(years)
    given = given if isinstance(given, list) else pd.Series(given).array
    found = res.with_cov("HAC", time=given, maxlags=2)
    times = years if counted else np.searchsorted(YEARS, years)
    assert matrix_gap(found.cov_params(), sum_pairs(res, times, np.zeros(160), 2)) < 1e-10
    said = "whole numbers (gaps count)" if counted else "by rank (gaps do not count)"
    assert said in found.covariance.describe()


def test_few_periods_or_groups_are_told():
    res, labels = fitted(), beside()
    with pytest.warns(FewClustersWarning, match="20 by 'time'"):
        res.with_cov("HAC", time=labels["year"])
    with pytest.warns(FewClustersWarning, match="few groups: 8 by 'groups'"):
        res.with_cov("HAC", time=range(160), groups=labels["panel"])
    for options in ({}, {"groups": labels["many"]}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            res.with_cov("HAC", time=range(160), **options)


def test_default_lag():
    design = fitted().record.need_blocks().design
    for periods, lag in ((20, 2), (100, 4), (2, 1)):
        time = read_labels(design, np.arange(160) % periods, "time")
        assert read_lags(None, arrange_series(time, None)) == lag


def test_lags_beyond_the_series_are_refused():
    """With all weights one the meat is the outer product of the total score, which is zero."""
    res = fitted()
    with pytest.raises(OptionError, match="at most 159 apart"):
        res.with_cov("HAC", time=range(160), maxlags=160)
    gaps = np.arange(160) * 10
    assert res.with_cov("HAC", time=gaps, maxlags=1590).bse.notna().all().all()


def test_what_is_no_time():
    res = fitted()
    with pytest.raises(CovarianceError, match="one period"):
        res.with_cov("HAC", time=np.zeros(160))
    mixed = np.array([((1, 2), 1)[i % 2] for i in range(160)] + [None], dtype=object)[:160]
    with pytest.raises(LabelError, match="compared"):
        res.with_cov("HAC", time=mixed)
    # The order of these words is not that of the quarters of two years.
    words = np.array(["1. quarter 2021", "2. quarter 2020"])[np.arange(160) % 2]
    for text in (words, words.astype(object), pd.array(words, dtype="string"), words.tolist()):
        with pytest.raises(LabelError, match=r"holds text, such as '1\. quarter 2021'.*dates or"):
            res.with_cov("HAC", time=text)
    with pytest.raises(LabelError, match="text"):
        res.with_cov("HAC", time="region")
    with pytest.raises(LabelError, match="categories without an order"):
        res.with_cov("HAC", time=pd.Categorical(words))
    with pytest.raises(CovarianceError, match="one group"):
        res.with_cov("HAC", time=range(160), groups=np.zeros(160), correction="CR1")


def test_zero_lags_of_panels_are_clusters_of_group_and_period():
    res, labels = fitted(), beside()
    found = res.with_cov("HAC", time=labels["year"] // 4, groups=labels["panel"], maxlags=0)
    cells = labels["year"] // 4 * 1000 + labels["panel"]
    other = res.with_cov("cluster", groups=cells, correction="CR0")
    assert matrix_gap(found.cov_params(), other.cov_params()) < 1e-12

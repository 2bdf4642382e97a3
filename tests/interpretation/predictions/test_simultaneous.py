"""Multipliers of families: against their distributions, each other, and what they should cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq

import mlelogit as ml
from mlelogit.exceptions import OptionError
from mlelogit.fitting.linalg import find_balanced_root, settle_signs
from mlelogit.interpretation.predictions import bands
from mlelogit.interpretation.predictions.simultaneous import (
    draw_directions,
    find_scheffe,
    share_alpha,
    solve_rows,
)
from mlelogit.interpretation.variances import find_law
from tests.inference.samples import fitted, survey

LAWS = [np.inf, 6.0]


def law(df):
    return stats.norm if np.isinf(df) else stats.t(df)


@pytest.mark.parametrize("df", LAWS)
def test_shared_levels_are_quantiles(df):
    for alpha in (0.2, 0.05, 1e-9):
        bonferroni = share_alpha(alpha, [1, 2, 7], df, "bonferroni")
        truth = [law(df).isf(alpha / 2 / m) for m in (1, 2, 7)]
        assert np.abs(bonferroni / truth - 1).max() < 1e-9
        sidak = share_alpha(alpha, [1, 2, 7], df, "sidak")
        inside = [(1 - 2 * law(df).sf(c)) ** m for c, m in zip(sidak, (1, 2, 7), strict=True)]
        assert np.abs(np.array(inside) - (1 - alpha)).max() < 1e-12
        assert (sidak[1:] < bonferroni[1:]).all()


@pytest.mark.parametrize("df", LAWS)
def test_scheffe_covers_all_combinations(df):
    for d in (1, 2, 5):
        squared = find_scheffe(0.05, d, df) ** 2
        truth = stats.chi2(d).isf(0.05) if np.isinf(df) else d * stats.f(d, df).isf(0.05)
        assert abs(squared / truth - 1) < 1e-10


@pytest.mark.parametrize("df", LAWS)
@pytest.mark.parametrize("copies", [1, 3])
def test_one_interval_keeps_its_own_quantile(df, copies):
    factor = np.tile([[0.6, 0.8, 0.0]], (copies, 1)) * np.array([1, -1, 1])[:copies, np.newaxis]
    assert abs(solve_rows(factor, copies, df, 0.05, 0) - law(df).isf(0.025)) < 1e-6


@pytest.mark.parametrize("df", LAWS)
@pytest.mark.parametrize("count", [2, 3, 6])
def test_independent_intervals(df, count):
    """Their joint probability is an integral over the common scale."""
    found = solve_rows(np.eye(count), count, df, 0.05, 0)
    if np.isinf(df):
        truth = share_alpha(0.05, [count], df, "sidak")[0]
    else:
        density = stats.chi(df).pdf

        def miss(c):
            def inside(s):
                return (2 * stats.norm.cdf(c * s / np.sqrt(df)) - 1) ** count * density(s)

            return quad(inside, 0, 20)[0] - 0.95

        truth = brentq(miss, 1, 9)
    assert abs(found / truth - 1) < (1e-5 if count == 2 else 1e-3)


@pytest.mark.parametrize("rho", [-0.3, 0.5, 0.99])
def test_correlated_intervals_cover_as_the_normal_distribution_says(rho):
    correlations = np.full((4, 4), rho) + (1 - rho) * np.eye(4)
    found = solve_rows(np.linalg.cholesky(correlations), 4, np.inf, 0.05, 0)
    ends = np.full(4, found)
    normal = stats.multivariate_normal(np.zeros(4), correlations, seed=1)
    assert abs(normal.cdf(ends, lower_limit=-ends) - 0.95) < 1e-3


def test_the_order_of_the_methods(rng):
    factor = rng.normal(size=(12, 4))
    factor /= np.linalg.norm(factor, axis=1)[:, np.newaxis]
    for df in LAWS:
        found = solve_rows(factor, 12, df, 0.05, 0)
        shared = [share_alpha(0.05, [m], df, "sidak")[0] for m in (1, 12)]
        assert shared[0] < found < shared[1]
        assert found < find_scheffe(0.05, 4, df)
    dense = draw_directions(3, 1 << 13, 5)
    many = solve_rows(dense, len(dense), np.inf, 0.05, 0)
    scheffe = find_scheffe(0.05, 3, np.inf)
    assert scheffe * 0.995 < many <= scheffe * (1 + 1e-6)


def test_a_turned_factor_has_the_same_multiplier(rng):
    """It depends on correlations alone, not on how a factor of them was found."""
    factor = rng.normal(size=(9, 5))
    factor /= np.linalg.norm(factor, axis=1)[:, np.newaxis]
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    first, other = (solve_rows(f, 9, np.inf, 0.05, 0) for f in (factor, factor @ turn))
    assert abs(first - other) < 1e-9
    assert abs(first - solve_rows(factor, 9, np.inf, 0.05, 1)) < 5e-3
    assert np.array_equal(settle_signs(factor), settle_signs(factor * [1, -1, -1, 1, -1]))


@pytest.mark.parametrize("which", ["prob", "linear"])
@pytest.mark.parametrize("family", ["row", "all"])
@pytest.mark.parametrize("grouped", [False, True])
def test_bands_cover_together(which, family, grouped):
    """Coefficients drawn from their distribution, log-odds from numerical gradients."""
    res = fitted("party ~ age + educ + region")
    new = survey().iloc[[3, 60, 90, 121]]
    ask = {"by": [0, 0, 1, 1]} if grouped else {}
    prediction = res.get_prediction(new, **ask)
    table = prediction.summary_frame(0.1, which, simultaneous="sup-t", family=family)
    others = [0, 1, 2] if which == "prob" else [1, 2]

    def measure(params):
        scores = np.column_stack([np.zeros(4), x @ params.reshape(2, -1).T])
        y = np.exp(scores) / np.exp(scores).sum(axis=1)[:, np.newaxis]
        y = y.reshape(2, 2, 3).mean(axis=1) if grouped else y
        against = 1 - y if which == "prob" else y[:, [0]]
        return np.log(y / against)[:, others].ravel()

    regions = new["region"]
    x = np.column_stack(
        [np.ones(4), new["age"], new["educ"], regions == "south", regions == "west"]
    )
    order = {"Intercept": 0, "age": 1, "educ": 2, "region[T.south]": 3, "region[T.west]": 4}
    x = x[:, [order[name] for name in res.params.index]]
    params, covariance = res.params.to_numpy().T.ravel(), res.cov_params().to_numpy()
    steps = np.diag(1e-4 * np.sqrt(np.diag(covariance)))
    gradient = np.array(
        [(measure(params + s) - measure(params - s)) / (2 * s.max()) for s in steps]
    )
    errors = np.sqrt(np.einsum("pq,pr,rq->q", gradient, covariance, gradient))
    value = table.iloc[:, 0].to_numpy()
    upper = table["upper"].to_numpy()
    if which == "prob":
        value, upper = (np.log(p / (1 - p)) for p in (value, upper))
    multipliers = ((upper - value) / errors).reshape(-1, len(others))
    draws = np.random.default_rng(4).multivariate_normal(np.zeros(len(params)), covariance, 20000)
    t = np.abs(draws @ gradient / errors).reshape(20000, -1, len(others))
    held = (t <= multipliers).all(axis=2)
    shares = held.all(axis=1).mean() if family == "all" else held.mean(axis=0)
    assert np.abs(shares - 0.9).max() < 4 * np.sqrt(0.09 / 20000)


def test_bands_of_many_rows_agree_with_those_written_out(monkeypatch):
    res = fitted("party ~ age + educ + region")
    for ask in ({}, {"which": "linear", "against": "red"}):
        options = {"simultaneous": "sup-t", "family": "all", **ask}
        written = res.get_prediction().summary_frame(**options)
        with monkeypatch.context() as patch:
            patch.setattr(bands, "WRITTEN_ELEMENTS", 0)
            streamed = res.get_prediction().summary_frame(**options)
        widths = [(one["upper"] - one["lower"]).to_numpy() for one in (written, streamed)]
        assert np.abs(widths[0] / widths[1] - 1).max() < 3e-3


def test_bands_of_many_rows_do_not_depend_on_the_base(monkeypatch):
    res = fitted("party ~ age + educ + region")
    monkeypatch.setattr(bands, "WRITTEN_ELEMENTS", 0)
    options = {"simultaneous": "sup-t", "family": "all"}
    first = res.get_prediction().summary_frame(**options)
    for base in ("green", "red"):
        other = res.rebase(base).get_prediction().summary_frame(**options)
        assert np.abs(first - other).max(axis=None) < 1e-8


def test_a_balanced_root_is_one_of_the_covariance():
    res = fitted("party ~ age + educ + region", base="green")
    law = find_law(res.record, res.covariance)
    root = find_balanced_root(law.inner, law.base, 3, 10)
    assert np.abs(root @ root.T - law.inner).max() < 1e-12 * np.abs(law.inner).max()


def test_two_categories_have_one_interval_each():
    res = ml.mnlogit("red ~ age + educ", two_parties()).fit()
    plain = res.get_prediction().summary_frame()
    for method in ("bonferroni", "sidak", "sup-t", "scheffe"):
        wide = res.get_prediction().summary_frame(simultaneous=method)
        assert np.abs(wide - plain).max(axis=None) < 1e-7
    one = res.get_prediction(two_parties().head(1))
    wide = one.summary_frame(simultaneous="sup-t", family="all")
    assert np.abs(wide - one.summary_frame()).max(axis=None) < 1e-7


def two_parties():
    return survey().assign(red=survey()["party"] == "red")


def test_the_degrees_of_freedom_enter():
    res = fitted("party ~ age + educ").with_cov("survey", psu=np.arange(160) // 16)
    assert res.covariance.df == 9
    new, widths = survey().head(3), {}
    for method in (None, "bonferroni", "sidak", "sup-t", "scheffe"):
        table = res.get_prediction(new).summary_frame(which="linear", simultaneous=method)
        widths[method] = ((table["upper"] - table["log_odds"]) / table["std_err"]).iloc[0]
    assert abs(widths[None] - stats.t(9).isf(0.025)) < 1e-10
    assert abs(widths["bonferroni"] - stats.t(9).isf(0.0125)) < 1e-10
    assert abs(widths["scheffe"] - np.sqrt(2 * stats.f(2, 9).isf(0.05))) < 1e-10
    assert widths[None] < widths["sup-t"] < widths["sidak"] < widths["bonferroni"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"simultaneous": "tukey"}, "bonferroni, sidak, sup-t, scheffe"),
        ({"simultaneous": "sup-t", "family": "column"}, "row, all"),
        ({"family": "all"}, "family= goes with simultaneous="),
        ({"simultaneous": "sup-t", "seed": -1}, "seed"),
        ({"which": "mean"}, "prob, linear"),
        ({"alpha": 1.5}, "alpha"),
        ({"against": "red"}, "which='linear'"),
    ],
)
def test_wrong_options_are_named(options, said):
    with pytest.raises(OptionError, match=said):
        fitted().get_prediction().summary_frame(**options)

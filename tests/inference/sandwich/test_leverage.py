"""HC2, HC3, CR2 and CR3 against plain loops, deletions and refits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import LeverageWarning
from mlelogit.fitting.linalg import find_root
from mlelogit.inference.covariance import estimate_covariance
from mlelogit.inference.sandwich import leverage
from mlelogit.inference.sandwich.leverage import find_shift
from tests.inference.samples import beside, fitted, plain_clusters, plain_rows, survey
from tests.theorems.strategies import matrix_gap

FEW = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")
SAMPLING = {"weights": "weight", "weight_type": "sampling"}
POWERS = {"HC2": 0.5, "HC3": 1.0, "CR2": 0.5, "CR3": 1.0}


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
@pytest.mark.parametrize("weights", [{}, SAMPLING], ids=["plain", "sampling"])
def test_rows_are_adjusted_as_by_plain_loops(kind, weights):
    res = fitted(**weights)
    expected = plain_clusters(*plain_rows(res), np.arange(160), POWERS[kind])
    assert matrix_gap(res.with_cov(kind).cov_params(), expected) < 1e-11


@pytest.mark.parametrize(("kind", "power"), [("HC2", "1/2"), ("HC3", "1")])
def test_the_words_name_the_power(kind, power):
    said = fitted().with_cov(kind).covariance.correction
    assert said == f"scores adjusted for leverage, (1 - H)^(-{power})"


@FEW
@pytest.mark.parametrize("correction", ["CR2", "CR3"])
@pytest.mark.parametrize("groups", ["many", "some", "few", "each"])
@pytest.mark.parametrize("weights", [{}, SAMPLING], ids=["plain", "sampling"])
def test_clusters_are_adjusted_as_by_plain_loops(correction, groups, weights):
    """Clusters with fewer residuals than parameters, with more, and of either kind."""
    res, labels = fitted(**weights), beside()[groups]
    expected = plain_clusters(*plain_rows(res), labels, POWERS[correction])
    found = res.with_cov("cluster", groups=labels, correction=correction)
    assert matrix_gap(found.cov_params(), expected) < 1e-11


@pytest.mark.parametrize(("kind", "correction"), [("HC2", "CR2"), ("HC3", "CR3")])
@pytest.mark.parametrize("weights", [{}, SAMPLING], ids=["plain", "sampling"])
def test_clusters_of_one_row_are_rows(kind, correction, weights):
    res = fitted(**weights)
    one = res.with_cov(kind).cov_params()
    two = res.with_cov("cluster", groups=beside()["each"], correction=correction).cov_params()
    assert matrix_gap(one, two) < 1e-12


def drop(frame, rows):
    return ml.mnlogit("party ~ age + educ", frame.drop(index=rows))


@FEW
@pytest.mark.parametrize("groups", ["each", "some"])
def test_hc3_and_cr3_are_the_newton_steps_of_deletion(groups):
    """From the estimates, one Newton step on the data without the row or the cluster."""
    frame, labels = survey().iloc[:60], beside()[groups][:60]
    res = ml.mnlogit("party ~ age + educ", frame).fit()
    steps = []
    for group in np.unique(labels):
        model = drop(frame, frame.index[labels == group])
        information = model.information(res.params).to_numpy()
        score = model.score(res.params).to_numpy().T.ravel()
        steps.append(np.linalg.solve(information, score))
    jackknife = sum(np.outer(step, step) for step in steps)
    found = res.with_cov("cluster", groups=labels, correction="CR3")
    assert matrix_gap(found.cov_params(), jackknife) < 1e-9
    if groups == "each":
        assert matrix_gap(res.with_cov("HC3").cov_params(), jackknife) < 1e-9


def test_hc3_is_near_the_jackknife_of_refits():
    res = ml.mnlogit("party ~ age + educ", survey()).fit()
    refits = res.refit(1 - np.eye(160)).to_numpy()
    off = refits - res.params.to_numpy().T.ravel()
    jackknife = off.T @ off
    gap = matrix_gap(res.with_cov("HC3").cov_params(), jackknife)
    assert gap < 0.05
    assert gap < matrix_gap(res.with_cov("HC0").cov_params(), jackknife) / 2
    assert gap < matrix_gap(res.with_cov("HC2").cov_params(), jackknife)


def test_adjusted_variances_are_in_order():
    """A leverage adjustment never lessens a variance: HC0 < HC2 < HC3."""
    variances = [np.diag(fitted().with_cov(kind).cov_params()) for kind in ("HC0", "HC2", "HC3")]
    assert (variances[0] < variances[1]).all()
    assert (variances[1] < variances[2]).all()


def spread_counts(frame):
    """Lay 160 people out as a table of counts: one row for every region and level of education."""
    cells = pd.crosstab([frame["region"], frame["educ"]], frame["party"])
    return cells.reset_index()


@FEW
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("HC2", {}),
        ("HC3", {}),
        *(("cluster", {"correction": c}) for c in ("CR0", "CR1", "CR2", "CR3", "stata")),
        ("HAC", {"time": "educ", "maxlags": 2}),
        ("HAC", {"time": "educ", "groups": "region", "maxlags": 3, "correction": "HC1"}),
        ("survey", {"strata": "region"}),
        ("survey", {"strata": "region", "psu": "educ"}),
    ],
)
def test_counts_and_frequency_weights_are_people(kind, options):
    if kind == "cluster":
        options = {"groups": "educ", **options}
    people = survey()
    alone = ml.mnlogit("party ~ educ + region", people).fit().with_cov(kind, **options)
    table = spread_counts(people)
    counted = ml.mnlogit("counts(blue, green, red) ~ educ + region", table).fit()
    rows = people.groupby(["region", "educ", "party"]).size().rename("n").reset_index()
    model = ml.mnlogit("party ~ educ + region", rows, weights="n", weight_type="frequency")
    for res in (counted, model.fit()):
        found = res.with_cov(kind, **options)
        assert matrix_gap(found.cov_params(), alone.cov_params()) < 1e-9
        assert found.covariance.df == alone.covariance.df
        assert found.covariance.groups == alone.covariance.groups


@FEW
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("HC2", {}),
        ("HC3", {}),
        ("cluster", {"groups": "many", "correction": "CR2"}),
        ("cluster", {"groups": "some", "correction": "CR3"}),
        ("cluster", {"groups": ["many", "few"]}),
        ("HAC", {"time": "year", "groups": "panel"}),
        ("HAC", {"time": "year"}),
        ("survey", {"strata": "area", "psu": "many"}),
    ],
)
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NegativeVarianceWarning")
def test_neither_base_nor_order_nor_units_matter(kind, options):
    frame = survey().assign(**beside())
    res = ml.mnlogit("party ~ age + educ", frame).fit(cov_type=kind, cov_kwds=options)
    turned = frame.iloc[::-1].assign(age=frame["age"] * 1000)
    other = ml.mnlogit("party ~ age + educ", turned, base="red").fit()
    back = other.with_cov(kind, **options).rebase("blue")
    units = np.tile([1, 1000, 1], 2)
    scaled = back.cov_params().to_numpy() * np.outer(units, units)
    assert matrix_gap(scaled, res.cov_params()) < 1e-9
    assert back.covariance.groups == res.covariance.groups


@FEW
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.ZeroVarianceWarning")
def test_a_leverage_of_one_is_told_and_its_pseudo_inverse_taken():
    """One soft row alone tells the effect of a dummy: without it the rest is as it was."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=40)
    shares = rng.dirichlet([2, 2, 2], size=40)
    lone = (np.arange(40) == 7) * 1.0
    exog = pd.DataFrame({"const": 1.0, "x": x, "lone": lone})
    res = ml.MNLogit(shares, exog, outcome="probabilities").fit()
    without = ml.MNLogit(np.delete(shares, 7, axis=0), exog.drop(index=7)[["const", "x"]]).fit()
    for kind, options in (
        ("HC2", {}),
        ("HC3", {}),
        ("cluster", {"groups": np.arange(40), "correction": "CR2"}),
        ("cluster", {"groups": np.arange(40) % 7 * 1000 + np.arange(40), "correction": "CR3"}),
    ):
        with pytest.warns(LeverageWarning, match=r"^1 (rows|clusters) have a leverage of one"):
            found = res.with_cov(kind, **options)
        few = {} if kind != "cluster" else {"groups": np.arange(39), **options}
        if kind == "cluster":
            few["groups"] = np.arange(39)
        truth = without.with_cov(kind, **few).bse
        np.testing.assert_allclose(found.bse.loc[["const", "x"]], truth, rtol=1e-7)
        assert np.isfinite(found.bse.to_numpy()).all()


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.ZeroVarianceWarning")
def test_a_large_cluster_with_a_dummy_of_its_own():
    rng = np.random.default_rng(5)
    n = 300
    own = (np.arange(n) < 40) * 1.0
    exog = np.column_stack([np.ones(n), rng.normal(size=n), own])
    codes = rng.integers(0, 3, n)
    groups = np.where(own == 1, 0, 1 + np.arange(n) // 5)
    res = ml.MNLogit(codes, exog).fit()
    with pytest.warns(LeverageWarning, match="1 clusters"):
        found = res.with_cov("cluster", groups=groups, correction="CR3")
    assert (found.bse.iloc[:2].to_numpy() > 0).all()


@FEW
@pytest.mark.parametrize("groups", ["many", "some", "few"])
def test_clusters_too_large_for_a_batch(groups, monkeypatch):
    res, labels = fitted(), beside()[groups]
    one = res.with_cov("cluster", groups=labels, correction="CR2").cov_params()
    for largest in (1, 10 * 2 * 13):
        monkeypatch.setattr(leverage, "BATCH_ELEMENTS", largest)
        two = res.with_cov("cluster", groups=labels, correction="CR2").cov_params()
        assert matrix_gap(one, two) < 1e-12


@FEW
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("HC0", {}),
        ("HC2", {}),
        ("HC3", {}),
        *(("cluster", {"groups": "many", "correction": c}) for c in ("stata", "CR2", "CR3")),
        *(("cluster", {"groups": g, "correction": "CR3"}) for g in ("few", "each")),
        ("HAC", {"time": "year"}),
        ("survey", {"strata": "area", "psu": "many"}),
    ],
)
def test_a_coefficient_that_is_fixed_has_no_variance(kind, options):
    """With the singular inverse of a fit whose educ is held at zero: the fit without educ."""
    frame = survey().assign(**beside())
    small = ml.mnlogit("party ~ age", frame).fit()
    record = ml.mnlogit("party ~ age + educ", frame).fit().record
    kept = [0, 1, 3, 4]
    params, inverse = np.zeros(6), np.zeros((6, 6))
    params[kept] = small.params.to_numpy().T.ravel()
    inverse[np.ix_(kept, kept)] = small.cov_params()
    half = record.basis.enter_params(inverse.reshape(6, 2, 3)).reshape(6, 6).T
    inner = record.basis.enter_params(half.reshape(6, 2, 3)).reshape(6, 6)
    held = replace(record.maximum, params=params, inverse=(inner + inner.T) / 2)
    found = estimate_covariance(replace(record, maximum=held), kind, **options).matrix
    expected = small.with_cov(kind, **options).cov_params()
    assert matrix_gap(found[np.ix_(kept, kept)], expected) < 1e-11
    assert np.abs(np.delete(found, kept, axis=0)).max() < 1e-12


def test_the_shift_is_what_it_stands_for():
    t = np.array([0.0, 1e-9, 0.3, 0.9, 1 - 1e-6])
    for power in (0.5, 1.0):
        shift, lone = find_shift(t, power)
        np.testing.assert_allclose(1 + t * shift, (1 - t) ** -power, rtol=1e-9)
        assert not lone.any()
    shift, lone = find_shift(np.array([1.0, 1 + 1e-12]), 1.0)
    assert lone.all()
    np.testing.assert_allclose(1 + shift, 0, atol=1e-11)


def test_a_singular_covariance_has_a_narrow_root():
    rng = np.random.default_rng(1)
    half = rng.normal(size=(6, 4))
    root = find_root(half @ half.T)
    assert root.shape == (6, 4)
    np.testing.assert_allclose(root @ root.T, half @ half.T, rtol=1e-10, atol=1e-12)

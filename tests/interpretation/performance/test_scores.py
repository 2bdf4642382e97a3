"""Brier and log scores and their parts, beside scikit-learn and the identities they obey."""

from __future__ import annotations

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

import mlelogit as ml
from mlelogit.exceptions import OptionError
from mlelogit.interpretation.performance.decomposition import (
    BRIER_PARTS,
    PARTS,
    decompose_brier,
    decompose_log,
    fill_cells,
)
from tests.inference.samples import fitted, survey
from tests.interpretation.performance.judging import split_survey
from tests.reference_cases import PLAIN, fit_case


@pytest.fixture(scope="module")
def res():
    return fitted()


def one_hot(res, observed):
    return (np.asarray(observed)[:, np.newaxis] == np.array(res.categories)).astype(float)


def test_scores_are_those_of_sklearn(res):
    found, y = res.scores(), res.fittedvalues.to_numpy()
    observed = survey()["party"]
    assert abs(found.log - log_loss(observed, y)) < 1e-14
    if "labels" in signature(brier_score_loss).parameters:  # scikit-learn 1.7
        told = brier_score_loss(observed, y, labels=list(res.categories), scale_by_half=False)
        assert abs(found.brier - told) < 1e-14
    assert abs(found.log + res.llf / res.nobs) < 1e-14


def test_scores_of_new_rows_are_those_of_sklearn():
    res, new = split_survey()
    found, y = res.scores(new), res.predict(new).to_numpy()
    assert abs(found.log - log_loss(new["party"], y)) < 1e-14
    assert abs(found.brier - ((y - one_hot(res, new["party"])) ** 2).sum(axis=1).mean()) < 1e-14


def test_errors_are_those_of_means(res):
    found, y = res.scores(alpha=0.2), res.fittedvalues.to_numpy()
    d = one_hot(res, survey()["party"])
    losses = {"brier": ((y - d) ** 2).sum(axis=1), "log": -np.log((y * d).sum(axis=1))}
    for name, loss in losses.items():
        error = loss.std(ddof=1) / np.sqrt(len(loss))
        line = found.overall.loc[name]
        assert abs(line["std_err"] - error) < 1e-15
        half = 1.2815515655446004 * error
        assert np.abs(line[["lower", "upper"]] - [loss.mean() - half, loss.mean() + half]).max() < (
            1e-14
        )


@pytest.mark.parametrize("name", PLAIN)
def test_skill_is_efrons_and_mcfaddens_on_the_fits_own_rows(name):
    res = fit_case(name)
    skill, values = res.scores().overall["skill"], res.fit_statistics()["value"]
    assert abs(skill["brier"] - values["efron"]) < 1e-12
    assert abs(skill["log"] - values["mcfadden"]) < 1e-12


def test_error_of_skill_is_the_infinitesimal_jackknife():
    """Derivatives of the skill by the weight of every person, numerically."""
    res, new = split_survey()
    y, d = res.predict(new).to_numpy(), one_hot(res, new["party"])
    losses = {"brier": ((y - d) ** 2).sum(axis=1), "log": -np.log((y * d).sum(axis=1))}
    n, step = len(d), 1e-5

    def value(name, weights):
        shares = weights @ d / weights.sum()
        unskilled = 1 - shares @ shares if name == "brier" else -shares @ np.log(shares)
        return 1 - weights @ losses[name] / weights.sum() / unskilled

    found = res.scores(new).overall
    for name in losses:
        total = 0.0
        for row in range(n):
            change = np.zeros(n)
            change[row] = step
            total += ((value(name, 1 + change) - value(name, 1 - change)) / (2 * step)) ** 2
        assert abs(found.loc[name, "skill"] - value(name, np.ones(n))) < 1e-14
        error = np.sqrt(total * n / (n - 1))
        assert abs(found.loc[name, "skill_std_err"] / error - 1) < 1e-7


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("bins", [2, 10])
def test_parts_add_up(name, bins):
    found = fit_case(name).scores(bins=bins)
    for table in (found.decomposition, found.by_category):
        total = table["uncertainty"] - table["resolution"] + table["reliability"] + table["within"]
        assert np.abs(total - table["score"]).max() < 1e-12
        assert (table[["uncertainty", "resolution", "reliability"]] > -1e-15).all(axis=None)
        brier = table.loc[["brier"]]
        within = brier["within_variance"] - brier["within_covariance"]
        assert np.abs(within - brier["within"]).max() < 1e-14
        assert (brier["within_variance"] >= 0).all()
        assert table.loc[["log"], ["within_variance", "within_covariance"]].isna().all(axis=None)
    assert np.abs(found.decomposition["score"] - found.overall["score"]).max() < 1e-12
    assert np.abs(found.decomposition["uncertainty"] - found.overall["reference"]).max() < 1e-12
    assert abs(found.by_category.loc["brier", "score"].sum() - found.brier) < 1e-12


def test_parts_of_a_category_by_hand(res):
    """Loops over the cells of pandas, as the papers write them."""
    found = res.scores(bins=4).by_category
    y, observed = res.fittedvalues["red"], (survey()["party"] == "red").astype(float)
    cells = pd.cut(y, [-1, *np.quantile(y, [0.25, 0.5, 0.75], method="inverted_cdf"), 2])
    n, share = len(y), observed.mean()
    brier = dict.fromkeys(BRIER_PARTS, 0.0) | {"uncertainty": share * (1 - share)}
    log = dict.fromkeys(PARTS, 0.0)
    log["uncertainty"] = -share * np.log(share) - (1 - share) * np.log(1 - share)
    for _, rows in y.groupby(cells, observed=True):
        f, o = rows.mean(), observed[rows.index].mean()
        brier["reliability"] += len(rows) / n * (f - o) ** 2
        brier["resolution"] += len(rows) / n * (o - share) ** 2
        brier["within_variance"] += ((rows - f) ** 2).sum() / n
        brier["within_covariance"] += 2 * ((rows - f) * (observed[rows.index] - o)).sum() / n
        for seen, said, whole in ((o, f, share), (1 - o, 1 - f, 1 - share)):
            log["reliability"] += len(rows) / n * seen * np.log(seen / said)
            log["resolution"] += len(rows) / n * seen * np.log(seen / whole)
    log["score"] = log_loss(observed, y)
    log["within"] = log["score"] - log["uncertainty"] + log["resolution"] - log["reliability"]
    brier["score"] = brier_score_loss(observed, y)
    brier["within"] = brier["within_variance"] - brier["within_covariance"]
    for name, value in brier.items():
        assert abs(found.loc[("brier", "red"), name] - value) < 1e-14, name
    for name in PARTS:
        assert abs(found.loc[("log", "red"), name] - log[name]) < 1e-13, name


def test_with_equal_probabilities_in_every_cell_nothing_is_within():
    """A saturated model is calibrated and has all the resolution there is: theorems."""
    found = fit_case("nomocc_white").scores(bins=50)
    for table in (found.decomposition, found.by_category):
        assert table["within"].abs().max() < 1e-12
        assert table["reliability"].abs().max() < 1e-12
        assert np.abs(table["uncertainty"] - table["resolution"] - table["score"]).max() < 1e-12


def test_parts_of_probabilities_drawn_at_random(rng):
    """They add up whatever the cells, with weights and shares for outcomes."""
    p = rng.dirichlet(np.ones(4), 200).T
    people = rng.dirichlet(np.ones(4), 200).T * rng.gamma(2, size=200)
    cells = fill_cells(rng.integers(0, 9, 200), people, p)
    for parts in (decompose_brier(cells, people, p), decompose_log(cells, people, np.log(p))):
        score, uncertainty, resolution, reliability, within = parts[..., :5].T
        total = uncertainty - resolution + reliability + within
        assert np.abs(total - score).max() < 1e-13


def test_without_columns_there_is_no_skill():
    res = ml.mnlogit("party ~ 1", survey()).fit()
    found = res.scores()
    assert found.overall["skill"].abs().max() < 1e-12
    assert found.decomposition[["resolution", "reliability", "within"]].abs().max(axis=None) < 1e-12
    assert np.abs(found.discrimination["estimate"] - [1 / 3, 1 / 2]).max() < 1e-14


def test_bins_are_checked(res):
    for bins in (1, 2.5, "ten", True):
        with pytest.raises(OptionError, match="bins"):
            res.scores(bins=bins)


def test_it_prints_as_tables(res):
    found = res.scores()
    for word in ("brier", "reliability", "hand_till", "pdi", "the fit's own 160 rows"):
        assert word in repr(found)
    assert found._repr_html_().count("<table") == 6


def test_people_in_a_category_without_a_probability_have_an_infinite_log_score():
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, 5, 6, 7], "y": list("aaabbccc")})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    found = res.scores({"x": [0.0, 1.0, 7.0], "y": ["a", "c", "c"]})
    assert np.isposinf(found.log)
    assert np.isposinf(found.overall.loc["log", "score"])
    assert np.isnan(found.overall.loc["log", "std_err"])
    assert abs(found.brier - 2 / 3) < 1e-9
    assert any("gives no probability" in note for note in found.notes)

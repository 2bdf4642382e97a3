"""Discrimination beside scikit-learn, brute force over all sets, and placements of people."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

import mlelogit as ml
from mlelogit.interpretation.performance.binning import rank_values
from mlelogit.interpretation.performance.discrimination import count_highest, sort_people
from tests.inference.samples import fitted, survey
from tests.interpretation.performance.judging import split_survey
from tests.reference_cases import fit_case


@pytest.mark.parametrize("name", ["anes96", "hsbdemo", "womenlf", "penguins", "heating"])
def test_areas_are_those_of_sklearn(name):
    res = fit_case(name)
    found, y = res.scores(), res.fittedvalues.to_numpy()
    codes = np.asarray(res.record.need_blocks().design.outcome.codes)
    till = roc_auc_score(codes, y, multi_class="ovo")
    assert abs(found.discrimination.loc["hand_till", "estimate"] - till) < 1e-12
    rest = roc_auc_score(codes, y, multi_class="ovr", average=None)
    assert np.abs(found.discrimination_by_category.loc["auc", "estimate"] - rest).max() < 1e-12


def count_sets(values, codes, own, size):
    """Go through all sets of one person per category; return the index and the projections."""
    members = [np.flatnonzero(codes == k) for k in range(size)]
    total, given = 0.0, np.zeros(len(codes))
    for rows in product(*members):
        found = values[list(rows)]
        highest = found == found.max()
        credit = highest[own] / highest.sum()
        total += credit
        given[list(rows)] += credit
    sets = np.prod([len(rows) for rows in members])
    for k, rows in enumerate(members):
        given[rows] /= sets / len(members[k])
    return total / sets, given


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_the_index_is_that_of_all_sets(size, rng):
    """Few different values, so that ties of every order occur."""
    codes = np.concatenate([np.arange(size), rng.integers(0, size, 18 - size)])
    values = rng.integers(1, 6, 18) / 10
    people = np.eye(size)[codes].T
    for own in range(size):
        ranks, _ = rank_values(values)
        value, given = count_highest(sort_people(ranks, people), own)
        expected, projections = count_sets(values, codes, own, size)
        assert abs(value - expected) < 1e-14
        assert np.abs(given[codes, ranks] - projections).max() < 1e-14


@pytest.mark.parametrize("size", [3, 6, 26])
def test_projections_average_to_the_index(size, rng):
    people = np.eye(size)[np.arange(400) % size].T * rng.integers(1, 4, 400)
    ranks, _ = rank_values(rng.integers(1, 60, 400) / 60)
    ladder = sort_people(ranks, people)
    value, given = count_highest(ladder, 1)
    assert np.abs((ladder.equal * given).sum(axis=1) - value).max() < 1e-14


def test_guessing_gives_one_by_categories():
    people = np.eye(7)[np.arange(70) % 7].T
    value, _ = count_highest(sort_people(np.zeros(70, dtype=int), people), 3)
    assert abs(value - 1 / 7) < 1e-15


def test_two_categories_have_one_area():
    frame = survey().assign(left=(survey()["party"] == "red").astype(int))
    found = ml.mnlogit("left ~ age + educ", frame).fit().scores()
    lines = pd.concat(
        [found.discrimination, found.discrimination_by_category.droplevel(1), found.pairs]
    )
    assert np.ptp(lines["estimate"]) < 1e-14
    assert np.ptp(lines["std_err"]) < 1e-14
    assert (found.discrimination["chance"] == 0.5).all()


def place_people(y, codes, size):
    """Return the Hand-Till area, the index, and variances of both, from loops over people."""
    members = [np.flatnonzero(codes == k) for k in range(size)]
    pairs = size * (size - 1) / 2
    till, index = 0.0, 0.0
    of_till, of_index = np.zeros(len(codes)), np.zeros(len(codes))
    for i in range(size):
        for j in range(i + 1, size):
            for own, other in ((i, j), (j, i)):
                values = y[:, own]
                wins = np.sign(values[members[own], None] - values[members[other]]) / 2 + 0.5
                till += wins.mean() / 2 / pairs
                of_till[members[own]] += wins.mean(axis=1) / 2 / pairs
                of_till[members[other]] += wins.mean(axis=0) / 2 / pairs
        value, given = count_sets(y[:, i], codes, i, size)
        index += value / size
        of_index += given / size
    errors = [
        np.sqrt(sum(given[rows].var(ddof=1) / len(rows) for rows in members))
        for given in (of_index, of_till)
    ]
    return np.array([index, till]), np.array(errors)


def test_errors_are_those_of_placements():
    res, new = split_survey()
    few = new.iloc[:45]
    found = res.scores(few).discrimination
    codes = few["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    values, errors = place_people(res.predict(few).to_numpy(), codes, 3)
    assert np.abs(found["estimate"] - values).max() < 1e-14
    assert np.abs(found["std_err"] - errors).max() < 1e-14


def test_intervals_are_on_log_odds_and_stay_inside():
    found = fitted().scores(alpha=0.1)
    for table in (found.discrimination, found.discrimination_by_category, found.pairs):
        value, error = table["estimate"], table["std_err"]
        half = 1.6448536269514722 * error / (value * (1 - value))
        assert np.abs(table["lower"] - expit(logit(value) - half)).max() < 1e-14
        assert np.abs(table["upper"] - expit(logit(value) + half)).max() < 1e-14


def test_the_index_of_a_fit_is_the_average_over_categories():
    found = fitted().scores()
    each = found.discrimination_by_category.loc["pdi", "estimate"]
    assert abs(each.mean() - found.discrimination.loc["pdi", "estimate"]) < 1e-15
    pairs = found.pairs["estimate"]
    assert abs(pairs.mean() - found.discrimination.loc["hand_till", "estimate"]) < 1e-15


def test_perfect_order_and_single_people_have_no_error_made_up():
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, 5], "y": list("aaabbb")})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    found = res.scores()
    assert (found.discrimination["estimate"] == 1).all()
    assert found.discrimination[["std_err", "lower", "upper"]].isna().all(axis=None)
    res, new = split_survey()
    reds = new[new["party"] == "red"].head(1)
    one = res.scores(pd.concat([new[new["party"] != "red"], reds]))
    assert np.isfinite(one.discrimination["estimate"]).all()
    assert one.discrimination["std_err"].isna().all()
    assert np.isfinite(one.pairs.loc[("blue", "green"), "std_err"])


def test_a_category_without_people_leaves_the_rest():
    res, new = split_survey()
    found = res.scores(new[new["party"] != "red"])
    assert found.discrimination["estimate"].isna().all()
    assert np.isnan(found.pairs.loc[("blue", "red"), "estimate"])
    assert np.isfinite(found.pairs.loc[("blue", "green"), "estimate"])
    assert any("Without people" in note and "red" in note for note in found.notes)


def test_probabilities_equal_but_for_rounding_tie():
    ranks, lowest = rank_values(np.array([0.2, 0.1, 0.2 * (1 + 1e-14), 0.0, 0.3]))
    assert ranks.tolist() == [2, 1, 2, 0, 3]
    assert lowest.tolist() == [0.0, 0.1, 0.2, 0.3]

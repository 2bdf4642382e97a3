"""The kernel of one block against sums written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.data.blocks import Block
from mlelogit.fitting.likelihood import (
    Sums,
    evaluate_block,
    map_loglikeobs,
    map_outcome,
    map_residuals,
    map_score_obs,
    map_scores,
    sum_block,
    sum_meat,
)
from mlelogit.fitting.products import unpack_gram

X = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, -2.0]])
B = np.array([[0.5, -1.0], [0.25, 2.0]])


def make_block(**changes) -> Block:
    fields = {
        "x": X,
        "categories": 3,
        "codes": np.array([0, 1, 2]),
        "table": None,
        "counted": False,
        "weights": None,
        "offset": None,
    }
    return Block(**{**fields, **changes})


def by_hand(d, base=0, weights=(1, 1, 1), offset=None):
    """Return loglike, score and information with plain loops."""
    others = [k for k in range(3) if k != base]
    loglike, score, information = 0.0, np.zeros(4), np.zeros((4, 4))
    for n in range(3):
        u = [0.0 if offset is None else offset[n][k] for k in range(3)]
        for j, k in enumerate(others):
            u[k] += sum(B[j, i] * X[i, n] for i in range(2))
        total = sum(math.exp(v) for v in u)
        y = [math.exp(v) / total for v in u]
        people = sum(d[n])
        for k in range(3):
            loglike += weights[n] * d[n][k] * math.log(y[k])
        for j, k in enumerate(others):
            for i in range(2):
                score[2 * j + i] += weights[n] * (d[n][k] - people * y[k]) * X[i, n]
                for m, other in enumerate(others):
                    curve = weights[n] * people * y[k] * ((k == other) - y[other])
                    information[2 * j + i, 2 * m : 2 * m + 2] += curve * X[i, n] * X[:, n]
    return loglike, score, information


CASES = {
    "labels": ({}, np.eye(3), {}),
    "base 1": ({}, np.eye(3), {"base": 1}),
    "weights": ({"weights": np.array([2.0, 0.5, 3.0])}, np.eye(3), {"weights": (2.0, 0.5, 3.0)}),
    "counts": (
        {"codes": None, "counted": True, "table": np.array([[2.0, 0, 1], [1, 3, 0], [0, 0, 4]])},
        [[2, 1, 0], [0, 3, 0], [1, 0, 4]],
        {},
    ),
    "probabilities": (
        {"codes": None, "table": np.array([[0.2, 0, 0.5], [0.8, 1, 0.25], [0, 0, 0.25]])},
        [[0.2, 0.8, 0], [0, 1, 0], [0.5, 0.25, 0.25]],
        {"base": 2},
    ),
    "offset": (
        {"offset": np.array([[1.0, 0, 0], [0, -1, 2], [0.5, 0.5, 3]])},
        np.eye(3),
        {"offset": [[1, 0, 0.5], [0, -1, 0.5], [0, 2, 3]]},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_sums_are_those_of_plain_loops(case):
    fields, d, how = CASES[case]
    sums = sum_block(make_block(**fields), B.ravel(), how.get("base", 0), 2)
    loglike, score, information = by_hand(d, **how)
    assert abs(sums.loglike - loglike) < 1e-13
    assert np.abs(sums.score - score).max() < 1e-13
    assert np.abs(unpack_gram(sums.information, 2) - information).max() < 1e-13
    assert sums.rows == 3


def test_lower_orders_leave_out_what_was_not_asked_for():
    block = make_block()
    zero, one = (sum_block(block, B.ravel(), 0, order) for order in (0, 1))
    assert zero.score is None
    assert zero.information is None
    assert one.score is not None
    assert one.information is None
    two = sum_block(block, B.ravel(), 0, 2)
    assert zero.loglike == one.loglike == two.loglike


def test_sums_add_and_forget_what_one_of_them_lacks():
    left = Sums(-1.0, np.array([1.0]), np.array([[2.0]]), 3)
    both = left + Sums(-2.0, np.array([0.5]), None, 4)
    assert (both.loglike, both.rows, both.information) == (-3.0, 7, None)
    assert both.score.tolist() == [1.5]


@pytest.mark.parametrize("case", CASES)
def test_rows_add_up_to_the_sums(case):
    fields, _, how = CASES[case]
    block, base = make_block(**fields), how.get("base", 0)
    sums = sum_block(block, B.ravel(), base, 1)
    assert abs(map_loglikeobs(block, B.ravel(), base).sum() - sums.loglike) < 1e-13
    assert np.abs(map_score_obs(block, B.ravel(), base).sum(axis=1) - sums.score).max() < 1e-13
    u = map_scores(block, B.ravel(), base)
    y = np.exp(u) / np.exp(u).sum(axis=0)
    d = map_outcome(block)
    assert np.abs(map_residuals(block, B.ravel(), base) - (d - d.sum(axis=0) * y)).max() < 1e-14


@pytest.mark.parametrize("squared", [False, True])
def test_meat_of_counts_is_that_of_the_people(squared):
    weights = np.array([2.0, 0.5, 3.0])
    table = np.array([[2.0, 0, 1], [1, 3, 0], [0, 0, 4]])
    counts = make_block(codes=None, table=table, counted=True, weights=weights)
    codes, rows = np.nonzero(table)
    times = table[codes, rows].astype(int)
    codes, rows = np.repeat(codes, times), np.repeat(rows, times)
    people = make_block(x=X[:, rows], codes=codes, weights=weights[rows])
    scores = map_score_obs(make_block(x=people.x, codes=people.codes), B.ravel(), 0)
    expected = scores * people.weights ** (2 if squared else 1) @ scores.T
    assert (
        np.abs(unpack_gram(sum_meat(counts, B.ravel(), 0, squared).value, 2) - expected).max()
        < 1e-12
    )
    assert (
        np.abs(unpack_gram(sum_meat(people, B.ravel(), 0, squared).value, 2) - expected).max()
        < 1e-12
    )


def test_what_did_not_happen_costs_nothing_even_with_probability_zero():
    block = make_block(x=np.array([[1.0]]), categories=2, codes=np.array([0]))
    assert sum_block(block, np.array([-1e4]), 0, 0).loglike == 0.0
    assert sum_block(block, np.array([1e4]), 0, 0).loglike == -1e4
    soft = make_block(x=np.array([[1.0]]), categories=2, codes=None, table=np.array([[1.0], [0.0]]))
    assert sum_block(soft, np.array([-1e6]), 0, 0).loglike == 0.0


def test_loglike_stays_finite_where_exp_overflows():
    anes = ml.datasets.load_anes96()
    model = ml.mnlogit("PID ~ logpopul + selfLR + age + educ + income", anes)
    params = np.zeros(36)
    params[0] = 1e3
    weak = int((anes["PID"] == "Weak Democrat").sum())
    assert abs(model.loglike(params) + 1e3 * (944 - weak)) < 1e-6
    assert np.isfinite(model.score(params).to_numpy()).all()
    assert np.isfinite(model.information(params).to_numpy()).all()


def test_small_probabilities_of_many_people_keep_their_digits():
    block = make_block(x=np.ones((1, 1)), codes=None, table=np.array([[5e8], [1e8]]), counted=True)
    found = evaluate_block(block, np.array([-25.0]), 0).probabilities
    assert np.abs(found[:, 0] * np.array([1 + np.exp(-25), 1 + np.exp(25)]) - 1).max() < 1e-14

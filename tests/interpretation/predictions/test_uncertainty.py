"""How log-odds vary: against mpmath, numerical gradients and other ways to ask the same."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest

import mlelogit as ml
from mlelogit.interpretation.predictions.uncertainty import (
    contrast_one,
    contrast_others,
)
from mlelogit.interpretation.variances import find_law
from tests.inference.samples import fitted, survey


def mp_log_odds(scores, k):
    scores = [mpmath.mpf(float(u)) for u in scores]
    others = mpmath.fsum(mpmath.exp(u) for j, u in enumerate(scores) if j != k)
    shares = [mpmath.exp(u) / others for u in scores]
    return scores[k] - mpmath.log(others), [1 if j == k else -s for j, s in enumerate(shares)]


@pytest.mark.parametrize(
    "scores",
    [
        (0.0, 0.3, -0.4),
        (0.0, 40.0, 39.0, -2.0),
        (700.0, 0.0, -700.0),
        (-1e4, -1e4 + 1, 0.0, -3e4),
        (0.0, 1e-12),
    ],
)
def test_log_odds_and_their_derivatives_keep_their_digits(scores):
    column = np.array(scores)[:, np.newaxis]
    log_odds, ways = contrast_others(column)
    with mpmath.workdps(60):
        for k in range(len(scores)):
            truth, h = mp_log_odds(scores, k)
            assert abs(log_odds[k, 0] - float(truth)) <= 1e-15 * abs(float(truth)) + 2e-16
            for j, value in enumerate(h):
                assert abs(ways[0, k, j] - float(value)) <= 4e-12 * abs(float(value))


def test_derivatives_of_log_odds_sum_to_zero(rng):
    _, ways = contrast_others(rng.normal(size=(5, 40)) * 8)
    assert np.abs(ways.sum(axis=2)).max() < 1e-14
    _, ways = contrast_one(rng.normal(size=(5, 40)), 3)
    assert np.abs(ways.sum(axis=2)).max() == 0


def test_log_odds_of_two_categories_are_opposite(rng):
    log_odds, ways = contrast_others(rng.normal(size=(2, 30)) * 300)
    assert np.array_equal(log_odds[0], -log_odds[1])
    assert np.array_equal(ways[:, 0], -ways[:, 1])


def test_what_has_no_probability_has_infinite_log_odds():
    log_odds, _ = contrast_others(np.array([[0.0, 0.0], [1.0, -np.inf], [-np.inf, -np.inf]]))
    assert log_odds[2].tolist() == [-np.inf, -np.inf]
    assert log_odds[:, 1].tolist() == [np.inf, -np.inf, -np.inf]
    assert abs(log_odds[0, 0] + 1) < 1e-15


def numeric_errors(res, newdata=None, which="prob"):
    """Return delta-method errors from central differences of what `predict` returns."""
    record = res.record

    def ask(params):
        moved = replace(record, maximum=replace(record.maximum, params=params))
        found = type(res)(moved, res.covariance).predict(newdata, which=which).to_numpy()
        return np.log(found) - np.log1p(-found) if which == "prob" else found

    params = record.maximum.params
    steps = 1e-4 * np.where(res.covariance.bse > 0, res.covariance.bse, 1e-3)
    gradient = np.array(
        [
            (ask(params + move) - ask(params - move)) / (2 * step)
            for move, step in zip(np.diag(steps), steps, strict=True)
        ]
    )
    variances = np.einsum("pnk,pq,qnk->nk", gradient, res.covariance.matrix, gradient)
    return np.sqrt(np.maximum(variances, 0))


def fit_kind(kind):
    plain = fitted("party ~ age + educ + region")
    quads = np.arange(160) // 4
    if kind == "plain":
        return plain
    if kind in ("HC1", "HC3", "opg"):
        return plain.with_cov(kind)
    if kind == "cluster":
        return plain.with_cov("cluster", groups=quads)
    if kind == "survey":
        return plain.with_cov("survey", psu=quads)
    if kind == "bootstrap":
        return plain.with_cov(plain.bootstrap(30, seed=1, disp=False))
    if kind == "constraints":
        model = ml.mnlogit("party ~ age + educ + region", survey())
        return model.fit(constraints="green: age = red: age")
    if kind in ("mean", "median"):
        return ml.mnlogit("party ~ age + educ + region", survey()).fit(bias_reduction=kind)
    if kind == "offset":
        shift = np.random.default_rng(0).normal(size=(160, 3))
        return ml.mnlogit("party ~ age", survey(), offset=shift).fit()
    if kind == "curved":
        return ml.mnlogit("party ~ poly(age, 2) * region + log(educ)", survey()).fit()
    return fitted("party ~ age + educ", weights="people", weight_type="frequency")


KINDS = ["plain", "HC1", "HC3", "opg", "cluster", "survey", "bootstrap", "constraints"]
KINDS += ["mean", "median", "offset", "curved", "frequency"]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_those_of_numerical_gradients(kind):
    res = fit_kind(kind)
    found = res.get_prediction()
    assert np.abs(found.estimates.errors.T / numeric_errors(res) - 1).max() < 1e-8
    y = res.predict()
    assert np.abs(found.probabilities - y).max(axis=None) < 1e-14
    assert np.abs(found.std_err / (y * (1 - y) * found.estimates.errors.T) - 1).max(axis=None) < (
        1e-12
    )
    table = found.summary_frame(which="linear")
    others = [k for k in range(3) if k != res.record.encoding.base]
    truth = numeric_errors(res, which="linear")[:, others]
    assert np.abs(table["std_err"].to_numpy().reshape(-1, 2) / truth - 1).max() < 1e-8


def test_errors_at_new_rows():
    res = fitted("party ~ age + educ + region")
    new = survey().iloc[[4, 9, 2]].assign(age=[-300.0, 45.0, 400.0])
    found = res.get_prediction(new).estimates.errors.T
    assert np.abs(found / numeric_errors(res, new) - 1).max() < 1e-6


def test_probabilities_close_to_one_keep_the_digits_of_their_errors():
    """Far from the data, where ``1 - y`` is 1e-40, a difference of 1 and y has no digits."""
    res = fitted("party ~ age + educ")
    new = {"age": [3000.0], "educ": [40.0]}
    found = res.get_prediction(new)
    x = np.array([1.0, 3000.0, 40.0])
    scores = res.predict(new, which="linear").to_numpy()[0]
    assert (found.probabilities.to_numpy() == 1).any()
    with mpmath.workdps(80):
        covariance = mpmath.matrix(res.cov_params().to_numpy())
        for k in range(3):
            truth, h = mp_log_odds(scores, k)
            row = mpmath.matrix([h[j] * mpmath.mpf(float(v)) for j in (1, 2) for v in x])
            error = mpmath.sqrt((row.T * covariance * row)[0])
            assert abs(found.estimates.log_odds[k, 0] / float(truth) - 1) < 1e-14
            assert abs(found.estimates.errors[k, 0] / float(error) - 1) < 1e-10


@pytest.mark.parametrize("base", ["green", "red"])
def test_nothing_depends_on_the_base(base):
    first, other = (fitted("party ~ age + educ + region", base=b) for b in ("blue", base))
    for moved in (other, first.rebase(base)):
        ours, theirs = first.get_prediction(), moved.get_prediction()
        for ask in (
            {},
            {"simultaneous": "sup-t"},
            {"simultaneous": "sup-t", "family": "all"},
            {"which": "linear", "against": "red"},
            {"which": "linear", "against": "red", "simultaneous": "scheffe", "family": "all"},
        ):
            left, right = ours.summary_frame(**ask), theirs.summary_frame(**ask)
            assert left.index.equals(right.index)
            assert np.abs(left - right).max(axis=None) < 1e-9
        left, right = ours.leads(), theirs.leads()
        assert (left["rival"] == right["rival"]).all()
        assert np.abs(left["z"] - right["z"]).max() < 1e-9


def test_nothing_depends_on_units_and_shifts():
    plain = fitted("party ~ age + educ")
    frame = survey().assign(age=(survey()["age"] - 1e4) * 1e-6, educ=survey()["educ"] * 1e5)
    moved = ml.mnlogit("party ~ age + educ", frame).fit()
    left, right = plain.get_prediction(), moved.get_prediction()
    assert np.abs(left.summary_frame() - right.summary_frame()).max(axis=None) < 1e-9
    left, right = (one.get_prediction(by="region") for one in (plain, moved))
    assert np.abs(left.summary_frame() - right.summary_frame()).max(axis=None) < 1e-9


def test_columns_left_out_change_nothing():
    with pytest.warns(ml.exceptions.CollinearityWarning):
        more = ml.mnlogit("party ~ age + educ + I(2 * age - educ)", survey()).fit()
    left, right = (one.get_prediction() for one in (more, fitted("party ~ age + educ")))
    assert np.abs(left.summary_frame() - right.summary_frame()).max(axis=None) < 1e-12


def test_a_covariance_known_in_the_columns_alone_gives_the_same():
    res = fitted("party ~ age + educ + region")
    bare = type(res)(res.record, replace(res.covariance, inner=None))
    law = find_law(bare.record, bare.covariance)
    inner = res.covariance.inner
    assert np.abs(law.inner - inner).max() < 1e-10 * np.abs(inner).max()
    left, right = (one.get_prediction().estimates.errors for one in (res, bare))
    assert np.abs(left / right - 1).max() < 1e-10

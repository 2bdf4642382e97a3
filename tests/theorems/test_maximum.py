"""The estimates are the maximum, and the derivatives are those of the log-likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.theorems.strategies import (
    THEOREM,
    Problem,
    by_information,
    climb,
    distance,
    matrix_gap,
    params_of,
    problems,
    relative,
)

SEEDS = st.integers(0, 2**32 - 1)


@THEOREM
@given(problems())
def test_plain_newton_finds_the_same_estimates_and_errors(problem):
    params, covariance = climb(problem)
    res = by_information(problem.fit())
    errors = np.sqrt(np.diag(covariance)).reshape(params.shape)
    assert distance(params_of(res), params, errors) < 1e-8
    assert relative(res.bse.to_numpy().T, errors) < 1e-8
    assert matrix_gap(res.cov_params(), covariance) < 1e-8


@THEOREM
@given(problems(), SEEDS)
def test_every_direction_goes_down_by_half_its_squared_length(problem, seed):
    res, model = by_information(problem.fit()), problem.model()
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(res.cov_params())
    for length in (1e-2, 1e-3):
        direction = rng.normal(size=len(root))
        step = length * root @ direction / np.linalg.norm(direction)
        drop = model.loglike(res.params) - model.loglike(params_of(res).ravel() + step)
        assert drop > 0
        assert abs(drop - length**2 / 2) < length**2 / 10


def random_params(problem: Problem, seed: int) -> np.ndarray:
    """Return params (P,) at which the scores are of the order of one."""
    rng = np.random.default_rng(seed)
    size = (len(problem.free), problem.x.shape[1])
    return (0.7 * rng.normal(size=size) / np.abs(problem.x).max(axis=0)).ravel()


def five_points(function: Any, params: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the derivative of a function in every coordinate, by central differences."""
    slopes = []
    for position, step in enumerate(steps):
        move = np.zeros(len(params))
        move[position] = step
        near = function(params + move) - function(params - move)
        far = function(params + 2 * move) - function(params - 2 * move)
        slopes.append((8 * near - far) / (12 * step))
    return np.array(slopes)


@THEOREM
@given(problems(), SEEDS)
def test_score_is_the_gradient(problem, seed):
    model, params = problem.model(), random_params(problem, seed)
    size = np.sqrt(np.diag(model.information(params)))
    steps = 0.02 / size
    slopes = five_points(model.loglike, params, steps)
    score = model.score(params).to_numpy().T.ravel()
    assert (np.abs(score - slopes) < 1e-6 * size).all()
    assert (
        np.abs(score - problem.derivatives(params.reshape(len(problem.free), -1))[0]) < 1e-9 * size
    ).all()


@THEOREM
@given(problems(), SEEDS)
def test_information_is_minus_the_hessian(problem, seed):
    model, params = problem.model(), random_params(problem, seed)
    information = model.information(params).to_numpy()
    size = np.sqrt(np.diag(information))
    hessian = five_points(lambda at: model.score(at).to_numpy().T.ravel(), params, 0.02 / size)
    assert (np.abs(information + hessian) < 1e-5 * np.outer(size, size)).all()
    plain = problem.derivatives(params.reshape(len(problem.free), -1))[1]
    assert (np.abs(information - plain) < 1e-10 * np.outer(size, size)).all()


@THEOREM
@given(problems(), SEEDS)
def test_information_is_symmetric_and_nowhere_negative(problem, seed):
    information = problem.model().information(random_params(problem, seed)).to_numpy()
    assert (information == information.T).all()
    size = np.sqrt(np.diag(information))
    lowest = np.linalg.eigvalsh(information / np.outer(size, size)).min()
    assert lowest > -1e-12


@THEOREM
@given(problems(), SEEDS)
def test_loglike_is_concave_along_lines(problem, seed):
    model = problem.model()
    one, two = random_params(problem, seed), random_params(problem, seed + 1)
    middle = model.loglike((one + two) / 2)
    assert middle >= (model.loglike(one) + model.loglike(two)) / 2 - 1e-10 * abs(middle)


@THEOREM
@given(problems(weight_types=("sampling", "frequency", None)))
def test_robust_covariances_are_plain_sandwiches(problem):
    res = problem.fit()
    rows = np.array([n for n, _ in problem.observations()])
    scores = problem.scores(params_of(res))
    weights = problem.w[rows]
    weights = weights**2 if problem.weight_type == "sampling" else weights
    meat = (scores * weights[:, None]).T @ scores
    bread = np.linalg.inv(problem.derivatives(params_of(res))[1])
    hc0 = bread @ meat @ bread
    n = problem.w[rows].sum() if problem.weight_type == "frequency" else len(rows)
    assert n == res.nobs
    factors = {"HC0": 1.0, "HC1": n / (n - len(hc0)), "robust": n / (n - 1)}
    for kind, factor in factors.items():
        assert matrix_gap(res.with_cov(kind).cov_params(), factor * hc0) < 1e-8, kind
    if problem.weight_type != "sampling":
        assert matrix_gap(res.with_cov("opg").cov_params(), np.linalg.inv(meat)) < 1e-7
    used = "robust" if problem.weight_type == "sampling" else "nonrobust"
    assert res.cov_type == used

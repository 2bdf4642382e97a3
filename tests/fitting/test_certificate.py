"""The certificate is a true bound: at random points, on separated data, at machine level."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import mlelogit as ml
from mlelogit.exceptions import MNLogitWarning
from mlelogit.fitting.certificate import certify
from mlelogit.fitting.optimization import METHODS
from tests.fitting.exact import ExactMaximum
from tests.theorems.strategies import THEOREM, Problem, climb, problems, relative


def certify_at(problem: Problem, params: np.ndarray):
    """Certify a point (J - 1, K) from numpy's score and information and the package's D."""
    score, information = problem.derivatives(params)
    covariance = np.linalg.inv(information)
    spread = problem.model()._objective.bound_log_odds_error(covariance)
    return certify(float(np.sqrt(score @ covariance @ score)), spread), information, covariance


def in_unit_columns(problem: Problem) -> Problem:
    return replace(problem, x=problem.x / np.abs(problem.x).max(axis=0))


@THEOREM
@given(problems(), st.floats(0.001, 3.0), st.integers(0, 2**32 - 1))
def test_bounds_hold_at_random_points(problem, share, seed):
    problem = in_unit_columns(problem)
    best, covariance = climb(problem)
    spread = problem.model()._objective.bound_log_odds_error(covariance)
    direction = np.random.default_rng(seed).normal(size=best.size)
    step = share / spread * np.linalg.cholesky(covariance) @ direction / np.linalg.norm(direction)
    params = best + step.reshape(best.shape)
    found, information, nearby = certify_at(problem, params)
    assume(found.finite_maximum)
    gap = (best - params).ravel()
    length = np.sqrt(gap @ information @ gap)
    assert length <= found.error_bound * (1 + 1e-9)
    assert (np.abs(gap) <= found.error_bound * np.sqrt(np.diag(nearby)) * (1 + 1e-9)).all()
    left = loglike(problem, best) - loglike(problem, params)
    assert left <= found.loglike_gap * (1 + 1e-9) + 1e-11 * abs(loglike(problem, best))
    if found.product < 0.01:
        assert found.error_bound < 1.05 * length
        assert found.loglike_gap < 1.05 * left + 1e-11 * abs(loglike(problem, best))


def loglike(problem: Problem, params: np.ndarray) -> float:
    return float((problem.w[:, None] * problem.d * np.log(problem.probabilities(params))).sum())


@THEOREM
@given(problems(), st.integers(0, 2**32 - 1))
def test_log_odds_error_bounds_every_log_odds(problem, seed):
    problem = in_unit_columns(problem)
    params = np.random.default_rng(seed).normal(size=(len(problem.free), problem.x.shape[1]))
    information = problem.derivatives(params)[1]
    assume(np.linalg.cond(information) < 1e8)
    covariance = np.linalg.inv(information)
    largest = max(
        x @ c @ covariance @ (x @ c)
        for x in problem.x
        for c in contrasts(problem.d.shape[1], problem.base, problem.x.shape[1])
    )
    bound = problem.model()._objective.bound_log_odds_error(covariance)
    assert bound >= np.sqrt(largest) * (1 - 1e-12)
    assert bound <= np.sqrt(2 * len(problem.free) * largest) * (1 + 1e-12)


def contrasts(size: int, base: int, width: int) -> list[np.ndarray]:
    """Return (K, P) matrices that take params to the slopes between two categories."""
    full = np.delete(np.eye(size), base, axis=1)
    pairs = combinations(range(size), 2)
    return [np.kron(full[j] - full[k], np.eye(width)) for j, k in pairs]


def test_formulas_of_the_certificate():
    found = certify(0.01, 50.0)
    assert found.product == 0.5
    assert abs(found.error_bound - np.log(2) / 50) < 1e-15
    assert abs(found.loglike_gap - (0.5 + 0.5 * np.log(0.5)) / 2500) < 1e-16
    assert not found.holds
    assert certify(1e-9, 10.0, tolerance=2e-9).holds
    assert not certify(1e-9, 10.0, tolerance=0.5e-9).holds
    assert not certify(0.02, 50.0, tolerance=1e9).holds
    assert certify(1e-9, 0.9e9).holds


@pytest.mark.parametrize("product", [1e-6, 0.999e-5, 1.001e-5, 1e-4])
def test_series_and_logarithm_of_the_certificate_meet(product):
    import mpmath as mp

    found = certify(product / 7.0, 7.0)
    with mp.workdps(50):
        a = mp.mpf(found.product)
        bound = -mp.log(1 - a) / 7
        gap = (a + (1 - a) * mp.log(1 - a)) / 49
        assert abs(found.error_bound / bound - 1) < 1e-9
        assert abs(found.loglike_gap / gap - 1) < 1e-5
        assert found.loglike_gap >= gap * (1 - mp.mpf(10) ** -5)


@pytest.mark.parametrize("decrement", [np.inf, np.nan, 1.0])
def test_nothing_is_certified_from_a_product_of_one_or_of_no_number(decrement):
    found = certify(decrement, 1.0)
    assert not found.finite_maximum
    assert not found.holds
    assert found.error_bound == np.inf


@st.composite
def separated(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw data with no finite maximum: a hyperplane parts one category from the rest."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width, size = draw(st.integers(12, 60)), draw(st.integers(1, 3)), draw(st.integers(2, 4))
    x = np.column_stack([np.ones(n), rng.normal(size=(n, width)).round(draw(st.integers(0, 6)))])
    side = x[:, 1:] @ rng.normal(size=width)
    cut = np.sort(side)[n // 2]
    codes = np.where(side > cut, 0, rng.integers(1, size, size=n))
    on_the_plane = side == cut
    if draw(st.booleans()):
        codes[on_the_plane] = rng.integers(0, size, size=on_the_plane.sum())
    assume(len(np.unique(codes)) == size)
    assume(np.linalg.matrix_rank(x) == x.shape[1])
    return x * 10.0 ** draw(st.integers(-3, 3)), codes


@THEOREM
@given(separated(), st.sampled_from(METHODS))
def test_separated_data_are_never_certified(drawn, method):
    x, codes = drawn
    with pytest.warns(MNLogitWarning):
        res = ml.MNLogit(codes, x).fit(method)
    assert not res.converged
    assert not res.certificate.finite_maximum
    assert (res.bse.isna() == np.isinf(res.params)).all(axis=None)
    assert (res.pvalues.isna() == np.isinf(res.params)).all(axis=None)
    assert np.isinf(res.params).any(axis=None)
    assert "NOT CONVERGED" in res.summary().as_text()


EXACT_CASES = {
    "small": {},
    "mean of a hundred": {"mean": 100.0},
    "mean of a million": {"mean": 1e6},
    "tiny units": {"size": 1e-8},
    "large offset": {"shift": 1e6},
    "nearly collinear": {"apart": 1e-6},
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", EXACT_CASES)
def test_bounds_hold_at_machine_level(case, seed):
    how = {"mean": 0.0, "size": 1.0, "shift": 0.0, "apart": 1.0, **EXACT_CASES[case]}
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=(2, 30))
    columns = [np.ones(30), how["mean"] + how["size"] * one, how["mean"] + one + how["apart"] * two]
    x = np.column_stack(columns)
    codes = rng.integers(3, size=30)
    offset = rng.normal(size=(30, 3)) + how["shift"] if how["shift"] else None
    res = ml.MNLogit(codes, x, offset=offset).fit()
    assert res.converged
    exact = ExactMaximum(x, codes, offset, res.record.maximum.params)
    errors = np.array([float(e) for e in exact.errors])
    assert relative(res.bse.to_numpy().T.ravel(), errors) < 1e-8
    condition = 1 + how["mean"] / how["size"] + 1 / how["apart"] + how["shift"]
    assert abs(res.llf - exact.loglike) <= 2**-52 * (100 + 4 * condition)
    assert exact.largest_error <= res.certificate.error_bound

"""Log-softmax, cross-products, the internal basis and safe solves, against first principles."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import mlelogit as ml
from mlelogit.fitting.linalg import (
    ColumnBasis,
    TriangularFactor,
    factor_positive,
    find_aliases,
    invert_positive,
    log_others,
    log_softmax,
    triangularize,
)


@pytest.mark.parametrize(
    "scores", [[0.3, -0.2, 1e-12], [745, 0, -1], [0, -40, -41, -800], [-1e4, 1e4, 0.0]]
)
def test_the_logarithm_of_the_others_is_exact_where_one_is_nearly_all(scores):
    found = log_others(np.array(scores, dtype=float)[:, np.newaxis])[:, 0]
    with mp.workdps(800):
        powers = [mp.exp(mp.mpf(float(u))) for u in scores]
        for k, mine in enumerate(found):
            truth = float(mp.log(mp.fsum(powers[:k] + powers[k + 1 :])))
            assert abs(mine - truth) <= 4e-16 * max(abs(truth), 1.0)


def test_a_covariance_enters_the_basis_and_leaves_it():
    frame = np.random.default_rng(3).normal([5, 1e3, -2e-3], [1, 100, 1e-3], (80, 3))
    res = ml.MNLogit(np.arange(80) % 3, np.column_stack([np.ones(80), frame])).fit()
    basis, inner = res.record.basis, res.covariance.inner
    again = basis.enter_covariance(basis.leave_covariance(inner))
    assert np.abs(again - inner).max() < 1e-11 * np.abs(inner).max()
    np.testing.assert_array_equal(again, again.T)


@pytest.mark.parametrize(
    "scores",
    [[1e4, -1e4, 0.0], [1e4, 9999, 9998], [-1e4, -1e4, -1e4], [0.3, -0.2, 1e-12], [745, 0, -1]],
)
def test_log_softmax_is_exact_where_exp_overflows(scores):
    with mp.workdps(60):
        powers = [mp.exp(mp.mpf(float(u))) for u in scores]
        exact = [mp.log(p / mp.fsum(powers)) for p in powers]
        logs, probabilities = log_softmax(np.array(scores, dtype=float)[:, np.newaxis])
        for log, probability, truth in zip(logs[:, 0], probabilities[:, 0], exact, strict=True):
            assert abs(log - truth) <= 4e-16 * max(1, abs(truth))
            value = mp.exp(truth)
            assert abs(probability - value) <= 4e-16 * max(value, mp.mpf(10) ** -300)


def test_log_softmax_columns_are_rows_of_data(rng):
    scores = rng.normal(size=(4, 7))
    logs, probabilities = log_softmax(scores)
    assert np.abs(probabilities.sum(axis=0) - 1).max() < 1e-15
    assert np.abs(np.exp(logs) - probabilities).max() < 1e-15
    shifted, _ = log_softmax(scores + rng.normal(size=7))
    assert np.abs(shifted - logs).max() < 1e-14


def test_triangular_factors_add_up_to_the_factor_of_all_rows(rng):
    rows = rng.normal(size=(11, 3))
    factor = sum(
        (TriangularFactor(triangularize(part)) for part in (rows[2:5], rows[5:])),
        TriangularFactor(triangularize(rows[:2])),
    )
    assert factor.r.shape == (3, 3)
    assert np.abs(factor.r.T @ factor.r - rows.T @ rows).max() < 1e-12
    assert np.abs(np.tril(factor.r, -1)).max() == 0


@pytest.fixture(params=[None, 0], ids=["plain", "centered"])
def basis(rng, request):
    x = np.column_stack([np.full(50, 3.0), 1e3 + rng.normal(size=50), 1e-5 * rng.normal(size=50)])
    scale = 2.0 ** np.round(np.log2(np.abs(x).max(axis=0)))
    center = np.zeros(3) if request.param is None else (x / scale).mean(axis=0) * [0, 1, 1]
    r = triangularize(x / scale - center) / np.sqrt(50)
    return x, ColumnBasis(scale, center, r, request.param, 3.0 / scale[0])


def test_basis_changes_coefficients_and_leaves_scores_alone(basis, rng):
    x, change = basis
    z = change.enter(x.T)
    params = rng.normal(size=(4, 3)) / np.abs(x).max(axis=0)
    inner = change.enter_params(params)
    assert np.abs(inner @ z - params @ x.T).max() < 1e-11
    assert np.abs(change.leave_params(inner) / params - 1).max() < 1e-9
    assert np.abs(z @ z.T / 50 - np.eye(3)).max() < 1e-9


def test_rows_with_another_constant_enter_as_their_scores_do(rng):
    """New rows need not have the fit's constant, as where a row is the difference of two."""
    x = np.vstack([np.full(50, 3.0), rng.normal(size=50) + 1e4, rng.normal(size=50)])
    res = ml.MNLogit(rng.integers(0, 3, 50), x.T).fit()
    basis, new = res.record.basis, np.array([[0.0, 1.0, -7.5], [1.0, 2e4, 0.0], [2.0, 0.0, 1.0]])
    params = rng.normal(size=3)
    assert basis.intercept == 0
    scores = basis.enter_params(params) @ basis.enter(new)
    assert np.abs(scores / (params @ new) - 1).max() < 1e-9


def test_basis_maps_covariance_and_score_by_its_matrix(basis, rng):
    _, change = basis
    t = change.leave_params(np.eye(3)).T
    both = np.kron(np.eye(2), t)
    root = rng.normal(size=(6, 6))
    expected = both @ (root @ root.T) @ both.T
    errors = np.sqrt(np.diag(expected))
    mapped = change.leave_covariance(root @ root.T)
    assert np.abs((mapped - expected) / np.outer(errors, errors)).max() < 1e-8
    assert (mapped == mapped.T).all()
    score = rng.normal(size=6)
    inner = change.enter_params(rng.normal(size=(2, 3))).ravel()
    outer = change.leave_params(inner.reshape(2, 3)).ravel()
    assert abs(change.leave_score(score) @ outer - score @ inner) < 1e-9 * np.abs(inner).max()


def list_aliases(x):
    return find_aliases(triangularize(x), np.linalg.norm(x, axis=0))


def test_aliases_are_found_with_their_combination(rng):
    x = rng.normal(size=(30, 4))
    x[:, 2] = 2 * x[:, 0] - x[:, 1]
    aliases = list_aliases(x)
    assert list(aliases) == [2]
    assert np.abs(aliases[2] - [2, -1, 0, 0]).max() < 1e-12


def test_repeated_columns_are_all_aliases_of_the_first(rng):
    column = rng.normal(size=20)
    aliases = list_aliases(np.column_stack([column, 3 * column, -column]))
    assert {place: weights[0].round(12) for place, weights in aliases.items()} == {1: 3.0, 2: -1.0}


@pytest.mark.parametrize("ratio", [1e-5, 1e-7, 1e-9])
def test_nearly_collinear_columns_are_no_aliases(rng, ratio):
    one, two = rng.normal(size=(2, 40))
    assert list_aliases(np.column_stack([one, one + ratio * two])) == {}


def test_more_columns_than_rows_leave_the_last_as_aliases(rng):
    assert sorted(list_aliases(rng.normal(size=(3, 5)))) == [3, 4]


def test_factor_positive_refuses_what_is_not_positive_definite():
    assert factor_positive(np.diag([1.0, -1e-3])) is None
    assert factor_positive(np.array([[1.0, np.nan], [np.nan, 1.0]])) is None
    assert factor_positive(np.array([[np.inf]])) is None
    assert factor_positive(np.zeros((2, 2))) is None


def test_invert_positive_inverts(rng):
    root = rng.normal(size=(5, 5))
    matrix = root @ root.T + np.eye(5)
    inverse = invert_positive(factor_positive(matrix))
    assert np.abs(inverse @ matrix - np.eye(5)).max() < 1e-12
    assert (inverse == inverse.T).all()


def test_rows_of_zeros_below_a_factor_change_no_alias():
    """As in designs of fewer rows than columns, whose factor is filled up to a square."""
    x = np.random.default_rng(51).normal(size=(4, 9))
    r, norms = triangularize(x), np.linalg.norm(x, axis=0)
    found, filled = find_aliases(r, norms), find_aliases(np.vstack([r, np.zeros((5, 9))]), norms)
    assert list(found) == list(filled) == [4, 5, 6, 7, 8]
    for column, weights in filled.items():
        assert np.abs(weights - found[column]).max() < 1e-12
        assert np.abs(x @ weights - x[:, column]).max() < 1e-9

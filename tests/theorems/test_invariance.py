"""What must not change an answer: the base, the order of rows, the basis of the columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.theorems.strategies import (
    THEOREM,
    TINY,
    Problem,
    distance,
    kinds_for,
    matrix_gap,
    params_of,
    problems,
    relative,
    same_outputs,
)


@THEOREM
@given(problems(), st.data())
def test_rebase_equals_refit(problem, data):
    base = data.draw(st.integers(0, problem.d.shape[1] - 1))
    seen, refitted = problem.fit().rebase(base), problem.fit(base=base)
    assert seen.base == refitted.base == base
    assert list(seen.params.columns) == list(refitted.params.columns)
    same_outputs(seen, refitted, kinds_for(problem))
    assert np.abs(seen.fittedvalues - refitted.fittedvalues).to_numpy().max() < TINY
    assert np.abs(seen.predict(which="linear") - refitted.predict(which="linear")).max(
        axis=None
    ) < TINY * (1 + refitted.predict(which="linear").abs().max(axis=None))


@THEOREM
@given(problems(), st.data())
def test_new_base_subtracts_its_equation(problem, data):
    res = problem.fit()
    base = data.draw(st.integers(0, problem.d.shape[1] - 1))
    full = np.insert(params_of(res), problem.base, 0.0, axis=0)
    expected = np.delete(full - full[base], base, axis=0)
    moved = res.rebase(base)
    assert distance(params_of(moved), expected, moved.bse.to_numpy().T) < 1e-12
    back = moved.rebase(problem.base)
    assert distance(back.params, res.params, res.bse) < 1e-12
    assert matrix_gap(back.cov_params(), res.cov_params()) < 1e-9


@THEOREM
@given(problems(), st.data())
def test_tests_and_score_keep_their_meaning_from_another_base(problem, data):
    res = problem.fit()
    moved = res.rebase(data.draw(st.integers(0, problem.d.shape[1] - 1)))
    name = str(res.params.index[-1])
    one, two = res.wald_test(name), moved.wald_test(name)
    assert one.df == two.df == problem.d.shape[1] - 1
    assert abs(one.statistic - two.statistic) <= 1e-8 * (1 + one.statistic)
    away = params_of(res) + 0.3 * res.bse.to_numpy().T
    full = np.insert(away, problem.base, 0.0, axis=0)
    position = list(res.categories).index(moved.base)
    there = np.delete(full - full[position], position, axis=0)
    at_one = problem.model().loglike(away.ravel())
    at_two = problem.model(base=position).loglike(there.ravel())
    assert abs(at_one - at_two) <= 1e-11 * abs(at_one)


@THEOREM
@given(problems(), st.randoms(use_true_random=False))
def test_order_of_rows(problem, random):
    order = list(range(len(problem.x)))
    random.shuffle(order)
    mixed = problem.take(np.array(order))
    one, two = problem.fit(), mixed.fit()
    same_outputs(one, two, kinds_for(problem))
    moved = one.fittedvalues.to_numpy()[order]
    assert np.abs(moved - two.fittedvalues.to_numpy()).max() < TINY
    assert np.abs(one.loglikeobs().to_numpy()[order] - two.loglikeobs().to_numpy()).max() < TINY


def assert_columns_map(problem: Problem, matrix: np.ndarray) -> None:
    """Assert that fitting X A gives ``A⁻¹ b``, with its covariance, and the same rest."""
    one, two = problem.fit(), replace(problem, x=problem.x @ matrix).fit()
    params = np.linalg.solve(matrix, params_of(one).T)
    change = np.kron(np.eye(len(problem.free)), np.linalg.inv(matrix))
    assert distance(two.params, params, two.bse) < TINY
    for kind in kinds_for(problem):
        expected = change @ one.with_cov(kind).cov_params().to_numpy() @ change.T
        assert matrix_gap(two.with_cov(kind).cov_params(), expected) < 1e-6, kind
        wanted = np.sqrt(np.diag(expected)).reshape(params_of(one).shape)
        assert relative(params_of_errors(two.with_cov(kind)), wanted) < 1e-6
    assert abs(one.llf - two.llf) <= 1e-10 * abs(one.llf)
    assert np.abs(one.fittedvalues - two.fittedvalues).max(axis=None) < TINY
    if problem.constant or not np.isclose(one.llnull, two.llnull, rtol=1e-12):
        assert abs(one.llnull - two.llnull) <= 1e-12 * abs(one.llnull)


def params_of_errors(res) -> np.ndarray:
    return res.bse.to_numpy().T


@THEOREM
@given(problems(), st.data())
def test_units_of_columns(problem, data):
    width = problem.x.shape[1]
    powers = st.lists(st.integers(-8, 8), min_size=width, max_size=width)
    signs = st.lists(st.sampled_from([-1.0, 3.0, 1.0]), min_size=width, max_size=width)
    units = np.array(data.draw(signs)) * 10.0 ** np.array(data.draw(powers))
    assert_columns_map(problem, np.diag(units))


@THEOREM
@given(problems(constants=(True,)), st.data())
def test_shifts_of_columns_with_a_constant(problem, data):
    width = problem.x.shape[1]
    shift = np.array(data.draw(st.lists(st.floats(-5, 5), min_size=width, max_size=width)))
    shift[0] = 0.0
    matrix = np.eye(width)
    matrix[0] += shift * problem.x.std(axis=0)
    assert_columns_map(problem, matrix)


@THEOREM
@given(problems(), st.integers(0, 2**32 - 1))
def test_rotations_of_columns(problem, seed):
    rng = np.random.default_rng(seed)
    width = problem.x.shape[1]
    size = np.diag(1 / np.abs(problem.x).max(axis=0))
    turn = np.linalg.qr(rng.normal(size=(width, width)))[0]
    assert_columns_map(problem, size @ turn)


@THEOREM
@given(problems(), st.data())
def test_offset_constant_over_categories_changes_nothing(problem, data):
    shift = data.draw(st.floats(-20, 20))
    old = np.zeros(problem.d.shape) if problem.offset is None else problem.offset
    same_outputs(problem.fit(offset=old + shift), problem.fit(offset=old), kinds_for(problem))


@THEOREM
@given(problems(kinds=("labels", "counts"), weight_types=(None, "frequency", "sampling")))
def test_rows_of_no_weight_and_of_no_people_change_nothing(problem):
    rng = np.random.default_rng(len(problem.x))
    again = problem.take(np.concatenate([np.arange(len(problem.x)), rng.integers(0, 9, size=5)]))
    weightless = again.w.copy()
    weightless[-5:] = 0.0
    weight_type = problem.weight_type or "frequency"
    one = replace(problem, weights=problem.w, weight_type=weight_type).fit()
    two = replace(again, weights=weightless, weight_type=weight_type).fit()
    same_outputs(two, one, kinds_for(problem))
    assert two.audit.dropped == {"zero weight": 5}
    if problem.kind == "counts":
        d = again.d.copy()
        d[-5:] = 0.0
        same_outputs(replace(again, d=d).fit(), problem.fit(), kinds_for(problem))

"""The judges of the fuzzer: they let right fits pass, and would notice wrong ones."""

import random
import warnings
from dataclasses import replace

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import MNLogitError, MNLogitWarning
from tests.fuzz.costumes import Worn
from tests.fuzz.judging import attempt, freeze, is_separated, judge, judge_converged
from tests.fuzz.outcomes import Drawn
from tests.fuzz.strategies import Case


@pytest.fixture
def case(rng):
    codes = rng.integers(0, 3, 60)
    x = np.column_stack([np.ones(60), rng.normal(size=60) * 1e8])
    return Case(Worn(x, x), Drawn(codes, [0, 1, 2], np.eye(3)[codes], "labels"), {}, {}, None, None)


def change(results, **changes):
    moved = replace(results.record.maximum, **changes)
    return ml.results.MNLogitResults(replace(results.record, maximum=moved), results.covariance)


def test_a_right_fit_passes(case):
    assert judge(case).converged


@pytest.mark.parametrize("shift", [1e-4, -1.0, np.nan, np.inf])
def test_a_wrong_fit_is_noticed(shift, case):
    results = judge(case)
    params = results.record.maximum.params.copy()
    params[0] += shift
    with pytest.raises(AssertionError):
        judge_converged(case, change(results, params=params), set())


def test_separation_is_seen(rng):
    x = np.column_stack([np.ones(40), rng.normal(size=40)])
    codes = rng.integers(0, 3, 40)
    assert not is_separated(x, np.eye(3)[codes])
    assert is_separated(x, np.eye(3)[(x[:, 1] > 0).astype(int)][:, :2])
    assert is_separated(x, np.eye(3)[np.where(x[:, 1] > 1, 2, codes % 2)])


def test_rows_taken_for_others_are_noticed(case):
    turned = replace(case, x=Worn(case.x.given, case.x.values[::-1]))
    with pytest.raises(AssertionError):
        judge(turned)


def test_a_fit_of_what_holds_no_numbers_is_noticed(case):
    with pytest.raises(AssertionError, match="no numbers"):
        judge(replace(case, x=Worn(case.x.given, None)))


@pytest.mark.parametrize(
    "question",
    [
        lambda: np.log(np.zeros(1)),
        lambda: warnings.warn("another package's", FutureWarning, stacklevel=1),
        lambda: [][1],
        lambda: np.random.rand(),  # noqa: NPY002
        random.random,
        lambda: np.seterr(under="raise"),
        lambda: warnings.simplefilter("ignore"),
    ],
)
def test_what_is_not_ours_is_not_let_through(question):
    state, numbers, settings = random.getstate(), np.random.get_state(), np.geterr()  # noqa: NPY002
    try:
        with pytest.raises((AssertionError, Warning, IndexError)):
            attempt(question)
    finally:
        random.setstate(state)
        np.random.set_state(numbers)  # noqa: NPY002
        np.seterr(**settings)


def test_our_errors_and_warnings_are_let_through():
    def warn():
        warnings.warn("something", MNLogitWarning, stacklevel=1)
        return 1

    def fail(said):
        raise MNLogitError(said)

    assert attempt(warn) == (1, {"MNLogitWarning"})
    assert attempt(lambda: fail("something")) == (None, set())
    with pytest.raises(AssertionError, match="says nothing"):
        attempt(lambda: fail(" "))


def test_changed_data_would_show():
    array = np.ones((2, 2))
    frozen = freeze(array)
    array[0, 0] = 2
    assert freeze(array) != frozen
    assert freeze([1, {"a": array}]) != freeze([1, {"a": array + 1}])

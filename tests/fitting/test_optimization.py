"""The climb: methods, statuses, trace, callback, starts and what a stop claims."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    OptionError,
    ParamsError,
)
from mlelogit.fitting.maximum import Status
from mlelogit.fitting.optimization import METHODS, STATSMODELS_METHODS, find_method
from tests.theorems.strategies import distance, matrix_gap, params_of


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(7)
    x = np.column_stack([np.ones(150), rng.normal(size=(150, 2))])
    scores = x @ rng.normal(size=(3, 4)) + rng.gumbel(size=(150, 4))
    return scores.argmax(axis=1), x


@pytest.fixture(scope="module")
def best(data):
    return ml.MNLogit(*data).fit()


def test_words_stand_for_scipys_methods():
    assert find_method("newton", 10) == "trust-exact"
    assert find_method("lbfgs", 10) == "L-BFGS-B"
    assert find_method("auto", 10) == "trust-exact"
    assert find_method("auto", 10_000) == "L-BFGS-B"
    assert all(find_method(method, 3) == method for method in METHODS)


@pytest.mark.parametrize("word", ["simplex", "NEWTON", "", None, 3, "trust"])
def test_unknown_words_raise_and_list_the_choices(data, word):
    with pytest.raises(OptionError) as caught:
        ml.MNLogit(*data).fit(word)
    for choice in ("auto", *METHODS, *STATSMODELS_METHODS):
        assert choice in str(caught.value)


@pytest.mark.parametrize("method", ["auto", *METHODS, *STATSMODELS_METHODS])
def test_every_method_reaches_the_certified_maximum(data, best, method):
    res = ml.MNLogit(*data).fit(method)
    assert res.converged
    assert distance(res.params, best.params, best.bse) < 1e-8
    assert abs(res.llf - best.llf) < 1e-11 * abs(best.llf)
    assert res.record.maximum.method == find_method(method, res.params.size)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_the_last_row_of_the_trace_is_the_answer(data, method):
    model = ml.MNLogit(*data)
    res = model.fit(method)
    assert res.trace["loglike"].iloc[-1] == res.llf
    path = res.record.maximum.trace.params
    assert (path[-1] == res.record.maximum.params).all()
    assert abs(model.loglike(path[-1]) - res.llf) < 1e-11 * abs(res.llf)
    assert res.trace["stage"].iloc[0] == "start"
    assert abs(res.trace["loglike"].iloc[0] - res.llnull) < 1e-11 * abs(res.llnull)
    assert len(path) == len(res.trace)
    values = [model.loglike(point) for point in path]
    assert np.abs(values - res.trace["loglike"].to_numpy()).max() < 1e-10 * abs(res.llf)
    assert res.trace["evaluations"].is_monotonic_increasing
    assert res.trace["score_norm"].iloc[-1] < 1e-9


@pytest.mark.parametrize("maxiter", [1, 2, 3, None])
@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_the_inverse_is_that_of_the_information_kept(data, method, maxiter):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        maximum = ml.MNLogit(*data).fit(method, maxiter=maxiter).record.maximum
    assert np.abs(maximum.inverse @ maximum.sums.information - np.eye(9)).max() < 1e-9


def test_callback_sees_every_iteration_in_the_users_columns(data):
    seen = []
    model = ml.MNLogit(data[0], data[1] * [1, 1e6, 1e-6])
    res = model.fit(callback=lambda params: seen.append(params.copy()))
    assert len(seen) == res.record.maximum.iterations
    assert distance(seen[-1], res.record.maximum.params, res.bse.to_numpy().T.ravel()) < 1e-9
    rises = np.diff([model.loglike(params) for params in seen])
    assert (rises > -1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_callback_can_stop_the_climb(data, method):
    calls = []

    def stop(params):
        calls.append(params)
        return len(calls) == 2

    model = ml.MNLogit(*data)
    with pytest.warns(NotConvergedWarning, match="callback"):
        res = model.fit(method, callback=stop)
    assert len(calls) == 2
    assert not res.converged
    assert res.record.maximum.status is Status.CALLBACK
    assert abs(model.loglike(res.params) - res.llf) < 1e-11 * abs(res.llf)


@pytest.mark.parametrize("method", ["trust-exact", "L-BFGS-B", "BFGS", "Newton-CG"])
@pytest.mark.parametrize("maxiter", [1, 2])
def test_a_climb_stopped_early_tells_how_far_off_it_can_be(data, best, method, maxiter):
    with pytest.warns(NotConvergedWarning) as caught:
        res = ml.MNLogit(*data).fit(method, maxiter=maxiter)
    assert not res.converged
    assert res.record.maximum.status is Status.MAXITER
    assert res.record.maximum.iterations <= maxiter
    said = str(caught[0].message)
    found = re.search(r"up to ([\d.e+-]+) of their standard errors, .* up to ([\d.e+-]+)\.$", said)
    if found is None:
        assert "no bound" in said
        assert res.certificate.error_bound == np.inf
        return
    errors = np.asarray(res.with_cov("nonrobust").bse)
    off = distance(res.params, best.params, errors)
    assert 1e-6 < off <= float(found[1]) * 1.05
    assert best.llf - res.llf <= float(found[2]) * 1.05
    assert off <= res.certificate.error_bound
    assert best.llf - res.llf <= res.certificate.loglike_gap


def test_an_early_stop_near_the_maximum_does_give_a_bound(data, best):
    start = best.record.maximum.params + 0.02 * np.asarray(best.bse).T.ravel()
    with pytest.warns(NotConvergedWarning, match="of their standard errors"):
        res = ml.MNLogit(*data).fit("L-BFGS-B", start_params=start, maxiter=1)
    assert res.certificate.finite_maximum
    assert distance(res.params, best.params, res.bse) <= res.certificate.error_bound


def test_a_tolerance_below_rounding_stalls(data):
    with pytest.warns(NotConvergedWarning, match="rounding hides"):
        res = ml.MNLogit(*data).fit(tol=1e-25)
    assert res.record.maximum.status is Status.STALLED
    assert not res.converged


@pytest.mark.parametrize("method", METHODS)
def test_separated_data_have_no_finite_maximum(method):
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    with pytest.warns(NoFiniteMaximumWarning, match="Complete separation"):
        res = ml.MNLogit((np.arange(20) > 9).astype(int), x).fit(method)
    assert res.record.maximum.status is Status.SEPARATED
    assert not res.converged
    assert np.isnan(res.cov_params().to_numpy()).all()


@pytest.mark.parametrize("maxiter", [0, -1, 2.5, True, "many"])
def test_maxiter_is_a_positive_whole_number(data, maxiter):
    with pytest.raises(OptionError, match="maxiter"):
        ml.MNLogit(*data).fit(maxiter=maxiter)


@pytest.mark.parametrize("tol", [0, -1e-6, np.inf, np.nan, "small", None])
def test_tol_is_a_positive_number(data, tol):
    with pytest.raises(OptionError, match="tol"):
        ml.MNLogit(*data).fit(tol=tol)


def test_starts_are_read_flat_or_labelled(data, best):
    model = ml.MNLogit(*data)
    flat = np.arange(9) / 10
    wanted = model.loglike(flat)
    frame = pd.DataFrame(flat.reshape(3, 3).T, index=best.params.index, columns=best.params.columns)
    series = pd.Series(flat, index=best.cov_params().index)
    for start in (flat, list(flat), frame, frame.iloc[::-1, ::-1], series, series.iloc[::-1]):
        res = model.fit(start_params=start)
        assert abs(res.trace["loglike"].iloc[0] - wanted) < 1e-11 * abs(wanted)
        assert distance(res.params, best.params, best.bse) < 1e-9


def test_a_start_at_the_answer_is_the_answer(data, best):
    res = ml.MNLogit(*data).fit(start_params=best.params)
    assert res.converged
    assert distance(res.params, best.params, best.bse) < 1e-12


@pytest.mark.parametrize(
    "start",
    [
        np.full(9, np.nan),
        np.full(9, np.inf),
        np.zeros(8),
        np.zeros((9, 1, 1)),
        "zeros",
        [["a"] * 3] * 3,
        pd.DataFrame(np.zeros((3, 3)), index=list("abc"), columns=[1, 2, 3]),
    ],
)
def test_wrong_starts_raise(data, start):
    with pytest.raises(ParamsError):
        ml.MNLogit(*data).fit(start_params=start)


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B", "BFGS", "Newton-CG"])
@pytest.mark.parametrize("size", [10.0, 1e3, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_far_starts_come_back(data, best, method, size, seed):
    start = size * np.random.default_rng(seed).normal(size=9)
    res = ml.MNLogit(*data).fit(method, start_params=start)
    assert res.converged
    assert distance(res.params, best.params, best.bse) < 1e-6
    assert matrix_gap(res.cov_params(), best.cov_params()) < 1e-6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [10.0, 1e3, 1e6])
@pytest.mark.parametrize("seed", range(6))
def test_far_starts_never_fail_otherwise_than_by_saying_so(data, best, method, size, seed):
    start = size * np.random.default_rng(seed).normal(size=9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        res = ml.MNLogit(*data).fit(method, start_params=start)
    if res.converged:
        assert distance(res.params, best.params, best.bse) < 1e-6
    else:
        assert res.record.maximum.status in (Status.MAXITER, Status.STALLED)


@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_move_the_answer(data, best, method):
    units = np.array([1.0, 1e8, 1e-8])
    res = ml.MNLogit(data[0], data[1] * units).fit(method)
    assert res.converged
    assert distance(params_of(res) * units, params_of(best), np.asarray(best.bse).T) < 1e-8
    assert np.abs(np.asarray(res.bse).T * units / np.asarray(best.bse).T - 1).max() < 1e-8
    assert abs(res.llf - best.llf) < 1e-11 * abs(best.llf)


@pytest.mark.parametrize(("few", "weight"), [(10, 1e6), (1, 1e8), (5, 1e7)])
def test_a_few_enormous_weights_do_not_make_the_climb_creep(rng, few, weight):
    x = np.column_stack([np.ones(3000), rng.normal(size=(3000, 11))])
    scores = x @ rng.normal(scale=0.5, size=(12, 7))
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    weights = rng.uniform(0.5, 2, 3000)
    weights[:few] = weight
    model = ml.MNLogit(codes, x, weights=weights, weight_type="importance")
    quick, sure = model.fit(), model.fit("newton")
    assert quick.converged
    assert quick.record.maximum.iterations < 200
    assert distance(quick.params, sure.params, sure.bse) < 1e-8


@pytest.mark.parametrize("exponent", [-40, 40, 80])
def test_units_of_a_power_of_two_change_no_digit(data, best, exponent):
    units = np.array([1.0, 2.0**exponent, 1.0])
    res = ml.MNLogit(data[0], data[1] * units).fit()
    assert (params_of(res) * units == params_of(best)).all()
    assert (np.asarray(res.bse).T * units == np.asarray(best.bse).T).all()
    assert res.llf == best.llf

"""What holds at the maximum: shares, entropy, cross-entropy and sums of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given

from mlelogit.equivalence import cross_entropy
from tests.theorems.strategies import THEOREM, params_of, problems


@THEOREM
@given(problems())
def test_cross_entropy_of_the_fitted_probabilities_is_minus_llf(problem):
    res = problem.fit()
    y = res.fittedvalues.to_numpy()
    assert abs(cross_entropy(problem.d, y, problem.w) + res.llf) < 1e-11 * abs(res.llf)
    by_hand = -(problem.w[:, None] * problem.d * np.log(y)).sum()
    assert abs(by_hand + res.llf) < 1e-11 * abs(res.llf)


@THEOREM
@given(problems())
def test_fitted_probabilities_are_the_softmax_of_the_scores(problem):
    res = problem.fit()
    expected = problem.probabilities(params_of(res))
    assert np.abs(res.fittedvalues.to_numpy() - expected).max() < 1e-10


@THEOREM
@given(problems(constants=(True,)))
def test_mean_fitted_share_is_observed_share(problem):
    y = problem.fit().fittedvalues.to_numpy()
    expected = (problem.w * problem.t) @ y
    assert np.abs(expected - problem.w @ problem.d).max() < 1e-9 * (problem.w @ problem.t)


@THEOREM
@given(problems())
def test_moments_of_the_fit_are_the_moments_of_the_data(problem):
    y = problem.fit().fittedvalues.to_numpy()
    fitted = problem.x.T @ ((problem.w * problem.t)[:, None] * y)
    observed = problem.x.T @ (problem.w[:, None] * problem.d)
    size = np.abs(problem.x).T @ (problem.w * problem.t)
    assert (np.abs(fitted - observed) < 1e-9 * size[:, None]).all()


@THEOREM
@given(problems(offsets=(False,)))
def test_entropy_of_the_fit_is_minus_llf(problem):
    res = problem.fit()
    y = res.fittedvalues.to_numpy()
    entropy = -((problem.w * problem.t)[:, None] * y * np.log(y)).sum()
    assert abs(entropy + res.llf) < 1e-9 * abs(res.llf)


@THEOREM
@given(problems(offsets=(True,)))
def test_entropy_with_an_offset(problem):
    res = problem.fit()
    y = res.fittedvalues.to_numpy()
    expected = problem.t[:, None] * y
    rows = (-expected * np.log(y) + (expected - problem.d) * problem.offset).sum(axis=1)
    assert abs(problem.w @ rows + res.llf) < 1e-9 * abs(res.llf)


@THEOREM
@given(problems())
def test_rows_add_up(problem):
    res = problem.fit()
    assert abs(res.loglikeobs().sum() - res.llf) < 1e-11 * abs(res.llf)
    model = problem.model()
    gap = model.loglikeobs(res.params).sum() - model.loglike(res.params)
    assert abs(gap) < 1e-11 * abs(res.llf)
    scores = res.score_obs()
    size = np.abs(scores).sum().to_numpy()
    assert (np.abs(scores.sum().to_numpy()) <= 1e-9 * size).all()
    assert (np.abs(res.score().to_numpy().T.ravel()) <= 1e-9 * size).all()


@THEOREM
@given(problems())
def test_score_obs_are_weighted_residuals_times_columns(problem):
    res = problem.fit()
    y = problem.probabilities(params_of(res))
    residuals = problem.d - problem.t[:, None] * y
    assert np.abs(res.resid_response.to_numpy() - residuals).max() < 1e-9
    expected = np.einsum("n,nj,nk->njk", problem.w, residuals[:, problem.free], problem.x)
    gap = np.abs(res.score_obs().to_numpy().reshape(expected.shape) - expected)
    assert (gap < 1e-9 * np.abs(problem.x).max(axis=0) * problem.w.max()).all()


@THEOREM
@given(problems())
def test_null_model_is_a_fit_on_a_constant_alone(problem):
    res = problem.fit()
    if problem.constant:
        null = replace(problem, x=np.ones((len(problem.x), 1))).fit()
        assert abs(res.llnull - null.llf) < 1e-10 * abs(null.llf)
        assert res.df_model == (problem.d.shape[1] - 1) * (problem.x.shape[1] - 1)
        assert abs(null.llnull - null.llf) < 1e-10 * abs(null.llf)
        assert null.df_model == 0
    elif res.record.null.kind in ("offset", "equal shares"):
        at_zero = problem.probabilities(np.zeros_like(params_of(res)))
        expected = (problem.w[:, None] * problem.d * np.log(at_zero)).sum()
        assert abs(res.llnull - expected) < 1e-12 * abs(expected)
        assert res.df_model == res.params.size
    else:
        raise AssertionError("these columns span no constant")
    assert res.llnull <= res.llf + 1e-9


@THEOREM
@given(problems(offsets=(False,), constants=(True,)))
def test_null_model_without_an_offset_is_the_entropy_of_the_shares(problem):
    totals = problem.w @ problem.d
    expected = totals @ np.log(totals / totals.sum())
    assert abs(problem.fit().llnull - expected) < 1e-12 * abs(expected)

"""Different ways of writing down one data set, which must give one answer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from mlelogit.data.blocks import RowBlocks
from mlelogit.fitting.basis import find_basis
from mlelogit.fitting.likelihood import map_loglikeobs, sum_meat
from mlelogit.fitting.objective import LogLikelihood
from tests.theorems.strategies import (
    THEOREM,
    TINY,
    Problem,
    distance,
    kinds_for,
    params_of,
    problems,
    relative,
    same_outputs,
)


def same_table(one, two) -> None:
    """Assert that everything a table prints agrees."""
    same_outputs(one, two)
    assert relative(one.bse, two.bse) < TINY
    assert distance(one.tvalues, two.tvalues, np.ones(one.params.shape)) < TINY
    assert np.abs(one.pvalues - two.pvalues).max(axis=None) < TINY
    assert abs(one.llr_pvalue - two.llr_pvalue) <= TINY or np.isnan(two.llr_pvalue)


@THEOREM
@given(problems(weight_types=("frequency",)))
def test_frequency_weights_are_replicated_rows(problem):
    rows = np.repeat(np.arange(len(problem.x)), problem.weights.astype(int))
    replicated = replace(problem.take(rows), weights=None, weight_type=None)
    one, two = problem.fit(), replicated.fit()
    same_outputs(one, two, kinds_for(replicated))
    same_table(one, two)
    assert np.abs(one.pred_table() - two.pred_table()).max(axis=None) < 1e-9


@THEOREM
@given(problems(kinds=("counts",)))
def test_counts_are_expanded_rows(problem):
    rows, codes = problem.people()
    d = np.eye(problem.d.shape[1])[codes]
    expanded = replace(problem.take(rows), d=d, kind="labels")
    one, two = problem.fit(), expanded.fit()
    same_outputs(one, two, kinds_for(problem))
    same_table(one, two)
    assert np.abs(one.pred_table() - two.pred_table()).max(axis=None) < 1e-9


@THEOREM
@given(problems(kinds=("probabilities",), weight_types=(None, "importance")))
def test_soft_labels_are_importance_weighted_rows(problem):
    rows, codes = np.nonzero(problem.d)
    expanded = replace(
        problem.take(rows),
        d=np.eye(problem.d.shape[1])[codes],
        kind="labels",
        weights=problem.w[rows] * problem.d[rows, codes],
        weight_type="importance",
    )
    one, two = problem.fit(), expanded.fit()
    assert distance(one.params, two.params, two.bse) < TINY
    assert relative(one.bse, two.bse) < TINY
    assert abs(one.nobs - two.nobs) < 1e-9 * two.nobs
    for name in ("llf", "llnull", "aic", "bic"):
        assert abs(getattr(one, name) - getattr(two, name)) < 1e-9 * abs(two.llnull), name


@THEOREM
@given(problems(kinds=("labels",), weight_types=(None,)))
def test_one_person_counted_and_certain_soft_labels_are_labels(problem):
    labels = problem.fit()
    same_outputs(problem.fit(kind="counts"), labels, kinds_for(problem))
    same_outputs(problem.fit(kind="probabilities"), labels, kinds_for(problem))


@THEOREM
@given(problems(), st.floats(0.1, 10.0))
def test_importance_weights_scale_the_loglikelihood(problem, factor):
    plain = replace(problem, weights=problem.w, weight_type="importance")
    one, two = plain.fit(), plain.fit(weights=factor * problem.w)
    assert distance(two.params, one.params, one.bse) < TINY
    assert relative(two.bse * np.sqrt(factor), one.bse) < TINY
    assert abs(two.llf - factor * one.llf) < 1e-10 * abs(two.llf)


@THEOREM
@given(problems(weight_types=("sampling",)), st.floats(0.1, 10.0))
def test_robust_errors_do_not_see_the_scale_of_sampling_weights(problem, factor):
    one, two = problem.fit(), problem.fit(weights=factor * problem.weights)
    assert one.cov_type == two.cov_type == "robust"
    assert distance(two.params, one.params, one.bse) < TINY
    for kind in ("HC0", "HC1", "robust"):
        assert relative(two.with_cov(kind).bse, one.with_cov(kind).bse) < TINY


@THEOREM
@given(problems(kinds=("labels", "counts"), weight_types=(None, "frequency"), categories=(2,)))
def test_two_categories_are_statsmodels_logit(problem):
    rows, codes = problem.people()
    times = problem.w[rows].astype(int)
    rows, codes = np.repeat(rows, times), np.repeat(codes, times)
    offset = None
    if problem.offset is not None:
        offset = (problem.offset[:, 1 - problem.base] - problem.offset[:, problem.base])[rows]
    unit = np.abs(problem.x).max(axis=0)
    peer = sm.Logit((codes != problem.base).astype(float), (problem.x / unit)[rows], offset=offset)
    theirs = peer.fit(disp=0, maxiter=200)
    ours = problem.fit()
    assert distance(params_of(ours)[0] * unit, theirs.params, theirs.bse) < 1e-6
    assert relative(ours.with_cov("nonrobust").bse.to_numpy()[:, 0] * unit, theirs.bse) < 1e-6
    assert abs(ours.llf - theirs.llf) < 1e-10 * abs(theirs.llf)
    assert ours.nobs == len(rows)
    probabilities = np.asarray(peer.predict(params_of(ours)[0] * unit))
    fitted = ours.fittedvalues.to_numpy()[rows, 1 - problem.base]
    assert np.abs(probabilities - fitted).max() < 1e-12


def cut(problem: Problem, size: int) -> RowBlocks:
    return RowBlocks(problem.model().design, size=size)


@THEOREM
@given(problems(), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_blocks_add_up_to_the_whole(problem, size, seed):
    whole, parts = cut(problem, 10_000), cut(problem, size)
    width = np.abs(problem.x).max(axis=0)
    params = np.random.default_rng(seed).normal(size=(len(problem.free), len(width))) / width
    one, two = (
        LogLikelihood(blocks, problem.base).evaluate(params.ravel(), 2) for blocks in (whole, parts)
    )
    assert one.rows == two.rows == len(problem.x)
    assert abs(one.loglike - two.loglike) <= 1e-13 * abs(one.loglike)
    scale = np.sqrt(np.diag(one.information))
    assert (np.abs(one.score - two.score) <= 1e-11 * scale).all()
    gap = np.abs(one.information - two.information) / np.outer(scale, scale)
    assert gap.max() < 1e-12
    squared = problem.weight_type == "sampling"
    meats = [
        b.reduce(sum_meat, params.ravel(), problem.base, squared).value for b in (whole, parts)
    ]
    assert np.abs(meats[0] - meats[1]).max() <= 1e-11 * np.abs(meats[0]).max()
    rows = [b.map(map_loglikeobs, params.ravel(), problem.base) for b in (whole, parts)]
    assert np.abs(rows[0] - rows[1]).max() <= 1e-12 * np.abs(rows[0]).max()


@THEOREM
@given(problems(), st.integers(1, 30))
def test_a_fit_in_blocks_is_the_fit_of_the_whole(problem, size):
    whole = problem.fit()
    with mock.patch("mlelogit.fitting.estimation.RowBlocks", partial(RowBlocks, size=size)):
        parts = problem.fit()
    assert parts.record.blocks.size == size
    same_outputs(parts, whole, kinds_for(problem))
    assert np.abs(parts.fittedvalues - whole.fittedvalues).max(axis=None) < TINY


@THEOREM
@given(problems(), st.integers(1, 30))
def test_the_internal_basis_is_orthogonal_however_the_rows_are_cut(problem, size):
    blocks = cut(problem, size)
    basis = find_basis(blocks, tuple(range(problem.x.shape[1])))
    z = basis.enter(problem.x.T)
    gram = z @ z.T / len(problem.x)
    assert np.abs(gram - np.eye(len(gram))).max() < 1e-9
    assert (basis.constant is not None) == spans_constant(problem.x)
    if basis.constant is not None:
        assert np.abs(basis.constant @ z - 1).max() < 1e-9


def spans_constant(x: np.ndarray) -> bool:
    """Tell whether a combination of the columns is one in every row."""
    scaled = x / np.abs(x).max(axis=0)
    rest = scaled @ np.linalg.lstsq(scaled, np.ones(len(x)), rcond=None)[0] - 1
    return bool(np.abs(rest).max() < 1e-8)

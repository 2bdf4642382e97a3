"""Bias reduction against its definition, closed forms and theorems."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.exceptions import (
    BiasReductionError,
    MNLogitError,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    OptionError,
    ParamsError,
)
from mlelogit.fitting.adjustments import sum_mean_adjustment, sum_third_cumulants
from mlelogit.fitting.basis import find_basis, make_objective
from mlelogit.fitting.optimization import METHODS

KINDS = ("mean", "median")
both = pytest.mark.parametrize("kind", KINDS)


def draw(seed, rows=120, columns=3, categories=4):
    """Rows of a logit with an intercept, columns first seen here."""
    generator = np.random.default_rng(seed)
    exog = np.column_stack([np.ones(rows), generator.normal(size=(rows, columns - 1))])
    scores = exog @ generator.normal(size=(columns, categories))
    scores += generator.gumbel(size=scores.shape)
    codes = scores.argmax(axis=1)
    codes[:categories] = np.arange(categories)
    return codes, exog


def draw_separated(seed):
    """Rows that lines tell apart without error: no coefficient has a finite maximum."""
    generator = np.random.default_rng(seed)
    rows, width = int(generator.integers(30, 150)), int(generator.integers(1, 4))
    exog = np.column_stack([np.ones(rows), generator.normal(size=(rows, width))])
    side = exog[:, 1:] @ generator.normal(size=width)
    return np.digitize(side, np.quantile(side, [0.3, 0.7])), exog


def make_models():
    """Every kind of outcome, weight, offset and storage."""
    generator = np.random.default_rng(5)
    codes, exog = draw(1)
    counts = generator.integers(0, 4, size=(len(codes), 4))
    shares = generator.dirichlet(np.ones(4), len(codes))
    whole = generator.integers(1, 5, len(codes))
    offset = generator.normal(size=(len(codes), 4))
    wide = sparse.csr_array(np.eye(40)[generator.integers(0, 40, 400)])
    return {
        "labels": ml.MNLogit(codes, exog),
        "base in the middle": ml.MNLogit(codes, exog, base=2),
        "frequency": ml.MNLogit(codes, exog, weights=whole, weight_type="frequency"),
        "importance": ml.MNLogit(codes, exog, weights=whole / 3, weight_type="importance"),
        "counts": ml.MNLogit(counts, exog, base=1),
        "probabilities": ml.MNLogit(shares, exog),
        "offset": ml.MNLogit(codes, exog, offset=offset, base=3),
        "two categories": ml.MNLogit(codes > 1, exog),
        "sparse": ml.MNLogit(generator.integers(0, 3, 400), wide),
    }


MODELS = make_models()
every_model = pytest.mark.parametrize("name", MODELS)


def half_log_determinant(model, params):
    return np.linalg.slogdet(model.information(params).to_numpy())[1] / 2


def differentiate(function, point, length=1e-5):
    """Central differences along every coordinate, of fourth order."""
    steps = length * np.eye(len(point))
    return np.array(
        [
            (8 * (function(point + s) - function(point - s)))
            - (function(point + 2 * s) - function(point - 2 * s))
            for s in steps
        ]
    ) / (12 * length)


def adjust(model, params, kind):
    """Return the adjusted score and V by the definitions, every P_t a numerical derivative."""
    score = model.score(params).to_numpy().ravel(order="F")
    information = model.information(params).to_numpy()
    inverse = np.linalg.inv(information)
    slopes = differentiate(lambda p: model.information(p).to_numpy(), params)
    score = score + np.einsum("ij,tji->t", inverse, slopes) / 2
    if kind == "mean":
        return score, inverse
    shift = np.empty(len(params))
    for r, row in enumerate(inverse):
        h = np.outer(row, row) / row[r]
        shift[r] = row @ np.einsum("ij,tji->t", h, slopes / 3)
    return score - information @ shift, inverse


@every_model
def test_mean_adjustment_is_the_slope_of_half_the_log_determinant(name):
    model = MODELS[name]
    size = (len(model.categories) - 1) * len(model.exog_names)
    params = np.random.default_rng(3).normal(size=size) / 3
    covariance = np.linalg.inv(model.information(params).to_numpy())
    base = model.encoding.base
    ours = RowBlocks(model.design, size=37).reduce(sum_mean_adjustment, params, base, covariance)
    slope = differentiate(lambda p: half_log_determinant(model, p), params, 1e-3)
    np.testing.assert_allclose(ours.value, slope, rtol=1e-7, atol=1e-7 * np.abs(slope).max())


@every_model
def test_third_cumulants_are_the_slopes_of_the_information(name):
    model = MODELS[name]
    size = (len(model.categories) - 1) * len(model.exog_names)
    generator = np.random.default_rng(4)
    params, directions = generator.normal(size=size) / 3, generator.normal(size=(5, size))
    ours = RowBlocks(model.design, size=37).reduce(
        sum_third_cumulants, params, model.encoding.base, directions
    )
    slopes = [
        differentiate(
            lambda t, v=v: v @ model.information(params + t[0] * v).to_numpy() @ v,
            np.zeros(1),
            1e-3,
        )[0]
        for v in directions
    ]
    np.testing.assert_allclose(ours.value, slopes, rtol=1e-7, atol=1e-7 * np.abs(slopes).max())


def test_a_fit_by_maximum_likelihood_has_no_penalty():
    result = MODELS["labels"].fit()
    assert np.isnan(result.penalized_llf)
    assert result.bias_reduction is None


@both
@every_model
def test_the_adjusted_score_of_the_definition_is_zero(name, kind):
    model = MODELS[name]
    result = model.fit(bias_reduction=kind)
    params = result.params.to_numpy().ravel(order="F")
    score, inverse = adjust(model, params, kind)
    assert np.sqrt(score @ inverse @ score) < 1e-7
    np.testing.assert_allclose(result.cov_params(), inverse, rtol=1e-8, atol=1e-12)
    assert result.converged
    assert result.bias_reduction == kind


@every_model
def test_the_penalized_log_likelihood_is_one(name):
    model = MODELS[name]
    result = model.fit(bias_reduction="mean")
    params = result.params.to_numpy().ravel(order="F")
    wanted = model.loglike(params) + half_log_determinant(model, params)
    np.testing.assert_allclose(result.penalized_llf, wanted, rtol=1e-12)
    np.testing.assert_allclose(result.llf, model.loglike(params), rtol=1e-12)
    path = result.trace["loglike"].to_numpy()
    assert path[-1] == result.penalized_llf
    assert path[-1] > path[0]
    assert np.isnan(model.fit(bias_reduction="median").penalized_llf)


@pytest.mark.parametrize("counts", [[5, 3, 9], [1, 1], [40, 1, 2, 3, 1], [1000, 1]])
def test_intercepts_alone_get_half_an_observation_per_category(counts):
    counts = np.array(counts)
    codes = np.repeat(np.arange(len(counts)), counts)
    result = ml.MNLogit(codes, np.ones((len(codes), 1))).fit(bias_reduction="mean")
    shares = (counts + 0.5) / (counts.sum() + len(counts) / 2)
    np.testing.assert_allclose(result.fittedvalues.iloc[0], shares, rtol=1e-10)


def test_a_saturated_model_gets_half_an_observation_per_cell():
    table = np.array([[3, 0, 7], [0, 0, 4], [2, 5, 1], [0, 6, 0]])
    result = ml.MNLogit(table, np.eye(4)).fit(bias_reduction="mean")
    cells = table + 0.5
    shares = cells / cells.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result.fittedvalues, shares, rtol=1e-9)


@pytest.mark.parametrize(("ones", "rows"), [(3, 10), (1, 2), (1, 40)])
def test_median_of_one_logit_gets_a_sixth_of_an_observation_per_category(ones, rows):
    """One parameter: ``s - n p + (1 - 2 p) / 6 = 0``."""
    codes = np.arange(rows) < ones
    result = ml.MNLogit(codes, np.ones((rows, 1))).fit(bias_reduction="median")
    share = (ones + 1 / 6) / (rows + 1 / 3)
    np.testing.assert_allclose(result.fittedvalues.iloc[0, 1], share, rtol=1e-10)


def test_mean_does_not_depend_on_the_base():
    codes, exog = draw(2)
    first = ml.MNLogit(codes, exog).fit(bias_reduction="mean")
    third = ml.MNLogit(codes, exog, base=2).fit(bias_reduction="mean")
    seen = first.rebase(2)
    np.testing.assert_allclose(seen.params, third.params, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(seen.bse, third.bse, rtol=1e-9)
    np.testing.assert_allclose(seen.penalized_llf, third.penalized_llf, rtol=1e-12)
    assert seen.bias_reduction == "mean"


def test_median_depends_on_the_base_and_is_not_rebased():
    codes, exog = draw(2, rows=40)
    first = ml.MNLogit(codes, exog).fit(bias_reduction="median")
    with pytest.raises(BiasReductionError, match="fit the model with that base"):
        first.rebase(2)
    third = ml.MNLogit(codes, exog, base=2).fit(bias_reduction="median")
    gap = np.abs(first.fittedvalues.to_numpy() - third.fittedvalues.to_numpy())
    assert gap.max() > 1e-4
    np.testing.assert_array_equal(first.rebase(0).params, first.params)


@pytest.mark.parametrize("seed", range(3))
def test_mean_follows_every_linear_map_of_the_columns(seed):
    codes, exog = draw(seed)
    generator = np.random.default_rng(seed)
    turn = generator.normal(size=(3, 3)) @ np.diag([1e-5, 1, 1e6])
    plain = ml.MNLogit(codes, exog).fit(bias_reduction="mean")
    turned = ml.MNLogit(codes, exog @ turn).fit(bias_reduction="mean")
    np.testing.assert_allclose(turn @ turned.params.to_numpy(), plain.params, rtol=1e-8, atol=1e-9)
    # The determinant of the information gains that of the map once per equation and side.
    gain = 3 * np.linalg.slogdet(turn)[1]
    np.testing.assert_allclose(turned.penalized_llf, plain.penalized_llf + gain, rtol=1e-10)


@both
def test_units_of_a_column_are_units_of_its_coefficients(kind):
    codes, exog = draw(6, rows=50)
    scale = np.array([1.0, 1e-7, 3e8])
    plain = ml.MNLogit(codes, exog).fit(bias_reduction=kind)
    scaled = ml.MNLogit(codes, exog * scale).fit(bias_reduction=kind)
    ours = scaled.params.to_numpy() * scale[:, np.newaxis]
    np.testing.assert_allclose(ours, plain.params, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(scaled.bse.to_numpy() * scale[:, np.newaxis], plain.bse, rtol=1e-9)


def test_median_is_made_for_the_coefficients_at_hand():
    codes, exog = draw(6, rows=30)
    turn = np.array([[1.0, 0, 0], [0, 1, 1], [0, -1, 1]])
    plain = ml.MNLogit(codes, exog).fit(bias_reduction="median")
    turned = ml.MNLogit(codes, exog @ turn).fit(bias_reduction="median")
    gap = np.abs(turn @ turned.params.to_numpy() - plain.params.to_numpy())
    assert gap.max() > 1e-4


@both
def test_equal_rows_may_be_weights_or_counts(kind):
    generator = np.random.default_rng(8)
    cells = np.column_stack([np.ones(9), *np.divmod(np.arange(9.0), 3)])
    table = generator.integers(0, 5, size=(9, 3)) + np.eye(3, dtype=int)[np.arange(9) % 3]
    counted = ml.MNLogit(table, cells).fit(bias_reduction=kind)
    rows, codes = (part.ravel() for part in np.indices(table.shape))
    weighed = ml.MNLogit(codes, cells[rows], weights=table.ravel(), weight_type="frequency").fit(
        bias_reduction=kind
    )
    times = table.ravel()
    single = ml.MNLogit(np.repeat(codes, times), np.repeat(cells[rows], times, axis=0)).fit(
        bias_reduction=kind
    )
    for other in (counted, weighed):
        np.testing.assert_allclose(other.params, single.params, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(other.bse, single.bse, rtol=1e-9)
    np.testing.assert_allclose(weighed.penalized_llf, single.penalized_llf, rtol=1e-12)


@both
def test_more_observations_leave_less_to_reduce(kind):
    """The bias falls as 1/n, and so does what is taken off for it."""
    codes, exog = draw(9)
    gaps = []
    for times in (1, 100, 10_000):
        weights = np.full(len(codes), times)
        model = ml.MNLogit(codes, exog, weights=weights, weight_type="frequency")
        gaps.append(model.fit(bias_reduction=kind).params - model.fit().params)
    sizes = [np.abs(gap.to_numpy()).max() for gap in gaps]
    np.testing.assert_allclose(sizes[1] / sizes[2], 100, rtol=0.01)
    assert sizes[0] > 50 * sizes[1]


@both
@pytest.mark.parametrize("seed", range(16))
def test_separated_data_have_finite_estimates(seed, kind):
    codes, exog = draw_separated(seed)
    result = ml.MNLogit(codes, exog).fit(bias_reduction=kind)
    assert result.converged
    assert np.isfinite(result.params.to_numpy()).all()
    assert (np.abs(result.tvalues.to_numpy()) < 10).all()
    assert not result.certificate.finite_maximum


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_same(method):
    codes, exog = draw_separated(3)
    model = ml.MNLogit(codes, exog)
    wanted = model.fit(bias_reduction="mean")
    result = model.fit(method, bias_reduction="mean")
    assert result.record.maximum.method == method
    np.testing.assert_allclose(result.params, wanted.params, rtol=1e-7)


@both
def test_thirty_categories_and_as_many_parameters_as_rows(kind):
    codes, exog = draw(10, rows=200, columns=7, categories=30)
    result = ml.MNLogit(codes, exog).fit(bias_reduction=kind)
    assert result.converged
    assert np.isfinite(result.bse.to_numpy()).all()


@both
def test_threads_change_no_bit(kind):
    codes, exog = draw(11, rows=6000)
    one, two = (ml.MNLogit(codes, exog).fit(bias_reduction=kind, threads=k) for k in (1, 2))
    np.testing.assert_array_equal(one.params, two.params)


@both
def test_large_designs_as_they_come_give_the_same(kind):
    """Rows that are not copied into the basis have their sums mapped instead."""
    codes, exog = draw(12, rows=90_000, columns=3, categories=3)
    design = np.asfortranarray(exog)
    whole = ml.MNLogit(codes, design)
    blocks = RowBlocks(whole.design)
    assert make_objective(blocks, 0, find_basis(blocks, whole.exog_names)).basis is not None
    result = whole.fit(bias_reduction=kind)
    params = result.params.to_numpy().ravel(order="F")
    score, inverse = adjust(whole, params, kind)
    assert np.sqrt(score @ inverse @ score) < 1e-6
    assert result.converged


def test_a_start_is_used():
    codes, exog = draw(13)
    model = ml.MNLogit(codes, exog)
    wanted = model.fit(bias_reduction="mean")
    again = model.fit(bias_reduction="mean", start_params=wanted.params)
    assert again.record.maximum.iterations <= 2
    np.testing.assert_allclose(again.params, wanted.params, rtol=1e-9, atol=1e-10)
    start = np.linspace(-0.5, 0.5, wanted.params.size)
    moved = model.fit(bias_reduction="mean", start_params=start)
    np.testing.assert_allclose(moved.record.maximum.trace.params[0], start, rtol=1e-12)
    with pytest.raises(ParamsError):
        model.fit(bias_reduction="mean", start_params=[1.0])
    far = model.fit(bias_reduction="mean", start_params=1e5 * start)
    np.testing.assert_allclose(far.params, wanted.params, rtol=1e-7, atol=1e-9)


def test_a_start_that_leads_nowhere_gives_way():
    codes, exog = draw_separated(20)
    model = ml.MNLogit(codes, exog)
    wanted = model.fit(bias_reduction="mean")
    size = wanted.params.size
    starts = np.random.default_rng(0).normal(size=(8, size)) * wanted.bse.to_numpy().ravel("F")
    for start in wanted.params.to_numpy().ravel("F") + 2 * starts:
        again = model.fit(bias_reduction="mean", start_params=start)
        np.testing.assert_allclose(again.params, wanted.params, rtol=1e-7)


@both
def test_few_iterations_are_no_convergence(kind):
    codes, exog = draw_separated(1)
    with pytest.warns(NotConvergedWarning, match="maxiter.*standard errors long"):
        result = ml.MNLogit(codes, exog).fit(bias_reduction=kind, maxiter=2)
    assert not result.converged
    assert result.record.maximum.iterations == 2
    assert "NOT CONVERGED" in result.summary().as_text()


def test_a_callback_sees_the_climb_and_stops_it():
    codes, exog = draw(14)
    seen = []
    with pytest.warns(NotConvergedWarning, match="callback"):
        ml.MNLogit(codes, exog).fit(
            bias_reduction="mean", callback=lambda p: seen.append(p) or len(seen) == 3
        )
    assert len(seen) == 3
    assert seen[0].shape == (9,)


@pytest.mark.parametrize("word", ["Mean", "firth", True, 1, ["mean"]])
def test_unknown_words_raise(word):
    with pytest.raises(OptionError, match="mean, median"):
        ml.MNLogit(*draw(15)).fit(bias_reduction=word)


def test_unknown_methods_raise():
    with pytest.raises(OptionError, match="L-BFGS-B"):
        ml.MNLogit(*draw(15)).fit("fastest", bias_reduction="mean")


@both
def test_sampling_weights_raise(kind):
    codes, exog = draw(15)
    model = ml.MNLogit(codes, exog, weights=np.ones(len(codes)), weight_type="sampling")
    with pytest.raises(BiasReductionError, match="sampling"):
        model.fit(bias_reduction=kind)


@both
def test_what_maximizes_the_likelihood_says_no(kind):
    codes, exog = draw(16)
    result = ml.MNLogit(codes, exog).fit(bias_reduction=kind)
    with pytest.raises(BiasReductionError, match="maximize"):
        result.verify()
    with pytest.raises(BiasReductionError, match="Refits"):
        result.refit(np.ones((2, len(codes))))
    assert issubclass(BiasReductionError, MNLogitError)


@both
def test_likelihood_ratio_tests_do_not_apply(kind):
    codes, exog = draw(17)
    larger = ml.MNLogit(codes, exog).fit(bias_reduction=kind)
    smaller = ml.MNLogit(codes, exog[:, :2])
    for one, two in itertools.permutations([kind, None]):
        pair = ml.MNLogit(codes, exog).fit(bias_reduction=one), smaller.fit(bias_reduction=two)
        test = pair[0].lr_test(pair[1])
        assert np.isnan(test.p_value)
        assert "bias-reduced" in test.reason
    assert np.isnan([larger.llr, larger.llr_pvalue]).all()
    assert "bias-reduced" in larger.statistics.reason
    assert np.isfinite([larger.aic, larger.bic, larger.llf]).all()


@pytest.mark.parametrize(
    ("kind", "said"), [("mean", "mean (Firth)"), ("median", "median (Kenne Pagui")]
)
def test_the_summary_says_which_bias(kind, said):
    codes, exog = draw(18)
    text = ml.MNLogit(codes, exog).fit(bias_reduction=kind).summary().as_text()
    assert f"Bias reduction: {said}" in text
    assert "Adjusted score:" in text
    assert "Certificate" not in text
    assert "MLE" not in text
    assert "Bias reduction" not in ml.MNLogit(codes, exog).fit().summary().as_text()


def test_robust_covariances_are_sandwiches_at_the_estimate():
    codes, exog = draw(19)
    result = ml.MNLogit(codes, exog).fit(bias_reduction="mean", cov_type="HC0")
    scores = result.score_obs().to_numpy()
    bread = result.with_cov("nonrobust").cov_params().to_numpy()
    np.testing.assert_allclose(result.cov_params(), bread @ scores.T @ scores @ bread, rtol=1e-8)


def test_the_warning_of_separation_names_the_remedy():
    with pytest.warns(NoFiniteMaximumWarning, match="bias_reduction='mean'"):
        ml.MNLogit(*draw_separated(0)).fit()


def test_formulas_take_it_too(voters):
    result = ml.mnlogit("vote ~ age + region", voters, base="cat").fit(bias_reduction="mean")
    assert isinstance(result.params, pd.DataFrame)
    assert list(result.params) == ["ann", "bob"]
    assert result.predict(voters).shape == (400, 3)

"""Every reference case: our numbers against those of R, Stata and the theorems of a fit."""

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest

from mlelogit.exceptions import NoFiniteMaximumWarning, SeparationWarning
from mlelogit.fitting.optimization import METHODS, STATSMODELS_METHODS
from tests.reference_cases import PLAIN, SEPARATED, build_model, fit_case, load_case
from tests.ways import WAYS

STANDARD_ERRORS = 1e-7
RELATIVE = 1e-7
WEIGHTED = [name for name in PLAIN if load_case(name).truth["weights"]]
ROBUST = [name for name in PLAIN if "robust" in load_case(name).truth["extra"]]
BIAS_REDUCED = [
    (name, block["type"])
    for name in (*PLAIN, *SEPARATED)
    for block in load_case(name).truth.get("bias_reduced", ())
]
BIAS_KINDS = {"AS_mean": "mean", "MPL_Jeffreys": "mean", "AS_median": "median"}
ROBUST_KINDS = {
    "HC0": "HC0_se",
    "robust": "stata_vce_robust_se",
    "HC1": "HC1_se_n_over_n_minus_k",
}


def align(case, ours, truth):
    """Put our table in the truth's order; a fit of arrays has the formula's columns unnamed."""
    named = ours.set_axis(list(build_model(case.truth["id"]).exog_names), axis=0)
    return named.loc[list(truth.index), list(truth.columns)].to_numpy()


@pytest.fixture(params=["formula", "arrays", *WAYS])
def through(request):
    return request.param


@pytest.fixture(params=PLAIN)
def case(request):
    return load_case(request.param)


@pytest.fixture
def result(case, through):
    return fit_case(case.truth["id"], through)


def test_every_open_case_is_here():
    assert len(PLAIN) == 15
    assert len(ROBUST) == 10
    assert len(WEIGHTED) == 5


def test_fit_is_certified(result):
    assert result.converged
    assert result.certificate.product < 1
    assert result.certificate.error_bound <= 1e-6


def test_coefficients(case, result):
    truth, bse = case.table("coef"), case.table("se").to_numpy()
    npt.assert_array_less(
        np.abs(align(case, result.params, truth) - truth.to_numpy()) / bse, STANDARD_ERRORS
    )


def test_standard_errors(case, result):
    truth = case.table("se")
    npt.assert_allclose(align(case, result.bse, truth), truth, rtol=RELATIVE)


def test_z_and_p_values(case, result):
    z, p = case.table("z"), case.table("pvalue")
    npt.assert_allclose(align(case, result.tvalues, z), z, rtol=RELATIVE, atol=STANDARD_ERRORS)
    relative = np.abs(align(case, result.pvalues, p) / p.to_numpy() - 1)
    npt.assert_array_less(relative, 2 * STANDARD_ERRORS * (1 + z.to_numpy() ** 2))


def test_covariance(case, result):
    truth, bse = case.vcov, case.table("se").to_numpy().T.ravel()
    ours = result.cov_params()
    names = list(build_model(case.truth["id"]).exog_names)
    labels = pd.MultiIndex.from_product([list(result.params.columns), names])
    ours = ours.set_axis(labels, axis=0).set_axis(labels, axis=1).loc[truth.index, truth.columns]
    scaled = (ours.to_numpy() - truth.to_numpy()) / np.outer(bse, bse)
    npt.assert_allclose(scaled, 0, atol=2 * RELATIVE)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("llf", "loglik"),
        ("llnull", "loglik_null"),
        ("llr", "lr_chi2"),
        ("prsquared", "mcfadden_r2"),
        ("aic", "aic"),
        ("bic", "bic"),
    ],
)
def test_fit_statistics(case, result, ours, theirs):
    npt.assert_allclose(getattr(result, ours), case.truth[theirs], rtol=RELATIVE)


def test_likelihood_ratio_p_value(case, result):
    chi2 = case.truth["lr_chi2"]
    npt.assert_allclose(result.llr_pvalue, case.truth["lr_p"], rtol=RELATIVE * max(1, chi2))


def test_counts(case, result):
    truth = case.truth
    assert result.nobs == truth["n_obs"]
    assert result.df_model == truth["df_model"]
    assert result.df_resid == truth["n_obs"] - truth["n_params"]
    assert result.params.size == truth["n_params"]
    found = {str(category): total for category, total in result.audit.categories.items()}
    assert found == truth["category_counts"]


def test_rows_dropped(case):
    dropped = fit_case(case.truth["id"]).audit.dropped
    assert dropped.get("missing values", 0) == case.truth["n_dropped_na"]
    assert dropped.get("zero weight", 0) == case.truth["n_dropped_zero_weight"]


def test_first_five_fitted_rows(case, result):
    fitted = result.predict(frame="pandas")[case.categories].to_numpy()[:5]
    npt.assert_allclose(fitted, case.truth["fitted_first5"], rtol=RELATIVE, atol=1e-12)


def test_mean_fitted_shares(case, result):
    fitted = result.predict(frame="pandas")[case.categories]
    name = case.truth["weights"]
    used = case.data.dropna(subset=list(result.record.encoding.variables))
    weights = None if name is None else used[name][used[name] > 0]
    mean = np.average(fitted, axis=0, weights=weights)
    npt.assert_allclose(mean, list(case.truth["fitted_mean"].values()), rtol=RELATIVE)


@pytest.mark.parametrize("kind", ROBUST_KINDS)
@pytest.mark.parametrize("name", ROBUST)
def test_robust_standard_errors(name, kind, through):
    case = load_case(name)
    truth = case.table(ROBUST_KINDS[kind], case.truth["extra"]["robust"])
    ours = fit_case(name, through).with_cov(kind)
    npt.assert_allclose(align(case, ours.bse, truth), truth, rtol=RELATIVE)
    estimates = case.table("coef")
    npt.assert_array_less(
        np.abs(align(case, ours.params, estimates) - estimates.to_numpy()) / truth.to_numpy(),
        2 * STANDARD_ERRORS,
    )


@pytest.mark.parametrize("method", ["auto", *METHODS, *STATSMODELS_METHODS])
def test_every_method_reaches_the_optimum(case, method):
    result = build_model(case.truth["id"]).fit(method)
    truth, bse = case.table("coef"), case.table("se").to_numpy()
    assert result.converged
    error = np.abs(align(case, result.params, truth) - truth.to_numpy()) / bse
    npt.assert_array_less(error, STANDARD_ERRORS)
    assert error.max() <= result.certificate.error_bound + 1e-10


def test_trace_ends_at_the_answer(case, result):
    last = result.trace.iloc[-1]
    assert last["loglike"] == result.llf
    npt.assert_array_equal(result.record.maximum.trace.params[-1], result.record.maximum.params)
    assert result.trace["loglike"].is_monotonic_increasing or (
        result.trace["loglike"].diff().min() > -1e-9 * abs(result.llf)
    )


def test_rebase_to_every_category_is_a_refit(case):
    result = fit_case(case.truth["id"])
    for category in case.categories:
        seen = result.rebase(category)
        again = (
            type(build_model(case.truth["id"]))
            .from_formula(case.formula, case.data, **{**case.options, "base": category})
            .fit()
        )
        assert seen.base == again.base == category
        assert list(seen.params.columns) == list(again.params.columns)
        error = (seen.params - again.params).abs() / again.bse
        npt.assert_array_less(error.to_numpy(), STANDARD_ERRORS)
        bse = again.bse.to_numpy().T.ravel()
        difference = seen.cov_params().to_numpy() - again.cov_params().to_numpy()
        npt.assert_allclose(difference / np.outer(bse, bse), 0, atol=RELATIVE)
        for statistic in ("llf", "llnull", "llr", "aic", "bic", "df_model", "nobs"):
            npt.assert_allclose(getattr(seen, statistic), getattr(again, statistic), rtol=1e-10)
        fitted, other = (one.predict(frame="pandas") for one in (seen, again))
        npt.assert_allclose(fitted, other, rtol=1e-7, atol=1e-12)


def test_rebase_is_the_truth_by_differences(case, through):
    """``b_k - b_l`` is the coefficient of k against base l; its variance follows."""
    truth = case.table("coef")
    new = case.categories[-1]
    seen = fit_case(case.truth["id"], through).rebase(new)
    expected = truth.sub(truth[new], axis=0).drop(columns=new)
    expected.insert(0, case.categories[0], -truth[new])
    se = case.table("se")[new].to_numpy()
    scale = np.maximum(align(case, seen.bse, expected), se[:, np.newaxis])
    error = np.abs(align(case, seen.params, expected) - expected.to_numpy()) / scale
    npt.assert_array_less(error, 3 * STANDARD_ERRORS)
    first = seen.bse.loc[:, [case.categories[0]]].to_numpy().ravel()
    names = list(build_model(case.truth["id"]).exog_names)
    ordered = [first[names.index(name)] for name in expected.index]
    npt.assert_allclose(ordered, se, rtol=RELATIVE)


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize("name", SEPARATED)
def test_separated_data_are_never_converged(name, method):
    case = load_case(name)
    truth = case.truth["separation"]
    with pytest.warns(SeparationWarning, match="maximum"):
        result = build_model(name).fit(method)
    assert not result.converged
    assert not result.certificate.finite_maximum
    infinite = np.isinf(result.params)
    assert infinite.any(axis=None)
    assert (result.bse.isna() == infinite).all(axis=None)
    assert (result.pvalues.isna() == infinite).all(axis=None)
    assert result.separation.verdict == truth["verdict"]
    npt.assert_allclose(result.llf, truth["sup_loglik"], rtol=1e-12)
    fitted = result.predict(frame="pandas")[case.categories].to_numpy()
    npt.assert_allclose(fitted[:5], truth["limit_fitted_first5"], atol=1e-12)
    means = [truth["limit_fitted_mean"][str(category)] for category in case.categories]
    npt.assert_allclose(fitted.mean(axis=0), means, rtol=1e-12)
    told = result.params.size - result.record.separation.free.shape[1]
    # On iris the truth's programme left one pair in, whose probability vanishes all the same.
    left_in = result.separation.separated - truth["n_separated_pairs"]
    assert left_in == (1 if name == "iris" else 0)
    assert told == truth["rank_of_limit_model"] - left_in
    npt.assert_allclose(result.llnull, case.truth["loglik_null"], rtol=RELATIVE)


@pytest.mark.parametrize("name", SEPARATED)
def test_what_is_infinite_is_what_the_standard_errors_say(name):
    """The errors of the first fifteen Fisher iterations tell it too, in R."""
    case = load_case(name)
    with pytest.warns(SeparationWarning):
        result = build_model(name).fit()
    for label, ratio in case.truth["separation"]["se_ratio_after_15_fisher_iterations"].items():
        category, term = label.split(" | ")
        name_here = case.truth["patsy_names"][case.truth["terms"].index(term)]
        estimate = result.params.loc[name_here, case.label(category)]
        assert np.isinf(estimate) == (ratio > 100), label


@pytest.mark.parametrize("name", SEPARATED)
def test_separated_data_say_so_in_the_summary(name):
    with pytest.warns(NoFiniteMaximumWarning):
        text = str(build_model(name).fit().summary())
    assert "no finite maximum" in text.lower()


@pytest.mark.parametrize(("name", "kind"), BIAS_REDUCED)
def test_bias_reduced_estimates_are_those_of_brglm2(name, kind):
    """MPL_Jeffreys maximizes the penalized log-likelihood: for this model that is AS_mean."""
    case = load_case(name)
    truth = next(block for block in case.truth["bias_reduced"] if block["type"] == kind)
    result = build_model(name).fit(bias_reduction=BIAS_KINDS[kind])
    assert result.converged
    for ours, key in ((result.params, "coef"), (result.bse, "se")):
        table = case.table(key, truth)
        npt.assert_allclose(align(case, ours, table), table, rtol=1e-9)
    npt.assert_allclose(result.llf, truth["loglik_of_coef"], rtol=1e-10)


def test_every_open_bias_reduction_is_here():
    assert len(BIAS_REDUCED) == 8
    assert {name for name, _ in BIAS_REDUCED} >= set(SEPARATED)

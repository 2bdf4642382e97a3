"""Questions that other programs answer wrongly or not at all, asked of this one."""

import pickle

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    BaseCategoryError,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    OptionError,
    ParamsError,
    WeightError,
)
from tests.independent import climb, one_hot
from tests.reference_cases import build_model, fit_case, load_case


@pytest.fixture(scope="module")
def sample():
    generator = np.random.default_rng(99)
    exog = pd.DataFrame({"const": 1.0, "x1": generator.normal(size=400)})
    exog["x2"] = generator.normal(size=400)
    scores = exog.to_numpy() @ np.array([[0, 0.3, -0.2], [0, 0.8, -0.5], [0, -0.4, 0.6]])
    return (scores + generator.gumbel(size=scores.shape)).argmax(axis=1), exog


@pytest.fixture(scope="module")
def result(sample):
    return ml.MNLogit(*sample).fit()


@pytest.mark.parametrize("keyword", ["freq_weights", "var_weights", "exposure", "hasconst"])
def test_unknown_keywords_raise(keyword, sample):
    with pytest.raises(TypeError, match=keyword):
        ml.MNLogit(*sample, **{keyword: np.ones(400)})


@pytest.mark.parametrize("keyword", ["weights", "sample_weight", "skip_hessian", "gtol"])
def test_unknown_keywords_of_fit_raise(keyword, sample):
    with pytest.raises(TypeError, match=keyword):
        ml.MNLogit(*sample).fit(**{keyword: 1})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "newtonn"}, "trust-exact.*newton"),
        ({"method": "Nelder-Mead"}, "trust-exact"),
        ({"method": None}, "auto"),
        ({"cov_type": "HC9"}, "nonrobust.*HC0"),
        ({"cov_kwds": {"groups": 1}}, "cov_kwds"),
        ({"maxiter": 0}, "maxiter"),
        ({"maxiter": 2.5}, "maxiter"),
        ({"maxiter": True}, "maxiter"),
        ({"tol": 0}, "tol"),
        ({"tol": np.nan}, "tol"),
        ({"tol": "small"}, "tol"),
    ],
)
def test_bad_choices_list_what_is_allowed(options, says, sample):
    with pytest.raises(OptionError, match=says):
        ml.MNLogit(*sample).fit(**options)


@pytest.mark.parametrize(
    "start",
    [
        np.full(6, np.nan),
        np.full(6, np.inf),
        np.zeros(5),
        np.zeros((2, 2)),
        ["a"] * 6,
        pd.DataFrame(np.zeros((3, 2)), index=["const", "x1", "x3"], columns=[1, 2]),
        pd.DataFrame(np.zeros((3, 2)), index=["const", "x1", "x2"], columns=[0, 1]),
    ],
)
def test_bad_starts_have_a_named_error(start, sample):
    with pytest.raises(ParamsError):
        ml.MNLogit(*sample).fit(start_params=start)


@pytest.mark.parametrize("size", [1.0, 30.0, 1e3])
def test_far_starts_end_at_the_maximum_or_say_they_did_not(size, sample, result):
    start = np.random.default_rng(1).normal(size=6) * size
    again = ml.MNLogit(*sample).fit(start_params=start)
    assert again.converged
    np.testing.assert_allclose(again.params, result.params, rtol=1e-7, atol=1e-9)


def test_a_stop_at_maxiter_is_flagged_and_says_how_far_off(sample, result):
    with pytest.warns(NotConvergedWarning, match="maxiter"):
        stopped = ml.MNLogit(*sample).fit(maxiter=1)
    assert not stopped.converged
    if stopped.certificate.finite_maximum:
        error = (stopped.params - result.params).abs() / stopped.bse
        assert error.to_numpy().max() <= stopped.certificate.error_bound
        assert result.llf - stopped.llf <= stopped.certificate.loglike_gap


def test_separated_data_do_not_print_converged():
    with pytest.warns(NoFiniteMaximumWarning):
        printed = str(build_model("bankwages_full").fit("bfgs"))
    assert "nan" in printed.lower()
    assert not any(
        "converged" in line.lower() and "true" in line.lower() for line in printed.split("\n")
    )


def test_kinds_of_covariance_differ(result):
    widths = {kind: result.with_cov(kind).bse.iloc[0, 0] for kind in ("nonrobust", "HC0", "HC1")}
    assert len(set(widths.values())) == 3
    np.testing.assert_allclose(widths["HC1"] / widths["HC0"], np.sqrt(400 / 394), rtol=1e-12)


@pytest.mark.parametrize("name", ["anes96", "chile", "housing_main", "wvs"])
def test_null_model_is_the_closed_form(name):
    result = fit_case(name)
    totals = np.array(list(result.audit.categories.values()))
    closed = (totals * np.log(totals / totals.sum())).sum()
    np.testing.assert_allclose(result.llnull, closed, rtol=1e-14)


def test_null_model_with_a_category_in_two_hundred_thousand():
    codes = np.zeros(200_000, dtype=int)
    codes[[17, 90_000]] = 1, 2
    exog = np.column_stack([np.ones(200_000), np.sin(np.arange(200_000))])
    result = ml.MNLogit(codes, exog).fit()
    totals = np.array([199_998, 1, 1])
    np.testing.assert_allclose(result.llnull, (totals * np.log(totals / 200_000)).sum(), rtol=1e-13)
    answer = climb(one_hot(codes), exog)
    assert result.converged
    np.testing.assert_allclose(result.llf, answer.loglike, rtol=1e-10)


def test_predictions_go_by_column_name(sample, result):
    _, exog = sample
    permuted = result.predict(exog[["x2", "const", "x1"]])
    np.testing.assert_array_equal(permuted, result.predict(exog))
    one = result.predict(exog.to_numpy()[0])
    assert one.shape == result.predict(exog.iloc[0]).shape == (1, 3)
    np.testing.assert_allclose(one, result.fittedvalues.iloc[[0]], rtol=1e-12)
    assert list(permuted.columns) == [0, 1, 2]


def test_tables_are_labelled_by_category_and_name(result):
    labels = [(category, name) for category in (1, 2) for name in ("const", "x1", "x2")]
    assert result.conf_int().index.tolist() == labels
    assert result.cov_params().columns.tolist() == labels
    assert list(result.conf_int().columns) == ["lower", "upper"]


def test_small_p_values_are_not_zero():
    generator = np.random.default_rng(3)
    x = generator.normal(size=5000)
    codes = (x + generator.logistic(size=5000) > 0).astype(int)
    tidy = ml.MNLogit(codes, np.column_stack([np.ones(5000), x])).fit().tidy()
    z, p = tidy.loc[1, ["z", "p_value"]]
    assert z > 20
    assert 0 < p < 1e-80


def test_pickle_round_trip(result):
    again = pickle.loads(pickle.dumps(result))
    pd.testing.assert_frame_equal(again.params, result.params)
    pd.testing.assert_frame_equal(again.fittedvalues, result.fittedvalues)
    assert str(again.summary()) == str(result.summary())
    assert again.converged


def test_nothing_is_penalized(sample):
    """Units do not matter, as they would under a default ridge."""
    codes, exog = sample
    scaled = ml.MNLogit(codes, exog * [1, 1e-3, 1]).fit()
    plain = ml.MNLogit(codes, exog).fit()
    np.testing.assert_allclose(scaled.params.loc["x1"] * 1e-3, plain.params.loc["x1"], rtol=1e-8)


def test_negative_weights_raise(sample):
    with pytest.raises(WeightError, match="row 3"):
        ml.MNLogit(*sample, weights=np.where(np.arange(400) == 3, -1, 1), weight_type="sampling")


def test_a_base_that_is_no_category_raises(sample, result):
    with pytest.raises(BaseCategoryError, match="0, 1, 2"):
        ml.MNLogit(*sample, base=3)
    with pytest.raises(BaseCategoryError, match="0, 1, 2"):
        result.rebase("zero")


def test_an_empty_category_name_has_its_own_block(sample):
    codes, exog = sample
    result = ml.MNLogit([["a", "", "b"][code] for code in codes], exog, base="a").fit()
    assert result.categories == ("", "a", "b")
    assert list(result.params.columns) == ["", "b"]
    text = str(result.summary())
    assert text.count(" vs a") == 2
    assert "b vs a" in text


def test_every_row_counts_in_the_residuals(sample, result):
    codes, _ = sample
    residuals = result.resid_response
    assert residuals.shape == (400, 3)
    np.testing.assert_allclose(residuals.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(residuals + result.fittedvalues, one_hot(codes), atol=1e-12)


def test_data_of_the_reference_cases_are_left_alone():
    case = load_case("chile")
    before = case.data.copy(deep=True)
    ml.mnlogit(case.formula, case.data, **case.options).fit()
    pd.testing.assert_frame_equal(case.data, before)

"""Inputs on which other programs fail, from end to end: fitted rightly, or refused by name."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    InfiniteValueError,
    MissingDataError,
    MNLogitWarning,
    OneCategoryError,
    OptionError,
    OutcomeError,
    ParamsError,
    UnseenLevelError,
)
from mlelogit.inference.covariance import estimate_model_covariance
from mlelogit.results import MNLogitResults
from tests.independent import check_against_climb, climb, one_hot
from tests.reference_cases import load_case

ROWS = 300


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(77)
    frame = pd.DataFrame({"a": generator.normal(size=ROWS), "b": generator.normal(size=ROWS)})
    scores = np.column_stack([np.zeros(ROWS), frame["a"], 0.5 * frame["b"] - 0.2])
    frame["code"] = (scores + generator.gumbel(size=scores.shape)).argmax(axis=1)
    frame["g"] = generator.choice(["p", "q", "r"], ROWS)
    return frame


def design(frame):
    return np.column_stack([np.ones(len(frame)), frame[["a", "b"]]])


DAYS = [pd.Timestamp(2020, 1, day) for day in (1, 2, 3)]


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        (["x", "y", "z"], object),
        (["x", "y", "z"], "str"),
        (["x", "y", "z"], "string"),
        (["x", "y", "z"], "category"),
        (["10", "2", "9"], "string"),
        ([1.0, 2.0, 2.5], "float64"),
        ([1.0, 2.0, 2.5], "Float64"),
        ([-0.5, 0.0, 1e300], "float64"),
        ([1, 2, 10], "Int64"),
        ([1, 2, 10], "int8"),
        ([1, 2, 10], "category"),
        (DAYS, "datetime64[ns]"),
        (DAYS, object),
    ],
    ids=str,
)
def test_labels_in_every_dtype_are_kept(labels, dtype, frame):
    outcome = pd.Series([labels[code] for code in frame["code"]]).astype(dtype)
    result = ml.MNLogit(outcome, design(frame)).fit()
    check_against_climb(result, frame["code"].to_numpy(), design(frame))
    assert list(result.categories) == labels
    assert list(result.params.columns) == labels[1:]
    assert all(str(label) in str(result.summary()) for label in labels)


def test_one_and_the_text_of_one_are_told_apart_in_every_name(frame):
    labels = [1, "1", 2]
    outcome = pd.Series([labels[code] for code in frame["code"]], dtype=object)
    with pytest.warns(MNLogitWarning, match="order"):
        result = ml.MNLogit(outcome, design(frame)).fit()
    assert set(map(type, result.categories)) == {int, str}
    assert {"'1'", "1", "2"} <= set(result.record.encoding.category_names)
    assert "'1' vs 2" in str(result.summary())
    with pytest.raises(OutcomeError, match="bool"):
        ml.MNLogit([1, True, 2] * 10, np.ones(30))


def test_one_hot_outcomes_are_labels(frame):
    table = pd.get_dummies(frame["code"].map({0: "x", 1: "y", 2: "z"}))
    result = ml.MNLogit(table, design(frame)).fit()
    check_against_climb(result, frame["code"].to_numpy(), design(frame))
    assert result.categories == ("x", "y", "z")


def test_an_offset_changes_the_fit_and_its_standard_errors_are_right(frame):
    """An offset of twice a column moves that column's coefficient by minus two, and no more."""
    offset = np.column_stack([np.zeros(ROWS), 2 * frame["a"], -frame["a"]])
    exog = design(frame)
    plain = ml.MNLogit(frame["code"].to_numpy(), exog).fit()
    moved = ml.MNLogit(frame["code"].to_numpy(), exog, offset=offset).fit()
    shift = moved.params.to_numpy() - plain.params.to_numpy()
    np.testing.assert_allclose(shift, [[0, 0], [-2, 1], [0, 0]], atol=1e-8)
    np.testing.assert_allclose(moved.bse, plain.bse, rtol=1e-7)


@pytest.mark.parametrize("where", ["a", "code"])
def test_missing_values_are_counted_and_can_be_dropped(where, frame):
    gaps = frame.assign(**{where: frame[where].where(frame.index % 10 != 0)})
    with pytest.raises(MissingDataError, match=f"'{where}'.*30"):
        ml.mnlogit("code ~ a + b", gaps)
    kept = ml.mnlogit("code ~ a + b", gaps, missing="drop").fit()
    rest = frame[frame.index % 10 != 0]
    check_against_climb(kept, rest["code"].to_numpy(), design(rest))
    assert kept.audit.missing == {where: 30}


def test_infinite_columns_are_named(frame):
    infinite = frame.assign(b=frame["b"].where(frame.index != 5, np.inf))
    with pytest.raises(InfiniteValueError, match=r"'b'.*\[5\]"):
        ml.mnlogit("code ~ a + b", infinite)
    with pytest.raises(InfiniteValueError, match=r"'b'.*\[5\]"):
        ml.MNLogit(frame["code"], infinite[["a", "b"]])


def test_one_row_and_one_category_are_refused(frame):
    with pytest.raises(OneCategoryError):
        ml.mnlogit("code ~ a", frame.iloc[:1])
    with pytest.raises(OneCategoryError, match="'x'"):
        ml.mnlogit("y ~ a", frame.assign(y="x"))


@pytest.mark.parametrize("weight_type", ["frequency", "sampling", "importance"])
def test_rows_of_zero_weight_are_as_if_they_were_not_there(weight_type, frame):
    weights = (frame.index % 4 != 0).astype(float)
    rest = frame[frame.index % 4 != 0]
    result = ml.mnlogit("code ~ a + b", frame, weights=weights, weight_type=weight_type).fit()
    result = MNLogitResults(result.record, estimate_model_covariance(result.record))
    check_against_climb(result, rest["code"].to_numpy(), design(rest))
    assert result.audit.dropped == {"zero weight": 75}


def test_a_numeric_outcome_of_a_formula_is_labels(frame):
    result = ml.mnlogit("code ~ a + b", frame.assign(code=frame["code"] + 0.5)).fit()
    check_against_climb(result, frame["code"].to_numpy(), design(frame))
    assert result.categories == (0.5, 1.5, 2.5)


def test_new_rows_with_unseen_levels_or_gaps_are_refused(frame):
    result = ml.mnlogit("code ~ a + C(g)", frame).fit()
    with pytest.raises(UnseenLevelError, match=r"'zzz'.*'p', 'q', 'r'"):
        result.predict(frame.iloc[:2].assign(g=["p", "zzz"]))
    with pytest.raises(MissingDataError, match="'a'"):
        result.predict(frame.iloc[:3].assign(a=[0.0, np.nan, 1.0]))
    partly = result.predict(frame.iloc[:3].assign(a=[0.0, np.nan, 1.0]), missing="propagate")
    assert partly.isna().all(axis=1).tolist() == [False, True, False]


def test_tests_by_strings_that_are_no_names_say_what_names_are(frame):
    result = ml.mnlogit("code ~ a + b", frame).fit()
    for wrong in ("a == A", "a ** b", "A", "1: A = 0", "a = ", "9: a", ""):
        with pytest.raises(ParamsError, match="1: Intercept"):
            result.wald_test(wrong)
    assert result.wald_test("1: a").df == 1


def test_covariances_that_do_not_exist_are_refused(frame):
    model = ml.mnlogit("code ~ a + b", frame)
    for kind in ("HC4", "hc0", "clustered", ""):
        with pytest.raises(OptionError, match="nonrobust"):
            model.fit(cov_type=kind)
    groups = np.where(frame.index < 5, np.nan, 1.0)
    with pytest.raises(OptionError, match="cov_kwds"):
        model.fit(cov_type="HC0", cov_kwds={"groups": groups})


def test_thirty_categories_take_no_time():
    generator = np.random.default_rng(6)
    exog = np.column_stack([np.ones(3000), generator.normal(size=(3000, 5))])
    codes = generator.integers(0, 30, 3000)
    start = time.perf_counter()
    result = ml.MNLogit(codes, exog).fit()
    assert time.perf_counter() - start < 10
    check_against_climb(result, codes, exog)


def test_quasi_complete_separation_of_iris_reaches_the_supremum_and_says_so():
    """Setosa lies apart, versicolor and virginica overlap: the supremum is theirs alone."""
    case = load_case("iris").data
    names = list(case.select_dtypes("number").columns)
    species = case.select_dtypes(exclude="number").iloc[:, 0]
    exog = np.column_stack([np.ones(len(case)), case[names]])
    with pytest.warns(MNLogitWarning):
        result = ml.MNLogit(species, exog).fit()
    both = (species != "setosa").to_numpy()
    codes, _ = pd.factorize(species[both], sort=True)
    overlap = climb(one_hot(codes), exog[both])
    assert not result.converged or not np.isfinite(result.params.to_numpy()).all()
    assert abs(result.llf - overlap.loglike) < 1e-3


def test_columns_that_are_collinear_up_to_a_trifle_are_fitted(frame):
    """Condition 1e8: coefficients and standard errors are huge, and right."""
    near = frame["a"] + 1e-8 * frame["b"]
    exog = np.column_stack([np.ones(ROWS), frame["a"], near])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = ml.MNLogit(frame["code"].to_numpy(), exog).fit()
    turned = ml.MNLogit(frame["code"].to_numpy(), design(frame)).fit()
    assert result.converged
    np.testing.assert_allclose(result.llf, turned.llf, rtol=1e-9)
    assert result.bse.iloc[2].min() > 1e6

"""Hostile inputs: a certified optimum, or an error or warning of ours; never silent garbage."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import mlelogit as ml
from mlelogit.exceptions import (
    CollinearityWarning,
    ColumnTypeError,
    DuplicateColumnError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    MNLogitError,
    OneCategoryError,
    RankDeficiencyError,
    UnusedLevelWarning,
)
from tests.independent import check_against_climb, climb, one_hot
from tests.reference_cases import load_case

ROWS = 400


@pytest.fixture(scope="module")
def data():
    """Three categories on a constant and two normal columns."""
    generator = np.random.default_rng(2024)
    exog = np.column_stack([np.ones(ROWS), generator.normal(size=(ROWS, 2))])
    scores = exog @ np.array([[0, 0.3, -0.2], [0, 0.8, -0.5], [0, -0.4, 0.6]])
    codes = (scores + generator.gumbel(size=scores.shape)).argmax(axis=1)
    return codes, exog


@pytest.mark.parametrize(
    "scale",
    [
        (1, 1e8, 1e-8),
        (1, 1e-8, 1e8),
        (1e6, 1e-30, 1e30),
        (1, 1e90, 1e-90),
        (1e-3, -1, 1e3),
    ],
)
def test_scaled_columns(scale, data):
    codes, exog = data
    result = ml.MNLogit(codes, exog * scale).fit()
    plain = ml.MNLogit(codes, exog).fit()
    check_against_climb(plain, codes, exog)
    assert result.converged
    np.testing.assert_allclose(result.llf, plain.llf, rtol=1e-12)
    unscaled = result.params.to_numpy() * np.array(scale)[:, np.newaxis]
    np.testing.assert_allclose(unscaled, plain.params.to_numpy(), rtol=1e-8)


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_shifted_columns(shift, data):
    codes, exog = data
    result = ml.MNLogit(codes, exog + np.array([0, shift, -shift])).fit()
    plain = ml.MNLogit(codes, exog).fit()
    assert result.converged
    np.testing.assert_allclose(result.llf, plain.llf, rtol=1e-11)
    np.testing.assert_allclose(result.params.iloc[1:], plain.params.iloc[1:], rtol=1e-6)
    np.testing.assert_allclose(result.bse.iloc[1:], plain.bse.iloc[1:], rtol=1e-6)


def test_raw_fishing():
    """Income near 1e4 beside catch rates near 1e-2, nine columns; two prices are equal."""
    frame = load_case("fishing").data
    columns = ["pbeach", "pboat", "pcharter", "cbeach", "cpier", "cboat", "ccharter", "income"]
    exog = np.column_stack([np.ones(len(frame)), frame[columns]])
    codes, _ = pd.factorize(frame["mode"], sort=True)
    check_against_climb(ml.MNLogit(frame["mode"], exog).fit(), codes, exog)
    with pytest.warns(CollinearityWarning, match="ppier = pbeach"):
        both = ml.MNLogit(frame["mode"], frame[["pbeach", "ppier", "income"]]).fit()
    one = ml.MNLogit(frame["mode"], frame[["pbeach", "income"]]).fit()
    assert both.llf == one.llf
    assert both.params.loc["ppier"].isna().all()
    assert both.params.drop(index="ppier").equals(one.params)


@pytest.mark.parametrize("size", [1e-200, 1e200, 1e-310])
def test_columns_outside_the_range_of_squares(size, data):
    codes, exog = data
    with pytest.raises(MNLogitError, match="x2"):
        ml.MNLogit(codes, exog * [1, 1, size]).fit()


def test_a_column_of_zeros_is_left_out(data):
    codes, exog = data
    with pytest.warns(CollinearityWarning, match="x2 = 0"):
        result = ml.MNLogit(codes, exog * [1, 1, 0]).fit()
    assert result.params.loc["x2"].isna().all()
    assert result.llf == ml.MNLogit(codes, exog[:, :2]).fit().llf


def test_a_category_observed_once(data):
    codes, exog = data
    codes = codes.copy()
    codes[np.argsort(np.abs(exog[:, 1:]).sum(axis=1))[0]] = 3
    check_against_climb(ml.MNLogit(codes, exog).fit(), codes, exog)


def test_two_hundred_categories():
    """One binary column saturates the model: the coefficients are logs of ratios of counts."""
    generator = np.random.default_rng(8)
    binary = np.tile([0, 1], 2000)
    codes = np.concatenate([np.repeat(np.arange(200), 4), generator.integers(0, 200, 3200)])
    binary[:800] = np.tile([0, 0, 1, 1], 200)
    start = time.perf_counter()
    result = ml.MNLogit(codes, np.column_stack([np.ones(4000), binary])).fit()
    assert time.perf_counter() - start < 20
    counts = np.array([np.bincount(codes[binary == value], minlength=200) for value in (0, 1)])
    logs = np.log(counts / counts[:, [0]])[:, 1:]
    assert result.converged
    np.testing.assert_allclose(result.params.iloc[0], logs[0], atol=1e-9)
    np.testing.assert_allclose(result.params.iloc[1], logs[1] - logs[0], atol=1e-9)
    variances = (1 / counts + 1 / counts[:, [0]])[:, 1:]
    np.testing.assert_allclose(result.bse.iloc[0], np.sqrt(variances[0]), rtol=1e-8)
    np.testing.assert_allclose(result.bse.iloc[1], np.sqrt(variances.sum(axis=0)), rtol=1e-8)
    closed = (counts * np.log(counts / counts.sum(axis=1, keepdims=True))).sum()
    np.testing.assert_allclose(result.llf, closed, rtol=1e-12)


def test_an_unused_level(data):
    codes, exog = data
    with pytest.warns(UnusedLevelWarning, match="3"):
        result = ml.MNLogit(pd.Categorical(codes, categories=range(4)), exog).fit()
    check_against_climb(result, codes, exog)


def test_missing_outcomes(data):
    codes, exog = data
    labels = codes.astype(float)
    labels[::5] = np.nan
    with pytest.raises(MissingDataError, match="80"):
        ml.MNLogit(labels, exog)
    kept = ml.MNLogit(labels, exog, missing="drop").fit()
    rest = np.arange(ROWS) % 5 != 0
    check_against_climb(kept, codes[rest], exog[rest])
    assert kept.nobs == 320


def test_missing_text_outcomes_through_a_formula(data):
    codes, exog = data
    frame = pd.DataFrame(exog[:, 1:], columns=["a", "b"])
    frame["y"] = [None if row % 5 == 0 else "pqr"[code] for row, code in enumerate(codes)]
    with pytest.raises(MissingDataError, match="'y'"):
        ml.mnlogit("y ~ a + b", frame)
    rest = np.arange(ROWS) % 5 != 0
    check_against_climb(
        ml.mnlogit("y ~ a + b", frame, missing="drop").fit(), codes[rest], exog[rest]
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda codes, exog: (np.zeros(ROWS, int), exog), OneCategoryError),
        (
            lambda codes, exog: (codes, pd.DataFrame(exog, columns=["c", "a", "a"])),
            DuplicateColumnError,
        ),
        (
            lambda codes, exog: (pd.Series(codes), pd.DataFrame(exog)[::-1]),
            MisalignedIndexError,
        ),
        (lambda codes, exog: (codes, exog[:-1]), LengthMismatchError),
        (lambda codes, exog: (codes, exog.astype(complex)), ColumnTypeError),
        (
            lambda codes, exog: (
                codes,
                pd.DataFrame(exog).assign(when=pd.date_range("2020", periods=ROWS)),
            ),
            ColumnTypeError,
        ),
        (
            lambda codes, exog: (codes, pd.DataFrame(exog).assign(g=pd.Categorical(codes % 2))),
            ColumnTypeError,
        ),
        (lambda codes, exog: (one_hot(codes) * 0.5, exog), MNLogitError),
    ],
)
def test_inputs_that_cannot_be_fitted(change, error, data):
    with pytest.raises(error):
        ml.MNLogit(*change(*data)).fit()


@pytest.mark.parametrize(
    "labels",
    [
        ["日本 語", "", "naïve name"],
        [0.5, 1.5, 2.25],
        ["10", "9", "1"],
        [True, False, None],
    ],
    ids=str,
)
def test_labels_keep_their_names(labels, data):
    codes, exog = data
    endog = [labels[code] for code in codes]
    result = ml.MNLogit(endog, exog, missing="drop").fit()
    assert set(result.categories) == {label for label in labels if label is not None}
    present = np.array([label is not None for label in endog])
    order = {label: place for place, label in enumerate(result.categories)}
    again = np.array([order[label] for label in np.array(endog, dtype=object)[present]])
    check_against_climb(result, again, exog[present])
    printed = str(result.summary())
    assert all(str(label) in printed for label in result.categories)


@pytest.mark.parametrize(
    ("kind", "exact"),
    [
        (lambda x: pd.DataFrame(x).astype("Float64"), True),
        (lambda x: pd.DataFrame(x).astype(object), True),
        (lambda x: x.astype(np.float16), False),
        (lambda x: x.astype(np.float32), False),
        (lambda x: np.rint(40 * x).clip(-127, 127).astype(np.int8), False),
        (lambda x: (x * 2**60).astype(np.int64), False),
        (lambda x: (x * 2**40).astype(np.int64) + 2**62, False),
        (lambda x: x[:, 1:], False),
        (lambda x: x.tolist(), True),
        (sp.csr_array, True),
        (sp.csc_matrix, True),
    ],
    ids=[
        "Float64",
        "object",
        "float16",
        "float32",
        "int8",
        "int64",
        "2**62",
        "const-free",
        "lists",
        "csr",
        "csc",
    ],
)
def test_matrices_of_every_type(kind, exact, data):
    codes, exog = data
    given = kind(exog)
    values = given.toarray() if sp.issparse(given) else np.asarray(given, dtype=float)
    if np.linalg.matrix_rank(values / np.abs(values).max(axis=0), tol=1e-9) < values.shape[1]:
        with pytest.raises(RankDeficiencyError):
            ml.MNLogit(codes, given, collinear="raise")
        return
    assert not exact or np.array_equal(values, exog)
    check_against_climb(ml.MNLogit(codes, given).fit(), codes, values)


def test_no_constant_says_which_null(data):
    codes, exog = data
    result = ml.MNLogit(codes, exog[:, 1:]).fit()
    assert result.statistics.null == "equal shares"
    np.testing.assert_allclose(result.llnull, -ROWS * np.log(3), rtol=1e-12)
    assert result.df_model == 4
    assert "equal shares" in str(result.summary())


def test_soft_labels(data):
    codes, exog = data
    shares = 0.9 * one_hot(codes) + 0.1 / 3
    result = ml.MNLogit(shares, exog).fit()
    answer = climb(shares, exog)
    np.testing.assert_allclose(result.llf, answer.loglike, rtol=1e-10)
    np.testing.assert_allclose(result.params, answer.params, rtol=1e-6)


def test_nothing_separated_is_silent(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ml.MNLogit(*data).fit().summary()

"""Outcomes of several columns, counts and probabilities, and outcomes that are neither."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    BaseCategoryError,
    ColumnTypeError,
    DuplicateColumnError,
    EmptyDataError,
    MNLogitWarning,
    OneCategoryError,
    OptionError,
    OutcomeError,
)
from tests.data.samples import CODES, DESIGN, ONE_HOT, ROWS, check_same_fit, pick


@pytest.mark.parametrize(
    "endog",
    [
        ONE_HOT,
        ONE_HOT.astype(int),
        ONE_HOT.astype(bool),
        ONE_HOT.tolist(),
        pd.DataFrame(ONE_HOT.astype(int)).astype("Int64"),
        pd.DataFrame(ONE_HOT),
    ],
    ids=["float", "int", "bool", "lists", "Int64", "frame"],
)
def test_one_hot_is_counts_of_one(endog, plain):
    result = ml.MNLogit(endog, DESIGN).fit()
    assert result.record.encoding.outcome_kind == "counts"
    assert result.nobs == ROWS
    check_same_fit(result, plain)
    np.testing.assert_allclose(result.bse, plain.bse, rtol=1e-9)


def test_names_of_columns_are_the_categories(plain):
    columns = dict(zip(["x y", "", "é"], ONE_HOT.T, strict=True))
    for table in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        result = ml.MNLogit(table, DESIGN).fit()
        assert result.categories == ("x y", "", "é")
        check_same_fit(result, plain)


def test_counts_are_expanded_rows():
    counts = np.random.default_rng(5).integers(0, 4, (ROWS, 3))
    counts[7] = 0
    result = ml.MNLogit(counts, DESIGN, base=1).fit()
    rows, categories = np.indices(counts.shape)
    repeat = counts.ravel()
    expanded = ml.MNLogit(
        np.repeat(categories.ravel(), repeat), DESIGN[np.repeat(rows.ravel(), repeat)], base=1
    ).fit()
    assert result.nobs == counts.sum()
    assert result.audit.dropped == {"zero weight": int((counts.sum(axis=1) == 0).sum())}
    for kind in ("nonrobust", "opg", "HC0", "HC1", "robust"):
        np.testing.assert_allclose(
            result.with_cov(kind).bse, expanded.with_cov(kind).bse, rtol=1e-8, err_msg=kind
        )
    for name in ("llf", "llnull", "llr", "llr_pvalue", "aic", "bic", "df_resid", "prsquared"):
        np.testing.assert_allclose(
            getattr(result, name), getattr(expanded, name), rtol=1e-9, err_msg=name
        )


def test_counts_in_a_formula():
    data = pd.DataFrame(ONE_HOT.astype(int), columns=["a", "b", "c d"]).assign(x=DESIGN[:, 1])
    result = ml.mnlogit("counts(a, b, `c d`) ~ x", data).fit()
    assert result.categories == ("a", "b", "c d")
    np.testing.assert_allclose(result.llf, ml.MNLogit(CODES, DESIGN).fit().llf, rtol=1e-12)
    with pytest.raises(OptionError, match="contradicts"):
        ml.mnlogit("counts(a, b, `c d`) ~ x", data, outcome="labels")


def test_probabilities_are_soft_labels():
    shares = np.random.default_rng(6).dirichlet([1, 2, 3], ROWS)
    result = ml.MNLogit(shares, DESIGN).fit()
    assert result.record.encoding.outcome_kind == "probabilities"
    assert result.nobs == ROWS
    stacked = ml.MNLogit(
        np.tile([0, 1, 2], ROWS),
        np.repeat(DESIGN, 3, axis=0),
        weights=shares.ravel(),
        weight_type="importance",
    ).fit()
    np.testing.assert_allclose(result.params, stacked.params, rtol=1e-7)
    np.testing.assert_allclose(result.bse, stacked.bse, rtol=1e-9)


def test_huge_counts():
    """Standard errors near 1e-9 can be below what rounding allows to certify: a named warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MNLogitWarning)
        result = ml.MNLogit(ONE_HOT * 1e18, DESIGN).fit()
    assert np.isfinite([result.bic, result.aic, result.llnull, result.df_resid]).all()
    np.testing.assert_allclose(result.params, ml.MNLogit(CODES, DESIGN).fit().params, rtol=1e-7)


@pytest.mark.parametrize(
    ("endog", "options", "error", "says"),
    [
        (-ONE_HOT, {}, OutcomeError, "negative"),
        (ONE_HOT * 0.9, {}, OutcomeError, "sum to 1"),
        (ONE_HOT * 1.5, {"outcome": "counts"}, OutcomeError, "whole"),
        (np.where(ONE_HOT > 0, np.inf, 0.0), {}, OutcomeError, "finite"),
        (ONE_HOT, {"outcome": "labels"}, OutcomeError, "labels"),
        (CODES, {"outcome": "counts"}, OutcomeError, "one column per category"),
        (CODES, {"outcome": "lables"}, OptionError, "labels, counts, probabilities"),
        (np.array([["a", "b"]] * ROWS), {}, ColumnTypeError, "0"),
        (np.zeros((ROWS, 2, 2)), {}, OutcomeError, "dimensions"),
        (pd.DataFrame(ONE_HOT, columns=["p", "p", "r"]), {}, DuplicateColumnError, "'p'"),
        (pick(1j, 1, 2), {}, OutcomeError, "complex"),
        (pick(np.inf, 1, 2), {}, OutcomeError, "infinite"),
        (pick([1], [2, 3], [4]), {}, OutcomeError, "length"),
        (3, {}, OutcomeError, "3"),
        (None, {}, OutcomeError, "None"),
        ("abc", {}, OutcomeError, "'abc'"),
        (["a"] * ROWS, {}, OneCategoryError, "'a'"),
        (np.ones((ROWS, 1)), {}, OneCategoryError, "1"),
        (pick("a", "b", "c"), {"base": "d"}, BaseCategoryError, "'d'.*'a', 'b', 'c'"),
        (pick(1, 2, 3), {"base": 0}, BaseCategoryError, "1, 2, 3"),
    ],
)
def test_bad_outcomes_have_named_errors(endog, options, error, says):
    with pytest.raises(error, match=says):
        ml.MNLogit(endog, DESIGN, **options)


def test_no_rows_is_an_error():
    with pytest.raises(EmptyDataError, match="rows"):
        ml.MNLogit([], np.empty((0, 2)))
    with pytest.raises(EmptyDataError, match="columns"):
        ml.MNLogit(CODES, np.empty((ROWS, 0)))

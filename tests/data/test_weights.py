"""Weights of three types."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    LengthMismatchError,
    MissingDataError,
    MNLogitError,
    OneCategoryError,
    UnusedLevelWarning,
    WeightError,
    WeightTypeError,
)
from tests.data.samples import CODES, DESIGN, ROWS

WHOLE = np.random.default_rng(21).integers(0, 4, ROWS)
SHARES = np.random.default_rng(22).uniform(0.1, 3, ROWS)
STATISTICS = ("llf", "llnull", "llr", "aic", "bic", "nobs", "df_model", "df_resid", "prsquared")


def compare(left, right, names=STATISTICS):
    np.testing.assert_allclose(left.params.to_numpy(), right.params.to_numpy(), rtol=1e-7)
    for name in names:
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=1e-9)


def fit(**options):
    return ml.MNLogit(CODES, DESIGN, **options).fit()


@pytest.mark.parametrize("kind", ["nonrobust", "opg", "HC0", "HC1", "robust"])
def test_frequency_weights_are_repeated_rows(kind):
    weighted = fit(weights=WHOLE, weight_type="frequency")
    repeated = ml.MNLogit(np.repeat(CODES, WHOLE), np.repeat(DESIGN, WHOLE, axis=0)).fit()
    compare(weighted, repeated)
    assert weighted.nobs == WHOLE.sum()
    left, right = weighted.with_cov(kind), repeated.with_cov(kind)
    np.testing.assert_allclose(left.cov_params(), right.cov_params(), rtol=1e-8)


def test_importance_weights_scale_the_covariance():
    weighted = fit(weights=np.full(ROWS, 2.5), weight_type="importance")
    plain = fit()
    np.testing.assert_allclose(weighted.params, plain.params, rtol=1e-8)
    np.testing.assert_allclose(weighted.bse * np.sqrt(2.5), plain.bse, rtol=1e-8)
    np.testing.assert_allclose(weighted.llf, 2.5 * plain.llf, rtol=1e-12)
    with pytest.raises(MNLogitError, match="importance"):
        weighted.with_cov("HC0")


def test_sampling_weights_do_not_depend_on_their_scale():
    """Estimates and the sandwich are the same for w and 10 w; likelihoods are pseudo."""
    one = fit(weights=SHARES, weight_type="sampling")
    ten = fit(weights=10 * SHARES, weight_type="sampling")
    np.testing.assert_allclose(one.params, ten.params, rtol=1e-8)
    np.testing.assert_allclose(one.bse, ten.bse, rtol=1e-8)
    assert one.nobs == ten.nobs == ROWS
    assert one.cov_type == "robust"
    assert np.isnan([one.llr, one.llr_pvalue, one.aic, one.bic]).all()
    assert "pseudo" in one.statistics.reason


def test_sampling_covariance_is_the_weighted_sandwich():
    """Bread from the weighted information, meat from squared weighted scores, n/(n-1)."""
    result = fit(weights=SHARES, weight_type="sampling")
    probabilities = result.fittedvalues.to_numpy()
    residuals = (np.eye(3)[CODES] - probabilities)[:, 1:]
    scores = (residuals[:, :, np.newaxis] * DESIGN[:, np.newaxis, :]).reshape(ROWS, -1)
    information = np.zeros((4, 4))
    for weight, row, x in zip(SHARES, probabilities[:, 1:], DESIGN, strict=True):
        information += weight * np.kron(np.diag(row) - np.outer(row, row), np.outer(x, x))
    bread = np.linalg.inv(information)
    weighted = scores * SHARES[:, np.newaxis]
    expected = bread @ (weighted.T @ weighted) @ bread * ROWS / (ROWS - 1)
    np.testing.assert_allclose(result.cov_params(), expected, rtol=1e-8)


@pytest.mark.parametrize("weight_type", ["frequency", "sampling", "importance"])
def test_zero_weights_leave_the_sample(weight_type):
    weights = np.where(np.arange(ROWS) % 5 == 0, 0, WHOLE + 1)
    kept = weights > 0
    result = fit(weights=weights, weight_type=weight_type)
    alone = ml.MNLogit(
        CODES[kept], DESIGN[kept], weights=weights[kept], weight_type=weight_type
    ).fit()
    assert result.audit.rows_in == ROWS
    assert result.audit.rows_used == kept.sum() == len(result.fittedvalues)
    assert result.audit.dropped == {"zero weight": int((~kept).sum())}
    np.testing.assert_allclose(result.params, alone.params, rtol=1e-9)
    np.testing.assert_allclose(result.bse, alone.bse, rtol=1e-9)
    assert result.nobs == alone.nobs
    assert "zero weight" in str(result.audit)
    np.testing.assert_array_equal(result.fittedvalues.index, np.flatnonzero(kept))


def test_a_category_without_weight_is_an_unused_level():
    weights = np.where(CODES == 1, 0, 1)
    with pytest.warns(UnusedLevelWarning, match="1"):
        result = fit(weights=weights, weight_type="frequency")
    assert result.categories == (0, 2)
    assert result.audit.unused == (1,)
    two = ml.MNLogit(CODES[CODES != 1], DESIGN[CODES != 1]).fit()
    np.testing.assert_allclose(result.params, two.params, rtol=1e-9)
    with pytest.warns(UnusedLevelWarning), pytest.raises(OneCategoryError, match="0"):
        fit(weights=(CODES == 0).astype(int), weight_type="frequency")


@pytest.mark.parametrize(
    "weights",
    [
        WHOLE.tolist(),
        WHOLE.astype(np.int8),
        WHOLE.astype(float),
        pd.Series(WHOLE),
        pd.Series(WHOLE, dtype="Int64"),
        pd.DataFrame({"w": WHOLE}),
        pl.Series(WHOLE),
        WHOLE.astype(object),
    ],
    ids=["list", "int8", "float", "series", "Int64", "frame", "polars", "object"],
)
def test_weights_of_every_type(weights):
    expected = fit(weights=WHOLE, weight_type="frequency")
    compare(fit(weights=weights, weight_type="frequency"), expected)


def replace(values, value, row=7):
    changed = np.array(values, dtype=float)
    changed[row] = value
    return changed


@pytest.mark.parametrize(
    ("weights", "weight_type", "error", "says"),
    [
        (WHOLE, None, WeightTypeError, "frequency.*sampling.*importance"),
        (None, "frequency", WeightTypeError, "without weights"),
        (WHOLE, "freq", WeightTypeError, "frequency.*sampling.*importance"),
        (replace(WHOLE, -1), "frequency", WeightError, "row 7"),
        (replace(SHARES, -1), "sampling", WeightError, "row 7"),
        (replace(SHARES, np.inf), "importance", WeightError, "row 7"),
        (replace(WHOLE, 0.5), "frequency", WeightError, "row 7.*whole|whole.*row 7"),
        (np.zeros(ROWS), "sampling", WeightError, "zero"),
        (replace(SHARES, np.nan), "sampling", MissingDataError, "weights"),
        (SHARES[:-1], "sampling", LengthMismatchError, "weights has 119"),
        (np.column_stack([SHARES, SHARES]), "sampling", WeightError, "one number per row"),
        (3.0, "sampling", MNLogitError, "weights"),
        (["a"] * ROWS, "sampling", MNLogitError, "weights"),
        (SHARES.astype(complex), "sampling", MNLogitError, "weights"),
        ("w", "sampling", ColumnNotFoundError, "'w'"),
    ],
)
def test_bad_weights_have_named_errors(weights, weight_type, error, says):
    with pytest.raises(error, match=says):
        ml.MNLogit(CODES, DESIGN, weights=weights, weight_type=weight_type)


def test_weights_by_name():
    data = pd.DataFrame({"y": CODES, "x": DESIGN[:, 1], "w": WHOLE})
    named = ml.mnlogit("y ~ x", data, weights="w", weight_type="frequency").fit()
    compare(named, fit(weights=WHOLE, weight_type="frequency"))
    with pytest.raises(ColumnNotFoundError, match="'nothing'"):
        ml.mnlogit("y ~ x", data, weights="nothing", weight_type="frequency")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (1, r"has -1\.0\.$"),
        (2, r"has -1\.0, and 1 more row is"),
        (9, "and 8 more rows are like it"),
    ],
)
def test_rows_like_the_one_named_are_counted_without_it(bad, said):
    weights = np.where(np.arange(ROWS) < bad, -1.0, 1.0)
    with pytest.raises(WeightError, match=said):
        fit(weights=weights, weight_type="sampling")

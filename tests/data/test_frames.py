"""Columns of every kind come in as numbers, or are refused by name."""

import decimal
import fractions

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnTypeError,
    DuplicateColumnError,
    EmptyDataError,
    InfiniteValueError,
    LengthMismatchError,
    MissingDataError,
)
from tests.data.samples import CODES, DESIGN, ROWS

NUMBERS = DESIGN[:, 1]
FRAME = pd.DataFrame({"c": 1.0, "z": NUMBERS})
WHOLE = np.column_stack([np.ones(ROWS), np.arange(ROWS) % 17 - 8.0])
ROUNDED = [decimal.Decimal(str(round(value, 3))) for value in NUMBERS]
MASKED = np.ma.masked_array(DESIGN, mask=np.zeros(DESIGN.shape, bool))

SAME = {
    "numpy": DESIGN,
    "Fortran order": np.asfortranarray(DESIGN),
    "strided": np.repeat(DESIGN, 2, axis=0)[::2],
    "big endian": DESIGN.astype(">f8"),
    "long double": DESIGN.astype(np.longdouble),
    "object array": DESIGN.astype(object),
    "lists": DESIGN.tolist(),
    "tuples": tuple(map(tuple, DESIGN.tolist())),
    "frame": FRAME,
    "object frame": FRAME.astype(object),
    "dict": {"c": np.ones(ROWS), "z": NUMBERS},
    "polars": pl.DataFrame(FRAME.to_dict("list")),
    "pyarrow": pa.table(FRAME.to_dict("list")),
    "Float64": FRAME.astype("Float64"),
    "arrow dtype": FRAME.astype("float64[pyarrow]"),
    "pandas sparse": FRAME.astype(pd.SparseDtype(float, 0.0)),
    "masked, nothing hidden": MASKED,
    "csr array": sp.csr_array(DESIGN),
    "csc array": sp.csc_array(DESIGN),
    "coo array": sp.coo_array(DESIGN),
    "csr matrix": sp.csr_matrix(DESIGN),
    "lil array": sp.lil_array(DESIGN),
    "dok array": sp.dok_array(DESIGN),
}
EXACT = {
    "int8": WHOLE.astype(np.int8),
    "int16": WHOLE.astype(np.int16),
    "float16": WHOLE.astype(np.float16),
    "float32": WHOLE.astype(np.float32),
    "object ints": WHOLE.astype(int).astype(object),
    "Int64": pd.DataFrame(WHOLE.astype(int)).astype("Int64"),
    "Int8": pd.DataFrame(WHOLE.astype(int)).astype("Int8"),
    "arrow int": pd.DataFrame(WHOLE.astype(int)).astype("int16[pyarrow]"),
    "mixed": pd.DataFrame({"c": [True] * ROWS, "z": WHOLE[:, 1].astype(np.int8)}),
    "polars int": pl.DataFrame(WHOLE.astype(np.int32)),
    "sparse int": sp.csr_array(WHOLE.astype(np.int32)),
    "lists of int": WHOLE.astype(int).tolist(),
}


@pytest.fixture(scope="module")
def whole():
    return ml.MNLogit(CODES, WHOLE).fit()


@pytest.mark.parametrize("name", SAME)
def test_columns_of_every_kind(name, plain):
    result = ml.MNLogit(CODES, SAME[name]).fit()
    assert result.converged
    np.testing.assert_allclose(result.params.to_numpy(), plain.params.to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(result.bse.to_numpy(), plain.bse.to_numpy(), rtol=1e-9)
    assert result.llf == pytest.approx(plain.llf, rel=1e-12)


@pytest.mark.parametrize("name", EXACT)
def test_small_types_are_doubles_inside(name, whole):
    result = ml.MNLogit(CODES, EXACT[name]).fit()
    np.testing.assert_allclose(result.params.to_numpy(), whole.params.to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(result.bse.to_numpy(), whole.bse.to_numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    "column",
    [
        NUMBERS > 0,
        (NUMBERS > 0).tolist(),
        pd.array(NUMBERS > 0, dtype="boolean"),
        pd.array(NUMBERS > 0, dtype=pd.ArrowDtype(pa.bool_())),
        pd.Series(NUMBERS > 0).astype(object),
    ],
    ids=["numpy", "list", "boolean", "arrow", "object"],
)
def test_booleans_are_zero_and_one(column):
    result = ml.MNLogit(CODES, pd.DataFrame({"c": 1, "b": column})).fit()
    numbers = np.column_stack([np.ones(ROWS), NUMBERS > 0]).astype(float)
    np.testing.assert_allclose(
        result.params.to_numpy(), ml.MNLogit(CODES, numbers).fit().params.to_numpy(), rtol=1e-9
    )


@pytest.mark.parametrize(
    "column",
    [
        ROUNDED,
        [fractions.Fraction(value) for value in ROUNDED],
        pd.Series([float(v) for v in ROUNDED]).astype(pd.ArrowDtype(pa.decimal128(8, 3))),
    ],
    ids=["Decimal", "Fraction", "arrow decimal"],
)
def test_exact_numbers(column):
    result = ml.MNLogit(CODES, pd.DataFrame({"c": 1, "z": column})).fit()
    numbers = np.column_stack([np.ones(ROWS), np.array(ROUNDED, dtype=float)])
    np.testing.assert_allclose(result.llf, ml.MNLogit(CODES, numbers).fit().llf, rtol=1e-10)


def test_int8_products_do_not_overflow():
    column = np.where(NUMBERS > 0, 127, -127).astype(np.int8)
    small = ml.MNLogit(CODES, np.column_stack([np.ones(ROWS, np.int8), column])).fit()
    sign = ml.MNLogit(CODES, np.column_stack([np.ones(ROWS), np.sign(column)])).fit()
    np.testing.assert_allclose(small.params.loc["x1"] * 127, sign.params.loc["x1"], rtol=1e-9)
    assert small.llf == pytest.approx(sign.llf, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_near_the_end_of_their_range(dtype):
    steps = np.arange(ROWS) % 23
    column = (2**62 + steps * 2**55).astype(dtype)
    large = ml.MNLogit(CODES, np.column_stack([np.ones(ROWS, dtype), column])).fit()
    small = ml.MNLogit(CODES, np.column_stack([np.ones(ROWS), steps])).fit()
    assert large.converged
    assert large.llf == pytest.approx(small.llf, rel=1e-12)
    np.testing.assert_allclose(large.params.iloc[1] * 2.0**55, small.params.iloc[1], rtol=1e-7)


def test_integers_do_not_overflow_in_a_formula():
    data = pd.DataFrame({"y": CODES, "n": 2**40 + np.arange(ROWS) % 5})
    with_squares = ml.mnlogit("y ~ I((n - 1099511627776)**2)", data).fit()
    data["small"] = np.arange(ROWS) % 5
    expected = ml.mnlogit("y ~ I(small**2)", data).fit()
    assert with_squares.llf == pytest.approx(expected.llf, rel=1e-12)
    powers = ml.mnlogit("y ~ 0 + I(n**4)", data)
    assert powers.design.source.block(0, 1)[0, 0] == pytest.approx(2.0**160)


def test_unnamed_columns_are_named_as_statsmodels_does():
    assert ml.MNLogit(CODES, DESIGN).exog_names == ("const", "x1")
    assert ml.MNLogit(CODES, DESIGN[:, ::-1]).exog_names == ("x1", "const")
    assert ml.MNLogit(CODES, DESIGN[:, 1:]).exog_names == ("x1",)
    assert ml.MNLogit(CODES, pd.Series(NUMBERS, name="z")).exog_names == ("z",)
    assert ml.MNLogit(CODES, FRAME.set_axis([0, "z"], axis=1)).exog_names == (0, "z")


def bad_column(value, row=5):
    column = NUMBERS.astype(object)
    column[row] = value
    return pd.DataFrame({"c": 1.0, "bad one": column})


@pytest.mark.parametrize(
    "column",
    [
        ["a"] * ROWS,
        [str(value) for value in NUMBERS],
        pd.array(["a"] * ROWS, dtype="string"),
        pd.Series(["a"] * ROWS, dtype=pd.ArrowDtype(pa.string())),
        pd.date_range("2020", periods=ROWS),
        pd.date_range("2020", periods=ROWS, tz="UTC"),
        pd.to_timedelta(np.arange(ROWS), unit="D"),
        pd.period_range("2020", periods=ROWS),
        pd.interval_range(0, ROWS),
        pd.Categorical(CODES),
        NUMBERS.astype(complex),
        pd.Series([1j] * ROWS, dtype=object),
        [b"a"] * ROWS,
        [[1]] * ROWS,
        [object()] * ROWS,
    ],
    ids=str,
)
def test_columns_that_are_no_numbers_are_named(column):
    with pytest.raises(ColumnTypeError, match="'bad one'"):
        ml.MNLogit(CODES, pd.DataFrame({"c": 1.0, "bad one": column}))


@pytest.mark.parametrize("value", ["x", 1j, (1, 2), pd.Timestamp("2020"), b"1"], ids=repr)
def test_one_entry_that_is_no_number_is_named_with_its_row(value):
    with pytest.raises(ColumnTypeError, match=r"'bad one'.*row 5"):
        ml.MNLogit(CODES, bad_column(value))


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT], ids=repr)
def test_missing_entries_of_every_kind(value):
    with pytest.raises(MissingDataError, match=r"'bad one' \(1\).*\[5\]"):
        ml.MNLogit(CODES, bad_column(value))
    kept = ml.MNLogit(CODES, bad_column(value), missing="drop").fit()
    expected = ml.MNLogit(np.delete(CODES, 5), np.delete(DESIGN, 5, axis=0)).fit()
    np.testing.assert_allclose(kept.params.to_numpy(), expected.params.to_numpy(), rtol=1e-9)


def test_masked_entries_are_missing():
    masked = MASKED.copy()
    masked[5, 1] = np.ma.masked
    with pytest.raises(MissingDataError, match=r"\[5\]"):
        ml.MNLogit(CODES, masked)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_entries_are_named_with_their_row(value):
    for data in (bad_column(value), bad_column(value).astype(float)):
        with pytest.raises(InfiniteValueError, match=r"'bad one'.*\[5\]"):
            ml.MNLogit(CODES, data)
    array = DESIGN.copy()
    array[7, 1] = value
    for data in (array, sp.csr_array(array)):
        with pytest.raises(InfiniteValueError, match=r"'x\d'.*\[7\]"):
            ml.MNLogit(CODES, data)


def test_missing_entries_of_a_sparse_array():
    array = DESIGN.copy()
    array[7, 1] = np.nan
    with pytest.raises(MissingDataError, match=r"\[7\]"):
        ml.MNLogit(CODES, sp.csr_array(array))
    kept = ml.MNLogit(CODES, sp.csr_array(array), missing="drop").fit()
    assert kept.audit.dropped == {"missing values": 1}


@pytest.mark.parametrize(
    ("exog", "error"),
    [
        (None, ColumnTypeError),
        ("abc", ColumnTypeError),
        (3.0, ColumnTypeError),
        (np.ones((ROWS, 2, 2)), ColumnTypeError),
        ([[1, 2]] * 60 + [[1]] * 60, ColumnTypeError),
        (DESIGN.astype(complex), ColumnTypeError),
        (sp.csr_array(DESIGN.astype(complex)), ColumnTypeError),
        (np.array([["a", "b"]] * ROWS), ColumnTypeError),
        (np.zeros((ROWS, 2), dtype=[("a", float)]), ColumnTypeError),
        (pl.DataFrame({"c": NUMBERS}).lazy(), ColumnTypeError),
        (pl.DataFrame({"c": ["a"] * ROWS}), ColumnTypeError),
        (bad_column(10**400), ColumnTypeError),
        (FRAME.set_axis(["a", "a"], axis=1), DuplicateColumnError),
        (np.empty((ROWS, 0)), EmptyDataError),
        (FRAME[[]], EmptyDataError),
        (DESIGN[:-1], LengthMismatchError),
        (FRAME[:-1], LengthMismatchError),
        (sp.csr_array(DESIGN[:-1]), LengthMismatchError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_bad_matrices_have_named_errors(exog, error):
    with pytest.raises(error):
        ml.MNLogit(CODES, exog)


@pytest.mark.parametrize("data", [None, 3, "abc", [1, 2], DESIGN])
def test_a_formula_needs_a_frame(data):
    with pytest.raises(ColumnTypeError, match="DataFrame"):
        ml.mnlogit("y ~ x", data)

"""Outcomes of every kind: labels, counts, probabilities; categories and base."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlelogit as ml
from mlelogit.data.outcome import find_base, name_categories, order_labels
from mlelogit.exceptions import (
    BaseCategoryError,
    CategoryOrderWarning,
    MissingDataError,
    OutcomeError,
    UnusedLevelWarning,
)
from tests.data.samples import CODES, DESIGN, ENUM, ONE_HOT, ROWS, check_same_fit, pick

LABELS = {
    "list of str": (pick("a", "b", "c"), ("a", "b", "c")),
    "tuple": (tuple(pick("a", "b", "c")), ("a", "b", "c")),
    "numpy str": (np.array(pick("a", "b", "c")), ("a", "b", "c")),
    "numpy object": (np.array(pick("a", "b", "c"), dtype=object), ("a", "b", "c")),
    "bytes": (np.array(pick(b"a", b"b", b"c")), (b"a", b"b", b"c")),
    "series": (pd.Series(pick("a", "b", "c"), name="vote"), ("a", "b", "c")),
    "index": (pd.Index(pick("a", "b", "c")), ("a", "b", "c")),
    "int": (np.array(pick(1, 2, 3)), (1, 2, 3)),
    "int8": (np.array(pick(1, 2, 3), dtype=np.int8), (1, 2, 3)),
    "uint64": (np.array(pick(1, 2, 2**64 - 1), dtype=np.uint64), (1, 2, 2**64 - 1)),
    "negative": (pick(-2, -1, 7), (-2, -1, 7)),
    "whole floats": (np.array(pick(1.0, 2.0, 3.0)), (1, 2, 3)),
    "floats": (np.array(pick(0.5, 1.5, 2.25)), (0.5, 1.5, 2.25)),
    "close floats": (pick(0.1, 0.1 + 1e-16, 0.3), (0.1, 0.1 + 1e-16, 0.3)),
    "string dtype": (pd.array(pick("a", "b", "c"), dtype="string"), ("a", "b", "c")),
    "string[pyarrow]": (pd.Series(pick("a", "b", "c"), dtype="string[pyarrow]"), ("a", "b", "c")),
    "Int64": (pd.array(CODES, dtype="Int64"), (0, 1, 2)),
    "Float64": (pd.array(CODES / 2, dtype="Float64"), (0.0, 0.5, 1.0)),
    "arrow int": (pd.Series(CODES, dtype=pd.ArrowDtype(pa.int32())), (0, 1, 2)),
    "arrow str": (pd.Series(pick("a", "b", "c"), dtype=pd.ArrowDtype(pa.string())), tuple("abc")),
    "one-column frame": (pd.DataFrame({"vote": pick("a", "b", "c")}), ("a", "b", "c")),
    "one-column array": (np.array(pick("a", "b", "c"))[:, np.newaxis], ("a", "b", "c")),
    "polars": (pl.Series("vote", pick("a", "b", "c")), ("a", "b", "c")),
    "polars frame": (pl.DataFrame({"vote": pick("a", "b", "c")}), ("a", "b", "c")),
    "pyarrow": (pa.chunked_array([pick("a", "b", "c")]), ("a", "b", "c")),
    "pyarrow table": (pa.table({"vote": pick("a", "b", "c")}), ("a", "b", "c")),
    "decimal": (pick(*map(decimal.Decimal, "123")), tuple(map(decimal.Decimal, "123"))),
    "unicode": (pick("", "naïve", "日本 語"), ("", "naïve", "日本 語")),
    "spaces": (pick(" a", "a", "a "), (" a", "a", "a ")),
    "dates": (
        pick(*(datetime.date(2019 + i, 1, 1) for i in range(3))),
        tuple(datetime.date(2019 + i, 1, 1) for i in range(3)),
    ),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_every_kind(name, plain):
    endog, categories = LABELS[name]
    result = ml.MNLogit(endog, DESIGN).fit()
    assert result.categories == categories
    assert [type(c) for c in result.categories] == [type(c) for c in categories]
    assert list(result.params.columns) == list(categories[1:])
    assert list(result.predict(frame="pandas").columns) == list(categories)
    assert result.base == categories[0]
    check_same_fit(result, plain)


@pytest.mark.parametrize(
    "endog",
    [
        CODES > 0,
        (CODES > 0).tolist(),
        pd.array(CODES > 0, dtype="boolean"),
        pd.Series(CODES > 0, dtype=pd.ArrowDtype(pa.bool_())),
        pl.Series(CODES > 0),
    ],
    ids=["numpy", "list", "boolean", "arrow", "polars"],
)
def test_boolean_labels(endog):
    result = ml.MNLogit(endog, DESIGN).fit()
    assert result.categories == (False, True)
    assert all(type(category) is bool for category in result.categories)
    expected = ml.MNLogit((CODES > 0).astype(int), DESIGN).fit()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-10)


@pytest.mark.parametrize(
    "endog",
    [
        pd.Categorical(pick("a", "b", "c"), categories=ENUM),
        pd.Series(pd.Categorical(pick("a", "b", "c"), categories=ENUM, ordered=True)),
        pl.Series(pick("a", "b", "c"), dtype=pl.Enum(ENUM)),
        pd.DataFrame({"v": pd.Categorical(pick("a", "b", "c"), categories=ENUM)}),
    ],
    ids=["categorical", "ordered", "polars enum", "frame"],
)
def test_categorical_order_is_kept(endog, plain):
    result = ml.MNLogit(endog, DESIGN).fit()
    assert result.categories == ("c", "a", "b")
    assert result.base == "c"
    check_same_fit(result, plain, (2, 0, 1))


def test_categorical_order_is_kept_through_a_formula(plain):
    outcome = pd.Categorical(pick("a", "b", "c"), categories=ENUM)
    data = pd.DataFrame({"v": outcome, "x": DESIGN[:, 1]})
    result = ml.mnlogit("v ~ x", data).fit()
    assert result.categories == ("c", "a", "b")
    check_same_fit(result, plain, (2, 0, 1))


def test_text_of_numbers_is_ordered_as_text(plain):
    result = ml.MNLogit(pick("10", "9", "1"), DESIGN).fit()
    assert result.categories == ("1", "10", "9")
    check_same_fit(result, plain, (2, 0, 1))


def test_labels_that_differ_in_type_stay_distinct(plain):
    with pytest.warns(CategoryOrderWarning, match="'1'"):
        result = ml.MNLogit(pick(1, "1", 2), DESIGN).fit()
    assert sorted(map(repr, result.categories)) == ["'1'", "1", "2"]
    np.testing.assert_allclose(result.llf, plain.llf, rtol=1e-12)
    names = name_categories(result.categories)
    assert len(set(names)) == 3
    text = result.summary().as_text()
    assert "'1'" in text


def test_one_and_true_are_not_merged():
    with pytest.raises(OutcomeError, match="bool"):
        ml.MNLogit(pick(True, 1, 2), DESIGN)


def test_labels_that_cannot_be_compared_go_by_type():
    with pytest.warns(CategoryOrderWarning, match="type"):
        order = order_labels(["b", 2, "a", 1])
    assert order.tolist() == [1, 3, 0, 2]


def test_unused_categories_are_dropped_with_a_warning(plain):
    outcome = pd.Categorical(pick("a", "b", "c"), categories=["a", "none", "b", "c"])
    with pytest.warns(UnusedLevelWarning, match="'none'"):
        result = ml.MNLogit(outcome, DESIGN).fit()
    assert result.categories == ("a", "b", "c")
    assert result.audit.unused == ("none",)
    check_same_fit(result, plain)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_labels_raise_and_are_counted(missing):
    labels = pick("a", "b", "c")
    labels[3] = labels[70] = missing
    with pytest.raises(MissingDataError, match=r"2 rows.*\[3, 70\]"):
        ml.MNLogit(labels, DESIGN)


@pytest.mark.parametrize(
    "endog",
    [
        pd.array([pd.NA, *CODES[1:]], dtype="Int64"),
        pd.Series([None, *pick("a", "b", "c")[1:]], dtype="string"),
        pd.Categorical([None, *pick("a", "b", "c")[1:]]),
        [np.nan, *CODES[1:].tolist()],
        pl.Series([None, *pick("a", "b", "c")[1:]]),
        pd.Series([None, *CODES[1:]], dtype=pd.ArrowDtype(pa.int64())),
        np.vstack([[np.nan, 0, 1], ONE_HOT[1:]]),
    ],
    ids=["Int64", "string", "categorical", "floats", "polars", "arrow", "counts"],
)
def test_missing_outcomes_are_dropped_and_counted(endog):
    result = ml.MNLogit(endog, DESIGN, missing="drop").fit()
    expected = ml.MNLogit(CODES[1:], DESIGN[1:]).fit()
    assert result.nobs == ROWS - 1
    assert result.audit.rows_in == ROWS
    assert result.audit.dropped == {"missing values": 1}
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-9)
    assert all(isinstance(category, int | str) for category in result.categories)


def test_every_category_can_be_the_base(plain):
    for position, label in enumerate("abc"):
        result = ml.MNLogit(pick("a", "b", "c"), DESIGN, base=label).fit()
        assert result.base == label
        assert label not in result.params.columns
        assert f"{label}" in result.summary().as_text()
        assert result.record.encoding.base == position
        check_same_fit(result, plain)


def test_find_base():
    assert find_base(None, ("a", "b")) == 0
    assert find_base("1", (0, 1, 2)) == 1
    assert find_base(1, (1, "1")) == 0
    assert find_base("1", (1, "1")) == 1
    assert find_base(np.int64(2), (0, 1, 2)) == 2
    assert find_base(2.0, (0, 1, 2)) == 2
    with pytest.raises(BaseCategoryError, match="True"):
        find_base("x", (True, False))


def test_categories_keep_their_names_in_every_output():
    names = ("", " a", "日本 語")
    result = ml.MNLogit(pick(*names), DESIGN).fit()
    assert list(result.params.columns) == list(names[1:])
    assert list(result.fittedvalues.columns) == list(names)
    assert list(result.resid_response.columns) == list(names)
    assert list(result.pred_table().columns) == list(names)
    assert set(result.predict(which="category")) <= set(names)
    assert list(result.tidy()["category"].unique()) == list(names[1:])
    assert list(result.conf_int().index.get_level_values("category").unique()) == list(names[1:])
    assert list(result.cov_params().index.get_level_values(0).unique()) == list(names[1:])
    assert tuple(result.audit.categories) == names
    for text in (result.summary().as_text(), result.summary().as_html()):
        assert "日本 語" in text

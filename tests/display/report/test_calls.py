"""The lines under how to reproduce make the same fit again."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from tests.display.report.reading import read_page

FORMULA = "vote ~ age + children + region"


def run_again(res, **names):
    """Run the lines that the page gives, which check the fit, and return what they make."""
    page = read_page(res.report(sections="reproduction").html)
    scope = dict(names)
    exec(page.snippets[0], scope)
    again = scope["res"]
    np.testing.assert_allclose(again.params, res.params, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(again.bse, res.bse, rtol=1e-6, atol=1e-9)
    return page.snippets[0]


@pytest.fixture
def data(voters):
    gone = voters["age"].where(np.arange(400) % 40 > 0)
    return voters.assign(age=gone, village=np.arange(400) % 50, shift=np.arange(400) / 400)


@pytest.mark.parametrize(
    ("model", "fit", "words"),
    [
        ({}, {}, ["missing='drop'"]),
        ({"base": "cat"}, {"method": "L-BFGS-B", "tol": 1e-7}, ["base='cat'", "tol=1e-07"]),
        (
            {"weights": "people", "weight_type": "frequency"},
            {"cov_type": "HC1"},
            ["weights='people'", "with_cov('HC1')"],
        ),
        (
            {"weights": "people", "weight_type": "sampling"},
            {"cov_type": "survey", "cov_kwds": {"psu": "village"}},
            ["psu='village'", "weight_type='sampling'"],
        ),
        (
            {},
            {"cov_type": "cluster", "cov_kwds": {"groups": "village", "correction": "CR1"}},
            ["groups='village'", "correction='CR1'"],
        ),
        ({}, {"bias_reduction": "mean"}, ["bias_reduction='mean'"]),
        ({}, {"constraints": ["bob: age = cat: age", "cat: children <= 0.5"]}, ["constraints="]),
        ({}, {"equations": {"age": ["bob"]}}, ["cat: age"]),
    ],
)
def test_the_lines_of_a_formula_make_the_fit_again(data, model, fit, words):
    res = ml.mnlogit(FORMULA, data, missing="drop", **model).fit(**fit)
    lines = run_again(res, data=data)
    for word in words:
        assert word in lines


def test_the_lines_of_arrays_make_the_fit_again(data):
    exog = data[["children", "shift"]].assign(one=1.0)
    weights = data["people"].to_numpy(dtype=float)
    given = {"weights": weights, "weight_type": "importance", "offset": np.zeros((400, 3))}
    res = ml.MNLogit(data["vote"], exog, base="bob", **given).fit()
    lines = run_again(res, endog=data["vote"], exog=exog, weights=weights, offset=given["offset"])
    assert "weights=weights" in lines
    assert "offset=offset" in lines


def test_labels_that_are_no_column_are_named_by_what_they_are(data):
    groups = np.arange(400) % 57
    res = ml.mnlogit(FORMULA, data, missing="drop").fit().with_cov("cluster", groups=groups)
    assert "groups=groups" in run_again(res, data=data, groups=groups)


LABELS = {
    "times": pd.Series(pd.to_datetime(["2020-01-01", "2020-02-01", "2021-01-01"])),
    "zoned times": pd.Series(pd.to_datetime(["2020-01-01", "2020-02-01"], utc=True)),
    "spans": pd.Series(pd.to_timedelta([1, 2, 3], unit="D")),
    "periods": pd.Series(pd.period_range("2020-01", periods=3, freq="M")),
    "intervals": pd.Series(pd.interval_range(0, 3)),
    "intervals of times": pd.Series(pd.interval_range(pd.Timestamp("2020-01-01"), periods=2)),
    "dates": pd.Series([datetime.date(2020, 1, day) for day in (1, 2, 3)]),
    "truth values": pd.Series([True, False]),
    "numbers": pd.Series([1.5, 2.5, 4.0]),
    "tuples": pd.Series([("a", 1), ("b", 2), ("b", 3)]),
    "quotes": pd.Series(["it's", 'a "quote"', "back\\slash\n"]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_a_base_of_any_kind_is_written_so_that_it_can_be_read(data, kind, rng):
    labels = LABELS[kind]
    vote = labels.take(rng.integers(0, len(labels), 400)).reset_index(drop=True)
    rows = data.assign(vote=vote)
    res = ml.mnlogit("vote ~ children", rows, base=labels.iloc[-1]).fit()
    lines = run_again(res, data=rows)
    assert ("import pandas as pd" in lines) == ("pd." in lines)
    assert "missing" not in lines


def test_a_base_that_no_line_can_make_is_asked_for(data):
    labels = [decimal.Decimal("0.1"), decimal.Decimal("0.2")]
    rows = data.assign(vote=pd.Series(labels * 200, dtype=object))
    res = ml.mnlogit("vote ~ children", rows).fit()
    assert "# base: the label" in run_again(res, data=rows, base=labels[0])


def test_lines_that_make_another_fit_are_caught(data):
    res = ml.mnlogit(FORMULA, data, missing="drop").fit()
    with pytest.raises(AssertionError):
        run_again(res, data=data.iloc[2:])


def test_lines_that_make_other_standard_errors_are_caught(data):
    res = ml.mnlogit(FORMULA, data, missing="drop").fit().with_cov("cluster", groups="village")
    with pytest.raises(AssertionError):
        run_again(res, data=data.assign(village=np.arange(400) % 80))

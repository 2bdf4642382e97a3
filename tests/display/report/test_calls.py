"""The lines under how to reproduce make the same fit again."""

import numpy as np
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


def test_lines_that_make_another_fit_are_caught(data):
    res = ml.mnlogit(FORMULA, data, missing="drop").fit()
    with pytest.raises(AssertionError):
        run_again(res, data=data.iloc[2:])

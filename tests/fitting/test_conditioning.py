"""Columns far from orthogonal: nothing is lost above rounding, exact aliases are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import RankDeficiencyError, ScaleError
from tests.theorems.strategies import distance, params_of


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    x = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    scores = x @ rng.normal(size=(3, 3)) + rng.gumbel(size=(200, 3))
    return scores.argmax(axis=1), x


@pytest.fixture(scope="module")
def plain(data):
    return ml.MNLogit(*data).fit()


def test_a_mean_of_a_million_costs_nothing_but_its_own_rounding(data):
    codes, x = data
    grid = np.round(x[:, 1] * 2**20) / 2**20
    near = ml.MNLogit(codes, np.column_stack([x[:, 0], grid, x[:, 2]])).fit()
    far = ml.MNLogit(codes, np.column_stack([x[:, 0], grid + 2**20, x[:, 2]])).fit()
    assert far.converged
    assert distance(far.params.iloc[1:], near.params.iloc[1:], near.bse.iloc[1:]) < 1e-7
    assert np.abs(far.bse.iloc[1:] / near.bse.iloc[1:] - 1).max(axis=None) < 1e-7
    moved = near.params.iloc[0] - 2**20 * near.params.iloc[1]
    assert distance(far.params.iloc[0], moved, far.bse.iloc[0]) < 1e-7
    assert abs(far.llf - near.llf) < 1e-11 * abs(near.llf)
    assert np.abs(far.fittedvalues - near.fittedvalues).max(axis=None) < 1e-8


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B", "BFGS"])
@pytest.mark.parametrize("ratio", [1e-5, 1e-7, 1e-9])
def test_nearly_collinear_columns_keep_every_column(data, ratio, method):
    """The scores of a row are differences of numbers 1 / ratio as large as they are."""
    codes, x = data
    exponent = round(np.log2(ratio))
    third = x[:, 1] + 2.0**exponent * x[:, 2]
    close = np.column_stack([x[:, 0], x[:, 1], third])
    rest = (third - x[:, 1]) * 2.0**-exponent
    rotated = ml.MNLogit(codes, np.column_stack([x[:, 0], x[:, 1], rest])).fit()
    res = ml.MNLogit(codes, close).fit(method)
    assert res.params.shape == (3, 2)
    assert res.converged
    change = np.array([[1, 0, 0], [0, 1, -(2.0**-exponent)], [0, 0, 2.0**-exponent]])
    expected = params_of(rotated) @ change.T
    assert distance(params_of(res), expected, np.asarray(res.bse).T) < 1e-6
    both = np.kron(np.eye(2), change)
    variances = np.diag(both @ rotated.cov_params().to_numpy() @ both.T)
    errors = np.sqrt(variances).reshape(2, 3)
    assert np.abs(np.asarray(res.bse).T / errors - 1).max() < 1e-6
    rounding = 2**-52 / ratio
    assert abs(res.llf - rotated.llf) < 1e-11 * abs(rotated.llf) + 2 * rounding
    assert np.abs(res.fittedvalues - rotated.fittedvalues).max(axis=None) < 1e-11 + 8 * rounding


@pytest.mark.parametrize(
    ("third", "said"),
    [
        (lambda a, b: 2 * a - 3 * b, ["c = 2 a - 3 b", "c = 2 a -3 b"]),
        (lambda a, b: a, ["c = + a", "c = 1 a", "c = a"]),
        (lambda a, b: 1e6 * b, ["c = 1e+06 b"]),
    ],
)
def test_exact_collinearity_names_the_combination(data, third, said):
    codes, x = data
    frame = pd.DataFrame({"one": 1.0, "a": x[:, 1], "b": x[:, 2]})
    frame["c"] = third(frame["a"], frame["b"])
    with pytest.raises(RankDeficiencyError) as caught:
        ml.MNLogit(codes, frame, collinear="raise")
    text = " ".join(str(caught.value).split())
    assert any(form in text for form in said), text


def test_a_full_set_of_dummies_beside_the_constant_is_named(data):
    codes, x = data
    high = (x[:, 1] > 0).astype(float)
    frame = pd.DataFrame({"one": 1.0, "high": high, "low": 1 - high})
    with pytest.raises(RankDeficiencyError, match=r"low.*one.*high"):
        ml.MNLogit(codes, frame, collinear="raise")


def test_a_combination_reads_as_a_sum(rng):
    z = rng.normal(size=(50, 2))
    frame = pd.DataFrame({"one": 1.0, "a": z[:, 0], "b": z[:, 1]})
    frame["c"] = frame["a"] - 2.5 * frame["b"] - 1
    with pytest.raises(RankDeficiencyError, match=r"apart: c = - one \+ a - 2\.5 b\. "):
        ml.MNLogit(rng.integers(0, 3, 50), frame, collinear="raise")


def test_a_column_of_zeros_is_named(data):
    codes, _ = data
    frame = pd.DataFrame({"nil": np.zeros(200), "one": 1.0})
    with pytest.raises(RankDeficiencyError, match="apart: nil = 0\\. "):
        ml.MNLogit(codes, frame, collinear="raise")


def test_more_columns_than_rows_raise():
    rng = np.random.default_rng(0)
    with pytest.raises(RankDeficiencyError):
        ml.MNLogit([0, 1, 0, 1], rng.normal(size=(4, 6)), collinear="raise")


@pytest.mark.parametrize("size", [1e120, 1e-120])
def test_columns_beyond_any_unit_are_named(data, size):
    codes, x = data
    frame = pd.DataFrame({"one": 1.0, "vast": x[:, 1] * size})
    with pytest.raises(ScaleError, match="'vast'"):
        ml.MNLogit(codes, frame).fit()


@pytest.mark.parametrize("size", [1e90, 1e-90])
def test_columns_just_within_any_unit_are_fitted(data, plain, size):
    codes, x = data
    res = ml.MNLogit(codes, x * [1.0, size, 1.0]).fit()
    assert res.converged
    errors = np.asarray(plain.bse).T
    assert distance(params_of(res) * [1.0, size, 1.0], params_of(plain), errors) < 1e-8
    assert abs(res.llf - plain.llf) < 1e-11 * abs(plain.llf)

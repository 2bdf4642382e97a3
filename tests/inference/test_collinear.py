"""Variances of combinations of nearly collinear columns, against the same model in others."""

import pickle

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.inference.covariance import spread_rows

DEGREE = 4


def slope(category):
    """Write the slope at 1995 of a polynomial in the raw year."""
    return " + ".join(f"{k * 1995.0 ** (k - 1)!r}*{category}: t{k}" for k in range(1, DEGREE + 1))


@pytest.fixture(scope="module")
def years():
    """Fits of a quartic in the year, and in the year less 1995."""
    rng = np.random.default_rng(1)
    year = rng.integers(1980, 2011, 300).astype(float)
    centred = year - 1995
    scores = np.c_[np.zeros(300), 0.03 * centred, -0.02 * centred]
    y = (scores + rng.gumbel(size=scores.shape)).argmax(1)
    formula = "y ~ " + " + ".join(f"t{k}" for k in range(1, DEGREE + 1))
    frames = [
        pd.DataFrame({"y": y} | {f"t{k}": t**k for k in range(1, DEGREE + 1)})
        for t in (year, centred)
    ]
    raw, plain = (ml.mnlogit(formula, frame) for frame in frames)
    raw_free = raw.fit()
    assert raw_free.condition_number > 1e10
    return raw, plain, raw_free, plain.fit()


@pytest.mark.parametrize("kind", ["nonrobust", "HC1", "opg", "HC3"])
def test_a_slope_has_the_error_of_the_centred_fit(years, kind):
    _, _, raw, plain = years
    raw, plain = raw.with_cov(kind), plain.with_cov(kind)
    expected = plain.bse.loc["t1", 1]
    said = slope(1)
    assert abs(raw.lincom(said)["std_err"].iloc[0] / expected - 1) < 1e-6
    copied = pickle.loads(pickle.dumps(raw))
    assert copied.lincom(said)["std_err"].iloc[0] == raw.lincom(said)["std_err"].iloc[0]
    moved = raw.rebase(2)
    assert abs(moved.lincom(slope(0))["std_err"].iloc[0] / plain.bse.loc["t1", 2] - 1) < 1e-6
    wald = plain.wald_test("1: t1 = 0").statistic
    assert abs(raw.wald_test(said).statistic / wald - 1) < 1e-5
    score = plain.score_test("1: t1 = 0").statistic
    assert abs(raw.score_test(said).statistic / score - 1) < 1e-5


def test_multipliers_and_tests_of_constraints_are_those_of_the_centred_fit(years):
    raw, plain, _, _ = years
    held = raw.fit(constraints=f"{slope(1)} = {slope(2)}")
    centred = plain.fit(constraints="1: t1 = 2: t1")
    one, two = held.multipliers.iloc[0], centred.multipliers.iloc[0]
    assert abs(one["std_err"] / two["std_err"] - 1) < 1e-6
    assert abs(one["z"] / two["z"] - 1) < 1e-5
    ours, theirs = held.constraint_tests(), centred.constraint_tests()
    assert abs(ours.wald.statistic / theirs.wald.statistic - 1) < 1e-5
    assert abs(ours.score.statistic / theirs.score.statistic - 1) < 1e-5
    assert abs(ours.lr.statistic / theirs.lr.statistic - 1) < 1e-5
    errors = [fit.lincom(said)["std_err"].iloc[0] for fit, said in ((held, slope(1)),)]
    assert abs(errors[0] / centred.bse.loc["t1", 1] - 1) < 1e-6


@pytest.mark.parametrize("near", [1e-3, 1e-6, 1e-8, 1e-9])
def test_a_fixed_twin_column_leaves_the_errors_of_the_other(near):
    rng = np.random.default_rng(1)
    n = 200
    y, p, z, u = rng.integers(0, 3, n), rng.normal(size=n), rng.normal(size=n), rng.normal(size=n)
    twin = p + near * u
    data = pd.DataFrame({"y": y, "p": p, "q": twin, "z": z})
    offset = np.column_stack([np.zeros(n), 0.3 * twin, np.zeros(n)])
    res = ml.mnlogit("y ~ p + q + z", data).fit(
        constraints=["1: p = 2: p", "1: q = 0.3", "2: q = 0"]
    )
    alone = ml.mnlogit("y ~ p + z", data, offset=offset).fit(constraints="1: p = 2: p")
    for name in ("Intercept", "p", "z"):
        assert np.abs(res.bse.loc[name] / alone.bse.loc[name] - 1).max() < 1e-7
    assert (res.bse.loc["q"] == 0).all()
    robust, robust_alone = res.with_cov("HC0"), alone.with_cov("HC0")
    assert np.abs(robust.bse.loc["p"] / robust_alone.bse.loc["p"] - 1).max() < 1e-7
    error = res.lincom("1: p + 1: z")["std_err"].iloc[0]
    assert abs(error / alone.lincom("1: p + 1: z")["std_err"].iloc[0] - 1) < 1e-7


def test_where_columns_are_far_apart_both_ways_agree(rng):
    data = pd.DataFrame(rng.normal(size=(120, 2)), columns=["x", "z"])
    data["y"] = rng.integers(0, 3, 120)
    res = ml.mnlogit("y ~ x + z", data).fit()
    rows = rng.normal(size=(4, 6))
    expected = rows @ res.covariance.matrix @ rows.T
    assert np.abs(spread_rows(res.record, res.covariance, rows) - expected).max() < 1e-14

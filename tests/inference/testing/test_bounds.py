"""Tests and intervals under bounds: the plain ones where no bound bears on them, else refused."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import IntervalError, NotNestedError


@pytest.fixture(scope="module")
def model():
    """Two columns that are nearly one, so that what holds one moves the other."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=250)
    z = 0.9 * x + 0.3 * rng.normal(size=250)
    scores = np.c_[np.zeros(250), -0.6 * x + 0.7 * z]
    y = (scores + rng.gumbel(size=scores.shape)).argmax(1)
    return ml.mnlogit("y ~ x + z", pd.DataFrame({"y": y, "x": x, "z": z}))


@pytest.fixture(scope="module")
def active(model):
    res = model.fit(constraints="x >= 0")
    assert res.record.at_bounds
    return res


def test_an_active_bound_is_no_equation(model, active):
    """Under z = -1 the bound is slack, so that the statistic with it as equation is wrong."""
    null = model.fit(constraints=["x >= 0", "z = -1"])
    equation = model.fit(constraints=["x = 0", "z = -1"])
    assert null.params.loc["x", 1] > 0.1
    assert null.llf > equation.llf + 1
    for kind, said in (("lr", "chi-bar-squared"), ("score", "score statistics")):
        test = getattr(active, f"{kind}_test")("z = -1")
        assert np.isnan([test.statistic, test.p_value]).all()
        assert said in test.reason
        contradicted = getattr(active, f"{kind}_test")("x = 1")
        assert said in contradicted.reason
        for name in ("term_tests", "equality_tests", "combine_tests"):
            frame = getattr(active, name)(kind)
            assert frame["statistic"].isna().all()
        assert said in active.term_tests(kind).loc["z", "reason"]


def test_wald_tests_say_that_bounds_are_taken_for_granted(active, model):
    test = active.wald_test("z")
    assert "conditional on active bounds" in test.name
    fixed = model.fit(constraints="x = 0").wald_test("z")
    assert test.statistic == pytest.approx(fixed.statistic, rel=1e-9)
    assert "conditional" not in fixed.name
    assert "conditional on active bounds" in active.term_tests("wald").attrs["test"]


@pytest.mark.parametrize("method", ["profile", "score"])
def test_intervals_are_refused_at_bounds(active, method):
    with pytest.raises(IntervalError, match="stand at bounds"):
        active.conf_int(method=method)
    with pytest.raises(IntervalError, match="stand at bounds"):
        active.lincom("1: z", method=method)
    with pytest.raises(IntervalError, match="stand at bounds"):
        active.profile("1: z")


def test_a_hypothesis_that_breaks_a_slack_bound_is_refused(model):
    res, free = model.fit(constraints="z >= 0"), model.fit()
    assert not res.record.at_bounds
    for kind in ("lr", "score"):
        asked = f"{kind}_test"
        for hypothesis in ("z = -0.5", "x = 1"):
            test = getattr(res, asked)(hypothesis)
            assert np.isnan(test.statistic)
            assert "breaks 1: z >= 0" in test.reason
        # Where the bound is met on both sides nothing has changed.
        inside = getattr(free, asked)("x = -0.3")
        assert getattr(res, asked)("x = -0.3").statistic == pytest.approx(
            inside.statistic, rel=1e-9
        )
    smaller = model.fit(constraints="x = 1")
    with pytest.raises(NotNestedError, match="do not meet 1: z >= 0"):
        res.lr_test(smaller)
    assert free.lr_test(smaller).df == 1
    assert res.lr_test(model.fit(constraints="x = -0.3")).df == 1


@pytest.mark.parametrize("method", ["profile", "score"])
def test_ends_that_break_a_slack_bound_are_no_ends(model, method):
    res, free = model.fit(constraints="z >= 0.8"), model.fit()
    plain = free.conf_int(method=method)
    assert plain.loc[(1, "z"), "lower"] < 0.8 < plain.loc[(1, "z"), "upper"]
    with pytest.warns(ml.exceptions.IntervalWarning, match=r"1: z.*z >= 0\.8"):
        found = res.conf_int(method=method)
    assert np.isnan(found.loc[(1, "z"), "lower"])
    assert np.isnan(found.loc[(1, "x"), "upper"])
    for place in ((1, "z"), "upper"), ((1, "x"), "lower"), ((1, "Intercept"), "lower"):
        assert found.loc[place] == pytest.approx(plain.loc[place], rel=1e-7)
    with pytest.warns(ml.exceptions.IntervalWarning):
        laid = res.profile("1: z", points=[0.6, 0.75, 0.9, 1.2])
    assert laid["loglike"].isna().tolist() == [True, True, False, False]
    wide = model.fit(constraints="z >= -5").conf_int(method=method)
    np.testing.assert_allclose(wide, plain, rtol=1e-7)

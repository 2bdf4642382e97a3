"""Wald and likelihood-ratio tests against statsmodels, and the words of their nulls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from statsmodels.discrete.discrete_model import MNLogit

import mlelogit as ml
from mlelogit.exceptions import NotConvergedWarning, NotNestedError, ParamsError
from tests.inference.samples import fitted, survey


@pytest.fixture(scope="module")
def res():
    return fitted()


@pytest.fixture(scope="module")
def peer(res):
    x = res.record.blocks.design.source.block(0, 160).T
    codes = survey()["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    return MNLogit(codes, x).fit(disp=0)


def select(*places):
    return np.eye(10)[list(places)]


FORMS = [
    ("age", select(1, 6), "green: age = 0 and red: age = 0"),
    ("red: age", select(6), "red: age = 0"),
    (("red", "age"), select(6), "red: age = 0"),
    (["age", "educ"], select(1, 6, 2, 7), None),
    (["green: age", ("red", "educ")], select(1, 7), "green: age = 0 and red: educ = 0"),
    (["age", "red: age"], select(1, 6), "green: age = 0 and red: age = 0"),
    (select(3, 8), select(3, 8), None),
    (select(1)[0] - select(6)[0], select(1) - select(6), None),
    ((select(1) - select(6)).tolist(), select(1) - select(6), None),
]


@pytest.mark.parametrize(("hypothesis", "matrix", "null"), FORMS)
def test_wald_agrees_with_statsmodels(res, peer, hypothesis, matrix, null):
    test = res.wald_test(hypothesis)
    theirs = peer.wald_test(matrix, scalar=True, use_f=False)
    assert test.df == len(matrix)
    assert abs(test.statistic / float(theirs.statistic) - 1) < 1e-6
    assert abs(test.p_value - float(theirs.pvalue)) < 1e-7
    assert null is None or test.null == null
    assert "Wald" in str(test)
    assert f"chi2({test.df})" in str(test)


def test_wald_of_a_single_coefficient_is_its_squared_z(res):
    test = res.wald_test("green: educ")
    assert abs(test.statistic - res.tvalues.loc["educ", "green"] ** 2) < 1e-10
    assert abs(test.p_value - res.pvalues.loc["educ", "green"]) < 1e-12


def test_wald_against_a_value(res):
    b, se = res.params.loc["age", "red"], res.bse.loc["age", "red"]
    test = res.wald_test("red: age", 0.05)
    assert abs(test.statistic - ((b - 0.05) / se) ** 2) < 1e-10
    assert "0.05" in test.null
    assert res.wald_test("red: age", b).statistic < 1e-20


def test_wald_uses_the_covariance_in_use(res):
    robust = res.with_cov("HC0")
    test = robust.wald_test("red: age")
    assert abs(test.statistic - robust.tvalues.loc["age", "red"] ** 2) < 1e-10
    assert abs(test.statistic - res.wald_test("red: age").statistic) > 1e-6
    assert "HC0" in test.name


@pytest.mark.parametrize(
    ("hypothesis", "value"),
    [
        ("Age", None),
        ("blue: age", None),
        (("red", "Age"), None),
        (["age", "nothing"], None),
        (np.eye(9), None),
        (np.full((1, 10), np.nan), None),
        (np.zeros((1, 10)), None),
        (np.vstack([np.eye(10)[0], 2 * np.eye(10)[0]]), None),
        ("age", [1.0]),
        ("age", [1.0, 2.0, 3.0]),
        (np.empty((0, 10)), None),
    ],
)
def test_wrong_hypotheses_raise(res, hypothesis, value):
    with pytest.raises(ParamsError):
        res.wald_test(hypothesis, value)


def test_an_unknown_name_is_answered_with_the_known_ones(res):
    with pytest.raises(ParamsError, match=r"'Age'.*Intercept, age, educ.*'green: Intercept'"):
        res.wald_test("Age")


def test_lr_test_is_twice_the_difference(res):
    smaller = fitted("party ~ age")
    test = res.lr_test(smaller)
    assert test.df == 6
    assert abs(test.statistic - 2 * (res.llf - smaller.llf)) < 1e-10
    assert abs(test.p_value - chi2.sf(test.statistic, 6)) < 1e-12
    for name in ("educ", "region"):
        assert name in test.null
    assert "age" not in test.null


def test_lr_test_against_the_constant_is_the_tables(res):
    test = res.lr_test(fitted("party ~ 1"))
    assert abs(test.statistic - res.llr) < 1e-9
    assert abs(test.p_value - res.llr_pvalue) < 1e-12
    assert test.df == res.df_model


def test_models_nested_in_other_columns_are_nested():
    frame = survey().assign(total=lambda f: f["age"] + 10 * f["educ"])
    larger = ml.mnlogit("party ~ age + educ", frame).fit()
    smaller = ml.mnlogit("party ~ total", frame, base="red").fit()
    assert larger.lr_test(smaller).df == 2


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ("party ~ age", "party ~ educ"),
        ("party ~ age", "party ~ age + educ"),
        ("party ~ age + educ", "party ~ age + educ"),
        ("party ~ age + educ", "party ~ log(age)"),
        ("party ~ 0 + age + educ", "party ~ age"),
    ],
)
def test_models_that_are_not_nested_raise(larger, smaller):
    with pytest.raises(NotNestedError, match="not nested"):
        fitted(larger).lr_test(fitted(smaller))


def test_fits_to_other_rows_raise(res):
    with pytest.raises(NotNestedError, match="rows"):
        res.lr_test(ml.mnlogit("party ~ age", survey().iloc[:-1]).fit())


def test_fits_with_other_weights_offset_or_outcome_raise():
    frame = survey()
    larger = fitted("party ~ age + educ", weights="people", weight_type="frequency")
    others = [
        fitted("party ~ age"),
        ml.mnlogit("party ~ age", frame, weights="people", weight_type="importance").fit(),
        ml.mnlogit(
            "party ~ age",
            frame,
            weights="people",
            weight_type="frequency",
            offset=np.ones((160, 3)) * [0, 1, 2],
        ).fit(),
        ml.mnlogit(
            "party ~ age",
            frame.assign(party=frame["party"].replace({"red": "blue", "blue": "red"})),
            weights="people",
            weight_type="frequency",
        ).fit(),
    ]
    for smaller in others:
        with pytest.raises(NotNestedError, match="differ"):
            larger.lr_test(smaller)
    assert larger.lr_test(fitted("party ~ age", weights="people", weight_type="frequency")).df == 2


def test_sampling_weights_have_no_lr_test_and_say_why():
    how = {"weights": "weight", "weight_type": "sampling"}
    test = fitted("party ~ age + educ", **how).lr_test(fitted("party ~ age", **how))
    assert np.isnan([test.statistic, test.p_value]).all()
    assert "pseudo-likelihood" in test.reason
    assert "Does not apply" in str(test)


def test_a_fit_that_has_not_converged_has_no_lr_test(res):
    with pytest.warns(NotConvergedWarning):
        early = ml.mnlogit("party ~ age", survey()).fit("L-BFGS-B", maxiter=1)
    test = res.lr_test(early)
    assert np.isnan(test.statistic)
    assert "converged" in test.reason


def test_lr_test_takes_results_or_a_hypothesis(res):
    with pytest.raises(ParamsError, match="needs 10 columns"):
        res.lr_test(res.llf)


POWERS = "Y, I(Y**2), I(Y**3), I(Y**4)"


@pytest.fixture(scope="module")
def years():
    """Return a quartic in the year as it is, and in the year from 1995: one model."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"Y": random.integers(1970, 2021, 600), "x": random.normal(size=600)})
    scores = np.column_stack([0 * frame["x"], 0.3 + 0.5 * frame["x"], -0.2 - 0.4 * frame["x"]])
    frame["y"] = np.array(list("abc"))[(scores + random.gumbel(size=(600, 3))).argmax(1)]
    models = []
    for start in (0, 1995):
        moved = frame.assign(Y=frame["Y"] - start)
        models.append(ml.mnlogit("y ~ x + Y + I(Y**2) + I(Y**3) + I(Y**4)", moved))
    return models


@pytest.mark.parametrize("kind", ["nonrobust", "HC1", "HC3"])
def test_joint_tests_of_nearly_parallel_columns_lose_no_digits(years, kind):
    raw, centered = (model.fit(cov_type=kind) for model in years)
    for test in ("wald_test", "score_test"):
        found, wanted = (getattr(res, test)(POWERS).statistic for res in (raw, centered))
        assert found == pytest.approx(wanted, rel=1e-7)
    for test in ("wald", "score"):
        found, wanted = (res.combine_tests(test)["statistic"] for res in (raw, centered))
        np.testing.assert_allclose(found, wanted, rtol=1e-7)


def test_multipliers_of_nearly_parallel_rows_lose_no_digits(years):
    """The multiplier of what is held at zero is its column's score.

    Where the constant's score is zero, a shift of the year does not change the year's.
    """
    raw, centered = (model.fit(constraints=POWERS.split(", ")) for model in years)
    found, wanted = (res.constraint_tests() for res in (raw, centered))
    assert found.wald.statistic == pytest.approx(wanted.wald.statistic, rel=1e-7)
    assert found.score.statistic == pytest.approx(wanted.score.statistic, rel=1e-7)
    for name in ("b: Y = 0", "c: Y = 0"):
        assert raw.multipliers.loc[name, "std_err"] == pytest.approx(
            centered.multipliers.loc[name, "std_err"], rel=1e-6
        )


@pytest.mark.parametrize("test", ["wald_test", "lr_test", "score_test"])
def test_what_contradicts_the_constraints_is_said_to(years, test):
    model = years[1]
    for held, asked in (
        ("b: x = c: x", "b: x = c: x + 5"),
        ("b: x + c: x = 1", "b: x + c: x = 2"),
        (["b: x = c: x", "b: Y = c: Y"], ["b: x = c: x", "b: Y - c: Y = 1"]),
    ):
        found = getattr(model.fit(constraints=held), test)(asked)
        assert "settle it otherwise" in found.reason


def test_nested_likelihood_ratios_name_the_covariance_that_is_unused(years):
    smaller = years[1].fit(constraints="x")
    robust = years[1].fit(cov_type="HC1")
    assert "HC1 covariance is unused" in robust.lr_test(smaller).name
    tests = years[1].fit(constraints="x", cov_type="HC1").constraint_tests()
    assert "HC1 covariance is unused" in tests.lr.name
    assert "HC1 covariance is unused" in tests.score.name
    assert "unused" not in tests.wald.name

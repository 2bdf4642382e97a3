"""Likelihood-ratio tests of equations against the smaller models themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.exceptions import (
    NotConvergedWarning,
    NotNestedError,
    OptionError,
    ParamsError,
    SeparationWarning,
)
from mlelogit.inference.testing.hypothesis import read_equations
from mlelogit.inference.testing.maintained import Maintained
from tests.inference.plain import costumes, lay_bare
from tests.inference.samples import fitted, survey
from tests.reference_cases import load_case


@pytest.fixture(scope="module")
def res():
    return fitted()


def test_columns_at_zero_are_the_smaller_model(res):
    equations, model = res.lr_test(["educ", "region"]), res.lr_test(fitted("party ~ age"))
    assert equations.statistic == pytest.approx(model.statistic, rel=1e-10)
    assert equations.p_value == pytest.approx(chi2.sf(model.statistic, 6), rel=1e-9)
    assert equations.df == model.df == 6
    assert "green: educ = 0" in equations.null


@pytest.mark.parametrize(
    "asked", ["green: age = red: age", "red: age = 0.05", "green: educ + red: educ = 2*red: age"]
)
def test_other_equations_agree_with_a_climb_along_what_they_leave(res, asked):
    bare, restriction = lay_bare(res), read_equations(asked, res.record.encoding)
    gap = restriction.matrix @ bare.params - restriction.values
    turned = np.linalg.inv(bare.information(bare.params)) @ restriction.matrix.T
    start = bare.params - turned @ np.linalg.solve(restriction.matrix @ turned, gap)
    there = bare.climb(start, null_space(restriction.matrix))
    expected = 2 * (bare.loglike(bare.params) - bare.loglike(there))
    assert res.lr_test(asked).statistic == pytest.approx(expected, rel=1e-8)


def test_it_is_never_negative_and_zero_at_the_maximum(res):
    test = res.lr_test(np.eye(10), res.record.maximum.params)
    assert 0 <= test.statistic < 1e-10
    assert test.df == 10
    assert test.p_value == pytest.approx(1)


def test_base_and_order_of_rows_do_not_matter(res):
    other = ml.mnlogit(
        "party ~ age + educ + region", survey().sample(frac=1, random_state=2), base="red"
    ).fit()
    for same in (res.rebase("red"), other):
        assert same.lr_test("region").statistic == pytest.approx(
            res.lr_test("region").statistic, rel=1e-9
        )


def test_people_count_as_rows_do():
    found = {
        name: fit.lr_test("green: age = red: age").statistic
        for name, fit in costumes("party ~ age + educ").items()
    }
    assert found["weights"] == pytest.approx(found["rows"], rel=1e-9)
    assert found["counts"] == pytest.approx(found["rows"], rel=1e-9)


def test_a_robust_covariance_does_not_enter_and_the_name_says_so(res):
    robust = res.with_cov("HC1").lr_test("age")
    assert robust.statistic == res.lr_test("age").statistic
    assert "HC1 covariance is unused" in robust.name
    assert "unused" not in res.lr_test("age").name


def test_what_has_no_test_says_why(res):
    sampled = fitted(weights="weight", weight_type="sampling").lr_test("age")
    reduced = ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean").lr_test("age")
    with pytest.warns(NotConvergedWarning):
        early = ml.mnlogit("party ~ age", survey()).fit("L-BFGS-B", maxiter=1)
    for test, said in [
        (sampled, "pseudo-likelihood"),
        (reduced, "bias-reduced"),
        (early.lr_test("age"), "not converged"),
    ]:
        assert np.isnan([test.statistic, test.p_value]).all()
        assert said in test.reason


def test_separated_data_are_compared_by_their_suprema():
    case = load_case("bankwages_full")
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit(case.formula, case.data, **case.options).fit()
    with pytest.warns(SeparationWarning):
        smaller = ml.mnlogit(
            case.formula.replace("education + ", ""), case.data, **case.options
        ).fit()
    test = res.lr_test("education")
    assert test.statistic == pytest.approx(res.lr_test(smaller).statistic, rel=1e-9)
    # Equal coefficients leave no model of fewer columns, and the data separated.
    said = "admin: education = manage: education"
    with pytest.warns(SeparationWarning):
        tied = ml.mnlogit(case.formula, case.data, **case.options).fit(constraints=said)
    assert res.lr_test(said).statistic == pytest.approx(2 * (res.llf - tied.llf), rel=1e-9)


def test_equations_that_a_fit_was_held_to_stay_in_force(res):
    """Held equations are those of a record too, and those of both count once."""
    encoding = res.record.encoding
    held = read_equations(["region", "green: educ = 0"], encoding)
    maintained = Maintained(res.record, held)
    assert maintained.size == 5
    smaller = fitted("party ~ age + educ")
    expected = smaller.lr_test("green: educ = 0").statistic + 2 * (res.llf - smaller.llf)
    assert 2 * (res.llf - maintained.supremum[0]) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ParamsError, match="held to"):
        maintained.restrict(read_equations("green: educ = 0", encoding))


def test_a_value_goes_with_a_hypothesis_only(res):
    assert res.lr_test("red: age", 0.05).statistic == res.lr_test("red: age = 0.05").statistic
    with pytest.raises(OptionError, match="value belongs"):
        res.lr_test(fitted("party ~ age"), 1.0)


def test_other_rows_of_the_same_outcome_are_other_rows():
    """Dropping one blue voter or another leaves outcomes that are equal, row by row."""
    data = survey().sort_values("party", kind="stable")
    first, second = data.iloc[1:], data.drop(index=data.index[1])
    assert first["party"].tolist() == second["party"].tolist()
    larger = ml.mnlogit("party ~ age + educ", first).fit()
    with pytest.raises(NotNestedError, match="index of the rows used"):
        larger.lr_test(ml.mnlogit("party ~ age", second).fit())
    assert larger.lr_test(ml.mnlogit("party ~ age", first).fit()).df == 2

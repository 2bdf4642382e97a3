"""Tables of term tests against R's car, refits and their theorems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.formulas import list_terms
from mlelogit.exceptions import (
    CollinearityWarning,
    DataNotKeptError,
    OptionError,
    SeparationWarning,
    UnusedCovarianceWarning,
)
from mlelogit.inference.covariance import omit_covariance
from mlelogit.results import MNLogitResults
from tests.inference.plain import compare_frames, costumes, hold
from tests.inference.samples import fitted, survey
from tests.reference_cases import PLAIN, fit_case, load_case

WITH_TESTS = [name for name in PLAIN if "lr_tests_typeII" in load_case(name).truth.get("extra", {})]
INTERACTION = "party ~ age * region + educ"
# Of car 3.1-1: Anova(glm(red ~ age*region + educ, binomial), type, test.statistic), and
# ConjComp with the covariance of VGAM's vglm(party ~ age*region + educ, multinomial("blue")).
CAR_BINARY = {
    ("wald", 2): [1.418528559632539, 0.114298792313925, 10.122987673033924, 2.157556369096055],
    ("wald", 3): [0.776786863326759, 2.058000148811411, 10.122987673033924, 2.157556369096055],
    ("lr", 2): [1.733463775864493, 0.102402095235504, 10.863647819916878, 2.212767224382929],
    ("lr", 3): [0.778524991921159, 2.131164948682880, 10.863647819916878, 2.212767224382929],
}
CAR_THREE = [1.82578349064624, 0.468308464258245, 10.4563493871153, 9.06445442862453]


@pytest.mark.parametrize("name", WITH_TESTS)
@pytest.mark.parametrize("number", [2, 3])
def test_likelihood_ratios_agree_with_car(name, number):
    key = {2: "lr_tests_typeII", 3: "lr_tests_typeIII"}[number]
    expected = pd.DataFrame(load_case(name).truth["extra"][key])
    found = fit_case(name).term_tests("lr", number)
    assert list(found.columns) == ["statistic", "df", "p_value"]
    np.testing.assert_allclose(found["statistic"], expected["chisq"], rtol=1e-5)
    np.testing.assert_allclose(found["p_value"], expected["p"], rtol=1e-4, atol=1e-300)
    assert found["df"].tolist() == expected["df"].tolist()


@pytest.mark.parametrize(("kind", "number"), CAR_BINARY)
def test_two_categories_agree_with_car(kind, number):
    frame = survey().assign(red=lambda f: (f["party"] == "red").astype(int))
    found = ml.mnlogit("red ~ age * region + educ", frame).fit().term_tests(kind, number)
    np.testing.assert_allclose(found["statistic"], CAR_BINARY[kind, number], rtol=1e-6)
    assert found.index.tolist() == ["age", "region", "educ", "age:region"]
    assert found["df"].tolist() == [1, 2, 1, 2]


def test_wald_type_2_agrees_with_car_on_three_categories():
    found = fitted(INTERACTION).term_tests("wald", 2)
    np.testing.assert_allclose(found["statistic"], CAR_THREE, rtol=1e-6)
    assert found["df"].tolist() == [2, 4, 2, 4]


def test_wald_type_2_is_what_the_hypotheses_of_both_have_beyond_one():
    res = fitted(INTERACTION)
    both = res.wald_test(["age", "age:region"]).statistic
    found = res.term_tests("wald", 2).loc["age", "statistic"]
    assert found == pytest.approx(both - res.wald_test("age:region").statistic, rel=1e-9)


@pytest.mark.parametrize("kind", ["lr", "score"])
def test_type_2_leaves_out_the_terms_that_contain_a_term(kind):
    main = fitted("party ~ age + region + educ")
    found = fitted(INTERACTION).term_tests(kind, 2)
    for term in ("age", "region"):
        alone = main.lr_test(term) if kind == "lr" else main.score_test(term)
        assert found.loc[term, "statistic"] == pytest.approx(alone.statistic, rel=1e-8)


@pytest.mark.parametrize("kind", ["HC0", "opg", "HC1"])
def test_robust_score_tests_of_type_2_are_those_of_the_smaller_model(kind):
    main = fitted("party ~ age + region + educ").with_cov(kind)
    found = fitted(INTERACTION).with_cov(kind).term_tests("score", 2)
    alone = main.score_test("age")
    assert found.loc["age", "statistic"] == pytest.approx(alone.statistic, rel=1e-8)


@pytest.mark.parametrize("kind", ["lr", "wald", "score"])
def test_type_3_is_every_hypothesis_alone(kind):
    res = fitted(INTERACTION).with_cov("HC0")
    if kind == "lr":
        with pytest.warns(UnusedCovarianceWarning, match="HC0 covariance is unused"):
            found = res.term_tests(kind, 3)
    else:
        found = res.term_tests(kind, 3)
    for term in found.index:
        alone = getattr(res, f"{kind}_test")(term)
        assert found.loc[term, "statistic"] == pytest.approx(alone.statistic, rel=1e-10)
        assert found.loc[term, "df"] == alone.df


def test_the_formula_says_which_term_contains_which():
    terms = list_terms("poly(age, 2) + C(region) + Q('educ'):age + `educ` * C(region)")
    assert terms["educ:C(region)"] > terms["C(region)"]
    assert terms["Q('educ'):age"] > terms["educ"]
    assert not terms["Q('educ'):age"] > terms["poly(age, 2)"]
    assert terms["1"] == frozenset()
    named = survey().rename(columns={"age": "years of age"})
    found = ml.mnlogit("party ~ `years of age` * educ", named).fit().term_tests("wald")
    assert found.index.tolist() == ["years of age", "educ", "years of age:educ"]
    plain = fitted("party ~ age * educ").term_tests("wald")
    np.testing.assert_allclose(found["statistic"], plain["statistic"], rtol=1e-8)


def test_a_coded_factor_is_the_factor():
    """``C(a) + x + a:x`` and ``C(a) * x`` are one model, whose tests are the same."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"a": random.choice(list("pqr"), 300), "x": random.normal(size=300)})
    frame["y"] = random.choice(list("uvw"), 300)
    whole = ml.mnlogit("y ~ C(a) * x", frame).fit().term_tests()
    for formula in ("y ~ C(a) + x + a:x", "y ~ a * x", "y ~ C(a, Sum) + x + a:x"):
        apart = ml.mnlogit(formula, frame).fit().term_tests()
        np.testing.assert_allclose(apart["statistic"], whole["statistic"], rtol=1e-8)


def test_columns_of_arrays_are_their_own_terms():
    res = fitted("party ~ age + educ")
    x = survey()[["age", "educ"]].assign(one=1.0)
    x.columns = [("a", 1), 2, "one"]
    plain = ml.MNLogit(survey()["party"], x).fit()
    found = plain.term_tests()
    assert found.index.tolist() == [("a", 1), 2]
    np.testing.assert_allclose(found["statistic"], res.term_tests()["statistic"], rtol=1e-9)


@pytest.mark.parametrize("kind", ["lr", "wald", "score"])
@pytest.mark.parametrize("number", [2, 3])
def test_base_order_and_people_do_not_matter(kind, number):
    fits = costumes(INTERACTION)
    first = fits["rows"].term_tests(kind, number)
    for other in (fits["weights"], fits["counts"], fits["rows"].rebase("red")):
        compare_frames(first, other.term_tests(kind, number))
    turned = survey().sample(frac=1, random_state=4)
    compare_frames(
        fitted(INTERACTION).term_tests(kind, number),
        ml.mnlogit("party ~ region * age + educ", turned, base="green")
        .fit()
        .term_tests(kind, number)
        .rename(index={"region:age": "age:region"}),
    )


def test_a_term_without_columns_says_why():
    frame = survey().assign(twice=lambda f: 2 * f["age"])
    with pytest.warns(CollinearityWarning):
        res = ml.mnlogit("party ~ age + twice + educ", frame).fit()
    found = res.term_tests()
    assert found.loc["twice", "df"] == 0
    assert np.isnan(found.loc["twice", ["statistic", "p_value"]].astype(float)).all()
    assert "left out" in found.loc["twice", "reason"]
    assert found.loc["age", "reason"] == ""


def test_separated_data_have_the_tests_of_the_smaller_models():
    case = load_case("bankwages_full")
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit(case.formula, case.data, **case.options).fit()
    found, wald = res.term_tests(), res.term_tests("wald")
    term = "C(gender, Treatment('male'))"
    smaller = ml.mnlogit(case.formula.replace(f" + {term}", ""), case.data, **case.options).fit()
    assert found.loc[term, "statistic"] == pytest.approx(res.lr_test(smaller).statistic, rel=1e-9)
    assert np.isnan(wald.loc[term, "statistic"])
    assert "infinite" in wald.loc[term, "reason"]
    assert wald.loc["education", "reason"] == ""


def test_sampling_weights_have_wald_tests_only():
    res = fitted("party ~ age + educ", weights="weight", weight_type="sampling")
    found = res.term_tests()
    assert found[["statistic", "p_value"]].isna().all(axis=None)
    assert found["reason"].str.contains("pseudo-likelihood").all()
    assert res.term_tests("wald")["statistic"].notna().all()


def test_the_table_says_what_it_tests_and_leaves_the_constant_out():
    found = fitted().term_tests(type=3)
    assert found.index.name == "term"
    assert "coefficients are zero" in found.attrs["null"]
    assert "Likelihood-ratio" in found.attrs["test"]
    empty = fitted("party ~ 1").term_tests()
    assert empty.empty
    assert list(empty.columns) == ["statistic", "df", "p_value"]


@pytest.mark.parametrize(
    ("kind", "number"), [("rao", 2), ("lr", 1), ("lr", "II"), ("lr", True), ("lr", 2.5)]
)
def test_unknown_kinds_and_types_raise(kind, number):
    with pytest.raises(OptionError):
        fitted().term_tests(kind, number)


@pytest.mark.parametrize("kind", ["lr", "wald", "score"])
@pytest.mark.parametrize("number", [2, 3])
def test_a_fit_held_to_zeros_has_the_tests_of_the_smaller_model(kind, number):
    """What it was held to is no news: a term is tested by what is left free of it."""
    held = hold(fitted("party ~ age * region + educ"), "age:region")
    found = held.term_tests(kind, number)
    smaller = fitted("party ~ age + region + educ").term_tests(kind, number)
    compare_frames(smaller, found)
    assert found.loc["age:region", "df"] == 0
    assert "say so already" in found.loc["age:region", "reason"]


@pytest.mark.parametrize("kind", ["lr", "wald", "score"])
def test_equations_held_reduce_the_degrees_of_freedom(kind):
    held = hold(fitted(), ["green: age = red: age", "green: educ = 0.1"])
    found = held.term_tests(kind, 3)
    assert found["df"].tolist() == [1, 2, 4]
    alone = getattr(held, f"{kind}_test")("red: age")
    assert found.loc["age", "statistic"] == pytest.approx(alone.statistic, rel=1e-9)
    assert "settle it otherwise" in found.loc["educ", "reason"]
    equal = held.equality_tests(kind)
    assert equal.loc["age", "df"] == 0
    assert equal.loc["educ", "df"] == 1
    assert held.combine_tests(kind)["df"].tolist() == [4, 4, 3]
    assert held.iia_tests().frame["reason"].str.contains("held to equations").all()


def test_without_rows_or_information_wald_or_nothing():
    res = fitted("party ~ age * educ")
    stripped = MNLogitResults(replace(res.record, blocks=None), res.covariance)
    compare_frames(res.term_tests("wald"), stripped.term_tests("wald"))
    for ask in (stripped.term_tests, stripped.combine_tests, stripped.equality_tests):
        with pytest.raises(DataNotKeptError):
            ask("score")
    for kind in ("score", "small-hsiao"):
        with pytest.raises(DataNotKeptError):
            stripped.iia_tests(kind)
    sums = replace(res.record.sums, information=None)
    large = replace(res.record, maximum=replace(res.record.maximum, sums=sums, inverse=None))
    unformed = MNLogitResults(large, omit_covariance("nonrobust", 8))
    for kind in ("lr", "wald", "score"):
        found = unformed.term_tests(kind)
        assert found["p_value"].isna().all()
        assert found["reason"].str.contains("for its size").all()
    assert unformed.iia_tests().frame["reason"].str.contains("for its size").all()

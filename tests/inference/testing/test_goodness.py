"""Goodness of fit against R, closed forms and groups cut by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.exceptions import OptionError, SeparationWarning
from mlelogit.inference.fit_statistics import BOUND_REASON
from mlelogit.inference.testing.goodness import group_people
from mlelogit.inference.testing.patterns import PatternTable, find_patterns
from tests.inference.samples import fitted, survey
from tests.reference_cases import FOLDER, fit_case, load_case

TRUTH = json.loads((FOLDER / "goodness.json").read_text(encoding="utf-8"))
CASES = [name for name in TRUTH if name not in ("effect", "tilted")]
# People per cell too few (chile), or more degrees of freedom than the patterns have.
NO_PATTERN_TEST = ("chile",)
NO_GROUPED_TEST = ("alligators", "school")


@pytest.mark.parametrize("name", CASES)
def test_patterns_agree_with_vgam(name):
    found = fit_case(name).gof_tests()
    pearson, deviance, df, p_pearson, p_deviance, patterns = TRUTH[name]["pattern"]
    assert (found.patterns, found.pearson.df, found.deviance.df) == (patterns, df, df)
    np.testing.assert_allclose(found.pearson.statistic, pearson, rtol=1e-9)
    np.testing.assert_allclose(found.deviance.statistic, deviance, rtol=1e-11)
    assert found.people == load_case(name).truth["n_obs"]
    if name in NO_PATTERN_TEST:
        assert np.isnan([found.pearson.p_value, found.deviance.p_value]).all()
        assert "fewer than 1 per pattern and category" in found.pearson.reason
    else:
        np.testing.assert_allclose(found.pearson.p_value, p_pearson, rtol=1e-9)
        np.testing.assert_allclose(found.deviance.p_value, p_deviance, rtol=1e-9)


@pytest.mark.parametrize("groups", [10, 7])
@pytest.mark.parametrize("name", CASES)
def test_groups_agree_with_r(name, groups):
    found = fit_case(name).gof_tests(groups)
    statistic, df, p, count = TRUTH[name][f"groups{groups}"]
    assert (len(found.table), found.grouped.df) == (count, df)
    np.testing.assert_allclose(found.grouped.statistic, statistic, rtol=1e-10)
    if name in NO_GROUPED_TEST:
        assert np.isnan(found.grouped.p_value)
        assert "more than the" in found.grouped.reason
    else:
        np.testing.assert_allclose(found.grouped.p_value, p, rtol=1e-9)


def test_deviance_is_twice_the_distance_to_the_saturated_model():
    res = fitted("party ~ educ + region")
    cells = survey().groupby(["educ", "region", "party"]).size()
    totals = cells.groupby(level=[0, 1]).transform("sum")
    saturated = (cells * np.log(cells / totals)).sum()
    found = res.gof_tests()
    assert abs(found.deviance.statistic - 2 * (saturated - res.llf)) < 1e-9
    assert found.deviance.df == 2 * totals.groupby(level=[0, 1]).ngroups - 8
    assert found.deviance.p_value == pytest.approx(
        chi2.sf(found.deviance.statistic, found.deviance.df), rel=1e-12
    )


def cut_by_hand(p, codes, column, groups):
    """Cut people one by one, by the definition, with pandas."""
    score = (1 - p[:, column]).round(12)
    bounds = np.sort(score)[[k * (len(score) - 1) // groups for k in range(1, groups)]]
    frame = pd.DataFrame(p).assign(group=(score[:, None] > np.unique(bounds)).sum(axis=1))
    expected = frame.groupby("group").sum()
    observed = pd.crosstab(frame["group"], codes).reindex(columns=expected.columns, fill_value=0)
    return ((observed - expected) ** 2 / expected).to_numpy().sum(), observed, expected


@pytest.mark.parametrize("formula", ["party ~ age + educ", "party ~ educ + region"])
@pytest.mark.parametrize("groups", [3, 8, 10])
@pytest.mark.parametrize("category", ["blue", "green", "red"])
def test_groups_are_those_cut_by_hand(formula, groups, category):
    res = fitted(formula)
    codes = survey()["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    column = ["blue", "green", "red"].index(category)
    statistic, observed, expected = cut_by_hand(res.fittedvalues.to_numpy(), codes, column, groups)
    found = res.gof_tests(groups, category)
    assert found.grouped.statistic == pytest.approx(statistic, rel=1e-10)
    assert found.grouped.df == (len(observed) - 2) * 2
    np.testing.assert_array_equal(found.table["observed"].to_numpy(), observed.to_numpy())
    np.testing.assert_allclose(found.table["expected"].to_numpy(), expected.to_numpy(), rtol=1e-10)
    assert f"the probability of {category}" in found.grouped.null


def test_a_named_category_keeps_its_test_whatever_the_base():
    res = fitted("party ~ age + educ")
    moved = res.rebase("red")
    for category in ("green", None):
        one, two = (fit.gof_tests(10, category) for fit in (res, moved))
        assert (one.grouped.statistic == pytest.approx(two.grouped.statistic, rel=1e-9)) == (
            category is not None
        )
        assert one.pearson.statistic == pytest.approx(two.pearson.statistic, rel=1e-10)
    same = moved.gof_tests(10, "blue").grouped.statistic
    assert same == pytest.approx(res.gof_tests().grouped.statistic, rel=1e-9)


def test_weights_and_counts_are_rows_laid_out():
    frame = survey()[["educ", "region", "party", "people"]]
    single = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    grouped = frame.groupby(["educ", "region", "party"], as_index=False)["people"].sum()
    wide = grouped.pivot_table(
        index=["educ", "region"], columns="party", values="people", fill_value=0
    )
    told = ml.mnlogit("party ~ educ + region", single).fit().gof_tests()
    others = (
        ml.mnlogit(
            "party ~ educ + region",
            grouped.sample(frac=1, random_state=1),
            weights="people",
            weight_type="frequency",
        ),
        ml.mnlogit("counts(blue, green, red) ~ educ + region", wide.reset_index()),
    )
    for model in others:
        found = model.fit().gof_tests()
        assert (found.patterns, found.people) == (told.patterns, told.people)
        np.testing.assert_allclose(
            found.frame[["statistic", "df", "p_value"]].to_numpy(float),
            told.frame[["statistic", "df", "p_value"]].to_numpy(float),
            rtol=1e-9,
        )
        np.testing.assert_allclose(found.table.to_numpy(), told.table.to_numpy(), rtol=1e-9)


def test_huge_weights_do_not_wrap():
    found = find_patterns(fitted("party ~ educ").record)
    told = group_people(found, 0, 5)
    huge = group_people(replace(found, observed=found.observed * 2.0**90), 0, 5)
    assert (huge == told * 2.0**90).all()


def test_probabilities_that_differ_by_rounding_tie():
    """Three people in each of four places; those of one place share a group, whatever rounding."""
    own = np.repeat([0.1, 0.2, 0.6, 0.7], 3) * (1 + np.tile([0, 3e-16, -4e-16], 4))
    fitted_shares = np.array([1 - own, own])
    found = PatternTable(np.zeros((2, 12), np.uint64), np.full((2, 12), 0.5), fitted_shares)
    assert group_people(found, 0, 5)[0].sum(axis=1).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("kind", ["sampling", "importance"])
def test_weights_that_are_no_people_have_no_test(kind):
    found = fitted(weights="weight", weight_type=kind).gof_tests()
    assert found.frame[["statistic", "p_value"]].isna().all().all()
    assert found.frame["reason"].str.startswith(f"{kind} weights").all()
    assert len(found.table) == 0
    assert "Does not apply: " in str(found)


def test_shares_have_no_test():
    shares = pd.get_dummies(survey()["party"]) * 0.4 + 0.2
    x = np.column_stack([np.ones(160), survey()["educ"]])
    found = ml.MNLogit(shares, x, outcome="probabilities").fit().gof_tests()
    assert found.frame["reason"].str.contains("no counts of people").all()


def test_a_row_of_its_own_for_everybody_has_no_chi_squared():
    found = fitted("party ~ age + educ + region").gof_tests()
    assert found.patterns > 150
    assert np.isfinite([found.pearson.statistic, found.deviance.statistic]).all()
    assert np.isnan([found.pearson.p_value, found.deviance.p_value]).all()
    assert "160 people in" in found.pearson.reason
    assert np.isfinite(found.grouped.p_value)


def test_a_saturated_model_has_nothing_left_to_test():
    found = fitted("party ~ region").gof_tests()
    assert found.pearson.df == 0
    assert found.pearson.statistic < 1e-12
    assert "saturated" in found.pearson.reason
    assert "more than the 0" in found.grouped.reason


def test_ties_that_leave_two_groups_are_told():
    frame = survey().assign(big=(survey()["educ"] > 4).astype(int))
    found = ml.mnlogit("party ~ big", frame).fit().gof_tests()
    assert len(found.table) == 2
    assert "ties leave 2 of 10 groups" in found.grouped.reason
    assert "(2 groups)" in found.grouped.name


def test_separated_data_have_statistics_and_no_p_value():
    frame = pd.DataFrame({"y": list("aabbab") * 3 + ["c"] * 4, "g": [0] * 18 + [1] * 4})
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ g", frame).fit()
    found = res.gof_tests()
    assert found.patterns == 2
    assert found.pearson.statistic < 1e-10
    assert found.frame["reason"].str.contains("separated").all()


def test_bias_reduction_keeps_pearson_and_not_the_deviance():
    res = ml.mnlogit("party ~ educ + region", survey()).fit(bias_reduction="mean")
    found = res.gof_tests()
    assert np.isfinite([found.pearson.p_value, found.grouped.p_value]).all()
    assert np.isnan(found.deviance.p_value)
    assert "do not maximize" in found.deviance.reason


def test_a_climb_that_stopped_has_no_test():
    with pytest.warns(ml.exceptions.MNLogitWarning):
        res = ml.mnlogit("party ~ age + educ", survey()).fit(method="L-BFGS-B", maxiter=1)
    if not res.converged:
        assert (res.gof_tests().frame["reason"] == "the fit has not converged").all()
    assert not res.converged


@pytest.mark.parametrize("wrong", [2, 0, -1, 3.0, "10", True, None])
def test_groups_are_a_whole_number_of_three_or_more(wrong):
    with pytest.raises(OptionError, match="groups must be a whole number of 3 or more"):
        fitted().gof_tests(wrong)


def test_an_unknown_category_is_named_with_the_known():
    with pytest.raises(OptionError, match=r"category='purple' is not .*'blue', 'green', 'red'"):
        fitted().gof_tests(category="purple")


def test_the_printed_form_tells_patterns_and_how_rough_they_are():
    said = str(fit_case("hsbdemo").gof_tests())
    assert "200 people in 64 covariate patterns" in said
    assert "rough" in said
    assert "chi2(120) = 119.766, p-value: 0.4889" in said
    assert "rough" not in str(fit_case("housing_main").gof_tests())
    assert repr(fit_case("housing_main").gof_tests()).startswith("Goodness of fit")
    assert "<table" in fit_case("housing_main").gof_tests()._repr_html_()


def test_categories_and_columns_may_be_anything():
    frame = survey().assign(**{"a: b [c]": survey()["educ"]})
    frame["party"] = frame["party"].map({"blue": 3, "green": 10, "red": -1})
    res = ml.mnlogit("party ~ `a: b [c]` + region", frame, base=3).fit()
    told = fitted("party ~ educ + region").gof_tests()
    found = res.gof_tests()
    assert found.grouped.statistic == pytest.approx(told.grouped.statistic, rel=1e-8)
    assert list(found.table["observed"].columns) == [-1, 3, 10]
    assert res.gof_tests(category=10).grouped.df == found.grouped.df


def gap_of_totals(found):
    table = found.table.sum()
    return np.abs(table["observed"] - table["expected"]).max()


@pytest.mark.parametrize(
    ("formula", "constraints"),
    [
        ("party ~ 0 + age + educ", None),
        ("party ~ age + educ", "red: Intercept = 0.1"),
        ("party ~ age + educ", "green: Intercept = red: Intercept"),
        ("party ~ age + educ", "green: Intercept + 45 * green: age = 0.3"),
    ],
)
def test_groups_need_free_intercepts(formula, constraints):
    found = ml.mnlogit(formula, survey()).fit(constraints=constraints).gof_tests()
    assert gap_of_totals(found) > 0.1
    assert found.grouped.statistic > 0
    assert np.isnan(found.grouped.p_value)
    assert "free intercept in every equation" in found.grouped.reason


@pytest.mark.parametrize(
    ("formula", "constraints"),
    [
        ("party ~ 0 + region + age", None),
        ("party ~ age + educ", "red: age = 0.01"),
        ("party ~ 0 + region + age", "red: age = green: age"),
        ("party ~ 0 + region + age", "green: region[south] = green: region[north]"),
    ],
)
def test_groups_find_intercepts_wherever_they_are(formula, constraints):
    found = ml.mnlogit(formula, survey()).fit(constraints=constraints).gof_tests()
    assert gap_of_totals(found) < 1e-6
    assert found.grouped.p_value == pytest.approx(chi2.sf(found.grouped.statistic, 16), rel=1e-9)


def test_estimates_at_bounds_leave_no_chi_square():
    model = ml.mnlogit("party ~ educ", survey())
    found = model.fit(constraints="red: educ <= 0.01").gof_tests(3)
    slack = model.fit(constraints="red: educ <= 9").gof_tests(3)
    assert found.pearson.statistic > slack.pearson.statistic
    for test, free in zip(found.tests, slack.tests, strict=True):
        assert np.isnan(test.p_value)
        assert test.reason == BOUND_REASON
        assert free.p_value > 0

"""Tests for combining categories against the merged model itself."""

from __future__ import annotations

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import BiasReductionError, OptionError
from tests.inference.plain import compare_frames, costumes
from tests.inference.samples import fitted, survey
from tests.reference_cases import build_model, fit_case, load_case

KINDS = ("wald", "lr", "score")


@pytest.mark.parametrize("name", ["hsbdemo", "fishing", "heating", "housing_main"])
def test_the_likelihood_ratio_is_that_of_the_merged_model(name):
    """Cramer and Ridder (1991): the merged likelihood, and that of the shares within."""
    case, res = load_case(name), fit_case(name)
    outcome, weight = case.truth["outcome"], case.truth["weights"]
    data = case.data.loc[build_model(name).design.index]
    people = np.ones(len(data)) if weight is None else data[weight]
    found = res.combine_tests("lr")
    for (one, two), row in found.iterrows():
        merged = data.assign(**{outcome: data[outcome].replace({one: "both", two: "both"})})
        options = {key: value for key, value in case.options.items() if key != "base"}
        smaller = ml.mnlogit(case.formula, merged, **options).fit()
        sizes = np.array(
            [people[(data[outcome] == label).to_numpy()].sum() for label in (one, two)]
        )
        within = sizes @ np.log(sizes / sizes.sum())
        assert row["statistic"] == pytest.approx(2 * (res.llf - smaller.llf - within), rel=1e-8)
        assert row["df"] == len(res.params) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_hypothesis_written_out(kind):
    res = fitted()
    found, test = res.combine_tests(kind), getattr(res, f"{kind}_test")
    slopes = ("age", "educ", "region[T.south]", "region[T.west]")
    written = {
        ("blue", "red"): [f"red: {name}" for name in slopes],
        ("green", "red"): [f"green: {name} = red: {name}" for name in slopes],
    }
    for pair, asked in written.items():
        assert found.loc[pair, "statistic"] == pytest.approx(test(asked).statistic, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pair_whatever_the_base(kind):
    res = fitted()
    found = res.combine_tests(kind)
    assert found.index.tolist() == [("blue", "green"), ("blue", "red"), ("green", "red")]
    assert found.index.names == ["category", "other"]
    compare_frames(found, res.rebase("green").combine_tests(kind))
    compare_frames(
        found,
        ml.mnlogit("party ~ age + educ + region", survey(), base="red").fit().combine_tests(kind),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_among_the_combinations_of_columns_is_one(kind):
    spread = fitted("party ~ 0 + region + age + educ")
    compare_frames(
        fitted("party ~ region + age + educ").combine_tests(kind), spread.combine_tests(kind)
    )


def test_without_a_constant_all_coefficients_are_compared():
    res = fitted("party ~ 0 + age + educ")
    found = res.combine_tests("lr").loc[("blue", "red")]
    assert found["df"] == 2
    expected = res.lr_test(["red: age", "red: educ"])
    assert found["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    # With equal probabilities in every row, merged and split in halves: more than merging.
    merged = survey().assign(party=survey()["party"].replace({"blue": "red"}))
    count = (survey()["party"] != "green").sum()
    halves = ml.mnlogit(
        "party ~ 0 + age + educ",
        merged,
        offset=np.column_stack([np.zeros(160), np.full(160, np.log(2.0))]),
    ).fit()
    assert found["statistic"] == pytest.approx(
        2 * (res.llf - halves.llf + count * np.log(2.0)), rel=1e-7
    )
    assert "equally likely in every row" in res.combine_tests().attrs["null"]
    assert "could be combined" in fitted().combine_tests().attrs["null"]


def test_pairs_without_the_base_have_no_median():
    """Against the base all is as it was estimated; differences are another fit's estimates."""
    model = ml.mnlogit("party ~ age + educ", survey())
    res = model.fit(bias_reduction="median")
    found = res.combine_tests()
    assert found["reason"].str.contains("median bias reduction").tolist() == [False, False, True]
    assert found["statistic"].isna().tolist() == [False, False, True]
    expected = res.wald_test(["red: age", "red: educ"]).statistic
    assert found.loc[("blue", "red"), "statistic"] == pytest.approx(expected, rel=1e-10)
    with pytest.raises(BiasReductionError, match="green: age - red: age takes"):
        res.lincom(["red: age", "green: age - red: age"])
    assert len(res.lincom(["red: age", "red: age + red: educ"])) == 2
    assert len(model.fit(bias_reduction="mean").lincom("green: age - red: age")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_people_count_as_rows_do(kind):
    fits = costumes("party ~ age + educ")
    for other in (fits["weights"], fits["counts"]):
        compare_frames(fits["rows"].combine_tests(kind), other.combine_tests(kind))


def test_two_categories_are_combined_if_nothing_matters():
    frame = survey().assign(red=lambda f: f["party"] == "red")
    res = ml.mnlogit("red ~ age + region", frame).fit()
    found = res.combine_tests("lr")
    assert found.index.tolist() == [(False, True)]
    assert found["statistic"].iloc[0] == pytest.approx(res.llr, rel=1e-10)


def test_nothing_but_a_constant_tells_nothing_apart():
    found = fitted("party ~ 1").combine_tests()
    assert found[["statistic", "p_value"]].isna().all(axis=None)
    assert found["reason"].str.contains("but the constant").all()


def test_unknown_kinds_raise():
    with pytest.raises(OptionError):
        fitted().combine_tests("chi2")

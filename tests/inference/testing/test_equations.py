"""Equality of all equations against hypotheses written out and an independent climb."""

from __future__ import annotations

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import OptionError
from tests.inference.plain import compare_frames, costumes
from tests.inference.samples import fitted, survey
from tests.reference_cases import fit_case


@pytest.mark.parametrize("kind", ["wald", "lr", "score"])
def test_it_is_the_hypothesis_written_out(kind):
    res = fit_case("fishing")
    found = res.equality_tests(kind)
    term = "I(income / 1000)"
    first, *others = [category for category in res.categories if category != res.base]
    written = [f"{first}: {term} = {other}: {term}" for other in others]
    alone = getattr(res, f"{kind}_test")(written)
    assert found.loc[term, "statistic"] == pytest.approx(alone.statistic, rel=1e-9)
    assert found.loc[term, "df"] == alone.df == 2


def test_terms_of_several_columns_have_their_degrees_of_freedom():
    found = fit_case("alligators").equality_tests()
    assert found["df"].tolist() == [3, 9]
    assert found.index.name == "term"
    assert "base" in found.attrs["null"]


def test_equal_coefficients_mean_that_only_the_base_differs():
    """With three categories the other two are one but for their shares, if all terms are equal."""
    res = fitted("party ~ age")
    found = res.equality_tests("lr").loc["age"]
    combined = res.combine_tests("lr").loc[("green", "red")]
    assert found["statistic"] == pytest.approx(combined["statistic"], rel=1e-10)


def test_another_base_asks_another_question():
    res = fitted()
    assert (
        abs(
            res.equality_tests().loc["age", "statistic"]
            - res.rebase("red").equality_tests().loc["age", "statistic"]
        )
        > 1e-3
    )


@pytest.mark.parametrize("kind", ["wald", "lr", "score"])
def test_people_count_as_rows_do(kind):
    fits = costumes("party ~ age + region")
    for other in (fits["weights"], fits["counts"]):
        compare_frames(fits["rows"].equality_tests(kind), other.equality_tests(kind))


def test_two_categories_have_nothing_to_compare():
    frame = survey().assign(red=lambda f: f["party"] == "red")
    found = ml.mnlogit("red ~ age + region", frame).fit().equality_tests()
    assert found[["statistic", "p_value"]].isna().all(axis=None)
    assert found["df"].tolist() == [0, 0]
    assert found["reason"].str.contains("one equation").all()


def test_unknown_kinds_raise():
    with pytest.raises(OptionError, match="lr, wald, score"):
        fitted().equality_tests("f")


def test_arrays_have_names_of_any_kind():
    x = np.column_stack([np.ones(160), survey()[["age", "educ"]]])
    found = ml.MNLogit(survey()["party"], x).fit().equality_tests()
    np.testing.assert_allclose(
        found["statistic"], fitted("party ~ age + educ").equality_tests()["statistic"], rtol=1e-9
    )

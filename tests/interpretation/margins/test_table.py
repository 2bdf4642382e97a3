"""The table of effects, and what is linear in them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import mlelogit as ml
from mlelogit.exceptions import EffectError, OptionError
from tests.interpretation.margins.plain import fitted, rows

COLUMNS = ["variable", "contrast", "category", "estimate", "std_err", "z", "p_value", "lower"]


@pytest.fixture(scope="module")
def margins():
    return fitted("x * g + z").margins()


def test_the_frame_has_its_columns(margins):
    frame = margins.summary_frame(alpha=0.1)
    assert list(frame) == [*COLUMNS, "upper"]
    np.testing.assert_allclose(frame["z"], frame["estimate"] / frame["std_err"])
    np.testing.assert_allclose(frame["p_value"], 2 * stats.norm.sf(frame["z"].abs()))
    half = stats.norm.isf(0.05) * frame["std_err"]
    np.testing.assert_allclose(frame["upper"] - frame["estimate"], half)
    adjusted = margins.summary_frame(adjust="bonferroni")
    expected = np.minimum(adjusted["p_value"] * len(adjusted), 1)
    np.testing.assert_allclose(adjusted["p_adjusted"], expected)


def test_printed_as_text_and_html(margins):
    assert "Average marginal effects" in repr(margins)
    assert "v - u" in repr(margins)
    html = margins._repr_html_()
    assert html.count("<tr") == len(margins) + 1


def test_probabilities_are_printed_without_statistics_they_do_not_have():
    levels = fitted("x * g + z").margins("g", effect="level")
    for printed in (repr(levels), levels._repr_html_()):
        assert "p_value" not in printed
        assert "nan" not in printed.lower()
    assert levels.summary_frame()[["z", "p_value"]].isna().all(axis=None)
    assert "p_value" in repr(levels.contrasts("contrast"))


def test_statistics_with_students_t_are_printed_under_its_name():
    surveyed = fitted("x * g + z").with_cov("survey", psu=np.arange(120) // 6)
    margins = surveyed.margins("x")
    head, columns, *_ = repr(margins).splitlines()
    assert "t with 19 df" in head
    assert columns.split() == [*COLUMNS[:5], "t", "p_value", "lower", "upper"]
    assert "<th>t</th>" in margins._repr_html_()
    assert list(margins.summary_frame()) == [*COLUMNS, "upper"]
    named = replace(margins, labels=margins.labels.assign(t=1))
    assert repr(named).splitlines()[1].split().count("t") == 2  # "at t" and t


def test_contrasts_are_differences_with_their_covariance(margins):
    found = margins.contrasts("category", "reference")
    weights = np.kron(np.eye(len(margins) // 3), [[-1, 1, 0], [-1, 0, 1]])
    np.testing.assert_allclose(found.estimate, weights @ margins.estimate, atol=1e-15)
    expected = weights @ margins.covariance @ weights.T
    np.testing.assert_allclose(found.covariance, expected, atol=1e-15)
    assert list(found.labels["category"][:2]) == ["b - a", "c - a"]
    levels = margins.select(variable="g").contrasts("contrast")
    assert set(levels.labels["contrast"]) == {"(w - u) - (v - u)"}
    direct = fitted("x * g + z").margins("g", change=("v", "w"))
    np.testing.assert_allclose(levels.estimate, direct.estimate, atol=1e-14)
    np.testing.assert_allclose(levels.std_err, direct.std_err, rtol=1e-10)


def test_combinations(margins):
    weights = np.vstack([np.eye(len(margins))[0], np.ones(len(margins))])
    found = margins.combine(weights, "mine")
    assert list(found.labels["combination"]) == ["mine 1", "mine 2"]
    np.testing.assert_allclose(found.std_err[0], margins.std_err[0])
    np.testing.assert_allclose([found.estimate[1], found.std_err[1]], 0, atol=1e-14)


def test_a_joint_test_knows_that_effects_add_up_to_zero(margins):
    some = margins.select(variable="g")
    test = some.test()
    assert test.df == 4
    free = [0, 1, 3, 4]
    kept = some.estimate[free]
    expected = kept @ np.linalg.solve(some.covariance[np.ix_(free, free)], kept)
    np.testing.assert_allclose(test.statistic, expected, rtol=1e-9)
    np.testing.assert_allclose(test.p_value, stats.chi2.sf(expected, 4), rtol=1e-9)


def test_levels_are_the_averages_of_predictions_and_not_tested():
    frame = rows().assign(y=np.where(rows().index % 60 == 7, "rare", rows()["part"]))
    res = ml.mnlogit("y ~ x", frame).fit()
    found = res.margins(effect="level")
    table, expected = found.summary_frame(), res.get_prediction(average=True).summary_frame()
    columns = ["std_err", "lower", "upper"]
    np.testing.assert_allclose(table["estimate"], expected["probability"], rtol=1e-12)
    np.testing.assert_allclose(table[columns], expected[columns], rtol=1e-9)
    rare = table.set_index("category").loc["rare"]
    # Two of 120: the interval on the scale of the probability itself would go below zero.
    assert rare["estimate"] - 1.96 * rare["std_err"] < 0 < rare["lower"]
    assert table[["z", "p_value"]].isna().all(axis=None)
    for some in (found, found.select(category="rare")):
        test = some.test()
        assert np.isnan(test.statistic)
        assert "contrasts" in test.reason
    assert np.isfinite(found.contrasts().summary_frame()["p_value"]).all()


def test_levels_of_groups_are_those_of_predictions():
    res = fitted("x * g + z", weights="share", weight_type="sampling").with_cov("HC1")
    mine = res.margins(effect="level", by="part").summary_frame(alpha=0.1)
    expected = res.get_prediction(by="part").summary_frame(alpha=0.1)
    assert mine["part"].tolist() == expected.index.get_level_values("part").tolist()
    columns = ["std_err", "lower", "upper"]
    np.testing.assert_allclose(mine[columns], expected[columns], rtol=1e-9)


def test_what_cannot_be_zero_is_not_tested():
    found = fitted("x * g + z").margins("g")
    sums = replace(found.combine(np.eye(6)), estimate=found.estimate + 0.1)
    assert "ways" in sums.test().reason
    assert np.isnan(sums.test().p_value)
    fixed = replace(found, root=found.root * np.array([1, 1, 1, 0, 0, 0])[:, np.newaxis])
    assert "do not vary" in fixed.test().reason
    # Five groups of a model with two coefficients: five effects vary in two ways.
    lines = ml.mnlogit("part ~ x", rows()).fit()
    groups = lines.margins("x", by=np.arange(120) % 5).select(category="p")
    assert "2 ways" in groups.test().reason
    assert np.isfinite(lines.margins("x").select(category="p").test().p_value)


def test_the_head_tells_level_and_law(margins):
    assert "95% intervals (normal)" in repr(margins)
    assert "log-odds" in repr(fitted("x * g + z").margins(effect="level"))


def test_labels_that_are_not_there(margins):
    with pytest.raises(EffectError, match="no label 'region'"):
        margins.contrasts("region")
    with pytest.raises(EffectError, match="variable='q'"):
        margins.select(variable="q")
    with pytest.raises(EffectError, match="differ in 'variable' alone"):
        margins.select(variable="x").contrasts("variable")
    with pytest.raises(OptionError, match=r"shape \(2,\); give one finite number for each"):
        margins.combine([1, 2])
    with pytest.raises(OptionError, match="weights is 'a'; give one finite number"):
        margins.combine("a")
    with pytest.raises(OptionError, match="weights is"):
        margins.combine([[1], [1, 2]])
    with pytest.raises(OptionError, match="nan at position 1 of combination 0"):
        margins.combine(np.where(np.arange(len(margins)) == 1, np.nan, 1))
    with pytest.raises(OptionError, match="pairwise"):
        margins.contrasts("category", "all")
    with pytest.raises(OptionError, match="alpha"):
        margins.summary_frame(alpha=2)


def test_errors_far_out_have_their_size(margins):
    tiny = replace(margins, root=margins.root * 1e-200)
    np.testing.assert_allclose(tiny.std_err, margins.std_err * 1e-200, rtol=1e-12)


def test_what_is_not_known_has_no_error():
    lost = fitted("x * g + z").margins("x", effect="eyex", at={"x": 1e5})
    assert np.isnan(lost.estimate).any()
    assert np.isnan(lost.std_err[np.isnan(lost.estimate)]).all()

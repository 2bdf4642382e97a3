"""Adjusted p-values: the procedures by hand, what is left out, what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

import mlelogit as ml
from mlelogit.exceptions import OptionError
from mlelogit.inference.multiplicity import ADJUSTMENTS, adjust_pvalues
from tests.inference.samples import fitted

P = [0.04, np.nan, 0.001, 0.03, 0.6, np.nan, 0.008]


def table(values=P, column="p_value"):
    return pd.DataFrame({"name": list("abcdefg")[: len(values)], column: values, "z": 1.0})


def holm(p):
    """Step down by hand: the largest of (m - i) p_(i) so far, at most one."""
    order, adjusted, largest = np.argsort(p), np.empty(len(p)), 0.0
    for i, place in enumerate(order):
        largest = max(largest, (len(p) - i) * p[place])
        adjusted[place] = min(largest, 1.0)
    return adjusted


def benjamini_hochberg(p):
    return np.minimum(benjamini_hochberg_uncut(p), 1)


def benjamini_hochberg_uncut(p):
    order, adjusted, least = np.argsort(p), np.empty(len(p)), np.inf
    for i in range(len(p) - 1, -1, -1):
        least = min(least, p[order[i]] * len(p) / (i + 1))
        adjusted[order[i]] = least
    return adjusted


def holm_sidak(p):
    order, adjusted, largest = np.argsort(p), np.empty(len(p)), 0.0
    for i, place in enumerate(order):
        largest = max(largest, 1 - (1 - p[place]) ** (len(p) - i))
        adjusted[place] = largest
    return adjusted


def hochberg(p):
    """Step up by hand: the least of (m - i) p_(i) so far, from the largest down."""
    order, adjusted, least = np.argsort(p), np.empty(len(p)), 1.0
    for i in range(len(p) - 1, -1, -1):
        least = min(least, (len(p) - i) * p[order[i]])
        adjusted[order[i]] = least
    return adjusted


def hommel(p):
    """Close the tests by hand: the largest of Simes' p-values of all sets that a test is in."""
    adjusted = np.zeros(len(p))
    for size in range(1, len(p) + 1):
        for chosen in itertools.combinations(range(len(p)), size):
            ordered = np.sort(p[list(chosen)])
            simes = (ordered * size / np.arange(1, size + 1)).min()
            adjusted[list(chosen)] = np.maximum(adjusted[list(chosen)], simes)
    return adjusted


BY_HAND = {
    "holm-sidak": holm_sidak,
    "simes-hochberg": hochberg,
    "hommel": hommel,
    "fdr_by": lambda p: np.minimum(
        benjamini_hochberg_uncut(p) * (1 / np.arange(1, len(p) + 1)).sum(), 1
    ),
    "holm": holm,
    "fdr_bh": benjamini_hochberg,
    "bonferroni": lambda p: np.minimum(p * len(p), 1),
    "sidak": lambda p: 1 - (1 - p) ** len(p),
}


@pytest.mark.parametrize("method", BY_HAND)
def test_adjustments_are_those_by_hand(method):
    known = ~np.isnan(P)
    found = adjust_pvalues(table(), method)["p_adjusted"].to_numpy()
    np.testing.assert_allclose(found[known], BY_HAND[method](np.array(P)[known]), rtol=1e-13)
    assert np.isnan(found[~known]).all()


# p.adjust of R 4.2.2.
FAMILY = np.array([0.04, 0.001, 0.03, 0.6, 0.008, 0.012, 0.2, 0.0005])
IN_R = {
    "hommel": [0.12, 0.007, 0.09, 0.6, 0.04, 0.06, 0.4, 0.004],
    "simes-hochberg": [0.12, 0.007, 0.12, 0.6, 0.048, 0.06, 0.4, 0.004],
    "holm": [0.12, 0.007, 0.12, 0.6, 0.048, 0.06, 0.4, 0.004],
    "fdr_by": [
        *(0.1449523809523809, 0.0108714285714286, 0.1304571428571429, 1.0),
        *(0.0579809523809524, 0.0652285714285714, 0.6212244897959184, 0.0108714285714286),
    ],
    "fdr_bh": [
        *(0.0533333333333333, 0.004, 0.048, 0.6),
        *(0.0213333333333333, 0.024, 0.2285714285714286, 0.004),
    ],
}


@pytest.mark.parametrize("method", IN_R)
def test_adjustments_are_those_of_r(method):
    found = adjust_pvalues(pd.DataFrame({"p_value": FAMILY}), method)["p_adjusted"]
    np.testing.assert_allclose(found, IN_R[method], rtol=1e-12)


def step_up(p, rate):
    """Return which p-values Benjamini and Hochberg's procedure rejects at a rate."""
    ordered = np.sort(p)
    under = np.flatnonzero(ordered <= rate * np.arange(1, len(p) + 1) / len(p))
    return p <= (ordered[under[-1]] if under.size else -1)


@pytest.mark.parametrize(("method", "first"), [("fdr_tsbky", 0.05 / 1.05), ("fdr_tsbh", 0.05)])
def test_two_stages_reject_as_defined(method, first, rng):
    """Benjamini, Krieger and Yekutieli (2006), definition 6; and the same without 1 + q."""
    rejected = 0
    for _ in range(200):
        p = np.concatenate([rng.uniform(size=6), rng.uniform(size=8) ** 5])
        once = step_up(p, first)
        left = len(p) - once.sum()
        expected = once if left in (0, len(p)) else step_up(p, first * len(p) / left)
        found = adjust_pvalues(pd.DataFrame({"p_value": p}), method)["p_adjusted"].to_numpy()
        assert ((found <= 0.05) == expected).all()
        rejected += (expected != once).any()
    assert rejected > 10


@pytest.mark.parametrize("method", ADJUSTMENTS)
def test_every_method_is_that_of_statsmodels(method):
    known = ~np.isnan(P)
    found = adjust_pvalues(table(), method)
    theirs = multipletests(np.array(P)[known], method=method)[1]
    assert (found["p_adjusted"].to_numpy()[known] == theirs).all()
    assert found.attrs["adjustment"] == {"method": method, "tests": 5}
    assert list(found.columns) == ["name", "p_value", "p_adjusted", "z"]


@pytest.mark.parametrize("method", ADJUSTMENTS)
def test_borders(method):
    assert adjust_pvalues(table([0.0, 1.0, 1.0]), method)["p_adjusted"].iloc[0] == 0
    assert adjust_pvalues(table([np.nan, np.nan]), method)["p_adjusted"].isna().all()
    assert len(adjust_pvalues(table([]), method)) == 0
    alone = adjust_pvalues(table([0.03]), method)["p_adjusted"].iloc[0]
    assert 0.03 <= alone < 0.032


def test_the_frame_is_not_modified_and_can_be_adjusted_again():
    frame = table()
    before = frame.copy()
    once = adjust_pvalues(frame, "holm")
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == {}
    again = adjust_pvalues(once, "bonferroni")
    assert list(again.columns) == list(once.columns)
    assert again.attrs["adjustment"]["method"] == "bonferroni"
    assert once.attrs["adjustment"]["method"] == "holm"
    assert adjust_pvalues(frame, None) is frame


def test_nullable_and_object_columns():
    values = pd.array([0.01, None, 0.04], dtype="Float64")
    for column in (values, pd.Series([0.01, None, 0.04], dtype=object)):
        found = adjust_pvalues(pd.DataFrame({"p_value": column}), "bonferroni")["p_adjusted"]
        np.testing.assert_allclose(found.to_numpy(), [0.02, np.nan, 0.08])


@pytest.mark.parametrize("method", ["Holm", "lfdr", "", 3, ["holm"]])
def test_unknown_methods_are_refused_with_the_list(method):
    with pytest.raises(OptionError, match=r"bonferroni, sidak, holm-sidak, holm, .*fdr_tsbky"):
        adjust_pvalues(table(), method)


@pytest.mark.parametrize("wrong", [1.5, -0.1, np.inf, "small"])
def test_what_is_no_p_value_is_refused(wrong):
    frame = pd.DataFrame({"p_value": [0.1, wrong]})
    with pytest.raises(OptionError, match="row 1 of column 'p_value'"):
        adjust_pvalues(frame)


def test_a_table_without_the_column_is_refused():
    with pytest.raises(
        OptionError, match="column 'p_value' of p-values; this has 'name', 'p', 'z'"
    ):
        adjust_pvalues(table(column="p"))
    with pytest.raises(OptionError, match="this has none"):
        adjust_pvalues([0.1, 0.2])
    assert "p_adjusted" in adjust_pvalues(table(column="p"), column="p")


def test_tidy_takes_an_adjustment():
    res = fitted()
    plain, found = res.tidy(), res.tidy(adjust="holm")
    np.testing.assert_allclose(found["p_adjusted"], holm(plain["p_value"].to_numpy()), rtol=1e-13)
    pd.testing.assert_frame_equal(found.drop(columns="p_adjusted"), plain)
    assert found.attrs["adjustment"]["tests"] == 10
    assert "adjustment" not in plain.attrs
    with pytest.raises(OptionError, match="adjust must be one of"):
        res.tidy(adjust="tukey")


@pytest.mark.parametrize("table", ["term_tests", "equality_tests", "combine_tests"])
def test_tables_of_tests_are_adjusted_on_request(table):
    results = ml.mnlogit("PID ~ age + educ", ml.datasets.load_anes96()).fit()
    ask = getattr(results, table)
    plain, adjusted = ask("wald"), ask("wald", adjust="holm")
    expected = multipletests(plain["p_value"], method="holm")[1]
    np.testing.assert_array_equal(adjusted["p_adjusted"], expected)
    pd.testing.assert_frame_equal(adjusted.drop(columns="p_adjusted"), plain)
    with pytest.raises(OptionError, match="adjust"):
        ask("wald", adjust="holmes")

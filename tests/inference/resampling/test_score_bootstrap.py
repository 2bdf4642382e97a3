"""The score bootstrap test, against plain loops over rows, clusters and patterns of signs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.exceptions import BiasReductionError, BootstrapError, OptionError, ParamsError
from mlelogit.fitting.constrained.restriction import fit_restricted
from mlelogit.inference.resampling import score_bootstrap
from mlelogit.inference.resampling.units import PERTURBATIONS, make_units
from mlelogit.inference.testing.nesting import SETTLED
from tests.inference.samples import fitted, survey

FORMULA = "party ~ age + educ"
CLUSTERS = np.random.default_rng(5).choice(8, len(survey()))


def plain_units(smaller, tested, groups=None, frame=None):
    """Return ``R V s_g`` at the fit of the smaller model, with plain loops.

    Parameters
    ----------
    smaller : str
        Formula of the model under the null.
    tested : list of int
        Positions of the coefficients that are zero, among those of the larger model.
    """
    frame = survey() if frame is None else frame
    null = ml.mnlogit(smaller, frame).fit()
    y = null.fittedvalues.to_numpy()[:, 1:]
    d = np.eye(3)[null.record.need_blocks().design.outcome.codes][:, 1:]
    x = np.column_stack([np.ones(len(frame)), frame["age"], frame["educ"]])
    information = np.zeros((6, 6))
    for row, p in zip(x, y, strict=True):
        information += np.kron(np.diag(p) - np.outer(p, p), np.outer(row, row))
    scores = np.array([np.kron(e, row) for e, row in zip(d - y, x, strict=True)])
    effective = scores @ np.linalg.inv(information)[:, tested]
    if groups is None:
        return effective
    return np.array([effective[groups == g].sum(axis=0) for g in np.unique(groups)])


def plain_statistic(effective, w, centered=False):
    moved = effective * np.asarray(w)[:, np.newaxis]
    total = moved.sum(axis=0)
    if centered:
        moved = moved - moved.mean(axis=0)
    return float(total @ np.linalg.solve(moved.T @ moved, total))


CASES = {"age": ("party ~ educ", [1, 4], "age"), "educ": ("party ~ age", [2, 5], "educ = 0")}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("grouped", [False, True])
def test_the_statistic_is_the_robust_score_statistic(case, grouped):
    smaller, tested, hypothesis = CASES[case]
    groups = CLUSTERS if grouped else None
    effective = plain_units(smaller, tested, groups)
    found = fitted(FORMULA).bootstrap_test(hypothesis, groups=groups, times=9, seed=1)
    expected = plain_statistic(effective, np.ones(len(effective)))
    assert abs(found.statistic / expected - 1) < 1e-8
    assert found.df == 2
    assert abs(found.chi2_p_value / chi2.sf(expected, 2) - 1) < 1e-6


@pytest.mark.parametrize("centered", [False, True])
def test_all_patterns_of_signs_are_counted_once(centered):
    """2^8 patterns by hand; centered scores give other statistics and the same p-value."""
    effective = plain_units("party ~ educ", [1, 4], CLUSTERS)
    patterns = list(itertools.product([-1, 1], repeat=8))
    values = np.array([plain_statistic(effective, w, centered) for w in patterns])
    expected = np.mean(values >= values[-1] * (1 - 1e-9))
    found = fitted(FORMULA).bootstrap_test("age", groups=CLUSTERS)
    assert found.enumerated
    assert (found.replicates, found.seed) == (256, None)
    assert found.p_value == expected
    assert "all 256 patterns of signs" in str(found)


def test_centering_turns_every_statistic_the_same_way():
    effective = plain_units("party ~ educ", [1, 4], CLUSTERS)
    for w in itertools.islice(itertools.product([-1, 1], repeat=8), 40):
        plain, centered = (plain_statistic(effective, w, c) for c in (False, True))
        assert abs(centered / (plain / (1 - plain / 8)) - 1) < 1e-9


@pytest.mark.parametrize("name", ["webb", "mammen"])
def test_draws_recompute_the_middle_matrix(name):
    """The share of draws is that over all patterns of four clusters, within its error."""
    groups = CLUSTERS % 4
    effective = plain_units("party ~ educ", [1, 4], groups)
    values, chances = PERTURBATIONS[name]
    places = np.array(list(itertools.product(range(len(values)), repeat=4)))
    statistics = np.array([plain_statistic(effective, values[p]) for p in places])
    observed = plain_statistic(effective, np.ones(4))
    weights = chances[places].prod(axis=1)
    exact = weights[statistics >= observed * (1 - 1e-9)].sum()
    found = fitted(FORMULA).bootstrap_test("age", groups, 20000, weights=name, seed=3)
    assert not found.enumerated
    assert 0.01 < exact < 0.99
    assert abs(found.p_value - exact) < 5 * np.sqrt(exact * (1 - exact) / 20000)


def test_single_people_are_perturbed_and_agree_with_chi_squared():
    found = fitted(FORMULA).bootstrap_test("age", times=4000, seed=3)
    assert abs(found.p_value - found.chi2_p_value) < 0.02
    again = fitted(FORMULA).bootstrap_test("age", times=4000, seed=found.seed)
    assert again == found
    assert "seed 3" in str(found)
    assert (found.p_value * 4001) % 1 < 1e-6 or (found.p_value * 4001) % 1 > 1 - 1e-6


def test_counts_and_frequencies_are_people():
    frame = survey().assign(age=(survey()["age"] // 10 * 10))
    table = pd.crosstab([frame["age"], frame["educ"]], frame["party"]).reset_index()
    single = frame.groupby(["age", "educ", "party"]).size().rename("n").reset_index()
    fits = [
        ml.mnlogit(FORMULA, frame).fit(),
        ml.mnlogit("counts(blue, green, red) ~ age + educ", table).fit(),
        ml.mnlogit(FORMULA, single, weights="n", weight_type="frequency").fit(),
    ]
    for groups in (None, "educ"):
        tests = [fit.bootstrap_test("age", groups, 4000, seed=1) for fit in fits]
        for test in tests[1:]:
            assert abs(test.statistic / tests[0].statistic - 1) < 1e-8
            assert abs(test.p_value - tests[0].p_value) < (0.02 if groups is None else 1e-12)


def test_base_and_units_of_the_columns_do_not_matter():
    frame = survey().assign(age=survey()["age"] * 1000 + 3)
    one = fitted(FORMULA).bootstrap_test("age", CLUSTERS)
    two = ml.mnlogit(FORMULA, frame, base="red").fit().bootstrap_test("age", CLUSTERS)
    assert abs(one.statistic / two.statistic - 1) < 1e-8
    assert one.p_value == two.p_value


def test_hypotheses_are_read_as_everywhere():
    res = fitted(FORMULA)
    found = res.bootstrap_test("green: age = red: age", CLUSTERS)
    assert (found.df, found.null) == (1, "green: age = red: age")
    same = res.bootstrap_test(["green: age = red: age", "2 * green: age = 2 * red: age"], CLUSTERS)
    assert (same.df, same.p_value) == (1, found.p_value)
    assert abs(same.statistic / found.statistic - 1) < 1e-9
    at_estimate = float(res.params.loc["age", "green"])
    zero = res.bootstrap_test("green: age", CLUSTERS, value=at_estimate)
    assert zero.statistic < 1e-6
    # Of two signs that leave the score as it is the statistic is the same rounding, or less.
    assert zero.p_value >= 1 - 2 / 256
    with pytest.raises(ParamsError, match="income"):
        res.bootstrap_test("income")


def test_too_few_units_have_no_test_and_say_so():
    res = fitted(FORMULA)
    found = res.bootstrap_test("age, educ", groups=CLUSTERS % 4)
    assert np.isnan(found.statistic)
    assert np.isnan(found.p_value)
    assert "too few" in found.reason
    assert "Does not apply" in str(found)


def test_separated_data_can_still_be_tested():
    """The null has a maximum though the larger model has none."""
    x = np.arange(30.0)
    frame = pd.DataFrame({"y": (x > 14).astype(int), "x": x, "z": np.sin(x), "g": x % 6})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x + z", frame).fit()
    found = res.bootstrap_test("x", groups="g")
    null = ml.mnlogit("y ~ z", frame).fit()
    p = null.fittedvalues.to_numpy()[:, 1]
    design = np.column_stack([np.ones(30), x, frame["z"]])
    inverse = np.linalg.inv((design.T * (p * (1 - p))) @ design)
    effective = ((frame["y"] - p).to_numpy()[:, np.newaxis] * design) @ inverse[:, [1]]
    totals = np.array([effective[frame["g"] == g].sum(axis=0) for g in range(6)])
    assert abs(found.statistic / plain_statistic(totals, np.ones(6)) - 1) < 1e-7
    assert found.p_value == 2 / 64


def test_a_null_without_a_maximum_is_told():
    x = np.arange(30.0)
    frame = pd.DataFrame({"y": (x > 14).astype(int), "x": x, "z": np.sin(x)})
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.mnlogit("y ~ x + z", frame).fit()
    assert "certified maximum" in res.bootstrap_test("z").reason


def test_a_null_that_did_not_converge_is_told(monkeypatch):
    def stop(*args):
        return replace(fit_restricted(*args), converged=False)

    monkeypatch.setattr(score_bootstrap, "fit_restricted", stop)
    assert "certified maximum" in fitted(FORMULA).bootstrap_test("age", CLUSTERS).reason


def test_options_are_judged():
    res = fitted(FORMULA)
    for options in ({"weights": "normal"}, {"times": 0}, {"seed": "x"}, {"disp": 3}):
        with pytest.raises(OptionError):
            res.bootstrap_test("age", **options)
    with pytest.raises(TypeError, match="reps"):
        res.bootstrap_test("age", reps=3)
    with pytest.raises(BootstrapError, match="one cluster"):
        res.bootstrap_test("age", groups=np.zeros(len(survey())))
    with pytest.raises(BiasReductionError):
        ml.mnlogit(FORMULA, survey()).fit(bias_reduction="mean").bootstrap_test("age")


CONSTRAINED = {
    "an equation": ({"constraints": "green: age = red: age"}, "green: age - red: age = 0"),
    "an equation and more": (
        {"constraints": "green: age = red: age"},
        ["green: age = red: age", "green: educ = 0"],
    ),
    "a combination": (
        {"constraints": "green: age + red: educ = 0.1"},
        ["green: age = 0", "red: educ = 0.1"],
    ),
    "a fixed coefficient": ({"constraints": "red: educ = 0.2"}, "red: educ = 0.2"),
    "another value than the fixed one": ({"constraints": "red: educ = 0.2"}, "red: educ = 0.3"),
    "all of a term, partly left out": ({"equations": {"educ": ["red"]}}, "educ = 0"),
    "an active bound": ({"constraints": "red: educ <= 0.01"}, "red: educ = 0.01"),
    "against an active bound": ({"constraints": "red: educ <= 0.01"}, "red: educ = 1"),
}
TESTS = ["wald_test", "lr_test", "score_test", "bootstrap_test"]


PARTLY = ("an equation and more", "a combination", "all of a term, partly left out")


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("case", CONSTRAINED)
def test_what_constraints_settle_has_its_reason_in_every_test(case, test):
    """What they leave open is tested alone; the score bootstrap says that a part is settled."""
    held, hypothesis = CONSTRAINED[case]
    res = ml.mnlogit(FORMULA, survey()).fit(**held)
    found = getattr(res, test)(hypothesis)
    if case in PARTLY and test != "bootstrap_test":
        assert (found.df, found.reason) == (1, "")
        return
    assert np.isnan([found.statistic, found.p_value]).all()
    assert found.reason
    assert test != "bootstrap_test" or found.reason == SETTLED


@pytest.mark.parametrize("case", PARTLY)
def test_what_constraints_leave_open_is_the_difference_of_two_constrained_fits(case):
    held, hypothesis = CONSTRAINED[case]
    model = ml.mnlogit(FORMULA, survey())
    res = model.fit(**held)
    both = [*np.atleast_1d(held.get("constraints", [])), *np.atleast_1d(hypothesis)]
    smaller = model.fit(constraints=[str(text) for text in both])
    assert res.lr_test(hypothesis).statistic == pytest.approx(2 * (res.llf - smaller.llf), abs=1e-8)


@pytest.mark.parametrize("case", CONSTRAINED)
def test_tables_of_tests_hold_a_number_or_a_reason_for_every_constrained_fit(case):
    res = ml.mnlogit(FORMULA, survey()).fit(**CONSTRAINED[case][0])
    for name in ("term_tests", "equality_tests", "combine_tests"):
        for kind in ("wald", "lr", "score"):
            if (name, kind) == ("combine_tests", "score"):
                continue
            table = getattr(res, name)(kind)
            told = table.get("reason", pd.Series("", table.index)) != ""
            assert (np.isfinite(table["p_value"]) != told).all()


def test_what_constraints_leave_free_is_tested_as_in_the_smaller_model():
    res = ml.mnlogit(FORMULA, survey()).fit(constraints="educ = 0")
    found = res.bootstrap_test(["age = 0", "2 * red: age = 0"], CLUSTERS)
    smaller = ml.mnlogit("party ~ age", survey()).fit().bootstrap_test("age = 0", CLUSTERS)
    assert found.statistic == pytest.approx(smaller.statistic, rel=1e-8)
    assert found.p_value == smaller.p_value
    effective = plain_units("party ~ educ", [1, 4], CLUSTERS)
    assert found.statistic != pytest.approx(plain_statistic(effective, np.ones(8)), rel=1e-3)


def test_scores_that_cancel_in_every_cluster_are_no_test():
    """In every cluster both outcomes have the same columns: what is left is rounding."""
    rng = np.random.default_rng(0)
    half = pd.DataFrame({"g": np.repeat(range(8), 10), "x": rng.normal(3.3, 0.7, size=80)})
    frame = pd.concat([half.assign(y="a"), half.assign(y="b")])
    res = ml.mnlogit("y ~ x", frame).fit()
    found = res.bootstrap_test("x", groups="g")
    assert found.reason == "no unit's score moves what is tested"
    assert not res.bootstrap_test("x", times=9).reason


@pytest.mark.parametrize("squares", [False, True])
def test_units_are_summed_without_an_array_of_their_products(rng, squares):
    import tracemalloc

    units = replace(
        make_units(fitted(FORMULA).record), people=np.ones(20000), groups=None, strata=None
    )
    effective = rng.normal(size=(20000, 12))
    signs = np.ones((2, 20000))
    tracemalloc.start()
    totals, spread = score_bootstrap._sum_units(
        units, effective, signs, 4 * signs if squares else None
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spread[-1] == pytest.approx((4 if squares else 1) * effective.T @ effective, rel=1e-10)
    assert totals[1] == pytest.approx(effective.sum(axis=0), rel=1e-10)
    assert peak < effective.nbytes


def test_bounds_refuse_the_score_bootstrap():
    model = ml.mnlogit(FORMULA, survey())
    free = model.fit().params.loc["educ", "red"]
    met = model.fit(constraints=f"red: educ >= {free + 0.05}")
    assert "bounds" in met.bootstrap_test("age").reason
    slack = model.fit(constraints=f"red: educ >= {free - 0.01}")
    broken = slack.bootstrap_test(f"red: educ = {free - 0.5}")
    assert "breaks" in broken.reason
    assert np.isnan([met.bootstrap_test("age").p_value, broken.p_value]).all()

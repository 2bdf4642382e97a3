"""Which rows are judged: weights, counts, new rows and their outcomes, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    DataNotKeptError,
    EmptyDataError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    OffsetError,
    OptionError,
    OutcomeError,
    UnseenLevelError,
    WeightError,
    WeightTypeError,
)
from mlelogit.interpretation.performance.calibration import calibrate_judged
from mlelogit.interpretation.performance.classification import classify_judged
from mlelogit.interpretation.performance.judged import NewRows, judge_rows
from mlelogit.interpretation.performance.scoring_rules import score_judged
from tests.inference.samples import survey
from tests.interpretation.performance.judging import FORMULA, judge_all, measure_gap, split_survey

# Slopes against a base, and tests and errors that come with them, are about that base.
OF_THE_BASE = ("Calibration.recalibration", "Calibration.tests")
HOW = {"weights": "people", "weight_type": "frequency"}


def expand(frame):
    return frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)


def count(frame):
    """Lay the survey out as rows of counts: those that share their columns are one row."""
    seen = frame.pivot_table(
        index=["age", "educ", "region"], columns="party", values="people", aggfunc="sum"
    )
    return seen.fillna(0.0).reset_index()


def test_frequency_weights_are_expanded_rows():
    frame = survey()
    weighted = judge_all(ml.mnlogit(FORMULA, frame, **HOW).fit())
    assert measure_gap(weighted, judge_all(ml.mnlogit(FORMULA, expand(frame)).fit())) < 1e-8


def test_counts_are_expanded_rows():
    frame = survey()
    formula = "counts(blue, green, red) ~ age + educ + region"
    counted = judge_all(ml.mnlogit(formula, count(frame)).fit())
    expanded = judge_all(ml.mnlogit(FORMULA, expand(frame)).fit())
    assert measure_gap(counted, expanded) < 1e-8


def test_new_rows_with_weights_or_counts_are_expanded_rows():
    res, new = split_survey()
    expanded = judge_all(res, newdata=expand(new))
    assert measure_gap(judge_all(res, newdata=new, **HOW), expanded) < 1e-9
    counts = count(new)
    seen = counts[["blue", "green", "red"]]
    assert measure_gap(judge_all(res, newdata=counts, outcome=seen), expanded) < 1e-9
    moved = seen[["red", "blue", "green"]]
    assert measure_gap(judge_all(res, newdata=counts, outcome=moved), expanded) < 1e-9
    by_place = judge_all(res, newdata=counts, outcome=seen.to_numpy())
    assert measure_gap(by_place, expanded) < 1e-9


def test_equal_sampling_weights_change_nothing():
    """Nor does their unit; nothing is larger for weights of a million."""
    res, new = split_survey()
    plain = judge_all(res, newdata=new)
    for unit in (1e-3, 7.0, 1e6):
        how = {"weights": np.full(80, unit), "weight_type": "sampling"}
        found = judge_all(res, newdata=new, **how)
        people = [key for key in found if key.endswith(("table", "expected"))]
        for key in people:
            assert np.abs(found[key] / unit - plain[key]).max(axis=None) < 1e-9
        for key in ("Calibration.bins", "Calibration.confidence", "Classification.by_category"):
            assert np.abs(found[key]["people"] / unit - plain[key]["people"]).max() < 1e-9
            found[key] = found[key].assign(people=plain[key]["people"])
        # The sandwich and the model's covariance agree in expectation only.
        leave = (*people, *OF_THE_BASE)
        assert measure_gap(found, plain, leave) < 1e-9


def test_sampling_weights_widen_wilsons_intervals_as_their_variance_does():
    res, new = split_survey()
    weights = new["weight"].to_numpy()
    how = {"weights": weights, "weight_type": "sampling"}
    found = res.classification(new, **how).rates.loc["hit_rate"]
    hits = (res.predict(new, which="category").astype(str) == new["party"]).to_numpy()
    share = weights @ hits / weights.sum()
    variance = weights**2 @ (hits - share) ** 2 / weights.sum() ** 2
    assert abs(found["estimate"] - share) < 1e-15
    assert abs(found["std_err"] ** 2 - variance * 80 / 79) < 1e-16
    people, z = share * (1 - share) / variance, 1.959963984540054
    for end in ("lower", "upper"):
        # Where Wilson's interval ends, the score test of that share has the critical value.
        bound = found[end]
        assert abs(abs(share - bound) / np.sqrt(bound * (1 - bound) / people) - z) < 1e-9


def test_importance_weights_are_used_as_given():
    res, new = split_survey()
    whole = judge_all(res, newdata=new, **HOW)
    how = {"weights": "people", "weight_type": "importance"}
    assert measure_gap(judge_all(res, newdata=new, **how), whole) < 1e-12


def test_estimates_of_shares_are_those_of_rows_laid_out():
    """Labels with the shares for weights have the same sums; their variances are of draws."""
    res, new = split_survey()
    few = new.head(30)
    shares = np.random.default_rng(5).dirichlet(np.ones(3), 30)
    found = res.scores(few, outcome=shares)
    rows = pd.concat([few.assign(party=c, w=shares[:, k]) for k, c in enumerate(res.categories)])
    laid_out = res.scores(rows, weights="w", weight_type="importance")
    for key, columns in (
        ("overall", ["score", "reference", "skill"]),
        ("decomposition", [*found.decomposition.columns]),
        ("by_category", [*found.by_category.columns]),
        ("discrimination", ["estimate"]),
        ("pairs", ["estimate"]),
    ):
        gaps = getattr(found, key)[columns] - getattr(laid_out, key)[columns]
        assert gaps.abs().max(axis=None) < 1e-12
    assert "30 observations" in found.rows


def test_rows_come_in_any_order_and_any_base():
    res, new = split_survey()
    plain = judge_all(res, newdata=new)
    mixed = new.sample(frac=1, random_state=4)
    assert measure_gap(judge_all(res, newdata=mixed), plain) < 1e-12
    moved = judge_all(res.rebase("red"), newdata=new)
    for key in OF_THE_BASE:
        moved[key] = plain[key]
    assert measure_gap(moved, plain) < 1e-9


def test_own_rows_are_as_new_ones():
    res, _ = split_survey()
    own, same = judge_all(res), judge_all(res, newdata=survey().iloc[::2])
    assert measure_gap(own, same, ("Calibration.tests",)) < 1e-6


def test_rows_of_weight_zero_are_left_out():
    res, new = split_survey()
    weights = np.where(np.arange(80) < 50, 1.0, 0.0)
    for kind in ("frequency", "sampling"):
        found = judge_all(res, newdata=new, weights=weights, weight_type=kind)
        # Left out rows do not count as observations.
        leave = OF_THE_BASE if kind == "sampling" else ()
        assert measure_gap(found, judge_all(res, newdata=new.iloc[:50]), leave) < 1e-9
    with pytest.raises(EmptyDataError):
        res.scores(new, weights=np.zeros(80), weight_type="frequency")


def test_categories_of_any_kind():
    frame = survey().assign(
        number=survey()["party"].map({"blue": 3, "green": 1, "red": 2}),
        pair=survey()["party"].map({"blue": (1, "b"), "green": (0, "g"), "red": (0, "r")}),
    )
    by_number = ml.mnlogit("number ~ age + educ", frame).fit()
    by_pair = ml.mnlogit("pair ~ age + educ", frame).fit()
    for res, label in ((by_number, 2), (by_pair, (0, "r"))):
        found = res.scores(frame.head(60))
        assert found.by_category.index.get_level_values("category")[1] == res.categories[1]
        assert label in res.classification(frame.head(60)).table.index
        named = res.calibration().recalibration.loc["own slopes"].loc["slope"].index
        assert list(named) == list(res.categories[1:])
        assert f"Recalibration against {res.categories[0]}" in repr(res.calibration())
    # Whole numbers may have become floats, as they do beside missing values.
    floats = frame.assign(number=frame["number"].astype(float)).head(60)
    assert by_number.scores(floats).log == by_number.scores(frame.head(60)).log
    texts = frame.assign(number=frame["number"].astype(str))
    with pytest.raises(UnseenLevelError, match="'1'"):
        by_number.scores(texts)


def test_fits_to_arrays_are_told_the_outcome():
    frame = survey()
    x = np.column_stack([np.ones(160), frame["age"], frame["educ"]])
    res = ml.MNLogit(frame["party"].to_numpy()[:100], x[:100]).fit()
    with pytest.raises(ColumnNotFoundError, match="outcome="):
        res.scores(x[100:])
    found = res.scores(x[100:], outcome=frame["party"].to_numpy()[100:])
    again = res.scores(x[100:], outcome=frame["party"].tolist()[100:])
    assert found.log == again.log


def test_offsets_and_fits_with_collinear_columns_and_bias_reduction():
    frame = survey().assign(twice=2 * survey()["age"], o=0.3)
    with pytest.warns(ml.exceptions.CollinearityWarning):
        res = ml.mnlogit("party ~ age + educ + twice", frame.iloc[::2]).fit()
    plain = ml.mnlogit("party ~ age + educ", frame.iloc[::2]).fit()
    assert abs(res.scores(frame.iloc[1::2]).log - plain.scores(frame.iloc[1::2]).log) < 1e-9
    offset = np.column_stack([frame["o"] * 0, frame["o"], frame["o"] / 2])
    shifted = ml.mnlogit("party ~ age", frame, offset=offset).fit()
    new = shifted.scores(frame, offset=offset)
    assert abs(new.log - shifted.scores().log) < 1e-12
    assert abs(new.log + shifted.llf / 160) < 1e-12
    with pytest.raises(OffsetError):
        shifted.scores(frame)
    reduced = ml.mnlogit("party ~ age + educ", frame).fit(bias_reduction="mean")
    slopes = reduced.calibration().recalibration.loc["own slopes"].loc["slope", "estimate"]
    # Bias reduction shrinks, and recalibration on the same rows undoes that.
    assert (slopes > 1).all()


def test_the_outcome_of_new_rows_is_checked():
    res, new = split_survey()
    with pytest.raises(ColumnNotFoundError, match="'party', the outcome"):
        res.scores(new.drop(columns="party"))
    with pytest.raises(ColumnNotFoundError, match="'votes'"):
        res.scores(new, outcome="votes")
    odd = new.assign(party=["grey", "white", *new["party"][2:]])
    with pytest.raises(UnseenLevelError, match=r"'grey', 'white', in 2 rows, the first by pos.* 0"):
        res.classification(odd)
    with pytest.raises(MissingDataError, match="'party'"):
        res.scores(new.assign(party=[None, *new["party"][1:]]))
    with pytest.raises(LengthMismatchError, match="outcome has 79"):
        res.scores(new, outcome=new["party"].to_numpy()[1:])
    with pytest.raises(MisalignedIndexError):
        res.scores(new, outcome=new["party"].iloc[::-1])
    with pytest.raises(OutcomeError, match="give 3"):
        res.scores(new, outcome=np.ones((80, 2)))
    with pytest.raises(OutcomeError, match="negative"):
        res.scores(new, outcome=np.full((80, 3), -1.0))
    with pytest.raises(UnseenLevelError, match="'grey'"):
        res.scores(new, outcome=pd.DataFrame(1, new.index, ["blue", "green", "red", "grey"]))
    with pytest.raises(ColumnNotFoundError, match="'red'"):
        res.scores(new, outcome=pd.DataFrame(1, new.index, ["blue", "green"]))
    unused = pd.DataFrame(1, new.index, ["blue", "green", "red"]).assign(grey=0)
    assert np.isfinite(res.scores(new, outcome=unused).log)


def test_counts_in_a_formula_are_found_in_new_rows():
    frame = count(survey())
    formula = "counts(blue, green, red) ~ age + educ"
    res = ml.mnlogit(formula, frame.iloc[::2]).fit()
    new = frame.iloc[1::2]
    found = res.classification(new)
    assert np.abs(found.table.sum(axis=1) - new[["blue", "green", "red"]].sum()).max() < 1e-9
    with pytest.raises(ColumnNotFoundError, match="'green'"):
        res.classification(new.drop(columns="green"))
    labels = res.classification(new, outcome=["blue"] * len(new))
    assert labels.table.loc["blue"].sum() == len(new)


def test_weights_of_new_rows_are_checked():
    res, new = split_survey()
    with pytest.raises(WeightTypeError, match="frequency, sampling, importance"):
        res.scores(new, weights="people")
    with pytest.raises(WeightTypeError, match="without weights"):
        res.scores(new, weight_type="sampling")
    with pytest.raises(WeightTypeError, match="weight_type must be"):
        res.scores(new, weights="people", weight_type="heavy")
    with pytest.raises(WeightError, match="whole numbers"):
        res.scores(new, weights="weight", weight_type="frequency")
    with pytest.raises(WeightError, match="negative"):
        res.scores(new, weights=-np.ones(80), weight_type="sampling")
    fit = ml.mnlogit(FORMULA, survey(), weights="weight", weight_type="sampling").fit()
    judged = judge_rows(fit.record, NewRows(new, weights="weight"))
    assert judged.design.weight_type == "sampling"
    assert judge_rows(fit.record, NewRows(new)).design.weight_type is None


def test_what_is_about_new_rows_needs_them():
    res, new = split_survey()
    for how in ({"outcome": new["party"]}, {"weights": "people"}, {"weight_type": "sampling"}):
        with pytest.raises(OptionError, match=f"{next(iter(how))} goes with newdata"):
            res.classification(**how)


def test_fits_without_rows_judge_new_ones():
    res, new = split_survey()
    kept = pickle.loads(pickle.dumps(res))
    assert measure_gap(judge_all(kept, newdata=new), judge_all(res, newdata=new)) == 0
    from dataclasses import replace

    bare = replace(res, record=replace(res.record, blocks=None))
    assert measure_gap(judge_all(bare, newdata=new), judge_all(res, newdata=new)) == 0
    for ask in (bare.classification, bare.calibration, bare.scores):
        with pytest.raises(DataNotKeptError):
            ask()


def test_nothing_given_is_changed():
    res, new = split_survey()
    before, weights = new.copy(), np.arange(80) % 3 + 1.0
    held = weights.copy()
    judge_all(res, newdata=new, weights=weights, weight_type="frequency")
    assert new.equals(before)
    assert (weights == held).all()


def test_judged_rows_are_all_that_judging_needs():
    """Whatever gave the probabilities: nothing else of a fit is read."""
    res, new = split_survey()
    for given in ({}, {"newdata": new, "weights": "people", "weight_type": "sampling"}):
        judged = judge_rows(res.record, NewRows(**given))
        pairs = (
            (res.calibration(bins=4, alpha=0.1, **given), calibrate_judged(judged, 4, alpha=0.1)),
            (res.classification(alpha=0.1, **given), classify_judged(judged, 0.1)),
            (res.scores(bins=4, alpha=0.1, **given), score_judged(judged, 4, 0.1)),
        )
        for found, again in pairs:
            assert str(found) == str(again)
            for name, table in vars(found).items():
                same = table.equals if isinstance(table, pd.DataFrame) else table.__eq__
                assert same(vars(again)[name]), name


def test_what_own_rows_depart_by_is_said_of_own_rows_only():
    res, new = split_survey()
    said = "the weather"
    own = calibrate_judged(judge_rows(res.record), departure=said)
    other = calibrate_judged(judge_rows(res.record, NewRows(new)), departure=said)
    assert sum(said in note for note in own.notes) == 1
    assert not any("by the score equations" in note for note in own.notes)
    assert not any(said in note or "score equations" in note for note in other.notes)


def test_judging_of_judged_rows_refuses_options():
    judged = judge_rows(split_survey()[0].record)
    for wrong in (
        lambda: calibrate_judged(judged, bins=1),
        lambda: calibrate_judged(judged, strategy="even"),
        lambda: calibrate_judged(judged, alpha=0),
        lambda: classify_judged(judged, alpha=1),
        lambda: score_judged(judged, bins=2.5),
        lambda: score_judged(judged, alpha="5%"),
    ):
        with pytest.raises(OptionError):
            wrong()


def test_options_are_refused_before_rows_are_read():
    """So a mistake in them is told at once, whatever else is wrong."""
    res = split_survey()[0]
    for judge in (res.calibration, res.scores, res.classification):
        with pytest.raises(OptionError, match="alpha"):
            judge("no frame at all", alpha=2)
    for judge in (res.calibration, res.scores):
        with pytest.raises(OptionError, match="bins"):
            judge("no frame at all", bins=0)

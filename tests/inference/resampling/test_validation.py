"""Cross-validated log-likelihood against fits made by hand without each fold."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.folds import FoldRequest, deal_folds
from mlelogit.exceptions import (
    CollinearityWarning,
    ConstraintError,
    HeldOutWarning,
    OneCategoryError,
    OptionError,
)
from tests.inference.samples import survey


def score_by_hand(formula, frame, fold, weights=None, **options):
    """Return every row's log-likelihood under a fit of the rows of other folds."""
    found = np.zeros(len(frame))
    for label in np.unique(fold):
        rest, held = frame[fold != label], frame[fold == label]
        res = ml.mnlogit(formula, rest, weights=weights, **options).fit()
        shares = res.predict(held)
        own = held[formula.split(" ~ ")[0]]
        times = 1 if weights is None else held[weights].to_numpy()
        found[fold == label] = times * np.log(
            [shares.loc[i, category] for i, category in own.items()]
        )
    return found


@pytest.mark.parametrize("formula", ["party ~ age + educ + region", "party ~ poly(age, 2)"])
def test_rows_agree_with_fits_by_hand(formula):
    frame = survey()
    model = ml.mnlogit(formula, frame)
    (folds,) = deal_folds(model.design, FoldRequest(5))
    fold = np.argmax([folds.hold(f) for f in range(len(folds.labels))], axis=0)
    found = model.cross_validate(5)
    expected = score_by_hand(formula, frame, fold)
    assert np.abs(found.rows - expected).max() < 1e-8
    assert found.loglike == pytest.approx(expected.sum(), abs=1e-8)
    assert found.mean == pytest.approx(expected.mean(), abs=1e-10)
    means = np.array([expected[fold == f].mean() for f in range(5)])
    sizes = np.bincount(fold)
    spread = np.sqrt(np.average((means - expected.mean()) ** 2, weights=sizes) / 4)
    assert found.std_err == pytest.approx(spread, rel=1e-9)
    assert found.table["loglike"].sum() == pytest.approx(found.loglike)
    assert found.notes == ()


@pytest.mark.parametrize(("column", "kind"), [("weight", "sampling"), ("people", "frequency")])
def test_weights_count_in_fits_and_scores(column, kind):
    frame, formula = survey(), "party ~ age + educ"
    model = ml.mnlogit(formula, frame, weights=column, weight_type=kind)
    fold = np.arange(len(frame)) % 4
    found = model.cross_validate(fold)
    expected = score_by_hand(formula, frame, fold, column, weight_type=kind)
    assert np.abs(found.rows - expected).max() < 1e-8
    assert found.mean == pytest.approx(expected.sum() / frame[column].sum())


REQUESTS = {
    "constraints": {"constraints": ["green: age = red: age", "red: educ >= 0.4"]},
    "equations": {"equations": {"educ": ["red"]}},
    "mean": {"bias_reduction": "mean"},
    "median": {"bias_reduction": "median"},
}


@pytest.mark.parametrize("case", REQUESTS)
def test_folds_are_left_out_of_fits_of_every_kind(case):
    frame, fold = survey(), np.arange(160) % 3
    found = ml.mnlogit("party ~ age + educ", frame).cross_validate(fold, **REQUESTS[case])
    for label in range(3):
        rest, held = frame[fold != label], frame[fold == label]
        res = ml.mnlogit("party ~ age + educ", rest).fit(**REQUESTS[case])
        shares = res.predict(held)
        expected = [np.log(shares.loc[i, party]) for i, party in held["party"].items()]
        assert np.abs(found.rows[fold == label] - expected).max() < 1e-6
    plain = ml.mnlogit("party ~ age + educ", frame).cross_validate(fold)
    assert np.abs(found.rows - plain.rows).max() > 1e-4


def test_constraints_about_what_a_fold_takes_away_are_named():
    frame = survey().assign(rare=0.0)
    fold = np.where(frame["party"] == "red", 0, np.arange(160) % 2 + 1)
    frame.loc[fold == 1, "rare"] = np.arange((fold == 1).sum())
    model = ml.mnlogit("party ~ age + rare", frame)
    for said, named in (
        ({"constraints": "red: age = 0.1"}, "of 'red', so that.*red: age = 0.1"),
        ({"equations": {"age": ["green"]}}, "of 'red', so that.*red: age = 0"),
        ({"constraints": "green: rare = 0.2"}, "of 'rare', so that.*green: rare = 0.2"),
    ):
        with pytest.raises(ConstraintError, match=named):
            model.cross_validate(fold, **said)
    based = ml.mnlogit("party ~ age + rare", frame, base="red")
    with pytest.raises(ConstraintError, match=r"of 'red', so that.*blue: age = 0.1"):
        based.cross_validate(fold, constraints="blue: age = 0.1")
    with pytest.raises(ConstraintError, match="nope"):
        model.cross_validate(2, constraints="nope = 0")
    # Constraints about what stays carry over, the others' columns gone.
    with pytest.warns(HeldOutWarning):
        found = model.cross_validate(fold, constraints="green: age = 0.02")
    held = frame[fold == 1]
    with pytest.warns(CollinearityWarning):
        two = ml.mnlogit("party ~ age + rare", frame[fold != 1])
    shares = two.fit(constraints="green: age = 0.02").predict(held)
    expected = [np.log(shares.loc[i, party]) for i, party in held["party"].items()]
    assert np.abs(found.rows[fold == 1] - expected).max() < 1e-7


def test_people_are_held_out_one_by_one():
    frame = survey()
    long = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    few = ml.mnlogit("party ~ age", frame, weights="people", weight_type="frequency")
    many = ml.mnlogit("party ~ age", long)
    first, second = few.cross_validate(6, seed=4), many.cross_validate(6, seed=4)
    assert first.loglike == pytest.approx(second.loglike, abs=1e-8)
    assert first.std_err == pytest.approx(second.std_err, rel=1e-8)
    pd.testing.assert_frame_equal(first.table, second.table)


def test_counts_are_the_same_people():
    frame = survey()
    table = pd.crosstab(frame["educ"], frame["party"])
    order = frame.sort_values(["educ", "party"], kind="stable")
    x = np.column_stack([np.ones(len(table)), table.index])
    first = ml.MNLogit(table.to_numpy(), x, outcome="counts").cross_validate(5)
    second = ml.MNLogit(
        order["party"].to_numpy(), np.column_stack([np.ones(160), order["educ"]])
    ).cross_validate(5)
    assert first.loglike == pytest.approx(second.loglike, abs=1e-8)


def test_base_makes_no_difference_and_repeats_average():
    frame = survey()
    one = ml.mnlogit("party ~ age + educ", frame, base="blue").cross_validate(4, repeats=3)
    other = ml.mnlogit("party ~ age + educ", frame, base="red").cross_validate(4, repeats=3)
    assert one.loglike == pytest.approx(other.loglike, abs=1e-8)
    sums = one.table["loglike"].groupby("repeat").sum()
    assert one.loglike == pytest.approx(sums.mean())
    assert sums.nunique() == 3
    assert "3 times" in repr(one)


def test_leave_one_out_of_proportions_is_known():
    """Intercepts alone: an observation of a category of c out of n has (c - 1) / (n - 1)."""
    frame = survey()
    found = ml.mnlogit("party ~ 1", frame).cross_validate(len(frame))
    counts = frame["party"].map(frame["party"].value_counts())
    expected = np.log((counts - 1) / (len(frame) - 1))
    assert np.abs(found.rows - expected).max() < 1e-9


def test_an_offset_counts():
    frame = survey()
    offset = np.column_stack([np.zeros(160), frame["age"] / 40, frame["educ"] / 5])
    model = ml.mnlogit("party ~ age", frame, offset=offset)
    fold = np.arange(160) % 4
    found = model.cross_validate(fold)
    rest = ml.mnlogit("party ~ age", frame[fold != 1], offset=offset[fold != 1]).fit()
    shares = rest.predict(frame[fold == 1], offset=offset[fold == 1])
    own = frame["party"][fold == 1]
    expected = np.log([shares.loc[i, category] for i, category in own.items()])
    assert np.abs(found.rows[fold == 1] - expected).max() < 1e-8


def test_a_category_that_no_row_left_in_has_is_minus_infinity():
    frame = survey().copy()
    fold = np.where(frame["party"] == "red", 0, np.arange(160) % 2 + 1)
    model = ml.mnlogit("party ~ age", frame)
    with pytest.warns(HeldOutWarning, match="category that no row left in has") as caught:
        found = model.cross_validate(fold)
    assert len(caught) == 1
    red = frame["party"] == "red"
    assert np.isneginf(found.rows[red]).all()
    assert np.isfinite(found.rows[~red]).all()
    assert np.isneginf(found.loglike)
    assert np.isnan(found.std_err)
    assert found.table["lost"].to_list() == [red.sum(), 0, 0]


def test_separated_rows_rule_a_category_out():
    """To the left of 3 all are a without row 5: its b has no probability in the limit."""
    y = np.array(list("aaaaabaabbaabbb"))
    x = np.array([0, 0, 1, 1, 2, 2, 2, 2, 8, 8, 7, 7, 7, 8, 9.0])
    frame = pd.DataFrame({"y": y, "z": (x >= 3).astype(float)})
    model = ml.mnlogit("y ~ z", frame)
    with pytest.warns(HeldOutWarning, match="separated"):
        found = model.cross_validate(len(y))
    assert np.isneginf(found.rows[5])
    assert np.isfinite(found.rows.drop(index=5)).all()
    assert found.table["separated"].sum() == 1
    assert np.isneginf(found.table["loglike"][found.table["separated"]]).all()
    assert found.rows[0] == pytest.approx(np.log(6 / 7))


def test_a_level_held_out_is_told():
    frame = survey().copy()
    frame["place"] = "there"
    frame.loc[[3, 4, 5], "place"] = "here"
    fold = np.where(frame["place"] == "here", 0, np.arange(160) % 3)
    model = ml.mnlogit("party ~ age + place", frame)
    with pytest.warns(HeldOutWarning, match="combinations of others"):
        found = model.cross_validate(fold)
    assert found.table["omitted"].to_list() == [1, 0, 0]


def test_knots_that_all_rows_placed_are_told():
    found = ml.mnlogit("party ~ bs(age, df=4)", survey()).cross_validate(3)
    assert "placed by all rows" in found.notes[0]
    assert found.notes[0] in repr(found)


def test_errors_are_named():
    model = ml.mnlogit("party ~ age", survey())
    with pytest.raises(OptionError, match="there are 160"):
        model.cross_validate(161)
    with pytest.raises(TypeError, match="k"):
        model.cross_validate(k=5)
    with pytest.raises(OneCategoryError):
        ml.mnlogit("y ~ x", pd.DataFrame({"y": list("aabb"), "x": [0.0, 1, 2, 1]})).cross_validate(
            list("aabb")
        )

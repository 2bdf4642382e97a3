"""The rows predicted worst, against sorting by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import DataNotKeptError, OptionError
from mlelogit.interpretation.diagnostics.worst import find_worst_predicted
from tests.inference.samples import fitted, survey

FORMULA = "party ~ age + educ + region"


def test_rows_are_sorted_by_the_probability_of_what_was_observed():
    res = fitted(FORMULA)
    worst = res.worst_predicted(7)
    y = res.fittedvalues
    own = pd.Series(
        [y.loc[row, party] for row, party in survey()["party"].items()], index=survey().index
    ).sort_values(kind="stable")
    assert list(worst.index) == list(own.index[:7])
    assert np.abs(worst["probability"] - own.iloc[:7]).max() < 1e-14
    assert list(worst["observed"]) == list(survey().loc[worst.index, "party"])
    assert list(worst["predicted"]) == list(y.loc[worst.index].idxmax(axis=1))
    assert np.abs(worst["predicted_probability"] - y.loc[worst.index].max(axis=1)).max() < 1e-15
    for name in ("age", "educ", "region"):
        assert list(worst[name]) == list(survey().loc[worst.index, name])
    assert len(res.worst_predicted()) == 10
    assert len(res.worst_predicted(1000)) == 160


def test_people_in_counts_are_as_if_they_had_rows():
    frame = pd.DataFrame(
        {"a": [3, 0, 6, 2], "b": [5, 1, 2, 0], "c": [1, 1, 4, 0], "x": [0.1, 2.0, -1.0, 0.5]},
        index=list("pqrs"),
    )
    res = ml.mnlogit("counts(a, b, c) ~ x", frame).fit()
    y = res.fittedvalues
    cells = [(y.loc[row, k], row, k) for row in frame.index for k in "abc" if frame.loc[row, k]]
    worst = res.worst_predicted(100)
    expected = sorted(cells, key=lambda cell: cell[0])
    assert list(zip(worst.index, worst["observed"], strict=True)) == [c[1:] for c in expected]
    assert list(worst["people"]) == [frame.loc[row, k] for _, row, k in expected]
    assert list(worst["x"]) == [frame.loc[row, "x"] for _, row, _ in expected]


def test_shares_count_by_what_they_add():
    rng = np.random.default_rng(2)
    shares = rng.dirichlet([2, 2, 2], size=30)
    frame = pd.DataFrame(shares, columns=["a", "b", "c"]).assign(x=rng.normal(size=30))
    res = ml.mnlogit("probabilities(a, b, c) ~ x", frame).fit()
    terms = -shares * np.log(res.fittedvalues.to_numpy())
    index = pd.MultiIndex.from_product([range(30), ["a", "b", "c"]])
    added = pd.Series(terms.ravel(), index=index)
    worst = res.worst_predicted(5)
    assert list(zip(worst.index, worst["observed"], strict=True)) == list(added.nlargest(5).index)
    assert "share" in worst.columns


def test_ties_come_in_the_order_of_the_rows():
    frame = pd.DataFrame({"y": list("abab"), "x": [0, 0, 0, 0.0]}, index=[7, 7, 5, 6])
    res = ml.mnlogit("y ~ 1", frame).fit()
    assert list(res.worst_predicted(3).index) == [7, 7, 5]
    assert list(res.worst_predicted(3)["predicted"]) == ["a"] * 3


def test_rows_dropped_leave_the_others_in_place():
    frame = survey().assign(weight=survey()["weight"].where(survey().index % 3 > 0, 0.0))
    frame.loc[5, "age"] = np.nan
    options = {"weights": "weight", "weight_type": "sampling", "missing": "drop"}
    worst = ml.mnlogit(FORMULA, frame, **options).fit().worst_predicted(6)
    assert not set(worst.index) & {row for row in range(160) if row % 3 == 0 or row == 5}
    for name in ("age", "region", "weight"):
        assert list(worst[name]) == list(frame.loc[worst.index, name])


def test_columns_stand_in_for_a_frame_that_is_not_at_hand():
    x = pd.DataFrame({"one": 1.0, "age": survey()["age"], "observed": survey()["educ"]})
    res = ml.MNLogit(survey()["party"], x).fit()
    worst = res.worst_predicted(3)
    assert list(worst["variable observed"]) == list(survey().loc[worst.index, "educ"])
    assert list(worst["age"]) == list(survey().loc[worst.index, "age"])
    res = fitted(FORMULA)
    design = res.record.need_blocks().design
    bare = replace(res.record.need_blocks().design, given=replace(design.given, frame=None))
    blocks = ml.data.blocks.RowBlocks(bare)
    worst = find_worst_predicted(replace(res.record, blocks=blocks), 3)
    assert list(worst.columns)[4:] == list(res.params.index)


def test_labels_of_any_kind_and_foreign_frames():
    polars = pytest.importorskip("polars")
    frame = survey()[["age", "educ"]].rename(columns={"age": "a: [b]"})
    codes = pd.Categorical(survey()["party"]).codes.astype(int)
    given = polars.DataFrame({"a: [b]": frame["a: [b]"].to_list(), "y": codes.tolist()})
    worst = ml.mnlogit("y ~ Q('a: [b]')", given).fit().worst_predicted(4)
    assert list(worst["a: [b]"]) == [frame["a: [b]"].iloc[row] for row in worst.index]
    assert set(worst["observed"]) <= {0, 1, 2}


def test_bad_questions_are_named():
    res = fitted(FORMULA)
    for n in (0, -1, 2.5, True, "3"):
        with pytest.raises(OptionError, match="n must be a positive whole number"):
            res.worst_predicted(n)
    with pytest.raises(DataNotKeptError):
        find_worst_predicted(replace(res.record, blocks=None))

"""Probabilities, categories, log-odds, residuals and the table of predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    InfiniteValueError,
    MissingDataError,
    OffsetError,
    OptionError,
    ParamsError,
    UnseenLevelError,
)
from tests.inference.samples import fitted, survey


@pytest.fixture(scope="module")
def res():
    return fitted("party ~ age + educ + region", base="green")


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(9)
    x = np.column_stack([np.ones(90), rng.normal(size=(90, 2))])
    offset = rng.normal(size=(90, 3))
    scores = x @ rng.normal(size=(3, 3)) + offset + rng.gumbel(size=(90, 3))
    return scores.argmax(axis=1), x, offset


def test_probabilities_are_the_softmax_of_the_labelled_coefficients(res):
    y = res.predict()
    assert list(y.columns) == ["blue", "green", "red"]
    assert np.abs(y.sum(axis=1) - 1).max() < 1e-15
    frame = survey()
    row = 17
    scores = {"green": 0.0}
    for category in ("blue", "red"):
        b = res.params[category]
        region = frame["region"][row]
        factor = 0.0 if region == "north" else b[f"region[T.{region}]"]
        age, educ = frame["age"][row], frame["educ"][row]
        scores[category] = b["Intercept"] + b["age"] * age + b["educ"] * educ + factor
    total = sum(np.exp(list(scores.values())))
    for category, score in scores.items():
        assert abs(y.loc[row, category] - np.exp(score) / total) < 1e-13
    assert res.fittedvalues.equals(y)


def test_linear_predictions_are_log_odds_against_the_base(res):
    u, y = res.predict(which="linear"), res.predict()
    assert (u["green"] == 0).all()
    for category in ("blue", "red"):
        assert np.abs(u[category] - np.log(y[category] / y["green"])).max() < 1e-11
    other = res.rebase("red").predict(which="linear")
    assert (other["red"] == 0).all()
    assert np.abs(other["blue"] - (u["blue"] - u["red"])).max() < 1e-11


def test_predicted_categories_are_the_most_probable(res):
    best = res.predict(which="category")
    assert list(best.cat.categories) == ["blue", "green", "red"]
    assert best.name == "party"
    assert (best.astype(str) == res.predict().idxmax(axis=1)).all()


def test_ties_go_to_the_first_category():
    res = ml.MNLogit(["b", "a", "b", "a"], np.ones((4, 1))).fit()
    assert res.predict(which="category").tolist() == ["a"] * 4


def test_new_rows_are_matched_by_name_and_keep_their_index(res):
    frame = survey().iloc[[5, 3, 5]].set_axis(["u", "v", "w"])
    new = frame[["region", "educ", "weight", "age"]]
    y = res.predict(new)
    assert list(y.index) == ["u", "v", "w"]
    assert np.abs(y.to_numpy() - res.predict().loc[[5, 3, 5]].to_numpy()).max() < 1e-14
    assert res.predict(new.to_dict("list")).shape == (3, 3)
    assert list(res.predict(new, which="category").index) == ["u", "v", "w"]


def test_index_of_the_fit_is_kept():
    frame = survey().set_index(pd.Index([f"row {i}" for i in range(160)]))
    frame = frame.assign(age=frame["age"].where(np.arange(160) != 4))
    res = ml.mnlogit("party ~ age", frame, missing="drop").fit()
    kept = frame.index.delete(4)
    for rows in (
        res.fittedvalues,
        res.resid_response,
        res.loglikeobs(),
        res.score_obs(),
        res.predict(which="category"),
        res.predict(which="linear"),
    ):
        assert rows.index.equals(kept)
    assert res.audit.rows_used == 159


def test_new_rows_are_checked(res):
    good = survey().head(3)
    with pytest.raises(ColumnNotFoundError, match="'educ'"):
        res.predict(good.drop(columns="educ"))
    with pytest.raises(MissingDataError, match="'age'"):
        res.predict(good.assign(age=[1.0, np.nan, 2.0]))
    with pytest.raises(InfiniteValueError, match="'age'"):
        res.predict(good.assign(age=[1.0, np.inf, 2.0]))
    with pytest.raises(UnseenLevelError, match="'east'"):
        res.predict(good.assign(region="east"))
    with pytest.raises(OptionError, match="prob, category, linear"):
        res.predict(good, which="mean")
    with pytest.raises(OptionError, match="raise, propagate"):
        res.predict(good, missing="drop")
    with pytest.raises(OffsetError):
        res.predict(good, offset=np.zeros((3, 3)))
    with pytest.raises(OffsetError):
        res.predict(offset=np.zeros((160, 3)))


def test_missing_values_can_give_missing_predictions(res):
    new = survey().head(4).copy()
    new.loc[1, "age"] = np.nan
    new["region"] = new["region"].where(np.arange(4) != 2)
    y = res.predict(new, missing="propagate")
    assert y.isna().all(axis=1).tolist() == [False, True, True, False]
    assert np.abs(y.loc[[0, 3]] - res.predict().loc[[0, 3]]).max(axis=None) < 1e-14
    best = res.predict(new, which="category", missing="propagate")
    assert best.isna().tolist() == [False, True, True, False]


def test_new_rows_of_a_fit_of_arrays(arrays):
    codes, x, _ = arrays
    res = ml.MNLogit(codes, x).fit()
    y = res.predict(x[:4])
    assert np.abs(y - res.predict().head(4)).max(axis=None) < 1e-14
    assert np.abs(res.predict(x[0]).to_numpy() - y.head(1).to_numpy()).max() < 1e-14
    assert np.abs(res.predict(x[:4].tolist()) - y).max(axis=None) < 1e-14
    named = pd.DataFrame(x[:4, [2, 0, 1]], columns=["x2", "const", "x1"])
    assert np.abs(res.predict(named) - y).max(axis=None) < 1e-14
    with pytest.raises(ParamsError, match="3 columns"):
        res.predict(x[:4, :2])
    with pytest.raises(ColumnNotFoundError, match="'x2'"):
        res.predict(named[["const", "x1"]])


def test_offsets_go_with_new_rows(arrays):
    codes, x, offset = arrays
    res = ml.MNLogit(codes, x, offset=offset, base=1).fit()
    fitted_rows = res.predict().head(5)
    assert np.abs(res.predict(x[:5], offset=offset[:5]) - fitted_rows).max(axis=None) < 1e-13
    without_base = np.delete(offset - offset[:, [1]], 1, axis=1)
    again = res.predict(x[:5], offset=without_base[:5])
    assert np.abs(again - fitted_rows).max(axis=None) < 1e-13
    moved = res.predict(x[:5], offset=offset[:5] + np.eye(3)[2], which="linear")
    gap = moved - res.predict(which="linear").head(5)
    assert np.abs(gap.to_numpy() - [0, 0, 1]).max() < 1e-12
    with pytest.raises(OffsetError, match="offset="):
        res.predict(x[:5])
    with pytest.raises(OffsetError):
        res.predict(x[:5], offset=offset[:5, 0])
    with pytest.raises(OffsetError):
        res.predict(x[:5], offset=offset[:4])
    with pytest.raises(OffsetError, match="missing"):
        res.predict(x[:5], offset=np.full((5, 3), np.nan))


def test_prediction_table_counts_people_by_both(res):
    table = res.pred_table()
    observed, best = survey()["party"], res.predict(which="category").astype(str)
    for category in res.categories:
        for predicted in res.categories:
            expected = ((observed == category) & (best == predicted)).sum()
            assert table.loc[category, predicted] == expected
    assert table.to_numpy().sum() == 160


@pytest.mark.parametrize("weight_type", ["frequency", "sampling", "importance"])
def test_prediction_table_adds_weights_up(weight_type):
    column = "people" if weight_type == "frequency" else "weight"
    res = fitted("party ~ age + educ", weights=column, weight_type=weight_type)
    totals = survey().groupby("party")[column].sum()
    assert np.abs(res.pred_table().sum(axis=1) - totals).max() < 1e-10


def test_prediction_table_of_counts_adds_people_up():
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 9, size=(40, 3))
    res = ml.MNLogit(counts, np.column_stack([np.ones(40), rng.normal(size=40)])).fit()
    assert (res.pred_table().sum(axis=1) == counts.sum(axis=0)).all()
    best = res.predict().to_numpy().argmax(axis=1)
    for predicted in range(3):
        assert (res.pred_table()[predicted] == counts[best == predicted].sum(axis=0)).all()


def test_residuals_sum_to_zero_with_a_constant(res):
    residuals = res.resid_response
    assert np.abs(residuals.sum()).max() < 1e-10
    assert np.abs(residuals.sum(axis=1)).max() < 1e-14
    d = pd.get_dummies(survey()["party"]).astype(float)
    assert np.abs(residuals - (d - res.fittedvalues)).max(axis=None) < 1e-15
    weighted = fitted("party ~ age", weights="weight", weight_type="sampling")
    assert np.abs(survey()["weight"] @ weighted.resid_response).max() < 1e-10
    assert np.abs(weighted.resid_response.sum()).max() > 1e-3


def test_predictions_far_out_stay_probabilities(res):
    new = survey().head(2).assign(age=[1e8, -1e8])
    y = res.predict(new)
    assert np.isfinite(y.to_numpy()).all()
    assert np.abs(y.sum(axis=1) - 1).max() < 1e-15
    assert y.max(axis=1).min() > 1 - 1e-12


def test_the_limit_at_new_rows_with_another_constant():
    """Along the direction of separation a row without the constant has the slope alone."""
    x = np.column_stack([np.ones(10), np.arange(10.0)])
    with pytest.warns(ml.exceptions.SeparationWarning):
        res = ml.MNLogit((x[:, 1] > 4.5).astype(int), x).fit()
    y = res.predict(np.array([[1.0, 1.0], [1.0, 8.0], [0.0, 1.0], [0.0, -1.0]]))
    assert y[1].tolist() == [0, 1, 1, 0]

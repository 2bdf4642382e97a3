"""Rows to predict at, as they are and changed, and their averages."""

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    DataNotKeptError,
    MissingDataError,
    OffsetError,
    OptionError,
    UnseenLevelError,
    WeightError,
)
from mlelogit.interpretation.averages import assign_cells, sum_probabilities
from mlelogit.interpretation.points import (
    map_point_probabilities,
    model_points,
    read_points,
)

FORMULA = "y ~ I(x**2) + C(g) * x + log(z)"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "y": rng.choice(list("abc"), 300),
            "x": rng.normal(size=300),
            "z": rng.uniform(1, 2, 300),
            "g": rng.choice(["u", "v", "w"], 300),
        }
    )
    frame.loc[[3, 7], "x"] = np.nan
    return frame


@pytest.fixture(scope="module")
def res(rows):
    return ml.mnlogit(FORMULA, rows, missing="drop").fit()


def find_probabilities(res, points, changes=None):
    return points.blocks(changes).map(map_point_probabilities, model_points(res.record)).T


def test_own_rows_are_those_of_predict(res):
    points = read_points(res.record)
    np.testing.assert_allclose(find_probabilities(res, points), res.predict(), rtol=1e-13)
    assert points.own
    assert points.index.equals(res.predict().index)


def test_changes_are_those_of_the_frame_changed_by_hand(res, rows):
    points = read_points(res.record)
    used = rows.dropna()
    for changes in ({"x": 0.5}, {"g": "w"}, {"g": "v", "x": used["x"].to_numpy() + 1}):
        expected = res.predict(used.assign(**changes))
        np.testing.assert_allclose(find_probabilities(res, points, changes), expected, rtol=1e-12)


def test_columns_of_an_array_are_replaced(res):
    x = np.random.default_rng(1).normal(size=(50, 3))
    fit = ml.MNLogit(np.arange(50) % 3, x).fit()
    changed = x.copy()
    changed[:, 1] = 2.0
    found = find_probabilities(fit, read_points(fit.record), {"x2": 2.0})
    np.testing.assert_allclose(found, fit.predict(changed), rtol=1e-12)


def test_rows_with_missing_values_are_left_out_and_come_back_as_nan(res, rows):
    with pytest.raises(MissingDataError, match="'x'"):
        read_points(res.record, rows)
    points = read_points(res.record, rows, missing="propagate")
    values = points.fill_gaps(find_probabilities(res, points).T)
    assert values.shape == (3, 300)
    assert np.flatnonzero(np.isnan(values[0])).tolist() == [3, 7]
    with pytest.raises(OptionError, match="missing must be one of"):
        read_points(res.record, rows, missing="drop")


def test_what_belongs_to_new_rows_is_refused_for_the_own(res):
    with pytest.raises(OffsetError, match="goes with newdata"):
        read_points(res.record, offset=np.zeros((298, 3)))
    with pytest.raises(WeightError, match="goes with newdata"):
        read_points(res.record, weights=np.ones(298))


def test_weights_of_new_rows_are_read_and_judged(res, rows):
    new = rows.dropna().assign(w=np.arange(298.0))
    by_name = read_points(res.record, new, weights="w").design.weights
    by_value = read_points(res.record, new, weights=np.arange(298.0)).design.weights
    np.testing.assert_array_equal(by_name, by_value)
    with pytest.raises(WeightError, match="negative in row 0"):
        read_points(res.record, new, weights=-np.ones(298))


def test_variables_cannot_be_changed_without_the_frame(res):
    import pickle

    again = pickle.loads(pickle.dumps(res))
    points = read_points(again.record)
    np.testing.assert_allclose(find_probabilities(again, points), res.predict(), rtol=1e-13)
    with pytest.raises(DataNotKeptError, match="newdata="):
        points.blocks({"x": 1.0})


def test_separated_rows_have_the_probabilities_of_the_limit():
    frame = pd.DataFrame({"y": list("aaabbbccab"), "x": [1, 2, 3, 4, 5, 6, 5, 4, 3, 4]})
    with pytest.warns(ml.exceptions.MNLogitWarning):
        res = ml.mnlogit("y ~ x", frame).fit()
    assert res.separation.verdict != "none"
    for points in (read_points(res.record), read_points(res.record, frame)):
        np.testing.assert_allclose(find_probabilities(res, points), res.predict(), atol=1e-12)


@pytest.mark.parametrize("base", ["a", "b", "c"])
def test_averages_and_their_jacobian_by_cell(res, rows, base):
    record = res.rebase(base).record
    used = rows.dropna()
    codes = pd.factorize(used["g"], sort=True)[0]
    blocks = assign_cells(read_points(record).blocks(), codes)
    found = sum_probabilities(blocks, model_points(record), 3).average()
    expected = res.predict().groupby(codes).mean()
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    np.testing.assert_array_equal(found.totals, np.bincount(codes))
    assert np.abs(found.jacobian.sum(axis=1)).max() < 1e-12
    step = 1e-6
    for place in range(0, record.maximum.params.size, 3):
        moved = []
        for sign in (1, -1):
            model = model_points(record)
            params = model.params.copy()
            params[place] += sign * step
            again = type(model)(params, model.base, model.separation, model.basis)
            moved.append(sum_probabilities(blocks, again, 3).average().values)
        slope = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(found.jacobian[:, :, place], slope, atol=1e-8)


def test_averages_of_many_groups(res, rows):
    used = rows.dropna()
    codes = np.random.default_rng(0).permutation(np.arange(len(used)) % 37)
    given = np.full(len(rows), -1)
    given[rows.notna().all(axis=1)] = codes
    found = res.get_prediction(by=given).probabilities
    np.testing.assert_allclose(found, res.predict().groupby(codes).mean(), rtol=1e-12)
    assert list(found.index) == list(range(37))


def test_groups_are_called_beside_the_numbers_of_the_table(res, rows):
    given = pd.DataFrame(
        {"category": rows["g"].fillna("u"), "probability": np.arange(len(rows)) % 2}
    )
    frame = res.get_prediction(by=given).summary_frame()
    assert list(frame.index.names) == ["by category", "by probability", "category"]
    assert {"by category", "category", "probability"} <= set(frame.reset_index().columns)


def test_averages_respect_weights():
    frame = pd.DataFrame(
        {"y": list("abcabca"), "x": [1.0, 2, 3, 5, 1, 4, 2], "n": [1, 2, 3, 1, 1, 2, 4]}
    )
    weighted = ml.mnlogit("y ~ x", frame, weights="n", weight_type="frequency").fit()
    expanded = ml.mnlogit("y ~ x", frame.loc[frame.index.repeat(frame["n"])].reset_index()).fit()
    sums = [
        sum_probabilities(read_points(one.record).blocks(), model_points(one.record)).average()
        for one in (weighted, expanded)
    ]
    np.testing.assert_allclose(sums[0].values, sums[1].values, rtol=1e-9)
    np.testing.assert_allclose(sums[0].jacobian, sums[1].jacobian, atol=1e-9)
    # By the score equations with an intercept they are the observed shares.
    shares = frame.groupby("y")["n"].sum() / frame["n"].sum()
    np.testing.assert_allclose(sums[0].values[0], shares, rtol=1e-9)


def test_truth_values_are_true_or_false():
    frame = pd.DataFrame({"y": list("abab") * 5, "b": [True, True, False, False] * 5})
    frame.loc[0, "y"] = "b"
    res = ml.mnlogit("y ~ b", frame).fit()
    with pytest.raises(UnseenLevelError, match=r"newdata has 0.5 in row 1 of 'b'"):
        res.predict({"b": [1, 0.5]})
    expected = res.predict({"b": [True, False]}).to_numpy()
    np.testing.assert_array_equal(res.predict({"b": [1.0, 0]}).to_numpy(), expected)
    kept = res.predict({"b": [1.0, np.nan]}, missing="propagate").to_numpy()
    np.testing.assert_array_equal(kept[0], expected[0])

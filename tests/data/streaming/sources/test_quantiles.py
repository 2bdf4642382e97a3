"""Quantiles by counting are numpy's, to the last bit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlelogit.data.streaming.sources.frames import FramePieces
from mlelogit.data.streaming.sources.quantiles import (
    find_double,
    find_quantiles,
    find_repeated_quantiles,
    rank_doubles,
)

AT = [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1.0]


class Watched(FramePieces):
    """Frames whose passes are counted."""

    passes = 0

    def reduce(self, *args, **kwargs):
        self.passes += 1
        return super().reduce(*args, **kwargs)


def cut(frame, count=4):
    return Watched([frame.iloc[start::count] for start in range(count)])


def draw(kind, rng):
    return {
        "normal": rng.normal(size=5001),
        "whole": rng.integers(-3, 4, 5000),
        "wide": rng.choice([-1.0, 1.0], 4000) * np.exp(rng.normal(0, 200, 4000)),
        "two": np.repeat([1.0, np.nextafter(1.0, 2.0)], [100, 101]),
        "subnormal": rng.integers(-9, 9, 1000) * 5e-324,
        "close": 1e15 + rng.integers(0, 9, 3000) / 8,
        "zeros": rng.choice([-0.0, 0.0], 100),
        "one": np.array([4.5]),
        "small": rng.normal(size=4999).astype(np.float32),
    }[kind]


KINDS = ["normal", "whole", "wide", "two", "subnormal", "close", "zeros", "one", "small"]


@pytest.mark.parametrize("kind", KINDS)
def test_quantiles_are_those_of_numpy(kind, rng):
    values = draw(kind, rng)
    pieces = cut(pd.DataFrame({"x": values}))
    expected = np.quantile(values.astype(np.float64), AT)
    np.testing.assert_array_equal(find_quantiles(pieces, "x", AT, ["x"]), expected)
    assert pieces.passes <= 6


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30))
def test_quantiles_of_anything(values):
    pieces = FramePieces([pd.DataFrame({"x": values[:3]}), pd.DataFrame({"x": values[3:]})])
    found = find_quantiles(pieces, "x", [0.0, 0.5, 1.0], [])
    expected = np.quantile(values, [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(found, expected)


def test_rows_with_a_gap_do_not_count(rng):
    frame = pd.DataFrame({"x": rng.normal(size=900), "z": rng.choice(["a", None], 900)})
    frame.loc[::7, "x"] = np.nan
    expected = np.quantile(frame.dropna()["x"], AT)
    np.testing.assert_array_equal(find_quantiles(cut(frame), "x", AT, ["z"]), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_may_count_several_times(kind, rng):
    values = draw(kind, rng)
    times = rng.integers(0, 9, len(values))
    times[0] += 1
    pieces = cut(pd.DataFrame({"x": values, "often": times}))
    expected = np.quantile(np.repeat(values.astype(np.float64), times), AT)
    found = find_quantiles(pieces, "x", AT, [], times="often")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_quantiles_of_sorted_values_that_repeat_are_numpys(kind, rng):
    values, times = np.sort(rng.normal(size=30)), rng.integers(1, 9, 30)
    found = find_repeated_quantiles(values, times.astype(kind), AT)
    np.testing.assert_array_equal(found, np.quantile(np.repeat(values, times), AT))


def test_no_row_has_no_quantile():
    pieces = FramePieces([pd.DataFrame({"x": [np.nan]})])
    assert np.isnan(find_quantiles(pieces, "x", AT, [])).all()


def test_ranks_keep_order_and_come_back(rng):
    values = np.sort(np.concatenate([draw("wide", rng), [0.0, 5e-324, -5e-324, np.inf, -np.inf]]))
    ranks = rank_doubles(values)
    assert (ranks[1:] >= ranks[:-1]).all()
    assert [find_double(int(rank)) for rank in ranks] == values.tolist()

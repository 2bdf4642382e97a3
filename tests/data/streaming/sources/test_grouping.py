"""Equal rows are counted as a dictionary of tuples counts them, by whatever pieces they come."""

import pickle
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from mlelogit.data.streaming.sources import grouping
from mlelogit.data.streaming.sources.frames import FramePieces
from mlelogit.data.streaming.sources.grouping import (
    Group,
    GroupedPieces,
    Tally,
    count_rows,
    tally_rows,
)
from mlelogit.exceptions import EmptyDataError


def list_rows(frame):
    """Rows as tuples; what is missing is None."""
    objects = frame.astype(object).where(frame.notna(), None)
    return list(objects.itertuples(index=False, name=None))


def split(frame, *cuts):
    places = [0, *cuts, len(frame)]
    return [frame.iloc[a:b] for a, b in pairwise(places)]


def make_frame(rng, n=4000):
    return pd.DataFrame(
        {
            "f": rng.choice([0.1, 0.1 + 1e-17, 0.1 + 2e-17, 0.30000000000000004, 0.3, np.nan], n),
            "i": rng.integers(-2, 3, n),
            "s": pd.Series(rng.choice(["a", "A", "a ", "é", "e\u0301", "", None], n), dtype=object),
            "t": pd.Series(rng.choice(["x", "y"], n)),
            "c": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "never", "hi"], ordered=True),
            "b": rng.random(n) < 0.5,
            "g": pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
        }
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_counts_are_those_of_tuples_whatever_the_pieces(rng, threads):
    frame = make_frame(rng)
    truth = Counter(list_rows(frame))
    groups = [
        count_rows(FramePieces(pieces), list(frame.columns), 10**5, threads)
        for pieces in ([frame], split(frame, 1, 1, 1500, 3999))
    ]
    for group in groups:
        assert dict(zip(list_rows(group.frame), group.times.tolist(), strict=True)) == truth
        assert group.frame.dtypes.equals(frame.dtypes)
        assert group.rows == len(frame)
        # The order is that of the rows' first appearance.
        assert list_rows(group.frame) == list(dict.fromkeys(list_rows(frame)))
    pd.testing.assert_frame_equal(groups[0].frame, groups[1].frame)


def test_the_limit_is_the_number_of_different_rows(rng):
    frame = make_frame(rng)
    columns = ["i", "c", "b"]
    count = len(set(list_rows(frame[columns])))
    pieces = FramePieces(split(frame, 50, 1500))
    assert len(count_rows(pieces, columns, count).times) == count
    assert count_rows(pieces, columns, count - 1) is None


def test_rows_that_are_nearly_all_different_are_left_after_the_first_piece(rng):
    opened = []

    def open_frames():
        for i in range(5):
            opened.append(i)
            yield pd.DataFrame({"x": rng.random(40000)})

    pieces = FramePieces(open_frames)
    opened.clear()
    assert count_rows(pieces, ["x"], 10**9) is None
    assert opened == [0]


def test_a_pass_ends_when_the_limit_is_passed():
    opened = []

    def open_frames():
        for i in range(50):
            opened.append(i)
            yield pd.DataFrame({"x": [i, i]})

    pieces = FramePieces(open_frames)
    opened.clear()
    assert count_rows(pieces, ["x"], 10) is None
    assert max(opened) == 10


def test_objects_of_different_types_are_different_rows():
    values = [1, 1.0, True, "1", None, np.nan, pd.NA, 1, (1, 2), (1, 2)]
    made = pd.Series([None] * len(values), dtype=object)
    for i, value in enumerate(values):
        made.iloc[i] = value
    group = tally_rows(pd.DataFrame({"x": made}), 100).group
    found = [
        (type(value).__name__, times)
        for value, times in zip(group.frame["x"], group.times.tolist(), strict=True)
    ]
    kinds = [("int", 2), ("float", 1), ("bool", 1), ("str", 1), ("NoneType", 3), ("tuple", 2)]
    assert found == kinds


def test_zeros_are_equal_and_all_that_is_missing_too():
    frame = pd.DataFrame({"x": [0.0, -0.0, np.nan, -np.nan, 5e-324]})
    group = tally_rows(frame, 10).group
    assert group.times.tolist() == [2, 2, 1]


def test_gaps_in_one_piece_alone_do_not_change_the_values():
    frames = [
        pd.DataFrame({"i": np.array([1, 2], np.int32), "b": [True, False]}),
        pd.DataFrame(
            {"i": pd.array([1, None], dtype="Int32"), "b": pd.array([None, False], dtype="boolean")}
        ),
        pd.DataFrame({"i": np.array([1, 2], np.int32), "b": [True, False]}),
    ]
    group = count_rows(FramePieces(frames), ["i", "b"], 10)
    assert list_rows(group.frame) == [(1, True), (2, False), (1, None), (None, False)]
    assert group.times.tolist() == [2, 2, 1, 1]
    assert group.frame.dtypes.astype(str).tolist() == ["Int32", "boolean"]


@pytest.mark.parametrize(
    "other",
    [
        pd.Series([1.0]),
        pd.Series(["1"]),
        pd.Series([True]),
        pd.Series(pd.Categorical([1])),
        pd.Series([1], dtype="int32"),
        pd.Series([1], dtype=object),
    ],
)
def test_columns_that_change_their_type_are_not_grouped(other):
    frames = [pd.DataFrame({"x": [1, 1]}), pd.DataFrame({"x": other})]
    assert count_rows(FramePieces(frames), ["x"], 10) is None
    cats = [pd.DataFrame({"x": pd.Categorical(["a"], list(levels))}) for levels in ("ab", "ba")]
    assert count_rows(FramePieces(cats), ["x"], 10) is None


def test_many_levels_of_many_columns_do_not_overflow(rng):
    frame = pd.DataFrame({f"x{i}": np.arange(300) for i in range(12)})
    frame = pd.concat([frame, frame.iloc[::-1]], ignore_index=True)
    assert 301**12 > 2**63
    group = tally_rows(frame, 1000).group
    assert len(group.times) == 300
    assert (group.times == 2).all()
    shuffled = frame.assign(x11=rng.permutation(frame["x11"]))
    assert len(tally_rows(shuffled, 1000).group.times) == len(set(list_rows(shuffled)))


def test_what_is_known_adds_up_and_can_be_sent(rng):
    frame = make_frame(rng)[["i", "s"]]
    parts = [pickle.loads(pickle.dumps(tally_rows(part, 99))) for part in split(frame, 700, 2000)]
    whole = (parts[0] + (parts[1] + parts[2])).group
    assert dict(zip(list_rows(whole.frame), whole.times, strict=True)) == Counter(list_rows(frame))
    assert (parts[0] + Tally(99, None) + parts[1]).group is None


def test_pieces_of_another_process_are_counted_without_stopping(rng):
    """As a cluster adds them up: nothing but a function that can be pickled, and sums."""

    class Remote:
        def map(self, function, columns):
            return (function(part[list(columns)]) for part in split(frame, 700, 2000))

        def reduce(self, function, columns, what="", threads=1):
            total = None
            for part in split(frame, 700, 2000):
                record = pickle.loads(pickle.dumps(function))(part[list(columns)])
                total = record if total is None else total + record
            return total

    frame = make_frame(rng)
    group = count_rows(Remote(), ["i", "s"], 99)
    assert dict(zip(list_rows(group.frame), group.times, strict=True)) == Counter(
        list_rows(frame[["i", "s"]])
    )
    assert count_rows(Remote(), ["i", "s"], 3) is None


def test_no_column_and_no_row():
    group = count_rows(FramePieces([pd.DataFrame({"x": [1.0, 2.0]})]), [], 5)
    assert group.times.tolist() == [2]
    assert group.frame.shape == (1, 0)
    assert count_rows(FramePieces([pd.DataFrame({"x": []})]), ["x"], 5).rows == 0


def test_frames_are_left_as_they_were(rng):
    frame = make_frame(rng)
    before = frame.copy()
    count_rows(FramePieces(split(frame, 100)), list(frame.columns), 10**5)
    pd.testing.assert_frame_equal(frame, before)


def make_grouped(rng, monkeypatch=None):
    frame = make_frame(rng)
    group = tally_rows(frame, 10**5).group
    return frame, GroupedPieces(group, "DuckDB", "query")


def test_grouped_rows_are_pieces_that_say_how_often_each_counts(rng, monkeypatch):
    monkeypatch.setattr(grouping, "_ROWS_AT_ONCE", 100)
    frame, pieces = make_grouped(rng)
    count = len(pieces.group.times)
    assert pieces.way == f"4,000 rows in DuckDB, {count:,} different"
    assert pieces.rows == 4000
    assert pieces.names == tuple(frame.columns)
    frames = list(pieces.map(lambda rows: rows, ["s", pieces.times_name, "i"]))
    assert len(frames) == -(-count // 100)
    assert list(frames[0].columns) == ["s", "times", "i"]
    whole = pd.concat(frames, ignore_index=True)
    repeated = whole.loc[whole.index.repeat(whole["times"])]
    assert Counter(list_rows(repeated[["s", "i"]])) == Counter(list_rows(frame[["s", "i"]]))
    total = pieces.reduce(lambda rows: rows["times"].sum(), ["times"], threads=2)
    assert total == 4000


def test_the_column_of_times_takes_no_name_that_is_taken():
    frame = pd.DataFrame({"times": [1.0], ".times": [2.0]})
    pieces = GroupedPieces(Group(frame, np.array([7])), "DuckDB")
    assert pieces.times_name not in frame.columns
    found = pieces.reduce(lambda rows: rows, ["times", pieces.times_name])
    assert found.iloc[0].tolist() == [1.0, 7]


def test_quantiles_of_grouped_rows_are_those_of_all(rng):
    frame, pieces = make_grouped(rng)
    at = [0, 0.01, 0.1, 1 / 3, 0.5, 0.75, 0.999, 1]
    for column, complete in (("i", []), ("f", ["s"]), ("g", ["f", "g"]), ("b", [])):
        kept = frame.dropna(subset=[column, *complete])[column].astype(float)
        found = pieces.find_quantiles(column, at, complete)
        np.testing.assert_array_equal(found, np.quantile(kept, at))
        again = pieces.find_quantiles(column, at, [*complete, pieces.times_name])
        np.testing.assert_array_equal(again, found)
    gone = GroupedPieces(Group(pd.DataFrame({"x": [np.nan]}), np.array([3])), "DuckDB")
    with pytest.raises(EmptyDataError, match="complete"):
        gone.find_quantiles("x", at, [])

"""Frames one after the other: each pass gives the same, and what cannot be gone through is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming.sources.frames import FramePieces
from mlelogit.exceptions import (
    ChangedRowsError,
    ColumnNotFoundError,
    ColumnTypeError,
    OptionError,
    OutcomeError,
)
from tests.test_streamed_results import FRAME, cut


def test_columns_may_be_asked_for_in_any_order():
    pieces = FramePieces(cut(FRAME))
    for columns in (["x", "y", "z"], ["z", "x", "y"]):
        assert pieces.reduce(len, columns) == len(FRAME)


def test_other_rows_are_told_whatever_the_order_of_the_columns():
    frames = [FRAME.copy()]
    pieces = FramePieces(frames)
    pieces.reduce(len, ["x", "z"])
    frames[0][["x", "z"]] = FRAME[["z", "x"]].to_numpy()
    with pytest.raises(ChangedRowsError, match="frame 0"):
        pieces.reduce(len, ["z", "x"])


@pytest.mark.parametrize("stream", ["auto", True, False])
@pytest.mark.parametrize("name", ["generator", "zip", "reader"])
def test_what_can_be_gone_through_once_is_refused(stream, name, tmp_path):
    FRAME.to_csv(tmp_path / "rows.csv")
    with pd.read_csv(tmp_path / "rows.csv", chunksize=50) as reader:
        once = {"generator": (one for one in cut(FRAME)), "zip": zip([1]), "reader": reader}[name]
        with pytest.raises(ColumnTypeError, match=r"only once.*list\(\.\.\.\) of its frames, or a"):
            ml.mnlogit("y ~ x", once, stream=stream)
        results = ml.mnlogit("y ~ x", FRAME).fit()
        with pytest.raises(ColumnTypeError, match="only once"):
            results.predict(once)


def test_columns_that_nobody_needs_may_be_absent_somewhere():
    frames = [FRAME[:100], FRAME[100:].drop(columns="h")]
    whole = ml.mnlogit("y ~ x", FRAME).fit()
    for stream in ("auto", True, False):
        found = ml.mnlogit("y ~ x", frames, stream=stream).fit()
        np.testing.assert_allclose(found.params, whole.params, rtol=1e-8)
        with pytest.raises(ColumnNotFoundError, match="In frame 1: there is no column 'h'"):
            ml.mnlogit("y ~ x + h", frames, stream=stream)
        lacking = [frames[0], frames[1].drop(columns="x")]
        with pytest.raises(ColumnNotFoundError, match=r"In frame 1: there is no column 'x'\.$"):
            ml.mnlogit("y ~ x", lacking, stream=stream)


@pytest.mark.parametrize("stream", ["auto", True])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: FRAME, r"returned one frame; .*\[frame\]"),
        (lambda: {"x": [1.0], "y": ["A"]}, r"returned one frame; .*\[frame\]"),
        (lambda path: [path], "without arguments.*'path'"),
        (
            "d.csv",
            r"'d\.csv', which is no parquet file.*: give the frame, pandas\.read_csv\('d\.csv'\)",
        ),
        ([FRAME, "a.csv"], "not a list of DataFrame and str"),
        ([], "not a list of nothing"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_table_is_told_what_would_be(data, said, stream):
    with pytest.raises(ColumnTypeError, match=said):
        ml.mnlogit("y ~ x", data, stream=stream)


def test_delayed_objects_of_dask_are_no_function():
    delayed = pytest.importorskip("dask").delayed(FRAME)
    with pytest.raises(ColumnTypeError, match="from_delayed"):
        ml.mnlogit("y ~ x", delayed)


def test_one_frame_is_no_stream():
    for frame in (FRAME, FRAME.to_dict("list")):
        with pytest.raises(OptionError, match="one frame in memory"):
            ml.mnlogit("y ~ x", frame, stream=True)
    with pytest.raises(OptionError, match="stream must be 'auto', True or False, not 'yes'"):
        ml.mnlogit("y ~ x", FRAME, stream="yes")


def test_record_batches_are_frames():
    pa = pytest.importorskip("pyarrow")
    whole = ml.mnlogit("y ~ x", FRAME).fit()
    batches = [pa.RecordBatch.from_pandas(part) for part in cut(FRAME)]
    for stream in ("auto", True):
        found = ml.mnlogit("y ~ x", batches, stream=stream).fit()
        np.testing.assert_allclose(found.params, whole.params, rtol=1e-8)
    one = ml.mnlogit("y ~ x", pa.RecordBatch.from_pandas(FRAME)).fit()
    np.testing.assert_array_equal(one.params, whole.params)
    by_batch, by_frame = one.with_cov("cluster", groups="t"), whole.with_cov("cluster", groups="t")
    pd.testing.assert_frame_equal(by_batch.bse, by_frame.bse)


@pytest.mark.parametrize("formula", ["y ~ b", "b ~ x"])
@pytest.mark.parametrize("stream", ["auto", True, False])
def test_truth_values_beside_numbers_are_refused_however_few(formula, stream):
    whole = FRAME.assign(b=(FRAME.h > 0).astype(int))
    frames = [whole[:100].astype({"b": bool}), whole[100:]]
    for given in (frames, frames[::-1]):
        with pytest.raises((ColumnTypeError, OutcomeError), match="convert"):
            ml.mnlogit(formula, given, stream=stream)
    unused = ml.mnlogit("y ~ x", frames, stream=stream).fit()
    assert unused.nobs == len(FRAME)

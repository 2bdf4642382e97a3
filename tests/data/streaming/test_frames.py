"""Frames one after the other: each pass gives the same, and what cannot be gone through is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming.frames import FramePieces
from mlelogit.exceptions import ChangedRowsError, ColumnNotFoundError, ColumnTypeError
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

"""What pieces are asked for can be sent to other processes."""

from __future__ import annotations

import copy
import pickle
import re

import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming import stream
from mlelogit.data.streaming.sources.pieces import LocalPieces
from mlelogit.exceptions import DataNotKeptError
from tests.test_streamed_results import ASKED, FORMULA, FRAME, NEED_ROWS, SLOW, assert_alike, cut
from tests.ways import build


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
def test_functions_and_records_can_be_pickled(monkeypatch):
    plain, sent = LocalPieces.reduce, []

    def reduce(self, function, columns, what="", threads=1):
        sent.append(type(function).__name__)
        function = pickle.loads(pickle.dumps(function))
        return pickle.loads(pickle.dumps(plain(self, function, columns, what, threads)))

    monkeypatch.setattr(LocalPieces, "reduce", reduce)
    monkeypatch.setattr(stream, "HELD_ELEMENTS", 0)
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", 0)
    there = build(FORMULA, FRAME).fit()
    here = build(FORMULA, cut(FRAME)).fit()
    names = [name for name in ASKED if name.startswith(("margins", "get_p", "with_cov"))]
    for name in (*names, "bse", "term_tests"):
        if name not in NEED_ROWS | SLOW:
            assert_alike(ASKED[name](there), ASKED[name](here))
    assert {"FactFinder", "PieceSum", "PointFunction", "LabelFinder"} <= set(sent)


def open_ways(folder):
    """Give the same rows by every way: data, and whether the rows go along when it is pickled."""
    dataset, duckdb = pytest.importorskip("pyarrow.dataset"), pytest.importorskip("duckdb")
    dask = pytest.importorskip("dask.dataframe")
    halves = FRAME[:150], FRAME[150:]
    for number, half in enumerate(halves):
        half.to_parquet(folder / f"{number}.parquet")
    connection = duckdb.connect()
    connection.register("given", FRAME)
    relation = connection.sql("CREATE TABLE rows AS FROM given; FROM rows")
    files = dataset.dataset(folder)
    return {
        "frames": (list(halves), False),
        "callable": (lambda: iter(halves), False),
        "DuckDB": (relation, False),
        "filter": (files.filter(dataset.field("x") > -99), False),
        "in memory": (dataset.dataset(files.to_table()), False),
        "dataset": (files, True),
        "parquet": (str(folder), True),
        "dask": (dask.from_pandas(FRAME, npartitions=2), True),
    }


WAYS = ("frames", "callable", "DuckDB", "filter", "in memory", "dataset", "parquet", "dask")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
def test_results_are_pickled_and_copied_whatever_their_rows_are(way, compress, tmp_path):
    data, along = open_ways(tmp_path)[way]
    results = ml.mnlogit("y ~ x + h", data, stream=True, compress=compress).fit()
    truth = results.with_cov("cluster", groups="t").bse
    copied = copy.deepcopy(results)
    pd.testing.assert_frame_equal(copied.with_cov("cluster", groups="t").bse, truth)
    assert (
        copied.record.need_blocks().design.stream.pieces
        is results.record.need_blocks().design.stream.pieces
        or way == "dask"
    )
    sent = pickle.loads(pickle.dumps(results))
    sent = pickle.loads(pickle.dumps(copy.deepcopy(sent)))  # What was left stays left.
    pd.testing.assert_frame_equal(sent.params, results.params)
    pd.testing.assert_frame_equal(sent.predict(FRAME), results.predict(FRAME))
    assert str(sent.summary()) == str(results.summary())
    if along:
        pd.testing.assert_frame_equal(sent.with_cov("cluster", groups="t").bse, truth)
        return
    with pytest.raises(DataNotKeptError, match="left behind when this was pickled"):
        sent.with_cov("cluster", groups="t")
    if compress:  # The distinct rows go along, and answer whatever they can.
        here = results.with_cov("HC0").bse
        pd.testing.assert_frame_equal(sent.with_cov("HC0").bse, here)
    else:
        with pytest.raises(
            DataNotKeptError, match=re.escape(sent.record.need_blocks().design.stream.way)
        ):
            sent.with_cov("HC0")


def test_pickled_results_hold_no_row_that_stays_behind():
    frame = pd.concat([FRAME.assign(secret=f"do not send {i}") for i in range(20)])
    results = ml.mnlogit("y ~ x", [frame, frame], stream=True, compress=False).fit()
    sent = pickle.dumps(results)
    assert b"do not send" not in sent
    assert len(sent) < 20_000

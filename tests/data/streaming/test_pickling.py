"""What pieces are asked for can be sent to other processes."""

from __future__ import annotations

import pickle

import pytest

from mlelogit.data.streaming import stream
from mlelogit.data.streaming.pieces import LocalPieces
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

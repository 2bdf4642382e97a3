"""Clusters of rows that are read in pieces, against the same rows in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming import labels, stream
from mlelogit.data.streaming.labels import FoundLabels
from mlelogit.data.streaming.sources import frames as sources
from mlelogit.exceptions import (
    ChangedRowsError,
    ColumnNotFoundError,
    ColumnTypeError,
    LabelError,
    MissingDataError,
    RowsNotHeldError,
)
from mlelogit.inference.sandwich import streamed
from tests.test_streamed_results import FRAME, GAPS, cut
from tests.ways import build

FORMULA = "y ~ x + z"
CORRECTIONS = ("stata", "CR0", "CR1", "CR2", "CR3")
pytestmark = pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")


def compare(frame, pieces, groups, options=(), corrections=CORRECTIONS):
    there = build(FORMULA, frame, **dict(options)).fit()
    here = build(FORMULA, pieces, **dict(options)).fit()
    for correction in corrections:
        asked = {"groups": groups, "correction": correction}
        one, two = (fit.with_cov("cluster", **asked) for fit in (there, here))
        np.testing.assert_allclose(two.bse, one.bse, rtol=1e-10)
        assert one.covariance.describe() == two.covariance.describe()
        assert one.covariance.groups == two.covariance.groups
        assert one.covariance.most == two.covariance.most


@pytest.mark.parametrize("kept", [0, 1 << 22])
@pytest.mark.parametrize("elements", [200, 1 << 23])
def test_ranges_of_cells_add_up(kept, elements, monkeypatch):
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", kept)
    monkeypatch.setattr(streamed, "STREAMED_ELEMENTS", elements)
    compare(FRAME, cut(FRAME), "g")
    compare(FRAME, cut(FRAME), ["g", "h"], corrections=["CR0", "CR3"])


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "w", "weight_type": "frequency"},
        {"weights": "p", "weight_type": "sampling"},
        {"offset": ["o_A", "o_B", "o_C"], "base": "C"},
    ],
)
def test_weights_and_offsets(options):
    compare(FRAME, cut(FRAME), "g", options)


def test_rows_left_out_need_no_label():
    frame = GAPS.assign(g=GAPS.g.astype(float).where(GAPS.x.notna()))
    compare(frame, cut(frame), "g", {"missing": "drop"})


@pytest.mark.parametrize("kind", [str, "category", float, "datetime64[ns]"])
def test_kinds_of_labels(kind):
    frame = FRAME.assign(g=FRAME.g.astype(kind))
    compare(frame, cut(frame), "g", corrections=["stata"])


def test_types_that_differ_between_pieces():
    pieces = cut(FRAME)
    pieces[-1] = pieces[-1].astype({"g": float, "h": "category"})
    compare(FRAME, pieces, ["g", "h"], corrections=["CR0", "CR2"])


def test_missing_labels_are_told_by_their_place_among_all_rows():
    frame = FRAME.assign(g=FRAME.g.astype(float))
    frame.loc[[0, 75, 230], "g"] = np.nan
    said = []
    for data in (frame, cut(frame)):
        with pytest.raises(MissingDataError) as caught:
            build(FORMULA, data).fit().with_cov("cluster", groups=["h", "g"])
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "[0, 75, 230]" in said[1]


def test_refusals(monkeypatch):
    frame = FRAME.assign(many=[[1]] * len(FRAME))
    fit = build(FORMULA, cut(frame)).fit()
    for groups, error in (
        (FRAME.g, RowsNotHeldError),
        ("nowhere", ColumnNotFoundError),
        (["g", "g"], LabelError),
        ("many", ColumnTypeError),
    ):
        with pytest.raises(error):
            fit.with_cov("cluster", groups=groups)
    with pytest.raises(ml.exceptions.CovarianceError, match="one cluster"):
        build(FORMULA, cut(FRAME.assign(g=1))).fit().with_cov("cluster", groups="g")
    monkeypatch.setattr(streamed, "STREAMED_ELEMENTS", 1)
    monkeypatch.setattr(streamed, "MOST_PASSES", 10)
    with pytest.raises(RowsNotHeldError, match="50 passes"):
        fit.with_cov("cluster", groups="g")


@pytest.mark.parametrize("watched", [True, False])
def test_a_table_that_changes_between_passes_is_told(watched, monkeypatch):
    if not watched:  # As sources are that know nothing of columns beside the formula's.
        monkeypatch.setattr(sources, "_stamp", lambda frame: (len(frame), 0))
    calls = []

    def frames():
        calls.append(1)
        changed = len(calls) > changes_at
        return [one.assign(g=one.g + 1000) if changed else one for one in cut(FRAME)]

    changes_at = 10**6
    fit = build(FORMULA, frames).fit()
    changes_at = len(calls) + 1
    error = ChangedRowsError if watched else LabelError
    with pytest.raises(error, match=r"than in the pass before|changes while it is read"):
        fit.with_cov("cluster", groups="g")


def test_found_labels_add_up_in_any_order(monkeypatch):
    monkeypatch.setattr(labels, "FEW_COMBINATIONS", 4)
    rng = np.random.default_rng(3)
    parts = [pd.DataFrame({"g": rng.integers(0, 30, 20)}) for _ in range(30)]
    found = [
        FoundLabels((part.drop_duplicates(),), 0, 20, {"g": (1, [i])})
        for i, part in enumerate(parts)
    ]
    total = found[0]
    for one in found[1:]:
        total = total + one
    every = pd.concat(total.frames).g
    assert len(every) <= 4 * 30
    assert set(every) == set(pd.concat(parts).g)
    assert total.rows == 600
    assert total.gaps["g"] == (30, [0, 21, 42, 63, 84])

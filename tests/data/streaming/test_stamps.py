"""Rows that are others in another pass are told, wherever they come from."""

from __future__ import annotations

import itertools
import operator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.rows import DataOptions
from mlelogit.data.streaming import facts, stream
from mlelogit.data.streaming.designs import make_streamed_design
from mlelogit.data.streaming.sources.frames import FramePieces
from mlelogit.data.streaming.sources.pieces import LocalPieces, Piece
from mlelogit.exceptions import ChangedRowsError, EmptyDataError, RowsNotHeldError
from tests.ways import build, cut

RNG = np.random.default_rng(11)
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(size=400),
        "g": RNG.choice(["u", "v"], 400),
        "w": RNG.uniform(0.5, 2.0, 400),
        "y": RNG.choice(["a", "b", "c"], 400),
    }
)
HALVES = [FRAME[:150], FRAME[150:]]
WEIGHTS = DataOptions(weights="w", weight_type="sampling", missing="drop")


class Unwatched(LocalPieces):
    """Frames of which nobody knows whether they are the same as before: pass -> its frames."""

    way = fingerprint = "frames nobody watches"
    names = tuple(FRAME.columns)

    def __init__(self, give):
        self.give, self.calls = give, 0

    def open(self, columns):
        """Return the frames of this pass."""
        self.calls += 1
        for frame in self.give(self.calls):
            yield Piece("", lambda frame=frame: [frame[list(columns)]])


def turn(frame, **columns):
    return [frame.assign(**columns)]


CHANGES = {
    "grows": lambda calls: [FRAME[: 100 * calls]],
    "is exhausted": lambda calls: HALVES if calls == 1 else [],
    "loses a piece": lambda calls: HALVES[calls > 1 :],
    "another sample": lambda calls: [FRAME.sample(200, random_state=calls)],
    "one value": lambda calls: turn(FRAME, x=FRAME.x.where(FRAME.index != 7, 0.01 * calls)),
    "weights": lambda calls: turn(FRAME, w=np.roll(FRAME.w, calls) * (1 + 0.1 * calls)),
    "gaps": lambda calls: turn(FRAME, x=FRAME.x.where(FRAME.index >= 5 * calls)),
}
LATER = {
    "labels": lambda calls: turn(FRAME, y=np.roll(FRAME.y, calls)),
    "pairs": lambda calls: turn(FRAME, x=np.roll(FRAME.x, calls)),
    "weights by label": lambda calls: turn(FRAME, w=np.roll(FRAME.w, calls)),
}


def count_rows(block):
    return block.x.shape[1]


def open_rows(give):
    return RowBlocks(make_streamed_design("y ~ x + g", Unwatched(give), WEIGHTS))


@pytest.mark.parametrize("kept", [0, 1 << 22])
@pytest.mark.parametrize("what", CHANGES)
def test_rows_that_differ_from_those_learnt_are_told(what, kept, monkeypatch):
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", kept)
    with pytest.raises(ChangedRowsError, match="Write rows that are random"):
        open_rows(CHANGES[what]).reduce(count_rows)


@pytest.mark.parametrize("what", CHANGES | LATER)
def test_rows_that_differ_between_later_passes_are_told(what, monkeypatch):
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", 0)
    give = (CHANGES | LATER)[what]
    rows = open_rows(lambda calls: give(max(1, calls - 1)))
    assert rows.reduce(count_rows) == rows.design.audit.rows_used
    with pytest.raises(ChangedRowsError):
        rows.map(count_rows_each)


def count_rows_each(block):
    return np.ones((1, block.x.shape[1]))


@pytest.mark.parametrize("kept", [0, 1 << 22])
def test_the_same_rows_in_another_order_are_the_same(kept, monkeypatch):
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", kept)
    shuffled = [FRAME.sample(frac=1.0, random_state=seed) for seed in range(9)]
    large = [one.assign(x=one.x * 1e160) for one in shuffled]
    for frames in (shuffled, large):
        rows = open_rows(lambda calls, frames=frames: cut(frames[calls], calls))
        for _ in range(3):
            assert rows.reduce(count_rows) == 400
        assert rows.map(count_rows_each).sum() == 400


@pytest.mark.parametrize("kept", [0, 1 << 22])
def test_pieces_of_which_no_row_is_used(kept, monkeypatch):
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", kept)
    frame = FRAME.assign(x=FRAME.x.where((FRAME.index < 100) | (FRAME.index > 180)))
    rows = open_rows(lambda _: [frame[:100], frame[100:150], frame[150:150], frame[150:]])
    for _ in range(3):
        assert rows.reduce(count_rows) == 319
        assert rows.map(count_rows_each).shape == (1, 319)
    labels = rows.design.stream.read_labels("g", "g")
    assert labels[0].count == 2
    for first in range(2):
        cells = rows.design.stream.number_cells(rows.design, labels[0], first, first + 1)
        assert (
            RowBlocks(cells).reduce(count_rows) == (frame[frame.x.notna()].g == "uv"[first]).sum()
        )


@pytest.mark.parametrize("kept", [0, 1 << 22])
def test_categories_in_another_order_are_no_other_rows(kept, monkeypatch):
    monkeypatch.setattr(stream, "KEPT_ELEMENTS", kept)
    rows = open_rows(lambda _: HALVES)
    encoding = rows.design.encoding
    turned = replace(encoding, categories=encoding.categories[::-1])
    other = RowBlocks(replace(rows.design, encoding=turned))
    assert [one.reduce(count_rows) for one in (rows, other, rows, other)] == [400] * 4


def test_passes_that_read_rows_into_memory_are_counted():
    rows = open_rows(lambda _: HALVES)
    before = rows.design.stream.passes
    assert [rows.reduce(count_rows) for _ in range(3)] == [400] * 3
    assert rows.design.stream.passes == before + 1
    assert rows.design.stream.pieces.calls == before + 1


def test_blocks_stay_in_their_basis():
    entered = []

    class Doubled:
        def enter(self, x):
            entered.append(1)
            return 2 * x

    rows = open_rows(lambda _: HALVES).in_basis(Doubled())
    sums = [rows.reduce(lambda block: block.x.sum()) for _ in range(3)]
    assert len(entered) == 2
    plain = RowBlocks(rows.design).reduce(lambda block: np.asarray(block.x.sum()))
    np.testing.assert_allclose(sums, [2 * plain] * 3)


@pytest.mark.parametrize("what", ["grows", "is exhausted"])
def test_a_callable_that_gives_other_rows_later(what):
    calls = itertools.count(0)

    def frames():
        give = CHANGES[what]
        return iter(give(max(1, next(calls))))

    with pytest.raises(ChangedRowsError):
        build("y ~ x", frames).fit()


def test_columns_asked_for_in_another_order_are_the_same_rows():
    pieces = FramePieces(HALVES)
    found = [pieces.reduce(len, columns) for columns in (["x", "g"], ["g", "x"], ["x", "g"])]
    assert found == [400] * 3


def test_an_iterator_that_is_exhausted_in_a_fit():
    passes = itertools.count(1)
    fit = build("y ~ x", lambda: iter(HALVES if next(passes) < 4 else []))
    with pytest.raises(ChangedRowsError):
        fit.fit().with_cov("HC0").margins()


def make_random(number):
    rng = np.random.default_rng()
    return FRAME[100 * number : 100 * (number + 1)].assign(x=rng.normal(size=100))


def make_random_rows(number):
    return FRAME[100 * number : 100 * (number + 1)].sample(frac=0.5)


def make_random_labels(number):
    some = FRAME[100 * number : 100 * (number + 1)]
    return some.assign(y=np.random.default_rng().permutation(some.y))


@pytest.mark.parametrize("make", [make_random, make_random_rows, make_random_labels])
def test_random_partitions_are_told(make):
    dd = pytest.importorskip("dask.dataframe")
    frame = dd.from_map(make, range(4), meta=FRAME[:0])
    with pytest.raises(ChangedRowsError, match="persist"):
        ml.mnlogit("y ~ x", frame, stream=True, compress=False).fit()
    assert ml.mnlogit("y ~ x", frame.persist(), stream=True, compress=False).fit().converged


def test_pieces_that_begin_alike_draw_different_rows():
    alike = pd.DataFrame({"x": np.zeros(1000)})
    frames = [alike.assign(x=alike.x.where(alike.index < 900, last)) for last in range(20)]
    keys = [facts.draw_sample(frame).keys for frame in frames]
    assert all(not np.array_equal(one, two) for one, two in itertools.combinations(keys, 2))
    assert np.array_equal(facts.draw_sample(frames[3].copy()).keys, keys[3])
    assert [len(facts.draw_sample(alike[:rows]).keys) for rows in range(4)] == [0, 1, 2, 3]


USES = {
    "read": [np.asarray, len, iter, bool, abs, hash, float, operator.neg, operator.invert],
    "with 2": [
        *(getattr(operator, name) for name in ("lt", "le", "eq", "ne", "ge", "gt", "contains")),
        *(getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod")),
        *(getattr(operator, name) for name in ("pow", "and_", "or_", "getitem")),
    ],
}


def test_any_use_of_rows_that_are_not_held_is_refused_by_name():
    absent = stream.NotHeld("the weights", "in pieces")
    for use in USES["read"]:
        with pytest.raises(RowsNotHeldError, match="the weights"):
            use(absent)
    for use in USES["with 2"]:
        with pytest.raises(RowsNotHeldError, match="the weights"):
            use(absent, 2)
    for use in (operator.pow, operator.mod, operator.add, operator.ge):
        with pytest.raises(RowsNotHeldError, match="the weights"):
            use(2, absent)
    with pytest.raises(RowsNotHeldError, match="the weights"):
        absent[0] = 1.0


def test_weights_that_are_all_missing_are_told_as_in_memory():
    frame = FRAME.assign(w=np.nan)
    for data in (frame, [frame[:150], frame[150:]]):
        with pytest.raises(EmptyDataError, match="No row is left"):
            build("y ~ x", data, weights="w", weight_type="sampling", missing="drop")

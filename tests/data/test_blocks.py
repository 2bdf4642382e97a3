"""Row blocks: cut anywhere, the rows and their sums are the same."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from threadpoolctl import threadpool_info

import mlelogit as ml
from mlelogit.data import blocks as module
from mlelogit.data.blocks import RowBlocks, cut_block
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import OptionError
from mlelogit.fitting.likelihood import map_loglikeobs, map_scores
from mlelogit.fitting.objective import LogLikelihood
from tests.data.samples import CODES, DESIGN, ROWS

WEIGHTS = np.random.default_rng(41).uniform(0.5, 2, ROWS)
OFFSET = np.random.default_rng(42).normal(size=(ROWS, 3))
COUNTS = np.random.default_rng(43).integers(1, 5, (ROWS, 3))
POINT = np.array([0.3, -0.2, 0.1, 0.7])
SIZES = [1, 7, 40, ROWS - 1, ROWS, 10 * ROWS]
FRAME = pd.DataFrame({"c": np.ones(ROWS, np.int8), "z": DESIGN[:, 1]})
DESIGNS = {
    "labels": {"endog": CODES, "exog": DESIGN},
    "weights": {
        "endog": CODES,
        "exog": FRAME,
        "weights": WEIGHTS,
        "weight_type": "sampling",
        "offset": OFFSET,
        "base": 1,
    },
    "counts": {"endog": COUNTS, "exog": sp.csr_array(DESIGN), "base": 2},
    "shares": {"endog": COUNTS / COUNTS.sum(axis=1, keepdims=True), "exog": DESIGN[:, ::-1]},
}


@pytest.fixture(params=DESIGNS)
def design(request):
    return ml.MNLogit(**DESIGNS[request.param]).design


@pytest.mark.parametrize("size", SIZES)
def test_blocks_add_up_to_the_whole(design, size):
    base = design.encoding.base
    whole = LogLikelihood(RowBlocks(design, size=ROWS), base).evaluate(POINT, 2)
    parts = LogLikelihood(RowBlocks(design, size=size), base).evaluate(POINT, 2)
    assert parts.rows == whole.rows == ROWS
    np.testing.assert_allclose(parts.loglike, whole.loglike, rtol=1e-13)
    scale = np.sqrt(np.diag(whole.information))
    np.testing.assert_allclose(parts.score / scale, whole.score / scale, atol=1e-12)
    np.testing.assert_allclose(parts.information, whole.information, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_rows_come_back_in_order(design, size):
    base = design.encoding.base
    whole = RowBlocks(design, size=ROWS).map(map_scores, POINT, base)
    assert whole.shape == (3, ROWS)
    parts = RowBlocks(design, size=size).map(map_scores, POINT, base)
    np.testing.assert_allclose(parts, whole, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_row_values_add_up_to_the_sum(design, size):
    base = design.encoding.base
    parts = RowBlocks(design, size=size)
    rows = parts.map(map_loglikeobs, POINT, base)
    total = LogLikelihood(parts, base).evaluate(POINT, 0).loglike
    np.testing.assert_allclose(rows.sum(), total, rtol=1e-12)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 17), (100, ROWS)])
def test_a_block_is_its_rows(design, start, stop):
    block = cut_block(design, start, stop)
    assert block.x.shape == (2, stop - start)
    assert block.x.dtype == np.float64
    assert block.categories == 3
    np.testing.assert_array_equal(block.x, design.source.block(0, ROWS)[:, start:stop])
    assert (block.codes is None) != (block.table is None)
    assert block.counted == (design.outcome.kind == "counts")
    if block.table is not None:
        np.testing.assert_array_equal(block.table, design.outcome.table[start:stop].T)
    else:
        np.testing.assert_array_equal(block.codes, CODES[start:stop])
    if design.offset is not None:
        less_the_base = OFFSET - OFFSET[:, [design.encoding.base]]
        np.testing.assert_array_equal(block.offset, less_the_base[start:stop].T)
        np.testing.assert_array_equal(block.weights, WEIGHTS[start:stop])


def test_every_source_cuts_and_takes_the_same_rows():
    rows = np.array([3, 50, 51, 119])
    for exog in (DESIGN, FRAME, DESIGN.tolist(), sp.csr_array(DESIGN), np.asfortranarray(DESIGN)):
        source = ml.MNLogit(CODES, exog).design.source
        assert source.shape == (ROWS, 2)
        np.testing.assert_array_equal(source.block(10, 20), DESIGN[10:20].T)
        taken = source.take(rows)
        assert taken.shape == (4, 2)
        np.testing.assert_array_equal(taken.block(0, 4), DESIGN[rows].T)


def test_shape_of_the_whole(design):
    blocks = RowBlocks(design, size=7)
    assert (blocks.rows, blocks.width, blocks.categories) == (ROWS, 2, 3)


@pytest.mark.parametrize("kept", [0, 10**9])
def test_keeping_blocks_changes_nothing(design, kept, monkeypatch):
    expected = LogLikelihood(RowBlocks(design, size=9), 0).evaluate(POINT, 1)
    monkeypatch.setattr(module, "KEPT_ELEMENTS", kept)
    blocks = RowBlocks(design, size=9)
    for _ in range(2):
        again = LogLikelihood(blocks, 0).evaluate(POINT, 1)
        assert again.loglike == expected.loglike
        np.testing.assert_array_equal(again.score, expected.score)


def test_blocks_travel(design):
    blocks = RowBlocks(design, size=9)
    first = blocks.map(map_scores, POINT, 0)
    again = pickle.loads(pickle.dumps(blocks)).map(map_scores, POINT, 0)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("size", [1, 37, 4096])
def test_a_fit_does_not_depend_on_the_size_of_blocks(size, monkeypatch, plain):
    monkeypatch.setattr(module, "choose_size", lambda design: size)
    result = ml.MNLogit(CODES, DESIGN).fit()
    assert result.record.blocks.size == size
    np.testing.assert_allclose(result.params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(result.bse, plain.bse, rtol=1e-11)


def test_threads_add_up_the_same_numbers(monkeypatch):
    monkeypatch.setattr(module, "choose_size", lambda design: 7)
    one, two = (ml.MNLogit(CODES, DESIGN).fit(threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.params, two.params)
    np.testing.assert_array_equal(one.bse, two.bse)
    assert one.llf == two.llf


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "all"])
def test_bad_threads_raise(threads):
    with pytest.raises(OptionError, match="threads"):
        ml.MNLogit(CODES, DESIGN).fit(threads=threads)


def test_the_limit_on_blas_is_shared_and_restored():
    before = [library["num_threads"] for library in threadpool_info()]

    def look():
        return {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}

    @single_threaded_blas
    def nest():
        return single_threaded_blas(look)(), look()

    assert nest() == ({1}, {1})
    assert [library["num_threads"] for library in threadpool_info()] == before

"""Many rows, every layout: one answer, no second copy of the design, any number of threads."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import mlelogit as ml

ROWS = 60_000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(ROWS, 7))
    x = np.column_stack([np.ones(ROWS), z[:, 0] > 1, np.round(1e3 * np.exp(z[:, 1])), z[:, 2:]])
    scores = np.column_stack([0 * z[:, 0], 0.5 * z[:, 0] - 1, 0.4 * z[:, 1] - 0.3 * z[:, 2]])
    return (scores + rng.gumbel(size=scores.shape)).argmax(axis=1), x


@pytest.fixture(scope="module")
def plain(data):
    return ml.MNLogit(*data).fit("trust-exact", threads=1)


def split(x):
    """Return a frame whose columns stand apart and are of several dtypes."""
    frame = pd.DataFrame({f"c{i}": x[:, i].copy() for i in range(x.shape[1])})
    return frame.astype({"c0": "int8", "c1": "bool", "c2": "int64"})


LAYOUTS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "frame": lambda x: pd.DataFrame(x),
    "frame of columns": split,
    "sparse": sp.csr_array,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_one_answer(data, plain, layout):
    codes, x = data
    res = ml.MNLogit(codes, LAYOUTS[layout](x)).fit()
    assert res.converged
    gaps = (res.record.params - plain.record.params).ravel() / plain.covariance.bse
    assert np.abs(gaps).max() < 1e-9
    assert np.abs(res.covariance.bse / plain.covariance.bse - 1).max() < 1e-8
    assert abs(res.llf - plain.llf) < 1e-12 * abs(plain.llf)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_narrow_numbers_are_widened_a_block_at_a_time(data, dtype):
    codes, x = data
    narrow = np.round(x * 8).astype(dtype)
    few = ml.MNLogit(codes, narrow).fit()
    wide = ml.MNLogit(codes, narrow.astype(np.float64)).fit()
    assert np.abs((few.params - wide.params) / wide.bse).max(axis=None) < 1e-11
    assert np.abs(few.bse / wide.bse - 1).max(axis=None) < 1e-11


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_no_bit(data, threads):
    model = ml.MNLogit(*data)
    one, many = model.fit(threads=1), model.fit(threads=threads)
    assert (one.record.params == many.record.params).all()
    assert (one.covariance.matrix == many.covariance.matrix).all()
    assert one.llf == many.llf


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_a_fit_takes_less_memory_than_its_design(dtype):
    rng = np.random.default_rng(5)
    x = (8 * rng.normal(size=(250_000, 40))).astype(dtype)
    x[:, 0] = 1
    codes = rng.integers(0, 3, len(x))
    ml.MNLogit(codes[:5_000], x[:5_000]).fit()
    tracemalloc.start()
    try:
        ml.MNLogit(codes, x).fit()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * x.nbytes

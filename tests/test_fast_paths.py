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


@pytest.mark.parametrize("layout", ["rows", "frame of columns"])
def test_rows_left_out_are_not_there(data, layout):
    codes, x = data
    holes = x.copy()
    rng = np.random.default_rng(7)
    holes[rng.choice(ROWS, 500, replace=False), rng.integers(3, 8, 500)] = np.nan
    kept = ~np.isnan(holes).any(axis=1)
    res = ml.MNLogit(codes, LAYOUTS[layout](holes), missing="drop").fit()
    whole = ml.MNLogit(codes[kept], LAYOUTS[layout](x[kept])).fit()
    assert np.abs((res.params - whole.params) / whole.bse).max(axis=None) < 1e-9
    assert np.abs(res.bse / whole.bse - 1).max(axis=None) < 1e-9
    assert np.array_equal(res.fittedvalues.index, np.flatnonzero(kept))
    assert np.abs(res.fittedvalues.to_numpy() - whole.fittedvalues.to_numpy()).max() < 1e-12


def find_peak(make):
    """Return the peak of memory, in bytes, of a fit of a model that is made anew."""
    tracemalloc.start()
    try:
        make().fit()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_a_fit_takes_less_memory_than_its_design(dtype):
    rng = np.random.default_rng(5)
    x = (8 * rng.normal(size=(250_000, 40))).astype(dtype)
    x[:, 0] = 1
    codes = rng.integers(0, 3, len(x))
    ml.MNLogit(codes[:5_000], x[:5_000]).fit()
    assert find_peak(lambda: ml.MNLogit(codes, x)) < 1.3 * x.nbytes


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(250_000, 20))
    x[:, 0] = 1
    return rng.integers(0, 3, len(x)), x


def make_with_holes(codes, x):
    holes = x.copy()
    holes[::100, 5] = np.nan
    return lambda: ml.MNLogit(codes, holes, missing="drop")


def make_from_polars(codes, x):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({f"x{i}": column.copy() for i, column in enumerate(x.T)})
    return lambda: ml.MNLogit(codes, frame)


def make_of_probabilities(codes, x):
    shares = np.random.default_rng(6).dirichlet(np.ones(3), size=len(x))
    return lambda: ml.MNLogit(shares, x)


def make_with_weights(codes, x):
    weights = np.random.default_rng(6).uniform(0.5, 2, len(x))
    return lambda: ml.MNLogit(codes, x, weights=weights, weight_type="sampling")


def make_with_offset(codes, x):
    offset = np.random.default_rng(6).normal(size=(len(x), 3))
    return lambda: ml.MNLogit(codes, x, offset=offset)


@pytest.mark.parametrize(
    "make",
    [make_with_holes, make_from_polars, make_of_probabilities, make_with_weights, make_with_offset],
)
def test_nothing_of_the_size_of_the_design_is_made(large, make):
    codes, x = large
    ml.MNLogit(codes[:5_000], x[:5_000]).fit()
    assert find_peak(make(codes, x)) < 0.9 * x.nbytes


def test_a_table_of_outcomes_is_left_as_it_is(large):
    shares = np.random.default_rng(6).dirichlet(np.ones(3), size=60_000)
    before = shares.copy()
    ml.MNLogit(shares, large[1][:60_000]).fit()
    assert (shares == before).all()

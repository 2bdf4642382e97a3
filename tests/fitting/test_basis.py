"""The internal basis: orthogonal by either way, with or without a constant in it."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.sources import find_extremes
from mlelogit.fitting import basis as module
from mlelogit.fitting.basis import bound_longest, find_basis, make_objective
from mlelogit.fitting.objective import sum_sizes

ROWS = 3_000


def draw(rng, form):
    z = rng.normal(size=(ROWS, 3))
    raw = np.column_stack([np.round(1e3 * np.exp(0.7 * z[:, 0])), 40 + 12 * z[:, 1], z[:, 2] > 1])
    levels = np.eye(3)[rng.integers(0, 3, ROWS)]
    ones = np.full((ROWS, 1), 2.0)
    return {
        "constant": np.hstack([raw, ones]),
        "levels": np.hstack([levels, raw]),
        "neither": raw,
        "far": np.hstack([ones, raw + np.array([1e7, 0, 0])]),
    }[form]


def blocks_of(x):
    codes = np.arange(len(x) if isinstance(x, np.ndarray) else x.shape[0]) % 2
    return RowBlocks(ml.MNLogit(codes, x).design, size=700)


FORMS = ["constant", "levels", "neither", "far"]


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, sp.csr_array])
@pytest.mark.parametrize("form", FORMS)
def test_the_columns_of_the_basis_are_orthogonal(rng, form, layout):
    x = draw(rng, form)
    found = find_basis(blocks_of(layout(x)), tuple("abcdef"[: x.shape[1]]))
    z = found.enter(x.T)
    assert np.abs(z @ z.T / ROWS - np.eye(len(z))).max() < 1e-7
    assert (found.constant is None) == (form == "neither")
    if found.constant is not None:
        assert np.abs(found.constant @ z - 1).max() < 1e-8


@pytest.mark.parametrize("form", ["constant", "neither"])
def test_both_ways_find_the_same_basis(rng, form, monkeypatch):
    blocks, names = blocks_of(draw(rng, form)), tuple("abcd")
    quick = find_basis(blocks, names)
    monkeypatch.setattr(module, "SAFE_PIVOT", np.inf)
    exact = find_basis(blocks, names)
    signs = np.sign(np.diag(exact.r))[:, np.newaxis]
    assert (quick.r != exact.r).any()
    assert np.abs(quick.r - signs * exact.r).max() < 1e-9 * np.abs(exact.r).max()
    assert (quick.scale == exact.scale).all()


@pytest.mark.parametrize("form", FORMS)
def test_no_row_is_longer_than_its_bound(rng, form):
    x = draw(rng, form)
    blocks = blocks_of(x)
    found = find_basis(blocks, tuple("abcdef"[: x.shape[1]]))
    longest = (found.enter(x.T) ** 2).sum(axis=0).max()
    assert longest <= bound_longest(found, blocks.design.source)


def test_the_basis_of_counted_rows_is_that_of_all(rng):
    """Of distinct rows, Z'Z would be their number alone, which bounds no row of all."""
    frame = pd.DataFrame({"x": rng.poisson(1.0, ROWS), "g": rng.choice(list("abc"), ROWS)})
    frame["y"] = rng.choice(list("lmu"), ROWS)
    pieces = [frame[:1000], frame[1000:]]
    found = []
    for data, options in (
        (frame, {"compress": False}),
        (frame, {"compress": True}),
        (pieces, {"compress": True, "stream": True}),
    ):
        blocks = RowBlocks(ml.mnlogit("y ~ x * g", data, **options).design)
        basis = find_basis(blocks, tuple(range(blocks.width)))
        exact = module.factor_columns(blocks, basis.scale, basis.center)
        assert (make_objective(blocks, 0, basis).longest is None) == options["compress"]
        found.append((basis.r, basis.center, np.abs(exact)))
    for counted in found[1:]:
        for one, two in zip(counted, found[0], strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 4096, 9_000])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.bool_])
@pytest.mark.parametrize("order", ["C", "F"])
def test_extremes_are_those_of_the_columns(rng, rows, dtype, order):
    x = np.asarray(100 * rng.normal(size=(rows, 3)), dtype=dtype, order=order)
    low, high = find_extremes(x)
    assert (low == x.min(axis=0)).all()
    assert (high == x.max(axis=0)).all()


def test_extremes_pass_on_what_is_not_finite(rng):
    x = rng.normal(size=(5_000, 4))
    x[4_500, 1], x[17, 2] = np.nan, np.inf
    low, high = find_extremes(x)
    assert np.isfinite(low).tolist() == [True, False, True, True]
    assert np.isfinite(high).tolist() == [True, False, False, True]


def test_a_basis_is_not_found_quickly_where_its_condition_hides_behind_its_pivots(rng):
    """Every pivot is large, and the condition is that of a power of two."""
    width = 30
    r = np.eye(width) - np.triu(np.ones((width, width)), 1)
    x = np.linalg.qr(rng.normal(size=(2_000, width)))[0] @ r
    blocks = blocks_of(x)
    found = find_basis(blocks, tuple(range(width)))
    moments = blocks.reduce(module._sum_moments)
    start = module.ColumnBasis(found.scale, np.zeros(width), np.eye(width))
    assert module._factor_moments(moments, start) is None
    z = found.enter(x.T)
    assert np.abs(z @ z.T / 2_000 - np.eye(width)).max() < 1e-5


@pytest.mark.parametrize("form", ["labels", "counts", "weights", "offset"])
def test_row_sizes_known_beforehand_bound_those_counted(rng, form):
    x, n = draw(rng, "constant"), ROWS
    codes = rng.integers(0, 3, n)
    options = {
        "weights": {"weights": rng.uniform(1, 9, n), "weight_type": "importance"},
        "offset": {"offset": 5 * rng.normal(size=(n, 3))},
    }
    endog = rng.multinomial(4, [0.2, 0.3, 0.5], size=n) if form == "counts" else codes
    blocks = RowBlocks(ml.MNLogit(endog, x, **options.get(form, {})).design)
    found = find_basis(blocks, tuple("abcd"))
    known = make_objective(blocks, 0, found).measure_rows()
    counted = blocks.in_basis(found).reduce(sum_sizes, np.eye(4))
    for field in ("first", "second", "heaviest", "total", "longest"):
        assert getattr(known, field) >= getattr(counted, field) * (1 - 1e-6)

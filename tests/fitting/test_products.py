"""Products of columns, dense and sparse, against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from mlelogit.fitting import products
from mlelogit.fitting.products import (
    combine_columns,
    index_pairs,
    index_products,
    multiply_pairs,
    project_rows,
    quadratic_forms,
    self_gram,
    unpack_gram,
    weighted_gram,
)

SHAPES = [(1, 1, 1), (3, 2, 9), (2, 5, 400), (7, 4, 30)]


def draw(rng, equations, columns, rows):
    """Draw columns, symmetric weights per row, and the sum of their Kronecker products."""
    x = rng.normal(size=(columns, rows)) * (rng.uniform(size=(columns, rows)) > 0.4)
    weights = rng.normal(size=(rows, equations, equations))
    weights = weights + weights.transpose(0, 2, 1)
    first, second, _ = index_pairs(equations)
    return x, weights[:, first, second].T, weights


def sum_out(weights, x):
    return sum(np.kron(w, np.outer(v, v)) for w, v in zip(weights, x.T, strict=True))


@pytest.mark.parametrize("form", [np.asarray, sp.csc_array])
@pytest.mark.parametrize(("equations", "columns", "rows"), SHAPES)
def test_weighted_gram_is_the_sum_of_kronecker_products(rng, equations, columns, rows, form):
    x, packed, weights = draw(rng, equations, columns, rows)
    result = unpack_gram(weighted_gram(form(x), packed), columns)
    assert np.abs(result - sum_out(weights, x)).max() < 1e-10
    assert (result == result.T).all()


def test_weighted_gram_turns_the_columns(rng):
    x, packed, weights = draw(rng, 2, 4, 50)
    turn = rng.normal(size=(4, 4))
    result = unpack_gram(weighted_gram(x, packed, turn), 4)
    assert np.abs(result - sum_out(weights, turn @ x)).max() < 1e-10


@pytest.mark.parametrize("few", [0, 100])
def test_weighted_gram_cuts_long_blocks_without_losing_rows(rng, monkeypatch, few):
    x, packed, weights = draw(rng, 2, 5, 100)
    monkeypatch.setattr(products, "FEW_WEIGHTS", few)
    for name in ("FEW_ROWS", "MANY_ROWS"):
        monkeypatch.setattr(products, name, 17)
    for name in ("FEW_ELEMENTS", "MANY_ELEMENTS"):
        monkeypatch.setattr(products, name, 12 * 17)
    result = unpack_gram(weighted_gram(x, packed), 5)
    assert np.abs(result - sum_out(weights, x)).max() < 1e-11


@pytest.mark.parametrize("columns", [1, 2, 3, 6, 7])
def test_every_pair_of_columns_has_its_product(rng, columns):
    groups, position = index_products(columns)
    assert (position == position.T).all()
    z, formed = rng.normal(size=columns), np.full(groups[-1][2], np.nan)
    for start, stop, place in groups[:-1]:
        part = np.outer(z[start:stop], z[start:])
        formed[place : place + part.size] = part.ravel()
    assert (formed[position] == np.outer(z, z)).all()


@pytest.mark.parametrize("form", [np.asarray, sp.csc_array])
def test_products_of_a_block_are_those_of_its_matrix(rng, form):
    x, values = rng.normal(size=(4, 9)), rng.normal(size=(3, 9))
    weights, matrix, out = rng.normal(size=(3, 4)), rng.normal(size=(4, 4)), np.empty((3, 9))
    combine_columns(weights, form(x), out)
    assert np.abs(out - weights @ x).max() < 1e-14
    assert np.abs(project_rows(values, form(x)) - values @ x.T).max() < 1e-13
    assert np.abs(self_gram(form(x)) - x @ x.T).max() < 1e-13
    expected = [v @ matrix @ v for v in x.T]
    assert np.abs(quadratic_forms(form(x), matrix) - expected).max() < 1e-13


def test_pairs_are_multiplied_in_their_order(rng):
    left, right = rng.normal(size=(2, 3, 5))
    first, second, position = index_pairs(3)
    assert (multiply_pairs(left, right) == left[first] * right[second]).all()
    assert (position[first, second] == np.arange(6)).all()

"""Arithmetic with twice the digits, against fractions and mpmath."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from mlelogit.fitting.doubles import (
    LOWEST,
    Double,
    add_exactly,
    exponentiate,
    halve,
    multiply_exactly,
    multiply_matrices,
    slice_numbers,
    sum_first,
)


def to_fractions(*arrays):
    """Add arrays without rounding; return an object array."""
    return sum(np.vectorize(Fraction, otypes=[object])(array) for array in arrays)


@pytest.fixture
def wild(rng):
    """Numbers of very different sizes, and of both signs."""
    return lambda *shape: rng.normal(size=shape) * 10.0 ** rng.uniform(-12, 12, size=shape)


def test_a_sum_and_its_error_are_the_sum(wild):
    a, b = wild(200), wild(200)
    total = add_exactly(a, b)
    assert np.array_equal(total.high, a + b)
    assert (to_fractions(total.high, total.low) == to_fractions(a, b)).all()


def test_sums_of_sums_keep_twice_the_digits(wild):
    parts = [add_exactly(wild(50), wild(50)) for _ in range(8)]
    total = sum(parts[1:], parts[0])
    exact = sum(to_fractions(part.high, part.low) for part in parts)
    size = sum(np.abs(part.high) for part in parts)
    off = np.abs(to_fractions(total.high, total.low) - exact).astype(float)
    assert (off <= 1e-30 * size).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_slices_add_up_and_are_whole_numbers_of_a_unit(wild, axis):
    values, bits = wild(6, 40), 22
    first, second, rest = slice_numbers(values, axis, bits)
    assert (to_fractions(first, second, rest) == to_fractions(values)).all()
    power = np.frexp(np.abs(values).max(axis=axis, keepdims=True))[1]
    for count, part in enumerate((first, second), 1):
        whole = np.ldexp(part, count * bits - power)
        assert np.array_equal(whole, np.round(whole))
        assert np.abs(whole).max() <= 2.0**bits
    assert (np.abs(np.ldexp(rest, 2 * bits - power)) <= 1).all()


def test_slices_of_zeros_are_zeros():
    assert not np.any(slice_numbers(np.zeros((2, 3)), 1, 20))


@pytest.mark.parametrize("length", [1, 3, 900])
def test_a_product_has_26_digits_of_its_largest_terms(wild, length):
    a, b = wild(3, length), wild(length, 4)
    product = multiply_matrices(a, b)
    exact = to_fractions(a) @ to_fractions(b)
    off = np.abs(to_fractions(product.high, product.low) - exact).astype(float)
    largest = np.abs(a).max(axis=1)[:, np.newaxis] * np.abs(b).max(axis=0)
    assert (off <= 1e-26 * length * largest).all()
    assert (np.abs(product.low) <= np.spacing(np.abs(product.high))).all()


def test_a_product_that_cancels_keeps_its_digits():
    a, b = np.array([[1e8 + 1, -1e8, 1.0]]), np.array([[1e8 - 1], [1e8], [1.0]])
    product = multiply_matrices(a, b)
    assert product.high.item() == 0.0
    assert product.low.item() == 0.0


def test_a_product_and_its_error_are_the_product(wild):
    a, b = wild(200), wild(200)
    product = multiply_exactly(a, b)
    assert np.array_equal(product.high, a * b)
    exact = to_fractions(a) * to_fractions(b)
    assert (to_fractions(product.high, product.low) == exact).all()


def test_halves_have_26_bits(wild):
    values = wild(200)
    first, second = halve(values)
    assert np.array_equal(first + second, values)
    for part in (first, second):
        whole = np.ldexp(np.frexp(part)[0], 26)
        assert np.array_equal(whole, np.round(whole))


@pytest.fixture
def pair(wild):
    """Two arrays of numbers of twice the digits."""
    return tuple(add_exactly(high, 1e-17 * high) for high in (wild(60), wild(60)))


def test_products_and_quotients_keep_their_digits(pair):
    one, other = (to_fractions(part.high, part.low) for part in pair)
    product, ratio = pair[0] * pair[1].high, pair[0] / pair[1]
    exact = one * to_fractions(pair[1].high)
    off = np.abs(to_fractions(product.high, product.low) / exact - 1).astype(float)
    assert off.max() < 1e-30
    off = np.abs(to_fractions(ratio.high, ratio.low) / (one / other) - 1).astype(float)
    assert off.max() < 1e-30


def test_a_sum_over_rows_keeps_its_digits(wild):
    rows = add_exactly(np.abs(wild(9, 40)), 1e-17 * np.abs(wild(9, 40)))
    total = sum_first(rows)
    exact = to_fractions(rows.high, rows.low).sum(axis=0)
    off = np.abs(to_fractions(total.high, total.low) / exact - 1).astype(float)
    assert off.max() < 1e-29


def test_exponentials_have_18_digits(rng):
    high = np.concatenate([[0.0, -1 / 64, -LOWEST], -LOWEST * rng.random(300)])
    low = 1e-16 * rng.uniform(-1, 1, len(high)) * np.abs(high)
    found = exponentiate(Double(high, low))
    with mp.workdps(40):
        for u, e, y, rest in zip(high, low, found.high, found.low, strict=True):
            exact = mp.exp(mp.mpf(u) + mp.mpf(e))
            assert abs((mp.mpf(y) + mp.mpf(rest)) / exact - 1) < 4e-18


def test_exponentials_below_the_table_are_those_of_numpy():
    far = np.array([-LOWEST - 1e-9, -300.0, -800.0])
    found = exponentiate(Double(far, np.zeros(3)))
    assert np.array_equal(found.high, np.exp(far))
    assert not found.low.any()

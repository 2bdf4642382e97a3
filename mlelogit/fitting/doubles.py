"""Arithmetic with twice the digits of a double: sums, products, exponentials, in numpy.

A number is a double and a correction below its last digit. What is called exact here has no
rounding error at all; the rest is right to a few 1e-18 of a result, where noted of its largest
terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache

import numpy as np

MANTISSA = 53
SPLITTER = 2.0**27 + 1
# Exponentials are tabulated in such steps, down to where the next double does not count.
STEPS = 32
LOWEST = 40
TABLE_DIGITS = 40


@dataclass(frozen=True)
class Double:
    """Numbers of twice the digits, ``high + low``."""

    high: np.ndarray
    low: np.ndarray

    def __add__(self, other: Double) -> Double:
        total = add_exactly(self.high, other.high)
        return add_exactly(total.high, total.low + (self.low + other.low))

    def __neg__(self) -> Double:
        return Double(-self.high, -self.low)

    def __mul__(self, factor: np.ndarray) -> Double:
        product = multiply_exactly(self.high, factor)
        return Double(product.high, product.low + self.low * factor)

    def __truediv__(self, other: Double) -> Double:
        ratio = self.high / other.high
        rest = self + -(other * ratio)
        return add_exactly(ratio, (rest.high + rest.low) / other.high)


def widen(values: np.ndarray) -> Double:
    """Return doubles as numbers of twice the digits."""
    return Double(values, np.zeros(values.shape))


def add_exactly(a: np.ndarray, b: np.ndarray) -> Double:
    """Return a + b, exact (Knuth 1969)."""
    high = a + b
    other = high - a
    return Double(high, (a - (high - other)) + (b - other))


def sum_first(u: Double) -> Double:
    """Return the sum over the first axis."""
    high, low = u.high[0], u.low.sum(axis=0)
    for part in u.high[1:]:
        total = add_exactly(high, part)
        high, low = total.high, low + total.low
    return add_exactly(high, low)


def multiply_exactly(a: np.ndarray, b: np.ndarray) -> Double:
    """Return a b, elementwise and exact (Dekker 1971)."""
    high = a * b
    (a1, a2), (b1, b2) = halve(a), halve(b)
    return Double(high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2)


def halve(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut numbers into halves of 26 bits (Veltkamp 1968)."""
    far = SPLITTER * values
    first = far - (far - values)
    return first, values - first


def slice_numbers(values: np.ndarray, axis: int, bits: int) -> tuple[np.ndarray, ...]:
    """Cut numbers into two slices of so many bits below the largest along an axis, and a rest."""
    largest = np.abs(values).max(axis=axis, keepdims=True)
    unit = np.ldexp(0.75, np.frexp(largest)[1] + MANTISSA - bits)
    first = (values + unit) - unit
    rest = values - first
    unit = np.ldexp(unit, -bits)
    second = (rest + unit) - unit
    return first, second, rest - second


def multiply_matrices(a: np.ndarray, b: np.ndarray) -> Double:
    """Return the product of two matrices with some 26 digits of its largest terms.

    Products of slices are whole numbers of one unit and their sums fit a double, so that
    numpy's product of them has no error (Ozaki, Ogita, Oishi and Rump 2012).
    """
    bits = (MANTISSA - int(np.ceil(np.log2(max(a.shape[1], 2))))) // 2
    a1, a2, a3 = slice_numbers(a, 1, bits)
    b1, b2, b3 = slice_numbers(b, 0, bits)
    total = add_exactly(a1 @ b1, a1 @ b2 + a2 @ b1)
    small = a2 @ b2 + (a3 @ b + (a - a3) @ b3)
    return total + widen(small)


@cache
def tabulate_powers() -> Double:
    """Return exp(-i / `STEPS`) for i from 0 to `LOWEST` times that."""
    with localcontext() as context:
        context.prec = TABLE_DIGITS
        whole = [Decimal(-i).exp() for i in range(LOWEST + 1)]
        parts = [(Decimal(-i) / STEPS).exp() for i in range(STEPS)]
        exact = [one * other for one in whole for other in parts]
        high = [float(value) for value in exact]
        low = [float(value - Decimal(near)) for value, near in zip(exact, high, strict=True)]
    return Double(np.array(high), np.array(low))


def exponentiate(u: Double) -> Double:
    """Return exp(u) of numbers that are not positive, to 4e-18; those below -40 as doubles.

    With t the nearest tabulated point, ``exp(u) = exp(t) (1 + r + r²/2 + ...)`` for a rest r
    of at most 1 / 64, whose powers from the second on need no more than a double's digits.
    """
    table = tabulate_powers()
    at = np.rint(np.maximum(u.high, -LOWEST) * -STEPS).astype(np.intp)
    r = np.maximum(u.high, -LOWEST) + at / STEPS
    r = r + u.low
    series = 1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r / 5040))))
    first = table.high[at]
    near = add_exactly(first, first * (r + r * r * series) + table.low[at])
    far = u.high < -LOWEST
    return Double(np.where(far, np.exp(u.high), near.high), np.where(far, 0.0, near.low))

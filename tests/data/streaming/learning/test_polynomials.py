"""Polynomials learned from pieces, against exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from mlelogit.data.streaming.learning.moments import learn_scale, measure_moments
from mlelogit.data.streaming.learning.polynomials import MOST_ATOMS, learn_poly, measure_atoms
from mlelogit.exceptions import FormulaError

SAMPLES = {
    "normal": lambda generator: generator.normal(size=600),
    "uniform": lambda generator: generator.uniform(-3, 9, 600),
    "years": lambda generator: generator.integers(2000, 2021, 600).astype(float),
    "offset": lambda generator: 1e6 + generator.normal(size=600),
    "lognormal": lambda generator: generator.lognormal(3, 1.5, 600),
    "cauchy": lambda generator: generator.standard_cauchy(600),
    "tiny": lambda generator: 1e-30 * generator.normal(size=600),
    "spike": lambda generator: np.append(generator.normal(size=599), 1e4),
}


def find_exactly(values, degree):
    """Return alpha and norms2 in rational numbers, by the definition."""
    exact = [Fraction(float(value)) for value in values]
    before, now = [Fraction(0)] * len(exact), [Fraction(1)] * len(exact)
    alphas, norms, beta = [], [], Fraction(0)
    for _ in range(degree + 1):
        norms.append(sum(p * p for p in now))
        alphas.append(sum(x * p * p for x, p in zip(exact, now, strict=True)) / norms[-1])
        beta = norms[-1] / norms[-2] if len(norms) > 1 else Fraction(0)
        terms = zip(exact, now, before, strict=True)
        before, now = now, [(x - alphas[-1]) * p - beta * q for x, p, q in terms]
    return alphas[:degree], norms


@pytest.mark.parametrize("pieces", [1, 40])
@pytest.mark.parametrize("name", SAMPLES)
def test_recurrences_are_those_of_exact_arithmetic(name, pieces):
    values, degree = SAMPLES[name](np.random.default_rng(1)), 4 if name == "years" else 3
    values = values if name == "years" else np.round(values / values.std(), 6) * values.std()
    parts = [measure_atoms(part, None, degree) for part in np.array_split(values, pieces)]
    state = learn_poly("poly", degree, sum(parts[1:], parts[0]))
    alphas, norms = find_exactly(values, degree)
    spread = float(np.abs(values - np.median(values)).max())
    for k, alpha in enumerate(alphas):
        assert abs(float(Fraction(float(state["alpha"][k])) - alpha)) < 1e-12 * spread + abs(
            float(np.spacing(float(alpha)))
        )
    for k, norm in enumerate(norms):
        assert abs(float(Fraction(float(state["norms2"][k])) / norm) - 1) < 1e-10


def test_rows_in_any_number_are_a_few_atoms():
    values = np.random.default_rng(0).normal(size=20_000)
    parts = [measure_atoms(part, None, 3) for part in np.array_split(values, 1_000)]
    total = sum(parts[1:], parts[0])
    assert len(total.points) <= MOST_ATOMS
    state, alone = learn_poly("p", 3, total), learn_poly("p", 3, measure_atoms(values, None, 3))
    for k in range(4):
        np.testing.assert_allclose(state["norms2"][k], alone["norms2"][k], rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e9])
def test_too_few_values_are_named(offset):
    values = offset + np.array([1.0, 2.0, 4.0] * 50)
    parts = [measure_atoms(part, None, 4) for part in np.array_split(values, 7)]
    with pytest.raises(FormulaError, match=r"degree of 4.* more than 3"):
        learn_poly("poly(x, 4)", 4, sum(parts[1:], parts[0]))
    assert learn_poly("poly(x, 2)", 2, sum(parts[1:], parts[0]))["norms2"][0] == 150


def test_digits_that_cannot_be_had_are_named():
    values = np.append(np.random.default_rng(0).normal(size=999), 1e12)
    with pytest.raises(FormulaError, match="ten digits"):
        learn_poly("poly(x, 3)", 3, measure_atoms(values, None, 3))


def test_means_lose_nothing_to_an_offset_over_many_pieces():
    values = 1e9 + np.random.default_rng(0).normal(size=20_000)
    parts = [measure_moments(part) for part in np.array_split(values, 5_000)]
    total = sum(parts[1:], parts[0])
    exact = [Fraction(float(value)) for value in values]
    mean = sum(exact) / len(exact)
    assert abs(float(Fraction(float(total.center)) - mean)) <= np.spacing(1e9)
    square = float(sum((value - mean) ** 2 for value in exact))
    np.testing.assert_allclose(total.square, square, rtol=1e-12)
    state = learn_scale({"center": True, "scale": True, "ddof": 1}, total)
    np.testing.assert_allclose(state["scale"], (square / (len(exact) - 1)) ** 0.5, rtol=1e-12)

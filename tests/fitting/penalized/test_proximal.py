"""A quadratic plus norms: its minimum against a general-purpose solver and its own conditions."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mlelogit.fitting.penalized import proximal
from mlelogit.fitting.penalized.proximal import (
    NormedQuadratic,
    eliminate,
    minimize_quadratic,
    search_support,
    settle,
)


def draw(rng, size, group, price):
    root = rng.normal(size=(size + 2, size))
    members = np.repeat(np.arange(size // group), group)
    prices = np.full(size // group, price) * rng.uniform(0.7, 1.3, size // group)
    return NormedQuadratic(root.T @ root, 3 * rng.normal(size=size), prices, members)


def split_in_two(model):
    """Minimize with a positive and a negative part of every coordinate, by another method."""
    size = len(model.target)
    double = np.block([[model.matrix, -model.matrix], [-model.matrix, model.matrix]])
    linear = np.concatenate([model.prices - model.target, model.prices + model.target])
    found = minimize(
        lambda z: (z @ double @ z / 2 + linear @ z, double @ z + linear),
        np.ones(2 * size),
        jac=True,
        method="TNC",
        bounds=[(0, None)] * (2 * size),
        options={"maxfun": 100_000, "gtol": 1e-12, "ftol": 0, "xtol": 0},
    ).x
    return found[:size] - found[size:]


@pytest.mark.parametrize("price", [0.05, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_single_coordinates_agree_with_split_parts(seed, price):
    rng = np.random.default_rng(seed)
    model = draw(rng, 12, 1, price)
    x = minimize_quadratic(model, rng.normal(size=12) * (rng.random(12) < 0.5))
    assert np.abs(x - split_in_two(model)).max() < 1e-6
    assert_optimal(model, x)


def assert_optimal(model, x):
    residual = model.target - model.matrix @ x
    for group, price in enumerate(model.prices):
        inside = model.members == group
        norm = np.linalg.norm(x[inside])
        if norm:
            assert np.abs(residual[inside] - price * x[inside] / norm).max() < 1e-9
        else:
            assert np.linalg.norm(residual[inside]) <= price * (1 + 1e-8)


@pytest.mark.parametrize("price", [0.05, 1.0, 4.0, 100.0])
@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_conditions_hold_from_any_start(seed, group, price):
    rng = np.random.default_rng(seed)
    model = draw(rng, 24, group, price)
    for start in (np.zeros(24), rng.normal(size=24)):
        assert_optimal(model, minimize_quadratic(model, start))
    if price == 100.0:
        assert not minimize_quadratic(model, rng.normal(size=24)).any()


@pytest.mark.parametrize("group", [1, 3])
def test_scipy_alone_comes_near(group):
    model = draw(np.random.default_rng(5), 24, group, 1.5)
    found = search_support(model, np.zeros(24), 1e-8)
    exact = minimize_quadratic(model, np.zeros(24))
    assert np.abs(found - exact).max() < 1e-5
    assert model.evaluate(exact) <= model.evaluate(found) + 1e-12


def test_scipy_is_asked_when_exchanges_do_not_settle(monkeypatch):
    asked = []
    plain = proximal.search_support
    monkeypatch.setattr(proximal, "FEW_EXCHANGES", 0)
    monkeypatch.setattr(proximal, "search_support", lambda *a: asked.append(1) or plain(*a))
    model = draw(np.random.default_rng(6), 24, 3, 1.5)
    assert_optimal(model, minimize_quadratic(model, np.zeros(24)))
    assert asked
    assert settle(model, np.zeros(24), 0) is None


def test_without_prices_it_is_a_linear_system():
    model = draw(np.random.default_rng(7), 6, 1, 0.0)
    x = minimize_quadratic(model, np.zeros(6))
    assert np.abs(model.matrix @ x - model.target).max() < 1e-9


def test_eliminated_coordinates_are_where_they_are_best():
    rng = np.random.default_rng(8)
    root = rng.normal(size=(9, 7))
    hessian, slope = root.T @ root, rng.normal(size=7)
    free, others = np.array([2, 5]), np.array([0, 1, 3, 4, 6])
    inner = eliminate(hessian, slope, free, others)
    step = np.zeros(7)
    step[others] = -np.linalg.solve(inner.matrix, inner.slope)
    step[free] = inner.shift - inner.turn @ step[others]
    assert np.abs(hessian @ step + slope).max() < 1e-10

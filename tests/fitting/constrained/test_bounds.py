"""Quadratic steps within bounds, feasibility, and the conditions of the maximum they lead to."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import mlelogit as ml
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.exceptions import MNLogitWarning
from mlelogit.fitting.constrained.bounds import Bounds, find_conflict, is_feasible, solve_step


def make_bounds(matrix, values):
    length = np.linalg.norm(matrix, axis=1)
    return Bounds(matrix / length[:, None], values / length, np.full(len(values), 1e-12), 1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_step_is_the_maximum_of_the_quadratic(seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 4))
    information, score = root @ root.T + 0.1 * np.eye(4), 3 * rng.normal(size=4)
    inside = rng.normal(size=4)
    matrix = rng.normal(size=(6, 4))
    bounds = make_bounds(matrix, matrix @ inside - rng.random(6))
    point = rng.normal(size=4)
    step, multipliers = solve_step(score, information, bounds, point)
    truth = minimize(
        lambda d: d @ information @ d / 2 - score @ d,
        inside - point,
        jac=lambda d: information @ d - score,
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda d: bounds.matrix @ (point + d) - bounds.values},
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert step @ information @ step / 2 - score @ step <= truth.fun + 1e-9
    np.testing.assert_allclose(step, truth.x, atol=1e-5)
    assert (bounds.measure(point + step) >= -1e-10).all()
    pulled = score - information @ step + bounds.matrix.T @ multipliers
    np.testing.assert_allclose(pulled, 0.0, atol=1e-9)
    assert (multipliers >= 0).all()
    assert multipliers @ np.abs(bounds.measure(point + step)) < 1e-9


def test_without_bounds_in_the_way_it_is_newton():
    information = np.array([[2.0, 0.5], [0.5, 1.0]])
    score = np.array([0.3, -0.2])
    bounds = make_bounds(np.eye(2), np.array([-9.0, -9.0]))
    step, multipliers = solve_step(score, information, bounds, np.zeros(2))
    np.testing.assert_allclose(step, np.linalg.solve(information, score), rtol=1e-12)
    assert not multipliers.any()


def test_feasibility():
    rows = np.array([[1.0, 0], [0, 1.0], [np.sqrt(0.5), np.sqrt(0.5)]])
    assert is_feasible(rows, np.array([0.0, 0, 1]), (">=", ">=", "<="))
    assert not is_feasible(rows, np.array([1.0, 1, 1]), (">=", ">=", "<="))
    assert is_feasible(rows, np.array([1.0, 1, np.sqrt(2)]), ("=", "=", "="))
    assert not is_feasible(rows, np.array([1.0, 1, 1]), ("=", "=", "="))
    assert is_feasible(rows[:0], np.zeros(0), ())


def test_a_conflict_is_as_small_as_it_can_be():
    rows = np.eye(3)[[0, 1, 0, 2, 1]]
    given = Restriction(
        rows, np.array([1.0, 0, 0, 3, 5]), (">=", "=", "<=", "=", "<="), tuple("abcde")
    )
    assert find_conflict(given, rows, given.values).words == ("a", "c")


def draw(seed):
    """Draw rows, and constraints that some params meet; some repeat or touch others."""
    rng = np.random.default_rng(seed)
    categories, width, n = rng.integers(2, 5), rng.integers(1, 4), rng.integers(30, 150)
    x = np.ones((n, width))
    x[:, 1:] = rng.normal(size=(n, width - 1)) * 10.0 ** rng.integers(-3, 4, size=width - 1)
    b = rng.normal(size=(categories - 1, width)) / np.abs(x).max(axis=0)
    codes = (np.column_stack([np.zeros(n), x @ b.T]) + rng.gumbel(size=(n, categories))).argmax(1)
    unit = 1 / np.tile(np.abs(x).max(axis=0), categories - 1)
    inside, size = 0.5 * rng.normal(size=len(unit)) * unit, len(unit)
    rows, values, relations = [], [], []
    for _ in range(rng.integers(1, 2 * size + 3)):
        row = np.eye(size)[rng.integers(size)] * rng.choice([1, -1, 2.5])
        if rng.random() < 0.4:
            row = rng.normal(size=size) / unit * unit.mean()
        relation = rng.choice(["=", ">=", "<="], p=[0.2, 0.4, 0.4])
        room = rng.choice([0, 0.1, 1, 5]) * rng.random() * np.abs(row * inside).sum()
        shift = {"=": 0.0, ">=": -room, "<=": room}[relation]
        rows.append(row)
        values.append(row @ inside + shift)
        relations.append(relation)
    rows.append(2 * rows[0])
    values.append(2 * values[0])
    relations.append(relations[0])
    return x, codes, np.array(rows), np.array(values), relations, unit


def state(rows, values, relations, labels):
    for row, value, relation in zip(rows, values, relations, strict=True):
        terms = [f"{float(w)!r}*{label}" for w, label in zip(row, labels, strict=True) if w]
        yield f"{' + '.join(terms).replace('+ -', '- ')} {relation} {float(value)!r}"


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_random_constraints_end_in_the_conditions_of_the_maximum(start):
    certified = 0
    for seed in range(start, start + 10):
        x, codes, rows, values, relations, unit = draw(seed)
        letters = np.array(list("abcd"))
        names = [f"x{i}" for i in range(x.shape[1])]
        count = len(unit) // len(names) + 1
        if len(set(codes)) < count:
            continue
        labels = [f"{k}: {name}" for k in letters[1:count] for name in names]
        model = ml.MNLogit(letters[codes], pd.DataFrame(x, columns=names))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MNLogitWarning)
            res = model.fit(constraints=list(state(rows, values, relations, labels)))
        at, found = res.record.maximum.params, res.record.constraints
        terms = np.abs(rows) @ np.abs(at) + np.abs(values)
        gap = (rows @ at - values) / terms
        sign = np.array([{"=": 0.0, ">=": -1.0, "<=": 1.0}[relation] for relation in relations])
        assert (np.where(sign == 0, np.abs(gap), sign * gap) < 1e-8).all()
        if not res.converged:
            continue
        certified += 1
        score = model.score(res.params).T.to_numpy().ravel()
        pulled = found.multipliers @ found.given.matrix
        np.testing.assert_allclose(pulled * unit, score * unit, atol=1e-6)
        size = found.multipliers * np.linalg.norm(found.given.matrix * unit, axis=1)
        kinds = np.array(found.given.relations)
        assert (size[kinds == ">="] <= 1e-6).all()
        assert (size[kinds == "<="] >= -1e-6).all()
    assert certified >= 5


def test_bounds_that_leave_one_point():
    """Three half planes that meet in a point: every climb ends there."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=80), "z": rng.normal(size=80)})
    y = rng.choice(list("ab"), size=80)
    res = ml.MNLogit(y, frame).fit(constraints=["x + z >= 0.3", "x <= 0.1", "z <= 0.2"])
    assert res.converged
    np.testing.assert_allclose(res.params["b"], [0.1, 0.2], rtol=1e-12)
    assert (res.bse["b"] == 0).all()

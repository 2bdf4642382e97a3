"""A unit left out: the Newton step is that of the rows left, the moments those of the list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.inference.resampling.jackknife import find_acceleration, step_without
from mlelogit.inference.resampling.units import make_units, number_rows
from tests.inference.samples import fitted, survey

FORMULA = "party ~ age + educ"


def as_is(params):
    return params


@pytest.mark.parametrize("weight_type", [None, "sampling"])
def test_the_step_solves_the_information_of_the_rows_left(weight_type):
    """The same step from sums over the other rows, one row at a time."""
    options = {} if weight_type is None else {"weights": "weight", "weight_type": weight_type}
    res = fitted(FORMULA, **options)
    design = res.record.need_blocks().design
    x = np.asarray(design.source.block(0, len(survey()))).T
    y = res.fittedvalues.to_numpy()[:, 1:]
    d = np.eye(3)[design.outcome.codes][:, 1:]
    weights = np.ones(len(x)) if design.weights is None else design.weights
    rows = range(len(x))
    informations = np.array(
        [
            weights[n] * np.kron(np.diag(y[n]) - np.outer(y[n], y[n]), np.outer(x[n], x[n]))
            for n in rows
        ]
    )
    scores = np.array([weights[n] * np.kron(d[n] - y[n], x[n]) for n in rows])
    left = informations.sum(axis=0) - informations
    expected = np.linalg.solve(left, -scores[:, :, np.newaxis])[:, :, 0]
    record, basis = res.record, res.record.basis
    inner = basis.enter_params(record.params).ravel()
    found = number_rows(make_units(record)).map(step_without, inner, 0, record.maximum.inverse)
    found = basis.leave_params(found.T.reshape(-1, 2, 3)).reshape(-1, 6)
    assert np.abs((found - expected) / res.covariance.bse).max() < 1e-9


def test_steps_and_refits_give_nearly_the_same_acceleration():
    record = fitted(FORMULA).record
    exact = find_acceleration(make_units(record), as_is, 1000)
    stepped = find_acceleration(make_units(record), as_is, 0)
    assert not np.array_equal(exact, stepped)
    assert np.abs(exact - stepped).max() < 1e-3


def test_acceleration_is_that_of_efron():
    """Every row left out by hand, and the formula written with a list."""
    res = fitted(FORMULA)
    left = np.array(
        [
            ml.mnlogit(FORMULA, survey().drop(index=n)).fit().record.maximum.params
            for n in range(len(survey()))
        ]
    )
    gap = left.mean(axis=0) - left
    expected = (gap**3).sum(axis=0) / (6 * (gap**2).sum(axis=0) ** 1.5)
    assert np.abs(find_acceleration(make_units(res.record), as_is, 1000) - expected).max() < 1e-8


@pytest.mark.parametrize("refits", [0, 1000])
def test_counts_and_frequencies_are_left_out_person_by_person(refits):
    frame = survey().assign(age=(survey()["age"] // 10 * 10))
    table = pd.crosstab([frame["age"], frame["educ"]], frame["party"]).reset_index()
    single = frame.groupby(["age", "educ", "party"]).size().rename("n").reset_index()
    fits = [
        ml.mnlogit(FORMULA, frame).fit(),
        ml.mnlogit("counts(blue, green, red) ~ age + educ", table).fit(),
        ml.mnlogit(FORMULA, single, weights="n", weight_type="frequency").fit(),
    ]
    expected, *others = (find_acceleration(make_units(f.record), as_is, refits) for f in fits)
    for found in others:
        assert np.abs(found - expected).max() < 1e-8


def test_a_row_that_cannot_be_spared_is_left_out_by_a_step():
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(80), rng.normal(size=80)])
    codes = rng.integers(0, 2, 80)
    codes[np.argsort(x[:, 1])[40]] = 2
    record = ml.MNLogit(codes, x).fit().record
    found = find_acceleration(make_units(record), as_is, 1000)
    assert np.array_equal(found, find_acceleration(make_units(record), as_is, 0))

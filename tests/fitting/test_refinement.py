"""The last steps of a climb: coefficients right to the last digit, or left alone."""

from dataclasses import replace

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.fitting import refinement
from mlelogit.fitting.refinement import refine
from tests.fitting.exact import ExactMaximum


@pytest.fixture
def near(rng):
    """Outcome and columns, of which two are alike but for a millionth."""
    x = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
    codes = (x @ rng.normal(size=(3, 3)) + rng.gumbel(size=(60, 3))).argmax(axis=1)
    x[:, 2] = x[:, 1] + 1e-6 * x[:, 2]
    return codes, x


def read(res):
    """Return a fit's record and what `refine` takes beside its maximum."""
    record = res.record
    blocks = RowBlocks(record.need_blocks().design)
    return record, (blocks, record.encoding.base, record.basis)


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("shifted", [False, True])
def test_a_point_off_the_maximum_is_brought_to_it(near, rng, base, shifted):
    codes, x = near
    offset = rng.normal(size=(60, 3)) if shifted else None
    record, rest = read(ml.MNLogit(codes, x, base=base, offset=offset).fit())
    off = record.maximum.params * (1 + 1e-11 * rng.normal(size=6))
    path = np.vstack([record.maximum.trace.params, off])
    moved = replace(record.maximum, params=off, trace=replace(record.maximum.trace, params=path))
    found = refine(moved, *rest)
    order = [base, *(k for k in range(3) if k != base)]
    ranks = np.argsort(order)[codes]
    table = None if offset is None else offset[:, order]
    exact = ExactMaximum(x, ranks, table, found.params)
    wanted = np.array([float(value) for value in exact.params])
    assert np.abs(found.params / wanted - 1).max() < 1e-14
    assert np.abs(off / wanted - 1).max() > 1e-12
    assert found.sums.loglike == pytest.approx(float(exact.loglike), rel=1e-15)
    assert np.array_equal(found.trace.params[-1], found.params)


def test_weights_and_counts_are_refined_alike(rng):
    x = np.column_stack([np.ones(20), rng.normal(size=20)])
    counts = rng.integers(0, 9, size=(20, 3))
    rows, codes = np.nonzero(counts)
    weighed = ml.MNLogit(codes, x[rows], weights=counts[rows, codes], weight_type="frequency").fit()
    counted = ml.MNLogit(counts, x).fit()
    ratio = weighed.params.to_numpy() / counted.params.to_numpy()
    assert np.abs(ratio - 1).max() < 1e-14


def test_many_ill_conditioned_rows_are_refined_as_few_are(near):
    """Rows that are there 500 times are rows of weight 500."""
    codes, x = near
    few = ml.MNLogit(codes, x, weights=np.full(60, 500), weight_type="frequency").fit()
    many = ml.MNLogit(np.repeat(codes, 500), np.repeat(x, 500, axis=0)).fit()
    assert many.record.basis.amplification > refinement.ILL_CONDITIONED
    assert refinement.REFINED_WORK < 60 * 500 * 6
    assert np.abs(many.params.to_numpy() / few.params.to_numpy() - 1).max() < 1e-13


def test_a_fit_that_was_stopped_stays_where_it_stopped(near):
    codes, x = near
    with pytest.warns(ml.exceptions.NotConvergedWarning):
        record, rest = read(ml.MNLogit(codes, x).fit(maxiter=1))
    assert refine(record.maximum, *rest) is record.maximum
    record, rest = read(ml.MNLogit(codes, x).fit(maxiter=3, tol=0.5))
    assert record.maximum.converged
    assert record.maximum.certificate.decrement > refinement.LONGEST_STEP
    assert np.array_equal(refine(record.maximum, *rest).params, record.maximum.params)


def test_large_and_separated_data_are_left_as_they_are(rng):
    x = np.column_stack([np.ones(30_000), rng.normal(size=30_000)])
    record, rest = read(ml.MNLogit(rng.integers(0, 3, 30_000), x).fit())
    assert refine(record.maximum, *rest) is record.maximum
    apart = np.column_stack([np.ones(60), np.arange(60.0)])
    with pytest.warns(ml.exceptions.NoFiniteMaximumWarning):
        record, rest = read(ml.MNLogit(np.arange(60) // 30, apart).fit())
    assert refine(record.maximum, *rest) is record.maximum

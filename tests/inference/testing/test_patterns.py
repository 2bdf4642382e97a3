"""Covariate patterns: numpy's unique rows, whatever the blocks, the storage or the sign of zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

import mlelogit as ml
from mlelogit.data.blocks import RowBlocks
from mlelogit.exceptions import DataNotKeptError
from mlelogit.inference.testing.patterns import (
    Patterns,
    PatternTable,
    find_patterns,
    hash_rows,
    join_tables,
)
from tests.inference.samples import fitted, survey


def make_rows(n=600, seed=4):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.integers(0, 4, n), rng.choice([0.0, -0.5, 1e-9], n)])
    return x, rng.integers(0, 3, n)


def count_rows(x, codes, weights=None):
    """Count people per distinct row and category, by numpy."""
    rows, place = np.unique(x, axis=0, return_inverse=True)
    counts = np.zeros((len(rows), codes.max() + 1))
    np.add.at(counts, (place.ravel(), codes), 1 if weights is None else weights)
    return sorted(map(tuple, counts))


def tell(found):
    return sorted(map(tuple, found.observed.T))


@pytest.mark.parametrize("size", [None, 1, 7, 100])
def test_patterns_are_distinct_rows_whatever_the_blocks(size):
    x, codes = make_rows()
    record = ml.MNLogit(codes, x).fit().record
    few = replace(record, blocks=RowBlocks(record.need_blocks().design, None, size))
    found = find_patterns(few)
    assert tell(found) == count_rows(x, codes)
    np.testing.assert_allclose(found.fitted.sum(axis=0), 1, rtol=1e-14)
    assert len(set(map(tuple, found.keys.T))) == found.keys.shape[1]


def test_fitted_probabilities_are_those_of_the_pattern():
    x, codes = make_rows()
    res = ml.MNLogit(codes, x).fit()
    found = find_patterns(res.record)
    told = {tuple(row) for row in np.unique(res.fittedvalues.to_numpy().round(12), axis=0)}
    assert {tuple(row) for row in found.fitted.T.round(12)} == told


def test_both_zeros_are_one_pattern():
    x, codes = make_rows()
    signed = x.copy()
    signed[::3, 2] = np.where(signed[::3, 2] == 0, -0.0, signed[::3, 2])
    one, two = (find_patterns(ml.MNLogit(codes, rows).fit().record) for rows in (x, signed))
    assert tell(one) == tell(two)


def test_sparse_columns_have_the_same_sums():
    x = make_rows()[0].T.copy()
    odd = np.random.default_rng(0).integers(0, 2**64, (2, 3), dtype=np.uint64) | np.uint64(1)
    dense = hash_rows(x, None, odd)
    for kind in (sparse.csr_array, sparse.csc_array):
        assert (hash_rows(kind(x), None, odd) == dense).all()
    twice = sparse.csc_array((np.array([1.0, 2.0]), [0, 0], [0, 0, 2]), shape=(3, 2))
    once = sparse.csc_array(np.array([[0.0, 3.0], [0.0, 0.0], [0.0, 0.0]]))
    assert (hash_rows(twice, None, odd) == hash_rows(once, None, odd)).all()
    assert twice.nnz == 2


def test_few_patterns_take_little_memory_on_the_way():
    rng = np.random.default_rng(6)

    def tabulate(patterns):
        keys = np.vstack([patterns, patterns]).astype(np.uint64)
        return Patterns((join_tables((PatternTable(keys, np.ones((2, 9)), np.ones((2, 9))),)),))

    total = tabulate(np.arange(9))
    for _ in range(50):
        total = total + tabulate(rng.integers(0, 9, 9))
        assert sum(part.keys.shape[1] for part in total.parts) <= 2 * 9
    assert join_tables(total.parts).observed.sum() == 2 * 9 * 51


def test_a_sparse_fit_has_the_same_patterns():
    x, codes = make_rows()
    res = ml.MNLogit(codes, sparse.csr_array(x)).fit()
    assert tell(find_patterns(res.record)) == count_rows(x, codes)


def test_weights_are_people():
    x, codes = make_rows()
    weights = np.random.default_rng(1).integers(1, 5, len(x))
    res = ml.MNLogit(codes, x, weights=weights, weight_type="frequency").fit()
    assert tell(find_patterns(res.record)) == count_rows(x, codes, weights)


def test_an_offset_tells_patterns_apart():
    x, codes = make_rows()
    shift = np.random.default_rng(2).integers(0, 2, (len(x), 3)).astype(float)
    res = ml.MNLogit(codes, x, offset=shift).fit()
    wide = np.column_stack([x, shift[:, 1:] - shift[:, :1]])
    assert tell(find_patterns(res.record)) == count_rows(wide, codes)
    assert tell(find_patterns(res.rebase(2).record)) == count_rows(wide, codes)


def test_rows_that_differ_in_the_last_bit_differ():
    x, codes = make_rows()
    x[:, 1] = np.nextafter(x[:, 1], np.where(np.arange(len(x)) % 2, 9.0, -9.0))
    assert tell(find_patterns(ml.MNLogit(codes, x).fit().record)) == count_rows(x, codes)


def test_rows_that_are_gone_are_named():
    with pytest.raises(DataNotKeptError, match="no longer holds its rows"):
        find_patterns(replace(fitted().record, blocks=None))


def test_many_distinct_rows_are_all_kept():
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(30_000), rng.normal(size=30_000).round(4)])
    record = ml.MNLogit(rng.integers(0, 2, len(x)), x).fit().record
    assert find_patterns(record).keys.shape[1] == len(np.unique(x[:, 1]))


def test_survey_has_as_many_patterns_as_pandas_counts():
    res = fitted("party ~ educ + region")
    groups = survey().groupby(["educ", "region"]).ngroups
    assert find_patterns(res.record).keys.shape[1] == groups

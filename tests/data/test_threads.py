"""Threads: safe from several at once, and after a fork."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import mlelogit as ml
from mlelogit.data.threads import count_threads, map_in_order


def draw(seed=0):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(30_000), rng.normal(size=(30_000, 2))])
    return rng.integers(0, 3, 30_000), x


def fit(seed=0):
    return ml.MNLogit(*draw(seed)).fit(threads=2).params.to_numpy()


def test_fits_from_several_threads_are_the_fits_from_one():
    alone = [fit(seed) for seed in range(4)]
    before = [library["num_threads"] for library in threadpool_info()]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(4)))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)
    assert [library["num_threads"] for library in threadpool_info()] == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_fits_too():
    here = fit()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        there = pool.apply_async(fit).get(timeout=60)
    assert np.array_equal(here, there)


def test_results_come_in_order_and_errors_come_out():
    items = list(range(50))
    assert list(map_in_order(lambda i: i * i, items, 4)) == [i * i for i in items]
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(lambda i: 1 // i, items, 4))


def test_all_processors_are_counted():
    assert count_threads() >= 1
    assert count_threads(3) == 3

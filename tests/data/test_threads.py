"""Threads: safe from several at once, and after a fork."""

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import mlelogit as ml
from mlelogit.data.threads import (
    WAITING,
    borrow,
    count_threads,
    fold_in_order,
    single_threaded_blas,
)
from mlelogit.exceptions import IntervalWarning
from mlelogit.notices import hear_warnings, warn_user


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


def list_limits():
    return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]


def test_the_last_thread_to_leave_restores_the_limit():
    before = list_limits()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as last:
        entered, leave = ({pool: threading.Event() for pool in (first, last)} for _ in range(2))

        @single_threaded_blas
        def hold(pool):
            entered[pool].set()
            leave[pool].wait(10)

        held = {}
        for pool in (first, last):
            held[pool] = pool.submit(hold, pool)
            entered[pool].wait(10)
        leave[first].set()
        held[first].result()
        assert set(list_limits()) == {1}
        leave[last].set()
        held[last].result()
        assert list_limits() == before
        with threadpool_limits(1):
            assert set(list_limits()) == {1}
            last.submit(fit).result()
        assert list_limits() == before


def test_many_fits_at_once_leave_the_limit_as_it_was():
    before = list_limits()
    for _ in range(4):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda i: ml.MNLogit(*draw()).fit(threads=1 + i % 3), range(8)))
        assert list_limits() == before


class Interruption:
    """Raises KeyboardInterrupt at one of the calls that the limit makes.

    The interpreter looks for signals when a function begins and after a call.
    """

    def __init__(self, call):
        self.left = call

    def __call__(self, frame, event, argument):
        inside = frame.f_code.co_filename.endswith(("threads.py", "threadpoolctl.py"))
        if inside and event in ("call", "c_return"):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt


def test_an_interrupt_at_any_call_leaves_the_limit_as_it_was():
    @single_threaded_blas
    def hold():
        pass

    hold()
    with threadpool_limits(2):
        before, call, interruption = list_limits(), 0, Interruption(0)
        while interruption.left <= 0:
            call += 1
            interruption = Interruption(call)
            try:
                sys.setprofile(interruption)
                hold()
            except KeyboardInterrupt:
                sys.setprofile(None)
                assert interruption.left <= 0
                assert list_limits() == before, call
            finally:
                sys.setprofile(None)
            assert list_limits() == before, call
    assert call > 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_fits_too():
    here = fit()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        there = pool.apply_async(fit).get(timeout=60)
    assert np.array_equal(here, there)


@pytest.mark.parametrize("threads", [1, 2, 4, 80])
def test_results_come_in_order_and_errors_come_out(threads):
    items, found = list(range(50)), []
    fold_in_order(lambda i: i * i, items, threads, found.append)
    assert found == [i * i for i in items]
    with pytest.raises(ZeroDivisionError):
        fold_in_order(lambda i: 1 // (i - 40), items, threads, found.append)


@pytest.mark.parametrize("threads", [2, 4])
def test_a_failure_anywhere_stops_the_rest(threads):
    ran = []

    def fail_late(i):
        ran.append(i)
        time.sleep(0.001)
        if i == 5:
            raise ZeroDivisionError
        return i

    with pytest.raises(ZeroDivisionError):
        fold_in_order(fail_late, list(range(500)), threads, lambda _: None)
    assert len(ran) < 100


def test_few_results_wait_for_a_slow_one():
    begun, waiting = [], []

    def work(i):
        begun.append(i)
        if i == 0:
            time.sleep(0.1)
            waiting.append(len(begun))
        return i

    found = []
    fold_in_order(work, range(2000), 3, found.append)
    assert found == list(range(2000))
    assert waiting[0] <= 2 * WAITING


@pytest.mark.parametrize("fails", ["item", "fold"])
def test_threads_that_wait_for_what_fails_go_on(fails):
    def work(i):
        if i == 0:
            time.sleep(0.05)
            if fails == "item":
                raise ZeroDivisionError
        return i

    def fold(_):
        if fails == "fold":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fold_in_order(work, range(2000), 3, fold)


def test_no_two_results_are_folded_at_a_time():
    busy, most = [], []

    def fold(_):
        busy.append(1)
        most.append(len(busy))
        busy.pop()

    fold_in_order(lambda i: i, list(range(500)), 4, fold)
    assert most == [1] * 500


def test_warnings_of_helpers_are_heard_by_whoever_listens_where_the_work_began():
    meet = threading.Barrier(2, timeout=10)

    def warn(_):
        meet.wait()  # So that two threads do one item each.
        warn_user(f"{threading.get_ident()}", IntervalWarning)

    with hear_warnings() as heard:
        fold_in_order(warn, [0, 1], 2, lambda _: None)
    assert len({one.message for one in heard}) == 2


def test_a_fold_within_a_fold_does_not_wait_for_itself():
    def inner(i):
        found = []
        fold_in_order(lambda j: i * j, list(range(4)), 2, found.append)
        return sum(found)

    found = []
    fold_in_order(inner, list(range(20)), 2, found.append)
    assert found == [6 * i for i in range(20)]


def test_borrowed_memory_is_ones_own_and_used_again():
    mine = borrow("sample", (3, 4))
    assert borrow("sample", (4, 3)).base is mine.base
    assert borrow("other", (3, 4)).base is not mine.base
    assert borrow("sample", (2,), np.float32).dtype == np.float32
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(borrow, "sample", (3, 4)).result()
    assert not np.shares_memory(borrow("sample", (3, 4)), theirs)


def test_all_processors_are_counted():
    assert count_threads() >= 1
    assert count_threads(3) == count_threads(np.int64(3)) == 3

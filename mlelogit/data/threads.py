"""Threads over row blocks, the linear algebra inside each held to one thread.

numpy and BLAS release the interpreter lock, so threads over blocks scale where
threads inside small products only wait for each other.
"""

from __future__ import annotations

import math
import os
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable, Iterable, Sized
from contextvars import copy_context
from functools import lru_cache, wraps
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

import numpy as np

from mlelogit.data.arguments import is_whole
from mlelogit.data.limits import MOST_THREADS, check_number
from mlelogit.exceptions import OptionError
from mlelogit.notices import keep_errors

LARGEST_KEPT = 1 << 22
# Results that wait for one before them: sums of thousands of numbers squared, flat in memory.
WAITING = 16
WAIT_SECONDS = 0.001

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def count_threads(threads: int | None = None) -> int:
    """Return the number of threads to use: that asked for, or the processors at hand.

    Raises
    ------
    OptionError
        If it is not a positive whole number.
    SizeLimitError
        If it is beyond what any machine has processors for.
    """
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    if not is_whole(threads) or threads < 1:
        raise OptionError(f"threads must be a positive whole number, not {threads!r}.")
    check_number(threads, MOST_THREADS, "threads", "one for every processor is enough")
    return int(threads)


class _SharedLimit:
    """One limit for the whole process, counted: the last to leave restores.

    That may be another thread than the first to enter. threadpoolctl lets one thread alone
    set limits until it gives up control, so control is passed on before and given up after.
    An interrupt can come between any two steps: what was is noted before it is changed, and
    each step may be done twice.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holders: set[object] = set()
        self.before: Any = None

    def enter(self, holder: object) -> None:
        with self.lock:
            self.holders.add(holder)
            if self.before is None:
                self.before = _find_libraries().limit(limits=None, user_api="blas")
                _find_libraries().limit(limits=1, user_api="blas")

    def leave(self, holder: object) -> None:
        with self.lock:
            self.holders.discard(holder)
            if not self.holders:
                self.restore()

    def restore(self) -> None:
        """Set what was before, if anything was changed."""
        if self.before is not None:
            _give_up_control()
            self.before.restore_original_limits()
            _give_up_control()
            self.before = None


def _give_up_control() -> None:
    """Let any thread set limits; older threadpoolctl always does."""
    for library in _find_libraries().lib_controllers:
        give_up = getattr(library, "clear_controlling_thread", None)
        if give_up is not None:
            give_up(force=True)


@lru_cache(maxsize=1)
def _find_libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_limit = _SharedLimit()


class _Holding(threading.local):
    """What this thread last took hold of the limit with; whether it still does the limit knows."""

    holder: object = None


_holding = _Holding()


def single_threaded_blas(
    function: Callable[Arguments, Result],
) -> Callable[Arguments, Result]:
    """Hold BLAS to one thread while a function runs; concurrent users share one limit.

    A ``with`` would do, but for an interrupt that comes just as its block begins or ends:
    then what undoes it waits until nobody holds the traceback. A thread that has a hold of
    the limit needs no other one.
    """
    whole = keep_errors(function)

    @wraps(function)
    def hold(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        limit, holder = _limit, object()
        if _holding.holder in limit.holders:
            return function(*args, **kwargs)
        try:
            limit.enter(holder)
            _holding.holder = holder
            return whole(*args, **kwargs)
        finally:
            try:
                limit.leave(holder)
            except BaseException:
                limit.leave(holder)
                raise

    return hold


class _Task:
    """Work for a helper, which whoever claims it first does or drops.

    Of plain locks alone: an interrupt can leave the conditions that futures are made of
    locked for good, and the next fit waiting.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self.function, self.context = function, copy_context()
        self.claim, self.running = threading.Lock(), threading.Lock()
        self.running.acquire()
        self.error: BaseException | None = None

    def run(self) -> None:
        if not self.claim.acquire(blocking=False):
            return
        try:
            self.context.run(self.function)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self.error = error
        finally:
            self.running.release()

    def finish(self) -> None:
        """Drop the work, or wait for its end if it has begun."""
        if not self.claim.acquire(blocking=False):
            self.running.acquire()


class _Pool:
    """Helper threads, as many as were ever wanted at a time, and what they have to do."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tasks: SimpleQueue[_Task] = SimpleQueue()
        self.size = 0

    def submit(self, tasks: list[_Task]) -> None:
        with self.lock:
            while self.size < len(tasks):
                start_new_thread(self.serve, ())
                self.size += 1
        for task in tasks:
            self.tasks.put(task)

    def serve(self) -> None:
        while True:
            self.tasks.get().run()


_pool = _Pool()


def _forget_threads() -> None:
    """Start afresh in a forked process, where the parent's threads and fits do not exist."""
    global _limit, _pool
    _limit.restore()
    _limit, _pool = _SharedLimit(), _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


class _Queue:
    """Items handed out one by one, and their results folded in the order of the items.

    Whatever the number of threads, the results meet in one order, so sums are the same
    numbers; those that came early wait, the rest is folded at once. When `WAITING` are early no
    item is handed out: whoever works on the one that they wait for gives its result first.
    """

    def __init__(self, items: Iterable[Any], fold: Callable[[Any], None]) -> None:
        self.taking = threading.Lock()
        self.giving = threading.Lock()
        self.left = enumerate(items)
        self.fold = fold
        self.folded = 0
        self.early: dict[int, Any] = {}
        self.closed = False

    def take(self) -> tuple[int, Any] | None:
        while len(self.early) >= WAITING and not self.closed:
            time.sleep(WAIT_SECONDS)
        with self.taking:
            return next(self.left, None)

    def give(self, place: int, result: Any) -> None:
        with self.giving:
            self.early[place] = result
            while self.folded in self.early:
                self.fold(self.early.pop(self.folded))
                self.folded += 1

    def close(self) -> None:
        self.closed = True
        with self.taking:
            self.left = enumerate(())


def fold_in_order(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    threads: int,
    fold: Callable[[Any], None],
) -> None:
    """Apply a function to items, in threads where there are several, and fold the results.

    Parameters
    ----------
    function : callable
    items : iterable
        Taken from one at a time, by whichever thread is free.
    threads : int
        The calling thread is one of them: it works while the others do, which spares the
        waking of a thread per item.
    fold : callable
        Called with every result, in the order of the items, never twice at a time.
    """
    helpers = (min(threads, len(items)) if isinstance(items, Sized) else threads) - 1
    if helpers < 1:
        for item in items:
            fold(function(item))
        return
    queue = _Queue(items, fold)

    def work() -> None:
        try:
            while (taken := queue.take()) is not None:
                place, item = taken
                queue.give(place, function(item))
        except BaseException:
            queue.close()
            raise

    tasks = [_Task(work) for _ in range(helpers)]
    try:
        _pool.submit(tasks)
        work()
    finally:
        queue.close()
        for task in tasks:
            task.finish()
    for task in tasks:
        if task.error is not None:
            raise task.error


_scratch = threading.local()


def borrow(name: str, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
    """Return an array of this thread's own that the next call with the same name overwrites.

    Blocks come by the hundreds and are all of a size; memory that is fresh for each would
    cost more in page faults than the arithmetic done in it. What is larger than
    `LARGEST_KEPT` numbers is not kept for the next call.
    """
    size = math.prod(shape)
    held = getattr(_scratch, name, None)
    if held is None or held.size < size or held.dtype != dtype:
        held = np.empty(size, dtype)
        if size <= LARGEST_KEPT:
            setattr(_scratch, name, held)
    return held[:size].reshape(shape)

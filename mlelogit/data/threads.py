"""Threads over row blocks, the linear algebra inside each held to one thread.

numpy and BLAS release the interpreter lock, so threads over blocks scale where
threads inside small products only wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from mlelogit.exceptions import OptionError


def count_threads(threads: int | None = None) -> int:
    """Return the number of threads to use: that asked for, or the processors at hand.

    Raises
    ------
    OptionError
        If it is not a positive whole number.
    """
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise OptionError(f"threads must be a positive whole number, not {threads!r}.")
    return threads


class _SharedLimit:
    """One limit for the whole process, counted: the last to leave restores."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.limiter: Any = None

    def enter(self) -> None:
        with self.lock:
            if self.users == 0:
                self.limiter = _find_libraries().limit(limits=1, user_api="blas")
                self.limiter.__enter__()
            self.users += 1

    def leave(self) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                self.limiter.__exit__(None, None, None)
                self.limiter = None


@lru_cache(maxsize=1)
def _find_libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_limit = _SharedLimit()


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS to one thread; concurrent users share one limit."""
    limit = _limit
    limit.enter()
    try:
        yield
    finally:
        limit.leave()


def _forget_threads() -> None:
    """Start afresh in a forked process, where the parent's threads do not exist."""
    global _limit
    _limit = _SharedLimit()
    _make_pool.cache_clear()


@lru_cache(maxsize=8)
def _make_pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="mlelogit")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


def map_in_order(function: Callable[[Any], Any], items: list[Any], threads: int) -> Iterator[Any]:
    """Apply a function to items, in threads where there are several; results in order."""
    if threads == 1 or len(items) == 1:
        return map(function, items)
    return _make_pool(threads).map(function, items)

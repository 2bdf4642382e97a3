"""PyTorch, imported when a network is used, and free of what its caller has switched on."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from mlelogit.notices import import_extra

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def load_torch() -> Any:
    """Import PyTorch.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    return import_extra("torch", "networks")


class _SharedThreads:
    """PyTorch's number of threads while some computations hold it to one.

    A thread has a number of its own, and one that is new gets that of the process. So the first
    to enter notes what was, and each that leaves puts that back. What a thread does while it
    holds already is part of that.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holders: set[object] = set()
        self.before = 1
        self.own = threading.local()

    @contextmanager
    def hold(self, torch: Any) -> Iterator[None]:
        """Compute with one thread."""
        if getattr(self.own, "holds", False):
            yield
            return
        holder = object()
        try:
            self.own.holds = True
            with self.lock:
                if not self.holders:
                    self.before = torch.get_num_threads()
                self.holders.add(holder)
            torch.set_num_threads(1)
            yield
        finally:
            self.own.holds = False
            if holder in self.holders:
                torch.set_num_threads(self.before)
                self.holders.discard(holder)

    def forget(self) -> None:
        """Start afresh: an interrupt can keep a holder from leaving."""
        self.own.holds = False
        self.holders.clear()


_threads = _SharedThreads()
_drawing = threading.RLock()


@contextmanager
def plain_torch(device: Any, gradients: bool = True, parallel: bool = False) -> Iterator[Any]:
    """Compute in double precision, with gradients or without, whatever surrounds the caller.

    Inside, neither autocast, which lowers the precision of layers, nor the caller's inference
    mode or ``no_grad`` holds.

    Parameters
    ----------
    device : torch.device
    gradients : bool
    parallel : bool
        Whether there is enough to do for as many threads as PyTorch has. Otherwise there is one:
        several that wait for each other are slower, hundreds of times on a busy machine.
    """
    torch = load_torch()
    with (
        nullcontext() if parallel else _threads.hold(torch),
        torch.inference_mode(False),
        torch.set_grad_enabled(gradients),
        torch.autocast(device_type=device.type, enabled=False),
    ):
        yield torch


@contextmanager
def one_attention() -> Iterator[None]:
    """Compute attention by its formula, which can be differentiated twice."""
    attention = importlib.import_module("torch.nn.attention")
    with attention.sdpa_kernel(attention.SDPBackend.MATH):
        yield


def restore_switches(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Put PyTorch's switches back after an interrupt, which can keep a ``with`` from doing so."""

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        torch = load_torch()
        gradients, threads = torch.is_grad_enabled(), torch.get_num_threads()
        autocast, drawn = torch.is_autocast_enabled("cpu"), torch.random.get_rng_state()
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            torch.set_grad_enabled(gradients)
            torch.set_autocast_enabled("cpu", autocast)
            torch.random.set_rng_state(drawn)
            torch.set_num_threads(threads)
            _threads.forget()
            raise

    return run


@contextmanager
def fork_randomness(seed: int) -> Iterator[None]:
    """Draw from a seed, and leave PyTorch's own random numbers as they were.

    They belong to the process, so threads take turns.
    """
    torch = load_torch()
    with _drawing, torch.random.fork_rng():
        torch.manual_seed(seed)
        yield

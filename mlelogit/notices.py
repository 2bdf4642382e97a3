"""Warn where the user can see what led to it, and leave what Python and numpy do as it was."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from mlelogit.exceptions import MissingExtraError, MNLogitWarning

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Item = TypeVar("Item")

_turn = threading.RLock()
_listener: ContextVar[list[Heard] | None] = ContextVar("listener", default=None)


@dataclass(frozen=True)
class Heard:
    """A warning that was collected instead of given.

    Attributes
    ----------
    category : type
        A subclass of `MNLogitWarning`.
    message : str
    """

    category: type[MNLogitWarning]
    message: str


@contextmanager
def hear_warnings() -> Iterator[list[Heard]]:
    """Collect what this package warns of in this thread, for whoever will tell it himself.

    Examples
    --------
    >>> from mlelogit.exceptions import IntervalWarning
    >>> from mlelogit.notices import hear_warnings, warn_user
    >>> with hear_warnings() as heard:
    ...     warn_user("No interval.", IntervalWarning)
    >>> heard[0].message
    'No interval.'
    """
    heard: list[Heard] = []
    before = _listener.get()
    try:  # An interrupt may come as soon as it is set.
        _listener.set(heard)
        yield heard
    finally:
        _listener.set(before)


def warn_user(message: str, category: type[MNLogitWarning]) -> None:
    """Warn at the line outside this package that led here, or tell who collects warnings.

    Parameters
    ----------
    message : str
    category : type
        A subclass of `MNLogitWarning`.
    """
    heard = _listener.get()
    if heard is not None:
        heard.append(Heard(category, message))
        return
    home = str(Path(__file__).parent)
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(home):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def start_bar(
    what: str, total: int | None = None, disp: bool | None = None, unit: str = "it"
) -> Any:
    """Return a progress bar on standard error as a context, or one that holds None.

    Parameters
    ----------
    what : str
    total : int, optional
        Number of steps, if it is known.
    disp : bool, optional
        Whether to show it; on a terminal if not given, and never where there is no standard
        error (as under pythonw). Nowhere else is a bar made: even a silent one makes locks
        that settle how this process starts others.
    unit : str
        What is counted.
    """
    stream = sys.stderr
    if stream is None or disp is False or (disp is None and not stream.isatty()):
        return nullcontext()
    from tqdm import tqdm

    scale = unit != "it"
    # A terminal that does not tell its size, as of a container, would be shown nothing.
    size = {} if _find_width(stream) else {"ncols": 80, "nrows": 24}
    return tqdm(total=total, desc=what, leave=False, unit=unit, unit_scale=scale, **size)


def _find_width(stream: Any) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return 0


def track(
    items: Iterable[Item],
    what: str,
    disp: bool | None = None,
    *,
    total: int | None = None,
    weigh: Callable[[Item], int] = lambda _: 1,
) -> Iterator[Item]:
    """Go through items with a progress bar; see `start_bar`.

    Parameters
    ----------
    items : iterable
    what : str
    disp : bool, optional
    total : int, optional
        Their number, or that of the steps they are; the length of items if not given.
    weigh : callable, optional
        Of an item: how many steps it is; one if not given.
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    with start_bar(what, total, disp) as bar:
        for item in items:
            yield item
            if bar is not None:
                bar.update(weigh(item))


def keep_errors(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Put numpy's error state back after an interrupt, which can keep numpy from doing so."""

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        errors: Any = np.geterr()
        handler: Any = np.geterrcall()
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            np.seterrcall(handler)
            np.seterr(**errors)
            raise

    return run


def in_turn(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let one thread at a time into functions that hand work to pandas and its kin.

    Those swap the warning filters of the process while they work, and of two threads that
    overlap the last to leave would restore what the first had set.
    """
    function = keep_errors(function)

    @wraps(function)
    def wait(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with _turn:
            before = warnings.filters
            try:
                return function(*args, **kwargs)
            except KeyboardInterrupt:  # It can come before pandas has put them back.
                warnings.filters = before
                raise

    return wait


def run_quietly(function: Callable[..., Result], *args: Any) -> Result:
    """Run another package's function whose warnings tell the user nothing.

    The filters belong to the process, so the one put before them is for this thread alone:
    warnings that others give meanwhile go where they would have gone.
    """
    with _turn:
        before, listener = warnings.filters, _listener.get()
        mine: Any = ("ignore", None, Warning, _ThisThread(), 0)
        try:
            warnings.filters = [mine, *before]
            _listener.set([])
            return function(*args)
        finally:
            warnings.filters = before
            _listener.set(listener)


class _ThisThread:
    """Stands in a filter for the pattern of modules: whatever this thread runs, it matches."""

    def __init__(self) -> None:
        self.ident = threading.get_ident()

    def match(self, _: str) -> bool:
        return threading.get_ident() == self.ident


def _take_back_turn() -> None:
    """Start afresh in a forked process, where whoever had the turn does not exist."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_take_back_turn)


def import_extra(module: str, extra: str) -> Any:
    """Import an optional package, or raise `MissingExtraError` that names the extra to install.

    Examples
    --------
    >>> from mlelogit.notices import import_extra
    >>> import_extra("no_such_package", "plots")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.MissingExtraError: This needs no_such_package, which is not installed: ...
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"This needs {package}, which is not installed: pip install 'mlelogit[{extra}]'."
        ) from error

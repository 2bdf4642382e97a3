"""The limits of size, each with its reason, and the memory that is there for what has none.

What needs more memory than there is is refused before any of it is taken. `allow_memory` sets
another amount; the other limits are numbers beyond which an input is of the wrong kind, or which
the work would not end with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mlelogit.data.arguments import is_whole, write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import OptionError, SizeLimitError

# A row of a million cells has some ten million bytes; a file without line ends is no csv.
LONGEST_ROW = 1 << 25
# Each column of a table is an array of its own, some 1.4 kB; a million took 17 s and 1.3 GB.
MOST_COLUMNS = 200_000
# Cells of a csv as pandas holds them meanwhile: where each begins, and what it becomes; measured
# were 18 to 27 bytes beside the text itself, and 9 to 13 where few columns are kept.
BYTES_PER_CELL, BYTES_PER_CELL_SKIPPED = 28, 14
# Beyond these an outcome whose categories have hardly two rows each is an identifier or a
# measurement: the fit would be separated, and its probabilities be of no use.
MANY_CATEGORIES, ROWS_PER_CATEGORY = 1000, 2
# Arrays (K, K) that are held while the rank of the columns is found: 10 to 28 were measured.
SQUARES_OF_COLUMNS = 10
# Resamples and repeats: at a millisecond each that is hours, and no digit is gained.
MOST_DRAWS = 10_000_000
# More than machines have processors; each takes a stack of its own.
MOST_THREADS = 4096
# Levels and categories that are learned from rows read in pieces, which may never end: with a
# column, or J - 1 coefficients, for each they outgrow memory long before.
MOST_LEVELS = 1_000_000
# What may be used of the memory that is free, as estimates are rough and others need some too.
SHARE = 0.9
# So few bytes are there, or nothing works: the system is not asked, which takes half a millisecond.
FEW = 1 << 24
# Where the system does not tell how much is free.
UNKNOWN = 8e9

_allowed: ContextVar[float | None] = ContextVar("allowed", default=None)
_meant: ContextVar[bool] = ContextVar("meant", default=False)
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


@contextmanager
def allow_memory(size: Any) -> Iterator[None]:
    """Let work take so many bytes of memory, whatever seems to be free.

    Parameters
    ----------
    size : float
        In bytes; ``float("inf")`` for no limit: then what is too large ends in a `MemoryError`,
        or by the hand of the system.

    Raises
    ------
    OptionError
        If it is no positive number.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.limits import check_memory
    >>> with ml.allow_memory(1e6):
    ...     check_memory(2e6, "This table", "Take fewer columns")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.SizeLimitError: This table needs some 2 MB of memory, and 1 MB are ...
    """
    if not ((isinstance(size, float) or is_whole(size)) and size > 0):
        raise OptionError(f"Memory is a positive number of bytes, not {write_value(size)}.")
    token = _allowed.set(float(size))
    try:
        yield
    finally:
        _allowed.reset(token)


@contextmanager
def allow_categories() -> Iterator[None]:
    """Let an outcome have categories of hardly a row each.

    See `mlelogit.data.limits.check_categories`.

    Examples
    --------
    >>> from mlelogit.data.limits import allow_categories, check_categories
    >>> with allow_categories():
    ...     check_categories(range(2000), 2100, "id")
    """
    token = _meant.set(True)
    try:
        yield
    finally:
        _meant.reset(token)


def find_memory() -> float:
    """Return how many bytes may be taken: those of `allow_memory`, or most of what is free.

    That is the smallest of what the system has free, what is left of the limit of a container
    (control group) and of the process (``ulimit -v``), times 0.9.

    Returns
    -------
    float
        In bytes.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.limits import find_memory
    >>> with ml.allow_memory(8e9):
    ...     find_memory()
    8000000000.0
    """
    allowed = _allowed.get()
    if allowed is not None:
        return allowed
    found = [size for size in (_read_free(), _read_cgroup(), _read_rlimit()) if size is not None]
    return SHARE * max(min(found), 0.0) if found else UNKNOWN


def _read_free() -> float | None:
    """Return what the system could give without swapping."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
        try:
            return float(os.sysconf(name)) * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            continue
    return None


def _read_cgroup() -> float | None:
    """Return what is left of a container's memory; pages of files it can give back are left."""
    for limit, usage, stat in _CGROUPS:
        try:
            most, used = (float(Path(path).read_text(encoding="ascii")) for path in (limit, usage))
            lines = Path(stat).read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):  # No such group, or no limit: "max".
            continue
        counts = dict(line.split()[:2] for line in lines if len(line.split()) > 1)
        return most - used + float(counts.get("inactive_file", 0))
    return None


def _read_rlimit() -> float | None:
    """Return what is left of the addresses that the process may have."""
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        # Addresses are not memory: an array that grows has old and new ones at a time.
        return (float(most) - pages * os.sysconf("SC_PAGE_SIZE")) / 2
    except (ImportError, OSError, ValueError):
        return None


def check_memory(needed: float, what: str, advice: str) -> None:
    """Raise if something needs more memory than may be taken.

    Parameters
    ----------
    needed : float
        Bytes.
    what : str
        What needs them, the first words of a sentence.
    advice : str
        What to do, without a full stop.

    Raises
    ------
    SizeLimitError
        That gives both numbers.
    """
    if needed <= FEW and _allowed.get() is None:
        return
    there = find_memory()
    if not needed <= there:
        raise SizeLimitError(
            f"{what} needs some {write_bytes(needed)} of memory, and {write_bytes(there)} are "
            f"there for it. {advice}; or allow more: with mlelogit.allow_memory(bytes)."
        )


def check_width(width: int, names: Sequence[Any] = (), what: str = "") -> None:
    """Raise `SizeLimitError` if the products (K, K) of so many columns outgrow memory.

    Parameters
    ----------
    width : int
        K, or what it is at least.
    names : sequence, optional
        Of the columns, for the message.
    what : str
        What makes them, if that is known; the first words of a sentence.
    """
    said = f" ({list_some(names, 3)})" if len(names) else ""
    check_memory(
        8.0 * SQUARES_OF_COLUMNS * float(width) ** 2,
        f"{what or f'The model has {width:,} columns{said}, and'} finding out which of them "
        "depend on others",
        "Take fewer columns, or put the levels of a factor together",
    )


def check_categories(categories: Sequence[Any], rows: float, name: Any) -> None:
    """Raise `SizeLimitError` if labels are so many that each has hardly a row of its own.

    Parameters
    ----------
    categories : sequence
    rows : float
        Their number, or what they weigh.
    name : label
        Of the outcome, for the message.

    Raises
    ------
    SizeLimitError
        If there are more than 1,000 of them and hardly two rows each.

    Examples
    --------
    >>> from mlelogit.data.limits import check_categories
    >>> check_categories(range(2000), 2100, "id")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.SizeLimitError: The outcome 'id' has 2,000 categories (0, 1, 2 and 1997 ...
    """
    many = len(categories) > MANY_CATEGORIES and ROWS_PER_CATEGORY * len(categories) > rows
    if many and not _meant.get():
        raise SizeLimitError(
            f"The outcome {name!r} has {len(categories):,} categories "
            f"({list_some(categories, 3)}) in {rows:,.0f} rows, fewer than {ROWS_PER_CATEGORY} "
            "rows each: that is an identifier or a measurement. Take another outcome, or cut it "
            "into classes (pandas.cut); if they are meant, say so: outcome='labels'."
        )


def write_bytes(size: float) -> str:
    """Write a number of bytes with the unit that makes it short.

    Examples
    --------
    >>> from mlelogit.data.limits import write_bytes
    >>> write_bytes(25.6e9), write_bytes(640)
    ('25.6 GB', '640 bytes')
    """
    for unit, power in (("EB", 18), ("PB", 15), ("TB", 12), ("GB", 9), ("MB", 6), ("kB", 3)):
        if size >= 10.0**power:
            return f"{size / 10.0**power:,.3g} {unit}"
    return f"{size:.0f} bytes"


def check_number(given: float, most: int, what: str, advice: str) -> None:
    """Raise `SizeLimitError` if there are more of something than there may be.

    Examples
    --------
    >>> from mlelogit.data.limits import check_number
    >>> check_number(5000, 4096, "threads", "a processor each is enough")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.SizeLimitError: 5,000 threads, and 4,096 are the most: a processor each ...
    """
    if given > most:
        raise SizeLimitError(f"{given:,} {what}, and {most:,} are the most: {advice}.")

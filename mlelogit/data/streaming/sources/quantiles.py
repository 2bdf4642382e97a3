"""Exact quantiles of a column that is read in pieces: a few passes that only count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import as_numbers, find_missing
from mlelogit.data.streaming.sources.pieces import Pieces
from mlelogit.exceptions import EmptyDataError

# 64 bits of a double take at most six passes of so many bins, and three as a rule.
BIN_BITS = 12
BINS = 1 << BIN_BITS
SIGN = np.uint64(1) << np.uint64(63)


def rank_doubles(values: np.ndarray) -> np.ndarray:
    """Return whole numbers (uint64) in the order of doubles (m,), one for every double.

    Those of positive doubles are their bits after a leading one, those of negative ones the
    complement of their bits (IEEE 754, section 5.10: the total order).

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.streaming.sources.quantiles import rank_doubles
    >>> ranks = rank_doubles(np.array([-1.0, 0.0, 5e-324, 1.0]))
    >>> bool((np.diff(ranks.astype(object)) > 0).all()), int(ranks[2] - ranks[1])
    (True, 1)
    """
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)  # There is one zero.
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def find_double(rank: int) -> float:
    """Return the double that has a rank."""
    bits = np.uint64(rank)
    return float((bits ^ SIGN if bits & SIGN else ~bits).view(np.float64))


@dataclass(frozen=True)
class Tally:
    """How many values lie in the bins of some intervals of ranks; ``+`` joins rows.

    Attributes
    ----------
    counts : numpy.ndarray
        (intervals, bins), int64.
    low, high : numpy.ndarray
        Least and largest rank in every bin, (intervals, bins), uint64.
    """

    counts: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __add__(self, other: Tally) -> Tally:
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Tally(self.counts + other.counts, low, high)


@dataclass(frozen=True)
class Counting:
    """A pass that counts a column's values within intervals of ranks.

    Attributes
    ----------
    column : str
    complete : tuple of str
        Rows with a gap in one of these columns do not count.
    intervals : tuple of (int, int)
        First and last rank of each, apart from each other and in their order.
    times : str or None
        The column that says how often a row counts; once if there is none.
    """

    column: str
    complete: tuple[str, ...]
    intervals: tuple[tuple[int, int], ...]
    times: str | None = None

    def __call__(self, frame: pd.DataFrame) -> Tally:
        """Return the tally of a frame."""
        gaps = [find_missing(frame[name]) for name in (self.column, *self.complete)]
        values = as_numbers(frame[self.column], self.column).astype(np.float64)
        kept = ~np.logical_or.reduce(gaps)
        ranks = rank_doubles(values[kept])
        times = None
        if self.times is not None:
            times = frame[self.times].to_numpy(np.int64)[kept]
        tallies = [_tally(ranks, times, first, last) for first, last in self.intervals]
        return Tally(*(np.stack(part) for part in zip(*tallies, strict=True)))


def _tally(
    ranks: np.ndarray, times: np.ndarray | None, first: int, last: int
) -> tuple[np.ndarray, ...]:
    within = (ranks >= np.uint64(first)) & (ranks <= np.uint64(last))
    inside = ranks[within]
    bins = ((inside - np.uint64(first)) >> np.uint64(_find_shift(first, last))).astype(np.intp)
    low = np.full(BINS, np.iinfo(np.uint64).max)
    high = np.zeros(BINS, dtype=np.uint64)
    np.minimum.at(low, bins, inside)
    np.maximum.at(high, bins, inside)
    if times is None:
        return np.bincount(bins, minlength=BINS), low, high
    counts = np.zeros(BINS, dtype=np.int64)
    np.add.at(counts, bins, times[within])
    return counts, low, high


def _find_shift(first: int, last: int) -> int:
    """Return how many bits of a rank's distance from the first do not tell its bin."""
    return max(0, (last - first).bit_length() - BIN_BITS)


def find_repeated_quantiles(
    values: np.ndarray, times: np.ndarray, probabilities: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Return numpy's quantiles of sorted values (k,) that occur so often (k,) each.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.streaming.sources.quantiles import find_repeated_quantiles
    >>> find_repeated_quantiles(np.array([1.0, 2.0]), np.array([3, 2]), [0.5, 0.625]).tolist()
    [1.0, 1.5]

    Raises
    ------
    EmptyDataError
        If there are none.
    """
    ends = np.cumsum(times)
    if not len(ends):
        raise EmptyDataError("There is no complete row to find quantiles of.")
    place = (ends[-1] - 1) * np.asarray(probabilities, dtype=np.float64)
    share = place - np.floor(place)
    last = len(values) - 1
    left = values[np.minimum(np.searchsorted(ends, np.floor(place), side="right"), last)]
    right = values[np.minimum(np.searchsorted(ends, np.floor(place) + 1, side="right"), last)]
    # As numpy interpolates, from the nearer side.
    return np.where(
        share < 0.5, left + (right - left) * share, right - (right - left) * (1 - share)
    )


def find_quantiles(
    pieces: Pieces,
    column: str,
    probabilities: Sequence[float],
    complete: Sequence[str],
    times: str | None = None,
) -> np.ndarray:
    """Return quantiles of a column, to the last bit those of `numpy.quantile`.

    Doubles are ordered as whole numbers of 64 bits, so counting in 4,096 bins narrows a value
    down by 12 bits in each pass, however many rows there are, and by more where values repeat
    or lie close together. Two neighbouring values are found for each probability, and the
    quantile between them as numpy does ("linear", definition 7 of Hyndman and Fan, 1996, The
    American Statistician 50, 361-365).

    Parameters
    ----------
    pieces : Pieces
    column : str
    probabilities : sequence of float
    complete : sequence of str
        Columns in which a row must not have a gap to count.
    times : str, optional
        The column that says how often a row counts; once if not given.

    Returns
    -------
    numpy.ndarray
        (len(probabilities),); NaN if there is no row.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.streaming.opening import open_pieces
    >>> from mlelogit.data.streaming.sources.quantiles import find_quantiles
    >>> anes = ml.datasets.load_anes96()
    >>> pieces = open_pieces([anes.head(500), anes.tail(444)])
    >>> bool(find_quantiles(pieces, "age", [0.5], ["age"])[0] == anes["age"].median())
    True
    """
    work = Counting(column, tuple(dict.fromkeys((column, *complete))), ((0, 2**64 - 1),), times)
    tally = _count(pieces, work)
    total = 0 if tally is None else int(tally.counts.sum())
    if tally is None or not total:
        return np.full(len(probabilities), np.nan)
    places = np.asarray(probabilities, dtype=np.float64) * (total - 1)
    wanted = sorted({min(int(at) + step, total - 1) for at in places for step in (0, 1)})
    found: dict[int, float] = {}
    left = dict.fromkeys(wanted, (work.intervals[0], 0))
    while True:
        left = _narrow(left, work.intervals, tally, found)
        if not left:
            break
        intervals = tuple(sorted({interval for interval, _ in left.values()}))
        work = replace(work, intervals=intervals)
        tally = _count(pieces, work)
    return np.array([_interpolate(found, at, total) for at in places])


def _count(pieces: Pieces, work: Counting) -> Any:
    columns = work.complete if work.times is None else (*work.complete, work.times)
    return pieces.reduce(work, columns, f"Quantiles of {work.column}")


def _narrow(
    left: dict[int, tuple[tuple[int, int], int]],
    intervals: tuple[tuple[int, int], ...],
    tally: Tally,
    found: dict[int, float],
) -> dict[int, tuple[tuple[int, int], int]]:
    """Return the interval of each value sought, with how many lie below; note what is found."""
    narrower = {}
    for place, (interval, below) in left.items():
        row = intervals.index(interval)
        sums = below + np.cumsum(tally.counts[row])
        chosen = int(np.searchsorted(sums, place, side="right"))
        low, high = int(tally.low[row, chosen]), int(tally.high[row, chosen])
        if low == high:
            found[place] = find_double(low)
        else:
            narrower[place] = ((low, high), int(sums[chosen] - tally.counts[row, chosen]))
    return narrower


def _interpolate(found: dict[int, float], at: float, total: int) -> float:
    place = int(at)
    pair = [found[place], found[min(place + 1, total - 1)]]
    return float(np.quantile(pair, at - place))

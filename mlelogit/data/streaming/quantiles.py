"""Exact quantiles of a column that is read in pieces, found by counting, in flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import as_numbers, find_missing
from mlelogit.exceptions import EmptyDataError

# A pass settles so many of the 64 bits of a double: four passes, and counts of half a megabyte.
_BITS = 16
_SIGN = np.uint64(1 << 63)


@dataclass(frozen=True)
class Counts:
    """How keys go on after some first bits; ``+`` joins rows.

    Attributes
    ----------
    times : numpy.ndarray
        (beginnings, 2**16): how often each of the next bits comes.
    """

    times: np.ndarray

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.times + other.times)


@dataclass(frozen=True)
class KeyCounter:
    """Counts how the numbers of a column go on after some first bits.

    Attributes
    ----------
    column : str
    complete : tuple of str
        Rows with a gap in one of these columns are left out.
    settled : int
        How many first bits are known.
    beginnings : tuple of int
        Which they are.
    """

    column: str
    complete: tuple[str, ...]
    settled: int = 0
    beginnings: tuple[int, ...] = (0,)

    def __call__(self, frame: pd.DataFrame) -> Counts:
        """Return the counts of a frame."""
        kept = ~np.logical_or.reduce([find_missing(frame[name]) for name in self.complete])
        keys = make_keys(as_numbers(frame[self.column], self.column)[kept])
        rest = (keys >> np.uint64(64 - self.settled - _BITS)) & np.uint64((1 << _BITS) - 1)
        first = keys >> np.uint64(64 - self.settled) if self.settled else np.zeros_like(keys)
        size = 1 << _BITS
        return Counts(
            np.stack(
                [
                    np.bincount(rest[first == np.uint64(one)].astype(np.int64), minlength=size)
                    for one in self.beginnings
                ]
            )
        )


def make_keys(values: np.ndarray) -> np.ndarray:
    """Return whole numbers (n,) in the order of doubles, which they tell apart."""
    # Zero is one number, whatever its sign.
    bits = (values.astype(np.float64) + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def read_keys(keys: np.ndarray) -> np.ndarray:
    """Return the doubles of keys."""
    return np.where(keys & _SIGN, keys & ~_SIGN, ~keys).astype(np.uint64).view(np.float64)


@dataclass(frozen=True)
class CountedQuantiles:
    """Finds quantiles of a column of pieces, as `numpy.quantile` does of an array.

    A double is a string of 64 bits; brought into an order that is that of the numbers, a pass
    that counts the first bits tells in which class a quantile lies, and three more which number
    it is. Nothing is held but counts.

    Attributes
    ----------
    pieces : Pieces

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.streaming.frames import FramePieces
    >>> from mlelogit.data.streaming.quantiles import CountedQuantiles
    >>> pieces = FramePieces([pd.DataFrame({"x": [3.0, 1.0]}), pd.DataFrame({"x": [2.0, 4.0]})])
    >>> CountedQuantiles(pieces)("x", [0.25, 0.5], ["x"])
    array([1.75, 2.5 ])
    """

    pieces: Any

    def __call__(
        self, column: str, probabilities: Sequence[float], complete: Sequence[str]
    ) -> np.ndarray:
        """Return the quantiles of a column over the rows without a gap in `complete`.

        Raises
        ------
        EmptyDataError
            If there is no such row.
        """
        needed = tuple(dict.fromkeys([*complete, column]))
        what = f"quantiles of {column}"
        found = self.pieces.reduce(KeyCounter(column, needed), needed, what)
        rows = 0 if found is None else int(found.times.sum())
        if not rows:
            raise EmptyDataError(f"No row is complete, so {column!r} has no quantiles.")
        at = np.asarray(probabilities, dtype=np.float64) * (rows - 1)
        low = np.floor(at).astype(np.int64)
        wanted, places = np.unique(
            np.concatenate([low, np.minimum(low + 1, rows - 1)]), return_inverse=True
        )
        values = self._select(column, needed, found, wanted)[places].reshape(2, -1)
        pairs = zip(values.T, at - low, strict=True)
        return np.array([np.quantile(pair, share) for pair, share in pairs])

    def _select(
        self, column: str, needed: tuple[str, ...], found: Counts, wanted: np.ndarray
    ) -> np.ndarray:
        """Return the numbers at places (m,) of the column in order, by its first bits' counts."""
        beginnings, left, classes = np.zeros(len(wanted), np.uint64), wanted.copy(), [0]
        for settled in range(0, 64, _BITS):
            if settled:
                classes = np.unique(beginnings).tolist()
                count = KeyCounter(column, needed, settled, tuple(classes))
                found = self.pieces.reduce(count, needed, f"quantiles of {column}")
            for i, beginning in enumerate(beginnings.tolist()):
                times = found.times[classes.index(beginning)]
                place = int(np.searchsorted(np.cumsum(times), left[i], side="right"))
                left[i] -= int(times[:place].sum())
                beginnings[i] = (beginnings[i] << np.uint64(_BITS)) | np.uint64(place)
        return read_keys(beginnings)

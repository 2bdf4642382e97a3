"""Equal rows as one row with counts: the same sums from as many rows as differ.

The log-likelihood is a sum over rows, so rows that are equal in their columns, and in
what weighs and shifts them, enter it as one row with counts (McCullagh and Nelder 1989,
section 5.2). They are found among the variables, before a design is made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.codes import MOST_ROWS, ROWS_AT_ONCE, number_combinations, renumber
from mlelogit.data.outcome import Outcome
from mlelogit.data.sources import ArraySource, ColumnSource, ColumnsSource, SelectedSource
from mlelogit.data.threads import count_threads, fold_in_order
from mlelogit.exceptions import CompressionError

# Below so many rows a fit takes a fraction of a second either way, and stays untouched.
FEWEST_ROWS = 50_000
# Measured on three numbers, which a fit goes through fast and whose values have to be hashed: with
# half as many repeats the search takes longer than the passes that it spares.
LEAST_REPEATS = 8
SAMPLED_ROWS = 1 << 15


@dataclass(frozen=True)
class EqualRows:
    """Which rows are equal.

    Attributes
    ----------
    places : numpy.ndarray
        (n,), int32: the distinct row that every row is.
    first : numpy.ndarray
        (d,): the position of the first row of each; distinct rows come in this order.
    """

    places: np.ndarray
    first: np.ndarray


@dataclass(frozen=True)
class Compression:
    """The distinct rows of a design, with counts.

    Made by `mlelogit.data.compression.find_equal_rows`.

    Attributes
    ----------
    places : numpy.ndarray
        (n,), int32: the distinct row that every row is.
    source : ColumnSource
        Columns of the d distinct rows.
    outcome : Outcome
        Counts (d, J) for labels and counts; for probabilities the shares that the rows have.
    weights : numpy.ndarray or None
        (d,); of probabilities how often each row occurs.
    weight_type : str or None
    offset : numpy.ndarray or None
        (d, J).
    made_of : tuple
        The very objects that it stands for: a design's source, outcome, weights and offset.
    """

    places: np.ndarray
    source: ColumnSource
    outcome: Outcome
    weights: np.ndarray | None
    weight_type: str | None
    offset: np.ndarray | None
    made_of: tuple

    @property
    def count(self) -> int:
        """How many distinct rows there are."""
        return self.source.shape[0]

    def stands_for(self, *parts: Any) -> bool:
        """Tell whether it was made of these very objects; a changed design has others."""
        return all(own is other for own, other in zip(self.made_of, parts, strict=True))

    def renew(self, source: ColumnSource, few: ColumnSource) -> Compression:
        """Return the compression of the same rows with other columns, all of them and distinct."""
        return replace(self, source=few, made_of=(source, *self.made_of[1:]))


@dataclass(frozen=True)
class RepeatedSource:
    """Rows that are equal to those of a source of few, gathered when a block of them is cut."""

    source: ColumnSource
    places: np.ndarray
    direct = False

    @property
    def shape(self) -> tuple[int, int]:
        """(n, K)."""
        return len(self.places), self.source.shape[1]

    @property
    def sparse(self) -> bool:
        """Whether blocks are sparse."""
        return self.source.sparse

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of every column (K,) each."""
        used = np.zeros(self.source.shape[0], dtype=bool)
        used[self.places] = True
        return (self.source if used.all() else self.source.take(np.flatnonzero(used))).extremes

    @property
    def rounding(self) -> np.ndarray:
        """How coarsely every column is rounded, relatively (K,)."""
        return self.source.rounding

    def block(self, start: int, stop: int) -> Any:
        """Return rows start to stop, columns first."""
        places = self.places[start:stop]
        return self.source.take(places).block(0, len(places))

    def take(self, rows: np.ndarray) -> RepeatedSource:
        """Return the source of the rows at these positions."""
        return RepeatedSource(self.source, self.places[rows])


def find_equal_rows(
    columns: Sequence[Any], kept: np.ndarray, total: int, wanted: bool | str
) -> EqualRows | None:
    """Find the rows that are equal in all columns.

    With ``"auto"`` only in many rows, and only where they repeat r = 8 times or more on average.
    That is judged by a sample of m rows: if each of d distinct rows came r times, it would hold
    ``d (1 - (1 - m / n)^r)`` of them on average, and fewer if some came more often than others,
    as the expression is concave in r. If it holds more, the search ends there. It ends too
    when more than n / r are found while the columns are combined: further columns can only tell
    more rows apart.

    Parameters
    ----------
    columns : sequence of pandas.Series or numpy.ndarray
        (total,) each, of any type.
    kept : numpy.ndarray
        (n,): positions of the rows used, in order.
    total : int
    wanted : bool or "auto"

    Returns
    -------
    EqualRows or None
        None if it does not pay, or values cannot be compared.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.compression import find_equal_rows
    >>> found = find_equal_rows([np.array([1.0, 2.0, 1.0])], np.arange(3), 3, True)
    >>> type(found).__name__
    'EqualRows'
    """
    if wanted is False or not 0 < len(kept) < MOST_ROWS:
        return None
    auto = wanted is not True
    if auto and (len(kept) < FEWEST_ROWS or not _is_promising(columns, kept)):
        return None
    most = len(kept) // LEAST_REPEATS if auto else len(kept)
    try:
        places = number_combinations(columns, kept, total, most)
    except TypeError:  # Lists and their like are no values, and the formula will say so.
        return None
    return None if places is None else _order(places)


def _is_promising(columns: Sequence[Any], kept: np.ndarray) -> bool:
    """Tell from a sample, one row of every stretch, whether distinct rows may be few."""
    step = max(1, len(kept) // SAMPLED_ROWS)
    starts = np.arange(0, len(kept) - step + 1, step)
    rows = kept[starts + np.random.default_rng(0).integers(step, size=len(starts))]
    few = [_take(column, rows) for column in columns]
    share = 1 - (1 - len(rows) / len(kept)) ** LEAST_REPEATS
    most = int(share * len(kept) / LEAST_REPEATS)
    try:
        return number_combinations(few, np.arange(len(rows)), len(rows), most) is not None
    except TypeError:
        return False


def _take(column: Any, rows: np.ndarray) -> Any:
    return column.iloc[rows] if isinstance(column, pd.Series) else column[rows]


def _order(places: np.ndarray) -> EqualRows:
    """Return the distinct rows in the order of their first appearance."""
    first = np.empty(int(places.max()) + 1, dtype=np.int64)
    for start in range((len(places) - 1) // ROWS_AT_ONCE * ROWS_AT_ONCE, -1, -ROWS_AT_ONCE):
        stretch = places[start : start + ROWS_AT_ONCE][::-1]
        # Of places that come twice the last is kept, and so the earliest row.
        first[stretch] = np.arange(start + len(stretch) - 1, start - 1, -1)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return EqualRows(renumber(places, rank), first[order])


def list_arrays(source: ColumnSource) -> list[np.ndarray] | None:
    """Return the columns (n,) of a source that holds plain ones, without a copy; else None."""
    if isinstance(source, ArraySource):
        return list(source.array.T)
    if isinstance(source, ColumnsSource):
        return list(source.columns)
    if isinstance(source, SelectedSource):
        inner = list_arrays(source.source)
        return None if inner is None else [column[source.rows] for column in inner]
    return None


def list_beside(
    kind: str,
    table: np.ndarray | None,
    weights: np.ndarray | None,
    weight_type: str | None,
    offset: np.ndarray | None,
) -> list[np.ndarray]:
    """Return what rows must be equal in beside their variables, a column each.

    Frequency weights are not among them: they add up in the counts. Others are squared in robust
    covariances.
    """
    beside = [] if weights is None or weight_type == "frequency" else [weights]
    beside += [] if offset is None else list(offset.T)
    return beside + (list(np.asarray(table).T) if kind == "probabilities" else [])


def check_compression(wanted: bool | str, kind: str, weight_type: str | None) -> bool | str:
    """Return whether to look for equal rows: not where counts cannot stand for them.

    Raises
    ------
    CompressionError
        If that is so and they are asked for.
    """
    if kind != "probabilities" or weight_type != "sampling":
        return wanted
    if wanted is True:
        raise CompressionError(
            "compress=True cannot stand for rows of probabilities with sampling weights: their "
            "squares enter robust covariances row by row. Leave compress out."
        )
    return False


def compress(
    equal: EqualRows,
    few: ColumnSource,
    outcome: Outcome,
    weights: np.ndarray | None,
    weight_type: str | None,
    made_of: tuple,
) -> Compression:
    """Add up the outcomes of equal rows.

    Parameters
    ----------
    equal : EqualRows
    few : ColumnSource
        Columns of the distinct rows.
    outcome, weights, weight_type
        Those of all rows.
    made_of : tuple
        The design's source, outcome, weights and offset.
    """
    offset = made_of[3]
    offset = None if offset is None else offset[equal.first]
    summed = weights if weight_type == "frequency" else None
    others = None if weights is None or summed is not None else weights[equal.first]
    anew = (equal.places, few)
    if outcome.kind == "probabilities":
        times = np.bincount(equal.places, summed, len(equal.first)).astype(np.float64)
        shares = replace(outcome, table=np.asarray(outcome.table)[equal.first])
        kind = "frequency" if others is None else weight_type
        times = times if others is None else times * others
        return Compression(*anew, shares, times, kind, offset, made_of)
    table = _count(equal, outcome, summed)
    counts = replace(outcome, codes=None, table=table, kind="counts")
    kind = None if others is None else weight_type
    return Compression(*anew, counts, others, kind, offset, made_of)


def _count(equal: EqualRows, outcome: Outcome, weights: np.ndarray | None) -> np.ndarray:
    """Return how often every category occurs in every distinct row (d, J)."""
    distinct, categories = len(equal.first), len(outcome.categories)
    if outcome.codes is None:
        columns = np.asarray(outcome.table).T
        columns = columns if weights is None else columns * weights
        summed = [np.bincount(equal.places, column, distinct) for column in columns]
        return np.column_stack(summed)
    codes, total = outcome.codes, np.zeros(distinct * categories)
    step = max(ROWS_AT_ONCE, 4 * len(total))

    def count(start: int) -> np.ndarray:
        rows = slice(start, start + step)
        cells = equal.places[rows].astype(np.int64)
        cells *= categories
        cells += codes[rows]
        return np.bincount(cells, None if weights is None else weights[rows], len(total))

    def add(found: np.ndarray) -> None:
        np.add(total, found, out=total)

    fold_in_order(count, list(range(0, len(codes), step)), count_threads(), add)
    return total.reshape(distinct, categories)

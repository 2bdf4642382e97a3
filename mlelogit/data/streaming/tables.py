"""Encode rows by looking them up, where every term is of factors and bare numbers.

A factor's columns depend on its level alone. So formulaic is asked once, for a row of each
level, and what it answers holds for all rows with that level; numbers multiply it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.columns import tidy_name
from mlelogit.data.encoding import Encoding, encode_rows
from mlelogit.data.expressions import show_names
from mlelogit.data.factors import find_levels
from mlelogit.data.formulas import split_terms
from mlelogit.data.frames import as_numbers, check_finite
from mlelogit.data.sources import GATHERED_ROWS
from mlelogit.data.streaming.learning.transforms import Factor, list_factors
from mlelogit.exceptions import MNLogitError
from mlelogit.notices import in_turn

# Larger tables than this, 8 MB, are no longer looked up faster than they are computed.
LARGEST_TABLE = 1 << 20


@dataclass(frozen=True)
class TermTable:
    """The columns of one term.

    Attributes
    ----------
    columns : slice
        Where they are in the design.
    factors : tuple of str
        The variables whose levels it crosses.
    numbers : tuple of str
        The variables that multiply it.
    table : numpy.ndarray
        (columns, combinations of levels): the term where the numbers are one.
    """

    columns: slice
    factors: tuple[str, ...]
    numbers: tuple[str, ...]
    table: np.ndarray


@dataclass(frozen=True)
class TableSource:
    """Columns that are looked up when a block of them is cut.

    Attributes
    ----------
    terms : tuple of TermTable
    places : tuple of numpy.ndarray or None
        For every term the column of its table that every row has (n,).
    numbers : dict
        Variable -> its values (n,).
    shape : tuple of int
        (n, K).
    """

    terms: tuple[TermTable, ...]
    places: tuple[np.ndarray | None, ...]
    numbers: dict[str, np.ndarray]
    shape: tuple[int, int]
    direct = False
    sparse = False

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of every column (K,) each."""
        starts = range(0, self.shape[0], GATHERED_ROWS)
        ends = (min(start + GATHERED_ROWS, self.shape[0]) for start in starts)
        blocks = [self.block(start, end) for start, end in zip(starts, ends, strict=True)]
        lows = [block.min(axis=1) for block in blocks]
        return np.min(lows, axis=0), np.max([block.max(axis=1) for block in blocks], axis=0)

    @property
    def rounding(self) -> np.ndarray:
        """How coarsely every column is rounded, relatively (K,): as doubles are."""
        return np.full(self.shape[1], np.finfo(np.float64).eps)

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop, columns first: (K, stop - start)."""
        out = np.empty((self.shape[1], stop - start))
        for term, places in zip(self.terms, self.places, strict=True):
            rows = out[term.columns]
            if places is None:
                rows[:] = term.table
            else:
                np.take(term.table, places[start:stop], axis=1, out=rows, mode="clip")
            for name in term.numbers:
                rows *= self.numbers[name][start:stop]
        return out

    def take(self, rows: np.ndarray) -> TableSource:
        """Return the source of the rows at these positions."""
        places = tuple(None if place is None else place[rows] for place in self.places)
        numbers = {name: values[rows] for name, values in self.numbers.items()}
        return TableSource(self.terms, places, numbers, (len(rows), self.shape[1]))


@dataclass(frozen=True)
class TableEncoder:
    """What encodes rows by lookup.

    Attributes
    ----------
    width : int
        K.
    levels : dict
        Variable -> its levels, in the order of the tables.
    terms : tuple of TermTable
    """

    width: int
    levels: dict[str, pd.Index]
    terms: tuple[TermTable, ...]

    def encode(self, frame: pd.DataFrame) -> TableSource | None:
        """Return the columns of rows without missing values.

        None is returned if a level is none of those known, for whoever can say so.
        """
        codes = {name: find_levels(frame[name], levels) for name, levels in self.levels.items()}
        if any((found < 0).any() for found in codes.values()):
            return None
        names = dict.fromkeys(name for term in self.terms for name in term.numbers)
        numbers = {name: as_numbers(frame[name], name) for name in names}
        check_finite(numbers)
        places = tuple(self._find_places(term, codes) for term in self.terms)
        return TableSource(self.terms, places, numbers, (len(frame), self.width))

    def _find_places(self, term: TermTable, codes: dict[str, np.ndarray]) -> np.ndarray | None:
        """Return which combination of a term's levels every row has; None if it crosses none."""
        if not term.factors:
            return None
        place = codes[term.factors[0]]
        for name in term.factors[1:]:
            place = place * len(self.levels[name]) + codes[name]
        return place


@in_turn
def make_encoder(encoding: Encoding) -> TableEncoder | None:
    """Return what encodes rows by lookup; None if a term takes more than that.

    Parameters
    ----------
    encoding : Encoding
        Of a formula.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.streaming.tables import make_encoder
    >>> anes = ml.datasets.load_anes96()
    >>> encoding = ml.mnlogit("PID ~ age + vote:educ", anes).encoding
    >>> encoder = make_encoder(encoding)
    >>> encoder.encode(anes.iloc[:2]).block(0, 2).shape == (len(encoding.names), 2)
    True
    """
    known = {factor.expr: factor for factor in list_factors(encoding.rhs or "")}
    levels = _list_levels(encoding, known)
    if levels is None or not encoding.terms:
        return None
    terms = []
    for term in split_terms(encoding.rhs or ""):
        name = tidy_name(str(term))
        if name not in encoding.terms:
            return None
        exprs = [show_names(factor.expr) for factor in term.factors if factor.expr != "1"]
        if not set(exprs) <= set(known):
            return None
        crossed, numbers = _split(encoding, [known[expr] for expr in exprs])
        if math.prod(len(levels[one]) for one in crossed) * len(encoding.names) > LARGEST_TABLE:
            return None
        if crossed and set(numbers) & set(levels):  # A number cannot be one and a level at a time.
            return None
        columns = slice(*encoding.terms[name])
        table = _tabulate(encoding, levels, crossed, columns)
        if table is None:
            return None
        terms.append(TermTable(columns, crossed, numbers, table))
    return TableEncoder(len(encoding.names), levels, tuple(terms))


def _list_levels(encoding: Encoding, factors: dict[str, Factor]) -> dict[str, pd.Index] | None:
    """Return the levels of every variable that is a factor; None if some factor is another."""
    levels: dict[str, pd.Index] = {}
    for expr, factor in factors.items():
        own = (encoding.levels or {}).get(expr)
        if own is None:
            bare = factor.variable == expr.strip("`") and (encoding.kinds or {}).get(
                str(factor.variable)
            )
            if bare != "number":
                return None
            continue
        kinds = {type(level) for level in own}
        if factor.variable is None or len(kinds) > 1 or not kinds <= {str, int, float}:
            return None
        index = pd.Index(own, dtype=object if kinds == {str} else None)
        if not levels.setdefault(factor.variable, index).equals(index):
            return None
    return levels


def _split(
    encoding: Encoding, factors: Sequence[Factor]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the variables of a term's factors, those that are coded and those that multiply."""
    coded = [str(one.variable) for one in factors if one.expr in (encoding.levels or {})]
    numbers = [str(one.variable) for one in factors if one.expr not in (encoding.levels or {})]
    return tuple(dict.fromkeys(coded)), tuple(numbers)


def _tabulate(
    encoding: Encoding, levels: dict[str, pd.Index], crossed: tuple[str, ...], columns: slice
) -> np.ndarray | None:
    """Return a term's columns for all combinations of levels, its numbers being one."""
    if not crossed:
        return np.ones((columns.stop - columns.start, 1))
    combinations = list(itertools.product(*(levels[name] for name in crossed)))
    frame: dict[str, Any] = {}
    for name in encoding.variables:
        constant: Any = levels[name][0] if name in levels else 1.0
        frame[name] = [constant] * len(combinations)
    for place, name in enumerate(crossed):
        frame[name] = [combination[place] for combination in combinations]
    try:
        matrix = encode_rows(encoding, pd.DataFrame(frame))[0]
    except MNLogitError:
        return None
    rows = matrix[:, columns]
    dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    return np.ascontiguousarray(dense.T)

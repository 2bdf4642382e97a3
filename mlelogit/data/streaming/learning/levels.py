"""Levels of factors, and kinds of columns, that can be added up from pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.columns import WIDE, find_kind
from mlelogit.data.expressions import quote
from mlelogit.data.factors import as_levels, check_doubles, join_levels
from mlelogit.data.frames import as_numbers, is_boolean, is_numeric, list_some
from mlelogit.data.limits import MOST_LEVELS
from mlelogit.exceptions import (
    CategoryOrderWarning,
    ColumnTypeError,
    SizeLimitError,
    UnusedLevelWarning,
)
from mlelogit.notices import warn_user

# First values, 32 kB of them: who asks for a few levels mostly finds them here, in no time.
_LOOKED_AT = 4096


@dataclass(frozen=True)
class Declaration:
    """The categories that a column of pandas' type "category" declares.

    Attributes
    ----------
    categories : tuple
    ordered : bool
    """

    categories: tuple
    ordered: bool


@dataclass(frozen=True)
class Levels:
    """The different values of a factor, in order of appearance; two of them can be added.

    Attributes
    ----------
    name : str
        The factor, for messages.
    values : dict
        Value -> None.
    dtype : numpy.dtype
        That all values share: that of numbers, or object.
    declared : frozenset of Declaration or None
        What pieces declared; None stands for a piece that declared nothing.
    enough : int or None
        Number of levels beyond which no more are kept; None to keep all, and to raise beyond
        `MOST_LEVELS`.
    """

    name: str
    values: dict[Any, None]
    dtype: np.dtype
    declared: frozenset[Declaration | None]
    enough: int | None = None

    def __add__(self, other: Levels) -> Levels:
        if self.enough is not None and len(self.values) >= self.enough:
            return self
        added = replace(
            self,
            values=self.values | other.values,
            dtype=np.result_type(self.dtype, other.dtype),
            declared=self.declared | other.declared,
        )
        return added._check()

    def _check(self) -> Levels:
        if self.enough is None and len(self.values) > MOST_LEVELS:
            raise SizeLimitError(
                f"{quote(self.name)} has more than {MOST_LEVELS:,} levels "
                f"({list_some(list(islice(self.values, 3)))}, ...); use it as a number, or put "
                "levels together first."
            )
        return self

    def settle(self) -> list:
        """Return the levels in the order that all rows in memory would give them."""
        (first, *others) = self.declared
        if first is None or others:
            found = join_levels(list(self.values), self.dtype, self.name)
            if any(self.declared):
                orders = [each.categories for each in self.declared if each is not None]
                tell_lost_order(self.name, orders, is_numeric(found))
            return list(found.astype("category").cat.categories)
        return [level for level in first.categories if level in self.values]

    def warn_unused(self) -> None:
        """Warn of declared levels without a row, as in memory."""
        (first, *others) = self.declared
        if first is None or others:
            return
        unused = [level for level in first.categories if level not in self.values]
        if unused:
            warn_user(
                f"Levels of {self.name!r} without a row were dropped: {list_some(unused)}.",
                UnusedLevelWarning,
            )


def _is_sorted(categories: Sequence[Any]) -> bool:
    """Tell whether the order is the one that values without a declaration get."""
    try:
        return all(left < right for left, right in pairwise(categories))
    except TypeError:
        return False


def tell_lost_order(name: str, orders: Iterable[Sequence[Any]], numbers: bool) -> None:
    """Warn of an order of categories that is lost because pieces declare different ones.

    Raises
    ------
    ColumnTypeError
        If the categories are numbers: sorted together with others they would be no factor.
    """
    if numbers:
        raise ColumnTypeError(
            f"{quote(name)} is categorical, with different categories in different pieces of the "
            "data, all numbers: declare the same in every piece."
        )
    if not all(map(_is_sorted, orders)):
        warn_user(
            f"Pieces of the data declare different categories of {quote(name)}, or another order "
            "of them; they are sorted. Declare the same in every piece to keep their order.",
            CategoryOrderWarning,
        )


def measure_levels(name: str, values: pd.Series | np.ndarray, enough: int | None = None) -> Levels:
    """Return the levels among the values of a factor, none of which is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.streaming.learning.levels import measure_levels
    >>> (measure_levels("x", np.array([3, 1])) + measure_levels("x", np.array([2]))).settle()
    [1, 2, 3]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _measure_declared(name, pd.Series(values))
    dtype = values.dtype if isinstance(values.dtype, np.dtype) else np.dtype(object)
    if enough is not None:
        head = pd.unique(values[:_LOOKED_AT])
        found = head if len(head) >= enough else pd.unique(values)
        found = found[:enough]
    else:
        found = _find_different(name, values)
    return Levels(name, dict.fromkeys(found.tolist()), dtype, frozenset([None]), enough)._check()


def _find_different(name: str, values: Any) -> Any:
    try:
        return pd.unique(values)
    except TypeError as error:
        raise ColumnTypeError(
            f"{quote(name)} holds values that cannot be levels: {error}."
        ) from error


def _measure_declared(name: str, values: pd.Series) -> Levels:
    categories, codes = values.cat.categories, values.cat.codes.to_numpy()
    used = np.zeros(len(categories) + 1, dtype=bool)
    used[codes] = True  # A missing value's code, -1, is the last.
    listed = list(categories)
    declared = Declaration(tuple(listed), bool(values.cat.ordered))
    found = [listed[code] for code in np.flatnonzero(used[:-1])]
    return Levels(name, dict.fromkeys(found), np.dtype(object), frozenset([declared]))._check()


@dataclass(frozen=True)
class Kind:
    """What a piece's rows of a column are.

    Attributes
    ----------
    kind : str
        "number" or "category".
    boolean : bool
        Whether the numbers are truth values.
    dtype : str
        For messages.
    """

    kind: str
    boolean: bool
    dtype: str

    @property
    def word(self) -> str:
        """The kind in words."""
        words = {"number": "numbers", "category": "categories"}
        return "truth values" if self.boolean else words[self.kind]


def measure_kind(column: pd.Series) -> Kind:
    """Return the kind of a piece of a column that has rows."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return Kind("number", False, str(dtype))
    kind = find_kind(column)
    return Kind(kind, kind == "number" and is_boolean(column), str(dtype))


def join_kinds(name: str, kinds: frozenset[Kind]) -> Kind:
    """Return the kind that all pieces agree on, or raise `ColumnTypeError`."""
    first, *others = sorted(kinds, key=lambda each: (each.word, each.dtype))
    differ = [each for each in others if each.word != first.word]
    if differ:
        raise ColumnTypeError(
            f"Column {name!r} holds {first.word} ({first.dtype}) in some pieces of the data and "
            f"{differ[0].word} ({differ[0].dtype}) in others; convert it to one kind."
        )
    return first


def take_levels(name: str, column: pd.Series, kind: Kind, as_float: bool, counted: bool) -> Levels:
    """Return the levels of a piece of a variable, as formulaic will see its values.

    Parameters
    ----------
    name : str
    column : pandas.Series
    kind : Kind
    as_float : bool
        Whether numbers are made double: they are except directly inside ``C()``.
    counted : bool
        Whether no more than their number matters, and no more than whether it is large.
    """
    if kind.kind == "number":
        if as_float and not counted:
            check_doubles(column, name)
        numbers = (
            as_numbers(column, name).astype(np.float64) if as_float else as_levels(column, name)
        )
        return measure_levels(name, numbers, WIDE if counted else None)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return measure_levels(name, column)
    found = _find_different(name, column)
    plain = pd.Series(found, dtype=object).to_numpy()
    return measure_levels(name, plain)

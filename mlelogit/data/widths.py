"""Judge how many columns a formula makes before it makes any."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pandas as pd

from mlelogit.data.columns import WIDE, list_direct_terms
from mlelogit.data.expressions import quote
from mlelogit.data.frames import list_some
from mlelogit.data.limits import check_memory, check_width

# Dense columns as formulaic makes them, in its frame, and as the array that is kept.
DENSE_COPIES = 3


def check_widths(rhs: str, frame: pd.DataFrame, kinds: dict[str, str]) -> None:
    """Raise if the columns of a formula outgrow memory; see `check_columns`.

    Parameters
    ----------
    rhs : str
        The right side, checked.
    frame : pandas.DataFrame
        Its columns, prepared.
    kinds : dict
        Variable -> "number" or "category".
    """

    def find(name: str) -> Sequence[Any]:
        try:
            return list(pd.unique(frame[name]).tolist())
        except TypeError:  # Lists and their like are no levels, and formulaic says so.
            return []

    check_columns(rhs, kinds, find, len(frame))


def check_columns(
    rhs: str, kinds: dict[str, str], find: Callable[[str], Sequence[Any]], rows: int = 0
) -> None:
    """Raise if the columns that a right side makes outgrow memory.

    Counted is what there is at least: a level less than each factor has, one column of what is no
    factor.

    Parameters
    ----------
    rhs, kinds
        As for `check_widths`.
    find : callable
        Of a variable: its levels.
    rows : int
        Of the design, if they are held in memory.

    Raises
    ------
    SizeLimitError
        That names the largest term, how many levels it has, and some of them.
    """
    find = cache(find)
    sizes = [
        (math.prod(max(len(find(name)) - 1, 1) for name in names), names)
        for names in list_direct_terms(rhs, kinds)
    ]
    width = sum(size for size, _ in sizes)
    largest, names = max(sizes, key=lambda size: size[0], default=(0, []))
    told = "; ".join(
        f"{name!r} has {len(find(name)):,} levels ({list_some(find(name), 3)})" for name in names
    )
    what = f"{quote(rhs)} makes {width:,} columns or more{': ' if told else ''}{told};"
    check_width(width, what=what)
    if largest < WIDE:
        check_memory(
            8.0 * DENSE_COPIES * rows * width,
            f"{what} with {rows:,} rows, it",
            "Take fewer columns, or read the rows in pieces (stream=True)",
        )

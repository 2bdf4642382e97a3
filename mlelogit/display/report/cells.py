"""Write numbers and frames as the cells of a report's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.escapes import write_name
from mlelogit.display.report.content import Group, Table
from mlelogit.display.summary import format_number

NOTHING = "n/a"
SMALLEST_P = 1e-4
# The log-likelihood of more rows than any machine holds; more than it no number needs in full.
LARGEST = 1e12
# More rows than these nobody reads on a page, and a browser is slow to lay out.
MOST_ROWS = 600


def write_number(value: Any) -> str:
    """Write a number with four decimals, or four digits where those would not show.

    Log-likelihoods and their like are compared by differences of ones, however large they are.

    Examples
    --------
    >>> from mlelogit.display.report.cells import write_number
    >>> write_number(0.12345), write_number(-262311.123), write_number(1e-9)
    ('0.1235', '-262311.12', '1.000e-09')
    >>> write_number(float("nan")), write_number(float("-inf"))
    ('n/a', '-∞')
    """
    number = float(value)
    if np.isnan(number):
        return NOTHING
    if np.isinf(number):
        return "∞" if number > 0 else "-∞"
    return f"{number:.2f}" if 1e5 <= abs(number) < LARGEST else format_number(number)


def write_count(value: Any) -> str:
    """Write a number of rows, people or parameters, whole where it is whole.

    Examples
    --------
    >>> from mlelogit.display.report.cells import write_count
    >>> write_count(12345.0), write_count(0.5)
    ('12,345', '0.5')
    """
    number = float(value)
    if not np.isfinite(number):
        return write_number(number)
    if number == round(number) and abs(number) < 1e15:
        return f"{number:,.0f}"
    return f"{number:,.6g}"


def write_p(value: Any) -> str:
    """Write a p-value.

    Examples
    --------
    >>> from mlelogit.display.report.cells import write_p
    >>> write_p(0.03456), write_p(1e-20)
    ('0.0346', '< 0.0001')
    """
    number = float(value)
    if np.isnan(number):
        return NOTHING
    return f"< {SMALLEST_P:g}" if number < SMALLEST_P else f"{number:.4f}"


def write_precise(value: Any) -> str:
    """Write a number with eight decimals, to be compared with others."""
    number = float(value)
    return f"{number:.8f}" if np.isfinite(number) else write_number(number)


def write_brief(value: Any) -> str:
    """Write a number with three digits, as an error bound is said.

    Examples
    --------
    >>> from mlelogit.display.report.cells import write_brief
    >>> write_brief(4.3412), write_brief(2.051e-12), write_brief(0), write_brief(999.7)
    ('4.34', '2.05e-12', '0', '1000')
    """
    number = float(value)
    if not np.isfinite(number):
        return write_number(number)
    rounded = abs(float(f"{number:.3g}"))
    if rounded == 0 or 1e-3 <= rounded < 1e3:
        return f"{number:.3g}"
    return f"{number:.0f}" if 1e3 <= rounded < 1e6 else f"{number:.2e}"


def write_share(value: Any) -> str:
    """Write a share as a percentage.

    Examples
    --------
    >>> from mlelogit.display.report.cells import write_share
    >>> write_share(0.12345)
    '12.3 %'
    """
    number = float(value)
    return f"{100 * number:.1f} %" if np.isfinite(number) else NOTHING


def write_figure(value: Any) -> str:
    """Give what is written already, a number among numbers.

    Examples
    --------
    >>> from mlelogit.display.report.cells import write_figure
    >>> write_figure("12,345")
    '12,345'
    """
    return str(value)


WRITERS = {
    "number": write_number,
    "figure": write_figure,
    "count": write_count,
    "p": write_p,
    "share": write_share,
    "brief": write_brief,
    "precise": write_precise,
    "text": write_name,
}


def make_table(
    caption: str,
    rows: Iterable[Sequence[Any]],
    columns: Sequence[tuple[str, str]],
    note: str = "",
    groups: Sequence[str] | None = None,
) -> Table:
    """Write rows as a table.

    Parameters
    ----------
    caption : str
    rows : iterable of sequence
        Values of the columns.
    columns : sequence of (str, str)
        The title of every column, and which of `WRITERS` writes it.
    note : str
    groups : sequence of str, optional
        The title under which every row stands; rows of one title follow each other.

    Examples
    --------
    >>> from mlelogit.display.report.cells import make_table
    >>> make_table("Rows", [("a", 2)], [("name", "text"), ("n", "count")]).groups[0].rows
    (('a', '2'),)
    """
    every = list(rows)
    written = [
        tuple(WRITERS[kind](value) for value, (_, kind) in zip(row, columns, strict=True))
        for row in every[:MOST_ROWS]
    ]
    if len(every) > MOST_ROWS:
        note = f"The first {MOST_ROWS} of {len(every):,} rows. {note}".rstrip()
    titles = [""] * len(every) if groups is None else list(groups)
    gathered: list[tuple[str, list[tuple[str, ...]]]] = []
    for title, row in zip(titles[:MOST_ROWS], written, strict=True):
        if not gathered or gathered[-1][0] != title:
            gathered.append((title, []))
        gathered[-1][1].append(row)
    return Table(
        caption,
        tuple(title for title, _ in columns),
        tuple(kind != "text" for _, kind in columns),
        tuple(Group(write_name(title), tuple(rows)) for title, rows in gathered),
        note,
    )


def tabulate(
    caption: str,
    frame: pd.DataFrame,
    columns: Sequence[tuple[str, str, str]],
    note: str = "",
    group: str | None = None,
) -> Table:
    """Write columns of a frame as a table.

    Parameters
    ----------
    caption : str
    frame : DataFrame
    columns : sequence of (str, str, str)
        Name in the frame, title, and which of `WRITERS` writes it. Those that the frame does not
        have are left out.
    note : str
    group : str, optional
        The column that holds the titles under which rows stand.
    """
    shown = [column for column in columns if column[0] in frame]
    return make_table(
        caption,
        iterate(frame, *(name for name, _, _ in shown)),
        [(title, kind) for _, title, kind in shown],
        note,
        None if group is None else [str(title) for title in frame[group]],
    )


def iterate(frame: pd.DataFrame, *columns: str) -> Iterable[tuple]:
    """Go through some columns of a frame, row by row."""
    return frame[list(columns)].itertuples(index=False, name=None)


def list_words(items: Iterable[Any], shown: int = 12) -> str:
    """Write things in a row, the first few of many.

    Examples
    --------
    >>> from mlelogit.display.report.cells import list_words
    >>> list_words(["a", "b", "c"]), list_words("abc", shown=2)
    ('a, b and c', 'a, b and 1 more')
    """
    words = [write_name(item) for item in items]
    if len(words) > shown:
        return f"{', '.join(words[:shown])} and {len(words) - shown} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def count_words(number: float, one: str, many: str = "") -> str:
    """Write how many there are of a thing.

    Examples
    --------
    >>> from mlelogit.display.report.cells import count_words
    >>> count_words(1, "row"), count_words(2000, "row"), count_words(2, "category", "categories")
    ('1 row', '2,000 rows', '2 categories')
    """
    return f"{write_count(number)} {one if number == 1 else many or f'{one}s'}"

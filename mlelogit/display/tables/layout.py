"""What a table of models says, before it is written in a format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

_NUMBER = r"(?:-?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|inf)|nan)"
NUMERIC = re.compile(rf"[(\[]?(?:[tzp] = |p < )?<?{_NUMBER}(?:, {_NUMBER})?[)\]]?")


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
        A number as text, maybe in brackets, or a word.
    stars : str
        Marks after it.
    """

    text: str
    stars: str = ""

    @property
    def plain(self) -> str:
        """The cell as text."""
        return self.text + self.stars

    @property
    def is_number(self) -> bool:
        """Whether it is a number, in brackets or not, or an interval."""
        return NUMERIC.fullmatch(self.text) is not None


@dataclass(frozen=True)
class Row:
    """A coefficient and what stands below it, or a statistic.

    Attributes
    ----------
    label : str
    lines : tuple of tuple of Cell
        Of a coefficient: one line, and one for each thing below it, each with a cell for every
        column. Of a statistic: one line with a cell for every model.
    """

    label: str
    lines: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Section:
    """Rows under a heading.

    Attributes
    ----------
    heading : str
        The comparison of categories of the long layout; empty in the wide one.
    rows : tuple of Row
    """

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Group:
    """The columns of one model.

    Attributes
    ----------
    name : str
        The model's.
    columns : tuple of str
        The categories of the wide layout; one empty text in the long one.
    """

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """What every format writes.

    Attributes
    ----------
    title : str
        May be empty.
    groups : tuple of Group
        The models, from left to right.
    sections : tuple of Section
    foot : tuple of Row
        Statistics, with one cell for every model.
    notes : tuple of str
    """

    title: str
    groups: tuple[Group, ...]
    sections: tuple[Section, ...]
    foot: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        """Number of columns of numbers."""
        return sum(len(group.columns) for group in self.groups)

    @property
    def has_columns(self) -> bool:
        """Whether there is a second line of heads: the categories."""
        return any(any(group.columns) for group in self.groups)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The first column of every model, and how many it has."""
        counts = [len(group.columns) for group in self.groups]
        ends = accumulate(counts)
        return [(end - count, count) for end, count in zip(ends, counts, strict=True)]

    def list_lines(self) -> Iterator[tuple[str, tuple[Cell, ...]]]:
        """Yield every line of coefficients with its label, which the lines below have not."""
        for section in self.sections:
            for row in section.rows:
                for i, line in enumerate(row.lines):
                    yield ("" if i else row.label), line

    def head_columns(self) -> list[str]:
        """Return one head for every column: its model, and its category in the wide layout."""
        return [
            f"{group.name}: {column}" if column else group.name
            for group in self.groups
            for column in group.columns
        ]

    def spread(self, line: tuple[Cell, ...]) -> list[Cell]:
        """Give every column a cell: that of a model stands in its first one."""
        cells = [Cell("")] * self.width
        for (start, _), cell in zip(self.spans, line, strict=True):
            cells[start] = cell
        return cells


def typeset(cell: Cell) -> str:
    r"""Return a cell's text with the minus sign and the infinity of print.

    Examples
    --------
    >>> from mlelogit.display.tables.layout import Cell, typeset
    >>> typeset(Cell("-0.5")) == "\u22120.5", typeset(Cell("a-b"))
    (True, 'a-b')
    """
    if not cell.is_number:
        return cell.text
    return cell.text.replace("inf", "\u221e").replace("-", "\u2212")

"""What a report says, before it is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of prose.

    Attributes
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True)
class Heading:
    """The heading of a part of a section.

    Attributes
    ----------
    text : str
    """

    text: str


@dataclass(frozen=True)
class Items:
    """A list.

    Attributes
    ----------
    items : tuple of str
    ordered : bool
        Whether the items are numbered.
    """

    items: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Facts:
    """What is what, line by line.

    Attributes
    ----------
    rows : tuple of (str, str)
        (label, value).
    """

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tiles:
    """The few numbers to see first.

    Attributes
    ----------
    rows : tuple of (str, str, str)
        (label, value, note).
    """

    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Group:
    """Rows of a table under a title of their own.

    Attributes
    ----------
    title : str
        Empty if there is none.
    rows : tuple of tuple of str
        The first cell of a row names it.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Table:
    """A table of text and numbers, all written out.

    Attributes
    ----------
    caption : str
        What it shows; no two tables of a page have the same.
    columns : tuple of str
    numeric : tuple of bool
        Which columns are numbers, and set flush right.
    groups : tuple of Group
    note : str
        What stands under it.
    """

    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    groups: tuple[Group, ...]
    note: str = ""

    @property
    def length(self) -> int:
        """Number of rows."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True)
class Picture:
    """A picture, with what it shows in words.

    Attributes
    ----------
    source : str
        A data URI.
    alt : str
        What is to be seen, for who cannot see it.
    caption : str
    width, height : float
        In inches.
    """

    source: str
    alt: str
    caption: str
    width: float
    height: float


@dataclass(frozen=True)
class Snippet:
    """Lines to copy.

    Attributes
    ----------
    text : str
    label : str
        What they are.
    """

    text: str
    label: str


Tone: TypeAlias = Literal["good", "plain", "caution", "bad"]


@dataclass(frozen=True)
class Notice:
    """Something to be seen before reading on.

    Attributes
    ----------
    tone : {"good", "plain", "caution", "bad"}
    title : str
    rows : tuple of (str, str)
        (label, text); the label can be empty.
    """

    tone: Tone
    title: str
    rows: tuple[tuple[str, str], ...]


Part: TypeAlias = Paragraph | Heading | Items | Facts | Tiles | Table | Picture | Snippet | Notice


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes
    ----------
    key : str
        Its name for ``sections=``, and for links.
    title : str
    parts : tuple
    """

    key: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes
    ----------
    title : str
    subtitle : str
    verdict : Notice
        Whether the numbers can be relied on.
    sections : tuple of Section
    footer : str
    """

    title: str
    subtitle: str
    verdict: Notice
    sections: tuple[Section, ...]
    footer: str

"""Letters that can be seen, one line of them for each name, and how wide they are."""

from __future__ import annotations

import unicodedata
from typing import Any

# Controls, formats (as those that turn the direction of writing), surrogates, line breaks.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Formats that shape the letters beside them, as in Persian, in Hindi, and in emoji.
JOINERS = frozenset({"\u200c", "\u200d"})


def write_name(name: Any) -> str:
    r"""Write a name on one line: its line breaks, and what cannot be seen, as ``\n`` and such.

    Examples
    --------
    >>> from mlelogit.letters import write_name
    >>> len(write_name("two\nlines").splitlines())
    1
    >>> write_name("a\u200bb").isascii()
    True
    """
    return "".join(_show(char) for char in str(name))


def _show(char: str) -> str:
    """Return a character, or its escape where it cannot be seen, or no file can hold it."""
    hidden = unicodedata.category(char) in HIDDEN and char not in JOINERS
    if hidden or ord(char) & 0xFFFE == 0xFFFE:
        return char.encode("unicode_escape").decode("ascii")
    return char


def measure(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    Examples
    --------
    >>> from mlelogit.letters import measure
    >>> measure("abc"), measure("\u6f22\u5b57")
    (3, 4)
    """
    return sum(map(measure_letter, text))


def measure_letter(char: str) -> int:
    """Return how many columns of a terminal a character takes: none, one or two."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1

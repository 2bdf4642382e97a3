"""Letters that can be seen, one line of them for each name, and how wide they are."""

from __future__ import annotations

import unicodedata
from typing import Any

# Controls, formats (as those that turn the direction of writing), surrogates, line breaks.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Formats that shape the letters beside them, as in Persian, in Hindi, and in emoji.
JOINERS = frozenset({"\u200c", "\u200d"})

# Characters that Unicode leaves to whoever needs some.
PRIVATE, FILLER = 0xF0000, "\U0010fffd"


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


class Letters:
    """Stands in, one for each column of a terminal, for letters that take none or two.

    So what lays texts out by their number of characters, as statsmodels does, lays them out as
    they are seen.

    Examples
    --------
    >>> from mlelogit.letters import Letters
    >>> letters = Letters()
    >>> held = letters.stand_in("\u6f22e\u0301")
    >>> len(held), letters.restore(held) == "\u6f22e\u0301"
    (3, True)
    """

    def __init__(self) -> None:
        self._clusters: dict[str, str] = {}

    def stand_in(self, text: str) -> str:
        """Return a text of `measure` characters that stands for another."""
        clusters: list[str] = []
        for char in text:
            if clusters and not measure_letter(char):
                clusters[-1] += char
            else:
                clusters.append(char)
        return "".join(map(self._replace, clusters))

    def _replace(self, cluster: str) -> str:
        width = measure(cluster)
        if len(cluster) == width == 1 and unicodedata.category(cluster) != "Co":
            return cluster
        known = self._clusters.setdefault(cluster, chr(PRIVATE + len(self._clusters)))
        return known + FILLER * (width - 1)

    def restore(self, text: str) -> str:
        """Return a text with the letters that were stood in for."""
        letters = {known: cluster for cluster, known in self._clusters.items()}
        return "".join(letters.get(char, char) for char in text if char != FILLER)

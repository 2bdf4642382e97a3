"""Read a part of a file, and say where it is not what it should be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import DamagedFitError
from mlelogit.saving.kinds import WORDS
from mlelogit.saving.numbers import decode_row, decode_rows, decode_symmetric
from mlelogit.saving.values import decode_value

Read = TypeVar("Read")


@dataclass(frozen=True)
class Part:
    """A part of a file: what stands there, and where that is.

    Attributes
    ----------
    made : object
        As JSON.
    place : str
        Its path from the top, such as "estimates.params".
    """

    made: Any
    place: str

    def refuse(self, said: str) -> DamagedFitError:
        """Return the error that says what is wrong here."""
        return DamagedFitError(f"{self.place or 'it'} {said}.")

    def members(self, needed: set[str], allowed: set[str] | None = None) -> dict[str, Part]:
        """Return the members of an object: those needed, and others that are allowed."""
        if not isinstance(self.made, dict):
            raise self.refuse("is no object")
        gone = sorted(needed - self.made.keys())
        if gone:
            raise self.refuse(f"has no {gone[0]!r}")
        odd = sorted(self.made.keys() - needed - (allowed or set()))
        if odd:
            raise self.refuse(f"has a member {write_value(odd[0])} that no fit of this version has")
        start = f"{self.place}." if self.place else ""
        return {name: Part(item, f"{start}{name}") for name, item in self.made.items()}

    def items(self) -> list[Part]:
        """Return the items of a list."""
        if not isinstance(self.made, list):
            raise self.refuse("is no list")
        return [Part(item, f"{self.place}[{i}]") for i, item in enumerate(self.made)]

    def pairs(self) -> Iterator[tuple[Any, Part]]:
        """Return the values, no two of them equal, and what belongs to each, of a list of pairs."""
        seen = set()
        for item in self.items():
            if len(item.items()) != 2:
                raise item.refuse("is no pair")
            key, belonging = item.items()
            label = key.label()
            if label in seen:
                raise key.refuse("stands twice")
            seen.add(label)
            yield label, belonging

    def text(self, choices: Any = None) -> str:
        """Return a text, one of some choices if these are given."""
        if not isinstance(self.made, str):
            raise self.refuse("is no text")
        if choices is not None and self.made not in choices:
            raise self.refuse(f"is {write_value(self.made)}, not one of {', '.join(choices)}")
        return self.made

    def whole(self, least: int = 0, most: int = 2**53) -> int:
        """Return a whole number between bounds."""
        if type(self.made) is not int or not least <= self.made <= most:
            raise self.refuse(f"is no whole number from {least} to {most}")
        return self.made

    def truth(self) -> bool:
        """Return a truth value."""
        if not isinstance(self.made, bool):
            raise self.refuse("is neither true nor false")
        return self.made

    def number(self, finite: bool = False, most: float = math.inf) -> float:
        """Return a float, finite if it has to be, and not above the most that it can be."""
        made = WORDS.get(self.made) if isinstance(self.made, str) else self.made
        if type(made) is not float or (isinstance(self.made, float) and not math.isfinite(made)):
            raise self.refuse("is no number")
        if finite and not math.isfinite(made):
            raise self.refuse("is not finite")
        if made > most:
            raise self.refuse(f"is above {most:g}, which no log-likelihood is")
        return made

    def count(self) -> float:
        """Return a number that is whole or not, and not negative, as it was: int or float."""
        found: float = self.made if type(self.made) is int else self.number(finite=True)
        if found < 0:
            raise self.refuse("is negative")
        return found

    def value(self) -> Any:
        """Return a value of any type that a file keeps."""
        return decode_value(self.made, self.place)

    def label(self) -> Any:
        """Return a value that can name something."""
        found = self.value()
        try:
            hash(found)
        except TypeError:
            raise self.refuse("is no label") from None
        return found

    def labels(self) -> tuple:
        """Return a tuple of labels."""
        return tuple(item.label() for item in self.items())

    def texts(self) -> tuple[str, ...]:
        """Return a tuple of texts."""
        return tuple(item.text() for item in self.items())

    def vector(
        self, length: int | None = None, dtype: type = float, *, finite: bool = False
    ) -> np.ndarray:
        """Return an array (length,); of any length if None."""
        if not isinstance(self.made, list):
            raise self.refuse("is no list")
        if length is not None and len(self.made) != length:
            raise self.refuse(f"has {len(self.made)} numbers and not {length}")
        return self._judge(decode_row(self.made, dtype), finite)

    def matrix(
        self, height: int | None, width: int, dtype: type = float, *, finite: bool = False
    ) -> np.ndarray:
        """Return an array (height, width); of any height if None."""
        if not isinstance(self.made, list):
            raise self.refuse("is no list")
        if height is not None and len(self.made) != height:
            raise self.refuse(f"has {len(self.made)} rows and not {height}")
        return self._judge(decode_rows(self.made, width, dtype), finite, f" {width} wide")

    def symmetric(self, size: int, *, finite: bool = False, least: float = -np.inf) -> np.ndarray:
        """Return a matrix (size, size) of a lower triangle, no diagonal entry below the least."""
        if not isinstance(self.made, list):
            raise self.refuse("is no list")
        said = f" {size} by {size}, nor the lower triangle of one"
        matrix = self._judge(decode_symmetric(self.made, size), finite, said)
        if (np.diag(matrix) < least).any():
            raise self.refuse("has a negative variance on its diagonal")
        return matrix

    def _judge(self, found: np.ndarray | None, finite: bool, said: str = "") -> np.ndarray:
        if found is None:
            raise self.refuse(f"is no array of numbers{said}")
        if finite and not np.isfinite(found).all():
            raise self.refuse("has numbers that are not finite")
        return found

    def maybe(self, read: Callable[[Part], Read]) -> Read | None:
        """Return what a function reads here; None if there is null."""
        return None if self.made is None else read(self)

"""What all judgements of a fit's predictions have in common: rows, notes and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mlelogit.markup import Shown, write_html, write_text


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Judgement(Shown):
    """Numbers about a fit's predictions beside outcomes, as tables under headings.

    Made by `mlelogit.interpretation.performance.classification.classify` and others.

    Attributes
    ----------
    own : bool
        Whether the rows are the fit's own.
    alpha : float
        One less the intervals' level.
    rows : str
        Which rows were judged, in words.
    notes : tuple of str
        What to know about the numbers, and why some are NaN.
    """

    own: bool
    alpha: float
    rows: str
    notes: tuple[str, ...] = ()
    title: ClassVar[str] = ""

    @property
    def level(self) -> str:
        """The intervals' level, as it is written."""
        return f"{1 - self.alpha:.10g}"

    def list_tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return headings, and the tables under them."""
        raise NotImplementedError

    @property
    def _parts(self) -> list[str | pd.DataFrame]:
        tables = [part for section in self.list_tables() for part in section]
        return [*tables, "\n".join(self.notes)]

    def __str__(self) -> str:
        return write_text(f"{self.title}: {self.rows}", *self._parts)

    def _repr_html_(self) -> str:
        return write_html(f"{self.title}: {self.rows}", *self._parts)

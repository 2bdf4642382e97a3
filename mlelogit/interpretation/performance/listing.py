"""Write a result made of several tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

DIGITS = 4
# Of longer tables the middle is left out, as pandas does.
MOST_ROWS = 60


@dataclass(frozen=True)
class Section:
    """A table under its heading."""

    heading: str
    table: pd.DataFrame


def _write_number(value: float) -> str:
    return f"{value:.{DIGITS}g}"


def write_text(title: str, sections: Sequence[Section], notes: Sequence[str]) -> str:
    r"""Write tables under each other, and notes beneath.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.interpretation.performance.listing import Section, write_text
    >>> write_text("Title", [Section("Heading", pd.DataFrame({"a": [0.5]}))], ["A note."])
    'Title\n\nHeading\n   a\n0 0.5\n\nA note.'
    """
    parts = [title]
    for section in sections:
        shown = section.table.to_string(float_format=_write_number, na_rep="", max_rows=MOST_ROWS)
        parts.append(f"{section.heading}\n{shown}")
    parts += ["\n".join(notes)] if notes else []
    return "\n\n".join(parts)


def write_html(title: str, sections: Sequence[Section], notes: Sequence[str]) -> str:
    """Write the same for a notebook."""
    parts = [f"<p><strong>{escape(title)}</strong></p>"]
    for section in sections:
        shown = section.table.to_html(
            float_format=_write_number, na_rep="", border=0, max_rows=MOST_ROWS
        )
        parts.append(f"<p>{escape(section.heading)}</p>{shown}")
    parts += [f"<p>{'<br>'.join(map(escape, notes))}</p>"] if notes else []
    return "".join(parts)

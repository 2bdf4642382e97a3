"""What records show: a title, sentences and tables, as text and escaped for a notebook."""

from __future__ import annotations

from html import escape

import pandas as pd

# Of numbers in tables; frames have all that are known.
DIGITS = 4
# Beyond as many rows the middle of a table is left out, as pandas does by itself.
MOST_ROWS = 60


NEXT, APART = "\n", "\n\n"


class Shown:
    """Base of records that print as their text, and show as it does in a notebook.

    A subclass has ``__str__``; if it is a dataclass, with ``repr=False``. Its first line is the
    title. One that has tables says what to show by its own ``_repr_html_``.
    """

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        title, _, rest = str(self).partition("\n")
        return write_html(title, rest)


def write_number(value: float) -> str:
    """Write a number of a table."""
    return f"{value:.{DIGITS}g}"


def write_text(title: str, *parts: str | pd.DataFrame) -> str:
    r"""Write a title, and below it sentences and tables, a blank line apart.

    A table goes right below the sentence before it, which is its heading.

    Parameters
    ----------
    title : str
    *parts : str or pandas.DataFrame
        Those that are empty are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.markup import write_text
    >>> write_text("Title", "Heading", pd.DataFrame({"a": [0.5]}), "A note.")
    'Title\n\nHeading\n   a\n0 0.5\n\nA note.'
    """
    written, heads = title, False
    for part in parts:
        if isinstance(part, pd.DataFrame):
            written += f"{NEXT if heads else APART}{_write_plainly(part)}" if len(part) else ""
            heads = False
        elif part:
            written, heads = f"{written}{APART}{part}", True
    return written


def _write_plainly(frame: pd.DataFrame) -> str:
    return frame.to_string(float_format=write_number, na_rep="", max_rows=MOST_ROWS)


def write_html(title: str, *parts: str | pd.DataFrame) -> str:
    r"""Write a title, and below it sentences, one on each line, and tables.

    Parameters
    ----------
    title : str
    *parts : str or pandas.DataFrame
        Those that are empty are left out.

    Examples
    --------
    >>> from mlelogit.markup import write_html
    >>> write_html("a < b", "one\ntwo")
    '<p><strong>a &lt; b</strong></p><p>one<br>two</p>'
    """
    written = [f"<p><strong>{escape(title)}</strong></p>"]
    for part in parts:
        if isinstance(part, pd.DataFrame):
            written += [write_table(part)] if len(part) else []
        elif part:
            written.append(f"<p>{'<br>'.join(escape(part).splitlines())}</p>")
    return "".join(written)


def write_table(frame: pd.DataFrame, index: bool = True) -> str:
    """Write a frame as an HTML table, its numbers with four digits, maybe without its index.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.markup import write_table
    >>> "&lt;b&gt;" in write_table(pd.DataFrame({"<b>": [1 / 3]}))
    True
    """
    return frame.to_html(
        border=0,
        escape=True,
        float_format=write_number,
        index=index,
        max_rows=MOST_ROWS,
        na_rep="",
    )

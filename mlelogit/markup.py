"""What records show in a notebook: a title, sentences and tables, everything escaped."""

from __future__ import annotations

from html import escape

import pandas as pd

# Beyond as many rows the middle of a table is left out, as pandas does by itself.
MOST_ROWS = 60


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
        float_format="{:.4g}".format,
        index=index,
        max_rows=MOST_ROWS,
        na_rep="",
    )

"""What records show: a title, sentences and tables, as text and escaped for a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from mlelogit.letters import write_name

# Of numbers in tables; frames have all that are known.
DIGITS = 4
# A double has all whole numbers up to here.
LARGEST_WHOLE = 1e15
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


class Typeset:
    """Base of tables that are text, HTML and LaTeX: a notebook takes which it can show.

    A subclass has ``as_text``, ``as_html`` and ``as_latex``; if it is a dataclass, with
    ``repr=False``.
    """

    def as_text(self) -> str:
        """Return the table as text."""
        raise NotImplementedError

    def as_html(self) -> str:
        """Return the table as HTML."""
        raise NotImplementedError

    def as_latex(self) -> str:
        """Return the table as LaTeX."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.as_html()

    def _repr_latex_(self) -> str:
        return self.as_latex()


def write_number(value: float) -> str:
    """Write a number of a table; one that is whole, or as long before the point, as a whole one.

    Examples
    --------
    >>> from mlelogit.markup import write_number
    >>> write_number(1 / 3), write_number(1234567.0), write_number(12345.6)
    ('0.3333', '1234567', '12346')
    """
    whole = float(value).is_integer() or abs(value) >= 10.0 ** (DIGITS - 1)
    return f"{value:.0f}" if whole and abs(value) < LARGEST_WHOLE else f"{value:.{DIGITS}g}"


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
    return _show_letters(frame).to_string(float_format=write_number, na_rep="", max_rows=MOST_ROWS)


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
    written = [f"<p><strong>{escape(write_name(title))}</strong></p>"]
    for part in parts:
        if isinstance(part, pd.DataFrame):
            written += [write_table(part)] if len(part) else []
        elif part:
            lines = [escape(write_name(line)) for line in part.splitlines()]
            written.append(f"<p>{'<br>'.join(lines)}</p>")
    return "".join(written)


def write_table(frame: pd.DataFrame, index: bool = True) -> str:
    """Write a frame as an HTML table, its numbers with four digits, maybe without its index.

    Numbers that are whole, or have as many digits before the point, are written as whole ones.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.markup import write_table
    >>> "&lt;b&gt;" in write_table(pd.DataFrame({"<b>": [1 / 3]}))
    True
    >>> "<td>12345</td>" in write_table(pd.DataFrame({"people": [12345.0]}))
    True
    """
    return _show_letters(frame).to_html(
        border=0,
        escape=True,
        float_format=write_number,
        index=index,
        max_rows=MOST_ROWS,
        na_rep="",
    )


def _show_letters(frame: pd.DataFrame) -> pd.DataFrame:
    """Return so much of a frame as is written, with all letters to be seen."""
    half = MOST_ROWS // 2 + 1
    ends = frame.iloc[[*range(half), *range(-half, 0)]] if len(frame) > 2 * half else frame
    shown = ends.apply(_show_column)
    shown.index = _show_labels(ends.index)
    shown.columns = _show_labels(ends.columns)
    return shown


def _show_text(value: object) -> object:
    return write_name(value) if isinstance(value, str) else value


def _show_column(column: pd.Series) -> pd.Series:
    return column.map(_show_text) if _has_text(column.dtype) else column


def _show_labels(labels: pd.Index) -> pd.Index:
    """Return labels, and their names, with all their letters to be seen."""
    names = [_show_text(name) for name in labels.names]
    if isinstance(labels, pd.MultiIndex):
        levels: Any = [_show_labels(level) for level in labels.levels]
        codes: Any = labels.codes
        return pd.MultiIndex(levels, codes, names=names, verify_integrity=False)
    if not _has_text(labels.dtype):
        return labels.rename(names[0])
    shown = list(map(_show_text, labels))
    if labels.is_unique and len(set(shown)) < len(shown):
        shown = [write_name(repr(label)) for label in labels]
    # Labels that are tuples stay labels.
    return pd.Index(shown, dtype=object, name=names[0], tupleize_cols=False)


def _has_text(dtype: Any) -> bool:
    return pd.api.types.is_object_dtype(dtype) or isinstance(
        dtype, pd.CategoricalDtype | pd.StringDtype
    )

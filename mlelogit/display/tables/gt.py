"""A table of models as a great_tables object, which its own methods change further."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from mlelogit.display.tables.layout import Layout, typeset
from mlelogit.notices import import_extra


def write_gt(layout: Layout) -> Any:
    """Return a table as ``great_tables.GT``; names are escaped where it writes HTML.

    Raises
    ------
    MissingExtraError
        If great_tables is not installed.
    """
    great_tables = import_extra("great_tables", "tables")
    columns = [f"column_{j}" for j in range(layout.width)]
    frame, grouped = _frame(layout, columns)
    table = great_tables.GT(frame, rowname_col="name", groupname_col=grouped)
    if great_tables.__version__.startswith("0."):  # Which takes names of rows as they are.
        table = table.fmt(escape, columns="name")
    heads = [group.columns[j] for group in layout.groups for j in range(len(group.columns))]
    names = [group.name for group in layout.groups]
    labels = heads if layout.has_columns else names
    shown = [_escape(label, great_tables) for label in labels]
    table = table.cols_label(dict(zip(columns, shown, strict=True)))
    if layout.has_columns:
        for k, (name, (start, count)) in enumerate(zip(names, layout.spans, strict=True)):
            label, spanned = _escape(name, great_tables), columns[start : start + count]
            table = table.tab_spanner(label, spanned, id=f"model_{k}")
    table = table.cols_align("center", columns)
    if layout.title:
        table = table.tab_header(_escape(layout.title, great_tables))
    for note in layout.notes:
        table = table.tab_source_note(_escape(note, great_tables))
    table = table.tab_options(
        table_body_hlines_style="none",
        stub_border_style="none",
        data_row_padding="3px",
    )
    if not layout.foot:
        return table
    rule = great_tables.style.borders(sides="top", color="#A8A8A8")
    first = [len(frame) - len(layout.foot)]
    places = [great_tables.loc.body(rows=first), great_tables.loc.stub(rows=first)]
    return table.tab_style(rule, places)


def _frame(layout: Layout, columns: list[str]) -> tuple[pd.DataFrame, str | None]:
    """Return the cells as text, and the column of headings if there are some."""
    lines = [
        (section.heading, "" if i else row.label, *(typeset(cell) + cell.stars for cell in line))
        for section in layout.sections
        for row in section.rows
        for i, line in enumerate(row.lines)
    ]
    headed = bool(layout.sections[0].heading)
    for row in layout.foot:
        cells = map(typeset, layout.spread(row.lines[0]))
        lines.append((" " if headed else "", row.label, *cells))
    frame = pd.DataFrame(lines, columns=["section", "name", *columns])
    return (frame, "section") if headed else (frame.drop(columns="section"), None)


def _escape(text: str, great_tables: Any) -> Any:
    """Return a text that great_tables shows as it is: two braces would be units to it."""
    return great_tables.html(escape(text).replace("{", "&#123;"))

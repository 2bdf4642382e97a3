"""A table of models as a great_tables object, which its own methods change further."""

from __future__ import annotations

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
    lines = [
        (section.heading, "" if i else row.label, *(typeset(cell) + cell.stars for cell in line))
        for section in layout.sections
        for row in section.rows
        for i, line in enumerate(row.lines)
    ]
    last = " " if layout.sections[0].heading else ""
    for row in layout.foot:
        cells = map(typeset, layout.spread(row.lines[0]))
        lines.append((last, row.label, *cells))
    frame = pd.DataFrame(lines, columns=["section", "name", *columns])
    grouped = "section" if layout.sections[0].heading else None
    frame = frame if grouped else frame.drop(columns="section")
    table = great_tables.GT(frame, rowname_col="name", groupname_col=grouped)
    heads = [group.columns[j] for group in layout.groups for j in range(len(group.columns))]
    names = [group.name for group in layout.groups]
    labels = heads if layout.has_columns else names
    table = table.cols_label(dict(zip(columns, labels, strict=True)))
    if layout.has_columns:
        for k, (name, (start, count)) in enumerate(zip(names, layout.spans, strict=True)):
            table = table.tab_spanner(name, columns[start : start + count], id=f"model_{k}")
    table = table.cols_align("center", columns)
    if layout.title:
        table = table.tab_header(layout.title)
    for note in layout.notes:
        table = table.tab_source_note(note)
    return table

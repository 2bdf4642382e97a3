"""A table of models in a Word document."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from mlelogit.data.files.paths import check_target, write_whole
from mlelogit.display.tables.layout import Layout, typeset
from mlelogit.notices import import_extra

# More columns than this need the page on its side.
UPRIGHT_COLUMNS = 6
FONT_POINTS = 9
# Widths of rules, in eighths of a point.
THICK, THIN = 8, 4


def write_docx(layout: Layout, path: Any) -> Path:
    """Write a table to a Word document: whole, or not at all.

    Parameters
    ----------
    layout : Layout
    path : str or path-like
        A file that is there is replaced.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    MissingExtraError
        If python-docx is not installed.
    OutputFileError
        If the file cannot be written.
    """
    target = check_target(path)
    document = import_extra("docx", "tables").Document()
    if layout.width > UPRIGHT_COLUMNS:
        _turn_page(document)
    if layout.title:
        document.add_paragraph(layout.title, style="Caption")
    _fill_table(document, layout)
    for note in layout.notes:
        _shrink(document.add_paragraph(note))
    content = BytesIO()
    document.save(content)
    return write_whole(content.getvalue(), target)


def _turn_page(document: Any) -> None:
    section = document.sections[-1]
    section.orientation = import_extra("docx.enum.section", "tables").WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width


def _fill_table(document: Any, layout: Layout) -> None:
    lines = _list_lines(layout)
    table = document.add_table(rows=len(lines), cols=layout.width + 1)
    table.alignment = import_extra("docx.enum.table", "tables").WD_TABLE_ALIGNMENT.CENTER
    depth = 2 if layout.has_columns else 1
    for i, (spans, rule) in enumerate(lines):
        cells = list(table.rows[i].cells)
        column = 0
        for text, count, style in spans:
            cell = cells[column]
            if count > 1:
                cell = cell.merge(cells[column + count - 1])
            _write_cell(cell, text, style, centered=column > 0)
            if style == "group":
                _draw_rule(cell, "bottom", THIN)
            column += count
        for cell in table.rows[i].cells:
            if rule:
                _draw_rule(cell, "top", rule)
            if i == len(lines) - 1:
                _draw_rule(cell, "bottom", THICK)
        if i < depth:
            _repeat_on_pages(table.rows[i])


def _list_lines(layout: Layout) -> list[tuple[list[tuple[str, int, str]], int]]:
    """Return every line as (text, number of columns, style), and the rule above it."""
    style = "group" if layout.has_columns else "head"
    heads = [(group.name, len(group.columns), style) for group in layout.groups]
    lines = [([("", 1, ""), *heads], THICK)]
    if layout.has_columns:
        names = [column for group in layout.groups for column in group.columns]
        lines.append(([("", 1, ""), *((name, 1, "head") for name in names)], 0))
    first = THIN
    for section in layout.sections:
        if section.heading:
            lines.append(([(section.heading, layout.width + 1, "section")], first))
            first = 0
        for row in section.rows:
            for i, line in enumerate(row.lines):
                cells = [(typeset(cell) + cell.stars, 1, "") for cell in line]
                lines.append(([("" if i else row.label, 1, ""), *cells], first))
                first = 0
    for k, row in enumerate(layout.foot):
        spans = [(cell, count) for cell, (_, count) in zip(row.lines[0], layout.spans, strict=True)]
        cells = [(typeset(cell), count, "") for cell, count in spans]
        lines.append(([(row.label, 1, ""), *cells], 0 if k else THIN))
    return lines


def _write_cell(cell: Any, text: str, style: str, centered: bool) -> None:
    # What merging leaves of the cells it joins is an empty paragraph for each.
    for paragraph in cell.paragraphs[1:]:
        paragraph._element.getparent().remove(paragraph._element)
    paragraph = cell.paragraphs[0]
    run = paragraph.add_run(text)
    run.bold = style in ("group", "head") or None
    run.italic = style == "section" or None
    if centered:
        paragraph.alignment = import_extra("docx.enum.text", "tables").WD_ALIGN_PARAGRAPH.CENTER
    _shrink(paragraph)


def _shrink(paragraph: Any) -> None:
    points = import_extra("docx.shared", "tables").Pt
    paragraph.paragraph_format.space_after = points(0)
    for run in paragraph.runs:
        run.font.size = points(FONT_POINTS)


def _draw_rule(cell: Any, edge: str, size: int) -> None:
    oxml, ns = import_extra("docx.oxml", "tables"), import_extra("docx.oxml.ns", "tables")
    properties = cell._element.get_or_add_tcPr()
    borders = properties.find(ns.qn("w:tcBorders"))
    if borders is None:
        borders = oxml.OxmlElement("w:tcBorders")
        properties.append(borders)
    rule = borders.find(ns.qn(f"w:{edge}"))
    if rule is None:
        rule = oxml.OxmlElement(f"w:{edge}")
        borders.insert(0 if edge == "top" else len(borders), rule)  # Word wants the top first.
    for key, value in (("val", "single"), ("sz", str(size)), ("space", "0"), ("color", "auto")):
        rule.set(ns.qn(f"w:{key}"), value)


def _repeat_on_pages(row: Any) -> None:
    """Mark a row as head, which Word repeats on every page and reads out."""
    oxml, ns = import_extra("docx.oxml", "tables"), import_extra("docx.oxml.ns", "tables")
    mark = oxml.OxmlElement("w:tblHeader")
    mark.set(ns.qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)

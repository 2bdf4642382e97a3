"""A table of models as HTML."""

from __future__ import annotations

from html import escape

from mlelogit.display.tables.layout import Cell, Layout, Row, typeset

# Themes of notebooks name two classes in their rules for tables, and come after these. What
# names an element by its id counts for more, even if it only says which one it is not.
TABLE = ".mlelogit-models:not(#_)"
# Rules as in books, in the colour of the text, so that it reads on dark pages too.
STYLE = f"""<style>
{TABLE} {{ overflow-x: auto; position: relative; }}
{TABLE} table {{ border: 0; border-collapse: collapse; border-top: 2px solid;
  border-bottom: 2px solid; font-variant-numeric: tabular-nums; margin: 0 0 0.5em; }}
{TABLE} caption {{ font-weight: bold; padding: 0 0 0.4em; text-align: left; }}
{TABLE} :is(thead, tbody, tr) {{ background: none; border: 0; }}
{TABLE} :is(th, td) {{ background: none; border: 0; padding: 0.15em 1.6em 0.15em 0.8em;
  text-align: right; white-space: nowrap; }}
{TABLE} :is(tbody th, thead td) {{ font-weight: normal; padding-left: 0.3em; text-align: left;
  vertical-align: top; }}
{TABLE} :is(th, td)[colspan] {{ padding: 0.15em 0.5em; text-align: center; }}
{TABLE} thead th span {{ border-bottom: 1px solid; display: block; }}
{TABLE} tbody tr:first-child > * {{ border-top: 1px solid; padding-top: 0.3em; }}
{TABLE} tbody th[colspan] {{ font-style: italic; padding-left: 0.3em; text-align: left; }}
{TABLE} td b {{ font-weight: normal; position: absolute; }}
{TABLE} p {{ font-size: 0.9em; margin: 0; max-width: 60em; text-align: left; }}
</style>"""


def write_html(layout: Layout) -> str:
    """Write a table as HTML that needs nothing else; every name is escaped."""
    title = [f"<caption>{escape(layout.title)}</caption>"] if layout.title else []
    bodies = []
    for section in layout.sections:
        lines = []
        if section.heading:
            span = f'colspan="{layout.width + 1}" scope="rowgroup"'
            lines.append(f"<tr><th {span}>{escape(section.heading)}</th></tr>")
        for row in section.rows:
            lines += _write_row(row)
        bodies.append(["<tbody>", *lines, "</tbody>"])
    if layout.foot:
        bodies.append(
            ["<tbody>", *(_write_statistic(row, layout) for row in layout.foot), "</tbody>"]
        )
    notes = [f"<p>{escape(note)}</p>" for note in layout.notes]
    return "\n".join(
        [
            '<div class="mlelogit-models" tabindex="0">',
            STYLE,
            "<table>",
            *title,
            "<thead>",
            *_write_heads(layout),
            "</thead>",
            *(line for body in bodies for line in body),
            "</table>",
            *notes,
            "</div>",
        ]
    )


def _write_heads(layout: Layout) -> list[str]:
    depth = 2 if layout.has_columns else 1
    first = [
        f'<th{_span(len(group.columns))} scope="colgroup"><span>{escape(group.name)}</span></th>'
        if layout.has_columns
        else f'<th scope="col">{escape(group.name)}</th>'
        for group in layout.groups
    ]
    lines = [f'<tr><td rowspan="{depth}"></td>{"".join(first)}</tr>']
    if layout.has_columns:
        names = [column for group in layout.groups for column in group.columns]
        cells = [f'<th scope="col">{escape(name)}</th>' for name in names]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return lines


def _write_row(row: Row) -> list[str]:
    span = f' rowspan="{len(row.lines)}"' if len(row.lines) > 1 else ""
    head = f'<th scope="row"{span}>{escape(row.label)}</th>'
    return [
        f"<tr>{'' if i else head}{''.join(_write_cell(cell) for cell in line)}</tr>"
        for i, line in enumerate(row.lines)
    ]


def _write_cell(cell: Cell) -> str:
    """Write a cell; what follows the number hangs over, so that digits stay below digits."""
    text = typeset(cell)
    tail = cell.stars
    if not tail and cell.is_number and text[:1] in ("(", "["):
        text, tail = text[:-1], text[-1]
    hanging = f"<b>{escape(tail)}</b>" if tail else ""
    return f"<td>{escape(text)}{hanging}</td>"


def _span(count: int) -> str:
    return f' colspan="{count}"' if count > 1 else ""


def _write_statistic(row: Row, layout: Layout) -> str:
    cells = [
        f"<td{_span(count)}>{escape(typeset(cell))}</td>"
        for cell, (_, count) in zip(row.lines[0], layout.spans, strict=True)
    ]
    return f'<tr><th scope="row">{escape(row.label)}</th>{"".join(cells)}</tr>'

"""A table of models as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from mlelogit.display.escapes import escape_markdown, escape_markdown_line
from mlelogit.display.tables.layout import Cell, Layout
from mlelogit.letters import measure

GAP = "  "
NARROWEST = 72


def write_text(layout: Layout) -> str:
    """Write a table as text; points of numbers stand below each other."""
    columns = [_align([line[j] for _, line in layout.list_lines()]) for j in range(layout.width)]
    heads = [column for group in layout.groups for column in group.columns]
    widths = [max(map(measure, (head, *cells))) for head, cells in zip(heads, columns, strict=True)]
    _widen(layout, widths)
    stub = max(map(measure, _list_labels(layout)))
    room = sum(widths) + len(GAP) * len(widths)
    longest = max(measure(section.heading) for section in layout.sections)
    stub = max(stub, longest - room)
    total = stub + room
    lines = [*_write_heads(layout, heads, widths, stub), "-" * total]
    lines += _write_body(layout, columns, widths, stub)
    if layout.foot:
        lines.append("-" * total)
    for row in layout.foot:
        spans = [cell.plain for cell in row.lines[0]]
        lines.append(_pad(row.label, stub) + _center_spans(layout, spans, widths))
    notes = [line for note in layout.notes for line in _wrap(note, max(total, NARROWEST))]
    title = [layout.title] if layout.title else []
    rule = "=" * total
    return "\n".join(line.rstrip() for line in [*title, rule, *lines, rule, *notes])


def _list_labels(layout: Layout) -> list[str]:
    labels = [row.label for section in layout.sections for row in section.rows]
    return ["", *labels, *[row.label for row in layout.foot]]


def _align(cells: Sequence[Cell]) -> list[str]:
    """Pad numbers so that their points stand in one place; all get the same width."""
    halves = {i: _split(cell) for i, cell in enumerate(cells) if _split(cell) is not None}
    left = max((len(half[0]) for half in halves.values() if half), default=0)
    right = max((len(half[1]) for half in halves.values() if half), default=0)
    padded = [cell.plain for cell in cells]
    for i, half in halves.items():
        if half:
            padded[i] = half[0].rjust(left) + half[1].ljust(right)
    return padded


def _split(cell: Cell) -> tuple[str, str] | None:
    """Split a number before its point; None if it has none, or is an interval."""
    if not cell.is_number or cell.text.count(".") != 1:
        return None
    at = cell.text.index(".")
    return cell.text[:at], cell.text[at:] + cell.stars


def _widen(layout: Layout, widths: list[int]) -> None:
    """Give the columns of a model the room that its name and statistics need."""
    for k, ((start, count), group) in enumerate(zip(layout.spans, layout.groups, strict=True)):
        texts = [group.name, *(row.lines[0][k].plain for row in layout.foot)]
        needed = max(map(measure, texts))
        room = sum(widths[start : start + count]) + len(GAP) * (count - 1)
        for extra in range(needed - room):
            widths[start + extra % count] += 1


def _write_heads(layout: Layout, heads: list[str], widths: list[int], stub: int) -> list[str]:
    names = " " * stub + _center_spans(layout, [group.name for group in layout.groups], widths)
    if not layout.has_columns:
        return [names]
    rules = [
        "-" * (sum(widths[start : start + count]) + len(GAP) * (count - 1))
        for start, count in layout.spans
    ]
    categories = [_center(head, width) for head, width in zip(heads, widths, strict=True)]
    return [
        names,
        " " * stub + GAP + GAP.join(rules),
        " " * stub + GAP + GAP.join(categories),
    ]


def _write_body(
    layout: Layout, columns: list[list[str]], widths: list[int], stub: int
) -> list[str]:
    lines, k = [], 0
    for section in layout.sections:
        lines += [section.heading] if section.heading else []
        for row in section.rows:
            for i in range(len(row.lines)):
                cells = [
                    _center(column[k], width) for column, width in zip(columns, widths, strict=True)
                ]
                lines.append(GAP.join([_pad("" if i else row.label, stub), *cells]))
                k += 1
    return lines


def _center_spans(layout: Layout, texts: list[str], widths: list[int]) -> str:
    """Center a text above or below the columns of every model."""
    cells = [
        _center(text, sum(widths[start : start + count]) + len(GAP) * (count - 1))
        for text, (start, count) in zip(texts, layout.spans, strict=True)
    ]
    return GAP + GAP.join(cells)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - measure(text))


def _center(text: str, width: int) -> str:
    room = width - measure(text)
    return " " * (room // 2) + text + " " * (room - room // 2)


def _wrap(note: str, width: int) -> list[str]:
    lines = [""]
    for word in note.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and measure(longer) > width:
            lines.append(f"  {word}")
        else:
            lines[-1] = longer
    return lines


def write_markdown(layout: Layout) -> str:
    """Write a table as Markdown: a head for every column, and a line for all that is below."""
    heads = ["", *layout.head_columns()]
    title = layout.title.strip()
    lines = [f"**{escape_markdown(title)}**", ""] if title else []
    lines += [_write_row(heads), f"| {' | '.join(['---', *['---:'] * layout.width])} |"]
    for section in layout.sections:
        if section.heading:
            lines.append(_write_row([section.heading, *[""] * layout.width], "**"))
        for row in section.rows:
            for i, line in enumerate(row.lines):
                cells = [cell.plain for cell in line]
                lines.append(_write_row(["" if i else row.label, *cells]))
    for row in layout.foot:
        cells = [cell.plain for cell in layout.spread(row.lines[0])]
        lines.append(_write_row([row.label, *cells]))
    notes = [f"- {escape_markdown_line(note)}" for note in layout.notes]
    return "\n".join([*lines, "", *notes])


def _write_row(cells: list[str], mark: str = "") -> str:
    written = [escape_markdown(cell.strip()) for cell in cells]
    written[0] = f"{mark}{written[0]}{mark}"
    return f"| {' | '.join(written)} |"

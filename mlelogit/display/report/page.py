"""Lay a report out as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import re
from functools import singledispatch
from html import escape
from importlib.resources import files
from itertools import count
from typing import Any

from mlelogit.display.escapes import write_name
from mlelogit.display.report.content import (
    Facts,
    Group,
    Heading,
    Items,
    Notice,
    Page,
    Paragraph,
    Part,
    Picture,
    Section,
    Snippet,
    Table,
    Tiles,
)

# Dots per inch of a browser, and the width that a picture keeps on a small screen: there it is
# moved sideways, as its words would be too small to be read.
DOTS, LEAST = 96, 320
# Names of rows up to this length stay on one line where there is room.
BRIEF = 26
# Words up to this length are not broken where there is little room.
LONGEST_WORD = 16
# A minus sign inside such a number is no place to break a line.
NUMBER = re.compile(r"\d[\d.]*e-\d+")
# A table of so many rows is kept on one page of paper.
SHORT = 18
# Whatever a page asked for, a browser would refuse: it holds all it needs.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
KINDS = {True: "number", False: "text"}
LONG = {True: " long", False: ""}
DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="mlelogit">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<div class="page">
<header>
<p class="kind">Multinomial logit</p>
<h1>{title}</h1>
<p class="subtitle">{subtitle}</p>
{verdict}
</header>
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
{contents}
</ol>
</nav>
<main id="content">
{sections}
</main>
<footer>
<p>{footer}</p>
</footer>
</div>
</body>
</html>
"""


def write_page(page: Page) -> str:
    """Write a page as HTML; every text is escaped.

    Parameters
    ----------
    page : Page

    Returns
    -------
    str
        A document without scripts that refers to nothing outside itself.
    """
    return DOCUMENT.format(
        policy=POLICY,
        style=files("mlelogit.display.report").joinpath("page.css").read_text(encoding="utf-8"),
        title=write_text(page.title),
        subtitle=write_text(page.subtitle),
        verdict=write_part(page.verdict),
        contents="\n".join(
            f'<li><a href="#{section.key}">{write_text(section.title)}</a></li>'
            for section in page.sections
        ),
        sections="\n".join(_write_section(section) for section in page.sections),
        footer=write_text(page.footer),
    )


def write_text(text: Any) -> str:
    r"""Escape a text for HTML; line breaks that names hold are written as ``\n`` and such.

    Examples
    --------
    >>> from mlelogit.display.report.page import write_text
    >>> write_text("a < b")
    'a &lt; b'
    """
    return escape(write_name(text))


def write_prose(text: Any) -> str:
    """Escape a text whose lines can break, though not inside numbers."""
    return NUMBER.sub(r'<span class="whole">\g<0></span>', write_text(text))


def _write_section(section: Section) -> str:
    numbers = count(1)
    head = f'<section id="{section.key}" aria-labelledby="{section.key}-title">'
    parts = [write_part(part, f"{section.key}-{next(numbers)}") for part in section.parts]
    title = f'<h2 id="{section.key}-title">{write_text(section.title)}</h2>'
    return "\n".join([head, title, *parts, "</section>"])


@singledispatch
def write_part(part: Part, _identity: str = "") -> str:
    """Write a part of a section as HTML; the identity names it on the page."""
    raise TypeError(f"A page has no place for {type(part).__name__}.")


@write_part.register
def _(part: Paragraph, _identity: str = "") -> str:
    return f"<p>{write_prose(part.text)}</p>"


@write_part.register
def _(part: Heading, _identity: str = "") -> str:
    return f"<h3>{write_text(part.text)}</h3>"


@write_part.register
def _(part: Items, _identity: str = "") -> str:
    tag = "ol" if part.ordered else "ul"
    items = "\n".join(f"<li>{write_prose(item)}</li>" for item in part.items)
    return f"<{tag}>\n{items}\n</{tag}>"


@write_part.register
def _(part: Facts, _identity: str = "") -> str:
    rows = "\n".join(
        f"<dt>{write_text(label)}</dt><dd>{write_prose(value)}</dd>" for label, value in part.rows
    )
    return f'<dl class="facts">\n{rows}\n</dl>'


@write_part.register
def _(part: Tiles, _identity: str = "") -> str:
    rows = "\n".join(
        f'<div><dt>{write_text(label)}</dt><dd class="value">{write_text(value)}</dd>'
        f'<dd class="note">{write_text(note)}</dd></div>'
        for label, value, note in part.rows
    )
    return f'<dl class="tiles">\n{rows}\n</dl>'


@write_part.register
def _(part: Notice, _identity: str = "") -> str:
    rows = "\n".join(
        f'<p><span class="label">{write_text(label)}</span> {write_prose(text)}</p>'
        if label
        else f"<p>{write_prose(text)}</p>"
        for label, text in part.rows
    )
    title = f'<p class="title">{write_text(part.title)}</p>'
    return f'<div class="notice {part.tone}" role="note">\n{title}\n{rows}\n</div>'


@write_part.register
def _(part: Snippet, identity: str = "") -> str:
    said = f'<p class="caption" id="{identity}">{write_text(part.label)}</p>'
    text = escape(part.text)
    return f'{said}\n<pre tabindex="0" role="group" aria-labelledby="{identity}">{text}</pre>'


@write_part.register
def _(part: Picture, identity: str = "") -> str:
    width, height = (round(DOTS * size) for size in (part.width, part.height))
    image = (
        f'<img src="{escape(part.source)}" alt="{write_text(part.alt)}" width="{width}" '
        f'height="{height}" style="--least:{min(width, LEAST)}px">'
    )
    caption = f'<figcaption id="{identity}">{write_text(part.caption)}</figcaption>'
    frame = f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{identity}">'
    return f"<figure>\n{caption}\n{frame}{image}</div>\n</figure>"


@write_part.register
def _(part: Table, identity: str = "") -> str:
    columns = "".join(
        f'<th scope="col" class="{KINDS[number]}">{write_text(name)}</th>'
        for name, number in zip(part.columns, part.numeric, strict=True)
    )
    groups = "\n".join(_write_group(group, part) for group in part.groups)
    caption = write_text(part.caption)
    note = f'\n<p class="under">{write_prose(part.note)}</p>' if part.note else ""
    words = [word for group in part.groups for row in group.rows for word in row[0].split()]
    longest = min(max(map(len, words), default=0), LONGEST_WORD)
    short = " short" if part.length <= SHORT else ""
    return (
        f'<div class="table{short}">\n'
        f'<p class="caption" aria-hidden="true" id="{identity}">{caption}</p>\n'
        f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{identity}">\n'
        f'<table style="--longest:{longest}ch">\n'
        f"<caption>{caption}</caption>\n<thead><tr>{columns}</tr></thead>\n"
        f"{groups}\n</table>\n</div>{note}\n</div>"
    )


def _write_group(group: Group, table: Table) -> str:
    rows = [_write_row(row, table.numeric) for row in group.rows]
    if group.title:
        said = f'<span class="grouptitle">{write_text(group.title)}</span>'
        head = f'<th colspan="{len(table.columns)}" scope="rowgroup">{said}</th>'
        rows.insert(0, f'<tr class="group">{head}</tr>')
    return "<tbody>\n" + "\n".join(rows) + "\n</tbody>"


def _write_row(row: tuple[str, ...], numeric: tuple[bool, ...]) -> str:
    first, *others = row
    cells = "".join(
        f'<td class="{KINDS[number]}{LONG[len(cell) > BRIEF]}">{write_text(cell)}</td>'
        for cell, number in zip(others, numeric[1:], strict=True)
    )
    brief = ' class="brief"' if len(first) <= BRIEF else ""
    return f'<tr><th scope="row"{brief}>{write_text(first)}</th>{cells}</tr>'

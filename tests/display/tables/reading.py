"""Read tables of models back from every format: lines of a label and plain cells."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

FORMS = ("text", "html", "latex", "markdown", "docx", "gt")
MACROS = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textasciigrave": "`",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "char34": '"',
}
MATH = {r"\infty": "inf", "<": "<", "-": "-", r"-\infty": "-inf", r"\beta": "β", r"\geq": "≥"}


def read(table, form):
    """Return the lines of a table, heads first, each a list of cells; spanned cells are empty.

    A text has no empty cells: they cannot be told from spaces.
    """
    if form == "docx":
        return read_docx(table)
    return READERS[form](table)


def read_text(table):
    lines = table.as_text().split("\n")
    rules = [i for i, line in enumerate(lines) if line and set(line) == {"="}]
    body = lines[rules[0] + 1 : rules[1]]
    rows = [re.split(r"\s{2,}", line.strip()) for line in body if set(line.strip()) - set("- ")]
    starts = [line.startswith(" ") for line in body if set(line.strip()) - set("- ")]
    return [["", *row] if start else row for row, start in zip(rows, starts, strict=True)]


class Rows(HTMLParser):
    """Lays the cells of an HTML table out on a grid."""

    def __init__(self):
        super().__init__()
        self.rows, self.open, self.cell, self.below = [], False, None, {}

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "tr":
            self.rows.append([])
            self._fill()
        elif tag in ("td", "th"):
            self.cell, self.open = "", True
            self.span = int(given.get("colspan", 1)), int(given.get("rowspan", 1))

    def _fill(self):
        row = self.rows[-1]
        while self.below.get(len(row), 0):
            self.below[len(row)] -= 1
            row.append("")

    def handle_data(self, data):
        if self.open:
            self.cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            columns, rows = self.span
            row = self.rows[-1]
            if rows > 1:
                self.below[len(row)] = rows - 1
            row += [self.cell.strip(), *[""] * (columns - 1)]
            self.open = False
            self._fill()


def read_html(table):
    return read_markup(table.as_html())


def read_markup(text):
    parser = Rows()
    parser.feed(text)
    return [[untypeset(cell) for cell in row] for row in parser.rows]


def untypeset(text):
    return text.replace("\u2212", "-").replace("\u221e", "inf")


def read_gt(table):
    markup = table.as_gt().as_raw_html()
    rows = [row for row in read_markup(markup[markup.index("<table") :]) if any(row)]
    width = max(map(len, rows))
    lines = [row if len(row) == width else row + [""] * (width - len(row)) for row in rows]
    notes = len(table.layout.notes)
    titled = 1 if table.layout.title else 0
    return lines[titled : len(lines) - notes]


def read_latex(table, **options):
    text = table.as_latex(**options)
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.split("\n") if re.search(r"(?<!\\)\\\\\*?$", line)]
    return [read_latex_line(re.sub(r"\\\\\*?$", "", line)) for line in lines]


def read_latex_line(line):
    cells = []
    for part in re.split(r"(?<!\\)&", line):
        found = re.fullmatch(r"\\multicolumn\{(\d+)\}\{[lc]\}\{(.*)\}", part.strip())
        count, text = (int(found[1]), found[2]) if found else (1, part.strip())
        cells += [read_latex_cell(text), *[""] * (count - 1)]
    return cells


def read_latex_cell(text):
    """Undo what LaTeX needs, macro by macro; what is left of a backslash is an error."""
    text = re.sub(r"^\\textit\{(.*)\}$", r"\1", text).removeprefix("{}")
    for braces in (r"\\phantom\{((?:[^{}]|\{[^{}]*\})*)\}",):
        text = re.sub(braces, "", text)
    text = re.sub(r"\\[lr]lap\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", text)
    text = re.sub(r"\$\^\{(\*+)\}\$", r"\1", text)
    text = re.sub(r"\\textsuperscript\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", text)
    text = re.sub(r"\$\\times10\^\{(-?)(\d+)\}\$", lambda m: f"e{m[1] or '+'}{int(m[2]):02d}", text)
    text = re.sub(r"\$([^$]*)\$", lambda m: MATH[m[1]], text)
    text = text.replace("-{}-", "--").replace("-{}-", "--")
    pieces = re.split(r"(\\[a-zA-Z]+\d*\{\}|\\[&%$#_{}])", text)
    return "".join(
        MACROS[piece[1:-2]]
        if piece.endswith("{}")
        else piece.removeprefix("\\")
        if piece.startswith("\\")
        else piece
        for piece in pieces
    )


def read_markdown(table):
    lines = [line for line in table.as_markdown().split("\n") if line.startswith("|")]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    plain = [[re.sub(r"\\(.)", r"\1", cell.strip()) for cell in row] for row in rows]
    heads, rule, *body = plain
    assert rule == ["---", *["---:"] * (len(rule) - 1)]
    for row in body:
        if re.fullmatch(r"\*\*.*\*\*", row[0]):
            row[0] = row[0][2:-2]
    return [heads, *body]


def read_docx(table):
    import docx

    folder = io.BytesIO()
    document = docx.Document(_save(table, folder))
    (found,) = document.tables
    lines = []
    for row in found.rows:
        cells, before = [], None
        for cell in row.cells:
            cells.append("" if cell._tc is before else cell.text)
            before = cell._tc
        lines.append([untypeset(cell) for cell in cells])
    return lines


def _save(table, stream):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = table.as_docx(Path(folder) / "table.docx")
        stream.write(path.read_bytes())
    stream.seek(0)
    return stream


READERS = {
    "text": read_text,
    "html": read_html,
    "latex": read_latex,
    "markdown": read_markdown,
    "gt": read_gt,
}

r"""A table of models as LaTeX that needs booktabs and nothing else.

Points of numbers stand below each other without a package for it: what is before the point is
set in the width of the widest such text of its column, and so is what follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlelogit.data.arguments import check_flag
from mlelogit.display.escapes import escape_latex
from mlelogit.display.tables.layout import Cell, Layout
from mlelogit.exceptions import OptionError

# In tenths of an em, of Computer Modern; they choose which text is the widest, no more.
WIDTHS = {"-": 7.8, "(": 3.9, ")": 3.9, ".": 2.8, "*": 3.6, " ": 3.3}
DIGIT = 5.0
# Notes are as wide as the table, or as a line of text can well be.
NOTES = [
    r"\dimen0\wd0 \ifdim\dimen0<0.5\linewidth \dimen0=0.5\linewidth\fi",
    r"\ifdim\dimen0>\linewidth \dimen0=\linewidth\fi",
    r"\leavevmode\box0",
    "",
    r"\smallskip",
    r"\begin{minipage}{\dimen0}\footnotesize\raggedright",
]
POWER = re.compile(r"(-?[\d.]+)e([-+])0*(\d+)")


def write_latex(layout: Layout, label: str | None = None, longtable: bool = False) -> str:
    r"""Write a table as LaTeX, in a table environment with a caption if it has a title.

    Parameters
    ----------
    layout : Layout
    label : str, optional
        For ``\ref``; needs a title.
    longtable : bool
        Whether it may run over pages, which needs the package longtable.

    Raises
    ------
    OptionError
        If there is a label without a title, or it has characters that LaTeX reads as commands.
    """
    check_flag("longtable", longtable)
    caption = [rf"\caption{{{escape_latex(layout.title)}}}"] if layout.title else []
    if label is not None:
        _check_label(label, layout)
        caption.append(rf"\label{{{label}}}")
    notes = [rf"{escape_latex(note)}\par" for note in layout.notes]
    spec = f"l{'c' * layout.width}"
    if longtable:
        return "\n".join(_lay_pages(caption, spec, layout, notes))
    around = "table" if layout.title else "center"
    lines = [rf"\begin{{{around}}}", *([r"\centering", *caption] if caption else [])]
    tabular = [rf"\begin{{tabular}}{{{spec}}}", *_write_head(layout), *_write_body(layout)]
    lines += [r"\setbox0\hbox{%", *tabular, r"\end{tabular}}%", *NOTES]
    return "\n".join([*lines, *notes, r"\end{minipage}", rf"\end{{{around}}}"])


def _lay_pages(caption: list[str], spec: str, layout: Layout, notes: list[str]) -> list[str]:
    """Write a table that runs over pages, each with the head."""
    titled = ["".join(caption) + r" \\"] if caption else []
    lines = [rf"\begin{{longtable}}{{{spec}}}", *titled, *_write_head(layout), r"\endfirsthead"]
    lines += [*_write_head(layout), r"\endhead", *_write_body(layout, r"\\*")]
    lines.append(r"\end{longtable}")
    return [*lines, r"\begingroup\footnotesize\raggedright\noindent", *notes, r"\endgroup"]


def _check_label(label: str, layout: Layout) -> None:
    if not layout.title:
        raise OptionError("A label needs a caption: give compare_models a title.")
    if not isinstance(label, str) or not re.fullmatch(r"[\w:.+*/-]+", label, re.ASCII):
        raise OptionError(
            f"label may have letters, digits and :.+*/_- only, as in 'tab:votes', not {label!r}."
        )


def _write_head(layout: Layout) -> list[str]:
    return [r"\toprule", *_write_heads(layout), r"\midrule"]


def _write_body(layout: Layout, glue: str = r"\\") -> list[str]:
    """Write the lines; glue ends those that no page may end with."""
    columns = [_align([line[j] for _, line in layout.list_lines()]) for j in range(layout.width)]
    lines, k = [], 0
    for i, section in enumerate(layout.sections):
        if section.heading:
            lines += [r"\addlinespace"] if i else []
            text = rf"\textit{{{escape_latex(section.heading)}}}"
            lines.append(rf"\multicolumn{{{layout.width + 1}}}{{l}}{{{text}}} {glue}")
        for row in section.rows:
            for below in range(len(row.lines)):
                name = "" if below else escape_latex(row.label)
                end = glue if below < len(row.lines) - 1 else r"\\"
                lines.append(_join([name, *(column[k] for column in columns)], end))
                k += 1
    lines += [r"\midrule"] if layout.foot else []
    for row in layout.foot:
        cells = map(_write_number, row.lines[0])
        spans = [_span(text, count) for text, (_, count) in zip(cells, layout.spans, strict=True)]
        lines.append(_join([escape_latex(row.label), *spans]))
    return [*lines, r"\bottomrule"]


def _write_heads(layout: Layout) -> list[str]:
    names = [escape_latex(group.name) for group in layout.groups]
    first = [_span(name, count) for name, (_, count) in zip(names, layout.spans, strict=True)]
    if not layout.has_columns:
        return [_join(["", *first])]
    rules = [rf"\cmidrule(lr){{{start + 2}-{start + 1 + count}}}" for start, count in layout.spans]
    heads = [escape_latex(column) for group in layout.groups for column in group.columns]
    return [_join(["", *first]), "".join(rules), _join(["", *heads])]


def _join(cells: Sequence[str], end: str = r"\\") -> str:
    # A line that begins with a bracket would be read as an option of the line before.
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return f"{guard}{' & '.join(cells)} {end}"


def _span(text: str, count: int) -> str:
    return text if count == 1 else rf"\multicolumn{{{count}}}{{c}}{{{text}}}"


def _write_number(cell: Cell) -> str:
    """Write a cell that stands alone: numbers with a minus sign and powers of ten."""
    if not cell.is_number:
        return escape_latex(cell.text) + _write_stars(cell.stars)
    text = POWER.sub(lambda m: _write_power(*m.groups()), cell.text)
    text = re.sub(r"(-?)inf", r"$\1\\infty$", text)
    text = re.sub(r"(?<![\^{])-(?=\d)", "$-$", text)
    return text.replace("<", "$<$") + _write_stars(cell.stars)


def _write_power(mantissa: str, sign: str, exponent: str) -> str:
    return rf"{mantissa}$\times10^{{{sign.strip('+')}{exponent}}}$"


def _write_stars(stars: str) -> str:
    if not stars:
        return ""
    return (
        f"$^{{{stars}}}$" if not stars.strip("*") else rf"\textsuperscript{{{escape_latex(stars)}}}"
    )


def _align(cells: Sequence[Cell]) -> list[str]:
    """Write the cells of a column, each half of a number in the width of the widest."""
    halves = [_split(cell) for cell in cells]
    left = max((_shape(half[0]) for half in halves if half), key=_measure, default="")
    pairs = zip(halves, cells, strict=True)
    rights = [(_shape(half[1]), cell.stars) for half, cell in pairs if half]
    right = max(rights, key=lambda pair: _measure("".join(pair)), default=("", ""))
    return [
        _write_halves(half, cell.stars, left, right) if half else _write_number(cell)
        for half, cell in zip(halves, cells, strict=True)
    ]


def _split(cell: Cell) -> tuple[str, str] | None:
    """Split a plain decimal number before its point; None if it is none."""
    if not re.fullmatch(r"\(?-?\d+\.\d+\)?", cell.text):
        return None
    at = cell.text.index(".")
    return cell.text[:at], cell.text[at:]


def _shape(text: str) -> str:
    """Return a text with zeros for its digits, which all have one width."""
    return re.sub(r"\d", "0", text)


def _measure(text: str) -> float:
    return sum(WIDTHS.get(char, DIGIT) for char in text)


def _write_halves(half: tuple[str, str], stars: str, left: str, right: tuple[str, str]) -> str:
    before, after = half[0].replace("-", "$-$"), half[1] + _write_stars(stars)
    if _shape(half[0]) != left:
        before = rf"\phantom{{{left.replace('-', '$-$')}}}\llap{{{before}}}"
    if (_shape(half[1]), stars) != right:
        after = rf"\rlap{{{after}}}\phantom{{{right[0]}{_write_stars(right[1])}}}"
    return before + after

"""Write names so that text, LaTeX and Markdown show them as they are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from mlelogit.data.outcome import name_categories
from mlelogit.letters import write_name as write_name

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    '"': r"\char34{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
    # What pdflatex does not know by itself of the signs that stand in names of variables.
    "\u2212": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    "←": r"$\leftarrow$",
    "√": r"$\surd$",
    "∑": r"$\sum$",
    "∆": r"$\Delta$",
}
# Greek capitals that look like Latin ones, and omicron, have no command in LaTeX.
LATIN_GREEK = dict(
    zip(
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
        "ABEZHIKMNOPTYXo",
        strict=True,
    )
)
COMMANDS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega"
)
MARKDOWN = set("|\\`*_<>[]&~$^@")
# GitHub makes links of these without being asked.
LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
# What begins a heading, a list or a rule.
STARTS = re.compile(r"^(?:(?=[#+-])|(\d+)(?=[.)]))")


def write_names(names: Iterable[Any]) -> list[str]:
    r"""Write names each on one line, and no two names the same.

    Names that would be written alike, as a line break and a backslash before an n, are written
    as Python literals.

    Examples
    --------
    >>> from mlelogit.display.escapes import write_names
    >>> print(*write_names(["a\nb", "a\\nb"]), *write_names([1, "1"]))
    'a\nb' 'a\\nb' 1 '1'
    """
    given = list(names)
    written = [write_name(name) for name in name_categories(given)]
    if len(set(written)) < len(written):
        written = [write_name(repr(name)) for name in given]
    taken: dict[str, int] = {}
    for i, name in enumerate(written):
        taken[name] = taken.get(name, 0) + 1
        written[i] = name if taken[name] == 1 else f"{name} ({taken[name]})"
    return written


def escape_latex(text: str) -> str:
    r"""Escape the characters that LaTeX reads as commands, and Greek and signs that it lacks.

    Letters with accents after them become letters with accents, the only ones pdflatex has.
    Other scripts than Latin and Greek need xelatex or lualatex, and a font that has them.

    Examples
    --------
    >>> from mlelogit.display.escapes import escape_latex
    >>> print(escape_latex("50% & a_b, α ≥ 2"))
    50\% \& a\_b, $\alpha$ $\geq$ 2
    """
    composed = unicodedata.normalize("NFC", text)
    written = "".join(LATEX.get(char) or _write_greek(char) for char in composed)
    return written.replace("--", "-{}-").replace("--", "-{}-")


def _write_greek(char: str) -> str:
    if char in LATIN_GREEK:
        return LATIN_GREEK[char]
    words = unicodedata.name(char, "").lower().replace("lamda", "lambda").split(" ")
    if (
        words[:1] != ["greek"]
        or words[2:3] != ["letter"]
        or len(words) != 4
        or words[3] not in COMMANDS.split(" ")
    ):
        return char
    return rf"$\{words[3].capitalize() if words[1] == 'capital' else words[3]}$"


def escape_markdown(text: str) -> str:
    r"""Escape the characters that break a Markdown table or that it reads as markup or links.

    Examples
    --------
    >>> from mlelogit.display.escapes import escape_markdown
    >>> print(escape_markdown("a|b_c"))
    a\|b\_c
    """
    escaped = "".join(f"\\{char}" if char in MARKDOWN else char for char in text)
    return LINKS.sub(r"\\", escaped)


def escape_markdown_line(text: str) -> str:
    r"""Escape a text that stands on a line, or in a list, of its own.

    Blanks around it, which Markdown takes for the layout of code, are left out.

    Examples
    --------
    >>> from mlelogit.display.escapes import escape_markdown_line
    >>> print(escape_markdown_line("# big"), escape_markdown_line(" 1. May"))
    \# big 1\. May
    """
    return STARTS.sub(r"\1\\", escape_markdown(text.strip()))

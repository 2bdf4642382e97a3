"""Escapes keep every character, on one line."""

from __future__ import annotations

import re
import string
import unicodedata
from html import escape, unescape

import pytest
from markdown_it import MarkdownIt

from mlelogit.display.escapes import (
    escape_latex,
    escape_markdown,
    escape_markdown_line,
    write_names,
)
from mlelogit.letters import write_name
from tests.display.tables.reading import read_latex_cell


@pytest.mark.parametrize("text", [string.printable[:95], "a--b---c", "x`y'z", "50% & {~^}\\#$_<|>"])
def test_latex_comes_back_as_it_was(text):
    assert read_latex_cell(escape_latex(text)) == text
    assert "--" not in escape_latex(text)


def test_latex_has_commands_for_greek_and_signs():
    written = escape_latex("\u03b2\u03a9\u0391 \u2265 \u221e \u00e9")
    assert written == r"$\beta$$\Omega$A $\geq$ $\infty$ " + "\u00e9"
    assert escape_latex("\u03ac\u6f22") == "\u03ac\u6f22"


@pytest.mark.parametrize("text", ["re\u0301gion", "A\u0308", "n\u0303"])
def test_latex_has_letters_with_accents_as_one(text):
    assert escape_latex(text) == unicodedata.normalize("NFC", text)
    assert len(escape_latex(text)) < len(text)


def read_markdown(text):
    """Return the HTML that a reader of Markdown makes of a text, as GitHub's reads tables."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)


STARTS = ["# big", "+ more", "- less", "---", "1. May", "12) x", "    code", "> 1", "2.5", "a # b"]


@pytest.mark.parametrize("text", [*(f"a{c}b{c}c" for c in string.punctuation), *STARTS])
def test_markdown_shows_texts_as_they_are(text):
    line = read_markdown(f"- {escape_markdown_line(text)}")
    assert line == f"<ul>\n<li>{escape(text.strip(), quote=False)}</li>\n</ul>\n".replace(
        '"', "&quot;"
    )
    table = read_markdown(f"| {escape_markdown(text.strip())} | b |\n| --- | --- |")
    assert unescape(re.findall("<th>(.*?)</th>", table)[0]) == text.strip()


def test_markdown_escapes_no_letters():
    assert escape_markdown("aé1 b") == "aé1 b"


@pytest.mark.parametrize("text", ["http://x.org", "HTTPS://x.org", "www.x.org", "a@x.org"])
def test_markdown_makes_no_links_by_itself(text):
    """The extension of GitHub looks for these signs in the text as it is written."""
    written = escape_markdown(text)
    assert "://" not in written
    assert "www." not in written
    assert not re.search(r"(?<!\\)@", written)
    assert read_markdown(written) == f"<p>{text}</p>\n"


SEPARATORS = ["\n", "\r", "\t", "\x00", "\x85", "\u2028", "\ud800", "\uffff"]
INVISIBLE = ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad"]


@pytest.mark.parametrize("char", [*SEPARATORS, *INVISIBLE])
def test_names_are_on_one_line_of_characters_that_files_can_hold(char):
    written = write_name(f"a{char}b")
    assert len(written.splitlines()) == 1
    assert written.isascii()
    written.encode("utf-8")
    assert write_name("\u6f22 \u00e9\u00a0b") == "\u6f22 \u00e9\u00a0b"
    joined = "\u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f52c"
    assert write_name(joined) == joined


def test_names_that_would_be_written_alike_are_told_apart():
    for names in (["a\nb", "a\\nb"], ["\u200b", "\\u200b"], ["", "''"], [1, "1"], ["x", "x"]):
        assert len(set(write_names(names))) == 2
    assert write_names(["a", "b c"]) == ["a", "b c"]

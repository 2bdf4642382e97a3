"""Escapes keep every character, on one line."""

from __future__ import annotations

import string

import pytest

from mlelogit.display.escapes import escape_latex, escape_markdown, write_name
from tests.display.tables.reading import read_latex_cell


@pytest.mark.parametrize("text", [string.printable[:95], "a--b---c", "x`y'z", "50% & {~^}\\#$_<|>"])
def test_latex_comes_back_as_it_was(text):
    assert read_latex_cell(escape_latex(text)) == text
    assert "--" not in escape_latex(text)


def test_latex_has_commands_for_greek_and_signs():
    written = escape_latex("\u03b2\u03a9\u0391 \u2265 \u221e \u00e9")
    assert written == r"$\beta$$\Omega$A $\geq$ $\infty$ " + "\u00e9"
    assert escape_latex("\u03ac\u6f22") == "\u03ac\u6f22"


@pytest.mark.parametrize("char", string.punctuation)
def test_markdown_escapes_only_what_it_may(char):
    """A backslash before punctuation is taken away again; before anything else it would stay."""
    assert escape_markdown(f"a{char}b") in (f"a{char}b", f"a\\{char}b")
    assert escape_markdown("aé1 b") == "aé1 b"


@pytest.mark.parametrize("char", ["\n", "\r", "\t", "\x00", "\x85", "\u2028", "\ud800", "\uffff"])
def test_names_are_on_one_line_of_characters_that_files_can_hold(char):
    written = write_name(f"a{char}b")
    assert len(written.splitlines()) == 1
    assert written.isascii()
    written.encode("utf-8")
    assert write_name("\u6f22 \u00e9\u00a0b") == "\u6f22 \u00e9\u00a0b"

"""The page about the command line: its examples run, and its lists are complete."""

import argparse
import contextlib
import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from mlelogit import datasets
from mlelogit.cli import COMMANDS, main
from mlelogit.terminal.commands import make_parser
from tests.terminal.test_commands import FIT_KEYS

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "command_line.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROUNDING = re.compile(r"\d(?:\.\d+)?e-(?:0[7-9]|[1-9]\d)\b|\b0\.0e\+00")
LONG = re.compile(r"\d+\.\d{9,}(?:e-\d+)?")


def read_examples():
    """Return commands, each with what it prints."""
    found = []
    for block in BLOCK.findall(TEXT):
        for part in ("\n" + block).split("\n$ ")[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def run(command):
    """Run an example: a command, and maybe what it reads from standard input."""
    words, _, source = command.partition(" < ")
    name, *argv = shlex.split(words)
    assert name == "mlelogit"
    before, printed = sys.stdin, io.StringIO()
    if source:
        sys.stdin = io.TextIOWrapper(io.BytesIO(Path(source).read_bytes()))
    try:
        with contextlib.redirect_stdout(printed):
            assert main(argv) == 0
    finally:
        sys.stdin = before
    return printed.getvalue()


def blur(text):
    """Leave out what is rounding: digits after the ninth, and numbers that are nothing else."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return ROUNDING.sub("#", LONG.sub(lambda found: f"{float(found[0]):.9g}", lines))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    source = Path(datasets.__file__).parent / "anes96.csv"
    shutil.copy(source, tmp_path / "anes96.csv")
    (tmp_path / "new.csv").write_text("age,educ\n25,3\n60,7\n")
    (tmp_path / "gaps.csv").write_text("id,age,educ\na7,25,3\nb2,,7\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_examples_print_what_the_page_says(folder, capsys):
    for package in ("pyarrow", "openpyxl"):
        pytest.importorskip(package)
    examples = read_examples()
    for command, output in examples:
        assert blur(run(command)) == blur(output), command
    assert {command.split()[1] for command, _ in examples} == set(COMMANDS) - {"demo"}
    assert capsys.readouterr().err == ""


def list_options():
    """Return option -> the commands that have it."""
    found = {}
    (commands,) = (
        action.choices
        for action in make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for name, parser in commands.items():
        for action in parser._actions:
            if action.option_strings and action.dest != "help":
                found.setdefault(", ".join(action.option_strings), set()).add(name)
    return found


def read_table(heading):
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_options_are_those_of_the_parser():
    told = {}
    for option, commands, meaning in read_table("Options"):
        assert len(meaning) > 5
        every = set(COMMANDS) if commands == "all" else set(commands.split(", "))
        told[option.replace("`", "")] = every
    assert told == list_options()


def test_keys_are_told():
    told = {command.strip("`"): keys for command, keys in read_table("Output")}
    assert set(told) == set(COMMANDS)
    assert set(re.findall(r"`(\w+)`", told["fit"])) == {*FIT_KEYS, "data"}


def test_every_command_has_its_section():
    headings = set(re.findall(r"^## (\S+)$", TEXT, re.MULTILINE))
    assert set(COMMANDS) <= headings
    listed = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)[: len(COMMANDS)]
    assert sorted(listed) == sorted(COMMANDS)
    assert re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE) == ["0", "1", "2", "3", "130"]

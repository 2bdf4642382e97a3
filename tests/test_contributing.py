"""What the page for contributors says of the code is so, and the citation cites this version."""

import re
from pathlib import Path

import pytest

import mlelogit as ml
from tests.test_architecture import LAYERS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
QUOTED = re.compile(r"`([^`\n]+)`")


def list_rooms():
    """Return what the table of the layout names, in its order."""
    table = PAGE.split("## Layout")[1].split("Imports run")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [name.strip("/").removesuffix(".py") for cell in cells for name in QUOTED.findall(cell)]


def test_layout_is_that_of_the_layers():
    assert list_rooms() == [layer for layer in LAYERS if layer != "__main__"]


def test_files_that_are_named_are_there():
    package = ROOT / "mlelogit"
    folders = [ROOT, package, *package.glob("*/"), package / "inference" / "sandwich"]
    folders.append(ROOT / "tests" / "reference")
    file = re.compile(r"[\w./]+(\.(py|R|md|cfg)|/)|\.ci/\w+")
    named = [name for name in QUOTED.findall(PAGE) if file.fullmatch(name)]
    assert len(named) > 20
    for name in named:
        assert any((folder / name).exists() for folder in folders), name


def test_names_in_the_walks_are_there():
    walks = PAGE.split("## A new covariance")[1].split("## Before")[0]
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "mlelogit").rglob("*.py"))
    named = {name for name in QUOTED.findall(walks) if name.isidentifier()} - {"HC4"}
    assert len(named) > 5
    for name in named:
        assert re.search(rf"^(def |    def )?{name}\b", code, re.MULTILINE), name


def test_citation_is_complete_and_of_this_version():
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "docs" / "CITATION.cff").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    # What version 1.2.0 of the Citation File Format asks for.
    assert {"cff-version", "message", "title", "authors"} <= set(found)
    assert found["version"] == ml.__version__
    assert found["license"] == "BSD-3-Clause"
    assert all(author["name"] for author in found["authors"])

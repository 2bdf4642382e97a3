"""Texts of whole tables stay what they are; test_truth.py says that their numbers are right."""

from __future__ import annotations

import pytest

from tests.display.tables.reading import read_html, read_latex, read_markdown
from tests.display.tables.samples import FOLDER, find_snapshots, make_tables

SNAPSHOTS = {path.name: text for path, text in find_snapshots()}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_texts_are_those_kept(name):
    assert SNAPSHOTS[name] == (FOLDER / name).read_text(encoding="utf-8")


def test_no_snapshot_is_left_over():
    assert {path.name for path in FOLDER.iterdir()} == set(SNAPSHOTS)


@pytest.mark.parametrize("name", ["wide", "long", "ratios"])
def test_formats_say_the_same(name):
    table = make_tables()[name]
    frame = table.to_frame(text=True)
    cells = [list(row) for row in frame.to_numpy()]
    for reader in (read_html, read_latex):
        rows = [row[1:] for row in reader(table) if any(row[1:])]
        assert rows[-len(cells) :] == cells
    rows = [row[1:] for row in read_markdown(table) if any(row[1:])]
    assert rows[1:] == cells

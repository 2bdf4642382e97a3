"""Tables whose text is kept in ``tests/display/snapshots``; run this file to write it anew."""

from __future__ import annotations

from pathlib import Path

import mlelogit as ml
from tests.display.tables.test_truth import NAMES, models
from tests.reference_cases import fit_case

FOLDER = Path(__file__).parents[1] / "snapshots"
SUFFIXES = {"text": "txt", "html": "html", "latex": "tex", "markdown": "md"}


def make_tables():
    """Return the tables by name: both layouts, and one with nearly all that notes tell."""
    res, women = fit_case("hsbdemo"), fit_case("womenlf")
    fits = {"programme": res, "other base": res.rebase("general"), "work": women}
    return {
        "wide": ml.compare_models(models(), stars=True, names=NAMES, title="Choice of programme"),
        "long": ml.compare_models(fits, layout="long", below=["interval", "p_value"], digits=2),
        "ratios": ml.compare_models({"work": women}, exponentiate=True, below="interval"),
    }


def find_snapshots():
    """Yield the file and the text of every table in every format of text."""
    for name, table in make_tables().items():
        for form, suffix in SUFFIXES.items():
            yield FOLDER / f"{name}.{suffix}", getattr(table, f"as_{form}")() + "\n"


if __name__ == "__main__":
    for path, text in find_snapshots():
        path.write_text(text, encoding="utf-8")

"""Markdown of verdicts, and the page that holds it."""

from __future__ import annotations

import datetime
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from tests.benchmarks.tables import lay_header, lay_line
from tests.hostility.cases import ALL, Case, R, Truth
from tests.hostility.judge import ERROR, NOT_ASKED, RIGHT, SILENT, VERDICTS, WARNED, Reply

PAGE = Path(__file__).parents[2] / "docs/comparison/hostile_input.md"
BEGIN, END = "<!-- hostility:begin -->", "<!-- hostility:end -->"
FAR_OFF = "How far silent numbers were off, where there is a right answer:"
# Verdicts of a case, by program.
Verdicts = Mapping[str, str]


def lay_verdicts(cases: Sequence[Case], judged: Sequence[Verdicts]) -> str:
    """Lay the table out: a line for each case, a column for each program."""
    lines = [lay_header(["handed over", *ALL])]
    for case, verdicts in zip(cases, judged, strict=True):
        lines.append(lay_line([case.name, *(verdicts.get(name, NOT_ASKED) for name in ALL)]))
    return "\n".join(lines)


def lay_counts(judged: Sequence[Verdicts]) -> str:
    """Lay the numbers of verdicts out."""
    lines = [lay_header(["verdict", *ALL])]
    for verdict in VERDICTS:
        counts = [sum(one.get(name) == verdict for one in judged) for name in ALL]
        if any(counts):
            lines.append(lay_line([verdict, *map(str, counts)]))
    asked = [sum(one.get(name, NOT_ASKED) != NOT_ASKED for one in judged) for name in ALL]
    lines.append(lay_line(["asked", *map(str, asked)]))
    return "\n".join(lines)


def tell_silent(case: Case, program: str, reply: Reply) -> str:
    """Tell how far numbers without a word are from the right ones, as an item of a list."""
    assert case.truth is not None
    return f"- {program}, {case.name}: {measure_silent(case.truth, reply)}"


def measure_silent(truth: Truth, reply: Reply) -> str:
    """Write the worst deviation to two digits."""
    found = reply.params
    if found is None or not np.isfinite(found).all():
        return "numbers that are not finite."
    if found.shape != truth.params.shape:
        return "coefficients of another shape."
    worst = np.abs(found - truth.params)
    if truth.errors is None:
        return f"probabilities off by up to {worst.max():.2g}."
    told = f"coefficients off by up to {(worst / truth.errors).max():.2g} standard errors"
    if reply.errors is not None:
        ratio = reply.errors / truth.errors
        told += f"; standard errors {ratio.min():.2g} to {ratio.max():.2g} times the right ones"
    return f"{told}."


def list_versions() -> dict[str, str]:
    """Return the versions of all programs that are installed."""
    found = {}
    for name in ("mlelogit", "statsmodels", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            if name == "mlelogit":
                import mlelogit

                found[name] = mlelogit.__version__
    return found | list_r_versions()


def list_r_versions() -> dict[str, str]:
    """Return the versions of R's packages that are installed."""
    program, found = shutil.which("Rscript"), {}
    for name in R if program else ():
        ask = f"cat(as.character(packageVersion('{name}')))"
        run = subprocess.run([program, "-e", ask], capture_output=True, text=True, check=False)
        if run.returncode == 0:
            found[name] = run.stdout
    return found


def list_below() -> dict[str, str]:
    """Return the versions of what programs in Python stand on, whose warnings they pass on."""
    return {name: version(name) for name in ("numpy", "scipy", "pandas")}


def tell_versions(found: Mapping[str, str]) -> str:
    """Write the versions, Python's and the date."""
    named = ", ".join(f"{name} {number}" for name, number in found.items())
    day = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    below = ", ".join(f"{name} {number}" for name, number in list_below().items())
    return f"Run on {day}: {named}; Python {platform.python_version()}, {below}."


def write_between(path: Path, text: str) -> None:
    """Write a text to a file: between its markers, if it has them."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if BEGIN in old:
        before, rest = old.split(BEGIN)
        text = f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"
    path.write_text(text, encoding="utf-8")


def read_page() -> tuple[str, dict[str, dict[str, str]]]:
    """Return what the page says of versions, and its verdicts by case and program."""
    held = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    lines = held.strip().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("| handed over"))
    verdicts = {}
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
        verdicts[name] = dict(zip(ALL, cells, strict=True))
    return " ".join(lines[:begin]), verdicts


def count_sound(verdicts: Mapping[str, Verdicts], program: str) -> tuple[int, int, int]:
    """Return how many verdicts are right or named, how many silent, and how many there are."""
    told = [one[program] for one in verdicts.values() if one[program] != NOT_ASKED]
    sound = sum(verdict in (RIGHT, ERROR, WARNED) for verdict in told)
    return sound, told.count(SILENT), len(told)

"""The data set: what its codes mean is said once, and every page and script goes by it."""

import re
from pathlib import Path

import mlelogit as ml

ROOT = Path(__file__).resolve().parent.parent
# What separates those with a bachelor's degree, whatever is written around it.
CUT = re.compile(r"educ\b[\"'\])]*\s*(>=|>|<=|<|==)\s*(\d)")


def list_cuts():
    files = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/gallery/**/*.py")]
    files += [*ROOT.glob("tests/*.py"), *ROOT.glob("mlelogit/**/*.py")]
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            for sign, code in CUT.findall(line):
                yield path.name, line, sign, int(code)


def test_a_college_degree_is_one_cut_everywhere():
    """Of a bachelor's: 6 and 7 of V960610; 5 is that of a community college."""
    found = [cut for cut in list_cuts() if "college" in cut[1] or "degree" in cut[1]]
    assert len({name for name, *_ in found}) >= 6
    assert {(sign, code) for *_, sign, code in found} == {(">=", 6)}


def test_schooling_is_told_by_the_study_and_statsmodels_is_contradicted():
    said = " ".join(ml.datasets.load_anes96.__doc__.split())
    assert "V960610" in said
    assert "(AA); 6, bachelor's degree; 7, advanced degree" in said
    assert "5, college degree; 6, master's degree; 7, PhD" in said
    counts = ml.datasets.load_anes96()["educ"].value_counts()
    assert f"{counts[5]}, {counts[6]} and {counts[7]} of these {counts.sum()}" in said


def test_the_sample_is_described():
    said = ml.datasets.load_anes96.__doc__
    assert "1,714" in said
    assert "Perot" in said

"""The pages of the comparison say what is there, and what the runs say."""

from __future__ import annotations

import inspect
import re
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import mlelogit as ml
from tests.benchmarks.rpeers import find_missing
from tests.hostility import __main__ as hostility
from tests.hostility import tables
from tests.hostility.cases import ALL, PYTHON, Case, R, Truth, list_cases
from tests.hostility.judge import ERROR, NOT_ASKED, RIGHT, SILENT, WARNED, Reply, judge

DOCS = Path(__file__).parents[1] / "docs"
FEATURES = DOCS / "comparison/features.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+\.md)(?:#[^)]*)?\)")
MARK = re.compile(r"[✓◐-]\??|·")
CASES = {case.name: case for case in list_cases()}


def read_rows(page):
    """Return the lines of tables as cells."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if "|" in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def read_features():
    """Return the rows of the tables of marks, as lists of cells."""
    rows = [row for row in read_rows(FEATURES) if len(row) == 15]
    return [row for row in rows if row[0] != "capability"]


def list_names():
    """Return all public names: of the package, its classes, and what they take."""
    found = {*dir(ml)}
    for kind in (ml.MNLogit, ml.MNLogitResults):
        found |= {name for name in dir(kind) if not name.startswith("_")}
    for taker in (ml.MNLogit, ml.mnlogit, ml.MNLogit.fit):
        found |= {*inspect.signature(taker).parameters}
    return found


@pytest.mark.parametrize("row", read_features(), ids=lambda row: row[0])
def test_every_feature_is_a_public_name_on_a_page_that_shows_it(row):
    _, here, *marks = row
    assert all(MARK.fullmatch(mark) for mark in marks), marks
    if here == "-":
        return
    name, link = re.fullmatch(r"(?:◐ )?\[`(\w+)`\]\(([\w./]+\.md)\)", here).groups()
    assert name in list_names()
    page = (FEATURES.parent / link).resolve()
    assert page.is_file(), f"there is no page {link}"
    assert re.search(rf"\b{name}\b", page.read_text(encoding="utf-8")), f"{link} has no {name}"


def test_a_better_program_is_named_for_what_is_left_out():
    said = (DOCS / "explanation/limitations.md").read_text(encoding="utf-8")
    table = said.split("## In this model")[0].lower()
    for row in read_features():
        if row[1] == "-":
            words = row[0].lower().split(" (")[0].split(",")[0]
            assert words in table, f"limitations.md has no line for: {words}"


@pytest.mark.parametrize("page", sorted((DOCS / "comparison").glob("*.md")), ids=lambda p: p.stem)
def test_links_of_the_comparison_lead_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).resolve().is_file(), link


def test_commands_on_the_pages_are_modules():
    for page in (DOCS / "comparison").glob("*.md"):
        for module in re.findall(r"python -m (tests[\w.]*)", page.read_text(encoding="utf-8")):
            assert find_spec(module.rstrip(".")), f"{page.name} names {module}"


@pytest.mark.parametrize("name", CASES)
def test_this_package_is_right_or_names_the_matter(name):
    verdict = judge(CASES[name], hostility.ask("mlelogit", CASES[name], 60))
    assert verdict in {RIGHT, ERROR, WARNED}
    assert tables.read_page()[1][name]["mlelogit"] == verdict


def is_named(written, name, number):
    """Return whether a line of versions names this version, and no longer one."""
    return bool(re.search(rf"\b{re.escape(f'{name} {number}')}(?=[,;]|\.?$)", written.strip()))


def test_the_page_names_all_that_its_verdicts_rest_on():
    written, _ = tables.read_page()
    for name in (*ALL, "Python", *tables.list_below()):
        assert re.search(rf"\b{name} \d", written), name
    assert is_named("Run: a 1.2; Python 3.11.7, numpy 2.1.", "numpy", "2.1")
    assert is_named("Run: a 1.2; Python 3.11.7, numpy 2.1.", "a", "1.2")
    assert not is_named("Run: a 1.2; Python 3.11.7, numpy 2.1.3.", "numpy", "2.1")


@pytest.mark.parametrize("program", [*PYTHON[1:], *R])
def test_the_page_says_what_other_programs_do(program):
    """R starts anew for every case: some cases stand for all of them."""
    written, verdicts = tables.read_page()
    missing = find_missing(program) if program in R else ""
    if missing or (program == "scikit-learn" and not find_spec("sklearn")):
        pytest.skip(missing or "scikit-learn is not installed")
    found = tables.list_versions().get(program)
    stands = {} if program in R else tables.list_below()
    for name, number in {program: found, **stands}.items():
        if not is_named(written, name, number):
            pytest.skip(f"the page was written with another {name} than {number}")
    asked = [case for case in CASES.values() if program in case.programs]
    chosen = [case for case in asked if not (case.slow or case.rounding)]
    chosen = chosen[::9] if program in R else chosen
    said = {case.name: verdicts[case.name][program] for case in chosen}
    assert {case.name: judge(case, hostility.ask(program, case, 60)) for case in chosen} == said


def test_the_page_has_every_case_and_no_other():
    _, verdicts = tables.read_page()
    assert list(verdicts) == list(CASES)
    for case in CASES.values():
        asked = {name for name, said in verdicts[case.name].items() if said != NOT_ASKED}
        assert asked == set(case.programs)


def test_verdicts_follow_the_rules():
    truth = Truth(np.ones((2, 2)), np.ones((2, 2)))
    case = Case("x", "separat", None, None, truth)
    near, far = truth.params + 0.005, truth.params + 0.02
    assert judge(case, Reply(near, truth.errors)) == RIGHT
    assert judge(case, Reply(near)) == RIGHT
    assert judge(case, Reply(near, truth.errors * 1.02)) == SILENT
    assert judge(case, Reply(far)) == SILENT
    assert judge(case, Reply(near * np.nan)) == SILENT
    assert judge(case, Reply(far[:1])) == SILENT
    assert judge(case, Reply(far, warnings=("overflow",))) == "warning?"
    assert judge(case, Reply(far, warnings=("overflow", "Separation"))) == WARNED
    assert judge(case, Reply(error="Separated")) == ERROR
    assert judge(case, Reply(error="Singular")) == "error?"
    assert judge(case, Reply(late=True)) == "too long"


def test_the_command_writes_between_the_markers(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")
    hostility.main(["--only", "one row", "--alone", "--output", str(page)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| one row | error |" + " · |" * (len(ALL) - 1) in text
    assert "one row" in capsys.readouterr().out


def test_the_index_counts_what_the_page_says():
    """The line of hostile inputs on the comparison's first page is that of the verdicts."""
    _, verdicts = tables.read_page()
    text = (DOCS / "comparison/index.md").read_text(encoding="utf-8")
    for program in ALL:
        sound, silent, asked = tables.count_sound(verdicts, program)
        assert re.search(rf"\| {re.escape(program)} \| {sound} \| {silent} \| {asked} \|", text)


def test_the_index_counts_the_marks_of_features():
    rows = read_features()
    (names,) = {tuple(row) for row in read_rows(FEATURES) if row[0] == "capability"}
    said = {row[0]: row[1:] for row in read_rows(DOCS / "comparison/index.md") if len(row) == 5}
    for column, name in enumerate(names[1:], start=1):
        marks = [row[column] for row in rows]
        if name == "mlelogit":
            marks = [mark if mark[0] in "-◐" else "✓" for mark in marks]
        counts = [sum(mark[0] == kind for mark in marks) for kind in "✓◐-"]
        counts.append(sum(mark.endswith("?") for mark in marks))
        assert said[name] == list(map(str, counts)), name


# Where each line of the table of speeds has its two numbers: the page, then twice the cells that
# single a line out of its tables, and the column.


def name_timed(data, peer):
    """Return where a line of the table of times has the seconds here and those of a peer."""
    cells = {"data": data, "peer": peer}
    return ("performance.md", (cells, "here (s)"), (cells, "peer (s)"))


def name_network(engine):
    """Return where the table of networks has the seconds of a whole fit here and there."""
    ours, theirs = ({"rows": "1,797", "engine": name} for name in ("mlelogit", engine))
    return ("performance.md", (ours, "seconds"), (theirs, "seconds"))


DROPIN = {"data": "anes96, 944 x 6, J=7", "what": "fit"}
GET_MARGEFF = {"": "statsmodels `get_margeff`", "rows": "100,000"}
SPEEDS = {
    ("100,000 x 21 raw columns, 5 categories", "statsmodels"): name_timed(
        "raw 100000 x 21, J=5", "statsmodels newton"
    ),
    ("100,000 x 21 raw columns, 5 categories", "scikit-learn"): name_timed(
        "raw 100000 x 21, J=5", "sklearn newton-cholesky"
    ),
    ("1,000,000 x 21, 5 categories", "scikit-learn"): name_timed(
        "raw 1000000 x 21, J=5", "sklearn newton-cholesky"
    ),
    ("50,000 x 31, 30 categories", "scikit-learn"): name_timed(
        "raw 50000 x 31, J=30", "sklearn newton-cholesky"
    ),
    ("100,000 x 50 independent columns, 10 categories", "scikit-learn, newton-cg"): name_timed(
        "unit 100000 x 50, J=10", "sklearn newton-cg"
    ),
    ("100,000 x 20 independent columns, 5 categories", "nnet"): name_timed(
        "unit 100000 x 20, J=5", "R nnet + vcov"
    ),
    ("100,000 x 20 independent columns, 5 categories", "VGAM"): name_timed(
        "unit 100000 x 20, J=5", "R VGAM + vcov"
    ),
    ("average effects: 400,000 rows here, 100,000 there", "statsmodels"): (
        "performance.md",
        ({"": "formula", "rows": "400,000"}, "seconds"),
        (GET_MARGEFF, "seconds"),
    ),
    ("anes96, 944 x 6, 7 categories: the fit alone", "statsmodels"): name_timed(
        "ANES 944 x 6, J=7: fit", "statsmodels newton"
    ),
    ("the same by the class for code of statsmodels", "statsmodels"): (
        "../guides/statsmodels.md",
        (DROPIN, "this class"),
        (DROPIN, "statsmodels"),
    ),
    ("network 64-32-10, 1,797 rows, to its end", "PyTorch's LBFGS"): name_network(
        "torch.optim.LBFGS"
    ),
    ("network 64-32-10, 1,797 rows, to its end", "scikit-learn"): name_network(
        "sklearn MLPClassifier"
    ),
}
INDEX = DOCS / "comparison/index.md"


def read_tables(page):
    """Return the tables of a page: lists of lines, each column -> cell."""
    found, heads = [], []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().removesuffix("|")[1:].split("|")]
        if not line.startswith("|"):
            heads = []
        elif not heads:
            heads = cells
            found.append((tuple(heads), []))
        elif not re.fullmatch(r"[|\s:-]+", line):
            found[-1][1].append(dict(zip(heads, cells, strict=True)))
    return found


def find_cell(page, cells, column):
    """Return the number in the only line of a page's tables that has these cells."""
    lines = [line for heads, all_of in read_tables(page) if column in heads for line in all_of]
    (line,) = [line for line in lines if cells.items() <= line.items()]
    return line[column].split(" (")[0].removesuffix(" s")


def read_index(column):
    """Return the lines of the index's table that has a column, none of them "the same"."""
    ((_, lines),) = [one for one in read_tables(INDEX) if column in one[0]]
    for before, line in pairwise(lines):
        if line.get("what") == "the same":
            line["what"] = before["what"]
    return lines


def test_every_table_of_the_index_is_compared_with_its_source():
    firsts = {heads[1] for heads, _ in read_tables(INDEX)}
    assert firsts == {"there", "here (s)", "mlelogit", "sound", "coverage (%)"}
    assert [(line["what"], line["other"]) for line in read_index("here (s)")] == list(SPEEDS)


@pytest.mark.parametrize(
    "line", read_index("here (s)"), ids=lambda one: f"{one['what']}, {one['other']}"
)
def test_speeds_of_the_index_are_those_of_their_lines(line):
    page, here, other = SPEEDS[line["what"], line["other"]]
    assert LINK.search(line["command"])[1] == page
    path = (INDEX.parent / page).resolve()
    times = line["here (s)"], line["other (s)"].strip("*")
    assert times == (find_cell(path, *here), find_cell(path, *other))
    assert line["other (s)"].startswith("**") == (float(times[1]) < float(times[0]))


@pytest.mark.parametrize("line", read_index("nnet"), ids=lambda line: line["data"])
def test_digits_of_the_index_are_those_of_their_data_and_program(line):
    assert LINK.search(line["page"])[1] == "accuracy.md"
    for program in ("mlelogit", "statsmodels", "scikit-learn", "nnet", "VGAM"):
        said = find_cell(DOCS / "comparison/accuracy.md", {"data": line["data"]}, program)
        assert line[program] == said, program


SIZES = {
    "coverage (%)": "coverage (%)",
    "LR test (%)": "size of the LR test (%)",
    "Wald test (%)": "size of the Wald test (%)",
    "score test (%)": "size of the score test (%)",
}


@pytest.mark.parametrize("line", read_index("coverage (%)"), ids=lambda line: line["n"])
def test_sizes_of_the_index_are_those_of_maximum_likelihood(line):
    assert LINK.search(line["page"])[1] == "simulation.md"
    assert {*line} == {"n", "page", *SIZES}
    for column, source in SIZES.items():
        cells = {"n": line["n"], "method": "ML"}
        assert line[column] == find_cell(DOCS / "comparison/simulation.md", cells, source), column


def test_counts_in_the_words_of_the_index_are_those_of_the_tables():
    text = " ".join(INDEX.read_text(encoding="utf-8").split())
    found = re.search(r"(\d+) samples of (\d+) have no maximum", text).groups()
    cells = {"n": "60", "method": "ML"}
    columns = ("without a maximum", "samples")
    assert found == tuple(find_cell(DOCS / "comparison/simulation.md", cells, c) for c in columns)
    ((_, lines),) = [
        one for one in read_tables(DOCS / "comparison/accuracy.md") if "VGAM" in one[0]
    ]
    assert len(lines) == 17
    assert "all seventeen data sets" in text

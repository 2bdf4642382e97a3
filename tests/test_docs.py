"""Every example in README and docs runs, and prints what it says."""

import ast
import doctest
import importlib.util
import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```pycon\n(.*?)^```", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"^```\{code-cell\} python3\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOTEBOOKS = [page for page in PAGES if CELL.search(page.read_text(encoding="utf-8"))]
# What pages show that not every installation has; matplotlib draws behind its plot methods too.
EXTRAS = {"marginaleffects", "sklearn", "torch"}
ROUNDING = re.compile(r"\d(?:\.\d+)?e-(?:0[7-9]|[1-9]\d)")
ZERO = re.compile(r"\b0\.0e\+00")


class Checker(doctest.OutputChecker):
    """Compare outputs but for numbers that are nothing but rounding."""

    def check_output(self, want, got, optionflags):
        return super().check_output(blur(want), blur(got), optionflags)


def blur(text):
    return ROUNDING.sub("#", ZERO.sub("#", text))


@pytest.fixture(autouse=True)
def keep_torch():
    """Put PyTorch's threads and random numbers back, which pages set."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_print_what_the_page_says(page):
    source = "\n".join(block for block in BLOCK.findall(page.read_text(encoding="utf-8")))
    for name in sorted(EXTRAS):
        if f">>> import {name}" in source:
            pytest.importorskip(name)
    test = doctest.DocTestParser().get_doctest(source, {}, page.name, str(page), 0)
    report = []
    runner = doctest.DocTestRunner(Checker(), optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def read_cells(page):
    """Return the code of a notebook's cells, and whether each may warn."""
    for found in CELL.finditer(page.read_text(encoding="utf-8")):
        lines = found[1].splitlines()
        code = [line for line in lines if not line.startswith(":")]
        yield "\n".join(code), ":  output_stderr: remove" in lines


def list_extras(page):
    """Return the names of the extras that a notebook imports."""
    found = set()
    for code, _ in read_cells(page):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    return sorted(found & EXTRAS)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.name)
# marginaleffects uses what polars 1.44 says polars 2 will drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:polars", "ignore::DeprecationWarning:marg")
def test_notebooks_run_and_warn_only_where_they_say_so(page):
    plt = pytest.importorskip("matplotlib.pyplot")
    for name in list_extras(page):
        pytest.importorskip(name)
    names = {"__name__": "__main__"}
    for code, may_warn in read_cells(page):
        with warnings.catch_warnings(record=may_warn) as warned:
            if may_warn:
                warnings.simplefilter("always")
            exec(compile(code, page.name, "exec"), names)
        assert not may_warn or warned, code
    plt.close("all")


def test_notebooks_are_found_and_say_what_they_need():
    assert {page.name: list_extras(page) for page in NOTEBOOKS} == {
        "tutorial.md": ["marginaleffects"],
        "cross_entropy.md": ["torch"],
        "cross_entropy.ja.md": ["torch"],
        "networks.md": ["torch"],
        "digits.md": ["sklearn", "torch"],
    }
    assert all(len(list(read_cells(page))) > 15 for page in NOTEBOOKS)


def part_texts(code):
    """Return code without comments, with nothing in its texts, and the texts."""
    tree, texts = ast.parse(code), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
            node.value = ""
    return ast.unparse(tree), texts


def test_the_page_in_japanese_runs_the_same_code():
    """But for texts that are translated."""
    pages = [ROOT / "docs" / name for name in ("cross_entropy.md", "cross_entropy.ja.md")]
    english, japanese = ([part_texts(code) for code, _ in read_cells(page)] for page in pages)
    assert [code for code, _ in english] == [code for code, _ in japanese]
    for (_, ours), (_, theirs) in zip(english, japanese, strict=True):
        differ = [other for one, other in zip(ours, theirs, strict=True) if one != other]
        assert not any(other.isascii() for other in differ), differ


def test_a_wrong_output_is_seen():
    assert not Checker().check_output("1.25\n", "1.26\n", 0)
    assert not Checker().check_output("1e-03\n", "2e-03\n", 0)


def test_readme_has_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\npip install . && mlelogit demo\n" in text
    assert '\npip install -e ".[test]" && pytest\n' in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages(page):
    for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target

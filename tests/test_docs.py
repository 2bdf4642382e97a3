"""Every example in README and docs runs, and prints what it says."""

import ast
import doctest
import re
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

import mlelogit as ml
from tests.examples import keep_runnable, list_imports, restore_torch

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# What building the documentation leaves among its sources.
BUILT = {"_build", "auto_gallery"}


def list_pages():
    found = (page.relative_to(DOCS) for page in DOCS.rglob("*.md"))
    return [
        ROOT / "README.md",
        *(DOCS / page for page in sorted(found) if page.parts[0] not in BUILT),
    ]


def name_page(page):
    return page.relative_to(DOCS if DOCS in page.parents else ROOT).as_posix()


PAGES = list_pages()
BLOCK = re.compile(r"^```pycon\n(.*?)^```", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"^```\{code-cell\} python3\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOTEBOOKS = [page for page in PAGES if CELL.search(page.read_text(encoding="utf-8"))]
# What pages show that not every installation has; matplotlib draws behind its plot methods too.
EXTRAS = {"marginaleffects", "sklearn", "torch", "dask", "duckdb", "polars", "pyarrow"}
EXTRAS |= {"docx", "maketables"}
ROUNDING = re.compile(r"\d(?:\.\d+)?e-(?:0[7-9]|[1-9]\d)")
ZERO = re.compile(r"\b0\.0e\+00")


class Checker(doctest.OutputChecker):
    """Compare outputs but for numbers that are nothing but rounding."""

    def check_output(self, want, got, optionflags):
        return super().check_output(blur(want), blur(got), optionflags)


def blur(text):
    return ROUNDING.sub("#", ZERO.sub("#", text))


# Others' packages whose outputs and warnings pages quote, and the release that they were written
# with: what a newer one prints is for its next reader to see, not an error here.
QUOTED = {"statsmodels": ("statsmodels", (0, 15)), "sklearn": ("scikit-learn", (1, 9))}


def list_absent():
    return {name for name in EXTRAS if not find_spec(name)}


def list_newer():
    """Return the packages that pages quote and of which a newer release is installed."""
    there = {name: one for name, one in QUOTED.items() if find_spec(name)}
    return {name for name, (dist, last) in there.items() if read_release(version(dist)) > last}


def read_release(text):
    """Return the first two numbers of a version."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_examples_print_what_the_page_says(page, torch_restored):
    """Only what rests on an extra that is not installed, or on a newer release, is left out."""
    parser, blocks = doctest.DocTestParser(), BLOCK.findall(page.read_text(encoding="utf-8"))
    codes = ["".join(one.source for one in parser.get_examples(block)) for block in blocks]
    kept, left = keep_runnable(codes, absent := list_absent() | list_newer())
    source = "\n".join(blocks[place] for place in kept)
    test = parser.get_doctest(source, {}, page.name, str(page), 0)
    report = []
    runner = doctest.DocTestRunner(Checker(), optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    if left:
        pytest.skip(
            f"{len(left)} of {len(blocks)} blocks need one of {sorted(absent)}, as pages know it"
        )


def read_cells(page):
    """Return the code of a notebook's cells, and whether each may warn."""
    for found in CELL.finditer(page.read_text(encoding="utf-8")):
        lines = found[1].splitlines()
        code = [line for line in lines if not line.startswith(":")]
        yield "\n".join(code), ":  output_stderr: remove" in lines


def list_extras(page):
    """Return the names of the extras that a notebook imports."""
    found = set().union(*(list_imports(code) for code, _ in read_cells(page)))
    return sorted(found & EXTRAS)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=name_page)
# marginaleffects uses what polars 1.44 says polars 2 will drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:polars", "ignore::DeprecationWarning:marg")
def test_notebooks_run_and_warn_only_where_they_say_so(page, torch_restored):
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


# Every notebook, and the extras that it imports.
NEEDS = {
    "tutorials/case_study.md": [],
    "tutorials/first_fit.md": ["marginaleffects"],
    "explanation/cross_entropy.md": ["torch"],
    "explanation/cross_entropy.ja.md": ["torch"],
    "explanation/digits.md": ["sklearn", "torch"],
    "guides/networks.md": ["torch"],
}


def test_every_notebook_is_known():
    assert {name_page(page) for page in NOTEBOOKS} == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_notebooks_say_what_they_need(name):
    page = DOCS / name
    assert len(list(read_cells(page))) > 10
    assert list_extras(page) == NEEDS[name]


def split_texts(code):
    """Return code without comments and with nothing in its texts, and the texts."""
    tree, texts = ast.parse(code), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
            node.value = ""
    return ast.unparse(tree), texts


def find_differing(english, japanese):
    """Return what two cells do not share: code, or texts that are not put into Japanese."""
    (one, texts), (other, translated) = split_texts(english), split_texts(japanese)
    if one != other:
        return [(one, other)]
    pairs = zip(texts, translated, strict=True)
    return [(text, said) for text, said in pairs if text != said and said.isascii()]


def test_the_page_in_japanese_runs_the_same_code():
    names = ("cross_entropy.md", "cross_entropy.ja.md")
    pages = [DOCS / "explanation" / name for name in names]
    english, japanese = ([code for code, _ in read_cells(page)] for page in pages)
    for one, other in zip(english, japanese, strict=True):
        assert not find_differing(one, other)


def test_an_option_that_differs_is_seen():
    assert find_differing('fit(method="BFGS")', 'fit(method="bfgs")') == [("BFGS", "bfgs")]
    assert find_differing("x = 1", "x = 2")
    assert not find_differing('plot(label="value")', 'plot(label="値")  # 図')


def test_pages_leave_pytorch_as_it_was():
    torch = pytest.importorskip("torch")
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with restore_torch():
        torch.set_num_threads(threads + 1)
        torch.manual_seed(1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_an_example_is_left_out_for_its_imports_alone():
    blocks = [
        "import mlelogit as ml, torch\nnet = torch.nn.Linear(2, 2)",
        "text = 'import torch'",
        "print(net)",
        "net = 3",
        "print(net, text)",
        "def f():\n    from torch.nn import Linear",
    ]
    assert keep_runnable(blocks, {"torch"}) == ([1, 3, 4], [0, 2, 5])
    assert keep_runnable(blocks, set()) == ([0, 1, 2, 3, 4, 5], [])
    imports = ["import numpy", "import torch, numpy\nimport pandas as pd", "numpy.e", "pd.NA"]
    assert keep_runnable(imports, {"torch"}) == ([0, 2], [1, 3])
    assert list_imports("import mlelogit as ml, torch.nn\nfrom a.b import c") == {
        "mlelogit",
        "torch",
        "a",
    }


def test_a_newer_release_of_another_package_is_left_out_with_what_rests_on_it(monkeypatch):
    monkeypatch.setattr("tests.test_docs.find_spec", lambda name: True)
    monkeypatch.setattr("tests.test_docs.version", lambda name: "0.15.9")
    assert list_newer() == set()
    monkeypatch.setattr("tests.test_docs.version", lambda name: "1.10.0rc1")
    assert list_newer() == {"statsmodels", "sklearn"}
    blocks = ["import statsmodels.api as sm", "import mlelogit as ml", "print(sm)", "print(ml)"]
    assert keep_runnable(blocks, list_newer()) == ([1, 3], [0, 2])


def test_pages_that_quote_another_package_name_the_release():
    for name, (_, release) in QUOTED.items():
        page = DOCS / f"tutorials/from_{'scikit_learn' if name == 'sklearn' else name}.md"
        named = ".".join(map(str, release))
        assert re.search(rf"{QUOTED[name][0]} {named}\b", page.read_text(encoding="utf-8"))


def test_a_wrong_output_is_seen():
    assert not Checker().check_output("1.25\n", "1.26\n", 0)
    assert not Checker().check_output("1e-03\n", "2e-03\n", 0)


def test_readme_has_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\npip install . && mlelogit demo\n" in text
    assert '\npip install -e ".[test]" && pytest\n' in text


def test_the_picture_of_readme_is_told_as_it_is():
    """The numbers in its description are those that the same call draws today."""
    plt = pytest.importorskip("matplotlib.pyplot")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = [float(number) for number in re.findall(r"\d\.\d+", text.split("![")[1].split("]")[0])]
    anes = ml.datasets.load_anes96(labels=False)
    parties = ["Democrat", "Independent", "Republican"]
    anes["party"] = pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties)
    res = ml.mnlogit("party ~ age + educ + selfLR", anes, base="Independent").fit()
    axes = res.plot.probabilities("selfLR")
    plt.close(axes.figure)
    drawn = {party: line.get_ydata() for party, line in zip(parties, axes.lines, strict=True)}
    ends = [drawn[party][[0, -1]] for party in ("Democrat", "Republican")]
    assert told == [round(float(y), 2) for y in (*ends[0], *ends[1], max(drawn["Independent"]))]


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_links_lead_to_pages(page):
    for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target


def test_every_public_name_stands_in_the_reference():
    pages = sorted((DOCS / "reference").glob("*.md"))
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"^   mlelogit\.(?:[\w.]+\.)?(\w+)$", text, re.MULTILINE))
    public = {name for name in (*ml.__all__, *ml.EXTRA) if callable(getattr(ml, name))}
    assert public
    assert public - named == set()

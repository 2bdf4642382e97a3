"""Names come back from every format as they were, and LaTeX and Word read what is written."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

import mlelogit as ml
from mlelogit.display.tables.latex import write_latex
from mlelogit.display.tables.layout import Cell, Group, Layout, Row, Section
from mlelogit.exceptions import MissingExtraError, OptionError, OutputFileError
from tests.display.tables.reading import FORMS, read, read_html, read_latex
from tests.display.tables.samples import make_tables
from tests.inference.samples import fitted

COLUMNS = ["<b>", "a|b", "x_1 & 50%", "{~^}\\#$", "β ≥ é", "[x]--*y", "'`\"@", "{{m}}", "-z", "1.5"]
CATEGORIES = ["100% & more", "<i>one</i>", "p|q {{x_1}}"]
MODELS = ["m_1 & <x>", "[2] *$*"]
CONTROL = "two\nlines\u2028and\x07"
SHOWN = r"two\nlines\u2028and\x07"
PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{booktabs,longtable}
\usepackage[a4paper,landscape,margin=1cm]{geometry}
\begin{document}
Before.

%s

After.
\end{document}
"""
READERS = {"mutool": ("mutool", "draw", "-F", "txt"), "pdftotext": ("pdftotext", "-layout")}


@pytest.fixture(scope="module")
def nasty():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(300, 11)), columns=[*COLUMNS, CONTROL])
    res = ml.MNLogit(np.array(CATEGORIES)[rng.integers(3, size=300)], frame).fit()
    fits = dict(zip(MODELS, (res, res.with_cov("HC1")), strict=True))
    return ml.compare_models(fits, stars={"†": 0.5, "a": 0.2}, title="50% <u>")


@pytest.mark.parametrize("form", FORMS)
def test_nasty_names_come_back_as_they_were(nasty, form):
    rows = read(nasty, form)
    labels = [row[0] for row in rows if row[0]]
    assert labels[:-5] == [*COLUMNS, SHOWN]
    text = "\n".join(cell for row in rows[:2] for cell in row)
    for name in (*MODELS, *CATEGORIES[1:]):
        assert name in text


@pytest.mark.parametrize("form", ["as_html", "as_gt"])
def test_names_make_no_tags(nasty, form):
    markup = getattr(nasty, form)()
    markup = markup if isinstance(markup, str) else markup.as_raw_html()
    for tag in ("<i>one", "<u>", "<x>", "<b></th>", "<b></td>"):
        assert tag not in markup


def test_no_line_is_broken_by_a_name(nasty):
    for text in (nasty.as_text(), nasty.as_markdown(), nasty.as_latex()):
        assert SHOWN.split("\\")[0] in text
        assert not [line for line in text.splitlines() if line.startswith(("lines", "and\x07"))]


def compile_latex(latex, folder):
    """Run pdflatex; return its log and the text of the pages."""
    (folder / "table.tex").write_text(PREAMBLE % latex, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    for _ in range(2):  # Longtable and references settle in the second run.
        run = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert run.returncode == 0, run.stdout.decode(errors="replace")[-2000:]
    log = (folder / "table.log").read_text(encoding="latin-1")
    found = next((call for name, call in READERS.items() if shutil.which(name)), None)
    if found is None:
        return log, None
    out = ["-o", "-"] if found[0] == "mutool" else []
    rest = ["-"] if found[0] == "pdftotext" else []
    read = subprocess.run(
        [*found, *out, "table.pdf", *rest], cwd=folder, capture_output=True, check=True
    )
    return log, read.stdout.decode("utf-8").replace("\u2212", "-").replace("\u221e", "inf")


needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is absent")


@needs_latex
@pytest.mark.parametrize("name", ["wide", "ratios", "nasty", "longtable"])
def test_latex_compiles_without_a_complaint(name, nasty, tmp_path):
    tables = make_tables() | {"nasty": nasty}
    table = tables["long" if name == "longtable" else name]
    label = "tab:one" if table.layout.title else None
    log, text = compile_latex(table.as_latex(label=label, longtable=name == "longtable"), tmp_path)
    assert not re.findall(r"^(?:!|Overfull|Underfull|(?:LaTeX|Package).*Warning).*", log, re.M)
    if text is None:
        return
    shown = "".join(text.split())
    assert name != "nasty" or "[x]--*y" in shown
    for row in read_latex(table):
        for cell in row[1:]:
            assert "".join(cell.rstrip("*†").split()) in shown


def make_layout(cells):
    rows = tuple(Row(f"row {i}", ((cell,),)) for i, cell in enumerate(cells))
    return Layout("", (Group("model", ("",)),), (Section("", rows),), (), ())


@needs_latex
def test_points_of_numbers_stand_below_each_other(tmp_path):
    """Where the points stand is read from the page, as letters with places."""
    if shutil.which("mutool") is None:
        pytest.skip("mutool is absent")
    cells = ["-0.123", "(0.045)", "12.3", "(-1.5)", "0.00012", "-123.4"]
    stars = ["***", "", "*", "", "", "**"]
    layout = make_layout([Cell(*pair) for pair in zip(cells, stars, strict=True)])
    compile_latex(write_latex(layout), tmp_path)
    command = ["mutool", "draw", "-F", "stext", "-o", "-", "table.pdf"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    places = re.findall(r'<char [^>]*x="([-\d.]+)"[^>]* c="\."', run.stdout.decode())
    points = [float(x) for x in places if float(x) > 200]  # Those of the sentences stand left.
    assert len(points) == len(cells)
    assert max(points) - min(points) < 0.1


def test_labels_are_for_captions_and_are_plain(nasty):
    assert r"\caption{50\% \textless{}u\textgreater{}}" in nasty.as_latex(label="tab:one")
    assert r"\label{tab:one}" in nasty.as_latex(label="tab:one")
    with pytest.raises(OptionError, match="caption"):
        make_tables()["long"].as_latex(label="tab:one")
    with pytest.raises(OptionError, match="letters"):
        nasty.as_latex(label="a}b")
    with pytest.raises(OptionError, match="longtable"):
        nasty.as_latex(longtable="yes")


ENDINGS = {"text": ".txt", "html": ".html", "latex": ".tex", "markdown": ".md"}


@pytest.mark.parametrize("form", ENDINGS)
@pytest.mark.parametrize("kind", ["table", "summary"])
def test_a_named_file_is_written_as_the_text_is_returned(kind, form, nasty, tmp_path):
    res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    write = getattr(nasty if kind == "table" else res.summary(), f"as_{form}")
    path = tmp_path / f"table{ENDINGS[form]}"
    assert write(str(path)) == write() == path.read_text(encoding="utf-8").removesuffix("\n")
    with pytest.raises(OutputFileError, match="no folder"):
        write(tmp_path / "nowhere" / path.name)
    others = [f"table{ending}" for other, ending in ENDINGS.items() if other != form]
    for wrong in (*others, "tab:one", "table", "table.docx", 3, True):
        with pytest.raises(OutputFileError, match="must end in"):
            write(wrong)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_never_taken_for_a_label(nasty, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert r"\label" not in nasty.as_latex("moderates.tex")
    assert (tmp_path / "moderates.tex").is_file()
    with pytest.raises(OutputFileError, match=r"label='tab:one'"):
        nasty.as_latex("tab:one")


def test_html_is_what_pandas_reads_too():
    table = make_tables()["wide"]
    (frame,) = pd.read_html(io.StringIO(table.as_html()), flavor="lxml")
    assert frame.shape == (13, 5)
    assert [tuple(head[:2]) for head in frame.columns[1:]] == [
        (model, category) for model in ("plain", "robust") for category in ("general", "vocation")
    ]
    # There, rows that a label spans have it twice, and models their statistics.
    assert frame.iloc[0, 0] == frame.iloc[1, 0] == "Constant"
    assert frame.iloc[8, 1:].tolist() == ["200"] * 4
    assert frame.iloc[0, 1] == "2.852*"


def test_markup_tells_heads_from_cells():
    markup = make_tables()["wide"].as_html()
    assert markup.count('scope="row"') == 4 + 5
    assert markup.count('scope="colgroup"') == 2
    assert markup.count('scope="col"') == 4
    assert "<caption>Choice of programme</caption>" in markup
    assert make_tables()["long"].as_html().count('scope="rowgroup"') == 6
    assert "http" not in markup


def test_a_notebook_shows_html_and_latex():
    table = make_tables()["wide"]
    assert table._repr_html_() == table.as_html()
    assert table._repr_latex_() == table.as_latex()
    assert repr(table) == str(table) == table.as_text()


def test_a_word_document_is_a_table_with_a_head_and_notes(tmp_path):
    import docx

    table = make_tables()["wide"]
    path = table.as_docx(str(tmp_path / "table.docx"))
    assert list(tmp_path.iterdir()) == [path]
    document = docx.Document(path)
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts == ["Choice of programme", *table.layout.notes]
    (found,) = document.tables
    marked = [row._tr.xpath("./w:trPr/w:tblHeader") != [] for row in found.rows]
    assert marked == [True, True, *[False] * 13]
    assert found.cell(0, 1)._tc is found.cell(0, 2)._tc
    edges = [[e.tag.split("}")[1] for e in b] for b in found._tbl.xpath(".//w:tcBorders")]
    assert ["top", "bottom"] in edges
    assert ["bottom", "top"] not in edges
    assert all(len(set(edge)) == len(edge) for edge in edges)
    assert document.sections[0].page_width < document.sections[0].page_height


def test_a_wide_word_table_lies_on_its_side(tmp_path):
    import docx

    res = fitted("party ~ age + educ", base="green")
    path = ml.compare_models({str(i): res for i in range(4)}).as_docx(tmp_path / "wide.docx")
    section = docx.Document(path).sections[0]
    assert section.page_width > section.page_height


def test_a_word_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "table.docx"
    path.write_bytes(b"old")
    table = make_tables()["ratios"]

    def fail(_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fail)
        with pytest.raises(OutputFileError, match="disk full"):
            table.as_docx(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    assert table.as_docx(path).read_bytes()[:2] == b"PK"
    for nowhere in (tmp_path / "nowhere" / "table.docx", tmp_path, None):
        with pytest.raises(OutputFileError):
            table.as_docx(nowhere)


@pytest.mark.parametrize(("module", "form"), [("docx", "as_docx"), ("great_tables", "as_gt")])
def test_a_missing_package_is_named(module, form, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    arguments = ["table.docx"] if form == "as_docx" else []
    with pytest.raises(MissingExtraError, match=rf"{module}.*mlelogit\[tables\]"):
        getattr(make_tables()["ratios"], form)(*arguments)


def test_the_great_table_has_spanners_and_is_changed_further():
    table = make_tables()["wide"].as_gt()
    markup = table.tab_source_note("Added later.").as_raw_html()
    assert markup.count("gt_column_spanner_outer") >= 2
    assert "Added later." in markup


def test_infinite_numbers_and_powers_are_typeset():
    cells = [
        Cell("inf"),
        Cell("-inf"),
        Cell("1.6e-05"),
        Cell("-2.500e+09", "*"),
        Cell("[-inf, 2.0]"),
    ]
    layout = make_layout(
        [*cells, Cell("nan"), Cell("<0.001"), Cell("p < 0.001"), Cell("(omitted)")]
    )
    latex = write_latex(layout)
    for text in (
        r"$\infty$",
        r"$-\infty$",
        r"1.6$\times10^{-5}$",
        r"$-$2.500$\times10^{9}$$^{*}$",
        r"[$-\infty$, 2.0]",
        "& nan",
        "$<$0.001",
        "p $<$ 0.001",
        "(omitted)",
    ):
        assert text in latex


def test_names_with_signs_are_not_taken_for_numbers():
    res = fitted("party ~ age + educ", base="green")
    table = ml.compare_models({"-1.5": res, "inf": res}, statistics={"kind": lambda _: "a-b"})
    assert read_html(table)[0] == ["", "-1.5", "", "inf", ""]
    assert "a-b" in table.as_html()
    assert "a-b" in table.as_latex()


@pytest.mark.parametrize("name", ["# big", "1. big", "+ big", "www.big.org"])
def test_markdown_of_any_names_is_a_title_a_table_and_a_list(name):
    fits = {name: fitted("party ~ age"), "other": fitted("party ~ age").with_cov("HC1")}
    table = ml.compare_models(fits, title=" # of people ", layout="long")
    page = MarkdownIt("commonmark").enable("table").render(table.as_markdown())
    assert page.startswith("<p><strong># of people</strong></p>\n<table>")
    assert not re.search("<h[1-6]|<hr|<a |<code|<ol", page)
    assert page.count("<ul>") == 1
    assert page.count("<li>") == len(table.layout.notes)
    assert f"<li>{name}: Covariance nonrobust" in page

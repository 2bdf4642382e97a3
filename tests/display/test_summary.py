"""The summary in four formats: every number, every name, and nothing unescaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.display.summary import (
    LONGEST_NOTE,
    NARROWEST_NOTE,
    escape_latex,
    escape_markdown,
    format_number,
    wrap_note,
)
from mlelogit.exceptions import NotConvergedWarning, OptionError, SeparationWarning
from mlelogit.letters import measure
from tests.inference.samples import fitted, survey

FORMATS = ("as_text", "as_html", "as_latex", "as_markdown")
NASTY_COLUMNS = ["<b>", "a|b", "x_1 & 50%", "{~^}\\#$"]
NASTY_CATEGORIES = ["100% & more", "<i>one</i>", "p|q"]


@pytest.fixture(scope="module")
def res():
    return fitted("party ~ age + educ", base="green")


@pytest.fixture(scope="module")
def nasty():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(100, 4)), columns=NASTY_COLUMNS)
    return ml.MNLogit(np.array(NASTY_CATEGORIES)[rng.integers(3, size=100)], frame).fit()


def plain(text: str) -> str:
    """Undo the escapes of LaTeX and Markdown that these tables use."""
    return text.replace(r"\_", "_").replace("\\|", "|")


@pytest.mark.parametrize("form", FORMATS)
def test_every_category_base_name_and_number_is_there(res, form):
    text = plain(getattr(res.summary(), form)())
    for category in ("blue", "red"):
        assert f"{category} vs green" in text
    for row in res.tidy().itertuples():
        assert row.name in text
        for value in (row.estimate, row.std_err, row.lower, row.upper):
            assert format_number(value) in text
        assert f"{row.z:.3f}" in text
        assert f"{row.p_value:.3f}" in text
    for value in (res.llf, res.llnull):
        assert f"{value:.4f}" in text
    assert f"{res.aic:.2f} / {res.bic:.2f}" in text
    assert f"{res.prsquared:.4g}" in text
    for word in ("party", "green", "160", "154", "labels", "nonrobust", "trust-exact", "yes"):
        assert word in text
    assert "certificate" in text.lower()
    assert "Null model: intercepts" in text


def test_numbers_stand_in_the_rows_of_their_names(res):
    lines = res.summary().as_text().split("\n")
    starts = [i for i, line in enumerate(lines) if " vs green" in line]
    assert len(starts) == 2
    for start, category in zip(starts, ("blue", "red"), strict=True):
        assert f"{category} vs green" in lines[start]
        body = "\n".join(lines[start : start + 6])
        for name in ("Intercept", "age", "educ"):
            row = res.tidy().set_index(["category", "name"]).loc[(category, name)]
            numbers = [format_number(v) for v in row[["estimate", "std_err"]]]
            numbers += [f"{row['z']:.3f}", f"{row['p_value']:.3f}"]
            numbers += [format_number(v) for v in row[["lower", "upper"]]]
            assert re.search(rf"^{name}\s+" + r"\s+".join(map(re.escape, numbers)), body, re.M)


def test_lines_of_the_table_have_one_width(res):
    text = res.summary().as_text()
    rules = {len(line) for line in text.split("\n") if re.fullmatch("=+|-+", line)}
    assert len(rules) == 1
    assert str(res) == repr(res) == text


@pytest.mark.parametrize("form", FORMATS)
def test_exponentiated_tables_hold_relative_risk_ratios(res, form):
    text = getattr(res.summary(exponentiate=True), form)()
    assert "RRR" in text
    assert "coef" not in text
    for row in res.tidy(exponentiate=True).itertuples():
        for value in (row.estimate, row.std_err, row.lower, row.upper):
            assert format_number(value) in text
        assert f"{row.z:.3f}" in text


@pytest.mark.parametrize(("alpha", "heads"), [(0.05, ("0.025", "0.975")), (0.1, ("0.05", "0.95"))])
def test_columns_of_the_interval_are_its_quantiles(res, alpha, heads):
    text = res.summary(alpha=alpha).as_text()
    assert f"[{heads[0]}" in text
    assert f"{heads[1]}]" in text
    assert format_number(res.conf_int(alpha).iloc[0, 0]) in text


def test_unknown_choices_raise(res):
    with pytest.raises(OptionError):
        res.summary(alpha=2)
    with pytest.raises(TypeError):
        res.summary(style="fancy")


class Cells(HTMLParser):
    """Collects the text of every cell and the name of every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.inside = False

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.inside = True
            self.cells.append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def test_nasty_names_come_back_from_html_as_they_were(nasty):
    html = nasty.summary().as_html()
    parser = Cells()
    parser.feed(html)
    assert parser.tags <= {"table", "caption", "tr", "td", "th", "p", "br", "thead", "tbody"}
    cells = [cell.strip() for cell in parser.cells]
    for name in NASTY_COLUMNS:
        assert cells.count(name) == 2
    text = " ".join(cells)
    for category in NASTY_CATEGORIES[1:]:
        assert f"{category} vs {NASTY_CATEGORIES[0]}" in text
    assert "<i>one" not in html
    assert nasty._repr_html_() == html


def test_nasty_names_are_escaped_in_latex(nasty):
    lines = nasty.summary().as_latex().split("\n")
    latex = "\n".join(line for line in lines if not line.startswith("%"))
    for name in (*NASTY_COLUMNS, *NASTY_CATEGORIES):
        assert escape_latex(name) in latex
    assert r"x\_1 \& 50\%" in latex
    assert not re.search(r"(?<!\\)[%#$]", latex)
    bare = [len(re.findall(r"(?<!\\)&", line)) for line in latex.split("\n")]
    assert sorted(count for count in bare if count) == [3] * 8 + [6] * 10
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 3


def test_nasty_names_do_not_break_a_markdown_table(nasty):
    lines = nasty.summary().as_markdown().split("\n")
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 8 + 2 + 2 * (4 + 2)
    for line in rows:
        assert len(re.findall(r"(?<!\\)\|", line)) in (5, 8)
    text = "\n".join(lines)
    assert not re.search(r"(?<!\\)<", text)
    for name in NASTY_COLUMNS:
        assert escape_markdown(name) in text


def test_nasty_names_stand_in_the_text_as_they_are(nasty):
    text = nasty.summary().as_text()
    for name in (*NASTY_COLUMNS, *NASTY_CATEGORIES):
        assert name in text


def test_a_line_break_in_a_name_does_not_break_a_row():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["two\nlines", "x"])
    labels = np.array(["a\nb", "c", "d"])[rng.integers(3, size=60)]
    summary = ml.MNLogit(labels, frame).fit().summary()
    for line in summary.as_markdown().split("\n"):
        if "|" in line:
            assert line.startswith("|")
            assert line.endswith("|")
    text = summary.as_text().split("\n")
    assert not [line for line in text if line in ("b", "two", "lines")]
    assert all(re.match(r"(two.*lines|x) +-?\d", line) for line in text if "lines" in line)


def test_notes_tell_what_the_reader_must_know():
    frame = survey().assign(age=lambda f: f["age"].where(f.index > 1))
    res = ml.mnlogit("party ~ age", frame, missing="drop").fit(cov_type="HC1")
    text = res.summary().as_text()
    assert "Rows in: 160, used: 158" in text
    assert "missing values" in text
    assert "HC0 times n / (n - 4)" in text
    weighted = fitted("party ~ age", weights="weight", weight_type="sampling").summary().as_text()
    assert "pseudo-likelihood" in weighted
    assert "sampling" in weighted
    offset = ml.mnlogit("party ~ age", survey(), offset=np.ones((160, 2))).fit().summary().as_text()
    assert "offset" in offset
    bare = fitted("party ~ 0 + age").summary().as_text()
    assert "Null model: equal shares" in bare


@pytest.mark.parametrize("form", FORMATS)
def test_a_fit_that_has_not_converged_says_so_in_every_format(form):
    with pytest.warns(NotConvergedWarning):
        res = ml.mnlogit("party ~ age + educ", survey()).fit("BFGS", maxiter=1)
    text = getattr(res.summary(), form)()
    assert "NOT CONVERGED" in text
    assert "maxiter" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (0.5, "0.5000"),
        (-12345.678, "-12345.6780"),
        (1.23456e-5, "1.235e-05"),
        (-1e-300, "-1.000e-300"),
        (123456.0, "1.235e+05"),
        (np.nan, "nan"),
        (np.inf, "inf"),
        (-np.inf, "-inf"),
    ],
)
def test_numbers_are_written_so_that_their_digits_show(value, text):
    assert format_number(value) == text


def test_labels_that_read_alike_are_told_apart():
    rng = np.random.default_rng(1)
    labels = pd.Series(["1"] * 20 + ["2"] * 20, dtype=object)
    res = ml.MNLogit(labels, np.column_stack([np.ones(40), rng.normal(size=40)])).fit()
    assert "2 vs 1" in res.summary().as_text()


WIDE = ["\u5e74\u9f62", "re\u0301gion", "\U000f0000x", "\u6c49\u06cc\u200c\u06cc"]


def test_numbers_stand_below_each_other_whatever_letters_names_have():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(90, 5)), columns=[*WIDE, "plain"])
    labels = np.array(["\u5de6\u5074", "\u53f3", "c"])[rng.integers(3, size=90)]
    text = ml.MNLogit(labels, frame).fit().summary().as_text().split("\n")
    rows = [line for line in text if line.startswith((*WIDE, "plain"))]
    assert len(rows) == 10
    assert len({measure(line[: line.index(".")]) for line in rows}) == 1
    rule = measure(text[1])
    header = [line for line in text if line.startswith(("Base category:", "Outcome:", "Method:"))]
    assert {measure(line) for line in header} == {rule}


def soft(rows=60, **options):
    rng = np.random.default_rng(2)
    shares = rng.dirichlet([2, 3, 4], rows)
    return ml.MNLogit(shares, np.column_stack([np.ones(rows), rng.normal(size=rows)]), **options)


SHARES = "Shares are taken for the outcomes of draws"


def test_shares_say_what_takes_them_for_draws():
    """The mean of shares is told more exactly than by as many draws, whose errors these are."""
    res = soft().fit()
    robust = res.with_cov("robust")
    assert (robust.bse < res.bse).all(axis=None)
    (note,) = [line for line in res.summary().notes if line.startswith(SHARES)]
    assert "LR tests, AIC and BIC" in note
    assert "nonrobust standard errors: use with_cov('robust')" in note
    (note,) = [line for line in robust.summary().notes if line.startswith(SHARES)]
    assert "standard errors" not in note
    weights = np.full(60, 2.0)
    (note,) = [
        line
        for line in soft(weights=weights, weight_type="importance").fit().summary().notes
        if line.startswith(SHARES)
    ]
    assert "with_cov" not in note
    sampled = soft(weights=weights, weight_type="sampling").fit()
    assert SHARES not in sampled.summary().as_text()
    assert SHARES not in fitted().summary().as_text()


def test_long_notes_are_wrapped_and_lose_no_word():
    model = ml.mnlogit("y ~ x", pd.DataFrame({"y": list("abc") * 20, "x": [0.0, 1.0, 2.0] * 20}))
    with pytest.warns(SeparationWarning):
        summary = model.fit().summary()
    assert max(map(len, summary.notes)) > LONGEST_NOTE
    text = summary.as_text()
    width = max(NARROWEST_NOTE, len(text.splitlines()[1]))
    lines = text.splitlines()
    assert max(map(measure, lines)) <= max(LONGEST_NOTE, width)
    assert text.split()[-len(" ".join(summary.notes).split()) :] == " ".join(summary.notes).split()


@pytest.mark.parametrize("word", ["name", "\u6f22\u5b57\u6f22", "e\u0301e\u0301"])
def test_wrapped_lines_have_the_width_that_is_seen(word):
    note = " ".join([word] * 60)
    lines = wrap_note(note, 79)
    assert all(79 - measure(word) - 1 < measure(line) <= 79 for line in lines[:-1])
    assert " ".join(line.strip() for line in lines) == note
    assert wrap_note("x" * 200, 79) == ["x" * 200]
    assert wrap_note("a " * (LONGEST_NOTE // 2), 79) == ["a " * (LONGEST_NOTE // 2)]

"""What records show in a notebook: their text and tables, and no markup of the user's."""

import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import MNLogitWarning
from mlelogit.markup import MOST_ROWS, write_html, write_table, write_text

KNOWN = {"p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td", "caption", "div"}
VOID = {"br"}


class Reader(HTMLParser):
    """Read HTML and refuse tags that were not closed, or not of the package."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.tables = [], [], 0

    def handle_starttag(self, tag, attrs):
        assert tag in KNOWN, tag
        self.tables += tag == "table"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(shown):
    reader = Reader()
    reader.feed(shown)
    assert not reader.open
    return " ".join(" ".join(reader.text).split()), reader.tables


def make_fit(separated=False):
    rng = np.random.default_rng(3)
    n = 120
    frame = pd.DataFrame({"x & <i>": rng.normal(size=n), "z": rng.normal(size=n)})
    scores = np.column_stack([np.zeros(n), frame["z"], frame["x & <i>"]])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    frame["kind"] = np.array(["<b>a</b>", "b", "c&d"])[codes]
    if separated:
        frame["z"] = (codes == 1) * 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MNLogitWarning)
        return ml.mnlogit("kind ~ `x & <i>` + z", frame), frame


MODEL, FRAME = make_fit()
FIT = MODEL.fit()


def fit_separated():
    model, _ = make_fit(separated=True)
    with pytest.warns(MNLogitWarning):
        return model.fit()


# Name -> (what is shown, how many tables it has at least).
RECORDS = {
    "results": (lambda: FIT, 3),
    "summary": (FIT.summary, 3),
    "certificate": (lambda: FIT.certificate, 1),
    "audit": (lambda: FIT.audit, 0),
    "separation": (lambda: FIT.separation, 0),
    "separated": (lambda: fit_separated().separation, 2),
    "wald": (lambda: FIT.wald_test("z = 0"), 0),
    "score bootstrap": (lambda: FIT.bootstrap_test("z = 0", times=20, seed=1), 0),
    "goodness": (FIT.gof_tests, 1),
    "independence": (FIT.iia_tests, 1),
    "bootstrap": (lambda: FIT.bootstrap(5, seed=1), 1),
    "verification": (FIT.verify, 1),
    "validation": (lambda: MODEL.cross_validate(3), 1),
    "path": (lambda: MODEL.fit_path(penalties=[0.1, 0.01]), 1),
    "path validation": (lambda: MODEL.fit_path(penalties=[0.1, 0.01]).cross_validate(3), 0),
    "classification": (FIT.classification, 4),
    "calibration": (FIT.calibration, 6),
    "scores": (FIT.scores, 6),
    "constraints": (lambda: MODEL.fit(constraints=["b: z = 1"]).constraint_tests(), 1),
    "bounds": (lambda: MODEL.fit(constraints=["b: z >= 3"]).constraint_tests().lr, 0),
}


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
@pytest.mark.parametrize(("make", "tables"), RECORDS.values(), ids=RECORDS.keys())
def test_records_show_what_they_print(make, tables):
    record = make()
    said, found = read(record._repr_html_())
    assert found >= tables
    assert repr(record).split("\n")[0].split(":")[0].strip() in said
    assert "object at 0x" not in repr(record)
    assert f"{type(record).__name__}(" not in repr(record)


@pytest.mark.parametrize(
    "name", ["results", "separated", "bootstrap", "independence", "classification"]
)
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.MNLogitWarning")
def test_names_are_text(name):
    shown = RECORDS[name][0]()._repr_html_()
    assert "<b>a" not in shown
    assert "<i>" not in shown
    assert "&lt;b&gt;a" in shown or "&lt;i&gt;" in shown


def test_numbers_of_a_certificate_are_those_it_has():
    said, _ = read(FIT.certificate._repr_html_())
    assert f"{FIT.certificate.error_bound:.4g}" in said
    assert f"{FIT.certificate.loglike_gap:.4g}" in said


def test_parts_stand_in_their_order_and_empty_ones_nowhere():
    shown = write_html("t", "", "one\ntwo <", pd.DataFrame(), pd.DataFrame({"v": [1 / 3]}), "end")
    text, tables = read(shown)
    assert (text, tables) == ("t one two < v 0 0.3333 end", 1)


def test_tables_stand_right_below_their_headings_in_text():
    table = pd.DataFrame({"v": [1 / 3, np.nan]}, index=["a", "b"])
    said = write_text("t", "head", table, table, "", pd.DataFrame(), "end")
    shown = "       v\na 0.3333\nb       "
    assert said == f"t\n\nhead\n{shown}\n\n{shown}\n\nend"


def test_long_tables_are_cut():
    long = pd.DataFrame({"v": range(10 * MOST_ROWS)})
    for text in (read(write_table(long))[0], write_text("t", long)):
        assert "..." in text
        assert str(10 * MOST_ROWS - 1) in text
        assert str(5 * MOST_ROWS) not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.0, "12345"),
        (-190000.25, "-190000"),
        (40000000.0, "40000000"),
        (1.0, "1"),
        (999.96, "1000"),
        (0.012341, "0.01234"),
        (1e300, "1e+300"),
        (np.inf, "inf"),
        (np.nan, ""),
    ],
)
def test_numbers_show_four_digits_and_all_of_whole_ones(value, text):
    assert f"<td>{text}</td>" in write_table(pd.DataFrame({"v": [value, 0.5]}))
    assert write_text("t", pd.DataFrame({"v": [value]})).split()[3:] == text.split()


HIDDEN = "a\u202eb"


def test_letters_that_cannot_be_seen_are_shown_by_their_codes():
    labels = pd.MultiIndex.from_tuples([(HIDDEN, 1), ("b", 2)], names=[HIDDEN, "n"])
    frame = pd.DataFrame({HIDDEN: [1.0, 2.0], "t": [HIDDEN, "x\u200b"]}, index=labels)
    frame["c"] = frame["t"].astype("category")
    for made in (frame, frame.droplevel("n"), frame.astype({"t": "string"})):
        shown = write_html(HIDDEN, HIDDEN, made)
        for written in (shown, write_text("t", made)):
            assert "\u202e" not in written
            assert "\u200b" not in written
        assert shown.count(r"a\u202eb") >= 6
    assert HIDDEN in frame.columns
    assert frame.loc[HIDDEN, "t"].iloc[0] == HIDDEN


def test_labels_that_are_tuples_stay_one_label():
    labels = pd.Index([(1, "a"), (2, "b")], tupleize_cols=False, name="k")
    shown = write_table(pd.DataFrame({"v": [1.5, 2.5]}, index=labels))
    assert "<th>(1, a)</th>" in shown


def test_labels_that_look_alike_once_written_are_rows_of_their_own():
    labels = pd.MultiIndex.from_tuples([("a\nb", 1), ("a\\nb", 2)])
    for made in (labels, labels.droplevel(1)):
        text, _ = read(write_table(pd.DataFrame({"v": [0.25, 0.75]}, index=made)))
        assert r"'a\nb'" in text
        assert r"'a\\nb'" in text
        assert "0.25" in text
        assert "0.75" in text

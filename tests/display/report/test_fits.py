"""Every kind of fit has a page; what does not apply to it says why."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.display.report import document, pictures, proof
from mlelogit.display.report.cells import make_table, write_brief, write_number
from mlelogit.display.report.document import SECTIONS
from mlelogit.exceptions import (
    CategoryOrderWarning,
    CollinearityWarning,
    EffectError,
    UnusedLevelWarning,
)
from tests.display.report.reading import read_page
from tests.inference.samples import fitted

EFFECTS = "Average marginal effects on probabilities"


@pytest.fixture
def data(voters, rng):
    counts = pd.DataFrame(rng.integers(0, 5, size=(400, 3)), columns=["k1", "k2", "k3"])
    shares = pd.DataFrame(rng.dirichlet(np.ones(3), size=400), columns=["p1", "p2", "p3"])
    return pd.concat([voters, counts, shares], axis=1).assign(one=1.0, twice=2 * voters["age"])


def test_counts_are_people(data):
    page = read_page(ml.mnlogit("counts(k1, k2, k3) ~ age + region", data).fit().report().html)
    people = data[["k1", "k2", "k3"]].to_numpy().sum(axis=0)
    caption = "Categories of the outcome, among the rows used"
    found = [int(cell) for cell in page.column(caption, "Observations")]
    assert found == people.tolist()
    assert page.facts["Observations"] == f"{people.sum():,}"


def test_probabilities_have_no_quantile_residuals_and_say_so(data):
    page = read_page(ml.mnlogit("probabilities(p1, p2, p3) ~ age", data).fit().report().html)
    assert any("outcome that is drawn" in notice for notice in page.notices)
    why = page.column("Tests of the fit against what was observed", "Where it does not apply, why")
    assert why == ["an outcome of probabilities has no counts of people"] * 3


def test_a_constant_alone_has_no_effects(data):
    res = ml.mnlogit("vote ~ 1", data).fit()
    with pytest.raises(EffectError, match="no variable"):
        res.margins()
    page = read_page(res.report().html)
    assert any("The model has no variable" in notice for notice in page.notices)
    assert "The model has no term but the constant." in page.text
    assert EFFECTS not in page.tables


def test_an_index_of_several_levels_names_rows(data):
    indexed = data.set_index(["people", data.index])
    page = read_page(ml.mnlogit("vote ~ age", indexed).fit().report(sections="influence").html)
    rows = page.column("The 10 rows of largest Cook distance", "Row")
    assert all(len(row.split(", ")) == 2 for row in rows)


def test_what_the_data_were_warned_of_is_told_from_the_fit_alone(data):
    spare = data.assign(vote=pd.Categorical(data["vote"], ["ann", "bob", "cat", "dan"]))
    with pytest.warns() as given:
        fit = ml.mnlogit("vote ~ age + twice", spare).fit()
    assert {one.category for one in given} == {UnusedLevelWarning, CollinearityWarning}
    told = " ".join(read_page(fit.report(sections="warnings").html).notices)
    assert "Left out: twice = 2 age." in told
    assert "Categories of vote without a row: dan." in told
    mixed = np.array([1, "a", 2.5], dtype=object)[data["k1"] % 3]
    with pytest.warns(CategoryOrderWarning):
        fit = ml.MNLogit(mixed, data[["one", "age"]]).fit()
    told = " ".join(read_page(fit.report(sections="warnings").html).notices)
    assert "their order is by type" in told


def test_names_of_categories_are_as_they_are(data):
    small = data.assign(vote=data["vote"].str[0])
    page = read_page(ml.mnlogit("vote ~ age", small).fit().report(sections="calibration").html)
    caption = "Expected calibration error: the mean distance of shares from probabilities"
    names = page.column(caption, "Of")
    assert names == ["a", "b", "c", "Mean of categories", "Most probable category"]


def test_pictures_of_too_many_lines_are_left_out_and_say_so(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_LINES", 3)
    page = read_page(fitted().report(sections=["coefficients", "effects"]).html)
    assert "10 lines are too many for a picture; res.plot.coefficients(names=...)" in page.text
    assert "12 lines are too many for a picture; res.plot.margins(variables)" in page.text
    assert [image["alt"][:20] for image in page.images] == ["The probability of e"] * 3


def test_the_page_does_not_depend_on_settings_of_matplotlib():
    plain = fitted().report(sections="certificate").html
    settings = {
        "savefig.bbox": "tight",
        "savefig.pad_inches": 3,
        "savefig.facecolor": "red",
        "svg.fonttype": "none",
        "svg.hashsalt": None,
        "path.sketch": (1, 100, 2),
        "figure.autolayout": True,
        "lines.linewidth": 9,
    }
    with mpl.rc_context(settings):
        before = dict(mpl.rcParams)
        assert fitted().report(sections="certificate").html == plain
        assert dict(mpl.rcParams) == before


def test_what_another_thread_sets_meanwhile_stays(monkeypatch):
    """Of matplotlib's settings only those that a picture needs are put back."""
    save = pictures._save

    def set_and_save(figure, kind):
        mpl.rcParams["lines.linewidth"] = 7.5
        mpl.rcParams["svg.fonttype"] = "none"
        return save(figure, kind)

    monkeypatch.setattr(pictures, "_save", set_and_save)
    with mpl.rc_context():
        fitted().report(sections="certificate")
        assert mpl.rcParams["lines.linewidth"] == 7.5
        assert mpl.rcParams["svg.fonttype"] == "none"


def test_large_pictures_are_held_as_dots(monkeypatch):
    monkeypatch.setattr(pictures, "LARGEST_DRAWING", 10)
    page = read_page(fitted().report(sections="certificate").html)
    assert [image["src"][:22] for image in page.images] == ["data:image/png;base64,"]
    monkeypatch.setattr(pictures, "LARGEST_DRAWING", 10**9)
    monkeypatch.setattr(pictures, "MANY_ROWS", 10)
    page = read_page(fitted().report(sections="influence").html)
    assert {image["src"][:22] for image in page.images} == {"data:image/png;base64,"}


def test_a_category_without_a_name_is_no_measure(data):
    votes = data.assign(vote=data["vote"].replace("ann", ""))
    page = read_page(ml.mnlogit("vote ~ age", votes).fit().report(sections="calibration").html)
    caption = "Expected calibration error: the mean distance of shares from probabilities"
    named = ["", "bob", "cat", "Mean of categories", "Most probable category"]
    assert page.column(caption, "Of") == named


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (999.7, "1000"),
        (999.4, "999"),
        (0.0009996, "0.001"),
        (12345.6, "12346"),
        (9.999e5, "1.00e+06"),
    ],
)
def test_brief_numbers_are_judged_as_they_are_rounded(value, said):
    assert write_brief(value) == said
    assert write_brief(-value) == f"-{said}"


def test_long_verifications_are_left_out_unless_they_are_named(monkeypatch):
    monkeypatch.setattr(proof, "LARGEST_VERIFIED", 10)
    monkeypatch.setattr(document, "SECTIONS", {"verification": SECTIONS["verification"]})
    page = read_page(fitted().report().html)
    assert any("would take long" in notice for notice in page.notices)
    assert "The fit beside independent engines" not in page.tables
    page = read_page(fitted().report(sections="verification").html)
    assert "The fit beside independent engines" in page.tables


def test_long_tables_say_how_long_they_are():
    table = make_table("Rows", [(str(i), i) for i in range(1000)], [("a", "text"), ("b", "count")])
    assert table.length == 600
    assert table.note == "The first 600 of 1,000 rows."


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1461.92274, "-1461.9227"),
        (123456.789, "123456.79"),
        (2.5e12, "2.500e+12"),
        (-123456789012.345, "-123456789012.35"),
        (-0.00012, "-1.200e-04"),
        (0, "0.0000"),
        (np.nan, "n/a"),
        (np.inf, "∞"),
    ],
)
def test_numbers_keep_the_digits_that_matter(value, said):
    assert write_number(value) == said

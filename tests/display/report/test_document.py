"""The report: its numbers are the fit's, whatever the fit, and what fails says why."""

import functools
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.files.paths import OutputFileError
from mlelogit.display.report import document, pictures
from mlelogit.display.report.content import Paragraph
from mlelogit.display.report.document import SECTIONS
from mlelogit.exceptions import (
    FewClustersWarning,
    MissingExtraError,
    NotConvergedWarning,
    OptionError,
    OutcomeError,
    SeparationWarning,
)
from mlelogit.inference.sandwich.requests import COVARIANCES
from mlelogit.results import MNLogitResults
from tests.display.report.reading import read_page
from tests.inference.samples import fitted, survey
from tests.reference_cases import build_model, load_case

COEFFICIENTS = "Coefficients, in log-odds against the base"
RATIOS = "Relative risk ratios, exp(coefficient)"
EFFECTS = "Average marginal effects on probabilities"
LR, WALD = "Likelihood-ratio tests of terms", "Wald tests of terms"
FORMULA = "vote ~ age + children + region"


@functools.cache
def whole():
    """Return a page with all sections, which many tests look at, and the fit that it is of."""
    fit = fitted()
    return fit, fit.report()


@pytest.fixture
def res():
    return fitted()


@pytest.fixture
def without_pictures(monkeypatch):
    """Leave pictures out, for tests that look at numbers and words."""

    def refuse(module, extra):
        raise MissingExtraError(f"This needs {module}: pip install 'mlelogit[{extra}]'.")

    monkeypatch.setattr(pictures, "import_extra", refuse)


def drop_rows(res):
    return MNLogitResults(replace(res.record, blocks=None), res.covariance)


def numbers(cells):
    named = {"n/a": np.nan, "∞": np.inf, "-∞": -np.inf}
    return np.array([named[cell] if cell in named else float(cell) for cell in cells])


def test_the_page_has_every_section_and_the_numbers_of_the_fit():
    res, report = whole()
    page = read_page(report.html)
    assert [section.key for section in report.page.sections] == list(SECTIONS)
    assert [said for level, said in page.headings if level == "h2"] == [
        "Contents",
        *(title for title, _ in SECTIONS.values()),
    ]
    assert page.headings[0] == ("h1", "Multinomial logit of party")
    tidy = res.tidy()
    for caption, exponentiate, what in (
        (COEFFICIENTS, False, "Coefficient"),
        (RATIOS, True, "Ratio"),
    ):
        table = res.tidy(exponentiate=exponentiate)
        for title, column in (
            (what, "estimate"),
            ("Std. error", "std_err"),
            ("95 % from", "lower"),
        ):
            found = numbers(page.column(caption, title))
            np.testing.assert_allclose(found, table[column], rtol=1e-3, atol=5e-5)
        assert page.column(caption, "Column") == tidy["name"].tolist()
        assert page.groups[caption] == [
            f"{other} against {res.base}" for other in res.categories[1:]
        ]
    assert page.facts["Observations"] == "160"
    assert page.facts["Log-likelihood"] == f"{res.llf:.4f}"
    assert page.facts["AIC"] == f"{res.aic:.4f}"
    assert page.facts["Rows used"] == "160"


def test_tests_effects_and_statistics_are_those_of_the_methods():
    res, report = whole()
    page = read_page(report.html)
    for caption, kind in ((LR, "lr"), (WALD, "wald")):
        found = res.term_tests(kind=kind)
        assert page.column(caption, "Term") == found.index.tolist()
        statistics = numbers(page.column(caption, "Chi-squared"))
        np.testing.assert_allclose(statistics, found["statistic"], rtol=1e-3)
    effects = res.margins().summary_frame()
    found = numbers(page.column(EFFECTS, "Effect"))
    np.testing.assert_allclose(found, effects["estimate"], rtol=1e-3, atol=5e-5)
    assert page.column(EFFECTS, "Category") == effects["category"].tolist()
    statistics = res.fit_statistics()
    found = numbers(page.column("Fit statistics", "Value"))
    np.testing.assert_allclose(found, statistics["value"], rtol=1e-3, atol=5e-5)
    shares = page.column("Categories of the outcome, among the rows used", "Rows")
    assert shares == [f"{total:.0f}" for total in res.audit.categories.values()]
    engines = res.verify().frame
    assert page.column("The fit beside independent engines", "Engine") == engines.index.tolist()
    assert page.column("The fit beside independent engines", "Verdict") == ["agrees"] * len(engines)


def test_calibration_and_influence_are_those_of_the_methods():
    res, report = whole()
    page = read_page(report.html)
    table = page.tables["Observed categories (rows) and the most probable ones (columns)"]
    assert [
        [int(cell) for cell in row[1:4]] for row in table[1:]
    ] == res.pred_table().to_numpy().tolist()
    scores = res.scores().overall
    found = numbers(page.column("Scores of the probabilities: smaller is better", "Value"))
    np.testing.assert_allclose(found, scores["score"], rtol=1e-3)
    worst = res.get_influence().worst(10)
    rows = page.column("The 10 rows of largest Cook distance", "Row")
    assert rows == [str(label) for label in worst.index]
    predicted = page.tables["The 10 rows whose category had the smallest probability"]
    assert [row[0] for row in predicted[1:]] == [str(i) for i in res.worst_predicted(10).index]


def test_a_page_holds_all_it_needs():
    page = read_page(whole()[1].html)
    assert not [tag for tag, _ in page.tags if tag in ("script", "iframe", "object", "embed")]
    for tag, attrs in page.tags:
        for name in ("src", "href", "srcset", "action"):
            assert attrs.get(name, "#").startswith(("#", "data:")), (tag, attrs)
    assert "url(" not in whole()[1].html
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert len(page.images) >= 2
    for image in page.images:
        assert image["src"].startswith(("data:image/svg+xml;base64,", "data:image/png;base64,"))
        assert len(image["alt"]) > 40


def test_the_page_is_marked_up_for_those_who_hear_it():
    page = read_page(whole()[1].html)
    levels = [int(level[1]) for level, _ in page.headings]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    tags = dict.fromkeys(tag for tag, _ in page.tags)
    assert {"header", "nav", "main", "footer"} <= set(tags)
    assert dict(page.tags)["html"] == {"lang": "en"}
    cells = [attrs for tag, attrs in page.tags if tag == "th"]
    assert all(attrs["scope"] in ("col", "row", "rowgroup") for attrs in cells)
    identities = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(set(identities)) == len(identities)
    linked = [attrs["href"][1:] for tag, attrs in page.tags if tag == "a"]
    assert set(linked) <= set(identities)
    labels = [attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs]
    assert set(labels) <= set(identities)
    scrolled = [attrs for _, attrs in page.tags if attrs.get("class") == "scroll"]
    assert all(attrs["tabindex"] == "0" and attrs["role"] == "group" for attrs in scrolled)


def test_the_same_fit_makes_the_same_page():
    again = ml.mnlogit("party ~ age + educ + region", survey()).fit()
    assert again.report().html == whole()[1].html


@pytest.mark.parametrize("asked", [["fit", "overview"], ("reproduction",), "tests"])
def test_sections_come_as_they_are_asked_for(res, asked):
    report = res.report(sections=asked)
    wanted = [asked] if isinstance(asked, str) else list(asked)
    assert [section.key for section in report.page.sections] == wanted
    assert "Multinomial logit of party" in repr(report)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"sections": ["fit", "magic"]}, "calibration"),
        ({"sections": ["fit", "fit"]}, "twice"),
        ({"sections": []}, "overview"),
        ({"sections": 3}, "overview"),
        ({"title": ""}, "title"),
        ({"title": 7}, "title"),
        ({"alpha": 1.5}, "alpha"),
        ({"seed": -1}, "seed"),
        ({"disp": "no"}, "disp"),
        ({"provenance": "here"}, "provenance"),
    ],
)
def test_bad_options_are_named(res, options, word):
    with pytest.raises(OptionError, match=word):
        res.report(**{"sections": "citation", **options})


def test_unknown_keywords_raise(res):
    with pytest.raises(TypeError, match="colour"):
        res.report(colour="red")


def test_options_reach_the_page(res):
    sections = ["coefficients", "verification", "reproduction"]
    extra = {"Source": "a <survey> & more"}
    report = res.report(
        title="Votes & seats", alpha=0.1, seed=11, provenance=extra, sections=sections
    )
    page = read_page(report.html)
    assert page.headings[0] == ("h1", "Votes & seats")
    np.testing.assert_allclose(
        numbers(page.column(COEFFICIENTS, "90 % from")),
        res.tidy(0.1)["lower"],
        rtol=1e-3,
        atol=5e-5,
    )
    assert "(seed 11)" in page.text
    assert page.facts["Source"] == "a <survey> & more"


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(res):
    report = res.report(sections="overview")
    shown = report._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "<!doctype" not in shown
    reader = read_page(shown)
    assert reader.tags[0][1]["srcdoc"] == report.html


@pytest.mark.usefixtures("without_pictures")
def test_names_are_never_markup(rng):
    names = ["<script>alert(1)</script>", "\"quoted\" & 'more'", "two\nlines", "`tick`"]
    frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=names).assign(one=1.0)
    y = rng.choice(["<b>", "a & b", "c\nd"], 200)
    report = ml.MNLogit(y, frame).fit().report(title="<i>Title</i>")
    page = read_page(report.html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "b", "i"}
    assert page.column(COEFFICIENTS, "Column")[:4] == [names[0], names[1], "two\\nlines", "`tick`"]
    assert page.headings[0] == ("h1", "<i>Title</i>")


def test_names_that_no_file_can_hold_are_escaped(rng, tmp_path):
    frame = pd.DataFrame({"one": 1.0, "bad\x07\u2028": rng.normal(size=90)})
    report = ml.MNLogit(rng.integers(0, 2, 90), frame).fit().report(sections="coefficients")
    report.write(tmp_path / "fit.html")
    names = read_page(report.html).column(COEFFICIENTS, "Column")
    assert names == ["one", "bad\\x07\\u2028"]


def test_names_need_not_be_text(rng):
    frame = pd.DataFrame({0: 1.0, 7: rng.normal(size=90), ("a", 1): rng.normal(size=90)})
    asked = ["overview", "data", "coefficients", "effects", "influence", "reproduction"]
    page = read_page(ml.MNLogit(rng.integers(0, 3, 90), frame).fit().report(sections=asked).html)
    assert page.column(COEFFICIENTS, "Column")[:3] == ["0", "7", "('a', 1)"]
    assert page.groups[COEFFICIENTS] == ["1 against 0", "2 against 0"]


@pytest.mark.usefixtures("without_pictures")
def test_terms_and_effects_do_not_depend_on_the_base(res):
    asked = ["tests", "effects", "calibration"]
    here, there = (read_page(one.report(sections=asked).html) for one in (res, res.rebase("green")))
    for caption, column in ((LR, "Chi-squared"), (EFFECTS, "Effect"), (EFFECTS, "Std. error")):
        first, second = (numbers(page.column(caption, column)) for page in (here, there))
        np.testing.assert_allclose(first, second, rtol=2e-3, atol=1e-4)


@pytest.mark.usefixtures("without_pictures")
def test_frequency_weights_are_rows_laid_out(voters):
    weighted = ml.mnlogit(FORMULA, voters, weights="people", weight_type="frequency").fit()
    rows = voters.loc[voters.index.repeat(voters["people"])].reset_index(drop=True)
    asked = ["coefficients", "effects", "tests", "fit", "calibration"]
    here, there = (
        read_page(one.report(sections=asked).html)
        for one in (weighted, ml.mnlogit(FORMULA, rows).fit())
    )
    assert list(here.tables) == list(there.tables)
    for caption, table in here.tables.items():
        for ours, theirs in zip(table, there.tables[caption], strict=True):
            assert len(ours) == len(theirs)
            for one, two in zip(ours, theirs, strict=True):
                assert one == two or abs(float(one) - float(two)) <= 2e-3 * abs(float(two)) + 1e-3


def test_sampling_weights_give_the_reason_in_place_of_likelihood_ratios(voters):
    fit = ml.mnlogit(FORMULA, voters, weights="people", weight_type="sampling").fit()
    page = read_page(fit.report(sections=["tests", "warnings", "overview"]).html)
    assert page.column(LR, "p-value") == ["n/a"] * 3
    assert all(
        "pseudo-likelihood" in cell for cell in page.column(LR, "Where it does not apply, why")
    )
    assert "n/a" not in page.column(WALD, "p-value")
    assert any("Sampling weights" in notice for notice in page.notices)
    assert page.facts["AIC"] == "n/a"


@pytest.mark.usefixtures("without_pictures")
def test_a_fit_without_its_rows_says_so_where_it_needs_them(res):
    page = read_page(drop_rows(res).report().html)
    without = [notice for notice in page.notices if "no longer holds its rows" in notice]
    assert len(without) >= 5
    assert all("Make the report before the fit is saved" in notice for notice in without)
    assert COEFFICIENTS in page.tables
    assert WALD in page.tables
    assert LR not in page.tables


def test_only_errors_of_the_package_are_told_in_place_of_a_section(res, monkeypatch):
    def refuse(scope):
        yield Paragraph("What came before it.")
        raise OutcomeError("No such thing <here>.")

    def blunder(scope):
        yield from ()
        raise KeyError("a mistake of ours")

    monkeypatch.setitem(document.SECTIONS, "fit", ("Fit of the model", refuse))
    page = read_page(res.report(sections=["fit", "overview"]).html)
    assert any("No such thing <here>." in notice for notice in page.notices)
    assert "What came before it." in page.text
    monkeypatch.setitem(document.SECTIONS, "fit", ("Fit of the model", blunder))
    with pytest.raises(KeyError, match="a mistake of ours"):
        res.report(sections=["fit", "overview"])


@pytest.mark.usefixtures("without_pictures")
def test_without_matplotlib_the_page_has_its_tables(res):
    page = read_page(res.report().html)
    assert not page.images
    assert any("mlelogit[plots]" in notice for notice in page.notices)
    assert {COEFFICIENTS, RATIOS, EFFECTS, LR} <= set(page.tables)


@pytest.mark.usefixtures("without_pictures")
def test_separated_data_are_told_from_the_top():
    case = load_case("iris")
    with pytest.warns(SeparationWarning):
        fit = ml.mnlogit(case.formula, case.data, **case.options).fit()
    page = read_page(fit.report().html)
    assert "The data are separated" in page.notices[0]
    estimates = numbers(page.column(COEFFICIENTS, "Coefficient"))
    assert np.isinf(estimates).any()
    assert np.isnan(numbers(page.column(COEFFICIENTS, "Std. error"))[np.isinf(estimates)]).all()
    running = page.column("Coefficients that run to infinity", "Coefficient")
    assert len(running) == len(fit.separation.coefficients)
    assert page.facts["Log-likelihood"] == f"{case.truth['separation']['sup_loglik']:.4f}"


def test_bias_reduced_fits_are_not_verified_and_say_why():
    case = load_case("iris")
    fit = ml.mnlogit(case.formula, case.data, **case.options).fit(bias_reduction="mean")
    page = read_page(fit.report(sections=["verification", "citation"]).html)
    assert "bias-reduced estimates were found" in page.notices[0]
    assert any("would rightly disagree" in notice for notice in page.notices)
    assert "Firth" in page.text


OPTIONS = {"cluster": {"groups": "age"}, "HAC": {"time": "age"}, "survey": {"psu": "age"}}


@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning")
@pytest.mark.parametrize("kind", COVARIANCES)
def test_a_covariance_is_cited_by_those_who_gave_it(res, kind):
    """Those between two inverses of the information are White's, which the other two are not."""
    fit = res.with_cov(kind, **OPTIONS.get(kind, {}))
    text = read_page(fit.report(sections=["citation"]).html).text
    cited = {name for name in ("White, H.", "Berndt", "Cameron", "Binder") if name in text}
    own = {"opg": {"Berndt"}, "cluster": {"Cameron"}, "survey": {"Binder"}}.get(kind, set())
    assert cited == own | (set() if kind in ("nonrobust", "opg") else {"White, H."})


def test_a_climb_that_was_stopped_is_told_from_the_top(voters):
    with pytest.warns(NotConvergedWarning):
        fit = ml.mnlogit(FORMULA, voters).fit(maxiter=1)
    page = read_page(fit.report(sections="citation").html)
    assert "Convergence was NOT shown" in page.notices[0]
    page = read_page(fit.report(sections="warnings").html)
    assert any("raise maxiter" in notice.lower() for notice in page.notices)


def test_constraints_have_tests_of_their_own(voters):
    fit = ml.mnlogit(FORMULA, voters).fit(constraints="bob: age = cat: age")
    page = read_page(fit.report(sections="tests").html)
    assert page.column("Constraints one by one", "Constraint") == ["bob: age = cat: age"]
    found = numbers(page.column("Tests of the constraints", "Chi-squared"))
    tests = fit.constraint_tests()
    truth = [test.statistic for test in (tests.lr, tests.wald, tests.score)]
    np.testing.assert_allclose(found, truth, rtol=1e-3)


def test_warnings_of_the_fit_are_told_and_not_given_again(voters):
    data = voters.assign(village=np.arange(400) % 6, twice=2 * voters["age"])
    with pytest.warns(FewClustersWarning):
        fit = ml.mnlogit(f"{FORMULA}", data).fit(cov_type="cluster", cov_kwds={"groups": "village"})
    page = read_page(fit.report(sections=["warnings", "tests"]).html)
    told = " ".join(page.notices)
    assert "There are few clusters: 6 by 'village'" in told
    assert "What to do:" in told
    assert "UnusedCovarianceWarning" not in told
    assert "likelihood-ratio tests suppose" in told.lower()
    assert "Tests of terms: 1 warning" in page.text


def test_a_quiet_fit_says_that_nothing_was_warned_of():
    page = read_page(build_model("housing_main").fit().report(sections="warnings").html)
    assert any("Nothing was warned of" in notice for notice in page.notices)


def test_a_category_that_is_rare_is_told(voters):
    rare = voters.assign(vote=np.where(np.arange(400) < 12, "dan", voters["vote"]))
    page = read_page(ml.mnlogit(FORMULA, rare).fit().report(sections="warnings").html)
    assert any("dan has 12 observations" in notice for notice in page.notices)


def test_the_file_is_the_page(res, tmp_path):
    path = tmp_path / "fit.html"
    report = res.report(path, sections="overview")
    assert path.read_text(encoding="utf-8") == report.html
    assert list(tmp_path.iterdir()) == [path]
    other = res.report(sections="citation")
    assert other.write(path) == path
    assert path.read_text(encoding="utf-8") == other.html


def test_a_folder_is_refused_before_anything_is_computed(res, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "_write_sections", lambda *_: pytest.fail("computed"))
    for path in (tmp_path, tmp_path / "nowhere" / "fit.html", 7, ""):
        with pytest.raises(OutputFileError):
            res.report(path)

"""compare_models: what it takes, refuses, shows and says."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.display.tables.numbers import write_fixed, write_number, write_ratio
from mlelogit.display.tables.statistics import KNOWN, write_statistic
from mlelogit.exceptions import NotConvergedWarning, OptionError, SeparationWarning
from mlelogit.inference.covariance import omit_covariance
from tests.inference.samples import fitted, survey
from tests.reference_cases import build_model

FEW = ["nobs"]


@pytest.fixture(scope="module")
def res():
    return fitted("party ~ age + educ", base="green")


def cells(table):
    """Return the printed cells as lists."""
    return [list(row) for row in table.to_frame(text=True).to_numpy()]


def notes(table):
    return "\n".join(table.layout.notes)


@pytest.mark.parametrize("models", [{}, [], None, "res", [1], 5])
def test_models_must_be_a_mapping_of_names(models):
    with pytest.raises(OptionError, match="mapping of names to results"):
        ml.compare_models(models)


def test_bare_results_are_refused_with_what_to_write(res):
    for given in (res, [res, res]):
        with pytest.raises(OptionError, match="'small': res"):
            ml.compare_models(given)
    with pytest.raises(OptionError, match="'b' is no MNLogitResults but a 'dict'"):
        ml.compare_models({"a": res, "b": {}})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "tall"}, "layout must be one of wide, long"),
        ({"below": "se"}, "below must be one of std_err, interval, z, p_value"),
        ({"below": ["z", "z"]}, "twice"),
        ({"below": 3}, "below must be one of"),
        ({"exponentiate": "yes"}, "exponentiate must be True or False"),
        ({"stars": 0.05}, "stars must be True, False or a mapping"),
        ({"stars": {"*": 5}}, "stars must be"),
        ({"stars": {"": 0.05}}, "stars must be"),
        ({"stars": {"1": 0.05}}, "without digits"),
        ({"stars": {0.05: "*"}}, "stars must be"),
        ({"stars": {"*": 0.05, "+": 0.05}}, "same threshold"),
        ({"names": ["age"]}, "names must map"),
        ({"names": {}}, "names must map"),
        ({"names": {"age": 3}}, "labels in names must be texts"),
        ({"names": {"height": "Height"}}, "No model has a coefficient 'height'. They have: Interc"),
        (
            {"names": {"age": "A", "educ": "A"}},
            "'age' and 'educ' the same label 'A', and model 'm'",
        ),
        ({"digits": 2.0}, "digits must be a whole number from 0 to 15"),
        ({"digits": True}, "digits must be"),
        ({"digits": 16}, "digits must be"),
        ({"statistics": "nobs"}, "statistics must be names"),
        ({"statistics": ["nobs", "nobs"]}, "'nobs' twice"),
        ({"statistics": ["r2"]}, "no statistic 'r2'. There are: nobs"),
        ({"statistics": [len]}, "needs a label"),
        ({"statistics": ["params"]}, "must be a number or a text"),
        ({"statistics": {"x": 3}}, "must be a name or a function"),
        ({"statistics": {"x": lambda _: None}}, "must be a number or a text, not None"),
        ({"statistics": {3: "nobs"}}, "labels in statistics must be texts"),
        ({"statistics": ["_repr_html_"]}, "no statistic"),
        ({"statistics": ["summary"]}, "no statistic"),
        ({"statistics": {"AIC": "aic", "A\u2028": "bic", r"A\u2028": "aic"}}, "Two statistics"),
        ({"alpha": 0}, "alpha must lie between"),
        ({"title": 3}, "title must be a text"),
    ],
)
def test_options_that_are_none_say_what_they_may_be(res, options, said):
    with pytest.raises(OptionError) as caught:
        ml.compare_models({"m": res}, **options)
    assert said in str(caught.value)


def test_statistics_that_fail_name_themselves_and_the_model(res):
    models = {"good": res, "bad": res.with_cov("HC1")}
    with pytest.raises(OptionError, match="'x' of model 'bad' failed: ZeroDivisionError") as caught:
        ml.compare_models(models, statistics={"x": lambda q: 1 / (q.cov_type == "nonrobust")})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_mapping_without_models_is_said_to_be_empty():
    with pytest.raises(OptionError, match="not one that is empty"):
        ml.compare_models({})


def test_unknown_words_raise(res):
    with pytest.raises(TypeError, match="star"):
        ml.compare_models({"m": res}, star=True)
    with pytest.raises(TypeError, match="star"):
        res.table(star=True)
    with pytest.raises(OptionError, match="form must be one of text, html"):
        res.table("pdf")
    with pytest.raises(OptionError, match="text must be True or False"):
        res.table().to_frame("yes")


def test_nothing_a_table_gives_out_changes_it(res):
    table = ml.compare_models({"m": res})
    frame = table.to_frame()
    frame.iloc[:] = 0
    assert table.to_frame().to_numpy().any()
    with pytest.raises(FrozenInstanceError):
        table.layout = None


def test_rows_are_chosen_ordered_and_named(res):
    names = {"educ": "Education", "age": "Age"}
    table = ml.compare_models({"m": res}, names=names, below=None, statistics=None)
    assert table.to_frame(text=True).index.tolist() == ["Education", "Age"]
    assert "Not shown: Intercept." in notes(table)
    for category in ("blue", "red"):
        found = table.to_frame().loc[("Education", "estimate"), ("m", category)]
        assert found == res.params.loc["educ", category]


def test_names_of_different_models_share_a_row_under_one_label():
    frame = survey().rename(columns={"age": "years"})
    one, other = fitted("party ~ age"), ml.mnlogit("party ~ years", frame).fit()
    names = {"age": "Age", "years": "Age"}
    table = ml.compare_models({"a": one, "b": other}, names=names, statistics=None)
    assert len(table.layout.sections[0].rows) == 1
    line = [cell.plain for cell in table.layout.sections[0].rows[0].lines[0]]
    assert line[:2] == line[2:]
    assert "" not in line


def test_rows_are_in_the_order_in_which_models_bring_them(res):
    small = fitted("party ~ age", base="green")
    other = fitted("party ~ region + age", base="green")
    table = ml.compare_models({"s": small, "r": other, "e": res}, below=None, statistics=FEW)
    labels = table.to_frame(text=True).index.tolist()
    regions = ["region[T.south]", "region[T.west]"]
    assert labels == ["Intercept", "age", *regions, "educ", "Observations"]
    by_label = dict(zip(labels, cells(table), strict=True))
    assert by_label["educ"][:4] == [""] * 4
    assert "" not in by_label["educ"][4:]
    assert by_label["region[T.west]"][:2] == ["", ""]


def test_several_things_stand_below_with_their_names(res):
    below = ["std_err", "interval", "z", "p_value"]
    table = ml.compare_models({"m": res}, below=below, statistics=None)
    row = res.tidy().set_index(["category", "name"]).loc[("red", "educ")]
    column = [line[1].plain for line in table.layout.sections[0].rows[2].lines]
    p = "p < 0.001" if row["p_value"] < 0.001 else f"p = {row['p_value']:.3f}"
    assert column == [
        f"{row['estimate']:.3f}",
        f"({row['std_err']:.3f})",
        f"[{row['lower']:.3f}, {row['upper']:.3f}]",
        f"z = {row['z']:.3f}",
        p,
    ]


def test_intervals_have_the_level_asked_for(res):
    table = ml.compare_models({"m": res}, below="interval", alpha=0.2, statistics=None)
    lower, upper = res.conf_int(0.2).loc[("red", "educ")]
    assert table.layout.sections[0].rows[2].lines[1][1].plain == f"[{lower:.3f}, {upper:.3f}]"
    assert "80% Wald intervals in brackets" in notes(table)


def test_stars_follow_their_thresholds(res):
    p = res.pvalues
    thresholds = {"†": 0.4, "a": float(np.nextafter(p.loc["educ", "red"], 1))}
    table = ml.compare_models({"m": res}, stars=thresholds, statistics=None)
    for i, name in enumerate(p.index):
        for j, category in enumerate(p.columns):
            value = p.loc[name, category]
            wanted = "a" if value < thresholds["a"] else "†" if value < 0.4 else ""
            assert table.layout.sections[0].rows[i].lines[0][j].stars == wanted
    assert "† p < 0.4, a p < " in notes(table)
    exactly = {"*": float(p.loc["educ", "red"])}
    bare = ml.compare_models({"m": res}, stars=exactly, statistics=None)
    assert bare.layout.sections[0].rows[2].lines[0][1].stars == ""
    assert "Two-sided" not in notes(ml.compare_models({"m": res}))


@pytest.mark.parametrize("name", KNOWN)
def test_every_statistic_of_the_fit_can_stand_in_the_foot(res, name):
    table = ml.compare_models({"m": res}, statistics=[name], digits=15)
    text = table.layout.foot[0].lines[0][0].plain
    truth = getattr(res, name) if hasattr(res, name) else res.fit_statistics().loc[name, "value"]
    shown = float(text.removeprefix("<"))
    assert shown == pytest.approx(truth, rel=1e-12, abs=1e-15 if "<" in text else 0)


def test_functions_and_attributes_of_results_stand_in_the_foot(res):
    statistics = {
        "Covariance": "cov_type",
        "Converged": "converged",
        "Mean": lambda r: float(r.params.to_numpy().mean()),
        "Steps": lambda r: np.int64(len(r.trace)),
        "Word": lambda r: "a word",
    }
    models = {"a": res, "b": res.with_cov("HC1")}
    table = ml.compare_models(models, statistics=statistics)
    foot = {row.label: [cell.plain for cell in row.lines[0]] for row in table.layout.foot}
    mean = f"{res.params.to_numpy().mean():.3f}"
    assert foot == {
        "Covariance": ["nonrobust", "HC1"],
        "Converged": ["yes", "yes"],
        "Mean": [mean, mean],
        "Steps": [str(len(res.trace))] * 2,
        "Word": ["a word"] * 2,
    }
    named = ml.compare_models(models, statistics=["condition_number", "base"])
    assert [row.label for row in named.layout.foot] == ["Condition number", "Base category"]
    assert named.layout.foot[1].lines[0][0].plain == "green"


@pytest.mark.parametrize(("digits", "text"), [(0, "2"), (1, "1.6"), (5, "1.63245")])
def test_digits_are_decimals(digits, text):
    assert write_number(1.632451, digits) == text


def test_numbers_too_small_for_the_digits_show_two_of_them():
    """A column in other units: its coefficient is a thousandth or a millionth."""
    frame = survey()
    for scale, decimals in ((1, 3), (1e2, 4), (1e3, 5)):
        res = ml.mnlogit("party ~ educ", frame.assign(educ=frame["educ"] * scale)).fit()
        estimate, std_err = res.params.loc["educ", "red"], res.bse.loc["educ", "red"]
        table = ml.compare_models({"m": res}, statistics=None)
        column = [line[1].plain for line in table.layout.sections[0].rows[1].lines]
        assert column == [f"{estimate:.{decimals}f}", f"({std_err:.{decimals}f})"]
    res = ml.mnlogit("party ~ educ", frame.assign(educ=frame["educ"] * 1e6)).fit()
    table = ml.compare_models({"m": res}, statistics=None)
    column = [line[1].plain for line in table.layout.sections[0].rows[1].lines]
    assert column == [f"{res.params.iloc[1, 1]:.1e}", f"({res.bse.iloc[1, 1]:.1e})"]


def test_other_bases_are_told_and_their_rows_apart(res):
    moved = res.rebase("blue")
    wide = ml.compare_models({"a": res, "b": moved}, statistics=None)
    heads = [group.columns for group in wide.layout.groups]
    assert heads == [("blue vs green", "red vs green"), ("green vs blue", "red vs blue")]
    assert "a: Base category: green." in notes(wide)
    assert "b: Base category: blue." in notes(wide)
    assert "do not compare" not in notes(wide)
    long = ml.compare_models({"a": res, "b": moved}, layout="long", statistics=None)
    headings = [section.heading for section in long.layout.sections]
    assert headings == ["blue vs green", "red vs green", "green vs blue", "red vs blue"]
    frame = long.to_frame()
    assert frame.loc[frame.index.get_level_values(0) == "red vs green", "b"].isna().all()
    assert frame.loc[("red vs blue", "age", "estimate"), "b"] == moved.params.loc["age", "red"]


def test_names_with_commas_are_told_apart(res):
    models = {"a, b": res, "c": res, "d": res.with_cov("HC1")}
    assert "a, b; c: Covariance nonrobust" in notes(ml.compare_models(models))


def test_one_base_is_told_once_and_heads_are_categories(res):
    table = ml.compare_models({"a": res, "b": fitted("party ~ age", base="green")})
    assert [group.columns for group in table.layout.groups] == [("blue", "red")] * 2
    assert notes(table).count("green") == 1


def test_other_outcomes_do_not_share_rows(res):
    frame = survey().rename(columns={"party": "vote"})
    other = ml.mnlogit("vote ~ age + educ", frame, base="green").fit()
    long = ml.compare_models({"a": res, "b": other}, layout="long")
    headings = [section.heading for section in long.layout.sections]
    assert headings == [f"{y}: {c} vs green" for y in ("party", "vote") for c in ("blue", "red")]
    assert "b: Other outcome, categories or kind of weights than a: log" in notes(long)
    assert "a: Outcome party, base category green." in notes(long)


def test_other_categories_and_rows_are_told(res):
    people = survey()
    two = ml.mnlogit("party ~ age + educ", people[people["party"] != "red"], base="green").fit()
    table = ml.compare_models({"a": res, "b": two}, layout="long")
    frame = table.to_frame()
    assert frame.loc[frame.index.get_level_values(0) == "red vs green", "b"].isna().all()
    assert "b: Other outcome, categories or kind of weights than a:" in notes(table)
    part = ml.mnlogit("party ~ age + educ", people.iloc[:120], base="green").fit()
    assert "b: Other rows or weights than a: " in notes(ml.compare_models({"a": res, "b": part}))
    first, last = (
        ml.mnlogit("party ~ age", rows, base="green").fit()
        for rows in (people.iloc[:100], people.iloc[60:])
    )
    assert "b: Other rows or weights than a: " in notes(ml.compare_models({"a": first, "b": last}))
    renumbered = people.iloc[60:].reset_index(drop=True)
    other = ml.mnlogit("party ~ age", renumbered, base="green").fit()
    assert "b: Other rows or weights than a: " in notes(ml.compare_models({"a": first, "b": other}))
    labelled = people.set_axis(people.index + 1000)
    moved = ml.mnlogit("party ~ age + educ", labelled, base="green").fit()
    said = notes(ml.compare_models({"a": res, "b": moved}))
    assert "b: Other index labels than a; if these stand for other rows" in said
    shuffled = people.sample(frac=1, random_state=1)
    same = ml.mnlogit("party ~ age + educ", shuffled, base="green").fit()
    assert "do not compare" not in notes(ml.compare_models({"a": res, "b": same}))


def test_every_model_is_compared_with_all_before_it():
    """What a reader would set side by side is told apart, whatever else differs."""
    people = survey()
    moved, part = people.set_axis(people.index + 1000), people.iloc[:120]
    fits = {
        name: ml.mnlogit("party ~ age", rows, base="green").fit()
        for name, rows in {"a": people, "b": moved, "c": part, "d": part, "e": people}.items()
    }
    counted = people.assign(twice=2 * people["people"])
    for name, weights in {"f": "people", "g": "twice"}.items():
        options = {"base": "green", "weights": weights, "weight_type": "frequency"}
        fits[name] = ml.mnlogit("party ~ age", counted, **options).fit()
    said = [note for note in ml.compare_models(fits).layout.notes if "do not compare" in note]
    assert [note.partition("log-")[0] for note in said] == [
        "b: Other index labels than a; if these stand for other rows, ",
        "c, d: Other rows or weights than a, b: ",
        "f, g: Other outcome, categories or kind of weights than a, b, c: ",
        "g: Other rows or weights than f: ",
    ]


def test_braces_in_names_of_models_stand_in_notes(res):
    part = ml.mnlogit("party ~ age", survey().iloc[:120], base="green").fit()
    said = notes(ml.compare_models({"{0} %s": res, "b": part}))
    assert "b: Other rows or weights than {0} %s: " in said


LOOK_ALIKE = ["a\nb", "a\\nb", "c\u202e", "c\\u202e"]


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_names_that_look_alike_once_written_keep_their_own_numbers(layout):
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.normal(size=(90, 4)), columns=LOOK_ALIKE)
    res = ml.MNLogit(np.array(["x\ny", "x\\ny", "z"])[rng.integers(3, size=90)], frame).fit()
    table = ml.compare_models(
        {"m\n": res, "m\\n": res}, layout=layout, below=None, statistics=None, digits=9
    )
    rows = [row for section in table.layout.sections for row in section.rows]
    shown = [cell.plain for row in rows for cell in row.lines[0]]
    order = res.params if layout == "wide" else res.params.T
    once = [[f"{value:.9f}" for value in line] for line in order.to_numpy()]
    twice = (
        [value for line in once for value in line * 2] if layout == "wide" else np.repeat(once, 2)
    )
    assert shown == list(twice)
    assert len({row.label for row in rows}) == 4
    frame = table.to_frame()
    assert frame.index.is_unique
    assert frame.columns.is_unique
    assert sorted(frame.xs("estimate", level="quantity").to_numpy().ravel()) == sorted(
        np.repeat(res.params.to_numpy().ravel(), 2)
    )


def test_labels_of_rows_that_look_alike_are_two_rows(res):
    names = {"age": "A\n", "educ": "A\\n"}
    table = ml.compare_models({"m": res}, names=names, below=None, statistics=None)
    rows = table.layout.sections[0].rows
    assert [float(row.lines[0][1].text) for row in rows] == pytest.approx(
        [res.params.loc[name, "red"] for name in names], abs=6e-4
    )
    assert len({row.label for row in rows}) == 2


def test_labels_of_other_types_stay_apart():
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    codes = rng.integers(2, size=60)
    numbers, texts = ml.MNLogit(codes, x).fit(), ml.MNLogit(codes.astype(str), x).fit()
    table = ml.compare_models({1: numbers, "1": texts}, layout="long", statistics=None)
    assert [group.name for group in table.layout.groups] == ["1", "'1'"]
    assert [section.heading for section in table.layout.sections] == ["1 vs 0", "'1' vs '0'"]
    truths = ml.MNLogit(codes.astype(bool), x).fit()
    table = ml.compare_models({"n": numbers, "t": truths}, layout="long", statistics=None)
    assert [section.heading for section in table.layout.sections] == ["1 vs 0", "True vs False"]


def test_columns_left_out_are_told():
    frame = survey().assign(twice=lambda f: 2 * f["age"])
    with pytest.warns(ml.exceptions.CollinearityWarning):
        res = ml.mnlogit("party ~ age + twice", frame).fit()
    table = ml.compare_models({"m": res, "n": fitted("party ~ age")}, statistics=None)
    labels = table.to_frame(text=True).index.tolist()
    assert cells(table)[labels.index("twice")] == ["(omitted)", "(omitted)", "", ""]
    assert "m: Left out, being combinations of others: twice" in notes(table)


def test_constraints_are_told(res):
    model = ml.mnlogit("party ~ age + educ", survey(), base="green")
    held = model.fit(constraints="red: educ = 0.5, blue: age = red: age")
    table = ml.compare_models({"free": res, "held": held}, statistics=FEW, stars=True)
    rows = dict(zip(table.to_frame(text=True).index, cells(table), strict=False))
    assert rows["educ"][3] == "0.500"
    labels = table.to_frame(text=True).index.tolist()
    assert cells(table)[labels.index("educ") + 1][3] == "(fixed)"
    assert "held: Held to: red: educ = 0.5; " in notes(table)
    bare = ml.compare_models({"held": held}, below=None, statistics=None)
    assert cells(bare)[2][1] == "0.500 (fixed)"
    bounded = model.fit(constraints="red: educ <= 0.05")
    table = ml.compare_models({"m": bounded}, statistics=["llr_pvalue"])
    assert "(at bound)" in table.as_text()
    assert "LR p-value: nan, since estimates stand at bounds" in notes(table)


@pytest.mark.parametrize("name", ["llf", "aic", "bic", "llr", "deviance"])
def test_large_likelihoods_keep_the_digits_that_models_differ_by(name):
    for value in (8.641e7 + 0.25, -2.5e11 - 0.5, 0.25):
        assert float(write_statistic(name, value, 3)) == value
    assert write_statistic("nobs", 4e15, 3) == "4000000000000000"
    assert write_statistic(name, np.nan, 3) == "nan"
    assert write_statistic(name, 0.00123, 3) == "0.0012"


def test_infinite_coefficients_are_told():
    with pytest.warns(SeparationWarning):
        res = build_model("iris").fit()
    finite = build_model("iris").fit(bias_reduction="mean")
    table = ml.compare_models({"ml": res, "firth": finite}, stars=True, statistics=["llr"])
    rows = cells(table)
    assert rows[0][0] in ("inf", "-inf")
    assert rows[1][0] == "(nan)"
    assert rows[0][2] == f"{finite.params.iloc[0, 0]:.3f}"
    assert "ml: Quasi-complete separation: no finite maximum exists." in notes(table)
    assert "firth: Bias-reduced estimates (mean)." in notes(table)
    assert "firth: LR chi-squared: nan, since bias-reduced" in notes(table)
    latex = table.as_latex()
    assert r"$\infty$" in latex
    assert "inf" not in latex.replace(r"\infty", "").replace("infinity", "").replace(
        "infinite", ""
    ).replace("inform", "")


def test_weights_offsets_and_dropped_rows_are_told():
    sampled = fitted("party ~ age", weights="weight", weight_type="sampling")
    table = ml.compare_models({"w": sampled, "u": fitted("party ~ age")})
    assert "w: Weights: sampling." in notes(table)
    assert "w: AIC, BIC: nan, since with sampling weights" in notes(table)
    assert "u: Other outcome, categories or kind of weights than w: " in notes(table)
    assert cells(table)[-2][0] == "nan"
    frame = survey().assign(age=lambda f: f["age"].where(f.index > 1))
    offset = np.full((160, 2), 0.1)
    model = ml.mnlogit("party ~ age", frame, missing="drop", offset=offset)
    said = notes(ml.compare_models({"m": model.fit()}))
    assert "Rows in: 160, used: 158" in said
    assert "The scores have an offset." in said


def test_frequency_weights_and_counts_give_the_table_of_rows_laid_out():
    frame = survey()
    laid_out = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    rows = ml.mnlogit("party ~ age + educ", laid_out).fit()
    options = {"weights": "people", "weight_type": "frequency"}
    weighted = ml.mnlogit("party ~ age + educ", frame, **options).fit()
    statistics = [*KNOWN]
    tables = [
        ml.compare_models({"m": res}, statistics=statistics, below=["std_err", "p_value"])
        for res in (rows, weighted)
    ]
    assert cells(tables[0]) == cells(tables[1])


def test_a_covariance_of_t_is_called_t():
    districts = np.arange(160) // 8
    survey_cov = fitted("party ~ age").with_cov("survey", psu=districts)
    table = ml.compare_models({"m": survey_cov}, below=["z", "p_value"], statistics=None)
    assert cells(table)[1][0].startswith("t = ")
    assert "t distribution with 19 degrees of freedom" in notes(table)
    alone = ml.compare_models({"m": survey_cov, "n": fitted("party ~ age")}, below="z")
    assert "below them z or t statistics in parentheses" in notes(alone)


def test_fits_that_have_not_converged_say_so():
    with pytest.warns(NotConvergedWarning):
        res = ml.mnlogit("party ~ age + educ", survey()).fit("BFGS", maxiter=1)
    table = ml.compare_models({"good": fitted("party ~ age"), "bad": res})
    for form in (table.as_text(), table.as_html(), table.as_latex(), table.as_markdown()):
        assert "bad: NOT CONVERGED" in form


def test_a_covariance_left_out_is_told():
    res = fitted("party ~ age")
    bare = replace(res, covariance=omit_covariance("nonrobust", 4))
    table = ml.compare_models({"m": bare}, stars=True)
    assert cells(table)[1] == ["(nan)", "(nan)"]
    assert "the covariance was left out for its size" in notes(table)
    assert not any(cell.stars for row in table.layout.sections[0].rows for cell in row.lines[0])


@pytest.mark.parametrize("categories", [2, 12])
@pytest.mark.parametrize("models", [1, 10])
@pytest.mark.parametrize("layout", ["wide", "long"])
def test_sizes_at_the_margin(categories, models, layout):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"y": rng.integers(categories, size=400), "x": rng.normal(size=400)})
    res = ml.mnlogit("y ~ x", frame).fit()
    fits = {f"model {i}": res for i in range(models)}
    table = ml.compare_models(fits, layout=layout)
    width = models * (categories - 1) if layout == "wide" else models
    assert table.layout.width == width
    height = 4 if layout == "wide" else 5 * (categories - 1) - (categories - 1)
    assert table.to_frame(text=True).shape == (height + 5, width)
    lines = table.as_text().split("\n")
    rules = {len(line) for line in lines if line and not line.strip("=")}
    assert len(rules) == 1
    assert max(map(len, lines[: -len(table.layout.notes) - 3])) <= rules.pop()
    for text in (table.as_html(), table.as_latex(), table.as_markdown()):
        assert text.count(f"{res.llf:.3f}".removeprefix("-")) == models


def test_one_fit_has_its_own_table(res):
    table = res.table(below="z", title="Parties")
    same = ml.compare_models({"party": res}, below="z", title="Parties")
    assert table.as_text() == same.as_text()
    for form in ("text", "html", "latex", "markdown"):
        assert res.table(form) == getattr(res.table(), f"as_{form}")()
    assert type(res.table("gt")).__name__ == "GT"
    other = res.table(statistics={"Fit": "nagelkerke"})
    assert other.layout.foot[0].label == "Fit"


def test_wide_characters_keep_columns_straight():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.normal(size=(90, 2)), columns=["年齢", "x"])
    res = ml.MNLogit(np.array(["左", "右", "c"])[rng.integers(3, size=90)], frame).fit()
    lines = ml.compare_models({"m": res}, statistics=None).as_text().split("\n")
    body = [line for line in lines if line.startswith(("年齢", "x"))]
    ends = {sum(1 + (char >= "⺀") for char in line[: line.index(".")]) for line in body}
    assert len(body) == 2
    assert len(ends) == 1


def test_long_headings_stay_within_the_rules():
    frame = survey()
    frame = frame.assign(party="a very long name of the party called " + frame["party"])
    res = ml.mnlogit("party ~ age", frame).fit()
    lines = ml.compare_models({"m": res}, layout="long", statistics=None).as_text().split("\n")
    headings = [line for line in lines if " vs " in line]
    assert len(headings) == 2
    assert max(map(len, headings)) <= len(lines[0])


def test_rounding_leaves_no_minus_before_zeros():
    from_zero = [write_ratio(-0.0004, 3), write_fixed(-1e-5, 3, 3), write_fixed(-0.0006, 3, 3)]
    assert from_zero == ["0.000", "0.000", "-0.001"]


def test_ratios_do_not_round_to_zero():
    """A risk ratio far below its standard error is small, and not none."""
    frame = survey()
    res = ml.mnlogit("party ~ educ", frame.assign(educ=(frame["educ"] - 4) / 60)).fit()
    ratios = res.conf_int(exponentiate=True).loc[("green", "educ")]
    table = ml.compare_models({"m": res}, exponentiate=True, below="interval", statistics=None)
    shown = table.layout.sections[0].rows[1].lines[1][0].plain
    lower = float(shown[1:].split(",")[0])
    assert ratios["lower"] < 5e-4
    assert lower == pytest.approx(ratios["lower"], rel=0.05)

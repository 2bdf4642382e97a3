"""Every command: what it answers, in which format, and with which status."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.cli import COMMANDS, main
from mlelogit.terminal.commands import make_parser

FORMULA, SMALL = "vote ~ age + educ", "vote ~ age"
ENVELOPE = {"command", "warnings"}
FIT_KEYS = {
    *("formula", "outcome", "categories", "base", "converged", "certificate", "covariance"),
    *("covariance_note", "nobs", "llf", "llnull", "llr", "llr_pvalue", "prsquared", "aic", "bic"),
    *("df_model", "df_resid", "constraints", "exponentiated", "alpha", "coefficients"),
}


@pytest.fixture
def anes():
    return ml.datasets.load_anes96()


@pytest.fixture
def table(anes, tmp_path):
    path = tmp_path / "anes.csv"
    anes.to_csv(path, index=False)
    return path


@pytest.fixture
def fitted(table):
    return ml.mnlogit(FORMULA, pd.read_csv(table)).fit()


@pytest.fixture
def saved(fitted, tmp_path):
    return fitted.save(tmp_path / "fit.json")


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def ask(capsys, *arguments, status=0):
    """Return what a command says in JSON, read strictly."""
    found, out, err = run(capsys, *arguments, "--format", "json")
    assert found == status, err

    def refuse(text):
        raise AssertionError(text)

    told = json.loads(out, parse_constant=refuse)
    assert told["command"] == arguments[0]
    assert isinstance(told["warnings"], list)
    return told


def fail(capsys, *arguments):
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err


def pipe(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_every_command_has_help_with_examples_that_it_understands(capsys):
    import shlex

    for name in COMMANDS:
        with pytest.raises(SystemExit) as stopped:
            main([name, "--help"])
        assert stopped.value.code == 0
        shown = capsys.readouterr().out
        examples = [
            line.split("|")[-1].split("<")[0].strip()
            for line in shown.partition("examples:\n")[2].partition("\nexit status")[0].splitlines()
            if "mlelogit" in line
        ]
        assert len(examples) > 1
        for example in examples:
            assert make_parser().parse_args(shlex.split(example)[1:]).command == name
        assert "130  interrupted" in shown


def test_json_of_every_command_has_its_keys(capsys, table, saved, tmp_path):
    convert = ["convert", table, tmp_path / "t.tsv"]
    keys = {
        ("demo",): {*FIT_KEYS, "agrees", "seed", "engines"},
        ("fit", table, FORMULA): {*FIT_KEYS, "data"},
        ("fit", saved): {*FIT_KEYS, "data"},
        ("verify", table, SMALL): {"agrees", "reference", "seed", "engines", "data"},
        ("compare", table, SMALL, FORMULA): {"models", "tests", "data"},
        ("predict", saved, "--newdata", table): {"which", "predictions", "data"},
        ("margins", saved, "--newdata", table): {"title", "covariance", "alpha", "rows", "data"},
        ("tests", table, SMALL): {"tests", "data"},
        ("report", table, SMALL, "--sections", "overview"): {
            *(*FIT_KEYS, "title", "sections", "html", "data")
        },
        tuple(convert): {"source", "target", "as", "rows", "columns"},
    }
    assert {words[0] for words in keys} == set(COMMANDS)
    for words, expected in keys.items():
        assert set(ask(capsys, *words)) == expected | ENVELOPE, words


def test_warnings_are_in_the_json_and_a_fit_without_maximum_is_a_no(capsys, tmp_path):
    path = tmp_path / "separated.csv"
    pd.DataFrame({"y": list("aaabbb"), "x": range(6)}).to_csv(path, index=False)
    told = ask(capsys, "fit", path, "y ~ x", status=1)
    assert told["converged"] is False
    assert {one["category"] for one in told["warnings"]} >= {"SeparationWarning"}
    assert all(one["message"] for one in told["warnings"])
    for command in (["predict"], ["tests", "--kind", "wald"], ["compare"]):
        status, out, _ = run(capsys, command[0], path, "y ~ x", *command[1:])
        assert status == 1
        assert out
    saved = tmp_path / "fit.json"
    assert run(capsys, "fit", path, "y ~ x", "--save", saved)[0] == 1
    for target in ("fit.csv", "fit.tex"):
        assert run(capsys, "convert", saved, tmp_path / target)[0] == 1
        assert (tmp_path / target).stat().st_size


def test_engines_that_disagree_are_a_no(capsys, table, monkeypatch):
    from mlelogit.equivalence.verification import Verification

    monkeypatch.setattr(Verification, "agrees", False)
    assert ask(capsys, "verify", table, SMALL, status=1)["agrees"] is False
    assert run(capsys, "demo")[0] == 1


def test_an_error_of_the_program_has_a_status_of_its_own(capsys, monkeypatch):
    from mlelogit import cli

    def fail(_):
        raise KeyError("no user can help this")

    monkeypatch.setattr(cli, "find_command", lambda _: fail)
    status, out, err = run(capsys, "demo")
    assert (status, out) == (3, "")
    assert "Traceback" in err
    assert err.endswith("mlelogit: internal error: KeyError: please report\n")


@pytest.mark.parametrize("suffix", ["html", "tex", "md", "txt", "json"])
def test_the_ending_of_the_file_says_what_is_written(capsys, table, fitted, tmp_path, suffix):
    path = tmp_path / f"fit.{suffix}"
    assert run(capsys, "fit", table, FORMULA, "-o", path)[:2] == (0, "")
    summary, text = fitted.summary(), path.read_text(encoding="utf-8")
    if suffix == "json":
        assert json.loads(text)["llf"] == fitted.llf
    else:
        kind = {"html": "html", "tex": "latex", "md": "markdown", "txt": "text"}[suffix]
        assert text.rstrip("\n") == getattr(summary, f"as_{kind}")().rstrip("\n")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "feather", "dta", "xlsx"])
def test_predictions_are_written_in_every_format(capsys, table, fitted, saved, tmp_path, suffix):
    from mlelogit.data.files.readers import read_data

    for package in ("pyarrow", "openpyxl"):
        pytest.importorskip(package)
    path = tmp_path / f"p.{suffix}"
    assert run(capsys, "predict", saved, "--newdata", table, "-o", path)[:2] == (0, "")
    found, expected = read_data(str(path)), fitted.predict(pd.read_csv(table))
    assert found.iloc[:, 0].tolist() == list(range(len(expected)))
    assert np.abs(found.iloc[:, 1:].to_numpy() - expected.to_numpy()).max() < 1e-14
    assert list(found.columns) == ["row", "Clinton", "Dole"]


def test_predictions_of_a_saved_fit_are_those_of_the_fit(capsys, table, saved, fitted):
    told = ask(capsys, "predict", saved, "--newdata", table)["predictions"]
    found = pd.DataFrame(**told)
    assert (found.to_numpy() == fitted.predict(pd.read_csv(table)).to_numpy()).all()
    told = ask(capsys, "predict", saved, "--newdata", table, "--which", "category")["predictions"]
    chosen = [row[0] for row in told["data"]]
    assert chosen == fitted.predict(pd.read_csv(table), which="category").tolist()
    err = fail(capsys, "predict", saved)
    assert "DataNotKeptError" in err
    assert "--data" in err


def test_intervals_are_those_of_get_prediction(capsys, table, saved, fitted):
    words = ["predict", saved, "--newdata", table, "--intervals", "--alpha", "0.1"]
    rows = pd.DataFrame(ask(capsys, *words)["rows"])
    expected = fitted.get_prediction(pd.read_csv(table)).summary_frame(0.1).reset_index()
    for name in ("probability", "std_err", "lower", "upper"):
        assert rows[name].tolist() == expected[name].tolist()


def test_margins_are_those_of_the_results(capsys, table, saved, fitted, tmp_path):
    frame = pd.read_csv(table)
    words = ["margins", saved, "--newdata", table, "--variables", "age"]
    options = ["--at", "educ", "3", "6", "--change", "age", "20", "40", "--alpha", "0.1"]
    rows = pd.DataFrame(ask(capsys, *words, *options)["rows"])
    asked = {"at": {"educ": [3, 6]}, "change": {"age": (20, 40)}, "newdata": frame}
    expected = fitted.margins("age", **asked).summary_frame(0.1)
    for name in ("estimate", "std_err", "lower", "upper", "educ"):
        assert rows[name].tolist() == expected[name].tolist()
    path = tmp_path / "m.csv"
    assert run(capsys, *words, "--by", "PID", "--adjust", "holm", "-o", path)[0] == 0
    grouped = fitted.margins("age", by="PID", newdata=frame).summary_frame(adjust="holm")
    assert pd.read_csv(path)["p_adjusted"].to_numpy() == pytest.approx(
        grouped["p_adjusted"].to_numpy(), rel=1e-12
    )
    _, out, _ = run(capsys, *words)
    assert out.rstrip("\n") == str(fitted.margins("age", newdata=frame))


def test_margins_read_levels_as_they_are_written(capsys, table):
    formula = "vote ~ age + C(educ)"
    results = ml.mnlogit(formula, pd.read_csv(table)).fit()
    for option, asked in (
        (["--change", "educ", "2", "7"], {"change": {"educ": (2, 7)}, "variables": "educ"}),
        (["--change", "educ", "pairwise"], {"change": {"educ": "pairwise"}, "variables": "educ"}),
        (["--at", "educ", "2"], {"at": {"educ": [2]}, "variables": "age"}),
        (["--change", "age", "sd"], {"change": {"age": "sd"}, "variables": "age"}),
        (["--change", "age", "10"], {"change": {"age": 10.0}, "variables": "age"}),
    ):
        words = ["--variables", asked["variables"], *option]
        rows = ask(capsys, "margins", table, formula, *words)["rows"]
        expected = results.margins(**asked).summary_frame()
        assert [row["estimate"] for row in rows] == pytest.approx(expected["estimate"], rel=1e-9)


def test_tests_are_those_of_the_results(capsys, table):
    formula = "PID ~ age + educ"
    results = ml.mnlogit(formula, pd.read_csv(table)).fit()
    names = ["terms", "equality", "combine", "iia", "gof", "hauck-donner"]
    told = ask(capsys, "tests", table, formula, "--test", *names)["tests"]
    assert list(told) == names
    expected = {
        "terms": results.term_tests(),
        "equality": results.equality_tests(),
        "combine": results.combine_tests(),
        "iia": results.iia_tests().frame,
        "gof": results.gof_tests().frame,
        "hauck-donner": results.hauck_donner(),
    }
    for name, frame in expected.items():
        found = pd.DataFrame(told[name]["rows"])
        assert found["statistic"].tolist() == frame["statistic"].tolist()
        assert list(found.columns)[-len(frame.columns) :] == list(frame.columns)
    text = run(capsys, "tests", table, formula, "--test", "gof", "iia")[1]
    assert str(results.gof_tests()) in text
    assert str(results.iia_tests()) in text


@pytest.mark.parametrize("kind", ["wald", "lr", "score"])
def test_hypotheses_are_tested_in_words(capsys, table, kind):
    formula, said = "PID ~ age + educ", "Independent: age = Weak Democrat: age"
    results = ml.mnlogit(formula, pd.read_csv(table)).fit()
    words = ["--hypothesis", said, "--hypothesis", "educ", "--kind", kind]
    rows = ask(capsys, "tests", table, formula, *words)["tests"]["hypotheses"]["rows"]
    for row, hypothesis in zip(rows, [said, "educ"], strict=True):
        expected = getattr(results, f"{kind}_test")(hypothesis)
        assert row["hypothesis"] == hypothesis
        assert (row["statistic"], row["p_value"]) == (expected.statistic, expected.p_value)
        assert str(expected) in run(capsys, "tests", table, formula, *words)[1]


def test_constraints_are_tested(capsys, table):
    words = ["--constraint", "age = 0.01", "--test", "constraints"]
    rows = ask(capsys, "tests", table, FORMULA, *words)["tests"]["constraints"]["rows"]
    results = ml.mnlogit(FORMULA, pd.read_csv(table)).fit(constraints="age = 0.01")
    found = results.constraint_tests()
    assert [row["test"] for row in rows] == ["lr", "wald", "score"]
    assert [row["statistic"] for row in rows] == [
        one.statistic for one in (found.lr, found.wald, found.score)
    ]


def test_models_are_compared_and_the_nested_tested(capsys, table, fitted):
    frame = pd.read_csv(table)
    small = ml.mnlogit(SMALL, frame).fit()
    words = ["compare", table, FORMULA, SMALL, "vote ~ educ", "--name", "all"]
    words += ["--name", "age", "--name", "educ"]
    told = ask(capsys, *words)
    assert [model["name"] for model in told["models"]] == ["all", "age", "educ"]
    assert [model["aic"] for model in told["models"]][:2] == [fitted.aic, small.aic]
    one, two = told["tests"]
    expected = fitted.lr_test(small)
    assert (one["smaller"], one["larger"]) == ("age", "all")
    assert (one["statistic"], one["df"]) == (expected.statistic, expected.df)
    assert one["p_value"] == expected.p_value
    assert two["p_value"] is None
    assert "not nested" in two["reason"]
    for kind, sign in (("html", "<table"), ("latex", "tabular"), ("markdown", "| --- |")):
        status, out, _ = run(capsys, *words, "--format", kind, "--stars")
        assert status == 0
        assert sign in out
        assert "LR test of age within all" in out
        assert "not nested" in out


def test_saved_fits_are_compared(capsys, table, saved, tmp_path):
    other = ml.mnlogit(SMALL, pd.read_csv(table)).fit().save(tmp_path / "small.json")
    told = ask(capsys, "compare", other, saved)
    assert [model["name"] for model in told["models"]] == ["small", "fit"]
    assert "--data" in told["tests"][0]["reason"]
    for words, said in (
        (["compare", table, SMALL, saved], "saved fits"),
        (["compare", table], "needs formulas"),
        (["compare", saved, saved], "called"),
        (["compare", table, SMALL, "--name", "a", "--name", "b"], "1 models and 2 names"),
        (["compare", table, SMALL, "--data", table], "--data"),
    ):
        assert said in fail(capsys, *words)


def test_a_table_comes_through_standard_input(capsys, monkeypatch, table, anes, fitted, tmp_path):
    pipe(monkeypatch, table.read_bytes())
    told = ask(capsys, "fit", "-", FORMULA)
    assert told["llf"] == fitted.llf
    assert told["data"]["way"].startswith("Rows: standard input, 944 rows")
    path = tmp_path / "anes.dta"
    anes.to_stata(path, write_index=False, version=118)
    pipe(monkeypatch, path.read_bytes())
    told = ask(capsys, "fit", "-", FORMULA, "--input-format", "stata")
    assert told["llf"] == pytest.approx(fitted.llf, rel=1e-12)
    pipe(monkeypatch, b"age,educ\n20,3\n")
    _, out, _ = run(capsys, "predict", table, FORMULA, "--newdata", "-")
    new = fitted.predict(pd.DataFrame({"age": [20], "educ": [3]}))
    assert out == new.to_csv(index_label="row", lineterminator="\n")


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"", [], ["DataFileError", "standard input", "empty"]),
        (b"\x00\x01", [], ["standard input"]),
        (b"abc", ["--input-format", "stata"], ["CorruptFileError", "'standard input'"]),
    ],
)
def test_what_is_wrong_with_standard_input_is_told(capsys, monkeypatch, content, options, words):
    pipe(monkeypatch, content)
    err = fail(capsys, "fit", "-", "y ~ x", *options)
    assert all(word in err for word in words)
    assert "/tmp" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", "{table}"], "wants a formula"),
        (["fit", "{folder}/gone.json"], "no file"),
        (["fit", "{saved}", FORMULA], "leave yours"),
        (["fit", "{saved}", "--save", "{folder}/a.json"], "--save"),
        (["fit", "{table}", FORMULA, "--save", "{folder}/a.csv"], "named as csv"),
        (["fit", "{table}", FORMULA, "--save-rows"], "goes with --save"),
        (["fit", "{table}", FORMULA, "--save", "{folder}/a", "-o", "{folder}/a"], "twice"),
        (["fit", "{table}", FORMULA, "--save", "{table}"], "is read by this"),
        (["fit", "{table}", FORMULA, "--sheet", "a"], "--sheet"),
        (["fit", "{table}", FORMULA, "--input-format", "tsv"], "--input-format"),
        (["fit", "{table}", FORMULA, "--data", "{table}"], "--data gives rows to a saved fit"),
        (["fit", "{saved}", "--weights", "age"], "--weights"),
        (["fit", "{saved}", "--missing", "raise"], "--missing"),
        (["fit", "{saved}", "--stream", "no"], "--stream"),
        (["fit", "{saved}", "--constraint", "age = 0"], "--constraint"),
        (["fit", "{saved}", "--method", "bfgs"], "--method"),
        (["fit", "{saved}", "--cov-option", "groups=age"], "goes with --cov"),
        (["fit", "{saved}", "--base", "Perot"], "BaseCategoryError"),
        (["fit", "{table}", FORMULA, "-o", "{folder}/a.dta"], "named as stata"),
        (["fit", "{table}", FORMULA, "-o", "{folder}/a.csv"], "named as csv"),
        (["fit", "{table}", FORMULA, "-o", "{folder}/a.csv.gz"], "packed"),
        (["verify", "{table}", FORMULA, "-o", "{folder}/a.html"], "named as html"),
        (["tests", "{table}", FORMULA, "-o", "{folder}/a.tex"], "named as latex"),
        (["predict", "{table}", FORMULA, "-o", "{folder}/a.md"], "named as markdown"),
        (["demo", "-o", "{folder}/a.parquet"], "named as parquet"),
        (["predict", "{saved}", "--newdata", "{table}", "--alpha", "0.1"], "goes with --intervals"),
        (["predict", "{table}", FORMULA, "--intervals", "--which", "linear"], "--which"),
        (["predict", "-", FORMULA, "--newdata", "-"], "one table"),
        (["predict", "{saved}", "--newdata", "{table}", "-o", "{saved}"], "is read by this"),
        (["margins", "{table}", FORMULA, "--at", "educ"], "no value"),
        (["margins", "{table}", FORMULA, "--at", "educ", "x"], "takes numbers"),
        (["margins", "{table}", FORMULA, "--change", "age", "1", "2", "3"], "two values"),
        (["margins", "{table}", FORMULA, "--kind", "mean"], "average"),
        (["tests", "{table}", FORMULA, "--groups", "5"], "--groups is of gof"),
        (["tests", "{table}", FORMULA, "--test", "gof", "--type", "3"], "--type is of terms"),
        (["tests", "{table}", FORMULA, "--test", "gof", "iia", "--format", "csv"], "one table"),
        (["tests", "{table}", FORMULA, "--hypothesis", "age", "--kind", "x"], "wald, lr, score"),
        (["convert", "{table}", "{table}"], "is read by this"),
        (["convert", "{table}", "{folder}/a.html"], "csv, tsv"),
        (["convert", "{table}", "{folder}/a.csv.gz"], "packed"),
        (["convert", "{table}", "{folder}/a.csv", "--output-format", "stata"], "named as csv"),
        (["convert", "{table}", "-", "--format", "json"], "standard output"),
        (["convert", "{table}", "{folder}/a.tsv", "--exponentiate"], "saved fit"),
        (["convert", "{saved}", "{folder}/a.tsv", "--sheet", "a"], "--sheet"),
        (["convert", "{saved}", "{folder}/a.json"], "named as json"),
        (["convert", "{saved}", "{folder}/a.xyz"], "tells none"),
        (["convert", "{folder}/gone.csv", "{folder}/a.tsv"], "no file"),
    ],
)
def test_what_makes_no_sense_is_one_line(capsys, table, saved, tmp_path, words, said):
    filled = [word.format(table=table, saved=saved, folder=tmp_path) for word in words]
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert said in fail(capsys, *filled)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_tables_are_converted_and_what_is_lost_is_told(capsys, anes, table, tmp_path):
    pytest.importorskip("pyarrow")
    source, target = tmp_path / "anes.dta", tmp_path / "anes.parquet"
    anes.to_stata(source, write_index=False, version=118)
    assert run(capsys, "convert", source, target) == (0, "", "")
    found = pd.read_parquet(target)
    assert list(found["PID"].cat.categories) == list(anes["PID"].cat.categories)
    assert (found["PID"].astype(str) == anes["PID"].astype(str)).all()
    told = ask(capsys, "convert", target, tmp_path / "back.csv")
    assert told["rows"] == len(anes)
    assert "categories are read as texts: 'PID', 'vote'" in told["warnings"][0]["message"]
    status, out, _ = run(capsys, "convert", table, "-", "--output-format", "tsv")
    assert status == 0
    assert pd.read_csv(io.StringIO(out), sep="\t").equals(pd.read_csv(table))


def test_a_saved_fit_is_converted_into_its_tables(capsys, saved, fitted, tmp_path):
    for suffix, kind in (("html", "html"), ("tex", "latex"), ("md", "markdown"), ("txt", "text")):
        path = tmp_path / f"t.{suffix}"
        assert run(capsys, "convert", saved, path) == (0, "", "")
        expected = getattr(fitted.summary(), f"as_{kind}")()
        assert path.read_text(encoding="utf-8").rstrip("\n") == expected.rstrip("\n")
    path = tmp_path / "t.csv"
    assert run(capsys, "convert", saved, path, "--exponentiate", "--alpha", "0.1")[0] == 0
    found, expected = pd.read_csv(path), fitted.tidy(0.1, True)
    assert found["name"].tolist() == expected["name"].tolist()
    assert found["upper"].to_numpy() == pytest.approx(expected["upper"].to_numpy(), rel=1e-14)
    assert str(fitted.summary()) in run(capsys, "convert", saved, "-")[1]


def test_a_workbook_is_fitted_from_the_sheet_that_is_named(capsys, anes, tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "anes.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"note": ["read me"]}).to_excel(book, sheet_name="notes", index=False)
        anes[["vote", "age", "educ"]].to_excel(book, sheet_name="data", index=False)
    assert "several sheets" in fail(capsys, "fit", path, FORMULA)
    told = ask(capsys, "fit", path, FORMULA, "--sheet", "data")
    assert told["nobs"] == len(anes)


def test_a_saved_fit_is_seen_from_another_base(capsys, saved, fitted):
    told = ask(capsys, "fit", saved, "--base", "Dole")
    assert told["base"] == "Dole"
    estimates = [row["estimate"] for row in told["coefficients"]]
    assert estimates == fitted.rebase("Dole").tidy()["estimate"].tolist()


def test_a_fit_is_saved_as_it_is_fitted(capsys, table, fitted, tmp_path):
    path = tmp_path / "fit.json"
    assert run(capsys, "fit", table, FORMULA, "--save", path)[0] == 0
    assert ml.load(path).params.equals(fitted.params)
    assert run(capsys, "fit", table, "vote ~ nothing", "--save", tmp_path / "no.json")[0] == 2
    assert not (tmp_path / "no.json").exists()


def test_options_of_the_climb_reach_it(capsys, table):
    words = ["--maxiter", "1", "--method", "bfgs", "--tol", "1e-12"]
    told = ask(capsys, "fit", table, FORMULA, *words, status=1)
    assert "NotConvergedWarning" in {one["category"] for one in told["warnings"]}
    told = ask(capsys, "fit", table, "counts(age, educ) ~ PID", "--outcome", "counts")
    assert told["categories"] == ["age", "educ"]


@pytest.mark.parametrize("package", ["polars", "pyarrow"])
def test_every_command_takes_a_fit_whose_data_were_of_another_package(
    capsys, table, fitted, tmp_path, package
):
    """What is printed and written is what a fit of the same rows in pandas gives."""
    module = pytest.importorskip(package)
    frame = pd.read_csv(table)
    made = {"polars": lambda: module.from_pandas(frame)}
    data = made.get(package, lambda: module.Table.from_pandas(frame))()
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, rows in zip(folders, (frame, data), strict=True):
        folder.mkdir()
        for name, formula in (("fit", FORMULA), ("small", SMALL)):
            ml.mnlogit(formula, rows).fit().save(folder / f"{name}.json")
    asked = [
        *(("fit", "{fit}", "--format", form) for form in ("text", "json", "html")),
        ("verify", "{fit}", "--data", table, "--engines", "statsmodels"),
        *(("compare", "{small}", "{fit}", "--format", form) for form in ("text", "json")),
        *(("predict", "{fit}", "--data", table, "--format", form) for form in ("csv", "json")),
        ("predict", "{fit}", "--data", table, "--which", "category"),
        ("predict", "{fit}", "--newdata", table, "--intervals"),
        ("predict", "{fit}", "--data", table, "--intervals"),
        ("predict", "{fit}", "--data", table, "-o", "{folder}/p.parquet"),
        ("margins", "{fit}", "--data", table),
        ("margins", "{fit}", "--data", table, "--alpha", "0.1"),
        ("margins", "{fit}", "--newdata", table, "--format", "json"),
        ("tests", "{fit}", "--data", table, "--test", "terms", "combine", "gof", "iia"),
        ("tests", "{fit}", "--hypothesis", "age", "--kind", "wald", "--format", "csv"),
        ("convert", "{fit}", "-", "--output-format", "csv"),
        ("convert", "{fit}", "{folder}/c.parquet"),
    ]
    for words in asked:
        told = []
        for folder in folders:
            saved = {"fit": folder / "fit.json", "small": folder / "small.json", "folder": folder}
            status, out, err = run(capsys, *(str(word).format(**saved) for word in words))
            assert (status, err) == (0, ""), words
            told.append(out.replace(str(folder), ""))
        assert told[0] == told[1], words
    for name in ("p", "c"):
        one, two = (pd.read_parquet(folder / f"{name}.parquet") for folder in folders)
        pd.testing.assert_frame_equal(one, two)
    assert set(COMMANDS) - {words[0] for words in asked} == {"demo", "report"}
    report = ["report", folders[1] / "fit.json", "--data", table, "--sections", "coefficients"]
    assert run(capsys, *report)[0] == 0


def test_infinite_estimates_keep_their_signs(capsys, tmp_path):
    """In the limit a probability is one: the intercept goes to -inf and the slope to +inf."""
    path = tmp_path / "separated.csv"
    pd.DataFrame({"y": list("aaabbb"), "x": range(6)}).to_csv(path, index=False)
    told = ask(capsys, "fit", path, "y ~ x", status=1)
    assert [row["estimate"] for row in told["coefficients"]] == ["-Infinity", "Infinity"]
    assert {row["p_value"] for row in told["coefficients"]} == {None}


def test_text_of_other_separators_is_read_if_it_is_said(
    capsys, monkeypatch, table, fitted, tmp_path
):
    frame, path = pd.read_csv(table), tmp_path / "german.csv"
    frame.to_csv(path, sep=";", decimal=",", index=False)
    err = fail(capsys, "fit", path, FORMULA)
    assert "a semicolon separates" in err
    assert "On the command line: --separator semicolon, maybe with --decimal comma." in err
    words = ["fit", path, "vote ~ logpopul", "--separator", "semicolon"]
    err = fail(capsys, *words)
    assert "'popul' of" in err
    assert "On the command line: --decimal comma, or --decimal point." in err
    told = ask(capsys, *words, "--decimal", "comma")
    assert told["llf"] == ml.mnlogit("vote ~ logpopul", frame).fit().llf
    pipe(monkeypatch, path.read_bytes())
    again = ask(capsys, "fit", "-", *words[2:], "--decimal", "comma")
    assert again["llf"] == told["llf"]
    parquet = tmp_path / "a.dta"
    frame[["age"]].to_stata(parquet, write_index=False)
    assert "--decimal is for" in fail(capsys, "fit", parquet, FORMULA, "--decimal", "comma")


def test_limits_are_raised_if_that_is_asked(capsys, monkeypatch, table, tmp_path):
    err = fail(capsys, "fit", table, FORMULA, "--memory", "10kB")
    assert "SizeLimitError" in err
    assert err.endswith("On the command line: --memory SIZE.\n")
    assert run(capsys, "fit", table, FORMULA, "--memory", "1GB")[0] == 0
    pipe(monkeypatch, table.read_bytes())
    assert "SizeLimitError" in fail(capsys, "fit", "-", FORMULA, "--memory", "10kB")
    stata = tmp_path / "a.dta"
    pd.read_csv(table)[["age"]].to_stata(stata, write_index=False)
    pipe(monkeypatch, stata.read_bytes())
    words = ["fit", "-", FORMULA, "--memory", "1kB", "--input-format", "stata"]
    assert "comes through the pipe needs" in fail(capsys, *words)
    for size in ("0", "-1", "many", "1.2.3GB", "5 XB"):
        assert "such as 500MB" in fail(capsys, "fit", table, FORMULA, f"--memory={size}")


def test_many_categories_are_fitted_if_they_are_meant(capsys, tmp_path, monkeypatch):
    from mlelogit.data import limits

    monkeypatch.setattr(limits, "MANY_CATEGORIES", 3)
    path = tmp_path / "a.csv"
    rng = np.random.default_rng(0)
    pd.DataFrame({"y": list("abcdeabcd"), "x": rng.normal(size=9)}).to_csv(path, index=False)
    assert "--many-categories" in fail(capsys, "fit", path, "y ~ x")
    assert run(capsys, "fit", path, "y ~ x", "--many-categories")[0] in (0, 1)


def test_a_fit_and_its_table_are_both_written_or_none(capsys, table, tmp_path, monkeypatch):
    from mlelogit.data.files import paths as files

    saved, target = tmp_path / "fit.json", tmp_path / "t.txt"
    words = ["fit", table, FORMULA, "--save", saved, "-o", target]

    put = files._put_in_place

    def fail_late(parts, path):
        if path == target:
            raise OSError("no space")
        put(parts, path)

    monkeypatch.setattr(files, "_put_in_place", fail_late)
    before = sorted(tmp_path.iterdir())
    assert "no space" in fail(capsys, *words)
    assert sorted(tmp_path.iterdir()) == before
    monkeypatch.undo()
    assert run(capsys, *words) == (0, "", "")
    assert f"{ml.load(saved).summary()}\n" == target.read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", ["docx", "pdf", "xls"])
def test_a_text_is_not_written_into_a_file_of_another_program(capsys, table, tmp_path, suffix):
    path = tmp_path / f"m.{suffix}"
    err = fail(capsys, "margins", table, FORMULA, "-o", path)
    assert "another program" in err
    assert ("as_docx" in err) == (suffix == "docx")
    assert not path.exists()


def test_remedies_are_told_as_they_are_typed(capsys, monkeypatch, saved, tmp_path):
    pipe(monkeypatch, b"<stata_dta>" + bytes(40))
    assert "On the command line: --input-format FORMAT." in fail(capsys, "fit", "-", FORMULA)
    assert "--data TABLE, or --newdata TABLE." in fail(capsys, "margins", saved)
    path = tmp_path / "rows.csv"
    path.write_text("y,x\na,1\na,2\nb,3\nb,4\n")
    assert "--bias-reduction mean." in run(capsys, "fit", path, "y ~ x")[2]
    assert "--weight-type TYPE." in fail(capsys, "fit", path, "y ~ 1", "--weights", "x")
    path = tmp_path / "rows.json"
    path.write_text('[{"vote": 1, "age": 2}]')
    assert "is no csv but JSON" in fail(capsys, "fit", path, FORMULA)


@pytest.mark.parametrize("suffix", ["json", "tex", "md"])
def test_a_page_is_not_named_as_another(capsys, table, tmp_path, suffix):
    words = ["fit", table, FORMULA, "--format", "html", "-o", tmp_path / f"a.{suffix}"]
    assert "is named as" in fail(capsys, *words)


def test_levels_that_are_numbers_are_matched_by_all_their_digits(capsys, tmp_path):
    path, rng = tmp_path / "a.csv", np.random.default_rng(0)
    days = [20240101.0, 20240102.0, 20240102.5]
    frame = pd.DataFrame({"k": np.tile(days, 40), "y": rng.choice(list("ab"), 120)})
    frame.to_csv(path, index=False)
    expected = ml.mnlogit("y ~ C(k)", frame).fit().margins("k", effect="level", at={"k": days[:1]})
    words = ["margins", path, "y ~ C(k)", "--variables", "k", "--effect", "level", "--at", "k"]
    rows = ask(capsys, *words, "20240101")["rows"]
    found = [row["estimate"] for row in rows]
    assert found == pytest.approx(expected.summary_frame()["estimate"].tolist(), rel=1e-12)
    assert "UnseenLevelError" in fail(capsys, *words, "2.024e7")


def test_infinities_are_converted_without_a_word_of_numpy(capsys, tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("x,y\ninf,1\n-inf,2\n1.5,3\n")
    assert run(capsys, "convert", source, tmp_path / "b.tsv") == (0, "", "")


def test_predictions_in_pieces_that_fail_leave_no_file(capsys, monkeypatch, table, tmp_path):
    """On standard output, which is gone through as they are made, some may have appeared."""
    from mlelogit.exceptions import MissingDataError
    from mlelogit.terminal import predicting

    def predict(*_):
        yield pd.DataFrame({"a": [0.25], "b": [0.75]})
        raise MissingDataError("The next piece has gaps.")

    monkeypatch.setattr(predicting, "predict_table", predict)
    path = tmp_path / "p.csv"
    assert "gaps" in fail(capsys, "predict", table, FORMULA, "-o", path)
    assert not path.exists()
    status, out, err = run(capsys, "predict", table, FORMULA)
    assert (status, out) == (2, "row,a,b\n0,0.25,0.75\n")
    assert "gaps" in err


def test_labels_of_rows_are_called_otherwise_if_a_category_is_called_row(capsys, tmp_path):
    path = tmp_path / "rows.csv"
    pd.DataFrame({"y": ["row", "no"] * 20, "x": np.arange(40) % 7}).to_csv(path, index=False)
    status, out, _ = run(capsys, "predict", path, "y ~ x")
    assert (status, out.splitlines()[0]) == (0, "row_,no,row")

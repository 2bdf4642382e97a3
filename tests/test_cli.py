"""The command line: what it prints, where, and with which status."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.cli import main
from mlelogit.exceptions import FewClustersWarning
from mlelogit.terminal import sources

FORMULA = "vote ~ age + educ"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "anes.csv"
    anes = ml.datasets.load_anes96()
    anes.assign(w=1 + np.arange(len(anes)) % 3).to_csv(path, index=False)
    return path


@pytest.fixture
def fitted(table):
    return ml.mnlogit(FORMULA, pd.read_csv(table)).fit()


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_demo_prints_the_table_and_the_verdict(capsys):
    status, out, err = run(capsys, "demo")
    assert status == 0
    assert err == ""
    assert "-1461.9227" in out
    assert "Verdict: all agree." in out
    assert out.count("agrees") >= 4


def test_module_and_command_are_the_same_program():
    done = subprocess.run(
        [sys.executable, "-m", "mlelogit", "demo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "-1461.9227" in done.stdout


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        ("text", "No. Observations:"),
        ("html", "<table"),
        ("latex", r"\begin{tabular}"),
        ("markdown", "| --- |"),
    ],
)
def test_fit_writes_every_format(capsys, table, fitted, kind, sign):
    status, out, _ = run(capsys, "fit", table, FORMULA, "--format", kind)
    assert status == 0
    assert sign in out
    assert f"{fitted.params.loc['age', 'Dole']:.4f}" in out


def test_fit_json_holds_the_estimates(capsys, table, fitted):
    _, out, _ = run(capsys, "fit", table, FORMULA, "--format", "json")
    told = json.loads(out)
    assert told["llf"] == fitted.llf
    assert told["converged"] is True
    estimates = [row["estimate"] for row in told["coefficients"]]
    assert estimates == fitted.tidy()["estimate"].tolist()


def test_options_reach_the_model(capsys, table):
    options = ["--base", "Dole", "--weights", "w", "--weight-type", "sampling", "--cov", "HC1"]
    _, out, _ = run(capsys, "fit", table, FORMULA, *options, "--format", "json")
    told = json.loads(out)
    frame = pd.read_csv(table)
    model = ml.mnlogit(FORMULA, frame, base="Dole", weights="w", weight_type="sampling")
    expected = model.fit(cov_type="HC1")
    assert told["base"] == "Dole"
    assert told["covariance"] == "HC1"
    assert told["aic"] is None
    assert [row["std_err"] for row in told["coefficients"]] == expected.tidy()["std_err"].tolist()


def test_options_of_a_covariance_reach_it(capsys, table):
    options = ["--cov", "cluster", "--cov-option", "correction=CR2"]
    options += ["--cov-option", "groups=age", "--format", "json"]
    _, out, _ = run(capsys, "fit", table, FORMULA, *options)
    told = json.loads(out)
    model = ml.mnlogit(FORMULA, pd.read_csv(table))
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": "age", "correction": "CR2"})
    assert [row["std_err"] for row in told["coefficients"]] == expected.tidy()["std_err"].tolist()
    assert told["covariance_note"] == expected.covariance.describe()
    several = ["--cov", "cluster", "--cov-option", "groups=age", "--cov-option", "groups=educ"]
    _, out, _ = run(capsys, "fit", table, FORMULA, *several, "--format", "json")
    with pytest.warns(FewClustersWarning):
        expected = model.fit(cov_type="cluster", cov_kwds={"groups": ["age", "educ"]})
    found = [row["std_err"] for row in json.loads(out)["coefficients"]]
    assert found == expected.tidy()["std_err"].tolist()
    lags = ["--cov", "HAC", "--cov-option", "time=age", "--cov-option", "maxlags=2"]
    _, out, _ = run(capsys, "fit", table, FORMULA, *lags, "--format", "json")
    assert "to lag 2" in json.loads(out)["covariance_note"]


def test_integer_base_is_read_from_its_text(capsys, tmp_path):
    path = tmp_path / "d.csv"
    ml.datasets.load_anes96(labels=False).to_csv(path, index=False)
    status, out, _ = run(capsys, "fit", path, "PID ~ age", "--base", "3", "--format", "json")
    assert status == 0
    assert json.loads(out)["base"] == 3


def test_verify_says_all_agree(capsys, table):
    status, out, _ = run(capsys, "verify", table, FORMULA, "--format", "json")
    told = json.loads(out)
    assert status == 0
    assert told["agrees"] is True
    assert len(told["engines"]) == 5


def test_predict_writes_probabilities_of_new_rows(capsys, table, fitted, tmp_path):
    new = tmp_path / "new.csv"
    pd.DataFrame({"educ": [1, 7], "age": [20, 80]}).to_csv(new, index=False)
    target = tmp_path / "out.csv"
    status, out, _ = run(capsys, "predict", table, FORMULA, "--newdata", new, "-o", target)
    assert (status, out) == (0, "")
    told = pd.read_csv(target, index_col=0)
    expected = fitted.predict(pd.read_csv(new))
    assert np.abs(told.to_numpy() - expected.to_numpy()).max() < 1e-12
    assert list(told.columns) == ["Clinton", "Dole"]


def test_parquet_is_read(capsys, table, tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "anes.parquet"
    pd.read_csv(table).to_parquet(path)
    _, from_csv, _ = run(capsys, "fit", table, FORMULA)
    _, from_parquet, _ = run(capsys, "fit", path, FORMULA)
    assert from_csv == from_parquet


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "absent.csv", FORMULA], ["DataFileError", "absent.csv"]),
        (["fit", "{table}", "vote ~ nothing"], ["ColumnNotFoundError", "nothing"]),
        (["fit", "{table}", FORMULA, "--base", "Perot"], ["BaseCategoryError", "Perot", "Dole"]),
        (["fit", "{table}", FORMULA, "--weights", "w"], ["WeightTypeError", "importance"]),
        (["fit", "{table}", FORMULA, "--cov", "HC7"], ["OptionError", "HC7", "HC1"]),
        (["fit", "{table}", FORMULA, "--equation", "age"], ["OptionError", "no category"]),
        (["fit", "{table}", FORMULA, "--cov-option", "groups"], ["OptionError", "NAME=VALUE"]),
        (
            ["fit", "{table}", FORMULA, "--cov", "cluster", "--cov-option", "groups=gone"],
            ["ColumnNotFoundError", "gone"],
        ),
        (["fit", "{table}", FORMULA, "--method", "magic"], ["OptionError", "trust-exact"]),
        (["fit", "{table}", "vote ~ __import__('os').system('true')"], ["FormulaError"]),
        (["fit", "{table}", "vote ~ exec('1')"], ["UnsafeFormulaError", "exec"]),
        (["verify", "{table}", FORMULA, "--engines", "abacus"], ["OptionError", "abacus"]),
        (
            ["fit", "{table}", FORMULA, "-o", "/nowhere/at/all.txt"],
            ["OutputFileError", "/nowhere/at"],
        ),
    ],
)
def test_errors_are_one_line_with_status_two(capsys, table, arguments, words):
    filled = [argument.format(table=table) for argument in arguments]
    status, out, err = run(capsys, *filled)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for word in words:
        assert word in err


@pytest.mark.parametrize("content", ["", "a,b\n1\n2,3,4\n", "\x00\x01\x02"])
def test_broken_files_are_named(capsys, tmp_path, content):
    path = tmp_path / "broken.csv"
    path.write_text(content)
    status, _, err = run(capsys, "fit", path, FORMULA)
    assert status == 2
    assert err.startswith("mlelogit: ")
    assert err.count("\n") == 1


def test_unknown_option_and_no_command_exit_with_two(capsys, table):
    for arguments in (["fit", str(table), FORMULA, "--wieghts", "w"], []):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    capsys.readouterr()


def test_warnings_go_to_standard_error_and_not_into_the_table(capsys, tmp_path):
    path = tmp_path / "separated.csv"
    pd.DataFrame({"y": list("aaabbb"), "x": range(6)}).to_csv(path, index=False)
    status, out, err = run(capsys, "fit", path, "y ~ x")
    assert status == 1
    assert "SeparationWarning" in err
    assert "NOT CONVERGED" in out


def test_bias_reduction_and_collinear_columns_are_options(capsys, tmp_path):
    path = tmp_path / "separated.csv"
    frame = pd.DataFrame({"y": list("aaabbb"), "x": range(6), "twice": range(0, 12, 2)})
    frame.to_csv(path, index=False)
    formula = "y ~ x + twice"
    status, out, err = run(capsys, "fit", path, formula, "--bias-reduction", "mean")
    assert status == 0
    assert "CollinearityWarning" in err
    assert "Bias reduction: mean" in out
    assert out.count("(omitted)") == 1
    status, _, err = run(capsys, "fit", path, formula, "--collinear", "raise")
    assert status == 2
    assert "RankDeficiencyError" in err
    assert "twice = 2 x" in err


def test_a_failed_command_leaves_no_file(capsys, table, tmp_path):
    target = tmp_path / "out.txt"
    run(capsys, "fit", table, "vote ~ nothing", "-o", target)
    assert not target.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anes.csv"]


def test_interruption_exits_with_130(capsys, table, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mlelogit.terminal.inputs.read_data", interrupt)
    status, _, err = run(capsys, "fit", table, FORMULA)
    assert status == 130
    assert "interrupted" in err


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("y,x,x\na,1,2\nb,2,1\n", "DuplicateColumnError"),
        ("x,g,y\n1,0.5,2.1,a\n2,0.7,1.1,b\n", "DataFileError"),
    ],
)
def test_a_csv_whose_header_does_not_fit_is_no_data(capsys, tmp_path, content, word):
    path = tmp_path / "odd.csv"
    path.write_text(content)
    status, out, err = run(capsys, "fit", path, "y ~ x")
    assert (status, out) == (2, "")
    assert word in err
    assert err.count("\n") == 1


def test_entries_that_look_missing_can_be_labels(capsys, tmp_path):
    path = tmp_path / "none.csv"
    rows = "".join(f"{label},{i % 5}\n" for i, label in enumerate(["None", "some", "NA"] * 20))
    path.write_text(f"y,x\n{rows}")
    status, out, _ = run(capsys, "fit", path, "y ~ x", "--na", "NA", "--missing", "drop")
    assert status == 0
    assert "Base category:" in out
    assert "None" in out
    assert run(capsys, "fit", path, "y ~ x")[0] == 2


def test_usage_errors_are_one_line(capsys, table):
    for wrong in (["--format", "xml"], ["--alpha", "abc"]):
        with pytest.raises(SystemExit) as stopped:
            main(["fit", str(table), FORMULA, *wrong])
        assert stopped.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_constraints_are_options(capsys, table):
    said = ("--constraint", "Dole: age = 0.01", "--constraint", "educ >= 0", "--format", "json")
    status, out, _ = run(capsys, "fit", table, FORMULA, *said)
    found = json.loads(out)
    truth = ml.mnlogit(FORMULA, pd.read_csv(table)).fit(
        constraints=["Dole: age = 0.01", "educ >= 0"]
    )
    assert status == 0
    assert found["llf"] == pytest.approx(truth.llf, rel=1e-12)
    assert [row["constraint"] for row in found["constraints"]] == [
        "Dole: age = 0.01",
        "Dole: educ >= 0",
    ]
    assert found["coefficients"][1]["z"] is None
    two = ("Weak Democrat", "Strong Republican")
    status, out, _ = run(capsys, "fit", table, "PID ~ age + educ", "--equation", "age", *two)
    assert status == 0
    assert out.count("(fixed)") == 4
    status, _, err = run(capsys, "fit", table, FORMULA, "--equation", "age", "Clinton")
    assert status == 2
    assert err.startswith("mlelogit: ConstraintError: equations: 'age'")


def test_report_writes_the_page_with_where_it_came_from(capsys, table, tmp_path):
    path = tmp_path / "fit.html"
    asked = ["--sections", "coefficients", "reproduction", "--title", "Votes"]
    status, out, err = run(capsys, "report", table, FORMULA, "--base", "Dole", *asked, "-o", path)
    assert (status, out, err) == (0, "", "")
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>Votes</h1>" in page
    assert hashlib.sha256(table.read_bytes()).hexdigest() in page
    assert f"mlelogit report {table} &#x27;{FORMULA}&#x27; --base Dole" in page
    assert "base=&#x27;Dole&#x27;" in page


def test_report_goes_to_standard_output_without_a_file(capsys, table):
    status, out, _ = run(capsys, "report", table, FORMULA, "--sections", "overview")
    assert status == 0
    assert out.endswith("</html>\n")
    assert not out.endswith("\n\n")


def test_the_hash_is_that_of_the_data_that_were_fitted(capsys, table, tmp_path, monkeypatch):
    """A file that is written anew while the page is made is not the one that it is about."""
    before, path = table.read_bytes(), tmp_path / "fit.html"
    fit = sources.fit_table

    def fit_and_change(*given):
        results = fit(*given)
        table.write_bytes(before + b"\n")
        return results

    monkeypatch.setattr(sources, "fit_table", fit_and_change)
    status, *_ = run(capsys, "report", table, FORMULA, "--sections", "reproduction", "-o", path)
    page = path.read_text(encoding="utf-8")
    assert status == 0
    assert hashlib.sha256(before).hexdigest() in page
    assert f"{len(before):,} bytes" in page


@pytest.mark.parametrize("command", ["report", "fit", "predict"])
def test_data_are_not_written_over(capsys, table, tmp_path, command):
    before, link = table.read_bytes(), tmp_path / "link.csv"
    link.symlink_to(table)
    for output in (table, link):
        status, _, err = run(capsys, command, table, FORMULA, "-o", output)
        assert status == 2
        assert "OutputFileError" in err
        assert "is read by this" in err
    assert table.read_bytes() == before
    other = tmp_path / "new.csv"
    other.write_bytes(before)
    status, _, err = run(capsys, "predict", table, FORMULA, "--newdata", other, "-o", other)
    assert (status, other.read_bytes()) == (2, before)


def test_report_refuses_a_folder_and_keeps_what_was_there(capsys, table, tmp_path):
    status, _, err = run(capsys, "report", table, FORMULA, "-o", tmp_path)
    assert status == 2
    assert "OutputFileError" in err
    path = tmp_path / "fit.html"
    path.write_text("old")
    status, _, err = run(capsys, "report", table, FORMULA, "--sections", "magic", "-o", path)
    assert status == 2
    assert "OptionError" in err
    assert path.read_text() == "old"

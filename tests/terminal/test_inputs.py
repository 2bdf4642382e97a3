"""The command line on parquet files and queries: which way it takes, and what can go wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.cli import main
from mlelogit.data.streaming.sources import parquet

pytest.importorskip("pyarrow")
FORMULA = "vote ~ age + educ"
ROWS = 944


@pytest.fixture
def anes():
    frame = ml.datasets.load_anes96()
    return frame.assign(w=1 + np.arange(ROWS) % 3, shift=np.linspace(-1, 1, ROWS))


@pytest.fixture
def rows(anes, tmp_path):
    """A folder of three files, ten row groups in all."""
    folder = tmp_path / "rows"
    folder.mkdir()
    for number, (start, stop) in enumerate([(0, 300), (300, 310), (310, ROWS)]):
        part = anes.iloc[start:stop].reset_index(drop=True)
        part.to_parquet(folder / f"{number}.parquet", row_group_size=100, index=False)
    return folder


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def fit(capsys, *arguments):
    status, out, err = run(capsys, "fit", *arguments, "--format", "json")
    assert status == 0, err
    return json.loads(out), err


def list_estimates(told):
    return np.array([[row["estimate"], row["std_err"]] for row in told["coefficients"]])


WAYS = {
    "memory": (["--stream", "no", "--compress", "no"], "read into memory."),
    "counted in memory": (["--stream", "no", "--compress", "yes"], "different ones, counted."),
    "counted": (["--stream", "yes", "--compress", "yes"], "different ones, counted."),
    "pieces": (["--stream", "yes", "--compress", "no"], "read in pieces, 2 passes."),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", ["pattern", "folder", "query"])
def test_every_way_gives_the_same_fit_and_says_which_it_was(capsys, rows, anes, source, way):
    options, words = WAYS[way]
    if source == "query":
        pytest.importorskip("duckdb")
    data = {
        "pattern": rows / "*.parquet",
        "folder": rows,
        "query": f"SELECT * FROM '{rows}/*.parquet'",
    }[source]
    told, err = fit(capsys, data, FORMULA, *options, "--threads", "2")
    expected = ml.mnlogit(FORMULA, anes).fit()
    found, truth = list_estimates(told), expected.tidy()[["estimate", "std_err"]].to_numpy()
    assert np.abs(found / truth - 1).max() < 1e-9
    assert err == f"mlelogit: {told['data']['way']}\n"
    where = "DuckDB, 944 rows; " if source == "query" else "3 parquet files, 11 row groups, 944"
    assert told["data"]["way"].startswith(f"Rows: {where}")
    assert told["data"]["way"].endswith(words)
    assert (told["data"]["rows"], told["data"]["rows_used"]) == (ROWS, ROWS)
    distinct = told["data"]["rows_distinct"]
    if "counted" in way:
        assert distinct == len(anes[["age", "educ"]].drop_duplicates())
        assert f"{distinct:,} different ones" in err
    else:
        assert distinct is None


def test_a_small_table_is_read_into_memory_unasked(capsys, rows):
    told, _ = fit(capsys, rows, FORMULA)
    assert told["data"]["way"].endswith("944 rows; read into memory.")


def test_a_csv_says_nothing_unless_its_equal_rows_were_counted(capsys, anes, tmp_path):
    path = tmp_path / "anes.csv"
    anes.to_csv(path, index=False)
    told, err = fit(capsys, path, FORMULA)
    assert err == ""
    assert told["data"]["way"] == "Rows: 1 csv file, 944 rows; read into memory."
    _, err = fit(capsys, path, FORMULA, "--compress", "yes")
    assert "different ones, counted." in err


def read(path):
    return pd.read_csv(path, index_col=0)


@pytest.mark.parametrize("compress", ["yes", "no"])
@pytest.mark.parametrize("which", ["prob", "linear", "category"])
def test_own_rows_are_predicted_piece_by_piece(capsys, rows, anes, tmp_path, which, compress):
    """With rows left out, whose places stay empty."""
    frame = anes.assign(educ=anes["educ"].where(np.arange(ROWS) % 7 > 0))
    (rows / "1.parquet").unlink()
    frame[300:310].to_parquet(rows / "1.parquet", index=False)
    options = ["--missing", "drop", "--offset", "shift", "--which", which]
    streamed = [*options, "--stream", "yes", "--compress", compress, "-o", tmp_path / "p.csv"]
    assert run(capsys, "predict", rows, FORMULA, *streamed)[:2] == (0, "")
    held = [*options, "--stream", "no", "--compress", "no", "-o", tmp_path / "q.csv"]
    assert run(capsys, "predict", rows, FORMULA, *held)[0] == 0
    found, expected = read(tmp_path / "p.csv"), read(tmp_path / "q.csv")
    assert list(found.index) == list(expected.index)
    assert len(found) == ROWS - frame["educ"][300:310].isna().sum()
    if which == "category":
        assert found.equals(expected)
    else:
        assert list(found.columns) == ["Clinton", "Dole"]
        assert np.abs(found.to_numpy() - expected.to_numpy()).max() < 1e-9


@pytest.mark.parametrize("few", [True, False])
def test_new_rows_may_be_parquet_and_need_not_fit(capsys, rows, anes, tmp_path, monkeypatch, few):
    if not few:
        monkeypatch.setattr("mlelogit.terminal.inputs.HELD_ELEMENTS", 10)
    path = tmp_path / "anes.csv"
    anes.to_csv(path, index=False)
    options = ["--offset", "shift", "--newdata", rows / "*.parquet"]
    status, out, err = run(capsys, "predict", path, FORMULA, *options)
    assert (status, err) == (0, "")
    (tmp_path / "p.csv").write_text(out)
    model = ml.mnlogit(FORMULA, pd.read_csv(path), offset=["shift"])
    expected = model.fit().predict(anes, offset=anes[["shift"]])
    found = read(tmp_path / "p.csv")
    assert np.abs(found.to_numpy() - expected.to_numpy()).max() < 1e-12
    assert list(found.index) == list(range(ROWS))
    status, out, err = run(capsys, "predict", path, FORMULA, *options, "--format", "json")
    if few:
        assert np.array(json.loads(out)["predictions"]["data"]).shape == (ROWS, 2)
    else:
        assert status == 2
        assert "OptionError: json holds all predictions" in err
        assert "-o FILE.csv" in err
    written = tmp_path / "p.parquet"
    assert run(capsys, "predict", path, FORMULA, *options, "-o", written)[0] == 0
    assert np.abs(read_parquet(written) - expected.to_numpy()).max() < 1e-12
    options[1] = "gone"
    status, _, err = run(capsys, "predict", path, FORMULA, *options)
    assert status == 2


def read_parquet(path):
    frame = pd.read_parquet(path)
    assert frame["row"].tolist() == list(range(len(frame)))
    return frame.drop(columns="row").to_numpy()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("few", [True, False])
def test_new_rows_with_gaps_have_empty_predictions(
    capsys, rows, anes, tmp_path, monkeypatch, few, suffix
):
    if not few:
        monkeypatch.setattr("mlelogit.terminal.inputs.HELD_ELEMENTS", 10)
    path, written = tmp_path / "anes.csv", tmp_path / f"p.{suffix}"
    anes.to_csv(path, index=False)
    gaps = np.arange(ROWS) % 7 == 0
    new = anes.assign(educ=anes["educ"].mask(gaps))
    for place, start in enumerate(range(0, ROWS, 300)):
        new[start : start + 300].to_parquet(tmp_path / f"new{place}.parquet", index=False)
    options = ["--offset", "shift", "--newdata", tmp_path / "new*.parquet", "-o", written]
    status, _, err = run(capsys, "predict", path, FORMULA, *options)
    assert status == 2
    assert "On the command line: --propagate" in err
    assert ("Other rows may have more" in err) == (not few)
    assert run(capsys, "predict", path, FORMULA, *options, "--propagate")[0] == 0
    found = read(written).to_numpy() if suffix == "csv" else read_parquet(written)
    assert (np.isnan(found).all(axis=1) == gaps).all()
    model = ml.mnlogit(FORMULA, pd.read_csv(path), offset=["shift"])
    expected = model.fit().predict(anes[~gaps], offset=anes.loc[~gaps, ["shift"]])
    assert np.abs(found[~gaps] - expected.to_numpy()).max() < 1e-12
    for wrong in (["--propagate"], [*options[2:], "--propagate", "--intervals"]):
        status, _, err = run(capsys, "predict", path, FORMULA, *options[:2], *wrong)
        assert (status, "--propagate goes with --newdata" in err) == (2, True)


def test_a_column_of_the_offset_that_new_rows_lack_is_named(capsys, rows, anes, tmp_path):
    anes.drop(columns="shift").to_parquet(tmp_path / "new.parquet")
    options = ["--offset", "shift", "--newdata", tmp_path / "new.parquet"]
    status, _, err = run(capsys, "predict", rows, FORMULA, *options)
    assert status == 2
    assert "ColumnNotFoundError" in err
    assert "no offset column 'shift'" in err


def break_end(path):
    path.write_bytes(path.read_bytes()[:-100])


def break_middle(path):
    content = bytearray(path.read_bytes())
    content[200:2000] = bytes(1800)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("hurt", "words"), [(break_end, []), (break_middle, ["row group"])], ids=["end", "middle"]
)
@pytest.mark.parametrize("stream", ["yes", "no"])
def test_a_damaged_file_is_named_and_nothing_is_written(
    capsys, rows, tmp_path, hurt, words, stream
):
    hurt(rows / "2.parquet")
    target = tmp_path / "out.csv"
    status, out, err = run(
        capsys, "predict", rows, FORMULA, "--stream", stream, "--compress", "no", "-o", target
    )
    assert (status, out) == (2, "")
    assert err.startswith("mlelogit: CorruptFileError: ")
    assert err.count("\n") == 1
    for word in ["2.parquet", *words]:
        assert word in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows"]


def test_files_that_are_not_one_table_are_named(capsys, rows, anes):
    anes.assign(age="old").to_parquet(rows / "2.parquet")
    status, _, err = run(capsys, "fit", rows, FORMULA)
    assert status == 2
    assert "'age'" in err
    assert "2.parquet" in err
    anes.drop(columns="age").to_parquet(rows / "2.parquet")
    status, _, err = run(capsys, "fit", rows, FORMULA, "--stream", "yes")
    assert status == 2
    assert "'age'" in err
    assert "2.parquet" in err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{folder}/gone/*.parquet", ["DataFileError", "No file matches"]),
        ("{folder}/gone.parquet", ["DataFileError", "There is no file"]),
        ("{folder}/*.csv", ["DataFileError", "FROM"]),
        ("SELECT * FROM nowhere", ["QueryError", "nowhere"]),
        ("SELECT 1; SELECT 2", ["QueryError", "one query"]),
        ("SELECT * FROM '{folder}/gone.parquet'", ["QueryError", "gone.parquet"]),
        ("FROM (SELEC 1)", ["QueryError"]),
        ("SELECT 'y' AS vote, 1 AS age " + "-- long" * 2000, ["ColumnNotFoundError", "educ"]),
    ],
)
def test_what_is_no_data_is_one_line(capsys, tmp_path, data, words):
    if "QueryError" in words or data.startswith("SELECT"):
        pytest.importorskip("duckdb")
    given = data.format(folder=tmp_path)
    for command in (["fit"], ["report", "-o", tmp_path / "page.html"]):
        status, out, err = run(capsys, command[0], given, FORMULA, *command[1:])
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        for word in words:
            assert word in err
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_query_whatever_its_name(capsys, anes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    anes.to_csv("select * from x.csv", index=False)
    told, _ = fit(capsys, "select * from x.csv", FORMULA)
    assert told["nobs"] == ROWS


def test_options_that_do_not_go_with_the_data_are_refused(capsys, rows, anes, tmp_path):
    path = tmp_path / "anes.csv"
    anes.to_csv(path, index=False)
    status, _, err = run(capsys, "fit", path, FORMULA, "--stream", "yes")
    assert status == 2
    assert f"FROM '{path}'" in err
    status, _, err = run(capsys, "fit", rows, FORMULA, "--na", "x")
    assert status == 2
    assert "--na is for a csv" in err
    status, _, err = run(capsys, "fit", rows, FORMULA, "--threads", "0")
    assert status == 2
    assert "threads must be a positive whole number" in err


def test_files_of_a_pattern_are_not_written_over(capsys, rows):
    before = (rows / "1.parquet").read_bytes()
    for option in ("-o", "--checkpoint"):
        words = [rows / "*.parquet", FORMULA, option, rows / "1.parquet"]
        status, _, err = run(capsys, "predict", *words)
        assert status == 2
        assert "is read by this" in err
    assert (rows / "1.parquet").read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder closed to anybody")
def test_a_folder_that_cannot_be_written_to_is_named(capsys, rows):
    options = ["--stream", "yes", "-o", "/proc/p.csv"]
    status, out, err = run(capsys, "predict", rows, FORMULA, *options)
    assert (status, out) == (2, "")
    assert "OutputFileError" in err
    assert "'/proc/p.csv' was not written" in err


@pytest.mark.parametrize(
    ("command", "group"), [("fit", 5), ("predict", 5), ("predict", 27), ("report", 8)]
)
@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_interrupt_during_a_pass_leaves_nothing(
    capsys, rows, tmp_path, monkeypatch, command, group, threads
):
    """By a signal, when a row group is read: the first pass, or that which predicts."""
    read_group, read_before = parquet.read_group, []

    def interrupt(*args, **kwargs):
        read_before.append(args)
        if len(read_before) == group:
            os.kill(os.getpid(), signal.SIGINT)
        return read_group(*args, **kwargs)

    monkeypatch.setattr(parquet, "read_group", interrupt)
    target = tmp_path / "out"
    target.write_text("old")
    options = ["--stream", "yes", "--compress", "no", "--threads", threads, "-o", target]
    status, out, err = run(capsys, command, rows, FORMULA, *options)
    assert (status, out) == (130, "")
    assert err.endswith("mlelogit: interrupted\n")
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows"]
    assert len(read_before) >= group
    if command == "predict":
        assert run(capsys, command, rows, FORMULA, *options)[0] == 0
        assert len(read(target)) == ROWS


def test_an_interrupted_climb_goes_on_from_its_checkpoint(capsys, rows, tmp_path, monkeypatch):
    """Rows are read anew in every pass; the signal comes in the eighth."""
    monkeypatch.setattr("mlelogit.data.streaming.stream.KEPT_ELEMENTS", 0)
    read_group, groups, last = parquet.read_group, [], 7 * 11

    def count(*args, **kwargs):
        groups.append(args)
        if len(groups) == last:
            os.kill(os.getpid(), signal.SIGINT)
        return read_group(*args, **kwargs)

    monkeypatch.setattr(parquet, "read_group", count)
    checkpoint = tmp_path / "fit.ckpt"
    options = ["--stream", "yes", "--compress", "no", "--checkpoint", checkpoint]
    assert run(capsys, "fit", rows, FORMULA, *options)[0] == 130
    assert checkpoint.exists()
    status, _, err = run(capsys, "fit", rows, "vote ~ age", *options)
    assert status == 2
    assert "CheckpointError" in err
    groups.clear()
    last = 0
    told, _ = fit(capsys, rows, FORMULA, *options)
    again = len(groups)
    assert not checkpoint.exists()
    groups.clear()
    whole, _ = fit(capsys, rows, FORMULA, *options)
    assert np.abs(list_estimates(told) / list_estimates(whole) - 1).max() < 1e-9
    assert again < len(groups)


def test_the_command_runs_by_itself_on_files(rows, tmp_path):
    command = [sys.executable, "-m", "mlelogit"]
    words = [str(rows / "*.parquet"), FORMULA, "--stream", "yes", "--compress", "no"]
    done = subprocess.run(
        [*command, "fit", *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0
    assert "No. Observations:" in done.stdout
    # No bar where standard error is no terminal.
    assert done.stderr == (
        "mlelogit: Rows: 3 parquet files, 11 row groups, 944 rows; read in pieces, 2 passes.\n"
    )


def test_report_and_verify_of_rows_in_pieces_say_what_they_can(capsys, rows, tmp_path):
    options = ["--stream", "yes", "--compress", "no"]
    path = tmp_path / "fit.html"
    status, out, _ = run(capsys, "report", rows, FORMULA, *options, "-o", path)
    assert (status, out) == (0, "")
    page = path.read_text(encoding="utf-8")
    assert "3 parquet files, 11 row groups, 944 rows" in page
    status, out, err = run(capsys, "verify", rows, FORMULA, *options, "--format", "json")
    assert (status == 0 and json.loads(out)["agrees"]) or "RowsNotHeldError" in err


def test_nothing_is_written_that_only_looks_like_parquet(capsys, rows, tmp_path):
    target = tmp_path / "predicted.parquet"
    for command in (["fit"], ["report"], ["predict", "--format", "csv"]):
        words = [rows / "*.parquet", FORMULA, *command[1:], "-o", target]
        status, _, err = run(capsys, command[0], *words)
        assert status == 2
        assert "OutputFileError" in err
        assert "is named as parquet is" in err
        assert not target.exists()


def test_patterns_without_quotes_are_told_to_have_some(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fit", "1.parquet", "2.parquet", "3.parquet", "y ~ x"])
    assert stopped.value.code == 2
    assert "quotes: 'rows/*.parquet'" in capsys.readouterr().err


def test_memory_that_is_not_there_is_one_line(capsys, monkeypatch):
    from mlelogit import cli

    def fail(_):
        raise MemoryError("Unable to allocate 26.8 GiB")

    monkeypatch.setattr(cli, "find_command", lambda _: fail)
    assert main(["demo"]) == 2
    assert capsys.readouterr().err == "mlelogit: MemoryError: Unable to allocate 26.8 GiB\n"
    assert main(["fit", "rows", "y ~ x"]) == 2
    assert "Not enough memory. Unable to allocate 26.8 GiB On the command line: --stream yes" in (
        capsys.readouterr().err
    )

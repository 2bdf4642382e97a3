"""Command lines and files: a status and one message, never a traceback."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from mlelogit.cli import main
from mlelogit.model import mnlogit
from tests.fuzz.formulas import ATTACKS, GOOD, HEADS, giants, mutants, noise

STATUSES = (0, 1, 2)


def make_table() -> str:
    """Return the text of a table that can be fitted."""
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=30).round(3), "z": rng.integers(0, 4, 30)})
    frame["y"] = np.array(["u", "v", "w"])[rng.integers(0, 3, 30)]
    frame["g"] = np.array(["p", "q"])[rng.integers(0, 2, 30)]
    frame[["w", "n1", "n2"]] = rng.integers(1, 4, (30, 3))
    return frame.to_csv(index=False)


TABLE = make_table()
FILES: dict[str, bytes] = {
    "good.csv": TABLE.encode(),
    "empty.csv": b"",
    "blank.csv": b"\n\n\n",
    "header.csv": b"y,x\n",
    "one.csv": b"y,x\na,1\n",
    "binary.csv": bytes(range(256)) * 20,
    "zeros.csv": b"\x00" * 100,
    "nul.csv": b"y,x\na,1\nb\x00,2\n",
    "latin.csv": "y,x\né,1\nü,2\n".encode("latin-1") * 3,
    "utf16.csv": TABLE.encode("utf-16"),
    "bom.csv": b"\xef\xbb\xbf" + TABLE.encode(),
    "ragged.csv": b"y,x\na,1\nb\nc,2,3,4\n",
    "short.csv": b"y,x,z\na\nb\nc\n",
    "twice.csv": b"y,x,x\na,1,2\nb,2,1\n",
    "quoted.csv": b'y,x\n"a,1\nb,2\n',
    "huge.csv": b"y,x\na," + b"9" * 5000 + b"\nb,1\n",
    "wide.csv": b"y" + b",x" * 3000 + b"\na" + b",1" * 3000 + b"\n",
    "field.csv": b"y,x\n" + b"a" * 200_000 + b",1\nb,2\n",
    "semicolons.csv": TABLE.replace(",", ";").encode(),
    "carriage.csv": TABLE.replace("\n", "\r").encode(),
    "gaps.csv": TABLE.replace("u", "").encode(),
    "infinite.csv": b"y,x\na,inf\nb,-inf\na,1e999\n" * 3,
    "separated.csv": b"y,x\n" + b"a,1\n" * 5 + b"b,2\n" * 5,
    "unnamed.csv": b",\na,1\nb,2\n",
    "mixed.csv": b"y,x\na,1\nb,two\n1,3\n" * 4,
    "dates.csv": b"y,x\na,2020-01-01\nb,2020-01-02\n" * 4,
    "big.csv": b"y,x\n" + b"a,99999999999999999999999\nb,1\na,3\n" * 3,
    "bad.parquet": b"PAR1 no parquet PAR1",
    "bad.pq": b"",
    "no suffix": TABLE.encode(),
    "GOOD.CSV": TABLE.encode(),
    "space \xe9\n.csv": TABLE.encode(),
    "packed.csv.gz": b"not packed",
    "packed.csv.zip": b"PK",
    "tabs.tsv": TABLE.replace(",", "\t").encode(),
    "packed.tsv.gz": gzip.compress(TABLE.replace(",", "\t").encode()),
    "bad.tsv.gz": b"not packed",
    "quotes.tsv": b'y\tx\n"a\t1\n',
    "bad.dta": b"<stata_dta>no data set</stata_dta>" * 9,
    "empty.dta": b"",
    "bad.xlsx": b"PK\x03\x04 no workbook",
    "bad.feather": b"ARROW1 no table ARROW1",
    "bad.json": b"{}",
    "list.json": b"[" * 5000,
}


def write_files(folder: Path) -> Path:
    """Write all files, and one of parquet."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    table = pd.read_csv(io.StringIO(TABLE))
    table.to_parquet(folder / "good.parquet")
    table.to_feather(folder / "good.feather")
    table.to_excel(folder / "good.xlsx", index=False)
    table.to_stata(folder / "good.dta", write_index=False, version=118)
    fitted = mnlogit("y ~ x", table).fit()
    fitted.save(folder / "fit.json")
    content = (folder / "fit.json").read_bytes()
    (folder / "cut.json").write_bytes(content[: len(content) // 2])
    whole = (folder / "good.dta").read_bytes()
    (folder / "cut.dta").write_bytes(whole[: len(whole) // 2])
    (folder / "folder.csv").mkdir()
    return folder


ODD_PATHS = [
    *["folder.csv", ".", "", "absent.csv", "\x00", "-", "~", "a" * 300, "..", "/dev/null"],
    *["http://127.0.0.1:1/x.csv", "s3://b/x.csv", "/proc/self/mem"],
]
TABLES = ["good.parquet", "good.feather", "good.xlsx", "good.dta", "tabs.tsv"]
SAVED = ["fit.json"] * 9 + ["cut.json", "bad.json", "list.json"]
paths = st.sampled_from(["good.csv"] * 50 + [*TABLES, "cut.dta", *ODD_PATHS, *FILES])
saved = st.sampled_from([*SAVED, "good.csv"])
texts = st.one_of(
    st.builds("{} ~ {}".format, st.sampled_from(HEADS), st.sampled_from(["x", "x + C(g)", "1"])),
    st.sampled_from(["y ~ x", "y ~ x + z", "y ~ C(g)"]),
    st.sampled_from(["y ~ x", "y ~ x + z", "y ~ C(g)"]),
    st.sampled_from([f"y ~ {part}" for part in GOOD + ATTACKS]),
    mutants(),
    noise,
    giants(),
)
words = st.text(max_size=8) | st.sampled_from(
    [
        "",
        "u",
        "w",
        "x",
        "n1",
        "0",
        "-1",
        "nan",
        "1e999",
        "0.5",
        "HC0",
        "newton",
        "NA",
        "\x00",
        "\ud800",
    ]
)
NAMES = ["fit", "fit", "predict", "verify", "compare", "margins", "tests", "convert"]
ENDINGS = ["csv", "tsv", "dta", "xlsx", "parquet", "feather", "html", "tex", "md", "json", "x"]
TARGETS = ["-", *(f"out.{ending}" for ending in ENDINGS)]
VALUES = {
    "--base": ["u", "v", "z", ""],
    "--weights": ["w", "n1", "y", "no"],
    "--weight-type": ["frequency", "sampling", "importance", "f"],
    "--offset": ["n1", "n2", "y", "no"],
    "--missing": ["raise", "drop", "x"],
    "--na": ["NA", "u", ""],
    "--method": ["auto", "bfgs", "newton", "magic"],
    "--cov": ["nonrobust", "opg", "HC0", "HC1", "robust", "HC9"],
    "--format": ["text", "html", "latex", "markdown", "json", "csv", "xml"],
    "--alpha": ["0.1", "0", "1", "nan", "-5", "1e-300", "x"],
    "--engines": ["cross-entropy", "statsmodels", "abacus"],
    "--seed": ["0", "-1", "99999999999999999999", "x"],
    "--which": ["prob", "category", "linear", "x"],
    "--exponentiate": [""],
    "--help": [""],
    "--nonsense": ["1"],
    "-o": ["out.txt", "no/where/out.txt", "", ".", "\x00", "a" * 300],
    "-h": [""],
    "--data": ["good.csv", "fit.json", "absent"],
    "--input-format": ["csv", "stata", "excel", "x"],
    "--sheet": ["Sheet1", "no", ""],
    "--outcome": ["labels", "counts", "x"],
    "--maxiter": ["1", "0", "-1", "x"],
    "--tol": ["1e-9", "nan", "x"],
    "--save": ["out.json", "no/where.json", "good.csv", ""],
    "--save-rows": [""],
    "--intervals": [""],
    "--variables": ["x", "g", "no"],
    "--kind": ["average", "at_means", "wald", "lr", "score", "robust", "x"],
    "--effect": ["dydx", "eyex", "level", "x"],
    "--at": ["x", "g"],
    "--change": ["x", "sd"],
    "--by": ["g", "no"],
    "--adjust": ["holm", "x"],
    "--test": ["terms", "equality", "combine", "iia", "gof", "hauck-donner", "constraints", "x"],
    "--hypothesis": ["x", "w: x = v: x", "x >= 0", "exec('1')", ""],
    "--type": ["2", "3", "4", "x"],
    "--groups": ["3", "2", "-1"],
    "--category": ["u", "z"],
    "--name": ["a", ""],
    "--layout": ["wide", "long", "x"],
    "--below": ["std_err", "z", "none", "x"],
    "--digits": ["3", "-1", "99"],
    "--stars": [""],
    "--statistics": ["nobs", "aic", "x"],
    "--sections": ["overview", "x"],
    "--output-format": ["csv", "stata", "html", "x"],
    "--": ["x"],
}


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """Draw the arguments of one command, or some words."""
    if draw(st.sampled_from([False] * 9 + [True])):
        return draw(st.lists(words, max_size=4))
    command = draw(st.sampled_from(NAMES))
    argv = [command]
    if command == "convert":
        argv += [draw(paths | saved), draw(st.sampled_from(TARGETS))]
    elif draw(st.sampled_from([True, True, True, False])):
        argv += [draw(paths), draw(texts)]
        argv += [draw(texts)] if command == "compare" else []
    else:
        argv += [draw(saved)]
        argv += [draw(saved)] if command == "compare" else []
    for _ in range(draw(st.integers(0, 3))):
        option = draw(st.sampled_from([*VALUES, "--newdata"]))
        values = paths if option == "--newdata" else st.sampled_from(VALUES[option])
        argv.append(option)
        if values is paths or VALUES[option] != [""]:
            argv.append(draw(values if draw(st.sampled_from([True] * 5 + [False])) else words))
    return argv


@contextlib.contextmanager
def no_input():
    """Have nothing on standard input, so that nobody waits for it."""
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO())
    try:
        yield
    finally:
        sys.stdin = before


def run(argv: list[str]) -> tuple[int, str, str]:
    """Run a command: its status, what it printed, and what it said on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), no_input():
        try:
            status: Any = main(argv)
        except SystemExit as stopped:
            status = stopped.code
    return status, out.getvalue(), err.getvalue()


def refuse(constant: str) -> None:
    """Raise for what is no JSON, such as NaN."""
    raise AssertionError(constant)


def check_command(argv: list[str]) -> int:
    """Run a command: it ends with an answer, or with one line that says what is wrong."""
    status, out, err = run(argv)
    assert status in STATUSES, status
    assert "Traceback" not in out + err
    if status == 2:
        assert out == ""
        errors = [line for line in err.splitlines() if "Warning: " not in line]
        assert len(errors) == 1, err
        assert errors[0].startswith("mlelogit")
        assert len(errors[0]) < 5000
    elif "json" in argv and "-o" not in argv and out[:1] == "{":
        json.loads(out, parse_constant=refuse)
    return status

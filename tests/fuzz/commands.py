"""Command lines and files: a status and one message, never a traceback."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from mlelogit.cli import main
from tests.fuzz.formulas import ATTACKS, GOOD, HEADS, giants, mutants, noise

STATUSES = (0, 2)


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
}


def write_files(folder: Path) -> Path:
    """Write all files, and one of parquet."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    pd.read_csv(io.StringIO(TABLE)).to_parquet(folder / "good.parquet")
    (folder / "folder.csv").mkdir()
    return folder


ODD_PATHS = [
    *["folder.csv", ".", "", "absent.csv", "\x00", "-", "~", "a" * 300, "..", "/dev/null"],
    *["http://127.0.0.1:1/x.csv", "s3://b/x.csv", "/proc/self/mem"],
]
paths = st.sampled_from(["good.csv"] * 50 + ["good.parquet", *ODD_PATHS, *FILES])
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
    "--": ["x"],
}


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """Draw the arguments of one command, or some words."""
    if draw(st.sampled_from([False] * 9 + [True])):
        return draw(st.lists(words, max_size=4))
    argv = [draw(st.sampled_from(["fit", "fit", "predict", "verify"])), draw(paths), draw(texts)]
    for _ in range(draw(st.integers(0, 3))):
        option = draw(st.sampled_from([*VALUES, "--newdata"]))
        values = paths if option == "--newdata" else st.sampled_from(VALUES[option])
        argv.append(option)
        if values is paths or VALUES[option] != [""]:
            argv.append(draw(values if draw(st.sampled_from([True] * 5 + [False])) else words))
    return argv


def run(argv: list[str]) -> tuple[int, str, str]:
    """Run a command: its status, what it printed, and what it said on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status: Any = main(argv)
        except SystemExit as stopped:
            status = stopped.code
    return status, out.getvalue(), err.getvalue()


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
    elif "json" in argv and argv[0] in ("fit", "verify") and "-o" not in argv and out[:1] == "{":
        json.loads(out)
    return status

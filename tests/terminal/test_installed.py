"""The installed command in a process of its own: what it prints where, and how it ends."""

import json
import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import mlelogit as ml

FORMULA = "vote ~ age + educ"
SCRIPT = Path(sysconfig.get_path("scripts"), "mlelogit")
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "mlelogit"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "anes.csv"
    ml.datasets.load_anes96().to_csv(path, index=False)
    return path


def run(*words, **options):
    given = [*COMMAND, *map(str, words)]
    done = subprocess.run(given, capture_output=True, check=False, timeout=120, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_fit_is_saved_and_asked(table, tmp_path):
    saved = tmp_path / "fit.json"
    status, out, err = run("fit", table, FORMULA, "--save", saved)
    assert (status, err) == (0, "")
    assert out == f"{ml.load(saved).summary()}\n"
    content = b"age,educ\n20,3\n40,7\n"
    words = ["predict", saved, "--newdata", "-", "--format", "json"]
    status, out, err = run(*words, input=content)
    assert (status, err) == (0, "")
    assert len(json.loads(out)["predictions"]["data"]) == 2


def test_statuses_of_a_process(tmp_path):
    status, out, err = run("fit", "-", "y ~ x", input=b"y,x\na,1\na,2\nb,3\nb,4\n")
    assert status == 1
    assert "NOT CONVERGED" in out
    assert "SeparationWarning" in err
    status, out, err = run("fit", tmp_path / "gone.csv", FORMULA)
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_help_does_not_wait_for_pandas():
    code = (
        "import sys\n"
        "from mlelogit.cli import main\n"
        "try:\n    main(['fit', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'argparse'" in done.stderr
    for name in ("pandas", "numpy", "scipy", "statsmodels", "formulaic"):
        assert f"'{name}'" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes of Unix")
def test_a_pipe_that_breaks_is_no_error(table):
    reading, writing = os.pipe()
    os.close(reading)
    words = [*COMMAND, "predict", str(table), FORMULA]
    with subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_half_written_file(tmp_path, number):
    """It waits for standard input, which does not come."""
    target, saved = tmp_path / "out.txt", tmp_path / "fit.json"
    target.write_text("old")
    words = ["fit", "-", FORMULA, "-o", str(target), "--save", str(saved)]
    words += ["--input-format", "stata"]  # Which is kept in a file while it comes.
    with subprocess.Popen(
        [*COMMAND, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(b"<stata_dta>")
        process.stdin.flush()
        spooled = wait_for_spool(process.pid)
        process.send_signal(number)
        process.stdin.close()
        process.stdin = None
        err = process.stderr.read()
        process.wait(timeout=60)
    assert process.returncode == 130
    assert err == b"mlelogit: interrupted\n"
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.txt"]
    assert spooled is None or not spooled.exists()


def wait_for_spool(pid):
    """Wait until a process keeps its standard input in a file; return the file, if it is told."""
    folder, deadline = Path(f"/proc/{pid}/fd"), time.monotonic() + 30
    if not folder.exists():
        time.sleep(5)
        return None
    while time.monotonic() < deadline:
        for link in folder.iterdir():
            try:
                found = link.readlink()
            except OSError:
                continue
            if found.name.startswith("standard input"):
                return found
        time.sleep(0.02)
    raise AssertionError("Nothing was kept.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_told(table):
    with Path("/dev/full").open("wb") as full:
        given = [*COMMAND, "fit", str(table), FORMULA]
        done = subprocess.run(given, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="shells of Unix")
def test_a_closed_output_is_told(table):
    given = shlex.join([*COMMAND, "fit", str(table), FORMULA])
    done = subprocess.run(["sh", "-c", f"{given} >&-"], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"mlelogit: OutputFileError: Standard output is closed")

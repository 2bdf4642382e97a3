"""Inputs of the wrong kind and of any size end in a named error, soon, and in little memory.

Every case runs in a process of its own that may have three gigabytes of addresses; most would
take from ten gigabytes to more than there is on earth.
"""

import gzip
import io
import time

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import mlelogit as ml
from mlelogit.data.files.delimited import read_csv
from mlelogit.exceptions import MNLogitError
from tests.hostile import run_held

# The machine may have others at work: what takes seconds alone may take some more.
SECONDS = 60
MB = 1_000_000
RNG = np.random.default_rng(0)


class Endless(io.RawIOBase):
    """A stream that begins as it is told to, and repeats the same bytes for ever."""

    def __init__(self, head, unit):
        super().__init__()
        self.ahead, self.units = head, unit * (MB // len(unit))

    def readable(self):
        return True

    def readinto(self, target):
        self.ahead = self.ahead or self.units
        given, self.ahead = self.ahead[: len(target)], self.ahead[len(target) :]
        target[: len(given)] = given
        return len(given)


def read_holes(folder, size):
    """Read a file that is a header and then a hole: zeros that take no place on the disk."""
    path = folder / "hole.csv"
    with path.open("wb") as file:
        file.write(b"y,x\n1,2\n")
        file.truncate(size)
    read_csv(path)


def read_large(folder):
    """Read a file of 100 GB, of which the first megabytes are a csv."""
    path = folder / "large.csv"
    with path.open("wb") as file:
        file.write(b"y,x\n" + b"1,2\n" * 300_000)
        file.truncate(100_000 * MB)
    read_csv(path)


def read_bomb(folder):
    """Read a megabyte that becomes a gigabyte."""
    path = folder / "bomb.csv.gz"
    with path.open("wb") as file:
        file.write(gzip.compress(b"y,x\n"))
        file.writelines([gzip.compress(b"1,2\n" * (1 << 20))] * 256)
    read_csv(path)


def read_wide(columns):
    names = ",".join(f"c{i}" for i in range(columns)).encode()
    read_csv(io.BytesIO(names + b"\n" + b",".join([b"1"] * columns) + b"\n"))


FILES = {
    "line of zeros": (lambda folder: read_holes(folder, 1000 * MB), "CorruptFileError", 60),
    "line without an end": (lambda _: read_csv(Endless(b"y,x\n", b"7")), "SizeLimitError", 600),
    "header without an end": (lambda _: read_csv(Endless(b"", b"y")), "SizeLimitError", 600),
    "names without an end": (lambda _: read_csv(Endless(b"", b"y,")), "SizeLimitError", 900),
    "row without an end": (lambda _: read_csv(Endless(b"y,x\n", b"1,")), "SizeLimitError", 900),
    "quote without an end": (
        lambda _: read_csv(Endless(b'y,x\n1,"', b"abc ")),
        "CorruptFileError",
        600,
    ),
    "rows without an end": (
        lambda _: read_csv(Endless(b"y,x\n", b"1,2\n")),
        "SizeLimitError",
        1200,
    ),
    "bomb": (read_bomb, "SizeLimitError", 1200),
    "100 GB": (read_large, "SizeLimitError", 60),
    "a million columns": (lambda _: read_wide(10**6), "SizeLimitError", 500),
}
N = 200_000
IDS = pd.DataFrame(
    {
        "id": [f"id{i}" for i in range(N)],
        "number": np.arange(N),
        "value": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "y": np.arange(N) % 3,
    }
)
FEW = IDS.iloc[:2000]
FIT = ml.mnlogit("y ~ x", FEW).fit()
PIECES = [IDS.iloc[: N // 2], IDS.iloc[N // 2 :]]


def fit(formula, data=IDS, **options):
    return ml.mnlogit(formula, data, **options).fit()


WORK = {
    "text as outcome": lambda: fit("id ~ x"),
    "text as outcome, streamed": lambda: fit("id ~ x", PIECES, stream=True),
    "text as outcome, compressed": lambda: fit("id ~ x", compress=True),
    "floats as outcome": lambda: fit("value ~ x"),
    "floats as outcome, array": lambda: ml.MNLogit(IDS["value"].to_numpy(), IDS[["x"]]).fit(),
    "declared outcome": lambda: fit("id ~ x", IDS.assign(id=pd.Categorical(IDS["id"]))),
    "text as factor": lambda: fit("y ~ id"),
    "text as factor, streamed": lambda: fit("y ~ id", PIECES, stream=True),
    "numbers as factor": lambda: fit("y ~ C(number)"),
    "numbers as factor, compressed": lambda: fit("y ~ C(number)", compress=True),
    "product of factors": lambda: fit("y ~ C(number):id"),
    "product of factors, streamed": lambda: fit("y ~ C(number):id", PIECES, stream=True),
    "crossing of factors": lambda: fit("y ~ C(number)*id*C(value)"),
    "wide array": lambda: ml.MNLogit(np.arange(4) % 2, np.zeros((4, 10**6))).fit(),
    "wide frame": lambda: ml.MNLogit(np.arange(4) % 2, pd.DataFrame(np.zeros((4, 10**6)))).fit(),
    "wide sparse": lambda: ml.MNLogit(np.arange(4) % 2, csr_array((4, 10**6))).fit(),
    "many categories": lambda: ml.MNLogit(np.arange(N) % 50_000, IDS[["x"]]).fit(),
    "degree": lambda: fit("y ~ poly(x, 5000)", FEW),
    "knots": lambda: fit("y ~ bs(x, df=100000)", FEW),
    "long formula": lambda: fit("y ~ " + "x+" * 500_000 + "x", FEW),
    "deep formula": lambda: fit("y ~ " + "(" * 10_000 + "x" + ")" * 10_000, FEW),
    "deep expression": lambda: fit("y ~ I(" + "-" * 50_000 + "x)", FEW),
    "long expression": lambda: fit("y ~ I(" + "+".join(["x"] * 20_000) + ")", FEW),
    "long number": lambda: fit("y ~ I(x*" + "9" * 50_000 + ")", FEW),
    "constraints": lambda: ml.mnlogit("y ~ x", FEW).fit(
        constraints=[f"1: x = {i}" for i in range(20_000)]
    ),
    "grid": lambda: FIT.margins(at={"x": np.linspace(0, 1, 10**6)}),
    "replicates": lambda: FIT.bootstrap(10**9),
    "folds": lambda: ml.mnlogit("y ~ x", FEW).cross_validate(folds=10**9),
    "repeats": lambda: ml.mnlogit("y ~ x", FEW).cross_validate(repeats=10**9),
    "threads": lambda: ml.mnlogit("y ~ x", FEW).fit(threads=10**9),
}
NAMED = {
    "degree": "UnsafeFormulaError",
    "knots": "UnsafeFormulaError",
    "long formula": "FormulaError",
    "deep formula": "FormulaError",
    "deep expression": "FormulaError",
    "long expression": "FormulaError",
    "long number": "FormulaError",
    "folds": "OptionError",
}


def check(held, error, most):
    assert held.error == error, held
    assert issubclass(getattr(ml.exceptions, error), MNLogitError)
    assert held.taken < most * MB, held
    assert held.seconds < SECONDS / 2, held
    assert len(held.message) < 2000, held


@pytest.mark.parametrize("name", FILES)
def test_files(name, tmp_path):
    case, error, most = FILES[name]
    check(run_held(lambda: case(tmp_path), SECONDS), error, most)


@pytest.mark.parametrize("name", WORK)
def test_work(name):
    check(run_held(WORK[name], SECONDS), NAMED.get(name, "SizeLimitError"), 300)


def test_what_is_small_goes_on(tmp_path):
    """The limits are met by what is too large alone: as much of the right kind is fitted."""
    path = tmp_path / "small.csv"
    pd.DataFrame(np.random.default_rng(0).normal(size=(20_000, 5))).to_csv(path)

    def work():
        assert read_csv(path).shape == (20_000, 6)
        assert fit("y ~ x", FEW).converged

    assert run_held(work, SECONDS).error == ""


def test_what_is_held_shows_what_it_took():
    """The measure itself: a case takes memory, one takes too much, one takes too long."""
    held = run_held(lambda: np.ones(100 * MB // 8).sum(), SECONDS)
    assert held.error == ""
    assert 90 * MB < held.taken < 130 * MB
    assert "MemoryError" in run_held(lambda: np.ones(10**10), SECONDS).error
    with pytest.raises(AssertionError, match="ended by signal 14"):
        run_held(lambda: time.sleep(30), 1)

"""Time a path of the lasso here and by R's glmnet, at its default tolerance and at a tight one.

    python -m tests.benchmarks.penalties [--repeats 3]

All go through glmnet's own 100 penalties or fewer, chosen by each from the same rule. Times are
the least of the turns; R times itself.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import mlelogit as ml
from tests.benchmarks.rpeers import find_missing
from tests.benchmarks.tables import lay_header, lay_line, tell_seconds

ROWS, COLUMNS, CATEGORIES = 3000, 40, 5
TOLERANCES = ("1e-7", "1e-14")
PROGRAM = """
suppressPackageStartupMessages(library(glmnet))
a <- commandArgs(trailingOnly = TRUE)
x <- matrix(readBin(file.path(a[1], "x.bin"), "double", 1e8), {rows})
y <- factor(readBin(file.path(a[1], "y.bin"), "integer", 1e8))
took <- system.time(glmnet(x, y, family = "multinomial", thresh = {tolerance}, maxit = 1e7))
cat(took[3])
"""


def draw() -> tuple[np.ndarray, np.ndarray]:
    """Draw columns, four in ten with effects, and an outcome."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS))
    effects = rng.normal(size=(COLUMNS, CATEGORIES)) * 0.3 * (rng.random((COLUMNS, 1)) < 0.4)
    return (x @ effects + rng.gumbel(size=(ROWS, CATEGORIES))).argmax(axis=1), x


def time_ours(codes: np.ndarray, x: np.ndarray) -> float:
    """Return the seconds of the path here."""
    model = ml.MNLogit(codes, np.column_stack([np.ones(len(x)), x]))
    begin = time.perf_counter()
    model.fit_path()
    return time.perf_counter() - begin


def time_glmnet(codes: np.ndarray, x: np.ndarray, tolerance: str) -> float:
    """Return the seconds of glmnet's path at a tolerance, as R counts them."""
    with TemporaryDirectory() as folder:
        x.T.tofile(Path(folder, "x.bin"))
        codes.astype(np.int32).tofile(Path(folder, "y.bin"))
        program = PROGRAM.format(rows=len(x), tolerance=tolerance)
        command = ["Rscript", "-e", program, folder]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(run.stdout)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.penalties", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--repeats", type=int, default=3, help="the number of turns")
    turns = range(parser.parse_args(arguments).repeats)
    codes, x = draw()
    print(lay_header(["lasso path", "seconds"]))
    ours = min(time_ours(codes, x) for _ in turns)
    print(lay_line(["mlelogit", tell_seconds(ours)]))
    for tolerance in () if find_missing("glmnet") else TOLERANCES:
        took = min(time_glmnet(codes, x, tolerance) for _ in turns)
        print(lay_line([f"glmnet, thresh = {tolerance}", tell_seconds(took)]))


if __name__ == "__main__":
    main()

"""Time and peak memory of average marginal effects, each fit in a process of its own.

``python -m tests.benchmarks.margins`` measures this package at 400,000 rows, and statsmodels at
20,000, above which its memory, which grows with the rows, is that of a large machine.
``python -m tests.benchmarks.margins ENGINE ROWS COLUMNS CATEGORIES`` is one measurement.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.benchmarks.cases import Case, draw
from tests.benchmarks.memory import (
    PROCESS,
    ROOT,
    find_missing,
    fit_statsmodels,
    read_status,
    release,
)

LARGE = Case("unit", 400_000, 11, 6)
LOW = Case("unit", 20_000, 11, 6)
RUNS = (
    ("mlelogit", LARGE),
    ("mlelogit formula", LARGE),
    ("mlelogit curved", LARGE),
    ("mlelogit", LOW),
    ("statsmodels", LOW),
)


@dataclass(frozen=True)
class Cost:
    """What effects cost: seconds of wall clock and of processors, bytes above the fit's."""

    engine: str
    rows: int
    seconds: float
    processors: float
    peak: float


def _fit_formula(codes: np.ndarray, x: np.ndarray, curved: bool) -> Any:
    names = [f"x{i}" for i in range(1, x.shape[1])]
    frame = pd.DataFrame(x[:, 1:], columns=names).assign(y=codes)
    terms = ["x1 * x2", "I(x3 ** 2)", *names[2:-1]] if curved else names
    return ml.mnlogit(f"y ~ {' + '.join(terms)}", frame).fit()


FITS: dict[str, Callable[[np.ndarray, Any], Any]] = {
    "mlelogit": lambda codes, x: ml.MNLogit(codes, x).fit(),
    "mlelogit formula": lambda codes, x: _fit_formula(codes, x, curved=False),
    "mlelogit curved": lambda codes, x: _fit_formula(codes, x, curved=True),
    "statsmodels": fit_statsmodels,
}


def find_effects(fit: Any) -> Any:
    """Return the average marginal effects of a fit of either package."""
    return fit.margins() if hasattr(fit, "margins") else fit.get_margeff()


def measure_here(engine: str, case: Case) -> Cost:
    """Measure in this process."""
    fit = FITS[engine](*draw(case))
    find_effects(FITS[engine](*draw(Case("unit", 500, case.columns, case.categories))))
    release()
    before = read_status("VmRSS")
    (PROCESS / "clear_refs").write_text("5")
    clock, processors = time.perf_counter(), time.process_time()
    kept = find_effects(fit)
    clock, processors = time.perf_counter() - clock, time.process_time() - processors
    peak = read_status("VmHWM") - before
    del kept
    return Cost(engine, case.rows, clock, processors, peak)


def measure(engine: str, case: Case) -> Cost:
    """Measure in a child process."""
    shape = [str(case.rows), str(case.columns), str(case.categories)]
    command = [sys.executable, "-m", "tests.benchmarks.margins", engine, *shape]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if run.returncode:
        raise RuntimeError(f"{engine} failed: {run.stderr}")
    return Cost(engine, case.rows, *map(float, run.stdout.split()[-3:]))


def main(arguments: list[str]) -> None:
    """Measure one fit, or print the table of all."""
    if arguments:
        engine, *shape = arguments
        cost = measure_here(engine, Case("unit", *map(int, shape)))
        print(cost.seconds, cost.processors, cost.peak)
        return
    for engine, case in RUNS:
        missing = find_missing(engine)
        if missing:
            print(f"{engine}: {missing}")
            continue
        cost = measure(engine, case)
        print(
            f"{engine:18} n = {case.rows:7,} K = {case.columns} J = {case.categories}: "
            f"{cost.seconds:6.2f} s ({cost.processors:.2f} of processors), "
            f"{cost.peak / 1e6:7.0f} MB above the fit"
        )


if __name__ == "__main__":
    main(sys.argv[1:])

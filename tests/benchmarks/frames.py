"""Time and peak memory of fits from frames of each kind, in a process of its own each.

``python -m tests.benchmarks.frames`` measures 1,000,000 rows of ten numbers, two factors and an
outcome of strings, beside a column of 1,000,000 different strings that no formula names, and
2,000,000 rows of twenty numbers as arrays. ``python -m tests.benchmarks.frames KIND WAY ROWS`` is
one measurement.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.benchmarks.memory import PROCESS, ROOT, find_missing, read_status, release

LEVELS = {
    "y": ("left", "middle", "right"),
    "region": ("north", "south", "east", "west", "centre"),
    "party": ("one", "two", "three"),
}
NUMBERS = {"formula": 10, "arrays": 20}
RUNS = (("formula", 1_000_000), ("arrays", 2_000_000))
MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "pandas": lambda columns: pd.DataFrame(columns, copy=False),
    "polars": lambda columns: import_module("polars").DataFrame(columns),
    "pyarrow": lambda columns: import_module("pyarrow").table(columns),
}


@dataclass(frozen=True)
class Cost:
    """What a fit costs: seconds to make its model and to fit it, bytes above the frame's."""

    made: float
    fitted: float
    peak: float
    numbers: float

    @property
    def ratio(self) -> float:
        """Peak over the bytes of the frame's numbers."""
        return self.peak / self.numbers


def draw_frame(kind: str, way: str, rows: int) -> Any:
    """Draw a frame, every column in memory of its own."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=rows) for i in range(NUMBERS[way])}
    for name, levels in LEVELS.items():
        if way == "formula" or name == "y":
            columns[name] = np.array(levels, dtype=object)[rng.integers(0, len(levels), rows)]
    if way == "formula":
        columns["note"] = np.array([f"note {i}" for i in range(rows)], dtype=object)
    return MAKERS[kind](columns)


def make_model(frame: Any, way: str) -> Any:
    """Make the model of all numbers, by formula with the factors."""
    names = [f"x{i}" for i in range(NUMBERS[way])]
    if way == "formula":
        return ml.mnlogit(f"y ~ {' + '.join(names)} + region + party", frame)
    return ml.MNLogit(frame["y"], frame.select(names) if hasattr(frame, "select") else frame[names])


def measure_here(kind: str, way: str, rows: int) -> Cost:
    """Measure in this process."""
    make_model(draw_frame(kind, way, 600), way).fit()
    frame = draw_frame(kind, way, rows)
    release()
    before = read_status("VmRSS")
    (PROCESS / "clear_refs").write_text("5")
    start = time.perf_counter()
    model = make_model(frame, way)
    middle = time.perf_counter()
    kept = model.fit()
    end = time.perf_counter()
    peak = read_status("VmHWM") - before
    del kept
    return Cost(middle - start, end - middle, peak, 8 * rows * NUMBERS[way])


def measure(kind: str, way: str, rows: int) -> Cost:
    """Measure in a child process."""
    command = [sys.executable, "-m", "tests.benchmarks.frames", kind, way, str(rows)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if run.returncode:
        raise RuntimeError(f"{kind}, {way} failed: {run.stderr}")
    return Cost(*map(float, run.stdout.split()[-4:]))


def main(arguments: list[str]) -> None:
    """Measure one fit, or print the table of all."""
    if arguments:
        kind, way, rows = arguments
        cost = measure_here(kind, way, int(rows))
        print(cost.made, cost.fitted, cost.peak, cost.numbers)
        return
    missing = find_missing("mlelogit")
    if missing:
        print(missing)
        return
    for way, rows in RUNS:
        for kind in MAKERS:
            cost = measure(kind, way, rows)
            print(
                f"{way:8} {kind:8} n = {rows:9,}: model {cost.made:5.2f} s, fit "
                f"{cost.fitted:5.2f} s, {cost.peak / 1e6:6.0f} MB above the frame, "
                f"{cost.ratio:.2f} of its numbers"
            )


if __name__ == "__main__":
    main(sys.argv[1:])

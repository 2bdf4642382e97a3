"""Parquet files of growing size: seconds, passes and memory of a fit that reads them in pieces.

``python -m tests.benchmarks.streaming [ROWS ...]`` writes files of twenty columns (fourteen
doubles, three small whole numbers, two factors, the outcome) to a temporary folder, and fits
them in a process of its own for each number of rows; memory is that process's peak.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.benchmarks.memory import read_status

ROWS = (1_000_000, 4_000_000)
ROWS_PER_FILE = 1_000_000
ROWS_PER_GROUP = 100_000
DOUBLES = tuple(f"x{place}" for place in range(14))
WHOLE = {"n0": 6, "n1": 10, "n2": 2}
FACTORS = {"region": 5, "band": 12}
MODES = ("bus", "car", "rail", "walk")
FORMULA = "y ~ " + " + ".join((*DOUBLES, *WHOLE, *FACTORS))


@dataclass(frozen=True)
class Run:
    """One fit.

    Attributes
    ----------
    rows, passes : int
    learning, fitting : float
        Seconds: of the pass that learns the encoding and the one that finds the columns'
        moments; of all others.
    before, peak : float
        Resident memory in MB before the data are opened, and at its highest.
    converged : bool
    """

    rows: int
    passes: int
    learning: float
    fitting: float
    before: float
    peak: float
    converged: bool


def draw_rows(rows: int, seed: int) -> pd.DataFrame:
    """Draw rows; the outcome depends on all columns."""
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(8)
    columns: dict[str, object] = {name: rng.normal(size=rows).round(4) for name in DOUBLES}
    columns |= {name: rng.integers(0, most, rows, dtype=np.int8) for name, most in WHOLE.items()}
    utility = rng.gumbel(size=(rows, len(MODES)))
    for values in columns.values():
        utility += np.outer(np.asarray(values), truth.normal(0, 0.3, len(MODES)))
    for name, count in FACTORS.items():
        codes = rng.integers(0, count, rows)
        utility += truth.normal(0, 0.3, (count, len(MODES)))[codes]
        columns[name] = np.array([f"{name}{place:02d}" for place in range(count)])[codes]
    columns["y"] = np.array(MODES)[utility.argmax(axis=1)]
    return pd.DataFrame(columns)


def write_files(folder: Path, rows: int) -> None:
    """Write so many rows to parquet files, none of them like another."""
    for number, start in enumerate(range(0, rows, ROWS_PER_FILE)):
        frame = draw_rows(min(ROWS_PER_FILE, rows - start), number)
        frame.to_parquet(folder / f"{number:04d}.parquet", row_group_size=ROWS_PER_GROUP)


def measure_fit(folder: str) -> Run:
    """Fit the files of a folder in this process, and say what it took."""
    before = read_status("VmHWM") / 2**20
    start = time.perf_counter()
    model = ml.mnlogit(FORMULA, folder, stream=True, compress=False)
    learned = time.perf_counter()
    results = model.fit()
    end = time.perf_counter()
    stream = model.design.stream
    assert stream is not None
    times = learned - start, end - learned
    rows = int(model.design.audit.rows_used)
    return Run(rows, stream.passes, *times, before, read_status("VmHWM") / 2**20, results.converged)


def run(rows: int) -> Run:
    """Write files of so many rows and fit them in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), rows)
        command = [sys.executable, "-m", "tests.benchmarks.streaming", "--fit", folder]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
    return Run(**json.loads(found.stdout))


def write_table(runs: list[Run]) -> str:
    """Write runs as a table."""
    lines = ["| rows | passes | learning, s | fitting, s | memory before, MB | peak, MB |"]
    lines.append("|---|---|---|---|---|---|")
    lines += [
        f"| {one.rows:,} | {one.passes} | {one.learning:.1f} | {one.fitting:.1f} | "
        f"{one.before:.0f} | {one.peak:.0f} |"
        for one in runs
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        print(json.dumps(asdict(measure_fit(sys.argv[2]))))
    else:
        print(write_table([run(int(rows)) for rows in sys.argv[1:] or ROWS]))

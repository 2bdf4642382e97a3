"""Peak memory of a fit above the caller's data, each in a process of its own.

``python -m tests.benchmarks.memory ENGINE LAYOUT KIND ROWS COLUMNS CATEGORIES`` is such a
process; it prints two numbers of bytes, the peak and the size of the design.
"""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mlelogit as ml
from tests.benchmarks.cases import Case, draw
from tests.benchmarks.entrants import fit_sklearn

ROOT = Path(__file__).parents[2]
PROCESS = Path("/proc/self")
CASE = Case("raw", 1_000_000, 21, 5)
SMALL = Case("unit", 500, 3, 3)
RUNS = (
    ("mlelogit", "float64"),
    ("mlelogit", "float32"),
    ("mlelogit", "frame"),
    ("mlelogit", "polars"),
    ("mlelogit", "pyarrow"),
    ("sklearn newton-cholesky", "float64"),
    ("statsmodels newton", "float64"),
)


@dataclass(frozen=True)
class Peak:
    """Peak memory of one fit.

    Attributes
    ----------
    case, engine, layout : str
    peak : float
        Bytes above the data.
    design : float
        Bytes of the design as given.
    skipped : str
        Why it was not measured; empty if it was.
    """

    case: str
    engine: str
    layout: str
    peak: float = np.nan
    design: float = np.nan
    skipped: str = ""

    @property
    def ratio(self) -> float:
        """Peak over design."""
        return self.peak / self.design


def fit_statsmodels(codes: np.ndarray, x: Any) -> Any:
    """Fit statsmodels' MNLogit by its Newton method."""
    from statsmodels.discrete.discrete_model import MNLogit

    return MNLogit(codes, np.asarray(x)).fit(disp=0)


def _split(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of an array, each in memory of its own."""
    return {f"x{i}": column.copy() for i, column in enumerate(x.T)}


FITS: dict[str, Callable[[np.ndarray, Any], Any]] = {
    "mlelogit": lambda codes, x: ml.MNLogit(codes, x).fit(),
    "sklearn newton-cholesky": lambda codes, x: fit_sklearn("newton-cholesky", codes, x),
    "statsmodels newton": fit_statsmodels,
}
LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "frame": lambda x: pd.DataFrame(np.asfortranarray(x)),
    "polars": lambda x: import_module("polars").DataFrame(_split(x)),
    "pyarrow": lambda x: import_module("pyarrow").table(_split(x)),
}
FRAMES = ("frame", "polars", "pyarrow")


def find_missing(engine: str, layout: str = "") -> str:
    """Return why memory cannot be measured, or nothing."""
    if layout in ("polars", "pyarrow") and not find_spec(layout):
        return f"{layout} is not installed"
    if not (PROCESS / "clear_refs").exists():
        return "peak memory is read as Linux tells it"
    if engine.startswith("sklearn") and not find_spec("sklearn"):
        return "scikit-learn is not installed"
    return ""


def measure_peak(engine: str, layout: str, case: Case) -> Peak:
    """Measure the peak of one fit in a child process."""
    missing = find_missing(engine, layout)
    if missing:
        return Peak(case.name, engine, layout, skipped=missing)
    shape = [case.kind, str(case.rows), str(case.columns), str(case.categories)]
    command = [sys.executable, "-m", "tests.benchmarks.memory", engine, layout, *shape]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if run.returncode:
        raise RuntimeError(f"{engine} on {layout} failed: {run.stderr}")
    peak, design = run.stdout.split()[-2:]
    return Peak(case.name, engine, layout, float(peak), float(design))


def measure_here(engine: str, layout: str, case: Case) -> tuple[int, int]:
    """Return the bytes that a fit adds to this process at its peak, and those of the design."""
    fit = FITS[engine]
    small_codes, small = draw(SMALL)
    fit(small_codes, LAYOUTS[layout](small))
    codes, drawn = draw(case)
    x = LAYOUTS[layout](drawn)
    design = drawn.nbytes if layout in FRAMES else x.nbytes
    del drawn
    release()
    before = read_status("VmRSS")
    (PROCESS / "clear_refs").write_text("5")
    kept = fit(codes, x)
    peak = read_status("VmHWM") - before
    del kept
    return peak, design


def release() -> None:
    """Give memory that is free back to the system, so that the fit has to ask for its own."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def read_status(name: str) -> int:
    """Return a number of bytes out of what the system tells of this process."""
    for line in (PROCESS / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"The system does not tell {name}.")


def main() -> None:
    """Measure one fit and print bytes."""
    engine, layout, kind, rows, columns, categories = sys.argv[1:]
    case = Case(kind, int(rows), int(columns), int(categories))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(*measure_here(engine, layout, case))


if __name__ == "__main__":
    main()

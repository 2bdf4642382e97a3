"""Fits by R packages, through Rscript; R times them itself."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SCRIPT = Path(__file__).with_name("peers.R")


@dataclass(frozen=True)
class FittedInR:
    """Seconds of a fit with its covariance, without reading the data, and what it reached."""

    seconds: float
    loglike: float


@lru_cache
def find_missing(package: str) -> str:
    """Return what is not installed, in words, or nothing."""
    program = shutil.which("Rscript")
    if program is None:
        return "Rscript is not installed"
    test = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
    found = subprocess.run([program, "-e", test], capture_output=True, check=False)
    return "" if found.returncode == 0 else f"the R package {package} is not installed"


def fit(package: str, codes: np.ndarray, x: np.ndarray) -> FittedInR:
    """Fit codes (n,) on columns (n, K) by nnet::multinom or VGAM::vglm."""
    rows, columns = x.shape
    with TemporaryDirectory() as folder:
        x.astype(np.float64).T.tofile(Path(folder, "x.bin"))
        codes.astype(np.int32).tofile(Path(folder, "codes.bin"))
        command = ["Rscript", str(SCRIPT), package, folder, str(rows), str(columns)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"Rscript failed: {run.stderr}")
    seconds, loglike = run.stdout.split()[-2:]
    return FittedInR(float(seconds), float(loglike))

"""Hand a case to a program in R, each in a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from tests.hostility.cases import Case
from tests.hostility.judge import Reply

SCRIPT = Path(__file__).with_name("programs.R")
# To start R and load the package.
START = 30


def ask(program: str, case: Case, seconds: int = 60) -> Reply:
    """Fit, with warnings taken down and a limit of time."""
    with TemporaryDirectory() as folder:
        write_case(case, Path(folder))
        command = ["Rscript", str(SCRIPT), folder, str(seconds), program]
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=seconds + START
            )
        except subprocess.TimeoutExpired:
            return Reply(late=True)
    return read_reply(case, run.stdout, run.stderr)


def write_case(case: Case, folder: Path) -> None:
    """Write what there is as csv."""
    files = {"y": case.endog, "x": case.exog, "weights": case.weights, "offset": case.offset}
    files |= {"new": case.new, "extra": pd.DataFrame(dict(case.extra)) if case.extra else None}
    if isinstance(getattr(case.endog, "dtype", None), pd.CategoricalDtype):
        files["levels"] = case.endog.cat.categories
    for name, values in files.items():
        if values is not None:
            path = folder / f"{name}.csv"
            pd.DataFrame(values).to_csv(path, index=False, na_rep="NA", float_format="%.17g")
    if case.factor:
        (folder / "factor").touch()


def read_reply(case: Case, output: str, told: str) -> Reply:
    """Read what the script printed."""
    lines = [line.partition(" ") for line in output.splitlines()]
    said = tuple(rest for kind, _, rest in lines if kind == "warning")
    error = " ".join(rest for kind, _, rest in lines if kind == "error")
    found = [np.array(rest.replace("NA", "nan").split(), float) for kind, _, rest in lines
             if kind == "numbers"]  # fmt: skip
    if "reached elapsed time limit" in error + told:
        return Reply(late=True)
    if error or not found:
        return Reply(error=error or told.strip() or "no answer", warnings=said)
    if case.new is not None:
        return Reply(found[0].reshape(len(case.new), -1), None, said)
    shape = (-1, pd.DataFrame(case.exog).shape[1])
    try:
        shaped = [numbers.reshape(shape).T for numbers in found]
    except ValueError:  # A text became as many columns as it has values.
        shaped = [numbers[np.newaxis] for numbers in found]
    return Reply(shaped[0], shaped[1] if len(shaped) > 1 else None, said)

"""Time statsmodels' MNLogit and the class that takes its place, in turns on the same data.

    python -m tests.benchmarks.dropin [--repeats 5] [--only "100000"] [--output TABLE.md]

Timed is what a user writes: construction, ``fit(disp=0)``, ``bse`` and ``llnull`` and, in a line
of its own, ``get_margeff()``. Both classes must reach the same log-likelihood within 1e-9 and
standard errors within 1e-5 of each other, relative, or the run stops. Times are medians of as
many turns as ``--repeats`` says; a run of more than eight seconds is done once.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import statsmodels.api as sm
from statsmodels.discrete.discrete_model import MNLogit as Theirs

from mlelogit.bridges.statsmodels import MNLogit as Ours
from tests.benchmarks.cases import Case, draw
from tests.benchmarks.entrants import Entrant
from tests.benchmarks.timing import Timer, take_turns

SAME_LOGLIKE = 1e-9
SAME_ERRORS = 1e-5
SHAPES = ((100_000, 10, 5), (1_000_000, 10, 5))
HEADER = "| data | what | statsmodels | drop-in | ratio |"


@dataclass(frozen=True)
class Job:
    """A shape of data, and what is timed on it."""

    data: str
    what: str
    make: Callable[[], tuple[Any, Any]]
    run: Callable[[Any, Any, Any], np.ndarray]


def load_anes() -> tuple[Any, Any]:
    """Return statsmodels' own example: 944 rows, 6 columns, 7 categories."""
    data = sm.datasets.anes96.load_pandas()
    return data.endog, sm.add_constant(data.exog)


def fit(kind: Any, endog: Any, exog: Any) -> np.ndarray:
    """Fit, and return the log-likelihood and the standard errors."""
    res = kind(endog, exog).fit(disp=0)
    return np.concatenate([[res.llf], np.ravel(res.bse)])


def fit_with_null(kind: Any, endog: Any, exog: Any) -> np.ndarray:
    """Fit and make the table, which needs the null model too."""
    res = kind(endog, exog).fit(disp=0)
    res.summary()
    return np.concatenate([[res.llf], np.ravel(res.bse)])


def average(kind: Any, endog: Any, exog: Any) -> np.ndarray:
    """Fit and average the marginal effects."""
    res = kind(endog, exog).fit(disp=0)
    return np.concatenate([[res.llf], np.ravel(res.get_margeff().margeff_se)])


def list_jobs() -> list[Job]:
    """Return what is timed."""
    jobs = [Job("anes96, 944 x 6, J=7", what, load_anes, run) for what, run in WHAT.items()]
    for rows, columns, categories in SHAPES:
        case = Case("raw", rows, columns, categories)
        name = f"{rows} x {columns}, J={categories}"
        jobs += [Job(name, what, lambda case=case: draw(case), run) for what, run in WHAT.items()]
    return [job for job in jobs if (job.what, job.data) not in SKIPPED]


WHAT = {"fit": fit, "fit, summary": fit_with_null, "fit, get_margeff": average}
# statsmodels' effects of a million rows take some 15 GB.
SKIPPED = [("fit, get_margeff", "1000000 x 10, J=5")]


def run_job(job: Job, repeats: int) -> str:
    """Time both classes in turns, compare what they found, and return a line of the table."""
    endog, exog = job.make()
    entrants = [
        Entrant(name, lambda kind=kind: job.run(kind, endog, exog), lambda answer: answer[0])
        for name, kind in (("statsmodels", Theirs), ("drop-in", Ours))
    ]
    timers = [Timer(entrant) for entrant in entrants]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        take_turns(timers, repeats)
    theirs, ours = (timer.answer for timer in timers)
    off = abs(theirs[0] - ours[0]) / abs(ours[0]), np.abs(theirs[1:] / ours[1:] - 1).max()
    if off[0] > SAME_LOGLIKE or off[1] > SAME_ERRORS:
        raise RuntimeError(f"{job.data}, {job.what}: log-likelihood and errors differ by {off}.")
    slow, fast = (timer.median for timer in timers)
    return f"| {job.data} | {job.what} | {slow:.4g} s | {fast:.4g} s | {slow / fast:.3g} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.dropin", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--repeats", type=int, default=5, help="turns, 5 if not given")
    parser.add_argument("--only", default="", help="data whose name holds this")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    lines = [HEADER, "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for job in list_jobs():
        if options.only in job.data:
            lines.append(run_job(job, options.repeats))
            print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Time whole fits against peers' fits, in turns; measure memory; draw the picture.

    python -m tests.benchmarks [--repeats 5] [--only "raw 100000"] [--slow] [--alone]
                               [--output TABLE.md] [--plot PICTURE.png]
    python -m tests.benchmarks --memory [--output TABLE.md]

Here a fit includes construction, covariance and null model. Every answer is checked:
this package's certificate must bound its error below 1e-6 standard errors and its
log-likelihood must be no lower than any peer's, or the run stops; a peer that ends lower by
more than 1e-6, relative, is marked as not finished. Times are medians of as many turns as
``--repeats`` says, after one warm-up; a fit of more than eight seconds is run once. Peers
that are not installed are named in the table. ``--slow`` adds what takes minutes, ``--alone``
leaves the peers out, ``--only`` takes the tasks whose name holds a text.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.limit import measure_rate
from tests.benchmarks.memory import CASE, RUNS, measure_peak
from tests.benchmarks.sweeps import SWEEPS, run_sweep
from tests.benchmarks.tables import PEAKS, TIMES, lay_header, lay_line, tell_peak, tell_row
from tests.benchmarks.tasks import list_plans
from tests.benchmarks.timing import Row, run_task

Lines = Iterator[str]


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--repeats", type=int, default=5, help="turns, 5 if not given")
    parser.add_argument("--only", default="", help="run the tasks whose name holds this")
    parser.add_argument("--slow", action="store_true", help="also run what takes minutes")
    parser.add_argument("--alone", action="store_true", help="leave the peers out")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    parser.add_argument("--plot", type=Path, help="also draw the picture into this file")
    options = parser.parse_args(arguments)
    if options.plot and not find_spec("matplotlib"):
        parser.error("--plot needs matplotlib")
    return options


def time_tasks(options: argparse.Namespace, rate: float, rows: list[Row]) -> Lines:
    """Run the tasks asked for, keep their rows and yield the lines of the table as they come."""
    yield lay_header(TIMES)
    for plan in list_plans(options.slow):
        if options.only in plan.name:
            task = plan.make()
            found = run_task(replace(task, peers=()) if options.alone else task, options.repeats)
            rows += found
            yield from (lay_line(tell_row(row, rate)) for row in found)


def measure_memory() -> Lines:
    """Measure every engine's peak and yield the lines of the table as they come."""
    yield lay_header(PEAKS)
    for engine, layout in RUNS:
        yield lay_line(tell_peak(measure_peak(engine, layout, CASE)))


def plot(path: Path, rows: list[Row], rate: float, repeats: int) -> None:
    """Time along n, K and J, and draw the picture."""
    from tests.benchmarks.figure import draw_figure

    draw_figure([(sweep, run_sweep(sweep, repeats)) for sweep in SWEEPS], rows, rate, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    options = parse(arguments)
    rate = float("nan") if options.memory else measure_rate()
    rows: list[Row] = []
    lines = []
    for line in measure_memory() if options.memory else time_tasks(options, rate, rows):
        print(line, flush=True)
        lines.append(line)
    if options.output:
        options.output.write_text("\n".join([*lines, ""]), encoding="utf-8")
    if options.plot and not options.memory:
        plot(options.plot, rows, rate, options.repeats)


if __name__ == "__main__":
    main()

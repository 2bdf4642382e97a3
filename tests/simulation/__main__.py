"""Coverage of 95 % intervals and size of tests at 5 %, by simulation.

    python -m tests.simulation [--replications 2000] [--seed 0] [--output SIMULATION.md]

Samples of 60, 200 and 1000 people are drawn from a known model (``tests/simulation/study.py``)
and fitted. Monte Carlo standard errors are in parentheses. A sample without a finite maximum has
no interval, no Wald and no likelihood-ratio test; it is counted, and left out of these columns.
Its score test is counted: that needs no maximum of the larger model. Ctrl-C ends the study and
shows what was found until then. There is a progress bar on a terminal.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from tests.simulation.study import METHODS, Outcome, draw_samples, examine, is_available
from tests.simulation.tables import Row, tell_header, tell_missing, tell_row

SIZES = (60, 200, 1000)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--replications", type=int, default=2000, help="samples of each size")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other samples")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    if options.replications < 1 or options.seed < 0:
        parser.error("--replications must be positive, --seed not negative")
    return options


def run_size(rows: int, replications: int, seed: int) -> tuple[dict[str, list[Outcome]], bool]:
    """Examine samples of one size by every method there is; tell also whether all were done."""
    found: dict[str, list[Outcome]] = {name: [] for name in METHODS if is_available(name)}
    samples = draw_samples(rows, replications, seed)
    try:
        for sample in tqdm(samples, f"n = {rows}", replications, disable=None):
            outcomes = {name: examine(sample, name) for name in found}
            for name, outcome in outcomes.items():
                found[name].append(outcome)
    except KeyboardInterrupt:
        return found, False
    return found, True


def tell_size(rows: int, found: dict[str, list[Outcome]]) -> list[str]:
    """Write the lines of one size, for the methods there are and those there are not."""
    return [
        tell_row(Row(rows, name, found[name])) if name in found else tell_missing(rows, name)
        for name in METHODS
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study and print its table."""
    options = parse(arguments)
    lines = [tell_header()]
    print(lines[0], flush=True)
    for rows in SIZES:
        found, done = run_size(rows, options.replications, options.seed)
        told = tell_size(rows, found)
        print("\n".join(told), flush=True)
        lines += told
        if not done:
            break
    if options.output:
        options.output.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()

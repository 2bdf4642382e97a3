"""Hand hostile inputs to this package and its peers, and judge what they do by stated rules.

    python -m tests.hostility [--only "NaN"] [--alone] [--output docs/comparison/hostile_input.md]

A verdict is *right*: all numbers that were given are those of the independent answer; *error* or
*warning*: something named the matter; *error?*, *warning?*: something else was said; *silent*:
wrong numbers, and not a word; *too long*: stopped. `--output` writes between the markers of a file
that has them. What is not installed is named and left out. Takes some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.rpeers import find_missing
from tests.hostility import programs, rprograms, tables
from tests.hostility.cases import ALL, PYTHON, Case, R, list_cases
from tests.hostility.judge import SILENT, Reply, judge


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.hostility", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", default="", help="take the cases whose name holds this")
    parser.add_argument("--alone", action="store_true", help="leave the other programs out")
    parser.add_argument("--seconds", type=int, default=60, help="after which a fit is stopped")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    return parser.parse_args(arguments)


def list_programs(alone: bool) -> list[str]:
    """Return the programs that are installed, and print what is not."""
    if alone:
        return ["mlelogit"]
    kept = list(PYTHON)
    for name in R:
        if why := find_missing(name):
            print(f"{name} is left out: {why}", flush=True)
        else:
            kept.append(name)
    return kept


def ask(program: str, case: Case, seconds: int) -> Reply:
    """Hand a case to a program of either language."""
    home = rprograms if program in R else programs
    return home.ask(program, case, seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    options = parse(arguments)
    asked = list_programs(options.alone)
    cases = [case for case in list_cases() if options.only in case.name]
    judged: list[dict[str, str]] = []
    silent: dict[str, list[str]] = {name: [] for name in ALL}
    for case in cases:
        verdicts = {}
        for name in (name for name in case.programs if name in asked):
            reply = ask(name, case, options.seconds)
            verdicts[name] = judge(case, reply)
            if verdicts[name] == SILENT and case.truth is not None:
                silent[name].append(tables.tell_silent(case, name, reply))
        print(f"{case.name}: {verdicts}", flush=True)
        judged.append(verdicts)
    parts = [tables.tell_versions(tables.list_versions()), tables.lay_verdicts(cases, judged)]
    parts += [tables.lay_counts(judged), tables.FAR_OFF]
    text = "\n\n".join([*parts, "\n".join(line for lines in silent.values() for line in lines)])
    print(text)
    if options.output:
        tables.write_between(options.output, text)


if __name__ == "__main__":
    main()

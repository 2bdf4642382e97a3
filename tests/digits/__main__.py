"""Count the correct digits of whole fits, this package's and its peers'.

    python -m tests.digits [--only "year"] [--alone] [--output DIGITS.md]
    python -m tests.digits --regenerate [--only "year"]

Every case has an answer of fifty digits, made by Newton's method in mpmath from the same
doubles that every engine is given, and stored in truth.json; ``--regenerate`` makes the answers
anew, in some minutes. A cell holds the fewest correct digits among the coefficients, among
their standard errors, and those of the log-likelihood; a dash stands for what an engine does not
tell. Peers are run with their defaults and with the tightest settings they have, and the better
answer counts. ``--only`` takes the cases whose name holds a text, ``--alone`` leaves the peers out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.digits.cases import Case, list_cases
from tests.digits.measure import Digits, measure
from tests.digits.peers import OURS, PEERS, Answer, Engine
from tests.digits.reference import Truth, find_truth, load_truths, solve_exactly, store_truths
from tests.digits.tables import Row, tell_header, tell_row


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m tests.digits", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", default="", help="take the cases whose name holds this")
    parser.add_argument("--alone", action="store_true", help="leave the peers out")
    parser.add_argument("--regenerate", action="store_true", help="make the stored answers anew")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    return parser.parse_args(arguments)


def run_peer(peer: Engine, case: Case, truth: Truth) -> Digits | str:
    """Return the digits of a peer's better answer, or in words why it has none."""
    if missing := peer.missing():
        return missing
    answers = [peer.try_case(case, tight) for tight in (True, False)]
    counted = [measure(answer, truth) for answer in answers if isinstance(answer, Answer)]
    if not counted:
        return str(answers[-1])
    return max(counted, key=lambda digits: (digits.fewest, digits.params))


def run_case(case: Case, peers: Sequence[Engine] = PEERS) -> Row:
    """Fit a case by this package and its peers, and count digits."""
    truth = find_truth(case)
    ours = OURS.try_case(case)
    if isinstance(ours, str):
        raise RuntimeError(f"This package does not fit {case.name}: {ours}")
    counted = {peer.name: run_peer(peer, case, truth) for peer in peers}
    return Row(case, truth.condition, measure(ours, truth), counted)


def tabulate(cases: Sequence[Case], peers: Sequence[Engine]) -> Iterator[str]:
    """Yield the lines of the table as they come."""
    yield tell_header([peer.name for peer in peers])
    yield from (tell_row(run_case(case, peers)) for case in cases)


def regenerate(chosen: Sequence[Case]) -> None:
    """Make answers anew, keep the others, and drop those of cases that are gone."""
    truths = dict(load_truths())
    for case in chosen:
        truths[case.name] = solve_exactly(case)
        print(f"{case.name}: {truths[case.name].loglike}", flush=True)
    kept = [case.name for case in list_cases() if case.name in truths]
    store_truths((name, truths[name]) for name in kept)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    options = parse(arguments)
    cases = [case for case in list_cases() if options.only in case.name]
    if options.regenerate:
        regenerate(cases)
        return
    lines = []
    for line in tabulate(cases, () if options.alone else PEERS):
        print(line, flush=True)
        lines.append(line)
    if options.output:
        options.output.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()

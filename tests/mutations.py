"""Break the package on purpose, one way at a time, and see that a test notices.

Run it from the root of the project::

    python -m tests.mutations            # all; exits with 1 if a mutation survives
    python -m tests.mutations "p-values of one tail"

Each mutation replaces a function of the package in a process of its own, which
then runs `TESTS` and stops at the first failure. Without a mutation they must
pass, and that is checked first.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

TESTS = ["tests/theorems", "tests/fitting/test_likelihood.py", "tests/inference"]
TESTS += ["tests/fitting/test_certificate.py::test_log_odds_error_bounds_every_log_odds"]
TESTS += ["tests/fitting/test_certificate.py::test_bounds_hold_at_random_points"]
TESTS += ["tests/interpretation", "tests/test_results.py"]
SUMS = "mlelogit.fitting.likelihood"
OBJECTIVE = "mlelogit.fitting.objective"
COVARIANCE = "mlelogit.inference.covariance"


def scale_score(sums: Any) -> Any:
    return sums if sums.score is None else replace(sums, score=1.001 * sums.score)


def scale_information(sums: Any) -> Any:
    return sums if sums.information is None else replace(sums, information=1.1 * sums.information)


def after(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a mutation that changes what a function returns."""
    return lambda function: lambda *args, **kwargs: change(function(*args, **kwargs))


def without_weights(_: Any) -> Any:
    """Mutate `weigh`: values stay as they are."""
    return lambda block, values: values


def next_base(function: Any) -> Any:
    """Mutate `predict_scores`: the zero stands one place too far on."""

    def mutated(x: Any, params: Any, base: int, offset: Any, *out: Any) -> Any:
        size = len(params) // x.shape[0] + 1
        return function(x, params, (base + 1) % size, offset, *out)

    return mutated


def next_category(function: Any) -> Any:
    """Mutate `find_base`: the category after the one asked for."""
    return lambda base, categories: (function(base, categories) + 1) % len(categories)


def without_offset(function: Any) -> Any:
    return lambda x, params, base, offset, *out: function(x, params, base, None, *out)


def weights_once(function: Any) -> Any:
    """Mutate `sum_meat`: sampling weights enter once, as frequencies do."""
    return lambda block, params, base, squared, *turn: function(block, params, base, False, *turn)


def rows_not_people(function: Any) -> Any:
    """Mutate `sum_meat`: a row of counts is a single observation."""
    return lambda block, *args: function(replace(block, counted=False), *args)


def same_zero(function: Any) -> Any:
    """Mutate `change_base`: the new base's equation is not subtracted."""

    def mutated(encoding: Any, base: int) -> Any:
        return np.eye(len(encoding.others)) + 0 * function(encoding, base)

    return mutated


MUTATIONS: dict[str, list[tuple[str, str, Callable[[Any], Any]]]] = {
    "score x 1.001": [(OBJECTIVE, "sum_block", after(scale_score))],
    "information x 1.1": [(OBJECTIVE, "sum_block", after(scale_information))],
    "weights ignored in the likelihood": [(SUMS, "weigh", without_weights)],
    "weights ignored in the blocks": [
        ("mlelogit.data.blocks", "cut_block", after(lambda block: replace(block, weights=None)))
    ],
    "base off by one in the scores": [
        (SUMS, "predict_scores", next_base),
        ("mlelogit.interpretation.points", "predict_scores", next_base),
    ],
    "base off by one in the encoding": [("mlelogit.data.design", "find_base", next_category)],
    "base off by one in rebase": [("mlelogit.results", "find_base", next_category)],
    "rebase keeps the old equations": [("mlelogit.inference.rebase", "change_base", same_zero)],
    "offset ignored": [(SUMS, "predict_scores", without_offset)],
    "sampling weights not squared": [(OBJECTIVE, "sum_meat", weights_once)],
    "a row of counts is one observation": [(OBJECTIVE, "sum_meat", rows_not_people)],
    "robust without its factor": [
        (COVARIANCE, "_find_correction", after(lambda found: (1.0, found[1])))
    ],
    "p-values of one tail": [
        ("mlelogit.inference.coefficients", "two_sided_p", after(lambda p: p / 2))
    ],
    "D too small by half": [
        (
            OBJECTIVE,
            "find_largest_quadratic",
            after(lambda found: replace(found, value=found.value / 4)),
        )
    ],
    "nobs is the number of rows": [
        ("mlelogit.fitting.estimation", "total_observations", lambda _: lambda d: len(d.index))
    ],
}


def mutate(name: str) -> None:
    """Replace the functions of a mutation, and let hypothesis skip its shrinking."""
    from hypothesis import Phase, settings

    from tests.theorems import strategies

    strategies.THEOREM = settings(strategies.THEOREM, phases=[Phase.explicit, Phase.generate])
    for module, function, change in MUTATIONS.get(name, []):
        home = importlib.import_module(module)
        setattr(home, function, change(getattr(home, function)))


def run_mutated(name: str) -> int:
    """Run the tests in this process under a mutation."""
    import pytest

    class Mutator:
        def pytest_configure(self) -> None:
            mutate(name)

    options = ["-x", "-q", "-W", "error", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, *TESTS], plugins=[Mutator()]))


def first_failure(name: str) -> str | None:
    """Run a mutation in its own process; return the first test that fails, if one does."""
    command = [sys.executable, "-m", "tests.mutations", "--inside", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if done.returncode == 0:
        return None
    return failed[1] if failed else f"exit status {done.returncode}: {done.stderr[-300:]}"


def main(asked: list[str]) -> int:
    """Print which test notices each mutation; return 1 if one is not noticed."""
    broken = first_failure("none")
    if broken:
        print(f"Without a mutation {broken} fails already.")
        return 2
    survivors = 0
    for name in asked or MUTATIONS:
        found = first_failure(name)
        survivors += found is None
        print(f"{name:38} {found or 'SURVIVES'}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(run_mutated(sys.argv[2]))
    sys.exit(main(sys.argv[1:]))

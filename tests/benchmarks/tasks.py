"""The tasks of the benchmark, made one at a time because their data are large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks import anes
from tests.benchmarks.cases import CASES, Case, count_flops, draw, draw_factors, draw_groups
from tests.benchmarks.entrants import (
    PEERS,
    Task,
    enter_ours,
    enter_statsmodels,
    read_bound,
)


@dataclass(frozen=True)
class Plan:
    """A task to be made, by name.

    Attributes
    ----------
    name : str
    make : callable
        Draws the data and returns the task.
    slow : bool
        Whether to run it only when asked to.
    """

    name: str
    make: Callable[[], Task]
    slow: bool = False


def make_task(case: Case) -> Task:
    """Draw a case and enter its peers."""
    codes, x = draw(case)
    peers = tuple(PEERS[name](codes, x, target) for name, target in case.peers)
    return Task(case.name, case.flops, enter_ours(codes, x), read_bound, peers)


def make_groups(rows: int = 4000, categories: int = 200, against: bool = False) -> Task:
    """Make many categories on one dummy, where the shares in the two groups are the answer."""
    codes, x = draw_groups(rows, categories)
    peers = (enter_statsmodels(codes, x, None),) if against else ()
    return Task(
        f"dummy {rows} x 2, J={categories}",
        count_flops(rows, 2, categories),
        enter_ours(codes, x),
        read_bound,
        peers,
        seconds=1.0,
        known=reach_shares(codes, x),
    )


def reach_shares(codes: np.ndarray, x: np.ndarray) -> float:
    """Return the maximum in closed form: ``Σ_gk n_gk log(n_gk / n_g)`` over two groups."""
    counts = np.array([np.bincount(codes[x[:, 1] == group]) for group in (0, 1)])
    return float((counts * np.log(counts / counts.sum(axis=1, keepdims=True))).sum())


def make_factors(rows: int = 200_000, levels: int = 300, categories: int = 4) -> Task:
    """Make a sparse design of two factors."""
    codes, x = draw_factors(rows, levels, categories)
    return Task(
        f"sparse {rows} x {x.shape[1]} (two factors of {levels} levels), J={categories}",
        float("nan"),
        enter_ours(codes, x),
        read_bound,
        seconds=10.0,
    )


def list_plans(slow: bool) -> list[Plan]:
    """Return the tasks, those that take minutes only if asked to."""
    groups: Callable[..., Any] = partial(make_groups, against=slow)
    plans = [
        *(Plan(case.name, partial(make_task, case), case.slow) for case in CASES),
        Plan("ANES fit", anes.make_fit),
        Plan("ANES summary", anes.make_summary),
        Plan("ANES bootstrap", anes.make_bootstrap),
        Plan("dummy", groups),
        Plan("sparse", make_factors),
    ]
    return [plan for plan in plans if slow or not plan.slow]

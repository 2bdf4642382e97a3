"""Times along one of n, K and J, for the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.benchmarks.cases import Case
from tests.benchmarks.tasks import make_task
from tests.benchmarks.timing import run_task

PATIENCE = 4.0
BASE = Case("raw", 50_000, 21, 5)
PEERS = ("sklearn newton-cholesky", "statsmodels newton")


@dataclass(frozen=True)
class Sweep:
    """Sizes to try.

    Attributes
    ----------
    axis : str
        "rows", "columns" or "categories".
    values : tuple of int
    base : Case
        The other sizes.
    """

    axis: str
    values: tuple[int, ...]
    base: Case = BASE


SWEEPS = (
    Sweep("rows", (10_000, 30_000, 100_000, 300_000, 1_000_000)),
    Sweep("columns", (6, 11, 21, 51, 101)),
    Sweep("categories", (3, 5, 10, 20, 30)),
)


@dataclass
class Curve:
    """Seconds of one engine along a sweep."""

    values: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def run_sweep(sweep: Sweep, repeats: int = 3, peers: Sequence[str] = PEERS) -> dict[str, Curve]:
    """Time every size; peers that take long leave, fits that have not finished are left out."""
    curves = {name: Curve() for name in ("mlelogit", *peers)}
    left = list(peers)
    for value in sweep.values:
        entered = tuple((name, None) for name in left)
        sizes: dict[str, Any] = {sweep.axis: value}
        case = replace(sweep.base, peers=entered, **sizes)
        rows = run_task(make_task(case), repeats)
        add_point(curves["mlelogit"], value, rows[0].ours)
        for row in rows:
            if row.peer and row.finished:
                add_point(curves[row.peer], value, row.seconds)
            if row.skipped or row.seconds > PATIENCE:
                left.remove(row.peer)
    return curves


def add_point(curve: Curve, value: int, seconds: float) -> None:
    """Add a point to a curve."""
    curve.values.append(value)
    curve.seconds.append(seconds)

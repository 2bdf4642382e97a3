"""Time this package and its peers in turns, and check that all reached the same maximum."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.benchmarks.entrants import Entrant, Task

SLOW = 8.0
LONG_ENOUGH = 0.05
MOST_AT_ONCE = 20
FINISHED = 1e-6
EQUAL = 1e-9


@dataclass
class Timer:
    """An entrant, its last answer and its times.

    Attributes
    ----------
    entrant : Entrant
    answer : object
    seconds : list of float
    batch : int
        How many runs make one time, so that short ones are timed well.
    slow : bool
        Whether its first run was so long that it is the only one.
    """

    entrant: Entrant
    answer: Any = None
    seconds: list[float] = field(default_factory=list)
    batch: int = 1
    slow: bool = False

    def warm_up(self) -> None:
        """Run once, and once more to decide how often to run: the first imports modules."""
        self.run()
        self.slow = self.seconds[0] > SLOW
        if self.slow:
            return
        if self.entrant.clock is None:
            self.run()
            self.batch = int(np.clip(LONG_ENOUGH / self.seconds[1], 1, MOST_AT_ONCE))
        self.seconds = []

    def run(self) -> None:
        """Take one time."""
        entrant = self.entrant
        start = time.perf_counter()
        for _ in range(self.batch):
            self.answer = entrant.run()
        seconds = (time.perf_counter() - start) / self.batch
        if entrant.clock is not None:
            seconds = entrant.clock(self.answer)
        self.seconds.append(seconds / entrant.share)

    @property
    def median(self) -> float:
        """Median of the times."""
        return float(np.median(self.seconds))


@dataclass(frozen=True)
class Row:
    """What came of this package and one peer on one task.

    Attributes
    ----------
    task : str
    ours : float
        Seconds.
    bound : float
        Error bound of our answer, in standard errors.
    flops : float
        Of the limit.
    goal : float or None
        Seconds asked for.
    peer : str
        Empty if there is none.
    seconds : float
        The peer's; NaN if it was skipped or takes none.
    target : float or None
        Ratio asked for.
    short : float
        How far the peer's log-likelihood is below ours, relative to ours.
    skipped : str
        Why the peer was skipped; empty if not.
    """

    task: str
    ours: float
    bound: float
    flops: float
    goal: float | None
    peer: str = ""
    seconds: float = np.nan
    target: float | None = None
    short: float = np.nan
    skipped: str = ""

    @property
    def ratio(self) -> float:
        """How many times faster this package is."""
        return self.seconds / self.ours

    @property
    def finished(self) -> bool:
        """Whether the peer reached the maximum."""
        return bool(abs(self.short) <= FINISHED)


def run_task(task: Task, repeats: int) -> list[Row]:
    """Time a task, this package and its peers in turns; return a row for each peer.

    Raises
    ------
    RuntimeError
        If this package's answer is not certified, or a peer's is better.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        present = [peer for peer in task.peers if not peer.missing]
        timers = [Timer(entrant) for entrant in (task.ours, *present)]
        take_turns(timers, repeats)
        reached = [timer.entrant.judge(timer.answer) for timer in timers]
        bound = task.bound(timers[0].answer)
    check_reached(task, reached)
    row = Row(task.name, timers[0].median, bound, task.flops, task.seconds)
    return list_rows(row, task, timers, reached)


def list_rows(row: Row, task: Task, timers: list[Timer], reached: list[float]) -> list[Row]:
    """Return a row for each peer, run or skipped, and for the closed form; else the row alone."""
    best, *others = reached
    rows = [
        replace(
            row,
            peer=timer.entrant.name,
            seconds=timer.median,
            target=timer.entrant.target,
            short=fall_short(best, other),
        )
        for timer, other in zip(timers[1:], others, strict=True)
    ]
    if task.known is not None:
        rows.append(replace(row, peer="closed form", short=fall_short(best, task.known)))
    rows += [
        replace(row, peer=peer.name, target=peer.target, skipped=peer.missing)
        for peer in task.peers
        if peer.missing
    ]
    return rows or [row]


def take_turns(timers: list[Timer], repeats: int) -> None:
    """Warm every entrant up, then run one after the other, again and again."""
    for timer in timers:
        timer.warm_up()
    for _ in range(repeats):
        for timer in timers:
            if not timer.slow:
                timer.run()


def fall_short(best: float, other: float) -> float:
    """Return how far a log-likelihood is below another, relative to it."""
    return (best - other) / abs(best)


def check_reached(task: Task, reached: list[float]) -> None:
    """Raise if this package's log-likelihood is below anyone's."""
    best, *others = reached if task.known is None else [*reached, task.known]
    for other in others:
        if fall_short(best, other) < -EQUAL:
            raise RuntimeError(f"{task.name}: {best:.9g} reached here, {other:.9g} by a peer.")

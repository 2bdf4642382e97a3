"""Fisher scoring: bring an adjusted score, which need be no gradient, to zero."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lstsq

from mlelogit.fitting.climb import Climb
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.whitening import DenseWhitening

# From this length on, in standard errors, extrapolation is worth its passes.
NEAR_ENOUGH = 0.1
SOLVED = 1e-11
# Steps that each extrapolation looks back on; more are all but dependent.
REMEMBERED = 10
DEPENDENT = 1e-10
# An extrapolation that gains no more than this has lost its way.
SHORTER = 0.9
# Half of this many standard errors is a step in which the information hardly changes.
NO_FURTHER = 1.0
# Of a step whose end has no regular information: 2**-12 of it hardly leaves where it began.
HALVINGS = 12
# Steps between extrapolations, once one has failed: as many as it looks back on.
RESTED = REMEMBERED
# A hundred steps can lead out of every bend seen; below the tolerance five tell rounding.
PATIENCE = 100
ROUNDED_PATIENCE = 5


@dataclass(frozen=True)
class Point:
    """Where the scoring stands.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    sums : Sums
        Penalized log-likelihood, its gradient and the information.
    root : DenseWhitening
        That of the information.
    step : numpy.ndarray
        The step to take (P,): V times the adjusted score u, over `stiffness`.
    length : float
        The length of u in standard errors, ``sqrt(u' V u)``.
    """

    params: np.ndarray
    sums: Sums
    root: DenseWhitening
    step: np.ndarray
    length: float


class Extrapolation:
    """Anderson's acceleration of the steps of Fisher scoring.

    Of the last few points the combination is sought whose steps would cancel, as if steps
    were linear in the parameters (Anderson 1965; Walker and Ni 2011). Alone, scoring goes
    slowly where the data are separated: there the information is far from the slope of the
    adjusted score.
    """

    def __init__(self) -> None:
        self.moves: deque[np.ndarray] = deque(maxlen=REMEMBERED)
        self.changes: deque[np.ndarray] = deque(maxlen=REMEMBERED)
        self.rest = 0

    def add(self, old: Point, new: Point) -> None:
        """Remember a move and how the step changed by it."""
        self.moves.append(new.params - old.params)
        self.changes.append(new.step - old.step)

    def forget(self) -> None:
        """Forget all moves, and rest for some steps."""
        self.moves.clear()
        self.changes.clear()
        self.rest = RESTED

    def rests(self) -> bool:
        """Tell whether it rests, and count that."""
        self.rest -= 1
        return self.rest >= 0

    def find_step(self, point: Point) -> np.ndarray:
        """Return the step to the point at which the steps are expected to vanish."""
        if not self.moves:
            return point.step
        moves, changes = np.array(self.moves).T, np.array(self.changes).T
        turn = point.root.lower.T
        shares = lstsq(turn @ changes, turn @ point.step, cond=DEPENDENT, check_finite=False)[0]
        return point.step - (moves + changes) @ shares


def solve(
    climb: Climb, look: Callable[[np.ndarray], Point], rising: bool, goal: float = SOLVED
) -> Point:
    """Step on until the adjusted score is as short as its goal, or its rounding.

    Far away short steps of scoring lead to the solution although the adjusted score may grow
    longer on the way; near it extrapolated steps have to shorten it.

    Parameters
    ----------
    climb : Climb
        Where to start, whom to tell of every step, and when to stop.
    look : callable
        Returns the point at parameters (P,); of infinite length where there is none.
    rising : bool
        Whether the adjusted score is the gradient of what the points' sums hold as their
        log-likelihood, which extrapolated steps then must not lower.
    goal : float
        Length in standard errors.
    """
    best = point = look(climb.params)
    memory, waited = Extrapolation(), 0
    while best.length > goal and waited < _find_patience(climb, best) and not climb.over:
        old, point = point, _advance(climb, look, rising, point, memory)
        memory.add(old, point)
        waited += 1
        if point.length < best.length:
            best, waited = point, 0
        climb.params, climb.sums = point.params, point.sums
        climb.pass_on("scoring", point.length)
    if best is not point:
        climb.params, climb.sums = best.params, best.sums
        climb.note("scoring", best.params, best.sums, best.length)
    return best


def _find_patience(climb: Climb, best: Point) -> int:
    """Return how many steps may bring nothing better: few where rounding is what is left."""
    return ROUNDED_PATIENCE if best.length <= find_limit(climb) else PATIENCE


def find_limit(climb: Climb) -> float:
    """Return the length of an adjusted score that counts as zero."""
    return climb.tolerance * climb.errors.unit


def _advance(
    climb: Climb,
    look: Callable[[np.ndarray], Point],
    rising: bool,
    point: Point,
    memory: Extrapolation,
) -> Point:
    """Take an extrapolated step if that shortens the adjusted score, else a careful one."""
    if point.length <= NEAR_ENOUGH and not memory.rests():
        after = look(point.params + _shorten(climb, point, memory.find_step(point)))
        falls = rising and after.sums.loglike < point.sums.loglike - climb.rounding
        if after.length < SHORTER * point.length and not falls:
            return after
        memory.forget()
    step = _shorten(climb, point, point.step) / 2
    for _ in range(HALVINGS):
        after = look(point.params + step)
        if np.isfinite(after.length):
            return after
        step = step / 2
    return point


def _shorten(climb: Climb, point: Point, step: np.ndarray) -> np.ndarray:
    """Shorten a step to one in which the information hardly changes."""
    reach = float(np.linalg.norm(point.root.lower.T @ step)) * float(np.sqrt(find_stiffness(climb)))
    return step * min(1.0, NO_FURTHER / reach) if reach > 0 else step


def find_stiffness(climb: Climb) -> float:
    """Return how many times the information bends what is climbed, about.

    The penalty is worth some P observations: intercepts alone get half an observation
    added to every category.
    """
    return 1 + len(climb.params) / climb.sizes.total

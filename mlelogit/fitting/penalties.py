r"""Bias reduction: climb the penalized log-likelihood, then bring the adjusted score to zero.

"mean" maximizes ``l(θ) + 1/2 log det I(θ)`` (Firth 1993), which for this model, whose link is
canonical, is what the adjusted scores of Kosmidis and Firth (2011) solve. "median" solves the
adjusted scores of Kenne Pagui, Salvan and Sartori (2017), from the solution of "mean" on;
they are the gradient of no function. `mlelogit.fitting.adjustments` has the formulas,
`docs/derivations.md` how they follow.

Estimates are finite on separated data too: far out on the way to infinity the information
vanishes, and the penalty with it falls to minus infinity (Kosmidis and Firth 2021).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import lstsq

from mlelogit.exceptions import NotConvergedWarning
from mlelogit.fitting.adjustments import sum_mean_adjustment, sum_third_cumulants
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE, Rounding, RowSizes
from mlelogit.fitting.climb import Climb, Curvature, find_curvature
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import AdjustedScore, Maximum, Status
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import DEFAULT_MAXITER, climb_once, find_method
from mlelogit.fitting.whitening import DenseWhitening
from mlelogit.notices import warn_user

BIAS_REDUCTIONS = ("mean", "median")
# Score lengths: the climb's goal, where values still tell points apart and valleys have an end;
# and from where on extrapolation is worth its passes.
CLIMBED = 1e-3
NEAR_ENOUGH = 0.1
ROUNDS = 30
SOLVED = 1e-11
# Steps that each extrapolation looks back on; more are all but dependent.
REMEMBERED = 10
DEPENDENT = 1e-10
HALVINGS = 12
# Half of this many standard errors is a step in which the information hardly changes.
NO_FURTHER = 1.0
# A hundred steps can lead out of every bend seen; below the tolerance five tell rounding.
PATIENCE = 100
ROUNDED_PATIENCE = 5
# An extrapolation that gains no more than this has lost its way.
SHORTER = 0.9


@dataclass(frozen=True)
class PenalizedLogLikelihood:
    """``l(θ) + 1/2 log det I(θ)`` as a function to climb.

    Attributes
    ----------
    plain : LogLikelihood
    basis : ColumnBasis
        That of its parameters.
    """

    plain: LogLikelihood
    basis: ColumnBasis

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return its value, its gradient from order 1 on, and the information in any case."""
        sums = self.plain.evaluate(params, 2)
        curvature = find_curvature(np.asarray(sums.information))
        if curvature is None:
            return replace(sums, loglike=-np.inf)
        penalty = float(np.log(np.diag(curvature.root.lower)).sum()) + self.logarithm
        penalized = replace(sums, loglike=sums.loglike + penalty)
        if order == 0:
            return penalized
        covariance, outer, base = self._leave(params, curvature.inverse)
        added = self.plain.blocks.reduce(sum_mean_adjustment, outer, base, covariance).value
        if self.plain.basis is not None:
            added = self.plain.basis.enter_score(added)
        return replace(penalized, score=np.asarray(sums.score) + added)

    @cached_property
    def logarithm(self) -> float:
        """Half the log-determinant that the information gains in the columns of the design."""
        scales = np.log(np.abs(np.diag(self.basis.r))) + np.log(self.basis.scale)
        return float((self.plain.blocks.categories - 1) * scales.sum())

    def _leave(
        self, params: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Return V and params in the columns that the blocks come with, and the base."""
        basis, base = self.plain.basis, self.plain.base
        if basis is None:
            return covariance, params, base
        return basis.leave_covariance(covariance), basis.leave_params(params), base

    def shift_to_median(self, params: np.ndarray, curvature: Curvature) -> np.ndarray:
        """Return F (P,), the mean-reduced less the median-reduced step, in the basis.

        F belongs to the coefficients of the design's own columns, and is found for those:
        the median of a combination of estimates is not that combination of medians.
        """
        width, size = self.plain.blocks.width, len(params)
        inverse = curvature.inverse.reshape(size, -1, width)
        rows = np.ascontiguousarray(self.basis.leave_params(inverse).reshape(size, size).T)
        mapped = self.basis.leave_params(rows.reshape(size, -1, width)).reshape(size, size)
        if self.plain.basis is not None:
            rows, params = mapped, self.plain.basis.leave_params(params)
        cumulants = self.plain.blocks.reduce(sum_third_cumulants, params, self.plain.base, rows)
        shift = cumulants.value / (3 * np.diag(mapped))
        return self.basis.enter_params(shift.reshape(-1, width)).ravel()

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        """Bound the largest standard error of any log-odds at any row."""
        return self.plain.bound_log_odds_error(covariance)

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass over the rows."""
        return self.plain.bound_log_odds_coarsely(covariance, sizes)

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are."""
        return self.plain.measure_rows()

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""
        return self.plain.bound_rounding(sizes)


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
        V times the adjusted score u (P,): the step of Fisher scoring.
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

    def add(self, old: Point, new: Point) -> None:
        """Remember a move and how the step changed by it."""
        self.moves.append(new.params - old.params)
        self.changes.append(new.step - old.step)

    def forget(self) -> None:
        """Forget all moves."""
        self.moves.clear()
        self.changes.clear()

    def find_step(self, point: Point) -> np.ndarray:
        """Return the step to the point at which the steps are expected to vanish."""
        if not self.moves:
            return point.step
        moves, changes = np.array(self.moves).T, np.array(self.changes).T
        turn = point.root.lower.T
        shares = lstsq(turn @ changes, turn @ point.step, cond=DEPENDENT, check_finite=False)[0]
        return point.step - (moves + changes) @ shares


def reduce_bias(
    objective: PenalizedLogLikelihood,
    kind: str,
    start: np.ndarray,
    method: str = "auto",
    maxiter: int | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    callback: Callable[[np.ndarray], Any] | None = None,
) -> Maximum:
    """Find the bias-reduced estimates.

    Parameters
    ----------
    objective : PenalizedLogLikelihood
    kind : {"mean", "median"}
    start : numpy.ndarray
        (P,).
    method : str
        How the penalized log-likelihood is climbed, as for `maximize`; "auto" is L-BFGS-B.
    maxiter : int, optional
        Iterations in all, `DEFAULT_MAXITER` if not given.
    tolerance : float
        Longest adjusted score, in standard errors, that counts as converged.
    callback : callable, optional
        Called with the parameters after every iteration; a true answer stops.

    Returns
    -------
    Maximum
        Its sums and certificate are those of the log-likelihood itself; its trace's are the
        penalized one's.
    """
    chosen = "L-BFGS-B" if method == "auto" else find_method(method, len(start))
    climb = Climb(objective, start, maxiter or DEFAULT_MAXITER, tolerance, callback)
    _climb(climb, chosen)
    if kind == "median":
        _solve(climb, objective, "mean", NEAR_ENOUGH)
    last = _solve(climb, objective, kind, SOLVED)
    plain = Climb(objective.plain, climb.params, 1, tolerance, None)
    plain.certify()
    return replace(
        climb.finish(chosen),
        status=_judge(climb, last.length),
        certificate=plain.certificate,
        sums=plain.sums,
        inverse=None if plain.curvature is None else plain.curvature.inverse,
        adjusted=AdjustedScore(
            kind, last.length, tolerance, last.sums.loglike if kind == "mean" else np.nan
        ),
    )


def _climb(climb: Climb, method: str) -> None:
    """Climb by scipy.optimize, whitening anew each round, to where scoring leads on."""
    goal = max(CLIMBED, 4 * float(np.sqrt(climb.rounding)))
    for _ in range(ROUNDS):
        begun = climb.params
        climb_once(climb, method, goal)
        climb.whiten_by(climb.whiten())
        length = climb.measure_length(climb.sums, climb.whitening)
        if climb.over or length <= goal or np.array_equal(climb.params, begun):
            return


def _solve(climb: Climb, objective: PenalizedLogLikelihood, kind: str, goal: float) -> Point:
    """Step on until the adjusted score is as short as its goal, or its rounding.

    Far away short steps of scoring lead to the solution although the adjusted score may grow
    longer on the way; near it extrapolated steps have to shorten it.
    """
    best = point = _look(climb, objective, kind, climb.params)
    memory, waited = Extrapolation(), 0
    while best.length > goal and waited < _find_patience(climb, best) and not climb.over:
        old, point = point, _advance(climb, objective, kind, point, memory)
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
    return PATIENCE if best.length > climb.tolerance else ROUNDED_PATIENCE


def _advance(
    climb: Climb,
    objective: PenalizedLogLikelihood,
    kind: str,
    point: Point,
    memory: Extrapolation,
) -> Point:
    """Take an extrapolated step if that shortens the adjusted score, else a careful one."""
    if point.length <= NEAR_ENOUGH:
        tried = memory.find_step(point)
        reach = float(np.linalg.norm(point.root.lower.T @ tried))
        tried *= min(1.0, NO_FURTHER / reach) if reach > 0 else 1.0
        after = _look(climb, objective, kind, point.params + tried)
        falls = kind == "mean" and after.sums.loglike < point.sums.loglike - climb.rounding
        if after.length < SHORTER * point.length and not falls:
            return after
    memory.forget()
    share = min(1.0, NO_FURTHER / point.length) / 2
    for _ in range(HALVINGS):
        after = _look(climb, objective, kind, point.params + share * point.step)
        if np.isfinite(after.length):
            return after
        share /= 2
    return point


def _look(climb: Climb, objective: PenalizedLogLikelihood, kind: str, params: np.ndarray) -> Point:
    """Find the adjusted score at a point, and the step that it asks for."""
    sums = climb.sums if params is climb.params else climb.measure(params, 1)
    curvature = find_curvature(np.asarray(sums.information))
    if curvature is None or not np.isfinite(sums.loglike):
        nothing = DenseWhitening(np.eye(len(params)))
        return Point(params, sums, nothing, np.zeros(len(params)), np.inf)
    root = curvature.root
    step = root.leave(root.enter(np.asarray(sums.score)))
    if kind == "median":
        step = step - objective.shift_to_median(params, curvature)
    return Point(params, sums, root, step, float(np.linalg.norm(root.lower.T @ step)))


def _judge(climb: Climb, length: float) -> Status:
    """Say how the search ended; the adjusted score decides, not an optimizer's flag."""
    if length <= climb.tolerance * climb.errors.unit:
        return Status.SOLVED
    if climb.stopped:
        return Status.CALLBACK
    return Status.MAXITER if climb.iterations >= climb.maxiter else Status.UNSOLVED


def warn_if_unsolved(maximum: Maximum) -> None:
    """Warn how far from zero the adjusted score is, if it is."""
    if maximum.adjusted is not None and not maximum.converged:
        warn_user(
            f"{maximum.status.value} {maximum.iterations} iterations of {maximum.method} and "
            f"scoring: the score adjusted for the {maximum.adjusted.bias_reduction} is "
            f"{maximum.adjusted.length:.2g} standard errors long, and must not be longer than "
            f"{maximum.adjusted.tolerance:.2g}.",
            NotConvergedWarning,
        )

"""The evolving state of one climb: where it stands, its certificate, its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from mlelogit.exceptions import ParamsError
from mlelogit.fitting.certificate import (
    EPSILON,
    Certificate,
    Rounding,
    RowSizes,
    allow_rounding,
    certify,
)
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.maximum import Maximum, Status, Trace
from mlelogit.fitting.whitening import DenseWhitening, Memory, Whitening

NEWTON_STEPS = 3
# A way this long, in log-odds, changes standard errors by no digit that is shown.
NEAR = 3e-8
# A coarse bound that is this good spares the pass of a fine one.
COARSE_ENOUGH = 1e-8
# A step on scores costs a pass, an information some P / 25 of them.
CHORD_STEPS = 8
CHORDS_PER_PARAMETER = 1 / 25
CHORD_RATE = 0.95
CHORD_GOAL = 1e-13
# The Newton step after it squares this, to below rounding.
SCOUT_GOAL = 5e-9
# How far below the goal a step has to be expected for the information to be worth its pass.
SURE = 0.5
POLISHED = 1e-10
# With a below this the region is one in which Newton's method converges.
CLOSE = 0.1
# Values still tell steps of this length apart; where they do not, `Climb.aim` stops earlier.
CLIMB_DECREMENT = 1e-2
WHITENING_FLOOR = 1e-10
SMALLEST_RIDGE = 1e-300


class Objective(Protocol):
    """What can be climbed."""

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, score from order 1 on, information from order 2 on."""

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        """Bound the largest standard error of any log-odds at any row."""

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass over the rows."""

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are."""

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""


@dataclass(frozen=True)
class Curvature:
    """An information, its Cholesky factor and what follows from that, found once."""

    information: np.ndarray
    root: DenseWhitening

    @cached_property
    def inverse(self) -> np.ndarray:
        """V (P, P)."""
        return invert_positive(self.root.lower)

    @property
    def trace(self) -> float:
        """No less than the largest eigenvalue of V."""
        return float(np.trace(self.inverse))


def find_curvature(information: np.ndarray) -> Curvature | None:
    """Factor an information, or return None if it is not positive definite."""
    lower = factor_positive(information)
    return None if lower is None else Curvature(information, DenseWhitening(lower))


@dataclass
class Climb:
    """One maximization under way.

    Attributes
    ----------
    objective : Objective
    params : numpy.ndarray
        The present point (P,).
    maxiter : int
    tolerance : float
        Largest error, in standard errors, that counts as converged.
    callback : callable or None
    first : Whitening or None
        The whitening to begin with; that of the information if not given.
    sums : Sums
        At the present point.
    certificate : Certificate
        Of the present point; infinite until its information is known.
    decrement, noise : float
        Its Newton decrement as computed, and the rounding error of its sum, below which
        no step can bring it.
    whitening : Whitening
        That in use.
    memory : Memory
        The last steps in it.
    certified : Sums
        The sums that `certificate` is of.
    curvature : Curvature or None
        That of their information, if it is positive definite.
    rows : list of tuple
        The path so far.
    """

    objective: Objective
    params: np.ndarray
    maxiter: int
    tolerance: float
    callback: Callable[[np.ndarray], Any] | None
    first: Whitening | None = None
    iterations: int = 0
    evaluations: int = 0
    stopped: bool = False
    failure: Exception | None = None
    rows: list[tuple] = field(default_factory=list)
    curvature: Curvature | None = None

    def __post_init__(self) -> None:
        self.sizes = self.objective.measure_rows()
        self.errors = self.objective.bound_rounding(self.sizes)
        self.sums = self.measure(self.params, 2 if self.first is None else 1)
        if not np.isfinite(self.sums.loglike):
            raise ParamsError("The log-likelihood is not finite at the start of the climb.")
        self.whiten_by(self.whiten() if self.first is None else self.first)
        self.height = abs(self.sums.loglike)
        self.note("start", self.params, self.sums)
        self.certificate = certify(np.inf, np.inf, self.tolerance)
        self.decrement = self.noise = np.inf
        self.certified: Sums | None = None

    @property
    def over(self) -> bool:
        """Whether no further iteration is allowed."""
        return self.stopped or self.iterations >= self.maxiter

    @property
    def rounding(self) -> float:
        """A rise in log-likelihood that rounding can fake."""
        return 8 * EPSILON * abs(self.sums.loglike)

    def measure(self, params: np.ndarray, order: int) -> Sums:
        """Evaluate the objective; a value that is not finite counts as minus infinity."""
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore"):
            sums = self.objective.evaluate(params, order)
        if np.isfinite(sums.loglike):
            return sums
        score = None if sums.score is None else np.zeros(len(params))
        return Sums(-np.inf, score, sums.information, sums.rows)

    def whiten(self) -> Whitening:
        """Return the whitening of the information, kept off zero where it nearly vanishes."""
        information = np.asarray(self.sums.information)
        if not np.isfinite(information).all():
            raise ParamsError("The information is not finite where the climb stands.")
        size = len(information)
        ridge = WHITENING_FLOOR * self.errors.information / EPSILON / size
        ridge = max(ridge, EPSILON * float(np.abs(information).max()), SMALLEST_RIDGE)
        factor = None
        while factor is None:
            factor = factor_positive(information + ridge * np.eye(size))
            ridge *= 100
        return DenseWhitening(factor)

    def certify(self, stretch: float = 1.0) -> None:
        """Certify the present point.

        Parameters
        ----------
        stretch : float
            V here is at most this many times the inverse of the information at hand,
            which may be that of a point nearby.
        """
        self.certified = self.sums
        self.decrement = self.noise = np.inf
        self.certificate = certify(np.inf, np.inf, self.tolerance)
        self.curvature = curvature = self._find_curvature()
        if curvature is None:
            return
        root = float(np.sqrt(stretch))
        self.decrement = self.measure_length(self.sums, curvature.root) * root
        self.noise = self.errors.score * float(np.sqrt(curvature.trace)) * root
        coarse = self.objective.bound_log_odds_coarsely(curvature.inverse, self.sizes) * root
        largest = curvature.trace * stretch
        self.certificate = self._certify_with(coarse, largest)
        if not self.certificate.product <= COARSE_ENOUGH:
            fine = min(coarse, self.objective.bound_log_odds_error(curvature.inverse) * root)
            self.certificate = self._certify_with(fine, largest)

    def _find_curvature(self) -> Curvature | None:
        information, known = self.sums.information, self.curvature
        if information is None or (known is not None and known.information is information):
            return None if information is None else known
        return find_curvature(information)

    def _certify_with(self, spread: float, largest: float) -> Certificate:
        raised = allow_rounding(self.decrement, spread, largest, self.errors)
        return certify(*raised, self.tolerance * self.errors.unit)

    def measure_length(self, sums: Sums, whitening: Whitening) -> float:
        """Return the length of a score in a whitening."""
        return float(np.linalg.norm(whitening.enter(np.asarray(sums.score))))

    def note(self, stage: str, params: np.ndarray, sums: Sums, length: float | None = None) -> None:
        """Add a point to the path, and the length of its whitened score."""
        norm = self.measure_length(sums, self.whitening) if length is None else length
        self.rows.append((stage, sums.loglike, norm, self.evaluations, params.copy()))

    def ask_user(self, params: np.ndarray) -> None:
        """Call the user's callback; a true answer, or StopIteration as in scipy, stops."""
        if self.callback is None:
            return
        try:
            self.stopped = bool(self.callback(params.copy()))
        except StopIteration:
            self.stopped = True
        except Exception as error:  # noqa: BLE001 - raised again outside the optimizer
            self.stopped, self.failure = True, error

    def raise_failure(self) -> None:
        """Raise what the user's callback raised."""
        if self.failure is not None:
            raise self.failure

    def aim(self) -> float:
        """Return the decrement at which an optimizer hands over to Newton steps."""
        floor = 4 * np.sqrt(2 * EPSILON * max(self.height, abs(self.sums.loglike)))
        spread = self.certificate.log_odds_error
        wanted = min(CLIMB_DECREMENT, 0.01 / spread) if 0 < spread < np.inf else CLIMB_DECREMENT
        return float(max(wanted, floor))

    def arrive(self, params: np.ndarray, sums: Sums, stage: str) -> None:
        """Take a point as the present one, unless it is lower."""
        if not sums.loglike >= self.sums.loglike - self.rounding:
            return
        self.params, self.sums = params, sums
        if not np.array_equal(self.rows[-1][4], params):
            self.note(stage, params, sums)

    def adopt(self) -> None:
        """Take the information at hand as the whitening, if the maximum is near."""
        if self.curvature is not None and self.certificate.product < CLOSE:
            self.whiten_by(self.curvature.root)

    def whiten_by(self, whitening: Whitening) -> None:
        """Take a whitening; what was learned of the Hessian in the old one is no use in it."""
        self.whitening = whitening
        self.memory = Memory()

    def descend(self, goal: float = CHORD_GOAL) -> None:
        """Step on in the whitening at hand while that shortens the score.

        These quasi-Newton steps cost a pass each. They see scores only, which show the way
        long after the values' rises have drowned in their rounding. The step that should
        reach the goal finds the information in the same pass.
        """
        gradient = self.whitening.enter(np.asarray(self.sums.score))
        length, rate = float(np.linalg.norm(gradient)), 1.0
        for _ in range(CHORD_STEPS + int(CHORDS_PER_PARAMETER * len(gradient))):
            if self.over or length <= goal:
                return
            step = self.memory.find_step(gradient)
            params = self.params + self.whitening.leave(step)
            sums = self.measure(params, 2 if rate * length <= SURE * goal else 1)
            after = self.whitening.enter(np.asarray(sums.score))
            shorter = float(np.linalg.norm(after))
            if not (np.isfinite(sums.loglike) and shorter < CHORD_RATE * length):
                return
            self.memory.add(step, gradient - after)
            self.params, self.sums, gradient = params, sums, after
            length, rate = shorter, shorter / length
            self.pass_on("chord", length)

    def complete(self) -> None:
        """Find the information at the present point, and certify it, if that is not done."""
        if self.sums.information is None:
            self.sums = self.measure(self.params, 2)
        if self.sums is not self.certified:
            self.certify()

    def polish(self) -> None:
        """Take at most `NEWTON_STEPS` Newton steps, each only if the decrement falls.

        A step too short to change the information keeps it: along a step of length r in
        log-odds every variance changes by a factor of at most exp(r).
        """
        gone = 0.0
        for _ in range(NEWTON_STEPS):
            curvature = self.curvature
            if self.over or curvature is None or self.decrement <= max(self.noise, POLISHED):
                return
            reach, root = self.certificate.product, curvature.root
            before = (self.params, self.sums, self.certificate, self.decrement, curvature)
            self.params = self.params + root.leave(root.enter(np.asarray(self.sums.score)))
            self.sums = self.measure(self.params, 1 if reach < NEAR else 2)
            if reach < NEAR:
                self.sums = replace(self.sums, information=curvature.information)
            gone = gone + reach if reach < NEAR else 0.0
            self.certify(float(np.exp(gone)))
            if not self.decrement < before[3]:
                self.params, self.sums, self.certificate, self.decrement, self.curvature = before
                return
            self.whitening = root
            self.pass_on("newton", self.decrement)

    def pass_on(self, stage: str, length: float) -> None:
        """Count an iteration that ended at the present point, and tell the user."""
        self.iterations += 1
        self.note(stage, self.params, self.sums, length)
        self.ask_user(self.params)
        self.raise_failure()

    def finish(self, method: str) -> Maximum:
        """Judge the present point and freeze the record."""
        if not np.array_equal(self.rows[-1][4], self.params):
            self.note(method, self.params, self.sums)
        stage, loglike, norm, evaluations, params = zip(*self.rows, strict=True)
        trace = Trace(
            stage, np.array(loglike), np.array(norm), np.array(evaluations), np.array(params)
        )
        status, certificate = self.judge(), self.certificate
        inverse = None if self.curvature is None else self.curvature.inverse
        here = self.params.copy()
        return Maximum(
            here, status, certificate, self.sums, inverse, trace, method, self.iterations
        )

    def judge(self) -> Status:
        """Say how the climb ended; the certificate decides, not the optimizer's flag."""
        if self.certificate.holds:
            return Status.CONVERGED
        if self.stopped:
            return Status.CALLBACK
        if self.iterations >= self.maxiter:
            return Status.MAXITER
        if self.sums.information is None:
            return Status.UNCERTIFIED
        return Status.STALLED if self.certificate.finite_maximum else Status.NO_FINITE_MAXIMUM

r"""Climb a concave log-likelihood with scipy.optimize, and certify the answer.

The climb runs in whitened coordinates z, ``θ = θ₀ + L⁻ᵀ z`` with ``L L'`` the
information at θ₀, so that a step of length one is a step of one standard error
in every direction and no method sees the units of the columns. Line searches on
values stall where the rounding of the log-likelihood hides its rise, at a Newton
decrement near ``sqrt(2 ε |loglike|)``; a few Newton steps, judged by the
decrement alone, go on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from mlelogit.exceptions import OptionError
from mlelogit.fitting.certificate import (
    DEFAULT_TOLERANCE,
    EPSILON,
    Certificate,
    RowSizes,
    allow_rounding,
    certify,
)
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import factor_positive, invert_positive

METHODS = (
    "trust-exact",
    "trust-krylov",
    "trust-ncg",
    "Newton-CG",
    "L-BFGS-B",
    "BFGS",
    "CG",
    "TNC",
)
STATSMODELS_METHODS = {
    "newton": "trust-exact",
    "ncg": "Newton-CG",
    "lbfgs": "L-BFGS-B",
    "bfgs": "BFGS",
    "cg": "CG",
}
SECOND_ORDER = ("trust-exact", "trust-krylov", "trust-ncg", "Newton-CG")
SMALL_PROBLEM = 150
DEFAULT_MAXITER = 1000
NEWTON_STEPS = 3
ROUNDS = 8
CLOSE = 0.1
CLIMB_DECREMENT = 1e-3


class Objective(Protocol):
    """What can be climbed."""

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, score from order 1 on, information from order 2 on."""

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        """Bound the largest standard error of any log-odds at any row."""

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are, for the rounding of the sums."""


class Status(Enum):
    """How a climb ended; each member's value is what to tell the user."""

    CONVERGED = "Converged: the certificate bounds the error of every coefficient."
    MAXITER = "Stopped at maxiter before the certificate held; raise maxiter or drop it."
    CALLBACK = "Stopped by the callback before the certificate held."
    STALLED = (
        "Stopped where rounding hides any further rise, before the certificate held; look for "
        "columns that are nearly collinear, or raise tol."
    )
    NO_FINITE_MAXIMUM = (
        "No finite maximum has been shown to exist: some category is probably separated from "
        "the others by a combination of the columns, and its coefficients grow without end. "
        "Look for columns or levels in which a category never (or always) occurs."
    )


@dataclass(frozen=True)
class Trace:
    """The climb, one entry per point kept.

    Attributes
    ----------
    stage : tuple of str
        "start", the method, or "newton".
    loglike : numpy.ndarray
        (T,).
    score_norm : numpy.ndarray
        (T,): length of the score in whitened coordinates, near the decrement.
    evaluations : numpy.ndarray
        (T,): passes over the data so far.
    params : numpy.ndarray
        (T, P).
    """

    stage: tuple[str, ...]
    loglike: np.ndarray
    score_norm: np.ndarray
    evaluations: np.ndarray
    params: np.ndarray


@dataclass(frozen=True)
class Maximum:
    """The answer of a climb.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    status : Status
    certificate : Certificate
    trace : Trace
        Its last entry is the answer.
    method : str
        The scipy method used.
    iterations : int
    """

    params: np.ndarray
    status: Status
    certificate: Certificate
    trace: Trace
    method: str
    iterations: int

    @property
    def converged(self) -> bool:
        """Whether the certificate holds."""
        return self.status is Status.CONVERGED


def find_method(method: str, size: int) -> str:
    """Return the scipy method that a user's word stands for.

    Raises
    ------
    OptionError
        If the word is unknown; the message lists the choices.
    """
    if method == "auto":
        return "trust-exact" if size <= SMALL_PROBLEM else "L-BFGS-B"
    chosen = STATSMODELS_METHODS.get(method, method) if isinstance(method, str) else method
    if chosen not in METHODS:
        raise OptionError(
            f"method={method!r} is not known. Choices: auto, {', '.join(METHODS)}; or "
            f"statsmodels' words {', '.join(STATSMODELS_METHODS)}."
        )
    return chosen


def maximize(
    objective: Objective,
    start: np.ndarray,
    method: str = "auto",
    maxiter: int | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    callback: Callable[[np.ndarray], Any] | None = None,
) -> Maximum:
    """Maximize a concave log-likelihood by `scipy.optimize.minimize` of its negative.

    Parameters
    ----------
    objective : Objective
    start : numpy.ndarray
        (P,).
    method : str
        "auto", one of `METHODS` or of `STATSMODELS_METHODS`.
    maxiter : int, optional
        Iterations in all, `DEFAULT_MAXITER` if not given.
    tolerance : float
        Largest error in standard errors that counts as converged.
    callback : callable, optional
        Called with the parameters after every iteration; a true answer stops.

    Returns
    -------
    Maximum
    """
    chosen = find_method(method, len(start))
    climb = _Climb(objective, start, chosen, maxiter or DEFAULT_MAXITER, tolerance, callback)
    for _ in range(ROUNDS):
        before = climb.sums.loglike
        climb.run()
        if climb.over or climb.certificate.product < CLOSE:
            break
        if climb.sums.loglike - before <= climb.rounding:
            break
    climb.polish()
    return climb.finish()


@dataclass
class _Climb:
    """The evolving state of one maximization."""

    objective: Objective
    params: np.ndarray
    method: str
    maxiter: int
    tolerance: float
    callback: Callable[[np.ndarray], Any] | None
    iterations: int = 0
    evaluations: int = 0
    stopped: bool = False
    rows: list[tuple] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sizes = self.objective.measure_rows()
        self.sums = self.measure(self.params, 2)
        self.factor = self.whiten()
        self.note("start", self.params, self.sums)
        self.certificate = self.certify()

    @property
    def over(self) -> bool:
        """Whether no further iteration is allowed."""
        return self.stopped or self.iterations >= self.maxiter

    @property
    def rounding(self) -> float:
        """A rise in log-likelihood that rounding can fake."""
        return 8 * EPSILON * (1 + abs(self.sums.loglike))

    def measure(self, params: np.ndarray, order: int) -> Sums:
        """Evaluate the objective; a value that is not finite counts as minus infinity."""
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore"):
            sums = self.objective.evaluate(params, order)
        if np.isfinite(sums.loglike):
            return sums
        score = None if sums.score is None else np.zeros(len(params))
        return Sums(-np.inf, score, sums.information, sums.rows)

    def whiten(self) -> np.ndarray:
        """Return L with L L' the information, made positive definite if it is not."""
        information = np.asarray(self.sums.information)
        factor = factor_positive(information)
        ridge = max(float(np.trace(information)) / len(information), 1.0) * 1e-8
        while factor is None:
            factor = factor_positive(information + ridge * np.eye(len(information)))
            ridge *= 100
        return factor

    def certify(self) -> Certificate:
        """Certify the present point; its information must be in `sums`."""
        factor = factor_positive(np.asarray(self.sums.information))
        if factor is None:
            return certify(np.inf, np.inf, self.tolerance)
        score = np.asarray(self.sums.score)
        decrement = float(np.linalg.norm(solve_triangular(factor, score, lower=True)))
        inverse = invert_positive(factor)
        spread = self.objective.bound_log_odds_error(inverse)
        raised = allow_rounding(decrement, spread, float(np.trace(inverse)), self.sizes)
        return certify(*raised, self.tolerance)

    def note(self, stage: str, params: np.ndarray, sums: Sums) -> None:
        """Add a point to the trace."""
        norm = np.linalg.norm(solve_triangular(self.factor, np.asarray(sums.score), lower=True))
        self.rows.append((stage, sums.loglike, float(norm), self.evaluations, params.copy()))

    def run(self) -> None:
        """Climb once from the present point, whitened there."""
        self.factor = self.whiten()
        objective = _Whitened(self)
        target = self.aim()
        options = _make_options(self.method, self.maxiter - self.iterations, target)
        if self.method.startswith("trust"):
            radius = max(1.0, float(np.linalg.norm(objective.jac(objective.origin))))
            options |= {"initial_trust_radius": radius, "max_trust_radius": 1e3 * radius}
        try:
            answer = minimize(  # type: ignore[call-overload]
                objective.fun,
                objective.origin,
                jac=objective.jac,
                hess=objective.hess if self.method in SECOND_ORDER else None,
                method=self.method,
                options=options,
                callback=objective.note,
            )
            point = answer.x
        except StopIteration:
            point = objective.last
        self.arrive(objective.place(point), self.method)

    def aim(self) -> float:
        """Return the decrement at which the climb hands over to Newton steps."""
        floor = 4 * np.sqrt(2 * EPSILON * (1 + abs(self.sums.loglike)))
        spread = self.certificate.log_odds_error
        wanted = min(CLIMB_DECREMENT, 0.01 / spread) if 0 < spread < np.inf else CLIMB_DECREMENT
        return float(max(wanted, floor))

    def arrive(self, params: np.ndarray, stage: str) -> None:
        """Take a point as the present one."""
        sums = self.measure(params, 2)
        if not sums.loglike >= self.sums.loglike - self.rounding:
            return
        self.params, self.sums = params, sums
        if not np.array_equal(self.rows[-1][4], params):
            self.note(stage, params, sums)
        self.certificate = self.certify()

    def polish(self) -> None:
        """Take at most `NEWTON_STEPS` Newton steps, each only if the decrement falls."""
        for _ in range(NEWTON_STEPS):
            factor = factor_positive(np.asarray(self.sums.information))
            if self.over or factor is None or self.certificate.decrement <= EPSILON:
                return
            step = cho_solve((factor, True), np.asarray(self.sums.score))
            before = (self.params, self.sums, self.certificate)
            self.params = self.params + step
            self.sums = self.measure(self.params, 2)
            self.certificate = self.certify()
            if not self.certificate.decrement < before[2].decrement:
                self.params, self.sums, self.certificate = before
                return
            self.iterations += 1
            self.note("newton", self.params, self.sums)
            self.tell()

    def tell(self) -> None:
        """Call the user's callback."""
        if self.callback is not None and self.callback(self.params.copy()):
            self.stopped = True

    def finish(self) -> Maximum:
        """Judge the present point and freeze the record."""
        self.keep_answer_last()
        stage, loglike, norm, evaluations, params = zip(*self.rows, strict=True)
        trace = Trace(
            stage, np.array(loglike), np.array(norm), np.array(evaluations), np.array(params)
        )
        status = self.judge()
        return Maximum(self.params, status, self.certificate, trace, self.method, self.iterations)

    def keep_answer_last(self) -> None:
        """Note the answer again if the climb looked at other points after it."""
        if not np.array_equal(self.rows[-1][4], self.params):
            self.note(self.method, self.params, self.sums)

    def judge(self) -> Status:
        """Say how the climb ended; the certificate decides, not the optimizer's flag."""
        if self.certificate.holds:
            return Status.CONVERGED
        if self.stopped:
            return Status.CALLBACK
        if self.iterations >= self.maxiter:
            return Status.MAXITER
        return Status.STALLED if self.certificate.finite_maximum else Status.NO_FINITE_MAXIMUM


class _Whitened:
    """A climb's objective, negated, in whitened coordinates, as scipy wants it.

    scipy asks for value, gradient and Hessian in separate calls at one point, so
    the last few points are remembered.
    """

    def __init__(self, climb: _Climb) -> None:
        self.climb = climb
        self.start, self.factor = climb.params, climb.factor
        self.floor = climb.sums.loglike
        self.origin = np.zeros(len(self.start))
        self.last = self.origin
        self.known: dict[bytes, Sums] = {self.origin.tobytes(): climb.sums}

    def place(self, z: np.ndarray) -> np.ndarray:
        """Return the parameters at z."""
        if not z.any():
            return self.start
        return self.start + solve_triangular(self.factor, z, lower=True, trans="T")

    def sums(self, z: np.ndarray, order: int) -> Sums:
        key = np.ascontiguousarray(z).tobytes()
        found = self.known.get(key)
        if found is None or (order == 2 and found.information is None):
            found = self.climb.measure(self.place(z), order)
            self.known[key] = found
            for stale in list(self.known)[:-3]:
                del self.known[stale]
        return found

    def fun(self, z: np.ndarray) -> float:
        return -(self.sums(z, 1).loglike - self.floor)

    def jac(self, z: np.ndarray) -> np.ndarray:
        score = np.asarray(self.sums(z, 1).score)
        return -solve_triangular(self.factor, score, lower=True)

    def hess(self, z: np.ndarray) -> np.ndarray:
        half = solve_triangular(self.factor, np.asarray(self.sums(z, 2).information), lower=True)
        return solve_triangular(self.factor, half.T, lower=True)

    def note(self, z: np.ndarray) -> None:
        """Take note of an iteration; scipy calls this after each."""
        climb = self.climb
        self.last = z.copy()
        climb.iterations += 1
        climb.note(climb.method, self.place(z), self.sums(z, 1))
        if climb.callback is not None and climb.callback(self.place(z)):
            climb.stopped = True
            raise StopIteration


def _make_options(method: str, maxiter: int, target: float) -> dict[str, Any]:
    if method == "Newton-CG":
        return {"maxiter": maxiter, "xtol": target / 10}
    if method == "TNC":
        return {"maxfun": 20 * maxiter, "gtol": target, "ftol": 0.0, "xtol": 0.0}
    options: dict[str, Any] = {"maxiter": maxiter, "gtol": target}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 20 * maxiter, "maxcor": 20}
    return options

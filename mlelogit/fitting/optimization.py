r"""Climb a concave log-likelihood with scipy.optimize, and certify the answer.

The climb runs in whitened coordinates z, ``θ = θ₀ + L⁻ᵀ z`` with ``L L'`` the
information at θ₀ or one near it, so that a step of length one is a step of one standard error
in every direction and no method sees the units of the columns. Line searches on
values stall where the rounding of the log-likelihood hides its rise, at a Newton
decrement near ``sqrt(2 ε |loglike|)``; a few Newton steps, judged by the
decrement alone, go on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import norm
from scipy.optimize import Bounds, minimize

from mlelogit.exceptions import OptionError
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.climb import CLOSE, NEAR, SCOUT_GOAL, Climb, Objective
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.whitening import Whitened, Whitening

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
# Up to here a Hessian costs about what a pass does.
SMALL_PROBLEM = 150
DEFAULT_MAXITER = 1000
ROUNDS = 30
# A trust region takes a Hessian and an eigenvalue or two in every step.
RESCUED_SIZE = 500
# Whitened climbs that go well take ten to fifty iterations.
PATIENCE = 120


def find_method(method: str, size: int) -> str:
    """Return the scipy method that a user's word stands for.

    Raises
    ------
    OptionError
        If the word is unknown; the message lists the choices.
    """
    if isinstance(method, str) and method == "auto":
        return "trust-exact" if size <= SMALL_PROBLEM else "L-BFGS-B"
    chosen = STATSMODELS_METHODS.get(method, method) if isinstance(method, str) else None
    if chosen not in METHODS:
        raise OptionError(
            f"method={method!r} is not known. Choices: auto, {', '.join(METHODS)}; or "
            f"statsmodels' words {', '.join(STATSMODELS_METHODS)}. A start goes in start_params=."
        )
    return chosen


def maximize(
    objective: Objective,
    start: np.ndarray,
    method: str = "auto",
    maxiter: int | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    callback: Callable[[np.ndarray], Any] | None = None,
    whitening: Whitening | None = None,
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
    whitening : Whitening, optional
        A first one; that of the information at the start, which costs a pass, if not given.

    Returns
    -------
    Maximum

    Notes
    -----
    A line search can find no way at all where one far value bends the log-likelihood
    within a tiny part of the Newton step, and creeps where a few enormous weights make the
    curvature change by the step; a trust region then takes over.
    """
    chosen = find_method(method, len(start))
    climb = Climb(objective, start, maxiter or DEFAULT_MAXITER, tolerance, callback, whitening)
    for done in range(ROUNDS):
        if done:
            climb.whiten_by(climb.whiten())
        begun, last = climb.params, climb.iterations + _limit_iterations(climb, chosen)
        climb_once(climb, chosen)
        creeps = climb.iterations >= last
        if chosen not in SECOND_ORDER:
            climb.descend(SCOUT_GOAL)
        climb.complete()
        climb.adopt()
        if not climb.certificate.product < NEAR:
            climb.descend()
            climb.complete()
        if climb.over or climb.certificate.product < CLOSE:
            break
        if climb.decrement**2 / 2 <= climb.rounding:
            break
        if creeps or np.array_equal(climb.params, begun):
            if chosen in SECOND_ORDER or len(start) > RESCUED_SIZE:
                break
            chosen = "trust-exact"
    climb.polish()
    return climb.finish(chosen)


def climb_once(climb: Climb, method: str, target: float | None = None) -> None:
    """Climb once from the present point, in the whitening at hand.

    Parameters
    ----------
    climb : Climb
    method : str
        A scipy method.
    target : float, optional
        Length of the whitened score to stop at.
    """
    length = climb.measure_length(climb.sums, climb.whitening)
    # L-BFGS-B makes its first step of length one; in this unit that is the whole step.
    unit = length if method == "L-BFGS-B" and 0 < length < np.inf else 1.0
    whitening = climb.whitening.scale(1 / unit)
    objective = Whitened(climb.measure, climb.params, whitening, climb.sums)
    path = [(objective.origin, objective.jac(objective.origin))]

    def note(z: np.ndarray) -> None:
        climb.iterations += 1
        (before, falling), gradient = path[0], objective.jac(z)
        climb.note(method, objective.place(z), objective.look(z)[0], float(norm(gradient)) / unit)
        climb.memory.add((z - before) * unit, (gradient - falling) / unit)
        path[0] = z.copy(), gradient
        objective.last = z.copy()
        climb.ask_user(objective.place(z))
        if climb.over:
            raise StopIteration

    try:
        with np.errstate(all="ignore"):
            point = minimize(  # type: ignore[call-overload]
                objective.fun,
                objective.origin,
                jac=objective.jac,
                hess=objective.hess if method in SECOND_ORDER else None,
                method=method,
                options=_make_options(method, climb, length, (target or climb.aim()) * unit),
                callback=note,
            ).x
    except StopIteration:
        point = objective.last
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        # A method's own algebra breaks down where the curvature vanishes.
        point = objective.last
    climb.raise_failure()
    climb.arrive(objective.place(point), objective.look(point)[0], method)


def minimize_nonnegative(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    target: float,
    maxiter: int = DEFAULT_MAXITER,
) -> np.ndarray:
    """Minimize a smooth convex function of variables none of which may be negative.

    Parameters
    ----------
    function : callable
        Of an array (m,); returns its value and its gradient (m,).
    start : numpy.ndarray
        (m,), not negative.
    target : float
        Largest entry of the projected gradient to stop at.
    maxiter : int

    Returns
    -------
    numpy.ndarray
        (m,), exactly zero where the bound holds: L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995)
        walks along the bounds.
    """
    options = {"maxiter": maxiter, "maxfun": 20 * maxiter, "maxcor": 20}
    with np.errstate(all="ignore"):
        found = minimize(  # type: ignore[call-overload]
            function,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(0.0, np.inf),
            options=options | {"gtol": target, "ftol": 0.0},
        )
    return np.asarray(found.x)


def _limit_iterations(climb: Climb, method: str) -> int:
    """Return how many iterations a method may make before another one takes over."""
    left = climb.maxiter - climb.iterations
    rescued = method == "L-BFGS-B" and len(climb.params) <= RESCUED_SIZE
    return min(left, PATIENCE) if rescued else left


def _make_options(method: str, climb: Climb, length: float, target: float) -> dict[str, Any]:
    """Return scipy's options for a climb from one length of whitened gradient to another."""
    maxiter = _limit_iterations(climb, method)
    if method == "Newton-CG":
        return {"maxiter": maxiter, "xtol": target / 10}
    if method == "TNC":
        return {"maxfun": 20 * maxiter, "gtol": target, "ftol": 0.0, "xtol": 0.0}
    options: dict[str, Any] = {"maxiter": maxiter, "gtol": target}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 20 * maxiter, "maxcor": 20}
    if method.startswith("trust"):
        radius = length or 1.0
        options |= {"initial_trust_radius": radius, "max_trust_radius": 1e12 * radius}
    return options

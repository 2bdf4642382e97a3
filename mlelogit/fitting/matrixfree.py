"""Climb without an information: P parameters by the thousands, and no P x P array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.climb import Climb
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import DEFAULT_MAXITER, climb_once
from mlelogit.fitting.warmup import Start

# Each step squares the distance, down to the tolerance of its solution.
NEWTON_STEPS = 6
SOLVE_TOLERANCE = 1e-4
SOLVE_PASSES = 500
SHORT_ENOUGH = 1e-9


def climb_without_information(
    objective: LogLikelihood,
    start: Start,
    maxiter: int | None,
    tolerance: float,
    callback: Callable[[np.ndarray], Any] | None,
) -> Maximum:
    """Climb by L-BFGS-B in the null model's whitening, then by inexact Newton steps.

    A step ``V s`` solves ``I v = s`` by conjugate gradients, which need I times a direction
    only, a pass each (Nocedal and Wright 2006, section 7.1). They give the Newton decrement
    too, but no bound on the standard errors of the log-odds: nothing is certified.

    Parameters
    ----------
    objective : LogLikelihood
    start : Start
        The null model.
    maxiter : int, optional
    tolerance : float
    callback : callable, optional
    """
    most = maxiter or DEFAULT_MAXITER
    climb = Climb(objective, start.params, most, tolerance, callback, start.whitening)
    climb_once(climb, "L-BFGS-B")
    for _ in range(NEWTON_STEPS):
        step, decrement = solve_newton(objective, climb)
        climb.certificate = Certificate(decrement, np.inf, np.inf, np.inf, np.inf, tolerance)
        if climb.over or decrement <= SHORT_ENOUGH:
            break
        sums = climb.measure(climb.params + step, 1)
        shorter = climb.measure_length(sums, climb.whitening)
        rises = np.isfinite(sums.loglike) and sums.loglike >= climb.sums.loglike - climb.rounding
        if not (rises and shorter < climb.measure_length(climb.sums, climb.whitening)):
            break
        climb.params, climb.sums = climb.params + step, sums
        climb.pass_on("newton", shorter)
    return climb.finish("L-BFGS-B")


def solve_newton(objective: LogLikelihood, climb: Climb) -> tuple[np.ndarray, float]:
    """Return the Newton step ``V s`` at a climb's present point, and its length, the decrement."""
    whitening = climb.whitening
    gradient = whitening.enter(np.asarray(climb.sums.score))

    def multiply(z: np.ndarray) -> np.ndarray:
        return whitening.enter(
            objective.multiply_information(climb.params, whitening.leave(z.ravel()))
        )

    size = len(gradient)
    operator: Any = LinearOperator((size, size), matvec=multiply, dtype=np.float64)
    z = np.asarray(cg(operator, gradient, rtol=SOLVE_TOLERANCE, maxiter=SOLVE_PASSES)[0])
    return whitening.leave(z), float(np.sqrt(max(float(gradient @ z), 0.0)))

r"""Climb a concave log-likelihood under bounds until it is known which of them are active.

Every step maximizes the quadratic model at the present point under all bounds: sequential
quadratic programming (Nocedal and Wright 2006, chapter 18), here with the very Hessian and
on a polyhedron, so that every point is feasible and a step that is shortened until the
log-likelihood rises leads to the maximum. In coordinates where the information is the identity
the programme is one of least distance, solved by nonnegative least squares (Lawson and Hanson
1974, chapter 23), whose answer holds the multipliers too: a bound is active if its own is
positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog, nnls

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.fitting.climb import Objective
from mlelogit.fitting.linalg import factor_positive, solve_lower
from mlelogit.fitting.maximum import ReadOnly

MOST_STEPS = 100
# Of a step: 2**-40 of it moves nothing that a double's sums would show.
HALVINGS = 40
# Of the rise that the slope promises, a step has to bring this much (Armijo 1966).
SUFFICIENT = 1e-4
# A predicted rise in log-likelihood below this no longer changes which bounds are active, or
# the climb that follows finds that it did.
SMALL_RISE = 1e-6
# Below this share a system of inequalities has no solution but by rounding.
INFEASIBLE = 1e-9
RIDGE = 1e-12


@dataclass(frozen=True)
class Bounds(ReadOnly):
    """Inequalities ``G g >= h`` about free params g (r,).

    Attributes
    ----------
    matrix : numpy.ndarray
        G (m, r), rows of length one.
    values : numpy.ndarray
        h (m,).
    noise : numpy.ndarray
        (m,): what rounding can make of a slack at g = 0.
    rounding : float
        That of the rows, relative.
    """

    matrix: np.ndarray
    values: np.ndarray
    noise: np.ndarray
    rounding: float

    def relax(self) -> Bounds:
        """Return bounds that are wider by next to nothing, so that their inside is not empty.

        Bounds can leave a single point, which exists to rounding only.
        """
        return replace(self, values=self.values - self._room)

    @property
    def _room(self) -> float:
        return 2 * INFEASIBLE * (1 + float(np.abs(self.values).max(initial=0.0)))

    def touch(self, point: np.ndarray) -> np.ndarray:
        """Tell which bounds a point is at (m,), by no more than bounds are relaxed."""
        return np.asarray(np.abs(self.matrix @ point - self.values) <= 2 * self._room)

    def measure(self, point: np.ndarray) -> np.ndarray:
        """Return the slack ``G g - h`` (m,), zero where rounding could have made it."""
        slack = self.matrix @ point - self.values
        noise = self.noise + self.rounding * float(np.linalg.norm(point))
        return np.where(np.abs(slack) <= noise, 0.0, slack)


def is_feasible(matrix: np.ndarray, values: np.ndarray, relations: Sequence[str]) -> bool:
    """Tell whether some params meet equations and inequalities, by linear programming.

    Parameters
    ----------
    matrix : numpy.ndarray
        (m, P), rows of length one.
    values : numpy.ndarray
        (m,).
    relations : sequence of str
        "=", "<=" or ">=".
    """
    if not len(matrix):
        return True
    size = matrix.shape[1]
    sign = np.array([1.0 if relation == "<=" else -1.0 for relation in relations])
    equal = np.array([relation == "=" for relation in relations])
    # What has to be allowed for all to hold, in units of the right sides.
    unit = 1 + float(np.abs(values).max())
    loose = np.column_stack([sign[:, np.newaxis] * matrix, -np.ones(len(matrix))])
    also = np.column_stack([-sign[:, np.newaxis] * matrix, -np.ones(len(matrix))])[equal]
    answer = linprog(
        np.append(np.zeros(size), 1.0),
        A_ub=np.vstack([loose, also]),
        b_ub=np.concatenate([sign * values, (-sign * values)[equal]]) / unit,
        bounds=[(None, None)] * size + [(0.0, None)],
        method="highs",
    )
    return answer.status != 0 or bool(float(answer.fun or 0.0) <= INFEASIBLE)


def find_conflict(restriction: Restriction, matrix: np.ndarray, values: np.ndarray) -> Restriction:
    """Return a few of contradicting constraints that contradict each other by themselves.

    Rows whose absence leaves the contradiction are left out one after the other (Chinneck and
    Dravnieks 1991).
    """
    kept = list(range(len(restriction)))
    for row in list(kept):
        rest = [i for i in kept if i != row]
        if not is_feasible(matrix[rest], values[rest], restriction.pick(rest).relations):
            kept = rest
    return restriction.pick(kept)


def solve_step(
    score: np.ndarray, information: np.ndarray, bounds: Bounds, point: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Maximize ``s'd - d'I d / 2`` over steps d (r,) that end within bounds.

    Parameters
    ----------
    score : numpy.ndarray
        s (r,).
    information : numpy.ndarray
        I (r, r).
    bounds : Bounds
    point : numpy.ndarray
        Where the step begins (r,), within the bounds or not.

    Returns
    -------
    step : numpy.ndarray
        (r,).
    multipliers : numpy.ndarray
        (m,), positive where a bound is active.
    """
    lower = factor_positive(information)
    while lower is None:
        ridge = max(RIDGE * float(np.trace(information)), 1e-300)
        information = information + ridge * np.eye(len(information))
        lower = factor_positive(information)
    newton = solve_lower(lower, score)
    turned = solve_lower(lower, np.asfortranarray(bounds.matrix.T)).T
    length = np.linalg.norm(turned, axis=1)
    turned = turned / length[:, np.newaxis]
    short = (bounds.values - bounds.matrix @ point) / length - turned @ newton
    unit = float(np.abs(short).max(initial=0.0)) or 1.0
    tall = np.vstack([turned.T, short / unit])
    target = np.append(np.zeros(len(score)), 1.0)
    weights, _ = nnls(tall, target, maxiter=30 * (len(short) + len(score)))
    rest = tall @ weights - target
    depth = -rest[-1] if rest[-1] < 0 else np.finfo(float).tiny
    shift = unit * (rest[:-1] / depth)
    return solve_lower(lower, newton + shift, transpose=True), (unit / depth) * weights / length


def seek_active(
    objective: Objective, bounds: Bounds, point: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Climb within bounds until it is clear which are active.

    Parameters
    ----------
    objective : Objective
        Of free params (r,).
    bounds : Bounds
    point : numpy.ndarray
        Where to begin (r,), within the bounds or not.

    Returns
    -------
    point : numpy.ndarray
        (r,), within the bounds, or beyond them by next to nothing.
    active : numpy.ndarray
        (m,), bool.
    """
    bounds = bounds.relax()
    sums = objective.evaluate(point, 2)
    step, weights = solve_step(np.zeros(len(point)), np.asarray(sums.information), bounds, point)
    point = point + step
    sums = objective.evaluate(point, 2)
    before = weights > 0
    for _ in range(MOST_STEPS):
        score = np.asarray(sums.score)
        step, weights = solve_step(score, np.asarray(sums.information), bounds, point)
        active, rise = weights > 0, float(score @ step)
        settled = np.array_equal(active, before) and rise <= SMALL_RISE
        before, length = active, 1.0
        if settled:
            break
        for _ in range(HALVINGS):
            moved = objective.evaluate(point + length * step, 2)
            if moved.loglike - sums.loglike >= SUFFICIENT * length * rise:
                break
            length /= 2
        else:
            break
        point, sums = point + length * step, moved
    return point, before

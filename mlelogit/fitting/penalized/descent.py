r"""Minimize a loss and a penalty by proximal Newton steps, until the optimality conditions hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.fitting.penalized.loss import Loss
from mlelogit.fitting.penalized.proximal import NormedQuadratic, eliminate, minimize_quadratic
from mlelogit.fitting.penalized.regularization import Penalty

# Slack below this is rounding; steps go on until it is reached, or none helps.
GOAL = 1e-13
# Steps converge quadratically, a dozen mostly do; what takes more is told by its slack.
LARGEST_STEPS = 100
# Of a step: 2**-40 of it moves nothing that a double's sums would show.
HALVINGS = 40
# Of the decrease that the model promises.
SUFFICIENT = 1e-4
# A promise below this share of the value is hidden by rounding: then the slack judges.
HIDDEN = 1e-11


@dataclass(frozen=True)
class Point:
    """Where a descent stands.

    Attributes
    ----------
    coefficients, gradient : numpy.ndarray
        (J, K); the gradient of the loss.
    loss, value : float
        Without the penalty and with it.
    slack : float
        How far the point is from optimal.
    """

    coefficients: np.ndarray
    gradient: np.ndarray
    loss: float
    value: float
    slack: float


def look(loss: Loss, penalty: Penalty, coefficients: np.ndarray) -> Point:
    """Evaluate loss, gradient and slack at coefficients (J, K)."""
    sums = loss.evaluate(coefficients, loss.every, 1)
    gradient = np.asarray(sums.score)
    slack = penalty.measure_slack(coefficients, gradient)
    value = sums.loglike + penalty.cost(coefficients)
    return Point(coefficients, gradient, sums.loglike, value, float(slack.max()))


def descend(
    loss: Loss, penalty: Penalty, start: np.ndarray, before: float, goal: float = GOAL
) -> tuple[Point, int]:
    """Minimize loss and penalty from a start by proximal Newton steps.

    Parameters
    ----------
    loss : Loss
    penalty : Penalty
    start : numpy.ndarray
        (J, K).
    before : float
        The λ that the start belongs to; columns that the strong rule discards come later.
    goal : float
        Slack to stop at.

    Returns
    -------
    Point, int
        The answer, and the number of steps.
    """
    point = look(loss, penalty, penalty.center(start, sparse=True))
    kept = screen(penalty, point, max(2 - before / penalty.level, 0.0))
    for steps in range(LARGEST_STEPS):
        kept |= screen(penalty, point, 1.0)
        if point.slack <= goal:
            return point, steps
        moved = step_once(loss, penalty, point, np.flatnonzero(kept))
        if moved is None:
            return point, steps
        point = moved
    return point, LARGEST_STEPS


def screen(penalty: Penalty, point: Point, share: float) -> np.ndarray:
    """Tell which columns are not zero, or have a gradient of a share of their price (K,)."""
    norms = penalty.measure_norms(point.gradient).max(axis=0)
    return (point.coefficients != 0).any(axis=0) | (norms >= share * penalty.linear)


def step_once(loss: Loss, penalty: Penalty, point: Point, kept: np.ndarray) -> Point | None:
    """Make one proximal Newton step in some columns; None if none helps."""
    target = minimize_model(loss, penalty, point, kept)
    target = penalty.center(target, sparse=True)
    way = target - point.coefficients
    promised = model_decrease(penalty, point, target)
    share = 1.0
    for _ in range(HALVINGS):
        place = target if share == 1.0 else point.coefficients + share * way
        moved = look(loss, penalty, place)
        if promised > HIDDEN * max(abs(point.value), 1e-300):
            if moved.value <= point.value - SUFFICIENT * share * promised:
                return moved
        elif moved.slack < point.slack / 2:
            return moved
        elif share < 1:
            return None
        share /= 2
    return None


def model_decrease(penalty: Penalty, point: Point, target: np.ndarray) -> float:
    """Return the decrease of loss, to first order, and penalty on the way to a target."""
    along = float((point.gradient * (target - point.coefficients)).sum())
    return penalty.cost(point.coefficients) - penalty.cost(target) - along


@dataclass(frozen=True)
class Places:
    """Where the entries of coefficients (J, k), flattened, belong in a step.

    Attributes
    ----------
    free : numpy.ndarray
        Those without a penalty, less one that the others move against.
    penalized : numpy.ndarray
    columns : numpy.ndarray
        The column of every penalized one.
    """

    free: np.ndarray
    penalized: np.ndarray
    columns: np.ndarray


def place_entries(scale: np.ndarray, categories: int, base: int) -> Places:
    """Sort the entries of coefficients (J, k) whose columns have these scales (k,)."""
    column = np.tile(np.arange(len(scale)), categories)
    category = np.repeat(np.arange(categories), len(scale))
    unpriced = np.isinf(scale)[column]
    penalized = np.flatnonzero(~unpriced)
    free = np.flatnonzero(unpriced & (category != base))
    return Places(free, penalized, column[penalized])


def minimize_model(loss: Loss, penalty: Penalty, point: Point, kept: np.ndarray) -> np.ndarray:
    """Minimize the quadratic model of the loss and the penalty in some columns (J, K)."""
    sums = loss.evaluate(point.coefficients, kept, 2)
    part, square = point.coefficients[:, kept], penalty.square[kept]
    places = place_entries(penalty.scale[kept], len(part), loss.base)
    hessian = np.asarray(sums.information)
    hessian[np.diag_indices(len(hessian))] += np.tile(square, len(part))
    slope = (np.asarray(sums.score) + square * part).ravel()
    inner = eliminate(hessian, slope, places.free, places.penalized)
    flat = part.ravel().copy()
    x = flat[places.penalized]
    model = make_model(penalty, kept, places, inner.matrix, inner.matrix @ x - inner.slope)
    answer = minimize_quadratic(model, x)
    flat[places.penalized] = answer
    flat[places.free] += inner.shift - inner.turn @ (answer - x)
    target = point.coefficients.copy()
    target[:, kept] = flat.reshape(part.shape)
    return target


def make_model(
    penalty: Penalty, kept: np.ndarray, places: Places, matrix: np.ndarray, target: np.ndarray
) -> NormedQuadratic:
    """Put prices on the norms of a quadratic: of entries, or of columns if grouped."""
    prices = penalty.linear[kept]
    if not penalty.grouped:
        return NormedQuadratic(matrix, target, prices[places.columns], np.arange(len(target)))
    columns, members = np.unique(places.columns, return_inverse=True)
    return NormedQuadratic(matrix, target, prices[columns], members)

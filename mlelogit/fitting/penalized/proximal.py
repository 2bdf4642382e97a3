r"""A quadratic plus norms: the model of a penalized log-likelihood that every step minimizes.

    min_x  ½ x' S x - c' x + Σ_G l_G ‖x_G‖

Since ``2 ‖x_G‖ = min_{τ >= 0} ‖x_G‖² / τ + τ`` (Bach, Jenatton, Mairal and Obozinski 2012,
Foundations and Trends in Machine Learning 4(1), section 5.1), this is the least value of a
function of the τ alone,

    V(τ) = -½ c' x(τ) + ½ Σ_G l_G τ_G,    x(τ) = T (T S T + l)⁻¹ T c,    T² = diag(τ),

which is convex, as a partial minimum of a convex function, and smooth down to the bound: its
derivative ``½ l_G (1 - ‖(c - S x)_G‖² / l_G²)`` says where the bound holds just what
optimality of a zero does. So `scipy.optimize.minimize` finds which norms are zero; with those
known the rest is smooth, and Newton's method finishes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.fitting.linalg import factor_positive, solve_lower
from mlelogit.fitting.optimization import minimize_nonnegative

# Relative to the price of a norm: what L-BFGS-B stops at, near enough to tell most zeros, and
# where that does not do nearer; and what counts as a zero's excess.
TARGETS = (1e-3, 1e-9)
EXCESS = 1e-9
# Iterations of L-BFGS-B: an answer that is not near by then is left to exchanges and polishing.
LARGEST_CLIMB = 200
# Newton steps, which end where the slope no longer shrinks: some six, in doubles.
POLISHES = 20
# How often groups are let in and out before L-BFGS-B looks for the right ones, and after it has
# come near them.
FEW_EXCHANGES, MOST_EXCHANGES = 3, 30
# Of every diagonal entry: far below any curvature that matters, it keeps a factor.
JITTER = 1e-13


@dataclass(frozen=True)
class NormedQuadratic:
    """``½ x' S x - c' x + Σ_G l_G ‖x_G‖``.

    Attributes
    ----------
    matrix : numpy.ndarray
        S (p, p), positive semidefinite.
    target : numpy.ndarray
        c (p,).
    prices : numpy.ndarray
        l (G,), all positive or all zero.
    members : numpy.ndarray
        (p,): the group of every coordinate.
    """

    matrix: np.ndarray
    target: np.ndarray
    prices: np.ndarray
    members: np.ndarray

    def measure_norms(self, values: np.ndarray) -> np.ndarray:
        """Return the norm of every group (G,)."""
        if len(self.prices) == len(self.members):
            return np.abs(values)
        return np.sqrt(np.bincount(self.members, values**2, len(self.prices)))

    def evaluate(self, x: np.ndarray) -> float:
        """Return the value at x."""
        smooth = float(x @ (self.matrix @ x / 2 - self.target))
        return smooth + float(self.prices @ self.measure_norms(x))

    def find_excess(self, x: np.ndarray) -> np.ndarray:
        """Return by how much a zero group's residual exceeds its price (G,); zero elsewhere."""
        residual = self.measure_norms(self.target - self.matrix @ x) / self.prices - 1
        return np.where(self.measure_norms(x) > 0, 0.0, np.maximum(residual, 0.0))


def minimize_quadratic(model: NormedQuadratic, start: np.ndarray) -> np.ndarray:
    """Minimize a quadratic plus norms.

    The zeros of the start are tried first, as along a path they are mostly right; where
    they are not, `scipy.optimize.minimize` finds others.

    Parameters
    ----------
    model : NormedQuadratic
    start : numpy.ndarray
        (p,).

    Returns
    -------
    numpy.ndarray
        (p,): a minimum up to rounding, or a point no worse than the start.
    """
    if not start.size:
        return start
    if not model.prices.any():
        step = solve_newton(model.matrix, None, model.matrix @ start - model.target)
        return start if step is None else start - step
    settled = settle(model, start, FEW_EXCHANGES)
    if settled is not None:
        return settled
    best = start
    for target in TARGETS:
        climbed = search_support(model, best, target)
        settled = settle(model, climbed, MOST_EXCHANGES)
        if settled is not None:
            return settled
        best = min([climbed, best], key=model.evaluate)
    return best


def settle(model: NormedQuadratic, start: np.ndarray, exchanges: int) -> np.ndarray | None:
    """Minimize with the zeros of a start, letting groups go that turn round and in that exceed.

    Returns
    -------
    numpy.ndarray or None
        (p,): the minimum, as its optimality conditions show; None if they do not come to hold.
    """
    x = start.copy()
    for _ in range(exchanges):
        polished = polish(model, x)
        if polished is None:
            return None
        x, turned = polished
        if turned:
            continue
        enter = np.flatnonzero(model.find_excess(x) > EXCESS)
        if not enter.size:
            return x
        x = enter_groups(model, x, enter)
    return None


def enter_groups(model: NormedQuadratic, x: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Give groups of zeros about the size that they would have alone."""
    residual = model.target - model.matrix @ x
    share = 1 - model.prices / np.maximum(model.measure_norms(residual), model.prices)
    steepest = np.zeros(len(model.prices))
    np.maximum.at(steepest, model.members, model.matrix.diagonal())
    entered = x.copy()
    for place in np.flatnonzero(np.isin(model.members, groups)):
        group = model.members[place]
        entered[place] = share[group] * residual[place] / steepest[group]
    return entered


def search_support(model: NormedQuadratic, start: np.ndarray, target: float) -> np.ndarray:
    """Minimize over the norms τ, from those of a start, with `scipy.optimize.minimize`.

    The search stops where the projected gradient is below a target, relative to the prices.
    """
    unit = model.prices.max()

    def value(tau: np.ndarray) -> tuple[float, np.ndarray]:
        x = solve_with_norms(model, tau)
        residual = model.measure_norms(model.target - model.matrix @ x)
        slope = model.prices * (1 - (residual / model.prices) ** 2) / 2
        level = -float(model.target @ x) / 2 + float(model.prices @ tau) / 2
        return level / unit, slope / unit

    norms = minimize_nonnegative(value, model.measure_norms(start), target, LARGEST_CLIMB)
    return solve_with_norms(model, norms)


def solve_with_norms(model: NormedQuadratic, norms: np.ndarray) -> np.ndarray:
    """Return x(τ) (p,), zero where τ is."""
    x = np.zeros(len(model.target))
    kept = np.flatnonzero(norms[model.members] > 0)
    if not kept.size:
        return x
    groups = model.members[kept]
    root = np.sqrt(norms[groups])
    inner = root[:, np.newaxis] * model.matrix[np.ix_(kept, kept)] * root
    inner[np.diag_indices(len(kept))] += model.prices[groups]
    factor = factor_positive(inner)
    if factor is None:
        return x
    half = solve_lower(factor, root * model.target[kept])
    x[kept] = root * solve_lower(factor, half, transpose=True)
    return x


def polish(model: NormedQuadratic, start: np.ndarray) -> tuple[np.ndarray, bool] | None:
    """Minimize with the zeros of a start held, by Newton steps.

    Groups of one coordinate have a straight norm, so that a single step arrives. A group that
    would turn round ends the search: it is set to zero.

    Returns
    -------
    tuple or None
        The minimum (p,), or where the search ended, and whether a group turned round. None if
        there is no Newton step.
    """
    x = start.copy()
    kept = np.flatnonzero(model.measure_norms(x)[model.members] > 0)
    if not kept.size:
        return x, False
    groups = model.members[kept]
    plain = model.matrix[np.ix_(kept, kept)]
    single = len(model.prices) == len(model.members)
    before = np.inf
    for _ in range(1 if single else POLISHES):
        part = x[kept]
        norms = model.measure_norms(x)[groups]
        direction = part / norms
        slope = plain @ part - model.target[kept] + model.prices[groups] * direction
        length = float(np.abs(slope).max())
        if length >= before:
            break
        before = length
        step = solve_newton(plain, None if single else bend(model, groups, direction, norms), slope)
        if step is None:
            return None
        moved = part - step
        turned = np.bincount(groups, moved * part, len(model.prices))[groups] <= 0
        x[kept] = np.where(turned, 0.0, moved)
        if turned.any():
            return x, True
    return x, False


def bend(
    model: NormedQuadratic, groups: np.ndarray, direction: np.ndarray, norms: np.ndarray
) -> np.ndarray:
    """Return the second derivatives of the norms of groups, ``l (I - u u') / ‖x‖``."""
    same = groups[:, np.newaxis] == groups
    bent = np.eye(len(groups)) - np.where(same, np.outer(direction, direction), 0.0)
    return np.asarray(bent * (model.prices[groups] / norms)[:, np.newaxis])


def solve_newton(
    matrix: np.ndarray, bent: np.ndarray | None, slope: np.ndarray
) -> np.ndarray | None:
    """Solve for a Newton step; None if the matrix is not positive definite."""
    whole = matrix.copy() if bent is None else matrix + bent
    whole[np.diag_indices(len(whole))] *= 1 + JITTER
    factor = factor_positive(whole)
    if factor is None:
        return None
    return solve_lower(factor, solve_lower(factor, slope), transpose=True)


@dataclass(frozen=True)
class Eliminated:
    """A quadratic of which some coordinates have been minimized over.

    Attributes
    ----------
    matrix, slope : numpy.ndarray
        Its second and first derivatives in the other coordinates, (p, p) and (p,).
    shift, turn : numpy.ndarray
        (q,) and (q, p): the free ones move by ``shift - turn d`` when the others move by d.
    """

    matrix: np.ndarray
    slope: np.ndarray
    shift: np.ndarray
    turn: np.ndarray


def eliminate(
    hessian: np.ndarray, slope: np.ndarray, free: np.ndarray, others: np.ndarray
) -> Eliminated:
    """Minimize a quadratic over its free coordinates, by their positions."""
    outer = hessian[np.ix_(others, others)]
    if not free.size:
        return Eliminated(outer, slope[others], np.zeros(0), np.zeros((0, len(others))))
    across = hessian[np.ix_(free, others)]
    solved = np.linalg.solve(hessian[np.ix_(free, free)], np.column_stack([across, slope[free]]))
    turn, shift = solved[:, :-1], -solved[:, -1]
    schur = outer - across.T @ turn
    return Eliminated((schur + schur.T) / 2, slope[others] + across.T @ shift, shift, turn)

"""Climb the log-likelihood of a network with scipy.optimize, from one start to one summit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize

from mlelogit.exceptions import OptionError
from mlelogit.networks.likelihood import NetworkLikelihood, NetworkSums
from mlelogit.networks.path import Path
from mlelogit.networks.record import Ended

METHODS = ("L-BFGS-B", "BFGS", "CG", "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "TNC")
WITH_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")
# Up to here the Hessian is formed, which is P products; it sees directions of any scale.
SMALL_NETWORK = 150
# Newton steps at the end, where values no longer tell points apart.
POLISHING = 6
PRODUCTS = 250
# Directions flatter than this part of the steepest are left alone: no rounding tells them from 0.
FLAT = 1e-12
# Conjugate gradients end when the square of what is left has shrunk to this.
CLOSE = 1e-6
# A Newton step worth making leaves at most this part of the gradient.
WORTH = 0.5


@dataclass
class NetworkClimb:
    """A climb under way.

    Attributes
    ----------
    likelihood : NetworkLikelihood
    maxiter : int
    tol : float
        Largest entry of the gradient per observation that ends it.
    callback : callable or None
        Called with the parameters (P,) after every iteration; a true answer ends it.
    bar : tqdm or None
    path : Path
    ended : Ended or None
    """

    likelihood: NetworkLikelihood
    maxiter: int
    tol: float
    callback: Callable[[np.ndarray], Any] | None
    bar: Any
    path: Path = field(init=False)
    ended: Ended | None = None
    iterations: int = 0
    known: tuple[np.ndarray, NetworkSums] | None = None

    def __post_init__(self) -> None:
        self.path = Path(self.likelihood.network.size)

    def look(self, params: np.ndarray) -> NetworkSums:
        """Return the sums at a point, found once."""
        if self.known is None or not np.array_equal(self.known[0], params):
            self.known = params.copy(), self.likelihood.evaluate(params)
        return self.known[1]

    def measure(self, params: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the penalized log-likelihood and its gradient, per observation.

        Where scores overflow there is no value; a step that leads there is too long.
        """
        sums = self.look(params)
        if not (np.isfinite(sums.objective) and np.isfinite(sums.gradient).all()):
            return np.inf, np.zeros(len(params))
        return -sums.objective / self.likelihood.weight, -sums.gradient / self.likelihood.weight

    def multiply(self, params: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return the Hessian of what is minimized times a vector."""
        return self.likelihood.multiply_information(params, vector) / self.likelihood.weight

    def form(self, params: np.ndarray) -> np.ndarray:
        """Return the Hessian of what is minimized."""
        return self.likelihood.form_information(params) / self.likelihood.weight

    def note(self, stage: str, params: np.ndarray) -> None:
        """Take note of an iteration, tell the user, and stop where it is to stop."""
        sums = self.look(params)
        self.iterations += stage != "start"
        self.path.add(stage, params, sums, self.likelihood.evaluations)
        if self.bar is not None:
            self.bar.update(1)
            self.bar.set_postfix_str(f"log-likelihood {sums.loglike:.6g}", refresh=False)
        if self.callback is not None and stage != "start" and self.callback(params.copy()):
            self.ended = Ended.CALLBACK
        elif self.iterations >= self.maxiter:
            self.ended = Ended.MAXITER
        if self.ended is not None:
            raise StopIteration


def find_method(method: Any, size: int) -> str:
    """Return the scipy method that a user's word stands for.

    Raises
    ------
    OptionError
        If the word is unknown; the message lists the choices.
    """
    if method == "auto":
        return "trust-exact" if size <= SMALL_NETWORK else "L-BFGS-B"
    if method not in METHODS:
        raise OptionError(f"method={method!r} is not known. Choices: auto, {', '.join(METHODS)}.")
    return str(method)


def climb_network(climb: NetworkClimb, start: np.ndarray, method: str) -> np.ndarray:
    """Climb from a start until the gradient is as small as asked; return the last point (P,).

    Parameters
    ----------
    climb : NetworkClimb
    start : numpy.ndarray
        (P,).
    method : str
        One of `METHODS`.
    """
    try:
        climb.note("start", start)
        point = _run(climb, start, method)
        _polish(climb, point)
    except StopIteration:
        pass
    _, params, sums, _ = climb.path.end
    if climb.ended is None:
        norm = float(np.abs(sums.gradient).max()) / climb.likelihood.weight
        climb.ended = Ended.ARRIVED if norm <= climb.tol else Ended.STALLED
    return params


def _run(climb: NetworkClimb, start: np.ndarray, method: str) -> np.ndarray:
    """Run one of scipy's methods."""

    def note(point: np.ndarray) -> None:
        climb.note(method, point)

    products: dict[str, Any] = {"hessp": climb.multiply} if method in WITH_PRODUCTS else {}
    if method == "trust-exact":
        products = {"hess": climb.form}
    with np.errstate(all="ignore"):
        minimize(  # type: ignore[call-overload]
            climb.measure,
            start,
            jac=True,
            method=method,
            callback=note,
            options=_make_options(climb, method),
            **products,
        )
    return climb.path.end[1]


def _make_options(climb: NetworkClimb, method: str) -> dict[str, Any]:
    if method == "Newton-CG":
        return {"maxiter": climb.maxiter, "xtol": climb.tol**2}
    if method == "TNC":
        return {"maxfun": 20 * climb.maxiter, "gtol": climb.tol, "ftol": 0.0, "xtol": 0.0}
    options: dict[str, Any] = {"maxiter": climb.maxiter, "gtol": climb.tol}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 20 * climb.maxiter, "maxcor": 30}
    return options


def _polish(climb: NetworkClimb, point: np.ndarray) -> None:
    """Make Newton steps while they make the gradient much smaller, and no value lower."""
    for _ in range(POLISHING):
        sums = climb.look(point)
        step = _find_newton_step(climb, point, sums.gradient)
        if step is None:
            return
        found = climb.look(point + step)
        rounding = 1e-12 * (1 + abs(sums.objective))
        smaller = np.abs(found.gradient).max() <= WORTH * np.abs(sums.gradient).max()
        if not (smaller and found.objective >= sums.objective - rounding):
            return
        point = point + step
        climb.note("newton", point)


def _find_newton_step(
    climb: NetworkClimb, point: np.ndarray, gradient: np.ndarray
) -> np.ndarray | None:
    """Return the Newton step, or None where the log-likelihood curves upwards along it."""
    if len(point) <= SMALL_NETWORK:
        return _solve_densely(climb.likelihood.form_information(point), gradient)
    return _solve_by_products(
        lambda vector: climb.likelihood.multiply_information(point, vector), gradient
    )


def _solve_densely(information: np.ndarray, gradient: np.ndarray) -> np.ndarray | None:
    """Solve along the directions that are not flat; None if one of them curves upwards."""
    scale = np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    values, vectors = eigh(information / np.outer(scale, scale))
    if values[0] < -(FLAT**0.5) * abs(values[-1]):
        return None
    steep = values > FLAT * values[-1]
    along = vectors[:, steep]
    return np.asarray(along @ ((along.T @ (gradient / scale)) / values[steep]) / scale)


def _solve_by_products(
    multiply: Callable[[np.ndarray], np.ndarray], gradient: np.ndarray
) -> np.ndarray | None:
    """Solve by conjugate gradients; None if a direction on the way curves upwards."""
    step, left = np.zeros_like(gradient), gradient.copy()
    direction, squared = left.copy(), float(left @ left)
    goal, steepest = CLOSE * squared, 0.0
    for _ in range(min(PRODUCTS, len(gradient))):
        if squared <= goal:
            break
        product = multiply(direction)
        curvature = float(direction @ product)
        steepest = max(steepest, curvature / float(direction @ direction))
        if curvature <= FLAT * steepest * float(direction @ direction):
            return None
        length = squared / curvature
        step, left = step + length * direction, left - length * product
        before, squared = squared, float(left @ left)
        direction = left + squared / before * direction
    return step

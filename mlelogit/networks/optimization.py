"""Climb the log-likelihood of a network with scipy.optimize, from one start to one summit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from mlelogit.exceptions import NetworkError, OptionError
from mlelogit.networks.certification.certificate import RISE, allow_gain
from mlelogit.networks.certification.curvature import (
    LANCZOS,
    SMALL_NETWORK,
    LocalShape,
)
from mlelogit.networks.certification.saddles import find_saddle, follow_step
from mlelogit.networks.climb import ROUNDING, NetworkClimb, Stop, is_finite
from mlelogit.networks.record import Ended

METHODS = ("L-BFGS-B", "BFGS", "CG", "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "TNC")
WITH_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")
# Methods that hold a matrix (P, P), and the doubles that it may have: 2 GB.
WITH_MATRIX = ("BFGS", "trust-exact")
LARGEST_MATRIX = 1 << 28
# What goes on where a line search finds no way: a trust region only shrinks where there is none.
# One that has crept on for long is left for another one, too.
RESCUE = ("trust-ncg", "L-BFGS-B")
# The gradient per observation from which on products with the Hessian are worth their price: on
# ten digits and a hidden layer they arrive in two thirds of the time that gradients take.
NEARLY = 1e-4
# Runs of a method between two saddle points; each begins where the last one stopped.
RUNS = 6
# Newton steps at the end, where values no longer tell points apart.
POLISHING = 6
# Products with the Hessian for such a step: as many as a part of the evaluations, within bounds.
PRODUCTS = 250
FEWEST_PRODUCTS = 20
FEWEST_LANCZOS = 40
# A Newton step worth making leaves at most this part of the gradient.
WORTH = 0.5
# Where more is left, the next run goes on to a gradient smaller by this.
CLOSER = 10.0
# A step of length one is one of a standard error over the root of n: from saturated rows the way
# can be long.
WIDEST = 1e12
# Saddle points that a climb leaves; each costs up to `LANCZOS` products.
ESCAPES = 8


def find_method(method: Any, size: int) -> str:
    """Return the scipy method that a user's word stands for.

    Raises
    ------
    OptionError
        If the word is unknown; the message lists the choices. If the method holds a matrix that
        so many parameters make too large.
    """
    if method == "auto":
        return "trust-exact" if size <= SMALL_NETWORK else "L-BFGS-B"
    if method not in METHODS:
        raise OptionError(f"method={method!r} is not known. Choices: auto, {', '.join(METHODS)}.")
    if method in WITH_MATRIX and size**2 > LARGEST_MATRIX:
        raise OptionError(
            f"method={method!r} holds a matrix of {size} parameters by {size}, "
            f"{8 * size**2 / 1e9:.1f} GB; L-BFGS-B and trust-krylov do without."
        )
    return str(method)


def find_finish(method: str, size: int) -> str | None:
    """Return the method that ends what another one begins: if the choice is left to us."""
    return RESCUE[0] if method == "auto" and size > SMALL_NETWORK else None


@np.errstate(all="ignore")
def climb_network(
    climb: NetworkClimb, start: np.ndarray, method: str, finish: str | None = None
) -> np.ndarray:
    """Climb from a start until the gradient is as small as asked; return the last point (P,).

    A point where the gradient is small but the log-likelihood curves upwards is a saddle; the
    climb steps off it along that curvature, and goes on.

    Parameters
    ----------
    climb : NetworkClimb
    start : numpy.ndarray
        (P,).
    method : str
        One of `METHODS`.
    finish : str, optional
        The one that goes on where the gradient is below `NEARLY`, unless the log-likelihood is
        concave.

    Raises
    ------
    NetworkError
        If the log-likelihood or its gradient is not finite at the start.
    """
    try:
        climb.note("start", start)
        _begin(climb)
        aim = climb.tol
        if finish is not None and not climb.concave:
            _run(climb, method, max(aim, NEARLY))
            method = finish
        for escapes in range(ESCAPES + 1):
            _reach(climb, method, aim)
            # Where a saddle point was as level, what is beyond it may be too.
            aim = min(aim, climb.measure_gradient(climb.path.end.sums) / CLOSER)
            if escapes == ESCAPES or climb.is_running_off() or not _leave_saddle(climb):
                break
    except Stop:
        pass
    if climb.ended is None:
        climb.ended = Ended.ARRIVED if climb.is_level(climb.path.end.sums) else Ended.STALLED
    return climb.path.end.params


def _begin(climb: NetworkClimb) -> None:
    """Begin at equal scores where that is higher and the log-likelihood is concave.

    From there all starts lead to the same height, and where inputs are large a start at random
    numbers leaves all rows so certain of a wrong category that no curvature is left to go by.
    """
    zero = np.zeros(climb.likelihood.network.size)
    if not is_finite(climb.path.end.sums):
        raise NetworkError(
            "The log-likelihood, or its gradient, is not finite at the parameters that the climb "
            "would start from: scores overflow. Rescale the inputs, or start from smaller ones."
        )
    if climb.concave and climb.look(zero).objective > climb.path.end.sums.objective:
        climb.note("zero", zero)


def _reach(climb: NetworkClimb, method: str, aim: float) -> None:
    """Run a method, and another one where that finds no way, until the gradient is small."""
    others: tuple[str, ...] = ()
    for _ in range(RUNS):
        before = climb.path.end.sums.objective
        _run(climb, method, aim)
        if climb.is_running_off():
            return
        _polish(climb)
        if climb.arrived or climb.iterations >= climb.maxiter:
            return
        aim = min(aim, climb.measure_gradient(climb.path.end.sums) / CLOSER)
        if climb.path.end.sums.objective - before <= climb.find_least(before):
            if method in others:
                return
            method = next(one for one in RESCUE if one != method)
            others = (*others, method)


def _run(climb: NetworkClimb, method: str, aim: float) -> None:
    """Run one of scipy's methods from the last point on, until the gradient is below an aim."""
    climb.begin_window()
    run = _Run(climb, method, aim, climb.path.end.params, climb.units)
    derivatives: dict[str, Any] = {"hessp": run.multiply} if method in WITH_PRODUCTS else {}
    if method == "trust-exact":
        derivatives = {"hess": run.form}
    try:
        with np.errstate(all="ignore"):
            minimize(  # type: ignore[call-overload]
                run.measure,
                run.enter(np.zeros(len(run.origin))),
                jac=True,
                method=method,
                callback=run.note,
                options=_make_options(climb, method, run.convert(aim)),
                **derivatives,
            )
    except Stop:
        pass
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        # A method's own algebra breaks down where there are no numbers.
        if run.failed:
            raise
    if climb.ended is not None:
        raise Stop


@dataclass
class _Run:
    """A run of a method in coordinates z, ``w = origin + T z``.

    Attributes
    ----------
    units : numpy.ndarray
        T (P, r), or its diagonal (P,).
    failed : bool
        Whether the network or the user raised an error, which is not the method's own.
    """

    climb: NetworkClimb
    method: str
    aim: float
    origin: np.ndarray
    units: np.ndarray
    failed: bool = False

    def place(self, z: np.ndarray) -> np.ndarray:
        return self.origin + self.leave(z)

    def leave(self, z: np.ndarray) -> np.ndarray:
        return np.asarray(self.units @ z if self.units.ndim > 1 else self.units * z)

    def enter(self, gradient: np.ndarray) -> np.ndarray:
        return np.asarray(self.units.T @ gradient if self.units.ndim > 1 else self.units * gradient)

    def convert(self, aim: float) -> float:
        """Return the largest entry of a gradient by z that makes none by w exceed an aim."""
        if self.units.ndim == 1:
            return aim * float(self.units.min())
        return aim * float(np.linalg.norm(self.units, axis=0).min() / np.sqrt(len(self.origin)))

    @contextmanager
    def watch(self) -> Iterator[None]:
        self.failed = True
        yield
        self.failed = False

    def measure(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        with self.watch():
            value, gradient = self.climb.measure(self.place(z))
        return value, self.enter(gradient)

    def note(self, z: np.ndarray) -> None:
        with self.watch():
            self.climb.note(self.method, self.place(z))
        if self.climb.measure_gradient(self.climb.path.end.sums) <= self.aim:
            raise Stop

    def form(self, z: np.ndarray) -> np.ndarray:
        with self.watch():
            whole = self.climb.likelihood.form_information(self.place(z))
        once = np.array([self.enter(row) for row in whole / self.climb.likelihood.weight])
        return np.nan_to_num(np.array([self.enter(row) for row in once.T]))

    def multiply(self, z: np.ndarray, vector: np.ndarray) -> np.ndarray:
        with self.watch():
            product = self.climb.multiply(self.place(z), self.leave(vector))
        return np.nan_to_num(self.enter(product) / self.climb.likelihood.weight)


def _make_options(climb: NetworkClimb, method: str, tol: float) -> dict[str, Any]:
    left = climb.maxiter - climb.iterations
    if method == "Newton-CG":
        return {"maxiter": left, "xtol": tol**2}
    if method == "TNC":
        return {"maxfun": 20 * left, "gtol": tol, "ftol": 0.0, "xtol": 0.0}
    options: dict[str, Any] = {"maxiter": left, "gtol": tol}
    if method.startswith("trust"):
        options |= {"initial_trust_radius": 1.0, "max_trust_radius": WIDEST}
    if method == "L-BFGS-B":
        options |= {"ftol": 0.0, "maxfun": 20 * left, "maxcor": 30}
    return options


def _polish(climb: NetworkClimb) -> None:
    """Make Newton steps while they make the gradient much smaller, and no value lower."""
    for _ in range(POLISHING):
        point, sums = climb.path.end.params, climb.path.end.sums
        shape = LocalShape(climb.likelihood, point, climb.concave)
        products = climb.share_products(FEWEST_PRODUCTS, PRODUCTS)
        climb.newton = shape.find_step(sums.gradient, products)
        step = climb.newton.step
        if step is None:
            return
        found = climb.look(point + step)
        smaller = np.abs(found.gradient).max() <= WORTH * np.abs(sums.gradient).max()
        least = sums.objective - ROUNDING * (1 + abs(sums.objective))
        if not (is_finite(found) and smaller and found.objective >= least):
            return
        climb.note("newton", point + step)


def _leave_saddle(climb: NetworkClimb) -> bool:
    """Step off a saddle point, if the climb stands on one; tell whether it does so."""
    point, sums = climb.path.end.params, climb.path.end.sums
    if climb.concave or not climb.is_level(sums) or climb.iterations >= climb.maxiter:
        return False
    products = climb.share_products(FEWEST_LANCZOS, LANCZOS)
    least = max(ROUNDING * (1 + abs(sums.objective)), min(RISE, allow_gain(climb.tol)))
    found = find_saddle(climb.likelihood, point, least, products, climb.newton)
    climb.curvature = found.curvature
    higher, stage = found.higher, "saddle"
    if higher is None and climb.newton is not None:
        farther, rise = follow_step(climb.likelihood, point, climb.newton.reach)
        higher, stage = (farther, "newton") if rise > least else (None, stage)
    if higher is None:
        return False
    climb.note(stage, higher)
    return True

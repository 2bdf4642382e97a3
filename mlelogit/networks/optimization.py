"""Climb the log-likelihood of a network with scipy.optimize, from one start to one summit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize

from mlelogit.exceptions import NetworkError, OptionError
from mlelogit.networks.certification.certificate import RISE, allow_gain
from mlelogit.networks.certification.curvature import (
    LANCZOS,
    SMALL_NETWORK,
    Curvature,
    LocalShape,
    NewtonStep,
)
from mlelogit.networks.certification.recession import find_margin
from mlelogit.networks.certification.saddles import find_saddle, follow_step
from mlelogit.networks.certification.scores import moves_affinely
from mlelogit.networks.likelihood import NetworkLikelihood, NetworkSums
from mlelogit.networks.path import Path, Visit
from mlelogit.networks.record import Ended

METHODS = ("L-BFGS-B", "BFGS", "CG", "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact", "TNC")
WITH_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")
# Methods that hold a matrix (P, P), and the doubles that it may have: 2 GB.
WITH_MATRIX = ("BFGS", "trust-exact")
LARGEST_MATRIX = 1 << 28
# What goes on where a line search finds no way: a trust region only shrinks where there is none.
# One that has crept on for long is left for another one, too.
RESCUE = ("trust-ncg", "L-BFGS-B")
# After so many iterations with a rise of no more than what counts as arrived, a run goes on in
# another way; with one of less than CREEP nats while parameters have grown by a tenth, a climb
# ends: at that pace a thousand iterations more would not change what can be said.
WINDOW = 100
CREEP = 0.02
GROWN = 1.1
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
SHARE = 8
# A Newton step worth making leaves at most this part of the gradient.
WORTH = 0.5
# Values that differ by less, relative to one plus their size, are the same but for rounding.
ROUNDING = 1e-12
# Where more is left, the next run goes on to a gradient smaller by this.
CLOSER = 10.0
# A step of length one is one of a standard error over the root of n: from saturated rows the way
# can be long.
WIDEST = 1e12
# Saddle points that a climb leaves; each costs up to `LANCZOS` products.
ESCAPES = 8


class _Stop(Exception):  # noqa: N818 - nothing is wrong
    """Ends a run of a method, or a climb."""


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
        Called with the parameters (P,) after every iteration; a true answer ends it, and so
        does StopIteration.
    bar : tqdm or None
    path : Path
    ended : Ended or None
    newton : NewtonStep or None
        At the last point, if it was sought.
    curvature : Curvature or None
        At the last point, if it was examined.
    before : numpy.ndarray or None
        (P,): where it was some iterations ago.
    """

    likelihood: NetworkLikelihood
    maxiter: int
    tol: float
    callback: Callable[[np.ndarray], Any] | None
    bar: Any
    path: Path = field(init=False)
    window: tuple[int, Visit] = field(init=False)
    ended: Ended | None = None
    iterations: int = 0
    newton: NewtonStep | None = None
    curvature: Curvature | None = None
    before: np.ndarray | None = None
    known: tuple[np.ndarray, NetworkSums] | None = None
    shaped: tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]] | None = None

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
        try:
            sums = self.look(params)
        except NetworkError:
            # At the start the module could be computed: this step is too long.
            return np.inf, np.zeros(len(params))
        if not is_finite(sums):
            return np.inf, np.zeros(len(params))
        return -sums.objective / self.likelihood.weight, -sums.gradient / self.likelihood.weight

    @cached_property
    def units(self) -> np.ndarray:
        """The units of the parameters in every run: T (P, r), or its diagonal (P,).

        Where the log-likelihood is concave, those in which its curvature per observation at equal
        scores is one in all directions, or about so: then the units of the inputs do not matter.
        At parameters of zero no row is settled already. Elsewhere they are the module's.
        """
        size = self.likelihood.network.size
        if not self.concave:
            return np.ones(size)
        shape = LocalShape(self.likelihood, np.zeros(size), concave=True)
        units = shape.find_units() if shape.finite else np.zeros((size, 0))
        return units * np.sqrt(self.likelihood.weight) if units.size else np.ones(size)

    def multiply(self, params: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return the information at a point times a vector; what leads to it is kept."""
        if self.shaped is None or not np.array_equal(self.shaped[0], params):
            self.shaped = params.copy(), self.likelihood.prepare_information(params)
        return self.shaped[1](vector)

    def measure_gradient(self, sums: NetworkSums) -> float:
        """Return the largest entry of the gradient per observation."""
        return float(np.abs(sums.gradient).max()) / self.likelihood.weight

    def is_level(self, sums: NetworkSums) -> bool:
        """Tell whether the gradient is as small as was asked."""
        return self.measure_gradient(sums) <= self.tol

    @cached_property
    def concave(self) -> bool:
        """Whether the scores are affine in the parameters."""
        point = self.path.end.params
        return moves_affinely(self.likelihood, point, np.ones(len(point), dtype=bool))

    def is_running_off(self) -> bool:
        """Tell whether every row is right and nothing keeps parameters: the way up is endless."""
        free = not self.likelihood.precisions.any()
        level = self.is_level(self.path.end.sums)
        return free and level and find_margin(self.likelihood, self.path.end.params) > 0

    @property
    def arrived(self) -> bool:
        """Whether the last point's gradient is small, and a Newton step does not promise more."""
        more = self.newton is not None and self.newton.gain > allow_gain(self.tol)
        return self.is_level(self.path.end.sums) and not more

    def look_back(self) -> np.ndarray | None:
        """Return where the climb was some iterations ago, or halfway (P,)."""
        if self.before is not None or not self.path.points:
            return self.before
        return self.path.points[len(self.path.points) // 2].params

    def find_least(self, height: float) -> float:
        """Return the rise that a run must bring to be worth another one."""
        return max(ROUNDING * (1 + abs(height)), allow_gain(self.tol) / 100)

    def share_products(self, fewest: int, most: int) -> int:
        """Return how many products with the Hessian are a small part of the climb so far."""
        return int(np.clip(self.likelihood.evaluations // SHARE, fewest, most))

    def note(self, stage: str, params: np.ndarray) -> None:
        """Take note of an iteration, tell the user, and stop where it is to stop."""
        sums = self.look(params)
        self.iterations += stage != "start"
        self.newton, self.curvature = None, None
        self.path.add(stage, params, sums, self.likelihood.evaluations)
        if self.bar is not None:
            self.bar.update(1)
            self.bar.set_postfix_str(f"log-likelihood {sums.loglike:.6g}", refresh=False)
        if stage != "start" and self._ask(params.copy()):
            self.ended = Ended.CALLBACK
        elif self.iterations >= self.maxiter and not self.is_level(sums):
            self.ended = Ended.MAXITER
        if self.ended is None and stage not in ("start", "zero"):
            self._watch_progress()
        if self.ended is not None:
            raise _Stop

    def begin_window(self) -> None:
        """Look from here on whether there is progress."""
        self.window = self.iterations, self.path.end

    def _watch_progress(self) -> None:
        """End a run that hardly rises any more, and a climb that creeps off to infinity."""
        began, before = self.window
        if self.iterations - began < WINDOW:
            return
        now, self.before = self.path.end, before.params
        self.begin_window()
        rise = now.sums.objective - before.sums.objective
        grown = np.linalg.norm(now.params) > GROWN * np.linalg.norm(before.params)
        if rise <= CREEP and grown and not self.concave and not self.likelihood.precisions.all():
            self.ended = Ended.CREEPING
        elif rise <= allow_gain(self.tol):
            raise _Stop

    def _ask(self, params: np.ndarray) -> bool:
        """Tell whether the user wants to stop."""
        try:
            return self.callback is not None and bool(self.callback(params))
        except StopIteration:
            return True


def is_finite(sums: NetworkSums) -> bool:
    """Tell whether value and gradient are numbers."""
    return bool(np.isfinite(sums.objective) and np.isfinite(sums.gradient).all())


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
    except _Stop:
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
    except _Stop:
        pass
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        # A method's own algebra breaks down where there are no numbers.
        if run.failed:
            raise
    if climb.ended is not None:
        raise _Stop


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
            raise _Stop

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

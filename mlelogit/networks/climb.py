"""A climb under way: what it has looked at, where it went, and when it is to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mlelogit.exceptions import NetworkError
from mlelogit.networks.certification.certificate import allow_gain
from mlelogit.networks.certification.curvature import Curvature, LocalShape, NewtonStep
from mlelogit.networks.certification.pieces import list_kinks
from mlelogit.networks.certification.recession import find_margin
from mlelogit.networks.certification.scores import moves_affinely
from mlelogit.networks.likelihood import NetworkLikelihood, NetworkSums
from mlelogit.networks.path import Path, Visit
from mlelogit.networks.record import Ended

# Values that differ by less, relative to one plus their size, are the same but for rounding.
ROUNDING = 1e-12
# Products with the Hessian are no more than this part of the evaluations so far.
SHARE = 8
# After so many iterations with a rise of no more than what counts as arrived, a run goes on in
# another way; with one of less than CREEP nats while parameters have grown by a tenth, a climb
# ends: at that pace a thousand iterations more would not change what can be said.
WINDOW = 100
CREEP = 0.02
GROWN = 1.1


class Stop(Exception):  # noqa: N818 - nothing is wrong
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
            raise Stop

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
        elif rise <= CREEP and self.kinked:
            self.ended = Ended.STALLED
        elif rise <= allow_gain(self.tol):
            raise Stop

    @cached_property
    def kinked(self) -> bool:
        """Whether derivatives jump somewhere: a climb on a kink goes on without arriving."""
        return bool(list_kinks(self.likelihood))

    def _ask(self, params: np.ndarray) -> bool:
        """Tell whether the user wants to stop."""
        try:
            return self.callback is not None and bool(self.callback(params))
        except StopIteration:
            return True


def is_finite(sums: NetworkSums) -> bool:
    """Tell whether value and gradient are numbers."""
    return bool(np.isfinite(sums.objective) and np.isfinite(sums.gradient).all())

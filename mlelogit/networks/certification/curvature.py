r"""The curvature of a network's log-likelihood at a point: its extremes, and a Newton step.

H is the information, minus the Hessian of the penalized log-likelihood, a matrix (P, P) that may
have eigenvalues of both signs. Parameters have units, and the eigenvalues of H depend on them; so
H is *equilibrated* first: ``S H S`` with a diagonal S that gives all rows length one (Dauphin, de
Vries and Bengio 2015); where the log-likelihood is concave, one that makes its diagonal one.
The signs of the eigenvalues stay the same (Sylvester's law of inertia).

Small networks have H formed. For large ones there are products with it: the length of row i is
``E (Hz)_i²`` for random signs z; steps come from conjugate gradients, and the extremes
from Lanczos' method begun at a random vector, which finds after m products with probability 1 - p
an eigenvalue within

    ``ε = (log(1.648 sqrt(P) / p) / (2m - 1))²``

of the spread of the eigenvalues from the end, whatever H is (Kuczyński and Woźniakowski 1992,
theorem 4.2). They state it for the largest eigenvalue of a positive semidefinite matrix relative to
itself, ``p <= 1.648 sqrt(P) exp(-sqrt(ε) (2m - 1))``; ``λ_max I - H`` is one, its largest
eigenvalue is the spread, and the vectors that products span are the same for it and for H. The
spread itself is known from both ends, so each may be missed with half the probability:
``p = 1e-6 / 2``. A negative Rayleigh quotient proves an upward curvature; that there is none is as
sure as one minus 1e-6, down to ε.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh, eigh_tridiagonal

from mlelogit.networks.likelihood import NetworkLikelihood

Products = Callable[[np.ndarray], np.ndarray]

# Up to here the Hessian is formed, which is P products; it sees directions of any scale.
SMALL_NETWORK = 150
# Directions flatter than this part of the steepest are as good as flat: rounding hides the rest.
FLAT = 1e-12
# Upward curvature counts from this part of the steepest on: along curves on which the scores do
# not change at all, second derivatives are of the size of what is left of the gradient.
UPWARD = 1e-6
TINY = 1e-300
# Rounds of scaling rows and columns; each halves what the logarithms of their lengths are off by.
ROUNDS = 12
# Random signs that tell the lengths of rows to a third or so, which is all that is needed.
SIGNS = 8
# Rows shorter than this part of the longest are taken as so long. Of a concave log-likelihood, by
# rounding. Of another, since what is left of a gradient makes rows near a saddle point that would
# be zero at it: drawn out, they would hide the way off.
SHORTEST_CONCAVE = 1e-14
SHORTEST = 1e-4
# Products of Lanczos' method with all vectors kept, at most; doubles that they may fill: 256 MB;
# and how few would tell nothing.
LANCZOS = 100
NUMBERS = 1 << 25
FEWEST = 8
# With what probability an upward curvature may hide.
DOUBT = 1e-6
# Directions of upward curvature that are handed on.
WAYS = 8
# Conjugate gradients end when the square of what is left has shrunk to this.
CLOSE = 1e-6
# Of every draw; the vectors have nothing to do with the data.
SEED = 20150604


@dataclass(frozen=True)
class Curvature:
    """The extremes of the equilibrated information S H S.

    Made by `mlelogit.networks.fit_network`.

    Attributes
    ----------
    smallest, largest : float
        Its extreme eigenvalues; NaN if unknown.
    hidden : float
        How far below ``smallest`` one may still lie, with a probability of 1e-6, rounding aside.
        Zero if H was formed.
    ways : numpy.ndarray
        (m, P): directions of the parameters along which the log-likelihood curves upwards, at most
        eight, the one of most upward curvature for its length first.
    products : int
        With H, that were made to find them.
    reason : str
        Why they are unknown; empty otherwise.
    rise : float
        How much higher the log-likelihood was found along these ways; NaN if none was followed.
    """

    smallest: float
    largest: float
    hidden: float
    ways: np.ndarray
    products: int
    reason: str = ""
    rise: float = np.nan

    @property
    def known(self) -> bool:
        """Whether the extremes were found."""
        return not self.reason

    @property
    def upward(self) -> bool:
        """Whether the log-likelihood curves upwards in some direction, beyond rounding."""
        return self.known and self.smallest < -UPWARD * max(abs(self.largest), -self.smallest)


@dataclass(frozen=True)
class NewtonStep:
    """A Newton step.

    Attributes
    ----------
    step : numpy.ndarray or None
        (P,): ``H⁻¹ s``; None where the log-likelihood curves upwards.
    gain : float
        ``1/2 s' H⁻¹ s``, the rise that it promises: what is left to climb if the log-likelihood is
        a parabola. A part of that if products ran out. NaN without a step.
    way : numpy.ndarray or None
        (P,): a direction of upward curvature, if one was met.
    reach : numpy.ndarray or None
        (P,): the step with the directions that are as good as flat, as far as these promise
        something; if H was formed.
    """

    step: np.ndarray | None
    gain: float
    way: np.ndarray | None
    reach: np.ndarray | None = None


def leave_unknown(reason: str, products: int = 0) -> Curvature:
    """Return a curvature that is unknown for a reason."""
    return Curvature(np.nan, np.nan, np.nan, np.zeros((0, 0)), products, reason)


class LocalShape:
    """The second derivatives at a point.

    Parameters
    ----------
    likelihood : NetworkLikelihood
    point : numpy.ndarray
        (P,).
    concave : bool
        Whether the log-likelihood is known to be.
    shortest : float
        Rows of H shorter than this part of the longest are not drawn out.
    """

    def __init__(
        self,
        likelihood: NetworkLikelihood,
        point: np.ndarray,
        concave: bool = False,
        shortest: float = SHORTEST,
    ) -> None:
        self.size = len(point)
        # Whether some rows are not drawn out that might be.
        self.shortened = False
        self.multiply = likelihood.prepare_information(point)
        small = self.size <= SMALL_NETWORK
        self.matrix = likelihood.form_information(point) if small else None
        draw = np.random.default_rng(SEED)
        if self.matrix is not None and concave:
            size = np.sqrt(np.maximum(np.diag(self.matrix), 0.0))
            self.scale = 1 / np.where(size > 0, size, 1.0)
        elif self.matrix is not None:
            self._mark_short(np.linalg.norm(self.matrix, axis=1), shortest)
            self.scale = equilibrate(self.matrix, shortest)
        else:
            signs = draw.choice([-1.0, 1.0], (SIGNS, self.size))
            lengths = np.sqrt(np.mean([self.multiply(one) ** 2 for one in signs], axis=0))
            shortest = SHORTEST_CONCAVE if concave else shortest
            self._mark_short(lengths, shortest)
            self.scale = _invert_lengths(lengths, shortest) ** 0.5
        self.start = draw.standard_normal(self.size)

    def _mark_short(self, lengths: np.ndarray, shortest: float) -> None:
        least, most = lengths > SHORTEST_CONCAVE * lengths.max(), shortest * lengths.max()
        self.shortened = bool((least & (lengths < most)).any())

    @property
    def finite(self) -> bool:
        """Whether the second derivatives are finite numbers, as far as was seen."""
        whole = self.matrix is None or bool(np.isfinite(self.matrix).all())
        return whole and bool(np.isfinite(self.scale).all())

    def multiply_scaled(self, vector: np.ndarray) -> np.ndarray:
        """Return S H S times a vector."""
        return self.scale * self.multiply(self.scale * vector)

    def scale_matrix(self) -> np.ndarray:
        """Return S H S."""
        return np.asarray(self.matrix) * self.scale * self.scale[:, np.newaxis]

    def find_step(self, gradient: np.ndarray, products: int) -> NewtonStep:
        """Return a Newton step, if no upward curvature is met on the way to it."""
        if not self.finite:
            return NewtonStep(None, np.nan, None)
        if self.matrix is None:
            found = solve_by_products(self.multiply_scaled, self.scale * gradient, products)
        else:
            found = solve_densely(self.scale_matrix(), self.scale * gradient)
        step = None if found.step is None else self.scale * found.step
        way = None if found.way is None else self.scale * found.way
        reach = None if found.reach is None else self.scale * found.reach
        return replace(found, step=step, way=way, reach=reach)

    def find_rest(self, curvature: Curvature, way: np.ndarray) -> Curvature:
        """Return extremes of curvature that know of another direction of upward curvature."""
        if not curvature.known:
            return curvature
        z = way / self.scale
        steepness = float(z @ self.multiply_scaled(z) / (z @ z))
        ways = np.vstack([way, curvature.ways]) if len(curvature.ways) else way[np.newaxis]
        return replace(curvature, smallest=min(steepness, curvature.smallest), ways=ways)

    def find_units(self) -> np.ndarray:
        """Return T (P, r) with ``T' H T`` the identity if H was formed, else the diagonal S (P,).

        Directions that are flat are left out.
        """
        if self.matrix is None:
            return self.scale
        values, vectors = eigh(self.scale_matrix())
        steep = values > FLAT * values[-1]
        return np.asarray(self.scale[:, np.newaxis] * vectors[:, steep] / np.sqrt(values[steep]))

    def find_extremes(self, products: int = LANCZOS) -> Curvature:
        """Return the extremes of curvature."""
        if not self.finite:
            return leave_unknown("the second derivatives are not finite here")
        if self.matrix is not None:
            values, vectors = eigh(self.scale_matrix())
            ways = self._list_ways(values, vectors.T)
            return Curvature(float(values[0]), float(values[-1]), 0.0, ways, self.size)
        most = min(products, self.size, NUMBERS // self.size)
        if most < FEWEST:
            return leave_unknown(f"{self.size} parameters leave no room to examine them")
        found = run_lanczos(self.multiply_scaled, self.start, most)
        if found is None:
            return leave_unknown("the second derivatives are not finite here", most)
        values, vectors, made = found
        ways = self._list_ways(values, vectors)
        low, high = float(values[0]), float(values[-1])
        # What stops by itself has seen all that there is.
        hidden = bound_hidden(self.size, high - low, made) if made == most else 0.0
        return Curvature(low, high, hidden, ways, made)

    def _list_ways(self, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the directions of upward curvature.

        Where rows of H are next to nothing, S is so large that such a direction leads nowhere; by
        the curvature in the units of the parameters it comes last.
        """
        upward = values[: len(vectors)] < -UPWARD * float(np.abs(values).max())
        ways = vectors[upward] * self.scale
        steepness = values[: len(vectors)][upward] / np.sum(ways**2, axis=1)
        return np.asarray(ways[np.argsort(steepness)[:WAYS]])


def bound_hidden(size: int, spread: float, made: int) -> float:
    """Return how far below the least Ritz value an eigenvalue can be, but for `DOUBT`.

    The part ε is of the spread, which is no more than what was seen of it over ``1 - 2 ε``, since
    either end may be missed, each with half the probability.
    """
    if made == size:
        return 0.0
    part = float(np.log(1.648 * np.sqrt(size) / (DOUBT / 2)) / (2 * made - 1)) ** 2
    return part * spread / (1 - 2 * part) if 2 * part < 1 else np.inf


def equilibrate(matrix: np.ndarray, shortest: float = SHORTEST) -> np.ndarray:
    """Return S (P,) that gives all rows of ``S H S`` length one, those that are not too short.

    Ruiz (2001): divide rows and columns by the square roots of their lengths, and again.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.networks.certification.curvature import equilibrate
    >>> scale = equilibrate(np.diag([4e4, 1e2]))
    >>> np.round(scale**2 * [4e4, 1e2], 3)
    array([1., 1.])
    """
    first = np.linalg.norm(matrix, axis=1)
    counts = first > shortest * first.max()
    scale = _invert_lengths(first, shortest) ** 0.5
    for _ in range(ROUNDS):
        lengths = np.linalg.norm(matrix * scale * scale[:, np.newaxis], axis=1)
        scale = scale * np.where(counts, _invert_lengths(lengths, shortest), 1.0) ** 0.5
    return scale


def _invert_lengths(lengths: np.ndarray, shortest: float) -> np.ndarray:
    """Return one over the lengths of rows, none taken as too short."""
    longest = float(lengths.max())
    return (
        1 / np.maximum(lengths, max(shortest * longest, TINY))
        if longest > 0
        else np.ones(len(lengths))
    )


def solve_densely(information: np.ndarray, gradient: np.ndarray) -> NewtonStep:
    """Solve along the directions that are not flat, unless one of them curves upwards."""
    values, vectors = eigh(information)
    steepest = float(np.abs(values).max())
    if values[0] < -UPWARD * steepest:
        return NewtonStep(None, np.nan, vectors[:, 0])
    steep = values > FLAT * steepest
    along = vectors.T @ gradient
    step = vectors[:, steep] @ (along[steep] / values[steep])
    least = max(FLAT * steepest, TINY)
    reach = along / np.maximum(values, least)
    return NewtonStep(step, 0.5 * float(along @ reach), None, vectors @ reach)


def solve_by_products(multiply: Products, gradient: np.ndarray, products: int) -> NewtonStep:
    """Solve by conjugate gradients, unless a direction on the way curves upwards."""
    step, left = np.zeros_like(gradient), gradient.copy()
    direction, squared = left.copy(), float(left @ left)
    goal, steepest, rise = CLOSE * squared, 0.0, 0.0
    for _ in range(min(products, len(gradient))):
        if squared <= goal:
            break
        product = multiply(direction)
        length, curved = float(direction @ direction), float(direction @ product)
        steepest = max(steepest, abs(curved) / length)
        if not curved >= -UPWARD * steepest * length:
            return NewtonStep(None, np.nan, direction)
        if curved <= FLAT * steepest * length:
            break
        rate = squared / curved
        rise += 0.5 * rate * squared
        step, left = step + rate * direction, left - rate * product
        before, squared = squared, float(left @ left)
        direction = left + squared / before * direction
    return NewtonStep(step, rise, None)


def run_lanczos(
    multiply: Products, start: np.ndarray, products: int
) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Return Ritz values (m,) in order, vectors of the lowest (few, P), and the products made.

    All vectors are kept and each new one is made orthogonal to all of them, twice: no
    eigenvalue is found a second time. None if a product is not finite.
    """
    basis = np.zeros((products, len(start)))
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside = np.zeros(products), np.zeros(products)
    made = 0
    for k in range(products):
        product = multiply(basis[k])
        if not np.isfinite(product).all():
            return None
        diagonal[k] = basis[k] @ product
        made = k + 1
        for _ in range(2):
            product = product - basis[:made].T @ (basis[:made] @ product)
        beside[k] = np.linalg.norm(product)
        size = max(np.abs(diagonal[:made]).max(), beside[:made].max())
        if beside[k] <= FLAT * size or made == products:
            break
        basis[made] = product / beside[k]
    values, vectors = eigh_tridiagonal(diagonal[:made], beside[: made - 1])
    lowest = vectors[:, : 2 * WAYS].T @ basis[:made]
    return values, lowest, made

r"""Where the profile log-likelihood of a combination of params, or its score test, meets a level.

With a combination ``τ = c'(θ - θ₀)`` held, the log-likelihood ``l(θ)`` is highest where its score
is ``s = μ c``; ``pl(τ)`` is its value there, concave in τ with derivative μ, which is known
exactly. Let I be the information there, ``V = I⁻¹``. Then

- the likelihood-ratio statistic of τ is ``2 (max l - pl(τ))``, and
- Rao's score statistic of τ is ``s' V s = μ² c'V c`` (Rao 1948).

An end of a profile interval meets ``l(θ) = max l - q / 2`` and ``s = μ c`` at once: P equations,
which Newton's method solves (Venzon and Moolgavkar 1988, Applied Statistics 37). A step solves
the quadratic model of l; from the maximum the first one goes to the end of the Wald interval.
Since l is concave, whatever solves them on the right side is the end. Where the step does not
settle, the profile is climbed at trial values between which the end is known to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import qr

from mlelogit.fitting.certificate import (
    EPSILON,
    Certificate,
    Rounding,
    RowSizes,
    allow_rounding,
    certify,
)
from mlelogit.fitting.climb import Objective
from mlelogit.fitting.constrained.restriction import enter_space
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import factor_positive, invert_positive, solve_lower
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.penalties import climb_penalized
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood

# A level is met when it is missed by no more: 5e-11 standard errors of a 95% interval.
LEVEL_GOAL = 1e-10
# A combination has the value it is held at when it misses that by no more standard errors.
VALUE_GOAL = 1e-12
# In the sum of a log-likelihood rounding makes up to this many of its own roundings.
ROUNDED_SUMS = 16
# The decrement that is left: its square is what the profile lacks.
DECREMENT_GOAL = 1e-7
# A score statistic feels the decrement itself.
SCORE_GOAL = 1e-9
# Newton's method doubles its digits in a step; what has not settled by now is searched for.
NEWTON_STEPS = 15
SEARCH_STEPS = 100
# So many steps have to halve a bracket.
PATIENCE = 3
# Trial values without a certified maximum are brought back halfway so many times.
RETREATS = 12
# A score statistic can turn: it is followed outward in steps of so many standard errors.
STRIDE = 0.5
STRIDES = 400


@dataclass(frozen=True)
class Section(ReadOnly):
    """A log-likelihood, and the combination of its params that is followed.

    Attributes
    ----------
    objective : Objective
    start : numpy.ndarray
        θ₀ (P,); the maximum, or where to begin if there is none.
    sums : Sums
        Log-likelihood, score and information there.
    row : numpy.ndarray
        c (P,), of a length that makes one standard error of τ at the maximum one.
    top : float
        The maximum, or supremum, of the log-likelihood.
    attained : bool
        Whether it is reached at the start.
    sizes : RowSizes
    errors : Rounding
    tolerance : float
        Largest error in standard errors that counts as converged.
    log_odds_error : float
        D at the start, a bound on the standard error of any log-odds at any row.
    penalized : bool
        Whether it is a log-likelihood whose penalty reduces bias: its score is exact, the
        information only near its curvature, and no certificate is known.
    """

    objective: Objective
    start: np.ndarray
    sums: Sums
    row: np.ndarray
    top: float
    attained: bool
    sizes: RowSizes
    errors: Rounding
    tolerance: float
    log_odds_error: float = np.inf
    penalized: bool = False

    @property
    def noise(self) -> float:
        """What counts as no difference between two log-likelihoods."""
        return max(LEVEL_GOAL, ROUNDED_SUMS * EPSILON * abs(self.top), self.errors.score)

    @cached_property
    def others(self) -> np.ndarray:
        """Orthonormal directions (P, P - 1) along which the combination stands still."""
        return np.ascontiguousarray(qr(self.row[:, np.newaxis])[0][:, 1:])

    def measure_rounding(self, params: np.ndarray) -> float:
        """Return the rounding of τ at params (P,)."""
        return ROUNDED_SUMS * EPSILON * float(np.abs(self.row) @ np.abs(params))

    def turn(self, row: np.ndarray) -> Section:
        """Return the section of another combination."""
        return replace(self, row=row)

    def look(self, params: np.ndarray, sums: Sums | None = None) -> Point | None:
        """Return what is found at params (P,), or None if there is no telling."""
        with np.errstate(all="ignore"):
            found = self.objective.evaluate(params, 2) if sums is None else sums
        lower = factor_positive(np.asarray(found.information))
        if lower is None or not np.isfinite(found.loglike):
            return None
        whitened = solve_lower(lower, self.row)
        spread = float(whitened @ whitened)
        score = solve_lower(lower, np.asarray(found.score))
        multiplier = float(whitened @ score) / spread
        rest = score - multiplier * whitened
        return Point(
            params,
            float(self.row @ (params - self.start)),
            found.loglike,
            multiplier,
            spread,
            float(np.linalg.norm(rest)),
            solve_lower(lower, whitened, transpose=True),
            solve_lower(lower, rest, transpose=True),
            lower,
        )

    def holds(self, point: Point) -> bool:
        """Tell whether a point is certainly the maximum where its combination is held."""
        if self.penalized:
            return point.decrement <= self.tolerance * self.errors.unit
        with np.errstate(all="ignore"):  # Far out variances leave the range of a double.
            inverse = invert_positive(point.lower)
            inverse = inverse - np.outer(point.along, point.along) / point.spread
        largest = max(float(np.trace(inverse)), 0.0)
        coarse = self.objective.bound_log_odds_coarsely(inverse, self.sizes)
        if self._certify_with(point.decrement, coarse, largest).holds:
            return True
        fine = min(coarse, self.objective.bound_log_odds_error(inverse))
        return self._certify_with(point.decrement, fine, largest).holds

    def _certify_with(self, decrement: float, spread: float, largest: float) -> Certificate:
        raised = allow_rounding(decrement, spread, largest, self.errors)
        return certify(*raised, self.tolerance * self.errors.unit)


@dataclass(frozen=True)
class Point(ReadOnly):
    """What is found at one point of the log-likelihood.

    Attributes
    ----------
    params : numpy.ndarray
        θ (P,).
    value : float
        τ.
    loglike : float
    multiplier : float
        μ, of the part of the score along c.
    spread : float
        ``c'V c``.
    decrement : float
        ``sqrt(e'V e)`` of the rest e of the score: zero where the profile is reached.
    along, rest : numpy.ndarray
        ``V c`` and ``V e`` (P,).
    lower : numpy.ndarray
        The Cholesky factor of I (P, P).
    """

    params: np.ndarray
    value: float
    loglike: float
    multiplier: float
    spread: float
    decrement: float
    along: np.ndarray
    rest: np.ndarray
    lower: np.ndarray

    @property
    def score_root(self) -> float:
        """The signed root of the score statistic."""
        return self.multiplier * float(np.sqrt(self.spread))


def find_profile_end(section: Section, side: int, quantile: float) -> float:
    """Find the end of a profile-likelihood interval on one side.

    Parameters
    ----------
    section : Section
    side : {-1, 1}
        Lower or upper.
    quantile : float
        Of the likelihood-ratio statistic.

    Returns
    -------
    float
        τ; NaN if no certified maximum brackets it.
    """
    found = _solve_end(section, side, quantile) if section.attained else None
    return _search_end(section, side, quantile) if found is None else found


def _solve_end(section: Section, side: int, quantile: float) -> float | None:
    """Solve for level and profile together; None if the steps do not settle on the side asked."""
    level = section.top - quantile / 2
    point = section.look(section.start, section.sums)
    for steps in range(NEWTON_STEPS):
        if point is None:
            return None
        excess = point.loglike - level
        if steps and abs(excess) <= section.noise and point.decrement <= DECREMENT_GOAL:
            right = point.multiplier * side < 0 and section.holds(point)
            return point.value if right else None
        reach = 2 * excess + point.decrement**2 + point.multiplier**2 * point.spread
        wanted = -side * float(np.sqrt(max(reach, 0.0) / point.spread))
        step = point.rest + (point.multiplier - wanted) * point.along
        point = section.look(point.params + step)
    return None


def climb_at(
    section: Section,
    value: float,
    near: Point | None,
    goal: float = DECREMENT_GOAL,
    certain: bool = True,
) -> Point | None:
    """Return the certified maximum where τ has a value, or None if none is found.

    Parameters
    ----------
    section : Section
    value : float
    near : Point or None
        Where to begin; the section's start if not given.
    goal : float
        The decrement to be left, if rounding lets it.
    certain : bool
        Whether it has to be certified, which can cost a pass.
    """
    begun = section.look(section.start, section.sums) if near is None else near
    point, before = begun, np.inf
    for _ in range(NEWTON_STEPS):
        if point is None:
            break
        gap = value - point.value
        settled = abs(gap) <= max(VALUE_GOAL, section.measure_rounding(point.params))
        if settled and (point.decrement <= goal or not point.decrement < before):
            if section.holds(point) if certain else point.decrement <= DECREMENT_GOAL:
                return point
            break
        before = point.decrement if settled else np.inf
        step = point.rest + gap / point.spread * point.along
        point = section.look(point.params + step)
    return _climb_anew(section, value, section.start if begun is None else begun.params)


def _climb_anew(section: Section, value: float, near: np.ndarray) -> Point | None:
    row = section.row
    origin = section.start + row * (value / (row @ row))
    space = FreeSpace(origin, section.others)
    if not space.size:
        return section.look(origin)
    inside = RestrictedLogLikelihood(section.objective, space)
    with np.errstate(all="ignore"):
        free = enter_space(section.objective, space, near)
        if section.penalized:
            found = climb_penalized(inside, free, section.tolerance)
        else:
            climbed = maximize(inside, free, tolerance=section.tolerance)
            found = climbed.params if climbed.converged else None
    return None if found is None else section.look(space.leave(found))


@dataclass
class Bracket:
    """Values of τ inside and outside an interval, between which its end is; None if not known."""

    inner: float | None
    outer: float | None = None
    width: float = np.inf
    asked: int = 0

    def is_closed(self, rounding: float) -> bool:
        """Tell whether what is left between the two is rounding."""
        if self.inner is None or self.outer is None:
            return False
        return abs(self.outer - self.inner) <= max(VALUE_GOAL, rounding)

    def choose(self, value: float) -> float:
        """Return a value to try: the one wanted, or the middle if that is outside or creeps."""
        if self.inner is None or self.outer is None:
            return value
        self.asked += 1
        low, high = min(self.inner, self.outer), max(self.inner, self.outer)
        middle = (low + high) / 2
        if self.asked % PATIENCE == 0:
            creeps, self.width = high - low > self.width / 2, high - low
            if creeps:
                return middle
        return value if low < value < high else middle


def _search_end(section: Section, side: int, quantile: float) -> float:
    """Climb the profile at trial values until the level is met.

    Newton's method on the root of the drop, exact where the profile is a parabola, or on its
    logarithm, exact where it is an exponential, whichever dares less, kept between the values
    inside and outside the interval that are known.
    """
    bracket = Bracket(0.0 if section.attained else None)
    near, retreats = None, 0
    value = side * float(np.sqrt(quantile)) if section.attained else 0.0
    for _ in range(SEARCH_STEPS):
        point = climb_at(section, value, near)
        if point is None:
            retreats += 1
            known = bracket.inner if near is None else near.value
            if known is None or retreats > RETREATS:
                return np.nan
            value = (value + known) / 2
            continue
        near, drop = point, section.top - point.loglike
        rounding = section.measure_rounding(point.params)
        if abs(drop - quantile / 2) <= section.noise or bracket.is_closed(rounding):
            return point.value
        if drop < quantile / 2:
            bracket.inner = point.value
        else:
            bracket.outer = point.value
        value = bracket.choose(_aim(point, drop, quantile, side))
    return np.nan


def _aim(point: Point, drop: float, quantile: float, side: int) -> float:
    """Return where the level should be met, as seen from a point of the profile."""
    far = side * max(1.0, abs(point.value))
    slope = -point.multiplier
    if drop <= 0 or slope * side <= 0:
        return point.value + far
    root = (np.sqrt(quantile * drop / 2) - drop) * 2 / slope
    logarithm = np.log(quantile / 2 / drop) * drop / slope
    step = min(root, logarithm, key=abs)
    return point.value + float(np.clip(step, -10 * abs(far), 10 * abs(far)))


def find_score_end(section: Section, side: int, quantile: float) -> float:
    """Find where the score statistic first reaches a quantile on one side of the maximum.

    Unlike the likelihood-ratio statistic it can fall again, so that it is followed outward in
    steps of `STRIDE` standard errors; then the crossing is closed in on by secants. With
    ``σ² = c'V c`` the statistic S has the derivative ``-2 μ + μ² dσ²/dτ``, and
    ``|dσ²/dτ| <= D σ``, so it rises as long as ``sqrt(S) D < 2``. Over a way of length r in the
    norm of the information at the maximum D grows at most by the factor ``exp(D r / 2)``; where
    it stays below that on twice the way asked, the first step goes all the way.

    Parameters
    ----------
    section : Section
        Its maximum is attained.
    side : {-1, 1}
    quantile : float

    Returns
    -------
    float
        τ; NaN if no certified maximum brackets it.
    """
    target = float(np.sqrt(quantile))
    spread = section.log_odds_error
    rises = target * spread < 1 and target * spread * np.exp(target * spread) < 2
    value = side * (target if rises else STRIDE)
    near = section.look(section.start, section.sums)
    inner = (0.0, -target)
    for _ in range(STRIDES):
        near = climb_at(section, value, near, SCORE_GOAL, certain=False)
        if near is None:
            return np.nan
        here = (near.value, -side * near.score_root - target)
        if here[1] >= 0:
            return _close_in(section, side, target, inner, here, near)
        inner, value = here, value + side * STRIDE
    return np.nan


def _close_in(
    section: Section,
    side: int,
    target: float,
    inner: tuple[float, float],
    outer: tuple[float, float],
    near: Point,
) -> float:
    """Close in on a crossing between two values, each with what it is beyond it, by secants."""
    bracket, older, last = Bracket(inner[0], outer[0]), inner, outer
    for _ in range(SEARCH_STEPS):
        rounding = section.measure_rounding(near.params)
        if abs(last[1]) <= LEVEL_GOAL or bracket.is_closed(rounding):
            return last[0] if section.holds(near) else np.nan
        rise = last[1] - older[1]
        value = last[0] - last[1] * (last[0] - older[0]) / rise if rise else np.nan
        found = climb_at(section, bracket.choose(value), near, SCORE_GOAL, certain=False)
        if found is None:
            return np.nan
        near, older, last = found, last, (found.value, -side * found.score_root - target)
        if last[1] >= 0:
            bracket.outer = last[0]
        else:
            bracket.inner = last[0]
    return np.nan


FINDERS: dict[str, Callable[[Section, int, float], float]] = {
    "profile": find_profile_end,
    "score": find_score_end,
}

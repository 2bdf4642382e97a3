"""Whether a point where the log-likelihood curves upwards is a saddle point: values decide.

Second derivatives that are upwards may be what is left of a gradient on a ridge, where no step
rises by more than rounding; and where inputs have unequal units, curvature that is upwards may be
next to nothing for the steepest. So upward directions are looked for twice, the second time with
the flattest parameters drawn out, and a point is a saddle only if steps along one of them rise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.networks.certification.curvature import (
    SHORTEST_CONCAVE,
    Curvature,
    LocalShape,
    NewtonStep,
)
from mlelogit.networks.certification.scores import find_height
from mlelogit.networks.likelihood import NetworkLikelihood

# Lengths of a step off a saddle point: as long as the parameters, and each a quarter of the last.
LENGTHS = 16
SHORTER = 4.0
# How many Newton steps are made at once.
MANY = (1.0, 8.0, 64.0, 512.0)


@dataclass(frozen=True)
class Saddle:
    """What curves upwards at a point, and where that leads.

    Attributes
    ----------
    curvature : Curvature
        With its `rise`.
    higher : numpy.ndarray or None
        (P,): the highest point found along a direction of upward curvature, if it is higher by
        more than was asked.
    """

    curvature: Curvature
    higher: np.ndarray | None


@np.errstate(all="ignore")
def find_saddle(
    likelihood: NetworkLikelihood,
    point: np.ndarray,
    least: float,
    products: int,
    newton: NewtonStep | None = None,
) -> Saddle:
    """Look for upward curvature, and follow it.

    Parameters
    ----------
    likelihood : NetworkLikelihood
    point : numpy.ndarray
        (P,).
    least : float
        The rise of the log-likelihood that counts.
    products : int
        With the Hessian, for each of two looks.
    newton : NewtonStep, optional
        From here; the upward direction that it met is one of those tried.
    """
    shape = LocalShape(likelihood, point)
    curvature = shape.find_extremes(products)
    if newton is not None and newton.way is not None:
        curvature = shape.find_rest(curvature, newton.way)
    found = _follow(likelihood, point, least, curvature)
    if found.higher is not None or not curvature.known or not shape.shortened:
        return found
    closer = LocalShape(likelihood, point, shortest=SHORTEST_CONCAVE)
    second = _follow(likelihood, point, least, closer.find_extremes(products))
    return second if second.higher is not None else found


def _follow(
    likelihood: NetworkLikelihood, point: np.ndarray, least: float, curvature: Curvature
) -> Saddle:
    """Go along every direction of upward curvature until one leads higher."""
    rise = 0.0
    if not curvature.known:
        return Saddle(curvature, None)
    for way in curvature.ways:
        higher, gain = step_along(likelihood, point, way)
        rise = max(rise, gain)
        if gain > least:
            return Saddle(replace(curvature, rise=gain), higher)
    return Saddle(replace(curvature, rise=rise), None)


def step_along(
    likelihood: NetworkLikelihood, point: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the highest of some points on both sides along a direction, and how much higher."""
    height = find_height(likelihood, point)
    length = (1 + float(np.abs(point).max())) / float(np.abs(direction).max())
    best, gain = point, 0.0
    # Parameters whose inputs are tiny have far to go.
    lengths = [length * SHORTER**-k for k in range(LENGTHS)]
    longer = [length * SHORTER**k for k in range(1, LENGTHS)]
    for steps, patience in ((lengths, 2), (longer, 1)):
        since = 0
        for step in steps:
            before = gain
            for tried in (point + step * direction, point - step * direction):
                found = find_height(likelihood, tried) - height
                if found > gain:
                    best, gain = tried, found
            since = 0 if gain > before else since + (gain > 0)
            if since >= patience:
                break
    return best, gain


@np.errstate(all="ignore")
def follow_step(
    likelihood: NetworkLikelihood, point: np.ndarray, step: np.ndarray | None
) -> tuple[np.ndarray, float]:
    """Return the last point of several Newton steps at once that rises, and how much higher it is.

    At a maximum one such step arrives, and more of it leads down. On a way to infinity along which
    curvature fades it promises little, and so does each next one.
    """
    best, gain = point, 0.0
    if step is None:
        return best, gain
    height = find_height(likelihood, point)
    for many in MANY:
        tried = point + many * step
        found = find_height(likelihood, tried) - height
        if not found > gain:
            break
        best, gain = tried, found
    return best, gain

"""Whether the log-likelihood goes on rising as parameters grow, as far as is tried.

Where units of a hidden layer become steps, or one layer's shrinking makes up for another's
growth, no theorem says that a maximum is never reached. But if from a point on the log-likelihood
rises along a way until parameters are a thousand times as large, it is no maximum. Parameters that
grow on the way must have no prior, which in the end would turn every rise into a fall.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlelogit.networks.certification.recession import list_parts, name_part
from mlelogit.networks.certification.scores import find_height
from mlelogit.networks.likelihood import NetworkLikelihood

# By how much parameters are scaled: near one, where a maximum would fall already, and far.
FACTORS = (1 + 2.0**-6, 1 + 2.0**-3, 2.0, 8.0, 64.0, 1024.0)
# How far a straight way is followed, in its own length, before it is in parameters' sizes.
LENGTHS = (2.0**-6, 2.0**-3, 1.0)
# Values that differ by less, relative to one plus their size, are the same but for rounding.
ROUNDING = 1e-12
# A rise that is less, for the same, may be the rounding of many values.
LEAST = 1e-10


@dataclass(frozen=True)
class Outward:
    """A way along which the log-likelihood rises all the way, as far as was tried.

    Attributes
    ----------
    names : tuple of str
        The parameters that move.
    free : tuple of str
        Those parameters of the module that have no prior, if others have.
    rise : float
        Of the log-likelihood, in all.
    how : str
    """

    names: tuple[str, ...]
    free: tuple[str, ...]
    rise: float
    how: str


@np.errstate(all="ignore")
def find_outward(
    likelihood: NetworkLikelihood,
    params: np.ndarray,
    before: np.ndarray | None = None,
    step: np.ndarray | None = None,
) -> Outward | None:
    """Return a way along which the log-likelihood rises all the way, if one is found.

    Parameters
    ----------
    likelihood : NetworkLikelihood
    params : numpy.ndarray
        (P,).
    before : numpy.ndarray, optional
        (P,): a point that the climb came from; how it went on from there is one of those ways.
    step : numpy.ndarray, optional
        (P,): a Newton step, which goes outwards too where curvature fades as parameters grow.
    """
    height = find_height(likelihood, params)
    for part, how, points in _list_ways(likelihood, params, before, step):
        if not _is_free(likelihood, params, points[-1]):
            continue
        end = _follow(likelihood, height, points)
        if end - height > LEAST * (1 + abs(height)):
            names, free = name_part(likelihood, part), find_free(likelihood)
            return Outward(names, free, end - height, how)
    return None


def _is_free(likelihood: NetworkLikelihood, params: np.ndarray, far: np.ndarray) -> bool:
    """Tell whether parameters that are larger far off are finite there and without a prior."""
    grown = np.abs(far) > np.abs(params)
    return bool(np.isfinite(far).all()) and not likelihood.precisions[grown].any()


def _follow(likelihood: NetworkLikelihood, height: float, points: list[np.ndarray]) -> float:
    """Return the objective at the last of some points if it never falls, else minus infinity."""
    slack, last = ROUNDING * (1 + abs(height)), height
    for point in points:
        objective = find_height(likelihood, point)
        if not objective >= last - slack:
            return -np.inf
        last = objective
    return last


def find_free(likelihood: NetworkLikelihood) -> tuple[str, ...]:
    """Return the names of parameters that have no prior, if others have."""
    bare = likelihood.precisions == 0
    return () if bare.all() or not bare.any() else name_part(likelihood, bare)


def _list_ways(
    likelihood: NetworkLikelihood,
    params: np.ndarray,
    before: np.ndarray | None,
    step: np.ndarray | None,
) -> Iterator[tuple[np.ndarray, str, list[np.ndarray]]]:
    """Yield which parameters (P,) move, how, and the points (P,) of each way."""
    everything = np.ones(len(params), dtype=bool)
    if step is not None and step.any():
        on = "going on in the direction of a Newton step"
        yield step != 0, on, _go_straight(params, step)
    if before is not None and not np.array_equal(params, before):
        move = params - before
        on = "going on in the direction in which the climb last went"
        yield move != 0, on, _go_straight(params, move)
        yield (
            everything,
            "going on growing and shrinking as the climb last did",
            _go_on_growing(params, before),
        )
    for part in (*list_parts(likelihood), everything):
        scaled = [np.where(part, factor * params, params) for factor in FACTORS]
        yield part, f"scaling them up to {FACTORS[-1]:.0f} times", scaled


def _go_straight(params: np.ndarray, move: np.ndarray) -> list[np.ndarray]:
    """Return points along a direction, the last where it is a thousand times as long as params."""
    unit = (1 + float(np.abs(params).max())) / float(np.abs(move).max())
    far = [factor * unit for factor in FACTORS if factor * unit > LENGTHS[-1]]
    return [params + length * move for length in (*LENGTHS, *far)]


def _go_on_growing(params: np.ndarray, before: np.ndarray) -> list[np.ndarray]:
    """Return points where every parameter has been multiplied on, the fastest by `FACTORS`."""
    grows = (params * before > 0) & np.isfinite(params / before)
    logs = np.log(np.where(grows, params / np.where(grows, before, 1.0), 1.0))
    fastest = float(logs.max())
    if not fastest > 0:
        return [np.full(len(params), np.nan)]
    return [params * np.exp(logs * np.log(factor) / fastest) for factor in FACTORS]

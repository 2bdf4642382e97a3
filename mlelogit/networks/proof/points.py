"""Points of a network's parameters at which the identity is to be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.networks.passes import take_few
from mlelogit.networks.proof.logit_form import take_contrasts
from mlelogit.networks.record import NetworkRecord

START, ITERATE, ANSWER = "start", "iterate", "answer"
BETWEEN, RANDOM = "between iterates", "random"
# Iterates looked at where the path holds more.
MOST_ITERATES = 40
# Differences of scores that random parameters are scaled to, where the network can make them.
SPREADS = (1.0, 10.0, 100.0, 1e3, 1e4)
# Random parameters grow by this factor, from so small, until scores spread so far, or to so large.
FACTOR = 1.5
SIZES = (1e-3, 1e6)
ROWS = 64


@dataclass(frozen=True)
class Point:
    """One point.

    Attributes
    ----------
    kind : str
        "start", "iterate", "answer", "between iterates" or "random".
    place : str
        Which one.
    params : numpy.ndarray
        (P,).
    recorded : float
        The penalized log-likelihood that the fit took note of there; NaN if it was never there.
    """

    kind: str
    place: str
    params: np.ndarray
    recorded: float = np.nan


def choose_points(record: NetworkRecord, points: int, seed: int) -> list[Point]:
    """Choose points: of the path, between its points if it has too few, and at random.

    Parameters
    ----------
    record : NetworkRecord
    points : int
        The least number of points on the path. All that the path holds are taken, up to 40 or as
        many as are asked for.
    seed : int
        Of the random ones.
    """
    path = _list_path(record, max(points, MOST_ITERATES))
    return [*path, *_fill(path, points - len(path)), *_draw(record, seed)]


def _list_path(record: NetworkRecord, most: int) -> list[Point]:
    """List points of the path, evenly spaced, with start and answer."""
    trace = record.maximum.trace
    total = len(trace.loglike)
    chosen = np.unique(np.linspace(0, total - 1, min(total, most)).round().astype(int))
    found = []
    for i in chosen:
        kind = START if i == 0 else ANSWER if i == total - 1 else ITERATE
        place = f"{trace.stage[i]}, evaluation {trace.evaluations[i]}"
        found.append(Point(kind, place, trace.params[i], float(trace.loglike[i])))
    return found


def _fill(path: list[Point], missing: int) -> list[Point]:
    """Return points on the straight lines between those of a short path."""
    pairs = len(path) - 1
    if pairs < 1 or missing < 1:
        return []
    rounds = -(-missing // pairs)
    found = []
    for i in range(missing):
        step, part = i % pairs, (1 + i // pairs) / (rounds + 1)
        params = (1 - part) * path[step].params + part * path[step + 1].params
        found.append(Point(BETWEEN, f"{part:.2g} from {step} to {step + 1}", params))
    return found


def _draw(record: NetworkRecord, seed: int) -> list[Point]:
    """Return random parameters, small to large, each in a direction of its own."""
    inputs, rng = record.rows.inputs, np.random.default_rng(seed)
    rows = take_few(inputs, ROWS)
    twin = record.network.duplicate(record.maximum.params)
    found = []
    for spread in SPREADS:
        direction, size = rng.standard_normal(record.network.size), SIZES[0]
        while size < SIZES[1]:
            twin.write_params(size * direction)
            if not np.abs(take_contrasts(twin, rows)).max() < spread:
                break
            size *= FACTOR
        found.append(Point(RANDOM, f"normal times {size:.3g}", size * direction))
    return found

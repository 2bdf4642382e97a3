"""The points a climb went over: all of a short one, every so many of a long one."""

from __future__ import annotations

import numpy as np

from mlelogit.fitting.maximum import Trace
from mlelogit.networks.likelihood import NetworkSums

# Points kept: between so many and twice as many, fewer of large networks but never below LEAST.
MOST, LEAST = 64, 24
# Doubles that the points kept may fill: 256 MB.
NUMBERS = 1 << 25

# Stage, parameters (P,), sums and evaluations so far.
Point = tuple[str, np.ndarray, NetworkSums, int]


class Path:
    """Points of a climb, thinned while it goes on so that those kept are evenly spaced.

    Parameters
    ----------
    size : int
        P.
    """

    def __init__(self, size: int) -> None:
        self.limit = 2 * int(np.clip(NUMBERS // size, LEAST, MOST))
        self.stride = 1
        self.count = 0
        self.points: list[Point] = []
        self.end: Point

    def add(self, stage: str, params: np.ndarray, sums: NetworkSums, evaluations: int) -> None:
        """Take note of a point."""
        self.end = stage, params.copy(), sums, evaluations
        if self.count % self.stride == 0:
            self.points.append(self.end)
        self.count += 1
        if len(self.points) > self.limit:
            self.points = self.points[::2]
            self.stride *= 2

    def trace(self) -> Trace:
        """Return the points kept, the last one always among them."""
        points = list(self.points)
        if points[-1] is not self.end:
            points.append(self.end)
        stages, params, sums, evaluations = zip(*points, strict=True)
        return Trace(
            stage=stages,
            loglike=np.array([one.objective for one in sums]),
            score_norm=np.array([float(np.abs(one.gradient).max()) for one in sums]),
            evaluations=np.array(evaluations),
            params=np.array(params),
        )

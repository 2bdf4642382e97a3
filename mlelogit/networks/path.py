"""The points a climb went over: all of a short one, every so many of a long one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.fitting.maximum import Trace
from mlelogit.networks.likelihood import NetworkSums

# Points kept: between so many and twice as many, fewer of large networks but never below LEAST.
MOST, LEAST = 64, 24
# Doubles that the points kept may fill: 256 MB.
NUMBERS = 1 << 25


@dataclass(frozen=True, eq=False)
class Visit:
    """A point that a climb went over.

    Attributes
    ----------
    stage : str
    params : numpy.ndarray
        (P,).
    sums : NetworkSums
    evaluations : int
        So far.
    """

    stage: str
    params: np.ndarray
    sums: NetworkSums
    evaluations: int


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
        self.points: list[Visit] = []
        self.end: Visit

    def add(self, stage: str, params: np.ndarray, sums: NetworkSums, evaluations: int) -> None:
        """Take note of a point."""
        self.end = Visit(stage, params.copy(), sums, evaluations)
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
        return Trace(
            stage=tuple(one.stage for one in points),
            loglike=np.array([one.sums.objective for one in points]),
            score_norm=np.array([float(np.abs(one.sums.gradient).max()) for one in points]),
            evaluations=np.array([one.evaluations for one in points]),
            params=np.array([one.params for one in points]),
        )

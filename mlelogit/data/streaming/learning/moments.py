"""Means and sums of squares that can be added up from pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# Rows that stay in a core's cache while they are gone through more than once.
ROWS_AT_ONCE = 1 << 16


def cut(values: np.ndarray, times: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give values and how often each counts, a cacheful of rows at a time."""
    for start in range(0, len(values), ROWS_AT_ONCE):
        part = values[start : start + ROWS_AT_ONCE]
        own = np.ones(len(part)) if times is None else times[start : start + ROWS_AT_ONCE]
        yield part, own


@dataclass(frozen=True)
class Moments:
    """The mean of values and their sum of squares about it; two of them can be added.

    The mean is kept as its distance from an origin among the values, so that adding many of
    them loses nothing to an offset such as that of years.

    Attributes
    ----------
    times : float
        Number of rows.
    origin : numpy.ndarray
        () or (k,).
    mean : numpy.ndarray
        () or (k,): the mean less the origin.
    square : numpy.ndarray
        () or (k,): the sum of squares about the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.streaming.learning.moments import measure_moments
    >>> moments = measure_moments(np.array([1.0, 2.0])) + measure_moments(np.array([6.0]))
    >>> float(moments.center), float(moments.square)
    (3.0, 14.0)
    """

    times: float
    origin: np.ndarray
    mean: np.ndarray
    square: np.ndarray

    def __add__(self, other: Moments) -> Moments:
        times = self.times + other.times
        step = (other.origin - self.origin) + (other.mean - self.mean)
        mean = self.mean + step * (other.times / times)
        square = self.square + other.square + step**2 * (self.times * (other.times / times))
        return Moments(times, self.origin, mean, square)

    @property
    def center(self) -> np.ndarray:
        """The mean, () or (k,)."""
        return self.origin + self.mean

    def square_about(self, place: Any) -> np.ndarray:
        """Return the sum of squares about another place than the mean."""
        return self.square + self.times * ((self.origin - place) + self.mean) ** 2


def measure_moments(values: np.ndarray, times: np.ndarray | None = None) -> Moments:
    """Return the moments of at least one row.

    The formulas are those of Chan, Golub and LeVeque (1983), "Algorithms for computing the
    sample variance", The American Statistician 37, equations (1.5).

    Parameters
    ----------
    values : numpy.ndarray
        (m,) or (m, k).
    times : numpy.ndarray, optional
        (m,): how often each row counts.
    """
    parts = [_measure(part, own) for part, own in cut(values, times)]
    return sum(parts[1:], parts[0])


def _measure(values: np.ndarray, times: np.ndarray) -> Moments:
    total = times.sum()
    origin = values[0]
    apart = values - origin
    mean = times @ apart / total
    apart -= mean
    return Moments(float(total), origin, mean, times @ apart**2)


def learn_scale(options: dict[str, Any], moments: Moments) -> dict[str, Any]:
    """Return what formulaic's ``scale`` (or ``center``) learns from all rows.

    Parameters
    ----------
    options : dict
        Its arguments: center, scale and ddof.
    moments : Moments
        Of all rows.
    """
    center, scale, ddof = options["center"], options["scale"], options["ddof"]
    state: dict[str, Any] = {"ddof": ddof, "center": None, "scale": None}
    if not isinstance(center, bool):
        state["center"] = np.array(center)
    elif center:
        state["center"] = moments.center
    if not isinstance(scale, bool):
        state["scale"] = np.array(scale)
    elif scale:
        place = 0.0 if state["center"] is None else state["center"]
        about = moments.square if center is True else moments.square_about(place)
        with np.errstate(all="ignore"):  # One row has no spread; its column is found out later.
            state["scale"] = np.sqrt(about / (moments.times - ddof))
    return state

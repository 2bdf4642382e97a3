r"""Multipliers of standard errors for intervals that hold together.

Of the intervals ``estimate ± c se`` of a family, all hold together with probability 1 - α if c is

- bonferroni: the quantile at ``1 - α / (2 m)`` for m intervals, at least;
- sidak: that at ``(1 + (1 - α)^(1/m)) / 2``, at least (Šidák 1967, Journal of the American
  Statistical Association 62, for any correlation);
- sup-t: that quantile of ``max_k |t_k|`` where t has the estimated correlations of the family
  (Montiel Olea and Plagborg-Møller 2019, Journal of Applied Econometrics 34, section 3), and no
  more. With t = F z, ``z = r θ`` for a direction θ that is uniform and a length r that is
  independent of it, so that ``P(max_k |t_k| <= c)`` is the mean over θ of
  ``P(r <= c / max_k |F_k θ|)``: r is integrated exactly (chi with d degrees of freedom, or
  √(d F) of an F distribution), and θ over directions that a seed fixes;
- scheffe: ``√(d F(1 - α; d, df))``, with d the dimension: for all combinations of d
  coefficients at once (Scheffé 1953, Biometrika 40; Working and Hotelling 1929), such as the
  rows at all values of the columns, those of the table or not.

For a normal distribution d F is χ² with d degrees of freedom. All of them rest on estimates that
vary as their covariance says, to the first order.
"""

from __future__ import annotations

from functools import lru_cache
from inspect import signature
from typing import Any

import numpy as np
from scipy.special import chdtr, chdtri, fdtr, fdtri, ndtri, stdtrit

from mlelogit.data.arguments import check_choice
from mlelogit.exceptions import OptionError
from mlelogit.fitting.adjustments import CACHED_ELEMENTS
from mlelogit.fitting.linalg import settle_signs
from mlelogit.inference.coefficients import check_alpha

METHODS = ("bonferroni", "sidak", "sup-t", "scheffe")
FAMILIES = ("row", "all")
# The mean over so many directions is off by up to some 1e-3 in the probability, less where
# categories are few (measured: 3e-4 in three dimensions, 1e-3 in six). In a plane they are laid
# out evenly; for every row of a table they are drawn anew, for a whole table once.
PLANE_DIRECTIONS = 512
ROW_DIRECTIONS = 1 << 12
TABLE_DIRECTIONS = 1 << 13
# Sobol's sequence is not defined beyond.
SOBOL_DIMENSIONS = 21201
# Steps of a bracketing search: halving alone takes 40 from a whole unit to the precision, which
# is far below the 1e-3 by which sampled directions are off.
ITERATIONS = 60
PRECISION = 1e-10
# Between so many lengths a probability is off by less than 1e-5, in a thousand dimensions.
LENGTHS = 1 << 14


def check_family(simultaneous: Any, family: Any) -> None:
    """Raise `OptionError` if a method or a family is unknown.

    Examples
    --------
    >>> from mlelogit.interpretation.predictions.simultaneous import check_family
    >>> check_family("sup-t", "row")
    """
    check_choice("family", family, FAMILIES)
    if simultaneous is not None:
        check_choice("simultaneous", simultaneous, METHODS)
    elif family != "row":
        raise OptionError(
            "family= goes with simultaneous=, one of " + ", ".join(METHODS) + ": intervals of one "
            "probability each have no family."
        )


def share_alpha(alpha: float, counts: Any, df: float, method: str) -> np.ndarray:
    """Return the multipliers of Bonferroni or Šidák for families of so many intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.predictions.simultaneous import share_alpha
    >>> share_alpha(0.05, [1, 3], np.inf, "bonferroni").round(3).tolist()
    [1.96, 2.394]
    """
    counts = np.maximum(np.asarray(counts, dtype=np.float64), 1.0)
    share = check_alpha(alpha) / counts
    if method == "sidak":
        share = -np.expm1(np.log1p(-alpha) / counts)
    return np.asarray(-(stdtrit(df, share / 2) if np.isfinite(df) else ndtri(share / 2)))


def find_scheffe(alpha: float, dimension: Any, df: float) -> np.ndarray:
    """Return Scheffé's multiplier for combinations of so many coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.predictions.simultaneous import find_scheffe
    >>> find_scheffe(0.05, [1, 2], np.inf).round(3).tolist()
    [1.96, 2.448]
    """
    dimension = np.maximum(np.asarray(dimension, dtype=np.float64), 1.0)
    if np.isfinite(df):
        return np.asarray(np.sqrt(dimension * fdtri(dimension, df, 1 - check_alpha(alpha))))
    return np.asarray(np.sqrt(chdtri(dimension, check_alpha(alpha))))


def draw_directions(dimension: int, count: int, seed: int) -> np.ndarray:
    """Return directions (R, d) of length one that stand for all: one, evenly spaced, or drawn."""
    if dimension <= 1:
        return np.ones((1, max(dimension, 1)))
    if dimension == 2:
        angles = (np.arange(PLANE_DIRECTIONS) + 0.5) * np.pi / PLANE_DIRECTIONS
        return np.column_stack([np.cos(angles), np.sin(angles)])
    rng = np.random.default_rng(seed)
    if dimension <= SOBOL_DIMENSIONS:
        points = _draw_sobol(dimension, count, rng)
        normal = ndtri(np.clip(points, np.finfo(float).tiny, 1 - np.finfo(float).epsneg))
    else:
        normal = rng.standard_normal((count, dimension))
    return np.asarray(normal / np.linalg.norm(normal, axis=1)[:, np.newaxis])


def _draw_sobol(dimension: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return points (R, d) of Sobol's sequence, scrambled."""
    from scipy.stats.qmc import Sobol

    # It was called seed before scipy 1.15.
    name = "rng" if "rng" in signature(Sobol).parameters else "seed"
    options: dict[str, Any] = {name: rng}
    return np.asarray(Sobol(dimension, **options).random(count))


def solve_sup(
    largest: np.ndarray,
    dimension: int,
    df: float,
    alpha: float,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Return c with a mean over directions of ``P(r <= c / largest)`` of 1 - alpha.

    Parameters
    ----------
    largest : numpy.ndarray
        (m, R): ``max_k |F_k θ|`` of m families along R directions.
    dimension : int
        d, of the directions.
    df : float
    alpha : float
    low, high : numpy.ndarray
        (m,): the multiplier of one interval, and that of Šidák, between which it lies.
    """
    low, high = low.copy(), high.copy()
    below, above = (_cover(end, largest, dimension, df) - (1 - alpha) for end in (low, high))
    # Where sampled directions put it outside, the end is nearer to the truth.
    settled = np.where(below >= 0, low, np.where(above <= 0, high, np.nan))
    last = np.full(len(low), 0)
    for _ in range(ITERATIONS):
        if not (np.isnan(settled) & (high - low > PRECISION)).any():
            break
        middle = high - above * (high - low) / np.where(above > below, above - below, 1.0)
        middle = np.where((middle > low) & (middle < high), middle, (low + high) / 2)
        value = _cover(middle, largest, dimension, df) - (1 - alpha)
        up, exact = value < 0, np.abs(value) <= PRECISION
        settled = np.where(exact & np.isnan(settled), middle, settled)
        # An end that stays a second time is given half its value, so that it moves (Illinois).
        above = np.where(up, np.where(last > 0, above / 2, above), value)
        below = np.where(up, value, np.where(last < 0, below / 2, below))
        low, high = np.where(up, middle, low), np.where(up, high, middle)
        last = np.where(up, 1, -1)
    return np.where(np.isnan(settled), (low + high) / 2, settled)


def _cover(ends: np.ndarray, largest: np.ndarray, dimension: int, df: float) -> np.ndarray:
    """Return the mean over directions of ``P(r <= end / largest)`` (m,)."""
    table, column = _tabulate_lengths(dimension, df), ends[:, np.newaxis]
    places = column / (column + largest * np.sqrt(dimension)) * LENGTHS
    whole = places.astype(np.int64)
    low = table.take(whole)
    return np.asarray((low + (places - whole) * (table.take(whole + 1) - low)).mean(axis=1))


@lru_cache(maxsize=16)
def _tabulate_lengths(dimension: int, df: float) -> np.ndarray:
    """Return ``P(r <= √d t / (1 - t))`` at evenly spaced t, between which lines serve as well."""
    t = np.linspace(0.0, 1.0, LENGTHS + 1)
    with np.errstate(divide="ignore"):
        squares = (t / (1 - t)) ** 2
    if np.isfinite(df):
        values = fdtr(dimension, df, squares)
    else:
        values = chdtr(dimension, squares * dimension)
    return np.append(values, 1.0)


def solve_rows(factor: np.ndarray, count: int, df: float, alpha: float, seed: int) -> float:
    """Return the sup-t multiplier of one family t = F z, F (q, P) with rows of length one.

    The directions are those of the space that the rows of F span.
    """
    if not len(factor):
        return float("nan")
    _, sizes, turn = np.linalg.svd(factor, full_matrices=False)
    rank = int((sizes > np.finfo(float).eps * max(factor.shape) * sizes[0]).sum())
    directions = draw_directions(rank, TABLE_DIRECTIONS, seed)
    turned = settle_signs(factor @ turn[:rank].T)
    step = max(1, CACHED_ELEMENTS // len(turned))
    parts = [
        np.abs(turned @ directions[at : at + step].T).max(axis=0)
        for at in range(0, len(directions), step)
    ]
    largest = np.concatenate(parts)
    return bound_sup(largest, rank, count, df, alpha)


def bound_sup(largest: np.ndarray, rank: int, count: int, df: float, alpha: float) -> float:
    """Return the sup-t multiplier of one family of so many intervals, from ``largest`` (R,)."""
    low, high = (share_alpha(alpha, [m], df, "sidak") for m in (1, count))
    return float(solve_sup(largest[np.newaxis], rank, df, alpha, low, high)[0])

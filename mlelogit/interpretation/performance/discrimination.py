r"""How well probabilities tell people of different categories apart.

All measures are probabilities about people drawn one from each of some categories, estimated by
U-statistics over all such sets, which sorted cumulative shares count without forming a set. With
``L_j(v)`` the share of category j with a probability of category k below v, and ``E_j(v)`` the
share at v, of those that tie every one is counted as highest as often as any other:

.. math:: PDI_k = \sum_v E_k(v) \int_0^1 \prod_{j \ne k} (L_j(v) + t E_j(v)) \, dt,

since ``∫ t^m dt = 1 / (m + 1)``. The integrand is a polynomial, so that ceil(J / 2) nodes of
Gauss and Legendre give it exactly, in all O(J² n) after sorting (Van Calster and others 2012,
Statistics in Medicine 31, 2610-2626).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlelogit.inference.ranks import rank_values
from mlelogit.interpretation.labelling import index_keys, index_product
from mlelogit.interpretation.performance.judged import JudgedRows
from mlelogit.interpretation.performance.rates import logit_interval

# With a value this near to zero or one no pair is out of order, and rounding is what is left.
BOUNDARY = 1e-12
Line = tuple[float, ...]
COLUMNS = ("estimate", "std_err", "lower", "upper", "chance")


@dataclass(frozen=True)
class Projections:
    """A U-statistic, and what it would be with one person given.

    Attributes
    ----------
    value : float
    given : numpy.ndarray
        (S, n): its value with a person of each of S samples and of every row given.
    samples : numpy.ndarray
        (S, n): people of every row in each sample, weights included.
    members : tuple of int
        The category of every sample; empty if they are no categories.
    """

    value: float
    given: np.ndarray
    samples: np.ndarray
    members: tuple[int, ...]

    def measure_error(self, variance_weights: np.ndarray) -> float:
        """Return the standard error, NaN where a sample has one observation.

        ``Σ_s S_s² / n_s`` with S_s² the variance of the projections on sample s (Sen 1960; DeLong,
        DeLong and Clarke-Pearson 1988, Biometrics 44).
        """
        totals = self.samples.sum(axis=1)
        counts = (self.samples / variance_weights).sum(axis=1)
        if (counts <= 1).any():
            return np.nan
        means = (self.samples * self.given).sum(axis=1) / totals
        squares = self.samples * variance_weights * (self.given - means[:, np.newaxis]) ** 2
        parts = squares.sum(axis=1) / totals**2 * counts / (counts - 1)
        return float(np.sqrt(parts.sum()))

    def measure_rows(self, variance_weights: np.ndarray, weights: np.ndarray) -> float:
        """Return the standard error if every row (n,), with its weight, is one observation.

        A row of an outcome of probabilities has a share in every sample; its move of the value
        is the sum over the samples of its share times the projection less the mean, over the total.
        """
        totals = self.samples.sum(axis=1, keepdims=True)
        means = (self.samples * self.given).sum(axis=1, keepdims=True) / totals
        moves = (self.samples * (self.given - means) / totals).sum(axis=0)
        count = (weights / variance_weights).sum()
        if count <= 1:
            return np.nan
        return float(np.sqrt((variance_weights / weights * moves**2).sum() * count / (count - 1)))


@dataclass(frozen=True)
class Ladder:
    """The people of every category, sorted by the probability of one category.

    Attributes
    ----------
    ranks : numpy.ndarray
        (n,).
    below, equal : numpy.ndarray
        (S, R): the share of every sample below a rank, and at it.
    """

    ranks: np.ndarray
    below: np.ndarray
    equal: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """The share of every sample below a rank, with half of those at it (S, R)."""
        return self.below + self.equal / 2


def sort_people(ranks: np.ndarray, samples: np.ndarray) -> Ladder:
    """Sort samples (S, n) of people by the ranks (n,) of their rows."""
    count = int(ranks.max()) + 1
    equal = np.array([np.bincount(ranks, people, count) for people in samples])
    equal /= equal.sum(axis=1, keepdims=True)
    return Ladder(ranks, np.cumsum(equal, axis=1) - equal, equal)


def compare_pair(ladder: Ladder, first: int, second: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Compare two samples: how often the first is higher, and that given a person of each (R,).

    Mann and Whitney's statistic, ties counted half: the area under the ROC curve.
    """
    of_first, of_second = ladder.middle[second], 1 - ladder.middle[first]
    return float(ladder.equal[first] @ of_first), of_first, of_second


def count_highest(ladder: Ladder, own: int) -> tuple[float, np.ndarray]:
    """Return how often a person of one category is the highest of a set, and that given one (J, R).

    The polytomous discrimination index of a category (Van Calster, Van Belle, Vergouwe, Timmerman,
    Van Huffel and Steyerberg 2012, Statistics in Medicine 31, 2610-2626).
    """
    size, ranks = ladder.equal.shape
    others = [j for j in range(size) if j != own]
    nodes, weights = np.polynomial.legendre.leggauss((size + 1) // 2)
    given = np.zeros((size, ranks))
    for t, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        reached = ladder.below[others] + t * ladder.equal[others]
        before, after = _multiply_up(reached), _multiply_up(reached[::-1])[::-1]
        given[own] += weight * before[-1] * reached[-1]
        for place, j in enumerate(others):
            rest = weight * before[place] * after[place] * ladder.equal[own]
            above = np.cumsum(rest[::-1])[::-1] - rest
            given[j] += above + t * rest
    return float(ladder.equal[own] @ given[own]), given


def _multiply_up(rows: np.ndarray) -> np.ndarray:
    """Return the product of all rows before each (m, R)."""
    return np.concatenate([np.ones((1, rows.shape[1])), np.cumprod(rows[:-1], axis=0)])


@dataclass(frozen=True)
class Discrimination:
    """Measures of discrimination as tables, laid out as those of `Scores`.

    Attributes
    ----------
    overall, by_category, pairs : pandas.DataFrame
    """

    overall: pd.DataFrame
    by_category: pd.DataFrame
    pairs: pd.DataFrame


def measure_discrimination(judged: JudgedRows, alpha: float) -> Discrimination:
    """Measure how well the categories are told apart; NaN where one has no people.

    Parameters
    ----------
    judged : JudgedRows
    alpha : float
        Intervals have level 1 - alpha.
    """
    labels, size = judged.categories, len(judged.categories)
    ranks = [rank_values(values)[0] for values in judged.probabilities]
    every = [(i, j) for i in range(size) for j in range(i + 1, size)]
    highest = (_find_highest(judged, ranks[k], k) for k in range(size))
    pairs = (_compare_both(judged, ranks, i, j) for i, j in every)
    pdi, whole = _summarize(highest, judged, alpha, 1 / size)
    between, till = _summarize(pairs, judged, alpha, 0.5)
    rest = [
        _write_line(_compare_with_rest(judged, ranks[k], k), judged, alpha, 0.5)
        for k in range(size)
    ]
    named = [(labels[i], labels[j]) for i, j in every]
    return Discrimination(
        _frame([whole, till], pd.Index(["pdi", "hand_till"], name="measure")),
        _frame(pdi + rest, index_product(("pdi", "auc"), labels, ("measure", "category"))),
        _frame(between, index_keys(named, ["category", "against"])),
    )


def _summarize(
    found: Iterable[Projections | None], judged: JudgedRows, alpha: float, chance: float
) -> tuple[list[Line], Line]:
    """Write a line for each of some statistics, and one for their average."""
    lines, values, given = [], [], np.zeros_like(judged.people)
    for one in found:
        lines.append(_write_line(one, judged, alpha, chance))
        if one is not None:
            values.append(one.value)
            given[list(one.members)] += one.given
    if len(values) < len(lines):
        return lines, _write_line(None, judged, alpha, chance)
    members = tuple(range(len(given)))
    mean = Projections(float(np.mean(values)), given / len(values), judged.people, members)
    return lines, _write_line(mean, judged, alpha, chance)


def _find_highest(judged: JudgedRows, ranks: np.ndarray, category: int) -> Projections | None:
    if (judged.totals == 0).any():
        return None
    value, given = count_highest(sort_people(ranks, judged.people), category)
    members = tuple(range(len(judged.people)))
    return Projections(value, given[:, ranks], judged.people, members)


def _compare_with_rest(judged: JudgedRows, ranks: np.ndarray, category: int) -> Projections | None:
    """Compare a category with all others, as one sample, by its probability."""
    own = judged.people[category]
    samples = np.stack([own, np.maximum(judged.people.sum(axis=0) - own, 0.0)])
    if (samples.sum(axis=1) <= 0).any():
        return None
    value, *given = compare_pair(sort_people(ranks, samples), 0, 1)
    return Projections(value, np.stack(given)[:, ranks], samples, ())


def _compare_both(judged: JudgedRows, ranks: list, i: int, j: int) -> Projections | None:
    """Compare two categories by the probability of each, and average (Hand and Till 2001)."""
    samples = judged.people[[i, j]]
    if (samples.sum(axis=1) == 0).any():
        return None
    first, of_i, of_j = compare_pair(sort_people(ranks[i], samples), 0, 1)
    second, for_j, for_i = compare_pair(sort_people(ranks[j], samples), 1, 0)
    given = np.stack([of_i[ranks[i]] + for_i[ranks[j]], of_j[ranks[i]] + for_j[ranks[j]]])
    return Projections((first + second) / 2, given / 2, samples, (i, j))


def _measure_error(found: Projections, judged: JudgedRows) -> float:
    if judged.fractional:
        return found.measure_rows(judged.variance_weights, judged.people.sum(axis=0))
    return found.measure_error(judged.variance_weights)


def _write_line(found: Projections | None, judged: JudgedRows, alpha: float, chance: float) -> Line:
    if found is None:
        return np.nan, np.nan, np.nan, np.nan, chance
    value, error = found.value, _measure_error(found, judged)
    if min(value, 1 - value) < BOUNDARY:
        error = np.nan
    return value, error, *logit_interval(value, error, alpha), chance


def _frame(lines: list[Line], index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(lines, index=index, columns=list(COLUMNS))

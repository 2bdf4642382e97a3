r"""The likelihood-ratio test of bounds: a mixture of chi-squares.

If no constraint but bounds and equations is doubted, and all bounds are tight, the statistic is
the squared distance of a normal vector from a cone. Its law is ``Σ_k w_k χ²(q + k)`` with q
equations and w_k the probability that the nearest point of the cone lies where k independent bounds
are active (Silvapulle and Sen 2005, section 3.4; Shapiro 1988): chi-bar-squared. Where fewer are
tight the statistic is smaller, so the p-value is at most too large. The weights are counted
in draws, of which one is the other's opposite: for a single bound they are a half each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.special import chdtrc

from mlelogit.fitting.constrained.bounds import Bounds
from mlelogit.fitting.constrained.constraints import list_positions
from mlelogit.fitting.constrained.equations import enter_bounds, span_free
from mlelogit.fitting.linalg import factor_positive, solve_lower
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.testing.hypothesis import TestResult

# A weight is then off by less than 0.005.
PAIRS = 5_000
# Of large cones fewer draws are counted, a second's work, and none if it would be next to none.
LARGEST_WORK = 5e8
FEWEST_PAIRS = 50
SEED = 20_050_101


@dataclass(frozen=True, repr=False)
class ChiBarTest(TestResult):
    """A test whose statistic is a mixture of chi-squares.

    Made by `mlelogit.inference.testing.constraints.test_constraints`.

    Attributes
    ----------
    weights : tuple of float
        w_k for k = 0, 1, ...: those of ``df`` - (their number - 1) + k degrees of freedom, ``df``
        being the most.
    draws : int
        How many they are counted from.
    """

    weights: tuple[float, ...] = ()
    draws: int = 0

    def __str__(self) -> str:
        if self.reason:
            return super().__str__()
        least = self.df - len(self.weights) + 1
        parts = [f"{w:.3f} chi2({least + k})" for k, w in enumerate(self.weights) if w]
        return (
            f"{self.name}\nNull hypothesis: {self.null}\nstatistic = {self.statistic:.6g}, of the "
            f"mixture {' + '.join(parts)}: p-value <= {self.p_value:.4g} (weights from "
            f"{self.draws} draws)"
        )


def count_faces(turned: np.ndarray, pairs: int = PAIRS, seed: int = SEED) -> np.ndarray:
    """Estimate how often how many bounds are active at the nearest point of a cone.

    Parameters
    ----------
    turned : numpy.ndarray
        B (m, r) of the cone ``B u >= 0`` about standard normal u.
    pairs : int
        Pairs of opposite draws.
    seed : int

    Returns
    -------
    numpy.ndarray
        (min(m, r) + 1,), summing to one.
    """
    counts = np.zeros(min(turned.shape) + 1)
    draws = np.random.default_rng(seed).standard_normal((pairs, turned.shape[1]))
    for draw in np.vstack([draws, -draws]):
        multipliers, _ = nnls(turned.T, -draw)
        counts[min(int((multipliers > 0).sum()), len(counts) - 1)] += 1
    return np.asarray(counts / counts.sum())


def mix_tails(statistic: float, equations: int, weights: np.ndarray) -> float:
    """Return ``Σ_k w_k P(χ²(q + k) >= statistic)``; with no degrees of freedom χ² is zero."""
    degrees = equations + np.arange(len(weights))
    value = max(statistic, 0.0)
    tails = [chdtrc(df, value) if df else float(value <= 0) for df in degrees]
    return float(weights @ np.array(tails))


def mix_test(record: FitRecord, name: str, null: str, statistic: float) -> ChiBarTest:
    """Return the likelihood-ratio test of a fit's equations and bounds.

    Parameters
    ----------
    record : FitRecord
        Of a fit with bounds.
    name, null : str
    statistic : float
        Twice the difference of the log-likelihoods.
    """
    turned, equations = _turn_bounds(record)
    if turned is None:
        reason = "the information at the constrained estimates is singular"
        return ChiBarTest(name, null, np.nan, equations, np.nan, reason)
    pairs = min(PAIRS, int(LARGEST_WORK / (turned.size * min(turned.shape) ** 2 + 1)))
    if pairs < FEWEST_PAIRS:
        reason = f"the mixture of chi-squares of {len(turned)} bounds is too much to be counted"
        return ChiBarTest(name, null, np.nan, equations, np.nan, reason)
    weights = count_faces(turned, pairs)
    p_value = mix_tails(statistic, equations, weights)
    df = equations + len(weights) - 1
    mixed = tuple(weights.tolist())
    value = float(statistic)
    return ChiBarTest(name, null, value, df, p_value, weights=mixed, draws=2 * pairs)


def _turn_bounds(record: FitRecord) -> tuple[np.ndarray | None, int]:
    """Return the rows of bounds where the information is the identity, and count equations."""
    constraints = record.constraints
    if constraints is None:
        return None, 0
    given = constraints.given
    equations = constraints.held & ~constraints.bounds
    space = span_free(given.pick(list_positions(equations)), record.basis)
    bounds: Bounds = enter_bounds(given, space, record.basis)[1]
    along = space.directions
    lower = factor_positive(along.T @ np.asarray(record.sums.information) @ along)
    if lower is None:
        return None, int(equations.sum())
    turned = solve_lower(lower, np.asfortranarray(bounds.matrix.T)).T
    return turned, int(equations.sum())

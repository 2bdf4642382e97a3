r"""Estimates with one unit left out, and the acceleration that they give a BCa interval.

Steps that leave a row out are those of `mlelogit.inference.sandwich.deletion`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlelogit.data.blocks import Block
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.refits import refit
from mlelogit.inference.resampling.units import Units, number_rows
from mlelogit.inference.sandwich.deletion import delete_rows

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Deviations:
    """Sums over the units of every stratum; ``+`` joins units.

    Attributes
    ----------
    value : numpy.ndarray
        (H, 4, q): number of units, and the sums of the deviations of q statistics from their
        values at the estimates, of their squares and of their cubes.
    """

    value: np.ndarray

    def __add__(self, other: Deviations) -> Deviations:
        return Deviations(self.value + other.value)


def _sum_deviations(
    found: np.ndarray, center: np.ndarray, members: np.ndarray, strata: np.ndarray, count: int
) -> Deviations:
    """Sum the deviations of statistics (m, q), each that of so many units."""
    gaps = found - center
    powers = np.stack([np.ones_like(gaps), gaps, gaps**2, gaps**3], axis=1)
    value = np.zeros((count, *powers.shape[1:]))
    np.add.at(value, strata, powers * members[:, np.newaxis, np.newaxis])
    return Deviations(value)


def find_acceleration(
    units: Units, statistic: Statistic, refits: int, threads: int | None = None
) -> np.ndarray | None:
    r"""Return the acceleration of statistics, from the jackknife (q,).

    ``a = Σ_h Σ_i u_hi³ / n_h³ / (6 (Σ_h Σ_i u_hi² / n_h²)^(3/2))`` with
    ``u_hi = (n_h - 1) (mean_h - θ_hi)``, where θ_hi is the statistic without unit i of
    stratum h (Efron 1987, Journal of the American Statistical Association 82, 171-185,
    section 7; Efron and Tibshirani 1993, eq. 14.15; several samples: Davison and Hinkley 1997,
    section 5.3.2). Clusters, and people in no more cells than `refits`, are left out by
    refits; in more cells, or where such a refit has no maximum, by a Newton step.

    Parameters
    ----------
    units : Units
    statistic : callable
        Of params (m, P) in the columns of the design; returns (m, q).
    refits : int
    threads : int, optional

    Returns
    -------
    numpy.ndarray or None
        (q,); NaN where the statistic does not depend on the rows. None if a refit without a
        cluster has no maximum.
    """
    exact = bool(units.clusters) or units.rows <= refits
    found = _leave_out_exactly(units, statistic, threads) if exact else None
    if found is None:
        if units.clusters:
            return None
        found = _leave_out_rows(units, statistic)
    return _accelerate(found.value)


def _accelerate(sums: np.ndarray) -> np.ndarray:
    n, first, second, third = sums.transpose(1, 0, 2)
    mean = first / n
    squares = second - n * mean**2
    cubes = n * mean**3 + 3 * mean * (second - mean * first) - third
    with np.errstate(invalid="ignore", divide="ignore"):
        share = ((n - 1) / n) ** 2 * squares
        top = (((n - 1) / n) ** 3 * cubes).sum(axis=0)
        return np.asarray(top / (6 * share.sum(axis=0) ** 1.5))


def _place(units: Units) -> tuple[np.ndarray, int]:
    strata = units.strata
    strata = np.zeros(len(units.members), dtype=np.intp) if strata is None else strata
    return strata, int(strata.max()) + 1


def _leave_out_exactly(
    units: Units, statistic: Statistic, threads: int | None
) -> Deviations | None:
    center = statistic(units.record.maximum.params[np.newaxis])
    strata, count = _place(units)
    total = Deviations(np.zeros((count, 4, center.shape[1])))
    for start in range(0, len(units.members), units.chunk):
        left = np.arange(start, min(start + units.chunk, len(units.members)))
        times = np.tile(units.people, (len(left), 1))
        if units.groups is None:
            times[np.arange(len(left)), left] -= 1
        else:
            times[units.groups == left[:, np.newaxis]] = 0.0
        found = refit(units.record, times, threads)
        if not found.converged.all():
            return None
        values = statistic(found.params)
        total += _sum_deviations(values, center, units.members[left], strata[left], count)
    return total


def _leave_out_rows(units: Units, statistic: Statistic) -> Deviations:
    record = units.record
    params = record.maximum.params
    inner = record.inner_params
    center = statistic(params[np.newaxis])
    strata, count = _place(units)

    def leave_out(block: Block) -> Deviations:
        rows = block.groups
        steps = step_without(block, inner, record.encoding.base, np.asarray(record.maximum.inverse))
        found = statistic(params + _leave(record.basis, steps, len(record.params)))
        return _sum_deviations(found, center, units.members[rows], strata[rows], count)

    return number_rows(units, threads=1).reduce(leave_out)


def _leave(basis: ColumnBasis, steps: np.ndarray, equations: int) -> np.ndarray:
    return basis.leave_params(steps.T.reshape(steps.shape[1], equations, -1)).reshape(
        steps.shape[1], -1
    )


def step_without(block: Block, params: np.ndarray, base: int, inverse: np.ndarray) -> np.ndarray:
    """Return, for every row, the Newton step without one person of it (P, m).

    Parameters
    ----------
    block : Block
        In the internal basis; each of its rows people of one outcome.
    params : numpy.ndarray
        (P,), in the internal basis.
    base : int
    inverse : numpy.ndarray
        V (P, P), in the internal basis.
    """
    pulls = delete_rows(block, params, base, inverse).pulls
    return -inverse @ (pulls[:, np.newaxis] * block.x).reshape(-1, block.x.shape[1])

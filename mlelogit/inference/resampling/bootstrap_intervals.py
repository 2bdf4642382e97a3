"""Intervals from replicates: percentile, basic, normal and BCa, each a line of arithmetic."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

METHODS = ("percentile", "basic", "bca", "normal")


def percentile_interval(replicates: np.ndarray, alpha: float) -> np.ndarray:
    """Return the quantiles alpha / 2 and 1 - alpha / 2 of replicates (B, q): (2, q).

    Between order statistics they are interpolated linearly (Hyndman and Fan 1996, definition 7).

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.inference.resampling.bootstrap_intervals import percentile_interval
    >>> percentile_interval(np.arange(101.0)[:, None], 0.1).ravel().tolist()
    [5.0, 95.0]
    """
    return np.asarray(np.quantile(replicates, [alpha / 2, 1 - alpha / 2], axis=0))


def basic_interval(replicates: np.ndarray, estimate: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``2 θ`` less the upper and the lower percentile (Davison and Hinkley 1997, eq. 5.6).

    The errors ``θ* - θ`` of the replicates stand for that of the estimate.
    """
    return 2 * estimate - percentile_interval(replicates, alpha)[::-1]


def normal_interval(replicates: np.ndarray, estimate: np.ndarray, alpha: float) -> np.ndarray:
    """Return ``θ ± z se`` with the standard deviation of the replicates."""
    half = -ndtri(alpha / 2) * replicates.std(axis=0, ddof=1)
    return np.stack([estimate - half, estimate + half])


def bca_interval(
    replicates: np.ndarray, estimate: np.ndarray, acceleration: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the bias-corrected and accelerated interval (2, q), and the levels of its ends.

    The quantiles of the replicates at ``Φ(z₀ + (z₀ + z) / (1 - a (z₀ + z)))`` for
    ``z = Φ⁻¹(alpha / 2)`` and ``Φ⁻¹(1 - alpha / 2)``, where ``Φ(z₀)`` is the share of replicates
    below the estimate, half of those equal to it included (Efron 1987, section 3; DiCiccio
    and Efron 1996, Statistical Science 11, 189-228, eq. 2.3). NaN where all replicates
    lie on one side.
    """
    below = (replicates < estimate).mean(axis=0) + (replicates == estimate).mean(axis=0) / 2
    shift = ndtri(below)
    interval, levels = np.full((2, 2, len(estimate)), np.nan)
    for side, z in enumerate(ndtri([alpha / 2, 1 - alpha / 2])):
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = ndtr(shift + (shift + z) / (1 - acceleration * (shift + z)))
        levels[side] = np.where(np.isfinite(shift), moved, np.nan)
        for place in np.flatnonzero(np.isfinite(levels[side])):
            interval[side, place] = np.quantile(replicates[:, place], levels[side, place])
    return interval, levels

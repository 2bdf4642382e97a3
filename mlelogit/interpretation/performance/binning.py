"""Bins of predicted probabilities, in which what is equal but for rounding ties."""

from __future__ import annotations

import numpy as np

from mlelogit.data.arguments import check_choice, is_whole, write_value
from mlelogit.exceptions import OptionError
from mlelogit.inference.ranks import TIED, rank_values

STRATEGIES = ("quantile", "uniform")
FEWEST_BINS = 2


def check_bins(bins: int, strategy: str = "quantile") -> None:
    """Raise `OptionError` if bins is not a whole number of 2 or more, or the strategy unknown.

    Examples
    --------
    >>> from mlelogit.interpretation.performance.binning import check_bins
    >>> check_bins(10)
    """
    if not is_whole(bins) or bins < FEWEST_BINS:
        raise OptionError(
            f"bins must be a whole number of {FEWEST_BINS} or more, not {write_value(bins)}."
        )
    check_choice("strategy", strategy, STRATEGIES)


def assign_bins(values: np.ndarray, people: np.ndarray, bins: int, strategy: str) -> np.ndarray:
    """Return the bin (n,) of every row by its value (n,), counted from zero.

    "quantile": a row is in bin b if its value is above the b-th of the quantiles ``1 / bins, 2 /
    bins, ...`` of the people (n,), and not above the next; quantile q is the lowest value such that
    a share q of the people, or more, have that or less (Hyndman and Fan 1996, definition 1). Rows
    that tie share a bin, so some bins can be empty. "uniform": bins of equal width between zero
    and one, upper ends included.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.performance.binning import assign_bins
    >>> assign_bins(np.array([0.1, 0.2, 0.3, 0.9]), np.ones(4), 2, "quantile").tolist()
    [0, 0, 1, 1]
    >>> assign_bins(np.array([0.1, 0.2, 0.3, 0.9]), np.ones(4), 2, "uniform").tolist()
    [0, 0, 0, 1]
    """
    ranks, lowest = rank_values(values)
    shares = np.arange(1, bins) / bins
    if strategy == "uniform":
        return np.searchsorted(shares * (1 + TIED), lowest, side="left")[ranks]
    upto = np.cumsum(np.bincount(ranks, people))
    # A sum of weights that is a quantile but for rounding has reached it.
    cuts = np.searchsorted(upto, shares * upto[-1] * (1 - TIED), side="left")
    return np.searchsorted(cuts, np.arange(len(lowest)), side="left")[ranks]

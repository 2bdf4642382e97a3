"""Ranks of values in which those that are equal but for rounding tie."""

from __future__ import annotations

import numpy as np

# Relative gap below which two values tie. Probabilities that ought to be equal differ by rounding
# in their scores, some 1e-13 where those are of size hundreds; others are hardly ever as near.
TIED = 1e-10


def rank_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rank values (n,) that are not negative; those within rounding of the next lower one tie.

    Returns
    -------
    ranks : numpy.ndarray
        (n,), from zero without gaps.
    lowest : numpy.ndarray
        (R,): the lowest value of every rank.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.inference.ranks import rank_values
    >>> rank_values(np.array([0.3, 0.1, 0.1 + 1e-15]))[0].tolist()
    [1, 0, 0]
    """
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    new = np.concatenate([[True], np.diff(ascending) > TIED * ascending[1:]])
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.cumsum(new) - 1
    return ranks, ascending[new]

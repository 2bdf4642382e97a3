"""What constraints settle, which bounds are broken, and whether one fit lies in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.fitting.constrained.constraints import find_broken, span_params
from mlelogit.fitting.constrained.restriction import ROUNDING
from mlelogit.fitting.linalg import measure_lengths
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.rebase import rebase_restriction

SHOWN = 3
SETTLED = "the fit's own constraints settle it, or a part of it, whatever the data say"


def is_settled(record: FitRecord, matrix: np.ndarray) -> bool:
    """Tell whether a fit's constraints settle a combination of the rows of a hypothesis.

    Parameters
    ----------
    record : FitRecord
    matrix : numpy.ndarray
        R (q, P).
    """
    if record.moves is None:
        return False
    rows = matrix / record.moves.units
    rows = rows / measure_lengths(rows)[:, np.newaxis]
    # Rows that repeat others say nothing of their own.
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    rows = right[sizes > ROUNDING * sizes[0]]
    singular = np.linalg.svd(rows @ record.moves.scaled, compute_uv=False)
    return bool(len(singular) < len(rows) or singular.min() <= ROUNDING)


def mark_settled(record: FitRecord, matrix: np.ndarray) -> np.ndarray:
    """Tell which rows of R (q, P), each by itself, a fit's constraints settle: (q,), bool."""
    if record.moves is None:
        return np.zeros(len(matrix), dtype=bool)
    return np.asarray(np.linalg.norm(record.moves.free(matrix)[0], axis=1) <= ROUNDING)


def tell_broken(record: FitRecord, params: np.ndarray) -> str:
    """Say which of a fit's bounds params (P,) do not meet; nothing if they meet all."""
    if record.constraints is None:
        return ""
    given = record.constraints.given
    return list_words([given.words[i] for i in np.flatnonzero(find_broken(given, params))])


def list_words(words: Sequence[str], shown: int = SHOWN) -> str:
    """Write the first of some words, and how many more there are."""
    more = len(words) - shown
    return "; ".join(words[:shown]) + (f"; and {more} more" if more > 0 else "")


def map_columns(larger: FitRecord, smaller: FitRecord, r: np.ndarray) -> np.ndarray:
    """Return the columns of a smaller design as combinations of a larger's (K_larger, K_smaller).

    Parameters
    ----------
    larger, smaller : FitRecord
        The columns of the second are combinations of those of the first.
    r : numpy.ndarray
        The triangular factor of the scaled columns of both.
    """
    width = len(larger.basis.scale)
    scaled = np.linalg.solve(r[:width, :width], r[:width, width:-1])
    return np.asarray(scaled / larger.basis.scale[:, np.newaxis] * smaller.basis.scale)


def find_unmet(larger: FitRecord, smaller: FitRecord, columns: np.ndarray) -> str:
    """Say which constraints of a larger fit a smaller one does not have; nothing if it has all.

    All params that the smaller's constraints allow must meet the larger's.

    Parameters
    ----------
    larger, smaller : FitRecord
    columns : numpy.ndarray
        What `map_columns` returns.
    """
    if larger.restriction is None:
        return ""
    held: Restriction = larger.restriction
    if larger.encoding.base != smaller.encoding.base:
        held = rebase_restriction(held, larger.encoding, smaller.encoding.base)
    scale = smaller.basis.scale
    size, count = smaller.maximum.params.size, len(smaller.encoding.others)
    point, moves = span_params(smaller.restriction, size, scale)
    # Rows about the smaller's coefficients.
    rows = (held.matrix.reshape(len(held), count, -1) @ columns).reshape(len(held), -1)
    units = np.tile(larger.basis.scale, count)
    length = np.linalg.norm(held.matrix / units, axis=1)
    rows, values = rows / length[:, np.newaxis], held.values / length
    gap = np.abs(rows @ point - values) / (1 + np.abs(values))
    free = np.abs(rows @ moves.T).max(axis=1, initial=0.0)
    unmet = np.flatnonzero((gap > ROUNDING) | (free > ROUNDING))
    return list_words([larger.restriction.words[i] for i in unmet])


def find_overstepped(larger: FitRecord, smaller: FitRecord, columns: np.ndarray) -> str:
    """Say which bounds of a larger fit the estimates of a smaller one do not meet.

    Parameters
    ----------
    larger, smaller : FitRecord
    columns : numpy.ndarray
        What `map_columns` returns.
    """
    if larger.constraints is None:
        return ""
    given = larger.constraints.given
    seen = rebase_restriction(given, larger.encoding, smaller.encoding.base)
    broken = find_broken(seen, (smaller.params @ columns.T).ravel())
    return list_words([given.words[i] for i in np.flatnonzero(broken)])


def state_constraints(record: FitRecord) -> str:
    """Write what a fit is held to, at some length."""
    return "" if record.restriction is None else list_words(record.restriction.words)

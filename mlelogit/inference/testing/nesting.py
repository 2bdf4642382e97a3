"""Whether constraints settle a hypothesis, and whether one constrained fit lies in another."""

from __future__ import annotations

import numpy as np

from mlelogit.data.restrictions import Restriction
from mlelogit.fitting.constrained.constraints import span_params
from mlelogit.fitting.linalg import measure_lengths
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.rebase import rebase_restriction

# Rows of length one: what is left below this is rounding.
ROUNDING = 1e-8
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
    if record.restriction is None:
        return False
    scale = record.basis.scale
    units = np.tile(scale, matrix.shape[1] // len(scale))
    rows = matrix / units
    rows = rows / measure_lengths(rows)[:, np.newaxis]
    _, moves = span_params(record.restriction, matrix.shape[1], scale)
    turned = np.linalg.qr((moves * units).T)[0]
    # Rows that repeat others say nothing of their own.
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    rows = right[sizes > ROUNDING * sizes[0]]
    singular = np.linalg.svd(rows @ turned, compute_uv=False)
    return bool(len(singular) < len(rows) or singular.min() <= ROUNDING)


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
    said = "; ".join(larger.restriction.words[i] for i in unmet[:SHOWN])
    return said + (f"; and {len(unmet) - SHOWN} more" if len(unmet) > SHOWN else "")


def state_constraints(record: FitRecord) -> str:
    """Write what a fit is held to, at some length."""
    if record.restriction is None:
        return ""
    words, more = record.restriction.words[:SHOWN], len(record.restriction) - SHOWN
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")

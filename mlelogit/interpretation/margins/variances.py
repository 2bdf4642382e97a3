"""The covariance of effects from that of the coefficients: the delta method."""

from __future__ import annotations

import numpy as np

from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.limit import ESTIMABLE
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance

# Of the longest Jacobian of a set of categories: a thousand roundings.
STILL = 1e-13


def find_root(record: FitRecord, covariance: Covariance, jacobian: np.ndarray) -> np.ndarray:
    """Return W (q, r) with ``W W' = G V G'``, NaN in rows that take unknown variances.

    It is formed in the internal basis where V is known there: in columns that are nearly
    collinear the terms of a variance are far larger than what they add up to.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    jacobian : numpy.ndarray
        G (q, P), in the columns of the design.
    """
    lost = _find_unknown(record, covariance, jacobian)
    rows = np.where(lost[:, np.newaxis], 0.0, jacobian)
    inner = covariance.inner
    if inner is not None and np.isfinite(inner).all():
        root = enter_rows(rows, record.moves, record.basis) @ take_root(inner)
    else:
        known = np.isfinite(np.diag(covariance.matrix))
        lost |= rows[:, ~known].any(axis=1)
        root = rows[:, known] @ take_root(covariance.matrix[np.ix_(known, known)])
    if not root.shape[1]:
        # A row without entries could not hold that its variance is unknown.
        root = np.zeros((len(rows), 1))
    root[lost] = np.nan
    return np.asarray(root)


def find_open(record: FitRecord, jacobian: np.ndarray) -> np.ndarray:
    """Tell which effects (q,) the limit of separated data leaves open.

    The limit does not change along its free directions; what does is not told by it.
    """
    free = record.separation.free
    if free is None or record.moves is not None:
        return np.zeros(len(jacobian), dtype=bool)
    inside = enter_rows(np.nan_to_num(jacobian), None, record.basis)
    along = np.linalg.norm(inside @ free, axis=1)
    open_ones = along > ESTIMABLE * np.linalg.norm(inside, axis=1)
    return np.asarray(open_ones & ~find_still(record, inside))


def find_still(record: FitRecord, jacobian: np.ndarray) -> np.ndarray:
    """Tell which effects (q,) do not move with any coefficient, beside those of other categories.

    What rounding leaves is nothing: the base's effect is less the sum of the others'.
    """
    lengths = np.linalg.norm(jacobian, axis=1).reshape(-1, len(record.encoding.categories))
    return (lengths <= STILL * lengths.max(axis=1, keepdims=True)).ravel()


def _find_unknown(record: FitRecord, covariance: Covariance, jacobian: np.ndarray) -> np.ndarray:
    """Tell which effects (q,) have no standard error."""
    broken = ~np.isfinite(jacobian).all(axis=1)
    if not record.separation.found:
        return broken
    # What does not move at all is settled by the separation alone.
    broken = broken | find_still(record, jacobian)
    if record.moves is not None or covariance.inner is None:
        known = np.isfinite(np.diag(covariance.matrix))
        return broken | jacobian[:, ~known].any(axis=1)
    return broken | find_open(record, jacobian)


def take_root(matrix: np.ndarray) -> np.ndarray:
    """Return R with ``R R'`` a covariance, whose variances may be of very different sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.margins.variances import take_root
    >>> root = take_root(np.array([[4.0, 2.0], [2.0, 1.0]]))
    >>> np.allclose(root @ root.T, [[4.0, 2.0], [2.0, 1.0]])
    True
    """
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / scale / scale[:, np.newaxis])
    return np.asarray(scale[:, np.newaxis] * vectors * np.sqrt(np.maximum(values, 0.0)))

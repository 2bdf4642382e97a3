"""A fit as seen from another base category: one matrix, and no refit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlelogit.data.encoding import Encoding
from mlelogit.fitting.estimation import FitRecord
from mlelogit.inference.covariance import Covariance


def change_base(encoding: Encoding, base: int) -> np.ndarray:
    """Return the matrix C (P, P) with ``params_new = C params_old`` for another base.

    Every equation becomes the old one less the new base's old equation; the old
    base's coefficients were zero.
    """
    full = np.delete(np.eye(len(encoding.categories)), encoding.base, axis=1)
    differences = np.delete(full - full[base], base, axis=0)
    return np.kron(differences, np.eye(len(encoding.names)))


def rebase_covariance(covariance: Covariance, change: np.ndarray) -> Covariance:
    """Return a covariance as seen from another base."""
    matrix = change @ covariance.matrix @ change.T
    return Covariance(covariance.kind, (matrix + matrix.T) / 2, covariance.correction)


def rebase_record(record: FitRecord, base: int) -> FitRecord:
    """Return a fit's record as seen from another base; the rows are not touched."""
    encoding = record.encoding.with_base(base)
    change = change_base(record.encoding, base)
    maximum = record.maximum
    trace = replace(maximum.trace, params=maximum.trace.params @ change.T)
    back = change_base(encoding, record.encoding.base)
    sums = replace(
        record.sums,
        score=back.T @ np.asarray(record.sums.score),
        information=back.T @ np.asarray(record.sums.information) @ back,
    )
    inverse = None if maximum.inverse is None else change @ maximum.inverse @ change.T
    params = change @ maximum.params
    moved = replace(maximum, params=params, trace=trace, sums=sums, inverse=inverse)
    return replace(record, encoding=encoding, maximum=moved)

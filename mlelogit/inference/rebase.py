"""A fit as seen from another base category: one matrix, and no refit."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.constraints import orient_rows
from mlelogit.data.hypotheses.restrictions import Restriction, make_restriction
from mlelogit.exceptions import BiasReductionError
from mlelogit.fitting.examination import TIME_LIMIT, examine_signs, strip_rows
from mlelogit.fitting.limit import Separation
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, estimate_covariance, hold_fixed, leave_inner

MEDIAN_REASON = (
    "median bias reduction belongs to the coefficients that it was made for, and what they are "
    "against another base is not what a fit with that base would find"
)


def change_base(encoding: Encoding, base: int) -> np.ndarray:
    """Return the matrix M (J - 1, J - 1) with ``B_new = M B_old`` for another base.

    Every equation becomes the old one less the new base's old equation; the old
    base's coefficients were zero. A change of all parameters is ``C = M ⊗ 1_K``.
    """
    full = np.delete(np.eye(len(encoding.categories)), encoding.base, axis=1)
    return np.asarray(np.delete(full - full[base], base, axis=0))


def change_rows(change: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return ``(M ⊗ 1_K) values`` for values (P, ...), without the large matrix."""
    return np.asarray((change @ values.reshape(len(change), -1)).reshape(values.shape))


def change_matrix(change: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``C matrix C'`` (P, P) for a symmetric matrix and ``C = M ⊗ 1_K``."""
    both = change_rows(change, change_rows(change, matrix).T.copy())
    return (both + both.T) / 2


def rebase_covariance(covariance: Covariance, record: FitRecord, moved: FitRecord) -> Covariance:
    """Return the covariance of a record as seen from the base of another.

    Where coefficients are infinite their differences need not be, so there it is found anew.

    Parameters
    ----------
    covariance : Covariance
        Of ``record``.
    record : FitRecord
    moved : FitRecord
        The same fit, from the other base.

    Returns
    -------
    Covariance

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.rebase("Dole").bse.loc["age", "Clinton"] == res.bse.loc["age", "Dole"]
    np.True_
    """
    if covariance.omitted:
        return covariance
    if record.separation.found:
        return estimate_covariance(moved, covariance.request or covariance.kind)
    change = change_base(record.encoding, moved.encoding.base)
    if covariance.inner is None:
        matrix = hold_fixed(change_matrix(change, covariance.matrix), moved)
        return replace(covariance, matrix=matrix)
    inner = change_matrix(change, covariance.inner)
    return replace(covariance, matrix=leave_inner(inner, moved), inner=inner)


def rebase_record(record: FitRecord, base: int) -> FitRecord:
    """Return a fit's record as seen from another base; the rows are not touched.

    The coefficients become ``b_k - b_new``, by one linear map of all P of them.

    Parameters
    ----------
    record : FitRecord
    base : int
        Position of the new base among the categories.

    Returns
    -------
    FitRecord

    Raises
    ------
    BiasReductionError
        If the bias of the median was reduced: the median of a difference of estimates is not
        the difference of their medians, so another base has other estimates.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> moved = res.rebase("Dole")
    >>> moved.base, moved.llf == res.llf
    ('Dole', True)
    """
    if record.maximum.bias_reduction == "median" and base != record.encoding.base:
        raise BiasReductionError(
            "Median bias reduction belongs to the coefficients that it was made for, and another "
            "base has others: fit the model with that base. bias_reduction='mean' can be rebased."
        )
    encoding = record.encoding.with_base(base)
    change = change_base(record.encoding, base)
    back = change_base(encoding, record.encoding.base).T
    maximum, sums = record.maximum, record.sums
    moved = replace(
        maximum,
        params=change_rows(change, maximum.params),
        trace=replace(maximum.trace, params=change_rows(change, maximum.trace.params.T.copy()).T),
        inverse=None if maximum.inverse is None else change_matrix(change, maximum.inverse),
        sums=replace(
            sums,
            score=change_rows(back, np.asarray(sums.score)),
            information=None if sums.information is None else change_matrix(back, sums.information),
        ),
    )
    return replace(
        rebase_constraints(record, base),
        encoding=encoding,
        maximum=moved,
        separation=_rebase_separation(record, base, change),
    )


def rebase_restriction(restriction: Restriction, encoding: Encoding, base: int) -> Restriction:
    """Return rows as seen from another base: with ``b_new = C b``, R becomes ``R C⁻¹``."""
    moved = encoding.with_base(base)
    back = change_base(moved, encoding.base).T
    matrix = np.ascontiguousarray(change_rows(back, restriction.matrix.T.copy()).T)
    return make_restriction(matrix, restriction.values, moved, restriction.relations)


def rebase_constraints(record: FitRecord, base: int) -> FitRecord:
    """Return a record whose constraints are written against another base, and nothing else."""
    if record.constraints is None:
        return record
    moved = rebase_restriction(record.constraints.given, record.encoding, base)
    given, signs = orient_rows(moved)
    multipliers = record.constraints.multipliers * signs + 0.0
    constraints = replace(record.constraints, given=given, multipliers=multipliers)
    return replace(
        record,
        request=replace(record.request, constraints=given),
        restriction=constraints.restriction,
        constraints=constraints,
    )


def _rebase_separation(record: FitRecord, base: int, change: np.ndarray) -> Separation:
    separation = record.separation
    if not separation.found or base == record.encoding.base:
        return separation
    moved = replace(
        separation,
        direction=change_rows(change, np.asarray(separation.direction)),
        estimable=change_rows(change, np.asarray(separation.estimable)),
        free=change_rows(change, np.asarray(separation.free)),
    )
    plain, deadline = strip_rows(record.need_blocks(), record.basis), time.monotonic() + TIME_LIMIT
    return replace(moved, sure=examine_signs(plain, base, record.basis, moved, deadline))

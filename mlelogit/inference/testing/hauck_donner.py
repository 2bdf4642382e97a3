r"""The Hauck-Donner effect: Wald statistics that fall as their coefficient grows.

With V the inverse information and ``z_k = b_k / V_kk^½``, along b_k with the other coefficients
where they are

    dz_k / db_k = (1 - b_k V_kk' / (2 V_kk)) / V_kk^½,    V_kk' = -v_k' (dI / db_k) v_k,

v_k being column k of V (Yee 2022, JASA 117, 1763-1774). The third derivative of a row's
log-likelihood is a third cumulant of its category, so that with ``u = x_n' v_k``, one number per
category, mean ū and variance s² under the row's probabilities y, for coefficient k of column j
in category c

    v_k' (dI / db_k) v_k = Σ_n w_n t_n x_nj y_nc ((u_nc - ū_n)² - s_n²).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.likelihood import Matrix, evaluate_block, predict_scores, weigh
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import divide_by_errors, index_all, spread_columns

# Rows are laid out dense, at most so many numbers of them at a time.
DENSE_ELEMENTS = 1 << 22
PSEUDO = "not defined with sampling weights, whose covariance is not the inverse information"
UNKNOWN = "no covariance: no finite maximum has been shown to exist"
OMITTED = "no covariance: the information was left out for its size; fit(cov_type=...) finds it"
INFINITE = "the coefficient is infinite"
HELD = "constraints hold the coefficient, so that it cannot move by itself"
ALIASED = "the column was left out"
MEANING = (
    "the Wald statistic falls as the coefficient grows, so its p-value can be far too large; use a "
    "likelihood-ratio test"
)
PRESENT = f"Hauck-Donner effect: {MEANING}"


@single_threaded_blas
def find_hauck_donner(record: FitRecord) -> pd.DataFrame:
    r"""Tell for which coefficients the Wald statistic falls as the coefficient grows.

    A coefficient has the effect where the derivative of its Wald statistic along itself is
    negative (Hauck and Donner 1977, JASA 72, 851-853; Yee 2022, JASA 117, 1763-1774, as
    VGAM::hdeff does). The covariance is the inverse information, whatever covariance is in use;
    with bias reduction it is that at the estimates. Since the other coefficients are held still,
    the answer belongs to the base and to the origin of the columns, as the estimates do; not to
    their units. One pass over the rows.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.DataFrame
        Index (category, name); columns statistic (z), derivative (dz/db), slope (the derivative
        times the standard error: one where the standard error does not change, negative where
        the effect is), flag (True, False, or NA where it is not defined) and words.

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> bool(res.hauck_donner()["flag"].any())
    False
    """
    reason = _find_reason(record)
    size = len(record.maximum.params)
    z, slope, bse = np.full((3, size), np.nan)
    if not reason:
        z, slope, bse = _differentiate(record)
    finite = np.isfinite(record.estimates)
    z[~finite], slope[~finite] = np.nan, np.nan
    held = np.zeros(size, dtype=bool)
    if record.restriction is not None:
        held |= record.restriction.matrix.any(axis=0)
        z[held], slope[held] = np.nan, np.nan
    words = np.full(size, reason, dtype=object)
    words[held] = HELD
    words[slope < 0] = PRESENT
    words[~finite] = INFINITE
    return _frame(record, z, slope / bse, slope, words)


def _find_reason(record: FitRecord) -> str:
    if record.weight_type == "sampling":
        return PSEUDO
    if record.sums.information is None:
        return OMITTED
    return "" if record.well_defined and record.maximum.inverse is not None else UNKNOWN


def _differentiate(record: FitRecord) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z, the derivative times the standard error, and that, (P,) each."""
    basis, base = record.basis, record.encoding.base
    inverse = np.asarray(record.maximum.inverse)
    size, width = len(inverse), len(basis.scale)
    # Row k is column k of V: in the internal basis, and then in the columns of the design.
    directions = (inverse.reshape(-1, width) @ basis.matrix).reshape(size, size).T.copy()
    rows = basis.leave_params(directions.reshape(size, -1, width))
    variances = np.diag(rows.reshape(size, size))
    blocks = record.limit_blocks()
    few = RowBlocks(
        blocks.design, None, min(blocks.size, -(-DENSE_ELEMENTS // width)), blocks.threads
    )
    change = few.reduce(sum_third_derivatives, record.maximum.params, base, basis, directions)
    params = record.maximum.params
    bse = np.sqrt(np.maximum(variances, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = 1 + params * change.value / (2 * variances)
    return divide_by_errors(params, bse), slope, bse


def sum_third_derivatives(
    block: Block, params: np.ndarray, base: int, basis: ColumnBasis, directions: np.ndarray
) -> Matrix:
    """Return ``v_k' (dI / db_k) v_k`` of a block for every coefficient k (P,).

    Parameters
    ----------
    block : Block
        In the columns of the design.
    params : numpy.ndarray
        (P,), of the design's columns.
    base : int
    basis : ColumnBasis
    directions : numpy.ndarray
        (P, P): row k is v_k, in the internal basis.
    """
    evaluation = evaluate_block(block, params, base)
    y = evaluation.probabilities.copy()
    people = weigh(block, np.ones(y.shape[1]) if evaluation.totals is None else evaluation.totals)
    x = lay_out(block.x)
    z, weighed = basis.enter(x), x * people
    free = np.delete(np.arange(len(y)), base)
    sums = np.empty(len(directions))
    for k, direction in enumerate(directions):
        equation, column = divmod(k, len(x))
        u = predict_scores(z, direction, base, None)
        u -= (y * u).sum(axis=0)
        u *= u
        own = free[equation]
        sums[k] = weighed[column] @ (y[own] * (u[own] - (y * u).sum(axis=0)))
    return Matrix(sums)


def _frame(
    record: FitRecord, z: np.ndarray, derivative: np.ndarray, slope: np.ndarray, words: np.ndarray
) -> pd.DataFrame:
    encoding = record.encoding
    shape = record.params.shape
    spread = [
        spread_columns(values.reshape(shape), encoding).ravel() for values in (z, derivative, slope)
    ]
    said = np.full((shape[0], len(encoding.all_names)), ALIASED, dtype=object)
    kept = encoding.kept if encoding.omitted else slice(None)
    said[:, kept] = words.reshape(shape)
    flag = pd.array(spread[2] < 0, dtype="boolean")
    flag[np.isnan(spread[2])] = pd.NA
    return pd.DataFrame(
        {
            "statistic": spread[0],
            "derivative": spread[1],
            "slope": spread[2],
            "flag": flag,
            "words": said.ravel(),
        },
        index=index_all(encoding),
    )

"""Tests that state their null hypothesis in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.special import chdtrc, fdtrc

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.restrictions import Restriction, read_restrictions
from mlelogit.data.sources import JoinedSource
from mlelogit.exceptions import NotNestedError, ParamsError
from mlelogit.fitting.basis import factor_columns
from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.linalg import factor_positive
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import RANK_TOLERANCE, Covariance, spread_rows
from mlelogit.inference.fit_statistics import BOUND_REASON, find_reason
from mlelogit.inference.testing.maintained import Maintained
from mlelogit.inference.testing.nesting import (
    find_overstepped,
    find_unmet,
    map_columns,
    state_constraints,
)
from mlelogit.inference.testing.streams import (
    check_same_table,
    factor_by_names,
    hold_both,
    is_streamed,
)
from mlelogit.markup import Shown

NESTING_TOLERANCE = 1e-8
# What rounding leaves of a row that others, in the internal basis, say too.
DEPENDENT = 1e-13
# The square root of what rounding leaves of the variance of a combination that has none.
SMALLEST_PIVOT = 1e-7


@dataclass(frozen=True, repr=False)
class TestResult(Shown):
    """A test of a null hypothesis.

    Made by `mlelogit.inference.testing.hypothesis.wald_test`.

    Attributes
    ----------
    name : str
        Which test.
    null : str
        The null hypothesis in words.
    statistic : float
        Chi-squared under the null, or F if ``df_denom`` is finite; NaN if the test does not
        apply.
    df : int
        Degrees of freedom.
    p_value : float
    reason : str
        Why the test does not apply; empty if it does.
    df_denom : float
        Degrees of freedom of the denominator of F; infinite for chi-squared.
    """

    __test__ = False

    name: str
    null: str
    statistic: float
    df: int
    p_value: float
    reason: str = ""
    df_denom: float = np.inf

    def __str__(self) -> str:
        head = f"{self.name}\nNull hypothesis: {self.null}\n"
        if self.reason:
            return f"{head}Does not apply: {self.reason}."
        law = f"chi2({self.df})"
        if np.isfinite(self.df_denom):
            law = f"F({self.df}, {self.df_denom:.10g})"
        return f"{head}{law} = {self.statistic:.6g}, p-value = {self.p_value:.4g}"


def make_test(name: str, null: str, statistic: float, df: int) -> TestResult:
    """Return a chi-squared test."""
    return TestResult(name, null, float(statistic), df, float(chdtrc(df, max(statistic, 0.0))))


def refuse_test(name: str, null: str, df: int, reason: str) -> TestResult:
    """Return a test that does not apply, and why."""
    return TestResult(name, null, np.nan, df, np.nan, reason)


def frame_tests(tests: dict[Any, TestResult], index: list[str], null: str) -> pd.DataFrame:
    """Lay tests out, a row each.

    Parameters
    ----------
    tests : dict
        Label -> test; the labels are tuples if the index has several levels.
    index : list of str
        Names of its levels.
    null : str
        The null hypothesis of each row in words, for ``frame.attrs["null"]``; the name of the
        test goes to ``frame.attrs["test"]``.

    Returns
    -------
    pandas.DataFrame
        Columns statistic, df, p_value; df_denom if statistics are F; reason if any test does
        not apply.
    """
    rows = list(tests.values())
    columns: dict[str, Any] = {
        "statistic": np.array([test.statistic for test in rows], dtype=float),
        "df": np.array([test.df for test in rows], dtype=int),
        "p_value": np.array([test.p_value for test in rows], dtype=float),
    }
    if any(np.isfinite(test.df_denom) for test in rows):
        columns["df_denom"] = np.array([test.df_denom for test in rows], dtype=float)
    if any(test.reason for test in rows):
        columns["reason"] = [test.reason for test in rows]
    if len(index) > 1:
        labels: pd.Index = pd.MultiIndex.from_tuples(list(tests), names=index)
    else:
        labels = pd.Index(list(tests), name=index[0], tupleize_cols=False)
    frame = pd.DataFrame(columns, index=labels)
    frame.attrs = {"test": rows[0].name if rows else "", "null": null}
    return frame


def tell_few(size: int, covariance: Covariance) -> str:
    """Say that groups are too few for so many hypotheses."""
    return (
        f"{size} coefficients or combinations enter, and the {covariance.kind} covariance tells "
        f"at most {covariance.most:.10g} at a time"
    )


def make_wald(name: str, null: str, statistic: float, df: int, design_df: float) -> TestResult:
    """Return a Wald test: chi-squared, or with d design degrees of freedom the adjusted F.

    ``F = W (d - k + 1) / (k d)`` of k hypotheses has k and d - k + 1 degrees of freedom, as
    after Stata's svy (Korn and Graubard 1990).
    """
    if not np.isfinite(design_df):
        return make_test(name, null, statistic, df)
    left = design_df - df + 1
    ratio = float(statistic) * left / (df * design_df)
    return TestResult(name, null, ratio, df, float(fdtrc(df, left, max(ratio, 0.0))), "", left)


def wald_test(
    record: FitRecord, covariance: Covariance, hypothesis: Any, value: Any = None
) -> TestResult:
    r"""Test linear hypotheses ``R b = q`` by the Wald statistic.

    ``W = (R b - q)' (R V R')⁻¹ (R b - q)`` is chi-squared with as many degrees of freedom as R
    has rows (Greene 2018, section 14.6.2). With a survey design's covariance, of d degrees of
    freedom, ``F = W (d - k + 1) / (k d)`` of k hypotheses has k and d - k + 1 (Korn and Graubard
    1990, The American Statistician 44). Of a fit that is held to equations what they do not
    settle is tested; active bounds count among them, and the name of the test says so.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    hypothesis : str, tuple, list of them, or array-like
        "car: age = bus: age", "train: income = 0.5"; a name alone, "age" or "car: age", is
        zero, in every equation or in one; or the matrix R (rows, P). See
        `mlelogit.data.hypotheses.restrictions.read_restrictions`.
    value : array-like, optional
        q (rows,), where no right side is written.

    Returns
    -------
    TestResult
        Null hypothesis in words, statistic, df, p-value; or NaN and the reason.

    Raises
    ------
    ParamsError
        If a name is unknown, a shape wrong or the rows of R depend on each other.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> test = res.wald_test("age = 0")
    >>> test.df, round(test.p_value, 3)
    (1, 0.036)
    """
    news = Maintained(record).sort_news(read_equations(hypothesis, record.encoding, value))
    if news.reason:
        return refuse_test(name_wald(record, covariance), news.null, len(news.asked), news.reason)
    return apply_wald(record, covariance, news.asked, news.null)


def name_wald(record: FitRecord, covariance: Covariance) -> str:
    """Name the test by its covariance, and say what it takes for granted."""
    bounds = ", conditional on active bounds" if record.at_bounds else ""
    return f"Wald test ({covariance.kind} covariance{bounds})"


def apply_wald(
    record: FitRecord,
    covariance: Covariance,
    asked: Restriction,
    null: str = "",
    held: Restriction | None = None,
) -> TestResult:
    """Test equations by the Wald statistic, where others are held or not.

    With equations ``H b = h`` held, what is tested are the combinations of the rows of R and H
    that are uncorrelated with ``H b`` (Fox and Weisberg 2019): the statistic is
    that of both less that of H alone.

    Raises
    ------
    ParamsError
        If the rows depend on each other.
    """
    every = asked if held is None else held + asked
    matrix, target = _scale_rows(every.matrix, every.values)
    if np.linalg.matrix_rank(matrix) < len(matrix):
        raise ParamsError("The rows of the hypothesis depend on each other; drop some.")
    size, said = len(asked), null or asked.said
    name = name_wald(record, covariance)
    used = matrix.any(axis=0)
    known = not covariance.omitted and np.isfinite(covariance.matrix[np.ix_(used, used)]).all()
    if not known:
        reason = "no finite maximum has been shown to exist, so there is no covariance"
        if covariance.omitted:
            reason = "the covariance was left out for its size; fit(cov_type=...) finds it"
        if record.separation.found:
            reason = "the data are separated, and a coefficient in it is infinite"
        return refuse_test(name, said, size, reason)
    if len(every) > covariance.most:
        return refuse_test(name, said, size, tell_few(len(every), covariance))
    gap, spread = turn_equations(record, covariance, matrix, target)
    statistic = square_distance(gap, spread, len(every) - size)
    if statistic is None:
        reason = "the covariance of what is tested is singular: observations are too few"
        return refuse_test(name, said, size, reason)
    return make_wald(name, said, statistic, size, covariance.df)


def turn_equations(
    record: FitRecord, covariance: Covariance, matrix: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``R b - q`` and its covariance, by combinations at right angles where that is known.

    With ``R = T' Q'`` in the internal basis they are those of ``Q' θ - T⁻ᵀ q``: the same
    hypothesis, of which nearly parallel rows lose no digits. The first rows of Q span the first
    of R.
    """
    plain = matrix @ record.maximum.params - target
    turned, triangle = turn_rows(record, covariance, matrix)
    if turned is None:
        return plain, spread_rows(record, covariance, matrix)
    spread = turned @ np.asarray(covariance.inner) @ turned.T
    if record.moves is not None or record.separation.found:
        return solve_triangular(triangle, plain, trans="T"), spread
    inner = record.inner_params
    return turned @ inner - solve_triangular(triangle, target, trans="T"), spread


def turn_rows(
    record: FitRecord, covariance: Covariance, matrix: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return Q' (q, P) and T (q, q) with ``R = T' Q'`` in the internal basis, or None.

    There is none if the covariance is not known there, or rows depend on each other.
    """
    if covariance.inner is None:
        return None, matrix
    turned, triangle = np.linalg.qr(enter_rows(matrix, record.moves, record.basis).T)
    sizes = np.linalg.norm(triangle, axis=0)
    if not (np.abs(np.diag(triangle)) > DEPENDENT * sizes).all():
        return None, matrix
    return turned.T, triangle


def read_equations(hypothesis: Any, encoding: Encoding, value: Any = None) -> Restriction:
    """Read hypotheses that are equations.

    See `mlelogit.data.hypotheses.restrictions.read_restrictions`.
    """
    asked = read_restrictions(hypothesis, encoding, value)
    if set(asked.relations) != {"="}:
        raise ParamsError(f"A test is of equations; {asked.said!r} holds an inequality.")
    return asked


def _scale_rows(matrix: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring every row of ``R b = q`` to size one: the hypothesis is the same."""
    size = np.abs(matrix).max(axis=1)
    with np.errstate(over="ignore"):
        scaled = target / size
    if not np.isfinite(scaled).all():
        raise ParamsError("value is beyond a double beside the rows of the hypothesis.")
    return matrix / size[:, np.newaxis], scaled


def square_distance(gap: np.ndarray, spread: np.ndarray, beyond: int = 0) -> float | None:
    """Return ``gap' spread⁻¹ gap``; infinite beyond a double, None if spread is singular.

    Less what its first entries give alone, if some number of them is to be held.
    """
    scale = np.sqrt(np.maximum(np.diag(spread), 0.0))
    if not scale.all():
        return None
    lower = factor_positive(spread / scale / scale[:, np.newaxis])
    if lower is None or np.diag(lower).min() < SMALLEST_PIVOT:
        return None
    with np.errstate(over="ignore"):
        return float(np.sum(solve_triangular(lower, gap / scale, lower=True)[beyond:] ** 2))


def whiten_matrix(matrix: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return ``L⁻¹ M L⁻ᵀ``: a covariance M on the scale of another one, ``L L'``."""
    half = solve_triangular(lower, matrix, lower=True)
    whole = solve_triangular(lower, half.T, lower=True)
    return np.asarray(whole + whole.T) / 2


def whitened_distance(gap: np.ndarray, spread: np.ndarray, lower: np.ndarray) -> tuple[float, int]:
    """Return ``gap' spread⁺ gap`` and the rank of spread, both on the scale of ``L L'``.

    Combinations whose variance is below 1e-10 of theirs on that scale are left out.
    """
    sizes, vectors = np.linalg.eigh(whiten_matrix(spread, lower))
    told = sizes > RANK_TOLERANCE
    inside = vectors.T @ solve_triangular(lower, gap, lower=True)
    return float((inside[told] ** 2 / sizes[told]).sum()), int(told.sum())


def lr_test(
    larger: FitRecord, smaller: FitRecord, name: str = "Likelihood-ratio test"
) -> TestResult:
    r"""Test a smaller model against a larger one by their log-likelihoods.

    ``2 (llf - llf_smaller)`` is chi-squared with the difference in parameters as
    degrees of freedom (Wilks 1938). That the models are fitted to the same rows,
    that every column of the smaller is a combination of the larger's, and that the smaller is
    held to every constraint of the larger, is checked. With sampling weights, bias reduction or
    active bounds the result is NaN, and says why.

    Parameters
    ----------
    larger, smaller : FitRecord
    name : str
        What to call the test.

    Returns
    -------
    TestResult
        Null hypothesis in words, statistic, df, p-value; or NaN and the reason.

    Raises
    ------
    NotNestedError
        If the fits differ in rows, outcome, weights or offset, or are not nested.
    RowsNotHeldError
        If rows are read in pieces, and what has to be compared takes all of them in memory.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> larger = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> larger.lr_test(ml.mnlogit("vote ~ age", anes).fit()).df
    1
    """
    larger, smaller = hold_both(larger, smaller)
    _check_same_rows(larger, smaller)
    df = larger.size - smaller.size
    reason = _refuse_nesting(larger, smaller, df)
    if reason:
        raise NotNestedError(f"The second model is not nested in the first: {reason}.")
    null = _state_nesting(larger.encoding.names, smaller.encoding.names)
    if smaller.restriction is not None:
        null = f"the smaller model holds, with {state_constraints(smaller)}"
    reason = find_reason(larger) or find_reason(smaller)
    if not reason and (larger.at_bounds or smaller.at_bounds):
        reason = BOUND_REASON
    if reason:
        return refuse_test(name, null, df, reason)
    if not all(fit.maximum.converged or fit.separation.found for fit in (larger, smaller)):
        return refuse_test(name, null, df, "a fit has not converged")
    return make_test(name, null, 2 * (larger.sums.loglike - smaller.sums.loglike), df)


def _state_nesting(larger: tuple, smaller: tuple) -> str:
    if set(smaller) <= set(larger):
        dropped = ", ".join(str(name) for name in larger if name not in smaller)
        have = "has" if len(larger) - len(smaller) == 1 else "have"
        return f"the smaller model holds: {dropped} {have} no effect"
    return f"the smaller model holds: its columns ({', '.join(map(str, smaller))}) are enough"


def _check_same_rows(larger: FitRecord, smaller: FitRecord) -> None:
    one, two = larger.need_blocks().design, smaller.need_blocks().design
    if is_streamed(larger) or is_streamed(smaller):
        check_same_table(larger, smaller)
        return
    if not larger.index.equals(smaller.index):
        raise NotNestedError(
            "The two models differ in the index of the rows used: they must be fitted to the same "
            f"rows ({larger.audit.rows_used} and {smaller.audit.rows_used} rows used)."
        )
    pairs = {
        "categories": (one.outcome.categories, two.outcome.categories),
        "outcome": (one.outcome.codes, two.outcome.codes),
        "outcome counts": (one.outcome.table, two.outcome.table),
        "weights": (one.weights, two.weights),
        "weight types": (one.weight_type, two.weight_type),
        "offset": (one.offset, two.offset),
    }
    for what, (left, right) in pairs.items():
        if not _equal(left, right):
            raise NotNestedError(
                f"The two models differ in their {what}: they must be fitted to the same rows "
                f"({larger.audit.rows_used} and {smaller.audit.rows_used} rows used)."
            )


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.shape == right.shape and bool((left == right).all())
    return type(left) is type(right) and bool(left == right)


def _refuse_nesting(larger: FitRecord, smaller: FitRecord, df: int) -> str:
    """Say why one model is not nested in another; nothing if it is."""
    r = _factor_jointly(larger, smaller)
    outside = _find_outside(larger, smaller, r)
    if outside:
        return f"columns {outside} are not in the larger"
    columns = map_columns(larger, smaller, r)
    unmet = find_unmet(larger, smaller, columns)
    if unmet:
        return f"it is not held to {unmet}"
    broken = find_overstepped(larger, smaller, columns)
    if broken:
        return f"its estimates do not meet {broken}"
    return f"df would be {df}" if df <= 0 else ""


def _factor_jointly(larger: FitRecord, smaller: FitRecord) -> np.ndarray:
    """Return the triangular factor of the scaled columns of both designs."""
    if is_streamed(larger):
        return factor_by_names(larger, smaller)
    one, two = larger.need_blocks().design, smaller.need_blocks().design
    joined = replace(one, source=JoinedSource(one.source, two.source))
    scale = np.concatenate([larger.basis.scale, smaller.basis.scale])
    return factor_columns(RowBlocks(joined), scale)


def _find_outside(larger: FitRecord, smaller: FitRecord, r: np.ndarray) -> list:
    """Return the columns of the smaller design outside the larger's column space."""
    width = len(larger.basis.scale)
    inside = np.linalg.norm(r[:, width:-1], axis=0)
    outside = np.linalg.norm(r[width:, width:-1], axis=0)
    names = smaller.encoding.names
    return [names[i] for i in np.flatnonzero(outside > NESTING_TOLERANCE * inside)]

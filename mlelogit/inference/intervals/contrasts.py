"""Contrasts: linear combinations of coefficients, and every category against every other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.combinations import read_combinations
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.exceptions import BiasReductionError, ParamsError, SeparationWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import (
    NUMBERS,
    divide_by_errors,
    spread_columns,
    tabulate_estimates,
    tidy_coefficients,
)
from mlelogit.inference.covariance import Covariance, need_covariance, spread_rows
from mlelogit.inference.intervals.inversion import (
    METHODS,
    exponentiate_ends,
    invert_tests,
    refuse_robust,
)
from mlelogit.inference.intervals.sections import find_limit
from mlelogit.inference.rebase import MEDIAN_REASON, rebase_covariance, rebase_record
from mlelogit.inference.testing.nesting import mark_settled
from mlelogit.notices import keep_errors, warn_user


@keep_errors
def combine_coefficients(
    record: FitRecord,
    covariance: Covariance,
    combination: Any,
    alpha: float = 0.05,
    method: str = "wald",
    exponentiate: bool = False,
    disp: bool | None = None,
) -> pd.DataFrame:
    r"""Estimate linear combinations of coefficients.

    ``r'b - q`` has the variance ``r'V r`` (Greene 2018, section 5.4).

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    combination : str, tuple, list of them, or array-like
        "car: age - bus: age", as `mlelogit.data.hypotheses.combinations.read_combinations` reads
        it.
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    method : {"wald", "profile", "score"}
        Of the intervals; see `mlelogit.inference.intervals.inversion.interval_frame`. Standard
        error, z and p-value, of the hypothesis that the combination is zero, are Wald's.
    exponentiate : bool
        Whether to give ``exp(r'b - q)`` and its intervals, the standard error by the delta
        method, as `mlelogit.inference.coefficients.tidy_coefficients` does.
    disp : bool, optional
        Whether to show a progress bar; on a terminal only if not given.

    Returns
    -------
    pandas.DataFrame
        A row each, named as it is read; columns estimate, std_err, z, p_value, lower, upper.

    Raises
    ------
    ParamsError
        If a combination cannot be read, or is beyond a double.
    CovarianceError
        If the covariance was left out for its size.
    BiasReductionError
        If the bias of the median was reduced, and a combination is of several equations.
    IntervalError
        If there are no intervals by the method asked for; see
        `mlelogit.inference.intervals.inversion.interval_frame`.
    OptionError
        If alpha or the method is none.

    Warns
    -----
    SeparationWarning
        If a combination is finite, and takes coefficients that are infinite.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.lincom("10 * Dole: age").round(3).loc["10*[Dole: age]", "estimate"].item()
    0.086
    """
    check_choice("method", method, METHODS)
    asked = read_combinations(combination, record.encoding)
    need_covariance(covariance)
    _refuse_median(record, asked)
    pairs = [_estimate_row(record, covariance, row) for row in asked.matrix]
    estimate, errors = np.array(pairs).T
    fixed = mark_settled(record, asked.matrix)
    errors[fixed] = 0.0
    z = np.where(fixed, np.nan, divide_by_errors(estimate - asked.values, errors))
    _warn_of_infinite_parts(asked.words, estimate, errors, record)
    shifted, law = estimate - asked.values, covariance.df
    numbers = tabulate_estimates(shifted, errors, z, alpha, exponentiate, law)
    if method != "wald":
        refuse_robust(record, covariance, method)
        ends = exponentiate_ends(invert_tests(record, asked, alpha, method, disp), exponentiate)
        numbers |= {"lower": ends[:, 0], "upper": ends[:, 1]}
    return pd.DataFrame(numbers, index=pd.Index(asked.words, name="combination"))


def _refuse_median(record: FitRecord, asked: Restriction) -> None:
    """Refuse combinations of several equations where the bias of the median was reduced."""
    if record.maximum.bias_reduction != "median":
        return
    equations = asked.matrix.reshape(len(asked), len(record.params), -1).any(axis=2).sum(axis=1)
    if equations.max(initial=0) > 1:
        said = asked.words[int(np.argmax(equations > 1))]
        raise BiasReductionError(
            f"{said} takes coefficients of several equations: "
            f"{MEDIAN_REASON}. Fit the model with another base, or use bias_reduction='mean'."
        )


def _estimate_row(
    record: FitRecord, covariance: Covariance, row: np.ndarray
) -> tuple[float, float]:
    """Return a combination and its standard error; its largest weight is taken out on the way."""
    used, size = np.flatnonzero(row), float(np.abs(row).max())
    few = row[used] / size
    variance = float(spread_rows(record, covariance, row[np.newaxis] / size)[0, 0])
    limit = find_limit(record, row / size)
    estimate = limit if limit else float(few @ record.maximum.params[used]) * size
    if not limit and not np.isfinite(estimate):
        raise ParamsError("A combination is beyond a double; take smaller weights.")
    return estimate, size * float(np.sqrt(np.maximum(variance, 0.0)))


def _warn_of_infinite_parts(
    words: tuple[str, ...], estimate: np.ndarray, errors: np.ndarray, record: FitRecord
) -> None:
    if record.separation.found:
        lost = [words[i] for i in np.flatnonzero(np.isfinite(estimate) & np.isnan(errors))]
        if lost:
            warn_user(
                f"Finite, though made of infinite coefficients, whose covariance is not known: "
                f"{'; '.join(lost)}. See the fit from another base (rebase) for standard errors, "
                "or ask for method='profile'.",
                SeparationWarning,
            )


@keep_errors
def contrast_categories(
    record: FitRecord,
    covariance: Covariance,
    alpha: float = 0.05,
    method: str = "wald",
    exponentiate: bool = False,
    disp: bool | None = None,
) -> pd.DataFrame:
    r"""Return the coefficients of every category against every other: all bases at once.

    That of a against b is ``b_a - b_b``, what a fit with base b has for a (Long and Freese 2014,
    section 8.3, list the same). Nothing is fitted anew.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    method : {"wald", "profile", "score"}
        Of the intervals; see `mlelogit.inference.intervals.inversion.interval_frame`. Standard
        error, z and p-value are Wald's.
    exponentiate : bool
        Whether to give relative risk ratios; see
        `mlelogit.inference.coefficients.tidy_coefficients`.
    disp : bool, optional
        Whether to show progress bars; on a terminal only if not given.

    Returns
    -------
    pandas.DataFrame
        Rows (category, against, name), columns estimate, std_err, z, p_value, lower, upper.

    Raises
    ------
    CovarianceError
        If the covariance was left out for its size.
    BiasReductionError
        If the bias of the median was reduced: other bases have other estimates.
    OptionError
        If alpha or the method is none.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.all_pairs().index[0]
    ('Clinton', 'Dole', 'Intercept')
    """
    check_choice("method", method, METHODS)
    need_covariance(covariance)
    if method != "wald":
        refuse_robust(record, covariance, method)
    size = len(record.encoding.categories)
    views = [_see_from(record, covariance, base) for base in range(size)]
    tables = [tidy_coefficients(*view, alpha, exponentiate)[list(NUMBERS)] for view in views]
    cube = np.full((size, size, len(record.encoding.all_names), len(NUMBERS)), np.nan)
    for base, table in enumerate(tables):
        others = np.arange(size) != base
        cube[others, base] = table.to_numpy().reshape(size - 1, -1, len(NUMBERS))
    for base, (moved, _) in enumerate(views[:-1] if method != "wald" else []):
        ends = _invert_against(moved, alpha, method, disp)
        later = slice(base + 1, None)
        cube[later, base, :, -2:] = exponentiate_ends(ends, exponentiate)
        cube[base, later, :, -2:] = exponentiate_ends(-ends[..., ::-1], exponentiate)
    return _frame_pairs(cube, record.encoding)


def _see_from(record: FitRecord, covariance: Covariance, base: int) -> tuple[FitRecord, Covariance]:
    moved = record if base == record.encoding.base else rebase_record(record, base)
    return moved, rebase_covariance(covariance, record, moved)


def _invert_against(moved: FitRecord, alpha: float, method: str, disp: bool | None) -> np.ndarray:
    """Return the ends (c, K, 2) of the intervals of the categories after the base against it."""
    encoding, width = moved.encoding, len(moved.encoding.names)
    rows = np.eye(len(moved.maximum.params))[encoding.base * width :]
    names = encoding.category_names
    words = tuple(
        f"{category} against {names[encoding.base]}: {name}"
        for category in names[encoding.base + 1 :]
        for name in encoding.names
    )
    asked = Restriction(rows, np.zeros(len(rows)), ("=",) * len(rows), words)
    ends = invert_tests(moved, asked, alpha, method, disp)
    return np.stack([spread_columns(end.reshape(-1, width), encoding) for end in ends.T], -1)


def _frame_pairs(cube: np.ndarray, encoding: Encoding) -> pd.DataFrame:
    categories, names = encoding.categories, encoding.all_names
    places = [(a, b) for a in range(len(cube)) for b in range(len(cube)) if a != b]
    labels = [(categories[a], categories[b], name) for a, b in places for name in names]
    rows = np.concatenate([cube[a, b] for a, b in places])
    index = pd.MultiIndex.from_tuples(labels, names=["category", "against", "name"])
    return pd.DataFrame(rows, index=index, columns=list(NUMBERS))

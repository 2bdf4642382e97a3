"""Tests whether two categories can be told apart, and so could be one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.linalg import null_space

from mlelogit.data.hypotheses.restrictions import Restriction, make_restriction
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.rebase import MEDIAN_REASON
from mlelogit.inference.testing.equations import apply_test, check_test, name_test
from mlelogit.inference.testing.hypothesis import frame_tests, refuse_test
from mlelogit.inference.testing.maintained import Maintained
from mlelogit.notices import track

NULL = "no column but the constant tells the two categories apart, so they could be combined"
# Without a constant in the span of the columns.
PLAIN_NULL = "no column tells the two categories apart, and they are equally likely in every row"
NOTHING = "there is no column but the constant"


def combine_tests(record: FitRecord, covariance: Covariance, kind: str = "wald") -> pd.DataFrame:
    """Test for every pair of categories that nothing but their frequency tells them apart.

    The null hypothesis is ``b_i = b_j`` in all columns but the constant, which leaves the
    log-odds of i against j the same in every row (Anderson 1984, "indistinguishable"
    categories; Long and Freese 2014, chapter 8). Under it the likelihood is that of the model
    with the two merged, plus ``N_i log(N_i / (N_i + N_j)) + N_j log(N_j / (N_i + N_j))``
    (Cramer and Ridder 1991), and the likelihood-ratio test, kind="lr", is theirs. Which
    category is the base does not matter. One test a pair: think of `adjust_pvalues`.

    Where no combination of the columns is constant the hypothesis is ``b_i = b_j`` in all of
    them: then the two are equally likely in every row, which is more than that they could be
    combined, and ``attrs["null"]`` says so.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        Enters Wald and score tests.
    kind : {"wald", "lr", "score"}

    Returns
    -------
    pandas.DataFrame
        Index (category, other), every pair in the order of the categories, the base among
        them; columns statistic, df, p_value, and reason if any test does not apply. ``attrs``
        holds test and null in words.

    Raises
    ------
    OptionError
        If the kind is unknown.

    Warns
    -----
    UnusedCovarianceWarning
        If kind is "lr" and a robust covariance is in use, which does not enter.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.combine_tests()["df"].to_list()
    [2]
    """
    check_test(kind, record, covariance)
    categories, slopes = record.encoding.categories, _list_slopes(record)
    null = PLAIN_NULL if record.basis.constant is None else NULL
    pairs = list(combinations(range(len(categories)), 2))
    maintained, tests = Maintained(record), {}
    for first, second in track(pairs, "Pairs of categories"):
        label = (categories[first], categories[second])
        asked = _equate(record, first, second, slopes)
        reason = _find_reason(record, first, second) if len(slopes) else NOTHING
        if reason:
            name = name_test(kind, record, covariance)
            tests[label] = refuse_test(name, null, len(asked), reason)
        else:
            tests[label] = apply_test(kind, maintained, covariance, asked, null)
    return frame_tests(tests, ["category", "other"], null)


def _find_reason(record: FitRecord, first: int, second: int) -> str:
    """Say why a pair has no test: median bias reduction is made for those with the base."""
    median = record.maximum.bias_reduction == "median"
    return MEDIAN_REASON if median and record.encoding.base not in (first, second) else ""


def _list_slopes(record: FitRecord) -> np.ndarray:
    """Return the combinations (q, K) of a column's coefficients that are zero for a constant."""
    basis = record.basis
    units = np.eye(len(basis.scale))
    if basis.intercept is not None:
        return np.delete(units, basis.intercept, axis=0)
    if basis.constant is not None:
        inside = null_space(basis.constant[np.newaxis]).T
        return np.asarray(inside @ basis.enter_params(units).T)
    return units


def _equate(record: FitRecord, first: int, second: int, slopes: np.ndarray) -> Restriction:
    full = np.zeros(len(record.encoding.categories))
    full[first], full[second] = 1.0, -1.0
    matrix = np.kron(np.delete(full, record.encoding.base)[np.newaxis], slopes)
    return make_restriction(matrix, np.zeros(len(matrix)), record.encoding)

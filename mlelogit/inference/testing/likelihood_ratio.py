"""Likelihood-ratio tests of equations about the coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.fit_statistics import BOUND_REASON, find_reason
from mlelogit.inference.testing.hypothesis import TestResult, make_test, read_equations, refuse_test
from mlelogit.inference.testing.maintained import UNFORMED, Maintained


def lr_test_hypothesis(
    record: FitRecord, covariance: Covariance, hypothesis: Any, value: Any = None
) -> TestResult:
    r"""Test linear hypotheses ``R b = q`` by the log-likelihoods with and without them.

    ``2 (llf - llf_restricted)`` is chi-squared with as many degrees of freedom as R has rows
    (Wilks 1938; Greene 2018, section 14.6.1); the model is climbed anew under the equations.
    It supposes the likelihood right: a robust covariance does not enter, and the name of the
    test says so. With sampling weights or bias reduction the result is NaN, and says why.
    On separated data the log-likelihoods are suprema, where they can be found. Inside a fit
    that is held to equations, what they do not settle is tested; where estimates
    stand at bounds, or would break them under the hypothesis, the result is NaN.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        The one in use, for that name.
    hypothesis, value
        As in `mlelogit.inference.testing.hypothesis.wald_test`.

    Returns
    -------
    TestResult
        Null hypothesis in words, statistic, df, p-value; or NaN and the reason.

    Raises
    ------
    ParamsError
        If a name is unknown, a shape wrong, or rows depend on each other or contradict.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> test = res.lr_test("age = 0")
    >>> abs(test.statistic - res.llr) < 1e-8
    True
    """
    maintained = Maintained(record)
    asked = read_equations(hypothesis, record.encoding, value)
    news = maintained.sort_news(asked, at_bounds=BOUND_REASON)
    if news.reason:
        return refuse_test(name_lr(covariance), news.null, len(news.asked), news.reason)
    return apply_lr(maintained, covariance, news.asked, news.null)


@single_threaded_blas
def apply_lr(
    maintained: Maintained, covariance: Covariance, asked: Restriction, null: str = ""
) -> TestResult:
    """Test equations inside a maintained model; see `lr_test_hypothesis`."""
    record, said = maintained.record, null or asked.said
    name = name_lr(covariance)
    reason = find_reason(record) or (BOUND_REASON if record.at_bounds else "")
    if not reason and record.sums.information is None:
        reason = UNFORMED
    if reason:
        return refuse_test(name, said, len(asked), reason)
    highest, reason = maintained.supremum
    restricted, why = (np.nan, "") if reason else maintained.restrict_loglike(asked)
    if reason or why:
        return refuse_test(name, said, len(asked), reason or why)
    # Where the equations hold at the maximum, the two differ by rounding.
    return make_test(name, said, max(2 * (highest - restricted), 0.0), len(asked))


def name_lr(covariance: Covariance) -> str:
    """Name the test, and say so if a covariance in use does not enter it."""
    if covariance.kind == "nonrobust":
        return "Likelihood-ratio test"
    return f"Likelihood-ratio test (of the likelihood; the {covariance.kind} covariance is unused)"

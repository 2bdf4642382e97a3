"""Tests of equations by name, the columns they are about, and equality of all equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.hypotheses.restrictions import Restriction, make_restriction
from mlelogit.exceptions import UnusedCovarianceWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, rests_on_model
from mlelogit.inference.fit_statistics import BOUND_REASON, SCORE_BOUND_REASON
from mlelogit.inference.testing.hypothesis import (
    TestResult,
    apply_wald,
    frame_tests,
    name_wald,
    refuse_test,
)
from mlelogit.inference.testing.likelihood_ratio import apply_lr, name_lr
from mlelogit.inference.testing.maintained import Maintained
from mlelogit.inference.testing.score import apply_score, choose_request, name_score
from mlelogit.notices import track, warn_user

TESTS = ("lr", "wald", "score")
AT_BOUNDS = {"lr": BOUND_REASON, "score": SCORE_BOUND_REASON}
LEFT_OUT = "all its columns were left out, as combinations of others"
TWO_CATEGORIES = "there is one equation only, so that nothing can be equal"


def apply_test(
    kind: str, maintained: Maintained, covariance: Covariance, asked: Restriction, null: str
) -> TestResult:
    """Test equations inside a maintained model by one of `TESTS`.

    Those that follow from what the fit was held to are no news, and take no degree of freedom.
    """
    news = maintained.sort_news(asked, null, AT_BOUNDS.get(kind, ""))
    if news.reason:
        return refuse_test(
            name_test(kind, maintained.record, covariance), null, len(news.asked), news.reason
        )
    asked = news.asked
    if kind == "lr":
        return apply_lr(maintained, covariance, asked, null)
    if kind == "score":
        request = choose_request(maintained.record, covariance, None)
        return apply_score(maintained, request, asked, null)
    return apply_wald(maintained.record, covariance, asked, null, maintained.held)


def check_test(kind: str, record: FitRecord, covariance: Covariance) -> None:
    """Raise if a kind of test is unknown; warn if the covariance in use does not enter it."""
    check_choice("kind", kind, TESTS)
    if kind == "lr" and not rests_on_model(record, covariance):
        warn_user(
            f"Likelihood-ratio tests suppose the likelihood right: the {covariance.kind} "
            "covariance is unused. kind='wald' and kind='score' use it.",
            UnusedCovarianceWarning,
        )


def name_test(kind: str, record: FitRecord, covariance: Covariance) -> str:
    """Name one of `TESTS`."""
    if kind == "lr":
        return name_lr(covariance)
    return name_wald(record, covariance) if kind == "wald" else name_score(covariance.kind)


def list_tested_columns(record: FitRecord) -> dict[Any, list[int]]:
    """List the terms of a formula, or the columns of an array, without the constant column."""
    encoding = record.encoding
    if encoding.terms is None:
        listed = {name: [i] for i, name in enumerate(encoding.names)}
    else:
        listed = {term: list(range(*at)) for term, at in encoding.terms.items()}
    constant = [record.basis.intercept]
    return {label: columns for label, columns in listed.items() if columns != constant}


def restrict_columns(record: FitRecord, columns: list[int], contrasts: np.ndarray) -> Restriction:
    """Return that combinations (q, J - 1) of the equations are zero, in each of some columns."""
    units = np.eye(len(record.encoding.names))[columns]
    matrix = np.kron(contrasts, units)
    return make_restriction(matrix, np.zeros(len(matrix)), record.encoding)


def equality_tests(record: FitRecord, covariance: Covariance, kind: str = "wald") -> pd.DataFrame:
    """Test for every term that its coefficients are the same in all J - 1 equations.

    The null hypothesis is ``b_1 = b_2 = ...`` over the categories other than the base, as
    Stata's ``test [a=b=c]: x``; (J - 2) degrees of freedom a column. The base has coefficients
    of zero and is not among them, so that **another base asks another question**: whether all
    other categories differ from that one by the same odds ratio.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    kind : {"wald", "lr", "score"}

    Returns
    -------
    pandas.DataFrame
        Index term (of a formula; a column of arrays), without the constant; columns statistic,
        df, p_value, and reason if any test does not apply.

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
    >>> res = ml.mnlogit("PID ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.equality_tests()["df"].to_dict()
    {'age': 5, 'educ': 5}
    """
    check_test(kind, record, covariance)
    terms, others = list_tested_columns(record), record.encoding.others
    base = record.encoding.base_category
    null = (
        f"a term's coefficients against {base} are the same for all other categories "
        f"({', '.join(record.encoding.category_names)} without it); another base asks another "
        "question"
    )
    contrasts = np.eye(len(others))[1:] - np.eye(len(others))[0]
    maintained, tests = Maintained(record), {}
    for term, columns in track(terms.items(), "Terms"):
        reason = LEFT_OUT if not columns else "" if len(contrasts) else TWO_CATEGORIES
        if reason:
            tests[term] = refuse_test(name_test(kind, record, covariance), null, 0, reason)
        else:
            asked = restrict_columns(record, columns, contrasts)
            tests[term] = apply_test(kind, maintained, covariance, asked, null)
    return frame_tests(tests, ["term"], null)

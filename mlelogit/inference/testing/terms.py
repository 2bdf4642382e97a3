"""Tests of whole terms: what a formula's terms, or an array's columns, contribute."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.formulas import list_terms
from mlelogit.exceptions import OptionError, ParamsError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.testing.equations import (
    LEFT_OUT,
    apply_test,
    check_test,
    list_tested_columns,
    name_test,
    restrict_columns,
)
from mlelogit.inference.testing.hypothesis import frame_tests, refuse_test
from mlelogit.inference.testing.maintained import Maintained
from mlelogit.notices import track

CODED = re.compile(r"C\(([^,()]+|`[^`]*`)[,)]")
NULLS = {
    2: "the term has no effect, in the model without the terms that contain it",
    3: "the term's coefficients are zero, in the model with all other terms",
}


def term_tests(
    record: FitRecord,
    covariance: Covariance,
    kind: str = "lr",
    type: int = 2,  # noqa: A002
) -> pd.DataFrame:
    """Test every term: all of its coefficients, in every equation.

    Type III: they are zero while all other terms stay. Where a term is part of an interaction
    this depends on its contrasts and on where the zero of the other variables lies. Type II
    respects marginality: a term is tested in the model without the terms that contain it
    (``a:b`` contains ``a``), whose effects are taken to be absent (Fox and Weisberg 2019;
    as ``car::Anova``). By likelihood ratio both models are climbed. By Wald the
    full fit alone is used, and the hypothesis is the combinations of the coefficients of the
    term and of those that contain it which are uncorrelated with the latter. A term contains
    another if it is the product of its factors, as they are written, and more; ``C(a)`` of a
    categorical a is a.

    Columns that were left out as combinations of others have no coefficients; the tests are
    of what is left, and a term with no column left has no test.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        Enters Wald and score tests.
    kind : {"lr", "wald", "score"}
    type : {2, 3}

    Returns
    -------
    pandas.DataFrame
        Index term (of a formula; a column of arrays), without the constant; columns statistic,
        df, p_value, and reason if any test does not apply. ``attrs`` holds test and null in
        words.

    Raises
    ------
    OptionError
        If kind or type is unknown.
    DataNotKeptError
        If the fit no longer holds its rows, which LR and score tests need.

    Warns
    -----
    UnusedCovarianceWarning
        If kind is "lr" and a robust covariance is in use, which does not enter.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age * educ", ml.datasets.load_anes96()).fit()
    >>> res.term_tests(kind="wald", type=3)["df"].to_dict()
    {'age': 1, 'educ': 1, 'age:educ': 1}
    """
    check_test(kind, record, covariance)
    null = NULLS[_check_type(type)]
    terms = list_tested_columns(record)
    above = _find_containing(record.encoding, terms) if type == 2 else {}
    models: dict[tuple, Maintained] = {(): Maintained(record)}
    tests = {}
    for term, columns in track(terms.items(), "Terms"):
        if not columns:
            tests[term] = refuse_test(name_test(kind, record, covariance), null, 0, LEFT_OUT)
            continue
        asked = restrict_columns(record, columns, np.eye(len(record.params)))
        held = tuple(above.get(term, ()))
        try:
            models[held] = models.get(held) or _hold_at_zero(models[()], held)
        except ParamsError as error:
            reason = str(error).rstrip(".")
            tests[term] = refuse_test(name_test(kind, record, covariance), null, len(asked), reason)
        else:
            tests[term] = apply_test(kind, models[held], covariance, asked, null)
    return frame_tests(tests, ["term"], null)


def _check_type(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given not in NULLS:
        raise OptionError(f"type must be 2 or 3, not {write_value(given)}.")
    return int(given)


def _hold_at_zero(whole: Maintained, columns: tuple[int, ...]) -> Maintained:
    record = whole.record
    zero = restrict_columns(record, list(columns), np.eye(len(record.params)))
    return Maintained(record, whole.find_news(zero) or None)


def _find_containing(encoding: Encoding, terms: dict[Any, list[int]]) -> dict[Any, list[int]]:
    """Return, for every term, the columns of the terms that contain it."""
    if encoding.rhs is None:
        return {}
    kinds = encoding.kinds or {}
    factors = {
        term: frozenset(_name_variable(factor, kinds) for factor in product)
        for term, product in list_terms(encoding.rhs).items()
    }
    return {
        term: [
            column
            for other, columns in terms.items()
            if factors[other] > factors[term]
            for column in columns
        ]
        for term in terms
    }


def _name_variable(factor: str, kinds: dict[str, str]) -> str:
    """Return the categorical variable that ``C(...)`` codes, which is a factor without it too."""
    coded = CODED.match(factor)
    name = coded.group(1).strip().strip("`") if coded else factor
    return name if kinds.get(name) == "category" else factor

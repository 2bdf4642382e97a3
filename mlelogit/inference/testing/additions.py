"""Score tests of columns that a model does not have, without fitting one that does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design
from mlelogit.data.frames import (
    check_finite,
    check_lengths,
    check_missing,
    check_unique_names,
    convert_foreign,
    find_missing,
)
from mlelogit.data.sources import JoinedSource, read_columns
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import MisalignedIndexError
from mlelogit.fitting.basis import find_basis, make_objective
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.testing.equations import restrict_columns
from mlelogit.inference.testing.hypothesis import TestResult, refuse_test
from mlelogit.inference.testing.maintained import NOT_CONVERGED
from mlelogit.inference.testing.score import (
    SINGULAR,
    choose_request,
    find_score_reason,
    judge_score,
    name_score,
)


@single_threaded_blas
def score_test_added(
    record: FitRecord, covariance: Covariance, exog_extra: Any, cov_type: str | None = None
) -> TestResult:
    """Test columns that are not in the model by the score of the model that has them too.

    With zeros for their coefficients the fit is the estimate under the null hypothesis, so
    nothing is climbed: `mlelogit.inference.testing.score.score_test` gives formula and source.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        The one in use.
    exog_extra : array-like or DataFrame
        (n, m), or (n,): a row for every row used in the fit, in their order. A pandas object
        has their index.
    cov_type : str, optional
        Another kind of covariance than the one in use.

    Returns
    -------
    TestResult
        Null hypothesis in words, statistic, df, p-value; or NaN and the reason.

    Raises
    ------
    LengthMismatchError, MisalignedIndexError
        If the rows are not those of the fit.
    MissingDataError, InfiniteValueError, ColumnTypeError, DuplicateColumnError
        If something is wrong with the columns.
    RankDeficiencyError
        If they are combinations of others.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age", anes).fit()
    >>> added = res.score_test(exog_extra=anes["educ"])
    >>> larger = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> abs(added.statistic - larger.score_test("educ").statistic) < 1e-6
    True
    """
    record = record.in_memory()
    request = choose_request(record, covariance, cov_type)
    design, extra = _add_columns(record, exog_extra)
    null = f"the columns added have no effect: {', '.join(map(str, extra))}"
    name, df = name_score(request.kind), len(extra) * len(record.params)
    reason = find_score_reason(record, request.kind) or _find_reason(record)
    if reason:
        return refuse_test(name, null, df, reason)
    there = _stand_beside(record, design)
    if there.maximum.inverse is None:
        return refuse_test(name, null, df, SINGULAR)
    width = len(design.encoding.names)
    added = list(range(width - len(extra), width))
    asked = restrict_columns(there, added, np.eye(len(record.params)))
    return judge_score(there, None, request, asked, null)


def _find_reason(record: FitRecord) -> str:
    if record.separation.found:
        return "the data are separated, so the fit is no estimate under the null hypothesis"
    if record.restriction is not None:
        return "the fit was held to equations; fit the larger model under them, and test that"
    return "" if record.maximum.converged else NOT_CONVERGED


def _add_columns(record: FitRecord, exog_extra: Any) -> tuple[Design, tuple]:
    """Return the design with more columns, and their names."""
    design = record.need_blocks().design
    given = convert_foreign(exog_extra)
    if isinstance(given, pd.DataFrame | pd.Series) and not given.index.equals(record.index):
        raise MisalignedIndexError(
            "exog_extra has another index than the rows used in the fit; give those rows, in "
            "their order, such as frame.loc[results.fittedvalues.index]."
        )
    named = isinstance(given, pd.DataFrame | pd.Series) or hasattr(given, "tocsr")
    given = given if named else _as_columns(given)
    extra, odd, source = read_columns(given)
    check_lengths({"the rows used": len(record.index), "exog_extra": source.shape[0]})
    check_missing([(name, find_missing(column)) for name, column in odd.items()], " in exog_extra")
    check_finite(dict(odd), " of exog_extra")
    if not isinstance(given, pd.DataFrame | pd.Series):
        extra = tuple(f"extra {i + 1}" for i in range(len(extra)))
    names = (*record.encoding.names, *extra)
    check_unique_names(list(names), "The model with exog_extra")
    encoding = replace(record.encoding, names=names, columns=(), omitted={}, terms=None)
    return replace(design, source=JoinedSource(design.source, source), encoding=encoding), tuple(
        extra
    )


def _as_columns(given: Any) -> Any:
    array = np.asarray(given)
    return array[:, np.newaxis] if array.ndim == 1 else given


def _stand_beside(record: FitRecord, design: Design) -> FitRecord:
    """Return the record of the larger model as if its climb had ended at this fit."""
    names, shape = design.encoding.names, record.params.shape
    blocks = RowBlocks(design, threads=record.need_blocks().threads)
    basis = find_basis(blocks, names)
    params = np.pad(record.params, ((0, 0), (0, len(names) - shape[1])))
    objective = make_objective(blocks, record.encoding.base, basis)
    sums = objective.evaluate(basis.enter_params(params).ravel(), 2)
    factor = factor_positive(np.asarray(sums.information))
    inverse = None if factor is None else invert_positive(factor)
    maximum = replace(record.maximum, params=params.ravel(), sums=sums, inverse=inverse)
    return replace(record, encoding=design.encoding, blocks=blocks, basis=basis, maximum=maximum)

"""Score tests: what the slope of the log-likelihood says where the null hypothesis holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlelogit.data.restrictions import Restriction
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import CovarianceError
from mlelogit.fitting.certificate import certify
from mlelogit.fitting.limit import CERTIFIED
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.maximum import Status
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.restriction import FreeSpace, RestrictedFit, invert_along
from mlelogit.inference.covariance import (
    Covariance,
    check_covariance,
    estimate_covariance,
    sum_meats,
)
from mlelogit.inference.hypothesis import (
    TestResult,
    make_test,
    read_equations,
    refuse_test,
    square_distance,
    whitened_distance,
)
from mlelogit.inference.maintained import UNFORMED, UNKNOWN, Maintained

BIAS_REASON = "score tests are of the maximum of the likelihood, and this fit reduced its bias"
PSEUDO_REASON = (
    "with sampling weights the information is not the covariance of the score; use "
    "cov_type='robust'"
)
SINGULAR = "the covariance of the score is singular under the null hypothesis"


def score_test(
    record: FitRecord,
    covariance: Covariance,
    hypothesis: Any,
    value: Any = None,
    cov_type: str | None = None,
) -> TestResult:
    r"""Test linear hypotheses ``R b = q`` by the score at the estimates under them.

    With score s, information I and meat M there, ``s' I⁻¹ s`` is chi-squared with as many
    degrees of freedom as R has rows (Rao 1948). Where the covariance is robust it is
    ``(R I⁻¹ s)' (R V R')⁻¹ R I⁻¹ s`` with ``V = I⁻¹ M I⁻¹`` and its correction (White 1982,
    theorem 3.5; Boos 1992), the same for M = I; with "opg", ``s' M⁻¹ s``. It needs
    no maximum without the hypothesis, so it applies where separated data have none.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        The one in use.
    hypothesis, value
        As in `mlelogit.inference.hypothesis.wald_test`.
    cov_type : str, optional
        Another kind of covariance than the one in use.

    Raises
    ------
    ParamsError
        If a name is unknown, a shape wrong, or rows depend on each other or contradict.
    OptionError
        If cov_type is unknown.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.score_test("age = 0").df
    1
    """
    asked = read_equations(hypothesis, record.encoding, value)
    kind = cov_type if check_covariance(cov_type, None) else covariance.kind
    return apply_score(Maintained(record), str(kind), asked)


@single_threaded_blas
def apply_score(
    maintained: Maintained, kind: str, asked: Restriction, null: str = ""
) -> TestResult:
    """Test equations inside a maintained model; see `score_test`."""
    record, said = maintained.record, null or asked.said
    name = f"Score test ({kind} covariance)"
    reason = find_score_reason(record, kind)
    if reason:
        return refuse_test(name, said, len(asked), reason)
    fit = maintained.restrict(asked)
    if not fit.converged:
        return refuse_test(name, said, len(asked), UNKNOWN)
    there = stand_at(maintained, fit)
    if there.maximum.inverse is None:
        return refuse_test(name, said, len(asked), SINGULAR)
    try:
        statistic = measure_score(there, maintained.space, kind, asked)
    except CovarianceError as error:
        return refuse_test(name, said, len(asked), str(error).rstrip("."))
    if statistic is None:
        return refuse_test(name, said, len(asked), SINGULAR)
    return make_test(name, said, statistic, len(asked))


def measure_score(
    there: FitRecord, space: FreeSpace | None, kind: str, asked: Restriction
) -> float | None:
    """Return the statistic where the null hypothesis holds; None if it is not defined."""
    score, basis = np.asarray(there.sums.score), there.basis
    if kind == "opg":
        free = np.eye(len(score)) if space is None else space.directions
        lower = factor_positive(free.T @ np.asarray(there.sums.information) @ free)
        meat = free.T @ sum_meats(there) @ free
        if lower is None:
            return None
        statistic, rank = whitened_distance(free.T @ score, meat, lower)
        return statistic if rank == len(lower) else None
    step = basis.leave_params((there.maximum.inverse @ score).reshape(there.params.shape)).ravel()
    rows = asked.matrix / np.abs(asked.matrix).max(axis=1)[:, np.newaxis]
    matrix = estimate_covariance(there, kind).matrix
    return square_distance(rows @ step, rows @ matrix @ rows.T)


def find_score_reason(record: FitRecord, kind: str) -> str:
    """Say why a score test does not apply to a fit; nothing if it does."""
    if record.maximum.bias_reduction is not None:
        return BIAS_REASON
    if record.weight_type == "sampling" and kind == "nonrobust":
        return PSEUDO_REASON
    return UNFORMED if record.sums.information is None else ""


def stand_at(maintained: Maintained, fit: RestrictedFit) -> FitRecord:
    """Return the record as if its climb had ended where the null hypothesis holds.

    Every covariance of the fit can then be estimated there, with all of the maintained model's
    params free. Its `maximum.inverse` is None if the information is singular.
    """
    record, information = maintained.record, np.asarray(fit.sums.information)
    if maintained.space is None:
        factor = factor_positive(information)
        inverse = None if factor is None else invert_positive(factor)
    else:
        inverse = invert_along(information, maintained.space)
        inverse = inverse if np.isfinite(inverse).all() else None
    moved = replace(
        record.maximum,
        params=fit.params,
        sums=fit.sums,
        inverse=inverse,
        status=Status.CONVERGED,
        certificate=certify(0.0, 0.0, record.request.tolerance),
    )
    return replace(record, maximum=moved, separation=CERTIFIED, restriction=maintained.restriction)

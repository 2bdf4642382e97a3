"""Score tests: what the slope of the log-likelihood says where the null hypothesis holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import CovarianceError
from mlelogit.fitting.certificate import certify
from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.constrained.restriction import RestrictedFit, invert_along
from mlelogit.fitting.limit import CERTIFIED
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.maximum import Status
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace
from mlelogit.inference.covariance import (
    Covariance,
    estimate_covariance,
    spread_rows,
    sum_meats,
)
from mlelogit.inference.fit_statistics import SCORE_BOUND_REASON
from mlelogit.inference.sandwich.requests import COVARIANCES, CovarianceRequest, read_request
from mlelogit.inference.testing.hypothesis import (
    TestResult,
    make_wald,
    read_equations,
    refuse_test,
    square_distance,
    tell_few,
    turn_rows,
    whitened_distance,
)
from mlelogit.inference.testing.maintained import UNFORMED, UNKNOWN, Maintained
from mlelogit.notices import run_quietly

SCORE_BIAS_REASON = (
    "score tests are of the maximum of the likelihood, and this fit reduced its bias"
)
SCORE_PSEUDO_REASON = (
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
        As in `mlelogit.inference.testing.hypothesis.wald_test`.
    cov_type : str, optional
        Another kind of covariance than the one in use, which is formed under the null
        hypothesis with its groups and its correction.

    Returns
    -------
    TestResult
        Null hypothesis in words, statistic, df, p-value; or NaN and the reason.

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
    maintained, request = Maintained(record), choose_request(record, covariance, cov_type)
    asked = read_equations(hypothesis, record.encoding, value)
    news = maintained.sort_news(asked, at_bounds=SCORE_BOUND_REASON)
    if news.reason:
        return refuse_test(name_score(request.kind), news.null, len(news.asked), news.reason)
    return apply_score(maintained, request, news.asked, news.null)


def choose_request(
    record: FitRecord, covariance: Covariance, cov_type: str | None
) -> CovarianceRequest:
    """Return the covariance to estimate where the null hypothesis holds."""
    if cov_type is None:
        return covariance.request or CovarianceRequest(covariance.kind)
    return read_request(cov_type, None, lambda: record.need_blocks().design)


@single_threaded_blas
def apply_score(
    maintained: Maintained, request: CovarianceRequest, asked: Restriction, null: str = ""
) -> TestResult:
    """Test equations inside a maintained model; see `score_test`."""
    record, said = maintained.record, null or asked.said
    name = name_score(request.kind)
    reason = find_score_reason(record, request.kind)
    if reason:
        return refuse_test(name, said, len(asked), reason)
    fit = maintained.restrict(asked)
    reason = maintained.find_bound_reason(fit) if fit.converged else UNKNOWN
    if reason:
        return refuse_test(name, said, len(asked), reason)
    there = stand_at(maintained, fit)
    if there.maximum.inverse is None:
        return refuse_test(name, said, len(asked), SINGULAR)
    return judge_score(there, maintained.space, request, asked, said)


def judge_score(
    there: FitRecord,
    space: FreeSpace | None,
    request: CovarianceRequest,
    asked: Restriction,
    said: str,
) -> TestResult:
    """Test equations where the null hypothesis holds."""
    name = name_score(request.kind)
    try:
        statistic, formed = measure_score(there, space, request, asked)
    except CovarianceError as error:
        return refuse_test(name, said, len(asked), str(error).rstrip("."))
    if formed is not None and len(asked) > formed.most:
        return refuse_test(name, said, len(asked), tell_few(len(asked), formed))
    if statistic is None:
        return refuse_test(name, said, len(asked), SINGULAR)
    return make_wald(name, said, statistic, len(asked), np.inf if formed is None else formed.df)


def measure_score(
    there: FitRecord, space: FreeSpace | None, request: CovarianceRequest, asked: Restriction
) -> tuple[float | None, Covariance | None]:
    """Return the statistic where the null hypothesis holds, None if undefined; and the covariance.

    That of "opg" is not formed.
    """
    score = np.asarray(there.sums.score)
    if request.kind == "opg":
        free = np.eye(len(score)) if space is None else space.directions
        lower = factor_positive(free.T @ np.asarray(there.sums.information) @ free)
        meat = free.T @ sum_meats(there) @ free
        if lower is None:
            return None, None
        statistic, rank = whitened_distance(free.T @ score, meat, lower)
        return statistic if rank == len(lower) else None, None
    rows = asked.matrix / np.abs(asked.matrix).max(axis=1)[:, np.newaxis]
    step = enter_rows(rows, there.moves, there.basis) @ (there.maximum.inverse @ score)
    # What groups give cause to warn of has been told of the covariance in use.
    told = request.settings is not None
    formed: Covariance = (
        run_quietly(estimate_covariance, there, request)
        if told
        else (estimate_covariance(there, request))
    )
    turned, _ = turn_rows(there, formed, rows)
    if turned is None:
        return square_distance(step, spread_rows(there, formed, rows)), formed
    spread = turned @ np.asarray(formed.inner) @ turned.T
    return square_distance(turned @ (there.maximum.inverse @ score), spread), formed


def name_score(kind: str) -> str:
    """Name the test by its covariance."""
    return f"Score test ({kind} covariance)"


def find_score_reason(record: FitRecord, kind: str) -> str:
    """Say why a score test does not apply to a fit; nothing if it does."""
    if kind not in COVARIANCES:
        return f"a {kind} covariance is not formed under the null hypothesis; give cov_type="
    if record.maximum.bias_reduction is not None:
        return SCORE_BIAS_REASON
    if record.at_bounds:
        return SCORE_BOUND_REASON
    if record.weight_type == "sampling" and kind == "nonrobust":
        return SCORE_PSEUDO_REASON
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

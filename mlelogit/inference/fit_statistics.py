"""Log-likelihoods, degrees of freedom and information criteria of a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from mlelogit.fitting.record import FitRecord

PSEUDO_REASON = (
    "with sampling weights the log-likelihood is a pseudo-likelihood: likelihood-ratio tests "
    "and information criteria do not apply"
)
BIAS_REASON = (
    "bias-reduced estimates do not maximize the log-likelihood, so likelihood-ratio tests do not "
    "apply"
)
BOUND_REASON = (
    "estimates stand at bounds, where likelihood-ratio statistics are mixtures of chi-squares "
    "(chi-bar-squared), not chi-squared"
)
SCORE_BOUND_REASON = (
    "estimates stand at bounds, where score statistics are mixtures of chi-squares "
    "(chi-bar-squared), not chi-squared"
)
WALD_BOUND_REASON = (
    "estimates stand at bounds, so that the Wald statistic of all constraints is a mixture of "
    "chi-squares (chi-bar-squared), not chi-squared"
)
OUTSIDE_REASON = "the null model does not meet the constraints, so it is not nested in this one"
NULL_REASON = "the null model beside the offset has no certified maximum"


@dataclass(frozen=True)
class FitStatistics:
    """Numbers about a fit as a whole.

    Made by `mlelogit.inference.fit_statistics.compute_fit_statistics`.

    Attributes
    ----------
    llf, llnull : float
        Log-likelihood of the fit and of the null model.
    llr, llr_pvalue : float
        ``2 (llf - llnull)`` and its upper tail, chi-squared with `df_model`
        degrees of freedom; NaN with sampling weights, with bias reduction and where the null
        model does not meet the constraints; and the tail where estimates stand at bounds.
    prsquared : float
        ``1 - llf / llnull`` (McFadden 1974).
    aic, bic : float
        ``-2 llf + 2 P`` and ``-2 llf + P log(nobs)``; NaN with sampling weights. P counts the
        params that constraints leave free.
    nobs : float
    df_model, df_resid : float
        P less the null model's parameters, and nobs - P.
    null : str
        Which null model was used.
    reason : str
        Why something is NaN; empty if nothing is.
    """

    llf: float
    llnull: float
    llr: float
    llr_pvalue: float
    prsquared: float
    aic: float
    bic: float
    nobs: float
    df_model: int
    df_resid: float
    null: str
    reason: str


def find_reason(record: FitRecord) -> str:
    """Say why a likelihood-ratio test does not apply to a fit; nothing if it does."""
    if record.weight_type == "sampling":
        return PSEUDO_REASON
    return "" if record.maximum.bias_reduction is None else BIAS_REASON


def count_null(record: FitRecord) -> int:
    """Return the number of params of a fit's null model."""
    if record.null.dimension is not None:
        return record.null.dimension
    return len(record.params) if record.null.has_intercepts else 0


def _find_null_reason(record: FitRecord) -> str:
    if record.null.outside:
        return OUTSIDE_REASON
    if record.at_bounds:
        return BOUND_REASON
    return "" if np.isfinite(record.null.loglike) else NULL_REASON


def compute_fit_statistics(record: FitRecord) -> FitStatistics:
    """Compute the statistics of a fit.

    The formulas stand with the attributes of `mlelogit.inference.fit_statistics.FitStatistics`.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    FitStatistics

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> round(res.statistics.prsquared, 4), res.statistics.df_model
    (0.0088, 2)
    """
    llf, llnull = record.sums.loglike, record.null.loglike
    size = record.size
    df_model = size - count_null(record)
    pseudo = record.weight_type == "sampling"
    reason = find_reason(record) or _find_null_reason(record)
    applies = not (find_reason(record) or record.null.outside)
    llr = 2 * (llf - llnull) if applies else np.nan
    has_law = bool(df_model) and not record.at_bounds
    return FitStatistics(
        llf=llf,
        llnull=llnull,
        llr=llr,
        llr_pvalue=float(chdtrc(df_model, np.maximum(llr, 0.0))) if has_law else np.nan,
        prsquared=1 - llf / llnull if llnull else np.nan,
        aic=np.nan if pseudo else -2 * llf + 2 * size,
        bic=np.nan if pseudo else -2 * llf + size * float(np.log(float(record.nobs))),
        nobs=record.nobs,
        df_model=df_model,
        df_resid=record.nobs - size,
        null=record.null.kind,
        reason=reason,
    )

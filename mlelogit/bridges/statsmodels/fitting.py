"""A climb of this package's as what statsmodels' results are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from statsmodels.base.model import LikelihoodModelResults

from mlelogit.bridges.statsmodels.failures import translate_errors, warn_of_no_convergence
from mlelogit.bridges.statsmodels.likelihood import flatten_params
from mlelogit.bridges.statsmodels.words import (
    DEFAULT_MAXITER,
    Wanted,
    check_solver_options,
    find_method,
    read_covariance,
)
from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.basis import find_basis
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.record import FitRecord, FitRequest
from mlelogit.inference.covariance import Covariance, estimate_covariance
from mlelogit.notices import run_quietly

NONROBUST = (
    "Standard Errors assume that the covariance matrix of the errors is correctly specified."
)


@dataclass(frozen=True)
class Climb:
    """A fit, its covariance, and what was asked for.

    Attributes
    ----------
    record : FitRecord
    covariance : Covariance
    settings : dict
        ``mle_settings`` of the results.
    wanted : Wanted
    use_t : bool
    retall : bool
    """

    record: FitRecord
    covariance: Covariance
    settings: dict[str, Any]
    wanted: Wanted
    use_t: bool = False
    retall: bool = False


@dataclass(frozen=True)
class Asked:
    """The arguments of ``fit``, as statsmodels has them."""

    start_params: Any
    method: str
    maxiter: int
    disp: Any
    callback: Any


@single_threaded_blas
def climb(model: Any, asked: Asked, options: dict[str, Any]) -> Climb:
    """Fit a model's rows by maximum likelihood.

    Parameters
    ----------
    model : MNLogit
    asked : Asked
    options : dict
        The other arguments of statsmodels' ``fit``.

    Raises
    ------
    OptionError, ParamsError
        If an option is unknown, or the start has a wrong shape.
    RankDeficiencyError
        If a column is a combination of others; the message names it.
    """
    options = dict(options)
    quiet = not options.pop("warn_convergence", True)
    retall, use_t = bool(options.pop("retall", False)), bool(options.pop("use_t", None) or False)
    cov_type, cov_kwds = options.pop("cov_type", "nonrobust"), options.pop("cov_kwds", None)
    check_solver_options(options)
    wanted = read_covariance(cov_type or "nonrobust", cov_kwds, len(model.endog))
    record = _estimate(model, asked, quiet)
    covariance = estimate_covariance(record, wanted.kind, **wanted.options)
    if wanted.scale is not None:
        covariance = _scale(covariance, float(wanted.scale))
    if not (record.maximum.converged or quiet):
        warn_of_no_convergence()
    settings = {"optimizer": asked.method, "start_params": asked.start_params, **options}
    settings |= {"maxiter": asked.maxiter, "full_output": 1, "disp": asked.disp}
    settings |= {"callback": asked.callback, "cov_type": cov_type, "cov_kwds": cov_kwds or {}}
    return Climb(record, covariance, settings, wanted, use_t, retall)


def _scale(covariance: Covariance, factor: float) -> Covariance:
    inner = None if covariance.inner is None else covariance.inner * factor
    said = "; ".join(part for part in (covariance.correction, f"times {factor:g}") if part)
    return replace(covariance, matrix=covariance.matrix * factor, inner=inner, correction=said)


def _estimate(model: Any, asked: Asked, quiet: bool) -> FitRecord:
    rows = model.rows
    start = None if asked.start_params is None else flatten_params(asked.start_params, model)
    maxiter = None if asked.maxiter in (None, DEFAULT_MAXITER) else int(asked.maxiter)
    request = FitRequest(find_method(asked.method), start, maxiter, covariance=True)
    with translate_errors():
        if rows.columns.aliases:
            find_basis(rows.objective.blocks, rows.design.encoding.names)
        given = (
            rows.design,
            request,
            _follow(asked.callback),
            bool(asked.disp),
            rows.columns.basis,
        )
        return run_quietly(estimate, *given) if quiet else estimate(*given)


def _follow(callback: Any) -> Callable[[np.ndarray], Any] | None:
    """Return a callback whose answer does not end the climb: statsmodels' have none."""
    if callback is None:
        return None

    def report(params: np.ndarray) -> bool:
        callback(params)
        return False

    return report


@single_threaded_blas
def describe_climb(model: Any, found: Climb) -> LikelihoodModelResults:
    """Return a climb as statsmodels' results of a likelihood, with params (K, J - 1)."""
    record, covariance, wanted = found.record, found.covariance, found.wanted
    params = np.array(record.estimates)
    bread = estimate_covariance(record).matrix if wanted.kind != "nonrobust" else covariance.matrix
    mlefit = LikelihoodModelResults(model, params, np.array(bread), scale=1.0)
    mlefit.use_t = found.use_t
    mlefit.cov_type = wanted.name
    mlefit.cov_kwds = {"description": NONROBUST}
    if wanted.kind != "nonrobust" or wanted.scale is not None:
        mlefit.cov_params_default = np.array(covariance.matrix)
        said = covariance.describe() or f"Standard Errors are robust ({wanted.name})"
        mlefit.cov_kwds = {
            **wanted.said,
            "use_t": found.use_t,
            "adjust_df": wanted.by_groups,
            "scaling_factor": wanted.scale,
            "description": said,
        }
    if wanted.by_groups:
        counts = [count for name, count in covariance.groups]
        mlefit.n_groups = counts[0] if len(counts) == 1 else tuple(counts)
        mlefit.df_resid_inference = _count_groups(wanted, counts) - 1
    mlefit.mle_retvals = list_returns(record, found.retall)
    mlefit.mle_settings = found.settings
    mlefit.params = params.reshape(int(model.K), -1, order="F")
    return mlefit


def _count_groups(wanted: Wanted, counts: list[float]) -> float:
    """Return how many groups the t distribution goes by: the fewest, or the series."""
    return counts[0] if wanted.name == "hac-panel" else min(counts)


def list_returns(record: FitRecord, retall: bool = False) -> dict[str, Any]:
    """Return ``mle_retvals``: statsmodels' names, of minus the log-likelihood over the rows.

    Beside them "certificate" says how far the maximum can be, and "status" how the climb ended.
    """
    maximum, n = record.maximum, record.nobs
    score = -record.basis.leave_score(np.asarray(maximum.sums.score)).ravel() / n
    calls = int(maximum.trace.evaluations[-1])
    returns: dict[str, Any] = {
        "fopt": -maximum.sums.loglike / n,
        "iterations": maximum.iterations,
        "score": score,
        "gopt": score,
        "Hessian": leave_information(record) / n,
        "fcalls": calls,
        "gcalls": calls,
        "hcalls": calls,
        "warnflag": 0 if maximum.converged else 1,
        "converged": bool(maximum.converged),
        "certificate": maximum.certificate,
        "status": maximum.status.value,
    }
    return returns | ({"allvecs": list(maximum.trace.params)} if retall else {})


def leave_information(record: FitRecord) -> np.ndarray:
    """Return the information (P, P) in the design's own columns."""
    information = np.asarray(record.sums.information)
    size, width = len(information), len(record.basis.scale)
    once = record.basis.leave_score(information.reshape(size, size // width, width))
    half = once.reshape(size, size).T
    twice = record.basis.leave_score(half.reshape(size, size // width, width))
    return np.asarray(twice.reshape(size, size).T)

"""Whole fits to time: this package's and its peers', on the same arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.special import logsumexp

import mlelogit as ml
from tests.benchmarks import rpeers

LARGEST_BOUND = 1e-6
ROWS_AT_ONCE = 50_000


@dataclass(frozen=True)
class Entrant:
    """One way to do a task.

    Attributes
    ----------
    name : str
    run : callable
        Does the task and returns an answer; this is what is timed.
    judge : callable
        Returns the log-likelihood that an answer has reached.
    target : float or None
        How many times slower than this package it should be.
    share : float
        The part of the task it does; its seconds are divided by that.
    clock : callable or None
        Reads the seconds off an answer that was timed elsewhere.
    missing : str
        Why it cannot run; empty if it can.
    """

    name: str
    run: Callable[[], Any]
    judge: Callable[[Any], float]
    target: float | None = None
    share: float = 1.0
    clock: Callable[[Any], float] | None = None
    missing: str = ""


@dataclass(frozen=True)
class Task:
    """What is timed, by whom.

    Attributes
    ----------
    name : str
    flops : float
        ``n (K (J - 1))²``; NaN where that is no limit.
    ours : Entrant
    bound : callable
        Returns the error bound, in standard errors, of this package's answer.
    peers : tuple of Entrant
    seconds : float or None
        In how many this package should be done.
    known : float or None
        The largest log-likelihood, where it has a closed form.
    """

    name: str
    flops: float
    ours: Entrant
    bound: Callable[[Any], float]
    peers: tuple[Entrant, ...] = ()
    seconds: float | None = None
    known: float | None = None


def sum_loglike(
    codes: np.ndarray, x: Any, params: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the log-likelihood at params (J - 1, K), in plain numpy; base is category 0."""
    total = 0.0
    for start in range(0, len(codes), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        scores = np.insert(x[rows] @ params.T, 0, 0.0, axis=1)
        own = scores[np.arange(len(scores)), codes[rows]]
        terms = own - logsumexp(scores, axis=1)
        total += float(terms.sum() if weights is None else weights[rows] @ terms)
    return total


def read_bound(res: Any) -> float:
    """Return the error bound of a fit; raise if it is not small, or standard errors are missing."""
    bound = res.certificate.error_bound
    if not (res.converged and bound < LARGEST_BOUND and np.isfinite(res.covariance.bse).all()):
        raise RuntimeError(f"This package's fit has not converged: {res.certificate}.")
    return bound


def enter_ours(codes: np.ndarray, x: Any) -> Entrant:
    """Enter this package: construction, fit, covariance and null model."""
    return Entrant(
        "mlelogit",
        lambda: ml.MNLogit(codes, x).fit(),
        lambda res: sum_loglike(codes, x, res.record.params),
    )


def enter_statsmodels(codes: np.ndarray, x: np.ndarray, target: float | None) -> Entrant:
    """Enter statsmodels' MNLogit and its Newton method."""
    from statsmodels.discrete.discrete_model import MNLogit

    return Entrant(
        "statsmodels newton",
        lambda: np.asarray(MNLogit(codes, x).fit(disp=0).params).T,
        lambda params: sum_loglike(codes, x, params),
        target,
    )


def enter_sklearn(solver: str) -> Callable[..., Entrant]:
    """Return what enters scikit-learn's LogisticRegression without a penalty."""

    def enter(codes: np.ndarray, x: np.ndarray, target: float | None) -> Entrant:
        def judge(fitted: Any) -> float:
            return sum_loglike(codes, x, fitted.coef_[1:] - fitted.coef_[0])

        return Entrant(
            f"sklearn {solver}",
            lambda: fit_sklearn(solver, codes, x),
            judge,
            target,
            missing="" if find_spec("sklearn") else "scikit-learn is not installed",
        )

    return enter


def fit_sklearn(solver: str, codes: np.ndarray, x: np.ndarray) -> Any:
    """Fit scikit-learn's LogisticRegression without a penalty."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=np.inf, solver=solver, fit_intercept=False, tol=1e-6, max_iter=1000
    ).fit(x, codes)


def enter_r(name: str, package: str) -> Callable[..., Entrant]:
    """Return what enters a fit of an R package, with its covariance, timed inside R."""

    def enter(codes: np.ndarray, x: np.ndarray, target: float | None) -> Entrant:
        return Entrant(
            name,
            lambda: rpeers.fit(package, codes, x),
            lambda fitted: fitted.loglike,
            target,
            clock=lambda fitted: fitted.seconds,
            missing=rpeers.find_missing(package),
        )

    return enter


PEERS: dict[str, Callable[..., Entrant]] = {
    "statsmodels newton": enter_statsmodels,
    "sklearn newton-cholesky": enter_sklearn("newton-cholesky"),
    "sklearn newton-cg": enter_sklearn("newton-cg"),
    "R nnet + vcov": enter_r("R nnet + vcov", "nnet"),
    "R VGAM + vcov": enter_r("R VGAM + vcov", "VGAM"),
}

r"""Recalibration: a multinomial logit of the outcome on what a fit predicts.

With ``l_nk = log(p_nk / p_n,base)`` the linear predictors of a fit, the outcome of some rows is
fitted by scores

.. math:: u_{nk} = a_k + b_k l_{nk}, \qquad u_{n,base} = 0

(Cox 1958, Biometrika 45, for two categories; Van Hoorde, Vergouwe, Timmerman, Van Huffel,
Steyerberg and Van Calster 2014, Statistics in Medicine 33, 2585-2596, for several). Predictions are
calibrated if all a are zero and all b one. A slope below one says that predictions are too far
apart, as those of a fit to few people are on others; an intercept, with the slopes held to one,
that a category is more frequent, against the base, than predicted. Slopes depend on the base
category: they are about its log-odds. One slope b for all categories does not.

On the rows that a maximum likelihood fit with free intercepts was made from all a are zero and all
b one: its score is zero along ``x' B``, and along the intercepts. That takes a constant in the
span of the columns, and no constraints, offset or bias reduction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.sources import ArraySource
from mlelogit.fitting.constrained.equations import find_space
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood
from mlelogit.inference.coefficients import wald_interval
from mlelogit.inference.fit_statistics import PSEUDO_REASON
from mlelogit.inference.testing.hypothesis import TestResult
from mlelogit.interpretation.labelling import index_keys
from mlelogit.interpretation.performance.judged import JudgedRows

MODELS = ("slopes of one", "own slopes", "one slope")
COLUMNS = ("estimate", "std_err", "lower", "upper", "ideal")
OWN_REASON = (
    "the fit was made from these rows, which makes the statistic zero, or nearly so, whatever the "
    "model is worth"
)
OWN_LAW_REASON = (
    "the fit was made from these rows, and the statistic has a chi-squared law on others only"
)
FRACTIONAL_REASON = (
    "the outcome is probabilities, which are not drawn, so that the likelihood is a criterion only"
)
INFINITE_REASON = (
    "some linear predictors are infinite: the data of the fit are separated, and leave categories "
    "without a probability"
)
UNCERTIFIED_REASON = (
    "no finite maximum is certified: the linear predictors separate the categories of these rows, "
    "or hardly vary"
)
# Linear predictors whose range is below this share of their size do not vary but for rounding.
CONSTANT = 1e-9
# Directions in which rows tell less than this part of what they tell in the best one tell nothing.
TOLD = 1e-12
# Directions of which equations hold a larger share than rounding leaves.
HELD = 1e-9


@dataclass(frozen=True)
class Recalibration:
    """Estimates and tests.

    Attributes
    ----------
    table : pandas.DataFrame
        Index (model, coefficient, category); columns estimate, std_err, lower, upper, ideal.
    tests : pandas.DataFrame
        Index null_hypothesis; columns statistic, df, p_value, reason.
    notes : tuple of str
        Why estimates are NaN.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Fitted:
    """One recalibration: coefficients, standard errors and log-likelihood; or why it has none."""

    params: np.ndarray
    errors: np.ndarray
    loglike: float
    reason: str = ""


def explain_departure(record: FitRecord) -> str:
    """Say why recalibration on a fit's own rows need not be the identity; nothing if it is.

    The score has to be zero along a constant and along the linear predictors.
    """
    found = {
        "bias reduction moves estimates off the maximum": record.maximum.bias_reduction is not None,
        "constraints hold the coefficients": _is_held(record),
        "the fit has not converged": not record.maximum.converged,
        "the columns span no constant": record.basis.constant is None,
        "the offset has no coefficient": record.need_blocks().design.offset is not None,
    }
    return ", ".join(reason for reason, holds in found.items() if holds)


def _is_held(record: FitRecord) -> bool:
    """Say whether equations keep intercepts, or the coefficients of a category, from scaling."""
    space = find_space(record)
    if space is None:
        return False
    cube, constant = record.inner_params.reshape(record.params.shape), record.basis.constant
    units = np.eye(len(cube))
    moves = [np.kron(unit, row) for unit, row in zip(units, cube, strict=True)]
    if constant is not None:
        moves += [np.kron(unit, constant) for unit in units]
    along = np.linalg.qr(space.directions)[0]
    gaps = [np.linalg.norm(move - along @ (along.T @ move)) for move in moves]
    return bool((np.array(gaps) > HELD * np.linalg.norm(moves, axis=1)).any())


def recalibrate(judged: JudgedRows, alpha: float, departure: str = "") -> Recalibration:
    """Fit the recalibrations of rows with slopes of one, with one's own each, and with one for all.

    Tests are likelihood-ratio tests of intercepts of zero given slopes of one, of slopes of one
    given free intercepts, and of both.

    Parameters
    ----------
    judged : JudgedRows
    alpha : float
        Intervals have level 1 - alpha.
    departure : str
        Of the fit's own rows, what `explain_departure` says.
    """
    spaces = _make_spaces(len(judged.categories))
    reasons = _find_reasons(judged)
    if all(reasons):
        fits = [_refuse(space, reason) for space, reason in zip(spaces, reasons, strict=True)]
        start = np.nan
    else:
        objective = _make_objective(judged)
        ideal = spaces[0].origin
        start = objective.evaluate(ideal, 0).loglike
        fits = [
            _refuse(space, reason) if reason else _fit(objective, space, ideal, judged)
            for space, reason in zip(spaces, reasons, strict=True)
        ]
    said = [
        f"Recalibration with {model}: {fit.reason}."
        for model, fit in zip(MODELS, fits, strict=True)
        if fit.reason
    ]
    tests = _test(judged, fits, start, departure)
    why = dict.fromkeys(reason for reason in tests["reason"] if reason)
    said += [f"Tests of the recalibration do not apply: {reason}." for reason in why]
    return Recalibration(_frame(judged, fits, alpha), tests, tuple(said))


def measure_drift(judged: JudgedRows) -> float:
    """Return how far the first Newton step leads from the identity: its largest coefficient.

    It is zero if recalibration with free intercepts and one's own slopes is the identity. A small
    score alone would not show that, as rows whose probabilities are next to zero and one have one
    whatever the coefficients are; of rows that tell nothing at all it is infinite.
    """
    slopes_of_one, space, _ = _make_spaces(len(judged.categories))
    inside = RestrictedLogLikelihood(_make_objective(judged), space)
    sums = inside.evaluate(space.enter(slopes_of_one.origin), 2)
    score, information = np.asarray(sums.score), np.asarray(sums.information)
    scale = np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    told = values > TOLD * values[-1]
    if not told.any():
        return np.inf
    step = vectors[:, told] @ ((score / scale) @ vectors[:, told] / values[told]) / scale
    return float(np.abs(step).max())


def _make_spaces(size: int) -> list[FreeSpace]:
    """Return what is free of the coefficients of a constant and of all linear predictors."""
    others = size - 1
    cube = np.arange(others * size).reshape(others, size)
    unit = np.eye(others * size)
    intercepts, slopes = unit[:, cube[:, 0]], unit[:, np.diag(cube[:, 1:])]
    one = slopes.sum(axis=1, keepdims=True) / np.sqrt(others)
    nothing = np.zeros(others * size)
    return [
        FreeSpace(slopes.sum(axis=1), intercepts),
        FreeSpace(nothing, np.hstack([intercepts, slopes])),
        FreeSpace(nothing.copy(), np.hstack([intercepts, one])),
    ]


def _predict_linearly(judged: JudgedRows) -> np.ndarray:
    """Return the linear predictors of all categories but the base (J - 1, n)."""
    with np.errstate(invalid="ignore"):
        return np.delete(judged.logs - judged.logs[judged.base], judged.base, axis=0)


def _find_reasons(judged: JudgedRows) -> list[str]:
    """Say of each recalibration why it cannot be estimated; nothing if it can."""
    absent = [str(judged.categories[k]) for k in np.flatnonzero(judged.totals == 0)]
    if absent:
        return [f"these rows have no people of {', '.join(absent)}"] * 3
    predictors = _predict_linearly(judged)
    if not np.isfinite(predictors).all():
        return [INFINITE_REASON] * 3
    low, high = predictors.min(axis=1), predictors.max(axis=1)
    fixed = high - low <= CONSTANT * np.maximum(np.maximum(np.abs(low), np.abs(high)), 1.0)
    others = [c for k, c in enumerate(judged.categories) if k != judged.base]
    named = ", ".join(str(others[k]) for k in np.flatnonzero(fixed))
    said = f"the linear predictor of {named} does not vary among these rows"
    return ["", said if fixed.any() else "", said if fixed.all() else ""]


def _make_objective(judged: JudgedRows) -> LogLikelihood:
    predictors = _predict_linearly(judged)
    columns = np.vstack([np.ones((1, predictors.shape[1])), predictors])
    design = replace(judged.design, source=ArraySource(columns.T), offset=None, groups=None)
    return LogLikelihood(RowBlocks(design, threads=judged.threads), judged.base)


def _refuse(space: FreeSpace, reason: str) -> _Fitted:
    gone = np.full(space.size, np.nan)
    return _Fitted(gone, gone, np.nan, reason)


def _fit(
    objective: LogLikelihood, space: FreeSpace, ideal: np.ndarray, judged: JudgedRows
) -> _Fitted:
    inside = RestrictedLogLikelihood(objective, space)
    found = maximize(inside, space.enter(ideal))
    if not found.converged or found.inverse is None:
        return _refuse(space, UNCERTIFIED_REASON)
    covariance = _estimate_covariance(objective, space, found, judged)
    # The directions of one slope for all have length one, each slope a share of that.
    units = np.abs(space.directions).max(axis=0)
    params = found.params * units
    return _Fitted(params, np.sqrt(np.diag(covariance)) * units, found.sums.loglike)


def _estimate_covariance(
    objective: LogLikelihood, space: FreeSpace, found: Maximum, judged: JudgedRows
) -> np.ndarray:
    """Return the inverse information, or where it is no variance the sandwich times n / (n - 1).

    So with sampling weights, and for an outcome of probabilities (Papke and Wooldridge 1996,
    Journal of Applied Econometrics 11).
    """
    bread, sampling = np.asarray(found.inverse), judged.design.weight_type == "sampling"
    if not (sampling or judged.fractional):
        return bread
    meat = objective.sum_meats(space.leave(found.params), sampling)
    inner = space.directions.T @ meat @ space.directions
    n = judged.observations
    return np.asarray(bread @ inner @ bread * n / (n - 1))


def _frame(judged: JudgedRows, fits: list[_Fitted], alpha: float) -> pd.DataFrame:
    others = [c for k, c in enumerate(judged.categories) if k != judged.base]
    constants = [("intercept", category, 0.0) for category in others]
    slopes = [("slope", category, 1.0) for category in others]
    named = [constants, constants + slopes, [*constants, ("slope", "", 1.0)]]
    keys = [
        (model, coefficient, category)
        for model, names in zip(MODELS, named, strict=True)
        for coefficient, category, _ in names
    ]
    ideal = [value for names in named for *_, value in names]
    estimates = np.concatenate([fit.params for fit in fits])
    errors = np.concatenate([fit.errors for fit in fits])
    limits = wald_interval(estimates, errors, alpha)
    values = np.column_stack([estimates, errors, *limits, ideal])
    index = index_keys(keys, ["model", "coefficient", "category"])
    return pd.DataFrame(values, index=index, columns=list(COLUMNS))


def _find_test_reason(judged: JudgedRows, departure: str) -> str:
    """Say why likelihood-ratio tests do not apply to these rows; nothing if they do."""
    if judged.design.weight_type == "sampling":
        return PSEUDO_REASON
    if judged.fractional:
        return FRACTIONAL_REASON
    return (OWN_LAW_REASON if departure else OWN_REASON) if judged.own else ""


def _test(judged: JudgedRows, fits: list[_Fitted], start: float, departure: str) -> pd.DataFrame:
    size = len(judged.categories) - 1
    constants, slopes = fits[0].loglike, fits[1].loglike
    reason = _find_test_reason(judged, departure)
    first, second = (reason or fit.reason for fit in fits[:2])
    tests = [
        _judge("intercepts zero, slopes one", start, slopes, 2 * size, second),
        _judge("intercepts zero given slopes one", start, constants, size, first),
        _judge("slopes one given free intercepts", constants, slopes, size, first or second),
    ]
    columns = ("statistic", "df", "p_value", "reason")
    return pd.DataFrame(
        {column: [getattr(test, column) for test in tests] for column in columns},
        index=pd.Index([test.null for test in tests], name="null_hypothesis"),
    )


def _judge(null: str, small: float, large: float, df: int, reason: str) -> TestResult:
    """Test by twice the log-likelihood gained."""
    statistic = np.nan if reason == PSEUDO_REASON else max(2 * (large - small), 0.0)
    p = np.nan if reason else float(chdtrc(df, statistic))
    return TestResult("likelihood ratio", null, statistic, df, p, reason)

"""Hand a case to a program in Python as its users would, and take down all that it says."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import mlelogit as ml
from tests.hostility.cases import Case
from tests.hostility.judge import Reply

Found = tuple[Any, Any]


class LateError(Exception):
    """The time is up."""


def ask(program: str, case: Case, seconds: int = 60) -> Reply:
    """Fit, with warnings taken down and a limit of time."""
    with warnings.catch_warnings(record=True) as told, np.errstate(under="ignore"):
        warnings.simplefilter("always")
        try:
            params, errors = limit(lambda: ASKED[program](case), seconds)
        except LateError:
            return Reply(late=True)
        except Exception as error:  # noqa: BLE001 - any is an answer
            return Reply(error=f"{type(error).__name__}: {error}")
    said = tuple(f"{one.category.__name__}: {one.message}" for one in told)
    return Reply(np.asarray(params, float), None if errors is None else np.asarray(errors), said)


def limit(act: Callable[[], Found], seconds: int) -> Found:
    """Run something, and end it by an exception when the time is up."""

    def end(*_: object) -> None:
        raise LateError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        return act()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def write_formula(case: Case) -> str:
    """Write a formula of all columns but the constant."""
    return "y ~ " + " + ".join(name for name in case.exog.columns if name != "const")


def ask_ours(case: Case) -> Found:
    """Ask this package."""
    options = {key: value for key, value in case.extra.items() if key != "cov_type"}
    if case.weights is not None:
        options |= {"weights": case.weights, "weight_type": "frequency"}
    if case.offset is not None:
        options["offset"] = case.offset
    if case.factor:
        model = ml.mnlogit(write_formula(case), case.exog.assign(y=case.endog), **options)
    else:
        model = ml.MNLogit(case.endog, case.exog, **options)
    res = model.fit(**{key: case.extra[key] for key in ("cov_type",) if key in case.extra})
    return (res.params, res.bse) if case.new is None else (res.predict(case.new), None)


def ask_statsmodels(case: Case) -> Found:
    """Ask statsmodels; what it cannot do is asked for by the name its other models have."""
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    options = {key: value for key, value in case.extra.items() if key != "cov_type"}
    if case.weights is not None:
        options["freq_weights"] = case.weights
    if case.offset is not None:
        options["offset"] = case.offset
    if case.factor:
        model = smf.mnlogit(write_formula(case), case.exog.assign(y=case.endog), **options)
    else:
        model = sm.MNLogit(case.endog, case.exog, **options)
    res = model.fit(disp=0, **{key: case.extra[key] for key in ("cov_type",) if key in case.extra})
    return (res.params, res.bse) if case.new is None else (res.predict(case.new), None)


def ask_sklearn(case: Case) -> Found:
    """Ask scikit-learn for no penalty and its exact solver."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    model = LogisticRegression(C=np.inf, solver="newton-cholesky", fit_intercept=False)
    options = dict(case.extra)
    if case.weights is not None:
        options["sample_weight"] = case.weights
    if case.offset is not None:
        options["offset"] = case.offset
    if case.factor and case.new is not None:
        text = case.exog.columns[-1]
        coded = make_column_transformer((OneHotEncoder(), [text]), remainder="passthrough")
        fitted = make_pipeline(coded, model).fit(case.exog, case.endog)
    else:
        fitted = model.fit(case.exog, case.endog, **options)
    if case.new is not None:
        return fitted.predict_proba(case.new), None
    return (fitted.coef_[1:] - fitted.coef_[0]).T, None


ASKED: dict[str, Callable[[Case], Found]] = {
    "mlelogit": ask_ours,
    "statsmodels": ask_statsmodels,
    "scikit-learn": ask_sklearn,
}

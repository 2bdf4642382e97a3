"""The one property of all fits: a certified optimum, or a named error or warning."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

import mlelogit as ml
from mlelogit.exceptions import MNLogitError, MNLogitWarning
from mlelogit.results import MNLogitResults
from tests.fuzz.strategies import Case

# What says that a fit did not end at a finite maximum.
UNFINISHED = {"NotConvergedWarning", "NoFiniteMaximumWarning", "SeparationWarning"}
LONGEST_MESSAGE = 40_000
ROUNDING = 1e-13


def freeze(value: Any) -> Any:
    """Return what tells a container's content, to compare it with later."""
    if isinstance(value, np.ndarray):
        held = repr(value.tolist()) if value.dtype == object else value.tobytes()
        return value.dtype, value.shape, value.strides, held
    if isinstance(value, pd.DataFrame):
        columns = [freeze(value.iloc[:, i]) for i in range(value.shape[1])]
        return repr(list(value.columns)), freeze(value.index), columns
    if isinstance(value, pd.Series):
        return value.dtype, repr(value.name), repr(list(value.index)), repr(value.tolist())
    if hasattr(value, "tocoo"):
        entries = value.tocoo()
        return (
            value.dtype,
            value.shape,
            entries.data.tobytes(),
            [c.tobytes() for c in entries.coords],
        )
    if isinstance(value, dict):
        return [(key, freeze(item)) for key, item in value.items()]
    return repr(value.tolist() if hasattr(value, "tolist") else value)


def look_around() -> Any:
    """Return the state of the process that a fit has no business with."""
    numbers = np.random.get_state()  # noqa: NPY002
    return np.geterr(), random.getstate(), numbers[1].tobytes(), numbers[2], np.get_printoptions()


def attempt(question: Callable[[], Any]) -> tuple[Any, set[str]]:
    """Return an answer, or None after an error of ours, and the names of our warnings.

    Anything else, a warning of another package included, is raised.
    """
    before = look_around()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("error")
        warnings.simplefilter("always", MNLogitWarning)
        filters = list(warnings.filters)
        answer, raised = None, None
        try:
            answer = question()
        except MNLogitError as error:
            raised = error
        assert list(warnings.filters) == filters
    assert look_around() == before
    if raised is not None:
        check_message(raised)
    assert all(str(warning.message).strip() for warning in told)
    return answer, {warning.category.__name__ for warning in told}


def check_message(error: MNLogitError) -> None:
    """Check that an error says something, and not too much of it."""
    assert str(error).strip(), f"{type(error).__name__} says nothing"
    assert len(str(error)) < LONGEST_MESSAGE


def judge(case: Case) -> MNLogitResults | None:
    """Fit a case, and hold what comes of it against the property."""
    data = (case.x.given, case.y.given, case.options, case.fit)
    before = [freeze(item) for item in data]

    def fit() -> MNLogitResults:
        return ml.MNLogit(case.y.given, case.x.given, **case.options).fit(**case.fit)

    results, told = attempt(fit)
    assert [freeze(item) for item in data] == before, "the caller's data changed"
    if results is None:
        return None
    assert case.x.values is not None, "fitted columns that hold no numbers"
    assert case.y.labels is not None, "fitted an outcome that is none"
    assert results.audit.rows_used == case.complete().sum()
    if results.converged:
        judge_converged(case, results, told)
    else:
        assert told & UNFINISHED, "not converged, and nothing said"
    touch(results, case)
    return results


def judge_converged(case: Case, results: MNLogitResults, told: set[str]) -> None:
    """Hold a fit that says it converged against ten lines of numpy."""
    params = results.params.to_numpy()
    assert np.isfinite(results.llf)
    if told & {"SeparationWarning", "CollinearityWarning"}:
        assert not np.isnan(params[np.isfinite(results.bse.to_numpy())]).any()
        return
    assert np.isfinite(params).all(), "NaN called converged"
    assert np.isfinite(results.bse.to_numpy()).all()
    assert results.cov_type != "nonrobust" or (results.bse.to_numpy() > 0).all()
    kept = case.complete()
    x, d = np.asarray(case.x.values)[kept], case.y.d[kept]
    d = d[:, [find_label(case.y.labels or [], category) for category in results.categories]]
    size = np.abs(x).max(axis=0)
    if results.bias_reduction is not None:
        return
    assert not is_separated(x / size, d), "separated, and called converged"
    if case.offset is None:
        weights = np.ones(len(x)) if case.weights is None else case.weights[kept]
        check_score(x / size, d, weights, params * size[:, None], results)


def is_separated(x: np.ndarray, d: np.ndarray) -> bool:
    """Look for a direction in which the likelihood never falls, and somewhere rises.

    It is ``x_n' (b_j - b_k) >= 0`` for every category j that row n has, and every k.
    Designs so ill-conditioned that rounding would decide count as not separated.
    """
    free = d.shape[1] - 1
    if np.linalg.cond(x) > 1e5:
        return False
    ahead = np.vstack([np.eye(free), np.zeros(free)])
    margins = [
        np.kron(ahead[j] - ahead[k], x[n])
        for n, j in zip(*np.nonzero(d), strict=True)
        for k in range(free + 1)
        if k != j
    ]
    rows = np.array(margins)
    found = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1))
    return bool(found.success and -found.fun > 1e-4)


def check_score(
    x: np.ndarray, d: np.ndarray, weights: np.ndarray, slopes: np.ndarray, results: MNLogitResults
) -> None:
    """Check that log-likelihood and score are what they should be, relative to rounding."""
    base = list(results.categories).index(results.base)
    slopes = np.insert(slopes, base, 0, axis=1)
    scores = x @ slopes
    logs = scores - scores.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    share, total = np.exp(logs), d.sum(axis=1)
    noise = ROUNDING * (1 + (np.abs(x) @ np.abs(slopes)).max(axis=1))
    heavy = weights * total
    gap = abs(float(weights @ (d * logs).sum(axis=1)) - results.llf)
    assert gap <= heavy @ (noise * (1 + np.abs(logs).max(axis=1))), "another log-likelihood"
    score = x.T @ (weights[:, None] * (d - total[:, None] * share))
    spread = (x**2).T @ (heavy[:, None] * share * (1 - share))
    allowed = 4 * results.certificate.error_bound * np.sqrt(spread)
    allowed += (np.abs(x).T @ (heavy * noise))[:, None]
    assert (np.abs(score) <= allowed).all(), f"score {score}, allowed {allowed}"


def find_label(labels: list, category: Any) -> int:
    """Return the place of a category among the labels given."""
    # A list of lists of one label each is a column of labels.
    found = [i for i, label in enumerate(labels) if label in (category, [category])]
    found = found or [i for i, label in enumerate(labels) if str(label) == str(category)]
    same = [i for i in found if type(labels[i]) is type(category)]
    assert found, f"{category!r} was not given"
    return (same or found)[0]


def touch(results: MNLogitResults, case: Case) -> None:
    """Ask a fit everything; each answer comes, or an error of ours."""
    name = results.params.index[0]
    questions: list[Callable[[], Any]] = [
        lambda: (results.params, results.bse, results.tvalues, results.pvalues, results.trace),
        lambda: (results.conf_int(), results.cov_params(), results.tidy(exponentiate=True)),
        lambda: (results.llnull, results.llr_pvalue, results.prsquared, results.aic, results.bic),
        lambda: (results.score(), results.score_obs(), results.loglikeobs(), results.pred_table()),
        lambda: (results.conf_int(method="profile"), results.all_pairs(), results.lincom(name)),
        lambda: results.conf_int(0.3, method="score"),
        lambda: results.wald_test(name),
        lambda: results.lr_test(results),
        lambda: results.with_cov("HC0").summary(exponentiate=True).as_text(),
        lambda: results.rebase(results.categories[-1]).summary().as_markdown(),
        lambda: (results.summary().as_html(), results.summary().as_latex(), repr(results)),
        lambda: (str(results.audit), str(results.certificate)),
        lambda: (results.predict(which="category"), results.predict(which="linear")),
        lambda: results.predict(case.x.given, offset=case.options.get("offset")),
        lambda: (results.tidy(frame="polars"), results.fittedvalues),
        lambda: [results.predict(which=one, frame="pyarrow") for one in ("prob", "category")],
    ]
    for question in questions:
        attempt(question)
    fitted = results.predict(frame="pandas").to_numpy()
    assert len(fitted) == results.audit.rows_used
    if np.isfinite(results.params.to_numpy()).all():
        assert np.abs(fitted.sum(axis=1) - 1).max() < 1e-12

"""Independent ways to the same estimates; nothing here comes from `mlelogit.fitting`'s sums."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from scipy.linalg import lstsq, qr, solve_triangular
from scipy.optimize import minimize

from mlelogit.equivalence.constrained import (
    KNOWN,
    factor_along,
    invert_along,
    list_active,
    turn_rows,
)
from mlelogit.equivalence.identity import cross_entropy, log_likelihood, softmax
from mlelogit.notices import run_quietly

EXPANDED_ROWS = 2_000_000
SMALL_STEP = 1e-2
# SLSQP leaves this much of a bound that it meets.
NEAR = 1e-6
ENGINES = {
    "cross-entropy": "minimum cross-entropy",
    "statsmodels": "statsmodels MNLogit",
    "scikit-learn": "scikit-learn LogisticRegression",
}


@dataclass(frozen=True)
class Problem:
    """A fit's data as plain arrays.

    Attributes
    ----------
    x : numpy.ndarray
        (n, K).
    d : numpy.ndarray
        (n, J): one-hot rows, counts or probabilities.
    weights : numpy.ndarray
        (n,).
    offset : numpy.ndarray or None
        (n, J).
    base : int
    weight_type : str or None
    kind : str
        "labels", "counts" or "probabilities".
    rows, values : numpy.ndarray or None
        R (m, P) and q (m,) of constraints ``R b = q``, ``<= q`` or ``>= q``.
    relations : tuple of str
        Which, a row each.
    """

    x: np.ndarray
    d: np.ndarray
    weights: np.ndarray
    offset: np.ndarray | None
    base: int
    weight_type: str | None
    kind: str
    rows: np.ndarray | None = None
    values: np.ndarray | None = None
    relations: tuple[str, ...] = ()

    @property
    def totals(self) -> np.ndarray:
        """Σ_k d_nk (n,)."""
        return np.asarray(self.d.sum(axis=1))

    @property
    def size(self) -> int:
        """P = (J - 1) K."""
        return (self.d.shape[1] - 1) * self.x.shape[1]


@dataclass(frozen=True)
class Answer:
    """What an engine says.

    Attributes
    ----------
    engine : str
    params : numpy.ndarray or None
        (J - 1, K) against the base; None if it was not run or failed.
    bse : numpy.ndarray or None
        Its standard errors, laid out alike, if it has them.
    loglike, cross_entropy : float
        Its own values of the log-likelihood and of the cross-entropy.
    reason : str
        Why there is no answer.
    """

    engine: str
    params: np.ndarray | None
    bse: np.ndarray | None
    loglike: float
    cross_entropy: float
    reason: str = ""


def refuse(engine: str, reason: str) -> Answer:
    """Return the answer of an engine that has none."""
    return Answer(engine, None, None, np.nan, np.nan, reason)


def output(problem: Problem, params: np.ndarray) -> np.ndarray:
    """Return y (n, J) at params (J - 1, K)."""
    scores = np.insert(problem.x @ params.T, problem.base, 0.0, axis=1)
    return softmax(scores if problem.offset is None else scores + problem.offset)


def differentiate(problem: Problem, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient (P,) and Hessian (P, P) of the cross-entropy, category by category."""
    y = output(problem, params)
    scale = problem.weights * problem.totals
    others = np.delete(np.arange(y.shape[1]), problem.base)
    error = problem.weights[:, None] * (problem.totals[:, None] * y - problem.d)
    gradient = np.concatenate([problem.x.T @ error[:, k] for k in others])
    rows = []
    for k in others:
        row = []
        for m in others:
            curvature = scale * y[:, k] * ((k == m) - y[:, m])
            row.append(problem.x.T @ (curvature[:, None] * problem.x))
        rows.append(np.hstack(row))
    return gradient, np.vstack(rows)


def orthogonalize(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Q, R, s with ``x / s = Q R`` and Q'Q = n I."""
    scale = np.abs(x).max(axis=0)
    q, r = qr(x / scale, mode="economic")
    root = np.sqrt(len(x))
    return q * root, r / root, scale


def minimize_cross_entropy(problem: Problem, seed: int) -> Answer:
    """Minimize the cross-entropy of a one-layer softmax network with J free weight vectors.

    From a random start, by L-BFGS-B on an orthonormal basis of the columns; the
    weight vectors are mapped to the base by differences, which leave every output
    as it is.
    """
    q, r, scale = orthogonalize(problem.x)
    shape = (problem.d.shape[1], q.shape[1])
    total = float((problem.weights * problem.totals).sum())

    def error_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        scores = q @ flat.reshape(shape).T
        y = softmax(scores if problem.offset is None else scores + problem.offset)
        error = problem.weights[:, None] * (problem.totals[:, None] * y - problem.d)
        value = cross_entropy(problem.d, np.maximum(y, 1e-300), problem.weights)
        return value / total, (error.T @ q).ravel() / total

    start = 0.1 * np.random.default_rng(seed).standard_normal(shape).ravel()
    found = minimize(
        error_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 0.0, "gtol": 1e-12, "maxiter": 20_000, "maxfun": 40_000, "maxcor": 30},
    )
    weights = found.x.reshape(shape)
    differences = np.delete(weights - weights[problem.base], problem.base, axis=0)
    params = solve_triangular(r, _refine(replace(problem, x=q), differences).T).T / scale
    bse = measure_errors(problem, params)
    y = output(problem, params)
    return Answer(
        ENGINES["cross-entropy"],
        params,
        bse,
        log_likelihood(problem.d, y, problem.weights),
        float(found.fun) * total,
    )


def minimize_under_constraints(problem: Problem, seed: int) -> Answer:
    """Minimize the cross-entropy under constraints by SLSQP, from a random start.

    A Newton step on the equations that hold at its answer takes the last digits.
    """
    q, r, scale = orthogonalize(problem.x)
    back, total = _leave(r, scale), float((problem.weights * problem.totals).sum())
    inside = replace(problem, x=q)
    shape = (problem.d.shape[1] - 1, len(r))
    rows, values = turn_rows(problem.rows, problem.values, back)
    equal = np.array([relation == "=" for relation in problem.relations])
    sign = np.where(np.array(problem.relations) == "<=", -1.0, 1.0)

    def error_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        y = output(inside, flat.reshape(shape))
        error = problem.weights[:, None] * (problem.totals[:, None] * y - problem.d)
        value = cross_entropy(problem.d, np.maximum(y, 1e-300), problem.weights)
        return value / total, np.delete(error.T @ q, problem.base, axis=0).ravel() / total

    def hold(kind: str, which: np.ndarray) -> dict[str, Any]:
        few, side = sign[which, None] * rows[which], (sign * values)[which]
        return {"type": kind, "fun": lambda flat: few @ flat - side, "jac": lambda _: few}

    start = 0.1 * np.random.default_rng(seed).standard_normal(shape).ravel()
    found = minimize(  # type: ignore[call-overload]
        error_and_gradient,
        start,
        jac=True,
        method="SLSQP",
        constraints=[hold("eq", equal), hold("ineq", ~equal)],
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    near = equal | (np.abs(rows @ found.x - values) <= NEAR * (1 + np.abs(values)))
    flat = _refine_along(inside, found.x.reshape(shape), rows[near], values[near])
    params = flat.reshape(shape) @ back.T
    y = output(problem, params)
    return Answer(
        ENGINES["cross-entropy"],
        params,
        measure_errors(problem, params),
        log_likelihood(problem.d, y, problem.weights),
        float(found.fun) * total,
    )


def _refine_along(
    problem: Problem, params: np.ndarray, rows: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Take a Newton step on equations, if a descent under them left a small one."""
    gradient, hessian = differentiate(problem, params)
    flat = params.ravel()
    reach = lstsq(rows, values - rows @ flat)[0]
    step = reach - invert_along(hessian, rows) @ (gradient + hessian @ reach)
    return np.asarray(flat + step if float(np.abs(step).max()) < SMALL_STEP else flat)


def _refine(problem: Problem, params: np.ndarray) -> np.ndarray:
    """Take a Newton step if the descent, whose line search sees values only, left one."""
    gradient, hessian = differentiate(problem, params)
    try:
        step = np.linalg.solve(hessian, gradient).reshape(params.shape)
    except np.linalg.LinAlgError:
        return params
    small = float(np.abs(step).max()) < SMALL_STEP
    return params - step if small else params


def _differentiate_inside(
    problem: Problem, params: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Differentiate in the basis Q of the columns; return gradient, Hessian, R and scale."""
    q, r, scale = orthogonalize(problem.x)
    gradient, hessian = differentiate(replace(problem, x=q), (params * scale) @ r.T)
    return gradient, hessian, r, scale


def _list_known(
    problem: Problem, params: np.ndarray, back: np.ndarray, hessian: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    given = problem.rows, problem.values, problem.relations
    return list_active(*given, params, back, hessian)


def _leave(r: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return what maps coefficients (K,) of Q to those of the columns."""
    return np.asarray(solve_triangular(r, np.eye(len(r))) / scale[:, None])


def measure_errors(problem: Problem, params: np.ndarray) -> np.ndarray:
    """Return standard errors (J - 1, K) from the cross-entropy's Hessian; NaN if there are none."""
    _, hessian, r, scale = _differentiate_inside(problem, params)
    back = _leave(r, scale)
    rows = _list_known(problem, params, back, hessian)[0]
    try:
        whole = np.linalg.inv(hessian)
    except np.linalg.LinAlgError:
        return np.full(params.shape, np.nan)
    width = len(r)
    starts = range(0, len(whole), width)
    blocks = [whole[i : i + width, i : i + width] for i in starts]
    variances = np.array([np.diag(back @ block @ back.T) for block in blocks])
    if len(rows):
        factor = factor_along(hessian, rows)
        left = np.array([((back @ factor[i : i + width]) ** 2).sum(axis=1) for i in starts])
        variances = np.where(left <= KNOWN * variances, 0.0, left)
    with np.errstate(invalid="ignore"):
        return np.sqrt(variances)


def measure_entropy(problem: Problem, params: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the entropy dual at params, and the Newton step the moments still ask for.

    ``-log L = Σ_n w_n Σ_k [-t_n y_nk log y_nk + (t_n y_nk - d_nk) o_nk]`` where the moments
    ``Σ_n w_n x_n (d_nk - t_n y_nk)`` vanish (Berger, Della Pietra and Della Pietra 1996). Under
    constraints they are ``R'λ``, and the dual is less by ``λ'q``.
    """
    y = output(problem, params)
    expected = problem.totals[:, None] * y
    logs = np.log(np.where(y > 0, y, 1.0))
    rows = -(expected * logs).sum(axis=1)
    if problem.offset is not None:
        rows = rows + ((expected - problem.d) * problem.offset).sum(axis=1)
    gradient, hessian, r, scale = _differentiate_inside(problem, params)
    dual, back = float(problem.weights @ rows), _leave(r, scale)
    known = _list_known(problem, params, back, hessian)
    if len(known[0]):
        step = (invert_along(hessian, known[0]) @ gradient).reshape(params.shape)
        dual += float(lstsq(known[0].T, gradient)[0] @ known[1])
    else:
        step = lstsq(hessian, gradient, lapack_driver="gelsy")[0].reshape(params.shape)
    return dual, solve_triangular(r, step.T).T / scale


def expand_rows(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return one row per row and category with d > 0: rows (m,), codes (m,), weights (m,)."""
    rows, codes = np.nonzero(problem.d)
    return rows, codes, problem.weights[rows] * problem.d[rows, codes]


def fit_statsmodels(problem: Problem) -> Answer:
    """Fit statsmodels' MNLogit from its own default start; counts and frequencies expanded."""
    name = ENGINES["statsmodels"]
    if problem.rows is not None:
        return refuse(name, "statsmodels' MNLogit fits no constraints")
    if problem.offset is not None:
        return refuse(name, "statsmodels' MNLogit has no offset")
    if problem.weight_type in ("sampling", "importance"):
        return refuse(name, f"statsmodels' MNLogit has no {problem.weight_type} weights")
    order = [problem.base, *(k for k in range(problem.d.shape[1]) if k != problem.base)]
    if problem.kind == "probabilities":
        if problem.weight_type is not None:
            return refuse(name, "statsmodels' MNLogit has no weights for probabilities")
        endog, exog = problem.d[:, order], problem.x
    else:
        rows, codes, weights = expand_rows(problem)
        if weights.sum() > EXPANDED_ROWS:
            return refuse(name, f"{weights.sum():.3g} rows after expanding the frequencies")
        times = weights.astype(int)
        endog = np.repeat(np.argsort(order)[codes], times)
        exog = problem.x[np.repeat(rows, times)]
    from statsmodels.discrete.discrete_model import MNLogit

    fitted = MNLogit(endog, exog).fit(disp=0)
    params = np.asarray(fitted.params).T
    y = output(problem, params)
    own = cross_entropy(problem.d, np.asarray(y), problem.weights)
    return Answer(name, params, np.asarray(fitted.bse).T, float(fitted.llf), own)


def fit_sklearn(problem: Problem) -> Answer:
    """Fit scikit-learn's LogisticRegression without a penalty."""
    name = ENGINES["scikit-learn"]
    if problem.rows is not None:
        return refuse(name, "scikit-learn's LogisticRegression fits no constraints")
    if problem.offset is not None:
        return refuse(name, "scikit-learn's LogisticRegression has no offset")
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import log_loss
    except ImportError:
        return refuse(name, "not installed (extra: sklearn)")
    rows, codes, weights = expand_rows(problem)
    x = problem.x[rows]
    model = LogisticRegression(
        C=np.inf, solver="newton-cholesky", fit_intercept=False, tol=1e-10, max_iter=200
    )
    model.fit(x, codes, sample_weight=weights)
    coef = model.coef_
    if len(coef) == 1:
        coef = np.vstack([np.zeros_like(coef), coef])
    params = np.delete(coef - coef[problem.base], problem.base, axis=0)
    y = output(problem, params)
    loss = log_loss(codes, model.predict_proba(x), normalize=False, sample_weight=weights)
    own = log_likelihood(problem.d, y, problem.weights)
    return Answer(name, params, None, own, float(loss))


def estimate_seconds(engine: str, problem: Problem) -> float:
    """Estimate an engine's time from n, K and J; constants measured on two cores."""
    rows, width = problem.x.shape
    equations = problem.d.shape[1] - 1
    hessian = 1.5e-9 * rows * problem.size**2 + 3e-10 * problem.size**3
    if engine == "cross-entropy" and problem.rows is not None:
        return 200 * (8 * rows * problem.size / 2e9 + 3e-9 * problem.size**3) + hessian
    if engine == "cross-entropy":
        return 300 * 4 * rows * width * (equations + 1) / 2e9 + hessian
    return hessian + (2e-3 * equations**2 if engine == "statsmodels" else 0.0)


def run_engine(engine: str, problem: Problem, seed: int) -> Answer:
    """Run an engine; an exception of another package becomes its reason."""
    functions: dict[str, Callable[[Problem], Answer]] = {
        "cross-entropy": partial(
            minimize_cross_entropy if problem.rows is None else minimize_under_constraints,
            seed=seed,
        ),
        "statsmodels": partial(_run_peer, "statsmodels.discrete.discrete_model", fit_statsmodels),
        "scikit-learn": partial(_run_peer, "sklearn.linear_model", fit_sklearn),
    }
    try:
        with np.errstate(all="ignore"):
            return functions[engine](problem)
    except Exception as error:  # noqa: BLE001 - any failure of a peer is its answer
        reason = str(error).split("\n")[0]
        return refuse(ENGINES[engine], f"failed with {type(error).__name__}: {reason}")


def _run_peer(module: str, fit: Callable[[Problem], Answer], problem: Problem) -> Answer:
    """Run a peer's fit quietly, its module loaded before: some set filters as they load."""
    with suppress(ImportError):
        run_quietly(import_module, module)
    return run_quietly(fit, problem)


def measure_gap(problem: Problem, better: Any, worse: Any) -> float:
    """Return how much higher the log-likelihood is at one point than at another.

    The difference is taken row by row, so that its rounding is that of the
    difference and not that of the sums.
    """
    logs = [np.log(np.maximum(output(problem, params), 1e-300)) for params in (better, worse)]
    return float(problem.weights @ (problem.d * (logs[0] - logs[1])).sum(axis=1))

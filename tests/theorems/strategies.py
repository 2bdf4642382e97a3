"""Problems drawn at random, and the ten lines of numpy they are checked with.

Hypothesis draws the kind of a problem (sizes, kinds of columns, outcome, weights,
offset, base) and the seed of the numbers in it. A draw is kept only if `climb`,
which shares no line with the package, finds a finite maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st

import mlelogit as ml
from mlelogit.inference.covariance import estimate_model_covariance
from mlelogit.results import MNLogitResults

THEOREM = settings(max_examples=100, deadline=None, derandomize=True)
KINDS = ("labels", "counts", "probabilities")
WEIGHTS = (None, "frequency", "sampling", "importance")
TINY = 1e-7


@dataclass(frozen=True, repr=False)
class Problem:
    """A drawn fit: x (n, K), d (n, J) as indicators, counts or shares, and the rest."""

    x: np.ndarray
    d: np.ndarray
    kind: str
    weights: np.ndarray | None
    weight_type: str | None
    offset: np.ndarray | None
    base: int
    constant: bool

    def __repr__(self) -> str:
        shape = f"n={len(self.x)}, K={self.x.shape[1]}, J={self.d.shape[1]}, base={self.base}"
        offset = "no offset" if self.offset is None else "offset"
        sizes = np.abs(self.x).max(axis=0).round(3).tolist()
        return f"<{self.kind}, {shape}, weights {self.weight_type}, {offset}, sizes {sizes}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def endog(self) -> np.ndarray:
        return self.d.argmax(axis=1) if self.kind == "labels" else self.d

    @property
    def w(self) -> np.ndarray:
        return np.ones(len(self.x)) if self.weights is None else self.weights

    @property
    def t(self) -> np.ndarray:
        return self.d.sum(axis=1)

    @property
    def free(self) -> np.ndarray:
        return np.delete(np.arange(self.d.shape[1]), self.base)

    def model(self, **changes: Any) -> ml.MNLogit:
        changed = replace(self, **changes)
        return ml.MNLogit(
            changed.endog,
            changed.x,
            base=changed.base,
            weights=changed.weights,
            weight_type=changed.weight_type,
            offset=changed.offset,
            outcome=changed.kind,
        )

    def fit(self, **changes: Any) -> MNLogitResults:
        res = self.model(**changes).fit()
        assert res.converged
        return res

    def take(self, rows: np.ndarray) -> Problem:
        """Return the problem on these rows, in this order, repeats allowed."""
        return replace(
            self,
            x=self.x[rows],
            d=self.d[rows],
            weights=None if self.weights is None else self.weights[rows],
            offset=None if self.offset is None else self.offset[rows],
        )

    def probabilities(self, params: np.ndarray) -> np.ndarray:
        """Return y (n, J) at params (J - 1, K)."""
        scores = np.zeros(self.d.shape)
        scores[:, self.free] = self.x @ params.T
        scores = scores if self.offset is None else scores + self.offset
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def derivatives(self, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return score (P,) and information (P, P) at params (J - 1, K), row by row."""
        y = self.probabilities(params)[:, self.free]
        residuals = self.w[:, None] * (self.d[:, self.free] - self.t[:, None] * y)
        spread = np.einsum("nj,jl->njl", y, np.eye(len(self.free))) - np.einsum("nj,nl->njl", y, y)
        scale = self.w * self.t
        information = np.einsum("n,njl,na,nb->jalb", scale, spread, self.x, self.x)
        return (residuals.T @ self.x).ravel(), information.reshape(params.size, params.size)

    def scores(self, params: np.ndarray) -> np.ndarray:
        """Return the scores of single observations (m, P), before weights, one row a person."""
        y = self.probabilities(params)
        rows = [np.kron((d - y[n])[self.free], self.x[n]) for n, d in self.observations()]
        return np.array(rows)

    def observations(self) -> list[tuple[int, np.ndarray]]:
        """Return (row, outcome (J,)) for every observation: each person of a row of counts."""
        if self.kind != "counts":
            return list(enumerate(self.d))
        eye = np.eye(self.d.shape[1])
        return [(n, eye[k]) for n, k in zip(*self.people(), strict=True)]

    def people(self) -> tuple[np.ndarray, np.ndarray]:
        """Return row and category of every person counted."""
        rows, codes = np.nonzero(self.d)
        times = self.d[rows, codes].astype(int)
        return np.repeat(rows, times), np.repeat(codes, times)


def climb(problem: Problem) -> tuple[np.ndarray, np.ndarray] | None:
    """Find params (J - 1, K) and their covariance by Newton's method, or give up."""
    size = problem.x.std(axis=0) + np.abs(problem.x.mean(axis=0))
    scaled = replace(problem, x=problem.x / size)
    params = np.zeros((problem.d.shape[1] - 1, problem.x.shape[1]))
    for _ in range(60):
        score, information = scaled.derivatives(params)
        if np.linalg.cond(information) > 1e10:
            return None
        step = np.linalg.solve(information, score)
        decrement = step @ score
        params = params + (step / max(1.0, np.sqrt(decrement))).reshape(params.shape)
        if decrement < 1e-22:
            scale = np.tile(size, len(params))
            return params / size, np.linalg.inv(information) / np.outer(scale, scale)
    return None


@st.composite
def problems(
    draw: st.DrawFn,
    kinds: tuple = KINDS,
    weight_types: tuple = WEIGHTS,
    offsets: tuple = (False, True),
    constants: tuple = (True, False),
    categories: tuple = (2, 3, 4),
) -> Problem:
    """Draw a problem with a finite maximum."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width = draw(st.integers(40, 90)), draw(st.integers(1, 3))
    size, constant = draw(st.sampled_from(categories)), draw(st.sampled_from(constants))
    x = draw_columns(rng, n, width, constant, draw(st.booleans()), draw(st.booleans()))
    kind, weight_type = draw(st.sampled_from(kinds)), draw(st.sampled_from(weight_types))
    problem = Problem(
        x=x,
        d=draw_outcome(rng, x, size, kind),
        kind=kind,
        weights=draw_weights(rng, n, weight_type),
        weight_type=weight_type,
        offset=rng.normal(size=(n, size)) if draw(st.sampled_from(offsets)) else None,
        base=draw(st.integers(0, size - 1)),
        constant=constant,
    )
    assume(climb(problem) is not None)
    return problem


def draw_columns(
    rng: np.random.Generator, n: int, width: int, constant: bool, dummies: bool, raw: bool
) -> np.ndarray:
    """Return a constant or none, numbers in units of one or raw, and a dummy or none."""
    columns = [np.ones(n)] if constant else []
    units = 10.0 ** rng.integers(-4, 5, size=width) if raw else np.ones(width)
    means = rng.uniform(-3, 3, size=width) if raw else np.zeros(width)
    columns += list(((rng.normal(size=(n, width)) + means) * units).T)
    if dummies:
        columns.append((rng.random(n) < 0.4).astype(float))
    return np.column_stack(columns)


def draw_outcome(rng: np.random.Generator, x: np.ndarray, size: int, kind: str) -> np.ndarray:
    """Return d (n, J) drawn from a softmax with modest slopes; every category occurs."""
    n = len(x)
    slopes = rng.normal(size=(size, x.shape[1])) * 0.5 / (x.std(axis=0) + 1e-3 * np.abs(x).max())
    scores = np.clip((x - x.mean(axis=0)) @ slopes.T, -3, 3)
    y = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    if kind == "probabilities":
        return np.array([rng.dirichlet(3 * row + 0.3) for row in y])
    people = np.ones(n, dtype=int) if kind == "labels" else rng.integers(1, 4, size=n)
    d = np.array([rng.multinomial(p, row) for p, row in zip(people, y, strict=True)], dtype=float)
    d[:size] = np.eye(size) * people[:size, None]
    return d


def draw_weights(rng: np.random.Generator, n: int, weight_type: str | None) -> np.ndarray | None:
    """Return positive weights: whole numbers for frequencies."""
    if weight_type is None:
        return None
    whole = rng.integers(1, 5, size=n).astype(float)
    return whole if weight_type == "frequency" else rng.uniform(0.2, 3.0, size=n)


def distance(left: Any, right: Any, errors: Any) -> float:
    """Return the largest difference of coefficients in standard errors."""
    gap = np.abs(np.asarray(left) - np.asarray(right)) / np.asarray(errors)
    return float(gap.max())


def relative(left: Any, right: Any) -> float:
    """Return the largest relative difference."""
    one, two = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    return float(np.max(np.abs(one - two) / np.maximum(np.abs(two), 1e-300)))


def matrix_gap(left: Any, right: Any) -> float:
    """Return the largest difference of covariances in products of standard errors."""
    one, two = np.asarray(left), np.asarray(right)
    scale = np.sqrt(np.diag(two))
    return float(np.max(np.abs(one - two) / np.outer(scale, scale)))


def params_of(res: MNLogitResults) -> np.ndarray:
    """Return estimates (J - 1, K)."""
    return res.params.to_numpy().T


STATISTICS = ("llf", "llnull", "llr", "prsquared", "aic", "bic")
SANDWICHES = ("HC0", "HC1", "HC2", "HC3", "robust")
EXACT = ("nobs", "df_model", "df_resid")


def by_information(res: MNLogitResults) -> MNLogitResults:
    """Return a fit with the inverse information beside it, which sampling weights do not offer."""
    return MNLogitResults(res.record, estimate_model_covariance(res.record))


def kinds_for(problem: Problem) -> tuple:
    """Return the covariances that a problem's weights allow."""
    if problem.weight_type == "importance":
        return ("nonrobust",)
    return SANDWICHES if problem.weight_type == "sampling" else ("nonrobust", "opg", *SANDWICHES)


def same_outputs(one: MNLogitResults, two: MNLogitResults, kinds: tuple = ()) -> None:
    """Assert that two fits agree in params, statistics and covariances of these kinds."""
    left, right = by_information(one), by_information(two)
    assert distance(one.params, two.params, right.bse) < TINY
    assert matrix_gap(left.cov_params(), right.cov_params()) < TINY
    for name in EXACT:
        assert abs(getattr(one, name) - getattr(two, name)) <= 1e-12 * two.nobs, name
    for name in STATISTICS:
        left, right = getattr(one, name), getattr(two, name)
        if np.isnan(right):
            assert np.isnan(left), name
        else:
            assert abs(left - right) <= 1e-9 * abs(two.llnull), name
    for kind in kinds:
        left, right = one.with_cov(kind).cov_params(), two.with_cov(kind).cov_params()
        assert matrix_gap(left, right) < TINY, kind

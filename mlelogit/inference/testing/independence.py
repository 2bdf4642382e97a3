"""Tests of the independence of irrelevant alternatives, with what they are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from mlelogit.data.arguments import check_choice, settle_seed
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.linalg import factor_positive
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.products import unpack_gram
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import RANK_TOLERANCE, Covariance
from mlelogit.inference.sandwich.requests import PLAIN
from mlelogit.inference.testing.hypothesis import (
    TestResult,
    frame_tests,
    make_test,
    refuse_test,
    whiten_matrix,
    whitened_distance,
)
from mlelogit.inference.testing.maintained import NOT_CONVERGED, UNFORMED
from mlelogit.inference.testing.subsets import (
    Reduction,
    climb_subset,
    halve,
    leave_out,
    make_subset_objective,
    reduce_choice,
    sum_conditional,
    sum_joint_meat,
)
from mlelogit.markup import Shown, write_html
from mlelogit.notices import track

NAMES = {
    "score": "Score form of the Hausman-McFadden test of IIA",
    "robust": "Hausman-McFadden test of IIA with a joint robust covariance",
    "hausman-mcfadden": "Hausman-McFadden test of IIA",
    "small-hsiao": "Small-Hsiao test of IIA",
}
NULL = (
    "the odds of the other categories are the same without the category left out (independence "
    "of irrelevant alternatives)"
)
NOTE = (
    "Read with care: tests that leave a category out reject far too often, or hardly ever, in "
    "simulations of the model itself, the more so in small samples, and disagree with each other "
    "(Fry and Harris 1996, 1998; Cheng and Long 2007, who find them unsatisfactory for applied "
    "work). Whether categories are substitutes is a question about the subject first."
)
WEIGHT = np.sqrt(0.5)
TWO_CATEGORIES = "with two categories nothing is left to choose when one is left out"
INDEFINITE = (
    "the difference of the two covariances is not positive definite, so that the statistic, which "
    "can be negative, is not chi-squared; kind='robust' cannot fail in this way"
)
SINGULAR = (
    "both models must agree on every coefficient: observations, or distinct values of the "
    "columns, are too few"
)
NO_MAXIMUM = (
    "without the category no finite maximum has been shown to exist: too few rows are left, or "
    "they are separated"
)


@dataclass(frozen=True, repr=False)
class IndependenceTests(Shown):
    """Tests of IIA, one for each category left out.

    Made by `mlelogit.inference.testing.independence.iia_tests`.

    Attributes
    ----------
    name : str
        Which test.
    null : str
        The null hypothesis in words.
    frame : pandas.DataFrame
        Index left_out; columns statistic, df, p_value, and reason if any does not apply.
    note : str
        What is known of the test's worth.
    """

    name: str
    null: str
    frame: pd.DataFrame
    note: str = NOTE

    def __str__(self) -> str:
        head = f"{self.name}\nNull hypothesis: {self.null}\n"
        return "\n".join([head + self._numbers.to_string(), *self._reasons, self.note])

    def _repr_html_(self) -> str:
        beneath = "\n".join((*self._reasons, self.note))
        return write_html(self.name, f"Null hypothesis: {self.null}", self._numbers, beneath)

    @property
    def _numbers(self) -> pd.DataFrame:
        return self.frame.drop(columns="reason", errors="ignore")

    @property
    def _reasons(self) -> list[str]:
        """Why tests do not apply, each reason once with the categories it is about."""
        about: dict[str, list[str]] = {}
        for category, reason in self.frame.get("reason", pd.Series(dtype=object)).items():
            about.setdefault(reason, []).append(str(category))
        return [f"{', '.join(who)}: {why}." for why, who in about.items() if why]


Test = Callable[[Reduction], TestResult]


@single_threaded_blas
def iia_tests(
    record: FitRecord, covariance: Covariance, kind: str = "score", seed: Any = 0
) -> IndependenceTests:
    r"""Test the independence of irrelevant alternatives, leaving one category out at a time.

    Under the model the equations of the other categories can be estimated from those who chose
    one of them alone, by ``b_r`` with covariance ``V_r``; ``b_f`` and ``V_f`` are theirs in the
    full fit. All coefficients are compared, the constant's too, so there are ``(J - 2) K``
    degrees of freedom; which category is the base does not matter. Kinds:

    - "score": ``g' W⁻¹ g`` with g the score of the model without the category at b_f, and W its
      variance: with the nonrobust covariance ``I_r - I_r V_f I_r``, I_r being the information
      expected of those who do not choose the category, else from the outer products of the
      observations' scores in both models (Newey 1985; McFadden 1987). Nothing is fitted anew,
      and it cannot be negative.
    - "robust": ``d' W⁻¹ d`` with ``d = b_r - b_f`` and W the variance of d, from the same outer
      products (White 1982; Weesie 1999), as ``suest`` in Stata. It cannot be negative either.
    - "hausman-mcfadden": ``d' (V_r - V_f)⁻¹ d`` (Hausman and McFadden 1984), with covariances
      I⁻¹ whatever the one in use. Where ``V_r - V_f`` is not positive definite the statistic is
      given as it is, by the Moore-Penrose inverse on the scale of V_r, without a p-value.
    - "small-hsiao": the people are halved at random. ``-2 (l(b_m) - l(b_r))``, with both from
      the second half without the category, b_r its maximum, and ``b_m = b_1 / √2 + (1 - 1/√2)
      b_2`` of the full models of both halves (Small and Hsiao 1985; Zhang and Hoffman 1993,
      equation 9). Another seed, or order of the rows, gives another answer.

    Outer products are multiplied by n / (n - 1), suppose independent observations and allow
    sampling weights. Where few distinct values of the columns, or effects next to none, let both
    models agree on some combination of coefficients (its variance in W is below 1e-10 of that in
    the model without the category), "score" and "robust" leave it out with its degree of freedom.

    All are tests of the odds and of the whole specification at once: a rejection is no proof
    that a nested or mixed model is needed, nor is its absence one that it is not. Their sizes
    can be far from nominal (Fry and Harris 1996, 1998; Cheng and Long 2007). Of 1000 samples of
    500 rows from the model, with three categories and two columns, "score" rejected 4 to 7 % at
    the level of 5 % (5 to 10 % by outer products), "small-hsiao" 5 to 7 % and "robust" 0 to 4 %,
    and "hausman-mcfadden" had a p-value in 12 to 50 % of them only.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        The one in use: "score" goes by it, and neither that nor "robust" applies if it is for
        dependent observations.
    kind : {"score", "robust", "hausman-mcfadden", "small-hsiao"}
    seed : int, numpy.random.Generator or None
        Of the halves.

    Returns
    -------
    IndependenceTests

    Raises
    ------
    OptionError
        If the kind is unknown, or the seed is none.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("PID ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.iia_tests("robust").frame["df"].unique().tolist()
    [15]
    >>> bool((res.iia_tests().frame["statistic"] >= 0).all())
    True
    """
    check_choice("kind", kind, tuple(NAMES))
    settled = settle_seed(seed)
    name = f"{NAMES[kind]} (seed {settled})" if kind == "small-hsiao" else NAMES[kind]
    categories, base = record.encoding.categories, record.encoding.base
    df = (len(categories) - 2) * len(record.encoding.names)
    reason = _find_reason(record, covariance, kind)
    tests: dict[Any, TestResult] = {}
    if reason:
        tests = {category: refuse_test(name, NULL, df, reason) for category in categories}
        return IndependenceTests(name, NULL, frame_tests(tests, ["left_out"], NULL))
    test = _prepare(record, covariance, kind, np.random.default_rng(settled))
    for position, category in track(list(enumerate(categories)), "Categories left out"):
        tests[category] = test(reduce_choice(len(categories), base, position))
    return IndependenceTests(name, NULL, frame_tests(tests, ["left_out"], NULL))


def _find_reason(record: FitRecord, covariance: Covariance, kind: str) -> str:
    """Say why no category can be left out; nothing if all can be tried."""
    weights = record.weight_type
    joint = kind == "robust" or (kind == "score" and covariance.kind != "nonrobust")
    reasons = {
        TWO_CATEGORIES: len(record.encoding.categories) == 2,
        "the data are separated, and a coefficient in it is infinite": record.separation.found,
        "the fit was held to equations, which fits without a category are not": (
            record.restriction is not None
        ),
        "the test is about maxima of the likelihood, and this fit reduced its bias": (
            record.maximum.bias_reduction is not None
        ),
        UNFORMED: record.sums.information is None,
        NOT_CONVERGED: not record.maximum.converged,
        "importance weights do not say how many observations a row stands for": (
            weights == "importance" and (joint or kind == "small-hsiao")
        ),
        "with sampling weights it does not apply; use kind='robust'": (
            weights == "sampling" and not joint
        ),
        f"it supposes independent observations, and the {covariance.kind} covariance does not": (
            joint and covariance.kind not in PLAIN
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _prepare(
    record: FitRecord, covariance: Covariance, kind: str, generator: np.random.Generator
) -> Test:
    """Do once what the tests of all categories share."""
    if kind != "score":
        record = record.in_memory()
    if kind == "hausman-mcfadden":
        return partial(_test_by_difference, record)
    if kind != "small-hsiao":
        rows = record.need_blocks().in_basis(record.basis)
        if kind == "score":
            return partial(_test_by_score, record, rows, covariance.kind != "nonrobust")
        return partial(_test_jointly, record, rows)
    first, second = halve(record.need_blocks().design, generator)
    base, start = record.encoding.base, record.inner_params
    objectives = [make_subset_objective(record, half, base) for half in (first, second)]
    maxima = [climb_subset(record, objective, start) for objective in objectives]
    return partial(_test_halves, record, second, maxima)


def _spread_contrasts(record: FitRecord, reduction: Reduction) -> np.ndarray:
    """Return ``C ⊗ 1_K``: what the full fit's params say of the rest."""
    return np.kron(reduction.contrasts, np.eye(len(record.basis.scale)))


def _climb_rest(record: FitRecord, reduction: Reduction) -> tuple[Maximum, np.ndarray]:
    """Climb the model without the category; return its maximum and the full fit's params."""
    known = _spread_contrasts(record, reduction) @ record.inner_params
    design = leave_out(record.need_blocks().design, reduction)
    return climb_subset(record, make_subset_objective(record, design, reduction.base), known), known


def _test_by_difference(record: FitRecord, reduction: Reduction) -> TestResult:
    rest, known = _climb_rest(record, reduction)
    name, df = NAMES["hausman-mcfadden"], len(known)
    if not rest.converged or rest.inverse is None or record.maximum.inverse is None:
        return refuse_test(name, NULL, df, NO_MAXIMUM)
    change = _spread_contrasts(record, reduction)
    lower = np.linalg.cholesky(rest.inverse)
    gap = solve_triangular(lower, rest.params - known, lower=True)
    less = np.eye(df) - whiten_matrix(change @ record.maximum.inverse @ change.T, lower)
    gains, vectors = np.linalg.eigh(less)
    told = np.abs(gains) > RANK_TOLERANCE
    statistic = float(((vectors.T @ gap)[told] ** 2 / gains[told]).sum())
    if gains[0] <= RANK_TOLERANCE:
        return TestResult(name, NULL, statistic, df, np.nan, INDEFINITE)
    return make_test(name, NULL, statistic, df)


def _test_jointly(record: FitRecord, rows: RowBlocks, reduction: Reduction) -> TestResult:
    rest, known = _climb_rest(record, reduction)
    name, df = NAMES["robust"], len(known)
    if not rest.converged or rest.inverse is None or record.maximum.inverse is None:
        return refuse_test(name, NULL, df, NO_MAXIMUM)
    meat = _sum_joint(record, rows, rest.params, reduction)
    change = _spread_contrasts(record, reduction)
    bread = np.hstack([-change @ record.maximum.inverse, rest.inverse])
    lower = np.linalg.cholesky(rest.inverse)
    return _judge(name, *whitened_distance(rest.params - known, bread @ meat @ bread.T, lower))


def _judge(name: str, statistic: float, rank: int) -> TestResult:
    return make_test(name, NULL, statistic, rank) if rank else refuse_test(name, NULL, 0, SINGULAR)


def _sum_joint(
    record: FitRecord, rows: RowBlocks, rest: np.ndarray, reduction: Reduction
) -> np.ndarray:
    """Return the corrected meat of both models, the full one at its maximum, the other at rest."""
    squared = record.weight_type == "sampling"
    at = record.inner_params, rest, record.encoding.base, reduction
    meat = unpack_gram(rows.reduce(sum_joint_meat, *at, squared).value, rows.width)
    return meat * record.nobs / (record.nobs - 1)


def _test_by_score(
    record: FitRecord, rows: RowBlocks, joint: bool, reduction: Reduction
) -> TestResult:
    whole, change = record.inner_params, _spread_contrasts(record, reduction)
    name, df = NAMES["score"], len(change)
    sums = rows.reduce(sum_conditional, whole, record.encoding.base, reduction)
    information = unpack_gram(np.asarray(sums.information), rows.width)
    lower = factor_positive(information)
    if lower is None or record.maximum.inverse is None:
        return refuse_test(name, NULL, df, NO_MAXIMUM)
    carried = information @ change @ record.maximum.inverse
    if joint:
        turn = np.hstack([-carried, np.eye(df)])
        spread = turn @ _sum_joint(record, rows, change @ whole, reduction) @ turn.T
    else:
        spread = information - carried @ change.T @ information
    return _judge(name, *whitened_distance(np.asarray(sums.score), spread, lower))


def _test_halves(
    record: FitRecord, second: Any, maxima: list[Maximum], reduction: Reduction
) -> TestResult:
    name, change = NAMES["small-hsiao"], _spread_contrasts(record, reduction)
    df = len(change)
    if not all(maximum.converged for maximum in maxima):
        reason = "no finite maximum has been shown to exist in a half of the people; try a seed"
        return refuse_test(name, NULL, df, reason)
    mixed = change @ (WEIGHT * maxima[0].params + (1 - WEIGHT) * maxima[1].params)
    objective = make_subset_objective(record, leave_out(second, reduction), reduction.base)
    rest = climb_subset(record, objective, mixed)
    if not rest.converged:
        return refuse_test(name, NULL, df, NO_MAXIMUM)
    left = objective.evaluate(mixed, 0).loglike
    return make_test(name, NULL, max(2 * (rest.sums.loglike - left), 0.0), df)

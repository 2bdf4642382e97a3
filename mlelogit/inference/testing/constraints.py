r"""Tests of a fit's constraints, and what is to be said about them.

With R the rows in force, ``R b = q``, s the score and V the inverse information at the
constrained estimates, the multipliers solve ``s = R'λ``. If the constraints are true they are
normal about zero with covariance ``(R V R')⁻¹``, and ``λ'R V R'λ = s'V s`` is chi-squared: the
Lagrange multiplier test of Aitchison and Silvey (1958), which is the score test of Rao (1948).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from mlelogit.exceptions import ConstraintError
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.constrained.constraints import Constraints, find_fixed, list_positions
from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.limit import CERTIFIED
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import two_sided_p
from mlelogit.inference.covariance import Covariance, estimate_covariance, rests_on_model
from mlelogit.inference.fit_statistics import (
    BOUND_REASON,
    PSEUDO_REASON,
    SCORE_BOUND_REASON,
    WALD_BOUND_REASON,
    find_reason,
)
from mlelogit.inference.sandwich.requests import COVARIANCES
from mlelogit.inference.testing.hypothesis import TestResult, make_test, refuse_test, wald_test
from mlelogit.inference.testing.mixtures import mix_test
from mlelogit.inference.testing.nesting import list_words
from mlelogit.markup import Shown, write_html
from mlelogit.notices import run_quietly

SHOWN = 6
NOTHING = "no constraint is in force: the fit is the unconstrained one"
UNFINISHED = "the constrained fit has no certified maximum"
UNBOUNDED = "without the constraints no finite maximum has been shown to exist"
SINGULAR = "the information at the constrained estimates is singular"


@dataclass(frozen=True, repr=False)
class ConstraintTests(Shown):
    """Tests of whether a fit's constraints are true.

    Made by `mlelogit.inference.testing.constraints.test_constraints`.

    Attributes
    ----------
    lr : TestResult
        Likelihood ratio, against the fit without constraints; with bounds its law is a mixture
        of chi-squares, see `mlelogit.inference.testing.mixtures`. On separated data both
        log-likelihoods are suprema.
    wald : TestResult
        At the estimates without constraints, with the fit's kind of covariance.
    score : TestResult
        Lagrange multiplier test, at the constrained estimates. It and the Wald test do not
        apply where a bound is active.
    frame : pandas.DataFrame
        A row for every constraint, in words: columns role ("held", "active bound", "implied by
        others", which can be a bound that is met, "slack bound"), multiplier (by how much the
        log-likelihood would rise with the right side, per unit), std_err, z and p_value, which
        are NaN where they do not apply.
    """

    lr: TestResult
    wald: TestResult
    score: TestResult
    frame: pd.DataFrame

    def __str__(self) -> str:
        tests = "\n\n".join(str(test) for test in (self.lr, self.wald, self.score))
        return f"{tests}\n\nMultipliers\n{self.frame.to_string()}"

    def _repr_html_(self) -> str:
        tests = [str(test) for test in (self.lr, self.wald, self.score)]
        return write_html("Tests of the constraints", *tests, "Multipliers", self.frame)


def need_constraints(record: FitRecord) -> Constraints:
    """Return a fit's constraints, or raise `ConstraintError`."""
    if record.constraints is None:
        raise ConstraintError(
            "This fit has no constraints to test; fit(constraints=..., equations=...) takes some. "
            "wald_test and lr_test test hypotheses about a fit without them."
        )
    return record.constraints


def test_constraints(record: FitRecord, covariance: Covariance) -> ConstraintTests:
    """Test a fit's constraints by likelihood ratio, Wald and score, and each multiplier.

    Parameters
    ----------
    record : FitRecord
        Of a constrained fit, with its rows.
    covariance : Covariance
        Its kind is that of the Wald test.

    Returns
    -------
    ConstraintTests

    Raises
    ------
    ConstraintError
        If the fit has no constraints.
    DataNotKeptError
        If it no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> model = ml.mnlogit("vote ~ age + educ + income", ml.datasets.load_anes96())
    >>> tests = model.fit(constraints="Dole: educ = Dole: income").constraint_tests()
    >>> tests.lr.df, tests.lr.p_value > 0.01
    (1, True)
    """
    constraints = need_constraints(record)
    said = "; ".join(constraints.given.pick(list_positions(constraints.held)).words) or "none"
    df = int(constraints.held.sum())
    if not (record.maximum.converged or record.separation.found):
        none = [refuse_test(name, said, df, UNFINISHED) for name in NAMES]
        return ConstraintTests(none[0], none[1], none[2], frame_multipliers(record))
    free = free_record(record) if df else record
    ratio, score = _test_ratio(record, free, said, df), _test_score(record, said, df)
    if not rests_on_model(record, covariance):
        unused = f" (of the likelihood; the {covariance.kind} covariance is unused)"
        ratio, score = (replace(test, name=test.name + unused) for test in (ratio, score))
    wald = _test_wald(record, free, covariance, said, df)
    return ConstraintTests(ratio, wald, score, frame_multipliers(record))


NAMES = (
    "Likelihood-ratio test of the constraints",
    "Wald test of the constraints",
    "Score (Lagrange multiplier) test of the constraints",
)


def free_record(record: FitRecord) -> FitRecord:
    """Return a record of the same model fitted without constraints.

    If that climb is not certified, of all that a fit finds out: whether the data are separated,
    and the supremum if they are.
    """
    basis = record.basis
    request = replace(record.request, constraints=None, start_params=None)
    objective = make_objective(record.need_blocks(), record.encoding.base, basis)
    start = record.inner_params
    climbed = maximize(objective, start, tolerance=request.tolerance)
    if not climbed.converged:
        design = replace(record.need_blocks().design, encoding=record.encoding)
        return run_quietly(partial(estimate, basis=basis), design, request)
    outer = basis.leave_params(climbed.params.reshape(record.params.shape)).ravel()
    return replace(
        record,
        request=request,
        maximum=replace(climbed, params=outer),
        separation=CERTIFIED,
        restriction=None,
        constraints=None,
    )


def _test_ratio(record: FitRecord, free: FitRecord, said: str, df: int) -> TestResult:
    bounded = need_constraints(record).bounds.any()
    known = free.maximum.converged or free.separation.found
    reason = find_reason(record) or ("" if known else UNBOUNDED)
    reason = reason or ("" if df or bounded else NOTHING)
    if reason:
        return refuse_test(NAMES[0], said, df, reason)
    # With no constraint in force both are the same maximum.
    statistic = 2 * (free.sums.loglike - record.sums.loglike) if df else 0.0
    if bounded:
        said = "; ".join(need_constraints(record).given.words)
        return mix_test(record, f"{NAMES[0]} (chi-bar-squared)", said, statistic)
    return make_test(NAMES[0], said, statistic, df)


def _test_wald(
    record: FitRecord, free: FitRecord, covariance: Covariance, said: str, df: int
) -> TestResult:
    name = f"{NAMES[1]} ({covariance.kind} covariance)"
    reason = "" if df else NOTHING
    if record.at_bounds:
        reason = WALD_BOUND_REASON
    elif not free.maximum.converged:
        reason = UNBOUNDED
    elif covariance.kind not in COVARIANCES:
        reason = f"a {covariance.kind} covariance is not formed without the constraints"
    if reason:
        return refuse_test(name, said, df, reason)
    restriction = record.need_restriction()
    found = estimate_covariance(free, covariance.request or covariance.kind)
    test = wald_test(free, found, restriction.matrix, restriction.values)
    return replace(test, name=name, null=said)


def _test_score(record: FitRecord, said: str, df: int) -> TestResult:
    reason = "" if df else NOTHING
    reason = reason or ("" if record.maximum.converged else UNFINISHED)
    reason = reason or (PSEUDO_REASON if record.weight_type == "sampling" else "")
    reason = reason or (SCORE_BOUND_REASON if record.at_bounds else "")
    inverse = None if reason else _invert_information(record)
    if inverse is None:
        return refuse_test(NAMES[2], said, df, reason or SINGULAR)
    score = np.asarray(record.sums.score)
    return make_test(NAMES[2], said, float(score @ inverse @ score), df)


def _invert_information(record: FitRecord) -> np.ndarray | None:
    information = record.sums.information
    factor = None if information is None else factor_positive(np.asarray(information))
    return None if factor is None else invert_positive(factor)


def frame_multipliers(record: FitRecord) -> pd.DataFrame:
    """Return a row for every constraint of a fit: its role and multiplier, and tests of that.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.DataFrame
        A row per constraint, in words.

    Raises
    ------
    ConstraintError
        If the fit has no constraints.

    Examples
    --------
    >>> import mlelogit as ml
    >>> model = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96())
    >>> model.fit(constraints="Dole: age = 0").multipliers.shape[0]
    1
    """
    constraints = need_constraints(record)
    errors = _find_errors(record)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = constraints.multipliers / errors
    roles = np.select(
        [constraints.active, constraints.implied, constraints.held],
        ["active bound", "implied by others", "held"],
        "slack bound",
    )
    return pd.DataFrame(
        {
            "role": roles,
            "multiplier": constraints.multipliers,
            "std_err": errors,
            "z": z,
            "p_value": two_sided_p(z),
        },
        index=pd.Index(constraints.given.words, name="constraint"),
    )


def _find_errors(record: FitRecord) -> np.ndarray:
    """Return standard errors of multipliers (m,); NaN of rows that have none."""
    constraints = need_constraints(record)
    errors = np.full(len(constraints.given), np.nan)
    inverse = _invert_information(record)
    told = constraints.held & ~constraints.bounds
    if inverse is None or record.weight_type == "sampling" or not told.any():
        return errors
    rows = enter_rows(constraints.given.matrix[constraints.held], None, record.basis)
    # (R V R')⁻¹ of rows that may be nearly parallel: with R = T' Q' it is T⁻¹ (Q' V Q)⁻¹ T⁻ᵀ.
    turned, triangle = np.linalg.qr(rows.T)
    half = np.linalg.inv(np.linalg.cholesky(turned.T @ inverse @ turned)).T
    errors[constraints.held] = np.linalg.norm(solve_triangular(triangle, half), axis=1)
    errors[~told] = np.nan
    return errors


def mark_fixed(record: FitRecord) -> dict[int, str]:
    """Return the positions (of P) of coefficients that do not vary, and why in a word or two."""
    if record.constraints is None:
        return {}
    constraints = record.constraints
    equations = constraints.given.pick(list_positions(constraints.held & ~constraints.bounds))
    fixed = find_fixed(equations, record.basis)
    every = find_fixed(record.restriction, record.basis)
    return {int(i): "(fixed)" if i in fixed else "(at bound)" for i in every}


def tell_constraints(record: FitRecord) -> list[str]:
    """Say what a fit was held to, for the notes under its table."""
    constraints = record.constraints
    if constraints is None:
        return []
    held, active, implied = constraints.held, constraints.active, constraints.implied
    slack = constraints.bounds & ~active & ~implied
    costs = [
        f"{words} (multiplier {cost:.4g})"
        for words, cost in zip(constraints.given.words, constraints.multipliers, strict=True)
    ]
    lines = [
        _list_words("Held to", constraints.given.words, held & ~active),
        _list_words("Implied by other constraints", constraints.given.words, implied),
        _list_words("At these bounds", costs, active),
        _list_words("Within these bounds", constraints.given.words, slack),
    ]
    if constraints.at_bounds:
        lines.append(
            "Standard errors, intervals, tests, AIC and BIC take the bounds that are met for "
            f"equations, and are conditional on that; {BOUND_REASON}."
        )
    return [line for line in lines if line]


def _list_words(head: str, words: tuple[str, ...] | list[str], which: np.ndarray) -> str:
    found = [words[i] for i in list_positions(which)]
    return f"{head}: {list_words(found, SHOWN)}." if found else ""

r"""Bias reduction: climb the penalized log-likelihood, then bring the adjusted score to zero.

"mean" maximizes ``l(θ) + 1/2 log det I(θ)`` (Firth 1993), which for this model, whose link is
canonical, is what the adjusted scores of Kosmidis and Firth (2011) solve. "median" solves the
adjusted scores of Kenne Pagui, Salvan and Sartori (2017), from the solution of "mean" on;
they are the gradient of no function. `mlelogit.fitting.adjustments` has the formulas,
``docs/explanation/derivations.md`` how they follow.

On separated data too estimates are finite: along every straight way to infinity the determinant
of the information goes to zero, and the penalty with it to minus infinity (Kosmidis and Firth
2021 prove it for two categories).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import BiasReductionError, NotConvergedWarning, OptionError
from mlelogit.fitting.adjustments import sum_mean_adjustment, sum_third_cumulants
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.climb import CLOSE, Climb, Curvature, Objective, find_curvature
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import AdjustedScore, Maximum, Status
from mlelogit.fitting.objective import LogLikelihood, PenalizedObjective
from mlelogit.fitting.optimization import DEFAULT_MAXITER, climb_once, find_method, maximize
from mlelogit.fitting.scoring import Point, find_limit, find_stiffness, solve
from mlelogit.fitting.warmup import LARGE_WORK, Start, warm_up
from mlelogit.fitting.whitening import DenseWhitening
from mlelogit.notices import warn_user

BIAS_REDUCTIONS = ("mean", "median")
# Bias-reduced estimates of many rows are near the maximum, if it is soon found.
MAXIMUM_STEPS = 60
# The climb's goal, as a length of the score: values still tell points apart there, and the
# flat valleys of separated data have come to an end.
CLIMBED = 1e-3
ROUNDS = 30


@dataclass(frozen=True)
class PenalizedLogLikelihood(PenalizedObjective):
    """``l(θ) + 1/2 log det I(θ)`` as a function to climb.

    Attributes
    ----------
    basis : ColumnBasis
        That of its parameters.
    """

    basis: ColumnBasis

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return its value, its gradient from order 1 on, and the information in any case."""
        sums = self.plain.evaluate(params, 2)
        curvature = find_curvature(np.asarray(sums.information))
        if curvature is None:
            return replace(sums, loglike=-np.inf)
        penalty = float(np.log(np.diag(curvature.root.lower)).sum()) + self.logarithm
        penalized = replace(sums, loglike=sums.loglike + penalty)
        if order == 0:
            return penalized
        covariance, outer, base = self._leave(params, curvature.inverse)
        added = self.plain.blocks.reduce(sum_mean_adjustment, outer, base, covariance).value
        if self.plain.basis is not None:
            added = self.plain.basis.enter_score(added)
        return replace(penalized, score=np.asarray(sums.score) + added)

    @cached_property
    def logarithm(self) -> float:
        """Half the log-determinant that the information gains in the columns of the design."""
        scales = np.log(np.abs(np.diag(self.basis.r))) + np.log(self.basis.scale)
        return float((self.plain.blocks.categories - 1) * scales.sum())

    def _leave(
        self, params: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Return V and params in the columns that the blocks come with, and the base."""
        basis, base = self.plain.basis, self.plain.base
        if basis is None:
            return covariance, params, base
        return basis.leave_covariance(covariance), basis.leave_params(params), base

    def shift_to_median(self, params: np.ndarray, curvature: Curvature) -> np.ndarray:
        """Return F (P,), the mean-reduced less the median-reduced step, in the basis.

        F belongs to the coefficients of the design's own columns, and is found for those:
        the median of a combination of estimates is not that combination of medians.
        """
        width, size = self.plain.blocks.width, len(params)
        inverse = curvature.inverse.reshape(size, -1, width)
        rows = np.ascontiguousarray(self.basis.leave_params(inverse).reshape(size, size).T)
        mapped = self.basis.leave_params(rows.reshape(size, -1, width)).reshape(size, size)
        if self.plain.basis is not None:
            rows, params = mapped, self.plain.basis.leave_params(params)
        cumulants = self.plain.blocks.reduce(sum_third_cumulants, params, self.plain.base, rows)
        shift = cumulants.value / (3 * np.diag(mapped))
        return self.basis.enter_params(shift.reshape(-1, width)).ravel()


def check_bias_reduction(kind: str | None, weight_type: str | None = None) -> None:
    """Raise if a bias reduction is unknown, or has no theory for the weights."""
    if kind is None:
        return
    if not (isinstance(kind, str) and kind in BIAS_REDUCTIONS):
        raise OptionError(
            f"bias_reduction must be one of {', '.join(BIAS_REDUCTIONS)}, or None for maximum "
            f"likelihood, not {write_value(kind)}."
        )
    if weight_type == "sampling":
        raise BiasReductionError(
            "Bias reduction rests on the information of a likelihood, and sampling weights make a "
            "pseudo-likelihood; use frequency or importance weights, or no bias_reduction."
        )


def refuse_large(size: int, too_large: bool) -> None:
    """Raise if the information of so many parameters is too large to be formed unasked."""
    if too_large:
        raise BiasReductionError(
            f"Bias reduction needs several arrays of {size} x {size} numbers, "
            f"{8 * size**2 / 1e9:.1f} GB each; cov_type='nonrobust' asks for them."
        )


def reduce_bias(
    objective: PenalizedLogLikelihood,
    kind: str,
    given: np.ndarray | None,
    nothing: Start,
    method: str = "auto",
    maxiter: int | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    callback: Callable[[np.ndarray], Any] | None = None,
) -> Maximum:
    """Find the bias-reduced estimates.

    Parameters
    ----------
    objective : PenalizedLogLikelihood
    kind : {"mean", "median"}
    given : numpy.ndarray or None
        Where to start (P,), if the user said so. A start that leads nowhere gives way to the
        null model.
    nothing : Start
        The null model, to start from if not. With many rows, method="auto" and no maxiter the
        maximum of the log-likelihood itself is nearer, and found first.
    method : str
        How the penalized log-likelihood is climbed, as for `maximize`; "auto" is L-BFGS-B.
    maxiter : int, optional
        Iterations in all, `DEFAULT_MAXITER` if not given.
    tolerance : float
        Longest adjusted score, in standard errors, that counts as converged.
    callback : callable, optional
        Called with the parameters after every iteration; a true answer stops.

    Returns
    -------
    Maximum
        Its sums and certificate are those of the log-likelihood itself; its trace's are the
        penalized one's.
    """
    chosen = "L-BFGS-B" if method == "auto" else find_method(method, objective.plain.size)
    options = (kind, chosen, maxiter or DEFAULT_MAXITER, tolerance, callback)
    if given is not None and np.isfinite(objective.evaluate(given, 0).loglike):
        solved = _reduce_from(objective, given, *options)
        if solved.status is not Status.UNSOLVED:
            return solved
    free = given is None and method == "auto" and maxiter is None
    start = _look_ahead(objective.plain, nothing) if free else nothing.params
    return _reduce_from(objective, start, *options)


def _reduce_from(
    objective: PenalizedLogLikelihood,
    start: np.ndarray,
    kind: str,
    method: str,
    maxiter: int,
    tolerance: float,
    callback: Callable[[np.ndarray], Any] | None,
) -> Maximum:
    climb = Climb(objective, start, maxiter, tolerance, callback)
    _climb(climb, method)
    median = objective if kind == "median" else None
    last = solve(climb, partial(_look, climb, median), median is None)
    penalized = last.sums.loglike if kind == "mean" else np.nan
    plain = Climb(objective.plain, climb.params, 1, tolerance, None)
    plain.certify()
    return replace(
        climb.finish(method),
        status=_judge(climb, last.length),
        certificate=plain.certificate,
        sums=plain.sums,
        inverse=None if plain.curvature is None else plain.curvature.inverse,
        adjusted=AdjustedScore(kind, last.length, find_limit(climb), penalized),
    )


def climb_penalized(objective: Objective, start: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Return the params that maximize a penalized log-likelihood, or None if none are found.

    Parameters
    ----------
    objective : Objective
        `PenalizedLogLikelihood`, as it is or under linear equations.
    start : numpy.ndarray
    tolerance : float
        Longest adjusted score, in standard errors, that counts as converged.
    """
    climb = Climb(objective, start, DEFAULT_MAXITER, tolerance, None)
    if not np.isfinite(climb.sums.loglike):
        return None
    _climb(climb, "L-BFGS-B")
    last = solve(climb, partial(_look, climb, None), True)
    return last.params if last.length <= find_limit(climb) else None


def _look_ahead(plain: LogLikelihood, nothing: Start) -> np.ndarray:
    """Return the maximum of the log-likelihood of many rows if it is soon found, else the null."""
    if plain.blocks.rows * plain.size < LARGE_WORK:
        return nothing.params
    begin = warm_up(plain, nothing)
    maximum = maximize(plain, begin.params, "L-BFGS-B", MAXIMUM_STEPS, whitening=begin.whitening)
    return maximum.params if maximum.certificate.product < CLOSE else nothing.params


def _climb(climb: Climb, method: str) -> None:
    """Climb by scipy.optimize, whitening anew each round, to where scoring leads on."""
    goal = max(CLIMBED, 4 * float(np.sqrt(climb.rounding)))
    stretch = float(np.sqrt(find_stiffness(climb)))
    for _ in range(ROUNDS):
        begun = climb.params
        climb.whiten_by(climb.whiten().scale(stretch))
        climb_once(climb, method, goal)
        length = climb.measure_length(climb.sums, climb.whiten())
        if climb.over or length <= goal or np.array_equal(climb.params, begun):
            return


def _look(climb: Climb, median: PenalizedLogLikelihood | None, params: np.ndarray) -> Point:
    """Find the adjusted score at a point, of the mean or the median, and the step it asks for."""
    sums = climb.sums if params is climb.params else climb.measure(params, 1)
    curvature = find_curvature(np.asarray(sums.information))
    if curvature is None or not np.isfinite(sums.loglike):
        nothing = DenseWhitening(np.eye(len(params)))
        return Point(params, sums, nothing, np.zeros(len(params)), np.inf)
    root = curvature.root
    step = root.leave(root.enter(np.asarray(sums.score)))
    if median is not None:
        step = step - median.shift_to_median(params, curvature)
    length = float(np.linalg.norm(root.lower.T @ step))
    return Point(params, sums, root, step / find_stiffness(climb), length)


def _judge(climb: Climb, length: float) -> Status:
    """Say how the search ended; the adjusted score decides, not an optimizer's flag."""
    if length <= find_limit(climb):
        return Status.SOLVED
    if climb.stopped:
        return Status.CALLBACK
    return Status.MAXITER if climb.iterations >= climb.maxiter else Status.UNSOLVED


def warn_if_unsolved(maximum: Maximum) -> None:
    """Warn how far from zero the adjusted score is, if it is."""
    if maximum.adjusted is not None and not maximum.converged:
        warn_user(
            f"{maximum.status.value} {maximum.iterations} iterations of {maximum.method} and "
            f"scoring: the score adjusted for the {maximum.adjusted.bias_reduction} is "
            f"{maximum.adjusted.length:.2g} standard errors long, and must not be longer than "
            f"{maximum.adjusted.tolerance:.2g}.",
            NotConvergedWarning,
        )

r"""Climb under constraints: equations first, then the bounds that turn out to be active.

With equations ``R b = q`` the free params are climbed, and certified, like any others. The
log-likelihood is concave, so a point that meets all constraints is the maximum if its score is a
combination ``s = R'λ`` of the rows in force in which no bound has a multiplier of the wrong sign
(Karush, Kuhn and Tucker; Nocedal and Wright 2006, theorem 12.1 and section 16.2). That is
what is checked of the maximum under the equations and the active bounds, which the certificate
vouches for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.exceptions import ConstraintError
from mlelogit.fitting.certificate import certify
from mlelogit.fitting.climb import Objective
from mlelogit.fitting.constrained.bounds import Bounds, seek_active, solve_step
from mlelogit.fitting.constrained.constraints import (
    Constraints,
    find_broken,
    list_positions,
    reduce_rows,
)
from mlelogit.fitting.constrained.equations import (
    SAME_VALUE,
    enter_bounds,
    find_multipliers,
    find_settled,
    sort_equations,
    span_free,
)
from mlelogit.fitting.constrained.restriction import enter_space
from mlelogit.fitting.linalg import (
    ColumnBasis,
    factor_positive,
    find_aliases,
    invert_positive,
    triangularize,
)
from mlelogit.fitting.maximum import LOST, Maximum, Status, Trace
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.record import FitRequest, NullModel
from mlelogit.fitting.refinement import move_end
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood

# Of which bounds are active a first guess is nearly always right.
ROUNDS = 10
ENDED = (Status.CALLBACK, Status.MAXITER)

Report = Callable[[np.ndarray], bool]


@dataclass(frozen=True)
class ConstrainedMaximum:
    """The answer of a climb under constraints.

    Attributes
    ----------
    maximum : Maximum
        Params (P,), the score and the information of all of them, in the internal basis;
        inverse is ``A (A'I A)⁻¹ A'`` (P, P).
    constraints : Constraints
    space : FreeSpace
        What the equations and active bounds leave free.
    """

    maximum: Maximum
    constraints: Constraints
    space: FreeSpace


@dataclass(frozen=True)
class Task:
    """What is climbed, from where, and how.

    Attributes
    ----------
    objective : Objective
        In the internal basis.
    basis : ColumnBasis
    request : FitRequest
    given : numpy.ndarray or None
        The user's start (P,), in the basis.
    nothing : numpy.ndarray
        The null model's params (P,).
    report : callable
        Called with params (P,) after every iteration.
    """

    objective: Objective
    basis: ColumnBasis
    request: FitRequest
    given: np.ndarray | None
    nothing: np.ndarray
    report: Report

    def climb(self, space: FreeSpace, start: np.ndarray) -> Maximum:
        """Climb free params from the point nearest to params (P,)."""
        if not space.size:
            return self.stand(space)
        request = self.request
        return maximize(
            RestrictedLogLikelihood(self.objective, space),
            enter_space(self.objective, space, start),
            request.method,
            request.maxiter,
            request.tolerance,
            lambda free: self.report(space.leave(free)),
        )

    def stand(self, space: FreeSpace) -> Maximum:
        """Return the only point that constraints leave, which is the maximum."""
        sums, none = self.objective.evaluate(space.origin, 2), np.zeros(0)
        path = Trace(("start",), np.array([sums.loglike]), np.zeros(1), np.ones(1, int), none[None])
        certificate = certify(0.0, 0.0, self.request.tolerance)
        inverse = np.zeros((0, 0))
        return Maximum(none, Status.CONVERGED, certificate, sums, inverse, path, "none", 0)

    def climb_from_starts(self, space: FreeSpace) -> Maximum:
        """Climb from the user's start, and if that is lost from the null model."""
        climbed = None if self.given is None else self.climb(space, self.given)
        if climbed is None or climbed.status in LOST:
            climbed = self.climb(space, self.nothing)
        return climbed

    def lift(self, climbed: Maximum, space: FreeSpace) -> Maximum:
        """Return a maximum of free params as one of all params."""
        params = space.leave(climbed.params)
        path = space.origin + climbed.trace.params @ space.directions.T
        return replace(
            climbed,
            params=params,
            sums=self.objective.evaluate(params, 2),
            inverse=None if climbed.inverse is None else space.spread(climbed.inverse),
            trace=replace(climbed.trace, params=path),
        )


def climb_constrained(task: Task) -> ConstrainedMaximum:
    """Climb to the maximum under the constraints of a request.

    Raises
    ------
    ConstraintError
        If the constraints contradict each other; the message names a few that do.
    """
    given, basis = task.request.constraints, task.basis
    if given is None:
        raise ConstraintError("There are no constraints to climb under.")
    equations, implied = sort_equations(given, basis)
    space = span_free(given.pick(list_positions(equations)), basis)
    rows, bounds = enter_bounds(given, space, basis)
    implied |= np.array([relation != "=" for relation in given.relations])
    implied[rows] = False
    active = np.zeros(len(given), dtype=bool)
    climbed = task.climb_from_starts(space)
    maximum = task.lift(climbed, space)
    if len(rows) and not _is_inside(climbed, bounds):
        active[rows], climbed, space = _climb_to_bounds(task, space, bounds, climbed)
        maximum = _join_paths(maximum, task.lift(climbed, space))
    if len(rows) and climbed.status in ENDED:
        missing = certify(np.inf, np.inf, task.request.tolerance)
        maximum = replace(maximum, certificate=missing)
    held = equations | active
    if active.any():
        implied |= ~held & find_settled(given, given.pick(list_positions(held)), basis)
    multipliers = np.zeros(len(given))
    multipliers[held] = find_multipliers(maximum, given.pick(list_positions(held)), basis)
    return ConstrainedMaximum(maximum, Constraints(given, held, implied, multipliers), space)


def refuse_constraints(size: int, too_large: bool) -> None:
    """Raise `ConstraintError` if there are too many params to climb under constraints."""
    if too_large:
        raise ConstraintError(
            f"Constraints on {size} parameters take arrays of {8 * size**2 / 1e9:.1f} GB; ask for "
            "a covariance, fit(cov_type='nonrobust') or with sampling weights 'robust', if there "
            "is memory for a dozen of them."
        )


def meet_exactly(maximum: Maximum, restriction: Restriction | None, basis: ColumnBasis) -> Maximum:
    """Return a maximum in the columns of the design whose params meet equations to the last digit.

    A coefficient that is fixed has its very value, and two that are tied are equal.
    """
    if restriction is None:
        return maximum
    params = reduce_rows(restriction, basis.scale).meet(maximum.params)
    return move_end(maximum, params, maximum.sums.loglike)


def hold_null(task: Task, found: ConstrainedMaximum, null: NullModel) -> NullModel:
    """Return the null model under the equations of a fit.

    Its intercepts are held to them too. If no intercepts meet them, or those that are likeliest
    do not meet the bounds, the null model stays what it was, and is marked as outside.
    """
    basis, given = task.basis, found.constraints.given
    equations = np.array([relation == "=" for relation in given.relations])
    rows = given.pick(list_positions(equations & ~found.constraints.implied))
    moves, values = _find_levels(rows, basis)
    count = 0 if basis.constant is None else moves.shape[1]
    held = _find_levels(given.pick(list_positions(found.constraints.held)), basis)[0]
    free = max(count - _count_rank(held), 0)
    if not moves.any() and not values.any():
        return _mark_outside(replace(null, dimension=free), task, given, task.nothing)
    left, singular, right = np.linalg.svd(moves)
    rank = _count_rank(moves)
    levels = right[:rank].T @ (left[:, :rank].T @ values / singular[:rank])
    if np.abs(moves @ levels - values).max() > SAME_VALUE * (1 + np.abs(values).max()):
        return replace(null, dimension=free, outside=True)
    constant = np.asarray(basis.constant)
    size = float(np.linalg.norm(constant))
    origin, directions = np.outer(levels, constant).ravel(), right[rank:].T
    space = FreeSpace(origin, np.kron(directions, constant[:, np.newaxis] / size))
    climbed = replace(task, request=FitRequest(), report=lambda _: False).climb(space, task.nothing)
    loglike = climbed.sums.loglike if climbed.converged else np.nan
    within = NullModel(loglike, f"{null.kind} under the constraints", free)
    return _mark_outside(within, task, given, space.leave(climbed.params))


def _find_levels(rows: Restriction, basis: ColumnBasis) -> tuple[np.ndarray, np.ndarray]:
    """Return equations about the intercepts of a null model: rows (q, J - 1), right sides (q,).

    Where the constant is a combination of columns its weights are known up to rounding only,
    and what rounding leaves of a weight, or of a row that moves no intercept, is none.
    """
    width = len(basis.scale)
    count = rows.matrix.shape[1] // width
    scaled = rows.matrix / np.tile(basis.scale, count)
    length = np.linalg.norm(scaled, axis=1)
    ones = np.zeros(width)
    if basis.constant is not None:
        ones = basis.leave_params(basis.constant) * basis.scale
        ones[np.abs(ones) <= SAME_VALUE * np.abs(ones).max()] = 0.0
    terms = (scaled / length[:, np.newaxis]).reshape(len(rows), count, width) * ones
    moves = terms.sum(axis=2)
    noise = SAME_VALUE * np.abs(terms).sum(axis=(1, 2))
    moves[np.abs(moves) <= noise[:, np.newaxis]] = 0.0
    return moves, rows.values / length


def _count_rank(moves: np.ndarray) -> int:
    if not moves.any():
        return 0
    singular = np.linalg.svd(moves, compute_uv=False)
    return int((singular > SAME_VALUE * singular[0]).sum())


def _mark_outside(null: NullModel, task: Task, given: Restriction, params: np.ndarray) -> NullModel:
    """Return a null model, marked if its params do not meet the bounds."""
    outer = task.basis.leave_params(params.reshape(-1, len(task.basis.scale))).ravel()
    return replace(null, outside=bool(find_broken(given, outer).any()))


def _join_paths(first: Maximum, last: Maximum) -> Maximum:
    """Return the last of two climbs with the path of both."""
    one, two = first.trace, last.trace
    trace = Trace(
        one.stage + two.stage,
        np.concatenate([one.loglike, two.loglike]),
        np.concatenate([one.score_norm, two.score_norm]),
        np.concatenate([one.evaluations, one.evaluations[-1] + two.evaluations]),
        np.vstack([one.params, two.params]),
    )
    return replace(last, trace=trace, iterations=first.iterations + last.iterations)


def _is_inside(climbed: Maximum, bounds: Bounds) -> bool:
    """Tell whether a maximum under equations alone is one that meets all bounds."""
    sure = climbed.certificate.finite_maximum or climbed.status in ENDED
    return sure and bool((bounds.measure(climbed.params) >= 0).all())


def _climb_to_bounds(
    task: Task, space: FreeSpace, bounds: Bounds, first: Maximum
) -> tuple[np.ndarray, Maximum, FreeSpace]:
    """Find the active bounds, and the maximum under them and the equations.

    Returns which bounds are active (m,), the maximum of the params then free, and those.
    """
    if first.status in ENDED:
        return _stop_early(task, space, bounds, first)
    whole, tolerance = RestrictedLogLikelihood(task.objective, space), task.request.tolerance
    point = first.params
    if not first.certificate.finite_maximum:
        point = enter_space(task.objective, space, task.nothing)
    for _ in range(ROUNDS):
        within, active = seek_active(whole, bounds, point)
        inside, climbed = _climb_along(task, space, bounds, active, within)
        beyond = _find_beyond(inside.leave(climbed.params), bounds, active)
        if beyond.any() and _are_independent(bounds.matrix[active | beyond]):
            active = active | beyond
            inside, climbed = _climb_along(task, space, bounds, active, within)
        point = inside.leave(climbed.params)
        met = not _find_beyond(point, bounds, active).any()
        status = climbed.status
        if status in ENDED or not climbed.certificate.finite_maximum:
            break
        sums = whole.evaluate(point, 2)
        wrong = _find_wrong(np.asarray(sums.score), sums.information, bounds, active, tolerance)
        if met and not wrong.any():
            break
        met, status = False, Status.STALLED
    if met:
        return active, climbed, compose(space, inside)
    tight = active & bounds.touch(within)
    return tight, _move(task, space, replace(first, status=status), within), space


def _stop_early(
    task: Task, space: FreeSpace, bounds: Bounds, first: Maximum
) -> tuple[np.ndarray, Maximum, FreeSpace]:
    """Return the point within bounds that is nearest to where a climb was stopped."""
    whole = RestrictedLogLikelihood(task.objective, space)
    information = np.asarray(whole.evaluate(first.params, 2).information)
    wide = bounds.relax()
    step, weights = solve_step(np.zeros(space.size), information, wide, first.params)
    point = first.params + step
    return (weights > 0) & bounds.touch(point), _move(task, space, first, point), space


def _move(task: Task, space: FreeSpace, climbed: Maximum, point: np.ndarray) -> Maximum:
    """Return a climb of free params (r,) that ended where nothing is certified."""
    loglike = task.objective.evaluate(space.leave(point), 0).loglike
    path = climbed.trace
    trace = Trace(
        (*path.stage, "bounds"),
        np.append(path.loglike, loglike),
        np.append(path.score_norm, np.nan),
        np.append(path.evaluations, path.evaluations[-1] + 1),
        np.vstack([path.params, point]),
    )
    missing = certify(np.inf, np.inf, task.request.tolerance)
    return replace(climbed, params=point, certificate=missing, inverse=None, trace=trace)


def _climb_along(
    task: Task, space: FreeSpace, bounds: Bounds, active: np.ndarray, point: np.ndarray
) -> tuple[FreeSpace, Maximum]:
    """Climb along active bounds; return what they leave of the free params, and the maximum."""
    rows = bounds.matrix[active]
    inside = FreeSpace(np.zeros(space.size), np.eye(space.size))
    if len(rows):
        turned, triangle = np.linalg.qr(rows.T, mode="complete")
        count = len(rows)
        origin = turned[:, :count] @ np.linalg.solve(triangle[:count].T, bounds.values[active])
        inside = FreeSpace(origin, turned[:, count:])
    return inside, task.climb(compose(space, inside), space.leave(point))


def compose(outer: FreeSpace, inner: FreeSpace) -> FreeSpace:
    """Return a part of the free params of a space as a space of all params."""
    return FreeSpace(outer.leave(inner.origin), outer.directions @ inner.directions)


def _find_beyond(point: np.ndarray, bounds: Bounds, active: np.ndarray) -> np.ndarray:
    """Tell which bounds are overstepped that are not held to (m,)."""
    return np.asarray((bounds.measure(point) < 0) & ~active)


def _are_independent(rows: np.ndarray) -> bool:
    return not find_aliases(triangularize(rows.T), np.ones(len(rows)))


def _find_wrong(
    score: np.ndarray,
    information: np.ndarray | None,
    bounds: Bounds,
    active: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Tell which active bounds keep the log-likelihood from nothing (m,).

    Their multipliers have the wrong sign by more than `tolerance` standard errors, so the
    maximum without them is further off than that.
    """
    wrong, rows = np.zeros(len(active), dtype=bool), bounds.matrix[active]
    if not len(rows):
        return wrong
    multipliers = np.linalg.lstsq(rows.T, -score, rcond=None)[0]
    factor = factor_positive(np.asarray(information))
    if factor is None:
        wrong[active] = multipliers < 0
        return wrong
    spread = rows @ invert_positive(factor) @ rows.T
    errors = np.sqrt(np.diag(np.linalg.inv(spread)))
    wrong[active] = multipliers < -tolerance * errors
    return wrong

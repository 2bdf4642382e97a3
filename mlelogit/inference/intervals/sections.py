r"""Place combinations of coefficients on a fit's log-likelihood, or on that in its limit.

Where data are separated the log-likelihood l has no maximum, but a supremum, that of the limiting
model. A combination that the limiting model tells has its profile there: along the directions
of recession, which leave it as it is, l rises to the limiting model's. Of an infinite
combination c the same is done with the directions of recession that leave c as it is: the pairs
of rows and categories that they separate leave the rows, and ``sup l`` where c is held is the
maximum of what is left. If they separate all that can be, every value of c reaches the supremum.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from mlelogit.exceptions import IntervalError
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE, Certificate
from mlelogit.fitting.climb import Objective
from mlelogit.fitting.examination import EXAMINED_PAIRS, TIME_LIMIT, strip_rows
from mlelogit.fitting.limit import ESTIMABLE, STILL, split_directions
from mlelogit.fitting.linalg import factor_positive, solve_lower
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.penalties import PenalizedLogLikelihood, climb_penalized
from mlelogit.fitting.recession import separate_beside
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.separation import restrict_rows
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood
from mlelogit.inference.fit_statistics import PSEUDO_REASON
from mlelogit.inference.intervals.profile import Section, climb_at
from mlelogit.inference.testing.nesting import list_words, tell_broken

# Below this share of a combination's length, what equations leave free of it is rounding.
FIXED = 1e-10


@dataclass(frozen=True)
class Line:
    """A combination of coefficients, placed on the log-likelihood.

    Attributes
    ----------
    section : Section or None
        What to follow; None if there is nothing to.
    estimate : float
        Its value at the section's start.
    unit : float
        By how much it changes with the section's τ.
    limit : float
        Plus or minus infinity if that is its estimate, NaN if it has none; else zero.
    fixed : bool
        Whether equations in force leave it one value.
    """

    section: Section | None
    estimate: float
    unit: float = 1.0
    limit: float = 0.0
    fixed: bool = False


@dataclass(frozen=True)
class Terrain:
    """A fit's log-likelihood, and the one in the limit of separated data, set up once.

    Attributes
    ----------
    record : FitRecord
    settled : Section
        Of what has a finite maximum, and starts there.
    params : numpy.ndarray
        Its start (P,), in the columns of the design.
    space : FreeSpace or None
        The params it is a function of; all if None.
    """

    record: FitRecord
    settled: Section
    params: np.ndarray
    space: FreeSpace | None

    def place(self, row: np.ndarray, constant: float) -> Line:
        """Place a combination ``row'b - constant``, row (P,) in the columns of the design."""
        record, size = self.record, float(np.abs(row).max())
        inner = record.basis.enter_score(row / size)
        estimate = float(row / size @ self.params) * size - constant
        limit = find_limit(record, row / size)
        if limit:
            section = self._open_beside(inner) if np.isinf(limit) else None
            length = float(np.linalg.norm(inner)) * size
            return Line(section, estimate, length, limit if section else np.nan)
        free = inner if self.space is None else self.space.directions.T @ inner
        if np.linalg.norm(free) <= FIXED * np.linalg.norm(inner):
            return Line(None, estimate, fixed=True)
        lower = factor_positive(np.asarray(self.settled.sums.information))
        if lower is None:
            return Line(None, estimate)
        error = float(np.linalg.norm(solve_lower(lower, free)))
        return Line(self.settled.turn(free / error), estimate, error * size)

    def find_broken(self, line: Line, value: float) -> str:
        """Say which of the fit's bounds the profile of a combination breaks at a value."""
        given = self.record.constraints
        if given is None or line.section is None or not (given.bounds.any() and np.isfinite(value)):
            return ""
        point = climb_at(line.section, (value - line.estimate) / line.unit, None)
        if point is None:
            return list_words(given.given.words)
        inner = point.params if self.space is None else self.space.leave(point.params)
        outer = self.record.basis.leave_params(inner.reshape(self.record.params.shape))
        return tell_broken(self.record, outer.ravel())

    def _open_beside(self, inner: np.ndarray) -> Section | None:
        """Return the section of an infinite combination (P,), None if any value is as good.

        Where it is held other coefficients can still be infinite: the pairs that are separated
        then leave the rows, as in the limit of all.
        """
        record, base = self.record, self.record.encoding.base
        blocks, start = record.need_blocks(), record.basis.enter_params(self.params).ravel()
        row, space = inner / np.linalg.norm(inner), None
        beside = mark_beside(record, inner)
        if beside is not None and beside.any():
            if (beside != record.separation.possible).all():
                return None
            plain = restrict_rows(strip_rows(blocks, record.basis), ~beside)
            directions = split_directions(LogLikelihood(plain, base))
            if directions is not None:
                if np.linalg.norm(directions.free.T @ row) > ESTIMABLE:
                    return None
                blocks = restrict_rows(blocks, ~beside)
                space = FreeSpace(np.zeros(len(start)), directions.estimable)
        objective: Objective = make_objective(blocks, base, record.basis)
        if space is not None:
            start, row = space.directions.T @ start, space.directions.T @ row
            objective = RestrictedLogLikelihood(objective, space)
        return _open_section(objective, start, record, self.settled.top).turn(row)


def mark_beside(record: FitRecord, inner: np.ndarray) -> np.ndarray | None:
    """Mark the pairs (J, n) that are separated beside a combination (P,) that is held.

    None if that was not found out.
    """
    separation, free = record.separation, np.asarray(record.separation.free)
    separated = ~np.asarray(separation.possible)
    if free.shape[1] == 1 or separated.size * free.shape[1] > EXAMINED_PAIRS:
        return None
    plain = strip_rows(record.need_blocks(), record.basis)
    deadline, base = time.monotonic() + TIME_LIMIT, record.encoding.base
    return separate_beside(plain, base, separated, free, free.T @ inner, deadline)


def find_limit(record: FitRecord, row: np.ndarray) -> float:
    """Return where separated data send a combination of coefficients (P,): 0 if it is finite.

    Plus or minus infinity if that is where every direction known leads that raises the
    likelihood to its supremum; NaN if there is one that leaves the combination as it is.
    """
    separation = record.separation
    if separation.direction is None or separation.free is None:
        return 0.0
    inner = record.basis.enter_score(row)
    length = float(np.linalg.norm(inner))
    if np.linalg.norm(separation.free.T @ inner) <= ESTIMABLE * length:
        return 0.0
    along = float(inner @ separation.direction)
    if abs(along) <= STILL * length * np.linalg.norm(separation.direction):
        return np.nan
    if not _goes_one_way(record, row, inner):
        return np.nan
    return float(np.copysign(np.inf, along))


def _goes_one_way(record: FitRecord, row: np.ndarray, inner: np.ndarray) -> bool:
    """Tell whether no direction that leads to the supremum leaves a combination; or all known."""
    sure, used = record.separation.sure, np.flatnonzero(row)
    if len(used) == 1 and sure is not None and np.isfinite(sure[used[0]]):
        return bool(sure[used[0]])
    beside = None if record.blocks is None else mark_beside(record, inner)
    return beside is None or not (beside != record.separation.possible).all()


def survey_record(record: FitRecord) -> Terrain:
    """Set up what intervals of a fit are cut from.

    Raises
    ------
    IntervalError
        If the fit has no likelihood, or no certified maximum of it.
    DataNotKeptError
        If it no longer holds its rows.
    """
    _check_record(record)
    plain = make_objective(record.limit_blocks(), record.encoding.base, record.basis)
    objective: Objective = plain
    if record.maximum.bias_reduction is not None:
        objective = PenalizedLogLikelihood(plain, record.basis)
    start = record.inner_params
    space = None
    if record.separation.estimable is not None:
        # A change of base leaves them independent, but not orthogonal.
        space = FreeSpace(np.zeros(len(start)), np.linalg.qr(record.separation.estimable)[0])
    elif record.moves is not None:
        space = record.moves.space
    if space is not None:
        start = space.directions.T @ (start - space.origin)
        objective = RestrictedLogLikelihood(objective, space)
    section = _finish_climb(_open_section(objective, start, record, None), record)
    inner = section.start if space is None else space.leave(section.start)
    shape = record.params.shape
    return Terrain(record, section, record.basis.leave_params(inner.reshape(shape)).ravel(), space)


def _finish_climb(section: Section, record: FitRecord) -> Section:
    """Return the section from the maximum itself, if the fit was let off before it."""
    adjusted, goal = record.maximum.adjusted, section.tolerance * section.errors.unit
    left = _find_certificate(record).error_bound if adjusted is None else adjusted.length
    if left <= goal:
        return section
    if section.penalized:
        found = climb_penalized(section.objective, section.start, section.tolerance)
    else:
        climbed = maximize(section.objective, section.start, tolerance=section.tolerance)
        found = climbed.params if climbed.converged else None
    if found is None:
        raise IntervalError(
            f"The fit stopped {left:.2g} standard errors from a maximum, and no better one can be "
            "certified, from which profile and score intervals start."
        )
    sums = section.objective.evaluate(found, 2)
    return replace(section, start=found, sums=sums, top=sums.loglike)


def _find_certificate(record: FitRecord) -> Certificate:
    """Return that of the maximum, of the limiting model where data are separated."""
    return record.separation.certificate or record.maximum.certificate


def _check_record(record: FitRecord) -> None:
    if record.weight_type == "sampling":
        raise IntervalError(f"There is no such interval: {PSEUDO_REASON}. method='wald' gives one.")
    if record.maximum.bias_reduction == "median":
        raise IntervalError(
            "Median bias reduction maximizes no function that could be profiled; method='wald' "
            "gives intervals, and so does method='profile' with bias_reduction='mean'."
        )
    if record.sums.information is None:
        raise IntervalError(
            "The fit left out its information for its size, which profile and score intervals "
            "need; ask for it by fit(cov_type=..., start_params=results.params)."
        )
    if not (record.maximum.converged or record.separation.found):
        raise IntervalError(
            "The fit has no certified maximum, from which profile and score intervals start. "
            f"{record.maximum.status.value}"
        )
    if record.at_bounds:
        raise IntervalError(
            "Estimates stand at bounds, where likelihood-ratio and score statistics are not "
            "chi-squared, so that there are no such intervals and profiles. method='wald' gives "
            "intervals that take the active bounds for equations."
        )
    if record.separation.found and record.restriction is not None:
        raise IntervalError(
            "Profile and score intervals are not worked out for separated data under constraints."
        )


def _open_section(
    objective: Objective, start: np.ndarray, record: FitRecord, top: float | None
) -> Section:
    sums, sizes = objective.evaluate(start, 2), objective.measure_rows()
    return Section(
        objective,
        start,
        sums,
        np.zeros(len(start)),
        sums.loglike if top is None else top,
        top is None,
        sizes,
        objective.bound_rounding(sizes),
        DEFAULT_TOLERANCE,
        _find_certificate(record).log_odds_error,
        record.maximum.bias_reduction is not None,
    )

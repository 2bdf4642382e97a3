"""estimate(): design -> basis -> null model -> maximum -> fit record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_reports
from mlelogit.data.blocks import Block, RowBlocks, hold_blocks
from mlelogit.data.design import Design, make_constant, total_observations
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.exceptions import ParamsError, RowsNotHeldError
from mlelogit.fitting.basis import find_basis, make_objective
from mlelogit.fitting.constrained.ascent import (
    ConstrainedMaximum,
    Task,
    climb_constrained,
    hold_null,
    meet_exactly,
    refuse_constraints,
)
from mlelogit.fitting.examination import Verdict, examine_separation
from mlelogit.fitting.likelihood import Matrix
from mlelogit.fitting.limit import CERTIFIED, UNEXAMINED, UNREAD, Separation
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.matrixfree import climb_without_information
from mlelogit.fitting.maximum import LOST, Maximum, Status
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import find_method, maximize
from mlelogit.fitting.penalties import (
    PenalizedLogLikelihood,
    check_bias_reduction,
    reduce_bias,
    refuse_large,
)
from mlelogit.fitting.record import FitRecord, FitRequest, NullModel
from mlelogit.fitting.refinement import refine
from mlelogit.fitting.report import warn_if_not_converged
from mlelogit.fitting.sizes import check_fit
from mlelogit.fitting.warmup import LARGE_WORK, Start, warm_up, whiten_null
from mlelogit.fitting.whitening import Whitening
from mlelogit.notices import start_bar

# Eight P x P arrays of this size fill 9 GB.
LARGEST_SIZE = 12_000


def estimate(
    design: Design,
    request: FitRequest,
    callback: Callable[[np.ndarray], Any] | None = None,
    show: bool = False,
    basis: ColumnBasis | None = None,
) -> FitRecord:
    """Fit a design by maximum likelihood.

    Parameters
    ----------
    design : Design
    request : FitRequest
    callback : callable, optional
        Called with the parameters (P,) after every iteration; a true answer stops.
    show : bool
        Whether to count iterations on standard error, if that is a terminal.
    basis : ColumnBasis, optional
        That of the design, if it is known.

    Raises
    ------
    RankDeficiencyError
        If a column is a combination of the others.
    ParamsError
        If the start has a wrong shape or is not finite.
    BiasReductionError
        If bias reduction is asked for with sampling weights, or for too many parameters.

    Warns
    -----
    NotConvergedWarning, NoFiniteMaximumWarning
        If the certificate does not hold at the point returned.
    SeparationWarning
        If the data are separated.
    CovarianceOmittedWarning
        If covariance and certificate were left out for their size.
    """
    check_reports(callback, show)
    check_bias_reduction(request.bias_reduction, design.weight_type)
    return _estimate(design, request, callback, show, basis)


@single_threaded_blas
def _estimate(
    design: Design,
    request: FitRequest,
    callback: Callable[[np.ndarray], Any] | None,
    show: bool,
    known: ColumnBasis | None,
) -> FitRecord:
    every = RowBlocks(design, threads=count_threads(request.threads))
    blocks, base = every.summed, design.encoding.base
    check_fit(blocks, lambda size: not _is_too_large(size, request))
    basis = find_basis(every, design.encoding.names) if known is None else known
    objective = make_objective(blocks, base, basis)
    null, nothing = fit_null(objective.blocks, base, basis)
    given = _read_start(request.start_params, basis, objective.size)
    if given is not None and _is_too_large(objective.size, request):
        nothing, given = replace(nothing, params=given), None
    with start_bar("Iterations", disp=None if show else False) as counter:
        report = partial(_report, basis, counter, callback, np.geterr())
        task = Task(objective, basis, request, given, nothing.params, report)
        climbed, held = _climb_asked(task, objective, nothing)
    null = null if held is None else hold_null(task, held, null)
    verdict = _judge(blocks, base, basis, climbed, request, held)
    record = FitRecord(
        encoding=design.encoding,
        blocks=hold_blocks(every) if verdict.separation.found else every,
        weight_type=design.weight_type,
        request=request,
        maximum=_finish(verdict.maximum, blocks, base, basis, held),
        basis=basis,
        null=null,
        nobs=total_observations(design),
        audit=design.audit,
        index=design.index,
        separation=_spread(verdict.separation, every),
        restriction=None if held is None else held.constraints.restriction,
        constraints=None if held is None else held.constraints,
    )
    warn_if_not_converged(record)
    return record


def _find_maximum(
    objective: LogLikelihood,
    basis: ColumnBasis,
    given: np.ndarray | None,
    nothing: Start,
    request: FitRequest,
    report: Callable[[np.ndarray], bool],
) -> Maximum:
    """Climb what is asked for: the log-likelihood, or one whose bias is reduced."""
    if request.bias_reduction is None:
        climbed = None if given is None else _climb(objective, given, request, report)
        if climbed is None or climbed.status in LOST:
            climbed = _climb_from_null(objective, nothing, request, report)
        return climbed
    refuse_large(objective.size, _is_too_large(objective.size, request))
    options = (request.method, request.maxiter, request.tolerance, report)
    penalized = PenalizedLogLikelihood(objective, basis)
    return reduce_bias(penalized, request.bias_reduction, given, nothing, *options)


def _climb_asked(
    task: Task, objective: LogLikelihood, nothing: Start
) -> tuple[Maximum, ConstrainedMaximum | None]:
    """Climb what is asked for, under constraints if there are any."""
    request = task.request
    if request.constraints is None:
        options = (task.given, nothing, request, task.report)
        return _find_maximum(objective, task.basis, *options), None
    refuse_constraints(objective.size, _is_too_large(objective.size, request))
    held = climb_constrained(task)
    return held.maximum, held


def _finish(
    climbed: Maximum,
    blocks: RowBlocks,
    base: int,
    basis: ColumnBasis,
    held: ConstrainedMaximum | None,
) -> Maximum:
    """Take the last digits from the rows as they were given, and from constraints."""
    refined = refine(_leave_basis(climbed, basis), blocks, base, basis)
    return meet_exactly(refined, None if held is None else held.constraints.restriction, basis)


def _judge(
    blocks: RowBlocks,
    base: int,
    basis: ColumnBasis,
    climbed: Maximum,
    request: FitRequest,
    held: ConstrainedMaximum | None,
) -> Verdict:
    """Tell whether the data are separated; the certificate spares the question if it holds."""
    if climbed.certificate.finite_maximum:
        return Verdict(CERTIFIED, climbed)
    if climbed.adjusted is not None:
        return Verdict(UNEXAMINED, climbed)
    if climbed.sums.information is None or climbed.status is Status.CALLBACK:
        return Verdict(UNEXAMINED, climbed)
    if held is not None and held.constraints.bounds.any():
        return Verdict(UNEXAMINED, climbed)
    try:
        rows = hold_blocks(blocks)
    except RowsNotHeldError:
        return Verdict(UNREAD, climbed)
    free = None if held is None else held.space
    return examine_separation(rows, base, basis, climbed, request.tolerance, free)


def _spread(separation: Separation, blocks: RowBlocks) -> Separation:
    """Say of every row what was found of the distinct row it is."""
    few = blocks.design.compression
    if separation.possible is None or few is None or blocks.summed is blocks:
        return separation
    return replace(separation, possible=separation.possible[:, few.places])


def _climb(
    objective: LogLikelihood,
    start: np.ndarray,
    request: FitRequest,
    report: Callable[[np.ndarray], bool],
    whitening: Whitening | None = None,
) -> Maximum:
    return maximize(
        objective, start, request.method, request.maxiter, request.tolerance, report, whitening
    )


def _climb_from_null(
    objective: LogLikelihood,
    nothing: Start,
    request: FitRequest,
    report: Callable[[np.ndarray], bool],
) -> Maximum:
    """Climb from the null model; with method="auto" and many rows, by way of a few of them."""
    if _is_too_large(objective.size, request):
        return climb_without_information(
            objective, nothing, request.maxiter, request.tolerance, report
        )
    work = objective.blocks.rows * objective.size
    if request.method != "auto" or work < LARGE_WORK:
        return _climb(objective, nothing.params, request, report)
    start = warm_up(objective, nothing)
    first = replace(request, method="L-BFGS-B")
    return _climb(objective, start.params, first, report, start.whitening)


def _is_too_large(size: int, request: FitRequest) -> bool:
    """Tell whether a P x P array is out of the question unless it was asked for."""
    free = request.method == "auto" or find_method(request.method, size) == "L-BFGS-B"
    return free and size > LARGEST_SIZE and not request.covariance


def _report(
    basis: ColumnBasis,
    counter: Any,
    callback: Callable[[np.ndarray], Any] | None,
    errors: Any,
    params: np.ndarray,
) -> bool:
    """Count an iteration, and call the user's callback under the user's own error state."""
    if counter is not None:
        counter.update()
    if callback is None:
        return False
    outer = basis.leave_params(params.reshape(-1, len(basis.scale))).ravel()
    with np.errstate(**errors):
        return bool(callback(outer))


def fit_null(blocks: RowBlocks, base: int, basis: ColumnBasis) -> tuple[NullModel, Start]:
    """Fit the model without regressors; return it, its params in the basis and whitening.

    With a constant in the column space and no offset the fitted probabilities
    are the shares, ``log L = Σ_k T_k log(T_k / T)``; with an offset the intercepts
    are climbed. Without a constant every parameter is zero.
    """
    objective = LogLikelihood(blocks, base)
    has_offset = blocks.design.offset is not None
    totals = find_totals(blocks)
    shares = totals / totals.sum()
    whitening = whiten_null(shares, base, blocks.width, float(totals.sum()))
    if basis.constant is None:
        zeros = np.zeros(objective.size)
        loglike = objective.evaluate(zeros, 0).loglike
        return NullModel(loglike, "offset" if has_offset else "equal shares"), Start(
            zeros, whitening
        )
    intercepts = np.delete(np.log(shares) - np.log(shares[base]), base)
    if has_offset:
        null, intercepts = _climb_intercepts(blocks.design, intercepts, base, blocks.threads)
    else:
        null = NullModel(float(totals @ np.log(shares)), "intercepts")
    return null, Start(np.outer(intercepts, basis.constant).ravel(), whitening)


def _climb_intercepts(
    design: Design, intercepts: np.ndarray, base: int, threads: int
) -> tuple[NullModel, np.ndarray]:
    """Fit the intercepts beside an offset; NaN if that fit cannot be certified."""
    if design.stream is None:
        means = np.asarray(design.offset).mean(axis=0)
        intercepts = intercepts - np.delete(means - means[base], base)
    objective = LogLikelihood(RowBlocks(make_constant(design), threads=threads), base)
    climbed = maximize(objective, intercepts)
    loglike = climbed.sums.loglike if climbed.converged else np.nan
    return NullModel(loglike, "intercepts and offset"), climbed.params


def find_totals(blocks: RowBlocks) -> np.ndarray:
    """Return the weight of every category (J,)."""
    if blocks.held:
        return blocks.reduce(total_outcome).value
    return np.array(list(blocks.design.audit.categories.values()))


def total_outcome(block: Block) -> Matrix:
    """Return the weight of every category in a block (J,)."""
    if block.codes is not None:
        return Matrix(np.bincount(block.codes, block.weights, block.categories).astype(float))
    table = np.asarray(block.table)
    return Matrix(table.sum(axis=1) if block.weights is None else table @ block.weights)


def _read_start(given: np.ndarray | None, basis: ColumnBasis, size: int) -> np.ndarray | None:
    if given is None:
        return None
    if np.shape(given) != (size,):
        raise ParamsError(f"start_params has shape {np.shape(given)}, not ({size},).")
    if not np.isfinite(given).all():
        raise ParamsError("start_params holds values that are not finite.")
    return basis.enter_params(given.reshape(-1, len(basis.scale))).ravel()


def _leave_basis(climbed: Maximum, basis: ColumnBasis) -> Maximum:
    points = climbed.trace.params
    path = basis.leave_params(points.reshape(len(points), -1, len(basis.scale)))
    trace = replace(climbed.trace, params=path.reshape(points.shape))
    return replace(climbed, params=trace.params[-1].copy(), trace=trace)

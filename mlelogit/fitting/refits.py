"""Fit the same rows many times, each time weighed anew: what a bootstrap is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mlelogit.data.arguments import read_reals
from mlelogit.data.blocks import Block, RowBlocks, cut_block
from mlelogit.data.design import take_rows
from mlelogit.data.sources import lay_out
from mlelogit.data.threads import count_threads, fold_in_order, single_threaded_blas
from mlelogit.exceptions import BiasReductionError, ConstraintError, WeightError
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.certificate import allow_rounding, bound_rounding, certify
from mlelogit.fitting.climb import find_curvature
from mlelogit.fitting.constrained.constraints import reduce_rows
from mlelogit.fitting.constrained.equations import find_space
from mlelogit.fitting.likelihood import drop_base, evaluate_scores, split_base, weigh, weigh_spread
from mlelogit.fitting.objective import LogLikelihood, add_variances, bound_log_odds, sum_sizes
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.products import unpack_gram, weighted_gram
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace, RestrictedLogLikelihood

# A batch's arrays stay in cache up to here; with more rows one refit fills it.
BATCH_ELEMENTS = 1 << 20
LARGEST_TOGETHER = 20_000
BATCH_STEPS = 12
# A Newton step from here ends below rounding.
ARRIVED = 1e-5


@dataclass(frozen=True)
class Refits:
    """Estimates of B refits.

    Attributes
    ----------
    params : numpy.ndarray
        (B, P), in the columns of the design; NaN where no maximum was reached.
    converged : numpy.ndarray
        (B,).
    """

    params: np.ndarray
    converged: np.ndarray


@single_threaded_blas
def refit(record: FitRecord, times: np.ndarray, threads: int | None = None) -> Refits:
    """Climb from a fit's maximum with its rows weighed anew, many times.

    Refits of a few rows are climbed together by Newton steps, so that one call of numpy
    serves a batch of them; those whose certificate does not hold then, and all refits of
    many rows, are climbed one by one. A refit without a certificate has no estimates.

    Parameters
    ----------
    record : FitRecord
    times : numpy.ndarray
        (B, n): how many times each row counts in each refit, beside its weight.
    threads : int, optional
        Batches at a time; all processors if not given.

    Returns
    -------
    Refits
        Estimates (B, P), NaN where no maximum was reached, and which have one (B,).

    Raises
    ------
    BiasReductionError
        If the fit's bias was reduced: refits maximize the likelihood.
    ConstraintError
        If the fit has bounds: where one is active a bootstrap is not consistent (Andrews 2000).
    WeightError
        If ``times`` has another shape, or is negative or not finite somewhere.

    Examples
    --------
    >>> import numpy as np
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> drawn = np.random.default_rng(0).multinomial(944, np.full(944, 1 / 944), size=200)
    >>> refits = res.refit(drawn)
    >>> bool((abs(refits.std().to_numpy() / res.bse.to_numpy().ravel() - 1) < 0.3).all())
    True
    """
    if record.maximum.bias_reduction is not None:
        raise BiasReductionError(
            "Refits maximize the likelihood, and this fit reduced its bias; refit the model "
            "with frequency weights and bias_reduction, or start from a fit without it."
        )
    if record.constraints is not None and record.constraints.bounds.any():
        raise ConstraintError(
            "This fit has bounds, and refits of resampled rows do not tell how its estimates vary: "
            "at a bound the bootstrap is not consistent (Andrews 2000, Econometrica 68). Refit "
            "the model without bounds."
        )
    record = record.in_memory()
    blocks, space = record.need_blocks(), find_space(record)
    times = _check_times(times, blocks.rows)
    count = count_threads(threads)
    start = record.inner_params
    inner = np.full((len(times), len(start)), np.nan)
    converged = np.zeros(len(times), dtype=bool)
    size = _size_batch(blocks, len(start))
    if space is not None:
        return _refit_along(record, times, space, count)
    if size:
        _climb_together(record, times, start, inner, converged, size, count)
    for place in np.flatnonzero(~converged):
        objective = _weigh_anew(record, times[place], count)
        alone = maximize(objective, start, tolerance=record.request.tolerance)
        if alone.converged:
            inner[place], converged[place] = alone.params, True
    shape = len(times), -1, blocks.width
    return Refits(record.basis.leave_params(inner.reshape(shape)).reshape(inner.shape), converged)


def _refit_along(record: FitRecord, times: np.ndarray, space: FreeSpace, threads: int) -> Refits:
    """Refit along the free directions of constraints, one by one."""
    params, reached = np.full((len(times), len(space.origin)), np.nan), np.zeros(len(times), bool)
    solved = reduce_rows(record.need_restriction(), record.basis.scale)
    start = space.enter(record.inner_params)
    for place, row in enumerate(times):
        point = space.origin
        if space.size:
            objective = RestrictedLogLikelihood(_weigh_anew(record, row, threads), space)
            alone = maximize(objective, start, tolerance=record.request.tolerance)
            if not alone.converged:
                continue
            point = space.leave(alone.params)
        outer = record.basis.leave_params(point.reshape(record.params.shape)).ravel()
        params[place], reached[place] = solved.meet(outer), True
    return Refits(params, reached)


def _size_batch(blocks: RowBlocks, size: int) -> int:
    """Return how many refits are climbed together; none if a single one is large."""
    if blocks.rows > LARGEST_TOGETHER:
        return 0
    pairs = blocks.categories * (blocks.categories + 1) // 2
    return BATCH_ELEMENTS // max(pairs * blocks.rows, size**2)


def _check_times(times: Any, rows: int) -> np.ndarray:
    values = read_reals(times, "times", WeightError)
    if values.ndim != 2 or values.shape[1] != rows or not len(values):
        raise WeightError(
            f"times has shape {values.shape}; give (refits, {rows}), one refit or more."
        )
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        place, row = np.argwhere(bad)[0]
        raise WeightError(
            f"times must be finite and not negative; refit {place}, row {row} has "
            f"{values[place, row]}."
        )
    if not values.any(axis=1).all():
        raise WeightError("A refit gives all rows the weight zero.")
    return values


def _weigh_anew(record: FitRecord, times: np.ndarray, threads: int) -> LogLikelihood:
    design = record.need_blocks().design
    weights = times if design.weights is None else times * design.weights
    kept = np.flatnonzero(weights)
    anew = replace(take_rows(design, kept), weights=weights[kept])
    return make_objective(RowBlocks(anew, threads=threads), record.encoding.base, record.basis)


def _climb_together(
    record: FitRecord,
    times: np.ndarray,
    start: np.ndarray,
    inner: np.ndarray,
    converged: np.ndarray,
    size: int,
    threads: int,
) -> None:
    """Fill in the refits that Newton steps bring to a certified maximum."""
    blocks, base = record.need_blocks(), record.encoding.base
    whole = cut_block(blocks.design, 0, blocks.rows)
    whole = replace(whole, x=record.basis.enter(lay_out(whole.x)))
    starts = list(range(0, len(times), size))
    judge = partial(_certify, whole, record.basis.amplification, record.request.tolerance)

    def climb(at: int) -> tuple[slice, np.ndarray, np.ndarray]:
        rows = slice(at, at + size)
        return rows, *climb_batch(whole, times[rows], start, base, judge)

    def fill(found: tuple[slice, np.ndarray, np.ndarray]) -> None:
        rows, params, reached = found
        inner[rows][reached] = params[reached]
        converged[rows] = reached

    fold_in_order(climb, starts, threads, fill)


Judge = Callable[[np.ndarray, np.ndarray, np.ndarray], bool]


def climb_batch(
    block: Block, times: np.ndarray, start: np.ndarray, base: int, judge: Judge
) -> tuple[np.ndarray, np.ndarray]:
    """Climb a batch of refits by full Newton steps.

    A refit whose decrement is below 1e-5 takes one more step, which about squares it, if
    the certificate at that point vouches for the maximum and for that step.

    Returns
    -------
    params : numpy.ndarray
        (B, P).
    reached : numpy.ndarray
        (B,), bool.
    """
    params = np.tile(start, (len(times), 1))
    reached = np.zeros(len(times), dtype=bool)
    active = np.arange(len(times))
    before = np.full(len(times), np.inf)
    for _ in range(BATCH_STEPS):
        score, information = sum_batch(block, times[active], params[active], base)
        try:
            step = np.linalg.solve(information, score[:, :, np.newaxis])[:, :, 0]
        except np.linalg.LinAlgError:
            break
        decrement = np.sqrt(np.maximum((score * step).sum(axis=1), 0.0))
        params[active] += step
        near = decrement < ARRIVED
        for place in np.flatnonzero(near):
            member = active[place]
            reached[member] = judge(times[member], score[place], information[place])
        going = ~near & (decrement < before[active])
        before[active] = decrement
        active = active[going]
        if not active.size:
            break
    return params, reached


def _certify(
    block: Block,
    amplification: float,
    tolerance: float,
    times: np.ndarray,
    score: np.ndarray,
    information: np.ndarray,
) -> bool:
    """Tell whether a refit has a finite maximum, and a Newton step ends within the tolerance.

    The step leaves a decrement of at most about ``a λ / 2`` (step 9 of the derivation).
    """
    curvature = find_curvature(information)
    if curvature is None:
        return False
    weighed = replace(block, weights=weigh(block, times))
    sizes = sum_sizes(weighed, np.eye(len(block.x)))
    spread = bound_log_odds(add_variances(curvature.inverse, len(block.x)), sizes.longest)
    decrement = float(np.linalg.norm(curvature.root.enter(score)))
    errors = bound_rounding(sizes, amplification, len(score), len(times))
    found = certify(*allow_rounding(decrement, spread, curvature.trace, errors))
    left = found.product * found.decrement + errors.hide(curvature.trace)
    return found.finite_maximum and found.product < 0.1 and left <= tolerance * errors.unit


def sum_batch(
    block: Block, times: np.ndarray, params: np.ndarray, base: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (B, P) and informations (B, P, P) of refits at their params (B, P).

    The refits stand side by side as if they were rows of one block.
    """
    refits, rows = times.shape
    width = len(block.x)
    cube = params.reshape(refits, -1, width)
    scores = np.zeros((cube.shape[1] + 1, refits, rows))
    for few, every in split_base(base, len(scores)):
        np.matmul(cube.transpose(1, 0, 2)[few], block.x, out=scores[every])
    if block.offset is not None:
        scores += block.offset[:, np.newaxis, :]
    tiled = replace(
        block,
        codes=None if block.codes is None else np.tile(block.codes, refits),
        table=None if block.table is None else np.tile(block.table, refits),
    )
    weights = (times if block.weights is None else times * block.weights).ravel()
    weighed = replace(tiled, weights=weights)
    evaluation = evaluate_scores(tiled, scores.reshape(len(scores), -1))
    spread = weigh_spread(weighed, evaluation, base).reshape(-1, rows)
    packed = weighted_gram(block.x, spread).reshape(len(spread) // refits, refits, -1)
    excess = drop_base(weigh(weighed, evaluation.excess), base)
    score = -np.dot(excess.reshape(-1, rows), block.x.T).reshape(len(excess), refits, width)
    informations = [unpack_gram(packed[:, i], width) for i in range(refits)]
    return score.transpose(1, 0, 2).reshape(refits, -1), np.array(informations)

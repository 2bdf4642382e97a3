"""Fit the same rows many times, each time weighed anew: what a bootstrap is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks, cut_block
from mlelogit.data.design import take_rows
from mlelogit.data.sources import lay_out
from mlelogit.data.threads import count_threads, fold_in_order, single_threaded_blas
from mlelogit.exceptions import WeightError
from mlelogit.fitting.estimation import FitRecord
from mlelogit.fitting.likelihood import (
    LogLikelihood,
    drop_base,
    evaluate_scores,
    split_base,
    spread_probabilities,
)
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.products import unpack_gram, weighted_gram

BATCH_ELEMENTS = 1 << 20
LARGEST_TOGETHER = 20_000
NEWTON_STEPS = 12
NEAR = 1e-5
QUADRATIC = 0.1


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


def refit(record: FitRecord, times: np.ndarray, threads: int | None = None) -> Refits:
    """Climb from a fit's maximum with its rows weighed anew, many times.

    Refits of a few rows are climbed together by Newton steps, so that one call of numpy
    serves a batch of them; those that do not end in quadratic convergence, and all refits of
    many rows, are climbed one by one and certified.

    Parameters
    ----------
    record : FitRecord
    times : numpy.ndarray
        (B, n): how many times each row counts in each refit, beside its weight.
    threads : int, optional
        Batches at a time; all processors if not given.

    Raises
    ------
    WeightError
        If `times` has another shape, or is negative or not finite somewhere.

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
    blocks = record.need_blocks()
    times = _check_times(times, blocks.rows)
    start = record.basis.enter_params(record.params).ravel()
    inner = np.full((len(times), len(start)), np.nan)
    converged = np.zeros(len(times), dtype=bool)
    if blocks.rows <= LARGEST_TOGETHER:
        _climb_together(record, times, start, inner, converged, count_threads(threads))
    for place in np.flatnonzero(~converged):
        objective = _weigh_anew(blocks, times[place], record.encoding.base, record.basis)
        alone = maximize(objective, start)
        if alone.converged:
            inner[place], converged[place] = alone.params, True
    shape = len(times), -1, blocks.width
    return Refits(record.basis.leave_params(inner.reshape(shape)).reshape(inner.shape), converged)


def _check_times(times: np.ndarray, rows: int) -> np.ndarray:
    values = np.asarray(times, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != rows:
        raise WeightError(f"times has shape {values.shape}; give (refits, {rows}).")
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


def _weigh_anew(
    blocks: RowBlocks, times: np.ndarray, base: int, basis: ColumnBasis
) -> LogLikelihood:
    design = blocks.design
    weights = times if design.weights is None else times * design.weights
    kept = np.flatnonzero(weights)
    anew = replace(take_rows(design, kept), weights=weights[kept])
    inner = RowBlocks(anew, basis, threads=blocks.threads)
    return LogLikelihood(inner, base, basis.amplification)


def _climb_together(
    record: FitRecord,
    times: np.ndarray,
    start: np.ndarray,
    inner: np.ndarray,
    converged: np.ndarray,
    threads: int,
) -> None:
    """Fill in the refits that Newton steps bring to their maximum."""
    blocks, base = record.need_blocks(), record.encoding.base
    whole = cut_block(blocks.design, 0, blocks.rows)
    whole = replace(whole, x=record.basis.enter(lay_out(whole.x)))
    pairs = blocks.categories * (blocks.categories + 1) // 2
    size = max(1, BATCH_ELEMENTS // (pairs * blocks.rows))
    starts = list(range(0, len(times), size))

    def climb(at: int) -> tuple[slice, np.ndarray, np.ndarray]:
        rows = slice(at, at + size)
        return rows, *climb_batch(whole, times[rows], start, base)

    def fill(found: tuple[slice, np.ndarray, np.ndarray]) -> None:
        rows, params, reached = found
        inner[rows][reached] = params[reached]
        converged[rows] = reached

    with single_threaded_blas():
        fold_in_order(climb, starts, threads, fill)


def climb_batch(
    block: Block, times: np.ndarray, start: np.ndarray, base: int
) -> tuple[np.ndarray, np.ndarray]:
    """Climb a batch of refits by full Newton steps.

    A refit has reached its maximum when a step has cut the Newton decrement to a tenth or
    less, and below 1e-5: the next step, which is taken, about squares it. On the way to a
    maximum at infinity no step cuts the decrement below ``exp(-1/2)`` of what it was.

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
    for _ in range(NEWTON_STEPS):
        score, information = sum_batch(block, times[active], params[active], base)
        try:
            step = np.linalg.solve(information, score[:, :, np.newaxis])[:, :, 0]
        except np.linalg.LinAlgError:
            break
        decrement = np.sqrt(np.maximum((score * step).sum(axis=1), 0.0))
        params[active] += step
        near = (decrement < NEAR) & (decrement < QUADRATIC * before[active])
        reached[active[near]] = True
        going = ~near & (decrement < before[active])
        before[active] = decrement
        active = active[going]
        if not active.size:
            break
    return params, reached


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
    evaluation = evaluate_scores(tiled, scores.reshape(len(scores), -1))
    weights = (times if block.weights is None else times * block.weights).ravel()
    excess = drop_base(evaluation.excess, base) * weights
    score = -np.dot(excess.reshape(-1, rows), block.x.T).reshape(len(excess), refits, width)
    spread = spread_probabilities(evaluation, base) * weights
    if evaluation.totals is not None:
        spread *= evaluation.totals
    packed = weighted_gram(block.x, spread.reshape(-1, rows)).reshape(len(spread), refits, -1)
    informations = [unpack_gram(packed[:, i], width) for i in range(refits)]
    return score.transpose(1, 0, 2).reshape(refits, -1), np.array(informations)

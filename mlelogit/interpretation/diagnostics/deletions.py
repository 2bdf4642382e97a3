"""Every row left out in one pass: what the estimates, the fit and the others' likelihood lose."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.fitting.adjustments import CACHED_ELEMENTS, LEAST_ROWS
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.constrained.equations import find_directions
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.resampling.units import cut_cells
from mlelogit.inference.sandwich.deletion import delete_rows
from mlelogit.inference.sandwich.leverage import form_variances

# Eigenvalues of a covariance on the scale of the inverse information are near one in a model that
# holds; rounding leaves some 1e-13 of those that ought to be zero.
RANK_TOLERANCE = 1e-10


def open_lines(record: FitRecord, unit: str) -> tuple[LogLikelihood, np.ndarray, np.ndarray]:
    """Return the log-likelihood of the lines, how many units each is, and whose row it is of."""
    blocks = record.in_memory().limit_blocks()
    people, rows = np.ones(blocks.rows), np.arange(blocks.rows)
    if unit == "person":
        cells, people, rows = cut_cells(blocks.design)
        blocks = RowBlocks(cells, threads=blocks.threads)
    return make_objective(blocks, record.encoding.base, record.basis), people, rows


def measure_lines(
    record: FitRecord, covariance: Covariance, objective: LogLikelihood, bread: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Measure every line's deletion, as `measure_block` does, and tell whether C is regular.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        C, what distances and dfbetas are measured by.
    objective : LogLikelihood
        Of the lines.
    bread : numpy.ndarray
        V (P, P), in the internal basis.
    """
    metric, regular = _find_metric(record, covariance, bread)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = form_steps(record, objective, bread) / covariance.bse[:, np.newaxis]
    places = np.flatnonzero(np.isfinite(scaled).all(axis=1))
    turned = None if metric is None else objective.leave_covariance(metric)
    args = objective.leave_covariance(bread), turned, scaled[places], places
    return objective.map(measure_block, record.inner_params, *args), regular


def _find_metric(
    record: FitRecord, covariance: Covariance, bread: np.ndarray
) -> tuple[np.ndarray | None, bool]:
    """Return ``V C⁻¹ V`` (P, P) in the internal basis; None if C is V, or singular: False."""
    if covariance.kind == "nonrobust" or not bread.any():
        return None, True
    given, directions = covariance.inner, find_directions(record)
    if given is None:
        given = record.basis.enter_covariance(covariance.matrix)
    if not np.isfinite(given).all():
        return None, False
    along = np.eye(len(bread)) if directions is None else np.linalg.qr(directions)[0]
    few, scale = along.T @ given @ along, np.linalg.cholesky(along.T @ bread @ along)
    turned = np.linalg.solve(scale, np.linalg.solve(scale, few).T)
    values, vectors = np.linalg.eigh((turned + turned.T) / 2)
    if not len(values) or values[0] <= RANK_TOLERANCE * values[-1]:
        return None, False
    root = along @ scale @ vectors / np.sqrt(values)
    return root @ root.T, True


def form_steps(record: FitRecord, objective: LogLikelihood, bread: np.ndarray) -> np.ndarray:
    """Return S (P, P) with dfbeta ``S (u ⊗ x)`` for x as the blocks have it, NaN if infinite."""
    size, width = len(bread), record.params.shape[1]
    if record.moves is None:
        steps = record.basis.leave_params(bread.reshape(size, -1, width)).reshape(size, size).T
    else:
        steps = record.moves.enter(np.eye(size)) @ bread
    if objective.basis is not None:
        steps = (steps.reshape(-1, width) @ objective.basis.matrix).reshape(size, size)
    steps = np.array(steps)
    steps[~np.isfinite(record.estimates)] = np.nan
    return steps


def measure_block(
    block: Block,
    params: np.ndarray,
    base: int,
    covariance: np.ndarray,
    metric: np.ndarray | None,
    steps: np.ndarray,
    places: np.ndarray,
) -> np.ndarray:
    """Return the measures of a block's rows (6, m), Cook's distance times the parameters.

    Parameters
    ----------
    block : Block
    params : numpy.ndarray
        (P,), in the columns of the block.
    base : int
    covariance : numpy.ndarray
        V (P, P), likewise.
    metric : numpy.ndarray or None
        ``V C⁻¹ V`` (P, P), likewise; None if C is V.
    steps : numpy.ndarray
        (q, P): dfbetas are ``steps (u ⊗ x)``.
    places : numpy.ndarray
        (q,): which coefficients these are of.
    """
    found = delete_rows(block, params, base, covariance)
    pulls = found.pulls
    leverage = np.maximum(found.leverages.values, 0.0).sum(axis=1)
    distance = found.distances
    if metric is not None:
        distance = np.einsum("km,mkl,lm->m", pulls, form_variances(block.x, metric), pulls)
    largest, place = np.full((2, len(leverage)), np.nan)
    for part, values in _iterate_scaled(block, pulls, steps):
        best = np.abs(values).argmax(axis=0)
        largest[part] = values[best, np.arange(len(best))]
        place[part] = places[best]
    rows = np.stack([leverage, distance, found.squares, found.gains, largest, place])
    rows[1:5, found.lone] = np.nan
    return rows


def _iterate_scaled(
    block: Block, pulls: np.ndarray, steps: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield ``steps (u ⊗ x)`` of some rows at a time."""
    step = max(LEAST_ROWS, CACHED_ELEMENTS // steps.shape[1])
    for start in range(0, pulls.shape[1] if len(steps) else 0, step):
        part = slice(start, min(start + step, pulls.shape[1]))
        x = lay_out(block.x[:, part])
        yield part, steps @ (pulls[:, np.newaxis, part] * x).reshape(steps.shape[1], -1)


def map_steps(
    block: Block, params: np.ndarray, base: int, covariance: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Return dfbeta (P, m) of a block's rows, NaN where a leverage is one."""
    found = delete_rows(block, params, base, covariance)
    moved = np.empty((len(steps), block.x.shape[1]))
    for part, values in _iterate_scaled(block, found.pulls, steps):
        moved[:, part] = values
    moved[:, found.lone] = np.nan
    return moved


def map_blocks(block: Block, params: np.ndarray, base: int, covariance: np.ndarray) -> np.ndarray:
    """Return the leverage blocks (J - 1, J - 1, m) of a block's rows."""
    return np.moveaxis(delete_rows(block, params, base, covariance).leverages.blocks, 0, -1)

"""Families of intervals of log-odds: those of one row, or of a whole table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import settle_seed
from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.fitting.adjustments import CACHED_ELEMENTS
from mlelogit.fitting.linalg import find_balanced_root, find_root, settle_signs
from mlelogit.interpretation.points import PointModel, map_point_scores
from mlelogit.interpretation.predictions.simultaneous import (
    ROW_DIRECTIONS,
    TABLE_DIRECTIONS,
    bound_sup,
    draw_directions,
    find_scheffe,
    share_alpha,
    solve_rows,
    solve_sup,
)
from mlelogit.interpretation.predictions.uncertainty import (
    contrast,
    form_contrasts,
    measure_contrasts,
)
from mlelogit.interpretation.variances import Combinations, ParamsLaw
from mlelogit.notices import track

# Combinations that are written out row by row take so many numbers at most.
WRITTEN_ELEMENTS = 1 << 22
# Directions of one pass over the rows: its products are long, and it can be interrupted after it.
TOGETHER = 1 << 10


@dataclass(frozen=True)
class Family:
    """Which intervals are to hold together, and how.

    Attributes
    ----------
    against : int or None
        Log-odds against this category; against all others if None.
    method : str
        One of `mlelogit.interpretation.predictions.simultaneous.METHODS`.
    whole : bool
        Whether the family is the whole table rather than one row.
    alpha : float
    seed : int
        Of the directions of sup-t.
    """

    against: int | None
    method: str
    whole: bool
    alpha: float
    seed: int


def make_family(against: int | None, method: str, family: str, alpha: float, seed: Any) -> Family:
    """Return what was asked for, with a seed that can be told."""
    return Family(against, method, family == "all", alpha, settle_seed(seed))


def count_intervals(errors: np.ndarray, against: int | None) -> np.ndarray:
    """Return how many different intervals every row of errors (J, m) has.

    Two categories that complement each other have one.
    """
    counts = (errors > 0).sum(axis=0)
    return np.where((counts == 2) & (against is None), 1, counts)


def find_plain(errors: np.ndarray, family: Family, law: ParamsLaw) -> np.ndarray:
    """Return the multipliers of Bonferroni, Šidák or Scheffé for errors (J, m): () or (m,)."""
    counts = count_intervals(errors, family.against)
    if family.method != "scheffe":
        counts = counts.sum() if family.whole else counts
        return share_alpha(family.alpha, counts, law.df, family.method)
    rank = find_rank(law)
    dimension = rank if family.whole else min(rank, len(errors) - 1)
    return find_scheffe(family.alpha, dimension, law.df)


def find_rank(law: ParamsLaw) -> int:
    """Return the rank of the covariance; zero where there is none."""
    known = np.isfinite(law.inner).all()
    return find_root(law.inner).shape[1] if known and law.inner.any() else 0


def find_row_multipliers(
    blocks: RowBlocks, model: PointModel, law: ParamsLaw, errors: np.ndarray, family: Family
) -> np.ndarray:
    """Return multipliers for rows with errors (J, m): () or one for every row (m,)."""
    if family.method != "sup-t":
        return find_plain(errors, family, law)
    if not family.whole:
        dimension = min(find_rank(law), len(errors) - 1)
        return blocks.map(map_row_multipliers, model, law, family, dimension)
    rank, count = find_rank(law), int(count_intervals(errors, family.against).sum())
    if not rank or not count:
        return np.array(np.nan)
    root = find_root(law.inner)
    if errors.size * len(root) <= WRITTEN_ELEMENTS:
        rows = blocks.map(map_gradients, model, law, family.against)
        size = (-1, *errors.shape)
        factor = root.T @ rows.reshape(len(root), -1)
        return np.array(_solve_family(factor.reshape(size), errors, count, family, law.df))
    directions = draw_directions(rank, TABLE_DIRECTIONS, family.seed)
    root = find_balanced_root(law.inner, law.base, len(errors), rank)
    moves = (root @ directions.T).reshape(-1, blocks.width, len(directions))
    parts = [
        blocks.reduce(find_largest, model, law, family.against, moves[..., at : at + TOGETHER])
        for at in track(range(0, len(directions), TOGETHER), "Directions")
    ]
    largest = np.concatenate([part.value for part in parts])
    return np.array(bound_sup(largest, rank, count, law.df, family.alpha))


def find_cell_multipliers(
    combinations: Combinations, errors: np.ndarray, family: Family, law: ParamsLaw
) -> np.ndarray:
    """Return multipliers for averages with errors (J, m) and combinations (J m, P): () or (m,)."""
    if family.method != "sup-t":
        return find_plain(errors, family, law)
    if not find_rank(law):
        return np.array(np.nan)
    factor = find_root(law.inner).T @ combinations.rows.T
    factor = factor.reshape(-1, *errors.shape)
    counts = count_intervals(errors, family.against)
    if family.whole:
        return np.array(_solve_family(factor, errors, int(counts.sum()), family, law.df))
    return np.array(
        [
            _solve_family(factor[..., [i]], errors[:, [i]], int(count), family, law.df)
            for i, count in enumerate(counts)
        ]
    )


def _solve_family(
    factor: np.ndarray, errors: np.ndarray, count: int, family: Family, df: float
) -> float:
    """Return the sup-t multiplier of combinations (d, J, m) with errors (J, m)."""
    used = errors > 0
    scaled = factor[:, used] / errors[used]
    return solve_rows(scaled.T, count, df, family.alpha, family.seed)


def map_gradients(
    block: Block, model: PointModel, law: ParamsLaw, against: int | None
) -> np.ndarray:
    """Return how the log-odds of a block's rows move with the coefficients (P, J, m)."""
    _, ways = contrast(map_point_scores(block, model), against)
    h = np.delete(ways, law.base, axis=2)
    z = law.basis.enter(lay_out(block.x))
    moves = np.einsum("nkj,in->jikn", h, z)
    return np.asarray(moves.reshape(-1, *moves.shape[2:]))


def map_row_multipliers(
    block: Block, model: PointModel, law: ParamsLaw, family: Family, dimension: int
) -> np.ndarray:
    """Return the sup-t multiplier of every row of a block (m,): that of its categories.

    Its log-odds vary in so many dimensions at most.
    """
    scores = map_point_scores(block, model)
    log_odds, ways = contrast(scores, family.against)
    errors = measure_contrasts(block.x, ways, law)
    errors[~np.isfinite(log_odds)] = np.nan
    counts = count_intervals(errors, family.against)
    low, high = (share_alpha(family.alpha, m, law.df, "sidak") for m in (1 + 0 * counts, counts))
    found = np.where(counts > 0, low, np.nan)
    several = np.flatnonzero(counts > 1)
    directions = draw_directions(dimension, ROW_DIRECTIONS, family.seed)
    step = max(1, CACHED_ELEMENTS // (len(scores) * len(directions)))
    for start in range(0, len(several), step):
        rows = several[start : start + step]
        factor = _factor_rows(block.x[:, rows], ways[rows], errors[:, rows], law, dimension)
        largest = np.abs(factor @ directions.T).max(axis=1)
        ends = low[rows], high[rows]
        found[rows] = solve_sup(largest, dimension, law.df, family.alpha, *ends)
    return found


def _factor_rows(
    x: Any, ways: np.ndarray, errors: np.ndarray, law: ParamsLaw, dimension: int
) -> np.ndarray:
    """Return F (m, J, d) with the correlations ``F F'``; zero where there is no error."""
    h, q = form_contrasts(x, ways, law)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = h / errors.T[:, :, np.newaxis]
    scaled[~(errors.T > 0)] = 0.0
    correlations = scaled @ q @ np.swapaxes(scaled, 1, 2)
    values, vectors = np.linalg.eigh(correlations)
    factor = vectors * np.sqrt(np.maximum(values, 0.0))[:, np.newaxis]
    return settle_signs(factor[:, :, -dimension:])


@dataclass(frozen=True)
class Largest:
    """The largest |t| along every direction (R,); ``+`` takes the larger."""

    value: np.ndarray

    def __add__(self, other: Largest) -> Largest:
        return Largest(np.maximum(self.value, other.value))


def find_largest(
    block: Block, model: PointModel, law: ParamsLaw, against: int | None, moves: np.ndarray
) -> Largest:
    """Return the largest |t| of a block's rows as coefficients move (J - 1, K, R)."""
    log_odds, ways = contrast(map_point_scores(block, model), against)
    errors = measure_contrasts(block.x, ways, law)
    used = (errors > 0) & np.isfinite(log_odds)
    with np.errstate(divide="ignore", invalid="ignore"):
        h = np.delete(ways, law.base, axis=2) / errors.T[:, :, np.newaxis]
    h[~used.T] = 0.0
    z = law.basis.enter(lay_out(block.x)).T
    equations, width, count = moves.shape
    turn = moves.transpose(1, 0, 2).reshape(width, -1)
    step, largest = max(1, CACHED_ELEMENTS // (h.shape[1] * count)), np.zeros(count)
    for start in range(0, len(z), step):
        along = (z[start : start + step] @ turn).reshape(-1, equations, count)
        t = np.abs(h[start : start + step] @ along)
        np.maximum(largest, t.max(axis=(0, 1)), out=largest)
    return Largest(largest)

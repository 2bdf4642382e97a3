"""Find the internal basis of a design: its scales, its centers, its rank."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.exceptions import RankDeficiencyError, ScaleError
from mlelogit.fitting.linalg import (
    ALIAS_TOLERANCE,
    ColumnBasis,
    TriangularFactor,
    find_aliases,
    triangularize,
)

LARGEST_SCALE = 1e100


@dataclass(frozen=True)
class ColumnSummary:
    """Extremes and sums of every column (K,); ``+`` joins rows."""

    low: np.ndarray
    high: np.ndarray
    total: np.ndarray

    def __add__(self, other: ColumnSummary) -> ColumnSummary:
        return ColumnSummary(
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.total + other.total,
        )


def find_basis(blocks: RowBlocks, names: tuple) -> ColumnBasis:
    """Find orthogonal columns, and tell whether a constant is among their combinations.

    One triangular factor of the scaled and centered columns with a column of ones
    appended, merged over the blocks, answers both and the rank.

    Raises
    ------
    ScaleError
        If a column's size is outside 1e-100 to 1e100.
    RankDeficiencyError
        If a column is a combination of those before it, which the message gives.
    """
    found = blocks.reduce(_summarize_block)
    scale = _find_scale(np.maximum(np.abs(found.low), np.abs(found.high)), names)
    fixed = np.flatnonzero(found.low == found.high)
    intercept = int(fixed[0]) if fixed.size else None
    means = found.total / blocks.rows / scale
    center = np.zeros(len(scale)) if intercept is None else means
    level = 1.0 if intercept is None else float(found.low[intercept] / scale[intercept])
    if intercept is not None:
        center[intercept] = 0.0
    r = factor_columns(blocks, scale, center)
    width, root = len(scale), np.sqrt(blocks.rows)
    norms = np.hypot(np.linalg.norm(r[:, :width], axis=0), root * center)
    basis = ColumnBasis(scale, center, r[:width, :width] / root, intercept, level)
    aliases = find_aliases(r[:, :width], norms)
    if aliases:
        _raise_aliases(aliases, basis, names)
    inside = abs(r[width, width]) <= ALIAS_TOLERANCE * np.linalg.norm(r[:, width])
    return replace(basis, constant=r[:width, width] / root if inside else None)


def factor_columns(
    blocks: RowBlocks, scale: np.ndarray, center: np.ndarray | None = None
) -> np.ndarray:
    """Return R (K + 1, K + 1) of the scaled and centered columns and a column of ones."""
    given = np.zeros(len(scale)) if center is None else center
    r = blocks.reduce(_factor_block, scale, given).r
    short = r.shape[1] - len(r)
    return np.vstack([r, np.zeros((short, r.shape[1]))]) if short else r


def _summarize_block(block: Block) -> ColumnSummary:
    return ColumnSummary(block.x.min(axis=1), block.x.max(axis=1), block.x.sum(axis=1))


def _factor_block(block: Block, scale: np.ndarray, center: np.ndarray) -> TriangularFactor:
    columns = block.x / scale[:, np.newaxis] - center[:, np.newaxis]
    return TriangularFactor(triangularize(np.vstack([columns, np.ones((1, columns.shape[1]))]).T))


def _find_scale(largest: np.ndarray, names: tuple) -> np.ndarray:
    zero = np.flatnonzero(largest == 0)
    if zero.size:
        raise RankDeficiencyError(f"Column {names[zero[0]]!r} is zero in every row used; drop it.")
    outside = np.flatnonzero((largest > LARGEST_SCALE) | (largest < 1 / LARGEST_SCALE))
    if outside.size:
        name = names[outside[0]]
        raise ScaleError(
            f"Column {name!r} has {largest[outside[0]]:.3g} as its largest absolute value, outside "
            "1e-100 to 1e100; use other units."
        )
    return np.asarray(2.0 ** np.round(np.log2(largest)))


def _raise_aliases(aliases: dict[int, np.ndarray], basis: ColumnBasis, names: tuple) -> None:
    said = []
    for column, weights in aliases.items():
        if basis.intercept is not None:
            missing = basis.center[column] - weights @ basis.center
            weights[basis.intercept] += missing / basis.level
        raw = weights * basis.scale[column] / basis.scale
        said.append(f"{names[column]} = {_write_combination(raw, names)}")
    raise RankDeficiencyError(
        "Columns are linear combinations of the columns before them, so their coefficients "
        f"cannot be told apart: {'; '.join(said)}. Drop them, or the columns they repeat."
    )


def _write_combination(weights: np.ndarray, names: tuple) -> str:
    shown = np.flatnonzero(np.abs(weights) > 1e-9 * max(float(np.abs(weights).max()), 1e-300))
    terms = [f"{weights[i]:+.6g} {names[i]}" for i in shown]
    return " ".join(terms).removeprefix("+").replace("+1 ", "+ ").replace("-1 ", "- ") or "0"

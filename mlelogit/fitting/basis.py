"""Find the internal basis of a design: its scales, its centers, its rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import ColumnSource, lay_out
from mlelogit.exceptions import RankDeficiencyError, ScaleError
from mlelogit.fitting.linalg import (
    ALIAS_TOLERANCE,
    ColumnBasis,
    TriangularFactor,
    factor_positive,
    find_aliases,
    triangularize,
)
from mlelogit.fitting.products import add_rows, self_gram

LARGEST_SCALE = 1e100
# Sums of products lose the square of this: half of a double's digits are left.
SAFE_PIVOT = 1e-4
SAFE_AMPLIFICATION = 1e4
# Z'Z is n times the identity up to the rounding of those sums.
ORTHOGONALITY = 1.001


def find_basis(blocks: RowBlocks, names: tuple) -> ColumnBasis:
    """Find orthogonal columns, and tell whether a constant is among their combinations.

    The Cholesky factor of one sum of products answers both and the rank where every
    pivot is far above the rounding of that sum and the factor is well conditioned; else a
    QR decomposition, merged over the blocks, does: of the scaled and centered columns with
    a column of ones appended.

    Raises
    ------
    ScaleError
        If a column's size is outside 1e-100 to 1e100.
    RankDeficiencyError
        If a column is a combination of those before it, which the message gives.
    """
    low, high = blocks.design.source.extremes
    scale = _find_scale(np.maximum(np.abs(low), np.abs(high)), names)
    fixed = np.flatnonzero(low == high)
    intercept = int(fixed[0]) if fixed.size else None
    level = 1.0 if intercept is None else float(low[intercept] / scale[intercept])
    moments = blocks.reduce(_sum_moments)
    center = np.zeros(len(scale)) if intercept is None else moments.total / blocks.rows / scale
    if intercept is not None:
        center[intercept] = 0.0
    start = ColumnBasis(scale, center, np.eye(len(scale)), intercept, level)
    quick = _factor_moments(moments, start, blocks.rows)
    return _factor_exactly(blocks, start, names) if quick is None else quick


def bound_longest(basis: ColumnBasis, source: ColumnSource) -> float:
    """Bound the squared length of the rows z = M x of n orthogonal columns, Z'Z = n.

    The leverage of a row is at most one, so its square is at most n. And x is within half
    the range h of every column from its middle c, so ``|z_i| <= |M c|_i + (|M| h)_i``.
    """
    low, high = source.extremes
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    reach = np.abs(basis.matrix @ middle) + np.abs(basis.matrix) @ half
    return min(source.shape[0] * ORTHOGONALITY, float(reach @ reach))


@dataclass(frozen=True)
class Moments:
    """Sums (K,) and sums of products (K, K) of the columns; ``+`` joins rows."""

    total: np.ndarray
    products: np.ndarray

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.total + other.total, self.products + other.products)


def _sum_moments(block: Block) -> Moments:
    return Moments(add_rows(block.x), self_gram(block.x))


def _factor_moments(moments: Moments, start: ColumnBasis, rows: int) -> ColumnBasis | None:
    """Find the basis from sums of products, or None if rounding could decide anything."""
    width, scale, center = len(start.scale), start.scale, start.center
    means = moments.total / rows / scale
    products = moments.products / rows / np.outer(scale, scale)
    norms = np.sqrt(np.diag(products))
    products -= np.outer(center, center)
    if start.intercept is not None:
        products[start.intercept] = products[:, start.intercept] = 0.0
        products[start.intercept, start.intercept] = start.level**2
    lower = factor_positive(products)
    if lower is None or (np.diag(lower) < SAFE_PIVOT * norms).any():
        return None
    basis = replace(start, r=lower.T)
    if start.intercept is not None:
        ones = np.zeros(width)
        ones[start.intercept] = 1 / (start.level * scale[start.intercept])
        basis = replace(basis, constant=basis.enter_params(ones))
    else:
        share = solve_triangular(lower, means, lower=True)
        if 1 - share @ share <= SAFE_PIVOT**2:
            return None
    return basis if basis.amplification <= SAFE_AMPLIFICATION else None


def _factor_exactly(blocks: RowBlocks, start: ColumnBasis, names: tuple) -> ColumnBasis:
    width, root = len(start.scale), np.sqrt(blocks.rows)
    r = factor_columns(blocks, start.scale, start.center)
    norms = np.hypot(np.linalg.norm(r[:, :width], axis=0), root * start.center)
    basis = replace(start, r=r[:width, :width] / root)
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


def _factor_block(block: Block, scale: np.ndarray, center: np.ndarray) -> TriangularFactor:
    columns = lay_out(block.x) / scale[:, np.newaxis] - center[:, np.newaxis]
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
    return " ".join(_write_term(weights[i], names[i]) for i in shown).removeprefix("+ ") or "0"


def _write_term(weight: float, name: Any) -> str:
    size = f"{abs(weight):.6g}"
    return f"{'-' if weight < 0 else '+'} {'' if size == '1' else f'{size} '}{name}"

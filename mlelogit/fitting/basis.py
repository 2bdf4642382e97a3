"""Find the internal basis of a design: its scales, its centers, its rank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import diags_array

from mlelogit.data.blocks import KEPT_ELEMENTS, Block, RowBlocks
from mlelogit.data.design import Design
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
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.products import add_rows, self_gram

LARGEST_SCALE = 1e100
# Sums of products lose the square of this: half of a double's digits are left.
SAFE_PIVOT = 1e-4
SAFE_AMPLIFICATION = 1e4
# Weights below this share of the largest are the rounding of a combination.
NEGLIGIBLE = 1e-9
SHOWN = 6
LONGEST_SHOWN = 300
# Z'Z is n times the identity up to the rounding of those sums.
ORTHOGONALITY = 1.001
# With fewer numbers than this a copy of the rows costs nothing.
DIRECT_ELEMENTS = 1 << 18
WELL_CONDITIONED = 300.0
SPARSE_CONDITIONED = 1e4

Record = TypeVar("Record")


@dataclass(frozen=True)
class Columns:
    """What the columns of a design span.

    Attributes
    ----------
    basis : ColumnBasis
        Of no use if there are aliases.
    aliases : dict
        Position of a column that is a combination of others -> its weights (K,).
    """

    basis: ColumnBasis
    aliases: dict[int, np.ndarray]


def find_basis(blocks: RowBlocks, names: tuple) -> ColumnBasis:
    """Find orthogonal columns, or raise if a column is a combination of the others.

    Raises
    ------
    ScaleError
        If a column's size is outside 1e-100 to 1e100.
    RankDeficiencyError
        If a column is a combination of others, which the message gives.
    """
    columns = examine_columns(blocks, names)
    if columns.aliases:
        raise RankDeficiencyError(
            "Columns are linear combinations of others, so their coefficients cannot be told "
            f"apart: {list_first(describe_aliases(columns.aliases, names))}. Drop them, or "
            "the columns they repeat."
        )
    return columns.basis


def examine_columns(blocks: RowBlocks, names: tuple) -> Columns:
    """Find orthogonal columns, and tell whether a constant is among their combinations.

    The Cholesky factor of one sum of products answers both and the rank where every
    pivot is far above the rounding of that sum and the factor is well conditioned; else a
    QR decomposition, merged over the blocks, does: of the scaled and centered columns with
    a column of ones appended.

    Raises
    ------
    ScaleError
        If a column's size is outside 1e-100 to 1e100.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # Sizes are judged after the one pass.
        moments = sum_repeated(blocks, _sum_moments)
    low, high = blocks.design.source.extremes
    scale = _find_scale(np.maximum(np.abs(low), np.abs(high)), names)
    fixed = np.flatnonzero((low == high) & (low != 0))
    intercept = int(fixed[0]) if fixed.size else None
    level = 1.0 if intercept is None else float(low[intercept] / scale[intercept])
    center = np.zeros(len(scale)) if intercept is None else moments.total / moments.rows / scale
    if intercept is not None:
        center[intercept] = 0.0
    start = ColumnBasis(scale, center, np.eye(len(scale)), intercept, level)
    quick = _factor_moments(moments, start)
    return _factor_exactly(blocks, start, moments.rows) if quick is None else Columns(quick, {})


def bound_longest(basis: ColumnBasis, source: ColumnSource) -> float:
    """Bound the squared length of the rows z = M x of n orthogonal columns, Z'Z = n.

    The leverage of a row is at most one, so its square is at most n. And x is within half
    the range h of every column from its middle c, so ``|z_i| <= |M c|_i + (|M| h)_i``.
    """
    low, high = source.extremes
    middle, half = low / 2 + high / 2, high / 2 - low / 2
    reach = np.abs(basis.matrix @ middle) + np.abs(basis.matrix) @ half
    return min(source.shape[0] * ORTHOGONALITY, float(reach @ reach))


def make_objective(blocks: RowBlocks, base: int, basis: ColumnBasis) -> LogLikelihood:
    """Return the log-likelihood in a basis: rows mapped, or sums where those are many.

    Rows that are kept in the basis cost nothing after the first pass. More rows than are
    kept, or than are worth a copy where blocks are cut without one, stay as they are if
    their columns are well conditioned.
    """
    source = blocks.design.source
    elements = blocks.summed.rows * blocks.width
    many = elements > KEPT_ELEMENTS or (source.direct and elements > DIRECT_ELEMENTS)
    # Z'Z is that of all rows, and the distinct ones, which count as more, are fewer.
    longest = bound_longest(basis, source) if blocks.summed.plain else None
    # Sums are mapped twice over, so a basis that amplifies by k costs k squared in rounding.
    conditioned = SPARSE_CONDITIONED if source.sparse else WELL_CONDITIONED
    if many and basis.raw_amplification <= conditioned:
        return LogLikelihood(blocks, base, basis.raw_amplification, basis, longest)
    return LogLikelihood(blocks.in_basis(basis), base, basis.amplification, None, longest)


@dataclass(frozen=True)
class Moments:
    """How many rows, sums (K,) and sums of products (K, K) of the columns; ``+`` joins rows."""

    rows: float
    total: np.ndarray
    products: np.ndarray

    def __add__(self, other: Moments) -> Moments:
        total, products = self.total + other.total, self.products + other.products
        return Moments(self.rows + other.rows, total, products)


def sum_repeated(blocks: RowBlocks, function: Callable[..., Record], *args: Any) -> Record:
    """Sum over rows without their weights, of equal rows one, which is told how often it occurs.

    So the basis, and all that rests on it, is that of all rows.
    """
    distinct = _weigh_by_times(blocks.summed.design, blocks.design)
    if distinct is None:
        return blocks.measure(function, *args, False)
    few = RowBlocks(distinct, blocks.basis, blocks.summed.size, blocks.threads)
    return few.measure(function, *args, True)


def _weigh_by_times(summed: Design, design: Design) -> Design | None:
    """Return distinct rows that weigh as often as they occur; None if all rows are summed."""
    if design.stream is not None:
        return design.stream.weigh_by_times(design)
    few = design.compression
    if few is None or summed is design:
        return None
    return replace(summed, weights=np.bincount(few.places, minlength=few.count).astype(np.float64))


def _sum_moments(block: Block, repeated: bool = False) -> Moments:
    if not repeated:
        return Moments(block.x.shape[1], add_rows(block.x), self_gram(block.x))
    x, times = block.x, np.asarray(block.weights)
    often = x * times if isinstance(x, np.ndarray) else x @ diags_array(times)
    products = lay_out(often @ x.T)
    return Moments(float(times.sum()), x @ times, (products + products.T) / 2)


def _factor_moments(moments: Moments, start: ColumnBasis) -> ColumnBasis | None:
    """Find the basis from sums of products, or None if rounding could decide anything."""
    width, scale, center = len(start.scale), start.scale, start.center
    means = moments.total / moments.rows / scale
    products = moments.products / moments.rows / np.outer(scale, scale)
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


def _factor_exactly(blocks: RowBlocks, start: ColumnBasis, rows: float) -> Columns:
    width, root = len(start.scale), np.sqrt(rows)
    r = factor_columns(blocks, start.scale, start.center)
    norms = np.hypot(np.linalg.norm(r[:, :width], axis=0), root * start.center)
    basis = replace(start, r=r[:width, :width] / root)
    aliases = find_aliases(r[:, :width], norms, blocks.design.source.rounding)
    if aliases:
        return Columns(basis, _undo_centering(aliases, basis))
    inside = abs(r[width, width]) <= ALIAS_TOLERANCE * np.linalg.norm(r[:, width])
    return Columns(replace(basis, constant=r[:width, width] / root if inside else None), {})


def factor_columns(
    blocks: RowBlocks, scale: np.ndarray, center: np.ndarray | None = None
) -> np.ndarray:
    """Return R (K + 1, K + 1) of the scaled and centered columns and a column of ones."""
    given = np.zeros(len(scale)) if center is None else center
    r = sum_repeated(blocks, _factor_block, scale, given).r
    short = r.shape[1] - len(r)
    return np.vstack([r, np.zeros((short, r.shape[1]))]) if short else r


def _factor_block(
    block: Block, scale: np.ndarray, center: np.ndarray, repeated: bool
) -> TriangularFactor:
    columns = lay_out(block.x) / scale[:, np.newaxis] - center[:, np.newaxis]
    columns = np.vstack([columns, np.ones((1, columns.shape[1]))])
    columns = columns * np.sqrt(np.asarray(block.weights)) if repeated else columns
    return TriangularFactor(triangularize(columns.T))


def _find_scale(largest: np.ndarray, names: tuple) -> np.ndarray:
    small = (largest < 1 / LARGEST_SCALE) & (largest > 0)
    outside = np.flatnonzero((largest > LARGEST_SCALE) | small)
    if outside.size:
        name = names[outside[0]]
        raise ScaleError(
            f"Column {name!r} has {largest[outside[0]]:.3g} as its largest absolute value, outside "
            "1e-100 to 1e100; use other units."
        )
    return np.asarray(2.0 ** np.round(np.log2(np.where(largest == 0, 1.0, largest))))


def _undo_centering(aliases: dict[int, np.ndarray], basis: ColumnBasis) -> dict[int, np.ndarray]:
    """Turn combinations of scaled and centered columns into ones of the columns themselves.

    Centering makes use of the constant; where that comes last it is the combination, not
    the column that was found to be one.
    """
    raw = {}
    for column, weights in aliases.items():
        if basis.intercept is not None:
            missing = basis.center[column] - weights @ basis.center
            weights[basis.intercept] += missing / basis.level
        scaled = weights * basis.scale[column] / basis.scale
        small = np.abs(weights) <= NEGLIGIBLE * np.abs(weights).max()
        raw[column] = np.where(small, 0.0, scaled)
    last = -1 if basis.intercept is None else basis.intercept
    early = [column for column, weights in raw.items() if column < last and weights[last]]
    return _exchange(raw, early[0], last) if early else raw


def _exchange(aliases: dict[int, np.ndarray], out: int, into: int) -> dict[int, np.ndarray]:
    """Make a column of a combination the one that is combined, in all combinations."""
    weights = aliases[out]
    solved = -weights / weights[into]
    solved[into], solved[out] = 0.0, 1 / weights[into]
    exchanged = {into: solved}
    for column, others in aliases.items():
        if column != out:
            exchanged[column] = np.where(np.arange(len(others)) == into, 0.0, others)
            exchanged[column] += others[into] * solved
    return dict(sorted(exchanged.items()))


def describe_aliases(aliases: dict[int, np.ndarray], names: tuple) -> dict[Any, str]:
    """Write every aliased column as the sum it is: name -> "x3 = 2 x1 - x2"."""
    return {
        names[column]: f"{names[column]} = {_write_combination(weights, names)}"
        for column, weights in aliases.items()
    }


def list_first(said: dict[Any, str]) -> str:
    """Write the first sums of a list, and how many more there are."""
    first, more = list(said.values())[:SHOWN], len(said) - SHOWN
    first = [text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..." for text in first]
    return "; ".join(first) + (f"; and {more} more" if more > 0 else "")


def _write_combination(weights: np.ndarray, names: tuple) -> str:
    shown = np.flatnonzero(weights)
    return " ".join(_write_term(weights[i], names[i]) for i in shown).removeprefix("+ ") or "0"


def _write_term(weight: float, name: Any) -> str:
    size = f"{abs(weight):.6g}"
    return f"{'-' if weight < 0 else '+'} {'' if size == '1' else f'{size} '}{name}"

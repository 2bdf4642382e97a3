r"""Derivatives of probabilities by a variable v, and how they move with the coefficients.

With dx the derivative of a row's columns by v, ``a_k = b_k' dx`` and ``c_k = a_k - Σ_l y_l a_l``,

- ``dy_k/dv = y_k c_k`` (Greene 2018, section 18.2.3), and by b_i

  .. math:: \{y_k (1[k = i] - y_i) c_k - y_k y_i c_i\} x + y_k (1[k = i] - y_i) dx;

- ``d log y_k/dv = c_k``, and by b_i ``(1[k = i] - y_i) dx - y_i c_i x``;

times v for elasticities by ``log v``. Where dx is the same d at every row, the sums over rows
are

.. math:: \sum_l C_{kl} a_l, \qquad \sum_l M_{kil} a_l + C_{ki} d, \qquad
   C_{kl} = \sum_n w_n y_k (1[k = l] - y_l), \quad M_{kil} = \sum_n w_n T_{kil} x_n,

with T the third cumulants ``T_kil = 1[k = i] S_kl - y_i S_kl - y_k S_il`` of a draw from y, S its
covariance: they are symmetric, do not know the variable, and serve all of them in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.fitting.likelihood import (
    drop_base,
    fill_weights,
    predict_scores,
    spread_probabilities,
)
from mlelogit.fitting.limit import STILL
from mlelogit.fitting.products import index_pairs, project_rows
from mlelogit.interpretation.averages import (
    CellParts,
    CellSums,
    collect_cells,
    list_cells,
    unpack_jacobian,
)
from mlelogit.interpretation.points import PointModel, map_point_probabilities

# Elements of the sums that serve all variables, 64 MB, beyond which each is summed by itself.
SHARED_ELEMENTS = 1 << 23


@dataclass(frozen=True)
class Direction:
    """What stands below a design's K columns in a block: how they move, and by how much.

    Attributes
    ----------
    columns : numpy.ndarray
        (k,): those that move with the variable; their derivatives are the k rows after x.
    logarithmic : bool
        Whether the effect is one on ``log y``.
    scaled : bool
        Whether it is times the variable, whose values are the last row.
    """

    columns: np.ndarray
    logarithmic: bool
    scaled: bool


@dataclass(frozen=True)
class CurveSums:
    """Covariances and third cumulants of the outcome, summed over the rows of every cell.

    Attributes
    ----------
    totals : numpy.ndarray
        (G,).
    covariances : numpy.ndarray
        C (G, E (E + 1) / 2): pairs of the categories but the base.
    curve : numpy.ndarray
        M (G, triples, K): ordered as `index_triples`.
    """

    totals: np.ndarray
    covariances: np.ndarray
    curve: np.ndarray


def index_triples(size: int) -> np.ndarray:
    """Return the number of triple (i, j, l), in whatever order, (size, size, size).

    Triples i <= j <= l are numbered in order.
    """
    first, second, third = (
        np.array(part, dtype=np.intp)
        for part in zip(
            *((i, j, k) for i in range(size) for j in range(i, size) for k in range(j, size)),
            strict=True,
        )
    )
    position = np.empty((size, size, size), dtype=np.intp)
    number = np.arange(len(first))
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        parts = [(first, second, third)[place] for place in order]
        position[parts[0], parts[1], parts[2]] = number
    return position


def pays(categories: int, columns: int, variables: int, cells: int) -> bool:
    """Tell whether one pass for all variables costs less than one for each."""
    size = categories - 1
    triples = size * (size + 1) * (size + 2) // 6
    return size + 2 <= 3 * variables and triples * columns * cells <= SHARED_ELEMENTS


def sum_curves(blocks: RowBlocks, model: PointModel, cells: int) -> CurveSums:
    """Sum what all variables that move the columns at one rate need."""
    return CurveSums(*blocks.reduce(_sum_curve, model, cells).complete().arrays)


def _sum_curve(block: Block, model: PointModel, cells: int) -> CellParts:
    every = map_point_probabilities(block, model)
    weights = fill_weights(block)
    spread, y = spread_probabilities(every, model.base) * weights, drop_base(every, model.base)
    size = len(y)
    pair = index_pairs(size)[2]
    lists = list_cells(block)
    totals, sums = np.empty(len(lists)), np.empty((len(lists), len(spread)))
    curve = np.empty((len(lists), size * (size + 1) * (size + 2) // 6, block.x.shape[0]))
    for place, (_, rows) in enumerate(lists):
        totals[place], sums[place] = weights[rows].sum(), spread[:, rows].sum(axis=1)
    start = 0
    for i in range(size):
        seconds, thirds = np.triu_indices(size - i)
        seconds, thirds = seconds + i, thirds + i
        cumulants = -y[seconds] * spread[pair[i, thirds]] - y[i] * spread[pair[seconds, thirds]]
        equal = seconds == i
        cumulants[equal] += spread[pair[i, thirds[equal]]]
        stop = start + len(seconds)
        for place, (_, rows) in enumerate(lists):
            x = block.x if block.groups is None else block.x[:, rows]
            curve[place, start:stop] = project_rows(cumulants[:, rows], x)
        start = stop
    return collect_cells(lists, cells, totals, sums, curve)


def apply_direction(sums: CurveSums, model: PointModel, direction: np.ndarray) -> CellSums:
    """Return ``dy/dv`` of every cell for columns that move by d (K,), averaged."""
    b = model.params.reshape(-1, len(direction))
    size, along = len(b), b @ direction
    covariances = sums.covariances[:, index_pairs(size)[2]]
    values = covariances @ along
    curve = sums.curve[:, index_triples(size)]
    jacobian = np.einsum("gkilc,l->gkic", curve, along)
    jacobian += covariances[..., np.newaxis] * direction
    every = CellSums(
        sums.totals,
        np.insert(values, model.base, -values.sum(axis=1), axis=1),
        np.insert(jacobian, model.base, -jacobian.sum(axis=1), axis=1).reshape(
            len(values), size + 1, -1
        ),
    )
    return every.average()


def sum_slopes(blocks: RowBlocks, model: PointModel, direction: Direction, cells: int) -> CellSums:
    """Sum derivatives of probabilities over the rows of every cell."""
    return CellSums(*blocks.reduce(_sum_slope, model, direction, cells).complete().arrays)


def _sum_slope(block: Block, model: PointModel, direction: Direction, cells: int) -> CellParts:
    stacked = lay_out(block.x)
    b = model.params.reshape(block.categories - 1, -1)
    width = b.shape[1]
    x, dx = stacked[:width], stacked[width : width + len(direction.columns)]
    block = Block(x, block.categories, None, None, False, block.weights, block.offset, block.groups)
    y = map_point_probabilities(block, model)
    weights = fill_weights(block)
    scaled = weights * stacked[-1] if direction.scaled else weights
    along = predict_scores(dx, b[:, direction.columns].ravel(), model.base, None)
    along -= (y * np.where(y > 0, along, 0.0)).sum(axis=0)
    if model.separation.found:
        along[:, _find_torn(dx, y, model, direction)] = np.nan
    make = _log_pieces if direction.logarithmic else _plain_pieces
    lists, size = list_cells(block), len(y)
    totals, values = np.empty(len(lists)), np.empty((len(lists), size))
    jacobian = np.empty((len(lists), size, b.size))
    pieces = make(y, along, scaled, model.base)
    for place, (_, rows) in enumerate(lists):
        totals[place] = weights[rows].sum()
        values[place] = pieces[0][:, rows].sum(axis=1)
        by_x, by_dx = (project_rows(pieces[i + 1][:, rows], (x, dx)[i][:, rows]) for i in (0, 1))
        total = dx[:, rows] @ scaled[rows]
        jacobian[place] = _assemble(by_x, by_dx, total, model.base, direction, size)
    return collect_cells(lists, cells, totals, values, jacobian)


def _plain_pieces(
    y: np.ndarray, c: np.ndarray, weights: np.ndarray, base: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weighed ``y c`` (J, m), and by pairs of categories what goes with x and with dx."""
    spread = spread_probabilities(y, base) * weights
    free, moves = drop_base(y, base), drop_base(c, base)
    first, second, _ = index_pairs(len(free))
    by_x = spread * (moves[first] + moves[second])
    own = first == second
    by_x[own] = spread[own] * moves - weights * free**2 * moves
    return y * c * weights, by_x, spread


def _log_pieces(
    y: np.ndarray, c: np.ndarray, weights: np.ndarray, base: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weighed c (J, m), and by category but the base what goes with x and with dx."""
    free, moves = drop_base(y, base), drop_base(c, base)
    c = np.where(y > 0, c, np.nan)
    return c * weights, -free * moves * weights, -free * weights


def _assemble(
    by_x: np.ndarray,
    by_dx: np.ndarray,
    total: np.ndarray,
    base: int,
    direction: Direction,
    size: int,
) -> np.ndarray:
    """Return a Jacobian (J, P) of the sums of its two parts."""
    by_x[:, direction.columns] += by_dx
    if not direction.logarithmic:
        return unpack_jacobian(by_x, base)
    jacobian = np.broadcast_to(by_x, (size, *by_x.shape)).copy()
    others = np.delete(np.arange(size), base)
    own = np.arange(size - 1)
    jacobian[np.ix_(others, own, direction.columns)] += np.where(
        np.eye(size - 1, dtype=bool)[..., np.newaxis], total, 0.0
    )
    return jacobian.reshape(size, -1)


def _find_torn(
    dx: np.ndarray, y: np.ndarray, model: PointModel, direction: Direction
) -> np.ndarray:
    """Tell which rows tie along the direction of separation and cease to as the variable moves.

    Their probabilities jump in the limit, and have no derivative.
    """
    pull = model.separation.point_columns(model.basis)[:, direction.columns]
    moves = predict_scores(dx, pull.ravel(), model.base, None)
    high = np.where(y > 0, moves, -np.inf).max(axis=0)
    low = np.where(y > 0, moves, np.inf).min(axis=0)
    size = np.abs(pull).max(axis=0, initial=0.0) @ np.abs(dx)
    return np.asarray(high - low > STILL * size)

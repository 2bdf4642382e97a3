r"""Average probabilities by cell, and how they move with the coefficients.

Over the rows of a cell, with weights w,

.. math:: \bar y_k = \sum_n w_n y_{nk} / \sum_n w_n, \qquad
   \partial \bar y_k / \partial b_j
   = \sum_n w_n y_{nk} (1[j = k] - y_{nj}) x_n / \sum_n w_n

(Greene 2018, section 18.2.3), so that a covariance V of the coefficients gives the averages that
of ``G V G'``, G being these rows: the delta method (Greene 2018, theorem D.21A).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.fitting.likelihood import spread_probabilities
from mlelogit.fitting.products import index_pairs, project_rows
from mlelogit.interpretation.points import PointModel, map_point_probabilities


@dataclass(frozen=True)
class CellSums:
    """Weights, values and how they move, summed over the rows of every cell.

    Attributes
    ----------
    totals : numpy.ndarray
        (G,).
    values : numpy.ndarray
        (G, J).
    jacobian : numpy.ndarray
        (G, J, P), in the columns of the design.
    """

    totals: np.ndarray
    values: np.ndarray
    jacobian: np.ndarray

    def __add__(self, other: CellSums) -> CellSums:
        return CellSums(
            self.totals + other.totals,
            self.values + other.values,
            self.jacobian + other.jacobian,
        )

    def average(self) -> CellSums:
        """Return the same divided by the totals; NaN for a cell without weight."""
        with np.errstate(invalid="ignore"):
            return CellSums(
                self.totals,
                self.values / self.totals[:, np.newaxis],
                self.jacobian / self.totals[:, np.newaxis, np.newaxis],
            )


def sum_probabilities(blocks: RowBlocks, model: PointModel, cells: int = 1) -> CellSums:
    """Sum probabilities over the rows of every cell; `Design.groups` tells the cell of a row.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.averages import sum_probabilities
    >>> from mlelogit.interpretation.points import model_points, read_points
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> rows = read_points(res.record).blocks()
    >>> shares = sum_probabilities(rows, model_points(res.record)).average().values
    >>> shares.round(3).tolist()
    [[0.584, 0.416]]
    """
    return blocks.reduce(_sum_block, model, cells)


def assign_cells(blocks: RowBlocks, codes: np.ndarray) -> RowBlocks:
    """Return the same rows, each in the cell of its code (n,)."""
    return RowBlocks(replace(blocks.design, groups=codes), threads=blocks.threads)


def _sum_block(block: Block, model: PointModel, cells: int) -> CellSums:
    y = map_point_probabilities(block, model)
    weights = np.ones(y.shape[1]) if block.weights is None else block.weights
    spread = spread_probabilities(y, model.base) * weights
    weighed, size = y * weights, len(y)
    totals, values = np.zeros(cells), np.zeros((cells, size))
    jacobian = np.zeros((cells, size, len(model.params)))
    for cell, rows in list_cells(block):
        x = block.x[:, rows]
        totals[cell], values[cell] = weights[rows].sum(), weighed[:, rows].sum(axis=1)
        jacobian[cell] = unpack_jacobian(project_rows(spread[:, rows], x), model.base)
    return CellSums(totals, values, jacobian)


def list_cells(block: Block) -> list[tuple[int, slice | np.ndarray]]:
    """Return the cells that a block has rows of, and which rows; one cell if it knows of none."""
    if block.groups is None:
        return [(0, slice(None))]
    order = np.argsort(block.groups, kind="stable")
    ordered = block.groups[order]
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    return [(int(block.groups[rows[0]]), rows) for rows in np.split(order, cuts) if rows.size]


def unpack_jacobian(pairs: np.ndarray, base: int) -> np.ndarray:
    """Return the Jacobian (J, P) whose distinct rows are those of the pairs of categories.

    The base's probability moves against the sum of the others'.
    """
    size = int((np.sqrt(8 * len(pairs) + 1) - 1) / 2)
    _, _, position = index_pairs(size)
    others = pairs[position].reshape(size, -1)
    return np.insert(others, base, -others.sum(axis=0), axis=0)

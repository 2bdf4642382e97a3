r"""Minus the mean log-likelihood with coefficients in every category, and ridges of it to climb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.fitting.likelihood import Sums, drop_base, sum_block
from mlelogit.fitting.objective import LogLikelihood, PenalizedObjective
from mlelogit.fitting.optimization import maximize
from mlelogit.fitting.penalized.regularization import Penalty
from mlelogit.fitting.products import unpack_gram


@dataclass(frozen=True)
class Loss:
    """Minus the mean log-likelihood of standardized columns, all categories with coefficients.

    Attributes
    ----------
    blocks : RowBlocks
        In the basis of the standardized columns.
    base : int
        The category whose intercept stands still while the others move.
    total : float
        W.
    intercept : int or None
    """

    blocks: RowBlocks
    base: int
    total: float
    intercept: int | None

    @cached_property
    def every(self) -> np.ndarray:
        """The positions of all columns."""
        return np.arange(self.blocks.width)

    def evaluate(self, coefficients: np.ndarray, columns: np.ndarray, order: int) -> Sums:
        """Return value, gradient (J, k) and Hessian (J k, J k), of some columns."""
        part = coefficients[:, columns]
        params = drop_base(part - part[self.base], self.base).ravel()
        chosen = None if len(columns) == self.blocks.width else columns
        sums = self.blocks.reduce(sum_chosen, params, self.base, order, chosen)
        spread = spread_base(len(coefficients), self.base)
        score, hessian = sums.score, sums.information
        if score is not None:
            score = -spread.T @ score.reshape(-1, len(columns)) / self.total
        if hessian is not None:
            hessian = widen(unpack(hessian, len(columns)), spread) / self.total
        return Sums(-sums.loglike / self.total, score, hessian, sums.rows)


def unpack(packed: np.ndarray, columns: int) -> np.ndarray:
    """Lay a packed information out as (J - 1, k, J - 1, k)."""
    full = unpack_gram(packed, columns)
    return full.reshape(-1, columns, len(full) // columns, columns)


def widen(information: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Turn an information of differences from the base into one of all categories."""
    once = np.tensordot(spread.T, information, axes=1)
    twice = np.tensordot(once, spread, axes=([2], [0])).transpose(0, 1, 3, 2)
    size = once.shape[0] * once.shape[1]
    return np.ascontiguousarray(twice).reshape(size, size)


def spread_base(categories: int, base: int) -> np.ndarray:
    """Return the matrix (J - 1, J) that takes differences from the base."""
    differences = np.delete(np.eye(categories), base, axis=0)
    differences[:, base] = -1.0
    return differences


def sum_chosen(
    block: Block, params: np.ndarray, base: int, order: int, columns: np.ndarray | None
) -> Sums:
    """Return the sums of a block in some of its columns."""
    chosen = block if columns is None else replace(block, x=block.x[columns])
    return sum_block(chosen, params, base, order)


@dataclass(frozen=True)
class Ridge(PenalizedObjective):
    """The log-likelihood less a ridge, as a function of differences from the base to climb.

    Of all categories moved together the ridge is least where they sum to zero, so that it is
    ``½ W λ Σ_j s_j β_j' (I - 1 1' / J) β_j`` in the differences β.

    Attributes
    ----------
    weights : numpy.ndarray
        (P,): W times what half the squares are multiplied by.
    """

    weights: np.ndarray

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return the penalized log-likelihood, and as the order asks its derivatives."""
        sums = self.plain.evaluate(params, order)
        slope = self.weights * self._center(params)
        score, information = sums.score, sums.information
        if information is not None:
            information = information + self._curve()
        return Sums(
            sums.loglike - float(params @ slope) / 2,
            None if score is None else score - slope,
            information,
            sums.rows,
        )

    def _center(self, params: np.ndarray) -> np.ndarray:
        table = params.reshape(-1, self.plain.blocks.width)
        return np.asarray(table - table.sum(axis=0) / self.plain.blocks.categories).ravel()

    def _curve(self) -> np.ndarray:
        equations = self.plain.blocks.categories - 1
        center = np.eye(equations) - 1 / self.plain.blocks.categories
        return np.asarray(np.kron(center, np.diag(self.weights[: self.plain.blocks.width])))


def climb_ridge(loss: Loss, penalty: Penalty, start: np.ndarray) -> np.ndarray:
    """Return the coefficients (J, K) that a ridge leaves, climbed to from a start (J, K)."""
    plain = LogLikelihood(loss.blocks, loss.base)
    weights = np.tile(penalty.square * loss.total, len(start) - 1)
    begin = drop_base(start - start[loss.base], loss.base).ravel()
    climbed = maximize(Ridge(plain, weights), begin)
    full = np.insert(climbed.params.reshape(-1, loss.blocks.width), loss.base, 0.0, axis=0)
    return penalty.center(full)

"""A ridge with more columns than rows, in as many columns as there are rows.

With A the columns, each times its penalty's scale, and ``A' = Q R``, the coefficients a that a
ridge leaves lie in the span of the rows of A, ``a = Q δ``, where ``A a = R' δ`` and ``‖a‖ = ‖δ‖``:
the same ridge in the n columns R' (Hastie and Tibshirani 2004, Biostatistics 5(3)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import ArraySource
from mlelogit.fitting.penalized.loss import Loss
from mlelogit.fitting.penalized.regularization import Penalty


@dataclass(frozen=True)
class Narrow:
    """A ridge in fewer columns.

    Attributes
    ----------
    loss : Loss
    penalty : Penalty
        Of level one.
    turn : numpy.ndarray
        (r, p): what the r columns stand for in the p penalized ones.
    priced : numpy.ndarray
        (p,): the positions of those.
    wide : Loss
        In all columns.
    """

    loss: Loss
    penalty: Penalty
    turn: np.ndarray
    priced: np.ndarray
    wide: Loss

    def widen(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the coefficients of all columns (J, K)."""
        first = 0 if self.wide.intercept is None else 1
        wide = np.zeros((len(coefficients), self.wide.blocks.width))
        wide[:, self.priced] = coefficients[:, first:] @ self.turn
        if self.wide.intercept is not None:
            wide[:, self.wide.intercept] = coefficients[:, 0]
        return wide

    def start(self, null: np.ndarray) -> np.ndarray:
        """Return the null model's coefficients (J, K) in the columns that are left."""
        narrow = np.zeros((len(null), self.loss.blocks.width))
        if self.wide.intercept is not None:
            narrow[:, 0] = null[:, self.wide.intercept]
        return narrow


def narrow_ridge(loss: Loss, penalty: Penalty) -> Narrow:
    """Put a ridge into as many columns as there are rows."""
    priced = np.flatnonzero(np.isfinite(penalty.scale))
    scale = penalty.scale[priced]
    rows = loss.blocks.map(take_columns, priced, scale)
    turn, upper = np.linalg.qr(rows)
    columns, factors = upper.T, np.ones(upper.shape[1])
    if loss.intercept is not None:
        columns = np.column_stack([np.ones(len(columns)), columns])
        factors = np.insert(factors, 0, np.inf)
    design = replace(loss.blocks.design, source=ArraySource(columns))
    blocks = RowBlocks(design, threads=loss.blocks.threads)
    intercept = None if loss.intercept is None else 0
    return Narrow(
        Loss(blocks, loss.base, loss.total, intercept),
        replace(penalty, level=1.0, scale=factors),
        turn.T * scale,
        priced,
        loss,
    )


def take_columns(block: Block, columns: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return some columns of a block, each times its scale (p, m)."""
    return np.asarray(block.x[columns] * scale[:, np.newaxis])

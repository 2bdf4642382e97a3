"""Start a climb near its end: from a subsample of the rows, whitened by the null model.

A climb on all rows pays for every pass over them. The information of the null model is
known without a pass; a loose climb on a few rows in that whitening finds a start whose
distance from the maximum is their sampling error, and their information, scaled up, is a
whitening for all rows in which the distance left takes about ten passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.fitting.climb import Climb
from mlelogit.fitting.likelihood import LogLikelihood
from mlelogit.fitting.linalg import factor_positive
from mlelogit.fitting.optimization import climb_once

ROWS_PER_PARAMETER = 8
SHARE = 16
LEAST_SAVING = 3
MIXED_IN = 0.05
LOOSE = 0.5
PATIENCE = 60


@dataclass(frozen=True)
class Start:
    """Where to start a climb, and in which whitening.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    factor : numpy.ndarray
        L (P, P), lower triangular.
    """

    params: np.ndarray
    factor: np.ndarray


def whiten_null(shares: np.ndarray, base: int, width: int, total: float) -> np.ndarray:
    """Return L with L L' the information of the null model in an orthogonal basis.

    It is ``T (diag(p) - p p') ⊗ 1_K`` for shares p without the base and a total weight T.

    Parameters
    ----------
    shares : numpy.ndarray
        (J,).
    base : int
    width : int
        K.
    total : float
        T.
    """
    p = np.delete(shares, base)
    factor = cholesky(np.diag(p) - np.outer(p, p), lower=True)
    return np.asarray(np.kron(factor, np.eye(width))) * np.sqrt(total)


def warm_up(objective: LogLikelihood, start: Start) -> Start:
    """Climb loosely on a subsample, if there are rows enough for that to save passes.

    Parameters
    ----------
    objective : LogLikelihood
        On all rows, in an orthogonal basis.
    start : Start
        The null model, and its whitening on all rows.
    """
    blocks = objective.blocks
    wanted = max(ROWS_PER_PARAMETER * objective.size, blocks.rows // SHARE)
    step = blocks.rows // wanted
    if step < LEAST_SAVING:
        return start
    design = take_rows(blocks.design, np.arange(0, blocks.rows, step))
    few = RowBlocks(design, blocks.basis, threads=blocks.threads)
    scale = blocks.rows / few.rows
    sample = replace(objective, blocks=few)
    null = start.factor / np.sqrt(scale)
    climb = Climb(sample, start.params, PATIENCE, 1.0, None, null)
    climb_once(climb, "L-BFGS-B", LOOSE)
    information = np.asarray(climb.measure(climb.params, 2).information)
    mixed = scale * ((1 - MIXED_IN) * information + MIXED_IN * null @ null.T)
    factor = factor_positive(mixed)
    return start if factor is None else Start(climb.params, factor)

"""Start a climb near its end: from a subsample of the rows, whitened by the null model.

A climb on all rows pays for every pass over them. The information of the null model is
known without a pass; a loose climb on a few rows in that whitening finds a start whose
distance from the maximum is their sampling error, and their information, scaled up, is a
whitening for all rows in which the distance left takes about ten passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.fitting.climb import Climb
from mlelogit.fitting.linalg import factor_positive
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import climb_once
from mlelogit.fitting.whitening import DenseWhitening, KroneckerWhitening, Whitening

# Below this product of rows and parameters overhead is all.
LARGE_WORK = 200_000
# With fewer rows their information is too far from that of all to whiten with.
ROWS_PER_PARAMETER = 16
SHARE = 16
# Half a standard error of the few rows: their maximum is further than that from all rows' own.
LOOSE = 0.5
PATIENCE = 60
# So many parameters repay an information of all rows in single precision.
WIDE = 400


@dataclass(frozen=True)
class Start:
    """Where to start a climb, and in which whitening.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    whitening : Whitening
    """

    params: np.ndarray
    whitening: Whitening


def whiten_null(shares: np.ndarray, base: int, width: int, total: float) -> KroneckerWhitening:
    """Return the whitening of the null model's information in an orthogonal basis.

    That is ``T (diag(p) - p p') ⊗ 1_K`` for shares p without the base and a total weight T;
    ``T diag(p)`` where the base's share is below the rounding of the others'.

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
    lower = factor_positive(total * (np.diag(p) - np.outer(p, p)))
    if lower is None:
        lower = np.diag(np.sqrt(total * p))
    return KroneckerWhitening(np.asfortranarray(lower), width)


def warm_up(objective: LogLikelihood, start: Start, least: int = 1) -> Start:
    """Climb loosely on a subsample, if there are rows enough for its information to serve.

    That climb starts from a subsample of its own, as long as there are rows for one. Its
    information is mixed with the null model's as if that came from P rows more.

    Parameters
    ----------
    objective : LogLikelihood
        On all rows, in an orthogonal basis.
    start : Start
        The null model, and its whitening on all rows.
    least : int
        How many rows each of the few must stand for; one: all rows may warm themselves up.
    """
    wanted = max(ROWS_PER_PARAMETER * objective.size, objective.blocks.rows // SHARE)
    step = objective.blocks.rows // wanted
    if objective.size >= WIDE:
        step = max(step, 1)
    if step < least and objective.blocks.held:
        return start
    sample = thin(objective, step)
    scale = objective.blocks.rows / sample.blocks.rows
    null = Start(start.params, start.whitening.scale(1 / np.sqrt(scale)))
    begin = warm_up(sample, null, least=2)
    climb = Climb(sample, begin.params, PATIENCE, 1.0, None, begin.whitening)
    climb_once(climb, "L-BFGS-B", LOOSE)
    information = np.asarray(climb.measure(climb.params, 2).information)
    share = sample.size / (sample.size + sample.blocks.rows)
    mixed = scale * ((1 - share) * information + share * null.whitening.square())
    lower = factor_positive(mixed)
    return start if lower is None else Start(climb.params, DenseWhitening(lower))


def thin(objective: LogLikelihood, step: int) -> LogLikelihood:
    """Return the log-likelihood of one row in so many, its informations in single precision."""
    if step == 1 and objective.blocks.held:
        return replace(objective, rough=True)
    return replace(objective, blocks=objective.blocks.draw(step), rough=True)

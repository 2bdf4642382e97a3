r"""An imprint of the rows: a few sums over all of them that other rows do not have.

It is the characteristic function of what the rows hold, each as often as it counts,

.. math:: S_q = \sum_i w_i \sum_j d_{ij} \exp i (b_q' u_i + \gamma_q o_{ij} + c_{qj}),

of standardized columns u, offsets o and outcomes d, at fixed points (b, γ, c) that nobody chose for
their data. Log-likelihood and score at the estimates know the outcomes by X'y alone, and of rows
whose category is certain nothing; a characteristic function belongs to one distribution only
(Billingsley 1995, Probability and Measure, theorem 26.2), and two different ones have the same
value in no more than a null set of points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.blocks import Block
from mlelogit.data.sources import lay_out
from mlelogit.fitting.likelihood import weigh
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.record import FitRecord

# With two, rows that meet by chance at one point would have to meet at another.
POINTS = 2
SEED = 20_011


def take_imprint(record: FitRecord) -> np.ndarray:
    """Return the imprint of the rows of a fit, in one pass over them.

    It does not depend on the order of the rows, nor on the base category.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    numpy.ndarray
        (2, 2): the real and the imaginary part at each point.

    Raises
    ------
    DataNotKeptError
        If the fit does not hold its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.saving.imprint import take_imprint
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> take_imprint(res.record).shape
    (2, 2)
    """
    blocks = record.need_blocks()
    with np.errstate(over="ignore", invalid="ignore"):
        found = blocks.reduce(sum_waves, record.basis, make_points(blocks.width, blocks.categories))
    return np.asarray(found)


def make_points(width: int, categories: int) -> np.ndarray:
    """Return the points (2, K + 1 + J), the same on every machine and for every version.

    Of RandomState it is promised that its numbers stay what they are (NumPy enhancement
    proposal 19).
    """
    random = np.random.RandomState(SEED)
    around = random.uniform(0.0, 2 * np.pi, (POINTS, categories))
    slopes = random.uniform(0.5, 1.5, (width + 1, POINTS)).T
    return np.concatenate([slopes, around], axis=1)


def sum_waves(block: Block, basis: ColumnBasis, points: np.ndarray) -> np.ndarray:
    """Return the sums over a block (2, 2)."""
    width, rows = block.x.shape
    turns = _standardize(block, basis, points[:, :width])
    offset = None if block.offset is None else block.offset - block.offset.mean(axis=0)
    found = np.empty((POINTS, 2))
    own = None if block.codes is None else (block.codes, np.arange(rows))
    for q, turn in enumerate(turns):
        around = points[q, width + 1 :]
        angles = turn + (around[:, np.newaxis] if own is None else around[block.codes])
        if offset is not None:
            angles = angles + points[q, width] * (offset if own is None else offset[own])
        waves = np.stack([np.cos(angles), np.sin(angles)])
        waves = (waves * block.table).sum(axis=1) if own is None else waves
        found[q] = weigh(block, waves).sum(axis=-1)
    return found


def _standardize(block: Block, basis: ColumnBasis, slopes: np.ndarray) -> np.ndarray:
    """Return slopes (2, K) times the standardized columns (2, m); Z'Z = n, so R has their sizes."""
    slopes = slopes / np.linalg.norm(basis.r, axis=0)
    x: Any = block.x
    if isinstance(x, np.ndarray):
        return np.asarray(slopes @ (x / basis.scale[:, np.newaxis] - basis.center[:, np.newaxis]))
    scaled = (slopes / basis.scale) @ x
    return np.asarray(lay_out(scaled) - (slopes @ basis.center)[:, np.newaxis])

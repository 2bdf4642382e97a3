"""Values of at= side by side: rows repeated for several of them, each in cells of its own.

Evaluating a formula takes milliseconds however few the rows; for many values at once it is done
once.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from mlelogit.data.design import take_rows
from mlelogit.interpretation.averages import CellSums
from mlelogit.interpretation.margins.scenes import MOST_ELEMENTS, MeanScene, RowScene
from mlelogit.interpretation.margins.variables import list_terms

# Of repeated rows: as many as make evaluating a formula little beside what is done with them.
MOST_ROWS = 1 << 16


def cut_grid(
    scene: RowScene | MeanScene, grid: list[dict[Hashable, Any]]
) -> list[list[dict[Hashable, Any]]]:
    """Return the values of at= in batches, each to be taken at once.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.margins.grids import cut_grid
    >>> from mlelogit.interpretation.margins.scenes import RowScene
    >>> from mlelogit.interpretation.points import read_points
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> scene = RowScene(read_points(res.record), {}, None, 1, {})
    >>> [len(batch) for batch in cut_grid(scene, [{"age": age} for age in range(100)])]
    [69, 31]
    """
    encoding = scene.points.encoding
    if encoding.rhs is None:
        return [[fixed] for fixed in grid]
    categories, columns = len(encoding.categories), len(encoding.names)
    rows = _count_rows(scene)
    # Sums that serve all variables have so many elements in every cell, at most.
    sums = scene.cells * columns * categories**3
    most = min(MOST_ROWS // rows, MOST_ELEMENTS // (rows * columns), MOST_ELEMENTS // sums)
    return [grid[at : at + max(most, 1)] for at in range(0, len(grid), max(most, 1))]


def _count_rows(scene: RowScene | MeanScene) -> int:
    """Return how many rows a formula is evaluated at for one value of at=."""
    if isinstance(scene, RowScene):
        return scene.points.design.source.shape[0]
    sizes = {name: share.shape[1] for name, share in scene.shares.items()}
    terms = list_terms(scene.points.encoding)
    mixed = (math.prod(sizes.get(name, 1) for name in term.variables) for term in terms)
    return scene.cells * max(mixed, default=1)


def fix_values(
    scene: RowScene | MeanScene, batch: list[dict[Hashable, Any]]
) -> RowScene | MeanScene:
    """Return a scene in which variables are fixed at one value of at=, or at several in turn."""
    if len(batch) == 1:
        return replace(scene, fixed=batch[0])
    times, cells = len(batch), scene.cells * len(batch)
    if isinstance(scene, MeanScene):
        return replace(
            scene,
            numbers={name: np.tile(mean, times) for name, mean in scene.numbers.items()},
            shares={name: np.tile(share, (times, 1)) for name, share in scene.shares.items()},
            offset=None if scene.offset is None else np.tile(scene.offset, (times, 1)),
            cells=cells,
            fixed=_repeat_values(batch, scene.cells),
        )
    length = scene.points.design.source.shape[0]
    rows = np.tile(np.arange(length), times)
    codes = np.repeat(np.arange(times) * scene.cells, length)
    return replace(
        scene,
        points=replace(scene.points, design=take_rows(scene.points.design, rows, lazy=True)),
        codes=codes if scene.codes is None else codes + np.tile(scene.codes, times),
        cells=cells,
        fixed=_repeat_values(batch, length),
    )


def _repeat_values(batch: list[dict[Hashable, Any]], length: int) -> dict[Hashable, np.ndarray]:
    fixed = {}
    for name in batch[0]:
        values = [one[name] for one in batch]
        numbers = all(isinstance(value, int | float | np.number | np.bool_) for value in values)
        column = np.array(values) if numbers else np.empty(len(values), dtype=object)
        column[:] = values
        fixed[name] = np.repeat(column, length)
    return fixed


def split_sums(sums: CellSums, parts: int) -> list[CellSums]:
    """Return what was found in the cells of each of several values of at=."""
    arrays = (np.split(array, parts) for array in (sums.totals, sums.values, sums.jacobian))
    return [CellSums(*part) for part in zip(*arrays, strict=True)]

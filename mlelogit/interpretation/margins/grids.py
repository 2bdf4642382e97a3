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
from mlelogit.data.terms import read_terms
from mlelogit.exceptions import MNLogitError
from mlelogit.interpretation.margins.changes import Effect, find_effects
from mlelogit.interpretation.margins.places import BLOCK_ELEMENTS, MeanPlaces, RowPlaces
from mlelogit.interpretation.margins.streamed import StreamedPlaces

# Of repeated rows: as many as make evaluating a formula little beside what is done with them.
MOST_ROWS = 1 << 16


def cut_grid(
    places: RowPlaces | MeanPlaces | StreamedPlaces, grid: list[dict[Hashable, Any]]
) -> list[list[dict[Hashable, Any]]]:
    """Return the values of at= in batches, each to be taken at once.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.margins.grids import cut_grid
    >>> from mlelogit.interpretation.margins.places import RowPlaces
    >>> from mlelogit.interpretation.points import read_points
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> places = RowPlaces(read_points(res.record), {}, None, 1, {})
    >>> [len(batch) for batch in cut_grid(places, [{"age": age} for age in range(100)])]
    [69, 31]
    """
    encoding = places.points.encoding
    if encoding.rhs is None:
        return [[fixed] for fixed in grid]
    categories, columns = len(encoding.categories), len(encoding.names)
    rows = _count_rows(places)
    # Sums that serve all variables have so many elements in every cell, at most.
    sums = places.cells * columns * categories**3
    most = min(MOST_ROWS // rows, BLOCK_ELEMENTS // (rows * columns), BLOCK_ELEMENTS // sums)
    return [grid[at : at + max(most, 1)] for at in range(0, len(grid), max(most, 1))]


def _count_rows(places: RowPlaces | MeanPlaces | StreamedPlaces) -> int:
    """Return how many rows a formula is evaluated at for one value of at=."""
    if isinstance(places, StreamedPlaces):
        return 1  # Of the rows of a piece, once for every value, one after the other.
    if isinstance(places, RowPlaces):
        return places.points.design.source.shape[0]
    sizes = {name: share.shape[1] for name, share in places.shares.items()}
    terms = read_terms(places.points.encoding)
    mixed = (math.prod(sizes.get(name, 1) for name in term.variables) for term in terms)
    return places.cells * max(mixed, default=1)


def fix_values(
    places: RowPlaces | MeanPlaces | StreamedPlaces, batch: list[dict[Hashable, Any]]
) -> RowPlaces | MeanPlaces | StreamedPlaces:
    """Return places at which variables are fixed at one value of at=, or at several in turn."""
    if isinstance(places, StreamedPlaces):
        return places.fix(batch)
    if len(batch) == 1:
        return replace(places, fixed=batch[0])
    times, cells = len(batch), places.cells * len(batch)
    if isinstance(places, MeanPlaces):
        return replace(
            places,
            numbers={name: np.tile(mean, times) for name, mean in places.numbers.items()},
            shares={name: np.tile(share, (times, 1)) for name, share in places.shares.items()},
            offset=None if places.offset is None else np.tile(places.offset, (times, 1)),
            cells=cells,
            fixed=_repeat_values(batch, places.cells),
        )
    length = places.points.design.source.shape[0]
    rows = np.tile(np.arange(length), times)
    codes = np.repeat(np.arange(times) * places.cells, length)
    return replace(
        places,
        points=replace(places.points, design=take_rows(places.points.design, rows, lazy=True)),
        codes=codes if places.codes is None else codes + np.tile(places.codes, times),
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


def find_at(
    places: RowPlaces | MeanPlaces | StreamedPlaces, batch: list[dict[Hashable, Any]], *asked: Any
) -> list[list[Effect]]:
    """Return the effects at each of several values of at=, found at once as by `find_effects`."""
    try:
        every = list(find_effects(fix_values(places, batch), *asked))
    except MNLogitError:
        if len(batch) == 1:
            raise
        # It speaks of rows that are repeated; one value alone is asked for what it says.
        return [part for fixed in batch for part in find_at(places, [fixed], *asked)]
    parts = [one.found.split(len(batch)) for one in every]
    return [
        [replace(one, found=part[at]) for one, part in zip(every, parts, strict=True)]
        for at in range(len(batch))
    ]

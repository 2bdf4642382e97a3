"""Effects of every change asked for, in every cell, and their Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np

from mlelogit.interpretation.averages import CellSums, sum_probabilities
from mlelogit.interpretation.margins.places import Places, find_rate
from mlelogit.interpretation.margins.requests import (
    SIGNS,
    Change,
    write_factor_level,
)
from mlelogit.interpretation.margins.slopes import (
    apply_direction,
    pays,
    sum_curves,
    sum_slopes,
)
from mlelogit.interpretation.margins.streamed import StreamedPlaces
from mlelogit.interpretation.margins.variables import Variable
from mlelogit.interpretation.points import PointModel
from mlelogit.interpretation.variances import find_still


@dataclass(frozen=True)
class Effect:
    """Effects (G, J) of one change in every cell, and their Jacobian (G, J, P)."""

    variable: Any
    contrast: str
    found: CellSums


def find_effects(
    places: Places,
    model: PointModel,
    effect: str,
    asked: list[Variable],
    changes: Mapping[Hashable, tuple[Change, ...] | None],
) -> Iterator[Effect]:
    """Yield the effects asked for at some places, variable by variable.

    Parameters
    ----------
    places : Places
    model : PointModel
    effect : str
    asked : list of Variable
    changes : mapping
        Variable -> its discrete changes; None for its derivative.
    """
    if effect == "level" and not asked:
        yield Effect("", "level", _average(places, model, {}))
    numbers = [one for one in asked if not (changes[one.name] or one.omitted)]
    steady = _share_pass(places, model, numbers) if effect == "dydx" else {}
    find_own = cache(lambda: _average(places, model, {}))
    for variable in asked:
        mine = changes[variable.name]
        if variable.omitted:
            yield from _leave_open(places, model, variable, mine, effect)
        elif effect == "level":
            yield from _find_levels(places, model, variable)
        elif mine:
            yield from _find_changes(places, model, variable, mine, find_own)
        elif variable.name in steady:
            yield Effect(variable.name, SIGNS["dydx"], steady[variable.name])
        else:
            yield _find_slope(places, model, variable, effect)


def _share_pass(
    places: Places, model: PointModel, numbers: list[Variable]
) -> dict[Hashable, CellSums]:
    """Return the derivatives of all variables that move columns at one rate, in one pass."""
    steady = [variable for variable in numbers if variable.affine]
    encoding = places.points.encoding
    width = len(encoding.names)
    worth = pays(len(encoding.categories), width, len(steady), places.cells)
    if model.separation.found or not worth:
        return {}
    sums = sum_curves(places.blocks({}), model, places.cells)
    found = {}
    for variable in steady:
        rate = find_rate(places.points, variable)
        direction = np.zeros(width)
        direction[rate.columns] = rate.values[:, 0]
        found[variable.name] = apply_direction(sums, model, direction)
    return found


def _leave_open(
    places: Places,
    model: PointModel,
    variable: Variable,
    changes: tuple[Change, ...] | None,
    effect: str,
) -> Iterator[Effect]:
    """Yield effects that are not known: NaN."""
    shape = places.cells, len(places.points.encoding.categories)
    unknown = CellSums(
        np.ones(places.cells), np.full(shape, np.nan), np.full((*shape, model.params.size), np.nan)
    )
    words = [change.words for change in changes] if changes else [SIGNS.get(effect, "level")]
    if effect == "level":
        words = [write_factor_level(level) for level in variable.levels or ()]
    yield from (Effect(variable.name, said, unknown) for said in words)


def _find_levels(places: Places, model: PointModel, variable: Variable) -> Iterator[Effect]:
    known = _average_at_once(places, model, variable, variable.levels or ())
    for level in variable.levels or ():
        found = known.get(level) or _average(places, model, {variable.name: level})
        yield Effect(variable.name, write_factor_level(level), found)


def _average(places: Places, model: PointModel, changes: Mapping[Hashable, Any]) -> CellSums:
    return sum_probabilities(places.blocks(changes), model, places.cells).average()


def _average_at_once(
    places: Places, model: PointModel, variable: Variable, values: Iterable[Any]
) -> dict[Any, CellSums]:
    """Return the averages at values of a variable, of rows in pieces; those cost a pass, not each.

    Rows in memory are gone through for every value, when it is asked for.
    """
    distinct = list(dict.fromkeys(values)) if isinstance(places, StreamedPlaces) else []
    if not distinct:
        return {}
    spread = cast(StreamedPlaces, places).spread([{variable.name: one} for one in distinct])
    found = sum_probabilities(spread.blocks({}), model, spread.cells).average()
    return dict(zip(distinct, found.split(len(distinct)), strict=True))


def _list_ends(places: Places, variable: Variable, change: Change) -> tuple[Any, Any]:
    """Return the values that a change begins and ends with; None for those that are observed."""
    if not change.relative:
        return change.start, change.stop
    values = places.values(variable.name)
    return (values + change.start) if change.start else None, values + change.stop


def _find_changes(
    places: Places,
    model: PointModel,
    variable: Variable,
    changes: tuple[Change, ...],
    find_own: Callable[[], CellSums],
) -> Iterator[Effect]:
    """Yield discrete changes; what several of them start from is found once."""
    known: dict[Any, CellSums] = {}
    if isinstance(places, StreamedPlaces):
        ends = [end for one in changes for end in _list_ends(places, variable, one)]
        known = _average_at_once(places, model, variable, (one for one in ends if one is not None))

    def find(value: Any) -> CellSums:
        if value is None:
            return find_own()
        key = value if isinstance(value, Hashable) else None
        if key is None:
            return _average(places, model, {variable.name: value})
        if key not in known:
            known[key] = _average(places, model, {variable.name: value})
        return known[key]

    for change in changes:
        start, stop = (find(end) for end in _list_ends(places, variable, change))
        yield Effect(variable.name, change.words, subtract_averages(stop, start, model))


def subtract_averages(stop: CellSums, start: CellSums, model: PointModel) -> CellSums:
    """Return a difference of averages; how it moves is NaN where separation alone settles an end.

    That end is zero, or one, by what was seen of some rows, which is no knowledge of others: the
    error of the other end would be given for the difference's.
    """
    jacobian = stop.jacobian - start.jacobian
    if model.separation.found:
        for end in (stop.jacobian, start.jacobian):
            still = find_still(end.reshape(-1, end.shape[2]), end.shape[1])
            jacobian[still.reshape(end.shape[:2])] = np.nan
    return CellSums(start.totals, stop.values - start.values, jacobian)


def _find_slope(places: Places, model: PointModel, variable: Variable, effect: str) -> Effect:
    blocks, direction = places.slope_blocks(
        variable, effect.startswith("ey"), effect.endswith("ex")
    )
    found = sum_slopes(blocks, model, direction, places.cells).average()
    return Effect(variable.name, SIGNS[effect], found)

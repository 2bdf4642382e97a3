"""Read what is asked of marginal effects: which changes, at which values."""

from __future__ import annotations

import itertools
from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice, write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import (
    DataNotKeptError,
    EffectError,
    OptionError,
    SizeLimitError,
    UnseenLevelError,
)
from mlelogit.inference.ranks import TIED
from mlelogit.interpretation.margins.variables import Variable
from mlelogit.interpretation.points import Points, read_values
from mlelogit.interpretation.streaming import StreamedPoints

KINDS = ("average", "at_means", "balanced")
EFFECTS = ("dydx", "eyex", "dyex", "eydx", "level")
SIGNS = {"dydx": "dy/dx", "eyex": "ey/ex", "dyex": "dy/ex", "eydx": "ey/dx"}
LEVEL_CHANGES = ("reference", "pairwise", "sequential")
NUMBER_CHANGES = ("unit", "centered unit", "sd", "centered sd", "range", "iqr")
# Combinations of values in at=: each is a pass over the rows, of milliseconds at least, so that
# more are minutes that no one meant.
MOST_VALUES = 10_000


@dataclass(frozen=True)
class Request:
    """What is asked; see `mlelogit.interpretation.margins.effects.estimate_margins`."""

    variables: Any = None
    kind: str = "average"
    effect: str = "dydx"
    change: Any = None
    at: Any = None
    by: Any = None

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_choice("effect", self.effect, EFFECTS)


@dataclass(frozen=True)
class Change:
    """A variable's move from one value to another.

    Attributes
    ----------
    words : str
        "b - a".
    start, stop : Any
        Two values; or, if it is relative, what is added to a number's own value.
    relative : bool
    """

    words: str
    start: Any
    stop: Any
    relative: bool = False


def read_changes(
    request: Request, asked: Sequence[Variable], own: Points | StreamedPoints | None
) -> dict[Hashable, tuple[Change, ...] | None]:
    """Return the changes asked of every variable, by name; None for a derivative.

    A change given alone is for all numbers or all factors, and leaves those of the other kind to
    their derivatives or reference levels; there must be one that it is for.

    Parameters
    ----------
    request : Request
    asked : sequence of Variable
    own : Points or None
        The fit's own rows, whose standard deviation, range and quartiles are meant; None if it
        lost them.

    Raises
    ------
    OptionError, UnseenLevelError, EffectError
        If the change is none for a variable.
    DataNotKeptError
        If it takes rows that the fit lost.
    """
    given = request.change
    if isinstance(given, Mapping):
        return {one.name: _read_change(given.get(one.name), one, own) for one in asked}
    word = isinstance(given, str)
    for_numbers = given in NUMBER_CHANGES if word else _is_number(given) or _is_move(given)
    for_factors = _is_of_levels(given)
    mixed = len({one.is_factor for one in asked}) > 1
    found = {}
    for one in asked:
        others = mixed and (for_numbers if one.is_factor else for_factors)
        # Two levels are those of some factors; of factors asked for by name, of all.
        some = for_factors and not word and (mixed or request.variables is None)
        if _is_pair(given) and _hold(one, given):
            others = some = False
        found[one.name] = _read_change(None if others or some else given, one, own)
    return found


def _read_change(
    change: Any, variable: Variable, own: Points | StreamedPoints | None
) -> tuple[Change, ...] | None:
    if variable.is_factor:
        return _read_level_changes("reference" if change is None else change, variable)
    return None if change is None else (_read_number_change(change, variable, own),)


def leave_out_fixed(
    request: Request, asked: list[Variable], fixed: Container[Hashable]
) -> list[Variable]:
    """Leave out variables that at= fixes, which do not move; raise if one was asked for by name.

    One that is fixed has a derivative there, and what is added to its value is added there; its
    level is that of at=.

    Raises
    ------
    EffectError
        If a variable was to move between values that at= does not leave it.
    """
    if request.effect not in ("dydx", "level"):
        return asked
    gone = [one for one in asked if one.name in fixed and not _moves_from_fixed(request, one)]
    kept = [one for one in asked if one not in gone]
    named = request.change if isinstance(request.change, Mapping) else ()
    wanted = [one.name for one in gone if request.variables is not None or one.name in named]
    if request.effect == "dydx" and (wanted or (gone and not kept)):
        raise EffectError(
            f"at= fixes {[*wanted, gone[0].name][0]!r}, whose effect is asked for from one value "
            "to another; leave it out of one of the two."
        )
    return kept


def _moves_from_fixed(request: Request, variable: Variable) -> bool:
    change = request.change
    if isinstance(change, Mapping):
        change = change.get(variable.name)
    if variable.is_factor or request.effect == "level":
        return False
    if _is_pair(change):
        return _is_of_levels(change)
    return not (isinstance(change, str) and change in ("range", "iqr"))


def _is_of_levels(change: Any) -> bool:
    """Tell whether a change given alone is one of factors, not of numbers."""
    if isinstance(change, str):
        return change in LEVEL_CHANGES
    return _is_pair(change) and not any(map(_is_number, change))


def check_change(
    request: Request, variables: Mapping[Hashable, Variable], asked: list[Variable]
) -> None:
    """Raise if a change is for what is no variable or was not asked for, or an elasticity."""
    change = request.change
    if change is not None and request.effect != "dydx":
        raise EffectError(
            f"effect={request.effect!r} has no change= from one value to another; leave out one."
        )
    if isinstance(change, Mapping):
        unknown = [name for name in change if name not in variables]
        if unknown:
            raise EffectError(
                f"change names {list_some(unknown)}, no variable of the fit; these are "
                f"{list_some(list(variables), 50)}."
            )
        left = [name for name in change if name not in [one.name for one in asked]]
        if left:
            raise EffectError(f"change names {list_some(left)}, which variables= leaves out.")
    elif isinstance(change, str):
        check_choice("change", change, (*LEVEL_CHANGES, *NUMBER_CHANGES))
    elif _is_of_levels(change) and not any(_hold(one, change) for one in asked):
        raise OptionError(
            f"change={write_value(change)} are no two numbers, nor levels of a factor asked for."
        )


def _hold(variable: Variable, ends: Any) -> bool:
    """Tell whether a variable has both ends of a change as levels."""
    levels = variable.levels or ()
    return all(place_level(end, levels) is not None for end in ends)


def _read_level_changes(change: Any, variable: Variable) -> tuple[Change, ...]:
    levels, pairs = variable.levels or (), None
    if isinstance(change, str) and change in LEVEL_CHANGES:
        pairs = pair_levels(len(levels), change, variable.reference)
    elif _is_pair(change):
        first, second = (find_level(end, variable, "change") for end in change)
        pairs = [(first, second)] if first != second else None
    if pairs is None:
        raise OptionError(
            f"The change of the factor {variable.name!r} must be one of "
            f"{', '.join(LEVEL_CHANGES)} or two different levels of it, not {write_value(change)}."
        )
    words = [write_factor_level(level) for level in levels]
    return tuple(Change(f"{words[b]} - {words[a]}", levels[a], levels[b]) for a, b in pairs)


def write_factor_level(level: Any) -> str:
    """Write a level, whole numbers without a point.

    Examples
    --------
    >>> from mlelogit.interpretation.margins.requests import write_factor_level
    >>> write_factor_level(2.0), write_factor_level("low")
    ('2', 'low')
    """
    number = isinstance(level, float | np.floating)
    return f"{level:.10g}" if number else str(level)


def pair_levels(size: int, way: str, reference: int = 0) -> list[tuple[int, int]]:
    """Return which of so many levels are compared: (from, to)."""
    if way == "pairwise":
        return list(itertools.combinations(range(size), 2))
    if way == "sequential":
        return list(itertools.pairwise(range(size)))
    return [(reference, other) for other in range(size) if other != reference]


def find_level(value: Any, variable: Variable, what: str) -> int:
    """Return the position of a factor's level, or raise `UnseenLevelError`."""
    levels = variable.levels or ()
    place = place_level(value, levels)
    if place is None:
        raise UnseenLevelError(
            f"{what} has {write_value(value)} for {variable.name!r}, whose levels are "
            f"{list_some(levels, 50)}."
        )
    return place


def place_level(value: Any, levels: tuple) -> int | None:
    """Return the position of a level, one of the same type before one that is equal; or None.

    Examples
    --------
    >>> from mlelogit.interpretation.margins.requests import place_level
    >>> place_level("1", (1, "1")), place_level(1.0, (1, "1")), place_level(0, ("0", "1"))
    (1, 0, None)
    """
    value = value.item() if isinstance(value, np.generic) else value
    if np.ndim(value):
        return None
    for place, level in enumerate(levels):
        if type(level) is type(value) and level == value:
            return place
    for place, level in enumerate(levels):
        if not isinstance(value, str) and level == value:
            return place
    return None


def _is_pair(change: Any) -> bool:
    return isinstance(change, list | tuple | np.ndarray) and len(change) == 2


def _is_move(change: Any) -> bool:
    """Tell whether a change is from a number to another."""
    return _is_pair(change) and all(map(_is_number, change))


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    return bool(number and np.isfinite(value))


def _read_number_change(
    change: Any, variable: Variable, own: Points | StreamedPoints | None
) -> Change:
    if _is_number(change) and change != 0:
        return Change(f"{change:+.10g}", 0.0, float(change), relative=True)
    if _is_move(change) and change[0] != change[1]:
        start, stop = (float(end) for end in change)
        return Change(f"{stop:.10g} - {start:.10g}", start, stop)
    if not (isinstance(change, str) and change in NUMBER_CHANGES):
        raise OptionError(
            f"The change of the number {variable.name!r} must be one of "
            f"{', '.join(NUMBER_CHANGES)}, a number other than zero that is added, or two "
            f"different values (from, to), not {write_value(change)}."
        )
    if change.endswith("unit"):
        size, said = 1.0, "1"
    elif own is None:
        raise DataNotKeptError(
            f"The change {change!r} of {variable.name!r} is measured in the fit's own rows, which "
            "were left behind when it was pickled or saved; give a number that is added, or two "
            "values (from, to), or load a saved fit with its rows, ml.load(path, data=frame)."
        )
    elif change.endswith("sd"):
        size, said = measure_deviation(own, variable.name), "sd"
    else:
        ends = (0.0, 1.0) if change == "range" else (0.25, 0.75)
        start, stop = measure_ends(own, variable.name, ends)
        return Change("max - min" if change == "range" else "Q3 - Q1", start, stop)
    if change.startswith("centered"):
        return Change(f"+{said}/2 - -{said}/2", -size / 2, size / 2, relative=True)
    return Change(f"+{said}", 0.0, size, relative=True)


def measure_ends(points: Points | StreamedPoints, name: Hashable, ends: tuple) -> list[float]:
    """Return two quantiles of a number over rows."""
    if isinstance(points, StreamedPoints):
        return points.find_ends(name, ends)
    return find_quantiles(read_values(points, name), points.weights, ends, _is_counted(points))


def measure_deviation(points: Points | StreamedPoints, name: Hashable) -> float:
    """Return a number's standard deviation over rows, with N - 1.

    N is the sum of frequency weights, people included, so that it is that of the rows laid out;
    with other weights the variance is theirs, times n / (n - 1) of n rows.
    """
    if isinstance(points, StreamedPoints):
        return points.measure_deviation(name)
    values, weights = read_values(points, name), points.weights
    total = weights.sum()
    mean = weights @ values / total
    share = float(weights @ (values - mean) ** 2 / total)
    # Own rows that are equal can come as one, with their number.
    rows = points.design.audit.rows_used if points.own else float((weights > 0).sum())
    size = total if _is_counted(points) else rows
    if size <= 1:
        raise EffectError(f"One row has no standard deviation of {name!r}; give change= a number.")
    return float(np.sqrt(share * size / (size - 1)))


def _is_counted(points: Points) -> bool:
    """Tell whether a row of weight w is w rows, not one row that stands for others."""
    return points.design.weight_type in (None, "frequency")


def find_quantiles(
    values: np.ndarray, weights: np.ndarray, shares: tuple, counted: bool
) -> list[float]:
    """Return quantiles of weighted values.

    Of weights that count rows they are numpy's of the values laid out as often, linear between
    neighbours (Hyndman and Fan 1996, definition 7); of others, whose size says nothing, the
    least values up to which the share of the weights is reached (definition 1).

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.margins.requests import find_quantiles
    >>> find_quantiles(np.array([1.0, 2.0]), np.array([3, 1]), (0.5, 0.75), counted=True)
    [1.0, 1.25]
    """
    kept = weights > 0
    order = np.argsort(values[kept], kind="stable")
    ordered, reached = values[kept][order], np.cumsum(weights[kept][order])
    total = reached[-1]
    if counted:
        places = [(total - 1) * share for share in shares]
        low = ordered[np.searchsorted(reached, np.floor(places), side="right")]
        high = ordered[np.searchsorted(reached, np.ceil(places), side="right")]
        return [float(v) for v in low + (high - low) * (np.array(places) - np.floor(places))]
    # A sum of weights that is a share but for rounding has reached it.
    found = np.searchsorted(reached, np.array(shares) * total * (1 - TIED))
    return [float(ordered[place]) for place in found]


def read_at(at: Any, variables: Mapping[Hashable, Variable]) -> list[dict[Hashable, Any]]:
    """Return the combinations of values that variables are fixed at: one without any if None.

    Parameters
    ----------
    at : mapping, or list of them, or None
        Variable -> one value, or several, of which all combinations are taken; a list holds
        combinations of single values.
    variables : mapping

    Raises
    ------
    EffectError
        If a name is no variable.
    UnseenLevelError
        If a value is no level of its factor.
    OptionError
        If a value is no finite number, or there are too many.
    """
    if at is None:
        return [{}]
    if isinstance(at, list | tuple) and at and all(isinstance(one, Mapping) for one in at):
        _check_grid(len(at))
        found = [_read_grid(one, variables) for one in at]
        if any(len(grid) > 1 or set(grid[0]) != set(found[0][0]) for grid in found):
            raise OptionError("at= as a list fixes the same variables, each at one value, in all.")
        _refuse_repeats([tuple(grid[0].values()) for grid in found], "")
        return [grid[0] for grid in found]
    if not isinstance(at, Mapping):
        raise OptionError(
            f"at= is a mapping of variables to values, or a list of them, not {write_value(at)}."
        )
    return _read_grid(at, variables)


def _read_grid(
    at: Mapping[Hashable, Any], variables: Mapping[Hashable, Variable]
) -> list[dict[Hashable, Any]]:
    columns = []
    for name, given in at.items():
        if name not in variables:
            raise EffectError(
                f"at names {name!r}, no variable of the fit; these are "
                f"{list_some(list(variables), 50)}."
            )
        several = not isinstance(given, str) and np.ndim(given) > 0
        values = given if several else [given]
        if not len(values):
            raise OptionError(f"at= has no value for {name!r}.")
        _check_grid(len(values))
        columns.append([_read_value(value, variables[name]) for value in values])
        _refuse_repeats(columns[-1], f" for {name!r}")
    _check_grid(np.prod([len(column) for column in columns], dtype=np.float64))
    return [dict(zip(at, row, strict=True)) for row in itertools.product(*columns)]


def _check_grid(size: float) -> None:
    if size > MOST_VALUES:
        raise SizeLimitError(
            f"at= has {size:,.0f} combinations of values, and {MOST_VALUES:,} are the most; take "
            "fewer values of each, or one grid at a time."
        )


def _refuse_repeats(values: list, whose: str) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise OptionError(f"at= has {write_value(value)} twice{whose}; leave one out.")


def _read_value(value: Any, variable: Variable) -> Any:
    if variable.is_factor:
        return (variable.levels or ())[find_level(value, variable, "at")]
    if not _is_number(value):
        raise OptionError(
            f"at= needs finite numbers for {variable.name!r}, not {write_value(value)}."
        )
    return float(value)

r"""Marginal effects of variables on probabilities, with standard errors by the delta method.

An effect m is a function of the coefficients b; with G its Jacobian and V the covariance of b
that of the effects is ``G V G'`` (Greene 2018, theorem D.21A). Jacobians are in closed form: those
of derivatives in `mlelogit.interpretation.margins.slopes`, those of discrete changes are
differences of those in `mlelogit.interpretation.averages`. The rows are taken as they are: what
they would be in another sample is not part of the standard errors.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import list_some
from mlelogit.exceptions import CollinearityWarning, EffectError, SeparationWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.interpretation.averages import (
    Cells,
    CellSums,
    name_beside,
    order_rows,
    read_cells,
    sum_probabilities,
)
from mlelogit.interpretation.margins.means import make_balanced_points, make_mean_places
from mlelogit.interpretation.margins.places import MeanPlaces, Places, RowPlaces, find_rate
from mlelogit.interpretation.margins.requests import (
    SIGNS,
    Change,
    Request,
    check_change,
    read_at,
    read_changes,
    write_level,
)
from mlelogit.interpretation.margins.slopes import (
    apply_direction,
    pays,
    sum_curves,
    sum_slopes,
)
from mlelogit.interpretation.margins.table import Margins
from mlelogit.interpretation.margins.variables import (
    Variable,
    find_variables,
    pick_variables,
)
from mlelogit.interpretation.points import PointModel, Points, model_points, read_points
from mlelogit.interpretation.variances import find_effect_root, find_law, find_open
from mlelogit.notices import keep_errors, track, warn_user

TITLES = {
    "average": "Average marginal effects",
    "at_means": "Marginal effects at means",
    "balanced": "Marginal effects on a balanced grid",
}
LEVEL_TITLES = {
    "average": "Average predicted probabilities",
    "at_means": "Predicted probabilities at means",
    "balanced": "Predicted probabilities on a balanced grid",
}


@keep_errors
def estimate_margins(
    record: FitRecord,
    covariance: Covariance,
    variables: Any = None,
    kind: str = "average",
    *,
    effect: str = "dydx",
    change: Any = None,
    at: Any = None,
    by: Any = None,
    newdata: Any = None,
    weights: Any = None,
    offset: Any = None,
) -> Margins:
    r"""Estimate marginal effects.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        Of the coefficients; any kind.
    variables : name, or list of names, optional
        All if not given, and all numbers if elasticities are asked for. A variable is a
        column of the data: all its columns of the design move together, as those of
        ``age + I(age**2)``, ``a:b``, ``poly(x, 3)`` or ``C(g)`` do.
    kind : {"average", "at_means", "balanced"}
        The mean of the effects at all rows, each as it counts in the fit: weights and
        people of counts; the effect at one row where numbers are at their means and factors
        in the shares of their levels (Stata's atmeans: products of factors are products of
        their means, transforms those of the mean); or the mean over all combinations of
        the factors' levels, each once, numbers at their means (R's emmeans).
    effect : {"dydx", "eyex", "dyex", "eydx", "level"}
        The derivative of a probability by a number; elasticities, by logarithms of the
        probability (ey) and the variable (ex); or no effect at all but the probabilities
        themselves, at every level of factors or at the values of `at`.
    change : optional
        A discrete change instead of a derivative, and which levels of factors are compared.
        Of numbers: (a, b), from a to b; "unit" and "sd", from what is observed up by one or
        by a standard deviation; "centered unit" and "centered sd", from half of it below to
        half of it above; "range" and "iqr", from the least to the largest value and
        between the quartiles; a number that is added to what is observed. Of factors:
        "reference" (the default), every level less the one that they are coded against;
        "pairwise"; "sequential"; or two levels. Given alone it is for all numbers, or all
        factors; by variable as ``{"age": "sd", "region": "pairwise"}``. Columns of truth
        values are factors.
    at : mapping or list of mappings, optional
        Variable -> a value, or several, at which it is fixed in all rows: all
        combinations are taken. Other variables are as they are, or at their means.
    by : column or labels, or a list of them, optional
        Groups of the rows, each with effects of its own; with kind="at_means" at the means
        of the group.
    newdata, weights, offset : optional
        Rows to average over instead of the fit's own; see
        `mlelogit.interpretation.points.read_points`. Standard deviations, ranges and quartiles
        are those of the fit's own rows.

    Returns
    -------
    Margins

    Raises
    ------
    EffectError
        If a name is no variable, or an effect is not defined: the derivative of a step, the
        elasticity of a factor.
    OptionError, UnseenLevelError, LabelError, CovarianceError, DataNotKeptError
        Each says what is wrong with an argument, or missing.

    Warns
    -----
    SeparationWarning
        If standard errors are NaN for the separation of the data.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.margins.effects import estimate_margins
    >>> res = ml.mnlogit("vote ~ age + I(age**2) + educ", ml.datasets.load_anes96()).fit()
    >>> found = estimate_margins(res.record, res.covariance, "age")
    >>> found.summary_frame()["estimate"].round(5).tolist()
    [-0.00223, 0.00223]
    """
    need_covariance(covariance)
    request = Request(variables, kind, effect, change, at, by)
    points = read_points(record, newdata, offset, weights)
    found = find_variables(record)
    asked = _pick(request, found)
    check_change(request, found, asked)
    _warn_of_omitted(asked)
    grid = read_at(request.at, found)
    cells = read_cells(points, request.by)
    own = _find_own(record, points)
    changes = {variable.name: read_changes(request, variable, own) for variable in asked}
    places = _set_places(record, points, found, request, cells)
    effects: list[tuple[dict[Hashable, Any], list[Effect]]] = []
    for fixed in track(grid, "Marginal effects"):
        here = replace(places, fixed=fixed)
        effects.append(
            (fixed, list(_find_effects(here, model_points(record), effect, asked, changes)))
        )
    return _assemble(record, covariance, request, effects, cells)


def _pick(request: Request, variables: dict[Hashable, Variable]) -> list[Variable]:
    """Return the variables asked for, and raise if one has not the effect asked for."""
    if request.effect == "level" and request.variables is None:
        return []
    if not variables and request.variables is None:
        raise EffectError("The model has no variable, so there is no effect.")
    asked = pick_variables(variables, request.variables)
    if request.effect == "dydx":
        return asked
    wanted = request.effect == "level"
    kept = [variable for variable in asked if variable.is_factor == wanted]
    if request.variables is None and kept:
        return kept
    if len(kept) < len(asked) or not asked:
        wrong = [variable.name for variable in asked if variable.is_factor != wanted]
        said = (
            "is a number: fix it by at="
            if wanted
            else "is a factor, by which there is no derivative: leave it out by variables="
        )
        raise EffectError(f"effect={request.effect!r}: {wrong[:1] or ['there']!r} {said}.")
    return asked


def _warn_of_omitted(asked: list[Variable]) -> None:
    gone = [variable.name for variable in asked if variable.omitted]
    if gone:
        warn_user(
            f"The columns of {list_some(gone)} were left out as combinations of others, so there "
            "is no telling their effects, which are NaN, from those of the others.",
            CollinearityWarning,
        )


def _find_own(record: FitRecord, points: Points) -> Points | None:
    """Return the fit's own rows, whose standard deviations are meant; None if it lost them."""
    if points.own or record.blocks is None:
        return points if points.own else None
    given = record.blocks.design.given
    held = record.encoding.rhs is None or (given is not None and given.frame is not None)
    return read_points(record) if held else None


def _set_places(
    record: FitRecord,
    points: Points,
    variables: dict[Hashable, Variable],
    request: Request,
    cells: Cells,
) -> RowPlaces | MeanPlaces:
    """Return the rows at which effects are taken, each in the cell of its group."""
    points, codes = order_rows(points, cells)
    if request.kind == "at_means":
        return make_mean_places(points, variables, codes, cells.count)
    if request.kind == "balanced":
        points, codes = make_balanced_points(record, points, variables, codes, cells.count)
    several = cells.count > 1
    return RowPlaces(points, variables, codes if several else None, cells.count, {})


@dataclass(frozen=True)
class Effect:
    """Effects (G, J) of one change in every cell, and their Jacobian (G, J, P)."""

    variable: Any
    contrast: str
    found: CellSums


def _find_effects(
    places: Places,
    model: PointModel,
    effect: str,
    asked: list[Variable],
    changes: Mapping[Hashable, tuple[Change, ...] | None],
) -> Iterator[Effect]:
    """Yield the effects asked for at some places, variable by variable."""
    if effect == "level" and not asked:
        sums = sum_probabilities(places.blocks({}), model, places.cells)
        yield Effect("", "level", sums.average())
    numbers = [one for one in asked if not (changes[one.name] or one.omitted)]
    steady = _share_pass(places, model, numbers) if effect == "dydx" else {}
    for variable in asked:
        mine = changes[variable.name]
        if variable.omitted:
            yield from _leave_open(places, model, variable, mine, effect)
        elif effect == "level":
            yield from _find_levels(places, model, variable)
        elif mine:
            yield from _find_changes(places, model, variable, mine)
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
        words = [write_level(level) for level in variable.levels or ()]
    yield from (Effect(variable.name, said, unknown) for said in words)


def _find_levels(places: Places, model: PointModel, variable: Variable) -> Iterator[Effect]:
    for level in variable.levels or ():
        blocks = places.blocks({variable.name: level})
        found = sum_probabilities(blocks, model, places.cells).average()
        yield Effect(variable.name, write_level(level), found)


def _find_changes(
    places: Places, model: PointModel, variable: Variable, changes: tuple[Change, ...]
) -> Iterator[Effect]:
    """Yield discrete changes; what several of them start from is found once."""
    known: dict[Any, CellSums] = {}

    def find(value: Any) -> CellSums:
        key = value if isinstance(value, Hashable) else None
        if key is None or key not in known:
            blocks = places.blocks({variable.name: value})
            found = sum_probabilities(blocks, model, places.cells).average()
            if key is None:
                return found
            known[key] = found
        return known[key]

    for change in changes:
        ends = change.ends(places.values(variable.name) if change.relative else None)
        start, stop = (find(value) for value in ends)
        difference = CellSums(
            start.totals, stop.values - start.values, stop.jacobian - start.jacobian
        )
        yield Effect(variable.name, change.words, difference)


def _find_slope(places: Places, model: PointModel, variable: Variable, effect: str) -> Effect:
    logarithmic, scaled = effect.startswith("ey"), effect.endswith("ex")
    blocks, direction = places.slope_blocks(variable, logarithmic, scaled)
    found = sum_slopes(blocks, model, direction, places.cells).average()
    return Effect(variable.name, SIGNS[effect], found)


def _assemble(
    record: FitRecord,
    covariance: Covariance,
    request: Request,
    effects: list[tuple[dict[Hashable, Any], list[Effect]]],
    cells: Cells,
) -> Margins:
    """Lay effects out: by variable and contrast, then values of at=, groups, categories."""
    categories = record.encoding.categories
    rows: list[dict[str, Any]] = []
    values, jacobians = [], []
    for place in range(len(effects[0][1])):
        for fixed, found in effects:
            effect = found[place]
            for cell in range(cells.count):
                beside = _label_cell(fixed, cells, cell)
                head = {"variable": effect.variable, "contrast": effect.contrast}
                rows += [{**head, "category": category, **beside} for category in categories]
            values.append(effect.found.values.ravel())
            jacobians.append(effect.found.jacobian.reshape(-1, len(record.maximum.params)))
    jacobian, estimate = np.concatenate(jacobians), np.concatenate(values)
    root = find_effect_root(record, find_law(record, covariance), jacobian)
    estimate[find_open(record, jacobian)] = np.nan
    levels = request.effect == "level"
    title = (LEVEL_TITLES if levels else TITLES)[request.kind]
    columns = {name: pd.Series([row[name] for row in rows], dtype=None) for name in rows[0]}
    if record.separation.found and np.isnan(root).any():
        warn_user(
            "The data are separated: effects are those of the limit, NaN where it leaves them "
            "open. Standard errors take what is separated as given, and are NaN where that alone "
            "settles an effect.",
            SeparationWarning,
        )
    how = covariance.df, title, covariance.kind, levels
    return Margins(pd.DataFrame(columns), estimate, root, *how)


def _label_cell(fixed: dict[Hashable, Any], cells: Cells, cell: int) -> dict[str, Any]:
    taken = {"variable", "contrast", "category", "estimate", "std_err", "z", "p_value"}
    taken |= {"lower", "upper", "p_adjusted"}
    beside: dict[str, Any] = {}
    for name, value in fixed.items():
        beside[f"at {name}" if str(name) in taken else str(name)] = value
    label = cells.names[cell] if len(cells.sets) > 1 else (cells.names[cell],)
    for one, value in zip(cells.sets, label, strict=False):
        beside[name_beside(one.name, {*taken, *beside})] = value
    return beside

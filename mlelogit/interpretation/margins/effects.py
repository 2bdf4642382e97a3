r"""Marginal effects of variables on probabilities, with standard errors by the delta method.

An effect m is a function of the coefficients b; with G its Jacobian and V the covariance of b
that of the effects is ``G V G'`` (Greene 2018, theorem D.21A). Jacobians are in closed form: those
of derivatives in `mlelogit.interpretation.margins.slopes`, those of discrete changes are
differences of those in `mlelogit.interpretation.averages`. The rows are taken as they are: what
they would be in another sample is not part of the standard errors.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import (
    as_frame,
    convert_foreign,
    list_foreign_names,
    list_names,
    list_some,
)
from mlelogit.data.outward import choose_kind
from mlelogit.data.streaming.opening import hold_small
from mlelogit.exceptions import CollinearityWarning, EffectError, SeparationWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.interpretation.averages import (
    Cells,
    name_beside,
    order_rows,
    read_cells,
    read_streamed_cells,
)
from mlelogit.interpretation.margins.changes import Effect
from mlelogit.interpretation.margins.grids import cut_grid, find_at
from mlelogit.interpretation.margins.means import make_balanced_points, make_mean_places
from mlelogit.interpretation.margins.places import MeanPlaces, RowPlaces
from mlelogit.interpretation.margins.requests import (
    Request,
    check_change,
    leave_out_fixed,
    read_at,
    read_changes,
)
from mlelogit.interpretation.margins.streamed import StreamedPlaces, find_streamed_means
from mlelogit.interpretation.margins.table import Margins
from mlelogit.interpretation.margins.variables import (
    Variable,
    find_variables,
    pick_variables,
)
from mlelogit.interpretation.points import model_points, read_points
from mlelogit.interpretation.streaming import StreamedPoints, open_points
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
        themselves, at every level of factors or at the values of ``at``.
    change : optional
        A discrete change instead of a derivative, and which levels of factors are compared.
        Of numbers: (a, b), from a to b; "unit" and "sd", from what is observed up by one or
        by a standard deviation; "centered unit" and "centered sd", from half of it below to
        half of it above; "range" and "iqr", from the least to the largest value and
        between the quartiles; a number that is added to what is observed. Of factors:
        "reference" (the default), every level less the one that they are coded against;
        "pairwise"; "sequential"; or two levels. Given alone it is for all numbers, or all
        factors; by variable as ``{"age": "sd", "region": "pairwise"}``. Columns of truth
        values are factors. The other kind then has its derivatives, or its reference levels.
    at : mapping or list of mappings, optional
        Variable -> a value, or several, at which it is fixed in all rows: all
        combinations are taken. Other variables are as they are, or at their means. Of
        variables that are fixed there are derivatives, and changes by what is added, but none
        from one value or level to another.
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
    CollinearityWarning
        If columns of a variable were left out of the fit, so that its effects are NaN.

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
    found = find_variables(record)
    every = _list_asked(request, found)
    check_change(request, found, every)
    grid = read_at(request.at, found)
    rows = _fill_fixed(record, hold_small(newdata, offset, weights), grid[0])
    points: Any = open_points(record, rows, offset, weights)
    asked = _pick(request, leave_out_fixed(request, every, grid[0]))
    _warn_of_omitted(asked)
    points, cells = _read_cells(points, request.by)
    changes = read_changes(request, asked, _find_own(record, points))
    places = _set_places(record, points, found, request, cells)
    effects: list[list[Effect]] = []
    for batch in track(cut_grid(places, grid), "Marginal effects"):
        effects += find_at(places, batch, model_points(record), effect, asked, changes)
    made = _assemble(record, covariance, request, list(zip(grid, effects, strict=True)), cells)
    return replace(made, frame_kind=choose_kind(None, newdata, record.encoding.frame_kind))


def _read_cells(points: Any, by: Any) -> tuple[Any, Cells]:
    if isinstance(points, StreamedPoints):
        return read_streamed_cells(points, by)
    return points, read_cells(points, by)


def _fill_fixed(record: FitRecord, newdata: Any, fixed: dict[Hashable, Any]) -> Any:
    """Give new rows the columns that they lack and at= fixes."""
    if set(record.encoding.needed) <= set(list_foreign_names(newdata) or ()):
        return newdata
    rows = convert_foreign(newdata)
    if not isinstance(rows, pd.DataFrame | dict):
        return newdata
    frame = as_frame(rows, "newdata")
    needed = set(record.encoding.needed) - set(list_names(frame))
    filled = {name: [fixed[name]] * len(frame) for name in fixed if name in needed}
    if not filled:
        return newdata
    if isinstance(newdata, pd.DataFrame):
        return pd.concat([newdata, pd.DataFrame(filled, index=newdata.index)], axis=1)
    return {name: frame[name].array for name in frame.columns} | filled


def _list_asked(request: Request, variables: dict[Hashable, Variable]) -> list[Variable]:
    if request.effect == "level" and request.variables is None:
        return []
    if not variables and request.variables is None:
        raise EffectError("The model has no variable, so there is no effect.")
    return pick_variables(variables, request.variables)


def _pick(request: Request, asked: list[Variable]) -> list[Variable]:
    """Return the variables that have the effect asked for, and raise if one asked for has not."""
    if request.effect == "dydx":
        return asked
    wanted = request.effect == "level"
    wrong = [variable.name for variable in asked if variable.is_factor != wanted]
    kept = [variable for variable in asked if variable.is_factor == wanted]
    if wrong and (request.variables is not None or not kept):
        said = (
            "is a number: fix it by at="
            if wanted
            else "is a factor, by which there is no derivative: leave it out by variables="
        )
        raise EffectError(f"effect={request.effect!r}: {wrong[0]!r} {said}.")
    return kept


def _warn_of_omitted(asked: list[Variable]) -> None:
    gone = [variable.name for variable in asked if variable.omitted]
    if gone:
        warn_user(
            f"The columns of {list_some(gone)} were left out as combinations of others, so there "
            "is no telling their effects, which are NaN, from those of the others.",
            CollinearityWarning,
        )


def _find_own(record: FitRecord, points: Any) -> Any:
    """Return the fit's own rows, whose standard deviations are meant; None if it lost them."""
    if points.own or record.blocks is None:
        return points if points.own else None
    if not record.blocks.held:
        return open_points(record)
    given = record.blocks.design.given
    held = record.encoding.rhs is None or (given is not None and given.frame is not None)
    return read_points(record) if held else None


def _set_places(
    record: FitRecord,
    points: Any,
    variables: dict[Hashable, Variable],
    request: Request,
    cells: Cells,
) -> RowPlaces | MeanPlaces | StreamedPlaces:
    """Return the rows at which effects are taken, each in the cell of its group."""
    if isinstance(points, StreamedPoints) and request.kind == "average":
        return StreamedPlaces(points, variables, cells.count)
    if isinstance(points, StreamedPoints):
        means = find_streamed_means(points, variables, cells)
        return means if request.kind == "at_means" else _balance(record, means)
    points, codes = order_rows(points, cells)
    if request.kind == "at_means":
        return make_mean_places(points, variables, codes, cells.count)
    if request.kind == "balanced":
        return _balance(record, make_mean_places(points, variables, codes, cells.count))
    several = cells.count > 1
    return RowPlaces(points, variables, codes if several else None, cells.count, {})


def _balance(record: FitRecord, means: MeanPlaces) -> RowPlaces:
    points, codes = make_balanced_points(record, means)
    return RowPlaces(points, means.variables, codes if means.cells > 1 else None, means.cells, {})


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
    root[np.isnan(estimate)] = np.nan
    levels = request.effect == "level"
    title = (LEVEL_TITLES if levels else TITLES)[request.kind]
    columns = {name: pd.Series([row[name] for row in rows], dtype=None) for name in rows[0]}
    if record.separation.found:
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

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

from mlelogit.data.frames import list_some
from mlelogit.data.labels import Labels, cross_labels, read_several_labels
from mlelogit.exceptions import (
    CollinearityWarning,
    EffectError,
    EmptyDataError,
    SeparationWarning,
    WeightError,
)
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.interpretation.margins.means import (
    make_balanced_points,
    make_mean_scene,
    weigh_rows,
)
from mlelogit.interpretation.margins.pieces import Piece, find_pieces
from mlelogit.interpretation.margins.requests import (
    Request,
    check_change,
    leave_out_fixed,
    read_at,
    read_changes,
)
from mlelogit.interpretation.margins.scenes import MeanScene, RowScene
from mlelogit.interpretation.margins.table import Margins
from mlelogit.interpretation.margins.variables import (
    Variable,
    find_variables,
    pick_variables,
)
from mlelogit.interpretation.margins.variances import find_open, find_root
from mlelogit.interpretation.points import Points, model_points, read_points
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
        are those of the fit's own rows, where it has them.

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
    found = find_variables(record, points)
    check_change(request, found)
    grid = read_at(request.at, found)
    asked = _pick(request, leave_out_fixed(request, _list_asked(request, found), grid[0]))
    _warn_of_omitted(asked)
    groups = None if request.by is None else _read_groups(points, request.by)
    spread = _find_spread(record, points)
    changes = read_changes(request, asked, spread)
    scene = _set_scene(record, points, found, request, groups)
    pieces: list[tuple[dict[Hashable, Any], list[Piece]]] = []
    for fixed in track(grid, "Marginal effects"):
        here = replace(scene, fixed=fixed)
        pieces.append(
            (fixed, list(find_pieces(here, model_points(record), effect, asked, changes)))
        )
    return _assemble(record, covariance, request, pieces, groups)


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


def _read_groups(points: Points, by: Any) -> tuple[Labels, ...]:
    return read_several_labels(points.design, by, "by")


def _find_spread(record: FitRecord, points: Points) -> Points:
    """Return the rows whose standard deviations are meant: the fit's own, if it has them."""
    if points.own or record.blocks is None:
        return points
    given = record.blocks.design.given
    held = record.encoding.rhs is None or (given is not None and given.frame is not None)
    return read_points(record) if held else points


def _set_scene(
    record: FitRecord,
    points: Points,
    variables: dict[Hashable, Variable],
    request: Request,
    groups: tuple[Labels, ...] | None,
) -> RowScene | MeanScene:
    """Return the rows at which effects are taken, each in the cell of its group."""
    crossed = None if groups is None else cross_labels(groups)
    codes = np.zeros(points.design.source.shape[0], dtype=np.int64)
    codes, cells = (codes, 1) if crossed is None else (crossed.codes, crossed.count)
    _check_totals(points, codes, crossed)
    if request.kind == "at_means":
        return make_mean_scene(points, variables, codes, cells)
    if request.kind == "balanced":
        points, codes = make_balanced_points(record, points, variables, codes, cells)
    return RowScene(points, variables, None if cells == 1 else codes, cells, {})


def _check_totals(points: Points, codes: np.ndarray, crossed: Labels | None) -> None:
    """Raise if there are no rows, or those of a group count for nothing."""
    if not len(codes):
        raise EmptyDataError("newdata has no rows to average over.")
    empty = np.flatnonzero(np.bincount(codes, weigh_rows(points)) == 0)
    if empty.size:
        group = "" if crossed is None else f" of by={crossed.names[empty[0]]!r}"
        raise WeightError(f"The weights of all rows{group} are zero, so there is no average.")


def _assemble(
    record: FitRecord,
    covariance: Covariance,
    request: Request,
    pieces: list[tuple[dict[Hashable, Any], list[Piece]]],
    groups: tuple[Labels, ...] | None,
) -> Margins:
    """Lay effects out: by variable and contrast, then values of at=, groups, categories."""
    categories = record.encoding.categories
    crossed = None if groups is None else cross_labels(groups)
    rows: list[dict[str, Any]] = []
    values, jacobians = [], []
    for place in range(len(pieces[0][1])):
        for fixed, found in pieces:
            piece = found[place]
            for cell in range(len(piece.found.values)):
                beside = _label_cell(fixed, groups, crossed, cell)
                head = {"variable": piece.variable, "contrast": piece.contrast}
                rows += [{**head, "category": category, **beside} for category in categories]
            values.append(piece.found.values.ravel())
            jacobians.append(piece.found.jacobian.reshape(-1, len(record.maximum.params)))
    jacobian, estimate = np.concatenate(jacobians), np.concatenate(values)
    root = find_root(record, covariance, jacobian)
    estimate[find_open(record, jacobian)] = np.nan
    titles = LEVEL_TITLES if request.effect == "level" else TITLES
    columns = {name: pd.Series([row[name] for row in rows], dtype=None) for name in rows[0]}
    if record.separation.found and np.isnan(root).any():
        warn_user(
            "The data are separated: effects are those of the limit, NaN where it leaves them "
            "open. Standard errors take what is separated as given, and are NaN where that alone "
            "settles an effect.",
            SeparationWarning,
        )
    return Margins(
        pd.DataFrame(columns), estimate, root, covariance.df, titles[request.kind], covariance.kind
    )


def _label_cell(
    fixed: dict[Hashable, Any],
    groups: tuple[Labels, ...] | None,
    crossed: Labels | None,
    cell: int,
) -> dict[str, Any]:
    taken = {"variable", "contrast", "category", "estimate", "std_err", "z", "p_value"}
    taken |= {"lower", "upper", "p_adjusted"}
    beside: dict[str, Any] = {}
    for name, value in fixed.items():
        beside[f"at {name}" if str(name) in taken else str(name)] = value
    if groups is None or crossed is None:
        return beside
    label = crossed.names[cell] if len(groups) > 1 else (crossed.names[cell],)
    for one, value in zip(groups, label, strict=True):
        beside[f"by {one.name}" if one.name in {*taken, *beside} else one.name] = value
    return beside

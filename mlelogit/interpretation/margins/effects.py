r"""Marginal effects of variables on probabilities, with standard errors by the delta method.

An effect m is a function of the coefficients b; with G its Jacobian and V the covariance of b
that of the effects is ``G V G'`` (Greene 2018, theorem D.21A). Jacobians are in closed form: those
of derivatives in `mlelogit.interpretation.margins.slopes`, those of discrete changes are
differences of those in `mlelogit.interpretation.averages`. The rows are taken as they are: what
they would be in another sample is not part of the standard errors.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.labels import Labels, cross_labels, read_several_labels
from mlelogit.exceptions import EffectError, SeparationWarning
from mlelogit.fitting.constrained.moves import enter_rows
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.interpretation.averages import CellSums, sum_probabilities
from mlelogit.interpretation.margins.means import make_balanced_points, make_mean_scene
from mlelogit.interpretation.margins.requests import (
    SIGNS,
    Change,
    Request,
    check_change,
    read_at,
    read_changes,
    write_level,
)
from mlelogit.interpretation.margins.scenes import RowScene, Scene, find_rate
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
from mlelogit.notices import keep_errors, warn_user

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


@dataclass(frozen=True)
class Piece:
    """Effects (G, J) of one change in every cell, and their Jacobian (G, J, P)."""

    variable: Any
    contrast: str
    found: CellSums


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
        If effects rest on coefficients that are infinite: their standard errors are NaN.

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
    asked = _pick(request, found)
    grid = read_at(request.at, found)
    groups = None if request.by is None else _read_groups(points, request.by)
    own = newdata is None or record.blocks is None
    spread = points if own else read_points(record)
    base, codes, cells = _place(record, points, found, request, groups)
    model = model_points(record)
    pieces: list[tuple[dict[Hashable, Any], list[Piece]]] = []
    for fixed in grid:
        scene = _set_scene(base, found, request, codes, cells, fixed)
        pieces.append((fixed, list(_find_pieces(scene, base, model, request, asked, spread))))
    return _assemble(record, covariance, request, pieces, groups)


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


def _read_groups(points: Points, by: Any) -> tuple[Labels, ...]:
    return read_several_labels(points.design, by, "by")


def _place(
    record: FitRecord,
    points: Points,
    variables: dict[Hashable, Variable],
    request: Request,
    groups: tuple[Labels, ...] | None,
) -> tuple[Points, np.ndarray | None, int]:
    """Return the rows, the cell of each (None for one cell) and the number of cells."""
    crossed = None if groups is None else cross_labels(groups)
    codes = None if crossed is None else crossed.codes
    cells = 1 if crossed is None else crossed.count
    if request.kind != "balanced":
        return points, codes, cells
    every = np.zeros(points.design.source.shape[0], dtype=np.int64) if codes is None else codes
    made, codes = make_balanced_points(record, points, variables, every, cells)
    return made, codes, cells


def _set_scene(
    points: Points,
    variables: dict[Hashable, Variable],
    request: Request,
    codes: np.ndarray | None,
    cells: int,
    fixed: dict[Hashable, Any],
) -> Scene:
    if request.kind != "at_means":
        return RowScene(points, variables, codes, cells, fixed)
    every = np.zeros(points.design.source.shape[0], dtype=np.int64) if codes is None else codes
    means = make_mean_scene(points, variables, every, cells)
    return replace(means, fixed=fixed)


def _find_pieces(
    scene: Scene,
    points: Points,
    model: PointModel,
    request: Request,
    asked: list[Variable],
    spread: Points,
) -> Iterator[Piece]:
    if request.effect == "level" and not asked:
        yield Piece("", "level", sum_probabilities(scene.blocks({}), model, scene.cells).average())
    changes = {variable.name: read_changes(request, variable, spread) for variable in asked}
    steady = _share_pass(scene, points, model, request, [v for v in asked if not changes[v.name]])
    for variable in asked:
        mine = changes[variable.name]
        if request.effect == "level":
            yield from _find_levels(scene, model, variable)
        elif mine:
            yield from _find_changes(scene, model, variable, mine)
        elif variable.name in steady:
            yield Piece(variable.name, SIGNS["dydx"], steady[variable.name])
        else:
            yield _find_slope(scene, model, variable, request.effect)


def _share_pass(
    scene: Scene, points: Points, model: PointModel, request: Request, numbers: list[Variable]
) -> dict[Hashable, CellSums]:
    """Return the derivatives of all variables that move columns at one rate, in one pass."""
    steady = [variable for variable in numbers if variable.affine]
    width = len(points.encoding.names)
    categories = len(points.encoding.categories)
    worth = pays(categories, width, len(steady), scene.cells)
    if request.effect != "dydx" or model.separation.found or not worth:
        return {}
    sums = sum_curves(scene.blocks({}), model, scene.cells)
    found = {}
    for variable in steady:
        rate = find_rate(points, variable)
        direction = np.zeros(width)
        direction[rate.columns] = rate.values[:, 0]
        found[variable.name] = apply_direction(sums, model, direction)
    return found


def _find_levels(scene: Scene, model: PointModel, variable: Variable) -> Iterator[Piece]:
    for level in variable.levels or ():
        blocks = scene.blocks({variable.name: level})
        found = sum_probabilities(blocks, model, scene.cells).average()
        yield Piece(variable.name, write_level(level), found)


def _find_changes(
    scene: Scene, model: PointModel, variable: Variable, changes: tuple[Change, ...]
) -> Iterator[Piece]:
    """Yield discrete changes; what several of them start from is found once."""
    known: dict[Any, CellSums] = {}

    def find(value: Any) -> CellSums:
        key = value if isinstance(value, Hashable) else None
        if key is None or key not in known:
            blocks = scene.blocks({variable.name: value})
            found = sum_probabilities(blocks, model, scene.cells).average()
            if key is None:
                return found
            known[key] = found
        return known[key]

    for change in changes:
        ends = change.ends(scene.values(variable.name) if change.relative else None)
        start, stop = (find(value) for value in ends)
        difference = CellSums(
            start.totals, stop.values - start.values, stop.jacobian - start.jacobian
        )
        yield Piece(variable.name, change.words, difference)


def _find_slope(scene: Scene, model: PointModel, variable: Variable, effect: str) -> Piece:
    blocks, direction = scene.slope_blocks(variable, effect.startswith("ey"), effect.endswith("ex"))
    found = sum_slopes(blocks, model, direction, scene.cells).average()
    return Piece(variable.name, SIGNS[effect], found)


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
    root = find_root(record, covariance, np.concatenate(jacobians))
    estimate = np.concatenate(values)
    titles = LEVEL_TITLES if request.effect == "level" else TITLES
    columns = {name: pd.Series([row[name] for row in rows], dtype=None) for name in rows[0]}
    if record.separation.found and np.isnan(root).any():
        warn_user(
            "The data are separated: effects that rest on infinite coefficients are those of the "
            "limit, and their standard errors are not known and NaN.",
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


def find_root(record: FitRecord, covariance: Covariance, jacobian: np.ndarray) -> np.ndarray:
    """Return W (q, r) with ``W W' = G V G'``, NaN in rows that take unknown variances.

    It is formed in the internal basis where V is known there: in columns that are nearly
    collinear the terms of a variance are far larger than what they add up to.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    jacobian : numpy.ndarray
        G (q, P), in the columns of the design.
    """
    known = np.isfinite(np.diag(covariance.matrix))
    lost = jacobian[:, ~known].any(axis=1) | ~np.isfinite(jacobian).all(axis=1)
    rows = np.where(lost[:, np.newaxis], 0.0, jacobian)
    if covariance.inner is not None and np.isfinite(covariance.inner).all():
        root = enter_rows(rows, record.moves, record.basis) @ take_root(covariance.inner)
    else:
        matrix = covariance.matrix[np.ix_(known, known)]
        root = rows[:, known] @ take_root(matrix)
    root[lost] = np.nan
    return np.asarray(root)


def take_root(matrix: np.ndarray) -> np.ndarray:
    """Return R with ``R R'`` a covariance, whose variances may be of very different sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.margins.effects import take_root
    >>> root = take_root(np.array([[4.0, 2.0], [2.0, 1.0]]))
    >>> np.allclose(root @ root.T, [[4.0, 2.0], [2.0, 1.0]])
    True
    """
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / scale / scale[:, np.newaxis])
    return np.asarray(scale[:, np.newaxis] * vectors * np.sqrt(np.maximum(values, 0.0)))

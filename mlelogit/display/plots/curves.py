"""The numbers of a picture of probabilities over a variable."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, is_whole, read_reals, write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import EffectError, EmptyDataError, OptionError, WeightError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import find_quantile
from mlelogit.inference.covariance import Covariance
from mlelogit.interpretation.margins.effects import estimate_margins
from mlelogit.interpretation.margins.requests import KINDS, find_level, write_factor_level
from mlelogit.interpretation.margins.variables import Variable, find_variables
from mlelogit.interpretation.points import Points, read_values
from mlelogit.interpretation.streaming import StreamedPoints, open_points
from mlelogit.interpretation.variances import bound_probabilities

# Values of a number if none are given: each is a pass over the rows, so fewer for many.
POINTS, FEW_POINTS, MANY_ROWS = 31, 16, 50_000
FEWEST_POINTS, MOST_POINTS = 2, 1000
# Labels of effects begin with variable, contrast, category and the variable that varies.
LABELS = 4


@dataclass(frozen=True)
class CurveRequest:
    """What probabilities are asked for.

    Made by `mlelogit.display.plots.accessor.Plots.probabilities`.

    Attributes
    ----------
    variable : label
    by, at, newdata, weights, offset : object
        See `mlelogit.interpretation.margins.effects.estimate_margins`.
    others : {"average", "at_means", "balanced"}
        What is done with the other variables: the ``kind`` there.
    points : int or array-like, optional
        How many values of a number, evenly from the least to the largest, or the values; of a
        factor which of its levels, in this order. If not given 31, or 16 beyond 50,000 rows; the
        values themselves of a number that has two only, both whole; of a factor all levels.
    alpha : float
    """

    variable: Any
    by: Any = None
    at: Any = None
    others: str = "average"
    points: Any = None
    alpha: float = 0.05
    newdata: Any = None
    weights: Any = None
    offset: Any = None

    def __post_init__(self) -> None:
        check_choice("others", self.others, KINDS)
        if not isinstance(self.at or {}, Mapping):
            raise OptionError(
                f"at is a mapping of other variables to values, not {write_value(self.at)}."
            )
        if self.at and self.variable in self.at:
            raise OptionError(
                f"at fixes {self.variable!r}, which the picture lets vary; give its values as "
                "points."
            )
        if isinstance(self.by, str) and self.by == self.variable:
            raise OptionError(f"by groups by {self.by!r}, which the picture lets vary.")


@dataclass(frozen=True, eq=False)
class Curves:
    """Probabilities over the values of a variable.

    Attributes
    ----------
    values : list
        (V,): of a number, or the levels of a factor.
    levels : list of str
        (V,): what the values are called, of a factor or a number that has two only; else empty.
    groups : list of str
        (G,): what every panel is of; one empty word if there is one.
    fixed : str
        What is the same in all; may be empty.
    probabilities, lower, upper : numpy.ndarray
        (V, G, J); NaN limits where no standard error is known.
    """

    values: list
    levels: list[str]
    groups: list[str]
    fixed: str
    probabilities: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def estimate_curves(record: FitRecord, covariance: Covariance, request: CurveRequest) -> Curves:
    """Estimate probabilities over a variable, and intervals that stay between 0 and 1.

    The interval is that of the log-odds against all other categories, ``logit(y) ± q se / (y (1 -
    y))``, mapped back, as in
    `mlelogit.interpretation.predictions.probabilities.tabulate_prediction`.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    request : CurveRequest

    Returns
    -------
    Curves
        Places, probabilities and the ends of their intervals.

    Raises
    ------
    EffectError
        If there is no such variable.
    EmptyDataError, WeightError
        If there are no rows, or all of their weights are zero.
    OptionError, UnseenLevelError, LabelError, CovarianceError, DataNotKeptError
        As `mlelogit.interpretation.margins.effects.estimate_margins` does.

    References
    ----------
    Derivation: ``docs/explanation/derivations.md``, "Probabilities with standard errors".

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> from mlelogit.display.plots.curves import CurveRequest, estimate_curves
    >>> type(estimate_curves(res.record, res.covariance, CurveRequest("age"))).__name__
    'Curves'
    """
    quantile = find_quantile(request.alpha, covariance.df)
    rows = open_points(record, request.newdata, request.offset, request.weights)
    _check_rows(rows)
    variables = find_variables(record)
    if not variables:
        raise EffectError("The model has no variable, so there is nothing to draw over.")
    if not isinstance(request.variable, Hashable) or request.variable not in variables:
        raise EffectError(
            f"{write_value(request.variable)} is no variable of the fit; these are "
            f"{list_some(list(variables), 50)}."
        )
    variable = variables[request.variable]
    values = list_values(variable, rows, request.points)
    levels = _call_levels(variable, values, request.points)
    found = estimate_margins(
        record,
        covariance,
        kind=request.others,
        effect="level",
        at={variable.name: values, **(request.at or {})},
        by=request.by,
        newdata=request.newdata,
        weights=request.weights,
        offset=request.offset,
    )
    shape = len(values), -1, len(record.encoding.categories)
    y, errors = found.estimate.reshape(shape), found.std_err.reshape(shape)
    lower, upper = bound_probabilities(y, errors, quantile)
    beside = found.labels.iloc[: y[0].size : shape[2], LABELS:]
    groups, fixed = name_groups(beside)
    return Curves(values, levels, groups, fixed, y, lower, upper)


def _check_rows(rows: Points | StreamedPoints) -> None:
    if isinstance(rows, StreamedPoints):
        return  # Of rows that count for nothing none are used.
    weights = rows.weights
    if not len(weights):
        raise EmptyDataError("newdata has no rows, so there are no probabilities to draw.")
    if not (weights > 0).any():
        raise WeightError("The weights add up to zero, so there is no average to draw.")


def name_levels(variable: Variable, values: list) -> list[str]:
    """Return what the two values of a number are called that has no others, as a dummy; else none.

    Examples
    --------
    >>> from mlelogit.display.plots.curves import name_levels
    >>> from mlelogit.interpretation.margins.variables import Variable
    >>> name_levels(Variable("member"), [0.0, 1.0]), name_levels(Variable("age"), [0.0, 0.5, 1.0])
    (['member = 0', 'member = 1'], [])
    """
    if len(values) != 2 or not all(value == round(value) for value in values):
        return []
    return [f"{variable.name} = {value:.10g}" for value in values]


def _call_levels(variable: Variable, values: list, points: Any) -> list[str]:
    if variable.is_factor:
        return [write_factor_level(value) for value in values]
    return name_levels(variable, values) if points is None else []


def list_values(variable: Variable, rows: Points | StreamedPoints, points: Any) -> list:
    """Return the values that a variable takes in a picture.

    Raises
    ------
    OptionError
        If points is no number of them, nor finite numbers.
    UnseenLevelError
        If a factor has no such level.
    """
    if variable.is_factor:
        levels = list(variable.levels or ())
        if points is None:
            return levels
        asked = [points] if isinstance(points, str) else points
        if not np.iterable(asked) or not len(asked := list(asked)):
            raise OptionError(
                f"points are some of the levels of the factor {variable.name!r}, "
                f"{list_some(levels, 20)}; not {write_value(points)}."
            )
        return [
            levels[place]
            for place in dict.fromkeys(find_level(one, variable, "points") for one in asked)
        ]
    held, count = _read_held(variable, rows)
    if points is None:
        found = np.unique(held)
        if name_levels(variable, found.tolist()):
            return [float(value) for value in found]
        points = POINTS if count <= MANY_ROWS else FEW_POINTS
    if not is_whole(points):
        given = np.atleast_1d(read_reals(points, "points", OptionError))
        if given.ndim != 1 or not given.size or not np.isfinite(given).all():
            raise OptionError(f"points must be finite values, not {write_value(points)}.")
        return [float(value) for value in np.unique(given)]
    if not FEWEST_POINTS <= points <= MOST_POINTS:
        raise OptionError(f"points must be from {FEWEST_POINTS} to {MOST_POINTS}, not {points}.")
    low, high = float(np.min(held)), float(np.max(held))
    return [low] if low == high else [float(v) for v in np.linspace(low, high, int(points))]


def _read_held(variable: Variable, rows: Points | StreamedPoints) -> tuple[np.ndarray, int]:
    """Return values of a number, the least and the largest among them, and of how many rows."""
    if isinstance(rows, StreamedPoints):
        some = read_values(rows.draw(), variable.name)
        return np.append(some, rows.find_ends(variable.name, (0.0, 1.0))), len(rows.index)
    held = read_values(rows, variable.name)[rows.weights > 0]
    return held, len(held)


def name_groups(beside: pd.DataFrame) -> tuple[list[str], str]:
    """Say what every panel is of, ``region = north, educ = 3``, and what is the same in all.

    Parameters
    ----------
    beside : pandas.DataFrame
        (G, any): what is fixed in every panel, and which group it is of.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.display.plots.curves import name_groups
    >>> name_groups(pd.DataFrame({"age": [30, 40], "educ": [3, 3]}))
    (['age = 30', 'age = 40'], 'educ = 3')
    """
    rows = beside.to_numpy(dtype=object)
    said = np.array(
        [
            [
                f"{name} = {write_factor_level(value)}"
                for name, value in zip(beside.columns, row, strict=True)
            ]
            for row in rows
        ],
        dtype=object,
    ).reshape(rows.shape)
    same = np.array([len(set(column)) == 1 for column in said.T], dtype=bool)
    return [", ".join(row[~same]) for row in said], ", ".join(said[0, same])

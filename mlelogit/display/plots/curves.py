"""The numbers of a picture of probabilities over a variable."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, is_whole, read_reals, write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import EffectError, OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import find_quantile
from mlelogit.inference.covariance import Covariance
from mlelogit.interpretation.margins.effects import estimate_margins
from mlelogit.interpretation.margins.requests import KINDS, write_level
from mlelogit.interpretation.margins.variables import Variable, find_variables
from mlelogit.interpretation.points import Points, read_points, read_values
from mlelogit.interpretation.variances import bound_probabilities

FEWEST_POINTS, MOST_POINTS = 2, 1000
# Labels of effects begin with variable, contrast, category and the variable that varies.
LABELS = 4


@dataclass(frozen=True)
class CurveRequest:
    """What probabilities are asked for.

    Attributes
    ----------
    variable : label
    by, at, newdata, weights, offset : object
        See `mlelogit.interpretation.margins.effects.estimate_margins`.
    others : {"average", "at_means", "balanced"}
        What is done with the other variables: the `kind` there.
    points : int or array-like
        How many values of a number, evenly from the least to the largest; or the values.
    alpha : float
    """

    variable: Any
    by: Any = None
    at: Any = None
    others: str = "average"
    points: Any = 31
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


@dataclass(frozen=True, eq=False)
class Curves:
    """Probabilities over the values of a variable.

    Attributes
    ----------
    values : list
        (V,): of a number, or the levels of a factor.
    is_factor : bool
    groups : list of str
        (G,): what every panel is of; one empty word if there is one.
    fixed : str
        What is the same in all; may be empty.
    probabilities, lower, upper : numpy.ndarray
        (V, G, J); NaN limits where no standard error is known.
    """

    values: list
    is_factor: bool
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

    Raises
    ------
    EffectError
        If there is no such variable.
    OptionError, UnseenLevelError, LabelError, CovarianceError, DataNotKeptError
        As `mlelogit.interpretation.margins.effects.estimate_margins` does.
    """
    quantile = find_quantile(request.alpha, covariance.df)
    rows = read_points(record, request.newdata, request.offset, request.weights)
    variables = find_variables(record)
    if not isinstance(request.variable, Hashable) or request.variable not in variables:
        raise EffectError(
            f"{write_value(request.variable)} is no variable of the fit; these are "
            f"{list_some(list(variables), 50)}."
        )
    variable = variables[request.variable]
    values = list_values(variable, rows, request.points)
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
    return Curves(values, variable.is_factor, groups, fixed, y, lower, upper)


def list_values(variable: Variable, rows: Points, points: Any) -> list:
    """Return the values that a variable takes in a picture.

    Raises
    ------
    OptionError
        If points is no number of them, nor finite numbers.
    """
    if variable.is_factor:
        return list(variable.levels or ())
    if not is_whole(points):
        given = np.atleast_1d(read_reals(points, "points", OptionError))
        if given.ndim != 1 or not given.size or not np.isfinite(given).all():
            raise OptionError(f"points must be finite values, not {write_value(points)}.")
        return [float(value) for value in np.unique(given)]
    if not FEWEST_POINTS <= points <= MOST_POINTS:
        raise OptionError(f"points must be from {FEWEST_POINTS} to {MOST_POINTS}, not {points}.")
    held = read_values(rows, variable.name)[rows.weights > 0]
    low, high = float(np.min(held)), float(np.max(held))
    return [low] if low == high else [float(v) for v in np.linspace(low, high, int(points))]


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
                f"{name} = {write_level(value)}"
                for name, value in zip(beside.columns, row, strict=True)
            ]
            for row in rows
        ],
        dtype=object,
    ).reshape(rows.shape)
    same = np.array([len(set(column)) == 1 for column in said.T], dtype=bool)
    return [", ".join(row[~same]) for row in said], ", ".join(said[0, same])

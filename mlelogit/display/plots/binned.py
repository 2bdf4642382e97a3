"""Residuals averaged in bins of a variable, by category."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.labels import Labels, number_labels, read_column, read_numbers
from mlelogit.display.plots.canvas import Canvas, count_columns
from mlelogit.display.plots.rows import draw_rows, lay_out_rows
from mlelogit.display.plots.style import (
    RULE,
    dress_axes,
    finish,
    look_of_mark,
    measure_names,
    use_plain_numbers,
    write_coverage,
)
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import find_quantile
from mlelogit.interpretation.margins.requests import write_factor_level
from mlelogit.interpretation.performance.binning import check_bins
from mlelogit.interpretation.performance.judged import judge_rows
from mlelogit.interpretation.points import read_points, read_values

# Fewer hide where the model fails, more leave few people in each (Gelman and Hill 2007, 5.6).
BINS = 20
PANELS, PANEL_WIDTH, PANEL_HEIGHT = 3, 2.7, 2.2
EXPECTED = "#D9D9D9"
# Inches of a panel's head, and of what stands beside the panels.
HEAD, BESIDE = 0.45, 0.4
RESIDUAL = "Observed share less probability"


@dataclass(frozen=True)
class BinnedResiduals:
    """Observed shares less mean probabilities, in bins of a variable.

    Attributes
    ----------
    name : str
        The variable's.
    places : numpy.ndarray
        (B,): mean value of the variable in every bin; of a factor the number of the level.
    levels : list of str
        (B,): the levels of a factor; empty for a number.
    residuals : numpy.ndarray
        (J, B).
    errors : numpy.ndarray
        (J, B): their standard errors if the probabilities are right.
    """

    name: str
    places: np.ndarray
    levels: list[str]
    residuals: np.ndarray
    errors: np.ndarray


def plot_binned_residuals(
    record: FitRecord,
    variable: Any,
    bins: int = BINS,
    alpha: float = 0.05,
    canvas: Canvas | None = None,
) -> np.ndarray:
    """Draw mean residuals over a variable, of the fit or not, for every category.

    In every bin the share observed less the mean probability, which is about zero where the model
    holds (Gelman and Hill 2007, section 5.6). Grey is where ``1 - alpha`` of the bins are
    then, one by one.

    Parameters
    ----------
    record : FitRecord
    variable : label of a column, or array-like
        Of the frame that the fit was made from, or of its design; or values (n,) of the rows
        given. What is no number is a label.
    bins : int
        Most bins of a number, of about as many people each.
    alpha : float
    canvas : Canvas, optional

    Returns
    -------
    numpy.ndarray
        Axes (J,), one for every category.

    Raises
    ------
    ColumnNotFoundError
        If there is no such column.
    LabelError, LengthMismatchError, MisalignedIndexError, MissingDataError
        If the values do not pair with the rows, or one is missing.
    OptionError
        If bins is not a whole number of 2 or more, or alpha not between 0 and 1.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.residuals("age", bins=5, ax=Figure()).shape
    (2,)
    """
    quantile = find_quantile(alpha)
    check_bins(bins)
    found = bin_residuals(record, variable, bins)
    half = quantile * found.errors
    end = 1.08 * float(np.fmax(np.abs(found.residuals), half).max()) or 1.0
    canvas = canvas or Canvas()
    draw = _draw_levels if found.levels else _draw_numbers
    axes, width = draw(found, half, end, canvas)
    notes = ["About zero where the model holds."]
    if np.isfinite(half).all():
        notes.append(f"Grey: where {write_coverage(alpha)} of the points are then.")
    encoding = record.encoding
    title = f"Residuals of {encoding.outcome_name} over {found.name}"
    canvas.entitle_panels(axes, title, notes, encoding.category_names, width)
    labels = (RESIDUAL, "") if found.levels else (found.name, RESIDUAL)
    canvas.name_panels(axes, *labels, width)
    return np.array([*map(finish, axes)], dtype=object)


def _draw_numbers(
    found: BinnedResiduals, half: np.ndarray, end: float, canvas: Canvas
) -> tuple[np.ndarray, float]:
    """Draw bins of a number, and return the axes and the inches that they are wide."""
    columns = count_columns(len(half), PANELS)
    axes = canvas.open_panels(len(half), columns, PANEL_WIDTH, PANEL_HEIGHT, BESIDE)
    for k, ax in enumerate(axes):
        dress_axes(ax, "y")
        look = {"color": EXPECTED, "linewidth": 0, "zorder": 1}
        ax.fill_between(found.places, -half[k], half[k], **look)
        ax.axhline(0.0, color=RULE, linewidth=1.0, zorder=2)
        ax.plot(found.places, found.residuals[k], zorder=4, **look_of_mark(k, 5.0))
        ax.set_ylim(-end, end)
        use_plain_numbers(ax.xaxis)
        use_plain_numbers(ax.yaxis)
    return axes, PANEL_WIDTH * columns


def _draw_levels(
    found: BinnedResiduals, half: np.ndarray, end: float, canvas: Canvas
) -> tuple[np.ndarray, float]:
    """Draw a row for every label, and return the axes and the inches that they are wide."""
    columns = count_columns(len(half), PANELS)
    layout = lay_out_rows(found.levels, [""] * len(found.levels))
    size = PANEL_WIDTH, layout.height + HEAD
    axes = canvas.open_panels(len(half), columns, *size, measure_names(layout.words))
    for k, ax in enumerate(axes):
        draw_rows(ax, layout)
        places, look = layout.places, {"color": EXPECTED, "linewidth": 0, "zorder": 1}
        ax.barh(places, 2 * half[k], left=-half[k], height=0.7, **look)
        ax.axvline(0.0, color=RULE, linewidth=1.0, zorder=2)
        ax.plot(found.residuals[k], places, zorder=4, **look_of_mark(k, 5.0))
        ax.set_xlim(-end, end)
        use_plain_numbers(ax.xaxis)
    return axes, PANEL_WIDTH * columns


def bin_residuals(record: FitRecord, variable: Any, bins: int) -> BinnedResiduals:
    """Average residuals in bins of a variable.

    With p the probabilities, d people observed of t in a category, and weights w, a bin has ``Σ w
    (d - t p) / Σ w t`` and, if the probabilities are right, the variance ``Σ w t p (1 - p) / (Σ w
    t)²``; sampling weights enter its numerator squared. Of an outcome of probabilities, which is
    not drawn, it is NaN.
    """
    judged = judge_rows(record)
    totals = judged.people.sum(axis=0)
    placed = _place_rows(record, variable, totals, bins)
    codes, size = placed.codes, len(placed.places)
    weights = np.bincount(codes, totals, size)
    gaps = judged.people - totals * judged.probabilities
    residuals = np.array([np.bincount(codes, gap, size) for gap in gaps]) / weights
    scaled = totals * judged.variance_weights * judged.probabilities * (1 - judged.probabilities)
    variances = np.array([np.bincount(codes, part, size) for part in scaled])
    errors = np.full_like(residuals, np.nan)
    if not judged.fractional:
        errors = np.sqrt(variances) / weights
    return BinnedResiduals(placed.name, placed.places, placed.levels, residuals, errors)


@dataclass(frozen=True)
class _Placed:
    """The bin of every row (n,), the place of every bin (B,), and the levels' names."""

    codes: np.ndarray
    places: np.ndarray
    levels: list[str]
    name: str


def _place_rows(record: FitRecord, variable: Any, totals: np.ndarray, bins: int) -> _Placed:
    record = record.in_memory()
    design, names = record.need_blocks().design, record.encoding.names
    if record.encoding.rhs is None and isinstance(variable, Hashable) and variable in names:
        values, name = read_values(read_points(record), variable), str(variable)
    else:
        column, name = read_column(design, variable, "variable")
        if not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype == bool:
            return _place_labels(number_labels(column, name))
        values, name = read_numbers(design, variable, "variable")
    codes = cut_values(values, totals, bins)
    size = int(codes.max()) + 1
    means = np.bincount(codes, totals * values, size) / np.bincount(codes, totals, size)
    return _Placed(codes, means, [], name)


def _place_labels(labels: Labels) -> _Placed:
    places = np.arange(labels.count, dtype=float)
    return _Placed(labels.codes, places, [*map(write_factor_level, labels.names)], labels.name)


def cut_values(values: np.ndarray, people: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin (n,) of every row, of about as many people each; those that tie share one.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.display.plots.binned import cut_values
    >>> cut_values(np.array([5.0, 1.0, 2.0, 2.0]), np.ones(4), 2).tolist()
    [1, 0, 1, 1]
    """
    held, ranks = np.unique(values, return_inverse=True)
    counts = np.bincount(ranks, people, len(held))
    middle = np.cumsum(counts) - counts / 2
    asked = np.minimum((middle * bins / counts.sum()).astype(np.int64), bins - 1)
    return np.unique(asked[ranks], return_inverse=True)[1]

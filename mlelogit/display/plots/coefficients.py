"""Coefficients or relative risk ratios of every category, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, check_flag, write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.frames import list_some
from mlelogit.display.plots.canvas import Canvas, count_columns
from mlelogit.display.plots.rows import (
    draw_intervals,
    draw_rows,
    draw_scale,
    lay_out_rows,
    read_numbers,
    tell_marks,
)
from mlelogit.display.plots.style import entitle, finish, measure_names, name_axes, write_coverage
from mlelogit.exceptions import ColumnNotFoundError, OptionError
from mlelogit.fitting.penalized.regularization import find_standardization
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import spread_columns, tidy_coefficients
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.intervals.inversion import METHODS, interval_frame

UNITS = ("unit", "sd")
WIDTH = 4.6
# Panels side by side, inches of one, and of its title.
PANELS, PANEL_WIDTH, PANEL_TITLE = 3, 2.7, 0.45
# What columns of ones are called by formulas, and by statsmodels' add_constant.
INTERCEPTS = ("Intercept", "const")


@dataclass(frozen=True)
class CoefficientRequest:
    """Which coefficients are drawn, and how.

    Made by `mlelogit.display.plots.accessor.Plots.coefficients`.

    Attributes
    ----------
    exponentiate : bool
        Whether to draw relative risk ratios ``exp(b)``, on a log scale.
    names : str, sequence or mapping, optional
        Which columns of the design, in the order given, as a mapping with what each is called;
        if not given all but intercepts, which have another scale and say little.
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    panels : bool
        Whether to give every category a panel, with a row for every column; if not rows of all
        categories are under the name of their column.
    per : {"unit", "sd"}
        Per unit of the column; or per its standard deviation over the rows, weights included, so
        that columns of any units can be seen side by side.
    method : {"wald", "profile", "score"}
        Of the intervals; see `mlelogit.inference.intervals.inversion.interval_frame`.
    disp : bool, optional
        Whether to show progress with the latter two; on a terminal only if not given.
    """

    exponentiate: bool = False
    names: Any = None
    alpha: float = 0.05
    panels: bool = False
    per: str = "unit"
    method: str = "wald"
    disp: bool | None = None

    def __post_init__(self) -> None:
        check_flag("exponentiate", self.exponentiate)
        check_flag("panels", self.panels)
        check_choice("per", self.per, UNITS)
        check_choice("method", self.method, METHODS)


def plot_coefficients(
    record: FitRecord,
    covariance: Covariance,
    request: CoefficientRequest,
    canvas: Canvas | None = None,
) -> Any:
    """Draw every coefficient as a point with its interval.

    Rows are labelled, so that there is no legend; colours and marks are those of the categories.
    A coefficient that separated data make infinite is an arrow at the edge, from the end of its
    interval if that is known (profile intervals are), one that has no interval a hollow mark.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    request : CoefficientRequest
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes or numpy.ndarray
        Axes, or with panels an array of them (J - 1,).

    Raises
    ------
    ColumnNotFoundError
        If there is no column of a name.
    OptionError
        If a choice is unknown, alpha not between 0 and 1, or two columns have one label.
    IntervalError
        If there are no intervals by the method.
    DataNotKeptError
        If standard deviations are asked for, and the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.coefficients(exponentiate=True, ax=Figure()).get_xscale()
    'log'
    """
    chosen, left = choose_names(request.names, record.encoding)
    table = estimate_rows(record, covariance, request)
    shown = table[table["name"].isin(chosen)]
    held = bool(shown["held"].any())
    level = write_coverage(request.alpha)
    ordered = _order_rows(shown, chosen, bool(request.panels), record.encoding)
    picture = _Picture(
        _label_rows(ordered, chosen, request.names),
        record.encoding,
        bool(request.exponentiate),
        request.per,
        [
            *tell_constraints(record, held),
            f"Not shown: {', '.join(map(str, left))}." if left else "",
        ],
        level if request.method == "wald" else f"{level} {request.method}",
    )
    return (_draw_panels if request.panels else _draw_together)(picture, canvas or Canvas())


def estimate_rows(
    record: FitRecord, covariance: Covariance, request: CoefficientRequest
) -> pd.DataFrame:
    """Return what is drawn of all coefficients: category, name, held, estimate, lower, upper."""
    table = tidy_coefficients(record, covariance, request.alpha)
    if request.method != "wald":
        given = request.alpha, request.method, False, request.disp
        table[["lower", "upper"]] = interval_frame(record, covariance, *given).to_numpy()
    numbers = table[["estimate", "lower", "upper"]].to_numpy(dtype=float)
    # What constraints fix has no interval that is not known: it has none to have.
    fixed = find_held(record, table)
    numbers = np.where(fixed[:, np.newaxis], numbers[:, :1], numbers)
    if request.per == "sd":
        sizes = find_standardization(record.need_blocks()).deviation
        each = np.tile(spread_columns(sizes, record.encoding), len(record.encoding.others))
        numbers = numbers * each[:, np.newaxis]
    if request.exponentiate:
        with np.errstate(over="ignore"):
            numbers = np.exp(numbers)
    return table[["category", "name"]].assign(
        held=fixed, **dict(zip(("estimate", "lower", "upper"), numbers.T, strict=True))
    )


def find_held(record: FitRecord, table: pd.DataFrame) -> np.ndarray:
    """Mark the coefficients (P,) of a tidy table that constraints fix at a value."""
    return np.asarray(table["std_err"].eq(0)) & (record.constraints is not None)


def tell_constraints(record: FitRecord, held: bool) -> list[str]:
    """Say that coefficients are constrained, and how those look that are fixed."""
    if record.constraints is None:
        return []
    return ["Estimated under constraints.", "Without a line: fixed by them." if held else ""]


@dataclass(frozen=True)
class _Picture:
    """What is drawn: rows of coefficients in order, and what is said about them."""

    rows: pd.DataFrame
    encoding: Encoding
    ratio: bool
    per: str
    notes: list[str]
    level: str

    @property
    def marks(self) -> list[int]:
        """Which colour and mark every row has: those of its category, whatever the base."""
        return [self.encoding.categories.index(category) for category in self.rows["category"]]

    @property
    def categories(self) -> list[str]:
        """The category of every row as text."""
        named = dict(zip(self.encoding.categories, self.encoding.category_names, strict=True))
        return [named[category] for category in self.rows["category"]]

    @property
    def title(self) -> str:
        """What it is."""
        what = "Relative risk ratios" if self.ratio else "Coefficients"
        return f"{what} of {self.encoding.outcome_name}"

    @property
    def scale(self) -> str:
        """What the axis measures."""
        base = self.encoding.category_names[self.encoding.base]
        what = "Risk ratio" if self.ratio else "Log-odds"
        unit = "unit" if self.per == "unit" else "standard deviation"
        single = len(self.encoding.others) == 1
        of = f" of {self.encoding.category_names[self.marks[0]]}" if single else ""
        return f"{what}{of} against {base}, per {unit}{' (log scale)' if self.ratio else ''}"


def _draw_together(picture: _Picture, canvas: Canvas) -> Any:
    """Draw all in one panel, grouped by name."""
    names, categories = picture.rows["label"].to_list(), picture.categories
    single = len(picture.encoding.others) == 1
    layout = lay_out_rows(*((names, [""] * len(names)) if single else (categories, names)))
    numbers = read_numbers(picture.rows)
    ax = canvas.open_axes(WIDTH + measure_names(layout.words), layout.height)
    draw_rows(ax, layout)
    draw_scale(ax, numbers, picture.ratio)
    draw_intervals(ax, layout.places, numbers, picture.marks, picture.ratio)
    name_axes(ax, picture.scale, width=WIDTH)
    said = tell_marks(numbers, picture.ratio, picture.level)
    entitle(ax, picture.title, [*said, *picture.notes], WIDTH)
    return finish(ax)


def _draw_panels(picture: _Picture, canvas: Canvas) -> np.ndarray:
    """Draw a panel for every category."""
    numbers, marks = read_numbers(picture.rows), np.array(picture.marks)
    count = len(picture.encoding.others)
    labels = picture.rows["label"][marks == marks[0]].to_list()
    layout = lay_out_rows(labels, [""] * len(labels))
    size = PANEL_WIDTH, layout.height + PANEL_TITLE
    columns = count_columns(count, PANELS)
    axes = canvas.open_panels(count, columns, *size, measure_names(layout.words))
    shown = list(dict.fromkeys(marks))
    for mark, ax in zip(shown, axes, strict=True):
        mine = np.flatnonzero(marks == mark)
        draw_rows(ax, layout)
        draw_scale(ax, numbers, picture.ratio)
        draw_intervals(ax, layout.places, numbers[mine], [mark] * len(mine), picture.ratio)
    heads = [picture.encoding.category_names[mark] for mark in shown]
    said = [*tell_marks(numbers, picture.ratio, picture.level), *picture.notes]
    width = PANEL_WIDTH * columns
    canvas.entitle_panels(axes, picture.title, said, heads, width)
    canvas.name_panels(axes, picture.scale, "", width)
    return np.array([*map(finish, axes)], dtype=object)


def choose_names(given: Any, encoding: Encoding) -> tuple[list, list]:
    """Return the columns to draw, and the intercepts that are left out unless asked for.

    Raises
    ------
    ColumnNotFoundError
        If the design has no column of a name.
    """
    every = list(encoding.all_names)
    if given is None:
        left = [name for name in every if name in INTERCEPTS]
        kept = [name for name in every if name not in left]
        return (kept, left) if kept else (every, [])
    asked = [given] if given in every or isinstance(given, str) else list(given)
    unknown = [name for name in asked if name not in every]
    if unknown or not asked:
        said = f"no column {write_value(unknown[0])}" if unknown else "no column in empty names"
        raise ColumnNotFoundError(f"There is {said}; the fit has {list_some(every)}.")
    return list(dict.fromkeys(asked)), []


def _order_rows(tidy: pd.DataFrame, chosen: list, panels: bool, encoding: Encoding) -> pd.DataFrame:
    places = {name: i for i, name in enumerate(chosen)}
    name = np.array([places[name] for name in tidy["name"]])
    category = np.array([encoding.others.index(category) for category in tidy["category"]])
    keys = (name, category) if panels else (category, name)
    return tidy.iloc[np.lexsort(keys)].reset_index(drop=True)


def _label_rows(rows: pd.DataFrame, chosen: list, names: Any) -> pd.DataFrame:
    """Add what every column is called: its own name, if a mapping says nothing else."""
    said = names if isinstance(names, Mapping) else {}
    for name, label in said.items():
        if not isinstance(label, str) or not label.strip():
            raise OptionError(
                f"names calls column {write_value(name)} {write_value(label)}; give a text that "
                "can be read, or leave the column out of names to call it by its own name."
            )
    labels = {name: said.get(name, str(name)) for name in chosen}
    if isinstance(names, Mapping) and len(set(labels.values())) < len(labels):
        label = max(labels.values(), key=list(labels.values()).count)
        raise OptionError(f"names gives several columns the label {label!r}; they must differ.")
    return rows.assign(label=rows["name"].map(labels))

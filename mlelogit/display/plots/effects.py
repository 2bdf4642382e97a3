"""Marginal effects by category, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_flag
from mlelogit.display.plots.canvas import Canvas, count_columns
from mlelogit.display.plots.known import check_categories
from mlelogit.display.plots.rows import (
    draw_intervals,
    draw_rows,
    draw_scale,
    lay_out_rows,
    read_numbers,
    tell_given,
    tell_marks,
)
from mlelogit.display.plots.style import entitle, finish, measure_names, name_axes, write_coverage
from mlelogit.exceptions import OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import NUMBERS
from mlelogit.interpretation.margins.effects import LEVEL_TITLES
from mlelogit.interpretation.margins.requests import SIGNS, write_factor_level
from mlelogit.interpretation.margins.table import Margins

WIDTH = 4.6
# Panels side by side, inches of one, and of its title.
PANELS, PANEL_WIDTH, PANEL_TITLE = 3, 2.7, 0.45
SCALES = {
    "dy/dx": "Change in probability per unit",
    "ey/ex": "Relative change in probability per relative change",
    "dy/ex": "Change in probability per relative change",
    "ey/dx": "Relative change in probability per unit",
    "level": "Probability",
}
CHANGES = "Change in probability"


def plot_margins(
    record: FitRecord,
    found: Margins,
    alpha: float = 0.05,
    panels: bool = False,
    canvas: Canvas | None = None,
) -> Any:
    """Draw every effect as a point with its interval, the categories of each under its name.

    Parameters
    ----------
    record : FitRecord
    found : mlelogit.interpretation.margins.table.Margins
        Effects; contrasts and combinations of them too.
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    panels : bool
        Whether to give every category a panel, with a row for every effect.
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes or numpy.ndarray
        Axes, or with panels an array of them (J,).

    Raises
    ------
    OptionError
        If alpha or panels cannot be, panels are asked of effects without categories, or the
        effects are on other categories than the fit's.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.margins("age", ax=Figure()).get_xlabel()
    'Change in probability per unit'
    """
    check_flag("panels", panels)
    frame = found.tabulate(alpha)
    if panels and "category" not in frame.columns:
        raise OptionError("These effects are not of categories, so they have no panels for them.")
    if frame.empty:
        raise OptionError("There are no effects to draw.")
    check_categories(record.encoding, frame.get("category", ()), "The Margins")
    numbers = read_numbers(frame)
    levels = found.title in LEVEL_TITLES.values()
    picture = _Picture(
        numbers,
        *_label(frame, record),
        f"{found.title} {'of' if levels else 'on'} {record.encoding.outcome_name}",
        SCALES["level"] if levels else _name_scale(frame),
        [
            *tell_marks(numbers, False, write_coverage(alpha)),
            tell_given(record, bool(np.isfinite(numbers[:, 1:]).any())),
            f"Covariance: {found.cov_type}." if found.cov_type != "nonrobust" else "",
        ],
    )
    return (_draw_panels if panels else _draw_together)(picture, canvas or Canvas())


@dataclass(frozen=True)
class _Picture:
    """What is drawn, and what is said about it: r rows."""

    numbers: np.ndarray
    names: list[str]
    heads: list[str]
    marks: list[int]
    title: str
    scale: str
    notes: list[str]


def _draw_together(picture: _Picture, canvas: Canvas) -> Any:
    """Draw all effects in one panel."""
    layout = lay_out_rows(picture.names, picture.heads)
    ax = canvas.open_axes(WIDTH + measure_names(layout.words), layout.height)
    draw_rows(ax, layout)
    draw_scale(ax, picture.numbers, line=picture.scale != SCALES["level"])
    draw_intervals(ax, layout.places, picture.numbers, picture.marks)
    name_axes(ax, picture.scale, width=WIDTH)
    entitle(ax, picture.title, picture.notes, WIDTH)
    return finish(ax)


def _draw_panels(picture: _Picture, canvas: Canvas) -> np.ndarray:
    """Draw a panel for every category."""
    shown = list(dict.fromkeys(picture.names))
    rows = list(dict.fromkeys(picture.heads))
    layout = lay_out_rows(rows, [""] * len(rows))
    columns = count_columns(len(shown), PANELS)
    size = PANEL_WIDTH, layout.height + PANEL_TITLE
    axes = canvas.open_panels(len(shown), columns, *size, measure_names(layout.words))
    for name, ax in zip(shown, axes, strict=True):
        mine = [i for i, other in enumerate(picture.names) if other == name]
        places = layout.places[[rows.index(picture.heads[i]) for i in mine]]
        draw_rows(ax, layout)
        draw_scale(ax, picture.numbers, line=picture.scale != SCALES["level"])
        draw_intervals(ax, places, picture.numbers[mine], [picture.marks[i] for i in mine])
    width = PANEL_WIDTH * columns
    canvas.entitle_panels(axes, picture.title, picture.notes, shown, width)
    canvas.name_panels(axes, picture.scale, "", width)
    return np.array([*map(finish, axes)], dtype=object)


def _label(frame: pd.DataFrame, record: FitRecord) -> tuple[list[str], list[str], list[int]]:
    """Return what every row is called, the heading it stands under, and its mark."""
    encoding = record.encoding
    beside = [name for name in frame.columns if name not in (*NUMBERS, "category")]
    heads = [
        _write_head(dict(zip(beside, row, strict=True)))
        for row in frame[beside].to_numpy(dtype=object)
    ]
    if "category" not in frame.columns:
        return heads, [""] * len(heads), [0] * len(heads)
    places = {category: i for i, category in enumerate(encoding.categories)}
    held = list(frame["category"])
    # Contrasts between categories are called by words that are no category.
    names = [encoding.category_names[places[c]] if c in places else str(c) for c in held]
    marks = {c: places.get(c, i) for i, c in enumerate(dict.fromkeys(held))}
    return names, heads, [marks[c] for c in held]


def _write_head(labels: dict[Any, Any]) -> str:
    """Write what a group of rows is of: ``age (dy/dx), region = north``."""
    variable, contrast = labels.pop("variable", ""), labels.pop("contrast", "")
    plain = contrast == "level" or not contrast
    said = str(variable) if plain else f"{variable} ({contrast})"
    if "combination" in labels:
        said = str(labels.pop("combination"))
    beside = [f"{name} = {write_factor_level(value)}" for name, value in labels.items()]
    return ", ".join(part for part in [said, *beside] if part)


def _name_scale(frame: pd.DataFrame) -> str:
    """Say what the effects measure."""
    kinds = set(map(str, frame.get("contrast", pd.Series(dtype=object))))
    known = kinds & {*SIGNS.values(), "level"}
    if len(kinds) == 1 and known:
        return SCALES[kinds.pop()]
    if not known:
        return CHANGES
    return f"{CHANGES}, of numbers per unit" if known == {"dy/dx"} else "Effect"

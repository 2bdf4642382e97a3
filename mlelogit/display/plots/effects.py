"""Marginal effects by category, with their intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.rows import (
    draw_intervals,
    draw_rows,
    draw_scale,
    lay_out_rows,
    read_numbers,
    tell_marks,
)
from mlelogit.display.plots.style import entitle, finish, measure_names, name_axes, write_level
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.margins.requests import SIGNS
from mlelogit.interpretation.margins.requests import write_level as write_value
from mlelogit.interpretation.margins.table import NUMBERS, Margins

WIDTH = 4.6
SCALES = {
    "dy/dx": "Change in probability per unit",
    "ey/ex": "Relative change in probability per relative change",
    "dy/ex": "Change in probability per relative change",
    "ey/dx": "Relative change in probability per unit",
    "level": "Probability",
}
CHANGES = "Change in probability"


def plot_margins(
    record: FitRecord, found: Margins, alpha: float = 0.05, canvas: Canvas | None = None
) -> Any:
    """Draw every effect as a point with its interval, the categories of each under its name.

    Parameters
    ----------
    record : FitRecord
    found : mlelogit.interpretation.margins.table.Margins
        Effects; contrasts and combinations of them too.
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.margins("age", ax=Figure()).get_xlabel()
    'Change in probability per unit'
    """
    frame = found.summary_frame(alpha)
    names, heads, marks = _label(frame, record)
    layout = lay_out_rows(names, heads)
    ax = (canvas or Canvas()).open_axes(WIDTH + measure_names(layout.words), layout.height)
    numbers = read_numbers(frame)
    draw_rows(ax, layout)
    draw_scale(ax, numbers)
    draw_intervals(ax, layout.places, numbers, marks)
    name_axes(ax, _name_scale(frame), width=WIDTH)
    notes = [
        *tell_marks(numbers, False, write_level(alpha)),
        f"Covariance: {found.cov_type}." if found.cov_type != "nonrobust" else "",
    ]
    entitle(ax, f"{found.title} on {record.encoding.outcome_name}", notes, WIDTH)
    return finish(ax)


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
    beside = [f"{name} = {write_value(value)}" for name, value in labels.items()]
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

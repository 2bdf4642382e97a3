"""Predicted probabilities over a variable: lines with bands, or areas on top of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice
from mlelogit.data.encoding import Encoding
from mlelogit.display.plots.canvas import Canvas, count_columns
from mlelogit.display.plots.curves import CurveRequest, Curves, estimate_curves
from mlelogit.display.plots.rows import (
    Layout,
    draw_intervals,
    draw_rows,
    lay_out_rows,
    tell_given,
)
from mlelogit.display.plots.style import (
    LINE,
    PAPER,
    count_lines,
    dress_axes,
    finish,
    look_of_mark,
    measure_names,
    pick_color,
    pick_dashes,
    pick_hatch,
    thin_hatch,
    use_plain_numbers,
    wrap_names,
    write_coverage,
)
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance

KINDS = ("lines", "stacked")
# One panel; and panels side by side, inches of each and of its head.
WIDTH, HEIGHT = 4.8, 3.3
PANELS, PANEL_WIDTH, PANEL_HEIGHT = 3, 2.7, 2.2
# A handle, and what stands around the legend.
BESIDE = 0.75
OTHERS = {
    "average": "Averages over the rows",
    "at_means": "Other variables at their means",
    "balanced": "Averages over the levels of other factors, numbers at their means",
}
# The share of a scale that is left free at its end.
EDGE = 0.02
# What is said of intervals that none or only some have.
OPEN = "Gaps: separation leaves the probability open there."
UNKNOWN = ("No intervals: no standard errors are known.", "None where no error is known.")
# Opacity of bands: two of them on each other can still be told apart; of many, several.
BAND_ALPHA, FAINT_ALPHA, MANY = 0.16, 0.08, 6


def plot_probabilities(
    record: FitRecord,
    covariance: Covariance,
    request: CurveRequest,
    kind: str = "lines",
    canvas: Canvas | None = None,
) -> Any:
    """Draw the probability of every category over the values of a variable.

    Numbers have lines and bands, factors points and intervals; stacked they are areas or bars
    that add up to one, without intervals. Intervals are those of each probability for itself and
    stay between 0 and 1.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    request : mlelogit.display.plots.curves.CurveRequest
        Which variable, by which groups, and what is done with the other variables.
    kind : {"lines", "stacked"}
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes or numpy.ndarray
        Axes; with groups, or several values to fix others at, an array of them, one for each.

    Raises
    ------
    OptionError
        If the kind is unknown.
    MNLogitError
        As `mlelogit.display.plots.curves.estimate_curves` does.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.probabilities("age", ax=Figure()).get_ylabel()
    'Probability'
    """
    check_choice("kind", kind, KINDS)
    curves = estimate_curves(record, covariance, request)
    picture = _Picture(curves, request, kind, record, canvas or Canvas())
    axes = _draw_factor(picture) if curves.levels else _draw_number(picture)
    every = np.array([*map(finish, axes)], dtype=object)
    return every[0] if request.by is None and len(every) == 1 else every


@dataclass(frozen=True)
class _Picture:
    """What is drawn, and where."""

    curves: Curves
    request: CurveRequest
    kind: str
    record: FitRecord
    canvas: Canvas

    @property
    def encoding(self) -> Encoding:
        """What was learned from the data."""
        return self.record.encoding

    @property
    def categories(self) -> list[str]:
        """The categories as they are written."""
        return wrap_names(self.encoding.category_names)

    @property
    def columns(self) -> int:
        """How many panels are side by side."""
        return count_columns(len(self.curves.groups), PANELS)

    @property
    def banded(self) -> bool:
        """Whether it shows intervals."""
        return self.kind == "lines"

    @property
    def top(self) -> float:
        """Where the axis of probabilities ends."""
        if not self.banded:
            return 1.0
        highest = max(np.nanmax(self.curves.probabilities), np.nanmax(self.curves.upper, initial=0))
        return float(min(1.0, 1.06 * highest))

    def open_panels(self, size: tuple[float, float], beside: float) -> np.ndarray:
        """Return axes for every group, one panel larger than several."""
        return self.canvas.open_panels(len(self.curves.groups), self.columns, *size, beside)

    def write_words(self, axes: np.ndarray, width: float, x: str, y: str) -> None:
        """Write title, notes, heads and the labels of the axes."""
        known = np.isfinite(self.curves.lower)
        marks = "Lines" if self.curves.levels else "Bands"
        level = write_coverage(self.request.alpha)
        said = f"{marks}: {level} intervals of each." if known.any() else ""
        lost = "" if known.all() else UNKNOWN[bool(known.any())]
        gaps = OPEN if np.isnan(self.curves.probabilities).any() else ""
        given = tell_given(self.record, bool(known.any()))
        fixed = f", {self.curves.fixed}" if self.curves.fixed else ""
        notes = [f"{OTHERS[self.request.others]}{fixed}.", gaps]
        notes += [said, lost, given] * self.banded
        title = f"Probability of {self.encoding.outcome_name} by {self.request.variable}"
        self.canvas.entitle_panels(axes, title, notes, self.curves.groups, width)
        self.canvas.name_panels(axes, x, y, width)


def _draw_number(picture: _Picture) -> np.ndarray:
    """Draw lines or areas over the values of a number."""
    curves, names = picture.curves, picture.categories
    single = len(curves.groups) == 1
    lines = sum(count_lines(name) + 0.5 for name in names)
    size = (WIDTH, max(HEIGHT, LINE * lines)) if single else (PANEL_WIDTH, PANEL_HEIGHT)
    axes = picture.open_panels(size, measure_names(names) + BESIDE)
    draw = _draw_lines if picture.banded else _draw_areas
    handles: list[Any] = []
    for g, ax in enumerate(axes):
        handles = draw(ax, curves, g)
        dress_axes(ax, "y" if picture.banded else "")
        low, high = curves.values[0], curves.values[-1]
        room = 0.0 if high > low else 0.5
        ax.set(xlim=(low - room, high + room), ylim=(0, _find_top(ax, picture.top)))
        use_plain_numbers(ax.xaxis)
        use_plain_numbers(ax.yaxis)
    order = np.arange(len(names))[::-1]
    if picture.banded:
        # As the lines end on the right, from top to bottom.
        order = np.argsort(-curves.probabilities[-1].mean(axis=0), kind="stable")
    title = str(picture.encoding.outcome_name)
    picture.canvas.place_legend(axes, [handles[k] for k in order], [names[k] for k in order], title)
    width = size[0] * picture.columns
    picture.write_words(axes, width, str(picture.request.variable), "Probability")
    return axes


def _find_top(ax: Any, top: float) -> float:
    """Return the top of a scale, with room for what others hold that share it."""
    others = ax.get_shared_y_axes().get_siblings(ax)
    held = [other.get_ylim()[1] for other in others if other is not ax and other.has_data()]
    return float(max([top, *held]))


def _draw_lines(ax: Any, curves: Curves, group: int) -> list[Any]:
    x, handles = np.array(curves.values, dtype=float), []
    marker = "o" if len(x) == 1 else "none"
    size = curves.probabilities.shape[2]
    alpha = BAND_ALPHA if size <= MANY else FAINT_ALPHA
    for k in range(size):
        color = pick_color(k)
        lower, upper = curves.lower[:, group, k], curves.upper[:, group, k]
        ax.fill_between(x, lower, upper, color=color, alpha=alpha, linewidth=0, zorder=2)
        look = {"color": color, "linestyle": pick_dashes(k), "linewidth": 1.9, "zorder": 3}
        y = curves.probabilities[:, group, k]
        handles += ax.plot(x, y, marker=marker, **look)
        _draw_lone(ax, x, np.stack([y, lower, upper]), k)
    return handles


def _draw_lone(ax: Any, x: np.ndarray, numbers: np.ndarray, k: int) -> None:
    """Draw what stands between gaps, where a line has no length, as points with intervals."""
    known = np.isfinite(numbers[0])
    beside = np.concatenate([[False], known, [False]])
    lone = known & ~beside[:-2] & ~beside[2:]
    if len(x) > 1 and lone.any():
        y, lower, upper = numbers[:, lone]
        ax.vlines(x[lone], lower, upper, color=pick_color(k), linewidth=1.8, zorder=3)
        ax.plot(x[lone], y, zorder=4, **look_of_mark(k))


def _draw_areas(ax: Any, curves: Curves, group: int) -> list[Any]:
    x = np.array(curves.values, dtype=float)
    x = x if len(x) > 1 else x[0] + np.array([-0.5, 0.5])
    shares = np.broadcast_to(curves.probabilities[:, group], (len(x), curves.lower.shape[2]))
    edges = np.column_stack([np.zeros(len(x)), np.cumsum(shares, axis=1)])
    drawn = [
        ax.fill_between(x, edges[:, k], edges[:, k + 1], **_look_of_area(k))
        for k in range(shares.shape[1])
    ]
    for area in drawn:
        thin_hatch(area)
    return drawn


def _look_of_area(k: int) -> dict[str, Any]:
    return {
        "facecolor": pick_color(k),
        "edgecolor": PAPER,
        "hatch": pick_hatch(k),
        "linewidth": 0.8,
        "zorder": 2,
    }


def _draw_factor(picture: _Picture) -> np.ndarray:
    """Draw rows for the levels of a factor: of points under each level, or of stacked bars."""
    curves, names = picture.curves, picture.encoding.category_names
    levels = curves.levels
    if picture.banded:
        labels = names * len(levels)
        layout = lay_out_rows(labels, [level for level in levels for _ in names])
    else:
        layout = lay_out_rows(levels, [""] * len(levels))
    single = len(curves.groups) == 1
    beside = measure_names(layout.words)
    legend = 0.0 if picture.banded else measure_names(picture.categories) + BESIDE
    width = WIDTH if single else PANEL_WIDTH
    lines = sum(count_lines(name) + 0.5 for name in picture.categories)
    high = max(layout.height, 0.0 if picture.banded else LINE * lines)
    axes = picture.open_panels((width, high + 0.4 * (not single)), beside + legend)
    handles: list[Any] = []
    for g, ax in enumerate(axes):
        draw_rows(ax, layout)
        # A mark at zero or one is not cut in half.
        room = EDGE * picture.top * picture.banded
        ax.set_xlim(-room, picture.top + room)
        use_plain_numbers(ax.xaxis)
        if picture.banded:
            numbers = np.stack([curves.probabilities, curves.lower, curves.upper], axis=-1)[:, g]
            marks = [*range(len(names))] * len(levels)
            draw_intervals(ax, layout.places, numbers.reshape(-1, 3), marks)
        else:
            handles = _draw_bars(ax, curves.probabilities[:, g], layout)
    if not picture.banded:
        title = str(picture.encoding.outcome_name)
        picture.canvas.place_legend(axes, handles, picture.categories, title)
    width *= picture.columns
    picture.write_words(axes, width, "Probability", "")
    return axes


def _draw_bars(ax: Any, shares: np.ndarray, layout: Layout) -> list[Any]:
    ends = np.column_stack([np.zeros(len(shares)), np.cumsum(shares, axis=1)])
    drawn = [
        ax.barh(layout.places, shares[:, k], left=ends[:, k], height=0.72, **_look_of_area(k))
        for k in range(shares.shape[1])
    ]
    for bar in (one for bars in drawn for one in bars):
        thin_hatch(bar)
    return drawn

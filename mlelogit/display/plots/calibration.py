"""Calibration: observed shares against predicted probabilities, by category."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mlelogit.data.encoding import Encoding
from mlelogit.display.plots.canvas import Canvas, count_columns
from mlelogit.display.plots.known import check_categories
from mlelogit.display.plots.style import (
    RULE,
    dress_axes,
    finish,
    look_of_mark,
    pick_color,
    use_plain_numbers,
    write_coverage,
)
from mlelogit.exceptions import OptionError
from mlelogit.interpretation.performance.calibration import Calibration
from mlelogit.interpretation.performance.judged import NewRows
from mlelogit.notices import import_extra

PANELS, PANEL_WIDTH, PANEL_HEIGHT = 3, 2.6, 2.65
# The share of a scale that is left free at its ends, for marks at zero and one.
EDGE = 0.03


def take_calibration(
    rows: NewRows, how: Mapping[str, Any], judge: Callable[..., Calibration]
) -> Calibration:
    """Return the Calibration that is given in place of new rows, or make that of some rows.

    Parameters
    ----------
    rows : NewRows
        Their newdata may be a Calibration.
    how : mapping
        Bins, strategy and alpha, as far as they are given.
    judge : callable
        Makes a Calibration of rows, and of these keywords.

    Raises
    ------
    OptionError
        If anything is given with a Calibration, which has its own.
    """
    found = rows.newdata
    if not isinstance(found, Calibration):
        return judge(rows, **how)
    if wrong := {*how, *rows.list_given()} - {"newdata"}:
        said = ", ".join(sorted(wrong))
        raise OptionError(f"{said} cannot be given with a Calibration that is known.")
    return found


def plot_calibration(encoding: Encoding, found: Calibration, canvas: Canvas | None = None) -> Any:
    """Draw a reliability diagram for every category.

    Every point is a bin of rows with similar probabilities: their mean, and the share that was
    observed with Wilson's interval, unless the outcome is probabilities. On the diagonal what is
    given a probability happens as often as it says. Every category has its own scale, the same
    both ways.

    Parameters
    ----------
    encoding : Encoding
        Its categories and the outcome's name are those of the fit, be it linear or a network.
    found : mlelogit.interpretation.performance.calibration.Calibration
    canvas : Canvas, optional

    Returns
    -------
    numpy.ndarray
        Axes (J,), one for every category.

    Raises
    ------
    OptionError
        If the calibration is of a fit with other categories.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> [ax.get_title(loc="left") for ax in res.plot.calibration(bins=5, ax=Figure())]
    ['Clinton', 'Dole']
    """
    ticker = import_extra("matplotlib.ticker", "plots")
    check_categories(encoding, found.bins.index.get_level_values("category"), "The Calibration")
    canvas = canvas or Canvas()
    count = len(encoding.categories)
    columns = count_columns(count, PANELS)
    axes = canvas.open_panels(count, columns, PANEL_WIDTH, PANEL_HEIGHT, 0.4, share=False)
    for k, (category, ax) in enumerate(zip(encoding.categories, axes, strict=True)):
        top = min(1.0, 1.05 * _draw_bins(ax, found, category, k))
        dress_axes(ax, "both")
        ends = -EDGE * top, (1 + EDGE) * top
        ax.set(xlim=ends, ylim=ends)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
            use_plain_numbers(axis)
    own = "The fit's own rows." if found.own else f"{found.rows.capitalize()}."
    known = found.bins["lower"].notna().any()
    lines = f", lines: {write_coverage(found.alpha)} intervals" if known else ""
    notes = [own, f"Points: bins of rows{lines}.", "Dotted: as predicted."]
    width = PANEL_WIDTH * columns
    title = f"Calibration of {encoding.outcome_name}"
    canvas.entitle_panels(axes, title, notes, encoding.category_names, width)
    canvas.name_panels(axes, "Predicted probability", "Observed share", width)
    return np.array([*map(finish, axes)], dtype=object)


def _draw_bins(ax: Any, found: Calibration, category: Any, k: int) -> float:
    """Draw the bins of a category, and return the largest number drawn."""
    bins = found.bins[found.bins.index.get_level_values("category") == category]
    x, lower, upper = (bins[name].to_numpy() for name in ("predicted", "lower", "upper"))
    ax.plot([0, 1], [0, 1], color=RULE, linestyle=":", linewidth=1.1, zorder=1)
    ax.vlines(x, lower, upper, color=pick_color(k), linewidth=1.6, zorder=3)
    ax.plot(x, bins["observed"].to_numpy(), zorder=4, **look_of_mark(k, 5.0))
    return float(max(x.max(), bins["observed"].max(), np.nanmax(upper, initial=0.0)))

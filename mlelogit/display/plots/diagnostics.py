"""Residuals and influence: whether the model holds, and which rows decide it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betaincinv, ndtri

from mlelogit.data.arguments import is_whole, write_value
from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.known import check_rows
from mlelogit.display.plots.style import (
    FAINT,
    RULE,
    entitle,
    finish,
    look_of_mark,
    measure_names,
    name_axes,
    place_legend,
    use_plain_numbers,
    wrap_name,
    write_coverage,
)
from mlelogit.exceptions import OptionError, PictureError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import check_alpha
from mlelogit.interpretation.diagnostics.influence import Influence
from mlelogit.interpretation.diagnostics.residuals import draw_people

WIDTH, HEIGHT = 4.8, 3.6
# More marks than these cannot be told apart, nor looked up one by one.
MOST_NAMED = 12
# Above so many points a vector picture would be slow to show.
MANY_POINTS = 5000
# Beyond so many people the residuals and their band would take gigabytes.
MOST_PEOPLE = 5_000_000


def plot_quantiles(
    record: FitRecord, seed: Any = 0, alpha: float = 0.05, canvas: Canvas | None = None
) -> Any:
    """Draw randomized quantile residuals against normal quantiles.

    If the model holds they are a sample of the standard normal distribution, whose i-th of n
    values has a uniform value with the distribution Beta(i, n + 1 - i): the band holds its middle
    ``1 - alpha`` for every value by itself (David and Nagaraja 2003, Order Statistics, section
    2.1), so that in a long tail some values leave it by chance. People that a frequency weight
    stands for have one residual each, as if every one had a row.

    Parameters
    ----------
    record : FitRecord
    seed : int, numpy.random.Generator or None
        Of the residuals; see `mlelogit.interpretation.diagnostics.residuals.compute_residuals`.
    alpha : float
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    OutcomeError
        If the outcome is probabilities.
    PictureError
        If frequency weights stand for more people than can be drawn one by one.
    DataNotKeptError
        If the fit no longer holds its rows.
    OptionError
        If alpha is no probability.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.plot.residuals(ax=Figure()).get_xlabel()
    'Quantile of the standard normal distribution'
    """
    half = check_alpha(alpha) / 2
    _check_number(record)
    values = np.sort(draw_people(record, seed))
    size = len(values)
    i = np.arange(1, size + 1)
    x = ndtri((i - 0.5) / size)
    low, high = (ndtri(betaincinv(i, size + 1 - i, share)) for share in (half, 1 - half))
    ax = (canvas or Canvas()).open_axes(WIDTH, HEIGHT, "both")
    ax.fill_between(x, low, high, color="#D9D9D9", linewidth=0, zorder=1)
    ax.plot(x, x, color=RULE, linewidth=1.1, linestyle=":", zorder=2)
    look = look_of_mark(0, 3.5) | {"rasterized": size > MANY_POINTS, "zorder": 3}
    ax.plot(x, values, **look)
    use_plain_numbers(ax.xaxis)
    use_plain_numbers(ax.yaxis)
    name_axes(ax, "Quantile of the standard normal distribution", "Randomized quantile residual")
    notes = [
        "On the dotted line if the model holds.",
        f"Grey: where {write_coverage(alpha)} of each rank are then.",
    ]
    entitle(ax, f"Residuals of {record.encoding.outcome_name}", notes, WIDTH)
    return finish(ax)


def _check_number(record: FitRecord) -> None:
    if record.weight_type == "frequency" and record.nobs > MOST_PEOPLE:
        raise PictureError(
            f"Frequency weights stand for {record.nobs:,.0f} people, and the picture has a point "
            f"for each of at most {MOST_PEOPLE:,}; residuals(variable) draws means."
        )


def plot_influence(
    record: FitRecord, found: Influence, n: int = 5, canvas: Canvas | None = None
) -> Any:
    """Draw Cook's distance of every row against its leverage, and name the worst.

    Parameters
    ----------
    record : FitRecord
    found : mlelogit.interpretation.diagnostics.influence.Influence
    n : int
        How many rows to name, at most 12.
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    OptionError
        If n is no number of rows, or the influence is on a fit with other rows or categories.
    PictureError
        If no Cook's distance is known.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> ax = res.plot.influence(n=2, ax=Figure())
    >>> len(ax.get_legend().get_texts())
    4
    """
    if not is_whole(n) or not 0 <= n <= MOST_NAMED:
        raise OptionError(f"n must be a whole number from 0 to {MOST_NAMED}, not {write_value(n)}.")
    check_rows(record, found.record, "The Influence")
    leverage, distance = found.leverage.to_numpy(), found.cooks_distance.to_numpy()
    known = np.isfinite(leverage) & np.isfinite(distance)
    if not known.any():
        raise PictureError(f"No Cook's distance is known: {found.reason or 'all are NaN'}.")
    worst = np.argsort(-np.where(known, distance, -1.0), kind="stable")[: min(n, known.sum())]
    names = [wrap_name(f"{found.unit} {_write_label(found.index[i])}") for i in worst]
    mean = found.size / float(found.people.sum())
    ax = (canvas or Canvas()).open_axes(
        WIDTH + max(measure_names(names), 1.3) + 0.7, HEIGHT, "both"
    )
    handles = _draw_rows(ax, leverage, distance, known, worst)
    line = ax.axvline(2 * mean, color=FAINT, linewidth=1.0, linestyle="--", zorder=1)
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=-0.02 * float(distance[known].max()))
    use_plain_numbers(ax.xaxis)
    use_plain_numbers(ax.yaxis)
    place_legend(
        ax,
        [*handles[1:], handles[0], line],
        [*names, f"other {found.unit}s", "twice the mean\nleverage"],
        "Largest distances",
    )
    name_axes(ax, "Leverage", "Cook's distance")
    lost = f"{(~known).sum()} not shown: {found.reason or 'not known'}." if not known.all() else ""
    said = f"How far all coefficients move if a {found.unit} is left out."
    entitle(ax, f"Influence on the fit of {record.encoding.outcome_name}", [said, lost], WIDTH)
    return finish(ax)


def _draw_rows(
    ax: Any, leverage: np.ndarray, distance: np.ndarray, known: np.ndarray, worst: np.ndarray
) -> list[Any]:
    """Draw a dot for every row, and a mark of its own for each of the worst."""
    look = {"color": RULE, "marker": "o", "linestyle": "none", "markersize": 3.5}
    look |= {"markeredgewidth": 0, "alpha": 0.6, "rasterized": len(leverage) > MANY_POINTS}
    handles = ax.plot(leverage[known], distance[known], zorder=2, **look)
    for place, i in enumerate(worst):
        style = look_of_mark(place, 7.0) | {"zorder": 4}
        handles += ax.plot([leverage[i]], [distance[i]], **style)
    return list(handles)


def _write_label(label: Any) -> str:
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)

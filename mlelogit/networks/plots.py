"""The pictures of a fitted network: its calibration, and the climb of its likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlelogit.display.plots.calibration import plot_calibration, take_calibration
from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.style import (
    FAINT,
    PAPER,
    RULE,
    dress_axes,
    entitle,
    finish,
    look_of_mark,
    name_axes,
    pick_color,
    pick_dashes,
    place_legend,
    use_plain_numbers,
    use_whole_numbers,
    write_short,
)
from mlelogit.interpretation.performance.judged import NewRows
from mlelogit.networks.judging import calibrate_network
from mlelogit.networks.record import NetworkRecord

WIDTH, HEIGHT = 5.0, 3.6
# Inches that the legend takes.
BESIDE = 2.3
# The share of the largest number that stays free above it.
ROOM = 0.08


@dataclass(frozen=True, eq=False, repr=False)
class NetworkPlots:
    """Pictures of a network's fit; every method returns matplotlib Axes, or an array of them.

    Everywhere ``ax`` is where to draw, as in `mlelogit.display.plots.accessor.Plots`.

    Attributes
    ----------
    record : NetworkRecord
    open_figure : callable, optional
        Makes new figures in place of `matplotlib.pyplot.figure`.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> from matplotlib.figure import Figure
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> res.plot.trace(ax=Figure()).get_title(loc="left")
    'The climb of the likelihood'
    >>> [ax.get_title(loc="left") for ax in res.plot.calibration(bins=5, ax=Figure())]
    ['Clinton', 'Dole']
    """

    record: NetworkRecord
    open_figure: Callable[..., Any] | None = None

    def calibration(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        weights: Any = None,
        weight_type: str | None = None,
        ax: Any = None,
        **how: Any,
    ) -> Any:
        """Draw reliability diagrams, or a Calibration that is known.

        See `mlelogit.display.plots.calibration.plot_calibration`.

        Parameters
        ----------
        newdata : DataFrame, array-like, torch.Tensor or Calibration, optional
        outcome, weights, weight_type : optional
            Of new rows; see `mlelogit.networks.judging.judge_network`.
        ax : Axes or figure, optional
        **how
            Bins, strategy and alpha, as in `results.calibration`. With a Calibration, which has
            its own, nothing but ax is to be given.
        """
        rows = NewRows(newdata, outcome, None, weights, weight_type)
        found = take_calibration(rows, how, partial(calibrate_network, self.record))
        return plot_calibration(self.record.encoding, found, self._place(ax))

    def trace(self, *, ax: Any = None) -> Any:
        """Draw the climb; see `plot_network_trace`."""
        return plot_network_trace(self.record, self._place(ax))

    def __repr__(self) -> str:
        return "Pictures: calibration, trace."

    def _place(self, ax: Any) -> Canvas:
        return Canvas(ax, self.open_figure)


def plot_network_trace(record: NetworkRecord, canvas: Canvas | None = None) -> Any:
    """Draw the climb of the log-likelihood, and as its mirror image the descent of cross-entropy.

    The error is ``E(w) = -log L(w)``, so that what raises the one lowers the other by as much. With
    a prior its penalty is part of both: ``log L - 1/2 Σ λ w²`` and ``E + 1/2 Σ λ w²``. Dotted is
    where the shares of the categories are, the best of constant scores.

    Parameters
    ----------
    record : NetworkRecord
    canvas : Canvas, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    trace, penalized = record.maximum.trace, bool((record.precisions > 0).any())
    ax = (canvas or Canvas()).open_axes(WIDTH + BESIDE, HEIGHT)
    dress_axes(ax, "y")
    ax.axhline(0, color=RULE, linewidth=1.0, zorder=1)
    ends = f", {'less' if penalized else ''}", f", {'with' if penalized else ''}"
    handles, names = _draw_climb(ax, record)
    return finish(ax)

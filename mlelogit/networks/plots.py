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
    MINUS,
    PAPER,
    RULE,
    entitle,
    finish,
    look_of_mark,
    name_axes,
    pick_color,
    pick_dashes,
    place_legend,
    use_log_scale,
    use_plain_numbers,
    use_whole_numbers,
    write_short,
)
from mlelogit.exceptions import OptionError
from mlelogit.fitting.maximum import Trace
from mlelogit.interpretation.performance.judged import NewRows
from mlelogit.networks.judging import calibrate_network
from mlelogit.networks.record import NetworkRecord

WIDTH, HEIGHT = 5.0, 3.6
# Inches that the legend takes.
BESIDE = 2.3
# Beyond so many evaluations the first ones, in which most is gained, would be one upright line.
MOST_LINEAR = 40
# Which words of calibration() go to the judgement.
HOW = ("bins", "strategy", "alpha")
# How dense the colour between a curve and zero is.
SHADE = 0.10
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

        Raises
        ------
        OptionError
            If another word is given.
        """
        for name in how:
            if name not in HOW:
                raise OptionError(f"calibration() takes no {name}; it takes {', '.join(HOW)}.")
        rows = NewRows(newdata, outcome, None, weights, weight_type)
        found = take_calibration(rows, how, partial(calibrate_network, self.record))
        return plot_calibration(self.record.encoding, found, self._place(ax))

    def trace(self, *, ax: Any = None) -> Any:
        """Draw the climb.

        See `mlelogit.networks.plots.plot_network_trace`.

        Parameters
        ----------
        ax : Axes or figure, optional
        """
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

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equations 5.24 and 5.112.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> from matplotlib.figure import Figure
    >>> res.plot.trace(ax=Figure()).get_title(loc="left")
    'The climb of the likelihood'
    """
    penalized = bool((record.precisions > 0).any())
    ax = (canvas or Canvas()).open_axes(WIDTH + BESIDE, HEIGHT, "y")
    handles, names = _draw_climb(ax, record, penalized)
    handles.append(_draw_shares(ax, record.llnull))
    names.append("constant scores")
    place_legend(ax, handles, names)
    top = (1 + ROOM) * max(float(np.abs(record.maximum.trace.loglike).max()), abs(record.llnull))
    ax.set_ylim(-top, top)
    use_plain_numbers(ax.yaxis)
    name_axes(ax, _scale_evaluations(ax, record.maximum.trace), "Log-likelihood, cross-entropy")
    entitle(ax, "The climb of the likelihood", _list_notes(record, penalized), WIDTH)
    return finish(ax)


def _draw_climb(ax: Any, record: NetworkRecord, penalized: bool) -> tuple[list[Any], list[str]]:
    """Draw both curves about the line at zero, in which they are mirrored."""
    trace = record.maximum.trace
    ax.axhline(0.0, color=RULE, linewidth=1.0, zorder=1)
    steps = np.array([stage == "newton" for stage in trace.stage])
    handles: list[Any] = []
    for i, values in enumerate((trace.loglike, -trace.loglike)):
        color = pick_color(i)
        ax.fill_between(trace.evaluations, values, color=color, alpha=SHADE, linewidth=0, zorder=0)
        look = {"color": color, "linestyle": pick_dashes(i), "linewidth": 1.8, "zorder": 3}
        dots = {"marker": ".", "markersize": 5, "markeredgewidth": 0.8}
        handles += ax.plot(trace.evaluations, values, **look, **dots)
        inside = look_of_mark(i, 5.0) | {"markerfacecolor": PAPER, "zorder": 4}
        ax.plot(trace.evaluations[steps], values[steps], **inside)
    less, more = (f"\n{sign} penalty" if penalized else "" for sign in (MINUS, "+"))
    return handles, [f"log-likelihood{less}", f"cross-entropy{more}"]


def _scale_evaluations(ax: Any, trace: Trace) -> str:
    """Give the axis of evaluations a log scale if there are many, and return its label."""
    last, label = int(trace.evaluations[-1]), "Evaluation of likelihood and gradient"
    if last > MOST_LINEAR:
        use_log_scale(ax, "x", 0.9, 1.1 * last)
        return f"{label} (log scale)"
    use_whole_numbers(ax.xaxis)
    return label


def _draw_shares(ax: Any, llnull: float) -> Any:
    """Draw where constant scores would be at best, on both sides, and return one of the lines."""
    look = {"color": FAINT, "linestyle": ":", "linewidth": 1.2, "zorder": 2}
    ax.axhline(-llnull, **look)
    return ax.axhline(llnull, **look)


def _list_notes(record: NetworkRecord, penalized: bool) -> list[str]:
    maximum, count = record.maximum, len(record.starts)
    kept = int(np.flatnonzero(record.starts["kept"])[0]) + 1
    penalty = f", the penalty {write_short(maximum.penalty)}" if penalized else ""
    gradient = write_short(maximum.certificate.gradient_norm)
    return [
        f"At its end the log-likelihood is {write_short(maximum.loglike)}{penalty}.",
        f"The largest entry of the gradient there is {gradient}.",
        f"Number {kept} of {count} starts, the highest." if count > 1 else "",
        "Hollow: Newton steps." if "newton" in maximum.trace.stage else "",
    ]

"""The pictures of a fit, as a user asks for them: res.plot.coefficients() and so on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.coefficients import plot_coefficients
from mlelogit.display.plots.likelihood import plot_profile, plot_trace
from mlelogit.display.plots.separation import plot_separation
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance


@dataclass(frozen=True, eq=False)
class Plots:
    """Pictures of a fit; every method returns matplotlib Axes, or an array of them.

    Everywhere ``ax`` is where to draw: Axes, an array of as many as the picture has panels, or an
    empty Figure or SubFigure. If it is not given a figure of a size that fits is opened by
    `matplotlib.pyplot`, and shown by a notebook or by its show(). A figure without a layout
    engine gets matplotlib's constrained one, so that no label is cut off.

    Attributes
    ----------
    record : FitRecord
    covariance : Covariance
    open_figure : callable, optional
        Makes new figures in place of `matplotlib.pyplot.figure`, from the keywords figsize,
        layout and facecolor: `matplotlib.figure.Figure` to leave pyplot out.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from matplotlib.figure import Figure
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> figure = Figure()
    >>> ax = res.plot.coefficients(ax=figure)
    >>> ax.get_title(loc="left"), ax.figure is figure
    ('Coefficients of vote', True)
    """

    record: FitRecord
    covariance: Covariance
    open_figure: Callable[..., Any] | None = None

    def coefficients(
        self,
        exponentiate: bool = False,
        names: Any = None,
        alpha: float = 0.05,
        *,
        by: str = "name",
        ax: Any = None,
    ) -> Any:
        """Draw coefficients or risk ratios with intervals; see `plot_coefficients`."""
        given = exponentiate, names, alpha, by
        return plot_coefficients(self.record, self.covariance, *given, self._place(ax))

    def profile(
        self,
        combination: Any,
        alpha: float = 0.05,
        points: Any = 61,
        *,
        disp: bool | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw a profile log-likelihood and Wald's parabola; see `plot_profile`."""
        given = combination, alpha, points, disp
        return plot_profile(self.record, self.covariance, *given, self._place(ax))

    def trace(self, *, ax: Any = None) -> Any:
        """Draw the climb to the maximum; see `plot_trace`."""
        return plot_trace(self.record, self._place(ax))

    def separation(self, kind: str = "coefficients", *, ax: Any = None) -> Any:
        """Draw what separated data leave without an estimate; see `plot_separation`."""
        return plot_separation(self.record, kind, self._place(ax))

    def _place(self, ax: Any) -> Canvas:
        return Canvas(ax, self.open_figure)

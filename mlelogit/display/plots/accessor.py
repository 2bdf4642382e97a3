"""The pictures of a fit, as a user asks for them: res.plot.coefficients() and so on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mlelogit.display.plots.binned import BINS, plot_binned_residuals
from mlelogit.display.plots.calibration import plot_calibration, take_calibration
from mlelogit.display.plots.canvas import Canvas
from mlelogit.display.plots.coefficients import CoefficientRequest, plot_coefficients
from mlelogit.display.plots.curves import CurveRequest
from mlelogit.display.plots.diagnostics import plot_influence, plot_quantiles
from mlelogit.display.plots.effects import plot_margins
from mlelogit.display.plots.known import check_variables, refuse_options
from mlelogit.display.plots.likelihood import plot_profile, plot_trace
from mlelogit.display.plots.probabilities import plot_probabilities
from mlelogit.display.plots.separation import plot_separation
from mlelogit.exceptions import OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.interpretation.diagnostics.influence import Influence, measure_influence
from mlelogit.interpretation.margins.effects import estimate_margins
from mlelogit.interpretation.margins.table import Margins
from mlelogit.interpretation.performance.calibration import calibrate
from mlelogit.interpretation.performance.judged import NewRows


@dataclass(frozen=True, eq=False, repr=False)
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
        panels: bool = False,
        per: str = "unit",
        method: str = "wald",
        disp: bool | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw coefficients or risk ratios with intervals.

        See `mlelogit.display.plots.coefficients.plot_coefficients` and
        `mlelogit.display.plots.coefficients.CoefficientRequest`.
        """
        request = CoefficientRequest(exponentiate, names, alpha, panels, per, method, disp)
        return plot_coefficients(self.record, self.covariance, request, self._place(ax))

    def profile(
        self,
        combination: Any,
        alpha: float = 0.05,
        points: Any = 61,
        *,
        disp: bool | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw a profile log-likelihood and Wald's parabola.

        See `mlelogit.display.plots.likelihood.plot_profile`.
        """
        given = combination, alpha, points, disp
        return plot_profile(self.record, self.covariance, *given, self._place(ax))

    def trace(self, *, ax: Any = None) -> Any:
        """Draw the climb to the maximum.

        See `mlelogit.display.plots.likelihood.plot_trace`.
        """
        return plot_trace(self.record, self._place(ax))

    def separation(self, kind: str = "coefficients", *, ax: Any = None) -> Any:
        """Draw what separated data leave without an estimate.

        See `mlelogit.display.plots.separation.plot_separation`.
        """
        return plot_separation(self.record, kind, self._place(ax))

    def probabilities(
        self,
        variable: Any,
        by: Any = None,
        kind: str = "lines",
        at: Any = None,
        alpha: float = 0.05,
        *,
        others: str = "average",
        points: Any = None,
        newdata: Any = None,
        weights: Any = None,
        offset: Any = None,
        ax: Any = None,
    ) -> Any:
        """Draw probabilities over a variable, as lines or areas.

        See `mlelogit.display.plots.probabilities.plot_probabilities` and
        `mlelogit.display.plots.curves.CurveRequest`.

        Parameters
        ----------
        variable : label
            The one that varies.
        by : label, list or array-like, optional
            Groups of the rows, a panel for each.
        kind : {"lines", "stacked"}
            Lines with intervals, or areas that fill up to one.
        at : mapping, optional
            Other variables -> the value or values that they have in all rows.
        alpha : float
            Intervals cover with probability ``1 - alpha``.
        others : {"average", "at_means", "balanced"}
            What the other variables are: each row's own, and probabilities are averaged; their
            means; or all combinations of factors alike.
        points : int or array-like, optional
            How many values of the variable, or which.
        newdata, weights, offset : optional
            Rows in place of the fit's own, and theirs.
        ax : Axes, array of them or figure, optional
        """
        rows = newdata, weights, offset
        request = CurveRequest(variable, by, at, others, points, alpha, *rows)
        return plot_probabilities(self.record, self.covariance, request, kind, self._place(ax))

    def margins(
        self,
        variables: Any = None,
        kind: str = "average",
        alpha: float = 0.05,
        *,
        panels: bool = False,
        ax: Any = None,
        **options: Any,
    ) -> Any:
        """Draw marginal effects, or Margins that are known.

        See `mlelogit.display.plots.effects.plot_margins`.

        Parameters
        ----------
        variables : names, or Margins
        kind, **options
            See `mlelogit.interpretation.margins.effects.estimate_margins`; none with Margins
            that are known.
        alpha : float
        panels : bool
            Whether to give every category a panel.
        ax : Axes or figure, optional
        """
        found = variables
        if isinstance(found, Margins):
            refuse_options("a Margins", ({} if kind == "average" else {"kind": kind}) | options)
        else:
            check_variables(variables)
            given = variables, kind
            found = estimate_margins(self.record, self.covariance, *given, **options)
        return plot_margins(self.record, found, alpha, panels, self._place(ax))

    def calibration(
        self,
        newdata: Any = None,
        outcome: Any = None,
        *,
        offset: Any = None,
        weights: Any = None,
        weight_type: str | None = None,
        ax: Any = None,
        **how: Any,
    ) -> Any:
        """Draw reliability diagrams, or a Calibration that is known.

        See `mlelogit.display.plots.calibration.plot_calibration`.

        Parameters
        ----------
        newdata : DataFrame, dict, array-like, or Calibration, optional
        outcome, offset, weights, weight_type : optional
            Of new rows; see `mlelogit.interpretation.performance.judged.NewRows`.
        ax : Axes or figure, optional
        **how
            Bins, strategy and alpha, as in `results.calibration`. With a Calibration, which has
            its own, nothing but ax is to be given.
        """
        rows = NewRows(newdata, outcome, offset, weights, weight_type)
        found = take_calibration(rows, how, partial(calibrate, self.record))
        return plot_calibration(self.record.encoding, found, self._place(ax))

    def residuals(
        self,
        variable: Any = None,
        bins: int | None = None,
        alpha: float = 0.05,
        *,
        seed: Any = 0,
        ax: Any = None,
    ) -> Any:
        """Draw quantile residuals, or with a variable mean residuals over it.

        See `mlelogit.display.plots.diagnostics.plot_quantiles`, which has the seed, and
        `mlelogit.display.plots.binned.plot_binned_residuals`, which has bins: 20 if not given.
        """
        place = self._place(ax)
        if variable is None:
            if bins is not None:
                raise OptionError("bins go with a variable; quantile residuals have none.")
            return plot_quantiles(self.record, seed, alpha, place)
        if seed is None or seed != 0:
            raise OptionError("seed goes with quantile residuals; those over a variable draw none.")
        bins = BINS if bins is None else bins
        return plot_binned_residuals(self.record, variable, bins, alpha, place)

    def influence(self, n: int = 5, unit: Any = "row", *, ax: Any = None) -> Any:
        """Draw Cook's distance against leverage, or a known Influence.

        See `mlelogit.display.plots.diagnostics.plot_influence`.

        Parameters
        ----------
        n : int
            How many rows to name.
        unit : {"row", "person"}, or Influence
            See `mlelogit.interpretation.diagnostics.influence.measure_influence`.
        ax : Axes or figure, optional
        """
        known = isinstance(unit, Influence)
        found = unit if known else measure_influence(self.record, self.covariance, unit)
        return plot_influence(self.record, found, n, self._place(ax))

    def __repr__(self) -> str:
        names = [name for name, value in vars(Plots).items() if inspect.isfunction(value)]
        return f"Pictures: {', '.join(name for name in names if not name.startswith('_'))}."

    def _place(self, ax: Any) -> Canvas:
        return Canvas(ax, self.open_figure)

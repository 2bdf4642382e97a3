"""Where a picture goes: into axes or a figure that a user has, or a new figure of a fit size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.display.plots.style import (
    PAPER,
    dress_axes,
    entitle,
    entitle_figure,
    name_axes,
    name_figure,
    place_figure_legend,
    place_legend,
    wrap_names,
    write_head,
)
from mlelogit.exceptions import OptionError
from mlelogit.notices import import_extra

# Inches that title, notes and the label below take beside the axes.
MARGIN = 1.15
# Letters of a panel's head on a line.
HEAD_LETTERS = 28
# Beyond so many pixels on a side no picture can be made; matplotlib's own limit is 2^16.
MOST_INCHES = 200.0


@dataclass(frozen=True)
class Canvas:
    """Where a picture goes.

    Attributes
    ----------
    given : object
        Axes; an array of as many Axes as there are panels; a Figure or SubFigure without axes;
        or None for a new figure.
    open_figure : callable, optional
        Makes a new figure from the keywords figsize, layout and facecolor; that of
        `matplotlib.pyplot`, which shows it in a notebook or by its show(), if not given.
    """

    given: Any = None
    open_figure: Callable[..., Any] | None = None

    @property
    def owns_figure(self) -> bool:
        """Whether the picture has a figure for itself."""
        return self.given is None or _is_figure(self.given)

    def open_axes(self, width: float, height: float, grid: str | None = None) -> Any:
        """Return the axes of a picture of one panel, about so many inches wide and high.

        They are dressed with a grid ("x", "y", "both" or "" for none) if one is named.
        """
        import_extra("matplotlib", "plots")
        if self.owns_figure:
            ax = self._open_figure(width, height + MARGIN).subplots()
        else:
            ax = _adopt(self.given, 1)[0]
        if grid is not None:
            dress_axes(ax, grid)
        return ax

    def open_panels(
        self,
        count: int,
        columns: int,
        width: float,
        height: float,
        beside: float = 0.0,
        share: bool = True,
    ) -> np.ndarray:
        """Return the axes (count,) of several panels.

        Parameters
        ----------
        count, columns : int
            Panels, and how many are side by side; see `count_columns`.
        width, height : float
            Inches of one panel.
        beside : float
            Inches that the legend takes.
        share : bool
            Whether all have the same scales.
        """
        import_extra("matplotlib", "plots")
        if not self.owns_figure:
            return _adopt(self.given, count)
        rows = -(-count // columns)
        size = columns * width + beside, rows * height + MARGIN
        every = self._open_figure(*size).subplots(
            rows, columns, sharex=share, sharey=share, squeeze=False
        )
        for left in every.ravel()[count:]:
            left.remove()
        if rows > 1:
            for above in every.ravel()[count - columns : count]:
                above.xaxis.set_tick_params(labelbottom=True)
        return np.asarray(every.ravel()[:count])

    def entitle_panels(
        self,
        axes: np.ndarray,
        title: str,
        notes: Sequence[str],
        heads: Sequence[str],
        width: float,
    ) -> None:
        """Put a title and notes above all panels, and a head above each.

        Parameters
        ----------
        axes : numpy.ndarray
            (count,).
        title : str
        notes, heads : sequence of str
        width : float
            Inches that title and notes may take.
        """
        heads = wrap_names(heads, HEAD_LETTERS)
        if len(axes) == 1 and not heads[0]:
            entitle(axes[0], title, notes, width)
        elif self.owns_figure:
            entitle_figure(axes[0], title, notes, width)
            for ax, head in zip(axes, heads, strict=True):
                write_head(ax, head)
        else:
            entitle(axes[0], heads[0], [f"{title}.", *notes])
            for ax, head in zip(axes[1:], heads[1:], strict=True):
                write_head(ax, head)

    def place_legend(
        self, axes: np.ndarray, handles: Sequence[Any], names: Sequence[str], title: str = ""
    ) -> None:
        """Put one legend beside all panels."""
        if self.owns_figure and len(axes) > 1:
            place_figure_legend(axes[0].figure, handles, names, title)
        else:
            place_legend(axes[-1], handles, names, title)

    def name_panels(self, axes: np.ndarray, x: str, y: str, width: float) -> None:
        """Label the axes that all panels share: once if they have a figure for themselves."""
        if self.owns_figure and len(axes) > 1:
            figure = axes[0].figure
            height = figure.bbox.height / figure.dpi - MARGIN
            name_figure(figure, x, y, width, max(height, 1.0))
        else:
            for ax in axes:
                name_axes(ax, x, y, width / len(axes))

    def _open_figure(self, width: float, height: float) -> Any:
        if self.given is not None:
            if self.given.axes:
                raise OptionError(
                    "The figure given as ax has axes already; give these, or an empty figure."
                )
            _lay_out(self.given)
            return self.given
        make = self.open_figure
        if make is None:
            make = import_extra("matplotlib.pyplot", "plots").figure
        size = min(width, MOST_INCHES), min(height, MOST_INCHES)
        return make(figsize=size, layout="constrained", facecolor=PAPER)


def count_columns(panels: int, most: int) -> int:
    """Return how many panels go side by side: at most so many, and four as two and two.

    Examples
    --------
    >>> from mlelogit.display.plots.canvas import count_columns
    >>> [count_columns(panels, 3) for panels in (1, 2, 3, 4, 5)]
    [1, 2, 3, 2, 3]
    """
    return 2 if panels == 4 and most < 4 else min(panels, most)


def _is_figure(given: Any) -> bool:
    return hasattr(given, "subplots") and hasattr(given, "axes")


def _is_axes(given: Any) -> bool:
    # Polar axes and those of three dimensions have no sides to dress.
    return hasattr(given, "plot") and getattr(given, "name", "") == "rectilinear"


def _adopt(given: Any, count: int) -> np.ndarray:
    """Return axes that a user gives as an array (count,), or raise `OptionError`."""
    if _is_axes(given):
        every: Any = [given]
    else:
        every = list(np.asarray(given, dtype=object).ravel())
    if not all(map(_is_axes, every)):
        raise OptionError(
            "ax must be matplotlib Axes of straight scales, an array of them or a figure, not "
            f"{write_value(given)}."
        )
    if len(every) != count:
        raise OptionError(
            f"The picture has {count} panel{'s' if count > 1 else ''}, and ax holds {len(every)}; "
            "give as many Axes, or an empty figure."
        )
    for ax in every:
        _lay_out(ax.figure)
    held = np.empty(count, dtype=object)
    held[:] = every
    return held


def _lay_out(figure: Any) -> None:
    """Let a figure without a layout find room for labels and legends."""
    whole = figure.figure
    if whole.get_layout_engine() is None:
        whole.set_layout_engine("constrained")

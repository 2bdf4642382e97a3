"""Rows of estimates with intervals, labelled at their left: of coefficients, or of effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.plots.style import (
    BAND,
    FAINT,
    LINE,
    MINUS,
    PAPER,
    RULE,
    TEXT_SIZE,
    count_lines,
    dress_axes,
    look_of_mark,
    pick_color,
    place_names,
    use_log_scale,
    use_plain_numbers,
    wrap_names,
)
from mlelogit.fitting.record import FitRecord

# Inches of a row; where there are many they stand closer.
ROW, CLOSE_ROW, MANY_ROWS = 0.26, 0.2, 40
# The share of a row that stands between two groups.
GAP = 0.35


@dataclass(frozen=True)
class Layout:
    """Where the rows of a picture of rows stand, from zero downward.

    Attributes
    ----------
    places : numpy.ndarray
        (r,) of the rows.
    names : list of str
        (r,), as they are written beside them.
    headings : list of tuple
        (place, words) of what stands above every group; none for groups without words.
    spans : list of tuple
        (top, bottom) of every group.
    depth : float
        In rows.
    row : float
        Inches of a row.
    """

    places: np.ndarray
    names: list[str]
    headings: list[tuple[float, str]]
    spans: list[tuple[float, float]]
    depth: float
    row: float

    @property
    def height(self) -> float:
        """Inches."""
        return (self.depth + GAP) * self.row

    @property
    def words(self) -> list[str]:
        """All that is written beside the rows."""
        return [*self.names, *(words for _, words in self.headings)]


def lay_out_rows(labels: Sequence[Any], headings: Sequence[str]) -> Layout:
    """Place labelled rows below one another, under a heading where the group changes.

    Parameters
    ----------
    labels : sequence
        (r,).
    headings : sequence of str
        (r,): of the group of every row; empty for none.
    """
    row = ROW if len(labels) <= MANY_ROWS else CLOSE_ROW
    names = wrap_names(labels, most=3 if len(labels) <= MANY_ROWS else 1)
    titles = dict(zip(headings, wrap_names(headings), strict=True))
    places, found, spans = [], [], []
    at, before = 0.0, None
    for i, (name, heading) in enumerate(zip(names, headings, strict=True)):
        if heading != before:
            at += GAP if i else 0.0
            spans.append([at, at])
            if heading:
                deep = _count_rows(titles[heading], row)
                found.append((at + deep / 2, titles[heading]))
                at += deep
            before = heading
        deep = _count_rows(name, row)
        places.append(at + deep / 2)
        at += deep
        spans[-1][1] = at
    return Layout(np.array(places), names, found, [(a, b) for a, b in spans], at, row)


def _count_rows(wrapped: str, row: float) -> float:
    """Return the rows that a wrapped label takes: one, or as its lines need."""
    return max(1.0, (count_lines(wrapped) + 0.35) * LINE / row) if "\n" in wrapped else 1.0


def draw_rows(ax: Any, layout: Layout) -> None:
    """Write labels and headings beside the rows, and a band behind every other group."""
    dress_axes(ax, "x")
    ax.set_ylim(layout.depth + GAP / 2, -GAP / 2)
    if len(layout.spans) > 1:
        for top, bottom in layout.spans[::2]:
            ax.axhspan(top - GAP / 2, bottom + GAP / 2, color=BAND, linewidth=0, zorder=0)
    place_names(
        ax,
        [*layout.places, *(place for place, _ in layout.headings)],
        layout.words,
        linespacing=1.0,
    )
    ax.tick_params(axis="y", length=0)
    for tick in ax.yaxis.get_major_ticks()[len(layout.places) :]:
        tick.label1.set_fontweight("bold")
    ax.spines["left"].set_visible(False)


def read_numbers(rows: pd.DataFrame) -> np.ndarray:
    """Return estimate, lower and upper (r, 3) of a frame that has such columns."""
    return np.asarray(rows[["estimate", "lower", "upper"]].to_numpy(dtype=float))


def find_infinite(numbers: np.ndarray, ratio: bool) -> np.ndarray:
    """Mark estimates (r,) without a finite value, which as a ratio can be zero."""
    return np.isinf(numbers[:, 0]) | ((numbers[:, 0] == 0) & ratio)


def tell_marks(numbers: np.ndarray, ratio: bool, level: str) -> list[str]:
    """Say what the marks of some rows (r, 3) mean."""
    far = find_infinite(numbers, ratio)
    bare = np.isfinite(numbers[:, 0]) & ~np.isfinite(numbers[:, 1:]).all(axis=1) & ~far
    return [
        f"Points are estimates, lines {level} intervals.",
        "Arrows: no finite estimate, the data are separated." if far.any() else "",
        "Hollow: no interval is known." if bare.any() else "",
    ]


def tell_given(record: FitRecord, known: bool) -> str:
    """Say what intervals of probabilities and effects suppose of separated data, if any is known.

    Those are of the model in the limit, in which some categories are ruled out for some rows.
    """
    return "Intervals take what is separated as given." * (known and record.separation.found)


def draw_scale(ax: Any, numbers: np.ndarray, ratio: bool = False, line: bool = True) -> None:
    """Give axes a scale that holds some rows (r, 3), and the line of no difference.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    numbers : numpy.ndarray
        Estimate, lower and upper.
    ratio : bool
        Whether they are ratios: the line of no difference is at one, and the scale a log one.
    line : bool
        Whether to draw that line.
    """
    low, high = _find_span(numbers, ratio)
    if ratio:
        use_log_scale(ax, "x", low, high)
    else:
        ax.set_xlim(low, high)
        use_plain_numbers(ax.xaxis)
    if line:
        ax.axvline(1.0 if ratio else 0.0, color=RULE, linewidth=1.0, zorder=1)


def draw_intervals(
    ax: Any, places: np.ndarray, numbers: np.ndarray, marks: Sequence[int], ratio: bool = False
) -> None:
    """Draw estimates and intervals of rows; see `tell_marks` for what the marks mean.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : numpy.ndarray
        (r,).
    numbers : numpy.ndarray
        (r, 3): estimate, lower and upper.
    marks : sequence of int
        (r,): which colour and mark each has.
    ratio : bool
    """
    known = np.isfinite(numbers[:, 1:]).all(axis=1)
    for i, far in enumerate(find_infinite(numbers, ratio)):
        color, (estimate, lower, upper) = pick_color(marks[i]), numbers[i]
        if known[i]:
            ax.hlines(places[i], lower, upper, color=color, linewidth=1.8, zorder=3)
        if far:
            _draw_arrow(ax, places[i], numbers[i], color, ratio)
        elif np.isnan(estimate):
            _draw_words(ax, "not determined", 0.5, places[i], "center")
        else:
            look = look_of_mark(marks[i]) | {"markerfacecolor": color if known[i] else PAPER}
            ax.plot([estimate], [places[i]], zorder=4, **look)


def _draw_arrow(ax: Any, place: float, numbers: np.ndarray, color: str, ratio: bool) -> None:
    """Draw an infinite estimate: to the edge, from the end of its interval if it has one."""
    upward = bool(numbers[0] > 1)
    end = numbers[1] if upward else numbers[2]
    edge, short = (1.0, 0.93) if upward else (0.0, 0.07)
    known = np.isfinite(end) and (end > 0 or not ratio)
    ax.annotate(
        "",
        (edge, place),
        (end if known else short, place),
        xycoords=("axes fraction", "data"),
        textcoords="data" if known else ("axes fraction", "data"),
        arrowprops={
            "arrowstyle": "-|>",
            "color": color,
            "linewidth": 1.8,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    if known:
        look = {"color": color, "marker": "|", "markersize": 8, "markeredgewidth": 1.8}
        ax.plot([end], [place], linestyle="none", zorder=4, **look)
    else:
        word = "∞" if upward else "0" if ratio else f"{MINUS}∞"
        _draw_words(ax, word, short, place, "right" if upward else "left")


def _draw_words(ax: Any, words: str, x: float, place: float, side: str) -> None:
    ax.annotate(
        words,
        (x, place),
        ({"right": -3, "left": 3, "center": 0}[side], 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=TEXT_SIZE,
        color=FAINT,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0} if side == "center" else None,
    )


def _find_span(numbers: np.ndarray, ratio: bool) -> tuple[float, float]:
    """Return limits that hold all that is finite, and the line of no difference."""
    kept = numbers[np.isfinite(numbers) & ((numbers > 0) | (not ratio))]
    if ratio:
        kept = np.log(kept)
    low, high = float(kept.min(initial=0.0)), float(kept.max(initial=0.0))
    room = 0.06 * (high - low) or 0.5
    ends = np.array([low - room, high + room])
    low, high = np.exp(np.clip(ends, -700, 700)) if ratio else ends
    return float(low), float(high)

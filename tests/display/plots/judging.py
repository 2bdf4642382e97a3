"""Look at pictures as a reader would: is all there, in sight, and in nothing else's way."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

# Pixels that boxes may touch by: glyphs stand a little off the edge of theirs.
SLACK = 1.5


def list_axes(drawn):
    return [drawn] if isinstance(drawn, Axes) else list(np.ravel(drawn))


def find_root(drawn) -> Figure:
    figure = list_axes(drawn)[0].figure
    while figure.figure is not figure:  # get_figure(root=True) of matplotlib 3.10
        figure = figure.figure
    return figure


def lay_out(drawn):
    """Let a figure find the places of its parts, and return it with what measures them."""
    figure = find_root(drawn)
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    return figure, canvas.get_renderer()


def list_texts(figure):
    hidden = {
        label
        for ax in figure.axes
        if not ax.axison
        for axis in (ax.xaxis, ax.yaxis)
        for label in axis.findobj(Text)
    }
    ticks = {label for ax in figure.axes for label in list_unseen_ticks(ax)}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden | ticks
    ]


def list_unseen_ticks(ax):
    """Labels of ticks beyond the limits are not drawn."""
    for axis in (ax.xaxis, ax.yaxis):
        move = axis.get_transform().transform
        low, high = sorted(move(np.array(axis.get_view_interval())))
        room = 1e-9 * (high - low)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            seen = low - room <= move(np.array([tick.get_loc()]))[0] <= high + room
            for label in (tick.label1, tick.label2):
                if not seen or not tick.get_visible():
                    yield label


def find_faults(drawn):
    """Return in words what is wrong with a picture."""
    figure, renderer = lay_out(drawn)
    sheet = figure.bbox
    boxes = [(text, find_box(text, renderer)) for text in list_texts(figure)]
    faults = [
        f"{text.get_text()!r} is cut off"
        for text, box in boxes
        if box.x0 < sheet.x0 - SLACK
        or box.y0 < sheet.y0 - SLACK
        or box.x1 > sheet.x1 + SLACK
        or box.y1 > sheet.y1 + SLACK
    ]
    faults += [
        f"{a.get_text()!r} is on {b.get_text()!r}"
        for (a, one), (b, other) in itertools.combinations(boxes, 2)
        if overlap(one, other)
    ]
    for legend in figure.findobj(Legend):
        box = legend.get_window_extent(renderer)
        faults += [
            "a legend covers axes" for ax in figure.axes if overlap(box, ax.get_window_extent())
        ]
    for ax in figure.axes:
        box = ax.get_window_extent()
        if min(box.width, box.height) < 20:
            faults.append("axes have collapsed")
    return faults


def find_box(text, renderer):
    """Return the box of a text without the empty lines at its end, which keep room free."""
    box = text.get_window_extent(renderer)
    lines = text.get_text().split("\n")
    empty = len(lines) - len(text.get_text().rstrip("\n").split("\n"))
    return Bbox([[box.x0, box.y1 - box.height * (1 - empty / len(lines))], [box.x1, box.y1]])


def overlap(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > SLACK and height > SLACK


def list_words(drawn):
    """Return all that is written in a picture."""
    return [text.get_text() for text in list_texts(find_root(drawn))]


def read_words(drawn):
    """Return all that is written in a picture as one line."""
    return " ".join(" ".join(list_words(drawn)).split())

"""Put pictures on the page: drawn, and held in the page as data."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlelogit.display.plots.accessor import Plots
from mlelogit.display.report.content import Paragraph, Part, Picture
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.notices import import_extra, in_turn

# Beyond so many characters dots make a picture smaller than shapes do.
LARGEST_DRAWING = 300_000
DOTS_PER_INCH = 200
# More lines than these make a picture that is too long to be looked at.
MOST_LINES = 150
# Beyond so many rows a drawing with a shape for each is not even begun.
MANY_ROWS = 5_000

# Whatever a user has set: shapes for letters, so that they look alike everywhere; a salt of our
# own, so that the same picture has the same characters every time; and nothing shaky.
SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "mlelogit",
    "svg.fonttype": "path",
    "svg.id": None,
    "svg.image_inline": True,
    "path.sketch": None,
    "path.effects": [],
    "path.simplify": True,
    "path.snap": True,
    "figure.autolayout": False,
    "image.composite_image": True,
    "axes.unicode_minus": True,
    "axes.axisbelow": "line",
    "axes.titley": None,
    "lines.scale_dashes": True,
}


def draw(
    scope: Scope, what: str, caption: str, alt: str, *args: Any, **options: Any
) -> Iterator[Part]:
    """Draw one of the pictures of `Plots`, or say why it is not there.

    Parameters
    ----------
    scope : Scope
    what : str
        The method of `Plots`.
    caption : str
    alt : str
        What is to be seen, for who cannot see it.
    *args, **options
        For the method.
    """
    yield from attempt(f"The picture {caption!r}", _draw, scope, what, caption, alt, args, options)


def draw_lines(
    scope: Scope,
    count: int,
    call: str,
    what: str,
    caption: str,
    alt: str,
    *args: Any,
    **options: Any,
) -> Iterator[Part]:
    """Draw a picture of so many lines, or say that they are too many, and which call draws some."""
    if count > MOST_LINES:
        yield Paragraph(f"{count:,} lines are too many for a picture; {call} draws some of them.")
    else:
        yield from draw(scope, what, caption, alt, *args, **options)


def _draw(
    scope: Scope, what: str, caption: str, alt: str, args: tuple, options: dict[str, Any]
) -> Iterator[Part]:
    figure = import_extra("matplotlib.figure", "plots").Figure
    plots = Plots(scope.record, scope.covariance, figure)
    with hold_settings():
        axes = getattr(plots, what)(*args, **options)
        dots = len(scope.record.index) > MANY_ROWS and what in ("residuals", "influence")
        picture = hold_picture(axes, caption, alt, dots)
    yield picture


@contextmanager
def hold_settings() -> Iterator[None]:
    """Hold matplotlib's settings for a while that a page would depend on, and no others.

    Those that another thread sets meanwhile stay as it has set them.
    """
    held = import_extra("matplotlib", "plots").rcParams
    ours = {name: value for name, value in SETTINGS.items() if name in held}
    before = {name: held[name] for name in ours}
    held.update(ours)
    try:
        yield
    finally:
        held.update({name: before[name] for name in ours if held[name] == ours[name]})


@in_turn
def hold_picture(axes: Any, caption: str, alt: str, dots: bool = False) -> Picture:
    """Turn drawn Axes into a picture that a page can hold.

    Parameters
    ----------
    axes : matplotlib.axes.Axes, or array of them
    caption, alt : str
    dots : bool
        Whether to hold it as dots and not as shapes, which it is in any case if it is large.
    """
    figure = getattr(axes, "flat", [axes])[0].figure
    content, kind = b"", "svg+xml"
    if not dots:
        content = _save(figure, "svg")
    if dots or len(content) > LARGEST_DRAWING:
        content, kind = _save(figure, "png"), "png"
    text = base64.b64encode(content).decode("ascii")
    width, height = (float(size) for size in figure.get_size_inches())
    return Picture(f"data:image/{kind};base64,{text}", alt, caption, width, height)


def _save(figure: Any, kind: str) -> bytes:
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    # Without a paper of its own, so that the page's shows through, be it light or dark; the whole
    # sheet, whatever the user's settings crop.
    sheet = figure.bbox_inches.frozen()
    how = {"format": kind, "metadata": metadata, "bbox_inches": sheet, "transparent": True}
    figure.savefig(file, dpi=DOTS_PER_INCH, **how)
    return file.getvalue()

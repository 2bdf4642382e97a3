"""Put pictures on the page: drawn, and held in the page as data."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

from mlelogit.display.report.content import Part, Picture
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.notices import import_extra, in_turn

# Beyond so many characters dots make a picture smaller than shapes do.
LARGEST_DRAWING = 400_000
DOTS_PER_INCH = 200


def draw(
    scope: Scope, what: str, paint: Callable[[Scope], Any], caption: str, alt: str
) -> Iterator[Part]:
    """Draw a picture, or say why it is not there."""
    yield from attempt(what, _draw, scope, paint, caption, alt)


def _draw(scope: Scope, paint: Callable[[Scope], Any], caption: str, alt: str) -> Iterator[Part]:
    import_extra("matplotlib", "plots")
    yield hold_picture(paint(scope), caption, alt)


@in_turn
def hold_picture(axes: Any, caption: str, alt: str) -> Picture:
    """Turn drawn Axes into a picture that a page can hold.

    Parameters
    ----------
    axes : matplotlib.axes.Axes, or array of them
    caption, alt : str
    """
    from matplotlib import rc_context

    figure = getattr(axes, "flat", [axes])[0].figure
    with rc_context({"svg.hashsalt": "mlelogit"}):
        content, kind = _save(figure, "svg"), "svg+xml"
    if len(content) > LARGEST_DRAWING:
        content, kind = _save(figure, "png"), "png"
    text = base64.b64encode(content).decode("ascii")
    width = float(figure.get_size_inches()[0])
    return Picture(f"data:image/{kind};base64,{text}", alt, caption, width)


def _save(figure: Any, kind: str) -> bytes:
    file = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return file.getvalue()

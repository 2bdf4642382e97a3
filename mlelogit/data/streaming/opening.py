"""Tell what data are, and open what is read in pieces."""

from __future__ import annotations

from typing import Any

from mlelogit.data.design import Design, make_design_from_formula
from mlelogit.data.rows import DataOptions
from mlelogit.data.streaming.designs import make_streamed_design
from mlelogit.data.streaming.frames import FramePieces
from mlelogit.data.streaming.pieces import Pieces


def open_design(formula: str, data: Any, options: DataOptions) -> Design:
    """Make a design from a formula and data of any kind, in memory or read in pieces."""
    pieces = open_pieces(data)
    if pieces is None:
        return make_design_from_formula(formula, data, options)
    return make_streamed_design(formula, pieces, options)


def open_pieces(data: Any) -> Pieces | None:
    """Return the pieces of a table that is not one frame in memory; None if it is one.

    Parameters
    ----------
    data
        A list of frames; a callable that opens them anew for every pass and returns an
        iterable.
    """
    if callable(data) or (isinstance(data, list | tuple) and _are_frames(data)):
        return FramePieces(data)
    return None


def _are_frames(data: list | tuple) -> bool:
    return bool(data) and all(hasattr(item, "columns") for item in data)

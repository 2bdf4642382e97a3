"""Frames one after the other: a list of them, or what opens them anew for every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd

from mlelogit.data.frames import as_frame, list_names, list_some
from mlelogit.data.streaming.pieces import LocalPieces, Piece
from mlelogit.exceptions import ColumnNotFoundError, ColumnTypeError, EmptyDataError


class FramePieces(LocalPieces):
    """Frames of one table, of any kind that the package takes, one after the other.

    Parameters
    ----------
    frames : sequence of frames, or callable
        A callable is called for every pass and returns an iterable of frames.
    """

    def __init__(self, frames: Sequence[Any] | Callable[[], Iterable[Any]]) -> None:
        self.frames = frames
        self.count = None if callable(frames) else len(frames)
        first = next(iter(self._iterate()), None)
        if first is None:
            raise EmptyDataError("There are no frames to fit.")
        named = list_names(_check_frame(first, 0))
        self.names = tuple(name for name in named if isinstance(name, str))

    @property
    def way(self) -> str:
        """How the rows are read."""
        return "frames, opened for every pass" if self.count is None else f"{self.count} frames"

    @property
    def fingerprint(self) -> str:
        """What tells these frames from others: nothing but their columns and number."""
        return f"frames {self.count} {self.names}"

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the frames with these columns, in their order."""
        for number, frame in enumerate(self._iterate()):
            place = f"frame {number}"
            absent = [
                name for name in columns if name not in list_names(_check_frame(frame, number))
            ]
            if absent:
                raise ColumnNotFoundError(f"In {place}: there is no column {list_some(absent)}.")
            yield Piece(place, partial(_read, frame, list(columns)))

    def _iterate(self) -> Iterable[Any]:
        opened = self.frames() if callable(self.frames) else self.frames
        if isinstance(opened, str | bytes) or not isinstance(opened, Iterable):
            raise ColumnTypeError(
                f"What opens the frames must return an iterable of frames, not "
                f"{type(opened).__name__}."
            )
        return opened


def _check_frame(frame: Any, number: int) -> Any:
    if isinstance(frame, dict):
        return as_frame(frame)
    if not hasattr(frame, "columns"):
        raise ColumnTypeError(f"Frame {number} is no frame but {type(frame).__name__}.")
    return frame


def _read(frame: Any, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Give the one frame, with just these columns, as pandas'."""
    picked = {name: frame[name] for name in columns} if isinstance(frame, dict) else frame
    chosen = picked.select(columns) if hasattr(picked, "select") else as_frame(picked)[columns]
    yield as_frame(chosen)

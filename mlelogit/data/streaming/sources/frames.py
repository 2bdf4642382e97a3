"""Frames one after the other: a list of them, or what opens them anew for every pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from inspect import signature
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlelogit.data.frames import as_frame, list_names, list_some
from mlelogit.data.streaming.sources.pieces import LocalPieces, Piece, tell_count
from mlelogit.exceptions import (
    ChangedRowsError,
    ColumnNotFoundError,
    ColumnTypeError,
    EmptyDataError,
)

# Of every frame so many rows tell whether it is the one of the pass before.
STAMPED_ROWS = 256


class FramePieces(LocalPieces):
    """Frames of one table, of any kind that the package takes, one after the other.

    Made by `mlelogit.data.streaming.opening.open_pieces`.

    Parameters
    ----------
    frames : sequence of frames, or callable
        A callable is called for every pass and returns an iterable of frames.
    """

    # Frames are the user's and can hold far more than the model; what opens them is often a lambda.
    stays = True

    def __init__(self, frames: Sequence[Any] | Callable[[], Iterable[Any]]) -> None:
        if callable(frames):
            _check_callable(frames)
        self.frames = frames if callable(frames) else tuple(frames)
        self._stamps: dict[frozenset[str], list[tuple[int, int]]] = {}
        self.count = None if callable(frames) else len(frames)
        first = next(iter(self._iterate()), None)
        if first is None:
            raise EmptyDataError("There are no frames to fit.")
        named = list_names(_check_frame(first, 0))
        self.names = tuple(name for name in named if isinstance(name, str))

    @property
    def way(self) -> str:
        """How the rows are read."""
        return (
            "frames, opened for every pass"
            if self.count is None
            else tell_count(self.count, "frame")
        )

    @property
    def fingerprint(self) -> str:
        """What tells these frames from others: nothing but their columns and number."""
        return f"frames {self.count} {self.names}"

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the frames with these columns, in their order.

        Raises
        ------
        ChangedRowsError
            If they are other rows than in the pass before: another number of them, or of some
            in every frame other values.
        """
        known, stamps = self._stamps.get(frozenset(columns)), []
        for number, given in enumerate(self._iterate()):
            place, names = f"frame {number}", list_names(_check_frame(given, number))
            absent = [name for name in columns if name not in names]
            if absent:
                raise ColumnNotFoundError(f"In {place}: there is no column {list_some(absent)}.")
            frame = _pick(given, list(columns))
            stamps.append(_stamp(frame[sorted(columns)]))
            if known is not None and known[number : number + 1] != stamps[-1:]:
                _refuse_change(place)
            yield Piece(place, partial(_give, frame), len(frame))
        if known is not None and len(known) != len(stamps):
            _refuse_change(f"frame {len(stamps)}")
        self._stamps[frozenset(columns)] = stamps

    def _iterate(self) -> Iterable[Any]:
        opened = self.frames() if callable(self.frames) else self.frames
        if isinstance(opened, dict) or hasattr(opened, "columns"):
            raise ColumnTypeError(
                "What opens the frames returned one frame; let it return a list of them: [frame]."
            )
        if isinstance(opened, str | bytes) or not isinstance(opened, Iterable):
            raise ColumnTypeError(
                f"What opens the frames must return an iterable of frames, not "
                f"{type(opened).__name__}."
            )
        return opened


def _check_callable(opener: Callable) -> None:
    """Raise if a callable is not one that opens frames: asked without arguments, for all of them.

    What is called is the user's, so its own errors are left as they are.
    """
    if hasattr(opener, "__dask_graph__"):
        raise ColumnTypeError(
            f"A {type(opener).__name__} of dask is no frame; dask.dataframe.from_delayed([...]) "
            "makes one of them."
        )
    try:
        signature(opener).bind()
    except TypeError as error:
        raise ColumnTypeError(
            f"What opens the frames is called without arguments, and this is not possible: {error}."
        ) from error
    except ValueError:  # It has no signature that could be looked up.
        return


def _check_frame(frame: Any, number: int) -> Any:
    if isinstance(frame, dict):
        return as_frame(frame)
    if not hasattr(frame, "columns"):
        raise ColumnTypeError(f"Frame {number} is no frame but {type(frame).__name__}.")
    return frame


def _pick(frame: Any, columns: list[str]) -> pd.DataFrame:
    """Return just these columns of a frame of any kind, as pandas'."""
    picked = {name: frame[name] for name in columns} if isinstance(frame, dict) else frame
    return as_frame(
        picked.select(columns) if hasattr(picked, "select") else as_frame(picked)[columns]
    )


def _give(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    yield frame


def _stamp(frame: pd.DataFrame) -> tuple[int, int]:
    """Return the number of rows, and a number that changes with the values of some of them.

    The order of the columns, in which passes differ, is none of it.
    """
    if not frame.shape[1]:
        return len(frame), 0
    some = frame.iloc[:: max(1, len(frame) // STAMPED_ROWS)].sort_index(axis=1)
    try:
        values = pd.util.hash_pandas_object(some, index=False).to_numpy()
    except TypeError:  # Lists and their like have no hash; what they mean is told elsewhere.
        return len(frame), 0
    return len(frame), int(values.sum(dtype=np.uint64))


def _refuse_change(place: str) -> NoReturn:
    raise ChangedRowsError(
        f"The frames are others than in the pass before, from {place} on. Every pass must give "
        "the same rows in the same order: write what is random or changing to a file, and read "
        "that."
    )

"""Where rows are that are not in memory: pieces of a table, gone through in a fixed order."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.frames import list_some
from mlelogit.data.threads import fold_in_order
from mlelogit.exceptions import DataNotKeptError, MissingDataError, MNLogitError, SizeLimitError
from mlelogit.notices import start_bar


class QuantileFinder(Protocol):
    """What finds quantiles of a column, as `numpy.quantile` does."""

    def __call__(
        self, column: str, probabilities: Sequence[float], complete: Sequence[str]
    ) -> np.ndarray:
        """Return the quantiles of a column over the rows without a gap in `complete`."""


class Pieces(Protocol):
    """A table that is read piece by piece, as often as it takes.

    Made by `mlelogit.data.streaming.opening.open_pieces`.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the table."""

    @property
    def way(self) -> str:
        """How the rows are read, for messages and tables: "3 parquet files, 12 row groups"."""

    @property
    def fingerprint(self) -> str:
        """What tells this table from others without a pass over its rows."""

    @property
    def rows(self) -> int | None:
        """Number of rows, if it is known without reading them."""

    def reduce(
        self,
        function: Callable[[pd.DataFrame], Any],
        columns: Sequence[str],
        what: str = "",
        threads: int = 1,
    ) -> Any:
        """Add up, in a fixed order, the records that a function returns for frames of rows.

        Parameters
        ----------
        function : callable
            Of a frame with these columns; None counts for nothing. It can be pickled.
        columns : sequence of str
        what : str
            What this pass is for, beside its progress bar.
        threads : int
            How many may work in this process; nothing depends on it but time.

        Returns
        -------
        record
            None if there is none.
        """

    def map(self, function: Callable[[pd.DataFrame], Any], columns: Sequence[str]) -> Iterator[Any]:
        """Give what a function returns for frames of rows, one after the other, when asked.

        Parameters
        ----------
        function : callable
            Takes a frame of rows.
        columns : sequence of str
            Of the frames.

        Yields
        ------
        object
            What the function returns, in the order of the rows.
        """

    @property
    def find_quantiles(self) -> QuantileFinder | None:
        """What finds exact quantiles of a column; None where that takes all rows at once."""


@dataclass(frozen=True)
class Piece:
    """Some rows of a table.

    Made by `mlelogit.data.streaming.opening.open_pieces`.

    Attributes
    ----------
    place : str
        Where they are, for messages: "a.parquet, row group 3".
    read : callable
        Gives them as pandas frames, one after the other.
    rows : int or None
        How many, if it is known.
    """

    place: str
    read: Callable[[], Iterable[pd.DataFrame]]
    rows: int | None = None


def tell_count(count: int, what: str) -> str:
    """Write how many there are of something."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def give_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of rows as it is, for whoever wants the rows themselves."""
    return frame


def add_records(left: Any, right: Any) -> Any:
    """Add two records, of which each may be None."""
    if left is None or right is None:
        return right if left is None else left
    return operator.add(left, right)


def reduce_piece(function: Callable[[pd.DataFrame], Any], piece: Piece) -> Any:
    """Add up what a function returns for a piece's frames; errors say which piece it was."""
    total = None
    for result in map_piece(function, piece):
        total = add_records(total, result)
    return total


def map_piece(function: Callable[[pd.DataFrame], Any], piece: Piece) -> Iterator[Any]:
    """Give what a function returns for a piece's frames; errors say which piece it was."""
    frames = iter(piece.read())
    while True:
        try:
            frame = next(frames, None)
        except MemoryError as error:
            _raise_short(piece, error)
        if frame is None:
            return
        try:
            result = function(frame)
        except MNLogitError as error:
            if not piece.place:
                raise
            rest = " Other rows may have more." if isinstance(error, MissingDataError) else ""
            raise type(error)(f"In {piece.place}: {error}{rest}") from error
        except MemoryError as error:
            _raise_short(piece, error)
        yield result


def _raise_short(piece: Piece, error: MemoryError) -> NoReturn:
    if isinstance(error, MNLogitError):
        raise error
    where = f" of {piece.place}" if piece.place else ""
    raise SizeLimitError(
        f"Memory ran out at the rows{where}: {str(error) or 'no more is given'}. Rows that are "
        "read in pieces (stream=True), by one thread (threads=1), take least; else give the "
        "process more."
    ) from error


class LocalPieces:
    """Pieces that this process reads itself; a kind of them says how to open them."""

    rows: int | None = None
    count: int | None = None
    find_quantiles: QuantileFinder | None = None
    stays: bool = False  # Whether pickling leaves the rows behind.

    def open(self, columns: Sequence[str]) -> Iterable[Piece]:
        """Return the pieces with these columns, in their order."""
        raise NotImplementedError

    def reduce(
        self,
        function: Callable[[pd.DataFrame], Any],
        columns: Sequence[str],
        what: str = "",
        threads: int = 1,
    ) -> Any:
        """Add up what a function returns for frames of rows; see `Pieces.reduce`."""
        total: list[Any] = [None]
        counted = " rows" if self.rows else " pieces"
        with start_bar(what, self.rows or self.count, unit=counted) as bar:

            def work(piece: Piece) -> tuple[Piece, Any]:
                return piece, reduce_piece(function, piece)

            def fold(done: tuple[Piece, Any]) -> None:
                piece, record = done
                total[0] = add_records(total[0], record)
                if bar is not None:
                    bar.update(1 if self.rows is None or piece.rows is None else piece.rows)

            fold_in_order(work, self.open(columns), threads, fold)
        return total[0]

    def map(self, function: Callable[[pd.DataFrame], Any], columns: Sequence[str]) -> Iterator[Any]:
        """Give what a function returns for frames of rows; see `Pieces.map`."""
        for piece in self.open(columns):
            yield from map_piece(function, piece)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle all but the rows where they cannot go along, or are the user's to keep."""
        if not self.stays:
            return super().__reduce_ex__(protocol)
        pieces: Any = self
        return LeftPieces, (pieces.names, pieces.way, pieces.fingerprint, pieces.rows)

    def __deepcopy__(self, memo: dict) -> LocalPieces:
        """Share the table, of which nothing is changed."""
        return self


class LeftPieces(LocalPieces):
    """What pickling leaves of a table that cannot go along: all but its rows.

    Attributes
    ----------
    names : tuple of str
    way, fingerprint : str
    rows : int or None
    """

    stays = True

    def __init__(
        self, names: tuple[str, ...], way: str, fingerprint: str, rows: int | None
    ) -> None:
        self.names, self.way, self.fingerprint, self.rows = names, way, fingerprint, rows
        self.find_quantiles = self._find_quantiles

    def open(self, columns: Sequence[str]) -> NoReturn:
        """Raise `DataNotKeptError`."""
        raise DataNotKeptError(
            f"The rows ({self.way}) were left behind when this was pickled or sent to another "
            f"process, and {list_some(columns)} must be read anew for it. Ask before, or fit the "
            "model again; of other rows, ask with newdata=. Parquet files, by their paths, go "
            "along."
        )

    def _find_quantiles(self, column: str, *_: Any, **__: Any) -> NoReturn:
        self.open([column])

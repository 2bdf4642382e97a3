"""Tables as the command line is given them: a csv, parquet files, or a query."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.files import hash_file
from mlelogit.data.readers import read_data
from mlelogit.data.streaming.opening import QUERY, gather, open_pieces
from mlelogit.data.streaming.paths import is_parquet, list_files
from mlelogit.data.streaming.pieces import Pieces
from mlelogit.data.streaming.stream import HELD_ELEMENTS
from mlelogit.exceptions import ColumnNotFoundError, DataFileError, OptionError
from mlelogit.interpretation.pieces import predict_own_pieces
from mlelogit.results import MNLogitResults


@dataclass(frozen=True)
class Table:
    """A table, opened.

    Attributes
    ----------
    given : str
        What it was called.
    data : pandas.DataFrame or Pieces
        A csv is read, anything else is read when it is fitted.
    """

    given: str
    data: Any

    @property
    def pieces(self) -> Pieces | None:
        """What reads it; None for a csv."""
        return None if isinstance(self.data, pd.DataFrame) else self.data

    @property
    def way(self) -> str:
        """What it is: "3 parquet files, 12 row groups, 1,200,000 rows"."""
        return "1 csv file" if self.pieces is None else self.pieces.way


def open_table(given: str, missing: Sequence[str] | None = None) -> Table:
    """Open a table: read a csv, and see what is in parquet files or comes from a query.

    Parameters
    ----------
    given : str
        A csv file; a parquet file, a pattern of them or a folder; or a query in SQL. What is the
        name of a file is no query.
    missing : sequence of str, optional
        Entries of a csv that mean a missing value.

    Raises
    ------
    DataFileError, QueryError
        If there is nothing of the kind, or it cannot be read.
    """
    if is_query(given) or is_parquet(given):
        return Table(given, open_pieces(given))
    (file,) = list_inputs(given)
    return Table(given, read_data(file, missing))


def is_query(given: str) -> bool:
    """Tell whether a text is a query, and not the name of a file."""
    return bool(QUERY.match(given)) and not _is_there(given)


def _is_there(given: str) -> bool:
    try:
        return Path(given).exists()
    except (OSError, ValueError):  # Queries are longer than names may be.
        return False


def is_csv(given: str) -> bool:
    """Tell whether a text is the name of a csv."""
    return not (is_query(given) or is_parquet(given))


def list_inputs(given: str) -> list[str]:
    """Return the files that a table is in, as far as they can be told.

    Raises
    ------
    DataFileError
        If it is a pattern that stands for none.
    """
    if is_query(given):
        return []
    if is_parquet(given):
        return list_files(given)
    if glob.has_magic(given) and not _is_there(given):
        raise DataFileError(
            f"There is no file {given!r}. A pattern stands for parquet files, and ends in "
            f'.parquet; other files are read by a query: "FROM {given!r}".'
        )
    return [given]


def trace_origin(given: str) -> dict[str, str]:
    """Say where data come from, for who wants to find them again: label -> text.

    One file is told by the hash of all it holds, several by that of their names, sizes and times.
    """
    if is_query(given):
        return {"Query": given}
    files = list_inputs(given)
    if len(files) == 1:
        size, digest = hash_file(files[0])
        return {"Data file": f"{Path(files[0]).name}, {size:,} bytes", "Its SHA-256": digest}
    pieces: Any = open_pieces(given)
    digest = hashlib.sha256(pieces.fingerprint.encode()).hexdigest()
    return {"Data": pieces.way, "SHA-256 of the files' names, sizes and times": digest}


def predict_table(
    results: MNLogitResults, table: Table | None, which: str, offset: Sequence[str] | None
) -> Iterator[pd.DataFrame | pd.Series]:
    """Predict the rows of a table, or of the fit: in one frame if it is small, else piece by piece.

    Parameters
    ----------
    results : MNLogitResults
    table : Table or None
        The fit's own rows if None.
    which : str
    offset : sequence of str, optional
        Columns of the table.

    Raises
    ------
    ColumnNotFoundError
        If it has no such column.
    """
    if table is None:
        if results.record.need_blocks().design.stream is not None:
            return predict_own_pieces(results.record, which)
        return iter([results.predict(which=which)])
    names = tuple(offset or ())
    columns = table.data.columns if table.pieces is None else table.pieces.names
    absent = [name for name in names if name not in columns]
    if absent:
        raise ColumnNotFoundError(f"{table.given} has no offset column {absent[0]!r}.")
    frame = table.data if table.pieces is None else _gather(table.pieces)
    if frame is None:
        return results.predict(table.data, which=which)
    taken = frame[list(names)] if names else None
    return iter([results.predict(frame, which=which, offset=taken)])


def _gather(pieces: Pieces) -> pd.DataFrame | None:
    rows = pieces.rows
    if rows is not None and rows * len(pieces.names) > HELD_ELEMENTS:
        return None
    return gather(pieces, pieces.names, (), HELD_ELEMENTS)


def write_csv(frames: Iterator[pd.DataFrame | pd.Series]) -> Iterator[str]:
    """Give the text of a csv, frame after frame."""
    first = True
    for frame in frames:
        yield str(frame.to_csv(header=first))
        first = False


def write_json(frames: Iterator[pd.DataFrame | pd.Series]) -> str:
    """Return predictions as JSON, of which there must be one frame.

    Raises
    ------
    OptionError
        If they come in several.
    """
    frame = next(frames)
    if next(frames, None) is not None:
        raise OptionError(
            "--format json holds all predictions at once, and these rows are read in pieces, as "
            "they are many; leave --format out, for csv."
        )
    return str(frame.to_json(orient="split", double_precision=15))

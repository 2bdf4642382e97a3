"""Tables as the command line is given them: a file of any format, parquet files, or a query."""

from __future__ import annotations

import glob
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.files.formats import TEXTS, find_format, tell_format
from mlelogit.data.files.paths import hash_file
from mlelogit.data.files.readers import read_data, read_text, spool
from mlelogit.data.streaming.opening import QUERY, gather, open_pieces
from mlelogit.data.streaming.sources.paths import is_parquet, list_files
from mlelogit.data.streaming.sources.pieces import Pieces
from mlelogit.data.streaming.stream import HELD_ELEMENTS
from mlelogit.exceptions import (
    ColumnNotFoundError,
    DataFileError,
    MNLogitError,
    OptionError,
    SizeLimitError,
)
from mlelogit.interpretation.pieces import predict_own_pieces
from mlelogit.results import MNLogitResults
from mlelogit.terminal.options import PIPE, name_option

STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class Reading:
    """How tables are read.

    Attributes
    ----------
    missing : sequence of str or None
        Entries of a text or a workbook that mean a missing value.
    form : str or None
        Of what has no ending that tells its format.
    sheet : str or None
        Of a workbook.
    separator, decimal : str or None
        Of a text.
    """

    missing: Sequence[str] | None = None
    form: str | None = None
    sheet: str | None = None
    separator: str | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Table:
    """A table, opened.

    Attributes
    ----------
    given : str
        What it was called.
    data : pandas.DataFrame or Pieces
        A file is read; parquet and queries are read when they are fitted.
    origin : dict
        Where it comes from, for who wants to find it again: label -> text. Empty if it was not
        asked for.
    """

    given: str
    data: Any
    origin: dict[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> Pieces | None:
        """What reads it; None for a frame."""
        return None if isinstance(self.data, pd.DataFrame) else self.data

    @property
    def way(self) -> str:
        """What it is: "3 parquet files, 12 row groups, 1,200,000 rows"."""
        if self.pieces is not None:
            return self.pieces.way
        return STANDARD_INPUT if self.given == PIPE else f"1 {find_format(self.given)} file"

    @property
    def columns(self) -> Sequence[Any]:
        """The names of its columns."""
        return list(self.data.columns) if self.pieces is None else self.pieces.names


def open_table(given: str, reading: Reading | None = None, traced: bool = False) -> Table:
    """Open a table: read a file, and see what is in parquet files or comes from a query.

    Parameters
    ----------
    given : str
        A file; a parquet file, a pattern of them or a folder; a query in SQL; or "-" for standard
        input. What is the name of a file is no query.
    reading : Reading, optional
    traced : bool
        Whether to find out where it comes from, which reads the files once more.

    Raises
    ------
    DataFileError, QueryError
        If there is nothing of the kind, or it cannot be read.
    """
    how = reading or Reading()
    if given == PIPE:
        return _read_pipe(how, traced)
    origin = trace_origin(given) if traced else {}
    if is_query(given) or is_parquet(given):
        return Table(given, open_pieces(given), origin)
    (file,) = list_inputs(given)
    form = tell_format(file) or how.form
    signs = (how.separator, how.decimal) if (form or "csv") in TEXTS else (None, None)
    return Table(given, read_data(file, how.missing, form, how.sheet, *signs), origin)


def _read_pipe(how: Reading, traced: bool) -> Table:
    form, stream = how.form or "csv", getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise DataFileError("There is no standard input to read.")
    watched = _Hashed(stream)
    if form in TEXTS:
        said = repr(STANDARD_INPUT)
        frame = read_text(watched, form, how.missing, how.separator, how.decimal, said)
    else:
        frame = _read_spooled(watched, form, how)
    size, digest = watched.finish() if traced else (0, "")
    origin = {"Data": f"{STANDARD_INPUT}, {size:,} bytes", "Its SHA-256": digest}
    return Table(PIPE, frame, origin if traced else {})


def _read_spooled(stream: Any, form: str, how: Reading) -> pd.DataFrame:
    with spool(stream, form) as path:
        try:
            return read_data(path, how.missing, form, how.sheet)
        except MNLogitError as error:  # In the words of other packages, too.
            text = str(error).replace(repr(path), repr(STANDARD_INPUT))
            raise type(error)(text.replace(path, STANDARD_INPUT)) from error


class _Hashed:
    """A stream of bytes whose size and SHA-256 are known when it has ended."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.size, self.sum = stream, 0, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Read some bytes."""
        portion = bytes(self.stream.read(size) or b"")
        self.size += len(portion)
        self.sum.update(portion)
        return portion

    def finish(self) -> tuple[int, str]:
        """Read what is left, and return the size and the sum."""
        while self.read(1 << 20):
            pass
        return self.size, self.sum.hexdigest()


def is_query(given: str) -> bool:
    """Tell whether a text is a query, and not the name of a file."""
    return bool(QUERY.match(given)) and not is_there(given)


def is_there(given: str) -> bool:
    """Tell whether a text is the name of a file or folder."""
    try:
        return Path(given).exists()
    except (OSError, ValueError):  # Queries are longer than names may be.
        return False


def tell_source(given: str, form: str | None = None) -> str:
    """Return the format of a table, or "pieces" for what can be read in some."""
    if given == PIPE:
        return form or "csv"
    if is_query(given) or is_parquet(given):
        return "pieces"
    return tell_format(given) or form or "csv"


def list_inputs(given: str) -> list[str]:
    """Return the files that a table is in, as far as they can be told.

    Raises
    ------
    DataFileError
        If it is a pattern that stands for none.
    """
    if given == PIPE or is_query(given):
        return []
    if is_parquet(given):
        return list_files(given)
    if glob.has_magic(given) and not is_there(given):
        raise DataFileError(
            f"There is no file {given!r}. A pattern stands for parquet files, and ends in "
            f'.parquet; other files are read by a query: "FROM {given!r}".'
        )
    return [given]


def check_reading(how: Reading, tables: Sequence[str]) -> None:
    """Raise if an option of reading has nothing to do with the tables that are read.

    Raises
    ------
    OptionError
        If it has not, or two tables are to come from standard input.
    """
    if list(tables).count(PIPE) > 1:
        raise OptionError("Standard input is one table; give the other as a file.")
    kinds = {tell_source(one, how.form) for one in tables}
    if how.missing is not None and not kinds & {"csv", "tsv", "excel"}:
        raise OptionError(
            "--na is for a csv, a tsv or a workbook; missing values of other tables are told by "
            "them."
        )
    for name in ("separator", "decimal"):
        if getattr(how, name) is not None and not kinds & set(TEXTS):
            raise OptionError(f"--{name} is for a csv or tsv, and none is given.")
    if how.sheet is not None and "excel" not in kinds:
        raise OptionError("--sheet is for a workbook of Excel, and none is given.")
    bare = [one for one in tables if one == PIPE or tell_source(one) == "csv" != tell_format(one)]
    if how.form is not None and not bare:
        raise OptionError(
            f"{name_option('input_format')} is for standard input (-), or a file whose ending "
            "tells no format, and there is none."
        )


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


def read_whole(table: Table, what: str) -> pd.DataFrame:
    """Return a table as one frame.

    Raises
    ------
    SizeLimitError
        If it is too large to be held; the message says for what.
    """
    if table.pieces is None:
        frame: pd.DataFrame = table.data
        return frame
    held = _gather(table.pieces)
    if held is None:
        raise SizeLimitError(
            f"{what} holds all rows at once, and these ({table.way}) are more than "
            f"{HELD_ELEMENTS:,} values; choose some by a query."
        )
    return held


def take_offset(results: MNLogitResults, table: Table, frame: pd.DataFrame) -> Any:
    """Return the columns of new rows that are the fit's offset, or None if it has none.

    Raises
    ------
    ColumnNotFoundError
        If there is no such column.
    """
    names = check_offset(results, table)
    return frame[names] if names else None


def check_offset(results: MNLogitResults, table: Table) -> list[Any]:
    """Return the names of the columns of the offset, or raise if a table has not all of them."""
    names = list(results.record.encoding.offset_names)
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise ColumnNotFoundError(f"{table.given} has no offset column {absent[0]!r}.")
    return names


def predict_table(
    results: MNLogitResults, table: Table | None, which: str, propagate: bool = False
) -> Iterator[pd.DataFrame | pd.Series]:
    """Predict the rows of a table, or of the fit: in one frame if it is small, else piece by piece.

    Parameters
    ----------
    results : MNLogitResults
    table : Table or None
        The fit's own rows if None.
    which : str
    propagate : bool
        Whether rows with missing values have missing predictions; else they raise.

    Raises
    ------
    ColumnNotFoundError
        If it has no column of the offset.
    """
    if table is None:
        record = results.record
        if record.blocks is not None and record.blocks.design.stream is not None:
            return predict_own_pieces(record, which)
        return iter([results.predict(which=which)])
    check_offset(results, table)
    missing = "propagate" if propagate else "raise"
    frame = table.data if table.pieces is None else _gather(table.pieces)
    if frame is None:
        return results.predict(table.data, which=which, missing=missing)
    taken = take_offset(results, table, frame)
    return iter([results.predict(frame, which=which, offset=taken, missing=missing)])


def _gather(pieces: Pieces) -> pd.DataFrame | None:
    rows = pieces.rows
    if rows is not None and rows * len(pieces.names) > HELD_ELEMENTS:
        return None
    return gather(pieces, pieces.names, (), HELD_ELEMENTS)

"""Read a csv, watched on its way to pandas: what is none, or too large, is told at once.

The bytes are looked at as they pass by, a megabyte at a time, so that a file, a pipe and what
comes out of a compressed file are held to the same limits, in `mlelogit.data.limits`.
"""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from codecs import BOM_UTF8
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.files.compressed import (
    DAMAGED,
    LOOKED_AT,
    check_first_bytes,
    measure,
    open_compressed,
)
from mlelogit.data.files.dialects import check_decimals, check_signs, tell_separator
from mlelogit.data.files.lines import (
    EXACT,
    check_returns,
    count_lines,
    make_patterns,
    read_past_returns,
    skip,
)
from mlelogit.data.files.restored import restore
from mlelogit.data.frames import check_unique_names, list_some
from mlelogit.data.limits import (
    BYTES_PER_CELL,
    BYTES_PER_CELL_SKIPPED,
    LONGEST_ROW,
    MOST_COLUMNS,
    check_memory,
    find_memory,
    write_bytes,
)
from mlelogit.exceptions import (
    ColumnNotFoundError,
    CorruptFileError,
    DataFileError,
    MNLogitError,
    OptionError,
    SizeLimitError,
)
from mlelogit.notices import in_turn

CHUNK = 1 << 20
# Bytes that are kept to find out what separates cells, if pandas cannot read them.
BEGIN = 1 << 17
_BLANK = re.compile(rb"(?:[ \t]*(?:\r\n|\r|\n))*+")
_NOT_PARSED = (pd.errors.ParserWarning, pd.errors.ParserError, pd.errors.EmptyDataError)
_SMALLER = (
    'Write it to parquet, or give a query that reads it in pieces, such as "SELECT y, x FROM '
    "'file.csv'\""
)


@in_turn
def read_csv(
    path: Any,
    missing: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    separator: str = ",",
    decimal: str | None = None,
    called: str | None = None,
) -> pd.DataFrame:
    r"""Read a csv whose columns have different names.

    Truth values and whole numbers stay what they are beside missing ones: the former, and the
    latter if they are beyond 2^53, are in a nullable column.

    Parameters
    ----------
    path : str, os.PathLike, or file
        A file may be any that can be read once from its beginning: standard input, a pipe. What
        gzip, bzip2, xz, or zip with a single member have compressed is told by its first bytes.
    missing : sequence of str, optional
        Entries that mean a missing value; pandas' list if not given.
    columns : sequence of str, optional
        Those to keep; all if not given. A table of very many columns needs it.
    separator : {",", ";", "\\t", "|"}
        What stands between two cells.
    decimal : {".", ","}, optional
        What stands before the decimals of a number. If it is not given it is a point, and a
        column of numbers with commas is an error, unless commas separate.
    called : str, optional
        What a file without a name is called in messages.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    CorruptFileError
        If it is another kind of file, not UTF-8, or a quote is never closed; it says where.
    SizeLimitError
        If a row or the table is too large; see `mlelogit.data.limits`.
    DuplicateColumnError, ColumnNotFoundError
        If two columns have one name, or there is none of a name in ``columns``.
    DataFileError
        If it is empty, rows are longer than its header, or something else separates its cells.
    OptionError
        If what is given is none of the choices, or commas were to be both.

    Warns
    -----
    DataFileWarning
        If whole numbers beyond 2^53 stand beside missing ones in what can be read only once.

    Examples
    --------
    >>> import io
    >>> from mlelogit.data.files.delimited import read_csv
    >>> read_csv(io.BytesIO(b"y,x,z\na,1.5,0\nb,2,0\n"), columns=["y", "x"]).shape
    (2, 2)
    """
    for what, given in (("missing", missing), ("columns", columns)):
        if isinstance(given, str):
            raise OptionError(f"{what} is a list of texts, not one: [{write_value(given)}].")
    check_signs(separator, decimal)
    named = isinstance(path, str | os.PathLike)
    told = called or (repr(str(path)) if named else "The csv")
    with ExitStack() as opened:
        try:
            table = _Watched(path, told, separator, columns is not None, opened)
            _check_header(table, separator, columns, told)
            _check_whole(table, told)
            options = {"na_values": missing, "keep_default_na": missing is None}
            frame = _parse(table, columns, decimal=decimal or ".", **options)
        except MNLogitError:
            raise
        except _NOT_PARSED as error:
            if "out of memory" in str(error):
                raise SizeLimitError(_tell_lack(told)) from error
            hint = tell_separator(told, table.begin, separator)
            said = f"{told} cannot be read: {str(error).strip()}"
            raise DataFileError(f"{said}. {hint}" if hint else said) from error
        except MemoryError as error:
            raise SizeLimitError(_tell_lack(told)) from error
        except (OSError, EOFError, ValueError, *DAMAGED) as error:
            raise CorruptFileError(f"{told} cannot be read: {error}") from error
    if separator != ",":
        check_decimals(frame, told, decimal)
    return restore(frame, told, _reread(path, told, separator, options) if named else None)


def _reread(path: Any, told: str, separator: str, options: dict[str, Any]) -> Any:
    """Return what reads some columns of a file once more, as they are written."""

    def read(columns: Sequence[str]) -> pd.DataFrame:
        with ExitStack() as opened:
            table = _Watched(path, told, separator, True, opened)
            return _parse(table, columns, dtype=str, **options)

    return read


def _tell_lack(told: str) -> str:
    return f"{told} is too large to be read into memory. {_SMALLER}."


def _name_text(separator: str) -> str:
    return "tab-separated text" if separator == "\t" else "csv"


def _open(path: Any, opened: ExitStack, told: str, text: str) -> Any:
    """Return a file of bytes, whatever is given."""
    if isinstance(path, str | os.PathLike):
        return open_compressed(opened.enter_context(Path(path).open("rb")), told, opened, text)
    file = getattr(path, "buffer", path)
    if isinstance(file, io.TextIOBase):
        return io.BytesIO(file.read().encode("utf-8"))
    if not hasattr(file, "read"):
        raise DataFileError(f"A csv is a path or a file, not {write_value(path)}.")
    return open_compressed(file, told, opened, text)


def _check_header(
    table: _Watched, separator: str, columns: Sequence[str] | None, told: str
) -> None:
    names = _split(table.read_header().decode("utf-8"), separator)
    hint = tell_separator(told, table.begin, separator) if len(names) == 1 else ""
    if hint:
        raise DataFileError(hint)
    check_unique_names([name for name in names if name], told)
    if columns is not None:
        absent = [name for name in columns if name not in set(names)]
        if absent:
            raise ColumnNotFoundError(
                f"{told} has no column {list_some(absent)}. Its columns: {list_some(names, 50)}."
            )
    elif len(names) > MOST_COLUMNS:
        raise SizeLimitError(
            f"{told} has {len(names):,} columns, {list_some(names, 3)}; {MOST_COLUMNS:,} are the "
            "most that are read at once. Name those that are needed (columns=), or turn the table "
            "if its rows stand where columns should."
        )


def _split(header: str, separator: str) -> list[str]:
    """Return the cells of a row, which are longer than Python's reader takes them, maybe."""
    before = csv.field_size_limit(LONGEST_ROW)
    try:
        return next(csv.reader(io.StringIO(header, newline=""), delimiter=separator), [])
    finally:
        csv.field_size_limit(before)


def _check_whole(table: _Watched, told: str) -> None:
    """Judge a file whose size is known by what its first rows need."""
    if table.size:
        check_memory(
            table.estimate() * table.size / max(table.seen, 1),
            f"{told}, {write_bytes(table.size)}, is too large to be read into memory: it",
            _SMALLER,
        )


def _parse(table: _Watched, columns: Sequence[str] | None, **options: Any) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.BufferedReader(table, CHUNK),
                sep=table.separator.decode(),
                low_memory=False,
                index_col=False,
                usecols=None if columns is None else list(columns),
                **EXACT,
                **options,
            )
    except _NOT_PARSED as error:
        if table.stopped is None and "Calling read(nbytes) on source failed" not in str(error):
            raise
        # What came from nowhere in the reading of the file came from outside.
        raise table.stopped or KeyboardInterrupt from None


class _Watched(io.RawIOBase):
    """The bytes of a csv on their way: what is no csv, or too large, raises as it comes by.

    Parameters
    ----------
    path : str, os.PathLike, or file
    told : str
        What it is called.
    separator : str
    few : bool
        Whether few of its columns are kept.
    opened : contextlib.ExitStack
        What closes it.
    """

    def __init__(self, path: Any, told: str, separator: str, few: bool, opened: ExitStack) -> None:
        super().__init__()
        self.text, self.named = _name_text(separator), isinstance(path, str | os.PathLike)
        file = _open(path, opened, told, self.text)
        self.file, self.told = file, told
        self.separator = separator.encode()
        self.patterns = make_patterns(self.separator)
        self.size = measure(file)
        self.memory = find_memory()
        self.per_cell = BYTES_PER_CELL_SKIPPED if few else BYTES_PER_CELL
        self.ahead = self.first = b""  # Read, but not given away; and how it begins.
        self.row = bytearray()  # What came since the last end of a row.
        self.stopped: BaseException | None = None  # By what it could not be read on.
        self.due = CHUNK
        self.seen = self.lines = self.cells = 0
        self.cut = b""  # The first bytes of a letter.

    def read_header(self) -> bytes:
        """Return the first row that is not blank, and keep all that was read for later."""
        head, due, more = bytearray(), CHUNK, True
        while more:
            chunk = self._take()
            head += chunk
            more = bool(chunk)
            if len(head) < due and more:
                continue
            due = 2 * len(head)  # A header that goes on and on is looked through a few times.
            start = skip(_BLANK, head)
            end = skip(self.patterns.row, head, start)
            if end > start:
                break
        self.ahead = bytes(head)
        self.first = self.ahead[:BEGIN]
        found = bytes(head[start:end]) if end > start else bytes(head[start:])
        if not found.strip():
            raise DataFileError(f"{self.told} is empty.")
        return found

    @property
    def begin(self) -> str:
        """How the text begins, as far as it was read for the header."""
        return self.first.decode("utf-8", "ignore")

    def estimate(self) -> float:
        """Return the bytes of memory that what was seen takes while it is read."""
        return self.seen + self.per_cell * float(self.cells)

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, target: Any) -> int:
        """Give the next bytes; pandas makes an error of the file of an interruption."""
        try:
            chunk = self.ahead or self._take()
        except BaseException as error:
            self.stopped = error
            raise
        given, self.ahead = chunk[: len(target)], chunk[len(target) :]
        target[: len(given)] = given
        return len(given)

    def _take(self) -> bytes:
        chunk = read_past_returns(self.file, max(CHUNK, LOOKED_AT))
        if not self.seen:
            check_first_bytes(chunk, self.told, self.text, self.named)
            if chunk.startswith(BOM_UTF8):
                chunk, self.seen = chunk[len(BOM_UTF8) :], len(BOM_UTF8)
        self._check_text(chunk)
        self.seen += len(chunk)
        self.cells += chunk.count(self.separator) + max(chunk.count(b"\n"), chunk.count(b"\r"))
        if self.estimate() > self.memory:
            where = f"The first {write_bytes(self.seen)} of {self.told}"
            check_memory(
                self.estimate(), f"{where} are too much for memory: reading them", _SMALLER
            )
        self.row += chunk
        check_returns(chunk, self.row, self.patterns, self.told, self.lines)
        if len(self.row) >= self.due or not chunk:
            self._end_rows(last=not chunk)
        return chunk

    def _check_text(self, chunk: bytes) -> None:
        """Raise at the first byte that is none of a text in UTF-8."""
        zero = chunk.find(b"\0")
        if zero >= 0:
            raise CorruptFileError(
                f"{self._place(chunk, zero)} is zero, which is in no text: it is a binary file, or "
                "text in UTF-16. Save it as a csv in UTF-8."
            )
        text = self.cut + chunk
        try:
            self.cut = b"" if text.isascii() else _decode(text, not chunk)
        except UnicodeDecodeError as error:
            at = error.start - len(self.cut)
            raise CorruptFileError(
                f"{self._place(chunk, at)} is 0x{text[error.start]:02x}, which is no UTF-8 here; "
                f"in Latin-1 it would be {bytes([text[error.start]]).decode('latin-1')!r}. Save "
                "the file in UTF-8, or give the frame of pandas.read_csv(path, encoding='latin-1')."
            ) from error

    def _place(self, chunk: bytes, at: int) -> str:
        before = bytes(self.row) + chunk[: max(at, 0)]
        line = self.lines + count_lines(before) + 1
        return f"{self.told} is no text in UTF-8: byte {self.seen + at:,}, in line {line:,},"

    def _end_rows(self, last: bool) -> None:
        """Forget the rows that are whole, and raise if the one that is left is too long."""
        if b'"' in self.row:
            end = skip(self.patterns.rows, self.row)
        else:
            end = max(self.row.rfind(b"\n"), self.row.rfind(b"\r")) + 1
        self.lines += count_lines(self.row[:end])
        del self.row[:end]
        self.due = max(CHUNK, 2 * len(self.row))
        if last or len(self.row) > LONGEST_ROW:
            self._judge_row(last)

    def _judge_row(self, last: bool) -> None:
        """Raise if a quote is open in what is left, or if that is too long."""
        start = skip(self.patterns.cells, self.row)
        cell = bytes(self.row[start : start + 60])
        begun = cell.startswith(b'"') and not self.patterns.cell.fullmatch(self.row, start)
        if begun and (last or 2 * (len(self.row) - start) > LONGEST_ROW):
            line = self.lines + count_lines(self.row[:start]) + 1
            raise CorruptFileError(
                f"{self.told}: a quotation mark opens in line {line:,} and is not closed in the "
                f"{write_bytes(len(self.row) - start)} after it: "
                f"{write_value(cell.decode('utf-8', 'replace'))}. Close it, or write two for one "
                "that belongs to the text."
            )
        if len(self.row) > LONGEST_ROW:
            raise SizeLimitError(
                f"{self.told}: line {self.lines + 1:,} does not end within "
                f"{write_bytes(LONGEST_ROW)}, the most that a row may have; it begins with "
                f"{write_value(bytes(self.row[:60]).decode('utf-8', 'replace'))}. A csv has one "
                "row in a line: give the table as such, or as parquet."
            )


def _decode(text: bytes, last: bool) -> bytes:
    """Return the first bytes of a letter that the text ends in; raise if it is no UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        if last or error.reason != "unexpected end of data":
            raise
        return text[error.start :]
    return b""

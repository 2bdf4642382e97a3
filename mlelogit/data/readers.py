"""Read a table from a file of any format that is known by its suffix."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pandas as pd

from mlelogit.data.delimited import read_csv
from mlelogit.data.files import check_source
from mlelogit.data.formats import MOST_UNPACKED, find_format, list_suffixes, split_packing
from mlelogit.data.frames import check_unique_names
from mlelogit.data.limits import LONGEST_ROW
from mlelogit.data.stata import read_stata
from mlelogit.data.workbooks import read_workbook
from mlelogit.exceptions import (
    CorruptFileError,
    DataFileError,
    MNLogitError,
    OptionError,
    SizeLimitError,
)
from mlelogit.notices import import_extra, in_turn

_PORTION = 1 << 20
_OPENERS: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_NAMES = {
    "csv": "csv",
    "tsv": "tab-separated text",
    "parquet": "parquet",
    "feather": "feather",
    "stata": "a Stata data set",
    "excel": "an Excel workbook",
}


def read_data(
    path: str,
    missing: Sequence[str] | None = None,
    form: str | None = None,
    sheet: str | None = None,
) -> pd.DataFrame:
    r"""Read a table from a file.

    Value labels of Stata become categories, and those of parquet and feather stay what they are.
    Row labels that have a name become columns.

    Parameters
    ----------
    path : str
        A csv or tab-separated text may be packed: .gz, .bz2, .xz, .zip.
    missing : sequence of str, optional
        Entries of a csv, a tab-separated text or a workbook that mean a missing value; pandas'
        list if not given.
    form : {"csv", "tsv", "parquet", "feather", "stata", "excel"}, optional
        What it is; told by its suffix if not given, and a csv if that is none of theirs.
    sheet : str, optional
        Of a workbook: the name of a sheet. Needed if several are in it.

    Raises
    ------
    DataFileError
        If it is absent, empty, or not of its format. `CorruptFileError` if it is damaged.
    DuplicateColumnError
        If two columns have the same name.
    SizeLimitError
        If it unpacks to more than a gigabyte, or there is not the memory to read it.
    MissingExtraError
        If its reader is not installed.
    OptionError
        If a sheet is asked for of what is no workbook, or has no such sheet.

    Warns
    -----
    DataFileWarning
        If something that a file of Stata says cannot be kept.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlelogit.data.readers import read_data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "votes.tsv")
    ...     _ = path.write_text("vote\tage\nyes\t30\nno\t40\n")
    ...     read_data(str(path)).to_dict("list")
    {'vote': ['yes', 'no'], 'age': [30, 40]}
    """
    check_source(path)
    found = form or find_format(path)
    if sheet is not None and found != "excel":
        raise OptionError(f"A sheet is that of a workbook, and {path!r} is {_NAMES[found]}.")
    try:
        return _keep_labels(_read(path, found, missing, sheet), path)
    except MNLogitError:
        raise
    except MemoryError as error:
        raise SizeLimitError(
            f"{path!r} needs more memory than there is, or is damaged and says so."
        ) from error
    except Exception as error:
        if found in ("csv", "tsv"):
            raise DataFileError(f"{path!r} cannot be read: {error}") from error
        said = " ".join(f"{error}".split()) or type(error).__name__
        raise CorruptFileError(
            f"{path!r} is damaged, or no {_NAMES[found].split(' ', 1)[-1]}: {said}"
        ) from error


def _read(path: str, form: str, missing: Sequence[str] | None, sheet: str | None) -> pd.DataFrame:
    if form == "csv":
        return read_csv(path, missing)
    if form == "tsv":
        with _turn_to_csv(path) as plain:
            return read_csv(plain, missing)
    if form == "stata":
        return read_stata(path)
    if form == "excel":
        return read_workbook(path, missing, sheet)
    return _read_arrow(path, form)


@in_turn
def _read_arrow(path: str, form: str) -> pd.DataFrame:
    """Read parquet or feather, of which pandas would number columns of the same name."""
    import_extra("pyarrow", "frames")
    if form == "parquet":
        from pyarrow.parquet import read_schema

        check_unique_names(read_schema(path).names, path)
        return pd.read_parquet(path, engine="pyarrow")
    from pyarrow import ipc

    with ipc.open_file(path) as file:
        check_unique_names(file.schema.names, path)
    return pd.read_feather(path)


def _keep_labels(frame: pd.DataFrame, path: str) -> pd.DataFrame:
    """Make columns of row labels that have a name; others are numbers that say nothing more."""
    named = [name for name in frame.index.names if name is not None]
    if named:
        check_unique_names([*named, *frame.columns], path)
        attrs = frame.attrs
        frame = frame.reset_index(level=named)
        frame.attrs = attrs
    return frame.reset_index(drop=True)


@contextmanager
def _turn_to_csv(path: str) -> Iterator[str]:
    """Give the path of a csv with the rows of a tab-separated text, which may be packed."""
    packing = split_packing(path)[1]
    with tempfile.TemporaryDirectory(prefix="mlelogit-") as folder:
        plain, target = Path(path), Path(folder, "table.csv")
        if packing:
            plain = Path(folder, "table.tsv")
            _copy_unpacked(path, packing, plain)
        _turn_tabs(plain, target, path)
        try:
            yield str(target)
        except MNLogitError as error:
            raise type(error)(str(error).replace(str(target), path)) from error


def _copy_unpacked(path: str, packing: str, target: Path) -> None:
    try:
        with target.open("wb") as file, _open_packed(path, packing) as source:
            for portion in iter(lambda: source.read(_PORTION), b""):
                file.write(portion)
                if file.tell() > MOST_UNPACKED:
                    raise SizeLimitError(
                        f"{path!r} unpacks to more than {MOST_UNPACKED:,} bytes; unpack it "
                        "yourself, if it is meant to."
                    )
    except (EOFError, OSError, ValueError, zipfile.BadZipFile, lzma.LZMAError) as error:
        if isinstance(error, MNLogitError):
            raise
        raise CorruptFileError(f"{path!r} cannot be unpacked: {error}") from error


@contextmanager
def _open_packed(path: str, packing: str) -> Iterator[BinaryIO]:
    if packing != ".zip":
        with _OPENERS[packing](path) as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [one for one in archive.namelist() if not one.endswith("/")]
        if len(names) != 1:
            raise DataFileError(
                f"{path!r} holds {len(names)} files, and one is a table; unpack it."
            )
        try:
            with archive.open(names[0]) as file:
                yield file  # type: ignore[misc]
        except RuntimeError as error:
            raise CorruptFileError(f"{path!r} cannot be unpacked: {error}") from error


def _turn_tabs(source: Path, target: Path, path: str) -> None:
    """Write tab-separated rows with commas, a row at a time."""
    with (
        source.open(encoding="utf-8-sig", newline="") as read,
        target.open("w", encoding="utf-8", newline="") as written,
    ):
        rows = csv.writer(written, lineterminator="\n")
        for row in csv.reader(_take_lines(read, path), delimiter="\t", strict=True):
            rows.writerow(row)


def _take_lines(file: TextIO, path: str) -> Iterator[str]:
    for line in iter(lambda: file.readline(LONGEST_ROW), ""):
        if len(line) == LONGEST_ROW:
            raise SizeLimitError(
                f"{path!r} has a line of {LONGEST_ROW:,} letters or more; a row stands in one."
            )
        yield line


@contextmanager
def spool(stream: BinaryIO, form: str) -> Iterator[str]:
    """Keep what comes through a pipe in a file while it is read; give the file's path.

    Parameters
    ----------
    stream : binary file
    form : str
        As of `read_data`.
    """
    with tempfile.TemporaryDirectory(prefix="mlelogit-") as folder:
        path = Path(folder, f"standard input{list_suffixes(form)[0]}")
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, _PORTION)
        yield str(path)

"""Tell by its first bytes what a file is, and open a compressed one as a stream of bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zipfile
import zlib
from contextlib import ExitStack
from typing import Any

from mlelogit.data.files.formats import list_suffixes
from mlelogit.exceptions import CorruptFileError

LOOKED_AT = 16
# What unpackers raise beside OSError and EOFError.
DAMAGED = (lzma.LZMAError, zlib.error, zipfile.BadZipFile)
_ZIP = b"PK\x03\x04"
_PACKED: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
# Longer beginnings first: UTF-32 begins as UTF-16 does.
_OTHERS = {
    b"\xff\xfe\x00\x00": "text in UTF-32: save it in UTF-8",
    b"\xff\xfe": "text in UTF-16: save it in UTF-8 (iconv -f UTF-16 -t UTF-8)",
    b"\xfe\xff": "text in UTF-16: save it in UTF-8 (iconv -f UTF-16 -t UTF-8)",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: decompress it first",
    b"SQLite format 3": "a database of SQLite: export the table",
    b"%PDF": "a PDF: export the table as a csv",
    b"\x89HDF": "an HDF file: export the table as a csv",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as a csv",
    b"$FL2": "an SPSS file: export the table as a csv",
}
# First bytes of tables of other formats -> how they are called, and the format.
_TABLES = {
    b"PAR1": ("a parquet file", "parquet"),
    b"ARROW1": ("a feather file", "feather"),
    b"<stata_dta>": ("a Stata file", "stata"),
}
_PAGES = {
    re.compile(rb'\s*(?:\[\s*)?\{\s*["}]'): "JSON: export the table as a csv",
    re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE): "a page of HTML or XML: export "
    "the table as a csv",
}


def check_first_bytes(first: bytes, told: str, text: str = "csv", named: bool = True) -> None:
    """Raise `CorruptFileError` if the first bytes are those of something that is no csv.

    Parameters
    ----------
    first : bytes
    told : str
        What it is called.
    text : str
        What it should be.
    named : bool
        Whether it is a file with a name, whose ending tells its format.

    Examples
    --------
    >>> from mlelogit.data.files.compressed import check_first_bytes
    >>> check_first_bytes(b"PAR1....", "'votes.csv'")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.CorruptFileError: 'votes.csv' is no csv but a parquet file: give it ...
    """
    known = [kind for mark, kind in _OTHERS.items() if first.startswith(mark)]
    known += [
        f"{kind}: {_advise(form, named)}"
        for mark, (kind, form) in _TABLES.items()
        if first.startswith(mark)
    ]
    known += [kind for pattern, kind in _PAGES.items() if pattern.match(first)]
    if known:
        raise CorruptFileError(f"{told} is no {text} but {known[0]}.")


def _advise(form: str, named: bool) -> str:
    return f"give it the ending {list_suffixes(form)[0]}" if named else f"say its format, {form}"


def open_compressed(file: Any, told: str, opened: ExitStack, text: str = "csv") -> Any:
    """Return the bytes that a file holds, decompressed as they are read if it is compressed.

    Parameters
    ----------
    file : file of bytes
        At its beginning; it need not be seekable.
    told : str
        What it is called.
    opened : contextlib.ExitStack
        What closes the file that is returned.
    text : str
        What it should be.

    Raises
    ------
    CorruptFileError
        If it is an archive of several files.
    """
    file = file if hasattr(file, "peek") else io.BufferedReader(_Readable(file))
    first = file.peek(LOOKED_AT)[:LOOKED_AT]
    for mark, unpack in _PACKED.items():
        if first.startswith(mark):
            return opened.enter_context(unpack(file, "rb"))
    if not first.startswith(_ZIP):
        return file
    if not file.seekable():
        raise CorruptFileError(
            f"{told} is a zip archive, which cannot be read as a {text} from a pipe; if it is an "
            f"Excel file, {_advise('excel', named=False)}."
        )
    archive = opened.enter_context(zipfile.ZipFile(file))
    names = [member for member in archive.namelist() if not member.endswith("/")]
    if len(names) == 1:
        return opened.enter_context(archive.open(names[0]))
    kind = (
        "an Excel file: give it the ending .xlsx"
        if _is_office(names)
        else (f"a zip archive of {len(names):,} files: take the table out")
    )
    raise CorruptFileError(f"{told} is no {text} but {kind}.")


def _is_office(names: list[str]) -> bool:
    return "[Content_Types].xml" in names


def measure(file: Any) -> int:
    """Return the size of a plain file in bytes; zero of anything else."""
    if not isinstance(file, io.BufferedReader) or not isinstance(file.raw, io.FileIO):
        return 0
    return os.fstat(file.fileno()).st_size if file.seekable() else 0


class _Readable(io.RawIOBase):
    """Any object that reads bytes, as a file that can be looked ahead in."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self.file = file

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, target: Any) -> int:
        """Read some bytes."""
        read = self.file.read(len(target))
        if isinstance(read, str):
            raise CorruptFileError("A csv is read from a file of bytes, opened as 'rb'.")
        read = read or b""
        target[: len(read)] = read
        return len(read)

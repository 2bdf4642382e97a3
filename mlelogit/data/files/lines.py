"""Rows of a csv, as bytes: where they end, and after which ends old versions of pandas fail."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from mlelogit.data.limits import LONGEST_ROW
from mlelogit.exceptions import DataFileError

# Before 3.1 pandas reads decimals off by up to 1e-12 unless it is asked not to; later that is all
# it does, and to ask for it is deprecated. Rows after some carriage returns it reads endlessly, up
# to all of the memory (its issue 51141).
OLD = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
EXACT: dict[str, Any] = {"float_precision": "round_trip"} if OLD else {}
_ENDLESS = re.compile(rb"\r[,;|\t]*[ \t]")


class Patterns(NamedTuple):
    """What cells and rows look like: a quote opens a cell at its beginning alone, two are one."""

    cell: re.Pattern[bytes]
    row: re.Pattern[bytes]
    rows: re.Pattern[bytes]
    cells: re.Pattern[bytes]


@lru_cache
def make_patterns(separator: bytes) -> Patterns:
    """Return the patterns of rows whose cells a sign separates."""
    comma = re.escape(separator)
    plain = rb"[^" + comma + rb"\r\n]*+"
    cell = rb'(?:"[^"]*+(?:""[^"]*+)*+"' + plain + rb'|(?!")' + plain + rb")"
    row = cell + rb"(?:" + comma + cell + rb")*+(?:\r\n|\r|\n)"
    cells = rb"(?:" + cell + comma + rb")*+"
    return Patterns(*map(re.compile, (cell, row, rb"(?:" + row + rb")*+", cells)))


def skip(pattern: re.Pattern[bytes], text: bytes | bytearray, start: int = 0) -> int:
    """Return where what a pattern matches from a start on ends; the start if it matches nothing."""
    found = pattern.match(text, start)
    return start if found is None else found.end()


def count_lines(text: bytes | bytearray) -> int:
    """Count the ends of lines: of Unix and Windows, or of old Macintosh."""
    return text.count(b"\n") or text.count(b"\r")


def read_past_returns(file: Any, size: int) -> bytes:
    """Read a chunk that ends where `check_returns` need not know what follows."""
    chunk = bytes(file.read(size) or b"")
    while OLD and chunk.rstrip(b",;| \t")[-1:] == b"\r" and len(chunk) < LONGEST_ROW:
        more = bytes(file.read(size) or b"")
        chunk += more
        if not more:
            break
    return chunk


def check_returns(chunk: bytes, rows: bytearray, patterns: Patterns, told: str, lines: int) -> None:
    """Raise if a row in what ends with a chunk is one that old versions of pandas read endlessly.

    Parameters
    ----------
    chunk : bytes
    rows : bytearray
        What came since the end of a row, with the chunk.
    patterns : Patterns
    told : str
        What the csv is called.
    lines : int
        How many there are before.

    Raises
    ------
    DataFileError
    """
    if not (OLD and _ENDLESS.search(chunk)):
        return
    start, end = 0, skip(patterns.row, rows)
    while end > start:
        if _ENDLESS.match(rows, end - 1):
            line = lines + count_lines(rows[: end - 1]) + 1
            raise DataFileError(
                f"{told}: a carriage return alone ends line {line:,}, and a blank begins the next, "
                "which pandas reads endlessly before 3.1. Save the file with other ends of lines, "
                "or install a newer pandas."
            )
        start, end = end, skip(patterns.row, rows, end)

"""Read and write tables in workbooks of Excel."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pandas as pd

from mlelogit.data.files.formats import MOST_UNPACKED
from mlelogit.data.frames import check_unique_names, list_some
from mlelogit.exceptions import DataFileError, OptionError, OutputFileError, SizeLimitError
from mlelogit.notices import import_extra, run_quietly

MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14


def read_workbook(path: str, missing: Sequence[str] | None, sheet: str | None) -> pd.DataFrame:
    """Read a sheet of a workbook; its first row has the names of the columns.

    Parameters
    ----------
    path : str
    missing : sequence of str, optional
        Entries that mean a missing value; pandas' list if not given. Errors such as #DIV/0! are
        missing in any case.
    sheet : str, optional
        Its name; needed if there are several that are not hidden.

    Raises
    ------
    OptionError
        If there is no such sheet, or it is not said which one of several.
    DuplicateColumnError
        If two columns have the same name.
    SizeLimitError
        If it unpacks to more than a gigabyte.
    MissingExtraError
        If openpyxl is not installed.
    """
    import_extra("openpyxl", "frames")
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
            raise SizeLimitError(
                f"{path!r} unpacks to more than {MOST_UNPACKED:,} bytes; save the sheet as csv."
            )
    return run_quietly(_read, path, missing, sheet)


def _read(path: str, missing: Sequence[str] | None, sheet: str | None) -> pd.DataFrame:
    with pd.ExcelFile(path, engine="openpyxl") as book:
        name = _choose(book, path, sheet)
        head = book.parse(name, header=None, nrows=1, dtype=object)
        if head.empty:
            raise DataFileError(f"Sheet {name!r} of {path!r} is empty.")
        check_unique_names([str(one) for one in head.iloc[0].dropna()], path)
        gaps: Any = missing
        frame = book.parse(name, na_values=gaps, keep_default_na=missing is None)
    return frame.rename(columns=str)


def _choose(book: pd.ExcelFile, path: str, sheet: str | None) -> str:
    sheets = [str(name) for name in book.sheet_names]
    shown = [one.title for one in book.book.worksheets if one.sheet_state == "visible"]
    if sheet is None and len(shown or sheets) == 1:
        return (shown or sheets)[0]
    if sheet is None:
        raise OptionError(f"{path!r} has several sheets; say which: {list_some(shown, 20)}.")
    if sheet not in sheets:
        raise OptionError(f"{path!r} has no sheet {sheet!r}; there are {list_some(sheets, 20)}.")
    return sheet


def write_workbook(frame: pd.DataFrame) -> bytes:
    """Return a frame as a workbook of one sheet.

    Raises
    ------
    OutputFileError
        If a sheet has not as many rows or columns.
    MissingExtraError
        If openpyxl is not installed.
    """
    import_extra("openpyxl", "frames")
    if len(frame) >= MOST_ROWS or frame.shape[1] > MOST_COLUMNS:
        raise OutputFileError(
            f"A sheet has at most {MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns, and these are "
            f"{len(frame) + 1:,} and {frame.shape[1]:,}; write another format."
        )
    buffer = io.BytesIO()
    run_quietly(_write, frame, buffer)
    return buffer.getvalue()


def _write(frame: pd.DataFrame, buffer: io.BytesIO) -> None:
    with pd.ExcelWriter(buffer, engine="openpyxl") as book:
        frame.to_excel(book, index=False)
        for sheet in book.sheets.values():
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f":  # A text that begins with "=" is no formula.
                        cell.data_type = "s"

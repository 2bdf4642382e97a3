"""Read a table from a file of any format that is known by its suffix."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.files.delimited import read_csv
from mlelogit.data.files.formats import TEXTS, find_format, list_suffixes
from mlelogit.data.files.paths import check_source
from mlelogit.data.files.stata import read_stata
from mlelogit.data.files.workbooks import read_workbook
from mlelogit.data.frames import check_unique_names
from mlelogit.data.limits import check_memory
from mlelogit.exceptions import CorruptFileError, MNLogitError, OptionError, SizeLimitError
from mlelogit.notices import import_extra, in_turn

_PORTION = 1 << 20
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
    separator: str | None = None,
    decimal: str | None = None,
) -> pd.DataFrame:
    r"""Read a table from a file.

    Value labels of Stata become categories, and those of parquet and feather stay what they are.
    Row labels that have a name become columns.

    Parameters
    ----------
    path : str
        A csv or tab-separated text may be packed: by gzip, bzip2, xz or zip.
    missing : sequence of str, optional
        Entries of a csv, a tab-separated text or a workbook that mean a missing value; pandas'
        list if not given.
    form : {"csv", "tsv", "parquet", "feather", "stata", "excel"}, optional
        What it is; told by its suffix if not given, and a csv if that is none of theirs.
    sheet : str, optional
        Of a workbook: the name of a sheet. Needed if several are in it.
    separator, decimal : str, optional
        Of a csv or tab-separated text; see `mlelogit.data.files.delimited.read_csv`.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    DataFileError
        If it is absent or empty. `CorruptFileError` if it is damaged or not of its format.
    DuplicateColumnError
        If two columns have the same name.
    SizeLimitError
        If there is not the memory to read it, or a workbook unpacks to more than a gigabyte.
    MissingExtraError
        If its reader is not installed.
    OptionError
        If a sheet is asked for of what is no workbook, or has no such sheet; or a separator or
        decimals of what is no text.

    Warns
    -----
    DataFileWarning
        If something that a file of Stata says cannot be kept.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlelogit.data.files.readers import read_data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "votes.tsv")
    ...     _ = path.write_text("vote\tage\nyes\t30\nno\t40\n")
    ...     read_data(str(path)).to_dict("list")
    {'vote': ['yes', 'no'], 'age': [30, 40]}
    """
    check_source(path)
    found = form or find_format(path)
    _check_options(path, found, sheet, separator, decimal)
    if found in TEXTS:
        return read_text(path, found, missing, separator, decimal)
    try:
        return _keep_labels(_read(path, found, missing, sheet), path)
    except MNLogitError:
        raise
    except MemoryError as error:
        raise SizeLimitError(
            f"{path!r} needs more memory than there is, or is damaged and says so."
        ) from error
    except Exception as error:
        said = " ".join(f"{error}".split()) or type(error).__name__
        raise CorruptFileError(
            f"{path!r} is damaged, or no {_NAMES[found].split(' ', 1)[-1]}: {said}"
        ) from error


def _check_options(
    path: str, form: str, sheet: str | None, separator: str | None, decimal: str | None
) -> None:
    if sheet is not None and form != "excel":
        raise OptionError(f"A sheet is that of a workbook, and {path!r} is {_NAMES[form]}.")
    if (separator, decimal) != (None, None) and form not in TEXTS:
        raise OptionError(f"Separators and decimals are those of text; {path!r} is {_NAMES[form]}.")


def read_text(
    source: Any,
    form: str,
    missing: Sequence[str] | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    called: str | None = None,
) -> pd.DataFrame:
    """Read a csv or tab-separated text from a file or stream, as `read_csv` does.

    Parameters
    ----------
    source : str or file of bytes
    form : {"csv", "tsv"}
        Says what separates cells if `separator` does not.
    missing, separator, decimal, called
        As of `mlelogit.data.files.delimited.read_csv`.
    """
    sign = separator or ("\t" if form == "tsv" else ",")
    return read_csv(source, missing, separator=sign, decimal=decimal, called=called)


def _read(path: str, form: str, missing: Sequence[str] | None, sheet: str | None) -> pd.DataFrame:
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
def spool(stream: Any, form: str) -> Iterator[str]:
    """Keep what comes through a pipe in a file while it is read; give the file's path.

    Parameters
    ----------
    stream : binary file
    form : str
        As of `read_data`.

    Raises
    ------
    SizeLimitError
        If it is more than there is memory to read it into.
    """
    with tempfile.TemporaryDirectory(prefix="mlelogit-") as folder:
        path = Path(folder, f"standard input{list_suffixes(form)[0]}")
        with path.open("wb") as file:
            for portion in iter(lambda: stream.read(_PORTION), b""):
                check_memory(
                    file.tell() + len(portion), "What comes through the pipe", "Give it as a file"
                )
                file.write(portion)
        yield str(path)

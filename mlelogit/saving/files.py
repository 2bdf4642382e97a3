"""Save a fit to a file, and load it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from mlelogit.data.arguments import check_flag, write_value
from mlelogit.data.files.paths import check_target, write_whole
from mlelogit.exceptions import FitSizeError, ForeignFitError, SavedFitError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.saving.document import (
    HEAD_BYTES,
    LARGEST_BYTES,
    read_document,
    read_head,
    write_document,
)
from mlelogit.saving.held import decode_rows_used, encode_rows_used
from mlelogit.saving.reading import Part
from mlelogit.saving.records import decode_fit, encode_fit
from mlelogit.saving.rows import attach_rows, restore_rows
from mlelogit.version import VERSION

# Version of the format -> what makes a document of that version one of the next.
UPGRADES: dict[int, Callable[[dict], dict]] = {}


def save_fit(record: FitRecord, covariance: Covariance, path: Any, data: bool = False) -> Path:
    """Save a fit to a file, all of it or nothing.

    The file is JSON, described in ``docs/guides/saving.md``. It holds no rows unless they are
    asked for.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    path : str or os.PathLike
        A file there is replaced, once the new one is whole.
    data : bool
        Whether to save the rows used too.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SavedFitError
        If a category, a level or a name is of a type that a file does not keep.
    FitSizeError
        If the file would be larger than can be read again, 1 GiB.
    OutputFileError
        If it cannot be written.
    OptionError
        If data is neither True nor False.

    Examples
    --------
    >>> import tempfile
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = ml.load(res.save(f"{folder}/fit.json"))
    >>> again.params.equals(res.params)
    True
    """
    check_flag("data", data)
    target = check_target(path)
    content = encode_fit(record, covariance)
    content["data"] = encode_rows_used(record, covariance) if data else None
    return write_whole(write_document(content, VERSION), target)


def load_fit(path: Any, data: Any = None) -> tuple[FitRecord, Covariance]:
    """Load a fit that `save_fit` saved.

    Nothing in the file is run, and its formula is checked as one that a user gives.

    Parameters
    ----------
    path : str or os.PathLike
    data : DataFrame or what else the model was made from, optional
        The rows of the fit, for questions that need them.

    Returns
    -------
    record : FitRecord
    covariance : Covariance

    Raises
    ------
    ForeignFitError
        If the file is no saved fit.
    NewerFitError
        If a later version of the package wrote it.
    DamagedFitError
        If it is cut off, was changed, or contradicts itself.
    UnsafeFitError
        If it holds what no fit would write.
    FitSizeError
        If it is larger than 1 GiB.
    SavedFitError
        If there is no such file.
    ChangedRowsError
        If data are other rows than the fit's.

    Examples
    --------
    >>> import tempfile
    >>> import mlelogit as ml
    >>> from mlelogit.saving.files import load_fit
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record, covariance = load_fit(res.save(f"{folder}/fit.json"))
    >>> covariance.kind
    'nonrobust'
    """
    try:
        content = read_document(_read_bytes(path), UPGRADES)
        fit = decode_fit(content)
        held = Part(content["data"], "data").maybe(lambda part: decode_rows_used(part, fit[0]))
        fit = fit if held is None or data is not None else restore_rows(*fit, held)
    except SavedFitError as error:
        said = f"The saved fit {write_value(str(path))} cannot be read: {error}"
        raise type(error)(said) from error
    return fit if data is None else attach_rows(*fit, data)


def is_saved(path: Any) -> bool:
    """Tell whether a file begins as a saved fit does; nothing more of it is read.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    bool

    Examples
    --------
    >>> from mlelogit.saving import is_saved
    >>> is_saved("no such file")
    False
    """
    try:
        with _open(path) as file:
            read_head(file.read(HEAD_BYTES))
    except SavedFitError:
        return False
    return True


def _read_bytes(path: Any) -> bytes:
    with _open(path) as file:
        start = file.read(HEAD_BYTES)
        read_head(start)
        data = start + file.read(LARGEST_BYTES + 1 - len(start))
    if len(data) > LARGEST_BYTES:
        raise FitSizeError(f"it is larger than {LARGEST_BYTES:,} bytes, the most that is read.")
    return data


def _open(path: Any) -> BinaryIO:
    """Open a file, and nothing that is none: a pipe or a device might never end."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(Path(path), flags)
    except (OSError, ValueError, TypeError) as error:
        raise SavedFitError(f"it cannot be opened: {error}.") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ForeignFitError("it is no file, but a folder, a pipe or a device.")
    return os.fdopen(number, "rb")

"""Find the files that a path, a pattern, a folder or a list of them stands for."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import Any

from mlelogit.data.frames import list_some
from mlelogit.exceptions import DataFileError

_SUFFIXES = (".parquet", ".pq", ".parq")
_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")


def is_parquet(data: Any) -> bool:
    """Tell whether data are paths of parquet files, a pattern of them, or folders."""
    if isinstance(data, list | tuple):
        return bool(data) and all(map(is_parquet, data))
    if not isinstance(data, str | os.PathLike):
        return False
    path = str(data)
    return path.lower().endswith(_SUFFIXES) or (not _REMOTE.match(path) and Path(path).is_dir())


def list_files(data: Any) -> list[str]:
    """Return the files that a path, a pattern, a folder or a list of them stands for, in order.

    Raises
    ------
    DataFileError
        If there is none, or one comes twice.

    Examples
    --------
    >>> from mlelogit.data.streaming.paths import list_files
    >>> list_files("nowhere/*.parquet")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.DataFileError: No file matches 'nowhere/*.parquet'.
    """
    given = list(data) if isinstance(data, list | tuple) else [data]
    files = [path for one in given for path in _list_one(one)]
    if not files:
        raise DataFileError("The list of files is empty.")
    real = [os.path.realpath(path) for path in files]
    twice = [path for path, where in zip(files, real, strict=True) if real.count(where) > 1]
    if twice:
        raise DataFileError(f"A file is listed twice: {list_some(sorted(set(twice)))}.")
    return files


def _list_one(given: Any) -> list[str]:
    if not isinstance(given, str | os.PathLike):
        raise DataFileError(f"A file must be a path, not {type(given).__name__}.")
    path = str(given)
    if _REMOTE.match(path):
        raise DataFileError(
            f'{path!r} is not on this machine. Give a query of DuckDB (mlelogit.from_sql("SELECT '
            "* FROM '...'\"), whose httpfs reads s3 and https), or a pyarrow.dataset.dataset of it."
        )
    path = os.path.expanduser(path)
    if os.path.isdir(path):
        return _list_folder(path)
    if os.path.exists(path):
        return [path]
    if not glob.has_magic(path):
        raise DataFileError(f"There is no file {path!r}.")
    found = sorted(one for one in glob.glob(path, recursive=True) if os.path.isfile(one))
    if not found:
        raise DataFileError(f"No file matches {path!r}.")
    return found


def _list_folder(path: str) -> list[str]:
    """Return the parquet files below a folder, but none that is hidden or begins with "_"."""
    found = []
    for folder, inside, names in os.walk(path):
        inside[:] = sorted(name for name in inside if not name.startswith((".", "_")))
        found += [
            os.path.join(folder, name)
            for name in names
            if name.lower().endswith(_SUFFIXES) and not name.startswith((".", "_"))
        ]
    if not found:
        raise DataFileError(f"There is no parquet file in the folder {path!r}.")
    return sorted(found)

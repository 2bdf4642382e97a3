"""Find the files that a path, a pattern, a folder or a list of them stands for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from mlelogit.exceptions import DataFileError

Result = TypeVar("Result")

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
SUFFIXES = (".parquet", ".pq", ".parq")
# Longer than the letter of a disk.
_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")


def is_parquet(data: Any) -> bool:
    """Tell whether data are paths of parquet files, a pattern of them, or folders."""
    if isinstance(data, list | tuple):
        return bool(data) and all(map(is_parquet, data))
    if not isinstance(data, str | os.PathLike):
        return False
    path = os.fspath(data)
    if not isinstance(path, str) or "\0" in path:
        return False
    if path.lower().endswith(SUFFIXES) or _REMOTE.match(path):
        return True
    return bool(path) and Path(path).expanduser().is_dir()


def list_files(data: Any) -> list[str]:
    """Return the files that a path, a pattern, a folder or a list of them stands for, in order.

    Parameters
    ----------
    data : path, or list of paths
        Of a folder, all parquet files below it but those that are hidden or in a folder or of a
        name that begins with "_". A pattern is matched as by `glob`, "**" at any depth.

    Raises
    ------
    DataFileError
        If there is none, one comes twice, or it is on another machine.

    Examples
    --------
    >>> from mlelogit.data.streaming.sources.paths import list_files
    >>> list_files("nowhere/*.parquet")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.DataFileError: No file matches 'nowhere/*.parquet'.
    """
    return [path for path, _ in list_partitioned(data)]


def list_partitioned(data: Any) -> list[tuple[str, dict[str, str | None]]]:
    """Return the files as `list_files` does, each with what its folders say of all its rows.

    Folders such as "year=2024" below the one that is given, or where a pattern begins, say the
    value of a column that the files themselves leave out (Hive's way to part a table).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlelogit.data.streaming.sources.paths import list_partitioned
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "year=2024").mkdir()
    ...     Path(folder, "year=2024", "rows.parquet").touch()
    ...     print([values for _, values in list_partitioned(folder)])
    [{'year': '2024'}]
    """
    given = list(data) if isinstance(data, list | tuple) else [data]
    pairs = [(root, path) for one in given for root, path in _list_one(one)]
    if not pairs:
        raise DataFileError("The list of files is empty.")
    seen: set[Path] = set()
    for _, path in pairs:
        real = Path(path).resolve()
        if real in seen:
            raise DataFileError(f"{path!r} is listed twice; its rows would count double.")
        seen.add(real)
    return [(path, _read_folders(root, path)) for root, path in pairs]


def _read_folders(root: str, path: str) -> dict[str, str | None]:
    if not root:
        return {}
    parts = Path(path).relative_to(root).parent.parts
    values: dict[str, str | None] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            values[unquote(name)] = None if value == _HIVE_NULL else unquote(value)
    return values


@dataclass(frozen=True)
class FileStamp:
    """What tells whether a file is still the one that was looked at.

    Attributes
    ----------
    path : str
    size, changed : int
        In bytes, and when it was written, in nanoseconds.
    """

    path: str
    size: int
    changed: int

    def __str__(self) -> str:
        return f"{self.path} {self.size} {self.changed}"

    def check_unchanged(self) -> None:
        """Raise `DataFileError` if the file is no longer what it was."""
        if stamp_file(self.path) != self:
            raise DataFileError(
                f"{self.path!r} was changed after it was opened; the sums of its rows would "
                "belong to no table. Fit it again when nobody writes to it."
            )


def stamp_file(path: str) -> FileStamp:
    """Return how large and of when a file is."""
    status: os.stat_result = ask_system(path, Path(path).stat)
    return FileStamp(path, status.st_size, status.st_mtime_ns)


def ask_system(path: str, ask: Callable[[], Result]) -> Result:
    """Return what a question to the file system gives, or say which path it failed for."""
    try:
        return ask()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataFileError(f"{path!r} cannot be opened: {reason}.") from error


def _list_one(given: Any) -> list[tuple[str, str]]:
    """Return files, each with the folder from which on its path tells of partitions."""
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str):
        raise DataFileError(f"A file must be a path, not {type(given).__name__}.")
    text = os.fspath(given)
    if _REMOTE.match(text):
        raise DataFileError(
            f'{text!r} is not on this machine. Read it through DuckDB, mlelogit.from_sql("FROM '
            "'s3://...'\"), or give the pyarrow.dataset.dataset(...) of it."
        )
    if not text:
        raise DataFileError("The path of a file is empty.")
    path: Path = ask_system(text, Path(text).expanduser)
    if ask_system(text, path.is_dir):
        return [(str(path), one) for one in _list_folder(path)]
    if ask_system(text, path.exists):
        return [("", str(path))]
    if not has_magic(text):
        raise DataFileError(f"There is no file {text!r}.")
    found = sorted(one for one in glob(str(path), recursive=True) if Path(one).is_file())  # noqa: PTH207
    if not found:
        raise DataFileError(f"No file matches {text!r}.")
    fixed = list(takewhile(lambda part: not has_magic(part), path.parts))
    return [(str(Path(*fixed)), one) for one in found]


def _list_folder(path: Path) -> list[str]:
    found: list[Path] = []

    def fail(error: OSError) -> None:
        raise DataFileError(f"{error.filename!r} cannot be opened: {error.strerror}.") from error

    for folder, inside, names in os.walk(path, onerror=fail, followlinks=False):
        inside[:] = sorted(name for name in inside if not name.startswith((".", "_")))
        found += [
            Path(folder) / name
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith((".", "_"))
        ]
    if not found:
        raise DataFileError(f"There is no parquet file in the folder {str(path)!r}.")
    return [str(one) for one in sorted(found)]

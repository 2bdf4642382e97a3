"""Find a file to read, and write one as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import (
    DataFileError,
    OutputFileError,
)


def check_target(path: Any) -> Path:
    """Return the file that a path leads to, or raise if none can be written there.

    Parameters
    ----------
    path : str or os.PathLike
        A link leads to the file that it stands for.

    Raises
    ------
    OutputFileError
        If it is no path, or a folder, or the folder that it is in does not exist.

    Examples
    --------
    >>> from mlelogit.data.files.paths import check_target
    >>> check_target(".")
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.OutputFileError: '.' is a folder; give the name of a file in it.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise OutputFileError(f"A file to write must be a path, not {write_value(path)}.")
    said = write_value(str(path))
    try:
        target = Path(path).expanduser().resolve()
        is_folder, has_home = target.is_dir(), target.parent.is_dir()
    except (ValueError, OSError, RuntimeError) as error:
        raise OutputFileError(f"{said} cannot be the name of a file: {error}.") from error
    if is_folder:
        raise OutputFileError(f"{said} is a folder; give the name of a file in it.")
    if not has_home:
        raise OutputFileError(f"There is no folder {write_value(str(target.parent))} for {said}.")
    return target


def write_whole(content: str | bytes | Iterable[str | bytes], path: Any) -> Path:
    """Write a file as a whole or not at all, and return where it is.

    The content goes to a new file beside the target first, which takes its place when all of it
    is on the disk. So a file that was there stays as it was if the disk is full or the work is
    interrupted. What is no plain file, such as a pipe, is written to.

    Parameters
    ----------
    content : str or bytes, or iterable of them
        A text is encoded as UTF-8. Of an iterable one part is held at a time; what goes wrong
        when it makes the next one is raised as it is, and nothing is written.
    path : str or os.PathLike

    Raises
    ------
    OutputFileError
        If it cannot be written; the message says why.

    Examples
    --------
    >>> import tempfile
    >>> from mlelogit.data.files.paths import write_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole("all of it", f"{folder}/page.html").read_text()
    'all of it'
    """
    target = check_target(path)
    plain = not target.exists() or target.is_file()
    try:
        if plain:
            _put_in_place(_encode(content), target)
        else:
            with target.open("wb") as file:
                file.writelines(_encode(content))
    except BrokenPipeError:
        raise
    except (OSError, UnicodeEncodeError) as error:
        kept = " What was there before is as it was." if plain else ""
        said = write_value(str(path))
        raise OutputFileError(f"{said} was not written: {error}.{kept}") from error
    return target


@contextmanager
def write_later(path: Any) -> Iterator[Path]:
    """Give the path of a file to write, which takes another's place if all goes well until the end.

    Parameters
    ----------
    path : str or os.PathLike
        Where it is to be in the end. What is there and is no plain file is given itself.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlelogit.data.files.paths import write_later
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_later(f"{folder}/a.txt") as aside:
    ...         _ = aside.write_text("whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    target = check_target(path)
    if target.exists() and not target.is_file():
        yield target
        return
    part = _name_part(target)
    try:
        yield part
        if part.exists():
            _move(part, target)
    finally:
        part.unlink(missing_ok=True)


def _name_part(target: Path) -> Path:
    """Name a file beside a target as nobody foresees."""
    return target.with_name(f".mlelogit-{secrets.token_hex(8)}.part")


def _move(part: Path, target: Path) -> None:
    if target.exists():
        shutil.copymode(target, part)
    part.replace(target)


def _encode(content: str | bytes | Iterable[str | bytes]) -> Iterator[bytes]:
    for part in [content] if isinstance(content, str | bytes) else content:
        yield part if isinstance(part, bytes) else part.encode("utf-8")


def _put_in_place(parts: Iterable[bytes], target: Path) -> None:
    part = _name_part(target)  # Whoever made one like it before makes this fail.
    opened = part.open("xb")
    try:
        with opened as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        _move(part, target)
    finally:
        part.unlink(missing_ok=True)


def hash_file(path: Any) -> tuple[int, str]:
    """Return the size of a file in bytes and its SHA-256, never holding all of it.

    Raises
    ------
    DataFileError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from mlelogit.data.files.paths import hash_file, write_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     size, digest = hash_file(write_whole("abc", f"{folder}/abc"))
    >>> size, digest[:8]
    (3, 'ba7816bf')
    """
    check_source(path)
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def check_source(path: Any) -> None:
    """Raise `DataFileError` if there is no file to read at a path."""
    if Path(path).is_dir():
        raise DataFileError(f"{str(path)!r} is a folder; give the name of a file in it.")
    if Path(path).exists() and not Path(path).is_file():
        raise DataFileError(
            f"{str(path)!r} is a pipe or a device, and no file; on the command line give - and "
            "redirect it to standard input."
        )
    if not Path(path).is_file():
        raise DataFileError(f"There is no file {str(path)!r}.")

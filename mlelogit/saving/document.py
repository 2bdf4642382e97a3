"""The text of a saved fit: strict JSON of a fixed layout, with a checksum of all before it.

The first members are always ``format``, ``version`` and ``written_by``, in this order; the last is
``checksum``, the SHA-256 of every byte before the comma that ends the line before it. So whether a
file is a saved fit, of which version, and whole, is known before anything in it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import (
    DamagedFitError,
    FitSizeError,
    ForeignFitError,
    NewerFitError,
    SavedFitError,
    UnsafeFitError,
)

FORMAT = "mlelogit fit"
VERSION = 1
# Reading takes some four times as much memory.
LARGEST_BYTES = 1 << 30
HEAD_BYTES = 512
# Whole numbers of JSON are counts and labels up to 2**53, of 16 digits.
MOST_DIGITS = 17
_HEAD = re.compile(
    rb'\A\{\s*"format": "mlelogit fit",\s*"version": (\d{1,9}),'
    rb'\s*"written_by": "([ -!#-\[\]-~]{1,80})",'
)
_BEGINNING = re.compile(rb'\A\s*\{\s*"format"\s*:\s*"mlelogit fit"')
_TAIL = re.compile(rb',\n "checksum": "sha256:([0-9a-f]{64})"\n\}\n\Z')
TAIL_BYTES = 200
# What is beyond ASCII is written as it is, so an escape of these is by another hand.
_SURROGATE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")
# So many values stand on one line.
SHORT = 12
_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Head:
    """What the first lines of a saved fit say."""

    version: int
    written_by: str


def write_document(
    content: dict[str, Any], written_by: str, version: int = VERSION
) -> Iterator[str]:
    """Write a document as parts of its text.

    Parameters
    ----------
    content : dict
        Its members, of JSON.
    written_by : str
        The version of the package.
    version : int
        That of the format.

    Raises
    ------
    FitSizeError
        If it is more than 1 GiB; what was yielded before is not all of it.
    """
    digest, size = hashlib.sha256(), 0
    head = {"format": FORMAT, "version": version, "written_by": written_by}
    for text in _write_members({**head, **content}):
        data = text.encode("utf-8")
        digest.update(data)
        size += len(data)
        if size > LARGEST_BYTES:
            raise FitSizeError(
                f"The saved fit would be more than {LARGEST_BYTES:,} bytes, which is the most that "
                "can be loaded again: the matrices of its P parameters take some 30 P² bytes. "
                "Save what you need of it, such as res.tidy().to_parquet(path)."
            )
        yield text
    yield f',\n "checksum": "sha256:{digest.hexdigest()}"\n}}\n'


def _write_members(content: dict[str, Any]) -> Iterator[str]:
    for i, (name, value) in enumerate(content.items()):
        yield f"{',' if i else '{'}\n {_dump(name)}: "
        yield from _write(value, " ")


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _write(value: Any, indent: str) -> Iterator[str]:
    """Write a value; a list of scalars on one line, so that a row of a matrix is one."""
    inner = indent + " "
    if not isinstance(value, dict | list) or _count(value, SHORT) <= SHORT:
        yield _dump(value)
    elif isinstance(value, dict):
        for i, (name, item) in enumerate(value.items()):
            yield f"{',' if i else '{'}\n{inner}{_dump(name)}: "
            yield from _write(item, inner)
        yield f"\n{indent}}}"
    elif all(isinstance(item, _SCALARS) for item in value):
        yield _dump(value)
    else:
        for i, item in enumerate(value):
            yield f"{',' if i else '['}\n{inner}"
            yield from _write(item, inner)
        yield f"\n{indent}]"


def _count(value: Any, most: int) -> int:
    """Count the scalars and containers of a value, and stop at one more than the most."""
    if not isinstance(value, dict | list):
        return 1
    total = 1
    for item in value.values() if isinstance(value, dict) else value:
        if total > most:
            break
        total += _count(item, most - total)
    return total


def read_head(data: bytes) -> Head:
    """Read the first lines of a file.

    Raises
    ------
    ForeignFitError
        If they are not those of a saved fit.
    """
    found = _HEAD.match(data[:HEAD_BYTES])
    if found is None and _BEGINNING.match(data[:HEAD_BYTES]):
        raise ForeignFitError(
            f'it is no saved fit as one is written: it has "format": "{FORMAT}", and not then, on '
            'lines of their own, "version": a whole number, and "written_by": a text. It was '
            "changed, or formatted anew; take the file as it was, or save the fit again."
        )
    if found is None:
        raise ForeignFitError(
            f'it is no saved fit: one begins with "format": "{FORMAT}", and this with '
            f"{write_value(data[:20])}."
        )
    return Head(int(found[1]), found[2].decode("ascii"))


def read_document(
    data: bytes, upgrades: dict[int, Callable[[dict], dict]], version: int = VERSION
) -> dict[str, Any]:
    """Read a document, after its checksum has shown that it is whole.

    Parameters
    ----------
    data : bytes
        All of a file.
    upgrades : dict
        Version -> what makes a document of that version one of the next.
    version : int
        The one that is read.

    Returns
    -------
    dict
        Its members, without those of the head and the checksum, as this version has them.

    Raises
    ------
    ForeignFitError, NewerFitError, DamagedFitError, UnsafeFitError
    """
    data = data.replace(b"\r\n", b"\n")
    head = read_head(data)
    if head.version > version:
        raise NewerFitError(
            f"it was written by version {head.written_by} of this package, as version "
            f"{head.version} of the format; this one reads up to version {version}. Upgrade the "
            "package."
        )
    if head.version < min((version, *upgrades)):
        raise DamagedFitError(f"it says that it is version {head.version}, which never was.")
    _check_whole(data)
    content = _parse(data)
    for name in ("format", "version", "written_by", "checksum"):
        content.pop(name, None)
    for step in range(head.version, version):
        content = upgrades[step](content)
    return content


def _check_whole(data: bytes) -> None:
    found = _TAIL.search(data, max(len(data) - TAIL_BYTES, 0))
    if found is None and _is_complete(data):
        raise DamagedFitError(
            "it was formatted anew since it was saved: it is JSON to its end, and its lines or "
            "spaces are not as they were, so that its checksum says nothing. Editors and "
            "formatters do so; take the file as it was, or save the fit again."
        )
    if found is None:
        raise DamagedFitError(
            f"it is cut off after {len(data):,} bytes, or something was added: its checksum is not "
            "at its end."
        )
    if hashlib.sha256(data[: found.start()]).hexdigest().encode() != found[1]:
        raise DamagedFitError(
            "it was changed since it was written: its checksum is not that of its content."
        )


def _is_complete(data: bytes) -> bool:
    try:
        return "checksum" in _parse(data)
    except SavedFitError:
        return False


def _parse(data: bytes) -> dict[str, Any]:
    if _SURROGATE.search(data):
        raise DamagedFitError("it has half of a surrogate pair in a text, which is no Unicode.")
    try:
        made = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unite,
            parse_int=_read_whole,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise UnsafeFitError("it is nested deeper than any fit is.") from None
    except UnicodeDecodeError as error:
        raise DamagedFitError(f"it is no UTF-8 at byte {error.start:,}.") from error
    except json.JSONDecodeError as error:
        raise DamagedFitError(
            f"it is no JSON in line {error.lineno:,}, column {error.colno:,}: {error.msg}."
        ) from error
    if not isinstance(made, dict):
        raise DamagedFitError("it is no object.")
    return made


def _unite(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnsafeFitError(f"it has a member {write_value(twice)} twice in one object.")
    return made


def _read_whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise UnsafeFitError(
            f"it has a whole number of {len(text):,} digits where none has so many."
        )
    return int(text)


def _refuse_constant(text: str) -> None:
    raise DamagedFitError(f"it has {text}, which is no JSON.")

"""What commands answer: texts, files and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.files.formats import TEXTS, split_packing, tell_format
from mlelogit.data.files.writers import write_delimited, write_table
from mlelogit.exceptions import OptionError, OutputFileError
from mlelogit.saving.kinds import encode_float

_PAGES = {
    ".html": "html",
    ".htm": "html",
    ".tex": "latex",
    ".md": "markdown",
    ".json": "json",
    ".txt": "text",
}
# A text in a file of these names could not be opened.
_OFFICE = {
    *(".doc", ".docx", ".odt", ".pdf", ".rtf", ".ppt", ".pptx", ".xls", ".ods", ".sav", ".rds"),
    *(".png", ".svg", ".jpg", ".zip", ".tar"),
}


WORD = " A table for Word is written in Python: mlelogit.compare_models(...).as_docx(path)."


@dataclass(frozen=True)
class Answer:
    """The answer of a command.

    Attributes
    ----------
    written : str, bytes, iterable of them, or dict
        A dict is written as JSON, with the warnings.
    holds : bool
        False for a "no": a fit that did not converge, or engines that disagree.
    save : callable, optional
        Keeps the fit in the file of a path.
    """

    written: Any
    holds: bool = True
    save: Callable[[Any], Any] | None = None


def choose_format(given: str | None, path: str | None, formats: Iterable[str]) -> str:
    """Return the format that is asked for, or told by the ending of a file.

    Parameters
    ----------
    given : str or None
    path : str or None
        The file to write.
    formats : iterable of str
        Those that the command has; the first if nothing else tells.

    Raises
    ------
    OutputFileError
        If the file is named as a table of another format is.

    Examples
    --------
    >>> from mlelogit.terminal.answers import choose_format
    >>> choose_format(None, "fit.tex", ["text", "latex"]), choose_format(None, "fit", ["text"])
    ('latex', 'text')
    """
    known = list(formats)
    if path is None:
        return given or known[0]
    if split_packing(path)[1]:
        raise OutputFileError(f"{path!r} is named as packed, and what is written is not packed.")
    if Path(path).suffix.lower() in _OFFICE:
        raise OutputFileError(
            f"{path!r} is named as a file of another program; what can be written here is "
            f"{', '.join(known)}.{WORD if path.lower().endswith(('.doc', '.docx')) else ''}"
        )
    told = tell_format(path) or tell_page(path)
    asked = given or (told if told in known else known[0])
    if asked != told and told not in (None, "text"):  # A plain text may hold anything.
        raise OutputFileError(
            f"{path!r} is named as {told} is, which is not what would be written; formats here are "
            f"{', '.join(known)}."
        )
    return asked


def tell_page(path: str) -> str | None:
    """Return what the ending of a name tells of a page or text; None if it tells nothing."""
    return _PAGES.get(Path(path).suffix.lower())


def write_frame(frame: pd.DataFrame, form: str, **beside: Any) -> Any:
    """Return a frame as the text or bytes of a format, or as what is written as JSON.

    Parameters
    ----------
    frame : pandas.DataFrame
        All that it says is in its columns.
    form : str
        One of `mlelogit.terminal.options.FRAME_FORMATS`.
    **beside
        What JSON says besides.
    """
    if form == "text":
        return frame.to_string(index=False)
    if form == "json":
        return {**beside, "rows": list_records(frame)}
    if form in TEXTS:
        return write_delimited(frame, form)
    return write_table(frame, form)


def list_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame, each as a dict."""
    plain = frame.astype(object)
    return [dict(zip(frame.columns, row, strict=True)) for row in plain.itertuples(index=False)]


def write_json(content: dict[str, Any]) -> str:
    """Return JSON in which every number is finite, and every key a text."""
    return json.dumps(to_plain(content), indent=2, allow_nan=False, default=str)


def to_plain(value: Any) -> Any:
    """Turn numpy scalars into Python's, and what JSON lacks into null; infinities into words.

    The words are those of a saved fit, "Infinity" and "-Infinity".

    Examples
    --------
    >>> from mlelogit.terminal.answers import to_plain
    >>> to_plain({1: (float("nan"), "a", float("-inf"))})
    {'1': [None, 'a', '-Infinity']}
    """
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    plain = value.item() if hasattr(value, "item") else value
    if plain is pd.NA or plain is pd.NaT:
        return None
    if isinstance(plain, float):
        return None if plain != plain else encode_float(plain)
    return plain


def take_only(frames: Iterator[Any], form: str) -> Any:
    """Return the one frame of predictions, or raise if they come in several.

    Raises
    ------
    OptionError
        If they do.
    """
    frame = next(frames)
    if next(frames, None) is not None:
        raise OptionError(
            f"As {form} all predictions are held at once, and these rows are read in pieces, as "
            "they are many; write parquet, feather, csv or tsv: -o FILE.parquet."
        )
    return frame


def say(text: str) -> None:
    """Say something about the work on standard error."""
    if sys.stderr is not None:
        sys.stderr.write(f"mlelogit: {' '.join(text.split())}\n")

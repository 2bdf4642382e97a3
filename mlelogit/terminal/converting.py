"""The command convert: a table in another format, or a saved fit as a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.files.formats import FORMATS, TEXTS, tell_format
from mlelogit.data.files.readers import read_data
from mlelogit.data.files.writers import write_table
from mlelogit.data.streaming.sources.paths import is_parquet
from mlelogit.exceptions import OptionError
from mlelogit.terminal.answers import Answer, choose_format, tell_page
from mlelogit.terminal.fits import write_summary
from mlelogit.terminal.inputs import check_reading, is_query, open_table, read_whole
from mlelogit.terminal.options import PIPE, SUMMARY_FORMATS
from mlelogit.terminal.sources import is_saved_fit, read_fit, read_reading

PAGES = SUMMARY_FORMATS[:-1]


def run_convert(arguments: argparse.Namespace) -> Answer:
    """Write a table or a saved fit in another format."""
    piped = arguments.target == PIPE
    if piped and arguments.format == "json":
        raise OptionError("--format json and the table would both go to standard output.")
    if is_saved_fit(arguments.data):
        return _convert_fit(arguments)
    if arguments.exponentiate or arguments.alpha is not None:
        raise OptionError("--exponentiate and --alpha are for a saved fit, and this is a table.")
    form = _choose(arguments, FORMATS)
    how = read_reading(arguments)
    check_reading(how, [arguments.data])
    return _write(arguments, _read(arguments, how), form)


def _choose(arguments: argparse.Namespace, formats: tuple[str, ...]) -> str:
    """Return the format to write; a file says it by its ending, or it is said."""
    path, given = arguments.target, arguments.output_format
    if given is not None and given not in formats:
        raise OptionError(f"A table is written as {', '.join(formats)}, not {given}.")
    form = choose_format(given, None if path == PIPE else path, formats)
    if path != PIPE and given is None and form not in (tell_format(path), tell_page(path)):
        raise OptionError(
            f"The ending of {path!r} tells none of {', '.join(formats)}; say --output-format."
        )
    return form


def _read(arguments: argparse.Namespace, how: Any) -> pd.DataFrame:
    given = arguments.data
    if is_parquet(given) and not is_query(given) and Path(given).is_file():
        return read_data(given)  # With all that the file says of its columns.
    return read_whole(open_table(given, how), "A table that is converted")


def _write(
    arguments: argparse.Namespace, frame: pd.DataFrame, form: str, holds: bool = True
) -> Answer:
    content = write_table(frame, form)
    arguments.output = None if arguments.target == PIPE else arguments.target
    told = {"source": arguments.data, "target": arguments.target, "as": form}
    sizes = {"rows": len(frame), "columns": [str(name) for name in frame.columns]}
    arguments.aside = {**told, **sizes} if arguments.format == "json" else None
    return Answer(content.decode() if form in TEXTS else content, holds)


def _convert_fit(arguments: argparse.Namespace) -> Answer:
    for name in ("input_format", "sheet", "na", "separator", "decimal"):
        if getattr(arguments, name) is not None:
            raise OptionError(f"--{name.replace('_', '-')} is for tables, and this is a saved fit.")
    form = _choose(arguments, (*PAGES, *FORMATS))
    results = read_fit(arguments.data)
    alpha = 0.05 if arguments.alpha is None else arguments.alpha
    if form in FORMATS:
        frame = results.tidy(alpha, arguments.exponentiate)
        return _write(arguments, frame, form, results.converged)
    arguments.output = None if arguments.target == PIPE else arguments.target
    told = {"source": arguments.data, "target": arguments.target, "as": form}
    arguments.aside = told if arguments.format == "json" else None
    written = write_summary(results, form, alpha, arguments.exponentiate)
    return Answer(written, results.converged)

"""The commands predict and margins: what a fit says of rows."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.files.formats import TEXTS
from mlelogit.data.files.writers import write_delimited, write_parquet
from mlelogit.exceptions import OptionError
from mlelogit.interpretation.margins.variables import find_variables
from mlelogit.results import MNLogitResults
from mlelogit.terminal.answers import Answer, choose_format, take_first, take_only, write_frame
from mlelogit.terminal.inputs import Table, open_table, predict_table, read_whole, take_offset
from mlelogit.terminal.options import FRAME_FORMATS
from mlelogit.terminal.sources import find_results, read_reading

ALPHA = 0.05


def run_predict(arguments: argparse.Namespace) -> Answer:
    """Predict the rows of a fit, or new ones."""
    form = choose_format(arguments.format, arguments.output, FRAME_FORMATS[1:])
    if arguments.intervals and arguments.which != "prob":
        raise OptionError("--intervals are those of probabilities; leave --which out.")
    if arguments.alpha is not None and not arguments.intervals:
        raise OptionError("--alpha goes with --intervals.")
    if arguments.propagate and (arguments.newdata is None or arguments.intervals):
        raise OptionError("--propagate goes with --newdata, and without --intervals.")
    results = find_results(arguments)
    table = _open_new(arguments)
    if arguments.intervals:
        frame = _find_intervals(results, table, arguments.alpha)
        return Answer(write_frame(frame, form, data=arguments.told), results.converged)
    found = predict_table(results, table, arguments.which, arguments.propagate)
    written: Any
    if form in TEXTS:
        written = write_texts(found, form)
    elif form == "json":
        told = {"which": arguments.which, "data": arguments.told}
        written = {**told, "predictions": _split(take_only(found, form))}
    else:
        written = _write_binary(found, form)
    return Answer(written, results.converged)


def _write_binary(found: Iterator[pd.DataFrame | pd.Series], form: str) -> Any:
    """Return the content of a file; of parquet, which is written in pieces, part after part."""
    if form == "parquet":
        first, several = take_first(found)
        if several is not None:
            return write_parquet(map(number_rows, several))
        found = iter([first])
    return write_frame(number_rows(take_only(found, form)), form)


def _open_new(arguments: argparse.Namespace) -> Table | None:
    given = arguments.newdata
    return None if given is None else open_table(given, read_reading(arguments))


def _find_intervals(
    results: MNLogitResults, table: Table | None, alpha: float | None
) -> pd.DataFrame:
    rows: dict[str, Any] = {}
    if table is not None:
        frame = read_whole(table, "--intervals")
        rows = {"newdata": frame, "offset": take_offset(results, table, frame)}
    found = results.get_prediction(**rows).summary_frame(ALPHA if alpha is None else alpha)
    return found.reset_index()


def _split(frame: pd.DataFrame | pd.Series) -> dict[str, Any]:
    """Return the parts of predictions: rows, columns, and values row by row."""
    whole = frame.to_frame() if isinstance(frame, pd.Series) else frame
    values = [list(row) for row in whole.astype(object).itertuples(index=False, name=None)]
    return {"columns": list(whole.columns), "index": list(whole.index), "data": values}


def number_rows(frame: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Make a column of the labels of rows, called row, or row_ if a category is called so."""
    whole = frame.to_frame() if isinstance(frame, pd.Series) else frame
    name = "row"
    while name in {str(column) for column in whole.columns}:
        name += "_"
    labels = whole.index.to_flat_index() if whole.index.nlevels > 1 else whole.index
    table = whole.set_axis(range(len(whole))).rename(columns=str)
    table.insert(0, name, list(labels))
    return table


def write_texts(frames: Iterator[pd.DataFrame | pd.Series], form: str) -> Iterator[str]:
    """Give the text of a csv or tsv, frame after frame."""
    for i, frame in enumerate(frames):
        yield write_delimited(number_rows(frame), form, head=i == 0)


def run_margins(arguments: argparse.Namespace) -> Answer:
    """Estimate marginal effects."""
    form = choose_format(arguments.format, arguments.output, FRAME_FORMATS)
    results = find_results(arguments)
    table = _open_new(arguments)
    rows: dict[str, Any] = {}
    if table is not None:
        frame = read_whole(table, "--newdata of margins")
        rows = {"newdata": frame, "offset": take_offset(results, table, frame)}
    found = results.margins(
        arguments.variables,
        arguments.kind,
        effect=arguments.effect,
        at=_read_at(results, arguments.at),
        change=_read_change(results, arguments.change),
        by=arguments.by if arguments.by is None or len(arguments.by) > 1 else arguments.by[0],
        **rows,
    )
    if form == "text" and arguments.alpha == ALPHA and arguments.adjust is None:
        return Answer(str(found), results.converged)
    frame = found.summary_frame(arguments.alpha, arguments.adjust)
    told = {"title": found.title, "covariance": found.cov_type, "alpha": arguments.alpha}
    written = write_frame(frame, form, **told, data=arguments.told)
    if form == "text":
        written = f"{found.title}, {found.cov_type} covariance\n{written}"
    return Answer(written, results.converged)


def _read_at(results: MNLogitResults, given: Sequence[Sequence[str]] | None) -> Any:
    """Return the values that variables are fixed at, those of numbers as numbers."""
    if given is None:
        return None
    at: dict[Any, list[Any]] = {}
    for name, *values in given:
        if not values:
            raise OptionError(f"--at {write_value(name)} says no value.")
        name, is_factor = _find_variable(results, name)
        at.setdefault(name, []).extend(
            values
            if is_factor
            else [_read_number(value, f"--at {write_value(name)}") for value in values]
        )
    return {name: _find_levels(results, name, values) for name, values in at.items()}


def _find_variable(results: MNLogitResults, text: str) -> tuple[Any, bool]:
    """Return a variable that is called so, and whether it is a factor."""
    variables = find_variables(results.record)
    for name, variable in variables.items():
        if str(name) == text:
            return name, variable.is_factor
    return text, False


def _find_levels(results: MNLogitResults, name: Any, values: list[Any]) -> list[Any]:
    """Return the levels of a factor that are written so."""
    variable = find_variables(results.record).get(name)
    if variable is None or variable.levels is None:
        return values
    known = {str(one): one for one in variable.levels}
    numbers = {one: one for one in variable.levels if isinstance(one, float)}
    return [known.get(value, numbers.get(_read_step(value), value)) for value in values]


def _read_number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(f"{option} takes numbers, not {write_value(text)}.") from error


def _read_change(results: MNLogitResults, given: Sequence[Sequence[str]] | None) -> Any:
    """Return the changes asked of variables: a word, a number, or two values."""
    if given is None:
        return None
    changes: dict[Any, Any] = {}
    for text, *how in given:
        name, is_factor = _find_variable(results, text)
        if not 1 <= len(how) <= 2:
            raise OptionError(
                f"--change {write_value(text)} takes one word or number, or two values."
            )
        if is_factor:
            found = _find_levels(results, name, how)
            changes[name] = tuple(found) if len(how) == 2 else how[0]
        elif len(how) == 2:
            changes[name] = tuple(_read_number(one, f"--change {write_value(text)}") for one in how)
        else:
            changes[name] = _read_step(how[0])
    return changes


def _read_step(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text

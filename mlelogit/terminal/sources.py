"""The fit that a command is about: one that is made of a table, or one that was saved."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.data.design import Design
from mlelogit.data.files.formats import DECIMALS, SEPARATORS
from mlelogit.data.streaming.ways import describe_way
from mlelogit.exceptions import DataFileError, OptionError
from mlelogit.model import mnlogit
from mlelogit.results import MNLogitResults, load
from mlelogit.saving import is_saved
from mlelogit.terminal.answers import say
from mlelogit.terminal.inputs import (
    Reading,
    Table,
    check_reading,
    is_there,
    open_table,
    tell_source,
)
from mlelogit.terminal.options import (
    ANSWERS,
    OF_FIT,
    OF_MODEL,
    OF_READING,
    PIPE,
    read_equations,
    read_options,
    refuse_options,
)


def read_reading(arguments: argparse.Namespace) -> Reading:
    """Return how tables are read."""
    separator, decimal = arguments.separator, arguments.decimal
    return Reading(
        arguments.na,
        arguments.input_format,
        arguments.sheet,
        None if separator is None else SEPARATORS[separator],
        None if decimal is None else DECIMALS[decimal],
    )


def read_fit(path: str, data: Any = None) -> MNLogitResults:
    """Load a saved fit, whose answers are frames of pandas here, whatever its data were."""
    results = load(path, data=data)
    encoding = replace(results.record.encoding, frame_kind="pandas")
    record = replace(results.record, encoding=encoding)
    return MNLogitResults(record, results.covariance)


def is_saved_fit(given: str) -> bool:
    """Tell whether a text is the name of a saved fit."""
    return given != PIPE and is_there(given) and is_saved(given)


def find_results(arguments: argparse.Namespace, traced: bool = False) -> MNLogitResults:
    """Fit the model that is asked for, or load the fit that was saved.

    Parameters
    ----------
    arguments : argparse.Namespace
        Gets ``told``, what is known of the rows, and ``origin``, where they come from, if that is
        to be traced.
    traced : bool

    Raises
    ------
    OptionError
        If a formula is missing or too much, or an option has nothing to do.
    """
    if arguments.formula is None:
        _check_saved(arguments.data)
        return load_results(arguments, arguments.data, traced)
    if is_saved_fit(arguments.data):
        raise OptionError(f"{arguments.data!r} is a saved fit, which has its formula; leave yours.")
    refuse_options(arguments, ["rows"], "gives rows to a saved fit; here the table has them.")
    table = open_source(arguments, traced)
    return fit_table(arguments, table, arguments.formula)


def _check_saved(given: str) -> None:
    """Raise if what stands without a formula is a table."""
    if given == PIPE or (is_there(given) and not is_saved(given) and _is_table(given)):
        raise OptionError(
            f'{write_value(given)} is a table, which wants a formula after it: "y ~ x".'
        )
    if not is_there(given):
        raise DataFileError(
            f"There is no file {write_value(given)}. A saved fit stands alone, and a table "
            'has a formula after it: "y ~ x".'
        )


def _is_table(given: str) -> bool:
    return not given.lower().endswith(".json")


def open_source(arguments: argparse.Namespace, traced: bool = False) -> Table:
    """Open the table that models are fitted to."""
    how, new = read_reading(arguments), getattr(arguments, "newdata", None)
    check_reading(how, [arguments.data, *([new] if new else [])])
    held = tell_source(arguments.data, how.form) != "pieces"
    if held and getattr(arguments, "stream", None) == "yes":
        raise OptionError(
            "--stream yes: a csv, and any other file but parquet, is read into memory. Give "
            f'parquet files, or a query such as "FROM {arguments.data!r}", which DuckDB reads in '
            "pieces."
        )
    table = open_table(arguments.data, how, traced)
    arguments.origin = table.origin
    return table


def fit_table(arguments: argparse.Namespace, table: Table, formula: str) -> MNLogitResults:
    """Fit a model to a table, and say how the rows came to it, if there was a choice."""
    given = vars(arguments)
    model: dict[str, Any] = {name: given[name] for name in OF_MODEL if name in given}
    if "compress" in model:
        model["compress"] = ANSWERS[model["compress"]]
    if table.pieces is not None and "stream" in given:
        model["stream"] = ANSWERS[given["stream"]]
    results = mnlogit(formula, table.data, base=given.get("base"), **model).fit(
        **{name: given[name] for name in OF_FIT if name in given},
        cov_type=given.get("cov"),
        cov_kwds=read_options(given.get("cov_option")),
        constraints=given.get("constraint"),
        equations=read_equations(given.get("equation")),
        disp=True,
    )
    design = results.record.need_blocks().design
    arguments.told = _describe_data(design, table.way)
    if table.pieces is not None or design.audit.rows_distinct is not None:
        say(arguments.told["way"])
    return results


def load_results(arguments: argparse.Namespace, path: str, traced: bool = False) -> MNLogitResults:
    """Load a saved fit, with rows if they are given, and see it from the base asked for.

    Raises
    ------
    OptionError
        If an option was given that only a fit can be told.
    """
    why = f"is for a fit that is made, and {path!r} was made; leave it out."
    if arguments.command == "predict" and getattr(arguments, "missing", None) is not None:
        why += " New rows with missing values are predicted as missing by --missing propagate."
    refuse_options(arguments, [*OF_MODEL, *OF_FIT, *OF_READING], why)
    how = read_reading(arguments)
    new = getattr(arguments, "newdata", None)
    check_reading(how, [one for one in (arguments.rows, new) if one is not None])
    table = None if arguments.rows is None else open_table(arguments.rows, how, traced)
    results = read_fit(path, None if table is None else table.data)
    arguments.origin = {"Saved fit": path, **({} if table is None else table.origin)}
    arguments.told = {"saved": path, "way": None if table is None else table.way}
    return adjust_results(arguments, results)


def adjust_results(arguments: argparse.Namespace, results: MNLogitResults) -> MNLogitResults:
    """Return a saved fit from the base and with the covariance that are asked for."""
    given = vars(arguments)
    if "base" in given:
        results = results.rebase(given["base"])
    if "cov" in given:
        results = results.with_cov(given["cov"], **(read_options(given.get("cov_option")) or {}))
    elif "cov_option" in given:
        raise OptionError("--cov-option goes with --cov.")
    return results


def _describe_data(design: Design, where: str) -> dict[str, Any]:
    audit = design.audit
    return {
        "way": describe_way(design, where),
        "rows": audit.rows_in,
        "rows_used": audit.rows_used,
        "rows_distinct": audit.rows_distinct,
    }

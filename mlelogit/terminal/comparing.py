"""The command compare: several fits as one table, and tests of those that are nested."""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from mlelogit.comparison import compare_models
from mlelogit.data.arguments import write_value
from mlelogit.display.tables.request import STATISTICS
from mlelogit.exceptions import DataNotKeptError, NotNestedError, OptionError, RowsNotHeldError
from mlelogit.results import MNLogitResults
from mlelogit.terminal.answers import Answer, choose_format
from mlelogit.terminal.fits import describe_fit
from mlelogit.terminal.options import SUMMARY_FORMATS, refuse_options
from mlelogit.terminal.sources import fit_table, is_saved_fit, load_results, open_source


def run_compare(arguments: argparse.Namespace) -> Answer:
    """Fit or load several models, and set them side by side."""
    form = choose_format(arguments.format, arguments.output, SUMMARY_FORMATS)
    models = _find_models(arguments)
    converged = all(results.converged for results in models.values())
    tests = [_test(*pair) for pair in pairwise(models.items())]
    table = compare_models(
        models,
        layout=arguments.layout,
        below=[one for one in arguments.below if one != "none"] or None,
        exponentiate=arguments.exponentiate,
        stars=arguments.stars,
        digits=arguments.digits,
        statistics=tuple(arguments.statistics or STATISTICS),
        alpha=arguments.alpha,
        title=arguments.title,
    )
    if form == "json":
        asked = arguments.alpha, arguments.exponentiate
        told = [{"name": name, **describe_fit(one, *asked)} for name, one in models.items()]
        return Answer({"models": told, "tests": tests, "data": arguments.told}, converged)
    noted = replace(table.layout, notes=(*table.layout.notes, *map(_write_test, tests)))
    return Answer(getattr(replace(table, layout=noted), f"as_{form}")(), converged)


def _find_models(arguments: argparse.Namespace) -> dict[str, MNLogitResults]:
    first, *formulas = arguments.sources
    saved = [one for one in arguments.sources if is_saved_fit(one)]
    if saved and len(saved) < len(arguments.sources):
        other = next(one for one in arguments.sources if one not in saved)
        raise OptionError(
            f"Saved fits are compared with saved fits, and {write_value(other)} is none: a table "
            "comes first, and all that follows are formulas."
        )
    names = _name_models(arguments, arguments.sources if saved else formulas)
    if saved:
        return {
            name: load_results(arguments, path)
            for name, path in zip(names, arguments.sources, strict=True)
        }
    if not formulas:
        raise OptionError(f"compare needs formulas after {write_value(first)}, or saved fits.")
    refuse_options(arguments, ["rows"], "gives rows to saved fits; here the table has them.")
    arguments.data = first
    table = open_source(arguments)
    return {
        name: fit_table(arguments, table, formula)
        for name, formula in zip(names, formulas, strict=True)
    }


def _name_models(arguments: argparse.Namespace, sources: list[str]) -> list[str]:
    """Return the names that are given, those of the files, or formulas' right sides."""
    names = arguments.name
    if names is None:
        saved = [Path(one).stem if is_saved_fit(one) else "" for one in sources]
        sides = [one.partition("~")[2].strip() or one for one in sources]
        names = [stem or side for stem, side in zip(saved, sides, strict=True)]
        if len(set(names)) < len(names):
            names = list(sources)
    if len(names) != len(sources):
        raise OptionError(f"There are {len(sources)} models and {len(names)} names (--name).")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise OptionError(
            f"Two models are called {write_value(twice[0])}; tell them apart by --name."
        )
    return list(names)


def _test(one: tuple[str, MNLogitResults], two: tuple[str, MNLogitResults]) -> dict[str, Any]:
    """Test the smaller of two models within the larger, or say why that cannot be."""
    (small, first), (large, second) = sorted((one, two), key=lambda pair: pair[1].record.size)
    told: dict[str, Any] = {"smaller": small, "larger": large}
    try:
        found = second.lr_test(first)
    except (NotNestedError, DataNotKeptError, RowsNotHeldError) as error:
        reason = str(error).removesuffix(".")
        if isinstance(error, DataNotKeptError):
            reason = "likelihood ratios need the rows of both fits, by --data"
        return {**told, "statistic": None, "df": None, "p_value": None, "reason": reason}
    numbers = {"statistic": found.statistic, "df": found.df, "p_value": found.p_value}
    return {**told, **numbers, "reason": found.reason}


def _write_test(told: dict[str, Any]) -> str:
    head = f"LR test of {told['smaller']} within {told['larger']}"
    if told["reason"]:
        return f"{head}: none, for {told['reason']}."
    law = f"chi2({told['df']}) = {told['statistic']:.6g}"
    return f"{head}: {law}, p-value = {told['p_value']:.4g}."

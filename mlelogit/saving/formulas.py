"""A saved formula is read as one that a user gives: checked before anything is evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.columns import describe_columns, prepare_columns, tidy_name
from mlelogit.data.encoding import Encoding
from mlelogit.data.expressions import (
    ExpressionChecker,
    hide_names,
    parse_expression,
    read_name,
)
from mlelogit.data.formulas import list_terms, parse_formula, split_formula
from mlelogit.exceptions import (
    DamagedFitError,
    FormulaError,
    MNLogitError,
    UnsafeFitError,
    UnsafeFormulaError,
)
from mlelogit.saving.reading import Part


def check_formula_parts(part: Part, encoding: Encoding, aside: tuple) -> None:
    """Judge the formula of an encoding, its right side, and what its transforms have learned.

    Parameters
    ----------
    part : Part
        Where it stands, for messages.
    encoding : Encoding
    aside : tuple
        Columns that a dot leaves out: those of weights and offset.

    Raises
    ------
    UnsafeFitError
        If a text holds anything but columns, numbers, operators and named transforms.
    DamagedFitError
        If one cannot be read, or they disagree with each other or with the names of columns.
    """
    if encoding.rhs is None:
        return
    try:
        _check_texts(part, encoding, aside)
        _check_learned(encoding)
    except UnsafeFormulaError as error:
        raise UnsafeFitError(f"{part.place} has a formula that is refused. {error}") from error
    except (DamagedFitError, UnsafeFitError):
        raise
    except MNLogitError as error:
        raise part.refuse(f"has a formula that cannot be read. {error}") from error
    _check_names(part, encoding)


def _check_texts(part: Part, encoding: Encoding, aside: tuple) -> None:
    given, rhs = str(encoding.formula), str(encoding.rhs)
    left, _ = split_formula(given)
    columns = list(dict.fromkeys([*_list_outcome(encoding, left), *encoding.variables, *aside]))
    parsed = parse_formula(given, columns, aside)
    read = parse_formula(f"{left}~ {rhs}", columns, aside)
    same = (read.rhs, read.variables, read.numbers) == (rhs, encoding.variables, encoding.numbers)
    same = same and read.outcome_name == encoding.outcome_name
    if not same or list(list_terms(parsed.rhs)) != list(list_terms(rhs)):
        raise part.refuse("has a formula that says something else than the rest of it")


def _list_outcome(encoding: Encoding, left: str) -> list[str]:
    """Return the columns left of the tilde: those declared, if they are several in a call."""
    call = "(" in left and encoding.outcome_kind != "labels"
    names = encoding.declared if call else (encoding.outcome_name,)
    return [str(name) for name in (encoding.outcome_name, *names)]


def _check_learned(encoding: Encoding) -> None:
    named = [expr for expr in encoding.levels or {} if expr not in encoding.variables]
    for expr in [*(encoding.transform_state or {}), *named]:
        checker = ExpressionChecker(encoding.variables)
        checker.check_expression(hide_names(expr))


def _check_names(part: Part, encoding: Encoding) -> None:
    """Compare names with those that the formula makes of a made-up row, where that can be."""
    frame = pd.DataFrame(_make_row(encoding), index=pd.RangeIndex(1))
    state, levels = encoding.transform_state or {}, encoding.levels or {}
    kinds = encoding.kinds or {}
    try:
        prepared = prepare_columns(frame, kinds, encoding.numbers, learning=False)
        spec = describe_columns(encoding.rhs or "", prepared, state, levels, encoding.wide)
    except FormulaError:  # Such a row may lie beyond what a transform takes; new rows are checked.
        return
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise part.refuse(f"has learned what no transform learns: {error}") from error
    if tuple(map(tidy_name, spec.column_names)) != encoding.all_names:
        raise part.refuse("has names of columns that its formula does not make")


def _make_row(encoding: Encoding) -> dict[str, list]:
    row: dict[str, Any] = dict.fromkeys(encoding.variables, 1.0)
    for expr, state in (encoding.transform_state or {}).items():
        node = parse_expression(hide_names(expr), expr)
        inside = getattr(node, "args", [None])[0]
        ends = [state.get(end) for end in ("lower_bound", "upper_bound")]
        if hasattr(inside, "id") and all(isinstance(end, float) for end in ends):
            row[read_name(inside.id)] = float(np.mean(ends))
    for expr, levels in (encoding.levels or {}).items():
        for name in _list_names(expr, encoding):
            row[name] = levels[0]
    return {name: [value] for name, value in row.items()}


def _list_names(expr: str, encoding: Encoding) -> list[str]:
    if expr in encoding.variables:
        return [expr]
    try:
        return ExpressionChecker(encoding.variables).check_expression(hide_names(expr))
    except FormulaError:
        return []

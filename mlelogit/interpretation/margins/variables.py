"""What the variables behind a design are: numbers or factors, and which columns they move."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.expressions import dotted_name, hide_names, parse_expression, read_name
from mlelogit.data.frames import list_some
from mlelogit.data.terms import Term, read_terms
from mlelogit.exceptions import EffectError
from mlelogit.fitting.record import FitRecord

AFFINE = ("center", "scale", "I")
TREATMENTS = ("Treatment", "contr.treatment")


@dataclass(frozen=True)
class Variable:
    """A variable of a fit.

    Attributes
    ----------
    name : Hashable
    levels : tuple or None
        Of a factor, in their order; None for a number.
    reference : int
        Position of the level that others are compared with.
    affine : bool
        Whether the columns move with it at the same rate everywhere.
    columns : tuple of int or None
        The columns of the terms it stands in, if it stands alone in all of them, so that its
        value settles theirs; None otherwise.
    omitted : bool
        Whether all its columns were left out as combinations of others, so that there is no
        telling its effect from theirs.
    """

    name: Hashable
    levels: tuple | None = None
    reference: int = 0
    affine: bool = False
    columns: tuple[int, ...] | None = None
    omitted: bool = False

    @property
    def is_factor(self) -> bool:
        """Whether its changes are from level to level."""
        return self.levels is not None


def find_variables(record: FitRecord) -> dict[Hashable, Variable]:
    """Return the variables of a fit, by name, constants left out.

    Parameters
    ----------
    record : FitRecord

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.margins.variables import find_variables
    >>> res = ml.mnlogit("vote ~ age + C(educ)", ml.datasets.load_anes96()).fit()
    >>> found = find_variables(res.record)
    >>> {name: variable.is_factor for name, variable in found.items()}
    {'age': False, 'educ': True}
    """
    if record.encoding.rhs is None:
        return _find_array_variables(record)
    encoding, terms = record.encoding, read_terms(record.encoding)
    return {name: _describe(name, encoding, terms) for name in encoding.variables}


def _describe(name: str, encoding: Encoding, terms: list[Term]) -> Variable:
    mine = [term for term in terms if name in term.variables]
    alone = all(term.variables == {name} for term in mine)
    columns = tuple(place for term in mine for place in term.columns) if alone else None
    affine = all(len(term.factors) == 1 and _is_affine(term.factors[0]) for term in mine)
    gone = not any(term.columns for term in mine)
    if (encoding.kinds or {})[name] == "category" or _is_coded(name, encoding):
        levels, reference = _find_levels(name, encoding)
        return Variable(name, levels, reference, False, columns, gone)
    if name in encoding.truths:
        return Variable(name, (False, True), 0, affine, columns, gone)
    return Variable(name, None, 0, affine, columns, gone)


def _is_coded(name: str, encoding: Encoding) -> bool:
    """Tell whether a number stands in C(), be it beside others: then it has levels alone."""
    exprs = [parse_expression(hide_names(expr), expr) for expr in encoding.levels or {}]
    return name not in encoding.numbers or name in map(_read_plain, exprs)


def _is_affine(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and dotted_name(node.func) in AFFINE:
        return _is_affine(node.args[0])
    return isinstance(node, ast.Name)


def _find_levels(name: str, encoding: Encoding) -> tuple[tuple, int]:
    """Return a factor's levels and the position of the one it is coded against."""
    found: tuple | None = None
    for expr, levels in (encoding.levels or {}).items():
        node = parse_expression(hide_names(expr), expr)
        if _read_plain(node) != name:
            continue
        reference = _find_reference(node, list(levels))
        if reference is not None:
            return tuple(levels), reference
        found = found or tuple(levels)
    if found is None:
        raise EffectError(
            f"{name!r} is part of an expression inside C(), which has levels of its own; make "
            "it a column of the data to ask for its effects."
        )
    return found, 0


def _read_plain(node: ast.expr) -> str | None:
    """Return the column that a factor codes as it is; None for an expression."""
    if isinstance(node, ast.Call) and dotted_name(node.func) == "C":
        node = node.args[0]
    return read_name(node.id) if isinstance(node, ast.Name) else None


def _find_reference(node: ast.expr, levels: list) -> int | None:
    """Return the position of the level that treatment contrasts name; None if none is named."""
    if not isinstance(node, ast.Call):
        return None
    for given in (*node.args[1:], *(word.value for word in node.keywords)):
        if not isinstance(given, ast.Call):
            continue
        if dotted_name(given.func) == "contr.SAS":
            return len(levels) - 1
        named = [*given.args, *(word.value for word in given.keywords if word.arg != "drop")]
        if dotted_name(given.func) in TREATMENTS and named:
            value = ast.literal_eval(named[0])
            return levels.index(value) if value in levels else None
    return None


def _find_array_variables(record: FitRecord) -> dict[Hashable, Variable]:
    names = record.encoding.names
    constant = _find_constant(record)
    truths = record.encoding.truths
    found = {
        name: Variable(name, (False, True) if name in truths else None, 0, True, (place,))
        for place, name in enumerate(names)
        if place not in constant
    }
    gone = {
        name: Variable(name, None, 0, True, (), omitted=True) for name in record.encoding.omitted
    }
    return found | gone


def _find_constant(record: FitRecord) -> set[int]:
    if record.blocks is not None:
        low, high = record.blocks.design.source.extremes
        return set(np.flatnonzero(low == high).tolist())
    return set() if record.basis.intercept is None else {record.basis.intercept}


def pick_variables(found: dict[Hashable, Variable], asked: Any) -> list[Variable]:
    """Return the variables asked for, by one name or several; all if None.

    A set has no order: its variables come in that of the formula.

    Raises
    ------
    EffectError
        If one is no variable of the fit, or none is named.
    """
    if asked is None:
        return list(found.values())
    sets = isinstance(asked, set | frozenset)
    single = not (sets or isinstance(asked, list | tuple | pd.Index))
    names = [asked] if single else list(asked)
    if not names:
        raise EffectError("variables= names none; leave it out for all of them.")
    if sets:
        places = {name: place for place, name in enumerate(found)}
        names.sort(key=lambda name: places.get(name, -1))
    for name in names:
        try:
            known = name in found
        except TypeError:
            known = False
        if not known:
            rows = isinstance(name, Mapping) or hasattr(name, "columns")
            raise EffectError(
                f"{write_value(name)} is no variable of the fit, or is constant; its variables "
                f"are {list_some(list(found), 50)}."
                f"{' Rows to average over go to newdata=.' if rows else ''}"
            )
    return [found[name] for name in dict.fromkeys(names)]

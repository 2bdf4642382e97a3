"""Read what the coefficients of a fit are held to: equations, bounds, and who enters where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.restrictions import Restriction, make_restriction, read_restrictions
from mlelogit.data.hypotheses.wording import list_spellings, refuse_name
from mlelogit.data.outcome import find_base
from mlelogit.exceptions import BaseCategoryError, ConstraintError, ParamsError

LARGEST = 1e100


def read_constraints(constraints: Any, equations: Any, encoding: Encoding) -> Restriction | None:
    """Read the constraints of a fit, and which equations its columns enter.

    Parameters
    ----------
    constraints : str, tuple, list of them, or array-like, optional
        ``"car: age = bus: age"``, ``"train: income = 0.5"``, ``"bus: age >= 0"``, as
        `mlelogit.data.hypotheses.restrictions.read_restrictions` reads them; or R (q, P) of
        ``R b = 0``, or a pair of arrays, R and q (q,), of ``R b = q``.
    equations : dict, optional
        Column or term -> the categories in whose equations it enters. In the others its
        coefficients are zero. What is not named enters all.
    encoding : Encoding

    Returns
    -------
    Restriction or None
        All rows in the order given, those of `constraints` first; None if there are none.

    Raises
    ------
    ConstraintError
        If a name or a category is unknown, a text cannot be read, or the base is named.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.hypotheses.constraints import read_constraints
    >>> encoding = ml.mnlogit("PID ~ age + educ", ml.datasets.load_anes96()).encoding
    >>> read_constraints("educ >= 0", {"age": ["Independent"]}, encoding).words[5:8]
    ('Strong Republican: educ >= 0', 'Weak Democrat: age = 0', 'Independent-Democrat: age = 0')
    """
    found = []
    if constraints is not None and not _is_empty(constraints):
        try:
            found.append(_read(constraints, encoding))
        except ParamsError as error:
            raise ConstraintError(f"constraints: {error}") from error
    if equations is not None:
        found += _read_equations(equations, encoding)
    if not found:
        return None
    whole = found[0]
    for more in found[1:]:
        whole = whole + more
    _check_sizes(whole)
    return orient_rows(whole)[0]


def _check_sizes(restriction: Restriction) -> None:
    """Raise if the squares of a row, or its right side, would leave the range of a double."""
    size = np.abs(restriction.matrix).max(axis=1)
    right = np.abs(restriction.values)
    wrong = np.flatnonzero((size > LARGEST) | (size < 1 / LARGEST) | (right > LARGEST))
    if wrong.size:
        raise ConstraintError(
            f"constraints: {restriction.words[wrong[0]]!r} has numbers outside {1 / LARGEST:g} to "
            f"{LARGEST:g}; divide the row, or use other units."
        )


def _read(constraints: Any, encoding: Encoding) -> Restriction:
    pair = isinstance(constraints, tuple) and len(constraints) == 2
    if pair and all(_is_numeric(part) for part in constraints) and np.ndim(constraints[0]):
        return read_restrictions(constraints[0], encoding, constraints[1])
    return read_restrictions(constraints, encoding)


def _is_numeric(given: Any) -> bool:
    try:
        return np.asarray(given).dtype.kind in "biuf"
    except ValueError:  # Rows of different lengths.
        return False


def orient_rows(restriction: Restriction) -> tuple[Restriction, np.ndarray]:
    """Return a restriction with rows as they are read, with a positive coefficient in each.

    Returns
    -------
    restriction : Restriction
    signs : numpy.ndarray
        (q,): -1 where a row was turned round, else 1.
    """
    signs = np.where((restriction.matrix > 0).any(axis=1), 1.0, -1.0)
    flipped = {"<=": ">=", ">=": "<="}
    relations = tuple(
        relation if sign > 0 else flipped.get(relation, relation)
        for relation, sign in zip(restriction.relations, signs, strict=True)
    )
    matrix, values = restriction.matrix * signs[:, np.newaxis], restriction.values * signs
    return Restriction(matrix + 0.0, values + 0.0, relations, restriction.words), signs


def _is_empty(given: Any) -> bool:
    return isinstance(given, list | tuple | dict) and not given


def _read_equations(equations: Any, encoding: Encoding) -> list[Restriction]:
    """Return the zeros of every column in the equations that it does not enter."""
    if not isinstance(equations, Mapping):
        raise ConstraintError(
            "equations is a dict of columns and the categories in whose equations they enter, "
            f"{{{encoding.names[0]!r}: [{encoding.others[0]!r}]}}, not {write_value(equations)}."
        )
    columns, shape = list_spellings(encoding), (len(encoding.categories), len(encoding.names))
    zeros = np.zeros(shape, dtype=bool)
    named: dict[int, Any] = {}
    for name, entered in equations.items():
        if name not in columns:
            raise ConstraintError(f"equations: {refuse_name(name, encoding)}")
        for column in columns[name]:
            _refuse_twice(named.setdefault(column, name), name, encoding.names[column])
        absent = np.ones(shape[0], dtype=bool)
        absent[[_find_equation(label, name, encoding) for label in _list_labels(entered)]] = False
        zeros[np.ix_(absent, np.array(columns[name]))] = True
    free = np.flatnonzero(np.delete(zeros, encoding.base, axis=0))
    if not len(free):
        return []
    rows = np.eye(zeros.size - shape[1])[free]
    return [make_restriction(rows, np.zeros(len(free)), encoding)]


def _refuse_twice(before: Any, name: Any, column: Any) -> None:
    if before is not name:
        raise ConstraintError(
            f"equations: {write_value(before)} and {write_value(name)} both say where "
            f"{write_value(column)} enters; name it once."
        )


def _list_labels(entered: Any) -> list:
    if isinstance(entered, str | tuple | bytes) or not hasattr(entered, "__iter__"):
        return [entered]
    return list(entered)


def _find_equation(label: Any, name: Any, encoding: Encoding) -> int:
    try:
        position = find_base(label, encoding.categories)
    except BaseCategoryError:
        position = -1
    if label is None or position < 0:
        known = ", ".join(map(write_value, encoding.others))
        raise ConstraintError(
            f"equations: {write_value(label)}, which {name!r} is to enter, is no category with an "
            f"equation. Those are: {known}."
        )
    if position == encoding.base:
        raise ConstraintError(
            f"equations: {name!r} cannot enter the equation of {write_value(label)}, the base, "
            "whose coefficients are zero. Leave it out of the list, or choose as base= a "
            "category whose equation the column does not enter."
        )
    return position

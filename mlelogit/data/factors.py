"""Levels of factors: the values that name them, exactly, and by value the level of every row.

Which level a row has must not depend on the type that holds its value: `True`, 1 and 1.0 are one
level, as they are equal, and whole numbers are compared as such however large they are.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mlelogit.data.codes import is_arrow, number_arrow
from mlelogit.data.expressions import dotted_name, parse_expression, show_names
from mlelogit.data.frames import as_numbers, is_boolean, list_some
from mlelogit.exceptions import ColumnTypeError, UnseenLevelError
from mlelogit.notices import run_quietly

WHOLE = (int, np.integer)
REAL = (float, np.floating)


def as_levels(column: pd.Series, name: Hashable) -> np.ndarray:
    """Return a column of numbers as they name levels: truth values, or numbers, whole ones exactly.

    Parameters
    ----------
    column : pandas.Series
        Without missing values.
    name : Hashable
        For messages.

    Returns
    -------
    numpy.ndarray
        (n,): truth values whatever held them; whole numbers that no dtype of numpy holds as
        objects of Python.

    Raises
    ------
    ColumnTypeError
        If a decimal with a fraction has more digits than a double tells apart, or fractions stand
        beside whole numbers that no double is.

    Examples
    --------
    >>> import pandas as pd
    >>> from decimal import Decimal
    >>> from mlelogit.data.factors import as_levels
    >>> as_levels(pd.Series([Decimal(2**60), Decimal(2**60 + 1)]), "id").tolist()
    [1152921504606846976, 1152921504606846977]
    """
    if column.isna().any():
        return as_numbers(column, name)
    if is_boolean(column):
        return np.asarray(as_numbers(column, name).astype(np.bool_))
    decimals = isinstance(column.dtype, pd.ArrowDtype) and column.dtype.kind == "O"
    if not (column.dtype == object or decimals):
        return as_numbers(column, name)
    codes, found = pd.factorize(column.to_numpy(dtype=object))
    if not all(isinstance(value, (Decimal, *WHOLE, *REAL)) for value in found):
        return as_numbers(column, name)
    return _settle([_read_level(value, name) for value in found], name)[codes]


def check_doubles(column: pd.Series, name: Hashable) -> None:
    """Raise if whole numbers name levels, stand in arithmetic too, and doubles would merge them."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind not in "iu":
        return
    if not all(map(is_exact, pd.unique(column).tolist())):
        raise ColumnTypeError(
            f"Column {name!r} holds whole numbers beyond 2**53 and stands both inside C() and "
            "outside, where doubles take their place, which would merge levels; give C() a copy "
            "of the column as text."
        )


def _read_level(value: Any, name: Hashable) -> int | float:
    """Return one number as an int or a float that is the same, or that reads the same."""
    if isinstance(value, WHOLE):
        return int(value)
    if isinstance(value, REAL):
        return float(value)
    if value.is_finite() and value == value.to_integral_value() and value.adjusted() < 308:
        return int(value)
    number = float(value)
    if value.is_finite() and Decimal(repr(number)) != value:
        raise ColumnTypeError(
            f"Column {name!r} holds the decimal {value}, which no double tells from its "
            "neighbours; convert the column to text if it names levels, or round it."
        )
    return number


def _settle(numbers: Sequence[int | float], name: Hashable) -> np.ndarray:
    """Return numbers as an array of the narrowest type that holds each of them exactly."""
    if all(isinstance(number, int) for number in numbers):
        low, high = min(numbers, default=0), max(numbers, default=0)
        for dtype in (np.int64, np.uint64):
            limits = np.iinfo(dtype)
            if limits.min <= low and high <= limits.max:
                return np.array(numbers, dtype=dtype)
        return _as_objects(numbers)
    _check_whole(numbers, name)
    return np.array(numbers, dtype=np.float64)


def _check_whole(numbers: Sequence[int | float], name: Hashable) -> None:
    """Raise if there is a whole number that no double is, where others have fractions."""
    for number in numbers:
        if isinstance(number, int) and not is_exact(number):
            raise ColumnTypeError(
                f"Column {name!r} holds {number}, which no double is, beside numbers that are not "
                "whole, which nothing but doubles are; convert the column to text if it names "
                "levels."
            )


def _as_objects(values: Sequence[Any]) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def is_exact(number: Any) -> bool:
    """Tell whether a whole number is a double.

    Examples
    --------
    >>> from mlelogit.data.factors import is_exact
    >>> is_exact(2**53), is_exact(2**53 + 1)
    (True, False)
    """
    try:
        return float(number) == number
    except OverflowError:
        return False


def join_levels(values: Sequence[Any], dtype: np.dtype, name: str) -> pd.Series:
    """Return levels of several pieces, whose types have joined, as one column, exactly."""
    if dtype.kind == "f":
        _check_whole(values, name)
    return pd.Series(list(values), dtype=dtype)


def find_levels(values: Any, levels: Sequence[Any] | pd.Index) -> np.ndarray:
    """Return the place of every value among levels (n,), by value; -1 if it is none of them.

    Parameters
    ----------
    values : pandas.Series or numpy.ndarray
        (n,), of any type.
    levels : sequence

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.factors import find_levels
    >>> find_levels(pd.Series([True, False, None], dtype=object), [0, 1]).tolist()
    [1, 0, -1]
    """
    codes, found = _number_values(values)
    known = {level: place for place, level in enumerate(levels)}
    places = [known.get(value, -1) for value in found]
    return np.asarray(np.array([*places, -1], dtype=np.int64)[codes])


def _number_values(values: Any) -> tuple[np.ndarray, list]:
    """Return numbers of values (n,), -1 where missing, and the different values as Python's."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        held: Any = values.array if isinstance(values, pd.Series) else values
        return np.asarray(held.codes), dtype.categories.tolist()
    if is_arrow(dtype):
        return number_arrow(values)
    if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize not in (4, 8):
        values = np.asarray(values, dtype=np.float64)
    codes, found = pd.factorize(values)
    return codes, found.tolist()


def match_levels(values: Any, levels: Sequence[Any]) -> Any:
    """Return a factor's values as a Categorical of known levels, or as they are if one is none."""
    plain = values if isinstance(values, pd.Series) else np.asarray(values)
    if plain.ndim != 1:
        return values
    try:
        codes = find_levels(plain, levels)
    except TypeError:  # Lists and their like are no levels, and formulaic says so.
        return values
    if (codes < 0).any():
        return values
    index = plain.index if isinstance(plain, pd.Series) else None
    return pd.Series(
        pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(levels))), index=index
    )


@cache
def find_materializer() -> Any:
    """Return the class of formulaic that makes columns, which finds levels by value."""
    from formulaic.materializers import PandasMaterializer
    from formulaic.materializers.types import FactorValues
    from interface_meta import override

    class LevelMaterializer(PandasMaterializer):  # type: ignore[misc]
        """Factors of known levels are coded here, as formulaic leaves out what differs in type."""

        known: ClassVar[dict[str, list]] = {}

        @override
        def _evaluate_factor(self, factor: Any, spec: Any, drop_rows: Any) -> Any:
            before = factor.expr in self.factor_cache
            found = super()._evaluate_factor(factor, spec, drop_rows)
            levels = self.known.get(show_names(factor.expr)) or _read_levels(factor)
            if before or not levels:
                return found
            matched = match_levels(found.values.__wrapped__, levels)
            metadata = found.values.__formulaic_metadata__
            found = replace(found, values=FactorValues(matched, metadata=metadata))
            self.factor_cache[factor.expr] = found
            return found

    return LevelMaterializer


def _read_levels(factor: Any) -> list:
    """Return what stands in the ``levels=`` of a factor; nothing if that is not there."""
    if factor.eval_method.value != "python":
        return []
    node = parse_expression(factor.expr, factor.expr)
    if not (isinstance(node, ast.Call) and dotted_name(node.func) == "C"):
        return []
    found = [ast.literal_eval(word.value) for word in node.keywords if word.arg == "levels"]
    return list(found[0] or []) if found else []


def check_levels(factors: dict[str, Any], levels: dict[str, list], said: str) -> None:
    """Raise if a factor has a level that is not known: formulaic would give it the base row."""
    for expr, known in levels.items():
        values = _as_column(factors[expr])
        _refuse_unseen(values, find_levels(values, known), expr, known, said)


def check_coded(factors: dict[str, Any], levels: dict[str, list], said: str) -> None:
    """Raise if formulaic finds no level in a row, whatever the reason: it would be the base row."""
    check_levels(factors, levels, said)
    for expr, known in levels.items():
        values = _as_column(factors[expr])
        coded = run_quietly(pd.Categorical, values, known)
        _refuse_unseen(values, np.asarray(coded.codes), expr, known, said)


def _as_column(values: Any) -> pd.Series:
    if isinstance(values, pd.Series):
        return values
    return pd.Series(np.atleast_1d(np.asarray(values, dtype=object)))


def _refuse_unseen(
    values: pd.Series, codes: np.ndarray, expr: str, known: Sequence[Any], said: str
) -> None:
    if (codes < 0).any():
        unseen = pd.unique(values[codes < 0].astype(object)).tolist()
        factor = said.format(expr.replace("`", ""))
        raise UnseenLevelError(
            f"{factor}: {list_some(unseen)}. Known levels: {list_some(known, 50)}."
        )

"""What a text says of its own form: what separates its cells, and how its decimals are written."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import Any

import pandas as pd

from mlelogit.data.arguments import check_choice, write_value
from mlelogit.data.files.formats import DECIMALS, SEPARATORS
from mlelogit.exceptions import DataFileError, DataFileWarning, OptionError
from mlelogit.notices import warn_user

# Letters and rows that are looked at to find out what separates cells.
LOOKED_AT, ROWS = 1 << 16, 5
_WHOLE = r"[+-]?\d+"
_POWER = r"(?:[eE][+-]?\d+)?"
_COMMAS = re.compile(rf"[+-]?\d*,\d+{_POWER}|{_WHOLE}")
_POINTS = re.compile(rf"[+-]?\d*\.\d+{_POWER}|[+-]?\d{{1,3}}(?:\.\d{{3}})+(?:,\d+)?|{_WHOLE}")


def check_signs(separator: str, decimal: str | None) -> None:
    """Raise `OptionError` if signs are none of those that may separate, or are one."""
    check_choice("separator", separator, list(SEPARATORS.values()))
    if decimal is not None:
        check_choice("decimal", decimal, list(DECIMALS.values()))
        if decimal == separator:
            raise OptionError("Commas cannot both separate cells and begin decimals.")


def find_separator(text: str, separator: str) -> str | None:
    r"""Return what else separates the cells of a text; None if nothing else does.

    That is what makes as many cells, more than one, of its names and of all of its first rows.

    Parameters
    ----------
    text : str
        How it begins.
    separator : str
        What it is read with.

    Examples
    --------
    >>> from mlelogit.data.files.dialects import find_separator
    >>> find_separator("y;x\na;1,5\n", ","), find_separator("y,x\na,1.5\n", ",")
    ('semicolon', None)
    """
    looked = text[:LOOKED_AT]
    lines = looked.splitlines(keepends=True)
    whole = "".join(lines if len(looked) == len(text) else lines[:-1])
    for name, other in SEPARATORS.items():
        rows = [
            row
            for row in islice(csv.reader(io.StringIO(whole, None), delimiter=other), ROWS)
            if row
        ]
        counts = {len(row) for row in rows}
        if other != separator and len(rows) > 1 and len(counts) == 1 and counts != {1}:
            return name
    return None


def tell_separator(told: str, text: str, separator: str) -> str:
    """Say that something else separates cells, and how to read them; nothing if it does not."""
    name = find_separator(text, separator)
    if name is None:
        return ""
    own = next(one for one, sign in SEPARATORS.items() if sign == separator)
    comma = " and decimal=','" if name == "semicolon" else ""
    return (
        f"{told} is read as cells with a {own} between them, and a {name} separates them: read it "
        f"with separator={SEPARATORS[name]!r}{comma and f', if its numbers are like 1,5{comma}'}."
    )


def check_decimals(frame: pd.DataFrame, told: str, decimal: str | None) -> None:
    """Tell of columns that are text because their numbers are written in another way.

    Parameters
    ----------
    frame : pandas.DataFrame
        As it was read.
    told : str
        What it is called.
    decimal : str or None
        What was asked for.

    Raises
    ------
    DataFileError
        If numbers have commas, and it was not said what these are.

    Warns
    -----
    DataFileWarning
        If numbers have points where commas are decimal.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.files.dialects import check_decimals
    >>> check_decimals(pd.DataFrame({"x": ["1,5", "2"]}), "'a.csv'", None)
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.DataFileError: Column 'x' of 'a.csv' has numbers with commas, '1,5': ...
    """
    for name in frame.columns if decimal != "." else ():
        column = frame[name].dropna()
        sign, pattern = (".", _POINTS) if decimal == "," else (",", _COMMAS)
        found = _find_sign(column, sign, pattern)
        if found is not None and decimal is None:
            raise DataFileError(
                f"Column {name!r} of {told} has numbers with commas, {write_value(found)}: say by "
                "decimal=',' that these are decimal commas, or by decimal='.' that they are not, "
                "and the column is text."
            )
        if found is not None:
            warn_user(
                f"Column {name!r} of {told} is text, for it has points, {write_value(found)}, and "
                "commas are decimal: take points between thousands out, or read it with "
                "decimal='.', if points are decimal.",
                DataFileWarning,
            )


def _find_sign(column: pd.Series, sign: str, pattern: re.Pattern[str]) -> Any:
    """Return the first of the texts that has a sign, if all of them are such numbers."""
    if not len(column) or pd.api.types.is_numeric_dtype(column.dtype):
        return None
    first = None
    for value in column:
        if not isinstance(value, str) or not pattern.fullmatch(value.strip()):
            return None
        first = value if first is None and sign in value else first
    return first

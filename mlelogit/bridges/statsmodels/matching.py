"""Names: of columns at prediction, of equations, of what a formula made of variables."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from mlelogit.bridges.statsmodels.likelihood import name_categories
from mlelogit.data.frames import convert_foreign, list_some
from mlelogit.exceptions import ColumnNotFoundError, DuplicateColumnError

FACTOR = re.compile(r"^(C\([^():]*\)|[\w.]+)\[[^\[\]]*\]$")
MADE = re.compile(r"[:(]")


def align_columns(model: Any, exog: Any, transform: bool = True) -> Any:
    """Return new rows with the columns of the fit in its order, where they have names.

    A frame that shares no name with the fit's goes by position, as do arrays.

    Parameters
    ----------
    model : MNLogit
    exog : array-like or None
        (m, K).
    transform : bool
        Whether a formula will look the columns up itself.

    Raises
    ------
    ColumnNotFoundError
        If some columns of the fit are there and others are not.
    DuplicateColumnError
        If one stands twice.
    """
    if exog is None or (transform and hasattr(model, "formula")):
        return exog
    exog = convert_foreign(exog)
    if not isinstance(exog, pd.DataFrame) or not isinstance(model.data.orig_exog, pd.DataFrame):
        return exog
    names = list(model.exog_names)
    if list(exog.columns) == names:
        return exog
    absent = [name for name in names if name not in exog.columns]
    if len(absent) == len(names):
        return exog
    if absent:
        raise ColumnNotFoundError(
            f"Columns of the fit are missing in the new rows: {list_some(absent)}. Name them as "
            "the fit's, or pass an array, whose columns go by position."
        )
    twice = [name for name in names if list(exog.columns).count(name) > 1]
    if twice:
        raise DuplicateColumnError(f"New rows have columns twice: {list_some(twice)}.")
    return exog[names]


def name_equations(model: Any) -> tuple[str, ...]:
    """Return the categories without the base, as text."""
    return tuple(str(label) for label in name_categories(model)[1:])


def list_transformed(model: Any) -> list[str]:
    """Return the columns that a formula made of variables which stand elsewhere, or transformed.

    Dummies of a factor are not among them.
    """
    if not hasattr(model, "formula"):
        return []
    return [name for name in model.exog_names if MADE.search(name) and not FACTOR.match(name)]

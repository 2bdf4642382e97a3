"""Names: of columns at prediction, of equations, of what a formula made of variables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.bridges.statsmodels.likelihood import name_categories
from mlelogit.data.encoding import Encoding, encode_new
from mlelogit.data.frames import convert_foreign, list_foreign_names, list_names, list_some
from mlelogit.exceptions import ColumnNotFoundError, DuplicateColumnError, ParamsError
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.points import as_new_frame

MADE = re.compile(r"[:(]")
LEVEL = re.compile(r"\[[^\[\]]*\]$")
TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
# A column by its name in quotes, and a factor, whatever its contrasts.
PLAIN = re.compile(r"^(Q\(\)|C\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|[\w.]+)$")


def align_columns(model: Any, exog: Any, transform: bool = True) -> Any:
    """Return new rows with the columns of the fit in its order, where they have names.

    A frame that shares no name with the fit's goes by position, as do arrays. A dict is a frame, of
    single values one row.

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
    exog = convert_foreign(_frame_dict(exog))
    names = list(model.exog_names)
    row = isinstance(exog, pd.Series) and len(exog) == len(names) > 1
    if not (row or isinstance(exog, pd.DataFrame)) or not hasattr(model.data.orig_exog, "columns"):
        return exog
    columns = list(exog.index if row else exog.columns)
    if columns == names:
        return exog
    absent = [name for name in names if name not in columns]
    if len(absent) == len(names):
        return exog
    if absent:
        raise ColumnNotFoundError(
            f"Columns of the fit are missing in the new rows: {list_some(absent)}. Name them as "
            "the fit's, or pass an array, whose columns go by position."
        )
    twice = [name for name in names if columns.count(name) > 1]
    if twice:
        raise DuplicateColumnError(f"New rows have columns twice: {list_some(twice)}.")
    return exog[names]


def needs_encoding(encoding: Encoding, exog: Any) -> bool:
    """Tell whether new rows are variables of a fit of this package that made columns of them.

    That is so of a formula, or of a constant that was put beside the columns, unless the rows have
    all columns of the fit under their names.
    """
    if encoding.rhs is None and encoding.constant is None:
        return False
    named = isinstance(exog, pd.Series | dict) or bool(list_foreign_names(exog))
    if not named and not isinstance(exog, pd.DataFrame):
        return False
    own = exog.index if isinstance(exog, pd.Series) else list_names(_frame_dict(exog))
    return not set(encoding.names) <= set(own)


def encode_variables(encoding: Encoding, exog: Any) -> tuple[np.ndarray, pd.Index]:
    """Return the columns (m, K) of new rows of a fit's variables, and the rows' index."""
    rows = exog.to_frame().T.infer_objects() if isinstance(exog, pd.Series) else _frame_dict(exog)
    matrix, index = encode_new(encoding, as_new_frame(encoding, rows))
    return (matrix.toarray() if hasattr(matrix, "toarray") else matrix), index


def _frame_dict(exog: Any) -> Any:
    """Return a dict as a frame, of single values as one row; anything else as it is."""
    if not isinstance(exog, dict):
        return exog
    return pd.DataFrame({name: np.atleast_1d(values) for name, values in exog.items()})


def check_width(model: Any, values: Any) -> None:
    """Raise `ParamsError` if new rows have not as many columns as the fit."""
    names = list(model.exog_names)
    if values is not None and values.shape[1] != len(names):
        raise ParamsError(
            f"New rows have {values.shape[1]} columns; the fit has {len(names)}: "
            f"{list_some(names)}."
        )


def name_equations(model: Any) -> tuple[str, ...]:
    """Return the categories without the base, as text."""
    return tuple(str(label) for label in name_categories(model)[1:])


def list_transformed(model: Any, record: FitRecord | None = None) -> list[str]:
    """Return the columns that a formula made of variables which stand elsewhere, or transformed.

    Dummies of a factor are not among them.
    """
    own = record is not None and record.encoding.rhs is not None
    if not hasattr(model, "formula") and not own:
        return []
    return [name for name in model.exog_names if MADE.search(name) and not _is_plain(name)]


def _is_plain(name: str) -> bool:
    """Tell whether a column is a variable as it is, or a level of a factor."""
    bare = LEVEL.sub("", TEXT.sub("", name))
    level = bare != TEXT.sub("", name)
    return PLAIN.match(bare) is not None and (level or not bare.startswith("C("))

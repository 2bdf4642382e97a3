"""Code an outcome in categories that are known, and total the labels of one that is new."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import list_some
from mlelogit.data.outcome import Outcome, RawOutcome, check_table, factorize_labels, plain_label
from mlelogit.exceptions import ColumnNotFoundError, OutcomeError, UnseenLevelError


def total_labels(
    raw: RawOutcome, amounts: np.ndarray
) -> tuple[tuple | None, dict[Any, float], dict[Any, str]]:
    """Return the categories that labels declare, the weight of each found, and its type."""
    codes, labels = factorize_labels(raw.values)
    totals = np.bincount(codes, weights=amounts, minlength=len(labels)).tolist()
    declared = None
    if isinstance(raw.values.dtype, pd.CategoricalDtype):
        declared = tuple(plain_label(label) for label in raw.values.cat.categories)
    types = {label: _name_type(label) for label in labels}
    return declared, dict(zip(labels, totals, strict=True)), types


def _name_type(label: Any) -> str:
    if isinstance(label, int | float) and not isinstance(label, bool):
        return "number"
    return type(label).__name__


def match_outcome(raw: RawOutcome, categories: tuple, named: bool) -> Outcome:
    """Code an outcome in categories that are known already, such as those of a fit.

    Parameters
    ----------
    raw : RawOutcome
        Without missing values.
    categories : tuple
    named : bool
        Whether columns of counts or probabilities go by the names of categories; else they go by
        position.

    Raises
    ------
    UnseenLevelError
        If a label, or a column that is not all zero, is none of the categories.
    ColumnNotFoundError
        If a category has no column.
    OutcomeError
        If columns go by position and their number is another.

    Examples
    --------
    >>> from mlelogit.data.matching import match_outcome
    >>> from mlelogit.data.outcome import read_outcome
    >>> match_outcome(read_outcome(["b", "a"], None), ("a", "b"), False).codes.tolist()
    [1, 0]
    """
    if raw.kind == "labels":
        codes = _match_labels(raw, categories)
        return Outcome(codes, None, categories, categories, raw.kind, raw.name)
    check_table(raw.values, raw.kind)
    table = _pick_columns(raw, categories) if named else raw.values
    if table.shape[1] != len(categories):
        raise OutcomeError(
            f"The outcome has {table.shape[1]} columns; give {len(categories)}, one per category: "
            f"{list_some(categories, 20)}."
        )
    return Outcome(None, table, categories, categories, raw.kind, raw.name)


def _match_labels(raw: RawOutcome, categories: tuple) -> np.ndarray:
    codes, labels = factorize_labels(raw.values)
    places = {category: place for place, category in enumerate(categories)}
    unseen = [code for code, label in enumerate(labels) if label not in places]
    if unseen:
        first = np.flatnonzero(np.isin(codes, unseen))
        raise UnseenLevelError(
            f"The outcome {raw.name!r} has categories that the fit has not seen: "
            f"{list_some([labels[code] for code in unseen])}, in {len(first)} rows, the first by "
            f"position {first[0]}. Categories: {list_some(categories, 50)}."
        )
    found = np.array([places.get(label, -1) for label in labels], dtype=np.int64)
    return np.asarray(found[codes])


def _pick_columns(raw: RawOutcome, categories: tuple) -> np.ndarray:
    absent = [category for category in categories if category not in raw.names]
    if absent:
        raise ColumnNotFoundError(f"The outcome has no column for {list_some(absent)}.")
    beyond = [
        name
        for name, total in zip(raw.names, raw.values.sum(axis=0), strict=True)
        if total > 0 and name not in categories
    ]
    if beyond:
        raise UnseenLevelError(
            f"The outcome has observations in categories that the fit has not seen: "
            f"{list_some(beyond)}. Categories: {list_some(categories, 50)}."
        )
    return raw.values[:, [raw.names.index(category) for category in categories]]

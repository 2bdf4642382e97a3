"""Which rows are used: weights, offset, missing values, and the audit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.encoding import Encoding
from mlelogit.data.frames import (
    as_numbers,
    check_missing,
    convert_foreign,
    is_foreign_frame,
    list_some,
)
from mlelogit.data.outcome import Outcome, RawOutcome
from mlelogit.data.sources import as_matrix
from mlelogit.exceptions import (
    EmptyDataError,
    OffsetError,
    OptionError,
    WeightError,
    WeightTypeError,
)

WEIGHT_TYPES = ("frequency", "sampling", "importance")
MISSING_ACTIONS = ("raise", "drop")
LARGEST_OFFSET = 1e100


@dataclass(frozen=True)
class DataOptions:
    """What a user says about the data; see `mlelogit.MNLogit` for each field."""

    base: Any = None
    weights: Any = None
    weight_type: str | None = None
    offset: Any = None
    outcome: str | None = None
    missing: str = "raise"

    def __post_init__(self) -> None:
        if self.missing not in MISSING_ACTIONS:
            raise OptionError(
                f"missing must be one of {', '.join(MISSING_ACTIONS)}, not {self.missing!r}."
            )
        listed = ", ".join(repr(kind) for kind in WEIGHT_TYPES)
        if self.weights is not None and self.weight_type is None:
            raise WeightTypeError(
                f"weights need weight_type, one of {listed}: they differ in the number of "
                "observations, the covariance and the tests."
            )
        if self.weight_type is not None and self.weight_type not in WEIGHT_TYPES:
            raise WeightTypeError(f"weight_type must be one of {listed}, not {self.weight_type!r}.")
        if self.weights is None and self.weight_type is not None:
            raise WeightTypeError(f"weight_type={self.weight_type!r} was given without weights.")


@dataclass(frozen=True)
class Audit:
    """Rows in and out of a fit, and why.

    Attributes
    ----------
    rows_in, rows_used : int
    dropped : dict
        Reason -> number of rows, in the order in which rows were judged.
    missing : dict
        Column -> number of missing values among the rows that came in.
    categories : dict
        Category -> its total (rows, people or weight) among the rows used.
    unused : tuple
        Categories declared and not found.
    """

    rows_in: int
    rows_used: int
    dropped: dict[str, int] = field(default_factory=dict)
    missing: dict[Hashable, int] = field(default_factory=dict)
    categories: dict[Any, float] = field(default_factory=dict)
    unused: tuple = ()

    def __str__(self) -> str:
        lines = [f"Rows in: {self.rows_in}, used: {self.rows_used}"]
        lines += [f"  dropped: {count} ({reason})" for reason, count in self.dropped.items()]
        if self.missing:
            counts = ", ".join(f"{name} {count}" for name, count in self.missing.items())
            lines.append(f"  missing values by column: {counts}")
        found = ", ".join(f"{name} {total:.10g}" for name, total in self.categories.items())
        lines.append(f"Categories found: {found}")
        if self.unused:
            lines.append(f"  without a row: {list_some(self.unused)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Rows:
    """The rows kept, and what was dropped."""

    kept: np.ndarray
    dropped: dict[str, int]
    missing: dict[Hashable, int]
    total: int


def read_weights(options: DataOptions, given: Any = None) -> np.ndarray | None:
    """Read the weights (n,) and judge them by their type; NaN where missing."""
    given = options.weights if given is None else given
    if given is None:
        return None
    weights = _read_vector(given, "weights", WeightError).astype(np.float64)
    bad = np.flatnonzero((weights < 0) | np.isinf(weights))
    if bad.size:
        raise WeightError(
            f"Weights are finite and not negative; row {bad[0]} has {weights[bad[0]]}, and "
            f"{bad.size} rows are like it."
        )
    if options.weight_type == "frequency":
        broken = np.flatnonzero(weights != np.floor(weights))
        broken = broken[~np.isnan(weights[broken])]
        if broken.size:
            raise WeightError(
                f"Frequency weights are whole numbers; row {broken[0]} has "
                f"{weights[broken[0]]}. Use weight_type='sampling' or 'importance'."
            )
    if (weights == 0).all():
        raise WeightError("All weights are zero.")
    return weights


def _read_vector(given: Any, what: str, error: type[Exception]) -> np.ndarray:
    given = convert_foreign(given) if is_foreign_frame(given) else given
    if isinstance(given, pd.DataFrame) and given.shape[1] == 1:
        given = given.iloc[:, 0]
    if np.ndim(given) != 1:
        raise error(f"{what} must be one number per row, not {np.ndim(given)}-dimensional.")
    return as_numbers(given if hasattr(given, "dtype") else pd.Series(list(given)), what)


def read_offset_values(given: Any, length: int) -> tuple[np.ndarray, list | None] | None:
    """Return the offset as a float array (n, any) and its column names, if it has any."""
    if given is None:
        return None
    given = convert_foreign(given) if is_foreign_frame(given) else given
    labels = list(given.columns) if isinstance(given, pd.DataFrame) else None
    if isinstance(given, pd.DataFrame):
        columns = [as_numbers(given[name], f"offset {name}") for name in given.columns]
        array = np.column_stack(columns)
    else:
        array = as_matrix(given, "offset")
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or len(array) != length:
        raise OffsetError(f"The offset has shape {array.shape}; give one row for each of {length}.")
    array = array.astype(np.float64)
    beyond = np.abs(array) > LARGEST_OFFSET
    if beyond.any():
        row = int(np.argwhere(beyond)[0, 0])
        raise OffsetError(f"The offset is beyond {LARGEST_OFFSET:g} or infinite in row {row}.")
    return array, labels


def settle_offset(
    offset: tuple[np.ndarray, list | None],
    outcome: Outcome | None,
    encoding: Encoding,
    rows: np.ndarray,
) -> np.ndarray:
    """Lay an offset out over the J categories: (rows, J), zero for the base if not given.

    Columns named after categories are matched by name; otherwise J columns are
    the categories in order, and J - 1 columns those without the base.

    Raises
    ------
    OffsetError
        If the columns are neither J nor J - 1.
    """
    array, labels = offset
    declared = encoding.categories if outcome is None else outcome.declared
    base = declared.index(encoding.base_category)
    without_base = declared[:base] + declared[base + 1 :]
    if labels is not None and set(encoding.others) <= set(labels) <= set(declared):
        order = labels
    elif array.shape[1] == len(declared):
        order = list(declared)
    elif array.shape[1] == len(without_base):
        order = list(without_base)
    else:
        raise OffsetError(
            f"The offset has {array.shape[1]} columns; give {len(declared)}, one per category "
            f"({list_some(declared, 20)}), or {len(without_base)}, without the base."
        )
    full = np.zeros((len(rows), len(encoding.categories)))
    for position, category in enumerate(order):
        if category in encoding.categories:
            full[:, encoding.categories.index(category)] = array[rows, position]
    return full


def read_new_offset(given: Any, length: int, encoding: Encoding) -> np.ndarray:
    """Read the offset that goes with new rows: (length, J)."""
    offset = read_offset_values(given, length)
    if offset is None:
        raise OffsetError("The model has an offset; give offset= for the new rows.")
    if np.isnan(offset[0]).any():
        raise OffsetError("The offset for the new rows holds missing values.")
    return settle_offset(offset, None, encoding, np.arange(length))


def select_rows(
    raw: RawOutcome,
    missing: Mapping[Any, np.ndarray],
    weights: np.ndarray | None,
    offset: tuple[np.ndarray, list | None] | None,
    options: DataOptions,
) -> Rows:
    """Judge every row once: missing values first, then zero weight."""
    total = len(raw.values)
    if not total:
        raise EmptyDataError("There are no rows to fit.")
    masks: dict[Hashable, np.ndarray] = {raw.name: raw.missing, **missing}
    if weights is not None:
        masks["weights"] = np.isnan(weights)
    if offset is not None:
        masks["offset"] = np.isnan(offset[0]).any(axis=1)
    if options.missing == "raise":
        _raise_missing(masks)
    incomplete = np.logical_or.reduce(list(masks.values()))
    weightless = ~incomplete & _find_weightless(raw, weights)
    dropped = {"missing values": incomplete, "zero weight": weightless}
    kept = np.flatnonzero(~incomplete & ~weightless)
    if not kept.size:
        raise EmptyDataError("No row is left after dropping missing values and zero weights.")
    return Rows(
        kept,
        {reason: int(mask.sum()) for reason, mask in dropped.items() if mask.any()},
        {name: int(mask.sum()) for name, mask in masks.items() if mask.any()},
        total,
    )


def _raise_missing(masks: dict[Hashable, np.ndarray]) -> None:
    try:
        check_missing(masks)
    except ValueError as error:
        raise type(error)(f"{error} Pass missing='drop' to leave these rows out.") from None


def _find_weightless(raw: RawOutcome, weights: np.ndarray | None) -> np.ndarray:
    mask = np.zeros(len(raw.values), dtype=bool)
    if weights is not None:
        mask |= weights == 0
    if raw.kind == "counts":
        mask |= raw.values.sum(axis=1) == 0
    return mask

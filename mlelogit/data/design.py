"""Design: the rows used, where their columns come from, and the audit of the rest."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.encoding import Encoding, learn_columns
from mlelogit.data.formulas import parse_formula
from mlelogit.data.frames import (
    as_frame,
    as_numbers,
    check_finite,
    check_indexes,
    check_lengths,
    check_missing,
    check_unique_names,
    convert_foreign,
    find_missing,
    is_foreign_frame,
    list_some,
)
from mlelogit.data.outcome import Outcome, RawOutcome, find_base, read_outcome, settle_outcome
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    EmptyDataError,
    OffsetError,
    OptionError,
    WeightError,
    WeightTypeError,
)

WEIGHT_TYPES = ("frequency", "sampling", "importance")
MISSING_ACTIONS = ("raise", "drop")


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
            raise WeightTypeError(
                f"weight_type must be one of {listed}, not {self.weight_type!r}."
            )
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


class ColumnSource(Protocol):
    """Where the columns of a design are: nothing else knows how they are stored."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n, K)."""

    def block(self, start: int, stop: int) -> np.ndarray:
        """Return rows start to stop, columns first: (K, stop - start), float64."""

    def take(self, rows: np.ndarray) -> ColumnSource:
        """Return the source of the rows at these positions."""


@dataclass(frozen=True)
class ArraySource:
    """Columns in one array (n, K) of any real dtype."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape[0], self.array.shape[1]

    def block(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop].T.astype(np.float64, copy=False)

    def take(self, rows: np.ndarray) -> ArraySource:
        return ArraySource(self.array[rows])


@dataclass(frozen=True)
class ColumnsSource:
    """Columns in K arrays (n,), each of its own dtype."""

    columns: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return (len(self.columns[0]) if self.columns else 0), len(self.columns)

    def block(self, start: int, stop: int) -> np.ndarray:
        return np.stack([column[start:stop].astype(np.float64) for column in self.columns])

    def take(self, rows: np.ndarray) -> ColumnsSource:
        return ColumnsSource(tuple(column[rows] for column in self.columns))


@dataclass(frozen=True)
class SparseSource:
    """Columns in a scipy.sparse array in compressed row form."""

    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    def block(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop].toarray().T.astype(np.float64, copy=False)

    def take(self, rows: np.ndarray) -> SparseSource:
        return SparseSource(self.array[rows])


@dataclass(frozen=True)
class Design:
    """The rows used in a fit.

    Attributes
    ----------
    encoding : Encoding
    outcome : Outcome
    source : ColumnSource
        Columns of the n rows used.
    weights : numpy.ndarray or None
        (n,), positive.
    weight_type : str or None
    offset : numpy.ndarray or None
        (n, J), added to the J scores.
    index : pandas.Index
        Index of the rows used.
    audit : Audit
    """

    encoding: Encoding
    outcome: Outcome
    source: ColumnSource
    weights: np.ndarray | None
    weight_type: str | None
    offset: np.ndarray | None
    index: pd.Index
    audit: Audit


@dataclass(frozen=True)
class _Rows:
    """The rows kept, and what was dropped."""

    kept: np.ndarray
    dropped: dict[str, int]
    missing: dict[Hashable, int]
    total: int


def make_design(endog: Any, exog: Any, options: DataOptions) -> Design:
    """Make a design from an outcome and a matrix of columns.

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with the input.
    """
    for name in ("weights", "offset"):
        if isinstance(getattr(options, name), str):
            raise ColumnNotFoundError(
                f"{name}={getattr(options, name)!r} names a column, but there is no frame to "
                "look it up in; pass the values."
            )
    exog = convert_foreign(exog) if is_foreign_frame(exog) else exog
    names, columns, source = _read_columns(exog)
    raw = read_outcome(endog, options.outcome)
    inputs = {
        "endog": raw.values if isinstance(raw.values, pd.Series) else endog,
        "exog": exog,
        "weights": options.weights,
        "offset": options.offset,
    }
    check_lengths({"endog": len(raw.values), "exog": source.shape[0]})
    index = _pair_rows(inputs, source.shape[0])
    weights = _read_weights(options)
    offset = _read_offset_values(options.offset, source.shape[0])
    missing = {name: find_missing(column) for name, column in columns.items()}
    rows = _select_rows(raw, missing, weights, offset, options)
    check_finite({name: values[rows.kept] for name, values in columns.items()})
    kept = source if len(rows.kept) == rows.total else source.take(rows.kept)
    outcome = settle_outcome(raw, rows.kept)
    learned = {"names": names}
    return _assemble(outcome, learned, kept, rows, weights, offset, index, options)


def make_design_from_formula(formula: str, data: Any, options: DataOptions) -> Design:
    """Make a design from a formula and a frame; weights and offset may name columns."""
    given = data
    frame = as_frame(data)
    parsed = parse_formula(formula, list(frame.columns))
    kind = options.outcome
    if parsed.outcome_kind is not None:
        if kind not in (None, parsed.outcome_kind):
            raise OptionError(f"outcome={kind!r} contradicts {parsed.outcome_kind}() in {formula!r}.")
        kind = parsed.outcome_kind
    endog = frame[list(parsed.outcome)] if parsed.outcome_kind else frame[parsed.outcome[0]]
    name = f"{kind}({', '.join(parsed.outcome)})" if parsed.outcome_kind else parsed.outcome[0]
    raw = read_outcome(endog, kind, name)
    given_weights = _look_up(options.weights, frame, "weights")
    given_offset = _look_up(options.offset, frame, "offset")
    paired = frame if isinstance(given, pd.DataFrame) else None
    index = _pair_rows({"data": paired, "weights": given_weights, "offset": given_offset}, len(frame))
    weights = _read_weights(options, given_weights)
    offset = _read_offset_values(given_offset, len(frame))
    missing = {variable: find_missing(frame[variable]) for variable in parsed.variables}
    rows = _select_rows(raw, missing, weights, offset, options)
    outcome = settle_outcome(raw, rows.kept)
    encoded = learn_columns(parsed, frame[list(parsed.variables)].iloc[rows.kept])
    source = ArraySource(encoded.matrix)
    return _assemble(outcome, encoded.learned, source, rows, weights, offset, index, options)


def _assemble(
    outcome: Outcome,
    learned: dict[str, Any],
    source: ColumnSource,
    rows: _Rows,
    weights: np.ndarray | None,
    offset: tuple[np.ndarray, list | None] | None,
    index: pd.Index,
    options: DataOptions,
) -> Design:
    if source.shape[1] == 0:
        raise EmptyDataError("There are no columns to fit; write '~ 1' for a constant alone.")
    encoding = Encoding(
        categories=outcome.categories,
        base=find_base(options.base, outcome.categories),
        outcome_name=outcome.name,
        outcome_kind=outcome.kind,
        **learned,
    )
    kept_weights = None if weights is None else weights[rows.kept].astype(np.float64)
    totals = _total_categories(outcome, kept_weights)
    unused = tuple(label for label in outcome.declared if label not in outcome.categories)
    audit = Audit(rows.total, len(rows.kept), rows.dropped, rows.missing, totals, unused)
    return Design(
        encoding=encoding,
        outcome=outcome,
        source=source,
        weights=kept_weights,
        weight_type=options.weight_type,
        offset=None if offset is None else settle_offset(offset, outcome, encoding, rows.kept),
        index=index[rows.kept],
        audit=audit,
    )


def _total_categories(outcome: Outcome, weights: np.ndarray | None) -> dict[Any, float]:
    if outcome.codes is not None:
        totals = np.bincount(outcome.codes, weights=weights)
    else:
        table = np.asarray(outcome.table)
        totals = table.sum(axis=0) if weights is None else weights @ table
    return dict(zip(outcome.categories, totals.tolist(), strict=True))


def _pair_rows(inputs: dict[str, Any], length: int) -> pd.Index:
    given = {name: value for name, value in inputs.items() if value is not None}
    check_lengths(
        {"data": length, **{name: len(value) for name, value in given.items() if _has_rows(value)}}
    )
    index = check_indexes(given)
    return pd.RangeIndex(length) if index is None else index


def _has_rows(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)


def _look_up(value: Any, frame: pd.DataFrame, what: str) -> Any:
    """Take a column name, or a list of them, from the frame; pass anything else on."""
    names = value if isinstance(value, list | tuple) else [value]
    if not names or not all(isinstance(name, str) for name in names):
        return value
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise ColumnNotFoundError(f"{what} names {list_some(absent)}, which is no column.")
    return frame[value] if isinstance(value, str) else frame[list(names)]


def _read_columns(
    exog: Any,
) -> tuple[tuple, dict[Hashable, np.ndarray], ColumnSource]:
    """Return names, columns as numbers for the checks, and the source."""
    if isinstance(exog, pd.Series):
        exog = exog.to_frame()
    if isinstance(exog, dict):
        exog = pd.DataFrame(exog)
    if isinstance(exog, pd.DataFrame):
        check_unique_names(exog.columns, "exog")
        named = {name: as_numbers(exog[name], name) for name in exog.columns}
        return tuple(named), named, ColumnsSource(tuple(named.values()))
    if hasattr(exog, "tocsr"):
        return _read_sparse(exog)
    array = _as_array(exog)
    names = name_columns(array)
    columns = {name: array[:, i] for i, name in enumerate(names)}
    return names, columns, ArraySource(array)


def _read_sparse(exog: Any) -> tuple[tuple, dict[Hashable, np.ndarray], ColumnSource]:
    array = exog.tocsr()
    if array.dtype.kind not in "biuf":
        raise ColumnTypeError(f"exog has dtype {array.dtype}, which is not a real number.")
    bad = ~np.isfinite(array.data)
    names = tuple(f"x{i + 1}" for i in range(array.shape[1]))
    columns = {}
    for position in np.unique(array.indices[bad]):
        columns[names[position]] = array[:, [position]].toarray()[:, 0]
    return names, columns, SparseSource(array)


def _as_array(exog: Any) -> np.ndarray:
    try:
        array = np.asarray(exog)
    except ValueError as error:
        raise ColumnTypeError("exog is not a rectangle: its rows differ in length.") from error
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ColumnTypeError(f"exog has {array.ndim} dimensions; give rows by columns.")
    if array.dtype.kind in "biuf":
        return array
    names = [f"x{i + 1}" for i in range(array.shape[1])]
    numbers = [as_numbers(pd.Series(array[:, i]), name) for i, name in enumerate(names)]
    return np.column_stack(numbers) if numbers else np.empty((len(array), 0))


def name_columns(array: np.ndarray) -> tuple[str, ...]:
    """Name the columns of an unnamed array as statsmodels does: x1, x2, ..., const.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.data.design import name_columns
    >>> name_columns(np.array([[1.0, 3.0], [1.0, 5.0]]))
    ('const', 'x1')
    """
    width = array.shape[1]
    if array.shape[0]:
        constant = (array == array[:1]).all(axis=0) & (array[0] != 0)
        if constant.any():
            names = [f"x{i}" for i in range(1, width)]
            names.insert(int(np.argmax(constant)), "const")
            return tuple(names)
    return tuple(f"x{i + 1}" for i in range(width))


def _read_weights(options: DataOptions, given: Any = None) -> np.ndarray | None:
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
    if not (weights > 0).any():
        raise WeightError("All weights are zero.")
    return weights


def _read_vector(given: Any, what: str, error: type[Exception]) -> np.ndarray:
    given = convert_foreign(given) if is_foreign_frame(given) else given
    if isinstance(given, pd.DataFrame) and given.shape[1] == 1:
        given = given.iloc[:, 0]
    if np.ndim(given) != 1:
        raise error(f"{what} must be one number per row, not {np.ndim(given)}-dimensional.")
    return as_numbers(given if hasattr(given, "dtype") else pd.Series(list(given)), what)


def _read_offset_values(given: Any, length: int) -> tuple[np.ndarray, list | None] | None:
    """Return the offset as a float array (n, any) and its column names, if it has any."""
    if given is None:
        return None
    given = convert_foreign(given) if is_foreign_frame(given) else given
    labels = list(given.columns) if isinstance(given, pd.DataFrame) else None
    if isinstance(given, pd.DataFrame):
        columns = [as_numbers(given[name], f"offset {name}") for name in given.columns]
        array = np.column_stack(columns)
    else:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            array = _as_array(given)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or len(array) != length:
        raise OffsetError(f"The offset has shape {array.shape}; give one row for each of {length}.")
    array = array.astype(np.float64)
    if np.isinf(array).any():
        row = int(np.argwhere(np.isinf(array))[0, 0])
        raise OffsetError(f"The offset is infinite in row {row}.")
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
    offset = _read_offset_values(given, length)
    if offset is None:
        raise OffsetError("The model has an offset; give offset= for the new rows.")
    if np.isnan(offset[0]).any():
        raise OffsetError("The offset for the new rows holds missing values.")
    return settle_offset(offset, None, encoding, np.arange(length))


def _select_rows(
    raw: RawOutcome,
    missing: dict[Hashable, np.ndarray],
    weights: np.ndarray | None,
    offset: tuple[np.ndarray, list | None] | None,
    options: DataOptions,
) -> _Rows:
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
    return _Rows(
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


def total_observations(design: Design) -> float:
    """Return nobs: people for counts, summed frequency or importance weights, else rows."""
    outcome = design.outcome
    people = (
        np.ones(len(design.index))
        if outcome.kind != "counts"
        else np.asarray(outcome.table).sum(axis=1)
    )
    if design.weights is not None and design.weight_type != "sampling":
        people = people * design.weights
    total = float(people.sum())
    return int(total) if total.is_integer() else total


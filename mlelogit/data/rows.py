"""Which rows are used: weights, offset, missing values, and the audit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, check_compress
from mlelogit.data.encoding import Encoding
from mlelogit.data.foreign import unmask
from mlelogit.data.frames import (
    as_frame,
    as_numbers,
    check_missing,
    check_unique_names,
    convert_foreign,
    fetch,
    find_rows,
    list_some,
)
from mlelogit.data.outcome import RawOutcome
from mlelogit.data.sources import as_matrix
from mlelogit.exceptions import (
    EmptyDataError,
    OffsetError,
    WeightError,
    WeightTypeError,
)
from mlelogit.markup import Shown

WEIGHT_TYPES = ("frequency", "sampling", "importance")
MISSING_ACTIONS = ("raise", "drop")
COLLINEAR_ACTIONS = ("drop", "raise")
LARGEST_OFFSET = 1e100
LARGEST_WEIGHT = 1e50


@dataclass(frozen=True)
class DataOptions:
    """What a user says about the data; see `mlelogit.MNLogit` for each field."""

    base: Any = None
    weights: Any = None
    weight_type: str | None = None
    offset: Any = None
    outcome: str | None = None
    missing: str = "raise"
    collinear: str = "drop"
    compress: bool | str = False

    def __post_init__(self) -> None:
        check_choice("missing", self.missing, MISSING_ACTIONS)
        check_choice("collinear", self.collinear, COLLINEAR_ACTIONS)
        check_compress(self.compress)
        listed = ", ".join(repr(kind) for kind in WEIGHT_TYPES)
        if self.weights is not None and self.weight_type is None:
            raise WeightTypeError(
                f"weights need weight_type, one of {listed}: they differ in the number of "
                "observations, the covariance and the tests."
            )
        if self.weight_type is not None:
            check_choice("weight_type", self.weight_type, WEIGHT_TYPES, WeightTypeError)
        if self.weights is None and self.weight_type is not None:
            raise WeightTypeError(f"weight_type={self.weight_type!r} was given without weights.")

    def fetch(self) -> DataOptions:
        """Return the same with weights and offset of dask computed."""
        return replace(self, weights=fetch(self.weights), offset=_open_offset(self.offset))


@dataclass(frozen=True, repr=False)
class Audit(Shown):
    """Rows in and out of a fit, and why.

    Made by `mlelogit.results.MNLogitResults.audit`.

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
    rows_distinct : int or None
        How many rows the sums go over, where equal rows were found and counted.
    """

    rows_in: int
    rows_used: int
    dropped: dict[str, int] = field(default_factory=dict)
    missing: dict[Hashable, int] = field(default_factory=dict)
    categories: dict[Any, float] = field(default_factory=dict)
    unused: tuple = ()
    rows_distinct: int | None = None

    def __str__(self) -> str:
        distinct = "" if self.rows_distinct is None else f", distinct: {self.rows_distinct}"
        lines = [f"Rows in: {self.rows_in}, used: {self.rows_used}{distinct}"]
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


@dataclass(frozen=True)
class Given:
    """The rows as they were given, beside which more columns can be read afterwards.

    Attributes
    ----------
    total : int
        Their number.
    index : pandas.Index or None
        Theirs; None if they came without one, and pair by position.
    positions : numpy.ndarray or None
        (n,), where the rows used are among them; None if all are, in their order.
    frame : DataFrame or None
        The frame they came in, of whatever kind, for columns by name; a reference that
        shares its columns, so leave their values as they are while results are in use. Pickling
        leaves it behind.
    left_behind : bool
        Whether that has happened.
    new : bool
        Whether they are not the fit's own rows, but newdata.
    """

    total: int
    index: pd.Index | None = None
    positions: np.ndarray | None = None
    frame: Any = None
    left_behind: bool = False
    new: bool = False

    def __reduce__(self) -> tuple:
        """Pickle all but the frame, which is the user's and can hold far more than the model."""
        gone = self.left_behind or self.frame is not None
        return Given, (self.total, self.index, self.positions, None, gone, self.new)

    def __deepcopy__(self, memo: dict) -> Given:
        """Copy all but the frame, whose columns were shared from the start."""
        return replace(self, positions=None if self.positions is None else self.positions.copy())

    def take(self, rows: np.ndarray) -> Given:
        """Return the same with only some of the rows used, by their place among those used."""
        positions = rows if self.positions is None else self.positions[rows]
        return replace(self, positions=positions)


def name_aside(options: DataOptions) -> tuple:
    """Return the columns that weights and offset name, which a dot leaves out."""
    return read_names(options.weights) + read_names(options.offset)


def read_names(given: Any) -> tuple:
    """Return the column names in what may be one, or a list of them, or values."""
    items = given if isinstance(given, list | tuple) else [given]
    return tuple(items) if items and all(isinstance(item, str) for item in items) else ()


def read_weights(options: DataOptions, given: Any = None) -> np.ndarray | None:
    """Read the weights (n,) and judge them by their type; NaN where missing."""
    weights = read_some_weights(options, given)
    if weights is not None and weights.size and not np.isnan(weights).all():
        check_weight_range(float(np.nanmax(weights)))
    return weights


def read_some_weights(options: DataOptions, given: Any = None) -> np.ndarray | None:
    """Read weights as `read_weights` does, of rows that need not be all."""
    given = options.weights if given is None else given
    if given is None:
        return None
    name = _name(options.weights, "weights")
    weights = _read_vector(given, name, WeightError).astype(np.float64)
    bad = np.flatnonzero((weights < 0) | np.isinf(weights))
    if bad.size:
        more = {1: "", 2: ", and 1 more row is like it"}.get(
            bad.size, f", and {bad.size - 1} more rows are like it"
        )
        raise WeightError(
            f"Weights are finite and not negative; row {bad[0]} has {weights[bad[0]]}{more}."
        )
    if options.weight_type == "frequency":
        broken = np.flatnonzero(weights != np.floor(weights))
        broken = broken[~np.isnan(weights[broken])]
        if broken.size:
            raise WeightError(
                f"Frequency weights are whole numbers; row {broken[0]} has "
                f"{weights[broken[0]]}. Use weight_type='sampling' or 'importance'."
            )
    return weights


def sum_frequencies(
    options: DataOptions, weights: np.ndarray | None, rows: np.ndarray
) -> float | None:
    """Return how many observations frequency weights say that rows are; None without them."""
    if weights is None or options.weight_type != "frequency":
        return None
    return float(weights[rows].sum())


def check_weight_range(largest: float) -> None:
    """Raise `WeightError` if the largest of all weights is zero, or too large or small."""
    if largest == 0:
        raise WeightError("All weights are zero.")
    if not 1 / LARGEST_WEIGHT <= largest <= LARGEST_WEIGHT:
        raise WeightError(
            f"The largest weight is {largest:g}, outside {1 / LARGEST_WEIGHT:g} to "
            f"{LARGEST_WEIGHT:g}; divide all weights by one number."
        )


def _name(given: Any, otherwise: str) -> str:
    return given if isinstance(given, str) else otherwise


def _read_vector(given: Any, what: str, error: type[Exception]) -> np.ndarray:
    given = unmask(convert_foreign(given))
    given = given.toarray() if hasattr(given, "tocsr") else given
    if isinstance(given, pd.DataFrame) and given.shape[1] == 1:
        given = given.iloc[:, 0]
    try:
        dimensions = np.ndim(given)
    except ValueError as reason:
        raise error(f"{what} must be one number per row; its entries differ in length.") from reason
    if dimensions == 2 and np.shape(given)[1] == 1:
        given, dimensions = np.asarray(given)[:, 0], 1
    if dimensions != 1:
        raise error(f"{what} must be one number per row, not {dimensions}-dimensional.")
    return as_numbers(given if hasattr(given, "dtype") else pd.Series(list(given)), what)


@dataclass(frozen=True)
class RawOffset:
    """An offset as given.

    Attributes
    ----------
    values : numpy.ndarray
        (n, any), NaN where missing.
    labels : tuple or None
        Its column names, if it has any.
    """

    values: np.ndarray
    labels: tuple | None

    def list_missing(self) -> list[tuple[Hashable, np.ndarray]]:
        """Return names and masks (n,) of the missing values."""
        gaps = np.isnan(self.values)
        if self.labels is None:
            return [("offset", gaps.any(axis=1))]
        return [(f"offset {label}", gaps[:, i]) for i, label in enumerate(self.labels)]


def _open_offset(given: Any) -> Any:
    """Return an offset in memory, a dict as a frame and a sparse array as a plain one."""
    if hasattr(given, "tocsr"):
        return given.toarray()
    return as_frame(given, "offset") if isinstance(given, dict) else fetch(given)


def read_offset(given: Any, length: int) -> RawOffset | None:
    """Read an offset's values and the names of its columns."""
    if given is None:
        return None
    given = convert_foreign(_open_offset(given))
    if isinstance(given, pd.DataFrame):
        check_unique_names(given.columns, "The offset")
        if not given.shape[1]:
            raise OffsetError("The offset has no columns.")
        columns = [as_numbers(given[name], f"offset {name}") for name in given.columns]
        array, labels = np.column_stack(columns), tuple(given.columns)
    else:
        array, labels = as_matrix(given, "offset"), None
    if len(array) != length:
        raise OffsetError(f"The offset has shape {array.shape}; give one row for each of {length}.")
    array = array.astype(np.float64, copy=False)
    beyond = find_rows(array, lambda rows: (np.abs(rows) > LARGEST_OFFSET).any(axis=1))
    if beyond.size:
        raise OffsetError(
            f"The offset is beyond {LARGEST_OFFSET:g} or infinite in row {beyond[0]}."
        )
    return RawOffset(array, labels)


def lay_out_offset(offset: RawOffset, categories: tuple, declared: tuple, base: Any) -> tuple:
    """Say which category every column of an offset belongs to.

    Columns with names of categories go by name, and the base may be left out: its offset
    is zero. Columns without them go by position: one for each declared category
    in order, or one for each but the base.

    Parameters
    ----------
    offset : RawOffset
    categories, declared : tuple
        The categories used, and those declared.
    base : label
        The base category.

    Raises
    ------
    OffsetError
        If names and categories disagree, or the number of columns fits neither.
    """
    width = offset.values.shape[1]
    texts = {str(category): category for category in declared}
    texts |= {category: category for category in declared if isinstance(category, str)}
    if offset.labels is not None and {str(label) for label in offset.labels} & set(texts):
        named = [texts.get(str(label)) for label in offset.labels]
        absent = [category for category in categories if category not in named]
        strange = [label for label in offset.labels if str(label) not in texts]
        if strange or set(absent) - {base}:
            raise OffsetError(
                f"The offset's columns are {list_some(offset.labels, 20)}; the categories are "
                f"{list_some(declared, 20)}, of which the base {base!r} may be left out."
            )
        return tuple(named)
    others = tuple(category for category in declared if category != base)
    ambiguous = len(categories) < len(declared) and width == len(categories)
    if width in (len(declared), len(others)) and not ambiguous:
        return declared if width == len(declared) else others
    raise OffsetError(
        f"The offset has {width} columns; give {len(declared)}, one per category "
        f"({list_some(declared, 20)}), or {len(others)}, without the base {base!r}; or name "
        "the columns after the categories."
    )


def settle_offset(offset: RawOffset, layout: tuple, categories: tuple, base: int) -> np.ndarray:
    """Lay an offset out over the categories used, less the base's: (n, J).

    Only differences between categories matter, and a large common part would cost digits.
    """
    full = np.zeros((len(offset.values), len(categories)))
    for position, category in enumerate(layout):
        if category in categories:
            full[:, categories.index(category)] = offset.values[:, position]
    full -= full[:, [base]]
    return full


def read_new_offset(given: Any, length: int, encoding: Encoding) -> np.ndarray:
    """Read the offset that goes with new rows, laid out as the fit's was: (length, J)."""
    offset = read_offset(given, length)
    layout = encoding.offset_layout
    if offset is None or layout is None:
        raise OffsetError("The model has an offset; give offset= for the new rows.")
    if np.isnan(offset.values).any():
        raise OffsetError("The offset for the new rows holds missing values.")
    by_place = not encoding.offset_names or offset.labels != encoding.offset_names
    if by_place:
        layout = _lay_out_anew(offset, layout, encoding)
    return settle_offset(offset, layout, encoding.categories, encoding.base)


def _lay_out_anew(offset: RawOffset, layout: tuple, encoding: Encoding) -> tuple:
    """Say which category every column of a new offset belongs to.

    Columns without the base mean that of the fit, and could be misread after a change of
    base: then all J are asked for.
    """
    declared, base = encoding.declared, encoding.base_category
    anew = lay_out_offset(offset, encoding.categories, declared, base)
    fitted_base = [category for category in declared if category not in layout]
    if offset.labels is None and len(anew) < len(declared) and fitted_base not in ([], [base]):
        raise OffsetError(
            f"The fit's offset left out {fitted_base[0]!r}, and the base is now {base!r}; give "
            f"{len(declared)} columns, one per category, or name them."
        )
    return anew


def select_rows(
    raw: RawOutcome,
    missing: Mapping[Any, np.ndarray],
    weights: np.ndarray | None,
    offset: RawOffset | None,
    options: DataOptions,
) -> Rows:
    """Judge every row once: missing values first, then zero weight; some must be left."""
    if not len(raw.values):
        raise EmptyDataError("There are no rows to fit.")
    rows = judge_rows(raw, missing, weights, offset, options)
    check_left(len(rows.kept))
    return rows


def check_left(rows: int) -> None:
    """Raise `EmptyDataError` if no row is left to fit."""
    if not rows:
        raise EmptyDataError("No row is left after dropping missing values and zero weights.")


def judge_rows(
    raw: RawOutcome,
    missing: Mapping[Any, np.ndarray],
    weights: np.ndarray | None,
    offset: RawOffset | None,
    options: DataOptions,
    times: np.ndarray | None = None,
) -> Rows:
    """Judge rows as `select_rows` does, though none may be left; each counts so many times."""

    def count(mask: np.ndarray) -> int:
        return int(mask.sum() if times is None else times[mask].sum())

    masks = [*raw.list_missing(), *missing.items()]
    if weights is not None:
        masks.append((_name(options.weights, "weights"), np.isnan(weights)))
    if offset is not None:
        masks += offset.list_missing()
    if options.missing == "raise":
        check_missing(masks, advice=" Pass missing='drop' to leave these rows out.")
    incomplete = np.logical_or.reduce([mask for _, mask in masks])
    weightless = ~incomplete & _find_weightless(raw, weights)
    dropped = {"missing values": incomplete, "zero weight": weightless}
    return Rows(
        np.flatnonzero(~incomplete & ~weightless),
        {reason: count(mask) for reason, mask in dropped.items() if mask.any()},
        {name: count(mask) for name, mask in masks if mask.any()},
        len(raw.values),
    )


def _find_weightless(raw: RawOutcome, weights: np.ndarray | None) -> np.ndarray:
    mask = np.zeros(len(raw.values), dtype=bool)
    if weights is not None:
        mask |= weights == 0
    if raw.kind == "counts":
        mask |= raw.values.sum(axis=1) == 0
    return mask

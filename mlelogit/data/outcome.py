"""Recognize an outcome: labels, counts or probabilities, and its categories."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, write_value
from mlelogit.data.codes import is_text, number_arrow
from mlelogit.data.foreign import densify, infer_exactly, unmask
from mlelogit.data.frames import (
    COPIED_ELEMENTS,
    as_numbers,
    check_unique_names,
    convert_foreign,
    find_missing,
    find_rows,
    list_some,
)
from mlelogit.data.limits import check_categories
from mlelogit.exceptions import (
    BaseCategoryError,
    CategoryOrderWarning,
    ChangedRowsError,
    EmptyDataError,
    OneCategoryError,
    OutcomeError,
    UnusedLevelWarning,
)
from mlelogit.notices import warn_user

OUTCOME_KINDS = ("labels", "counts", "probabilities")
SHARE_TOLERANCE = 1e-8
LARGEST_COUNT = 1e50


@dataclass(frozen=True)
class RawOutcome:
    """An outcome as given, before rows are dropped.

    Attributes
    ----------
    values : pandas.Series or numpy.ndarray
        Labels (n,), or a float array (n, J) of counts or probabilities.
    kind : str
        "labels", "counts" or "probabilities".
    name : Hashable
        The outcome's name, for tables.
    names : tuple
        Category names of the J columns; empty for labels.
    meant : bool
        Whether the user said that they are labels.
    """

    values: Any
    kind: str
    name: Hashable
    names: tuple
    meant: bool = False

    def list_missing(self) -> list[tuple[Hashable, np.ndarray]]:
        """Return names and masks (n,) of the missing values."""
        mask = find_missing(self.values)
        if mask.ndim == 1:
            return [(self.name, mask)]
        return [(name, mask[:, i]) for i, name in enumerate(self.names)]


@dataclass(frozen=True)
class Outcome:
    """The outcome of the rows used.

    Attributes
    ----------
    codes : numpy.ndarray or None
        Category index of every row (n,), for labels.
    table : numpy.ndarray or None
        Counts or probabilities (n, J), for the other kinds.
    categories : tuple
        The J categories, in order.
    declared : tuple
        The categories in order with the unused ones, which `categories` leaves out.
    kind, name
        As in `RawOutcome`.
    """

    codes: np.ndarray | None
    table: np.ndarray | None
    categories: tuple
    declared: tuple
    kind: str
    name: Hashable


def read_outcome(endog: Any, kind: str | None, name: Hashable = None) -> RawOutcome:
    """Take an outcome of any accepted type and say which kind it is.

    One column is labels; several are probabilities if every row sums to one
    within 1e-8 and some entry is not whole, and counts if all entries are whole.

    Raises
    ------
    OptionError
        If `kind` is not None, "labels", "counts" or "probabilities".
    OutcomeError
        If the values fit no kind, or not the one asked for.
    """
    if kind is not None:
        check_choice("outcome", kind, OUTCOME_KINDS)
    endog = unmask(convert_foreign(endog))
    if hasattr(endog, "tocsr"):
        endog = endog.toarray()
    if isinstance(endog, pd.DataFrame) and endog.shape[1] == 1:
        endog = endog.iloc[:, 0]
    elif isinstance(endog, np.ndarray) and endog.ndim == 2 and endog.shape[1] == 1:
        endog = endog[:, 0]
    elif not isinstance(endog, pd.Series | pd.DataFrame | np.ndarray | pd.Categorical):
        endog = _from_sequence(endog)
    if np.ndim(endog) == 1:
        return _read_labels(endog, kind, name)
    if np.ndim(endog) != 2:
        raise OutcomeError(f"The outcome has {np.ndim(endog)} dimensions; give one or two.")
    return _read_table(endog, kind, name)


def _from_sequence(endog: Any) -> Any:
    if isinstance(endog, pd.MultiIndex):
        endog = endog.to_flat_index()
    if isinstance(endog, pd.api.extensions.ExtensionArray | pd.Index):
        return pd.Series(endog)
    if isinstance(endog, str) or not hasattr(endog, "__len__"):
        raise OutcomeError(f"The outcome must hold one entry per row, not {write_value(endog)}.")
    items = list(endog)
    if items and all(isinstance(item, list | tuple | np.ndarray) for item in items):
        if {len(item) for item in items} == {1}:
            return _from_sequence([item[0] for item in items])
        try:
            return np.array(items, dtype=float)
        except (TypeError, ValueError) as error:
            raise OutcomeError("The outcome's rows are not all numbers of one length.") from error
    return infer_exactly(items) if items else pd.Series([], dtype=object)


def _read_labels(endog: Any, kind: str | None, name: Hashable) -> RawOutcome:
    if kind not in (None, "labels"):
        raise OutcomeError(f"outcome={kind!r} needs one column per category, and there is one.")
    series = densify(endog if isinstance(endog, pd.Series) else pd.Series(endog))
    if series.dtype.kind == "c":
        raise OutcomeError("The outcome is complex; labels are strings, numbers or booleans.")
    if series.dtype == object and not _holds_strings(series):
        _check_hashable(series)
    elif series.dtype.kind == "f" and np.isinf(series.to_numpy(np.float64, na_value=0.0)).any():
        raise OutcomeError("The outcome holds infinite values, which are no labels.")
    own = series.name if series.name is not None else name
    return RawOutcome(series, "labels", "y" if own is None else own, (), kind == "labels")


def _holds_strings(series: pd.Series) -> bool:
    """Tell, without a loop in Python, whether all that is not missing is text."""
    return bool(pd.api.types.infer_dtype(series, skipna=True) == "string")


def _check_hashable(series: pd.Series) -> None:
    for row, value in enumerate(series):
        if not isinstance(value, Hashable):
            raise OutcomeError(f"The label in row {row} is {value!r}, which is not hashable.")


def _read_table(endog: Any, kind: str | None, name: Hashable) -> RawOutcome:
    if kind == "labels":
        raise OutcomeError(
            f"outcome='labels' needs one column, and the outcome has {np.shape(endog)[1]}."
        )
    names: tuple[Any, ...] = tuple(endog.columns) if isinstance(endog, pd.DataFrame) else ()
    check_unique_names(names, "The outcome")
    names = names or tuple(range(endog.shape[1]))
    columns = (
        [endog.iloc[:, i] for i in range(len(names))]
        if isinstance(endog, pd.DataFrame)
        else list(endog.T)
    )
    if isinstance(endog, np.ndarray) and endog.dtype == float and endog.size > COPIED_ELEMENTS:
        values = endog
    else:
        arrays = [as_numbers(column, label) for column, label in zip(columns, names, strict=True)]
        values = np.column_stack(arrays) if arrays else np.empty((len(endog), 0))
        values = values.astype(np.float64, copy=False)
    _check_not_negative(values, names)
    return RawOutcome(values, kind or _infer_kind(values), "y" if name is None else name, names)


def _check_not_negative(values: np.ndarray, names: tuple) -> None:
    def is_bad(rows: np.ndarray) -> np.ndarray:
        return np.asarray((rows < 0) | (rows > LARGEST_COUNT))

    bad = find_rows(values, lambda rows: np.any(is_bad(rows), axis=1))
    if bad.size:
        row, column = bad[0], int(np.argmax(is_bad(values[bad[0]])))
        raise OutcomeError(
            "Counts and probabilities are finite, not negative and at most "
            f"{LARGEST_COUNT:g}; row {row}, column {names[column]!r} holds {values[row, column]}."
        )


def _infer_kind(values: np.ndarray) -> str:
    broken = find_rows(values, lambda rows: _are_broken(rows) & ~np.any(np.isnan(rows), axis=1))
    return "probabilities" if broken.size else "counts"


def _are_broken(rows: np.ndarray) -> np.ndarray:
    """Tell which rows hold a number that is not whole."""
    return np.asarray((rows != np.floor(rows)).any(axis=1))


def check_table(values: np.ndarray, kind: str) -> None:
    """Raise `OutcomeError` if rows are not counts, or not probabilities, as their kind says."""
    if kind == "counts":
        bad = find_rows(values, _are_broken)
        say = "Counts are whole numbers"
    else:
        bad = np.flatnonzero(np.abs(values.sum(axis=1) - 1) > SHARE_TOLERANCE)
        say = (
            "An outcome of several columns is counts (whole numbers) or probabilities (rows "
            "that sum to 1)"
        )
    if bad.size:
        raise OutcomeError(
            f"{say}; {bad.size} rows are not so, the first of them (by position among the "
            f"rows used) {bad[0]}: {values[bad[0]].tolist()}."
        )


def settle_outcome(raw: RawOutcome, rows: np.ndarray, people: float | None = None) -> Outcome:
    """Find the categories of the rows used and code them.

    Parameters
    ----------
    raw : RawOutcome
    rows : numpy.ndarray
        Positions (m,) of the rows used.
    people : float, optional
        How many they stand for; one each if not given.

    Returns
    -------
    Outcome
        Unused categories left out, with an `UnusedLevelWarning`.

    Raises
    ------
    OneCategoryError
        If fewer than two categories remain.
    """
    if not rows.size:
        raise EmptyDataError("There are no rows to fit.")
    outcome = _settle_labels(raw, rows) if raw.kind == "labels" else _settle_table(raw, rows)
    if outcome.kind == "labels" and not _are_meant(raw):
        check_categories(outcome.categories, len(rows) if people is None else people, raw.name)
    kept = set(outcome.categories)
    unused = [category for category in outcome.declared if category not in kept]
    if unused:
        warn_user(
            f"Categories of {raw.name!r} without a row were dropped: {list_some(unused)}.",
            UnusedLevelWarning,
        )
    if len(outcome.categories) < 2:
        raise OneCategoryError(
            f"The outcome {raw.name!r} takes the single value {outcome.categories[0]!r} in the "
            "rows used; two categories or more are needed."
        )
    return outcome


def _are_meant(raw: RawOutcome) -> bool:
    """Tell whether the categories are declared, or labels were asked for."""
    return raw.meant or isinstance(raw.values.dtype, pd.CategoricalDtype)


def settle_again(
    raw: RawOutcome, rows: np.ndarray, known: Any = None, people: float | None = None
) -> Outcome:
    """Find the categories of rows and code them, in a fit's order if these are its rows again.

    Parameters
    ----------
    raw, rows, people
        As for `settle_outcome`.
    known : Encoding, optional
        That of the fit.

    Raises
    ------
    ChangedRowsError
        If the fit has other categories.
    """
    if known is None:
        return settle_outcome(raw, rows, people)
    outcome = settle_outcome(raw, rows, people)
    places = {label: place for place, label in enumerate(outcome.categories)}
    if set(places) != set(known.categories):
        raise ChangedRowsError(
            f"The rows have the categories {list_some(outcome.categories)}, and the fit "
            f"{list_some(known.categories)}: they are other rows."
        )
    order = [places[label] for label in known.categories]
    codes, table = outcome.codes, outcome.table
    return replace(
        outcome,
        codes=None if codes is None else np.argsort(order)[codes],
        table=None if table is None else table[:, order],
        categories=known.categories,
        declared=known.declared,
        name=known.outcome_name,
    )


def _settle_table(raw: RawOutcome, rows: np.ndarray) -> Outcome:
    table = raw.values if len(rows) == len(raw.values) else raw.values[rows]
    check_table(table, raw.kind)
    used = table.sum(axis=0) > 0
    kept = tuple(label for label, keep in zip(raw.names, used, strict=True) if keep)
    if not used.all():
        table = np.ascontiguousarray(table[:, used])
    return Outcome(None, table, kept, raw.names, raw.kind, raw.name)


def _settle_labels(raw: RawOutcome, rows: np.ndarray) -> Outcome:
    series = raw.values
    if isinstance(series.dtype, pd.CategoricalDtype):
        declared = tuple(plain_label(label) for label in series.cat.categories)
        codes, order = np.asarray(series.cat.codes), np.arange(len(declared))
    else:
        codes, labels = factorize_labels(series)
        order = order_labels(labels)
        declared = tuple(labels[i] for i in order)
    codes = codes if len(rows) == len(codes) else codes[rows]
    if codes.min() < 0:
        raise OutcomeError("A missing outcome was taken for a row to fit.")
    used = (np.bincount(codes, minlength=len(declared)) > 0)[order]
    kept = tuple(label for label, keep in zip(declared, used, strict=True) if keep)
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.cumsum(used) - 1
    return Outcome(position[codes], None, kept, declared, "labels", raw.name)


def factorize_labels(series: pd.Series) -> tuple[np.ndarray, list]:
    """Code labels by first appearance; labels that differ only in type must not merge."""
    if series.dtype == object and not _holds_strings(series):
        types: dict[Any, str] = {}
        for value in series[~series.isna()]:
            kind = "str" if isinstance(value, str) else type(value).__name__
            if types.setdefault(value, kind) != kind:
                raise OutcomeError(
                    f"The outcome holds {value!r} both as {types[value]} and as {kind}; "
                    "convert the labels to one type."
                )
    codes, labels = number_arrow(series) if is_text(series) else pd.factorize(series)
    values = [plain_label(label) for label in labels]
    if values and all(isinstance(value, float) and value.is_integer() for value in values):
        values = [int(value) for value in values]
    return np.asarray(codes), values


def plain_label(label: Any) -> Any:
    """Turn a numpy scalar into the Python object it stands for."""
    return label.item() if isinstance(label, np.generic) else label


def take_outcome(raw: RawOutcome, rows: np.ndarray) -> RawOutcome:
    """Return an outcome as given, of some rows."""
    if len(rows) == len(raw.values):
        return raw
    labels = isinstance(raw.values, pd.Series)
    return replace(raw, values=raw.values.iloc[rows] if labels else raw.values[rows])


def order_labels(labels: Sequence[Any]) -> np.ndarray:
    """Return the positions that sort labels; by type, then appearance, if they cannot be.

    Examples
    --------
    >>> from mlelogit.data.outcome import order_labels
    >>> order_labels(["b", "a", "c"]).tolist()
    [1, 0, 2]
    """
    try:
        order = sorted(range(len(labels)), key=lambda i: labels[i])
    except TypeError:
        order = sorted(range(len(labels)), key=lambda i: type(labels[i]).__name__)
        warn_user(
            "The labels cannot be compared with each other; their order is by type, then by "
            f"appearance: {list_some([labels[i] for i in order])}.",
            CategoryOrderWarning,
        )
    return np.array(order, dtype=np.int64)


def find_base(base: Any, categories: tuple, what: str = "base") -> int:
    """Return the position of the base category; the first one if none is asked for.

    A base that is not itself a category may be written as its text, as on a
    command line, where that is unambiguous. The argument is called ``what`` in messages.

    Raises
    ------
    BaseCategoryError
        If it is no category; the message lists them.
    """
    if base is None:
        return 0
    plain = plain_label(base)
    equal = [i for i, c in enumerate(categories) if _equal(c, plain)]
    same_type = [i for i in equal if type(categories[i]) is type(plain)]
    equal = [] if isinstance(plain, bool) else equal
    as_text = [i for i, c in enumerate(categories) if str(c) == str(plain)]
    for found in (same_type, equal, as_text):
        if len(found) == 1:
            return found[0]
    raise BaseCategoryError(
        f"{what}={write_value(base)} is not a category of the outcome. Categories: "
        f"{list_some(categories, 50)}."
    )


def _equal(category: Any, base: Any) -> bool:
    """Tell whether two are equal; an array, or what cannot be compared, equals no category."""
    try:
        answer = category == base
    except (TypeError, ValueError):
        return False
    return isinstance(answer, bool | np.bool_) and bool(answer)


def name_categories(categories: Sequence[Any]) -> list[str]:
    """Write categories as text; as Python literals where that is empty or two read the same."""
    names = [str(category) or repr(category) for category in categories]
    if len(set(names)) < len(names):
        names = [repr(category) for category in categories]
    return names

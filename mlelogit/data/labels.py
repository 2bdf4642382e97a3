"""Read what stands beside the rows given: groups, times, strata, one label for every row."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.design import Design
from mlelogit.data.foreign import densify, infer_exactly, unmask
from mlelogit.data.frames import (
    as_numbers,
    check_indexes,
    convert_foreign,
    fetch,
    find_missing,
    is_foreign_frame,
    list_names,
    list_some,
    look_up_column,
)
from mlelogit.data.rows import Given
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    InfiniteValueError,
    LabelError,
    LengthMismatchError,
    MissingDataError,
    RowsNotHeldError,
)

SHOWN = 5
# Multi-way sums pass over the rows for each of 2**m - 1 combinations: here 255.
MOST_WAYS = 8


@dataclass(frozen=True)
class Labels:
    """A label for every row used.

    Attributes
    ----------
    codes : numpy.ndarray
        (n,), int64: which of the labels every row has.
    names : pandas.Index
        (count,): the labels found on these rows, in order (in that of their appearance if
        they cannot be compared).
    name : str
        What they are called, for messages and tables.
    """

    codes: np.ndarray = field(repr=False)
    names: pd.Index = field(repr=False)
    name: str

    def __post_init__(self) -> None:
        self.codes.setflags(write=False)

    @property
    def count(self) -> int:
        """How many labels there are."""
        return len(self.names)


def read_labels(design: Design, given: Any, what: str = "groups") -> Labels:
    """Read one label for every row, and number the labels.

    Parameters
    ----------
    design : Design
    given : label of a column, or array-like
        A column of the frame that the model was made from; or values of the length of the
        rows given, before any were dropped. A pandas object pairs with the data if their
        indexes are identical, or the data had none.
    what : str
        The argument's name, for messages.

    Returns
    -------
    Labels
        The number of the label of every row used, the labels, and their name.

    Raises
    ------
    ColumnNotFoundError
        If it names no column.
    LabelError
        If it is not one label per row.
    LengthMismatchError, MisalignedIndexError
        If it does not pair with the rows given.
    MissingDataError
        If a row used has no label.
    ColumnTypeError
        If a column cannot be read as labels.
    RowsNotHeldError
        If rows are read in pieces and the labels are not a column of theirs.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.labels import read_labels
    >>> anes = ml.datasets.load_anes96()
    >>> labels = read_labels(ml.mnlogit("vote ~ age", anes).design, "PID")
    >>> labels.count, labels.name
    (7, 'PID')
    """
    members = _split_members(_need_rows(design), given, what)
    if len(members) > 1:
        raise LabelError(f"{what} takes one column of labels, not {len(members)}.")
    return number_labels(*read_column(design, members[0] if members else given, what))


def read_several_labels(design: Design, given: Any, what: str = "groups") -> tuple[Labels, ...]:
    """Read one set of labels, or several: a list of names or columns, a frame, a 2-d array.

    A list as long as the rows given holds a label for every row; each set is read by `read_labels`.

    Parameters
    ----------
    design : Design
    given : label of a column, array-like, or several of them
    what : str
        The argument's name, for messages.

    Returns
    -------
    tuple of Labels

    Raises
    ------
    LabelError
        If such a list could as well be names of columns, one stands twice, or there are more
        than 8; and whatever `read_labels` raises.
    ColumnNotFoundError, ColumnTypeError, LengthMismatchError, MisalignedIndexError
        As in `read_labels`.
    MissingDataError, RowsNotHeldError
        As in `read_labels`.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.labels import read_several_labels
    >>> model = ml.mnlogit("vote ~ age", ml.datasets.load_anes96())
    >>> [labels.count for labels in read_several_labels(model.design, ["PID", "educ"])]
    [7, 7]
    """
    members = _split_members(_need_rows(design), given, what)
    _check_members(members, what)
    if len(members) == 1:
        return (read_labels(design, members[0], what),)
    return tuple(read_labels(design, member, f"{what}[{i}]") for i, member in enumerate(members))


def read_cluster_labels(design: Design, given: Any, what: str = "groups") -> tuple[Labels, ...]:
    """Read what `read_several_labels` does, of rows that are read in pieces by columns' names."""
    if design.stream is not None:
        return design.stream.read_labels(given, what)
    return read_several_labels(design, given, what)


def read_column(
    design: Design, given: Any, what: str, every: bool = False
) -> tuple[pd.Series, str]:
    """Read one value for every row used (n,), and what to call it; see `read_labels`.

    With `every` the values of all rows given come back; none may miss on the rows used.
    """
    beside = _need_rows(design)
    whole, name = _find_column(beside, given, what)
    used = whole if beside.positions is None else whole.iloc[beside.positions]
    missing = find_missing(used)
    if missing.any():
        rows = np.flatnonzero(missing)
        rows = rows if beside.positions is None else beside.positions[rows]
        where = "rows of newdata" if beside.new else "of the rows used"
        remedy = "leave these rows out" if beside.new else "fit without these rows"
        raise MissingDataError(
            f"{name!r} ({what}) is missing in {len(rows)} {where}; first rows by position among "
            f"those given: {rows[:SHOWN].tolist()}. Fill it in, or {remedy}."
        )
    return (whole if every else used).reset_index(drop=True), name


def read_numbers(design: Design, given: Any, what: str) -> tuple[np.ndarray, str]:
    """Read one finite number for every row used (n,), and what to call it; see `read_labels`."""
    column, name = read_column(design, given, what)
    numbers = as_numbers(column, name).astype(np.float64)
    if not np.isfinite(numbers).all():
        rows = np.flatnonzero(~np.isfinite(numbers))
        raise InfiniteValueError(
            f"{name!r} ({what}) is infinite in {len(rows)} rows; first rows by position among "
            f"those used: {rows[:SHOWN].tolist()}."
        )
    return numbers, name


def number_labels(column: pd.Series, name: str) -> Labels:
    """Give the labels of a column without missing values numbers, in their order."""
    column = densify(column)
    try:
        codes, names = pd.factorize(column, sort=True)
    except TypeError:
        try:
            codes, names = pd.factorize(column)
        except TypeError as error:
            raise ColumnTypeError(
                f"{name!r} holds values that cannot be labels, such as "
                f"{write_value(column.iloc[0])}."
            ) from error
    return Labels(codes.astype(np.int64), pd.Index(names), name)


def cross_labels(sets: Sequence[Labels]) -> Labels:
    """Give the combinations of several labels that occur numbers, in the order of their codes."""
    if len(sets) == 1:
        return sets[0]
    codes, members = sets[0].codes, [np.arange(sets[0].count)]
    for labels in sets[1:]:
        # At most n combinations are left after each step, so these numbers stay small.
        found, codes = np.unique(codes * labels.count + labels.codes, return_inverse=True)
        before, own = np.divmod(found, labels.count)
        members = [*(one[before] for one in members), own]
    parts = [labels.names[member] for labels, member in zip(sets, members, strict=True)]
    name = " x ".join(labels.name for labels in sets)
    crossed = pd.MultiIndex.from_arrays(parts)
    return replace(sets[0], codes=codes.astype(np.int64), names=crossed, name=name)


def _need_rows(design: Design) -> Given:
    if design.stream is not None:
        raise RowsNotHeldError(
            "This takes a label or value for every row, and the rows are read in pieces "
            f"({design.stream.way}). Read the table, or a sample of it, into a frame and fit "
            "that; clusters (with_cov('cluster', groups='column')) are summed by pieces too."
        )
    if design.given is None:
        raise LabelError("This design does not know the rows that it was made from.")
    return design.given


def _is_name(given: Any) -> bool:
    """Tell whether something is a column's label rather than values."""
    if isinstance(given, str):
        return True
    if given is None or isinstance(given, bool | np.bool_):
        return False
    return isinstance(given, Hashable) and not hasattr(given, "__len__")


def _is_scalar(item: Any) -> bool:
    return isinstance(item, str) or not hasattr(item, "__len__")


def _split_members(beside: Given, given: Any, what: str) -> list[Any]:
    """Return the columns, or their names, in what may be one or several of them."""
    given = fetch(given)
    given = given.toarray() if hasattr(given, "tocsr") else given
    if is_foreign_frame(given) and len(getattr(given, "shape", ())) == 2:
        frame = convert_foreign(given)
        return [_name_values(beside, frame[name].array, name) for name in frame.columns]
    if isinstance(given, pd.DataFrame):
        return [given.iloc[:, i] for i in range(given.shape[1])]
    if isinstance(given, np.ndarray) and given.ndim == 2:
        return [given[:, i] for i in range(given.shape[1])]
    if isinstance(given, dict):
        return [_name_values(beside, values, name) for name, values in given.items()]
    if not isinstance(given, list | tuple):
        return [given]
    scalars = [_is_scalar(item) for item in given]
    if all(scalars):
        return list(given) if _are_columns(beside, given, what) else [given]
    if len(given) != beside.total:
        return list(given)
    return [given] if any(scalars) else _split_rows(beside, given, what)


def _name_values(beside: Given, values: Any, name: Hashable) -> pd.Series:
    """Give values a name; those that came without an index pair by position."""
    if isinstance(values, pd.Series):
        return pd.Series(values, name=name)
    found = pd.Series(unmask(convert_foreign(values)), name=name)
    return (
        found
        if beside.index is None or len(found) != beside.total
        else found.set_axis(beside.index)
    )


def _are_columns(beside: Given, given: Sequence[Any], what: str) -> bool:
    """Tell whether a list holds names of columns rather than one label for every row."""
    named = all(_is_name(item) for item in given)
    named = named and set(given) <= set(list_names(beside.frame))
    if len(given) != beside.total:
        return named or all(isinstance(item, str) for item in given)
    if named:
        raise LabelError(
            f"{what} is a list of {len(given)}, as long as the data, and all are names of columns: "
            "it could be one label for every row, or columns. Give labels as an array, or columns "
            f"as a frame, data[{list_some(list(dict.fromkeys(given)))}]."
        )
    return False


def _split_rows(beside: Given, given: Sequence[Any], what: str) -> list[Any]:
    """Return the columns of a list with as many sequences as there are rows."""
    lengths = {len(item) for item in given}
    if len(lengths) > 1:
        return [given]
    if lengths == {beside.total}:
        raise LabelError(
            f"{what} is a list of {len(given)} lists as long as itself: it could be read by rows "
            "or by columns; give a frame."
        )
    return [[item[i] for item in given] for i in range(lengths.pop())]


def _check_members(members: list[Any], what: str) -> None:
    """Raise `LabelError` if there are none, more than can be crossed, or one stands twice."""
    if not members:
        raise LabelError(f"{what} is empty; give one column of labels or more.")
    if len(members) > MOST_WAYS:
        raise LabelError(
            f"{what} holds {len(members)} columns of labels, and {MOST_WAYS} is the most: there "
            "is a pass over the rows for each of their 2**m - 1 combinations."
        )
    for i, member in enumerate(members):
        for other in members[:i]:
            if other is member or (_is_name(member) and _is_name(other) and member == other):
                said = write_value(member) if _is_name(member) else f"its member {i}"
                raise LabelError(f"{what} holds {said} twice; leave one out.")


def _find_column(beside: Given, given: Any, what: str) -> tuple[pd.Series, str]:
    """Return one value for every row given, and its name."""
    if given is None:
        raise LabelError(f"{what} is missing; give a column's name or one label for every row.")
    if isinstance(given, bool | np.bool_):
        raise LabelError(f"{what} must be a column's name or one label for every row, not {given}.")
    if _is_name(given):
        return _look_up(beside, given, what), str(given)
    given = fetch(given)
    indexed = isinstance(given, pd.Series | pd.DataFrame)
    given = convert_foreign(unmask(given))
    if isinstance(given, pd.DataFrame) and given.shape[1] == 1:
        given = given.iloc[:, 0]
    if isinstance(given, pd.Index):
        given = given.to_numpy()
    series = given if isinstance(given, pd.Series) else _make_series(given, what)
    if len(series) != beside.total:
        used = beside.total if beside.positions is None else len(beside.positions)
        whose = "newdata has" if beside.new else "the data had"
        of_these = f", of which {used} are used" if used < beside.total else ""
        said = "values" if what == "weights" else "labels"
        raise LengthMismatchError(
            f"{what} has {len(series)} {said}, and {whose} {beside.total} rows{of_these}; give "
            f"one for each of the {beside.total}, in their order."
        )
    if indexed and beside.index is not None:
        check_indexes(
            {
                "newdata" if beside.new else "the data": pd.Series(0, index=beside.index),
                what: series,
            }
        )
    return series, what if series.name is None else str(series.name)


def _look_up(beside: Given, name: Any, what: str) -> pd.Series:
    if beside.left_behind:
        raise ColumnNotFoundError(
            f"{what}={name!r} names a column, and the data frame was left behind when this was "
            f"pickled or sent to another process; give the values, one for each of the "
            f"{beside.total} rows given."
        )
    if beside.frame is None:
        raise ColumnNotFoundError(
            f"{what}={name!r} names a column, but there is no frame to look it up in; pass the "
            "values."
        )
    column = look_up_column(beside.frame, name)
    if column is None:
        names = list_names(beside.frame)
        raise ColumnNotFoundError(
            f"{what} names {name!r}, which is no column; there are {list_some(names, 20)}."
        )
    return column


def _make_series(given: Any, what: str) -> pd.Series:
    if isinstance(given, pd.Categorical | pd.api.extensions.ExtensionArray):
        return pd.Series(given)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise LabelError(f"{what} is not one label per row: its entries differ.") from error
    mixed = isinstance(given, list | tuple) and array.dtype.kind in "US"
    if array.ndim != 1:
        raise LabelError(f"{what} must be one label per row, not {array.ndim}-dimensional.")
    if isinstance(given, list | tuple) and array.dtype.kind == "f":
        return infer_exactly(given)
    return pd.Series(list(given), dtype=object) if mixed else pd.Series(array)

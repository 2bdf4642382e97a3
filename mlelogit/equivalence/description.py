"""Read what describes Gaussian classes: priors, means and covariances, by their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mlelogit.data.arguments import read_reals
from mlelogit.data.frames import (
    as_frame,
    as_numbers,
    check_finite,
    check_missing,
    convert_foreign,
    is_foreign_frame,
    list_some,
)
from mlelogit.data.sources import as_matrix
from mlelogit.exceptions import (
    ColumnNotFoundError,
    DuplicateColumnError,
    LengthMismatchError,
    MisalignedIndexError,
    ParamsError,
    ScaleError,
)

# What rounding leaves of priors that sum to one, and of entries that are equal.
ROUNDED = 1e-8
# As in the logit: squares of columns beyond, times rows, come near the range of a double.
LARGEST = 1e100
AXES = {
    ("priors", 1): ("categories",),
    ("means", 2): ("categories", "names"),
    ("covariance", 2): ("names", "names"),
    ("covariance", 3): ("categories", "names", "names"),
}


class Table(NamedTuple):
    """Numbers, and the labels of every axis; None where it has none."""

    values: np.ndarray
    labels: tuple[tuple | None, ...]


class Description(NamedTuple):
    """Priors (J,), means (J, K), covariance (K, K) or (J, K, K), and labels of both axes."""

    priors: np.ndarray
    means: np.ndarray
    covariance: np.ndarray
    categories: tuple
    names: tuple


def read_description(
    priors: Any, means: Any, covariance: Any, categories: Any, names: Any
) -> Description:
    """Read the numbers, by label where pandas objects have labels, and check them.

    Labels that are not given are those of the means, the priors or the covariance, in this
    order; what has the same in another order is put into theirs.

    Raises
    ------
    MisalignedIndexError
        If one has other labels.
    ParamsError, ScaleError, DuplicateColumnError
        As `mlelogit.equivalence.GaussianClasses`.
    """
    given = {"means": means, "priors": priors, "covariance": covariance}
    tables = {name: read_table(value, name) for name, value in given.items()}
    wanted = {
        "categories": list_labels(categories, "categories"),
        "names": list_labels(names, "names"),
    }
    sources = dict.fromkeys(wanted, "those given")
    for name, table in tables.items():
        for kind, labels in zip(_list_axes(name, table), table.labels, strict=False):
            if labels is not None and not wanted[kind]:
                wanted[kind], sources[kind] = labels, f"those of {name}"
    values = {name: _align(table, name, wanted, sources) for name, table in tables.items()}
    _check_shapes(**values)
    count, width = values["means"].shape
    categories = wanted["categories"] or tuple(range(count))
    names = wanted["names"] or tuple(f"x{i + 1}" for i in range(width))
    check_labels(categories, count, "categories")
    check_labels(names, width, "names")
    _check_sizes(values["means"], values["covariance"], names)
    turned = np.swapaxes(values["covariance"], -1, -2)
    values["covariance"] = values["covariance"] / 2 + turned / 2
    return Description(**values, categories=categories, names=names)


def read_table(given: Any, what: str) -> Table:
    """Read an array with the labels that a pandas object, or a list of them, brings."""
    if isinstance(given, list | tuple) and any(
        isinstance(one, pd.Series | pd.DataFrame) for one in given
    ):
        return _stack([read_table(one, what) for one in given], what)
    foreign, given = is_foreign_frame(given), convert_foreign(given)
    values = np.array(read_reals(given, what, ParamsError))
    if isinstance(given, pd.DataFrame) and given.index.nlevels == 2:
        return _split(values, given, what)
    if isinstance(given, pd.Series | pd.DataFrame):
        # Frames of other packages have no labels of rows.
        labels = tuple(None if foreign and not i else tuple(a) for i, a in enumerate(given.axes))
        return Table(values, labels)
    return Table(values, (None,) * values.ndim)


def _stack(tables: list[Table], what: str) -> Table:
    """Stack what each category has, in the labels of the first."""
    first = tables[0].labels
    if any(len(table.labels) != len(first) for table in tables):
        raise ParamsError(f"{what} of the categories must have one shape.")
    rows = [_reorder(table, first, what, "those of the first category") for table in tables]
    return Table(np.array(rows), (None, *first))


def _split(values: np.ndarray, frame: pd.DataFrame, what: str) -> Table:
    """Split a frame whose rows have a category and a name, as pandas' grouped covariances."""
    pairs = list(frame.index)
    categories = tuple(dict.fromkeys(pair[0] for pair in pairs))
    names = tuple(frame.columns)
    if sorted(map(repr, pairs)) != sorted(repr((c, n)) for c in categories for n in names):
        raise ParamsError(f"{what} needs a row for every category and every one of its columns.")
    order = [pairs.index((category, name)) for category in categories for name in names]
    shape = len(categories), len(names), len(names)
    return Table(values[order].reshape(shape), (categories, names, names))


def _list_axes(name: str, table: Table) -> tuple[str, ...]:
    return AXES.get((name, table.values.ndim), ())


def _align(
    table: Table, name: str, wanted: Mapping[str, tuple], sources: Mapping[str, str]
) -> np.ndarray:
    axes = _list_axes(name, table)
    labels = tuple(wanted[kind] or None for kind in axes)
    source = " and ".join(dict.fromkeys(f"{kind} are {sources[kind]}" for kind in axes))
    return _reorder(table, labels, name, source) if axes else table.values


def _reorder(table: Table, wanted: tuple, what: str, source: str) -> np.ndarray:
    """Put every axis with labels into the order that is wanted, or raise if they are others."""
    values = table.values
    for axis, (own, others) in enumerate(zip(table.labels, wanted, strict=True)):
        if own is None or others is None or own == others:
            continue
        listed = list(own)
        if len(own) != len(others) or not all(label in listed for label in others):
            raise MisalignedIndexError(
                f"{what} has the labels {list_some(own)}, and {list_some(others)} are wanted "
                f"({source}). Give the same labels in any order, or an array to go by position."
            )
        values = np.take(values, [listed.index(label) for label in others], axis=axis)
    return values


def list_labels(given: Any, what: str) -> tuple:
    """Return labels as plain Python objects."""
    if isinstance(given, str) or (not np.iterable(given) and given is not None):
        raise ParamsError(f"{what} must be a sequence of labels, not {given!r}.")
    labels = () if given is None else given
    return tuple(label.item() if isinstance(label, np.generic) else label for label in labels)


def check_labels(labels: tuple, count: int, what: str) -> None:
    """Raise if there are not so many labels, or one stands twice."""
    if len(labels) != count:
        raise ParamsError(f"There are {len(labels)} {what}, not {count}.")
    for place, label in enumerate(labels):
        if label in labels[:place]:
            raise DuplicateColumnError(f"{label!r} stands twice among the {what}; rename one.")


def _check_shapes(priors: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> None:
    if not all(np.isfinite(values).all() for values in (priors, means, covariance)):
        raise ParamsError("priors, means and covariance must be finite.")
    if means.ndim != 2 or not means.size or priors.shape != means.shape[:1]:
        raise ParamsError(
            f"priors (J,) and means (J, K) must belong together, not {priors.shape} and "
            f"{means.shape}."
        )
    count, width = means.shape
    if count < 2:
        raise ParamsError("There is one category; a posterior needs two or more.")
    if covariance.shape not in ((width, width), (count, width, width)):
        raise ParamsError(
            f"covariance must be ({width}, {width}), or ({count}, {width}, {width}) of every "
            f"category's own, not {covariance.shape}."
        )
    if not (priors > 0).all() or abs(priors.sum() - 1) > ROUNDED:
        raise ParamsError(f"priors must be positive and sum to one, not to {priors.sum():.10g}.")


def _check_sizes(means: np.ndarray, covariance: np.ndarray, names: tuple) -> None:
    """Raise if a covariance is not symmetric, or squares of a column leave a double's range."""
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    sizes = np.sqrt(np.abs(variances))
    odd = (sizes > LARGEST) | ((variances > 0) & (sizes < 1 / LARGEST))
    far = (np.abs(means) > LARGEST) | ((variances > 0) & (np.abs(means) / LARGEST > sizes))
    beyond = np.flatnonzero(odd.reshape(-1, len(names)).any(axis=0) | far.any(axis=0))
    if len(beyond):
        raise ScaleError(
            f"Column {names[beyond[0]]!r} has a mean beyond {LARGEST:g}, or as many standard "
            f"deviations, or one of these outside {1 / LARGEST:g} to {LARGEST:g}; use other units."
        )
    gaps = np.abs(covariance - np.swapaxes(covariance, -1, -2))
    if (gaps > ROUNDED * sizes[..., np.newaxis] * sizes[..., np.newaxis, :]).any():
        raise ParamsError("A covariance is not symmetric.")


def read_rows(X: Any, names: tuple) -> tuple[np.ndarray, pd.Index]:
    """Return rows (n, K) of finite numbers, and their index; a frame's columns go by name."""
    if is_foreign_frame(X) or isinstance(X, pd.DataFrame | dict):
        frame = as_frame(X, "X")
        absent = [name for name in names if name not in list(frame.columns)]
        if absent:
            raise ColumnNotFoundError(
                f"X has no column {absent[0]!r}; it needs {list_some(names, 50)}."
            )
        columns = {name: as_numbers(frame[name], name) for name in names}
        rows, index = np.column_stack(list(columns.values())), frame.index
    else:
        rows = as_matrix(X.toarray() if hasattr(X, "toarray") else X, "X")
        index = X.index if isinstance(X, pd.Series) else pd.RangeIndex(len(rows))
        if rows.shape[1] != len(names):
            raise LengthMismatchError(f"X must have shape (n, {len(names)}), not {np.shape(X)}.")
        columns = {name: rows[:, i] for i, name in enumerate(names)}
    check_missing([(name, np.isnan(values)) for name, values in columns.items()], " in X")
    check_finite(columns, " of X")
    return np.asarray(rows, dtype=np.float64), index

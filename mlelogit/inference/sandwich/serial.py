r"""Covariances robust to correlation over time (HAC).

The sums S_t of the scores of a period are products with those up to L periods before, with
Bartlett's weights (Newey and West 1987, equation 5):

    M = Σ_t S_t S_t' + Σ_{l=1..L} (1 - l / (L + 1)) Σ_t (S_t S_{t-l}' + S_{t-l} S_t') .

With groups the sums are by group and period, and only those of one group are multiplied:
statsmodels' "hac-panel". Without groups all rows of a period are summed first, which allows for
any correlation between rows of one period and of nearby ones (Driscoll and Kraay 1998):
statsmodels' "hac-groupsum"; with one row per period it is Newey and West's. The longest lag is
``floor(4 (T / 100)^(2/9))`` of T periods if none is given (Newey and West 1994, Review of
Economic Studies 61, 631-653, for these weights).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlelogit.data.arguments import is_whole, write_value
from mlelogit.data.labels import Labels, cross_labels
from mlelogit.exceptions import CovarianceError, LabelError, OptionError
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.sandwich.cells import iterate_cells

SERIAL_CORRECTIONS = {
    "none": "no correction",
    "HC1": "times n / (n - P)",
    "CR1": "times G / (G - 1) times (n - 1) / (n - P)",
}
# Beyond it doubles skip whole numbers.
LARGEST_WHOLE = 2.0**53


@dataclass(frozen=True)
class Series(ReadOnly):
    """Cells of one period, or of one group and period, in order of group, then time.

    Attributes
    ----------
    labels : Labels
        The cell of every row.
    groups : numpy.ndarray
        (cells,), the group of every cell.
    times : numpy.ndarray
        (cells,), int64, its period: a whole number as given, else the rank of its label.
    periods, members : int
        How many different periods and groups there are.
    counted : bool
        Whether periods are whole numbers, so that gaps between them count.
    """

    labels: Labels
    groups: np.ndarray
    times: np.ndarray
    periods: int
    members: int
    counted: bool


def arrange_series(time: Labels, groups: Labels | None) -> Series:
    """Give the cells of a time and of groups their numbers.

    Raises
    ------
    LabelError
        If times have no order, or are text, whose order need not be that of time.
    CovarianceError
        If there is one period only.
    """
    names = time.names.infer_objects()
    _check_order(names, time.name)
    if time.count < 2:
        raise CovarianceError(
            f"All rows are of one period by {time.name!r} (time); 'HAC' needs two or more. "
            "'cluster' allows for correlation inside groups."
        )
    periods, counted = number_periods(names), are_counted(names)
    if groups is None:
        alone = np.zeros(time.count, dtype=np.int64)
        return Series(time, alone, periods, time.count, 1, counted)
    cells = cross_labels([groups, time])
    _, first = np.unique(cells.codes, return_index=True)
    of_group, of_time = groups.codes[first], periods[time.codes[first]]
    return Series(cells, of_group, of_time, time.count, groups.count, counted)


def _check_order(names: pd.Index, name: str) -> None:
    """Raise `LabelError` if labels do not have the order of time."""
    categorical = isinstance(names.dtype, pd.CategoricalDtype)
    if isinstance(names.dtype, pd.CategoricalDtype) and names.dtype.ordered:
        return
    if categorical or any(isinstance(label, str) for label in names):
        raise LabelError(
            f"{name!r} (time) holds {'categories without an order' if categorical else 'text'}, "
            f"such as {write_value(names[0])}, whose order need not be that of time; give numbers, "
            "dates or an ordered pandas.Categorical."
        )
    try:
        ordered = bool(names.is_monotonic_increasing)
    except TypeError:
        ordered = False
    if not ordered:
        raise LabelError(f"{name!r} (time) holds labels that cannot be compared with others.")


def are_counted(names: pd.Index) -> bool:
    """Tell whether ordered labels are whole numbers, or periods of a calendar: then gaps count."""
    if isinstance(names, pd.PeriodIndex):
        return True
    if not pd.api.types.is_numeric_dtype(names.dtype) or pd.api.types.is_bool_dtype(names.dtype):
        return False
    values = names.to_numpy(dtype=np.float64)
    return bool((values == np.floor(values)).all() and (np.abs(values) < LARGEST_WHOLE).all())


def number_periods(names: pd.Index) -> np.ndarray:
    """Return the periods (T,) that ordered labels stand for: whole numbers themselves, else ranks.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.inference.sandwich.serial import number_periods
    >>> number_periods(pd.Index([1990, 1991, 1995])), number_periods(pd.Index([0.5, 2.5]))
    (array([1990, 1991, 1995]), array([0, 1]))
    """
    if not are_counted(names):
        return np.arange(len(names), dtype=np.int64)
    if isinstance(names, pd.PeriodIndex):
        return np.asarray(names.asi8, dtype=np.int64)
    return names.to_numpy(dtype=np.float64).astype(np.int64)


def read_lags(maxlags: object, series: Series) -> int:
    """Return the longest lag: a whole number, or ``floor(4 (T / 100)^(2/9))`` of T periods.

    It is shorter than the series: beyond its end weights are so even that scores, which add up
    to zero, cancel.
    """
    periods, span = series.periods, int(series.times.max()) - int(series.times.min())
    if maxlags is None:
        return min(int(np.floor(4 * (periods / 100) ** (2 / 9))), span)
    if not is_whole(maxlags) or maxlags < 0:  # type: ignore[operator]
        raise OptionError(
            f"maxlags must be a whole number, zero or more, not {write_value(maxlags)}."
        )
    if maxlags > span:  # type: ignore[operator]
        raise OptionError(
            f"maxlags={maxlags} is longer than the series: its periods are at most {span} apart."
        )
    return int(maxlags)  # type: ignore[call-overload]


def sum_serial_meat(record: FitRecord, series: Series, maxlags: int) -> np.ndarray:
    """Return M (P, P), in the internal basis."""
    size = len(record.maximum.params)
    meat, before = np.zeros((size, size)), np.empty((0, size))
    for first, sums in iterate_cells(record, series.labels.codes, series.labels.count):
        stretch, ahead = np.vstack([before, sums]), len(before)
        at = np.arange(first, first + len(sums))
        lagged = np.zeros_like(sums)
        for back in range(1, min(maxlags, first + len(sums) - 1) + 1):
            weights = _weigh_lag(series, at, back, maxlags)
            if not weights.any():
                break
            place = np.maximum(at - back - (first - ahead), 0)
            lagged += weights[:, np.newaxis] * stretch[place]
        cross = sums.T @ lagged
        meat += sums.T @ sums + cross + cross.T
        before = stretch[max(0, len(stretch) - maxlags) :]
    return meat


def _weigh_lag(series: Series, at: np.ndarray, back: int, maxlags: int) -> np.ndarray:
    """Return Bartlett's weights of cells and those so many places before; zero in other groups."""
    earlier = np.maximum(at - back, 0)
    distance = series.times[at] - series.times[earlier]
    paired = (at >= back) & (series.groups[at] == series.groups[earlier])
    return np.where(paired, np.maximum(1 - distance / (maxlags + 1), 0.0), 0.0)

"""Exact quantiles of more values than memory holds, or of values that occur many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlelogit.exceptions import EmptyDataError

# DuckDB's estimate of a quantile is off by less, as a share of the rows; it is checked.
MARGIN = 0.005

Fetch = Callable[[str, str], list[Any]]


def find_quantiles_between(
    fetch: Fetch, value: str, where: str, probabilities: Sequence[float]
) -> np.ndarray | None:
    """Find quantiles from the values near them alone, which an estimate tells.

    Passes over the rows: for the estimate, for how many values lie below, for those between.

    Parameters
    ----------
    fetch : callable
        Of what to select and the rest of a query: its columns, as arrays.
    value, where : str
        In SQL: the value, and which rows count.
    probabilities : sequence of float

    Returns
    -------
    numpy.ndarray or None
        As `numpy.quantile`; None if there are no rows, or the estimate was too far off.
    """
    asked = [float(at) for at in probabilities]
    listed = ", ".join(
        repr(min(max(at + off, 0.0), 1.0)) for at in asked for off in (-MARGIN, MARGIN)
    )
    found, total = fetch(f"approx_quantile({value}, [{listed}]), count({value})", where)
    if not total[0]:
        return None
    bounds = np.array(found[0], dtype=np.float64).reshape(-1, 2)
    bounds[np.array(asked) <= MARGIN, 0] = -np.inf
    bounds[np.array(asked) >= 1 - MARGIN, 1] = np.inf
    below = ", ".join(f"count(*) FILTER ({value} < {_write(low)})" for low, _ in bounds)
    counts = [int(count[0]) for count in fetch(below, where)]
    spans = [f"{value} BETWEEN {_write(low)} AND {_write(high)}" for low, high in bounds]
    rest = f"{where} AND ({' OR '.join(spans)}) GROUP BY 1 ORDER BY 1"
    table = np.column_stack(fetch(f"{value}, count(*)", rest)).astype(np.float64)
    last = int(total[0]) - 1
    pairs = zip(bounds, counts, asked, strict=True)
    picked = [_pick(table, span, count, at * last) for span, count, at in pairs]
    return None if any(one is None for one in picked) else np.array(picked)


def _write(bound: float) -> str:
    return f"'{float(bound)!r}'::DOUBLE"


def _pick(table: np.ndarray, span: np.ndarray, count: int, place: float) -> float | None:
    """Return the value at a place in the order of all, of which some lie below a span."""
    kept = table[(table[:, 0] >= span[0]) & (table[:, 0] <= span[1])]
    ends = count + np.cumsum(kept[:, 1])
    below = np.floor(place)
    if not len(ends) or below < count or np.ceil(place) >= ends[-1]:
        return None
    left, right = kept[np.searchsorted(ends, [below, np.ceil(place)], side="right"), 0]
    return float(left + (right - left) * (place - below))


def find_repeated_quantiles(
    values: np.ndarray, times: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Return numpy's quantiles of sorted values (k,) that occur so often (k,) each.

    Raises
    ------
    EmptyDataError
        If there are none.
    """
    ends = np.cumsum(times)
    if not len(ends):
        raise EmptyDataError("There is no complete row to find quantiles of.")
    place = probabilities * (ends[-1] - 1)
    below = np.floor(place)
    left, right = (
        values[np.searchsorted(ends, np.minimum(at, ends[-1] - 1), side="right")]
        for at in (below, below + 1)
    )
    return np.asarray(left + (right - left) * (place - below))

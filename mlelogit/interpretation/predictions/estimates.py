"""Log-odds of rows, or of their averages, with errors and what makes these hold together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from mlelogit.data.arguments import check_flag
from mlelogit.exceptions import OptionError, SeparationWarning
from mlelogit.fitting.likelihood import sum_others
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.interpretation.averages import (
    CellSums,
    assign_cells,
    assign_piece,
    name_beside,
    order_rows,
    read_cells,
    read_streamed_cells,
    sum_probabilities,
)
from mlelogit.interpretation.points import (
    Points,
    map_point_scores,
    model_points,
    read_points,
)
from mlelogit.interpretation.predictions.bands import (
    Family,
    find_cell_multipliers,
    find_row_multipliers,
)
from mlelogit.interpretation.predictions.uncertainty import (
    map_contrasts,
    map_leads,
)
from mlelogit.interpretation.streaming import StreamedPoints, open_points
from mlelogit.interpretation.variances import (
    Combinations,
    ParamsLaw,
    combine_gradients,
    find_law,
    find_still,
)
from mlelogit.notices import warn_user

# What a table of predictions has beside the groups.
TAKEN = ("category", "probability", "log_odds", "std_err", "lower", "upper")


@dataclass(frozen=True, eq=False)
class Estimates:
    """Log-odds of every category against all others, and their standard errors.

    Attributes
    ----------
    record : FitRecord
    covariance : Covariance
    points : mlelogit.interpretation.points.Points
        The rows.
    index : pandas.Index
        (m,): of the rows, or of the groups averaged over.
    cells : mlelogit.interpretation.averages.CellSums or None
        The averages (m, J), and how they move with the coefficients; None for rows.
    log_odds : numpy.ndarray
        (J, m).
    errors : numpy.ndarray
        (J, m).
    """

    record: FitRecord
    covariance: Covariance
    points: Points
    index: pd.Index
    cells: CellSums | None
    log_odds: np.ndarray
    errors: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """Probabilities (J, m)."""
        return np.asarray(expit(self.log_odds))

    @property
    def probability_errors(self) -> np.ndarray:
        """Standard errors (J, m) of probabilities: ``y (1 - y)`` those of the log-odds."""
        return np.asarray(expit(self.log_odds) * expit(-self.log_odds) * self.errors)


def estimate_probabilities(
    record: FitRecord,
    covariance: Covariance,
    newdata: Any,
    offset: Any,
    weights: Any,
    average: bool,
    by: Any,
    missing: str,
) -> Estimates:
    """Estimate what `predict_with_errors` documents."""
    check_flag("average", average)
    averaged = bool(average) or by is not None
    if weights is not None and not averaged:
        raise OptionError("weights= enter averages alone; pass average=True or by=.")
    if averaged and missing == "propagate":
        raise OptionError(
            "An average takes no missing values, so missing='propagate' is for single rows; drop "
            "incomplete rows of newdata first."
        )
    law = find_law(record, covariance)
    read = open_points if averaged else read_points
    points: Any = read(record, newdata, offset, weights, missing)
    if averaged:
        index, cells = _average(record, points, by)
        log_odds, errors = _measure_cells(record, cells, law, None)
    else:
        index, cells = points.index, None
        log_odds, errors = _measure_rows(record, points, law, None)
    for array in (log_odds, errors):
        array.setflags(write=False)
    _warn_of_separation(record, errors, points)
    return Estimates(record, covariance, points, index, cells, log_odds, errors)


def evaluate(estimates: Estimates, against: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds and their errors, (J, m) each, against one category or all others."""
    if against is None:
        return estimates.log_odds, estimates.errors
    record = estimates.record
    law = find_law(record, estimates.covariance)
    if estimates.cells is not None:
        return _measure_cells(record, estimates.cells, law, against)
    return _measure_rows(record, estimates.points, law, against)


def find_multipliers(estimates: Estimates, errors: np.ndarray, family: Family) -> np.ndarray:
    """Return multipliers for errors (J, m): () or (m,)."""
    record, points = estimates.record, estimates.points
    law = find_law(record, estimates.covariance)
    if estimates.cells is not None:
        combinations = _combine_cells(record, estimates.cells, law, family.against)
        return find_cell_multipliers(combinations, errors, family, law)
    blocks, known = points.blocks(), errors
    if points.complete is not None:
        known = errors[:, points.complete]
    found = find_row_multipliers(blocks, model_points(record), law, known, family)
    return points.fill_gaps(found) if found.ndim else found


def find_scores(estimates: Estimates) -> np.ndarray:
    """Return scores of rows, or the logarithms of their averages (J, m): alike in their order."""
    if estimates.cells is not None:
        with np.errstate(divide="ignore"):
            return np.log(estimates.cells.values.T)
    return _map_points(estimates.record, estimates.points, map_point_scores)


def find_leads(estimates: Estimates) -> np.ndarray:
    """Return what `map_leads` does, of every row (4, m)."""
    law = find_law(estimates.record, estimates.covariance)
    return _map_points(estimates.record, estimates.points, map_leads, law)


def _average(record: FitRecord, points: Any, by: Any) -> tuple[pd.Index, CellSums]:
    if isinstance(points, StreamedPoints):
        labelled, cells = read_streamed_cells(points, by)
        blocks: Any = labelled.place(assign_piece)
    else:
        cells = read_cells(points, by)
        ordered, codes = order_rows(points, cells)
        blocks = ordered.blocks()
        blocks = blocks if by is None else assign_cells(blocks, codes)
    sums = sum_probabilities(blocks, model_points(record), cells.count)
    if by is None:
        return cells.names, sums.average()
    names: list[str] = []
    for one in cells.sets:
        names.append(name_beside(one.name, {*TAKEN, *names}))
    return cells.names.set_names(names), sums.average()


def _measure_rows(
    record: FitRecord, points: Points, law: ParamsLaw, against: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds and their errors, (J, m) each; NaN for rows with missing values."""
    size = len(record.encoding.categories)
    found = _map_points(record, points, map_contrasts, law, against)
    return found[:size], found[size:]


def _map_points(record: FitRecord, points: Points, function: Any, *args: Any) -> np.ndarray:
    """Return what a kernel makes of the rows (..., m); NaN for rows with missing values."""
    return points.fill_gaps(points.blocks().map(function, model_points(record), *args))


def _measure_cells(
    record: FitRecord, cells: CellSums, law: ParamsLaw, against: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds of averages and their errors, (J, G) each."""
    y = cells.values.T
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = sum_others(y).copy() if against is None else y[against]
        log_odds = np.log(y) - np.log(rest)
    errors = _combine_cells(record, cells, law, against).errors.reshape(y.shape)
    # Averages of what is 0 or 1 in the limit do not move with the coefficients that are left.
    if record.separation.found:
        moves = cells.jacobian.reshape(-1, cells.jacobian.shape[2])
        errors[find_still(moves, len(y)).reshape(-1, len(y)).T] = np.nan
    errors[~np.isfinite(log_odds)] = np.nan
    return log_odds, errors


def _combine_cells(
    record: FitRecord, cells: CellSums, law: ParamsLaw, against: int | None
) -> Combinations:
    """Return how the log-odds of averages move with the coefficients (J G, P)."""
    y, moves = cells.values.T, cells.jacobian.transpose(1, 0, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        if against is None:
            gradients = moves / (y * sum_others(y))[:, :, np.newaxis]
        else:
            relative = moves / y[:, :, np.newaxis]
            gradients = relative - relative[against]
    gradients = gradients.reshape(-1, gradients.shape[2])
    return combine_gradients(record, law, np.where(np.isfinite(gradients), gradients, 0.0))


def _warn_of_separation(record: FitRecord, errors: np.ndarray, points: Points) -> None:
    if not record.separation.found:
        return
    known = errors if points.complete is None else errors[:, points.complete]
    lost = int(np.isnan(known).sum())
    if lost:
        warn_user(
            f"The data are separated: of {known.size} probabilities {lost} are 0 or 1 in the limit "
            "or rest on infinite coefficients, so their standard errors and intervals are NaN. "
            "fit(bias_reduction='mean') has finite estimates.",
            SeparationWarning,
        )

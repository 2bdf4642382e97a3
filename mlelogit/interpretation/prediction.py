"""Probabilities, categories and log-odds for the rows of the fit or for new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.encoding import encode_new
from mlelogit.data.frames import as_frame, convert_foreign, find_missing
from mlelogit.data.rows import read_new_offset
from mlelogit.data.sources import as_array
from mlelogit.exceptions import OffsetError, ParamsError
from mlelogit.fitting.likelihood import (
    map_loglikeobs,
    map_outcome,
    map_score_obs,
    map_scores,
    predict_scores,
)
from mlelogit.fitting.limit import find_impossible
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import index_params
from mlelogit.notices import in_turn

PREDICTIONS = ("prob", "category", "linear")
MISSING_IN_NEW = ("raise", "propagate")


def predict(
    record: FitRecord,
    newdata: Any = None,
    which: str = "prob",
    offset: Any = None,
    missing: str = "raise",
) -> pd.DataFrame | pd.Series:
    """Predict the outcome of the fit's rows, or of new ones.

    Parameters
    ----------
    record : FitRecord
    newdata : DataFrame, dict, array-like, optional
        New rows; columns are matched by name. For a fit without a formula an
        unnamed array has the columns of the fit in their order. The fit's own
        rows if not given.
    which : {"prob", "category", "linear"}
        Probabilities (m, J); the most probable category (m,), the first of those
        that tie; or scores u (m, J), which are log-odds against the base. In the limit of
        separated data they can be infinite, and NaN between two that have no probability.
    offset : array-like, optional
        Offset of the new rows, (m, J) or (m, J - 1); needed if the fit has one.
    missing : {"raise", "propagate"}
        What to do about missing values in new rows: raise, or return NaN there.

    Returns
    -------
    pandas.DataFrame or pandas.Series
        Labelled by the rows' index and the categories.

    Raises
    ------
    ColumnNotFoundError, MissingDataError, InfiniteValueError, UnseenLevelError, OffsetError
        Each names the column, and the rows or levels.
    """
    check_choice("which", which, PREDICTIONS)
    check_choice("missing", missing, MISSING_IN_NEW)
    if newdata is None:
        if offset is not None:
            raise OffsetError("offset= goes with newdata; the fit's own rows have theirs.")
        scores, index = _map_rows(record, map_scores), record.index.view()
    else:
        scores, index = _score_new(record, newdata, offset, missing)
    return _label(scores, index, record, which)


def _map_rows(record: FitRecord, function: Any) -> np.ndarray:
    return record.limit_blocks().map(function, record.maximum.params, record.encoding.base)


def _label(
    scores: np.ndarray, index: pd.Index, record: FitRecord, which: str
) -> pd.DataFrame | pd.Series:
    if which == "linear":
        # Of two categories that are none in the limit of separated data no log-odds is known.
        with np.errstate(invalid="ignore"):
            gaps = scores - scores[record.encoding.base]
        gaps[record.encoding.base, ~np.isnan(scores).any(axis=0)] = 0.0
        return frame_rows(gaps, index, record)
    _, probabilities = log_softmax(scores)
    if which == "prob":
        return frame_rows(probabilities, index, record)
    unknown = np.isnan(probabilities).any(axis=0)
    best = np.where(unknown, -1, probabilities.argmax(axis=0))
    values = pd.Categorical.from_codes(best.astype(np.int64), categories=index_categories(record))
    return pd.Series(values, index=index, name=record.encoding.outcome_name)


def index_categories(record: FitRecord, name: str | None = None) -> pd.Index:
    """Return the categories as an index of one level, be they tuples."""
    return pd.Index(list(record.encoding.categories), name=name, tupleize_cols=False)


def frame_rows(values: np.ndarray, index: pd.Index, record: FitRecord) -> pd.DataFrame:
    """Label values (J, m) by row and category."""
    categories = index_categories(record, "category")
    return pd.DataFrame(values.T, index=index, columns=categories)


@in_turn
def _score_new(
    record: FitRecord, newdata: Any, offset: Any, missing: str
) -> tuple[np.ndarray, pd.Index]:
    frame = _as_new_frame(record, newdata)
    if not record.has_offset and offset is not None:
        raise OffsetError("The fit has no offset, so newdata cannot have one.")
    added = None
    if record.has_offset:
        found = _find_offset(offset, frame, record.encoding.offset_names)
        added = read_new_offset(found, len(frame), record.encoding)
    complete = np.ones(len(frame), dtype=bool)
    if missing == "propagate":
        for name in set(record.encoding.needed).intersection(frame.columns):
            complete &= ~find_missing(frame[name])
    scores = np.full((len(record.encoding.categories), len(frame)), np.nan)
    matrix, _ = encode_new(record.encoding, frame[complete])
    kept = None if added is None else added[complete].T
    base = record.encoding.base
    found = predict_scores(matrix.T, record.maximum.params, base, kept)
    if record.separation.found:
        found[find_impossible(matrix.T, record.separation, record.basis, base)] = -np.inf
    scores[:, complete] = found
    return scores, frame.index.view()


def _find_offset(offset: Any, frame: pd.DataFrame, names: tuple) -> Any:
    """Take the columns that were the fit's offset from new data, if none is given."""
    if offset is None and names and set(names) <= set(frame.columns):
        return frame[list(names)]
    return offset


def _as_new_frame(record: FitRecord, newdata: Any) -> pd.DataFrame:
    newdata = convert_foreign(newdata)
    names = set(record.encoding.names)
    if isinstance(newdata, pd.Series) and set(newdata.index) >= names:
        newdata = newdata.to_frame().T
    if isinstance(newdata, pd.DataFrame | dict) or record.encoding.rhs is not None:
        return as_frame(newdata, "newdata")
    array = newdata.toarray() if hasattr(newdata, "toarray") else as_array(newdata, "newdata")
    every = record.encoding.all_names
    width = len(every)
    if array.ndim == 1 and len(array) == width:
        array = array[np.newaxis, :]
    elif array.ndim == 1 and width == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != width:
        raise ParamsError(
            f"newdata has shape {array.shape}; the fit has {width} columns: "
            f"{', '.join(map(str, every))}."
        )
    return pd.DataFrame(array, columns=list(every))


def compute_loglikeobs(record: FitRecord) -> pd.Series:
    """Return every row's contribution to the log-likelihood; they sum to llf."""
    values = _map_rows(record, map_loglikeobs)
    return pd.Series(values, index=record.index.view(), name="loglike")


def compute_score_obs(record: FitRecord) -> pd.DataFrame:
    """Return every row's contribution to the score; they sum to about zero."""
    values, columns = _map_rows(record, map_score_obs).T, index_params(record.encoding)
    return pd.DataFrame(values, index=record.index.view(), columns=columns)


def tabulate_predictions(record: FitRecord) -> pd.DataFrame:
    """Count observed against predicted categories.

    Returns
    -------
    pandas.DataFrame
        (J, J): observed categories in rows, predicted in columns; weights and
        counts are added up.
    """
    blocks = record.need_blocks()
    scores = _map_rows(record, map_scores)
    observed = blocks.map(map_outcome)
    if blocks.design.weights is not None:
        observed = observed * blocks.design.weights
    predicted = np.zeros_like(observed)
    predicted[scores.argmax(axis=0), np.arange(scores.shape[1])] = 1.0
    return pd.DataFrame(
        observed @ predicted.T,
        index=index_categories(record, "observed"),
        columns=index_categories(record, "predicted"),
    )

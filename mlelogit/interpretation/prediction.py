"""Probabilities, categories and log-odds for the rows of the fit or for new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.exceptions import MissingDataError
from mlelogit.fitting.likelihood import (
    map_loglikeobs,
    map_outcome,
    map_score_obs,
    map_scores,
)
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import index_params
from mlelogit.interpretation.labelling import Encoded, frame_rows, index_categories, label_codes
from mlelogit.interpretation.points import map_point_scores, model_points, read_points

PREDICTIONS = ("prob", "category", "linear")


def predict(
    record: FitRecord,
    newdata: Any = None,
    which: str = "prob",
    offset: Any = None,
    missing: str = "raise",
) -> Any:
    """Predict the outcome of the fit's rows, or of new ones.

    Parameters
    ----------
    record : FitRecord
    newdata : DataFrame, dict, array-like, optional
        New rows; columns are matched by name. For a fit without a formula an
        unnamed array has the columns of the fit in their order. The fit's own
        rows if not given. Of a dask frame nothing is computed before the answer is.
    which : {"prob", "category", "linear"}
        Probabilities (m, J); the most probable category (m,), the first of those
        that tie; or scores u (m, J), which are log-odds against the base. In the limit of
        separated data they can be infinite, and NaN between two that have no probability.
    offset : array-like, optional
        Offset of the new rows, (m, J) or (m, J - 1); needed if the fit has one.
    missing : {"raise", "propagate"}
        What to do about missing values in new rows: raise, or return NaN there. Those that a
        transform makes, such as the logarithm of a negative number, are among them; infinite
        ones raise.

    Returns
    -------
    pandas.DataFrame or pandas.Series
        Labelled by the rows' index and the categories; of dask for a dask frame, with its
        partitions and divisions.

    Raises
    ------
    ColumnNotFoundError, MissingDataError, InfiniteValueError, UnseenLevelError, OffsetError
        Each names the column, and the rows or levels.
    OptionError
        If which or missing is unknown.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.predict({"age": [40.0], "educ": [7.0]}).round(3).values.tolist()
    [[0.526, 0.474]]
    """
    check_choice("which", which, PREDICTIONS)
    try:
        points = read_points(record, newdata, offset, missing=missing)
    except MissingDataError as error:
        raise MissingDataError(f"{error} Pass missing='propagate' for NaN there.") from error
    if points.own:
        scores = map_rows(record.in_memory(), map_scores)
    else:
        scores = points.fill_gaps(points.blocks().map(map_point_scores, model_points(record)))
    return label_scores(scores, points.index, record, which)


def map_rows(record: FitRecord, function: Any) -> np.ndarray:
    """Return what a function of blocks finds of every row, at the estimates."""
    return record.limit_blocks().map(function, record.maximum.params, record.encoding.base)


def label_scores(
    scores: np.ndarray, index: pd.Index, record: Encoded, which: str
) -> pd.DataFrame | pd.Series:
    """Return probabilities, categories or log-odds against the base from scores (J, m)."""
    if which == "linear":
        # Of two categories that are none in the limit of separated data no log-odds is known.
        with np.errstate(invalid="ignore"):
            gaps = scores - scores[record.encoding.base]
        gaps[record.encoding.base, ~np.isnan(scores).any(axis=0)] = 0.0
        return frame_rows(gaps, index, record)
    _, probabilities = log_softmax(scores)
    if which == "prob":
        return frame_rows(probabilities, index, record)
    return label_best(probabilities, index, record)


def label_best(probabilities: np.ndarray, index: pd.Index, record: Encoded) -> pd.Series:
    """Return the most probable category of every row, the first of those that tie (m,)."""
    unknown = np.isnan(probabilities).any(axis=0)
    best = np.where(unknown, -1, probabilities.argmax(axis=0))
    values = label_codes(best, record.encoding.categories)
    return pd.Series(values, index=index, name=record.encoding.outcome_name)


def compute_loglikeobs(record: FitRecord) -> pd.Series:
    """Return every row's contribution to the log-likelihood; they sum to llf.

    That is ``w_n Σ_k d_nk log y_nk``.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.Series
        (n,), by the index of the rows used.

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equation 4.107.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> bool(abs(res.loglikeobs().sum() - res.llf) < 1e-9)
    True
    """
    record = record.in_memory()
    values = map_rows(record, map_loglikeobs)
    return pd.Series(values, index=record.index.view(), name="loglike")


def compute_score_obs(record: FitRecord) -> pd.DataFrame:
    """Return every row's contribution to the score; they sum to about zero.

    That is ``w_n (d_nk - y_nk) x_n`` for every category k but the base.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.DataFrame
        (n, P), columns (category, name).

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, equation 4.109.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.score_obs().shape
    (944, 3)
    """
    record = record.in_memory()
    values, columns = map_rows(record, map_score_obs).T, index_params(record.encoding)
    return pd.DataFrame(values, index=record.index.view(), columns=columns)


def tabulate_predictions(record: FitRecord) -> pd.DataFrame:
    """Count observed against predicted categories.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.DataFrame
        (J, J): observed categories in rows, predicted in columns; weights and
        counts are added up.

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.pred_table().to_numpy().tolist()
    [[519.0, 32.0], [349.0, 44.0]]
    """
    record = record.in_memory()
    blocks = record.need_blocks()
    scores = map_rows(record, map_scores)
    observed = blocks.map(map_outcome)
    if blocks.design.weights is not None:
        observed = observed * blocks.design.weights
    return pd.DataFrame(
        count_pairs(observed, log_softmax(scores)[1].argmax(axis=0)),
        index=index_categories(record, "observed"),
        columns=index_categories(record, "predicted"),
    )


def count_pairs(people: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Count people (J, n) by their category and by the one predicted for their row (n,): (J, J)."""
    predicted = np.zeros_like(people)
    predicted[best, np.arange(len(best))] = 1.0
    return np.asarray(people @ predicted.T)

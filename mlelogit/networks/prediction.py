"""What a fitted network says of its rows, or of new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from mlelogit.data.arguments import check_choice
from mlelogit.exceptions import NetworkError
from mlelogit.interpretation.prediction import PREDICTIONS, label_scores
from mlelogit.networks.passes import map_rows
from mlelogit.networks.record import NetworkRecord
from mlelogit.networks.rows import Inputs, read_new_inputs


def score_rows(record: NetworkRecord, newdata: Any = None) -> tuple[np.ndarray, pd.Index]:
    """Return the scores u (J, n) of the network's rows, or of new ones, and their index."""
    rows = record.rows
    if newdata is None:
        return map_rows(record.network, rows.inputs, rows.per_block).T, rows.design.index.view()
    inputs, index = read_new_inputs(record.encoding, rows.inputs, newdata)
    return score_inputs(record, inputs), index


def score_inputs(record: NetworkRecord, inputs: Inputs) -> np.ndarray:
    """Return the scores u (J, n) of inputs of new rows.

    Raises
    ------
    NetworkError
        If scores are not finite, which inputs far beyond those of the fit can make them, or the
        module cannot run on the rows.
    """
    scores = map_rows(record.network, inputs, record.rows.per_block).T
    odd = np.flatnonzero(~np.isfinite(scores).all(axis=0))
    if odd.size:
        raise NetworkError(
            f"The module gives scores that are not finite in {odd.size} rows of newdata, first in "
            f"row {odd[0]} by position: {scores[:, odd[0]].tolist()}. Look at its inputs."
        )
    return scores


def measure_cross_entropy(record: NetworkRecord) -> float:
    """Return the cross-entropy error ``-Σ_n c_n Σ_k d_nk log y_nk`` of a network on its rows.

    Logarithms are those of a log-softmax, ``u_nk - log Σ_l exp(u_nl)``, which is finite where y_nk
    is too small for a double.
    """
    rows, logs = record.rows, log_softmax(score_rows(record)[0].T, axis=1)
    every = slice(0, rows.total)
    happened = rows.targets(every)
    # Nothing is taken of categories that did not happen, however far off they are.
    return 0.0 - float(
        rows.weights(every) @ np.where(happened > 0, happened * logs, 0.0).sum(axis=1)
    )


def predict_network(
    record: NetworkRecord, newdata: Any = None, which: str = "prob"
) -> pd.DataFrame | pd.Series:
    """Predict the outcome of the network's rows, or of new ones.

    Parameters
    ----------
    record : NetworkRecord
    newdata : DataFrame, dict, array-like or torch.Tensor, optional
        New rows, in the shape of the fit's; columns of a frame are matched by name. The fit's own
        rows if not given.
    which : {"prob", "category", "linear"}
        Probabilities (m, J), the softmax of the scores; the most probable category (m,), the
        first of those that tie; or log-odds against the first category (m, J), which are
        differences of scores, since a constant added to all scores of a row changes nothing.

    Returns
    -------
    pandas.DataFrame or pandas.Series
        Labelled by the rows' index and the categories.

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with the rows.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> anes = ml.datasets.load_anes96()
    >>> X, y = anes[["age", "educ"]] / 10, anes["vote"]
    >>> res = ml.networks.fit_network(torch.nn.Linear(2, 2), X, y)
    >>> res.predict(X.head(2)).shape
    (2, 2)
    """
    check_choice("which", which, PREDICTIONS)
    scores, index = score_rows(record, newdata)
    return label_scores(scores, index, record, which)

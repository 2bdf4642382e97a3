"""Predictions in the limit of separated data, where coefficients are infinite."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice
from mlelogit.fitting.likelihood import predict_scores
from mlelogit.fitting.limit import find_impossible
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord


def predict_limit(record: FitRecord, exog: Any, which: str = "mean") -> np.ndarray:
    """Return probabilities of rows (m, J), log-odds against the base, or variances.

    Parameters
    ----------
    record : FitRecord
        Of separated data.
    exog : array-like
        (m, K).
    which : {"mean", "linear", "var"}
    """
    check_choice("which", which, ("mean", "linear", "var"))
    x, base = np.atleast_2d(np.asarray(exog, dtype=np.float64)).T, record.encoding.base
    scores = predict_scores(x, record.maximum.params, base, None)
    scores[find_impossible(x, record.separation, record.basis, base)] = -np.inf
    # statsmodels has the base first.
    scores = np.concatenate([scores[[base]], np.delete(scores, base, axis=0)])
    if which == "linear":
        with np.errstate(invalid="ignore"):  # Between two that have no probability.
            return np.asarray((scores - scores[0]).T)
    p = log_softmax(scores)[1].T
    return np.asarray(p if which == "mean" else p * (1 - p))

"""The class that marginaleffects takes for a model; imported when it is used."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from marginaleffects.classes import ModelAbstract, ModelVault

from mlelogit.bridges.columns import OFFSET, ModelRows, list_offset_columns
from mlelogit.bridges.covariances import find_vcov
from mlelogit.data.encoding import encode_new
from mlelogit.data.hypotheses.wording import list_coefficients
from mlelogit.data.rows import read_new_offset
from mlelogit.exceptions import BridgeError
from mlelogit.fitting.likelihood import predict_scores
from mlelogit.fitting.limit import find_impossible
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance

# How far a step moves a log-odds at most. Slopes are differences over 1e-4 of probabilities
# that are rounded at 1e-16; much shorter steps, as of 1e-8 of a coefficient, drown in that.
STEP = 1e-4
# What marginaleffects multiplies a coefficient with to get its step.
SHARE = float(np.sqrt(np.finfo(np.float64).eps))
SHORTEST = 1e-10
_UNASKED = object()


@dataclass(frozen=True)
class Rows:
    """Rows as the model takes them.

    Attributes
    ----------
    matrix : numpy.ndarray or scipy.sparse.csr_array
        (m, K).
    offset : numpy.ndarray or None
        (m, J).
    """

    matrix: Any
    offset: np.ndarray | None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, K)."""
        return self.matrix.shape[0], self.matrix.shape[1]

    def __getitem__(self, rows: slice) -> Rows:
        return Rows(self.matrix[rows], None if self.offset is None else self.offset[rows])


class Adapter(ModelAbstract):  # type: ignore[misc]
    """A fit as a model of marginaleffects; see `mlelogit.bridges.marginaleffects.adapt`.

    marginaleffects differentiates by steps of a fixed share of every coefficient. For
    predictions it is told coefficients that differ from the fit's by a constant, so that their
    size makes for steps of the right length; their covariance is the same. Along such a step
    probabilities are taken to first order, so that its length does not matter for what is
    linear in them. What is not asked of the adapter itself is passed on to the results.

    Parameters
    ----------
    results : MNLogitResults
    record : FitRecord
    covariance : Covariance
    rows : ModelRows
    """

    def __init__(
        self, results: Any, record: FitRecord, covariance: Covariance, rows: ModelRows
    ) -> None:
        self._record, self._covariance, self._rows = record, covariance, rows
        self._predicting = threading.local()
        self._origin = _find_origin(record)
        names = record.encoding.category_names
        self._groups = pl.Series("group", names, dtype=pl.Enum(names))
        # Variables and their kinds are told below: a formula would be searched for transforms,
        # and rows with missing values in it dropped.
        vault = ModelVault(
            coef=np.array(record.maximum.params),
            formula="~ 1",
            modeldata=rows.frame,
            package="mlelogit",
            variable_names=[str(record.encoding.outcome_name), *rows.variables],
        )
        super().__init__(results, vault)
        for text, column in rows.columns.items():
            self.set_variable_type(text, column.kind)

    @property
    def df_resid(self) -> float:
        """Degrees of freedom of t: those of the covariance, infinite for the normal."""
        return float(self._covariance.df)

    def get_df(self) -> float:
        """Return the degrees of freedom of t."""
        return self.df_resid

    def get_coef(self) -> np.ndarray:
        """Return the estimates (P,), or while it predicts the point from which it steps."""
        return self._origin if self._is_predicting() else np.array(self._record.maximum.params)

    def _is_predicting(self) -> bool:
        return bool(getattr(self._predicting, "now", False))

    def get_coefnames(self) -> np.ndarray:
        """Return "category: name" of every coefficient, equation by equation."""
        if self._record.separation.found:
            raise BridgeError(
                "Categories are separated, so that some coefficients are infinite and have no "
                "hypotheses() here; see results.tidy() and results.separation."
            )
        if self._is_predicting():
            raise BridgeError("Adapt the results anew for hypotheses() with a matrix for vcov.")
        return np.array(list_coefficients(self._record.encoding))

    def find_predictors(self) -> list[str] | None:
        """Return the variables, or None if the model is a constant alone."""
        return list(self._rows.variables) or None

    def get_vcov(self, vcov: Any = _UNASKED) -> np.ndarray | None:
        """Return the covariance (P, P); see `mlelogit.bridges.covariances.find_vcov`."""
        self._predicting.now = False
        if vcov is _UNASKED:
            raise BridgeError(
                "hypotheses(joint=...) takes the names of variables for those of coefficients, "
                "of which a model of several equations has more; use "
                'results.wald_test("age = 0").'
            )
        return find_vcov(vcov, self._record, self._covariance)

    def get_exog(self, newdata: pl.DataFrame) -> Rows:
        """Encode rows with the levels, knots and means of the fit."""
        self._predicting.now = True
        encoding = self._record.encoding
        frame = self._rows.restore(newdata)
        matrix, _ = encode_new(encoding, frame)
        names = list_offset_columns(encoding)
        if not names:
            return Rows(matrix, None)
        if names[0].startswith(OFFSET):
            return Rows(matrix, frame[names].to_numpy(dtype=np.float64))
        return Rows(matrix, read_new_offset(frame[names], len(frame), encoding))

    def get_predict(self, params: np.ndarray, newdata: Rows) -> pl.DataFrame:
        """Return probabilities of rows: columns rowid, group and estimate.

        Category by category in the order of the fit, row by row in each. ``params`` is as of
        `get_coef` while it predicts.
        """
        probabilities = _predict(
            self._record, np.ravel(params) - self._origin, self._origin, newdata
        )
        categories, rows = probabilities.shape
        # Known to be sorted, it keeps its order where marginaleffects lists its values.
        groups = self._groups.gather(np.repeat(np.arange(categories), rows)).set_sorted()
        rowid = pl.Series("rowid", np.tile(np.arange(rows, dtype=np.int32), categories))
        estimate = pl.Series("estimate", probabilities.ravel())
        return pl.DataFrame([rowid, groups, estimate])


def _find_origin(record: FitRecord) -> np.ndarray:
    """Return coefficients (P,) whose share is a step that moves no log-odds by more than STEP."""
    low, high = record.need_blocks().design.source.extremes
    reach = np.maximum(np.abs(low), np.abs(high))
    return np.tile(STEP / SHARE / np.where(reach > 0, reach, 1.0), len(record.encoding.others))


def _predict(record: FitRecord, change: np.ndarray, origin: np.ndarray, rows: Rows) -> np.ndarray:
    """Return probabilities (J, m) at the estimates plus a change (P,) of them.

    To first order along a step: ``p_j + p_j (u_j - Σ_l p_l u_l)``, with u the change's scores.
    """
    base, x, estimates = record.encoding.base, rows.matrix.T, record.maximum.params
    offset = None if rows.offset is None else rows.offset.T
    limit = 4 * np.maximum(SHARE * origin, SHORTEST)
    short = bool((np.abs(change) <= limit).all())
    scores = predict_scores(x, estimates if short else estimates + change, base, offset)
    if record.separation.found:
        scores[find_impossible(x, record.separation, record.basis, base)] = -np.inf
    _, probabilities = log_softmax(scores)
    if short and change.any():
        moves = predict_scores(x, change, base, None)
        moves -= (probabilities * moves).sum(axis=0)
        probabilities += probabilities * moves
    return probabilities

"""The rows of a statsmodels model as this package's blocks, and its likelihood on them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlelogit.bridges.statsmodels.failures import translate_errors
from mlelogit.data.assembly import make_design
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design
from mlelogit.data.frames import check_finite, check_missing
from mlelogit.data.rows import DataOptions
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.exceptions import InfiniteValueError, MissingDataError, OptionError, ParamsError
from mlelogit.fitting.basis import Columns, examine_columns
from mlelogit.fitting.likelihood import map_loglikeobs, map_residuals, map_score_obs
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.objective import LogLikelihood

BASE = 0
# What statsmodels' fit reads of a model.
CLIMBED = ("loglike", "loglikeobs", "score", "loglike_and_score", "hessian", "cdf")


@dataclass(frozen=True)
class ModelRows:
    """The arrays of a model, and this package's design of them.

    Attributes
    ----------
    codes : numpy.ndarray
        (n,), ``model.endog``.
    exog : numpy.ndarray
        (n, K), ``model.exog``.
    design : Design
        Of views of both.
    sums : tuple of int
        Checksums of the values of both when they were read.
    """

    codes: np.ndarray
    exog: np.ndarray
    design: Design
    sums: tuple[int, int]

    def holds(self, codes: np.ndarray, exog: np.ndarray) -> bool:
        """Tell whether a model's arrays are these, with the values that were read."""
        same = self.codes is codes and self.exog is exog
        return same and self.sums == (_sum_up(codes), _sum_up(exog))

    @cached_property
    def objective(self) -> LogLikelihood:
        """The log-likelihood of the rows."""
        return LogLikelihood(RowBlocks(self.design, threads=count_threads()), BASE)

    @cached_property
    def columns(self) -> Columns:
        """What the columns span, and which of them are combinations of others."""
        return single_threaded_blas(examine_columns)(
            self.objective.blocks, self.design.encoding.names
        )


def read_rows(model: Any) -> ModelRows:
    """Make a design of a model's arrays; its columns and categories have the model's names.

    Raises
    ------
    MissingDataError, InfiniteValueError
        If the columns hold such values.
    """
    options = DataOptions(None, None, None, None, "labels", "raise", "raise", "auto")
    with translate_errors():
        try:
            design = make_design(model.endog, model.exog, options)
        except (InfiniteValueError, MissingDataError):
            _check_columns(model)
            raise
    labels = name_categories(model)
    categories = tuple(labels[int(code)] for code in design.outcome.categories)
    encoding = replace(
        design.encoding,
        names=tuple(model.exog_names),
        categories=categories,
        declared=categories,
        outcome_name=model.endog_names,
    )
    totals = dict(zip(categories, design.audit.categories.values(), strict=True))
    audit = replace(design.audit, categories=totals)
    design, sums = replace(design, encoding=encoding, audit=audit), _sum_up(model.exog)
    return ModelRows(model.endog, model.exog, design, (_sum_up(model.endog), sums))


def _sum_up(values: np.ndarray) -> int:
    """Return a checksum of an array's values in their order."""
    straight = np.ascontiguousarray(values if values.flags.c_contiguous else values.T)
    return zlib.crc32(straight.data)


def check_own(kind: type, own: type) -> None:
    """Raise `OptionError` if a subclass has a likelihood of its own, which fit would not climb."""
    changed = [name for name in CLIMBED if getattr(kind, name) is not getattr(own, name)]
    if changed:
        raise OptionError(
            f"{kind.__name__} has its own {', '.join(changed)}, and fit climbs this package's "
            "likelihood; derive it from statsmodels.api.MNLogit, whose fit climbs what it is given."
        )


def _check_columns(model: Any) -> None:
    """Raise for missing or infinite values, by the model's own names of columns."""
    columns = dict(zip(model.exog_names, np.asarray(model.exog, dtype=np.float64).T, strict=True))
    check_missing([(name, np.isnan(values)) for name, values in columns.items()])
    check_finite(columns)


def name_categories(model: Any) -> list[Any]:
    """Return the labels of a model's categories, in their order."""
    return [model._ynames_map[code] for code in range(int(model.J))]


def flatten_params(params: Any, model: Any) -> np.ndarray:
    """Return params, flat (P,) or (K, J - 1), equation by equation (P,)."""
    values = np.asarray(params)
    size, shape = model.K * (model.J - 1), (model.K, model.J - 1)
    if values.size != size or values.ndim > 2 or (values.ndim == 2 and values.shape != shape):
        raise ParamsError(
            f"params have shape {values.shape}; give ({size},), equation by equation, or {shape}."
        )
    flat = values.ravel(order="F")
    return flat if np.iscomplexobj(flat) else flat.astype(np.float64, copy=False)


def soften(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities and probabilities of scores (J, m), which may be complex.

    Complex ones are derivatives by complex steps: the shift is by the largest real part.
    """
    if not np.iscomplexobj(scores):
        return log_softmax(scores)
    shifted = scores - scores.real.max(axis=0)
    powers = np.exp(shifted)
    totals = powers.sum(axis=0)
    return shifted - np.log(totals), powers / totals


def add_base(linear: Any) -> np.ndarray:
    """Return scores (J, m) of linear predictors (m, J - 1), with the base's zeros."""
    values = np.asarray(linear)
    values = values[:, np.newaxis] if values.ndim == 1 else values
    kind = np.complex128 if np.iscomplexobj(values) else np.float64
    scores = np.zeros((values.shape[1] + 1, values.shape[0]), dtype=kind)
    scores[1:] = values.T
    return scores


def predict_complex(model: Any, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities and probabilities (J, n) at complex params (P,)."""
    b = params.reshape(-1, model.K)
    return soften(add_base(np.asarray(model.exog) @ b.T))


def spread_loglike(rows: ModelRows, params: np.ndarray, categories: int) -> np.ndarray:
    """Return every row's log-likelihood at its own category (n, J), zero at the others."""
    logs = rows.objective.map(map_loglikeobs, params)
    spread = np.zeros((len(logs), categories))
    spread[np.arange(len(logs)), rows.codes] = logs
    return spread


@single_threaded_blas
def evaluate(rows: ModelRows, params: np.ndarray, order: int) -> Any:
    """Return log-likelihood, score and information at params (P,)."""
    return rows.objective.evaluate(params, order)


def score_rows(rows: ModelRows, params: np.ndarray) -> np.ndarray:
    """Return every row's score (n, P)."""
    return rows.objective.map(map_score_obs, params).T


def residuals(rows: ModelRows, params: np.ndarray) -> np.ndarray:
    """Return what was observed less what is expected (n, J - 1), without the base."""
    return rows.objective.map(map_residuals, params)[1:].T

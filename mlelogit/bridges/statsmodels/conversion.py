"""A fit of this package as statsmodels' results, for its toolbox."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.bridges.statsmodels.fitting import Climb
from mlelogit.bridges.statsmodels.model import MNLogit
from mlelogit.bridges.statsmodels.results import MultinomialResultsWrapper
from mlelogit.bridges.statsmodels.words import Wanted
from mlelogit.data.blocks import Block
from mlelogit.data.sources import lay_out
from mlelogit.exceptions import BridgeError, RowsNotHeldError
from mlelogit.fitting.likelihood import map_outcome
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.inference.fit_statistics import compute_fit_statistics

# Counts and frequency weights become rows of their own: 512 MB of columns at most.
MOST_NUMBERS = 1 << 26


def convert(record: FitRecord, covariance: Covariance) -> MultinomialResultsWrapper:
    """Return a fit as statsmodels' results, at its estimates and with its covariance in use.

    The results are statsmodels' ``MultinomialResultsWrapper``, of a model that is its
    ``MNLogit``: both as `mlelogit.bridges.statsmodels.MNLogit` has them. The base comes first
    among the categories. People of a row of counts, and the rows that a frequency weight stands
    for, are rows of their own. Columns that the fit left out are left out.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance

    Returns
    -------
    statsmodels.discrete.discrete_model.MultinomialResultsWrapper

    Raises
    ------
    BridgeError
        If statsmodels' model cannot say what was fitted: with an offset, sampling or importance
        weights, probabilities as the outcome, bias reduction or constraints; if rows are read in
        pieces and are too many to hold, or counts are too large to be rows.
    CovarianceError
        If the covariance was left out for its size.
    DataNotKeptError
        If the fit no longer has its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit().with_cov("HC1")
    >>> theirs = res.to_statsmodels()
    >>> test = theirs.t_test("yDole_age = 0")
    >>> bool(abs(float(test.pvalue) / res.pvalues.loc["age", "Dole"] - 1) < 1e-9)
    True
    """
    _check_record(record)
    need_covariance(covariance)
    try:
        record = record.in_memory()
    except RowsNotHeldError as error:
        raise BridgeError(f"statsmodels needs all rows in memory. {error}") from error
    endog, exog = _lay_out_rows(record)
    model = MNLogit(endog, exog, check_rank=False)
    wanted = Wanted(covariance.kind, covariance.kind)
    use_t = bool(np.isfinite(covariance.df))
    settings = {"optimizer": record.maximum.method}
    results = model.wrap(Climb(record, covariance, settings, wanted, use_t))
    raw = results._results
    if use_t:
        raw.df_resid_inference = covariance.df
    _keep_null(raw, record)
    return results


def _check_record(record: FitRecord) -> None:
    """Raise `BridgeError` if statsmodels' model cannot say what was fitted."""
    kind = record.encoding.outcome_kind
    reasons = {
        "an offset, which statsmodels' MNLogit ignores": record.has_offset,
        f"{record.weight_type} weights, which statsmodels' MNLogit ignores": record.weight_type
        not in (None, "frequency"),
        "probabilities as the outcome, and statsmodels' results count every row as one "
        "observation of one category": kind == "probabilities",
        "reduced bias, so that the estimates are not the maximum that statsmodels' results "
        "take them for": record.maximum.adjusted is not None,
        "constraints, which statsmodels' degrees of freedom do not know": record.constraints
        is not None,
    }
    for reason, holds in reasons.items():
        if holds:
            raise BridgeError(f"This fit has {reason}; use its own results.")


def _lay_out_rows(record: FitRecord) -> tuple[pd.Series, pd.DataFrame]:
    """Return the outcome with the base first, and the columns; people are rows of their own."""
    blocks, encoding = record.need_blocks(), record.encoding
    order = [encoding.base, *(k for k in range(len(encoding.categories)) if k != encoding.base)]
    names, weights = encoding.category_names, blocks.design.weights
    x = np.ascontiguousarray(blocks.map(_map_columns).T)
    index, outcome = record.index, blocks.design.outcome
    if outcome.codes is not None and weights is None:
        codes = outcome.codes
    else:
        people = blocks.map(map_outcome) * (1 if weights is None else weights)
        codes, places = _repeat_people(people, x.shape[1])
        x, index = x[places], index[places]
    places_of = np.argsort(order)
    labels = pd.Categorical.from_codes(places_of[codes], pd.Index([names[k] for k in order]))
    frame = pd.DataFrame(x, index=index, columns=pd.Index(list(encoding.names)), copy=False)
    return pd.Series(labels, index=index, name=encoding.outcome_name), frame


def _map_columns(block: Block) -> np.ndarray:
    return lay_out(block.x)


def _repeat_people(people: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the category and the row of every person of counts (J, n)."""
    total = float(people.sum())
    if total * width > MOST_NUMBERS:
        raise BridgeError(
            f"The counts or frequency weights add up to {total:.0f} observations of {width} "
            f"columns, and {MOST_NUMBERS} numbers is the most that is laid out as rows for "
            "statsmodels; use the fit's own results."
        )
    rows, categories = np.nonzero(people.T)
    times = people[categories, rows].astype(np.int64)
    return np.repeat(categories, times), np.repeat(rows, times)


def _keep_null(results: Any, record: FitRecord) -> None:
    """Give results the fit's own null model, which without a constant is that of equal shares."""
    found = compute_fit_statistics(record)
    results.set_null_options(llnull=found.llnull, attach_results=False)
    results._cache["llr_pvalue"] = found.llr_pvalue

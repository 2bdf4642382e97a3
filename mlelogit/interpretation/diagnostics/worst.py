"""The rows predicted worst, with the values of their variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import is_whole, write_value
from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.exceptions import OptionError
from mlelogit.fitting.likelihood import map_outcome, map_scores
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.labelling import describe_rows, label_codes

SHARES = {"counts": "people", "probabilities": "share"}


def find_worst_predicted(record: FitRecord, n: int = 10) -> pd.DataFrame:
    """Return the rows whose category had the lowest probabilities.

    Of rows of counts the people of each category are looked at by themselves, as if they had
    rows of their own. Of an outcome of probabilities, whose rows are in all categories at
    once, a row and category count by what they add to minus the log-likelihood,
    ``-d log y``. Weights do not enter: a row is as badly predicted as its copies. In the limit of
    separated data no row's category has probability zero.

    Parameters
    ----------
    record : FitRecord
    n : int
        How many; all if there are fewer.

    Returns
    -------
    pandas.DataFrame
        Worst first, those that tie in the order of the rows; index of the rows used. Columns
        observed, predicted (the most probable category, the first of those that tie),
        probability (of what was observed), predicted_probability, people or share (of counts
        or probabilities), weight (if there are any), and the variables: those of the formula
        if the frame of the fit is at hand, else the columns of the design. A variable of the same
        name as one of these columns is called "variable ...".

    Raises
    ------
    DataNotKeptError
        If the fit no longer holds its rows.
    OptionError
        If n is not a positive whole number.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> worst = res.worst_predicted(3)
    >>> list(worst.columns)
    ['observed', 'predicted', 'probability', 'predicted_probability', 'age', 'educ']
    """
    count = check_count(n)
    record = record.in_memory()
    blocks = record.limit_blocks()
    kind, base = blocks.design.outcome.kind, record.encoding.base
    ranks = blocks.map(_rank_observed, record.maximum.params, base, kind == "probabilities")
    rows, codes = _pick(ranks, count, blocks)
    part = take_rows(blocks.design, rows)
    few = RowBlocks(part, threads=blocks.threads)
    logs, y = log_softmax(few.map(map_scores, record.maximum.params, base))
    lines = np.arange(len(rows))
    best = y.argmax(axis=0)
    shown: dict[str, Any] = {
        "observed": label_codes(codes, record.encoding.categories),
        "predicted": label_codes(best, record.encoding.categories),
        "probability": np.exp(logs[codes, lines]),
        "predicted_probability": y[best, lines],
    }
    if kind in SHARES:
        shown[SHARES[kind]] = np.asarray(part.outcome.table)[lines, codes]
    if part.weights is not None:
        shown["weight"] = part.weights
    return describe_rows(record, rows, pd.DataFrame(shown, index=part.index))


def check_count(n: Any) -> int:
    """Return how many rows are asked for, or raise `OptionError`."""
    if not is_whole(n) or n < 1:
        raise OptionError(f"n must be a positive whole number, not {write_value(n)}.")
    return int(n)


def _rank_observed(block: Block, params: np.ndarray, base: int, shares: bool) -> np.ndarray:
    """Return log y of what was observed: of labels (m,), else (J, m), infinite elsewhere."""
    logs, _ = log_softmax(map_scores(block, params, base))
    if block.codes is not None:
        return np.asarray(logs[block.codes, np.arange(logs.shape[1])])
    d = map_outcome(block)
    with np.errstate(invalid="ignore"):
        return np.where(d > 0, d * logs if shares else logs, np.inf)


def _pick(ranks: np.ndarray, count: int, blocks: RowBlocks) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and categories of the lowest ranks, those that tie in order."""
    flat = ranks.T.ravel()
    count = min(count, int((flat < np.inf).sum()))
    last = np.partition(flat, count - 1)[count - 1]
    places = np.flatnonzero(flat <= last)
    places = places[np.argsort(flat[places], kind="stable")][:count]
    if ranks.ndim == 1:
        return places, np.asarray(blocks.design.outcome.codes)[places]
    rows, codes = np.divmod(places, len(ranks))
    return rows, codes

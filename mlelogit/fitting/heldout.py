"""Fit the rows left in and score the rows held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import Design, count_people, omit_columns
from mlelogit.data.encoding import Encoding
from mlelogit.data.folds import Folds, find_present, hold_out, keep_categories
from mlelogit.data.frames import list_some
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.threads import count_threads
from mlelogit.exceptions import ConstraintError
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.likelihood import map_loglikeobs, map_outcome, map_scores, weigh
from mlelogit.fitting.limit import Separation, find_impossible
from mlelogit.fitting.linalg import ColumnBasis, log_softmax
from mlelogit.fitting.rank import settle_rank
from mlelogit.fitting.record import FitRecord, FitRequest
from mlelogit.notices import run_quietly


@dataclass(frozen=True)
class Split:
    """A fold: what is left in and what is held out, in the categories that are left in.

    Attributes
    ----------
    train, test : Design
        Both in the categories that the rows left in have.
    rows : numpy.ndarray
        (m,): the positions of the test's rows among all.
    lost_rows : numpy.ndarray
        Positions of rows with observations in a category that no row left in has.
    observations, lost : float
        The weight held out in all, and of those observations.
    """

    train: Design
    test: Design
    rows: np.ndarray
    lost_rows: np.ndarray
    observations: float
    lost: float


def split(design: Design, folds: Folds, fold: int) -> Split:
    """Split a design at a fold."""
    inside, outside, rows = hold_out(design, folds, fold)
    present = find_present(inside)
    train, _ = keep_categories(inside, present)
    test, stay = keep_categories(outside, present)
    amounts = np.ones(len(rows)) if outside.weights is None else outside.weights
    observations = float(amounts @ count_people(outside))
    shares = _share_lost(outside, present)
    lost = float(amounts @ shares)
    return Split(train, test, rows[stay], rows[shares > 0], observations, lost)


def _share_lost(outside: Design, present: np.ndarray) -> np.ndarray:
    """Return how much of every row held out is in categories that no row left in has (m,)."""
    outcome = outside.outcome
    if outcome.codes is not None:
        return (~present[outcome.codes]).astype(float)
    return np.asarray(outcome.table)[:, ~present].sum(axis=1)


@dataclass(frozen=True)
class HeldOut:
    """What a fit says of rows that it has not seen.

    Attributes
    ----------
    rows : numpy.ndarray
        (m,): positions of the rows held out, in whole or in part.
    loglike : numpy.ndarray
        (m,): theirs, the weight that they were held out with included.
    observations, lost : float
        As of `Split`.
    separated, converged : bool
        Whether the rows left in are separated; whether their fit is certified, or is certified
        in the limit.
    omitted : tuple
        Columns that are combinations of others among the rows left in.
    """

    rows: np.ndarray
    loglike: np.ndarray
    observations: float
    lost: float
    separated: bool
    converged: bool
    omitted: tuple


def fit_without(design: Design, folds: Folds, fold: int, request: FitRequest) -> HeldOut:
    """Fit all rows but a fold's, and score that fold.

    Raises
    ------
    ConstraintError
        If a constraint is about a category or a column that the rows left in do not have.
    """
    parts = split(design, folds, fold)
    record = run_quietly(_fit, parts.train, request, design.encoding)
    gone = {
        name: why
        for name, why in record.encoding.omitted.items()
        if name not in design.encoding.omitted
    }
    test = omit_columns(parts.test, gone) if gone else parts.test
    rows = np.union1d(parts.rows, parts.lost_rows)
    loglike = np.zeros(len(rows))
    loglike[np.searchsorted(rows, parts.rows)] = score_rows(record, test, request.threads)
    loglike[np.searchsorted(rows, parts.lost_rows)] = -np.inf
    separated = record.separation.found
    certified = record.maximum.converged or separated
    return HeldOut(rows, loglike, parts.observations, parts.lost, separated, certified, tuple(gone))


def _fit(train: Design, request: FitRequest, whole: Encoding) -> FitRecord:
    full = settle_rank(replace(train, collinear="drop"))
    if request.constraints is not None:
        held = carry_constraints(request.constraints, whole, full.design.encoding)
        request = replace(request, constraints=held)
    return estimate(full.design, request, basis=full.basis)


def carry_constraints(given: Restriction, whole: Encoding, part: Encoding) -> Restriction:
    """Return constraints as they are for some of the categories and columns.

    Raises
    ------
    ConstraintError
        If one is about another category or column, or the base is not among those left.
    """
    based = whole.base_category in part.categories
    kept = np.array([based and category in part.categories for category in whole.others])
    columns = np.array([name in part.names for name in whole.names])
    cube = given.matrix.reshape(len(given), len(kept), len(columns))
    lost = np.any(cube[:, ~kept], axis=(1, 2)) | np.any(cube[:, :, ~columns], axis=(1, 2))
    if lost.any():
        words = [word for word, gone in zip(given.words, lost.tolist(), strict=True) if gone]
        absent = [category for category in whole.categories if category not in part.categories]
        absent += [name for name in whole.names if name not in part.names]
        raise ConstraintError(
            f"A fold leaves no observation, or no variation, of {list_some(absent)}, so that "
            f"constraints say nothing there: {list_some(words)}. Use fewer folds, stratify, or "
            "leave out these constraints."
        )
    return replace(given, matrix=cube[:, kept][:, :, columns].reshape(len(given), -1))


def score_rows(record: FitRecord, test: Design, threads: int | None) -> np.ndarray:
    """Return the log-likelihood of every row of a design under a fit (m,).

    In the limit of separated data categories without a probability count: an observation of
    one has minus infinity.
    """
    if not test.source.shape[0]:
        return np.zeros(0)
    blocks = RowBlocks(test, threads=count_threads(threads))
    params, base = record.maximum.params, record.encoding.base
    if not record.separation.found:
        return blocks.map(map_loglikeobs, params, base)
    return blocks.map(map_limit, params, base, record.separation, record.basis)


def map_limit(
    block: Block, params: np.ndarray, base: int, separation: Separation, basis: ColumnBasis
) -> np.ndarray:
    """Return the log-likelihood of every row of a block in the limit of separated data (m,)."""
    scores = map_scores(block, params, base)
    scores[find_impossible(block.x, separation, basis, base)] = -np.inf
    logs, _ = log_softmax(scores)
    outcome = map_outcome(block)
    with np.errstate(invalid="ignore"):
        reached = np.where(outcome > 0, outcome * logs, 0.0)
    return weigh(block, reached.sum(axis=0))

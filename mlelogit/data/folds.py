"""Folds: who is held out when, and the designs of those left in and held out.

What is dealt out is an observation: a row, or each of the people of a row of counts or of
frequency weights, so that such rows are held out as if they were written out one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_flag, is_whole, settle_seed, write_value
from mlelogit.data.design import Design, take_rows
from mlelogit.data.labels import read_labels
from mlelogit.data.limits import MOST_DRAWS, check_memory, check_number
from mlelogit.exceptions import OneCategoryError, OptionError

# Everyone has a number of their own while folds are dealt.
LARGEST_DEAL = 50_000_000


@dataclass(frozen=True)
class FoldRequest:
    """How to deal observations out.

    Attributes
    ----------
    folds : int or array-like
        Their number; or the fold of every row given, or the column that has it.
    seed : int, numpy.random.Generator or None
        A generator gives one number, the system if there is none; what it was is kept.
    repeats : int
        How many times to deal.
    stratify : bool
        Whether each fold gets its share of every category, as near as can be; not used with
        groups.
    groups : label of a column, array-like or None
        Rows of a group are held out together; see `mlelogit.data.labels.read_labels`.

    Examples
    --------
    >>> from mlelogit.data.folds import FoldRequest
    >>> FoldRequest(5, seed=1).folds
    5
    """

    folds: Any = 10
    seed: Any = 0
    repeats: int = 1
    stratify: bool = True
    groups: Any = None

    def __post_init__(self) -> None:
        check_flag("stratify", self.stratify)
        object.__setattr__(self, "seed", settle_seed(self.seed))
        if not is_whole(self.repeats) or self.repeats < 1:
            raise OptionError(
                f"repeats must be a whole number from 1 on, not {write_value(self.repeats)}."
            )
        if not self.given and not is_whole(self.folds):
            raise OptionError(
                f"folds must be a whole number from 2 on, or the fold of every row, not "
                f"{write_value(self.folds)}."
            )
        if not self.given and self.folds < 2:
            raise OptionError(f"folds must be 2 or more, not {self.folds}.")
        if self.given and (self.groups is not None or self.repeats > 1):
            raise OptionError(
                "folds gives every row its fold, so there is nothing to deal: leave out groups= "
                "and repeats=."
            )

    @property
    def given(self) -> bool:
        """Whether the folds are the user's own."""
        return np.ndim(self.folds) > 0 or isinstance(self.folds, str)


@dataclass(frozen=True)
class Folds:
    """Who is held out in each of F folds.

    Attributes
    ----------
    labels : tuple
        The folds' names: 0, 1, ... or the user's.
    shape : tuple
        (n,), or of counts (n, J).
    starts : numpy.ndarray
        (F + 1,): fold f has the places ``starts[f]`` to ``starts[f + 1]``.
    places : numpy.ndarray
        Places in a flat array of that shape, fold by fold.
    amounts : numpy.ndarray
        What is held out there: a weight, or people.
    """

    labels: tuple
    shape: tuple[int, ...]
    starts: np.ndarray
    places: np.ndarray
    amounts: np.ndarray

    def hold(self, fold: int) -> np.ndarray:
        """Return the weight of every row that a fold holds out (n,); of counts the people."""
        part = slice(self.starts[fold], self.starts[fold + 1])
        held = np.zeros(self.shape)
        held.reshape(-1)[self.places[part]] = self.amounts[part]
        return held


def deal_folds(design: Design, request: FoldRequest) -> list[Folds]:
    """Deal a design's observations out, as many times as asked.

    Raises
    ------
    OptionError
        If there are more folds than observations or groups, or a single fold.
    MNLogitError
        One of the cases of `mlelogit.data.labels.read_labels`, if folds or groups do not go
        with the rows.
    """
    rng = np.random.default_rng(request.seed)
    if request.given:
        own = read_labels(design, request.folds, "folds")
        _check_number(own.count, own.count, "folds")
        return [_hold_rows(design, own.codes, tuple(own.names))]
    count = int(request.folds)
    check_number(request.repeats, MOST_DRAWS, "repeats", "each is a fit for every fold")
    rows = 24.0 * design.source.shape[0] * request.repeats
    check_memory(rows, f"Dealing the rows out {request.repeats:,} times", "Repeat less often")
    if request.groups is not None:
        groups = read_labels(design, request.groups, "groups")
        _check_number(count, groups.count, "groups")
        labels = tuple(range(count))
        dealt = [rng.permutation(groups.count)[groups.codes] for _ in range(request.repeats)]
        return [_hold_rows(design, d % count, labels) for d in dealt]
    places, categories = list_observations(design)
    _check_number(count, len(places), "observations")
    labels = tuple(range(count))
    return [
        _hold_some(design, places, _deal(categories, len(places), request, rng), labels)
        for _ in range(request.repeats)
    ]


def _check_number(folds: int, units: int, what: str) -> None:
    if folds > units or units < 2:
        raise OptionError(
            f"{folds} folds need at least as many {what}, and two; there are {units}."
        )


def _deal(
    categories: np.ndarray | None, units: int, request: FoldRequest, rng: np.random.Generator
) -> np.ndarray:
    """Return the fold of every observation: dealt like cards, category by category."""
    drawn = rng.random(units)
    order = np.argsort(drawn, kind="stable")
    if request.stratify and categories is not None:
        order = np.lexsort((drawn, categories))
    dealt = np.empty(units, dtype=np.intp)
    dealt[order] = np.arange(units) % int(request.folds)
    return dealt


def list_observations(design: Design) -> tuple[np.ndarray, np.ndarray | None]:
    """List everyone: places among the rows, or the entries of counts, and their categories.

    Returns
    -------
    places : numpy.ndarray
        (N,): a row; of counts, row times J plus category.
    categories : numpy.ndarray or None
        (N,); None for probabilities, which have none.
    """
    outcome, repeated = design.outcome, design.weight_type == "frequency"
    rows = design.source.shape[0]
    amounts = np.asarray(design.weights) if repeated else np.ones(rows)
    if outcome.kind == "counts":
        amounts = (np.asarray(outcome.table) * amounts[:, np.newaxis]).ravel()
    if amounts.sum() > LARGEST_DEAL:
        raise OptionError(
            f"{amounts.sum():.4g} people are too many to deal out one by one; give groups=, or the "
            "fold of every row in folds=."
        )
    places = np.repeat(np.arange(len(amounts)), amounts.astype(np.intp))
    if outcome.kind == "counts":
        return places, places % len(outcome.categories)
    return places, None if outcome.codes is None else outcome.codes[places]


def _hold_some(design: Design, places: np.ndarray, dealt: np.ndarray, labels: tuple) -> Folds:
    """Hold observations out, given the place and the fold of each."""
    shape: tuple[int, ...] = (design.source.shape[0],)
    if design.outcome.kind == "counts":
        shape = (*shape, len(design.outcome.categories))
    size = math.prod(shape)
    found, amounts = np.unique(dealt * size + places, return_counts=True)
    starts = np.searchsorted(found, size * np.arange(len(labels) + 1))
    found, amounts = found % size, amounts.astype(float)
    whole = design.weights is None or design.weight_type == "frequency"
    if len(shape) == 1 and not whole:
        amounts = amounts * np.asarray(design.weights)[found]
    return Folds(labels, shape, starts, found, amounts)


def _hold_rows(design: Design, dealt: np.ndarray, labels: tuple) -> Folds:
    """Hold rows out whole, given the fold of each."""
    order = np.argsort(dealt, kind="stable")
    starts = np.searchsorted(dealt[order], np.arange(len(labels) + 1))
    if design.outcome.kind == "counts":
        table = count_table(design)
        width = table.shape[1]
        places = (order[:, np.newaxis] * width + np.arange(width)).ravel()
        return Folds(labels, table.shape, width * starts, places, table[order].ravel())
    weights = np.ones(len(dealt)) if design.weights is None else design.weights
    return Folds(labels, (len(dealt),), starts, order, weights[order])


def count_table(design: Design) -> np.ndarray:
    """Return the counts (n, J), times their frequency weights."""
    table = np.asarray(design.outcome.table)
    if design.weight_type == "frequency":
        table = table * np.asarray(design.weights)[:, np.newaxis]
    return table


def hold_out(design: Design, folds: Folds, fold: int) -> tuple[Design, Design, np.ndarray]:
    """Return the design left in, the design held out, and the rows (m,) of the latter."""
    held = folds.hold(fold)
    if design.outcome.kind == "counts":
        table = count_table(design)
        inside, outside = [_take_counts(design, part) for part in (table - held, held)]
    else:
        weights = np.ones(len(held)) if design.weights is None else design.weights
        inside, outside = [_take_weights(design, part) for part in (weights - held, held)]
    return inside[0], outside[0], outside[1]


def _take_weights(design: Design, weights: np.ndarray) -> tuple[Design, np.ndarray]:
    rows = np.flatnonzero(weights > 0)
    taken = take_rows(design, rows)
    return (taken if design.weights is None else replace(taken, weights=weights[rows])), rows


def _take_counts(design: Design, table: np.ndarray) -> tuple[Design, np.ndarray]:
    rows = np.flatnonzero(table.sum(axis=1) > 0)
    taken = take_rows(design, rows)
    outcome = replace(taken.outcome, table=table[rows])
    if design.weight_type == "frequency":
        return replace(taken, outcome=outcome, weights=None, weight_type=None), rows
    return replace(taken, outcome=outcome), rows


def find_present(design: Design) -> np.ndarray:
    """Tell which categories a design has observations of (J,)."""
    outcome = design.outcome
    if outcome.codes is not None:
        return np.bincount(outcome.codes, minlength=len(outcome.categories)) > 0
    return np.asarray(np.asarray(outcome.table).any(axis=0))


def keep_categories(design: Design, kept: np.ndarray) -> tuple[Design, np.ndarray]:
    """Return a design with some categories (J,) alone, and the mask of the rows that stay.

    Rows of labels leave with their category; of counts and probabilities only that entry goes.

    Raises
    ------
    OneCategoryError
        If fewer than two categories are left.
    """
    places, outcome = np.flatnonzero(kept), design.outcome
    if len(places) < 2:
        raise OneCategoryError(
            "A fold leaves observations of a single category to fit; use fewer folds, or stratify."
        )
    stay = np.ones(design.source.shape[0], dtype=bool)
    if kept.all():
        return design, stay
    categories = tuple(outcome.categories[place] for place in places)
    if outcome.codes is not None:
        stay = kept[outcome.codes]
        design = take_rows(design, np.flatnonzero(stay))
    codes, table = design.outcome.codes, design.outcome.table
    fewer = replace(
        design.outcome,
        codes=None if codes is None else (np.cumsum(kept) - 1)[codes],
        table=None if table is None else table[:, places],
        categories=categories,
    )
    base = categories.index(design.encoding.base_category) if kept[design.encoding.base] else 0
    offset = None if design.offset is None else design.offset[:, places]
    encoding = replace(design.encoding, categories=categories, base=base)
    if offset is not None:
        offset = offset - offset[:, [base]]
    return replace(design, outcome=fewer, encoding=encoding, offset=offset), stay

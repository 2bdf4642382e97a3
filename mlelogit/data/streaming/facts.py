"""What one pass over the rows finds out: which are used, the categories, and a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import list_some
from mlelogit.data.limits import MOST_LEVELS, check_categories, check_number
from mlelogit.data.matching import total_labels
from mlelogit.data.outcome import (
    Outcome,
    RawOutcome,
    order_labels,
    take_outcome,
)
from mlelogit.data.streaming.learning.levels import tell_lost_order
from mlelogit.data.streaming.learning.rounds import Learner
from mlelogit.data.streaming.rows import RowRequest, SelectedRows, select_piece
from mlelogit.data.streaming.sources.pieces import add_records
from mlelogit.data.streaming.stamps import Stamp, stamp_rows
from mlelogit.exceptions import EmptyDataError, OneCategoryError, OutcomeError, UnusedLevelWarning
from mlelogit.notices import warn_user

# Enough for a rough information of some thousand parameters; 20 columns take 20 MB.
SAMPLE_ROWS = 1 << 17
MARGIN = 4
FINGERED_ROWS = 64
_TOO_MANY = "it is an identifier or a measurement, so take another outcome, or cut it into classes"


@dataclass(frozen=True)
class Sample:
    """Rows drawn from all, each as likely as any other; ``+`` draws from both.

    Attributes
    ----------
    keys : numpy.ndarray
        Uniform numbers (m,): of all rows those with the least are in the sample.
    frames : tuple of pandas.DataFrame
        The rows, in the order of the keys.
    """

    keys: np.ndarray
    frames: tuple[pd.DataFrame, ...]

    def __add__(self, other: Sample) -> Sample:
        joined = Sample(np.concatenate([self.keys, other.keys]), self.frames + other.frames)
        return joined if len(joined.keys) <= 2 * SAMPLE_ROWS else joined.settle()

    def settle(self) -> Sample:
        """Return just as many rows as a sample has, in one frame."""
        keys, frame = self.keys, pd.concat(self.frames, ignore_index=True)
        if len(keys) > SAMPLE_ROWS:
            rows = np.sort(np.argpartition(keys, SAMPLE_ROWS)[:SAMPLE_ROWS])
            keys, frame = keys[rows], frame.iloc[rows].reset_index(drop=True)
        return Sample(keys, (frame,))


def share_sample(pieces: int | None) -> int:
    """Return how many rows to draw of each piece: its share, with a margin for larger ones.

    Of many pieces all that is drawn would be far more than the sample, and it would travel.
    """
    if pieces is None:
        return SAMPLE_ROWS
    return min(SAMPLE_ROWS, max(FINGERED_ROWS, MARGIN * SAMPLE_ROWS // max(1, pieces)))


def draw_sample(frame: pd.DataFrame, most: int = SAMPLE_ROWS) -> Sample:
    """Draw so many rows of a frame; which does not depend on when and where this runs."""
    # Rows all over the frame: of a sorted table all pieces may begin alike.
    spread = np.linspace(0, len(frame) - 1, min(FINGERED_ROWS, len(frame))).astype(np.int64)
    some = pd.util.hash_pandas_object(frame.iloc[spread], index=False)
    seed = [len(frame), *some.to_numpy().tolist()]
    keys = np.random.default_rng(seed).random(len(frame))
    if len(frame) > most:
        rows = np.sort(np.argpartition(keys, most)[:most])
        return Sample(keys[rows], (frame.iloc[rows],))
    return Sample(keys, (frame,))


@dataclass(frozen=True)
class OutcomeFacts:
    """The outcome of some rows; ``+`` joins rows.

    Attributes
    ----------
    kinds : frozenset of str
        The kinds that parts of the rows look like.
    name : Hashable
    orders : frozenset of tuple or None
        What parts of the rows declare: categories in their order, or none.
    totals : dict
        Category -> its weight.
    types : dict
        Label -> the kind of type it has.
    empty : int
        Rows of zeros, if that is what they may be.
    meant : bool
        Whether the user said that they are labels.
    """

    kinds: frozenset
    name: Hashable
    orders: frozenset
    totals: dict[Any, float]
    types: dict[Any, str]
    empty: int
    meant: bool = False

    def __add__(self, other: OutcomeFacts) -> OutcomeFacts:
        totals = dict(self.totals)
        for label, total in other.totals.items():
            totals[label] = totals.get(label, 0.0) + total
        types = self.types | other.types
        for label, kind in self.types.items():
            if types[label] != kind:
                raise OutcomeError(
                    f"The outcome holds {label!r} both as {kind} and as {types[label]}; "
                    "convert the labels to one type."
                )
        check_number(len(totals), MOST_LEVELS, f"categories of {self.name!r}", _TOO_MANY)
        return OutcomeFacts(
            self.kinds | other.kinds,
            self.name,
            self.orders | other.orders,
            totals,
            types,
            self.empty + other.empty,
            self.meant,
        )

    def settle(self) -> Outcome:
        """Return the categories, in order, as an outcome of no rows."""
        kind = self._settle_kind()
        declared = self._settle_order()
        kept = tuple(label for label in declared if self.totals.get(label, 0.0) > 0)
        if kind == "labels" and not (self.meant or any(self.orders)):
            check_categories(kept, sum(self.totals.values()), self.name)
        present = set(kept)
        unused = [label for label in declared if label not in present]
        if unused:
            warn_user(
                f"Categories of {self.name!r} without a row were dropped: {list_some(unused)}.",
                UnusedLevelWarning,
            )
        if len(kept) < 2:
            raise OneCategoryError(
                f"The outcome {self.name!r} takes the single value {kept[0]!r} in the rows used; "
                "two categories or more are needed."
            )
        nothing = np.empty(0, dtype=np.int64)
        return Outcome(nothing, None, kept, declared, kind, self.name)

    def _settle_order(self) -> tuple:
        """Return the categories in the order that all declare, or sorted."""
        orders = [order for order in self.orders if order is not None]
        if orders and len(self.orders) == 1:
            return tuple(orders[0])
        labels = _as_one_type(list(self.totals))
        if orders:
            tell_lost_order(str(self.name), orders, False)
        return tuple(labels[i] for i in order_labels(labels))

    def _settle_kind(self) -> str:
        """Say which kind it is: probabilities, if any part of several columns looks like them."""
        if len(self.kinds) == 1:
            return str(next(iter(self.kinds)))
        if self.empty:
            raise OutcomeError(
                "An outcome of several columns is counts (whole numbers) or probabilities (rows "
                f"that sum to 1); {self.empty} rows are all zero. Say which with outcome=."
            )
        return "probabilities"


def _as_one_type(labels: list) -> list:
    """Return whole numbers as floats where others of the labels are not whole, as in memory."""
    numbers = all(
        isinstance(label, int | float) and not isinstance(label, bool) for label in labels
    )
    if not numbers or all(isinstance(label, int) for label in labels):
        return labels
    return [float(label) for label in labels]


@dataclass(frozen=True)
class PassFacts:
    """What some rows are; ``+`` joins rows.

    Attributes
    ----------
    rows_in, rows_used : float
    held : int
        How many rows used there are, each counted once.
    dropped, missing : Counter
        As in `Audit`.
    outcome : OutcomeFacts or None
        Of the rows used; None if there is none.
    largest : float or None
        The largest weight of all rows that came in; None if all are missing.
    observations : float
        People among the rows used: counts, times and frequency or importance weights.
    columns
        What the learner of the columns found.
    sample : Sample or None
    stamp : Stamp or None
    """

    rows_in: float
    rows_used: float
    held: int
    dropped: Counter
    missing: Counter
    largest: float | None
    observations: float = 0.0
    outcome: OutcomeFacts | None = None
    columns: Any = None
    sample: Sample | None = None
    stamp: Stamp | None = None

    def __add__(self, other: PassFacts) -> PassFacts:
        return PassFacts(
            self.rows_in + other.rows_in,
            self.rows_used + other.rows_used,
            self.held + other.held,
            self.dropped + other.dropped,
            self.missing + other.missing,
            max((one for one in (self.largest, other.largest) if one is not None), default=None),
            self.observations + other.observations,
            add_records(self.outcome, other.outcome),
            add_records(self.columns, other.columns),
            add_records(self.sample, other.sample),
            add_records(self.stamp, other.stamp),
        )

    def need_outcome(self) -> OutcomeFacts:
        """Return what is known of the outcome, or raise `EmptyDataError`."""
        if self.outcome is None:
            raise EmptyDataError("No row is left after dropping missing values and zero weights.")
        return self.outcome


@dataclass(frozen=True)
class FactFinder:
    """The first pass over rows: a function of a frame that can be pickled.

    Attributes
    ----------
    request : RowRequest
    learner : Learner
        What is known of the columns so far.
    drawn : int
        How many rows to draw of every piece.
    """

    request: RowRequest
    learner: Learner
    drawn: int = SAMPLE_ROWS

    def __call__(self, frame: pd.DataFrame) -> PassFacts:
        """Return the facts of a frame of rows."""
        selected = select_piece(self.request, frame)
        facts = _count_rows(selected)
        if not len(selected.kept):
            return facts
        people, amounts = _weigh_rows(selected, self.request.options.weight_type)
        return replace(
            facts,
            observations=float(people.sum()),
            outcome=_describe_outcome(selected, amounts),
            columns=learn_piece(self.learner, self.request, selected),
            sample=draw_sample(selected.take_frame(self.request.columns), self.drawn),
            stamp=stamp_rows(selected, self.request.columns),
        )


@dataclass(frozen=True)
class ColumnFinder:
    """A further pass over rows, to learn more of the columns."""

    request: RowRequest
    learner: Learner

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Return the facts of a frame's columns."""
        selected = select_piece(self.request, frame)
        return learn_piece(self.learner, self.request, selected) if len(selected.kept) else None


def learn_piece(learner: Learner, request: RowRequest, selected: SelectedRows) -> Any:
    """Return what a learner finds in the rows used of a frame."""
    frame = selected.take_frame(list(request.parsed.variables))
    return learner.examine(frame, selected.take(selected.times))


def _count_rows(selected: SelectedRows) -> PassFacts:
    rows, times = selected.rows, selected.times
    largest: float | None = 1.0
    if selected.weights is not None:
        known = selected.weights[~np.isnan(selected.weights)]
        largest = float(known.max()) if len(known) else None
    held = len(rows.kept)
    used = float(held) if times is None else float(times[rows.kept].sum())
    total = float(rows.total) if times is None else float(times.sum())
    return PassFacts(total, used, held, Counter(rows.dropped), Counter(rows.missing), largest)


def _weigh_rows(selected: SelectedRows, kind: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return how many observations every row used is, and its weight: (m,) each."""
    times = np.ones(len(selected.kept)) if selected.times is None else selected.take(selected.times)
    amounts = np.asarray(times)
    if selected.weights is not None:
        amounts = amounts * np.asarray(selected.take(selected.weights))
    people = np.asarray(times) if kind == "sampling" else amounts
    if selected.raw.kind == "counts":
        people = people * selected.take(selected.raw.values).sum(axis=1)  # type: ignore[union-attr]
    return people, amounts


def _describe_outcome(selected: SelectedRows, amounts: np.ndarray) -> OutcomeFacts:
    raw: RawOutcome = take_outcome(selected.raw, selected.kept)
    kinds = frozenset([raw.kind])
    if raw.kind != "labels":
        totals = dict(zip(raw.names, (amounts @ raw.values).tolist(), strict=True))
        empty = selected.rows.dropped.get("zero weight", 0) if raw.kind == "counts" else 0
        return OutcomeFacts(kinds, raw.name, frozenset([raw.names]), totals, {}, empty)
    declared, totals, types = total_labels(raw, amounts)
    return OutcomeFacts(kinds, raw.name, frozenset([declared]), totals, types, 0, raw.meant)

"""Design: the rows used, where their columns come from, and the audit of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.compression import (
    Compression,
)
from mlelogit.data.encoding import Encoding
from mlelogit.data.outcome import (
    Outcome,
)
from mlelogit.data.rows import (
    Audit,
    Given,
)
from mlelogit.data.sources import (
    ArraySource,
    ColumnSource,
    PickedSource,
    SelectedSource,
)


@dataclass(frozen=True)
class Design:
    """The rows used in a fit.

    Attributes
    ----------
    encoding : Encoding
    outcome : Outcome
    source : ColumnSource
        Columns of the n rows used.
    weights : numpy.ndarray or None
        (n,), positive.
    weight_type : str or None
    offset : numpy.ndarray or None
        (n, J), added to the J scores.
    index : pandas.Index
        Index of the rows used.
    audit : Audit
    collinear : str
        "drop" or "raise": what to do about columns that are combinations of others.
    given : Given or None
        The rows that came in, for reading labels that stand beside them.
    groups : numpy.ndarray or None
        (n,), int64: the cell of every row, for sums by cell.
    weights_name : str
        The column of the data that the weights were; empty if they were not given by name.
    stream : Stream or None
        What reads the rows, if they are not in memory: then all arrays of rows here raise
        `RowsNotHeldError` when they are used.
    compression : Compression or None
        Its distinct rows, if equal ones were found; of no use to a design that was changed since.
    """

    encoding: Encoding
    outcome: Outcome
    source: ColumnSource
    weights: np.ndarray | None
    weight_type: str | None
    offset: np.ndarray | None
    index: pd.Index
    audit: Audit
    collinear: str = "drop"
    given: Given | None = None
    groups: np.ndarray | None = None
    weights_name: str = ""
    stream: Stream | None = None
    compression: Compression | None = None


class Stream(Protocol):
    """What stands behind the rows of a design that are not in memory."""

    @property
    def way(self) -> str:
        """How the rows are read, for messages and tables."""

    @property
    def fingerprint(self) -> str:
        """What tells these rows from others."""

    @property
    def table(self) -> str:
        """What tells their table from others."""

    @property
    def passes(self) -> int:
        """How many passes over the rows there have been."""

    @property
    def observations(self) -> float:
        """Number of observations."""

    def reduce(self, rows: Any, function: Callable[..., Any], args: tuple) -> Any:
        """Add up what a function returns for blocks of the rows, which are a `RowBlocks`."""

    def map(self, rows: Any, function: Callable[..., np.ndarray], args: tuple) -> np.ndarray:
        """Join what a function returns per row."""

    def measure(self, rows: Any, function: Callable[..., Any], args: tuple) -> Any:
        """Add up as `reduce` does, and find the columns' extremes in the same pass."""

    def weigh_by_times(self, design: Design) -> Design | None:
        """Return distinct rows that weigh as often as they occur; None if all are rows of one."""

    def sample(self, design: Design) -> Design:
        """Return some rows in memory, drawn from all."""

    def make_constant(self, design: Design) -> Design:
        """Return the design of a constant alone."""

    def is_few(self, design: Design) -> bool:
        """Tell whether the rows are few enough to be held in memory."""

    def hold(self, design: Design) -> Design:
        """Return all rows in memory, if they are few."""

    def read_labels(self, given: Any, what: str) -> tuple[Any, ...]:
        """Find the labels that columns of the table have in the rows used."""

    def number_cells(self, design: Design, labels: Any, first: int, last: int) -> Design:
        """Return the rows whose label has a number from the first to before the last."""


def hold_rows(design: Design) -> Design:
    """Return the design with its rows in memory, read if they are few enough.

    Raises
    ------
    RowsNotHeldError
        If they are too many.
    """
    return design if design.stream is None else design.stream.hold(design)


def omit_columns(design: Design, omitted: dict[Any, str]) -> Design:
    """Return the design without some columns; name -> why it is left out."""
    names = design.encoding.names
    kept = [i for i, name in enumerate(names) if name not in omitted]
    source = PickedSource(design.source, np.array(kept))
    anew = replace(design, source=source, encoding=design.encoding.without(omitted))
    few = design.compression
    if few is None or few.made_of[0] is not design.source:
        return anew
    return replace(anew, compression=few.renew(source, PickedSource(few.source, np.array(kept))))


def take_rows(design: Design, rows: np.ndarray, lazy: bool = False) -> Design:
    """Return the design of some of the rows, by position; if lazy, columns are not copied."""
    source = design.source
    gathered = SelectedSource(source, rows) if lazy and not source.sparse else source.take(rows)
    outcome = design.outcome
    codes = None if outcome.codes is None else outcome.codes[rows]
    table = None if outcome.table is None else outcome.table[rows]
    return replace(
        design,
        outcome=replace(outcome, codes=codes, table=table),
        source=gathered,
        weights=None if design.weights is None else design.weights[rows],
        offset=None if design.offset is None else design.offset[rows],
        index=design.index[rows],
        given=None if design.given is None else design.given.take(rows),
        groups=None if design.groups is None else design.groups[rows],
        compression=None,
    )


def count_people(design: Design) -> np.ndarray:
    """Return how many people every row is, its weight aside (n,): one, but for counts."""
    if design.outcome.kind != "counts":
        return np.ones(design.source.shape[0])
    return np.asarray(design.outcome.table).sum(axis=1)


def total_observations(design: Design) -> float:
    """Return nobs: people for counts, summed frequency or importance weights, else rows."""
    if design.stream is not None:
        return whole(design.stream.observations)
    people = count_people(design)
    if design.weights is not None and design.weight_type != "sampling":
        people = people * design.weights
    return whole(float(people.sum()))


def whole(total: float) -> float:
    """Return a whole number as an int."""
    return int(total) if total.is_integer() and total < 2**53 else total


def make_constant(design: Design) -> Design:
    """Return the design of a constant alone."""
    if design.stream is not None:
        return design.stream.make_constant(design)
    return replace(design, source=ArraySource(np.ones((design.source.shape[0], 1))))

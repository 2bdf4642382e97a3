"""Row blocks: the one seam of speed and scale.

`RowBlocks.reduce` runs a pure function where each block lives and adds the
records it returns, in order; `RowBlocks.map` returns per-row results in row
order. Nothing else loops over rows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from mlelogit.data.design import Design, hold_rows, take_rows
from mlelogit.data.sources import lay_out
from mlelogit.data.threads import fold_in_order, single_threaded_blas

ROWS_PER_BLOCK = 8192
LEAST_ROWS = 256
EVEN_ROWS = 2048
EVEN_BLOCKS = 8
PAIRS_PER_BLOCK = 1 << 20
KEPT_ELEMENTS = 1 << 22

Record = TypeVar("Record")


class Basis(Protocol):
    """A change of basis of the design's columns."""

    def enter(self, x: np.ndarray) -> np.ndarray:
        """Return the columns (K, m) of a block in this basis."""


@dataclass(frozen=True)
class Block:
    """Some rows of a design, columns first, so that sums run along memory.

    Attributes
    ----------
    x : numpy.ndarray or scipy.sparse array
        (K, m).
    categories : int
        J.
    codes : numpy.ndarray or None
        Category of every row (m,), for labels.
    table : numpy.ndarray or None
        Counts or probabilities (J, m), for the other kinds.
    counted : bool
        Whether `table` counts people, each an observation of its own.
    weights : numpy.ndarray or None
        (m,).
    offset : numpy.ndarray or None
        (J, m).
    groups : numpy.ndarray or None
        (m,), int64: the cell of every row.
    """

    x: np.ndarray
    categories: int
    codes: np.ndarray | None
    table: np.ndarray | None
    counted: bool
    weights: np.ndarray | None
    offset: np.ndarray | None
    groups: np.ndarray | None = None


def cut_block(design: Design, start: int, stop: int) -> Block:
    """Cut rows start to stop out of a design held in memory."""
    outcome, rows = design.outcome, slice(start, stop)
    return Block(
        x=design.source.block(start, stop),
        categories=len(outcome.categories),
        codes=None if outcome.codes is None else outcome.codes[rows],
        table=None if outcome.table is None else np.ascontiguousarray(outcome.table[rows].T),
        counted=outcome.kind == "counts",
        weights=None if design.weights is None else design.weights[rows],
        offset=None if design.offset is None else np.ascontiguousarray(design.offset[rows].T),
        groups=None if design.groups is None else design.groups[rows],
    )


class RowBlocks:
    """The rows of a design in blocks, in its own basis or in another.

    Parameters
    ----------
    design : Design
    basis : Basis, optional
        Blocks come with their columns in this basis; they are kept when there
        are at most `KEPT_ELEMENTS` numbers in all.
    size : int, optional
        Rows per block; `choose_size` decides if not given.
    threads : int
        Threads over the blocks. What is added up does not depend on it.
    """

    def __init__(
        self,
        design: Design,
        basis: Basis | None = None,
        size: int | None = None,
        threads: int = 1,
    ) -> None:
        self.design = design
        self.basis = basis
        self.size = choose_size(design) if size is None else size
        self.threads = threads
        self._kept: dict[int, Block] = {}

    @property
    def rows(self) -> int:
        """Number of rows n."""
        return self.design.source.shape[0]

    @property
    def width(self) -> int:
        """Number of columns K."""
        return self.design.source.shape[1]

    @property
    def categories(self) -> int:
        """Number of categories J."""
        return len(self.design.outcome.categories)

    @property
    def plain(self) -> bool:
        """Whether every row is one person: no weights, counts or offset."""
        design = self.design
        counted = design.outcome.kind == "counts"
        return design.weights is None and design.offset is None and not counted

    @cached_property
    def summed(self) -> RowBlocks:
        """The rows that sums go over: the distinct ones with counts if equal ones were found."""
        distinct = list_distinct(self.design)
        if distinct is None:
            return self
        size = min(self.size, choose_size(distinct))
        return RowBlocks(distinct, self.basis, size, self.threads)

    @property
    def sparse(self) -> bool:
        """Whether blocks come with sparse columns."""
        return self.basis is None and self.design.source.sparse

    @property
    def held(self) -> bool:
        """Whether the rows are in memory."""
        return self.design.stream is None

    def in_basis(self, basis: Basis) -> RowBlocks:
        """Return the same rows with their columns in a basis."""
        return RowBlocks(self.design, basis, self.size, self.threads)

    def reduce(self, function: Callable[..., Record], *args: Any) -> Record:
        """Add up what a function returns for every block, in the order of the rows.

        Equal rows come as one with counts where they were found; see `summed`.
        """
        if self.design.stream is not None:
            return self.design.stream.reduce(self, function, args)
        if self.summed is not self:
            return self.summed.reduce(function, *args)
        total: list[Record] = []

        def add(record: Record) -> None:
            total[:] = [operator.add(total[0], record)] if total else [record]

        self._apply(function, args, add)
        return total[0]

    def map(self, function: Callable[..., np.ndarray], *args: Any) -> np.ndarray:
        """Join what a function returns per row: arrays whose last axis is the rows."""
        if self.design.stream is not None:
            return self.design.stream.map(self, function, args)
        parts: list[np.ndarray] = []
        self._apply(function, args, parts.append)
        return np.concatenate(parts, axis=-1)

    def measure(self, function: Callable[..., Record], *args: Any) -> Record:
        """Add up as `reduce` does, in a pass that leaves the source's extremes known."""
        if self.design.stream is not None:
            return self.design.stream.measure(self, function, args)
        return self.reduce(function, *args)

    def draw(self, step: int) -> RowBlocks:
        """Return one row in so many, in memory.

        Of every stretch of so many rows one is taken, at a place drawn from a fixed seed: the
        rows of a panel come in an order that a fixed place would fall in step with. Of rows
        that are read in pieces it is as many as their sample holds.
        """
        design = self.design
        if design.stream is not None:
            return RowBlocks(design.stream.sample(design), self.basis, threads=self.threads)
        starts = np.arange(0, self.rows, step)
        drawn = starts + np.random.default_rng(0).integers(step, size=len(starts))
        few = take_rows(design, np.minimum(drawn, self.rows - 1))
        return RowBlocks(few, self.basis, threads=self.threads)

    @single_threaded_blas
    def _apply(
        self, function: Callable[..., Any], args: tuple, fold: Callable[[Any], None]
    ) -> None:
        starts = list(range(0, max(self.rows, 1), self.size))  # One block of none, if none.
        fold_in_order(lambda at: function(self._cut(at), *args), starts, self.threads, fold)

    def _cut(self, start: int) -> Block:
        kept = self._kept.get(start)
        if kept is not None:
            return kept
        block = cut_block(self.design, start, min(start + self.size, self.rows))
        if self.basis is not None:
            block = replace(block, x=self.basis.enter(lay_out(block.x)))
            if self.rows * self.width <= KEPT_ELEMENTS:
                self._kept[start] = block
        return block

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "summed"} | {
            "_kept": {}
        }


def list_distinct(design: Design) -> Design | None:
    """Return the design of the distinct rows with counts; None if equal rows were not looked for.

    None too for a design that was changed since: what it counts might no longer be so.
    """
    few = design.compression
    parts = design.source, design.outcome, design.weights, design.offset
    if few is None or design.groups is not None or not few.stands_for(*parts):
        return None
    return replace(
        design,
        source=few.source,
        outcome=few.outcome,
        weights=few.weights,
        weight_type=few.weight_type,
        offset=few.offset,
        index=pd.RangeIndex(few.count),
        given=None,
        compression=None,
    )


def hold_blocks(blocks: RowBlocks) -> RowBlocks:
    """Return the rows in memory, read if they are few enough; see `hold_rows`."""
    return blocks if blocks.held else RowBlocks(hold_rows(blocks.design), threads=blocks.threads)


def choose_size(design: Design) -> int:
    """Return a number of rows per block: in cache with its pairs of categories, and even work.

    It depends on the data alone, so that the sums do not change with the threads.
    """
    categories = len(design.outcome.categories)
    fitting = PAIRS_PER_BLOCK // (categories * (categories + 1) // 2)
    even = max(EVEN_ROWS, -(-design.source.shape[0] // EVEN_BLOCKS))
    return max(LEAST_ROWS, min(ROWS_PER_BLOCK, even, fitting))

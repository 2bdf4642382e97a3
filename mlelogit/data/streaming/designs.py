"""Make a design of rows that are read in pieces: one pass learns what memory would know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.encoding import Encoding
from mlelogit.data.formulas import parse_formula, settle_kind
from mlelogit.data.outcome import Outcome, find_base
from mlelogit.data.rows import (
    Audit,
    DataOptions,
    RawOffset,
    check_left,
    check_weight_range,
    lay_out_offset,
    name_aside,
    read_names,
)
from mlelogit.data.streaming.facts import ColumnFinder, FactFinder, PassFacts, share_sample
from mlelogit.data.streaming.learning.rounds import Learner, start_learning
from mlelogit.data.streaming.rows import RowRequest, select_piece
from mlelogit.data.streaming.sources.pieces import LocalPieces, Pieces
from mlelogit.data.streaming.sources.quantiles import find_quantiles
from mlelogit.data.streaming.stream import NotHeld, PieceStream, StreamedDesign, StreamedSource
from mlelogit.data.threads import count_threads
from mlelogit.exceptions import ColumnNotFoundError, EmptyDataError, OptionError


def make_streamed_design(
    formula: str, pieces: Pieces, options: DataOptions, times: str | None = None
) -> StreamedDesign:
    """Make a design from a formula and pieces of a table; weights and offset name columns.

    Parameters
    ----------
    formula : str
    pieces : Pieces
    options : DataOptions
    times : str, optional
        The column that says how often every row counts.

    Raises
    ------
    OptionError
        If weights or an offset are given as values.
    MNLogitError
        Another of its named cases, for anything else wrong with the input.
    """
    _check_names(options, pieces)
    table = [name for name in pieces.names if name != times]
    parsed = parse_formula(formula, table, name_aside(options))
    request = RowRequest(parsed, options, settle_kind(parsed, options.outcome), times)
    threads = count_threads()
    learner = start_learning(parsed)
    find = FactFinder(request, learner, share_sample(_count_far(pieces)))
    facts = pieces.reduce(find, request.columns, "Pass 1: learn the encoding", threads)
    if facts is None:
        raise EmptyDataError("There are no rows to fit.")
    if facts.largest is not None:
        check_weight_range(facts.largest)
    check_left(facts.held)
    learner, passes = _learn(learner, facts, pieces, request, threads)
    outcome = facts.need_outcome().settle()
    return _assemble(learner, outcome, facts, pieces, request, passes)


def remember_table(design: StreamedDesign, pieces: Pieces, distinct: int) -> StreamedDesign:
    """Return the design of distinct rows that knows the table they were counted in."""
    stream: Any = design.stream
    request = replace(stream.request, times=None)
    rows = design.audit.rows_used
    behind = replace(stream, pieces=pieces, request=request, held=rows, passes=0, stamp=None)
    return replace(
        design,
        audit=replace(design.audit, rows_distinct=distinct),
        index=pd.RangeIndex(rows),
        stream=replace(stream, behind=behind),
    )


@dataclass(frozen=True)
class UsedRows:
    """Pieces of the rows that are used, for what asks for quantiles of them."""

    pieces: Pieces
    request: RowRequest
    variable: str = ""
    within: tuple[float, float] | None = None

    def __call__(
        self,
        variable: str,
        probabilities: np.ndarray,
        *,
        distinct: bool = False,
        within: tuple[float, float] | None = None,
    ) -> np.ndarray | None:
        """Return the quantiles of a variable; None where each value would count once."""
        if distinct:
            return None
        own, times = self.pieces.find_quantiles, self.request.times
        # Only pieces with a number of their own for every row count by that.
        alike = getattr(self.pieces, "times_name", None) == times
        every = self.request.options.weights is None and not self.request.parsed.outcome_kind
        if own is None or within or not (alike and every):
            asked: Any = replace(self, variable=variable, within=within)
            return find_quantiles(asked, variable, probabilities.tolist(), [variable], times)
        return own(variable, probabilities.tolist(), self.request.columns)

    def reduce(
        self, function: Callable[[pd.DataFrame], Any], _: Sequence[str], what: str = ""
    ) -> Any:
        """Add up what a function returns for frames of the variable in the rows used."""
        asked = OfUsedRows(self.request, self.variable, self.within, function)
        return self.pieces.reduce(asked, self.request.columns, what, count_threads())


@dataclass(frozen=True)
class OfUsedRows:
    """A function of a variable in the rows used, as one of a frame of any rows."""

    request: RowRequest
    variable: str
    within: tuple[float, float] | None
    function: Callable[[pd.DataFrame], Any]

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Return what the function returns for the rows used of a frame."""
        times = [] if self.request.times is None else [self.request.times]
        used = select_piece(self.request, frame).take_frame([self.variable, *times])
        if self.within is not None:
            used = used[used[self.variable].between(*self.within)]
        return self.function(used)


def _count_far(pieces: Pieces) -> int | None:
    """Return how many pieces other processes read; None if this one does."""
    return None if isinstance(pieces, LocalPieces) else getattr(pieces, "count", None)


def _learn(
    learner: Learner, facts: PassFacts, pieces: Pieces, request: RowRequest, threads: int
) -> tuple[Learner, int]:
    """Return a learner that has learned all, and the number of passes that took."""
    quantiles = UsedRows(pieces, request)
    learner, passes = learner.advance(facts.columns, quantiles), 1
    while not learner.finished:
        passes += 1
        what = f"Pass {passes}: learn the encoding"
        found = pieces.reduce(ColumnFinder(request, learner), request.columns, what, threads)
        learner = learner.advance(found, quantiles)
    return learner, passes


def _check_names(options: DataOptions, pieces: Pieces) -> None:
    for what in ("weights", "offset"):
        given = getattr(options, what)
        if given is None:
            continue
        names = read_names(given)
        if not names or (what == "weights" and len(names) > 1):
            raise OptionError(
                f"{what} must name a column of the table, which is read in pieces ({pieces.way}); "
                "values in memory have no rows to go with."
            )
        absent = [name for name in names if name not in pieces.names]
        if absent:
            raise ColumnNotFoundError(f"{what} names {absent[0]!r}, which is no column.")


def _assemble(
    learner: Learner,
    outcome: Outcome,
    facts: PassFacts,
    pieces: Pieces,
    request: RowRequest,
    passes: int,
) -> StreamedDesign:
    options = request.options
    encoding = _encode(learner, outcome, options)
    way, labels = pieces.way, outcome.kind == "labels"
    weighted = options.weights is not None or request.times is not None
    return StreamedDesign(
        encoding=encoding,
        outcome=replace(
            outcome,
            codes=_stand_in("the outcome", way) if labels else None,
            table=None if labels else _stand_in("the outcome", way),
        ),
        source=StreamedSource((facts.held, len(encoding.names)), way),
        weights=_stand_in("the weights", way) if weighted else None,
        weight_type=options.weight_type,
        offset=None if options.offset is None else _stand_in("the offset", way),
        index=pd.RangeIndex(facts.held),
        audit=_make_audit(facts, outcome),
        collinear=options.collinear,
        weights_name=options.weights or "",
        stream=_open_stream(facts, pieces, replace(request, kind=outcome.kind), passes),
    )


def _encode(learner: Learner, outcome: Outcome, options: DataOptions) -> Encoding:
    base = find_base(options.base, outcome.categories)
    encoding = Encoding(
        categories=outcome.categories,
        base=base,
        declared=outcome.declared,
        offset_layout=_lay_out_offset(options, outcome, base),
        offset_names=read_names(options.offset),
        outcome_name=outcome.name,
        outcome_kind=outcome.kind,
        **learner.learned,
    )
    if not encoding.names:
        raise EmptyDataError("There are no columns to fit; write '~ 1' for a constant alone.")
    return encoding


def _open_stream(facts: PassFacts, pieces: Pieces, request: RowRequest, passes: int) -> PieceStream:
    drawn = pd.DataFrame() if facts.sample is None else facts.sample.settle().frames[0]
    return PieceStream(
        pieces, request, facts.observations, drawn, facts.held, passes=passes, stamp=facts.stamp
    )


def _stand_in(what: str, way: str) -> Any:
    return NotHeld(what, way)


def _lay_out_offset(options: DataOptions, outcome: Outcome, base: int) -> tuple | None:
    names = read_names(options.offset)
    if not names:
        return None
    labels = names if isinstance(options.offset, list | tuple) else None
    offset = RawOffset(np.empty((0, len(names))), labels)
    return lay_out_offset(offset, outcome.categories, outcome.declared, outcome.categories[base])


def _make_audit(facts: PassFacts, outcome: Outcome) -> Audit:
    totals, kept = facts.need_outcome().totals, set(outcome.categories)
    return Audit(
        rows_in=int(facts.rows_in),
        rows_used=int(facts.rows_used),
        dropped=dict(facts.dropped),
        missing=dict(facts.missing),
        categories={label: totals[label] for label in outcome.categories},
        unused=tuple(label for label in outcome.declared if label not in kept),
    )

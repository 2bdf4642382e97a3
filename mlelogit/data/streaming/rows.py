"""Read some rows of a table that is read in pieces: which are used, and their design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.design import Design
from mlelogit.data.encoding import Encoding, encode_rows
from mlelogit.data.formulas import ParsedFormula
from mlelogit.data.frames import find_missing
from mlelogit.data.matching import match_outcome
from mlelogit.data.outcome import (
    Outcome,
    RawOutcome,
    read_outcome,
    take_outcome,
)
from mlelogit.data.rows import (
    Audit,
    DataOptions,
    Given,
    RawOffset,
    Rows,
    judge_rows,
    name_aside,
    read_offset,
    read_some_weights,
    settle_offset,
)
from mlelogit.data.sources import ArraySource, ColumnSource, make_source
from mlelogit.data.streaming.tables import TableEncoder, make_encoder
from mlelogit.notices import in_turn

NOTHING = Audit(0, 0)


@dataclass(frozen=True)
class RowRequest:
    """What to read of every row.

    Attributes
    ----------
    parsed : ParsedFormula
    options : DataOptions
        Weights and offset by name.
    kind : str or None
        The kind of the outcome, if it is known.
    times : str or None
        The column that says how often every row counts; each once if there is none.
    only_times : bool
        Whether rows weigh as often as they occur, whatever their weights are.
    """

    parsed: ParsedFormula
    options: DataOptions
    kind: str | None = None
    times: str | None = None
    only_times: bool = False

    @property
    def fingerprint(self) -> str:
        """What is read, as text that is the same in every process."""
        options = self.options
        aside = options.weights, options.weight_type, options.offset, options.missing
        return f"{self.parsed.text} {self.kind} {self.times} {aside}"

    @property
    def columns(self) -> list[str]:
        """All columns of the table that this takes, each once."""
        asked = (*self.parsed.outcome, *self.parsed.variables, *name_aside(self.options))
        return list(dict.fromkeys(asked if self.times is None else (*asked, self.times)))


@dataclass(frozen=True)
class SelectedRows:
    """Rows of a frame, and what stands in them.

    Attributes
    ----------
    frame : pandas.DataFrame
    raw : RawOutcome
        Of all rows of the frame.
    weights : numpy.ndarray or None
    offset : RawOffset or None
    rows : Rows
        Which of them are used.
    times : numpy.ndarray or None
        How often every row counts.
    """

    frame: pd.DataFrame
    raw: RawOutcome
    weights: np.ndarray | None
    offset: RawOffset | None
    rows: Rows
    times: np.ndarray | None

    @property
    def kept(self) -> np.ndarray:
        """Positions (m,) of the rows used."""
        return self.rows.kept

    def take(self, values: np.ndarray | None) -> np.ndarray | None:
        """Return values of the rows used."""
        if values is None or len(self.kept) == self.rows.total:
            return values
        return values[self.kept]

    def take_frame(self, columns: list[str]) -> pd.DataFrame:
        """Return columns of the rows used."""
        picked = self.frame[columns]
        return picked if len(self.kept) == self.rows.total else picked.iloc[self.kept]


def select_piece(request: RowRequest, frame: pd.DataFrame) -> SelectedRows:
    """Tell which rows of a frame are used, as `make_design_from_formula` does of all.

    Raises
    ------
    MNLogitError
        One of its named cases, for a value that cannot be used.
    """
    parsed, options = request.parsed, request.options
    frame = frame.reset_index(drop=True)
    endog = frame[list(parsed.outcome)] if parsed.outcome_kind else frame[parsed.outcome[0]]
    raw = read_outcome(endog, request.kind or parsed.outcome_kind, parsed.outcome_name)
    weights = None
    if options.weights is not None:
        weights = read_some_weights(options, frame[options.weights])
    offset = None
    if options.offset is not None:
        named = options.offset if isinstance(options.offset, str) else list(options.offset)
        offset = read_offset(frame[named], len(frame))
    missing = {name: find_missing(frame[name]) for name in parsed.variables}
    times = None if request.times is None else frame[request.times].to_numpy(np.float64)
    rows = judge_rows(raw, missing, weights, offset, options, times)
    return SelectedRows(frame, raw, weights, offset, rows, times)


class Beside(Protocol):
    """What gives rows the numbers of their cells."""

    @property
    def labels(self) -> Any:
        """What the cells are, with the `columns` that tell them."""

    def number(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the cell (m,) of every row of a frame, -1 for none."""


def _number_rows(selected: SelectedRows, beside: Beside) -> tuple[SelectedRows, np.ndarray]:
    codes = beside.number(selected.take_frame(list(beside.labels.columns)))
    inside = codes >= 0
    rows = replace(selected.rows, kept=selected.kept[inside])
    return replace(selected, rows=rows), codes[inside]


@dataclass(frozen=True)
class RowReader:
    """What turns a frame of rows into a design of its own, by an encoding that is known.

    Attributes
    ----------
    request : RowRequest
    encoding : Encoding
    constant : bool
        Whether to give one column of ones instead of the encoding's.
    beside : Beside or None
        What gives every row the number of its cell, by columns beside the formula's; rows in
        no cell are left out.
    """

    request: RowRequest
    encoding: Encoding
    constant: bool = False
    beside: Beside | None = None

    @property
    def columns(self) -> list[str]:
        """All columns of the table that this takes, each once."""
        asked = self.request.columns
        if self.beside is None:
            return asked
        return list(dict.fromkeys((*asked, *self.beside.labels.columns)))

    def read(self, frame: pd.DataFrame) -> Design | None:
        """Return the design of the rows used of a frame; None if none is."""
        return self.read_selected(select_piece(self.request, frame))

    def read_selected(self, selected: SelectedRows) -> Design | None:
        """Return the same of a frame whose rows have been judged."""
        groups = None
        if self.beside is not None:
            selected, groups = _number_rows(selected, self.beside)
        if not len(selected.kept):
            return None
        options, encoding = self.request.options, self.encoding
        outcome, weights = self._count(self._match(selected), selected)
        offset = None
        if selected.offset is not None and encoding.offset_layout is not None:
            given = np.asarray(selected.take(selected.offset.values))
            picked = replace(selected.offset, values=given)
            offset = settle_offset(
                picked, encoding.offset_layout, encoding.categories, encoding.base
            )
        return Design(
            encoding=encoding,
            outcome=outcome,
            source=self._encode(selected),
            weights=weights,
            weight_type=options.weight_type,
            offset=offset,
            index=pd.RangeIndex(len(selected.kept)),
            audit=NOTHING,
            collinear=options.collinear,
            groups=groups,
        )

    def read_all(self, frame: pd.DataFrame) -> Design | None:
        """Return the same of the whole table, which knows its frame and where its rows stand."""
        design = self.read(frame)
        if design is None:
            return None
        kept = select_piece(self.request, frame).kept
        every = len(kept) == len(frame)
        given = Given(len(frame), None, None if every else kept, frame)
        index = pd.RangeIndex(len(frame)) if every else pd.RangeIndex(len(frame))[kept]
        return replace(design, given=given, index=index)

    def _match(self, selected: SelectedRows) -> Outcome:
        raw = take_outcome(selected.raw, selected.kept)
        return match_outcome(raw, self.encoding.categories, raw.kind != "labels")

    def _count(self, outcome: Outcome, selected: SelectedRows) -> tuple[Outcome, np.ndarray | None]:
        """Let every row count so many times: as weights, or as people where weights are others."""
        weights, times = selected.take(selected.weights), selected.take(selected.times)
        if times is None:
            return outcome, weights
        if weights is None or self.request.only_times:
            return outcome, times
        if self.request.options.weight_type == "frequency":
            return outcome, times * weights
        table = outcome.table
        if outcome.codes is not None:
            table = np.eye(len(outcome.categories))[outcome.codes]
        people = np.asarray(table) * times[:, np.newaxis]
        return replace(outcome, codes=None, table=people, kind="counts"), weights

    def _encode(self, selected: SelectedRows) -> ColumnSource:
        if self.constant:
            return ArraySource(np.ones((len(selected.kept), 1)))
        frame = selected.take_frame(list(self.encoding.variables))
        columns = None if self.encoder is None else self.encoder.encode(frame)
        if columns is not None:
            return columns
        return make_source(_encode_in_turn(self.encoding, frame))

    def prepare(self) -> None:
        """Make the encoder now, so that it is sent along and not made in every place anew."""
        _ = self.encoder

    @cached_property
    def encoder(self) -> TableEncoder | None:
        """What encodes rows by lookup, if that can be done."""
        return make_encoder(self.encoding)


@in_turn
def _encode_in_turn(encoding: Encoding, frame: pd.DataFrame) -> Any:
    return encode_rows(encoding, frame)[0]

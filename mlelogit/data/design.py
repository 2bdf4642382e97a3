"""Design: the rows used, where their columns come from, and the audit of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.encoding import Encoding, learn_columns
from mlelogit.data.formulas import check_formula, parse_formula, settle_kind
from mlelogit.data.frames import (
    as_frame,
    check_finite,
    check_indexes,
    check_lengths,
    convert_foreign,
    find_missing,
    is_numeric,
    list_some,
    share_frame,
)
from mlelogit.data.outcome import (
    Outcome,
    find_base,
    name_outcome,
    read_outcome,
    settle_outcome,
)
from mlelogit.data.rows import (
    Audit,
    DataOptions,
    Given,
    RawOffset,
    Rows,
    lay_out_offset,
    read_offset,
    read_weights,
    select_rows,
    settle_offset,
)
from mlelogit.data.sources import (
    ArraySource,
    ColumnSource,
    PickedSource,
    SelectedSource,
    find_truths,
    leave_out_rows,
    make_source,
    read_columns,
)
from mlelogit.exceptions import (
    ColumnNotFoundError,
    EmptyDataError,
    UnusedLevelWarning,
)
from mlelogit.notices import in_turn, warn_user


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
    def observations(self) -> float:
        """Number of observations."""

    def reduce(self, rows: Any, function: Callable[..., Any], args: tuple) -> Any:
        """Add up what a function returns for blocks of the rows, which are a `RowBlocks`."""

    def map(self, rows: Any, function: Callable[..., np.ndarray], args: tuple) -> np.ndarray:
        """Join what a function returns per row."""

    def measure(self, rows: Any, function: Callable[..., Any], args: tuple) -> Any:
        """Add up as `reduce` does, and find the columns' extremes in the same pass."""

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


@in_turn
def make_design(endog: Any, exog: Any, options: DataOptions) -> Design:
    """Make a design from an outcome and a matrix of columns.

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with the input.
    """
    for name in ("weights", "offset"):
        if isinstance(getattr(options, name), str):
            raise ColumnNotFoundError(
                f"{name}={getattr(options, name)!r} names a column, but there is no frame to "
                "look it up in; pass the values."
            )
    exog = convert_foreign(exog)
    exog = as_frame(exog, "exog") if isinstance(exog, dict) and not hasattr(exog, "tocsr") else exog
    names, columns, source = read_columns(exog)
    raw = read_outcome(endog, options.outcome)
    inputs = {
        "endog": endog,
        "exog": exog,
        "weights": options.weights,
        "offset": options.offset,
    }
    check_lengths({"endog": len(raw.values), "exog": source.shape[0]})
    index = _pair_rows(inputs, source.shape[0])
    frame = share_frame(exog, exog) if isinstance(exog, pd.DataFrame) else None
    given = Given(source.shape[0], check_indexes(inputs), frame=frame)
    weights = read_weights(options)
    offset = read_offset(options.offset, source.shape[0])
    missing = {name: find_missing(column) for name, column in columns.items()}
    rows = select_rows(raw, missing, weights, offset, options)
    for name, values in columns.items():
        check_finite({name: values[rows.kept]})
    kept = leave_out_rows(source, rows.kept)
    outcome = settle_outcome(raw, rows.kept)
    learned = {"names": names, "truths": find_truths(exog, names)}
    design = _assemble(outcome, learned, kept, rows, weights, offset, index, options)
    return _remember(design, given, rows)


@in_turn
def make_design_from_formula(formula: str, data: Any, options: DataOptions) -> Design:
    """Make a design from a formula and a frame; weights and offset may name columns."""
    check_formula(formula)
    frame = as_frame(data)
    parsed = parse_formula(formula, list(frame.columns), name_aside(options))
    kind = settle_kind(parsed, options.outcome)
    endog = frame[list(parsed.outcome)] if parsed.outcome_kind else frame[parsed.outcome[0]]
    raw = read_outcome(endog, kind, name_outcome(parsed))
    given_weights = _look_up(options.weights, frame, "weights")
    given_offset = _look_up(options.offset, frame, "offset")
    inputs = {
        "data": frame if isinstance(data, pd.DataFrame) else None,
        "weights": given_weights,
        "offset": given_offset,
    }
    index = _pair_rows(inputs, len(frame))
    given = Given(len(frame), check_indexes(inputs), frame=share_frame(data, frame))
    weights = read_weights(options, given_weights)
    offset = read_offset(given_offset, len(frame))
    missing = {variable: find_missing(frame[variable]) for variable in parsed.variables}
    rows = select_rows(raw, missing, weights, offset, options)
    _warn_of_lost_levels(frame, parsed.variables, rows.kept)
    outcome = settle_outcome(raw, rows.kept)
    encoded = learn_columns(parsed, frame[list(parsed.variables)].iloc[rows.kept])
    source = make_source(encoded.matrix)
    design = _assemble(outcome, encoded.learned, source, rows, weights, offset, index, options)
    return _remember(design, given, rows)


def _assemble(
    outcome: Outcome,
    learned: dict[str, Any],
    source: ColumnSource,
    rows: Rows,
    weights: np.ndarray | None,
    offset: RawOffset | None,
    index: pd.Index,
    options: DataOptions,
) -> Design:
    if source.shape[1] == 0:
        raise EmptyDataError("There are no columns to fit; write '~ 1' for a constant alone.")
    base = find_base(options.base, outcome.categories)
    layout, full = _settle_offset(offset, outcome, base, rows.kept)
    encoding = Encoding(
        categories=outcome.categories,
        base=base,
        declared=outcome.declared,
        offset_layout=layout,
        offset_names=read_names(options.offset),
        outcome_name=outcome.name,
        outcome_kind=outcome.kind,
        **learned,
    )
    kept_weights = None if weights is None else weights[rows.kept].astype(np.float64)
    return Design(
        encoding=encoding,
        outcome=outcome,
        source=source,
        weights=kept_weights,
        weight_type=options.weight_type,
        offset=full,
        index=index if len(rows.kept) == rows.total else index[rows.kept],
        audit=_make_audit(rows, outcome, kept_weights),
        collinear=options.collinear,
        weights_name=options.weights if isinstance(options.weights, str) else "",
    )


def _remember(design: Design, given: Given, rows: Rows) -> Design:
    every = len(rows.kept) == rows.total
    return replace(design, given=given if every else given.take(rows.kept))


def _settle_offset(
    offset: RawOffset | None, outcome: Outcome, base: int, rows: np.ndarray
) -> tuple[tuple | None, np.ndarray | None]:
    if offset is None:
        return None, None
    category = outcome.categories[base]
    layout = lay_out_offset(offset, outcome.categories, outcome.declared, category)
    if len(rows) < len(offset.values):
        offset = replace(offset, values=offset.values[rows])
    return layout, settle_offset(offset, layout, outcome.categories, base)


def _make_audit(rows: Rows, outcome: Outcome, weights: np.ndarray | None) -> Audit:
    totals = _total_categories(outcome, weights)
    unused = tuple(label for label in outcome.declared if label not in outcome.categories)
    return Audit(rows.total, len(rows.kept), rows.dropped, rows.missing, totals, unused)


def _total_categories(outcome: Outcome, weights: np.ndarray | None) -> dict[Any, float]:
    if outcome.codes is not None:
        totals = np.bincount(outcome.codes, weights=weights)
    else:
        table = np.asarray(outcome.table)
        totals = table.sum(axis=0) if weights is None else weights @ table
    return dict(zip(outcome.categories, totals.tolist(), strict=True))


def _pair_rows(inputs: dict[str, Any], length: int) -> pd.Index:
    given = {name: value for name, value in inputs.items() if value is not None}
    check_lengths({"data": length, **{name: _count(value) for name, value in given.items()}})
    index = check_indexes(given)
    # A view has a name of its own; the index itself is shared by all frames made with it.
    return pd.RangeIndex(length) if index is None else index.view()


def _count(value: Any) -> int:
    shape = getattr(value, "shape", None)
    if shape is None:
        return len(value) if hasattr(value, "__len__") else 1
    return int(shape[0]) if shape else 1


def _warn_of_lost_levels(frame: pd.DataFrame, variables: tuple, kept: np.ndarray) -> None:
    """Warn of levels of a text column that are lost with the rows left out."""
    if len(kept) == len(frame):
        return
    for name in variables:
        column = frame[name]
        if is_numeric(column) or isinstance(column.dtype, pd.CategoricalDtype):
            continue
        try:
            present = set(column.iloc[kept])
            lost = [level for level in column.dropna().unique() if level not in present]
        except TypeError:  # Lists and their like are no levels, and the formula will say so.
            continue
        if lost:
            warn_user(
                f"Levels of {name!r} were lost with the rows left out: {list_some(lost)}.",
                UnusedLevelWarning,
            )


def name_aside(options: DataOptions) -> tuple:
    """Return the columns that weights and offset name, which a dot leaves out."""
    return read_names(options.weights) + read_names(options.offset)


def read_names(given: Any) -> tuple:
    """Return the column names in what may be one, or a list of them, or values."""
    items = given if isinstance(given, list | tuple) else [given]
    return tuple(items) if items and all(isinstance(item, str) for item in items) else ()


def _look_up(value: Any, frame: pd.DataFrame, what: str) -> Any:
    """Take a column name, or a list of them, from the frame; pass anything else on."""
    names = read_names(value)
    if not names:
        return value
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise ColumnNotFoundError(f"{what} names {list_some(absent)}, which is no column.")
    return frame[value] if isinstance(value, str) else frame[list(names)]


def omit_columns(design: Design, omitted: dict[Any, str]) -> Design:
    """Return the design without some columns; name -> why it is left out."""
    names = design.encoding.names
    kept = [i for i, name in enumerate(names) if name not in omitted]
    source = PickedSource(design.source, np.array(kept))
    return replace(design, source=source, encoding=design.encoding.without(omitted))


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

"""Make designs: of an outcome and a matrix, or of a formula and a frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.compression import (
    EqualRows,
    RepeatedSource,
    compress,
    list_arrays,
)
from mlelogit.data.design import Design
from mlelogit.data.distinct import find_equal, learn_rows, recall_rows
from mlelogit.data.encoding import Encoding
from mlelogit.data.formulas import ParsedFormula, check_formula, parse_formula, settle_kind
from mlelogit.data.frames import (
    as_frame,
    check_finite,
    check_indexes,
    check_lengths,
    convert_foreign,
    fetch,
    find_missing,
    is_numeric,
    list_foreign_names,
    list_some,
    share_frame,
)
from mlelogit.data.limits import check_width
from mlelogit.data.outcome import (
    Outcome,
    find_base,
    read_outcome,
    settle_again,
)
from mlelogit.data.rows import (
    Audit,
    DataOptions,
    Given,
    RawOffset,
    Rows,
    lay_out_offset,
    name_aside,
    read_names,
    read_offset,
    read_weights,
    select_rows,
    settle_offset,
    sum_frequencies,
)
from mlelogit.data.sources import (
    ColumnSource,
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


@in_turn
def make_design(
    endog: Any, exog: Any, options: DataOptions, known: Encoding | None = None
) -> Design:
    """Make a design from an outcome and a matrix of columns; of the rows of a fit, as it was.

    Parameters
    ----------
    endog, exog
    options : DataOptions
    known : Encoding, optional
        The fit's, if these are its rows again.

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with the input.
    """
    _check_values_given(options)
    endog, exog, options = fetch(endog), convert_foreign(exog), options.fetch()
    exog = as_frame(exog, "exog") if isinstance(exog, dict) and not hasattr(exog, "tocsr") else exog
    shape = getattr(exog, "shape", None)
    if isinstance(shape, tuple) and len(shape) == 2:
        check_width(shape[1])
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
    outcome = settle_again(raw, rows.kept, known, sum_frequencies(options, weights, rows.kept))
    equal = find_equal(list_arrays(source), raw, rows, weights, offset, options)
    if equal is None:
        kept: ColumnSource = leave_out_rows(source, rows.kept)
    else:
        kept = RepeatedSource(source.take(rows.kept[equal.first]), equal.places)
    learned = {"names": names, "truths": find_truths(exog, names)}
    design = _assemble(outcome, learned, kept, rows, weights, offset, index, options)
    return _remember(design, given, rows, equal)


def _check_values_given(options: DataOptions) -> None:
    for name in ("weights", "offset"):
        if isinstance(getattr(options, name), str):
            raise ColumnNotFoundError(
                f"{name}={getattr(options, name)!r} names a column, but there is no frame to "
                "look it up in; pass the values."
            )


@in_turn
def make_design_from_formula(
    formula: str, data: Any, options: DataOptions, known: Encoding | None = None
) -> Design:
    """Make a design from a formula and a frame; weights and offset may name columns.

    Of the rows of a fit, whose encoding is known, nothing is learned anew.
    """
    options = options.fetch()
    parsed, frame = _read_frame(formula, data, options)
    kind = settle_kind(parsed, options.outcome)
    endog = frame[list(parsed.outcome)] if parsed.outcome_kind else frame[parsed.outcome[0]]
    raw = read_outcome(endog, kind, parsed.outcome_name)
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
    outcome = settle_again(raw, rows.kept, known, sum_frequencies(options, weights, rows.kept))
    columns = [frame[name] for name in parsed.variables]
    equal = find_equal(columns, raw, rows, weights, offset, options)
    variables = frame[list(parsed.variables)]
    if known is None:
        encoded, equal = learn_rows(parsed, variables, rows, equal, options)
    else:
        encoded, equal = recall_rows(known, variables, rows, equal)
    source = make_source(encoded.matrix)
    source = source if equal is None else RepeatedSource(source, equal.places)
    design = _assemble(outcome, encoded.learned, source, rows, weights, offset, index, options)
    return _remember(design, given, rows, equal)


def _read_frame(formula: str, data: Any, options: DataOptions) -> tuple[ParsedFormula, Any]:
    """Read a formula and the columns of a frame that it needs: of pandas, all as they are."""
    check_formula(formula)
    aside = name_aside(options)
    names = list_foreign_names(data)
    if names is None:
        frame = as_frame(data)
        return parse_formula(formula, list(frame.columns), aside), frame
    parsed = parse_formula(formula, names, aside)
    return parsed, as_frame(data, columns={*parsed.outcome, *parsed.variables, *aside})


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


def _remember(design: Design, given: Given, rows: Rows, equal: EqualRows | None) -> Design:
    every = len(rows.kept) == rows.total
    design = replace(design, given=given if every else given.take(rows.kept))
    if equal is None or not isinstance(design.source, RepeatedSource):
        return design
    parts = design.source, design.outcome, design.weights, design.offset
    few = compress(equal, parts[0].source, *parts[1:3], design.weight_type, parts)
    audit = replace(design.audit, rows_distinct=few.count)
    return replace(design, compression=few, audit=audit)


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
    kept = set(outcome.categories)
    unused = tuple(label for label in outcome.declared if label not in kept)
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


def _look_up(value: Any, frame: pd.DataFrame, what: str) -> Any:
    """Take a column name, or a list of them, from the frame; pass anything else on."""
    names = read_names(value)
    if not names:
        return value
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise ColumnNotFoundError(f"{what} names {list_some(absent)}, which is no column.")
    return frame[value] if isinstance(value, str) else frame[list(names)]

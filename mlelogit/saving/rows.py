"""Give a loaded fit its rows again, and prove that they are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.data.assembly import make_design
from mlelogit.data.blocks import Block, RowBlocks, hold_blocks
from mlelogit.data.design import Design, omit_columns
from mlelogit.data.encoding import Encoding
from mlelogit.data.formulas import split_formula
from mlelogit.data.rows import DataOptions
from mlelogit.data.streaming.opening import reopen_design
from mlelogit.data.threads import count_threads
from mlelogit.exceptions import (
    ChangedRowsError,
    DamagedFitError,
    OptionError,
    SavedFitError,
)
from mlelogit.fitting.basis import examine_columns
from mlelogit.fitting.limit import Separation, find_impossible
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.interpretation.points import as_new_frame
from mlelogit.notices import run_quietly
from mlelogit.saving.held import HeldRows, make_design_held
from mlelogit.saving.proof import SAME_ROWS, check_same, find_labels, tell_dropped

BESIDE = frozenset({"weights", "offset"})


def attach_rows(
    record: FitRecord, covariance: Covariance, data: Any
) -> tuple[FitRecord, Covariance]:
    """Return a fit and its covariance with its rows, which must be those of the fit.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    data
        What the model was made from: a frame or a table read in pieces; where weights or an offset
        were arrays, ``{"data": frame, "weights": weights, "offset": offset}``; for arrays
        ``{"endog": endog, "exog": exog}``, with weights and offset if the fit has them.

    Raises
    ------
    ChangedRowsError
        If they give other sums than were saved: rows, log-likelihood, score, imprint; or have
        other labels for the covariance.
    OptionError
        If data lack what the fit needs.
    MNLogitError
        Another of its named cases, for anything wrong with the rows.
    """
    design = run_quietly(_make_design, record, data)
    return attach_design(record, covariance, design)


def restore_rows(
    record: FitRecord, covariance: Covariance, held: HeldRows
) -> tuple[FitRecord, Covariance]:
    """Return a fit and its covariance with the rows that were saved with it.

    Raises
    ------
    DamagedFitError
        If they are not rows that give the fit.
    """
    try:
        design = run_quietly(make_design_held, record, held)
        return attach_design(record, covariance, design)
    except SavedFitError:
        raise
    except (ValueError, ArithmeticError) as error:
        # Bases that nobody found are no input that linear algebra can be blamed for.
        raise DamagedFitError(f"its rows do not belong to it. {error}") from error


def attach_design(
    record: FitRecord, covariance: Covariance, design: Design
) -> tuple[FitRecord, Covariance]:
    """Return a fit and its covariance with the rows of a design, if they are those of the fit."""
    blocks = RowBlocks(design, threads=count_threads(record.request.threads))
    if not blocks.held:
        examine_columns(blocks, record.encoding.names)  # Which finds the columns' extremes.
    attached = replace(record, blocks=blocks, index=design.index, facts=None)
    if record.separation.found:
        attached = _mark_separated(attached)
    check_same(attached, design, record.facts)
    tell_dropped(record, design)
    return attached, find_labels(attached, covariance)


def _make_design(record: FitRecord, data: Any) -> Design:
    encoding = record.encoding
    parts = _split(record, data)
    options = _recall_options(record, parts)
    if encoding.rhs is None:
        return _make_again(record, parts, options)
    left, _ = split_formula(str(encoding.formula))
    formula = f"{left}~ {encoding.rhs}"
    pieces = bool(record.facts is not None and record.facts.way)
    design = reopen_design(formula, parts["data"], options, encoding, pieces)
    if design.encoding is encoding or design.stream is None:
        return replace(design, encoding=encoding)
    design = omit_columns(design, encoding.omitted) if encoding.omitted else design
    return _check_learned(design, encoding)


def _split(record: FitRecord, data: Any) -> dict[str, Any]:
    """Return the parts of what was given, and raise if they are not those that the fit needs."""
    facts, encoding = record.facts, record.encoding
    named = facts is not None and facts.weights_name
    needed = {"data"} if encoding.rhs is not None else {"endog", "exog"}
    needed |= {"weights"} if record.weight_type is not None and not named else set()
    needed |= {"offset"} if record.has_offset and not encoding.offset_names else set()
    if needed == {"data"} and not (isinstance(data, Mapping) and set(data) == {"data"}):
        return {"data": data}
    if isinstance(data, Mapping) and set(data) == needed:
        return dict(data)
    given = sorted(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
    listed = ", ".join(f"{name!r}: {name}" for name in sorted(needed))
    raise OptionError(
        f"The fit was made from several parts: give data={{{listed}}}, with the very same values, "
        f"not {write_value(given)}."
    )


def _recall_options(record: FitRecord, parts: dict[str, Any]) -> DataOptions:
    facts, encoding, audit = record.facts, record.encoding, record.audit
    name = None if facts is None else facts.weights_name or None
    weights = parts.get("weights", name)
    names = encoding.offset_names
    offset = parts.get("offset", (names[0] if len(names) == 1 else list(names)) if names else None)
    return DataOptions(
        base=encoding.base_category,
        weights=weights,
        weight_type=record.weight_type,
        offset=offset,
        outcome=encoding.outcome_kind,
        missing="drop" if audit.missing else "raise",
        collinear="drop" if facts is None else facts.collinear,
        compress=audit.rows_distinct is not None,
    )


def _make_again(record: FitRecord, parts: dict[str, Any], options: DataOptions) -> Design:
    encoding = record.encoding
    exog = parts["exog"]
    if encoding.constant is not None:
        exog = as_new_frame(encoding, exog).copy(deep=False)
        if encoding.constant not in exog.columns:
            exog.insert(encoding.all_names.index(encoding.constant), encoding.constant, 1.0)
    design = make_design(parts["endog"], exog, options, encoding)
    if design.encoding.names != encoding.all_names:
        raise ChangedRowsError(
            f"exog has the columns {write_value(design.encoding.names)}, and the fit "
            f"{write_value(encoding.all_names)}."
        )
    design = omit_columns(design, encoding.omitted) if encoding.omitted else design
    return replace(design, encoding=encoding)


def _check_learned(design: Design, known: Encoding) -> Design:
    """Return a design read in pieces if it has learned from them what the fit has."""
    for field in fields(Encoding):
        if field.name == "formula":
            continue
        one, other = getattr(design.encoding, field.name), getattr(known, field.name)
        if not _agree(one, other):
            raise ChangedRowsError(
                f"The rows are others than the fit's: {field.name} are {write_value(one)}, and "
                f"the fit has {write_value(other)}."
            )
    return design


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_agree(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple | np.ndarray) and not isinstance(other, str):
        return len(one) == len(other) and all(map(_agree, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=SAME_ROWS, atol=0.0, equal_nan=True))
    return bool(one == other)


def _mark_separated(record: FitRecord) -> FitRecord:
    """Say again of every row which categories are left of it in the limit."""
    blocks = hold_blocks(record.need_blocks())
    separation, base = replace(record.separation, examples=None), record.encoding.base
    possible = blocks.map(map_possible, separation, record.basis, base)
    return replace(record, blocks=blocks, separation=replace(separation, possible=possible))


def map_possible(block: Block, separation: Separation, basis: ColumnBasis, base: int) -> np.ndarray:
    """Return which categories are left of the rows of a block in the limit (J, m)."""
    return ~find_impossible(block.x, separation, basis, base)

"""The rows of a fit in its file, if they are asked for, and back as a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from mlelogit.data.design import Design
from mlelogit.data.encoding import Encoding, encode_rows
from mlelogit.data.frames import list_names, look_up_column
from mlelogit.data.labels import Labels
from mlelogit.data.outcome import Outcome
from mlelogit.data.rows import Given
from mlelogit.data.sources import ArraySource, ColumnSource, lay_out, make_source
from mlelogit.exceptions import SavedFitError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.sandwich.requests import ClusterSettings, LostSettings, SerialSettings
from mlelogit.saving.numbers import encode_array
from mlelogit.saving.reading import Part
from mlelogit.saving.tables import (
    decode_column,
    decode_index,
    decode_sparse,
    encode_column,
    encode_index,
    encode_sparse,
)

PARTS = {"rows", "index", "codes", "table", "weights", "offset", "columns", "sparse"}


def encode_rows_used(record: FitRecord, covariance: Covariance) -> dict[str, Any]:
    """Return the rows that a fit used as an object.

    Raises
    ------
    SavedFitError
        If the frame they came in was left behind, or a value is of a type that no file keeps.
    RowsNotHeldError
        If they are read in pieces, and are too many.
    DataNotKeptError
        If the fit does not hold its rows.
    """
    design = record.in_memory().need_blocks().design
    outcome, names = design.outcome, record.encoding.names
    rows = design.source.shape[0]
    frame, sparse = {}, None
    if record.encoding.rhs is not None:
        frame = _pick_columns(design, record.encoding)
    elif design.source.sparse:
        sparse = csr_array(design.source.block(0, rows).T)
    else:
        dense = lay_out(design.source.block(0, rows))
        frame = {name: pd.Series(dense[i]) for i, name in enumerate(names)}
    frame |= _list_labels(design, covariance, set(frame))
    return {
        "rows": rows,
        "index": encode_index(design.index),
        "codes": None if outcome.codes is None else outcome.codes.tolist(),
        "table": encode_array(_floats(outcome.table)),
        "weights": encode_array(design.weights),
        "offset": encode_array(design.offset),
        "columns": [encode_column(name, column) for name, column in frame.items()],
        "sparse": None if sparse is None else encode_sparse(sparse),
    }


def _floats(table: Any) -> np.ndarray | None:
    return None if table is None else np.asarray(table, dtype=np.float64)


def _pick_columns(design: Design, encoding: Encoding) -> dict[Any, pd.Series]:
    """Return the columns that the formula names, of the rows used; others stay behind."""
    given = design.given
    frame = None if given is None else given.frame
    known = set(list_names(frame))
    gone = [name for name in encoding.variables if name not in known]
    if gone:
        raise SavedFitError(
            f"The frame with column {gone[0]!r} was left behind when the fit was pickled or read "
            "in pieces, so its rows cannot be saved; save without data."
        )
    beside: list[Any] = [design.weights_name] if design.weights_name else []
    beside += [*encoding.offset_names, encoding.outcome_name, *encoding.declared]
    names = [*encoding.variables, *(name for name in beside if name in known)]
    return {name: _take(given, name) for name in dict.fromkeys(names)}


def _take(given: Any, name: Any) -> pd.Series:
    column: Any = look_up_column(given.frame, name)
    column = column if given.positions is None else column.iloc[given.positions]
    return pd.Series(column.reset_index(drop=True))


def _list_labels(design: Design, covariance: Covariance, known: set) -> dict[Any, pd.Series]:
    """Return the labels that the covariance rests on, as columns."""
    settings = None if covariance.request is None else covariance.request.settings
    if settings is None or isinstance(settings, LostSettings):
        return {}
    if isinstance(settings, ClusterSettings):
        sets: list[Any] = list(settings.sets)
    elif isinstance(settings, SerialSettings):
        sets = [settings.time, *([] if settings.groups is None else [settings.groups])]
    else:
        frame = None if design.given is None else design.given.frame
        beside = [name for name in settings.names.values() if name in list_names(frame)]
        return {name: _take(design.given, name) for name in beside if name not in known}
    return {
        labels.name: pd.Series(labels.names.take(labels.codes))
        for labels in sets
        if isinstance(labels, Labels) and labels.name not in known
    }


@dataclass(frozen=True)
class HeldRows:
    """Rows as they stand in a file, read and checked, but not yet a design."""

    rows: int
    index: pd.Index
    outcome: Outcome
    weights: np.ndarray | None
    offset: np.ndarray | None
    frame: pd.DataFrame
    sparse: Any


def decode_rows_used(part: Part, record: FitRecord) -> HeldRows:
    """Read the rows that a fit used.

    Raises
    ------
    DamagedFitError
        If they lack something, or contradict the rest of the fit.
    """
    found, encoding = part.members(PARTS), record.encoding
    rows, count = found["rows"].whole(1), len(encoding.categories)
    if rows != record.audit.rows_used:
        raise found["rows"].refuse("are not as many as the fit used")
    columns = [decode_column(item, rows) for item in found["columns"].items()]
    frame = pd.DataFrame(dict(columns), index=pd.RangeIndex(rows))
    if len(frame.columns) < len(columns):
        raise found["columns"].refuse("has a column twice")
    width = len(encoding.names)
    sparse = found["sparse"].maybe(lambda one: decode_sparse(one, rows, width))
    own = encoding.names if encoding.rhs is None else encoding.variables
    needed = set(own) if sparse is None else set()
    if not needed <= set(frame.columns) or (sparse is not None and encoding.rhs is not None):
        raise found["columns"].refuse("lacks one that the fit needs")
    weights = found["weights"].maybe(lambda one: one.vector(rows, finite=True))
    if (weights is None) != (record.weight_type is None) or (
        weights is not None and not (weights > 0).all()
    ):
        raise found["weights"].refuse("are not weights of the type that the fit has")
    offset = found["offset"].maybe(lambda one: one.matrix(rows, count, finite=True))
    if (offset is None) == record.has_offset:
        raise found["offset"].refuse("is there, and the fit has none, or is not")
    outcome = _decode_outcome(part, found, encoding, rows)
    index = decode_index(found["index"], rows)
    return HeldRows(rows, index, outcome, weights, offset, frame, sparse)


def _decode_outcome(part: Part, found: dict[str, Part], encoding: Encoding, rows: int) -> Outcome:
    count = len(encoding.categories)
    codes = found["codes"].maybe(lambda one: one.vector(rows, int))
    table = found["table"].maybe(lambda one: one.matrix(rows, count, finite=True))
    if (codes is None) == (encoding.outcome_kind == "labels") or (codes is None) == (table is None):
        raise part.refuse("has another kind of outcome than the fit")
    if codes is not None and not 0 <= codes.min() <= codes.max() < count:
        raise found["codes"].refuse("has a code of no category")
    if table is not None and not (table >= 0).all():
        raise found["table"].refuse("has a number below zero")
    kind, name = encoding.outcome_kind, encoding.outcome_name
    return Outcome(codes, table, encoding.categories, encoding.declared, kind, name)


def make_design_held(record: FitRecord, held: HeldRows) -> Design:
    """Return the design of rows that were saved, its columns made as the fit's were."""
    encoding, facts = record.encoding, record.facts
    given = Given(held.rows, held.index, frame=held.frame)
    return Design(
        encoding=encoding,
        outcome=held.outcome,
        source=_make_source(encoding, held),
        weights=held.weights,
        weight_type=record.weight_type,
        offset=held.offset,
        index=held.index,
        audit=record.audit,
        collinear="drop" if facts is None else facts.collinear,
        given=given,
        weights_name="" if facts is None else facts.weights_name,
    )


def _make_source(encoding: Encoding, held: HeldRows) -> ColumnSource:
    if held.sparse is not None:
        return make_source(held.sparse)
    if encoding.rhs is None:
        return ArraySource(held.frame[list(encoding.names)].to_numpy(dtype=np.float64))
    return make_source(encode_rows(encoding, held.frame)[0])

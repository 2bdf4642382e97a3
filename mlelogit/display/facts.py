"""What every table says of a fit beside its numbers, in the same words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mlelogit.display.escapes import write_names
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, rests_on_model
from mlelogit.inference.testing.constraints import mark_fixed

OMITTED = "(omitted)"


def name_equations(record: FitRecord) -> list[str]:
    """Return "category vs base" of every equation (J - 1), in order."""
    names, base = write_names(record.encoding.categories), record.encoding.base
    return [f"{name} vs {names[base]}" for i, name in enumerate(names) if i != base]


def find_omitted(record: FitRecord) -> frozenset[int]:
    """Return the rows of the tidy frame, (J - 1) K, that are of columns left out."""
    encoding = record.encoding
    left_out = [i for i, name in enumerate(encoding.all_names) if name in encoding.omitted]
    return frozenset(_number_rows(record)[:, left_out].ravel().tolist())


def mark_held(record: FitRecord) -> dict[int, str]:
    """Return the rows of the tidy frame that constraints hold, and how in a word or two."""
    kept = _number_rows(record)[:, record.encoding.kept].ravel()
    return {int(kept[i]): mark for i, mark in mark_fixed(record).items()}


def _number_rows(record: FitRecord) -> np.ndarray:
    shape = len(record.encoding.others), len(record.encoding.all_names)
    return np.arange(shape[0] * shape[1]).reshape(shape)


def tell_omitted(record: FitRecord) -> Iterable[str]:
    """Say which columns were left out, if some were."""
    if record.encoding.omitted:
        said = "; ".join(record.encoding.omitted.values())
        yield f"Left out, being combinations of others: {said}."


def tell_shares(record: FitRecord, covariance: Covariance) -> Iterable[str]:
    """Say what rests on shares being the outcomes of draws, if the outcome is shares.

    With sampling weights nothing does: likelihood ratios are NaN, the covariance is robust.
    """
    if record.encoding.outcome_kind != "probabilities" or record.weight_type == "sampling":
        return
    said = "Shares are taken for the outcomes of draws, one a row: LR tests, AIC and BIC rest on it"
    if covariance.omitted or not rests_on_model(record, covariance):
        yield f"{said}."
    elif record.weight_type == "importance":
        yield f"{said}, and so do {covariance.kind} standard errors."
    else:
        yield f"{said}, and so do {covariance.kind} standard errors: use with_cov('robust')."


def tell_rows(record: FitRecord) -> Iterable[str]:
    """Say that there is an offset, how rows are read, which were dropped, how many differ."""
    if record.has_offset:
        yield "The scores have an offset."
    if record.way:
        yield f"Rows read in pieces: {record.way}."
    audit = record.audit
    if audit.rows_in != audit.rows_used:
        said = "; ".join(f"{count} {reason}" for reason, count in audit.dropped.items())
        yield f"Rows in: {audit.rows_in}, used: {audit.rows_used} (dropped: {said})."
    if audit.rows_distinct is not None:
        yield f"Equal rows counted: {audit.rows_used} rows, {audit.rows_distinct} distinct."

"""Look for equal rows, and evaluate a formula on the distinct ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlelogit.data.compression import (
    EqualRows,
    check_compression,
    find_equal_rows,
    list_beside,
)
from mlelogit.data.encoding import (
    EncodedColumns,
    Encoding,
    encode_rows,
    learn_columns,
    learn_state,
)
from mlelogit.data.formulas import ParsedFormula
from mlelogit.data.outcome import RawOutcome
from mlelogit.data.rows import DataOptions, RawOffset, Rows
from mlelogit.exceptions import CompressionError, MNLogitError


def find_equal(
    columns: list | None,
    raw: RawOutcome,
    rows: Rows,
    weights: np.ndarray | None,
    offset: RawOffset | None,
    options: DataOptions,
) -> EqualRows | None:
    """Find rows that are equal, if that is wanted and pays.

    Parameters
    ----------
    columns : list or None
        What the right side needs, (total,) each; None if they are no plain columns.
    raw, rows, weights, offset, options
        The outcome, the rows used, and what goes with them.

    Raises
    ------
    CompressionError
        If it was asked for and cannot be.
    """
    wanted = check_compression(options.compress, raw.kind, options.weight_type)
    if columns is None:
        if wanted is True:
            raise CompressionError(
                "compress=True needs rows of plain columns, and these are sparse; leave compress "
                "out, or give a formula or a dense array."
            )
        return None
    table = None if raw.kind == "labels" else raw.values
    shifts = None if offset is None else offset.values
    columns = columns + list_beside(raw.kind, table, weights, options.weight_type, shifts)
    return find_equal_rows(columns, rows.kept, rows.total, wanted)


def learn_rows(
    parsed: ParsedFormula,
    variables: pd.DataFrame,
    rows: Rows,
    equal: EqualRows | None,
    options: DataOptions,
) -> tuple[EncodedColumns, EqualRows | None]:
    """Evaluate a formula on the distinct rows, or on all.

    What fails on the distinct rows is done again on all, whose positions the error then names.

    Returns
    -------
    encoded : EncodedColumns
    equal : EqualRows or None
        None if all rows were evaluated.

    Raises
    ------
    CompressionError
        If ``compress=True`` and equal rows could not be told.
    """
    if equal is not None:
        try:
            state = learn_state(parsed, variables, rows.kept)
            few = variables.iloc[rows.kept[equal.first]]
            return learn_columns(parsed, few, state), equal
        except MNLogitError:
            pass
    every = len(rows.kept) == rows.total
    encoded = learn_columns(parsed, variables if every else variables.iloc[rows.kept])
    if options.compress is True:
        raise CompressionError(
            "compress=True cannot tell which rows are equal: their values have no order by which "
            "they could be looked up."
        )
    return encoded, None


def recall_rows(
    known: Encoding, variables: pd.DataFrame, rows: Rows, equal: EqualRows | None
) -> tuple[EncodedColumns, EqualRows | None]:
    """Evaluate a formula on rows of a fit, with what it has learned from them.

    Returns
    -------
    encoded, equal
        As of `learn_rows`; the columns are those that the fit has, without those left out.
    """
    kept = rows.kept if equal is None else rows.kept[equal.first]
    matrix, _ = encode_rows(known, variables.iloc[kept].reset_index(drop=True))
    return EncodedColumns(matrix, {"names": known.names}), equal

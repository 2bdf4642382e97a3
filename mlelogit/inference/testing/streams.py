"""Whether two fits are of the same rows, and nested, where rows are read in pieces.

Few rows are read into memory and compared there. Of more it is their table and facts that are
compared, and columns by their names.
"""

from __future__ import annotations

import numpy as np

from mlelogit.data.blocks import RowBlocks
from mlelogit.exceptions import NotNestedError, RowsNotHeldError
from mlelogit.fitting.record import FitRecord


def is_streamed(record: FitRecord) -> bool:
    """Tell whether a fit's rows are read in pieces."""
    return record.blocks is not None and not record.blocks.held


def hold_both(larger: FitRecord, smaller: FitRecord) -> tuple[FitRecord, FitRecord]:
    """Return two fits with their rows in memory if either's are read in pieces and are few."""
    if not (is_streamed(larger) or is_streamed(smaller)):
        return larger, smaller
    try:
        one, two = larger.in_memory(), smaller.in_memory()
    except RowsNotHeldError:
        return larger, smaller
    if is_streamed(larger) != is_streamed(smaller) and len(one.index) == len(two.index):
        # Of one of them rows are known by their place alone.
        return one, _index_alike(two, one)
    return one, two


def _index_alike(record: FitRecord, other: FitRecord) -> FitRecord:
    found: dict = dict(vars(record))
    found.pop("moves", None)
    return FitRecord(**{**found, "index": other.index})


def check_same_table(larger: FitRecord, smaller: FitRecord) -> None:
    """Raise `NotNestedError` unless two fits are of the same rows of one table, as far as known.

    Raises
    ------
    RowsNotHeldError
        If one of them is of rows in memory.
    """
    if is_streamed(larger) != is_streamed(smaller):
        raise RowsNotHeldError(
            "One of the two fits is of rows that are read in pieces, too many to compare with the "
            "other's rows in memory; fit both models to the same table in pieces."
        )
    one, two = larger.need_blocks().design, smaller.need_blocks().design
    facts = {
        "table": (_name_table(larger.need_blocks()), _name_table(smaller.need_blocks())),
        "rows in": (larger.audit.rows_in, smaller.audit.rows_in),
        "rows used": (larger.audit.rows_used, smaller.audit.rows_used),
        "categories": (one.outcome.categories, two.outcome.categories),
        "outcome": (one.encoding.outcome_name, two.encoding.outcome_name),
        "weights": (one.weights_name, two.weights_name),
        "weight types": (one.weight_type, two.weight_type),
        "offset": (one.encoding.offset_names, two.encoding.offset_names),
        "category totals": (larger.audit.categories, smaller.audit.categories),
    }
    for what, (left, right) in facts.items():
        if left != right:
            raise NotNestedError(
                f"The two models differ in their {what}: they must be fitted to the same rows "
                f"({larger.audit.rows_used} and {smaller.audit.rows_used} rows used)."
            )


def _name_table(blocks: RowBlocks) -> str:
    stream = blocks.design.stream
    return "" if stream is None else stream.table


def factor_by_names(larger: FitRecord, smaller: FitRecord) -> np.ndarray:
    """Return what stands for the triangular factor of both designs' scaled columns.

    Columns of one table that have one name are the same.

    Raises
    ------
    NotNestedError
        If the second fit has other columns, and as many.
    RowsNotHeldError
        If the smaller has a column that the larger has not.
    """
    names, few = larger.encoding.names, smaller.encoding.names
    other = [name for name in few if name not in names]
    if other:
        if len(few) >= len(names):
            raise NotNestedError(
                f"The second model is not nested in the first: its columns {other} are not in it, "
                "and it has no fewer."
            )
        raise RowsNotHeldError(
            f"Whether the columns {other} of the second model are combinations of the first's "
            "takes all rows in memory, and they are read in pieces. Write both formulas with the "
            "same terms, or fit both to a table in memory."
        )
    r = np.zeros((len(names) + 1, len(names) + len(few) + 1))
    r[np.arange(len(names)), np.arange(len(names))] = 1.0
    places = [names.index(name) for name in few]
    scales = larger.basis.scale[places] / smaller.basis.scale
    r[places, len(names) + np.arange(len(few))] = scales
    return r

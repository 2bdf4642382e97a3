"""What is done with a partition where it lies: the work of one task of a cluster."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pandas as pd

from mlelogit.data.frames import is_numeric, list_some
from mlelogit.data.streaming.sources.pieces import add_records
from mlelogit.exceptions import ClusterError, ColumnTypeError, MNLogitError
from mlelogit.version import VERSION

TOPIC = "mlelogit"
NOTE = "This came of the work on a partition, not of reading it."


@dataclass(frozen=True)
class Shipment:
    """What every worker gets once for a pass over the rows.

    Attributes
    ----------
    function : callable
        Of a frame.
    categories : mapping
        The dtype of every column whose categories are known beforehand.
    report : str
        Under which name finished partitions are reported; they are not if it is empty.
    version : str
        Of the package that sent it.
    """

    function: Callable[[pd.DataFrame], Any]
    categories: Mapping[Hashable, pd.CategoricalDtype] = field(default_factory=dict)
    report: str = ""
    version: str = VERSION

    def __dask_tokenize__(self) -> str:
        """Be another one in every pass, and spare dask the reading of what is carried."""
        return uuid4().hex

    def run(self, frame: pd.DataFrame, number: int) -> Any:
        """Return what the function finds in partition `number`; None if that has no rows.

        Raises
        ------
        ClusterError
            If the package here is of another version than the one that sent this.
        MNLogitError
            What the function raises, with the number of the partition.
        """
        if self.version != VERSION:
            raise ClusterError(
                f"A worker has mlelogit {VERSION} and the client {self.version}; install the "
                "same version everywhere."
            )
        try:
            result = self.function(settle_frame(frame, self.categories)) if len(frame) else None
        except MNLogitError as error:
            raise type(error)(f"In partition {number}: {error}") from error
        except Exception as error:
            error.add_note(f"{NOTE} Its number is {number}.")
            raise
        if self.report:
            _report(self.report, number)
        return result


def run_partition(frame: Any, shipment: Shipment, partition_info: dict | None = None) -> Any:
    """Run a shipment on a partition; dask says which it is, and asks with None for a trial."""
    return shipment.run(frame, -1 if partition_info is None else partition_info["number"])


def transform_partition(
    frame: pd.DataFrame, shipment: Shipment, meta: Any, partition_info: dict | None = None
) -> Any:
    """Return what a shipment makes of a partition; what one without rows becomes."""
    return run_partition(frame, shipment, partition_info) if len(frame) else meta


def add_results(results: Sequence[Any]) -> Any:
    """Add records from left to right, None counting for nothing, and leave them as they are.

    A sum may be written into an operand, and dask may use that again when the worker with the sum
    is lost: copies are added, one at a time.
    """
    total = None
    for result in results:
        total = add_records(total, copy.deepcopy(result))
    return total


def _report(name: str, number: int) -> None:
    from distributed import get_worker

    get_worker().log_event(TOPIC, (name, number))


def settle_frame(
    frame: pd.DataFrame, categories: Mapping[Hashable, pd.CategoricalDtype]
) -> pd.DataFrame:
    """Give the categorical columns of a partition what does not depend on the partition.

    Known categories are those of the whole table. Unknown ones stay as each partition declares
    them; where partitions differ, whoever adds up says so. Of numbers, which cannot be joined so,
    they are sorted.

    Raises
    ------
    ColumnTypeError
        If a column holds what is none of its known categories.
    """
    settled = {}
    for name in frame.columns:
        column = frame[name]
        if name in categories:
            settled[name] = _take_known(column, categories[name])
        elif isinstance(column.dtype, pd.CategoricalDtype) and is_numeric(
            column.cat.categories.to_series()
        ):
            settled[name] = _sort_categories(column)
    if not settled:
        return frame
    columns = {name: settled.get(name, frame[name]) for name in frame.columns}
    return pd.DataFrame(columns, index=frame.index, copy=False)


def _take_known(column: pd.Series, known: pd.CategoricalDtype) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype == known:
        same = column.cat.categories.equals(known.categories)  # Dtypes are equal in any order.
        return column if same else column.cat.reorder_categories(known.categories)
    lost = column[column.notna() & ~column.isin(known.categories)]
    if len(lost):
        raise ColumnTypeError(
            f"Column {column.name!r} holds {list_some(list(lost.unique()))}, and the table says "
            f"that its categories are {list_some(list(known.categories))}."
        )
    return column.astype(known)


def _sort_categories(column: pd.Series) -> pd.Series:
    try:
        ordered = column.cat.categories.sort_values()
    except TypeError:
        return column
    if ordered.equals(column.cat.categories):
        return column
    return column.cat.reorder_categories(ordered, ordered=column.cat.ordered)

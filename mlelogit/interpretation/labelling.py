"""Labels of what a user sees: categories, rows and their variables, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.design import take_rows
from mlelogit.data.encoding import Encoding
from mlelogit.data.frames import look_up_column
from mlelogit.data.sources import lay_out
from mlelogit.fitting.record import FitRecord
from mlelogit.notices import in_turn


class Encoded(Protocol):
    """A fit of any kind, with what it learned from the data."""

    @property
    def encoding(self) -> Encoding:
        """Categories, names of columns and so on."""


def index_labels(labels: Sequence, name: str | None = None) -> pd.Index:
    """Return labels as an index of one level, be they tuples."""
    return pd.Index(list(labels), name=name, tupleize_cols=False)


def index_categories(record: Encoded, name: str | None = None) -> pd.Index:
    """Return the categories as an index of one level, be they tuples."""
    return index_labels(record.encoding.categories, name)


def index_keys(keys: Sequence[tuple], names: Sequence[str]) -> pd.MultiIndex:
    """Return keys as an index whose levels are in the order of appearance.

    Sorted levels would have pandas warn when it looks something up.

    Examples
    --------
    >>> from mlelogit.interpretation.labelling import index_keys
    >>> index_keys([("b", 1), ("a", 1)], ["letter", "number"]).levels[0].tolist()
    ['b', 'a']
    """
    columns = list(zip(*keys, strict=True))
    levels = [list(dict.fromkeys(column)) for column in columns]
    places = [{value: place for place, value in enumerate(level)} for level in levels]
    return pd.MultiIndex(
        levels=[pd.Index(level, tupleize_cols=False) for level in levels],
        codes=[
            [found[value] for value in column]
            for found, column in zip(places, columns, strict=True)
        ],
        names=list(names),
    )


def index_product(first: Sequence[str], categories: tuple, names: Sequence[str]) -> pd.MultiIndex:
    """Return an index of every word with every category."""
    return index_keys(list(product(first, categories)), names)


def label_codes(codes: np.ndarray, labels: Sequence) -> pd.Categorical:
    """Return labels (m,) by their places, missing where the place is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.labelling import label_codes
    >>> label_codes(np.array([1, -1]), ("a", "b")).tolist()
    ['b', nan]
    """
    return pd.Categorical.from_codes(codes.astype(np.int64), categories=index_labels(labels))


def frame_rows(values: np.ndarray, index: pd.Index, record: Encoded) -> pd.DataFrame:
    """Label values (J, m) by row and category."""
    return pd.DataFrame(values.T, index=index, columns=index_categories(record, "category"))


@in_turn
def describe_rows(record: FitRecord, rows: np.ndarray, shown: pd.DataFrame) -> pd.DataFrame:
    """Add to a table about some rows of a fit, by position, the values of their variables.

    A variable of the same name as a column of the table is called "variable ...".
    """
    for name, column in _look_up(record, rows).items():
        shown[f"variable {name}" if name in shown.columns else name] = column
    return shown


def _look_up(record: FitRecord, rows: np.ndarray) -> dict[Any, Any]:
    design, encoding = record.need_blocks().design, record.encoding
    given = design.given
    if encoding.rhs is not None and given is not None and given.frame is not None:
        positions = rows if given.positions is None else given.positions[rows]
        found = {name: look_up_column(given.frame, name) for name in encoding.needed}
        columns = {name: one for name, one in found.items() if one is not None}
        return {name: one.iloc[positions].array for name, one in columns.items()}
    matrix = lay_out(take_rows(design, rows).source.block(0, len(rows)))
    return dict(zip(encoding.names, matrix, strict=True))

"""Predictions of rows that are read in pieces: frames, one after the other, when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.frames import list_some
from mlelogit.data.streaming.opening import open_pieces
from mlelogit.data.streaming.pieces import Pieces
from mlelogit.exceptions import ColumnNotFoundError, OffsetError
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.prediction import PREDICTIONS, predict


def predict_any(
    record: FitRecord,
    newdata: Any = None,
    which: str = "prob",
    offset: Any = None,
    missing: str = "raise",
) -> Any:
    """Predict the outcome of the fit's rows, or of new ones, in memory or read in pieces.

    Parameters
    ----------
    record, newdata, which, offset, missing
        As in `mlelogit.interpretation.prediction.predict`. Anything that a model can be fitted to
        in pieces can be newdata too; its offset then is that of the columns of the same names.

    Returns
    -------
    pandas.DataFrame, pandas.Series or iterator of them
        An iterator for pieces, each labelled by the numbers of its rows, which run on.

    Raises
    ------
    OffsetError
        If an offset is given as values for rows that are read in pieces.
    MNLogitError
        What `predict` raises; of rows in pieces when they are read.

    Examples
    --------
    >>> import pandas as pd
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age", anes).fit()
    >>> parts = res.predict([anes.head(2), anes.tail(1)])
    >>> pd.concat(parts).shape
    (3, 2)
    """
    pieces = None if newdata is None else open_pieces(newdata)
    if pieces is None:
        return predict(record, newdata, which, offset, missing)
    check_choice("which", which, PREDICTIONS)
    if offset is not None:
        raise OffsetError(
            "An offset given as values has no rows to go with, since newdata are read in pieces "
            f"({pieces.way}); put it in the table, in columns named as in the fit."
        )
    columns = _list_columns(record, pieces)
    work = PiecePrediction(replace(record, blocks=None), which, missing)
    return _number_rows(pieces.map(work, columns))


@dataclass(frozen=True)
class PiecePrediction:
    """A function of a frame of rows that predicts them, and can be pickled."""

    record: FitRecord
    which: str
    missing: str

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame | pd.Series:
        """Return the predictions of a frame of rows."""
        return predict(self.record, frame, self.which, missing=self.missing)


def _list_columns(record: FitRecord, pieces: Pieces) -> list[Any]:
    encoding = record.encoding
    wanted = [*encoding.needed, *(encoding.offset_names if record.has_offset else ())]
    absent = [name for name in wanted if name not in pieces.names]
    if absent:
        raise ColumnNotFoundError(
            f"newdata ({pieces.way}) has no column {list_some(absent)}; there are "
            f"{list_some(pieces.names, 20)}."
        )
    return list(dict.fromkeys(wanted))


def _number_rows(parts: Iterator[Any]) -> Iterator[Any]:
    """Give every part the numbers of its rows, from zero on."""
    start = 0
    for part in parts:
        stop = start + len(part)
        yield part.set_axis(pd.RangeIndex(start, stop))
        start = stop

"""Predictions of rows that are read in pieces, a frame at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.streaming.pieces import Pieces
from mlelogit.data.streaming.rows import RowRequest, select_piece
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.prediction import PREDICTIONS, predict


@dataclass(frozen=True)
class FramePredictor:
    """Predicts the rows of a frame, as a function of the frame.

    Attributes
    ----------
    record : FitRecord
    which : str
    offset : tuple of str
        The columns of the offset.
    request : RowRequest or None
        Which rows to predict: those that the fit used, or all if None.
    """

    record: FitRecord
    which: str
    offset: tuple[str, ...]
    request: RowRequest | None = None

    def __call__(self, frame: pd.DataFrame) -> tuple[int, Any]:
        """Return how many rows a frame has, and predictions labelled by their positions."""
        frame = frame.reset_index(drop=True)
        if self.request is None:
            chosen = frame
        else:
            chosen = frame.iloc[select_piece(self.request, frame).kept]
        offset = chosen[list(self.offset)] if self.offset else None
        rows = chosen[list(self.record.encoding.variables)]
        return len(frame), predict(self.record, rows, self.which, offset)


def predict_pieces(
    record: FitRecord, pieces: Pieces, which: str = "prob", offset: Sequence[str] = ()
) -> Iterator[Any]:
    """Predict the rows of a table that is read in pieces, never holding all.

    Parameters
    ----------
    record : FitRecord
        Of a formula.
    pieces : Pieces
    which : {"prob", "category", "linear"}
        As in `mlelogit.interpretation.prediction.predict`.
    offset : sequence of str
        Columns of the table that are the offset.

    Returns
    -------
    iterator of pandas.DataFrame or pandas.Series
        What `predict` returns, frame after frame, labelled by the positions of the rows in the
        table. Rows are read when the next frame is asked for.

    Raises
    ------
    MNLogitError
        Those of `predict`, with the piece that it happened in.

    Examples
    --------
    >>> import pandas as pd
    >>> import mlelogit as ml
    >>> from mlelogit.data.streaming.frames import FramePieces
    >>> from mlelogit.interpretation.streams import predict_pieces
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age", anes).fit()
    >>> found = predict_pieces(res.record, FramePieces([anes[:500], anes[500:]]))
    >>> pd.concat(found).equals(res.predict(anes))
    True
    """
    check_choice("which", which, PREDICTIONS)
    columns = list(dict.fromkeys((*record.encoding.variables, *offset)))
    return _number(pieces.map(FramePredictor(record, which, tuple(offset)), columns))


def predict_own_pieces(record: FitRecord, which: str = "prob") -> Iterator[Any]:
    """Predict the rows that a fit used, which are read in pieces once more; see `predict_pieces`.

    Where equal rows were counted, all rows of the table are predicted, in their order.

    Examples
    --------
    >>> import pandas as pd
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.streams import predict_own_pieces
    >>> anes = ml.datasets.load_anes96()
    >>> halves = [anes[:500], anes[500:]]
    >>> res = ml.mnlogit("vote ~ age", halves, stream=True).fit()
    >>> len(pd.concat(predict_own_pieces(res.record)))
    944
    """
    check_choice("which", which, PREDICTIONS)
    stream: Any = record.need_blocks().design.stream
    stream = stream if stream.behind is None else stream.behind
    predictor = FramePredictor(record, which, record.encoding.offset_names, stream.request)
    return _number(stream.pieces.map(predictor, stream.request.columns))


def _number(found: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    """Label predictions by the positions of their rows in the table."""
    start = 0
    for rows, predicted in found:
        if len(predicted):
            predicted.index += start
            yield predicted
        start += rows

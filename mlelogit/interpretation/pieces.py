"""Predictions of rows that are read in pieces: frames, one after the other, when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.frames import list_some
from mlelogit.data.outward import choose_kind, give_out
from mlelogit.data.streaming.opening import open_pieces
from mlelogit.data.streaming.rows import RowRequest, select_piece
from mlelogit.data.streaming.sources.dask import DaskPieces, predict_lazily
from mlelogit.data.streaming.sources.pieces import Pieces
from mlelogit.exceptions import ColumnNotFoundError, OffsetError, OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.prediction import PREDICTIONS, label_scores, predict


def predict_any(
    record: FitRecord,
    newdata: Any = None,
    which: str = "prob",
    offset: Any = None,
    missing: str = "raise",
    *,
    frame: str | None = None,
) -> Any:
    """Predict the outcome of the fit's rows, or of new ones, in memory or read in pieces.

    Parameters
    ----------
    record, newdata, which, offset, missing
        As in `mlelogit.interpretation.prediction.predict`. Anything that a model can be fitted to
        in pieces can be newdata too; its offset then is that of the columns of the same names.
    frame : {"pandas", "polars", "pyarrow"}, optional
        The kind of frame to answer in: that of newdata if not given, of a list of frames that of
        the first; or that of the fit's data, if newdata are no frame (a dict, an array, a file) or
        not given. See `mlelogit.data.outward.give_out` for what becomes of index and labels.

    Returns
    -------
    DataFrame or Series, or iterator of them
        Rows x categories, or (m,) for which="category". An iterator for pieces; those of pandas
        are labelled by the numbers of their rows, which run on. For a dask frame one of dask, not
        computed yet, with its index, partitions and divisions.

    Raises
    ------
    OptionError
        If frame is no kind, or given with a dask frame.
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
    kind = choose_kind(frame, newdata, record.encoding.frame_kind)
    pieces = None if newdata is None else open_pieces(newdata)
    if pieces is None:
        return give_out(predict(record, newdata, which, offset, missing), kind)
    check_choice("which", which, PREDICTIONS)
    if offset is not None:
        raise OffsetError(
            "An offset given as values has no rows to go with, since newdata are read in pieces "
            f"({pieces.way}); put it in the table, in columns named as in the fit."
        )
    work, columns = _plan(record, pieces, which, missing)
    if isinstance(pieces, DaskPieces):
        _refuse_frame(frame)
        nothing = np.empty((len(record.encoding.categories), 0))
        meta = label_scores(nothing, pieces.index, record, which)
        return predict_lazily(work, pieces.frame[columns], meta)
    return _number_rows(pieces.map(work, columns), kind)


def predict_pieces(
    record: FitRecord, pieces: Pieces, which: str, missing: str, keep: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Predict rows that are read in pieces as `predict_any` does, some columns beside.

    Parameters
    ----------
    record, pieces, which, missing
        As in `predict_any`.
    keep : sequence of str
        Columns of the table, which come first.
    """
    return _number_rows(pieces.map(*_plan(record, pieces, which, missing, keep)), "pandas")


def _plan(
    record: FitRecord, pieces: Pieces, which: str, missing: str, keep: Sequence[str] = ()
) -> tuple[PiecePrediction, list[Any]]:
    """Return what predicts a frame of rows, and the columns that it is to have."""
    columns = list(dict.fromkeys([*_list_columns(record, pieces), *keep]))
    lean = replace(record, blocks=None, index=record.index[:0])
    return PiecePrediction(lean, which, missing, tuple(keep)), columns


def set_beside(
    frame: pd.DataFrame, keep: Sequence[str], found: pd.DataFrame | pd.Series
) -> pd.DataFrame:
    """Return columns of rows, and their predictions after them.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.interpretation.pieces import set_beside
    >>> set_beside(pd.DataFrame({"id": [7]}), ["id"], pd.Series([0.5], name="p")).columns.tolist()
    ['id', 'p']
    """
    return pd.concat([frame[list(keep)], found], axis=1)


def _refuse_frame(frame: str | None) -> None:
    if frame is not None:
        raise OptionError(
            f"frame={frame!r}: predictions of a dask frame are a dask frame; leave frame out, and "
            "compute() them, or predict frame.compute()."
        )


@dataclass(frozen=True)
class PiecePrediction:
    """A function of a frame of rows that predicts them, and can be pickled."""

    record: FitRecord
    which: str
    missing: str
    keep: tuple[str, ...] = ()

    def __call__(self, frame: pd.DataFrame) -> Any:
        """Return the predictions of a frame of rows."""
        found = predict(self.record, frame, self.which, missing=self.missing)
        return set_beside(frame, self.keep, found) if self.keep else found


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


def _number_rows(parts: Iterator[Any], kind: str) -> Iterator[Any]:
    """Give every part the numbers of its rows, from zero on; other kinds than pandas have none."""
    start = 0
    for part in parts:
        stop = start + len(part)
        if kind == "pandas":
            yield part.set_axis(pd.RangeIndex(start, stop))
        else:
            yield give_out(part.reset_index(drop=True), kind)
        start = stop


@dataclass(frozen=True)
class OwnPrediction:
    """A function of a frame of rows that predicts those which a fit used."""

    record: FitRecord
    which: str
    request: RowRequest

    def __call__(self, frame: pd.DataFrame) -> tuple[int, pd.DataFrame | pd.Series]:
        """Return how many rows a frame has, and predictions labelled by their positions in it."""
        frame = frame.reset_index(drop=True)
        chosen = frame.iloc[select_piece(self.request, frame).kept]
        names = list(self.record.encoding.offset_names)
        rows = chosen[list(self.record.encoding.needed)]
        return len(frame), predict(self.record, rows, self.which, chosen[names] if names else None)


def predict_own_pieces(record: FitRecord, which: str = "prob") -> Iterator[Any]:
    """Predict the rows that a fit used, which are read in pieces once more, never holding all.

    Where equal rows were counted, all rows of the table are predicted, in their order.

    Parameters
    ----------
    record : FitRecord
        Of rows that are read in pieces.
    which : {"prob", "category", "linear"}
        As in `mlelogit.interpretation.prediction.predict`.

    Returns
    -------
    iterator of pandas.DataFrame or pandas.Series
        Labelled by the positions of the rows in the table: those left out are missing.

    Raises
    ------
    OptionError
        If which is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.pieces import predict_own_pieces
    >>> anes = ml.datasets.load_anes96()
    >>> halves = [anes[:500], anes[500:]]
    >>> res = ml.mnlogit("vote ~ age", halves, stream=True).fit()
    >>> len(pd.concat(predict_own_pieces(res.record)))
    944
    """
    check_choice("which", which, PREDICTIONS)
    stream: Any = record.need_blocks().design.stream
    stream = stream if stream.behind is None else stream.behind
    work = OwnPrediction(replace(record, blocks=None), which, stream.request)
    return _place_rows(stream.pieces.map(work, stream.request.columns))


def _place_rows(parts: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    """Label predictions by the positions of their rows in the table."""
    start = 0
    for rows, part in parts:
        if len(part):
            part.index += start
            yield part
        start += rows

"""Points: the rows that a fit is asked about, its own or new ones, as they are or changed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.blocks import Block, RowBlocks, choose_size
from mlelogit.data.changes import EncodedSource, ReplacedSource
from mlelogit.data.design import Design, count_people
from mlelogit.data.encoding import Encoding, check_truths, encode_rows
from mlelogit.data.frames import (
    as_frame,
    check_indexes,
    convert_foreign,
    find_missing,
    list_foreign_names,
    list_names,
    list_some,
    look_up_column,
    share_frame,
)
from mlelogit.data.labels import read_numbers
from mlelogit.data.outcome import Outcome
from mlelogit.data.rows import Given, read_new_offset
from mlelogit.data.sources import ColumnSource, as_array, lay_out, make_source
from mlelogit.data.streaming.opening import hold_small
from mlelogit.exceptions import (
    ColumnNotFoundError,
    DataNotKeptError,
    OffsetError,
    ParamsError,
    WeightError,
)
from mlelogit.fitting.likelihood import predict_scores
from mlelogit.fitting.limit import Separation, find_impossible
from mlelogit.fitting.linalg import ColumnBasis, log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.notices import in_turn

MISSING_IN_NEW = ("raise", "propagate")


@dataclass(frozen=True)
class PointModel:
    """What a block kernel needs of a fit.

    Attributes
    ----------
    params : numpy.ndarray
        (P,), in the columns of the design.
    base : int
    separation : Separation
        With one found, categories without a probability in the limit have a score of -inf.
    basis : ColumnBasis
    """

    params: np.ndarray
    base: int
    separation: Separation
    basis: ColumnBasis


def model_points(record: FitRecord) -> PointModel:
    """Return what block kernels need of a fit."""
    encoding = record.encoding
    return PointModel(record.maximum.params, encoding.base, record.separation, record.basis)


def map_point_scores(block: Block, model: PointModel) -> np.ndarray:
    """Return the scores u (J, m) of a block's rows, in the limit of separated data."""
    scores = predict_scores(block.x, model.params, model.base, block.offset)
    if model.separation.found:
        scores[find_impossible(block.x, model.separation, model.basis, model.base)] = -np.inf
    return scores


def map_point_probabilities(block: Block, model: PointModel) -> np.ndarray:
    """Return the probabilities y (J, m) of a block's rows."""
    return log_softmax(map_point_scores(block, model))[1]


@dataclass(frozen=True)
class Points:
    """Rows to predict at.

    Attributes
    ----------
    design : Design
        Their columns, offset, and weights: how many observations every row is in averages,
        people of counts included. `design.given` reads columns that stand beside them, for
        `mlelogit.data.labels.read_labels`. New rows have no outcome; its codes are zero.
    index : pandas.Index
        (n,), that of all rows asked for.
    complete : numpy.ndarray or None
        (n,): the rows without missing values, which alone are in the design; all if None.
    own : bool
        Whether they are the fit's own.
    threads : int
    """

    design: Design
    index: pd.Index
    complete: np.ndarray | None
    own: bool
    threads: int

    @property
    def encoding(self) -> Encoding:
        """How their variables become columns."""
        return self.design.encoding

    @property
    def weights(self) -> np.ndarray:
        """How many observations every row is in averages (n,)."""
        own = self.design.weights
        return np.ones(self.design.source.shape[0]) if own is None else own

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The variables of the formula, a row each, or of an array its columns.

        Raises
        ------
        DataNotKeptError
            If the frame was left behind when the fit was pickled.
        """
        encoding, given = self.encoding, self.design.given
        if encoding.rhs is None:
            dense = lay_out(self.design.source.block(0, self.design.source.shape[0]))
            return pd.DataFrame(dense.T, columns=pd.Index(list(encoding.names)), copy=False)
        if given is None or given.frame is None:
            raise DataNotKeptError(
                "The frame was left behind when this was pickled or sent to another process, and "
                "variables cannot be changed without it; pass newdata=."
            )
        found = {name: look_up_column(given.frame, name) for name in encoding.variables}
        gone = [name for name, column in found.items() if column is None]
        if gone:
            raise ColumnNotFoundError(f"The frame has lost its columns {list_some(gone)}.")
        frame = pd.DataFrame(found)
        frame = frame if given.positions is None else frame.iloc[given.positions]
        return frame.reset_index(drop=True)

    def blocks(self, changes: Mapping[Any, Any] | None = None) -> RowBlocks:
        """Return the rows in blocks, some variables with other values.

        Parameters
        ----------
        changes : mapping, optional
            Variable -> one value, or values (n,); judged before, as levels that the fit has
            seen and numbers that are finite.
        """
        design = self.design
        if changes:
            design = replace(design, source=self._change(changes))
        return RowBlocks(design, threads=self.threads)

    def _change(self, changes: Mapping[Any, Any]) -> ColumnSource:
        if self.encoding.rhs is None:
            return ReplacedSource(self.design.source, self.encoding.names, dict(changes))
        return EncodedSource(self.encoding, self.frame, dict(changes))

    def fill_gaps(self, values: np.ndarray) -> np.ndarray:
        """Give values (..., m) of the complete rows a NaN for every other row: (..., n)."""
        if self.complete is None:
            return values
        spread = np.full((*values.shape[:-1], len(self.complete)), np.nan)
        spread[..., self.complete] = values
        return spread


def read_points(
    record: FitRecord,
    newdata: Any = None,
    offset: Any = None,
    weights: Any = None,
    missing: str = "raise",
) -> Points:
    """Read the rows to predict at: the fit's own, or new ones.

    Parameters
    ----------
    record : FitRecord
    newdata : DataFrame, dict, array-like, optional
        New rows; columns are matched by name. For a fit without a formula an
        unnamed array has the columns of the fit in their order. Tables that are read in pieces
        (`mlelogit.data.streaming.opening.open_pieces`) are read into memory if they are few. The
        fit's own rows if not given.
    offset : array-like, optional
        Offset of the new rows, (m, J) or (m, J - 1); needed if the fit has one.
    weights : label of a column of newdata, or array-like, optional
        How many observations every new row stands for in averages (n,); one if not given. The
        fit's own rows have theirs.
    missing : {"raise", "propagate"}
        What to do about missing values in new rows, those that transforms make of numbers they
        are not defined for included: raise, or leave the row out.

    Returns
    -------
    Points
        Rows of the design, their index, weights and offset.

    Raises
    ------
    ColumnNotFoundError, MissingDataError, InfiniteValueError, UnseenLevelError, OffsetError
        Each names the column, and the rows or levels.
    WeightError
        If weights are negative, or given for the fit's own rows.
    OptionError
        If missing is neither.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.points import read_points
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> read_points(res.record, {"age": [30, 40], "educ": [3, 4]}).blocks().rows
    2
    """
    check_choice("missing", missing, MISSING_IN_NEW)
    if newdata is not None:
        rows = hold_small(newdata, offset, weights)
        return _read_new(record, rows, offset, weights, missing)
    if offset is not None:
        raise OffsetError("offset= goes with newdata; the fit's own rows have theirs.")
    if weights is not None:
        raise WeightError("weights= goes with newdata; the fit's own rows have theirs.")
    record = record.in_memory()
    blocks = record.need_blocks()
    counted = count_people(blocks.design)
    own = blocks.design.weights
    times = counted if own is None else counted * own
    design = replace(blocks.design, weights=times)
    return Points(design, record.index.view(), None, True, blocks.threads)


@in_turn
def _read_new(record: FitRecord, newdata: Any, offset: Any, weights: Any, missing: str) -> Points:
    encoding = record.encoding
    frame = as_new_frame(encoding, newdata)
    if not record.has_offset and offset is not None:
        raise OffsetError("The fit has no offset, so newdata cannot have one.")
    added = None
    if record.has_offset:
        check_indexes({"newdata": newdata, "offset": offset})
        found = _find_offset(offset, frame, encoding.offset_names)
        added = read_new_offset(found, len(frame), encoding)
    complete, allowed = None, missing == "propagate"
    if allowed:
        complete = _find_complete(encoding, frame)
    matrix, gaps = encode_rows(encoding, frame if complete is None else frame[complete], allowed)
    check_truths(encoding, frame if complete is None else frame[complete])
    if complete is not None:
        complete[complete] = ~gaps
        matrix = matrix[~gaps] if gaps.any() else matrix
        added = None if added is None else added[complete]
    rows = frame if complete is None else frame[complete]
    positions = None if complete is None else np.flatnonzero(complete)
    index = newdata.index if isinstance(newdata, pd.DataFrame) else None
    design = Design(
        encoding=encoding,
        outcome=_no_outcome(encoding, len(rows)),
        source=make_source(matrix),
        weights=None,
        weight_type=None,
        offset=added,
        index=rows.index,
        audit=record.audit,
        given=Given(len(frame), index, positions, _keep_beside(newdata, frame), new=True),
    )
    if weights is not None:
        design = replace(design, weights=read_new_weights(design, weights))
    return Points(design, frame.index.view(), complete, False, _count_threads(record))


def read_matrix(record: FitRecord, matrix: Any) -> Points:
    """Return new rows of a fit without formula or offset from all its columns, checked before.

    Parameters
    ----------
    record : FitRecord
    matrix : numpy.ndarray or sparse array
        (m, K), finite, with the columns that were left out; what is sparse stays so.
    """
    encoding, rows = record.encoding, matrix.shape[0]
    kept = matrix if len(encoding.kept) == matrix.shape[1] else matrix[:, encoding.kept]
    index = pd.RangeIndex(rows)
    source, nothing = make_source(kept), _no_outcome(encoding, rows)
    design = Design(encoding, nothing, source, None, None, None, index, record.audit)
    return Points(design, index, None, False, _count_threads(record))


def _count_threads(record: FitRecord) -> int:
    return 1 if record.blocks is None else record.blocks.threads


def _keep_beside(newdata: Any, frame: pd.DataFrame) -> Any:
    """Return the frame of new rows with all its columns, for those that are read by name."""
    return frame if list_foreign_names(newdata) is None else share_frame(newdata, frame)


def _find_complete(encoding: Encoding, frame: pd.DataFrame) -> np.ndarray:
    complete = np.ones(len(frame), dtype=bool)
    for name in set(encoding.needed).intersection(frame.columns):
        complete &= ~find_missing(frame[name])
    return complete


def _no_outcome(encoding: Encoding, rows: int) -> Outcome:
    codes = np.broadcast_to(np.zeros((), np.int64), (rows,))
    return Outcome(
        codes, None, encoding.categories, encoding.declared, "labels", encoding.outcome_name
    )


def read_new_weights(design: Design, weights: Any) -> np.ndarray:
    """Return the weights (n,) of new rows, which none may be negative, from a column or values."""
    numbers, name = read_numbers(design, weights, "weights")
    bad = np.flatnonzero(numbers < 0)
    if bad.size:
        raise WeightError(f"{name!r} is negative in row {bad[0]} ({numbers[bad[0]]}).")
    return numbers


def _find_offset(offset: Any, frame: pd.DataFrame, names: tuple) -> Any:
    """Take the columns that were the fit's offset from new data, if none is given."""
    if offset is None and names and set(names) <= set(list_names(frame)):
        return frame[list(names)]
    return offset


def as_new_frame(encoding: Encoding, newdata: Any) -> pd.DataFrame:
    """Return new rows as a frame; an unnamed array has the columns of the fit in their order.

    The constant that was put beside the user's own columns is not among them.
    """
    newdata = convert_foreign(newdata, _list_needed(encoding, newdata))
    added = () if encoding.constant is None else (encoding.constant,)
    names = set(encoding.names).difference(added)
    if isinstance(newdata, pd.Series) and set(newdata.index) >= names:
        newdata = newdata.to_frame().T
    if isinstance(newdata, pd.DataFrame | dict) or encoding.rhs is not None:
        return as_frame(newdata, "newdata")
    array = newdata.toarray() if hasattr(newdata, "toarray") else as_array(newdata, "newdata")
    every = [name for name in encoding.all_names if name not in added]
    width = len(every)
    if array.ndim == 1 and len(array) == width:
        array = array[np.newaxis, :]
    elif array.ndim == 1 and width == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != width:
        raise ParamsError(
            f"newdata has shape {array.shape}; the fit has {width} columns: "
            f"{', '.join(map(str, every))}."
        )
    return pd.DataFrame(array, columns=every)


def _list_needed(encoding: Encoding, newdata: Any) -> set | None:
    """Return the columns of a frame of polars or pyarrow that are needed; None for all."""
    needed = set(encoding.needed)
    found = needed and needed <= set(list_foreign_names(newdata) or ())
    return needed | set(encoding.offset_names) if found else None


def read_values(points: Points, name: Hashable) -> np.ndarray:
    """Return a number's values at all rows (n,)."""
    encoding = points.encoding
    if encoding.rhs is None:
        place = encoding.names.index(name)
        source, length = points.design.source, points.design.source.shape[0]
        size = choose_size(points.design)
        cuts = ((start, min(start + size, length)) for start in range(0, length, size))
        return np.concatenate([lay_out(source.block(*cut)[[place]])[0] for cut in cuts])
    return points.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)

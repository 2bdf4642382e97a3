"""The rows of a network: inputs as tensors, outcome and weights as everywhere in the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.assembly import make_design
from mlelogit.data.design import Design
from mlelogit.data.encoding import Encoding, check_truths, encode_rows
from mlelogit.data.frames import convert_foreign, list_some
from mlelogit.data.rows import DataOptions
from mlelogit.data.sources import ColumnSource, lay_out, make_source
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    EmptyDataError,
    InfiniteValueError,
    ScaleError,
)
from mlelogit.interpretation.points import as_new_frame
from mlelogit.networks.backend import load_torch

# Squares of what is beyond have no digits left in a double, or no place; as in MNLogit.
LARGEST = 1e100
ROWS_LOOKED_AT = 1 << 14
FAR = 1e5


class Inputs(Protocol):
    """Where a network's inputs are."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, ...)."""

    def block(self, start: int, stop: int) -> Any:
        """Return rows start to stop as a tensor of its own, which the module may write to."""


@dataclass(frozen=True)
class ColumnInputs:
    """Columns of numbers: a module gets (m, p)."""

    source: ColumnSource

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, p)."""
        return self.source.shape

    def block(self, start: int, stop: int) -> Any:
        """Return rows start to stop in double precision."""
        rows = lay_out(self.source.block(start, stop)).T
        return load_torch().from_numpy(np.array(rows, dtype=np.float64, order="C"))


@dataclass(frozen=True)
class TensorInputs:
    """A tensor of rows of any shape; one of whole numbers, such as words, stays one."""

    tensor: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, ...)."""
        return tuple(self.tensor.shape)

    def block(self, start: int, stop: int) -> Any:
        """Return rows start to stop, in double precision unless they are whole numbers."""
        rows = self.tensor[start:stop]
        return rows.clone() if _is_whole(rows) else rows.to(load_torch().float64, copy=True)


@dataclass(frozen=True)
class NetworkRows:
    """Rows to fit a network to.

    Attributes
    ----------
    design : Design
        Outcome, weights, categories, index and audit. Its columns are the inputs, or row numbers
        where inputs are no matrix.
    inputs : Inputs
        (n, ...).
    per_block : int
        Rows that go through the module at once.
    parallel : bool
        Whether a block of them is work enough for several threads.
    numbers : int
        How many numbers the module makes of a row.
    """

    design: Design
    inputs: Inputs
    per_block: int
    parallel: bool = False
    numbers: int = 1

    @property
    def encoding(self) -> Encoding:
        """Categories and names of columns."""
        return self.design.encoding

    @property
    def total(self) -> int:
        """Number of rows n."""
        return self.inputs.shape[0]

    @property
    def weight(self) -> float:
        """Observations in all, weights included."""
        return float(sum(self.design.audit.categories.values()))

    @property
    def observed(self) -> np.ndarray:
        """Whether a category is an outcome of a row, if only in part: (n, J)."""
        return self.targets(slice(0, self.total)) > 0

    def targets(self, block: slice) -> np.ndarray:
        """Return d (m, J) of some rows: one-hot rows, counts or probabilities."""
        outcome = self.design.outcome
        if outcome.codes is None:
            return np.asarray(outcome.table, dtype=np.float64)[block]
        codes = np.asarray(outcome.codes[block])
        return (codes[:, np.newaxis] == np.arange(len(outcome.categories))).astype(np.float64)

    def weights(self, block: slice) -> np.ndarray:
        """Return the weights (m,) of some rows, one where there are none."""
        given = self.design.weights
        return np.ones(block.stop - block.start) if given is None else np.asarray(given[block])

    def cut(self) -> Iterator[slice]:
        """Yield the rows of every block."""
        yield from cut_rows(self.total, self.per_block)


def cut_rows(total: int, per_block: int) -> Iterator[slice]:
    """Yield slices of at most per_block rows."""
    for start in range(0, total, per_block):
        yield slice(start, min(start + per_block, total))


def read_rows(x: Any, y: Any, options: DataOptions) -> tuple[Design, Inputs]:
    """Read inputs, outcome and weights.

    Parameters
    ----------
    x : DataFrame, array-like or torch.Tensor
        (n, p), or (n, ...) as an array or a tensor.
    y : array-like or torch.Tensor
        As ``endog`` of `mlelogit.MNLogit`.
    options : DataOptions
        Weights that are the name of a column of x are taken out of it.

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with them.
    """
    y, tensor = detach(y), _find_tensor(x)
    options = replace(options, weights=detach(options.weights, "weights"))
    if tensor is None:
        columns, options = _take_weights_out(detach(x, "X"), options)
        design = make_design(y, columns, options)
        _check_sizes(design)
        return design, ColumnInputs(design.source)
    complete = _check_tensor(tensor, drop=options.missing == "drop")
    places = np.arange(len(tensor), dtype=np.float64)
    places[~complete] = np.nan
    design = make_design(y, places[:, np.newaxis], options)
    kept = design.source.block(0, design.source.shape[0])[0].astype(np.int64)
    whole = len(kept) == len(tensor)
    return design, TensorInputs(tensor if whole else tensor[load_torch().from_numpy(kept)])


def _take_weights_out(x: Any, options: DataOptions) -> tuple[Any, DataOptions]:
    """Return columns without that of weights, if it is among them, and options with its values.

    Raises
    ------
    ColumnNotFoundError
        If weights are a name, and X has no such column.
    ColumnTypeError, EmptyDataError
        If a column is no number, or there is none.
    """
    frame = convert_foreign(x)
    name = options.weights
    if isinstance(name, str):
        found = isinstance(frame, pd.DataFrame) and name in frame.columns
        if not found:
            raise ColumnNotFoundError(
                f"weights={name!r} names no column of X; pass the values, or add the column."
            )
        options = replace(options, weights=frame[name])
        frame = frame.drop(columns=name)
    if isinstance(frame, pd.DataFrame):
        words = [label for label in frame if isinstance(frame[label].dtype, pd.CategoricalDtype)]
        if words:
            raise ColumnTypeError(
                f"Columns {list_some(words)} of X are categorical; a module takes numbers: "
                "pandas.get_dummies(X, dtype=float) makes columns of zeros and ones."
            )
    if getattr(frame, "ndim", 0) == 2 and not frame.shape[1]:
        raise EmptyDataError("X has no columns: a network has nothing to go by.")
    return frame, options


def find_far_columns(design: Design) -> list[Any]:
    """Return the names of columns so far from zero that little is left of their differences.

    Of a mean 1e5 times the standard deviation the square takes ten of a double's sixteen digits.
    """
    source, total = design.source, design.source.shape[0]
    sums, first = np.zeros((2, source.shape[1])), None
    for block in cut_rows(total, ROWS_LOOKED_AT):
        rows = lay_out(source.block(block.start, block.stop))
        first = rows[:, :1].copy() if first is None else first
        sums += np.stack([(rows - first).sum(axis=1), ((rows - first) ** 2).sum(axis=1)])
    mean = sums[0] / total
    spread = np.sqrt(np.maximum(sums[1] / total - mean**2, 0.0))
    far = np.abs(mean + (0.0 if first is None else first[:, 0])) > FAR * spread
    return [design.encoding.names[i] for i in np.flatnonzero(far & (spread > 0))]


def _check_sizes(design: Design) -> None:
    """Raise `ScaleError` if a column's numbers are so large or small that squares of them fail."""
    source = design.source
    largest = np.zeros(source.shape[1])
    for block in cut_rows(source.shape[0], ROWS_LOOKED_AT):
        rows = np.abs(lay_out(source.block(block.start, block.stop)))
        largest = np.maximum(largest, rows.max(axis=1, initial=0.0))
    off = (largest > LARGEST) | ((largest > 0) & (largest < 1 / LARGEST))
    if off.any():
        place = int(np.flatnonzero(off)[0])
        raise ScaleError(
            f"Column {design.encoding.names[place]!r} of X has numbers as large as "
            f"{largest[place]:.3g}, outside {1 / LARGEST:g} to {LARGEST:g}; give it in other units."
        )


def read_new_inputs(encoding: Encoding, inputs: Inputs, newdata: Any) -> tuple[Inputs, pd.Index]:
    """Read inputs of new rows, columns of a frame by their names.

    Parameters
    ----------
    encoding : Encoding
    inputs : Inputs
        Those of the fit.
    newdata : DataFrame, dict, array-like or torch.Tensor

    Raises
    ------
    ColumnNotFoundError
        If a column of the fit is absent.
    ColumnTypeError
        If a row has another shape or type than in the fit.
    UnseenLevelError
        If what was truth values in the fit is something else.
    EmptyDataError
        If there are no rows.
    MNLogitError
        Another of its named cases, for anything else wrong with them.
    """
    if not isinstance(inputs, TensorInputs):
        return _read_new_columns(encoding, newdata)
    tensor = _find_tensor(newdata)
    if tensor is None:
        tensor = _as_tensor(newdata)
    if tensor is None:
        raise ColumnTypeError("newdata must be a tensor or an array of its shape, as X was.")
    _check_tensor(tensor, "newdata")
    if tuple(tensor.shape[1:]) != inputs.shape[1:]:
        raise ColumnTypeError(
            f"A row of newdata has shape {tuple(tensor.shape[1:])}; it was {inputs.shape[1:]} in "
            "the fit."
        )
    if _is_whole(inputs.tensor) and not _is_whole(tensor):
        raise ColumnTypeError(
            f"newdata is of type {tensor.dtype}, but X was a tensor of whole numbers, "
            f"{inputs.tensor.dtype}; give whole numbers, such as newdata.long()."
        )
    if _is_whole(tensor) and not _is_whole(inputs.tensor):
        tensor = tensor.double()
    return TensorInputs(tensor), pd.RangeIndex(len(tensor))


def _read_new_columns(encoding: Encoding, newdata: Any) -> tuple[Inputs, pd.Index]:
    given = detach(newdata, "newdata")
    unnamed = encoding.names == tuple(f"x{i + 1}" for i in range(len(encoding.names)))
    if unnamed and isinstance(given, pd.DataFrame) and not set(encoding.names) & set(given):
        raise ColumnNotFoundError(
            "newdata is a frame, but the columns of X had no names to find them by; pass an array "
            "of its columns in the order of X, such as newdata.to_numpy()."
        )
    frame = as_new_frame(encoding, given)
    if frame.empty:
        raise EmptyDataError(f"newdata has shape {frame.shape}: there is nothing to predict.")
    matrix, _ = encode_rows(encoding, frame)
    check_truths(encoding, frame)
    return ColumnInputs(make_source(matrix)), frame.index


def detach(given: Any, what: str = "y") -> Any:
    """Return a tensor as a numpy array, and anything else as it is.

    Raises
    ------
    ColumnTypeError
        If the tensor has no numbers at hand.
    """
    torch = load_torch()
    if not isinstance(given, torch.Tensor):
        return given
    _check_dense(given, what)
    return given.detach().cpu().resolve_conj().resolve_neg().numpy()


def _check_dense(tensor: Any, what: str) -> None:
    """Raise `ColumnTypeError` unless a tensor's numbers are all at hand."""
    torch = load_torch()
    kind = "on the meta device, which holds no numbers" if tensor.is_meta else ""
    kind = "nested, of rows of several lengths; pad them" if tensor.is_nested else kind
    sparse = not tensor.is_nested and tensor.layout != torch.strided
    kind = "sparse; give a dense one, to_dense(), or a scipy matrix" if sparse else kind
    if kind:
        raise ColumnTypeError(f"{what} is a tensor that is {kind}.")


def _is_whole(tensor: Any) -> bool:
    """Tell whether a tensor is of whole numbers by its type."""
    torch = load_torch()
    return not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool)


def _find_tensor(x: Any) -> Any:
    """Return inputs that go to the module as a tensor of their own; None if they are a matrix.

    A matrix of numbers that are not whole by their type is one of columns, tensor or not.
    """
    torch = load_torch()
    if isinstance(x, torch.Tensor):
        _check_dense(x, "X")
        kept = x.ndim != 2 or _is_whole(x)
        return x.detach().resolve_conj().resolve_neg() if kept else None
    return _as_tensor(x) if isinstance(x, np.ndarray) and x.ndim > 2 else None


def _as_tensor(x: Any) -> Any:
    """Return an array as a tensor, in double precision unless it is a matrix of whole numbers."""
    torch = load_torch()
    if isinstance(x, torch.Tensor):
        return x.detach()
    if not isinstance(x, np.ndarray):
        return None
    if x.dtype.kind not in "biuf":
        raise ColumnTypeError(f"X has dtype {x.dtype}, which is not a real number.")
    whole = x.dtype.kind in "iu" and x.ndim == 2
    return torch.from_numpy(x.astype(np.int64 if whole else np.float64))


def _check_tensor(tensor: Any, what: str = "X", drop: bool = False) -> np.ndarray:
    """Return which rows of a tensor are complete: all, unless those that are not may be dropped.

    Raises
    ------
    ColumnTypeError, EmptyDataError, InfiniteValueError
        If they are not rows of finite real numbers.
    """
    torch = load_torch()
    if tensor.ndim == 0 or not tensor.numel():
        raise EmptyDataError(f"{what} has shape {tuple(tensor.shape)}: there is nothing to fit to.")
    if tensor.is_complex():
        raise ColumnTypeError(f"{what} is complex; inputs are real numbers.")
    flat = tensor.reshape(len(tensor), -1)
    missing = torch.isnan(flat).any(dim=1) & drop
    odd = ~torch.isfinite(flat).all(dim=1) & ~(missing & ~torch.isinf(flat).any(dim=1))
    if bool(odd.any()):
        rows = torch.nonzero(odd)[:, 0].tolist()
        cure = "" if drop or what != "X" else " missing='drop' leaves out those with missing ones."
        raise InfiniteValueError(
            f"{what} holds values that are missing or infinite, in {len(rows)} rows, by position "
            f"{list_some(rows)}. Leave these rows out, or fill them in.{cure}"
        )
    return np.asarray(~missing.cpu().numpy())

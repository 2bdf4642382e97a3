"""The rows of a network: inputs as tensors, outcome and weights as everywhere in the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlelogit.data.design import Design, make_design
from mlelogit.data.encoding import Encoding, check_truths, encode_rows
from mlelogit.data.frames import list_some
from mlelogit.data.rows import DataOptions
from mlelogit.data.sources import ColumnSource, lay_out, make_source
from mlelogit.exceptions import ColumnTypeError, EmptyDataError, InfiniteValueError
from mlelogit.interpretation.points import as_new_frame
from mlelogit.networks.backend import load_torch

MATRIX = 2


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
        torch, rows = load_torch(), self.tensor[start:stop]
        whole = not rows.is_floating_point() and rows.dtype != torch.bool
        return rows.clone() if whole else rows.to(torch.float64, copy=True)


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
    """

    design: Design
    inputs: Inputs
    per_block: int

    @property
    def encoding(self) -> Encoding:
        """Categories and names of columns."""
        return self.design.encoding

    @property
    def total(self) -> int:
        """Number of rows n."""
        return self.inputs.shape[0]

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

    Raises
    ------
    MNLogitError
        One of its named cases, for anything wrong with them.
    """
    y = detach(y)
    tensor = _find_tensor(x)
    if tensor is None:
        design = make_design(y, detach(x), options)
        return design, ColumnInputs(design.source)
    _check_tensor(tensor)
    numbers = np.arange(len(tensor), dtype=np.float64)[:, np.newaxis]
    design = make_design(y, numbers, options)
    kept = design.source.block(0, design.source.shape[0])[0].astype(np.int64)
    whole = len(kept) == len(tensor)
    return design, TensorInputs(tensor if whole else tensor[load_torch().from_numpy(kept)])


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
        If a row has another shape than in the fit.
    UnseenLevelError
        If what was truth values in the fit is something else.
    EmptyDataError
        If there are no rows.
    MNLogitError
        Another of its named cases, for anything else wrong with them.
    """
    tensor = _find_tensor(newdata)
    if tensor is None and isinstance(inputs, ColumnInputs):
        frame = as_new_frame(encoding, detach(newdata))
        if frame.empty:
            raise EmptyDataError(f"newdata has shape {frame.shape}: there is nothing to predict.")
        matrix, _ = encode_rows(encoding, frame)
        check_truths(encoding, frame)
        return ColumnInputs(make_source(matrix)), frame.index
    if tensor is None:
        raise ColumnTypeError("newdata must be a tensor or an array of its shape, as X was.")
    _check_tensor(tensor, "newdata")
    if tuple(tensor.shape[1:]) != inputs.shape[1:]:
        raise ColumnTypeError(
            f"A row of newdata has shape {tuple(tensor.shape[1:])}; it was {inputs.shape[1:]} in "
            "the fit."
        )
    return TensorInputs(tensor), pd.RangeIndex(len(tensor))


def detach(given: Any) -> Any:
    """Return a tensor as a numpy array, and anything else as it is."""
    return given.detach().cpu().numpy() if isinstance(given, load_torch().Tensor) else given


def _find_tensor(x: Any) -> Any:
    """Return inputs that go to the module as a tensor of their own; None if they are a matrix.

    A matrix of numbers that are not whole by their type is one of columns, tensor or not.
    """
    torch = load_torch()
    if isinstance(x, torch.Tensor):
        kept = x.ndim != MATRIX or not (x.is_floating_point() or x.dtype == torch.bool)
        return x.detach() if kept else None
    if isinstance(x, np.ndarray) and x.ndim > MATRIX:
        if x.dtype.kind not in "biuf":
            raise ColumnTypeError(f"X has dtype {x.dtype}, which is not a real number.")
        return torch.from_numpy(x.astype(np.float64))
    return None


def _check_tensor(tensor: Any, what: str = "X") -> None:
    """Raise a named error unless a tensor has rows of finite real numbers."""
    torch = load_torch()
    if tensor.ndim == 0 or not tensor.numel():
        raise EmptyDataError(f"{what} has shape {tuple(tensor.shape)}: there is nothing to fit to.")
    if tensor.is_complex():
        raise ColumnTypeError(f"{what} is complex; inputs are real numbers.")
    finite = torch.isfinite(tensor).reshape(len(tensor), -1).all(dim=1)
    if not bool(finite.all()):
        rows = torch.nonzero(~finite)[:, 0].tolist()
        raise InfiniteValueError(
            f"{what} holds values that are missing or infinite, in {len(rows)} rows, by position "
            f"{list_some(rows)}. Leave these rows out, or fill them in."
        )

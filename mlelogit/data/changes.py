"""Columns of a design with some variables changed, made when a block of them is cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.encoding import Encoding, encode_new
from mlelogit.data.sources import ColumnSource, find_extremes, lay_out


@dataclass(frozen=True)
class EncodedSource:
    """Columns that a formula makes of a frame, encoded when a block is cut.

    Attributes
    ----------
    encoding : Encoding
    frame : pandas.DataFrame
        The variables of the formula (n rows).
    changes : dict
        Variable -> one value, or values (n,), instead of the frame's.
    """

    encoding: Encoding
    frame: pd.DataFrame
    changes: dict[Any, Any]
    direct = False

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.frame), len(self.encoding.names)

    @property
    def sparse(self) -> bool:
        return self.encoding.wide

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        return find_extremes(lay_out(self.block(0, self.shape[0])).T)

    @property
    def rounding(self) -> np.ndarray:
        return np.full(self.shape[1], np.finfo(np.float64).eps)

    def cut(self, start: int, stop: int) -> pd.DataFrame:
        """Return the variables of some rows, changed."""
        rows = self.frame.iloc[start:stop]
        changed = {name: _cut_values(value, start, stop) for name, value in self.changes.items()}
        columns = {
            name: _repeat(changed[name], len(rows), rows.index) if name in changed else rows[name]
            for name in self.encoding.variables
        }
        return pd.DataFrame(columns, index=rows.index)

    def block(self, start: int, stop: int) -> Any:
        return encode_new(self.encoding, self.cut(start, stop))[0].T

    def take(self, rows: np.ndarray) -> EncodedSource:
        return EncodedSource(self.encoding, self.frame.iloc[rows], _take(self.changes, rows))


@dataclass(frozen=True)
class ReplacedSource:
    """Columns of a source, some of them with other values."""

    source: ColumnSource
    names: tuple
    changes: dict[Any, Any]
    direct = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    @property
    def sparse(self) -> bool:
        return False

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        return find_extremes(lay_out(self.block(0, self.shape[0])).T)

    @property
    def rounding(self) -> np.ndarray:
        return self.source.rounding

    def block(self, start: int, stop: int) -> np.ndarray:
        x = np.array(lay_out(self.source.block(start, stop)))
        for name, value in self.changes.items():
            x[self.names.index(name)] = _cut_values(value, start, stop)
        return x

    def take(self, rows: np.ndarray) -> ReplacedSource:
        return ReplacedSource(self.source.take(rows), self.names, _take(self.changes, rows))


def is_single(value: Any) -> bool:
    """Tell whether a change is one value for all rows."""
    return isinstance(value, str) or np.ndim(value) == 0


def _take(changes: dict[Any, Any], rows: np.ndarray) -> dict[Any, Any]:
    return {
        name: value if is_single(value) else np.asarray(value)[rows]
        for name, value in changes.items()
    }


def _cut_values(value: Any, start: int, stop: int) -> Any:
    return value if is_single(value) else np.asarray(value)[start:stop]


def _repeat(value: Any, length: int, index: pd.Index) -> pd.Series:
    if is_single(value):
        number = isinstance(value, int | float | np.number | bool | np.bool_)
        return pd.Series([value] * length, index=index, dtype=None if number else object)
    return pd.Series(value, index=index)

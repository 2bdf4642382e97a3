"""The rows of a fit as a polars frame, and rows of such a frame back as the fit takes them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.design import Design, count_people
from mlelogit.data.encoding import Encoding
from mlelogit.data.expressions import ExpressionChecker, hide_names
from mlelogit.data.frames import (
    as_frame,
    as_numbers,
    check_missing,
    convert_foreign,
    find_missing,
    is_numeric,
    list_some,
)
from mlelogit.data.outcome import name_categories
from mlelogit.data.sources import lay_out
from mlelogit.exceptions import BridgeError, ColumnNotFoundError, DataNotKeptError
from mlelogit.fitting.record import FitRecord

WEIGHTS = "fit_weights"
OFFSET = "fit_offset: "
# More levels than these nobody puts in an order; they go as plain text, which is faster.
MOST_LEVELS = 1000
# Names of columns that marginaleffects makes, and refuses in data.
RESERVED = frozenset(
    {
        "rowid",
        "rowidcf",
        "type",
        "group",
        "estimate",
        "std_error",
        "p_value",
        "s_value",
        "conf_low",
        "conf_high",
        "term",
        "contrast",
        "statistic",
        "predicted",
        "predicted_hi",
        "predicted_lo",
        "marginaleffects_comparison",
    }
)


@dataclass(frozen=True)
class BridgeColumn:
    """How one column travels.

    Attributes
    ----------
    text : str
        Its name in the polars frame.
    name : Hashable
        Its name in the data of the fit.
    kind : str
        In marginaleffects' words: numeric, integer, binary, boolean or character. A number
        whose values name levels, as in ``C(x)``, is "character" too.
    labels : dict or None
        Text -> level, in order, if its values travel as text; else they travel as they are.
    """

    text: str
    name: Hashable
    kind: str
    labels: dict[str, Any] | None = None


@dataclass(frozen=True)
class ModelRows:
    """The rows of a fit, ready for marginaleffects.

    Attributes
    ----------
    frame : polars.DataFrame
        One row for each row used: the model's variables, then all else that the data have, the
        offset and the weights.
    columns : dict
        Text -> BridgeColumn, of all columns.
    variables : tuple of str
        The texts of those that the model varies with.
    needed : tuple of str
        The texts of those that new data must have.
    """

    frame: Any
    columns: dict[str, BridgeColumn]
    variables: tuple[str, ...]
    needed: tuple[str, ...]

    def restore(self, newdata: Any) -> pd.DataFrame:
        """Return rows of a polars frame with the names and levels of the fit's own data.

        Raises
        ------
        ColumnNotFoundError
            If a column is missing.
        """
        absent = [text for text in self.needed if text not in newdata.columns]
        if absent:
            raise ColumnNotFoundError(f"newdata has no column {list_some(absent)}.")
        found = convert_foreign(newdata.select(list(self.needed)))
        if not self.needed:
            return pd.DataFrame(index=pd.RangeIndex(newdata.height))
        columns = [_restore_column(found[text], self.columns[text]) for text in self.needed]
        names = [self.columns[text].name for text in self.needed]
        return pd.DataFrame(dict(zip(names, columns, strict=True)))


def _restore_column(values: pd.Series, column: BridgeColumn) -> pd.Series:
    if column.labels is None:
        return values
    codes, found = pd.factorize(values)
    known = [column.labels.get(value, value) for value in found]
    kept = np.full(len(known) + 1, None, dtype=object)
    kept[:-1] = np.fromiter(known, object, len(known))
    return pd.Series(kept[codes], dtype=object)  # The last one is of what is missing.


def collect_rows(record: FitRecord, data: Any = None) -> ModelRows:
    """Lay the rows of a fit out for marginaleffects.

    Parameters
    ----------
    record : FitRecord
    data : DataFrame, optional
        Other rows to use in their place.

    Raises
    ------
    DataNotKeptError
        If the fit no longer has its frame, and none is given.
    ColumnNotFoundError, MissingDataError
        If data lack a column that the fit needs, or values of it.
    BridgeError
        If a variable has a name that marginaleffects keeps for itself.
    """
    encoding = record.encoding
    if data is not None:
        rows = as_frame(data).reset_index(drop=True)
        known = [name for name in encoding.needed if name in rows.columns]
        check_missing([(name, find_missing(rows[name])) for name in known], " in data")
        return _lay_out(rows, encoding, _list_varying(rows, encoding), {})
    design = record.need_blocks().design
    rows = _take_columns(design) if encoding.rhs is None else _take_frame(design)
    return _lay_out(rows, encoding, _list_varying(rows, encoding), _list_extras(design))


def _take_columns(design: Design) -> pd.DataFrame:
    columns = lay_out(design.source.block(0, design.source.shape[0]))
    return pd.DataFrame(dict(zip(design.encoding.names, columns, strict=True)))


def _take_frame(design: Design) -> pd.DataFrame:
    given = design.given
    if given is None or given.frame is None:
        raise DataNotKeptError(
            "This fit no longer holds the frame it was made with, as after pickling; pass its "
            "rows by adapt(results, data=...)."
        )
    frame = as_frame(given.frame)
    rows = frame if given.positions is None else frame.iloc[given.positions]
    return rows.reset_index(drop=True)


def _list_varying(rows: pd.DataFrame, encoding: Encoding) -> list[Hashable]:
    """Return the variables; of columns without a formula those that are not constant."""
    needed = [name for name in encoding.needed if name in rows.columns]
    if len(needed) < len(encoding.needed):
        absent = [name for name in encoding.needed if name not in rows.columns]
        raise ColumnNotFoundError(f"data has no column {list_some(absent)}, which the fit needs.")
    if encoding.rhs is not None:
        return list(needed)
    return [name for name in needed if (rows[name] != rows[name].iloc[0]).any()]


def _list_extras(design: Design) -> dict[str, np.ndarray]:
    """Return what stands beside the columns: weights, and the offset if it was an array."""
    extras = {}
    people = count_people(design) if design.outcome.kind == "counts" else None
    if design.weights is not None or people is not None:
        weights = np.ones(design.source.shape[0]) if design.weights is None else design.weights
        extras[WEIGHTS] = weights if people is None else weights * people
    if design.offset is not None and not _has_offset_columns(design.encoding):
        names = design.encoding.category_names
        extras |= {f"{OFFSET}{name}": design.offset[:, j] for j, name in enumerate(names)}
    return extras


def _has_offset_columns(encoding: Encoding) -> bool:
    return bool(encoding.offset_names)


def list_offset_columns(encoding: Encoding) -> list[str]:
    """Return the columns that hold the offset of new data; none if the fit has none."""
    if encoding.offset_layout is None:
        return []
    if _has_offset_columns(encoding):
        return list(encoding.offset_names)
    return [f"{OFFSET}{name}" for name in encoding.category_names]


def _lay_out(
    rows: pd.DataFrame, encoding: Encoding, varying: list, extras: dict[str, np.ndarray]
) -> ModelRows:
    import polars as pl

    needed = list(dict.fromkeys([*encoding.needed, *list_offset_columns(encoding)]))
    texts = dict(zip(needed, _name_columns(needed), strict=True))
    levels, coded = _find_levels(encoding), _find_coded(encoding)
    made = rows.assign(**extras) if extras else rows
    columns, series = {}, []
    for name in [*needed, *(name for name in made.columns if name not in texts)]:
        text = texts.get(name, str(name))
        if name not in texts and (text in RESERVED or text in columns):
            continue
        if name not in made.columns:
            raise ColumnNotFoundError(f"data has no column {name!r}, which the fit needs.")
        carried = (
            _carry_names(made[name])
            if name not in texts and _has_many_names(made[name])
            else _carry(made[name], levels.get(name), name in coded)
        )
        if carried is None:
            continue
        kind, labels, values, dtype = carried
        columns[text] = BridgeColumn(text, name, kind, labels)
        series.append(pl.Series(text, values, dtype=dtype, nan_to_null=True))
    frame = pl.DataFrame(series)
    variables = tuple(texts[name] for name in varying)
    return ModelRows(frame, columns, variables, tuple(texts.values()))


def _name_columns(names: Sequence[Hashable]) -> list[str]:
    texts = name_categories(names)
    clash = [text for text in texts if text in RESERVED or text == WEIGHTS]
    if clash:
        raise BridgeError(
            f"The fit has a column named {list_some(clash)}, a name that marginaleffects or this "
            "bridge keeps for itself; rename the column and fit again."
        )
    return texts


def _find_levels(encoding: Encoding) -> dict[str, list]:
    """Return the levels of variables that stand alone in a factor, in the fit's order."""
    found: dict[str, list] = {}
    for expr, levels in (encoding.levels or {}).items():
        names = ExpressionChecker(encoding.variables).check_expression(hide_names(expr))
        if len(names) == 1:
            found.setdefault(names[0], levels)
    return found


def _find_coded(encoding: Encoding) -> set[str]:
    """Return the numbers that stand directly inside ``C()``, where their values name levels."""
    coded: set[str] = set()
    for expr in encoding.levels or {}:
        checker = ExpressionChecker(encoding.variables)
        names = checker.check_expression(hide_names(expr))
        coded |= {name for name in names if name not in checker.numbers}
    return coded


def _carry(
    column: pd.Series, levels: list | None, coded: bool
) -> tuple[str, dict[str, Any] | None, Any, Any] | None:
    """Return kind, labels, values and polars dtype of a column; None if it cannot travel."""
    if is_numeric(column):
        values = _settle_dtype(as_numbers(column, column.name))
        return _find_kind(values, coded), None, values, None
    if not _is_text(column):
        return None
    present = _list_levels(column, levels)
    numbers = _as_level_numbers(column, present)
    if numbers is not None:
        return _find_kind(numbers, True), None, numbers, None
    import polars as pl

    texts = name_categories(present)
    labels = dict(zip(texts, present, strict=True))
    names = dict(zip(present, texts, strict=True))
    carried = [names.get(value) for value in column.astype(object)]
    return "character", labels, carried, pl.Enum(texts)


def _has_many_names(column: pd.Series) -> bool:
    """Tell whether a column's values are names, such as of people, rather than levels."""
    if is_numeric(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return False
    is_text = pd.api.types.infer_dtype(column, skipna=True) == "string"
    return is_text and column.nunique() > MOST_LEVELS


def _carry_names(column: pd.Series) -> tuple[str, None, list, Any]:
    import polars as pl

    values = column.astype(object)
    return "character", None, values.where(column.notna(), None).tolist(), pl.String


def _is_text(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    return pd.api.types.infer_dtype(column, skipna=True) in ("string", "mixed", "boolean")


def _list_levels(column: pd.Series, levels: list | None) -> list:
    found = column.dropna().unique()
    if levels is not None and set(found) <= set(levels):
        return list(levels)
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(found)
        return [level for level in column.cat.categories if level in present]
    return sorted(found, key=lambda value: (type(value).__name__, str(value)))


def _as_level_numbers(column: pd.Series, levels: list) -> np.ndarray | None:
    """Return levels that are all numbers or all truth values as an array of them, else None."""
    if column.isna().any() or not all(isinstance(level, Real | np.bool_) for level in levels):
        return None
    values = np.array(column.astype(object).tolist())
    return _settle_dtype(values) if values.dtype.kind in "biuf" else None


def _settle_dtype(values: np.ndarray) -> np.ndarray:
    """Return numbers of a dtype that polars has."""
    known = values.dtype.kind == "b" or (values.dtype.kind in "iu" and values.dtype.itemsize >= 4)
    return values if known else values.astype(np.float64 if values.dtype.kind == "f" else np.int64)


def _find_kind(values: np.ndarray, coded: bool) -> str:
    if values.dtype.kind == "b":
        return "boolean"
    if coded:
        return "character"
    if np.isin(values, (0, 1)).all():
        return "binary"
    return "integer" if values.dtype.kind in "iu" else "numeric"

"""Give tables out in the kind of frame that the user's data came in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Hashable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice
from mlelogit.data.design import Design
from mlelogit.data.frames import list_some
from mlelogit.data.outcome import name_categories, plain_label
from mlelogit.exceptions import DuplicateColumnError, MissingExtraError
from mlelogit.notices import import_extra

FRAMES = ("pandas", "polars", "pyarrow")
# What polars and pyarrow have types for; all else is written as text.
_TYPED = (str, bool, int, float, Decimal, dt.date, dt.datetime, dt.timedelta, dt.time)
_LARGEST = 2**63 - 1


def find_frame_kind(*given: Any) -> str | None:
    """Return which kind of frame the first is that is one, or a column of one; None if none is.

    Of a list of frames its first counts.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.outward import find_frame_kind
    >>> find_frame_kind([1, 2], pd.Series([1, 2]))
    'pandas'
    """
    for one in given:
        first = one[0] if isinstance(one, list | tuple) and one else one
        if isinstance(first, pd.DataFrame | pd.Series):
            return "pandas"
        kind = type(first).__module__.split(".")[0]
        if kind in FRAMES and hasattr(first, "__len__") and not isinstance(first, str):
            return kind
    return None


def remember_kind(design: Design, *given: Any) -> Design:
    """Return a design that knows which kind of frame it was made from; pandas, if from none."""
    kind = find_frame_kind(*given)
    if kind in (None, design.encoding.frame_kind):
        return design
    return replace(design, encoding=replace(design.encoding, frame_kind=kind))


def choose_kind(frame: str | None, newdata: Any, own: str) -> str:
    """Say in which kind of frame to answer: the one asked for, else newdata's, else the fit's.

    Parameters
    ----------
    frame : {"pandas", "polars", "pyarrow"}, optional
    newdata
        Rows that were asked about; only frames have a kind.
    own : str
        That of the data of the fit, ``encoding.frame_kind``.

    Raises
    ------
    OptionError
        If frame is no kind.
    """
    if frame is not None:
        check_choice("frame", frame, FRAMES)
        return frame
    return find_frame_kind(newdata) or own


def give_out(table: pd.DataFrame | pd.Series, kind: str) -> Any:
    """Return a table of pandas as one of another kind.

    Polars and pyarrow have no index: its levels become the first columns ("row" where a level
    has no name), but for the bare numbering 0, 1, 2, ..., which is left out. Names of columns are
    text: others are written as `str` does, or as Python literals if two would read the same.
    Categories that are text become an Enum of polars or a dictionary of pyarrow, in their order;
    others a column of their type, of text if they have several. Missing values are null; a number
    that is NaN stays NaN.

    Parameters
    ----------
    table : pandas.DataFrame or pandas.Series
    kind : {"pandas", "polars", "pyarrow"}

    Returns
    -------
    DataFrame, Series, pyarrow.Table or pyarrow.ChunkedArray
        The table itself if it is to be pandas. A Series loses its index.

    Raises
    ------
    DuplicateColumnError
        If two columns would have one name.
    MissingExtraError
        If the package is not installed.
    OptionError
        If kind is none of the three.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.outward import give_out
    >>> give_out(pd.DataFrame({1: [0.5]}, index=["a"]), "pyarrow").to_pydict()
    {'row': ['a'], '1': [0.5]}
    """
    if kind == "pandas":
        return table
    package = _import(kind)
    make = _make_polars if kind == "polars" else _make_arrow
    if isinstance(table, pd.Series):
        return _wrap_series(package, make(package, table), table.name, kind)
    columns = [*_list_levels(table.index), *_list_columns(table)]
    names = [name for name, _ in columns]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DuplicateColumnError(
            f"As a frame of {kind} the answer would have more than one column {list_some(twice)}: "
            "levels of the index become columns, and names text; take frame='pandas'."
        )
    made = {name: make(package, column) for name, column in columns}
    return package.DataFrame(made) if kind == "polars" else package.table(made)


def _import(kind: str) -> Any:
    check_choice("frame", kind, FRAMES)
    try:
        # A kind may stand in a file of others', so its text is never what is imported.
        return import_extra("polars" if kind == "polars" else "pyarrow", "frames")
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{error} The answer comes in the kind of frame of the data; frame='pandas' needs "
            "nothing more."
        ) from error


def _wrap_series(package: Any, made: Any, name: Hashable, kind: str) -> Any:
    if kind == "pyarrow":
        return package.chunked_array([made])
    return made.alias("" if name is None else str(name))


def _list_levels(index: pd.Index) -> list[tuple[str, pd.Series]]:
    """Return the levels of an index as columns; none of a bare numbering of the rows."""
    if index.nlevels == 1 and index.name is None and _is_numbering(index):
        return []
    several = index.nlevels > 1
    bare = [f"row_{i}" if several else "row" for i in range(index.nlevels)]
    names = [text if own is None else str(own) for own, text in zip(index.names, bare, strict=True)]
    levels = [pd.Series(index.get_level_values(i)) for i in range(index.nlevels)]
    return list(zip(names, levels, strict=True))


def _is_numbering(index: pd.Index) -> bool:
    if isinstance(index, pd.RangeIndex):
        return len(index) == 0 or (index.start == 0 and index.step == 1)
    return bool(index.equals(pd.RangeIndex(len(index))))


def _list_columns(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    names = list(table.columns)
    if not all(isinstance(name, str) for name in names):
        names = name_categories(names)
    return [(name, table.iloc[:, i]) for i, name in enumerate(names)]


def _make_polars(package: Any, column: pd.Series) -> Any:
    """Return a column as a Series of polars."""
    if _is_plain(column):
        return package.Series(_refine(column.to_numpy()))
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        zone = _name_zone(column.dtype.tz)
        instants = package.Series(_refine(column.dt.tz_convert(None).to_numpy()))
        zone = zone if zone[:1].isalpha() else "UTC"  # Polars knows no zones without a name.
        return instants.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return package.Series(_list_typed(column), strict=True)
    labels = column.cat.categories.tolist()
    codes = package.Series(column.cat.codes.to_numpy(), dtype=package.Int64)
    places = codes.set(codes < 0, None)
    if all(isinstance(label, str) for label in labels):
        return package.Series(labels, dtype=package.Enum(labels)).gather(places)
    return package.Series(_list_typed(pd.Series(labels, dtype=object))).gather(places)


def _make_arrow(package: Any, column: pd.Series) -> Any:
    """Return a column as an array of pyarrow."""
    if _is_plain(column):
        return package.array(column.to_numpy(), from_pandas=False)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        instants = package.array(column.dt.tz_convert(None).to_numpy())
        return instants.cast(package.timestamp(column.dtype.unit, _name_zone(column.dtype.tz)))
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return package.array(_list_typed(column))
    labels = column.cat.categories.tolist()
    codes = column.cat.codes.to_numpy()
    places = package.array(codes.astype(np.int32), mask=codes < 0)
    if all(isinstance(label, str) for label in labels):
        return package.DictionaryArray.from_arrays(places, package.array(labels, package.string()))
    return package.array(_list_typed(pd.Series(labels, dtype=object))).take(places)


def _is_plain(column: pd.Series) -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufmM"


def _refine(values: np.ndarray) -> np.ndarray:
    """Return times in a unit that polars has, whose coarsest are milliseconds."""
    kind = values.dtype.kind
    coarse = kind in "mM" and np.datetime_data(values.dtype)[0] == "s"
    return values.astype(f"{kind}8[ms]") if coarse else values


def _name_zone(zone: Any) -> str:
    """Return a time zone's name, its offset such as +09:00, or UTC if it has none of these."""
    named = str(zone).removeprefix("UTC") or "UTC"
    return named if re.fullmatch(r"[A-Z][A-Za-z_]*(/[\w+-]+)*|[+-]\d\d:\d\d", named) else "UTC"


def _list_typed(column: pd.Series) -> list[Any]:
    """Return the values of a column, all of one type that frames know, else as text."""
    missing = column.isna().to_numpy()
    objects = column.astype(object).to_numpy()
    values = [None if gone else _plain(value) for value, gone in zip(objects, missing, strict=True)]
    types = {type(value) for value in values if value is not None}
    known = len(types) <= 1 and types <= set(_TYPED)
    if known and not (types == {int} and any(abs(value or 0) > _LARGEST for value in values)):
        return values
    return _write_values(values)


def _plain(value: Any) -> Any:
    """Return a value as one of Python's; as text where those have no nanoseconds."""
    if isinstance(value, pd.Timestamp):
        return str(value) if value.nanosecond else _keep_time(value)
    if isinstance(value, pd.Timedelta):
        return str(value) if value.nanoseconds else value.to_pytimedelta()
    return plain_label(value)


def _keep_time(value: pd.Timestamp) -> Any:
    """Return Python's, whose zone is not one of pytz, which not every polars knows."""
    time = value.to_pydatetime()
    name = getattr(value.tzinfo, "zone", None)
    return time if name is None else time.astimezone(ZoneInfo(name))


def _write_values(values: Sequence[Any]) -> list[str | None]:
    """Write values as text, different ones differently."""
    distinct: list[Any] = []
    for value in values:
        alike = [one for one in distinct if type(one) is type(value) and one == value]
        if value is not None and not alike:
            distinct.append(value)
    words = name_categories(distinct)
    found: dict[Any, str] = {
        (type(one), one): word for one, word in zip(distinct, words, strict=True)
    }
    return [None if value is None else found[type(value), value] for value in values]

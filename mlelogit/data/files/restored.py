"""Give back what pandas makes of a text: values that missing ones beside them have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import DataFileWarning
from mlelogit.notices import warn_user

# Every whole number up to here is a double, which is what pandas makes of those beside a gap.
LARGEST_EXACT = 2**53
# A column is taken for one of numbers with slips if so few of its entries are none: a code book
# that has texts beside numbers has more of them.
MOST_SLIPS = 0.01
_WHOLE = r"\s*[+-]?\d+\s*"


def restore(
    frame: pd.DataFrame, told: str, reread: Callable[[Sequence[str]], pd.DataFrame] | None
) -> pd.DataFrame:
    """Give back truth values and long whole numbers, and tell of numbers that are text by a slip.

    Parameters
    ----------
    frame : pandas.DataFrame
        As pandas has read it; it is changed.
    told : str
        What it is called.
    reread : callable or None
        Reads some columns again, as text; None if that cannot be.

    Warns
    -----
    DataFileWarning
        If whole numbers beyond 2^53 may be others, or a hundredth of a column of numbers are none.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from mlelogit.data.files.restored import restore
    >>> frame = pd.DataFrame({"b": np.array([True, np.nan], object)})
    >>> restore(frame, "'a.csv'", None)["b"].tolist()
    [True, <NA>]
    """
    changed: dict[Any, Any] = {}
    long = [name for name in frame.columns if _is_rounded(frame[name])]
    if long and reread is None:
        warn_user(
            f"{told}: whole numbers beyond {LARGEST_EXACT:,} stand beside missing values in "
            f"{list_some(long)}, and those that are near each other may be one now. Give the name "
            "of a file, which is read twice then, to keep them.",
            DataFileWarning,
        )
    elif long and reread is not None:
        texts = reread(long)
        changed = {name: _read_whole(texts[name]) for name in long}
    for name in frame.columns:
        if frame[name].dtype == object and _hold_truth(frame[name]):
            changed[name] = frame[name].astype("boolean")
    for name, column in changed.items():
        if column is not None:
            frame[name] = column
    for name in frame.columns:
        _tell_slips(frame[name], told)
    return frame


def _is_rounded(column: pd.Series) -> bool:
    """Tell whether a column may have had whole numbers that doubles are not."""
    if column.dtype != np.float64 or not column.hasnans:
        return False
    values = column.to_numpy()
    large = np.abs(values) >= LARGEST_EXACT
    return bool(large.any()) and bool((np.isnan(values) | (np.trunc(values) == values)).all())


def _read_whole(texts: pd.Series) -> Any:
    """Return whole numbers that are written as such; None if some are not, or are too long."""
    if not texts.dropna().str.fullmatch(_WHOLE).all():
        return None
    values = [pd.NA if gone else int(text) for text, gone in zip(texts, texts.isna(), strict=True)]
    try:
        return pd.array(values, dtype="Int64")
    except OverflowError:
        return None


def _hold_truth(column: pd.Series) -> bool:
    return bool(pd.api.types.infer_dtype(column, skipna=True) == "boolean")


def _tell_slips(column: pd.Series, told: str) -> None:
    """Warn if a column is text, and nearly all of its entries are numbers."""
    if column.dtype != object and not pd.api.types.is_string_dtype(column.dtype):
        return
    there = column.dropna()
    begin = pd.to_numeric(there.iloc[: int(1 / MOST_SLIPS)], errors="coerce")
    if len(there) * MOST_SLIPS < 1 or begin.isna().mean() > 0.5:
        return
    slips = there[pd.to_numeric(there, errors="coerce").isna()]
    if 0 < len(slips) <= MOST_SLIPS * len(there):
        warn_user(
            f"Column {column.name!r} of {told} is text, for {len(slips):,} of its {len(there):,} "
            f"entries are no numbers: {write_value(slips.iloc[0])} in row {slips.index[0] + 1:,} "
            "after the names is the first. In a formula each of its values is a level of a factor.",
            DataFileWarning,
        )

"""Write a table in a format that a file can have, and see what it cannot hold."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.files.formats import FORMATS, TEXTS, list_suffixes
from mlelogit.data.files.readers import read_data
from mlelogit.data.files.stata import name_variables, write_stata
from mlelogit.data.files.workbooks import write_workbook
from mlelogit.data.frames import check_unique_names, is_boolean, list_some
from mlelogit.exceptions import (
    DataFileWarning,
    MNLogitError,
    OptionError,
    OutputFileError,
)
from mlelogit.notices import hear_warnings, import_extra, in_turn, warn_user

# Relative: how far a number may be off that went through its decimals, or a day's fraction.
ROUNDING = 1e-15


def write_table(frame: pd.DataFrame, form: str) -> bytes:
    r"""Return a table as the content of a file, after reading it back.

    Parameters
    ----------
    frame : pandas.DataFrame
        Row labels are left out; names of columns become text.
    form : {"csv", "tsv", "parquet", "feather", "stata", "excel"}

    Returns
    -------
    bytes

    Raises
    ------
    OutputFileError
        If the format cannot hold the values.
    DuplicateColumnError
        If two names are the same as text.
    MissingExtraError
        If its writer is not installed.
    OptionError
        If the format is unknown.

    Warns
    -----
    DataFileWarning
        If what is read back differs: categories that are text, an order that is lost, and so on.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.files.writers import write_table
    >>> write_table(pd.DataFrame({"vote": ["yes", "no"], "age": [30, 40]}), "csv")
    b'vote,age\nyes,30\nno,40\n'
    """
    if form not in FORMATS:
        raise OptionError(f"A table is written as {', '.join(FORMATS)}, not {form!r}.")
    attrs = frame.attrs
    frame = frame.reset_index(drop=True).rename(columns=str)
    frame.attrs = attrs
    check_unique_names(list(frame.columns), "what is written")
    try:
        content = _write(frame, form)
    except (MNLogitError, MemoryError):
        raise
    except Exception as error:
        said = " ".join(f"{error}".split()) or type(error).__name__
        raise OutputFileError(f"These columns cannot be written as {form}: {said}") from error
    _compare(frame, content, form)
    return content


def write_delimited(frame: pd.DataFrame, form: str, head: bool = True) -> str:
    r"""Return a frame as the text of a csv or tsv, without its row labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.files.writers import write_delimited
    >>> write_delimited(pd.DataFrame({"vote": ["yes"], "age": [30]}), "tsv", head=False)
    'yes\t30\n'
    """
    return str(frame.to_csv(index=False, header=head, sep=TEXTS[form], lineterminator="\n"))


def write_parquet(frames: Iterable[pd.DataFrame]) -> Iterator[bytes]:
    """Give the content of a parquet file part by part, a frame at a time.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        At least one, all with the columns and types of the first; row labels are left out.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import io
    >>> import pandas as pd
    >>> from mlelogit.data.files.writers import write_parquet
    >>> frame = pd.DataFrame({"row": [0, 1], "yes": [0.25, 0.5]})
    >>> pd.read_parquet(io.BytesIO(b"".join(write_parquet([frame, frame])))).shape
    (4, 2)
    """
    arrow, parquet = (import_extra(f"pyarrow{part}", "frames") for part in ("", ".parquet"))
    buffer, writer = _Drain(), None
    for frame in frames:
        schema = None if writer is None else writer.schema
        table = arrow.Table.from_pandas(frame, schema, preserve_index=False)
        writer = writer or parquet.ParquetWriter(buffer, table.schema)
        writer.write_table(table)
        yield buffer.take()
    if writer is not None:
        writer.close()
    yield buffer.take()


class _Drain(io.RawIOBase):
    """A file to write that keeps what has not been taken yet, and its place in the whole."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.place = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def write(self, content: Any) -> int:
        self.parts.append(bytes(content))
        self.place += len(self.parts[-1])
        return len(self.parts[-1])

    def take(self) -> bytes:
        """Return what was written since this was asked the last time."""
        taken, self.parts = b"".join(self.parts), []
        return taken


@in_turn
def _write(frame: pd.DataFrame, form: str) -> bytes:
    if form in TEXTS:
        return write_delimited(_lengthen(frame), form).encode()
    if form == "stata":
        return write_stata(frame)
    if form == "excel":
        return write_workbook(frame)
    import_extra("pyarrow", "frames")
    buffer = io.BytesIO()
    if form == "parquet":
        frame.to_parquet(buffer, index=False, engine="pyarrow")
    else:
        frame.to_feather(buffer)
    return buffer.getvalue()


def _lengthen(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose short floats are doubles, for their decimals are read as doubles."""
    doubles = {
        name: pd.Series(frame[name].to_numpy(np.float64, na_value=np.nan), index=frame.index)
        for name in frame.columns
        if pd.api.types.is_float_dtype(frame[name].dtype) and frame[name].dtype != np.float64
    }
    return pd.DataFrame({name: doubles.get(name, frame[name]) for name in frame.columns})


def _compare(frame: pd.DataFrame, content: bytes, form: str) -> None:
    """Read a table back, and warn of what is not as it was; raise if numbers are not."""
    with tempfile.TemporaryDirectory(prefix="mlelogit-") as folder, hear_warnings():
        path = Path(folder, f"table{list_suffixes(form)[0]}")
        path.write_bytes(content)
        found = read_data(str(path)) if frame.shape[1] else frame
    if len(found) != len(frame) or found.shape[1] != frame.shape[1]:
        raise OutputFileError(_tell_shapes(frame, found, form))
    losses: dict[str, list[str]] = {}
    names = name_variables(frame.columns) if form == "stata" else {}
    for i, (name, after) in enumerate(zip(frame.columns, found.columns, strict=True)):
        for what in list_losses(frame.iloc[:, i], found.iloc[:, i]):
            losses.setdefault(what, []).append(str(name))
        if names.get(name, name) != after:
            losses[f"a column is read as {str(after)!r}"] = [str(name)]
    if frame.attrs.get("variable_labels") and not found.attrs.get("variable_labels"):
        losses["labels of variables are left out"] = list(frame.attrs["variable_labels"])
    for what, where in losses.items():
        warn_user(f"Written as {form}, {what}: {list_some(where)}.", DataFileWarning)


def _tell_shapes(frame: pd.DataFrame, found: pd.DataFrame, form: str) -> str:
    said = (
        f"As {form} these {len(frame):,} rows and {frame.shape[1]} columns are read back as "
        f"{len(found):,} and {found.shape[1]}"
    )
    empty = len(found) < len(frame) and frame.iloc[len(found) :].isna().all(axis=None)
    why = ": the last rows have no value, and a table ends before them; leave them out, or"
    return f"{said}{why if empty else ';'} write another format."


def list_losses(before: pd.Series, after: pd.Series) -> list[str]:
    """Say what of a column is not as it was when it is read back.

    Raises
    ------
    OutputFileError
        If numbers or dates are others.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.files.writers import list_losses
    >>> column = pd.Series(["a", "b"])
    >>> list_losses(column.astype("category"), column)
    ['categories are read as texts']
    >>> list_losses(pd.Series(["01", "2"]), pd.Series([1, 2]))
    ['texts are read as numbers']
    """
    losses = []
    old, new = name_kind(before), name_kind(after)
    if old == new == "categories":
        losses = _compare_categories(before, after)
    elif old != new and before.notna().any():
        losses = [f"{old} are read as {new}"]
    gaps = before.isna().to_numpy(), after.isna().to_numpy()
    if (gaps[0] != gaps[1]).any():
        words = before[gaps[1] & ~gaps[0]].drop_duplicates().tolist()
        losses.append(f"{list_some([write_value(one) for one in words], 3)} read as missing")
    both = ~(gaps[0] | gaps[1])
    if old == new and not _agree(before[both], after[both], old):
        raise OutputFileError(
            f"The {old} of column {before.name!r} are read back as others; write another format."
        )
    return losses


def _compare_categories(before: pd.Series, after: pd.Series) -> list[str]:
    losses = []
    one, two = before.cat.categories, after.cat.categories
    if before.cat.ordered != after.cat.ordered:
        losses.append("categories have no order of their own any more")
    if list(map(str, one)) != list(map(str, two)):
        losses.append("categories without rows are left out, or in another order")
    elif [type(x) is str for x in one] != [type(x) is str for x in two]:
        losses.append("categories that are no texts become texts")
    return losses


def name_kind(column: pd.Series) -> str:
    """Return of which kind a column is, in a word.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.data.files.writers import name_kind
    >>> name_kind(pd.Series([1.5])), name_kind(pd.Series(["a"]))
    ('numbers', 'texts')
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "categories"
    if is_boolean(column):
        return "truth values"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "numbers"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "dates"
    if all(isinstance(value, str) for value in column.dropna()):
        return "texts"
    return "values of other kinds"


def _agree(before: pd.Series, after: pd.Series, kind: str) -> bool:
    if kind == "numbers":
        if pd.api.types.is_integer_dtype(before.dtype):
            return _agree_whole(before, after)
        one, two = before.to_numpy(np.float64), after.to_numpy(np.float64)
        other = one != two
        one, two = one[other], two[other]
        if not (np.isfinite(one) & np.isfinite(two)).all():
            return False
        return bool((np.abs(one - two) <= ROUNDING * 4 * np.abs(one)).all())
    if kind == "dates":
        return _agree_dates(before, after)
    return bool((before.astype(str).to_numpy() == after.astype(str).to_numpy()).all())


def _agree_whole(before: pd.Series, after: pd.Series) -> bool:
    """Compare whole numbers as such, also those that are no doubles."""
    one = before.to_numpy(object)
    two = after.to_numpy(object)
    return all(int(a) == b for a, b in zip(one, two, strict=True))


def _agree_dates(before: pd.Series, after: pd.Series) -> bool:
    one, two = (pd.DatetimeIndex(column) for column in (before, after))
    if (one.tz is None) != (two.tz is None):
        return False
    return bool((one == two).all())

"""Write a table whose rows come frame after frame, of which none is kept."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from mlelogit.exceptions import OutputFileError
from mlelogit.notices import import_extra

# Formats of columns that can grow by rows; texts can too.
GROWING = ("parquet", "feather")


class _Drain(io.RawIOBase):
    """Takes what a writer writes, until it is taken out."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        part = bytes(content)
        self._parts.append(part)
        self._length += len(part)
        return len(part)

    def tell(self) -> int:
        return self._length

    def take(self) -> bytes:
        """Return what was written since it was last taken."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def write_growing(frames: Iterable[pd.DataFrame], form: str) -> Iterator[bytes]:
    """Give the content of a file, portion by portion, as frames of its rows come.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        Of the same columns, whose names are texts; the first decides the types. A column of
        which it has no value is text.
    form : {"parquet", "feather"}
        Every frame is a row group, or batch; pages of parquet have checksums.

    Raises
    ------
    OutputFileError
        If a later frame does not go into the columns of the first.
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import io
    >>> import pandas as pd
    >>> from mlelogit.data.files.growing import write_growing
    >>> frames = [pd.DataFrame({"id": [1, 2]}), pd.DataFrame({"id": [3]})]
    >>> pd.read_parquet(io.BytesIO(b"".join(write_growing(frames, "parquet"))))["id"].tolist()
    [1, 2, 3]
    """
    pa = import_extra("pyarrow", "frames")
    drain = _Drain()
    schema: Any = None
    writer: Any = None
    for frame in frames:
        if schema is None:
            schema = _find_schema(pa, frame)
            writer = _open_writer(pa, drain, schema, form)
        writer.write_table(_convert(pa, frame, schema, form))
        yield drain.take()
    if writer is not None:
        writer.close()
    yield drain.take()


def _open_writer(pa: Any, drain: _Drain, schema: Any, form: str) -> Any:
    if form == "parquet":
        import pyarrow.parquet as pq

        return pq.ParquetWriter(drain, schema, write_page_checksum=True)
    packed = pa.ipc.IpcWriteOptions(compression="lz4")
    return pa.ipc.new_file(drain, schema, options=packed)


def _find_schema(pa: Any, frame: pd.DataFrame) -> Any:
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    for place, field in enumerate(schema):
        if pa.types.is_null(field.type):
            schema = schema.set(place, pa.field(field.name, pa.string()))
    return schema


def _convert(pa: Any, frame: pd.DataFrame, schema: Any, form: str) -> Any:
    try:
        return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        said = " ".join(str(error).split())
        raise OutputFileError(
            f"Some rows do not go into the columns of {form} that the first ones made: {said}; "
            "write csv."
        ) from error

"""Parquet files, read row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mlelogit.data.frames import list_some
from mlelogit.data.streaming.arrow import (
    ArrowColumns,
    count_rows_at_once,
    join_columns,
    join_levels,
    list_columns,
)
from mlelogit.data.streaming.paths import list_files
from mlelogit.data.streaming.pieces import LocalPieces, Piece
from mlelogit.exceptions import (
    ColumnNotFoundError,
    CorruptFileError,
    DataFileError,
)
from mlelogit.notices import import_extra

# Of a column chunk only so much is held beside the page that is decoded.
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class ParquetFooter:
    """What a parquet file says of itself, and what tells whether it is still the same.

    Attributes
    ----------
    path : str
    size, changed : int
        In bytes, and when it was written, in nanoseconds.
    metadata : pyarrow.parquet.FileMetaData
    schema : pyarrow.Schema
    """

    path: str
    size: int
    changed: int
    metadata: Any
    schema: Any

    @property
    def groups(self) -> int:
        """Number of row groups."""
        return int(self.metadata.num_row_groups)

    @property
    def stamp(self) -> str:
        """What tells this file from others and from itself at another time."""
        return f"{self.path} {self.size} {self.changed} {self.metadata.num_rows}"

    def check_unchanged(self) -> None:
        """Raise `DataFileError` if the file is no longer what it was when it was opened."""
        if _look_at(self.path) != (self.size, self.changed):
            raise DataFileError(
                f"{self.path!r} was changed after it was opened; the sums of its rows would "
                "belong to no table. Fit it again when nobody writes to it."
            )


def read_footer(path: str) -> ParquetFooter:
    """Read what a parquet file says of itself.

    Raises
    ------
    CorruptFileError
        If it is empty, no parquet file, or its end is lost.
    DataFileError
        If it cannot be opened.
    """
    pq = import_extra("pyarrow.parquet", "scale")
    size, changed = _look_at(path)
    if size == 0:
        raise CorruptFileError(f"{path!r} is empty: a parquet file without rows has a footer.")
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            return ParquetFooter(path, size, changed, file.metadata, file.schema_arrow)
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        _raise_unreadable(path, error)
        raise CorruptFileError(
            f"{path!r} is no parquet file, or its end is lost or damaged: {_shorten(error)}"
        ) from error


def _look_at(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise DataFileError(f"{path!r} cannot be opened: {error.strerror}.") from error
    return status.st_size, status.st_mtime_ns


def _raise_unreadable(path: str, error: BaseException) -> None:
    """Raise `DataFileError` if the system refuses to read, whatever stands in the file."""
    if isinstance(error, OSError) and error.errno is not None:
        raise DataFileError(f"{path!r} cannot be read: {error}.") from error


def _shorten(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:300]


class ParquetPieces(LocalPieces):
    """Parquet files as one table, of which every row group is a piece.

    Parameters
    ----------
    data : path, or list of paths
        Files, patterns such as "rows/*.parquet", or folders with all files below them.

    Raises
    ------
    DataFileError
        If there is no such file, or it cannot be opened.
    CorruptFileError
        If one is no parquet file or has lost its end.
    MissingExtraError
        If pyarrow is not installed.
    """

    def __init__(self, data: Any) -> None:
        self.footers = [read_footer(path) for path in list_files(data)]
        self.rows = sum(footer.metadata.num_rows for footer in self.footers)
        self.count = sum(footer.groups for footer in self.footers)
        self.names = list_columns(self.footers[0].schema)
        self._levels: dict[str, pd.CategoricalDtype] = {}

    @property
    def way(self) -> str:
        """How the rows are read."""
        files, groups = len(self.footers), self.count
        return (
            f"{files:,} parquet file{'s' * (files != 1)}, {groups:,} row "
            f"group{'s' * (groups != 1)}, {self.rows:,} rows"
        )

    @property
    def fingerprint(self) -> str:
        """What tells these files from others: where, how large and of when they are."""
        return "parquet " + "; ".join(footer.stamp for footer in self.footers)

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the row groups with these columns, in the order of the files."""
        layout = self._lay_out(columns)
        for footer in self.footers:
            for group in range(footer.groups):
                place = f"{footer.path}, row group {group}"
                read = partial(read_group, footer, group, layout, list(columns))
                yield Piece(place, read, footer.metadata.row_group(group).num_rows)

    def _lay_out(self, columns: Sequence[str]) -> ArrowColumns:
        absent = [name for name in columns if name not in self.names]
        if absent:
            raise ColumnNotFoundError(
                f"The table has no column {list_some(absent)}. Its columns: "
                f"{list_some(self.names, 50)}."
            )
        schemas = ((footer.path, footer.schema) for footer in self.footers)
        types, dtypes = join_columns(schemas, columns)
        import pyarrow.types as kinds

        loose = [
            name
            for name, kind in types.items()
            if name not in dtypes and (kinds.is_integer(kind) or kinds.is_boolean(kind))
        ]
        gaps = frozenset(name for name in loose if self._has_gaps(name))
        layout = ArrowColumns(types, dtypes, gaps)
        for name, kind in types.items():
            if kinds.is_dictionary(kind) and name not in self._levels:
                found = (read_dictionary(footer, name) for footer in self.footers)
                self._levels[name] = join_levels(
                    (one for listed in found for one in listed), kind.ordered
                )
        return ArrowColumns(types, dtypes, gaps, self._levels) if self._levels else layout

    def _has_gaps(self, name: str) -> bool:
        return any(may_have_gaps(footer, name) for footer in self.footers)


def may_have_gaps(footer: ParquetFooter, name: str) -> bool:
    """Tell whether a column has missing values, or does not say that it has none."""
    place = footer.schema.names.index(name)
    if len(footer.schema.names) != footer.metadata.num_columns:
        paths = [footer.metadata.schema.column(i).path for i in range(footer.metadata.num_columns)]
        place = paths.index(name) if name in paths else -1
    if place < 0:
        return True
    for group in range(footer.groups):
        statistics = footer.metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_null_count or statistics.null_count:
            return True
    return False


def read_dictionary(footer: ParquetFooter, name: str) -> Iterator[Any]:
    """Give the dictionaries that a column has in the row groups of a file, where they differ."""
    before = None
    for group in range(footer.groups):
        for batch in _read_batches(footer, group, [name], 1):
            if before is None or not batch.column(0).dictionary.equals(before):
                before = batch.column(0).dictionary
                yield before
            break


def read_group(
    footer: ParquetFooter, group: int, layout: ArrowColumns, columns: list[str]
) -> Iterator[pd.DataFrame]:
    """Give the rows of a row group as frames of a bounded size.

    Raises
    ------
    CorruptFileError
        If they cannot be decoded, or are not as many as the footer says.
    DataFileError
        If the file was changed meanwhile.
    """
    footer.check_unchanged()
    rows = footer.metadata.row_group(group).num_rows
    limit = count_rows_at_once(layout.types, columns)
    batches = max(-(-rows // limit), 1)
    read = 0
    for batch in _read_batches(footer, group, columns, max(-(-rows // batches), 1)):
        read += batch.num_rows
        yield layout.convert(batch, columns)
    footer.check_unchanged()
    if read != rows:
        raise CorruptFileError(
            f"{footer.path!r}, row group {group}: {read} of {rows} rows can be read."
        )


def _read_batches(
    footer: ParquetFooter, group: int, columns: list[str], rows: int
) -> Iterator[Any]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(
            footer.path,
            metadata=footer.metadata,
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,
        ) as file:
            yield from file.iter_batches(rows, [group], columns, use_threads=False)
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        footer.check_unchanged()
        _raise_unreadable(footer.path, error)
        raise CorruptFileError(
            f"{footer.path!r}, row group {group}, cannot be read: {_shorten(error)}"
        ) from error

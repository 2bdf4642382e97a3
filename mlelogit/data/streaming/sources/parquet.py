"""Parquet files, read row group by row group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from mlelogit.data.frames import list_some
from mlelogit.data.streaming.sources.arrow import (
    MOST_ROWS,
    NO_PARQUET,
    READING_ERRORS,
    ArrowColumns,
    count_rows_at_once,
    join_categories,
    join_columns,
    list_dictionaries,
    list_fields,
    list_loose,
    list_unsure,
    raise_unreadable,
)
from mlelogit.data.streaming.sources.paths import FileStamp, list_partitioned, stamp_file
from mlelogit.data.streaming.sources.pieces import LocalPieces, Piece
from mlelogit.data.streaming.sources.quantiles import find_quantiles
from mlelogit.exceptions import (
    ColumnNotFoundError,
    CorruptFileError,
    MNLogitError,
)
from mlelogit.notices import import_extra

# Of a column chunk only so much is held beside the page that is decoded.
_BUFFER_BYTES = 1 << 20
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True)
class ParquetFooter:
    """What a parquet file says of itself, and what its folders say of all its rows.

    Attributes
    ----------
    stamp : FileStamp
    metadata : pyarrow.parquet.FileMetaData
    schema : pyarrow.Schema
    folders : dict
        Column that the file leaves out -> its value.
    """

    stamp: FileStamp
    metadata: Any
    schema: Any
    folders: dict[str, str | None]

    @property
    def path(self) -> str:
        """Where the file is."""
        return self.stamp.path

    @property
    def groups(self) -> int:
        """Number of row groups."""
        return int(self.metadata.num_row_groups)


def read_footer(path: str, folders: dict[str, str | None] | None = None) -> ParquetFooter:
    """Read what a parquet file says of itself.

    Parameters
    ----------
    path : str
    folders : dict, optional
        What its folders say of all its rows; where the file says it too, the file is right.

    Raises
    ------
    CorruptFileError
        If it is empty, no parquet file, or its end is lost.
    DataFileError
        If it cannot be opened.
    """
    pq = import_extra("pyarrow.parquet", "scale")
    stamp = stamp_file(path)
    if stamp.size == 0:
        raise CorruptFileError(f"{path!r} is empty; even without rows a parquet file is not.")
    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
    except READING_ERRORS as error:
        raise_unreadable(repr(path), error, NO_PARQUET)
    outside = {name: value for name, value in (folders or {}).items() if name not in schema.names}
    return ParquetFooter(stamp, metadata, schema, outside)


class ParquetPieces(LocalPieces):
    """Parquet files as one table, of which every row group is a piece.

    Made by `mlelogit.data.streaming.opening.open_pieces`.

    Parameters
    ----------
    data : path, or list of paths
        Files, patterns such as ``"rows/*.parquet"``, or folders with all files below them.

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
        self.footers = [read_footer(*one) for one in list_partitioned(data)]
        self.rows = sum(footer.metadata.num_rows for footer in self.footers)
        self.count = sum(footer.groups for footer in self.footers)
        first = self.footers[0]
        self.names = (*list_fields(first.schema), *first.folders)
        self._levels: dict[str, pd.CategoricalDtype] = {}
        self._gaps: dict[str, bool] = {}
        self.find_quantiles = partial(find_quantiles, self)

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
        return "parquet " + "; ".join(str(footer.stamp) for footer in self.footers)

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the row groups with these columns, in the order of the files."""
        layout = self._lay_out(columns)
        for footer in self.footers:
            for group in range(footer.groups):
                place = f"{footer.path}, row group {group}"
                read = partial(read_group, footer, group, layout, list(columns))
                yield Piece(place, read, footer.metadata.row_group(group).num_rows)

    def _lay_out(self, columns: Sequence[str]) -> ArrowColumns:
        outside = {name for name in columns if any(name in one.folders for one in self.footers)}
        for name in outside:
            self._check_outside(name)
        inside = [name for name in columns if name not in outside]
        schemas = ((footer.path, footer.schema) for footer in self.footers)
        types, dtypes = join_columns(schemas, inside)
        loose = list_loose(types, dtypes)
        unknown = [name for name in loose if name not in self._gaps]
        found = find_gaps(self.footers, unknown)
        self._gaps.update((name, name in found) for name in unknown)
        gaps = frozenset(name for name in loose if self._gaps[name])
        for name in [*list_dictionaries(types), *outside]:
            if name not in self._levels:
                self._levels[name] = self._find_levels(name, types.get(name))
        return ArrowColumns(
            types,
            dtypes,
            gaps,
            {name: self._levels[name] for name in columns if name in self._levels},
        )

    def _check_outside(self, name: str) -> None:
        absent = [footer.path for footer in self.footers if name not in footer.folders]
        if absent:
            raise ColumnNotFoundError(
                f"Column {name!r} is a folder's of some files, but not of {list_some(absent)}."
            )

    def _find_levels(self, name: str, kind: Any) -> pd.CategoricalDtype:
        if kind is not None:
            found = (one for footer in self.footers for one in read_dictionaries(footer, name))
            return join_categories((one.to_pylist() for one in found), kind.ordered)
        values = [footer.folders[name] for footer in self.footers]
        known = [value for value in values if value is not None]
        whole = all(map(_WHOLE.fullmatch, known))
        return join_categories([[int(value) if whole else value for value in known]], False)


def find_gaps(footers: list[ParquetFooter], names: list[str]) -> set[str]:
    """Return the columns that have missing values somewhere.

    They are read for it: what a damaged footer says of how many there are ends the process
    when pyarrow shows it, or filters by it. What pandas wrote from numpy's integers has none.
    """
    gaps: set[str] = set()
    for footer in footers:
        for group in range(footer.groups):
            left = [name for name in list_unsure(footer.schema, names) if name not in gaps]
            if not left:
                break
            for batch in _read_batches(footer, group, left, MOST_ROWS):
                gaps |= {name for name in left if batch.column(name).null_count}
    return gaps


def read_dictionaries(footer: ParquetFooter, name: str) -> Iterator[Any]:
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
    footer.stamp.check_unchanged()
    rows = footer.metadata.row_group(group).num_rows
    inside = [name for name in columns if name in layout.types]
    limit = count_rows_at_once(layout.types, inside)
    batches = max(-(-rows // limit), 1)
    read = 0
    for batch in _read_batches(footer, group, inside, max(-(-rows // batches), 1)):
        read += batch.num_rows
        try:
            frame = layout.convert(batch, inside)
        except READING_ERRORS as error:
            if isinstance(error, MNLogitError):
                raise type(error)(f"In {footer.path}, row group {group}: {error}") from error
            _raise_corrupt(footer, group, error)
        yield _set_outside(footer, layout, columns, frame)
    footer.stamp.check_unchanged()
    if read != rows:
        raise CorruptFileError(
            f"{footer.path!r}, row group {group}: {read} of {rows} rows can be read."
        )


def _set_outside(
    footer: ParquetFooter, layout: ArrowColumns, columns: list[str], frame: pd.DataFrame
) -> pd.DataFrame:
    """Give all rows of a file what its folders say of them."""
    for name in columns:
        if name in footer.folders:
            dtype, value = layout.levels[name], footer.folders[name]
            texts = [str(level) for level in dtype.categories]
            # As whole numbers "01" and "1" are one.
            code = (
                -1 if value is None else texts.index(value if value in texts else str(int(value)))
            )
            frame[name] = pd.Categorical.from_codes(np.full(len(frame), code), dtype=dtype)
    return frame[columns]


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
    except READING_ERRORS as error:
        _raise_corrupt(footer, group, error)


def _raise_corrupt(footer: ParquetFooter, group: int, error: BaseException) -> NoReturn:
    footer.stamp.check_unchanged()
    raise_unreadable(f"{footer.path!r}, row group {group},", error)

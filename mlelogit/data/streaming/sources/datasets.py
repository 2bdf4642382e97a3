"""Datasets of pyarrow, read fragment by fragment."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from copy import copy
from functools import partial
from typing import Any

import pandas as pd

from mlelogit.data.frames import check_unique_names, list_some
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
    raise_unreadable,
)
from mlelogit.data.streaming.sources.paths import FileStamp, stamp_file
from mlelogit.data.streaming.sources.pieces import LocalPieces, Piece
from mlelogit.data.streaming.sources.quantiles import find_quantiles
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    MNLogitError,
)
from mlelogit.notices import import_extra


def is_dataset(data: Any) -> bool:
    """Tell whether data is a dataset of pyarrow, or what reads one.

    Raises
    ------
    ColumnTypeError
        If it can be gone through only once.
    """
    if not type(data).__module__.startswith("pyarrow") or "pyarrow" not in sys.modules:
        return False
    if hasattr(data, "read_next_batch") or hasattr(data, "dataset_schema"):
        raise ColumnTypeError(
            f"A {type(data).__name__} can be gone through only once, and a fit takes several "
            "passes; give the dataset itself, or a function without arguments that opens it anew."
        )
    return hasattr(data, "get_fragments")


class DatasetPieces(LocalPieces):
    """A dataset of pyarrow (parquet, feather, csv, ...), of which every fragment is a piece.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
        With its filter, if it has one; then it is one piece. Of parquet every row group is one.

    Raises
    ------
    CorruptFileError
        If a file's footer cannot be read.
    """

    def __init__(self, dataset: Any) -> None:
        import_extra("pyarrow.dataset", "scale")
        self.dataset = dataset
        self.filter = (getattr(dataset, "_scan_options", None) or {}).get("filter")
        check_unique_names(dataset.schema.names, "The dataset")
        self.names = list_fields(dataset.schema)
        # pyarrow gives no fragments of a filtered one, which so is a single piece.
        listed = [dataset] if self.filter is not None else dataset.get_fragments()
        self.fragments = [one for fragment in listed for one in _split(fragment)]
        # What they say of themselves is in the files, which may be gone when it is asked again.
        self.counts = [_count_fragment(fragment) for fragment in self.fragments]
        self.places = [_name_fragment(*pair) for pair in enumerate(self.fragments)]
        self.count = len(self.fragments)
        # pyarrow pickles neither filters nor what is in memory.
        self.stays = self.filter is not None or not hasattr(dataset, "files")
        self.rows = self._count_rows()
        self.stamps = {path: stamp_file(path) for path in self._list_local()}
        self._levels: dict[str, pd.CategoricalDtype] = {}
        self.find_quantiles = partial(find_quantiles, self)
        self._gaps: dict[str, bool] = {}

    @property
    def way(self) -> str:
        """How the rows are read."""
        known = "" if self.rows is None else f", {self.rows:,} rows"
        parts = f"{self.count:,} part{'s' * (self.count != 1)}"
        return f"pyarrow dataset, {parts}{known}"

    @property
    def fingerprint(self) -> str:
        """What tells this dataset from others: its files, of when they are, and its columns."""
        files = [str(self.stamps.get(path, path)) for path in self._list_paths()]
        columns = ", ".join(f"{one.name} {one.type}" for one in self.dataset.schema)
        return f"dataset {'; '.join(files)} {self.rows} {self.filter} {columns}"

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the fragments with these columns, in their order."""
        absent = [name for name in columns if name not in self.dataset.schema.names]
        if absent:
            raise ColumnNotFoundError(
                f"The dataset has no column {list_some(absent)}. Its columns: "
                f"{list_some(self.names, 50)}."
            )
        layout = self._lay_out(columns)
        for fragment, place, rows in zip(self.fragments, self.places, self.counts, strict=True):
            stamp = self.stamps.get(getattr(fragment, "path", ""))
            read = partial(self._read, fragment, place, stamp, layout, list(columns))
            yield Piece(place, read, rows)

    def _read(
        self,
        fragment: Any,
        place: str,
        stamp: FileStamp | None,
        layout: ArrowColumns,
        columns: list[str],
    ) -> Iterator[pd.DataFrame]:
        rows = count_rows_at_once(layout.types, columns)
        stamps = [stamp] if stamp is not None else []
        if fragment is self.dataset:
            stamps = list(self.stamps.values())
        _check_unchanged(stamps)
        for batch in self._scan(fragment, place, stamp, columns, rows):
            if batch.num_rows:
                yield self._convert(batch, place, layout, columns)
        _check_unchanged(stamps)

    def _scan(
        self, fragment: Any, place: str, stamp: FileStamp | None, columns: list[str], rows: int
    ) -> Iterator[Any]:
        try:
            schema = {} if fragment is self.dataset else {"schema": self.dataset.schema}
            yield from fragment.to_batches(
                **schema,
                **_check_pages(fragment),
                columns=columns,
                batch_size=rows,
                batch_readahead=1,
                fragment_readahead=1,
                use_threads=False,
                cache_metadata=False,
            )
        except READING_ERRORS as error:
            if stamp is not None:
                stamp.check_unchanged()
            raise_unreadable(place, error)

    def _convert(
        self, batch: Any, place: str, layout: ArrowColumns, columns: list[str]
    ) -> pd.DataFrame:
        try:
            return layout.convert(batch, columns)
        except MNLogitError as error:
            raise type(error)(f"In {place}: {error}") from error
        except READING_ERRORS as error:
            raise_unreadable(place, error)

    def _lay_out(self, columns: Sequence[str]) -> ArrowColumns:
        types, dtypes = join_columns([("The dataset", self.dataset.schema)], columns)
        unknown = [name for name in list_loose(types, dtypes) if name not in self._gaps]
        lacking = self._find_gaps(unknown)
        self._gaps.update((name, name in lacking) for name in unknown)
        for name in list_dictionaries(types):
            if name not in self._levels:
                found = (
                    batch.column(0).dictionary.to_pylist()
                    for fragment, place in zip(self.fragments, self.places, strict=True)
                    for batch in self._scan(fragment, place, None, [name], MOST_ROWS)
                )
                self._levels[name] = join_categories(found, types[name].ordered)
        gaps = frozenset(name for name, some in self._gaps.items() if some)
        return ArrowColumns(types, dtypes, gaps, self._levels)

    def _find_gaps(self, names: list[str]) -> set[str]:
        """Return the columns that have missing values somewhere."""
        gaps: set[str] = set()
        for fragment, place in zip(self.fragments, self.places, strict=True):
            left = [name for name in names if name not in gaps]
            if not left:
                break
            for batch in self._scan(fragment, place, None, left, MOST_ROWS):
                gaps |= {name for name in left if batch.column(name).null_count}
        return gaps

    def _count_rows(self) -> int | None:
        """Return the number of rows, where the files say it."""
        if self.filter is not None:
            return None
        known = [rows for rows in self.counts if rows is not None]
        return sum(known) if len(known) == self.count else None

    def _list_paths(self) -> list[str]:
        paths = [getattr(fragment, "path", None) for fragment in self.fragments]
        paths += getattr(self.dataset, "files", [])
        return list(dict.fromkeys(path for path in paths if path))

    def _list_local(self) -> list[str]:
        """Return the files that are on this machine."""
        holders = [self.dataset, *self.fragments]
        systems = {getattr(getattr(one, "filesystem", None), "type_name", "") for one in holders}
        return self._list_paths() if systems - {""} == {"local"} else []


def _check_pages(fragment: Any) -> dict[str, Any]:
    """Return options that check what pages of parquet say of their bytes, where they can."""
    kind: Any = getattr(fragment, "format", None)
    if getattr(kind, "default_extname", "") != "parquet":
        return {}
    options = kind.default_fragment_scan_options
    encrypted = getattr(options, "decryption_properties", None) is not None
    if encrypted or not hasattr(options, "page_checksum_verification"):
        return {}
    options = copy(options)
    options.page_checksum_verification = True
    return {"fragment_scan_options": options}


def _check_unchanged(stamps: list[FileStamp]) -> None:
    for stamp in stamps:
        stamp.check_unchanged()


def _split(fragment: Any) -> list[Any]:
    """Return a fragment of parquet as one of every row group."""
    if not hasattr(fragment, "split_by_row_group"):
        return [fragment]
    path = fragment.path
    try:
        return list(fragment.split_by_row_group())
    except READING_ERRORS as error:
        raise_unreadable(repr(path), error, NO_PARQUET)


def _count_fragment(fragment: Any) -> int | None:
    groups = getattr(fragment, "row_groups", None)
    return None if groups is None else sum(group.num_rows for group in groups)


def _name_fragment(number: int, fragment: Any) -> str:
    path = getattr(fragment, "path", None)
    if hasattr(fragment, "get_fragments"):
        return "the filtered dataset"
    if not path:
        return f"part {number} of the dataset"
    groups = getattr(fragment, "row_groups", None)
    return f"{path!r}, row group {groups[0].id}" if groups else repr(path)

"""Tell what data are, and take the way to a design that suits them."""

from __future__ import annotations

import re
from collections.abc import Collection
from os import PathLike
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from mlelogit.data.arguments import write_value
from mlelogit.data.assembly import make_design_from_formula
from mlelogit.data.compression import LEAST_REPEATS, check_compression
from mlelogit.data.design import Design
from mlelogit.data.encoding import Encoding
from mlelogit.data.files.formats import advise_reader
from mlelogit.data.formulas import check_formula, parse_formula
from mlelogit.data.frames import (
    check_reopenable,
    fetch,
    is_foreign_frame,
    is_numeric,
)
from mlelogit.data.limits import find_memory
from mlelogit.data.rows import DataOptions, name_aside
from mlelogit.data.streaming.designs import make_streamed_design, remember_table
from mlelogit.data.streaming.learning.levels import tell_lost_order
from mlelogit.data.streaming.rows import RowRequest
from mlelogit.data.streaming.sources.dask import DaskPieces, is_dask_frame
from mlelogit.data.streaming.sources.datasets import DatasetPieces, is_dataset
from mlelogit.data.streaming.sources.duckdb import DuckDBPieces, from_sql, is_relation
from mlelogit.data.streaming.sources.frames import FramePieces
from mlelogit.data.streaming.sources.grouping import GroupedPieces, count_rows
from mlelogit.data.streaming.sources.parquet import ParquetPieces
from mlelogit.data.streaming.sources.paths import is_parquet
from mlelogit.data.streaming.sources.pieces import LocalPieces, Pieces, give_frame
from mlelogit.data.streaming.stream import HELD_ELEMENTS, PieceStream, StreamedDesign
from mlelogit.data.threads import count_threads
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    CompressionError,
    MNLogitError,
    OptionError,
    RowsNotHeldError,
    SizeLimitError,
)

# Rows of a table as large as is held in memory: more of them are better read in pieces.
MOST_COUNTED = 1 << 18
# Of a table while its pieces are joined: numbers twice, and texts some more.
BYTES_PER_VALUE = 24
QUERY = re.compile(r"\s*(select|with|from)[\s*'\"(]", re.IGNORECASE)


def open_design(formula: str, data: Any, options: DataOptions, stream: Any = "auto") -> Design:
    """Make a design from a formula and data of any kind, in memory or read in pieces.

    Parameters
    ----------
    formula : str
    data
        A frame, or what `open_pieces` opens.
    options : DataOptions
    stream : "auto", True or False
        Whether to read data in pieces that could be: for "auto", if they are more than
        33,554,432 values, or memory is short of them or of their design.

    Returns
    -------
    Design

    Raises
    ------
    OptionError
        If stream is none of these, or True for a frame.
    MNLogitError
        Another of its named cases, for anything wrong with the data.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.rows import DataOptions
    >>> from mlelogit.data.streaming.opening import open_design
    >>> design = open_design("vote ~ age", ml.datasets.load_anes96(), DataOptions())
    >>> design.encoding.names
    ('Intercept', 'age')
    """
    check_formula(formula)
    if not isinstance(stream, bool) and not (isinstance(stream, str) and stream == "auto"):
        raise OptionError(f"stream must be 'auto', True or False, not {write_value(stream)}.")
    pieces = open_pieces(data)
    if pieces is None:
        data = fetch(data)
        _check_frame(data)
        if stream is True:
            raise OptionError(
                "stream=True is for data that can be read in pieces, and this is one frame in "
                "memory; leave stream out."
            )
        return make_design_from_formula(formula, data, options)
    whole = None if stream is True else _read_whole(formula, pieces, options, stream is False)
    if whole is not None:
        try:
            return make_design_from_formula(formula, whole, options)
        except SizeLimitError:
            if stream is False:
                raise
            whole = None  # In pieces they may do; else that says what is too large.
    grouped = _group(formula, pieces, options)
    if grouped is None:
        return make_streamed_design(formula, pieces, options)
    try:
        design = make_streamed_design(formula, grouped, options, grouped.times_name)
    except MNLogitError:
        # What fails on distinct rows is done again on all, whose places the error then names.
        every = make_streamed_design(formula, pieces, options)
        if options.compress is True:
            raise
        return every
    return remember_table(design, pieces, _count_distinct(grouped, design))


def reopen_design(
    formula: str, data: Any, options: DataOptions, known: Encoding, in_pieces: bool
) -> Design:
    """Make the design of a fit's rows again, in memory or read in pieces as they were.

    Parameters
    ----------
    formula : str
    data, options
        As for `open_design`.
    known : Encoding
        The fit's; rows in memory are encoded by it, and of pieces it is learned again.
    in_pieces : bool
        Whether the fit read its rows in pieces.
    """
    pieces = open_pieces(data)
    if pieces is None:
        _check_frame(data)
        return make_design_from_formula(formula, data, options, known)
    if in_pieces:
        return open_design(formula, data, options, True)
    whole = _read_whole(formula, pieces, options, True)
    return make_design_from_formula(formula, whole, options, known)


def _count_distinct(grouped: GroupedPieces, design: StreamedDesign) -> int:
    """Return how many complete rows differ in what counts stand for, as memory counts them."""
    frame, stream = grouped.group.frame.dropna(), design.stream
    outcome = stream.request.parsed.outcome if isinstance(stream, PieceStream) else ()
    if design.outcome.kind != "probabilities":
        frame = frame.drop(columns=list(outcome))
    return int((~frame.duplicated()).sum()) if frame.shape[1] else 1


def open_pieces(data: Any) -> Pieces | None:
    """Return the pieces of a table that is not one frame in memory; None if it is one.

    Parameters
    ----------
    data
        A parquet file, folder, glob pattern or a list of files; a relation of DuckDB, or the
        text of a query; a list of frames, or a callable that opens them anew for every pass and
        returns an iterable; a dask.dataframe.DataFrame; a pyarrow.dataset.Dataset. Pieces stay
        what they are.

    Returns
    -------
    Pieces or None
        None of one frame in memory.

    Raises
    ------
    DataFileError
        If there is no such file, or it cannot be opened.
    ColumnTypeError
        If data are of a kind that cannot be read.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.streaming.opening import open_pieces
    >>> anes = ml.datasets.load_anes96()
    >>> open_pieces([anes.head(500), anes.tail(444)]).names[:2]
    ('popul', 'TVnews')
    >>> open_pieces(anes) is None
    True
    """
    if isinstance(data, LocalPieces | DaskPieces):
        opened: Any = data
        return opened
    if is_dask_frame(data):
        return DaskPieces(data)
    if is_relation(data):
        return DuckDBPieces(data)
    if isinstance(data, str) and QUERY.match(data):
        return from_sql(data)
    if is_dataset(data):
        return DatasetPieces(data)
    if is_parquet(data):
        return ParquetPieces(data)
    if callable(data) or (isinstance(data, list | tuple) and _are_frames(data)):
        return FramePieces(data)
    check_reopenable(data)
    return None


def hold_small(newdata: Any, *beside: Any) -> Any:
    """Return new rows in one frame, read from pieces if they are few; what is in memory as it is.

    Parameters
    ----------
    newdata
        A frame, array or whatever else holds rows, or what `open_pieces` opens.
    *beside
        What goes with the rows: names of columns or, of rows in memory alone, values.

    Raises
    ------
    RowsNotHeldError
        If they are more than 33,554,432 values; or if values are to go with rows in
        pieces, whose order is for their source to choose.
    """
    pieces = None if newdata is None else open_pieces(newdata)
    if pieces is None:
        return newdata
    if any(one is not None and not isinstance(one, str) for one in beside):
        raise RowsNotHeldError(
            f"newdata are read in pieces here ({pieces.way}), and offset, weights or outcome are "
            "given as values, which go with rows in memory alone; put them in the table, and give "
            "the column's name."
        )
    most = HELD_ELEMENTS
    frame = None
    if (pieces.rows or 0) * len(pieces.names) <= most:
        frame = gather(pieces, pieces.names, (), most)
    if frame is None:
        raise RowsNotHeldError(
            f"newdata are read in pieces here ({pieces.way}), this takes them in memory, and they "
            f"are more than {most:,} values: read a sample, or fewer columns, into a frame. "
            "results.predict(newdata) gives probabilities frame by frame."
        )
    return frame


def _check_frame(data: Any) -> None:
    """Raise `ColumnTypeError` for what is neither a frame nor anything that holds many rows."""
    if isinstance(data, pd.DataFrame | dict) or is_foreign_frame(data):
        return
    said = type(data).__name__
    if isinstance(data, str | PathLike):
        said = f"{str(data)!r}, which is no parquet file, folder or query (SELECT, FROM, WITH)"
        said += advise_reader(str(data))
    elif isinstance(data, list | tuple):
        kinds = dict.fromkeys(type(one).__name__ for one in data)
        said = f"a list of {' and '.join(kinds) or 'nothing'}"
    raise ColumnTypeError(
        "data must be a DataFrame (pandas, polars, pyarrow), a dict of columns or a list of dicts; "
        "or rows to be read in pieces: parquet files by path, a query in SQL, a relation of "
        "DuckDB, a dataset of pyarrow, a dask frame, a list of frames or a function that opens "
        f"them anew for every pass; not {said}."
    )


def _group(formula: str, pieces: Pieces, options: DataOptions) -> GroupedPieces | None:
    """Count equal rows, if that is wanted and leaves few of them."""
    parsed = parse_formula(formula, pieces.names, name_aside(options))
    kind = parsed.outcome_kind or "labels"
    wanted = check_compression(options.compress, kind, options.weight_type)
    if wanted is False:
        return None
    columns = RowRequest(parsed, options).columns
    how = count_threads(), "Count equal rows", 1 if wanted is True else LEAST_REPEATS
    group = count_rows(pieces, columns, MOST_COUNTED, *how)
    if group is None and wanted is True:
        raise CompressionError(
            f"compress=True: there are more than {MOST_COUNTED:,} different rows, too many to "
            "count, or a column has another type or other categories in another piece; leave "
            "compress out."
        )
    return None if group is None else GroupedPieces(group, pieces.way, pieces.fingerprint)


def _are_frames(data: list | tuple) -> bool:
    return bool(data) and all(hasattr(item, "columns") for item in data)


def _read_whole(
    formula: str, pieces: Pieces, options: DataOptions, any_size: bool
) -> pd.DataFrame | None:
    """Return the table in one frame, if it is small or may have any size.

    Columns that the formula does not name are left out if it is small only without them, or if
    one is not everywhere.
    """
    if not (any_size or isinstance(pieces, LocalPieces)):
        return None
    parsed = parse_formula(formula, pieces.names, name_aside(options))
    used = tuple(RowRequest(parsed, options).columns)
    there = find_memory() / BYTES_PER_VALUE
    most = None if any_size else int(min(HELD_ELEMENTS, there))
    for names in (pieces.names, used):
        if most is not None and (pieces.rows or 0) * len(names) > most:
            continue
        try:
            frame = gather(pieces, names, used, most)
        except ColumnNotFoundError:
            if names == used:
                raise
            continue  # A column that nobody needs may be absent somewhere.
        if frame is not None:
            return frame
    return None


def gather(
    pieces: Pieces, columns: tuple[str, ...], used: Collection[str], most: int | None
) -> pd.DataFrame | None:
    """Return some columns of all rows in one frame; None if they are more than so many values."""
    frames, values = [], 0
    for frame in pieces.map(give_frame, columns):
        values += frame.size
        if most is not None and values > most:
            return None
        frames.append(frame)
    return join_frames(frames, used) if frames else pd.DataFrame(columns=list(columns))


def join_frames(frames: list[pd.DataFrame], used: Collection[str]) -> pd.DataFrame:
    """Return frames one below the other; columns that are used by the rules of pieces.

    Where frames declare different categories, or another order of them, they are sorted.
    """
    for name in frames[0].columns:
        types = [frame[name].dtype for frame in frames if len(frame)]
        declared = [kind for kind in types if isinstance(kind, pd.CategoricalDtype)]
        orders = {tuple(kind.categories) for kind in declared}
        if declared and (len(orders) > 1 or len(declared) < len(types)):
            if name in used:
                numbers = all(is_numeric(kind.categories.to_series()) for kind in declared)
                tell_lost_order(str(name), orders, numbers)
            frames = [frame.astype({name: object}) for frame in frames]
        elif name in used:
            _check_kinds(str(name), [frame[name] for frame in frames])
    return pd.concat(frames, ignore_index=True)


def _check_kinds(name: str, columns: list[pd.Series]) -> None:
    """Raise `ColumnTypeError` for numbers beside truth values, which joined would be numbers."""
    kinds = {column.dtype for column in columns if column.notna().any()}
    if len({is_bool_dtype(kind) for kind in kinds if is_numeric_dtype(kind)}) > 1:
        raise ColumnTypeError(
            f"Column {name!r} holds numbers in some pieces of the data and truth values in others; "
            "convert it to one kind."
        )

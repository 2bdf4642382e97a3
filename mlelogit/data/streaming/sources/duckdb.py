"""Rows in DuckDB: a relation or a query, read in batches or grouped there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import check_unique_names, list_some
from mlelogit.data.streaming.sources.batches import DATES, make_frame, write_values
from mlelogit.data.streaming.sources.grouping import FIRST_ROWS, Group, tally_rows
from mlelogit.data.streaming.sources.pieces import LocalPieces, Piece
from mlelogit.data.streaming.sources.quantiles import find_quantiles
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    EmptyDataError,
    OptionError,
    QueryError,
)
from mlelogit.notices import import_extra

# What a batch takes: it fits in a cache of the processor's last level, and a call costs nothing.
BATCH_BYTES = 8 << 20
# A value of any column that is none of text: eight bytes here, eight as pandas has it.
_VALUE_BYTES = 16
# DuckDB works on vectors of so many rows, and its row groups are 60 of them.
_VECTOR = 2048
_MOST_ROWS = 60 * _VECTOR
# Of DuckDB's estimate of a number of different rows, which is off by a few per cent.
ESTIMATE_MARGIN = 1.25
_ADVICE = " Keep the rows in a table, relation.to_table('rows'), and give that."
# Of more values, DuckDB would hold more than 32 MB to sort them; passes that count hold none.
SORTED_ROWS = 1 << 22
# Names that DuckDB makes up anew for every relation.
_MADE_UP = re.compile(r"_[0-9a-f]{8,}(?:_\d+)?|__duckdb_source_\w+")


def is_relation(data: Any) -> bool:
    """Tell whether data is a relation of DuckDB, which is then imported."""
    module = type(data).__module__.split(".")[0]
    return module in ("duckdb", "_duckdb") and hasattr(data, "sql_query")


class DuckDBPieces(LocalPieces):
    """Rows of a DuckDB relation, read in batches: as many as 8 MB hold, in DuckDB's order.

    Every pass runs the query anew, and only for the columns asked for. That it gives the same
    rows every time is checked: their number and the sum of their hashes, for each set of
    columns; the order of the rows is not.

    Parameters
    ----------
    relation : duckdb.DuckDBPyRelation
        It is read in its own connection, which can do nothing else meanwhile.

    Raises
    ------
    DuplicateColumnError
        If two columns have the same name. Names that differ in case are different names.
    QueryError
        If DuckDB refuses.

    Examples
    --------
    >>> import duckdb
    >>> from mlelogit.data.streaming.sources.duckdb import DuckDBPieces
    >>> relation = duckdb.connect().sql("SELECT range AS x, range % 3 AS y FROM range(100000)")
    >>> pieces = DuckDBPieces(relation)
    >>> pieces.reduce(lambda frame: frame["x"].sum(), ["x"])
    np.int64(4999950000)
    """

    way = "DuckDB, streamed"
    stays = True  # A connection is of its process.

    def __init__(self, relation: Any) -> None:
        self.relation = relation
        with tell_errors("describe the relation"):
            self.names, self.types = _describe(relation)
            self.kinds = tuple(kind.id for kind in relation.types)
            self.query = str(relation.sql_query())
        check_unique_names(self.names, "The relation")
        if not self.names:
            raise EmptyDataError("The relation has no columns.")
        self.find_quantiles = self._find_quantiles
        self._sums: dict[frozenset[str], int] = {}
        self._stream: Iterator[Piece] | None = None
        if getattr(relation, "type", "") == "TABLE_RELATION":
            self.rows = int(self._fetch("count(*)")[0])

    @property
    def fingerprint(self) -> str:
        """What tells this query from others: its text and the types of its columns."""
        return f"DuckDB {_MADE_UP.sub('', self.query)} {self.names} {self.types}"

    def open(self, columns: Sequence[str]) -> Iterator[Piece]:
        """Return the batches with these columns, in their order."""
        self._stream = self._read_batches(list(columns))
        return self._stream

    def reduce(
        self, function: Any, columns: Sequence[str], what: str = "", threads: int = 1
    ) -> Any:
        """Add up what a function returns for frames of rows; see `Pieces.reduce`."""
        try:
            return super().reduce(function, columns, what, threads)
        finally:
            # Else a traceback would keep the stream, and the stream the connection busy.
            self._close()

    def map(self, function: Any, columns: Sequence[str]) -> Iterator[Any]:
        """Give what a function returns for frames of rows; see `Pieces.map`."""
        try:
            yield from super().map(function, columns)
        finally:
            self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()  # type: ignore[attr-defined]

    def _read_batches(self, columns: list[str]) -> Iterator[Piece]:
        places = [self._find(name) for name in columns]
        kinds = [self.kinds[place] for place in places]
        hashed = ", ".join(f"c{place}" for place in sorted(places))
        selected = [*self._write(columns), f"hash({hashed})" if places else "0::UBIGINT"]
        with tell_errors("run the query"):
            asked = self._ask(", ".join(selected))
            reader = asked.to_arrow_reader(_count_batch(len(selected)))
        start = total = 0
        try:
            while (batch := _take(reader)) is not None:
                total += int(batch.column(len(columns)).to_numpy().sum(dtype=np.uint64))
                place = f"rows {start} to {start + batch.num_rows - 1} of what DuckDB gives"
                yield Piece(place, partial(_give, batch, columns, kinds), batch.num_rows)
                start += batch.num_rows
            if not start:
                yield Piece("", partial(_give, _make_empty(reader.schema), columns, kinds), 0)
        finally:
            reader.close()
        self._check_pass(frozenset(columns), start, total % (1 << 64))

    def _check_pass(self, columns: frozenset[str], rows: int, total: int) -> None:
        """Raise `QueryError` if a pass gave other rows than those before it."""
        self._check_rows(rows)
        if self._sums.setdefault(columns, total) != total:
            raise QueryError(
                "DuckDB gives other values in every pass over the rows, as a query with random(), "
                f"a sample or a LIMIT without an order does, or the table was changed.{_ADVICE}"
            )

    def _check_rows(self, rows: int) -> None:
        before, self.rows = self.rows, rows if self.rows is None else self.rows
        if before is not None and rows != before:
            raise QueryError(
                f"DuckDB gave {before} rows in one pass and {rows} in the next: the query does not "
                f"give the same rows every time, or the table was changed.{_ADVICE}"
            )

    def _find(self, name: str) -> int:
        if name not in self.names:
            raise ColumnNotFoundError(
                f"There is no column {name!r} in DuckDB; there are {list_some(self.names, 20)}."
            )
        return self.names.index(name)

    def _write(self, columns: Sequence[str], exact: bool = False) -> list[str]:
        places = [self._find(name) for name in columns]
        return [
            write_values(f"c{place}", self.kinds[place], self.names[place], exact)
            for place in places
        ]

    def _ask(self, selected: str, rest: str = "") -> Any:
        """Return a query of this relation, whose columns are c0, c1, ..., whatever their names."""
        if _describe(self.relation) != (self.names, self.types):
            raise QueryError(f"The columns of what DuckDB reads were changed meanwhile.{_ADVICE}")
        aliases = ", ".join(f"c{i}" for i in range(len(self.names)))
        words = ["SELECT", selected, f"FROM _mlelogit_rows AS _rows({aliases})", rest]
        return self.relation.query("_mlelogit_rows", " ".join(words))

    def _fetch(self, selected: str, rest: str = "") -> tuple[Any, ...]:
        """Return the first row of a query."""
        with tell_errors("run the query"):
            found: list[tuple[Any, ...]] = self._ask(selected, rest).fetchall()
        return found[0]

    def _find_quantiles(
        self, column: str, probabilities: Sequence[float], complete: Sequence[str]
    ) -> np.ndarray:
        """Return the quantiles of a column over the rows without a gap in `complete`."""
        kind = self.kinds[self._find(column)]
        if kind in ("varchar", "uuid", "enum", *DATES):
            raise ColumnTypeError(f"Column {column!r} is {kind.upper()} and has no quantiles.")
        if not len(probabilities):
            return np.empty(0)
        if self.rows is None or self.rows > SORTED_ROWS:
            counted = find_quantiles(self, column, probabilities, complete)
            return self._check_found(counted, [column, *complete])
        places = [self._find(name) for name in dict.fromkeys([column, *complete])]
        kept = " AND ".join(
            f"c{place} IS NOT NULL"
            + (f" AND NOT isnan(c{place})" if self.kinds[place] in ("float", "double") else "")
            for place in places
        )
        listed = ", ".join(repr(float(probability)) for probability in probabilities)
        value = f"CAST({self._write([column])[0]} AS DOUBLE)"
        found = self._fetch(f"quantile_cont({value}, [{listed}]::DOUBLE[])", f"WHERE {kept}")[0]
        return self._check_found(found, [column, *complete])

    def _check_found(self, found: Any, complete: Sequence[str]) -> np.ndarray:
        if found is None or np.isnan(found).all():
            raise EmptyDataError(f"No row is complete in {list_some(complete)}.")
        return np.array(found, dtype=np.float64)

    def count_rows(self, columns: Sequence[str], limit: int) -> Group | None:
        """Count in DuckDB how often each different row occurs; see `grouping.count_rows`.

        Whether it pays is found first, from the first rows and from an estimate.
        """
        listed = self._write(columns, exact=True)
        if not listed:
            return None
        keys = ", ".join(f"k{i}" for i in range(len(listed)))
        named = ", ".join(f"{value} AS k{i}" for i, value in enumerate(listed))
        if self._may_exceed(", ".join(listed), limit):
            return None
        with tell_errors("count the equal rows"):
            text = f"{keys}, count(*) FROM (SELECT {named}"
            rest = f") GROUP BY {keys} ORDER BY ALL LIMIT {limit + 1}"
            table = self._ask(text, rest).to_arrow_table()
        batches = table.combine_chunks().to_batches() or [_make_empty(table.schema)]
        return self._read_group(batches[0], columns, limit)

    def _may_exceed(self, listed: str, limit: int) -> bool:
        """Tell whether there are probably more different rows than a limit."""
        outer = "count(*) FROM (SELECT DISTINCT * FROM (SELECT"
        found = self._fetch(f"{outer} {listed}", f"LIMIT {FIRST_ROWS}))")[0]
        if found > limit:
            return True
        estimate, rows = self._fetch(f"approx_count_distinct(hash({listed})), count(*)")
        self._check_rows(rows)
        return bool(estimate > ESTIMATE_MARGIN * limit)

    def _read_group(self, batch: Any, columns: Sequence[str], limit: int) -> Group | None:
        kinds = [self.kinds[self._find(name)] for name in columns]
        times = batch.column(len(columns)).to_numpy()
        if len(times) > limit:
            return None
        self._check_rows(int(times.sum()))
        return tally_rows(make_frame(batch, columns, kinds), limit, times).group


def from_sql(query: str, connection: Any = None) -> DuckDBPieces:
    """Return the rows of a SQL query of DuckDB as data to fit, without reading them.

    Parameters
    ----------
    query : str
        One statement that gives rows. It runs as it is, anew for every pass, and may name tables,
        files and the caller's own data frames.
    connection : duckdb.DuckDBPyConnection, optional
        DuckDB's default one if not given.

    Returns
    -------
    DuckDBPieces
        Goes to `mlelogit.mnlogit` as data.

    Raises
    ------
    OptionError
        If the connection is none.
    QueryError
        If it is no query, several, or changes something; or DuckDB refuses it.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.data.streaming.sources.duckdb import from_sql
    >>> anes = ml.datasets.load_anes96()
    >>> pieces = from_sql("SELECT vote, age FROM anes WHERE age > 30")
    >>> pieces.names
    ('vote', 'age')
    """
    duckdb = import_extra("duckdb", "scale")
    if connection is None:
        connection = duckdb.default_connection()
    if not hasattr(connection, "extract_statements"):
        raise OptionError(f"connection must be one of DuckDB, not {type(connection).__name__}.")
    text = _check_query(query, connection)
    with tell_errors("run the query"):
        return DuckDBPieces(_ask_as_user(connection, f"FROM (\n{text}\n) AS _query"))


def _check_query(query: Any, connection: Any) -> str:
    """Return a query without what ends it, or raise if it is not one that gives rows."""
    if not isinstance(query, str):
        raise QueryError(f"A query must be text, not {type(query).__name__}.")
    with tell_errors("read the query"):
        statements = connection.extract_statements(query)
    kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
    if kinds != ["SELECT"]:
        found = " and ".join(kinds) if kinds else "nothing"
        raise QueryError(
            f"Data must come from one query that gives rows (SELECT, FROM, WITH), and this is "
            f"{found}. Run what prepares the data yourself, and give a query of the result."
        )
    return _cut_end(query)


def _cut_end(query: str) -> str:
    """Cut off the semicolon and the comments that end a query."""
    duckdb = import_extra("duckdb", "scale")
    for offset, kind in reversed(duckdb.tokenize(query)):
        if kind != duckdb.token_type.comment and query[offset] != ";":
            break
        query = query[:offset].rstrip()
    return query


def _ask_as_user(connection: Any, text: str) -> Any:
    """Return the relation of a query, names in it that are no tables being the user's frames.

    DuckDB looks these up where it is called from: there, the variables of the code outside
    this package.
    """
    home, frame = str(Path(__file__).parents[2]), sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(home):
        frame = frame.f_back
    ask = FunctionType(_ask_here.__code__, {**frame.f_globals, **frame.f_locals})
    return ask(connection, text)


def _ask_here(_connection: Any, _text: str) -> Any:
    return _connection.sql(_text)


@contextmanager
def tell_errors(doing: str) -> Iterator[None]:
    """Raise what DuckDB raises as `QueryError`, with its message."""
    duckdb, pyarrow = import_extra("duckdb", "scale"), import_extra("pyarrow", "scale")
    try:
        yield
    except (duckdb.Error, pyarrow.ArrowException, OSError, RuntimeError) as error:
        kind = type(error).__name__
        advice = {
            "ConnectionException": " The connection was closed: open it, and make the data anew.",
            "ResourceInUseException": " Another result of this connection is being read: read it "
            "to its end or close it, or give data of a connection of their own.",
        }.get(kind, "")
        said = " ".join(str(error).partition("\n\n")[0].split())
        stop = "" if said.endswith((".", "?", "!")) else "."
        raise QueryError(f"DuckDB cannot {doing}: {said}{stop}{advice}") from error


def _count_batch(columns: int) -> int:
    """Return how many rows make a batch: whole vectors of DuckDB."""
    rows = BATCH_BYTES // (_VALUE_BYTES * columns)
    return min(max(rows // _VECTOR, 1) * _VECTOR, _MOST_ROWS)


def _describe(relation: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a relation's columns and of their types, as they are now."""
    return tuple(relation.columns), tuple(str(kind) for kind in relation.types)


def _take(reader: Any) -> Any:
    with tell_errors("run the query"):
        return next(iter(reader), None)


def _give(batch: Any, columns: list[str], kinds: list[str]) -> Iterator[pd.DataFrame]:
    yield make_frame(batch, columns, kinds)


def _make_empty(schema: Any) -> Any:
    pyarrow = import_extra("pyarrow", "scale")
    return pyarrow.record_batch([pyarrow.array([], field.type) for field in schema], schema=schema)

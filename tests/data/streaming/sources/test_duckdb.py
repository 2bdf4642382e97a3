"""Rows in DuckDB are those that DuckDB itself gives to pandas, in its order, the same each time."""

import os
import signal
import subprocess
import sys
import textwrap
from functools import partial

import numpy as np
import pandas as pd
import pytest

import mlelogit.data.streaming.sources.duckdb as streaming
from mlelogit.data.streaming.sources.duckdb import DuckDBPieces, from_sql, is_relation
from mlelogit.data.streaming.sources.grouping import count_rows
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    DuplicateColumnError,
    EmptyDataError,
    OptionError,
    QueryError,
)

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        yield connection


def gather(pieces, columns=None):
    frames = list(pieces.map(lambda frame: frame, columns or pieces.names))
    return pd.concat(frames, ignore_index=True)


def count(frame):
    return len(frame)


def find_free(con):
    return con.sql("SELECT 42").fetchall() == [(42,)]


MIXED = """
SELECT i AS big, i::TINYINT % 5 AS tiny, i::UBIGINT AS ub, i * 0.1::DOUBLE AS x,
  (i / 7)::FLOAT AS f, (i / 100)::DECIMAL(18, 4) AS d, (i * 3)::HUGEINT AS h, i % 3 = 0 AS b,
  CASE WHEN i % 4 = 0 THEN NULL ELSE i END AS gaps, CASE WHEN i % 5 > 0 THEN i % 2 = 0 END AS bgaps,
  CASE WHEN i % 6 > 0 THEN 'v' || (i % 9) END AS s,
  DATE '2020-01-01' + i::INT AS day, TIMESTAMP '2020-01-01 10:00:00' AS stamp,
  CASE WHEN i % 7 > 0 THEN (['z', 'a', 'm'])[i % 3 + 1]::ENUM('z', 'unused', 'a', 'm') END AS e
FROM range(1, 120) AS t(i)
"""


def test_values_and_types_are_those_of_duckdbs_own_frames(con):
    relation = con.sql(MIXED)
    found = gather(DuckDBPieces(relation))
    pd.testing.assert_frame_equal(found, relation.df())
    assert found["e"].cat.categories.tolist() == ["z", "unused", "a", "m"]


def test_rows_come_in_order_whatever_the_batches_and_threads(con):
    con.execute("CREATE TABLE t AS SELECT i, i % 7 AS k, 'a' || i AS s FROM range(500000) AS t(i)")
    pieces = DuckDBPieces(con.table("t"))
    assert pieces.rows == 500000
    frames = list(pieces.map(lambda frame: frame, ["i", "s"]))
    assert len(frames) > 1
    assert max(frame.memory_usage(index=False).sum() for frame in frames) < 32 << 20
    found = pd.concat(frames, ignore_index=True)
    np.testing.assert_array_equal(found["i"], np.arange(500000))
    assert found["s"].tolist() == [f"a{i}" for i in range(500000)]
    order = [pieces.reduce(lambda frame: frame["i"].tolist(), ["i"], threads=k) for k in (1, 2)]
    assert order[0] == order[1] == list(range(500000))


def test_only_the_columns_asked_for_are_read_in_the_order_asked_for(con):
    relation = con.sql("SELECT i AS a, 2 * i AS b, error('read') AS c FROM range(10) AS t(i)")
    frame = gather(DuckDBPieces(relation), ["b", "a"])
    assert list(frame.columns) == ["b", "a"]
    assert frame["b"].tolist() == list(range(0, 20, 2))
    with pytest.raises(QueryError, match="read"):
        DuckDBPieces(relation).reduce(count, ["c"])


NAMES = ['a"b.c', "sélect", "select", "x", "X", "c0", " ", "a'b; drop table t", "_rows", "日本"]


def test_names_of_any_kind_give_their_own_columns(con):
    frame = pd.DataFrame({name: [float(i), i + 0.5] for i, name in enumerate(NAMES)})
    listed = ", ".join(
        f'[{i}, {i + 0.5}][j] AS "{name.replace(chr(34), chr(34) * 2)}"'
        for i, name in enumerate(NAMES)
    )
    pieces = DuckDBPieces(con.sql(f"SELECT {listed} FROM range(1, 3) AS t(j)"))
    pd.testing.assert_frame_equal(gather(pieces).astype(float), frame)
    for name in NAMES:
        assert gather(pieces, [name])[name].tolist() == frame[name].tolist()
        assert pieces.find_quantiles(name, [0.0], [name]) == frame[name].min()
    group = pieces.count_rows(["X", "x"], 5)
    assert group.frame.to_dict("list") == {"X": [4.0, 4.5], "x": [3.0, 3.5]}


def test_equal_names_and_unknown_ones_are_refused(con):
    with pytest.raises(DuplicateColumnError, match="'x'"):
        DuckDBPieces(con.sql("SELECT 1 AS x, 2 AS x"))
    pieces = DuckDBPieces(con.sql("SELECT 1 AS x"))
    for name in ("X", "y", "x; DROP"):
        with pytest.raises(ColumnNotFoundError, match=name):
            pieces.reduce(count, [name])


def test_no_rows_give_one_empty_frame_with_the_types_and_no_columns_their_rows(con, monkeypatch):
    relation = con.sql("SELECT 1 AS i, 1.5::DOUBLE AS x, 'a'::ENUM('a', 'b') AS e WHERE false")
    pieces = DuckDBPieces(relation)
    frame = pieces.reduce(lambda frame: frame, pieces.names)
    assert frame.dtypes.astype(str).tolist() == ["int32", "float64", "category"]
    assert pieces.count_rows(["i"], 10).rows == 0
    for most in (1000, -1):
        monkeypatch.setattr(streaming, "SORTED_ROWS", most)
        with pytest.raises(EmptyDataError, match="complete"):
            pieces.find_quantiles("x", [0.5], ["i"])
    assert DuckDBPieces(con.sql("FROM range(5)")).reduce(np.shape, []) == (5, 0)


@pytest.mark.parametrize(
    "value", ["[1, 2]", "{'a': 1}", "'x'::BLOB", "INTERVAL 1 DAY", "TIME '10:00'", "MAP {1: 2}"]
)
def test_types_that_no_model_takes_are_refused_only_if_used(con, value):
    pieces = DuckDBPieces(con.sql(f"SELECT 1 AS x, {value} AS odd"))
    assert pieces.reduce(count, ["x"]) == 1
    with pytest.raises(ColumnTypeError, match="'odd' is"):
        pieces.reduce(count, ["odd"])
    with pytest.raises(ColumnTypeError, match="'odd' is"):
        pieces.count_rows(["odd"], 5)


def test_whole_numbers_that_are_no_doubles_are_refused(con):
    pieces = DuckDBPieces(con.sql("SELECT 2::HUGEINT ** 53 AS fine, (2 ** 60)::HUGEINT AS wide"))
    assert pieces.reduce(count, ["fine"]) == 1
    with pytest.raises(ColumnTypeError, match=r"'wide'.*VARCHAR"):
        pieces.reduce(count, ["wide"])


def test_decimals_are_the_nearest_doubles(con):
    frame = gather(
        DuckDBPieces(con.sql("SELECT (i / 1000)::DECIMAL(9, 3) AS d FROM range(9999) t(i)"))
    )
    np.testing.assert_array_equal(frame["d"], np.arange(9999) / 1000)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT random() AS x FROM range(1000)",
        "SELECT i AS x, random() < 0.5 AS z FROM range(1000) AS t(i)",
        "SELECT i AS x FROM range(100000) AS t(i) WHERE random() < 0.5",
    ],
)
def test_rows_that_differ_from_pass_to_pass_are_told(con, query):
    pieces = DuckDBPieces(con.sql(query))
    pieces.reduce(count, pieces.names)
    with pytest.raises(QueryError, match="to_table"):
        pieces.reduce(count, pieces.names)


def test_a_table_that_changes_between_passes_is_told(con):
    con.execute("CREATE TABLE t AS SELECT i AS x, i AS y FROM range(10) AS t(i)")
    changes = [
        "UPDATE t SET x = 100 WHERE x = 3",
        "INSERT INTO t VALUES (1, 1)",
        "ALTER TABLE t ADD COLUMN z INT",
        "ALTER TABLE t ALTER x TYPE VARCHAR",
        "CREATE OR REPLACE TABLE t AS SELECT i AS y, i AS x FROM range(10) AS t(i)",
    ]
    for change in changes:
        pieces = DuckDBPieces(con.table("t"))
        pieces.reduce(count, ["x", "y"])
        pieces.reduce(count, ["y", "x"])
        con.execute(change)
        with pytest.raises(QueryError, match="changed"):
            pieces.reduce(count, ["x", "y"])


def test_swapped_values_are_told_though_each_column_holds_the_same(con):
    con.execute("CREATE TABLE t AS FROM (VALUES (1, 1), (2, 2)) AS v(x, y)")
    pieces = DuckDBPieces(con.table("t"))
    pieces.reduce(count, ["x", "y"])
    con.execute("UPDATE t SET y = 3 - y")
    with pytest.raises(QueryError, match="changed"):
        pieces.reduce(count, ["x", "y"])


def test_rows_in_another_order_are_the_same_rows(con):
    con.execute("CREATE TABLE t AS FROM (VALUES (1, 1), (2, 2)) AS v(x, y)")
    pieces = DuckDBPieces(con.sql("FROM t ORDER BY x * getvariable('sign')"))
    found = []
    for sign in (1, -1):
        con.execute(f"SET VARIABLE sign = {sign}")
        found.append(pieces.reduce(lambda frame: frame["x"].tolist(), ["x"]))
    assert found == [[1, 2], [2, 1]]


def test_errors_in_midstream_and_of_functions_leave_the_connection_free(con):
    odd = "CASE WHEN i = 900000 THEN CAST('x' || i AS INT) ELSE i END"
    pieces = DuckDBPieces(con.sql(f"SELECT {odd} AS v, i FROM range(1000000) AS t(i)"))
    with pytest.raises(QueryError, match="'x900000'"):
        pieces.reduce(count, ["v"])
    assert find_free(con)

    def fail(frame):
        raise KeyError(len(frame))

    for threads in (1, 2):
        with pytest.raises(KeyError) as kept:
            pieces.reduce(fail, ["i"], threads=threads)
        # As long as the traceback is held, so would be whatever its frames hold.
        assert kept.tb is not None
        assert find_free(con)
    with pytest.raises(QueryError, match="rows 0 to"):
        pieces.reduce(partial(_refuse), ["i"])


def _refuse(frame):
    raise QueryError("No.")


def test_one_result_of_a_connection_at_a_time(con):
    pieces = DuckDBPieces(con.sql("SELECT i FROM range(1000000) AS t(i)"))
    begun = pieces.map(count, ["i"])
    next(begun)
    # One of the two is told, and none ends early without a word: before DuckDB 2, the first.
    with pytest.raises(QueryError):
        assert pieces.reduce(count, ["i"]) + sum(begun) > 0
    begun.close()
    begun = pieces.map(count, ["i"])
    next(begun)
    del begun
    assert pieces.reduce(count, ["i"]) == 1000000


def test_what_is_gone_is_told(con):
    con.execute("CREATE TABLE t AS SELECT 1 AS x; CREATE VIEW v AS FROM t")
    view, table = DuckDBPieces(con.view("v")), DuckDBPieces(con.table("t"))
    con.execute("DROP VIEW v")
    with pytest.raises(QueryError, match="v does not exist"):
        view.reduce(count, ["x"])
    relation = con.table("t")
    con.close()
    for ask in (
        lambda: table.reduce(count, ["x"]),
        lambda: table.count_rows(["x"], 5),
        lambda: table.find_quantiles("x", [0.5], []),
        lambda: list(table.map(count, ["x"])),
        lambda: DuckDBPieces(relation),
    ):
        with pytest.raises(QueryError, match="connection was closed"):
            ask()


def test_tables_files_and_frames_are_read_alike(con, tmp_path):
    frame = pd.DataFrame({"k": [1, 2, 2], "s": ["a", None, "c"]})
    con.sql("FROM frame").to_parquet(str(tmp_path / "f.parquet"))
    con.sql("FROM frame").to_csv(str(tmp_path / "f.csv"))
    path = str(tmp_path / "kept.duckdb")
    with duckdb.connect(path) as writer:
        writer.execute("CREATE TABLE t AS FROM frame")
    with duckdb.connect(path, read_only=True) as kept:
        for relation in (
            con.from_df(frame),
            con.sql("FROM frame"),
            con.read_parquet(str(tmp_path / "f.parquet")),
            con.read_csv(str(tmp_path / "f.csv")),
            kept.table("t"),
        ):
            assert is_relation(relation)
            pd.testing.assert_frame_equal(gather(DuckDBPieces(relation)), frame)
    assert not is_relation(frame)


def test_fingerprints_are_of_the_query_and_last(con):
    con.execute("CREATE TABLE t AS SELECT 1 AS x")
    texts = ["SELECT x FROM t", "SELECT x FROM t", "SELECT x + 1 AS x FROM t", "SELECT 'a' AS x"]
    found = [DuckDBPieces(con.sql(text).filter("true")).fingerprint for text in texts]
    assert found[0] == found[1]
    assert len(set(found)) == 3


@pytest.mark.parametrize("sizes", [(1,), (2,), (7,), (1000,), (100001,)])
def test_quantiles_are_numpys(con, rng, sizes):
    frame = pd.DataFrame({"x": rng.standard_cauchy(sizes), "k": rng.integers(0, 9, sizes)})
    frame.loc[1::3, "x"] = np.nan
    frame["gaps"] = np.where(np.arange(sizes[0]) % 5 == 1, None, 1.0)
    pieces = DuckDBPieces(con.from_df(frame))
    at = [0, 0.1, 1 / 3, 0.5, 0.9999, 1]
    kept = frame.dropna()
    found = pieces.find_quantiles("x", at, ["gaps", "x"])
    np.testing.assert_allclose(found, np.quantile(kept["x"], at), rtol=1e-12)
    found = pieces.find_quantiles("k", at, [])
    np.testing.assert_allclose(found, np.quantile(frame["k"], at), rtol=1e-12)
    assert pieces.find_quantiles("k", [], []).shape == (0,)


@pytest.mark.parametrize("values", ["standard_cauchy", "integers", "constant", "two"])
def test_quantiles_of_many_rows_are_numpys(con, rng, values, monkeypatch):
    monkeypatch.setattr(streaming, "SORTED_ROWS", 1000)
    n = 30000
    drawn = {
        "standard_cauchy": rng.standard_cauchy(n),
        "integers": rng.integers(-3, 4, n).astype(float),
        "constant": np.full(n, 0.1),
        "two": np.where(np.arange(n) < n // 2, -1.0, 1e6),
    }[values]
    drawn[::7] = np.nan
    pieces = DuckDBPieces(con.from_df(pd.DataFrame({"x": drawn})))
    at = [0, 0.004, 0.1, 1 / 3, 0.5, 0.50001, 0.75, 0.9999, 1]
    truth = np.quantile(drawn[~np.isnan(drawn)], at)
    np.testing.assert_allclose(pieces.find_quantiles("x", at, []), truth, rtol=1e-12)


def test_quantiles_are_of_numbers(con):
    pieces = DuckDBPieces(con.sql("SELECT 'a' AS s, 1.25::DECIMAL(5, 2) AS d"))
    assert pieces.find_quantiles("d", [0.5], ["s"]).tolist() == [1.25]
    with pytest.raises(ColumnTypeError, match="VARCHAR"):
        pieces.find_quantiles("s", [0.5], [])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DROP TABLE t", "DROP"),
        ("SELECT 1; SELECT 2", "SELECT and SELECT"),
        ("INSERT INTO t VALUES (1)", "INSERT"),
        ("", "nothing"),
        ("-- only this", "nothing"),
        ("SELEC 1", "SELEC"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("WITH q AS (INSERT INTO t VALUES (1) RETURNING x) FROM q", "CTE|WITH"),
        ("COPY t TO 'file.csv'", "COPY"),
        ("SELECT 1) AS q; DROP TABLE t; --", "DuckDB"),
        (5, "text"),
    ],
)
def test_only_one_query_that_gives_rows_is_data(con, query, said):
    con.execute("CREATE TABLE t(x INT)")
    with pytest.raises(QueryError, match=said):
        from_sql(query, con)
    assert con.table("t").fetchall() == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS x",
        "FROM (SELECT 1 AS x)",
        "WITH q AS (SELECT 1 AS x) SELECT x FROM q;",
        "-- first\nSELECT 1 AS x -- last",
        "SELECT 1 AS x; -- ';' /* */",
        "SELECT 1 AS x /* ; */ ;; /* ; */",
        "VALUES (1)",
        "(SELECT 1 AS x)",
    ],
)
def test_queries_may_be_written_in_any_way(con, query):
    assert (
        from_sql(query, con).reduce(
            lambda frame: frame.iloc[0, 0], ["col0"] if "VAL" in query else ["x"]
        )
        == 1
    )


def test_queries_see_the_callers_frames_and_keep_their_order():
    mine = pd.DataFrame({"q": [2, 3, 1]})
    assert mine is not None
    assert gather(from_sql("SELECT q FROM mine ORDER BY q"))["q"].tolist() == [1, 2, 3]
    with pytest.raises(QueryError, match="text"):
        from_sql("FROM text")


def test_a_connection_must_be_one():
    with pytest.raises(OptionError, match="str"):
        from_sql("SELECT 1", "my.duckdb")


def test_an_interrupt_ends_the_pass_and_leaves_the_connection_usable():
    code = """
    import duckdb
    from mlelogit.data.streaming.sources.duckdb import DuckDBPieces
    con = duckdb.connect()
    pieces = DuckDBPieces(con.sql("SELECT i FROM range(100000000000) AS t(i)"))
    def work(frame):
        if frame["i"].iloc[0] == 0:
            print("begun", flush=True)
        return len(frame)
    try:
        pieces.reduce(work, ["i"], threads=2)
    except KeyboardInterrupt:
        print(con.sql("SELECT 42").fetchall(), flush=True)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "[(42,)]\n"


def test_equal_rows_are_counted_as_pandas_counts_them(con):
    relation = con.sql(MIXED.replace("i AS big", "i // 50 AS big"))
    pieces = DuckDBPieces(relation)
    columns = ["big", "tiny", "b", "bgaps", "e", "s"]
    group = count_rows(pieces, columns, 10**6)
    truth = relation.df().groupby(columns, dropna=False, observed=True).size()
    assert group.rows == 119
    assert group.frame.dtypes.equals(relation.df()[columns].dtypes)
    grouped = group.frame.assign(times=group.times).groupby(columns, dropna=False, observed=True)
    pd.testing.assert_series_equal(grouped["times"].sum(), truth, check_names=False)
    assert len(group.times) == len(truth)
    again = count_rows(DuckDBPieces(relation), columns, 10**6)
    pd.testing.assert_frame_equal(again.frame, group.frame)
    assert count_rows(pieces, columns, len(truth)) is not None
    assert count_rows(pieces, columns, len(truth) - 1) is None


def test_what_is_equal_in_duckdb_alone_is_told_apart(con):
    con.execute("CREATE TABLE t(s VARCHAR COLLATE NOCASE)")
    con.execute(
        "INSERT INTO t VALUES ('a'), ('A'), ('a '), ('é'), ('e\u0301'), ('a'), (NULL), ('')"
    )
    group = DuckDBPieces(con.table("t")).count_rows(["s"], 10)
    found = dict(zip(group.frame["s"].fillna("none"), group.times.tolist(), strict=True))
    assert found == {"a": 2, "A": 1, "a ": 1, "é": 1, "e\u0301": 1, "none": 1, "": 1}
    assert gather(DuckDBPieces(con.table("t")))["s"].nunique() == 6


def test_what_is_equal_in_memory_alone_is_put_together(con):
    values = ["0.0", "-0.0", "nan", "-nan", "0.3", "0.30000000000000004"]
    listed = ", ".join(f"('{value}'::DOUBLE)" for value in values)
    pieces = DuckDBPieces(con.sql(f"SELECT x FROM (VALUES {listed}, (NULL)) AS v(x)"))
    group = pieces.count_rows(["x"], 10)
    assert group.frame["x"].fillna(9).tolist() == [0.0, 0.3, 0.30000000000000004, 9.0]
    assert group.times.tolist() == [2, 1, 1, 3]


def test_a_limit_is_judged_before_all_rows_are_grouped(con):
    pieces = DuckDBPieces(con.sql("SELECT i, i % 1000 AS k FROM range(3000000) AS t(i)"))
    assert pieces.count_rows(["i"], 1000) is None
    # The first rows are few and the same; the estimate over all tells.
    sorted_ones = DuckDBPieces(con.sql("SELECT i // 100 AS k FROM range(3000000) AS t(i)"))
    assert sorted_ones.count_rows(["k"], 10000) is None
    group = pieces.count_rows(["k"], 1000)
    assert (group.times == 3000).all()
    assert group.frame["k"].tolist() == list(range(1000))
    assert pieces.count_rows([], 1000) is None

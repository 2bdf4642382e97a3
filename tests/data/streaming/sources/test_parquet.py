"""Parquet files read in pieces give the columns that pandas reads at once; damage is named."""

import errno
import os
import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming.opening import open_pieces
from mlelogit.data.streaming.sources import arrow
from mlelogit.data.streaming.sources.parquet import ParquetPieces
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    CorruptFileError,
    DataFileError,
    DuplicateColumnError,
    MNLogitError,
)

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def keep(frame):
    return frame


def gather(pieces, columns=None):
    frames = list(pieces.map(keep, columns or pieces.names))
    return pd.concat(frames, ignore_index=True), frames


def make_rows(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    utility = np.stack([0 * x, 0.5 + x, -0.5 * x]) + rng.gumbel(size=(3, n))
    return pd.DataFrame(
        {
            "y": np.array(["bus", "car", "rail"])[utility.argmax(0)],
            "x": x,
            "k": rng.integers(0, 5, n),
            "s": rng.choice(["a", "b", "c"], n),
        }
    )


def make_odd(n=60):
    return pd.DataFrame(
        {
            "whole": pd.array([1, 2, None, 4, 5, 6] * (n // 6), "Int64"),
            "float_gaps": pd.array([0.5, None, 2.5] * (n // 3), "Float64"),
            "truth": [True, False] * (n // 2),
            "truth_gaps": pd.array([True, None, False] * (n // 3), "boolean"),
            "text": ["b", None, "a"] * (n // 3),
            "grade": pd.Categorical(
                ["lo"] * (n // 2) + ["hi"] * (n // 2), ["lo", "mid", "hi"], ordered=True
            ),
            "price": [Decimal("1.50"), Decimal("2.25")] * (n // 2),
            "day": [date(2020, 1, 1), None] * (n // 2),
            "when": pd.date_range("2020", periods=n),
            "small": np.arange(n, dtype=np.float32),
            "byte": np.arange(n, dtype=np.uint8),
            "big": np.arange(n, dtype=np.uint64) + 2**63,
            "name with space: [x]": np.arange(n) / 7,
            "ключ": np.arange(n) / 3,
        }
    )


@pytest.fixture
def parts(tmp_path):
    rows = make_rows()
    for i in range(3):
        rows.iloc[i * 300 : (i + 1) * 300 + 100 * (i == 2)].to_parquet(
            tmp_path / f"part{i}.parquet", row_group_size=130, index=False
        )
    return tmp_path, rows


def test_columns_are_those_that_pandas_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "FEWEST_ROWS", 4)
    monkeypatch.setattr(arrow, "MOST_ROWS", 4)
    make_odd().to_parquet(tmp_path / "odd.parquet", row_group_size=7, index=False)
    read, frames = gather(ParquetPieces(tmp_path / "odd.parquet"))
    assert max(map(len, frames)) == 4
    pd.testing.assert_frame_equal(read, pd.read_parquet(tmp_path / "odd.parquet"))
    assert len({tuple(map(str, frame.dtypes)) for frame in frames}) == 1


def test_columns_that_pandas_did_not_write_are_those_that_pandas_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow, "MOST_ROWS", 2)
    monkeypatch.setattr(arrow, "FEWEST_ROWS", 2)
    table = pa.table(
        {
            "whole": pa.array([1, 2, 3, None, 5], pa.int32()),
            "full": pa.array([1, 2, 3, 4, 5], pa.int16()),
            "truth": pa.array([True, False, True, None, False]),
            "text": pa.array(["b", "a", None, "b", "c"]),
            "level": pa.array(["b", "a", None, "b", "c"]).dictionary_encode(),
            "price": pa.array([1.5, 2.5, 3.5, 4.5, None]).cast(pa.decimal128(5, 2)),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=3)
    read, frames = gather(ParquetPieces(tmp_path / "t.parquet"))
    pd.testing.assert_frame_equal(read, pd.read_parquet(tmp_path / "t.parquet"))
    assert {str(frame["whole"].dtype) for frame in frames} == {"float64"}


def test_gaps_are_found_without_statistics(tmp_path):
    table = pa.table({"k": pa.array([1, 2, None])})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2, write_statistics=False)
    read, frames = gather(ParquetPieces(tmp_path / "t.parquet"))
    assert {str(frame["k"].dtype) for frame in frames} == {"float64"}
    pd.testing.assert_frame_equal(read, pd.read_parquet(tmp_path / "t.parquet"))


def test_whole_numbers_that_doubles_cannot_hold_are_no_doubles_unseen(tmp_path):
    pq.write_table(pa.table({"k": pa.array([2**53 + 1, None])}), tmp_path / "t.parquet")
    with pytest.raises(ColumnTypeError, match=r"'k'.*beyond 2"):
        gather(ParquetPieces(tmp_path / "t.parquet"))


def test_dictionaries_that_grow_from_group_to_group_are_one(tmp_path):
    kind = pa.schema([("d", pa.dictionary(pa.int32(), pa.string()))])
    for name, groups in {"1": (["b", "a"], ["c", None, "a"]), "2": (["e", "a"],)}.items():
        with pq.ParquetWriter(tmp_path / f"{name}.parquet", kind) as writer:
            for values in groups:
                writer.write_table(pa.table({"d": pa.array(values).dictionary_encode()}))
    read, frames = gather(ParquetPieces(tmp_path))
    assert all(list(frame["d"].cat.categories) == ["b", "a", "c", "e"] for frame in frames)
    pd.testing.assert_frame_equal(read, pd.read_parquet(tmp_path))


def test_an_index_that_was_stored_is_no_column_unless_it_has_a_name(tmp_path):
    make_rows(10).set_index(pd.Index(list("abcdefghij"))).to_parquet(tmp_path / "a.parquet")
    make_rows(10).set_index(pd.Index(list("abcdefghij"), name="who")).to_parquet(
        tmp_path / "b.parquet"
    )
    assert ParquetPieces(tmp_path / "a.parquet").names == ("y", "x", "k", "s")
    assert ParquetPieces(tmp_path / "b.parquet").names == ("y", "x", "k", "s", "who")


def test_paths_patterns_folders_and_lists_are_the_same_rows(parts):
    folder, rows = parts
    paths = sorted(folder.glob("*.parquet"))
    for data in (folder, str(folder / "*.parquet"), paths, [str(path) for path in paths]):
        pieces = open_pieces(data)
        assert isinstance(pieces, ParquetPieces)
        assert pieces.way == "3 parquet files, 10 row groups, 1,000 rows"
        pd.testing.assert_frame_equal(gather(pieces)[0], rows)
    assert open_pieces(folder).fingerprint == open_pieces(paths).fingerprint


def test_folders_say_columns(tmp_path):
    for year in ("10", "9"):
        for place in ("a%20b", "__HIVE_DEFAULT_PARTITION__"):
            folder = tmp_path / f"year={year}" / f"place={place}"
            folder.mkdir(parents=True)
            make_rows(20, int(year)).to_parquet(folder / "p.parquet", index=False)
    read, _ = gather(ParquetPieces(tmp_path))
    # pandas cannot read a folder that stands for no value beside one that stands for some.
    there = pd.read_parquet(tmp_path, columns=["y", "x", "year"])
    assert read["year"].astype(int).tolist() == there["year"].astype(int).tolist()
    assert read["place"].isna().tolist() == ([True] * 20 + [False] * 20) * 2
    assert list(read["year"].cat.categories) == list(there["year"].cat.categories)
    pd.testing.assert_frame_equal(read[["y", "x"]], there[["y", "x"]])
    alone, _ = gather(ParquetPieces(f"{tmp_path}/year=*/place=a*/p.parquet"), ["year"])
    assert alone["year"].astype(int).tolist() == [10] * 20 + [9] * 20


def test_sums_do_not_depend_on_threads(parts):
    pieces = ParquetPieces(parts[0])

    def add(frame):
        return frame["x"].to_numpy().sum()

    sums = {pieces.reduce(add, ["x"], threads=threads) for threads in (1, 2, 4)}
    assert len(sums) == 1
    np.testing.assert_allclose(sums.pop(), parts[1]["x"].sum(), rtol=1e-13)


def test_quantiles_are_those_of_numpy(parts):
    pieces = ParquetPieces(parts[0])
    at = [0.0, 0.05, 1 / 3, 0.5, 0.9, 1.0]
    np.testing.assert_array_equal(
        pieces.find_quantiles("x", at, ["x", "y"]), np.quantile(parts[1]["x"], at)
    )


def test_the_fit_is_that_of_the_rows_in_memory(parts):
    folder, rows = parts
    formula = "y ~ x + C(k) + s"
    streamed = ml.mnlogit(formula, str(folder / "*.parquet"), stream=True).fit()
    held = ml.mnlogit(formula, rows).fit()
    np.testing.assert_allclose(streamed.params, held.params, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(streamed.bse, held.bse, rtol=1e-8)


@pytest.mark.parametrize(
    ("other", "raised", "said"),
    [
        ({"x": pa.array(["1", "2"])}, ColumnTypeError, "'x' is double in .*a.parquet but string"),
        ({"z": pa.array([1.0, 2.0])}, ColumnNotFoundError, "b.parquet has no column 'x'"),
        ({"x": pa.array([True, False])}, ColumnTypeError, "a.parquet but bool in .*b.parquet"),
    ],
)
def test_files_that_differ_are_both_named(tmp_path, other, raised, said):
    pq.write_table(pa.table({"x": [1.0, 2.0]}), tmp_path / "a.parquet")
    pq.write_table(pa.table(other), tmp_path / "b.parquet")
    with pytest.raises(raised, match=said):
        gather(ParquetPieces(tmp_path), ["x"])


def test_files_that_differ_in_nothing_that_matters_are_one_table(tmp_path):
    tables = [
        {
            "k": pa.array([1, 2], pa.int32()),
            "x": pa.array([1, 2]),
            "t": pa.array(["a", "b"]),
            "gone": pa.array([None, None]),
        },
        {
            "x": pa.array([1.5, 2.5]),
            "k": pa.array([3, 4], pa.int64()),
            "t": pa.array(["a", "b"], pa.large_string()),
            "gone": pa.array([1.0, 2.0]),
            "more": pa.array([1, 2]),
        },
    ]
    for i, table in enumerate(tables):
        pq.write_table(pa.table(table), tmp_path / f"{i}.parquet")
    read, frames = gather(ParquetPieces(tmp_path), ["k", "x", "t", "gone"])
    assert read["x"].tolist() == [1, 2, 1.5, 2.5]
    assert read["gone"].isna().tolist() == [True, True, False, False]
    text = str(pd.Series(["a"]).dtype)  # What pandas has text in: str from 3 on, before object.
    assert {tuple(map(str, frame.dtypes)) for frame in frames} == {
        ("int64", "float64", text, "float64")
    }


def test_two_columns_of_one_name_are_named(tmp_path):
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], ["x", "x"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DuplicateColumnError, match=r"t\.parquet.*'x'"):
        gather(ParquetPieces(tmp_path / "t.parquet"), ["x"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("nowhere.parquet", "There is no file"),
        ("nowhere/*.parquet", "No file matches"),
        ([], "list of files is empty"),
        ("s3://bucket/rows.parquet", "not on this machine.*from_sql"),
        ("https://host/rows.parquet", "not on this machine"),
        ("a\0b.parquet", "There is no file"),
        ("", "empty"),
        (3, "not int"),
        (b"a.parquet", "not bytes"),
    ],
)
def test_paths_that_lead_nowhere_are_named(data, said):
    with pytest.raises(DataFileError, match=said):
        ParquetPieces(data)


def test_a_file_listed_twice_or_a_folder_without_files_is_named(parts, tmp_path):
    with pytest.raises(DataFileError, match="listed twice"):
        ParquetPieces([tmp_path / "part0.parquet", tmp_path])
    (tmp_path / "none").mkdir()
    with pytest.raises(DataFileError, match="no parquet file in the folder"):
        ParquetPieces(tmp_path / "none")


def test_a_file_that_may_not_be_read_is_named(parts, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    pieces = ParquetPieces(parts[0])
    monkeypatch.setattr(pq, "ParquetFile", refuse)
    for attempt in (lambda: ParquetPieces(parts[0]), lambda: gather(pieces)):
        with pytest.raises(DataFileError, match=r"part0\.parquet.*Permission denied") as caught:
            attempt()
        assert not isinstance(caught.value, CorruptFileError)


def test_a_file_that_changes_between_passes_is_named(parts):
    pieces = ParquetPieces(parts[0])
    gather(pieces)
    path = parts[0] / "part1.parquet"
    make_rows(300, 9).to_parquet(path, row_group_size=130, index=False)
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataFileError, match=r"part1\.parquet.*changed after") as caught:
        gather(pieces)
    assert not isinstance(caught.value, CorruptFileError)
    path.unlink()
    with pytest.raises(DataFileError, match=r"part1\.parquet.*No such file"):
        gather(pieces)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"y,x\n1,2\n" * 100, b"PAR1" + bytes(200) + b"PAR1"]
)
def test_what_is_no_parquet_file_is_named(parts, content):
    (parts[0] / "part1.parquet").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"part1\.parquet"):
        ParquetPieces(parts[0])


def hurt(path, change):
    """Change a file's bytes, but not when it was written."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    path.write_bytes(change(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def find_pages(path, group):
    """Return where the first column of a row group begins and ends."""
    column = pq.ParquetFile(path).metadata.row_group(group).column(1)
    start = column.dictionary_page_offset or column.data_page_offset
    return start, start + column.total_compressed_size


def test_a_file_cut_off_at_its_end_or_in_its_middle_is_named(parts):
    path = parts[0] / "part1.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(CorruptFileError, match=r"part1\.parquet.*its end is lost"):
        ParquetPieces(parts[0])
    path.write_bytes(whole[:600] + whole[900:])
    with pytest.raises(CorruptFileError, match=r"part1\.parquet"):
        gather(ParquetPieces(parts[0]))


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "none"])
def test_garbage_in_a_page_names_file_and_row_group(parts, compression):
    folder, rows = parts
    path = folder / "part1.parquet"
    rows.to_parquet(
        path, row_group_size=400, index=False, compression=compression, write_page_checksum=True
    )
    start, end = find_pages(path, 1)

    def garble(content):
        content[(start + end) // 2] ^= 0xFF
        return content

    hurt(path, garble)
    with pytest.raises(CorruptFileError, match=r"part1\.parquet', row group 1"):
        gather(ParquetPieces(folder))
    with pytest.raises(CorruptFileError, match=r"part1\.parquet', row group 1"):
        ml.mnlogit("y ~ x", folder, stream=True).fit()
    assert len(gather(ParquetPieces(folder), ["k"])[0]) == 1700


def test_bytes_flipped_anywhere_are_named_or_change_no_checked_value(tmp_path):
    """With checksums no damage passes for data: every flip is a named error, or not in a page."""
    rows = make_rows(400)
    path = tmp_path / "t.parquet"
    rows.to_parquet(path, row_group_size=200, index=False, write_page_checksum=True)
    whole, chance, named = path.read_bytes(), random.Random(1), 0
    for _ in range(150):
        content = bytearray(whole)
        content[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            read = gather(ParquetPieces(path))[0]
        except MNLogitError:
            named += 1
            continue
        if list(read.columns) == list(rows.columns):
            pd.testing.assert_frame_equal(read, rows, check_dtype=False)
    assert named > 50


@pytest.mark.parametrize("notes", [b"null", b"[]", b"{", b'{"columns": 3, "index_columns": 5}'])
def test_notes_of_pandas_that_make_no_sense_are_none(tmp_path, notes):
    table = pa.table({"x": [1.0, 2.0]}).replace_schema_metadata({b"pandas": notes})
    pq.write_table(table, tmp_path / "t.parquet")
    assert gather(ParquetPieces(tmp_path / "t.parquet"))[0]["x"].tolist() == [1.0, 2.0]


def test_damage_without_checksums_ends_in_no_other_way_than_by_name(tmp_path):
    """Damaged statistics of a footer end the process where pyarrow is asked to show them."""
    path, chance, named = tmp_path / "t.parquet", random.Random(2), 0
    table = pa.table({"k": [1, 2, None] * 20, "b": [True, None, False] * 20, "t": ["a"] * 60})
    pq.write_table(table, path, row_group_size=30, compression="none")
    whole = path.read_bytes()
    for _ in range(200):
        content = bytearray(whole)
        content[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            gather(ParquetPieces(path))
        except MNLogitError:
            named += 1
    assert named > 50


def test_a_link_to_a_file_is_that_file(parts):
    link = parts[0] / "link.parquet"
    link.symlink_to(parts[0] / "part0.parquet")
    with pytest.raises(DataFileError, match="listed twice"):
        ParquetPieces(Path(parts[0]))

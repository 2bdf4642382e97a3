"""Datasets of pyarrow are read as the table that they are; what can be read once is named."""

import os

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.streaming.opening import open_pieces
from mlelogit.data.streaming.sources.datasets import DatasetPieces, is_dataset
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    CorruptFileError,
    DataFileError,
)
from tests.data.streaming.sources.test_parquet import find_pages, gather, hurt, make_odd, make_rows

pa = pytest.importorskip("pyarrow")
ds = pytest.importorskip("pyarrow.dataset")
pc = pytest.importorskip("pyarrow.compute")


@pytest.fixture
def parts(tmp_path):
    rows = make_rows()
    for i, part in enumerate((rows[:400], rows[400:])):
        part.to_parquet(tmp_path / f"{i}.parquet", row_group_size=150, index=False)
    return tmp_path, rows


def test_row_groups_are_parts(parts):
    pieces = open_pieces(ds.dataset(parts[0]))
    assert isinstance(pieces, DatasetPieces)
    assert pieces.way == "pyarrow dataset, 7 parts, 1,000 rows"
    pd.testing.assert_frame_equal(gather(pieces)[0], parts[1])
    assert open_pieces(ds.dataset(parts[0])).fingerprint == pieces.fingerprint


@pytest.mark.parametrize("kind", ["feather", "csv", "parquet"])
def test_formats_give_what_pandas_reads(tmp_path, kind):
    rows = make_rows(500)
    rows.loc[3, "k"] = None
    table = pa.Table.from_pandas(rows, preserve_index=False)
    ds.write_dataset(table, tmp_path, format=kind, max_rows_per_group=200, max_rows_per_file=300)
    pieces = DatasetPieces(ds.dataset(tmp_path, format=kind))
    pd.testing.assert_frame_equal(gather(pieces)[0], rows)


def test_odd_types_are_those_that_pandas_reads(tmp_path):
    make_odd().to_parquet(tmp_path / "odd.parquet", row_group_size=7, index=False)
    read, frames = gather(DatasetPieces(ds.dataset(tmp_path / "odd.parquet")))
    pd.testing.assert_frame_equal(read, pd.read_parquet(tmp_path / "odd.parquet"))
    assert len({tuple(map(str, frame.dtypes)) for frame in frames}) == 1


def test_a_filter_stays_a_filter(parts):
    dataset = ds.dataset(parts[0]).filter(pc.field("k") > 2)
    pieces = DatasetPieces(dataset)
    assert pieces.rows is None
    wanted = parts[1][parts[1]["k"] > 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(gather(pieces)[0], wanted)
    assert pieces.fingerprint != DatasetPieces(ds.dataset(parts[0])).fingerprint


def test_tables_in_memory_unions_and_partitions_are_datasets(parts, tmp_path):
    table = pa.Table.from_pandas(parts[1], preserve_index=False)
    once = ds.dataset(table)
    both = ds.dataset([ds.dataset(parts[0]), ds.dataset(parts[0])])
    pd.testing.assert_frame_equal(gather(DatasetPieces(once))[0], parts[1])
    assert len(gather(DatasetPieces(both))[0]) == 2000
    hive = {"partitioning": ["k"], "partitioning_flavor": "hive"}
    ds.write_dataset(table, tmp_path / "h", format="parquet", **hive)
    pieces = DatasetPieces(ds.dataset(tmp_path / "h", partitioning="hive"))
    counts = gather(pieces, ["k"])[0]["k"].value_counts().to_dict()
    assert counts == parts[1]["k"].value_counts().to_dict()


def test_quantiles_and_fit_are_those_of_the_rows_in_memory(parts):
    dataset = ds.dataset(parts[0])
    found = DatasetPieces(dataset).find_quantiles("x", [0.1, 0.5], ["x"])
    np.testing.assert_array_equal(found, np.quantile(parts[1]["x"], [0.1, 0.5]))
    streamed = ml.mnlogit("y ~ x + s", dataset, stream=True).fit()
    held = ml.mnlogit("y ~ x + s", parts[1]).fit()
    np.testing.assert_allclose(streamed.params, held.params, rtol=1e-8, atol=1e-9)


def test_what_can_be_read_once_is_named(parts):
    dataset = ds.dataset(parts[0])
    for once in (dataset.scanner(), dataset.scanner().to_reader()):
        with pytest.raises(ColumnTypeError, match=r"only once.*opens it anew"):
            open_pieces(once)
    assert not is_dataset(pa.table({"x": [1]}))
    opened = open_pieces(lambda: (pa.table(batch) for batch in dataset.to_batches()))
    pd.testing.assert_frame_equal(gather(opened)[0], parts[1], check_dtype=False)


def test_absent_columns_are_named(parts):
    with pytest.raises(ColumnNotFoundError, match=r"no column 'z'"):
        gather(DatasetPieces(ds.dataset(parts[0])), ["z"])


def test_damage_names_file_and_row_group(parts):
    dataset, path = ds.dataset(parts[0]), parts[0] / "1.parquet"
    pieces = DatasetPieces(dataset)
    start, end = find_pages(path, 1)

    def wipe(content):
        content[start:end] = bytes(end - start)
        return content

    hurt(path, wipe)
    with pytest.raises(CorruptFileError, match=r"1\.parquet', row group 1"):
        gather(pieces)
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataFileError, match=r"1\.parquet.*changed after"):
        gather(pieces)
    path.write_bytes(b"PAR1")
    with pytest.raises(CorruptFileError, match=r"1\.parquet"):
        DatasetPieces(ds.dataset(parts[0]))


@pytest.mark.parametrize("change", ["delete", "cut", "delete before"])
def test_files_that_are_gone_in_mid_fit_are_told(tmp_path, change):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"x": np.arange(100.0)}).to_parquet(path, row_group_size=20)
    for dataset in (ds.dataset(tmp_path), ds.dataset(tmp_path).filter(ds.field("x") > 5)):
        content = path.read_bytes()
        pieces = DatasetPieces(dataset)
        if change != "delete before":
            pieces.reduce(len, ["x"])
        path.unlink()
        if change == "cut":
            path.write_bytes(content[:-50])
        with pytest.raises(DataFileError, match=r"a\.parquet"):
            pieces.reduce(len, ["x"])
        path.write_bytes(content)


def test_checksums_of_pages_are_checked_and_the_users_options_stay(tmp_path):
    path = tmp_path / "a.parquet"
    rows = pd.DataFrame({"k": 0, "x": np.random.default_rng(1).normal(size=400)})
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    rows.to_parquet(path, row_group_size=200, index=False, **options)
    start, end = find_pages(path, 1)

    def flip(content):
        content[(start + end) // 2] ^= 1
        return content

    hurt(path, flip)
    plain = ds.dataset(tmp_path)
    assert not plain.to_table().to_pandas().equals(rows)  # pyarrow by itself reads it.
    with pytest.raises(CorruptFileError, match=r"a\.parquet', row group 1"):
        gather(DatasetPieces(plain))
    assert not plain.format.default_fragment_scan_options.page_checksum_verification
    with pytest.raises(CorruptFileError, match="filtered"):
        gather(DatasetPieces(plain.filter(ds.field("x") > -9)))

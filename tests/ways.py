"""The ways in which rows come to a fit, all of which have to give the same answer."""

from itertools import pairwise

import numpy as np
import pytest

import mlelogit as ml

PIECES = 4
IN_PIECES = {"stream": True, "compress": False}


def build(formula, data, **options):
    """Build a model of a frame in memory, or of frames that are read in pieces."""
    in_pieces = IN_PIECES if isinstance(data, list) or callable(data) else {}
    return ml.mnlogit(formula, data, **in_pieces, **options)


def cut(frame, pieces=PIECES):
    """Return a frame in pieces of uneven length."""
    marks = np.linspace(0, 1, pieces + 1) ** 1.5 * len(frame)
    starts = np.round(marks).astype(int)
    return [frame.iloc[one:two] for one, two in pairwise(starts)]


def compressed(frame, _):
    return {"data": frame, "compress": True}


def in_frames(frame, _):
    return {"data": cut(frame), "stream": True, "compress": False}


def opened_anew(frame, _):
    return {"data": lambda: iter(cut(frame)), "stream": True, "compress": False}


def grouped(frame, _):
    return {"data": cut(frame), "stream": True, "compress": True}


def in_parquet(frame, folder):
    pytest.importorskip("pyarrow")
    for number, part in enumerate(cut(frame)):
        part.to_parquet(folder / f"{number}.parquet", row_group_size=100)
    return {"data": str(folder / "*.parquet"), "stream": True, "compress": False}


def in_duckdb(frame, _):
    duckdb = pytest.importorskip("duckdb")
    table = duckdb.connect().from_df(frame)
    return {"data": table, "stream": True, "compress": False}


def grouped_in_duckdb(frame, _):
    return {**in_duckdb(frame, None), "compress": True}


def in_dask(frame, _):
    dask = pytest.importorskip("dask.dataframe")
    return {"data": dask.from_pandas(frame, npartitions=PIECES), "compress": False}


def in_polars(frame, _):
    polars = pytest.importorskip("polars")
    return {"data": polars.from_pandas(frame)}


def in_arrow(frame, _):
    arrow = pytest.importorskip("pyarrow")
    return {"data": arrow.Table.from_pandas(frame, preserve_index=False)}


WAYS = {
    way.__name__: way
    for way in (
        compressed,
        in_frames,
        opened_anew,
        grouped,
        in_parquet,
        in_duckdb,
        grouped_in_duckdb,
        in_dask,
        in_polars,
        in_arrow,
    )
}

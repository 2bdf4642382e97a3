"""Partitions of dask frames: one answer on any number of workers, whoever dies meanwhile."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml

pytest.importorskip("distributed")
dd = pytest.importorskip("dask.dataframe")

import dask  # noqa: E402
from distributed import Client, LocalCluster, futures_of, wait  # noqa: E402

from mlelogit.data.streaming.sources import dask as streaming  # noqa: E402
from mlelogit.data.streaming.sources.dask import DaskPieces, predict_lazily  # noqa: E402
from mlelogit.data.streaming.sources.pieces import add_records  # noqa: E402
from mlelogit.exceptions import (  # noqa: E402
    ClusterError,
    ColumnTypeError,
    DataFileError,
    DuplicateColumnError,
    WeightError,
)
from tests.data.streaming.work import (  # noqa: E402
    Counted,
    Heavy,
    Waiting,
    break_down,
    die,
    refuse_one,
    total,
)

LIMIT = 90.0


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """Workers that are killed say so in many lines."""
    with dask.config.set({"distributed.admin.system-monitor.interval": "10s"}):
        yield


@pytest.fixture(scope="module")
def cluster(quiet):
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=LIMIT)
        yield client


def start_threads(workers):
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        dashboard_address=":0",
        silence_logs=50,
    )


@pytest.fixture
def frame(rng):
    return pd.DataFrame({"x": rng.normal(size=1200), "y": rng.choice(["a", "b"], 1200)})


def finish(function, *args):
    """Return what a function returns, or fail where it would never end."""
    done = []

    def run():
        try:
            done.append((function(*args), None))
        except BaseException as error:  # noqa: BLE001 - raised below
            done.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert done, "it does not end"
    result, error = done[0]
    if error is not None:
        raise error
    return result


def add_in_tree(records):
    """Add as the tree of additions does."""
    while len(records) > 1:
        groups = [records[start : start + 8] for start in range(0, len(records), 8)]
        records = []
        for group in groups:
            sum_of_group = None
            for record in group:
                sum_of_group = add_records(sum_of_group, record)
            records.append(sum_of_group)
    return records[0]


@pytest.mark.parametrize("partitions", [1, 7, 8, 9, 70])
def test_sums_have_the_order_of_the_tree(frame, partitions):
    table = dd.from_pandas(frame, npartitions=partitions)
    parts = [total(part) for part in dask.compute(*table.partitions)]
    found = DaskPieces(table).reduce(total, ["x"])
    assert found.tolist() == add_in_tree(parts).tolist()


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_change_no_digit(frame, workers):
    table = dd.from_pandas(frame, npartitions=37)
    alone = DaskPieces(table).reduce(total, ["x"], threads=2)
    with start_threads(workers) as cluster, Client(cluster):
        pieces = DaskPieces(table.persist())
        assert pieces.way == f"Dask, 37 partitions on {workers} worker{'s' * (workers > 1)}"
        assert finish(pieces.reduce, total, ["x"]).tolist() == alone.tolist()


def kill_first(path):
    """Kill the process that a file names, as soon as it does."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if Path(path).exists() and Path(path).read_text():
            os.kill(int(Path(path).read_text()), signal.SIGKILL)
            return
        time.sleep(0.01)


@pytest.mark.parametrize("persisted", [False, True])
def test_a_worker_is_lost_in_mid_pass(client, frame, tmp_path, persisted):
    table = dd.from_pandas(frame, npartitions=20)
    alone = DaskPieces(table).reduce(total, ["x"])
    table = table.persist() if persisted else table
    before = set(client.nthreads())
    path = str(tmp_path / "process")
    killer = threading.Thread(target=kill_first, args=(path,))
    killer.start()
    found = finish(DaskPieces(table).reduce, Waiting(path), ["x"])
    killer.join()
    assert found.tolist() == alone.tolist()
    assert not before <= set(client.nthreads())


def test_work_that_kills_its_workers_is_told(client, cluster, frame):
    allowed = cluster.scheduler.allowed_failures
    cluster.scheduler.allowed_failures = 0
    try:
        with pytest.raises(ClusterError, match="Workers died"):
            finish(DaskPieces(dd.from_pandas(frame, npartitions=2)).reduce, die, ["x"])
    finally:
        cluster.scheduler.allowed_failures = allowed


def test_only_sums_and_one_function_per_worker_travel(client, tmp_path):
    table = dd.from_pandas(pd.DataFrame({"x": np.arange(6e5)}), npartitions=40).persist()
    wait(table)
    finish(DaskPieces(table).reduce, total, ["x"])  # Now dask knows how long that takes.
    heavy = Heavy(np.arange(20000.0), str(tmp_path))
    held, before = client.who_has(futures_of(table)), list_received(client)
    found = finish(DaskPieces(table).reduce, heavy, ["x"])
    travelled = list_received(client)[len(before) :]
    assert found.tolist() == [6e5, 40 * heavy.values.sum()]
    assert len(list(tmp_path.iterdir())) <= 4
    # Where dask moves a partition to spare a worker is its own affair, by the times it measured;
    # all else is the function, once per worker, and sums of two numbers.
    names = [str(key) for key, _ in travelled]
    moved = [name for name in names if "mlelogit" not in name and "run_partition" not in name]
    assert len(set(moved)) == len(moved) < 40
    assert sum("mlelogit-work" in name for name in names) <= 2
    sums = [size for key, size in travelled if "mlelogit-work" not in str(key)]
    assert sum(sums) - sum(size for key, size in travelled if str(key) in moved) < 40 * 1000
    now = client.who_has(futures_of(table))
    assert all(set(held[key]) <= set(now[key]) for key in held)


def list_received(client):
    """Return what workers have had from each other, keys and bytes, in the order of the time."""

    def tell(dask_worker):
        log = list(dask_worker.transfer_incoming_log)
        return [(entry["start"], key, size) for entry in log for key, size in entry["keys"].items()]

    entries = [entry for some in client.run(tell).values() for entry in some]
    return [(key, size) for _, key, size in sorted(entries, key=lambda entry: entry[0])]


def test_nothing_is_left_on_the_cluster(client, cluster, frame):
    finish(DaskPieces(dd.from_pandas(frame, npartitions=9)).reduce, total, ["x"])
    wait_until(lambda: not cluster.scheduler.tasks)


def wait_until(condition):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_interrupt_cancels_what_is_left(client, cluster, frame, tmp_path):
    path = str(tmp_path / "process")

    def interrupt():
        wait_until(Path(path).exists)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        DaskPieces(dd.from_pandas(frame, npartitions=9)).reduce(Waiting(path), ["x"])
    thread.join()
    Path(path + ".go").touch()
    wait_until(lambda: not cluster.scheduler.tasks)


def test_errors_say_which_partition_it_was():
    table = dd.from_pandas(pd.DataFrame({"x": range(100)}), npartitions=4)
    with pytest.raises(WeightError, match=r"^In partition 2: Something is wrong with x\.$"):
        DaskPieces(table).reduce(refuse_one, ["x"])
    with pytest.raises(WeightError, match=r"^In partition 2:"):
        list(DaskPieces(table).map(refuse_one, ["x"]))


def test_errors_of_workers_say_which_partition_it_was(client):
    table = dd.from_pandas(pd.DataFrame({"x": range(100)}), npartitions=4)
    with pytest.raises(WeightError, match=r"^In partition 2: Something is wrong with x\.$"):
        finish(DaskPieces(table).reduce, refuse_one, ["x"])
    with pytest.raises(ZeroDivisionError, match="a mistake of the package"):
        finish(DaskPieces(table).reduce, break_down, ["x"])


def test_partitions_that_cannot_be_made_are_named_errors(tmp_path, frame):
    for place in range(3):
        frame.to_parquet(tmp_path / f"{place}.parquet")
    table = dd.read_parquet(tmp_path)
    (tmp_path / "1.parquet").write_bytes(b"nothing")
    with pytest.raises(DataFileError, match="could not make a partition"):
        DaskPieces(table).reduce(total, ["x"])


def test_workers_of_another_version_are_refused(monkeypatch, frame):
    monkeypatch.setattr(streaming, "VERSION", "0.0.1")
    with pytest.raises(ClusterError, match=r"and the client 0\.0\.1"):
        DaskPieces(dd.from_pandas(frame, npartitions=2)).reduce(total, ["x"])


def test_map_is_lazy_and_in_order(tmp_path):
    table = dd.from_pandas(pd.DataFrame({"x": np.arange(100.0)}), npartitions=20)
    results = DaskPieces(table).map(Counted(str(tmp_path)), ["x"])
    assert not list(tmp_path.iterdir())
    assert next(results)[1] == sum(range(5))
    assert len(list(tmp_path.iterdir())) < 20
    assert [result[1] for result in results] == [sum(range(5 * i, 5 * i + 5)) for i in range(1, 20)]


def test_map_of_a_cluster_is_in_order(client):
    table = dd.from_pandas(pd.DataFrame({"x": np.arange(100.0)}), npartitions=20)
    results = finish(lambda: list(DaskPieces(table).map(total, ["x"])))
    assert [result[1] for result in results] == [sum(range(5 * i, 5 * i + 5)) for i in range(20)]


def test_parquet_readers_read_only_the_columns_asked_for(tmp_path, frame):
    frame.to_parquet(tmp_path / "a.parquet")
    table = dd.read_parquet(tmp_path / "a.parquet")
    seen = DaskPieces(table).map(list, ["x"])
    assert next(seen) == ["x"]
    graph, _ = DaskPieces(table)._send(total, ["x"])
    assert "'y'" not in repr(list(graph.values()))


def test_an_empty_partition_counts_for_nothing(frame):
    table = dd.from_pandas(frame.sort_values("x"), npartitions=6, sort=False)
    some = table[table["x"] > 0]
    assert (some.map_partitions(len).compute() == 0).any()
    found = DaskPieces(some).reduce(total, ["x"])
    assert found[0] == (frame["x"] > 0).sum()
    assert DaskPieces(table[table["x"] > 99]).reduce(total, ["x"]) is None


def list_categories(frame):
    return [list(frame["z"].cat.categories)]


def test_unknown_categories_stay_in_the_order_that_all_partitions_declare():
    rows = pd.DataFrame({"y": pd.Categorical(list("ababba") * 9, ["b", "a"]), "x": range(54)})
    table = dd.from_pandas(rows.assign(x=rows["x"] % 7), npartitions=3)
    table["y"] = table["y"].cat.as_unknown()
    model = ml.mnlogit("y ~ x", table, compress=False)
    assert model.categories == ml.mnlogit("y ~ x", rows).categories == ("b", "a")


@pytest.mark.parametrize("known", [False, True])
def test_known_categories_do_not_depend_on_the_partition(known):
    parts = [
        pd.DataFrame({"z": pd.Categorical(["b", "a"], categories=["b", "a"])}),
        pd.DataFrame({"z": pd.Categorical(["a", "b"], categories=["a", "b"])}),
    ]
    meta = parts[0].iloc[:0]
    if not known:
        meta = dd.from_pandas(parts[0], npartitions=1)._meta.assign(
            z=dd.from_pandas(parts[0], npartitions=1)["z"].cat.as_unknown()._meta
        )
    table = dd.from_delayed([dask.delayed(part) for part in parts], meta=meta, verify_meta=False)
    found = DaskPieces(table).reduce(list_categories, ["z"])
    assert found == [["b", "a"], ["b", "a"] if known else ["a", "b"]]


def test_values_outside_known_categories_are_refused():
    parts = [pd.DataFrame({"z": pd.Categorical(["b"])}), pd.DataFrame({"z": ["c"]})]
    delayed = [dask.delayed(part) for part in parts]
    table = dd.from_delayed(delayed, meta=parts[0].iloc[:0], verify_meta=False)
    with pytest.raises(ColumnTypeError, match=r"In partition 1: Column 'z' holds 'c'"):
        DaskPieces(table).reduce(list_categories, ["z"])


def test_tables_are_told_apart(frame):
    first, second = (dd.from_pandas(frame.head(rows), npartitions=2) for rows in (100, 101))
    again = dd.from_pandas(frame.head(100), npartitions=2)
    assert DaskPieces(first).fingerprint == DaskPieces(again).fingerprint
    assert DaskPieces(first).fingerprint != DaskPieces(second).fingerprint


def test_columns_of_dask_are_no_frame(frame):
    table = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(ColumnTypeError, match=r"no dask\.dataframe\.DataFrame"):
        DaskPieces(table["x"])
    table.columns = ["x", "x"]
    with pytest.raises(DuplicateColumnError):
        DaskPieces(table)


def test_quantiles_are_exact(frame):
    table = dd.from_pandas(frame, npartitions=5)
    at = [0, 0.1, 0.5, 0.9, 1]
    found = DaskPieces(table).find_quantiles("x", at, ["y"])
    np.testing.assert_array_equal(found, np.quantile(frame["x"], at))


def halve(frame):
    return pd.DataFrame({"low": frame["x"] / 2, "high": 1 - frame["x"] / 2})


def test_predictions_are_lazy_frames(frame):
    table = dd.from_pandas(frame, npartitions=5)
    meta = pd.DataFrame({"low": pd.Series(dtype=float), "high": pd.Series(dtype=float)})
    predicted = predict_lazily(halve, table, meta)
    assert predicted.divisions == table.divisions
    assert predicted.dtypes.equals(meta.dtypes)
    pd.testing.assert_frame_equal(predicted.compute(), halve(frame))
    none = predict_lazily(halve, table[table["x"] > 99], meta)
    assert none.compute().shape == (0, 2)


@pytest.mark.parametrize("clustered", [False, True])
def test_a_bar_counts_partitions(frame, monkeypatch, request, clustered):
    if clustered:
        request.getfixturevalue("client")
    bars = []

    class Bar:
        def __init__(self, what, steps):
            self.what, self.steps, self.done = what, steps, 0
            bars.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def update(self, steps=1):
            self.done += steps

    monkeypatch.setattr(streaming, "start_bar", Bar)
    table = dd.from_pandas(frame, npartitions=12)
    finish(DaskPieces(table).reduce, total, ["x"], "Pass 3")
    (bar,) = bars
    assert (bar.what, bar.steps) == ("Pass 3", 12)
    wait_until(lambda: bar.done == 12 or not clustered)
    assert bar.done == 12

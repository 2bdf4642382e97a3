"""Fits of dask frames are the fits in memory, the same bits on any number of workers."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")
dd = pytest.importorskip("dask.dataframe")

import dask  # noqa: E402
from distributed import Client, LocalCluster  # noqa: E402

import mlelogit as ml  # noqa: E402
from mlelogit.exceptions import (  # noqa: E402
    ColumnNotFoundError,
    InfiniteValueError,
    MissingDataError,
    OffsetError,
)
from tests.data.streaming.test_dask import finish, start_threads, wait_until  # noqa: E402

FORMULA = "vote ~ age + region + children"
CLOSE = 1e-10


def gather(result):
    """Return everything numerical that a fit tells."""
    robust, cluster = result.with_cov("HC1"), result.with_cov("cluster", groups="district")
    scalars = [result.llf, result.llnull, result.nobs, result.aic, result.bic]
    tables = [result.params, result.bse, robust.bse, cluster.bse, result.cov_params()]
    return np.concatenate([scalars, *(table.to_numpy().ravel() for table in tables)])


def compare(result, other):
    """Compare two fits, parameters by their standard errors and all else relatively."""
    off = np.abs(result.params - other.params) / other.bse
    assert off.to_numpy().max() < CLOSE
    np.testing.assert_allclose(result.bse, other.bse, rtol=CLOSE)
    np.testing.assert_allclose(result.llf, other.llf, rtol=1e-13)


@pytest.fixture
def people(rng, voters):
    return voters.assign(
        district=rng.integers(0, 30, len(voters)),
        importance=rng.uniform(0.5, 2, len(voters)),
        known=rng.normal(size=len(voters)),
    )


def cut(frame, partitions=9):
    return dd.from_pandas(frame, npartitions=partitions)


def test_workers_change_no_digit_of_a_fit(people):
    found = [gather(ml.mnlogit(FORMULA, cut(people)).fit())]
    for workers in (1, 2, 4):
        with start_threads(workers) as cluster, Client(cluster):
            result = finish(ml.mnlogit(FORMULA, cut(people).persist()).fit)
            found.append(finish(gather, result))
    assert all(one.tolist() == found[0].tolist() for one in found[1:])
    np.testing.assert_allclose(found[0], gather(ml.mnlogit(FORMULA, people).fit()), rtol=1e-9)
    compare(ml.mnlogit(FORMULA, cut(people)).fit(), ml.mnlogit(FORMULA, people).fit())


@pytest.mark.parametrize("kind", ["nonrobust", "opg", "HC0", "HC1", "robust"])
def test_covariances_are_those_of_memory(people, kind):
    found = ml.mnlogit(FORMULA, cut(people)).fit(cov_type=kind)
    compare(found, ml.mnlogit(FORMULA, people).fit(cov_type=kind))


@pytest.mark.parametrize("correction", ["CR0", "CR1", "stata"])
def test_clusters_across_partitions_are_those_of_memory(people, correction):
    asked = {"groups": "district", "correction": correction}
    found = ml.mnlogit(FORMULA, cut(people)).fit().with_cov("cluster", **asked)
    compare(found, ml.mnlogit(FORMULA, people).fit().with_cov("cluster", **asked))


@pytest.mark.parametrize(
    "options",
    [
        {"weights": "people", "weight_type": "frequency"},
        {"weights": "importance", "weight_type": "sampling"},
        {"offset": ["known", "age"]},
        {"missing": "drop"},
    ],
)
def test_options_are_those_of_memory(people, options):
    if "missing" in options:
        people.loc[::7, "age"] = np.nan
        people.loc[::11, "region"] = None
    if "offset" in options:
        people = people.assign(known=people["known"] / 9, age=people["age"] / 99)
        options = {"offset": ["bob", "cat"]}
        people = people.rename(columns={"known": "bob"}).assign(cat=people["known"] ** 2)
    compare(
        ml.mnlogit(FORMULA, cut(people), **options).fit(),
        ml.mnlogit(FORMULA, people, **options).fit(),
    )


@dataclass(frozen=True)
class Loader:
    """Gives a partition; once, in the third pass, it names its process and waits for the end."""

    frame: pd.DataFrame
    folder: str

    def __call__(self, number):
        if number == 3:
            loads = len(list(Path(self.folder).glob("load*")))
            Path(self.folder, f"load{loads}").touch()
            if loads == 3:
                part = Path(self.folder, "part")
                part.write_text(str(os.getpid()))
                part.rename(Path(self.folder, "process"))
                time.sleep(60)
        return self.frame.iloc[50 * number : 50 * (number + 1)]


def test_a_worker_is_lost_in_mid_fit(people, tmp_path):
    (tmp_path / "still").mkdir()
    (tmp_path / "lost").mkdir()
    for number in range(9):
        (tmp_path / "still" / f"load{number}").touch()
    still, lost = (
        dd.from_map(Loader(people, str(tmp_path / name)), range(8), meta=people.iloc[:0])
        for name in ("still", "lost")
    )
    undisturbed = gather(ml.mnlogit(FORMULA, still).fit())

    def kill():
        wait_until((tmp_path / "lost" / "process").exists)
        os.kill(int((tmp_path / "lost" / "process").read_text()), signal.SIGKILL)

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        before = set(client.nthreads())
        killer = threading.Thread(target=kill)
        killer.start()
        found = finish(lambda: gather(ml.mnlogit(FORMULA, lost).fit()))
        killer.join()
        assert not before <= set(client.nthreads())
    assert found.tolist() == undisturbed.tolist()


def make_unknown(people):
    table = cut(people)
    return table.assign(region=table["region"].astype("category").cat.as_unknown())


def make_different(people):
    """Partitions with other dtypes than the table says."""
    parts = [
        people.iloc[:100].astype({"children": float}),
        people.iloc[100:250].astype({"age": object}),
        people.iloc[250:].astype({"region": object, "vote": object, "children": "Int64"}),
    ]
    delayed = [dask.delayed(part) for part in parts]
    return dd.from_delayed(delayed, meta=people.iloc[:0], verify_meta=False)


TABLES = {
    "unknown categories": make_unknown,
    "an index": lambda people: cut(people.set_index(people.index[::-1] * 2).sort_index()),
    "empty partitions": lambda people: dd.concat(
        [cut(people.iloc[:0], 1), cut(people), cut(people.iloc[:0], 1)]
    ),
    "other dtypes": make_different,
    "objects": lambda people: cut(people.astype({"region": object, "vote": object})),
    "one partition": lambda people: cut(people, 1),
    "a partition per row": lambda people: cut(people, 150),
}


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_of_all_kinds_are_those_of_memory(people, name):
    if name == "a partition per row":
        people = people.iloc[:150]
    compare(ml.mnlogit(FORMULA, TABLES[name](people)).fit(), ml.mnlogit(FORMULA, people).fit())


def test_declared_orders_are_kept(people):
    people["vote"] = pd.Categorical(people["vote"], categories=["cat", "ann", "bob"])
    people["region"] = pd.Categorical(people["region"], categories=["west", "north", "east"])
    found, expected = (ml.mnlogit(FORMULA, data).fit() for data in (cut(people), people))
    assert found.params.equals(found.params.reindex_like(expected.params))
    compare(found, expected)


@pytest.mark.parametrize(
    "term", ["bs(age, df=5)", "poly(age, 3)", "0 + cr(age, df=4)", "C(children)"]
)
def test_what_columns_learn_is_that_of_memory(people, term):
    formula = f"vote ~ {term}"
    compare(ml.mnlogit(formula, cut(people)).fit(), ml.mnlogit(formula, people).fit())


def test_an_infinite_value_says_where_it_is(people):
    people.loc[people.index[-1], "age"] = np.inf
    with pytest.raises(InfiniteValueError, match="In partition 8: .*'age'"):
        ml.mnlogit(FORMULA, cut(people)).fit()


@pytest.mark.parametrize("which", ["prob", "category", "linear"])
@pytest.mark.parametrize("clustered", [False, True])
def test_predictions_are_those_of_memory(people, which, clustered):
    table = cut(people)
    for fitted in (ml.mnlogit(FORMULA, people).fit(), ml.mnlogit(FORMULA, table).fit()):
        lazily = fitted.predict(table, which=which)
        assert lazily.npartitions == 9
        assert lazily.divisions == table.divisions
        expected = ml.mnlogit(FORMULA, people).fit().predict(people, which=which)
        compare_frames = (
            pd.testing.assert_series_equal if which == "category" else pd.testing.assert_frame_equal
        )
        meta, frame = lazily._meta, compute(lazily, clustered)
        assert str(getattr(meta, "dtypes", None)) == str(expected.dtypes)
        compare_frames(frame, expected, check_freq=False, check_index_type=False)


def compute(lazily, clustered):
    if not clustered:
        return lazily.compute()
    with start_threads(2) as cluster, Client(cluster):
        return finish(lazily.compute)


def test_predictions_carry_no_rows_of_the_fit(people):
    many = pd.concat([people] * 50, ignore_index=True)
    lazily = ml.mnlogit(FORMULA, many).fit().predict(cut(people))
    graph = lazily.optimize().__dask_graph__()
    from distributed.protocol.pickle import dumps

    sizes = [len(dumps(task)) for key, task in dict(graph).items() if "mlelogit-work" in str(key)]
    assert sizes
    assert max(sizes) < 50_000


def test_predictions_that_cannot_be_say_why(people):
    result = ml.mnlogit(FORMULA, people).fit()
    with pytest.raises(ColumnNotFoundError, match="'age'"):
        result.predict(cut(people.drop(columns="age")))
    with pytest.raises(OffsetError, match="dask frame"):
        result.predict(cut(people), offset=np.zeros((len(people), 3)))
    people.loc[people.index[-1], "age"] = np.nan
    lazily = result.predict(cut(people))
    with pytest.raises(MissingDataError, match="In partition 8"):
        lazily.compute()
    rows = result.predict(cut(people), missing="propagate").compute()
    assert np.flatnonzero(rows.isna().any(axis=1)).tolist() == [399]

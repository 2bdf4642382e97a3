"""Fits of dask frames are the fits in memory, the same bits on any number of workers."""

import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("distributed")
dd = pytest.importorskip("dask.dataframe")

import dask  # noqa: E402
from distributed import Client, LocalCluster  # noqa: E402
from distributed.protocol.pickle import dumps  # noqa: E402

import mlelogit as ml  # noqa: E402
from mlelogit.data.rows import DataOptions  # noqa: E402
from mlelogit.data.streaming.designs import make_streamed_design  # noqa: E402
from mlelogit.data.streaming.sources.dask import DaskPieces  # noqa: E402
from mlelogit.exceptions import (  # noqa: E402
    ColumnNotFoundError,
    InfiniteValueError,
    MissingDataError,
    OffsetError,
)
from tests.data.streaming.sources.test_dask import finish, start_threads, wait_until  # noqa: E402
from tests.data.streaming.work import Loader  # noqa: E402

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
        district=rng.integers(0, 60, len(voters)),
        importance=rng.uniform(0.5, 2, len(voters)),
        known=rng.normal(size=len(voters)),
    )


def model(formula, table, **options):
    """Return the model of a dask frame row by row; few different rows would be counted first."""
    return ml.mnlogit(formula, table, compress=False, **options)


def cut(frame, partitions=5):
    return dd.from_pandas(frame, npartitions=partitions)


def test_workers_change_no_digit_of_a_fit(people):
    found = [gather(model(FORMULA, cut(people)).fit())]
    for workers in (1, 2, 4):
        with start_threads(workers) as cluster, Client(cluster):
            result = finish(model(FORMULA, cut(people).persist()).fit)
            found.append(finish(gather, result))
    assert all(one.tolist() == found[0].tolist() for one in found[1:])
    np.testing.assert_allclose(found[0], gather(ml.mnlogit(FORMULA, people).fit()), rtol=1e-9)
    compare(model(FORMULA, cut(people)).fit(), ml.mnlogit(FORMULA, people).fit())


def test_covariances_are_those_of_memory(people):
    found, expected = model(FORMULA, cut(people)).fit(), ml.mnlogit(FORMULA, people).fit()
    for kind in ("nonrobust", "opg", "HC0", "HC1", "robust"):
        compare(found.with_cov(kind), expected.with_cov(kind))
    for correction in ("CR0", "CR1", "stata"):
        asked = {"groups": "district", "correction": correction}
        compare(found.with_cov("cluster", **asked), expected.with_cov("cluster", **asked))


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
        model(FORMULA, cut(people), **options).fit(),
        ml.mnlogit(FORMULA, people, **options).fit(),
    )


def test_a_worker_is_lost_in_mid_fit(people, tmp_path):
    (tmp_path / "still").mkdir()
    (tmp_path / "lost").mkdir()
    for number in range(9):
        (tmp_path / "still" / f"load{number}").touch()
    still, lost = (
        dd.from_map(Loader(people, str(tmp_path / name)), range(5), meta=people.iloc[:0])
        for name in ("still", "lost")
    )
    undisturbed = model(FORMULA, still).fit().params.to_numpy()

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
        found = finish(model(FORMULA, lost).fit).params.to_numpy()
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
    # Else dask makes text of numbers that are objects, with pandas 2.
    with dask.config.set({"dataframe.convert-string": False}):
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
    "many partitions": lambda people: cut(people, 40),
}


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_of_all_kinds_are_those_of_memory(people, name):
    compare(model(FORMULA, TABLES[name](people)).fit(), ml.mnlogit(FORMULA, people).fit())


def test_declared_orders_are_kept(people):
    people["vote"] = pd.Categorical(people["vote"], categories=["cat", "ann", "bob"])
    people["region"] = pd.Categorical(people["region"], categories=["west", "north", "east"])
    found, expected = (
        one(FORMULA, data).fit() for one, data in ((model, cut(people)), (ml.mnlogit, people))
    )
    assert found.params.equals(found.params.reindex_like(expected.params))
    compare(found, expected)


@pytest.mark.parametrize(
    "term", ["bs(age, df=5)", "poly(age, 3)", "0 + cr(age, df=4)", "C(children)"]
)
def test_what_columns_learn_is_that_of_memory(people, term):
    formula = f"vote ~ {term}"
    compare(model(formula, cut(people)).fit(), ml.mnlogit(formula, people).fit())


def test_an_infinite_value_says_where_it_is(people):
    people.loc[people.index[-1], "age"] = np.inf
    with pytest.raises(InfiniteValueError, match=r"In partition 4: .*'age'"):
        model(FORMULA, cut(people)).fit()


def test_predictions_are_those_of_memory(people):
    table, expected = cut(people), ml.mnlogit(FORMULA, people).fit()
    with start_threads(2) as cluster:
        for which in ("prob", "category", "linear"):
            lazily = expected.predict(table, which=which)
            assert (lazily.npartitions, lazily.divisions) == (5, table.divisions)
            same = expected.predict(people, which=which)
            assert str(lazily._meta.dtypes) == str(same.dtypes)
            check = getattr(
                pd.testing, f"assert_{'series' if which == 'category' else 'frame'}_equal"
            )
            check(lazily.compute(), same)
            with Client(cluster):
                check(finish(lazily.compute), same)
        found = model(FORMULA, table).fit().predict(table).compute()
        pd.testing.assert_frame_equal(found, expected.predict(people), rtol=1e-9)


def test_predictions_carry_no_rows_of_the_fit(people):
    many = pd.concat([people] * 50, ignore_index=True)
    lazily = ml.mnlogit(FORMULA, many).fit().predict(cut(people))
    graph = dict(lazily.optimize().__dask_graph__())
    rows = dict(cut(people).optimize().__dask_graph__())
    assert len(dumps(graph)) < len(dumps(rows)) + 50_000 < many.memory_usage().sum()


def test_predictions_that_cannot_be_say_why(people):
    result = ml.mnlogit(FORMULA, people).fit()
    with pytest.raises(ColumnNotFoundError, match="'age'"):
        result.predict(cut(people.drop(columns="age")))
    with pytest.raises(OffsetError, match="Dask, 5 partitions"):
        result.predict(cut(people), offset=np.zeros((len(people), 3)))
    people.loc[people.index[-1], "age"] = np.nan
    lazily = result.predict(cut(people))
    with pytest.raises(MissingDataError, match="In partition 4"):
        lazily.compute()
    rows = result.predict(cut(people), missing="propagate").compute()
    assert np.flatnonzero(rows.isna().any(axis=1)).tolist() == [399]


def test_a_sample_is_a_share_of_every_partition(rng, monkeypatch):
    monkeypatch.setattr("mlelogit.data.streaming.facts.SAMPLE_ROWS", 1 << 12)
    frame = pd.DataFrame({"x": rng.normal(size=40_000), "y": rng.choice(["a", "b"], 40_000)})
    drawn = []
    plain = DaskPieces.reduce

    def reduce(self, function, columns, what="", threads=1):
        drawn.extend(len(function(part).sample.keys) for part in self.map(_pass_on, columns))
        return plain(self, function, columns, what, threads)

    monkeypatch.setattr(DaskPieces, "reduce", reduce)
    design = make_streamed_design("y ~ x", DaskPieces(cut(frame, 40)), DataOptions())
    assert drawn == [4 * (1 << 12) // 40] * 40
    sample = design.stream.sample(design)
    assert sample.source.shape == (1 << 12, 2)
    assert abs(sample.source.block(0, 1 << 12)[1].mean()) < 4 / 64


def _pass_on(frame):
    return frame

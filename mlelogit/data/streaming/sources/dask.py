"""Partitions of a dask frame: they stay where they are, and only sums travel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any
from uuid import uuid4

import pandas as pd

from mlelogit.data.frames import check_unique_names
from mlelogit.data.streaming.sources.partitions import (
    NOTE,
    TOPIC,
    Shipment,
    add_results,
    run_partition,
    transform_partition,
)
from mlelogit.data.streaming.sources.pieces import QuantileFinder, tell_count
from mlelogit.data.streaming.sources.quantiles import find_quantiles
from mlelogit.exceptions import ClusterError, ColumnTypeError, DataFileError, MNLogitError
from mlelogit.notices import import_extra, start_bar
from mlelogit.version import VERSION

# A sum travels from at most so many workers to one of them; of 100,000 partitions in six steps.
FAN_IN = 8
# Partitions per thread of the cluster that are on their way when results are asked for one by
# one: a thread that is done finds the next one there, and no more than these wait in memory.
AHEAD = 2
# Bytes of a function that go with every task: of 10,000 partitions less than a gigabyte in all.
SENT_WITH_TASKS = 1 << 16


def is_dask_frame(data: Any) -> bool:
    """Tell whether data is a dask.dataframe.DataFrame, without importing dask."""
    home = type(data).__module__.split(".")[0]
    return home in ("dask", "dask_expr") and type(data).__name__ == "DataFrame"


class DaskPieces:
    """A table in partitions, where dask has them.

    The work is done by the `distributed.Client` that is current, else by the scheduler that
    dask is set to, threads of this process if to none. A pass computes each partition anew
    unless it is persisted (``frame.persist()``); persisted ones stay on their workers. What
    travels is the function, once per worker if large, and the sums, in a tree whose shape depends
    on the number of partitions alone, so that workers and their loss change no digit.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame

    Raises
    ------
    ColumnTypeError
        If it is something else of dask.
    DuplicateColumnError
        If two columns have the same name.

    Examples
    --------
    >>> import dask.dataframe
    >>> import pandas as pd
    >>> from mlelogit.data.streaming.sources.dask import DaskPieces
    >>> frame = dask.dataframe.from_pandas(pd.DataFrame({"x": range(100)}), npartitions=4)
    >>> pieces = DaskPieces(frame)
    >>> pieces.reduce(len, ["x"])
    100
    >>> pieces.way
    'Dask, 4 partitions in this process'
    """

    rows: int | None = None

    def __init__(self, frame: Any) -> None:
        import_extra("dask.dataframe", "scale")
        if not is_dask_frame(frame):
            raise ColumnTypeError(
                f"{type(frame).__name__} is no dask.dataframe.DataFrame; make it one."
            )
        check_unique_names(frame.columns, "data")
        self.frame = frame
        self.count = int(frame.npartitions)
        self.names = tuple(frame.columns)

    @cached_property
    def way(self) -> str:
        """How the rows are read."""
        count = self.frame.npartitions
        client = find_client(self.frame)
        where = "in this process"
        if client is not None:
            where = f"on {tell_count(len(client.nthreads()), 'worker')}"
        return f"Dask, {tell_count(count, 'partition')} {where}"

    @property
    def index(self) -> pd.Index:
        """An index of no row, of the kind that the table has."""
        make_meta = import_extra("dask.dataframe.utils", "scale").make_meta
        return pd.Index(make_meta(self.frame).index)

    @cached_property
    def fingerprint(self) -> str:
        """What tells this table from others in every process: its columns and its cuts.

        How dask came to it would tell more, and is another in each process for files.
        """
        types = [str(kind) for kind in self.frame.dtypes]
        return f"dask {self.names} {types} {self.frame.npartitions} {self.frame.divisions}"

    @property
    def find_quantiles(self) -> QuantileFinder:
        """What finds exact quantiles of a column, in a few passes."""
        return partial(find_quantiles, self)

    def reduce(
        self,
        function: Callable[[pd.DataFrame], Any],
        columns: Sequence[str],
        what: str = "",
        threads: int = 1,
    ) -> Any:
        """Add up what a function returns for the partitions; see `Pieces.reduce`.

        Raises
        ------
        ClusterError
            If workers die of the work, have another version of this package, or are gone.
        DataFileError
            If dask cannot make a partition.
        """
        client = find_client(self.frame)
        with start_bar(what, self.frame.npartitions) as bar, _translate_errors():
            report = "" if client is None or bar is None else uuid4().hex
            graph, parts = self._send(function, columns, report)
            root = _delay(_add_tree(graph, parts), graph)
            if client is None:
                with _count_tasks(bar, set(parts)):
                    return root.compute(num_workers=threads)
            with _hear_reports(client, report, bar):
                return _wait(client, [root])[0]

    def map(self, function: Callable[[pd.DataFrame], Any], columns: Sequence[str]) -> Iterator[Any]:
        """Give what a function returns for the partitions; see `Pieces.map`."""
        client = find_client(self.frame)
        with _translate_errors():
            graph, parts = self._send(function, columns)
        width = AHEAD * (1 if client is None else max(1, sum(client.nthreads().values())))
        for some in _cut(parts, width):
            wanted = [_delay(part, graph) for part in some]
            with _translate_errors():
                if client is None:
                    results = import_extra("dask", "scale").compute(*wanted)
                else:
                    results = _wait(client, wanted)
            yield from (result for result in results if result is not None)

    def _send(
        self, function: Callable[[pd.DataFrame], Any], columns: Sequence[str], report: str = ""
    ) -> tuple[dict, list]:
        """Return a graph that runs a function on each partition, and its results' keys."""
        picked = self.frame[list(columns)]
        shipment = _ship(Shipment(function, _find_categories(picked), report, VERSION))
        work = picked.map_partitions(
            run_partition, shipment, meta=("record", object), enforce_metadata=False
        )
        work = work.optimize()
        return dict(work.__dask_graph__()), list(work.__dask_keys__())


def predict_lazily(function: Callable[[pd.DataFrame], Any], frame: Any, meta: Any) -> Any:
    """Return a dask frame of what a function makes of each partition, when it is computed.

    Parameters
    ----------
    function : callable
        Of a pandas frame; returns one with the same index.
    frame : dask.dataframe.DataFrame
    meta : pandas.DataFrame or pandas.Series
        Without rows: names and dtypes of what the function returns.

    Returns
    -------
    dask.dataframe.DataFrame
        As many partitions as `frame`, with the same divisions.
    """
    meta = meta.iloc[:0]
    shipment = _ship(Shipment(function, _find_categories(frame)))
    return frame.map_partitions(transform_partition, shipment, meta, meta=meta)


def find_client(frame: Any) -> Any:
    """Return the `distributed.Client` that would compute a dask frame; None if none would."""
    base = import_extra("dask.base", "scale")
    try:
        get = base.get_scheduler(collections=[frame])
    except NotImplementedError as error:
        raise ClusterError(
            "The current dask Client is asynchronous; use one with asynchronous=False."
        ) from error
    owner = getattr(get, "__self__", None)
    distributed = sys.modules.get("distributed")
    return owner if distributed is not None and isinstance(owner, distributed.Client) else None


def _find_categories(frame: Any) -> dict:
    """Return the dtype of every column with known categories."""
    dtypes = frame.dtypes.to_dict()
    kinds = {name: dtype for name, dtype in dtypes.items() if hasattr(dtype, "categories")}
    return {name: dtype for name, dtype in kinds.items() if frame[name].cat.known}


def _ship(shipment: Shipment) -> Any:
    """Return what tasks get: a small function itself, else a node that workers fetch once.

    The node is part of the graph, so whoever held it can be lost; its name no other pass has.
    But whoever holds it may be given work on partitions that others hold, to spare them, which
    is worth its price where much is to be done with a partition.
    """
    dumps = import_extra("cloudpickle", "scale").dumps
    if len(dumps(shipment)) <= SENT_WITH_TASKS:
        return shipment
    delayed = import_extra("dask", "scale").delayed
    return delayed(shipment, name=f"mlelogit-work-{uuid4().hex}", traverse=False)


def _delay(key: Any, graph: dict) -> Any:
    return import_extra("dask.delayed", "scale").Delayed(key, graph)


def _add_tree(graph: dict, parts: list) -> Any:
    """Put additions of `FAN_IN` neighbours each into a graph, level by level; return the last."""
    name, level = f"mlelogit-sum-{uuid4().hex}", 0
    while len(parts) > 1 or level == 0:
        groups = _cut(parts, FAN_IN)
        parts = [(name, level, place) for place in range(len(groups))]
        for key, group in zip(parts, groups, strict=True):
            graph[key] = (add_results, group)
        level += 1
    return parts[0]


def _cut(items: list, length: int) -> list[list]:
    return [items[start : start + length] for start in range(0, len(items), length)]


def _wait(client: Any, wanted: list) -> list:
    """Return what futures become; whatever stops that cancels them."""
    futures = client.compute(wanted, optimize_graph=False)
    try:
        return client.gather(futures)
    except BaseException:
        client.cancel(futures)
        raise
    finally:
        for future in futures:
            future.release()


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise this package's errors for what dask and its partitions do not survive."""
    try:
        yield
    except MNLogitError:
        raise
    except Exception as error:
        if any(note.startswith(NOTE) for note in getattr(error, "__notes__", ())):
            raise
        raise _translate(error) from error


def _translate(error: Exception) -> MNLogitError:
    kind = type(error).__name__
    home = type(error).__module__.split(".")[0]
    if kind == "KilledWorker":
        return ClusterError(
            "Workers died, one after the other, of the work on a partition; most often it does not "
            f"fit in their memory: make partitions smaller or workers larger ({error})."
        )
    if home == "distributed" or "Cancelled" in kind or "another client" in str(error):
        return ClusterError(f"The cluster did not finish a pass over the rows ({kind}: {error}).")
    if isinstance(error, ImportError | AttributeError) and "mlelogit" in str(error):
        return ClusterError(
            f"A worker does not have this version of mlelogit; install it there ({error})."
        )
    return DataFileError(f"Dask could not make a partition of the table ({kind}: {error}).")


@contextmanager
def _count_tasks(bar: Any, parts: set) -> Iterator[None]:
    """Let a bar count the partitions that this process has finished."""
    if bar is None:
        yield
        return

    def count(key: Any, *_: Any) -> None:
        bar.update(key in parts)

    with import_extra("dask.callbacks", "scale").Callback(posttask=count):
        yield


@contextmanager
def _hear_reports(client: Any, report: str, bar: Any) -> Iterator[None]:
    """Let a bar count the partitions that workers report, each once."""
    if bar is None or not report:
        yield
        return
    seen: set[int] = set()

    def count(event: tuple[float, Any]) -> None:
        name, number = event[1]
        if name == report and number not in seen:
            seen.add(number)
            bar.update()

    client.subscribe_topic(TOPIC, count)
    try:
        yield
    finally:
        client.unsubscribe_topic(TOPIC)

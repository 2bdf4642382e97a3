"""Time fits of dask frames on one and two workers, and work out what 1,000 would take.

    python -m tests.benchmarks.dask [--rows 4000000] [--columns 20] [--categories 4]
                                    [--partitions 16] [--repeats 3]

Rows are drawn where they stay, one thread to a worker, each worker a process. Measured are the
passes of a fit, what each takes per row, the bytes of what is sent out and of the sums, the bytes
that workers have from each other (a sum counts as 56, so this tells of partitions that move),
and what dask needs for a partition with nothing to do: seconds of the client and scheduler, which
are one process here, and of the workers. From these the model gives the time of a fit of any size;
`Model` holds the formulas.
"""

from __future__ import annotations

import argparse
import math
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

import mlelogit as ml
from mlelogit.data.streaming.sources.dask import FAN_IN, DaskPieces

IDLE_PARTITIONS = 1000
# Of an ordinary network between machines, on paper: 10 Gbit/s, a message in half a millisecond.
BANDWIDTH = 1.25e9
LATENCY = 5e-4


@dataclass(frozen=True)
class Pass:
    """One pass over the rows: what for, seconds, bytes of the function and of the sum."""

    what: str
    seconds: float
    sent: int
    summed: int


@dataclass(frozen=True)
class Fit:
    """A fit on some workers: seconds in all, its passes, bytes among workers, and the answer."""

    workers: int
    seconds: float
    passes: tuple[Pass, ...]
    travelled: int
    params: np.ndarray

    @property
    def inside(self) -> float:
        """Seconds within passes."""
        return sum(one.seconds for one in self.passes)


@dataclass(frozen=True)
class Model:
    """What a fit takes on a cluster, from constants that were measured.

    A pass over n rows in p partitions on w threads takes, step after step,

    - the client and the scheduler: p · scheduler, the tasks of the tree included;
    - the workers: ceil(p / w) partitions of n / p rows each, row · n / p + task;
    - the function, sent on from worker to worker: log2(w) · (latency + sent / bandwidth);
    - the sums, in a tree of ceil(log8 p) levels: each (latency + 8 · summed / bandwidth).

    The scheduler and the workers overlap; the model adds them up. A fit is so many passes, and
    what the client does alone between them.

    Attributes
    ----------
    passes : int
    row : float
        Seconds of one thread per row and pass.
    scheduler, task : float
        Seconds per partition of client and scheduler, and of a worker.
    sent, summed : float
        Bytes of a pass's function and of its sum.
    alone : float
        Seconds of the client between passes.
    """

    passes: int
    row: float
    scheduler: float
    task: float
    sent: float
    summed: float
    alone: float

    def time_pass(self, rows: float, partitions: int, workers: int) -> dict[str, float]:
        """Return the seconds of a pass, step by step."""
        turns = math.ceil(partitions / workers)
        depth = max(1, math.ceil(math.log(partitions, FAN_IN) - 1e-9))
        return {
            "scheduler": partitions * self.scheduler,
            "rows": turns * (rows / partitions) * self.row,
            "tasks": turns * self.task,
            "function": math.log2(max(workers, 2)) * (LATENCY + self.sent / BANDWIDTH),
            "tree": depth * (LATENCY + FAN_IN * self.summed / BANDWIDTH),
        }

    def time_fit(self, rows: float, partitions: int, workers: int) -> float:
        """Return the seconds of a fit."""
        steps = self.time_pass(rows, partitions, workers)
        return self.passes * sum(steps.values()) + self.alone


def draw_partition(number: int, rows: int, width: int, categories: int) -> pd.DataFrame:
    """Draw a partition: standard normal columns, and an outcome that depends on them."""
    rng = np.random.default_rng([7, number])
    x = rng.normal(size=(width, rows))
    slopes = np.random.default_rng(7).normal(0, 0.2, (categories, width))
    chosen = (slopes @ x + rng.gumbel(size=(categories, rows))).argmax(axis=0)
    frame = {f"x{i}": column for i, column in enumerate(x)}
    outcome = pd.Categorical.from_codes(chosen, list("abcdefgh")[:categories])
    return pd.DataFrame({"y": outcome} | frame)


def draw_table(options: argparse.Namespace) -> Any:
    """Draw the table where its rows stay."""
    import dask.dataframe as dd

    each = options.rows // options.partitions
    shape = (each, options.columns, options.categories)
    meta = draw_partition(0, 10, *shape[1:]).iloc[:0]
    return dd.from_map(draw_partition, range(options.partitions), args=shape, meta=meta)


@contextmanager
def watch_passes(passes: list[Pass]) -> Iterator[None]:
    """Note every pass over partitions."""
    plain = DaskPieces.reduce

    def reduce(self: Any, function: Any, columns: Any, what: str = "", threads: int = 1) -> Any:
        start = time.perf_counter()
        result = plain(self, function, columns, what, threads)
        seconds = time.perf_counter() - start
        sizes = [len(pickle.dumps(one)) for one in (function, result)]
        passes.append(Pass(what, seconds, *sizes))
        return result

    with patch.object(DaskPieces, "reduce", reduce):
        yield


@contextmanager
def start_workers(count: int) -> Iterator[Any]:
    """Start workers, processes of one thread each."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=count, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )
    with cluster, Client(cluster) as client:
        yield client


def count_received(client: Any) -> int:
    """Return the bytes that workers have had from each other, of late."""

    def tell(dask_worker: Any) -> int:
        return sum(entry["total"] for entry in dask_worker.transfer_incoming_log)

    return sum(client.run(tell).values())


def measure_fit(workers: int, options: argparse.Namespace) -> Fit:
    """Fit on so many workers; the fastest of some fits."""
    from distributed import wait

    formula = "y ~ " + " + ".join(f"x{i}" for i in range(options.columns))
    fits = []
    with start_workers(workers) as client:
        table = draw_table(options).persist()
        wait(table)
        for _ in range(options.repeats + 1):
            passes: list[Pass] = []
            before = count_received(client)
            start = time.perf_counter()
            with watch_passes(passes):
                result = ml.mnlogit(formula, table, compress=False).fit()
            seconds = time.perf_counter() - start
            travelled = count_received(client) - before
            fits.append(Fit(workers, seconds, tuple(passes), travelled, result.params.to_numpy()))
    return min(fits[1:], key=lambda fit: fit.seconds)


def count_rows(frame: pd.DataFrame) -> int:
    """Do next to nothing."""
    return len(frame)


def tell_time() -> float:
    """Return the seconds of processor time of this process."""
    return time.process_time()


def measure_idle(partitions: int) -> tuple[float, float]:
    """Return the processor seconds per partition of client and scheduler, and of workers."""
    import dask.dataframe as dd
    from distributed import wait

    frame = pd.DataFrame({"x": np.arange(2.0 * partitions)})
    with start_workers(2) as client:
        table = dd.from_pandas(frame, npartitions=partitions).persist()
        wait(table)
        pieces, found = DaskPieces(table), []
        for _ in range(3):
            here, there = time.process_time(), sum(client.run(tell_time).values())
            pieces.reduce(count_rows, ["x"])
            spent = sum(client.run(tell_time).values()) - there
            found.append(((time.process_time() - here) / partitions, spent / partitions))
    return min(found)


def make_model(fit: Fit, rows: int, partitions: int, idle: tuple[float, float]) -> Model:
    """Return the model, from a fit on one worker."""
    scheduler, task = idle
    over = (scheduler + task) * partitions * len(fit.passes)
    climbing = [one for one in fit.passes if "learn" not in one.what] or list(fit.passes)
    return Model(
        passes=len(fit.passes),
        row=max(0.0, fit.inside - over) / (rows * len(fit.passes)),
        scheduler=scheduler,
        task=task,
        sent=float(np.mean([one.sent for one in climbing])),
        summed=float(np.mean([one.summed for one in climbing])),
        alone=fit.seconds - fit.inside,
    )


def tell_fit(fit: Fit, alone: Fit) -> Iterator[str]:
    """Say what a fit took, pass by pass."""
    share = alone.seconds / (fit.workers * fit.seconds)
    yield (
        f"{fit.workers} workers: {fit.seconds:.2f} s, {fit.inside:.2f} s in {len(fit.passes)} "
        f"passes, efficiency {share:.0%}; {fit.travelled:,} bytes from worker to worker; "
        f"largest difference {np.abs(fit.params - alone.params).max():.1g}"
    )
    for one in fit.passes:
        yield f"  {one.what}: {one.seconds:.2f} s, {one.sent:,} bytes out, {one.summed:,} back"


def tell_model(model: Model, rows: float, workers: int) -> Iterator[str]:
    """Say what a fit of so many rows takes, by partitions per worker."""
    yield f"{model}"
    for each in (1, 4, 16, 64):
        steps = model.time_pass(rows, each * workers, workers)
        told = ", ".join(f"{step} {seconds:.3g} s" for step, seconds in steps.items())
        whole = model.time_fit(rows, each * workers, workers)
        bound = model.passes * rows * model.row / workers
        yield (
            f"{rows:.0e} rows on {workers} workers, {each} partitions each: {whole:.0f} s, "
            f"{bound / whole:.0%} of them for rows; a pass: {told}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the model."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.dask", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--categories", type=int, default=4)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--idle", type=int, default=IDLE_PARTITIONS)
    options = parser.parse_args(arguments)
    fits = [measure_fit(workers, options) for workers in (1, 2)]
    for fit in fits:
        print("\n".join(tell_fit(fit, fits[0])), flush=True)
    idle = measure_idle(options.idle)
    model = make_model(fits[0], options.rows, options.partitions, idle)
    print("\n".join(tell_model(model, 1e11, 1000)))
    wide = replace(model, summed=8.0 * 300 * 300 + 4000)
    print(f"With 300 parameters a sum has {wide.summed:,.0f} bytes:")
    print("\n".join(tell_model(wide, 1e11, 1000)))


if __name__ == "__main__":
    main()

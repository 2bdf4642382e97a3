"""Time and memory of networks against PyTorch's and scikit-learn's own training.

``python -m tests.benchmarks.networks`` fits a 64-32-10 network to the 1,797 digits of scikit-learn,
from the same start and to the same tolerance in every engine, in turns; then a 64-128-10 network to
50,000 and 200,000 noisy copies of them for a few iterations, each in a process of its own that
tells its peak memory. All engines run on one thread, and only the training itself is timed. What is
maximized is told with every time. Last come the pieces: a gradient by rows at once and by threads.
``python -m tests.benchmarks.networks ENGINE ROWS`` is one of those processes.
"""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import mlelogit as ml
from tests.benchmarks.memory import PROCESS, ROOT, read_status, release

L2, TOLERANCE, MOST = 0.1, 1e-6, 5000
HISTORY = 30
LARGE = (50_000, 200_000)
FEW = 5
TURNS = 1
# Rows at once: those of a million numbers, a few more, and all.
BLOCKS = (2_048, 24_000, 50_000)
THREADS = (1, 2)


@dataclass(frozen=True)
class Case:
    """Digits, and a network that nobody has trained.

    Attributes
    ----------
    x : numpy.ndarray
        (n, 64).
    codes : numpy.ndarray
        (n,).
    hidden : int
    """

    x: np.ndarray
    codes: np.ndarray
    hidden: int

    def make(self) -> Any:
        """Make the network, in double precision."""
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(0)
            first, last = torch.nn.Linear(64, self.hidden), torch.nn.Linear(self.hidden, 10)
            return torch.nn.Sequential(first, torch.nn.Tanh(), last).double()

    def judge(self, module: Any) -> tuple[float, float]:
        """Return the penalized log-likelihood of a network, and its gradient per observation."""
        import torch

        value = self.lose(module, *self.as_tensors())
        found = torch.autograd.grad(value, list(module.parameters()))
        return -float(value.detach()), max(float(part.abs().max()) for part in found) / len(self.x)

    def as_tensors(self) -> tuple[Any, Any]:
        """Return rows and codes as tensors."""
        import torch

        return torch.from_numpy(self.x), torch.from_numpy(self.codes)

    def lose(self, module: Any, x: Any, codes: Any) -> Any:
        """Return the cross-entropy and the penalty, added up, as PyTorch's users write it."""
        import torch

        error = torch.nn.functional.cross_entropy(module(x), codes, reduction="sum")
        weights = [part for part in module.parameters() if part.ndim > 1]
        return error + L2 / 2 * sum((part**2).sum() for part in weights)


@dataclass(frozen=True)
class Climb:
    """What an engine has done, NaN what it does not tell, and where it came to.

    Attributes
    ----------
    module : torch.nn.Module
    iterations, evaluations : float
    climbing : float
        Seconds up to its last iterate, if it does more after that.
    """

    module: Any
    iterations: float
    evaluations: float
    climbing: float = np.nan


def draw_digits(rows: int | None = None, hidden: int = 32) -> Case:
    """Take the digits as they are, or noisy copies of them up to a number of rows."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, codes = digits.data / 16, digits.target.astype(np.int64)
    if rows is not None:
        taken = np.arange(rows) % len(x)
        noise = np.random.default_rng(0).normal(scale=0.1, size=(rows, 64))
        x, codes = x[taken] + noise, codes[taken]
    return Case(x, codes, hidden)


@dataclass(frozen=True)
class Engine:
    """A training that is ready to run: only `run` is timed.

    Attributes
    ----------
    run : callable
        Trains.
    read : callable
        Takes what it returned, and returns a `Climb`.
    """

    run: Callable[[], Any]
    read: Callable[[Any], Climb]


def prepare_here(case: Case, most: int = MOST) -> Engine:
    """Fit with this package, which examines the point that it comes to after the climb."""
    module, stamps = case.make(), [0.0]

    def run() -> Any:
        def stamp(_: np.ndarray) -> None:
            stamps.append(time.perf_counter())

        stamps[:] = [time.perf_counter()]
        how = {"l2": L2, "tol": TOLERANCE, "maxiter": most, "callback": stamp}
        return ml.networks.fit_network(module, case.x, case.codes, disp=False, **how)

    def read(res: Any) -> Climb:
        done = res.record.maximum.iterations, float(res.trace.evaluations[-1])
        return Climb(res.module, *done, stamps[-1] - stamps[0])

    return Engine(run, read)


def prepare_torch(case: Case, most: int = MOST) -> Engine:
    """Train with PyTorch's LBFGS on the mean, whose largest gradient is to be below tolerance."""
    import torch

    module, count = case.make(), [0]
    x, codes = case.as_tensors()
    optimizer = torch.optim.LBFGS(
        module.parameters(),
        max_iter=most,
        max_eval=20 * most,
        tolerance_grad=TOLERANCE,
        tolerance_change=0.0,
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
    )

    def evaluate() -> Any:
        count[0] += 1
        optimizer.zero_grad()
        value = case.lose(module, x, codes) / len(x)
        value.backward()
        return value

    def read(_: Any) -> Climb:
        state = optimizer.state[optimizer.param_groups[0]["params"][0]]
        return Climb(module, float(state["n_iter"]), float(count[0]))

    return Engine(lambda: optimizer.step(evaluate), read)


def prepare_sklearn(case: Case, most: int = MOST) -> Engine:
    """Train with scikit-learn's MLPClassifier, whose alpha is λ of the sum over rows.

    It takes a start only from a fit before, so a few rows are fitted for one iteration first.
    """
    import torch
    from sklearn.neural_network import MLPClassifier

    module = case.make()
    peer = MLPClassifier(
        (case.hidden,), activation="tanh", solver="lbfgs", alpha=L2, tol=TOLERANCE, max_iter=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.set_params(warm_start=True, random_state=0).fit(case.x[:200], case.codes[:200])
    layers = (module[0], module[2])
    peer.coefs_ = [layer.weight.detach().numpy().T.copy() for layer in layers]
    peer.intercepts_ = [layer.bias.detach().numpy().copy() for layer in layers]
    peer.set_params(max_iter=most, max_fun=20 * most)

    def read(_: Any) -> Climb:
        with torch.no_grad():
            for layer, weight, bias in zip(layers, peer.coefs_, peer.intercepts_, strict=True):
                layer.weight.copy_(torch.from_numpy(weight.T.copy()))
                layer.bias.copy_(torch.from_numpy(bias))
        return Climb(module, float(peer.n_iter_), np.nan)

    return Engine(lambda: peer.fit(case.x, case.codes), read)


ENGINES: dict[str, Callable[..., Engine]] = {
    "mlelogit": prepare_here,
    "torch.optim.LBFGS": prepare_torch,
    "sklearn MLPClassifier": prepare_sklearn,
}


@dataclass(frozen=True)
class Line:
    """What came of an engine.

    Attributes
    ----------
    engine : str
    rows : int
    seconds, climbing, iterations, evaluations, objective, gradient : float
        The penalized log-likelihood reached, and its largest gradient per observation.
    peak : float
        Bytes above the data.
    """

    engine: str
    rows: int
    seconds: float
    climbing: float
    iterations: float
    evaluations: float
    objective: float
    gradient: float
    peak: float = np.nan

    def __str__(self) -> str:
        memory = "-" if np.isnan(self.peak) else f"{self.peak / 1e6:.0f}"
        climbing = self.seconds if np.isnan(self.climbing) else self.climbing
        each = "-" if np.isnan(self.evaluations) else f"{1e3 * climbing / self.evaluations:.2f}"
        cells = (
            f"{self.rows:,}",
            self.engine,
            f"{self.seconds:.2f}",
            f"{climbing:.2f}",
            f"{self.iterations:.0f}",
            f"{self.evaluations:.0f}" if self.evaluations > 0 else "-",
            each,
            f"{self.objective:.6f}",
            f"{self.gradient:.0e}",
            memory,
        )
        return f"| {' | '.join(cells)} |"


HEADER = (
    "| rows | engine | seconds | of the climb | iterations | gradients | ms for one "
    "| penalized log-likelihood | largest gradient, per row | MB above the data |\n"
    + "| --- " * 10
    + "|"
)
PIECES = "| what | ms for one gradient |\n| --- | --- |"


@contextmanager
def hold_threads(count: int = 1) -> Iterator[None]:
    """Hold PyTorch and linear algebra to so many threads: every engine has as many."""
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def run_engine(engine: Engine) -> tuple[float, Climb]:
    """Return the seconds of a training, and what it did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        found = engine.run()
        seconds = time.perf_counter() - start
    return seconds, engine.read(found)


def time_engines(case: Case, repeats: int = TURNS, most: int = MOST) -> Iterator[Line]:
    """Time whole fits in turns after a short one, all on one thread; the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in ENGINES}
    climbing: dict[str, list[float]] = {name: [] for name in ENGINES}
    climbs = {}
    turns = [(turn, name) for turn in range(repeats + 1) for name in ENGINES]
    with hold_threads():
        for turn, name in tqdm(turns, desc="Whole fits", disable=None):
            took, climbs[name] = run_engine(ENGINES[name](case, most if turn else 2))
            seconds[name].append(took)
            climbing[name].append(climbs[name].climbing)
    for name, found in climbs.items():
        took = [float(np.median(times[name][1:])) for times in (seconds, climbing)]
        did = found.iterations, found.evaluations
        yield Line(name, len(case.x), *took, *did, *case.judge(found.module))


def measure_here(engine: str, rows: int, hidden: int = 128) -> Line:
    """Measure a few iterations in this process, on one thread."""
    with hold_threads():
        run_engine(ENGINES[engine](draw_digits(500, hidden), 1))
        case = draw_digits(rows, hidden)
        ready = ENGINES[engine](case, FEW)
        release()
        before = read_status("VmRSS")
        (PROCESS / "clear_refs").write_text("5")
        took, found = run_engine(ready)
        peak = read_status("VmHWM") - before
    did = found.climbing, found.iterations, found.evaluations
    return Line(engine, rows, took, *did, *case.judge(found.module), peak)


def time_gradient(compute: Callable[[], Any], count: int) -> str:
    """Return the median and the longest time of a gradient, in milliseconds."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        compute()
        seconds.append(1e3 * (time.perf_counter() - start))
    return f"{np.median(seconds):.2f} (longest {max(seconds):.2f})"


def time_blocks(rows: int, blocks: tuple[int, ...], hidden: int = 128) -> Iterator[str]:
    """Time a gradient of this package by the number of rows that go through at once."""
    from tests.networks.modules import make_likelihood

    case = draw_digits(rows, hidden)
    for block in blocks:
        likelihood = make_likelihood(case.make(), case.x, case.codes, L2, block)
        params = likelihood.network.read_params()
        with hold_threads():
            took = time_gradient(lambda one=likelihood, at=params: one.evaluate(at), 5)
        yield f"| {rows:,} rows, blocks of {block:,} | {took} |"


def time_threads(case: Case, threads: tuple[int, ...] = THREADS, count: int = 30) -> Iterator[str]:
    """Time a gradient in PyTorch's own loop by its number of threads."""
    module, (x, codes) = case.make(), case.as_tensors()
    for number in threads:
        with hold_threads(number):
            took = time_gradient(lambda: case.lose(module, x, codes).backward(), count)
        yield f"| PyTorch's own, {len(x):,} rows, threads: {number} | {took} |"


def measure(engine: str, rows: int) -> str:
    """Measure in a child process, and return its line."""
    command = [sys.executable, "-m", "tests.benchmarks.networks", engine, str(rows)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if run.returncode:
        raise RuntimeError(f"{engine} failed: {run.stderr}")
    return run.stdout.strip()


def main(arguments: list[str]) -> None:
    """Measure one engine on many rows, or print the table of all."""
    if arguments:
        engine, rows = arguments
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            print(measure_here(engine, int(rows)))
        return
    print(HEADER, flush=True)
    for line in time_engines(draw_digits()):
        print(line, flush=True)
    for rows, engine in tqdm([*product(LARGE, ENGINES)], desc="Many rows", disable=None):
        print(measure(engine, rows), flush=True)
    print(f"\n{PIECES}", flush=True)
    many = draw_digits(LARGE[0], 128)
    pieces = time_blocks(LARGE[0], BLOCKS), time_threads(many, (1,), 5), time_threads(draw_digits())
    for piece in pieces:
        for text in piece:
            print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

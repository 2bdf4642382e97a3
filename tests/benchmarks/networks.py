"""Time and memory of networks against PyTorch's and scikit-learn's own training.

``python -m tests.benchmarks.networks`` fits a 64-32-10 network to the 1,797 digits of scikit-learn,
from the same start and to the same tolerance in every engine, in turns; then a 64-128-10 network to
50,000 and 200,000 noisy copies of them for a few iterations, each in a process of its own that
tells its peak memory. All have one thread. What is maximized is told with every time.
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
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import mlelogit as ml
from mlelogit.networks.likelihood import NetworkLikelihood
from tests.benchmarks.memory import PROCESS, ROOT, read_status, release

L2, TOLERANCE, MOST = 0.1, 1e-6, 5000
HISTORY = 30
LARGE = (50_000, 200_000)
FEW = 5


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
    """What an engine has done: evaluations of the gradient (NaN if it does not tell), and where."""

    module: Any
    evaluations: float


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


def climb_here(case: Case, most: int = MOST) -> Climb:
    """Fit with this package."""
    module = case.make()
    res = ml.networks.fit_network(
        module, case.x, case.codes, l2=L2, tol=TOLERANCE, maxiter=most, disp=False
    )
    return Climb(res.module, float(res.trace.evaluations[-1]))


def climb_torch(case: Case, most: int = MOST) -> Climb:
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

    optimizer.step(evaluate)
    return Climb(module, float(count[0]))


def climb_sklearn(case: Case, most: int = MOST) -> Climb:
    """Train with scikit-learn's MLPClassifier, whose alpha is λ of the sum over rows."""
    import torch
    from sklearn.neural_network import MLPClassifier

    module = case.make()
    peer = MLPClassifier(
        (case.hidden,), activation="tanh", solver="lbfgs", alpha=L2, tol=TOLERANCE, max_iter=1
    )
    peer.set_params(warm_start=True, random_state=0).fit(case.x[:200], case.codes[:200])
    layers = (module[0], module[2])
    peer.coefs_ = [layer.weight.detach().numpy().T.copy() for layer in layers]
    peer.intercepts_ = [layer.bias.detach().numpy().copy() for layer in layers]
    peer.set_params(max_iter=most, max_fun=20 * most).fit(case.x, case.codes)
    with torch.no_grad():
        for layer, weight, bias in zip(layers, peer.coefs_, peer.intercepts_, strict=True):
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(bias))
    return Climb(module, np.nan)


ENGINES: dict[str, Callable[..., Climb]] = {
    "mlelogit": climb_here,
    "torch.optim.LBFGS": climb_torch,
    "sklearn MLPClassifier": climb_sklearn,
}


@dataclass(frozen=True)
class Line:
    """What came of an engine.

    Attributes
    ----------
    engine : str
    rows : int
    seconds, evaluations, objective, gradient : float
        The penalized log-likelihood reached, and its largest gradient per observation.
    peak : float
        Bytes above the data.
    """

    engine: str
    rows: int
    seconds: float
    evaluations: float
    objective: float
    gradient: float
    peak: float = np.nan

    def __str__(self) -> str:
        memory = "-" if np.isnan(self.peak) else f"{self.peak / 1e6:.0f}"
        cells = (
            f"{self.rows:,}",
            self.engine,
            f"{self.seconds:.2f}",
            f"{self.evaluations:.0f}" if self.evaluations > 0 else "-",
            f"{self.objective:.6f}",
            f"{self.gradient:.0e}",
            memory,
        )
        return f"| {' | '.join(cells)} |"


HEADER = (
    "| rows | engine | seconds | gradients | penalized log-likelihood "
    "| largest gradient, per row | MB above the data |\n" + "| --- " * 7 + "|"
)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch and linear algebra have one thread."""
    import torch

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def time_engines(case: Case, repeats: int = 3, most: int = MOST) -> list[Line]:
    """Time whole fits in turns, all on one thread; the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in ENGINES}
    climbs = {}
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn in range(repeats + 1):
            for name, climb in ENGINES.items():
                start = time.perf_counter()
                climbs[name] = climb(case, most if turn else 2)
                seconds[name].append(time.perf_counter() - start)
    return [
        Line(
            name,
            len(case.x),
            float(np.median(seconds[name][1:])),
            found.evaluations,
            *case.judge(found.module),
        )
        for name, found in climbs.items()
    ]


def measure_here(engine: str, rows: int, hidden: int = 128) -> Line:
    """Measure a few iterations in this process."""
    climb = ENGINES[engine]
    climb(draw_digits(500, hidden), 1)
    case = draw_digits(rows, hidden)
    release()
    before = read_status("VmRSS")
    (PROCESS / "clear_refs").write_text("5")
    start = time.perf_counter()
    with one_thread():
        found = climb(case, FEW)
    seconds, peak = time.perf_counter() - start, read_status("VmHWM") - before
    return Line(engine, rows, seconds, found.evaluations, *case.judge(found.module), peak)


def time_gradients(case: Case, repeats: int = 9) -> dict[str, float]:
    """Time one value with its gradient, on one thread: engine -> median seconds."""
    module = case.make()
    x, codes = case.as_tensors()
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = ml.networks.fit_network(module, case.x, case.codes, l2=L2, maxiter=1).record
        likelihood = NetworkLikelihood(record.network, record.rows, record.precisions)

        def evaluate_here(turn: int) -> None:
            likelihood.evaluate(record.maximum.params + 1e-9 * turn)

        def evaluate_torch(_turn: int) -> None:
            module.zero_grad()
            case.lose(module, x, codes).backward()

        ways = {"mlelogit": evaluate_here, "torch": evaluate_torch}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(repeats):
            for name, evaluate in ways.items():
                start = time.perf_counter()
                evaluate(turn)
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(found)) for name, found in seconds.items()}


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
    for case in (draw_digits(), draw_digits(LARGE[0], 128)):
        each = time_gradients(case)
        told = ", ".join(f"{name} {1e3 * seconds:.1f} ms" for name, seconds in each.items())
        size = f"{len(case.x):,} rows, {case.hidden} hidden units"
        print(f"One gradient at {size}: {told}", flush=True)
    print(HEADER)
    for line in time_engines(draw_digits()):
        print(line, flush=True)
    for rows in LARGE:
        for engine in ENGINES:
            print(measure(engine, rows), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

r"""Training as PyTorch does it: its own optimizers go down its own cross-entropy.

Minimized is ``E(w) + 1/2 Σ λ w²``, E summed over the rows, in double precision, from where the
fit started.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.networks.backend import plain_torch
from mlelogit.networks.module import Network
from mlelogit.networks.passes import run_module
from mlelogit.networks.proof.identity import sum_cross_entropy
from mlelogit.networks.record import NetworkRecord

# Iterations of L-BFGS in all, and between two looks at how far it is.
LBFGS_ITERATIONS = 5000
LBFGS_ROUND = 100
# Evaluations that a descent by L-BFGS mostly needs at most, for telling how long it takes.
LBFGS_EVALUATIONS = 2000
# Steps that it remembers, two vectors each, fewer of large networks: 256 MB.
LBFGS_HISTORY = (5, 50)
LBFGS_NUMBERS = 1 << 25
# A gradient so much smaller than the fit's tolerance leaves values that agree in most digits.
CLOSER = 1e-4
# Steps of Adam, every one over all rows. Its rate falls to zero along half a cosine, since with a
# fixed one it circles around a minimum.
ADAM_STEPS = 4000
ADAM_RATE = 0.05


@dataclass(frozen=True)
class Descent:
    """Where a training run ended.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    cross_entropy : float
        E there, as PyTorch sums it.
    gradient : float
        Largest entry of its gradient, the prior's included.
    evaluations : int
    """

    params: np.ndarray
    cross_entropy: float
    gradient: float
    evaluations: int


class Training:
    """The loss of a network as PyTorch's optimizers want it.

    Parameters
    ----------
    record : NetworkRecord
    bar : tqdm, optional
    """

    def __init__(self, record: NetworkRecord, bar: Any = None) -> None:
        self.rows, self.bar = record.rows, bar
        self.network: Network = record.network.duplicate(record.maximum.trace.params[0])
        self.pieces = self.network.pieces
        self.goal = record.request.tol * CLOSER * record.rows.weight
        cuts = np.split(record.precisions, np.cumsum(self.network.sizes)[:-1])
        shapes = zip(cuts, self.network.shapes, strict=True)
        self.precisions = [cut.reshape(shape) for cut, shape in shapes]
        self.cross_entropy = np.nan
        self.evaluations = 0

    def evaluate(self, torch: Any) -> Any:
        """Return the loss, its gradient left in the parameters."""
        for piece in self.pieces:
            piece.grad = None
        loss = torch.zeros((), dtype=torch.float64, device=self.network.device)
        for block in self.rows.cut():
            scores = run_module(self.network, self.rows.inputs, block)
            part = sum_cross_entropy(torch, scores, self.rows, block)
            part.backward()
            loss = loss + part.detach()
        self.cross_entropy = float(loss)
        for piece, precision in zip(self.pieces, self.precisions, strict=True):
            if precision.any():
                scale = torch.from_numpy(precision).to(piece.device)
                penalty = 0.5 * (scale * piece**2).sum()
                penalty.backward()
                loss = loss + penalty.detach()
        self.evaluations += 1
        if self.bar is not None:
            self.bar.update(1)
        return loss

    @property
    def gradient(self) -> float:
        """The largest entry of the gradient at the last evaluation."""
        return float(np.abs(self.network.flatten([piece.grad for piece in self.pieces])).max())

    def finish(self, torch: Any) -> Descent:
        """Take note of where the parameters stand."""
        self.evaluate(torch)
        params = self.network.read_params()
        return Descent(params, self.cross_entropy, self.gradient, self.evaluations)


def train_lbfgs(record: NetworkRecord, bar: Any = None) -> Descent:
    """Train by `torch.optim.LBFGS` with its line search, until the loss falls no more.

    Parameters
    ----------
    record : NetworkRecord
    bar : tqdm, optional
    """
    training, size = Training(record, bar), record.network.size
    with plain_torch(training.network.device) as torch:
        optimizer = torch.optim.LBFGS(
            training.pieces,
            max_iter=LBFGS_ROUND,
            tolerance_grad=training.goal,
            tolerance_change=0.0,
            history_size=int(np.clip(LBFGS_NUMBERS // (2 * size), *LBFGS_HISTORY)),
            line_search_fn="strong_wolfe",
        )
        before = np.inf
        for _ in range(LBFGS_ITERATIONS // LBFGS_ROUND):
            optimizer.step(lambda: training.evaluate(torch))
            loss = float(training.evaluate(torch))
            if training.gradient <= training.goal or not loss < before:
                break
            before = loss
        return training.finish(torch)


def train_adam(record: NetworkRecord, bar: Any = None) -> Descent:
    """Train by `torch.optim.Adam` on all rows, a number of steps at a falling rate.

    Parameters
    ----------
    record : NetworkRecord
    bar : tqdm, optional
    """
    training = Training(record, bar)
    with plain_torch(training.network.device) as torch:
        optimizer = torch.optim.Adam(training.pieces, lr=ADAM_RATE)
        for step in range(ADAM_STEPS):
            for group in optimizer.param_groups:
                group["lr"] = ADAM_RATE * (1 + math.cos(math.pi * step / ADAM_STEPS)) / 2
            training.evaluate(torch)
            if training.gradient <= training.goal:
                break
            optimizer.step()
        return training.finish(torch)


TRAININGS: dict[str, Callable[[NetworkRecord, Any], Descent]] = {
    "LBFGS": train_lbfgs,
    "Adam": train_adam,
}
EVALUATIONS = {"LBFGS": LBFGS_EVALUATIONS, "Adam": ADAM_STEPS}


def time_evaluation(record: NetworkRecord) -> float:
    """Return the seconds that one evaluation takes, the shorter of two."""
    training, taken = Training(record), []
    with plain_torch(training.network.device) as torch:
        for _ in range(2):
            began = time.perf_counter()
            training.evaluate(torch)
            taken.append(time.perf_counter() - began)
    return min(taken)

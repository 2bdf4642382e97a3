r"""The log-likelihood of a softmax network and its derivatives, summed over blocks of rows.

With scores u_n = f(x_n; w) of a network, y_n = softmax(u_n) and outcomes d_n,

    ``log L(w) = Σ_n c_n Σ_k d_nk log y_k(x_n; w)``,   ``log y_nk = u_nk - log Σ_l exp(u_nl)``,

c_n being weights. A Gaussian prior adds ``-1/2 Σ_i λ_i w_i²``. Whatever f is, the derivative of a
row by its scores is ``d_n - t_n y_n``, with t_n = Σ_k d_nk; the rest is PyTorch's chain rule.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from mlelogit.exceptions import NetworkError
from mlelogit.networks.backend import load_torch, one_attention, plain_torch
from mlelogit.networks.module import Network
from mlelogit.networks.passes import BLOCK_NUMBERS, map_rows, name_failures, run_module
from mlelogit.networks.rows import NetworkRows
from mlelogit.notices import run_quietly

# The cube root of a double's rounding, where differences of a score are most exact.
STEP = 6e-6
# A step is as good as another one this many times as long; it is found in few rounds, each of which
# makes it longer or shorter by no more than FAR.
NEAR, FAR, STEP_ROUNDS = 2.0, 1e6, 6
# Scores that differ by so many units of rounding may be the same.
ROUNDING = 64


@dataclass(frozen=True)
class NetworkSums:
    """What is summed over the rows at some parameters.

    Attributes
    ----------
    loglike : float
    penalty : float
        ``1/2 Σ_i λ_i w_i²``.
    score : numpy.ndarray or None
        (P,): the gradient of ``loglike - penalty``.
    """

    loglike: float
    penalty: float
    score: np.ndarray | None = None

    @property
    def objective(self) -> float:
        """What is maximized: ``loglike - penalty``."""
        return self.loglike - self.penalty

    @property
    def gradient(self) -> np.ndarray:
        """The score, which is there where it was asked for."""
        if self.score is None:
            raise AssertionError("These sums were asked for without their score.")
        return self.score


class NetworkLikelihood:
    """The log-likelihood of a network on rows, as a function of its flat parameters.

    Parameters
    ----------
    network : Network
    rows : NetworkRows
    precisions : numpy.ndarray
        (P,): λ of the Gaussian prior.
    """

    def __init__(self, network: Network, rows: NetworkRows, precisions: np.ndarray) -> None:
        self.network = network
        self.rows = rows
        self.precisions = precisions
        self.evaluations = 0
        self.writes = 0

    @cached_property
    def weight(self) -> float:
        """Observations in all, weights included."""
        return self.rows.weight

    def evaluate(self, params: np.ndarray, score: bool = True) -> NetworkSums:
        """Return log-likelihood and penalty, and their score (P,) if it is asked for.

        Where linear algebra of the module breaks down, as for a matrix that has no factor, there
        is no value: NaN.
        """
        self.write(params)
        self.evaluations += 1
        try:
            loglike, gradient = self._sum_rows(score)
        except NetworkError as error:
            if not isinstance(error.__cause__, load_torch().linalg.LinAlgError):
                raise
            loglike, gradient = np.nan, np.full(self.network.size, np.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            penalty = 0.5 * float(self.precisions @ params**2)
        return NetworkSums(loglike, penalty, gradient - self.precisions * params if score else None)

    def _sum_rows(self, score: bool) -> tuple[float, np.ndarray]:
        """Return the log-likelihood, and its score (P,) if it is asked for."""
        loglike, gradient = 0.0, np.zeros(self.network.size)
        with self._compute(gradients=score) as torch:
            for block in self.rows.cut():
                value = self._sum_block(torch, block)
                if score:
                    with name_failures(self.rows.inputs.block(block.start, block.start + 1)):
                        found = self._differentiate(torch, value)
                    gradient += self.network.flatten(found)
                loglike += float(value.detach())
        return loglike, gradient

    def multiply_information(self, params: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return minus the Hessian of the penalized log-likelihood times a vector (P,).

        Pearlmutter (1994, Neural Computation 6): the gradient of the score's product with it.
        """
        return self.prepare_information(params)(vector)

    def prepare_information(self, params: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that multiplies a vector (P,) by the information at a point.

        If the rows are one block, what leads to their score is kept as long as the parameters
        are: a product then costs one pass back, and else one forth and two back. A module that
        loses second derivatives has differences of its score instead.
        """
        if not self.network.curved:
            return partial(self._multiply_by_differences, params.copy())
        blocks = list(self.rows.cut())
        kept: list[Any] = []

        def multiply(vector: np.ndarray) -> np.ndarray:
            if not kept or self.writes != kept[0]:
                self.write(params)
                kept[:] = [self.writes]
                kept.extend(self._trace_score(block) for block in blocks[:1] if len(blocks) == 1)
            product = np.array(self.precisions * vector)
            for block in blocks:
                score = kept[1] if len(blocks) == 1 else self._trace_score(block)
                product -= self._multiply_back(score, vector)
            return product

        return multiply

    def write(self, params: np.ndarray) -> None:
        """Set the parameters of the network."""
        self.writes += 1
        self.network.write_params(params)

    def form_information(self, params: np.ndarray) -> np.ndarray:
        """Return minus the Hessian of the penalized log-likelihood (P, P)."""
        if not self.network.curved:
            units = np.eye(len(params))
            whole = np.array([self._multiply_by_differences(params, unit) for unit in units])
            return np.asarray((whole + whole.T) / 2)
        self.write(params)
        whole = np.diag(self.precisions)
        for block in self.rows.cut():
            score = self._trace_score(block)
            # As many rows of it at once as make no more numbers than a block of rows may.
            numbers = self.rows.numbers * (block.stop - block.start)
            count = max(1, BLOCK_NUMBERS // numbers)
            for start in range(0, len(params), count):
                units = np.eye(min(count, len(params) - start), len(params), start)
                whole[start : start + count] -= self._multiply_many(score, units)
        return np.asarray((whole + whole.T) / 2)

    def _multiply_by_differences(self, params: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return the information times a vector by central differences of the score.

        The step is one over which scores change by `STEP`, whatever the units of the inputs are.
        """
        if not float(np.abs(vector).max()) > 0:
            return np.zeros(len(vector))

        def score(by: float) -> np.ndarray:
            self.write(params + by * vector)
            scores = map_rows(self.network, self.rows.inputs, self.rows.per_block)
            return scores - scores.mean(axis=1, keepdims=True)

        step = find_step(score, STEP)
        prior = self.precisions
        behind, ahead = (
            self.evaluate(params + by * vector).gradient + prior * (params + by * vector)
            for by in (-step, step)
        )
        return np.asarray((behind - ahead) / (2 * step) + prior * vector)

    def _trace_score(self, block: slice) -> Any:
        """Return the score of a block, piece by piece, with what leads to it.

        Fused attention has no second derivatives; its formula has.
        """
        with self._compute() as torch, one_attention():
            return self._differentiate(torch, self._sum_block(torch, block), again=True)

    def _multiply_many(self, score: Any, vectors: np.ndarray) -> np.ndarray:
        """Return the derivatives of a score's products with vectors (m, P), one by one if need be.

        PyTorch makes them at once if it can run all that the module does on a batch of batches.
        """
        if len(vectors) > 1:
            try:
                return run_quietly(self._multiply_at_once, score, vectors)
            except (RuntimeError, NotImplementedError):
                pass
        return np.array([self._multiply_back(score, vector) for vector in vectors])

    def _multiply_at_once(self, score: Any, vectors: np.ndarray) -> np.ndarray:
        size = len(vectors)
        products = self._push_back(score, vectors, (size,), is_grads_batched=True)
        flat = [
            np.zeros((size, width)) if part is None else part.cpu().numpy().reshape(size, width)
            for part, width in zip(products, self.network.sizes, strict=True)
        ]
        return np.concatenate(flat, axis=1)

    def _multiply_back(self, score: Any, vector: np.ndarray) -> np.ndarray:
        """Return the derivative of a score's product with a vector (P,)."""
        return self.network.flatten(self._push_back(score, vector, ()))

    def _push_back(self, score: Any, vectors: np.ndarray, first: tuple, **options: Any) -> Any:
        """Return, piece by piece, what PyTorch's chain rule makes of a score and vectors."""
        cuts = np.split(vectors, np.cumsum(self.network.sizes)[:-1], axis=-1)
        with self._compute() as torch:
            held = [
                (part, torch.as_tensor(cut.reshape(*first, *part.shape), device=part.device))
                for part, cut in zip(score, cuts, strict=True)
                if part is not None and part.requires_grad
            ]
            if not held:
                return [None] * len(cuts)
            parts, along = zip(*held, strict=True)
            return torch.autograd.grad(
                parts,
                self.network.pieces,
                grad_outputs=along,
                retain_graph=True,
                allow_unused=True,
                **options,
            )

    def _compute(self, gradients: bool = True) -> AbstractContextManager[Any]:
        return plain_torch(self.network.device, gradients, self.rows.parallel)

    def _differentiate(self, torch: Any, value: Any, again: bool = False) -> Any:
        pieces = self.network.pieces
        return torch.autograd.grad(value, pieces, create_graph=again, allow_unused=True)

    def _sum_block(self, torch: Any, block: slice) -> Any:
        """Return the log-likelihood of a block of rows as a tensor of one number."""
        outcome, device = self.rows.design.outcome, self.network.device
        scores = run_module(self.network, self.rows.inputs, block)
        logs = torch.log_softmax(scores, dim=1)
        if outcome.codes is not None:
            codes = torch.from_numpy(outcome.codes[block]).to(device)
            values = logs.gather(1, codes[:, None])[:, 0]
        else:
            values = (torch.from_numpy(self.rows.targets(block)).to(device) * logs).sum(dim=1)
        if self.rows.design.weights is not None:
            values = values * torch.from_numpy(self.rows.weights(block)).to(device)
        return values.sum()


def find_step(score: Callable[[float], np.ndarray], change: float) -> float:
    """Return how far to go along a way for the largest change of a score to be what is asked.

    Parameters
    ----------
    score : callable
        Returns scores (n, J) so far along the way.
    change : float

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.networks.likelihood import find_step
    >>> round(find_step(lambda by: np.array([1e6 * by, by]), 1e-5) * 1e11, 3)
    1.0
    """
    still, step = score(0.0), change
    # Rounding of scores is no change of theirs.
    least = ROUNDING * np.finfo(float).eps * (1 + float(np.abs(still).max()))
    for _ in range(STEP_ROUNDS):
        moved = float(np.abs(score(step) - still).max())
        if change / NEAR <= moved <= change * NEAR:
            break
        part = change / max(moved, least) if np.isfinite(moved) else 1 / FAR
        step *= float(np.clip(part, 1 / FAR, FAR))
    return step

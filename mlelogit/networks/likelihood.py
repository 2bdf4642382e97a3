r"""The log-likelihood of a softmax network and its derivatives, summed over blocks of rows.

With scores u_n = f(x_n; w) of a network, y_n = softmax(u_n) and outcomes d_n,

    ``log L(w) = Σ_n c_n Σ_k d_nk log y_k(x_n; w)``,   ``log y_nk = u_nk - log Σ_l exp(u_nl)``,

c_n being weights. A Gaussian prior adds ``-1/2 Σ_i λ_i w_i²``. Whatever f is, the derivative of a
row by its scores is ``d_n - t_n y_n``, with t_n = Σ_k d_nk; the rest is PyTorch's chain rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlelogit.networks.backend import plain_torch
from mlelogit.networks.module import Network
from mlelogit.networks.rows import Inputs, NetworkRows, cut_rows


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

    @cached_property
    def weight(self) -> float:
        """Observations in all, weights included."""
        return float(sum(self.rows.design.audit.categories.values()))

    def evaluate(self, params: np.ndarray, score: bool = True) -> NetworkSums:
        """Return log-likelihood and penalty, and their score (P,) if it is asked for."""
        self.network.write_params(params)
        self.evaluations += 1
        loglike, gradient = 0.0, np.zeros(self.network.size)
        for block in self.rows.cut():
            with plain_torch(self.network.device, gradients=score) as torch:
                value = self._sum_block(torch, block)
                if score:
                    gradient += self.network.flatten(self._differentiate(torch, value))
                loglike += float(value.detach())
        penalty = 0.5 * float(self.precisions @ params**2)
        return NetworkSums(loglike, penalty, gradient - self.precisions * params if score else None)

    def multiply_information(self, params: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Return minus the Hessian of the penalized log-likelihood times a vector (P,).

        Pearlmutter (1994, Neural Computation 6): the gradient of the score's product with it.
        """
        self.network.write_params(params)
        product = np.zeros(len(vector))
        cuts = np.split(vector, np.cumsum(self.network.sizes)[:-1])
        for block in self.rows.cut():
            with plain_torch(self.network.device) as torch:
                value = self._sum_block(torch, block)
                score = self._differentiate(torch, value, again=True)
                along = sum(
                    (part * torch.as_tensor(cut.reshape(part.shape), device=part.device)).sum()
                    for part, cut in zip(score, cuts, strict=True)
                    if part is not None and part.requires_grad
                )
                if isinstance(along, torch.Tensor):
                    product -= self.network.flatten(self._differentiate(torch, along))
        return product + self.precisions * vector

    def form_information(self, params: np.ndarray) -> np.ndarray:
        """Return minus the Hessian of the penalized log-likelihood (P, P), column by column."""
        units = np.eye(len(params))
        whole = np.array([self.multiply_information(params, unit) for unit in units])
        return np.asarray((whole + whole.T) / 2)

    def _differentiate(self, torch: Any, value: Any, again: bool = False) -> Any:
        pieces = self.network.pieces
        return torch.autograd.grad(value, pieces, create_graph=again, allow_unused=True)

    def _sum_block(self, torch: Any, block: slice) -> Any:
        """Return the log-likelihood of a block of rows as a tensor of one number."""
        rows, device = self.rows.design, self.network.device
        scores = run_module(self.network, self.rows.inputs, block)
        logs = torch.log_softmax(scores, dim=1)
        if rows.outcome.codes is not None:
            codes = torch.from_numpy(rows.outcome.codes[block]).to(device)
            values = logs.gather(1, codes[:, None])[:, 0]
        else:
            table = torch.from_numpy(np.asarray(rows.outcome.table)[block]).to(device)
            values = (table * logs).sum(dim=1)
        if rows.weights is not None:
            values = values * torch.from_numpy(rows.weights[block]).to(device)
        return values.sum()


def run_module(network: Network, inputs: Inputs, block: slice) -> Any:
    """Return the scores (m, J) of some rows as a tensor."""
    return network.module(inputs.block(block.start, block.stop).to(network.device))


def map_rows(
    network: Network,
    inputs: Inputs,
    per_block: int,
    function: Callable[[Any, Any], Any] | None = None,
) -> np.ndarray:
    """Return the scores of all rows (n, J), or what a function of them gives.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    per_block : int
    function : callable, optional
        Of the module torch and scores (m, J), a tensor; returns a tensor (m, ...).
    """
    found = []
    for block in cut_rows(inputs.shape[0], per_block):
        with plain_torch(network.device, gradients=False) as torch:
            scores = run_module(network, inputs, block)
            wanted = scores if function is None else function(torch, scores)
            found.append(wanted.cpu().numpy())
    return np.concatenate(found)

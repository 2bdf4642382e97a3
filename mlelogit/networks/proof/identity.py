r"""The identity ``-log L = E(w)`` of a network at one point, by ways that share its scores alone.

From the module's raw scores u (n, J), outcomes d and weights c, all sums being taken here anew:

(a) ``-Σ_n c_n log Π_k y_nk^d_nk`` with probabilities y from a shifted softmax in numpy. Only where
    that product leaves the range of a double is a row taken in logarithms, ``Σ_k d_nk l_nk``;
(b) ``E(w) = -Σ_n c_n Σ_k d_nk l_nk``, where ``l_nk = (u_nk - m_n) - log Σ_l exp(u_nl - m_n)`` with
    ``m_n = max_k u_nk``: finite for every finite score, where log y_nk is that of an underflow;
(c) `torch.nn.functional.cross_entropy` of scores and targets;
(d) scikit-learn's ``log_loss`` of the probabilities. It raises those below the rounding of one to
    it, so it is asked only where no category that was observed has such a probability.

Source: Bishop (2006), Pattern Recognition and Machine Learning, equations 4.107 and 4.108.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.equivalence.identity import softmax
from mlelogit.networks.backend import plain_torch
from mlelogit.networks.module import Network
from mlelogit.networks.passes import run_module
from mlelogit.networks.rows import NetworkRows

EPS = float(np.finfo(np.float64).eps)
# Products of probabilities below are taken in logarithms: digits are lost where doubles end.
SMALLEST = 1e-290
# exp, log, a division, a power, a product and scikit-learn's bounds, each half or one unit of
# rounding, beside the J terms of the sum.
OPERATIONS = 8
# Scores are sums of products, whose order may differ from one run of a module to the next.
SCORE_OPERATIONS = 8


@dataclass(frozen=True)
class Values:
    """Minus the log-likelihood of rows, in each of its forms.

    Attributes
    ----------
    likelihood, entropy, torch, sklearn : float
        (a), (b), (c) and (d); the last NaN if it was not asked.
    rounding : float
        What any two of them can differ by for rounding alone: ``ε Σ_n c_n t_n (J + 8 +
        8 max_k |u_nk|) + 2 (n + J) ε E``. In units of ε the first is what a row's log y_nk can be
        off by, t_n being Σ_k d_nk; the second that of sums of n and J terms in any order.
    largest : float
        The largest score, whatever its sign.
    in_logs : int
        Rows whose product was taken in logarithms.
    clipped : int
        Rows that scikit-learn would clip.
    """

    likelihood: float
    entropy: float
    torch: float
    sklearn: float
    rounding: float
    largest: float
    in_logs: int
    clipped: int


def log_softmax(u: np.ndarray) -> np.ndarray:
    """Return ``log y = (u - m) - log Σ_l exp(u_l - m)`` of scores (n, J), m being the largest.

    Written out here, as nothing that the fit uses may prove the fit right.
    """
    shifted = u - u.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def sum_cross_entropy(torch: Any, scores: Any, rows: NetworkRows, block: slice) -> Any:
    """Return PyTorch's cross-entropy of a block's scores (m, J), a tensor of one number.

    Targets are class indices for labels; for counts and probabilities they are d itself. With
    weights every row's loss is weighted and then they are summed.
    """
    outcome, weights = rows.design.outcome, rows.design.weights
    given = outcome.codes if outcome.codes is not None else np.asarray(outcome.table)
    target = torch.from_numpy(given[block]).to(scores.device)
    cross_entropy = torch.nn.functional.cross_entropy
    if weights is None:
        return cross_entropy(scores, target, reduction="sum")
    scale = torch.from_numpy(weights[block]).to(scores.device)
    return (scale * cross_entropy(scores, target, reduction="none")).sum()


def measure_identity(
    network: Network, rows: NetworkRows, params: np.ndarray, log_loss: Any = None
) -> Values | None:
    """Take minus the log-likelihood at a point in each of its forms; None if scores overflow.

    Parameters
    ----------
    network : Network
        A copy to compute with.
    rows : NetworkRows
    params : numpy.ndarray
        (P,).
    log_loss : callable, optional
        scikit-learn's, if it is to be asked.
    """
    network.write_params(params)
    parts = []
    for block in rows.cut():
        with plain_torch(network.device, gradients=False) as torch:
            scores = run_module(network, rows.inputs, block)
            loss = float(sum_cross_entropy(torch, scores, rows, block))
        u = scores.cpu().numpy()
        if not np.isfinite(u).all():
            return None
        d, weights = rows.targets(block), rows.weights(block)
        parts.append(_measure_block(u, d, weights, loss, log_loss))
    return _add(parts, rows.total + len(rows.encoding.categories))


def _measure_block(
    u: np.ndarray, d: np.ndarray, weights: np.ndarray, loss: float, log_loss: Any
) -> Values:
    logs = log_softmax(u)
    with np.errstate(under="ignore"):
        y = softmax(u)
        happened = np.where(d > 0, y, 1.0)
        products = np.prod(happened**d, axis=1)
    small = (products < SMALLEST) | (happened.min(axis=1) < SMALLEST)
    sums = (d * logs).sum(axis=1)
    rows = np.where(small, sums, np.log(np.where(small, 1.0, products)))
    largest = np.abs(u).max(axis=1)
    slips = d.sum(axis=1) * (u.shape[1] + OPERATIONS + SCORE_OPERATIONS * largest)
    clipped = int((happened.min(axis=1) < EPS).sum())
    asked = log_loss is not None and not clipped
    return Values(
        likelihood=float(-np.sum(weights * rows)),
        entropy=float(-np.sum(weights * sums)),
        torch=loss,
        sklearn=_ask_sklearn(log_loss, d, y, weights) if asked else np.nan,
        rounding=EPS * float(weights @ slips),
        largest=float(largest.max()),
        in_logs=int(small.sum()),
        clipped=clipped,
    )


def _ask_sklearn(log_loss: Any, d: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Return scikit-learn's loss, a row and category with d > 0 being a row of weight d."""
    rows, codes = np.nonzero(d)
    labels, scale = np.arange(d.shape[1]), weights[rows] * d[rows, codes]
    return float(log_loss(codes, y[rows], normalize=False, sample_weight=scale, labels=labels))


def _add(parts: list[Values], terms: int) -> Values:
    def add(name: str) -> float:
        return float(sum(getattr(part, name) for part in parts))

    error = add("entropy")
    return Values(
        likelihood=add("likelihood"),
        entropy=error,
        torch=add("torch"),
        sklearn=add("sklearn"),
        rounding=add("rounding") + 2 * terms * EPS * abs(error),
        largest=max(part.largest for part in parts),
        in_logs=int(add("in_logs")),
        clipped=int(add("clipped")),
    )

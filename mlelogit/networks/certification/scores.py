r"""The scores of all rows as contrasts, and whether they are affine in the parameters.

The likelihood depends on scores only by their contrasts: what is added to all scores of a row,
such as minus the log of the sum of their exponentials, changes nothing. So the mean of a row's
scores is taken off wherever scores are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlelogit.exceptions import NetworkError
from mlelogit.networks.backend import plain_torch
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.module import Network
from mlelogit.networks.passes import run_module
from mlelogit.networks.rows import Inputs, cut_rows

# Distances from a point, for its size: what bends only far off, as where scores are held within
# bounds, shows at powers of two that are large.
DISTANCES = (1e-2, 1.0, 1e2, 2.0**40, 2.0**100)
# Sums of contrasts with random numbers: one may be blind to a bend, not three.
DRAWS = 3
# Gradients of scores that are affine differ from place to place by less, each for its size.
STEADY = 1e-9
SEED = 19870413


def center(scores: np.ndarray) -> np.ndarray:
    """Return scores (..., J) less the mean of each row."""
    return np.asarray(scores - scores.mean(axis=-1, keepdims=True))


def score_block(likelihood: NetworkLikelihood, params: np.ndarray, block: slice) -> np.ndarray:
    """Return the contrasts of scores (m, J) of some rows at a point."""
    likelihood.write(params)
    with plain_torch(likelihood.network.device, gradients=False):
        scores = run_module(likelihood.network, likelihood.rows.inputs, block)
        return center(np.asarray(scores.cpu().numpy()))


def walk_scores(
    likelihood: NetworkLikelihood, params: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the rows of every block, and the contrasts of their scores (m, J) at a point."""
    for block in likelihood.rows.cut():
        yield block, score_block(likelihood, params, block)


def find_scores(likelihood: NetworkLikelihood, params: np.ndarray) -> np.ndarray:
    """Return the contrasts of the scores (n, J) of all rows at a point."""
    return np.concatenate([scores for _, scores in walk_scores(likelihood, params)])


@np.errstate(all="ignore")
def find_height(likelihood: NetworkLikelihood, params: np.ndarray) -> float:
    """Return the penalized log-likelihood at a point; minus infinity where it has no value."""
    try:
        found = likelihood.evaluate(params, score=False).objective
    except NetworkError:
        return -np.inf
    return found if np.isfinite(found) else -np.inf


@np.errstate(all="ignore")
def is_affine(
    network: Network, inputs: Inputs, per_block: int, params: np.ndarray, part: np.ndarray
) -> bool:
    """Tell whether contrasts of scores are affine in some of the parameters, the rest held.

    Then ``v(w) = Σ_n Σ_k c_nk u_k(x_n; w)``, with random c whose rows have mean zero, has the same
    derivative by each of these parameters wherever they are, near and far. Each derivative is
    compared for its own size, so that no input that is large hides others; and the values of v
    must be those that the derivatives say. Where a module cannot be computed it is not affine as
    far as is known.

    Parameters
    ----------
    network : Network
        Is left where it stood.
    inputs : Inputs
    per_block : int
        Rows that go through the module at once.
    params : numpy.ndarray
        (P,).
    part : numpy.ndarray
        (P,): which of them move.
    """
    before = network.read_params()
    blocks = list(cut_rows(inputs.shape[0], per_block))
    try:
        # Mostly the first block tells already that they are not.
        first = len(blocks) == 1 or _is_steady(network, inputs, blocks[:1], params, part)
        return first and _is_steady(network, inputs, blocks, params, part)
    finally:
        network.write_params(before)


def moves_affinely(likelihood: NetworkLikelihood, params: np.ndarray, part: np.ndarray) -> bool:
    """Tell whether contrasts of scores are affine in some of the parameters of a likelihood."""
    rows = likelihood.rows
    likelihood.write(params)
    return is_affine(likelihood.network, rows.inputs, rows.per_block, params, part)


def _is_steady(
    network: Network, inputs: Inputs, blocks: list[slice], params: np.ndarray, part: np.ndarray
) -> bool:
    draw = np.random.default_rng(SEED)
    here, still = differentiate_scores(network, inputs, blocks, params)
    largest, gap = np.abs(here[:, part]), np.zeros((DRAWS, int(part.sum())))
    for distance in DISTANCES:
        move = part * (1 + np.abs(params)) * distance * draw.standard_normal(len(params))
        try:
            there, value = differentiate_scores(network, inputs, blocks, params + move)
        except Exception:  # noqa: BLE001 - a module of a user's own may not run that far
            return False
        largest = np.maximum(largest, np.abs(there[:, part]))
        gap = np.maximum(gap, np.abs(there - here)[:, part])
        size = np.abs(still) + np.abs(value) + np.abs(here) @ np.abs(move)
        told = np.abs(value - still - here @ move) <= np.sqrt(STEADY) * size
        # By parameter over all draws: the size of one sum may be small by chance.
        if not (told.all() and (gap.max(axis=0) <= STEADY * largest.max(axis=0)).all()):
            return False
    return True


def differentiate_scores(
    network: Network, inputs: Inputs, blocks: list[slice], params: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return derivatives (DRAWS, P) and values (DRAWS,) of random sums of contrasts."""
    network.write_params(params)
    gradient, value = np.zeros((DRAWS, network.size)), np.zeros(DRAWS)
    draw = np.random.default_rng(SEED)
    for block in blocks:
        with plain_torch(network.device) as torch:
            scores = run_module(network, inputs, block)
            shape = tuple(scores.shape)
            for i in range(DRAWS):
                factors = torch.from_numpy(center(draw.standard_normal(shape)))
                total = (scores * factors.to(scores.device)).sum()
                value[i] += float(total.detach())
                gradient[i] += _flatten_gradient(torch, network, total)
    return gradient, value


def _flatten_gradient(torch: Any, network: Network, total: Any) -> np.ndarray:
    options = {"allow_unused": True, "retain_graph": True}
    return network.flatten(torch.autograd.grad(total, network.pieces, **options))

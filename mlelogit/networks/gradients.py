"""Whether a module's gradients are there, in double precision, and those of its scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.exceptions import NetworkError, NetworkWarning
from mlelogit.networks.backend import plain_torch
from mlelogit.networks.module import Network
from mlelogit.networks.passes import score_tensor
from mlelogit.notices import warn_user

# Steps of differences of scores, relative to the parameters: the best of them is right to far
# better than what counts as off, wherever a module bends.
STEPS = tuple(2.0**-k for k in range(4, 40, 4))
OFF = 1e-3
# How far from a module's own parameters they are taken, where it could be at a kink.
ASIDE = 0.1


def look_at_graph(network: Network, rows: Any) -> None:
    """See what scores are computed from: in double precision, and from which parameters."""
    with plain_torch(network.device) as torch:
        scores = score_tensor(network, rows.clone())
        if not scores.requires_grad:
            raise NetworkError(
                "The module's scores have no gradient by its parameters; take detach() and "
                "no_grad() out of forward()."
            )
        nodes = list(_walk_graph(scores.grad_fn))
        found = torch.autograd.grad(scores.sum(), network.pieces, allow_unused=True)
    _check_double(torch, nodes)
    _tell_strangers(network, nodes)
    unused = [name for name, part in zip(network.names, found, strict=True) if part is None]
    if unused:
        _judge_unused(network, rows, scores.detach().cpu(), unused)


def _judge_unused(network: Network, rows: Any, scores: Any, unused: list[str]) -> None:
    """Warn of parameters without a gradient, or raise if scores depend on them all the same."""
    point = network.read_params()
    moved = np.repeat([name in unused for name in network.names], network.sizes)
    network.write_params(np.where(moved, 1.1 * point + 0.1, point))
    try:
        with plain_torch(network.device, gradients=False):
            others = score_tensor(network, rows.clone()).cpu()
    finally:
        network.write_params(point)
    if not bool((others == scores).all()):
        raise NetworkError(
            f"The scores depend on the parameters {list_some(unused)}, but have no gradient by "
            "them: take detach(), no_grad() and numpy out of forward(), or, if they are to stay "
            "as they are, freeze them by requires_grad_(False)."
        )
    warn_user(
        f"The scores of the {len(rows)} rows looked at do not depend on the parameters "
        f"{list_some(unused)}. If no row's do, the likelihood says nothing of their values.",
        NetworkWarning,
    )


def _walk_graph(node: Any) -> Iterator[Any]:
    """Yield the operations that lead to a tensor."""
    seen, waiting = {node}, [node]
    while waiting:
        one = waiting.pop()
        yield one
        ahead = {before for before, _ in one.next_functions if before is not None} - seen
        seen |= ahead
        waiting += ahead


def _check_double(torch: Any, nodes: list[Any]) -> None:
    """Raise if an operation on the way from parameters to scores is not in double precision."""
    low = (torch.float32, torch.float16, torch.bfloat16)
    for node in nodes:
        kinds = {getattr(held, "dtype", None) for held in getattr(node, "_input_metadata", ())}
        if kinds & set(low):
            raise NetworkError(
                f"The module computes in {next(iter(kinds & set(low)))} on the way to its scores, "
                f"at {node.name()}, though its parameters and inputs are in double precision: "
                "likelihood and gradient would be right to some digits only. Take float() and "
                "the like out of forward()."
            )


def _tell_strangers(network: Network, nodes: list[Any]) -> None:
    """Warn if scores depend on tensors with gradients that are none of the parameters."""
    own = {id(piece) for piece in network.module.parameters()}
    held = [getattr(node, "variable", None) for node in nodes]
    shapes = [tuple(one.shape) for one in held if one is not None and id(one) not in own]
    if shapes:
        warn_user(
            f"The scores depend on tensors of shape {list_some(shapes)} that require gradients, "
            "but are not among module.parameters(), so they are not fitted. Layers in a plain "
            "list belong in torch.nn.ModuleList, tensors in torch.nn.Parameter.",
            NetworkWarning,
        )


def check_gradients(network: Network, rows: Any) -> None:
    """Raise unless gradients of scores are those of the scores, as their differences show.

    A sum of scores, each times a number, is followed along the gradient's own signs, where no two
    entries cancel, and along random ones.
    """
    point, draw = network.read_params(), np.random.default_rng(0)
    size = np.abs(point) + (0.1 * np.abs(point).mean() or 1.0)
    factors = draw.standard_normal((len(rows), 1))
    start = point + ASIDE * size * draw.uniform(-1, 1, len(point))
    try:
        gradient, used = _differentiate_sum(network, rows, start, factors)
        if not np.isfinite(gradient).all():
            return
        signs = np.where(gradient == 0, 1.0, np.sign(gradient))
        for way in (signs * size * used, draw.choice([-1.0, 1.0], len(point)) * size * used):
            _check_slope(network, rows, start, way, gradient, factors)
    finally:
        network.write_params(point)


def _check_slope(
    network: Network,
    rows: Any,
    start: np.ndarray,
    way: np.ndarray,
    gradient: np.ndarray,
    factors: np.ndarray,
) -> None:
    """Raise if differences over shorter and shorter steps settle on another slope."""
    reach, slope, before, gaps = float(np.abs(gradient) @ np.abs(way)), gradient @ way, np.nan, []
    for step in STEPS:
        ahead, behind = (
            _sum_scores(network, rows, start + by * way, factors) for by in (step, -step)
        )
        found = (ahead - behind) / (2 * step)
        if abs(found - slope) <= OFF * max(reach, abs(found)):
            return
        if abs(found - before) <= OFF * abs(found):
            gaps.append(abs(found - slope) / max(reach, abs(found)))
        before = found
    if gaps:
        raise NetworkError(
            "The gradients of the module are not those of its scores: along a line their slope is "
            f"off by {min(gaps):.2g} of it. forward() and backward() disagree (detach() on a part, "
            "numpy, or a backward() of your own?), and without gradients nothing can be maximized."
        )


def _weigh(torch: Any, scores: Any, factors: np.ndarray) -> Any:
    """Return the sum of scores, each times a number of its row and one of its category."""
    columns = torch.cos(torch.arange(1, scores.shape[1] + 1, dtype=scores.dtype))
    return (torch.from_numpy(factors).to(scores.device) * columns.to(scores.device) * scores).sum()


def _sum_scores(network: Network, rows: Any, params: np.ndarray, factors: np.ndarray) -> float:
    network.write_params(params)
    with plain_torch(network.device, gradients=False) as torch:
        return float(_weigh(torch, score_tensor(network, rows.clone()), factors))


def _differentiate_sum(
    network: Network, rows: Any, params: np.ndarray, factors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient (P,) of the sum, and which parameters have one."""
    network.write_params(params)
    with plain_torch(network.device) as torch:
        total = _weigh(torch, score_tensor(network, rows.clone()), factors)
        found = torch.autograd.grad(total, network.pieces, allow_unused=True)
    used = np.repeat([part is not None for part in found], network.sizes)
    return network.flatten(found), used

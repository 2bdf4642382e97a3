"""Whether a module is a softmax network: scores (n, J), of every row by itself, the same twice."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.exceptions import NetworkError, NetworkWarning
from mlelogit.networks.backend import fork_randomness, load_torch, one_attention, plain_torch
from mlelogit.networks.likelihood import find_step
from mlelogit.networks.module import Network
from mlelogit.networks.rows import Inputs
from mlelogit.notices import warn_user

# Rows to try a module on; whether rows depend on each other shows on few.
TRIED = 32
# Sums of many terms in another order differ by less, relative to the largest score.
SAME = 1e-8
# Rows of outputs that are a softmax already sum to one up to here.
SUM_ONE = 1e-9
# Doubles that the activations of a block may fill: 8 MB, what a processor keeps at hand, and some
# times that with gradients. Larger blocks are no faster.
BLOCK_NUMBERS = 1 << 20
LEAST_ROWS = 64
# Differences over such a step are right to about its square, far below what is rough.
STEP, ROUGH = 1e-5, 1e-3
# Where second derivatives are looked at, as parts of a module's own parameters.
NEARER = (1.0, 0.1)
# What is smaller is as good as zero.
SMALLEST = 1e-3
# On a busy machine two threads take a quarter of a second to agree on anything, which is what
# one takes for so many numbers. Only blocks that a user made so large have as many.
PARALLEL_NUMBERS = 1 << 22


def examine_network(network: Network, inputs: Inputs, categories: tuple) -> None:
    """Raise a named error unless a module gives one score per category for every row.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    categories : tuple
        The J categories.

    Raises
    ------
    NetworkError
        If the module cannot run on the rows, if its scores are of another shape, not finite or
        already probabilities, if they differ from one run to the next, or if those of a row
        depend on the other rows.

    Warns
    -----
    NetworkWarning
        If the module gives other scores in training mode, or does not use some parameter there.
    """
    few = inputs.block(0, min(TRIED, inputs.shape[0]))
    scores = _try_out(network, few.clone(), len(categories))
    _check_shape(scores, len(few), categories)
    _check_finite(scores)
    _check_repeatable(network, few, scores)
    _check_rows_alone(network, few, scores)
    _check_not_probabilities(scores)
    _tell_training_mode(network, few, scores)
    _tell_unused(network, few)


def _try_out(network: Network, rows: Any, count: int) -> Any:
    with plain_torch(network.device, gradients=False) as torch:
        try:
            scores = network.module(rows.to(network.device))
        except Exception as error:
            raise NetworkError(
                f"The module cannot run on rows of shape {tuple(rows.shape)} and type "
                f"{rows.dtype}: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(scores, torch.Tensor):
            raise NetworkError(
                f"The module returns {type(scores).__name__}; it must return one tensor of "
                f"scores (n, {count})."
            )
        return scores.detach().cpu()


def _check_shape(scores: Any, rows: int, categories: tuple) -> None:
    count = len(categories)
    if tuple(scores.shape) == (rows, count) and scores.dtype == load_torch().float64:
        return
    if scores.dtype != load_torch().float64:
        raise NetworkError(
            f"The module's scores are {scores.dtype} though its parameters and inputs are in "
            "double precision; do not convert them inside."
        )
    raise NetworkError(
        f"The module gives scores of shape {tuple(scores.shape)} for {rows} rows; it must be "
        f"({rows}, {count}), one score for each of the {count} categories, in this order: "
        f"{list_some(categories, 20)}."
    )


def _check_finite(scores: Any) -> None:
    odd = np.flatnonzero(~np.isfinite(scores.numpy()).all(axis=1))
    if odd.size:
        raise NetworkError(
            f"The module's scores are not finite at its own parameters, first in row {odd[0]}: "
            f"{scores[int(odd[0])].tolist()}."
        )


def _check_repeatable(network: Network, rows: Any, scores: Any) -> None:
    again = _try_out(network, rows.clone(), scores.shape[1])
    if _differ(scores, again):
        raise NetworkError(
            "The module gives other scores when it runs again on the same rows, in evaluation "
            "mode: they are no function of the rows and parameters, so there is no likelihood. "
            "Take random numbers and counters out of forward()."
        )


def _differ(scores: Any, others: Any) -> bool:
    """Tell whether scores differ by more than rounding."""
    return not float((others - scores).abs().max()) <= SAME * max(1.0, float(scores.abs().max()))


def _check_rows_alone(network: Network, rows: Any, scores: Any) -> None:
    """Raise unless a row has the same scores in other company."""
    if len(rows) < 2:
        return
    order = np.arange(len(rows))[::-1][: (len(rows) + 1) // 2].copy()
    alone = _try_out(network, rows[load_torch().from_numpy(order)].clone(), scores.shape[1])
    same = tuple(alone.shape) == (len(order), scores.shape[1])
    if not same or _differ(scores[order], alone):
        raise NetworkError(
            "The scores of a row depend on which other rows go through the module with it "
            "(batch statistics, or a softmax or sort along the rows?), so the likelihood is no "
            "product over the rows."
        )


def _check_not_probabilities(scores: Any) -> None:
    values = scores.numpy()
    if values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < SUM_ONE:
        raise NetworkError(
            "The module's outputs are not negative and sum to one in every row: probabilities. "
            "Leave its last softmax out; the scores before it are what is needed, and the "
            "softmax is taken here."
        )


def _tell_training_mode(network: Network, rows: Any, scores: Any) -> None:
    """Warn if the module gives other scores in training mode."""
    with plain_torch(network.device, gradients=False), fork_randomness(0):
        trained = copy.deepcopy(network.module).train()
        try:
            others = trained(rows.clone().to(network.device)).detach().cpu()
        except Exception:  # noqa: BLE001 - batch statistics of one row, say; then they differ
            others = scores + 1
    if _differ(scores, others):
        warn_user(
            "The module gives other scores in training mode than in evaluation mode (dropout, or "
            "batch normalization?). The likelihood is that of evaluation mode: nothing is "
            "dropped, and running means and variances stay as they are.",
            NetworkWarning,
        )


def _tell_unused(network: Network, rows: Any) -> None:
    """Warn if scores do not depend on some parameters."""
    with plain_torch(network.device) as torch:
        total = network.module(rows.clone().to(network.device)).sum()
        if not total.requires_grad:
            raise NetworkError(
                "The module's scores have no gradient by its parameters; take detach() and "
                "no_grad() out of forward()."
            )
        found = torch.autograd.grad(total, network.pieces, allow_unused=True)
    unused = [name for name, part in zip(network.names, found, strict=True) if part is None]
    if unused:
        warn_user(
            f"The scores of the first {len(rows)} rows do not depend on the parameters "
            f"{list_some(unused)}. If no row's do, the likelihood says nothing of their values.",
            NetworkWarning,
        )


def find_curvature(network: Network, inputs: Inputs) -> bool:
    """Tell whether second derivatives of a module are those of its first ones.

    Looked at are those of ``Σ_n Σ_k (u_nk + c_k s)² / 2 s²`` along a direction, against central
    differences of its first ones; u being contrasts of scores, s their size and c fixed numbers.
    Unlike those of the likelihood they do not vanish where rows are certain. It is done where the
    module stands, and nearer to zero, where layers are not saturated.
    """
    rows = inputs.block(0, min(TRIED, inputs.shape[0]))
    point, draw = network.read_params(), np.random.default_rng(0)
    try:
        for part in NEARER:
            # Where a kink is met by chance on one way, it hardly is on another.
            ways = draw.normal(size=(2, network.size)) * (part * np.abs(point) + SMALLEST)
            if not any(_curves_alike(network, rows, part * point, way) for way in ways):
                return False
        return True
    finally:
        network.write_params(point)


def _curves_alike(network: Network, rows: Any, point: np.ndarray, direction: np.ndarray) -> bool:
    """Tell whether second derivatives along a direction are what differences of first ones are."""
    size = max(float(np.abs(_score_rows(network, rows, point)).max()), SMALLEST)
    try:
        product = _differentiate_along(network, rows, point, direction, size, twice=True)
    except RuntimeError:  # Some operation has none.
        return False
    step = find_step(lambda by: _score_rows(network, rows, point + by * direction), STEP * size)
    ahead, behind = (
        _differentiate_along(network, rows, point + by * direction, direction, size)
        for by in (step, -step)
    )
    difference = (ahead - behind) / (2 * step)
    scale = max(np.abs(product).max(), np.abs(difference).max())
    return bool(np.abs(product - difference).max() <= ROUGH * scale)


def _score_rows(network: Network, rows: Any, params: np.ndarray) -> np.ndarray:
    """Return the contrasts of the scores of some rows (m, J)."""
    network.write_params(params)
    with plain_torch(network.device, gradients=False):
        scores = network.module(rows.clone().to(network.device))
        return np.asarray((scores - scores.mean(dim=1, keepdim=True)).cpu().numpy())


def _differentiate_along(
    network: Network,
    rows: Any,
    point: np.ndarray,
    direction: np.ndarray,
    size: float,
    twice: bool = False,
) -> np.ndarray:
    """Return the gradient (P,), or its derivative along a direction."""
    network.write_params(point)
    cuts = np.split(direction, np.cumsum(network.sizes)[:-1])
    with plain_torch(network.device) as torch, one_attention():
        value = _square_scores(torch, network.module(rows.clone().to(network.device)), size)
        options = {"allow_unused": True, "create_graph": twice}
        found = torch.autograd.grad(value, network.pieces, **options)
        if twice:
            along = sum(
                (part * torch.from_numpy(cut.reshape(part.shape)).to(part.device)).sum()
                for part, cut in zip(found, cuts, strict=True)
                if part is not None
            )
            found = torch.autograd.grad(along, network.pieces, allow_unused=True)
        return network.flatten(found)


def _square_scores(torch: Any, scores: Any, size: float) -> Any:
    """Return half the sum of squares of contrasts over their size, moved by different numbers."""
    contrasts = scores - scores.mean(dim=1, keepdim=True)
    apart = torch.cos(torch.arange(scores.shape[1], device=scores.device, dtype=scores.dtype))
    return ((contrasts / size + apart) ** 2).sum() / 2


def choose_block(network: Network, inputs: Inputs) -> int:
    """Return how many rows go through a module at once, by how many numbers it makes of a row."""
    return max(LEAST_ROWS, BLOCK_NUMBERS // count_numbers(network, inputs))


def is_heavy(network: Network, inputs: Inputs, per_block: int) -> bool:
    """Tell whether a block of rows is work enough for several threads."""
    return min(per_block, inputs.shape[0]) * count_numbers(network, inputs) > PARALLEL_NUMBERS


def count_numbers(network: Network, inputs: Inputs) -> int:
    """Return how many numbers the layers of a module make of a row, itself included."""
    rows = inputs.block(0, min(TRIED, inputs.shape[0]))
    numbers = [rows.numel()]

    def count(_: Any, __: Any, output: Any) -> None:
        numbers.append(output.numel() if hasattr(output, "numel") else 0)

    with plain_torch(network.device, gradients=False):
        hooks = [layer.register_forward_hook(count) for layer in network.module.modules()]
        try:
            network.module(rows.to(network.device))
        finally:
            for hook in hooks:
                hook.remove()
    return max(1, sum(numbers) // len(rows))

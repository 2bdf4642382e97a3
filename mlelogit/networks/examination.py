"""Whether a module is a softmax network: scores (n, J), of every row by itself, the same twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.exceptions import NetworkError, NetworkWarning
from mlelogit.networks.backend import fork_randomness, load_torch, one_attention, plain_torch
from mlelogit.networks.gradients import check_gradients, look_at_graph
from mlelogit.networks.likelihood import find_step
from mlelogit.networks.module import Network, copy_layers
from mlelogit.networks.passes import (
    choose_few,
    measure_rounding,
    name_places,
    run_module,
    score_tensor,
    take_few,
)
from mlelogit.networks.rows import Inputs, NetworkRows
from mlelogit.notices import warn_user

# Sums of many terms in another order differ by less, relative to the largest score; where a climb
# ended terms may cancel, and more is left of rounding.
SAME, SAME_AT_END = 1e-8, 1e-6
# The same rows in the same order differ by less when they go through a module again.
REPEATED = 1e-12
# Rows of outputs that are a softmax already sum to one up to here.
SUM_ONE = 1e-9
# Differences over such a step are right to about its square, far below what is rough.
STEP, ROUGH = 1e-5, 1e-3
# Where second derivatives are looked at, as parts of a module's own parameters.
NEARER = (1.0, 0.1)
# What is smaller is as good as zero.
SMALLEST = 1e-3


def examine_network(network: Network, inputs: Inputs, categories: tuple) -> None:
    """Raise a named error unless a module gives one score per category for some rows.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    categories : tuple
        The J categories.

    Raises
    ------
    NetworkError
        If the module cannot run on the rows, if its scores are of another shape, in single
        precision, not finite or already probabilities, if they differ from one run to the next,
        if those of a row depend on the other rows, or if its gradients are not those of its scores.

    Warns
    -----
    NetworkWarning
        If the module gives other scores in training mode, does not use some parameter there, or
        uses tensors that are none of its parameters.

    Examples
    --------
    >>> import mlelogit as ml, torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.Softmax(dim=1))
    >>> ml.networks.fit_network(net, [[0.0], [1.0], [2.0]], ["a", "b", "a"])
    Traceback (most recent call last):
    ...
    mlelogit.exceptions.NetworkError: ...
    """
    few, places = take_few(inputs), choose_few(inputs)
    scores = _try_out(network, few.clone())
    _check_shape(scores, len(few), categories)
    _check_finite(scores, places)
    _check_repeatable(network, few, scores)
    _check_rows_alone(network, few, scores, places)
    _check_not_probabilities(scores)
    _tell_training_mode(network, few, scores)
    look_at_graph(network, few)
    check_gradients(network, few)


def examine_rows(network: Network, rows: NetworkRows) -> None:
    """Raise a named error unless every row has finite scores, the same in any company.

    Each block goes through the module whole and in halves drawn at random, and some rows of it
    among those that are spread over all.

    Parameters
    ----------
    network : Network
    rows : NetworkRows

    Raises
    ------
    NetworkError
        Naming the first row that has no finite scores, cannot go through the module, or has
        other scores in other company.
    """
    place, gap = find_dependent_row(network, rows, SAME)
    if gap:
        raise NetworkError(_tell_dependence(place, gap))


def tell_dependent_rows(network: Network, rows: NetworkRows) -> None:
    """Warn if where a climb ended the scores of a row depend on its company."""
    place, gap = find_dependent_row(network, rows, SAME_AT_END)
    if gap:
        warn_user(
            f"At the parameters of the answer: {_tell_dependence(place, gap)}", NetworkWarning
        )


def _tell_dependence(place: int, gap: float) -> str:
    return (
        "The scores of a row depend on which other rows go through the module with it, by "
        f"{gap:.2g} in row {place} by position (batch statistics, or a softmax or sort along the "
        "rows?), so the likelihood is no product over the rows."
    )


def find_dependent_row(network: Network, rows: NetworkRows, tolerance: float) -> tuple[int, float]:
    """Return the position of the first row whose scores depend on its company, and by how much.

    Nothing depends where that is zero.
    """
    places, draw = choose_few(rows.inputs), np.random.default_rng(0)
    with plain_torch(network.device, gradients=False, parallel=rows.parallel):
        spread = _score(network, take_few(rows.inputs))
        for block in rows.cut():
            whole = run_module(network, rows.inputs, block).detach().cpu().numpy()
            _check_finite(whole, np.arange(block.start, block.stop))
            gaps = np.zeros(len(whole))
            here = (places >= block.start) & (places < block.stop)
            own = places[here] - block.start
            gaps[own] = _measure_gaps(spread[here], whole[own])
            for part in _draw_halves(draw, len(whole)):
                inputs = rows.inputs.block(block.start, block.stop)[load_torch().from_numpy(part)]
                gaps[part] = np.maximum(
                    gaps[part], _measure_gaps(_score(network, inputs), whole[part])
                )
            room = tolerance * max(1.0, float(np.abs(whole).max()))
            if not gaps.max() <= room:
                room += measure_rounding(network, rows.inputs.block(block.start, block.stop)).max()
            off = np.flatnonzero(~(gaps <= room))
            if off.size:
                return block.start + int(off[0]), float(gaps[off[0]])
    return 0, 0.0


def _score(network: Network, rows: Any) -> np.ndarray:
    return np.asarray(score_tensor(network, rows).detach().cpu().numpy())


def _measure_gaps(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the largest difference of the scores of each row (m,); infinite in another shape."""
    if some.shape != others.shape:
        return np.full(len(others), np.inf)
    return np.asarray(np.abs(some - others).max(axis=1, initial=0.0))


def _draw_halves(draw: np.random.Generator, count: int) -> list[np.ndarray]:
    """Draw two halves of a block's rows; none of one row."""
    return [half for half in np.array_split(draw.permutation(count), 2) if 0 < len(half) < count]


def _try_out(network: Network, rows: Any) -> Any:
    with plain_torch(network.device, gradients=False):
        return score_tensor(network, rows).detach().cpu()


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


def _check_finite(scores: Any, places: np.ndarray) -> None:
    """Raise unless scores (m, J) of rows at some positions are finite."""
    odd = np.flatnonzero(~np.isfinite(np.asarray(scores)).all(axis=1))
    if odd.size:
        raise NetworkError(
            f"The module's scores are not finite at its own parameters, in rows "
            f"{name_places(places[odd])} by position, among others: {scores[int(odd[0])].tolist()} "
            "in the first of them."
        )


def _check_repeatable(network: Network, rows: Any, scores: Any) -> None:
    again = _try_out(network, rows.clone())
    if _differ(scores, again, REPEATED):
        raise NetworkError(
            "The module gives other scores when it runs again on the same rows, in evaluation "
            "mode: they are no function of the rows and parameters, so there is no likelihood. "
            "Take random numbers and counters out of forward()."
        )


def _differ(scores: Any, others: Any, tolerance: float = SAME) -> bool:
    """Tell whether scores differ by more than rounding."""
    room = tolerance * max(1.0, float(scores.abs().max()))
    return not float((others - scores).abs().max()) <= room


def _check_rows_alone(network: Network, rows: Any, scores: Any, places: np.ndarray) -> None:
    """Raise unless a row has the same scores in other company, and by itself."""
    if len(rows) < 2:
        return
    order = np.arange(len(rows))[::-1][: (len(rows) + 1) // 2].copy()
    for some in (order, order[:1]):
        alone = _try_out(network, rows[load_torch().from_numpy(some)].clone())
        if tuple(alone.shape) != (len(some), scores.shape[1]):
            raise NetworkError(
                f"The module gives scores of shape {tuple(alone.shape)} for {len(some)} rows, but "
                f"{tuple(scores.shape)} for {len(rows)}: which other rows go through it changes "
                "the shape (does it squeeze?)."
            )
        if _differ(scores[some], alone):
            gap = float((scores[some] - alone).abs().max())
            if not gap <= measure_rounding(network, rows).max():
                raise NetworkError(_tell_dependence(int(places[some[0]]), gap))


def _check_not_probabilities(scores: Any) -> None:
    values = scores.numpy()
    if values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < SUM_ONE:
        raise NetworkError(
            "The module's outputs are not negative and sum to one in every row: probabilities. "
            "Leave its last softmax out; the scores before it are what is needed, and the "
            "softmax is taken here."
        )


def _tell_training_mode(network: Network, rows: Any, scores: Any) -> None:
    """Warn if the module gives other scores in training mode, or cannot run there."""
    with plain_torch(network.device, gradients=False), fork_randomness(0):
        trained = copy_layers(network.module).train()
        try:
            others, told = trained(rows.clone().to(network.device)).detach().cpu(), ""
        except Exception as error:  # noqa: BLE001 - batch statistics of one row, say
            others, told = scores, f"{type(error).__name__}: {error}"
    if not told and not _differ(scores, others):
        return
    first = (
        f"The module raises {told} in training mode."
        if told
        else "The module gives other scores in training mode than in evaluation mode (dropout, or "
        "batch normalization?)."
    )
    warn_user(
        f"{first} The likelihood is that of evaluation mode: nothing is dropped, and running means "
        "and variances stay as they are.",
        NetworkWarning,
    )


def find_curvature(network: Network, inputs: Inputs) -> bool:
    """Tell whether second derivatives of a module are those of its first ones.

    Looked at are those of ``Σ_n Σ_k (u_nk + c_k s)² / 2 s²`` along a direction, against central
    differences of its first ones; u being contrasts of scores, s their size and c fixed numbers.
    Unlike those of the likelihood they do not vanish where rows are certain. It is done where the
    module stands, and nearer to zero, where layers are not saturated.
    """
    rows = take_few(inputs)
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
    try:
        size = max(float(np.abs(_score_rows(network, rows, point)).max()), SMALLEST)
        product = _differentiate_along(network, rows, point, direction, size, twice=True)
    except (RuntimeError, NetworkError):  # Some operation has none, or the module fails there.
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
        scores = score_tensor(network, rows.clone())
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
        value = _square_scores(torch, score_tensor(network, rows.clone()), size)
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

"""Rows on their way through a module: the one place where it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.exceptions import NetworkError
from mlelogit.networks.backend import load_torch, plain_torch
from mlelogit.networks.module import Network
from mlelogit.networks.rows import Inputs, cut_rows

# Rows to try a module on.
TRIED = 32
# Doubles that the activations of a block may fill: 8 MB, what a processor keeps at hand, and some
# times that with gradients. Larger blocks are no faster.
BLOCK_NUMBERS = 1 << 20
LEAST_ROWS = 64
# On a busy machine two threads take a quarter of a second to agree on anything, which is what
# one takes for so many numbers. Only blocks that a user made so large have as many.
PARALLEL_NUMBERS = 1 << 22
# Units of rounding that inputs are moved by to see what rounding does, and how often as much it
# may do in layer after layer.
UNITS, ROUNDINGS = 4, 16


@contextmanager
def name_failures(rows: Any, first: int | None = None) -> Iterator[None]:
    """Turn what a module raises into a `NetworkError` that says for which rows.

    Parameters
    ----------
    rows : torch.Tensor
        What goes through it.
    first : int, optional
        The position of the first of them, if they are rows in a block.
    """
    try:
        yield
    except NetworkError:
        raise
    except Exception as error:
        where = "" if first is None else f" {first} to {first + len(rows) - 1}, by position,"
        raise NetworkError(
            f"The module cannot run on rows{where} of shape {tuple(rows.shape)} and type "
            f"{rows.dtype}: {_quote(error)}.{_find_cure(rows, str(error))}"
        ) from error


def _find_cure(rows: Any, told: str) -> str:
    """Say what to do about rows of a type that a module does not take."""
    if rows.is_floating_point() and "Long" in told and "ndices" in told:
        return (
            " An embedding takes whole numbers: give X as a tensor of them, such as "
            "torch.tensor(X.astype('int64')); those in arrays and frames are columns of numbers."
        )
    if not rows.is_floating_point() and "dtype" in told:
        return (
            " X is a tensor of whole numbers, which stays one; X.double() makes it columns of "
            "numbers."
        )
    return ""


def score_tensor(network: Network, rows: Any, first: int | None = None) -> Any:
    """Return the scores (m, J) of a tensor of rows, as a tensor.

    Raises
    ------
    NetworkError
        If the module raises, or returns anything but a row of scores for every row.
    """
    with name_failures(rows, first):
        scores = network.module(rows.to(network.device))
    if not isinstance(scores, load_torch().Tensor):
        raise NetworkError(
            f"The module returns {type(scores).__name__}; it must return one tensor of scores, "
            "(n, J)."
        )
    return scores


def run_module(network: Network, inputs: Inputs, block: slice) -> Any:
    """Return the scores (m, J) of some rows as a tensor.

    Raises
    ------
    NetworkError
        If the module raises on them, or does not return a row of scores for each.
    """
    rows = inputs.block(block.start, block.stop)
    count = len(rows)
    try:
        scores = score_tensor(network, rows, block.start)
    except NetworkError as error:
        place = find_failing_row(network, inputs, block, error)
        if place is None:
            raise
        alone = inputs.block(place, place + 1)
        raise NetworkError(
            f"The module cannot run on row {place} by position: {_quote(error.__cause__)}."
            f"{_find_cure(alone, str(error))}"
        ) from error.__cause__
    if scores.ndim != 2 or len(scores) != count:
        raise NetworkError(
            f"The module gives scores of shape {tuple(scores.shape)} for the {count} rows from "
            f"{block.start} on; the first dimension must be the rows' however many there are (does "
            "it squeeze?)."
        )
    return scores


def find_failing_row(
    network: Network, inputs: Inputs, block: slice, error: NetworkError
) -> int | None:
    """Return the position of a row that a module raises on; None if it is not for one of them.

    Halves are tried, until one row is left. Where no half passes, the rows are not the reason.
    """
    reason, place, passed = error.__cause__, block, False
    if reason is None or isinstance(reason, load_torch().linalg.LinAlgError):
        return None
    while place.stop - place.start > 1:
        middle = (place.start + place.stop) // 2
        first, second = slice(place.start, middle), slice(middle, place.stop)
        fails = _fails(network, inputs, first)
        passed |= not fails or not _fails(network, inputs, second)
        place = first if fails else second
    return place.start if passed and _fails(network, inputs, place) else None


def _fails(network: Network, inputs: Inputs, block: slice) -> bool:
    try:
        score_tensor(network, inputs.block(block.start, block.stop))
    except NetworkError:
        return True
    return False


def _quote(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"


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
    with plain_torch(network.device, gradients=False) as torch:
        for block in cut_rows(inputs.shape[0], per_block):
            scores = run_module(network, inputs, block)
            wanted = scores if function is None else function(torch, scores)
            found.append(wanted.cpu().numpy())
    return np.concatenate(found)


def take_few(inputs: Inputs, most: int = TRIED) -> Any:
    """Return some rows, evenly spread, as a tensor of their own."""
    return take_rows(inputs, choose_few(inputs, most))


def choose_few(inputs: Inputs, most: int = TRIED) -> np.ndarray:
    """Return the positions of some rows, evenly spread, the first and the last among them."""
    total = inputs.shape[0]
    return np.unique(np.linspace(0, total - 1, min(most, total)).round().astype(np.int64))


def take_rows(inputs: Inputs, places: np.ndarray) -> Any:
    """Return rows at some positions as a tensor of their own."""
    return load_torch().cat([inputs.block(int(place), int(place) + 1) for place in places])


def measure_rounding(network: Network, rows: Any) -> np.ndarray:
    """Return how much scores of a tensor of rows (m,) can differ for the rounding of inputs.

    The sums in a layer take another order in other company, which is as if its inputs were some
    units of rounding larger or smaller; a score can be far from smooth in them.
    """
    scores = _score_moved(network, rows, 0)
    moved = [_score_moved(network, rows, units) for units in (UNITS, -UNITS)]
    gaps = np.maximum(*(np.abs(one - scores).max(axis=1, initial=0.0) for one in moved))
    return np.asarray(ROUNDINGS * gaps)


def _score_moved(network: Network, rows: Any, units: int) -> np.ndarray:
    eps = float(np.finfo(np.float64).eps)
    moved = rows * (1 + units * eps) if rows.is_floating_point() else rows.clone()
    with plain_torch(network.device, gradients=False):
        return np.asarray(score_tensor(network, moved).cpu().numpy())


def choose_block(numbers: int) -> int:
    """Return how many rows go through a module at once that makes so many numbers of a row."""
    return max(LEAST_ROWS, BLOCK_NUMBERS // numbers)


def is_heavy(numbers: int, rows: int) -> bool:
    """Tell whether so many rows at once are work enough for several threads."""
    return rows * numbers > PARALLEL_NUMBERS


def count_numbers(network: Network, inputs: Inputs) -> int:
    """Return how many numbers the layers of a module make of a row, itself included."""
    rows = take_few(inputs)
    numbers = [rows.numel()]

    def count(_: Any, __: Any, output: Any) -> None:
        numbers.append(output.numel() if hasattr(output, "numel") else 0)

    with plain_torch(network.device, gradients=False):
        hooks = [layer.register_forward_hook(count) for layer in network.module.modules()]
        try:
            score_tensor(network, rows)
        finally:
            for hook in hooks:
                hook.remove()
    return max(1, sum(numbers) // len(rows))


def name_places(places: np.ndarray) -> str:
    """List positions of rows."""
    return list_some(places.tolist())

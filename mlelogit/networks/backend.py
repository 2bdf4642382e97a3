"""PyTorch, imported when a network is used, and free of what its caller has switched on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlelogit.notices import import_extra


def load_torch() -> Any:
    """Import PyTorch.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    return import_extra("torch", "networks")


@contextmanager
def plain_torch(device: Any, gradients: bool = True) -> Iterator[Any]:
    """Compute in double precision, with gradients or without, whatever surrounds the caller.

    Inside, neither autocast, which lowers the precision of layers, nor the caller's inference
    mode or ``no_grad`` holds.

    Parameters
    ----------
    device : torch.device
    gradients : bool
    """
    torch = load_torch()
    with (
        torch.inference_mode(False),
        torch.set_grad_enabled(gradients),
        torch.autocast(device_type=device.type, enabled=False),
    ):
        yield torch


@contextmanager
def fork_randomness(seed: int) -> Iterator[None]:
    """Draw from a seed, and leave PyTorch's own random numbers as they were."""
    torch = load_torch()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield

"""A PyTorch module as a function of one flat vector of parameters, in double precision."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlelogit.data.frames import list_some
from mlelogit.exceptions import NetworkError, NetworkWarning
from mlelogit.networks.backend import fork_randomness, load_torch, plain_torch
from mlelogit.notices import warn_user


@dataclass(frozen=True, eq=False)
class Network:
    """A private copy of a module: in double precision, in evaluation mode.

    Attributes
    ----------
    module : torch.nn.Module
        What it computes is a function of the rows and of the parameters that can be fitted.
    names : tuple of str
        Their names in the module.
    shapes : tuple of tuple of int
        Their shapes.
    curved : bool
        Whether second derivatives are there; a backward() of a user's own may lose them.
    """

    module: Any
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    curved: bool = True

    @cached_property
    def pieces(self) -> list[Any]:
        """The parameters that can be fitted, as the module holds them."""
        held = dict(self.module.named_parameters())
        return [held[name] for name in self.names]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in each of them."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def size(self) -> int:
        """P, their number in all."""
        return sum(self.sizes)

    @property
    def device(self) -> Any:
        """Where the module is."""
        return self.pieces[0].device

    def read_params(self) -> np.ndarray:
        """Return the parameters, flat (P,)."""
        flat = [piece.detach().cpu().numpy().ravel() for piece in self.pieces]
        return np.concatenate(flat).astype(np.float64)

    def write_params(self, params: np.ndarray) -> None:
        """Set the parameters to those of a flat vector (P,)."""
        torch = load_torch()
        cuts = np.split(params, np.cumsum(self.sizes)[:-1])
        with torch.inference_mode(False), torch.no_grad():
            for piece, values in zip(self.pieces, cuts, strict=True):
                piece.copy_(torch.from_numpy(values.reshape(piece.shape).copy()))

    def flatten(self, gradients: Any) -> np.ndarray:
        """Return one flat vector (P,) from a gradient for each piece; zero where there is none."""
        flat = [
            np.zeros(size) if part is None else part.detach().to_dense().cpu().numpy().ravel()
            for part, size in zip(gradients, self.sizes, strict=True)
        ]
        return np.concatenate(flat)

    def duplicate(self, params: np.ndarray) -> Network:
        """Return a copy that stands at other parameters (P,)."""
        twin = replace(self, module=copy_layers(self.module))
        twin.write_params(params)
        return twin

    def label_params(self) -> list[str]:
        """Return a label for every parameter: its piece, and where in it."""
        return [
            f"{name}[{', '.join(map(str, place))}]" if shape else name
            for name, shape in zip(self.names, self.shapes, strict=True)
            for place in np.ndindex(*shape)
        ]


def copy_layers(module: Any) -> Any:
    """Copy a module with all it holds.

    PyTorch refuses to copy a tensor that was computed with gradients, which a module may have
    kept of its last run: of such a one the numbers are copied.

    Parameters
    ----------
    module : torch.nn.Module
    """
    torch = load_torch()
    with plain_torch(next(module.parameters()).device):
        computed = [
            held
            for layer in module.modules()
            for held in _list_held(vars(layer))
            if isinstance(held, torch.Tensor) and not held.is_leaf
        ]
        return copy.deepcopy(module, {id(one): one.detach().clone() for one in computed})


def _list_held(given: Any) -> Iterator[Any]:
    """Yield what a layer's attributes hold, in lists, tuples and dicts of them too."""
    for held in given.values() if isinstance(given, Mapping) else given:
        if isinstance(held, list | tuple | dict):
            yield from _list_held(held)
        else:
            yield held


def copy_module(module: Any) -> Network:
    """Copy a user's module, which stays as it is.

    Parameters
    ----------
    module : torch.nn.Module

    Raises
    ------
    NetworkError
        If it is no module, cannot be copied, has no parameters to fit, or has some that
        are complex, not finite or not yet made.
    """
    torch = load_torch()
    if not isinstance(module, torch.nn.Module):
        raise NetworkError(
            f"The network must be a torch.nn.Module, an instance, not {type(module).__name__}."
        )
    if any(isinstance(layer, torch.jit.ScriptModule) for layer in module.modules()):
        raise NetworkError(
            "The module is compiled by torch.jit, or a part of it is: what it makes of a row "
            "cannot be looked at. Give the module that it was compiled from."
        )
    _check_parameters(torch, module)
    try:
        with plain_torch(next(module.parameters()).device):
            twin = copy_layers(module).double().eval()
    except Exception as error:
        raise NetworkError(f"The module cannot be copied in double precision: {error}") from error
    _tell_hooks(module)
    fitted = [(name, piece) for name, piece in twin.named_parameters() if piece.requires_grad]
    twin.zero_grad(set_to_none=True)
    shapes = tuple(tuple(piece.shape) for _, piece in fitted)
    return Network(twin, tuple(name for name, _ in fitted), shapes)


def _check_parameters(torch: Any, module: Any) -> None:
    """Raise `NetworkError` unless there are parameters, all of them finite real numbers."""
    pieces = dict(module.named_parameters())
    lazy = [name for name, piece in pieces.items() if torch.nn.parameter.is_lazy(piece)]
    if lazy:
        raise NetworkError(
            f"The module's parameters {list_some(lazy)} are made when it first runs; run it once "
            "on a few rows."
        )
    meta = [name for name, piece in pieces.items() if piece.is_meta]
    if meta:
        raise NetworkError(
            f"The module's parameters {list_some(meta)} are on the meta device, which holds no "
            "numbers; use to_empty() and draw them."
        )
    if not any(piece.requires_grad and piece.numel() for piece in pieces.values()):
        raise NetworkError("The module has no parameter to fit: none requires a gradient.")
    complex_ones = [name for name, piece in pieces.items() if piece.is_complex()]
    if complex_ones:
        raise NetworkError(f"The module's parameters {list_some(complex_ones)} are complex.")
    with torch.no_grad():
        odd = [name for name, piece in pieces.items() if not bool(torch.isfinite(piece).all())]
    if odd:
        raise NetworkError(f"The module's parameters {list_some(odd)} are not all finite.")


def _tell_hooks(module: Any) -> None:
    """Warn if a user has put hooks into a module: they run on copies of it as well."""
    held = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    hooked = [
        name or "the module itself"
        for name, layer in module.named_modules()
        if any(_is_foreign(hook) for where in held for hook in getattr(layer, where, {}).values())
    ]
    if hooked:
        warn_user(
            f"The module has hooks of your own at {list_some(hooked)}. They run whenever a copy of "
            "it does, which is often, and what they return counts. Remove them if they are there "
            "to look on.",
            NetworkWarning,
        )


def _is_foreign(hook: Any) -> bool:
    """Tell whether a hook is none of PyTorch's own, such as those of its pruning."""
    origin = getattr(hook, "__module__", None) or type(hook).__module__
    return not str(origin).startswith("torch.")


def redraw(network: Network, seed: int) -> np.ndarray:
    """Draw parameters anew, as the module's layers do it themselves (P,).

    Parameters
    ----------
    network : Network
    seed : int

    Raises
    ------
    NetworkError
        If a layer with parameters cannot draw them: it has no ``reset_parameters``.
    """
    with plain_torch(network.device, gradients=False), fork_randomness(seed):
        twin = copy_layers(network.module)
        drawn = set()
        for layer in twin.modules():
            reset = getattr(layer, "reset_parameters", getattr(layer, "_reset_parameters", None))
            if callable(reset):
                reset()
                drawn |= {id(piece) for piece in layer.parameters()}
    pieces = dict(twin.named_parameters())
    left = [name for name in network.names if id(pieces[name]) not in drawn]
    if left:
        raise NetworkError(
            f"The parameters {list_some(left)} cannot be drawn anew, since their layers have no "
            "reset_parameters(); add it, or fit once from each of your own starts."
        )
    return replace(network, module=twin).read_params()

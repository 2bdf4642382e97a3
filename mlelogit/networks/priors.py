"""A Gaussian prior of a network's parameters, which is an L2 penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import NetworkWarning, OptionError
from mlelogit.networks.module import Network
from mlelogit.notices import warn_user

# Parameters of fewer dimensions are biases and scales.
WEIGHT_DIMENSIONS = 2


def read_precisions(l2: Any, network: Network) -> np.ndarray:
    """Return the precision λ (P,) of every parameter's prior, whose mean is zero.

    Parameters
    ----------
    l2 : float or mapping
        λ of the weights, which are the parameters of two dimensions or more; or name of a
        parameter of the module -> its λ, and zero for those that are not named.
    network : Network

    Raises
    ------
    OptionError
        If a λ is no number, negative or infinite, or a name is no parameter that is fitted.

    Warns
    -----
    NetworkWarning
        If a number leaves parameters free that may be scales of others.
    """
    if isinstance(l2, Mapping):
        unknown = [name for name in l2 if name not in network.names]
        if unknown:
            raise OptionError(
                f"l2 names {list_some(unknown)}, which is no parameter that is fitted. There are: "
                f"{list_some(network.names, 50)}."
            )
        each = [_read_precision(l2.get(name, 0.0)) for name in network.names]
    else:
        common = _read_precision(l2)
        each = [common if len(shape) >= WEIGHT_DIMENSIONS else 0.0 for shape in network.shapes]
        if common:
            _tell_free_scales(network)
    return np.repeat(each, network.sizes)


def _tell_free_scales(network: Network) -> None:
    """Warn of parameters without a prior that are no biases: a prior can be escaped by them."""
    free = [
        name
        for name, shape in zip(network.names, network.shapes, strict=True)
        if len(shape) < WEIGHT_DIMENSIONS and "bias" not in name.rpartition(".")[2]
    ]
    if free:
        warn_user(
            f"The prior of l2 does not hold {list_some(free)}, which have one dimension or none "
            "and are no biases by their names (the scales of a normalization?). If weights can "
            "shrink as these grow and scores stay the same, the prior has no effect and there is "
            "no maximum. A dict as l2 says which parameters it holds.",
            NetworkWarning,
        )


def _read_precision(given: Any) -> float:
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not number or not 0 <= given < np.inf:
        raise OptionError(
            f"l2 must be a number that is not negative, or a dict of such, not "
            f"{write_value(given)}."
        )
    return float(given)

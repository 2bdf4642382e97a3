"""A Gaussian prior of a network's parameters, which is an L2 penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import OptionError
from mlelogit.networks.module import Network

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
    return np.repeat(each, network.sizes)


def _read_precision(given: Any) -> float:
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not number or not 0 <= given < np.inf:
        raise OptionError(
            f"l2 must be a number that is not negative, or a dict of such, not "
            f"{write_value(given)}."
        )
    return float(given)

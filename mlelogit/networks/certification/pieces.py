"""What a module's scores are made of: operations whose derivatives jump, and idle parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.networks.backend import plain_torch
from mlelogit.networks.certification.scores import differentiate_scores
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.passes import run_module

# Rows that show which operations a module is made of.
FEW = 32
# PyTorch's operations whose derivatives jump, as its graph names them, and as its users do.
JUMPING = {
    "Relu": "ReLU", "LeakyRelu": "LeakyReLU", "Prelu": "PReLU", "PreluKernel": "PReLU",
    "RreluWithNoise": "RReLU", "Threshold": "Threshold", "Hardtanh": "Hardtanh",
    "Hardsigmoid": "Hardsigmoid", "Hardswish": "Hardswish", "Hardshrink": "Hardshrink",
    "Softshrink": "Softshrink", "Clamp": "clamp", "ClampMin": "clamp", "ClampMax": "clamp",
    "Abs": "abs", "Max": "max", "Amax": "max", "Min": "min", "Amin": "min", "Maximum": "maximum",
    "Minimum": "minimum", "Aminmax": "min", "Sort": "sort", "Topk": "topk", "Kthvalue": "sort",
    "Median": "median", "MaxPool2DWithIndices": "MaxPool", "MaxPool3DWithIndices": "MaxPool",
    "AdaptiveMaxPool2D": "MaxPool", "AdaptiveMaxPool3D": "MaxPool", "MaxPool1D": "MaxPool",
    "Norm": "norm", "LinalgVectorNorm": "norm",
}  # fmt: skip


def list_kinks(likelihood: NetworkLikelihood) -> tuple[str, ...]:
    """Return the operations in a module's scores whose derivatives jump, by walking their graph.

    An ELU jumps unless its slopes on both sides of zero are one.
    """
    rows = likelihood.rows
    with plain_torch(likelihood.network.device):
        scores = run_module(
            likelihood.network, rows.inputs, slice(0, min(FEW, rows.per_block, rows.total))
        )
        found: dict[str, None] = {}
        seen, left = set(), [scores.grad_fn]
        while left:
            node = left.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            name = node.name().rpartition("::")[2].partition("Backward")[0]
            if name in JUMPING:
                found[JUMPING[name]] = None
            elif name == "Elu" and _jumps(node):
                found["ELU"] = None
            left.extend(after for after, _ in node.next_functions)
    return tuple(sorted(found))


def _jumps(node: Any) -> bool:
    return bool(node._saved_alpha * node._saved_input_scale != 1)


def list_idle(likelihood: NetworkLikelihood, params: np.ndarray) -> tuple[str, ...]:
    """Return the names of parameters on which no score of any row depends at a point.

    Units of a hidden layer that are zero for all rows, say: no gradient tells where they should go.
    """
    network, rows = likelihood.network, likelihood.rows
    gradient, _ = differentiate_scores(network, rows.inputs, list(rows.cut()), params)
    parts = np.split(np.abs(gradient).max(axis=0), np.cumsum(network.sizes)[:-1])
    return tuple(
        name
        for name, part in zip(network.names, parts, strict=True)
        if part.size and not part.any()
    )

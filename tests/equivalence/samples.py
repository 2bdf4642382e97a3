"""Fits to be verified, and the engines found off."""

from __future__ import annotations

import numpy as np

import mlelogit as ml


def make(kind="labels", weight_type=None, offset=False, base=1, units=1.0):
    rng = np.random.default_rng(5)
    n = 120
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.uniform(size=n)])
    codes = (x @ rng.normal(size=(3, 3)) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    x *= [1.0, 1.0, units]
    endog = {
        "labels": np.array(["low", "mid", "top"])[codes],
        "counts": np.eye(3)[codes] + rng.integers(0, 3, size=(n, 3)),
        "probabilities": rng.dirichlet(np.ones(3), size=n),
    }[kind]
    whole = rng.integers(1, 4, size=n)
    weights = {None: None, "frequency": whole}.get(weight_type, rng.uniform(0.5, 2, size=n))
    offset = rng.normal(size=(n, 3)) if offset else None
    base = {"labels": "mid"}.get(kind, base)
    return ml.MNLogit(endog, x, base=base, weights=weights, weight_type=weight_type, offset=offset)


def verdicts(found, skip=()):
    """Return the names of the engines found off."""
    off = found.frame["verdict"].str.startswith("OFF")
    return [name for name in found.frame.index[off] if name not in skip]

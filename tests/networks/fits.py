"""Networks whose judgement is known: linear ones, which MNLogit fits too."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import mlelogit as ml
from tests.inference.samples import survey

torch = pytest.importorskip("torch")

COLUMNS = ["age", "educ"]


def scaled():
    """Return the survey with its numbers of size one."""
    frame = survey().copy()
    frame["age"], frame["educ"] = (frame["age"] - 45) / 12, (frame["educ"] - 4) / 2
    return frame


def fit_pair(x, y, **how):
    """Return a fit by MNLogit, and that of a network without a hidden layer from its estimates."""
    linear = ml.MNLogit(y, x.assign(const=1.0), **how).fit()
    weights = np.insert(linear.record.params, linear.record.encoding.base, 0.0, axis=0)
    layer = torch.nn.Linear(x.shape[1], len(weights)).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights[:, :-1].copy()))
        layer.bias.copy_(torch.from_numpy(weights[:, -1].copy()))
    return linear, ml.networks.fit_network(layer, x, y, **how)


@cache
def pair():
    """Return both fits to every other row of the survey."""
    frame = scaled().iloc[::2]
    return fit_pair(frame[COLUMNS], frame["party"])


def make_network(hidden=3, seed=0, last_bias=True, count=3):
    """Return a network with a hidden layer, always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Linear(2, hidden),
            torch.nn.Tanh(),
            torch.nn.Linear(hidden, count, bias=last_bias),
        )


@cache
def hidden(l2=0.01):
    """Return a network with a hidden layer, fitted to every other row of the survey."""
    frame = scaled().iloc[::2]
    return ml.networks.fit_network(make_network(), frame[COLUMNS], frame["party"], l2=l2)

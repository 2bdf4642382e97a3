"""Modules and rows that tests of networks share."""

from itertools import pairwise

import numpy as np
import pytest

from mlelogit.data.rows import DataOptions
from mlelogit.networks.likelihood import NetworkLikelihood
from mlelogit.networks.module import copy_module
from mlelogit.networks.priors import read_precisions
from mlelogit.networks.rows import NetworkRows, read_rows

torch = pytest.importorskip("torch")


def make_net(*sizes, seed=0, activation=torch.nn.Tanh):
    """Make a network of linear layers, drawn from a seed, in single precision as usual."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = []
        for wide, narrow in pairwise(sizes):
            layers += [torch.nn.Linear(wide, narrow), activation()]
        return torch.nn.Sequential(*layers[:-1])


def draw_rows(rng, n=60, p=3, categories=3):
    """Draw columns and labels that are not separated."""
    x = rng.normal(size=(n, p))
    scores = x @ rng.normal(size=(p, categories)) / 2 + rng.gumbel(size=(n, categories))
    return x, scores.argmax(axis=1)


def make_likelihood(net, x, y, l2=0.0, per_block=1000, **options):
    """Make the log-likelihood of a network on rows."""
    network = copy_module(net)
    design, inputs = read_rows(x, y, DataOptions(**options))
    rows = NetworkRows(design, inputs, per_block)
    return NetworkLikelihood(network, rows, read_precisions(l2, network))


def differ(function, point, step=1e-5):
    """Return central differences of a function of a vector, one row per entry of the vector."""
    units = step * np.eye(len(point))
    return np.array([(function(point + u) - function(point - u)) / (2 * step) for u in units])


class Wrapped(torch.nn.Module):
    """A linear layer, and a function of its scores and of the rows."""

    def __init__(self, p, categories, function):
        super().__init__()
        self.linear = torch.nn.Linear(p, categories)
        self.function = function

    def forward(self, rows):
        return self.function(self.linear(rows), rows)

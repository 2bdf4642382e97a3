"""Networks that are a multinomial logit are told from those that are none, by numbers alone."""

from __future__ import annotations

import numpy as np
import pytest

from mlelogit.data.sources import make_source

torch = pytest.importorskip("torch")
nn = torch.nn

from mlelogit.networks.certification.scores import is_affine  # noqa: E402
from mlelogit.networks.module import copy_module  # noqa: E402
from mlelogit.networks.proof.logit_form import LogitForm, find_logit_form  # noqa: E402
from mlelogit.networks.rows import ColumnInputs, TensorInputs  # noqa: E402

SCALES = np.array([1.0, 1e3, 1e-3, 1.0, 0.0, 5.0])


@pytest.fixture(scope="module")
def inputs():
    x = np.random.default_rng(0).normal(size=(50, 6)) * SCALES
    return ColumnInputs(make_source(x))


class Tied(nn.Module):
    """Scores 0, a'x and 2a'x."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.ones(6))

    def forward(self, x):
        return torch.stack([0 * x[:, 0], x @ self.a, 2 * (x @ self.a)], 1)


class Folded(nn.Module):
    """Scores of |x|."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x):
        return self.layer(x.abs())


def freeze(module, *pieces):
    for piece in pieces:
        piece(module).requires_grad_(False)
    return module


def stack(*layers):
    return nn.Sequential(*layers)


HIDDEN, INPUTS, TIED = "not affine in the parameters", "not affine in the inputs", "tied"
# Module, what it is said not to be (or whether it has a constant), affine.
KINDS = {
    "linear": (lambda: nn.Linear(6, 3), True, True),
    "without bias": (lambda: nn.Linear(6, 3, bias=False), False, True),
    "with a log-softmax": (lambda: stack(nn.Linear(6, 3), nn.LogSoftmax(1)), True, True),
    "on a frozen layer that keeps all": (
        lambda: freeze(stack(nn.Linear(6, 8), nn.Linear(8, 3)), lambda net: net[0]),
        True,
        True,
    ),
    "on a frozen layer that does not": (
        lambda: freeze(stack(nn.Linear(6, 4), nn.Linear(4, 3)), lambda net: net[0]),
        TIED,
        True,
    ),
    "frozen bias": (
        lambda: freeze(nn.Linear(6, 3), lambda layer: layer.bias),
        TIED,
        True,
    ),
    "tied": (Tied, TIED, True),
    "folded": (Folded, INPUTS, True),
    "two layers": (lambda: stack(nn.Linear(6, 8), nn.Linear(8, 3)), HIDDEN, False),
    "tanh": (lambda: stack(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)), HIDDEN, False),
    "relu": (lambda: stack(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), HIDDEN, False),
    "bounded": (lambda: stack(nn.Linear(6, 3), nn.Tanh()), HIDDEN, False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_networks_are_told_apart(inputs, kind):
    make, said, affine = KINDS[kind]
    network = copy_module(make())
    before = network.read_params()
    form = find_logit_form(network, inputs)
    if isinstance(said, str):
        assert said in form
    else:
        assert isinstance(form, LogitForm)
        assert form.constant is said
    everything = np.ones(network.size, dtype=bool)
    assert is_affine(network, inputs, 50, network.read_params(), everything) is affine
    assert np.array_equal(network.read_params(), before)


@pytest.mark.parametrize("bias", [True, False])
def test_coefficients_are_differences_of_a_layers_weights(inputs, bias):
    network = copy_module(nn.Linear(6, 3, bias=bias))
    form = find_logit_form(network, inputs)
    rng = np.random.default_rng(1)
    params = rng.normal(size=network.size)
    weight = params[:18].reshape(3, 6)
    bias_values = params[18:] if bias else np.zeros(3)
    found = form.read(params)
    # The constant's rounding is divided by an input's scale.
    rounding = 1e-14 / np.where(SCALES > 0, SCALES, 1.0)
    assert (np.abs(found[:, 1:] - (weight[1:] - weight[0])) < rounding + 1e-14).all()
    assert np.abs(found[:, 0] - (bias_values[1:] - bias_values[0])).max() < 1e-15


def test_the_gradient_of_coefficients_is_their_adjoint(inputs):
    network = copy_module(nn.Linear(6, 3))
    form = find_logit_form(network, inputs)
    rng = np.random.default_rng(2)
    factors, params = rng.normal(size=(2, 7)), rng.normal(size=network.size)
    change = form.read(params) - form.read(np.zeros(network.size))
    assert abs((change * factors).sum() - form.pull_back(factors) @ params) < 1e-11


def test_inputs_of_any_shape_are_laid_out():
    inputs = TensorInputs(torch.randn(20, 2, 3, dtype=torch.float64))
    form = find_logit_form(copy_module(stack(nn.Flatten(), nn.Linear(6, 3))), inputs)
    assert form.constant
    assert form.scales.shape == (6,)


def test_whole_numbers_are_no_columns():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(5, 3)

        def forward(self, x):
            return self.table(x[:, 0])

    inputs = TensorInputs(torch.arange(10)[:, None] % 5)
    assert "whole numbers" in find_logit_form(copy_module(Words()), inputs)

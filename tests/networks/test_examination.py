"""What is no softmax network is refused by name; what is one passes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlelogit.exceptions import (  # noqa: E402
    NetworkError,
    NetworkWarning,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
)
from mlelogit.networks import examination  # noqa: E402
from mlelogit.networks.examination import choose_block, count_numbers, is_heavy  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.module import copy_module  # noqa: E402
from mlelogit.networks.rows import TensorInputs  # noqa: E402
from tests.networks.modules import Wrapped, draw_rows, make_net  # noqa: E402

nn = torch.nn


class Counter(nn.Linear):
    """Counts how often it runs, and lets it show."""

    def __init__(self):
        super().__init__(3, 3)
        self.runs = 0

    def forward(self, rows):
        self.runs += 1
        return super().forward(rows) + self.runs


REFUSED = {
    "one score too few": (nn.Linear(3, 2), r"shape \(32, 2\) for 32 rows; it must be \(32, 3\)"),
    "flat": (Wrapped(3, 3, lambda u, x: u[:, 0]), r"scores of shape \(32,\)"),
    "transposed": (Wrapped(3, 3, lambda u, x: u.T), r"shape \(3, 32\)"),
    "wrong columns": (nn.Linear(4, 3), r"cannot run on rows of shape \(32, 3\)"),
    "tuple": (Wrapped(3, 3, lambda u, x: (u, x)), "returns tuple"),
    "list": (Wrapped(3, 3, lambda u, x: [u]), "returns list"),
    "nothing": (Wrapped(3, 3, lambda u, x: None), "returns NoneType"),
    "array": (Wrapped(3, 3, lambda u, x: u.detach().numpy()), "returns ndarray"),
    "single precision": (Wrapped(3, 3, lambda u, x: u.float()), "float32"),
    "half": (Wrapped(3, 3, lambda u, x: u.half()), "float16"),
    "whole": (Wrapped(3, 3, lambda u, x: u.long()), "int64"),
    "complex": (Wrapped(3, 3, lambda u, x: u + 0j), "complex128"),
    "probabilities": (Wrapped(3, 3, lambda u, x: u.softmax(1)), "probabilities"),
    "missing": (Wrapped(3, 3, lambda u, x: torch.log(u - u)), "not finite"),
    "nan": (Wrapped(3, 3, lambda u, x: u * torch.nan), "not finite"),
    "raises": (Wrapped(3, 3, lambda u, x: 1 / 0), "ZeroDivisionError"),
    "dropout by hand": (
        Wrapped(3, 3, lambda u, x: nn.functional.dropout(u, 0.5)),
        "runs again on the same rows",
    ),
    "noise": (Wrapped(3, 3, lambda u, x: u + torch.randn_like(u)), "runs again"),
    "counter": (Counter(), "runs again"),
    "centred rows": (Wrapped(3, 3, lambda u, x: u - u.mean(0)), "which other rows"),
    "softmax of rows": (Wrapped(3, 3, lambda u, x: u.softmax(0)), "which other rows"),
    "sorted rows": (Wrapped(3, 3, lambda u, x: u.sort(0).values), "which other rows"),
    "place in the block": (
        Wrapped(3, 3, lambda u, x: u + torch.arange(len(u), dtype=u.dtype)[:, None]),
        "which other rows",
    ),
    "batch statistics": (
        nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, track_running_stats=False)),
        "which other rows",
    ),
    "detached": (Wrapped(3, 3, lambda u, x: u.detach()), "no gradient"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name(rng, case):
    module, words = REFUSED[case]
    x, y = draw_rows(rng)
    with pytest.raises(NetworkError, match=words):
        fit_network(module, x, y)


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 3)),
        nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)),
    ],
    ids=["dropout", "batch normalization"],
)
def test_modes_that_differ_are_told(rng, module):
    x, y = draw_rows(rng)
    drawn = torch.random.get_rng_state()
    with pytest.warns(NetworkWarning, match="training mode"), pytest.warns(NotConvergedWarning):
        res = fit_network(module, x, y, maxiter=3)
    assert torch.equal(drawn, torch.random.get_rng_state())
    scores = res.module(torch.from_numpy(x)).detach()
    error = nn.functional.cross_entropy(scores, torch.from_numpy(y), reduction="sum")
    assert abs(res.llf + float(error)) < 1e-10


class Half(nn.Module):
    """Uses one of its layers only."""

    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, rows):
        return self.used(rows)


def test_parameters_without_use_are_told(rng):
    x, y = draw_rows(rng)
    net = Half()
    with pytest.warns(NetworkWarning, match=r"idle\.weight"):
        res = fit_network(net, x, y)
    assert abs(res.llf - fit_network(nn.Linear(3, 3), x, y).llf) < 1e-9


def test_layer_normalization_is_of_each_row_and_passes(rng):
    x, y = draw_rows(rng)
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 3))
    with pytest.warns((NotConvergedWarning, NoFiniteMaximumWarning)):
        fit_network(net, x, y, maxiter=1)


def test_one_row_of_each_category_is_enough_to_look_at():
    fit_network(nn.Linear(2, 2), np.array([[1.0, 0.0], [0.0, 1.0]]), ["a", "b"], l2=1.0)


def test_blocks_hold_a_share_of_numbers():
    network = copy_module(make_net(5, 7, 3))
    inputs = TensorInputs(torch.zeros(100, 5))
    per_row = 5 + 7 + 7 + 3 + 3
    assert count_numbers(network, inputs) == per_row
    assert choose_block(network, inputs) == examination.BLOCK_NUMBERS // per_row
    assert not is_heavy(network, inputs, 100)
    many = TensorInputs(torch.zeros(1, 5).expand(1_000_000, 5))
    assert not is_heavy(network, many, choose_block(network, many))
    assert is_heavy(network, many, 1_000_000)


def test_a_block_has_some_rows_however_large_they_are(monkeypatch):
    monkeypatch.setattr(examination, "BLOCK_NUMBERS", 10)
    assert choose_block(copy_module(make_net(5, 7, 3)), TensorInputs(torch.zeros(9, 5))) == 64


def test_hooks_are_taken_off():
    network = copy_module(make_net(5, 7, 3))
    count_numbers(network, TensorInputs(torch.zeros(9, 5)))
    assert not any(layer._forward_hooks for layer in network.module.modules())

"""Whether scores are affine in the parameters, whatever is added to a row's, in any units."""

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.notices import hear_warnings

torch = pytest.importorskip("torch")

from mlelogit.networks.certification.scores import (  # noqa: E402
    find_scores,
    is_affine,
    moves_affinely,
)
from tests.networks.modules import Wrapped, draw_rows, make_likelihood, make_net  # noqa: E402

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def make_quasi_separated():
    x = np.arange(20.0)
    y = np.r_[np.zeros(8), [0, 1, 0, 1], np.ones(8)].astype(int)
    return np.column_stack([x % 4, x > 11]), y


def make_cases():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    return {
        "quasi-separated": (make_net(2, 2), *make_quasi_separated()),
        "exclusive or": (make_net(2, 3, 2), XOR, [0, 1, 1, 0]),
        "separated": (make_net(2, 2), x, (x @ [1.0, 2.0] > 0).astype(int)),
        "ordinary": (make_net(2, 3), *draw_rows(rng, p=2)),
    }


@pytest.mark.parametrize("case", ["quasi-separated", "exclusive or", "separated", "ordinary"])
def test_log_softmax_at_the_end_changes_no_verdict(case):
    net, x, y = make_cases()[case]
    with hear_warnings():
        plain = ml.networks.fit_network(net, x, y)
        ended = ml.networks.fit_network(torch.nn.Sequential(net, torch.nn.LogSoftmax(1)), x, y)
    assert ended.certificate.verdict is plain.certificate.verdict
    assert ended.llf == pytest.approx(plain.llf, abs=1e-6)
    assert (ended.certificate.bound is None) is (plain.certificate.bound is None)
    assert (ended.certificate.recession is None) is (plain.certificate.recession is None)


class Aside(torch.nn.Module):
    """A linear function of the first input, beside a hidden layer of the second."""

    def __init__(self, bent=True, ended=False):
        super().__init__()
        self.past, self.first = torch.nn.Linear(1, 2), torch.nn.Linear(1, 3)
        self.second = torch.nn.Linear(3, 2, bias=False)
        self.bent, self.ended = bent, ended
        self.first.requires_grad_(bent)

    def forward(self, x):
        scores = self.past(x[:, :1]) + self.second(torch.tanh(self.first(x[:, 1:])))
        return torch.log_softmax(scores, 1) if self.ended else scores


@pytest.mark.parametrize("size", [1.0, 1e9, 1e13])
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("bent", [False, True])
def test_no_input_is_so_large_that_it_hides_a_layer(rng, size, ended, bent):
    x = rng.normal(size=(90, 2)) * [size, 1.0]
    torch.manual_seed(0)
    likelihood = make_likelihood(Aside(bent, ended), x, rng.integers(2, size=90), per_block=40)
    point = likelihood.network.read_params()
    assert moves_affinely(likelihood, point, np.ones(len(point), dtype=bool)) is not bent


def test_parts_are_examined_with_the_rest_held(rng):
    likelihood = make_likelihood(make_net(2, 3, 3), *draw_rows(rng, p=2))
    point = likelihood.network.read_params()
    last = np.arange(len(point)) >= 9
    assert moves_affinely(likelihood, point, last)
    assert not moves_affinely(likelihood, point, ~last)


@pytest.mark.parametrize("bound", [5.0, 1e5, 1e7, 1e20])
def test_scores_within_bounds_are_not_affine(rng, bound):
    net = Wrapped(2, 3, lambda scores, _: scores.clamp(-bound, bound))
    likelihood = make_likelihood(net, *draw_rows(rng, p=2))
    point = likelihood.network.read_params()
    assert not moves_affinely(likelihood, point, np.ones(9, dtype=bool))


def test_gradients_that_are_not_those_of_the_scores_show_nothing(rng):
    net = Wrapped(2, 3, lambda scores, _: scores + torch.tanh(scores).detach())
    likelihood = make_likelihood(net, *draw_rows(rng, p=2))
    point = likelihood.network.read_params()
    assert not moves_affinely(likelihood, point, np.ones(9, dtype=bool))


def test_module_is_left_where_it_stood(rng):
    likelihood = make_likelihood(make_net(2, 3), *draw_rows(rng, p=2))
    network, rows = likelihood.network, likelihood.rows
    point = network.read_params()
    assert is_affine(network, rows.inputs, 7, point + 1, np.ones(9, dtype=bool))
    assert np.array_equal(network.read_params(), point)
    assert np.abs(find_scores(likelihood, point).sum(axis=1)).max() < 1e-14

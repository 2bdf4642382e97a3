"""Precisions of the prior: of weights, of named parameters, and of nothing else."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlelogit.exceptions import NetworkWarning, OptionError  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.module import copy_module  # noqa: E402
from mlelogit.networks.priors import read_precisions  # noqa: E402
from tests.networks.modules import draw_rows, make_net  # noqa: E402


def test_biases_are_free():
    network = copy_module(make_net(2, 3, 2))
    assert read_precisions(2, network).tolist() == [2] * 6 + [0] * 3 + [2] * 6 + [0] * 2


def test_by_name():
    network = copy_module(make_net(2, 3, 2))
    found = read_precisions({"0.bias": 0.5, "2.weight": np.float32(3)}, network)
    assert found.tolist() == [0] * 6 + [0.5] * 3 + [3] * 6 + [0] * 2
    assert not read_precisions({}, network).any()


@pytest.mark.parametrize(
    "l2", [-1, np.nan, np.inf, "1", None, True, [1.0], {"0.bias": -1}, {"0.bias": "a"}, 1j]
)
def test_no_precision(l2):
    with pytest.raises(OptionError, match="not negative"):
        read_precisions(l2, copy_module(make_net(2, 2)))


@pytest.mark.parametrize("l2", [{"weight": 1.0}, {0: 1.0}, {("a",): 1.0}])
def test_unknown_names_are_listed_with_those_there_are(l2):
    with pytest.raises(OptionError, match=r"'0\.weight', '0\.bias'"):
        read_precisions(l2, copy_module(make_net(2, 2)))


def test_frozen_parameters_have_no_prior():
    net = make_net(2, 2)
    net[0].bias.requires_grad_(False)
    with pytest.raises(OptionError, match="no parameter that is fitted"):
        read_precisions({"0.bias": 1.0}, copy_module(net))


def test_ridge_is_the_maximum_of_the_posterior(rng):
    """Without a hidden layer the maximum solves: the score equals λ w."""
    x, y = draw_rows(rng)
    res = fit_network(make_net(3, 3), x, y, l2=0.7)
    weight = res.module[0].weight.detach().numpy()
    residuals = np.eye(3)[y] - res.probabilities.to_numpy()
    assert np.abs(residuals.T @ x - 0.7 * weight).max() < 1e-7
    assert np.abs(residuals.sum(axis=0)).max() < 1e-7
    assert abs(res.penalty - 0.35 * (weight**2).sum()) < 1e-12


def test_sklearn_finds_the_same_ridge(rng):
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = draw_rows(rng)
    res = fit_network(make_net(3, 3), x, y, l2=0.7)
    peer = linear.LogisticRegression(C=1 / 0.7, tol=1e-10, max_iter=1000).fit(x, y)
    assert np.abs(peer.predict_proba(x) - res.probabilities.to_numpy()).max() < 1e-6


def test_scales_that_escape_a_prior_are_told():
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2), torch.nn.Linear(2, 3))
    network = copy_module(net)
    with pytest.warns(NetworkWarning, match=r"does not hold '1\.weight'"):
        read_precisions(1.0, network)
    for l2 in (0.0, {"0.weight": 1.0, "1.weight": 1.0}):
        read_precisions(l2, network)

"""Value, gradient and Hessian of a network's log-likelihood against independent truths."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlelogit.networks.examination import find_curvature  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.likelihood import NetworkSums  # noqa: E402
from mlelogit.networks.passes import map_rows  # noqa: E402
from tests.networks.modules import (  # noqa: E402
    Wrapped,
    differ,
    draw_rows,
    make_likelihood,
    make_net,
)

SHAPES = ((2, 2), (2,), (3, 2), (3,))


def outcomes(rng, y, categories=3):
    """Return an outcome of every kind with its options."""
    counts = rng.integers(0, 4, size=(len(y), categories)) + np.eye(categories, dtype=int)[y]
    soft = rng.dirichlet(np.ones(categories), size=len(y))
    weights = rng.uniform(0.2, 3.0, len(y))
    return {
        "labels": (y, {}),
        "counts": (counts, {"outcome": "counts"}),
        "probabilities": (soft, {"outcome": "probabilities"}),
        "weighted": (y, {"weights": weights, "weight_type": "importance"}),
    }


@pytest.fixture(params=["labels", "counts", "probabilities", "weighted"])
def likelihood(request, rng):
    x, y = draw_rows(rng)
    y, options = outcomes(rng, y)[request.param]
    return make_likelihood(make_net(3, 4, 3), x, y, l2=0.3, per_block=17, **options)


@pytest.fixture
def point(likelihood, rng):
    return rng.normal(size=likelihood.network.size)


def test_score_is_the_gradient(likelihood, point):
    numeric = differ(lambda w: likelihood.evaluate(w, score=False).objective, point)
    assert np.abs(likelihood.evaluate(point).score - numeric).max() < 1e-6


def test_products_are_those_of_the_hessian(likelihood, point, rng):
    hessian = -differ(lambda w: likelihood.evaluate(w).score, point)
    assert np.abs(likelihood.form_information(point) - hessian).max() < 1e-6
    vector = rng.normal(size=len(point))
    assert np.abs(likelihood.multiply_information(point, vector) - hessian @ vector).max() < 1e-6


def test_value_is_the_definition(likelihood, point):
    likelihood.network.write_params(point)
    design = likelihood.rows.design
    scores = map_rows(likelihood.network, likelihood.rows.inputs, 1000)
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    table = design.outcome.table
    d = np.eye(3)[design.outcome.codes] if table is None else np.asarray(table)
    weights = 1.0 if design.weights is None else design.weights
    sums = likelihood.evaluate(point)
    assert abs(sums.loglike - (weights * (d * logs).sum(axis=1)).sum()) < 1e-10
    weights_only = [*range(12), *range(16, 28)]
    assert abs(sums.penalty - 0.15 * (point[weights_only] ** 2).sum()) < 1e-12
    assert sums.objective == sums.loglike - sums.penalty


@pytest.mark.parametrize("per_block", [1, 7, 59, 60, 61])
def test_blocks_add_up(rng, per_block):
    x, y = draw_rows(rng)
    one = make_likelihood(make_net(3, 4, 3), x, y, l2=0.3)
    cut = make_likelihood(make_net(3, 4, 3), x, y, l2=0.3, per_block=per_block)
    point = rng.normal(size=one.network.size)
    whole, parts = one.evaluate(point), cut.evaluate(point)
    assert abs(whole.loglike - parts.loglike) < 1e-11
    assert np.abs(whole.score - parts.score).max() < 1e-11
    information = one.form_information(point) - cut.form_information(point)
    assert np.abs(information).max() < 1e-10
    scores = [map_rows(two.network, two.rows.inputs, two.rows.per_block) for two in (one, cut)]
    assert np.abs(scores[0] - scores[1]).max() < 1e-12


def exact_network(rows, codes, flat):
    """Return the log-likelihood of a 2-2-3 tanh network with mpmath."""
    first, bias = mp.matrix(2, 2), flat[4:6]
    first[0, 0], first[0, 1], first[1, 0], first[1, 1] = flat[:4]
    second, last = flat[6:12], flat[12:15]
    total = mp.mpf(0)
    for (a, b), code in zip(rows, codes, strict=True):
        hidden = [mp.tanh(first[i, 0] * a + first[i, 1] * b + bias[i]) for i in range(2)]
        weights = [second[2 * k : 2 * k + 2] for k in range(3)]
        scores = [
            v * hidden[0] + w * hidden[1] + u for (v, w), u in zip(weights, last, strict=True)
        ]
        total += scores[code] - mp.log(mp.fsum(mp.exp(u) for u in scores))
    return total


def test_tiny_network_against_mpmath(rng):
    rows, codes = rng.normal(size=(4, 2)), np.array([0, 2, 1, 2])
    likelihood = make_likelihood(make_net(2, 2, 3), rows, codes)
    assert likelihood.network.shapes == SHAPES
    point = 2 * rng.normal(size=15)
    with mp.workdps(40):
        exact_rows = [[mp.mpf(float(v)) for v in row] for row in rows]

        def loglike(*flat):
            return exact_network(exact_rows, codes.tolist(), list(flat))

        flat = [mp.mpf(float(v)) for v in point]
        value = float(loglike(*flat))
        units = np.eye(15, dtype=int).tolist()
        score = [float(mp.diff(loglike, flat, tuple(unit))) for unit in units]
        pairs = [(0, 0), (0, 5), (3, 9), (11, 12), (14, 14)]
        orders = [tuple(np.eye(15, dtype=int)[list(pair)].sum(axis=0).tolist()) for pair in pairs]
        second = [float(mp.diff(loglike, flat, order)) for order in orders]
    sums = likelihood.evaluate(point)
    assert abs(sums.loglike / value - 1) < 4e-15
    assert np.abs(sums.score - score).max() < 1e-14 * max(1, np.abs(score).max())
    information = likelihood.form_information(point)
    assert np.abs([-information[pair] for pair in pairs] - np.array(second)).max() < 1e-13


@pytest.mark.parametrize("size", [1e4, 1e8])
def test_huge_scores_neither_overflow_nor_lose_digits(rng, size):
    x = rng.normal(size=(20, 3))
    y = np.arange(20) % 3
    net = make_net(3, 3)
    likelihood = make_likelihood(net, x, y)
    point = np.array([1.0, 0, 0, 0, -1, 0, 0, 0, 1, 0.5, 0, 0]) * size
    likelihood.network.write_params(point)
    scores = map_rows(likelihood.network, likelihood.rows.inputs, 1000)
    assert scores.max() > size
    assert scores.min() < -size
    with mp.workdps(50):
        logs = []
        for row, code in zip(scores.tolist(), y.tolist(), strict=True):
            exact = [mp.mpf(u) for u in row]
            logs.append(exact[code] - mp.log(mp.fsum(mp.exp(u) for u in exact)))
        value = float(mp.fsum(logs))
    sums = likelihood.evaluate(point)
    assert abs(sums.loglike / value - 1) < 1e-14
    assert np.isfinite(sums.score).all()


def test_sure_scores_are_right_to_rounding():
    likelihood = make_likelihood(make_net(1, 2), np.array([[1.0], [-1.0]]), [0, 1])
    for score in (0.0, 5.0, 15.0, 300.0):
        value = likelihood.evaluate(np.array([score, -score, 0.0, 0.0])).loglike
        assert abs(value + 2 * np.log1p(np.exp(-2 * score))) <= 2 * np.finfo(float).eps


def test_scores_that_are_infinite_give_no_number():
    net = Wrapped(1, 2, lambda scores, rows: scores**3)
    likelihood = make_likelihood(net, np.ones((2, 1)), [0, 1])
    assert not np.isfinite(likelihood.evaluate(np.array([1e200, 0, 0, 0])).loglike)


def test_weight_is_the_number_of_observations(rng):
    x, y = draw_rows(rng)
    counts = 3 * np.eye(3, dtype=int)[y]
    assert make_likelihood(make_net(3, 3), x, y).weight == 60
    assert make_likelihood(make_net(3, 3), x, counts, outcome="counts").weight == 180


def test_a_score_that_was_not_asked_for_is_not_there():
    with pytest.raises(AssertionError, match="without"):
        _ = NetworkSums(0.0, 0.0).gradient


class OnceOnly(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores):
        return 2 * scores

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return 2 * gradient


@pytest.mark.parametrize("layer", ["scores", "inside"])
def test_second_derivatives_that_are_lost_are_differences(rng, layer):
    x, y = draw_rows(rng)
    lost = Wrapped(3, 3, lambda scores, rows: OnceOnly.apply(scores))
    kept = Wrapped(3, 3, lambda scores, rows: 2 * scores)
    if layer == "inside":
        lost, kept = (
            torch.nn.Sequential(net, torch.nn.Tanh(), make_net(3, 3)) for net in (lost, kept)
        )
    kept.load_state_dict(lost.state_dict())
    one, other = (make_likelihood(net, x, y, l2=0.3) for net in (lost, kept))
    assert not find_curvature(one.network, one.rows.inputs)
    assert find_curvature(other.network, other.rows.inputs)
    one.network = replace(one.network, curved=False)
    point = rng.normal(size=one.network.size)
    whole, exact = one.form_information(point), other.form_information(point)
    assert np.abs(whole - exact).max() < 1e-7 * np.abs(exact).max()
    product = one.multiply_information(point, point) - exact @ point
    assert np.abs(product).max() < 1e-7 * np.abs(exact @ point).max()
    assert not one.multiply_information(point, 0 * point).any()
    fits = [fit_network(net, x, y, l2=0.3) for net in (lost, kept)]
    assert abs(fits[0].llf - fits[0].penalty - fits[1].llf + fits[1].penalty) < 1e-8


def test_attention_has_second_derivatives(rng):
    net = torch.nn.Sequential(
        torch.nn.TransformerEncoderLayer(4, 2, 5, batch_first=True, dropout=0.0),
        torch.nn.Flatten(),
        torch.nn.Linear(12, 2),
    )
    likelihood = make_likelihood(net, rng.normal(size=(6, 3, 4)), np.arange(6) % 2)
    point = likelihood.network.read_params()
    direction = rng.normal(size=len(point))
    ahead, behind = (likelihood.evaluate(point + h * direction).score for h in (1e-6, -1e-6))
    product = likelihood.multiply_information(point, direction)
    assert np.abs(product + (ahead - behind) / 2e-6).max() < 1e-6 * np.abs(product).max()


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_differences_do_not_depend_on_units(rng, size):
    x, y = draw_rows(rng)
    net = make_net(3, 4, 3)
    with torch.no_grad():
        net[0].weight /= size
    likelihood = make_likelihood(net, x * size, y, l2=0.1)
    point = likelihood.network.read_params()
    truth = likelihood.form_information(point)
    likelihood.network = replace(likelihood.network, curved=False)
    found = likelihood.form_information(point)
    lengths = np.sqrt(np.abs(np.diag(truth)))
    assert (np.abs(found - truth) < 1e-6 * np.outer(lengths, lengths)).all()

"""The pieces of the identity against first principles."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mlelogit.equivalence import (
    cross_entropy,
    log_likelihood,
    one_hot,
    posterior_from_joint,
    softmax,
)
from mlelogit.exceptions import LengthMismatchError, OutcomeError


@pytest.mark.parametrize(
    "scores",
    [[1e4, -1e4], [1e4, 1e4, 9999.5], [-1e4, -1e4 + 1], [0, 0, 0], [700, -700, 3], [1e-9, 0]],
)
def test_softmax_to_fifty_digits(scores):
    with mp.workdps(50):
        powers = [mp.exp(mp.mpf(float(u))) for u in scores]
        exact = [p / mp.fsum(powers) for p in powers]
        for value, truth in zip(softmax(scores), exact, strict=True):
            assert abs(value - truth) <= 4e-16 * truth + mp.mpf(10) ** -300


def test_softmax_goes_along_the_last_axis(rng):
    u = rng.normal(size=(2, 3, 4))
    y = softmax(u)
    assert np.abs(y.sum(axis=-1) - 1).max() < 1e-15
    assert np.abs(y[1, 2] - np.exp(u[1, 2]) / np.exp(u[1, 2]).sum()).max() < 1e-15


def test_one_hot_of_the_ten_digits():
    digits = np.arange(10)
    d = one_hot(digits)
    assert (d == np.eye(10)).all()
    three = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert one_hot([3, 9]).tolist() == [three, [0] * 9 + [1]]


@pytest.mark.parametrize("codes", [[0.5, 1.0], [[0, 1]], [-1, 0], ["a"]])
def test_one_hot_refuses_what_is_no_code(codes):
    with pytest.raises(OutcomeError):
        one_hot(codes)


def test_one_hot_refuses_codes_beyond_the_categories():
    with pytest.raises(OutcomeError):
        one_hot([0, 3], 3)
    assert one_hot([0, 2], 4).shape == (2, 4)


def test_cross_entropy_of_a_coin_by_hand():
    assert abs(cross_entropy([[1, 0], [0, 1]], [[0.5, 0.5], [0.75, 0.25]]) - 3 * np.log(2)) < 1e-15
    assert abs(cross_entropy([[0.5, 0.5]], [[0.5, 0.5]]) - np.log(2)) < 1e-15
    assert abs(cross_entropy([[2, 1]], [[0.5, 0.5]], [10]) - 30 * np.log(2)) < 1e-13


def test_likelihood_of_independent_outcomes_is_a_product():
    y = [[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]]
    assert abs(log_likelihood(one_hot([1, 0, 1]), y) - np.log(0.8 * 0.5 * 0.1)) < 1e-15


@pytest.mark.parametrize("kind", ["labels", "counts", "shares"])
def test_minus_the_loglikelihood_is_the_cross_entropy(rng, kind):
    y = softmax(3 * rng.normal(size=(200, 4)))
    d = {
        "labels": one_hot(rng.integers(4, size=200)),
        "counts": rng.integers(0, 400, size=(200, 4)).astype(float),
        "shares": rng.dirichlet(np.ones(4), size=200),
    }[kind]
    weights = rng.uniform(0, 2, size=200)
    one, two = log_likelihood(d, y, weights), cross_entropy(d, y, weights)
    plain = sum(
        w * p * mp.log(q)
        for w, row, out in zip(weights, d, y, strict=True)
        for p, q in zip(row, out, strict=True)
    )
    assert abs(one - plain) < 1e-11 * abs(plain)
    assert abs(two + plain) < 1e-11 * abs(plain)


def test_what_happened_with_probability_zero_costs_infinitely_much():
    assert cross_entropy([[0, 1]], [[1, 0]]) == np.inf
    assert log_likelihood([[0, 1]], [[1, 0]]) == -np.inf
    assert cross_entropy([[1, 0]], [[1, 0]]) == 0
    assert log_likelihood([[1, 0]], [[1, 0]]) == 0


@pytest.mark.parametrize("function", [cross_entropy, log_likelihood])
def test_shapes_must_agree(function):
    with pytest.raises(LengthMismatchError):
        function([[1, 0]], [[0.5, 0.25, 0.25]])
    with pytest.raises(LengthMismatchError):
        function([1, 0], [0.5, 0.5])
    with pytest.raises(LengthMismatchError):
        function([[1, 0]], [[0.5, 0.5]], [1, 1])


def test_posterior_is_bayes_rule_on_normal_densities(rng):
    means, prior = np.array([[0.0, 0.0], [2.0, 1.0], [-1.0, 3.0]]), np.array([0.5, 0.3, 0.2])
    spread = np.array([[1.0, 0.4], [0.4, 2.0]])
    x = rng.normal(size=(50, 2)) * 3
    densities = np.array([multivariate_normal(m, spread).pdf(x) for m in means]).T
    bayes = densities * prior / (densities * prior).sum(axis=1, keepdims=True)
    logs = np.array([multivariate_normal(m, spread).logpdf(x) for m in means]).T + np.log(prior)
    assert np.abs(posterior_from_joint(logs) - bayes).max() < 1e-12


def test_posterior_of_normal_classes_is_a_softmax_of_linear_scores(rng):
    codes = rng.integers(3, size=300)
    x = rng.normal(size=(300, 2)) + np.array([[0, 0], [2, 1], [-1, 2]])[codes]
    peer = LinearDiscriminantAnalysis(solver="lsqr").fit(x, codes)
    logs = np.array(
        [multivariate_normal(m, peer.covariance_).logpdf(x) for m in peer.means_]
    ).T + np.log(peer.priors_)
    posterior = posterior_from_joint(logs)
    assert np.abs(posterior - peer.predict_proba(x)).max() < 1e-10
    linear = x @ peer.coef_.T + peer.intercept_
    assert np.abs(posterior - softmax(linear)).max() < 1e-10


def test_posterior_far_out_where_every_density_is_zero():
    y = posterior_from_joint([-1e6, -1e6 + np.log(3)])
    assert np.abs(y - [0.25, 0.75]).max() < 1e-9

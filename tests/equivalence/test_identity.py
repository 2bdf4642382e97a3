"""The pieces of the identity against first principles."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import mlelogit as ml
from mlelogit.equivalence import (
    cross_entropy,
    log_likelihood,
    one_hot,
    posterior_from_joint,
    softmax,
)
from mlelogit.exceptions import LengthMismatchError, MissingDataError, OutcomeError
from mlelogit.fitting.linalg import log_softmax

# Scores far apart, tied, mixed, and as far apart as where a double ends.
SCORES = [
    [1e4, -1e4],
    [1e4, -1e4, 1e4],
    [1e4, 1e4, 9999.5],
    [-1e4, -1e4 + 1],
    [-1e4, -1e4, -1e4, -1e4],
    [1e4, 9999.3, -1e4, 0.1, 9290.0],
    [-1e4, -10_745.0, -10_700.25, -10_708.4],
    [0, 0, 0],
    [700, -700, 3],
    [745.1, 0.0],
    [800.3, 100.1, 55.7, 0.0],
    [0.0, 700.0, 708.5, 745.2, 746.0],
    [1e-9, 0],
]
each_scores = pytest.mark.parametrize("scores", SCORES, ids=str)
EPS = 2.0**-52
# Below, doubles lose digits one by one.
SMALLEST = mp.mpf(2) ** -1022


def find_exact(scores):
    """Return the probabilities to fifty digits, and the distances from the largest score."""
    values = [mp.mpf(float(u)) for u in scores]
    powers = [mp.exp(u) for u in values]
    total = mp.fsum(powers)
    return [p / total for p in powers], [max(values) - u for u in values]


@each_scores
def test_softmax_to_fifty_digits(scores):
    with mp.workdps(50):
        exact, distances = find_exact(scores)
        for function in (softmax, posterior_from_joint):
            values = function(scores)
            for value, truth, distance in zip(values, exact, distances, strict=True):
                # A difference of scores is rounded to half a unit, and so is its exponential.
                bound = EPS * (len(scores) + distance) * truth
                assert abs(value - truth) <= bound + SMALLEST * EPS
            assert abs(values.sum() - 1) <= len(scores) * EPS


@each_scores
def test_log_softmax_of_the_fit_to_fifty_digits(scores):
    logs, y = log_softmax(np.array(scores, dtype=float)[:, None])
    with mp.workdps(50):
        exact, distances = find_exact(scores)
        for value, truth, distance in zip(logs[:, 0], exact, distances, strict=True):
            assert abs(value - mp.log(truth)) <= EPS * (len(scores) + distance)
    assert np.abs(y[:, 0] - softmax(scores)).max() <= EPS


@each_scores
def test_cross_entropy_of_a_softmax_to_fifty_digits(scores):
    y = softmax(scores)
    with mp.workdps(50):
        exact, distances = find_exact(scores)
        for k, (truth, distance) in enumerate(zip(exact, distances, strict=True)):
            d = one_hot([k], len(scores))
            values = cross_entropy(d, [y]), -log_likelihood(d, [y])
            if truth < SMALLEST * EPS / 2:
                assert values == (np.inf, np.inf)
            elif truth > SMALLEST:
                for value in values:
                    assert abs(value + mp.log(truth)) <= EPS * (2 * len(scores) + 2 * distance)


@each_scores
def test_scores_out_of_the_range_of_exponentials_in_mnlogit(scores):
    """The scores are the coefficients of a constant, but for a rounding in the fit's own basis."""
    whole = [round(u * 64) / 64 for u in scores]
    params = np.array([u - whole[0] for u in whole[1:]])
    codes = np.arange(len(whole))
    with mp.workdps(50):
        exact, distances = find_exact([0.0, *params])
        truth = mp.fsum(mp.log(p) for p in exact)
        model = ml.MNLogit(codes, np.ones((len(codes), 1)))
        assert abs(model.loglike(params) - truth) <= 4 * EPS * (len(codes) ** 2 + sum(distances))
        rows = model.loglikeobs(params)
        for value, p, distance in zip(rows, exact, distances, strict=True):
            assert abs(value - mp.log(p)) <= 4 * EPS * (len(codes) + distance)
        score = model.score(params).to_numpy()[0]
        residuals = [1 - len(codes) * p for p in exact[1:]]
        assert max(abs(a - b) for a, b in zip(score, residuals, strict=True)) <= 1e-11


@pytest.mark.parametrize("shift", [1.0, -64.0, 2.0**14, -(2.0**20), 2.0**30])
def test_an_exact_shift_of_scores_changes_no_bit(rng, shift):
    u = np.round(rng.normal(scale=300, size=(200, 5)) * 1024) / 1024
    moved = u + shift
    assert (moved - shift == u).all()
    assert (softmax(moved) == softmax(u)).all()
    assert (posterior_from_joint(moved) == posterior_from_joint(u)).all()
    for ours, theirs in zip(log_softmax(moved.T), log_softmax(u.T), strict=True):
        assert (ours == theirs).all()
    d = one_hot(np.arange(200) % 5)
    assert cross_entropy(d, softmax(moved)) == cross_entropy(d, softmax(u))


def test_exponentials_without_the_shift_overflow():
    with np.errstate(over="ignore", invalid="ignore"):
        plain = np.exp([1e4, -1e4]) / np.exp([1e4, -1e4]).sum()
    assert np.isnan(plain[0])
    assert softmax([1e4, -1e4]).tolist() == [1.0, 0.0]


def test_a_category_of_density_zero_has_posterior_zero():
    joint = [[-1.0, -np.inf, -1.0], [-np.inf, -np.inf, -1e6], [-800.0, -np.inf, -900.0]]
    y = posterior_from_joint(joint)
    assert y[:2].tolist() == [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]
    assert y[2, 1] == 0
    assert abs(y[2, 2] - np.exp(-100)) < 1e-15 * np.exp(-100) * 100


@pytest.mark.parametrize(
    ("joint", "said"),
    [
        ([[0.0, 1.0], [-np.inf, -np.inf], [0.0, 0.0]], "No category is possible in row 1"),
        ([-np.inf, -np.inf], "No category is possible in the row"),
        ([[[0.0], [-np.inf]]], "No category is possible in row 0, 1"),
        ([[0.0, 1.0], [0.0, np.nan]], "that of row 1 is nan"),
        ([[np.inf, 0.0]], "that of row 0 is inf"),
        (1.0, "there is none"),
        (np.zeros((3, 0)), "there is none"),
        ("word", "must be an array of numbers"),
    ],
)
def test_what_has_no_posterior_is_named(joint, said):
    with pytest.raises(OutcomeError, match=said):
        posterior_from_joint(joint)


def test_softmax_names_the_row_without_a_finite_largest_score():
    with pytest.raises(OutcomeError, match="row 2 is -inf"):
        softmax([[0.0, 1.0], [1.0, 1.0], [-np.inf, -np.inf]])
    assert softmax(np.zeros((0, 3))).shape == (0, 3)


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


def test_what_is_masked_is_missing():
    hidden = np.ma.masked_array([[0.25, 0.75], [0.5, 0.5]], [[False, False], [False, True]])
    d, gone = [[0, 1], [1, 0]], np.ma.masked_array([1.0, 1.0], [False, True])
    for ask in (
        lambda: softmax(hidden),
        lambda: posterior_from_joint(hidden),
        lambda: cross_entropy(d, hidden),
        lambda: log_likelihood(hidden, hidden),
    ):
        with pytest.raises(MissingDataError, match=r"masked at \(1, 1\)"):
            ask()
    with pytest.raises(MissingDataError, match=r"weights is masked at \(1,\)"):
        cross_entropy(d, [[0.25, 0.75], [0.5, 0.5]], gone)
    with pytest.raises(MissingDataError, match=r"codes is masked at \(1,\)"):
        one_hot(np.ma.masked_array([1, 0], [False, True]))
    shown = np.ma.masked_array([[0.0, 0.0]], [[False, False]])
    assert softmax(shown).tolist() == [[0.5, 0.5]]


def test_one_hot_needs_a_whole_number_of_categories():
    with pytest.raises(OutcomeError, match=r"whole number, not 2\.5"):
        one_hot([0], 2.5)


def test_tensors_that_require_gradients_are_named():
    torch = pytest.importorskip("torch")
    with pytest.raises(OutcomeError, match="u must be an array of numbers"):
        softmax(torch.zeros(2, requires_grad=True))

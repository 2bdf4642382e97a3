"""Ten handwritten digits: the linear model is separated, a network's posterior is calibrated."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
datasets = pytest.importorskip("sklearn.datasets")

from sklearn.metrics import log_loss  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402

import mlelogit as ml  # noqa: E402
from mlelogit.exceptions import (  # noqa: E402
    CollinearityWarning,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    SeparationWarning,
)
from tests.networks.modules import make_net  # noqa: E402

DIGITS = datasets.load_digits()
X, Y = DIGITS.data / 16, DIGITS.target
TRAIN, TEST = train_test_split(np.arange(len(Y)), train_size=700, stratify=Y, random_state=0)
NET = make_net(64, 32, 10)
# Such as rows kept out choose.
L2, PENALTY = 0.1, 1e-3


def with_constant(rows):
    return np.column_stack([np.ones(len(rows)), X[rows]])


def take_own(probabilities):
    """Return the probability of every test row's own digit."""
    return np.asarray(probabilities)[np.arange(len(TEST)), Y[TEST]]


@pytest.fixture(scope="module")
def network():
    return ml.networks.fit_network(NET, X[TRAIN], Y[TRAIN], l2=L2, tol=1e-5)


@pytest.fixture(scope="module")
def free():
    """The same network without a prior, stopped where every training row is right."""
    with pytest.warns(NoFiniteMaximumWarning, match="rises for ever"):
        return ml.networks.fit_network(NET, X[TRAIN], Y[TRAIN], maxiter=25)


@pytest.fixture(scope="module")
def ridge():
    with pytest.warns(CollinearityWarning):
        model = ml.MNLogit(Y[TRAIN], with_constant(TRAIN))
    path = model.fit_path(l1_ratio=0, penalties=[10 * PENALTY, PENALTY])
    return path.predict(with_constant(TEST), PENALTY)


@pytest.fixture(scope="module")
def judged(network):
    return network.calibration(X[TEST], Y[TEST])


def test_coding_of_a_three():
    coded = np.eye(10, dtype=int)[3]
    assert coded.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    one_hot = np.eye(10)[Y[TRAIN]]
    reached = []
    for d, options in ((Y[TRAIN], {}), (one_hot, {"outcome": "counts"})):
        with pytest.warns(NotConvergedWarning):
            fit = ml.networks.fit_network(NET, X[TRAIN], d, l2=10.0, maxiter=10, **options)
        reached.append(fit.llf)
    assert abs(reached[0] - reached[1]) < 1e-8


def test_linear_model_is_separated():
    """Held-out digits get probabilities of zero in the limit, and some of them are there."""
    with pytest.warns(CollinearityWarning), pytest.warns(SeparationWarning):
        fit = ml.MNLogit(Y[TRAIN], with_constant(TRAIN)).fit()
    assert fit.separation.verdict == "complete"
    assert fit.separation.pairs == fit.separation.separated == 9 * 700
    assert fit.llf == 0
    limit = fit.predict(with_constant(TEST)).to_numpy()
    own = take_own(limit)
    assert (own == 0).any()
    assert own.mean() > 0.85
    # An independent proof: the direction gives each row its own digit, by scores alone.
    scores = fit.predict(with_constant(TRAIN)).to_numpy()
    assert np.array_equal(scores.argmax(axis=1), Y[TRAIN])


def test_error_and_likelihood_are_the_same_on_other_rows(network):
    probabilities = network.predict(X[TEST]).to_numpy()
    loglike = np.log(take_own(probabilities)).sum()
    loss = log_loss(Y[TEST], probabilities, normalize=False)
    scores = network.module(torch.from_numpy(X[TEST])).detach()
    own = torch.from_numpy(Y[TEST])
    error = torch.nn.functional.cross_entropy(scores, own, reduction="sum")
    assert abs(loglike + loss) < 1e-10
    assert abs(loglike + float(error)) < 1e-10
    judged = network.scores(X[TEST], Y[TEST])
    assert abs(judged.overall.loc["log", "score"] * len(TEST) + loglike) < 1e-9


def test_network_beats_chance(network):
    """By far more than five standard errors of a share when one in ten is right."""
    share = network.classification(X[TEST], Y[TEST]).hit_rate
    assert share > 0.1 + 5 * np.sqrt(0.1 * 0.9 / len(TEST))
    assert share > 0.95


def test_network_is_calibrated(judged):
    """If every probability is right, these fail once in 300 times, and once in 1,000."""
    slope = judged.recalibration.loc[("one slope", "slope", "")]
    assert abs(slope["estimate"] - 1) < 3 * slope["std_err"]
    errors = judged.errors.loc["most probable category"].iloc[0]
    assert errors["estimate"] < errors["by_chance"] + 3 * errors["std_err"]
    assert judged.tests["p_value"].dropna().min() > 0.001


def test_without_a_prior_it_is_sure_of_too_much(free):
    assert free.llf > -5
    judged = free.calibration(X[TEST], Y[TEST])
    slope = judged.recalibration.loc[("one slope", "slope", "")]
    assert slope["estimate"] < 1 - 5 * slope["std_err"]


def test_prior_raises_the_likelihood_of_other_rows(network, free):
    assert free.llf > network.llf
    with_prior, without = (np.log(take_own(fit.predict(X[TEST]))) for fit in (network, free))
    difference = with_prior - without
    assert difference.mean() > 2 * difference.std() / np.sqrt(len(TEST))


def test_hidden_layer_beats_the_line(network, ridge):
    """Image by image, by more than two standard errors of the mean difference."""
    difference = np.log(take_own(network.predict(X[TEST]))) - np.log(take_own(ridge))
    assert difference.mean() > 2 * difference.std() / np.sqrt(len(TEST))


def test_ridge_is_that_of_the_network_without_a_hidden_layer(ridge):
    """Its penalty is on standardized columns, n times λ over their variance."""
    variance = X[TRAIN].var(axis=0)
    module = torch.nn.Linear(64, 10)
    scale = np.where(variance > 0, np.sqrt(variance), 1.0)
    fit = ml.networks.fit_network(module, X[TRAIN] / scale, Y[TRAIN], l2=PENALTY * 700, tol=1e-9)
    assert np.abs(fit.predict(X[TEST] / scale).to_numpy() - ridge.to_numpy()).max() < 1e-4

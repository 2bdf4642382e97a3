"""The climb of a network's log-likelihood: every method, every unit, and who may stop it."""

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import NetworkError, NotConvergedWarning, OptionError

torch = pytest.importorskip("torch")

from mlelogit.networks.examination import find_curvature  # noqa: E402
from mlelogit.networks.module import copy_module  # noqa: E402
from mlelogit.networks.optimization import METHODS, find_method  # noqa: E402
from mlelogit.networks.rows import TensorInputs  # noqa: E402
from tests.networks.modules import make_net  # noqa: E402


@pytest.fixture
def rows(rng):
    x = rng.normal(size=(120, 2))
    u = x @ rng.normal(size=(2, 3)) + rng.gumbel(size=(120, 3))
    return x, u.argmax(axis=1)


def build(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_logit_in_any_units(rng, method):
    """Years, incomes and a column of millionths: the start leaves rows certain and wrong."""
    n = 200
    year, income = rng.integers(1990, 2020, n).astype(float), rng.lognormal(10.5, 0.8, n)
    tiny = rng.normal(size=n) * 1e-7
    x = np.column_stack([year, income, tiny])
    u = np.column_stack([np.zeros(n), (year - 2005) / 10 + np.log(income) - 10.5, 5e6 * tiny])
    y = (u + rng.gumbel(size=u.shape)).argmax(axis=1)
    logit = ml.MNLogit(y, np.column_stack([np.ones(n), x])).fit()
    torch.manual_seed(0)
    res = ml.networks.fit_network(torch.nn.Linear(3, 3), x, y, method=method)
    assert res.converged
    assert res.llf == pytest.approx(logit.llf, abs=1e-9)
    w = res.params.to_numpy()
    slopes, biases = w[:9].reshape(3, 3), w[9:]
    found = np.column_stack([biases - biases[0], slopes - slopes[0]])[1:]
    truth = logit.params.to_numpy().T
    assert (np.abs(found - truth) < 1e-6 * logit.bse.to_numpy().T).all()


@pytest.mark.parametrize("method", METHODS)
def test_callback_stops_every_method_at_once(rows, method):
    seen = []

    def stop(params):
        seen.append(params)
        return len(seen) == 2

    with pytest.warns(NotConvergedWarning, match="Stopped by the callback"):
        res = ml.networks.fit_network(build(), *rows, l2=0.1, method=method, callback=stop)
    assert len(seen) == 2
    assert np.array_equal(seen[-1], res.params.to_numpy())
    assert len(res.trace.stage) == 3


def test_callback_may_raise_stop_iteration(rows):
    def stop(_):
        raise StopIteration

    with pytest.warns(NotConvergedWarning, match="Stopped by the callback"):
        ml.networks.fit_network(build(), *rows, callback=stop)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, KeyboardInterrupt])
def test_errors_of_the_user_are_raised(rows, method, error):
    def fail(_):
        raise error("mine")

    with pytest.raises(error, match="mine"):
        ml.networks.fit_network(build(), *rows, method=method, callback=fail)


@pytest.mark.parametrize("method", METHODS)
def test_maxiter_counts_all_iterations(rows, method):
    with pytest.warns(NotConvergedWarning, match="maxiter"):
        res = ml.networks.fit_network(build(), *rows, method=method, maxiter=3)
    assert res.record.maximum.iterations == 3


class Steep(torch.nn.Module):
    """Scores that overflow a little way off."""

    def __init__(self, steepness):
        super().__init__()
        self.steepness, self.first = steepness, torch.nn.Linear(2, 3)

    def forward(self, x):
        return torch.exp(self.steepness * self.first(x))


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B", "CG"])
def test_overflow_shortens_steps(rows, method):
    torch.manual_seed(0)
    prior = {"first.weight": 1.0, "first.bias": 1.0}
    res = ml.networks.fit_network(Steep(3.0), *rows, method=method, l2=prior)
    assert np.isfinite(res.llf)
    assert res.converged
    assert res.llf > res.trace.loglike[0]


def test_matrix_that_is_too_large_is_refused():
    assert find_method("auto", 10**6) == "L-BFGS-B"
    with pytest.raises(OptionError, match=r"8000\.0 GB"):
        find_method("BFGS", 10**6)


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B"])
def test_columns_without_information_do_no_harm(rows, method):
    x, y = rows
    plain = ml.networks.fit_network(torch.nn.Linear(2, 3), x, y)
    more = np.column_stack([x, np.full(len(x), 7.0), np.zeros(len(x)), x[:, 0]])
    res = ml.networks.fit_network(torch.nn.Linear(5, 3), more, y, method=method)
    assert res.converged
    assert res.llf == pytest.approx(plain.llf, abs=1e-9)


def test_start_without_a_gradient_is_refused(rng):
    """Only the last row overflows, which the first look at the module does not see."""
    x = rng.normal(size=(120, 2))
    x[-1] = 1e6
    torch.manual_seed(0)
    with pytest.raises(NetworkError, match="not finite"):
        ml.networks.fit_network(Steep(3.0), x, rng.integers(0, 3, 120))


@pytest.mark.parametrize("size", [1.0, 1e3, 1e4, 1e8])
@pytest.mark.parametrize("ended", [False, True])
def test_second_derivatives_are_seen_where_rows_are_certain(rng, size, ended):
    """From saturated rows, or with scores that sum to one once exponentiated, nothing is lost."""
    last = torch.nn.LogSoftmax(1) if ended else torch.nn.Identity()
    network = copy_module(torch.nn.Sequential(make_net(3, 3), last))
    inputs = TensorInputs(torch.from_numpy(rng.normal(size=(50, 3)) * size))
    before = network.read_params()
    assert find_curvature(network, inputs)
    assert np.array_equal(network.read_params(), before)


def test_saturated_start_finds_the_same_summit():
    """The logit of three chemical measures of wine, which start far from zero."""
    data = pytest.importorskip("sklearn.datasets").load_wine()
    x = data.data[:, [1, 2, 4]]
    for seed in range(3):
        res = ml.networks.fit_network(make_net(3, 3, seed=seed), x, data.target)
        assert res.record.maximum.iterations < 20
        assert res.llf == pytest.approx(-148.81484119, abs=1e-7)

"""What a fitted network says of its rows and of new ones."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

import mlelogit as ml  # noqa: E402
from mlelogit.exceptions import ColumnNotFoundError, MNLogitError, OptionError  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.likelihood import NetworkLikelihood  # noqa: E402
from mlelogit.networks.passes import map_rows  # noqa: E402
from mlelogit.networks.prediction import measure_cross_entropy  # noqa: E402
from tests.networks.modules import draw_rows, make_net  # noqa: E402


@pytest.fixture(scope="module")
def res():
    x, y = draw_rows(np.random.default_rng(3))
    return fit_network(make_net(3, 2, 3), x, np.array(["c", "a", "b"])[y], l2=0.2)


@pytest.fixture
def rows(rng):
    return rng.normal(size=(7, 3))


def run(res, rows):
    """Return the scores by PyTorch alone."""
    return res.module(torch.from_numpy(rows)).detach()


def test_probabilities_are_the_softmax(res, rows):
    found = res.predict(rows)
    assert list(found.columns) == ["a", "b", "c"]
    assert np.abs(found.to_numpy() - run(res, rows).softmax(1).numpy()).max() < 1e-15
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-15


def test_categories_are_the_most_probable(res, rows):
    found = res.predict(rows, which="category")
    assert list(found) == list(np.array(["a", "b", "c"])[run(res, rows).argmax(1).numpy()])


def test_linear_is_log_odds_against_the_first(res, rows):
    scores = run(res, rows).numpy()
    found = res.predict(rows, which="linear").to_numpy()
    assert np.abs(found - (scores - scores[:, :1])).max() < 1e-12


def test_own_rows_are_the_default(res):
    assert res.predict().equals(res.probabilities)
    assert len(res.predict(which="category")) == 60


def test_huge_scores(rows):
    net = torch.nn.Linear(3, 3)
    x = np.vstack([np.eye(3), np.eye(3)])
    fitted = fit_network(net, x, [0, 1, 2, 0, 1, 2], l2=1.0)
    found = fitted.predict(1e6 * np.array([[1.0, -1, -1], [-1, 1, 0.5], [0.3, 0.2, 0.1]]))
    assert np.isfinite(found.to_numpy()).all()
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-15
    assert found.to_numpy()[0, 0] == 1.0


def test_a_dict_of_columns(rng, rows):
    x, y = draw_rows(rng)
    fitted = fit_network(make_net(3, 3), pd.DataFrame(x, columns=["a", "b", "c"]), y)
    columns = dict(zip("cab", rows[:, [2, 0, 1]].T, strict=True))
    assert fitted.predict(columns).equals(fitted.predict(rows))
    with pytest.raises(ColumnNotFoundError, match="'b'"):
        fitted.predict({"a": [1.0], "c": [2.0]})


@pytest.mark.parametrize("which", ["probs", None, 3])
def test_unknown_words(res, which):
    with pytest.raises(OptionError, match="prob"):
        res.predict(which=which)


@pytest.mark.parametrize(
    "newdata", [np.ones((2, 2)), np.ones(5), "text", 3.0, [["a", "b", "c"]], np.ones((2, 3, 1))]
)
def test_bad_rows(res, newdata):
    with pytest.raises(MNLogitError):
        res.predict(newdata)


def test_cross_entropy_is_minus_the_log_likelihood(res):
    assert abs(res.cross_entropy + res.llf) < 1e-12
    metrics = pytest.importorskip("sklearn.metrics")
    labels = np.array(["a", "b", "c"])[res.record.rows.targets(slice(0, 60)).argmax(axis=1)]
    loss = metrics.log_loss(labels, res.probabilities.to_numpy(), normalize=False)
    assert abs(loss + res.llf) < 1e-11


@pytest.mark.parametrize("outcome", ["labels", "counts", "probabilities"])
def test_outcomes_are_what_was_given(rng, outcome):
    x, y = draw_rows(rng)
    d = {
        "labels": np.eye(3)[y],
        "counts": rng.integers(1, 4, size=(60, 3)),
        "probabilities": rng.dirichlet(np.ones(3), size=60),
    }[outcome]
    fitted = fit_network(make_net(3, 3), x, y if outcome == "labels" else d, outcome=outcome)
    assert np.array_equal(fitted.record.rows.targets(slice(0, 60)), d)
    assert abs(fitted.cross_entropy + fitted.llf) < 1e-11


def test_prediction_leaves_switches_alone(res, rows):
    drawn = torch.random.get_rng_state()
    before = res.predict(rows)
    for context in (
        torch.no_grad(),
        torch.inference_mode(),
        torch.autocast("cpu"),
        torch.enable_grad(),
    ):
        with context:
            gradients = torch.is_grad_enabled()
            assert res.predict(rows).equals(before)
            assert torch.is_grad_enabled() == gradients
    assert torch.equal(drawn, torch.random.get_rng_state())


def test_pickles(res, rows):
    twin = pickle.loads(pickle.dumps(res))
    assert twin.predict(rows).equals(res.predict(rows))
    assert twin.llf == res.llf
    assert twin.starts.equals(res.starts)
    assert str(twin.summary()) == str(res.summary())


def test_summary_says_what_was_fitted(res):
    text = str(res.summary())
    for words in ("Softmax network", "60", "17", f"{res.llf:.6f}", "'a', 'b', 'c'"):
        assert words in text
    assert str(res).startswith("Softmax network")


def test_a_single_layer_is_a_multinomial_logit(rng):
    """Differences of rows of its weight are the coefficients."""
    x, y = draw_rows(rng)
    fitted = fit_network(make_net(3, 3), x, y)
    logit = ml.MNLogit(y, np.column_stack([np.ones(60), x])).fit()
    weight = fitted.module[0].weight.detach().numpy()
    bias = fitted.module[0].bias.detach().numpy()
    differences = np.column_stack([bias[1:] - bias[0], weight[1:] - weight[0]])
    assert np.abs(differences.T - logit.params.to_numpy()).max() < 1e-8
    assert abs(fitted.llf - logit.llf) < 1e-11
    assert abs(fitted.llnull - logit.llnull) < 1e-11


@pytest.mark.parametrize("size", [3e3, 1e5])
def test_cross_entropy_is_finite_where_probabilities_underflow(res, size):
    """There it is the distance of each row's score from its largest one, to many digits."""
    params = size * res.record.maximum.params
    far = replace(res.record, network=res.record.network.duplicate(params))
    scores = map_rows(far.network, far.rows.inputs, 60)
    behind = scores.max(axis=1) - scores[far.rows.targets(slice(0, 60)) == 1]
    assert behind.max() > 1000
    assert abs(measure_cross_entropy(far) / behind.sum() - 1) < 1e-3
    likelihood = NetworkLikelihood(far.network, far.rows, far.precisions)
    error = -likelihood.evaluate(params, score=False).loglike
    assert abs(measure_cross_entropy(far) / error - 1) < 1e-14

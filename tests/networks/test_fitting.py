"""fit_network(): starts and seeds, options, switches of PyTorch, and interrupts."""

import signal
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlelogit.exceptions import (  # noqa: E402
    MNLogitError,
    NetworkError,
    NotConvergedWarning,
    OptionError,
)
from mlelogit.networks.backend import plain_torch  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.likelihood import NetworkLikelihood  # noqa: E402
from mlelogit.notices import hear_warnings  # noqa: E402
from tests.global_state import unchanged  # noqa: E402
from tests.networks.modules import Wrapped, draw_rows, make_likelihood, make_net  # noqa: E402
from tests.test_interruption import interrupt_everywhere  # noqa: E402


@pytest.fixture
def rows(rng):
    return draw_rows(rng)


def switches():
    """Return what PyTorch holds for the whole process or thread."""
    return {
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "dtype": torch.get_default_dtype(),
        "random": torch.random.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "flash": torch.backends.cuda.flash_sdp_enabled(),
    }


def test_starts_are_listed_and_the_highest_is_kept(rows):
    res = fit_network(make_net(3, 3, 3), *rows, l2=0.05, starts=4, seed=11)
    table = res.starts
    assert list(table["seed"].astype("float").fillna(-1)) == [-1, 11, 12, 13]
    heights = table["loglike"] - table["penalty"]
    assert table["kept"].sum() == 1
    assert heights[table["kept"]].iloc[0] == heights.max() == res.llf - res.penalty
    assert (heights > table["start"]).all()
    assert table["stationary"].all()


def test_a_seed_says_which_starts(rows):
    net = make_net(3, 3, 3)
    one = fit_network(net, *rows, l2=0.05, starts=3, seed=5)
    two = fit_network(net, *rows, l2=0.05, starts=3, seed=5)
    other = fit_network(net, *rows, l2=0.05, starts=3, seed=6)
    assert one.starts.equals(two.starts)
    assert one.params.equals(two.params)
    assert other.starts["start"][1] == one.starts["start"][2]
    assert other.starts["start"][0] == one.starts["start"][0]


def test_the_first_start_is_the_module_as_given(rows):
    x, y = rows
    net = make_net(3, 3, 3)
    res = fit_network(net, x, y, l2=0.05)
    scores = net.double()(torch.from_numpy(x)).detach()
    error = torch.nn.functional.cross_entropy(scores, torch.from_numpy(y), reduction="sum")
    penalty = 0.025 * sum(float((layer.weight.detach() ** 2).sum()) for layer in (net[0], net[2]))
    assert abs(res.starts["start"][0] + float(error) + penalty) < 1e-10


@pytest.mark.parametrize("context", ["no_grad", "inference_mode", "autocast", "float64", "meta"])
def test_switches_neither_harm_nor_change(rows, context):
    net = make_net(3, 2, 3)
    plain = fit_network(net, *rows, l2=0.2, starts=2)
    before = switches()
    if context == "float64":
        torch.set_default_dtype(torch.float64)
        try:
            inside = switches()
            res = fit_network(net, *rows, l2=0.2, starts=2)
            assert switches() == inside
        finally:
            torch.set_default_dtype(torch.float32)
    else:
        manager = {
            "no_grad": torch.no_grad,
            "inference_mode": torch.inference_mode,
            "autocast": lambda: torch.autocast("cpu"),
            "meta": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
        }[context]
        with manager():
            inside = switches()
            res = fit_network(net, *rows, l2=0.2, starts=2)
            assert switches() == inside
    assert switches() == before
    assert res.params.equals(plain.params)


def test_a_module_made_in_inference_mode(rows):
    with torch.inference_mode():
        net = make_net(3, 3)
    assert fit_network(net, *rows).converged


def test_nothing_of_the_process_is_changed(rows):
    fit_network(make_net(3, 2, 3), *rows, l2=0.2)
    before = switches()
    with unchanged():
        fit_network(make_net(3, 2, 3), *rows, l2=0.2, starts=2).summary()
    assert switches() == before


def test_threads_of_torch_are_put_back(rows):
    counted = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        seen = []
        net = Wrapped(3, 3, lambda u, x: seen.append(torch.get_num_threads()) or u)
        fit_network(net, *rows)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(counted)


def test_threads_that_fit_at_once(rows):
    net, found, before = make_net(3, 2, 3), [], torch.get_num_threads()
    whole = fit_network(net, *rows, l2=0.2, starts=2)
    workers = [
        threading.Thread(target=lambda: found.append(fit_network(net, *rows, l2=0.2, starts=2)))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [res.params.equals(whole.params) for res in found] == [True] * 3
    assert torch.get_num_threads() == before


def test_callback_sees_points_and_can_stop(rows):
    seen = []
    res = fit_network(make_net(3, 3), *rows, callback=lambda w: seen.append(w))
    assert len(seen) >= 2
    assert np.array_equal(seen[-1], res.params.to_numpy())
    with pytest.warns(NotConvergedWarning, match="callback"):
        stopped = fit_network(make_net(3, 3), *rows, callback=lambda w: True)
    assert stopped.starts["iterations"][0] == 1


def test_callback_cannot_write_into_the_climb(rows):
    plain = fit_network(make_net(3, 3), *rows)
    res = fit_network(make_net(3, 3), *rows, callback=lambda w: w.fill(0.0))
    assert res.params.equals(plain.params)


def test_maxiter_is_told(rows):
    with pytest.warns(NotConvergedWarning, match="maxiter"):
        res = fit_network(make_net(3, 3), *rows, maxiter=1)
    assert not res.converged
    assert res.llf > res.starts["start"][0]


BAD = {
    "starts": (0, 1.5, "2", None, True, -1),
    "maxiter": (0, 1.5, "2", True),
    "tol": (0, -1, np.nan, "a", None),
    "method": ("newton", None, 3, ["BFGS"]),
    "seed": ("a", 1.5, -1),
    "block_rows": (0, 1.5, "2", True, -1),
    "callback": ("a", 3),
    "disp": ("yes", 2),
    "l2": (-1, "a", None),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_bad_options(rows, name, value):
    with pytest.raises(MNLogitError, match=name):
        fit_network(make_net(3, 3), *rows, **{name: value})


def test_unknown_words_raise(rows):
    with pytest.raises(TypeError, match="penalty"):
        fit_network(make_net(3, 3), *rows, penalty=1.0)
    with pytest.raises(OptionError, match="trust-exact"):
        fit_network(make_net(3, 3), *rows, method="newton")


class StopError(Exception):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, StopError])
def test_an_interrupt_comes_out_and_leaves_all_as_it_was(rows, error):
    net = make_net(3, 3, 3)
    weights = [piece.clone() for piece in net.parameters()]
    before = switches()

    def stop(params):
        raise error

    for context in (torch.enable_grad(), torch.no_grad()):
        with context, pytest.raises(error):
            fit_network(net, *rows, callback=stop)
    assert switches() == before
    assert all(torch.equal(a, b) for a, b in zip(weights, net.parameters(), strict=True))
    assert net.training


@pytest.mark.parametrize("moment", [1, 2, 5, 11, 30])
def test_an_interrupt_inside_the_module(rows, moment):
    """Ctrl-C while the module runs, at any of its runs."""
    count = [0]

    def ring(scores, inputs):
        count[0] += 1
        if count[0] == moment:
            signal.raise_signal(signal.SIGINT)
        return scores

    net = Wrapped(3, 3, ring)
    before = switches()
    with pytest.raises((KeyboardInterrupt, NetworkError)) as caught:
        fit_network(net, *rows, starts=3, l2=0.01)
    assert caught.type is KeyboardInterrupt
    assert switches() == before


def test_progress_is_shown_if_asked_for(rows, capsys):
    fit_network(make_net(3, 3), *rows, disp=True)
    assert "Iterations" in capsys.readouterr().err
    fit_network(make_net(3, 3), *rows)
    assert capsys.readouterr().err == ""


def test_an_interrupt_at_any_call(rows):
    """Between any two steps of this package and of what enters and leaves contexts."""
    net = make_net(3, 2, 3)
    before = switches()

    def check(place):
        assert switches() == before
        assert net.training

    files = ("mlelogit/networks", "contextlib.py", "torch/autograd/grad_mode", "torch/amp")

    def fit():
        with hear_warnings():
            fit_network(net, *rows, l2=0.2, maxiter=3, starts=2)

    interrupt_everywhere(fit, check, moments=40, files=files)


def test_seeds_beyond_what_torch_holds_are_refused(rows):
    for seed, starts in ((2**63 - 1, 2), (2**70, 1), (2**64 - 1, 3)):
        with pytest.raises(OptionError, match="below 2"):
            fit_network(make_net(3, 3), *rows, seed=seed, starts=starts)
    last = 2**63 - 3
    assert fit_network(make_net(3, 3), *rows, seed=last, starts=2).starts.loc[1, "seed"] == last


def test_a_callback_answers_with_a_truth_value(rows):
    with pytest.raises(OptionError, match="callback must return"):
        fit_network(make_net(3, 3), *rows, callback=lambda params: np.ones(2))


def test_threads_are_held_until_the_outermost_leaves():
    counted, seen = torch.get_num_threads(), []
    try:
        torch.set_num_threads(3)
        with plain_torch(torch.device("cpu")):
            with plain_torch(torch.device("cpu")):
                seen.append(torch.get_num_threads())
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())
    finally:
        torch.set_num_threads(counted)
    assert seen == [1, 1, 3]


def test_small_blocks_cost_no_more_products(rows, monkeypatch):
    """A Hessian in blocks of seven rows takes one pass for each, not one for each parameter."""
    x, y = rows
    likelihood = make_likelihood(make_net(3, 3), x, y, per_block=7)
    whole = make_likelihood(make_net(3, 3), x, y)
    calls = []
    once = NetworkLikelihood._multiply_at_once

    def count(self, score, vectors):
        calls.append(len(vectors))
        return once(self, score, vectors)

    monkeypatch.setattr(NetworkLikelihood, "_multiply_at_once", count)
    point = likelihood.network.read_params()
    found = likelihood.form_information(point)
    assert calls == [12] * 9
    assert np.abs(found - whole.form_information(point)).max() < 1e-12

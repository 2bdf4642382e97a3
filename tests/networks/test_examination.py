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
from mlelogit.networks import passes  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.module import copy_module  # noqa: E402
from mlelogit.networks.passes import choose_block, count_numbers, is_heavy  # noqa: E402
from mlelogit.networks.rows import TensorInputs  # noqa: E402
from mlelogit.notices import hear_warnings  # noqa: E402
from tests.networks.modules import Wrapped, draw_rows, make_likelihood, make_net  # noqa: E402

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
    per_row = 5 + 7 + 7 + 3 + 3
    assert count_numbers(network, TensorInputs(torch.zeros(100, 5))) == per_row
    assert choose_block(per_row) == passes.BLOCK_NUMBERS // per_row
    assert not is_heavy(per_row, choose_block(per_row))
    assert is_heavy(per_row, 1_000_000)


def test_a_block_has_some_rows_however_large_they_are():
    assert choose_block(passes.BLOCK_NUMBERS) == 64


def test_hooks_are_taken_off():
    network = copy_module(make_net(5, 7, 3))
    count_numbers(network, TensorInputs(torch.zeros(9, 5)))
    assert not any(layer._forward_hooks for layer in network.module.modules())


class Tripled(torch.autograd.Function):
    """Three times its input, with a gradient of one."""

    @staticmethod
    def forward(context, u):
        return 3 * u

    @staticmethod
    def backward(context, gradient):
        return gradient


class Outer(nn.Module):
    """Uses a layer that it does not own."""

    def __init__(self):
        super().__init__()
        self.layers, self.last = [nn.Linear(3, 3).double()], nn.Linear(3, 3)

    def forward(self, rows):
        return self.last(torch.tanh(self.layers[0](rows)))


class Cut(nn.Module):
    """Its first layer matters to scores, but not to their gradients."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, rows):
        return self.last(torch.tanh(self.first(rows)).detach())


LATER = {
    "squeezes one row": (lambda u, x: u.squeeze(), "does it squeeze"),
    "half a gradient": (lambda u, x: u + (u / 2).detach(), "forward.. and backward.. disagree"),
    "a wrong gradient": (lambda u, x: Tripled.apply(u), "forward.. and backward.. disagree"),
    "single precision inside": (lambda u, x: torch.tanh(u).float().double(), "torch.float32"),
    "half precision inside": (lambda u, x: u.bfloat16().double(), "torch.bfloat16"),
    "a little noise": (lambda u, x: u + 1e-9 * torch.randn_like(u), "runs again"),
    "a rare dependence": (lambda u, x: u * (1 + (x[:, :1].max() > 9)), "which other rows"),
    "in large blocks only": (
        lambda u, x: u if len(x) <= 40 else u * (1 + x.mean()),
        "which other rows",
    ),
    "missing in one row": (
        lambda u, x: u + torch.where(x[:, :1] > 9, torch.nan, 0.0),
        "not finite .* in rows 101 by position",
    ),
}


def draw_with_one_apart(rng):
    x, y = draw_rows(rng, n=300)
    x[101, 0] = 10.0
    return x, y


@pytest.mark.parametrize("case", LATER)
def test_what_the_first_rows_do_not_show_is_refused(rng, case):
    function, words = LATER[case]
    with pytest.raises(NetworkError, match=words):
        fit_network(Wrapped(3, 3, function), *draw_with_one_apart(rng), l2=1.0)


def fail_at_ten(u, x):
    if bool((x[:, 0] > 9).any()):
        raise IndexError("no such word")
    return u


def test_the_row_on_which_a_module_raises_is_named(rng):
    x, y = draw_with_one_apart(rng)
    with pytest.raises(NetworkError, match="row 101 by position: IndexError: no such word"):
        fit_network(Wrapped(3, 3, fail_at_ten), x, y)
    kept = np.arange(300) != 101
    res = fit_network(Wrapped(3, 3, fail_at_ten), x[kept], y[kept], l2=0.1)
    with pytest.raises(NetworkError, match="row 101 by position"):
        res.predict(x)
    with pytest.raises(NetworkError, match="row 101 by position"):
        res.calibration(x, y)


def test_statistics_of_a_block_are_seen_in_sorted_rows():
    """The first rows are all equal, and so are their statistics in any company."""
    x = np.repeat([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], 50, axis=0)
    y = np.random.default_rng(0).integers(0, 2, 200)
    net = nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False), nn.Linear(2, 2))
    with pytest.raises(NetworkError, match="which other rows"):
        fit_network(net, x, y)


class Late(nn.Module):
    """Rows depend on each other as soon as a parameter is not zero."""

    def __init__(self):
        super().__init__()
        self.linear, self.tie = nn.Linear(3, 3), nn.Parameter(torch.zeros(()))

    def forward(self, rows):
        tied = self.tie * rows.mean() * torch.arange(3, dtype=rows.dtype)
        return self.linear(rows) + tied + self.tie * rows[:, :1]


def test_rows_that_depend_on_each_other_at_the_answer_are_told(rng):
    x, y = draw_rows(rng, n=90)
    with hear_warnings() as heard:
        fit_network(Late(), x + 1.0, y, maxiter=20)
    assert any("At the parameters of the answer" in str(one.message) for one in heard)


def test_layers_that_are_not_fitted_are_told(rng):
    with pytest.warns(NetworkWarning, match=r"not among module\.parameters"):
        fit_network(Outer(), *draw_rows(rng), l2=1.0)


def test_parameters_behind_a_cut_are_refused(rng):
    with pytest.raises(NetworkError, match=r"depend on .*first\.weight.*requires_grad_"):
        fit_network(Cut(), *draw_rows(rng))
    net = Cut()
    net.first.requires_grad_(False)
    assert fit_network(net, *draw_rows(rng)).converged


def test_a_stop_of_an_iteration_is_an_error_like_any_other(rng):
    count, last, data = [0], [np.inf], draw_rows(rng)

    def stop(u, x):
        count[0] += 1
        return u if count[0] < last[0] else next(iter([]))

    torch.manual_seed(0)
    network = Wrapped(3, 3, stop)
    fit_network(network, *data)
    calls, count[0] = count[0], 0
    last[0] = calls - 1
    with pytest.raises(NetworkError, match="StopIteration"):
        fit_network(network, *data)


class Choleski(nn.Module):
    """Scores turned by the factor of a matrix, which has none everywhere."""

    def __init__(self):
        super().__init__()
        self.linear, self.matrix = nn.Linear(3, 3), nn.Parameter(torch.eye(3))

    def forward(self, rows):
        return self.linear(rows) @ torch.linalg.cholesky(self.matrix)


def test_a_matrix_without_a_factor_is_a_point_without_a_value(rng):
    x, y = draw_rows(rng)
    net = make_likelihood(Choleski(), x, y)
    point = net.network.read_params()
    assert np.isfinite(net.evaluate(point).loglike)
    assert np.isnan(net.evaluate(-point).loglike)


class Strict(nn.Linear):
    def forward(self, rows):
        if self.training:
            raise ValueError("only to be used")
        return super().forward(rows)


def test_a_module_that_cannot_train_is_told(rng):
    with pytest.warns(NetworkWarning, match="raises ValueError: only to be used in training"):
        fit_network(Strict(3, 3), *draw_rows(rng))

"""A module as a function of a flat vector: what is copied, what is left as it was."""

import copy
import importlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mlelogit.exceptions import NetworkError, NetworkWarning, NotConvergedWarning  # noqa: E402
from mlelogit.networks.fitting import fit_network  # noqa: E402
from mlelogit.networks.module import copy_module, redraw  # noqa: E402
from tests.networks.modules import draw_rows, make_net  # noqa: E402

nn = torch.nn


def picture(module):
    """Return everything of a module that a fit must not touch."""
    pieces = dict(module.named_parameters(remove_duplicate=False))
    return {
        "ids": {name: id(piece) for name, piece in pieces.items()},
        "values": {name: piece.detach().clone() for name, piece in pieces.items()},
        "types": {name: piece.dtype for name, piece in pieces.items()},
        "flags": {name: piece.requires_grad for name, piece in pieces.items()},
        "grads": {
            name: None if piece.grad is None else piece.grad.clone()
            for name, piece in pieces.items()
        },
        "buffers": {name: buffer.clone() for name, buffer in module.named_buffers()},
        "modes": {name: layer.training for name, layer in module.named_modules()},
        "hooks": {name: len(layer._forward_hooks) for name, layer in module.named_modules()},
    }


def same(before, after):
    """Tell whether two pictures are the same."""
    for key in ("ids", "types", "flags", "modes", "hooks"):
        assert before[key] == after[key], key
    for key in ("values", "grads", "buffers"):
        assert list(before[key]) == list(after[key])
        for name, value in before[key].items():
            other = after[key][name]
            assert (value is None and other is None) or torch.equal(value, other), (key, name)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_users_module_stays_as_it_is(rng, training, dtype):
    x, y = draw_rows(rng)
    net = make_net(3, 4, 3).to(dtype).train(training)
    net[0].bias.requires_grad_(False)
    net[0].weight.grad = torch.ones_like(net[0].weight)
    before = picture(net)
    res = fit_network(net, x, y, l2=0.1, starts=2, tol=1e-4)
    res.predict(x)
    res.summary()
    same(before, picture(net))
    assert not any(one is other for one in net.parameters() for other in res.module.parameters())


def test_the_fitted_module_is_a_copy_each_time(rng):
    x, y = draw_rows(rng)
    res = fit_network(make_net(3, 3), x, y)
    first, before = res.module, res.probabilities
    with torch.no_grad():
        for piece in first.parameters():
            piece.zero_()
    assert res.probabilities.equals(before)
    scores = res.module(torch.from_numpy(x))
    assert scores.dtype == torch.float64
    probabilities = torch.softmax(scores, dim=1).detach().numpy()
    assert np.abs(probabilities - before.to_numpy()).max() < 1e-14


def test_in_place_first_layer_leaves_rows_alone(rng):
    x, y = draw_rows(rng)
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 3))
    for rows in (x, torch.from_numpy(x.copy()), torch.from_numpy(x.reshape(60, 3, 1).copy())):
        given = rows.clone() if isinstance(rows, torch.Tensor) else rows.copy()
        module = net if rows.ndim == 2 else nn.Sequential(nn.Flatten(), *net)
        fit_network(module, given, y, l2=0.1, block_rows=13)
        assert (given == rows).all()


def test_frozen_parameters_stay(rng):
    x, y = draw_rows(rng)
    net = make_net(3, 4, 3)
    for piece in net[0].parameters():
        piece.requires_grad_(False)
    res = fit_network(net, x, y)
    assert list(copy_module(net).names) == ["2.weight", "2.bias"]
    assert torch.equal(res.module[0].weight, net[0].weight.double())
    assert len(res.params) == 15
    hidden = net[:2].double()(torch.from_numpy(x)).detach().numpy()
    from mlelogit import MNLogit

    linear = MNLogit(y, np.column_stack([np.ones(60), hidden])).fit()
    assert abs(res.llf - linear.llf) < 1e-9


class Tied(nn.Module):
    """Two layers that share one square matrix."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, rows):
        return self.second(torch.tanh(self.first(rows)))


def test_tied_parameters_are_one(rng):
    x, y = draw_rows(rng)
    net = Tied()
    res = fit_network(net, x, y, l2=0.5, starts=2)
    assert len(res.params) == 12
    fitted = res.module
    assert fitted.first.weight is fitted.second.weight
    squares = float((fitted.first.weight.detach() ** 2).sum())
    assert abs(res.penalty - 0.25 * squares) < 1e-12
    assert res.converged


def test_parametrizations_and_buffers(rng):
    x, y = draw_rows(rng)
    net = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)))
    net.register_buffer("seen", torch.zeros(2))
    before = picture(net)
    res = fit_network(net, x, y, l2={"0.parametrizations.weight.original0": 0.1})
    same(before, picture(net))
    assert res.converged
    assert len(res.params) == 3 + 9 + 3


def test_labels_of_parameters():
    network = copy_module(make_net(2, 3))
    assert network.label_params()[:3] == ["0.weight[0, 0]", "0.weight[0, 1]", "0.weight[1, 0]"]
    assert network.label_params()[-1] == "0.bias[2]"


def test_flat_vector_goes_in_and_out(rng):
    network = copy_module(make_net(3, 4, 3))
    point = rng.normal(size=network.size)
    network.write_params(point)
    assert np.array_equal(network.read_params(), point)
    twin = network.duplicate(2 * point)
    assert np.array_equal(network.read_params(), point)
    assert np.array_equal(twin.read_params(), 2 * point)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (torch.relu, "must be a torch.nn.Module, an instance, not builtin"),
        (nn.Linear, "an instance, not type"),
        (None, "not NoneType"),
        (nn.ReLU(), "no parameter to fit"),
        (nn.Linear(3, 3).requires_grad_(False), "no parameter to fit"),
        (nn.LazyLinear(3), "when it first runs"),
        (nn.Linear(3, 3, dtype=torch.complex64), "complex"),
    ],
)
def test_no_network(module, words):
    with pytest.raises(NetworkError, match=words):
        copy_module(module)


def test_parameters_that_are_not_finite_are_named():
    net = make_net(3, 3)
    with torch.no_grad():
        net[0].bias[1] = torch.nan
    with pytest.raises(NetworkError, match=r"0\.bias"):
        copy_module(net)


class NoCopy(nn.Linear):
    def __deepcopy__(self, memo):
        raise TypeError("no copy")


def test_a_module_that_cannot_be_copied():
    with pytest.raises(NetworkError, match="no copy"):
        copy_module(NoCopy(3, 3))


def test_redraw_is_what_the_layers_draw():
    net = make_net(3, 4, 3, seed=5)
    network = copy_module(net)
    drawn = redraw(network, 7)
    assert np.array_equal(drawn, redraw(network, 7))
    assert not np.array_equal(drawn, redraw(network, 8))
    assert np.array_equal(network.read_params(), copy_module(net).read_params())
    with torch.random.fork_rng():
        torch.manual_seed(7)
        twin = copy.deepcopy(net).double()
        for layer in (twin[0], twin[2]):
            layer.reset_parameters()
    assert np.array_equal(copy_module(twin).read_params(), drawn)


class Own(nn.Module):
    """A module with a parameter of its own and no way to draw it."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(3, 3))

    def forward(self, rows):
        return rows @ self.matrix


def test_parameters_that_cannot_be_drawn_are_named(rng):
    x, y = draw_rows(rng)
    assert fit_network(Own(), x, y).converged
    with pytest.raises(NetworkError, match="matrix"):
        fit_network(Own(), x, y, starts=2)


class Keeps(nn.Module):
    """Keeps what its layer made of the last rows, by itself, in a list and in a dict."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 2), nn.Linear(2, 3)

    def forward(self, rows):
        self.hidden = torch.tanh(self.first(rows))
        self.all = [self.hidden, {"twice": 2 * self.hidden}]
        return self.last(self.hidden)


def test_modules_that_keep_activations(rng):
    x, y = draw_rows(rng)
    net = Keeps()
    net(torch.ones(2, 3))
    kept = net.hidden
    res = fit_network(net, x, y, l2=0.1, starts=2)
    assert net.hidden is kept
    assert res.starts["kept"].sum() == 1
    copied = res.module
    assert torch.equal(copied(torch.from_numpy(x)), res.module(torch.from_numpy(x)))
    assert res.verify(engines="LBFGS").holds


def test_old_weight_normalization_can_be_copied(rng):
    with pytest.warns(FutureWarning, match="weight_norm"):
        layer = nn.utils.weight_norm(nn.Linear(3, 2))
    x, y = draw_rows(rng)
    with pytest.warns(NotConvergedWarning):
        res = fit_network(nn.Sequential(layer, nn.Tanh(), nn.Linear(2, 3)), x, y, maxiter=2)
    assert abs(res.cross_entropy + res.llf) < 1e-10


def test_hooks_of_the_user_are_told_and_those_of_torch_are_not(rng):
    x, y = draw_rows(rng)
    seen = []
    net = nn.Sequential(nn.Linear(3, 3))
    net[0].register_forward_hook(lambda *given: seen.append(given[2]))
    with pytest.warns(NetworkWarning, match="hooks of your own at '0'"):
        fit_network(net, x, y)
    pruned = nn.Linear(3, 3)
    importlib.import_module("torch.nn.utils.prune").l1_unstructured(pruned, "weight", amount=1)
    assert np.isfinite(fit_network(pruned, x, y).llf)


def test_gradients_that_are_sparse(rng):
    def build(sparse):
        torch.manual_seed(0)
        return nn.Sequential(nn.Embedding(4, 2, sparse=sparse), nn.Flatten(), nn.Linear(4, 3))

    words, y = torch.from_numpy(rng.integers(4, size=(60, 2))), rng.integers(3, size=60)
    fits = [fit_network(build(sparse), words, y, l2=1.0) for sparse in (True, False)]
    assert abs(fits[0].llf - fits[1].llf) < 1e-9


@pytest.mark.filterwarnings("ignore:.torch.jit.:DeprecationWarning")
def test_modules_without_numbers_or_insight_are_refused(rng):
    rows = draw_rows(rng)
    with pytest.raises(NetworkError, match="meta device"):
        fit_network(nn.Linear(3, 3, device="meta"), *rows)
    traced = torch.jit.trace(nn.Linear(3, 3), torch.ones(2, 3))
    with pytest.raises(NetworkError, match=r"torch\.jit"):
        fit_network(nn.Sequential(traced), *rows)

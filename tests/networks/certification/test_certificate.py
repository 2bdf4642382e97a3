"""What is said of the point where a network's climb ended, against independent truths."""

import itertools

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import NetworkWarning, NoFiniteMaximumWarning, NotConvergedWarning
from mlelogit.fitting.certificate import certify
from mlelogit.notices import hear_warnings

torch = pytest.importorskip("torch")

from mlelogit.networks.certification import curvature, pieces, recession  # noqa: E402
from mlelogit.networks.certification.affine import certify_affine  # noqa: E402
from mlelogit.networks.certification.certificate import Verdict, certify_network  # noqa: E402
from mlelogit.networks.certification.scores import moves_affinely  # noqa: E402
from mlelogit.networks.likelihood import NetworkLikelihood  # noqa: E402
from tests.networks.modules import Wrapped, make_likelihood  # noqa: E402

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def remake(res):
    record = res.record
    return NetworkLikelihood(record.network, record.rows, record.precisions)


def draw_rows(rng, n=150, categories=3):
    x = rng.normal(size=(n, 2))
    u = x @ rng.normal(size=(2, categories)) + rng.gumbel(size=(n, categories))
    return x, u.argmax(axis=1)


def build(*widths, activation=None, seed=0):
    torch.manual_seed(seed)
    layers = []
    for a, b in itertools.pairwise(widths):
        layers += [torch.nn.Linear(a, b), (activation or torch.nn.Tanh)()]
    return torch.nn.Sequential(*layers[:-1])


def fill(net, value):
    with torch.no_grad():
        for piece in net.parameters():
            piece.fill_(value)
    return net


def compute_theorem(x, d, weights, params):
    """λ and D of a multinomial logit on [1, X] by its plain formulas, base the first category."""
    z = np.column_stack([np.ones(len(x)), x])
    categories = d.shape[1]
    w = params[: categories * x.shape[1]].reshape(categories, -1)
    u = x @ w.T + params[categories * x.shape[1] :]
    y = np.exp(u - u.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    people = weights * d.sum(axis=1)
    score = ((weights[:, None] * d - people[:, None] * y)[:, 1:].T @ z).ravel()
    size = z.shape[1]
    information = np.zeros(((categories - 1) * size,) * 2)
    for c, row, p in zip(people, z, y[:, 1:], strict=True):
        information += c * np.kron(np.diag(p) - np.outer(p, p), np.outer(row, row))
    v = np.linalg.inv(information)
    largest = 0.0
    for row, (k, other) in itertools.product(z, itertools.combinations(range(categories), 2)):
        h = np.zeros((categories, size))
        h[k], h[other] = row, -row
        h = h[1:].ravel()
        largest = max(largest, h @ v @ h)
    return np.sqrt(score @ v @ score), np.sqrt(largest)


@pytest.mark.parametrize("categories", [2, 3])
@pytest.mark.parametrize("kind", ["labels", "weights", "counts"])
def test_theorem_is_that_of_the_logit_at_any_point(rng, categories, kind):
    x, y = draw_rows(rng, categories=categories)
    d, weights = np.eye(categories)[y], np.ones(len(y))
    options = {}
    if kind == "weights":
        weights = rng.integers(1, 4, len(y)).astype(float)
        options = {"weights": weights, "weight_type": "frequency"}
    if kind == "counts":
        d = d + rng.integers(0, 3, d.shape)
        y = d
    res = ml.networks.fit_network(torch.nn.Linear(2, categories), x, y, **options)
    assert res.certificate.verdict is Verdict.GLOBAL_MAXIMUM
    likelihood = remake(res)
    for size in (1e-3, 0.03):
        params = res.record.maximum.params + size * rng.normal(size=res.params.size)
        decrement, spread = compute_theorem(x, d, weights, params)
        found = certify_affine(likelihood, params, 1e-6)
        assert found.decrement == pytest.approx(decrement, rel=1e-9)
        assert found.log_odds_error == pytest.approx(spread, rel=1e-9)
        truth = certify(decrement, spread)
        assert found.error_bound == pytest.approx(truth.error_bound, rel=1e-9)
        assert found.loglike_gap == pytest.approx(truth.loglike_gap, rel=1e-8)
        assert truth.finite_maximum
        assert res.llf - likelihood.evaluate(params).loglike <= found.loglike_gap


def test_affine_bound_holds_with_a_prior(rng):
    x, y = draw_rows(rng)
    res = ml.networks.fit_network(torch.nn.Linear(2, 3), x, y, l2=2.0)
    likelihood, best = remake(res), res.record.maximum
    for _ in range(5):
        params = best.params + 0.05 * rng.normal(size=9)
        bound = certify_affine(likelihood, params, 1e-6)
        left = best.objective - likelihood.evaluate(params).objective
        assert bound.finite_maximum
        assert 0.5 * bound.loglike_gap < left <= bound.loglike_gap


def test_bound_does_not_depend_on_units_or_collinear_columns(rng):
    x, y = draw_rows(rng)
    net = torch.nn.Linear(2, 3)
    plain = ml.networks.fit_network(net, x, y)
    far = np.column_stack([x[:, 0] * 1e-7, x[:, 1] * 1e5 + 3e5, np.full(len(x), 4.0), x[:, 0]])
    other = ml.networks.fit_network(torch.nn.Linear(4, 3), far, y)
    assert other.certificate.verdict is Verdict.GLOBAL_MAXIMUM
    assert other.llf == pytest.approx(plain.llf, abs=1e-9)
    spread = plain.certificate.bound.log_odds_error
    assert other.certificate.bound.log_odds_error == pytest.approx(spread, rel=1e-6)


class Features(torch.nn.Module):
    """Scores that are affine in the parameters, and not in the inputs."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(3, 3, dtype=torch.float64))

    def forward(self, x):
        return torch.stack([torch.sin(x[:, 0]), x[:, 1] ** 2, x[:, 0].abs()], dim=1) @ self.w


@pytest.mark.parametrize(
    ("net", "affine"),
    [
        (torch.nn.Linear(2, 3), True),
        (Features(), True),
        (build(2, 3, 3), False),
        (build(2, 3, 3, activation=torch.nn.ReLU), False),
        (torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 3)), False),
    ],
)
def test_affine_scores_are_told_by_numbers(rng, net, affine):
    x, y = draw_rows(rng)
    with hear_warnings():
        likelihood = remake(ml.networks.fit_network(net, x, y, l2=0.1, maxiter=3))
    point = likelihood.network.read_params()
    everything = np.ones(len(point), dtype=bool)
    assert moves_affinely(likelihood, point, everything) is affine


def test_extremes_are_those_of_a_difference_of_gradients(rng):
    x, y = draw_rows(rng)
    likelihood = remake(ml.networks.fit_network(build(2, 3, 3), x, y, l2=0.5))
    point = likelihood.network.read_params() + 0.3
    step = 1e-5
    rows = [
        likelihood.evaluate(point - step * unit).gradient
        - likelihood.evaluate(point + step * unit).gradient
        for unit in np.eye(len(point))
    ]
    numeric = np.array(rows) / (2 * step)
    numeric = (numeric + numeric.T) / 2
    shape = curvature.LocalShape(likelihood, point)
    values = np.linalg.eigvalsh(numeric * shape.scale * shape.scale[:, np.newaxis])
    found = shape.find_extremes()
    assert found.smallest == pytest.approx(values[0], abs=1e-6)
    assert found.largest == pytest.approx(values[-1], abs=1e-6)
    assert found.upward
    for way in found.ways:
        assert way @ numeric @ way < 0


def test_lanczos_bound_holds_on_matrices_of_known_extremes(rng):
    q = np.linalg.qr(rng.normal(size=(300, 300)))[0]
    values = np.concatenate([[-0.02], np.linspace(0, 1, 299) ** 4 * 30])
    matrix = (q * values) @ q.T
    found = curvature.run_lanczos(lambda v: matrix @ v, rng.normal(size=300), 60)
    ritz, vectors, made = found
    assert made == 60
    assert values[0] - 1e-9 <= ritz[0] <= values[0] + 0.2
    assert ritz[-1] == pytest.approx(30.0, rel=1e-6)
    rayleigh = vectors[0] @ matrix @ vectors[0] / (vectors[0] @ vectors[0])
    assert rayleigh == pytest.approx(ritz[0], abs=1e-9)


def test_products_find_what_the_formed_matrix_shows(rng, monkeypatch):
    x, y = draw_rows(rng)
    likelihood = remake(ml.networks.fit_network(build(2, 4, 3), x, y, l2=0.5))
    point = likelihood.network.read_params()
    gradient = likelihood.evaluate(point + 0.01).gradient
    formed = curvature.LocalShape(likelihood, point + 0.01)
    step = formed.find_step(gradient, 200)
    monkeypatch.setattr(curvature, "SMALL_NETWORK", 0)
    products = curvature.LocalShape(likelihood, point + 0.01)
    other = products.find_step(gradient, 200)
    assert other.gain == pytest.approx(step.gain, rel=1e-4)
    assert products.find_extremes().upward is formed.find_extremes().upward


@pytest.mark.parametrize("method", ["auto", "L-BFGS-B", "BFGS", "CG", "Newton-CG", "TNC"])
def test_saddle_at_zeros_is_left(rng, method):
    x, y = draw_rows(rng)
    net = fill(build(2, 3, 3), 0.0)
    res = ml.networks.fit_network(net, x, y, l2=0.1, method=method)
    assert res.certificate.verdict is Verdict.LOCAL_MAXIMUM
    assert res.llf - res.penalty > res.llnull + 10
    assert not res.certificate.curvature.upward


def test_symmetric_start_is_left(rng):
    x, y = draw_rows(rng)
    res = ml.networks.fit_network(fill(build(2, 3, 3), 0.1), x, y, l2=0.1, method="L-BFGS-B")
    units = res.params.to_numpy()[:6].reshape(3, 2)
    assert res.converged
    assert np.ptp(units, axis=0).max() > 0.1
    assert "saddle" in res.trace.stage


def test_saddle_that_is_not_left_is_called_one(rng, monkeypatch):
    monkeypatch.setattr("mlelogit.networks.optimization.ESCAPES", 0)
    x, y = draw_rows(rng)
    net = fill(build(2, 3, 3), 0.0)
    with pytest.warns(NotConvergedWarning, match="saddle point"):
        res = ml.networks.fit_network(net, x, y, l2=0.1, method="L-BFGS-B")
    assert not res.converged
    assert res.certificate.stationary
    assert "upwards in some direction" in str(res.certificate)


def test_exclusive_or_has_no_finite_maximum():
    with pytest.warns(NoFiniteMaximumWarning, match="l2=") as heard:
        res = ml.networks.fit_network(build(2, 3, 2), XOR, [0, 1, 1, 0])
    assert "held out" in str(heard[0].message)
    assert not res.converged
    assert res.certificate.verdict is Verdict.NO_FINITE_MAXIMUM
    check_ray(res)


def check_ray(res):
    """Really scale what the certificate says scales all scores."""
    likelihood, found = remake(res), res.certificate.recession
    point = res.record.maximum.params
    heights = [
        likelihood.evaluate(point + c * found.direction).loglike for c in (0, 0.5, 1, 3, 9, 99)
    ]
    assert heights[0] == pytest.approx(res.llf, rel=1e-9)
    assert (np.diff(heights) >= 0).all()
    assert heights[0] < heights[1] <= 0
    assert heights[-1] == pytest.approx(0.0, abs=1e-12)
    assert recession.find_margin(likelihood, point + found.direction) == pytest.approx(
        2 * found.margin
    )


def test_separated_digits_have_no_finite_maximum():
    data = pytest.importorskip("sklearn.datasets").load_digits()
    x, y = data.data[:300] / 16, data.target[:300]
    with pytest.warns(NoFiniteMaximumWarning, match="No finite maximum exists"):
        res = ml.networks.fit_network(build(64, 12, 10), x, y)
    check_ray(res)
    assert set(res.certificate.recession.names) == {"2.weight", "2.bias"}


def test_hidden_prior_leaves_a_way_to_infinity():
    with pytest.warns(NoFiniteMaximumWarning, match="not known"):
        res = ml.networks.fit_network(build(2, 3, 2), XOR, [0, 1, 1, 0], l2={"0.weight": 1e-3})
    assert res.certificate.verdict is Verdict.RUNAWAY
    assert not res.converged


def test_prior_makes_it_finite():
    res = ml.networks.fit_network(build(2, 3, 2), XOR, [0, 1, 1, 0], l2=0.01)
    assert res.converged
    assert res.certificate.verdict is Verdict.LOCAL_MAXIMUM
    assert res.certificate.recession is None


class Skip(torch.nn.Module):
    """Two layers whose scores add up: neither alone scales them."""

    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(2, 3), torch.nn.Linear(3, 2)
        self.past = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x))) + self.past(x)


def test_layers_side_by_side_are_scaled_together():
    torch.manual_seed(1)
    with pytest.warns(NoFiniteMaximumWarning):
        res = ml.networks.fit_network(Skip(), XOR, [0, 1, 1, 0])
    names = {name.partition(".")[0] for name in res.certificate.recession.names}
    assert names == {"second", "past"}
    check_ray(res)


def make_quasi_separated():
    x = np.arange(20.0)
    y = np.r_[np.zeros(8), [0, 1, 0, 1], np.ones(8)].astype(int)
    return np.column_stack([x % 4, x > 11]), y


def test_quasi_separation_is_decided_as_the_logit_does():
    x, y = make_quasi_separated()
    with pytest.warns(NoFiniteMaximumWarning, match="pairs of a row"):
        res = ml.networks.fit_network(torch.nn.Linear(2, 2), x, y)
    with pytest.warns(NoFiniteMaximumWarning):
        logit = ml.MNLogit(y, np.column_stack([np.ones(20), x])).fit()
    found = res.certificate
    assert found.verdict is Verdict.NO_FINITE_MAXIMUM
    assert (found.recession.separated, found.recession.pairs) == (
        logit.separation.separated,
        logit.separation.pairs,
    )
    assert found.bound.product >= 1
    likelihood, point = remake(res), res.record.maximum.params
    way = found.recession.direction / np.abs(found.recession.direction).max()
    heights = [likelihood.evaluate(point + c * way).loglike for c in (0, 1, 5, 25)]
    assert (np.diff(heights) >= -1e-12).all()
    assert heights[1] > heights[0]


def test_no_way_is_claimed_where_rows_overlap(rng):
    x, y = draw_rows(rng)
    likelihood = remake(ml.networks.fit_network(torch.nn.Linear(2, 3), x, y))
    everything = np.ones(9, dtype=bool)
    assert recession.find_recession(likelihood, np.zeros(9), everything) is None


def test_part_that_runs_off_is_no_maximum():
    x, y = make_quasi_separated()
    torch.manual_seed(2)
    prior = {name: 1.0 for name, _ in Skip().named_parameters() if not name.startswith("past")}
    with pytest.warns(NoFiniteMaximumWarning, match="whether a finite maximum exists elsewhere"):
        res = ml.networks.fit_network(Skip(), x, y, l2=prior)
    assert res.certificate.verdict is Verdict.RUNAWAY
    assert res.certificate.recession.separated >= 8
    likelihood, point = remake(res), res.record.maximum.params
    way = res.certificate.recession.direction
    way = way / np.abs(way).max()
    heights = [likelihood.evaluate(point + c * way).objective for c in (0, 1, 5, 25)]
    assert (np.diff(heights) >= -1e-9).all()
    assert heights[-1] > heights[0]


def test_stationarity_does_not_depend_on_units(rng):
    """With inputs in tiny units the gradient is next to nothing, wherever one stands."""
    x, y = draw_rows(rng)
    tiny = remake(ml.networks.fit_network(torch.nn.Linear(2, 3), x * 1e-9, y))
    point = np.zeros(9)
    point[6:] = np.log(np.bincount(y))
    judged = certify_network(tiny, point, tolerance=1e-6)
    assert judged.relative < 1e-6
    assert judged.gain > 1
    assert judged.verdict is Verdict.NOT_STATIONARY


def test_climb_stopped_early_is_not_stationary(rng):
    x, y = draw_rows(rng)
    with pytest.warns(NotConvergedWarning, match="Stopped at maxiter"):
        res = ml.networks.fit_network(build(2, 3, 3), x, y, maxiter=2)
    assert res.certificate.verdict is Verdict.NOT_STATIONARY
    assert not res.converged


def test_kinks_are_told(rng):
    x, y = draw_rows(rng)
    net = build(2, 3, 3, activation=torch.nn.ReLU)
    with pytest.warns(NotConvergedWarning, match="kink"):
        res = ml.networks.fit_network(net, x, y, l2=1.0, maxiter=3)
    assert "ReLU" in str(res.certificate)
    assert "kink" in res.certificate.tell_kinks()


def test_text_and_summary_say_the_same(rng):
    x, y = draw_rows(rng)
    res = ml.networks.fit_network(build(2, 3, 3), x, y, l2=0.1)
    text = str(res.certificate)
    assert repr(res.certificate) == text
    assert text.startswith("A local maximum as far as second derivatives tell")
    for line in text.splitlines()[:3]:
        assert line in str(res.summary())
    assert "<p>" in res.certificate._repr_html_()


def test_certificate_is_the_same_twice(rng):
    x, y = draw_rows(rng)
    net = fill(build(2, 3, 3), 0.0)
    one, two = (
        ml.networks.fit_network(net, x, y, l2=0.1, method="L-BFGS-B", disp=False) for _ in range(2)
    )
    assert str(one.certificate) == str(two.certificate)
    assert one.llf == two.llf


@pytest.mark.parametrize("overlap", [1e-7, 1e-10, 1e-12])
def test_rows_that_hardly_overlap_are_no_proof(overlap):
    """Rows that overlap by however little have a finite maximum; those that touch have none."""
    x = np.r_[np.linspace(-3, -1, 20), 0.0, -overlap, np.linspace(1, 3, 20)][:, np.newaxis]
    y = np.repeat([0, 1], 21)
    with hear_warnings():
        near = ml.networks.fit_network(torch.nn.Linear(1, 2), x, y)
        touching = ml.networks.fit_network(torch.nn.Linear(1, 2), np.where(x == -overlap, 0, x), y)
    assert near.certificate.verdict is Verdict.UNDECIDED
    assert touching.certificate.verdict is Verdict.NO_FINITE_MAXIMUM


class Clamped(torch.nn.Module):
    """Scores within bounds: a log-likelihood that has a maximum, or a plateau."""

    def __init__(self, bound):
        super().__init__()
        self.bound, self.linear = bound, torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.linear(x).clamp(-self.bound, self.bound)


@pytest.mark.parametrize("bound", [1e4, 1e7, 1e20])
def test_scores_within_bounds_do_not_rise_for_ever(rng, bound):
    x = rng.normal(size=(60, 2))
    with hear_warnings():
        res = ml.networks.fit_network(Clamped(bound), x, (x @ [1.0, 2.0] > 0).astype(int))
    assert res.certificate.verdict is not Verdict.NO_FINITE_MAXIMUM
    assert res.certificate.recession is None
    plain = ml.networks.fit_network(Clamped(bound), x, rng.integers(2, size=60))
    assert plain.certificate.verdict is Verdict.LOCAL_MAXIMUM
    assert plain.certificate.kinks == ("clamp",)


class Beside(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.past, self.first = torch.nn.Linear(1, 2), torch.nn.Linear(1, 3)
        self.second = torch.nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return self.past(x[:, :1]) + self.second(torch.tanh(self.first(x[:, 1:])))


@pytest.mark.parametrize("size", [1e-7, 1e-3, 1.0, 1e5, 1e7])
def test_saddle_is_one_in_any_units(size):
    rng = np.random.default_rng(1)
    z, b = rng.normal(size=(2, 400))
    y = (rng.random(400) < 1 / (1 + np.exp(-(z + b / 2)))).astype(int)
    constant, slope = (
        ml.MNLogit(y, np.column_stack([np.ones(400), z])).fit().params.to_numpy()[:, 0]
    )
    net = fill(Beside().double(), 0.0)
    with torch.no_grad():
        net.past.weight[1, 0], net.past.bias[1] = slope, constant
    likelihood = make_likelihood(net, np.column_stack([z, b * size]), y)
    found = certify_network(likelihood, likelihood.network.read_params(), 1e-6)
    assert found.relative < 1e-12
    assert found.verdict is Verdict.SADDLE_POINT
    assert found.curvature.rise > 1


def test_hidden_curvature_is_within_its_bound(rng):
    """Kuczyński and Woźniakowski's theorem, on matrices whose ends are hard to see."""
    size, made = 300, 60
    values = np.concatenate([[-0.02], np.linspace(0, 1, size - 1) ** 4 * 30])
    part = (np.log(1.648 * np.sqrt(size) / 5e-7) / (2 * made - 1)) ** 2
    assert curvature.bound_hidden(size, 30.0, made) == pytest.approx(part * 30 / (1 - 2 * part))
    assert curvature.bound_hidden(size, 30.0, size) == 0
    assert curvature.bound_hidden(size, 30.0, 8) == np.inf
    q = np.linalg.qr(rng.normal(size=(size, size)))[0]
    matrix = (q * values) @ q.T
    for _ in range(5):
        ritz, _, _ = curvature.run_lanczos(lambda v: matrix @ v, rng.normal(size=size), made)
        assert ritz[0] - values[0] <= curvature.bound_hidden(size, ritz[-1] - ritz[0], made)


def test_products_that_run_out_leave_something_hidden(rng, monkeypatch):
    monkeypatch.setattr(curvature, "SMALL_NETWORK", 0)
    likelihood = make_likelihood(build(2, 9, 3), *draw_rows(rng), l2=0.5)
    shape = curvature.LocalShape(likelihood, likelihood.network.read_params())
    assert shape.find_extremes(40).hidden > 0
    assert shape.find_extremes(1000).hidden == 0


def test_functions_that_jump_are_seen_in_the_graph(rng):
    x, y = draw_rows(rng)

    def list_of(function):
        return pieces.list_kinks(make_likelihood(Wrapped(2, 3, lambda u, _: function(u)), x, y))

    assert list_of(torch.nn.functional.relu) == ("ReLU",)
    assert list_of(lambda u: u.abs() + u.clamp(-1, 1)) == ("abs", "clamp")
    assert list_of(torch.nn.functional.selu) == ("ELU",)
    assert list_of(torch.nn.functional.elu) == ()
    assert list_of(torch.tanh) == ()


def test_units_that_are_zero_for_all_rows_are_told(rng):
    x, y = draw_rows(rng)
    net = build(2, 3, 3, activation=torch.nn.ReLU)
    with torch.no_grad():
        net[0].bias.fill_(-50.0)
    with pytest.warns(NetworkWarning, match="no score of any row depends on '0.weight', '0.bias'"):
        res = ml.networks.fit_network(net, x, y)
    assert res.certificate.idle == ("0.weight", "0.bias", "2.weight")
    assert res.llf == pytest.approx(res.llnull, abs=1e-8)


def test_tolerance_governs_the_promised_gain(rng):
    x, y = draw_rows(rng)
    loose = ml.networks.fit_network(build(2, 3, 3), x, y, l2=0.1, tol=1e-2)
    tight = ml.networks.fit_network(build(2, 3, 3), x, y, l2=0.1, tol=1e-9)
    assert loose.converged
    assert tight.converged
    assert loose.certificate.gain <= 1.0
    assert tight.certificate.gain <= 1e-7
    assert tight.certificate.relative <= 1e-9
    point = loose.trace.params[2]
    likelihood = NetworkLikelihood(loose.record.network, loose.record.rows, loose.record.precisions)
    asked = [certify_network(likelihood, point, tolerance) for tolerance in (1e3, 1e-9)]
    assert [found.stationary for found in asked] == [True, False]


class Gained(torch.nn.Module):
    """A scale without a prior makes up for weights that shrink: no maximum is attained."""

    def __init__(self):
        super().__init__()
        self.linear, self.gain = torch.nn.Linear(3, 3), torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        return self.linear(x) * torch.exp(self.gain)


def test_prior_that_is_escaped_ends_the_climb(rng):
    x, y = rng.normal(size=(150, 3)), rng.integers(3, size=150)
    with pytest.warns(ml.exceptions.MNLogitWarning, match="gain"):
        res = ml.networks.fit_network(Gained(), x, y, l2=1.0)
    assert not res.converged
    assert res.record.maximum.iterations <= 1000


def test_way_along_which_curvature_fades_is_no_maximum():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(150, 3)), rng.integers(3, size=150)
    with pytest.warns(ml.exceptions.MNLogitWarning):
        res = ml.networks.fit_network(build(3, 4, 3), x, y)
    assert not res.converged
    assert res.record.maximum.iterations <= 2000


@pytest.mark.parametrize("activation", [torch.nn.ReLU, torch.nn.LeakyReLU, torch.nn.Hardtanh])
@pytest.mark.filterwarnings("ignore::mlelogit.exceptions.NotConvergedWarning")
def test_kinks_beside_a_prior_are_no_way_to_infinity(rng, activation):
    """Every weight has a prior, and biases cannot outgrow it: there is a maximum."""
    x, y = rng.standard_normal((150, 3)), rng.integers(3, size=150)
    for seed in range(3):
        torch.manual_seed(seed)
        net = build(3, 4, 3, activation=activation)
        res = ml.networks.fit_network(net, x, y, l2=1.0)
        assert res.certificate.verdict in (Verdict.NOT_STATIONARY, Verdict.LOCAL_MAXIMUM)
        assert res.record.maximum.iterations < 2000

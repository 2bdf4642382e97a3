"""verify() of a network: the identity at many points, who climbs as high, and who is called off."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from mpmath import mp

import mlelogit as ml
from mlelogit.exceptions import MNLogitWarning, NotConvergedWarning, OptionError
from mlelogit.networks.proof import agreement, descents, identity, trainings
from mlelogit.networks.proof.descents import Arrival, judge_arrival, judge_ours
from mlelogit.networks.proof.identity import EPS, Values
from mlelogit.networks.proof.points import SPREADS, Point, choose_points
from mlelogit.networks.proof.verification import NetworkVerification

torch = pytest.importorskip("torch")
sklearn_datasets = pytest.importorskip("sklearn.datasets")
sklearn_metrics = pytest.importorskip("sklearn.metrics")
nn = torch.nn
fit_network = ml.networks.fit_network

FORMS = ["minus_loglike", "cross_entropy", "torch", "sklearn", "fit"]
ON_PATH = ["start", "iterate", "answer"]


@pytest.fixture(autouse=True, scope="module")
def one_torch_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_linear(inputs, outputs, seed=0, bias=True):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Linear(inputs, outputs, bias=bias)


def make_network(inputs, hidden, outputs, seed=0):
    layers = make_linear(inputs, hidden, seed), make_linear(hidden, outputs, seed + 1)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1])


def load_iris():
    x, y = sklearn_datasets.load_iris(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def load_digits(rows=150):
    x, y = sklearn_datasets.load_digits(return_X_y=True)
    return x[:rows] / 16, y[:rows]


def make_outcome(kind, y):
    rng = np.random.default_rng(3)
    whole = np.eye(int(y.max()) + 1)[y]
    if kind == "counts":
        return whole * 2 + rng.integers(0, 2, whole.shape)
    if kind == "probabilities":
        return 0.7 * whole + 0.3 * rng.dirichlet(np.ones(whole.shape[1]), len(whole))
    return y


def make_weights(weight_type, rows):
    rng = np.random.default_rng(4)
    if weight_type is None:
        return None
    return rng.integers(1, 4, rows) if weight_type == "frequency" else rng.uniform(0.5, 2, rows)


@pytest.fixture(scope="module")
def res():
    x, y = load_iris()
    return fit_network(make_network(4, 2, 3), x, y, l2=1.0, method="L-BFGS-B", tol=1e-10)


@pytest.fixture(scope="module")
def found(res):
    return res.verify(engines=["LBFGS", "Adam"])


CASES = [
    ("iris", "labels", None),
    ("iris", "labels", "frequency"),
    ("iris", "labels", "sampling"),
    ("iris", "counts", None),
    ("iris", "counts", "importance"),
    ("iris", "probabilities", None),
    ("iris", "probabilities", "sampling"),
    ("digits", "labels", None),
    ("digits", "probabilities", "importance"),
]


@pytest.mark.parametrize(("data", "kind", "weight_type"), CASES)
def test_identity_holds_at_twenty_iterates_and_at_random_points(data, kind, weight_type):
    x, y = load_iris() if data == "iris" else load_digits()
    net = make_network(x.shape[1], 4, int(y.max()) + 1)
    weights = make_weights(weight_type, len(y))
    fitted = fit_network(
        net,
        x,
        make_outcome(kind, y),
        weights=weights,
        weight_type=weight_type,
        l2=0.1,
        method="L-BFGS-B",
    )
    verified = fitted.verify(engines=[])
    frame = verified.identity
    assert frame["kind"].isin(ON_PATH).sum() >= 20
    assert list(frame["kind"].iloc[[0, -len(SPREADS) - 1]]) == ["start", "answer"]
    assert (frame["kind"] == "random").sum() == len(SPREADS)
    assert verified.holds
    assert set(frame["verdict"]) == {"agrees"}
    assert (frame["difference"] <= frame["tolerance"]).all()
    asked = frame["not_run"] == ""
    assert asked.sum() >= 20
    assert frame.loc[asked, FORMS].notna().all(axis=None)
    assert frame.loc[~asked, "not_run"].str.match(r"scikit-learn: clips \d+ rows").all()
    assert frame.loc[~asked, "sklearn"].isna().all()
    assert frame["largest_score"].max() > 1e3
    assert abs(frame["fit"].iloc[-len(SPREADS) - 1] + fitted.llf) <= 1e-12 * abs(fitted.llf)


def test_tolerances_are_those_of_rounding(found):
    frame = found.identity
    # n = 150 rows of J = 3: some (n + J) units of rounding, and for scores of 1 to 10 some tens.
    assert (frame["tolerance"] < 2000 * EPS * 150 / np.minimum(frame["fit"], 150)).all()


def sum_in_fifty_digits(u, d, weights):
    with mp.workdps(50):
        total = mp.mpf(0)
        for row, target, weight in zip(u, d, weights, strict=True):
            powers = [mp.exp(mp.mpf(float(score))) for score in row]
            whole = mp.fsum(powers)
            product = mp.mpf(1)
            for power, share in zip(powers, target, strict=True):
                product *= (power / whole) ** mp.mpf(float(share))
            total -= mp.mpf(float(weight)) * mp.log(product)
        return float(total)


@pytest.mark.parametrize("kind", ["labels", "counts", "probabilities"])
@pytest.mark.parametrize("spread", [0.1, 10.0, 1e3, 1e4])
def test_every_form_is_that_of_fifty_digits(kind, spread):
    x, y = load_iris()
    x, y = x[::5], y[::5]
    weights = make_weights("importance", len(y))
    fitted = fit_network(
        make_linear(4, 3),
        x,
        make_outcome(kind, y),
        weights=weights,
        weight_type="importance",
        l2=1.0,
    )
    rng = np.random.default_rng(1)
    network, rows = fitted.record.network, fitted.record.rows
    params = spread * rng.standard_normal(network.size)
    values = identity.measure_identity(network.duplicate(params), rows, params)
    u = x @ params[:12].reshape(3, 4).T + params[12:]
    d = rows.targets(slice(0, len(y)))
    truth = sum_in_fifty_digits(u, d, weights)
    for value in (values.likelihood, values.entropy, values.torch):
        assert abs(value - truth) <= values.rounding
    assert values.rounding < 1e-11 * max(truth, 1)
    assert (values.in_logs > 0) == (spread >= 1e3)


def test_scores_that_overflow_are_undecided(res):
    record, params = res.record, np.full(res.record.network.size, 1e308)
    module = nn.Sequential(*record.network.module, make_linear(3, 3))
    network = replace(record.network, module=module)
    module[3].double().requires_grad_(False).weight.fill_(1e10)
    points = [Point("random", "large", params), choose_points(record, 1, 0)[0]]
    frame = agreement.tabulate_identity(replace(record, network=network), points)
    assert frame["verdict"].iloc[0] == "undecided: scores are not finite"
    verified = NetworkVerification(frame.iloc[:1], res.verify([], 1).descents, "", 0)
    assert not verified.holds
    assert not verified.differs
    assert "the identity holds at 0 of 1 points" in str(verified)


@pytest.mark.parametrize("block_rows", [7, 37])
def test_rows_in_blocks_are_summed(block_rows):
    x, y = load_iris()
    rows = slice(20, 120)
    fitted = fit_network(
        make_linear(4, 3), x[rows], y[rows], l2=1.0, block_rows=block_rows, method="L-BFGS-B"
    )
    verified = fitted.verify(engines="LBFGS", points=3)
    assert verified.agrees
    values = identity.measure_identity(
        fitted.record.network, fitted.record.rows, fitted.record.maximum.params
    )
    assert abs(values.likelihood + fitted.llf) <= values.rounding


def test_a_short_climb_is_filled_up_and_says_so():
    x, y = load_iris()
    fitted = fit_network(make_linear(4, 3), x, y, l2=1.0)
    verified = fitted.verify(engines=[], points=23)
    kinds = verified.identity["kind"].value_counts()
    recorded = len(fitted.trace.loglike)
    assert recorded < 20
    assert kinds["between iterates"] == 23 - recorded
    assert verified.holds
    said = f"{recorded} recorded on the path, {23 - recorded} between them, as the path is short"
    assert said in str(verified)
    params = [point.params for point in choose_points(fitted.record, 23, 0)]
    assert len(np.unique(params, axis=0)) == len(params)


def corrupt_codes(record):
    outcome = record.rows.design.outcome
    codes = np.roll(outcome.codes, 1)
    design = replace(record.rows.design, outcome=replace(outcome, codes=codes))
    return replace(record, rows=replace(record.rows, design=design))


def change_trace(record, **changes):
    trace = replace(record.maximum.trace, **changes)
    return replace(record, maximum=replace(record.maximum, trace=trace))


def verdicts(record):
    points = len(record.maximum.trace.loglike)
    frame = agreement.tabulate_identity(record, choose_points(record, points, 0))
    return frame[frame["kind"].isin(ON_PATH)]["verdict"]


def test_targets_in_another_order_are_off_at_every_iterate(res):
    said = verdicts(corrupt_codes(res.record))
    assert len(said) >= 20
    assert said.str.startswith("OFF: the fit's own value is").all()


def test_other_scores_are_off_at_every_iterate(res):
    network = res.record.network
    module = nn.Sequential(*network.module, nn.Softshrink(1e-9))
    said = verdicts(replace(res.record, network=replace(network, module=module)))
    assert said.str.startswith("OFF: the fit's own value is").all()


def test_a_changed_parameter_is_off_where_it_was_changed(res):
    params = np.array(res.trace.params)
    params[3, 2] *= 1 + 1e-8
    said = verdicts(change_trace(res.record, params=params))
    assert said[3].startswith("OFF: the fit's own value is")
    assert (said.drop(3) == "agrees").all()


def test_a_changed_value_is_off_where_it_was_changed(res):
    loglike = np.array(res.trace.loglike)
    loglike[5] *= 1 + 1e-11
    said = verdicts(change_trace(res.record, loglike=loglike))
    assert said[5].startswith("OFF: the fit's own value is")
    assert (said.drop(5) == "agrees").all()


MUTATIONS = {
    "torch's cross_entropy": lambda patch: patch.setattr(
        torch.nn.functional,
        "cross_entropy",
        lambda scores, target, reduction, f=torch.nn.functional.cross_entropy: f(
            scores * (1 + 1e-11), target, reduction=reduction
        ),
    ),
    "scikit-learn's log_loss": lambda patch: patch.setattr(
        sklearn_metrics,
        "log_loss",
        lambda *given, f=sklearn_metrics.log_loss, **more: f(*given, **more) * (1 - 1e-11),
    ),
    "the cross-entropy E(w)": lambda patch: patch.setattr(
        identity, "log_softmax", lambda u, f=identity.log_softmax: f(u * (1 - 1e-11))
    ),
    "the product of probabilities": lambda patch: patch.setattr(
        identity, "softmax", lambda u, f=identity.softmax: f(u) * (1 - 1e-11)
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_form_that_is_off_is_named(res, monkeypatch, name):
    MUTATIONS[name](monkeypatch)
    said = verdicts(res.record)
    off = said.str.startswith(f"OFF: {name} is")
    assert off.sum() >= 15
    assert (said[~off] == "agrees").all() or name == "the product of probabilities"


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize(("units", "off"), [(0.9, False), (-0.9, False), (1.1, True), (-1.1, True)])
def test_a_form_is_off_beyond_the_rounding_alone(place, units, off):
    rounding = 1e-12
    given = [10.0] * 5
    given[place] += units * rounding
    values = Values(*given[:4], rounding, 1.0, 0, 0)
    said = agreement.judge_identity(values, given[4], rounding)["verdict"]
    name = list(agreement.WAYS.values())[place]
    assert said.startswith(f"OFF: {name} is") if off else said == "agrees"


@pytest.mark.parametrize("place", [0, 1, 2, 4])
def test_a_form_that_is_no_number_is_off(place):
    given = [10.0] * 5
    given[place] = np.inf
    values = Values(*given[:4], 1e-12, 1.0, 0, 0)
    said = agreement.judge_identity(values, given[4], 1e-12)["verdict"]
    assert said.startswith("OFF: ")


def test_training_reaches_the_same_value_from_the_same_start(res, found):
    frame = found.descents
    assert list(frame["verdict"]) == ["agrees"] * 3
    objective = frame["loglike"] - frame["penalty"]
    assert np.ptp(objective) <= 1e-8 * abs(objective.iloc[0])
    assert frame.loc["torch.optim.LBFGS", "gradient"] < 1e-8
    assert found.agrees
    assert "all engines that were run agree (2 of 2)" in str(found)
    assert not found.differs


@pytest.mark.parametrize(
    ("kind", "weight_type"), [("counts", "frequency"), ("probabilities", None)]
)
def test_training_agrees_for_other_outcomes_and_weights(kind, weight_type):
    x, y = load_iris()
    weights = make_weights(weight_type, len(y))
    fitted = fit_network(
        make_network(4, 2, 3, seed=1),
        x,
        make_outcome(kind, y),
        weights=weights,
        weight_type=weight_type,
        l2=1.0,
        tol=1e-9,
    )
    said = fitted.verify(engines="LBFGS").descents["verdict"]
    assert list(said) == ["agrees", "agrees"]


@pytest.mark.parametrize("seed", range(1, 4))
def test_lbfgs_reaches_the_same_value_from_other_starts(seed):
    x, y = load_iris()
    fitted = fit_network(make_network(4, 2, 3, seed), x, y, l2=1.0, tol=1e-9)
    assert fitted.verify(engines="LBFGS", points=1).agrees


def test_another_maximum_is_told():
    x, y = load_iris()
    fitted = fit_network(make_network(4, 3, 3), x, y, l2=1.0, method="L-BFGS-B", tol=1e-9)
    better = fit_network(make_network(4, 3, 3), x, y, l2=1.0, starts=6, tol=1e-9)
    gap = (better.llf - better.penalty) - (fitted.llf - fitted.penalty)
    assert gap > 0.1
    # The lower one's summit, reached from the higher one's start, and the other way round.
    for own, start, sign in ((fitted, better, "higher"), (better, fitted, "lower")):
        trace = replace(own.trace, params=np.array([start.params, *own.trace.params[1:]]))
        record = replace(own.record, maximum=replace(own.record.maximum, trace=trace))
        ours, other = descents.run_descents(record, ["LBFGS"])["verdict"]
        assert other == f"another stationary point, {sign} by {gap:.3g}"
        told = f"lower than torch.optim.LBFGS by {gap:.3g}"
        assert ours == (told if sign == "higher" else "agrees")


def test_training_starts_where_the_fit_did():
    x, y = load_iris()
    net = make_network(4, 3, 3).double()
    fitted = fit_network(net, x, y, l2=1.0)
    own = np.concatenate([piece.detach().numpy().ravel() for piece in net.parameters()])
    start = trainings.Training(fitted.record).network.read_params()
    assert np.array_equal(start, own)
    assert np.array_equal(choose_points(fitted.record, 20, 0)[0].params, own)


def test_the_loss_that_is_trained_is_minus_what_is_climbed(res):
    training = trainings.Training(res.record)
    loss = float(training.evaluate(torch))
    assert abs(loss + res.trace.loglike[0]) < 1e-12 * loss
    assert abs(training.gradient / res.trace.score_norm[0] - 1) < 1e-12


def test_a_rival_that_is_higher_is_not_hidden():
    x, y = load_iris()
    with pytest.warns(MNLogitWarning, match="maxiter"):
        fitted = fit_network(make_network(4, 3, 3), x, y, l2=1.0, maxiter=2)
    verified = fitted.verify(engines="LBFGS")
    ours, other = verified.descents["verdict"]
    assert ours.startswith("not arrived: gradient norm")
    assert "lower than torch.optim.LBFGS by" in ours
    assert other.startswith("another stationary point, higher by")
    assert verified.holds
    assert not verified.agrees
    assert "NOT all agree" in str(verified)


def test_training_that_has_not_arrived_says_so(res, monkeypatch):
    monkeypatch.setattr(trainings, "ADAM_STEPS", 20)
    said = res.verify(engines="Adam").descents["verdict"]
    assert said.iloc[0] == "agrees"
    assert said.iloc[1].startswith("not arrived: gradient norm")
    assert "lower by" in said.iloc[1]


def arrive(loglike=-10.0, gradient=1e-9, penalty=1.0, separates=False, name="x", entropy=None):
    entropy = -loglike if entropy is None else entropy
    return Arrival(name, loglike, entropy, penalty, gradient, 5, 1e-12, separates)


JUDGED = [
    (arrive(), "agrees"),
    (arrive(-10 - 1e-7), "agrees"),
    (arrive(-10 - 1e-7, gradient=1.0), "agrees"),
    (arrive(-10 - 2e-7), "another stationary point, lower by 2e-07"),
    (arrive(-10 + 2e-7), "another stationary point, higher by 2e-07"),
    (arrive(-10, penalty=2.0), "another stationary point, lower by 1"),
    (arrive(-11, 1e-3), "not arrived: gradient norm 0.001 per observation, lower by 1"),
    (arrive(-9, 1e-3), "not arrived: gradient norm 0.001 per observation, higher by 1"),
    (arrive(np.nan), "OFF: its log-likelihood is not finite"),
    (arrive(entropy=10.1), "OFF: its cross-entropy is 10.1, not 10"),
    (arrive(-1, separates=True), "undecided: rises towards 0: no finite maximum, higher by 9"),
]


@pytest.mark.parametrize(("answer", "verdict"), JUDGED)
def test_verdicts_on_arrivals(answer, verdict):
    assert judge_arrival(answer, arrive(), 1e-6) == verdict


def test_verdicts_where_this_fit_rises_without_end():
    ours = replace(arrive(), endless=True)
    ends = "undecided: this fit rises without end"
    assert judge_ours(ours, [], 1e-6) == f"{ends}: no maximum"
    assert judge_ours(ours, [arrive(-9)], 1e-6) == f"{ends}: no maximum, lower than x by 1"
    assert judge_arrival(arrive(), ours, 1e-6) == f"{ends}, the value is the same"
    assert judge_arrival(arrive(-9), ours, 1e-6) == f"{ends}, higher by 1"


def test_a_category_absent_from_some_rows_is_undecided():
    x, y = simulate(3)
    group = np.repeat([0.0, 1.0], 150)
    y[(group == 1) & (y == 2)] = 0
    with pytest.warns(MNLogitWarning):
        fitted = fit_network(make_linear(4, 3), np.column_stack([x, group]), y)
    verified = fitted.verify(engines=["LBFGS", "MNLogit"], points=1)
    assert verified.descents["verdict"].str.startswith("undecided: ").all()
    assert verified.holds
    assert not verified.agrees
    assert "some are undecided" in str(verified)


def test_verdicts_on_this_fit():
    higher, highest = arrive(-9, name="one"), arrive(-8, name="two")
    assert judge_ours(arrive(), [], 1e-6) == "agrees"
    assert judge_ours(arrive(), [arrive(-11), arrive(-10 + 1e-8)], 1e-6) == "agrees"
    assert judge_ours(arrive(), [higher, highest], 1e-6) == "lower than two by 2"
    assert judge_ours(arrive(gradient=1), [], 1e-6).startswith("not arrived: gradient norm 1 ")
    assert judge_ours(arrive(entropy=11), [], 1e-6).startswith("OFF: its cross-entropy is 11")


def test_separated_rows_have_no_maximum_to_agree_on():
    x, y = load_iris()
    keep = y < 2
    with pytest.warns(MNLogitWarning):
        fitted = fit_network(make_linear(4, 2), x[keep], y[keep], maxiter=8)
    verified = fitted.verify(engines=["LBFGS", "MNLogit"])
    ours, other, logit = verified.descents["verdict"]
    assert ours == "undecided: rises towards 0: no finite maximum"
    assert other == "undecided: both rise towards 0: no finite maximum"
    assert logit.startswith("undecided: the data are separated")
    assert verified.holds
    assert not verified.agrees
    assert not verified.differs
    assert "(2 of 2) some are undecided" in str(verified)
    unasked = fitted.verify(points=1).descents["verdict"]
    assert unasked["mlelogit.MNLogit"].startswith("not run: the data are separated")


def test_bounded_scores_do_not_rise_without_end():
    x, y = load_iris()
    keep = y < 2
    net = nn.Sequential(make_linear(4, 2, bias=False), nn.Tanh())
    record = fit_network(make_linear(4, 2), x[keep], y[keep], l2=1.0).record
    free = replace(record, precisions=np.zeros_like(record.precisions))
    assert descents.rises_without_end(free, record.maximum.params)
    assert not descents.rises_without_end(record, record.maximum.params)
    with pytest.warns(MNLogitWarning):
        bounded = fit_network(net, x[keep], y[keep], maxiter=5).record
    assert not descents.rises_without_end(bounded, bounded.maximum.params)


def load_anes(outcome):
    anes = ml.datasets.load_anes96()
    return anes[["age", "educ", "income"]], anes[outcome]


def simulate(categories):
    rng = np.random.default_rng(categories)
    x = rng.normal(size=(300, 3)) * [1, 10, 0.1]
    scores = x / [1, 10, 0.1] @ rng.normal(size=(3, categories)) + rng.gumbel(
        size=(300, categories)
    )
    return x, scores.argmax(axis=1)


LOGITS = [
    *[("simulated", j, "labels", None, True) for j in range(2, 8)],
    ("simulated", 2, "labels", None, False),
    ("simulated", 4, "counts", "frequency", True),
    ("simulated", 4, "counts", "frequency", False),
    ("simulated", 3, "probabilities", "importance", True),
    ("simulated", 5, "labels", "sampling", False),
    ("anes", "vote", "labels", None, True),
    ("anes", "PID", "labels", "frequency", True),
    ("iris", None, "labels", None, True),
    ("iris", None, "labels", "importance", False),
]


@pytest.mark.parametrize(("data", "which", "kind", "weight_type", "bias"), LOGITS)
def test_no_hidden_layer_is_mnlogit(data, which, kind, weight_type, bias):
    if data == "simulated":
        x, y = simulate(which)
        y = make_outcome(kind, y)
        count = which
    elif data == "anes":
        x, y = load_anes(which)
        count = y.nunique()
    else:
        x, y = load_iris()
        x, count = x[:, 1:2], 3
    weights = make_weights(weight_type, len(y))
    fitted = fit_network(
        make_linear(np.shape(x)[1], count, bias=bias),
        x,
        y,
        weights=weights,
        weight_type=weight_type,
    )
    row = fitted.verify(engines="MNLogit", points=1).descents.loc["mlelogit.MNLogit"]
    assert row["verdict"] == "agrees"
    assert row["coef_diff"] < 1e-9
    assert abs(row["loglike"] - fitted.llf) < 1e-11 * abs(fitted.llf)
    columns = np.column_stack([np.ones(len(x)), x]) if bias else np.asarray(x)
    own = ml.MNLogit(y, columns, weights=weights, weight_type=weight_type).fit()
    assert abs(row["loglike"] - own.llf) < 1e-11 * abs(own.llf)


def test_another_answer_than_mnlogits_is_off():
    x, y = load_anes("vote")
    record = fit_network(make_linear(3, 2), x / 10, y).record
    params = np.array(record.maximum.params)
    params[0] += 0.01
    moved = replace(record, maximum=replace(record.maximum, params=params))
    frame = descents.run_descents(moved, ["MNLogit"])
    verdict = frame.loc["mlelogit.MNLogit", "verdict"]
    assert verdict.startswith("OFF: this fit's coefficients differ by")
    assert frame.iloc[0]["verdict"].startswith("OFF: its cross-entropy is")


def test_columns_that_repeat_others_are_left_out_of_the_comparison():
    x, y = load_anes("PID")
    twice = x.assign(months=12 * x["age"] + 3)
    row = fit_network(make_linear(4, 7), twice / 10, y).verify(engines="MNLogit").descents.iloc[1]
    assert row["verdict"] == "agrees"
    assert row["coef_diff"] < 1e-6


def test_networks_that_are_no_logit_say_why():
    x, y = load_iris()
    hidden = fit_network(make_network(4, 2, 3), x, y, l2=1.0)
    said = hidden.verify(engines="MNLogit").descents["verdict"].iloc[1]
    assert said == "not run: MNLogit has no prior, and this fit has one"
    free = replace(hidden.record, precisions=np.zeros(hidden.record.network.size))
    said = descents.run_descents(free, ["MNLogit"])["verdict"].iloc[1]
    assert said.startswith("not run: the network is no multinomial logit: its log-odds are not")


def test_scikit_learn_absent_is_said(res, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    frame = res.verify(engines=[]).identity
    assert set(frame["not_run"]) == {"scikit-learn: not installed (extra: sklearn)"}
    assert frame["sklearn"].isna().all()
    assert set(frame["verdict"]) == {"agrees"}


def test_a_seed_gives_the_same_points_again(res):
    one, same, other = (res.verify(engines="LBFGS", points=5, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.identity, same.identity)
    pd.testing.assert_frame_equal(one.descents, same.descents)
    drawn = one.identity["kind"] == "random"
    assert (one.identity["fit"] != other.identity["fit"])[drawn].all()
    assert one.seed == 3


def read_state():
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.is_inference_mode_enabled(),
        torch.random.get_rng_state().tolist(),
        np.geterr(),
    )


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_what_the_user_has_set_stays(res, around):
    params = res.params.copy()
    own = {name: piece.clone() for name, piece in res.record.network.module.named_parameters()}
    with around():
        before = read_state()
        verified = res.verify(engines=["LBFGS", "MNLogit"], points=2)
        assert read_state() == before
    assert verified.agrees
    pd.testing.assert_series_equal(res.params, params)
    for name, piece in res.record.network.module.named_parameters():
        assert torch.equal(piece, own[name])
        assert piece.grad is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"engines": "SGD"},
        {"engines": ["LBFGS", 3]},
        {"points": 0},
        {"points": 2.5},
        {"seed": -1},
        {"seed": "a"},
    ],
)
def test_wrong_arguments_are_refused(res, wrong):
    with pytest.raises(OptionError):
        res.verify(**wrong)


def test_slow_engines_are_left_out_unless_asked_for(res, monkeypatch):
    monkeypatch.setattr(descents, "time_evaluation", lambda _: 1.0)
    said = res.verify(points=1).descents["verdict"]
    for engine in ("LBFGS", "Adam"):
        told = said[f"torch.optim.{engine}"]
        assert told.startswith(f"not run: about {trainings.EVALUATIONS[engine]} s; ")
        assert f"engines='{engine}' runs it all the same" in told
    assert res.verify(engines="LBFGS", points=1).descents["verdict"].iloc[1] == "agrees"


def test_a_peer_that_fails_is_told(res, monkeypatch):
    def fail(*_):
        raise RuntimeError("no luck\nat all")

    monkeypatch.setitem(trainings.TRAININGS, "LBFGS", fail)
    said = res.verify(engines="LBFGS", points=1)
    assert said.descents["verdict"].iloc[1] == "not run: failed with RuntimeError: no luck"
    assert not said.agrees


def test_targets_are_shown():
    x, y = load_digits(100)
    names = np.array(["zero", "one", "two", "three", "four", *"56789"])
    categories = pd.Categorical(names[y], names)
    said = str(fit_network(make_linear(64, 10), x, categories, l2=1.0).verify(engines=[], points=1))
    assert "category 'three' of the 10 is [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]." in said


def test_counts_are_their_own_targets():
    x, y = load_iris()
    d = make_outcome("counts", y)
    said = str(fit_network(make_linear(4, 3), x, d, l2=1.0).verify(engines=[], points=1))
    first = ", ".join(f"{value:g}" for value in d[0])
    assert f"Targets d are the counts themselves: the first row is [{first}]." in said


def test_it_shows_as_text_and_in_a_notebook(found):
    text, html = str(found), found._repr_html_()
    for words in ("-log L = E(w) at every point", "From the same start", "torch.optim.LBFGS"):
        assert words in text
        assert words in html
    assert repr(found) == text
    assert "the identity holds at all" in html


@pytest.mark.parametrize("points", [0, 10**9, 2.5])
def test_points_have_bounds(res, points):
    with pytest.raises(OptionError, match="points"):
        res.verify(points=points)


class Bent(torch.nn.Module):
    """A logit of an input's positive part."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(1, 2)

    def forward(self, rows):
        return self.last(torch.relu(rows))


def test_inputs_that_bend_in_some_rows_are_no_logit():
    """Sorted, so that the first rows see nothing of the bend; in all rows but one they do not."""
    z = np.sort(np.random.default_rng(0).standard_normal(300))[::-1].copy()
    y = (np.random.default_rng(1).random(300) < 1 / (1 + np.exp(-z))).astype(int)
    positive = np.where(np.arange(300) == 17, -1.0, np.abs(z))
    for rows in (z, positive):
        descents = fit_network(Bent(), rows[:, np.newaxis], y).verify(engines="MNLogit").descents
        verdict = descents.loc["mlelogit.MNLogit", "verdict"]
        assert "not affine in the inputs" in verdict


def test_a_fit_that_has_not_arrived_is_not_off():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(60, 3)), rng.integers(3, size=60)
    with pytest.warns(NotConvergedWarning):
        res = fit_network(make_linear(3, 3), x, y, maxiter=2, method="CG")
    found = res.verify(engines="MNLogit")
    verdict = found.descents.loc["mlelogit.MNLogit", "verdict"]
    assert verdict.startswith("this fit has not arrived: gradient norm")
    assert not found.differs
    assert not found.agrees

"""Networks beside outcomes: as MNLogit's own and scikit-learn's of the same probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, confusion_matrix, log_loss, roc_auc_score

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    EmptyDataError,
    InfiniteValueError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    MNLogitWarning,
    NetworkError,
    OptionError,
    OutcomeError,
    ParamsError,
    UnseenLevelError,
    WeightError,
    WeightTypeError,
)
from mlelogit.interpretation.performance.recalibration import measure_drift
from mlelogit.networks.judging import explain_network_departure, judge_network
from tests.interpretation.performance.judging import judge_all, measure_gap
from tests.networks.fits import COLUMNS, fit_pair, hidden, make_network, pair, scaled

torch = pytest.importorskip("torch")


def new_rows():
    return scaled().iloc[1::2]


def add_constant(frame):
    return frame[COLUMNS].assign(const=1.0)


def compare(linear, network, new=None, **given):
    """Return the largest difference between what is said of the same probabilities."""
    if new is None:
        return measure_gap(judge_all(linear), judge_all(network))
    own = judge_all(linear, newdata=add_constant(new), **given)
    return measure_gap(own, judge_all(network, newdata=new[COLUMNS], **given))


def test_without_a_hidden_layer_all_is_as_of_mnlogit():
    linear, network = pair()
    assert compare(linear, network) < 1e-8
    assert compare(linear, network, new_rows(), outcome=new_rows()["party"]) < 1e-8


def test_notes_and_headings_are_those_of_mnlogit():
    linear, network = pair()
    for one, other in (
        (linear.calibration(), network.calibration()),
        (linear.classification(), network.classification()),
        (linear.scores(), network.scores()),
    ):
        assert one.notes == other.notes
        assert one.rows == other.rows
        assert other.own
        assert one.title in str(other)


def test_with_a_hidden_layer_that_is_held_all_is_as_of_mnlogit_on_its_outputs():
    frame = scaled()
    module = freeze(make_network(), "0")
    network = ml.networks.fit_network(module, frame[COLUMNS], frame["party"])
    with torch.no_grad():
        inputs = torch.from_numpy(frame[COLUMNS].to_numpy())
        outputs = network.module[:2](inputs).numpy()
    x = pd.DataFrame(outputs, index=frame.index).assign(const=1.0)
    linear = ml.MNLogit(frame["party"], x).fit()
    assert abs(linear.llf - network.llf) < 1e-9
    assert measure_gap(judge_all(linear), judge_all(network)) < 1e-6


@pytest.mark.parametrize("weight_type", ["frequency", "sampling", "importance"])
def test_weights_are_as_of_mnlogit(weight_type):
    frame, new = scaled().iloc[::2], new_rows()
    column = "people" if weight_type == "frequency" else "weight"
    how = {"weights": frame[column], "weight_type": weight_type}
    linear, network = fit_pair(frame[COLUMNS], frame["party"], **how)
    assert compare(linear, network) < 1e-7
    given = {"outcome": new["party"], "weights": new[column]}
    assert compare(linear, network, new, **given) < 1e-7


@pytest.mark.parametrize("kind", ["counts", "probabilities"])
def test_counts_and_probabilities_are_as_of_mnlogit(kind):
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.ones(3), size=80)
    table = shares if kind == "probabilities" else rng.multinomial(5, shares)
    y = pd.DataFrame(table, columns=["a", "b", "c"], index=scaled().index[::2])
    linear, network = fit_pair(scaled().iloc[::2][COLUMNS], y)
    assert compare(linear, network) < 1e-7
    other = y.set_axis(new_rows().index)[["c", "a", "b"]]
    assert compare(linear, network, new_rows(), outcome=other) < 1e-7


def test_frequency_weights_are_expanded_rows():
    new, network = new_rows(), hidden()
    many = new.loc[new.index.repeat(new["people"])]
    expanded = judge_all(network, newdata=many[COLUMNS], outcome=many["party"])
    how = {"weights": "people", "weight_type": "frequency", "outcome": "party"}
    assert measure_gap(judge_all(network, newdata=new, **how), expanded) < 1e-9


def test_scores_and_classification_are_those_of_scikit_learn():
    network, new = hidden(), new_rows()
    y, p = new["party"], network.predict(new[COLUMNS]).to_numpy()
    d = (y.to_numpy()[:, None] == np.array(network.categories)).astype(float)
    scores = network.scores(new[COLUMNS], y)
    assert abs(scores.log - log_loss(y, p, labels=list(network.categories))) < 1e-14
    each = sum(brier_score_loss(d[:, k], p[:, k]) for k in range(3))
    assert abs(scores.brier - each) < 1e-14
    areas = scores.discrimination_by_category.loc["auc", "estimate"]
    for k, category in enumerate(network.categories):
        assert abs(areas[category] - roc_auc_score(d[:, k], p[:, k])) < 1e-14
    table = network.classification(new[COLUMNS], y).table
    predicted = network.predict(new[COLUMNS], "category")
    assert (table.to_numpy() == confusion_matrix(y, predicted)).all()


def test_log_score_of_own_rows_is_the_cross_entropy():
    network = hidden()
    assert abs(network.scores().log * network.nobs - network.cross_entropy) < 1e-10
    assert abs(network.scores().log * network.nobs + network.llf) < 1e-10
    skill = network.scores().overall.loc["log", "skill"]
    assert abs(skill - (1 - network.llf / network.llnull)) < 1e-12


def test_new_rows_come_as_frames_arrays_tensors_and_dicts():
    network, new = hidden(), new_rows()
    y = new["party"]
    expected = judge_all(network, newdata=new[COLUMNS], outcome=y)
    array = new[COLUMNS].to_numpy()
    codes = np.searchsorted(network.categories, y)
    one_hot = torch.nn.functional.one_hot(torch.from_numpy(codes), 3)
    for newdata, outcome in (
        (new[COLUMNS[::-1]], y),
        (new, "party"),
        (array, y),
        (array, y.to_numpy()),
        (torch.from_numpy(array), one_hot),
        ({name: new[name].to_numpy() for name in COLUMNS}, y.tolist()),
        ({name: new[name].to_numpy() for name in new}, "party"),
    ):
        found = judge_all(network, newdata=newdata, outcome=outcome)
        assert measure_gap(found, expected) < 1e-12


def test_inputs_of_other_shapes_are_judged():
    """Rows of images, as a tensor of three dimensions."""
    frame, new = scaled().iloc[::2], new_rows()
    x, z = (torch.from_numpy(part[COLUMNS].to_numpy()).reshape(-1, 2, 1) for part in (frame, new))
    module = torch.nn.Sequential(torch.nn.Flatten(), *make_network())
    network = ml.networks.fit_network(module, x, frame["party"], l2=0.01)
    assert measure_gap(judge_all(network), judge_all(hidden())) < 1e-6
    y = new["party"].to_numpy()
    expected = judge_all(hidden(), newdata=new[COLUMNS], outcome=y)
    assert measure_gap(judge_all(network, newdata=z, outcome=y), expected) < 1e-6
    with pytest.raises(ColumnNotFoundError, match="party"):
        network.scores(z, "party")
    with pytest.raises(LengthMismatchError):
        network.scores(z, y[:-1])
    with pytest.raises(ColumnTypeError):
        network.scores(new[COLUMNS], y)
    weighted = network.scores(z, y, weights=np.arange(len(y)), weight_type="frequency")
    assert weighted.rows == f"{len(y) - 1} new rows, {sum(range(len(y)))} observations"


def test_new_rows_need_not_have_all_categories():
    network, new = hidden(), new_rows()
    some = new[new["party"] != "green"]
    table = network.classification(some[COLUMNS], some["party"]).table
    assert table.loc["green"].sum() == 0
    assert table.to_numpy().sum() == len(some)
    assert table.columns.tolist() == ["blue", "green", "red"]
    calibration = network.calibration(some[COLUMNS], some["party"])
    assert calibration.recalibration["estimate"].isna().all()
    assert any("no people of green" in note for note in calibration.notes)
    assert np.isfinite(network.scores(some[COLUMNS], some["party"]).log)


def test_nothing_given_is_changed():
    network, new = hidden(), new_rows()
    before, params = new.copy(), network.params
    network.calibration(new, "party", weights="people", weight_type="frequency")
    pd.testing.assert_frame_equal(new, before)
    assert (network.params == params).all()


def spoil(frame, name, value):
    copy = frame.copy()
    copy[name] = copy[name].astype(object if isinstance(value, str) else float)
    copy.iloc[3, copy.columns.get_loc(name)] = value
    return copy


WRONG = {
    "outcome alone": (OptionError, lambda x, y: {"outcome": y}),
    "weights alone": (OptionError, lambda x, y: {"weights": np.ones(80)}),
    "no outcome": (ColumnNotFoundError, lambda x, y: {"newdata": x}),
    "no such column": (ColumnNotFoundError, lambda x, y: {"newdata": x, "outcome": "vote"}),
    "an absent input": (ColumnNotFoundError, lambda x, y: {"newdata": x[["age"]], "outcome": y}),
    "an unseen category": (
        UnseenLevelError,
        lambda x, y: {"newdata": x, "outcome": y.replace("red", "pink")},
    ),
    "another index": (
        MisalignedIndexError,
        lambda x, y: {"newdata": x, "outcome": y.reset_index(drop=True)},
    ),
    "another order": (MisalignedIndexError, lambda x, y: {"newdata": x, "outcome": y.iloc[::-1]}),
    "weights of another index": (
        MisalignedIndexError,
        lambda x, y: {
            "newdata": x,
            "outcome": y,
            "weights": pd.Series(np.ones(80)),
            "weight_type": "sampling",
        },
    ),
    "too few outcomes": (
        LengthMismatchError,
        lambda x, y: {"newdata": x, "outcome": y.to_numpy()[:5]},
    ),
    "a missing outcome": (
        MissingDataError,
        lambda x, y: {"newdata": x, "outcome": y.where(y != "red")},
    ),
    "a missing input": (
        MissingDataError,
        lambda x, y: {"newdata": spoil(x, "age", np.nan), "outcome": y},
    ),
    "an infinite input": (
        InfiniteValueError,
        lambda x, y: {"newdata": spoil(x, "age", np.inf), "outcome": y},
    ),
    "another width": (
        ParamsError,
        lambda x, y: {"newdata": np.ones((80, 3)), "outcome": y.to_numpy()},
    ),
    "no rows": (EmptyDataError, lambda x, y: {"newdata": x.iloc[:0], "outcome": y.iloc[:0]}),
    "two columns": (OutcomeError, lambda x, y: {"newdata": x, "outcome": np.ones((80, 2))}),
    "weights without a type": (
        WeightTypeError,
        lambda x, y: {"newdata": x, "outcome": y, "weights": np.ones(80)},
    ),
    "a type without weights": (
        WeightTypeError,
        lambda x, y: {"newdata": x, "outcome": y, "weight_type": "frequency"},
    ),
    "an unknown type": (
        WeightTypeError,
        lambda x, y: {
            "newdata": x,
            "outcome": y,
            "weights": np.ones(80),
            "weight_type": "analytic",
        },
    ),
    "broken frequencies": (
        WeightError,
        lambda x, y: {
            "newdata": x,
            "outcome": y,
            "weights": np.full(80, 0.5),
            "weight_type": "frequency",
        },
    ),
    "negative weights": (
        WeightError,
        lambda x, y: {
            "newdata": x,
            "outcome": y,
            "weights": -np.ones(80),
            "weight_type": "sampling",
        },
    ),
    "weights of zero": (
        EmptyDataError,
        lambda x, y: {
            "newdata": x,
            "outcome": y,
            "weights": np.zeros(80),
            "weight_type": "sampling",
        },
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_has_a_name(name):
    error, make = WRONG[name]
    given = make(new_rows()[COLUMNS], new_rows()["party"])
    network = hidden()
    with pytest.raises(error):
        judge_network(network.record, **given)
    for judge in (network.scores, network.classification, network.calibration):
        with pytest.raises(error):
            judge(**given)


def test_truth_values_stay_truth_values():
    frame, new = scaled().iloc[::2], new_rows()
    x = frame[COLUMNS].assign(age=frame["age"] > 0)
    network = ml.networks.fit_network(torch.nn.Linear(2, 3), x, frame["party"])
    with pytest.raises(UnseenLevelError, match="truth"):
        network.scores(new, "party")
    zeros = new.assign(age=(new["age"] > 0).astype(int))
    truths = new.assign(age=new["age"] > 0)
    assert network.scores(zeros, "party").log == network.scores(truths, "party").log


def test_options_are_refused_before_rows_are_read():
    network = hidden()
    for judge in (network.calibration, network.scores, network.classification):
        with pytest.raises(OptionError, match="alpha"):
            judge("no rows", alpha=0)
    for judge in (network.calibration, network.scores):
        with pytest.raises(OptionError, match="bins"):
            judge("no rows", bins=1)
    with pytest.raises(OptionError, match="strategy"):
        network.calibration("no rows", strategy="even")
    with pytest.raises(TypeError):
        network.scores(strategy="quantile")


class Fast(torch.nn.Module):
    """Scores that overflow where inputs are large."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(2, 3)

    def forward(self, x):
        return self.last(torch.exp(x))


def test_scores_that_overflow_on_new_rows_are_an_error():
    frame = scaled()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ml.networks.fit_network(Fast(), frame[COLUMNS], frame["party"])
    far = spoil(frame[COLUMNS], "age", 1e4)
    with pytest.raises(NetworkError, match="row 3"):
        network.scores(far, frame["party"])
    with pytest.raises(NetworkError, match="newdata"):
        network.predict(far)


def gap_from_identity(found):
    return (found.recalibration["estimate"] - found.recalibration["ideal"]).abs().max()


def freeze(module, *names):
    for name, piece in module.named_parameters():
        piece.requires_grad_(not name.startswith(names))
    return module


# Hidden layers are held where they are, so that a maximum exists: what counts is the last one.
OWN_ROWS = {
    "free": (lambda: freeze(make_network(), "0"), {}, ""),
    "prior": (lambda: freeze(make_network(), "0"), {"l2": 0.5}, "prior"),
    "prior of biases": (
        lambda: freeze(make_network(), "0"),
        {"l2": {"2.bias": 5.0}},
        "prior",
    ),
    "no biases": (lambda: freeze(make_network(last_bias=False), "0"), {}, "affine layer"),
    "biases held": (lambda: freeze(make_network(), "0", "2.bias"), {}, "affine layer"),
    "not linear at its end": (
        lambda: torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Softplus()),
        {"l2": 1e-3},
        "affine layer",
    ),
}


@pytest.mark.parametrize("name", OWN_ROWS)
def test_recalibration_of_own_rows_is_the_identity_where_it_must_be(name):
    make, how, reason = OWN_ROWS[name]
    frame = scaled()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = make()
    network = ml.networks.fit_network(module, frame[COLUMNS], frame["party"], **how)
    assert network.converged
    found = network.calibration()
    departure = explain_network_departure(network.record, judge_network(network.record))
    said = [note for note in found.notes if "score equations" in note]
    assert len(said) == 1
    if not reason:
        assert departure == ""
        assert gap_from_identity(found) < 1e-5
        assert "by the score equations" in said[0]
        assert found.means["difference"].abs().max() < 1e-7
        assert found.tests["reason"].str.contains("zero").all()
    else:
        assert reason in departure
        assert departure in said[0]
        assert gap_from_identity(found) > 1e-3
        assert "do not hold" in said[0]
        assert not found.tests["reason"].str.contains("zero").any()


def test_an_unfinished_climb_is_said_to_be_one():
    frame = scaled()
    with pytest.warns(MNLogitWarning):
        network = ml.networks.fit_network(
            make_network(), frame[COLUMNS], frame["party"], maxiter=1, method="L-BFGS-B"
        )
    notes = network.calibration().notes
    assert any("the gradient is not zero where the climb ended" in note for note in notes)


def test_separated_rows_have_no_slopes_of_one_however_small_the_gradient():
    x = pd.DataFrame({"x": np.linspace(-1, 1, 12), "z": np.tile([0.0, 1.0], 6)})
    y = np.where(x["x"] > 0, "b", "a")
    layer = torch.nn.Linear(2, 2).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 0.0], [300.0, 0.0]]))
        layer.bias.zero_()
    with pytest.warns(ml.exceptions.NoFiniteMaximumWarning):
        network = ml.networks.fit_network(layer, x, y, maxiter=1)
    assert network.certificate.gradient_norm < 1e-10
    assert measure_drift(judge_network(network.record)) > 1e-2
    notes = network.calibration().notes
    assert not any("by the score equations" in note for note in notes)
    assert any("next to zero and one" in note for note in notes)


def test_drift_is_the_way_to_the_estimates_where_that_is_short():
    """A Newton step of a smooth function: what is left is of second order."""
    linear, _ = pair()
    judged = judge_network(pair()[1].record)
    assert measure_drift(judged) < 1e-9
    assert linear.calibration().recalibration["estimate"].notna().all()
    for pull in (1e-3, 1e-2):
        frame = scaled().iloc[::2]
        fit = ml.networks.fit_network(
            torch.nn.Linear(2, 3), frame[COLUMNS], frame["party"], l2=pull
        )
        recalibration = fit.calibration().recalibration.loc["own slopes"]
        gap = (recalibration["estimate"] - recalibration["ideal"]).abs().max()
        assert abs(measure_drift(judge_network(fit.record)) / gap - 1) < 40 * gap

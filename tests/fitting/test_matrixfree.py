"""Parameters by the thousands: the same estimates without the information, and no silence."""

import copy
import pickle

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import CovarianceError, CovarianceOmittedWarning, OptionError
from mlelogit.fitting import estimation
from mlelogit.fitting.maximum import Status
from mlelogit.fitting.objective import LogLikelihood

FORMS = ["labels", "counts", "weights", "offset"]


def draw(rng, form, n=600):
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 3)) * [1, 50, 0.01] + [0, 100, 0]])
    scores = (x - [0, 0, 100, 0]) @ (rng.normal(size=(4, 3)) / [[1], [1], [50], [0.01]])
    codes = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    options = {
        "weights": {"weights": rng.uniform(0.5, 2, n), "weight_type": "sampling", "base": 1},
        "offset": {"offset": rng.normal(size=(n, 3)), "base": 2},
    }
    if form == "counts":
        codes = rng.multinomial(4, [0.2, 0.3, 0.5], size=n)
    return ml.MNLogit(codes, x, **options.get(form, {}))


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setattr(estimation, "LARGEST_SIZE", 5)


@pytest.mark.parametrize("form", FORMS)
def test_the_estimates_are_those_of_the_whole_fit(rng, form, monkeypatch):
    model = draw(rng, form)
    kind = "robust" if form == "weights" else "nonrobust"
    whole = model.fit(cov_type=kind)
    monkeypatch.setattr(estimation, "LARGEST_SIZE", 5)
    with pytest.warns(CovarianceOmittedWarning, match=f"cov_type='{kind}'"):
        res = model.fit()
    assert np.abs((res.params - whole.params) / whole.bse).max(axis=None) < 1e-7
    assert abs(res.llf - whole.llf) < 1e-10 * abs(whole.llf)
    assert res.certificate.decrement < 1e-7


@pytest.mark.parametrize("form", FORMS)
def test_the_information_is_multiplied_as_its_matrix_is(rng, form):
    design = draw(rng, form).design
    objective = LogLikelihood(estimation.RowBlocks(design, size=37), design.encoding.base)
    params, direction = rng.normal(size=(2, objective.size)) / np.tile([1, 1, 100, 1], 2)
    expected = objective.evaluate(params, 2).information @ direction
    found = objective.multiply_information(params, direction)
    assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()


def test_what_was_left_out_is_said_and_never_a_number(rng, narrow):
    model = draw(rng, "labels")
    with pytest.warns(CovarianceOmittedWarning):
        res = model.fit()
    assert res.record.maximum.status is Status.UNCERTIFIED
    assert not res.converged
    assert np.isnan(res.bse).all(axis=None)
    assert np.isnan(res.rebase(2).bse).all(axis=None)
    assert "NOT CERTIFIED" in res.summary().as_text()
    assert "left out" in res.summary().as_text()
    assert "left out for its size" in res.wald_test(["x1"]).reason
    for twin in (copy.deepcopy(res), pickle.loads(pickle.dumps(res))):
        assert twin.covariance.omitted
        assert twin.covariance.matrix.strides == (0, 0)
    with pytest.raises(OptionError, match="nonrobust"):
        res.with_cov("nonsense")
    for ask in (lambda: res.with_cov("HC0"), res.cov_params, res.verify):
        with pytest.raises(CovarianceError, match="start_params"):
            ask()


def test_what_is_asked_for_is_found(rng, narrow):
    model = draw(rng, "labels")
    with pytest.warns(CovarianceOmittedWarning):
        start = model.fit("lbfgs").params
    asked = model.fit(cov_type="HC0", start_params=start)
    assert asked.converged
    assert np.isfinite(asked.bse).all(axis=None)
    assert model.fit("newton").converged


def test_separated_data_are_given_no_maximum(rng, narrow):
    x = np.column_stack([np.ones(300), rng.normal(size=(300, 3))])
    with pytest.warns(CovarianceOmittedWarning, match="if a finite one exists"):
        res = ml.MNLogit(np.digitize(x[:, 1], [-1, 1]), x).fit()
    assert not res.converged
    assert not res.certificate.finite_maximum
    assert "if a finite one exists" in res.summary().as_text()


def test_a_start_at_the_maximum_is_kept(rng, narrow):
    model = draw(rng, "labels")
    start = model.fit(cov_type="nonrobust").params
    with pytest.warns(CovarianceOmittedWarning):
        assert model.fit(start_params=start).record.maximum.iterations <= 1


def test_the_callback_is_heard_there_too(rng, narrow):
    seen = []
    model = draw(rng, "labels")
    with pytest.warns(CovarianceOmittedWarning):
        res = model.fit(callback=lambda params: seen.append(params))
    assert len(seen) == res.record.maximum.iterations

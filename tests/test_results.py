"""The results object: copies, printing, the user's data, and statsmodels' numbers."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.exceptions import NotConvergedWarning, UnusedLevelWarning
from mlelogit.fitting.objective import LogLikelihood
from tests.inference.samples import fitted, survey
from tests.theorems.strategies import distance

FRAMES = ("params", "bse", "tvalues", "pvalues", "trace", "fittedvalues", "resid_response")
NUMBERS = ("llf", "llnull", "llr", "llr_pvalue", "prsquared", "aic", "bic", "nobs", "df_model")
OTHERS = ("df_resid", "converged", "certificate", "base", "categories", "cov_type")
OUTPUTS = (*FRAMES, *NUMBERS, *OTHERS)


def same(one, two) -> bool:
    if isinstance(one, pd.DataFrame):
        return one.equals(two)
    return one == two


@pytest.fixture(scope="module", params=["plain", "weighted"])
def res(request):
    if request.param == "plain":
        return fitted("party ~ age + educ + region", base="red").with_cov("HC1")
    return fitted("party ~ age + educ", weights="people", weight_type="frequency")


@pytest.mark.parametrize("base", [1, 2])
def test_rebased_sums_are_those_of_the_fit_from_there(base):
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(90), rng.normal(size=(90, 2))])
    codes = rng.integers(0, 3, 90)
    with pytest.warns(NotConvergedWarning):
        moved = ml.MNLogit(codes, x, base=0).fit(maxiter=1).rebase(base).record
    assert np.abs(moved.sums.score).max() > 1e-3
    there = LogLikelihood(moved.blocks.in_basis(moved.basis), base)
    expected = there.evaluate(moved.basis.enter_params(moved.params).ravel(), 2)
    assert np.abs(moved.sums.score - expected.score).max() < 1e-10
    assert np.abs(moved.sums.information - expected.information).max() < 1e-8
    assert np.abs(moved.maximum.inverse @ expected.information - np.eye(6)).max() < 1e-8


@pytest.mark.parametrize(
    "duplicate",
    [lambda fit: pickle.loads(pickle.dumps(fit)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
def test_copies_answer_alike(res, duplicate):
    twin = duplicate(res)
    for name in OUTPUTS:
        assert same(getattr(twin, name), getattr(res, name)), name
    new = survey().head(7)
    assert twin.predict(new).equals(res.predict(new))
    assert str(twin) == str(res)
    assert twin.wald_test("age") == res.wald_test("age")
    assert twin.with_cov("HC0").bse.equals(res.with_cov("HC0").bse)
    assert twin.rebase("green").params.equals(res.rebase("green").params)
    assert twin.verify(engines="statsmodels").agrees


def test_models_can_be_copied_too():
    model = ml.mnlogit("party ~ age", survey())
    twin = pickle.loads(pickle.dumps(model))
    assert twin.fit().params.equals(model.fit().params)
    assert "party ~ age" in repr(model)
    assert "'blue'" in repr(model)


def test_it_prints_its_summary(res):
    assert repr(res) == str(res) == res.summary().as_text()
    assert res._repr_html_().lstrip().startswith("<table")


def test_the_users_frame_is_not_touched():
    frame = survey().copy()
    offset, weights = np.ones((160, 3)), frame["weight"].copy()
    before = frame.copy(deep=True), offset.copy(), weights.copy()
    options = {"weights": weights, "weight_type": "sampling", "offset": offset, "base": "red"}
    res = ml.mnlogit("party ~ age + C(region)", frame, **options).fit()
    res.predict(frame.head(3), offset=offset[:3])
    res.verify()
    res.rebase("blue").with_cov("HC0").summary()
    pd.testing.assert_frame_equal(frame, before[0])
    assert (offset == before[1]).all()
    assert weights.equals(before[2])


def test_arrays_changed_after_the_model_is_made_do_not_change_the_fit():
    rng = np.random.default_rng(6)
    x, codes = np.column_stack([np.ones(50), rng.normal(size=50)]), rng.integers(3, size=50)
    start = np.full(4, 0.1)
    model = ml.MNLogit(codes, x)
    one = model.fit(start_params=start)
    llf, values = one.llf, one.params.copy()
    assert (start == 0.1).all()
    frames = [one.params, one.fittedvalues, one.cov_params(), one.bse, one.trace.copy()]
    for frame in frames:
        frame.iloc[0, -1] = 99.0
    assert one.params.equals(values)
    assert one.llf == llf
    assert one.fittedvalues.iloc[0, -1] < 1
    assert one.cov_params().iloc[0, -1] != 99.0
    assert one.bse.iloc[0, -1] != 99.0


def test_fitting_twice_gives_every_digit_again():
    model = ml.mnlogit("party ~ age + educ", survey())
    one, two = model.fit(), model.fit()
    assert one.params.equals(two.params)
    assert one.bse.equals(two.bse)
    assert one.llf == two.llf


@pytest.fixture(scope="module")
def anes():
    data = sm.datasets.anes96.load_pandas()
    exog = sm.add_constant(data.exog)
    ours = ml.MNLogit(data.endog.astype(int), exog).fit()
    return SimpleNamespace(
        ours=ours, theirs=sm.MNLogit(data.endog, exog).fit(disp=0, maxiter=100), exog=exog
    )


def test_statsmodels_finds_the_same_on_anes(anes):
    ours, theirs = anes.ours, anes.theirs
    assert distance(ours.params, theirs.params, theirs.bse) < 1e-6
    assert np.abs(ours.bse.to_numpy() / theirs.bse.to_numpy() - 1).max() < 1e-8
    for name in ("llf", "aic", "bic"):
        assert abs(getattr(ours, name) / getattr(theirs, name) - 1) < 1e-10, name
    for name in ("llnull", "llr", "prsquared"):
        assert abs(getattr(ours, name) / getattr(theirs, name) - 1) < 1e-8, name
    assert ours.llnull >= theirs.llnull
    assert abs(ours.llr_pvalue / chi2.sf(ours.llr, theirs.df_model) - 1) < 1e-10
    assert (ours.nobs, ours.df_model, ours.df_resid) == (944, theirs.df_model, theirs.df_resid)
    assert list(ours.params.index) == list(anes.exog.columns)
    assert np.abs(ours.pvalues.to_numpy() - theirs.pvalues.to_numpy()).max() < 1e-7
    assert np.abs(ours.fittedvalues.to_numpy() - theirs.predict()).max() < 1e-8
    flat = theirs.params.to_numpy().ravel(order="F")
    covariance = np.asarray(theirs.cov_params())
    scale = np.sqrt(np.diag(covariance))
    assert np.abs((ours.cov_params().to_numpy() - covariance) / np.outer(scale, scale)).max() < 1e-7
    assert np.abs(ours.record.maximum.params - flat).max() < 1e-6


def test_statsmodels_has_the_same_likelihood_everywhere(anes):
    params = 0.05 * np.random.default_rng(2).normal(size=36) / np.tile(anes.exog.abs().max(), 6)
    data = anes.theirs.model
    ours = ml.MNLogit(data.endog.astype(int), anes.exog)
    assert abs(ours.loglike(params) / data.loglike(params) - 1) < 1e-12
    score = ours.score(params).to_numpy().T.ravel()
    assert np.abs(score - data.score(params)).max() < 1e-9 * np.abs(score).max()
    information = ours.information(params).to_numpy()
    assert np.abs(information + data.hessian(params)).max() < 1e-10 * np.abs(information).max()


INDEXES = {
    "shifted": range(10, 170),
    "text": [f"row {i}" for i in range(160)],
    "repeated": np.repeat(range(80), 2),
    "two levels": pd.MultiIndex.from_product([range(80), [0, 1]]),
}
LABELS = {
    "numpy": lambda labels: labels.to_numpy(),
    "list": list,
    "categorical": pd.Categorical,
    "codes": lambda labels: labels.map({"blue": 0, "green": 1, "red": 2}).to_numpy(),
    "counts": lambda labels: pd.get_dummies(labels).to_numpy().astype(int),
}


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("form", LABELS)
def test_an_outcome_without_an_index_pairs_by_position_with_any_frame(index, form):
    exog = survey()[["age", "educ"]].assign(one=1.0).set_axis(INDEXES[index])
    endog = LABELS[form](survey()["party"])
    res = ml.MNLogit(endog, exog).fit()
    bare = ml.MNLogit(survey()["party"], exog.reset_index(drop=True)).fit()
    assert res.fittedvalues.index.equals(exog.index)
    assert np.abs(res.params.to_numpy() / bare.params.to_numpy() - 1).max() < 1e-12


@pytest.mark.parametrize("why", ["weights", "missing values"])
def test_a_category_left_without_a_row_is_an_unused_level(why):
    frame = survey()
    red = frame["party"] == "red"
    if why == "weights":
        options = {"weights": (~red).astype(int), "weight_type": "frequency"}
    else:
        frame, options = frame.assign(age=frame["age"].where(~red)), {"missing": "drop"}
    with pytest.warns(UnusedLevelWarning, match="'red'"):
        res = ml.mnlogit("party ~ age", frame, **options).fit()
    assert res.categories == ("blue", "green")
    assert res.audit.unused == ("red",)


def test_results_are_made_of_two_records(res):
    twin = ml.MNLogitResults(res.record, res.covariance)
    assert twin.summary().as_text() == res.summary().as_text()
    assert res.with_cov("opg").record is res.record

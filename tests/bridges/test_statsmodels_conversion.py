"""A fit of this package as statsmodels' results: the same numbers, or a reason why not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete import discrete_model

import mlelogit as ml
from mlelogit.bridges.statsmodels import conversion
from mlelogit.exceptions import (
    BridgeError,
    CollinearityWarning,
    CovarianceError,
    DataNotKeptError,
    FewClustersWarning,
    SeparationWarning,
)
from tests.bridges.test_statsmodels import draw
from tests.bridges.test_statsmodels_errors import separate


def make_frame(seed=4, rows=300):
    codes, exog = draw(seed, rows)
    names = ["pear", "apple", "plum", "fig tree"]
    extra = {"kind": codes.map(lambda code: names[code]), "site": np.arange(rows) % 60}
    frame = exog.drop(columns="const").assign(**extra)
    return frame.set_axis(pd.Index(np.arange(rows) + 1000, name="id"))


@pytest.fixture(scope="module")
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def res(frame):
    return ml.mnlogit("kind ~ v1 + v2", frame, base="pear").fit()


FACTS = ("llf", "llnull", "llr", "llr_pvalue", "prsquared", "aic", "bic", "nobs", "df_resid")


def agree(theirs, ours, tolerance=1e-9):
    """Compare all that both have."""
    others = [name for name in ours.categories if name != ours.base]
    for name in ("params", "bse", "tvalues", "pvalues"):
        expected = getattr(ours, name)[others].drop(index=list(ours.record.encoding.omitted))
        found = np.asarray(getattr(theirs, name))
        close = pytest.approx(expected.to_numpy(), rel=tolerance, abs=1e-10, nan_ok=True)
        assert found == close, name
    for name in FACTS:
        expected = getattr(ours, name)
        assert getattr(theirs, name) == pytest.approx(expected, rel=1e-9, nan_ok=True), name
    covariance = ours.covariance.matrix
    assert np.asarray(theirs.cov_params()) == pytest.approx(covariance, rel=1e-9, abs=1e-12)
    assert theirs.cov_type == ours.cov_type
    assert theirs.converged is ours.converged
    assert theirs.equation_names == tuple(str(name) for name in others)


def test_results_are_statsmodels_own(res):
    theirs = res.to_statsmodels()
    assert isinstance(theirs, discrete_model.MultinomialResultsWrapper)
    assert isinstance(theirs._results, discrete_model.MultinomialResults)
    assert isinstance(theirs.model, discrete_model.MNLogit)
    agree(theirs, res)
    assert theirs.params.index.tolist() == ["Intercept", "v1", "v2"]
    assert theirs.model.endog_names == "kind"


def test_another_fit_by_statsmodels_is_the_same(res, frame):
    order = pd.CategoricalDtype(["pear", "apple", "fig tree", "plum"])
    exog = frame[["v1", "v2"]]
    exog.insert(0, "Intercept", 1.0)
    refit = discrete_model.MNLogit(frame["kind"].astype(order), exog).fit(disp=0)
    theirs = res.to_statsmodels()
    assert theirs.params.to_numpy() == pytest.approx(refit.params.to_numpy(), rel=1e-7)
    assert theirs.bse.to_numpy() == pytest.approx(refit.bse.to_numpy(), rel=1e-7)
    assert theirs.predict() == pytest.approx(refit.predict(), rel=1e-7)
    assert theirs.resid_response == pytest.approx(refit.resid_response, abs=1e-8)
    assert theirs.pred_table() == pytest.approx(refit.pred_table())


def test_toolbox_works(res):
    robust = res.with_cov("HC3")
    theirs = robust.to_statsmodels()
    agree(theirs, robust)
    assert "HC3" in theirs.summary().as_text()
    assert "kind=fig tree" in theirs.summary().as_text()
    assert "kind = plum" in theirs.summary2().as_text()
    single = theirs.t_test(np.eye(9)[1])
    assert float(single.pvalue) == pytest.approx(robust.pvalues.loc["v1", "apple"], rel=1e-9)
    joint = theirs.wald_test(np.eye(9)[[1, 4, 7]], scalar=True)
    assert joint.statistic == pytest.approx(robust.wald_test("v1 = 0").statistic, rel=1e-9)
    lower = theirs.conf_int().to_numpy()[:, 0]
    assert lower == pytest.approx(robust.conf_int()["lower"].to_numpy(), rel=1e-9)
    effects = theirs.get_margeff()
    table = robust.margins().summary_frame().set_index(["variable", "category"])
    order = ["pear", "apple", "fig tree", "plum"]
    for i, variable in enumerate(("v1", "v2")):
        own = table.loc[variable].loc[order]
        assert effects.margeff[i] == pytest.approx(own["estimate"].to_numpy(), rel=1e-8)
        assert effects.margeff_se[i] == pytest.approx(own["std_err"].to_numpy(), rel=1e-7)
    assert theirs.resid_pearson.shape == (300, 4)
    assert theirs.resid_misclassified.index.tolist()[:2] == [1000, 1001]
    fresh = theirs.predict(pd.DataFrame({"v2": [0.1], "v1": [1.0], "Intercept": [1.0]}))
    own = res.predict(pd.DataFrame({"v2": [0.1], "v1": [1.0]}))[order]
    assert fresh.to_numpy() == pytest.approx(own.to_numpy(), rel=1e-9)


def test_any_base_comes_first(res):
    for base in res.categories:
        moved = res.rebase(base)
        theirs = moved.to_statsmodels()
        agree(theirs, moved)
        assert theirs.model._ynames_map[0] == base


def test_clusters_and_surveys_keep_their_distributions(res, frame):
    clustered = res.with_cov("cluster", groups="site", correction="CR2")
    agree(clustered.to_statsmodels(), clustered)
    survey = res.with_cov("survey", psu="site")
    theirs = survey.to_statsmodels()
    assert theirs.use_t
    agree(theirs, survey)
    assert theirs.conf_int().to_numpy()[:, 1] == pytest.approx(survey.conf_int()["upper"])


def test_bootstrap_covariance_is_in_use(res):
    drawn = res.bootstrap(50, seed=1)
    with_it = res.with_cov(drawn)
    agree(with_it.to_statsmodels(), with_it)


def test_columns_left_out_stay_out(frame):
    wide = frame.assign(twice=2 * frame["v1"])
    with pytest.warns(CollinearityWarning):
        ours = ml.mnlogit("kind ~ v1 + twice + v2", wide).fit()
    theirs = ours.to_statsmodels()
    agree(theirs, ours)
    assert theirs.params.index.tolist() == ["Intercept", "v1", "v2"]


def test_without_a_constant_the_null_model_is_that_of_the_fit(frame):
    ours = ml.mnlogit("kind ~ 0 + v1 + v2", frame).fit()
    theirs = ours.to_statsmodels()
    agree(theirs, ours)
    assert theirs.llnull == pytest.approx(300 * np.log(1 / 4))


def test_frequency_weights_become_rows(frame):
    times = np.arange(300) % 4
    ours = ml.mnlogit("kind ~ v1", frame.assign(n=times), weights="n", weight_type="frequency")
    ours = ours.fit(cov_type="HC1")
    theirs = ours.to_statsmodels()
    agree(theirs, ours)
    assert theirs.nobs == times.sum()
    assert theirs.pred_table().sum() == times.sum()
    plain = ml.mnlogit("kind ~ v1", frame.loc[frame.index.repeat(times)]).fit()
    expected = plain.margins().summary_frame()["std_err"].to_numpy().reshape(1, -1)
    weighed = ours.with_cov("nonrobust").to_statsmodels().get_margeff()
    assert np.sort(weighed.margeff_se.ravel()) == pytest.approx(np.sort(expected.ravel()))


def test_counts_become_rows():
    rng = np.random.default_rng(3)
    counts = pd.DataFrame(rng.poisson(3.0, (40, 3)), columns=["a", "b", "c"])
    exog = pd.DataFrame({"one": 1.0, "x": rng.normal(size=40)})
    ours = ml.MNLogit(counts, exog, base="c").fit()
    theirs = ours.to_statsmodels()
    agree(theirs, ours)
    assert theirs.nobs == counts.to_numpy().sum()
    assert theirs.model.wendog.sum(axis=0).tolist() == counts[["c", "a", "b"]].sum().tolist()


def test_too_many_people_raise(monkeypatch):
    monkeypatch.setattr(conversion, "MOST_NUMBERS", 100)
    counts = np.random.default_rng(3).poisson(3.0, (40, 3))
    ours = ml.MNLogit(counts, np.ones((40, 1))).fit()
    with pytest.raises(BridgeError, match="100 numbers"):
        ours.to_statsmodels()


def make_refused(frame):
    weights = np.linspace(1, 2, 300)
    offset = np.tile(weights[:, None], (1, 4)) * [0, 1, 2, 3]
    shares = np.full((300, 3), 0.25) + np.eye(3)[np.arange(300) % 3] * 0.25
    given = {"weights": weights}
    return {
        "offset": lambda: ml.mnlogit("kind ~ v1", frame, offset=offset).fit(),
        "sampling": lambda: ml.mnlogit("kind ~ v1", frame, weight_type="sampling", **given).fit(),
        "importance": lambda: ml.mnlogit(
            "kind ~ v1", frame, weight_type="importance", **given
        ).fit(),
        "probabilities": lambda: ml.MNLogit(shares, frame[["v1"]]).fit(),
        "bias": lambda: ml.mnlogit("kind ~ v1", frame).fit(bias_reduction="mean"),
        "constraints": lambda: ml.mnlogit("kind ~ v1", frame).fit(
            constraints="plum: v1 = apple: v1"
        ),
    }


@pytest.mark.parametrize(
    "case", ["offset", "sampling", "importance", "probabilities", "bias", "constraints"]
)
def test_what_statsmodels_cannot_say_raises(frame, case):
    fitted = make_refused(frame)[case]()
    with pytest.raises(BridgeError, match=case):
        fitted.to_statsmodels()


def test_rows_in_pieces_are_read_if_they_are_few(frame):
    streamed = ml.mnlogit("kind ~ v1 + v2", [frame.iloc[:100], frame.iloc[100:]]).fit()
    agree(streamed.to_statsmodels(), streamed, 1e-7)


def test_separated_fits_keep_their_limits():
    endog, exog = separate()
    with pytest.warns(SeparationWarning):
        ours = ml.MNLogit(endog, exog, base=1).fit()
    theirs = ours.to_statsmodels()
    assert np.isinf(theirs.params.to_numpy()).sum() == 2
    assert theirs.params.to_numpy() == pytest.approx(ours.params.to_numpy(), rel=1e-12)
    assert theirs.bse.to_numpy() == pytest.approx(ours.bse.to_numpy(), rel=1e-9, nan_ok=True)
    assert theirs.converged is False
    assert theirs.llf == pytest.approx(ours.llf, rel=1e-12)
    own = ours.predict()[[1, 0, 2]].to_numpy()
    assert np.asarray(theirs.predict()) == pytest.approx(own, abs=1e-12)


def test_lost_rows_and_covariances_raise(res):
    import pickle
    from dataclasses import replace

    from mlelogit.inference.covariance import omit_covariance

    lean = ml.MNLogitResults(replace(res.record, blocks=None), res.covariance)
    with pytest.raises(DataNotKeptError):
        lean.to_statsmodels()
    without = ml.MNLogitResults(res.record, omit_covariance("nonrobust", 9))
    with pytest.raises(CovarianceError):
        without.to_statsmodels()
    again = pickle.loads(pickle.dumps(res))
    agree(again.to_statsmodels(), res)


def test_names_of_any_type(frame):
    exog = frame[["v1", "v2"]].set_axis([0, "a: b"], axis=1)
    codes = frame["kind"].map({"pear": 3, "apple": 1, "plum": 2, "fig tree": 7})
    ours = ml.MNLogit(codes, exog).fit()
    theirs = ours.to_statsmodels()
    agree(theirs, ours)
    assert theirs.params.index.tolist() == [0, "a: b"]
    theirs.summary()


def test_few_clusters_warn_once_more_only_there(res, frame):
    with pytest.warns(FewClustersWarning):
        few = res.with_cov("cluster", groups=frame["site"] % 7)
    agree(few.to_statsmodels(), few)

"""The class in the place of statsmodels' MNLogit: the same numbers where those are right."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.discrete import discrete_model
from statsmodels.tools.numdiff import approx_fprime, approx_fprime_cs

import mlelogit as ml
from mlelogit.bridges.statsmodels import MNLogit, MultinomialResultsWrapper
from mlelogit.exceptions import FewClustersWarning, OptionError, ParamsError
from tests.source_tree import PACKAGE

THEIRS = discrete_model.MNLogit
PASSED = 85


def draw(seed=0, rows=300, columns=3, categories=4):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(rows), rng.normal(size=(rows, columns - 1))])
    b = rng.normal(0, 0.6, (columns, categories))
    codes = (x @ b + rng.gumbel(size=(rows, categories))).argmax(axis=1)
    frame = pd.DataFrame(x, columns=["const", *(f"v{i}" for i in range(1, columns))])
    return pd.Series(codes, name="out"), frame


@pytest.fixture(scope="module")
def sample():
    return draw()


@pytest.fixture(scope="module")
def pair(sample):
    endog, exog = sample
    return THEIRS(endog, exog).fit(disp=0, tol=1e-14), MNLogit(endog, exog).fit(disp=0)


def test_statsmodels_own_tests_pass():
    """Of 92, 85 pass, one is skipped and six are expected to fail: as with statsmodels' class."""
    command = [sys.executable, "-m", "tests.bridges.statsmodels_suite"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent, check=False)
    said = run.stdout.strip().splitlines()[-1] if run.stdout.strip() else run.stderr
    assert said == f"OUTCOMES: 6 expected failures, {PASSED} passed, 1 skipped", run.stdout[-3000:]
    assert run.returncode == 0


def test_class_is_statsmodels_own_to_whoever_asks(pair):
    _, ours = pair
    assert isinstance(ours, discrete_model.MultinomialResultsWrapper)
    assert isinstance(ours, MultinomialResultsWrapper)
    assert issubclass(MNLogit, THEIRS)
    assert MNLogit.__name__ == "MNLogit"


NUMBERS = (
    *("params", "bse", "tvalues", "pvalues", "llf", "llnull", "llr", "llr_pvalue", "prsquared"),
    *("aic", "bic", "df_model", "df_resid", "nobs", "resid_response", "resid_pearson"),
    *("resid_misclassified", "normalized_cov_params", "use_t", "scale", "J", "K"),
)


@pytest.mark.parametrize("name", NUMBERS)
def test_results_are_the_same(pair, name):
    theirs, ours = pair
    expected = np.asarray(getattr(theirs, name), dtype=float)
    assert np.asarray(getattr(ours, name), dtype=float) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", ["cov_params", "conf_int", "pred_table", "predict"])
def test_answers_are_the_same(pair, name):
    theirs, ours = (getattr(res, name)() for res in pair)
    assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=1e-8, abs=1e-10)
    assert type(ours) is type(theirs)
    if isinstance(ours, pd.DataFrame):
        assert ours.index.equals(theirs.index)
        assert ours.columns.equals(theirs.columns)


def test_labels_are_the_same(pair):
    theirs, ours = pair
    for name in ("params", "bse", "pvalues"):
        assert getattr(ours, name).index.equals(getattr(theirs, name).index)
        assert getattr(ours, name).columns.equals(getattr(theirs, name).columns)
    assert ours.equation_names == ("1", "2", "3")
    tables = [res.summary().as_text().splitlines()[12:] for res in pair]
    assert tables[0] == tables[1]


METHODS = ("loglikeobs", "score", "score_obs", "hessian", "score_factor", "hessian_factor")


@pytest.mark.parametrize("name", METHODS)
def test_likelihood_is_the_same(sample, name):
    flat = np.random.default_rng(1).normal(0, 0.4, 9)
    expected = getattr(THEIRS(*sample), name)(flat)
    model = MNLogit(*sample)
    assert getattr(model, name)(flat) == pytest.approx(expected, rel=1e-9, abs=1e-10)
    table = flat.reshape(3, 3, order="F")
    assert getattr(model, name)(table) == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_likelihood_takes_complex_steps(sample):
    model, flat = MNLogit(*sample), np.random.default_rng(2).normal(0, 0.4, 9)
    score = approx_fprime_cs(flat, model.loglike)
    assert score == pytest.approx(model.score(flat), rel=1e-12, abs=1e-11)
    hessian = approx_fprime_cs(flat, model.score)
    assert hessian == pytest.approx(model.hessian(flat), rel=1e-11, abs=1e-10)
    rows = approx_fprime_cs(flat, lambda b: model.loglikeobs(b).sum(axis=1))
    assert rows == pytest.approx(model.score_obs(flat), rel=1e-11, abs=1e-12)
    assert approx_fprime_cs(flat, lambda b: model.score_factor(b)[:, 0]).shape == (300, 9)


def test_wrong_params_are_named(sample):
    with pytest.raises(ParamsError, match=r"\(9,\)"):
        MNLogit(*sample).loglike(np.zeros(8))
    with pytest.raises(ParamsError, match=r"\(3, 3\)"):
        MNLogit(*sample).score(np.zeros((9, 1)))


def covariances():
    groups, times = np.arange(300) % 45, np.arange(300) % 50
    runs = np.repeat(np.arange(50), 6)
    return {
        "HC0": ("HC0", {}),
        "scaled": ("HC0", {"scaling_factor": 1.7}),
        "cluster": ("cluster", {"groups": groups}),
        "cluster list": ("cluster", {"groups": list(groups)}),
        "uncorrected": ("cluster", {"groups": groups, "use_correction": False}),
        "two ways": ("cluster", {"groups": np.column_stack([groups, runs])}),
        "two lists": ("cluster", {"groups": [groups, runs], "df_correction": False}),
        "HAC": ("HAC", {"maxlags": 3}),
        "HAC corrected": ("HAC", {"maxlags": 3, "use_correction": True}),
        "panel by groups": ("hac-panel", {"groups": runs, "maxlags": 2}),
        "panel by time": ("hac-panel", {"time": np.tile(np.arange(6), 50), "maxlags": 2}),
        "panel cluster": (
            "hac-panel",
            {"groups": runs, "maxlags": 1, "use_correction": "cluster"},
        ),
        "periods": ("hac-groupsum", {"time": times, "maxlags": 2}),
        "periods plain": ("nw-groupsum", {"time": times, "maxlags": 2, "use_correction": False}),
        "periods hac": ("hac-groupsum", {"time": times, "maxlags": 2, "use_correction": "hac"}),
    }


@pytest.mark.parametrize("case", covariances())
@pytest.mark.parametrize("use_t", [False, True])
def test_robust_covariances_are_what_statsmodels_words_mean(sample, case, use_t):
    kind, options = covariances()[case]
    given = {"disp": 0, "cov_type": kind, "use_t": use_t}
    given |= {"cov_kwds": options} if options else {}
    theirs = THEIRS(*sample).fit(tol=1e-14, **copy.deepcopy(given))
    ours = MNLogit(*sample).fit(**given)
    expected = np.asarray(theirs.cov_params())
    assert np.asarray(ours.cov_params()) == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert ours.bse.to_numpy() == pytest.approx(theirs.bse.to_numpy(), rel=1e-8)
    assert ours.cov_type == theirs.cov_type
    assert ours.use_t == theirs.use_t
    if not (use_t and "groupsum" in kind):  # There statsmodels counts how often time starts anew.
        assert ours.pvalues.to_numpy() == pytest.approx(theirs.pvalues.to_numpy(), rel=1e-7)


def test_periods_have_as_many_degrees_of_freedom_less_one(sample):
    options = {"time": np.arange(300) % 50, "maxlags": 2}
    given = {"cov_type": "hac-groupsum", "cov_kwds": options, "use_t": True, "disp": 0}
    assert MNLogit(*sample).fit(**given).df_resid_inference == 49
    assert THEIRS(*sample).fit(**given).df_resid_inference == 5


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("HC9", {}, "HC9"),
        ("HC0", {"groups": [1]}, "groups"),
        ("cluster", {}, "groups"),
        ("cluster", {"groups": [0, 1], "use_corection": True}, "use_corection"),
        ("HAC", {}, "maxlags"),
        ("HAC", {"maxlags": 2, "kernel": "uniform"}, "uniform"),
        ("hac-panel", {"maxlags": 2}, "groups= or time="),
        ("hac-panel", {"maxlags": 2, "groups": [1], "use_correction": "x"}, "use_correction"),
        ("cluster-jk", {"groups": [0, 1]}, "cluster-jk"),
        (3, {}, "string"),
    ],
)
def test_covariance_words_without_meaning_raise(sample, kind, options, said):
    with pytest.raises(OptionError, match=said):
        MNLogit(*sample).fit(disp=0, cov_type=kind, cov_kwds=options)


def test_few_clusters_are_warned_of(sample):
    options = {"groups": np.arange(300) % 10}
    with pytest.warns(FewClustersWarning):
        MNLogit(*sample).fit(disp=0, cov_type="cluster", cov_kwds=options)


SOLVERS = ("newton", "bfgs", "lbfgs", "cg", "ncg", "nm", "powell", "basinhopping", "minimize")


@pytest.mark.parametrize("method", SOLVERS)
def test_all_solvers_reach_the_maximum(pair, sample, method):
    seen = []
    res = MNLogit(*sample).fit(method=method, disp=0, callback=seen.append, retall=True)
    assert res.params.to_numpy() == pytest.approx(pair[0].params.to_numpy(), rel=1e-7, abs=1e-8)
    assert res.converged is True
    assert res.mle_retvals["converged"] is True
    assert res.certificate.error_bound < 1e-6
    assert res.mle_settings["optimizer"] == method
    assert seen
    assert len(res.mle_retvals["allvecs"]) >= 2


def test_start_can_be_flat_or_a_table(pair, sample):
    table = pair[0].params.to_numpy()
    for start in (table, table.ravel(order="F"), list(table.ravel(order="F"))):
        res = MNLogit(*sample).fit(start_params=start, disp=0)
        assert res.params.to_numpy() == pytest.approx(table, rel=1e-8, abs=1e-9)
        assert res.mle_retvals["iterations"] <= 2


def test_unknown_options_raise(sample):
    with pytest.raises(OptionError, match="foo"):
        MNLogit(*sample).fit(disp=0, foo=1)
    with pytest.raises(OptionError, match="method"):
        MNLogit(*sample).fit(disp=0, method="simplex")
    with pytest.raises(OptionError, match="constraints"):
        MNLogit(*sample).fit(disp=0, method="lbfgs", bounds=[(0, 1)] * 9)


def test_return_values_are_those_of_the_maximum(pair):
    theirs, ours = pair
    for name in ("fopt", "score", "Hessian"):
        expected = theirs.mle_retvals[name]
        assert ours.mle_retvals[name] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert ours.mle_retvals["warnflag"] == 0


METHODS_OF_EFFECTS = ("dydx", "eyex", "dyex", "eydx")


def probabilities_at(model, exog, flat):
    return model.cdf(exog @ flat.reshape(model.K, -1, order="F"))


def differentiate(model, exog, flat, method):
    """Average marginal effects (K, J), by complex steps in every column."""
    found = []
    for k in range(exog.shape[1]):
        moved = exog.astype(complex)
        moved[:, k] += 1e-30j
        p = probabilities_at(model, moved, flat.astype(complex))
        change = p.imag / 1e-30
        if method.startswith("ey"):
            change = change / p.real
        if method.endswith("ex"):
            change = change * exog[:, [k]]
        found.append(change.mean(axis=0))
    return np.array(found)


@pytest.mark.parametrize("method", METHODS_OF_EFFECTS)
@pytest.mark.parametrize("at", ["overall", "mean", "median", "zero"])
def test_effects_and_their_errors_are_derivatives(pair, method, at):
    _, ours = pair
    model, flat = ours.model, ours.params.to_numpy().ravel(order="F")
    x = model.exog
    rows = {
        "overall": x,
        "mean": x.mean(axis=0)[None],
        "median": np.median(x, axis=0)[None],
        "zero": np.eye(3)[[0]],
    }
    found = ours.get_margeff(at=at, method=method)
    effects = differentiate(model, rows[at], flat, method)[1:]
    assert found.margeff == pytest.approx(effects, rel=1e-9, abs=1e-12)

    def average(b):
        return differentiate(model, rows[at], b, method)[1:].ravel(order="F")

    slopes = approx_fprime(flat, average, centered=True)
    covariance = slopes @ np.asarray(ours.cov_params()) @ slopes.T
    assert found.margeff_cov == pytest.approx(covariance, rel=1e-5, abs=1e-9)
    errors = found.margeff_se.ravel(order="F")
    assert errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("method", ["dydx", "eydx"])
@pytest.mark.parametrize("at", ["overall", "mean", "median", "zero"])
def test_effects_are_statsmodels_own(pair, method, at):
    theirs, ours = (res.get_margeff(at=at, method=method) for res in pair)
    for name in ("margeff", "margeff_se", "margeff_cov", "tvalues", "pvalues"):
        expected = getattr(theirs, name)
        assert getattr(ours, name) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert ours.summary_frame().index.equals(theirs.summary_frame().index)
    assert str(ours.summary()) == str(theirs.summary())


@pytest.mark.parametrize("method", ["dydx", "eydx"])
def test_effects_of_dummies_and_counts_are_differences(method):
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(200), rng.integers(0, 2, 200), rng.poisson(3, 200)])
    codes = (rng.gumbel(size=(200, 3)) + x[:, 1:2] * [0, 0.6, -0.4]).argmax(axis=1)
    model = MNLogit(codes, x)
    res = model.fit(disp=0)
    found = res.get_margeff(method=method, dummy=True, count=True)
    flat = res.params.ravel(order="F")

    def average(b):
        ends = []
        for k, steps, share in ((1, (0, 1), 1.0), (2, (-1, 1), 0.5)):
            moved = [x.copy() for _ in steps]
            for rows, step in zip(moved, steps, strict=True):
                rows[:, k] = step if k == 1 else x[:, k] + step
            p = [probabilities_at(model, rows, b) for rows in moved]
            p = np.log(p) if method == "eydx" else p
            ends.append(share * (p[1] - p[0]).mean(axis=0))
        return np.array(ends).ravel(order="F")

    assert found.margeff.ravel(order="F") == pytest.approx(average(flat), rel=1e-12)
    slopes = approx_fprime(flat, average, centered=True)
    covariance = slopes @ np.asarray(res.cov_params()) @ slopes.T
    assert found.margeff_cov == pytest.approx(covariance, rel=1e-5, abs=1e-10)


def test_effects_at_given_values(pair):
    theirs, ours = (res.get_margeff(atexog={1: 0.25}) for res in pair)
    assert ours.margeff_se == pytest.approx(theirs.margeff_se, rel=1e-7)
    assert pair[1].model.exog[:, 1].std() > 0.5
    every = [res.get_margeff(at="all").margeff for res in pair]
    assert every[1] == pytest.approx(every[0], rel=1e-9)
    elasticities = pair[1].get_margeff(at="all", method="eyex").margeff
    assert elasticities.shape == (300, 2, 4)
    average = pair[1].get_margeff(method="eyex").margeff
    assert elasticities.mean(axis=0) == pytest.approx(average, rel=1e-10)


def test_tests_of_hypotheses_are_the_same(pair):
    theirs, ours = pair
    words = [res.t_test("y1_v1 = 0.2").pvalue for res in pair]
    assert words[1] == pytest.approx(words[0], rel=1e-8)
    matrix = np.eye(9)[:4]
    assert ours.t_test(matrix).tvalue == pytest.approx(theirs.t_test(matrix).tvalue, rel=1e-8)
    answers = [res.wald_test(matrix, scalar=True).statistic for res in pair]
    assert answers[1] == pytest.approx(answers[0], rel=1e-8)
    extra = np.random.default_rng(3).normal(size=(300, 1))
    scores = [res.score_test(exog_extra=extra, return_object=True).statistic for res in pair]
    assert scores[1] == pytest.approx(scores[0], rel=1e-8)


def test_regularized_fits_are_the_same(sample):
    options = {"alpha": 3.0, "disp": 0, "acc": 1e-12}
    theirs, ours = (kind(*sample).fit_regularized(**options) for kind in (THEIRS, MNLogit))
    assert ours.params.to_numpy() == pytest.approx(theirs.params.to_numpy(), abs=1e-6)
    assert ours.nnz_params == theirs.nnz_params
    assert ours.aic == pytest.approx(theirs.aic, rel=1e-9)
    assert ours.info_criteria("aic") == pytest.approx(ours.aic, rel=1e-12)
    assert isinstance(ours, discrete_model.L1MultinomialResultsWrapper)


def test_null_model_can_be_fitted_and_kept(sample):
    res = MNLogit(*sample).fit(disp=0)
    closed = res.llnull
    res.set_null_options(attach_results=True)
    assert res.llnull == pytest.approx(closed, rel=1e-12)
    assert res.res_null.params.shape[0] == 1
    res.set_null_options(llnull=-500.0)
    assert res.llnull == -500.0


def test_pickles_and_files(tmp_path, pair):
    _, ours = pair
    again = pickle.loads(pickle.dumps(ours))
    pd.testing.assert_frame_equal(again.params, ours.params)
    assert again.predict() == pytest.approx(ours.predict())
    assert again.record.blocks is None
    assert again.summary().tables[1].as_text() == ours.summary().tables[1].as_text()
    ours.save(tmp_path / "fit.pickle")
    loaded = sm.load(tmp_path / "fit.pickle")
    pd.testing.assert_frame_equal(loaded.cov_params(), ours.cov_params())


def test_data_can_be_removed(tmp_path, sample):
    res = MNLogit(*sample).fit(disp=0)
    before, rows = res.predict(sample[1][:3]), sample[1][:3]
    table = res.summary().tables[1].as_text()
    res.save(tmp_path / "lean.pickle", remove_data=True)
    loaded = sm.load(tmp_path / "lean.pickle")
    assert loaded.model.exog is None
    assert loaded.predict(rows).to_numpy() == pytest.approx(before.to_numpy())
    assert res.summary().tables[1].as_text() == table
    assert res.record.blocks is None
    assert res.model._rows is None


def test_fit_answers_as_this_packages_results(pair):
    _, ours = pair
    res = ml.MNLogitResults(ours.record, ours.covariance)
    found, expected = res.params.to_numpy(), ours.params.to_numpy()
    assert found == pytest.approx(expected, rel=1e-14)
    assert list(res.params.columns) == [1, 2, 3]
    assert res.get_influence().summary_frame().shape[0] == 300
    assert res.get_prediction().summary_frame().shape[0] == 1200


def test_changed_arrays_are_seen(sample):
    endog, exog = sample
    model = MNLogit(endog.to_numpy(), exog.to_numpy())
    flat = np.linspace(-0.3, 0.4, 9)
    first = model.loglike(flat)
    model.exog = model.exog * 2
    assert model.loglike(flat / 2) == pytest.approx(first, rel=1e-12)


def test_large_models_with_equal_rows_have_the_same_answers():
    rng = np.random.default_rng(9)
    x = np.column_stack([np.ones(60_000), rng.integers(0, 4, 60_000)])
    codes = (x[:, 1:] * [0, 0.3, -0.2] + rng.gumbel(size=(60_000, 3))).argmax(axis=1)
    theirs, ours = (kind(codes, x).fit(disp=0) for kind in (THEIRS, MNLogit))
    assert ours.model.rows.design.compression is not None
    assert ours.params == pytest.approx(theirs.params, rel=1e-7)
    assert ours.bse == pytest.approx(theirs.bse, rel=1e-7)
    assert ours.llf == pytest.approx(theirs.llf, rel=1e-12)
    effects = [res.get_margeff().margeff_se for res in (theirs, ours)]
    assert effects[1] == pytest.approx(effects[0], rel=1e-6)
    grouped = {"cov_type": "cluster", "cov_kwds": {"groups": np.arange(60_000) % 500}, "disp": 0}
    clustered = [kind(codes, x).fit(**grouped).bse for kind in (THEIRS, MNLogit)]
    assert clustered[1] == pytest.approx(clustered[0], rel=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_random_models_are_the_same(seed):
    rng = np.random.default_rng(seed)
    columns, categories = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    endog, exog = draw(seed, 200, columns, categories)
    labels = {
        0: endog,
        1: endog.map(lambda code: "abcdef"[code]).to_numpy(),
        2: (endog.astype("category")).rename("kind"),
    }[seed % 3]
    table = exog if seed % 2 else exog.to_numpy()
    theirs = THEIRS(labels, table).fit(disp=0, tol=1e-14)
    ours = MNLogit(labels, table).fit(disp=0)
    for name in NUMBERS:
        expected = np.asarray(getattr(theirs, name), dtype=float)
        found = np.asarray(getattr(ours, name), dtype=float)
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-9), name
    assert ours.model.endog_names == theirs.model.endog_names
    assert ours.model._ynames_map == theirs.model._ynames_map


def test_nothing_is_printed(sample, capsys):
    MNLogit(*sample).fit()
    assert capsys.readouterr().out == ""


def test_quiet_fits_stay_quiet(sample):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = MNLogit(*sample).fit(disp=0, maxiter=1, warn_convergence=False)
    assert res.converged is False

"""What the class that takes statsmodels' place reads: masks, frames, rows to predict, words."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tools.sm_exceptions import MissingDataError as TheirMissingDataError

import mlelogit as ml
from mlelogit.bridges.statsmodels import MNLogit, mnlogit
from mlelogit.exceptions import (
    ColumnNotFoundError,
    EffectWarning,
    MissingDataError,
    OptionError,
    ParamsError,
)


@pytest.fixture(scope="module")
def anes():
    return sm.datasets.anes96.load_pandas().data


@pytest.fixture(scope="module")
def exog(anes):
    return sm.add_constant(anes[["age", "educ"]])


# Masks


@pytest.mark.parametrize("kind", [np.int64, np.float64, str, "dummies"])
def test_a_masked_outcome_is_missing(anes, exog, kind):
    """The rows that are left, fitted by statsmodels itself, are the truth."""
    y, mask = (anes.PID // 3).to_numpy(), np.arange(944) < 60
    if kind == "dummies":
        hidden = pd.get_dummies(y).to_numpy(dtype=float)
        masked = np.ma.array(hidden, mask=np.repeat(mask[:, np.newaxis], hidden.shape[1], axis=1))
    else:
        hidden = y.astype(kind)
        masked = np.ma.array(hidden, mask=mask)
    for missing in ("none", "raise"):
        with pytest.raises(MissingDataError, match=r"endog \(60\)"):
            MNLogit(masked, exog, missing=missing)
    truth = sm.MNLogit(hidden[60:], exog.iloc[60:]).fit(disp=0)
    res = MNLogit(masked, exog, missing="drop").fit(disp=0)
    assert res.nobs == 884
    assert res.model._ynames_map == truth.model._ynames_map
    np.testing.assert_allclose(res.params, truth.params, rtol=1e-6, atol=1e-9)
    whole = MNLogit(np.ma.array(hidden), exog)
    assert whole._ynames_map == MNLogit(hidden, exog)._ynames_map
    assert masked.mask.sum() == 60 * (1 if masked.ndim == 1 else masked.shape[1])


def test_masked_columns_are_missing(anes, exog):
    y, x = anes.PID // 3, np.ma.array(exog.to_numpy(), mask=False)
    x[5:9, 1] = np.ma.masked
    with pytest.raises(MissingDataError, match=r"exog \(4\).*\[5, 6, 7, 8\]"):
        MNLogit(y.to_numpy(), x)
    res = MNLogit(y.to_numpy(), x, missing="drop").fit(disp=0)
    left = np.delete(np.arange(944), range(5, 9))
    truth = sm.MNLogit(y.to_numpy()[left], exog.to_numpy()[left]).fit(disp=0)
    np.testing.assert_allclose(res.params, truth.params, rtol=1e-6, atol=1e-9)
    for predict in (res.predict, lambda rows: res.model.predict(res.params, rows)):
        found = predict(x[:12])
        assert np.isnan(found[5:9]).all()
        np.testing.assert_allclose(found[:5], truth.predict(exog.to_numpy()[:5]), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:Using dict:DeprecationWarning")  # statsmodels' own.
def test_masked_columns_of_a_dict_and_masked_clusters_are_missing(anes, exog):
    age = np.ma.array(anes.age, mask=np.arange(944) < 3)
    for outcome in (anes.PID // 3, (anes.PID // 3).astype(str)):
        columns = {"y": outcome.to_numpy(), "age": age}
        assert mnlogit("y ~ age", columns).fit(disp=0).nobs == 941
        with pytest.raises(MissingDataError):
            mnlogit("y ~ age", columns, missing="raise")
    groups = np.ma.array(np.arange(944) // 8, mask=np.arange(944) == 100)
    with pytest.raises(MissingDataError):
        MNLogit(anes.PID // 3, exog).fit(disp=0, cov_type="cluster", cov_kwds={"groups": groups})


# Formulas


@pytest.mark.parametrize("outcome", ["vote", "PID"])
@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_a_subset_of_any_frame(outcome, kind):
    """The fit to the rows themselves is the truth."""
    frame = ml.datasets.load_anes96(labels=outcome == "vote")
    frame = frame.assign(**{outcome: frame[outcome].astype(str if outcome == "vote" else int)})
    chosen = (frame["age"] > 30).to_numpy()
    if kind == "dict":
        given = {name: frame[name].to_numpy() for name in frame}
    elif kind == "polars":
        given = pytest.importorskip("polars").from_pandas(frame)
    else:
        given = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    truth = mnlogit(f"{outcome} ~ age + educ", frame[chosen]).fit(disp=0)
    for subset in (chosen, np.flatnonzero(chosen)):
        res = mnlogit(f"{outcome} ~ age + educ", given, subset=subset).fit(disp=0)
        assert res.nobs == chosen.sum()
        np.testing.assert_allclose(res.params, truth.params, rtol=1e-12)


@pytest.mark.parametrize("missing", ["raise", "none"])
@pytest.mark.parametrize("gone", ["age", "vote", "PID"])
def test_missing_values_of_a_formula_are_named(missing, gone):
    frame = ml.datasets.load_anes96()
    frame = frame.assign(vote=frame["vote"].astype(str), PID=frame["PID"].cat.codes.astype(float))
    frame[gone] = frame[gone].where(frame.index != 7)
    outcome = "PID" if gone == "PID" else "vote"
    with pytest.raises(MissingDataError, match=rf"'{gone}' \(1 rows\)") as caught:
        mnlogit(f"{outcome} ~ age + educ", frame, missing=missing)
    assert isinstance(caught.value, TheirMissingDataError)
    assert mnlogit(f"{outcome} ~ age + educ", frame).fit(disp=0).nobs == 943


def test_other_errors_of_formulas_stay_what_they_are(anes):
    with pytest.raises(Exception, match="nothing") as caught:
        mnlogit("PID ~ age + nothing", anes)
    assert not isinstance(caught.value, MissingDataError)


# Rows to predict


def test_a_dict_is_a_frame_of_rows(anes, exog):
    res = MNLogit(anes.PID // 3, exog).fit(disp=0)
    row = {"educ": 3, "const": 1, "age": 30}
    np.testing.assert_allclose(res.predict(row), res.predict([1, 30, 3]), rtol=1e-14)
    rows = {"educ": [3, 4], "const": [1, 1], "age": [30, 50]}
    np.testing.assert_allclose(res.predict(rows), res.predict([[1, 30, 3], [1, 50, 4]]), rtol=1e-14)
    with pytest.raises(ColumnNotFoundError, match="'const', 'educ'"):
        res.predict({"age": 30})
    for narrow in ([1, 30], [[1, 30]], pd.DataFrame({"a": [1.0], "b": [30.0]})):
        with pytest.raises(ParamsError, match="2 columns; the fit has 3: 'const', 'age', 'educ'"):
            res.predict(narrow)


def test_results_handed_over_take_the_variables_of_their_formula():
    frame = ml.datasets.load_anes96()
    ours = ml.mnlogit("vote ~ C(educ) + np.log(age)", frame, base="Dole").fit()
    theirs = ours.to_statsmodels()
    new = frame[["income", "age", "educ"]].iloc[50:60]
    truth = ours.predict(new)[["Dole", "Clinton"]]
    found = theirs.predict(new)
    np.testing.assert_allclose(found, truth, rtol=1e-13)
    assert found.index.equals(new.index)
    np.testing.assert_allclose(theirs.predict(dict(new)), truth, rtol=1e-13)
    np.testing.assert_allclose(theirs.predict(new.iloc[0]), truth.iloc[:1], rtol=1e-13)
    columns = pd.DataFrame(theirs.model.exog, columns=theirs.model.exog_names).iloc[50:60]
    np.testing.assert_allclose(theirs.predict(columns), truth, rtol=1e-13)
    np.testing.assert_allclose(theirs.predict(columns.to_numpy()), truth, rtol=1e-13)
    with pytest.raises(ColumnNotFoundError, match="'educ'"):
        theirs.predict(new[["age"]])


def test_results_of_a_classifier_handed_over_take_its_features():
    pytest.importorskip("sklearn")
    frame = ml.datasets.load_anes96()
    clf = ml.MNLogitClassifier().fit(frame[["age", "educ"]], frame["vote"].astype(str))
    found = clf.results_.to_statsmodels().predict(frame[["educ", "age"]].head())
    np.testing.assert_allclose(found, clf.predict_proba(frame[["age", "educ"]].head()), rtol=1e-13)


# Words


@pytest.mark.parametrize(
    "option", [{"alfa": 2}, {"weights": 3}, {"cov": "HC0"}, {"abstol": 1e-7}, {"maxit": 5}]
)
def test_unknown_words_beside_a_penalty_raise(anes, exog, option):
    model = MNLogit(anes.PID // 3, exog)
    with pytest.raises(OptionError, match=f"no option '{next(iter(option))}'"):
        model.fit_regularized(alpha=1.0, disp=0, **option)
    with pytest.raises(OptionError, match="l2"):
        model.fit_regularized(method="l2", alpha=1.0, disp=0)


@pytest.mark.parametrize(
    "options",
    [
        {"cov_type": "HC1"},
        {"cov_type": "HC2"},
        {"cov_type": "HC3"},
        {"cov_type": "robust"},
        {"cov_type": "zz"},
        {"cov_type": "HC0", "cov_kwds": {"groups": 3}},
        {"cov_type": "cluster", "cov_kwds": {"groups": np.arange(944), "correction": "CR2"}},
    ],
)
def test_covariances_that_statsmodels_has_not_raise_beside_a_penalty(anes, exog, options):
    with pytest.raises(OptionError):
        MNLogit(anes.PID // 3, exog).fit_regularized(alpha=1.0, disp=0, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"cov_type": "nonrobust"},
        {"cov_type": "HC0"},
        {"cov_type": "cluster", "cov_kwds": {"groups": np.arange(944) // 8}},
        {"cov_type": "HAC", "cov_kwds": {"maxlags": 3}},
    ],
)
def test_without_a_penalty_both_fits_have_one_covariance(anes, exog, options):
    model = MNLogit(anes.PID // 3, exog)
    both = [
        model.fit_regularized(None, "l1", 1000, 1, 0, alpha=0.0, acc=1e-12, **options),
        model.fit(disp=0, **options),
    ]
    np.testing.assert_allclose(both[0].bse, both[1].bse, rtol=1e-3)


@pytest.mark.parametrize("kind", ["cluster", "hac-panel"])
@pytest.mark.parametrize("option", ["use_correction", "df_correction"])
def test_values_without_a_meaning_raise(anes, exog, kind, option):
    model, groups = MNLogit(anes.PID // 3, exog), np.arange(944) // 8
    known = {"groups": groups} | ({"maxlags": 2} if kind == "hac-panel" else {})
    for value in ("nonsense", 0.5, [True]):
        with pytest.raises(OptionError, match=f"^{option} is"):
            model.fit(disp=0, cov_type=kind, cov_kwds=known | {option: value})


@pytest.mark.parametrize("no", [False, np.False_])
def test_truths_of_numpy_mean_what_they_say(anes, exog, no):
    """Statsmodels' CR0 and its own degrees of freedom of the t distribution are the truth."""
    known = {"groups": np.arange(944) // 8}
    models = [kind(anes.PID // 3, exog) for kind in (MNLogit, sm.MNLogit)]
    ours, theirs = (
        model.fit(
            disp=0,
            cov_type="cluster",
            use_t=True,
            cov_kwds=known | {"use_correction": value, "df_correction": value},
        )
        for model, value in zip(models, (no, False), strict=True)
    )
    np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-6)
    np.testing.assert_allclose(ours.pvalues, theirs.pvalues, rtol=1e-5)


# Lists, subclasses, changes in place


def test_a_list_with_gaps_has_no_category_of_gaps(anes, exog):
    labels = [f"c{int(p) // 3}" for p in anes.PID]
    truth = sm.MNLogit(np.array(labels[9:]), exog.iloc[9:]).fit(disp=0)
    for gap in (np.nan, None):
        given = [gap] * 9 + labels[9:]
        for missing in ("none", "raise"):
            with pytest.raises(MissingDataError, match=r"endog \(9\)"):
                MNLogit(given, exog, missing=missing)
        res = MNLogit(given, exog, missing="drop").fit(disp=0)
        assert res.nobs == 935
        assert res.equation_names == ("c1", "c2")
        np.testing.assert_allclose(res.params, truth.params, rtol=1e-6, atol=1e-9)
        with pytest.raises(MissingDataError):
            MNLogit(labels, exog).fit(disp=0, cov_type="cluster", cov_kwds={"groups": given})
    assert MNLogit(labels, exog)._ynames_map == MNLogit(np.array(labels), exog)._ynames_map


@pytest.mark.parametrize("alpha", [-5, np.nan, [1.0, -1.0], "1"])
def test_a_penalty_is_not_negative(anes, exog, alpha):
    with pytest.raises(OptionError, match="alpha is finite"):
        MNLogit(anes.PID // 3, exog).fit_regularized(alpha=alpha, disp=0)


def test_a_subclass_with_a_likelihood_of_its_own_is_not_fitted_by_another(anes, exog):
    class Ridge(MNLogit):
        def loglike(self, params):
            return super().loglike(params) - 50 * np.sum(np.asarray(params) ** 2)

    class Named(MNLogit):
        def describe(self):
            return "a name"

    with pytest.raises(OptionError, match="Ridge has its own loglike"):
        Ridge(anes.PID // 3, exog).fit(disp=0)
    assert Named(anes.PID // 3, exog).fit(disp=0).converged


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_model_changed_in_place_is_read_anew(anes, exog, rng, order):
    """Statsmodels fits what stands in the model's arrays."""
    y, x = (anes.PID // 3).to_numpy(), np.array(exog, order=order)
    models = [kind(y.copy(), x.copy(order="A")) for kind in (MNLogit, sm.MNLogit)]
    first = models[0].fit(disp=0)
    fresh, shuffled = rng.normal(size=len(x)), rng.permutation(models[0].endog)
    for change in ("exog", "endog"):
        for model in models:
            if change == "exog":
                model.exog[:, 1] = fresh
            else:
                model.endog[:] = shuffled
                model.wendog[:] = np.eye(3)[shuffled]
        params = np.zeros(6)
        np.testing.assert_allclose(models[0].score(params), models[1].score(params), atol=1e-8)
        ours, theirs = (model.fit(disp=0) for model in models)
        assert abs(ours.llf - first.llf) > 1e-3
        np.testing.assert_allclose(ours.llf, theirs.llf, rtol=1e-10)
        np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-5, atol=1e-7)


# Effects


def test_effects_of_a_handed_over_formula_warn():
    frame = ml.datasets.load_anes96()
    fitted = ml.mnlogit("vote ~ age + C(educ) + age:educ + I(age**2)", frame).fit()
    with pytest.warns(EffectWarning, match=r"I\(age .. 2\), age:educ"):
        fitted.to_statsmodels().get_margeff()


@pytest.mark.filterwarnings("error")
def test_quoted_names_and_contrasts_are_variables_as_they_are(anes):
    frame = anes.assign(PID=anes.PID // 3, group=np.where(anes.age > 40, "b(c):d", "a"))
    frame = frame.rename(columns={"age": "my age"})
    formula = "PID ~ Q('my age') + C(group, Treatment('b(c):d')) + C(vote)"
    mnlogit(formula, frame).fit(disp=0).get_margeff()
    with pytest.warns(EffectWarning, match="Q"):
        mnlogit("PID ~ Q('my age') * vote", frame).fit(disp=0).get_margeff()


def test_scalars_are_numpys_as_in_statsmodels(anes, exog):
    res = MNLogit(anes.PID // 3, exog).fit(disp=0)
    before = {name: getattr(res, name).round(6) for name in ("llf", "llnull", "llr", "aic", "bic")}
    assert before == {
        name: getattr(sm.MNLogit(anes.PID // 3, exog).fit(disp=0), name).round(6) for name in before
    }
    lean = MNLogit(anes.PID // 3, exog).fit(disp=0)
    lean.remove_data()
    assert lean.llf.round(6) == before["llf"]

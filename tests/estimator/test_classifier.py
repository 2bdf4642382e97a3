"""MNLogitClassifier: the same fit as MNLogit's, in scikit-learn's words."""

import copy
import pickle
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import mlelogit as ml
from mlelogit.exceptions import (
    BaseCategoryError,
    CollinearityWarning,
    ColumnTypeError,
    DataNotKeptError,
    DuplicateColumnError,
    InfiniteValueError,
    MissingDataError,
    MNLogitError,
    NotConvergedWarning,
    OneCategoryError,
    OptionError,
    RankDeficiencyError,
    SeparationError,
    SeparationWarning,
    WeightError,
    WeightTypeError,
)
from tests.estimator.cases import FEATURES, draw_overlapping, draw_separated, load_anes

pytest.importorskip("sklearn")
EXACT = {"rtol": 1e-12, "atol": 1e-14}


def fit_plainly(X, y, **options):
    """Fit by MNLogit beside a constant."""
    return ml.MNLogit(y, np.column_stack([np.ones(len(X)), X]), **options).fit()


# The same fit


@pytest.mark.parametrize("outcome", ["PID", "vote"])
def test_it_is_the_fit_of_mnlogit_to_the_last_digit(outcome):
    X, y = load_anes(outcome)
    ours, plain = ml.MNLogitClassifier().fit(X, y), fit_plainly(X, y)
    assert ours.results_.converged
    np.testing.assert_array_equal(ours.results_.params, plain.params)
    np.testing.assert_array_equal(ours.results_.bse, plain.bse)
    assert ours.results_.llf == plain.llf
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict(), rtol=1e-13)
    assert list(ours.results_.params.index) == ["const", *FEATURES]
    assert list(ours.classes_) == list(plain.categories)


@pytest.mark.parametrize("outcome", ["PID", "vote"])
def test_it_is_what_scikit_learn_climbs_to_without_a_penalty(outcome):
    """LogisticRegression(C=inf) climbs the same likelihood; its default solver stops early."""
    from sklearn.linear_model import LogisticRegression

    X, y = load_anes(outcome)
    X = (X - X.mean()) / X.std()
    ours = ml.MNLogitClassifier().fit(X, y)
    theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=500)
    theirs.fit(X, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.coef_.shape == theirs.coef_.shape
    for mine, other in [(ours.coef_, theirs.coef_), (ours.intercept_, theirs.intercept_)]:
        other = other - other.mean(axis=0) if len(other) > 1 else other
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, y) == theirs.score(X, y)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("intercept", [True, False])
def test_coefficients_give_log_odds_and_probabilities(rng, classes, intercept):
    X, y = draw_overlapping(rng, 200, classes)
    fitted = ml.MNLogitClassifier(fit_intercept=intercept).fit(X, y)
    decision, probabilities = fitted.decision_function(X), fitted.predict_proba(X)
    linear = X @ fitted.coef_.T + fitted.intercept_
    if classes == 2:
        assert fitted.coef_.shape == (1, 2)
        assert fitted.intercept_.shape == (1,)
        odds = np.log(probabilities[:, 1] / probabilities[:, 0])
        np.testing.assert_allclose(decision, odds, rtol=1e-9)
        np.testing.assert_allclose(decision, linear[:, 0], rtol=1e-12)
        np.testing.assert_array_equal(fitted.predict(X), (decision > 0).astype(int))
    else:
        assert fitted.coef_.shape == (classes, 2)
        np.testing.assert_allclose(fitted.coef_.sum(axis=0), 0, atol=1e-15)
        np.testing.assert_allclose(decision, linear, rtol=1e-11, atol=1e-14)
        powers = np.exp(decision)
        np.testing.assert_allclose(
            probabilities, powers / powers.sum(axis=1, keepdims=True), rtol=1e-13
        )
        np.testing.assert_array_equal(fitted.predict(X), decision.argmax(axis=1))
    if not intercept:
        np.testing.assert_array_equal(fitted.intercept_, 0)


def test_coefficients_do_not_depend_on_the_base():
    X, y = load_anes()
    first, *others = [ml.MNLogitClassifier(base=base).fit(X, y) for base in np.unique(y)]
    for k, fitted in enumerate(others, start=1):
        assert fitted.results_.base == fitted.classes_[k]
        np.testing.assert_allclose(fitted.coef_, first.coef_, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(fitted.predict_proba(X), first.predict_proba(X), rtol=1e-9)
    gaps = np.delete(others[2].coef_ - others[2].coef_[3], 3, axis=0)
    np.testing.assert_allclose(gaps, others[2].results_.params.iloc[1:].T, **EXACT)


def test_log_probabilities_are_exact_far_out(rng):
    """Probabilities of 1e-1000 are zeros as doubles; their logarithms are gaps of scores."""
    X, y = draw_overlapping(rng, 200)
    fitted = ml.MNLogitClassifier().fit(X, y)
    far = np.array([[5e3, 0.0], [-5e3, 0.0]])
    scores = far @ fitted.coef_.T + fitted.intercept_
    logs = fitted.predict_log_proba(far)
    assert logs.min() < -1000
    np.testing.assert_allclose(logs, scores - scores.max(axis=1, keepdims=True), rtol=1e-12)


def test_the_fit_does_not_hang_on_the_data_given(rng):
    """Whoever writes into X afterwards changes neither predictions nor standard errors."""
    X, y = draw_overlapping(rng, 2000, columns=100)
    new = X[:5].copy()
    fitted = ml.MNLogitClassifier().fit(X, y)
    before = fitted.predict_proba(new), fitted.results_.with_cov("HC0").bse
    X[:] = 0.0
    np.testing.assert_array_equal(fitted.predict_proba(new), before[0])
    np.testing.assert_array_equal(fitted.results_.with_cov("HC0").bse, before[1])


def test_results_answer_everything(rng):
    X, y = load_anes("vote")
    results = ml.MNLogitClassifier(cov_type="HC1").fit(X, y).results_
    assert results.cov_type == "HC1"
    assert "educ" in str(results.summary())
    assert set(results.margins().summary_frame()["variable"]) == set(FEATURES)
    assert results.verify().agrees


def test_requests_reach_the_fit(rng):
    X, y = draw_overlapping(rng, 300)
    assert ml.MNLogitClassifier(method="BFGS").fit(X, y).results_.record.maximum.method == "BFGS"
    with pytest.warns(NotConvergedWarning):
        stopped = ml.MNLogitClassifier(method="CG", maxiter=1, tol=1e-12).fit(X, y)
    assert stopped.n_iter_ == 1
    assert not stopped.results_.converged


# Weights


@pytest.mark.parametrize("kind", ["importance", "frequency"])
@pytest.mark.parametrize("reduction", [None, "mean"])
def test_whole_weights_are_repeated_rows(rng, kind, reduction):
    X, y = draw_overlapping(rng)
    times = rng.integers(0, 4, len(y))
    make = ml.MNLogitClassifier
    weighted = make(weight_type=kind, bias_reduction=reduction).fit(X, y, sample_weight=times)
    repeated = make(bias_reduction=reduction).fit(X.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-9)
    for name in ("llf", "llnull", "nobs", "aic", "bic", "llr_pvalue"):
        ours, truth = getattr(weighted.results_, name), getattr(repeated.results_, name)
        np.testing.assert_allclose(ours, truth, rtol=1e-10)
    np.testing.assert_allclose(weighted.results_.bse, repeated.results_.bse, rtol=1e-8)


def test_rows_of_zero_weight_are_absent(rng):
    """Their class too, if it has no other rows."""
    X, y = draw_overlapping(rng, 90, 4)
    weights = np.where(y == 3, 0.0, rng.uniform(0.5, 2, len(y)))
    ours = ml.MNLogitClassifier().fit(X, y, sample_weight=weights)
    truth = ml.MNLogitClassifier().fit(X[y < 3], y[y < 3], sample_weight=weights[y < 3])
    np.testing.assert_array_equal(ours.classes_, [0, 1, 2])
    np.testing.assert_allclose(ours.coef_, truth.coef_, rtol=1e-10)
    assert ours.results_.audit.rows_used == (y < 3).sum()


def test_weight_types_give_one_estimate_and_their_own_errors(rng):
    X, y = draw_overlapping(rng, 200)
    weights = rng.integers(1, 4, len(y))
    fits = {
        kind: ml.MNLogitClassifier(weight_type=kind).fit(X, y, sample_weight=weights)
        for kind in ("importance", "frequency", "sampling")
    }
    for fitted in fits.values():
        np.testing.assert_allclose(fitted.coef_, fits["importance"].coef_, rtol=1e-10)
    assert fits["sampling"].results_.cov_type == "robust"
    plain = fit_plainly(X, y, weights=weights, weight_type="sampling")
    np.testing.assert_array_equal(fits["sampling"].results_.bse, plain.bse)


def test_one_number_is_the_weight_of_every_row(rng):
    X, y = draw_overlapping(rng)
    ours = ml.MNLogitClassifier().fit(X, y, sample_weight=2)
    truth = ml.MNLogitClassifier().fit(np.tile(X, (2, 1)), np.tile(y, 2))
    np.testing.assert_allclose(ours.results_.bse, truth.results_.bse, rtol=1e-9)


def test_balanced_classes_are_a_matter_of_weights(rng):
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils.class_weight import compute_sample_weight

    X, y = draw_overlapping(rng, 200)
    weights = compute_sample_weight("balanced", y)
    ours = ml.MNLogitClassifier().fit(X, y, sample_weight=weights)
    theirs = LogisticRegression(
        C=np.inf, solver="newton-cholesky", class_weight="balanced", tol=1e-10
    ).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.r_[-1.0, np.ones(59)], WeightError, "negative in row 0"),
        (np.zeros(60), ValueError, "zero"),
        (0.0, ValueError, "zero"),
        (np.r_[np.nan, np.ones(59)], ValueError, "NaN"),
        (np.ones(59), ValueError, "sample_weight"),
    ],
)
def test_weights_that_are_none_are_refused(rng, weights, error, words):
    X, y = draw_overlapping(rng)
    with pytest.raises(error, match=words):
        ml.MNLogitClassifier().fit(X, y, sample_weight=weights)
    with pytest.raises(WeightError, match="whole"):
        ml.MNLogitClassifier(weight_type="frequency").fit(X, y, sample_weight=0.5)


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "c"],
        [10, -3, 7],
        [2.0, 1.0, 3.0],
        ["", "with space", "a:b[c]"],
        pd.Categorical(["b", "a", "c"], categories=["c", "b", "a"], ordered=True),
        pd.array(["x", "y", "z"], dtype="string"),
    ],
    ids=str,
)
def test_labels_of_any_type(rng, labels):
    X, y = draw_overlapping(rng)
    truth = ml.MNLogitClassifier().fit(X, y)
    given = pd.Series(labels).take(y)
    fitted = ml.MNLogitClassifier().fit(X, given.array)
    np.testing.assert_array_equal(fitted.classes_, np.sort(np.asarray(labels)))
    order = np.argsort(np.asarray(labels))
    np.testing.assert_allclose(fitted.coef_, truth.coef_[order], rtol=1e-8)
    assert set(fitted.predict(X)) <= set(labels)
    assert fitted.results_.categories == tuple(fitted.classes_)


def test_truth_values(rng):
    X, y = draw_overlapping(rng, classes=2)
    fitted = ml.MNLogitClassifier().fit(X, y == 1)
    assert fitted.classes_.dtype == bool
    assert fitted.predict(X).dtype == bool
    np.testing.assert_array_equal(fitted.coef_, ml.MNLogitClassifier().fit(X, y).coef_)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (["a"] * 60, OneCategoryError, "one class only, 'a'"),
        ([None, *"ab" * 29, "a"], MissingDataError, "y is missing in row 0"),
        (np.linspace(0, 1, 60), ValueError, "continuous"),
        (np.eye(60), ValueError, "1d array"),
        ([1] * 59, ValueError, "inconsistent numbers of samples"),
        (None, ValueError, "requires y"),
    ],
)
def test_outcomes_that_are_none_are_refused(rng, y, error, words):
    y = np.asarray(y, dtype=object) if isinstance(y, list) and y[0] is None else y
    with pytest.raises(error, match=words):
        ml.MNLogitClassifier().fit(rng.normal(size=(60, 2)), y)


# Separated data


def test_by_default_separated_data_are_fitted_with_less_bias_and_a_warning(rng):
    X, y = draw_separated(rng)
    with pytest.warns(SeparationWarning, match="separated='reduce_bias'.*anew.*'mean'") as warned:
        fitted = ml.MNLogitClassifier().fit(X, y)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert "fit(bias_reduction" not in str(warned[0].message)
    truth = ml.MNLogitClassifier(bias_reduction="mean").fit(X, y)
    np.testing.assert_array_equal(fitted.coef_, truth.coef_)
    np.testing.assert_array_equal(fitted.results_.bse, truth.results_.bse)
    assert np.isfinite(fitted.coef_).all()
    assert fitted.bias_reduction_ == truth.bias_reduction_ == "mean"
    assert fitted.separation_.verdict == "complete"
    assert fitted.separation_.coefficients["name"].tolist()


def test_the_limit_of_maximum_likelihood(rng):
    """Probabilities are 0 and 1, and no score or coefficient is silently something else."""
    X, y = draw_separated(rng)
    with pytest.warns(SeparationWarning, match="Complete separation"):
        fitted = ml.MNLogitClassifier(separated="limit").fit(X, y)
    with pytest.warns(SeparationWarning):
        plain = fit_plainly(X, y)
    assert fitted.bias_reduction_ is None
    assert fitted.coef_[0, 0] == -np.inf
    assert fitted.coef_[2, 0] == np.inf
    np.testing.assert_array_equal(fitted.predict_proba(X), np.eye(3)[y])
    new = rng.normal(scale=5, size=(50, 2))
    np.testing.assert_array_equal(fitted.predict_proba(new), plain.predict(np.c_[np.ones(50), new]))
    decision, logs = fitted.decision_function(new), fitted.predict_log_proba(new)
    assert np.isfinite(decision).all()
    np.testing.assert_array_equal(logs == -np.inf, fitted.predict_proba(new) == 0)
    odds = np.exp(decision - decision.max(axis=1, keepdims=True))
    np.testing.assert_array_equal(odds / odds.sum(axis=1, keepdims=True), fitted.predict_proba(new))
    np.testing.assert_array_equal(decision.argmax(axis=1), fitted.predict(new))


def test_the_limit_of_two_classes(rng):
    X = np.c_[np.r_[np.linspace(-3, -1, 10), np.linspace(1, 3, 10)], rng.normal(size=20)]
    y = np.repeat([0, 1], 10)
    with pytest.warns(SeparationWarning):
        fitted = ml.MNLogitClassifier(separated="limit", base=1).fit(X, y)
    assert fitted.coef_[0, 0] == np.inf
    np.testing.assert_array_equal(fitted.decision_function(X), np.where(y, 746.0, -746.0))
    np.testing.assert_array_equal(fitted.predict_log_proba(X)[y == 1, 0], -np.inf)


def test_in_the_limit_finite_coefficients_are_those_of_the_limiting_model(rng):
    """A factor level with one class only: the other column's coefficient is that without it."""
    X, y = draw_overlapping(rng, 120, 2, columns=1)
    level = np.zeros(120)
    level[-10:] = 1
    y[-10:] = 1
    both = np.column_stack([X, level])
    with pytest.warns(SeparationWarning, match="Quasi-complete"):
        fitted = ml.MNLogitClassifier(separated="limit").fit(both, y)
    truth = ml.MNLogitClassifier().fit(X[:-10], y[:-10])
    assert fitted.coef_[0, 1] == np.inf
    np.testing.assert_allclose(fitted.coef_[0, 0], truth.coef_[0, 0], rtol=1e-8)
    np.testing.assert_allclose(fitted.intercept_, truth.intercept_, rtol=1e-8)
    np.testing.assert_allclose(
        fitted.predict_proba(both[:-10]), truth.predict_proba(X[:-10]), rtol=1e-8
    )
    np.testing.assert_array_equal(fitted.predict_proba(both[-10:])[:, 1], 1)


def test_separated_data_can_be_an_error(rng):
    X, y = draw_separated(rng)
    with pytest.raises(SeparationError, match=r"Complete separation.*separated='reduce_bias'"):
        ml.MNLogitClassifier(separated="raise").fit(X, y)


def test_a_rule_that_cannot_be_followed_is_an_error(rng):
    """Bias reduction has no theory with sampling weights."""
    X, y = draw_separated(rng)
    with pytest.raises(SeparationError, match=r"sampling.*separated='limit'"):
        ml.MNLogitClassifier(weight_type="sampling").fit(X, y, sample_weight=1.5)


@pytest.mark.parametrize("rule", ["reduce_bias", "limit", "raise"])
def test_rules_do_not_touch_overlapping_data(rng, rule):
    X, y = draw_overlapping(rng)
    fitted = ml.MNLogitClassifier(separated=rule).fit(X, y)
    np.testing.assert_array_equal(fitted.coef_, ml.MNLogitClassifier().fit(X, y).coef_)
    assert fitted.bias_reduction_ is None
    assert fitted.separation_.verdict == "none"


# Features


def test_features_that_are_combinations_of_others(rng):
    """Of all dummies of a factor the last is left out, and predictions are the same."""
    X, y = draw_overlapping(rng, 150)
    dummies = np.eye(3)[rng.integers(0, 3, 150)]
    every, some = np.column_stack([X, dummies]), np.column_stack([X, dummies[:, :2]])
    with pytest.warns(CollinearityWarning, match="x4"):
        fitted = ml.MNLogitClassifier().fit(every, y)
    truth = ml.MNLogitClassifier().fit(some, y)
    np.testing.assert_array_equal(fitted.coef_[:, 4], 0)
    np.testing.assert_allclose(fitted.coef_[:, :4], truth.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fitted.predict_proba(every), truth.predict_proba(some), rtol=1e-9)
    assert set(fitted.results_.omitted) == {"x4"}
    with pytest.raises(RankDeficiencyError, match="x4"):
        ml.MNLogitClassifier(collinear="raise").fit(every, y)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_features_keep_their_names(kind):
    X, y = load_anes("vote")
    truth = ml.MNLogitClassifier().fit(X.to_numpy(), y)
    given = X
    if kind == "polars":
        given = pytest.importorskip("polars").from_pandas(X)
    elif kind == "pyarrow":
        given = pytest.importorskip("pyarrow").Table.from_pandas(X)
    fitted = ml.MNLogitClassifier().fit(given, y)
    assert fitted.feature_names_in_.tolist() == FEATURES
    assert list(fitted.results_.params.index) == ["const", *FEATURES]
    assert not hasattr(truth, "feature_names_in_")
    assert list(truth.results_.params.index) == ["const", *(f"x{i}" for i in range(5))]
    np.testing.assert_array_equal(fitted.coef_, truth.coef_)
    np.testing.assert_array_equal(fitted.predict_proba(given), truth.predict_proba(X.to_numpy()))
    backwards = given.select(FEATURES[::-1]) if kind != "pandas" else X[FEATURES[::-1]]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(backwards)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X.to_numpy())


def test_the_constant_gets_a_name_of_its_own(rng):
    X, y = draw_overlapping(rng)
    fitted = ml.MNLogitClassifier().fit(pd.DataFrame(X, columns=["const", "_const"]), y)
    assert list(fitted.results_.params.index) == ["__const", "const", "_const"]
    with pytest.raises(DuplicateColumnError, match="'a'"):
        ml.MNLogitClassifier().fit(pd.DataFrame(X, columns=["a", "a"]), y)


CATEGORICAL = {
    "text": pd.Series(list("ab") * 30),
    "text of numbers": pd.Series(["1", "2"] * 30),
    "objects": pd.Series(["1", 2] * 30, dtype=object),
    "categories": pd.Series(["a", "b"] * 30, dtype="category"),
    "categories of numbers": pd.Series([1, 2] * 30, dtype="category"),
    "dates": pd.Series(pd.date_range("2024-01-01", periods=60)),
}


@pytest.mark.parametrize("kind", CATEGORICAL)
@pytest.mark.parametrize("foreign", [False, True])
def test_features_that_are_no_numbers_are_refused_with_advice(rng, kind, foreign):
    X, y = draw_overlapping(rng)
    frame = pd.DataFrame({"age": X[:, 0], "region": CATEGORICAL[kind]})
    if foreign:
        if kind in ("objects", "categories of numbers"):
            pytest.skip("polars has no such column")
        frame = pytest.importorskip("polars").from_pandas(frame)
    with pytest.raises(ColumnTypeError, match=r"'region'.*OneHotEncoder.*C\(region\)"):
        ml.MNLogitClassifier().fit(frame, y)
    fitted = ml.MNLogitClassifier().fit(pd.DataFrame(X, columns=["age", "region"]), y)
    with pytest.raises(ColumnTypeError, match="'region'"):
        fitted.predict(frame)


@pytest.mark.parametrize("X", [[["1", "2"]] * 4, np.array([["1", 2.0]] * 4, dtype=object)])
def test_texts_in_arrays_are_refused(X):
    with pytest.raises(ValueError, match=r"string|no numbers"):
        ml.MNLogitClassifier().fit(X, [0, 1, 0, 1])


def test_missing_and_infinite_features_are_refused(rng):
    X, y = draw_overlapping(rng)
    fitted = ml.MNLogitClassifier().fit(X, y)
    for bad in (np.nan, np.inf, pd.NA):
        wrong = pd.DataFrame(X).astype(object if bad is pd.NA else float)
        wrong.iloc[3, 1] = bad
        with pytest.raises((ValueError, TypeError), match=r"NaN|infinity|NAType"):
            ml.MNLogitClassifier().fit(wrong, y)
        with pytest.raises((ValueError, TypeError), match=r"NaN|infinity|NAType"):
            fitted.predict_proba(wrong)


def test_scikit_learn_told_to_assume_finite_values(rng):
    """It does not look then, and a row without features would be of the first class."""
    import sklearn

    X, y = draw_overlapping(rng)
    fitted = ml.MNLogitClassifier().fit(X, y)
    for bad in (np.nan, np.inf, -np.inf, 1.7e308):
        X[7, :] = bad
        with sklearn.config_context(assume_finite=True):
            with pytest.raises(InfiniteValueError, match="row 7"):
                fitted.predict(X)
            with pytest.raises(MNLogitError):
                ml.MNLogitClassifier().fit(X, y)


def test_rows_and_outcome_keep_their_names(rng):
    X, y = draw_overlapping(rng)
    index = pd.Index([f"person {i}" for i in range(60)])
    frame = pd.DataFrame(X, columns=["a", "b"], index=index)
    fitted = ml.MNLogitClassifier().fit(frame, pd.Series(y, name="choice", index=index))
    assert fitted.results_.predict().index.equals(index)
    assert "choice" in str(fitted.results_.summary())


@pytest.mark.parametrize("package", ["polars", "pyarrow"])
def test_outcome_and_weights_of_other_kinds(rng, package):
    X, y = draw_overlapping(rng)
    make = pytest.importorskip(package)
    column = make.Series if package == "polars" else make.array
    weights = rng.integers(1, 3, 60)
    names = np.array(["a", "b", "c"])[y].tolist()
    fitted = ml.MNLogitClassifier().fit(X, column(names), sample_weight=column(weights))
    truth = ml.MNLogitClassifier().fit(X, names, sample_weight=weights)
    np.testing.assert_array_equal(fitted.coef_, truth.coef_)
    assert fitted.classes_.tolist() == ["a", "b", "c"]


def test_features_of_other_numeric_types(rng):
    X, y = draw_overlapping(rng, 100, columns=3)
    X[:, 2] = X[:, 2] > 0
    X[:, 1] = np.round(X[:, 1] * 4)
    truth = ml.MNLogitClassifier().fit(X, y)
    frame = pd.DataFrame(
        {
            "a": X[:, 0],
            "b": pd.array(X[:, 1].astype(int), dtype="Int16"),
            "c": X[:, 2].astype(bool),
        }
    )
    for given in (X.tolist(), np.asfortranarray(X), frame, X.astype(object), X.astype(">f8")):
        fitted = ml.MNLogitClassifier().fit(given, y)
        np.testing.assert_array_equal(fitted.coef_, truth.coef_)
        np.testing.assert_array_equal(fitted.predict_proba(given), truth.predict_proba(X))


def test_float32_is_widened(rng):
    X, y = draw_overlapping(rng, 100)
    short = X.astype(np.float32)
    ours = ml.MNLogitClassifier().fit(short, y)
    truth = ml.MNLogitClassifier().fit(short.astype(np.float64), y)
    assert ours.coef_.dtype == ours.predict_proba(short).dtype == np.float64
    np.testing.assert_allclose(ours.coef_, truth.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(short), truth.predict_proba(X), rtol=1e-5)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("old", [False, True])
def test_sparse_features_give_the_same(rng, kind, old):
    X, y = draw_overlapping(rng, 80, columns=3)
    X[X < 0] = 0
    truth = ml.MNLogitClassifier().fit(X, y)
    given = getattr(sparse, f"{kind}_{'matrix' if old else 'array'}")(X)
    for intercept in (True, False):
        fitted = ml.MNLogitClassifier(fit_intercept=intercept).fit(given, y)
        truth = ml.MNLogitClassifier(fit_intercept=intercept).fit(X, y)
        np.testing.assert_allclose(fitted.coef_, truth.coef_, rtol=1e-9)
        np.testing.assert_allclose(fitted.predict_proba(given), truth.predict_proba(X), rtol=1e-9)


def test_wide_sparse_features_stay_sparse(rng):
    X = sparse.random_array((3000, 60), density=0.03, format="csr", rng=rng)
    X.data[:] = 1.0
    y = (X @ rng.normal(size=(60, 3)) + rng.gumbel(size=(3000, 3))).argmax(axis=1)
    fitted = ml.MNLogitClassifier().fit(X, y)
    assert fitted.results_.record.need_blocks().design.source.sparse
    truth = fit_plainly(X.toarray(), y)
    np.testing.assert_allclose(fitted.predict_proba(X), truth.predict(), rtol=1e-8)


def test_predicting_wide_sparse_rows_takes_little_memory(rng):
    """Laid out they would fill 96 MB."""
    words = sparse.random_array((300, 3000), density=0.001, format="csr", rng=rng)
    words = sparse.hstack([rng.normal(size=(300, 1)), words], format="csr")
    y = rng.integers(0, 2, 300)
    few = words[:, :50]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollinearityWarning)
        fitted = ml.MNLogitClassifier(bias_reduction="mean").fit(few, y)
    many = sparse.vstack([few] * 800, format="csr")
    fitted.predict_proba(few)
    tracemalloc.start()
    try:
        fitted.predict_proba(many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * np.prod(many.shape) / 3


def test_pieces_of_new_rows_give_what_all_at_once_do(rng, monkeypatch):
    X, y = draw_overlapping(rng, 100)
    fitted = ml.MNLogitClassifier().fit(X, y)
    truth = fitted.predict_proba(X)
    monkeypatch.setattr("mlelogit.estimator.PIECE", 13)
    np.testing.assert_allclose(fitted.predict_proba(X), truth, rtol=1e-13)
    np.testing.assert_allclose(fitted.predict_proba(sparse.csr_array(X)), truth, rtol=1e-13)


# The object itself


def test_pickles_leave_the_rows_behind(rng):
    X, y = draw_overlapping(rng, 5000)
    fitted = ml.MNLogitClassifier().fit(X, y)
    data = pickle.dumps(fitted)
    assert len(data) < X.nbytes / 3
    for other in (pickle.loads(data), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
        np.testing.assert_array_equal(other.results_.bse, fitted.results_.bse)
        assert str(other.results_.summary()) == str(fitted.results_.summary())
        with pytest.raises(DataNotKeptError):
            other.results_.with_cov("HC1")
    assert fitted.results_.with_cov("HC1").cov_type == "HC1"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"separated": "firth"}, OptionError, "reduce_bias, limit, raise"),
        ({"weight_type": "analytic"}, WeightTypeError, "frequency"),
        ({"fit_intercept": "yes"}, OptionError, "True or False"),
        ({"bias_reduction": "firth"}, OptionError, "mean"),
        ({"method": "sag"}, OptionError, "method"),
        ({"maxiter": 0}, OptionError, "maxiter"),
        ({"tol": -1.0}, OptionError, "tol"),
        ({"threads": 0}, OptionError, "threads"),
        ({"base": "z"}, BaseCategoryError, "'z'"),
        ({"collinear": "keep"}, OptionError, "collinear"),
    ],
)
def test_wrong_parameters_are_refused_by_fit_alone(rng, options, error, words):
    estimator = ml.MNLogitClassifier(**options)
    with pytest.raises(error, match=words):
        estimator.fit(*draw_overlapping(rng))


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="penalty"):
        ml.MNLogitClassifier(penalty="l2")


ABSENT = """
import sys
sys.modules["sklearn"] = None
import mlelogit
from mlelogit import *
assert "MNLogitClassifier" in dir(mlelogit)
try:
    mlelogit.MNLogitClassifier
except mlelogit.exceptions.MissingExtraError as error:
    assert isinstance(error, ImportError)
    print(error)
"""


def test_without_scikit_learn_the_extra_is_named():
    run = subprocess.run([sys.executable, "-c", ABSENT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "pip install 'mlelogit[sklearn]'" in run.stdout

"""MNLogitClassifier among scikit-learn's own tools."""

import warnings

import numpy as np
import pytest
from scipy import sparse

import mlelogit as ml
from mlelogit.exceptions import CollinearityWarning, SeparationWarning
from tests.estimator.cases import FEATURES, draw_overlapping, load_anes

sklearn = pytest.importorskip("sklearn")


@pytest.fixture
def metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_a_pipeline_hands_over_names_and_scales():
    """Probabilities do not depend on the scaling, coefficients change by it."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_anes("vote")
    pipe = make_pipeline(StandardScaler(), ml.MNLogitClassifier())
    pipe.set_output(transform="pandas").fit(X, y)
    plain = ml.MNLogitClassifier().fit(X, y)
    assert list(pipe[-1].results_.params.index) == ["const", *FEATURES]
    np.testing.assert_allclose(pipe.predict_proba(X), plain.predict_proba(X), rtol=1e-8)
    np.testing.assert_allclose(pipe[-1].coef_ / pipe[0].scale_, plain.coef_, rtol=1e-7)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_factors_by_one_hot_encoding_are_those_of_a_formula(voters, output):
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    if output == "polars":
        polars = pytest.importorskip("polars")
        if sklearn.__version__.startswith("1.6.") and not polars.__version__.startswith("1."):
            pytest.skip("scikit-learn 1.6 does not know polars 2")
    encode = make_column_transformer(
        (OneHotEncoder(drop="first", sparse_output=False), ["region"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    pipe = make_pipeline(encode.set_output(transform=output), ml.MNLogitClassifier())
    X = voters[["region", "age"]]
    pipe.fit(X, voters["vote"])
    truth = ml.mnlogit("vote ~ C(region) + age", voters).fit()
    np.testing.assert_allclose(pipe.predict_proba(X), truth.predict(), rtol=1e-8)
    np.testing.assert_allclose(pipe[-1].results_.bse, truth.bse, rtol=1e-7)
    names = ["region_north", "region_west", "age"] if output != "default" else ["x0", "x1", "x2"]
    assert list(pipe[-1].results_.params.index) == ["const", *names]


def test_sparse_encodings(voters):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    pipe = make_pipeline(OneHotEncoder(drop="first"), ml.MNLogitClassifier())
    X = voters[["region", "children"]]
    assert sparse.issparse(pipe[0].fit_transform(X))
    pipe.fit(X, voters["vote"])
    truth = ml.mnlogit("vote ~ C(region) + C(children)", voters).fit()
    np.testing.assert_allclose(pipe.predict_proba(X), truth.predict(), rtol=1e-8)


def test_cross_validation_is_fit_after_fit(rng):
    from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score

    X, y = draw_overlapping(rng, 150)
    folds = StratifiedKFold(3)
    scores = cross_val_score(ml.MNLogitClassifier(), X, y, cv=folds, scoring="neg_log_loss")
    held_out = cross_val_predict(ml.MNLogitClassifier(), X, y, cv=folds, method="predict_proba")
    for score, (train, test) in zip(scores, folds.split(X, y), strict=True):
        design = np.column_stack([np.ones(len(X)), X])
        truth = ml.MNLogit(y[train], design[train]).fit().predict(design[test]).to_numpy()
        np.testing.assert_allclose(held_out[test], truth, rtol=1e-9)
        loss = np.log(truth[np.arange(len(test)), y[test]]).mean()
        np.testing.assert_allclose(score, loss, rtol=1e-9)


def test_a_class_absent_from_a_fold_is_no_class_of_that_fit(rng):
    """As for scikit-learn's own classifiers; what it fills in has probability zero."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict, cross_validate

    X, y = draw_overlapping(rng, 90)
    folds = PredefinedSplit(np.where(y == 2, 0, np.arange(90) % 2))
    done = cross_validate(ml.MNLogitClassifier(), X, y, cv=folds, return_estimator=True)
    assert [fitted.classes_.tolist() for fitted in done["estimator"]] == [[0, 1], [0, 1, 2]]
    options = {"cv": folds, "method": "predict_proba"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Number of classes in training fold", RuntimeWarning)
        ours = cross_val_predict(ml.MNLogitClassifier(), X, y, **options)
        theirs = cross_val_predict(
            LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10), X, y, **options
        )
    assert (ours[y == 2, 2] == 0).all()
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_grid_over_bias_reduction_and_rules(rng):
    """A fold that is separated is fitted by the rule, and says so."""
    from sklearn.model_selection import GridSearchCV

    X, y = draw_overlapping(rng, 24, 2)
    X[:, 0] += 4 * y  # Whole, they overlap no more.
    grid = {"bias_reduction": [None, "mean", "median"], "separated": ["reduce_bias", "limit"]}
    search = GridSearchCV(ml.MNLogitClassifier(), grid, scoring="neg_log_loss", cv=3)
    with pytest.warns(SeparationWarning):
        search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    found = {
        tuple(one.values()): score
        for one, score in zip(search.cv_results_["params"], scores, strict=True)
    }
    np.testing.assert_allclose(found[None, "reduce_bias"], found["mean", "limit"], rtol=1e-6)
    assert found[None, "reduce_bias"] != found[None, "limit"]


def test_errors_by_rule_end_a_search_as_scikit_learn_is_told(rng):
    from sklearn.model_selection import cross_val_score

    X = np.linspace(-1, 1, 30)[:, np.newaxis]
    estimator = ml.MNLogitClassifier(separated="raise")
    with pytest.raises(ValueError, match="SeparationError"):
        cross_val_score(estimator, X, X[:, 0] > 0, cv=3)


# Metadata


def test_weights_are_routed(rng, metadata_routing):
    from sklearn.model_selection import GridSearchCV, KFold, cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = draw_overlapping(rng, 90)
    weights = rng.integers(0, 3, 90).astype(float)
    make = ml.MNLogitClassifier
    with pytest.raises(ValueError, match="set_fit_request"):
        cross_validate(make(), X, y, params={"sample_weight": weights})
    asking = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    deaf = make().set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
    folds, params = KFold(2), {"sample_weight": weights}
    options = {"cv": folds, "params": params, "return_estimator": True}
    heard = cross_validate(asking, X, y, **options)
    unheard = cross_validate(deaf, X, y, **options)
    for place, (train, test) in enumerate(folds.split(X)):
        truth = make().fit(X[train], y[train], sample_weight=weights[train])
        np.testing.assert_array_equal(heard["estimator"][place].coef_, truth.coef_)
        score = truth.score(X[test], y[test], sample_weight=weights[test])
        assert heard["test_score"][place] == score
        plain = make().fit(X[train], y[train])
        np.testing.assert_array_equal(unheard["estimator"][place].coef_, plain.coef_)
    search = GridSearchCV(asking, {"bias_reduction": [None, "mean"]}, cv=2)
    search.fit(X, y, sample_weight=weights)
    truth = make(**search.best_params_).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(search.best_estimator_.coef_, truth.coef_)
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    pipe = make_pipeline(scaler, asking).fit(X, y, sample_weight=weights)
    truth = make().fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(pipe.predict_proba(X), truth.predict_proba(X), rtol=1e-9)


def test_weights_through_a_pipeline_without_routing(rng):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = draw_overlapping(rng)
    weights = rng.uniform(1, 2, 60)
    pipe = make_pipeline(StandardScaler(), ml.MNLogitClassifier())
    pipe.fit(X, y, mnlogitclassifier__sample_weight=weights)
    truth = ml.MNLogitClassifier().fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(pipe.predict_proba(X), truth.predict_proba(X), rtol=1e-9)


# Tools that take any classifier


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("classes", [2, 3])
def test_calibration(rng, method, classes):
    from sklearn.calibration import CalibratedClassifierCV

    X, y = draw_overlapping(rng, 150, classes)
    fitted = CalibratedClassifierCV(ml.MNLogitClassifier(), method=method, cv=3).fit(X, y)
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert fitted.score(X, y) > 1 / classes


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("rule", ["reduce_bias", "limit"])
def test_calibration_of_separated_data(method, rule):
    """Of decisions that are not finite scikit-learn would make half probabilities."""
    from sklearn.calibration import CalibratedClassifierCV

    X = np.linspace(-1, 1, 40)[:, np.newaxis]
    with pytest.warns(SeparationWarning):
        fitted = CalibratedClassifierCV(
            ml.MNLogitClassifier(separated=rule), method=method, cv=2
        ).fit(X, X[:, 0] > 0)
    assert fitted.score(X, X[:, 0] > 0) > 0.8


def test_inspection(rng):
    from sklearn.inspection import partial_dependence, permutation_importance

    X, y = draw_overlapping(rng, 200, columns=3)
    fitted = ml.MNLogitClassifier().fit(X, y)
    importance = permutation_importance(fitted, X, y, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 0
    found = partial_dependence(fitted, X, [0], grid_resolution=5)
    for place, value in enumerate(found["grid_values"][0]):
        changed = X.copy()
        changed[:, 0] = value
        truth = fitted.predict_proba(changed).mean(axis=0)
        np.testing.assert_allclose(found["average"][:, place], truth, rtol=1e-12)


def test_pictures(rng):
    plt = pytest.importorskip("matplotlib.pyplot")
    from sklearn.calibration import CalibrationDisplay
    from sklearn.inspection import DecisionBoundaryDisplay
    from sklearn.metrics import RocCurveDisplay

    X, y = draw_overlapping(rng, 100, 2)
    fitted = ml.MNLogitClassifier().fit(X, y)
    plt.switch_backend("agg")
    for display in (CalibrationDisplay, RocCurveDisplay):
        assert display.from_estimator(fitted, X, y).ax_ is not None
    DecisionBoundaryDisplay.from_estimator(fitted, X, grid_resolution=5)
    plt.close("all")


def test_meta_estimators(rng):
    """Each of them asks for something else: coef_, decision_function, predict_proba or clones."""
    from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
    from sklearn.feature_selection import RFE, SelectFromModel
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.multioutput import MultiOutputClassifier

    X, y = draw_overlapping(rng, 150, columns=3)
    make = ml.MNLogitClassifier
    plain = make().fit(X, y)
    both = MultiOutputClassifier(make()).fit(X, np.column_stack([y, y > 0]))
    np.testing.assert_array_equal(both.estimators_[0].coef_, plain.coef_)
    np.testing.assert_array_equal(both.predict(X)[:, 0], plain.predict(X))
    assert RFE(make(), n_features_to_select=1).fit(X, y).support_.tolist() == [True, False, False]
    assert SelectFromModel(make(), max_features=1, threshold=-np.inf).fit(X, y).get_support()[0]
    named = [("a", make()), ("b", make(bias_reduction="mean"))]
    for meta in (
        OneVsRestClassifier(make()),
        VotingClassifier(named, voting="soft"),
        BaggingClassifier(make(), n_estimators=3, random_state=0),
    ):
        assert meta.fit(X, y).score(X, y) > 0.4
    stacked = StackingClassifier(named, final_estimator=make(), cv=2)
    with pytest.warns(CollinearityWarning):  # Its features are probabilities, which add up to one.
        assert stacked.fit(X, y).score(X, y) > 0.4


def test_scores_take_its_outputs(rng):
    from sklearn.metrics import get_scorer

    X, y = draw_overlapping(rng, 150)
    fitted = ml.MNLogitClassifier().fit(X, y)
    loss = get_scorer("neg_log_loss")(fitted, X, y)
    np.testing.assert_allclose(loss, fitted.results_.llf / len(y), rtol=1e-10)
    assert 0.5 < get_scorer("roc_auc_ovr")(fitted, X, y) < 1


def test_clones_are_unfitted_and_equal_in_parameters(rng):
    X, y = draw_overlapping(rng)
    given = ml.MNLogitClassifier(base=2, separated="limit", cov_type="HC1").fit(X, y)
    cloned = sklearn.base.clone(given)
    assert cloned.get_params() == given.get_params()
    assert not [name for name in vars(cloned) if name.endswith("_")]
    assert repr(cloned) == "MNLogitClassifier(base=2, cov_type='HC1', separated='limit')"
    np.testing.assert_array_equal(cloned.fit(X, y).coef_, given.coef_)


def test_other_processes_give_the_same(rng):
    from sklearn.model_selection import cross_validate

    X, y = draw_overlapping(rng, 120)
    options = {"cv": 2, "return_estimator": True, "scoring": "neg_log_loss"}
    here = cross_validate(ml.MNLogitClassifier(threads=1), X, y, **options)
    there = cross_validate(ml.MNLogitClassifier(threads=1), X, y, n_jobs=2, **options)
    np.testing.assert_array_equal(here["test_score"], there["test_score"])
    for one, other in zip(here["estimator"], there["estimator"], strict=True):
        np.testing.assert_array_equal(one.coef_, other.coef_)
        np.testing.assert_array_equal(one.results_.bse, other.results_.bse)


def test_memmaps_that_cannot_be_written_to(rng, tmp_path):
    X, y = draw_overlapping(rng)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    fitted = ml.MNLogitClassifier().fit(mapped, y)
    np.testing.assert_array_equal(fitted.coef_, ml.MNLogitClassifier().fit(X, y).coef_)
    np.testing.assert_array_equal(fitted.predict(mapped), fitted.predict(X))

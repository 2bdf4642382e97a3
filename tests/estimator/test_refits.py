"""MNLogitClassifier: fits that fail leave none behind, masks, and the constant it adds."""

import warnings

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    MissingDataError,
    OneCategoryError,
    OptionError,
    SeparationError,
)
from tests.estimator.cases import draw_overlapping, draw_separated, load_anes

pytest.importorskip("sklearn")


def refuse(*args, **kwargs):
    raise KeyboardInterrupt


@pytest.mark.parametrize("before", [True, False], ids=["refit", "first fit"])
@pytest.mark.parametrize(
    ("error", "options"),
    [(SeparationError, {"separated": "raise"}), (OptionError, {"method": "steepest"})],
)
def test_a_fit_that_fails_leaves_none_behind(rng, before, error, options):
    from sklearn.exceptions import NotFittedError

    X, y = draw_overlapping(rng)
    apart, kind = draw_separated(rng)
    clf = ml.MNLogitClassifier()
    if before:
        clf.fit(X, y)
    clf.set_params(**options)
    with pytest.raises(error):
        clf.fit(pd.DataFrame(apart, columns=["a", "b"]), np.array(["p", "q", "r"])[kind])
    for ask in (clf.predict, clf.predict_proba, clf.decision_function):
        with pytest.raises(NotFittedError):
            ask(X)
    assert set(vars(clf)) == set(clf.get_params())


def test_an_interrupted_or_refused_fit_leaves_none_behind(rng, monkeypatch):
    from sklearn.exceptions import NotFittedError

    X, y = draw_overlapping(rng)
    clf = ml.MNLogitClassifier().fit(X, y)
    with pytest.raises(OneCategoryError):
        clf.fit(X, np.zeros(len(X), int))
    with pytest.raises(NotFittedError):
        clf.predict(X)
    clf.fit(X, y)
    monkeypatch.setattr(ml.MNLogitClassifier, "_fit_by_rule", refuse)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_a_refit_is_the_fit_that_a_new_estimator_makes(rng):
    X, y = load_anes()
    clf = ml.MNLogitClassifier().fit(X, y)
    few, kind = draw_overlapping(rng)
    clf.fit(few, kind)
    fresh = ml.MNLogitClassifier().fit(few, kind)
    assert set(vars(clf)) == set(vars(fresh))  # No names of the frame's features.
    np.testing.assert_array_equal(clf.coef_, fresh.coef_)
    np.testing.assert_array_equal(clf.classes_, fresh.classes_)


# Masks


@pytest.mark.parametrize("what", ["X", "y", "sample_weight"])
def test_masked_entries_raise_and_masks_of_none_do_not_count(rng, what):
    X, y = draw_overlapping(rng)
    given = {"X": X, "y": y, "sample_weight": np.ones(len(y))}
    plain = ml.MNLogitClassifier().fit(**given)
    for mask in (False, np.zeros(given[what].shape, bool)):
        same = ml.MNLogitClassifier().fit(**given | {what: np.ma.array(given[what], mask=mask)})
        np.testing.assert_array_equal(same.coef_, plain.coef_)
        assert same.classes_.dtype == plain.classes_.dtype
    mask = np.zeros(given[what].shape, bool)
    mask[7] = True
    with pytest.raises(MissingDataError, match=f"^{what} has .* masked .* row 7"):
        ml.MNLogitClassifier().fit(**given | {what: np.ma.array(given[what], mask=mask)})
    if what == "X":
        with pytest.raises(MissingDataError, match="row 7"):
            plain.predict(np.ma.array(X, mask=mask))


# The constant that it adds


def test_results_need_no_constant_in_new_rows():
    """The formula's fit adds its constant as well: what it answers is the truth."""
    X, y = load_anes()
    X.insert(0, "const", np.arange(len(X)) % 5.0)  # So that the constant is called otherwise.
    clf = ml.MNLogitClassifier().fit(X, y)
    assert clf.results_.params.index[0] == "_const"
    truth = ml.mnlogit(f"PID ~ {' + '.join(X.columns)}", X.assign(PID=y)).fit()
    new = X.iloc[40:60][X.columns[::-1]]
    close = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(clf.results_.predict(new), truth.predict(new), **close)
    np.testing.assert_allclose(
        clf.results_.predict(new), clf.predict_proba(new[X.columns]), rtol=1e-12
    )
    ours, theirs = (r.get_prediction(new).summary_frame() for r in (clf.results_, truth))
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), **close)
    ours, theirs = (
        r.margins(variables="age", newdata=new).summary_frame()["estimate"]
        for r in (clf.results_, truth)
    )
    np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), **close)
    row = {name: [1.0] for name in X.columns}
    np.testing.assert_allclose(clf.results_.predict(row), truth.predict(row), **close)
    with pytest.raises(ColumnNotFoundError, match="no column 'age'"):
        clf.results_.predict(new.drop(columns="age"))


def test_results_of_arrays_take_arrays_of_the_features(rng):
    X, y = draw_overlapping(rng, columns=1)
    clf = ml.MNLogitClassifier().fit(X, y)
    expected = clf.predict_proba(X[:2])
    np.testing.assert_allclose(clf.results_.predict(X[:2]), expected, rtol=1e-13)
    np.testing.assert_allclose(clf.results_.predict(X[:2, 0]), expected, rtol=1e-13)


def test_saved_results_need_no_constant_either(tmp_path):
    X, y = load_anes()
    clf = ml.MNLogitClassifier().fit(X, y)
    expected = clf.predict_proba(X.head(9))
    kept = ml.load(clf.results_.save(tmp_path / "kept.json", data=True))
    lean = clf.results_.save(tmp_path / "lean.json")
    again = ml.load(lean, data={"endog": pd.Series(y, index=X.index, name="PID"), "exog": X})
    for loaded in (kept, ml.load(lean), again):
        np.testing.assert_allclose(loaded.predict(X.head(9)), expected, rtol=1e-13)
    np.testing.assert_allclose(again.with_cov("HC1").bse, clf.results_.with_cov("HC1").bse)


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_results_answer_in_the_kind_of_frame_that_was_given(kind):
    module = pytest.importorskip(kind)
    X, y = load_anes()
    X = module.from_pandas(X) if kind == "polars" else module.table(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = ml.MNLogitClassifier().fit(X, y)
    assert type(clf.results_.tidy()).__module__.startswith(kind)
    assert type(clf.results_.predict()).__module__.startswith(kind)


@pytest.mark.parametrize("gap", [np.nan, None])
def test_a_list_of_labels_with_gaps_has_no_class_of_gaps(rng, gap):
    X, y = draw_overlapping(rng)
    labels = [f"c{k}" for k in y]
    assert ml.MNLogitClassifier().fit(X, labels).classes_.tolist() == ["c0", "c1", "c2"]
    with pytest.raises(ValueError, match=r"missing|NaN"):
        ml.MNLogitClassifier().fit(X, [gap, *labels[1:]])


@pytest.mark.parametrize("make", [list, lambda labels: np.array(labels, dtype=object)])
def test_labels_of_text_and_numbers_have_no_order(rng, make):
    X, _ = draw_overlapping(rng)
    with pytest.raises(ColumnTypeError, match="'a' and 1"):
        ml.MNLogitClassifier().fit(X, make(["a", 1] * 30))

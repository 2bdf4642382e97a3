"""A path as a user reads it, and its cross-validation against cv.glmnet and fits by hand."""

import json

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.folds import FoldRequest, deal_folds
from mlelogit.exceptions import (
    BaseCategoryError,
    HeldOutWarning,
    OffsetError,
    OptionError,
    UnseenLevelError,
)
from tests.inference.samples import survey
from tests.reference_cases import FOLDER

FORMULA = "party ~ age + educ + region"


@pytest.fixture(scope="module")
def path():
    return ml.mnlogit(FORMULA, survey(), base="green").fit_path(0.8)


def test_table_and_coefficients_are_labelled(path):
    assert path.table.index.name == "penalty"
    assert (np.diff(path.penalties) < 0).all()
    assert path.nonzero.equals(path.table["nonzero"])
    assert path.loglike.equals(path.table["loglike"])
    assert path.deviance_ratio.equals(path.table["deviance_ratio"])
    assert path.kkt.equals(path.table["kkt"])
    level = path.penalties[40]
    every = path.coefficients(level)
    assert list(every.columns) == ["blue", "green", "red"]
    assert list(every.index) == ["Intercept", "age", "educ", "region[T.south]", "region[T.west]"]
    assert every.loc["Intercept"].sum() == pytest.approx(0, abs=1e-12)
    line = path.table.loc[level]
    assert line["nonzero"] == (every.iloc[1:] != 0).to_numpy().sum()
    assert line["variables"] == (every.iloc[1:] != 0).any(axis=1).sum()
    apart = path.coefficients(level, base="red")
    assert list(apart.columns) == ["blue", "green"]
    assert np.array_equal(apart["blue"], every["blue"] - every["red"])


def test_probabilities_are_those_of_the_coefficients(path):
    level, frame = path.penalties[60], survey()
    shares = path.predict(penalty=level)
    x = ml.mnlogit(FORMULA, frame).design.source.block(0, 160)
    scores = np.exp(path.coefficients(level).to_numpy().T @ x)
    assert np.abs(shares.to_numpy().T - scores / scores.sum(axis=0)).max() < 1e-12
    again = path.predict(frame.iloc[7:3:-1], level)
    pd.testing.assert_frame_equal(again, shares.iloc[7:3:-1])
    own = [shares.loc[i, party] for i, party in frame["party"].items()]
    assert np.log(own).sum() == pytest.approx(path.table.loc[level, "loglike"])
    assert path.predict(frame.iloc[:2], level, which="category").dtype == "category"
    linear = path.predict(frame.iloc[:2], level, which="linear")
    assert (linear["green"] == 0).all()
    holes = frame.iloc[:2].assign(age=[np.nan, 1.0])
    assert path.predict(holes, level, missing="propagate").isna().iloc[0].all()


def test_errors_of_new_data_are_named(path):
    with pytest.raises(UnseenLevelError):
        path.predict(survey().iloc[:2].assign(region="moon"), path.penalties[3])
    with pytest.raises(OffsetError):
        path.predict(survey().iloc[:2], path.penalties[3], offset=np.zeros((2, 3)))


def test_penalties_are_not_interpolated(path):
    between = path.penalties[3:5].mean()
    with pytest.raises(OptionError, match="not on the path"):
        path.coefficients(between)
    with pytest.raises(OptionError, match="one of the 100"):
        path.coefficients()
    with pytest.raises(OptionError, match="one of the 100"):
        path.predict(penalty="best")
    with pytest.raises(BaseCategoryError):
        path.coefficients(path.penalties[0], base="purple")
    assert path.coefficients(float(f"{path.penalties[7]:.11g}")).equals(
        path.coefficients(path.penalties[7])
    )


def test_it_says_what_it_is_and_that_it_has_no_standard_errors(path):
    said = repr(path)
    assert said.startswith("Elastic net path, l1_ratio=0.8, standardized columns: 100 penalties")
    assert "KKT" in said
    assert "no standard errors" in said
    assert not hasattr(path, "bse")
    ridge = ml.mnlogit(FORMULA, survey()).fit_path(0, penalties=0.1, standardize=False)
    assert repr(ridge).startswith("Ridge path, l1_ratio=0, columns as they are: 1 penalties")


def test_names_need_not_be_text():
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 2)), columns=[("a", 1), 7])
    frame.insert(0, "one", 1.0)
    path = ml.MNLogit(np.arange(60) % 3, frame).fit_path(penalties=0.001)
    assert list(path.coefficients().index) == ["one", ("a", 1), 7]
    assert list(path.coefficients().columns) == [0, 1, 2]


def load_regions():
    truth = json.loads((FOLDER / "truth" / "glmnet_regions.json").read_text(encoding="utf-8"))
    return truth["cv"], pd.read_csv(FOLDER / truth["data"])


def test_deviances_agree_with_cv_glmnet():
    truth, data = load_regions()
    model = ml.mnlogit(
        "y ~ x1 + x2 + x3 + x4 + x5", data, weights="w", weight_type="frequency", base="west"
    )
    path = model.fit_path(1.0, penalties=truth["lambda"])
    found = path.cross_validate(np.arange(len(data)) % 5)
    assert np.abs(found.table["deviance"] / truth["cvm"] - 1).max() < 1e-7
    assert np.abs(found.table["std_err"] / truth["cvsd"] - 1).max() < 1e-6
    assert found.best == truth["lambda_min"]
    assert found.one_se == truth["lambda_1se"]
    assert f"best: penalty {found.best:.6g}" in repr(found)


@pytest.mark.parametrize(("l1_ratio", "grouped"), [(0.0, False), (0.5, True)])
def test_deviances_agree_with_fits_by_hand(l1_ratio, grouped):
    frame, levels = survey(), [0.1, 0.01]
    model = ml.mnlogit("party ~ age + educ", frame)
    path = model.fit_path(l1_ratio, grouped=grouped, penalties=levels)
    found = path.cross_validate(4, seed=2)
    (folds,) = deal_folds(model.design, FoldRequest(4, 2))
    fold = np.argmax([folds.hold(f) for f in range(len(folds.labels))], axis=0)
    expected = np.zeros((4, 2))
    for f in range(4):
        rest = ml.mnlogit("party ~ age + educ", frame[fold != f])
        fitted = rest.fit_path(l1_ratio, grouped=grouped, penalties=levels)
        held = frame[fold == f]
        for i, level in enumerate(levels):
            shares = fitted.predict(held, level)
            own = [shares.loc[row, party] for row, party in held["party"].items()]
            expected[f, i] = -2 * np.mean(np.log(own))
    assert np.abs(found.folds.to_numpy() - expected).max() < 1e-10
    sizes = np.bincount(fold)
    assert np.array_equal(found.observations, sizes)
    assert np.abs(found.table["deviance"] - sizes @ expected / 160).max() < 1e-12


def test_people_are_held_out_one_by_one():
    frame = survey()
    long = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    options = {"penalties": [0.05, 0.01]}
    few = ml.mnlogit("party ~ age", frame, weights="people", weight_type="frequency")
    many = ml.mnlogit("party ~ age", long)
    first = few.fit_path(**options).cross_validate(4)
    second = many.fit_path(**options).cross_validate(4)
    assert np.abs(first.table - second.table).to_numpy().max() < 1e-9


def test_a_tiny_penalty_is_the_model_without(path):
    """As the penalty goes to zero, held-out deviances go to those of maximum likelihood."""
    model = ml.mnlogit("party ~ age + educ", survey())
    penalized = model.fit_path(0.5, penalties=1e-9).cross_validate(5)
    plain = model.cross_validate(5)
    assert penalized.table["deviance"].iloc[0] == pytest.approx(-2 * plain.mean, rel=1e-6)
    assert penalized.table["std_err"].iloc[0] == pytest.approx(2 * plain.std_err, rel=1e-5)


def test_a_category_lost_in_a_fold_is_told_and_left_out():
    frame = survey()
    fold = np.where(frame["party"] == "red", 0, np.arange(160) % 2 + 1)
    fold[1] = 0
    path = ml.mnlogit("party ~ age", frame).fit_path(penalties=[0.05, 0.01])
    with pytest.warns(HeldOutWarning, match="infinite at every penalty") as caught:
        found = path.cross_validate(fold)
    assert len(caught) == 1
    red = (frame["party"] == "red").sum()
    assert found.lost == red
    assert np.isfinite(found.table["deviance"]).all()
    assert found.observations.sum() == 160 - red
    every = frame["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    with (
        pytest.warns(HeldOutWarning),
        pytest.raises(OptionError, match="No observation held out"),
    ):
        path.cross_validate(every)


def test_a_column_constant_in_a_fold_does_not_become_the_intercept():
    frame = survey().copy()
    frame.insert(0, "late", (np.arange(160) < 8).astype(float) + 1)
    x = frame[["late", "age"]].assign(one=1.0)
    path = ml.MNLogit(frame["party"], x).fit_path(penalties=0.01)
    fold = np.where(np.arange(160) < 8, 0, np.arange(160) % 2 + 1)
    found = path.cross_validate(fold)
    rest = ml.MNLogit(frame["party"][8:], x.iloc[8:, 1:]).fit_path(penalties=0.01)
    shares = rest.predict(x.iloc[:8, 1:])
    own = [shares.loc[row, party] for row, party in frame["party"][:8].items()]
    assert found.folds.iloc[0, 0] == pytest.approx(-2 * np.mean(np.log(own)), rel=1e-9)


def test_unknown_keywords_raise(path):
    with pytest.raises(TypeError, match="nfolds"):
        path.cross_validate(nfolds=5)
    with pytest.raises(OptionError, match="2 or more"):
        path.cross_validate(1)

"""Covariances against sandwiches with plain loops, and their changes of base."""

from __future__ import annotations

import numpy as np
import pytest

import mlelogit as ml
from mlelogit.exceptions import CovarianceError, OptionError
from mlelogit.inference.covariance import estimate_model_covariance
from mlelogit.inference.sandwich.requests import PLAIN, CovarianceRequest
from tests.inference.samples import fitted, plain_sandwich, survey
from tests.theorems.strategies import matrix_gap

WEIGHTS = {
    "none": {},
    "frequency": {"weights": "people", "weight_type": "frequency"},
    "sampling": {"weights": "weight", "weight_type": "sampling"},
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_every_kind_is_a_plain_sandwich(case):
    res = fitted(**WEIGHTS[case])
    bread, meat = plain_sandwich(res, squared=case == "sampling")
    n = survey()["people"].sum() if case == "frequency" else 160
    hc0 = bread @ meat @ bread
    expected = {
        "nonrobust": bread,
        "opg": np.linalg.inv(meat),
        "HC0": hc0,
        "HC1": hc0 * n / (n - 10),
        "robust": hc0 * n / (n - 1),
    }
    if case == "sampling":
        del expected["nonrobust"], expected["opg"]
    for kind, matrix in expected.items():
        found = res.with_cov(kind)
        assert found.cov_type == kind
        assert matrix_gap(found.cov_params(), matrix) < 1e-8, kind
        assert np.abs(found.bse.to_numpy().T.ravel() ** 2 / np.diag(matrix) - 1).max() < 1e-8
        assert (found.params == res.params).all(axis=None)
        assert found.llf == res.llf


@pytest.mark.parametrize("kind", PLAIN)
def test_no_covariance_has_the_unit_of_sampling_weights(kind):
    """Weights in persons or in thousands of persons say the same of the population."""
    frame = survey().assign(thousands=survey()["weight"] / 1000)
    formula = "party ~ age + educ"
    one = ml.mnlogit(formula, frame, weights="weight", weight_type="sampling")
    two = ml.mnlogit(formula, frame, weights="thousands", weight_type="sampling")
    if kind in ("nonrobust", "opg"):
        with pytest.raises(CovarianceError, match=r"shrink if all.*'robust'.*'importance'"):
            one.fit(cov_type=kind)
        with pytest.raises(CovarianceError, match="sampling weights"):
            one.fit().with_cov(kind)
        with pytest.raises(CovarianceError, match="sampling weights"):
            two.fit().with_cov(CovarianceRequest(kind))
    else:
        assert (
            np.abs(two.fit(cov_type=kind).bse / one.fit(cov_type=kind).bse - 1).max(axis=None)
            < 1e-8
        )


def test_the_inverse_information_is_there_for_engines_whatever_the_weights():
    sampled, trusted = (
        fitted("party ~ age", weights="weight", weight_type=kind)
        for kind in ("sampling", "importance")
    )
    inner = estimate_model_covariance(sampled.record)
    assert inner.kind == "nonrobust"
    assert matrix_gap(inner.matrix, trusted.cov_params()) < 1e-9
    assert sampled.verify(engines="statsmodels").frame["se_diff"].max() < 1e-5


def test_defaults():
    assert fitted().cov_type == "nonrobust"
    assert fitted(**WEIGHTS["frequency"]).cov_type == "nonrobust"
    assert fitted(**WEIGHTS["sampling"]).cov_type == "robust"
    importance = fitted(weights="weight", weight_type="importance")
    assert importance.cov_type == "nonrobust"
    bread, _ = plain_sandwich(importance)
    assert matrix_gap(importance.cov_params(), bread) < 1e-8


@pytest.mark.parametrize("kind", ["opg", "HC0", "HC1", "robust"])
def test_importance_weights_have_no_robust_covariance(kind):
    with pytest.raises(CovarianceError, match="importance"):
        fitted(weights="weight", weight_type="importance").with_cov(kind)
    model = ml.mnlogit("party ~ age", survey(), weights="weight", weight_type="importance")
    with pytest.raises(CovarianceError, match="importance"):
        model.fit(cov_type=kind)


@pytest.mark.parametrize("kind", ["hc0", "HC4", "cluster?", 0])
def test_unknown_kinds_raise_and_list_the_choices(kind):
    with pytest.raises(OptionError, match="nonrobust, opg, HC0, HC1"):
        fitted().with_cov(kind)
    with pytest.raises(OptionError, match="nonrobust, opg, HC0, HC1"):
        ml.mnlogit("party ~ age", survey()).fit(cov_type=kind)


def test_arguments_that_a_covariance_does_not_take_raise():
    with pytest.raises(OptionError, match="cov_kwds"):
        ml.mnlogit("party ~ age", survey()).fit(cov_type="HC0", cov_kwds={"groups": [1]})


def test_fit_and_with_cov_are_the_same_covariance():
    res = ml.mnlogit("party ~ age + educ + region", survey()).fit(cov_type="HC1")
    assert (res.cov_params() == fitted().with_cov("HC1").cov_params()).all(axis=None)


@pytest.mark.parametrize("kind", ["nonrobust", "opg", "HC0", "HC1", "robust"])
def test_covariance_of_differences_of_equations(kind):
    res = fitted().with_cov(kind)
    old, new = res.cov_params(), res.rebase("red").cov_params()
    for one in ("age", "Intercept"):
        for two in ("educ", "age"):
            g1, g2, r1, r2 = ("green", one), ("green", two), ("red", one), ("red", two)
            both = old.loc[g1, g2] - old.loc[g1, r2] - old.loc[r1, g2] + old.loc[r1, r2]
            scale = np.sqrt(new.loc[g1, g1] * new.loc[g2, g2])
            assert abs(new.loc[g1, g2] - both) < 1e-9 * scale
            back = ("blue", one), ("blue", two)
            assert abs(new.loc[back] - old.loc[r1, r2]) < 1e-9 * scale
    assert res.rebase("red").cov_type == kind


def test_hc1_needs_more_observations_than_parameters():
    rng = np.random.default_rng(2)
    x = np.ones((3, 1))
    res = ml.MNLogit([0, 1, 2], x).fit()
    assert res.params.shape == (1, 2)
    wide = ml.MNLogit(rng.dirichlet([1, 1, 1], size=4), rng.normal(size=(4, 2))).fit()
    with pytest.raises(CovarianceError, match="n - 4"):
        wide.with_cov("HC1")
    assert np.isfinite(wide.with_cov("HC0").bse.to_numpy()).all()


def test_too_few_observations_for_the_outer_product():
    res = ml.MNLogit(np.array([[3, 1, 0], [1, 2, 2]]), [[1.0], [1.0]], outcome="counts").fit()
    assert np.isfinite(res.with_cov("opg").bse.to_numpy()).all()
    soft = ml.MNLogit(np.array([[0.5, 0.25, 0.25], [0.2, 0.4, 0.4]]), [[1.0], [1.0]]).fit()
    with pytest.raises(CovarianceError, match="fewer distinct"):
        soft.with_cov("opg")

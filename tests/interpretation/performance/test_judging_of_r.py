"""Recalibration, areas, tables and weighted means as VGAM, pROC, caret and survey have them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from tests.reference_cases import FOLDER

TRUTH = json.loads((FOLDER / "calibration.json").read_text(encoding="utf-8"))
VARIABLES = ["vote", "sex", "age", "education", "statusquo", "population"]


@pytest.fixture(scope="module")
def chile():
    frame = pd.read_csv(FOLDER / "data" / "chile.csv")[VARIABLES].dropna()
    res = ml.mnlogit("vote ~ sex + age + education + statusquo", frame.iloc[::2]).fit()
    return res, frame.iloc[1::2]


def agree(found, truth, tolerance=1e-9):
    truth = np.array([np.nan if value is None else value for value in truth])
    np.testing.assert_allclose(np.ravel(found), truth, rtol=tolerance, atol=tolerance)


def test_recalibration(chile):
    res, new = chile
    found = res.calibration(newdata=new)
    assert len(new) == TRUTH["rows"][0]
    for model, key in (("slopes of one", "shift"), ("own slopes", "own"), ("one slope", "one")):
        agree(found.recalibration.loc[model, "estimate"], TRUTH[key])
        # With xij VGAM's standard errors are off by 2e-8 of those of the information at its own
        # estimates, which `test_recalibration_has_the_errors_of_its_information` compares.
        tolerance = 1e-7 if key == "one" else 1e-9
        agree(found.recalibration.loc[model, "std_err"], TRUTH[f"{key}_se"], tolerance)
    none, shift, own = (TRUTH[key][0] for key in ("loglike", "shift_loglike", "own_loglike"))
    agree(found.tests["statistic"], [2 * (own - none), 2 * (shift - none), 2 * (own - shift)], 1e-8)
    assert found.tests["df"].tolist() == [6, 3, 3]
    assert (found.tests["reason"] == "").all()


def test_recalibration_has_the_errors_of_its_information(chile):
    """Of VGAM's estimates with one slope for all, row by row."""
    res, new = chile
    predictors = res.predict(new, which="linear").to_numpy()[:, 1:]
    params = np.array(TRUTH["one"])
    scores = np.column_stack([np.zeros(len(new)), params[:3] + params[3] * predictors])
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    information = np.zeros((4, 4))
    for row, y in zip(predictors, p[:, 1:], strict=True):
        slopes = np.column_stack([np.eye(3), row])
        information += slopes.T @ (np.diag(y) - np.outer(y, y)) @ slopes
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    agree(res.calibration(newdata=new).recalibration.loc["one slope", "std_err"], errors, 1e-11)


def test_areas_and_their_variances(chile):
    res, new = chile
    found = res.scores(new)
    rest = found.discrimination_by_category.loc["auc"]
    agree(rest["estimate"], TRUTH["rest"], 1e-12)
    agree(rest["std_err"] ** 2, TRUTH["rest_var"], 1e-12)
    agree(found.pairs["estimate"], TRUTH["pairs"], 1e-12)
    agree(found.discrimination.loc["hand_till", "estimate"], TRUTH["hand_till"], 1e-12)
    agree(found.log * len(new), [-TRUTH["loglike"][0]], 1e-10)


def test_tables_and_rates(chile):
    res, new = chile
    found = res.classification(new)
    agree(found.table.to_numpy(), TRUTH["table"])
    agree(found.rates.loc["kappa", "estimate"], TRUTH["kappa"], 1e-12)
    for measure in ("sensitivity", "specificity", "precision"):
        agree(found.by_category.loc[measure, "estimate"], TRUTH[measure], 1e-12)


def test_means_with_sampling_weights(chile):
    res, new = chile
    how = {"weights": "population", "weight_type": "sampling"}
    rates, scores = res.classification(new, **how).rates, res.scores(new, **how).overall
    means = [rates.loc["hit_rate", "estimate"], *scores["score"]]
    agree(means, TRUTH["means"], 1e-11)
    agree([rates.loc["hit_rate", "std_err"], *scores["std_err"]], TRUTH["means_se"], 1e-9)
    agree(rates.loc["kappa", "estimate"], TRUTH["survey_kappa"], 1e-12)
    agree(rates.loc["kappa", "std_err"], TRUTH["survey_kappa_se"], 1e-9)

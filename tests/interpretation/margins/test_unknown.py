"""What has no standard error is NaN, and never zero."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import SeparationWarning
from mlelogit.interpretation.margins.effects import estimate_margins
from tests.inference.samples import fitted


@pytest.fixture(scope="module")
def apart():
    """Complete separation: every row has one category left, so that no coefficient is told."""
    data = pd.DataFrame({"x": np.arange(8.0), "y": list("aaabbbcc")})
    with pytest.warns(SeparationWarning):
        return ml.mnlogit("y ~ x", data).fit()


@pytest.mark.parametrize("options", [{"change": "unit"}, {"change": (0, 7)}, {"effect": "level"}])
def test_complete_separation_tells_no_standard_error(apart, options):
    names = None if "effect" in options else "x"
    with pytest.warns(SeparationWarning):
        frame = apart.margins(names, **options).summary_frame()
    assert np.isfinite(frame["estimate"]).all()
    assert frame[["std_err", "z", "p_value", "lower", "upper"]].isna().to_numpy().all()


def test_predictions_and_margins_agree_on_what_is_known(apart):
    with pytest.warns(SeparationWarning):
        shares = apart.get_prediction(average=True).summary_frame()
    assert shares["std_err"].isna().all()
    assert np.abs(shares["probability"] - [0.375, 0.375, 0.25]).max() < 1e-12


def test_no_variance_is_known():
    res = fitted()
    matrix = np.full_like(res.covariance.matrix, np.nan)
    bare = dataclasses.replace(res.covariance, matrix=matrix, inner=None)
    found = estimate_margins(res.record, bare, "age")
    assert np.isnan(found.std_err).all()
    assert np.isfinite(found.estimate).all()
    assert "no standard error" in found.test().reason


def test_what_is_zero_or_one_in_the_limit_has_no_standard_error():
    data = pd.DataFrame({"x": np.arange(8.0), "y": list("aababbcc")})
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ x", data).fit()
    with pytest.warns(SeparationWarning):
        frame = res.margins(effect="level", at={"x": [0.0, 7.0]}).summary_frame()
    settled = frame["estimate"].isin([0.0, 1.0])
    assert settled.any()
    assert frame.loc[settled, "std_err"].isna().all()
    assert (frame["std_err"].dropna() > 0).all()


def test_a_difference_from_what_is_settled_has_no_standard_error():
    """One person alone in a level has a probability of one there, of which nothing is known."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"y": rng.choice(list("abc"), 90), "x": rng.normal(size=90)})
    frame["g"] = np.where(np.arange(90) == 3, "alone", rng.choice(["p", "q"], 90))
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ x + C(g, Treatment('p'))", frame).fit()
    with pytest.warns(SeparationWarning, match="separated"):
        effects = res.margins(["g", "x"]).summary_frame()
    alone = effects["contrast"] == "alone - p"
    assert alone.sum() == 3
    assert effects.loc[alone, ["std_err", "z", "p_value", "lower", "upper"]].isna().all(axis=None)
    assert np.isfinite(effects.loc[alone, "estimate"]).all()
    others = effects.loc[~alone]
    assert len(others) == 6
    assert (others["std_err"] > 0).all()

"""Definitions of the fit statistics, on a fake fit whose numbers are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import chi2

from mlelogit.fitting.record import NullModel
from mlelogit.inference.fit_statistics import compute_fit_statistics


def fake(llf=-90.0, llnull=-100.0, size=6, null="intercepts", weight_type=None, nobs=50):
    return SimpleNamespace(
        sums=SimpleNamespace(loglike=llf),
        null=NullModel(llnull, null),
        maximum=SimpleNamespace(params=np.zeros(size), bias_reduction=None),
        params=np.zeros((2, size // 2)),
        weight_type=weight_type,
        nobs=nobs,
        size=size,
        at_bounds=False,
    )


def test_definitions():
    found = compute_fit_statistics(fake())
    assert (found.llf, found.llnull, found.llr) == (-90.0, -100.0, 20.0)
    assert (found.df_model, found.df_resid, found.nobs) == (4, 44, 50)
    assert abs(found.prsquared - 0.1) < 1e-15
    assert found.aic == 192.0
    assert abs(found.bic - (180 + 6 * np.log(50))) < 1e-12
    assert abs(found.llr_pvalue - chi2.sf(20, 4)) < 1e-15
    assert found.reason == ""
    assert found.null == "intercepts"


@pytest.mark.parametrize("null", ["equal shares", "offset"])
def test_a_null_without_intercepts_has_no_parameters(null):
    found = compute_fit_statistics(fake(null=null))
    assert found.df_model == 6
    assert found.df_resid == 44
    assert abs(found.llr_pvalue - chi2.sf(20, 6)) < 1e-15


def test_far_tails_are_not_zero():
    found = compute_fit_statistics(fake(llf=-100.0, llnull=-300.0))
    assert 0 < found.llr_pvalue < 1e-80


def test_the_null_model_itself_has_nothing_to_test():
    found = compute_fit_statistics(fake(llf=-100.0, size=2))
    assert found.df_model == 0
    assert np.isnan(found.llr_pvalue)
    assert found.prsquared == 0


def test_sampling_weights_leave_no_likelihood_statistics_and_say_why():
    found = compute_fit_statistics(fake(weight_type="sampling"))
    assert np.isnan([found.llr, found.llr_pvalue, found.aic, found.bic]).all()
    assert "pseudo-likelihood" in found.reason
    assert (found.llf, found.llnull, found.df_resid) == (-90.0, -100.0, 44)


@pytest.mark.parametrize("weight_type", ["frequency", "importance"])
def test_other_weights_keep_them(weight_type):
    found = compute_fit_statistics(fake(weight_type=weight_type, nobs=1000))
    assert abs(found.bic - (180 + 6 * np.log(1000))) < 1e-12
    assert found.df_resid == 994


def test_a_start_a_rounding_error_above_the_answer_is_no_negative_test():
    found = compute_fit_statistics(fake(llf=-100.0 - 1e-13))
    assert found.llr_pvalue == 1.0

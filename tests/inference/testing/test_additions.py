"""Columns added to a model are tested as the larger model tests them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnTypeError,
    DuplicateColumnError,
    InfiniteValueError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    OptionError,
    ParamsError,
    RankDeficiencyError,
    SeparationWarning,
)
from tests.inference.plain import hold, lay_bare
from tests.inference.samples import fitted, survey
from tests.reference_cases import load_case


@pytest.mark.parametrize("kind", ["nonrobust", "opg", "HC0", "HC1", "robust"])
@pytest.mark.parametrize("weights", [None, "frequency", "sampling"])
def test_it_is_the_test_of_the_larger_model(kind, weights):
    column = {"frequency": "people", "sampling": "weight"}.get(weights)
    how = {} if weights is None else {"weights": column, "weight_type": weights}
    smaller, larger = fitted("party ~ region", **how), fitted("party ~ region + age + educ", **how)
    added = smaller.score_test(exog_extra=survey()[["age", "educ"]], cov_type=kind)
    within = larger.score_test(["age", "educ"], cov_type=kind)
    if weights == "sampling" and kind == "nonrobust":
        assert "cov_type='robust'" in added.reason
        return
    assert added.statistic == pytest.approx(within.statistic, rel=1e-8)
    assert added.df == within.df == 4
    assert added.name == within.name


def test_it_agrees_with_statsmodels():
    smaller = fitted("party ~ age + region")
    bare, extra = lay_bare(smaller), survey()["educ"].to_numpy()
    peer = sm.MNLogit(bare.d.argmax(axis=1), bare.x).fit(disp=0, method="newton", tol=1e-13)
    theirs = peer.score_test(exog_extra=extra[:, np.newaxis])
    for given in (extra, extra[:, np.newaxis], extra.tolist(), survey()["educ"]):
        ours = smaller.score_test(exog_extra=given)
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-8)
    assert "educ" in ours.null
    moved = smaller.rebase("red").score_test(exog_extra=extra)
    assert moved.statistic == pytest.approx(ours.statistic, rel=1e-9)


def test_wrong_columns_raise():
    res, educ = fitted("party ~ age + region"), survey()["educ"].astype(float)
    for given, error in [
        (educ.iloc[:-1].to_numpy(), LengthMismatchError),
        (educ.iloc[::-1], MisalignedIndexError),
        (educ.where(educ < 7).to_numpy(), MissingDataError),
        (educ.replace(7.0, np.inf), InfiniteValueError),
        (["a"] * 160, ColumnTypeError),
        (survey()[["age"]], DuplicateColumnError),
        (2 * survey()["age"].to_numpy() + 1, RankDeficiencyError),
    ]:
        with pytest.raises(error):
            res.score_test(exog_extra=given)
    with pytest.raises(OptionError, match="not both"):
        res.score_test("age", exog_extra=educ)
    with pytest.raises(ParamsError):
        res.score_test()


def test_what_does_not_apply_says_why():
    educ = survey()["educ"]
    case = load_case("bankwages_full")
    with pytest.warns(SeparationWarning):
        separated = ml.mnlogit(case.formula, case.data, **case.options).fit()
    held = hold(fitted("party ~ age + region"), "green: age = red: age")
    reduced = ml.mnlogit("party ~ age", survey()).fit(bias_reduction="mean")
    noise = pd.Series(np.arange(474) % 7, name="noise")
    for fit, extra, said in [
        (separated, noise, "separated"),
        (held, educ, "held to equations"),
        (reduced, educ, "reduced its bias"),
    ]:
        test = fit.score_test(exog_extra=extra)
        assert np.isnan([test.statistic, test.p_value]).all()
        assert said in test.reason

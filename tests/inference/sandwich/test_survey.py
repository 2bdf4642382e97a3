"""Survey designs against plain loops, and what their degrees of freedom do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import mlelogit as ml
from mlelogit.exceptions import CovarianceError, InfiniteValueError
from tests.inference.samples import beside, fitted, plain_rows, survey
from tests.theorems.strategies import matrix_gap

SAMPLING = {"weights": "weight", "weight_type": "sampling"}


def plain_survey(res, strata, units, fractions):
    """Return the linearized covariance, stratum by stratum."""
    scores, informations = plain_rows(res)
    bread = np.linalg.inv(informations.sum(axis=0))
    meat = np.zeros_like(bread)
    for stratum in np.unique(strata):
        inside = strata == stratum
        sums = np.array(
            [scores[inside & (units == u)].sum(axis=0) for u in np.unique(units[inside])]
        )
        n = len(sums)
        off = sums - sums.mean(axis=0)
        meat += (1 - fractions[stratum]) * n / (n - 1) * off.T @ off
    return bread @ meat @ bread


@pytest.mark.parametrize("weights", [{}, SAMPLING], ids=["plain", "sampling"])
@pytest.mark.parametrize("units", [None, "few", "many"])
@pytest.mark.parametrize("finite", [False, True])
def test_linearization_stratum_by_stratum(weights, units, finite):
    res = fitted(**weights)
    labels = beside()
    strata = labels["area"]
    psu = np.arange(160) if units is None else labels[units]
    fractions = np.array([0.1, 0.5, 0.0, 0.25, 1.0]) * finite
    options = {"strata": strata, "fpc": fractions[strata] if finite else None}
    found = res.with_cov("survey", psu=None if units is None else psu, **options)
    assert matrix_gap(found.cov_params(), plain_survey(res, strata, psu, fractions)) < 1e-10
    number = len(set(zip(strata, psu, strict=True)))
    assert found.covariance.df == number - 5


def test_no_design_is_robust():
    res = fitted(**SAMPLING)
    found = res.with_cov("survey")
    assert matrix_gap(found.cov_params(), res.with_cov("robust").cov_params()) < 1e-10
    assert found.covariance.df == 159


def test_a_design_has_t_and_f_distributions():
    res = fitted(**SAMPLING).with_cov("survey", strata=beside()["area"], psu=beside()["few"])
    df = len(set(zip(beside()["area"], beside()["few"], strict=True))) - 5
    assert df != 12 - 5
    assert res.covariance.df == df
    t = res.params / res.bse
    np.testing.assert_allclose(res.pvalues, 2 * stats.t.sf(abs(t), df), rtol=1e-10)
    np.testing.assert_allclose(res.tidy()["p_value"], res.pvalues.to_numpy().T.ravel())
    half = stats.t.ppf(0.95, df) * res.bse.to_numpy().T.ravel()
    interval = res.conf_int(0.1)
    np.testing.assert_allclose(interval["upper"] - interval["lower"], 2 * half, rtol=1e-10)
    test = res.wald_test("age")
    matrix = res.cov_params().to_numpy()
    chosen = [1, 6]
    estimates = res.params.to_numpy().T.ravel()[chosen]
    w = estimates @ np.linalg.solve(matrix[np.ix_(chosen, chosen)], estimates)
    assert (test.df, test.df_denom) == (2, df - 1)
    np.testing.assert_allclose(test.statistic, w * (df - 1) / (2 * df), rtol=1e-10)
    np.testing.assert_allclose(test.p_value, stats.f.sf(test.statistic, 2, df - 1), rtol=1e-10)
    assert f"F(2, {df - 1:g})" in str(test)
    one = res.wald_test("green: age")
    np.testing.assert_allclose(one.p_value, res.pvalues.loc["age", "green"], rtol=1e-10)
    text = " ".join(str(res.summary()).split())
    assert "P>|t|" in text
    assert f"t distribution with {df:g} degrees of freedom" in text
    assert "P>|z|" in str(fitted().summary())


def test_more_hypotheses_than_degrees_of_freedom():
    res = fitted().with_cov("survey", psu=np.arange(160) % 4)
    test = res.wald_test(["age", "educ"])
    assert np.isnan(test.p_value)
    assert "at most 3 at a time" in test.reason


def test_units_of_the_same_name_in_two_strata_are_two():
    res, strata = fitted(), np.arange(160) % 2
    units = np.arange(160) // 2 % 10
    one = res.with_cov("survey", strata=strata, psu=units)
    two = res.with_cov("survey", strata=strata, psu=units + 100 * strata)
    assert matrix_gap(one.cov_params(), two.cov_params()) < 1e-14
    assert one.covariance.groups == (("strata", 2), ("psu", 20.0))


def test_whole_strata_need_no_second_unit():
    strata = np.where(np.arange(160) < 6, 0, 1)
    units = np.where(strata == 0, 0, np.arange(160) // 4)
    share = np.where(strata == 0, 1.0, 0.2)
    res = fitted().with_cov("survey", strata=strata, psu=units, fpc=share)
    assert np.isfinite(res.bse.to_numpy()).all()
    with pytest.raises(CovarianceError, match="one unit"):
        fitted().with_cov("survey", strata=strata, psu=units)


@pytest.mark.parametrize(
    ("fpc", "error", "match"),
    [
        (np.arange(160.0), CovarianceError, "differs inside strata"),
        (np.full(160, -1.0), CovarianceError, "negative"),
        (np.full(160, 20.0), CovarianceError, "20 of a population, and 32 sampled"),
        (np.full(160, np.inf), InfiniteValueError, "fpc"),
    ],
)
def test_populations_that_cannot_be(fpc, error, match):
    with pytest.raises(error, match=match):
        fitted().with_cov("survey", strata=np.arange(160) % 5, fpc=fpc)


def test_no_degrees_of_freedom():
    with pytest.raises(CovarianceError, match="no degrees of freedom"):
        fitted().with_cov("survey", strata=np.arange(160), lonely="certainty")


def test_lonely_observations_deviate_from_the_mean_of_all():
    """The scores' sum is zero, so a lonely row adds its own outer product."""
    res = fitted(**SAMPLING)
    strata = np.where(np.arange(160) == 9, 1, 0)
    scores, informations = plain_rows(res)
    bread = np.linalg.inv(informations.sum(axis=0))
    rest = scores[strata == 0] - scores[strata == 0].mean(axis=0)
    meat = 159 / 158 * rest.T @ rest
    for lonely, more in (("certainty", 0), ("center", 1)):
        found = res.with_cov("survey", strata=strata, lonely=lonely)
        whole = meat + more * np.outer(scores[9], scores[9])
        assert matrix_gap(found.cov_params(), bread @ whole @ bread) < 1e-9
        assert "1 lonely strata" in found.covariance.describe()


def test_a_bias_reduced_fit_centers_what_does_not_add_up_to_zero():
    model = ml.mnlogit("party ~ age + educ", survey())
    res = model.fit(bias_reduction="mean")
    found = res.with_cov("survey", psu=beside()["many"])
    scores, informations = plain_rows(res)
    bread = np.linalg.inv(informations.sum(axis=0))
    units = beside()["many"]
    sums = np.array([scores[units == u].sum(axis=0) for u in np.unique(units)])
    off = sums - sums.mean(axis=0)
    expected = bread @ (len(sums) / (len(sums) - 1) * off.T @ off) @ bread
    assert matrix_gap(found.cov_params(), expected) < 1e-9


def test_a_column_of_populations_is_told_by_its_name():
    """Names need not be strings."""
    frame = survey().assign(area=beside()["area"], large=200.0, **{"7": 300.0})
    res = ml.mnlogit("party ~ age", frame.rename(columns={"7": 7})).fit()
    for given, name in (("large", "large"), (7, "7"), (frame["large"].rename("N"), "N")):
        found = res.with_cov("survey", strata="area", fpc=given)
        assert f"finite populations by {name}" in found.covariance.describe()

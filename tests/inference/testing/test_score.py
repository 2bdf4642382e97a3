"""Score tests against R, statsmodels and the formulas written out row by row."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats._diagnostic_other import lm_robust

import mlelogit as ml
from mlelogit.exceptions import OptionError, ParamsError, SeparationWarning
from mlelogit.fitting.constrained.restriction import fit_restricted
from mlelogit.inference.testing.hypothesis import read_equations
from tests.inference.plain import costumes, lay_bare
from tests.inference.samples import fitted, survey
from tests.reference_cases import fit_case, load_case

VGAM_NAMES = {
    "(Intercept)": "Intercept",
    "sesmiddle": "C(ses, Treatment('low'))[T.middle]",
    "seshigh": "C(ses, Treatment('low'))[T.high]",
    "write": "write",
}
HYPOTHESES = ["age", "red: age", "green: age = red: age", ["red: educ = 0.2", "region"]]


@pytest.fixture(scope="module")
def res():
    return fitted()


@pytest.mark.parametrize("coefficient", VGAM_NAMES)
@pytest.mark.parametrize("equation", ["general", "vocation"])
def test_single_coefficients_agree_with_vgam(coefficient, equation):
    truth = load_case("hsbdemo").truth["extra"]["vgam_signed_root_stats"]
    key = f"{coefficient}:{1 if equation == 'general' else 2}"
    asked = (equation, VGAM_NAMES[coefficient])
    fit = fit_case("hsbdemo")
    assert fit.score_test(asked).statistic == pytest.approx(truth["score"][key] ** 2, rel=1e-6)
    assert fit.lr_test(asked).statistic == pytest.approx(truth["lrt"][key] ** 2, rel=1e-9)


def test_columns_added_agree_with_statsmodels(res):
    bare = lay_bare(res)
    smaller = sm.MNLogit(bare.d.argmax(axis=1), bare.x[:, [0, 2, 3, 4]])
    peer = smaller.fit(disp=0, method="newton", tol=1e-13)
    theirs = peer.score_test(exog_extra=bare.x[:, [1]])
    ours = res.score_test("age")
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-8)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-7)
    assert ours.df == 2


def test_two_categories_agree_with_the_logit_of_statsmodels():
    frame = survey().assign(red=lambda f: (f["party"] == "red").astype(int))
    ours = ml.mnlogit("red ~ age + educ", frame).fit().score_test(["age", "educ"])
    peer = sm.Logit(frame["red"], np.ones((160, 1))).fit(disp=0, tol=1e-13)
    theirs = peer.score_test(exog_extra=frame[["age", "educ"]].to_numpy())
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-8)


@pytest.mark.parametrize("asked", HYPOTHESES, ids=str)
@pytest.mark.parametrize("weights", [None, "frequency", "sampling"])
def test_the_robust_statistic_is_that_of_the_scores_row_by_row(asked, weights):
    how = (
        {}
        if weights is None
        else {"weights": "people" if weights == "frequency" else "weight", "weight_type": weights}
    )
    res = fitted(**how)
    bare, restriction = lay_bare(res), read_equations(asked, res.record.encoding)
    there = fit_restricted(res.record, restriction).params
    rows = bare.scores(there)
    power = bare.weights ** (2 if weights == "sampling" else 1)
    meat = (power[:, np.newaxis] * rows).T @ rows
    bread = np.linalg.inv(bare.information(there))
    arguments = bare.weights @ rows, restriction.matrix, bread
    hc0 = res.score_test(asked, cov_type="HC0")
    assert hc0.statistic == pytest.approx(lm_robust(*arguments, meat), rel=1e-7)
    n = res.nobs
    for kind, factor in {"robust": n / (n - 1), "HC1": n / (n - 10)}.items():
        other = res.with_cov(kind).score_test(asked)
        assert other.statistic * factor == pytest.approx(hc0.statistic, rel=1e-9)
        assert kind in other.name
    if weights != "sampling":
        plain = res.score_test(asked)
        assert plain.statistic == pytest.approx(lm_robust(*arguments, None), rel=1e-7)


def test_opg_is_the_explained_sum_of_squares_of_ones_on_the_scores(res):
    """An identity of least squares (Davidson and MacKinnon 1993, chapter 13)."""
    asked = read_equations("age", res.record.encoding)
    rows = lay_bare(res).scores(fit_restricted(res.record, asked).params)
    regression = sm.OLS(np.ones(len(rows)), rows).fit()
    ours = res.score_test("age", cov_type="opg")
    assert ours.statistic == pytest.approx(regression.uncentered_tss - regression.ssr, rel=1e-8)


@pytest.mark.parametrize("kind", ["nonrobust", "HC0", "opg"])
def test_the_score_vanishes_at_the_maximum(res, kind):
    value = res.params.loc["age", "red"]
    assert res.score_test("red: age", value, cov_type=kind).statistic < 1e-12


@pytest.mark.parametrize("kind", ["nonrobust", "HC0", "robust", "opg"])
def test_base_units_and_order_of_rows_do_not_matter(res, kind):
    asked, frame = ["age", "region"], survey()
    first = res.score_test(asked, cov_type=kind).statistic
    turned = frame.sample(frac=1, random_state=1).assign(age=lambda f: 1e4 * f["age"] + 7)
    formula = "party ~ age + educ + region"
    for other in (res.rebase("red"), ml.mnlogit(formula, turned, base="green").fit()):
        assert other.score_test(asked, cov_type=kind).statistic == pytest.approx(first, rel=1e-8)


@pytest.mark.parametrize("kind", ["nonrobust", "HC0", "HC1", "robust", "opg"])
def test_people_count_as_rows_do(kind):
    fits = costumes("party ~ age + educ + region")
    found = {
        name: fit.score_test(["age", "green: educ = red: educ"], cov_type=kind).statistic
        for name, fit in fits.items()
    }
    assert found["weights"] == pytest.approx(found["rows"], rel=1e-9)
    assert found["counts"] == pytest.approx(found["rows"], rel=1e-9)


def test_it_applies_where_the_larger_model_has_no_maximum():
    case = load_case("bankwages_full")
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit(case.formula, case.data, **case.options).fit()
    ours = res.score_test("C(gender, Treatment('male'))")
    bare = lay_bare(res)
    order = [bare.base, *bare.free]
    codes = bare.d[:, order].argmax(axis=1)
    smaller = sm.MNLogit(codes, bare.x[:, :-1]).fit(disp=0, method="newton", tol=1e-13)
    theirs = smaller.score_test(exog_extra=bare.x[:, [-1]])
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-7)
    refused = res.score_test("education")
    assert np.isnan([refused.statistic, refused.p_value]).all()
    assert "separated" in refused.reason


def test_what_has_no_score_test_says_why(res):
    sampled = fitted(weights="weight", weight_type="sampling")
    trusted = fitted(weights="weight", weight_type="importance")
    reduced = ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean")
    for test, said in [
        (sampled.score_test("age", cov_type="nonrobust"), "cov_type='robust'"),
        (trusted.score_test("age", cov_type="HC0"), "importance weights"),
        (reduced.score_test("age"), "reduced its bias"),
    ]:
        assert np.isnan([test.statistic, test.p_value]).all()
        assert said in test.reason
        assert not str(test).endswith("..")


def test_wrong_questions_raise(res):
    with pytest.raises(OptionError, match="nonrobust, opg"):
        res.score_test("age", cov_type="best")
    with pytest.raises(ParamsError, match="depend on each other"):
        res.score_test(["age", "green: age = red: age"])
    with pytest.raises(ParamsError, match="contradict"):
        res.score_test(["red: age = 0", "red: age = 1"])
    with pytest.raises(ParamsError, match="inequality"):
        res.score_test("red: age >= 0")

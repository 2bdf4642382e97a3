"""Every cell of a table, in every format, against what R found."""

from __future__ import annotations

import math

import pytest

import mlelogit as ml
from tests.display.tables.reading import FORMS, read
from tests.reference_cases import fit_case, load_case

NAMES = {
    "Intercept": "Constant",
    "C(ses, Treatment('low'))[T.middle]": "SES: middle",
    "C(ses, Treatment('low'))[T.high]": "SES: high",
    "write": "Writing score",
}
QUANTILE = 1.959963984540054
FOOT = {
    "nobs": ("Observations", "n_obs"),
    "llf": ("Log-likelihood", "loglik"),
    "prsquared": ("Pseudo R-squared", "mcfadden_r2"),
    "aic": ("AIC", "aic"),
    "bic": ("BIC", "bic"),
}
every_form = pytest.mark.parametrize("form", FORMS)


def truths(kind):
    """Return the coefficients and standard errors that R found, by category and name."""
    case = load_case("hsbdemo")
    coefs = case.table("coef").loc[list(NAMES)]
    if kind == "plain":
        return coefs, case.table("se").loc[list(NAMES)]
    robust = case.table("stata_vce_robust_se", case.truth["extra"]["robust"])
    return coefs, robust.loc[list(NAMES)]


def models():
    res = fit_case("hsbdemo")
    return {"plain": res, "robust": res.with_cov("robust")}


def write_p(p):
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def expected_stack(coef, se, below, exponentiate):
    """Write a coefficient with three decimals, and what stands below it, by plain formulas."""
    z = coef / se
    p = math.erfc(abs(z) / math.sqrt(2))
    stars = "***" if p < 0.001 else "**" if p < 0.01 else "*" if p < 0.05 else ""
    move = math.exp if exponentiate else float
    error = se * math.exp(coef) if exponentiate else se
    ends = f"[{move(coef - QUANTILE * se):.3f}, {move(coef + QUANTILE * se):.3f}]"
    lines = {
        "std_err": f"({error:.3f})",
        "interval": ends,
        "z": f"({z:.3f})",
        "p_value": f"({write_p(p)})",
    }
    return [f"{move(coef):.3f}{stars}", lines[below]]


def expected_rows(below, exponentiate):
    columns = []
    for kind in ("plain", "robust"):
        coefs, errors = truths(kind)
        pairs = [zip(coefs[one], errors[one], strict=True) for one in coefs.columns]
        columns += [[expected_stack(*pair, below, exponentiate) for pair in each] for each in pairs]
    rows = []
    for i, label in enumerate(NAMES.values()):
        rows.append([label, *(column[i][0] for column in columns)])
        rows.append(["", *(column[i][1] for column in columns)])
    truth = load_case("hsbdemo").truth
    for name, (label, key) in FOOT.items():
        text = f"{truth[key]:.3f}" if name != "nobs" else str(truth[key])
        rows.append([label, text, "", text, ""])
    return rows


@every_form
@pytest.mark.parametrize("below", ["std_err", "interval", "z", "p_value"])
@pytest.mark.parametrize("exponentiate", [False, True])
def test_every_cell_is_what_r_found(form, below, exponentiate):
    table = ml.compare_models(
        models(), below=below, exponentiate=exponentiate, stars=True, names=NAMES
    )
    rows = read(table, form)
    wanted = expected_rows(below, exponentiate)
    if form == "text":
        wanted = [[row[0], *filter(None, row[1:])] for row in wanted]
    assert rows[-len(wanted) :] == wanted


@every_form
def test_heads_are_models_over_categories(form):
    heads = read(ml.compare_models(models()), form)[:2]
    names = ["general", "vocation", "general", "vocation"]
    if form == "markdown":
        models_over = ["plain", "plain", "robust", "robust"]
        joined = [f"{m}: {name}" for m, name in zip(models_over, names, strict=True)]
        assert heads[0] == ["", *joined]
        return
    first = ["", "plain", "robust"] if form == "text" else ["", "plain", "", "robust", ""]
    assert heads == [first, ["", *names]]


@every_form
def test_the_long_layout_has_rows_of_category_and_name(form):
    table = ml.compare_models(models(), layout="long", names=NAMES, statistics=None)
    rows = read(table, form)
    wanted = []
    for category in ("general", "vocation"):
        wanted.append([f"{category} vs academic", "", ""])
        for name, label in NAMES.items():
            stacks = []
            for kind in ("plain", "robust"):
                coefs, errors = truths(kind)
                numbers = coefs.loc[name, category], errors.loc[name, category]
                stacks.append(expected_stack(*numbers, "std_err", False))
            wanted.append([label, *(stack[0].rstrip("*") for stack in stacks)])
            wanted.append(["", *(stack[1] for stack in stacks)])
    if form == "text":
        wanted = [[row[0], *filter(None, row[1:])] for row in wanted]
    assert rows == [["", "plain", "robust"], *wanted]


def test_the_frame_holds_the_numbers_not_rounded():
    frame = ml.compare_models(models()).to_frame()
    for kind in ("plain", "robust"):
        coefs, errors = truths(kind)
        for category in coefs.columns:
            for name in coefs.index:
                found = frame.loc[name, (kind, category)]
                assert found["estimate"] == pytest.approx(coefs.loc[name, category], rel=1e-9)
                assert found["std_err"] == pytest.approx(errors.loc[name, category], rel=1e-7)


def test_published_risk_ratios_come_out():
    """Those of UCLA's page on nnet::multinom, whose convergence leaves five digits."""
    (published,) = [b for b in load_case("hsbdemo").truth["published"] if "exp_coef" in b]
    frame = ml.compare_models(models(), exponentiate=True).to_frame()
    terms = dict(zip(load_case("hsbdemo").truth["terms"], NAMES, strict=True))
    for category, values in published["exp_coef"].items():
        for term, value in values.items():
            found = frame.loc[(terms[term], "estimate"), ("plain", category)]
            assert found == pytest.approx(value, rel=1e-4)

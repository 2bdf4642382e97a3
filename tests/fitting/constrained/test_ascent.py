"""Fits under equations and bounds, against independent truths."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, minimize
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

import mlelogit as ml
from mlelogit.exceptions import (
    BiasReductionError,
    ConstraintError,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
)
from mlelogit.fitting.constrained import ascent
from tests.inference.samples import survey

FOLDER = Path(__file__).parents[2] / "reference"
TRUTHS = json.loads((FOLDER / "constrained" / "constrained.json").read_text())
FORMULA = "party ~ age + educ + region"
VGAM = {
    "brand_tied": ("brand ~ female + age", {"constraints": "2: female = 3: female"}),
    "brand_one_equation": ("brand ~ female + age", {"equations": {"female": [3]}}),
    "brand_double": ("brand ~ female + age", {"constraints": ["2*2: age = 3: age"]}),
    "brand_fixed": ("brand ~ female + age", {"constraints": "2: age = 0.3"}),
    "fishing_pairs": ("mode ~ income", {"constraints": "boat: income = charter: income"}),
    "hsb_tied": (
        "prog ~ write + math",
        {"constraints": ["general: write = vocation: write", "general: math = - vocation: math"]},
    ),
}


def model(formula=FORMULA, **options):
    return ml.mnlogit(formula, survey(), **options)


@pytest.mark.parametrize("case", VGAM)
def test_constraint_matrices_of_vgam(case):
    formula, asked = VGAM[case]
    truth = TRUTHS[case]
    data = pd.read_csv(FOLDER / "data" / f"{case.split('_')[0].replace('hsb', 'hsbdemo')}.csv")
    if case.startswith("brand"):
        names = {2: "two", 3: "three", 1: "one"}
        data["brand"] = pd.Categorical(data["brand"].map(names), ["one", "two", "three"])
        asked = json.loads(json.dumps(asked).replace('"2:', '"two:').replace("3:", "three:"))
        if "equations" in asked:
            asked = {"equations": {"female": ["three"]}}
        if case == "brand_double":
            asked = {"constraints": "2*two: age = three: age"}
    res = ml.mnlogit(formula, data).fit(**asked)
    fixed = truth["coefficients"]
    expected = np.array(fixed, dtype=float)
    shift = 0.3 if case == "brand_fixed" else 0.0
    expected[expected == 0] = shift
    np.testing.assert_allclose(res.params.to_numpy(), expected, rtol=2e-9)
    np.testing.assert_allclose(res.bse.to_numpy(), truth["se"], rtol=2e-8, atol=1e-300)
    assert res.llf == pytest.approx(truth["loglik"], abs=1e-9)
    assert res.record.size == truth["free"]
    assert res.df_resid == res.nobs - truth["free"]
    assert res.aic == pytest.approx(-2 * truth["loglik"] + 2 * truth["free"], rel=1e-12)
    assert res.converged
    assert res.certificate.error_bound < 1e-9


@pytest.mark.parametrize("options", [{}, {"weights": "people", "weight_type": "frequency"}])
def test_no_effect_in_any_equation_is_the_smaller_model(options):
    res = model(**options).fit(constraints="educ")
    smaller = model("party ~ age + region", **options).fit()
    kept = [name for name in res.params.index if name != "educ"]
    np.testing.assert_allclose(res.params.loc[kept], smaller.params.loc[kept], rtol=1e-9)
    assert (res.params.loc["educ"] == 0.0).all()
    assert (res.bse.loc["educ"] == 0.0).all()
    assert res.llf == pytest.approx(smaller.llf, rel=1e-13)
    assert res.df_model == smaller.df_model
    assert res.df_resid == smaller.df_resid
    for name in ("aic", "bic", "llr", "llr_pvalue", "prsquared", "llnull"):
        assert getattr(res, name) == pytest.approx(getattr(smaller, name), rel=1e-10)
    for kind in ("nonrobust", "HC0", "HC1", "robust", "opg"):
        ours, theirs = res.with_cov(kind).bse, smaller.with_cov(kind).bse
        np.testing.assert_allclose(ours.loc[kept], theirs.loc[kept], rtol=1e-8)
        assert (ours.loc["educ"] == 0.0).all()
    np.testing.assert_allclose(res.predict(), smaller.predict(), rtol=1e-9)


def test_a_constrained_logit_is_that_of_statsmodels():
    data = survey().assign(green=(survey()["party"] == "green").astype(int))
    two = ml.mnlogit("green ~ age + educ + people", data)
    res = two.fit(constraints=["age = 0.02", "educ = 2*people"])
    exog = np.column_stack([np.ones(len(data)), data[["age", "educ", "people"]]])
    glm = GLM(data["green"], exog, family=Binomial())
    rows = np.array([[0, 1.0, 0, 0], [0, 0, 1.0, -2.0]])
    truth = glm.fit_constrained((rows, np.array([0.02, 0.0])), tol=1e-13, maxiter=100)
    np.testing.assert_allclose(res.params.to_numpy().ravel(), truth.params, rtol=1e-8)
    np.testing.assert_allclose(res.bse.to_numpy().ravel(), truth.bse, rtol=1e-7, atol=1e-9)
    assert res.llf == pytest.approx(truth.llf, rel=1e-12)


def test_equal_equations_are_merged_categories():
    """Cramer and Ridder (1991): the likelihood differs by that of the split of the merged."""
    res = model().fit(
        constraints=[
            "green: age = red: age",
            "green: educ = red: educ",
            "green: region[T.south] = red: region[T.south]",
            "green: region[T.west] = red: region[T.west]",
        ]
    )
    merged = survey().assign(party=survey()["party"].replace({"red": "green"}))
    pooled = ml.mnlogit(FORMULA, merged).fit()
    counts = survey()["party"].value_counts()
    both = counts["green"] + counts["red"]
    split = sum(counts[k] * np.log(counts[k] / both) for k in ("green", "red"))
    assert res.llf == pytest.approx(pooled.llf + split, rel=1e-12)
    slopes = [name for name in res.params.index if name != "Intercept"]
    for party in ("green", "red"):
        np.testing.assert_allclose(
            res.params.loc[slopes, party], pooled.params.loc[slopes, "green"]
        )
        np.testing.assert_allclose(res.bse.loc[slopes, party], pooled.bse.loc[slopes, "green"])
    assert (res.params["green"] == res.params["red"])[slopes].all()


@cache
def arrays(seed=0, n=120, width=3, categories=4):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, width - 1))])
    b = rng.normal(size=(categories - 1, width)) * 0.8
    scores = np.column_stack([np.zeros(n), x @ b.T])
    return x, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


def negative(flat, x, codes, categories):
    scores = np.column_stack([np.zeros(len(x)), x @ flat.reshape(-1, x.shape[1]).T])
    top = scores.max(axis=1)
    powers = np.exp(scores - top[:, None])
    logs = scores[np.arange(len(x)), codes] - top - np.log(powers.sum(axis=1))
    excess = powers / powers.sum(axis=1)[:, None] - np.eye(categories)[codes]
    return -logs.sum(), (excess[:, 1:].T @ x).ravel()


@pytest.mark.parametrize("seed", range(12))
def test_random_bounds_are_those_of_other_optimizers(seed):
    rng = np.random.default_rng(100 + seed)
    x, codes = arrays(seed)
    size = 9
    inside = rng.normal(size=size) * 0.3
    rows = np.vstack([np.eye(size)[rng.choice(size, 4, replace=False)], rng.normal(size=(3, size))])
    slack = np.where(rng.random(7) < 0.5, 0.02, 1.0) * rng.random(7)
    relations = rng.choice([">=", "<="], 7)
    sign = np.where(relations == ">=", 1.0, -1.0)
    values = rows @ inside - sign * slack
    equation = rng.normal(size=(1, size))
    names = ["x0", "x1", "x2"]
    labels = [f"{k}: {name}" for k in "bcd" for name in names]
    said = [
        write(row, relation, value, labels)
        for row, relation, value in zip(rows, relations, values, strict=True)
    ]
    said.append(write(equation[0], "=", float(equation[0] @ inside), labels))
    frame = pd.DataFrame(x, columns=names)
    fitting = ml.MNLogit(np.array(list("abcd"))[codes], frame)
    res = fitting.fit(constraints=said)
    held = [
        {
            "type": "ineq",
            "fun": lambda b: sign * (rows @ b - values),
            "jac": lambda b: sign[:, None] * rows,
        },
        {"type": "eq", "fun": lambda b: equation @ (b - inside), "jac": lambda b: equation},
    ]
    truth = minimize(
        negative,
        inside,
        args=(x, codes, 4),
        jac=True,
        method="SLSQP",
        constraints=held,
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert res.converged
    assert res.llf == pytest.approx(-truth.fun, rel=1e-9)
    assert res.llf >= -truth.fun - 1e-9
    ours = res.params.T.to_numpy().ravel()
    np.testing.assert_allclose(ours, truth.x, atol=2e-4)
    check_kkt(res, rows, values, relations, equation, x, codes)


def write(row, relation, value, labels):
    terms = " + ".join(
        f"{float(weight)!r}*{label}" for weight, label in zip(row, labels, strict=True) if weight
    ).replace("+ -", "- ")
    return f"{terms} {relation} {float(value)!r}"


def check_kkt(res, rows, values, relations, equation, x, codes):
    """Check the conditions of Karush, Kuhn and Tucker by hand."""
    ours = res.params.T.to_numpy().ravel()
    sign = np.where(np.asarray(relations) == ">=", 1.0, -1.0)
    assert (sign * (rows @ ours - values) >= -1e-12).all()
    constraints = res.record.constraints
    score = -negative(ours, x, codes, 4)[1]
    combined = constraints.multipliers @ constraints.given.matrix
    np.testing.assert_allclose(combined, score, atol=1e-8)
    active = constraints.active[:-1]
    given = np.array(constraints.given.relations[:-1])
    assert (constraints.multipliers[:-1][given == ">="] <= 1e-9).all()
    assert (constraints.multipliers[:-1][given == "<="] >= -1e-9).all()
    gap = constraints.given.matrix[:-1] @ ours - constraints.given.values[:-1]
    np.testing.assert_allclose(gap[active], 0.0, atol=1e-12)
    assert (constraints.multipliers[:-1][~active] == 0).all()
    assert equation.shape == (1, 9)


def test_standard_errors_are_those_of_the_free_parameters():
    """The covariance is that of a fit in the free parameters, by the delta method."""
    x, codes = arrays(3)
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    fitting = ml.MNLogit(np.array(list("abcd"))[codes], frame)
    res = fitting.fit(constraints=["b: x1 = c: x1", "d: x2 + b: x2 = 0.3", "c: x0 = 0.1"])
    free = np.delete(np.arange(9), [3, 4, 8])
    spread = np.zeros((9, 6))
    spread[free, np.arange(6)] = 1.0
    spread[4] = spread[1]
    spread[8] = -spread[2]
    origin = np.zeros(9)
    origin[3], origin[8] = 0.1, 0.3
    at = res.params.T.to_numpy().ravel()
    np.testing.assert_allclose(origin + spread @ at[free], at, atol=1e-15)
    step = 1e-5
    hessian = np.zeros((6, 6))
    for i in range(6):
        moved = [negative(at + sign * step * spread[:, i], x, codes, 4)[1] for sign in (1, -1)]
        hessian[i] = spread.T @ (moved[0] - moved[1]) / (2 * step)
    covariance = spread @ np.linalg.inv((hessian + hessian.T) / 2) @ spread.T
    np.testing.assert_allclose(res.cov_params().to_numpy(), covariance, rtol=1e-6, atol=1e-9)
    assert at[3] == 0.1
    assert at[1] == at[4]


@pytest.mark.parametrize("base", ["green", "red"])
def test_constraints_against_another_base_are_the_same_fit(base):
    said = ["green: age = red: age", "red: educ >= 0.3", "green: region[T.south] = 0.2"]
    res = model().fit(constraints=said)
    if base == "green":
        other = ["red: age = 0", "red: educ - blue: educ >= 0.3", "blue: region[T.south] = -0.2"]
    else:
        other = [
            "green: age = 0",
            "blue: educ <= -0.3",
            "green: region[T.south] - blue: region[T.south] = 0.2",
        ]
    anew = model(base=base).fit(constraints=other)
    moved = res.rebase(base)
    assert anew.llf == pytest.approx(res.llf, rel=1e-14)
    np.testing.assert_allclose(moved.params, anew.params, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(moved.bse, anew.bse, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(moved.pvalues, anew.pvalues, rtol=1e-8)
    one, two = moved.record.constraints, anew.record.constraints
    assert one.given.words == two.given.words
    assert one.given.relations == two.given.relations
    np.testing.assert_allclose(one.multipliers, two.multipliers, rtol=1e-7)
    back = moved.rebase("blue").record.constraints
    pulled = [found.multipliers @ found.given.matrix for found in (back, res.record.constraints)]
    np.testing.assert_allclose(*pulled, rtol=1e-12, atol=1e-12)
    assert moved.df_model == res.df_model


@pytest.mark.parametrize("method", ["trust-exact", "L-BFGS-B", "BFGS", "CG", "Newton-CG", "TNC"])
def test_every_method_finds_the_same_maximum(method):
    said = ["green: age = red: age", "red: educ <= 0.05"]
    res = model().fit(method, constraints=said)
    truth = model().fit(constraints=said)
    assert res.converged
    np.testing.assert_allclose(res.params, truth.params, rtol=1e-6)
    assert res.record.constraints.at_bounds


def test_starts_callbacks_and_traces_are_of_all_params():
    seen = []
    said = ["green: age = red: age", "red: educ = 0.2"]
    res = model().fit(constraints=said, callback=lambda params: seen.append(params.copy()))
    assert len(seen) == res.record.maximum.iterations
    rows = res.record.restriction
    for params in (*seen, *res.record.maximum.trace.params):
        np.testing.assert_allclose(rows.matrix @ params, rows.values, atol=1e-10)
    far = model().fit(constraints=said, start_params=np.full(10, 0.05))
    assert far.llf == pytest.approx(res.llf, rel=1e-13)
    again = model().fit(constraints=said, start_params=res.params)
    assert again.record.maximum.iterations <= 1


def test_a_climb_that_is_stopped_is_not_converged():
    with pytest.warns(NotConvergedWarning):
        res = model().fit(constraints="green: age = red: age", maxiter=1)
    assert not res.converged
    with pytest.warns(NotConvergedWarning):
        res = model().fit(constraints=["green: educ <= -0.5"], callback=lambda _: True)
    assert not res.converged
    assert res.params.loc["educ", "green"] <= -0.5


def test_constraints_that_leave_nothing_free():
    res = model("party ~ age").fit(constraints=["age = 0.01", "Intercept = 0"])
    assert (res.params.loc["age"] == 0.01).all()
    assert (res.bse == 0).all(axis=None)
    assert res.record.size == 0
    assert res.converged
    age = survey()["age"].to_numpy()
    powers = np.column_stack([np.ones(len(age)), np.exp(0.01 * age), np.exp(0.01 * age)])
    codes = survey()["party"].map({"blue": 0, "green": 1, "red": 2}).to_numpy()
    logs = np.log(powers[np.arange(len(age)), codes] / powers.sum(axis=1))
    assert res.llf == pytest.approx(logs.sum(), rel=1e-13)
    assert np.isnan(res.tvalues).all(axis=None)
    for kind in ("HC0", "HC1", "opg"):
        assert (res.with_cov(kind).bse == 0).all(axis=None)


def test_rows_that_repeat_others_say_nothing_new():
    said = [
        "green: age = red: age",
        "red: age = 0.02",
        "green: age = 0.02",
        "green: age <= 0.02",
        "green: age <= 1",
    ]
    res = model().fit(constraints=said)
    constraints = res.record.constraints
    assert constraints.held.tolist() == [True, True, False, False, False]
    assert constraints.implied.tolist() == [False, False, True, True, True]
    assert res.record.size == 8
    assert constraints.given.words == tuple(said)
    assert (res.params.loc["age"] == 0.02).all()
    assert (res.bse.loc["age"] == 0.0).all()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (["green: age = 1", "green: age = 2"], "green: age = 1 and green: age = 2"),
        (["green: age = red: age", "red: age = 1", "green: age = 2", "educ = 0"], "red: age = 1"),
        (["green: age >= 1", "green: age <= 0.5"], "green: age >= 1 and green: age <= 0.5"),
        (["green: age = 1", "green: age <= 0.5", "educ >= 0"], "green: age = 1 and green: age <="),
        (
            ["green: age + red: age >= 1", "green: age <= 0.2", "red: age <= 0.3", "educ <= 7"],
            "green: age [+] red: age >= 1 and green: age <= 0.2 and red: age <= 0.3[.] Drop",
        ),
    ],
)
def test_constraints_that_contradict_each_other_are_named(said, named):
    with pytest.raises(ConstraintError, match=named):
        model().fit(constraints=said)


def test_bias_reduction_is_refused():
    with pytest.raises(BiasReductionError, match="constraints"):
        model().fit(constraints="age", bias_reduction="mean")


def test_a_bound_that_both_sides_meet_fixes_the_coefficient():
    res = model().fit(constraints="0.02 <= green: age <= 0.02")
    truth = model().fit(constraints="green: age = 0.02")
    assert res.converged
    assert res.params.loc["age", "green"] == 0.02
    assert res.llf == pytest.approx(truth.llf, rel=1e-14)


def test_bounds_beyond_the_maximum_change_nothing():
    free = model().fit()
    res = model().fit(constraints=["age <= 1", "educ >= -5"])
    np.testing.assert_allclose(res.params, free.params, rtol=1e-12)
    np.testing.assert_allclose(res.bse, free.bse, rtol=1e-10)
    assert res.record.restriction is None
    assert res.df_model == free.df_model
    assert res.llr_pvalue == pytest.approx(free.llr_pvalue, rel=1e-9)


def separated():
    x = np.linspace(-2, 2, 40)
    return pd.DataFrame({"x": x, "z": np.cos(7 * x), "y": np.where(x > 0, "b", "a")})


def test_a_bound_can_make_the_maximum_finite():
    res = ml.mnlogit("y ~ x + z", separated()).fit(constraints="x <= 3")
    assert res.converged
    assert res.params.loc["x", "b"] == 3.0
    assert res.record.constraints.multipliers[0] > 0
    fixed = ml.mnlogit("y ~ x + z", separated()).fit(constraints="x = 3")
    np.testing.assert_allclose(res.params, fixed.params, rtol=1e-9, atol=1e-12)


def test_without_a_maximum_nothing_is_claimed():
    with pytest.warns(NoFiniteMaximumWarning, match="under the constraints"):
        res = ml.mnlogit("y ~ x + z", separated()).fit(constraints="z >= 0")
    assert not res.converged
    assert np.isnan(res.bse).any(axis=None)


def test_units_do_not_matter():
    data = survey().assign(age=survey()["age"] * 1e6 + 3e8, educ=survey()["educ"] * 1e-5)
    said = ["green: age = red: age", "green: educ = 0.05"]
    res = model().fit(constraints=said)
    other = ml.mnlogit(FORMULA, data).fit(
        constraints=["green: age = red: age", "green: educ = 5000"]
    )
    assert other.llf == pytest.approx(res.llf, rel=1e-11)
    np.testing.assert_allclose(other.params.loc["age"] * 1e6, res.params.loc["age"], rtol=1e-7)
    np.testing.assert_allclose(other.bse.loc["age"] * 1e6, res.bse.loc["age"], rtol=1e-7)


def test_people_in_weights_are_rows_repeated():
    said = ["green: age = red: age", "red: educ <= 0.05"]
    weighted = model(weights="people", weight_type="frequency").fit(constraints=said)
    long = survey().loc[np.repeat(survey().index, survey()["people"])].reset_index(drop=True)
    plain = ml.mnlogit(FORMULA, long).fit(constraints=said)
    np.testing.assert_allclose(weighted.params, plain.params, rtol=1e-9)
    np.testing.assert_allclose(weighted.bse, plain.bse, rtol=1e-8, atol=1e-300)
    for name in ("llf", "aic", "bic", "df_resid", "llnull"):
        assert getattr(weighted, name) == pytest.approx(getattr(plain, name), rel=1e-12)
    one, two = (res.record.constraints.multipliers for res in (weighted, plain))
    np.testing.assert_allclose(one, two, rtol=1e-8)


def test_an_offset_stays_in_force():
    offset = np.column_stack([np.zeros(160), 0.02 * survey()["age"], np.zeros(160)])
    res = model("party ~ age + educ", offset=offset).fit(constraints="green: age = 0")
    truth = model("party ~ age + educ").fit(constraints="green: age = 0.02")
    assert res.llf == pytest.approx(truth.llf, rel=1e-13)
    np.testing.assert_allclose(res.bse, truth.bse, rtol=1e-9)


def test_the_null_model_meets_the_constraints():
    res = model().fit(constraints="green: Intercept = red: Intercept")
    counts = survey()["party"].value_counts()
    half = (counts["green"] + counts["red"]) / 2
    expected = counts["blue"] * np.log(counts["blue"] / 160) + 2 * half * np.log(half / 160)
    assert res.llnull == pytest.approx(expected, rel=1e-12)
    assert res.df_model == 9 - 1
    outside = model().fit(constraints="green: age = 0.3")
    assert np.isnan(outside.llr)
    assert "null model does not meet" in outside.statistics.reason
    below = model().fit(constraints="green: age >= 0.001")
    assert np.isnan(below.llr)


def test_degrees_of_freedom_count_what_a_bound_leaves():
    res = model("party ~ age").fit(constraints="green: age >= red: Intercept + 3")
    assert res.record.size == 3
    assert res.df_model == 3 - 1
    no_constant = model("party ~ 0 + age + educ").fit(constraints="age")
    assert no_constant.df_model == 2
    assert no_constant.llnull == pytest.approx(-160 * np.log(3))


def test_trust_constr_agrees():
    x, codes = arrays(5)
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    res = ml.MNLogit(np.array(list("abcd"))[codes], frame).fit(
        constraints=["b: x1 + c: x1 <= 0", "d: x2 = b: x2", "c: x0 >= 0.4"]
    )
    rows = np.array(
        [[0, 1, 0, 0, 1, 0, 0, 0, 0], [0, 0, -1, 0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0, 0, 0, 0]],
        dtype=float,
    )
    limits = LinearConstraint(rows, [-np.inf, 0, 0.4], [0, 0, np.inf])
    truth = minimize(
        negative,
        np.zeros(9),
        args=(x, codes, 4),
        jac=True,
        method="trust-constr",
        hess="2-point",
        constraints=limits,
        options={"gtol": 1e-9, "xtol": 1e-12, "maxiter": 3000},
    )
    assert res.llf == pytest.approx(-truth.fun, rel=1e-7)
    assert res.llf >= -truth.fun - 1e-6


@pytest.mark.parametrize("guess", [True, False])
def test_a_wrong_guess_of_active_bounds_is_corrected(guess, monkeypatch):
    """Too many active have multipliers of the wrong sign, too few are overstepped."""
    said = ["red: educ <= 0.1", "green: educ <= 5", "age <= 1"]
    truth = model().fit(constraints=said)
    real, calls = ascent.seek_active, []

    def guess_first(objective, bounds, point):
        calls.append(1)
        found = real(objective, bounds, point)
        return found if len(calls) > 1 else (found[0], np.full(len(bounds.values), guess))

    monkeypatch.setattr(ascent, "seek_active", guess_first)
    res = model().fit(constraints=said)
    assert len(calls) == (2 if guess else 1)
    assert res.converged
    assert res.record.constraints.held.tolist() == truth.record.constraints.held.tolist()
    np.testing.assert_allclose(res.params, truth.params, rtol=1e-10)


def test_active_bounds_that_never_settle_are_not_converged(monkeypatch):
    real = ascent.seek_active

    def insist(objective, bounds, point):
        return real(objective, bounds, point)[0], np.ones(len(bounds.values), dtype=bool)

    monkeypatch.setattr(ascent, "seek_active", insist)
    said = ["red: educ <= 0.1", "green: educ <= 5"]
    with pytest.warns(NotConvergedWarning, match="no bound on its distance"):
        res = model().fit(constraints=said)
    assert not res.converged
    assert res.params.loc["educ", "red"] <= 0.1 + 1e-12
    assert res.params.loc["educ", "green"] < 1
    assert res.llf == pytest.approx(model().loglike(res.params), rel=1e-7)
    assert np.isnan(res.bse.loc["age"]).all()

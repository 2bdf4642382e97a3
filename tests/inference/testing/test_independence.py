"""Tests of IIA against their formulas, written out on statsmodels' fits and row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from statsmodels.discrete.discrete_model import Logit, MNLogit

import mlelogit as ml
from mlelogit.exceptions import OptionError, SeparationWarning
from mlelogit.inference.covariance import estimate_model_covariance
from mlelogit.inference.testing.subsets import leave_out, make_subset_objective, reduce_choice
from mlelogit.results import MNLogitResults
from tests.inference.plain import compare_frames, costumes, lay_bare
from tests.inference.samples import fitted, survey
from tests.reference_cases import fit_case, load_case

KINDS = ("score", "robust", "hausman-mcfadden", "small-hsiao")
PARTIES = ("blue", "green", "red")


@pytest.fixture(scope="module")
def res():
    return fitted("party ~ age + educ")


def climb(codes, x):
    """Fit by statsmodels; return params and inverse information, equation by equation."""
    model = MNLogit(codes, x) if codes.max() > 1 else Logit(codes, x)
    fit = model.fit(disp=0, method="newton", tol=1e-13, maxiter=100)
    flat = np.asarray(fit.params).ravel(order="F")
    return flat, np.linalg.inv(-model.hessian(flat)), fit.llf


def compare(codes, x, gone):
    """Return the differences of coefficients, and both covariances, without a category."""
    first = 1 if gone == 0 else 0
    order = [first, *(k for k in range(3) if k not in (first, gone)), gone]
    renamed = np.argsort(order)[codes]
    whole, spread, _ = climb(renamed, x)
    stays = renamed != 2
    rest, there, _ = climb(renamed[stays], x[stays])
    width = x.shape[1]
    return rest - whole[:width], there, spread, renamed, whole, rest


@pytest.mark.parametrize("gone", range(3))
def test_hausman_and_mcfadden_as_written(res, gone):
    bare = lay_bare(res)
    gap, there, spread, *_ = compare(bare.d.argmax(axis=1), bare.x, gone)
    expected = gap @ np.linalg.inv(there - spread[:3, :3]) @ gap
    found = res.iia_tests("hausman-mcfadden").frame.loc[PARTIES[gone]]
    assert found["statistic"] == pytest.approx(expected, rel=1e-6)
    assert found["df"] == 3
    if np.linalg.eigvalsh(there - spread[:3, :3])[0] <= 0:
        assert np.isnan(found["p_value"])
        assert "not positive definite" in found["reason"]
    else:
        assert found["p_value"] == pytest.approx(chi2.sf(expected, 3), rel=1e-5)


@pytest.mark.parametrize("gone", range(3))
@pytest.mark.parametrize("weights", [None, "sampling"])
def test_the_robust_test_from_the_scores_of_every_row(gone, weights):
    how = {} if weights is None else {"weights": "weight", "weight_type": weights}
    res = fitted("party ~ age + educ", **how)
    bare = lay_bare(res.rebase(PARTIES[1 if gone == 0 else 0]))
    stays = bare.d[:, gone] == 0
    first = bare.base
    second = next(k for k in range(3) if k not in (first, gone))
    equation = bare.free.index(second)
    whole = bare.climb(bare.params)
    start = whole[3 * equation : 3 * equation + 3]
    two = type(bare)(
        bare.x[stays], bare.d[stays][:, [first, second]], bare.weights[stays], 0, start
    )
    rest = two.climb(start)
    there = np.zeros((len(bare.x), 3))
    there[stays] = two.scores(rest)
    influence = there @ np.linalg.inv(two.information(rest))
    spread = bare.scores(whole) @ np.linalg.inv(bare.information(whole))
    influence = influence - spread[:, 3 * equation : 3 * equation + 3]
    power = bare.weights ** (2 if weights else 1)
    variance = (power[:, np.newaxis] * influence).T @ influence * 160 / 159
    gap = rest - whole[3 * equation : 3 * equation + 3]
    found = res.iia_tests("robust").frame.loc[PARTIES[gone]]
    assert found["statistic"] == pytest.approx(gap @ np.linalg.inv(variance) @ gap, rel=1e-6)
    assert found["p_value"] == pytest.approx(chi2.sf(found["statistic"], 3))


def write_score_test(bare, gone, joint):
    """Return the statistic and the rank, all of it row by row."""
    first = bare.base
    second = next(k for k in range(3) if k not in (first, gone))
    place = slice(3 * bare.free.index(second), 3 * bare.free.index(second) + 3)
    y, inverse = bare.probabilities(bare.params), np.linalg.inv(bare.information(bare.params))
    q = y[:, second] / (y[:, first] + y[:, second])
    stays = 1 - bare.d[:, gone]
    scores = (bare.d[:, second] - stays * q)[:, np.newaxis] * bare.x
    people = bare.weights * (1 - y[:, gone]) * q * (1 - q)
    information = (people[:, np.newaxis] * bare.x).T @ bare.x
    spread = information - information @ inverse[place, place] @ information
    if joint:
        carried = scores - bare.scores(bare.params) @ inverse[:, place] @ information
        power = bare.weights**2
        spread = (power[:, np.newaxis] * carried).T @ carried * 160 / 159
    total = bare.weights @ scores
    return total @ np.linalg.solve(spread, total)


@pytest.mark.parametrize("gone", range(3))
@pytest.mark.parametrize("joint", [False, True])
def test_the_score_form_row_by_row(gone, joint):
    how = {"weights": "weight", "weight_type": "sampling"} if joint else {}
    res = fitted("party ~ age + educ", **how)
    bare = lay_bare(res.rebase(PARTIES[1 if gone == 0 else 0]))
    found = res.iia_tests("score").frame.loc[PARTIES[gone]]
    assert found["statistic"] == pytest.approx(write_score_test(bare, gone, joint), rel=1e-6)
    assert found["df"] == 3
    assert found["p_value"] == pytest.approx(chi2.sf(found["statistic"], 3))


def test_the_variance_of_the_score_form_is_that_of_the_model():
    """Drawn from the model itself, its statistic has the mean of chi-squared."""
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(400), rng.normal(size=(400, 1)), rng.integers(0, 2, 400)])
    powers = np.exp(x @ np.array([[0, 0, 0], [0.2, 1.0, -0.5], [-0.3, -1.0, 0.8]]).T)
    reach = (powers / powers.sum(axis=1, keepdims=True)).cumsum(axis=1)
    found = np.array(
        [
            ml.MNLogit((reach < rng.uniform(size=(400, 1))).sum(axis=1), x)
            .fit(threads=1)
            .iia_tests()
            .frame["statistic"]
            for _ in range(100)
        ]
    )
    # Three standard errors: the variance of chi-squared with 3 degrees of freedom is 6.
    assert (np.abs(found.mean(axis=0) - 3) < 3 * np.sqrt(6 / 100)).all()


@pytest.mark.parametrize("gone", range(3))
def test_small_and_hsiao_as_written(res, gone):
    bare, seed = lay_bare(res), 5
    first = np.zeros(160, dtype=bool)
    first[np.random.default_rng(seed).permutation(160)[:80]] = True
    codes = bare.d.argmax(axis=1)
    *_, renamed, _, _ = compare(codes, bare.x, gone)
    one, two = climb(renamed[first], bare.x[first])[0], climb(renamed[~first], bare.x[~first])[0]
    mixed = (np.sqrt(0.5) * one + (1 - np.sqrt(0.5)) * two)[:3]
    stays = ~first & (renamed != 2)
    *_, reached = climb(renamed[stays], bare.x[stays])
    signs = np.where(renamed[stays] == 1, 1, -1)
    left = -np.log1p(np.exp(-signs * (bare.x[stays] @ mixed))).sum()
    found = res.iia_tests("small-hsiao", seed=seed).frame.loc[PARTIES[gone]]
    assert found["statistic"] == pytest.approx(2 * (reached - left), rel=1e-6)
    assert found["df"] == 3


def test_halves_depend_on_the_seed_alone(res):
    one, again, other = (
        res.iia_tests("small-hsiao", seed=seed).frame["statistic"] for seed in (1, 1, 2)
    )
    assert (one == again).all()
    assert (one != other).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_base_does_not_matter(kind):
    res = fit_case("fishing")
    first = res.iia_tests(kind).frame
    assert first.index.tolist() == list(res.categories)
    for base in ("boat", "pier"):
        compare_frames(first, res.rebase(base).iia_tests(kind).frame, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS[:3])
def test_order_of_rows_and_units_do_not_matter(kind):
    frame = survey().sample(frac=1, random_state=3).assign(age=lambda f: 1e3 * f["age"] - 5)
    other = ml.mnlogit("party ~ educ + age", frame, base="red").fit()
    first = fitted("party ~ age + educ").iia_tests(kind).frame
    compare_frames(first, other.iia_tests(kind).frame, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_people_count_as_rows_do(kind):
    fits = costumes("party ~ age + educ")
    first = fits["rows"].iia_tests(kind).frame
    for other in (fits["weights"], fits["counts"]):
        compare_frames(first, other.iia_tests(kind).frame, rtol=1e-7)


def test_an_offset_goes_with_its_category():
    """Coefficients known beforehand may stand in the offset: nothing changes but themselves."""
    frame, plain = survey(), fitted("party ~ age + educ")
    known = np.column_stack([np.zeros(160), 0.02 * frame["age"], -0.01 * frame["age"]])
    beside = ml.mnlogit("party ~ age + educ", frame, offset=known).fit()
    for kind in KINDS:
        compare_frames(plain.iia_tests(kind).frame, beside.iia_tests(kind).frame, rtol=1e-6)


@pytest.mark.parametrize("gone", range(3))
def test_shares_without_a_category_are_of_what_is_left(gone):
    shares = np.random.default_rng(0).dirichlet([2, 1, 1.5], size=60)
    x = np.column_stack([np.ones(60), np.random.default_rng(1).normal(size=60)])
    res = ml.MNLogit(shares, x).fit()
    reduction = reduce_choice(3, 0, gone)
    objective = make_subset_objective(
        res.record, leave_out(res.record.blocks.design, reduction), reduction.base
    )
    params = res.record.basis.enter_params(np.array([[0.3, -0.7]])).ravel()
    scores = np.zeros((60, 2))
    scores[:, 1 - reduction.base] = x @ [0.3, -0.7]
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    expected = (np.delete(shares, gone, axis=1) * logs).sum()
    assert objective.evaluate(params, 0).loglike == pytest.approx(expected, rel=1e-12)
    for kind in ("robust", "hausman-mcfadden"):
        assert res.iia_tests(kind).frame["statistic"].notna().all()


@pytest.mark.parametrize(("base", "gone"), [(0, 0), (0, 2), (1, 0), (3, 1), (3, 3)])
def test_contrasts_give_the_equations_of_those_that_stay(base, gone):
    whole = np.insert(np.random.default_rng(2).normal(size=3), base, 0.0)
    reduction = reduce_choice(4, base, gone)
    stay = np.delete(whole, gone)
    expected = np.delete(stay - stay[reduction.base], reduction.base)
    np.testing.assert_allclose(reduction.contrasts @ np.delete(whole, base), expected)


def test_the_robust_statistic_is_never_negative_where_the_other_is():
    res = fit_case("hsbdemo")
    assert (res.iia_tests("hausman-mcfadden").frame["statistic"] < 0).any()
    for kind in ("robust", "score"):
        assert (res.iia_tests(kind).frame["statistic"] >= 0).all()


def test_combinations_on_which_both_models_agree_are_left_out():
    """The model is not saturated, but its 8 distinct rows leave few ways to disagree."""
    res = fit_case("alligators")
    found = res.iia_tests().frame
    assert (found["df"] < 15).all()
    assert (found["df"] >= 1).all()
    assert found["statistic"].between(0, 50).all()
    compare_frames(found, res.rebase("Other").iia_tests().frame, rtol=1e-6)


def test_a_saturated_model_cannot_be_tested():
    for kind in ("robust", "score"):
        found = fit_case("nomocc_white").iia_tests(kind).frame
        assert found[["statistic", "p_value"]].isna().all(axis=None)
        assert found["df"].tolist() == [0] * 5
        assert found["reason"].str.contains("must agree").all()
    found = fit_case("nomocc_white").iia_tests("hausman-mcfadden").frame
    assert found["p_value"].isna().all()


def test_what_does_not_apply_says_why(res):
    two = ml.mnlogit("red ~ age", survey().assign(red=lambda f: f["party"] == "red")).fit()
    sampled = fitted("party ~ age", weights="weight", weight_type="sampling")
    modelled = MNLogitResults(sampled.record, estimate_model_covariance(sampled.record))
    trusted = fitted("party ~ age", weights="weight", weight_type="importance")
    reduced = ml.mnlogit("party ~ age", survey()).fit(bias_reduction="mean")
    case = load_case("iris")
    with pytest.warns(SeparationWarning):
        separated = ml.mnlogit(case.formula, case.data, **case.options).fit()
    for fit, kind, said in [
        (two, "robust", "two categories"),
        (two, "score", "two categories"),
        (modelled, "score", "kind='robust'"),
        (trusted, "robust", "importance weights"),
        (reduced, "score", "reduced its bias"),
        (sampled, "hausman-mcfadden", "kind='robust'"),
        (sampled, "small-hsiao", "kind='robust'"),
        (trusted, "robust", "importance weights"),
        (trusted, "small-hsiao", "importance weights"),
        (reduced, "robust", "reduced its bias"),
        (separated, "robust", "separated"),
    ]:
        found = fit.iia_tests(kind).frame
        assert found[["statistic", "p_value"]].isna().all(axis=None)
        assert found["reason"].str.contains(said, regex=False).all()
        assert found.index.tolist() == list(fit.categories)
    for kind in ("hausman-mcfadden", "score"):
        assert trusted.iia_tests(kind).frame["statistic"].notna().all()
    assert sampled.iia_tests().frame["statistic"].notna().all()


@pytest.mark.parametrize("kind", ["robust", "hausman-mcfadden"])
def test_rows_that_are_separated_without_a_category_say_so(kind):
    """a and b never meet; c, which meets both, is what makes the whole model's maximum finite."""
    frame = pd.DataFrame({"x": [0.0, 1, 2, 3] * 10, "y": list("aabb") * 5 + ["c"] * 20})
    res = ml.mnlogit("y ~ x", frame).fit()
    assert res.iia_tests("score").frame.loc["c", "p_value"] < 1
    found = res.iia_tests(kind).frame
    assert "they are separated" in found.loc["c", "reason"]
    assert np.isnan(found.loc["c", ["statistic", "p_value"]].astype(float)).all()
    assert found.loc[["a", "b"], "statistic"].notna().all()


def test_wrong_requests_raise(res):
    with pytest.raises(OptionError, match="score, robust, hausman-mcfadden"):
        res.iia_tests("hausman")
    for seed in (-1, 0.5, "a", True):
        with pytest.raises(OptionError, match="seed"):
            res.iia_tests("small-hsiao", seed=seed)


def test_what_is_printed_warns(res):
    tests = res.iia_tests("hausman-mcfadden")
    for text in (str(tests), tests._repr_html_()):
        assert "Cheng and Long 2007" in text
        assert "Hausman-McFadden" in text
        assert "irrelevant alternatives" in text
        assert ("not positive definite" in text) == ("reason" in tests.frame)
    assert fit_case("hsbdemo").iia_tests("hausman-mcfadden").frame["reason"].all()

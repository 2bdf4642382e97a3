"""What follows from a constrained fit: tests, multipliers, tables, nesting, other bases."""

import pickle

import numpy as np
import pytest
from scipy.stats import chi2

import mlelogit as ml
from mlelogit.exceptions import (
    BiasReductionError,
    ConstraintError,
    NotNestedError,
    ParamsError,
    SeparationWarning,
)
from mlelogit.inference.testing.nesting import is_settled, mark_settled
from tests.inference.samples import fitted, survey

FORMULA = "party ~ age + educ + region"
SAID = ["green: age = red: age", "red: educ = 0.2"]


def model(formula=FORMULA, **options):
    return ml.mnlogit(formula, survey(), **options)


@pytest.fixture(scope="module")
def res():
    return model().fit(constraints=SAID)


@pytest.fixture(scope="module")
def free():
    return fitted()


def find_rows():
    rows = np.zeros((2, 10))
    rows[0, 1], rows[0, 6], rows[1, 7] = 1.0, -1.0, 1.0
    return rows, np.array([0.0, 0.2])


def test_three_tests_of_the_constraints(res, free):
    tests = res.constraint_tests()
    rows, values = find_rows()
    gap = rows @ free.params.T.to_numpy().ravel() - values
    wald = gap @ np.linalg.solve(rows @ free.cov_params().to_numpy() @ rows.T, gap)
    information = model().information(res.params).to_numpy()
    score = model().score(res.params).T.to_numpy().ravel()
    assert tests.lr.statistic == pytest.approx(2 * (free.llf - res.llf), rel=1e-9)
    assert tests.wald.statistic == pytest.approx(wald, rel=1e-8)
    assert tests.score.statistic == pytest.approx(
        score @ np.linalg.solve(information, score), rel=1e-8
    )
    for test in (tests.lr, tests.wald, tests.score):
        assert test.df == 2
        assert test.null == "green: age = red: age; red: educ = 0.2"
        assert test.p_value == pytest.approx(chi2.sf(test.statistic, 2), rel=1e-10)
    assert str(tests.lr) in str(tests)
    assert tests._repr_html_().startswith("<p><strong>Tests of the constraints")


def test_a_robust_fit_has_a_robust_wald_test(res, free):
    rows, values = find_rows()
    robust = free.with_cov("HC0")
    tests = res.with_cov("HC0").constraint_tests()
    asked = robust.wald_test(rows, values)
    assert tests.wald.statistic == pytest.approx(asked.statistic, rel=1e-8)
    assert "HC0" in tests.wald.name


def test_multipliers_are_slopes_of_the_maximum(res):
    """By the envelope theorem."""
    step = 1e-4
    frame = res.multipliers
    for place, text in enumerate(("green: age = red: age + {}", "red: educ = 0.2 + {}")):
        values = []
        for change in (step, -step):
            said = list(SAID)
            said[place] = text.format(change).replace("+ -", "- ")
            values.append(model().fit(constraints=said).llf)
        slope = (values[0] - values[1]) / (2 * step)
        assert frame["multiplier"].iloc[place] == pytest.approx(slope, rel=1e-5)


def test_a_single_multiplier_is_the_score_test():
    res = model().fit(constraints="green: age = red: age")
    tests = res.constraint_tests()
    assert tests.frame["z"].iloc[0] ** 2 == pytest.approx(tests.score.statistic, rel=1e-9)
    assert tests.frame["p_value"].iloc[0] == pytest.approx(tests.score.p_value, rel=1e-9)


def test_errors_of_multipliers_are_those_of_the_inverse(res):
    rows, _ = find_rows()
    information = model().information(res.params).to_numpy()
    spread = np.linalg.inv(rows @ np.linalg.solve(information, rows.T))
    np.testing.assert_allclose(res.multipliers["std_err"], np.sqrt(np.diag(spread)), rtol=1e-7)


def test_active_bounds_have_no_chi_square():
    res = model().fit(constraints=["red: educ <= 0.1", "green: age = red: age", "age <= 1"])
    tests = res.constraint_tests()
    for test in (tests.wald, tests.score):
        assert np.isnan(test.p_value)
        assert "chi-bar" in test.reason
    assert "chi-bar" in tests.lr.name
    assert tests.frame["role"].tolist()[:3] == ["active bound", "held", "slack bound"]
    assert np.isnan(tests.frame["p_value"].iloc[0])
    assert np.isnan(res.llr_pvalue)
    assert "chi-bar" in res.statistics.reason
    with pytest.raises(NotNestedError):
        res.lr_test(model().fit())
    assert np.isnan(model().fit().lr_test(res).p_value)


def test_slack_bounds_are_not_doubted():
    """The maximum without them is the same, so that the statistic is zero and p one."""
    tests = model().fit(constraints=["age <= 1", "red: educ >= -3"]).constraint_tests()
    assert (tests.lr.statistic, tests.lr.p_value) == (0, 1)
    assert "red: educ >= -3" in tests.lr.null
    for test in (tests.wald, tests.score):
        assert "no constraint is in force" in test.reason
        assert test.df == 0


def test_bounds_that_others_meet_are_not_slack():
    said = ["green: age >= 0.2", "green: age <= 0.2", "green: age >= -1", "red: age <= 3"]
    found = model().fit(constraints=said)
    roles = dict(zip(found.multipliers.index, found.multipliers["role"], strict=True))
    assert sorted(roles.values()) == [
        "active bound",
        "implied by others",
        "implied by others",
        "slack bound",
    ]
    assert roles["red: age <= 3"] == "slack bound"
    assert found.params.loc["age", "green"] == 0.2
    assert "Within these bounds: red: age <= 3" in str(found.summary())


def test_a_fit_without_constraints_has_none_to_test(free):
    with pytest.raises(ConstraintError, match="has no constraints"):
        free.constraint_tests()
    with pytest.raises(ConstraintError, match="has no constraints"):
        _ = free.multipliers


def test_sampling_weights_leave_the_wald_test():
    res = model(weights="weight", weight_type="sampling").fit(constraints=SAID)
    tests = res.constraint_tests()
    assert "pseudo-likelihood" in tests.lr.reason
    assert "pseudo-likelihood" in tests.score.reason
    assert 0 < tests.wald.p_value < 1
    assert tests.frame["std_err"].isna().all()


def test_the_table_says_what_is_fixed_and_why():
    res = model().fit(
        constraints=["red: educ <= 0.1", "green: educ = 0.03", "green: age = red: age"]
    )
    text = res.summary().as_text()
    assert "(at bound)" in text
    assert "(fixed)" in text
    assert "Held to: green: educ = 0.03; green: age = red: age." in text
    assert "At these bounds: red: educ <= 0.1 (multiplier" in text
    assert "conditional on that" in text
    tidy = res.tidy().set_index(["category", "name"])
    at_bound = tidy.loc[("red", "educ")]
    assert at_bound["estimate"] == 0.1
    assert at_bound["std_err"] == 0
    assert at_bound[["z", "p_value", "lower", "upper"]].isna().all()
    assert res.conf_int().loc[("green", "educ")].isna().all()
    assert np.isnan(res.tvalues.loc["educ", "green"])
    ratios = res.tidy(exponentiate=True).set_index(["category", "name"])
    assert ratios.loc[("green", "educ"), "estimate"] == pytest.approx(np.exp(0.03))
    assert np.isfinite(tidy.drop(index=[("red", "educ"), ("green", "educ")]).to_numpy()).all()


def test_columns_left_out_keep_the_marks_in_place():
    data = survey().assign(twice=lambda d: 2 * d["age"])
    with pytest.warns(ml.exceptions.CollinearityWarning):
        fitting = ml.mnlogit("party ~ age + twice + educ", data)
    text = fitting.fit(constraints="red: educ = 0.1").summary().as_text()
    marked = [line for line in text.splitlines() if "(fixed)" in line]
    assert len(marked) == 1
    assert marked[0].startswith("educ")
    with pytest.raises(ConstraintError, match="left out"):
        fitting.fit(constraints="red: twice = 0")
    with pytest.raises(ConstraintError, match="left out"):
        fitting.fit(equations={"twice": ["red"]})


def test_what_constraints_settle_is_not_tested(res, free):
    for asked in ("green: age = red: age", "red: educ = 0", ["red: educ = 0.2"], "educ"):
        for test in (res.wald_test(asked), res.lr_test(asked), res.score_test(asked)):
            assert np.isnan(test.statistic)
            assert "constraints settle" in test.reason
    otherwise = res.wald_test("red: educ = 0").reason
    assert "otherwise: it is held to green: age = red: age; red: educ = 0.2" in otherwise
    for test in (res.wald_test, res.lr_test, res.score_test):
        for asked in (["red: age = 0", "red: age = 1"], "red: age = 0, 2*red: age = 0"):
            with pytest.raises(ParamsError, match=r"contradict|depend"):
                test(asked)
    assert res.wald_test("green: age").p_value < 1
    assert res.wald_test("green: age").statistic == pytest.approx(
        res.tvalues.loc["age", "green"] ** 2
    )
    assert not free.wald_test("age").reason


def test_rows_that_repeat_others_settle_nothing(res):
    rows = find_rows()[0]
    free_row = np.zeros((1, 10))
    free_row[0, 1] = 1.0
    assert is_settled(res.record, rows)
    assert is_settled(res.record, np.vstack([rows[:1], free_row]))
    assert not is_settled(res.record, np.vstack([free_row, 3 * free_row]))
    assert mark_settled(res.record, np.vstack([rows, free_row])).tolist() == [True, True, False]


def test_of_what_is_settled_in_part_the_rest_is_tested(res):
    """Each test is the one of independent rows that say the same beside the constraints."""
    cases = {
        "age": "green: age",
        "age = 0, green: educ = 0": ["green: age = 0", "green: educ = 0"],
        "educ = 0.2": "green: educ = 0.2",
    }
    for asked, news in cases.items():
        for test in (res.wald_test, res.lr_test, res.score_test):
            whole, part = test(asked), test(news)
            assert whole.df == part.df == len(np.atleast_1d(news))
            assert whole.statistic == pytest.approx(part.statistic, rel=1e-9)
            assert "the fit's own constraints settle the rest" in whole.null
    smaller = model().fit(constraints=[*SAID, "green: age = 0"])
    assert res.lr_test("age").statistic == pytest.approx(2 * (res.llf - smaller.llf), rel=1e-9)


def test_nested_constraints(res, free):
    test = free.lr_test(res)
    assert test.df == 2
    assert test.statistic == pytest.approx(2 * (free.llf - res.llf))
    assert "green: age = red: age" in test.null
    tighter = model().fit(constraints=[*SAID, "green: age = 0.01"])
    assert res.lr_test(tighter).df == 1
    combined = model().fit(constraints=["red: age = 0.01", "green: age = 0.01", "red: educ = 0.2"])
    assert res.lr_test(combined).df == 1
    other = model().fit(constraints=["green: educ = 0", "red: age = 0", "green: age = 0"])
    with pytest.raises(NotNestedError, match=r"not held to red: educ = 0\.2"):
        res.lr_test(other)
    with pytest.raises(NotNestedError, match="df would be"):
        res.lr_test(model().fit(constraints=SAID))
    with pytest.raises(NotNestedError, match=r"df would be|not held"):
        res.lr_test(free)


def test_nested_constraints_against_other_bases(res):
    smaller = model(base="red").fit(
        constraints=["green: age = 0", "blue: educ = -0.2", "blue: age = -0.01"]
    )
    assert res.lr_test(smaller).df == 1
    assert res.rebase("green").lr_test(smaller).df == 1
    assert res.rebase("green").lr_test(smaller.rebase("blue")).df == 1


def test_nested_in_a_design_of_other_columns():
    data = survey().assign(total=lambda d: d["age"] + 10 * d["educ"])
    larger = ml.mnlogit("party ~ age + educ", data).fit(constraints=["green: educ = 10*green: age"])
    smaller = ml.mnlogit("party ~ total", data).fit()
    assert larger.lr_test(smaller).df == 1
    apart = ml.mnlogit("party ~ age", data).fit()
    with pytest.raises(NotNestedError, match="not held to"):
        larger.lr_test(apart)


def test_a_constrained_fit_is_a_record_like_others(res):
    again = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(again.params, res.params)
    assert again.summary().as_text() == res.summary().as_text()
    assert res.summary().as_html()
    assert res.summary().as_latex()
    np.testing.assert_allclose(res.predict().sum(axis=1), 1.0)
    assert res.rebase("red").rebase("blue").params.equals(res.params) or np.allclose(
        res.rebase("red").rebase("blue").params, res.params, rtol=1e-14, atol=1e-15
    )


@pytest.mark.parametrize("kind", ["nonrobust", "HC0", "HC1", "robust", "opg"])
def test_sandwiches_are_of_the_free_parameters(res, kind):
    """In free params b = o + S g: bread (S'I S)⁻¹, meat S'M S."""
    spread = np.delete(np.eye(10), [6, 7], axis=1)
    spread[6, 1] = 1.0
    information = model().information(res.params).to_numpy()
    scores = res.score_obs().to_numpy()
    meat = spread.T @ (scores.T @ scores) @ spread
    bread = np.linalg.inv(spread.T @ information @ spread)
    size = 8
    correct = {"HC1": 160 / (160 - size), "robust": 160 / 159}.get(kind, 1.0)
    inner = bread @ meat @ bread * correct
    inner = {"nonrobust": bread, "opg": np.linalg.inv(meat)}.get(kind, inner)
    expected = spread @ inner @ spread.T
    found = res.with_cov(kind).cov_params().to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-14)
    moved = res.with_cov(kind).rebase("red")
    anew = res.rebase("red").with_cov(kind)
    np.testing.assert_allclose(moved.cov_params(), anew.cov_params(), rtol=1e-8, atol=1e-14)


def test_refits_are_fits_with_weights(res, rng):
    times = rng.multinomial(160, np.full(160, 1 / 160), size=5)
    found = res.refit(times)
    for place, row in enumerate(times):
        data = survey().assign(times=row)
        truth = ml.mnlogit(FORMULA, data, weights="times", weight_type="frequency").fit(
            constraints=SAID
        )
        np.testing.assert_allclose(found.iloc[place], truth.params.T.to_numpy().ravel(), rtol=1e-7)
    assert (found[("red", "educ")] == 0.2).all()
    assert (found[("red", "age")] == found[("green", "age")]).all()


def test_refits_under_bounds_are_refused():
    with pytest.raises(ConstraintError, match="bootstrap is not consistent"):
        model().fit(constraints="age <= 1").refit(np.ones((1, 160)))


@pytest.mark.parametrize(
    "said",
    [
        SAID,
        ["age"],
        ["red: educ <= 0.1", "green: age = red: age", "age <= 1"],
        ["green: Intercept = red: Intercept - 1", "educ >= 0.05"],
        ["red: educ <= 0"],
        ["age <= 0", "red: educ <= 0", "green: educ = 0"],
        ["red: educ <= green: educ"],
    ],
)
def test_engines_agree_under_constraints(said):
    found = model().fit(constraints=said).verify()
    assert found.was_run.sum() == 3
    assert found.agrees, str(found)
    assert found.frame["verdict"].str.contains("fits no constraints").sum() == 2
    assert found.frame["coef_diff"].max() < 1e-6


def test_a_wrong_answer_under_constraints_is_seen(res):
    from dataclasses import replace

    wrong = replace(res.record.maximum, params=res.record.maximum.params * 1.01)
    record = replace(res.record, maximum=wrong)
    found = type(res)(record, res.covariance).verify()
    assert not found.agrees


def test_a_fit_beside_its_bound_is_seen():
    """A coefficient a millionth of its standard error inside a bound at zero is not at it."""
    from dataclasses import replace

    res = model().fit(constraints="red: educ <= 0")
    place, error = 7, fitted().bse.loc["educ", "red"]
    assert res.record.maximum.params[place] == 0
    for share, agrees in ((1e-12, True), (1e-3, False)):
        moved = res.record.maximum.params.copy()
        moved[place] -= share * error
        record = replace(res.record, maximum=replace(res.record.maximum, params=moved))
        assert type(res)(record, res.covariance).verify(["cross-entropy"]).agrees is agrees


def separated():
    data = survey()
    only = (data["party"] == "red") & (np.arange(160) % 3 == 0)
    return data.assign(only=only.astype(float))


def test_separation_that_constraints_leave():
    """Rows that are certain in the limit say nothing: the rest is the fit without them."""
    data = separated()
    with pytest.warns(SeparationWarning, match="under the constraints"):
        res = ml.mnlogit("party ~ age + educ + only", data).fit(
            constraints=["green: only = 0", "green: age = red: age"]
        )
    assert np.isposinf(res.params.loc["only", "red"])
    rest = ml.mnlogit("party ~ age + educ", data[data["only"] == 0]).fit(
        constraints="green: age = red: age"
    )
    names = ["Intercept", "age", "educ"]
    assert res.llf == pytest.approx(rest.llf, rel=1e-10)
    np.testing.assert_allclose(res.params.loc[names], rest.params, rtol=1e-6)
    np.testing.assert_allclose(res.bse.loc[names], rest.bse, rtol=1e-6)
    assert res.params.loc["only", "green"] == 0
    assert res.bse.loc["only", "green"] == 0
    assert res.separation.coefficients["name"].tolist() == ["only"]
    said = str(res.summary())
    assert "That is so under the constraints given; without them" in " ".join(said.split())
    assert said.count("bias_reduction") == 1
    with pytest.raises(BiasReductionError):
        ml.mnlogit("party ~ age", data).fit(constraints="age", bias_reduction="mean")


def test_suprema_of_separated_data_are_compared_under_constraints():
    """Rows that are certain in the limit say nothing, so the tests are those of the rest."""
    data, said = separated(), "green: age = red: age"
    rest = ml.mnlogit("party ~ age + educ", data[data["only"] == 0])
    larger = rest.fit()
    expected = 2 * (larger.llf - rest.fit(constraints=said).llf)
    fitting = ml.mnlogit("party ~ age + educ + only", data)
    with pytest.warns(SeparationWarning):
        free, tied = fitting.fit(), fitting.fit(constraints=said)
    assert free.lr_test(said).statistic == pytest.approx(expected, rel=1e-7)
    assert free.lr_test(tied).statistic == pytest.approx(expected, rel=1e-7)
    seen = free.rebase("red").lr_test("green: age = 0")
    assert seen.statistic == pytest.approx(expected, rel=1e-7)
    tests = tied.constraint_tests()
    assert tests.lr.statistic == pytest.approx(expected, rel=1e-7)
    assert tests.lr.df == 1
    assert np.isnan([tests.wald.statistic, tests.score.statistic]).all()
    seen = tied.rebase("red").constraint_tests().lr
    assert seen.statistic == pytest.approx(expected, rel=1e-7)
    inside = tied.lr_test("educ")
    smaller = ml.mnlogit("party ~ age", data[data["only"] == 0]).fit(constraints=said)
    gap = 2 * (rest.fit(constraints=said).llf - smaller.llf)
    assert inside.statistic == pytest.approx(gap, rel=1e-7)


def test_separation_with_a_fixed_coefficient_leaves_a_choice():
    data = separated()
    fitting = ml.mnlogit("party ~ age + only", data)
    with pytest.warns(SeparationWarning):
        res = fitting.fit(constraints="red: only = 2")
    assert np.isneginf(res.params.loc["only", "green"])
    assert res.params.loc["only", "red"] == 2
    far = fitting.fit(constraints=["red: only = 2", "green: only = -40"])
    assert res.llf == pytest.approx(far.llf, rel=1e-12)
    np.testing.assert_allclose(res.params.loc["age"], far.params.loc["age"], rtol=1e-7)
    np.testing.assert_allclose(res.bse.loc["age"], far.bse.loc["age"], rtol=1e-6)


def test_constraints_can_end_separation():
    res = ml.mnlogit("party ~ age + only", separated()).fit(
        constraints=["red: only = 1", "green: only = -1"]
    )
    assert res.converged
    assert not res.record.separation.found


def test_every_fit_statistic_counts_what_is_free(res):
    smaller = model("party ~ age + region").fit()
    table = model().fit(constraints="educ").fit_statistics()
    truth = smaller.fit_statistics()
    np.testing.assert_allclose(table["value"], truth["value"], rtol=1e-9)
    assert table["reason"].tolist() == truth["reason"].tolist()
    bound = model().fit(constraints="red: educ <= 0.1").fit_statistics()
    assert "chi-bar" in bound.loc["llr_pvalue", "reason"]
    outside = model().fit(constraints="red: educ = 0.1").fit_statistics()
    assert "does not meet the constraints" in outside.loc["llr", "reason"]
    assert "does not meet the constraints" in outside.loc["bic_null", "reason"]


def test_goodness_of_fit_counts_what_is_free():
    ours = ml.mnlogit("party ~ educ + region", survey()).fit(constraints="educ").gof_tests()
    theirs = ml.mnlogit("party ~ region", survey()).fit().gof_tests()
    assert ours.pearson.df - theirs.pearson.df > 0  # more patterns
    free = ml.mnlogit("party ~ educ + region", survey()).fit().gof_tests()
    assert ours.pearson.df == free.pearson.df + 2


def test_hauck_donner_effects_are_of_coefficients_that_move(res):
    frame = res.hauck_donner()
    held = [("green", "age"), ("red", "age"), ("red", "educ")]
    assert frame.loc[held, "words"].str.contains("constraints hold").all()
    assert frame.loc[held, "slope"].isna().all()
    gone = model().fit(constraints="educ").hauck_donner()
    smaller = model("party ~ age + region").fit().hauck_donner()
    np.testing.assert_allclose(
        gone.loc[smaller.index, "slope"].astype(float), smaller["slope"].astype(float), rtol=1e-6
    )


def test_engines_agree_where_columns_are_nearly_one():
    rng = np.random.default_rng(1)
    first = rng.normal(size=160)
    data = survey().assign(p=first, q=first + 1e-6 * rng.normal(size=160))
    res = ml.mnlogit("party ~ p + q", data).fit(constraints=["green: p = 0", "red: p = red: q"])
    assert res.converged
    assert res.verify().agrees
    one = ml.mnlogit("party ~ s", data.assign(s=(data["p"] + data["q"]) / 2)).fit(
        constraints="green: s = 0"
    )
    other = ml.mnlogit("party ~ p + q", data).fit(
        constraints=["red: p = red: q", "green: p = 0", "green: q = 0"]
    )
    assert other.llf == pytest.approx(one.llf, rel=1e-12)
    assert 2 * other.params.loc["p", "red"] == pytest.approx(one.params.loc["s", "red"], rel=1e-7)
    assert 2 * other.bse.loc["p", "red"] == pytest.approx(one.bse.loc["s", "red"], rel=1e-7)


def test_a_bootstrap_holds_equations_and_refuses_bounds(res):
    boot = res.bootstrap(40, seed=1)
    assert boot.bse.loc["educ", "red"] == 0
    assert boot.bse.loc["age", "red"] == boot.bse.loc["age", "green"] > 0
    with pytest.raises(ml.exceptions.BootstrapError, match="has bounds"):
        model().fit(constraints="age <= 1").bootstrap(40, seed=1)
    linear = model().fit(constraints="red: educ <= 0.1").bootstrap(40, kind="score", seed=1)
    assert linear.bse.loc["educ", "red"] == 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("HC2", {}),
        ("HC3", {}),
        ("cluster", {"groups": np.arange(160) % 50}),
        ("cluster", {"groups": np.arange(160) % 50, "correction": "CR2"}),
        ("cluster", {"groups": np.arange(160) % 50, "correction": "CR3"}),
        ("HAC", {"time": np.arange(160), "maxlags": 2}),
        ("survey", {"psu": np.arange(160) % 50}),
    ],
)
def test_every_covariance_is_of_what_is_free(kind, options):
    """A column held at zero is a column left out."""
    gone = model().fit(constraints="educ").with_cov(kind, **options)
    smaller = model("party ~ age + region").fit().with_cov(kind, **options)
    np.testing.assert_allclose(gone.bse.loc[smaller.bse.index], smaller.bse, rtol=1e-9)
    assert (gone.bse.loc["educ"] == 0).all()
    np.testing.assert_allclose(gone.pvalues.loc[smaller.bse.index], smaller.pvalues, rtol=1e-8)
    assert gone.wald_test("age").statistic == pytest.approx(
        smaller.wald_test("age").statistic, rel=1e-8
    )


def test_tests_inside_a_constrained_fit_are_those_of_the_smaller_model():
    gone, smaller = model().fit(constraints="educ"), model("party ~ age + region").fit()
    for name in ("wald_test", "lr_test", "score_test"):
        ours, theirs = getattr(gone, name)("region"), getattr(smaller, name)("region")
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-7)
        assert ours.df == theirs.df

"""Profile and score intervals: truths, other optimizers, closed forms and theorems."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import brentq
from scipy.stats import chi2, norm

import mlelogit as ml
from mlelogit.data.hypotheses.combinations import read_combinations
from mlelogit.data.hypotheses.restrictions import read_restrictions
from mlelogit.exceptions import (
    CovarianceError,
    DataNotKeptError,
    IntervalError,
    NotConvergedWarning,
    OptionError,
    ParamsError,
)
from mlelogit.fitting.constrained.restriction import fit_restricted, invert_along
from mlelogit.fitting.maximum import Status
from mlelogit.inference.intervals import profile
from mlelogit.inference.intervals.sections import survey_record
from mlelogit.results import MNLogitResults
from tests.inference.profiling import Plain
from tests.inference.samples import fitted, survey
from tests.reference_cases import build_model, load_case

CHI2 = chi2.ppf(0.95, 1)
ROWS = ["green: age", "red: region[T.west]", "green: educ - 2*red: educ + 0.1*red: age - 0.4"]


def distance(one, two, res):
    """Return the largest difference of two frames of intervals in standard errors."""
    errors = res.bse.T.to_numpy().ravel()[:, np.newaxis]
    return np.abs((one.to_numpy() - two.to_numpy()) / errors).max()


@pytest.mark.parametrize("name", ["hsbdemo", "brand"])
def test_profile_ends_are_those_found_by_bisection_in_r(name):
    case, res = load_case(name), build_model(name).fit()
    found, truth = res.conf_int(method="profile"), case.truth["extra"]["profile_ci95"]
    for end in ("lower", "upper"):
        table = case.table(end, truth).loc[res.params.index, res.params.columns]
        ours = found[end].to_numpy().reshape(-1, len(table)).T
        assert np.abs(ours / table - 1).to_numpy().max() < 1e-9
        rough = case.table(f"vgam_{end}", truth).loc[table.index, table.columns]
        assert np.abs((ours - rough) / res.bse).to_numpy().max() < 1e-3


@pytest.mark.parametrize("text", ROWS)
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_scipy_finds_the_levels_at_the_ends(text, side):
    res = fitted()
    plain, asked = Plain(res), read_combinations(text, res.record.encoding)
    row, start = asked.matrix[0], res.record.maximum.params
    end = res.lincom(text, method="profile")[side].item() + asked.values[0]
    held = plain.hold(row, end, start)
    assert abs(2 * (res.llf - plain.loglike(held)) - CHI2) < 1e-7
    end = res.lincom(text, method="score")[side].item() + asked.values[0]
    held = plain.hold(row, end, start)
    score = plain.score(held)
    assert abs(score @ np.linalg.solve(plain.information(held), score) - CHI2) < 1e-5


@pytest.fixture(scope="module")
def logit():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"x": rng.normal(size=60), "z": rng.exponential(size=60)})
    frame["y"] = (rng.logistic(size=60) < 0.8 * frame["x"] - 0.5).astype(int)
    return frame, ml.mnlogit("y ~ x + z", frame).fit()


def fit_beside(frame, name, value):
    """Fit a logit with one coefficient held, by statsmodels' GLM and an offset."""
    exog = sm.add_constant(frame[["x", "z"]])
    others = exog.drop(columns=name)
    family = sm.families.Binomial()
    model = sm.GLM(frame["y"], others, family=family, offset=value * exog[name])
    return others.to_numpy(), exog[name].to_numpy(), model.fit(tol=1e-13, maxiter=100)


@pytest.mark.parametrize("name", ["const", "x", "z"])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_statsmodels_with_an_offset_finds_the_levels_of_a_logit(logit, name, side):
    frame, res = logit
    ours = "Intercept" if name == "const" else name
    value = res.conf_int(method="profile").loc[(1, ours), side]
    assert abs(2 * (res.llf - fit_beside(frame, name, value)[2].llf) - CHI2) < 1e-8
    value = res.conf_int(method="score").loc[(1, ours), side]
    others, x, fit = fit_beside(frame, name, value)
    p = np.asarray(fit.fittedvalues)
    weights = p * (1 - p)
    cross = (others * weights[:, np.newaxis]).T @ x
    left = x @ (weights * x) - cross @ np.linalg.solve((others.T * weights) @ others, cross)
    assert abs((x @ (frame["y"] - p)) ** 2 / left - CHI2) < 1e-7


@pytest.mark.parametrize(("people", "ill"), [(20, 3), (7, 1), (1000, 998)])
def test_closed_forms_of_a_proportion(people, ill):
    """The score interval is Wilson's (1927); profile ends solve one equation."""
    y = np.repeat([0, 1], [people - ill, ill])
    res = ml.MNLogit(y, np.ones((people, 1))).fit()
    z, share = norm.ppf(0.975), ill / people
    middle = (share + z**2 / 2 / people) / (1 + z**2 / people)
    half = z / (1 + z**2 / people) * np.sqrt(share * (1 - share) / people + (z / 2 / people) ** 2)
    wilson = np.array([middle - half, middle + half])
    assert np.abs(res.conf_int(method="score") - np.log(wilson / (1 - wilson))).max().max() < 1e-8

    def loglike(t, add=0.0):
        return -(ill + add) * np.logaddexp(0, -t) - (people - ill + add) * np.logaddexp(0, t)

    def solve_ends(add):
        top = np.log((ill + add) / (people - ill + add))
        level = loglike(top, add) - CHI2 / 2
        ends = [(top - 20, top), (top, top + 20)]
        return [brentq(lambda t: loglike(t, add) - level, *at, xtol=1e-13) for at in ends]

    assert np.abs(res.conf_int(method="profile") - solve_ends(0)).max().max() < 1e-8
    reduced = ml.MNLogit(y, np.ones((people, 1))).fit(bias_reduction="mean")
    assert np.abs(reduced.conf_int(method="profile") - solve_ends(0.5)).max().max() < 1e-8


def test_the_search_finds_what_the_steps_find(monkeypatch):
    res = fitted()
    direct = res.conf_int(method="profile")
    monkeypatch.setattr(profile, "_solve_end", lambda *_: None)
    assert distance(res.conf_int(method="profile"), direct, res) < 1e-8
    monkeypatch.setattr(profile, "NEWTON_STEPS", 0)
    few = res.lincom(ROWS, method="profile")[["lower", "upper"]]
    monkeypatch.undo()
    assert (
        np.abs(few / res.lincom(ROWS, method="profile")[["lower", "upper"]] - 1).max().max() < 1e-8
    )


@pytest.mark.parametrize("method", ["profile", "score"])
def test_intervals_do_not_depend_on_base_order_or_units(method):
    res = fitted()
    found = res.conf_int(method=method)
    pairs = res.all_pairs(method=method)[["lower", "upper"]]
    for base in res.categories:
        anew = ml.mnlogit("party ~ age + educ + region", survey(), base=base).fit()
        seen = pairs.xs(base, level="against")
        assert distance(seen, anew.conf_int(method=method).loc[seen.index], anew) < 1e-8
    shuffled = survey().sample(frac=1, random_state=1)
    other = ml.mnlogit("party ~ age + educ + region", shuffled).fit()
    assert distance(other.conf_int(method=method), found, res) < 1e-8
    units = survey().assign(age=survey()["age"] * 1e-9)
    other = ml.mnlogit("party ~ age + educ + region", units).fit().conf_int(method=method)
    for category in ("green", "red"):
        back = other.loc[(category, "age")] * 1e-9
        assert np.abs(back / found.loc[(category, "age")] - 1).max() < 1e-8


@pytest.mark.parametrize("method", ["wald", "profile", "score"])
def test_intervals_of_ratios_are_exponentials(method):
    res = fitted()
    plain, ratios = res.conf_int(method=method), res.conf_int(method=method, exponentiate=True)
    assert np.abs(ratios / np.exp(plain) - 1).max().max() < 1e-14
    ratios = res.lincom(ROWS, method=method, exponentiate=True)[["lower", "upper"]]
    plain = res.lincom(ROWS, method=method)[["lower", "upper"]]
    assert np.abs(ratios / np.exp(plain) - 1).max().max() < 1e-14
    ratios = res.all_pairs(method=method, exponentiate=True)[["lower", "upper"]]
    plain = res.all_pairs(method=method)[["lower", "upper"]]
    assert np.abs(ratios / np.exp(plain) - 1).max().max() < 1e-14


@pytest.mark.parametrize("method", ["profile", "score"])
def test_intervals_are_nested_about_the_estimate(method):
    res = fitted()
    before = None
    estimate = res.params.T.to_numpy().ravel()
    for alpha in (0.9, 0.5, 0.1, 0.01, 1e-5):
        found = res.conf_int(alpha, method=method).to_numpy().T
        inner = (estimate, estimate) if before is None else before
        assert (found[0] < inner[0]).all()
        assert (found[1] > inner[1]).all()
        before = found


def test_intervals_of_many_rows_are_walds():
    """The difference, in standard errors, falls as one over the root of n (Wilks 1938)."""
    gaps = {}
    for times in (1, 10**4):
        res = ml.mnlogit(
            "party ~ age + educ", survey(), weights=np.full(160, times), weight_type="frequency"
        ).fit()
        for method in ("profile", "score"):
            gaps[method, times] = distance(res.conf_int(method=method), res.conf_int(), res)
    for method in ("profile", "score"):
        assert 0.3 < 100 * gaps[method, 10**4] / gaps[method, 1] < 3 or gaps[method, 10**4] < 1e-4
        assert gaps[method, 10**4] < 0.02 * gaps[method, 1]


@pytest.mark.parametrize("method", ["profile", "score"])
def test_frequencies_are_repeated_rows(method):
    weighted = fitted(weights="people", weight_type="frequency")
    rows = survey().loc[survey().index.repeat(survey()["people"])].reset_index(drop=True)
    expanded = ml.mnlogit("party ~ age + educ + region", rows).fit()
    assert (
        distance(weighted.conf_int(method=method), expanded.conf_int(method=method), weighted)
        < 1e-8
    )


@pytest.mark.parametrize("method", ["profile", "score"])
def test_counts_are_repeated_rows(method):
    counts = pd.crosstab([survey()["region"], survey()["educ"]], survey()["party"])
    exog = counts.index.to_frame(index=False).assign(one=1.0)[["one", "educ"]]
    grouped = ml.MNLogit(counts.to_numpy(), exog).fit()
    single = ml.MNLogit(survey()["party"], survey().assign(one=1.0)[["one", "educ"]]).fit()
    assert distance(grouped.conf_int(method=method), single.conf_int(method=method), grouped) < 1e-8


def test_an_offset_moves_the_interval():
    frame = survey()
    res = ml.mnlogit("party ~ age + educ", frame).fit()
    offset = np.zeros((160, 3))
    offset[:, 1] = 0.25 * frame["educ"]
    moved = ml.mnlogit("party ~ age + educ", frame, offset=offset).fit()
    for method in ("profile", "score"):
        expected = res.conf_int(method=method)
        expected.loc[("green", "educ")] -= 0.25
        assert distance(moved.conf_int(method=method), expected, res) < 1e-8


@pytest.mark.parametrize("search", [False, True])
def test_a_huge_offset_costs_digits_and_no_more(search, monkeypatch):
    """Scores of a hundred thousand are rounded to 1e-11; the ends are found all the same."""
    frame = survey()
    plain = ml.mnlogit("party ~ age + educ", frame).fit()
    offset = np.zeros((160, 3))
    offset[:, 1] = 1e5 + 3e4 * frame["educ"]
    moved = ml.mnlogit("party ~ age + educ", frame, offset=offset).fit()
    if search:
        monkeypatch.setattr(profile, "_solve_end", lambda *_: None)
    for method in ("profile", "score"):
        expected = plain.conf_int(method=method)
        expected.loc[("green", "educ")] -= 3e4
        expected.loc[("green", "Intercept")] -= 1e5
        assert distance(moved.conf_int(method=method), expected, plain) < 1e-5


def test_columns_left_out_have_no_interval():
    frame = survey().assign(double=2 * survey()["age"])
    with pytest.warns(ml.exceptions.CollinearityWarning):
        res = ml.mnlogit("party ~ age + educ + double", frame).fit()
    found = res.conf_int(method="profile")
    assert found.xs("double", level="name").isna().all().all()
    plain = ml.mnlogit("party ~ age + educ", frame).fit().conf_int(method="profile")
    assert np.abs(found.loc[plain.index] / plain - 1).max().max() < 1e-8
    assert res.all_pairs(method="profile").xs("double", level="name").isna().all().all()


def restrict(res, text):
    """Return the fit under equations."""
    asked = read_restrictions(text, res.record.encoding)
    fit = fit_restricted(res.record, asked)
    inverse = invert_along(fit.sums.information, fit.space)
    maximum = replace(res.record.maximum, params=fit.params, sums=fit.sums, inverse=inverse)
    return MNLogitResults(replace(res.record, maximum=maximum, restriction=asked), res.covariance)


@pytest.mark.parametrize("method", ["profile", "score"])
def test_a_coefficient_held_at_zero_is_a_column_less(method):
    held = restrict(fitted(), "educ").conf_int(method=method)
    smaller = fitted("party ~ age + region")
    found = smaller.conf_int(method=method)
    assert distance(held.loc[found.index], found, smaller) < 1e-8
    assert held.xs("educ", level="name").isna().all().all()
    one = restrict(fitted(), "green: educ = 0.3").conf_int(method=method)
    assert one.loc[("green", "educ")].isna().all()
    assert (one["lower"] < one["upper"]).sum() == 9


def test_no_profile_of_what_is_held():
    with pytest.raises(IntervalError, match="leave it one value"):
        restrict(fitted(), "educ").profile("green: educ")


def test_score_ends_are_the_nearest():
    """With a far value the score statistic falls again; up to the end it stays below."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    x[0] = 25.0
    y = (rng.logistic(size=60) < 0.5 * x).astype(int)
    y[0] = 0
    frame = pd.DataFrame({"x": x, "z": rng.normal(size=60), "y": y})
    res = ml.mnlogit("y ~ x + z", frame).fit()
    plain, row = Plain(res), np.array([0.0, 1.0, 0.0])
    low, high = res.conf_int(method="score").loc[(1, "x")]
    estimate = res.params.loc["x", 1]

    def statistic(value):
        held = plain.hold(row, value, res.record.maximum.params)
        score = plain.score(held)
        return score @ np.linalg.solve(plain.information(held), score)

    inside = [statistic(value) for value in np.linspace(low, high, 41)[1:-1]]
    assert max(inside) < CHI2
    beyond = [statistic(estimate + times * (high - estimate)) for times in (1.01, 1.1)]
    assert min(beyond) > CHI2


@pytest.fixture(scope="module")
def bank():
    model = build_model("bankwages_full")
    with pytest.warns(ml.exceptions.SeparationWarning):
        return model.fit()


class TestSeparated:
    """What is infinite has an open interval; all ends are levels below the supremum."""

    def test_ends_are_levels_below_the_supremum(self, bank):
        found = bank.conf_int(method="profile")
        plain = Plain(bank)
        top = load_case("bankwages_full").truth["separation"]["sup_loglik"]
        female = bank.params.index[-1]
        assert np.isposinf(found["upper"]).sum() == 2
        for i, label in enumerate(found.index):
            for end in found.loc[label]:
                if np.isfinite(end):
                    row = np.eye(len(found))[i]
                    begin = bank.record.maximum.params.copy()
                    for k, (_, name) in enumerate(found.index):
                        begin[k] += 14.0 if name == female and k != i else 0.0
                    if label[1] == female:
                        begin[[3, 7]] = end
                    drop = 2 * (top - plain.loglike(plain.hold(row, end, begin)))
                    assert abs(drop - CHI2) < 1e-4, (label, end)

    def test_contrasts_of_infinite_coefficients_can_be_finite(self, bank):
        text = [f"admin: {bank.params.index[-1]} - manage: {bank.params.index[-1]}"]
        with pytest.warns(ml.exceptions.SeparationWarning, match="another base"):
            row = bank.lincom(text, method="profile").iloc[0]
        moved = bank.rebase("manage")
        pair = moved.conf_int(method="profile").loc[("admin", bank.params.index[-1])]
        assert abs(row["estimate"] - moved.params.iloc[-1]["admin"]) < 1e-9
        assert np.abs(pair - row[["lower", "upper"]]).max() < 1e-8
        listed = bank.all_pairs(method="profile").loc[("admin", "manage", bank.params.index[-1])]
        assert np.abs(pair - listed[["lower", "upper"]]).max() < 1e-8
        assert np.isfinite(listed["std_err"])

    def test_pairs_are_those_of_every_base(self, bank):
        pairs = bank.all_pairs(method="profile")[["lower", "upper"]]
        for base in bank.categories:
            found = bank.rebase(base).conf_int(method="profile")
            seen = pairs.xs(base, level="against").loc[found.index]
            same = (seen == found) | (np.abs(seen - found) < 1e-8)
            assert same.all().all()

    def test_score_intervals_of_infinite_estimates_are_nan(self, bank):
        with pytest.warns(NotConvergedWarning, match=r"admin: .*female.*; manage: .*female"):
            found = bank.conf_int(method="score")
        assert list(found["lower"].isna()) == [False, False, False, True] * 2
        assert list(found["upper"].isna()) == [False, False, False, True] * 2

    def test_profiles_rise_towards_the_supremum(self, bank):
        name = f"admin: {bank.params.index[-1]}"
        found = bank.profile(name, points=[2.0, 4.0, 6.0, 8.0, 10.0])
        assert (np.diff(found["loglike"]) > 0).all()
        assert (found["signed_root"] > 0).all()
        assert (found["loglike"] < bank.llf).all()
        with pytest.raises(OptionError, match="infinite"):
            bank.profile(name)

    def test_what_reaches_the_supremum_anywhere_has_no_ends(self):
        rng = np.random.default_rng(2)
        near = rng.normal(size=(40, 2))
        y = (near.sum(axis=1) > 0).astype(int)
        x = near + 4.0 * (2 * y[:, np.newaxis] - 1)
        with pytest.warns(ml.exceptions.SeparationWarning):
            res = ml.MNLogit(y, np.column_stack([np.ones(40), x])).fit()
        assert np.isneginf(res.conf_int(method="profile")["lower"]).all()
        assert np.isposinf(res.conf_int(method="profile")["upper"]).all()
        for held in (-5.0, 5.0):  # Whatever the first, the second separates.
            assert Plain(res).loglike(np.array([0.0, held, 60.0])) > -1e-6
        with pytest.raises(IntervalError, match="any value"):
            res.profile("x1")

    def test_infinite_coefficients_beside_one_another(self):
        """Group c, with one outcome only, adds nothing to the supremum, whatever b's is."""
        groups = pd.DataFrame({"g": ["a"] * 20 + ["b"] * 12 + ["c"] * 10, "y": [0] * 14 + [1] * 28})
        with pytest.warns(ml.exceptions.SeparationWarning):
            both = ml.mnlogit("y ~ g", groups).fit()
        with pytest.warns(ml.exceptions.SeparationWarning):
            alone = ml.mnlogit("y ~ g", groups[groups["g"] != "c"]).fit()
        found = both.conf_int(method="profile")
        expected = alone.conf_int(method="profile")
        assert np.isposinf(found["upper"]).tolist() == [False, True, True]
        gaps = found.loc[expected.index].replace(np.inf, 0) - expected.replace(np.inf, 0)
        assert np.abs(gaps).max().max() < 1e-8
        pair = both.lincom(["1: g[T.b] - 1: g[T.c]", "1: g[T.b] + 1: g[T.c]"], method="profile")
        assert pair[["lower", "upper"]].iloc[0].tolist() == [-np.inf, np.inf]
        assert np.isnan(pair["estimate"].iloc[0])
        low = pair["lower"].iloc[1]
        assert pair["upper"].iloc[1] == np.inf
        plain = Plain(both)
        held = plain.hold(np.array([0.0, 1.0, 1.0]), low, np.array([-0.8, low / 2, low / 2]))
        top = 6 * np.log(0.3) + 14 * np.log(0.7)
        assert abs(2 * (top - plain.loglike(held)) - CHI2) < 1e-7

    def test_what_stands_still_along_the_direction_has_no_ends(self):
        corners = np.array([[2, 1], [2, -1], [3, 0], [-2, 1], [-2, -1], [-3, 0]], dtype=float)
        y = np.array([1, 1, 1, 0, 0, 0])
        with pytest.warns(ml.exceptions.SeparationWarning):
            res = ml.MNLogit(y, np.column_stack([np.ones(6), corners])).fit()
        assert np.isnan(res.params.loc["x2"]).all()
        found = res.conf_int(method="profile")
        assert found.loc[(1, "x2")].tolist() == [-np.inf, np.inf]
        assert found.loc[(1, "x1"), "upper"] == np.inf

    def test_an_empty_cell(self):
        """Of a table with an empty cell the profile is a function of one probability."""
        frame = pd.DataFrame({"x": np.repeat([0, 1], [20, 12]), "y": [0] * 14 + [1] * 6 + [1] * 12})
        with pytest.warns(ml.exceptions.SeparationWarning):
            res = ml.mnlogit("y ~ x", frame).fit()
        low, high = res.conf_int(method="profile").loc[(1, "x")]
        assert np.isposinf(high)

        def profiled(t):
            def loglike(a):
                return (
                    -6 * np.logaddexp(0, -a)
                    - 14 * np.logaddexp(0, a)
                    - 12 * np.logaddexp(0, -a - t)
                )

            def slope(a):
                p, q = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-a - t))
                return 6 - 20 * p + 12 * (1 - q)

            return loglike(brentq(slope, -30, 30, xtol=1e-14))

        top = 6 * np.log(0.3) + 14 * np.log(0.7)
        assert abs(2 * (top - profiled(low)) - CHI2) < 1e-8


@pytest.fixture(scope="module", params=["plain", "separated"])
def reduced(request):
    if request.param == "plain":
        return ml.mnlogit("party ~ age + educ", survey()).fit(bias_reduction="mean")
    frame = survey().assign(rare=(survey().index < 14) & (survey()["party"] != "red"))
    return ml.mnlogit("party ~ age + rare", frame).fit(bias_reduction="mean")


class TestBiasReduced:
    """The penalized log-likelihood is profiled (Heinze and Schemper 2002)."""

    @pytest.mark.parametrize("place", [1, 5])
    def test_scipy_finds_the_levels(self, reduced, place):
        plain, start = Plain(reduced), reduced.record.maximum.params
        top = plain.penalized(start)
        assert abs(top - reduced.penalized_llf) < 1e-8
        row = np.eye(6)[place]
        for end in reduced.conf_int(method="profile").iloc[place]:
            held = plain.hold(row, end, start, penalized=True)
            assert abs(2 * (top - plain.penalized(held)) - CHI2) < 1e-5

    def test_from_every_base(self, reduced):
        pairs = reduced.all_pairs(method="profile")[["lower", "upper"]]
        for base in reduced.categories:
            moved = reduced.rebase(base)
            found = moved.conf_int(method="profile")
            seen = pairs.xs(base, level="against").loc[found.index]
            assert distance(seen, found, moved) < 1e-7

    def test_climbs_find_what_the_steps_find(self, reduced, monkeypatch):
        direct = reduced.conf_int(method="profile")
        monkeypatch.setattr(profile, "_solve_end", lambda *_: None)
        monkeypatch.setattr(profile, "NEWTON_STEPS", 0)
        assert distance(reduced.conf_int(method="profile"), direct, reduced) < 1e-7

    def test_only_a_solved_score_holds(self, reduced):
        section = survey_record(reduced.record).place(np.eye(6)[1], 0.0).section
        point = section.look(section.start)
        assert section.holds(point)
        assert not section.holds(replace(point, decrement=1e-5))

    def test_what_is_not_defined_says_so(self, reduced):
        with pytest.raises(IntervalError, match="'profile'"):
            reduced.conf_int(method="score")
        median = ml.mnlogit("party ~ age", survey()).fit(bias_reduction="median")
        with pytest.raises(IntervalError, match="no function"):
            median.conf_int(method="profile")


class TestProfileFrame:
    def test_scipy_finds_the_profile(self):
        res = fitted()
        found = res.profile(ROWS[2], points=7)
        asked = read_combinations(ROWS[2], res.record.encoding)
        plain, start = Plain(res), res.record.maximum.params
        for value, loglike in zip(found["value"], found["loglike"], strict=True):
            held = plain.hold(asked.matrix[0], value + asked.values[0], start)
            assert abs(plain.loglike(held) - loglike) < 1e-8
        estimate = res.lincom(ROWS[2])["estimate"].item()
        assert abs(found["value"][3] - estimate) < 1e-12
        assert abs(found["loglike"][3] - res.llf) < 1e-9
        assert (np.diff(found["signed_root"]) < 0).all()

    def test_its_root_crosses_the_quantiles_at_the_ends(self):
        res = fitted()
        ends = res.conf_int(method="profile").loc[("red", "educ")].to_numpy()
        root = res.profile(("red", "educ"), points=ends)["signed_root"].to_numpy()
        assert np.abs(root - [norm.ppf(0.975), -norm.ppf(0.975)]).max() < 1e-8

    @pytest.mark.parametrize(
        ("points", "error"),
        [
            (1, OptionError),
            (0, OptionError),
            (10**6, OptionError),
            ([np.nan], ParamsError),
            ([], ParamsError),
            ("many", ParamsError),
            ([[1.0]], ParamsError),
        ],
    )
    def test_points_are_checked(self, points, error):
        with pytest.raises(error, match="points"):
            fitted().profile("red: educ", points=points)

    def test_one_combination_only(self):
        with pytest.raises(ParamsError, match="one combination"):
            fitted().profile("educ")

    def test_holes_are_told(self, monkeypatch):
        monkeypatch.setattr("mlelogit.inference.intervals.inversion.climb_at", lambda *_: None)
        with pytest.warns(NotConvergedWarning, match="red: educ at 3 values"):
            found = fitted().profile("red: educ", points=3)
        assert found["loglike"].isna().all()
        assert found["signed_root"].isna().all()


def test_ends_that_nothing_certifies_are_nan_and_named(monkeypatch):
    monkeypatch.setattr(profile, "_solve_end", lambda *_: None)
    monkeypatch.setattr(profile, "climb_at", lambda *_, **__: None)
    for method in ("profile", "score"):
        with pytest.warns(NotConvergedWarning, match=f"{method} interval.*green: Intercept; green"):
            assert fitted().conf_int(method=method).isna().all().all()


def test_a_climb_that_is_not_certified_is_not_used(monkeypatch):
    monkeypatch.setattr(profile.Section, "holds", lambda *_: False)
    monkeypatch.setattr(profile, "_climb_anew", lambda *_: None)
    with pytest.warns(NotConvergedWarning):
        assert fitted().conf_int(method="score").isna().all().all()
    with pytest.warns(NotConvergedWarning):
        assert fitted().conf_int(method="profile").isna().all().all()


def test_fits_without_a_likelihood_say_so():
    res = fitted(weights="weight", weight_type="sampling")
    for ask in (res.conf_int, res.all_pairs):
        with pytest.raises(IntervalError, match="pseudo-likelihood"):
            ask(method="profile")
    with pytest.raises(IntervalError, match="pseudo-likelihood"):
        res.profile("red: age")


def test_fits_without_a_maximum_say_so():
    with pytest.warns(NotConvergedWarning):
        res = ml.mnlogit("party ~ age + educ", survey()).fit(maxiter=1)
    with pytest.raises(IntervalError, match="maxiter"):
        res.conf_int(method="profile")


@pytest.mark.parametrize("options", [{"tol": 0.05}, {"tol": 0.5}, {"tol": 1e-10}])
@pytest.mark.parametrize("reduction", [None, "mean"])
def test_the_users_tolerance_is_not_that_of_intervals(options, reduction):
    model = ml.mnlogit("party ~ age + educ + region", survey())
    fine = model.fit(bias_reduction=reduction)
    begin = fine.record.maximum.params * 1.01
    coarse = model.fit(start_params=begin, method="Newton-CG", bias_reduction=reduction, **options)
    assert coarse.converged
    for method in ("profile", "score") if reduction is None else ("profile",):
        found = coarse.conf_int(method=method)
        assert distance(found, fine.conf_int(method=method), fine) < 1e-7


def test_a_coarse_fit_is_climbed_to_its_maximum_first(monkeypatch):
    res = fitted()
    params = res.record.maximum.params * 1.02
    certificate = replace(res.certificate, error_bound=0.3)
    maximum = replace(res.record.maximum, params=params, certificate=certificate)
    coarse = MNLogitResults(replace(res.record, maximum=maximum), res.covariance)
    for method in ("profile", "score"):
        found = coarse.conf_int(method=method)
        assert distance(found, res.conf_int(method=method), res) < 1e-8
    stuck = replace(res.record.maximum, status=Status.MAXITER)
    monkeypatch.setattr("mlelogit.inference.intervals.sections.maximize", lambda *_, **__: stuck)
    with pytest.raises(IntervalError, match=r"0\.3 standard errors"):
        coarse.conf_int(method="profile")


def test_fits_without_rows_or_information_say_so():
    res = fitted()
    bare = MNLogitResults(replace(res.record, blocks=None), res.covariance)
    with pytest.raises(DataNotKeptError):
        bare.conf_int(method="score")
    maximum = replace(res.record.maximum, sums=replace(res.record.sums, information=None))
    blind = MNLogitResults(replace(res.record, maximum=maximum), res.covariance)
    with pytest.raises(IntervalError, match="cov_type"):
        blind.conf_int(method="profile")


@pytest.mark.parametrize("method", ["lr", "Wald", None, 3])
def test_methods_are_a_short_list(method):
    for ask in (fitted().conf_int, fitted().all_pairs):
        with pytest.raises(OptionError, match="wald, profile, score"):
            ask(method=method)
    with pytest.raises(OptionError, match="wald, profile, score"):
        fitted().lincom("red: age", method=method)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, "a", None, np.nan])
def test_alpha_is_checked(alpha):
    for method in ("wald", "profile", "score"):
        with pytest.raises(OptionError, match="alpha"):
            fitted().conf_int(alpha, method=method)


def test_progress_is_shown_when_asked(capsys):
    for disp, shown in ((None, False), (False, False), (True, True)):
        fitted().conf_int(method="profile", disp=disp)
        assert ("Intervals" in capsys.readouterr().err) == shown
    with pytest.raises(OptionError, match="disp"):
        fitted().conf_int(method="profile", disp="yes")


def test_an_interrupt_comes_through(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    errors = np.geterr()
    monkeypatch.setattr(profile.Section, "look", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fitted().conf_int(method="profile")
    assert np.geterr() == errors


def test_score_statistics_rise_while_their_root_times_d_is_below_two():
    """The bound by which the first step goes all the way, on the path of a fit."""
    weights = {"weights": np.full(160, 50), "weight_type": "frequency"}
    res = ml.mnlogit("party ~ age + educ", survey(), **weights).fit()
    section = survey_record(res.record).place(np.eye(6)[4], 0.0).section
    assert 1.96 * section.log_odds_error * np.exp(1.96 * section.log_odds_error) < 2
    values = np.linspace(0, 2.5, 11)
    near, roots = None, []
    for value in values:
        near = profile.climb_at(section, value, near, 1e-9)
        roots.append(-near.score_root)
    assert (np.diff(roots) > 0).all()
    assert profile.find_score_end(section, 1, CHI2) > 0
    careful = replace(section, log_odds_error=np.inf)
    for side in (-1, 1):
        quick = profile.find_score_end(section, side, CHI2)
        assert abs(quick - profile.find_score_end(careful, side, CHI2)) < 1e-8


def test_score_statistics_are_followed_in_short_steps(monkeypatch):
    section = survey_record(fitted().record).place(np.eye(10)[1], 0.0).section
    assert section.log_odds_error > 1
    values, climb = [], profile.climb_at

    def follow(section, value, *rest, **options):
        values.append(value)
        return climb(section, value, *rest, **options)

    monkeypatch.setattr(profile, "climb_at", follow)
    end = profile.find_score_end(section, -1, CHI2)
    outward = [0.0, *[value for value in values if abs(value / 0.5 % 1) < 1e-12]]
    assert outward[-1] <= end < outward[-2]
    assert np.abs(np.diff(outward)).max() <= 0.5


def test_combinations_need_a_covariance():
    record = fitted().record
    omitted = ml.inference.covariance.omit_covariance("nonrobust", 10)
    res = MNLogitResults(record, omitted)
    with pytest.raises(CovarianceError):
        res.lincom("red: age")
    with pytest.raises(CovarianceError):
        res.all_pairs()

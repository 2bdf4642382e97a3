"""marginaleffects on our fits: against R, statsmodels, and probabilities written out."""

import pickle

import formulaic
import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.bridges.columns import MOST_LEVELS, collect_rows
from mlelogit.exceptions import (
    BridgeError,
    ColumnNotFoundError,
    CovarianceError,
    DataNotKeptError,
    FewClustersWarning,
    MissingDataError,
    MissingExtraError,
    OptionError,
    ParamsError,
    SeparationWarning,
    UnseenLevelError,
    UnusedWeightsWarning,
)
from tests.reference_cases import fit_case, load_case

pytest.importorskip("marginaleffects")
pl = pytest.importorskip("polars")
import marginaleffects as me  # noqa: E402

from mlelogit.bridges import marginaleffects as bridge  # noqa: E402

# marginaleffects 0.6 uses what polars 1.44 says polars 2 will drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
WITH_EFFECTS = ("anes96", "brand", "chile", "heating", "penguins", "travelmode", "womenlf")
SUBJECTS = ("art", "letters", "science")


def make_data(n=240, seed=5):
    """Rows of every type of column that a formula takes."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.uniform(18, 80, n),
            "size": rng.integers(1, 9, n),
            "income": rng.lognormal(10, 0.5, n),
            "town": rng.choice(["Bern", "Aarau", "Chur"], n),
            "grade": pd.Categorical(rng.choice([3, 1, 2], n), categories=[3, 1, 2]),
            "wave": rng.choice([2001, 2005, 2009], n),
            "own": rng.random(n) < 0.4,
            "two words": rng.normal(size=n),
            "times": rng.integers(1, 4, n),
            "note": [None if i % 7 == 0 else f"n{i % 5}" for i in range(n)],
        }
    )
    score = np.column_stack([np.zeros(n), (frame.age - 50) / 20, frame.own + frame["two words"]])
    score += rng.gumbel(size=score.shape)
    frame["subject"] = np.array(SUBJECTS)[score.argmax(axis=1)]
    return frame


DATA = make_data()
RHS = {
    "square": "age + I(age**2) + own",
    "poly": "poly(age, 3) + size",
    "spline": "bs(age, df=4, lower_bound=0, upper_bound=100) + own",
    "products": "age * C(town) + log(income)",
    "levels": "grade + C(wave) + age",
    "sum": "C(town, Sum) + C(wave) : age",
    "names": "`two words` + scale(age) + center(income)",
    "truth": "own * `two words`",
}


def adapt(results, **options):
    return ml.bridges.marginaleffects.adapt(results, **options)


def soften(scores):
    """Return probabilities (m, J), of complex scores too."""
    raised = np.exp(scores - scores.real.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


class ByHand:
    """The model from formulaic's matrix and the estimates alone; the first category is the base."""

    def __init__(self, results, rhs, data):
        self.spec = formulaic.model_matrix(rhs, data).model_spec
        self.coef = results.params.to_numpy().T
        self.vcov = results.cov_params().to_numpy()
        self.data = data

    def predict(self, coef, data):
        x = np.asarray(self.spec.get_model_matrix(data), dtype=float)
        return soften(np.column_stack([np.zeros(len(x)), x @ coef.T]))

    def estimate(self, function):
        """Return a function of ``predict`` and its standard errors, by complex steps."""
        value = function(lambda data: self.predict(self.coef, data))
        flat = self.coef.ravel().astype(complex)
        derivatives = []
        for i in range(len(flat)):
            moved = flat.copy()
            moved[i] += 1e-30j
            moved = moved.reshape(self.coef.shape)
            found = function(lambda data, moved=moved: self.predict(moved, data))
            derivatives.append(np.ravel(found.imag) / 1e-30)
        jacobian = np.array(derivatives).T
        return np.ravel(value), np.sqrt(np.einsum("ij,jk,ik->i", jacobian, self.vcov, jacobian))


def fit(rhs, data=DATA, **options):
    return ml.mnlogit(f"subject ~ {rhs}", data, **options).fit()


def check(found, value, errors, rtol_errors=2e-6):
    np.testing.assert_allclose(found["estimate"].to_numpy(), value, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(found["std_error"].to_numpy(), errors, rtol=rtol_errors)


@pytest.mark.parametrize("rhs", RHS.values(), ids=RHS.keys())
def test_predictions_and_their_errors(rhs):
    res = fit(rhs)
    hand, model = ByHand(res, rhs, DATA), adapt(res)
    average = me.avg_predictions(model)
    check(average, *hand.estimate(lambda predict: predict(DATA).mean(axis=0)))
    assert average["group"].to_list() == list(SUBJECTS)
    few = DATA.iloc[:7].drop(columns="subject")
    found = me.predictions(model, newdata=few)
    check(found, *hand.estimate(lambda predict: predict(few)))
    assert found["group"].to_list() == list(SUBJECTS) * 7
    np.testing.assert_allclose(
        found["estimate"].to_numpy().reshape(7, 3), res.predict(few), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("rhs", "variable", "step"),
    [
        (RHS["square"], "age", 1e-4),
        (RHS["poly"], "age", 1e-4),
        (RHS["spline"], "age", 1e-4),
        (RHS["products"], "age", 1e-4),
        (RHS["products"], "income", 1e-4),
        (RHS["names"], "two words", 1e-4),
        (RHS["names"], "income", 1e-4),
        (RHS["poly"], "size", 1e-4),
    ],
)
def test_slopes_move_all_columns_of_a_variable(rhs, variable, step):
    res = fit(rhs)
    hand = ByHand(res, rhs, DATA)
    high = DATA.assign(**{variable: DATA[variable] + step / 2})
    low = DATA.assign(**{variable: DATA[variable] - step / 2})

    def slope(predict):
        return ((predict(high) - predict(low)) / step).mean(axis=0)

    found = me.avg_slopes(adapt(res), variables=variable, eps=step)
    value, errors = hand.estimate(slope)
    np.testing.assert_allclose(found["estimate"], value, rtol=1e-7, atol=1e-11)
    np.testing.assert_allclose(found["std_error"], errors, rtol=3e-4)
    assert found["group"].to_list() == list(SUBJECTS)


@pytest.mark.parametrize(
    ("rhs", "variable", "high", "low", "contrast"),
    [
        (RHS["products"], "town", "Chur", "Aarau", "Chur - Aarau"),
        (RHS["sum"], "town", "Bern", "Aarau", "Bern - Aarau"),
        (RHS["levels"], "wave", 2009, 2001, "2009 - 2001"),
        (RHS["levels"], "grade", 2, 1, "2 - 1"),
        (RHS["truth"], "own", True, False, "True - False"),
    ],
)
def test_comparisons_of_levels(rhs, variable, high, low, contrast):
    res = fit(rhs)
    hand = ByHand(res, rhs, DATA)
    dtype = DATA[variable].dtype
    frames = [
        DATA.assign(**{variable: pd.Series([v] * len(DATA), dtype=dtype)}) for v in (high, low)
    ]
    found = me.avg_comparisons(adapt(res), variables=variable).data
    found = found.filter(pl.col("contrast") == contrast)
    check(found, *hand.estimate(lambda predict: (predict(frames[0]) - predict(frames[1])).mean(0)))
    ratio = me.avg_comparisons(adapt(res), variables=variable, comparison="lnratioavg").data
    ratio = ratio.filter(pl.col("contrast").str.contains(str(high)))
    value, errors = hand.estimate(
        lambda predict: np.log(predict(frames[0]).mean(0) / predict(frames[1]).mean(0))
    )
    check(ratio, value, errors, rtol_errors=1e-3)


@pytest.mark.parametrize("rhs", ["square", "poly", "spline", "products", "names"])
def test_effects_are_those_of_our_own_margins(rhs):
    res = fit(RHS[rhs])
    ours = res.margins().summary_frame()
    theirs = me.avg_slopes(adapt(res)).data.with_columns(pl.col("group").cast(pl.String))
    theirs = theirs.to_pandas().set_index(["term", "group"])
    compared = 0
    for row in ours[ours["contrast"] == "dy/dx"].itertuples():
        found = theirs.loc[(row.variable, row.category)]
        assert found["estimate"] == pytest.approx(row.estimate, rel=1e-5, abs=1e-9)
        assert found["std_error"] == pytest.approx(row.std_err, rel=5e-4)
        compared += 1
    assert compared >= 3


@pytest.mark.parametrize("name", WITH_EFFECTS)
def test_average_effects_are_those_of_r(name):
    case, res = load_case(name), fit_case(name)
    model = adapt(res)
    largest = max(max(map(abs, e["estimate"].values())) for e in case.truth["extra"]["ame"])
    for effect in case.truth["extra"]["ame"]:
        variable, contrast = effect["variable"], effect["contrast"]
        if contrast == "dydx":
            found = me.avg_slopes(model, variables=variable)
        else:
            levels = (case.truth["factor_levels"] or {}).get(variable)
            pair = [0, 1] if contrast == "0->1" else [levels[0], contrast]
            found = me.avg_comparisons(model, variables={variable: pair})
        order = [str(label) for label in res.categories]
        assert found["group"].to_list() == order
        estimate = [effect["estimate"][label] for label in order]
        np.testing.assert_allclose(found["estimate"], estimate, rtol=0, atol=1e-6 * largest)
        np.testing.assert_allclose(
            found["std_error"], [effect["se"][label] for label in order], rtol=5e-5
        )


@pytest.mark.parametrize("name", ["housing_main", "school"])
def test_weights_of_rows_are_used_when_asked_for(name):
    case, res = load_case(name), fit_case(name)
    with pytest.warns(UnusedWeightsWarning, match="wts='fit_weights'"):
        model = adapt(res)
    effect = case.truth["extra"]["ame"][0]
    variable = effect["variable"]
    levels = case.truth["factor_levels"][variable]
    pair = [type(case.data[variable].iloc[0])(v) for v in (levels[0], effect["contrast"])]
    found = me.avg_comparisons(model, variables={variable: pair}, wts="fit_weights")
    order = [str(label) for label in res.categories]
    np.testing.assert_allclose(
        found["estimate"], [effect["estimate"][label] for label in order], atol=1e-7
    )
    np.testing.assert_allclose(
        found["std_error"], [effect["se"][label] for label in order], rtol=5e-5
    )


def test_weights_of_other_rows_are_asked_for_by_their_column():
    res = fit("age + own", weights="times", weight_type="frequency")
    with pytest.warns(UnusedWeightsWarning, match="wts= with the column"):
        model = adapt(res, data=DATA)
    expanded = DATA.loc[DATA.index.repeat(DATA.times)]
    left = me.avg_predictions(model, wts="times")
    right = me.avg_predictions(adapt(fit("age + own", expanded.reset_index(drop=True))))
    np.testing.assert_allclose(left["estimate"], right["estimate"], rtol=1e-10)
    np.testing.assert_allclose(left["std_error"], right["std_error"], rtol=1e-6)


def test_counts_and_frequencies_equal_expanded_rows():
    rows = DATA.assign(old=np.where(DATA.age > 50, 1.0, 0.0))
    rows["one"] = 1
    cells = rows.pivot_table("one", ["old", "own"], "subject", "sum", fill_value=0).reset_index()
    counts = ml.mnlogit("counts(art, letters, science) ~ old + own", cells).fit()
    plain = ml.mnlogit("subject ~ old + own", rows).fit()
    with pytest.warns(UnusedWeightsWarning):
        model = adapt(counts)
    for ask in (me.avg_predictions, me.avg_comparisons):
        left, right = ask(model, wts="fit_weights"), ask(adapt(plain))
        assert left["group"].to_list() == right["group"].to_list()
        np.testing.assert_allclose(left["estimate"], right["estimate"], rtol=1e-9)
        np.testing.assert_allclose(left["std_error"], right["std_error"], rtol=1e-6)


def test_arrays_equal_statsmodels():
    import statsmodels.api as sm

    x = sm.add_constant(DATA[["age", "two words"]].to_numpy() / [10, 1])
    theirs = sm.MNLogit(DATA["subject"].astype("category").cat.codes, x)
    theirs = theirs.fit(method="newton", tol=1e-14, disp=0)
    model = adapt(ml.MNLogit(DATA["subject"], x).fit())
    for at, ask in (("overall", {}), ("mean", {"newdata": "mean"})):
        effects = theirs.get_margeff(at=at)
        found = me.slopes(model, **ask) if ask else me.avg_slopes(model)
        assert found["term"].unique(maintain_order=True).to_list() == ["x1", "x2"]
        np.testing.assert_allclose(found["estimate"], effects.margeff.ravel(), rtol=1e-6)
        np.testing.assert_allclose(found["std_error"], effects.margeff_se.ravel(), rtol=1e-5)


def test_order_of_groups_is_the_fits_every_time():
    data = DATA.assign(subject=pd.Categorical(DATA.subject, ["science", "art", "letters"]))
    model = adapt(fit("age + own", data, base="art"))
    order = ["science", "art", "letters"]
    for _ in range(8):
        assert me.predictions(model)["group"].to_list() == order * len(data)
        assert me.avg_slopes(model)["group"].to_list() == order * 2
        assert me.avg_predictions(model, by="own")["group"].to_list() == list(np.repeat(order, 2))


def test_effects_do_not_depend_on_the_base():
    res = fit("age * own")
    left, right = adapt(res), adapt(res.rebase("science"))
    for ask in (me.avg_predictions, me.avg_slopes, me.avg_comparisons):
        for column, tolerance in (("estimate", 1e-9), ("std_error", 1e-5)):
            np.testing.assert_allclose(ask(left)[column], ask(right)[column], rtol=tolerance)


def test_errors_do_not_depend_on_units():
    plain = me.avg_slopes(adapt(fit("income + age")), variables="income", eps=1.0)
    data = DATA.assign(income=DATA.income / 1e5)
    scaled = me.avg_slopes(adapt(fit("income + age", data)), variables="income", eps=1e-5)
    np.testing.assert_allclose(plain["std_error"], scaled["std_error"] / 1e5, rtol=1e-5)


def test_any_covariance_after_the_fit():
    res = fit("age + own")
    model = adapt(res)
    plain = me.avg_slopes(model)["std_error"].to_numpy()
    for word in ("HC1", "opg"):
        other = res.with_cov(word)
        adapted = me.avg_slopes(adapt(other))["std_error"].to_numpy()
        assert np.abs(adapted / plain - 1).max() > 1e-3
        for asked in (word, other.cov_params(), other.covariance, other.cov_params().to_numpy()):
            found = me.avg_slopes(model, vcov=asked)["std_error"]
            np.testing.assert_allclose(found, adapted, rtol=1e-12)
    assert "std_error" not in me.avg_slopes(model, vcov=False).columns


def test_clusters_and_series_after_the_fit():
    data = DATA.assign(place=np.arange(len(DATA)) // 4)
    res = fit("age + own", data)
    model = adapt(res)
    for options in ({}, {"correction": "CR2"}):
        found = me.avg_predictions(model, vcov={"cluster": "place", **options})["std_error"]
        other = adapt(res.with_cov("cluster", groups="place", **options))
        np.testing.assert_allclose(found, me.avg_predictions(other)["std_error"], rtol=1e-12)
    with pytest.warns(FewClustersWarning):
        me.avg_predictions(model, vcov={"cluster": "wave"})
    for wrong in ({"groups": "place"}, {"cluster": "place", "HAC": "wave"}, 3, ["HC1"], "HC9"):
        with pytest.raises(OptionError):
            me.avg_predictions(model, vcov=wrong)
    with pytest.raises(OptionError, match="takes the options groups, correction"):
        me.avg_predictions(model, vcov={"cluster": "place", "colour": 1})
    with pytest.raises(ParamsError, match="labelled"):
        me.avg_predictions(model, vcov=res.cov_params().reset_index(drop=True))


def test_t_where_the_covariance_has_degrees_of_freedom():
    from scipy.stats import t

    data = DATA.assign(place=np.arange(len(DATA)) // 12)
    res = fit("age + own", data)
    survey = res.with_cov("survey", psu="place")
    found = me.avg_predictions(adapt(survey))
    assert survey.covariance.df == 19
    half = t.ppf(0.975, 19) * found["std_error"].to_numpy()
    np.testing.assert_allclose(found["conf_high"] - found["estimate"], half, rtol=1e-9)
    normal = me.avg_predictions(adapt(res))
    half = 1.959963984540054 * normal["std_error"].to_numpy()
    np.testing.assert_allclose(normal["conf_high"] - normal["estimate"], half, rtol=1e-9)
    with pytest.raises(OptionError, match=r"19 degrees of freedom.*normal distribution"):
        me.avg_predictions(adapt(res), vcov={"survey": "place"})
    with pytest.raises(OptionError, match=r"normal distribution.*19 degrees of freedom"):
        me.avg_predictions(adapt(survey), vcov="HC1")


def test_hypotheses_go_by_our_names():
    res = fit("age + own", base="letters")
    model = adapt(res)
    found = me.hypotheses(model)
    assert found["term"].to_list()[:2] == ["art: Intercept", "art: age"]
    tidy = res.tidy()
    np.testing.assert_allclose(found["estimate"], tidy["estimate"], rtol=1e-14)
    np.testing.assert_allclose(found["std_error"], tidy["std_err"], rtol=1e-6)
    equal = me.hypotheses(model, hypothesis="Q(art: age) = Q(science: age)")
    ours = res.lincom("art: age - science: age")
    np.testing.assert_allclose(equal["estimate"], ours["estimate"], rtol=1e-9)
    np.testing.assert_allclose(equal["std_error"], ours["std_err"], rtol=1e-6)
    with pytest.raises(BridgeError, match="wald_test"):
        me.hypotheses(model, joint=["age"])


def test_hypotheses_after_predictions_are_still_of_the_coefficients():
    res = fit("age + own")
    model = adapt(res)
    me.avg_slopes(model)
    found = me.hypotheses(model)
    np.testing.assert_allclose(found["estimate"], res.tidy()["estimate"], rtol=1e-14)
    me.avg_slopes(model)
    with pytest.raises(BridgeError, match="anew"):
        me.hypotheses(model, vcov=res.cov_params().to_numpy())
    fresh = me.hypotheses(adapt(res), vcov=res.cov_params().to_numpy())
    np.testing.assert_allclose(fresh["std_error"], res.tidy()["std_err"], rtol=1e-6)


def test_hypotheses_between_groups():
    model = adapt(fit("age + own"))
    parts = me.avg_predictions(model)
    found = me.avg_predictions(model, hypothesis="b0 = b2")
    difference = parts["estimate"][0] - parts["estimate"][2]
    np.testing.assert_allclose(found["estimate"].item(), difference, rtol=1e-12)


@pytest.mark.parametrize("by_name", [True, False])
def test_offsets_go_with_the_rows(by_name):
    rng = np.random.default_rng(2)
    names = [f"o{category}" for category in SUBJECTS]
    values = rng.normal(size=(len(DATA), 3))
    data = DATA.assign(**dict(zip(names, values.T, strict=True)))
    res = fit("age + own", data, offset=names if by_name else values)
    model = adapt(res)
    found = me.avg_predictions(model)
    np.testing.assert_allclose(found["estimate"], res.predict().mean(), rtol=1e-13)
    hand = ByHand(res, "age + own", DATA)
    x = np.asarray(hand.spec.get_model_matrix(DATA), dtype=float)
    hand.predict = lambda coef, _: soften(np.column_stack([0 * x[:, 0], x @ coef.T]) + values)
    check(found, *hand.estimate(lambda predict: predict(DATA).mean(axis=0)))
    if not by_name:
        with pytest.raises(ColumnNotFoundError, match="fit_offset: art"):
            me.predictions(model, newdata=DATA.iloc[:3])


def test_offsets_after_a_change_of_base():
    values = np.random.default_rng(4).normal(size=(len(DATA), 3))
    res = fit("age + own", offset=values)
    found = me.avg_predictions(adapt(res.rebase("science")))
    np.testing.assert_allclose(found["estimate"], res.predict().mean(), rtol=1e-12)


def test_constrained_and_bias_reduced_fits():
    model = ml.mnlogit("subject ~ age + own", DATA)
    held = model.fit(constraints=["letters: own = 0", "science: age = letters: age"])
    for res in (held, model.fit(bias_reduction="mean")):
        hand = ByHand(res, "age + own", DATA)
        found = me.avg_predictions(adapt(res))
        check(found, *hand.estimate(lambda predict: predict(DATA).mean(axis=0)))


def test_hypotheses_by_formula_within_groups():
    model = adapt(fit("age + town"))
    parts = me.avg_predictions(model, by="town")
    found = me.avg_predictions(model, by="town", hypothesis="difference ~ sequential | group")
    assert len(found) == 6
    by_group = parts["estimate"].to_numpy().reshape(3, 3)
    np.testing.assert_allclose(
        np.sort(found["estimate"]), np.sort(np.diff(by_group, axis=1).ravel()), rtol=1e-10
    )


def test_grids_means_and_other_columns():
    res = fit("age + C(wave) + town")
    model = adapt(res)
    grid = me.datagrid(age=[20, 60], town=["Chur"], wave=[2005])
    found = me.predictions(model, newdata=grid)
    rows = pd.DataFrame({"age": [20, 60], "town": "Chur", "wave": 2005})
    np.testing.assert_allclose(
        found["estimate"].to_numpy().reshape(2, 3), res.predict(rows), rtol=1e-13
    )
    at_means = me.predictions(model, newdata="mean")
    row = pd.DataFrame(
        {"age": [DATA.age.mean()], "town": DATA.town.mode(), "wave": DATA.wave.mode()}
    )
    np.testing.assert_allclose(at_means["estimate"], res.predict(row).iloc[0], rtol=1e-12)
    by_size = me.avg_predictions(model, by="size").data.sort("size", "group")
    truth = res.predict().groupby(DATA["size"].to_numpy()).mean().to_numpy().ravel()
    np.testing.assert_allclose(by_size["estimate"], truth, rtol=1e-12)


def test_new_rows_that_the_model_does_not_know():
    model = adapt(fit("age + C(wave) + town"))
    rows = DATA.iloc[:3][["age", "wave", "town"]]
    with pytest.raises(ColumnNotFoundError, match="'age'"):
        me.predictions(model, newdata=rows.drop(columns="age"))
    with pytest.raises(UnseenLevelError, match="1999"):
        me.predictions(model, newdata=rows.assign(wave=1999))
    with pytest.raises(MissingDataError, match="'age'"):
        me.predictions(model, newdata=rows.assign(age=[20.0, np.nan, 30.0]))
    with pytest.raises(pl.exceptions.InvalidOperationError, match=r"'town'.*Thun"):
        me.predictions(model, newdata=rows.assign(town="Thun"))


def test_rows_left_out_of_the_fit_are_left_out_here():
    data = DATA.copy()
    data.loc[3, "age"] = np.nan
    res = fit("age + own", data, missing="drop")
    found = me.predictions(adapt(res))
    assert len(found) == 3 * (len(DATA) - 1)
    np.testing.assert_allclose(
        found["estimate"].to_numpy().reshape(-1, 3), res.predict().to_numpy(), rtol=1e-13
    )


def test_polars_frames_and_their_enums():
    frame = pl.DataFrame(DATA[["age", "subject", "size"]].to_dict("list")).with_columns(
        pl.Series("town", DATA.town.tolist(), dtype=pl.Enum(["Chur", "Bern", "Aarau"]))
    )
    res = ml.mnlogit("subject ~ age + town", frame).fit()
    found = me.avg_comparisons(adapt(res), variables="town")
    assert found["contrast"].unique(maintain_order=True).to_list() == [
        "Bern - Chur",
        "Aarau - Chur",
    ]


def test_factors_of_many_levels():
    data = make_data(4000)
    data["code"] = [f"c{i % 70:02d}" for i in range(len(data))]
    res = fit("C(code) + age", data)
    assert res.record.encoding.wide
    found = me.avg_slopes(adapt(res), variables="age", vcov=False, eps=1e-2)
    moved = [res.predict(data.assign(age=data.age + step)) for step in (5e-3, -5e-3)]
    truth = (moved[0] - moved[1]).mean() / 1e-2
    np.testing.assert_allclose(found["estimate"], truth, rtol=1e-9)


def test_a_constant_alone():
    found = me.avg_predictions(adapt(fit("1")))
    shares = DATA.subject.value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(found["estimate"], shares, rtol=1e-12)
    errors = np.sqrt(shares * (1 - shares) / len(DATA))
    np.testing.assert_allclose(found["std_error"], errors, rtol=1e-6)


def test_categories_of_any_type():
    codes = DATA.subject.map(dict(zip(SUBJECTS, (10, 2, 30), strict=True)))
    found = me.avg_predictions(adapt(ml.mnlogit("code ~ age", DATA.assign(code=codes)).fit()))
    assert found["group"].to_list() == ["2", "10", "30"]
    x = DATA[["age", "two words"]].set_axis([7, "a`b"], axis=1)
    model = adapt(ml.MNLogit(DATA.own, x).fit())
    slopes = me.avg_slopes(model)
    assert slopes["group"].to_list() == ["False", "True"] * 2
    assert set(slopes["term"].to_list()) == {"7", "a`b"}


def test_separated_fits_have_probabilities_and_no_made_up_errors():
    data = DATA.assign(sure=(DATA.subject == "art").astype(float))
    with pytest.warns(SeparationWarning):
        res = fit("age + sure", data)
    model = adapt(res)
    alone = me.avg_predictions(model, vcov=False)
    np.testing.assert_allclose(alone["estimate"], res.predict().mean(), rtol=1e-12)
    with pytest.warns(SeparationWarning, match="standard errors are NaN"):
        found = me.avg_predictions(model)
    assert found["std_error"].is_nan().all()
    with pytest.warns(SeparationWarning), pytest.raises(BridgeError, match="infinite"):
        me.hypotheses(model)


def test_fits_without_a_covariance_say_so():
    from dataclasses import replace

    from mlelogit.inference.covariance import omit_covariance

    res = fit("age")
    model = adapt(replace(res, covariance=omit_covariance("nonrobust", 4)))
    with pytest.raises(CovarianceError, match="left out"):
        me.avg_predictions(model)
    assert len(me.avg_predictions(model, vcov=False)) == 3


def test_fits_without_their_frame_take_one():
    res = fit("age + own")
    lean = pickle.loads(pickle.dumps(res))
    with pytest.raises(DataNotKeptError, match=r"adapt\(results, data=...\)"):
        adapt(lean)
    left, right = me.avg_slopes(adapt(lean, data=DATA)), me.avg_slopes(adapt(res))
    np.testing.assert_allclose(left["estimate"], right["estimate"], rtol=1e-12)
    with pytest.raises(ColumnNotFoundError, match="'own'"):
        adapt(lean, data=DATA[["age"]])
    with pytest.raises(MissingDataError):
        adapt(lean, data=DATA.assign(age=np.nan))


def test_names_that_marginaleffects_keeps_for_itself():
    data = DATA.assign(group=DATA.age, term=1.0)
    with pytest.raises(BridgeError, match="'group'"):
        adapt(fit("group", data))
    assert len(me.avg_predictions(adapt(fit("age", data)))) == 3


def test_what_is_no_fit_is_refused():
    with pytest.raises(OptionError, match="results of a fit, not str"):
        adapt("res")


def test_versions_that_do_not_go_together(monkeypatch):
    monkeypatch.setattr("polars.__version__", "2.1.0")
    with pytest.raises(BridgeError, match="polars<2"):
        adapt(fit("age"))


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "marginaleffects", None)
    with pytest.raises(MissingExtraError, match=r"mlelogit\[marginaleffects\]"):
        adapt(fit("age"))


def test_data_are_left_alone():
    data = DATA.copy()
    me.avg_comparisons(adapt(fit("age * town", data)))
    pd.testing.assert_frame_equal(data, DATA)


def test_the_module_is_found_by_its_package():
    assert ml.bridges.marginaleffects is bridge
    assert "marginaleffects" in dir(ml.bridges)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = ml.bridges.nonsense


def test_names_of_many_people_travel_as_plain_text():
    """They have no order to keep; those that the model takes are levels however many they are."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "y": rng.integers(3, size=MOST_LEVELS + 200),
            "x": rng.normal(size=MOST_LEVELS + 200),
            "person": [f"person {i}" for i in range(MOST_LEVELS + 200)],
        }
    )
    frame.loc[3, "person"] = None
    rows = collect_rows(ml.mnlogit("y ~ x", frame).fit().record)
    assert rows.frame["person"].dtype == pl.String
    assert rows.frame["person"].to_list()[:5] == [
        "person 0",
        "person 1",
        "person 2",
        None,
        "person 4",
    ]
    few = collect_rows(ml.mnlogit("y ~ x", frame.head(90)).fit().record)
    assert few.frame["person"].dtype == pl.Enum

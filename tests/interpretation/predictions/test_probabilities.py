"""Predictions with errors: R's, averages and their weights, labels, and what is refused."""

from __future__ import annotations

import itertools
import pickle
import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    BaseCategoryError,
    BiasReductionError,
    ColumnNotFoundError,
    CovarianceError,
    DataNotKeptError,
    EmptyDataError,
    InfiniteValueError,
    MissingDataError,
    OffsetError,
    OptionError,
    SeparationWarning,
    UnseenLevelError,
    WeightError,
)
from mlelogit.inference.covariance import omit_covariance
from tests.inference.samples import fitted, survey
from tests.reference_cases import build_model, fit_case, load_case

Z = 1.959963984540054
CASES = ["womenlf", "housing_main", "hsbdemo"]


@pytest.mark.parametrize("name", CASES)
def test_errors_are_those_of_r_effects(name):
    """Those of R's effects are at the means of the columns of the design, without weights."""
    case, res = load_case(name), fit_case(name, "array")
    truth, names = case.truth["extra"]["effects"], fit_case(name).record.encoding.names
    design = res.record.need_blocks().design
    columns = design.source.block(0, design.source.shape[0])
    rows = np.tile(columns.mean(axis=1), (len(truth["x"]), 1))
    for row, level in zip(rows, truth["x"], strict=True):
        for place, column in enumerate(names):
            if f"C({truth['by']}," in column:
                row[place] = column.endswith(f"[T.{level}]")
    found = res.get_prediction(rows)
    shares = found.probabilities[case.categories]
    assert np.abs(shares - np.array(truth["prob"])).max(axis=None) < 1e-8
    ratio = found.std_err[case.categories] / np.array(truth["se_prob"])
    assert np.abs(ratio - 1).max(axis=None) < 5e-8


@pytest.mark.parametrize("name", CASES)
def test_averages_over_a_grid_are_those_of_r_emmeans(name):
    case, res = load_case(name), fit_case(name)
    truth, levels = case.truth["extra"]["emmeans"], case.truth["factor_levels"]
    grid = pd.DataFrame(list(itertools.product(*levels.values())), columns=list(levels))
    for variable in set(res.record.encoding.variables) - set(levels):
        grid[variable] = case.data.loc[res.record.index, variable].mean()
    table = res.get_prediction(grid, by=truth["by"]).summary_frame()
    assert table.index.names == [truth["by"], "category"]
    assert len(table) == len(truth["rows"])
    for row in truth["rows"]:
        found = table.loc[(row["level"], case.label(row["category"]))]
        assert abs(found["probability"] - row["prob"]) < 1e-8
        assert abs(found["std_err"] / row["se"] - 1) < 5e-8


def test_shares_alone_have_a_closed_form():
    """Without regressors y is the share p, with the variance p (1 - p) / n."""
    res = ml.mnlogit("party ~ 1", survey()).fit()
    share = survey()["party"].value_counts(normalize=True).sort_index()
    error = np.sqrt(share * (1 - share) / 160)
    half = Z / np.sqrt(160 * share * (1 - share))
    for prediction in (res.get_prediction(average=True), res.get_prediction(survey().head(1))):
        table = prediction.summary_frame().droplevel(0)
        assert np.abs(table["probability"] - share).max() < 1e-13
        assert np.abs(table["std_err"] / error - 1).max() < 1e-12
        logit = np.log(share / (1 - share))
        for column, end in (("lower", logit - half), ("upper", logit + half)):
            assert np.abs(table[column] - 1 / (1 + np.exp(-end))).max() < 1e-12


def test_averages_are_observed_shares_where_the_model_has_indicators():
    frame = survey()
    res = fitted("party ~ age + educ + region")
    found = res.get_prediction(by="region").probabilities
    shares = pd.crosstab(frame["region"], frame["party"], normalize="index")
    assert np.abs(found - shares).max(axis=None) < 1e-12
    found = res.get_prediction(average=True).probabilities
    assert np.abs(found - frame["party"].value_counts(normalize=True)).max(axis=None) < 1e-12


def numeric_average(res, weights, codes, newdata=None):
    """Return averages (G, J) and their errors from central differences of predictions."""
    record, indicators = res.record, np.eye(codes.max() + 1)[codes].T * weights
    indicators /= indicators.sum(axis=1)[:, np.newaxis]

    def ask(params):
        moved = replace(record, maximum=replace(record.maximum, params=params))
        return indicators @ type(res)(moved, res.covariance).predict(newdata).to_numpy()

    params, steps = record.maximum.params, np.diag(1e-4 * res.covariance.bse)
    gradient = np.array(
        [(ask(params + s) - ask(params - s)) / (2 * s.max()) for s in steps],
    )
    variances = np.einsum("pgk,pq,qgk->gk", gradient, res.covariance.matrix, gradient)
    return ask(params), np.sqrt(variances)


@pytest.mark.parametrize("weight_type", [None, "frequency", "sampling", "importance"])
def test_averages_and_their_errors_with_weights(weight_type):
    column = {None: None, "frequency": "people"}.get(weight_type, "weight")
    options = {} if column is None else {"weights": column, "weight_type": weight_type}
    res = fitted("party ~ age + educ", **options)
    weights = np.ones(160) if column is None else survey()[column].to_numpy()
    codes = pd.factorize(survey()["region"], sort=True)[0]
    for prediction, cells in (
        (res.get_prediction(by="region"), codes),
        (res.get_prediction(average=True), 0 * codes),
    ):
        truth, errors = numeric_average(res, weights, cells)
        assert np.abs(prediction.probabilities.to_numpy() - truth).max() < 1e-13
        assert np.abs(prediction.std_err.to_numpy() / errors - 1).max() < 1e-8
        table = prediction.summary_frame()
        logit, half = np.log(truth / (1 - truth)), Z * errors / (truth * (1 - truth))
        ends = 1 / (1 + np.exp(-np.stack([logit - half, logit + half])))
        assert np.abs(table[["lower", "upper"]].to_numpy().T - ends.reshape(2, -1)).max() < 1e-8


def test_log_odds_of_averages():
    res = fitted("party ~ age + educ")
    table = res.get_prediction(by="region").summary_frame(which="linear", against="red")
    y = res.get_prediction(by="region").probabilities
    assert table.index.get_level_values("category").unique().tolist() == ["blue", "green"]
    for category in ("blue", "green"):
        found = table.xs(category, level="category")["log_odds"]
        assert np.abs(found - np.log(y[category] / y["red"])).max() < 1e-13
    both = res.rebase("green").get_prediction(by="region")
    same = both.summary_frame(which="linear", against="red")
    assert np.abs(same - table).max(axis=None) < 1e-10


def test_frequency_weights_and_counts_are_rows_written_out():
    frame = survey()
    long = frame.loc[frame.index.repeat(frame["people"])].reset_index(drop=True)
    weighed = fitted("party ~ age + educ", weights="people", weight_type="frequency")
    expanded = ml.mnlogit("party ~ age + educ", long).fit()
    table = frame[["age", "educ", "region"]].copy()
    for category in ("blue", "green", "red"):
        table[category] = frame["people"] * (frame["party"] == category)
    counted = ml.mnlogit("counts(blue, green, red) ~ age + educ", table).fit()
    for ask in ({"average": True}, {"by": "region"}, {"by": ["region", "educ"]}):
        truth = expanded.get_prediction(**ask)
        for other in (weighed, counted):
            found = other.get_prediction(**ask)
            for options in ({}, {"simultaneous": "sup-t", "family": "all"}):
                left, right = found.summary_frame(**options), truth.summary_frame(**options)
                assert left.index.tolist() == right.index.tolist()
                assert np.abs(left - right).max(axis=None) < 1e-9
    assert (
        np.abs(weighed.get_prediction(frame).std_err - expanded.get_prediction(frame).std_err).max(
            axis=None
        )
        < 1e-10
    )


def test_weights_of_new_rows():
    res, new = fitted("party ~ age + educ"), survey().head(20)
    long = new.loc[new.index.repeat(new["people"])]
    truth = res.get_prediction(long, by="region").summary_frame()
    for weights in ("people", new["people"], new["people"].to_numpy(), new["people"].tolist()):
        found = res.get_prediction(new, weights=weights, by="region").summary_frame()
        assert np.abs(found - truth).max(axis=None) < 1e-12
    with pytest.raises(OptionError, match="averages alone"):
        res.get_prediction(new, weights="people")
    with pytest.raises(WeightError, match="fit's own rows"):
        res.get_prediction(weights="people", average=True)
    none = new["people"] * (new["region"] != "north")
    with pytest.raises(WeightError, match="'north'"):
        res.get_prediction(new, weights=none.to_numpy(), by="region")
    with pytest.raises(WeightError, match="add up to zero"):
        res.get_prediction(new, weights=np.zeros(20), average=True)


def test_groups_are_read_in_many_ways():
    res, frame = fitted("party ~ age + educ"), survey()
    truth = res.get_prediction(by="region").summary_frame()
    for by in (frame["region"], ["region"], frame[["region"]]):
        found = res.get_prediction(by=by).summary_frame()
        assert found.equals(truth)
    bare = res.get_prediction(by=frame["region"].to_numpy()).summary_frame()
    assert bare.index.names == ["by", "category"]
    assert np.array_equal(bare, truth)
    both = res.get_prediction(by=["region", "educ"]).summary_frame()
    assert both.index.names == ["region", "educ", "category"]
    part = frame[(frame["region"] == "west") & (frame["educ"] == 3)]
    one = res.get_prediction(part, average=True).summary_frame().loc["average"]
    assert np.abs(both.loc[("west", 3)] - one).max(axis=None) < 1e-13
    with pytest.raises(ColumnNotFoundError, match="'county'"):
        res.get_prediction(by="county")
    gaps = frame["region"].where(frame.index != 7)
    with pytest.raises(MissingDataError, match=r"\[7\]"):
        res.get_prediction(by=gaps)


def test_rows_and_categories_are_labelled():
    frame = survey().set_index(pd.MultiIndex.from_product([range(16), list("abcdefghij")]))
    frame["party"] = frame["party"].map({"blue": 2, "green": 10, "red": -1})
    res = ml.mnlogit("party ~ age", frame, base=2).fit()
    table = res.get_prediction().summary_frame()
    assert table.index.names == ["row_0", "row_1", "category"]
    assert table.loc[(3, "c")].index.tolist() == [-1, 2, 10]
    assert table.loc[(3, "c", 10), "probability"] == res.predict().loc[(3, "c"), 10].round(15) or (
        abs(table.loc[(3, "c", 10), "probability"] - res.predict().loc[(3, "c"), 10]) < 1e-15
    )
    linear = res.get_prediction().summary_frame(which="linear", against=10)
    assert linear.loc[(3, "c")].index.tolist() == [-1, 2]
    twice = survey().iloc[[5, 5, 7]].rename_axis("person")
    table = fitted().get_prediction(twice).summary_frame()
    assert table.index.names == ["person", "category"]
    assert table.index.get_level_values(0).tolist() == [5] * 6 + [7] * 3
    tuples = survey().assign(party=[(p, 1) for p in survey()["party"]])
    table = ml.MNLogit(tuples["party"], np.ones((160, 1))).fit().get_prediction(average=True)
    assert table.summary_frame().index.tolist()[0] == ("average", ("blue", 1))


def test_intervals_lie_inside_whatever_alpha():
    res = fitted("party ~ age + educ")
    far = {"age": [-5e3, 45.0, 5e3], "educ": [0, 4, 90]}
    for alpha in (0.5, 1e-3, 1e-12):
        for method in (None, "scheffe"):
            table = res.get_prediction(far).summary_frame(alpha, simultaneous=method)
            assert (table[["lower", "upper"]] >= 0).all(axis=None)
            assert (table[["lower", "upper"]] <= 1).all(axis=None)
            assert (table["lower"] <= table["probability"]).all()
            assert (table["probability"] <= table["upper"]).all()
            assert table.attrs["intervals"]["alpha"] == alpha


def test_categories_are_those_of_predict():
    res = fitted("party ~ age + educ")
    pd.testing.assert_series_equal(res.get_prediction().category, res.predict(which="category"))
    tied = ml.MNLogit(["b", "a", "c", "b", "a", "c"], np.ones((6, 1))).fit()
    assert tied.get_prediction().category.tolist() == ["a"] * 6
    grouped = res.get_prediction(by="region")
    assert (grouped.category == grouped.probabilities.idxmax(axis=1)).all()


def test_leads_are_contrasts_with_the_closest_rival():
    res = fitted("party ~ age + educ + region")
    leads = res.get_prediction().leads(0.1)
    tables = {
        base: res.get_prediction().summary_frame(which="linear", against=base)
        for base in ("blue", "green", "red")
    }
    assert (leads["category"] == res.predict(which="category")).all()
    rows = res.get_prediction().summary_frame(0.1)
    for row in range(0, 160, 7):
        best = leads.loc[row, "category"]
        z = {
            other: tables[other].loc[(row, best), "log_odds"]
            / tables[other].loc[(row, best), "std_err"]
            for other in tables
            if other != best
        }
        rival = min(z, key=z.get)
        assert leads.loc[row, "rival"] == rival
        assert abs(leads.loc[row, "z"] - z[rival]) < 1e-10
        assert abs(leads.loc[row, "upper"] - rows.loc[(row, best), "upper"]) < 1e-14
    with pytest.raises(OptionError, match="averages"):
        res.get_prediction(average=True).leads()


def test_missing_values_propagate_as_missing_rows():
    res = fitted("party ~ age + educ + region")
    new = survey().head(4).copy()
    new.loc[1, "age"] = np.nan
    with pytest.raises(MissingDataError, match="'age'"):
        res.get_prediction(new)
    found = res.get_prediction(new, missing="propagate")
    for options in ({}, {"simultaneous": "sup-t"}, {"simultaneous": "sup-t", "family": "all"}):
        table = found.summary_frame(**options)
        assert table.loc[1].isna().all(axis=None)
        whole = res.get_prediction(new.drop(index=1)).summary_frame(**options)
        assert np.abs(table.drop(index=1, level=0) - whole).max(axis=None) < 1e-12
    assert found.category.isna().tolist() == [False, True, False, False]
    assert found.leads().loc[1].isna().all()
    for average in ({"average": True}, {"by": "region"}):
        with pytest.raises(OptionError, match="propagate"):
            res.get_prediction(new, missing="propagate", **average)


def test_rows_that_a_transform_has_no_value_for():
    res = fitted("party ~ log(age) + educ")
    new = survey().head(4).copy()
    new.loc[2, "age"] = -3.0
    with pytest.raises(MissingDataError, match=r"log\(age\)"):
        res.predict(new)
    y = res.predict(new, missing="propagate")
    assert y.isna().all(axis=1).tolist() == [False, False, True, False]
    assert np.abs(y.drop(index=2) - res.predict().loc[[0, 1, 3]]).max(axis=None) < 1e-14
    new.loc[1, "educ"] = np.nan
    table = res.get_prediction(new, missing="propagate").summary_frame()
    assert table["std_err"].isna().groupby(level=0).all().tolist() == [False, True, True, False]
    new.loc[0, "age"] = 0.0
    with pytest.raises(InfiniteValueError, match=r"log\(age\)"):
        res.predict(new, missing="propagate")


def test_rows_that_a_sparse_transform_has_no_value_for(rng):
    frame = pd.DataFrame({"x": rng.uniform(1, 2, 900), "unit": rng.integers(0, 70, 900)})
    frame["y"] = rng.integers(0, 2, 900)
    res = ml.mnlogit("y ~ C(unit) + log(x)", frame).fit()
    assert res.record.encoding.wide
    new = frame.head(3).assign(x=[1.5, -1.0, 1.2])
    y = res.predict(new, missing="propagate")
    assert y.isna().all(axis=1).tolist() == [False, True, False]
    assert np.abs(y.loc[2] - res.predict(new.loc[[2]]).loc[2]).max() == 0


def test_no_rows_give_an_empty_table():
    res, none = fitted("party ~ age + educ"), survey().head(0)
    assert res.predict(none).shape == (0, 3)
    assert res.predict(none, which="category").empty
    found = res.get_prediction(none)
    assert found.summary_frame().empty
    assert found.summary_frame(simultaneous="sup-t", family="all").empty
    assert found.leads().empty
    for average in ({"average": True}, {"by": "region"}):
        with pytest.raises(EmptyDataError):
            res.get_prediction(none, **average)


def test_new_rows_are_checked_as_predict_checks_them():
    res = fitted("party ~ age + educ + region")
    with pytest.raises(ColumnNotFoundError, match="'educ'"):
        res.get_prediction(survey().drop(columns="educ"))
    with pytest.raises(UnseenLevelError, match="'east'"):
        res.get_prediction(survey().head(2).assign(region="east"))
    with pytest.raises(OffsetError):
        res.get_prediction(survey().head(2), offset=np.zeros((2, 3)))
    with pytest.raises(OptionError, match="raise, propagate"):
        res.get_prediction(survey().head(2), missing="drop")
    with pytest.raises(OptionError, match="average"):
        res.get_prediction(average="yes")
    with pytest.raises(TypeError, match="groups"):
        res.get_prediction(groups="region")
    with pytest.raises(BaseCategoryError, match="against='grey' is not"):
        res.get_prediction().summary_frame(which="linear", against="grey")


def test_offsets_enter_new_rows():
    rng = np.random.default_rng(5)
    shift = rng.normal(size=(160, 3))
    res = ml.mnlogit("party ~ age", survey(), offset=shift).fit()
    whole = res.get_prediction().summary_frame()
    part = res.get_prediction(survey().head(9), offset=shift[:9]).summary_frame()
    assert np.abs(part - whole.loc[:8]).max(axis=None) < 1e-13
    with pytest.raises(OffsetError):
        res.get_prediction(survey().head(9))


def separated():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        return build_model("bankwages_full").fit()


def test_errors_in_the_limit_of_separated_data():
    """No woman is custodial; there the limit is a fit with a coefficient far out."""
    res = separated()
    column = "C(gender, Treatment('male'))[T.female]"
    held = build_model("bankwages_full").fit(constraints=f"admin: {column} = 30")
    women = load_case("bankwages_full").data["gender"].eq("female").to_numpy()
    with pytest.warns(SeparationWarning, match="216 are 0 or 1") as caught:
        table = res.get_prediction().summary_frame()
    assert len(caught) == 1
    truth = held.get_prediction().summary_frame()
    cells = np.repeat(women, 3) & (table.index.get_level_values("category") == "custodial")
    assert table.loc[cells, ["std_err", "lower", "upper"]].isna().all(axis=None)
    assert (table.loc[cells, "probability"] == 0).all()
    assert np.abs(table[~cells] - truth[~cells]).max(axis=None) < 1e-7


@pytest.mark.parametrize("base", ["custodial", "manage"])
def test_the_limit_does_not_depend_on_the_base(base):
    res = separated()
    moved = res.rebase(base)
    for ask in ({}, {"by": "gender"}):
        with pytest.warns(SeparationWarning):
            left, right = (one.get_prediction(**ask) for one in (res, moved))
        for options in ({}, {"simultaneous": "sup-t", "family": "all"}):
            tables = [one.summary_frame(**options) for one in (left, right)]
            assert (tables[0].isna() == tables[1].isna()).all(axis=None)
            assert np.abs(tables[0] - tables[1]).max(axis=None) < 1e-7


def test_new_rows_that_rest_on_infinite_coefficients_have_no_errors():
    """Without the women of the minority nothing tells their odds, which the limit leaves open."""
    frame = pd.DataFrame({"x": [0, 0, 0, 0, 1, 1, 1, 1], "y": list("abababaa")})
    frame["z"] = [0, 0, 1, 1, 0, 0, 0, 0]
    frame.loc[[2, 3], "y"] = "b"
    with pytest.warns(SeparationWarning):
        res = ml.mnlogit("y ~ x + z", frame).fit()
    with pytest.warns(SeparationWarning):
        found = res.get_prediction({"x": [0, 0, 1], "z": [0, 1, 0]})
    assert np.isnan(found.estimates.errors).all(axis=0).tolist() == [False, True, False]


def test_averages_of_certainties_have_no_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        res = build_model("iris").fit()
    with pytest.warns(SeparationWarning):
        table = res.get_prediction(average=True).summary_frame().loc["average"]
    assert table.loc["setosa", ["std_err", "lower", "upper"]].isna().all()
    assert abs(table.loc["setosa", "probability"] - 1 / 3) < 1e-12
    assert table.loc["virginica"].notna().all()


def test_what_constraints_fix_has_no_interval():
    equal = [f"{category}: Intercept = 0" for category in ("green", "red")]
    res = ml.mnlogit("party ~ 1", survey()).fit(constraints=equal)
    for ask in ({"average": True}, {"newdata": survey().head(2)}):
        for method in (None, "bonferroni", "sup-t", "scheffe"):
            table = res.get_prediction(**ask).summary_frame(simultaneous=method)
            assert (table["std_err"] == 0).all()
            assert table[["lower", "upper"]].isna().all(axis=None)


def test_estimates_of_the_median_have_their_own_base():
    res = ml.mnlogit("party ~ age", survey()).fit(bias_reduction="median")
    assert len(res.get_prediction().summary_frame(which="linear")) == 320
    with pytest.raises(BiasReductionError, match="base='red'"):
        res.get_prediction().summary_frame(which="linear", against="red")


def test_a_covariance_that_was_left_out_is_asked_for():
    res = fitted("party ~ age")
    bare = type(res)(res.record, omit_covariance("nonrobust", 4))
    with pytest.raises(CovarianceError, match="left out"):
        bare.get_prediction()


def test_fits_without_rows_and_pickles():
    res = fitted("party ~ age + educ")
    bare = type(res)(replace(res.record, blocks=None), res.covariance)
    with pytest.raises(DataNotKeptError):
        bare.get_prediction()
    new = survey().head(5)
    truth = res.get_prediction(new).summary_frame(simultaneous="sup-t")
    assert bare.get_prediction(new).summary_frame(simultaneous="sup-t").equals(truth)
    for ask in ({}, {"by": "region"}):
        kept = res.get_prediction(**ask)
        copied = pickle.loads(pickle.dumps(kept))
        assert copied.summary_frame(which="linear").equals(kept.summary_frame(which="linear"))


def test_a_fit_without_a_covariance_has_no_errors():
    res = fitted("party ~ age + educ")
    unknown = replace(res.covariance, matrix=np.full((6, 6), np.nan), inner=None)
    for ask in ({}, {"average": True}):
        found = type(res)(res.record, unknown).get_prediction(**ask)
        for method in (None, "bonferroni", "sup-t", "scheffe"):
            table = found.summary_frame(simultaneous=method)
            assert table["probability"].notna().all()
            assert table[["std_err", "lower", "upper"]].isna().all(axis=None)


def test_one_coefficient_without_a_variance():
    """Only the rows that take it lose their errors."""
    res = fitted("party ~ age + educ + region")
    matrix = res.covariance.matrix.copy()
    place = list(res.cov_params().index).index(("green", "region[T.west]"))
    matrix[place] = matrix[:, place] = np.nan
    found = type(res)(res.record, replace(res.covariance, matrix=matrix)).get_prediction()
    west = (survey()["region"] == "west").to_numpy()
    assert np.isnan(found.estimates.errors[:, west]).all()
    kept = res.get_prediction().estimates.errors[:, ~west]
    assert np.array_equal(found.estimates.errors[:, ~west], kept)


def test_a_prediction_prints_and_is_frozen():
    res, frame = fitted("party ~ age + educ + region"), survey().copy()
    found = res.get_prediction(frame, by="region")
    text = repr(found)
    assert "Average probabilities: 3 x 3 categories" in text
    assert "west" in text
    html = found._repr_html_()
    assert "Average probabilities" in html
    assert html.count("<table") == 1
    assert ">west</th>" in html
    long = repr(res.get_prediction())
    assert "and 148 more" in long
    assert "covariance nonrobust" in long
    assert "t with 9 df" in repr(res.with_cov("survey", psu=np.arange(160) // 16).get_prediction())
    pd.testing.assert_frame_equal(frame, survey())
    with pytest.raises(AttributeError):
        found.estimates = None
    with pytest.raises(ValueError, match="read-only"):
        found.estimates.errors[0, 0] = 1.0


def test_errors_of_rows_are_those_of_coefficients_where_both_are_known():
    """At a row of a unit vector the log-odds against the base is a coefficient."""
    x = survey()[["age", "educ"]].assign(one=1.0)
    res = ml.MNLogit(survey()["party"], x).fit()
    table = res.get_prediction(pd.DataFrame(np.eye(3), columns=x.columns))
    table = table.summary_frame(which="linear")
    for place, name in enumerate(x.columns):
        for category in ("green", "red"):
            found = table.loc[(place, category)]
            assert abs(found["log_odds"] - res.params.loc[name, category]) < 1e-12
            assert abs(found["std_err"] / res.bse.loc[name, category] - 1) < 1e-10
            ends = res.conf_int().loc[(category, name)].to_numpy()
            assert np.abs(found[["lower", "upper"]].to_numpy() / ends - 1).max() < 1e-9


def test_rows_that_are_all_missing_have_no_numbers():
    res = fitted("party ~ age + educ + region")
    gone = survey().head(3).assign(age=np.nan)
    assert res.predict(gone, missing="propagate").isna().all(axis=None)
    for method in (None, "sup-t", "scheffe"):
        table = res.get_prediction(gone, missing="propagate").summary_frame(simultaneous=method)
        assert table.shape == (9, 4)
        assert table.isna().all(axis=None)


def test_memory_is_that_of_the_predictions(rng):
    """Nothing has as many numbers as rows times coefficients, here 18 for each probability."""
    x = np.column_stack([np.ones(60_000), rng.normal(size=(60_000, 26))])
    res = ml.MNLogit(rng.integers(0, 3, 60_000), x).fit()
    tracemalloc.start()
    res.get_prediction()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.7 * 60_000 * 54 * 8

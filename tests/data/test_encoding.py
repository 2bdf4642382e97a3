"""New data are encoded as the fit's were: levels, knots and means learned once."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlelogit as ml
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    InfiniteValueError,
    MissingDataError,
    MNLogitError,
    OptionError,
    ParamsError,
    UnseenLevelError,
    UnusedLevelWarning,
)

FORMULAS = [
    "vote ~ age + region",
    "vote ~ C(region) * age",
    "vote ~ C(region, Sum) + log(people)",
    "vote ~ C(region, Treatment('west')) + I(age**2 / 100)",
    "vote ~ C(children) + center(age)",
    "vote ~ scale(age) + people",
    "vote ~ poly(age, 3) + region",
    "vote ~ bs(age, df=5)",
    "vote ~ 0 + cr(age, df=4) + people",
    "vote ~ 0 + region + children",
    "vote ~ C(children, Poly)",
    "vote ~ I(age > 50)",
    "vote ~ C(region, contr.helmert())",
    "vote ~ region:Q('age')",
]


def fit(formula, data):
    return ml.mnlogit(formula, data).fit()


@pytest.mark.parametrize("formula", FORMULAS)
def test_new_rows_are_predicted_as_the_fits_own(formula, voters):
    """Any subset of the data, in any order, gets the probabilities of the fit's rows."""
    result = fit(formula, voters)
    for rows in (voters, voters.iloc[[17]], voters.iloc[5:40:3], voters[voters.region == "west"]):
        predicted = result.predict(rows)
        assert predicted.index.equals(rows.index)
        np.testing.assert_allclose(predicted, result.fittedvalues.loc[rows.index], rtol=1e-9)


@pytest.mark.parametrize("formula", FORMULAS)
def test_new_data_of_other_kinds(formula, voters):
    result = fit(formula, voters)
    shuffled = voters[["people", "region", "children", "age"]].iloc[::-1].assign(other="?")
    expected = result.fittedvalues
    np.testing.assert_allclose(result.predict(shuffled), expected.iloc[::-1], rtol=1e-9)
    kinds = (voters.to_dict("list"), pl.DataFrame(voters), voters.astype({"region": "category"}))
    for data in kinds:
        np.testing.assert_allclose(result.predict(data), expected, rtol=1e-9)


def test_saved_encodings_still_encode(voters):
    result = fit("vote ~ bs(age, df=4) + C(region, Sum)", voters)
    for again in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        np.testing.assert_array_equal(again.predict(voters[:7]), result.predict(voters[:7]))


def test_columns_of_a_matrix_are_matched_by_name(voters):
    exog = voters[["age", "children"]].assign(const=1.0)
    result = ml.MNLogit(voters.vote, exog).fit()
    permuted = exog[["const", "age", "children"]].assign(extra=9)
    np.testing.assert_allclose(result.predict(permuted), result.fittedvalues, rtol=1e-12)
    np.testing.assert_allclose(result.predict(exog.to_numpy()), result.fittedvalues, rtol=1e-12)
    np.testing.assert_allclose(result.predict(exog.to_numpy().tolist()), result.fittedvalues)
    row = result.fittedvalues.iloc[[3]].to_numpy()
    np.testing.assert_allclose(result.predict(exog.iloc[3]), row, rtol=1e-12)
    np.testing.assert_allclose(result.predict(exog.to_numpy()[3]), row, rtol=1e-12)
    with pytest.raises(ColumnNotFoundError, match="'children'"):
        result.predict(exog[["age", "const"]])
    with pytest.raises(ParamsError, match="age, children, const"):
        result.predict(exog.to_numpy()[:, :2])


def test_an_unnamed_matrix_takes_unnamed_rows(voters):
    exog = np.column_stack([np.ones(400), voters.age])
    result = ml.MNLogit(voters.vote, exog).fit()
    np.testing.assert_allclose(result.predict(exog[:5]), result.fittedvalues[:5], rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "change", "error", "says"),
    [
        ("vote ~ age + region", {"drop": "age"}, ColumnNotFoundError, "'age'"),
        ("vote ~ log(age) + region", {"drop": "region"}, ColumnNotFoundError, "'region'"),
        ("vote ~ age + region", {"region": "south"}, UnseenLevelError, "region.*'south'.*'east'"),
        ("vote ~ C(region, Sum)", {"region": "South"}, UnseenLevelError, "region.*'South'"),
        ("vote ~ C(children)", {"children": 9}, UnseenLevelError, "children.*9"),
        ("vote ~ age:region", {"region": ""}, UnseenLevelError, "region.*''"),
        ("vote ~ age", {"age": np.nan}, MissingDataError, r"'age' \(1\).*\[2\]"),
        ("vote ~ age + region", {"region": None}, MissingDataError, r"'region' \(1\).*\[2\]"),
        ("vote ~ age", {"age": np.inf}, InfiniteValueError, r"'age'.*\[2\]"),
        ("vote ~ log(people)", {"people": -1}, MissingDataError, r"log\(people\).*\[2\]"),
        ("vote ~ log(people)", {"people": 0}, InfiniteValueError, r"log\(people\).*\[2\]"),
        ("vote ~ age", {"age": "old"}, ColumnTypeError, "'age'.*'old'"),
    ],
)
def test_bad_new_data_have_named_errors(formula, change, error, says, voters):
    result = fit(formula, voters)
    new = voters.iloc[:5].astype(object)
    for column, value in change.items():
        if column == "drop":
            new = new.drop(columns=value)
        else:
            new.iloc[2, new.columns.get_loc(column)] = value
    with pytest.raises(error, match=says):
        result.predict(new)


def test_an_unseen_level_among_declared_ones_raises(voters):
    """A level declared but without a row in the fit has no coefficient."""
    voters["region"] = pd.Categorical(voters.region, categories=["west", "south", "east", "north"])
    with pytest.warns(UnusedLevelWarning, match="'south'"):
        result = fit("vote ~ region", voters)
    assert result.params.index.tolist() == ["Intercept", "region[T.east]", "region[T.north]"]
    new = voters.iloc[:3].copy()
    new.loc[1, "region"] = "south"
    with pytest.raises(UnseenLevelError, match="'south'"):
        result.predict(new)


@pytest.mark.parametrize("formula", ["vote ~ age + region", "vote ~ bs(age, df=4) + C(region)"])
def test_missing_rows_propagate_when_asked(formula, voters):
    result = fit(formula, voters)
    new = voters.iloc[:6].copy()
    new.loc[1, "age"] = np.nan
    new.loc[4, "region"] = None
    for which in ("prob", "linear"):
        predicted = result.predict(new, which=which, missing="propagate")
        assert predicted.isna().all(axis=1).tolist() == [False, True, False, False, True, False]
        own = result.predict(voters.iloc[[0, 2, 3, 5]], which=which)
        np.testing.assert_allclose(predicted.dropna(), own, rtol=1e-12)
    category = result.predict(new, which="category", missing="propagate")
    assert category.isna().tolist() == [False, True, False, False, True, False]
    with pytest.raises(MissingDataError, match=r"'age'.*'region'"):
        result.predict(new)
    everything = new.assign(age=np.nan)
    assert result.predict(everything, missing="propagate").isna().all(axis=None)


def test_an_unseen_level_raises_also_when_missing_rows_propagate(voters):
    result = fit("vote ~ region", voters)
    with pytest.raises(UnseenLevelError, match="'south'"):
        result.predict({"region": ["south", None]}, missing="propagate")


def test_propagation_in_a_matrix(voters):
    result = ml.MNLogit(voters.vote, voters[["age"]].assign(const=1.0)).fit()
    new = pd.DataFrame({"const": 1.0, "age": [30, np.nan, 50]})
    predicted = result.predict(new, missing="propagate")
    assert predicted.isna().any(axis=1).tolist() == [False, True, False]


def test_choices_of_predict_are_listed(voters):
    result = fit("vote ~ age", voters)
    with pytest.raises(OptionError, match="prob, category, linear"):
        result.predict(voters, which="class")
    with pytest.raises(OptionError, match="raise, propagate"):
        result.predict(voters, missing="drop")


@pytest.mark.parametrize(
    "newdata", [pd.DataFrame({"age": []}), {"age": []}, pl.DataFrame({"age": []})]
)
def test_no_new_rows_give_no_predictions(newdata, voters):
    predicted = fit("vote ~ age", voters).predict(newdata)
    assert predicted.shape == (0, 3)


@pytest.mark.parametrize("newdata", ["age", 3, [[1, 2]], np.ones((2, 2))])
def test_a_formula_wants_named_new_data(newdata, voters):
    with pytest.raises(MNLogitError, match="newdata"):
        fit("vote ~ age + children", voters).predict(newdata)


def test_what_was_learned_is_plain(voters):
    encoding = fit("vote ~ C(region) + bs(age, df=4) + children", voters).record.encoding
    assert encoding.kinds == {"region": "category", "age": "number", "children": "number"}
    assert list(encoding.levels.values()) == [["east", "north", "west"]]
    assert encoding.categories == ("ann", "bob", "cat")
    width = len(encoding.names)
    covered = sorted(i for start, stop in encoding.terms.values() for i in range(start, stop))
    assert covered == list(range(width))


@pytest.mark.parametrize(
    ("column", "error"),
    [
        (pd.date_range("2020", periods=400), ColumnTypeError),
        (pd.to_timedelta(np.arange(400), unit="D"), ColumnTypeError),
        (np.full(400, 1j), ColumnTypeError),
        (pd.period_range("2020", periods=400), ColumnTypeError),
        ([[1]] * 400, MNLogitError),
    ],
)
def test_columns_a_formula_cannot_use_are_named(column, error, voters):
    with pytest.raises(error, match="'bad one'"):
        ml.mnlogit("vote ~ Q('bad one')", voters.assign(**{"bad one": column}))


@pytest.mark.parametrize(
    "convert",
    [
        lambda column: column.astype("category"),
        lambda column: column.astype("string"),
        lambda column: column.astype("string[pyarrow]"),
        lambda column: column.astype(object),
        lambda column: pd.Categorical(column, categories=["east", "north", "west"], ordered=True),
    ],
)
def test_factors_of_every_type(convert, voters):
    expected = fit("vote ~ age + region", voters)
    result = fit("vote ~ age + region", voters.assign(region=convert(voters.region)))
    assert result.params.index.tolist() == expected.params.index.tolist()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-9)
    np.testing.assert_allclose(result.predict(voters[:9]), expected.fittedvalues[:9], rtol=1e-9)

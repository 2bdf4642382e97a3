"""Rows: how inputs pair, which rows leave and why, and that nothing of the user's changes."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

import mlelogit as ml
from mlelogit.exceptions import (
    EmptyDataError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
    OptionError,
)
from tests.data.samples import CODES, DESIGN, ROWS

NAMES = pd.Index([f"row {i}" for i in range(ROWS)])
REORDERED = NAMES[::-1]


def series(values, index=NAMES):
    return pd.Series(values, index=index)


def table(values, index=NAMES):
    return pd.DataFrame(values, index=index)


@pytest.mark.parametrize("index", [REORDERED, NAMES + "x", pd.RangeIndex(ROWS)], ids=str)
@pytest.mark.parametrize("other", ["exog", "weights", "offset"])
def test_indexes_that_differ_raise(index, other):
    inputs = {
        "exog": table(DESIGN),
        "weights": series(np.ones(ROWS)),
        "offset": table(np.zeros((ROWS, 3))),
    }
    inputs[other] = inputs[other].set_axis(index)
    with pytest.raises(MisalignedIndexError, match=f"endog.*{other}.*differ"):
        ml.MNLogit(series(CODES), **inputs, weight_type="frequency")


def test_a_reordered_index_says_so():
    with pytest.raises(MisalignedIndexError, match="order"):
        ml.MNLogit(series(CODES), table(DESIGN, REORDERED))


def test_indexes_of_weights_and_frame_must_agree():
    data = pd.DataFrame({"y": CODES, "x": DESIGN[:, 1]}, index=NAMES)
    with pytest.raises(MisalignedIndexError, match="weights"):
        ml.mnlogit("y ~ x", data, weights=series(np.ones(ROWS), REORDERED), weight_type="frequency")
    with pytest.raises(MisalignedIndexError, match="offset"):
        ml.mnlogit("y ~ x", data, offset=table(np.zeros((ROWS, 3)), REORDERED))


def test_identical_indexes_pair_by_position_even_with_duplicates(plain):
    twice = pd.Index(["a", "b"] * (ROWS // 2))
    result = ml.MNLogit(series(CODES, twice), table(DESIGN, twice)).fit()
    np.testing.assert_allclose(result.params.to_numpy(), plain.params.to_numpy(), rtol=1e-10)
    assert result.fittedvalues.index.equals(twice)


@pytest.mark.parametrize(
    ("endog", "exog"),
    [
        (CODES, table(DESIGN, REORDERED)),
        (series(CODES, REORDERED), DESIGN),
        (CODES.tolist(), table(DESIGN)),
        (series(CODES), DESIGN.tolist()),
        (pl.Series(CODES), table(DESIGN)),
    ],
)
def test_arrays_pair_by_position(endog, exog, plain):
    result = ml.MNLogit(endog, exog).fit()
    np.testing.assert_allclose(result.params.to_numpy(), plain.params.to_numpy(), rtol=1e-10)
    assert len(result.fittedvalues) == ROWS


def test_outputs_keep_the_index_in_the_order_of_the_input():
    result = ml.MNLogit(series(CODES), table(DESIGN)).fit()
    outputs = (
        result.fittedvalues,
        result.resid_response,
        result.loglikeobs(),
        result.score_obs(),
        result.predict(which="category"),
        result.predict(which="linear"),
    )
    for output in outputs:
        assert output.index.equals(NAMES)
    flipped = ml.MNLogit(series(CODES[::-1], REORDERED), table(DESIGN[::-1], REORDERED)).fit()
    assert flipped.fittedvalues.index.equals(REORDERED)
    np.testing.assert_allclose(flipped.fittedvalues.loc[NAMES], result.fittedvalues, rtol=1e-8)


@pytest.mark.parametrize(
    "inputs",
    [
        {"exog": DESIGN[:-1]},
        {"endog": CODES[:-1]},
        {"weights": np.ones(ROWS + 1), "weight_type": "frequency"},
        {"offset": np.zeros((ROWS - 1, 3))},
    ],
    ids=lambda inputs: next(iter(inputs)),
)
def test_lengths_that_differ_raise_and_are_told(inputs):
    given = {"endog": CODES, "exog": DESIGN, **inputs}
    with pytest.raises(LengthMismatchError, match=r"119|121"):
        ml.MNLogit(**given)


@pytest.fixture
def gappy():
    """A frame with a missing value in the outcome, columns, weights and offset, apart."""
    generator = np.random.default_rng(31)
    data = pd.DataFrame(
        {
            "y": np.array(["a", "b", "c"], dtype=object)[CODES],
            "x": DESIGN[:, 1].copy(),
            "g": generator.choice(["u", "v"], ROWS).astype(object),
            "w": generator.integers(1, 4, ROWS).astype(float),
            "o1": generator.normal(size=ROWS),
            "o2": generator.normal(size=ROWS),
            "unused": np.nan,
        }
    )
    for row, column in enumerate(["y", "x", "g", "w", "o1", "o2"]):
        data.loc[10 * row, column] = np.nan
    data.loc[50, "x"] = np.nan
    data.loc[7, "w"] = 0
    return data


OPTIONS = {"weights": "w", "weight_type": "frequency", "offset": ["o1", "o2"]}


def test_missing_values_raise_naming_columns_and_rows(gappy):
    with pytest.raises(MissingDataError) as caught:
        ml.mnlogit("y ~ x + g", gappy, **OPTIONS)
    said = str(caught.value)
    for expected in ("6 rows", "'y' (1)", "'x' (2)", "'g' (1)", "'w' (1)", "'offset o1' (1)"):
        assert expected in said
    assert "[0, 10, 20, 30, 40]" in said
    assert "missing='drop'" in said
    assert "unused" not in said


def test_missing_values_are_dropped_and_counted(gappy):
    result = ml.mnlogit("y ~ x + g", gappy, missing="drop", **OPTIONS).fit()
    complete = gappy.drop(columns="unused").dropna()
    clean = ml.mnlogit("y ~ x + g", complete[complete.w > 0], **OPTIONS).fit()
    np.testing.assert_allclose(result.params, clean.params, rtol=1e-9)
    assert result.nobs == clean.nobs
    audit = result.audit
    assert (audit.rows_in, audit.rows_used) == (ROWS, ROWS - 7)
    assert audit.dropped == {"missing values": 6, "zero weight": 1}
    assert audit.missing == {"y": 1, "x": 2, "g": 1, "w": 1, "offset o1": 1, "offset o2": 1}
    assert result.fittedvalues.index.tolist() == clean.fittedvalues.index.tolist()
    totals = complete[complete.w > 0].groupby("y")["w"].sum()
    assert audit.categories == totals.to_dict()
    for said in ("120", "113", "6 (missing values)", "1 (zero weight)", "x 2"):
        assert said in str(audit)


def test_a_column_outside_the_formula_may_be_missing(gappy):
    ml.mnlogit("y ~ 1", gappy.drop(index=0)).fit()


def test_a_category_lost_with_the_missing_rows_is_told():
    endog = pd.Categorical(CODES, categories=[0, 1, 2])
    exog = DESIGN.copy()
    exog[CODES == 2, 1] = np.nan
    with pytest.warns(ml.exceptions.UnusedLevelWarning, match="2"):
        result = ml.MNLogit(endog, exog, missing="drop").fit()
    assert result.categories == (0, 1)
    assert result.audit.unused == (2,)


def test_nothing_left_is_an_error():
    with pytest.raises(EmptyDataError, match="row"):
        ml.MNLogit(CODES, np.full((ROWS, 1), np.nan), missing="drop")


def test_infinite_values_in_rows_that_leave_do_not_matter():
    exog, weights = DESIGN.copy(), np.ones(ROWS)
    exog[3, 1], weights[3] = np.inf, 0
    result = ml.MNLogit(CODES, exog, weights=weights, weight_type="frequency").fit()
    expected = ml.MNLogit(np.delete(CODES, 3), np.delete(DESIGN, 3, axis=0)).fit()
    np.testing.assert_allclose(result.params, expected.params, rtol=1e-9)


@pytest.mark.parametrize("missing", ["ignore", "none", None, True])
def test_missing_actions_are_listed(missing):
    with pytest.raises(OptionError, match="raise, drop"):
        ml.MNLogit(CODES, DESIGN, missing=missing)


@pytest.mark.parametrize("call", [ml.MNLogit, ml.mnlogit])
def test_unknown_keywords_raise(call):
    with pytest.raises(TypeError, match="freq_weights"):
        call(CODES, DESIGN, freq_weights=np.ones(ROWS))


def freeze(array):
    array = np.array(array)
    array.setflags(write=False)
    return array


def test_read_only_arrays_are_enough():
    inputs = {
        "endog": freeze(CODES),
        "exog": freeze(DESIGN),
        "weights": freeze(np.arange(ROWS) % 3),
        "offset": freeze(np.full((ROWS, 3), 0.25)),
    }
    model = ml.MNLogit(**inputs, weight_type="frequency", base=2)
    start = freeze(np.zeros(4))
    result = model.fit("BFGS", start_params=start)
    result.summary()
    result.predict(freeze(DESIGN), offset=inputs["offset"])
    assert result.converged
    np.testing.assert_array_equal(start, 0)


def test_arrays_of_the_user_are_not_changed():
    inputs = {
        "endog": CODES.copy(),
        "exog": np.asfortranarray(DESIGN),
        "weights": np.arange(ROWS, dtype=float) % 3,
        "offset": np.full((ROWS, 2), 0.25),
    }
    before = copy.deepcopy(inputs)
    result = ml.MNLogit(**inputs, weight_type="importance").fit()
    result.verify()
    result.predict(inputs["exog"], offset=inputs["offset"])
    for name, array in inputs.items():
        np.testing.assert_array_equal(array, before[name])


def test_frames_of_the_user_are_not_changed(gappy):
    before, names = gappy.copy(deep=True), list(gappy.columns)
    with pytest.raises(MissingDataError):
        ml.mnlogit("y ~ x + g", gappy, **OPTIONS)
    result = ml.mnlogit("y ~ x + C(g) + I(x**2)", gappy, missing="drop", **OPTIONS).fit()
    result.predict(gappy, offset=gappy[["o1", "o2"]].fillna(0), missing="propagate")
    pd.testing.assert_frame_equal(gappy, before)
    assert list(gappy.columns) == names


def test_sparse_arrays_of_the_user_are_not_changed():
    array = sp.csr_array(DESIGN)
    before = array.copy()
    ml.MNLogit(CODES, array).fit()
    assert (array != before).nnz == 0


def test_tables_of_a_result_are_copies(plain):
    before = plain.params
    changed = plain.params
    changed.iloc[0, 0] = 99
    pd.testing.assert_frame_equal(plain.params, before)

"""Labels beside the rows: found by name or by place, whatever was dropped in between."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlelogit as ml
from mlelogit.data.design import take_rows
from mlelogit.data.labels import cross_labels, read_labels, read_numbers, read_several_labels
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    InfiniteValueError,
    LabelError,
    LengthMismatchError,
    MisalignedIndexError,
    MissingDataError,
)
from tests.inference.samples import survey

N = 160
DISTRICT = np.arange(N) * 7 % 11
GONE = [3, 50, 159]
KEPT = np.delete(np.arange(N), GONE)


def frame():
    table = survey().assign(district=DISTRICT, place=np.array(list("abcd"))[DISTRICT % 4])
    table.loc[GONE, "age"] = np.nan
    table.index = pd.Index(np.arange(N) // 2, name="row")
    return table


def design(data=None):
    return ml.mnlogit("party ~ age", frame() if data is None else data, missing="drop").design


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "dict"])
def test_columns_are_found_by_name_on_the_rows_used(kind):
    kinds = {"polars": pl.DataFrame, "pyarrow": pa.Table.from_pandas, "dict": dict}
    table = frame() if kind == "pandas" else frame().reset_index(drop=True)
    made = design(kinds.get(kind, lambda same: same)(table))
    labels = read_labels(made, "district")
    assert labels.codes.dtype == np.int64
    assert (labels.names[labels.codes] == DISTRICT[KEPT]).all()
    assert (labels.count, labels.name) == (11, "district")
    two = read_several_labels(made, ["district", "place"])
    assert [one.name for one in two] == ["district", "place"]
    with pytest.raises(ColumnNotFoundError, match=r"groups names 'nope'.*'district'"):
        read_labels(made, "nope")


@pytest.mark.parametrize(
    "make",
    [
        np.array,
        list,
        tuple,
        lambda v: frame().assign(v=v)["v"],
        lambda v: pl.Series(v),
        lambda v: pa.array(v),
        lambda v: pd.Categorical(v),
        lambda v: np.array(v)[:, None],
        lambda v: pd.array(v),
    ],
)
@pytest.mark.parametrize("values", [DISTRICT.tolist(), [f"d {d}" for d in DISTRICT]])
def test_values_pair_with_the_rows_given(make, values):
    (labels,) = read_several_labels(design(), make(values))
    assert (labels.names[labels.codes] == np.array(values)[KEPT]).all()


def test_several_labels_in_every_form():
    table = frame()
    expected = read_several_labels(design(), ["district", "place"])
    both = table[["district", "place"]]
    for given in (
        both,
        both.to_numpy(),
        both.to_numpy().tolist(),
        dict(both),
        pl.DataFrame(dict(both)),
    ):
        found = read_several_labels(design(), given)
        for one, two in zip(found, expected, strict=True):
            assert (one.names[one.codes] == two.names[two.codes]).all()
    mixed = read_several_labels(design(), ["place", DISTRICT])
    assert (mixed[1].codes == expected[0].codes).all()
    crossed = cross_labels(expected)
    assert crossed.count == len(set(zip(DISTRICT[KEPT], table["place"].iloc[KEPT], strict=True)))
    assert crossed.name == "district x place"


def test_a_list_of_words_is_labels_if_it_names_no_columns():
    words = ["left", "right"] * (N // 2)
    assert read_several_labels(design(), words)[0].count == 2
    with pytest.raises(ColumnNotFoundError, match="'sideways'"):
        read_several_labels(design(), ["district", "sideways"])


def test_what_does_not_pair_raises():
    made, table = design(), frame()
    with pytest.raises(MisalignedIndexError, match="groups"):
        read_labels(made, table["district"].iloc[::-1])
    with pytest.raises(LengthMismatchError, match=r"157 labels.*160 rows, of which 157 are used"):
        read_labels(made, DISTRICT[KEPT])
    with pytest.raises(LabelError, match="one column of labels, not 2"):
        read_labels(made, np.zeros((N, 2)))
    with pytest.raises(LabelError, match="missing"):
        read_labels(made, None)
    with pytest.raises(LabelError, match="empty"):
        read_several_labels(made, [])
    with pytest.raises(ColumnTypeError, match="cannot be labels"):
        read_labels(made, pd.Series([[1]] * N).to_numpy())
    matrix = ml.MNLogit(survey()["party"], survey()[["age"]].to_numpy()).design
    with pytest.raises(ColumnNotFoundError, match="no frame"):
        read_labels(matrix, "district")
    assert read_labels(matrix, survey()["region"]).count == 3


def test_labels_may_miss_only_where_the_row_was_dropped():
    values = DISTRICT.astype(float)
    values[GONE] = np.nan
    assert read_labels(design(), values).count == 11
    values[[7, 8]] = np.nan
    with pytest.raises(MissingDataError, match=r"2 of the rows used.*\[7, 8\]"):
        read_labels(design(), values)


def test_numbers_must_be_finite():
    assert read_numbers(design(), "educ", "time")[0].shape == (len(KEPT),)
    with pytest.raises(InfiniteValueError, match="time"):
        read_numbers(design(), np.full(N, np.inf), "time")
    with pytest.raises(ColumnTypeError, match="place"):
        read_numbers(design(), "place", "time")


def test_labels_that_cannot_be_compared_stand_as_they_appear():
    mixed = [("x", 1)[i % 2] if i % 3 else (2,) for i in range(N)]
    column = pd.Series(mixed, index=frame().index)
    assert read_labels(design(), column).count == 3


@pytest.mark.parametrize("twin", [copy.deepcopy, copy.copy, lambda d: d])
def test_copies_and_parts_keep_their_labels(twin):
    part = take_rows(twin(design()), np.array([10, 4, 120]))
    labels = read_labels(part, "district")
    assert labels.names[labels.codes].tolist() == DISTRICT[KEPT[[10, 4, 120]]].tolist()


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_pickles_leave_the_frame_behind_and_say_so(kind):
    """What is beside the model's columns can be private, or large."""
    table = frame().assign(secret="a person's name " * 20)
    table = table if kind == "pandas" else pl.from_pandas(table)
    res = ml.mnlogit("party ~ age", table, missing="drop").fit()
    sent = pickle.dumps(res)
    assert b"a person's name" not in sent
    assert "secret" not in str(sent)
    again = pickle.loads(pickle.dumps(pickle.loads(sent)))
    with pytest.raises(ColumnNotFoundError, match=r"'district'.*pickled.*each of the 160 rows"):
        again.with_cov("cluster", groups="district")
    with pytest.raises(ColumnNotFoundError, match="left behind"):
        again.with_cov("cluster", groups=["district", "place"])
    many = pd.Series(np.arange(N) % 45, index=frame().index)
    given = many if kind == "pandas" else many.to_numpy()
    found = again.with_cov("cluster", groups=given)
    assert (found.bse == res.with_cov("cluster", groups=given).bse).all(axis=None)
    if kind == "pandas":
        with pytest.raises(MisalignedIndexError):
            again.with_cov("cluster", groups=many.iloc[::-1])
    part = take_rows(again.record.need_blocks().design, np.array([10, 4, 120]))
    labels = read_labels(part, DISTRICT)
    assert labels.names[labels.codes].tolist() == DISTRICT[KEPT[[10, 4, 120]]].tolist()


def test_rows_of_an_index_of_several_levels_pair():
    levels = pd.MultiIndex.from_arrays([np.arange(N) // 2, np.arange(N) % 2])
    table = frame().set_axis(levels, axis=0)
    made = design(table)
    assert (read_labels(made, table["district"]).codes == read_labels(made, "district").codes).all()
    with pytest.raises(MisalignedIndexError, match="the data and groups differ"):
        read_labels(made, table["district"][::-1])


def test_later_changes_of_the_frame_pair_no_other_rows():
    table = frame()
    made = design(table)
    before = read_labels(made, "district").codes.copy()
    table.index = table.index[::-1]
    del table["place"]
    table["district"] = 0
    assert (read_labels(made, "district").codes == before).all()
    given = pl.DataFrame({"y": ["a", "b", "b"] * 9, "x": range(27), "g": [1, 2, 3] * 9})
    made = ml.mnlogit("y ~ x", given).design
    given.insert_column(0, pl.Series("first", [0] * 27))
    given[0, "g"] = 5
    assert read_labels(made, "g").count == 3


def test_a_list_as_long_as_the_data_is_labels_whatever_columns_are_called():
    table = survey().assign(**{"0": 1, "1": 2}).rename(columns={"0": 0, "1": 1})
    made = ml.mnlogit("party ~ age", table).design
    labels = [1, 2] * (N // 2)
    assert read_several_labels(made, labels)[0].count == 2
    for given in ([0, 1] * (N // 2), ["age", "educ"] * (N // 2)):
        with pytest.raises(LabelError, match=r"one label for every row, or columns"):
            read_several_labels(made, given)
        (found,) = read_several_labels(made, np.array(given))
        assert (found.names[found.codes] == np.array(given)).all()
    # Truth values are labels, never names, though True == 1.
    assert read_several_labels(made, [False, True] * (N // 2))[0].count == 2
    for truth in (True, np.True_, False):
        with pytest.raises(LabelError, match=r"not (True|False)"):
            read_labels(made, truth)
        with pytest.raises(LabelError, match=r"not (True|False)"):
            read_several_labels(made, truth)
    assert read_labels(made, 1).name == "1"


def test_members_of_every_kind_stand_side_by_side():
    place = frame()["place"]
    expected = read_several_labels(design(), ["district", "place"])
    districts = DISTRICT.tolist()
    for given in (
        [districts, "place"],
        ["district", place.tolist()],
        [districts, place.to_numpy()],
        [districts, place.tolist()],
        (tuple(districts), place),
        [pl.Series(districts), "place"],
        {"district": districts, "place": list(place)},
        {"district": pl.Series(districts), "place": place},
        pl.DataFrame({"district": districts, "place": list(place)}),
        pa.table({"district": districts, "place": list(place)}),
    ):
        found = read_several_labels(design(), given)
        for one, two in zip(found, expected, strict=True):
            assert (one.names[one.codes] == two.names[two.codes]).all()
        if not isinstance(given, list | tuple):
            assert [one.name for one in found] == ["district", "place"]
    with pytest.raises(LengthMismatchError, match=r"groups\[0\] has 3 labels"):
        read_several_labels(design(), [[1, 2, 3], "place"])


def test_members_that_make_no_sense_raise():
    with pytest.raises(LabelError, match="'place' twice"):
        read_several_labels(design(), ["place", "district", "place"])
    with pytest.raises(LabelError, match="member 1 twice"):
        read_several_labels(design(), [DISTRICT, DISTRICT])
    with pytest.raises(LabelError, match="9 columns of labels, and 8 is the most"):
        read_several_labels(design(), np.arange(9 * N).reshape(N, 9))
    assert len(read_several_labels(design(), np.arange(8 * N).reshape(N, 8) % 7)) == 8
    small = pd.DataFrame({"y": list("abab"), "x": [1.0, 2, 3, 5]})
    square = ml.mnlogit("y ~ x", small).design
    with pytest.raises(LabelError, match="by rows or by columns"):
        read_several_labels(square, [[1, 2, 1, 2]] * 3 + [[3, 3, 1, 1]])


def test_a_list_of_one_column_is_that_column():
    made = design()
    assert (read_labels(made, ["district"]).codes == read_labels(made, "district").codes).all()
    with pytest.raises(LabelError, match="one column of labels, not 2"):
        read_labels(made, ["district", "place"])


def test_a_missing_name_is_no_column():
    with pytest.raises(ColumnNotFoundError, match="NA"):
        read_labels(design(), pd.NA)


def test_columns_of_a_frame_of_exog_are_found_beside_it():
    exog = frame()[["age", "district"]].fillna(40.0)
    labels = read_labels(ml.MNLogit(frame()["party"], exog).design, "district")
    assert (labels.names[labels.codes] == DISTRICT).all()
    with pytest.raises(ColumnNotFoundError, match="'place', which is no column; there are 'age'"):
        read_labels(ml.MNLogit(frame()["party"], exog).design, "place")


def test_messages_tell_new_rows_from_those_of_the_fit():
    res = ml.mnlogit("party ~ age", frame(), missing="drop").fit()
    new = frame().head(3)
    with pytest.raises(MissingDataError, match=r"in 1 rows of newdata.*or leave these rows out"):
        res.get_prediction(new, by=[1, None, 2])
    with pytest.raises(MissingDataError, match=r"of the rows used.*or fit without these rows"):
        res.get_prediction(by=np.where(np.arange(N) == 5, np.nan, 1))
    with pytest.raises(LengthMismatchError, match="weights has 1 values, and newdata has 3 rows;"):
        res.get_prediction(new, average=True, weights=[1])
    with pytest.raises(LengthMismatchError, match="the data had 160 rows, of which 157 are used"):
        res.get_prediction(by=[1, 2])

"""Every value comes back from a file as it was, type and all, or is refused by name."""

import datetime as dt
import decimal
import enum
import fractions
import json
import math
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlelogit.exceptions import DamagedFitError, SavedFitError
from mlelogit.saving.numbers import (
    decode_row,
    decode_rows,
    decode_symmetric,
    encode_array,
    encode_symmetric,
)
from mlelogit.saving.values import decode_value, encode_value


def send(value):
    """Return what becomes of a value by way of the text of a file."""
    text = json.dumps(encode_value(value, "a value"), allow_nan=False)
    return decode_value(json.loads(text), "a value")


TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
KEPT = [
    None,
    True,
    False,
    "",
    "größe: [a b] \u2028 \U0001f600 \x00",
    0,
    -(2**53),
    2**53 + 1,
    -(10**40),
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    math.inf,
    -math.inf,
    math.nan,
    (),
    (1, ("a", 2.5), None),
    [1, [2, []]],
    {},
    {"a": {"b": 1.5}},
    {0: 1.5, "0": 2},
    {"type": "tuple", "value": [1]},
    {"type": 1, "value": {"type": 2, "value": 3}},
    frozenset({1, "a"}),
    b"\x00\xff",
    decimal.Decimal("1.10"),
    decimal.Decimal("NaN"),
    uuid.UUID(int=5),
    dt.date(2024, 2, 29),
    dt.time(1, 2, 3, 4),
    dt.datetime(2024, 2, 29, 1, 2, 3, 4),
    dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
    dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
    dt.timedelta(days=-1, microseconds=1),
    pd.Timestamp("2024-01-01 12:00:00.123456789"),
    pd.Timestamp("2024-01-01", tz="Asia/Tokyo"),
    pd.Timestamp("2024-10-27 02:30", tz="UTC").tz_convert(BERLIN),
    pd.Timestamp("2024-01-01").as_unit("s"),
    pd.Timedelta("1 days 00:00:00.000000001"),
    pd.Timedelta(3, "s").as_unit("ms"),
    pd.Interval(0, 1.5, closed="left"),
    pd.Interval(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")),
    pd.Period("2024Q1"),
    pd.Period("2024-01-03", freq="W-WED"),
    pd.NA,
    pd.NaT,
    *[np.dtype(char).type(3) for char in "bhilBHILefd"],
    np.bool_(True),
    np.float64("nan"),
    np.float32(0.1),
    np.float64(-0.0),
    np.uint64(2**64 - 1),
]


@pytest.mark.parametrize("value", KEPT, ids=lambda value: f"{type(value).__name__} {value!r:.30}")
def test_values_come_back_as_they_were(value):
    back = send(value)
    assert type(back) is type(value)
    if isinstance(value, frozenset):  # Which has no order, nor the same one in every process.
        assert sorted(map(repr, back)) == sorted(map(repr, value))
    else:
        assert repr(back) == repr(value)


def test_arrays_that_transforms_learned_come_back():
    array = np.array([[0.1, -0.0], [np.inf, np.nan]])
    back = send(array)
    np.testing.assert_array_equal(back.view(np.int64), array.view(np.int64))


class Colour(enum.Enum):
    RED = 1


class Text(str):
    pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Colour.RED, "Colour"),
        (Text("a"), "Text"),
        (object, "type"),
        (fractions.Fraction(1, 3), "Fraction"),
        (1j, "complex"),
        (np.datetime64("2024-01-01"), "datetime64"),
        (np.array(["a"]), "ndarray"),
        (dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(0), "x")), "datetime"),
        (pd.Timestamp("2024-01-01", tz=dt.timezone(dt.timedelta(hours=1), "x")), "Timestamp"),
        (10**1000, "digits"),
        (("a", ("b", Colour.RED)), "Colour"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
    ],
    ids=repr,
)
def test_other_values_are_refused_by_name(value, said):
    with pytest.raises(SavedFitError, match=f"category 3 .*{said}"):
        encode_value(value, "category 3")


def test_nesting_without_end_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(SavedFitError, match="nested"):
        encode_value(endless, "a name")
    made: list = []
    for _ in range(100):
        made = [made]
    with pytest.raises(DamagedFitError, match="nested"):
        decode_value(made, "a name")


@pytest.mark.parametrize(
    "made",
    [
        {"type": "os.system", "value": "true"},
        {"type": ["tuple"], "value": []},
        {"type": {}, "value": []},
        {"type": "tuple", "value": 1},
        {"type": "dict", "value": [[1]]},
        {"type": "dict", "value": [[[], 1]]},
        {"type": "dict", "value": [[1, 2], [1, 3]]},
        {"type": "frozenset", "value": [[1]]},
        {"type": "int", "value": "9" * 5000},
        {"type": "int", "value": "0x1"},
        {"type": "int", "value": 1},
        {"type": "float", "value": "1e5"},
        {"type": "float", "value": []},
        {"type": "numpy", "value": ["O", 1]},
        {"type": "numpy", "value": ["U1000000000", "a"]},
        {"type": "numpy", "value": ["V8", 1]},
        {"type": "numpy", "value": ["i8", "99999999999999999999"]},
        {"type": "numpy", "value": ["u1", "-1"]},
        {"type": "numpy", "value": ["f4", 0.1]},
        {"type": "numpy", "value": ["f2", 1e300]},
        {"type": "numpy", "value": ["b1", 1]},
        {"type": "numpy", "value": 3},
        {"type": "array", "value": {"shape": [10**12], "numbers": []}},
        {"type": "array", "value": {"shape": [-1, -1], "numbers": [0.5]}},
        {"type": "array", "value": {"shape": [1], "numbers": ["os"]}},
        {"type": "bytes", "value": "xy"},
        {"type": "Decimal", "value": "one"},
        {"type": "Decimal", "value": 0.1},
        {"type": "UUID", "value": "1"},
        {"type": "date", "value": "2024-13-01"},
        {"type": "datetime", "value": {"time": "now"}},
        {
            "type": "datetime",
            "value": {"time": "2024-01-01", "zone": "../../etc/passwd", "fold": 0},
        },
        {"type": "datetime", "value": {"time": "2024-01-01", "zone": 1e99, "fold": 0}},
        {"type": "timedelta", "value": [10**15, 0, 0]},
        {"type": "timedelta", "value": [[1], 0, 0]},
        {"type": "Timestamp", "value": {"count": "1", "unit": "Y", "zone": None}},
        {"type": "Timestamp", "value": {"count": "9" * 30, "unit": "ns", "zone": None}},
        {"type": "Interval", "value": [2, 1, "left"]},
        {"type": "Interval", "value": [1, 2, "never"]},
        {"type": "Interval", "value": [1]},
        {"type": "Period", "value": ["fortnight", 1]},
        {"type": "NA", "value": 1},
    ],
    ids=repr,
)
def test_values_that_nobody_wrote_are_refused(made):
    with pytest.raises(DamagedFitError, match=r"at some place"):
        decode_value(made, "at some place")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(codec="utf-8"))
        | st.binary()
        | st.decimals()
        | st.dates()
        | st.datetimes()
        | st.timedeltas(),
        lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
        max_leaves=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_value_comes_back(value):
    assert repr(send(value)) == repr(value)


@given(st.lists(st.floats(), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_doubles_come_back_bit_for_bit(numbers):
    array = np.array(numbers)
    text = json.dumps(encode_array(array), allow_nan=False)
    back = decode_row(json.loads(text), float)
    same = back.view(np.int64) == array.view(np.int64)
    assert (same | (np.isnan(array) & np.isnan(back))).all()


def test_a_symmetric_matrix_is_its_lower_triangle():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(6, 6))
    matrix = half + half.T
    matrix[0, 1] = matrix[1, 0] = -0.0
    matrix[2, 3] = matrix[3, 2] = np.nan
    made = encode_symmetric(matrix)
    assert [len(row) for row in made] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(decode_symmetric(made, 6).view(np.int64), matrix.view(np.int64))
    half[0, 1] += 1e-16
    whole = encode_symmetric(half)
    np.testing.assert_array_equal(decode_symmetric(whole, 6), half)
    assert decode_symmetric(encode_symmetric(np.array([[2.0]])), 1) == 2.0


@pytest.mark.parametrize(
    "made", [[True], [1], [None], ["nan"], [[0.5]], [1e999], ["Infinity", "inf"], [{}]]
)
def test_rows_of_other_things_are_no_numbers(made):
    assert decode_row(made, float) is None


def test_other_shapes_are_no_arrays():
    assert decode_rows([[1.0], [1.0, 2.0]], 1, float) is None
    assert decode_rows([1.0], 1, float) is None
    assert decode_symmetric([[1.0], [1.0]], 2) is None
    assert decode_symmetric([[1.0], [1.0, 2.0]], 3) is None
    assert decode_row([2**63], int) is None
    assert decode_row([1.0], int) is None
    assert decode_row([1], bool) is None

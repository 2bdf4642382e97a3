"""Frames of polars and pyarrow say what those of pandas do, and their numbers are not copied."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlelogit as ml
from mlelogit.data import frames
from mlelogit.data.encoding import encode_new
from mlelogit.data.frames import convert_foreign, look_up_column
from mlelogit.data.labels import read_labels
from mlelogit.data.sources import COPIED_ELEMENTS
from mlelogit.exceptions import (
    ColumnNotFoundError,
    ColumnTypeError,
    DuplicateColumnError,
    MissingDataError,
    UnusedLevelWarning,
)
from tests.reference_cases import PLAIN, load_case


def as_plain_arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def in_chunks(table):
    half = len(table) // 2
    return pa.concat_tables([table.slice(0, half), table.slice(half)])


def in_polars_chunks(frame):
    whole = pl.from_pandas(frame)
    half = len(whole) // 2
    return pl.concat([whole[:half], whole[half:]], rechunk=False)


def as_categorical(frame):
    whole = pl.from_pandas(frame)
    return whole.with_columns(pl.col(pl.String).cast(pl.Categorical))


def as_views(frame):
    table = as_plain_arrow(frame)
    texts = [i for i, kind in enumerate(table.schema.types) if is_text(kind)]
    for i in texts:
        name = table.column_names[i]
        table = table.set_column(i, name, table[name].cast(pa.string_view()))
    return table


def is_text(kind):
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


KINDS = {
    "polars": pl.from_pandas,
    "polars in chunks": in_polars_chunks,
    "polars Categorical": as_categorical,
    "pyarrow": as_plain_arrow,
    "pyarrow in chunks": lambda frame: in_chunks(as_plain_arrow(frame)),
    "pyarrow string_view": as_views,
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def tell(make):
    """Return what comes of making and fitting a model, and all that is said on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = make().fit()
        except ml.exceptions.MNLogitError as error:
            result = error
    return result, [(warning.category, str(warning.message)) for warning in caught]


def assert_same(ours, theirs):
    (found, said), (expected, said_there) = ours, theirs
    assert said == said_there
    assert type(found) is type(expected)
    if isinstance(expected, Exception):
        assert str(found) == str(expected)
        return
    pd.testing.assert_frame_equal(found.params, expected.params, check_exact=True)
    pd.testing.assert_frame_equal(found.bse, expected.bse, check_exact=True)
    assert found.llf == expected.llf
    assert found.record.audit == expected.record.audit
    ours, theirs = found.record.encoding, expected.record.encoding
    assert ours == theirs
    for levels, others in zip(ours.levels.values(), theirs.levels.values(), strict=True):
        assert [type(level) for level in levels] == [type(level) for level in others]


@every_kind
@pytest.mark.parametrize("name", PLAIN)
def test_every_reference_case_is_the_same(name, kind):
    case = load_case(name)
    expected = tell(lambda: ml.mnlogit(case.formula, case.data, **case.options))
    given = KINDS[kind](case.data)
    assert_same(tell(lambda: ml.mnlogit(case.formula, given, **case.options)), expected)


def make_frame(rows=240):
    rng = np.random.default_rng(5)
    regions = np.array(["south", "north", "a long name beyond twelve", "east"], dtype=object)
    holes = rng.integers(0, 4, rows)
    region = regions[holes].copy()
    return pd.DataFrame(
        {
            "y": np.array(["b", "a", "c"], dtype=object)[rng.integers(0, 3, rows)],
            "x": rng.normal(size=rows),
            "whole": rng.integers(-3, 4, rows),
            "region": region,
            "rare": np.where(np.arange(rows) == 7, "once", region).astype(object),
            "gap": np.where(np.arange(rows) == 7, np.nan, rng.normal(size=rows)),
            "lost": np.where(np.arange(rows) % 9 == 0, None, region),
            "w": rng.integers(1, 4, rows),
        }
    ).astype(dict.fromkeys(("y", "region", "rare", "lost"), object))


FORMULAS = (
    "y ~ x + region",
    "y ~ x * C(region)",
    "y ~ C(region, Treatment('south'))",
    "y ~ C(region, levels=['south', 'north'])",
    "y ~ C(region, contr.sum) + whole",
    "y ~ I(region == 'south') + x",
    "y ~ C(whole)",
    "region ~ x",
    "y ~ x + log(region)",
    "y ~ center(region)",
    "y ~ x + lost",
    "y ~ lost + gap",
    "y ~ gap + rare",
    "y ~ .",
    "y ~ nothing",
    "lost ~ x",
    "counts(region, whole) ~ x",
    "counts(w, whole) ~ x",
    "~ x",
)


@every_kind
@pytest.mark.parametrize("missing", ["raise", "drop"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_strings_are_strings_whatever_holds_them(formula, missing, kind):
    frame = make_frame()
    options = {"missing": missing, "weights": "w", "weight_type": "frequency"}
    if "(w," in formula:
        options = {"missing": missing}
    expected = tell(lambda: ml.mnlogit(formula, frame, **options))
    given = KINDS[kind](frame)
    assert_same(tell(lambda: ml.mnlogit(formula, given, **options)), expected)


@every_kind
def test_predictions_and_their_errors_are_the_same(kind):
    frame = make_frame()
    result = ml.mnlogit("y ~ x + region", frame).fit()
    new = frame.assign(other=[[1]] * len(frame)).iloc[:50]
    given = KINDS[kind](frame.iloc[:50])
    found = result.predict(given, frame="pandas")
    pd.testing.assert_frame_equal(found, result.predict(new), check_exact=True)
    strange = frame.iloc[:9].assign(region=["nowhere"] * 9).astype({"region": object})
    for broken in (strange, frame[["x", "y"]], frame.iloc[:5].assign(x=np.nan)):
        with pytest.raises(ml.exceptions.MNLogitError) as expected:
            result.predict(broken)
        with pytest.raises(type(expected.value)) as found:
            result.predict(KINDS[kind](broken))
        assert str(found.value) == str(expected.value)


@every_kind
def test_columns_beside_new_rows_are_read_by_name(kind):
    frame = make_frame()
    result = ml.mnlogit("y ~ x", frame).fit()
    expected = result.margins(newdata=frame, by="region", weights="w")
    found = result.margins(newdata=KINDS[kind](frame), by="region", weights="w")
    frame = found.summary_frame(frame="pandas")
    pd.testing.assert_frame_equal(frame, expected.summary_frame(), check_exact=True)


def test_categories_with_an_order_keep_it_and_those_unused_are_told():
    order = ["south", "nowhere", "north", "east", "a long name beyond twelve"]
    frame = make_frame()
    given = pd.Categorical(frame["region"], categories=order)
    expected = tell(lambda: ml.mnlogit("y ~ region", frame.assign(region=given)))
    assert expected[1] == [
        (UnusedLevelWarning, "Levels of 'region' without a row were dropped: 'nowhere'.")
    ]
    enum = pl.from_pandas(frame).with_columns(pl.col("region").cast(pl.Enum(order)))
    coded = as_plain_arrow(frame.assign(region=given))
    for other in (enum, coded, in_chunks(coded)):
        assert_same(tell(lambda other=other: ml.mnlogit("y ~ region", other)), expected)


def test_an_enum_keeps_its_nulls_and_unused_categories():
    series = pl.Series(["b", None, "a", "b"], dtype=pl.Enum(["c", "b", "a"]))
    found = convert_foreign(pl.DataFrame({"z": series}))["z"]
    expected = pd.Categorical(["b", None, "a", "b"], categories=["c", "b", "a"])
    pd.testing.assert_series_equal(found, pd.Series(expected, name="z"))


TEXTS = {
    "nulls": ["b", None, "b", None, "a", "b"],
    "empty": ["", "a", "", "", "a", "a"],
    "all null": [None] * 4,
    "none": [],
    "all distinct": ["c", "a", "b"],
    "nul characters": ["a", "a\0", "a", "a\0", "a", "a\0"],
    "numbers": ["10", "2", "10", "2", "1", "1"],
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_comes_out_as_it_went_in(name):
    values = TEXTS[name]
    text = pl.Series("z", values, dtype=pl.String)
    chunks = [pa.array(values, pa.string()), pa.array(["q", None], pa.string())]
    for frame, expected in (
        (pl.DataFrame({"z": text}), values),
        (pl.DataFrame({"z": text.cast(pl.Categorical)}), values),
        (pl.DataFrame({"z": text})[1:], values[1:]),
        (pa.table({"z": pa.chunked_array(chunks)}), [*values, "q", None]),
        (pa.table({"z": pa.chunked_array(chunks[:1])}).slice(1), values[1:]),
        (pa.table({"z": pa.chunked_array([], pa.large_string())}), []),
    ):
        found = look_up_column(frame, "z")
        assert found.dtype == object
        assert found.tolist() == expected
        assert {type(value) for value in found} <= {str, type(None)}


@every_kind
def test_equal_strings_are_one_object(kind):
    frame = make_frame()
    found = convert_foreign(KINDS[kind](frame))["region"]
    assert found.tolist() == frame["region"].tolist()
    assert len({id(value) for value in found}) == 4


LARGE = COPIED_ELEMENTS // 2
NUMBERS = {
    "double": np.linspace(-1, 1, LARGE),
    "single": np.linspace(1, 2, LARGE, dtype=np.float32) ** 2,
    "whole": np.arange(LARGE) % 7,
    "byte": (np.arange(LARGE) % 5).astype(np.uint8),
}
ADDRESSES = {
    "polars": lambda frame, name: frame[name].to_arrow().buffers()[1].address,
    "pyarrow": lambda frame, name: frame[name].chunk(0).buffers()[1].address,
}
MAKERS = {"polars": pl.DataFrame, "pyarrow": pa.table}


def find_address(values):
    return np.asarray(values).__array_interface__["data"][0]


@pytest.mark.parametrize("kind", MAKERS)
def test_numbers_are_views(kind):
    frame = MAKERS[kind](NUMBERS)
    found = convert_foreign(frame)
    model = ml.MNLogit(np.arange(LARGE) % 3, frame)
    for i, name in enumerate(NUMBERS):
        address = ADDRESSES[kind](frame, name)
        assert find_address(found[name]) == address
        assert find_address(model.design.source.columns[i]) == address
        assert not model.design.source.columns[i].flags.writeable


@pytest.mark.parametrize("kind", MAKERS)
def test_views_stay_as_they_are_all_through(kind):
    frame = MAKERS[kind](NUMBERS | {"y": np.arange(LARGE) * 7 % 11 % 3})
    before = {name: values.copy() for name, values in NUMBERS.items()}
    by_formula = ml.mnlogit("y ~ double + single + whole + byte", frame).fit()
    columns = frame.select(list(NUMBERS))
    by_array = ml.MNLogit(frame["y"], columns, collinear="drop").fit()
    for result, new in ((by_formula, frame), (by_array, columns)):
        result.predict(new)
        result.residuals()
        result.margins()
    for name, values in before.items():
        np.testing.assert_array_equal(look_up_column(frame, name), values)
        assert values.tobytes() == NUMBERS[name].tobytes()


@pytest.mark.parametrize("extrapolation", ["clip", "zero", "extend"])
@pytest.mark.parametrize("kind", MAKERS)
def test_no_transform_writes_into_a_view(kind, extrapolation):
    columns = NUMBERS | {"y": np.arange(LARGE) * 7 % 11 % 3}
    frame = MAKERS[kind](columns)
    terms = (
        f"bs(double, df=4, extrapolation='{extrapolation}')",
        "0 + cr(single, df=3)",
        "poly(whole, 2) + center(byte) + scale(double) + I(byte * whole)",
        "log(single) + sqrt(single) + np.abs(double) + exp(double)",
    )
    new = MAKERS[kind](
        {name: 1 * values for name, values in columns.items()} | {"double": 2 * NUMBERS["double"]}
    )
    for term in terms:
        model = ml.mnlogit(f"y ~ {term}", frame)
        same = ml.mnlogit(f"y ~ {term}", pd.DataFrame(columns))
        block = model.design.source.block(0, LARGE)
        np.testing.assert_array_equal(block, same.design.source.block(0, LARGE))
        encoded = encode_new(model.design.encoding, new)[0]
        assert np.isfinite(encoded).all()
    for name in NUMBERS:
        np.testing.assert_array_equal(look_up_column(frame, name), NUMBERS[name])


def test_columns_side_by_side_in_memory_are_not_gathered():
    block = np.random.default_rng(2).normal(size=(3, LARGE))
    buffer = pa.py_buffer(block)
    size = 8 * LARGE
    columns = [
        pa.Array.from_buffers(pa.float64(), LARGE, [None, buffer.slice(i * size, size)])
        for i in range(3)
    ]
    frame = pa.table(columns, names=["a", "b", "c"])
    source = ml.MNLogit(np.arange(LARGE) % 3, frame).design.source
    assert [find_address(column) for column in source.columns] == [
        find_address(block[i]) for i in range(3)
    ]


def test_columns_in_pieces_are_joined():
    frame = in_chunks(pa.table(NUMBERS))
    found = convert_foreign(frame)
    for name, values in NUMBERS.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_a_design_is_not_the_users_column():
    frame = pd.DataFrame({"y": np.arange(LARGE) % 3, "x": NUMBERS["double"].copy()})
    for given in (frame, pl.from_pandas(frame), as_plain_arrow(frame)):
        block = ml.mnlogit("y ~ 0 + x", given).design.source.block(0, LARGE)
        assert not np.may_share_memory(block, look_up_column(given, "x").to_numpy())


ASIDE = {"nested": [[1], [2, 3]] * 120, "day": [dt.date(2020, 1, 1)] * 240}


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
@pytest.mark.parametrize(
    ("formula", "options", "needed"),
    [
        ("y ~ x", {}, {"y", "x"}),
        ("y ~ x + C(region)", {"weights": "w"}, {"y", "x", "region", "w"}),
        ("y ~ 1", {"offset": ["x", "whole"]}, {"y", "x", "whole"}),
        ("counts(w, whole) ~ x", {}, {"w", "whole", "x"}),
    ],
)
def test_only_what_a_formula_needs_is_converted(formula, options, needed, kind, monkeypatch):
    frame = KINDS[kind](make_frame().assign(**ASIDE).drop(columns="gap"))
    if "(w" in formula:
        frame = KINDS[kind](make_frame().assign(whole=1, **ASIDE))
    read, convert = [], frames.read_foreign_column

    def note(column):
        read.append(column.name)
        return convert(column)

    monkeypatch.setattr(frames, "read_foreign_column", note)
    if "weights" in options:
        options = {**options, "weight_type": "frequency"}
    model = ml.mnlogit(formula, frame, **options)
    assert sorted(read) == sorted(needed)
    read.clear()
    assert read_labels(model.design, "rare").count == 5
    assert read_labels(model.design, "day").count == 1
    assert read == ["rare", "day"]


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_new_rows_are_converted_as_far_as_needed(kind, monkeypatch):
    frame = make_frame()
    result = ml.mnlogit("y ~ x + region", frame).fit()
    read, convert = [], frames.read_foreign_column

    def note(column):
        read.append(column.name)
        return convert(column)

    monkeypatch.setattr(frames, "read_foreign_column", note)
    new = KINDS[kind](frame.assign(**ASIDE))
    result.predict(new)
    assert sorted(read) == ["region", "x"]
    read.clear()
    result.margins("x", newdata=new)
    assert set(read) == {"region", "x"}


def test_what_weights_and_offset_name_must_be_there():
    with pytest.raises(ColumnNotFoundError, match="weights names 'nope'"):
        ml.mnlogit("y ~ x", pl.from_pandas(make_frame()), weights="nope", weight_type="frequency")


def test_a_plan_is_no_frame():
    lazy = pl.from_pandas(make_frame()).lazy()
    with pytest.raises(ColumnTypeError, match=r"give frame\.collect\(\)"):
        ml.mnlogit("y ~ x", lazy)
    with pytest.raises(ColumnTypeError, match="A LazyFrame is a plan"):
        ml.MNLogit(np.arange(240) % 3, lazy)
    result = ml.mnlogit("y ~ x", make_frame()).fit()
    with pytest.raises(ColumnTypeError, match="A LazyFrame is a plan"):
        result.predict(lazy)


def test_a_table_with_one_name_twice_is_refused():
    table = pa.table([pa.array([1.0, 2.0])] * 3, names=["x", "x", "y"])
    with pytest.raises(DuplicateColumnError, match="'x'"):
        ml.mnlogit("y ~ x", table)
    with pytest.raises(DuplicateColumnError, match="'x'"):
        ml.MNLogit([0, 1], table)


@pytest.mark.parametrize("given", [pl.Series([1.0, 2.0]), pa.chunked_array([[1.0]])])
def test_a_column_is_no_frame(given):
    with pytest.raises(ColumnTypeError, match="data must be a DataFrame"):
        ml.mnlogit("y ~ x", given)


@every_kind
def test_missing_values_are_named_by_column_and_row(kind):
    frame = make_frame()
    with pytest.raises(MissingDataError, match=r"'gap' \(1\); first rows by position: \[7\]"):
        ml.mnlogit("y ~ gap", KINDS[kind](frame))

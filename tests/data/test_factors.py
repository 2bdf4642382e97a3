"""Levels are found by value, whatever type holds them, and whole numbers that name them exactly."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.factors import as_levels, check_coded, find_levels, match_levels
from mlelogit.exceptions import ColumnTypeError, MissingDataError, UnseenLevelError
from mlelogit.notices import run_quietly
from tests.ways import WAYS, cut

ROWS = 240
_random = np.random.default_rng(0)
DATA = pd.DataFrame(
    {
        "x": _random.normal(size=ROWS),
        "y": _random.choice(["hi", "lo", "mid"], ROWS),
        "z": _random.integers(0, 3, ROWS),
    }
)
TRUE = DATA["z"] > 1
# What holds the same truths.
TRUTHS = ("bool", "boolean", "bool[pyarrow]", "object", "int8", "float64", "Int64", "Float32")
NAMED = TRUTHS[:4]


def hold(values, dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    return values.astype(dtype)


def fit(column, formula="y ~ x + C(c)", **options):
    return ml.mnlogit(formula, DATA.assign(c=column), **options).fit()


@pytest.mark.parametrize("formula", ["y ~ x + C(c)", "y ~ x + C(c, levels=[True, False])"])
def test_truths_in_new_rows_are_the_same_whatever_holds_them(formula):
    plain = fit(TRUE, formula).predict()
    for fitted in TRUTHS:
        result = fit(hold(TRUE, fitted), formula)
        np.testing.assert_allclose(result.predict(), plain, rtol=1e-10)
        for dtype in TRUTHS:
            new = DATA.assign(c=hold(TRUE, dtype))
            np.testing.assert_array_equal(result.predict(new), result.predict())


def test_truths_have_one_name_whatever_holds_them():
    for dtype in NAMED:
        result = fit(hold(TRUE, dtype))
        assert result.params.index.tolist() == ["Intercept", "x", "C(c)[T.True]"]
        assert result.record.encoding.levels == {"C(c)": [False, True]}


def test_a_gap_far_away_changes_no_other_row():
    result = fit(TRUE)
    holes = DATA.assign(c=[*TRUE.tolist()[:-1], None])
    found = result.predict(holes, missing="propagate")
    np.testing.assert_array_equal(found[:-1], result.predict()[:-1])
    assert found.iloc[-1].isna().all()


@pytest.mark.parametrize("way", WAYS)
def test_truths_are_the_same_by_every_way(way, tmp_path):
    result = fit(TRUE)
    # Objects are text to dask.
    for dtype in ("bool", "boolean", *(["object"] if way != "in_dask" else [])):
        frame = DATA.assign(c=TRUE.astype(dtype))
        found = ml.mnlogit("y ~ x + C(c)", **WAYS[way](frame, tmp_path)).fit()
        assert found.params.index.tolist() == result.params.index.tolist()
        np.testing.assert_allclose(found.params, result.params, rtol=1e-7)
        new = found.predict(DATA.assign(c=TRUE.astype(float)), frame="pandas")
        np.testing.assert_allclose(new, result.predict(), rtol=1e-7)


def test_pieces_of_new_rows_in_another_type_are_the_same():
    result = fit(TRUE)
    pieces = [part.assign(c=part["c"].astype(object)) for part in cut(DATA.assign(c=TRUE))]
    found = pd.concat(list(result.predict(pieces)))
    np.testing.assert_array_equal(found, result.predict())


def test_text_is_no_number_to_rows_in_pieces():
    result = ml.mnlogit("y ~ C(z)", DATA).fit()
    new = DATA.assign(z=DATA["z"].astype(str).astype(object))
    for rows in (new, [new]):
        with pytest.raises(ml.exceptions.MNLogitError):
            list(result.predict(rows))
    with pytest.raises(UnseenLevelError, match=r"1\.5"):
        list(result.predict([DATA.assign(z=[1.5] * ROWS)]))


def test_what_is_no_level_raises_whatever_the_reason():
    values = pd.Series([1.0, 0.0])
    # Equal to a level, and yet no level to pandas: this once was the base, without a word.
    assert run_quietly(pd.Categorical, values, [False, True]).codes.min() == -1
    with pytest.raises(UnseenLevelError, match=r"1\.0"):
        check_coded({"C(b)": values}, {"C(b)": [False, True]}, "{}")
    check_coded({"C(b)": match_levels(values, [False, True])}, {"C(b)": [False, True]}, "{}")


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([0, 1, 1]),
        pd.Series([0.0, 1.0, 1.0], dtype="float16"),
        pd.Series([False, True, True], dtype="boolean"),
        pd.Series([Decimal(0), True, 1.0], dtype=object),
        pd.Series(pd.Categorical([0, 1, 1])),
        pd.Series([-0.0, 1, 1], dtype="Float64"),
    ],
)
@pytest.mark.parametrize(
    "levels",
    [[0, 1], [False, True], [0.0, 1.0], pd.Index([0, 1]), [np.int64(0), np.int64(1)]],
)
def test_a_level_is_found_as_python_finds_what_is_equal(values, levels):
    expected = [list(levels).index(value) for value in values]
    assert find_levels(values, levels).tolist() == expected


WHOLE = [2**60 + int(number) for number in DATA["z"]]


def of_polars(name, *options):
    polars = pytest.importorskip("polars")
    dtype = getattr(polars, name)
    return polars.Series(WHOLE).cast(dtype(*options) if options else dtype)


HOLDERS = {
    "object of ints": lambda: pd.Series(WHOLE, dtype=object),
    "decimals": lambda: pd.Series([Decimal(code) for code in WHOLE]),
    "nullable": lambda: pd.Series(WHOLE, dtype="Int64"),
    "Arrow decimals": lambda: pd.Series(WHOLE).astype(
        pd.ArrowDtype(pytest.importorskip("pyarrow").decimal128(20, 0))
    ),
    "Int128": lambda: of_polars("Int128").to_list(),
    "Decimal of polars": lambda: of_polars("Decimal", 30, 0).to_list(),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_whole_numbers_beyond_doubles_name_levels_whatever_holds_them(holder):
    plain = fit(WHOLE)
    assert len(plain.params) == 4
    result = fit(HOLDERS[holder]())
    assert result.params.index.tolist() == plain.params.index.tolist()
    np.testing.assert_array_equal(result.params, plain.params)
    np.testing.assert_array_equal(plain.predict(DATA.assign(c=HOLDERS[holder]())), plain.predict())


@pytest.mark.parametrize("kind", ["Int128", "Decimal"])
def test_frames_of_polars_keep_whole_numbers(kind):
    polars = pytest.importorskip("polars")
    codes = of_polars(kind, *((30, 0) if kind == "Decimal" else ()))
    frame = polars.from_pandas(DATA).with_columns(codes.alias("c"))
    result = ml.mnlogit("y ~ x + C(c)", frame).fit()
    assert result.params.index.tolist() == fit(WHOLE).params.index.tolist()


def test_numbers_beyond_every_dtype_name_levels(tmp_path):
    plain = fit(WHOLE)
    huge = [code + 2**70 for code in WHOLE]
    result = fit(huge)
    np.testing.assert_array_equal(result.params, plain.params)
    assert result.params.index[-1] == f"C(c)[T.{2**70 + 2**60 + 2}]"
    loaded = ml.load(result.save(tmp_path / "fit.json"))
    np.testing.assert_array_equal(loaded.predict(DATA.assign(c=huge)), result.predict())
    pieces = ml.mnlogit("y ~ x + C(c)", cut(DATA.assign(c=huge)), stream=True, compress=False)
    np.testing.assert_allclose(pieces.fit().params, plain.params, rtol=1e-7)


@pytest.mark.parametrize("name", ["c", "y"])
def test_lists_with_gaps_keep_whole_numbers(name):
    """As levels of a factor, and as categories, of a dict, a list of dicts and a list."""
    gaps = [None, *WHOLE[1:]]
    columns = {"x": DATA["x"].tolist(), "y": DATA["y"].tolist(), name: gaps}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    formula = "y ~ x + C(c)" if name == "c" else "y ~ x"
    exact = DATA.assign(**{name: WHOLE})[1:]
    plain = ml.mnlogit(formula, exact).fit()
    for given in (columns, rows):
        result = ml.mnlogit(formula, given, missing="drop").fit()
        np.testing.assert_array_equal(result.params, plain.params)
        assert result.categories == plain.categories


def test_lists_and_masked_arrays_of_whole_numbers_are_outcomes_and_groups():
    gaps = [None, *WHOLE[1:]]
    masked = np.ma.masked_array(WHOLE, mask=np.arange(ROWS) == 0)
    for endog in (gaps, masked, [0.5, *WHOLE[1:]]):
        model = ml.MNLogit(endog, DATA[["x"]], missing="drop")
        assert set(WHOLE) <= set(model.fit().categories)
    grouped = ml.mnlogit("y ~ x", DATA).fit()
    many = [2**60 + row for row in range(ROWS - 1)]
    by_list = grouped.with_cov("cluster", groups=[*many, 0.5])
    by_row = grouped.with_cov("cluster", groups=np.arange(ROWS))
    np.testing.assert_allclose(by_list.bse, by_row.bse, rtol=1e-12)


def test_decimals_are_levels_as_far_as_doubles_tell_them_apart():
    cents = pd.Series([Decimal("0.10"), Decimal("0.25"), Decimal(2)])
    assert as_levels(cents, "price").tolist() == [0.1, 0.25, 2.0]
    close = pd.Series([Decimal("0.1"), Decimal("0.10000000000000000001")])
    with pytest.raises(ColumnTypeError, match=r"'price' holds the decimal 0\.1000"):
        as_levels(close, "price")
    mixed = pd.Series([1.5, 2**60 + 1], dtype=object)
    with pytest.raises(ColumnTypeError, match="beside numbers that are not whole"):
        as_levels(mixed, "price")
    split = [DATA.assign(c=2**60 + 1)[:100], DATA.assign(c=0.5)[100:]]
    with pytest.raises(ColumnTypeError, match="beside numbers that are not whole"):
        ml.mnlogit("y ~ C(c)", split, stream=True, compress=False)


def arrow_floats(values):
    arrow = pytest.importorskip("pyarrow")
    return pd.array(arrow.array(values, arrow.float64()), dtype=pd.ArrowDtype(arrow.float64()))


def test_nan_in_columns_of_arrow_is_missing_everywhere():
    holes = DATA.assign(c=arrow_floats([float("nan")] * 3 + [0.5, 1.5, 2.5] * 79))
    same = DATA.assign(c=[np.nan] * 3 + [0.5, 1.5, 2.5] * 79)
    for formula in ("c ~ x", "y ~ x + C(c)"):
        with pytest.raises(MissingDataError, match=r"'c' \(3\)"):
            ml.mnlogit(formula, holes)
        plain = ml.mnlogit(formula, same, missing="drop").fit()
        for given in (
            {"data": holes},
            {"data": holes, "compress": True},
            {"data": cut(holes), "stream": True, "compress": False},
        ):
            result = ml.mnlogit(formula, **given, missing="drop").fit()
            assert result.nobs == ROWS - 3
            assert result.categories == plain.categories
            np.testing.assert_allclose(result.params, plain.params, rtol=1e-7)
    for given in ({"data": holes}, {"data": cut(holes), "stream": True, "compress": False}):
        with pytest.raises(MissingDataError, match="3 of the rows"):
            ml.mnlogit("y ~ x", **given).fit(cov_type="cluster", cov_kwds={"groups": "c"})


def test_zero_has_no_sign_as_a_category_or_label():
    signed = DATA.assign(c=arrow_floats([0.0, -0.0, 1.0] * 80))
    plain = DATA.assign(c=[0.0, -0.0, 1.0] * 80)
    assert ml.mnlogit("c ~ x", signed).fit().categories == (0, 1)
    for given in ({"data": signed}, {"data": cut(signed), "stream": True, "compress": False}):
        result = ml.mnlogit("y ~ x + C(c)", **given).fit()
        assert len(result.params) == 3
    from mlelogit.data.labels import read_labels

    counts = [
        read_labels(ml.mnlogit("y ~ x", frame).design, "c").count for frame in (signed, plain)
    ]
    assert counts == [2, 2]
    streamed = ml.mnlogit("y ~ x", cut(signed), stream=True, compress=False)
    assert streamed.design.stream.read_labels("c", "groups")[0].count == 2


@pytest.mark.parametrize("last", [None, "lo"])
def test_dictionaries_of_arrow_may_hold_null_and_repeat(last):
    arrow = pytest.importorskip("pyarrow")
    places, words = [0, 1, 2, 3] * 60, ["hi", "lo", "mid", last]
    coded = arrow.DictionaryArray.from_arrays(arrow.array(places), arrow.array(words))
    plain = ml.mnlogit(
        "c ~ x", DATA.assign(c=[words[place] for place in places]), missing="drop"
    ).fit()
    table = arrow.table({"x": DATA["x"], "c": coded})
    held = DATA.assign(c=pd.arrays.ArrowExtensionArray(arrow.chunked_array([coded])))
    for model in (
        ml.mnlogit("c ~ x", table, missing="drop"),
        ml.mnlogit("c ~ x", held, missing="drop"),
        ml.mnlogit("c ~ x", [held[:50], held[50:]], missing="drop", stream=True, compress=False),
        ml.MNLogit(coded, DATA[["x"]].assign(const=1.0)[["const", "x"]], missing="drop"),
    ):
        result = model.fit()
        assert result.categories == ("hi", "lo", "mid")
        assert result.nobs == plain.nobs
        np.testing.assert_allclose(result.params, plain.params, rtol=1e-7)
    mixed = ml.mnlogit("y ~ C(c)", arrow.table({"y": DATA["y"], "c": coded}), missing="drop").fit()
    assert len(mixed.params) == 3


def test_many_categories_are_meant_if_it_is_said():
    """With the option that every way to fit has, the command line too."""
    rows = pd.DataFrame(
        {"x": np.arange(2100.0) % 7, "id": [f"n{row % 1500}" for row in range(2100)], "w": 2}
    )
    for given in ({"data": rows}, {"data": cut(rows), "stream": True, "compress": False}):
        with pytest.raises(ml.exceptions.SizeLimitError, match="outcome='labels'"):
            ml.mnlogit("id ~ 1", **given)
        weighted = {"weights": "w", "weight_type": "frequency"}
        ml.mnlogit("id ~ 1", **given, **weighted)
        model = ml.mnlogit("id ~ 1", **given, outcome="labels")
        assert len(model.design.encoding.categories) == 1500


def test_whole_numbers_beyond_doubles_cannot_be_levels_and_numbers_at_once():
    frame = DATA.assign(c=WHOLE)
    for given in ({"data": frame}, {"data": cut(frame), "stream": True, "compress": False}):
        with pytest.raises(ColumnTypeError, match=r"'c' holds whole numbers.*C\(\) a copy"):
            ml.mnlogit("y ~ C(c) + log(c)", **given)
    ml.mnlogit("y ~ C(z) + z:x", DATA)


def test_a_column_of_lists_is_named():
    for lists in ([[1]] * ROWS, [None, *[{"a": 1}] * (ROWS - 1)]):
        frame = DATA.assign(c=lists)
        for formula in ("y ~ c", "y ~ x + C(c)"):
            for given in ({"data": frame}, {"data": cut(frame), "stream": True}):
                with pytest.raises(ml.exceptions.MNLogitError, match="Column 'c' holds"):
                    ml.mnlogit(formula, missing="drop", **given)


@pytest.mark.parametrize("name", ["Datetime", "Duration", "Time"])
def test_times_of_polars_keep_nanoseconds(name):
    polars = pytest.importorskip("polars")
    kind = getattr(polars, name)
    dtype = kind if name == "Time" else kind("ns")
    times = polars.Series((10**6 * 7 + DATA["z"]).to_list()).cast(dtype)
    result = ml.mnlogit("c ~ x", polars.from_pandas(DATA).with_columns(times.alias("c"))).fit()
    assert len(result.categories) == 3
    np.testing.assert_array_equal(result.params, ml.mnlogit("z ~ x", DATA).fit().params)


def test_a_frame_of_a_class_made_of_pandas_is_pandas():
    class Own(pd.DataFrame):
        """A frame with more to it, as of other packages."""

    from mlelogit.data.outward import find_frame_kind

    assert find_frame_kind(Own({"x": [1]})) == "pandas"

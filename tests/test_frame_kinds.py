"""What the docs' table says of every kind of frame is so, and answers come in the user's kind."""

import copy
import datetime as dt
import functools
import pickle
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.outward import give_out
from mlelogit.data.streaming import opening
from mlelogit.exceptions import (
    ColumnTypeError,
    DuplicateColumnError,
    MissingDataError,
    OptionError,
    RowsNotHeldError,
)
from tests import frame_kinds as kinds
from tests.frame_kinds import DATA, KINDS, NEW, NEW_PLACES, PLACES

ACCEPTED = kinds.read_table("What is accepted where")
TYPES = kinds.read_table("Types of columns")
ANSWERS = kinds.read_table("What comes back")


# Nine groups do for a comparison; numpy says that matrices are of the past, and takes them.
pytestmark = [
    pytest.mark.filterwarnings("ignore::mlelogit.exceptions.FewClustersWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture(scope="module")
def give(tmp_path_factory):
    """Return what gives a kind's tables and columns, once any files have a folder."""
    folder = tmp_path_factory.mktemp("frames")

    def find(kind):
        return [
            functools.partial(make, folder=folder) if make is kinds.give_parquet else make
            for make in KINDS[kind]
        ]

    return find


@functools.cache
def expect(place):
    return PLACES[place](*KINDS["pandas"])


@functools.cache
def expect_new(place, formula):
    return kinds.ask_new(place, "pandas", KINDS["pandas"][0], formula)


def check(cell, ask, expected):
    if cell != "yes":
        with pytest.raises(kinds.read_error(cell)):
            ask()
        return
    found = ask()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_table_has_every_kind_and_every_place():
    assert list(ACCEPTED) == list(KINDS)
    assert all(list(row) == [*PLACES, *NEW_PLACES] for row in ACCEPTED.values())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_so(kind, place, give):
    table, column = give(kind)
    check(ACCEPTED[kind][place], lambda: PLACES[place](table, column), expect(place))


@pytest.mark.parametrize("place", NEW_PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_of_new_rows_is_so(kind, place, give):
    table, _ = give(kind)
    cell = ACCEPTED[kind][place]
    for formula in (True, False):
        said = {"arrays": "`ColumnTypeError`" if formula else "yes"}.get(cell, cell)
        ask = functools.partial(kinds.ask_new, place, kind, table, formula)
        check(said, ask, expect_new(place, formula))


def whole(dtype):
    return DATA["v"].abs().astype(dtype)


def text(dtype):
    return DATA["r"].astype(dtype)


def of_polars(values, dtype=None):
    return pytest.importorskip("polars").Series("z", list(values), dtype=dtype)


def of_arrow(values, dtype=None):
    arrow = pytest.importorskip("pyarrow")
    return arrow.array(list(values), type=getattr(arrow, dtype)() if dtype else None)


def polars_type(name, *options):
    kind = getattr(pytest.importorskip("polars"), name)
    return kind(*options) if options else kind


def arrow_backed(values, make):
    arrow = pytest.importorskip("pyarrow")
    return pd.Series(pd.arrays.ArrowExtensionArray(arrow.chunked_array([make(arrow, values)])))


DAYS = [dt.date(2020, 1, 1 + number) for number in DATA["v"].abs()]
LISTS = [[number] for number in DATA["v"]]
# Row of the table -> columns of its type; the first is what the others must equal.
COLUMNS = {
    "integers of any width, signed or not": [
        functools.partial(whole, dtype)
        for dtype in ("int64", "int8", "int32", "uint8", "uint64", "Int16", "UInt64")
    ]
    + [
        lambda: of_polars(whole(int), polars_type("UInt8")),
        lambda: of_polars(whole(int), polars_type("Int128")),
        lambda: of_arrow(whole(int), "uint16"),
        lambda: arrow_backed(whole(int), lambda arrow, values: arrow.array(list(values))),
    ],
    "floats of 16, 32 and 64 bits": [
        functools.partial(whole, dtype) for dtype in ("float64", "float32", "float16", "Float32")
    ]
    + [
        lambda: of_polars(whole(float), polars_type("Float32")),
        lambda: pytest.importorskip("pyarrow").array(whole("float16").to_numpy()),
    ],
    "truth values": [
        lambda: whole(int) > 0,
        lambda: (whole(int) > 0).astype("boolean"),
        lambda: (whole(int) > 0).astype(object),
        lambda: of_polars(whole(int) > 0),
        lambda: of_arrow(whole(int) > 0),
    ],
    "decimals": [
        lambda: pd.Series([Decimal(number) for number in whole(int)]),
        lambda: of_polars(whole(int), polars_type("Decimal", 10, 2)),
        lambda: pytest.importorskip("pyarrow").array(
            [Decimal(number) for number in whole(int)],
            pytest.importorskip("pyarrow").decimal128(9, 1),
        ),
    ],
    "pandas: object of numbers": [lambda: whole(int), lambda: whole(object)],
    "pandas: Sparse": [
        lambda: whole(int),
        lambda: whole(pd.SparseDtype("int64", 0)),
        lambda: whole(float).astype(pd.SparseDtype("float64", 0)),
    ],
    "text of every kind (str, object, string, Arrow, view)": [
        lambda: text(object),
        lambda: text("str"),
        lambda: text("string"),
        lambda: text("string[python]"),
        lambda: of_polars(text(object)),
        lambda: of_arrow(text(object)),
        lambda: of_arrow(text(object), "large_string"),
        lambda: of_arrow(text(object), "string_view"),
        lambda: arrow_backed(text(object), lambda arrow, values: arrow.array(list(values))),
    ],
    "Categorical, Enum, dictionary": [
        lambda: text(pd.CategoricalDtype(["south", "north"])),
        lambda: of_polars(text(object), polars_type("Enum", ["south", "north"])),
        lambda: encode_dictionary(pytest.importorskip("pyarrow"), text(object)),
        lambda: arrow_backed(text(object), encode_dictionary),
    ],
    "dates, times": [
        lambda: pd.Series(DAYS),
        lambda: pd.to_datetime(pd.Series(DAYS)),
        lambda: of_polars(DAYS),
        lambda: of_arrow(DAYS),
    ],
    "lists, structs": [
        lambda: pd.Series(LISTS),
        lambda: of_polars(LISTS),
        lambda: of_arrow(LISTS),
    ],
}


def encode_dictionary(arrow, values):
    places = arrow.array([["south", "north"].index(value) for value in values], arrow.int8())
    return arrow.DictionaryArray.from_arrays(places, ["south", "north"])


def put(column):
    """Return a frame with a column, of the column's kind."""
    if isinstance(column, pd.Series):
        return DATA[["y", "x"]].assign(z=column)
    beside = {"y": DATA["y"].tolist(), "x": DATA["x"].to_numpy()}
    made = pytest.importorskip(type(column).__module__.split(".")[0])
    maker = made.DataFrame if hasattr(made, "DataFrame") else made.table
    return maker({**beside, "z": column})


def test_the_table_has_every_type():
    assert list(TYPES) == list(COLUMNS)


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name in COLUMNS for place in range(len(COLUMNS[name]))]
)
def test_columns_of_every_type_are_read(name, place):
    formulas = {"number": "y ~ x + z", "factor": "y ~ x + C(z)", "outcome": "z ~ x"}
    for use, formula in formulas.items():
        cell = TYPES[name][use]
        if cell not in ("yes", "as a factor"):
            with pytest.raises(kinds.read_error(cell)):
                ml.mnlogit(formula, put(COLUMNS[name][place]()))
            continue
        frame = put(COLUMNS[name][place]())
        found = ml.mnlogit(formula, frame).fit()
        plain = ml.mnlogit(formula, put(COLUMNS[name][0]())).fit()
        assert found.params.shape == plain.params.shape
        np.testing.assert_allclose(found.params, plain.params, rtol=1e-12, atol=1e-12)
        assert [same_label(one) for one in found.categories] == [
            same_label(one) for one in plain.categories
        ]
        if cell == "as a factor":
            factor = ml.mnlogit("y ~ x + C(z)", frame).fit()
            np.testing.assert_array_equal(found.params, factor.params)
        np.testing.assert_array_equal(
            kinds.read_numbers(found.predict(frame)), kinds.read_numbers(found.predict())
        )


def same_label(label):
    """Return what labels of one meaning have in common, whatever type holds them."""
    if isinstance(label, dt.date):
        return label.strftime("%Y-%m-%d")
    return label if isinstance(label, str) else float(label)


def name_kind(answer):
    kind = type(answer).__module__.split(".")[0].removesuffix("_expr")
    if kind in ("generator", "builtins") or not hasattr(answer, "__len__"):
        return "iterator"
    return f"{kind} {type(answer).__name__}"


ASKED = {
    "`predict(rows)`": lambda result, rows: result.predict(rows),
    '`predict(rows, "category")`': lambda result, rows: result.predict(rows, "category"),
    "`get_prediction(rows).summary_frame()`": lambda result, rows: result.get_prediction(
        rows
    ).summary_frame(),
    "`margins(newdata=rows).summary_frame()`": lambda result, rows: result.margins(
        newdata=rows
    ).summary_frame(),
}
FITTED = {
    "pandas": ("pandas DataFrame", "pandas Series"),
    "polars": ("polars DataFrame", "polars Series"),
    "pyarrow Table, ChunkedArray": ("pyarrow Table", "pyarrow ChunkedArray"),
}


@functools.cache
def fit_kind(kind):
    return kinds.fit_formula(KINDS[kind][0](DATA))


@pytest.mark.parametrize("fitted", FITTED)
@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_come_in_the_kind_of_the_rows(kind, fitted, give):
    result, expected = fit_kind(fitted), kinds.fit_plainly()
    for asked, cell in ANSWERS[kind].items():
        answer = ASKED[asked](result, give(kind)[0](NEW))
        plain = ASKED[asked](expected, NEW)
        said = cell.replace("as the fit", FITTED[fitted]["category" in asked])
        if said.startswith("iterator"):
            assert name_kind(answer) == "iterator"
            parts = list(answer)
            assert {f"iterator, {name_kind(part)}" for part in parts} == {said}
            answer = parts[0]
        assert name_kind(answer) == said.removeprefix("iterator, ")
        assert_equal(answer, plain)


def assert_equal(answer, plain):
    """Compare an answer of any kind with that of pandas: labels, order and every digit."""
    if hasattr(answer, "compute"):
        answer = answer.compute()
    if isinstance(plain, pd.Series):
        values = answer.to_pylist() if hasattr(answer, "to_pylist") else list(answer)
        assert values == plain.tolist()
        return
    if isinstance(answer, pd.DataFrame):
        pd.testing.assert_frame_equal(answer, plain, check_exact=True)
        return
    named = plain.index.nlevels > 1
    flat = plain.reset_index() if named else plain
    columns = (
        answer.to_pydict() if hasattr(answer, "to_pydict") else answer.to_dict(as_series=False)
    )
    assert list(columns) == [str(name) for name in flat.columns]
    for name, column in zip(columns, flat.columns, strict=True):
        np.testing.assert_array_equal(columns[name], flat[column].tolist())


FRAMES = ("pandas", "polars", "pyarrow")
every_frame = pytest.mark.parametrize("frame", FRAMES)


def test_without_polars_pandas_is_offered(monkeypatch):
    result = pickle.loads(pickle.dumps(fit_kind("polars")))
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(
        ml.exceptions.MissingExtraError, match=r"mlelogit\[frames\].*frame='pandas'"
    ):
        result.tidy()
    assert len(result.tidy(frame="pandas")) == result.params.size


def test_categories_of_polars_compare_with_the_outcome():
    polars = pytest.importorskip("polars")
    frame = KINDS["polars"][0](DATA)
    result = fit_kind("polars")
    hits = frame["y"] == result.predict(frame, which="category")
    plain = kinds.fit_plainly().predict(which="category")
    assert hits.to_list() == (DATA["y"] == plain.astype(object)).tolist()
    joined = frame.with_columns(best=result.predict(frame, "category").cast(polars.String))
    assert joined["best"].to_list() == plain.tolist()


@every_frame
def test_the_kind_can_be_chosen(frame):
    pytest.importorskip(frame)
    result = kinds.fit_plainly()
    answers = {
        "predict": lambda **how: result.predict(**how),
        "predict new": lambda **how: result.predict(NEW, "linear", **how),
        "tidy": lambda **how: result.tidy(**how),
        "margins": lambda **how: result.margins("x").summary_frame(**how),
        "prediction": lambda **how: result.get_prediction(NEW).summary_frame(**how),
        "averages": lambda **how: result.get_prediction(by="g").summary_frame(**how),
    }
    for ask in answers.values():
        answer = ask(frame=frame)
        assert name_kind(answer).startswith(frame)
        assert_equal(answer, ask(frame="pandas"))
        with pytest.raises(OptionError, match="frame must be one of pandas, polars, pyarrow"):
            ask(frame="numpy")


@pytest.mark.parametrize("kind", ["polars", "pyarrow Table, ChunkedArray"])
def test_answers_without_rows_come_in_the_kind_of_the_fit(kind):
    table, column = KINDS[kind]
    by_formula = kinds.fit_formula(table(DATA))
    by_exog = kinds.fit_arrays(exog=table(DATA[kinds.NUMBERS]))
    by_endog = kinds.fit_arrays(column(DATA[["y"]]), DATA[kinds.NUMBERS].to_numpy())
    for result in (by_formula, by_exog, by_endog):
        again = pickle.loads(pickle.dumps(result))
        for one in (
            result,
            again,
            copy.deepcopy(result),
            result.rebase("b"),
            result.with_cov("HC0"),
        ):
            assert name_kind(one.tidy()).split()[0] == kind.split()[0]
        for answer in (result.predict(), result.fittedvalues, result.margins().summary_frame()):
            assert name_kind(answer).split()[0] == kind.split()[0]
        assert isinstance(result.params, pd.DataFrame)
        assert isinstance(result.conf_int(), pd.DataFrame)
        assert isinstance(result.get_prediction().conf_int(), pd.DataFrame)
        assert isinstance(result.margins().conf_int(), pd.DataFrame)
        for shown in (result, result.margins(), result.get_prediction()):
            assert repr(shown)
            assert shown._repr_html_()
    assert_equal(by_formula.tidy(), kinds.fit_plainly().tidy())
    assert_equal(by_formula.fittedvalues, kinds.fit_plainly().fittedvalues)


def test_pages_and_tables_of_a_fit_to_polars_are_those_of_pandas():
    plain, result = kinds.fit_plainly(), fit_kind("polars")
    assert result.summary().as_text() == plain.summary().as_text()
    assert result.table("text") == plain.table("text")
    pages = [one.report(sections=["coefficients"], disp=False).html for one in (result, plain)]
    assert pages[0].count("<td") == pages[1].count("<td") > 0
    assert "Average marginal effects" in result.report(sections=["effects"], disp=False).html


def test_rows_left_out_are_told_by_the_first_column():
    polars = pytest.importorskip("polars")
    holes = DATA.copy()
    holes.loc[[2, 5], "x"] = np.nan
    result = ml.mnlogit("y ~ x", KINDS["polars"][0](holes), missing="drop").fit()
    assert result.predict().columns == ["row", "a", "b", "c"]
    assert result.predict()["row"].to_list() == [i for i in range(len(DATA)) if i not in (2, 5)]
    same = ml.mnlogit("y ~ x", holes, missing="drop").fit()
    np.testing.assert_array_equal(result.predict().select(polars.exclude("row")), same.predict())
    assert same.predict().index.tolist() == result.predict()["row"].to_list()


def test_an_index_becomes_columns():
    pytest.importorskip("polars")
    indexed = NEW.set_index(pd.Index(NEW["g"] + 10, name="id"))
    result = kinds.fit_plainly()
    assert result.predict(indexed, frame="polars")["id"].to_list() == indexed.index.tolist()
    several = NEW.set_index(["g", "r"], drop=False)
    several.index.names = ["g", None]
    found = result.get_prediction(several).summary_frame(frame="polars")
    assert found.columns[:3] == ["g", "row_1", "category"]
    assert found["row_1"].to_list() == np.repeat(NEW["r"], 3).tolist()
    named = ml.mnlogit("v ~ x", DATA.assign(v=np.where(DATA["v"] > 0, "id", "b"))).fit()
    with pytest.raises(DuplicateColumnError, match=r"more than one column 'id'.*frame='pandas'"):
        named.predict(indexed, frame="polars")
    assert named.predict(indexed).columns.tolist() == ["b", "id"]


LABELS = {
    "numbers": ([3, 1, 2], ["1", "2", "3"], int),
    "truth": ([True, False], ["False", "True"], bool),
    "floats": ([0.5, 1.5], ["0.5", "1.5"], float),
    "dates": ([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], ["2020-01-01", "2021-01-01"], dt.date),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_categories_that_are_not_text(name, frame):
    pytest.importorskip(frame)
    labels, columns, kind = LABELS[name]
    outcome = [labels[i % len(labels)] for i in range(len(DATA))]
    result = ml.MNLogit(pd.Series(outcome), DATA[kinds.NUMBERS]).fit()
    table = result.predict(frame=frame)
    assert list(table.columns if frame == "polars" else table.column_names) == columns
    best = result.predict(which="category", frame=frame)
    values = best.to_list() if frame == "polars" else best.to_pylist()
    assert values == result.predict(which="category").tolist()
    assert {type(value) for value in values} == {kind}
    assert_equal(result.tidy(frame=frame), result.tidy())


@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_categories_that_read_the_same_are_told_apart(frame):
    package = pytest.importorskip(frame)
    mixed = pd.DataFrame([[0.5, 0.25, 0.25]], columns=pd.Index([1, "1", "b"], dtype=object))
    made = give_out(mixed, frame)
    assert list(made.columns if frame == "polars" else made.column_names) == ["1", "'1'", "'b'"]
    best = give_out(pd.Series(pd.Categorical([1, "1", None], categories=[1, "1"]), name=2), frame)
    values = best.to_list() if frame == "polars" else best.to_pylist()
    assert values == ["1", "'1'", None]
    if frame == "polars":
        assert best.name == "2"
        assert best.dtype == package.String


@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_text_categories_keep_their_order(frame):
    package = pytest.importorskip(frame)
    series = pd.Series(pd.Categorical(["b", None, "a"], categories=["c", "b", "a"]))
    made = give_out(series, frame)
    if frame == "polars":
        assert made.dtype == package.Enum(["c", "b", "a"])
        assert made.to_list() == ["b", None, "a"]
    else:
        assert made.type == package.dictionary(package.int32(), package.string())
        assert made.to_pylist() == ["b", None, "a"]
        assert made.chunk(0).dictionary.to_pylist() == ["c", "b", "a"]


@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_what_is_not_known_is_nan_and_what_is_missing_is_null(frame):
    pytest.importorskip(frame)
    result = kinds.fit_plainly()
    holes = NEW.head(3).assign(x=[0.5, np.nan, 0.5])
    table = result.predict(holes, missing="propagate", frame=frame)
    values = table["a"].to_list() if frame == "polars" else table["a"].to_pylist()
    assert np.isnan(values[1])
    assert np.isfinite(values[::2]).all()
    best = result.predict(holes, "category", missing="propagate", frame=frame)
    assert (best.null_count() if frame == "polars" else best.null_count) == 1


@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_columns_of_any_type_go_out(frame):
    pytest.importorskip(frame)
    zone = pd.date_range("2020-01-01", periods=2, tz="Asia/Tokyo")
    table = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "text": pd.array(["a", None], dtype="string"),
            "huge": pd.Series([2**70, 1], dtype=object),
            "day": pd.to_datetime(["2020-01-01", None]),
            "zone": zone,
            "odd": pd.Series([(1, 2), None], dtype=object),
            "span": pd.interval_range(0, 2),
            "small": np.array([1, 2], dtype=np.float32),
        }
    )
    made = give_out(table, frame)
    found = made.to_dict(as_series=False) if frame == "polars" else made.to_pydict()
    assert found["whole"] == [1, None]
    assert found["text"] == ["a", None]
    assert found["huge"] == [str(2**70), "1"]
    assert found["day"] == [dt.datetime(2020, 1, 1), None]
    assert found["zone"] == zone.to_pydatetime().tolist()
    assert found["odd"] == ["(1, 2)", None]
    assert found["span"] == ["(0, 1]", "(1, 2]"]
    assert found["small"] == [1.0, 2.0]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "+09:00", None])
@pytest.mark.parametrize("unit", ["ns", "s"])
@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_instants_stay_apart_whatever_their_zone_and_unit(frame, unit, zone):
    package = pytest.importorskip(frame)
    times = pd.date_range("2020", periods=50, freq=f"1{unit}", tz=zone, unit=unit)
    rows = pd.DataFrame({"share": 0.5}, index=times)
    made = give_out(rows.reset_index(), frame)["index"]
    whole = made.cast(package.Int64 if frame == "polars" else package.int64()).to_numpy()
    np.testing.assert_array_equal(np.diff(whole), 1000 if (frame, unit) == ("polars", "s") else 1)
    assert (made[0] if frame == "polars" else made[0].as_py()) == times[0]
    objects = give_out(pd.Series(list(times), dtype=object), frame)
    assert len(objects.unique()) == 50
    gaps = give_out(pd.Series([*times, None]), frame)
    assert (gaps.null_count() if frame == "polars" else gaps.null_count) == 1


@pytest.mark.parametrize("frame", ["polars", "pyarrow"])
def test_no_rows_give_no_rows(frame):
    pytest.importorskip(frame)
    result = kinds.fit_plainly()
    table = result.predict(NEW.head(0), frame=frame)
    assert list(table.columns if frame == "polars" else table.column_names) == ["a", "b", "c"]
    assert len(table) == 0
    assert len(result.predict(NEW.head(0), "category", frame=frame)) == 0
    empty = give_out(NEW.head(0), frame)
    assert len(result.predict(empty)) == 0


def test_null_and_nan_of_polars_are_both_missing():
    polars = pytest.importorskip("polars")
    values = DATA["x"].to_list()
    values[3], values[7] = None, float("nan")
    frame = KINDS["polars"][0](DATA).with_columns(x=polars.Series(values))
    assert frame["x"].null_count() == 1
    with pytest.raises(MissingDataError, match=r"'x' \(2\).*\[3, 7\]"):
        ml.mnlogit("y ~ x", frame)
    dropped = ml.mnlogit("y ~ x", frame, missing="drop")
    assert dropped.design.audit.missing["x"] == 2
    np.testing.assert_array_equal(
        dropped.fit().params, ml.mnlogit("y ~ x", DATA.drop([3, 7])).fit().params
    )


def test_a_dask_frame_stays_one_and_takes_no_other_kind():
    dask = kinds.give_dask(NEW)
    result = kinds.fit_plainly()
    lazy = result.predict(dask)
    assert name_kind(lazy) == "dask DataFrame"
    with pytest.raises(OptionError, match="predictions of a dask frame are a dask frame"):
        result.predict(dask, frame="polars")


def test_pieces_come_in_the_kind_of_the_first(give):
    polars = pytest.importorskip("polars")
    result = kinds.fit_plainly()
    whole = KINDS["polars"][0](NEW)
    parts = list(result.predict([whole[:20], whole[20:]]))
    assert [part.columns for part in parts] == [["a", "b", "c"]] * 2
    np.testing.assert_array_equal(polars.concat(parts), result.predict(NEW))
    asked = list(result.predict(lambda: [whole[:20], whole[20:]], frame="pyarrow"))
    assert [name_kind(part) for part in asked] == ["pyarrow Table"] * 2
    numbered = list(result.predict([NEW[:20], NEW[20:]]))
    assert numbered[1].index.tolist() == list(range(20, 31))


def test_new_rows_in_many_pieces_are_refused_where_all_are_needed(monkeypatch, give):
    monkeypatch.setattr(opening, "HELD_ELEMENTS", NEW.size - 1)
    result = kinds.fit_plainly()
    for kind in ("DuckDB relation", "dask", "parquet file, by its path", "list of frames"):
        table, _ = give(kind)
        for ask in (
            result.get_prediction,
            result.scores,
            lambda rows: result.margins(newdata=rows),
        ):
            with pytest.raises(RowsNotHeldError, match=r"read in pieces.*more than \d+ values"):
                ask(table(NEW))


def test_values_beside_rows_in_pieces_are_refused(give):
    table, _ = give("DuckDB relation")
    result = kinds.fit_plainly()
    for ask in (
        lambda: result.scores(table(NEW), NEW["y"]),
        lambda: result.margins(newdata=table(NEW), weights=NEW["w"]),
        lambda: result.get_prediction(table(NEW), weights=NEW["w"], average=True),
    ):
        with pytest.raises(RowsNotHeldError, match="column's name"):
            ask()
    named = result.margins(newdata=table(NEW), weights="w").summary_frame()
    same = result.margins(newdata=NEW, weights="w").summary_frame()
    pd.testing.assert_frame_equal(named, same, rtol=1e-12)


def test_a_row_without_a_key_lacks_a_value():
    rows = DATA.to_dict("records")
    del rows[4]["x"]
    with pytest.raises(MissingDataError, match=r"'x' \(1\).*\[4\]"):
        ml.mnlogit("y ~ x", rows)
    result = kinds.fit_plainly()
    with pytest.raises(MissingDataError, match=r"'x' \(1\)"):
        result.predict([{"x": 1.0, "r": "north"}, {"r": "south"}])


def test_nothing_is_written_to_what_a_user_gives():
    for kind in ("pandas", "polars", "pyarrow Table, ChunkedArray", "numpy structured array"):
        given, new = KINDS[kind][0](DATA), KINDS[kind][0](NEW)
        before = pickle.dumps((given, new))
        result = kinds.fit_formula(given)
        for ask in (result.predict, result.get_prediction, result.scores):
            ask(new)
        result.margins(newdata=new)
        assert pickle.dumps((given, new)) == before


def test_memory_that_cannot_be_written_or_has_gaps_is_read():
    matrix = np.repeat(DATA[kinds.NUMBERS].to_numpy(dtype=float), 2, axis=0)[::2]
    assert not matrix.flags.c_contiguous
    frozen = DATA[kinds.NUMBERS].to_numpy(dtype=float)[::-1][::-1].copy()
    frozen.setflags(write=False)
    backwards = np.asfortranarray(frozen[::-1])[::-1]
    plain = kinds.fit_plainly(formula=False)
    for exog in (matrix, frozen, backwards):
        found = kinds.fit_arrays(exog=exog)
        np.testing.assert_allclose(found.params, plain.params, rtol=1e-12)
        np.testing.assert_array_equal(found.predict(exog), found.predict())


def test_whole_numbers_beyond_doubles_stay_apart():
    big = 2**53 + DATA["g"].to_numpy() % 2
    for give in (pd.Series, of_polars, of_arrow):
        result = ml.mnlogit("y ~ C(z)", put(give(big))).fit()
        assert len(result.params) == 2
        clustered = kinds.fit_plainly().with_cov(
            "cluster", groups=give(2**53 + DATA["g"].to_numpy())
        )
        plain = kinds.fit_plainly().with_cov("cluster", groups=DATA["g"])
        np.testing.assert_array_equal(clustered.bse, plain.bse)


def test_two_columns_of_one_name_are_refused():
    twice = pd.concat([DATA, DATA[["x"]]], axis=1)
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table([DATA["y"].tolist(), DATA["x"], DATA["x"]], names=["y", "x", "x"])
    for given in (twice, table, table.to_batches()[0]):
        with pytest.raises(DuplicateColumnError, match="more than one column named 'x'"):
            ml.mnlogit("y ~ x", given)


def test_a_relation_says_how_to_pair_its_columns():
    with pytest.raises(ColumnTypeError, match=r"no order.*relation\.df\(\)"):
        ml.MNLogit(DATA["y"], kinds.give_relation(DATA[["x"]]))


def test_columns_of_dask_pair_by_their_index():
    dask = kinds.give_dask(DATA[["y"]])["y"]
    with pytest.raises(ml.exceptions.MisalignedIndexError):
        ml.MNLogit(dask, DATA[kinds.NUMBERS][::-1])

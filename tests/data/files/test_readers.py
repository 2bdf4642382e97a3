"""Tables from files: labels stay categories, and what cannot be kept is told."""

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml
from mlelogit.data.files import delimited, formats, workbooks
from mlelogit.data.files.readers import read_data
from mlelogit.data.limits import allow_memory
from mlelogit.exceptions import (
    CorruptFileError,
    DataFileWarning,
    DuplicateColumnError,
    MissingExtraError,
    OptionError,
    SizeLimitError,
)

# Stata's missing codes as doubles, after its manual (help dta): . is 2^1023, each letter 2^-12 on.
MISSING = [struct.pack("<d", 2.0**1023 * (1 + k * 2.0**-12)) for k in range(27)]


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "party": pd.Categorical(["lab", "con", "lab"], ["lab", "con", "none"], ordered=True),
            "age": [20, 30, 40],
            "share": [0.1, np.nan, 1e-300],
            "town": ["é", None, "b,\t"],
        }
    )


def write_stata(path, frame, **options):
    frame.to_stata(path, write_index=False, version=118, **options)
    return str(path)


@pytest.mark.parametrize("form", ["parquet", "feather"])
def test_ordered_categories_of_arrow_are_kept(tmp_path, frame, form):
    pytest.importorskip("pyarrow")
    path = str(tmp_path / f"t.{form}")
    getattr(frame, f"to_{form}")(path)
    found = read_data(path)
    pd.testing.assert_frame_equal(found, pd.read_parquet(path) if form == "parquet" else found)
    assert found["party"].dtype == frame["party"].dtype
    assert found["share"].equals(frame["share"])


def test_row_labels_that_have_a_name_are_a_column(tmp_path, frame):
    pytest.importorskip("pyarrow")
    path = str(tmp_path / "t.parquet")
    frame.set_index("age").to_parquet(path)
    assert list(read_data(path).columns) == ["age", "party", "share", "town"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "tsv.gz", "txt"])
def test_texts_are_told_by_their_ending(tmp_path, suffix):
    path, sep = tmp_path / f"t.{suffix}", "\t" if "tsv" in suffix else ","
    text = f'y{sep}x\n"a{sep}b"{sep}1\nNA{sep}2\n'.encode()
    path.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
    found = read_data(str(path))
    assert found["y"].tolist()[0] == f"a{sep}b"
    assert found["y"].isna().tolist() == [False, True]
    assert read_data(str(path), missing=["none"])["y"].tolist()[1] == "NA"


def test_labels_of_stata_are_categories_in_the_order_of_their_codes(tmp_path):
    frame = pd.DataFrame({"vote": [3, 1, 1, 3], "x": [1.0, 2.0, 3.0, 4.0]})
    labels = {"vote": {3: "Green", 1: "Red", 7: "Blue"}}
    found = read_data(write_stata(tmp_path / "t.dta", frame, value_labels=labels))
    assert found["vote"].tolist() == ["Green", "Red", "Red", "Green"]
    assert list(found["vote"].cat.categories) == ["Red", "Green", "Blue"]
    assert not found["vote"].cat.ordered


def test_a_column_with_labels_for_some_values_stays_numbers(tmp_path):
    frame = pd.DataFrame({"scale": [1, 5, 10]})
    path = write_stata(tmp_path / "t.dta", frame, value_labels={"scale": {1: "low", 10: "high"}})
    with pytest.warns(DataFileWarning, match=r"'scale' stays numbers.*1 'low'.*\(5\)"):
        found = read_data(path)
    assert found["scale"].tolist() == [1, 5, 10]


def test_values_with_one_label_are_told_apart(tmp_path):
    frame = pd.DataFrame({"who": [1, 2, 3]})
    labels = {"who": {1: "other", 2: "me", 3: "other"}}
    path = write_stata(tmp_path / "t.dta", frame, value_labels=labels)
    with pytest.warns(DataFileWarning, match="one label for several values"):
        found = read_data(path)
    assert found["who"].tolist() == ["other (1)", "me", "other (3)"]


def test_missing_codes_are_missing_and_their_letters_are_told(tmp_path):
    path = tmp_path / "t.dta"
    frame = pd.DataFrame({"income": [1.5, 111.25, 222.25, np.nan], "x": [0.0, 1.0, 2.0, np.nan]})
    write_stata(path, frame)
    content = path.read_bytes()
    for value, code in ((111.25, MISSING[1]), (222.25, MISSING[26])):
        assert content.count(struct.pack("<d", value)) == 1
        content = content.replace(struct.pack("<d", value), code)
    assert content.count(MISSING[0]) == 2
    path.write_bytes(content)
    with pytest.warns(DataFileWarning, match=r"\.a, \.z of 'income'") as warned:
        found = read_data(str(path))
    assert len(warned) == 1
    assert found["income"].isna().tolist() == [False, True, True, True]
    assert found["x"].tolist()[:3] == [0.0, 1.0, 2.0]


def test_labels_of_missing_codes_are_no_categories(tmp_path):
    path = tmp_path / "t.dta"
    frame = pd.DataFrame({"vote": [1.0, 2.0, 111.25]})
    frame["vote"] = frame["vote"].astype(float)
    labels = {"vote": {1: "Red", 2: "Blue", 2147483622: "refused"}}
    write_stata(path, frame, value_labels=labels)
    path.write_bytes(path.read_bytes().replace(struct.pack("<d", 111.25), MISSING[1]))
    with pytest.warns(DataFileWarning, match=r"\.a of 'vote'"):
        found = read_data(str(path))
    assert list(found["vote"].cat.categories) == ["Red", "Blue"]
    assert found["vote"].isna().tolist() == [False, False, True]


def test_empty_texts_of_stata_are_missing_and_dates_are_dates(tmp_path):
    days = pd.to_datetime(["2020-01-01", None, "1960-01-01"])
    frame = pd.DataFrame({"town": ["a", "", "b"], "day": days})
    path = write_stata(tmp_path / "t.dta", frame, convert_dates={"day": "td"})
    found = read_data(path)
    assert found["town"].isna().tolist() == [False, True, False]
    assert found["day"].tolist()[0] == days[0]
    assert found["day"].isna().tolist() == [False, True, False]


def test_labels_of_variables_are_kept_aside(tmp_path):
    path = write_stata(
        tmp_path / "t.dta", pd.DataFrame({"x": [1.0]}), variable_labels={"x": "Years"}
    )
    assert read_data(path).attrs == {"variable_labels": {"x": "Years"}}


def write_book(path, sheets, hidden=()):
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(path) as book:
        for name, frame in sheets.items():
            frame.to_excel(book, sheet_name=name, index=False)
        for name in hidden:
            book.sheets[name].sheet_state = "hidden"
    return str(path)


def test_a_sheet_is_chosen(tmp_path):
    one, two = pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"z": ["a", "NA"]})
    path = write_book(tmp_path / "t.xlsx", {"one": one, "two": two})
    with pytest.raises(OptionError, match=r"several sheets.*'one', 'two'"):
        read_data(path)
    assert read_data(path, sheet="one").equals(one)
    assert read_data(path, sheet="two")["z"].isna().tolist() == [False, True]
    assert read_data(path, missing=[], sheet="two").equals(two)
    with pytest.raises(OptionError, match="no sheet 'three'"):
        read_data(path, sheet="three")
    hidden = write_book(tmp_path / "h.xlsx", {"one": one, "two": two}, ["two"])
    assert read_data(hidden).equals(one)


def test_a_sheet_of_what_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x\n1\n")
    with pytest.raises(OptionError, match="A sheet is that of a workbook"):
        read_data(str(path), sheet="one")


def test_columns_of_one_name_are_refused_in_every_format(tmp_path):
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"])
    book = tmp_path / "t.xlsx"
    pytest.importorskip("openpyxl")
    twice.to_excel(book, index=False)
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table = arrow.table([[1], [2]], names=["x", "x"])
    parquet.write_table(table, tmp_path / "t.parquet")
    (tmp_path / "t.tsv").write_text("x\tx\n1\t2\n")
    feather.write_feather(arrow.table([[1], [2]], names=["x", "x"]), tmp_path / "t.feather")
    for name in ("t.xlsx", "t.parquet", "t.feather", "t.tsv"):
        with pytest.raises(DuplicateColumnError, match="'x'"):
            read_data(str(tmp_path / name))


@pytest.mark.parametrize("suffix", ["dta", "xlsx", "parquet", "feather"])
def test_damaged_files_are_named(tmp_path, suffix, frame):
    pytest.importorskip("pyarrow")
    pytest.importorskip("openpyxl")
    path = tmp_path / f"t.{suffix}"
    plain = frame.assign(town=["a", "b", "c"])
    write = {
        "dta": lambda: write_stata(path, plain),
        "xlsx": lambda: plain.to_excel(path),
        "parquet": lambda: plain.to_parquet(path),
        "feather": lambda: plain.to_feather(path),
    }[suffix]
    write()
    whole = path.read_bytes()
    for content in (b"", b"y,x\n1,2\n", whole[: len(whole) // 2], whole[:-200], bytes(400)):
        path.write_bytes(content)
        with pytest.raises(CorruptFileError, match=f"t.{suffix}"):
            read_data(str(path))


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_texts_of_both_kinds_are_refused_alike(tmp_path, form):
    """What is no text, or none in UTF-8, is named by byte and line, whatever separates cells."""
    sign = sep(form)
    path = tmp_path / f"t.{form}"
    text = f"y{sign}x\nstraße{sign}1\n"
    packed = tmp_path / "two.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", "x\n1\n")
        archive.writestr("b", "x\n1\n")
    for content, said in (
        (text.encode("latin-1"), "byte 8, in line 2, is 0xdf"),
        (text.encode("utf-16"), "text in UTF-16"),
        (f'y{sign}x\n"a{sign}1\n'.encode(), "opens in line 2"),
        (gzip.compress(text.encode())[:-6], "end-of-stream"),
        (packed.read_bytes(), "2 files"),
        (b"ARROW1\0\0", "no (csv|tab-separated text) but a feather file: .* ending .feather"),
    ):
        path.write_bytes(content)
        with pytest.raises(CorruptFileError, match=rf"t\.{form}.*{said}"):
            read_data(str(path))
    path.write_bytes(gzip.compress(text.encode()))
    assert read_data(str(path)).to_dict("list") == {"y": ["straße"], "x": [1]}


def sep(form):
    return "\t" if form == "tsv" else ","


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_what_unpacks_to_too_much_is_refused(tmp_path, form):
    path = tmp_path / f"t.{form}.gz"
    path.write_bytes(
        gzip.compress(f"x{sep(form)}y\n".encode() + f"1{sep(form)}2\n".encode() * 500_000)
    )
    with allow_memory(1e7), pytest.raises(SizeLimitError, match=r"allow_memory"):
        read_data(str(path))
    with allow_memory(1e9):
        assert len(read_data(str(path))) == 500_000


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 1000)
    book = write_book(tmp_path / "t.xlsx", {"a": pd.DataFrame({"x": range(100)})})
    with pytest.raises(SizeLimitError, match="1,000 bytes"):
        read_data(book)


def test_separators_and_decimals_are_those_of_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y;x\na;1,5\nb;2\n")
    assert read_data(str(path), separator=";", decimal=",")["x"].tolist() == [1.5, 2.0]
    path = tmp_path / "t.dta"
    path.write_text("")
    with pytest.raises(OptionError, match=r"'.*dta' is a Stata data set"):
        read_data(str(path), decimal=",")


def test_a_line_that_does_not_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_ROW", 1000)
    path = tmp_path / "t.tsv"
    path.write_text("x\ty\n" + "1" * 2_000_000)
    with pytest.raises(SizeLimitError, match="line 2 does not end within 1 kB"):
        read_data(str(path))


@pytest.mark.parametrize(("suffix", "package"), [("xlsx", "openpyxl"), ("feather", "pyarrow")])
def test_what_is_not_installed_is_named_with_its_extra(tmp_path, monkeypatch, suffix, package):
    import sys

    path = tmp_path / f"t.{suffix}"
    path.write_bytes(b"x")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*mlelogit\[frames\]"):
        read_data(str(path))


def test_formats_are_told_by_endings():
    told = {one: formats.tell_format(one) for one in ("a.PQ", "a.arrow", "a.csv.xz", "a.dta.gz")}
    assert told == {"a.PQ": "parquet", "a.arrow": "feather", "a.csv.xz": "csv", "a.dta.gz": None}
    assert formats.find_format("a") == "csv"


def test_a_fit_to_stata_is_that_to_its_labels(tmp_path):
    anes = ml.datasets.load_anes96()
    path = write_stata(tmp_path / "anes.dta", anes)
    one, two = (ml.mnlogit("PID ~ age + educ", data).fit() for data in (read_data(path), anes))
    assert list(one.categories) == list(two.categories)
    assert np.abs(one.params.to_numpy() - two.params.to_numpy()).max() < 1e-9


def test_a_file_that_haven_wrote():
    """Written in R 4.2 by haven 2.5, whose words for Stata's files are its own.

    write_dta(data.frame(y = labelled(c(1, 2, 1, tagged_na("a")), label = "Vote",
    labels = c(Red = 1, Blue = 2, refused = tagged_na("a"))), p = labelled(c(1, 5, 10, 2),
    c(low = 1, high = 10)), d = as.Date("2020-02-03") + 0:3), "haven.dta")
    """
    with pytest.warns(DataFileWarning) as warned:
        found = read_data(str(Path(__file__).with_name("haven.dta")))
    assert found["y"].tolist()[:3] == ["Red", "Blue", "Red"]
    assert list(found["y"].cat.categories) == ["Red", "Blue"]
    assert found["y"].isna().tolist() == [False, False, False, True]
    assert found["p"].tolist() == [1, 5, 10, 2]
    assert found["d"].tolist() == list(pd.date_range("2020-02-03", periods=4))
    assert found.attrs == {"variable_labels": {"y": "Vote"}}
    said = " ".join(str(one.message) for one in warned)
    assert "'p' stays numbers: 1 'low', 10 'high' are labelled" in said
    assert ".a of 'y'" in said


def test_a_file_of_stata_that_tells_of_more_rows_than_it_has(tmp_path):
    path = tmp_path / "t.dta"
    pd.DataFrame({"x": [1.5, 2.5]}).to_stata(path, write_index=False, version=118)
    content = path.read_bytes()
    head, mark, rest = content.partition(b"<N>")
    path.write_bytes(head + mark + struct.pack("<Q", 2**40) + rest[8:])
    with pytest.raises(CorruptFileError, match="1,099,511,627,776 rows"):
        read_data(str(path))

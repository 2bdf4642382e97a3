"""Tables written and read back: what a format holds, and what it is told to lose."""

import numpy as np
import pandas as pd
import pytest

from mlelogit.data.files.formats import FORMATS, list_suffixes
from mlelogit.data.files.readers import read_data
from mlelogit.data.files.stata import name_variables
from mlelogit.data.files.writers import list_losses, write_table
from mlelogit.exceptions import DataFileWarning, DuplicateColumnError, OptionError, OutputFileError

RNG = np.random.default_rng(3)
ROWS = 40
NEEDS = {"parquet": "pyarrow", "feather": "pyarrow", "excel": "openpyxl"}
PLAIN = pd.DataFrame(
    {
        "whole": RNG.integers(-100, 100, ROWS),
        "real": RNG.normal(size=ROWS) * 10.0 ** RNG.integers(-30, 30, ROWS),
        "gaps": np.where(np.arange(ROWS) % 3, RNG.normal(size=ROWS), np.nan),
        "word": [f"=é {i}, \t'\"" for i in range(ROWS)],
    }
)
HARD = {
    "categories": pd.Series(pd.Categorical(["b", "a"] * 20, ["b", "a", "c"])),
    "order": pd.Series(pd.Categorical(["b", "a"] * 20, ["b", "a"], ordered=True)),
    "numbered": pd.Series(pd.Categorical([3, 1] * 20)),
    "dates": pd.Series(pd.date_range("2001-02-03", periods=ROWS)),
    "truth": pd.Series([True, False] * 20),
    "codes": pd.Series(["007", "12"] * 20),
    "NA": pd.Series(["NA", "x"] * 20),
}
# What is lost where; nothing where nothing is listed. Texts that are empty are missing in Stata.
LOST = {
    ("csv", "categories"): "categories are read as texts",
    ("csv", "order"): "categories are read as texts",
    ("csv", "numbered"): "categories are read as numbers",
    ("csv", "dates"): "dates are read as texts",
    ("csv", "codes"): "texts are read as numbers",
    ("csv", "NA"): "read as missing",
    ("excel", "categories"): "categories are read as texts",
    ("excel", "order"): "categories are read as texts",
    ("excel", "numbered"): "categories are read as numbers",
    ("excel", "codes"): "texts are read as numbers",
    ("excel", "NA"): "read as missing",
    ("parquet", "numbered"): "categories are read as numbers",
    ("stata", "order"): "no order of their own",
    ("stata", "numbered"): "become texts",
    ("stata", "truth"): "truth values are read as numbers",
}
LOST |= {("tsv", name): lost for (form, name), lost in LOST.items() if form == "csv"}
every_format = pytest.mark.parametrize("form", FORMATS)


def go_round(frame, form, tmp_path):
    if form in NEEDS:
        pytest.importorskip(NEEDS[form])
    path = tmp_path / f"t{list_suffixes(form)[0]}"
    path.write_bytes(write_table(frame, form))
    return read_data(str(path))


@every_format
def test_numbers_and_texts_go_round(tmp_path, form):
    before = PLAIN.copy(deep=True)
    found = go_round(PLAIN, form, tmp_path)
    assert found["whole"].tolist() == PLAIN["whole"].tolist()
    assert found["word"].tolist() == PLAIN["word"].tolist()
    for name in ("real", "gaps"):
        assert np.array_equal(found[name].isna(), PLAIN[name].isna())
        assert np.nanmax(np.abs(found[name] / PLAIN[name] - 1)) < 1e-15
    pd.testing.assert_frame_equal(PLAIN, before)


@every_format
@pytest.mark.parametrize("kind", HARD)
def test_what_a_format_loses_is_told(tmp_path, form, kind):
    frame = pd.DataFrame({"col": HARD[kind]})
    lost = LOST.get((form, kind))
    if lost is None:
        found = go_round(frame, form, tmp_path)
        assert found["col"].tolist() == frame["col"].tolist()
        if isinstance(frame["col"].dtype, pd.CategoricalDtype):
            assert list(found["col"].cat.categories) == list(frame["col"].cat.categories)
            assert found["col"].cat.ordered == frame["col"].cat.ordered
        return
    with pytest.warns(DataFileWarning, match=f"Written as {form}, .*{lost}.*'col'"):
        go_round(frame, form, tmp_path)


@pytest.mark.parametrize("form", ["csv", "tsv", "excel"])
def test_labels_of_variables_that_are_lost_are_told(tmp_path, form):
    frame = pd.DataFrame({"x": [1, 2]})
    frame.attrs = {"variable_labels": {"x": "Years"}}
    lost = [form]
    if pd.__version__.startswith("2."):  # Which writes no attrs to feather.
        lost.append("feather")
    for kept in {"stata", "parquet", "feather"}.difference(lost):
        assert go_round(frame, kept, tmp_path).attrs == frame.attrs
    for one in lost:
        with pytest.warns(DataFileWarning, match="labels of variables are left out: 'x'"):
            go_round(frame, one, tmp_path)


def test_names_that_stata_does_not_allow_are_changed_and_told(tmp_path):
    frame = pd.DataFrame({"Weak Democrat": [0.25], "if": [0.5], 3: [0.125]})
    with pytest.warns(DataFileWarning, match="'Weak Democrat' is Weak_Democrat"):
        found = go_round(frame, "stata", tmp_path)
    assert list(found.columns) == ["Weak_Democrat", "if_1", "_3"]
    assert found.attrs["variable_labels"]["if_1"] == "if"


def test_names_for_stata_are_different_and_allowed():
    names = [*["a" * 40, "a" * 41, "é", "1", "_n", "str5", "", "a b", "a_b", "a.b"], 2]
    found = list(name_variables(names).values())
    assert len(set(found)) == len(names)
    assert all(len(name) <= 32 and name.isascii() and name.isidentifier() for name in found)
    assert found[names.index("a_b")] == "a_b"


def test_whole_numbers_that_stata_cannot_hold_are_refused():
    frame = pd.DataFrame({"id": [2**53 + 1, 1]})
    with pytest.raises(OutputFileError, match="'id'"):
        write_table(frame, "stata")


def test_names_that_are_one_as_text_and_unknown_formats_are_refused():
    with pytest.raises(DuplicateColumnError):
        write_table(pd.DataFrame([[1, 2]], columns=[1, "1"]), "csv")
    with pytest.raises(OptionError, match="csv, tsv"):
        write_table(PLAIN, "xml")


def test_numbers_that_come_back_as_others_are_refused():
    with pytest.raises(OutputFileError, match="'x'"):
        list_losses(pd.Series([0.1, 0.2], name="x"), pd.Series([0.1, 0.2 + 1e-12]))
    assert list_losses(pd.Series([1, 2]), pd.Series([1.0, 2.0])) == []
    assert list_losses(pd.Series(["a", "b"]), pd.Series(["a", None])) == ["\"'b'\" read as missing"]


@pytest.mark.parametrize(
    ("form", "value"), [("stata", np.inf), ("excel", "\x01"), ("parquet", 1j), ("stata", 1j)]
)
def test_values_that_a_format_refuses_are_an_error(form, value):
    if form in NEEDS:
        pytest.importorskip(NEEDS[form])
    frame = pd.DataFrame({"x": pd.Series([value, value])})
    with pytest.raises(OutputFileError):
        write_table(frame, form)


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_long_whole_numbers_beside_gaps_go_round_through_texts(tmp_path, form):
    frame = pd.DataFrame({"id": pd.array([2**53 + 1, None, 2**53], dtype="Int64"), "x": 1})
    assert go_round(frame, form, tmp_path)["id"].tolist() == frame["id"].tolist()


def test_whole_numbers_that_come_back_as_doubles_are_refused():
    """2**53 and its successor are one double."""
    before = pd.Series(pd.array([2**53 + 1, None], dtype="Int64"), name="id")
    with pytest.raises(OutputFileError, match="'id'"):
        list_losses(before, pd.Series([2.0**53, np.nan]))
    with pytest.raises(OutputFileError, match="'id'"):
        list_losses(before.dropna().astype("int64"), pd.Series([2.0**53]))
    assert list_losses(before - 1, pd.Series([2.0**53, np.nan])) == []


@pytest.mark.parametrize("form", ["csv", "tsv", "excel"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "Float32", "float[pyarrow]"])
def test_short_floats_go_round_as_the_doubles_that_they_are(tmp_path, form, dtype):
    pytest.importorskip("pyarrow")
    values = np.array([0.1, np.nan, 1e-3], np.float16 if dtype == "float16" else np.float32)
    frame = pd.DataFrame({"c": pd.Series(values).astype(dtype), "x": [1, 2, 3]})
    found = go_round(frame, form, tmp_path)["c"].to_numpy()
    rounding = 1e-15 if form == "excel" else 0.0  # A sheet has 16 digits.
    np.testing.assert_allclose(found, values.astype(np.float64), rtol=rounding, atol=0.0)


@pytest.mark.parametrize("form", ["csv", "tsv", "excel"])
def test_a_column_without_a_name_is_written_and_told(tmp_path, form):
    with pytest.warns(DataFileWarning, match="a column is read as 'Unnamed: 0': ''"):
        found = go_round(pd.DataFrame({"": [1, 2], "x": [3, 4]}), form, tmp_path)
    assert found.to_numpy().tolist() == [[1, 3], [2, 4]]


def test_rows_without_a_value_at_the_end_of_a_sheet_are_named(tmp_path):
    with pytest.raises(OutputFileError, match=r"2 rows and 1 columns .* last rows have no value"):
        go_round(pd.DataFrame({"x": [1.0, None]}), "excel", tmp_path)


@every_format
def test_truth_values_beside_gaps_stay_so(tmp_path, form):
    frame = pd.DataFrame({"b": pd.array([True, None, False], dtype="boolean"), "x": [1, 2, 3]})
    if form in ("stata", "excel"):
        with pytest.warns(DataFileWarning, match="truth values are read as numbers"):
            go_round(frame, form, tmp_path)
        return
    found = go_round(frame, form, tmp_path)["b"]
    assert found.dtype == "boolean"
    assert found.tolist() == [True, pd.NA, False]

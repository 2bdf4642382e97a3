"""A csv: what is read, what is refused and where it says that it is wrong."""

import bz2
import csv
import gzip
import io
import lzma
import os
import re
import signal
import threading
import zipfile
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from mlelogit.data.files import delimited, lines
from mlelogit.data.files.delimited import CHUNK, read_csv
from mlelogit.data.limits import MOST_COLUMNS, allow_memory
from mlelogit.exceptions import (
    ColumnNotFoundError,
    CorruptFileError,
    DataFileError,
    DataFileWarning,
    DuplicateColumnError,
    OptionError,
    SizeLimitError,
)

TEXT = b'y,x,"a,b"\na,1.5,"say ""no""\nor, yes"\nb,2,5" pipe\n'


def as_pandas(text, **options):
    return pd.read_csv(io.BytesIO(text), index_col=False, **options)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace(b"\n", b"\r\n"),
        b"y,x\r1,2\r3,4\r",
        b"\xef\xbb\xbfy,x\n1,2\n",
        b"\n  \ny,x\n1,2\n",
        b"y,x\n",
        b"y,x",
        b"y\n1\n\n2\n",
        "größe,x\nüber,1\n".encode(),
        b'"y\nz",x\n1,2\n',
        b'y,x\n"",""\n"a"b,c"d"\n',
    ],
)
@pytest.mark.parametrize("chunk", [1, 19, 1 << 20])
def test_is_what_pandas_reads(text, chunk, monkeypatch):
    monkeypatch.setattr(delimited, "CHUNK", chunk)
    pd.testing.assert_frame_equal(read_csv(io.BytesIO(text)), as_pandas(text))


def test_random_tables_are_what_pandas_reads(monkeypatch):
    """Cells with quotes, commas and ends of lines, in chunks that cut them anywhere."""
    rng = np.random.default_rng(0)
    letters = np.array(list('ab",\n\r é'), dtype=object)
    for _ in range(40):
        cells = ["".join(rng.choice(letters, rng.integers(6))) for _ in range(12)]
        frame = pd.DataFrame(np.reshape(cells, (4, 3)), columns=["a", "b", "c"])
        text = frame.to_csv(index=False, lineterminator="\n").encode()
        monkeypatch.setattr(delimited, "CHUNK", int(rng.integers(1, 40)))
        if lines.OLD and is_endless(frame):
            with pytest.raises(DataFileError, match="which pandas reads endlessly"):
                read_csv(io.BytesIO(text))
        else:
            pd.testing.assert_frame_equal(read_csv(io.BytesIO(text)), as_pandas(text))


def is_endless(frame):
    """Say whether a row ends in a carriage return alone, and the next begins with a blank."""
    text = frame.to_csv(index=False, lineterminator="\n")
    rows = re.findall(r'(?:[^"\r\n]|"(?:[^"]|"")*")*(?:\r\n?|\n)', text)
    return any(a.endswith("\r") and b.lstrip(",")[0] == " " for a, b in pairwise(rows))


@pytest.mark.parametrize("chunk", [1, 5, 19, 1 << 20])
@pytest.mark.parametrize("blank", [" ", "\t", ", "])
def test_rows_that_old_pandas_reads_endlessly_are_told(chunk, blank, monkeypatch):
    monkeypatch.setattr(delimited, "CHUNK", chunk)
    monkeypatch.setattr(delimited, "LOOKED_AT", 1)
    text = f'y,x\n1,"\r{blank}"\n"3",4\r{blank}5,6\n'.encode()
    harmless = text.replace(b"4\r", b"4\n").replace(b", 5", b" 5")
    pd.testing.assert_frame_equal(read_csv(io.BytesIO(harmless)), as_pandas(harmless))
    monkeypatch.setattr(lines, "OLD", True)
    monkeypatch.setattr(delimited, "EXACT", {})
    with pytest.raises(DataFileError, match="alone ends line 3, and a blank begins"):
        read_csv(io.BytesIO(text))
    pd.testing.assert_frame_equal(read_csv(io.BytesIO(harmless)), as_pandas(harmless))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_read(separator, monkeypatch):
    monkeypatch.setattr(delimited, "CHUNK", 1)
    text = b'y,"x;a\tb|c",z\n1,"p;\n\t|",3\n"r,|"\t,2,5\n'
    turned = text.translate(bytes.maketrans(b"," + separator.encode(), separator.encode() + b","))
    read = read_csv(io.BytesIO(turned), separator=separator)
    pd.testing.assert_frame_equal(read, as_pandas(turned, sep=separator))
    assert read.shape == (2, 3)
    with pytest.raises(CorruptFileError, match="opens in line 4"):
        read_csv(io.BytesIO(turned[:-8]), separator=separator)
    with pytest.raises(OptionError, match="separator must be one of"):
        read_csv(io.BytesIO(turned), separator="a")


@pytest.mark.parametrize("decimal", [".", ","])
def test_decimals_are_the_closest_doubles(decimal):
    rng = np.random.default_rng(4)
    values = rng.standard_normal(1000) * 10.0 ** rng.integers(-300, 300, 1000)
    text = "x;y\n" + "".join(f"{value!r};1\n" for value in values.tolist())
    file = io.BytesIO(text.replace(".", decimal).encode())
    found = read_csv(file, separator=";", decimal=decimal)["x"]
    np.testing.assert_array_equal(found, values)


def test_missing_entries_are_those_asked_for():
    read = read_csv(io.BytesIO(b"y,x\nNA,.\na,1\n"), missing=["."])
    assert read["y"].tolist() == ["NA", "a"]
    assert read["x"].isna().tolist() == [True, False]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_paths_files_and_pipes_give_the_same(pack, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(TEXT))
    expected = as_pandas(TEXT)
    pd.testing.assert_frame_equal(read_csv(path), expected)
    with path.open("rb") as file:
        pd.testing.assert_frame_equal(read_csv(file), expected)
    reading, writing = os.pipe()
    threading.Thread(target=write_all, args=(writing, path.read_bytes())).start()
    with os.fdopen(reading, "r", encoding="utf-8") as pipe:  # As sys.stdin is.
        pd.testing.assert_frame_equal(read_csv(pipe), expected)


def write_all(writing, text):
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(text)


def test_text_and_zip_archives_are_read(tmp_path):
    expected = as_pandas(TEXT)
    pd.testing.assert_frame_equal(read_csv(io.StringIO(TEXT.decode())), expected)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
    pd.testing.assert_frame_equal(read_csv(str(tmp_path / "a.zip")), expected)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("b.csv", TEXT)
    with pytest.raises(CorruptFileError, match="zip archive of 2 files"):
        read_csv(tmp_path / "a.zip")


def test_columns_asked_for_alone_are_kept():
    wide = ",".join(f"c{i}" for i in range(MOST_COLUMNS + 1)).encode()
    row = b",".join([b"7"] * (MOST_COLUMNS + 1))
    with pytest.raises(SizeLimitError, match=r"200,001 columns, 'c0', 'c1', 'c2' and 199998 more"):
        read_csv(io.BytesIO(wide + b"\n" + row + b"\n"))
    few = read_csv(io.BytesIO(wide + b"\n" + row + b"\n"), columns=["c5", "c200000"])
    assert few.to_dict("list") == {"c5": [7], "c200000": [7]}
    with pytest.raises(ColumnNotFoundError, match=r"no column 'z'\. Its columns: 'y', 'x', 'a,b'"):
        read_csv(io.BytesIO(TEXT), columns=["y", "z"])


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (b"", DataFileError, "is empty"),
        (b"\n \n\n", DataFileError, "is empty"),
        (b"a,a\n1,2\n", DuplicateColumnError, "more than one column named 'a'"),
        (b'"NA","NA"\n1,2\n', DuplicateColumnError, "more than one column named 'NA'"),
        (b"a,b\n1,2,3\n", DataFileError, "does not match length of data"),
        (b"a,b\n1,2\n1,2,3\n", DataFileError, "Expected 2 fields in line 3, saw 3"),
        (b"a,b\n1,2\n1,\0\n", CorruptFileError, "byte 10, in line 3, is zero"),
        (b"\x89PNG\r\n\x1a\n\0", CorruptFileError, "is zero, which is in no text"),
        (b"a,b\n1,gr\xf6\xdfe\n", CorruptFileError, "byte 8, in line 2, is 0xf6.*be 'ö'"),
        (b"a,b\n1,gr\xf6", CorruptFileError, "byte 8, in line 2, is 0xf6"),
        (b"a,b\n1,2\xc3", CorruptFileError, "byte 7, in line 2, is 0xc3"),
        ("a,b\n1,2\n".encode("utf-16"), CorruptFileError, "text in UTF-16: save it in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-be"), CorruptFileError, "byte 0, in line 1, is zero.*UTF-16"),
        ("a,b\n1,2\n".encode("utf-32"), CorruptFileError, "text in UTF-32"),
        (b'a,b\n1,2\n3,"open\n4,5\n', CorruptFileError, r"opens in line 3.*10 bytes.*'\"open"),
        (b'a,"b\n1,2\n', CorruptFileError, "opens in line 1 and is not closed"),
        (b"PAR1" + b" " * 20, CorruptFileError, "a parquet file: say its format, parquet"),
        (b"\x1f\x8b\x08\0abc", CorruptFileError, "cannot be read"),
        (gzip.compress(b"a,b\n1,2\n" * 999)[:-9], CorruptFileError, "ended before the end-of"),
        (b"BZh91AY&SY....", CorruptFileError, "cannot be read"),
        (b"PK\x03\x04....", CorruptFileError, "cannot be read"),
        (b'[{"a": 1, "b": 2}]', CorruptFileError, "is no csv but JSON"),
        (b'{\n "format": "mlelogit fit"}', CorruptFileError, "is no csv but JSON"),
        (b"\n<!DOCTYPE html>\n<p>a,b", CorruptFileError, "a page of HTML"),
        (b"a;b\n1,5;2\n2,5;3\n", DataFileError, "a semicolon separates.*';'.*decimal=','"),
        (b"a;b, c;d\n1;2;3\n2;3,5;3,1\n", DataFileError, "semicolon separates"),
        (b"a\tb\n1\t2\n", DataFileError, r"a tab separates them: read it with .*'\\t'\."),
    ],
)
def test_what_is_wrong_is_named(text, error, said):
    with pytest.raises(error, match=f"(?s){said}") as raised:
        read_csv(io.BytesIO(text))
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("chunk", [1, 17, 19, 1 << 20])
def test_places_do_not_depend_on_the_chunks(chunk, monkeypatch):
    monkeypatch.setattr(delimited, "CHUNK", chunk)
    with pytest.raises(CorruptFileError, match="byte 13, in line 3, is 0xf6"):
        read_csv(io.BytesIO("a,b\nß,1\nö,".encode() + b"2\xf6\n"))
    with pytest.raises(CorruptFileError, match="opens in line 4 and is not closed"):
        read_csv(io.BytesIO(b'a,b\n1,"x\ny"\n"z,2\n'))
    with pytest.raises(CorruptFileError, match="byte 12, in line 4, is zero"):
        read_csv(io.BytesIO(b'a,b\n"1,",2\n\n\0'))


def test_rows_that_are_too_long_are_told_whatever_ends_lines():
    with pytest.raises(DataFileError, match="Expected 2 fields in line 3, saw 3"):
        read_csv(io.BytesIO(b"a,b\nx\rx,1,2\n"))


def test_a_long_name_makes_no_long_message():
    name = b"x" * 300_000
    with pytest.raises(DuplicateColumnError) as raised:
        read_csv(io.BytesIO(name + b"," + name + b"\n1,2\n"))
    assert len(str(raised.value)) < 400


def test_memory_is_judged_by_the_cells(tmp_path, monkeypatch):
    """Before anything is read where the size is known, else when it is beyond what there is."""
    monkeypatch.setattr(delimited, "CHUNK", 1000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 100_000)
    with allow_memory(1e6), pytest.raises(SizeLimitError, match=r"400 kB, is too large to be read"):
        read_csv(path)
    with allow_memory(1e6), pytest.raises(SizeLimitError, match="The first 67 kB of The csv"):
        read_csv(io.BytesIO(path.read_bytes()))
    with allow_memory(1e7):
        assert read_csv(path).shape == (100_000, 2)


def test_what_is_no_file_is_refused():
    with pytest.raises(DataFileError, match="a path or a file, not 7"):
        read_csv(7)


@pytest.mark.parametrize("text", [b'"a;b"\n"1;2"\n', b"a;b\n1\n2\n", b"a;b\n", b"a\n1;2\n3;4\n"])
def test_one_column_may_have_signs_in_it(text):
    pd.testing.assert_frame_equal(read_csv(io.BytesIO(text)), as_pandas(text))


def test_decimal_commas_are_read_if_they_are_asked_for_and_else_told():
    text = b"y;x;z\na;1,5;a,b\nb;-2;c\nc;,25e1;\n"
    read = read_csv(io.BytesIO(text), separator=";", decimal=",")
    assert read["x"].tolist() == [1.5, -2.0, 2.5]
    with pytest.raises(DataFileError, match=r"'x' of The csv has numbers with commas, '1,5'"):
        read_csv(io.BytesIO(text), separator=";")
    kept = read_csv(io.BytesIO(text), separator=";", decimal=".")
    assert kept["x"].tolist() == ["1,5", "-2", ",25e1"]
    assert kept["z"].tolist()[0] == "a,b"
    with pytest.raises(OptionError, match="cannot both"):
        read_csv(io.BytesIO(text), decimal=",")
    with pytest.raises(OptionError, match="decimal must be one of"):
        read_csv(io.BytesIO(text), decimal="'")


@pytest.mark.parametrize("value", ["1.234,5", "2.5", "1.234"])
def test_points_where_commas_are_decimal_are_told(value):
    text = f"y;x\na;{value}\nb;3\n".encode()
    with pytest.warns(DataFileWarning, match=f"'x' of The csv is text.*'{value}'"):
        read = read_csv(io.BytesIO(text), separator=";", decimal=",")
    assert read["x"].tolist() == [value, "3"]


def test_long_whole_numbers_beside_gaps_are_kept(tmp_path):
    """As doubles the first two would be one."""
    path, ids = tmp_path / "a.csv", [2**53, 2**53 + 1, None, 7]
    text = "id,x,y\n" + "".join(f"{'' if one is None else one},{one or ''},1e300\n" for one in ids)
    path.write_text(text + ",0.5,\n")
    read = read_csv(path)
    assert read["id"].dtype == "Int64"
    assert read["id"].dropna().tolist() == [2**53, 2**53 + 1, 7]
    assert read["x"].dtype == read["y"].dtype == float
    with pytest.warns(DataFileWarning, match=r"beside missing values in 'id'"):
        piped = read_csv(io.BytesIO(path.read_bytes()))
    assert piped["id"].nunique() == 2


def test_truth_values_beside_gaps_stay_truth_values():
    read = read_csv(io.BytesIO(b"b,t\nTrue,True\n,x\nFalse,False\n"))
    assert read["b"].dtype == "boolean"
    assert read["b"].tolist() == [True, pd.NA, False]
    assert read["t"].tolist() == ["True", "x", "False"]


def test_a_slip_in_a_column_of_numbers_is_told():
    rows = [f"{i},{'a' if i % 2 else i}\n" for i in range(200)]
    rows[150] = "3O,1\n"
    with pytest.warns(
        DataFileWarning, match=r"'x' of The csv is text, for 1 of its 200.*'3O' in row 151"
    ):
        read_csv(io.BytesIO(("x,z\n" + "".join(rows)).encode()))
    rows[7:12] = ["no,1\n"] * 5
    read_csv(io.BytesIO(("x,z\n" + "".join(rows)).encode()))


@pytest.mark.parametrize("place", ["file", "watch"])
def test_an_interruption_is_no_fault_of_the_file(place, monkeypatch):
    """Of a signal pandas makes an error of parsing, wherever it comes in."""
    calls = []

    def interrupt():
        calls.append(place)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)

    class Interrupted(io.BytesIO):
        def readinto(self, target):
            found = self.read(len(target))
            target[: len(found)] = found
            return len(found)

        def read(self, size=-1):
            if place == "file":
                interrupt()
            return super().read(size)

    class Watched(delimited._Watched):
        def readinto(self, target):
            interrupt()
            return super().readinto(target)

    if place == "watch":
        monkeypatch.setattr(delimited, "_Watched", Watched)
    with pytest.raises(KeyboardInterrupt):
        read_csv(Interrupted(b"a,b\n" + b"1,2\n" * 2 * CHUNK))
    assert len(calls) == 4


def test_the_limit_of_other_readers_is_left_as_it_is():
    before = csv.field_size_limit()
    read_csv(io.BytesIO(TEXT))
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("option", ["missing", "columns"])
def test_a_text_is_no_list_of_texts(option):
    with pytest.raises(OptionError, match=rf"{option} is a list of texts, not one: \['yx'\]"):
        read_csv(io.BytesIO(TEXT), **{option: "yx"})

"""Read and write data sets of Stata, whose labels are categories."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.frames import check_unique_names, list_some
from mlelogit.exceptions import CorruptFileError, DataFileWarning, OutputFileError
from mlelogit.notices import in_turn, run_quietly, warn_user

# Stata's long has .a, .b, ... from here on, and value labels name them so.
LARGEST_CODE = 2147483620
LONGEST_NAME = 32
# Every whole number up to here is a double, which is what Stata has for the largest.
LARGEST_EXACT = 2**53
_DATES = ("%td", "%d", "%tc", "%tC", "%tw", "%tm", "%tq", "%th", "%ty")
_WORDS = {
    *("_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long", "_n"),
    *("_N", "_pi", "_pred", "_rc", "_skip", "strL", "using", "with"),
}


@in_turn
def read_stata(path: str) -> pd.DataFrame:
    """Read a data set of Stata.

    A column whose values all have labels is categorical, with the labels in the order of their
    codes; where some have none all stay numbers. Missing codes (. and .a to .z) and empty texts
    are missing values, as they are in Stata. Dates become dates. Labels of variables are in
    ``attrs["variable_labels"]``.

    Warns
    -----
    DataFileWarning
        If labels are not used, for some values have none; if labels are alike; or if missing
        codes that differ, differ no more.
    """
    with pd.read_stata(path, iterator=True, chunksize=1) as reader:
        known: Any = reader
        names = list(known.variable_labels())
        _check_length(known, path)
        check_unique_names(known._varlist, path)
        dated = [
            name
            for name, shape in zip(known._varlist, known._fmtlist, strict=True)
            if shape.startswith(_DATES)
        ]
        frame = known.read(
            nrows=known._nobs,
            convert_dates=False,
            convert_categoricals=False,
            convert_missing=True,
        )
        labels = known.value_labels()
        used = dict(zip(known._varlist, known._lbllist, strict=True))
        described = {name: text for name, text in known.variable_labels().items() if text}
    gone: list[str] = []
    columns = {name: _settle_missing(frame[name], gone) for name in names}
    for name in names:
        if labels.get(used[name]):
            columns[name] = _label(columns[name], labels[used[name]], name)
    if dated:
        columns |= _read_dates(path, dated)
    if gone:
        warn_user(
            f"Values that Stata has as different kinds of missing are all just missing: "
            f"{_join(gone)}.",
            DataFileWarning,
        )
    found = pd.DataFrame(columns, columns=names)
    found.attrs = {"variable_labels": described} if described else {}
    return found


def _check_length(reader: Any, path: str) -> None:
    if reader._nobs * reader._dtype.itemsize > Path(path).stat().st_size:
        raise CorruptFileError(
            f"{path!r} is damaged or cut off: it tells of {reader._nobs:,} rows, and is shorter."
        )


def _join(parts: list[str], shown: int = 5) -> str:
    more = len(parts) - shown
    return ", ".join(parts[:shown]) + (f" and {more} more" if more > 0 else "")


def _settle_missing(column: pd.Series, gone: list[str]) -> pd.Series:
    """Return a column with NaN or None for what is missing, and note codes that told why."""
    if column.dtype != object:
        if pd.api.types.is_string_dtype(column.dtype):
            return column.mask(column == "")
        return column
    from pandas.io.stata import StataMissingValue  # type: ignore[attr-defined]

    lost = np.array([isinstance(value, StataMissingValue) for value in column])
    if not lost.any():
        return column.mask(column == "") if len(column) else column
    codes = sorted({str(value) for value in column[lost]} - {"."})
    if codes:
        gone.append(f"{', '.join(codes)} of {column.name!r}")
    return column.mask(lost).astype(np.float64)


def _label(column: pd.Series, labels: dict[Any, str], name: str) -> pd.Series:
    """Return a column with labels for categories, if all of its values have one."""
    known = {code: labels[code] for code in sorted(labels) if code <= LARGEST_CODE}
    present = column.dropna()
    bare = present[~present.isin(list(known))].unique()
    if len(bare) or not pd.api.types.is_numeric_dtype(column.dtype):
        said = [f"{code} {text!r}" for code, text in known.items()]
        warn_user(
            f"Column {name!r} stays numbers: {_join(said)} are labelled, and other values "
            f"({list_some(sorted(bare.tolist()), 3)}) are not.",
            DataFileWarning,
        )
        return column
    words = list(known.values())
    alike = {word for word in words if words.count(word) > 1}
    if alike:
        warn_user(
            f"Column {name!r} has one label for several values, which are told apart by their "
            f"codes: {list_some(sorted(alike))}.",
            DataFileWarning,
        )
        words = [f"{word} ({code})" if word in alike else word for code, word in known.items()]
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    places = pd.Index(list(known)).get_indexer(values)
    coded: Any = pd.Categorical.from_codes(places, categories=pd.Index(words))
    return pd.Series(coded, name=name, index=column.index)


def _read_dates(path: str, names: list[str]) -> dict[str, pd.Series]:
    def read() -> pd.DataFrame:
        return pd.read_stata(path, columns=names, convert_categoricals=False)

    frame = run_quietly(read)
    odd = [name for name in names if frame[name].dtype == object]
    if odd:
        warn_user(
            f"Dates of {list_some(odd)} are beyond what a column of dates holds, or count leap "
            "seconds; they are single values.",
            DataFileWarning,
        )
    return {name: frame[name] for name in names}


def write_stata(frame: pd.DataFrame) -> bytes:
    """Return a frame as a data set of Stata.

    Raises
    ------
    OutputFileError
        If whole numbers are too large for it.

    Warns
    -----
    DataFileWarning
        If columns have to be renamed; the labels of the variables tell their names.
    """
    names = name_variables(frame.columns)
    told = frame.attrs.get("variable_labels", {})
    described = {new: str(told.get(old, old if old != new else "")) for old, new in names.items()}
    changed = [f"{old!r} is {new}" for old, new in names.items() if old != new]
    if changed:
        warn_user(
            f"Names that Stata does not allow are changed: {_join(changed)}.", DataFileWarning
        )
    ready = pd.DataFrame({new: _suit(frame[old]) for old, new in names.items()}, index=frame.index)
    buffer = io.BytesIO()

    def write() -> None:
        ready.to_stata(
            buffer,
            write_index=False,
            version=118,
            variable_labels={name: text[:80] for name, text in described.items()},
        )

    run_quietly(write)
    return buffer.getvalue()


def _suit(column: pd.Series) -> pd.Series:
    """Return a column that Stata can hold."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories([str(one) for one in column.cat.categories])
    if pd.api.types.is_integer_dtype(column.dtype):
        present = column.dropna()
        if len(present) and max(abs(int(present.max())), abs(int(present.min()))) > LARGEST_EXACT:
            raise OutputFileError(
                f"Column {column.name!r} has whole numbers beyond {LARGEST_EXACT:,}, which Stata "
                "cannot hold exactly; make text of them, or write another format."
            )
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("Int8" if column.isna().any() else np.int8)
    if column.dtype == object or pd.api.types.is_string_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None)
    return column


def name_variables(names: Any) -> dict[Any, str]:
    """Return names that Stata allows, all different, for the names of columns.

    Examples
    --------
    >>> from mlelogit.data.files.stata import name_variables
    >>> name_variables(["age", "Weak Democrat", "weak.democrat", "Weak_Democrat", 1])
    {'age': 'age', 'Weak Democrat': 'Weak_Democrat_1', 'weak.democrat': 'weak_democrat', \
'Weak_Democrat': 'Weak_Democrat', 1: '_1'}
    """
    taken = {name for name in names if _is_allowed(name)}
    found: dict[Any, str] = {}
    for name in names:
        new = re.sub(r"\W", "_", str(name), flags=re.ASCII)[:LONGEST_NAME]
        if not _is_allowed(name):
            new = new if re.match(r"[A-Za-z_]", new) else f"_{new}"[:LONGEST_NAME]
            stem, number = new, 0
            while new in taken or not _is_allowed(new):
                number += 1
                new = f"{stem[: LONGEST_NAME - 1 - len(str(number))]}_{number}"
            taken.add(new)
        found[name] = new
    return found


def _is_allowed(name: Any) -> bool:
    if not isinstance(name, str) or name in _WORDS or re.fullmatch(r"str\d+", name):
        return False
    return bool(re.fullmatch(rf"[A-Za-z_]\w{{0,{LONGEST_NAME - 1}}}", name, re.ASCII))

"""Formats of tables, told by the endings of their names."""

from __future__ import annotations

# The first ending of each is the one that is written about.
_SUFFIXES = {
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "parquet": (".parquet", ".pq", ".parq"),
    "feather": (".feather", ".arrow"),
    "stata": (".dta",),
    "excel": (".xlsx", ".xlsm"),
}
FORMATS = tuple(_SUFFIXES)
# With what stands between their cells when they are written.
TEXTS = {"csv": ",", "tsv": "\t"}
# What may stand between the cells of a text, and before the decimals of its numbers, by name.
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
DECIMALS = {"point": ".", "comma": ","}
# Bytes; a file of a few megabytes can unpack to thousands of times its size.
MOST_UNPACKED = 1 << 30
_READERS = {
    "csv": "read_csv({0!r})",
    "tsv": "read_csv({0!r}, sep='\\t')",
    "feather": "read_feather({0!r})",
    "stata": "read_stata({0!r})",
    "excel": "read_excel({0!r})",
}
_PACKINGS = (".gz", ".bz2", ".xz", ".zip")


def list_suffixes(form: str) -> tuple[str, ...]:
    """Return the endings of a format.

    Examples
    --------
    >>> from mlelogit.data.files.formats import list_suffixes
    >>> list_suffixes("stata")
    ('.dta',)
    """
    return _SUFFIXES[form]


def split_packing(path: str) -> tuple[str, str]:
    """Return a name without the ending that says how it is packed, and that ending.

    Examples
    --------
    >>> from mlelogit.data.files.formats import split_packing
    >>> split_packing("rows.csv.GZ"), split_packing("rows.csv")
    (('rows.csv', '.gz'), ('rows.csv', ''))
    """
    for packing in _PACKINGS:
        if path.lower().endswith(packing):
            return path[: -len(packing)], packing
    return path, ""


def tell_format(path: str) -> str | None:
    """Return the format that the ending of a name tells; None if it tells none.

    Examples
    --------
    >>> from mlelogit.data.files.formats import tell_format
    >>> tell_format("a.DTA"), tell_format("a.tsv.gz"), tell_format("a.txt")
    ('stata', 'tsv', None)
    """
    plain, packing = split_packing(path.lower())
    for form, suffixes in _SUFFIXES.items():
        if plain.endswith(suffixes) and (not packing or form in TEXTS):
            return form
    return None


def find_format(path: str) -> str:
    """Return the format that the ending of a name tells, or csv if it tells none."""
    return tell_format(path) or "csv"


def advise_reader(path: str) -> str:
    """Say how what a name tells to be a table becomes a frame; nothing of what tells none.

    Examples
    --------
    >>> from mlelogit.data.files.formats import advise_reader
    >>> advise_reader("a.dta"), advise_reader("a.doc")
    (": give the frame, pandas.read_stata('a.dta')", '')
    """
    form = tell_format(path)
    if form not in _READERS:
        return ""
    query = f", or a query, \"FROM '{path}'\"" if form in TEXTS else ""
    return f": give the frame, pandas.{_READERS[form].format(path)}{query}"

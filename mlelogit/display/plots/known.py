"""What a user has found before, and gives to be drawn: it must be of this fit, and come alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlelogit.data.encoding import Encoding
from mlelogit.data.frames import list_some
from mlelogit.exceptions import OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.interpretation.margins.requests import write_factor_level

# What stands between the names in a contrast of categories: ``(b - a) - (c - a)``.
BETWEEN = re.compile(r"[()\- ]*")


def refuse_options(what: str, given: Mapping[str, Any]) -> None:
    """Raise `OptionError` if options come with what is known, as they would do nothing.

    Parameters
    ----------
    what : str
        What is known.
    given : mapping
        Name -> value of the options that were given.

    Examples
    --------
    >>> from mlelogit.display.plots.known import refuse_options
    >>> refuse_options("a Calibration", {})
    """
    if given:
        raise OptionError(
            f"{', '.join(given)} cannot go with {what} that is known: give "
            f"{'it' if len(given) == 1 else 'them'} where that is made."
        )


def check_variables(given: Any) -> None:
    """Raise `OptionError` if what should name variables is empty, or results of some kind."""
    if isinstance(given, list | tuple) and not given:
        raise OptionError("variables is empty; leave it out for the effects of all.")
    if hasattr(given, "record") or hasattr(given, "summary_frame"):
        raise OptionError(
            f"variables are names, or the Margins of res.margins(), not {type(given).__name__}."
        )


def check_categories(encoding: Encoding, held: Iterable[Any], what: str) -> None:
    """Raise `OptionError` unless what is known has categories of this fit, or contrasts of them.

    Parameters
    ----------
    encoding : Encoding
    held : iterable of labels
        The categories that it has.
    what : str
        What is known.
    """
    own = set(encoding.categories)
    words = {str(name) for name in encoding.category_names} | set(map(write_factor_level, own))
    # Longest first, as one name can be part of another.
    every = re.compile("|".join(map(re.escape, sorted(filter(None, words), key=len)[::-1])))
    strange = [
        one
        for one in dict.fromkeys(held)
        if one not in own and not (isinstance(one, str) and BETWEEN.fullmatch(every.sub("", one)))
    ]
    if strange:
        raise OptionError(
            f"{what} is of another fit: its categories {list_some(strange, 5)} are none of "
            f"{list_some(encoding.categories, 20)}."
        )


def check_rows(record: FitRecord, other: FitRecord, what: str) -> None:
    """Raise `OptionError` unless what is known is of a fit to the same outcome and rows."""
    if other is record:
        return
    check_categories(record.encoding, other.encoding.categories, what)
    if not other.index.equals(record.index):
        raise OptionError(
            f"{what} is of another fit, with {len(other.index):,} rows, not the "
            f"{len(record.index):,} of this one."
        )

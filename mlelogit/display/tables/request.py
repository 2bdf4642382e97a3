"""Read what a table of models is asked to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice, check_flag, is_whole, write_value
from mlelogit.exceptions import OptionError
from mlelogit.inference.coefficients import check_alpha

LAYOUTS = ("wide", "long")
BELOW = ("std_err", "interval", "z", "p_value")
# Those of Stata's esttab.
STARS = (("*", 0.05), ("**", 0.01), ("***", 0.001))
# A double has no more than 17 digits.
MOST_DIGITS = 15
STATISTICS = ("nobs", "llf", "prsquared", "aic", "bic")


@dataclass(frozen=True, kw_only=True)
class TableRequest:
    """What a table is asked to show, read and checked.

    It is made of the options of `mlelogit.comparison.compare_models`, and has them as follows.

    Attributes
    ----------
    layout : str
        "wide" or "long".
    below : tuple of str
        What stands below a coefficient, line by line.
    exponentiate : bool
    stars : tuple of (str, float)
        Marks and thresholds, the largest threshold first.
    names : dict or None
        Name -> label of the rows to show, in order; all as they are if None.
    digits : int
    statistics : tuple of (str or None, object)
        Label (None: the usual one), and the name of a statistic or one value per model.
    alpha : float
    title : str

    Raises
    ------
    OptionError
        If an option is not what it may be.
    """

    layout: str = "wide"
    below: Any = "std_err"
    exponentiate: bool = False
    stars: Any = False
    names: Mapping[Any, str] | None = None
    digits: int = 3
    statistics: Any = STATISTICS
    alpha: float = 0.05
    title: str | None = None

    def __post_init__(self) -> None:
        check_choice("layout", self.layout, LAYOUTS)
        check_flag("exponentiate", self.exponentiate)
        if not is_whole(self.digits) or not 0 <= self.digits <= MOST_DIGITS:
            raise OptionError(
                f"digits must be a whole number from 0 to {MOST_DIGITS}, not "
                f"{write_value(self.digits)}."
            )
        if not (self.title is None or isinstance(self.title, str)):
            raise OptionError(f"title must be a text, not {write_value(self.title)}.")
        read: dict[str, Any] = {
            "below": _read_below(self.below),
            "stars": _read_stars(self.stars),
            "names": _read_names(self.names),
            "statistics": read_statistics(self.statistics),
            "alpha": check_alpha(self.alpha),
            "title": self.title or "",
        }
        for name, value in read.items():
            object.__setattr__(self, name, value)

    def mark(self, p_value: float) -> str:
        """Return the marks of a p-value; none if it is not a number."""
        found = ""
        for mark, threshold in self.stars:
            found = mark if p_value < threshold else found
        return found


def _read_below(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    words = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    for word in words:
        check_choice("below", word, BELOW)
    if len(set(words)) < len(words):
        raise OptionError(f"below names something twice: {write_value(given)}.")
    return tuple(words)


def _read_stars(given: Any) -> tuple[tuple[str, float], ...]:
    if isinstance(given, bool | np.bool_):
        return STARS if given else ()
    wanted = (
        "stars must be True, False or a mapping of marks without digits to thresholds between 0 "
        f"and 1, such as {dict(STARS)}, not {write_value(given)}."
    )
    if not isinstance(given, Mapping):
        raise OptionError(wanted)
    for mark, threshold in given.items():
        number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
        if not (_is_mark(mark) and number and 0 < threshold < 1):
            raise OptionError(wanted)
    if len(set(given.values())) < len(given):
        raise OptionError(f"Two marks of stars have the same threshold: {write_value(given)}.")
    return tuple(sorted(((m, float(t)) for m, t in given.items()), key=lambda pair: -pair[1]))


def _is_mark(mark: Any) -> bool:
    """Tell whether a mark is a text that cannot be taken for digits of the number before it."""
    return isinstance(mark, str) and bool(mark.strip()) and not set(mark) & set("0123456789.,-()[]")


def _read_names(given: Any) -> dict[Any, str] | None:
    if given is None:
        return None
    if isinstance(given, Mapping) and given:
        if not all(isinstance(label, str) and label.strip() for label in given.values()):
            raise OptionError(f"The labels in names must be texts: {write_value(given)}.")
        return dict(given)
    raise OptionError(
        "names must map names of coefficients to labels, such as {'age': 'Age in years'}; it "
        f"chooses and orders the rows too. It is {write_value(given)}."
    )


def read_statistics(given: Any) -> tuple[tuple[str | None, Any], ...]:
    """Return (label or None, what is asked) of a sequence of names, or mapping of labels."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        if not all(isinstance(label, str) and label.strip() for label in given):
            raise OptionError(f"The labels in statistics must be texts: {write_value(given)}.")
        return tuple(given.items())
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise OptionError(
            "statistics must be names such as ('nobs', 'llf'), or a mapping of labels to names or "
            f"functions of the results, not {write_value(given)}."
        )
    asked = list(given)
    for one in asked:
        if not isinstance(one, str):
            raise OptionError(
                f"A statistic that is no name needs a label: {{'label': {write_value(one)}}}."
            )
        if asked.count(one) > 1:
            raise OptionError(f"statistics names {one!r} twice.")
    return tuple((None, one) for one in asked)

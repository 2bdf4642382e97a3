"""Which level of each factor the others are compared with, told under every table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from mlelogit.data.columns import tidy_name
from mlelogit.data.expressions import hide_names
from mlelogit.fitting.record import FitRecord

# What formulaic writes before a level, or for polynomials alone, in the name of a column.
CODINGS = {"S.": "sum", "H.": "Helmert", "D.": "difference", ".": "polynomial"}
_POLYNOMIAL = re.compile(r"\.(?:[LQC]|\^\d+)")


def tell_references(record: FitRecord) -> Iterable[str]:
    """Say the reference level of each factor that has one, and how those without are coded.

    Of a factor that has a column for every level wherever it stands there is nothing to say.

    Parameters
    ----------
    record : FitRecord

    Yields
    ------
    str
        At most two sentences.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.display.references import tell_references
    >>> res = ml.mnlogit("PID ~ vote", ml.datasets.load_anes96()).fit()
    >>> list(tell_references(res.record))
    ['Reference levels: vote = Clinton.']
    """
    references, codings = [], []
    for expression, known in (record.encoding.levels or {}).items():
        factor = tidy_name(hide_names(expression))
        levels = list(map(str, known))
        marks = _find_marks(factor, record.encoding.all_names)
        signs = {_tell_sign(mark, set(levels)) for mark in marks}
        if "T." in signs:
            left = [level for level in levels if f"T.{level}" not in marks]
            references += [f"{factor} = {level}" for level in left]
        codings += [f"{factor} {CODINGS[sign]}" for sign in CODINGS if sign in signs]
    if references:
        yield f"Reference levels: {'; '.join(references)}."
    if codings:
        yield f"Contrasts in place of a reference level: {'; '.join(codings)}."


def _find_marks(factor: str, names: Sequence[Any]) -> set[str]:
    """Return what stands in brackets behind a factor, in products too."""
    opening = re.compile(rf"(?:^|:){re.escape(factor)}\[")
    marks = set()
    for name in map(str, names):
        for found in opening.finditer(name):
            rest = name[found.end() :]
            marks |= {rest[: end.start()] for end in re.finditer(r"\](?=:|$)", rest)}
    return marks


def _tell_sign(mark: str, levels: set[str]) -> str:
    """Return the sign of a coding, empty where a column stands for its level."""
    if mark in levels:
        return ""
    if mark[2:] in levels:
        return mark[:2]
    return "." if _POLYNOMIAL.fullmatch(mark) else ""

"""Values as JSON and back, type and all: categories, levels, names, what transforms learned.

Texts, truth values, whole numbers that a double holds, finite floats and None are JSON's own, and
so are lists and dictionaries of them whose keys are texts. All else is an object of two members,
``{"type": ..., "value": ...}``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import DamagedFitError, SavedFitError
from mlelogit.saving.kinds import LEAVES, need

# Whole numbers beyond are others in languages whose numbers are doubles.
LARGEST_WHOLE = 2**53
# Deeper than any value of a fit: transforms keep dictionaries of dictionaries.
DEEPEST = 12
TAG = frozenset({"type", "value"})
CONTAINERS = {"tuple": tuple, "frozenset": frozenset, "dict": dict, "Interval": pd.Interval}


def encode_value(value: Any, what: str, depth: int = 0) -> Any:
    """Return a value as JSON that `decode_value` makes the same value of, of the same type.

    Parameters
    ----------
    value : object
    what : str
        What it is, for the message.
    depth : int
        How deep inside another value it is.

    Returns
    -------
    None, bool, int, float, str, list or dict

    Raises
    ------
    SavedFitError
        If it is of a type that is not among those listed in ``docs/guides/saving.md``, or would
        not come back as it was.

    Examples
    --------
    >>> from mlelogit.saving.values import decode_value, encode_value
    >>> encode_value(("a", 1, 0.5), "a name")
    {'type': 'tuple', 'value': ['a', 1, 0.5]}
    >>> decode_value(_, "a name")
    ('a', 1, 0.5)
    """
    if depth > DEEPEST:
        raise SavedFitError(f"{what} is nested more than {DEEPEST} deep, which no file keeps.")
    kind = type(value)
    if kind is str:
        return check_text(value, what)
    if value is None or kind is bool or (kind is int and abs(value) <= LARGEST_WHOLE):
        return value
    if kind is float and math.isfinite(value):
        return value
    inner = what, depth + 1
    if kind is list:
        return [encode_value(item, *inner) for item in value]
    if kind is dict and all(type(key) is str for key in value) and value.keys() != TAG:
        return {check_text(key, what): encode_value(item, *inner) for key, item in value.items()}
    for name, container in CONTAINERS.items():
        if kind is container:
            return {"type": name, "value": _write_items(value, *inner)}
    return _encode_leaf(value, what)


def _encode_leaf(value: Any, what: str) -> dict[str, Any]:
    kind = type(value)
    said = f"{what} is {write_value(value)}, of type {kind.__module__}.{kind.__qualname__}, which"
    advice = "make it a text or a number before the fit"
    for name, leaf in LEAVES.items():
        if kind not in leaf.types:
            continue
        try:
            made = {"type": name, "value": leaf.write(value)}
            back = leaf.read(made["value"])
        except (ValueError, TypeError, OverflowError, LookupError) as error:
            raise SavedFitError(f"{said} a file does not keep ({error}); {advice}.") from error
        if type(back) is kind and repr(back) == repr(value):
            return made
        raise SavedFitError(f"{said} would not come back from a file as it is; {advice}.")
    raise SavedFitError(f"{said} a file does not keep; {advice}.")


def _write_items(value: Any, what: str, depth: int) -> list:
    if isinstance(value, dict):
        return [[encode_value(item, what, depth) for item in pair] for pair in value.items()]
    if isinstance(value, pd.Interval):
        value = [value.left, value.right, value.closed]
    elif isinstance(value, frozenset):
        value = sorted(value, key=repr)
    return [encode_value(item, what, depth) for item in value]


def check_text(text: str, what: str) -> str:
    """Return a text, or raise `SavedFitError` if it is none that a file can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SavedFitError(
            f"{what} is {write_value(text)}, with half of a surrogate pair, which is no Unicode "
            "text and cannot be written to a file; rename it."
        ) from error
    return text


def decode_value(made: Any, what: str, depth: int = 0) -> Any:
    """Return the value that `encode_value` wrote.

    Raises
    ------
    DamagedFitError
        If it is of no known type, or not how such a value is written.
    """
    if depth > 2 * DEEPEST:
        raise DamagedFitError(f"{what} is nested too deep for a value.")
    if isinstance(made, float) and not math.isfinite(made):
        raise DamagedFitError(f"{what} is a number beyond all doubles.")
    if isinstance(made, list):
        return [decode_value(item, what, depth + 1) for item in made]
    if not isinstance(made, dict):
        return made
    if made.keys() != TAG:
        return {key: decode_value(item, what, depth + 1) for key, item in made.items()}
    name, value = made["type"], made["value"]
    try:
        if name in CONTAINERS:
            return _read_items(name, need(value, list), what, depth + 1)
        with np.errstate(all="ignore"):
            return LEAVES[name].read(value)
    except DamagedFitError:
        raise
    except Exception as error:
        # Readers of dates and their like raise whatever their libraries do.
        said = f"{what} is no value of type {write_value(name)}: {write_value(value)}."
        raise DamagedFitError(said) from error


def _read_items(name: str, made: list, what: str, depth: int) -> Any:
    items = [decode_value(item, what, depth) for item in made]
    if name == "tuple":
        return tuple(items)
    if name == "Interval":
        return pd.Interval(items[0], items[1], need(items[2], str))
    found = frozenset(items) if name == "frozenset" else dict(items)
    if len(found) < len(items):
        raise ValueError("equal items")
    return found

"""The encoding of a fit as JSON, and back only if it is one that a fit can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any

import numpy as np

from mlelogit.data.encoding import Encoding
from mlelogit.data.outcome import OUTCOME_KINDS
from mlelogit.data.outward import FRAMES
from mlelogit.saving.reading import Part
from mlelogit.saving.values import encode_value

KINDS = ("number", "category")
# Fields whose order says nothing.
SETS = ("numbers", "truths")


def encode_encoding(encoding: Encoding) -> dict[str, Any]:
    """Return an encoding as an object: every field, under its own name.

    Raises
    ------
    SavedFitError
        If a category, a level or a name is of a type that a file does not keep; the message
        says which.
    """
    return {
        field.name: _encode(field.name, getattr(encoding, field.name)) for field in fields(Encoding)
    }


def _encode(name: str, value: Any) -> Any:
    said = f"{name} of the encoding"
    if value is None:
        return None
    if name in SETS:
        return sorted((encode_value(item, said) for item in value), key=repr)
    if isinstance(value, tuple):
        return [encode_value(item, f"{said}[{i}]") for i, item in enumerate(value)]
    if name == "omitted":
        return [[encode_value(key, said), encode_value(why, said)] for key, why in value.items()]
    if name == "terms":
        return {encode_value(term, said): list(place) for term, place in value.items()}
    return encode_value(_plain(value) if name == "transform_state" else value, said)


def _plain(value: Any) -> Any:
    """Return what transforms learned with doubles as Python's own, which read the same anywhere."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if type(value) is np.float64 else value


def decode_encoding(part: Part) -> Encoding:
    """Read an encoding; its parts agree with each other, and its formula is for others to judge.

    Raises
    ------
    DamagedFitError
        If it lacks something, has something else, or contradicts itself.
    """
    known = {field.name: field for field in fields(Encoding)}
    needed = {name for name, field in known.items() if not _has_default(field)}
    found = part.members(needed, set(known))
    made = {name: READERS[name](item) for name, item in found.items()}
    encoding = Encoding(**made)
    _check_columns(part, encoding)
    _check_categories(part, encoding)
    _check_formula_parts(part, encoding)
    return encoding


def _has_default(field: Field) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _check_columns(part: Part, encoding: Encoding) -> None:
    every = encoding.all_names
    if not encoding.names or len(set(every)) < len(every):
        raise part.refuse("has no names of columns, or one of them twice")
    if tuple(every[i] for i in encoding.kept) != encoding.names:
        raise part.refuse("has names that are not its columns without those omitted")
    if not set(encoding.omitted) <= set(every):
        raise part.refuse("omits what is none of its columns")
    constant = encoding.constant
    if constant is not None and (constant not in every or encoding.rhs is not None):
        raise part.refuse("has a constant that is none of its columns, or beside a formula")


def _check_categories(part: Part, encoding: Encoding) -> None:
    categories, declared = encoding.categories, encoding.declared
    if len(categories) < 2 or len(set(categories)) < len(categories):
        raise part.refuse("has fewer than two categories, or one of them twice")
    if not encoding.base < len(categories):
        raise part.refuse(f"has base {encoding.base} of {len(categories)} categories")
    if tuple(label for label in declared if label in set(categories)) != categories:
        raise part.refuse("has categories that it does not declare")
    layout = encoding.offset_layout
    if layout is None:
        return
    if len(set(layout)) < len(layout) or not set(categories) - set(layout) <= {
        encoding.base_category
    }:
        raise part.refuse("has an offset of other categories than its own")


def _check_formula_parts(part: Part, encoding: Encoding) -> None:
    others = encoding.terms, encoding.levels, encoding.transform_state
    parts = (encoding.formula, encoding.kinds, *others)
    if encoding.rhs is None:
        if any(one is not None for one in parts) or encoding.variables or encoding.numbers:
            raise part.refuse("has no right side, and other parts of a formula")
        return
    if any(one is None for one in parts):
        raise part.refuse("has a right side, and lacks other parts of a formula")
    variables = set(encoding.variables)
    if set(encoding.kinds or ()) != variables or not encoding.numbers <= variables:
        raise part.refuse("has kinds of other variables than its own")
    end = 0
    for start, stop in (encoding.terms or {}).values():
        if start != end or stop < start:
            raise part.refuse("has terms that do not follow each other")
        end = stop
    if end != len(encoding.names):
        raise part.refuse("has terms of more columns than it has, or of fewer")


def _read_text(part: Part) -> str | None:
    return part.maybe(Part.text)


def _read_object(part: Part, read: Callable[[Part], Any]) -> dict[str, Any] | None:
    if part.made is None:
        return None
    allowed = set(part.made) if isinstance(part.made, dict) else set()
    return {name: read(item) for name, item in part.members(set(), allowed).items()}


def _read_place(part: Part) -> tuple[int, int]:
    places = part.items()
    if len(places) != 2:
        raise part.refuse("is no pair of places")
    return places[0].whole(), places[1].whole()


def _read_levels(part: Part) -> list:
    levels = list(part.labels())
    if not levels or len(set(levels)) < len(levels):
        raise part.refuse("has no levels, or one of them twice")
    return levels


READERS: dict[str, Callable[[Part], Any]] = {
    "names": Part.labels,
    "categories": Part.labels,
    "base": Part.whole,
    "outcome_name": Part.label,
    "outcome_kind": lambda part: part.text(OUTCOME_KINDS),
    "declared": Part.labels,
    "offset_layout": lambda part: part.maybe(Part.labels),
    "offset_names": Part.texts,
    "formula": _read_text,
    "rhs": _read_text,
    "variables": Part.texts,
    "kinds": lambda part: _read_object(part, lambda kind: kind.text(KINDS)),
    "numbers": lambda part: frozenset(part.texts()),
    "truths": lambda part: frozenset(part.labels()),
    "terms": lambda part: _read_object(part, _read_place),
    "levels": lambda part: _read_object(part, _read_levels),
    "transform_state": lambda part: _read_object(part, Part.value),
    "wide": Part.truth,
    "omitted": lambda part: {name: why.text() for name, why in part.pairs()},
    "columns": Part.labels,
    "constant": lambda part: part.maybe(Part.label),
    "frame_kind": lambda part: part.text(FRAMES),
}

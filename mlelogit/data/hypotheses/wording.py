"""The words of hypotheses: names of coefficients, numbers and signs, and what they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.exceptions import ParamsError

RELATIONS = {"==": "=", "=": "=", "<=": "<=", ">=": ">="}
NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
CODED = re.compile(r"C\(([^,()]+)(?:,.*)?\)")
SIGN = re.compile(r"==|<=|>=|[-+*=,]")
# Relations of other programs, and strict ones, which no fit could be held to.
FOREIGN = re.compile(r"=[<>]|[<>!~]==?|<>|[<>≤≥≠]")
# Where a name that is not known ends, as far as can be told.
END = re.compile(r"\s*(?:[=*,≤≥≠]|[<>!~]=)|\s(?:[-+<>]|<>)\s")


@dataclass(frozen=True)
class Reference:
    """What a name in a hypothesis stands for: columns, in one equation or (None) in all."""

    equation: int | None
    columns: tuple[int, ...]


def list_coefficients(encoding: Encoding) -> list[str]:
    """Name every coefficient "category: name", equation by equation."""
    names = encoding.category_names
    others = names[: encoding.base] + names[encoding.base + 1 :]
    return [f"{category}: {name}" for category in others for name in encoding.names]


def locate_names(encoding: Encoding) -> dict[Any, tuple[int, ...]]:
    """Return what names stand for: columns, and terms of several."""
    terms = {
        name: tuple(range(*at)) for name, at in (encoding.terms or {}).items() if at[1] > at[0]
    }
    return terms | {name: (i,) for i, name in enumerate(encoding.names)}


def find_pair(pair: tuple, encoding: Encoding) -> Reference | None:
    """Return what a pair (category, name) stands for; None if it is no such pair."""
    if len(pair) != 2:
        return None
    categories = [i for i, label in enumerate(encoding.categories) if _same(label, pair[0])]
    columns = locate_names(encoding).get(pair[1]) if _is_hashable(pair[1]) else None
    return Reference(categories[0], columns) if categories and columns else None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, str) != isinstance(right, str) or not np.isscalar(right):
        return type(left) is type(right) and isinstance(left, tuple) and left == right
    return bool(left == right)


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def split_statements(
    tokens: list, text: str, encoding: Encoding
) -> Iterator[tuple[list, str, list]]:
    """Split tokens at commas and relations; one without a relation is set against zero."""
    for statement in _split(tokens, (",",)):
        relations = [token for token in statement if token in RELATIONS.values()]
        sides = _split(statement, tuple(RELATIONS.values()))
        if not all(sides):
            raise ParamsError(_refuse_text(text, encoding, "has an empty side"))
        if not relations:
            yield sides[0], "", [0.0]
        for i, relation in enumerate(relations):
            yield sides[i], relation, sides[i + 1]


def _split(tokens: list, marks: tuple[str, ...]) -> list[list]:
    parts: list[list] = [[]]
    for token in tokens:
        if isinstance(token, str) and token in marks:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


@dataclass(frozen=True)
class Readings:
    """All ways to write a coefficient, and what each can mean.

    Attributes
    ----------
    encoding : Encoding
    meanings : dict
        Text -> references. ``[category: name]`` and ``[name]`` are never taken for anything else.
    lengths : tuple of int
        Of the texts, the longest first.
    """

    encoding: Encoding
    meanings: dict[str, set[Reference]]
    lengths: tuple[int, ...]

    def find(self, text: str, at: int, shorter: int | None = None) -> str | None:
        """Return the longest text that stands here, below some length if one is given."""
        for length in self.lengths:
            if shorter is not None and length >= shorter:
                continue
            name = text[at : at + length]
            if len(name) == length and name in self.meanings and _ends(text, at, name):
                return name
        return None

    def write(self, label: str) -> str:
        """Return a coefficient's label as it can be read back: in brackets if it has to be."""
        try:
            alone = not SIGN.search(label) or len(list(scan_words(label, self))) == 1
        except ParamsError:
            alone = False
        return label if alone and f"-{label}" not in self.meanings else f"[{label}]"


def list_readings(encoding: Encoding) -> Readings:
    """List all ways to write a coefficient."""
    meanings: dict[str, set[Reference]] = {}
    for name, where in list_spellings(encoding).items():
        for text in (str(name), f"[{name}]"):
            meanings.setdefault(text, set()).add(Reference(None, where))
        for equation, category in enumerate(encoding.category_names):
            for text in (f"{category}: {name}", f"{category}:{name}", f"[{category}: {name}]"):
                meanings.setdefault(text, set()).add(Reference(equation, where))
    lengths = sorted({len(text) for text in meanings if text}, reverse=True)
    return Readings(encoding, meanings, tuple(lengths))


def list_spellings(encoding: Encoding) -> dict[Any, tuple[int, ...]]:
    """Return what names stand for; those of a formula also without spaces, and without ``C()``."""
    columns = locate_names(encoding)
    others: dict[str, set[tuple[int, ...]]] = {}
    for name, where in columns.items() if encoding.rhs is not None else ():
        coded = CODED.fullmatch(name)
        for text in (name.replace(" ", ""), coded.group(1) if coded else name):
            others.setdefault(text, set()).add(where)
    alone = {text: where.pop() for text, where in others.items() if len(where) == 1}
    return alone | columns


def scan_words(text: str, readings: Readings) -> Iterator[str | float | Reference]:
    """Cut a text into references, numbers and signs; the longest name that fits is meant.

    Raises
    ------
    ParamsError
        If something is no name, number or sign, a name means two things, or what is written
        is a name and could be an expression too.
    """
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token, after = _read_word(text, at, readings)
        if isinstance(token, str) and token in readings.meanings:
            _refuse_expression(token, readings)
            yield _settle(readings.meanings[token], token)
        else:
            yield RELATIONS.get(token, token) if isinstance(token, str) else token
        at = after


def _read_word(
    text: str, at: int, readings: Readings, shorter: int | None = None
) -> tuple[str | float, int]:
    """Return the name, number or sign that stands here, and where it ends."""
    name, number = readings.find(text, at, shorter), NUMBER.match(text, at)
    if name is not None and not (number and len(number.group()) >= len(name)):
        return name, at + len(name)
    if number and not text[number.end() :].lstrip().startswith(":"):
        return _read_number(number.group()), number.end()
    sign = SIGN.match(text, at)
    _refuse_relation(text, at, readings)
    if sign is None:
        raise ParamsError(refuse_name(text[at:], readings.encoding))
    return sign.group(), sign.end()


def _refuse_relation(text: str, at: int, readings: Readings) -> None:
    """Raise if a relation stands here that is none of ours, and say how ours are written."""
    found = FOREIGN.match(text, at)
    if found is None or found.group() in RELATIONS:
        return
    if found.group().startswith("=") and readings.find(text, at + 1) is not None:
        return
    raise ParamsError(
        f"{text!r} has {found.group()!r}. Bounds are written >= or <= (they hold with equality "
        "too, so that there is no strict one), and equations =."
    )


def _read_number(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ParamsError(f"The number {text} is beyond a double.")
    return value


def _refuse_expression(name: str, readings: Readings) -> None:
    """Raise if a name holds signs, and is made of other names, numbers and signs."""
    if name.startswith("[") or not SIGN.search(name):
        return
    parts, at = [], 0
    try:
        while at < len(name):
            at += len(name) - at - len(name[at:].lstrip())
            token, at = _read_word(name, at, readings, len(name))
            parts.append(f"[{token}]" if token in readings.meanings else str(token))
    except ParamsError:
        return
    raise ParamsError(
        f"{name!r} can be read as one name and as {' '.join(parts)!r}. Write '[{name}]' for the "
        "name, and brackets around the names that are meant otherwise."
    )


def _ends(text: str, at: int, name: str) -> bool:
    """Tell whether a name that stands here is not the beginning of a longer word."""
    after = text[at + len(name) : at + len(name) + 1]
    return not ((name[-1].isalnum() or name[-1] == "_") and (after.isalnum() or after == "_"))


def _settle(meanings: set[Reference], name: str) -> Reference:
    if len(meanings) > 1:
        raise ParamsError(f"{name!r} can mean two coefficients; write a pair (category, name).")
    return next(iter(meanings))


def sum_terms(
    tokens: list, text: str, encoding: Encoding
) -> tuple[list[tuple[float, Reference]], float]:
    """Read a sum: weights of coefficients, and the constant beside them."""
    terms: list[tuple[float, Reference]] = []
    constant, at = 0.0, 0
    while at < len(tokens):
        sign = 1.0
        while at < len(tokens) and tokens[at] in ("+", "-"):
            sign, at = -sign if tokens[at] == "-" else sign, at + 1
        weight, reference, at = _read_product(tokens, at, text, encoding)
        if reference is None:
            constant += sign * weight
        else:
            terms.append((sign * weight, reference))
        if at < len(tokens) and tokens[at] not in ("+", "-"):
            raise ParamsError(_refuse_text(text, encoding, "cannot be read"))
    return terms, constant


def _read_product(
    tokens: list, at: int, text: str, encoding: Encoding
) -> tuple[float, Reference | None, int]:
    """Read numbers and at most one coefficient with a * between them."""
    weight, reference = 1.0, None
    while at < len(tokens):
        factor = tokens[at]
        if isinstance(factor, float):
            weight *= factor
        elif isinstance(factor, Reference) and reference is None:
            reference = factor
        else:
            break
        at += 1
        if at == len(tokens) or tokens[at] != "*":
            return weight, reference, at
        at += 1
    raise ParamsError(_refuse_text(text, encoding, "cannot be read"))


def _refuse_text(text: str, encoding: Encoding, why: str) -> str:
    first, last = list_coefficients(encoding)[0], list_coefficients(encoding)[-1]
    return (
        f"{text!r} {why}. Write sums of coefficients, such as '{first} = 2*{last}', with a * "
        "between a number and a coefficient."
    )


def refuse_name(text: Any, encoding: Encoding) -> str:
    """Say that a name is no coefficient, why, and what would be."""
    for name, reason in encoding.omitted.items():
        for written in (str(name), *(f"{c}: {name}" for c in encoding.category_names)):
            here = isinstance(text, str) and text.startswith(written) and _ends(text, 0, written)
            paired = isinstance(text, tuple) and len(text) == 2 and _same(name, text[1])
            if here or paired or _same(name, text):
                said = f"{text[0]}: {name}" if paired else written
                return f"{said!r} was left out, since {reason}; it has no coefficient."
    labels = list_coefficients(encoding)
    known = ", ".join(map(str, encoding.names))
    pair = (encoding.others[0], encoding.names[0])
    said = END.split(text, maxsplit=1)[0] if isinstance(text, str) else text
    return (
        f"{write_value(said or text)} is no coefficient. Write a name ({known}), 'category: name' "
        f"such as {labels[0]!r}, or a pair such as {pair!r}."
    )

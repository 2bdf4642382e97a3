"""The words of hypotheses: names of coefficients, numbers and signs, and what they add up to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.exceptions import ParamsError

RELATIONS = {"==": "=", "=": "=", "<=": "<=", ">=": ">="}
NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
SIGN = re.compile(r"==|<=|>=|[-+*=,]")


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


def list_columns(encoding: Encoding) -> dict[Any, tuple[int, ...]]:
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
    columns = list_columns(encoding).get(pair[1]) if _is_hashable(pair[1]) else None
    return Reference(categories[0], columns) if categories and columns else None


def _same(left: Any, right: Any) -> bool:
    return (type(left) is type(right) and bool(left == right)) or (
        not isinstance(left, str) and not isinstance(right, str) and bool(left == right)
    )


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


def scan_words(text: str, encoding: Encoding) -> Iterator[str | float | Reference]:
    """Cut a text into references, numbers and signs; the longest name that fits is meant."""
    names = _list_readings(encoding)
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        name = next((name for name in names if _starts(text, at, name)), None)
        number = NUMBER.match(text, at)
        if name is not None and not (number and len(number.group()) >= len(name)):
            yield _settle(names[name], name)
            at += len(name)
        elif number:
            yield float(number.group())
            at = number.end()
        elif sign := SIGN.match(text, at):
            yield RELATIONS.get(sign.group(), sign.group())
            at = sign.end()
        else:
            raise ParamsError(refuse_name(text[at:], encoding))


def _starts(text: str, at: int, name: str) -> bool:
    """Tell whether a name stands here, and is not the beginning of a longer word."""
    if not name or not text.startswith(name, at):
        return False
    after = text[at + len(name) : at + len(name) + 1]
    return not ((name[-1].isalnum() or name[-1] == "_") and (after.isalnum() or after == "_"))


def _list_readings(encoding: Encoding) -> dict[str, set[Reference]]:
    """Return all ways to write a coefficient, the longest first, and what each can mean."""
    columns = list_columns(encoding)
    readings: dict[str, set[Reference]] = {}
    for name, where in columns.items():
        readings.setdefault(str(name), set()).add(Reference(None, where))
        for equation, category in enumerate(encoding.category_names):
            for text in (f"{category}: {name}", f"{category}:{name}"):
                readings.setdefault(text, set()).add(Reference(equation, where))
    return dict(sorted(readings.items(), key=lambda item: -len(item[0])))


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
            if text == name or (isinstance(text, str) and _starts(text, 0, written)):
                return f"{written!r} was left out, since {reason}; it has no coefficient."
    labels = list_coefficients(encoding)
    known = ", ".join(map(str, encoding.names))
    pair = (encoding.others[0], encoding.names[0])
    return (
        f"{write_value(text)} is no coefficient. Write a name ({known}), 'category: name' such as "
        f"{labels[0]!r}, or a pair such as {pair!r}."
    )

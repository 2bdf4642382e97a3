"""What a fit was held to, and whether its data are separated, as JSON and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.fitting.constrained.constraints import Constraints
from mlelogit.fitting.limit import Separation
from mlelogit.saving.estimates import Sizes, decode_certificate, encode_certificate
from mlelogit.saving.kinds import encode_float
from mlelogit.saving.numbers import encode_array
from mlelogit.saving.reading import Part
from mlelogit.saving.values import encode_value

RELATIONS = ("=", "<=", ">=")
VERDICTS = ("none", "quasi-complete", "complete", "undecided")
SEPARATION = {"verdict", "proof", "pairs", "separated", "direction", "tie", "estimable", "free"}
SEPARATION |= {"sure", "certificate", "examples"}


def encode_restriction(restriction: Restriction | None) -> dict[str, Any] | None:
    """Return linear equations and bounds as an object."""
    if restriction is None:
        return None
    return {
        "matrix": encode_array(restriction.matrix),
        "values": encode_array(restriction.values),
        "relations": list(restriction.relations),
        "words": [encode_value(word, "a constraint") for word in restriction.words],
    }


def decode_restriction(part: Part, sizes: Sizes) -> Restriction:
    """Read linear equations and bounds."""
    found = part.members(set(Restriction.__dataclass_fields__))
    values = found["values"].vector(finite=True)
    relations = tuple(one.text(RELATIONS) for one in found["relations"].items())
    words = found["words"].texts()
    if not len(values) == len(relations) == len(words):
        raise part.refuse("has parts of different lengths")
    matrix = found["matrix"].matrix(len(values), sizes.params, finite=True)
    return Restriction(matrix, values, relations, words)


def encode_constraints(constraints: Constraints | None) -> dict[str, Any] | None:
    """Return all that was asked of the params, and what it costs, as an object."""
    if constraints is None:
        return None
    return {
        "given": encode_restriction(constraints.given),
        "held": encode_array(constraints.held),
        "implied": encode_array(constraints.implied),
        "multipliers": encode_array(constraints.multipliers),
    }


def decode_constraints(part: Part, sizes: Sizes) -> Constraints:
    """Read all that was asked of the params, and what it costs."""
    found = part.members(set(Constraints.__dataclass_fields__))
    given = decode_restriction(found["given"], sizes)
    return Constraints(
        given,
        found["held"].vector(len(given), bool),
        found["implied"].vector(len(given), bool),
        found["multipliers"].vector(len(given)),
    )


def encode_separation(separation: Separation, examples: Any) -> dict[str, Any]:
    """Return what was found of separation as an object; which rows it was is not kept.

    Parameters
    ----------
    separation : Separation
    examples : sequence of tuple
        Category, category not, how many rows of the first cannot be of the second, by position;
        and the number of one of them, or None.
    """
    return {
        "verdict": separation.verdict,
        "proof": separation.proof,
        "pairs": int(separation.pairs),
        "separated": int(separation.separated),
        "direction": encode_array(separation.direction),
        "tie": encode_float(separation.tie),
        "estimable": encode_array(separation.estimable),
        "free": encode_array(separation.free),
        "sure": encode_array(separation.sure),
        "certificate": encode_certificate(separation.certificate),
        "examples": [list(map(_plain, one)) for one in examples],
    }


def _plain(number: Any) -> int | None:
    return None if number is None else int(number)


def decode_separation(part: Part, sizes: Sizes) -> Separation:
    """Read what was found of separation."""
    found = part.members(SEPARATION)
    size = sizes.params
    direction = found["direction"].maybe(lambda one: one.vector(size, finite=True))
    spaces = [_read_space(found[name], size) for name in ("estimable", "free")]
    sure = found["sure"].maybe(lambda one: one.vector(size))
    known = [one is not None for one in (direction, *spaces)]
    if any(known) and not all(known):
        raise part.refuse("has only some of what tells which coefficients are infinite")
    verdict = found["verdict"].text(VERDICTS)
    if (direction is not None) != (verdict in ("quasi-complete", "complete")):
        raise part.refuse("has another verdict than what it tells of directions")
    examples = tuple(_read_example(one, sizes) for one in found["examples"].items())
    return Separation(
        verdict=verdict,
        proof=found["proof"].text(),
        pairs=found["pairs"].whole(),
        separated=found["separated"].whole(),
        direction=direction,
        tie=found["tie"].number(finite=True),
        estimable=spaces[0],
        free=spaces[1],
        sure=sure,
        certificate=found["certificate"].maybe(decode_certificate),
        examples=examples if direction is not None else None,
    )


def _read_space(part: Part, size: int) -> np.ndarray | None:
    if part.made is None:
        return None
    rows = part.items()
    width = len(rows[0].items()) if rows else 0
    return part.matrix(size, width, finite=True)


def _read_example(part: Part, sizes: Sizes) -> tuple[int, int, int, int | None]:
    items = part.items()
    if len(items) != 4:
        raise part.refuse("is no example of four numbers")
    own, other = (item.whole(0, sizes.equations) for item in items[:2])
    return own, other, items[2].whole(1), items[3].maybe(Part.whole)

"""A fit as one JSON document, part by part, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.report import find_examples
from mlelogit.inference.covariance import Covariance
from mlelogit.saving.conditions import (
    decode_constraints,
    decode_restriction,
    decode_separation,
    encode_constraints,
    encode_restriction,
    encode_separation,
)
from mlelogit.saving.covariances import decode_covariance, encode_covariance
from mlelogit.saving.encoding import decode_encoding, encode_encoding
from mlelogit.saving.estimates import (
    Sizes,
    decode_basis,
    decode_maximum,
    decode_trace,
    encode_basis,
    encode_maximum,
    encode_trace,
)
from mlelogit.saving.formulas import check_formula_parts
from mlelogit.saving.numbers import encode_count
from mlelogit.saving.reading import Part
from mlelogit.saving.sample import (
    decode_audit,
    decode_facts,
    decode_null,
    decode_request,
    decode_weight_type,
    encode_audit,
    encode_facts,
    encode_null,
    encode_request,
    find_facts,
)

# Totals of weights are summed in another order than their number.
SAME_TOTAL = 1e-9
# Of scores, which differ by a thousand at most where probabilities do; doubles end at 1e308.
LARGEST = 1e100
PARTS = {"encoding", "weight_type", "nobs", "audit", "facts", "request", "estimates", "null"}
PARTS |= {"separation", "restriction", "constraints", "covariance", "basis", "trace", "data"}


def encode_fit(record: FitRecord, covariance: Covariance) -> dict[str, Any]:
    """Return a fit as the parts of a document, without its rows.

    Raises
    ------
    SavedFitError
        If a category, a level or a name is of a type that a file does not keep.
    """
    return {
        "encoding": encode_encoding(record.encoding),
        "weight_type": record.weight_type,
        "nobs": encode_count(record.nobs),
        "audit": encode_audit(record.audit),
        "facts": encode_facts(find_facts(record)),
        "request": encode_request(record.request),
        "estimates": encode_maximum(record.maximum, record.encoding),
        "covariance": encode_covariance(covariance, record.maximum),
        "null": encode_null(record.null),
        "separation": encode_separation(record.separation, _list_examples(record)),
        "restriction": encode_restriction(record.restriction),
        "constraints": encode_constraints(record.constraints),
        "basis": encode_basis(record.basis),
        "trace": encode_trace(record.maximum.trace),
        "data": None,
    }


def _list_examples(record: FitRecord) -> list[tuple]:
    """Return examples of rows that are told apart; a row only if its label is its number."""
    if record.separation.examples is not None:
        return list(record.separation.examples)
    found = find_examples(record)
    given = None if record.blocks is None else record.blocks.design.given
    numbered = given is not None and (given.index is None or isinstance(given.index, pd.RangeIndex))
    return [(*one[:3], record.index[one[3]] if numbered else None) for one in found]


def decode_fit(content: dict[str, Any]) -> tuple[FitRecord, Covariance]:
    """Read a fit, without its rows, from the parts of a document.

    Raises
    ------
    DamagedFitError
        If it lacks something, has something else, or contradicts itself; the message says where.
    UnsafeFitError
        If its formula holds anything but columns, numbers and named transforms.
    """
    parts = Part(content, "").members(PARTS)
    encoding = decode_encoding(parts["encoding"])
    sizes = Sizes(len(encoding.names), len(encoding.others))
    facts = decode_facts(parts["facts"], sizes)
    aside = (*encoding.offset_names, *([facts.weights_name] if facts.weights_name else []))
    check_formula_parts(parts["encoding"], encoding, aside)
    trace = decode_trace(parts["trace"], sizes)
    maximum = decode_maximum(parts["estimates"], trace, encoding, sizes)
    record = FitRecord(
        encoding=encoding,
        blocks=None,
        weight_type=decode_weight_type(parts["weight_type"]),
        request=decode_request(parts["request"], sizes),
        maximum=maximum,
        basis=decode_basis(parts["basis"], sizes),
        null=decode_null(parts["null"]),
        nobs=parts["nobs"].count(),
        audit=decode_audit(parts["audit"], encoding),
        index=pd.RangeIndex(0),
        separation=decode_separation(parts["separation"], sizes),
        restriction=parts["restriction"].maybe(lambda one: decode_restriction(one, sizes)),
        constraints=parts["constraints"].maybe(lambda one: decode_constraints(one, sizes)),
        facts=facts,
    )
    _check_together(parts, record)
    return record, decode_covariance(parts["covariance"], maximum, sizes)


def _check_together(parts: dict[str, Part], record: FitRecord) -> None:
    """Refuse parts that contradict each other."""
    total = sum(record.audit.categories.values())
    counted = record.weight_type != "sampling"
    if counted and abs(record.nobs - total) > SAME_TOTAL * max(total, 1.0):
        raise parts["nobs"].refuse(f"is {record.nobs}, and its categories have {total} in all")
    held = None if record.constraints is None else record.constraints.restriction
    words = [None if one is None else one.words for one in (held, record.restriction)]
    if words[0] != words[1]:
        raise parts["restriction"].refuse("is not what the constraints have in force")
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.abs(record.params) * record.basis.scale
        inside = np.abs(record.inner_params)
    if not (sizes < LARGEST).all() or not (inside < LARGEST).all():
        raise parts["estimates"].refuse(
            "has params that no fit finds: probabilities cannot be computed with them"
        )

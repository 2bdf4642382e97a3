"""What is known of the sample without its rows: how many, how weighed, which were dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlelogit.data.encoding import Encoding
from mlelogit.data.limits import MOST_THREADS
from mlelogit.data.rows import COLLINEAR_ACTIONS, WEIGHT_TYPES, Audit
from mlelogit.exceptions import MNLogitError
from mlelogit.fitting.penalties import BIAS_REDUCTIONS
from mlelogit.fitting.record import FitRecord, FitRequest, NullModel, RowFacts
from mlelogit.inference.fit_measures import measure_agreement
from mlelogit.saving.conditions import decode_restriction, encode_restriction
from mlelogit.saving.estimates import Sizes
from mlelogit.saving.imprint import POINTS, take_imprint
from mlelogit.saving.kinds import encode_float
from mlelogit.saving.numbers import encode_array, encode_count
from mlelogit.saving.reading import Part
from mlelogit.saving.values import encode_value


def encode_facts(facts: RowFacts) -> dict[str, Any]:
    """Return what is known of the rows as an object."""
    return {
        "way": facts.way,
        "weights_name": encode_value(facts.weights_name, "the name of the weights"),
        "collinear": facts.collinear,
        "rows": int(facts.rows),
        "probabilities": encode_array(facts.probabilities),
        "hits": encode_array(facts.hits),
        "squares": encode_float(facts.squares),
        "imprint": encode_array(facts.imprint),
    }


def find_facts(record: FitRecord) -> RowFacts:
    """Return what is known of the rows of a fit, in two passes over them if there is need."""
    if record.blocks is None:
        return record.facts or RowFacts()
    facts = RowFacts(record.way, record.weights_name, record.collinear, record.audit.rows_used)
    try:
        agreement, imprint = measure_agreement(record), take_imprint(record)
    except MNLogitError:  # Files may be gone by now, which is no reason to lose the fit.
        return facts
    return replace(
        facts,
        probabilities=agreement.probabilities,
        hits=agreement.hits,
        squares=agreement.squares,
        imprint=imprint,
    )


def decode_facts(part: Part, sizes: Sizes) -> RowFacts:
    """Read what is known of the rows."""
    found = part.members(set(RowFacts.__dataclass_fields__))
    count = sizes.equations + 1
    probabilities = found["probabilities"].maybe(lambda one: one.matrix(count, count))
    hits = found["hits"].maybe(lambda one: one.vector(count))
    for name, total in (("probabilities", probabilities), ("hits", hits)):
        if total is not None and (total < 0).any():
            raise found[name].refuse("has a total below zero")
    return RowFacts(
        found["way"].text(),
        found["weights_name"].text(),
        found["collinear"].text(COLLINEAR_ACTIONS),
        found["rows"].whole(1),
        probabilities,
        hits,
        found["squares"].number(),
        found["imprint"].maybe(lambda one: one.matrix(POINTS, 2, finite=True)),
    )


def encode_audit(audit: Audit) -> dict[str, Any]:
    """Return the audit of the rows as an object."""
    said = "a column with missing values"
    return {
        "rows_in": int(audit.rows_in),
        "rows_used": int(audit.rows_used),
        "rows_distinct": None if audit.rows_distinct is None else int(audit.rows_distinct),
        "dropped": {why: int(count) for why, count in audit.dropped.items()},
        "missing": [[encode_value(name, said), int(n)] for name, n in audit.missing.items()],
        "categories": [
            [encode_value(label, "a category"), encode_count(total)]
            for label, total in audit.categories.items()
        ],
        "unused": [encode_value(label, "an unused category") for label in audit.unused],
    }


def decode_audit(part: Part, encoding: Encoding) -> Audit:
    """Read the audit of the rows."""
    found = part.members(set(Audit.__dataclass_fields__))
    dropped = found["dropped"]
    allowed = set(dropped.made) if isinstance(dropped.made, dict) else set()
    categories = {label: total.count() for label, total in found["categories"].pairs()}
    if tuple(categories) != encoding.categories:
        raise found["categories"].refuse("are not those of the encoding")
    audit = Audit(
        found["rows_in"].whole(1),
        found["rows_used"].whole(1),
        {why: count.whole() for why, count in dropped.members(set(), allowed).items()},
        {name: count.whole() for name, count in found["missing"].pairs()},
        categories,
        found["unused"].labels(),
        found["rows_distinct"].maybe(lambda one: one.whole(1)),
    )
    if not audit.rows_used <= audit.rows_in:
        raise part.refuse("has more rows used than came in")
    return audit


def encode_null(null: NullModel) -> dict[str, Any]:
    """Return the null model as an object."""
    return {
        "loglike": encode_float(null.loglike),
        "kind": null.kind,
        "dimension": None if null.dimension is None else int(null.dimension),
        "outside": bool(null.outside),
    }


def decode_null(part: Part) -> NullModel:
    """Read the null model."""
    found = part.members(set(NullModel.__dataclass_fields__))
    return NullModel(
        found["loglike"].number(most=0.0),
        found["kind"].text(),
        found["dimension"].maybe(Part.whole),
        found["outside"].truth(),
    )


def encode_request(request: FitRequest) -> dict[str, Any]:
    """Return what was asked of the climb as an object."""
    return {
        "method": request.method,
        "start_params": encode_array(_floats(request.start_params)),
        "maxiter": None if request.maxiter is None else int(request.maxiter),
        "tolerance": encode_float(request.tolerance),
        "threads": None if request.threads is None else min(int(request.threads), MOST_THREADS),
        "covariance": bool(request.covariance),
        "bias_reduction": request.bias_reduction,
        "constraints": encode_restriction(request.constraints),
    }


def _floats(array: Any) -> np.ndarray | None:
    return None if array is None else np.asarray(array, dtype=np.float64)


def decode_request(part: Part, sizes: Sizes) -> FitRequest:
    """Read what was asked of the climb."""
    found = part.members(set(FitRequest.__dataclass_fields__))
    try:
        return FitRequest(
            method=found["method"].text(),
            start_params=found["start_params"].maybe(lambda one: one.vector(sizes.params)),
            maxiter=found["maxiter"].maybe(lambda one: one.whole(1)),
            tolerance=found["tolerance"].number(finite=True),
            threads=found["threads"].maybe(lambda one: one.whole(1, MOST_THREADS)),
            covariance=found["covariance"].truth(),
            bias_reduction=found["bias_reduction"].maybe(lambda one: one.text(BIAS_REDUCTIONS)),
            constraints=found["constraints"].maybe(lambda one: decode_restriction(one, sizes)),
        )
    except MNLogitError as error:
        raise part.refuse(f"asks for what no fit can do. {error}") from error


def decode_weight_type(part: Part) -> str | None:
    """Read the type of the weights."""
    return part.maybe(lambda one: one.text(WEIGHT_TYPES))

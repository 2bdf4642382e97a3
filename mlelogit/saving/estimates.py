"""What a climb found as JSON: estimates, certificate, trace, and the basis they were found in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlelogit.data.encoding import Encoding
from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import AdjustedScore, Maximum, Status, Trace
from mlelogit.fitting.penalties import BIAS_REDUCTIONS
from mlelogit.saving.kinds import encode_float
from mlelogit.saving.numbers import encode_array, encode_symmetric
from mlelogit.saving.reading import Part
from mlelogit.saving.values import encode_value

CERTIFICATE = tuple(Certificate.__dataclass_fields__)


@dataclass(frozen=True)
class Sizes:
    """The sizes that all arrays of a file agree with.

    Attributes
    ----------
    width, equations : int
        K and J - 1.
    """

    width: int
    equations: int

    @property
    def params(self) -> int:
        """P."""
        return self.width * self.equations


def encode_maximum(maximum: Maximum, encoding: Encoding) -> dict[str, Any]:
    """Return a maximum as an object; its trace is beside it."""
    sums, adjusted = maximum.sums, maximum.adjusted
    return {
        "equations": [encode_value(label, "a category") for label in encoding.others],
        "params": encode_array(maximum.params.reshape(len(encoding.others), -1)),
        "method": maximum.method,
        "status": maximum.status.name,
        "iterations": int(maximum.iterations),
        "certificate": encode_certificate(maximum.certificate),
        "adjusted_score": None
        if adjusted is None
        else {
            "bias_reduction": adjusted.bias_reduction,
            "length": encode_float(adjusted.length),
            "tolerance": encode_float(adjusted.tolerance),
            "penalized": encode_float(adjusted.penalized),
        },
        "loglike": encode_float(sums.loglike),
        "rows": int(sums.rows),
        "score": encode_array(sums.score),
        "information": encode_symmetric(sums.information),
        "inverse": encode_symmetric(maximum.inverse),
    }


def decode_maximum(part: Part, trace: Trace, encoding: Encoding, sizes: Sizes) -> Maximum:
    """Read a maximum."""
    found = part.members(MAXIMUM)
    if found["equations"].labels() != encoding.others:
        raise found["equations"].refuse("are not the categories beside the base")
    size = sizes.params
    params = found["params"].matrix(sizes.equations, sizes.width, finite=True)
    sums = Sums(
        found["loglike"].number(most=0.0),
        found["score"].vector(size),
        found["information"].maybe(lambda one: one.symmetric(size, finite=True)),
        found["rows"].whole(),
    )
    return Maximum(
        params=params.ravel(),
        status=Status[found["status"].text(tuple(Status.__members__))],
        certificate=decode_certificate(found["certificate"]),
        sums=sums,
        inverse=found["inverse"].maybe(lambda one: one.symmetric(size, finite=True, least=0.0)),
        trace=trace,
        method=found["method"].text(),
        iterations=found["iterations"].whole(),
        adjusted=found["adjusted_score"].maybe(_decode_adjusted),
    )


def _decode_adjusted(part: Part) -> AdjustedScore:
    found = part.members(set(AdjustedScore.__dataclass_fields__))
    return AdjustedScore(
        found["bias_reduction"].text(BIAS_REDUCTIONS),
        found["length"].number(),
        found["tolerance"].number(),
        found["penalized"].number(),
    )


def encode_certificate(certificate: Certificate | None) -> dict[str, Any] | None:
    """Return a certificate as an object."""
    if certificate is None:
        return None
    return {name: encode_float(value) for name, value in asdict(certificate).items()}


def decode_certificate(part: Part) -> Certificate:
    """Read a certificate."""
    found = part.members(set(CERTIFICATE))
    return Certificate(*[found[name].number() for name in CERTIFICATE])


def encode_trace(trace: Trace) -> dict[str, Any]:
    """Return the climb as an object of lists, an item for every point."""
    return {
        "stage": list(trace.stage),
        "loglike": encode_array(trace.loglike),
        "score_norm": encode_array(trace.score_norm),
        "evaluations": encode_array(trace.evaluations),
        "params": encode_array(trace.params),
    }


def decode_trace(part: Part, sizes: Sizes) -> Trace:
    """Read the climb."""
    found = part.members(set(Trace.__dataclass_fields__))
    stage = found["stage"].texts()
    length = len(stage)
    if not length:
        raise found["stage"].refuse("has no points")
    return Trace(
        stage,
        found["loglike"].vector(length),
        found["score_norm"].vector(length),
        found["evaluations"].vector(length, int),
        found["params"].matrix(length, sizes.params),
    )


def encode_basis(basis: ColumnBasis) -> dict[str, Any]:
    """Return the basis of the columns as an object."""
    return {
        "scale": encode_array(basis.scale),
        "center": encode_array(basis.center),
        "r": [encode_array(row[i:]) for i, row in enumerate(basis.r)],
        "intercept": None if basis.intercept is None else int(basis.intercept),
        "level": encode_float(basis.level),
        "constant": encode_array(basis.constant),
    }


def decode_basis(part: Part, sizes: Sizes) -> ColumnBasis:
    """Read the basis of the columns."""
    width = sizes.width
    found = part.members(set(ColumnBasis.__dataclass_fields__))
    scale = found["scale"].vector(width, finite=True)
    r, rows = np.zeros((width, width)), found["r"].items()
    if len(rows) != width:
        raise found["r"].refuse(f"has {len(rows)} rows and not {width}")
    for i, row in enumerate(rows):
        r[i, i:] = row.vector(width - i, finite=True)
    if not (scale > 0).all() or not np.diag(r).all():
        raise part.refuse("is no basis: a scale or a pivot is zero")
    return ColumnBasis(
        scale,
        found["center"].vector(width, finite=True),
        r,
        found["intercept"].maybe(lambda one: one.whole(0, width - 1)),
        found["level"].number(finite=True),
        found["constant"].maybe(lambda one: one.vector(width, finite=True)),
    )


MAXIMUM = {"equations", "params", "method", "status", "iterations", "certificate"}
MAXIMUM |= {"adjusted_score", "loglike", "rows", "score", "information", "inverse"}

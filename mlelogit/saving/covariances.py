"""A covariance as JSON and back; the labels it rests on stand beside rows, and are not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlelogit.fitting.maximum import Maximum
from mlelogit.inference.covariance import Covariance, omit_covariance
from mlelogit.inference.sandwich.clusters import CLUSTER_CORRECTIONS
from mlelogit.inference.sandwich.requests import (
    COVARIANCES,
    NEEDS,
    TAKES,
    CovarianceRequest,
    LostSettings,
    lose_settings,
)
from mlelogit.inference.sandwich.serial import SERIAL_CORRECTIONS
from mlelogit.inference.sandwich.survey import LONELY
from mlelogit.saving.estimates import Sizes
from mlelogit.saving.kinds import encode_float
from mlelogit.saving.numbers import encode_count, encode_symmetric
from mlelogit.saving.reading import Part
from mlelogit.saving.values import encode_value

SAME = "estimates.inverse"
KINDS = (*COVARIANCES, "bootstrap")
FIELDS = {"kind", "omitted", "matrix", "inner", "correction", "groups", "df", "request"}


def encode_covariance(covariance: Covariance, maximum: Maximum) -> dict[str, Any]:
    """Return a covariance as an object."""
    inner: Any = encode_symmetric(covariance.inner)
    if covariance.inner is maximum.inverse and inner is not None:
        inner = SAME
    return {
        "kind": covariance.kind,
        "omitted": bool(covariance.omitted),
        "matrix": None if covariance.omitted else encode_symmetric(covariance.matrix),
        "inner": inner,
        "correction": covariance.correction,
        "groups": [
            [encode_value(name, "the name of groups"), encode_count(number)]
            for name, number in covariance.groups
        ],
        "df": encode_float(covariance.df),
        "request": _encode_request(covariance),
    }


def _encode_request(covariance: Covariance) -> dict[str, Any] | None:
    request = covariance.request
    if request is None:
        return None
    lost = lose_settings(request.settings, covariance.most)
    return {
        "kind": request.kind,
        "settings": None
        if lost is None
        else {
            "most": encode_float(lost.most),
            "options": {
                name: encode_value(value, f"the option {name}") for name, value in lost.options
            },
        },
    }


def decode_covariance(part: Part, maximum: Maximum, sizes: Sizes) -> Covariance:
    """Read a covariance."""
    found = part.members(FIELDS)
    kind, size = found["kind"].text(KINDS), sizes.params
    if found["omitted"].truth():
        return omit_covariance(kind, size)
    inner = found["inner"]
    known = maximum.inverse if inner.made == SAME else None
    inside = known if inner.made == SAME else inner.maybe(lambda one: one.symmetric(size))
    matrix = found["matrix"].symmetric(size)
    _check_variances(found["matrix"], matrix)
    groups = []
    for one in found["groups"].items():
        if len(one.items()) != 2:
            raise one.refuse("is no pair")
        groups.append((one.items()[0].text(), one.items()[1].count()))
    request = found["request"].maybe(_decode_request)
    if request is not None and request.kind != kind:
        raise found["request"].refuse(f"asks for another covariance than {kind!r}")
    return Covariance(
        kind,
        matrix,
        found["correction"].text(),
        False,
        request,
        tuple(groups),
        found["df"].number(),
        inside,
    )


def _check_variances(part: Part, matrix: np.ndarray) -> None:
    """Refuse variances below zero by more than the rounding of zero."""
    variances = np.diag(matrix)
    known = variances[np.isfinite(variances)]
    if known.size and known.min() < -1e-10 * known.max():
        raise part.refuse("has a negative variance on its diagonal")


def _decode_request(part: Part) -> CovarianceRequest:
    found = part.members({"kind", "settings"})
    kind = found["kind"].text(COVARIANCES)
    return CovarianceRequest(kind, found["settings"].maybe(lambda one: _read_options(one, kind)))


def _read_options(part: Part, kind: str) -> LostSettings:
    """Read what labels were called; a report writes them as the words of a call."""
    found = part.members({"most", "options"})
    takes = set(TAKES[kind])
    needed = takes & {NEEDS.get(kind)}
    options = {
        name: OPTIONS[name](one) for name, one in found["options"].members(needed, takes).items()
    }
    return LostSettings(found["most"].number(), tuple(options.items()))


def _read_names(part: Part) -> Any:
    return list(part.labels()) if isinstance(part.made, list) else part.label()


OPTIONS: dict[str, Callable[[Part], Any]] = {
    "groups": _read_names,
    "time": Part.label,
    "strata": Part.label,
    "psu": Part.label,
    "fpc": Part.label,
    "maxlags": Part.whole,
    "lonely": lambda part: part.text(LONELY),
    "correction": lambda part: part.text((*CLUSTER_CORRECTIONS, *SERIAL_CORRECTIONS)),
}

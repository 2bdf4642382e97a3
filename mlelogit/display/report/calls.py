"""The call that makes a fit again, as far as the fit knows it."""

from __future__ import annotations

from typing import Any

from mlelogit.display.report.scope import Scope
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, default_kind
from mlelogit.inference.sandwich.requests import ClusterSettings, SerialSettings
from mlelogit.inference.sandwich.survey import SurveyDesign

# Relative: so many digits of the log-likelihood any machine agrees on.
AGREEMENT = 1e-8


def write_call(scope: Scope) -> str:
    """Write the lines of Python that make the fit again, and check that it is the same.

    What the fit does not know, such as where the data came from, has a comment.
    """
    record = scope.record
    lines = ["import mlelogit as ml", "", *_write_model(record), _write_fit(record)]
    lines += _write_covariance(record, scope.covariance)
    llf = record.sums.loglike
    tolerance = max(abs(llf), 1.0) * AGREEMENT
    lines += ["", f"assert abs(res.llf - ({llf!r})) < {tolerance:.0e}"]
    shape = len(record.encoding.all_names), len(record.encoding.others)
    lines += [f"assert res.params.shape == {shape}"]
    return "\n".join(lines)


def _write_model(record: FitRecord) -> list[str]:
    encoding = record.encoding
    options = {"base": repr(encoding.base_category)}
    design = None if record.blocks is None else record.blocks.design
    if record.weight_type is not None:
        name = "" if design is None else design.weights_name
        options["weights"] = repr(name) if name else "weights"
        options["weight_type"] = repr(record.weight_type)
    if record.has_offset:
        names = list(encoding.offset_names)
        options["offset"] = repr(names[0] if len(names) == 1 else names) if names else "offset"
    if any("missing" in reason for reason in record.audit.dropped):
        options["missing"] = repr("drop")
    if design is not None and design.collinear != "drop":
        options["collinear"] = repr(design.collinear)
    if encoding.formula is not None:
        said = "# data: the table whose rows are reported above"
        return [said, f"model = {_call('ml.mnlogit', [repr(encoding.formula), 'data'], options)}"]
    if encoding.outcome_kind != "labels":
        options["outcome"] = repr(encoding.outcome_kind)
    said = "# endog, exog: the outcome and the columns whose rows are reported above"
    return [said, f"model = {_call('ml.MNLogit', ['endog', 'exog'], options)}"]


def _write_fit(record: FitRecord) -> str:
    request = record.request
    options: dict[str, str] = {}
    if request.method != "auto":
        options["method"] = repr(request.method)
    if request.start_params is not None:
        options["start_params"] = "start_params"
    if request.maxiter is not None:
        options["maxiter"] = repr(request.maxiter)
    if request.tolerance != DEFAULT_TOLERANCE:
        options["tol"] = repr(request.tolerance)
    if request.bias_reduction is not None:
        options["bias_reduction"] = repr(request.bias_reduction)
    if record.constraints is not None:
        options["constraints"] = repr(list(record.constraints.given.words))
    return f"res = {_call('model.fit', [], options)}"


def _write_covariance(record: FitRecord, covariance: Covariance) -> list[str]:
    if covariance.omitted or covariance.kind == default_kind(record.weight_type):
        return []
    if covariance.request is None:
        return [f"# then res.with_cov(...): the {covariance.kind} covariance, made elsewhere"]
    columns = _list_columns(record)
    options = _list_options(covariance.request.settings, columns)
    return [f"res = {_call('res.with_cov', [repr(covariance.kind)], options)}"]


def _list_options(settings: Any, columns: set) -> dict[str, str]:
    if isinstance(settings, ClusterSettings):
        names = [_refer(labels.name, "groups", columns) for labels in settings.sets]
        groups = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        return {"groups": groups, "correction": repr(settings.correction)}
    if isinstance(settings, SerialSettings):
        options = {"time": _refer(settings.time.name, "time", columns)}
        if settings.groups is not None:
            options["groups"] = _refer(settings.groups.name, "groups", columns)
        return options | {
            "maxlags": repr(settings.maxlags),
            "correction": repr(settings.correction),
        }
    if isinstance(settings, SurveyDesign):
        named = {what: _refer(name, what, columns) for what, name in settings.names.items()}
        return named | {"lonely": repr(settings.lonely)}
    return {}


def _list_columns(record: FitRecord) -> set:
    given = None if record.blocks is None else record.blocks.design.given
    frame = None if given is None else given.frame
    return set() if frame is None else set(frame.columns)


def _refer(name: Any, what: str, columns: set) -> str:
    """Write labels as the column that they are, or as a variable of that name."""
    return repr(name) if name in columns else what


def _call(function: str, given: list[str], options: dict[str, str]) -> str:
    """Write a call on one line, or an argument a line where that is long."""
    arguments = [*given, *(f"{name}={value}" for name, value in options.items())]
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= 80:
        return line
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"{function}(\n{inner})"

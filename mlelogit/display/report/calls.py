"""The call that makes a fit again, as far as the fit knows it."""

from __future__ import annotations

import ast
import datetime
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.report.scope import Scope
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.covariance import Covariance, default_kind
from mlelogit.inference.sandwich.requests import ClusterSettings, LostSettings, SerialSettings
from mlelogit.inference.sandwich.survey import SurveyDesign

# Relative: so many digits of the log-likelihood any machine agrees on.
AGREEMENT = 1e-8
# Of standard errors, which have half as many digits where a climb ends early.
SAME_ERROR = 1e-5
IMPORTS = {
    "datetime": "import datetime",
    "pd": "import pandas as pd",
    "ml": "import mlelogit as ml",
}
# Options of a covariance that are no labels beside the rows.
TOLD = ("correction", "maxlags", "lonely")


def write_call(scope: Scope) -> str:
    """Write the lines of Python that make the fit again, and check that it is the same.

    What the fit does not know, such as where the data came from, has a comment.
    """
    record = scope.record
    lines = [*_write_model(record), _write_fit(record)]
    lines += _write_covariance(record, scope.covariance)
    llf = record.sums.loglike
    tolerance = max(abs(llf), 1.0) * AGREEMENT
    lines += ["", f"assert abs(res.llf - ({llf!r})) < {tolerance:.0e}"]
    shape = len(record.encoding.all_names), len(record.encoding.others)
    lines += [f"assert res.params.shape == {shape}"]
    lines += _check_errors(record, scope.covariance)
    return "\n".join([*_list_imports(lines), "", *lines])


def _list_imports(lines: list[str]) -> list[str]:
    """List the imports of all that lines name by its module."""
    used = {
        node.value.id
        for node in ast.walk(ast.parse("\n".join(lines)))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return [line for name, line in IMPORTS.items() if name in used]


def write_literal(value: Any) -> str:
    """Write a label in Python, so that it is this label again; nothing if there is no such way.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.display.report.calls import write_literal
    >>> write_literal("a"), write_literal(pd.Interval(0, 2.5))
    ("'a'", "pd.Interval(0, 2.5, closed='right')")
    """
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value)
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        inner = [write_literal(one) for one in value]
        return f"({', '.join(inner)}{',' * (len(inner) == 1)})" if all(inner) else ""
    if isinstance(value, pd.Interval):
        ends = [write_literal(value.left), write_literal(value.right)]
        return f"pd.Interval({', '.join(ends)}, closed={value.closed!r})" if all(ends) else ""
    if isinstance(value, pd.Timestamp | pd.Timedelta | pd.Period):
        return f"pd.{value!r}"
    if type(value) in (datetime.date, datetime.time, datetime.timedelta):
        return repr(value)
    try:
        return repr(value) if ast.literal_eval(repr(value)) == value else ""
    except (ValueError, SyntaxError):
        return ""


def _write_model(record: FitRecord) -> list[str]:
    encoding = record.encoding
    options = {"base": write_literal(encoding.base_category) or "base"}
    if record.weight_type is not None:
        options["weights"] = repr(record.weights_name) if record.weights_name else "weights"
        options["weight_type"] = repr(record.weight_type)
    if record.has_offset:
        names = list(encoding.offset_names)
        options["offset"] = repr(names[0] if len(names) == 1 else names) if names else "offset"
    # Without missing="drop" they would have been refused.
    if record.audit.missing:
        options["missing"] = repr("drop")
    if record.collinear != "drop":
        options["collinear"] = repr(record.collinear)
    if encoding.formula is not None:
        said = "# data: the table whose rows are reported above"
        return [
            *_name_base(options),
            said,
            f"model = {_call('ml.mnlogit', [repr(encoding.formula), 'data'], options)}",
        ]
    if encoding.outcome_kind != "labels":
        options["outcome"] = repr(encoding.outcome_kind)
    said = "# endog, exog: the outcome and the columns whose rows are reported above"
    return [
        *_name_base(options),
        said,
        f"model = {_call('ml.MNLogit', ['endog', 'exog'], options)}",
    ]


def _name_base(options: dict[str, str]) -> list[str]:
    said = "# base: the label of the base category, an object that cannot be written here"
    return [said] if options["base"] == "base" else []


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


def _check_errors(record: FitRecord, covariance: Covariance) -> list[str]:
    elsewhere = covariance.request is None and covariance.kind != default_kind(record.weight_type)
    known = covariance.bse[np.isfinite(covariance.bse)]
    if covariance.omitted or elsewhere or not known.any():
        return []
    largest = float(known.max())
    return [f"assert abs(res.bse.max().max() - {largest!r}) < {largest * SAME_ERROR:.0e}"]


def _list_options(settings: Any, columns: set) -> dict[str, str]:
    if isinstance(settings, LostSettings):
        return {
            name: repr(value) if name in TOLD else _refer_all(value, name, columns)
            for name, value in settings.options
        }
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


def _refer_all(names: Any, what: str, columns: set) -> str:
    if not isinstance(names, list):
        return _refer(names, what, columns)
    return f"[{', '.join(_refer(name, what, columns) for name in names)}]"


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

"""The command line: mlelogit demo, fit, verify, predict and report."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlelogit.data.files import check_target, write_whole
from mlelogit.data.streaming.paths import SUFFIXES
from mlelogit.exceptions import MNLogitError, MNLogitWarning, OptionError, OutputFileError
from mlelogit.terminal.options import ANSWERS, make_parser, read_equations, read_options

if TYPE_CHECKING:
    from mlelogit.data.design import Design
    from mlelogit.results import MNLogitResults

DEMO_FORMULA = "PID ~ logpopul + selfLR + age + educ + income"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        0, or 2 after an error, or 130 after an interruption.
    """
    arguments = make_parser().parse_args(argv)
    arguments.words = sys.argv[1:] if argv is None else list(argv)
    try:
        _check_output(arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("always", MNLogitWarning)
            warnings.showwarning = _show_warning
            _write(COMMANDS[arguments.command](arguments), getattr(arguments, "output", None))
    except (MNLogitError, OSError, MemoryError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        print("mlelogit: interrupted", file=sys.stderr)
        return 130
    return 0


def _check_output(arguments: argparse.Namespace) -> None:
    """Raise before the work if nothing can be written, or data would be written over."""
    written = [getattr(arguments, name, None) for name in ("output", "checkpoint")]
    targets = [check_target(path) for path in written if path is not None]
    if not targets:
        return
    from mlelogit.terminal.inputs import list_inputs

    sources = [arguments.data, getattr(arguments, "newdata", None) or arguments.data]
    for source in (Path(file) for given in sources for file in list_inputs(given)):
        for target in targets:
            if source.exists() and target.is_file() and target.samefile(source):
                raise OutputFileError(
                    f"{str(source)!r} holds the data; give another file to write."
                )
    for target in targets:
        if target.suffix.lower() in SUFFIXES:
            raise OutputFileError(
                f"{str(target)!r} would be named as parquet is, and nothing is written as parquet; "
                "give it another ending, such as .csv."
            )


def _fail(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    message = " ".join(str(error).split())
    print(f"mlelogit: {type(error).__name__}: {message}", file=sys.stderr)
    return 2


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    text = " ".join(str(message).split())
    print(f"mlelogit: {category.__name__}: {text}", file=sys.stderr)


def run_demo(_: argparse.Namespace) -> str:
    """Fit the bundled ANES 1996 data, and say what was found and that it holds."""
    from mlelogit.datasets import load_anes96
    from mlelogit.model import mnlogit

    results = mnlogit(DEMO_FORMULA, load_anes96()).fit()
    intro = f"American National Election Study 1996, 944 voters: {DEMO_FORMULA}"
    return "\n\n".join([intro, str(results.summary()), str(results.verify())])


def run_fit(arguments: argparse.Namespace) -> str:
    """Fit a model and write its table."""
    results = _fit(arguments)
    if arguments.format == "json":
        described = _describe(results, arguments.alpha, arguments.exponentiate)
        return _write_json({**described, "data": arguments.data_told})
    summary = results.summary(alpha=arguments.alpha, exponentiate=arguments.exponentiate)
    return str(getattr(summary, f"as_{arguments.format}")())


def run_verify(arguments: argparse.Namespace) -> str:
    """Fit a model and write what independent engines say."""
    found = _fit(arguments).verify(engines=arguments.engines, seed=arguments.seed)
    if arguments.format == "json":
        rows = found.frame.reset_index().to_dict(orient="records")
        told = {"agrees": found.agrees, "seed": found.seed, "engines": rows}
        return _write_json({**told, "data": arguments.data_told})
    return str(found)


def run_predict(arguments: argparse.Namespace) -> str | Iterable[str]:
    """Fit a model and write predictions."""
    from mlelogit.terminal.inputs import open_table, predict_table, write_csv, write_json

    results, given = _fit(arguments), arguments.newdata
    table = None if given is None else open_table(given, arguments.na)
    found = predict_table(results, table, arguments.which, arguments.offset)
    return write_json(found) if arguments.format == "json" else write_csv(found)


def run_report(arguments: argparse.Namespace) -> str:
    """Fit a model and write everything about it as one HTML page."""
    from mlelogit.terminal.inputs import trace_origin

    origin = trace_origin(arguments.data)
    results = _fit(arguments)
    report = results.report(
        title=arguments.title,
        sections=arguments.sections,
        alpha=arguments.alpha,
        seed=arguments.seed,
        provenance={"Command": shlex.join(["mlelogit", *arguments.words]), **origin},
    )
    return report.html


def _fit(arguments: argparse.Namespace) -> MNLogitResults:
    """Fit the model, and say how the rows came to it, if there was a choice."""
    from mlelogit.model import mnlogit
    from mlelogit.terminal.inputs import open_table

    _check_csv_options(arguments)
    table = open_table(arguments.data, arguments.na)
    model = mnlogit(
        arguments.formula,
        table.data,
        base=arguments.base,
        weights=arguments.weights,
        weight_type=arguments.weight_type,
        offset=arguments.offset,
        missing=arguments.missing,
        collinear=arguments.collinear,
        compress=ANSWERS[arguments.compress],
        stream="auto" if table.pieces is None else ANSWERS[arguments.stream],
    )
    results = model.fit(
        arguments.method,
        cov_type=arguments.cov,
        cov_kwds=read_options(arguments.cov_option),
        bias_reduction=arguments.bias_reduction,
        constraints=arguments.constraint,
        equations=read_equations(arguments.equation),
        threads=arguments.threads,
        checkpoint=arguments.checkpoint,
        disp=True,
    )
    design = results.record.need_blocks().design
    arguments.data_told = _describe_data(design, table.way)
    if table.pieces is not None or design.audit.rows_distinct is not None:
        print(f"mlelogit: {arguments.data_told['way']}", file=sys.stderr)
    return results


def _check_csv_options(arguments: argparse.Namespace) -> None:
    from mlelogit.terminal.inputs import is_csv

    csv = is_csv(arguments.data)
    if csv and arguments.stream == "yes":
        raise OptionError(
            "--stream yes: a csv is read into memory. Give parquet files, or a query such as "
            f'"FROM {arguments.data!r}", which DuckDB reads in pieces.'
        )
    new = getattr(arguments, "newdata", None)
    if arguments.na is not None and not (csv or (new is not None and is_csv(new))):
        raise OptionError("--na is for a csv; missing values of other tables are told by them.")


def _describe_data(design: Design, where: str) -> dict[str, Any]:
    from mlelogit.data.streaming.ways import describe_way

    audit = design.audit
    return {
        "way": describe_way(design, where),
        "rows": audit.rows_in,
        "rows_used": audit.rows_used,
        "rows_distinct": audit.rows_distinct,
    }


def _describe(results: MNLogitResults, alpha: float, exponentiate: bool) -> dict[str, Any]:
    numbers = ("nobs", "llf", "llnull", "llr", "llr_pvalue", "prsquared", "aic", "bic")
    certificate = results.certificate
    return {
        "formula": results.record.encoding.formula,
        "outcome": results.record.encoding.outcome_name,
        "categories": list(results.categories),
        "base": results.base,
        "converged": results.converged,
        "certificate": {
            "finite_maximum": certificate.finite_maximum,
            "error_bound": certificate.error_bound,
            "loglike_gap": certificate.loglike_gap,
        },
        "covariance": results.cov_type,
        "covariance_note": results.covariance.describe(),
        **{name: getattr(results, name) for name in numbers},
        "df_model": results.df_model,
        "df_resid": results.df_resid,
        "constraints": _describe_constraints(results),
        "exponentiated": exponentiate,
        "alpha": alpha,
        "coefficients": results.tidy(alpha, exponentiate).to_dict(orient="records"),
    }


def _describe_constraints(results: MNLogitResults) -> list[dict]:
    if results.record.constraints is None:
        return []
    return results.multipliers.reset_index().to_dict(orient="records")


def _write_json(content: dict[str, Any]) -> str:
    return json.dumps(_to_plain(content), indent=2, allow_nan=False, default=str)


def _to_plain(value: Any) -> Any:
    """Turn numpy scalars into Python's, and numbers that JSON lacks into null."""
    if isinstance(value, dict):
        return {str(key): _to_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_plain(item) for item in value]
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and plain - plain != 0:
        return None
    return plain


def _write(text: str | Iterable[str], path: str | None) -> None:
    """Print, or write a file as a whole or not at all; a device or pipe is written to."""
    parts = [text.removesuffix("\n"), "\n"] if isinstance(text, str) else text
    if path is not None:
        write_whole(parts, path)
        return
    for part in parts:
        print(part, end="")
    sys.stdout.flush()


COMMANDS = {
    "demo": run_demo,
    "fit": run_fit,
    "verify": run_verify,
    "predict": run_predict,
    "report": run_report,
}

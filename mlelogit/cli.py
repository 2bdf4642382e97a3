"""The command line: mlelogit demo, fit, verify, predict and report."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mlelogit.data.files import check_target, hash_file, read_data, write_whole
from mlelogit.exceptions import (
    DataFileError,
    MNLogitError,
    MNLogitWarning,
    OptionError,
    OutputFileError,
)

if TYPE_CHECKING:
    from mlelogit.results import MNLogitResults

FORMATS = ("text", "html", "latex", "markdown", "json")
FRAME_FORMATS = ("csv", "json")
DEMO_FORMULA = "PID ~ logpopul + selfLR + age + educ + income"
EXAMPLES = """examples:
  mlelogit demo
  mlelogit fit survey.csv "vote ~ age + C(region)" --base Labour
  mlelogit fit survey.csv "vote ~ age" --weights w --weight-type sampling --format json
  mlelogit fit survey.csv "vote ~ age" --cov cluster --cov-option groups=district
  mlelogit verify survey.csv "vote ~ age"
  mlelogit predict survey.csv "vote ~ age" --newdata new.csv -o probabilities.csv
  mlelogit report survey.csv "vote ~ age + C(region)" -o fit.html

Errors are one line on standard error, with exit status 2.
"""


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
    arguments = _make_parser().parse_args(argv)
    arguments.words = sys.argv[1:] if argv is None else list(argv)
    try:
        _check_output(arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("always", MNLogitWarning)
            warnings.showwarning = _show_warning
            text = arguments.run(arguments)
        _write(text, getattr(arguments, "output", None))
    except (MNLogitError, OSError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        print("mlelogit: interrupted", file=sys.stderr)
        return 130
    return 0


def _check_output(arguments: argparse.Namespace) -> None:
    """Raise before the work if nothing can be written, or data would be written over."""
    if getattr(arguments, "output", None) is None:
        return
    target = check_target(arguments.output)
    sources = [arguments.data, getattr(arguments, "newdata", None) or arguments.data]
    for source in map(Path, sources):
        if source.exists() and target.is_file() and target.samefile(source):
            raise OutputFileError(f"{str(source)!r} holds the data; give another file to write.")


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


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mlelogit",
        description="Fit, check and explain multinomial logit models.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="fit the bundled data and verify the fit")
    demo.set_defaults(run=run_demo)
    fit = _add_model_command(commands, "fit", "fit a model and print its table")
    fit.add_argument("--format", choices=FORMATS, default="text")
    fit.add_argument("--alpha", type=float, default=0.05, help="1 - coverage of the intervals")
    fit.add_argument(
        "--exponentiate", action="store_true", help="print relative risk ratios exp(b)"
    )
    fit.set_defaults(run=run_fit)
    check = _add_model_command(commands, "verify", "fit a model and compare independent engines")
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.add_argument("--engines", nargs="+", metavar="ENGINE", help="run these, at any cost")
    check.add_argument("--seed", type=int, default=0, help="seed of the cross-entropy descent")
    check.set_defaults(run=run_verify)
    predict = _add_model_command(commands, "predict", "fit a model and predict")
    predict.add_argument("--newdata", help="file of new rows; the fitted rows if not given")
    predict.add_argument("--which", choices=("prob", "category", "linear"), default="prob")
    predict.add_argument("--format", choices=FRAME_FORMATS, default="csv")
    predict.set_defaults(run=run_predict)
    report = _add_model_command(commands, "report", "fit a model and write all of it as HTML")
    report.add_argument("--title", help="of the page")
    report.add_argument("--sections", nargs="+", metavar="SECTION", help="some of the page's")
    report.add_argument("--alpha", type=float, default=0.05, help="1 - coverage of the intervals")
    report.add_argument("--seed", type=int, default=0, help="of whatever is random")
    report.set_defaults(run=run_report)
    return parser


def _add_model_command(commands: Any, name: str, said: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=said, allow_abbrev=False)
    parser.add_argument("data", help="csv or parquet file")
    parser.add_argument("formula", help='such as "y ~ x + C(group)"')
    parser.add_argument("--base", help="base category; the first if not given")
    parser.add_argument("--weights", help="column of weights")
    parser.add_argument("--weight-type", help="frequency, sampling or importance")
    parser.add_argument("--offset", nargs="+", help="columns of the offset")
    parser.add_argument("--missing", default="raise", help="raise (default) or drop")
    parser.add_argument(
        "--na",
        nargs="*",
        metavar="TEXT",
        help="entries of a csv that mean a missing value, in place of NA, None, nan and their kin",
    )
    parser.add_argument(
        "--collinear", default="drop", help="of columns that are combinations: drop or raise"
    )
    parser.add_argument("-o", "--output", help="file to write; standard output if not given")
    _add_options_of_fit(parser)
    return parser


def _add_options_of_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", default="auto", help="auto, or an optimizer of scipy")
    parser.add_argument("--bias-reduction", help="mean (Firth) or median")
    parser.add_argument(
        "--constraint",
        action="append",
        metavar="TEXT",
        help='hold coefficients to "car: age = bus: age" or "car: age >= 0"; may be repeated',
    )
    parser.add_argument(
        "--equation",
        action="append",
        nargs="+",
        metavar=("COLUMN", "CATEGORY"),
        help="let a column enter the equations of these categories only; may be repeated",
    )
    parser.add_argument(
        "--cov", help="nonrobust, opg, HC0 to HC3, robust, cluster, HAC, survey; robust is Stata's"
    )
    parser.add_argument(
        "--cov-option",
        action="append",
        metavar="NAME=VALUE",
        help="of the covariance, such as groups=district or correction=CR2; a name may be repeated",
    )


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
        return _write_json(_describe(results, arguments.alpha, arguments.exponentiate))
    summary = results.summary(alpha=arguments.alpha, exponentiate=arguments.exponentiate)
    return str(getattr(summary, f"as_{arguments.format}")())


def run_verify(arguments: argparse.Namespace) -> str:
    """Fit a model and write what independent engines say."""
    found = _fit(arguments).verify(engines=arguments.engines, seed=arguments.seed)
    if arguments.format == "json":
        rows = found.frame.reset_index().to_dict(orient="records")
        return _write_json({"agrees": found.agrees, "seed": found.seed, "engines": rows})
    return str(found)


def run_predict(arguments: argparse.Namespace) -> str:
    """Fit a model and write predictions."""
    results = _fit(arguments)
    new = None if arguments.newdata is None else read_data(arguments.newdata, arguments.na)
    offset = None
    if new is not None and arguments.offset:
        absent = [name for name in arguments.offset if name not in new.columns]
        if absent:
            raise DataFileError(f"{arguments.newdata} has no offset column {absent[0]!r}.")
        offset = new[arguments.offset]
    predicted = results.predict(new, which=arguments.which, offset=offset)
    if arguments.format == "json":
        return str(predicted.to_json(orient="split", double_precision=15))
    return str(predicted.to_csv()).rstrip("\n")


def run_report(arguments: argparse.Namespace) -> str:
    """Fit a model and write everything about it as one HTML page."""
    source = Path(arguments.data)
    size, digest = hash_file(source)
    results = _fit(arguments)
    report = results.report(
        title=arguments.title,
        sections=arguments.sections,
        alpha=arguments.alpha,
        seed=arguments.seed,
        provenance={
            "Command": shlex.join(["mlelogit", *arguments.words]),
            "Data file": f"{source.name}, {size:,} bytes",
            "Its SHA-256": digest,
        },
    )
    return report.html


def _fit(arguments: argparse.Namespace) -> MNLogitResults:
    from mlelogit.model import mnlogit

    model = mnlogit(
        arguments.formula,
        read_data(arguments.data, arguments.na),
        base=arguments.base,
        weights=arguments.weights,
        weight_type=arguments.weight_type,
        offset=arguments.offset,
        missing=arguments.missing,
        collinear=arguments.collinear,
    )
    return model.fit(
        arguments.method,
        cov_type=arguments.cov,
        cov_kwds=_read_options(arguments.cov_option),
        bias_reduction=arguments.bias_reduction,
        constraints=arguments.constraint,
        equations=_read_equations(arguments.equation),
        disp=True,
    )


def _read_options(given: Sequence[str] | None) -> dict[str, Any] | None:
    """Read options of a covariance: one that is repeated is a list, and lags are numbers."""
    if given is None:
        return None
    found: dict[str, list[Any]] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (sign and name and value):
            raise OptionError(f"--cov-option takes NAME=VALUE (groups=district), not {text!r}.")
        whole = name == "maxlags" and value.isdecimal()
        found.setdefault(name, []).append(int(value) if whole else value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _read_equations(given: Sequence[Sequence[str]] | None) -> dict[str, list[str]] | None:
    if given is None:
        return None
    entered: dict[str, list[str]] = {}
    for name, *categories in given:
        if not categories:
            raise OptionError(f"--equation {name} names no category whose equation it enters.")
        entered.setdefault(name, []).extend(categories)
    return entered


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


def _write(text: str, path: str | None) -> None:
    """Print, or write a file as a whole or not at all; a device or pipe is written to."""
    text = text.removesuffix("\n")
    if path is None:
        print(text)
        sys.stdout.flush()
    else:
        write_whole(f"{text}\n", path)

"""What the command line can be told: its commands, their options, and what these mean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from mlelogit.exceptions import OptionError

FORMATS = ("text", "html", "latex", "markdown", "json")
FRAME_FORMATS = ("csv", "json")
ANSWERS: dict[str, Any] = {"auto": "auto", "yes": True, "no": False}
EXAMPLES = """examples:
  mlelogit demo
  mlelogit fit survey.csv "vote ~ age + C(region)" --base Labour
  mlelogit fit survey.csv "vote ~ age" --weights w --weight-type sampling --format json
  mlelogit fit survey.csv "vote ~ age" --cov cluster --cov-option groups=district
  mlelogit verify survey.csv "vote ~ age"
  mlelogit fit 'rows/*.parquet' "vote ~ age + C(region)"
  mlelogit fit "SELECT vote, age FROM 'rows/*.parquet' WHERE year = 2024" "vote ~ age"
  mlelogit predict survey.csv "vote ~ age" --newdata new.csv -o probabilities.csv
  mlelogit report survey.csv "vote ~ age + C(region)" -o fit.html

Data that do not fit in memory are read in pieces, and equal rows are counted where that pays;
a line on standard error says what was done. Errors are one line there, with exit status 2.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments"):
            message += " (a pattern of files wants quotes: 'rows/*.parquet')"
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the words of a command."""
    parser = _Parser(
        prog="mlelogit",
        description="Fit, check and explain multinomial logit models.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="fit the bundled data and verify the fit")
    demo.set_defaults(command="demo")
    fit = _add_model_command(commands, "fit", "fit a model and print its table")
    fit.add_argument("--format", choices=FORMATS, default="text")
    fit.add_argument("--alpha", type=float, default=0.05, help="1 - coverage of the intervals")
    fit.add_argument(
        "--exponentiate", action="store_true", help="print relative risk ratios exp(b)"
    )
    fit.set_defaults(command="fit")
    check = _add_model_command(commands, "verify", "fit a model and compare independent engines")
    check.add_argument("--format", choices=("text", "json"), default="text")
    check.add_argument("--engines", nargs="+", metavar="ENGINE", help="run these, at any cost")
    check.add_argument("--seed", type=int, default=0, help="seed of the cross-entropy descent")
    check.set_defaults(command="verify")
    predict = _add_model_command(commands, "predict", "fit a model and predict")
    predict.add_argument("--newdata", help="new rows, as DATA; the fitted rows if not given")
    predict.add_argument("--which", choices=("prob", "category", "linear"), default="prob")
    predict.add_argument("--format", choices=FRAME_FORMATS, default="csv")
    predict.set_defaults(command="predict")
    report = _add_model_command(commands, "report", "fit a model and write all of it as HTML")
    report.add_argument("--title", help="of the page")
    report.add_argument("--sections", nargs="+", metavar="SECTION", help="some of the page's")
    report.add_argument("--alpha", type=float, default=0.05, help="1 - coverage of the intervals")
    report.add_argument("--seed", type=int, default=0, help="of whatever is random")
    report.set_defaults(command="report")
    return parser


def _add_model_command(commands: Any, name: str, said: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=said, allow_abbrev=False)
    parser.add_argument(
        "data", help="csv; parquet file, pattern ('rows/*.parquet') or folder; or a query in SQL"
    )
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
    parser.add_argument(
        "--compress", choices=ANSWERS, default="auto", help="count equal rows; auto: if it pays"
    )
    parser.add_argument(
        "--stream",
        choices=ANSWERS,
        default="auto",
        help="read parquet or a query in pieces; auto: if there is much of it",
    )
    parser.add_argument("-o", "--output", help="file to write; standard output if not given")
    _add_options_of_fit(parser)
    return parser


def _add_options_of_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", default="auto", help="auto, or an optimizer of scipy")
    parser.add_argument("--threads", type=int, help="over the rows; all processors if not given")
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="keep in a file how far the climb has come; after an interruption go on from it",
    )
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


def read_options(given: Sequence[str] | None) -> dict[str, Any] | None:
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


def read_equations(given: Sequence[Sequence[str]] | None) -> dict[str, list[str]] | None:
    """Read which columns enter the equations of which categories."""
    if given is None:
        return None
    entered: dict[str, list[str]] = {}
    for name, *categories in given:
        if not categories:
            raise OptionError(f"--equation {name} names no category whose equation it enters.")
        entered.setdefault(name, []).extend(categories)
    return entered

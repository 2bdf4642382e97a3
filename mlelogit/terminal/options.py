"""Options that several commands share, and how their words are read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from mlelogit.data.files.formats import DECIMALS, FORMATS, SEPARATORS
from mlelogit.exceptions import OptionError

# What stands for standard input.
PIPE = "-"
SUMMARY_FORMATS = ("text", "html", "latex", "markdown", "json")
PLAIN_FORMATS = ("text", "json")
FRAME_FORMATS = ("text", "csv", "tsv", "json", "parquet", "feather", "stata", "excel")
ANSWERS: dict[str, Any] = {"auto": "auto", "yes": True, "no": False}
# What only a fit can be told; each is passed on only if it is given.
OF_MODEL = ("weights", "weight_type", "offset", "outcome", "missing", "collinear", "compress")
OF_FIT = ("method", "maxiter", "tol", "threads", "checkpoint", "bias_reduction")
# Those that are typed as another name than their own.
OTHERWISE = {"rows": "--data"}
OF_READING = ("stream", "constraint", "equation")
STATUSES = """exit status:
  0    the answer is written
  1    the answer is written and is "no": a fit did not converge, or an engine disagrees
  2    a wrong option, or data that cannot be used; one line on standard error says why
  3    an error of this program, with a traceback to report
  130  interrupted
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with status 2."""
        if message.startswith("unrecognized arguments"):
            message += " (a pattern of files wants quotes: 'rows/*.parquet')"
        self.exit(2, f"{self.prog}: {' '.join(message.split())}; see {self.prog} --help\n")


def add_command(commands: Any, name: str, said: str, examples: str) -> argparse.ArgumentParser:
    """Return the parser of a command, which shows examples of its own."""
    shown = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=said,
        description=f"{said[0].upper()}{said[1:]}.",
        epilog=f"examples:\n{shown}\n\n{STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(command=name)
    return parser


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add what is fitted, or the fit that is asked."""
    parser.add_argument(
        "data",
        metavar="SOURCE",
        help="a table: csv, tsv, parquet (a file, a pattern such as 'rows/*.parquet' or a folder), "
        "feather, Stata .dta, Excel .xlsx, a query in SQL, or - for standard input; "
        "or a saved fit",
    )
    parser.add_argument(
        "formula", nargs="?", help='such as "y ~ x + C(group)"; none with a saved fit'
    )
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser, rows: bool = True) -> None:
    """Add how tables are read, and the rows of a saved fit."""
    group = parser.add_argument_group("tables")
    if rows:
        group.add_argument(
            "--data",
            dest="rows",
            metavar="TABLE",
            help="the rows that a saved fit was fitted to, for what needs them",
        )
    group.add_argument(
        "--input-format",
        choices=FORMATS,
        help="of standard input and of files whose ending tells none; csv if not given",
    )
    said = "what separates the cells of a csv or tsv: comma, semicolon, tab or bar"
    group.add_argument("--separator", choices=tuple(SEPARATORS), help=said)
    said = "decimals of a csv or tsv: point or comma; point if not given"
    group.add_argument("--decimal", choices=tuple(DECIMALS), help=said)
    group.add_argument("--sheet", help="sheet of a workbook; needed if it has several")
    group.add_argument(
        "--na",
        nargs="*",
        metavar="TEXT",
        help="entries of a csv, tsv or workbook that mean a missing value, in place of NA, None, "
        "nan and their kin",
    )
    said = (
        "memory that may be taken, such as 500MB or 8GB, or inf; most of what is free if not given"
    )
    group.add_argument("--memory", metavar="SIZE", help=said)


def add_output(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Add where an answer goes, and as what."""
    group = parser.add_argument_group("output")
    said = f"by the ending of FILE, else {formats[0]}"
    group.add_argument("--format", choices=formats, help=said)
    group.add_argument(
        "-o", "--output", metavar="FILE", help="file to write; standard output if not given"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what a model is; options that are not given are left to it."""
    group = parser.add_argument_group("model")
    _put(group, "--base", help="base category; the first if not given")
    _put(group, "--weights", metavar="COLUMN", help="column of weights")
    _put(group, "--weight-type", metavar="TYPE", help="frequency, sampling or importance")
    _put(group, "--offset", nargs="+", metavar="COLUMN", help="columns of the offset")
    _put(group, "--outcome", metavar="KIND", help="labels, counts or probabilities")
    group.add_argument(
        "--many-categories",
        action="store_true",
        help="the outcome is meant to have more than 1,000 categories of hardly two rows each",
    )
    _put(
        group,
        "--missing",
        metavar="RULE",
        help="raise (default) or drop; of new rows of predict: propagate",
    )
    _put(
        group,
        "--collinear",
        metavar="RULE",
        help="of columns that are combinations: drop (default) or raise",
    )
    said = "count equal rows; auto (default): if it pays"
    _put(group, "--compress", choices=ANSWERS, help=said)
    said = "read parquet or a query in pieces; auto (default): if there is much of it"
    _put(group, "--stream", choices=ANSWERS, help=said)
    _add_constraints(group)


def _add_constraints(group: Any) -> None:
    _put(
        group,
        "--constraint",
        action="append",
        metavar="TEXT",
        help='hold coefficients to "car: age = bus: age" or "car: age >= 0"; may be repeated',
    )
    _put(
        group,
        "--equation",
        action="append",
        nargs="+",
        metavar=("COLUMN", "CATEGORY"),
        help="let a column enter the equations of these categories only; may be repeated",
    )


def add_fit(parser: argparse.ArgumentParser) -> None:
    """Add how a model is fitted, and its covariance."""
    group = parser.add_argument_group("fit")
    _put(group, "--method", help="auto (default), or an optimizer of scipy")
    _put(group, "--maxiter", type=int, metavar="NUMBER", help="largest number of iterations")
    _put(
        group,
        "--tol",
        type=float,
        help="error of a coefficient, in its standard errors, that counts as converged; 1e-6",
    )
    said = "over the rows; all processors if not given"
    _put(group, "--threads", type=int, metavar="NUMBER", help=said)
    _put(
        group,
        "--checkpoint",
        metavar="FILE",
        help="keep in a file how far the climb has come; after an interruption go on from it",
    )
    _put(group, "--bias-reduction", metavar="KIND", help="mean (Firth) or median")
    _put(
        group,
        "--cov",
        metavar="KIND",
        help="nonrobust, opg, HC0 to HC3, robust, cluster, HAC, survey; robust is Stata's",
    )
    _put(
        group,
        "--cov-option",
        action="append",
        metavar="NAME=VALUE",
        help="of the covariance, such as groups=district or correction=CR2; a name may be repeated",
    )


def _put(group: Any, name: str, **options: Any) -> None:
    group.add_argument(name, default=argparse.SUPPRESS, **options)


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


def read_size(text: str) -> float:
    """Read a number of bytes: 500MB, 8GB, inf.

    Examples
    --------
    >>> from mlelogit.terminal.options import read_size
    >>> read_size("1.5GB"), read_size("4096")
    (1500000000.0, 4096.0)
    """
    units = {"": 0, "k": 3, "m": 6, "g": 9, "t": 12}
    found = re.fullmatch(r"([\d.]+|inf)\s*([kmgt]?)b?", text.strip().lower())
    try:
        size = float(found[1]) * 10.0 ** units[found[2]] if found else 0.0
    except ValueError:
        size = 0.0
    if not size > 0:
        raise OptionError(f"--memory is a size such as 500MB, 8GB or inf, not {text!r}.")
    return size


def name_option(name: str) -> str:
    """Return an option as it is typed."""
    return OTHERWISE.get(name, f"--{name.replace('_', '-')}")


def refuse_options(arguments: argparse.Namespace, names: Sequence[str], why: str) -> None:
    """Raise `OptionError` if an option was given that has nothing to do here."""
    given = [name for name in names if getattr(arguments, name, None) not in (None, False)]
    if given:
        raise OptionError(f"{name_option(given[0])} {why}")

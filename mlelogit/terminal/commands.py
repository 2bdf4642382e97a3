"""The commands, their options and their examples."""

from __future__ import annotations

import argparse
from typing import Any

from mlelogit.data.files.formats import FORMATS
from mlelogit.terminal.options import (
    FRAME_FORMATS,
    PLAIN_FORMATS,
    STATUSES,
    SUMMARY_FORMATS,
    Parser,
    add_command,
    add_fit,
    add_model,
    add_output,
    add_reading,
    add_source,
)
from mlelogit.version import VERSION

EXAMPLES = """examples:
  mlelogit demo
  mlelogit fit survey.csv "vote ~ age + C(region)" --base Labour
  mlelogit fit survey.dta "vote ~ age" --save vote.json
  mlelogit predict vote.json --newdata new.csv -o probabilities.csv
  mlelogit compare survey.csv "vote ~ age" "vote ~ age + educ"
  mlelogit COMMAND --help

Data that do not fit in memory are read in pieces, and equal rows are counted where that pays;
a line on standard error says what was done. Answers go to standard output or to a file, which
is written as a whole or not at all; warnings, errors and progress go to standard error.

"""
TEST_NAMES = ("terms", "equality", "combine", "iia", "gof", "hauck-donner", "constraints")


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the words of a command."""
    parser = Parser(
        prog="mlelogit",
        description="Fit, check and explain multinomial logit models.",
        epilog=EXAMPLES + STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mlelogit {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_demo,
        _add_fit_command,
        _add_verify,
        _add_compare,
        _add_predict,
        _add_margins,
        _add_tests,
        _add_report,
        _add_convert,
    ):
        add(commands)
    return parser


def _add_alpha(group: Any) -> None:
    group.add_argument("--alpha", type=float, default=0.05, help="1 - coverage of intervals; 0.05")


def _add_demo(commands: Any) -> None:
    examples = "mlelogit demo\nmlelogit demo --format json"
    parser = add_command(commands, "demo", "fit the bundled data and verify the fit", examples)
    add_output(parser, PLAIN_FORMATS)


def _add_fit_command(commands: Any) -> None:
    examples = """
mlelogit fit survey.csv "vote ~ age + C(region)" --base Labour
mlelogit fit survey.csv "vote ~ age" --weights w --weight-type sampling --format json
mlelogit fit survey.csv "vote ~ age" --cov cluster --cov-option groups=district
mlelogit fit survey.dta "vote ~ age" --save vote.json
mlelogit fit 'rows/*.parquet' "vote ~ age + C(region)" -o table.html
mlelogit fit "SELECT vote, age FROM 'rows/*.parquet' WHERE year = 2024" "vote ~ age"
zcat survey.csv.gz | mlelogit fit - "vote ~ age"
"""
    parser = add_command(commands, "fit", "fit a model and print its table", examples)
    add_source(parser)
    add_output(parser, SUMMARY_FORMATS)
    group = parser.add_argument_group("answer")
    _add_alpha(group)
    said = "print relative risk ratios exp(b)"
    group.add_argument("--exponentiate", action="store_true", help=said)
    said = "keep the fit in a file, for the other commands"
    group.add_argument("--save", metavar="FILE", help=said)
    said = "keep the rows in that file too"
    group.add_argument("--save-rows", action="store_true", help=said)
    add_model(parser)
    add_fit(parser)


def _add_verify(commands: Any) -> None:
    examples = """
mlelogit verify survey.csv "vote ~ age"
mlelogit verify survey.csv "vote ~ age" --engines statsmodels --format json
mlelogit verify vote.json --data survey.csv
"""
    said = "compare a fit with independent engines"
    parser = add_command(commands, "verify", said, examples)
    add_source(parser)
    add_output(parser, PLAIN_FORMATS)
    group = parser.add_argument_group("answer")
    group.add_argument("--engines", nargs="+", metavar="ENGINE", help="run these, at any cost")
    said = "seed of the cross-entropy descent; 0"
    group.add_argument("--seed", type=int, default=0, help=said)
    add_model(parser)
    add_fit(parser)


def _add_compare(commands: Any) -> None:
    examples = """
mlelogit compare survey.csv "vote ~ age" "vote ~ age + educ" --stars
mlelogit compare survey.csv "vote ~ age" "vote ~ age + educ" --name small --name large
mlelogit compare small.json large.json --data survey.csv -o table.tex
"""
    said = "set several models side by side, and test those that are nested"
    parser = add_command(commands, "compare", said, examples)
    said = "a table and the formulas to fit to it, or saved fits"
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help=said)
    add_reading(parser)
    add_output(parser, SUMMARY_FORMATS)
    group = parser.add_argument_group("answer")
    said = "of a model, one for each in their order; may be repeated"
    group.add_argument("--name", action="append", metavar="NAME", help=said)
    said = "a column for every category, or rows (category, name); wide"
    group.add_argument("--layout", choices=("wide", "long"), default="wide", help=said)
    said = "what stands below a coefficient: std_err (default), interval, z, p_value"
    group.add_argument("--below", nargs="+", metavar="WHAT", default=["std_err"], help=said)
    said = "relative risk ratios exp(b)"
    group.add_argument("--exponentiate", action="store_true", help=said)
    group.add_argument("--stars", action="store_true", help="mark small p-values")
    said = "decimals, more where fewer than two digits would show; 3"
    group.add_argument("--digits", type=int, default=3, help=said)
    said = "the foot of the table; nobs llf prsquared aic bic"
    group.add_argument("--statistics", nargs="+", metavar="NAME", help=said)
    group.add_argument("--title", help="of the table")
    _add_alpha(group)
    add_model(parser)
    add_fit(parser)


def _add_predict(commands: Any) -> None:
    examples = """
mlelogit predict survey.csv "vote ~ age" --newdata new.csv -o probabilities.csv
mlelogit predict vote.json --newdata new.csv --which category
mlelogit predict vote.json --newdata 'new/*.parquet' --keep id --missing propagate -o p.parquet
cat new.csv | mlelogit predict vote.json --newdata - -o probabilities.parquet
mlelogit predict vote.json --newdata new.csv --intervals --alpha 0.1
"""
    said = "predict probabilities, categories or log-odds"
    parser = add_command(commands, "predict", said, examples)
    add_source(parser)
    add_output(parser, tuple(one for one in FRAME_FORMATS[1:]))
    group = parser.add_argument_group("answer")
    said = "new rows, a table as SOURCE is; the fitted rows, of a saved fit --data, if not given"
    group.add_argument("--newdata", metavar="TABLE", help=said)
    said = "probabilities (default), the most probable category, or log-odds against the base"
    group.add_argument("--which", choices=("prob", "category", "linear"), default="prob", help=said)
    said = "standard errors and intervals of probabilities, a row for each"
    group.add_argument("--intervals", action="store_true", help=said)
    group.add_argument("--alpha", type=float, help="1 - coverage of the intervals; 0.05")
    said = "columns of the new rows that stand before their predictions, such as a key"
    group.add_argument("--keep", nargs="+", metavar="COLUMN", help=said)
    add_model(parser)
    add_fit(parser)


def _add_margins(commands: Any) -> None:
    examples = """
mlelogit margins survey.csv "vote ~ age + C(region)"
mlelogit margins vote.json --data survey.csv --variables age --kind at_means
mlelogit margins vote.json --newdata new.csv --at educ 3 6 --by region -o effects.csv
mlelogit margins vote.json --newdata new.csv --variables age --change age sd
"""
    said = "estimate marginal effects on probabilities"
    parser = add_command(commands, "margins", said, examples)
    add_source(parser)
    add_output(parser, FRAME_FORMATS)
    group = parser.add_argument_group("answer")
    said = "whose effects; all if not given"
    group.add_argument("--variables", nargs="+", metavar="NAME", help=said)
    said = "averages over the rows (default), at_means, or balanced over the factors"
    group.add_argument("--kind", default="average", metavar="KIND", help=said)
    said = "dydx (default), eyex, dyex, eydx, or level: the probabilities themselves"
    group.add_argument("--effect", default="dydx", metavar="EFFECT", help=said)
    said = "fix a variable at values; may be repeated, for all combinations"
    _add_pairs(group, "--at", ("NAME", "VALUE"), said)
    said = (
        "a change instead of a derivative: of a number sd, unit, range, iqr, or from and to; "
        "of a factor reference, pairwise, sequential, or two levels; may be repeated"
    )
    _add_pairs(group, "--change", ("NAME", "HOW"), said)
    said = "columns whose groups have effects of their own"
    group.add_argument("--by", nargs="+", metavar="COLUMN", help=said)
    said = (
        "rows to average over, a table as SOURCE is; the fitted rows, of a saved fit --data, if "
        "not given"
    )
    group.add_argument("--newdata", metavar="TABLE", help=said)
    group.add_argument("--adjust", metavar="METHOD", help="adjust p-values: holm, fdr_bh, ...")
    _add_alpha(group)
    add_model(parser)
    add_fit(parser)


def _add_pairs(group: Any, name: str, metavar: tuple[str, str], said: str) -> None:
    group.add_argument(name, action="append", nargs="+", metavar=metavar, help=said)


def _add_tests(commands: Any) -> None:
    examples = """
mlelogit tests survey.csv "vote ~ age + C(region)"
mlelogit tests survey.csv "vote ~ age + educ" --test terms --kind wald --type 3
mlelogit tests survey.csv "vote ~ age + educ" --test combine iia gof
mlelogit tests vote.json --hypothesis "car: age = bus: age" --kind wald
"""
    said = "test terms, categories, hypotheses and the model itself"
    parser = add_command(commands, "tests", said, examples)
    add_source(parser)
    add_output(parser, FRAME_FORMATS)
    group = parser.add_argument_group("answer")
    said = f"{', '.join(TEST_NAMES)}; terms if there is no hypothesis"
    group.add_argument("--test", nargs="+", choices=TEST_NAMES, metavar="TEST", help=said)
    said = 'such as "age" or "car: age = bus: age"; may be repeated'
    group.add_argument("--hypothesis", action="append", metavar="TEXT", help=said)
    said = (
        "wald, lr or score, as a test has them; of iia: score, robust, hausman-mcfadden, "
        "small-hsiao"
    )
    group.add_argument("--kind", metavar="KIND", help=said)
    group.add_argument("--type", type=int, metavar="TYPE", help="of terms: 2 (default) or 3")
    group.add_argument("--adjust", metavar="METHOD", help="adjust p-values: holm, fdr_bh, ...")
    group.add_argument("--groups", type=int, metavar="NUMBER", help="of gof; 10")
    group.add_argument("--category", help="of gof: the one whose probability sorts; the base")
    group.add_argument("--seed", type=int, help="of iia's small-hsiao; 0")
    add_model(parser)
    add_fit(parser)


def _add_report(commands: Any) -> None:
    examples = """
mlelogit report survey.csv "vote ~ age + C(region)" -o fit.html
mlelogit report survey.csv "vote ~ age" --sections overview coefficients -o fit.html
mlelogit report vote.json --data survey.csv --title Votes -o fit.html
"""
    said = "write all of a fit as one page of HTML"
    parser = add_command(commands, "report", said, examples)
    add_source(parser)
    add_output(parser, ("html", "json"))
    group = parser.add_argument_group("answer")
    group.add_argument("--title", help="of the page")
    said = "some of the page's, in their order there"
    group.add_argument("--sections", nargs="+", metavar="SECTION", help=said)
    group.add_argument("--seed", type=int, default=0, help="of whatever is random; 0")
    _add_alpha(group)
    add_model(parser)
    add_fit(parser)


def _add_convert(commands: Any) -> None:
    examples = """
mlelogit convert survey.dta survey.parquet
mlelogit convert survey.xlsx survey.csv --sheet Wave1
mlelogit convert - survey.parquet --input-format stata < survey.dta
mlelogit convert vote.json vote.html
mlelogit convert vote.json coefficients.csv
"""
    said = "write a table in another format, or a saved fit as a table"
    parser = add_command(commands, "convert", said, examples)
    said = "a table, as of fit, or a saved fit"
    parser.add_argument("data", metavar="SOURCE", help=said)
    said = (
        "a file: .csv, .tsv, .parquet, .feather, .dta, .xlsx; of a fit also .html, .tex, .md, "
        ".txt; or - for standard output"
    )
    parser.add_argument("target", metavar="TARGET", help=said)
    add_reading(parser, rows=False)
    group = parser.add_argument_group("output")
    said = "of TARGET, if its ending does not tell"
    formats = (*FORMATS, *SUMMARY_FORMATS[:-1])
    group.add_argument("--output-format", choices=formats, help=said)
    said = "what is said of it: nothing but warnings (text), or json"
    group.add_argument("--format", choices=("text", "json"), default="text", help=said)
    said = "of a fit: 1 - coverage of intervals; 0.05"
    group.add_argument("--alpha", type=float, help=said)
    said = "of a fit: relative risk ratios exp(b)"
    group.add_argument("--exponentiate", action="store_true", help=said)

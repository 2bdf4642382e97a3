"""Coefficients and relative risk ratios, and how to read them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mlelogit.data.formulas import list_terms
from mlelogit.display.escapes import write_name
from mlelogit.display.report.cells import iterate, make_table, write_number
from mlelogit.display.report.content import Heading, Paragraph, Part
from mlelogit.display.report.pictures import draw_lines
from mlelogit.display.report.scope import Scope
from mlelogit.fitting.constrained.constraints import find_fixed
from mlelogit.inference.coefficients import NUMBERS, tidy_coefficients


def write_coefficients(scope: Scope) -> Iterator[Part]:
    """Give the coefficients and the relative risk ratios, and how to read one."""
    yield Paragraph(
        "A coefficient is the change of a category's log-odds against the base, "
        f"{scope.base}, with one unit more of its column and the others as they are. Its "
        "exponential, the relative risk ratio, is what the odds are multiplied by. Neither is a "
        "change of a probability: see the effects for those."
    )
    tidy = tidy_coefficients(scope.record, scope.covariance, scope.alpha)
    ratios = tidy_coefficients(scope.record, scope.covariance, scope.alpha, exponentiate=True)
    example = _give_example(scope, ratios)
    if example:
        yield Paragraph(example)
    yield from draw_lines(
        scope,
        len(tidy),
        "res.plot.coefficients(names=...)",
        "coefficients",
        "Relative risk ratios with their intervals",
        "For every column and category a point at the relative risk ratio against "
        f"{scope.base}, and its {scope.level} interval, on a log scale with a line at one. The "
        "numbers are in the tables below.",
        exponentiate=True,
        alpha=scope.alpha,
    )
    yield Heading("Coefficients")
    yield _tabulate(scope, tidy, "Coefficients, in log-odds against the base", "Coefficient")
    yield Heading("Relative risk ratios")
    yield _tabulate(scope, ratios, "Relative risk ratios, exp(coefficient)", "Ratio")


def _tabulate(scope: Scope, tidy: pd.DataFrame, caption: str, what: str) -> Part:
    letter = "t" if np.isfinite(scope.covariance.df) else "z"
    titles = [f"{name} against {scope.base}" for name in scope.others]
    return make_table(
        caption,
        iterate(tidy, "name", *NUMBERS),
        [
            ("Column", "text"),
            (what, "number"),
            ("Std. error", "number"),
            (letter, "number"),
            ("p-value", "p"),
            (f"{scope.level} from", "number"),
            ("to", "number"),
        ],
        _note(scope),
        [title for title in titles for _ in scope.encoding.all_names],
    )


def _note(scope: Scope) -> str:
    said = [scope.covariance.describe() or f"Standard errors: {scope.covariance.kind}."]
    if scope.encoding.omitted:
        said.append("n/a in all cells: the column was left out.")
    if find_fixed(scope.record.restriction, scope.record.basis).size:
        said.append("A standard error of zero: constraints fix the coefficient.")
    return " ".join(said)


def _give_example(scope: Scope, ratios: pd.DataFrame) -> str:
    """Read one ratio aloud: of a number that enters by itself, the one that is surest."""
    plain = [name for name in _list_plain(scope) if name in scope.encoding.names]
    finite = np.isfinite(ratios[list(NUMBERS)].to_numpy()).all(axis=1)
    known = ratios[ratios["name"].isin(plain).to_numpy() & finite]
    if known.empty:
        return ""
    row = known.iloc[int(known["z"].abs().argmax())]
    names = dict(zip(scope.encoding.others, scope.others, strict=True))
    return (
        f"For example, with {write_name(row['name'])} one unit higher and all else as it is, the "
        f"odds of {names[row['category']]} against {scope.base} are multiplied by "
        f"{write_number(row['estimate'])} ({scope.level} interval {write_number(row['lower'])} to "
        f"{write_number(row['upper'])})."
    )


def _list_plain(scope: Scope) -> list:
    """List the variables that are numbers and stand in one term, alone."""
    encoding = scope.encoding
    if encoding.rhs is None:
        return [name for name in encoding.names if str(name).lower() not in ("const", "intercept")]
    terms = list_terms(encoding.rhs)
    kinds = encoding.kinds or {}
    return [
        name
        for name, kind in kinds.items()
        if kind == "number"
        and [factors for term, factors in terms.items() if name in term] == [frozenset([name])]
    ]

"""Tests of terms, and of the constraints of a fit."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mlelogit.display.report.cells import iterate, make_table, tabulate
from mlelogit.display.report.content import Heading, Items, Paragraph, Part
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.inference.covariance import rests_on_model
from mlelogit.inference.testing.constraints import test_constraints
from mlelogit.inference.testing.hypothesis import TestResult
from mlelogit.inference.testing.terms import term_tests

KINDS = {"lr": "Likelihood-ratio tests of terms", "wald": "Wald tests of terms"}


def write_tests(scope: Scope) -> Iterator[Part]:
    """Test every term: whether it matters to any category."""
    yield Paragraph(
        "Each test asks whether a term matters at all: whether its coefficients are zero in every "
        "equation at once. It does not depend on the base category, as single coefficients do. "
        "Terms are tested in the model without the interactions that hold them (type II)."
    )
    if not rests_on_model(scope.record, scope.covariance):
        yield Paragraph(
            f"The standard errors ({scope.covariance.kind}) do not suppose that the likelihood is "
            "right, and neither do the Wald tests, which use them; likelihood-ratio tests do."
        )
    for kind, caption in KINDS.items():
        yield from attempt(caption, _test_terms, scope, kind, caption)
    if scope.record.constraints is not None:
        yield Heading("Constraints")
        yield from attempt("Tests of the constraints", _test_constraints, scope)


def _test_terms(scope: Scope, kind: str, caption: str) -> Iterator[Part]:
    found = term_tests(scope.record, scope.covariance, kind)
    if found.empty:
        yield Paragraph("The model has no term but the constant.")
        return
    yield _tabulate(found.reset_index(), caption, "term")


def _tabulate(found: pd.DataFrame, caption: str, label: str) -> Part:
    chi2 = "df_denom" not in found
    columns = [
        (label, label.capitalize(), "text"),
        ("statistic", "Chi-squared" if chi2 else "F", "number"),
        ("df", "df", "count"),
        ("df_denom", "df of the denominator", "count"),
        ("p_value", "p-value", "p"),
        ("reason", "Where it does not apply, why", "text"),
    ]
    null = f"Null hypothesis: {found.attrs['null']}." if "null" in found.attrs else ""
    return tabulate(caption, found, columns, null)


def _test_constraints(scope: Scope) -> Iterator[Part]:
    found = test_constraints(scope.record, scope.covariance)
    tests = (found.lr, found.wald, found.score)
    yield tabulate_tests("Tests of the constraints", tests)
    frame = found.frame.reset_index(names="constraint")
    yield make_table(
        "Constraints one by one",
        iterate(frame, "constraint", "role", "multiplier", "std_err", "z", "p_value"),
        [
            ("Constraint", "text"),
            ("Role", "text"),
            ("Multiplier", "number"),
            ("Std. error", "number"),
            ("z", "number"),
            ("p-value", "p"),
        ],
        "A multiplier is by how much the log-likelihood would rise with the right side, per unit.",
    )


def tabulate_tests(caption: str, tests: tuple[TestResult, ...]) -> Part:
    """Lay tests out, a row each, with the reason where one does not apply."""
    rows = [
        (_begin(test.name), test.statistic, test.df, test.p_value, test.reason) for test in tests
    ]
    return make_table(
        caption,
        rows,
        [
            ("Test", "text"),
            ("Chi-squared", "number"),
            ("df", "count"),
            ("p-value", "p"),
            ("Where it does not apply, why", "text"),
        ],
    )


def list_nulls(tests: tuple[TestResult, ...]) -> Part:
    """List what tests suppose."""
    return Items(tuple(f"{_begin(test.name)}. Null hypothesis: {test.null}." for test in tests))


def _begin(name: str) -> str:
    return name[:1].upper() + name[1:]

"""Single rows: those that move the estimates, and those that are predicted worst."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from mlelogit.display.escapes import write_name
from mlelogit.display.report.cells import tabulate, write_number
from mlelogit.display.report.content import Heading, Notice, Paragraph, Part
from mlelogit.display.report.pictures import draw
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.interpretation.diagnostics.influence import measure_influence
from mlelogit.interpretation.diagnostics.worst import find_worst_predicted

SHOWN = 10
PRIVATE = (
    "Rows are named by their index, and the values of their variables are left out, as this page "
    "may be passed on; res.get_influence().worst() and res.worst_predicted() show them."
)


def write_influence(scope: Scope) -> Iterator[Part]:
    """List the rows that move the estimates most, and those that are predicted worst."""
    yield Paragraph(PRIVATE)
    yield Heading("Rows that move the estimates")
    yield from attempt("Influence", _list_influential, scope)
    yield Heading("Residuals")
    yield from draw(
        scope,
        "residuals",
        "Quantile residuals against the normal distribution",
        "The ordered randomized quantile residuals over the quantiles of the normal distribution, "
        f"with a {scope.level} band. If the model is right they follow the line.",
        alpha=scope.alpha,
        seed=scope.seed,
    )
    yield Heading("Rows that are predicted worst")
    yield from attempt("The rows predicted worst", _list_worst, scope)


def _list_influential(scope: Scope) -> Iterator[Part]:
    found = measure_influence(scope.record, scope.covariance)
    mean = found.size / found.people.sum()
    yield Paragraph(
        "What the estimates would be without each row, to one Newton step. Cook's distance is how "
        "far they would move all together, dfbetas how many of its standard errors the coefficient "
        f"would that moves most. Leverage is {write_number(mean)} on average; rows far above it "
        "have unusual values."
    )
    if found.reason:
        yield Notice("plain", "Some measures are not defined", (("Why:", f"{found.reason}."),))
    yield from draw(
        scope,
        "influence",
        "Cook's distance and leverage of the rows",
        "A point for every row, its Cook's distance over its leverage; the rows of largest "
        "distance are named. They are in the table below.",
        unit=found,
    )
    by = "cooks_distance" if found.cooks_distance.notna().any() else "leverage"
    worst = found.worst(SHOWN, by)
    moved = [
        "" if pd.isna(category) else f"{category}: {name}"
        for category, name in zip(worst["category"], worst["name"], strict=True)
    ]
    yield tabulate(
        f"The {len(worst)} rows of largest {'Cook distance' if by != 'leverage' else by}",
        worst.assign(row=_name_rows(worst), moved=moved),
        [
            ("row", "Row", "text"),
            ("cooks_distance", "Cook's distance", "number"),
            ("leverage", "Leverage", "number"),
            ("chi_square", "Chi-square", "number"),
            ("largest_dfbetas", "Largest dfbetas", "number"),
            ("moved", "Of the coefficient", "text"),
        ],
        "Chi-square: the squared residual over its variance, about "
        f"{len(scope.encoding.others)} on average.",
    )


def _list_worst(scope: Scope) -> Iterator[Part]:
    found = find_worst_predicted(scope.record, SHOWN)
    yield tabulate(
        f"The {len(found)} rows whose category had the smallest probability",
        found.assign(row=_name_rows(found)),
        [
            ("row", "Row", "text"),
            ("observed", "Observed", "text"),
            ("probability", "Probability of it", "number"),
            ("predicted", "Most probable", "text"),
            ("predicted_probability", "Probability of that", "number"),
        ],
    )


def _name_rows(frame: pd.DataFrame) -> list[str]:
    return [_name_row(label) for label in frame.index]


def _name_row(label: Any) -> str:
    return ", ".join(map(write_name, label)) if isinstance(label, tuple) else write_name(label)

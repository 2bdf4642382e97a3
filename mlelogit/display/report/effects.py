"""Effects on probabilities, in a table, in words and in pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.escapes import write_name
from mlelogit.display.report.cells import tabulate
from mlelogit.display.report.content import Heading, Notice, Paragraph, Part
from mlelogit.display.report.pictures import draw, draw_lines
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.inference.coefficients import NUMBERS
from mlelogit.interpretation.margins.effects import estimate_margins

# Numbers in the Jacobian of all effects: some 400 MB.
LARGEST_JACOBIAN = 50_000_000
SLOPE = "dy/dx"
# Variables whose probabilities are drawn, those of the smallest p-values first.
MOST_DRAWN = 4


def write_effects(scope: Scope) -> Iterator[Part]:
    """Give what variables do to probabilities, on average over the rows of the fit."""
    yield Paragraph(
        "What a variable does to the probabilities themselves, all of its columns moving together. "
        "Of a number it is the slope: the change of a probability per unit more; of a factor, the "
        "difference between two levels, all else as it is. Each is averaged over the rows of the "
        "fit. The effects of a variable add up to zero over the categories, and none depends on "
        "the base."
    )
    size = scope.record.params.size * len(scope.encoding.names) * len(scope.encoding.categories)
    if size > LARGEST_JACOBIAN:
        yield Notice(
            "plain",
            "Effects were left out for their number",
            (("What to do:", "Ask for some variables at a time: res.margins('name')."),),
        )
        return
    yield from attempt("Average marginal effects", _list_effects, scope)


def _list_effects(scope: Scope) -> Iterator[Part]:
    found = estimate_margins(scope.record, scope.covariance)
    frame = found.tabulate(scope.alpha)
    yield from _read_aloud(scope, frame)
    yield from draw_lines(
        scope,
        len(frame),
        "res.plot.margins(variables)",
        "margins",
        "Average marginal effects with their intervals",
        "For every variable and category a point at the average effect on the probability, and its "
        f"{scope.level} interval, with a line at zero. The numbers are in the table below.",
        found,
        alpha=scope.alpha,
    )
    letter = "t" if np.isfinite(found.df) else "z"
    frame = frame.assign(of=[_name_change(*pair) for pair in _pairs(frame)])
    yield tabulate(
        "Average marginal effects on probabilities",
        frame,
        [
            ("category", "Category", "text"),
            ("estimate", "Effect", "number"),
            ("std_err", "Std. error", "number"),
            ("z", letter, "number"),
            ("p_value", "p-value", "p"),
            ("lower", f"{scope.level} from", "number"),
            ("upper", "to", "number"),
        ],
        f"Standard errors by the delta method, {found.cov_type} covariance."
        + " They take what is separated as given." * scope.record.separation.found,
        group="of",
    )
    yield from _draw_probabilities(scope, frame)


def _draw_probabilities(scope: Scope, frame: pd.DataFrame) -> Iterator[Part]:
    """Draw probabilities over the variables whose effects are surest."""
    sizes = frame["z"].abs().fillna(0.0)
    order = sizes.groupby([frame["variable"]], sort=False).max().sort_values(ascending=False)
    chosen = list(order.index[:MOST_DRAWN])
    yield Heading("Predicted probabilities")
    if len(order) > len(chosen):
        yield Paragraph(
            f"Of {len(order)} variables the {len(chosen)} with the surest effects are drawn; "
            "res.plot.probabilities('name') draws any."
        )
    for variable in chosen:
        name = write_name(variable)
        yield from draw(
            scope,
            "probabilities",
            f"Predicted probabilities over {name}",
            f"The probability of every category over {name}, averaged over the rows of the fit "
            f"with all else as it is, with {scope.level} bands. "
            f"res.get_prediction(newdata) has the numbers.",
            variable,
            alpha=scope.alpha,
        )


def _pairs(frame: pd.DataFrame) -> list[tuple[Any, Any]]:
    return list(zip(frame["variable"], frame["contrast"], strict=True))


def _name_change(variable: Any, contrast: Any) -> str:
    said = "per unit more (dy/dx)" if contrast == SLOPE else contrast
    return f"{variable}: {said}"


def _read_aloud(scope: Scope, frame: pd.DataFrame) -> Iterator[Part]:
    """Read the surest effect aloud, that of a number if there is one."""
    known = frame[np.isfinite(frame[list(NUMBERS)].to_numpy()).all(axis=1)]
    slopes = known[known["contrast"].eq(SLOPE).to_numpy()]
    chosen = known if slopes.empty else slopes
    if chosen.empty:
        return
    row = chosen.iloc[int(chosen["z"].abs().argmax())]
    points, low, high = (f"{100 * row[name]:+.3g}" for name in ("estimate", "lower", "upper"))
    where = (
        f"one unit more of {write_name(row['variable'])} changes"
        if row["contrast"] == SLOPE
        else f"{write_name(row['variable'])} ({write_name(row['contrast'])}) changes"
    )
    yield Paragraph(
        f"For example, averaged over the rows, {where} the probability of "
        f"{write_name(row['category'])} by about {points} percentage points ({scope.level} "
        f"interval {low} to {high})."
    )

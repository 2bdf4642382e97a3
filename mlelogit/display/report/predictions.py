"""Predictions beside outcomes: categories, calibration, scores and discrimination."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mlelogit.display.escapes import write_name
from mlelogit.display.report.cells import make_table, tabulate
from mlelogit.display.report.content import Heading, Items, Paragraph, Part
from mlelogit.display.report.pictures import draw
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.interpretation.performance.calibration import Calibration, calibrate
from mlelogit.interpretation.performance.classification import classify
from mlelogit.interpretation.performance.scoring_rules import Scores, score_probabilities

NAMES = {
    "hit_rate": "Predicted right",
    "baseline_rate": "Always the most frequent",
    "mean_probability": "Mean probability of the own category",
    "count_adjusted": "Right beyond the most frequent",
    "balanced_accuracy": "Balanced accuracy",
    "kappa": "Cohen's kappa",
    "sensitivity": "Sensitivity: of those in the category, predicted there",
    "specificity": "Specificity: of the others, not predicted there",
    "precision": "Precision: of those predicted there, in the category",
    "brier": "Brier score",
    "log": "Log score",
    "pdi": "Polytomous discrimination index",
    "hand_till": "Hand and Till's M",
    "auc": "Area under the curve, against the rest",
}
# Shares and probabilities that agree but for the rounding of their sums differ by less.
ROUNDING = 1e-12
# The measure of calibration errors that there is one of for every category.
BY_CATEGORY = "category"
OWN_ROWS = (
    "All of this is on the rows that the fit was made from, which it predicts better than rows "
    "that it has not seen: cross_validate() or newdata= tells how well it does there. Intervals "
    "take the coefficients as given."
)


def write_calibration(scope: Scope) -> Iterator[Part]:
    """Set predictions beside outcomes."""
    yield Paragraph(OWN_ROWS)
    yield Heading("Predicted categories")
    yield from attempt("Predicted categories", _classify, scope)
    yield Heading("Calibration")
    yield from attempt("The calibration", _calibrate, scope)
    yield Heading("Scores and discrimination")
    yield from attempt("Scores", _score, scope)


def _interval(scope: Scope) -> list[tuple[str, str, str]]:
    return [("lower", f"{scope.level} from", "number"), ("upper", "to", "number")]


def _name(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return a frame with its index as columns, measures under their names."""
    flat = frame.reset_index()
    return flat.assign(**{column: [NAMES.get(str(name), name) for name in flat[column]]})


def _classify(scope: Scope) -> Iterator[Part]:
    found = classify(scope.record, alpha=scope.alpha)
    names = scope.encoding.category_names
    yield make_table(
        "Observed categories (rows) and the most probable ones (columns)",
        (
            (name, *counts, counts.sum())
            for name, counts in zip(names, found.table.to_numpy(), strict=True)
        ),
        [("Observed", "text"), *((name, "count") for name in names), ("All", "count")],
    )
    estimate = ("estimate", "Estimate", "number")
    yield tabulate(
        "How often the most probable category is right",
        _name(found.rates, "measure"),
        [("measure", "Measure", "text"), estimate, *_interval(scope)],
    )
    yield tabulate(
        "How often it is right, by category",
        _name(found.by_category, "measure"),
        [("category", "Category", "text"), estimate, *_interval(scope)],
        group="measure",
    )


def _calibrate(scope: Scope) -> Iterator[Part]:
    found = calibrate(scope.record, alpha=scope.alpha)
    yield Paragraph(
        "Probabilities are calibrated if, of the people who are given a probability of 0.3, three "
        "in ten are in the category. Rows are put into bins of similar probabilities, and in each "
        "the mean probability stands beside the share that was observed."
    )
    yield from draw(
        scope,
        "calibration",
        "Reliability of the probabilities, by category",
        "For every category the observed share over the mean probability of each bin, with "
        f"{scope.level} intervals; probabilities that are right lie on the diagonal.",
        found,
    )
    yield tabulate(
        "Calibration of the most probable category, by bins of its probability",
        found.confidence.reset_index(),
        [
            ("bin", "Bin", "text"),
            ("people", "People", "count"),
            ("predicted", "Mean probability", "number"),
            ("observed", "Observed share", "number"),
            *_interval(scope),
        ],
    )
    yield _list_errors(scope, found)


def _list_errors(scope: Scope, found: Calibration) -> Part:
    errors = found.errors.reset_index()
    errors["estimate"] = errors["estimate"].where(errors["estimate"] > ROUNDING, 0.0)
    label = [
        write_name(category) if measure == BY_CATEGORY else str(measure).capitalize()
        for measure, category in zip(errors["measure"], errors["category"], strict=True)
    ]
    return tabulate(
        "Expected calibration error: the mean distance of shares from probabilities",
        errors.assign(label=label),
        [
            ("label", "Of", "text"),
            ("estimate", "Error", "number"),
            *_interval(scope),
            ("by_chance", "By chance", "number"),
        ],
        "By chance: the error expected if every probability were right, as bins have few people.",
    )


def _score(scope: Scope) -> Iterator[Part]:
    found = score_probabilities(scope.record, alpha=scope.alpha)
    yield tabulate(
        "Scores of the probabilities: smaller is better",
        _name(found.overall.rename(columns={"score": "value"}), "score"),
        [
            ("score", "Score", "text"),
            ("value", "Value", "number"),
            *_interval(scope),
            ("reference", "Of the shares alone", "number"),
            ("skill", "Skill", "number"),
        ],
        "Skill is one less the ratio of the two: zero is no better than the shares, one perfect.",
    )
    yield from _list_discrimination(scope, found)
    own = [note for note in found.notes if "newdata" not in note and "as given" not in note]
    if own:
        yield Items(tuple(own))


def _list_discrimination(scope: Scope, found: Scores) -> Iterator[Part]:
    yield tabulate(
        "Discrimination: how well the categories are told apart",
        _name(found.discrimination, "measure"),
        [
            ("measure", "Measure", "text"),
            ("estimate", "Estimate", "number"),
            *_interval(scope),
            ("chance", "By chance", "number"),
        ],
    )
    yield tabulate(
        "Discrimination, by category",
        _name(found.discrimination_by_category, "measure"),
        [
            ("category", "Category", "text"),
            ("estimate", "Estimate", "number"),
            *_interval(scope),
            ("chance", "By chance", "number"),
        ],
        group="measure",
    )

"""What stands under a table of models: how to read it, and what sets the models apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from mlelogit.display.facts import tell_omitted, tell_rows
from mlelogit.display.references import tell_references
from mlelogit.display.tables.models import Headings, Model, Rows, identify
from mlelogit.display.tables.request import TableRequest
from mlelogit.inference.testing.constraints import tell_constraints
from mlelogit.letters import write_name

KINDS = {"nonrobust": "Covariance nonrobust: the inverse of the information."}
INCOMPARABLE = "log-likelihoods and what is made of them, such as AIC, do not compare"
UNNAMED = "nan: no standard error could be found"


def write_notes(
    models: list[Model],
    headings: Headings,
    rows: Rows,
    request: TableRequest,
    reasons: pd.DataFrame,
) -> tuple[str, ...]:
    """Write the notes, each once, with the models it is about where it is not about all."""
    notes = [*_gather(models, lambda model: [_tell_base(model, headings)])]
    notes += _gather(models, lambda model: tell_references(model.record))
    notes.append(_tell_cells(models, request))
    if request.below or request.stars:
        notes += _gather(models, _tell_covariance)
    if request.stars:
        legend = ", ".join(f"{mark} p < {threshold:.10g}" for mark, threshold in request.stars)
        notes.append(f"Two-sided p-values: {legend}.")
    notes += _gather(models, lambda model: _tell_fit(model, request.exponentiate))
    notes += _tell_differences(models)
    if rows.hidden:
        notes.append(f"Not shown: {', '.join(rows.hidden)}.")
    for reason, found in reasons.groupby("reason", sort=False):
        labels = ", ".join(dict.fromkeys(found["label"]))
        which = list(dict.fromkeys(found["model"]))
        said = f"{labels}: nan, since {reason}."
        notes.append(said if len(which) == len(models) else f"{_join_names(which)}: {said}")
    return tuple(write_name(note) for note in notes)


def _gather(models: list[Model], tell: Callable[[Model], Iterable[str]]) -> list[str]:
    """Say every sentence once; before it the models that it is about, if not about all."""
    found: dict[str, list[str]] = {}
    for model in models:
        for sentence in tell(model):
            found.setdefault(sentence, []).append(model.name)
    return [
        sentence if len(names) == len(models) else f"{_join_names(names)}: {sentence}"
        for sentence, names in found.items()
    ]


def _join_names(names: list[str]) -> str:
    """List models; with semicolons where a name has a comma."""
    return ("; " if any("," in name for name in names) else ", ").join(names)


def _tell_base(model: Model, headings: Headings) -> str:
    outcome = headings.outcomes[identify(model.encoding.outcome_name)]
    base = headings.categories[identify(model.encoding.base_category)]
    said = f"Outcome {outcome}, base category {base}"
    return f"{said}." if headings.many_outcomes else f"Base category: {base}."


def _tell_cells(models: list[Model], request: TableRequest) -> str:
    """Say what a cell holds."""
    letters = {_find_letter(model) for model in models}
    ratio = f"{' or '.join(sorted(letters, reverse=True))} statistics"
    level = f"{100 * (1 - request.alpha):.10g}% Wald intervals in brackets"
    marked = len(request.below) > 1
    words = {
        "std_err": "standard errors in parentheses",
        "interval": level,
        "z": ratio if marked else f"{ratio} in parentheses",
        "p_value": "p-values" if marked else "p-values in parentheses",
    }
    said = "Coefficients (log-odds against the base category)"
    if request.exponentiate:
        said = "Relative risk ratios, exp(coefficient)"
        words["std_err"] = "standard errors by the delta method in parentheses"
    if not request.below:
        return f"{said}."
    return f"{said}; below them {', '.join(words[one] for one in request.below)}."


def _find_letter(model: Model) -> str:
    return "t" if np.isfinite(model.covariance.df) else "z"


def _tell_covariance(model: Model) -> Iterable[str]:
    covariance = model.covariance
    if covariance.omitted:
        yield f"{UNNAMED}: the covariance was left out for its size."
        return
    yield covariance.describe() or KINDS.get(covariance.kind, f"Covariance {covariance.kind}.")
    lost = model.tidy["std_err"].isna() & np.isfinite(model.tidy["estimate"])
    if lost.any() and model.record.separation.found:
        yield f"{UNNAMED} beside coefficients that run to infinity."
    elif lost.any() and model.record.well_defined:
        yield f"{UNNAMED} by this covariance."
    elif lost.any():
        yield f"{UNNAMED}, as no finite maximum has been shown to exist."


def _tell_fit(model: Model, exponentiate: bool) -> Iterable[str]:
    """Say what a reader must know of one fit."""
    record, encoding = model.record, model.encoding
    if record.separation.found:
        running = (
            "Ratios of zero or infinity are of coefficients that run to infinity, those of nan of "
            "such as may"
            if exponentiate
            else "Coefficients of infinity run there, and those of nan may"
        )
        yield (
            f"{record.separation.verdict.capitalize()} separation: no finite maximum exists. "
            f"{running}; others are those of the model in the limit."
        )
    elif not record.maximum.converged:
        yield f"NOT CONVERGED. {record.maximum.status.value}"
    if record.maximum.bias_reduction is not None:
        yield f"Bias-reduced estimates ({record.maximum.bias_reduction})."
    yield from tell_constraints(record)
    yield from tell_omitted(record)
    if record.weight_type is not None:
        yield f"Weights: {record.weight_type}."
    if encoding.outcome_kind != "labels":
        yield f"The outcome is {encoding.outcome_kind}."
    yield from tell_rows(record)


def _tell_differences(models: list[Model]) -> Iterable[str]:
    """Say of each model what its statistics cannot be set beside, and why."""
    found: list[tuple[Model, list[str]]] = []
    sentences: dict[str, list[str]] = {}
    for model in models:
        sentences[model.name] = _find_sentences(model, found)
    return _gather(models, lambda model: sentences[model.name])


def _find_sentences(model: Model, found: list[tuple[Model, list[str]]]) -> list[str]:
    """Compare a model with the first of each kind found so far; one of a new kind joins them."""
    unlike: dict[str, list[str]] = {}
    for first, sentences in found:
        difference = _find_difference(first, model)
        if not difference:
            return sentences
        unlike.setdefault(difference, []).append(first.name)
    said = [difference.format(_join_names(names)) for difference, names in unlike.items()]
    found.append((model, said))
    return said


def _find_difference(one: Model, other: Model) -> str:
    """Return what sets two models' samples apart, with a place for the name of the first."""
    if _tell_sample(one) != _tell_sample(other):
        return f"Other outcome, categories or kind of weights than {{}}: {INCOMPARABLE}."
    totals, others = one.record.audit.categories, other.record.audit.categories
    counts = [(one.record.nobs, other.record.nobs)]
    counts += [(total, others[category]) for category, total in totals.items()]
    if not all(np.isclose(*pair) for pair in counts):
        return f"Other rows or weights than {{}}: {INCOMPARABLE}."
    if one.record.blocks is None or other.record.blocks is None:
        return f"Not all rows of {{}} and of this model are held; if they differ, {INCOMPARABLE}."
    left, right = one.record.index, other.record.index
    if left.isin(right).all() and right.isin(left).all():
        return ""
    return f"Other index labels than {{}}; if these stand for other rows, {INCOMPARABLE}."


def _tell_sample(model: Model) -> tuple:
    encoding = model.encoding
    categories = frozenset(map(identify, encoding.categories))
    return identify(encoding.outcome_name), categories, model.record.weight_type

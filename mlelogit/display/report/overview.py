"""What was fitted, on which rows, and the few numbers to see first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlelogit.display.escapes import write_name
from mlelogit.display.references import tell_references
from mlelogit.display.report.cells import (
    count_words,
    list_words,
    make_table,
    write_brief,
    write_count,
    write_number,
    write_p,
)
from mlelogit.display.report.content import Facts, Notice, Paragraph, Part, Tiles
from mlelogit.display.report.scope import Scope
from mlelogit.fitting.report import find_remedy
from mlelogit.inference.fit_statistics import compute_fit_statistics

WEIGHTS = {
    None: "none: every row is one observation",
    "frequency": "frequency: a row of weight w stands for w observations",
    "sampling": (
        "sampling: a row of weight w stands for w of the population; the log-likelihood is a "
        "pseudo-likelihood"
    ),
    "importance": "importance: used as given",
}
KINDS = {
    "labels": "labels, one category for every row",
    "counts": "counts, the people of every category in a row",
    "probabilities": "probabilities, a share for every category in a row",
}
REDUCTIONS = {
    "mean": "the bias of their mean (Firth 1993)",
    "median": "the bias of their median (Kenne Pagui, Salvan and Sartori 2017)",
}


def judge_fit(scope: Scope) -> Notice:
    """Say whether the numbers of the page can be relied on."""
    record, maximum = scope.record, scope.record.maximum
    certificate = maximum.certificate
    if maximum.adjusted is not None:
        text = f"The adjusted score is {maximum.adjusted}."
        if maximum.converged:
            return Notice("good", "The bias-reduced estimates were found", (("", text),))
        return Notice("bad", "The bias-reduced estimates were NOT found", (("", text),))
    if maximum.converged:
        text = (
            f"No coefficient is further than {write_brief(certificate.error_bound)} of its "
            "standard errors from the exact maximum, and no more than "
            f"{write_brief(certificate.loglike_gap)} of log-likelihood is left."
        )
        title = "The maximum of the likelihood was found, and that is proven"
        return Notice("good", title, (("", text),))
    if record.separation.found:
        title = f"The data are separated ({record.separation.verdict}): no finite maximum exists"
        text = f"Some coefficients are infinite. {find_remedy(record)}"
        return Notice("bad", title, (("", text),))
    if maximum.sums.information is None:
        title = "Estimates without standard errors or certificate"
        return Notice("caution", title, (("", maximum.status.value),))
    return Notice("bad", "Convergence was NOT shown", (("", maximum.status.value),))


def write_overview(scope: Scope) -> Iterator[Part]:
    """Say what was fitted, and give the few numbers to see first."""
    record, encoding = scope.record, scope.encoding
    columns = len(encoding.names)
    held = len(record.maximum.params) - record.size
    yield Paragraph(
        f"The outcome {scope.outcome} is in one of {len(encoding.categories)} categories. For "
        f"each but the base, {scope.base}, one equation of "
        f"{count_words(columns, 'coefficient')} gives the log-odds of that category against the "
        f"base: {count_words(len(record.maximum.params), 'coefficient')} in all"
        + (f", of which constraints settle {held}." if held else ".")
    )
    yield _make_tiles(scope)


def _make_tiles(scope: Scope) -> Tiles:
    record, statistics = scope.record, compute_fit_statistics(scope.record)
    rows = [
        ("Observations", write_count(statistics.nobs), _tell_rows(scope)),
        ("Categories", str(len(scope.encoding.categories)), f"base {scope.base}"),
        ("Free parameters", write_count(record.size), f"{statistics.df_model} beyond the null's"),
        ("Log-likelihood", write_number(statistics.llf), f"null {write_number(statistics.llnull)}"),
        ("McFadden's R²", write_number(statistics.prsquared), "1 - llf / llnull"),
        (
            "All effects zero",
            f"p {_relate(write_p(statistics.llr_pvalue))}",
            f"likelihood ratio {write_number(statistics.llr)}, df {statistics.df_model}",
        ),
        ("AIC", write_number(statistics.aic), "smaller is better"),
        ("BIC", write_number(statistics.bic), "smaller is better"),
    ]
    return Tiles(tuple(rows))


def _relate(said: str) -> str:
    return said if said.startswith("<") or said == "n/a" else f"= {said}"


def _tell_rows(scope: Scope) -> str:
    audit = scope.record.audit
    if audit.rows_in == audit.rows_used:
        return f"in {count_words(audit.rows_used, 'row')}, all of those given"
    return f"in {count_words(audit.rows_used, 'row')} of {write_count(audit.rows_in)}"


def write_data(scope: Scope) -> Iterator[Part]:
    """Say which rows, columns and categories the fit rests on."""
    record, encoding, audit = scope.record, scope.encoding, scope.record.audit
    yield Facts(tuple(_list_facts(scope)))
    totals = np.array(list(audit.categories.values()), dtype=float)
    marks = ["base" if i == encoding.base else "" for i in range(len(encoding.categories))]
    yield make_table(
        "Categories of the outcome, among the rows used",
        zip(encoding.category_names, totals, totals / totals.sum(), marks, strict=True),
        [("Category", "text"), (_name_total(scope), "count"), ("Share", "share"), ("Role", "text")],
        "Categories without a row, left out: " + f"{list_words(audit.unused)}."
        if audit.unused
        else "",
    )
    if audit.dropped:
        yield make_table(
            "Rows left out, by the first reason that applied",
            audit.dropped.items(),
            [("Reason", "text"), ("Rows", "count")],
        )
    if audit.missing:
        yield make_table(
            "Missing values, by column, among the rows given",
            audit.missing.items(),
            [("Column", "text"), ("Rows", "count")],
        )
    if encoding.omitted:
        yield make_table(
            "Columns left out, being combinations of others",
            encoding.omitted.items(),
            [("Column", "text"), ("What it is", "text")],
        )
    if any(names != (term,) for term, names in _find_terms(scope) if term != "1"):
        yield _list_terms(scope)
    if record.constraints is not None:
        yield make_table(
            "Constraints that the coefficients are held to",
            [(words,) for words in record.constraints.given.words],
            [("Constraint", "text")],
        )


def _name_total(scope: Scope) -> str:
    if scope.record.weight_type is None and scope.encoding.outcome_kind == "labels":
        return "Rows"
    return "Weight" if scope.record.weight_type in ("sampling", "importance") else "Observations"


def _list_facts(scope: Scope) -> Iterator[tuple[str, str]]:
    record, encoding, audit = scope.record, scope.encoding, scope.record.audit
    yield "Outcome", f"{scope.outcome} ({KINDS[encoding.outcome_kind]})"
    yield "Model", encoding.formula or f"{len(encoding.names)} columns, given as a matrix"
    yield "Base category", scope.base
    for said in tell_references(record):
        heading, _, rest = said.partition(": ")
        yield heading, write_name(rest)
    yield "Rows given", write_count(audit.rows_in)
    dropped = audit.rows_in - audit.rows_used
    left = f" ({dropped:,} left out)" if dropped else ""
    yield "Rows used", f"{write_count(audit.rows_used)}{left}"
    if audit.rows_distinct is not None:
        yield "Distinct rows", f"{write_count(audit.rows_distinct)}, equal ones counted"
    yield "Observations", write_count(record.nobs)
    named = record.weights_name
    column = f" (column {write_name(named)})" if named else ""
    yield "Weights", WEIGHTS[record.weight_type] + column
    if record.has_offset:
        named = list_words(encoding.offset_names)
        yield "Offset", f"added to the log-odds{f': {named}' if named else ''}"
    if record.maximum.bias_reduction is not None:
        yield "Estimates", f"reduce {REDUCTIONS[record.maximum.bias_reduction]}"
    yield "Standard errors", _name_covariance(scope)


def _name_covariance(scope: Scope) -> str:
    covariance = scope.covariance
    if covariance.omitted:
        return "left out for the size of the model"
    named = {
        "nonrobust": "nonrobust: the inverse of the information",
        "robust": "robust: Huber and White's sandwich, times n / (n - 1)",
        "opg": "opg: the inverse of the scores' outer products",
    }
    said = named.get(covariance.kind, covariance.kind)
    return f"{said}. {covariance.describe()}" if covariance.describe() else said


def _find_terms(scope: Scope) -> list[tuple[str, tuple]]:
    """Return the terms of a formula and the names of their columns."""
    encoding = scope.encoding
    terms = (encoding.terms or {}).items()
    return [(term, encoding.names[start:stop]) for term, (start, stop) in terms]


def _list_terms(scope: Scope) -> Part:
    encoding = scope.encoding
    rows = [
        (
            "constant" if term == "1" else term,
            len(names),
            list_words(names, 8) if names else "all left out",
        )
        for term, names in _find_terms(scope)
    ]
    levels = {name: list_words(found, 8) for name, found in (encoding.levels or {}).items()}
    note = "; ".join(f"{name}: {found}" for name, found in levels.items())
    return make_table(
        "Terms of the model and their columns",
        rows,
        [("Term", "text"), ("Columns", "count"), ("Names", "text")],
        f"Levels of {note}." if note else "",
    )

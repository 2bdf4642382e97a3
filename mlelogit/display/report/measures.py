"""How well the model fits: statistics, tests against what was observed, calibration."""

from __future__ import annotations

from collections.abc import Iterator

from mlelogit.display.report.cells import (
    iterate,
    make_table,
    write_count,
    write_number,
    write_share,
)
from mlelogit.display.report.content import Heading, Items, Paragraph, Part
from mlelogit.display.report.hypotheses import list_nulls, tabulate_tests
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.display.tables.statistics import COUNTS
from mlelogit.inference.fit_measures import tabulate_fit_statistics
from mlelogit.inference.testing.goodness import SMALL_COUNT, SMALL_SHARE, measure_fit

NAMES = {
    "nobs": "Observations",
    "parameters": "Free parameters",
    "df_model": "Df of the model",
    "df_resid": "Df of the residuals",
    "llf": "Log-likelihood",
    "llnull": "Log-likelihood, null model",
    "deviance": "Deviance",
    "llr": "Likelihood ratio",
    "llr_pvalue": "p-value of it",
    "mcfadden": "McFadden's R²",
    "mcfadden_adjusted": "McFadden's R², adjusted",
    "mcfadden_equal_shares": "McFadden's R², equal shares",
    "cox_snell": "Cox and Snell's R²",
    "nagelkerke": "Nagelkerke's R²",
    "aldrich_nelson": "Aldrich and Nelson's R²",
    "veall_zimmermann": "Veall and Zimmermann's R²",
    "estrella": "Estrella's R²",
    "efron": "Efron's R²",
    "tjur": "Tjur's R²",
    "mean_probability": "Mean probability",
    "count": "Share predicted right",
    "count_adjusted": "Share right, adjusted",
    "aic": "AIC",
    "aic_per_n": "AIC / n",
    "aicc": "AIC, small samples",
    "caic": "Consistent AIC",
    "bic": "BIC",
    "bic_deviance": "BIC of the deviance",
    "bic_null": "BIC against the null",
    "sabic": "BIC, sample-size adjusted",
    "hqic": "Hannan and Quinn's",
}
# The criteria start here: what comes before says how much of the outcome is explained.
FIRST_R2, FIRST_CRITERION = "mcfadden", "aic"


def write_fit(scope: Scope) -> Iterator[Part]:
    """Give statistics of the fit, and test it against what was observed."""
    yield from attempt("Fit statistics", _list_statistics, scope)
    yield Heading("Does the model fit?")
    yield from attempt("Tests of fit", _test_fit, scope)


def _list_statistics(scope: Scope) -> Iterator[Part]:
    found = tabulate_fit_statistics(scope.record)
    yield Paragraph(found.attrs["weights"])
    frame = found.reset_index()
    frame["name"] = [NAMES.get(name, name) for name in frame["statistic"]]
    frame["value"] = [_write_value(*one) for one in iterate(frame, "statistic", "value")]
    groups, title = [], "The likelihood"
    for name in frame["statistic"]:
        title = {
            FIRST_R2: "How much is explained",
            FIRST_CRITERION: "To compare models: smaller is better",
        }.get(name, title)
        groups.append(title)
    yield make_table(
        "Fit statistics",
        iterate(frame, "name", "value", "definition", "source"),
        [("Statistic", "text"), ("Value", "figure"), ("Definition", "text"), ("Source", "text")],
        groups=groups,
    )
    reasons: dict[str, list[str]] = {}
    for name, reason in iterate(frame, "name", "reason"):
        if reason:
            reasons.setdefault(reason, []).append(name)
    if reasons:
        yield Items(tuple(f"{', '.join(names)}: {why}." for why, names in reasons.items()))


def _write_value(statistic: str, value: float) -> str:
    return write_count(value) if statistic in COUNTS else write_number(value)


def _test_fit(scope: Scope) -> Iterator[Part]:
    found = measure_fit(scope.record)
    yield Paragraph(
        "A small p-value says that what was observed differs from what the model expects by more "
        "than chance; a large one does not say that the model is right."
    )
    yield tabulate_tests("Tests of the fit against what was observed", found.tests)
    yield list_nulls(found.tests)
    if found.patterns:
        rough = found.small > SMALL_SHARE
        yield Paragraph(
            f"{found.people:,.10g} people are in {found.patterns:,} covariate patterns; "
            f"{write_share(found.small)} of their fitted counts are below {SMALL_COUNT:g}"
            + (", so that the first two tests are rough." if rough else ".")
        )

"""The commands demo, fit, verify and report: one fit, its table, its proof and its page."""

from __future__ import annotations

import argparse
import shlex
from functools import partial
from typing import Any

from mlelogit.exceptions import OptionError
from mlelogit.results import MNLogitResults
from mlelogit.terminal.answers import Answer, choose_format, list_records
from mlelogit.terminal.options import PLAIN_FORMATS, SUMMARY_FORMATS
from mlelogit.terminal.sources import find_results

DEMO_FORMULA = "PID ~ logpopul + selfLR + age + educ + income"
NUMBERS = ("nobs", "llf", "llnull", "llr", "llr_pvalue", "prsquared", "aic", "bic")


def run_demo(arguments: argparse.Namespace) -> Answer:
    """Fit the bundled ANES 1996 data, and say what was found and that it holds."""
    from mlelogit.datasets import load_anes96
    from mlelogit.model import mnlogit

    form = choose_format(arguments.format, arguments.output, PLAIN_FORMATS)
    results = mnlogit(DEMO_FORMULA, load_anes96()).fit()
    proof = results.verify()
    holds = results.converged and proof.agrees
    if form == "json":
        told = {**describe_fit(results), "agrees": proof.agrees, "seed": proof.seed}
        return Answer({**told, "engines": list_records(proof.frame.reset_index())}, holds)
    intro = f"American National Election Study 1996, 944 voters: {DEMO_FORMULA}"
    return Answer("\n\n".join([intro, str(results.summary()), str(proof)]), holds)


def run_fit(arguments: argparse.Namespace) -> Answer:
    """Fit a model, write its table and keep it, if that is asked for."""
    form = choose_format(arguments.format, arguments.output, SUMMARY_FORMATS)
    if arguments.formula is None and arguments.save is not None:
        raise OptionError("--save keeps a fit that is made; a saved fit is one.")
    if arguments.save is not None:
        choose_format("json", arguments.save, ("json",))
    if arguments.save_rows and arguments.save is None:
        raise OptionError("--save-rows goes with --save.")
    results = find_results(arguments)
    alpha, exponentiate = arguments.alpha, arguments.exponentiate
    told: Any = None
    if form == "json":
        told = describe_fit(results, alpha, exponentiate)
        told["data"] = arguments.told
    else:
        told = write_summary(results, form, alpha, exponentiate)
    save = partial(results.save, data=arguments.save_rows)
    return Answer(told, results.converged, None if arguments.save is None else save)


def write_summary(
    results: MNLogitResults, form: str, alpha: float = 0.05, exponentiate: bool = False
) -> str:
    """Return the table of a fit in a format."""
    summary = results.summary(alpha=alpha, exponentiate=exponentiate)
    return str(getattr(summary, f"as_{form}")())


def run_verify(arguments: argparse.Namespace) -> Answer:
    """Compare a fit with independent engines."""
    form = choose_format(arguments.format, arguments.output, PLAIN_FORMATS)
    results = find_results(arguments)
    found = results.verify(engines=arguments.engines, seed=arguments.seed)
    holds = results.converged and found.agrees
    if form == "text":
        return Answer(str(found), holds)
    told = {"agrees": found.agrees, "reference": found.reference, "seed": found.seed}
    engines = list_records(found.frame.reset_index())
    return Answer({**told, "engines": engines, "data": arguments.told}, holds)


def run_report(arguments: argparse.Namespace) -> Answer:
    """Write everything about a fit as one HTML page."""
    form = choose_format(arguments.format, arguments.output, ("html", "json"))
    results = find_results(arguments, traced=True)
    report = results.report(
        title=arguments.title,
        sections=arguments.sections,
        alpha=arguments.alpha,
        seed=arguments.seed,
        provenance={"Command": shlex.join(["mlelogit", *arguments.words]), **arguments.origin},
    )
    if form == "html":
        return Answer(report.html, results.converged)
    page = report.page
    titles = [section.title for section in page.sections]
    told = {"title": page.title, "sections": titles, "html": report.html}
    fitted = describe_fit(results, arguments.alpha)
    return Answer({**fitted, **told, "data": arguments.told}, results.converged)


def describe_fit(
    results: MNLogitResults, alpha: float = 0.05, exponentiate: bool = False
) -> dict[str, Any]:
    """Return what there is to tell of a fit, for JSON."""
    certificate = results.certificate
    return {
        "formula": results.record.encoding.formula,
        "outcome": results.record.encoding.outcome_name,
        "categories": list(results.categories),
        "base": results.base,
        "converged": results.converged,
        "certificate": {
            "finite_maximum": certificate.finite_maximum,
            "error_bound": certificate.error_bound,
            "loglike_gap": certificate.loglike_gap,
        },
        "covariance": results.cov_type,
        "covariance_note": results.covariance.describe(),
        **{name: getattr(results, name) for name in NUMBERS},
        "df_model": results.df_model,
        "df_resid": results.df_resid,
        "constraints": _describe_constraints(results),
        "exponentiated": exponentiate,
        "alpha": alpha,
        "coefficients": list_records(results.tidy(alpha, exponentiate)),
    }


def _describe_constraints(results: MNLogitResults) -> list[dict]:
    if results.record.constraints is None:
        return []
    return list_records(results.multipliers.reset_index())

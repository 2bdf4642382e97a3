"""The certificate of a fit, and what independent engines find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.escapes import write_name
from mlelogit.display.report.cells import iterate, make_table, write_brief, write_count
from mlelogit.display.report.content import Facts, Heading, Items, Notice, Paragraph, Part
from mlelogit.display.report.pictures import draw
from mlelogit.display.report.scope import Scope, attempt
from mlelogit.fitting.report import report_separation
from mlelogit.inference.coefficients import frame_trace

# Of a long climb its end is shown, where it is decided.
SHOWN_STEPS = 12
LARGEST_SHOWN = 25
# Rows times coefficients that the engines need some twenty seconds for.
LARGEST_VERIFIED = 4_000_000
INTRODUCTION = (
    "An optimizer's own message says that it stopped, not that it arrived. The certificate is a "
    "proof, made at the point that was returned: from the score, the information and the largest "
    "standard error of any log-odds at any row it bounds how far the exact maximum can be. If "
    "a = λ D is below one, a finite maximum exists."
)


def write_certificate(scope: Scope) -> Iterator[Part]:
    """Give the certificate, and the climb that led to it."""
    record, maximum = scope.record, scope.record.maximum
    certificate = maximum.certificate
    yield Paragraph(INTRODUCTION)
    if maximum.adjusted is not None:
        yield Paragraph(
            "Bias reduction moves estimates off the maximum on purpose, so that its own equations "
            f"decide: the adjusted score is {maximum.adjusted}. The certificate tells how far the "
            "maximum of the likelihood is from the estimates, if it tells anything."
        )
    rows = [("Status", maximum.status.value)]
    known = [
        ("λ, the Newton decrement", write_brief(certificate.decrement)),
        ("D, largest standard error", write_brief(certificate.log_odds_error)),
        ("a = λ D", f"{write_brief(certificate.product)} (must be below 1)"),
        ("Largest error", f"{write_brief(certificate.error_bound)} standard errors"),
        ("Log-likelihood left", write_brief(certificate.loglike_gap)),
    ]
    rows += known if np.isfinite(certificate.decrement) else []
    rows += [
        ("Tolerance asked for", f"{write_brief(certificate.tolerance)} standard errors"),
        ("Method", f"{maximum.method}, {maximum.iterations} iterations"),
        ("Passes over the rows", write_count(maximum.trace.evaluations[-1])),
        ("Condition number", write_brief(record.basis.condition_number)),
    ]
    yield Facts(tuple(rows))
    if record.separation.found:
        yield from _tell_separation(scope)
    yield from draw(
        scope,
        "trace",
        "The climb to the maximum",
        "For every step how far the log-likelihood was below its end, on a log scale. The numbers "
        "are in the table below.",
    )
    yield from _list_steps(scope)


def _tell_separation(scope: Scope) -> Iterator[Part]:
    report = report_separation(scope.record)
    yield Heading("Separation")
    yield Notice(
        "bad", f"{report.verdict.capitalize()} separation", (("How it was decided:", report.proof),)
    )
    yield Items((write_name(report.tell_share()), write_name(report.tell_rows())))
    running = report.coefficients.head(LARGEST_SHOWN)
    yield make_table(
        "Coefficients that run to infinity",
        (
            (f"{category}: {name}", limit, _write_sure(sure))
            for category, name, limit, sure in iterate(running, *running.columns)
        ),
        [("Coefficient", "text"), ("Limit", "number"), ("In every direction", "text")],
        f"{_count_first(len(report.coefficients))}The limit is that along the direction of the "
        "widest margin; where other directions separate as well, and do not take the coefficient "
        "there, the last column says no.",
    )
    if report.certificate is not None:
        yield Paragraph(f"The model in the limit: {report.certificate}.")
    yield from draw(
        scope,
        "separation",
        "What is separated",
        "Which coefficients have no finite estimate. They are in the table above.",
    )


def _write_sure(sure: Any) -> str:
    if pd.isna(sure):
        return "not examined"
    return "yes" if sure else "no"


def _count_first(count: int) -> str:
    return f"The first {LARGEST_SHOWN} of {count}. " if count > LARGEST_SHOWN else ""


def _list_steps(scope: Scope) -> Iterator[Part]:
    steps = frame_trace(scope.record).reset_index()
    shown = steps.tail(SHOWN_STEPS)
    gap = np.max(steps["loglike"]) - shown["loglike"]
    yield make_table(
        "The climb, step by step",
        iterate(shown.assign(gap=gap), "iteration", "stage", "loglike", "gap", "score_norm"),
        [
            ("Step", "text"),
            ("Stage", "text"),
            ("Log-likelihood", "precise"),
            ("Below the highest", "brief"),
            ("Length of the score", "brief"),
        ],
        f"The last {SHOWN_STEPS} of {len(steps)} steps." if len(steps) > SHOWN_STEPS else "",
    )


def write_verification(scope: Scope) -> Iterator[Part]:
    """Set the fit beside independent engines."""
    yield Paragraph(
        "Maximum likelihood, minimum cross-entropy of a one-layer softmax network and maximum "
        "entropy under the data's moments are one problem. So programs that know nothing of each "
        "other have to find the same numbers; here they are asked to, on the same rows."
    )
    size = len(scope.record.index) * len(scope.record.maximum.params)
    if size > LARGEST_VERIFIED and not scope.named:
        said = "res.verify(), or name it: res.report(sections=['verification', ...])."
        yield Notice("plain", "Left out, as it would take long", (("What to do:", said),))
        return
    yield from attempt("The verification", _compare, scope)


def _compare(scope: Scope) -> Iterator[Part]:
    found = scope.verify(scope.record, scope.covariance, seed=scope.seed)
    run, count = int(found.was_run.sum()), len(found.frame)
    if found.agrees:
        said = "All agree" if run == count else f"All {run} of {count} that were run agree"
        yield Notice("good", said, (("", "Within the tolerances under the table."),))
    elif run <= 2:
        yield Notice("caution", "No independent engine was run", (("", "The table says why."),))
    elif found.differs:
        yield Notice("bad", "NOT all agree", (("", "The table says which differs, and by what."),))
    else:
        yield Notice("caution", "Undecided", (("", "There is no finite maximum to agree on."),))
    columns = ("engine", "loglike", "cross_entropy", "coef_diff", "se_diff", "verdict")
    yield make_table(
        "The fit beside independent engines",
        iterate(found.frame.reset_index(), *columns),
        [
            ("Engine", "text"),
            ("Log-likelihood", "precise"),
            ("Cross-entropy", "precise"),
            ("Coefficients, in s.e.", "brief"),
            ("Standard errors, relative", "brief"),
            ("Verdict", "text"),
        ],
        f"Largest differences from: {found.reference}. Tolerances: {found.tolerances}. The "
        f"cross-entropy descent starts at random (seed {found.seed}).",
    )

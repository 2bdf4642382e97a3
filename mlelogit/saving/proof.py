"""Prove that rows are those of a loaded fit, and say what else is not as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlelogit.data.design import Design
from mlelogit.data.frames import list_names, list_some
from mlelogit.exceptions import ChangedRowsError, ChangedRowsWarning, MNLogitError
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.record import FitRecord, RowFacts
from mlelogit.inference.covariance import Covariance, estimate_covariance
from mlelogit.inference.sandwich.requests import LostSettings, read_request
from mlelogit.notices import run_quietly, warn_user
from mlelogit.saving.imprint import take_imprint

# Sums in another order, or on another machine, agree far better; other rows do not.
SAME_ROWS = 1e-9
# The imprint is in no basis that could amplify rounding.
SAME_IMPRINT = 1e-10
# Of covariances, in standard errors: inverses lose digits with the condition of the columns.
SAME_COVARIANCE = 1e-6
LABELS = ("groups", "time", "strata", "psu", "fpc")
ADVICE = "Give the rows that the model was made from, in any order."


def check_same(record: FitRecord, design: Design, facts: RowFacts | None) -> None:
    """Raise `ChangedRowsError` unless the rows of a fit give the sums that were saved.

    Parameters
    ----------
    record : FitRecord
        With the rows.
    design : Design
        The rows.
    facts : RowFacts or None
        What was saved of the fit's own.
    """
    saved, rows = record.sums, record.audit.rows_used
    if design.audit.rows_used != rows:
        raise ChangedRowsError(
            f"The fit used {rows:,} rows, and of these there are {design.audit.rows_used:,} to use."
        )
    objective = make_objective(record.limit_blocks(), record.encoding.base, record.basis)
    found = objective.evaluate(record.inner_params, 1)
    total = max(float(sum(record.audit.categories.values())), 1.0)
    gap = abs(found.loglike - saved.loglike)
    score = np.abs(np.asarray(found.score) - np.asarray(saved.score)).max()
    if not (gap <= SAME_ROWS * max(abs(saved.loglike), 1.0) and score <= SAME_ROWS * total):
        raise ChangedRowsError(
            f"These are other rows than the fit's: at its estimates their log-likelihood is "
            f"{found.loglike:.12g}, and {saved.loglike:.12g} was saved; the score differs by up to "
            f"{score:.3g}. {ADVICE}"
        )
    if facts is not None and facts.imprint is not None:
        away = np.abs(take_imprint(record) - facts.imprint).max()
        if not away <= SAME_IMPRINT * total:
            raise ChangedRowsError(
                "These are other rows than the fit's: they have its log-likelihood and score, and "
                f"a sum over all rows that was saved beside differs by {away:.3g}. {ADVICE}"
            )


def tell_dropped(record: FitRecord, design: Design) -> None:
    """Warn if other rows were dropped than before; those used are the same."""
    was, now = record.audit, design.audit
    if (was.rows_in, was.dropped, was.missing) != (now.rows_in, now.dropped, now.missing):
        warn_user(
            f"The rows used are the fit's, and those left out are others: {now.rows_in:,} came in, "
            f"and {was.rows_in:,} did when it was fitted. Its audit stays what it was.",
            ChangedRowsWarning,
        )


def find_labels(record: FitRecord, covariance: Covariance) -> Covariance:
    """Return the covariance with the labels it rests on, if they are columns beside the rows.

    That they are the same labels is proven by the covariance itself.

    Raises
    ------
    ChangedRowsError
        If they are there, and give another covariance. It warns if they are not there.
    """
    request = covariance.request
    if request is None or not isinstance(request.settings, LostSettings):
        return covariance
    blocks = record.need_blocks()
    given = blocks.design.given
    options = dict(request.settings.options)
    labels = [name for key in LABELS if key in options for name in _as_list(options[key])]
    if blocks.held:
        known = set(list_names(None if given is None else given.frame))
        lacking = [name for name in labels if name not in known]
        if lacking:
            warn_user(
                f"The covariance {request.kind!r} of the fit is as it was saved; its labels "
                f"{list_some(lacking)} are no columns of data, and what needs them, such as "
                "score tests, asks for them: load with a frame that has them, or give them again, "
                "res.with_cov(...).",
                ChangedRowsWarning,
            )
            return covariance
    said = (
        f"The rows are the fit's, and {list_some(labels)}, on which its covariance "
        f"{request.kind!r} rests, are not"
    )
    advice = (
        "Give the columns as they were; or leave them out of data, if the labels were no columns "
        "of it."
    )
    try:
        anew = read_request(request.kind, options, lambda: blocks.design)
        again = run_quietly(estimate_covariance, record, anew)
    except MNLogitError as error:
        raise ChangedRowsError(f"{said}: {error} {advice}") from error
    if not _agree(np.asarray(again.matrix), np.asarray(covariance.matrix)):
        raise ChangedRowsError(f"{said} what they were: they give another covariance. {advice}")
    return replace(covariance, request=anew)


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two covariances are the same in units of their standard errors."""
    sizes = np.sqrt(np.abs(np.diag(other)))
    known = np.isfinite(other)
    if not np.array_equal(known, np.isfinite(one)):
        return False
    bounds = SAME_COVARIANCE * np.outer(sizes, sizes)
    return bool((np.abs(one - other)[known] <= bounds[known]).all())


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else [value]

"""Say how a fit ended, where that is not at a certified maximum."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.exceptions import (
    CovarianceOmittedWarning,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    SeparationWarning,
)
from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.maximum import Status
from mlelogit.fitting.penalties import warn_if_unsolved
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.separation import find_observed
from mlelogit.markup import Shown, write_html
from mlelogit.notices import warn_user

SHOWN = 6
SHOWN_ROWS = 2
CONSTRAINED_REMEDY = (
    "That is so under the constraints given; without them fit(bias_reduction='mean') gives finite "
    "estimates."
)
REMEDY = "fit(bias_reduction='mean') gives finite estimates."


def warn_if_not_converged(record: FitRecord) -> None:
    """Warn how far off the answer can be if its certificate does not hold."""
    maximum, certificate = record.maximum, record.maximum.certificate
    if maximum.converged or maximum.adjusted is not None:
        warn_if_unsolved(maximum)
        return
    if record.separation.found:
        warn_user(f"{tell_no_maximum(record)} {find_remedy(record)}", SeparationWarning)
        return
    if maximum.sums.information is None:
        warn_user(_tell_omitted(record), CovarianceOmittedWarning)
        return
    if maximum.status is Status.NO_FINITE_MAXIMUM:
        warn_user(f"{tell_no_maximum(record)} {find_remedy(record)}", NoFiniteMaximumWarning)
        return
    if certificate.finite_maximum:
        off = (
            f"coefficients can be off by up to {certificate.error_bound:.2g} of their standard "
            f"errors, the log-likelihood by up to {certificate.loglike_gap:.2g}"
        )
    else:
        off = "no bound on its distance from the maximum is known; standard errors are NaN"
    warn_user(
        f"{maximum.status.value} {maximum.iterations} iterations of {maximum.method}: {off}.",
        NotConvergedWarning,
    )


def tell_no_maximum(record: FitRecord) -> str:
    """Say why there is no finite maximum, and nothing of what can be done."""
    if record.separation.found:
        return " ".join(report_separation(record).tell())
    maximum = record.maximum
    return (
        f"{maximum.status.value} The fit counts as not converged (the certificate's a is "
        f"{maximum.certificate.product:.3g}, and must be below 1); its standard errors are NaN."
    )


def _tell_omitted(record: FitRecord) -> str:
    """Say what leaving the covariance out saved, and how to ask for it."""
    maximum, size = record.maximum, len(record.maximum.params)
    kind = "robust" if record.weight_type == "sampling" else "nonrobust"
    return (
        f"{maximum.status.value} The {size} parameters' covariance takes "
        f"{8 * size**2 / 1e9:.1f} GB; fit(cov_type={kind!r}) finds it, and the certificate "
        f"that decides on convergence, in some {40 * size**2 / 1e9:.0f} GB of memory. The "
        f"estimates are about {maximum.certificate.decrement:.1g} standard errors from the "
        "maximum, if a finite one exists."
    )


def find_remedy(record: FitRecord) -> str:
    """Say how to get finite estimates where there are none."""
    return REMEDY if record.constraints is None else CONSTRAINED_REMEDY


@dataclass(frozen=True, eq=False, repr=False)
class SeparationReport(Shown):
    """What is separated, in names.

    Made by `mlelogit.results.MNLogitResults.separation`.

    Attributes
    ----------
    verdict : str
        "none", "quasi-complete", "complete" or "undecided".
    proof : str
        How it was decided.
    coefficients : pandas.DataFrame
        The coefficients without a finite estimate: columns category, name, limit (plus or
        minus infinity; NaN if the direction that was chosen, that of the widest margin, leaves
        it where it is and others do not) and sure: whether every direction in which the
        likelihood rises to its supremum takes it there; missing if that was not examined.
    examples : pandas.DataFrame
        For every pair of categories that are told apart in some row: columns category, not,
        rows (how many) and example (the first one's index; missing if it was not saved).
    pairs, separated : int
        Pairs of an observation and a category it is not in, and those of them told apart.
    certificate : Certificate or None
        Of the model in the limit.
    """

    verdict: str
    proof: str
    coefficients: pd.DataFrame
    examples: pd.DataFrame
    pairs: int
    separated: int
    certificate: Certificate | None

    def __str__(self) -> str:
        if self.verdict in ("none", "undecided"):
            return f"Separation: {self.verdict} ({self.proof})."
        return "\n".join(self.tell())

    def _repr_html_(self) -> str:
        title, *rest = str(self).split("\n")
        if not rest:
            return write_html(title)
        known = self.coefficients[["limit", "sure"]].to_numpy(dtype=object)
        told = [
            _tell_limit(limit, sure).removeprefix("-> ").removeprefix("is ")
            for limit, sure in known
        ]
        running = self.coefficients[["category", "name"]].assign(limit=told)
        words = "Coefficients that run to infinity", "Categories that are told apart, with a row"
        return write_html(title, rest[0], words[0], running, words[1], self.examples)

    def tell(self) -> list[str]:
        """Say what is separated, which coefficients run to infinity, and show rows."""
        running = [
            f"{category}: {name} {_tell_limit(limit, sure)}"
            for category, name, limit, sure in self.coefficients.to_numpy(dtype=object)
        ]
        return [
            f"{self.verdict.capitalize()} separation: no finite maximum exists.",
            self.tell_share(),
            f"Coefficients that run to infinity: {_list_first(running)}.",
            self.tell_rows(),
        ]

    def tell_share(self) -> str:
        """Say how many pairs of an observation and another category are told apart."""
        share = f"{self.separated} of {self.pairs}"
        return f"Pairs of an observation and another category that columns tell apart: {share}."

    def tell_rows(self) -> str:
        """Tell rows that cannot be of another category."""
        rows = [
            f"{_name_row(example)} ({own}){f' and {count - 1} more' if count > 1 else ''} "
            f"cannot be {other}"
            for own, other, count, example in self.examples.to_numpy(dtype=object)
        ]
        return f"For example: {_list_first(rows, SHOWN_ROWS)}."


def report_separation(record: FitRecord) -> SeparationReport:
    """Put a record's separation in names."""
    separation = record.separation
    return SeparationReport(
        separation.verdict,
        separation.proof,
        _frame_infinite(record),
        _frame_examples(record),
        separation.pairs,
        separation.separated,
        separation.certificate,
    )


def _frame_infinite(record: FitRecord) -> pd.DataFrame:
    separation, encoding = record.separation, record.encoding
    limits = separation.find_limits(record.basis)
    running = np.flatnonzero(~np.isfinite(limits))
    known = {1.0: True, 0.0: False}
    sure = [known.get(float(np.asarray(separation.sure)[i]), pd.NA) for i in running]
    labels = [(category, name) for category in encoding.others for name in encoding.names]
    return pd.DataFrame(
        {
            "category": [labels[i][0] for i in running],
            "name": [labels[i][1] for i in running],
            "limit": limits[running],
            "sure": pd.array(sure, dtype="boolean"),
        }
    )


def _frame_examples(record: FitRecord) -> pd.DataFrame:
    categories, kept = record.encoding.categories, record.separation.examples
    if kept is None:
        found = [
            (*places, count, record.index[row]) for *places, count, row in find_examples(record)
        ]
    else:
        found = [(*one[:3], pd.NA if one[3] is None else one[3]) for one in kept]
    shown = [(categories[own], categories[other], *rest) for own, other, *rest in found]
    return pd.DataFrame(shown, columns=["category", "not", "rows", "example"])


def find_examples(record: FitRecord) -> list[tuple[int, int, int, int]]:
    """Find for pairs of categories the rows of one that cannot be of the other.

    Returns
    -------
    list of tuple
        Position of the category, of the other, how many rows, and the first among those used.
    """
    if record.separation.possible is None or record.blocks is None:
        return []
    observed, found = record.blocks.map(find_observed), []
    for own, other in itertools.permutations(range(len(record.encoding.categories)), 2):
        rows = np.flatnonzero(observed[own] & ~record.separation.possible[other])
        if rows.size:
            found.append((own, other, int(rows.size), int(rows[0])))
    return found


def _name_row(label: Any) -> str:
    return "a row" if label is pd.NA else f"row {label!r}"


def _tell_limit(limit: float, sure: Any) -> str:
    if np.isnan(limit):
        return "is not determined"
    doubt = " (sign not examined)" if sure is pd.NA else "" if sure else " (or otherwise)"
    return f"-> {limit:+.0f}{doubt}"


def _list_first(items: list[str], most: int = SHOWN) -> str:
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")

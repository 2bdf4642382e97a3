"""The table of the simulation, in Markdown, with Monte Carlo standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.tables import lay_header, lay_line
from tests.simulation.study import TESTS, TRUTH, Outcome

COLUMNS = (
    "n",
    "method",
    "samples",
    "without a maximum",
    "coverage (%)",
    "lowest and highest coefficient's",
    *(f"size of the {name} test (%)" for name in TESTS),
)


@dataclass(frozen=True)
class Rate:
    """A share of samples and its Monte Carlo standard error; NaN if there is none."""

    value: float
    error: float

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "-"
        return f"{100 * self.value:.1f} ({100 * self.error:.1f})"


def take_mean(values: Sequence[float] | np.ndarray) -> Rate:
    """Return the mean of what the samples gave, those without a value left out."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if not known.size:
        return Rate(np.nan, np.nan)
    return Rate(float(known.mean()), float(known.std() / np.sqrt(len(known))))


@dataclass(frozen=True)
class Row:
    """What came of all samples of one size under one method.

    Attributes
    ----------
    rows : int
        n.
    method : str
    outcomes : list of Outcome
    """

    rows: int
    method: str
    outcomes: list[Outcome]

    @property
    def table(self) -> np.ndarray:
        """What was covered, (samples, coefficients)."""
        return np.array([outcome.covered for outcome in self.outcomes]).reshape(-1, TRUTH.size)

    @property
    def lost(self) -> int:
        """The number of samples without a maximum."""
        return int(np.isnan(self.table).any(axis=1).sum())

    @property
    def coverage(self) -> Rate:
        """The mean over coefficients and samples; its error is that of independent samples."""
        return take_mean(self.table.mean(axis=1))

    @property
    def extremes(self) -> tuple[float, float]:
        """The coverage of the coefficients covered least and most often; NaN if there is none."""
        rates = [take_mean(column).value for column in self.table.T]
        return min(rates), max(rates)

    def find_size(self, test: str) -> Rate:
        """Return how often a test rejected."""
        return take_mean([outcome.rejected.get(test, np.nan) for outcome in self.outcomes])


def tell_header() -> str:
    """Write the head of the table."""
    return lay_header(COLUMNS)


def tell_row(row: Row) -> str:
    """Write a line of the table."""
    low, high = (f"{100 * rate:.1f}" for rate in row.extremes)
    sizes = [str(row.find_size(test)) for test in TESTS]
    count = [str(row.rows), row.method, str(len(row.outcomes)), str(row.lost)]
    return lay_line([*count, str(row.coverage), f"{low} - {high}", *sizes])


def tell_missing(rows: int, method: str) -> str:
    """Write the line of a method that this version does not have."""
    return lay_line([str(rows), method, "not available", *["-"] * (len(COLUMNS) - 3)])

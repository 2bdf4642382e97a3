"""The table of correct digits, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tests.benchmarks.tables import lay_header, lay_line, tell
from tests.digits.cases import Case
from tests.digits.measure import Digits

CASE_COLUMNS = ("data", "size", "condition")
LEAD_COLUMN = "least lead over the best peer"


@dataclass(frozen=True)
class Row:
    """What came of one case.

    Attributes
    ----------
    case : Case
    condition : float
    ours : Digits
    peers : dict
        Name -> digits, or in words why there are none.
    """

    case: Case
    condition: float
    ours: Digits
    peers: dict[str, Digits | str]

    @property
    def lead(self) -> float:
        """The least of our leads over the best peer, of the quantities that a peer tells.

        NaN if no peer tells any.
        """
        told = [peer for peer in self.peers.values() if isinstance(peer, Digits)]
        leads = [
            getattr(self.ours, name) - getattr(peer, name)
            for peer in told
            for name in (part.name for part in fields(Digits))
        ]
        return float(np.nanmin(leads)) if leads else np.nan


def tell_digits(digits: Digits | str) -> str:
    """Write digits of coefficients, standard errors and log-likelihood."""
    if isinstance(digits, str):
        return digits
    return " / ".join(
        tell(value, ".1f") for value in (digits.params, digits.errors, digits.loglike)
    )


def tell_row(row: Row) -> str:
    """Write a line of the table."""
    told = [tell_digits(digits) for digits in (row.ours, *row.peers.values())]
    lead = tell(row.lead, "+.1f")
    return lay_line([row.case.name, row.case.shape, f"{row.condition:.2g}", *told, lead])


def tell_header(peers: Sequence[str]) -> str:
    """Write the head of the table."""
    return lay_header([*CASE_COLUMNS, "mlelogit", *peers, LEAD_COLUMN])

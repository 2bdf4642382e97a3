"""Records of a climb: how it ended, where, and by what path."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from mlelogit.fitting.certificate import Certificate
from mlelogit.fitting.likelihood import Sums


class Status(Enum):
    """How a climb ended; each member's value is what to tell the user."""

    CONVERGED = "Converged: the certificate bounds the error of every coefficient."
    MAXITER = "Stopped at maxiter before the certificate held; raise maxiter or drop it."
    CALLBACK = "Stopped by the callback before the certificate held."
    STALLED = (
        "Stopped where rounding hides any further rise, before the certificate held; look for "
        "columns that are nearly collinear, or raise tol."
    )
    UNCERTIFIED = (
        "Climbed without the information, which is too large to be formed unless it is asked "
        "for: there are estimates, and neither standard errors nor a certificate."
    )
    NO_FINITE_MAXIMUM = (
        "No finite maximum has been shown to exist: some category is probably separated from "
        "the others by a combination of the columns, and its coefficients grow without end. "
        "Look for columns or levels in which a category never (or always) occurs, and for "
        "values so far out that rounding hides the rest."
    )


class ReadOnly:
    """A record whose arrays cannot be written to, nor those of its copies."""

    def __post_init__(self) -> None:
        protect(*vars(self).values())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()


def protect(*values: Any) -> None:
    """Let nobody write to those of some values that are arrays."""
    for value in values:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)


@dataclass(frozen=True)
class Trace(ReadOnly):
    """The climb, one entry per point kept.

    Attributes
    ----------
    stage : tuple of str
        "start", the method, "chord" for a quasi-Newton step on scores, or "newton".
    loglike : numpy.ndarray
        (T,).
    score_norm : numpy.ndarray
        (T,): length of the score in whitened coordinates; for a Newton step, the
        decrement.
    evaluations : numpy.ndarray
        (T,): passes over the data so far.
    params : numpy.ndarray
        (T, P).
    """

    stage: tuple[str, ...]
    loglike: np.ndarray
    score_norm: np.ndarray
    evaluations: np.ndarray
    params: np.ndarray


@dataclass(frozen=True)
class Maximum(ReadOnly):
    """The answer of a climb.

    Attributes
    ----------
    params : numpy.ndarray
        (P,).
    status : Status
    certificate : Certificate
    sums : Sums
        Log-likelihood, score and information there, in the coordinates climbed in.
    inverse : numpy.ndarray or None
        The inverse of that information (P, P), if it is positive definite.
    trace : Trace
        Its last entry is the answer.
    method : str
        The scipy method used; "trust-exact" where that had to take over.
    iterations : int
    """

    params: np.ndarray
    status: Status
    certificate: Certificate
    sums: Sums
    inverse: np.ndarray | None
    trace: Trace
    method: str
    iterations: int

    def __post_init__(self) -> None:
        super().__post_init__()
        protect(self.sums.score, self.sums.information)

    @property
    def converged(self) -> bool:
        """Whether the certificate holds."""
        return self.status is Status.CONVERGED

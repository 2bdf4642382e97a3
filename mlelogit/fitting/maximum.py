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
    SOLVED = "Converged: the adjusted score is zero, up to the tolerance."
    MAXITER = "Stopped at maxiter before convergence was shown; raise maxiter or drop it."
    CALLBACK = "Stopped by the callback before convergence was shown."
    STALLED = (
        "Stopped where rounding hides any further rise, before the certificate held; look for "
        "columns that are nearly collinear, or raise tol."
    )
    UNCERTIFIED = (
        "Climbed without the information, which is too large to be formed unless it is asked "
        "for: there are estimates, and neither standard errors nor a certificate."
    )
    SEPARATED = (
        "The data are separated: no finite maximum exists. Where coefficients are infinite the "
        "likelihood rises towards its supremum without end; the others are those of the model "
        "in the limit."
    )
    UNSOLVED = (
        "Stopped where no step brings the adjusted score nearer to zero; look for columns that are "
        "nearly collinear, try another method or start_params, or raise tol."
    )
    NO_FINITE_MAXIMUM = (
        "No finite maximum has been shown to exist: some category is probably separated from "
        "the others by a combination of the columns, and its coefficients grow without end. "
        "Look for columns or levels in which a category never (or always) occurs, and for "
        "values so far out that rounding hides the rest."
    )


# A climb that ends so is begun anew from elsewhere.
LOST = (Status.STALLED, Status.NO_FINITE_MAXIMUM)


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
        "start", the method, "chord" for a quasi-Newton step on scores, "newton", or
        "scoring" for a step on adjusted scores.
    loglike : numpy.ndarray
        (T,); with bias reduction the penalized one.
    score_norm : numpy.ndarray
        (T,): length of the score in whitened coordinates; for a Newton step the
        decrement, for scoring the length of the adjusted score.
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
class AdjustedScore:
    """The score that bias reduction brings to zero, in place of the log-likelihood's own.

    Attributes
    ----------
    bias_reduction : {"mean", "median"}
    length : float
        Its length u in standard errors, ``sqrt(u' V u)``.
    tolerance : float
        The length that counts as converged.
    penalized : float
        ``l + 1/2 log det I``, of which the score adjusted for the mean is the gradient; the
        determinant is that of the design's own columns. NaN for the median.
    """

    bias_reduction: str
    length: float
    tolerance: float
    penalized: float

    def __str__(self) -> str:
        return f"{self.length:.2g} standard errors long (tolerance {self.tolerance:.2g})"


@dataclass(frozen=True)
class Maximum(ReadOnly):
    """The answer of a climb.

    Made by `mlelogit.MNLogit.fit`.

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
    adjusted : AdjustedScore or None
        What was brought to zero, if that was not the score. The certificate then says how far
        from here the maximum of the log-likelihood can be, if it says anything.
    """

    params: np.ndarray
    status: Status
    certificate: Certificate
    sums: Sums
    inverse: np.ndarray | None
    trace: Trace
    method: str
    iterations: int
    adjusted: AdjustedScore | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        protect(self.sums.score, self.sums.information)

    @property
    def converged(self) -> bool:
        """Whether the certificate holds, or with bias reduction the adjusted score is zero."""
        return self.status in (Status.CONVERGED, Status.SOLVED)

    @property
    def bias_reduction(self) -> str | None:
        """Which bias was reduced: that of the "mean", of the "median" or none."""
        return None if self.adjusted is None else self.adjusted.bias_reduction

    @property
    def penalized(self) -> float:
        """The penalized log-likelihood that bias reduction maximized; NaN if there is none."""
        return float("nan") if self.adjusted is None else self.adjusted.penalized

    @property
    def finite(self) -> bool:
        """Whether estimates and covariance stand for something finite.

        That a maximum exists is for the certificate to show; bias-reduced estimates need a
        positive definite information only.
        """
        return self.inverse is not None and (
            self.adjusted is not None or self.certificate.finite_maximum
        )

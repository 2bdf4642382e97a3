r"""Covariances of the estimates: bread, meat and their sandwich.

With I the information and ``M = Σ s s'`` the sum of outer products of the scores
of the observations, the kinds are

- nonrobust: ``I⁻¹`` (the inverse of the observed information; for this model it
  is also the expected one);
- opg: ``M⁻¹`` (Berndt, Hall, Hall and Hausman 1974);
- HC0: ``I⁻¹ M I⁻¹`` (Huber 1967; White 1982);
- HC1: HC0 times ``n / (n - P)``;
- robust: HC0 times ``n / (n - 1)``, Stata's vce(robust).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_choice
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import CovarianceError, OptionError
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.linalg import factor_positive, invert_positive
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.record import FitRecord

RANK_TOLERANCE = 1e-10
COVARIANCES = ("nonrobust", "opg", "HC0", "HC1", "robust")


@dataclass(frozen=True)
class Covariance(ReadOnly):
    """A covariance of the estimates.

    Attributes
    ----------
    kind : str
        One of `COVARIANCES`.
    matrix : numpy.ndarray
        (P, P), in the columns of the design, equation by equation; NaN if no
        finite maximum has been shown to exist.
    correction : str
        What HC0 was multiplied by, in words; empty if by nothing.
    omitted : bool
        Whether it was left out because of its size: then a view of one NaN.
    """

    kind: str
    matrix: np.ndarray
    correction: str = ""
    omitted: bool = False

    def __reduce__(self) -> tuple:
        """Copy and pickle a covariance that was left out without laying its view out."""
        if self.omitted:
            return omit_covariance, (self.kind, len(self.matrix))
        return Covariance, (self.kind, self.matrix, self.correction)

    @property
    def bse(self) -> np.ndarray:
        """Standard errors (P,); a variance of zero that rounding made negative is zero."""
        return np.sqrt(np.maximum(np.diag(self.matrix), 0.0))


def omit_covariance(kind: str, size: int) -> Covariance:
    """Return the covariance of so many parameters that was left out: NaN that takes no memory."""
    return Covariance(kind, np.broadcast_to(np.nan, (size, size)), omitted=True)


def need_covariance(covariance: Covariance) -> None:
    """Raise `CovarianceError` if a covariance was left out, and say how to ask for it."""
    if covariance.omitted:
        raise CovarianceError(
            "The fit left out its information for its size, so there is no covariance; ask for "
            f"it by fit(cov_type={covariance.kind!r}, start_params=results.params)."
        )


def default_kind(weight_type: str | None) -> str:
    """Return the covariance used when none is asked for: robust for sampling weights."""
    return "robust" if weight_type == "sampling" else "nonrobust"


def check_covariance(kind: Any, arguments: Any) -> bool:
    """Tell whether a covariance was asked for, or raise `OptionError` if it is unknown.

    None of these kinds takes arguments.
    """
    if kind is not None:
        check_choice("cov_type", kind, COVARIANCES)
    if not (arguments is None or (isinstance(arguments, dict) and not arguments)):
        raise OptionError(f"cov_kwds is not used by {kind or 'the default covariance'}.")
    return kind is not None


@single_threaded_blas
def estimate_covariance(record: FitRecord, kind: str | None = None) -> Covariance:
    """Estimate the covariance of a fit's parameters.

    Parameters
    ----------
    record : FitRecord
    kind : str, optional
        One of `COVARIANCES`; "nonrobust" if not given, "robust" with sampling
        weights.

    Raises
    ------
    OptionError
        If the kind is unknown.
    CovarianceError
        If it is not defined for the fit's weights, or the fit left out its information.
    """
    if kind is not None:
        check_choice("The covariance", kind, COVARIANCES)
    if record.sums.information is None:
        return _omit(record, kind)
    kind = default_kind(record.weight_type) if kind is None else kind
    if kind != "nonrobust" and record.weight_type == "importance":
        raise CovarianceError(
            f"Covariance {kind!r} is not defined with importance weights, which do not say how "
            "many observations a row stands for; use 'nonrobust', or another weight_type."
        )
    bread = record.maximum.inverse
    if bread is None or not record.well_defined:
        size = len(record.maximum.params)
        return Covariance(kind, np.full((size, size), np.nan))
    inner, correction = _estimate_inner(record, kind, bread)
    matrix = record.basis.leave_covariance(inner)
    if record.separation.found:
        running = ~np.isfinite(record.separation.find_limits(record.basis))
        matrix[running] = matrix[:, running] = np.nan
    return Covariance(kind, matrix, correction)


def _omit(record: FitRecord, kind: str | None) -> Covariance:
    """Return no covariance, of no size, unless one was asked for."""
    omitted = omit_covariance(kind or default_kind(record.weight_type), len(record.maximum.params))
    if kind is not None:
        need_covariance(omitted)
    return omitted


def _estimate_inner(record: FitRecord, kind: str, bread: np.ndarray) -> tuple[np.ndarray, str]:
    if kind == "nonrobust":
        return bread, ""
    meat = sum_meats(record)
    if kind == "opg":
        estimable = record.separation.estimable
        inverse = (
            _invert_meat(meat, bread)
            if estimable is None
            else _invert_estimable(meat, record, estimable)
        )
        if inverse is None:
            raise CovarianceError(
                "The outer product of the scores is singular: there are fewer distinct "
                "observations than parameters; use 'nonrobust' or 'HC0'."
            )
        return inverse, ""
    sandwich = bread @ meat @ bread
    correct, said = _find_correction(record, kind)
    return sandwich * correct, said


def _invert_meat(meat: np.ndarray, bread: np.ndarray) -> np.ndarray | None:
    factor = factor_positive(meat) if _has_full_rank(meat, bread) else None
    return None if factor is None else invert_positive(factor)


def _invert_estimable(
    meat: np.ndarray, record: FitRecord, estimable: np.ndarray
) -> np.ndarray | None:
    """Invert a meat in the coordinates (P, r) that the limiting model of separated data tells."""
    information = estimable.T @ np.asarray(record.sums.information) @ estimable
    inverse = _invert_meat(estimable.T @ meat @ estimable, np.linalg.inv(information))
    return None if inverse is None else estimable @ inverse @ estimable.T


def _has_full_rank(meat: np.ndarray, bread: np.ndarray) -> bool:
    """Tell whether a meat is regular, on the scale of the information."""
    root = np.linalg.cholesky(bread)
    return bool(np.linalg.eigvalsh(root.T @ meat @ root)[0] > RANK_TOLERANCE)


def sum_meats(record: FitRecord) -> np.ndarray:
    """Sum the outer products of the observations' scores, in the internal basis."""
    objective = make_objective(record.limit_blocks(), record.encoding.base, record.basis)
    params = record.basis.enter_params(record.params).ravel()
    return objective.sum_meats(params, record.weight_type == "sampling")


def _find_correction(record: FitRecord, kind: str) -> tuple[float, str]:
    if kind == "HC0":
        return 1.0, ""
    size = record.size if kind == "HC1" else 1
    if record.nobs <= size:
        raise CovarianceError(
            f"Covariance {kind!r} divides by n - {size}, and there are {record.nobs} observations."
        )
    return record.nobs / (record.nobs - size), f"n / (n - {size})"

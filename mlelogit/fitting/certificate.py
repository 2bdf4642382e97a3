r"""The certificate: how far the true maximum can be from the point returned.

Let s be the score and I the information at a point, ``V = I⁻¹``, and D a bound on
the standard error, by V, of every log-odds between two categories at every row.
``λ² = s' V s`` is the Newton decrement and ``a = λ D``. Along a direction v the third
derivative of row n is at most its spread of scores ``range_n(v)`` times its second,
and ``range_n(v) <= D ‖v‖_I`` all along the line. So the curvature cannot fade faster
than exponentially, and if a < 1 a finite maximum exists, within
``-log(1 - a) / D`` in the norm of I. ``docs/explanation/derivations.md`` has the steps.

The sums are rounded, and on separated data s and I sink below their rounding
errors together, where a ratio of the two would say anything. So λ and D are
first raised by what rounding can have taken from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlelogit.markup import Shown, write_html

DEFAULT_TOLERANCE = 1e-6
EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True, repr=False)
class Certificate(Shown):
    r"""How far the true maximum can be from a point, proven at that point.

    Made by `mlelogit.fitting.certificate.certify`.

    Attributes
    ----------
    decrement : float
        λ, the Newton decrement, ``λ² = s' I⁻¹ s``, rounding allowed for.
    log_odds_error : float
        D, a bound on the standard error of any log-odds at any row, likewise.
    product : float
        ``a = λ D``. Below one, a finite maximum exists.
    error_bound : float
        ``-log(1 - a) / D``: no coefficient is further from the maximum than that
        many of its standard errors. Infinite if a >= 1.
    loglike_gap : float
        ``(a + (1 - a) log(1 - a)) / D²``: no more log-likelihood is left.
    tolerance : float
        The bound asked for.
    """

    decrement: float
    log_odds_error: float
    product: float
    error_bound: float
    loglike_gap: float
    tolerance: float

    def __repr__(self) -> str:
        return f"Certificate: {self}."

    def _repr_html_(self) -> str:
        values = {
            "error_bound": (self.error_bound, "of any coefficient, in standard errors, at most"),
            "loglike_gap": (self.loglike_gap, "of log-likelihood left, at most"),
            "product": (self.product, "a = λ D: below one a finite maximum exists"),
            "decrement": (self.decrement, "λ, the Newton decrement"),
            "log_odds_error": (self.log_odds_error, "D, of any log-odds at any row, at most"),
            "tolerance": (self.tolerance, "error_bound asked for"),
        }
        table = pd.DataFrame(values, index=pd.Index(["value", "meaning"])).T
        return write_html(repr(self), table)

    @property
    def finite_maximum(self) -> bool:
        """Whether a finite maximum has been shown to exist."""
        return self.product < 1

    @property
    def holds(self) -> bool:
        """Whether the error bound is below the tolerance."""
        return self.finite_maximum and self.error_bound <= self.tolerance

    def __str__(self) -> str:
        if np.isinf(self.log_odds_error) and np.isfinite(self.decrement):
            return (
                f"left out; {self.decrement:.2g} standard errors from the maximum, if a finite "
                "one exists"
            )
        if not self.finite_maximum:
            return (
                f"no finite maximum has been shown to exist (a = {self.product:.3g}, needs a < 1)"
            )
        return (
            f"a finite maximum exists; log-likelihood left <= {self.loglike_gap:.2g}; largest "
            f"error <= {self.error_bound:.2g} standard errors"
        )


@dataclass(frozen=True)
class RowSizes:
    """How large the rows are; ``+`` adds.

    Attributes
    ----------
    first : float
        ``Σ_n c_n ‖z_n‖ (1 + max_k |o_nk|)`` with ``c_n = w_n t_n``.
    second : float
        ``Σ_n c_n ‖z_n‖²``.
    heaviest : float
        ``max_n c_n``.
    total : float
        ``Σ_n c_n``.
    longest : float
        ``max_n ‖z_n‖²``.
    """

    first: float
    second: float
    heaviest: float
    total: float
    longest: float

    def __add__(self, other: RowSizes) -> RowSizes:
        return RowSizes(
            self.first + other.first,
            self.second + other.second,
            max(self.heaviest, other.heaviest),
            self.total + other.total,
            max(self.longest, other.longest),
        )


@dataclass(frozen=True)
class Rounding:
    """What rounding can hide.

    Attributes
    ----------
    score : float
        δ: the norm of the rounding error of summing a score, ε times `RowSizes.first`.
    information : float
        Δ: that of an information, ε times `RowSizes.second`.
    rows : float
        ρ: the decrement that the rounding of the rows makes. The rows of Z carry
        independent errors of relative size ``ε / 2`` times the basis' amplification κ, so
        the score's error has covariance ``(ε κ / 2)² max_n c_n I``, and a squared decrement
        of ``(ε κ / 2)² max_n c_n P``.
    unit : float
        The least of one and the root of the mean weight: weights that sum to next to
        nothing give large standard errors, and no licence to stop early.
    """

    score: float
    information: float
    rows: float
    unit: float

    def hide(self, largest_variance: float) -> float:
        """Return the decrement that rounding alone can make."""
        return self.rows + self.score * float(np.sqrt(largest_variance))


def bound_rounding(sizes: RowSizes, amplification: float, size: int, count: int) -> Rounding:
    """Bound the rounding errors of the sums.

    Parameters
    ----------
    sizes : RowSizes
    amplification : float
        How much the basis magnifies the rounding of a row.
    size : int
        Number of parameters P.
    count : int
        Number of rows n.
    """
    unit = float(np.sqrt(min(1.0, sizes.total / count)))
    rows = EPSILON / 2 * amplification * float(np.sqrt(sizes.heaviest * size))
    return Rounding(EPSILON * sizes.first, EPSILON * sizes.second, rows, unit)


def allow_rounding(
    decrement: float, log_odds_error: float, largest_variance: float, rounding: Rounding
) -> tuple[float, float]:
    """Raise λ and D by what rounding can hide.

    With score and information off by δ and Δ in norm, and v no less than the largest
    eigenvalue of V (its trace will do), the true V is at most ``V / (1 - Δ v)``, and the
    true λ at most ``(λ + ρ + δ sqrt(v)) / sqrt(1 - Δ v)``. If ``Δ v >= 1/2`` the information
    is below its own rounding and nothing is known: both are infinite.
    """
    lost = rounding.information * largest_variance
    if not lost < 0.5:
        return np.inf, np.inf
    root = float(np.sqrt(1 - lost))
    return (decrement + rounding.hide(largest_variance)) / root, log_odds_error / root


def certify(
    decrement: float, log_odds_error: float, tolerance: float = DEFAULT_TOLERANCE
) -> Certificate:
    """Turn a Newton decrement and D into a certificate.

    Parameters
    ----------
    decrement : float
        λ, the Newton decrement at the point.
    log_odds_error : float
        D, a bound on the standard error of any log-odds of a row.
    tolerance : float
        Error of a coefficient, in its standard errors, that counts as converged.

    Returns
    -------
    Certificate

    Examples
    --------
    >>> from mlelogit.fitting.certificate import certify
    >>> certify(1e-9, 10.0).holds, certify(1e-3, 5000.0).finite_maximum
    (True, False)
    """
    product = decrement * log_odds_error
    if not product < 1:
        return Certificate(decrement, log_odds_error, product, np.inf, np.inf, tolerance)
    if product < 1e-5:
        bound = decrement * (1 + product / 2 + product**2 / 2)
        gap = decrement**2 * (0.5 + product / 6 + product**2 / 6)
    else:
        logarithm = np.log1p(-product)
        bound = -logarithm / log_odds_error
        gap = (product + (1 - product) * logarithm) / log_odds_error**2
    return Certificate(decrement, log_odds_error, product, float(bound), float(gap), tolerance)

"""Estimate Gaussian classes from rows, and the standard errors of their map to a logit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mlelogit.data.outcome import find_base
from mlelogit.equivalence.factors import Factor, factor_rows
from mlelogit.equivalence.gaussian import GaussianClasses
from mlelogit.exceptions import CovarianceError


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class GaussianFit(GaussianClasses):
    """Gaussian classes estimated from rows, by `fit_gaussian_classes`.

    Made by `mlelogit.equivalence.fit_gaussian_classes`.

    Attributes
    ----------
    totals : numpy.ndarray
        Rows, people or weight in each category (J,).
    loglike : float
        Joint log-likelihood ``Σ_n w_n Σ_k d_nk log p(x_n, C_k)``.
    conditional_loglike : float
        ``Σ_n w_n Σ_k d_nk log P(C_k | x_n)``.
    nobs : float
    divisor : str
        Of the squares in the covariance: "n" or "n - J"; of own ones "n_k" or "n_k - 1".
    without_errors : str
        Why there are no standard errors; empty if there are.
    roots : numpy.ndarray
        Lower triangular L, ``Σ = L L'``, of the covariance or of each; it has more digits of
        nearly collinear columns than Σ itself.
    """

    totals: np.ndarray = field(repr=False)
    roots: np.ndarray = field(repr=False)
    loglike: float
    conditional_loglike: float
    nobs: float
    divisor: str
    without_errors: str

    def __post_init__(self) -> None:
        self._set("totals", np.array(self.totals))
        self._set("roots", np.array(self.roots))
        super().__post_init__()

    def _factor(self) -> tuple[Factor, ...]:
        return tuple(Factor(root) for root in (self.roots[None] if self.common else self.roots))

    @property
    def marginal_loglike(self) -> float:
        """``Σ_n w_n t_n log p(x_n)``: the joint log-likelihood less the conditional one."""
        return self.loglike - self.conditional_loglike

    def logit_bse(self, base: Any = None) -> pd.DataFrame:
        """Return standard errors of `logit_params`, by the delta method.

        See `mlelogit.equivalence.moments.measure_errors`.

        Parameters
        ----------
        base : label, optional
            Base category; the first if not given.

        Returns
        -------
        pandas.DataFrame
            Laid out as `logit_params`.

        Raises
        ------
        CovarianceError
            If there are none: covariances are own ones, or weights are no counts.
        """
        if self.without_errors:
            raise CovarianceError(self.without_errors)
        place = find_base(base, self.categories)
        errors = measure_errors(self.means, self._factor_of(0), self.totals, place)
        return self._frame_terms(np.delete(errors, place, axis=0), place)

    def _describe(self) -> tuple[str, str, pd.DataFrame]:
        title, said, table = super()._describe()
        said = (
            f"Joint log-likelihood {self.loglike:.6f} = conditional "
            f"{self.conditional_loglike:.6f} + marginal {self.marginal_loglike:.6f}\n"
            f"Observations: {self.nobs:.10g}; squares divided by {self.divisor}\n{said}"
        )
        return f"{title}, estimated", said, table


def measure_errors(means: np.ndarray, factor: Factor, totals: np.ndarray, base: int) -> np.ndarray:
    """Return standard errors (J, 1 + K) of constants and slopes of the analytic map.

    By the delta method from the information of the joint likelihood, where log shares, means
    and covariance are independent with variances ``1/n_k``, ``Σ/n_k`` and
    ``Cov(S_ij, S_kl) = (Σ_ik Σ_jl + Σ_il Σ_jk) / n`` (Anderson 2003, An Introduction to
    Multivariate Statistical Analysis, sections 3.3 and 3.4). From ``dβ = Σ^-1 (dμ_k - dμ_b - dΣ
    β)`` and ``dc = d log(P_k / P_b) - m_k'dμ_k + m_b'dμ_b + (m_k'dΣ m_k - m_b'dΣ m_b) / 2``,
    ``m = Σ^-1 μ``, follow

        ``Var β = (1/n_k + 1/n_b) Σ^-1 + (Σ^-1 β'Σβ + β β') / n``
        ``Var c = (1 + q_kk) / n_k + (1 + q_bb) / n_b + (q_kk² + q_bb² - 2 q_kb²) / (2 n)``

    with ``q_kl = μ_k'Σ^-1 μ_l``. They hold if the classes are Gaussian; the logit's hold without.

    Parameters
    ----------
    means : numpy.ndarray
        (J, K).
    factor : Factor
        Of the common covariance.
    totals : numpy.ndarray
        (J,).
    base : int
        Its row is meaningless.

    Returns
    -------
    numpy.ndarray
        (J, 1 + K).

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> fit = ml.equivalence.fit_gaussian_classes(anes[["age", "educ"]], anes["vote"])
    >>> fit.logit_bse().shape == fit.logit_params().shape
    True
    """
    total = totals.sum()
    own = 1 / totals + 1 / totals[base]
    inverse = np.diag(factor.solve(np.eye(means.shape[1])))
    slopes = factor.solve(means - means[base])
    whole = factor.whiten(means)
    apart, sums = factor.whiten(means - means[base]), factor.whiten(means + means[base])
    distance = (apart**2).sum(axis=1)
    q = (whole**2).sum(axis=1)
    # q_kk² + q_bb² - 2 q_kb² without the cancellation.
    spread = 0.5 * ((sums**2).sum(axis=1) * distance + (sums * apart).sum(axis=1) ** 2)
    constant = own + q / totals + q[base] / totals[base] + spread / (2 * total)
    along = own[:, None] * inverse + (inverse * distance[:, None] + slopes**2) / total
    return np.sqrt(np.column_stack([constant, along]))


class Moments(NamedTuple):
    """Totals (J,), means (J, K), and the triangular factors of squares about them.

    Attributes
    ----------
    totals, means : numpy.ndarray
    roots : numpy.ndarray
        (K, K), or (J, K, K) of every category's own: L with ``Σ = L L'``.
    divisors : numpy.ndarray
        What the squares were divided by, () or (J,).
    """

    totals: np.ndarray
    means: np.ndarray
    roots: np.ndarray
    divisors: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """``L L'``, of the shape of the roots."""
        return np.asarray(self.roots @ np.swapaxes(self.roots, -1, -2))


def estimate_moments(
    x: np.ndarray, d: np.ndarray, own: bool = False, unbiased: bool = False
) -> Moments:
    """Return the joint maximum-likelihood estimates.

    ``P_k = n_k / n``, ``μ_k = Σ_n d_nk x_n / n_k`` and
    ``Σ = Σ_k Σ_n d_nk (x_n - μ_k)(x_n - μ_k)' / n`` (Bishop 2006, section 4.2.2), the latter by
    QR decompositions of the rows ``sqrt(d_nk) (x_n - μ_k)``.

    Parameters
    ----------
    x : numpy.ndarray
        (n, K).
    d : numpy.ndarray
        Outcomes times weights (n, J), each category with some.
    own : bool
        Whether every category has a covariance of its own.
    unbiased : bool
        Whether to divide by n - J instead of n, or by n_k - 1 instead of n_k.
    """
    middle = x.mean(axis=0)
    centered = x - middle
    totals = d.sum(axis=0)
    means = (d.T @ centered) / totals[:, None]
    found = []
    for k, mean in enumerate(means):
        used = d[:, k] > 0
        found.append(factor_rows((centered[used] - mean) * np.sqrt(d[used, k])[:, None]))
    every = np.array(found)
    if own:
        divisors = totals - unbiased
        roots = every / np.sqrt(divisors)[:, None, None]
    else:
        divisors = np.array(totals.sum() - unbiased * len(totals))
        roots = factor_rows(np.concatenate(np.swapaxes(every, 1, 2))) / np.sqrt(divisors)
    return Moments(totals, means + middle, roots, divisors)

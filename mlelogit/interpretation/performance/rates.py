r"""Shares and means over people, and intervals for them.

With d_nk people of category k in row n (weights w included), values v_nk and ``W = Σ d`` the mean
is ``m = Σ d v / W`` and its variance ``Σ d s (v - m)² / W²`` times ``c / (c - 1)`` for c
observations. The factor s is one where a person of weight w is w people, and w with sampling
weights, which makes this the linearized variance of a weighted mean (Lumley 2010, Complex Surveys,
chapter 2). Observations are taken as independent. Of an outcome of probabilities a row is one
observation, of ``Σ_k d_nk v_nk / Σ_k d_nk``: nobody is drawn, and no category of theirs varies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from mlelogit.inference.coefficients import find_quantile

INDEPENDENT = "Intervals take the observations as independent and the fit's coefficients as given."
OWN_ROWS = (
    "These are the rows that the fit was made from, which it predicts better than others: pass "
    "newdata= for rows that it has not seen."
)


FRACTIONAL = (
    "The outcome is probabilities, which are not drawn: a row is one observation of them. What "
    "takes draws is NaN: Wilson's intervals of shares, by_chance, p-values of likelihood ratios."
)


@dataclass(frozen=True)
class Mean:
    """A mean over people and its variance.

    Attributes
    ----------
    value : float
    variance : float
        NaN with fewer than two observations.
    """

    value: float
    variance: float

    @property
    def error(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.variance))


def average_people(
    people: np.ndarray, variance_weights: np.ndarray, values: np.ndarray, fractional: bool = False
) -> Mean:
    """Average values (..., n) over people (..., n); what nobody has does not count, be it infinite.

    Parameters
    ----------
    people : numpy.ndarray
        (..., n): d, weights included.
    variance_weights : numpy.ndarray
        (n,): s.
    values : numpy.ndarray
        (..., n): v.
    fractional : bool
        Whether people (S, n) are shares of rows, each of which is one observation.

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.performance.rates import average_people
    >>> mean = average_people(np.ones(4), np.ones(4), np.array([1.0, 2.0, 3.0, 6.0]))
    >>> mean.value, round(mean.variance, 6)
    (3.0, 1.166667)
    """
    there = people > 0
    values = np.where(there, values, 0.0)
    if fractional:
        people, values = people.sum(axis=0), (people * values).sum(axis=0)
        there = people > 0
        values = np.divide(values, people, out=np.zeros_like(values), where=there)
    total, count = people.sum(), (people / variance_weights).sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        # One array of the size of people at a time beside the values: there can be many rows.
        work = people * values
        mean = work.sum() / total
        np.square(np.subtract(values, mean, out=work), out=work)
        work *= people
        work *= variance_weights
        squares = work.sum(where=there) / total**2
        corrected = squares * count / (count - 1) if count > 1 else np.nan
    return Mean(float(mean), float(corrected))


def wilson_interval(
    share: np.ndarray, total: np.ndarray, squares: np.ndarray, weights: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return Wilson's score interval for shares (...,) of people.

    With z the normal quantile and n people,

    .. math:: \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4n^2}}{1 + z^2 / n}

    (Wilson 1927, JASA 22; Brown, Cai and DasGupta 2001, Statistical Science 16). With sampling
    weights n is the number of independent people with the same variance, ``p (1 - p) / v``
    (Korn and Graubard 1998, Survey Methodology 24), and where p is zero or one Kish's
    ``W² / Σ w²``.

    Parameters
    ----------
    share : numpy.ndarray
        p; NaN without people.
    total : numpy.ndarray
        W.
    squares : numpy.ndarray
        ``Σ d s (v - p)²``, v being one or zero.
    weights : numpy.ndarray
        ``Σ d s``.
    alpha : float

    Examples
    --------
    >>> import numpy as np
    >>> from mlelogit.interpretation.performance.rates import wilson_interval
    >>> ten, half = np.array([10.0]), np.array([0.5])
    >>> low, high = wilson_interval(half, ten, np.array([2.5]), ten, 0.05)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.2366], [0.7634])
    """
    z = find_quantile(alpha)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (share > 0) & (share < 1) & (squares > 0)
        people = total**2 * np.where(inside, share * (1 - share) / squares, 1 / weights)
        middle = (share + z**2 / (2 * people)) / (1 + z**2 / people)
        half = np.sqrt(share * (1 - share) / people + z**2 / (4 * people**2))
        half = z * half / (1 + z**2 / people)
        # At zero and at one the formula's own end is there, but for rounding.
        lower = np.where(share <= 0, 0.0, np.maximum(middle - half, 0.0))
        upper = np.where(share >= 1, 1.0, np.minimum(middle + half, 1.0))
        known = total > 0
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def logit_interval(value: float, error: float, alpha: float) -> tuple[float, float]:
    """Return an interval that stays between zero and one, by the delta method on log-odds.

    ``logit(value) ± z error / (value (1 - value))`` (Pepe 2003, chapter 5, for the area under a
    curve).

    Parameters
    ----------
    value, error : float
        A share or another number between zero and one, and its standard error.
    alpha : float
        The interval has level 1 - alpha.

    Returns
    -------
    lower, upper : float
        NaN where the value is zero or one, for a sample without a single exception tells no
        variance, and where the error is NaN.

    Examples
    --------
    >>> from mlelogit.interpretation.performance.rates import logit_interval
    >>> [round(end, 3) for end in logit_interval(0.9, 0.05, 0.05)]
    [0.752, 0.964]
    """
    if not (0 < value < 1 and error >= 0):
        return np.nan, np.nan
    half = find_quantile(alpha) * error / (value * (1 - value))
    return float(expit(logit(value) - half)), float(expit(logit(value) + half))

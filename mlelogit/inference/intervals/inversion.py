r"""Intervals of coefficients and of their combinations: Wald's, and those that invert a test.

An interval that inverts a test holds every value that the test does not reject at level alpha.
The likelihood-ratio test gives the profile-likelihood interval, Rao's score test the score
interval; both need no standard error, keep their meaning under any monotone change of the
parameter (an interval of relative risk ratios holds the exponentials), and need not be
symmetric. See Pawitan (2001, In All Likelihood, sections 2.9 and 3.4), and Agresti (2013,
Categorical Data Analysis, section 1.3.3 and 3.2.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtri

from mlelogit.data.arguments import check_choice, check_disp, check_flag, is_whole, read_reals
from mlelogit.data.hypotheses.combinations import name_combinations, read_combinations
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import (
    IntervalError,
    IntervalWarning,
    NotConvergedWarning,
    OptionError,
    ParamsError,
)
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import (
    check_alpha,
    index_all,
    spread_columns,
    tidy_coefficients,
)
from mlelogit.inference.covariance import Covariance, rests_on_model
from mlelogit.inference.intervals.profile import FINDERS, Section, climb_at, find_profile_end
from mlelogit.inference.intervals.sections import Line, survey_record
from mlelogit.inference.testing.nesting import list_words
from mlelogit.notices import keep_errors, track, warn_user

METHODS = ("wald", *FINDERS)
SHOWN = 6
# A profile is laid out over so many standard errors on both sides, as far as tests look.
PROFILE_REACH = 3.5
MOST_POINTS = 10_000


@single_threaded_blas
@keep_errors
def invert_tests(
    record: FitRecord,
    combinations: Restriction,
    alpha: float = 0.05,
    method: str = "profile",
    disp: bool | None = None,
) -> np.ndarray:
    r"""Find the values of combinations of coefficients that a test does not reject.

    Parameters
    ----------
    record : FitRecord
    combinations : Restriction
        Rows ``r'b - q``.
    alpha : float
    method : {"profile", "score"}
        Which test: "profile" inverts the likelihood-ratio test,
        ``{t : 2 (max l - max_{r'b - q = t} l) <= χ²}``, with χ² the 1 - alpha quantile of the
        chi-squared distribution with one degree of freedom; "score" inverts Rao's,
        ``{t : s' I⁻¹ s <= χ²}`` with score and information at the maximum under
        ``r'b - q = t``. A score statistic can fall again further out; its ends are those
        nearest to the estimate.
    disp : bool, optional
        Whether to show a progress bar; on a terminal only if not given.

    Returns
    -------
    numpy.ndarray
        (q, 2), lower and upper. Where separated data make an estimate infinite its profile
        interval is open to that side, and to both if any value reaches the likelihood's
        supremum. NaN for what constraints fix, and NaN where no certified
        maximum tells the end, or it breaks a bound that the fit is held to.

    Raises
    ------
    IntervalError
        With sampling weights, bias reduction, active bounds, or without a certified maximum.
    DataNotKeptError
        If the fit no longer holds its rows.

    Warns
    -----
    NotConvergedWarning
        If an end could not be found; the message names the combinations.
    IntervalWarning
        If one breaks a bound.
    """
    if method == "score" and record.maximum.bias_reduction is not None:
        raise IntervalError("Score intervals are not defined for bias-reduced fits; use 'profile'.")
    terrain = survey_record(record)
    quantile = float(chdtri(1, check_alpha(alpha)))
    ends = np.full((len(combinations), 2), np.nan)
    fixed, broken = np.zeros(len(combinations), dtype=bool), []
    for i in track(range(len(combinations)), "Intervals", check_disp(disp)):
        line = terrain.place(combinations.matrix[i], float(combinations.values[i]))
        fixed[i] = line.fixed
        ends[i] = _find_ends(line, quantile, method)
        broken.append([terrain.find_broken(line, end) for end in ends[i]])
    _warn_of_gaps(ends, combinations.words, method)
    ends[_mark_broken(broken, combinations.words) | fixed[:, np.newaxis]] = np.nan
    return ends


def refuse_robust(record: FitRecord, covariance: Covariance, method: str) -> None:
    """Raise if intervals of the likelihood are asked of a fit with a robust covariance."""
    if not rests_on_model(record, covariance):
        raise IntervalError(
            f"A {method} interval is of the likelihood, and the {covariance.kind} covariance in "
            "use would not enter it. Take method='wald', or results.with_cov('nonrobust')."
        )


def _find_ends(line: Line, quantile: float, method: str) -> tuple[float, float]:
    if line.fixed:
        return line.estimate, line.estimate
    if line.limit and method == "score":
        return np.nan, np.nan
    if np.isnan(line.limit):
        return -np.inf, np.inf
    if line.section is None:
        return np.nan, np.nan
    if line.limit:
        side = -1 if line.limit > 0 else 1
        end = line.estimate + line.unit * find_profile_end(line.section, side, quantile)
        if np.isnan(end):
            return np.nan, np.nan
        return (end, np.inf) if side < 0 else (-np.inf, end)
    find = FINDERS[method]
    low, high = (line.unit * find(line.section, side, quantile) for side in (-1, 1))
    return line.estimate + low, line.estimate + high


def _warn_of_gaps(ends: np.ndarray, words: Sequence[str], method: str) -> None:
    holes = np.isnan(ends).any(axis=1)
    missing = [word for word, hole in zip(words, holes, strict=True) if hole]
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        warn_user(
            f"No certified maximum tells the ends of the {method} interval, which are NaN, of: "
            f"{'; '.join(missing[:SHOWN])}{more}. Score intervals need a finite estimate; huge "
            "offsets and nearly collinear columns leave what rounding hides.",
            NotConvergedWarning,
        )


def _mark_broken(broken: Sequence[Sequence[str]], words: Sequence[str]) -> np.ndarray:
    """Mark what breaks bounds (q, m), and warn of it by the names of its rows."""
    lost = np.array([[bool(said) for said in row] for row in broken], dtype=bool)
    listed = [
        f"{word} ({next(filter(None, row))})"
        for word, row in zip(words, broken, strict=True)
        if any(row)
    ]
    if listed:
        warn_user(
            "The likelihood without bounds was followed to where it breaks bounds that the fit is "
            f"held to, and what it has there is NaN, of: {list_words(listed)}. method='wald' "
            "gives intervals that leave slack bounds out of account.",
            IntervalWarning,
        )
    return lost


def exponentiate_ends(ends: np.ndarray, exponentiate: bool) -> np.ndarray:
    """Return the exponentials of ends of intervals, or the ends."""
    check_flag("exponentiate", exponentiate)
    with np.errstate(over="ignore"):
        return np.exp(ends) if exponentiate else ends


def interval_frame(
    record: FitRecord,
    covariance: Covariance,
    alpha: float = 0.05,
    method: str = "wald",
    exponentiate: bool = False,
    disp: bool | None = None,
) -> pd.DataFrame:
    """Return intervals of all coefficients.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        Of Wald intervals. The others are of the likelihood.
    alpha : float
        They cover with probability ``1 - alpha``.
    method : {"wald", "profile", "score"}
        "wald" is ``b ± z_{1 - alpha/2} se(b)``; "profile" and "score" invert the
        likelihood-ratio and the score test: values that it rejects at no level up to alpha.
    exponentiate : bool
        Whether to give those of relative risk ratios ``exp(b)``.
    disp : bool, optional
        Whether to show a progress bar; on a terminal only if not given.

    Returns
    -------
    pandas.DataFrame
        Rows (category, name), columns lower and upper.

    Raises
    ------
    OptionError
        If the method is unknown or alpha not between 0 and 1.
    IntervalError
        If a profile or score interval is asked for with sampling weights, a robust covariance,
        active bounds or without a certified maximum; or a score interval of a bias-reduced fit.

    Warns
    -----
    NotConvergedWarning
        If an end could not be found.
    IntervalWarning
        If one breaks a bound that the fit is held to; it is NaN.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.conf_int(method="profile").round(4).loc[("Dole", "age")].tolist()
    [0.0006, 0.0167]
    """
    check_choice("method", method, METHODS)
    encoding = record.encoding
    if method == "wald":
        tidy = tidy_coefficients(record, covariance, alpha, exponentiate)
        return tidy.set_index(["category", "name"])[["lower", "upper"]]
    refuse_robust(record, covariance, method)
    size = len(record.maximum.params)
    every = name_combinations(np.eye(size), np.zeros(size), encoding)
    ends = exponentiate_ends(invert_tests(record, every, alpha, method, disp), exponentiate).T
    shaped = [spread_columns(end.reshape(record.params.shape), encoding).ravel() for end in ends]
    return pd.DataFrame({"lower": shaped[0], "upper": shaped[1]}, index=index_all(encoding))


@single_threaded_blas
@keep_errors
def profile_frame(
    record: FitRecord, combination: Any, points: Any = 25, disp: bool | None = None
) -> pd.DataFrame:
    """Return the profile log-likelihood of one coefficient or combination.

    Parameters
    ----------
    record : FitRecord
    combination : str or tuple or array-like
        One, as `mlelogit.data.hypotheses.combinations.read_combinations` reads it.
    points : int or array-like
        The values to hold it at; or how many, evenly over 3.5 standard errors on both sides of
        the estimate.
    disp : bool, optional
        Whether to show a progress bar; on a terminal only if not given.

    Returns
    -------
    pandas.DataFrame
        Columns value; loglike, the highest log-likelihood there, NaN if none is certified; and
        signed_root, ``sign(estimate - value) sqrt(2 (llf - loglike))``, close to standard
        normal if the value is true, and a straight line where Wald intervals are good.

    Raises
    ------
    ParamsError
        If the combination cannot be read or is not one, or a value is not finite.
    OptionError
        If points is no number of them.
    IntervalError
        With sampling weights, bias reduction, active bounds, without a certified maximum, or if
        constraints leave the combination no choice.

    Warns
    -----
    NotConvergedWarning
        If a value has no certified maximum.
    IntervalWarning
        If the highest likelihood at a value breaks a bound that the fit is held to.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> list(res.profile("Dole: age", points=5).columns)
    ['value', 'loglike', 'signed_root']
    """
    asked = read_combinations(combination, record.encoding)
    if len(asked) != 1:
        raise ParamsError(
            f"A profile is of one combination, and these are {len(asked)}: {asked.said}."
        )
    terrain = survey_record(record)
    line = terrain.place(asked.matrix[0], float(asked.values[0]))
    if line.section is None:
        raise IntervalError(f"There is no profile of {asked.said}: {_tell_flat(line)}.")
    values = _read_points(points, line)
    loglike = _climb_along(line, line.section, values, disp)
    _warn_of_holes(values[np.isnan(loglike)], asked.said)
    broken = [terrain.find_broken(line, value) for value in values]
    loglike[_mark_broken([broken], asked.words)[0]] = np.nan
    root = np.sqrt(2 * np.maximum(line.section.top - loglike, 0.0))
    estimate = line.limit if line.limit else line.estimate
    signed = np.sign(estimate - values) * root
    return pd.DataFrame({"value": values, "loglike": loglike, "signed_root": signed})


def _tell_flat(line: Line) -> str:
    if line.fixed:
        return "constraints leave it one value"
    if np.isnan(line.limit):
        return "the data are separated, and the likelihood comes to its supremum at any value"
    return "the information is singular"


def _read_points(points: Any, line: Line) -> np.ndarray:
    if is_whole(points) and not line.limit:
        if not 2 <= points <= MOST_POINTS:
            raise OptionError(f"points must be from 2 to {MOST_POINTS}, not {points}.")
        reach = PROFILE_REACH * line.unit
        return np.linspace(line.estimate - reach, line.estimate + reach, int(points))
    if is_whole(points):
        raise OptionError("The estimate is infinite; give the values to hold it at as points.")
    values = np.atleast_1d(read_reals(points, "points", ParamsError))
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ParamsError("points must be finite values, one after the other.")
    return values.copy()


def _climb_along(line: Line, section: Section, values: np.ndarray, disp: bool | None) -> np.ndarray:
    """Return the profile at some values, each climbed from the one before, outward."""
    loglike = np.full(len(values), np.nan)
    with np.errstate(over="ignore"):
        steps = (values - line.estimate) / line.unit
    if not np.isfinite(steps).all():
        raise ParamsError("points are beyond a double in units of the combination.")
    outward = np.argsort(np.abs(steps), kind="stable")
    near: dict[bool, Any] = {}
    for i in track(
        [*outward[steps[outward] < 0], *outward[steps[outward] >= 0]], "Points", check_disp(disp)
    ):
        side = bool(steps[i] < 0)
        point = climb_at(section, float(steps[i]), near.get(side))
        if point is not None:
            near[side], loglike[i] = point, point.loglike
    return loglike


def _warn_of_holes(values: np.ndarray, said: str) -> None:
    if len(values):
        listed = ", ".join(f"{value:g}" for value in values[:SHOWN])
        warn_user(
            f"No certified maximum tells the profile of {said} at {len(values)} values "
            f"({listed}{', ...' if len(values) > SHOWN else ''}); it is NaN there.",
            NotConvergedWarning,
        )

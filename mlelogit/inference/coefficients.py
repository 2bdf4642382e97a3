"""The tidy coefficient frame, and the changes of base it can be seen from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_ndtr, ndtri, stdtr, stdtrit

from mlelogit.data.arguments import check_flag, read_reals
from mlelogit.data.encoding import Encoding
from mlelogit.exceptions import NotConvergedWarning, OptionError, ParamsError
from mlelogit.fitting.constrained.constraints import find_fixed
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.refits import Refits
from mlelogit.inference.covariance import Covariance, need_covariance
from mlelogit.inference.multiplicity import adjust_pvalues
from mlelogit.notices import keep_errors, warn_user

# The columns of every table of estimates.
NUMBERS = ("estimate", "std_err", "z", "p_value", "lower", "upper")


def two_sided_p(z: np.ndarray, df: float = np.inf) -> np.ndarray:
    """Return the two-sided p-value, normal or of a t distribution, from the tail.

    Parameters
    ----------
    z : array-like
        Statistics.
    df : float
        Degrees of freedom of t; the normal distribution if infinite.

    Returns
    -------
    numpy.ndarray
        ``2 P(T > |z|)``, as precise in the tail as anywhere.

    Examples
    --------
    >>> from mlelogit.inference.coefficients import two_sided_p
    >>> float(two_sided_p(9.0)) > 0
    True
    """
    if np.isfinite(df):
        return np.asarray(2 * stdtr(df, -np.abs(z)))
    return np.asarray(2 * np.exp(log_ndtr(-np.abs(z))))


def find_quantile(alpha: float, df: float = np.inf) -> float:
    """Return the 1 - alpha / 2 quantile, normal or of a t distribution.

    Examples
    --------
    >>> from mlelogit.inference.coefficients import find_quantile
    >>> round(find_quantile(0.05), 4), round(find_quantile(0.05, df=10), 4)
    (1.96, 2.2281)
    """
    half = check_alpha(alpha) / 2
    return -float(stdtrit(df, half)) if np.isfinite(df) else -float(ndtri(half))


def wald_interval(value: Any, error: Any, alpha: float, df: float = np.inf) -> tuple[Any, Any]:
    """Return Wald's interval, ``value ± z error``.

    Parameters
    ----------
    value, error : float or numpy.ndarray
        Estimates and standard errors.
    alpha : float
        The interval has level 1 - alpha.
    df : float
        Of the t distribution that z is the quantile of; normal if infinite.

    Examples
    --------
    >>> from mlelogit.inference.coefficients import wald_interval
    >>> [round(end, 3) for end in wald_interval(1.0, 0.5, 0.05)]
    [0.02, 1.98]
    """
    half = find_quantile(alpha, df) * error
    return value - half, value + half


def divide_by_errors(estimates: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return z: infinite where a standard error is zero, NaN where the estimate is too.

    A robust standard error is zero if no row's score moves the coefficient.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(estimates / errors)


def compute_z(record: FitRecord, covariance: Covariance) -> np.ndarray:
    """Return estimates over standard errors (P,); NaN where constraints fix the coefficient.

    That is ``b / se(b)``, the z statistic of a zero coefficient, or t with ``covariance.df``.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance

    Returns
    -------
    numpy.ndarray
        (P,).

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> from mlelogit.inference.coefficients import compute_z
    >>> compute_z(res.record, res.covariance).round(2).tolist()
    [-4.3, 2.09, 2.92]
    """
    z = divide_by_errors(record.estimates, covariance.bse)
    z[find_fixed(record.restriction, record.basis)] = np.nan
    return z


def check_alpha(alpha: float) -> float:
    """Return alpha, or raise `OptionError` if it is not between 0 and 1."""
    if not isinstance(alpha, int | float | np.number) or not 0 < alpha < 1:
        raise OptionError(f"alpha must lie between 0 and 1, not {alpha!r}.")
    return float(alpha)


def index_params(encoding: Encoding) -> pd.MultiIndex:
    """Return the P labels (category, name), equation by equation."""
    return pd.MultiIndex.from_product(
        [list(encoding.others), list(encoding.names)], names=["category", "name"]
    )


def index_all(encoding: Encoding) -> pd.MultiIndex:
    """Return the labels (category, name) with those of the columns left out."""
    return pd.MultiIndex.from_product(
        [list(encoding.others), list(encoding.all_names)], names=["category", "name"]
    )


def frame_params(values: np.ndarray, encoding: Encoding) -> pd.DataFrame:
    """Lay P values out as names x categories; NaN in the rows of columns left out.

    Parameters
    ----------
    values : numpy.ndarray
        (P,), equation by equation.
    encoding : Encoding

    Returns
    -------
    pandas.DataFrame
        (K, J - 1): names in rows, categories without the base in columns.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> from mlelogit.inference.coefficients import frame_params
    >>> frame_params(res.record.estimates, res.record.encoding).equals(res.params)
    True
    """
    table = spread_columns(np.array(values).reshape(len(encoding.others), -1), encoding).T
    frame = pd.DataFrame(table, index=list(encoding.all_names), columns=list(encoding.others))
    return frame.rename_axis(index="name", columns="category")


def spread_columns(values: np.ndarray, encoding: Encoding) -> np.ndarray:
    """Give values (..., K) of the columns used a NaN for every column left out."""
    if not encoding.omitted:
        return values
    spread = np.full((*values.shape[:-1], len(encoding.all_names)), np.nan)
    spread[..., encoding.kept] = values
    return spread


def read_params(given: Any, encoding: Encoding) -> np.ndarray:
    """Read parameters that a user gives, flat or labelled, as (P,).

    Parameters
    ----------
    given : array-like or DataFrame or Series
        Flat (P,) equation by equation; an array (K, J - 1) as statsmodels lays
        it out; a frame of names x categories such as ``results.params``; or a
        series labelled (category, name).

    Raises
    ------
    ParamsError
        If shape or labels are wrong, or a value is not finite.
    """
    shape = (len(encoding.names), len(encoding.others))
    if isinstance(given, pd.DataFrame):
        values = _match_labels(given, encoding)
    elif isinstance(given, pd.Series) and isinstance(given.index, pd.MultiIndex):
        if set(given.index) != set(index_params(encoding)) or not given.index.is_unique:
            raise ParamsError("params must be labelled (category, name), each once.")
        values = given.to_numpy()[given.index.get_indexer(index_params(encoding))]
    else:
        values = read_reals(given, "params", ParamsError)
        if values.shape == shape and values.ndim == 2:
            values = values.T.ravel()
    values = np.array(read_reals(values, "params", ParamsError))
    if values.shape != (shape[0] * shape[1],):
        raise ParamsError(
            f"params has shape {values.shape}; give ({shape[0] * shape[1]},), equation by "
            f"equation, or {shape} (names x categories)."
        )
    if not np.isfinite(values).all():
        raise ParamsError("params holds values that are not finite.")
    return values


def _match_labels(given: pd.DataFrame, encoding: Encoding) -> np.ndarray:
    given = given.drop(index=[name for name in encoding.omitted if name in given.index])
    wanted = frame_params(np.zeros(len(index_params(encoding))), encoding).loc[list(encoding.names)]
    for axis, what in ((0, "names"), (1, "categories")):
        have, need = given.axes[axis], wanted.axes[axis]
        if len(have) != len(need) or set(have) != set(need):
            raise ParamsError(f"params has {what} {list(have)}, and the model {list(need)}.")
    rows = given.index.get_indexer(wanted.index)
    columns = given.columns.get_indexer(wanted.columns)
    return given.to_numpy()[np.ix_(rows, columns)].T.ravel()


def tabulate_estimates(
    estimate: np.ndarray,
    bse: np.ndarray,
    z: np.ndarray,
    alpha: float,
    exponentiate: bool,
    df: float,
) -> dict[str, np.ndarray]:
    """Return estimate, std_err, z, p_value, lower and upper; see `tidy_coefficients`.

    What constraints fix, with z not a number and a standard error of zero, has no interval.
    """
    check_flag("exponentiate", exponentiate)
    half = find_quantile(alpha, df) * np.where(np.isnan(z) & (bse == 0), np.nan, bse)
    numbers = {"estimate": estimate, "std_err": bse, "z": z, "p_value": two_sided_p(z, df)}
    numbers |= {"lower": estimate - half, "upper": estimate + half}
    if exponentiate:
        with np.errstate(over="ignore"):
            ratio = np.exp(estimate)
            numbers |= {"estimate": ratio, "std_err": ratio * bse}
            numbers |= {"lower": np.exp(estimate - half), "upper": np.exp(estimate + half)}
    return numbers


@keep_errors
def tidy_coefficients(
    record: FitRecord,
    covariance: Covariance,
    alpha: float = 0.05,
    exponentiate: bool = False,
    adjust: str | None = None,
) -> pd.DataFrame:
    """Return one row per coefficient.

    One that constraints fix, or that stands at a bound, has the standard error zero, and no z,
    p-value or interval: they are NaN.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    exponentiate : bool
        Whether to give relative risk ratios ``exp(b)``: standard errors by the
        delta method, ``exp(b) se(b)``, intervals the exponentials of those of b,
        z and p-values those of b.
    adjust : str, optional
        How to adjust the p-values for their number, that of all coefficients with one,
        intercepts included: see `mlelogit.inference.multiplicity.adjust_pvalues`, which adjusts
        those of a part of the table too. Intervals stay those of one coefficient.

    Returns
    -------
    pandas.DataFrame
        Columns category, name, estimate, std_err, z, p_value (with adjust p_adjusted), lower,
        upper. With a finite ``covariance.df`` z is a t statistic, and p-values and intervals are
        those of t.

    Raises
    ------
    OptionError
        If alpha or the adjustment is none.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.tidy()[["category", "name", "p_value"]].round(3).values.tolist()
    [['Dole', 'Intercept', 0.0], ['Dole', 'age', 0.036], ['Dole', 'educ', 0.003]]
    """
    encoding = record.encoding
    estimate, bse, z = (
        spread_columns(values.reshape(record.params.shape), encoding).ravel()
        for values in (record.estimates, covariance.bse, compute_z(record, covariance))
    )
    labels = {
        "category": [category for category in encoding.others for _ in encoding.all_names],
        "name": list(encoding.all_names) * len(encoding.others),
    }
    numbers = tabulate_estimates(estimate, bse, z, alpha, exponentiate, covariance.df)
    return adjust_pvalues(pd.DataFrame(labels | numbers), adjust)


def frame_trace(record: FitRecord) -> pd.DataFrame:
    """Return the climb as a frame: stage, loglike, score_norm, evaluations.

    Parameters
    ----------
    record : FitRecord

    Returns
    -------
    pandas.DataFrame
        Index iteration; the last row is the answer.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.trace.columns.to_list()
    ['stage', 'loglike', 'score_norm', 'evaluations']
    >>> bool(res.trace["loglike"].iloc[-1] == res.llf)
    True
    """
    trace = record.maximum.trace
    return pd.DataFrame(
        {
            "stage": list(trace.stage),
            "loglike": trace.loglike,
            "score_norm": trace.score_norm,
            "evaluations": trace.evaluations,
        }
    ).rename_axis("iteration")


def frame_refits(found: Refits, encoding: Encoding) -> pd.DataFrame:
    """Lay refits out, a row each, labelled (category, name); NaN where there is no maximum.

    Parameters
    ----------
    found : Refits
    encoding : Encoding

    Returns
    -------
    pandas.DataFrame
        (B, P).

    Warns
    -----
    NotConvergedWarning
        If any refit has none; the message counts them.

    Examples
    --------
    >>> import numpy as np
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> res.refit(np.ones((2, 944))).columns.to_list()
    [('Dole', 'Intercept'), ('Dole', 'age')]
    """
    failed = int((~found.converged).sum())
    if failed:
        warn_user(
            f"{failed} of {len(found.converged)} refits have no certified maximum; their rows are "
            "NaN. In a resample a category may be absent, or separated from the others.",
            NotConvergedWarning,
        )
    return pd.DataFrame(found.params, columns=index_params(encoding)).rename_axis("refit")


def frame_covariance(covariance: Covariance, encoding: Encoding) -> pd.DataFrame:
    """Label a covariance by (category, name) on both sides.

    Parameters
    ----------
    covariance : Covariance
    encoding : Encoding

    Returns
    -------
    pandas.DataFrame
        (P, P), rows and columns (category, name).

    Raises
    ------
    CovarianceError
        If it was left out for its size.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.cov_params().index[0]
    ('Dole', 'Intercept')
    """
    need_covariance(covariance)
    labels = index_params(encoding)
    frame = pd.DataFrame(covariance.matrix, index=labels, columns=labels, copy=True)
    every = index_all(encoding)
    return frame.reindex(index=every, columns=every) if encoding.omitted else frame

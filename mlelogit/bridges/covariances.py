"""What ``vcov=`` of marginaleffects can be: the fit's covariance, or another one of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.exceptions import OptionError, ParamsError, SeparationWarning
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import index_params
from mlelogit.inference.covariance import Covariance, estimate_covariance, need_covariance
from mlelogit.notices import warn_user

MAIN_OPTIONS = {"cluster": "groups", "HAC": "time", "survey": "psu"}


def find_vcov(asked: Any, record: FitRecord, own: Covariance) -> np.ndarray | None:
    """Return the covariance (P, P) that ``vcov=`` asks for, or None if it asks for none.

    Parameters
    ----------
    asked : bool, str, dict, Covariance, DataFrame or None
        True: the fit's own. False or None: none. A string: a kind that needs no options. A
        dictionary: the kind and what it sums scores by, then its options, as in
        ``{"cluster": "district", "correction": "CR2"}``. A frame: labelled as
        ``results.cov_params()``.
    record : FitRecord
    own : Covariance
        The fit's own.

    Returns
    -------
    numpy.ndarray or None

    Raises
    ------
    OptionError
        If it is none of these, or its t distribution is not that of the fit's own.
    CovarianceError
        If it is not defined for the fit, or was left out for its size.
    ParamsError
        If a frame is not labelled as the fit's covariance.

    Warns
    -----
    SeparationWarning
        If infinite coefficients have no covariance, so that standard errors are NaN.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> from mlelogit.bridges.covariances import find_vcov
    >>> find_vcov("HC1", res.record, res.covariance).shape
    (3, 3)
    """
    if asked is None or asked is False:
        return None
    if isinstance(asked, pd.DataFrame):
        return _read_frame(asked, record)
    found = own if asked is True else _estimate(asked, record)
    need_covariance(found)
    if found.df != own.df:
        raise OptionError(
            f"Covariance {found.kind!r} goes with {_name_df(found)}, and the fit's {own.kind!r} "
            f"with {_name_df(own)}, which marginaleffects would use; adapt "
            "results.with_cov(...) instead."
        )
    if record.separation.found and np.isnan(found.matrix).any():
        warn_user(
            "Categories are separated and some coefficients infinite, so that standard errors "
            "are NaN; the estimates are those in the limit. Pass vcov=False for these alone, or "
            'fit(bias_reduction="mean").',
            SeparationWarning,
        )
    return found.matrix


def _name_df(covariance: Covariance) -> str:
    if np.isfinite(covariance.df):
        return f"the t distribution with {covariance.df:.10g} degrees of freedom"
    return "the normal distribution"


def _estimate(asked: Any, record: FitRecord) -> Covariance:
    if isinstance(asked, Covariance):
        return asked
    if isinstance(asked, str):
        return estimate_covariance(record, asked)
    if isinstance(asked, dict):
        kinds = [kind for kind in asked if kind in MAIN_OPTIONS]
        if len(kinds) == 1:
            options = {name: value for name, value in asked.items() if name != kinds[0]}
            main = {MAIN_OPTIONS[kinds[0]]: asked[kinds[0]]}
            return estimate_covariance(record, kinds[0], **(main | options))
    raise OptionError(
        "vcov must be True, False, a word such as 'HC1', a dictionary that starts with "
        f"one of {', '.join(MAIN_OPTIONS)} such as {{'cluster': 'district'}}, or a matrix, not "
        f"{write_value(asked)}."
    )


def _read_frame(asked: pd.DataFrame, record: FitRecord) -> np.ndarray:
    labels = index_params(record.encoding)
    for axis in asked.axes:
        if not axis.is_unique or not set(labels) <= set(axis):
            raise ParamsError(
                "A frame for vcov is labelled (category, name) on both sides, as "
                "results.cov_params() is."
            )
    return asked.loc[labels, labels].to_numpy(dtype=np.float64)

"""The statistics in the foot of a table of models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import is_whole, write_value
from mlelogit.display.tables.layout import Cell, Row
from mlelogit.display.tables.models import Model
from mlelogit.display.tables.numbers import write_number, write_p, write_ratio
from mlelogit.display.tables.request import TableRequest
from mlelogit.exceptions import OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.fit_measures import MEASURES, tabulate_fit_statistics
from mlelogit.inference.fit_statistics import FitStatistics, compute_fit_statistics
from mlelogit.letters import write_name

LABELS = {
    "nobs": "Observations",
    "parameters": "Parameters",
    "df_model": "Df model",
    "df_resid": "Df residuals",
    "llf": "Log-likelihood",
    "llnull": "Log-likelihood, null model",
    "deviance": "Deviance",
    "llr": "LR chi-squared",
    "llr_pvalue": "LR p-value",
    "prsquared": "Pseudo R-squared",
    "mcfadden": "McFadden R-squared",
    "mcfadden_adjusted": "McFadden R-squared, adjusted",
    "cox_snell": "Cox-Snell R-squared",
    "nagelkerke": "Nagelkerke R-squared",
    "count": "Share predicted right",
    "aic": "AIC",
    "aicc": "AICc",
    "caic": "CAIC",
    "bic": "BIC",
    "sabic": "Sample-size adjusted BIC",
    "hqic": "HQIC",
    "cov_type": "Covariance",
    "base": "Base category",
}
# They stand in no need of a pass over the rows.
CHEAP = (
    "nobs",
    "df_model",
    "df_resid",
    "llf",
    "llnull",
    "llr",
    "llr_pvalue",
    "prsquared",
    "aic",
    "bic",
)
KNOWN = tuple(dict.fromkeys((*CHEAP, *MEASURES)))
# Compared by differences of ones, however large they are.
LIKELIHOODS = (
    *("llf", "llnull", "deviance", "llr"),
    *("aic", "aicc", "caic", "bic", "bic_deviance", "bic_null", "sabic", "hqic"),
)
COUNTS = ("nobs", "parameters", "df_model", "df_resid")


@dataclass(frozen=True, eq=False)
class Statistics:
    """The statistics of a fit by their names; what takes a pass over the rows takes one for all.

    Attributes
    ----------
    record : FitRecord
    """

    record: FitRecord

    @cached_property
    def _cheap(self) -> FitStatistics:
        return compute_fit_statistics(self.record)

    @cached_property
    def _table(self) -> pd.DataFrame:
        return tabulate_fit_statistics(self.record)

    def find(self, name: str) -> tuple[float, str]:
        """Return a statistic, one of `KNOWN`, and why it is NaN, or an empty text."""
        if name in CHEAP:
            value = float(getattr(self._cheap, name))
            return value, self._cheap.reason if np.isnan(value) else ""
        place = list(MEASURES).index(name)
        value, reason = (self._table[column].to_numpy()[place] for column in ("value", "reason"))
        return float(value), str(reason)


def label_statistic(name: str) -> str:
    """Return the usual label of a statistic.

    Examples
    --------
    >>> from mlelogit.display.tables.statistics import label_statistic
    >>> label_statistic("llf"), label_statistic("condition_number")
    ('Log-likelihood', 'Condition number')
    """
    return LABELS.get(name, name.replace("_", " ").capitalize())


def tabulate_foot(models: list[Model], request: TableRequest) -> tuple[list[Row], pd.DataFrame]:
    """Return the rows of the foot, and why numbers in them are NaN.

    Returns
    -------
    rows : list of Row
    reasons : pandas.DataFrame
        A row for every NaN with a reason: columns model (its name), label and reason.

    Raises
    ------
    OptionError
        If a statistic is unknown, or a value is neither a number nor a text.
    """
    known = [Statistics(model.record) for model in models]
    rows: list[Row] = []
    reasons: list[tuple[str, str, str]] = []
    for label, asked in request.statistics:
        if isinstance(asked, str):
            _check_known(asked)
        shown = write_name(label or label_statistic(asked))
        if shown in {row.label for row in rows}:
            raise OptionError(f"Two statistics have the label {shown!r}; give them others.")
        cells = []
        for i, model in enumerate(models):
            name, value, reason = "", None, ""
            if isinstance(asked, str):
                name, (value, reason) = asked, known[i].find(asked)
            else:
                value = asked[i]
            cells.append(Cell(write_statistic(name, value, request.digits)))
            if reason:
                reasons.append((model.name, shown, reason))
        rows.append(Row(shown, (tuple(cells),)))
    return rows, pd.DataFrame(reasons, columns=["model", "label", "reason"])


def _check_known(name: str) -> None:
    if name not in KNOWN:
        raise OptionError(
            f"There is no statistic {name!r}. There are: {', '.join(KNOWN)}; and compare_models "
            "takes functions of the results, {'label': function}."
        )


def write_statistic(name: str, value: Any, digits: int) -> str:
    """Write a statistic: whole numbers as they are, p-values with a bound, others with decimals.

    Raises
    ------
    OptionError
        If it is neither a number nor a text nor True or False.

    Examples
    --------
    >>> from mlelogit.display.tables.statistics import write_statistic
    >>> [write_statistic("", value, 3) for value in (12, 0.5, True, "yes")]
    ['12', '0.500', 'yes', 'yes']
    """
    if isinstance(value, str):
        return write_name(value)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if is_whole(value):
        return str(int(value))
    if not isinstance(value, float | np.floating):
        raise OptionError(f"A statistic must be a number or a text, not {write_value(value)}.")
    number = float(value)
    if name in COUNTS and np.isfinite(number):
        return f"{number:.0f}" if number.is_integer() else f"{number:.10g}"
    if name == "llr_pvalue":
        return write_p(number, digits)
    large = name in LIKELIHOODS and abs(number) > 1
    return write_ratio(number, digits) if large else write_number(number, digits)

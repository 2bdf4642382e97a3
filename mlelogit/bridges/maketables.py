"""Fits as maketables reads them: ``ETable(res.equations())``.

maketables asks an object for names of the form ``__maketables_...__`` (its plug-in format), but
only after its own readers of other packages have declined; the one for statsmodels takes
whatever has params, bse and pvalues, as results have. So it is given views with nothing but
those names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.display.escapes import write_names
from mlelogit.display.facts import name_equations
from mlelogit.display.tables.statistics import KNOWN, Statistics
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import tidy_coefficients
from mlelogit.inference.covariance import Covariance
from mlelogit.letters import write_name

LEVELS = {"95": 0.05, "90": 0.1}
# Their words for what has another name here.
WORDS = {"N": "nobs", "ll": "llf", "pseudo_r2": "prsquared"}
SHOWN = ["N", "pseudo_r2", "ll", "aic", "bic", "se_type"]


@dataclass(frozen=True, eq=False)
class EquationView:
    """What maketables asks a model for, of one equation of a fit or of all.

    Made by `mlelogit.bridges.maketables.view_equations` and
    `mlelogit.bridges.maketables.view_flat`.

    Attributes
    ----------
    _coefficients : pandas.DataFrame
        Index: names. Columns b, se, t, p, ci95l, ci95u, ci90l, ci90u and, for relative risk
        ratios, rrr, rrr_se, rrr_ci95l, rrr_ci95u.
    _heading : str
    _covariance : Covariance
    _first : bool
        Whether statistics of the fit stand under this equation.
    _statistics : Statistics
        Those of the fit, for all its equations.
    """

    _coefficients: pd.DataFrame
    _heading: str
    _covariance: Covariance
    _first: bool
    _statistics: Statistics

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        return self._coefficients.copy()

    @property
    def __maketables_depvar__(self) -> str:
        return self._heading

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        clusters = "+".join(name for name, _ in self._covariance.groups)
        return {"vcov_type": self._covariance.kind, "clustervar": clusters or None}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        return list(SHOWN)

    def __maketables_stat__(self, key: str) -> Any:
        """Return a statistic; an empty text where it stands under the first equation already."""
        if not self._first and key != "se_type":
            return ""
        return find_statistic(self._statistics, self._covariance, key)


def find_statistic(statistics: Statistics, covariance: Covariance, key: str) -> Any:
    """Return a statistic by maketables' word for it or ours; None if there is none.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.bridges.maketables import find_statistic
    >>> from mlelogit.display.tables.statistics import Statistics
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> find_statistic(Statistics(res.record), res.covariance, "N")
    944
    """
    if key == "se_type":
        return _describe(covariance)
    if key == "n_clusters":
        return min((number for _, number in covariance.groups), default=None)
    name = WORDS.get(key, key)
    if name not in KNOWN:
        return None
    value, _ = statistics.find(name)
    return int(value) if value.is_integer() else value


def _describe(covariance: Covariance) -> str:
    clusters = ", ".join(str(name) for name, _ in covariance.groups)
    return f"{covariance.kind} ({clusters})" if clusters else covariance.kind


def view_equations(record: FitRecord, covariance: Covariance) -> list[EquationView]:
    """Return a view of every equation, for ``maketables.ETable``.

    Each makes a column, under the head "category vs base"; statistics of the fit stand under
    the first. Coefficients of columns left out are left out.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance

    Returns
    -------
    list of EquationView
        J - 1.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> [view.__maketables_depvar__ for view in res.equations()]
    ['Dole vs Clinton']
    """
    table = _tabulate(record, covariance)
    headings, statistics = name_equations(record), Statistics(record)
    return [
        EquationView(table.loc[[e]].droplevel(0), heading, covariance, e == 0, statistics)
        for e, heading in enumerate(headings)
    ]


def view_flat(record: FitRecord, covariance: Covariance) -> EquationView:
    """Return all equations as one view, for ``maketables.ETable([res.flat(), ...])``.

    Its rows are called "name (category vs base)".

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age", ml.datasets.load_anes96()).fit()
    >>> list(res.flat().__maketables_coef_table__.index)
    ['Intercept (Dole vs Clinton)', 'age (Dole vs Clinton)']
    """
    table = _tabulate(record, covariance)
    headings = name_equations(record)
    names = [f"{name} ({headings[e]})" for e, name in table.index]
    table.index = pd.Index(names, name="Coefficient")
    outcome = write_name(record.encoding.outcome_name)
    return EquationView(table, outcome, covariance, True, Statistics(record))


def _tabulate(record: FitRecord, covariance: Covariance) -> pd.DataFrame:
    """Return the coefficients by (number of the equation, name), under maketables' words."""
    encoding = record.encoding
    found = tidy_coefficients(record, covariance)
    ratios = tidy_coefficients(record, covariance, exponentiate=True)
    columns = {
        "b": found["estimate"],
        "se": found["std_err"],
        "t": found["z"],
        "p": found["p_value"],
    }
    for level, alpha in LEVELS.items():
        ends = tidy_coefficients(record, covariance, alpha)
        columns |= {f"ci{level}l": ends["lower"], f"ci{level}u": ends["upper"]}
    columns |= {"rrr": ratios["estimate"], "rrr_se": ratios["std_err"]}
    columns |= {"rrr_ci95l": ratios["lower"], "rrr_ci95u": ratios["upper"]}
    names = write_names(encoding.all_names)
    table = pd.DataFrame(columns)
    numbers = range(len(encoding.others))
    table.index = pd.MultiIndex.from_product([numbers, names], names=[None, "Coefficient"])
    kept = np.isin(np.arange(len(names)), encoding.kept)
    return table[np.tile(kept, len(encoding.others))]

"""P-values adjusted for the number of tests in a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, write_value
from mlelogit.data.frames import list_some
from mlelogit.exceptions import OptionError

# The full names that statsmodels' multipletests documents and computes.
ADJUSTMENTS = (
    "bonferroni",
    "sidak",
    "holm-sidak",
    "holm",
    "simes-hochberg",
    "hommel",
    "fdr_bh",
    "fdr_by",
    "fdr_tsbh",
    "fdr_tsbky",
)


def adjust_pvalues(
    frame: pd.DataFrame, method: str | None = "holm", column: str = "p_value"
) -> pd.DataFrame:
    """Add p-values adjusted for the number of tests to a table of tests.

    The adjustment is made by ``statsmodels.stats.multitest.multipletests``. Those named
    bonferroni to hommel bound the probability of any false rejection (bonferroni, holm
    and holm-sidak: Holm 1979, Scandinavian Journal of Statistics 6; simes-hochberg: Hochberg
    1988, Biometrika 75; hommel: Hommel 1988, Biometrika 75), those named fdr the expected share
    of false ones among the rejections (bh: Benjamini and Hochberg 1995, JRSS B 57; by:
    Benjamini and Yekutieli 2001, Annals of Statistics 29, under any dependence; tsbh and tsbky:
    Benjamini, Krieger and Yekutieli 2006, Biometrika 93, at a rate of 0.05). Coefficients of one
    fit depend on each other; bonferroni, holm and fdr_by hold whatever their dependence.

    Parameters
    ----------
    frame : pandas.DataFrame
        One test per row. The family is every row with a p-value; leave out first what does not
        belong to it. It is not modified.
    method : str or None
        "bonferroni", "sidak", "holm-sidak", "holm", "simes-hochberg", "hommel", "fdr_bh",
        "fdr_by", "fdr_tsbh" or "fdr_tsbky"; if None the frame comes back as it is.
    column : str
        The column of p-values; NaN stays NaN and is no test.

    Returns
    -------
    pandas.DataFrame
        A copy with a column p_adjusted after the p-values; ``attrs["adjustment"]`` has the method
        and the number of tests.

    Raises
    ------
    OptionError
        If the method or the column is unknown, or a p-value lies outside 0 to 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from mlelogit.inference.multiplicity import adjust_pvalues
    >>> tests = pd.DataFrame({"p_value": [0.01, 0.04, float("nan")]})
    >>> adjusted = adjust_pvalues(tests, "bonferroni")
    >>> adjusted["p_adjusted"].tolist()
    [0.02, 0.08, nan]
    >>> adjusted.attrs["adjustment"]
    {'method': 'bonferroni', 'tests': 2}
    """
    if method is None:
        return frame
    check_choice("adjust", method, ADJUSTMENTS)
    given = _read_pvalues(frame, column)
    known = ~np.isnan(given)
    adjusted = np.full(len(given), np.nan)
    if known.any():
        from statsmodels.stats.multitest import multipletests

        with np.errstate(divide="ignore"):  # A p-value of one has the logarithm of zero.
            adjusted[known] = multipletests(given[known], method=method)[1]
    table = frame.drop(columns="p_adjusted", errors="ignore")
    table.insert(list(table.columns).index(column) + 1, "p_adjusted", adjusted)
    table.attrs["adjustment"] = {"method": method, "tests": int(known.sum())}
    return table


def _read_pvalues(frame: pd.DataFrame, column: str) -> np.ndarray:
    if not isinstance(frame, pd.DataFrame) or list(frame.columns).count(column) != 1:
        names = list_some(tuple(frame.columns)) if isinstance(frame, pd.DataFrame) else "none"
        raise OptionError(
            f"A table of tests has one column {write_value(column)} of p-values; this has {names}."
        )
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~frame[column].isna().to_numpy() & ~((values >= 0) & (values <= 1)))
    if wrong.size:
        raise OptionError(
            f"P-values lie between 0 and 1; row {wrong[0]} of column {write_value(column)} has "
            f"{write_value(frame[column].iloc[wrong[0]])}."
        )
    return values

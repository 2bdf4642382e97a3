"""Small open data sets that come with the package.

``anes96`` is an extract of the American National Election Study of 1996, made by the
American National Election Studies (electionstudies.org) and distributed with
statsmodels, which states that it is in the public domain.
"""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

__all__ = ["load_anes96"]

NAMES = {
    "PID": (
        "Strong Democrat",
        "Weak Democrat",
        "Independent-Democrat",
        "Independent",
        "Independent-Republican",
        "Weak Republican",
        "Strong Republican",
    ),
    "vote": ("Clinton", "Dole"),
}


def load_anes96(labels: bool = True) -> pd.DataFrame:
    """Load 944 respondents of the American National Election Study of 1996.

    Parameters
    ----------
    labels : bool
        Whether PID and vote are unordered Categoricals of names. Otherwise they
        are int64 codes: 0 to 6, and 0 or 1, in the order of the names below.

    Returns
    -------
    pandas.DataFrame
        (944, 11). No value is missing.

    Notes
    -----
    All columns but PID and vote are float64.

    - popul: inhabitants of the place of residence in the census, in thousands.
    - TVnews: times a week that the respondent watches the news on television, 0 to 7.
    - selfLR: the respondent's place on a scale from 1, extremely liberal, over 4,
      moderate, to 7, extremely conservative, in the respondent's own view.
    - ClinLR, DoleLR: where the respondent puts Bill Clinton and Bob Dole on that
      scale.
    - PID: party identification: Strong Democrat, Weak Democrat,
      Independent-Democrat, Independent, Independent-Republican, Weak Republican,
      Strong Republican.
    - age: in years.
    - educ: schooling: 1, at most eight grades; 2, some high school; 3, high
      school; 4, some college; 5, college degree; 6, master's degree; 7, doctorate.
    - income: yearly income of the household, in 24 brackets of US dollars of rising
      width: 1 is below 3,000, 10 is 14,000 to 14,999, 15 is 25,000 to 29,999, 20 is
      50,000 to 59,999 and 24 is 105,000 or more.
    - vote: the candidate the respondent expects to vote for, Clinton or Dole.
    - logpopul: natural logarithm of popul + 0.1.

    Source: American National Election Studies, 1996, in the extract of
    ``statsmodels.datasets.anes96``; public domain.

    Examples
    --------
    >>> from mlelogit.datasets import load_anes96
    >>> anes = load_anes96()
    >>> anes.shape
    (944, 11)
    >>> anes["vote"].value_counts(sort=False).to_dict()
    {'Clinton': 551, 'Dole': 393}
    >>> load_anes96(labels=False)["PID"].head(3).tolist()
    [6, 1, 1]
    """
    with files(__name__).joinpath("anes96.csv").open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream).astype(dict.fromkeys(NAMES, "int64"))
    if labels:
        for column, names in NAMES.items():
            codes = frame[column].to_numpy()
            frame[column] = pd.Categorical.from_codes(codes, categories=pd.Index(names))
    return frame

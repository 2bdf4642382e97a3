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
    The study interviewed 1,714 people. The extract holds those of them who expected to
    vote for Clinton or Dole and answered the other questions: nobody who named another
    candidate, such as Perot, or none; and no sampling weights.

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
    - educ: schooling, the study's summary V960610: 1, at most eight grades; 2, some
      high school; 3, high school; 4, more than high school without a degree; 5, degree
      of a junior or community college (AA); 6, bachelor's degree; 7, advanced degree.
      A college degree of four years is therefore ``educ >= 6``. The note of
      ``statsmodels.datasets.anes96`` has other names for the last three: 5, college
      degree; 6, master's degree; 7, PhD. They contradict the codes as the study and
      those who work with it use them ([1]_, [2]_), and the counts: 90, 227 and 127 of
      these 944 have 5, 6 and 7.
    - income: yearly income of the household, in 24 brackets of US dollars of rising
      width: 1 is below 3,000, 10 is 14,000 to 14,999, 15 is 25,000 to 29,999, 20 is
      50,000 to 59,999 and 24 is 105,000 or more.
    - vote: the candidate the respondent expects to vote for, Clinton or Dole.
    - logpopul: natural logarithm of popul + 0.1.

    Source: American National Election Studies, 1996, in the extract of
    ``statsmodels.datasets.anes96``; public domain.

    References
    ----------
    .. [1] Hainmueller, J. and Hiscox, M. J. (2006), Learning to love globalization:
       education and individual attitudes toward international trade, International
       Organization 60, 469-498; their replication code takes 4 and 5 of V960610 for
       some college (junior and community colleges included), 6 for college and 7 for
       graduate school.
    .. [2] Faraway, J. J. (2016), Extending the Linear Model with R, 2nd ed., data set
       nes96 of the R package faraway, the same 944 rows: levels MS, HSdrop, HS, Coll,
       CCdeg, BAdeg, MAdeg.

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

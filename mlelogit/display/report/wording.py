"""Warnings in plain words: what each kind means, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from mlelogit.display.report.content import Notice, Tone
from mlelogit.exceptions import (
    BootstrapWarning,
    CategoryOrderWarning,
    CollinearityWarning,
    CovarianceOmittedWarning,
    FewClustersWarning,
    HeldOutWarning,
    IntervalWarning,
    LeverageWarning,
    MNLogitWarning,
    NegativeVarianceWarning,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    SeparationWarning,
    UnusedCovarianceWarning,
    UnusedLevelWarning,
    ZeroVarianceWarning,
)
from mlelogit.notices import Heard


@dataclass(frozen=True)
class Meaning:
    """What a kind of warning means.

    Attributes
    ----------
    title : str
    meaning : str
    remedy : str
        What to do.
    tone : str
    """

    title: str
    meaning: str
    remedy: str
    tone: Tone = "caution"


UNKNOWN = Meaning(
    "Something to know about this fit",
    "The package found something that a reader of these numbers should know.",
    "Read the message, and the page of the documentation that it names.",
)
MEANINGS: dict[type[MNLogitWarning], Meaning] = {
    SeparationWarning: Meaning(
        "The data are separated",
        "Some combination of the columns tells categories apart without error. The likelihood "
        "then rises for ever as coefficients grow, so that those listed have no finite estimate. "
        "Probabilities, and the coefficients that are finite, are still those of the best fit.",
        "Look whether the column that separates is a consequence of the outcome, or a rare "
        "level; join levels, gather more data, or fit with bias_reduction='mean' (Firth), which "
        "gives finite estimates and intervals. Do not report the infinite coefficients' "
        "standard errors.",
        "bad",
    ),
    NoFiniteMaximumWarning: Meaning(
        "No finite maximum has been shown to exist",
        "The likelihood may rise for ever, as on separated data, or values lie so far out that "
        "rounding hides the rest. The coefficients are where the climb stopped, and standard "
        "errors are not given.",
        "Look for levels in which a category never, or always, occurs and for columns of a very "
        "large scale; fit with bias_reduction='mean' for finite estimates.",
        "bad",
    ),
    NotConvergedWarning: Meaning(
        "Convergence was not shown",
        "The climb stopped before it could be proven that the maximum is near. The coefficients "
        "may still move.",
        "Raise maxiter or drop it, use method='auto', and look for columns that are nearly "
        "combinations of others.",
        "bad",
    ),
    CovarianceOmittedWarning: Meaning(
        "There are no standard errors",
        "The model has so many parameters that their covariance was left out. The estimates are "
        "there; standard errors, tests and the certificate are not.",
        "Ask for it with fit(cov_type=...), which takes the memory that the message tells.",
    ),
    CollinearityWarning: Meaning(
        "Columns were left out",
        "They are exact combinations of other columns, so that their coefficients cannot be told "
        "apart from the others'. The fitted probabilities are the same whichever of them goes.",
        "Check that the combination is meant (a dummy for every level beside a constant is the "
        "usual case), and read the coefficients of the columns that stayed as those of all.",
    ),
    UnusedLevelWarning: Meaning(
        "Levels without a row",
        "Levels or categories that the data declare do not occur among the rows used, so nothing "
        "can be said about them.",
        "Check that they are not missing by mistake, such as a misspelled label or a filter.",
    ),
    CategoryOrderWarning: Meaning(
        "The categories have no order of their own",
        "Their labels are of several types and cannot be sorted together, so that their order, "
        "and the base if none is given, is by type and appearance.",
        "Name the base, or make the outcome a categorical with the order that is meant.",
    ),
    FewClustersWarning: Meaning(
        "There are few clusters",
        "Clustered standard errors rest on many clusters. With few they are likely too small, "
        "and intervals too short.",
        "Use correction='CR2' or 'CR3', or test with bootstrap_test(groups=...).",
    ),
    LeverageWarning: Meaning(
        "Single rows decide coefficients",
        "Some rows or clusters fit themselves: whatever their outcome, some coefficient follows "
        "it, and its standard error says nothing about chance.",
        "Look at these rows; drop what only they decide, or read its standard error with care.",
    ),
    NegativeVarianceWarning: Meaning(
        "The clustered covariance had to be mended",
        "Sums over several kinds of clusters can come out with negative variances; these were "
        "set to zero.",
        "Read standard errors with care; cluster by the coarsest kind alone to compare.",
    ),
    ZeroVarianceWarning: Meaning(
        "Some standard errors are not known, or far too small",
        "The scores of these coefficients add up to zero in every group, so that their spread "
        "between groups says nothing.",
        "Choose groups within which these columns vary, or another covariance.",
    ),
    UnusedCovarianceWarning: Meaning(
        "Likelihood-ratio tests do not use the covariance",
        "They suppose that the likelihood is right, and a robust covariance is there because it "
        "may not be.",
        "Read the Wald tests beside them, which use it.",
    ),
    IntervalWarning: Meaning(
        "Some intervals are not known",
        "The ends of these intervals could not be found, or have no covariance.",
        "Follow what the message proposes.",
    ),
    BootstrapWarning: Meaning(
        "The resamples are not enough",
        "Some resamples have no estimates, or are too few for the ends of the intervals.",
        "Raise their number, or use kind='fractional', which leaves nobody out.",
    ),
    HeldOutWarning: Meaning(
        "Some parts could not be scored",
        "Fits without some rows could not be made, or could not be applied to them.",
        "Use fewer parts, or a smaller model.",
    ),
}


def explain(heard: Heard) -> Notice:
    """Say what was warned, what it means and what to do.

    Examples
    --------
    >>> from mlelogit.exceptions import FewClustersWarning
    >>> from mlelogit.display.report.wording import explain
    >>> from mlelogit.notices import Heard
    >>> notice = explain(Heard(FewClustersWarning, "There are few clusters: 5."))
    >>> [label for label, _ in notice.rows]
    ['What was found:', 'What it means:', 'What to do:']
    """
    meaning = next((MEANINGS[kind] for kind in heard.category.__mro__ if kind in MEANINGS), UNKNOWN)
    return tell(meaning.title, heard.message, meaning.meaning, meaning.remedy, meaning.tone)


def tell(title: str, found: str, meaning: str, remedy: str, tone: Tone = "caution") -> Notice:
    """Make a notice of what was found, what it means and what to do."""
    rows = (("What was found:", found), ("What it means:", meaning), ("What to do:", remedy))
    return Notice(tone, title, rows)

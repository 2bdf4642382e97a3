"""Scores of a fit's probabilities: Brier and log, their parts, skill, and discrimination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.likelihood import sum_others
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import check_alpha, wald_interval
from mlelogit.interpretation.labelling import index_product
from mlelogit.interpretation.performance.binning import assign_bins, check_bins
from mlelogit.interpretation.performance.decomposition import (
    BRIER_PARTS,
    PARTS,
    decompose_brier,
    decompose_log,
    fill_cells,
)
from mlelogit.interpretation.performance.discrimination import measure_discrimination
from mlelogit.interpretation.performance.judged import (
    OWN,
    JudgedRows,
    NewRows,
    judge_rows,
    list_notes,
)
from mlelogit.interpretation.performance.judgement import Judgement

SCORES = ("brier", "log")
COLUMNS = (
    "score",
    "std_err",
    "lower",
    "upper",
    "reference",
    "skill",
    "skill_std_err",
    "skill_lower",
    "skill_upper",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Scores(Judgement):
    """Scores of probabilities and what they are made of.

    Made by `mlelogit.interpretation.performance.scoring_rules.score_probabilities`.

    Attributes
    ----------
    overall : pandas.DataFrame
        Index score (brier, log); columns score, std_err, lower, upper, reference (that of the
        observed shares), skill (1 - score / reference), skill_std_err, skill_lower, skill_upper.
    decomposition : pandas.DataFrame
        Index score; columns score, uncertainty, resolution, reliability, within, and for the Brier
        score within_variance and within_covariance: score = uncertainty - resolution + reliability
        + within, and within = within_variance - within_covariance.
    by_category : pandas.DataFrame
        Index (score, category): the same of every category against the rest.
    discrimination : pandas.DataFrame
        Index measure (pdi, hand_till); columns estimate, std_err, lower, upper, chance.
    discrimination_by_category : pandas.DataFrame
        Index (measure, category), of pdi and auc, which is against the rest; the same columns.
    pairs : pandas.DataFrame
        Index (category, against): Hand and Till's area of every pair; the same columns.
    bins : int
        Most bins of the decompositions.
    own, alpha, rows, notes
        As in `mlelogit.interpretation.performance.judgement.Judgement`.
    """

    overall: pd.DataFrame
    decomposition: pd.DataFrame
    by_category: pd.DataFrame
    discrimination: pd.DataFrame
    discrimination_by_category: pd.DataFrame
    pairs: pd.DataFrame
    bins: int
    title: ClassVar[str] = "Scores of the probabilities"

    @property
    def brier(self) -> float:
        """Brier score: the mean over people of ``Σ_k (p_k - d_k)²``."""
        return float(self.overall["score"]["brier"])

    @property
    def log(self) -> float:
        """Log score: minus the mean log-probability of people's own category."""
        return float(self.overall["score"]["log"])

    def list_tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return headings, and the tables under them."""
        level = f"{self.level} intervals"
        return [
            (f"Smaller is better; skill against the shares; {level}", self.overall),
            ("score = uncertainty - resolution + reliability + within", self.decomposition),
            ("The same of every category against the rest", self.by_category),
            (f"Discrimination, with {level}", self.discrimination),
            ("Of every category", self.discrimination_by_category),
            ("Of every pair (Hand and Till)", self.pairs),
        ]


@single_threaded_blas
def score_probabilities(
    record: FitRecord,
    rows: NewRows = OWN,
    *,
    bins: int = 10,
    alpha: float = 0.05,
) -> Scores:
    r"""Score the probabilities of rows by what was observed.

    The Brier score is the mean over people of ``Σ_k (p_k - d_k)²`` (Brier 1950, Monthly Weather
    Review 78), between zero and two; with two categories twice what is often called so. The log
    score is the mean of ``-log p_k``, k the person's category (Good 1952, JRSS B 14); times the
    people it is minus the log-likelihood. Both are proper: nobody expects a smaller one by saying
    anything but what they believe (Gneiting and Raftery 2007, JASA 102). Skill is ``1 - score /
    reference``, the reference being the score of the shares observed on these rows, which is
    Efron's and McFadden's R-squared of them; its interval is by linearization.

    Decompositions are those of `mlelogit.interpretation.performance.decomposition`. In
    ``by_category`` the cells are bins of the category's own probability, at its quantiles; in
    `decomposition`, of all categories at once, bins of the probability of the most probable
    category, separately by which that is. More bins make reliability and resolution larger by
    chance.

    Discrimination: the polytomous discrimination index (Van Calster et al. 2012, Statistics in
    Medicine 31), the chance that, of one person from each category, the one from k has the highest
    probability of k, averaged over k, which is 1 / J by guessing; Hand and Till's (2001, Machine
    Learning 45) M, the mean over pairs of categories of the area under the curve; the area of each
    category against the rest. Formulas and variances are in
    `mlelogit.interpretation.performance.discrimination`.

    Parameters
    ----------
    record : FitRecord
    rows : NewRows
        With newdata, outcome, offset, weights and weight_type, which results take by these names;
        the fit's own rows if not given.
    bins : int
        Most bins of the decompositions, 2 or more.
    alpha : float
        Intervals have level 1 - alpha.

    Returns
    -------
    Scores

    Raises
    ------
    OptionError
        If bins is not a whole number of 2 or more.
    MNLogitError
        Those of `mlelogit.interpretation.performance.judged.judge_rows`.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> found = res.scores()
    >>> abs(found.log + res.llf / res.nobs) < 1e-12
    True
    >>> bool(abs(found.overall.loc["log", "skill"] - res.prsquared) < 1e-12)
    True
    """
    check_alpha(alpha)
    check_bins(bins)
    return score_judged(judge_rows(record, rows), bins, alpha)


@single_threaded_blas
def score_judged(judged: JudgedRows, bins: int = 10, alpha: float = 0.05) -> Scores:
    """Score the probabilities of judged rows, whatever gave them, by what was observed.

    Parameters
    ----------
    judged : JudgedRows
    bins, alpha
        As in `score_probabilities`, which has the formulas.

    Raises
    ------
    OptionError
        If bins is not a whole number of 2 or more.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.performance.judged import judge_rows
    >>> from mlelogit.interpretation.performance.scoring_rules import score_judged
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> abs(score_judged(judge_rows(res.record)).log + res.llf / res.nobs) < 1e-12
    True
    """
    alpha = check_alpha(alpha)
    check_bins(bins)
    told = measure_discrimination(judged, alpha)
    return Scores(
        overall=_score(judged, alpha),
        decomposition=_decompose(judged, bins),
        by_category=_decompose_categories(judged, bins),
        discrimination=told.overall,
        discrimination_by_category=told.by_category,
        pairs=told.pairs,
        bins=int(bins),
        own=judged.own,
        alpha=alpha,
        rows=judged.describe(),
        notes=(*list_notes(judged), *_explain(judged)),
    )


def _explain(judged: JudgedRows) -> list[str]:
    """Say why numbers are NaN, or infinite."""
    notes = []
    absent = [str(judged.categories[k]) for k in np.flatnonzero(judged.totals == 0)]
    if absent:
        notes.append(
            f"Without people among these rows, so that they cannot be told apart from others: "
            f"{', '.join(absent)}."
        )
    lost = float(judged.people[judged.probabilities == 0].sum())
    if lost:
        notes.append(
            f"{lost:.10g} people are in a category to which the fit gives no probability, or none "
            "that a double can hold: the log score or its parts are infinite."
        )
    if judged.weight == judged.totals.max():
        notes.append("All people are in one category, so that there is no skill to have.")
    return notes


def _score(judged: JudgedRows, alpha: float) -> pd.DataFrame:
    shares = judged.totals / judged.weight
    p = judged.probabilities
    with np.errstate(divide="ignore"):
        surprise = -np.log(shares)
    # Losses of a person of every category, and how the reference moves with one more of them.
    losses = {"brier": (p**2).sum(axis=0) - 2 * p + 1, "log": -judged.logs}
    references = {"brier": 1 - shares @ shares, "log": shares @ np.where(shares > 0, surprise, 0)}
    slopes = {"brier": -2 * shares, "log": np.where(shares > 0, surprise, 0)}
    lines = [
        _write_score(judged, losses[name], float(references[name]), slopes[name], alpha)
        for name in SCORES
    ]
    return pd.DataFrame(lines, index=pd.Index(SCORES, name="score"), columns=list(COLUMNS))


def _write_score(
    judged: JudgedRows, losses: np.ndarray, reference: float, slope: np.ndarray, alpha: float
) -> tuple[float, ...]:
    mean = judged.average(losses)
    start = mean.value, mean.error, *wald_interval(mean.value, mean.error, alpha), reference
    if not reference > 0:
        return *start, np.nan, np.nan, np.nan, np.nan
    skill = 1 - mean.value / reference
    drift = slope - slope @ (judged.totals / judged.weight)
    with np.errstate(invalid="ignore"):
        moves = drift[:, np.newaxis] * mean.value / reference**2 - losses / reference
    error = judged.average(moves).error
    return *start, skill, error, *wald_interval(skill, error, alpha)


def _decompose(judged: JudgedRows, bins: int) -> pd.DataFrame:
    """Decompose in cells of the most probable category and bins of its probability."""
    people, p = judged.people, judged.probabilities
    totals, top = people.sum(axis=0), judged.best
    places = np.zeros(len(top), dtype=np.int64)
    for k in np.unique(top):
        rows = np.flatnonzero(top == k)
        places[rows] = k * bins + assign_bins(p[k, rows], totals[rows], bins, "quantile")
    cells = fill_cells(places, people, p)
    brier = decompose_brier(cells, people, p).sum(axis=0)
    log = decompose_log(cells, people, judged.logs)
    return _frame_parts([brier], [log], pd.Index(SCORES, name="score"))


def _decompose_categories(judged: JudgedRows, bins: int) -> pd.DataFrame:
    """Decompose the scores of every category against the rest, in bins of its probability."""
    totals, others = judged.people.sum(axis=0), sum_others(judged.probabilities).copy()
    brier, log = [], []
    for own, p, rest, logs in zip(
        judged.people, judged.probabilities, others, judged.logs, strict=True
    ):
        people = np.stack([own, np.maximum(totals - own, 0.0)])
        with np.errstate(divide="ignore"):
            both = np.stack([logs, np.log(rest)])
        cells = fill_cells(assign_bins(p, totals, bins, "quantile"), people, np.stack([p, rest]))
        brier.append(decompose_brier(cells, people, np.stack([p, rest]))[0])
        log.append(decompose_log(cells, people, both))
    return _frame_parts(brier, log, index_product(SCORES, judged.categories, ("score", "category")))


def _frame_parts(brier: list[np.ndarray], log: list[np.ndarray], index: pd.Index) -> pd.DataFrame:
    """Return the parts of both scores, those that the log score has not as NaN."""
    frame = pd.DataFrame(np.nan, index=index, columns=list(BRIER_PARTS))
    frame.iloc[: len(brier)] = np.array(brier)
    frame.iloc[len(brier) :, : len(PARTS)] = np.array(log)
    return frame

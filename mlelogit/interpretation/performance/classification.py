r"""Observed against predicted categories, and what is said of the two.

Every row is predicted to be in its most probable category, the first of those that tie. Of the
weight W of all people let W_kl be those of category k predicted in category l, R_k and C_l its row
and column sums, and ``h = Σ_k W_kk / W``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import check_alpha, wald_interval
from mlelogit.interpretation.labelling import index_labels, index_product
from mlelogit.interpretation.performance.judged import (
    OWN,
    JudgedRows,
    NewRows,
    judge_rows,
    list_notes,
)
from mlelogit.interpretation.performance.judgement import Judgement
from mlelogit.interpretation.performance.rates import (
    Mean,
    logit_interval,
)
from mlelogit.interpretation.prediction import count_pairs

BY_CATEGORY = ("sensitivity", "specificity", "precision")
COLUMNS = ("estimate", "std_err", "lower", "upper")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Classification(Judgement):
    """How well predicted categories agree with observed ones.

    Made by `mlelogit.interpretation.performance.classification.classify`.

    Attributes
    ----------
    table : pandas.DataFrame
        (J, J): people by observed category, in rows, and predicted category, in columns; weights
        and counts are added up.
    expected : pandas.DataFrame
        (J, J): people by observed category, spread over the categories by their probabilities.
    rates : pandas.DataFrame
        Index measure (hit_rate, baseline_rate, mean_probability, count_adjusted,
        balanced_accuracy, kappa); columns estimate, std_err, lower, upper.
    by_category : pandas.DataFrame
        Index (measure, category), of sensitivity, specificity and precision; columns people
        (whose share it is), estimate, lower, upper.
    baseline : label
        The most frequent category.
    own, alpha, rows, notes
        As in `mlelogit.interpretation.performance.judgement.Judgement`.
    """

    table: pd.DataFrame
    expected: pd.DataFrame
    rates: pd.DataFrame
    by_category: pd.DataFrame
    baseline: Any
    title: ClassVar[str] = "Observed against predicted categories"

    @property
    def hit_rate(self) -> float:
        """Share of people whose category is the one predicted."""
        return float(self.rates["estimate"]["hit_rate"])

    def list_tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return headings, and the tables under them."""
        level = f"{self.level} intervals"
        return [
            ("People, observed in rows and predicted in columns", self.table),
            ("People, spread by their probabilities", self.expected),
            (f"Rates, with {level}; the most frequent is {self.baseline}", self.rates),
            (f"By category, with {level}", self.by_category),
        ]


@dataclass(frozen=True)
class _Pairs:
    """People by observed and predicted category (J, J), with the weights of variances."""

    people: np.ndarray
    squares: np.ndarray


@single_threaded_blas
def classify(
    record: FitRecord,
    rows: NewRows = OWN,
    *,
    alpha: float = 0.05,
) -> Classification:
    r"""Set predicted categories against observed ones.

    With W_kl people of category k predicted in l, of W, the hit rate is ``h = Σ_k W_kk / W``, the
    baseline rate ``b = max_k R_k / W``, the adjusted count R-squared ``(h - b) / (1 - b)`` (Long
    1997, chapter 4), sensitivity ``W_kk / R_k`` and precision ``W_kk / C_k`` (also called recall
    and positive predictive value), specificity the share of the others that are not predicted in
    k, balanced accuracy the mean sensitivity, and Cohen's (1960, Educational and Psychological
    Measurement 20) kappa ``(h - e) / (1 - e)`` with ``e = Σ_k R_k C_k / W²``. A model of rare
    categories can be good and still never predict them: ``expected`` and the mean probability do
    not round a row to its most probable category, and `scores` judges probabilities as such.

    Intervals of shares are Wilson's, those of the mean probability and of balanced accuracy by the
    delta method on log-odds, and those of kappa and the adjusted count by linearization, which
    for kappa is the variance of Fleiss, Cohen and Everitt (1969, Psychological Bulletin 72) times n
    / (n - 1). They are about other people of the population, with the fit as it is. Of an outcome
    of probabilities, which is not drawn, Wilson's are NaN.

    Parameters
    ----------
    record : FitRecord
    rows : NewRows
        With newdata, outcome, offset, weights and weight_type, which results take by these names;
        the fit's own rows if not given.
    alpha : float
        Intervals have level 1 - alpha.

    Returns
    -------
    Classification

    Raises
    ------
    MNLogitError
        Those of `mlelogit.interpretation.performance.judged.judge_rows`.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> found = res.classification()
    >>> found.table.loc["Clinton"].tolist()
    [519.0, 32.0]
    >>> found.rates.loc["hit_rate", ["estimate", "lower", "upper"]].round(3).tolist()
    [0.596, 0.565, 0.627]
    """
    check_alpha(alpha)
    return classify_judged(judge_rows(record, rows), alpha)


@single_threaded_blas
def classify_judged(judged: JudgedRows, alpha: float = 0.05) -> Classification:
    """Set the categories predicted for judged rows, whatever predicts them, against observed ones.

    Parameters
    ----------
    judged : JudgedRows
    alpha : float
        As in `classify`, which has the formulas.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.performance.classification import classify_judged
    >>> from mlelogit.interpretation.performance.judged import judge_rows
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> round(classify_judged(judge_rows(res.record)).hit_rate, 3)
    0.596
    """
    alpha = check_alpha(alpha)
    pairs = _Pairs(
        count_pairs(judged.people, judged.best),
        count_pairs(judged.people * judged.variance_weights, judged.best),
    )
    observed = index_labels(judged.categories, "observed")
    predicted = index_labels(judged.categories, "predicted")
    notes = [*list_notes(judged), *_explain(judged, pairs)]
    return Classification(
        table=pd.DataFrame(pairs.people, index=observed, columns=predicted),
        expected=pd.DataFrame(
            judged.people @ judged.probabilities.T, index=observed, columns=predicted
        ),
        rates=_rate(judged, pairs, alpha),
        by_category=_rate_categories(judged, pairs, alpha),
        baseline=judged.categories[int(judged.totals.argmax())],
        own=judged.own,
        alpha=alpha,
        rows=judged.describe(),
        notes=tuple(notes),
    )


def _explain(judged: JudgedRows, pairs: _Pairs) -> list[str]:
    """Say why measures are NaN, or next to it."""
    notes = []
    never = pairs.people.sum(axis=0) == 0
    for said, which in (
        ("Never predicted, so without a precision", never),
        ("Without people among these rows, so without a sensitivity", judged.totals == 0),
    ):
        if which.any():
            named = [str(judged.categories[k]) for k in np.flatnonzero(which)]
            notes.append(f"{said}: {', '.join(named)}.")
    if (judged.totals == 0).any():
        notes.append("Balanced accuracy needs people of every category.")
    return notes


def _rate(judged: JudgedRows, pairs: _Pairs, alpha: float) -> pd.DataFrame:
    shares = judged.totals / judged.weight
    hit = _measure_hit(judged, pairs)
    top = int(shares.argmax())
    modal = np.arange(len(shares)) == top
    base = judged.average(modal[:, np.newaxis])
    own = judged.average(judged.probabilities)
    lines = {
        "hit_rate": (hit.value, hit.error, *_wilson_hit(judged, pairs, hit.value, alpha)),
        "baseline_rate": (base.value, base.error, *_wilson_top(judged, top, alpha)),
        "mean_probability": (own.value, own.error, *logit_interval(own.value, own.error, alpha)),
    }
    for name, mean in (
        ("count_adjusted", _adjust_count(judged, hit.value, top)),
        ("balanced_accuracy", _balance(judged, pairs)),
        ("kappa", _measure_kappa(judged, pairs, hit.value)),
    ):
        bounded = name == "balanced_accuracy"
        limits = (logit_interval if bounded else wald_interval)(mean.value, mean.error, alpha)
        lines[name] = (mean.value, mean.error, *limits)
    index = pd.Index(list(lines), name="measure")
    return pd.DataFrame(list(lines.values()), index=index, columns=list(COLUMNS))


def _find_hits(judged: JudgedRows) -> np.ndarray:
    """Return one where a category is the row's most probable one, else zero (J, n)."""
    hits = np.zeros_like(judged.people)
    hits[judged.best, np.arange(len(judged.best))] = 1.0
    return hits


def _measure_hit(judged: JudgedRows, pairs: _Pairs) -> Mean:
    found = judged.average(_find_hits(judged))
    return Mean(float(np.trace(pairs.people) / judged.weight), found.variance)


def _wilson_hit(judged: JudgedRows, pairs: _Pairs, hit: float, alpha: float) -> tuple[float, float]:
    return _wilson(judged, hit, np.trace(pairs.squares), pairs.squares.sum(), alpha)


def _wilson_top(judged: JudgedRows, top: int, alpha: float) -> tuple[float, float]:
    squares = (judged.people * judged.variance_weights).sum(axis=1)
    share = judged.totals[top] / judged.weight
    return _wilson(judged, share, squares[top], squares.sum(), alpha)


def _wilson(
    judged: JudgedRows, share: float, inside: float, every: float, alpha: float
) -> tuple[float, float]:
    """Return Wilson's interval for a share of all people, see `JudgedRows.limit_shares`."""
    given = [np.array([number]) for number in (share, judged.weight, inside, every)]
    lower, upper = judged.limit_shares(given[0], given[1], given[2], given[3], alpha)
    return float(lower[0]), float(upper[0])


def _adjust_count(judged: JudgedRows, hit: float, top: int) -> Mean:
    """Linearize ``(h - b) / (1 - b)``, b the share of the category that is most frequent."""
    base = float(judged.totals[top] / judged.weight)
    if base == 1:
        return Mean(np.nan, np.nan)
    moves = (_find_hits(judged) - hit) / (1 - base)
    modal = (np.arange(len(judged.categories)) == top).astype(float)[:, np.newaxis]
    moves -= (modal - base) * (1 - hit) / (1 - base) ** 2
    found = judged.average(moves)
    return Mean((hit - base) / (1 - base), found.variance)


def _balance(judged: JudgedRows, pairs: _Pairs) -> Mean:
    if (judged.totals == 0).any():
        return Mean(np.nan, np.nan)
    each = np.diag(pairs.people) / judged.totals
    scale = judged.weight / judged.totals / len(each)
    moves = (_find_hits(judged) - each[:, np.newaxis]) * scale[:, np.newaxis]
    return Mean(float(each.mean()), judged.average(moves).variance)


def _measure_kappa(judged: JudgedRows, pairs: _Pairs, hit: float) -> Mean:
    rows, columns = pairs.people.sum(axis=1), pairs.people.sum(axis=0)
    rows, columns = rows / judged.weight, columns / judged.weight
    chance = float(rows @ columns)
    if chance == 1:
        return Mean(np.nan, np.nan)
    drift = columns[:, np.newaxis] + rows[judged.best] - 2 * chance
    moves = (_find_hits(judged) - hit) / (1 - chance)
    moves -= drift * (1 - hit) / (1 - chance) ** 2
    found = judged.average(moves)
    return Mean((hit - chance) / (1 - chance), found.variance)


def _rate_categories(judged: JudgedRows, pairs: _Pairs, alpha: float) -> pd.DataFrame:
    own = np.diag(pairs.people), np.diag(pairs.squares)
    rows = pairs.people.sum(axis=1), pairs.squares.sum(axis=1)
    columns = pairs.people.sum(axis=0), pairs.squares.sum(axis=0)
    every = pairs.people.sum(), pairs.squares.sum()
    rest = every[0] - rows[0], every[1] - rows[1]
    beside = rest[0] - columns[0] + own[0], rest[1] - columns[1] + own[1]
    people, frames = [], []
    for inside, whole in ((own, rows), (beside, rest), (own, columns)):
        with np.errstate(invalid="ignore"):
            share = np.where(whole[0] > 0, inside[0] / whole[0], np.nan)
        lower, upper = judged.limit_shares(share, whole[0], inside[1], whole[1], alpha)
        people.append(whole[0])
        frames.append(np.column_stack([share, lower, upper]))
    index = index_product(BY_CATEGORY, judged.categories, ("measure", "category"))
    names = ["estimate", "lower", "upper"]
    table = pd.DataFrame(np.concatenate(frames), index=index, columns=names)
    table.insert(0, "people", np.concatenate(people))
    return table

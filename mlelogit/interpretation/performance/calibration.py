"""Whether what a fit gives a probability of happens as often as it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mlelogit.data.threads import single_threaded_blas
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import check_alpha, wald_interval
from mlelogit.interpretation.labelling import index_keys, index_labels
from mlelogit.interpretation.performance.binning import assign_bins, check_bins
from mlelogit.interpretation.performance.judged import (
    OWN,
    JudgedRows,
    NewRows,
    judge_rows,
    list_notes,
)
from mlelogit.interpretation.performance.judgement import Judgement
from mlelogit.interpretation.performance.rates import Mean
from mlelogit.interpretation.performance.recalibration import explain_departure, recalibrate

BINS = ("people", "from", "to", "predicted", "observed", "lower", "upper")
MEANS = ("observed", "predicted", "difference", "std_err", "lower", "upper")
ERRORS = ("estimate", "std_err", "lower", "upper", "by_chance")
OWN_NOTE = (
    "On the fit's own rows means agree, intercepts are zero and slopes one by the score equations: "
    "that says nothing of other rows."
)
OWN_DEPARTURE = (
    "The score equations that make intercepts zero and slopes one on a fit's own rows do not hold "
    "here: {}."
)
ERROR_NOTE = (
    "by_chance is the calibration error expected if every probability were right: bins have few "
    "people."
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Calibration(Judgement):
    """How probabilities agree with what was observed.

    Made by `mlelogit.interpretation.performance.calibration.calibrate`.

    Attributes
    ----------
    bins : pandas.DataFrame
        Index (category, bin), of rows with a similar probability of the category; columns people,
        from and to (lowest and highest probability), predicted (mean probability), observed
        (share), lower, upper. Bins without people are left out.
    confidence : pandas.DataFrame
        Index bin, of rows by the probability of their most probable category; the same columns,
        observed being the share of people who are in it.
    means : pandas.DataFrame
        Index category; columns observed (share), predicted (mean probability), difference, and its
        std_err, lower, upper.
    recalibration : pandas.DataFrame
        Index (model, coefficient, category), categories but the base, "" for a slope that all
        share; columns estimate, std_err, lower, upper, ideal.
    tests : pandas.DataFrame
        Index null_hypothesis; columns statistic, df, p_value, reason.
    errors : pandas.DataFrame
        Expected calibration error; index measure, of (by category, category), their mean and the
        most probable category; columns estimate, std_err, lower, upper, by_chance.
    base : label
        The base category of the recalibration.
    strategy : str
        "quantile" or "uniform".
    own, alpha, rows, notes
        As in `mlelogit.interpretation.performance.judgement.Judgement`.
    """

    bins: pd.DataFrame
    confidence: pd.DataFrame
    means: pd.DataFrame
    recalibration: pd.DataFrame
    tests: pd.DataFrame
    errors: pd.DataFrame
    base: Any
    strategy: str
    title: ClassVar[str] = "Calibration of the probabilities"

    def list_tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return headings, and the tables under them."""
        level = f"{self.level} intervals"
        return [
            (f"Means of all rows, with {level}", self.means),
            (f"Bins by the probability of each category, with {level}", self.bins),
            ("Bins by that of the most probable category", self.confidence),
            ("Expected calibration error", self.errors),
            (f"Recalibration against {self.base}, with {level}", self.recalibration),
            ("Tests of the recalibration", self.tests.drop(columns="reason")),
        ]


@dataclass(frozen=True)
class _Binned:
    """Rows in bins by a probability, for people who can be in one category or not.

    Attributes
    ----------
    labels : numpy.ndarray
        (B,): numbers of the bins that have people, from one.
    places : numpy.ndarray
        (n,): the bin of every row, as a place among them.
    values : numpy.ndarray
        (B, 7), as `BINS`.
    chance : float
        Calibration error expected of probabilities that are right; NaN of an outcome of
        probabilities.
    """

    labels: np.ndarray
    places: np.ndarray
    values: np.ndarray
    chance: float

    @property
    def error(self) -> float:
        """``Σ_b W_b / W |predicted - observed|``."""
        people = self.values[:, 0]
        return float(people @ np.abs(self.values[:, 3] - self.values[:, 4]) / people.sum())

    @property
    def signs(self) -> np.ndarray:
        """Sign (n,) of predicted less observed in the bin of every row."""
        return np.asarray(np.sign(self.values[:, 3] - self.values[:, 4])[self.places])


@single_threaded_blas
def calibrate(
    record: FitRecord,
    rows: NewRows = OWN,
    *,
    bins: int = 10,
    strategy: str = "quantile",
    alpha: float = 0.05,
) -> Calibration:
    r"""Compare probabilities with what was observed, by category.

    Bins hold rows with similar probabilities of a category; in each stand their mean and the
    observed share, with Wilson's interval (Wilson 1927, JASA 22). The expected calibration error is
    ``Σ_b W_b / W |f_b - o_b|``, f_b being the mean and o_b the share (Naeini, Cooper and Hauskrecht
    2015; Guo, Pleiss, Sun and Weinberger 2017, for the most probable category). It is positive even
    of probabilities that are right: ``by_chance`` is its mean then, ``Σ_b W_b / W sqrt(2 v_b / π)``
    with v_b the variance of f_b - o_b if they are right (cf. Bröcker and Smith 2007, Weather and
    Forecasting 22). Its standard error holds the sign of every gap fixed, so it means something
    where the error is well above ``by_chance``. Of an outcome of probabilities, which is not drawn,
    Wilson's interval and ``by_chance`` are NaN.

    The recalibration, with its intercepts and slopes, is described in
    `mlelogit.interpretation.performance.recalibration`: "slopes of one" gives calibration in the
    large, "own slopes" the calibration slopes of Van Hoorde et al. (2014, Statistics in Medicine
    33), and "one slope" a slope that does not depend on the base.

    Parameters
    ----------
    record : FitRecord
    rows : NewRows
        With newdata, outcome, offset, weights and weight_type, which results take by these names;
        the fit's own rows if not given.
    bins : int
        Most bins of a category, 2 or more; rows that tie share one.
    strategy : {"quantile", "uniform"}
        Bins of as many people each, or of equal width between zero and one.
    alpha : float
        Intervals have level 1 - alpha.

    Returns
    -------
    Calibration

    Raises
    ------
    OptionError
        If bins is not a whole number of 2 or more, or strategy is unknown.
    MNLogitError
        Those of `mlelogit.interpretation.performance.judged.judge_rows`.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes.iloc[::2]).fit()
    >>> found = res.calibration(anes.iloc[1::2], bins=5)
    >>> found.bins.groupby("category")["people"].sum().tolist()
    [472.0, 472.0]
    >>> slope = found.recalibration.loc[("own slopes", "slope", "Dole")]
    >>> bool(slope["lower"] < 1 < slope["upper"])
    True
    """
    check_alpha(alpha)
    check_bins(bins, strategy)
    judged = judge_rows(record, rows)
    departure = explain_departure(record) if judged.own else ""
    return calibrate_judged(judged, bins, strategy, alpha, departure)


@single_threaded_blas
def calibrate_judged(
    judged: JudgedRows,
    bins: int = 10,
    strategy: str = "quantile",
    alpha: float = 0.05,
    departure: str = "",
) -> Calibration:
    """Compare the probabilities of judged rows, whatever gave them, with what was observed.

    Parameters
    ----------
    judged : JudgedRows
    bins, strategy, alpha
        As in `calibrate`, which has the formulas.
    departure : str
        Why recalibration need not be the identity on rows that a model was fitted to; nothing if
        it has to be. Of new rows it says nothing.

    Raises
    ------
    OptionError
        If bins is not a whole number of 2 or more, or strategy is unknown.

    Examples
    --------
    >>> import mlelogit as ml
    >>> from mlelogit.interpretation.performance.calibration import calibrate_judged
    >>> from mlelogit.interpretation.performance.judged import judge_rows
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> found = calibrate_judged(judge_rows(res.record), bins=4)
    >>> bool((found.means["difference"].abs() < 1e-9).all())
    True
    """
    alpha = check_alpha(alpha)
    check_bins(bins, strategy)
    each = [
        _bin_rows(judged, p, own, bins, strategy, alpha)
        for p, own in zip(judged.probabilities, judged.people, strict=True)
    ]
    top = _bin_rows(judged, *_pick_best(judged), bins, strategy, alpha)
    anew = recalibrate(judged, alpha, departure)
    confidence = pd.Index(top.labels, name="bin")
    return Calibration(
        bins=_frame_bins(judged, each),
        confidence=pd.DataFrame(top.values, index=confidence, columns=list(BINS)),
        means=_compare_means(judged, alpha),
        recalibration=anew.table,
        tests=anew.tests,
        errors=_measure_errors(judged, each, top, alpha),
        base=judged.categories[judged.base],
        strategy=strategy,
        own=judged.own,
        alpha=alpha,
        rows=judged.describe(),
        notes=(*list_notes(judged), *_explain(judged, departure), *anew.notes),
    )


def _explain(judged: JudgedRows, departure: str) -> list[str]:
    """Say what the fit's own rows have by construction, and what is by chance."""
    notes = [] if judged.fractional else [ERROR_NOTE]
    if not judged.own:
        return notes
    return [OWN_DEPARTURE.format(departure) if departure else OWN_NOTE, *notes]


def _pick_best(judged: JudgedRows) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability (n,) of every row's most probable category, and its people (n,)."""
    rows = np.arange(len(judged.best))
    return judged.probabilities[judged.best, rows], judged.people[judged.best, rows]


def _bin_rows(
    judged: JudgedRows, p: np.ndarray, own: np.ndarray, bins: int, strategy: str, alpha: float
) -> _Binned:
    """Put rows in bins by p (n,); own (n,) are their people whom it is about."""
    totals = judged.people.sum(axis=0)
    found, places = np.unique(assign_bins(p, totals, bins, strategy), return_inverse=True)

    def add(values: np.ndarray) -> np.ndarray:
        return np.bincount(places, values)

    weights, scaled = add(totals), totals * judged.variance_weights
    predicted, observed = add(totals * p) / weights, np.minimum(add(own) / weights, 1.0)
    inside, every = add(own * judged.variance_weights), add(scaled)
    lower, upper = judged.limit_shares(observed, weights, inside, every, alpha)
    low, high = np.full(len(found), np.inf), np.full(len(found), -np.inf)
    np.minimum.at(low, places, p)
    np.maximum.at(high, places, p)
    apart = np.sqrt(2 / np.pi * add(scaled * p * (1 - p)))
    chance = np.nan if judged.fractional else float(apart.sum() / weights.sum())
    values = np.column_stack([weights, low, high, predicted, observed, lower, upper])
    return _Binned(found + 1, places, values, chance)


def _frame_bins(judged: JudgedRows, each: list[_Binned]) -> pd.DataFrame:
    keys = [
        (category, int(label))
        for category, binned in zip(judged.categories, each, strict=True)
        for label in binned.labels
    ]
    index = index_keys(keys, ["category", "bin"])
    values = np.concatenate([binned.values for binned in each])
    return pd.DataFrame(values, index=index, columns=list(BINS))


def _compare_means(judged: JudgedRows, alpha: float) -> pd.DataFrame:
    lines = []
    totals = judged.people.sum(axis=0)
    for k, p in enumerate(judged.probabilities):
        found = _average_gaps(judged, judged.people[k], 1.0 - p, -p)
        observed = float(judged.totals[k] / judged.weight)
        predicted = float(totals @ p / judged.weight)
        limits = wald_interval(found.value, found.error, alpha)
        lines.append((observed, predicted, found.value, found.error, *limits))
    index = index_labels(judged.categories, "category")
    return pd.DataFrame(lines, index=index, columns=list(MEANS))


def _average_gaps(
    judged: JudgedRows, own: np.ndarray, inside: np.ndarray, outside: np.ndarray
) -> Mean:
    """Average what some people (n,) of every row have, and what the others do (n,)."""
    rest = np.maximum(judged.people.sum(axis=0) - own, 0.0)
    return judged.average(np.stack([inside, outside]), np.stack([own, rest]))


def _measure_errors(
    judged: JudgedRows, each: list[_Binned], top: _Binned, alpha: float
) -> pd.DataFrame:
    lines, size = [], len(each)
    # Of a person the gap is sign times probability, less the sign where the category is theirs.
    together = np.zeros_like(judged.people)
    for k, binned in enumerate(each):
        signs = binned.signs
        gaps = signs * judged.probabilities[k]
        error = _average_gaps(judged, judged.people[k], gaps - signs, gaps).error
        lines.append(_write_error(binned.error, error, binned.chance, alpha))
        together += gaps
        together[k] -= signs
    found, chance = np.mean([(binned.error, binned.chance) for binned in each], axis=0)
    error = judged.average(together / size).error
    lines.append(_write_error(float(found), error, float(chance), alpha))
    highest, own = _pick_best(judged)
    gaps = top.signs * highest
    error = _average_gaps(judged, own, gaps - top.signs, gaps).error
    lines.append(_write_error(top.error, error, top.chance, alpha))
    keys = [("category", category) for category in judged.categories]
    keys += [("mean of categories", ""), ("most probable category", "")]
    index = index_keys(keys, ["measure", "category"])
    return pd.DataFrame(lines, index=index, columns=list(ERRORS))


def _write_error(value: float, error: float, chance: float, alpha: float) -> tuple[float, ...]:
    lower, upper = wald_interval(value, error, alpha)
    return value, error, max(lower, 0.0), upper, chance

"""Goodness of fit: by covariate pattern, and by groups of the fitted probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc, xlogy

from mlelogit.data.arguments import is_whole, write_value
from mlelogit.data.frames import list_some
from mlelogit.data.outcome import find_base
from mlelogit.exceptions import BaseCategoryError, OptionError
from mlelogit.fitting.constrained.restriction import ROUNDING
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.fit_statistics import BIAS_REASON, BOUND_REASON
from mlelogit.inference.ranks import rank_values
from mlelogit.inference.testing.hypothesis import TestResult
from mlelogit.inference.testing.maintained import NOT_CONVERGED
from mlelogit.inference.testing.patterns import PatternTable, find_patterns
from mlelogit.markup import Shown, write_html

FEWEST_GROUPS = 3
# Cochran (1954) asks for at most a fifth of the fitted counts below five, and none below one.
SMALL_COUNT, SMALL_SHARE = 5.0, 0.2
FEWEST_PEOPLE = 1.0
COUNT_REASONS = {
    "sampling": "sampling weights are no counts of people, so no chi-squared statistic is defined",
    "importance": (
        "importance weights do not say how many people a row stands for, so no chi-squared "
        "statistic is defined"
    ),
}
SHARE_REASON = "an outcome of probabilities has no counts of people"
SEPARATED_REASON = (
    "the data are separated: fitted probabilities of zero have no chi-squared distribution"
)
INTERCEPTS_REASON = (
    "its degrees of freedom suppose a free intercept in every equation, which makes the people "
    "observed and expected agree in every category; see the tests by pattern"
)
SATURATED_REASON = "the model is saturated: it has a parameter for every free cell"
PATTERN_NULL = "the model holds: the people of every covariate pattern have its probabilities"


@dataclass(frozen=True, eq=False, repr=False)
class GoodnessOfFit(Shown):
    """Tests of a fit against what was observed.

    Made by `mlelogit.inference.testing.goodness.measure_fit`.

    Attributes
    ----------
    pearson, deviance : TestResult
        By covariate pattern.
    grouped : TestResult
        By groups of the fitted probability (Fagerland, Hosmer and Bofin 2008).
    patterns : int
        Number of covariate patterns.
    people : float
        Number of people in them.
    small : float
        Share of the patterns' fitted counts that are below 5.
    table : pandas.DataFrame
        Observed and expected people of every group, columns (kind, category).
    """

    pearson: TestResult
    deviance: TestResult
    grouped: TestResult
    patterns: int
    people: float
    small: float
    table: pd.DataFrame

    @property
    def tests(self) -> tuple[TestResult, ...]:
        """The three tests."""
        return self.pearson, self.deviance, self.grouped

    @property
    def frame(self) -> pd.DataFrame:
        """The three tests as a table: index test; statistic, df, p_value, reason."""
        columns = ("statistic", "df", "p_value", "reason")
        return pd.DataFrame(
            {column: [getattr(test, column) for test in self.tests] for column in columns},
            index=pd.Index([test.name for test in self.tests], name="test"),
        )

    def __str__(self) -> str:
        return "\n".join(["Goodness of fit", *self._paragraphs])

    @property
    def _paragraphs(self) -> list[str]:
        """What is known of the data, and a paragraph on every test."""
        said = []
        if self.patterns:
            said.append(
                f"{self.people:.10g} people in {self.patterns} covariate patterns; "
                f"{self.small:.0%} of their fitted counts are below {SMALL_COUNT:g}"
                + (", so the first two tests are rough" if self.small > SMALL_SHARE else "")
            )
        for test in self.tests:
            lines = [test.name, f"  Null hypothesis: {test.null}"]
            if not np.isnan(test.statistic):
                p = "none" if test.reason else f"{test.p_value:.4g}"
                lines.append(f"  chi2({test.df}) = {test.statistic:.6g}, p-value: {p}")
            lines += [f"  Does not apply: {test.reason}."] if test.reason else []
            said.append("\n".join(lines))
        return said

    def _repr_html_(self) -> str:
        table = "Observed and expected by group", self.table
        return write_html("Goodness of fit", *self._paragraphs, *table)


def measure_fit(record: FitRecord, groups: int = 10, category: Any = None) -> GoodnessOfFit:
    r"""Test whether a model fits, by covariate pattern and by groups of people.

    A covariate pattern p is all rows with the same columns, and offset if there is one. With
    n_pk people of category k of m_p in it and fitted probabilities y_pk, Pearson's statistic is
    ``Σ (n - m y)² / (m y)`` and the deviance, the likelihood-ratio statistic against the
    saturated model, ``2 Σ n log(n / (m y))``, chi-squared with patterns (J - 1) - P degrees of
    freedom if every pattern has many people (McCullagh and Nelder 1989, sections 4.4 and
    5.4). It is not where they are few, at worst one each, and then the statistic tells nothing
    about fit (ibid., section 4.4.5): with fewer than one person per cell on average, that is
    people below patterns times J, the p-value is NaN with this reason. The share of fitted
    counts below five, of which Cochran (1954, Biometrics 10) allows a fifth, is printed.

    The test of Fagerland, Hosmer and Bofin (2008, Statistics in Medicine 27, 4238-4253) sorts
    people by the probability of not being in one category, cuts them into groups at the
    quantiles, and compares the people of every category observed and expected in each: Σ (O -
    E)² / E, chi-squared with (groups - 2) (J - 1) degrees of freedom. Quantile k is the person
    in place 1 + floor(k (people - 1) / groups), and all who tie with it go to the lower group,
    as with R's quantile and cut in generalhoslem::logitgof; ties can leave fewer groups than
    asked for, and then the degrees of freedom count those left. They cannot be more than those of
    the patterns that the groups are made of, and where they would be the p-value is NaN. With few
    patterns the test is conservative: for factors alone use Pearson's. The category is the base,
    so another base has another test; name one to keep it. A lowest group of ties alone stays a
    group of its own, where logitgof joins it to the next. Its degrees of freedom suppose that
    observed and expected people agree in every category, so without free intercepts its p-value
    is NaN; and so is every p-value where estimates stand at bounds.

    Frequency weights and counts are people. With bias reduction the deviance's p-value is NaN, as
    that of any likelihood-ratio test.

    Parameters
    ----------
    record : FitRecord
    groups : int
        Groups to cut into, 3 or more.
    category : label, optional
        The category whose probability sorts; the base if not given.

    Returns
    -------
    GoodnessOfFit
        With sampling or importance weights, or an outcome of probabilities, its tests are NaN and
        say so.

    Raises
    ------
    OptionError
        If groups is not a whole number of 3 or more, or the category is unknown.
    DataNotKeptError
        If the fit no longer holds its rows.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> res = ml.mnlogit("vote ~ age + educ", anes).fit()
    >>> fit = res.gof_tests(groups=8)
    >>> fit.grouped.df, fit.table.shape
    (6, (8, 4))
    """
    if not is_whole(groups) or groups < FEWEST_GROUPS:
        raise OptionError(
            f"groups must be a whole number of {FEWEST_GROUPS} or more, not {write_value(groups)}."
        )
    base, categories = record.encoding.base, record.encoding.categories
    chosen = base if category is None else _find_category(category, categories)
    null = (
        f"the model holds: groups by the probability of {categories[chosen]} have the people "
        "it expects"
    )
    reason = _find_reason(record)
    if reason:
        pearson, deviance, grouped = (
            _judge(name, said, np.nan, 0, reason)
            for name, said in zip(
                _name_tests(groups), (PATTERN_NULL, PATTERN_NULL, null), strict=True
            )
        )
        empty = _frame_groups(record, np.empty((2, 0, 0)))
        return GoodnessOfFit(pearson, deviance, grouped, 0, np.nan, np.nan, empty)
    found = find_patterns(record)
    pearson, deviance, small = _test_patterns(record, found)
    counts = group_people(found, chosen, int(groups))
    grouped = _test_groups(record, counts, null, int(groups), pearson.df)
    people, table = float(found.observed.sum()), _frame_groups(record, counts)
    patterns = found.keys.shape[1]
    return GoodnessOfFit(pearson, deviance, grouped, patterns, people, small, table)


def _find_category(category: Any, categories: tuple) -> int:
    try:
        return find_base(category, categories)
    except BaseCategoryError as reason:
        raise OptionError(
            f"category={write_value(category)} is not a category of the outcome. Categories: "
            f"{list_some(categories, 50)}."
        ) from reason


def _name_tests(groups: int) -> tuple[str, str, str]:
    return "Pearson", "deviance", f"Fagerland-Hosmer-Bofin ({groups} groups)"


def _find_reason(record: FitRecord) -> str:
    """Say why no statistic is defined at all; nothing if one is."""
    if record.encoding.outcome_kind == "probabilities":
        return SHARE_REASON
    if record.weight_type in COUNT_REASONS:
        return COUNT_REASONS[record.weight_type]
    return "" if record.maximum.converged or record.separation.found else NOT_CONVERGED


def _refuse_tail(record: FitRecord) -> str:
    """Say why no statistic has a chi-squared distribution; nothing if they do."""
    if record.separation.found:
        return SEPARATED_REASON
    return BOUND_REASON if record.at_bounds else ""


def has_free_intercepts(record: FitRecord) -> bool:
    """Tell whether every equation has a constant that no equation in force holds.

    Then the score along it is zero, and people observed and expected agree in every category.
    """
    basis, held = record.basis, record.restriction
    if basis.constant is None or held is None:
        return basis.constant is not None
    count, units = len(record.encoding.others), np.tile(basis.scale, len(record.encoding.others))
    constant = basis.leave_params(basis.constant)
    moves = held.matrix.reshape(len(held), count, -1) @ constant
    length = np.linalg.norm(held.matrix / units, axis=1)[:, np.newaxis]
    return not (np.abs(moves) > ROUNDING * length * np.abs(constant * basis.scale).max()).any()


def _judge(name: str, null: str, statistic: float, df: int, reason: str) -> TestResult:
    p = np.nan if reason else float(chdtrc(df, statistic))
    return TestResult(name, null, float(statistic), df, p, reason)


def _test_patterns(record: FitRecord, found: PatternTable) -> tuple[TestResult, TestResult, float]:
    """Return Pearson's test, the deviance's, and the share of small fitted counts."""
    observed, people = found.observed, found.observed.sum(axis=0)
    expected = people * found.fitted
    categories, patterns = observed.shape
    df = patterns * (categories - 1) - record.size
    reason = _refuse_tail(record)
    if not reason and df <= 0:
        reason = SATURATED_REASON
    if not reason and people.sum() < FEWEST_PEOPLE * observed.size:
        reason = (
            f"{people.sum():.10g} people in {patterns} covariate patterns are fewer than "
            f"{FEWEST_PEOPLE:g} per pattern and category, too few for a chi-squared distribution"
        )
    deviance = 2 * (xlogy(observed, observed) - xlogy(observed, expected)).sum()
    biased = BIAS_REASON if record.maximum.bias_reduction is not None else ""
    return (
        _judge("Pearson", PATTERN_NULL, _square_gaps(observed, expected), df, reason),
        _judge("deviance", PATTERN_NULL, max(deviance, 0.0), df, reason or biased),
        float((expected < SMALL_COUNT).mean()),
    )


def _square_gaps(observed: np.ndarray, expected: np.ndarray) -> float:
    """Return ``Σ (O - E)² / E``; a cell that can hold nobody, and does not, adds nothing."""
    some = (expected > 0) | (observed > 0)
    with np.errstate(divide="ignore", over="ignore"):
        return float(((observed[some] - expected[some]) ** 2 / expected[some]).sum())


def group_people(found: PatternTable, category: int, groups: int) -> np.ndarray:
    """Return observed and expected people (2, G, J) of groups by the probability of a category.

    They are sorted by the sum of the other categories' probabilities; those within rounding
    of each other tie.
    """
    scores = np.delete(found.fitted, category, axis=0).sum(axis=0)
    ranks, _ = rank_values(scores)
    order = np.argsort(scores, kind="stable")
    ranks = ranks[order]
    upto = np.cumsum(np.bincount(ranks, found.observed.sum(axis=0)[order]))
    total = int(upto[-1])
    places = np.array([float(k * (total - 1) // groups) for k in range(1, groups)])
    cuts = np.unique(np.searchsorted(upto, places, side="right"))
    group = np.searchsorted(cuts, ranks, side="left")
    observed = found.observed[:, order]
    expected = observed.sum(axis=0) * found.fitted[:, order]
    table = np.zeros((2, int(group[-1]) + 1, len(observed)))
    for sums, values in zip(table, (observed, expected), strict=True):
        np.add.at(sums, group, values.T)
    return table


def _test_groups(
    record: FitRecord, counts: np.ndarray, null: str, asked: int, most: int
) -> TestResult:
    """Test groups, where the patterns they are made of leave enough degrees of freedom."""
    _, groups, categories = counts.shape
    df = max(groups - 2, 0) * (categories - 1)
    reason = _refuse_tail(record)
    if not reason and not has_free_intercepts(record):
        reason = INTERCEPTS_REASON
    if not reason and groups < FEWEST_GROUPS:
        reason = f"ties leave {groups} of {asked} groups, and the test needs {FEWEST_GROUPS}"
    if not reason and df > most:
        reason = (
            f"its {df} degrees of freedom are more than the {most} of the covariate patterns that "
            "the groups are made of; use Pearson's test, or fewer groups"
        )
    return _judge(_name_tests(groups)[2], null, _square_gaps(counts[0], counts[1]), df, reason)


def _frame_groups(record: FitRecord, counts: np.ndarray) -> pd.DataFrame:
    labels = pd.MultiIndex.from_product(
        [["observed", "expected"], list(record.encoding.categories)], names=["kind", "category"]
    )
    values = np.concatenate(list(counts), axis=1) if counts.size else np.empty((0, len(labels)))
    return pd.DataFrame(
        values, columns=labels, index=pd.RangeIndex(1, len(values) + 1, name="group")
    )

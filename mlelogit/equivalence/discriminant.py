"""Linear discriminant analysis beside the multinomial logit: two estimators of one posterior.

Both estimate ``log P(C_k | x) - log P(C_b | x) = c_k + x'β_k``. Discriminant analysis maximizes
the joint likelihood ``Σ log p(x, C_k)`` of Gaussian classes, the logit the conditional one,
``Σ log P(C_k | x)``, whatever the distribution of x. If the classes are Gaussian with one
covariance both are consistent and the first has the smaller variance (Efron 1975, JASA 70; Bull
and Donner 1987, JASA 82, for more than two categories); if they are not, the logit still is where
its log-odds are linear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, check_flag
from mlelogit.data.assembly import make_design
from mlelogit.data.design import Design, total_observations
from mlelogit.data.rows import DataOptions
from mlelogit.data.sources import ArraySource, lay_out
from mlelogit.data.threads import single_threaded_blas
from mlelogit.equivalence.description import LARGEST
from mlelogit.equivalence.identity import one_hot
from mlelogit.equivalence.moments import GaussianFit, Moments, estimate_moments
from mlelogit.exceptions import OptionError, RankDeficiencyError, ScaleError
from mlelogit.fitting.basis import describe_aliases, list_first
from mlelogit.fitting.estimation import estimate
from mlelogit.fitting.linalg import find_aliases
from mlelogit.fitting.record import FitRecord, FitRequest
from mlelogit.inference.coefficients import index_params
from mlelogit.inference.covariance import estimate_covariance
from mlelogit.markup import Shown, write_html, write_text
from mlelogit.notices import keep_errors

COVARIANCES = ("common", "own")
# What rounding leaves of a column that is constant, as a share of its largest value.
CONSTANT_SHARE = 1e-14
OWN = (
    "Standard errors of the analytic map are derived for a common covariance, and every category "
    "has its own here."
)
SAMPLED = (
    "Standard errors of the analytic map rest on counts of rows or people, and weight_type='{}' "
    "is something else."
)
JOINT, CONDITIONAL = "Gaussian classes", "multinomial logit"


@keep_errors
def fit_gaussian_classes(
    X: Any,
    y: Any,
    *,
    weights: Any = None,
    weight_type: str | None = None,
    outcome: str | None = None,
    missing: str = "raise",
    covariance: str = "common",
    unbiased: bool = False,
) -> GaussianFit:
    """Fit Gaussian class densities by maximum joint likelihood: discriminant analysis.

    ``P_k = n_k / n``, ``μ_k`` the mean of the rows in category k and Σ their squares about the
    own mean over n (Bishop 2006, section 4.2.2; Fisher 1936, Annals of Eugenics 7). The posterior
    is that of linear discriminant analysis; with own covariances of the quadratic one.

    Parameters
    ----------
    X : array-like
        Columns (n, K), without a constant; a DataFrame, numpy array, list or sparse array.
    y : array-like
        The outcome, as in `mlelogit.MNLogit`: labels (n,), counts or probabilities (n, J). A
        Categorical keeps its order, other labels are sorted.
    weights, weight_type, outcome, missing : optional
        As in `mlelogit.MNLogit`.
    covariance : {"common", "own"}
        Whether all categories share one, or each has its own.
    unbiased : bool
        Whether squares are divided by n - J, or n_k - 1 for own covariances, and not by n or n_k.

    Returns
    -------
    GaussianFit

    Raises
    ------
    RankDeficiencyError
        If a column is constant, or a combination of others, within categories, or there are
        too few rows; with own covariances within one category.
    ScaleError
        If a column's size is outside 1e-100 to 1e100.
    OneCategoryError
        If the outcome takes a single value.
    OptionError
        If covariance or unbiased is unknown, or unbiased is asked for with sampling weights.
    MNLogitError
        Another of its named cases, for anything wrong with the input.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> fit = ml.equivalence.fit_gaussian_classes(anes[["age", "educ"]], anes["vote"])
    >>> fit.logit_params().shape, bool(fit.conditional_loglike > fit.loglike)
    ((3, 1), True)
    """
    check_choice("covariance", covariance, COVARIANCES)
    check_flag("unbiased", unbiased)
    options = DataOptions(None, weights, weight_type, None, outcome, missing)
    return _fit_design(make_design(y, X, options), covariance == "own", bool(unbiased))


@single_threaded_blas
def _fit_design(design: Design, own: bool, unbiased: bool) -> GaussianFit:
    x, d = _read_columns(design), _read_outcome(design)
    if unbiased and design.weight_type == "sampling":
        raise OptionError("unbiased needs numbers of rows, and sampling weights are none.")
    _check_enough(x, d, design, own, unbiased)
    moments = estimate_moments(x, d, own, unbiased)
    _check_constant(x, moments, design)
    _check_aliases(x, d, moments, design)
    return _judge_moments(x, d, moments, design, unbiased)


def _judge_moments(
    x: np.ndarray, d: np.ndarray, moments: Moments, design: Design, unbiased: bool
) -> GaussianFit:
    """Return the fit with its log-likelihoods, which its own densities give."""
    own, encoding = moments.roots.ndim == 3, design.encoding
    counted = design.weight_type in (None, "frequency")
    fit = GaussianFit(
        moments.totals / moments.totals.sum(),
        moments.means,
        moments.covariance,
        encoding.categories,
        encoding.names,
        totals=moments.totals,
        roots=moments.roots,
        loglike=np.nan,
        conditional_loglike=np.nan,
        nobs=total_observations(design),
        divisor=("n_k - 1" if unbiased else "n_k") if own else ("n - J" if unbiased else "n"),
        without_errors=OWN if own else "" if counted else SAMPLED.format(design.weight_type),
    )
    return replace(
        fit,
        loglike=_add_up(d, fit.log_joint(x)),
        conditional_loglike=_add_up(d, fit.log_posterior(x)),
    )


def _read_columns(design: Design) -> np.ndarray:
    """Return the columns (n, K) of the rows used; they hold no constant."""
    low, high = design.source.extremes
    largest = np.maximum(np.abs(low), np.abs(high))
    for name, constant, size in zip(design.encoding.names, low == high, largest, strict=True):
        if not (constant or 1 / LARGEST <= size <= LARGEST):
            raise ScaleError(
                f"Column {name!r} has {size:.2g} as its largest absolute value, outside "
                f"{1 / LARGEST:g} to {LARGEST:g}; use other units."
            )
        if constant:
            raise RankDeficiencyError(
                f"Column {name!r} of X is constant. Leave it out: a Gaussian has none, and the "
                "logit gets its own."
            )
    return np.ascontiguousarray(lay_out(design.source.block(0, design.source.shape[0])).T)


def _read_outcome(design: Design) -> np.ndarray:
    """Return outcomes times weights (n, J)."""
    outcome = design.outcome
    coded = outcome.codes is not None
    d = one_hot(outcome.codes, len(outcome.categories)) if coded else np.asarray(outcome.table)
    return np.asarray(d if design.weights is None else d * design.weights[:, None])


def _check_enough(x: np.ndarray, d: np.ndarray, design: Design, own: bool, less: bool) -> None:
    """Raise if rows, or what they count, are too few for the covariance of K columns."""
    rows, width = (d > 0).sum(axis=0), x.shape[1]
    light = (d.sum(axis=0) <= 1).any() if own else d.sum() <= len(rows)
    if less and light:
        raise RankDeficiencyError(
            "unbiased divides squares by the total weight less one per category, and "
            f"{'that of a category' if own else f'the {d.sum():.6g} in all'} is not more. Use "
            "larger weights, or unbiased=False."
        )
    if own:
        few = np.flatnonzero(rows - 1 < width)
        if len(few):
            category = design.encoding.categories[few[0]]
            raise RankDeficiencyError(
                f"Category {category!r} has {rows[few[0]]} rows, and its own covariance of {width} "
                f"columns needs {width + 1}. Use covariance='common', or fewer columns."
            )
    elif rows.sum() - len(rows) < width:
        raise RankDeficiencyError(
            f"{rows.sum()} rows in {len(rows)} categories are too few for the covariance of "
            f"{width} columns, which needs {width + len(rows)}. Use fewer columns."
        )


def _check_constant(x: np.ndarray, moments: Moments, design: Design) -> None:
    """Raise if a column has no variance within categories but for rounding."""
    spreads = np.linalg.norm(moments.roots, axis=-1).reshape(-1, x.shape[1])
    still = np.argwhere(spreads <= CONSTANT_SHARE * np.abs(x).max(axis=0))
    if len(still):
        category, column = still[0]
        raise RankDeficiencyError(
            f"Column {design.encoding.names[column]!r} is constant within "
            f"{_name_place(moments, category, design)}, so it has no Gaussian density there. "
            "Leave it out."
        )


def _check_aliases(x: np.ndarray, d: np.ndarray, moments: Moments, design: Design) -> None:
    """Raise if a column is a combination of others within categories, as the logit judges it."""
    own = moments.roots.ndim == 3
    squares = d.T @ x**2 if own else (d.sum(axis=1) @ x**2)[np.newaxis]
    norms = np.sqrt(squares / np.reshape(moments.divisors, (-1, 1)))
    roots = moments.roots.reshape(-1, *moments.roots.shape[-2:])
    for place, (root, norm) in enumerate(zip(roots, norms, strict=True)):
        aliases = find_aliases(root.T, norm, design.source.rounding)
        if aliases:
            said = list_first(describe_aliases(aliases, design.encoding.names))
            raise RankDeficiencyError(
                f"Columns are combinations of others within {_name_place(moments, place, design)}, "
                f"but for a constant: {said}. Leave them out."
            )


def _name_place(moments: Moments, category: int, design: Design) -> str:
    if moments.roots.ndim == 2:
        return "every category"
    return f"category {design.encoding.categories[category]!r}"


def _add_up(d: np.ndarray, logs: pd.DataFrame) -> float:
    return float(np.sum(d * np.where(d > 0, logs, 0.0)))


@dataclass(frozen=True, repr=False)
class EstimatorComparison(Shown):
    """Two estimators of the same logit coefficients side by side.

    Made by `mlelogit.equivalence.compare_estimators`.

    Attributes
    ----------
    params : pandas.DataFrame
        Index (category, name); columns joint, joint_se (Gaussian classes), conditional,
        conditional_se (multinomial logit), difference (joint less conditional).
    loglikes : pandas.DataFrame
        Index the two estimators; columns joint, conditional, marginal, with joint =
        conditional + marginal. A logit says nothing about x and has a conditional one only.
    base : label
    categories : tuple
    nobs : float
    classes : GaussianFit
    separated : bool
        Whether the data are separated, so that logit estimates are infinite.
    without_errors : str
        Why there is no joint_se; empty if there is.
    """

    params: pd.DataFrame
    loglikes: pd.DataFrame
    base: Any
    categories: tuple
    nobs: float
    classes: GaussianFit
    separated: bool
    without_errors: str

    @property
    def gain(self) -> float:
        """By how much the logit's conditional log-likelihood is higher: at its maximum >= 0."""
        best, other = self.loglikes.loc[[CONDITIONAL, JOINT], "conditional"]
        return float(best - other)

    @property
    def largest_difference(self) -> float:
        """Largest difference of a coefficient in standard errors of the logit; NaN without any."""
        return float(self._relative.max())

    @property
    def _relative(self) -> pd.Series:
        return self.params["difference"].abs() / self.params["conditional_se"]

    @property
    def _notes(self) -> list[str]:
        """What is said below the tables."""
        said = [
            f"Base category: {self.base}. Observations: {self.nobs:.10g}.",
            f"The logit's conditional log-likelihood is higher by {self.gain:.6g}.",
        ]
        if np.isfinite(self.largest_difference):
            category, name = self.params.index[int(np.nanargmax(self._relative))]
            said.append(
                f"Largest difference: {self.largest_difference:.3g} standard errors of the logit, "
                f"{name} of {category}."
            )
        if self.separated:
            said.append(
                "The data are separated: some coefficients of the logit are infinite, and its "
                "log-likelihood is a supremum."
            )
        return [*said, self.without_errors] if self.without_errors else said

    def _describe(self) -> tuple[Any, ...]:
        head = "Coefficients: joint (Gaussian classes) and conditional (multinomial logit)"
        logs = self.loglikes.map("{:.4f}".format, na_action="ignore")
        parts = (head, self.params, "Log-likelihoods", logs, "\n".join(self._notes))
        return "Joint and conditional maximum likelihood of one posterior", *parts

    def __str__(self) -> str:
        return write_text(*self._describe())

    def _repr_html_(self) -> str:
        return write_html(*self._describe())


@keep_errors
def compare_estimators(
    X: Any,
    y: Any,
    *,
    base: Any = None,
    weights: Any = None,
    weight_type: str | None = None,
    outcome: str | None = None,
    missing: str = "raise",
    covariance: str = "common",
) -> EstimatorComparison:
    """Set discriminant analysis and the multinomial logit side by side: one posterior, twice.

    The logit is fitted to a constant and the columns, with own covariances to their squares
    and products too. Since it maximizes the conditional log-likelihood over all coefficients,
    it is never lower there than the analytic map of the Gaussian classes, which in turn have
    the highest joint log-likelihood of all Gaussian classes.

    Parameters
    ----------
    X, y : array-like
        As in `fit_gaussian_classes`.
    base : label, optional
        Base category; the first if not given.
    weights, weight_type, outcome, missing, covariance : optional
        As in `fit_gaussian_classes`.

    Returns
    -------
    EstimatorComparison

    Raises
    ------
    MNLogitError
        As `fit_gaussian_classes`, and `BaseCategoryError` if the base is no category.

    Warns
    -----
    SeparationWarning, NotConvergedWarning, NoFiniteMaximumWarning
        As `mlelogit.MNLogit.fit`.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> both = ml.equivalence.compare_estimators(anes[["age", "educ"]], anes["vote"])
    >>> both.gain > 0, both.params.shape
    (True, (3, 5))
    """
    check_choice("covariance", covariance, COVARIANCES)
    options = DataOptions(base, weights, weight_type, None, outcome, missing)
    design = make_design(y, X, options)
    classes = _fit_design(design, covariance == "own", False)
    record = _fit_logit(design, classes)
    return _compare(record, classes)


def _fit_logit(design: Design, classes: GaussianFit) -> FitRecord:
    """Fit the logit on the columns of the analytic map."""
    x = _read_columns(design)
    if not classes.common:
        _check_squares(x, classes.names)
    columns = classes.logit_columns(x).to_numpy()
    encoding = replace(design.encoding, names=classes.terms, truths=frozenset())
    return estimate(replace(design, source=ArraySource(columns), encoding=encoding), FitRequest())


def _check_squares(x: np.ndarray, names: tuple) -> None:
    """Raise if a column takes two values, so that its square is a combination of it and one."""
    for name, column in zip(names, x.T, strict=True):
        middle = column[(column != column.min()) & (column != column.max())]
        if not middle.size:
            raise RankDeficiencyError(
                f"Column {name!r} takes two values, so its square repeats it, and the logit of "
                "own covariances cannot tell them apart. Use covariance='common', or leave it out."
            )


def _compare(record: FitRecord, classes: GaussianFit) -> EstimatorComparison:
    base = record.encoding.base
    category = record.encoding.base_category
    joint = classes.logit_params(category).to_numpy().T.ravel()
    bare = bool(classes.without_errors)
    errors = np.nan if bare else classes.logit_bse(category).to_numpy().T.ravel()
    found = estimate_covariance(record)
    table = pd.DataFrame(
        {
            "joint": joint,
            "joint_se": errors,
            "conditional": record.estimates,
            "conditional_se": np.nan if found.omitted else found.bse,
            "difference": joint - record.estimates,
        },
        index=index_params(record.encoding),
    )
    loglikes = pd.DataFrame(
        {
            "joint": [classes.loglike, np.nan],
            "conditional": [classes.conditional_loglike, record.sums.loglike],
            "marginal": [classes.marginal_loglike, np.nan],
        },
        index=[JOINT, CONDITIONAL],
    )
    return EstimatorComparison(
        params=table,
        loglikes=loglikes,
        base=record.encoding.categories[base],
        categories=record.encoding.categories,
        nobs=record.nobs,
        classes=classes,
        separated=record.separation.found,
        without_errors=classes.without_errors,
    )

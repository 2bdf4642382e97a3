"""Probabilities and log-odds with standard errors and intervals, of rows or averaged over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from scipy.special import expit

from mlelogit.data.arguments import check_choice
from mlelogit.data.outcome import find_base
from mlelogit.data.outward import choose_kind, give_out
from mlelogit.data.threads import single_threaded_blas
from mlelogit.exceptions import BiasReductionError, OptionError
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import find_quantile, two_sided_p
from mlelogit.inference.covariance import Covariance
from mlelogit.inference.rebase import MEDIAN_REASON
from mlelogit.interpretation.labelling import frame_rows, index_categories
from mlelogit.interpretation.prediction import label_best
from mlelogit.interpretation.predictions.bands import make_family
from mlelogit.interpretation.predictions.estimates import (
    Estimates,
    estimate_probabilities,
    evaluate,
    find_leads,
    find_multipliers,
    find_scores,
)
from mlelogit.interpretation.predictions.simultaneous import check_family
from mlelogit.interpretation.variances import bound_log_odds
from mlelogit.markup import Shown, write_html
from mlelogit.notices import keep_errors

SCALES = ("prob", "linear")
SHOWN_ROWS = 12


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Shown):
    """Probabilities of rows, or their averages, and how far they are known.

    Made by `predict_with_errors`, that is ``results.get_prediction()``.

    Attributes
    ----------
    estimates : mlelogit.interpretation.predictions.estimates.Estimates
        The rows, their log-odds and standard errors.
    frame_kind : {"pandas", "polars", "pyarrow"}
        The kind of frame of `summary_frame`; everything else is pandas.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> people = res.get_prediction({"age": [30, 60], "educ": [3, 6]})
    >>> people.summary_frame().round(3).loc[(1, "Dole")].to_dict()
    {'probability': 0.487, 'std_err': 0.027, 'lower': 0.434, 'upper': 0.539}
    >>> people.category.to_list()
    ['Clinton', 'Clinton']
    """

    estimates: Estimates
    frame_kind: str = "pandas"

    @property
    def index(self) -> pd.Index:
        """Index of the rows, or the groups averaged over."""
        return self.estimates.index

    @property
    def probabilities(self) -> pd.DataFrame:
        """Probabilities, rows or groups x categories."""
        return frame_rows(self.estimates.probabilities, self.index, self.estimates.record)

    @property
    def std_err(self) -> pd.DataFrame:
        """Standard errors of the probabilities by the delta method, laid out likewise."""
        return frame_rows(self.estimates.probability_errors, self.index, self.estimates.record)

    @property
    def category(self) -> pd.Series:
        """The most probable category of every row or group, the first of those that tie."""
        return pick_categories(self.estimates)

    @overload
    def summary_frame(
        self,
        alpha: float = 0.05,
        which: str = "prob",
        *,
        against: Any = None,
        simultaneous: str | None = None,
        family: str = "row",
        seed: Any = 0,
        frame: Literal["pandas"],
    ) -> pd.DataFrame: ...

    @overload
    def summary_frame(
        self,
        alpha: float = 0.05,
        which: str = "prob",
        *,
        against: Any = None,
        simultaneous: str | None = None,
        family: str = "row",
        seed: Any = 0,
        frame: str | None = None,
    ) -> Any: ...

    def summary_frame(
        self,
        alpha: float = 0.05,
        which: str = "prob",
        *,
        against: Any = None,
        simultaneous: str | None = None,
        family: str = "row",
        seed: Any = 0,
        frame: str | None = None,
    ) -> Any:
        """Return estimates, standard errors and intervals.

        They come in the kind of frame of newdata, else of the fit's data, or in the one asked
        for (frame); in those that have no index row and category are columns. See
        `mlelogit.interpretation.predictions.probabilities.tabulate_prediction` and
        `mlelogit.data.outward.give_out`.
        """
        kind = choose_kind(frame, None, self.frame_kind)
        options = {"simultaneous": simultaneous, "family": family, "seed": seed}
        table = tabulate_prediction(self.estimates, alpha, which, against=against, **options)
        return give_out(table, kind)

    def conf_int(self, alpha: float = 0.05, which: str = "prob", **asked: Any) -> pd.DataFrame:
        """Return the columns lower and upper of `summary_frame`, asked in the same words.

        See `mlelogit.interpretation.predictions.probabilities.tabulate_prediction`.
        """
        return self.summary_frame(alpha, which, **asked, frame="pandas")[["lower", "upper"]]

    def leads(self, alpha: float = 0.05) -> pd.DataFrame:
        """Return by how much each row's category leads.

        See `mlelogit.interpretation.predictions.probabilities.tabulate_leads`.
        """
        return tabulate_leads(self.estimates, alpha)

    def __str__(self) -> str:
        title, table, notes = describe_prediction(self.estimates)
        return "\n".join([title, table.to_string(float_format="{:.4g}".format), notes])

    def _repr_html_(self) -> str:
        return write_html(*describe_prediction(self.estimates))


@keep_errors
@single_threaded_blas
def predict_with_errors(
    record: FitRecord,
    covariance: Covariance,
    newdata: Any = None,
    *,
    offset: Any = None,
    weights: Any = None,
    average: bool = False,
    by: Any = None,
    missing: str = "raise",
) -> Prediction:
    r"""Predict the probabilities of rows, or their averages, with their uncertainty.

    The log-odds of category k against all others have the variance ``h_k' Q h_k`` of
    `mlelogit.interpretation.predictions.uncertainty`, and the probability, by the delta method, the
    standard error ``y_k (1 - y_k)`` times theirs. An average ``Σ w_n y_nk / Σ w_n`` has the
    gradients of `mlelogit.interpretation.averages`, and its log-odds those divided by ``ȳ_k (1 -
    ȳ_k)``. It is the average at the rows as they are: what other rows might have been drawn is not
    part of its error.

    Derivation: ``docs/explanation/derivations.md``, "Probabilities with standard errors".

    In the limit of separated data errors are those of the limiting model. What is 0 or 1 there,
    or rests on a coefficient that is infinite, has none.

    Parameters
    ----------
    record : FitRecord
    covariance : Covariance
        Any; with a finite df intervals are those of t.
    newdata, offset : optional
        As in `mlelogit.interpretation.prediction.predict`.
    weights : label of a column of newdata, or array-like, optional
        How many observations every new row stands for in averages. The fit's own rows have their
        weights and people.
    average : bool
        Whether to average over the rows.
    by : label of a column, a list of them, or array-like, optional
        Groups to average by, as `mlelogit.data.labels.read_several_labels` reads them.
    missing : {"raise", "propagate"}
        As in `mlelogit.interpretation.prediction.predict`; an average takes no missing values.

    Returns
    -------
    Prediction

    Raises
    ------
    CovarianceError
        If the covariance was left out for its size.
    OptionError
        If weights are given and no average is asked for, or an average of missing values.
    EmptyDataError, WeightError
        If there is no row to average, or a group has no weight.
    ColumnNotFoundError, MissingDataError, InfiniteValueError, UnseenLevelError, OffsetError
        Each names the column, and the rows or levels.

    Warns
    -----
    SeparationWarning
        If standard errors are NaN because the data are separated.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.get_prediction(average=True).summary_frame().round(3).loc[("average", "Dole")].to_dict()
    {'probability': 0.416, 'std_err': 0.016, 'lower': 0.385, 'upper': 0.448}
    """
    given = newdata, offset, weights, average, by, missing
    estimates = estimate_probabilities(record, covariance, *given)
    return Prediction(estimates, choose_kind(None, newdata, record.encoding.frame_kind))


def pick_categories(estimates: Estimates) -> pd.Series:
    """Return the most probable category of every row or group, as `predict` does."""
    _, probabilities = log_softmax(find_scores(estimates))
    return label_best(probabilities, estimates.index, estimates.record)


@keep_errors
@single_threaded_blas
def tabulate_prediction(
    estimates: Estimates,
    alpha: float = 0.05,
    which: str = "prob",
    *,
    against: Any = None,
    simultaneous: str | None = None,
    family: str = "row",
    seed: Any = 0,
) -> pd.DataFrame:
    r"""Return estimates, standard errors and intervals, labelled by row and category.

    The interval of a probability is that of its log-odds against all others, ``logit(y) ± q se``,
    mapped back: it lies between 0 and 1 by construction, does not depend on the base, and for two
    categories is the one of the linear predictor. The standard error is that of the probability
    itself. q is the quantile of the normal distribution, or of t with ``covariance.df``. What
    constraints fix has the standard error zero, and no interval.

    Parameters
    ----------
    estimates : Estimates
    alpha : float
        The intervals cover with probability ``1 - alpha``.
    which : {"prob", "linear"}
        Probabilities, or log-odds against one category, of which that has no row.
    against : label, optional
        The category that log-odds are against; the base if not given.
    simultaneous : {"bonferroni", "sidak", "sup-t", "scheffe"}, optional
        How to widen the intervals so that a family of them holds together with probability ``1 -
        alpha``; see `mlelogit.interpretation.predictions.simultaneous`. Each for itself if not
        given.
    family : {"row", "all"}
        The categories of one row or group, or the whole table. By "scheffe" all rows there could
        be, in the table or not.
    seed : int
        Of the directions that "sup-t" takes the mean over.

    Returns
    -------
    pandas.DataFrame
        Index (row, category), or (groups..., category); columns probability (or log_odds),
        std_err, lower, upper. ``attrs["intervals"]`` tells alpha, the method, the
        family and the seed.

    Raises
    ------
    OptionError
        If a choice is unknown.
    BaseCategoryError
        If against is no category.
    BiasReductionError
        If log-odds are asked for against another category than the base, and the bias of the
        median was reduced.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> new = res.get_prediction({"age": [40.0], "educ": [7.0]})
    >>> new.summary_frame().columns.to_list()
    ['probability', 'std_err', 'lower', 'upper']
    """
    check_choice("which", which, SCALES)
    check_family(simultaneous, family)
    place = _read_against(estimates.record, which, against)
    pointwise = find_quantile(alpha, estimates.covariance.df)
    log_odds, errors = evaluate(estimates, place)
    half: Any = pointwise
    said: dict[str, Any] = {"alpha": float(alpha), "method": "pointwise"}
    if simultaneous is not None:
        asked = make_family(place, simultaneous, family, alpha, seed)
        said |= {"method": simultaneous, "family": family, "seed": asked.seed}
        half = find_multipliers(estimates, errors, asked)
    low, high = bound_log_odds(log_odds, errors, half)
    numbers = {"log_odds": log_odds, "std_err": errors, "lower": low, "upper": high}
    if which == "prob":
        numbers = {
            "probability": expit(log_odds),
            "std_err": estimates.probability_errors,
            "lower": expit(low),
            "upper": expit(high),
        }
    frame = _frame_numbers(estimates, numbers, place)
    frame.attrs["intervals"] = said
    return frame


def _read_against(record: FitRecord, which: str, against: Any) -> int | None:
    """Return the place of the category that log-odds are against; None for probabilities."""
    encoding = record.encoding
    if which == "prob":
        if against is not None:
            raise OptionError("against= goes with which='linear'; probabilities are against all.")
        return None
    if against is None:
        return encoding.base
    place = find_base(against, encoding.categories, "against")
    if place != encoding.base and record.maximum.bias_reduction == "median":
        raise BiasReductionError(
            f"{MEDIAN_REASON}. Fit the model with base={against!r}, or use bias_reduction='mean'."
        )
    return place


def _frame_numbers(
    estimates: Estimates, numbers: dict[str, np.ndarray], against: int | None
) -> pd.DataFrame:
    """Lay numbers (J, m) out by row and category, without the category that they are against."""
    encoding = estimates.record.encoding
    places = [k for k in range(len(encoding.categories)) if k != against]
    index = label_rows(estimates.index, [encoding.categories[k] for k in places])
    columns = {name: values[places].T.ravel() for name, values in numbers.items()}
    return pd.DataFrame(columns, index=index)


def label_rows(index: pd.Index, categories: list) -> pd.MultiIndex:
    """Return labels (row, category), every row with all categories; one level per row's level."""
    size = len(categories)
    levels = [index.get_level_values(i).repeat(size) for i in range(index.nlevels)]
    names = [name if name is not None else "row" for name in index.names]
    if index.nlevels > 1:
        names = [name if name is not None else f"row_{i}" for i, name in enumerate(index.names)]
    tiled = np.tile(np.arange(size), len(index))
    every = pd.Index(categories, tupleize_cols=False).take(tiled)
    return pd.MultiIndex.from_arrays([*levels, every], names=[*names, "category"])


def tabulate_leads(estimates: Estimates, alpha: float = 0.05) -> pd.DataFrame:
    """Return the most probable category of every row, and whether its lead is more than chance.

    The rival is the category against which the lead, a difference of log-odds, is the fewest
    standard errors. If it is significant there, so it is against all others
    (intersection-union: Berger 1982, Technometrics 24), at the level of that one test. That the
    same data chose the leader is allowed for by the test having two sides (exact for two
    categories; Gutmann and Maymin 1987, Annals of Statistics 15, for independent ones of equal
    variance).

    Parameters
    ----------
    estimates : Estimates
        Of rows, not averages.
    alpha : float
        The intervals of the leader's probability, each for itself, cover with ``1 - alpha``.

    Returns
    -------
    pandas.DataFrame
        Index row; columns category, probability, lower, upper, rival, lead (log-odds of the
        category against the rival), std_err, z, p_value.

    Raises
    ------
    OptionError
        If the prediction is of averages.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.get_prediction({"age": [40.0], "educ": [7.0]}).leads()["category"].to_list()
    ['Clinton']
    """
    if estimates.cells is not None:
        raise OptionError("leads() compares the categories of a row; this prediction averages.")
    quantile = find_quantile(alpha, estimates.covariance.df)
    best, rival, lead, errors = find_leads(estimates)
    categories = index_categories(estimates.record)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = lead / errors
    place = np.nan_to_num(best).astype(np.int64)
    rows = np.arange(len(place))
    log_odds = np.where(np.isnan(best), np.nan, estimates.log_odds[place, rows])
    low, high = bound_log_odds(log_odds, estimates.errors[place, rows], quantile)
    return pd.DataFrame(
        {
            "category": _name_places(best, categories),
            "probability": expit(log_odds),
            "lower": expit(low),
            "upper": expit(high),
            "rival": _name_places(rival, categories),
            "lead": lead,
            "std_err": errors,
            "z": z,
            "p_value": two_sided_p(z, estimates.covariance.df),
        },
        index=estimates.index,
    )


def _name_places(places: np.ndarray, categories: pd.Index) -> pd.Categorical:
    codes = np.where(np.isnan(places), -1, np.nan_to_num(places)).astype(np.int64)
    return pd.Categorical.from_codes(codes, categories=categories)


def describe_prediction(estimates: Estimates) -> tuple[str, pd.DataFrame, str]:
    """Return a title, the first rows of a prediction as a table, and what stands below it."""
    few = replace(
        estimates,
        index=estimates.index[:SHOWN_ROWS],
        log_odds=estimates.log_odds[:, :SHOWN_ROWS],
        errors=estimates.errors[:, :SHOWN_ROWS],
    )
    more = len(estimates.index) - SHOWN_ROWS
    what = "Average probabilities" if estimates.cells is not None else "Predicted probabilities"
    covariance = estimates.covariance
    law = f"t with {covariance.df:.6g} df" if np.isfinite(covariance.df) else "normal"
    title = f"{what}: {len(estimates.index)} x {len(estimates.log_odds)} categories"
    notes = (
        f"95% intervals of the log-odds against all others, mapped back ({law}); covariance "
        f"{covariance.kind}."
    )
    if more > 0:
        notes = f"... and {more} more; see summary_frame().\n{notes}"
    return title, tabulate_prediction(few), notes

r"""The bootstrap: what the estimates would have been in other samples of the same kind.

- pairs: as many people (rows, with sampling weights) as there are, drawn with replacement
  (Efron 1979, Annals of Statistics 7, 1-26);
- cluster: the same of whole clusters (Davison and Hinkley 1997, section 3.8; Cameron and Miller
  2015, Journal of Human Resources 50, 317-372);
- fractional: everybody stays, with a standard exponential weight; over their sum these are the
  Dirichlet weights of the Bayesian bootstrap, and estimates are the same (Rubin 1981, Annals of
  Statistics 9, 130-134; Xu, Gotwalt, Hong, King and Meeker 2020, American Statistician 74,
  345-358). No category is ever lost;
- score: no refit, ``b* = b + V Σ_g w_g s_g`` with the scores s_g of people or clusters and
  random w_g with mean zero and variance one (Kline and Santos 2012, Journal of Econometric Methods
  1, 23-41). Its variance over the w is ``V (Σ s_g s_g') V``: HC0, or the cluster sandwich.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_choice, check_flag, settle_seed, write_value
from mlelogit.data.encoding import Encoding
from mlelogit.data.labels import read_labels
from mlelogit.data.limits import check_memory
from mlelogit.exceptions import (
    BootstrapError,
    BootstrapWarning,
    OptionError,
)
from mlelogit.fitting.constrained.constraints import find_fixed
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import (
    check_alpha,
    frame_covariance,
    frame_params,
    index_all,
    index_params,
    spread_columns,
)
from mlelogit.inference.covariance import Covariance, hold_fixed
from mlelogit.inference.resampling.bootstrap_intervals import (
    METHODS,
    basic_interval,
    bca_interval,
    normal_interval,
    percentile_interval,
)
from mlelogit.inference.resampling.draws import check_options, replicate
from mlelogit.inference.resampling.jackknife import find_acceleration
from mlelogit.inference.resampling.units import Units, make_units
from mlelogit.inference.sandwich.clusters import warn_of_few
from mlelogit.markup import Shown, write_html
from mlelogit.notices import warn_user

# Below one a quantile lies between the smallest replicate and whatever is beyond; rounding aside.
ENDMOST = 1 - 1e-9
TOO_SMALL = "Standard errors and intervals from their bootstrap"
INSTEAD = "bootstrap_test, which imposes the null, keeps its level better"


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap(ReadOnly, Shown):
    """Estimates in B resamples, and what follows from them.

    Attributes
    ----------
    kind : {"pairs", "cluster", "fractional", "score"}
    replicates : numpy.ndarray
        (B, P), in the columns of the design; NaN where a resample has no maximum. All that
        follows is of the others.
    units : Units
        What was drawn.
    seed : int
        Makes the same draws again.
    drawn : str
        The units in words.
    weights : str
        How scores were perturbed; empty for the other kinds.
    failures : dict
        Reason -> number of resamples without a maximum.
    threads : int or None

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> boot = res.bootstrap(200, seed=1)
    >>> boot.params.shape, boot.failed
    ((200, 3), 0)
    >>> bool((abs(boot.bse / res.bse - 1) < 0.3).all(axis=None))
    True
    >>> list(boot.conf_int(method="bca").columns)
    ['lower', 'upper']
    """

    kind: str
    replicates: np.ndarray
    units: Units
    seed: int
    drawn: str
    weights: str
    failures: dict[str, int]
    threads: int | None

    @property
    def params(self) -> pd.DataFrame:
        """Estimates, replicate x (category, name); NaN where a resample has no maximum."""
        columns = index_params(self.encoding)
        return pd.DataFrame(self.replicates, columns=columns, copy=True).rename_axis("replicate")

    @property
    def failed(self) -> int:
        """Number of resamples without a maximum."""
        return sum(self.failures.values())

    @property
    def bse(self) -> pd.DataFrame:
        """Standard deviations of the replicates, laid out as the fit's params."""
        return frame_params(self.covariance.bse, self.encoding)

    @property
    def bias(self) -> pd.DataFrame:
        """Means of the replicates less the estimates, laid out as the fit's params."""
        gap = self.complete.mean(axis=0) - self.units.record.maximum.params
        return frame_params(gap, self.encoding)

    @property
    def covariance(self) -> Covariance:
        """The covariance of the replicates."""
        spread = np.atleast_2d(np.cov(self.complete, rowvar=False))
        matrix = hold_fixed(spread, self.units.record)
        return Covariance("bootstrap", matrix, f"{len(self.complete)} replicates; {self.how}")

    @property
    def how(self) -> str:
        """What was drawn and how, in words."""
        weights = f" ({self.weights})" if self.weights else ""
        return f"{self.kind}{weights}, {self.drawn}, seed {self.seed}"

    def cov_params(self) -> pd.DataFrame:
        """Return the covariance of the replicates, labelled (category, name)."""
        return frame_covariance(self.covariance, self.encoding)

    def conf_int(
        self,
        alpha: float = 0.05,
        method: str = "percentile",
        *,
        exponentiate: bool = False,
        statistic: Callable[[pd.DataFrame], Any] | None = None,
    ) -> pd.DataFrame:
        """Return intervals.

        See `mlelogit.inference.resampling.bootstrap.find_intervals`.
        """
        return find_intervals(self, alpha, method, exponentiate, statistic)

    def summary(self, alpha: float = 0.05, method: str = "percentile") -> str:
        """Return a table: what was drawn, and estimates, biases, standard errors, intervals.

        Parameters
        ----------
        alpha : float
            The intervals are meant to cover with probability ``1 - alpha``.
        method : str
            As of `conf_int`.

        Returns
        -------
        str
        """
        return summarize_bootstrap(self, alpha, method)

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head, table = tabulate_bootstrap(self, 0.05, "percentile")
        return write_html("Bootstrap", "\n".join(f"{k} {v}" for k, v in head.items()), table)

    @property
    def encoding(self) -> Encoding:
        """What was learned from the fit's data."""
        return self.units.record.encoding

    @cached_property
    def complete(self) -> np.ndarray:
        """The replicates that have estimates (m, P)."""
        return self.replicates[np.isfinite(self.replicates).all(axis=1)]


def run_bootstrap(
    record: FitRecord,
    times: int = 1000,
    kind: str = "pairs",
    *,
    groups: Any = None,
    strata: Any = None,
    weights: str | None = None,
    seed: Any = None,
    n_jobs: int | None = None,
    disp: bool | None = None,
) -> Bootstrap:
    """Estimate the parameters of a fit in many resamples of its rows.

    Parameters
    ----------
    record : FitRecord
    times : int
        Number of resamples B, two or more.
    kind : {"pairs", "cluster", "fractional", "score"}
        What is drawn; see the top of `mlelogit.inference.resampling.bootstrap`. With counts and
        frequency weights people are drawn, as if every one had a row; with sampling
        weights rows, which keep their weights.
    groups : label of a column, or array-like, optional
        The cluster of every row, for kind "cluster", and if wanted for "fractional" and
        "score"; see `mlelogit.data.labels.read_labels`.
    strata : label of a column, or array-like, optional
        Within each stratum, as many units are drawn as it has ("pairs", "cluster").
    weights : {"rademacher", "webb", "mammen"}, optional
        How kind "score" perturbs: signs (the default), six points (Webb 2023, Canadian Journal
        of Economics 56, 839-858) for few clusters, or two points that keep the third moment
        (Mammen 1993, Annals of Statistics 21, 255-285).
    seed : int or numpy.random.Generator, optional
        A generator gives one number, from which all draws follow; without a seed the system
        gives one. The result keeps it as ``seed``. The draws do not depend on ``n_jobs``.
    n_jobs : int, optional
        Threads; all processors if not given.
    disp : bool, optional
        Whether to show a bar; if not given, on a terminal.

    Returns
    -------
    Bootstrap

    Raises
    ------
    OptionError
        If a choice is unknown, or does not go with the kind.
    BiasReductionError
        If the fit's bias was reduced.
    BootstrapError
        If there is nothing to resample, or fewer than two resamples have a maximum.
    SizeLimitError
        If the replicates do not fit in memory, or are more than are of any use.

    Warns
    -----
    BootstrapWarning
        If some resamples have no maximum: the message counts them and says why.
    FewClustersWarning
        If there are fewer than 40 clusters.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> boot = res.bootstrap(20, seed=0)
    >>> boot.replicates.shape
    (20, 3)
    """
    threads = check_options(times, kind, groups, strata, weights, n_jobs, disp)
    size = len(record.maximum.params)
    check_memory(16.0 * times * size, f"{times:,} replicates of {size:,} parameters", "Draw fewer")
    if record.constraints is not None and record.constraints.bounds.any() and kind != "score":
        raise BootstrapError(
            "This fit has bounds, and where one is active refits of resampled rows do not tell how "
            "its estimates vary (Andrews 2000, Econometrica 68); use kind='score', which takes "
            "active bounds for equations, or fit without bounds."
        )
    seed = settle_seed(seed)
    record = record.in_memory()
    design = record.need_blocks().design
    clusters = None if groups is None else read_labels(design, groups, "groups")
    layers = None if strata is None else read_labels(design, strata, "strata")
    units = make_units(
        record,
        None if clusters is None else clusters.codes,
        None if layers is None else layers.codes,
    )
    chosen = (weights or "rademacher") if kind == "score" else ""
    replicates, failures = replicate(units, int(times), kind, chosen, seed, threads, disp)
    _tell_failures(failures, len(replicates))
    warn_of_few([] if clusters is None else [clusters], "clusters", TOO_SMALL, INSTEAD)
    drawn = units.describe(None if clusters is None else clusters.name)
    drawn += "" if layers is None else f", within {layers.count} strata of {layers.name}"
    return Bootstrap(kind, replicates, units, seed, drawn, chosen, failures, n_jobs)


def _tell_failures(failures: dict[str, int], times: int) -> None:
    failed = sum(failures.values())
    if not failed:
        return
    reasons = "; ".join(f"in {count} {reason}" for reason, count in failures.items())
    said = (
        f"{failed} of {times} resamples ({failed / times:.1%}) have no finite maximum: {reasons}."
    )
    if times - failed < 2:
        raise BootstrapError(f"{said} Use kind='fractional', which leaves nobody out, or 'score'.")
    warn_user(
        f"{said} They are left out, and being those with the largest estimates they make standard "
        "errors and intervals too small; kind='fractional' leaves nobody out.",
        BootstrapWarning,
    )


def lend_covariance(boot: Bootstrap, record: FitRecord) -> Covariance:
    """Return the covariance of a bootstrap for the fit that it is of.

    Parameters
    ----------
    boot : Bootstrap
    record : FitRecord

    Returns
    -------
    Covariance
        That of the replicates.

    Raises
    ------
    BootstrapError
        If it is of another fit, or of this one as seen from another base.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> res.with_cov(res.bootstrap(20, seed=0)).cov_type
    'bootstrap'
    """
    own = boot.units.record
    same = own.encoding.names == record.encoding.names
    same = same and own.encoding.others == record.encoding.others
    if not (same and np.array_equal(own.maximum.params, record.maximum.params)):
        raise BootstrapError(
            "This bootstrap is of another fit, or of this one as seen from another base."
        )
    return boot.covariance


def find_intervals(
    boot: Bootstrap,
    alpha: float = 0.05,
    method: str = "percentile",
    exponentiate: bool = False,
    statistic: Callable[[pd.DataFrame], Any] | None = None,
) -> pd.DataFrame:
    """Return intervals of the coefficients, or of any function of them.

    Parameters
    ----------
    boot : Bootstrap
    alpha : float
        The intervals are meant to cover with probability ``1 - alpha``.
    method : {"percentile", "basic", "bca", "normal"}
        See `mlelogit.inference.resampling.bootstrap_intervals`. BCa is defined for pairs and
        clusters; its acceleration is that of `mlelogit.inference.resampling.jackknife`.
    exponentiate : bool
        Whether to return those of relative risk ratios: the exponentials of the ends.
    statistic : callable, optional
        A function of a frame laid out as the fit's params, that returns a number, a sequence
        or a Series of numbers.

    Returns
    -------
    pandas.DataFrame
        Columns lower and upper; rows (category, name), or those of the statistic. NaN for
        coefficients that the fit's constraints fix.

    Raises
    ------
    OptionError
        If the method is unknown, or BCa is asked of another kind.
    BootstrapError
        If the statistic is not finite in some replicate, or BCa needs refits without a cluster
        that have no maximum.

    Warns
    -----
    BootstrapWarning
        If replicates are too few for the quantiles, or an interval is undefined.

    Examples
    --------
    >>> import mlelogit as ml
    >>> res = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96()).fit()
    >>> boot = res.bootstrap(200, seed=1)
    >>> boot.conf_int(statistic=lambda b: b.loc["age", "Dole"] / b.loc["educ", "Dole"]).shape
    (1, 2)
    """
    alpha = check_alpha(alpha)
    check_choice("method", method, METHODS)
    if method == "bca" and boot.kind not in ("pairs", "cluster"):
        raise OptionError(f"method='bca' is for kind='pairs' and 'cluster', not {boot.kind!r}.")
    check_flag("exponentiate", exponentiate)
    if statistic is not None and exponentiate:
        raise OptionError("Exponentiate inside the statistic, not beside it.")
    if not (statistic is None or callable(statistic)):
        raise OptionError(f"statistic must be a function, not {write_value(statistic)}.")
    values = boot.complete
    if method in ("percentile", "basic"):
        _warn_of_levels(len(values), np.array([alpha / 2, 1 - alpha / 2]))
    evaluate = _evaluator(statistic, boot.encoding)
    estimate = evaluate(boot.units.record.maximum.params[np.newaxis])[0]
    record = boot.units.record
    fixed = [] if statistic is not None else find_fixed(record.restriction, record.basis).tolist()
    interval = _find_ends(boot, evaluate, values, estimate, alpha, method, fixed)
    interval[:, fixed] = np.nan
    if exponentiate:
        with np.errstate(over="ignore"):
            interval = np.exp(interval)
    return _frame_interval(interval, boot, statistic)


def _find_ends(
    boot: Bootstrap,
    evaluate: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    estimate: np.ndarray,
    alpha: float,
    method: str,
    fixed: list[int],
) -> np.ndarray:
    found = evaluate(values)
    broken = int((~np.isfinite(found)).any(axis=1).sum())
    if broken:
        raise BootstrapError(f"The statistic is not finite in {broken} of {len(found)} replicates.")
    if method == "percentile":
        return percentile_interval(found, alpha)
    if method == "basic":
        return basic_interval(found, estimate, alpha)
    if method == "normal":
        return normal_interval(found, estimate, alpha)
    acceleration = find_acceleration(boot.units, evaluate, len(boot.replicates), boot.threads)
    if acceleration is None:
        raise BootstrapError(
            "method='bca' leaves out every cluster in turn, and without one of them there is no "
            "finite maximum; use another method."
        )
    interval, levels = bca_interval(found, estimate, acceleration, alpha)
    free = np.delete(levels, fixed, axis=1)
    _warn_of_levels(len(found), free[np.isfinite(free)])
    if not np.isfinite(free).all():
        warn_user(
            "A BCa interval is undefined where all replicates lie on one side of the estimate, "
            "or it does not vary; it is NaN.",
            BootstrapWarning,
        )
    return interval


def _warn_of_levels(count: int, levels: np.ndarray) -> None:
    """Warn if quantiles at some levels are the ends of so many replicates."""
    out = np.minimum(levels, 1 - levels) * count
    if (out < ENDMOST).any():
        warn_user(
            f"{count} replicates are too few for the quantile {levels[np.argmin(out)]:.4g}: the "
            "interval ends at the smallest or largest of them.",
            BootstrapWarning,
        )


def _evaluator(
    statistic: Callable[[pd.DataFrame], Any] | None, encoding: Encoding
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of params (m, P) whose values are (m, q)."""
    if statistic is None:
        return lambda params: params

    def evaluate(params: np.ndarray) -> np.ndarray:
        values = [np.ravel(statistic(frame_params(row, encoding))) for row in params]
        return np.array(values, dtype=np.float64)

    return evaluate


def _frame_interval(
    interval: np.ndarray, boot: Bootstrap, statistic: Callable[[pd.DataFrame], Any] | None
) -> pd.DataFrame:
    encoding = boot.encoding
    if statistic is None:
        shape = 2, len(encoding.others), len(encoding.names)
        interval = spread_columns(interval.reshape(shape), encoding).reshape(2, -1)
        labels: pd.Index = index_all(encoding)
    else:
        found = statistic(frame_params(boot.units.record.maximum.params, encoding))
        plain = not isinstance(found, pd.Series)
        labels = pd.RangeIndex(interval.shape[1]) if plain else found.index
    return pd.DataFrame({"lower": interval[0], "upper": interval[1]}, index=labels)


def summarize_bootstrap(boot: Bootstrap, alpha: float = 0.05, method: str = "percentile") -> str:
    """Write a bootstrap as text: what was drawn, then a row for every coefficient."""
    head, table = tabulate_bootstrap(boot, alpha, method)
    width = max(len(label) for label in head)
    lines = (f"{label:<{width}} {value}" for label, value in head.items())
    return "\n".join(["Bootstrap", *lines, table.to_string()])


def tabulate_bootstrap(
    boot: Bootstrap, alpha: float, method: str
) -> tuple[dict[str, str], pd.DataFrame]:
    """Return what was drawn, label -> text, and a row of text for every coefficient."""
    reasons = "; ".join(f"{count}: {reason}" for reason, count in boot.failures.items())
    head = {
        "Kind:": boot.kind + (f" ({boot.weights})" if boot.weights else ""),
        "Drawn:": boot.drawn,
        "Replicates:": str(len(boot.replicates)),
        "Failed:": f"{boot.failed}" + (f" ({reasons})" if reasons else ""),
        "Seed:": str(boot.seed),
        "Intervals:": f"{method}, {1 - alpha:.10g}",
    }
    interval = boot.conf_int(alpha, method)
    columns = {
        "coef": frame_params(boot.units.record.maximum.params, boot.encoding),
        "bias": boot.bias,
        "std err": boot.bse,
    }
    table = pd.DataFrame(
        {name: frame.to_numpy().T.ravel() for name, frame in columns.items()}, index=interval.index
    ).join(interval)
    table = table.map(lambda value: "(omitted)" if np.isnan(value) else f"{value:.4g}")
    record = boot.units.record
    for place in find_fixed(record.restriction, record.basis):
        category, name = divmod(int(place), len(boot.encoding.names))
        label = boot.encoding.others[category], boot.encoding.names[name]
        table.loc[[label], ["lower", "upper"]] = "(fixed)"
    return head, table

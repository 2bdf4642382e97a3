r"""A path of penalized fits as a user reads it, and its cross-validation.

No standard errors are given: those of maximum likelihood do not hold for estimates that are
shrunk, nor do p-values after the data have chosen the columns (Leeb and Pötscher 2005,
Econometric Theory 21).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_disp
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design, hold_rows
from mlelogit.data.folds import FoldRequest, Folds, deal_folds
from mlelogit.data.outcome import find_base
from mlelogit.exceptions import HeldOutWarning, OptionError
from mlelogit.fitting.certificate import certify
from mlelogit.fitting.heldout import split
from mlelogit.fitting.likelihood import Sums, drop_base, sum_block
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import Maximum, Status, Trace
from mlelogit.fitting.penalized.paths import (
    PathRequest,
    PenalizedFits,
    fit_penalized,
    is_real,
    warn_of_slack,
)
from mlelogit.fitting.record import FitRecord, FitRequest, NullModel
from mlelogit.inference.resampling.validation import measure_error
from mlelogit.interpretation.prediction import predict
from mlelogit.markup import Shown, write_html
from mlelogit.notices import track, warn_user

# Penalties are looked up as printed with ten digits.
SAME = 1e-9


@dataclass(frozen=True, repr=False)
class RegularizationPath(Shown):
    """Penalized fits, one for each penalty.

    Made by `mlelogit.MNLogit.fit_path`.

    Attributes
    ----------
    fits : mlelogit.fitting.penalized.paths.PenalizedFits
        The numbers, and what was asked for.
    design : Design
    """

    fits: PenalizedFits
    design: Design

    @property
    def penalties(self) -> np.ndarray:
        """The penalties λ (L,), descending."""
        return self.fits.penalties.copy()

    @property
    def table(self) -> pd.DataFrame:
        """Statistics by penalty: nonzero, variables, loglike, deviance_ratio, kkt, converged.

        Of penalized coefficients nonzero counts those that are not zero, over all categories;
        variables counts columns that have any; kkt is how far from optimal the fit is.
        """
        return tabulate_path(self.fits)

    @property
    def nonzero(self) -> pd.Series:
        """How many penalized coefficients are not zero, over all categories, by penalty."""
        return self.table["nonzero"]

    @property
    def loglike(self) -> pd.Series:
        """Log-likelihood, without the penalty, by penalty."""
        return self.table["loglike"]

    @property
    def deviance_ratio(self) -> pd.Series:
        """The share of the null model's deviance that is explained, by penalty."""
        return self.table["deviance_ratio"]

    @property
    def kkt(self) -> pd.Series:
        """How far each fit is from optimal: the certificate, by penalty."""
        return self.table["kkt"]

    @property
    def converged(self) -> bool:
        """Whether the optimality conditions of every fit hold to the tolerance."""
        return bool((self.fits.kkt <= self.fits.request.tolerance).all())

    def coefficients(self, penalty: float | None = None, base: Any = None) -> pd.DataFrame:
        """Return the coefficients under one penalty, names x categories.

        See `mlelogit.interpretation.selection.frame_coefficients`.
        """
        return frame_coefficients(self.fits, self.design, penalty, base)

    def predict(
        self,
        newdata: Any = None,
        penalty: float | None = None,
        which: str = "prob",
        offset: Any = None,
        missing: str = "raise",
    ) -> Any:
        """Predict under one penalty.

        See `mlelogit.interpretation.prediction.predict`; penalty is one of the path's, and may be
        left out if there is one only.
        """
        record = make_record(self.fits, self.design, find_penalty(self.fits, penalty))
        return predict(record, newdata, which, offset, missing)

    def cross_validate(
        self,
        folds: Any = 10,
        *,
        seed: Any = 0,
        stratify: bool = True,
        groups: Any = None,
        threads: int | None = None,
        disp: bool | None = None,
    ) -> PathValidation:
        """Return held-out deviances of every penalty.

        See `mlelogit.interpretation.selection.cross_validate_path` and
        `mlelogit.data.folds.FoldRequest`.
        """
        request = FoldRequest(folds, seed, 1, stratify, groups)
        return cross_validate_path(self.fits, self.design, request, threads, disp)

    def _repr_html_(self) -> str:
        first, *_, last = str(self).split("\n")
        return write_html(first, self.table, last)

    def __str__(self) -> str:
        request, table = self.fits.request, self.table
        kind = {0.0: "Ridge", 1.0: "Lasso"}.get(float(request.l1_ratio), "Elastic net")
        grouped = ", categories grouped" if request.grouped else ""
        scaled = "standardized columns" if request.standardize else "columns as they are"
        few = table if len(table) <= 10 else table.iloc[:: -(-len(table) // 10)]
        return (
            f"{kind} path, l1_ratio={request.l1_ratio:g}{grouped}, {scaled}: "
            f"{len(table)} penalties\n"
            f"{few.to_string(float_format=lambda value: f'{value:.4g}')}\n"
            f"Optimality conditions (KKT) hold to {self.fits.kkt.max():.2g}, tolerance "
            f"{request.tolerance:.2g}. Penalized estimates have no standard errors."
        )


def fit_path(design: Design, request: PathRequest) -> RegularizationPath:
    """Fit a path of penalties; warn of fits that did not converge.

    Parameters
    ----------
    design : Design
    request : PathRequest
        Penalties and options of `mlelogit.MNLogit.fit_path`.

    Returns
    -------
    RegularizationPath

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> model = ml.mnlogit("vote ~ age + educ + income", anes)
    >>> path = model.fit_path(penalties=[0.05, 0.01])
    >>> path.table["nonzero"].to_list()
    [2, 6]
    >>> bool((path.coefficients(0.05).loc[["age", "educ"]] == 0).all(axis=None))
    True
    """
    fits = fit_penalized(design, request)
    warn_of_slack(fits)
    return RegularizationPath(fits, design)


def tabulate_path(fits: PenalizedFits) -> pd.DataFrame:
    """Return one row per penalty.

    Returns
    -------
    pandas.DataFrame
        Index penalty; columns nonzero (penalized coefficients that are not zero, over all
        categories), variables (columns with any), loglike, deviance_ratio (1 less the
        log-likelihood's ratio to the null model's, glmnet's fraction of deviance explained),
        kkt (how far from optimal), converged.
    """
    filled = fits.coefficients != 0
    if fits.standardization.intercept is not None:
        filled = np.delete(filled, fits.standardization.intercept, axis=2)
    return pd.DataFrame(
        {
            "nonzero": filled.sum(axis=(1, 2)),
            "variables": filled.any(axis=1).sum(axis=1),
            "loglike": fits.loglike,
            "deviance_ratio": 1 - fits.loglike / fits.null_loglike,
            "kkt": fits.kkt,
            "converged": fits.kkt <= fits.request.tolerance,
        },
        index=pd.Index(fits.penalties, name="penalty"),
    )


def find_penalty(fits: PenalizedFits, penalty: float | None) -> int:
    """Return the position of a penalty on the path; of the only one if none is given.

    Raises
    ------
    OptionError
        If it is not on the path: coefficients between two penalties are not interpolated,
        which would satisfy the optimality conditions of neither.
    """
    levels = fits.penalties
    if penalty is None and len(levels) == 1:
        return 0
    if penalty is None or not is_real(penalty):
        raise OptionError(f"penalty= must be one of the {len(levels)} of .penalties.")
    place = int(np.argmin(np.abs(levels - penalty)))
    if not abs(levels[place] - penalty) <= SAME * levels[place]:
        raise OptionError(
            f"penalty {penalty} is not on the path; the nearest is {levels[place]:.10g}. Fit it "
            f"with fit_path(penalties=[{penalty}])."
        )
    return place


def frame_coefficients(
    fits: PenalizedFits, design: Design, penalty: float | None, base: Any
) -> pd.DataFrame:
    """Lay coefficients out as names x categories.

    Parameters
    ----------
    fits : PenalizedFits
    design : Design
    penalty : float or None
        One of the path's.
    base : label, optional
        Return differences from this category, laid out as ``results.params``. If not given
        every category has coefficients: of every column those that the penalty prefers, and
        intercepts that sum to zero.

    Returns
    -------
    pandas.DataFrame
        (K, J), or (K, J - 1) with a base.

    Raises
    ------
    OptionError
        If the penalty is not on the path.
    BaseCategoryError
        If the base is no category.

    Examples
    --------
    >>> import mlelogit as ml
    >>> model = ml.mnlogit("vote ~ age + educ", ml.datasets.load_anes96())
    >>> path = model.fit_path(penalties=[0.05])
    >>> path.coefficients(base="Clinton").columns.to_list()
    ['Dole']
    """
    encoding, values = design.encoding, fits.coefficients[find_penalty(fits, penalty)]
    categories = list(encoding.categories)
    if base is not None:
        place = find_base(base, encoding.categories)
        values = drop_base(values - values[place], place)
        del categories[place]
    index = pd.Index(list(encoding.names), name="name", tupleize_cols=False)
    columns = pd.Index(categories, name="category", tupleize_cols=False)
    return pd.DataFrame(values.T.copy(), index=index, columns=columns)


def take_params(coefficients: np.ndarray, base: int) -> np.ndarray:
    """Return coefficients (J, K) as differences from the base (P,)."""
    return drop_base(coefficients - coefficients[base], base).ravel()


def make_record(fits: PenalizedFits, design: Design, place: int) -> FitRecord:
    """Return a record that predicts as a penalized fit does; nothing in it is certified."""
    encoding, width = design.encoding, len(design.encoding.names)
    params = take_params(fits.coefficients[place], encoding.base)
    loglike = float(fits.loglike[place])
    trace = Trace(("start",), np.array([loglike]), np.zeros(1), np.ones(1, int), params[None])
    unknown = certify(np.inf, np.inf, fits.request.tolerance)
    sums = Sums(loglike, None, None, design.source.shape[0])
    return FitRecord(
        encoding=encoding,
        blocks=RowBlocks(design),
        weight_type=design.weight_type,
        request=FitRequest(),
        maximum=Maximum(params, Status.UNCERTIFIED, unknown, sums, None, trace, "path", 0),
        basis=ColumnBasis(np.ones(width), np.zeros(width), np.eye(width)),
        null=NullModel(fits.null_loglike, "intercepts"),
        nobs=fits.total,
        audit=design.audit,
        index=design.index,
    )


@dataclass(frozen=True, repr=False)
class PathValidation(Shown):
    """Deviances of observations held out, for every penalty of a path.

    Made by `mlelogit.interpretation.selection.cross_validate_path`.

    Attributes
    ----------
    table : pandas.DataFrame
        Index penalty; columns deviance (minus twice the held-out log-likelihood, per
        observation), std_err, nonzero (of the fit to all rows).
    folds : pandas.DataFrame
        The deviance of every fold (F) at every penalty (L), per observation.
    observations : pandas.Series
        The weight of every fold.
    lost : float
        Weight of observations in a category that no row left in has: their deviance is
        infinite at every penalty, so they are left out of all the others' means.
    """

    table: pd.DataFrame
    folds: pd.DataFrame
    observations: pd.Series
    lost: float

    @property
    def best(self) -> float:
        """The penalty of least deviance, the larger one of two that tie."""
        return float(self.table.index[int(self.table["deviance"].argmin())])

    @property
    def one_se(self) -> float:
        """The largest penalty within one standard error of the least deviance."""
        least = self.table.loc[self.best]
        within = self.table["deviance"] <= least["deviance"] + least["std_err"]
        return float(self.table.index[within].max())

    def __str__(self) -> str:
        lines = [f"Held-out deviance per observation, {len(self.folds)} folds:"]
        for name, penalty in (("best", self.best), ("one_se", self.one_se)):
            row = self.table.loc[penalty]
            lines.append(
                f"{name}: penalty {penalty:.6g}, deviance {row['deviance']:.5g} (standard error "
                f"{row['std_err']:.2g}), {row['nonzero']:.0f} nonzero coefficients"
            )
        return "\n".join(lines)


def cross_validate_path(
    fits: PenalizedFits,
    design: Design,
    request: FoldRequest,
    threads: int | None = None,
    disp: bool | None = None,
) -> PathValidation:
    r"""Score every penalty of a path by observations that its fit has not seen.

    Without each fold the path is fitted anew, at the same penalties; the columns are those of
    the design, standardized by the rows left in. The mean over folds weighs each by its
    observations, and so does its standard error ``sqrt(Σ_f W_f (m_f - m)² / (W (F - 1)))``, as
    in cv.glmnet. `one_se` is the rule of Breiman, Friedman, Olshen and Stone (1984, section
    3.4.3): the simplest model whose deviance is within a standard error of the least.

    Parameters
    ----------
    fits : PenalizedFits
    design : Design
    request : FoldRequest
    threads : int, optional
    disp : bool, optional
        Whether to show a progress bar; on a terminal only if not given.

    Returns
    -------
    PathValidation

    Raises
    ------
    OptionError
        If there are more folds than observations, or an argument is not what it must be.
    OneCategoryError
        If a fold leaves a single category to fit.

    Warns
    -----
    HeldOutWarning
        If observations are in a category that no row left in has, or a fit did not converge.

    Examples
    --------
    >>> import mlelogit as ml
    >>> anes = ml.datasets.load_anes96()
    >>> path = ml.mnlogit("vote ~ age + educ + income", anes).fit_path()
    >>> chosen = path.cross_validate(folds=5)
    >>> bool(chosen.one_se > chosen.best)
    True
    """
    check_disp(disp)
    design = hold_rows(design)
    folds = deal_folds(design, request)[0]
    found = [
        score_path(design, fits, folds, fold, threads)
        for fold in track(range(len(folds.labels)), "Folds", disp)
    ]
    deviances, weights, lost, slack = (np.array(part) for part in zip(*found, strict=True))
    warn_of_folds(lost, slack, fits.request.tolerance)
    if not weights.any():
        raise OptionError(
            "No observation held out is in a category that rows left in have; use other folds."
        )
    index = pd.Index(fits.penalties, name="penalty")
    labels = pd.Index(list(folds.labels), name="fold", tupleize_cols=False)
    used = weights > 0
    means = deviances[used] / weights[used, np.newaxis]
    table = pd.DataFrame(
        {
            "deviance": deviances.sum(axis=0) / weights.sum(),
            "std_err": measure_error(means, weights[used]),
            "nonzero": tabulate_path(fits)["nonzero"].to_numpy(),
        },
        index=index,
    )
    return PathValidation(
        table,
        pd.DataFrame(means, index=labels[used], columns=index),
        pd.Series(weights, index=labels, name="observations"),
        float(lost.sum()),
    )


def score_path(
    design: Design, fits: PenalizedFits, folds: Folds, fold: int, threads: int | None
) -> tuple[np.ndarray, float, float, float]:
    """Fit a path without a fold; return its deviances (L,), weight, lost weight, worst slack."""
    parts = split(design, folds, fold)
    request = replace(fits.request, threads=threads, disp=False)
    fitted = fit_penalized(parts.train, request, fits.standardization.intercept)
    if not parts.test.source.shape[0]:
        return np.zeros(len(fits.penalties)), 0.0, parts.lost, float(fitted.kkt.max())
    blocks, base = RowBlocks(parts.test), parts.train.encoding.base
    deviances = [
        -2 * blocks.reduce(sum_block, take_params(coefficients, base), base, 0).loglike
        for coefficients in fitted.coefficients
    ]
    kept = parts.observations - parts.lost
    return np.array(deviances), kept, parts.lost, float(fitted.kkt.max())


def warn_of_folds(lost: np.ndarray, slack: np.ndarray, tolerance: float) -> None:
    """Tell in one message what was lost in the folds, or did not converge."""
    said = []
    if (lost > 0).any():
        said.append(
            f"{int((lost > 0).sum())} hold out observations (weight {lost.sum():g}) of a category "
            "that no row left in has; their deviance is infinite at every penalty, and they are "
            "left out of the means"
        )
    if (slack > tolerance).any():
        said.append(
            f"in {int((slack > tolerance).sum())} a fit did not converge: its optimality "
            f"conditions are off by up to {slack.max():.2g}"
        )
    if said:
        warn_user(f"Of {len(lost)} folds: {'; '.join(said)}.", HeldOutWarning)

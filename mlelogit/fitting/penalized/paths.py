r"""Penalized fits along a path of penalties, each certified by its optimality conditions.

From one penalty to the next the last answer is the start. Every step minimizes the quadratic
model of the log-likelihood plus the penalty itself (proximal Newton; Lee, Sun and Saunders
2014, SIAM Journal on Optimization 24(3)), in the columns that the sequential strong rule does
not discard (Tibshirani et al. 2012, JRSS B 74(2)); the others are looked at afterwards. A ridge,
which is smooth, is climbed by `maximize` as any likelihood is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlelogit.data.arguments import check_disp, check_flag, check_tolerance, read_reals, write_value
from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design
from mlelogit.data.sources import ArraySource
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.exceptions import NotConvergedWarning, OptionError
from mlelogit.fitting.estimation import total_outcome
from mlelogit.fitting.maximum import ReadOnly
from mlelogit.fitting.optimization import SMALL_PROBLEM
from mlelogit.fitting.penalized.descent import GOAL, Point, descend, look
from mlelogit.fitting.penalized.loss import Loss, climb_ridge
from mlelogit.fitting.penalized.narrow import narrow_ridge
from mlelogit.fitting.penalized.regularization import (
    ANY,
    Penalty,
    Standardization,
    find_standardization,
    sum_moments,
)
from mlelogit.notices import track, warn_user

DEFAULT_KKT = 1e-9
# glmnet's path: so many penalties, down to a share of the first, which a ridge has as if it
# were a thousandth of a lasso.
LENGTH = 100
SHARE, SHARE_OF_FEW_ROWS = 1e-4, 1e-2
LEAST_RATIO = 1e-3
# With more columns a first penalty is come near in strides, each fit roughly.
FEW_COLUMNS = 100
STRIDE, ROUGH = 0.9, 1e-3


@dataclass(frozen=True)
class PathRequest(ReadOnly):
    """Which penalties to fit.

    Attributes
    ----------
    l1_ratio : float
        α: 0 is ridge, 1 lasso.
    penalties : numpy.ndarray or None
        λ (L,), positive and descending; glmnet's path if None.
    standardize : bool
        Whether the penalty is on the coefficients of standardized columns.
    grouped : bool
        Whether the categories of a column share one norm.
    tolerance : float
        Largest slack that counts as converged.
    threads : int or None
    disp : bool or None
        Whether to show a progress bar; on a terminal if None.
    """

    l1_ratio: float = 1.0
    penalties: np.ndarray | None = None
    standardize: bool = True
    grouped: bool = False
    tolerance: float = DEFAULT_KKT
    threads: int | None = None
    disp: bool | None = False

    def __post_init__(self) -> None:
        check_flag("standardize", self.standardize)
        check_flag("grouped", self.grouped)
        check_disp(self.disp)
        if not is_real(self.l1_ratio) or not 0 <= self.l1_ratio <= 1:
            raise OptionError(
                "l1_ratio must lie between 0 (ridge) and 1 (lasso), not "
                f"{write_value(self.l1_ratio)}."
            )
        check_tolerance(self.tolerance)
        count_threads(self.threads)
        if self.penalties is not None:
            object.__setattr__(self, "penalties", read_penalties(self.penalties))
        super().__post_init__()


def is_real(value: Any) -> bool:
    """Tell whether a value is a plain number."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def read_penalties(given: Any) -> np.ndarray:
    """Read one penalty or several, and sort them, largest first.

    Raises
    ------
    OptionError
        If one is not a positive number, or occurs twice, or there is none.
    """
    values = np.array(read_reals(given, "penalties", OptionError))
    values = np.atleast_1d(values)
    if values.ndim != 1 or not values.size:
        raise OptionError(f"penalties must be a number or several, not {write_value(given)}.")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise OptionError(
            f"penalties must be positive and finite; number {int(np.argmax(bad))} is "
            f"{values[bad][0]}. Without a penalty use fit(): it also tells of separated data."
        )
    if len(np.unique(values)) < len(values):
        raise OptionError(f"penalties has a number twice: {write_value(given)}.")
    return np.sort(values)[::-1].copy()


@dataclass(frozen=True)
class PenalizedFits(ReadOnly):
    """Fits of L penalties.

    Attributes
    ----------
    request : PathRequest
        With the penalties λ (L,), descending.
    coefficients : numpy.ndarray
        (L, J, K), in the columns of the design.
    loglike : numpy.ndarray
        (L,): log-likelihoods, a sum over rows, without the penalty.
    kkt : numpy.ndarray
        (L,): how far each fit is from optimal: the largest entry of
        `Penalty.measure_slack`, of the gradient of the mean loss in standardized columns.
    steps : numpy.ndarray
        (L,): proximal Newton steps.
    null_loglike : float
        Log-likelihood of the intercepts alone, beside the offset; without a constant column
        that of the offset or of equal shares.
    total : float
        W, the sum of the weights, every person counted.
    standardization : Standardization
    """

    request: PathRequest
    coefficients: np.ndarray
    loglike: np.ndarray
    kkt: np.ndarray
    steps: np.ndarray
    null_loglike: float
    total: float
    standardization: Standardization

    @property
    def penalties(self) -> np.ndarray:
        """λ (L,), descending."""
        return np.asarray(self.request.penalties)


@single_threaded_blas
def fit_penalized(
    design: Design, request: PathRequest, intercept: int | None = ANY
) -> PenalizedFits:
    """Fit a design under every penalty of a path.

    Parameters
    ----------
    design : Design
        Columns may be combinations of others.
    request : PathRequest
    intercept : int or None
        Position of the constant column, or None if there is none; the first column that is
        constant if not given.

    Raises
    ------
    OptionError
        If there is no column to penalize; or none that the first step towards would help,
        and no penalties are given.
    """
    blocks = RowBlocks(design, threads=count_threads(request.threads)).summed
    scales = find_standardization(blocks, intercept)
    total = float(blocks.reduce(sum_moments, np.zeros(blocks.width), 1).value[0])
    loss = Loss(blocks.in_basis(scales), design.encoding.base, total, scales.intercept)
    penalty = make_penalty(scales, request)
    null = look(loss, penalty, find_null(loss))
    if request.penalties is None:
        request = replace(request, penalties=list_penalties(penalty, null, design.source.shape[0]))
    points, steps = walk(loss, penalty, null, request)
    centered = np.array([penalty.center(point.coefficients) for point in points])
    return PenalizedFits(
        request=request,
        coefficients=scales.leave(centered),
        loglike=np.array([-point.loss * total for point in points]),
        kkt=np.array([point.slack for point in points]),
        steps=np.array(steps),
        null_loglike=-null.loss * total,
        total=total,
        standardization=scales,
    )


def walk(
    loss: Loss, penalty: Penalty, null: Point, request: PathRequest
) -> tuple[list[Point], list[int]]:
    """Fit one penalty after the other, each from the answer before."""
    if request.l1_ratio > 0 or np.isfinite(penalty.scale).sum() <= loss.blocks.rows:
        return step_along(loss, penalty, null.coefficients, request)
    narrow = narrow_ridge(loss, penalty)
    start = narrow.start(null.coefficients)
    inner, steps = step_along(narrow.loss, narrow.penalty, start, request)
    points = [
        look(loss, replace(penalty, level=float(level)), narrow.widen(point.coefficients))
        for level, point in zip(np.asarray(request.penalties), inner, strict=True)
    ]
    return points, steps


def step_along(
    loss: Loss, penalty: Penalty, coefficients: np.ndarray, request: PathRequest
) -> tuple[list[Point], list[int]]:
    """Do so in the columns of a loss.

    The first ridge is climbed; where P is small, Newton steps lead from each to the next.
    """
    points: list[Point] = []
    steps: list[int] = []
    levels = np.asarray(request.penalties).tolist()
    coefficients, before = approach(loss, penalty, coefficients, levels[0])
    for level in track(levels, "Penalties", request.disp):
        now = replace(penalty, level=level)
        if request.l1_ratio == 0 and (not points or coefficients[1:].size > SMALL_PROBLEM):
            coefficients = climb_ridge(loss, now, coefficients)
        point, count = descend(loss, now, coefficients, before)
        coefficients, before = point.coefficients, now.level
        points.append(point)
        steps.append(count)
    return points, steps


def approach(
    loss: Loss, penalty: Penalty, null: np.ndarray, first: float
) -> tuple[np.ndarray, float]:
    """Come near a first penalty from the null model, so that the strong rule spares columns.

    Returns
    -------
    coefficients : numpy.ndarray
        (J, K).
    level : float
        The penalty that they belong to, roughly; infinite for the null model of few columns.
    """
    if penalty.l1_ratio == 0 or loss.blocks.width <= FEW_COLUMNS:
        return null, np.inf
    coefficients = null
    level = find_largest(penalty, look(loss, penalty, null))
    while level * STRIDE > first:
        before, level = level, level * STRIDE
        now = replace(penalty, level=level)
        coefficients = descend(loss, now, coefficients, before, ROUGH * level)[0].coefficients
    return coefficients, level


def find_largest(penalty: Penalty, null: Point) -> float:
    """Return the least λ that leaves no coefficient; of a ridge as if it were a bit of a lasso."""
    priced = np.isfinite(penalty.scale)
    norms = penalty.measure_norms(null.gradient).max(axis=0)[priced]
    if not norms.max() > GOAL:
        return 0.0
    return float((norms * penalty.scale[priced]).max()) / max(penalty.l1_ratio, LEAST_RATIO)


def make_penalty(scales: Standardization, request: PathRequest) -> Penalty:
    """Return the penalty of level one on the coefficients of standardized columns."""
    factors = np.abs(scales.scale / scales.deviation if request.standardize else scales.scale)
    if scales.intercept is not None:
        factors[scales.intercept] = np.inf
    if np.isinf(factors).all():
        raise OptionError("There is no column to penalize beside the constant.")
    return Penalty(1.0, request.l1_ratio, request.grouped, factors)


def find_null(loss: Loss) -> np.ndarray:
    """Return the coefficients (J, K) of the intercepts alone: zeros if there are none."""
    null = np.zeros((loss.blocks.categories, loss.blocks.width))
    if loss.intercept is None:
        return null
    totals = loss.blocks.reduce(total_outcome).value
    logs = np.log(totals / totals.sum())[:, np.newaxis]
    design = loss.blocks.design
    if design.offset is not None:
        logs = logs - design.offset.mean(axis=0)[:, np.newaxis]
        constant = replace(design, source=ArraySource(np.ones((loss.blocks.rows, 1))))
        alone = Loss(RowBlocks(constant, threads=loss.blocks.threads), loss.base, loss.total, 0)
        unpriced = Penalty(1.0, 1.0, False, np.array([np.inf]))
        logs = descend(alone, unpriced, logs, np.inf)[0].coefficients
    null[:, loss.intercept] = logs[:, 0] - logs.mean()
    return null


def list_penalties(penalty: Penalty, null: Point, rows: int) -> np.ndarray:
    """Return glmnet's path: from the smallest λ that leaves nothing, evenly in the logarithm."""
    largest = find_largest(penalty, null)
    if not largest:
        raise OptionError(
            "No column's coefficient would leave zero under any penalty, so there is no path; "
            "give penalties=."
        )
    share = SHARE if rows >= np.isfinite(penalty.scale).sum() else SHARE_OF_FEW_ROWS
    return np.geomspace(largest, largest * share, LENGTH)


def warn_of_slack(fits: PenalizedFits) -> None:
    """Warn of fits whose optimality conditions do not hold to the tolerance."""
    left = fits.kkt > fits.request.tolerance
    if left.any():
        worst = int(np.argmax(fits.kkt))
        warn_user(
            f"{int(left.sum())} of {len(left)} penalized fits did not converge; the worst, of "
            f"penalty {fits.penalties[worst]:.4g}, misses its optimality conditions by "
            f"{fits.kkt[worst]:.2g}, and tol={fits.request.tolerance:.2g}. Look for columns "
            "that are nearly collinear, or leave out the smallest penalties.",
            NotConvergedWarning,
        )

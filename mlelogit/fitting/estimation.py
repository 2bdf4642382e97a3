"""estimate(): design -> basis -> null model -> maximum -> fit record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from mlelogit.data.blocks import KEPT_ELEMENTS, Block, RowBlocks
from mlelogit.data.design import Design, total_observations
from mlelogit.data.encoding import Encoding
from mlelogit.data.rows import Audit
from mlelogit.data.sources import ArraySource
from mlelogit.data.threads import count_threads, single_threaded_blas
from mlelogit.exceptions import (
    CovarianceOmittedWarning,
    DataNotKeptError,
    NoFiniteMaximumWarning,
    NotConvergedWarning,
    OptionError,
    ParamsError,
)
from mlelogit.fitting.basis import bound_longest, find_basis
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.likelihood import Matrix, Sums
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.matrixfree import climb_without_information
from mlelogit.fitting.maximum import Maximum, Status
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.optimization import find_method, maximize
from mlelogit.fitting.warmup import Start, warm_up, whiten_null
from mlelogit.fitting.whitening import Whitening
from mlelogit.notices import warn_user

# Below these products of rows and parameters, and of rows and columns, overhead is all.
LARGE_WORK = 200_000
DIRECT_ELEMENTS = 1 << 18
WELL_CONDITIONED = 300.0
SPARSE_CONDITIONED = 1e4
# Eight P x P arrays of this size fill 9 GB.
LARGEST_SIZE = 12_000
LOST = (Status.STALLED, Status.NO_FINITE_MAXIMUM)


@dataclass(frozen=True)
class FitRequest:
    """How to climb.

    Attributes
    ----------
    method : str
        "auto", a scipy method or statsmodels' word for one.
    start_params : numpy.ndarray or None
        (P,), in the columns of the design.
    maxiter : int or None
    tolerance : float
        Largest error, in standard errors, that counts as converged.
    threads : int or None
        Threads over row blocks; all processors if None.
    covariance : bool
        Whether a covariance was asked for, however large.
    """

    method: str = "auto"
    start_params: np.ndarray | None = None
    maxiter: int | None = None
    tolerance: float = DEFAULT_TOLERANCE
    threads: int | None = None
    covariance: bool = False

    def __post_init__(self) -> None:
        find_method(self.method, 1)
        whole = isinstance(self.maxiter, int | np.integer) and not isinstance(self.maxiter, bool)
        if self.maxiter is not None and not (whole and self.maxiter > 0):
            raise OptionError(f"maxiter must be a positive whole number, not {self.maxiter!r}.")
        count_threads(self.threads)
        number = isinstance(self.tolerance, int | float | np.number)
        if not number or not 0 < self.tolerance < np.inf:
            raise OptionError(f"tol must be a positive number, not {self.tolerance!r}.")


@dataclass(frozen=True)
class NullModel:
    """The model without regressors.

    Attributes
    ----------
    loglike : float
    kind : str
        "intercepts", if the constant is in the column space of the design, else
        "equal shares"; with an offset "intercepts and offset" or "offset".
    """

    loglike: float
    kind: str

    @property
    def has_intercepts(self) -> bool:
        """Whether its J - 1 parameters are intercepts, or it has none."""
        return self.kind.startswith("intercepts")


@dataclass(frozen=True)
class FitRecord:
    """Everything a fit found; whatever a user asks afterwards is a function of it.

    Attributes
    ----------
    encoding : Encoding
    blocks : RowBlocks or None
        A handle on the rows; None when they were not kept.
    weight_type : str or None
    request : FitRequest
    maximum : Maximum
        Params, trace and certificate in the columns of the design.
    basis : ColumnBasis
    null : NullModel
    nobs : float
        Number of observations.
    audit : Audit
        Rows in, used, dropped and why.
    index : pandas.Index
        Index of the rows used.
    """

    encoding: Encoding
    blocks: RowBlocks | None
    weight_type: str | None
    request: FitRequest
    maximum: Maximum
    basis: ColumnBasis
    null: NullModel
    nobs: float
    audit: Audit
    index: pd.Index

    @property
    def has_offset(self) -> bool:
        """Whether the scores have an offset."""
        return self.encoding.offset_layout is not None

    @property
    def sums(self) -> Sums:
        """Log-likelihood, score and information at the maximum, in the internal basis."""
        return self.maximum.sums

    @property
    def params(self) -> np.ndarray:
        """Estimates B (J - 1, K)."""
        return self.maximum.params.reshape(-1, len(self.encoding.names))

    def need_blocks(self) -> RowBlocks:
        """Return the rows, or raise `DataNotKeptError`."""
        if self.blocks is None:
            raise DataNotKeptError("This fit no longer holds its rows; pass the data again.")
        return self.blocks


def estimate(
    design: Design,
    request: FitRequest,
    callback: Callable[[np.ndarray], Any] | None = None,
    show: bool = False,
) -> FitRecord:
    """Fit a design by maximum likelihood.

    Parameters
    ----------
    design : Design
    request : FitRequest
    callback : callable, optional
        Called with the parameters (P,) after every iteration; a true answer stops.
    show : bool
        Whether to count iterations on standard error, if that is a terminal.

    Raises
    ------
    RankDeficiencyError
        If a column is a combination of the others.
    ParamsError
        If the start has a wrong shape or is not finite.

    Warns
    -----
    NotConvergedWarning, NoFiniteMaximumWarning
        If the certificate does not hold at the point returned.
    """
    if callback is not None and not callable(callback):
        raise OptionError(f"callback must be a function of the parameters, not {callback!r}.")
    return _estimate(design, request, callback, show)


@single_threaded_blas
def _estimate(
    design: Design,
    request: FitRequest,
    callback: Callable[[np.ndarray], Any] | None,
    show: bool,
) -> FitRecord:
    blocks = RowBlocks(design, threads=count_threads(request.threads))
    base = design.encoding.base
    basis = find_basis(blocks, design.encoding.names)
    objective = make_objective(blocks, base, basis)
    null, nothing = fit_null(objective.blocks, base, basis)
    given = _read_start(request.start_params, basis, objective.size)
    if given is not None and _is_too_large(objective.size, request):
        nothing, given = replace(nothing, params=given), None
    # Even a silent bar makes locks that settle how this process starts others.
    with tqdm(desc="Iterations", disable=None) if show else nullcontext() as counter:
        report = partial(_report, basis, counter, callback, np.geterr())
        climbed = None if given is None else _climb(objective, given, request, report)
        if climbed is None or climbed.status in LOST:
            climbed = _climb_from_null(objective, nothing, request, report)
    warn_if_not_converged(climbed)
    return FitRecord(
        encoding=design.encoding,
        blocks=blocks,
        weight_type=design.weight_type,
        request=request,
        maximum=_leave_basis(climbed, basis),
        basis=basis,
        null=null,
        nobs=total_observations(design),
        audit=design.audit,
        index=design.index,
    )


def make_objective(blocks: RowBlocks, base: int, basis: ColumnBasis) -> LogLikelihood:
    """Return the log-likelihood in a basis: rows mapped, or sums where those are many.

    Rows that are kept in the basis cost nothing after the first pass. More rows than are
    kept, or than are worth a copy where blocks are cut without one, stay as they are if
    their columns are well conditioned.
    """
    source = blocks.design.source
    elements = blocks.rows * blocks.width
    many = elements > KEPT_ELEMENTS or (source.direct and elements > DIRECT_ELEMENTS)
    longest = bound_longest(basis, source)
    # Sums are mapped twice over, so a basis that amplifies by k costs k squared in rounding.
    conditioned = SPARSE_CONDITIONED if source.sparse else WELL_CONDITIONED
    if many and basis.raw_amplification <= conditioned:
        return LogLikelihood(blocks, base, basis.raw_amplification, basis, longest)
    return LogLikelihood(blocks.in_basis(basis), base, basis.amplification, None, longest)


def _climb(
    objective: LogLikelihood,
    start: np.ndarray,
    request: FitRequest,
    report: Callable[[np.ndarray], bool],
    whitening: Whitening | None = None,
) -> Maximum:
    return maximize(
        objective, start, request.method, request.maxiter, request.tolerance, report, whitening
    )


def _climb_from_null(
    objective: LogLikelihood,
    nothing: Start,
    request: FitRequest,
    report: Callable[[np.ndarray], bool],
) -> Maximum:
    """Climb from the null model; with method="auto" and many rows, by way of a few of them."""
    if _is_too_large(objective.size, request):
        return climb_without_information(
            objective, nothing, request.maxiter, request.tolerance, report
        )
    work = objective.blocks.rows * objective.size
    if request.method != "auto" or work < LARGE_WORK:
        return _climb(objective, nothing.params, request, report)
    start = warm_up(objective, nothing)
    first = replace(request, method="L-BFGS-B")
    return _climb(objective, start.params, first, report, start.whitening)


def _is_too_large(size: int, request: FitRequest) -> bool:
    """Tell whether a P x P array is out of the question unless it was asked for."""
    free = request.method == "auto" or find_method(request.method, size) == "L-BFGS-B"
    return free and size > LARGEST_SIZE and not request.covariance


def _report(
    basis: ColumnBasis,
    counter: Any,
    callback: Callable[[np.ndarray], Any] | None,
    errors: Any,
    params: np.ndarray,
) -> bool:
    """Count an iteration, and call the user's callback under the user's own error state."""
    if counter is not None:
        counter.update()
    if callback is None:
        return False
    outer = basis.leave_params(params.reshape(-1, len(basis.scale))).ravel()
    with np.errstate(**errors):
        return bool(callback(outer))


def fit_null(blocks: RowBlocks, base: int, basis: ColumnBasis) -> tuple[NullModel, Start]:
    """Fit the model without regressors; return it, its params in the basis and whitening.

    With a constant in the column space and no offset the fitted probabilities
    are the shares, ``log L = Σ_k T_k log(T_k / T)``; with an offset the intercepts
    are climbed. Without a constant every parameter is zero.
    """
    objective = LogLikelihood(blocks, base)
    has_offset = blocks.design.offset is not None
    totals = blocks.reduce(_total_outcome).value
    shares = totals / totals.sum()
    whitening = whiten_null(shares, base, blocks.width, float(totals.sum()))
    if basis.constant is None:
        zeros = np.zeros(objective.size)
        loglike = objective.evaluate(zeros, 0).loglike
        return NullModel(loglike, "offset" if has_offset else "equal shares"), Start(
            zeros, whitening
        )
    intercepts = np.delete(np.log(shares) - np.log(shares[base]), base)
    if has_offset:
        null, intercepts = _climb_intercepts(blocks.design, intercepts, base, blocks.threads)
    else:
        null = NullModel(float(totals @ np.log(shares)), "intercepts")
    return null, Start(np.outer(intercepts, basis.constant).ravel(), whitening)


def _climb_intercepts(
    design: Design, intercepts: np.ndarray, base: int, threads: int
) -> tuple[NullModel, np.ndarray]:
    """Fit the intercepts beside an offset; NaN if that fit cannot be certified."""
    means = np.asarray(design.offset).mean(axis=0)
    constant = ArraySource(np.ones((design.source.shape[0], 1)))
    beside = RowBlocks(replace(design, source=constant), threads=threads)
    objective = LogLikelihood(beside, base)
    climbed = maximize(objective, intercepts - np.delete(means - means[base], base))
    loglike = climbed.sums.loglike if climbed.converged else np.nan
    return NullModel(loglike, "intercepts and offset"), climbed.params


def _total_outcome(block: Block) -> Matrix:
    if block.codes is not None:
        return Matrix(np.bincount(block.codes, block.weights, block.categories).astype(float))
    table = np.asarray(block.table)
    return Matrix(table.sum(axis=1) if block.weights is None else table @ block.weights)


def _read_start(given: np.ndarray | None, basis: ColumnBasis, size: int) -> np.ndarray | None:
    if given is None:
        return None
    if np.shape(given) != (size,):
        raise ParamsError(f"start_params has shape {np.shape(given)}, not ({size},).")
    if not np.isfinite(given).all():
        raise ParamsError("start_params holds values that are not finite.")
    return basis.enter_params(given.reshape(-1, len(basis.scale))).ravel()


def _leave_basis(climbed: Maximum, basis: ColumnBasis) -> Maximum:
    points = climbed.trace.params
    path = basis.leave_params(points.reshape(len(points), -1, len(basis.scale)))
    trace = replace(climbed.trace, params=path.reshape(points.shape))
    return replace(climbed, params=trace.params[-1].copy(), trace=trace)


def warn_if_not_converged(maximum: Maximum) -> None:
    """Warn how far off the answer can be if its certificate does not hold."""
    if maximum.converged:
        return
    certificate = maximum.certificate
    if maximum.sums.information is None:
        size = len(maximum.params)
        warn_user(
            f"{maximum.status.value} The {size} parameters' covariance takes "
            f"{8 * size**2 / 1e9:.1f} GB; fit(cov_type='nonrobust') finds it, and the certificate "
            f"that decides on convergence, in some {40 * size**2 / 1e9:.0f} GB of memory. The "
            f"estimates are about {certificate.decrement:.1g} standard errors from the maximum, "
            "if a finite one exists.",
            CovarianceOmittedWarning,
        )
        return
    if maximum.status is Status.NO_FINITE_MAXIMUM:
        warn_user(
            f"{maximum.status.value} The fit counts as not converged (the certificate's a is "
            f"{certificate.product:.3g}, and must be below 1); its standard errors are NaN.",
            NoFiniteMaximumWarning,
        )
        return
    if certificate.finite_maximum:
        off = (
            f"coefficients can be off by up to {certificate.error_bound:.2g} of their standard "
            f"errors, the log-likelihood by up to {certificate.loglike_gap:.2g}"
        )
    else:
        off = "no bound on its distance from the maximum is known; standard errors are NaN"
    warn_user(
        f"{maximum.status.value} {maximum.iterations} iterations of {maximum.method}: {off}.",
        NotConvergedWarning,
    )

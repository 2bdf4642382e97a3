"""What is asked of a fit, and everything it found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import check_tolerance, is_whole
from mlelogit.data.blocks import RowBlocks, hold_blocks
from mlelogit.data.encoding import Encoding
from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.rows import Audit
from mlelogit.data.threads import count_threads
from mlelogit.exceptions import (
    BiasReductionError,
    ConstraintError,
    DataNotKeptError,
    OptionError,
)
from mlelogit.fitting.certificate import DEFAULT_TOLERANCE
from mlelogit.fitting.constrained.constraints import Constraints
from mlelogit.fitting.constrained.moves import Moves, find_moves
from mlelogit.fitting.likelihood import Sums
from mlelogit.fitting.limit import CERTIFIED, Separation
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import Maximum, ReadOnly
from mlelogit.fitting.optimization import find_method
from mlelogit.fitting.penalties import check_bias_reduction
from mlelogit.fitting.separation import restrict_rows

NOT_KEPT = (
    "This fit no longer holds its rows, which the question needs. If it was loaded from a file, "
    "load it with them: ml.load(path, data=frame), or save it with them: "
    "res.save(path, data=True). What takes newdata is answered for new rows without them."
)


@dataclass(frozen=True)
class FitRequest:
    """How to climb.

    Made by `mlelogit.MNLogit.fit`.

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
    bias_reduction : {"mean", "median"}, optional
        Which bias to reduce; maximum likelihood if not given.
    constraints : Restriction, optional
        Equations and bounds for the params.
    """

    method: str = "auto"
    start_params: np.ndarray | None = None
    maxiter: int | None = None
    tolerance: float = DEFAULT_TOLERANCE
    threads: int | None = None
    covariance: bool = False
    bias_reduction: str | None = None
    constraints: Restriction | None = None

    def __post_init__(self) -> None:
        check_bias_reduction(self.bias_reduction)
        if self.constraints is not None and self.bias_reduction is not None:
            raise BiasReductionError(
                "Constrained estimates maximize the likelihood; bias_reduction moves estimates off "
                "that maximum. Drop constraints and equations, or bias_reduction."
            )
        find_method(self.method, 1)
        if self.maxiter is not None and not (is_whole(self.maxiter) and self.maxiter > 0):
            raise OptionError(f"maxiter must be a positive whole number, not {self.maxiter!r}.")
        count_threads(self.threads)
        check_tolerance(self.tolerance)


@dataclass(frozen=True)
class NullModel:
    """The model without regressors.

    Attributes
    ----------
    loglike : float
    kind : str
        "intercepts", if the constant is in the column space of the design, else
        "equal shares"; with an offset "intercepts and offset" or "offset".
    dimension : int, optional
        Number of its params where constraints leave fewer than one per equation.
    outside : bool
        Whether it does not meet the fit's constraints.
    """

    loglike: float
    kind: str
    dimension: int | None = None
    outside: bool = False

    @property
    def has_intercepts(self) -> bool:
        """Whether its J - 1 parameters are intercepts, or it has none."""
        return self.kind.startswith("intercepts")


@dataclass(frozen=True)
class RowFacts(ReadOnly):
    """What is known of the rows of a fit that does not hold them.

    Attributes
    ----------
    way : str
        How they were read, if in pieces; else empty.
    weights_name : str
        The column that the weights were; empty if they were not given by name.
    collinear : str
        "drop" or "raise": what was to be done about collinear columns.
    rows : int
        How many were used.
    probabilities, hits, squares
        How predictions agree with outcomes (J, J), (J,) and a float; see
        `mlelogit.inference.fit_measures.Agreement`. None, None and NaN if that is not known.
    imprint : numpy.ndarray or None
        (2, 2): what other rows would not give; see `mlelogit.saving.imprint`.
    """

    way: str = ""
    weights_name: str = ""
    collinear: str = "drop"
    rows: int = 0
    probabilities: np.ndarray | None = None
    hits: np.ndarray | None = None
    squares: float = float("nan")
    imprint: np.ndarray | None = None


@dataclass(frozen=True)
class FitRecord:
    """Everything a fit found; whatever a user asks afterwards is a function of it.

    Made by `mlelogit.MNLogit.fit`.

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
    separation : Separation
        Whether the data are separated, and what is in the limit.
    restriction : Restriction or None
        Independent linear equations that the params were held to, active bounds among them.
    constraints : Constraints or None
        All that was asked of the params, and what it costs.
    facts : RowFacts or None
        What is known of rows that are not held.
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
    separation: Separation = CERTIFIED
    restriction: Restriction | None = None
    constraints: Constraints | None = None
    facts: RowFacts | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle what was found, and not what follows from it."""
        return {key: value for key, value in vars(self).items() if key != "moves"}

    @cached_property
    def moves(self) -> Moves | None:
        """What the equations in force leave of the params; all if None."""
        return None if self.restriction is None else find_moves(self.restriction, self.basis)

    @property
    def way(self) -> str:
        """How the rows are read, or were, if that is in pieces; else empty."""
        if self.blocks is None:
            return "" if self.facts is None else self.facts.way
        stream = self.blocks.design.stream
        return "" if stream is None else stream.way

    @property
    def weights_name(self) -> str:
        """The column of the data that the weights were; empty if not given by name."""
        if self.blocks is None:
            return "" if self.facts is None else self.facts.weights_name
        return self.blocks.design.weights_name

    @property
    def collinear(self) -> str:
        """What was to be done about columns that are combinations of others."""
        if self.blocks is None:
            return "drop" if self.facts is None else self.facts.collinear
        return self.blocks.design.collinear

    @property
    def size(self) -> int:
        """Number of free params: P less the equations in force."""
        return len(self.maximum.params) - (0 if self.restriction is None else len(self.restriction))

    @property
    def at_bounds(self) -> bool:
        """Whether the params stand at a bound that they were held to."""
        return self.constraints is not None and self.constraints.at_bounds

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

    @property
    def inner_params(self) -> np.ndarray:
        """Estimates (P,) in the internal basis."""
        return self.basis.enter_params(self.params).ravel()

    @property
    def estimates(self) -> np.ndarray:
        """Estimates (P,), those that run to infinity infinite; `params` has what is beside."""
        if not self.separation.found:
            return self.maximum.params
        limits = self.separation.find_limits(self.basis)
        return np.where(np.isfinite(limits), self.maximum.params, limits)

    @property
    def well_defined(self) -> bool:
        """Whether estimates stand for something finite, be it in the limiting model."""
        return self.separation.found or self.maximum.finite

    def in_memory(self) -> FitRecord:
        """Return the fit with its rows in memory, for what takes all of them at once.

        Raises
        ------
        RowsNotHeldError
            If they are read in pieces, and are too many.
        """
        if self.blocks is None or self.blocks.held:
            return self
        blocks = hold_blocks(self.blocks)
        return replace(self, blocks=blocks, index=blocks.design.index)

    def limit_blocks(self) -> RowBlocks:
        """Return the rows, each with the categories that are left of it in the limit."""
        blocks, possible = self.need_blocks(), self.separation.possible
        return blocks if possible is None else restrict_rows(blocks, possible)

    def need_restriction(self) -> Restriction:
        """Return the equations in force, or raise `ConstraintError`."""
        if self.restriction is None:
            raise ConstraintError("This fit has no constraints in force.")
        return self.restriction

    def need_blocks(self) -> RowBlocks:
        """Return the rows, or raise `DataNotKeptError`."""
        if self.blocks is None:
            raise DataNotKeptError(NOT_KEPT)
        return self.blocks

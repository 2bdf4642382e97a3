"""The log-likelihood of all rows as a function to climb, and bounds on what its rows can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.fitting.certificate import Rounding, RowSizes, bound_rounding
from mlelogit.fitting.likelihood import Matrix, Sums, sum_block, sum_curvature, sum_meat
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.products import quadratic_forms, unpack_gram

Products = TypeVar("Products", bound=Matrix)


@dataclass(frozen=True)
class Largest:
    """The largest of some numbers; ``+`` keeps the larger."""

    value: float

    def __add__(self, other: Largest) -> Largest:
        return Largest(float(np.maximum(self.value, other.value)))


def find_largest_quadratic(block: Block, matrix: np.ndarray) -> Largest:
    """Return the largest x_n' M x_n of a block."""
    return Largest(float(quadratic_forms(block.x, matrix).max()))


def sum_sizes(block: Block, square: np.ndarray) -> RowSizes:
    """Add up the weighted lengths of a block's rows, and their squares, ``‖z_n‖² = x_n' Q x_n``."""
    squares = np.maximum(quadratic_forms(block.x, square), 0.0)
    lengths = np.sqrt(squares)
    people = np.ones(len(lengths))
    if block.counted and block.table is not None:
        people = block.table.sum(axis=0)
    weights = people if block.weights is None else people * block.weights
    reach = lengths
    if block.offset is not None:
        finite = np.where(np.isfinite(block.offset), block.offset, 0.0)
        reach = lengths * (1 + np.abs(finite).max(axis=0))
    first, second = float(weights @ reach), float(weights @ squares)
    return RowSizes(first, second, float(weights.max()), float(weights.sum()), float(squares.max()))


def add_variances(covariance: np.ndarray, width: int) -> np.ndarray:
    """Return ``Σ_j V_jj`` (K, K), V_jj the diagonal blocks of V."""
    cube = covariance.reshape(-1, width, len(covariance) // width, width)
    return np.asarray(np.einsum("jkjl->kl", cube))


def bound_log_odds(variances: np.ndarray, longest: float) -> float:
    """Bound the standard error of any log-odds at rows whose squared length is known."""
    top = float(np.linalg.eigvalsh(variances)[-1])
    return float(np.sqrt(max(2.0 * top * longest, 0.0)))


@dataclass(frozen=True)
class LogLikelihood:
    """The log-likelihood of some rows as a function of params (P,).

    Attributes
    ----------
    blocks : RowBlocks
    base : int
        Position of the base category.
    amplification : float
        How much the basis magnifies the rounding of a row.
    basis : ColumnBasis or None
        Params are coefficients in this basis, though the blocks come as they are: values
        and scores are mapped instead of rows. For well-conditioned columns that loses next
        to nothing, and spares every pass the change of basis.
    longest : float or None
        A bound on the squared length of the rows in an orthogonal basis; None if their
        columns are not orthogonal.
    rough : bool
        Whether informations are formed in single precision, good enough to whiten with.
    """

    blocks: RowBlocks
    base: int
    amplification: float = 1.0
    basis: ColumnBasis | None = None
    longest: float | None = None
    rough: bool = False

    @property
    def size(self) -> int:
        """Number of free parameters P."""
        return (self.blocks.categories - 1) * self.blocks.width

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, from order 1 on the score, from 2 on the information."""
        outer = self._leave(params)
        sums = self.blocks.reduce(sum_block, outer, self.base, order, self._turn, self.rough)
        score, information = sums.score, sums.information
        if information is not None:
            information = self._lay_out(information)
        if self.basis is not None and score is not None:
            score = self.basis.enter_score(score)
        return replace(sums, score=score, information=information)

    def sum_meats(self, params: np.ndarray, squared: bool) -> np.ndarray:
        """Return the sum of outer products of the observations' scores (P, P)."""
        return self.sum_products(sum_meat, params, squared).value

    def sum_products(
        self, function: Callable[..., Products], params: np.ndarray, *args: Any
    ) -> Products:
        """Sum records whose value is packed as `weighted_gram` does; lay it out as (P, P).

        The function is called with a block, params and base, with args, and with what turns
        the columns.
        """
        sums = self.blocks.reduce(function, self._leave(params), self.base, *args, self._turn)
        return replace(sums, value=self._lay_out(sums.value))

    def map(
        self, function: Callable[..., np.ndarray], params: np.ndarray, *args: Any
    ) -> np.ndarray:
        """Join what a function of a block, params, base and args returns per row; see `RowBlocks`.

        Params are given to it as coefficients of the blocks' own columns.
        """
        return self.blocks.map(function, self._leave(params), self.base, *args)

    def leave_covariance(self, covariance: np.ndarray) -> np.ndarray:
        """Map a covariance (P, P) to that of the coefficients of the blocks' own columns."""
        return covariance if self.basis is None else self.basis.leave_covariance(covariance)

    def _lay_out(self, packed: np.ndarray) -> np.ndarray:
        """Lay a packed sum of products out as (P, P), in the basis."""
        full = unpack_gram(packed, self.blocks.width)
        if self.basis is None or self._turn is not None:
            return full
        return self.basis.enter_information(full)

    def multiply_information(self, params: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Return the information at params times a direction (P,), without forming it."""
        outer, along = self._leave(params), self._leave(direction)
        product = self.blocks.reduce(sum_curvature, outer, self.base, along).value
        return product if self.basis is None else self.basis.enter_score(product)

    def _leave(self, params: np.ndarray) -> np.ndarray:
        """Map coefficients to those of the columns that the blocks come with."""
        return params if self.basis is None else self.basis.leave_params(params)

    @property
    def _turn(self) -> np.ndarray | None:
        """What turns the rows when products of their columns are summed; sums else are."""
        return None if self.basis is None or self.blocks.sparse else self.basis.matrix

    def _square(self, matrix: np.ndarray) -> np.ndarray:
        """Return the matrix whose quadratic forms of the blocks' rows are those of M in z."""
        if self.basis is None:
            return matrix
        return np.asarray(self.basis.matrix.T @ matrix @ self.basis.matrix)

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are: known beforehand where they are orthogonal and alike."""
        if self.longest is not None and self.blocks.summed.plain:
            n, width = float(self.blocks.rows), self.blocks.width
            return RowSizes(n * float(np.sqrt(width)), n * width, 1.0, n, self.longest)
        return self.blocks.reduce(sum_sizes, self._square(np.eye(self.blocks.width)))

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""
        return bound_rounding(sizes, self.amplification, self.size, self.blocks.summed.rows)

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        r"""Bound the largest standard error of any log-odds at any row.

        ``D² <= 2 max_n x_n' (Σ_j V_jj) x_n``, since ``Var(a - b) <= 2 Var(a) + 2 Var(b)``.
        """
        # On separated data variances leave the range of a double; NaN certifies nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = self._square(add_variances(covariance, self.blocks.width))
            largest = self.blocks.reduce(find_largest_quadratic, matrix)
        return float(np.sqrt(max(2.0 * largest.value, 0.0)))

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass: ``x'Mx`` is at most its largest eigenvalue times x'x."""
        return bound_log_odds(add_variances(covariance, self.blocks.width), sizes.longest)


@dataclass(frozen=True)
class PenalizedObjective:
    """A log-likelihood with a penalty: rows, and what they bound, are those of the plain one.

    Attributes
    ----------
    plain : LogLikelihood
    """

    plain: LogLikelihood

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        """Bound the largest standard error of any log-odds at any row."""
        return self.plain.bound_log_odds_error(covariance)

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass over the rows."""
        return self.plain.bound_log_odds_coarsely(covariance, sizes)

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are."""
        return self.plain.measure_rows()

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""
        return self.plain.bound_rounding(sizes)

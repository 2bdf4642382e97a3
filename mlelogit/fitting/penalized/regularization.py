r"""Ridge, lasso and elastic net: the penalty, the scale it acts on, and when a point is optimal.

With W the sum of the weights, each row or person counted, and coefficients b_jk of column j in
*every* category k, what is minimized is ::

    -(1 / W) Σ_n w_n Σ_k d_nk log y_nk + λ Σ_j [ (1 - α) / 2 ‖b_j‖² + α ‖b_j‖₁ ]

(Friedman, Hastie and Tibshirani 2010, Journal of Statistical Software 33(1), equations 19 and
21), or with α Σ_j ‖b_j‖₂ in place of the last term if the categories of a column are grouped
(Simon, Friedman and Hastie 2013, arXiv:1311.6529). The constant column is not penalized. With
``standardize`` the penalty is on coefficients of columns divided by their standard deviation,
with divisor W and about the mean.

The log-likelihood stays the same if all categories of a column move together; the penalty
does not, and picks one of them: the one whose coefficients sum to zero (ridge, or grouped), or
whose median is zero (lasso; of an even number, the middle between the two in the middle).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.fitting.likelihood import Matrix, weigh
from mlelogit.fitting.maximum import ReadOnly

# Stands for a position that is to be found.
ANY = -1


@dataclass(frozen=True)
class Penalty:
    """How large coefficients cost; the columns are standardized, their factors are not.

    Attributes
    ----------
    level : float
        λ.
    l1_ratio : float
        α: 0 is ridge, 1 lasso.
    grouped : bool
        Whether the categories of a column share one norm.
    scale : numpy.ndarray
        (K,): a coefficient b of column j costs as b / scale_j does; infinite for the constant.
    """

    level: float
    l1_ratio: float
    grouped: bool
    scale: np.ndarray

    @property
    def linear(self) -> np.ndarray:
        """What norms are multiplied by (K,)."""
        return self.level * self.l1_ratio / self.scale

    @property
    def square(self) -> np.ndarray:
        """What half the squares are multiplied by (K,)."""
        return self.level * (1 - self.l1_ratio) / self.scale**2

    def measure_norms(self, values: np.ndarray) -> np.ndarray:
        """Return the norms that the penalty is linear in: (J, K), or (1, K) if grouped."""
        return np.linalg.norm(values, axis=0, keepdims=True) if self.grouped else np.abs(values)

    def cost(self, coefficients: np.ndarray) -> float:
        """Return the penalty of coefficients (J, K)."""
        squares = 0.5 * float((self.square * coefficients**2).sum())
        return squares + float((self.linear * self.measure_norms(coefficients)).sum())

    def measure_slack(self, coefficients: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return how far coefficients are from optimal, entry by entry: zero where they are.

        With g the gradient of all that is smooth and u the direction of a norm that is not
        zero, ``g + λ α u`` has to vanish; where the norm is zero, g must not be longer than λ α
        (Karush, Kuhn and Tucker's conditions).

        Parameters
        ----------
        coefficients, gradient : numpy.ndarray
            (J, K); the gradient is that of the loss.

        Returns
        -------
        numpy.ndarray
            (J, K), or for columns all of zeros the excess of the norm in every entry.
        """
        smooth = gradient + self.square * coefficients
        norms = self.measure_norms(coefficients)
        beyond = np.maximum(self.measure_norms(smooth) - self.linear, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            direction = np.where(norms > 0, coefficients / norms, 0.0)
        return np.where(norms > 0, np.abs(smooth + self.linear * direction), beyond)

    def center(self, coefficients: np.ndarray, sparse: bool = False) -> np.ndarray:
        """Move the categories of every column together to where the penalty is least.

        Without a quadratic term, where a middle interval is as good as any point in it, the
        middle of it is taken, as glmnet does; or if it is to be sparse the end of it
        that is nearer to zero, which leaves a zero.

        Parameters
        ----------
        coefficients : numpy.ndarray
            (J, K).
        sparse : bool
        """
        categories = len(coefficients)
        mean = coefficients.mean(axis=0)
        if self.grouped or self.l1_ratio == 0:
            return np.asarray(coefficients - mean)
        ordered = np.sort(coefficients, axis=0)
        low, high = ordered[(categories - 1) // 2], ordered[categories // 2]
        if self.l1_ratio == 1:
            middle = np.where(np.abs(low) < np.abs(high), low, high) if sparse else (low + high) / 2
        else:
            # The median of 2 J + 1 numbers (Li and Osher 2009, Inverse Problems and Imaging 3).
            counts = categories - 2 * np.arange(categories + 1)[:, np.newaxis]
            ratio = self.l1_ratio / (1 - self.l1_ratio) * self.scale / categories
            free = np.isfinite(self.scale)
            stops = mean + counts * np.where(free, ratio, 0.0)
            middle = np.median(np.concatenate([coefficients, stops]), axis=0)
        return np.asarray(coefficients - np.where(np.isfinite(self.scale), middle, mean))


@dataclass(frozen=True)
class Standardization(ReadOnly):
    """Columns less their mean, over their standard deviation; the constant one is one.

    Without a constant column there is nothing to make up for a mean: then columns are only
    divided, by their root mean square, and the penalty makes up for that.

    Attributes
    ----------
    center, scale : numpy.ndarray
        (K,): what is subtracted and divided by: the constant's value for the constant, one
        for a column of zeros.
    deviation : numpy.ndarray
        (K,): weighted standard deviations with divisor W; one for a column that is constant.
    intercept : int or None
        Position of the constant column.
    """

    center: np.ndarray
    scale: np.ndarray
    deviation: np.ndarray
    intercept: int | None

    def enter(self, x: np.ndarray) -> np.ndarray:
        """Return columns (K, m) standardized."""
        return np.asarray((x - self.center[:, np.newaxis]) / self.scale[:, np.newaxis])

    def leave(self, coefficients: np.ndarray) -> np.ndarray:
        """Map coefficients (..., K) of standardized columns to those of the design's own.

        Intercepts come with mean zero over the categories, the last axis but one.
        """
        outer = np.asarray(coefficients / self.scale)
        if self.intercept is not None:
            outer[..., self.intercept] -= outer @ self.center / self.scale[self.intercept]
            outer[..., self.intercept] -= outer[..., self.intercept].mean(axis=-1, keepdims=True)
        return outer


def find_standardization(blocks: RowBlocks, intercept: int | None = ANY) -> Standardization:
    """Find means and standard deviations of a design's columns, in two passes.

    Parameters
    ----------
    blocks : RowBlocks
    intercept : int or None
        Position of the constant column, None if there is none. If not given it is the first
        all of whose values are the same and not zero.
    """
    low, high = blocks.design.source.extremes
    same = low == high
    if intercept == ANY:
        fixed = np.flatnonzero(same & (low != 0))
        intercept = int(fixed[0]) if fixed.size else None
    first = blocks.reduce(sum_moments, np.zeros(blocks.width), 1).value
    mean = np.where(same, low, first[1:] / first[0])
    second = blocks.reduce(sum_moments, mean, 2).value
    deviation = np.sqrt(second[1:] / second[0])
    deviation[same | (deviation == 0)] = 1.0
    if intercept is None:
        scale = np.where(same, 1.0, np.hypot(deviation, mean))
        return Standardization(np.zeros(blocks.width), scale, deviation, None)
    scale = deviation.copy()
    mean[intercept], scale[intercept] = 0.0, low[intercept]
    return Standardization(mean, scale, deviation, intercept)


def sum_moments(block: Block, center: np.ndarray, power: int) -> Matrix:
    """Sum the weights of a block, then powers of its columns less a center: (1 + K,)."""
    weights = weigh_people(block)
    moved = lay_out(block.x) - center[:, np.newaxis]
    return Matrix(np.concatenate([[weights.sum()], moved**power @ weights]))


def weigh_people(block: Block) -> np.ndarray:
    """Return the weight of every row times the people in it (m,)."""
    rows = block.x.shape[1]
    people = np.ones(rows)
    if block.counted and block.table is not None:
        people = block.table.sum(axis=0)
    return weigh(block, people)

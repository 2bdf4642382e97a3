r"""Log-likelihood, score and information of one block, and their sums.

Conventions
-----------
Nothing else in the package derives these again.

- There are n rows, K columns, J categories and ``P = (J - 1) K`` free
  parameters. `params` is B of shape (J - 1, K), one row for each category that
  is not the base, in the order of the categories, flattened in C order:
  equation by equation.
- Row n has scores ``u_nk = x_n' b_k + o_nk`` with ``b_base = 0`` and an offset
  o, and probabilities ``y_nk = exp(u_nk) / Σ_l exp(u_nl)``.
- ``d_nk`` says how much of row n is in category k: an indicator for labels,
  people for counts, a share for probabilities. ``t_n = Σ_k d_nk``.
- The log-likelihood is a sum over rows, ``Σ_n w_n Σ_k d_nk log y_nk``; the score
  is its gradient, ``Σ_n w_n (d_nk - t_n y_nk) x_n`` for category k; the
  information is minus its Hessian, with (k, l) block
  ``Σ_n w_n t_n y_nk (1[k = l] - y_nl) x_n x_n'`` (McFadden 1974; Greene 2018,
  section 18.2.3). Nothing here is negated or averaged.
- Arrays of a block have their rows last: x is (K, m), probabilities (J, m).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.fitting.certificate import Rounding, RowSizes, bound_rounding
from mlelogit.fitting.linalg import index_pairs, log_softmax, weighted_gram


@dataclass(frozen=True)
class Sums:
    """What the rows of a block, or of all blocks, add up to.

    Attributes
    ----------
    loglike : float
        Log-likelihood.
    score : numpy.ndarray or None
        Its gradient (P,).
    information : numpy.ndarray or None
        Minus its Hessian (P, P).
    rows : int
        Number of rows.
    """

    loglike: float
    score: np.ndarray | None
    information: np.ndarray | None
    rows: int

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.loglike + other.loglike,
            _add(self.score, other.score),
            _add(self.information, other.information),
            self.rows + other.rows,
        )


@dataclass(frozen=True)
class Largest:
    """The largest of some numbers; ``+`` keeps the larger."""

    value: float

    def __add__(self, other: Largest) -> Largest:
        return Largest(float(np.maximum(self.value, other.value)))


@dataclass(frozen=True)
class Matrix:
    """A matrix summed over rows."""

    value: np.ndarray

    def __add__(self, other: Matrix) -> Matrix:
        return Matrix(self.value + other.value)


@dataclass(frozen=True)
class Evaluation:
    """The one kernel: what every sum over a block is made of.

    Attributes
    ----------
    log_probabilities, probabilities : numpy.ndarray
        log y and y, (J, m).
    others : numpy.ndarray
        1 - y as the sum of the other categories' y, (J, m): small where y is near
        one, and exact there.
    outcome : numpy.ndarray
        d, (J, m).
    totals : numpy.ndarray
        t, (m,).
    weights : numpy.ndarray
        w, (m,).
    """

    log_probabilities: np.ndarray
    probabilities: np.ndarray
    others: np.ndarray
    outcome: np.ndarray
    totals: np.ndarray
    weights: np.ndarray

    @property
    def loglikeobs(self) -> np.ndarray:
        """Contribution of every row to the log-likelihood (m,)."""
        reached = np.where(self.outcome > 0, self.log_probabilities, 0.0)
        return self.weights * (self.outcome * reached).sum(axis=0)

    @property
    def residuals(self) -> np.ndarray:
        """D - t y, unweighted (J, m), as ``d (1 - y) - (t - d) y``, which loses no digits."""
        return self.outcome * self.others - (self.totals - self.outcome) * self.probabilities


def _add(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    return None if left is None or right is None else left + right


def predict_scores(
    x: np.ndarray, params: np.ndarray, base: int, offset: np.ndarray | None
) -> np.ndarray:
    """Return the scores u (J, m) of columns x (K, m); zero for the base, plus the offset."""
    scores = np.insert(params.reshape(-1, len(x)) @ x, base, 0.0, axis=0)
    return scores if offset is None else scores + offset


def sum_others(probabilities: np.ndarray) -> np.ndarray:
    """Return, for every category, the sum of the other categories' probabilities (J, m)."""
    others = np.zeros_like(probabilities)
    others[1:] = np.cumsum(probabilities[:-1], axis=0)
    others[:-1] += np.cumsum(probabilities[:0:-1], axis=0)[::-1]
    return others


def evaluate_block(block: Block, params: np.ndarray, base: int) -> Evaluation:
    """Evaluate a block at params (P,)."""
    scores = predict_scores(block.x, params, base, block.offset)
    log_probabilities, probabilities = log_softmax(scores)
    rows = scores.shape[1]
    weights = np.ones(rows) if block.weights is None else block.weights
    if block.codes is None:
        outcome = np.asarray(block.table)
        totals = outcome.sum(axis=0) if block.counted else np.ones(rows)
    else:
        outcome = np.zeros(scores.shape)
        outcome[block.codes, np.arange(rows)] = 1.0
        totals = np.ones(rows)
    others = sum_others(probabilities)
    return Evaluation(log_probabilities, probabilities, others, outcome, totals, weights)


def sum_block(block: Block, params: np.ndarray, base: int, order: int) -> Sums:
    """Return log-likelihood (order 0), score (1) and information (2) of a block."""
    evaluation = evaluate_block(block, params, base)
    loglike = float(evaluation.loglikeobs.sum())
    score = information = None
    if order >= 1:
        residuals = np.delete(evaluation.residuals, base, axis=0) * evaluation.weights
        score = (residuals @ block.x.T).ravel()
    if order >= 2:
        y = np.delete(evaluation.probabilities, base, axis=0)
        first, second, _ = index_pairs(len(y))
        spread = -y[first] * y[second]
        spread[first == second] = y * np.delete(evaluation.others, base, axis=0)
        spread *= evaluation.weights * evaluation.totals
        information = weighted_gram(block.x, spread, len(y))
    return Sums(loglike, score, information, block.x.shape[1])


def sum_meat(block: Block, params: np.ndarray, base: int, squared: bool) -> Matrix:
    """Sum the outer products of the scores of a block's observations: (P, P).

    Each of the d_nk people of a row of counts is an observation. A weight
    enters once (frequency), or squared (sampling).
    """
    evaluation = evaluate_block(block, params, base)
    weights = evaluation.weights**2 if squared else evaluation.weights
    y = np.delete(evaluation.probabilities, base, axis=0)
    first, second, _ = index_pairs(len(y))
    if block.counted:
        d = np.delete(evaluation.outcome, base, axis=0)
        spread = evaluation.totals * y[first] * y[second] - d[first] * y[second]
        spread -= y[first] * d[second]
        spread[first == second] += d
    else:
        residuals = np.delete(evaluation.residuals, base, axis=0)
        spread = residuals[first] * residuals[second]
    return Matrix(weighted_gram(block.x, spread * weights, len(y)))


def map_loglikeobs(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the contribution of every row to the log-likelihood (m,)."""
    return evaluate_block(block, params, base).loglikeobs


def map_score_obs(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the contribution of every row to the score (P, m)."""
    evaluation = evaluate_block(block, params, base)
    residuals = np.delete(evaluation.residuals, base, axis=0) * evaluation.weights
    return (residuals[:, np.newaxis, :] * block.x).reshape(-1, block.x.shape[1])


def map_scores(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the scores u of every row (J, m)."""
    return predict_scores(block.x, params, base, block.offset)


def map_residuals(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return d - t y of every row, unweighted (J, m)."""
    return evaluate_block(block, params, base).residuals


def map_outcome(block: Block) -> np.ndarray:
    """Return d of every row, unweighted (J, m)."""
    if block.codes is None:
        return np.asarray(block.table)
    outcome = np.zeros((block.categories, len(block.codes)))
    outcome[block.codes, np.arange(len(block.codes))] = 1.0
    return outcome


def find_largest_quadratic(block: Block, matrix: np.ndarray) -> Largest:
    """Return the largest x_n' M x_n of a block."""
    return Largest(float((block.x * (matrix @ block.x)).sum(axis=0).max()))


def sum_sizes(block: Block) -> RowSizes:
    """Add up the weighted lengths of a block's rows, and their squares."""
    lengths = np.sqrt((block.x**2).sum(axis=0))
    people = np.ones(len(lengths))
    if block.counted and block.table is not None:
        people = block.table.sum(axis=0)
    weights = people if block.weights is None else people * block.weights
    reach = lengths if block.offset is None else lengths * (1 + np.abs(block.offset).max(axis=0))
    return RowSizes(float(weights @ reach), float(weights @ lengths**2), float(weights.max()))


@dataclass(frozen=True)
class LogLikelihood:
    """The log-likelihood of some rows as a function of params (P,).

    Attributes
    ----------
    blocks : RowBlocks
    base : int
        Position of the base category.
    amplification : float
        How much the blocks' basis magnifies the rounding of a row.
    """

    blocks: RowBlocks
    base: int
    amplification: float = 1.0

    @property
    def size(self) -> int:
        """Number of free parameters P."""
        return (self.blocks.categories - 1) * self.blocks.width

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, from order 1 on the score, from 2 on the information."""
        return self.blocks.reduce(sum_block, params, self.base, order)

    def bound_rounding(self) -> Rounding:
        """Bound the rounding errors of score and information."""
        return bound_rounding(self.blocks.reduce(sum_sizes), self.amplification, self.size)

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        r"""Bound the largest standard error of any log-odds at any row.

        ``D² <= 2 max_n x_n' (Σ_j V_jj) x_n`` with V_jj the (K, K) diagonal
        blocks of V, since ``Var(a - b) <= 2 Var(a) + 2 Var(b)``.
        """
        width = self.blocks.width
        cube = covariance.reshape(-1, width, len(covariance) // width, width)
        total = np.einsum("jkjl->kl", cube)
        largest = self.blocks.reduce(find_largest_quadratic, total)
        return float(np.sqrt(max(2.0 * largest.value, 0.0)))

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

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.fitting.certificate import Rounding, RowSizes, bound_rounding
from mlelogit.fitting.linalg import (
    ColumnBasis,
    index_pairs,
    log_softmax,
    multiply_pairs,
    unpack_gram,
    weighted_gram,
)


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
        Minus its Hessian (P, P); of blocks, its distinct entries as `weighted_gram`
        packs them.
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
    logs : numpy.ndarray
        ``Σ_k d_nk log y_nk`` (m,).
    excess : numpy.ndarray
        t y - d, (J, m); where y is near one it is formed from the other categories' y,
        and exact.
    totals : numpy.ndarray or None
        t, (m,), for counts; one else.
    expected : numpy.ndarray or None
        y, (J, m), for counts and probabilities.
    own : tuple or None
        For labels the place of every row's category in (J, m), and its y.
    """

    logs: np.ndarray
    excess: np.ndarray
    totals: np.ndarray | None
    expected: np.ndarray | None
    own: tuple | None

    @property
    def probabilities(self) -> np.ndarray:
        """y, (J, m)."""
        if self.own is None:
            return np.asarray(self.expected)
        y = self.excess.copy()
        y[self.own[0]] = self.own[1]
        return y


def _add(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    return None if left is None or right is None else left + right


def predict_scores(
    x: np.ndarray, params: np.ndarray, base: int, offset: np.ndarray | None
) -> np.ndarray:
    """Return the scores u (J, m) of columns x (K, m); zero for the base, plus the offset."""
    scores = np.insert(params.reshape(-1, len(x)), base, 0.0, axis=0) @ x
    if offset is not None:
        scores += offset
    return scores


def sum_others(probabilities: np.ndarray) -> np.ndarray:
    """Return, for every category, the sum of the other categories' probabilities (J, m)."""
    others = np.zeros_like(probabilities)
    others[1:] = np.cumsum(probabilities[:-1], axis=0)
    others[:-1] += np.cumsum(probabilities[:0:-1], axis=0)[::-1]
    return others


def evaluate_block(block: Block, params: np.ndarray, base: int) -> Evaluation:
    """Evaluate a block at params (P,)."""
    scores = predict_scores(block.x, params, base, block.offset)
    if block.codes is None:
        return _evaluate_table(scores, np.asarray(block.table), block.counted)
    return _evaluate_labels(scores, block.codes)


def _evaluate_labels(scores: np.ndarray, codes: np.ndarray) -> Evaluation:
    """Evaluate labels; the array of scores is used up."""
    place = codes, np.arange(len(codes))
    scores -= scores.max(axis=0)
    chosen = scores[place]
    powers = np.exp(scores, out=scores)
    picked = powers[place]
    powers[place] = 0.0
    rest = powers.sum(axis=0)
    totals = rest + picked
    powers /= totals
    powers[place] = -rest / totals
    return Evaluation(chosen - np.log(totals), powers, None, None, (place, picked / totals))


def _evaluate_table(scores: np.ndarray, d: np.ndarray, counted: bool) -> Evaluation:
    """Evaluate counts or probabilities: ``t y - d = (t - d) y - d (1 - y)``."""
    logs, y = log_softmax(scores)
    totals = d.sum(axis=0) if counted else None
    left = (1.0 if totals is None else totals) - d
    reached = np.where(d > 0, logs, 0.0)
    excess = left * y - d * sum_others(y)
    return Evaluation((d * reached).sum(axis=0), excess, totals, y, None)


def weigh(block: Block, values: np.ndarray) -> np.ndarray:
    """Return values (..., m) times the weights of their rows."""
    return values if block.weights is None else values * block.weights


def drop_base(values: np.ndarray, base: int) -> np.ndarray:
    """Return values (J, ...) without the base's: (J - 1, ...)."""
    return values[1:] if base == 0 else np.delete(values, base, axis=0)


def sum_block(block: Block, params: np.ndarray, base: int, order: int) -> Sums:
    """Return log-likelihood (order 0), score (1) and information (2) of a block."""
    evaluation = evaluate_block(block, params, base)
    loglike = float(weigh(block, evaluation.logs).sum())
    score = information = None
    if order >= 1:
        excess = weigh(block, drop_base(evaluation.excess, base))
        score = -(excess @ block.x.T).ravel()
    if order >= 2:
        spread = _spread_probabilities(evaluation, base)
        if evaluation.totals is not None:
            spread *= evaluation.totals
        information = weighted_gram(block.x, weigh(block, spread), block.categories - 1)
    return Sums(loglike, score, information, block.x.shape[1])


def _spread_probabilities(evaluation: Evaluation, base: int) -> np.ndarray:
    """Return the distinct ``y_k (1[k = l] - y_l)`` of every row, ordered as `index_pairs`."""
    every = evaluation.probabilities
    y = drop_base(every, base)
    first, second, _ = index_pairs(len(y))
    spread = multiply_pairs(-y, y)
    spread[first == second] = y * drop_base(sum_others(every), base)
    return spread


def sum_meat(block: Block, params: np.ndarray, base: int, squared: bool) -> Matrix:
    """Sum the outer products of the scores of a block's observations: (P, P).

    Each of the d_nk people of a row of counts is an observation. A weight
    enters once (frequency), or squared (sampling).
    """
    evaluation = evaluate_block(block, params, base)
    if evaluation.totals is None:
        excess = drop_base(evaluation.excess, base)
        spread = multiply_pairs(excess, excess)
    else:
        y, d = drop_base(evaluation.probabilities, base), drop_base(np.asarray(block.table), base)
        first, second, _ = index_pairs(len(y))
        spread = evaluation.totals * multiply_pairs(y, y)
        spread -= d[first] * y[second] + y[first] * d[second]
        spread[first == second] += d
    spread = weigh(block, weigh(block, spread) if squared else spread)
    return Matrix(weighted_gram(block.x, spread, block.categories - 1))


def map_loglikeobs(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the contribution of every row to the log-likelihood (m,)."""
    return weigh(block, evaluate_block(block, params, base).logs)


def map_score_obs(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the contribution of every row to the score (P, m)."""
    excess = weigh(block, drop_base(evaluate_block(block, params, base).excess, base))
    return (-excess[:, np.newaxis, :] * block.x).reshape(-1, block.x.shape[1])


def map_scores(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the scores u of every row (J, m)."""
    return predict_scores(block.x, params, base, block.offset)


def map_residuals(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return d - t y of every row, unweighted (J, m)."""
    return -evaluate_block(block, params, base).excess


def map_outcome(block: Block) -> np.ndarray:
    """Return d of every row, unweighted (J, m)."""
    if block.codes is None:
        return np.asarray(block.table)
    outcome = np.zeros((block.categories, len(block.codes)))
    outcome[block.codes, np.arange(len(block.codes))] = 1.0
    return outcome


def find_largest_quadratic(block: Block, matrix: np.ndarray, basis: ColumnBasis | None) -> Largest:
    """Return the largest z_n' M z_n of a block, z in a basis if one is given."""
    z = block.x if basis is None else basis.enter(block.x)
    return Largest(float((z * (matrix @ z)).sum(axis=0).max()))


def sum_sizes(block: Block, basis: ColumnBasis | None) -> RowSizes:
    """Add up the weighted lengths of a block's rows, and their squares."""
    z = block.x if basis is None else basis.enter(block.x)
    lengths = np.sqrt((z**2).sum(axis=0))
    people = np.ones(len(lengths))
    if block.counted and block.table is not None:
        people = block.table.sum(axis=0)
    weights = people if block.weights is None else people * block.weights
    reach = lengths if block.offset is None else lengths * (1 + np.abs(block.offset).max(axis=0))
    first, second = float(weights @ reach), float(weights @ lengths**2)
    longest = float(lengths.max()) ** 2
    return RowSizes(first, second, float(weights.max()), float(weights.sum()), longest)


def _pull(sums: Sums, basis: ColumnBasis) -> Sums:
    """Map sums in the coefficients of X to those of a basis."""
    score = None if sums.score is None else basis.pull_score(sums.score)
    information = sums.information
    if information is not None:
        information = basis.pull_information(information)
    return replace(sums, score=score, information=information)


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
        Params are coefficients in this basis, though the blocks come as they are: sums
        are mapped instead of rows. For well-conditioned columns that loses next to
        nothing, and spares every pass the change of basis.
    """

    blocks: RowBlocks
    base: int
    amplification: float = 1.0
    basis: ColumnBasis | None = None

    @property
    def size(self) -> int:
        """Number of free parameters P."""
        return (self.blocks.categories - 1) * self.blocks.width

    def evaluate(self, params: np.ndarray, order: int) -> Sums:
        """Return loglike, from order 1 on the score, from 2 on the information."""
        outer = params if self.basis is None else self.basis.leave_params(params)
        sums = self.blocks.reduce(sum_block, outer, self.base, order)
        if sums.information is not None:
            sums = replace(sums, information=unpack_gram(sums.information, self.blocks.width))
        return sums if self.basis is None else _pull(sums, self.basis)

    def measure_rows(self) -> RowSizes:
        """Return how large the rows are."""
        return self.blocks.reduce(sum_sizes, self.basis)

    def bound_rounding(self, sizes: RowSizes) -> Rounding:
        """Bound the rounding errors of score and information."""
        return bound_rounding(sizes, self.amplification, self.size, self.blocks.rows)

    def add_variances(self, covariance: np.ndarray) -> np.ndarray:
        """Return ``Σ_j V_jj`` (K, K), V_jj the diagonal blocks of V."""
        width = self.blocks.width
        cube = covariance.reshape(-1, width, len(covariance) // width, width)
        return np.asarray(np.einsum("jkjl->kl", cube))

    def bound_log_odds_error(self, covariance: np.ndarray) -> float:
        r"""Bound the largest standard error of any log-odds at any row.

        ``D² <= 2 max_n x_n' (Σ_j V_jj) x_n``, since ``Var(a - b) <= 2 Var(a) + 2 Var(b)``.
        """
        largest = self.blocks.reduce(
            find_largest_quadratic, self.add_variances(covariance), self.basis
        )
        return float(np.sqrt(max(2.0 * largest.value, 0.0)))

    def bound_log_odds_coarsely(self, covariance: np.ndarray, sizes: RowSizes) -> float:
        """Bound the same without a pass: ``x'Mx`` is at most its largest eigenvalue times x'x."""
        top = float(np.linalg.eigvalsh(self.add_variances(covariance))[-1])
        return float(np.sqrt(max(2.0 * top * sizes.longest, 0.0)))

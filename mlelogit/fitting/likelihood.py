r"""Log-likelihood, score and information of one block, and how blocks add up.

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

from mlelogit.data.blocks import Block
from mlelogit.data.sources import lay_out
from mlelogit.data.threads import borrow
from mlelogit.fitting.linalg import log_softmax
from mlelogit.fitting.products import (
    combine_columns,
    index_pairs,
    multiply_pairs,
    project_rows,
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
class Matrix:
    """An array summed over rows."""

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
        For labels the place of every row's category in the flattened (J, m), and its y.

    The excess of labels is borrowed: the next evaluation in the same thread overwrites it.
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
        y = borrow("probabilities", self.excess.shape)
        np.copyto(y, self.excess)
        y.reshape(-1)[self.own[0]] = self.own[1]
        return y


def _add(left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray | None:
    return None if left is None or right is None else left + right


def split_base(base: int, categories: int) -> list[tuple[slice, slice]]:
    """Return where the categories without the base are, among J - 1 rows and among J."""
    parts = [(slice(0, base), slice(0, base))] if base else []
    if base < categories - 1:
        parts.append((slice(base, categories - 1), slice(base + 1, categories)))
    return parts


def predict_scores(
    x: np.ndarray,
    params: np.ndarray,
    base: int,
    offset: np.ndarray | None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the scores u (J, m) of columns x (K, m); zero for the base, plus the offset."""
    columns, rows = x.shape
    b = params.reshape(-1, columns)
    scores = np.empty((len(b) + 1, rows)) if out is None else out
    scores[base] = 0.0
    for few, all_of_them in split_base(base, len(scores)):
        combine_columns(b[few], x, scores[all_of_them])
    if offset is not None:
        scores += offset
    return scores


def sum_others(probabilities: np.ndarray) -> np.ndarray:
    """Return, for every category, the sum of the other categories' probabilities (J, m)."""
    others = borrow("others", probabilities.shape)
    others[:] = 0.0
    before, after = np.zeros((2, probabilities.shape[1]))
    for k in range(1, len(probabilities)):
        before += probabilities[k - 1]
        after += probabilities[-k]
        others[k] += before
        others[-1 - k] += after
    return others


def evaluate_block(block: Block, params: np.ndarray, base: int) -> Evaluation:
    """Evaluate a block at params (P,)."""
    columns, rows = block.x.shape
    scores = borrow("scores", (len(params) // columns + 1, rows))
    predict_scores(block.x, params, base, block.offset, scores)
    return evaluate_scores(block, scores)


def evaluate_scores(block: Block, scores: np.ndarray) -> Evaluation:
    """Evaluate a block at its scores (J, m), which are used up."""
    if block.codes is None:
        return _evaluate_table(scores, np.asarray(block.table), block.counted)
    return _evaluate_labels(scores, block.codes)


def _evaluate_labels(scores: np.ndarray, codes: np.ndarray) -> Evaluation:
    """Evaluate labels; the array of scores is used up."""
    rows = len(codes)
    place = codes * rows + np.arange(rows)
    scores -= scores.max(axis=0)
    flat = scores.reshape(-1)
    logs = flat.take(place)
    powers = np.exp(scores, out=scores)
    picked = flat.take(place)
    flat[place] = 0.0
    rest = powers.sum(axis=0)
    totals = rest + picked
    inverse = 1 / totals
    powers *= inverse
    rest *= inverse
    flat[place] = -rest
    logs -= np.log(totals, out=totals)
    picked *= inverse
    return Evaluation(logs, powers, None, None, (place, picked))


def _evaluate_table(scores: np.ndarray, d: np.ndarray, counted: bool) -> Evaluation:
    """Evaluate counts or probabilities: ``t y - d = (t - d) y - d (1 - y)``."""
    logs, y = log_softmax(scores)
    totals = d.sum(axis=0) if counted else None
    left = (1.0 if totals is None else totals) - d
    reached = np.where(d > 0, logs, 0.0)
    excess = left * y - d * sum_others(y)
    return Evaluation((d * reached).sum(axis=0), excess, totals, y, None)


def weigh(block: Block, values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return values (..., m) times the weights of their rows."""
    return values if block.weights is None else np.multiply(values, block.weights, out=out)


def fill_weights(block: Block) -> np.ndarray:
    """Return the weights of a block's rows (m,), ones if it has none."""
    return weigh(block, np.ones(block.x.shape[1]))


def drop_base(values: np.ndarray, base: int) -> np.ndarray:
    """Return values (J, ...) without the base's: (J - 1, ...)."""
    return values[1:] if base == 0 else np.delete(values, base, axis=0)


def project_equations(block: Block, values: np.ndarray, base: int) -> np.ndarray:
    """Return values (J, m) without the base, weighed and times x, equation by equation (P,)."""
    weighed, parts = weigh(block, values), split_base(base, len(values))
    return np.concatenate([project_rows(weighed[rows], block.x).ravel() for _, rows in parts])


def sum_block(
    block: Block,
    params: np.ndarray,
    base: int,
    order: int,
    turn: np.ndarray | None = None,
    rough: bool = False,
) -> Sums:
    """Return log-likelihood (order 0), score (1) and information (2) of a block.

    With a matrix T (K, K) to turn by, the information is that of the columns T x. A rough
    one is formed in single precision.
    """
    evaluation = evaluate_block(block, params, base)
    loglike = float(weigh(block, evaluation.logs).sum())
    score = information = None
    if order >= 2:
        information = weighted_gram(block.x, weigh_spread(block, evaluation, base), turn, rough)
    if order >= 1:
        score = -project_equations(block, evaluation.excess, base)
    return Sums(loglike, score, information, block.x.shape[1])


def sum_curvature(block: Block, params: np.ndarray, base: int, direction: np.ndarray) -> Matrix:
    """Return the information of a block at params times a direction, both (P,), unformed.

    With ``a = V x`` the scores' change along it, it is ``Σ_n w_n t_n y_k (a_k - Σ_l y_l a_l) x``.
    """
    evaluation = evaluate_block(block, params, base)
    y = evaluation.probabilities
    along = predict_scores(block.x, direction, base, None)
    along -= (y * along).sum(axis=0)
    along *= y
    if evaluation.totals is not None:
        along *= evaluation.totals
    return Matrix(project_equations(block, along, base))


def weigh_spread(block: Block, evaluation: Evaluation, base: int) -> np.ndarray:
    """Return the distinct weights of the products of columns in a block's information."""
    spread = spread_probabilities(evaluation.probabilities, base)
    if evaluation.totals is not None:
        spread *= evaluation.totals
    return weigh(block, spread, spread)


def spread_probabilities(every: np.ndarray, base: int) -> np.ndarray:
    """Return the distinct ``y_k (1[k = l] - y_l)`` of probabilities (J, m).

    They are those of the categories without the base, ordered as `index_pairs`, borrowed.
    """
    others = sum_others(every)
    y = drop_base(every, base)
    first, second, _ = index_pairs(len(y))
    spread = multiply_pairs(y, y, borrow("spread", (len(first), y.shape[1])))
    np.negative(spread, out=spread)
    spread[first == second] = y * drop_base(others, base)
    return spread


def sum_meat(
    block: Block, params: np.ndarray, base: int, squared: bool, turn: np.ndarray | None = None
) -> Matrix:
    """Sum the outer products of the scores of a block's observations: (P, P).

    Each of the d_nk people of a row of counts is an observation. A weight
    enters once (frequency), or squared (sampling).
    """
    spread = spread_residuals(block, evaluate_block(block, params, base), base)
    for _ in range(2 if squared else 1):
        spread = weigh(block, spread, spread)
    return Matrix(weighted_gram(block.x, spread, turn))


def spread_residuals(block: Block, evaluation: Evaluation, base: int) -> np.ndarray:
    """Return the distinct products of every row's residuals, summed over its people.

    They are ordered as `index_pairs`, (J (J - 1) / 2, m), and unweighted.
    """
    if evaluation.totals is None:
        excess = drop_base(evaluation.excess, base)
        return np.asarray(multiply_pairs(excess, excess))
    y, d = drop_base(evaluation.probabilities, base), drop_base(np.asarray(block.table), base)
    first, second, _ = index_pairs(len(y))
    spread = evaluation.totals * multiply_pairs(y, y)
    spread -= d[first] * y[second] + y[first] * d[second]
    spread[first == second] += d
    return np.asarray(spread)


def map_loglikeobs(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the contribution of every row to the log-likelihood (m,)."""
    return weigh(block, evaluate_block(block, params, base).logs)


def map_score_obs(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the contribution of every row to the score (P, m)."""
    excess = weigh(block, drop_base(evaluate_block(block, params, base).excess, base))
    x = lay_out(block.x)
    return (-excess[:, np.newaxis, :] * x).reshape(-1, x.shape[1])


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

r"""Refine a maximum: one score in twice the digits, and the Newton step that it asks for.

A maximum found in doubles is off by what rounding the sums cost: rows that were mapped to
an orthogonal basis, scores that are differences of numbers larger than they are. Solving is
backward stable, so a step is right to some digits however it is computed; what limits the
answer is the score. So it is summed anew with twice the digits, at the coefficients of the
very columns that were given (iterative refinement: Wilkinson 1963; Higham 2002, chapter 12).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.fitting.certificate import EPSILON
from mlelogit.fitting.doubles import (
    Double,
    exponentiate,
    multiply_matrices,
    sum_first,
    widen,
)
from mlelogit.fitting.likelihood import drop_base, evaluate_scores, map_outcome, weigh
from mlelogit.fitting.linalg import ColumnBasis, solve_upper
from mlelogit.fitting.maximum import Maximum, Status

# Up to here, in rows times parameters, a step costs less than an iteration of the climb.
REFINED_WORK = 100_000
# In numbers in the design: up to here, or where columns are ill-conditioned, exponentials get
# twice the digits too.
EXPONENTIALS_ELEMENTS = 5_000
# From here on, in condition of the basis, so many digits are at stake that any rows are refined.
ILL_CONDITIONED = 1e4
MOST_STEPS = 4
# In standard errors. A longer way than this is no rounding: the climb was stopped.
LONGEST_STEP = 1e-4
# In standard errors, below the last digit of any coefficient that has one.
ENOUGH = 1e-18
ARRIVED = (Status.CONVERGED, Status.STALLED)


@dataclass(frozen=True)
class ExactSums:
    """Log-likelihood, and score (J - 1, K) of the scaled columns; ``+`` joins rows."""

    loglike: float
    score: Double

    def __add__(self, other: ExactSums) -> ExactSums:
        return ExactSums(self.loglike + other.loglike, self.score + other.score)


def refine(maximum: Maximum, blocks: RowBlocks, base: int, basis: ColumnBasis) -> Maximum:
    """Return a maximum with its coefficients and value right to the last digits.

    A step leaves of the error, beside its square, a part ``ε κ``, the rounding of the basis
    that it is found in; coefficients have twice the digits until the end. Many rows are left
    alone if their columns are well conditioned.

    Parameters
    ----------
    maximum : Maximum
        Its params and trace in the columns of the design, its sums in the basis.
    blocks : RowBlocks
        The rows, as they were given.
    base : int
    basis : ColumnBasis
    """
    if maximum.inverse is None or maximum.status not in ARRIVED:
        return maximum
    work = blocks.rows * len(maximum.params)
    bad = basis.amplification >= ILL_CONDITIONED
    if work > REFINED_WORK and not bad:
        return maximum
    through = blocks.rows * blocks.width <= EXPONENTIALS_ELEMENTS or bad
    loglike, left = maximum.sums.loglike, LONGEST_STEP
    params = widen(maximum.params)
    for _ in range(MOST_STEPS):
        sums = blocks.reduce(sum_exactly, params, basis.scale, base, through)
        score = enter_exactly(sums.score, basis)
        step = maximum.inverse @ score.ravel()
        length = float(np.sqrt(max(score.ravel() @ step, 0.0)))
        if not length < left:
            break
        loglike, left = sums.loglike + length**2 / 2, length
        moved = basis.leave_params(step.reshape(score.shape)).ravel()
        params = params + widen(moved)
        rate = EPSILON * basis.amplification + length * maximum.certificate.log_odds_error
        if length * rate <= ENOUGH:
            break
    return move_end(maximum, params.high, loglike)


def move_end(maximum: Maximum, params: np.ndarray, loglike: float) -> Maximum:
    """Return a maximum, and a path, that end at other params and another log-likelihood."""
    trace = replace(
        maximum.trace,
        loglike=np.append(maximum.trace.loglike[:-1], loglike),
        params=np.vstack([maximum.trace.params[:-1], params]),
    )
    sums = replace(maximum.sums, loglike=loglike)
    return replace(maximum, params=params, sums=sums, trace=trace)


def sum_exactly(
    block: Block, params: Double, scale: np.ndarray, base: int, through: bool = True
) -> ExactSums:
    """Return the sums of a block at coefficients (P,) of its columns, which are scaled here.

    Where exponentials are left in doubles (not through) each residual has a rounding error
    of its own, and their sum next to none.
    """
    x = lay_out(block.x) / scale[:, np.newaxis]
    b, rest = (part.reshape(-1, len(x)) * scale for part in (params.high, params.low))
    product = multiply_matrices(b, x) + widen(rest @ x)
    if not through and block.offset is None:
        return _sum_doubles(block, product, x, base)
    scores = Double(*(np.insert(part, base, 0.0, axis=0) for part in (product.high, product.low)))
    if block.offset is not None:
        scores = scores + widen(block.offset)
    with np.errstate(over="ignore", invalid="ignore"):
        loglike, residuals = evaluate_exactly(block, scores)
        high, low = (drop_base(part, base) for part in (residuals.high, residuals.low))
        return ExactSums(loglike, multiply_matrices(high, x.T) + widen(low @ x.T))


def _sum_doubles(block: Block, product: Double, x: np.ndarray, base: int) -> ExactSums:
    """Return the sums with exponentials of doubles, and the scores' corrections to first order."""
    evaluation = evaluate_scores(block, np.insert(product.high, base, 0.0, axis=0))
    y = drop_base(evaluation.probabilities, base)
    bent = y * (product.low - (y * product.low).sum(axis=0))
    if evaluation.totals is not None:
        bent *= evaluation.totals
    residuals = weigh(block, drop_base(evaluation.excess, base) + bent)
    loglike = float(weigh(block, evaluation.logs).sum())
    return ExactSums(loglike, -multiply_matrices(residuals, x.T))


def evaluate_exactly(block: Block, scores: Double) -> tuple[float, Double]:
    """Return log-likelihood and weighted residuals ``d - t y`` (J, m) at scores (J, m)."""
    d, weights = map_outcome(block), block.weights
    shifted = scores + widen(-scores.high.max(axis=0))
    powers = exponentiate(shifted)
    total = sum_first(powers)
    logs = shifted.high - np.log(total.high) + (shifted.low - total.low / total.high)
    terms = np.where(d > 0, d * logs, 0.0).sum(axis=0)
    y = powers / total
    residuals = widen(d) + -(y * d.sum(axis=0) if block.counted else y)
    if weights is None:
        return float(terms.sum()), residuals
    return float(weights @ terms), residuals * weights


def enter_exactly(score: Double, basis: ColumnBasis) -> np.ndarray:
    """Map a score (J - 1, K) of the scaled columns to one of coefficients in the basis."""
    if basis.intercept is not None:
        own = slice(basis.intercept, basis.intercept + 1)
        level = widen(np.array([[basis.level]]))
        share = Double(score.high[:, own], score.low[:, own]) / level
        score = score + -(share * basis.center)
    whole = score.high + score.low
    return solve_upper(basis.r, whole.T, transpose=True).T

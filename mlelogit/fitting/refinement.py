r"""Refine a maximum: one score in twice the digits, and the Newton step that it asks for.

A maximum found in doubles is off by what rounding the sums cost: rows that were mapped to
an orthogonal basis, scores that are differences of numbers larger than they are. Solving is
backward stable, so a step is right to some digits however it is computed; what limits the
answer is the score. So it is summed anew with the products of doubles kept whole, for the
coefficients of the very columns that were given (iterative refinement: Wilkinson 1963; Higham
2002, chapter 12).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.sources import lay_out
from mlelogit.fitting.certificate import EPSILON
from mlelogit.fitting.likelihood import drop_base, evaluate_scores, weigh
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import Maximum, Status

# Up to here, in rows times parameters, a step costs less than an iteration of the climb.
REFINED_WORK = 100_000
# From here on, in condition of the basis, so many digits are at stake that any rows are refined.
ILL_CONDITIONED = 1e4
MOST_STEPS = 4
# In standard errors. A longer way than this is no rounding: the climb was stopped.
LONGEST_STEP = 1e-4
# In standard errors, below the last digit of any coefficient that has one.
ENOUGH = 1e-18
MANTISSA = 53
ARRIVED = (Status.CONVERGED, Status.STALLED)


@dataclass(frozen=True)
class Double:
    """Numbers of twice the digits, ``high + low``."""

    high: np.ndarray
    low: np.ndarray

    def __add__(self, other: Double) -> Double:
        total = add_exactly(self.high, other.high)
        return add_exactly(total.high, total.low + (self.low + other.low))


def add_exactly(a: np.ndarray, b: np.ndarray) -> Double:
    """Return a + b without an error (Knuth 1969)."""
    high = a + b
    other = high - a
    return Double(high, (a - (high - other)) + (b - other))


def slice_numbers(values: np.ndarray, axis: int, bits: int) -> tuple[np.ndarray, ...]:
    """Cut numbers into two slices of so many bits below the largest along an axis, and a rest."""
    largest = np.abs(values).max(axis=axis, keepdims=True)
    unit = np.ldexp(0.75, np.frexp(largest)[1] + MANTISSA - bits)
    first = (values + unit) - unit
    rest = values - first
    unit = np.ldexp(unit, -bits)
    second = (rest + unit) - unit
    return first, second, rest - second


def multiply_exactly(a: np.ndarray, b: np.ndarray) -> Double:
    """Return the product of two matrices with some 26 digits of its largest terms.

    Products of slices are whole numbers of one unit and their sums fit a double, so that
    numpy's product of them has no error (Ozaki, Ogita, Oishi and Rump 2012).
    """
    bits = (MANTISSA - int(np.ceil(np.log2(max(a.shape[1], 2))))) // 2
    a1, a2, a3 = slice_numbers(a, 1, bits)
    b1, b2, b3 = slice_numbers(b, 0, bits)
    total = add_exactly(a1 @ b1, a1 @ b2 + a2 @ b1)
    small = a2 @ b2 + (a3 @ b + (a - a3) @ b3)
    after = add_exactly(total.high, small)
    return add_exactly(after.high, total.low + after.low)


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
    large = blocks.rows * len(maximum.params) > REFINED_WORK
    if large and basis.amplification < ILL_CONDITIONED:
        return maximum
    loglike, left = maximum.sums.loglike, LONGEST_STEP
    params = Double(maximum.params, np.zeros(len(maximum.params)))
    for _ in range(MOST_STEPS):
        sums = blocks.reduce(sum_exactly, params, basis.scale, base)
        score = enter_exactly(sums.score, basis)
        step = maximum.inverse @ score.ravel()
        length = float(np.sqrt(max(score.ravel() @ step, 0.0)))
        if not length < left:
            break
        loglike, left = sums.loglike + length**2 / 2, length
        moved = basis.leave_params(step.reshape(score.shape)).ravel()
        params = params + Double(moved, np.zeros(len(moved)))
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


def sum_exactly(block: Block, params: Double, scale: np.ndarray, base: int) -> ExactSums:
    """Return the sums of a block at coefficients (P,) of its columns, which are scaled here."""
    x = lay_out(block.x) / scale[:, np.newaxis]
    b, rest = (part.reshape(-1, len(x)) * scale for part in (params.high, params.low))
    product = multiply_exactly(b, x)
    low = product.low + rest @ x
    scores = Double(np.insert(product.high, base, 0.0, axis=0), np.insert(low, base, 0.0, axis=0))
    loglike, excess = evaluate_exactly(block, scores)
    return ExactSums(loglike, multiply_exactly(-drop_base(excess, base), x.T))


def evaluate_exactly(block: Block, scores: Double) -> tuple[float, np.ndarray]:
    """Return log-likelihood and weighted ``t y - d`` (J, m) at scores, less their offset.

    With ``u = v + e`` and e tiny, y is that of v but for ``y_k (e_k - Σ_l y_l e_l)``, and
    log y_k but for the bracket.
    """
    if block.offset is not None:
        scores = scores + Double(block.offset, np.zeros(block.offset.shape))
    shifted = add_exactly(scores.high, -scores.high.max(axis=0))
    tail = shifted.low + scores.low
    evaluation = evaluate_scores(block, shifted.high.copy())
    y, excess = evaluation.probabilities, evaluation.excess
    tail -= (y * tail).sum(axis=0)
    people = y if evaluation.totals is None else y * evaluation.totals
    logs = evaluation.logs + ((people - excess) * tail).sum(axis=0)
    return float(weigh(block, logs).sum()), weigh(block, excess + people * tail)


def enter_exactly(score: Double, basis: ColumnBasis) -> np.ndarray:
    """Map a score (J - 1, K) of the scaled columns to one of coefficients in the basis."""
    centered = score
    if basis.intercept is not None:
        share, rest = (part[:, [basis.intercept]] / basis.level for part in (score.high, score.low))
        moved = multiply_exactly(share, -basis.center[np.newaxis, :])
        centered = score + moved + Double(-rest * basis.center, np.zeros(score.high.shape))
    whole = centered.high + centered.low
    return solve_triangular(basis.r, whole.T, trans="T", check_finite=False).T

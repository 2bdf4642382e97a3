"""Directions of recession: the one of the widest margin, and what all of them agree on."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csr_array, eye_array, hstack

from mlelogit.data.blocks import RowBlocks
from mlelogit.fitting.separation import (
    FIRST_PAIRS,
    MORE_PAIRS,
    ROUNDS,
    STRICT,
    choose_pairs,
    list_gaps,
    map_gaps,
    run_solver,
)

# How far short of the margin a pair may fall that the solver was not told of.
SHORT = 0.1
ROUNDING = 1e-14
# Gaps of a direction in the box that are all wider than this are no rounding.
WIDE = 1e-6
# Least-distance programming cannot be told to stop; in so many directions it takes some minutes.
TIMELESS = 2000
# Where a gap counts up to one, it is one or none.
HALF = 0.5
# Ties were never seen to be further apart than a seventh of this, relative to the largest gap.
LEVEL = 3e-14


def center_direction(
    blocks: RowBlocks,
    base: int,
    separated: np.ndarray,
    free: np.ndarray,
    deadline: float,
    near: np.ndarray,
) -> np.ndarray | None:
    """Find the direction whose smallest gap is largest for its spread, or None.

    The spread ``Σ_k ‖δ_k - mean‖²`` over all J categories, in orthogonal columns, is that of
    the scores over rows and categories: it knows neither the base nor the columns' basis, so
    there is one such direction. A linear programme finds a margin and the pairs that matter,
    least-distance programming (Lawson and Hanson 1974, chapter 23) the direction.

    Parameters
    ----------
    blocks : RowBlocks
        As for `separate_pairs`, in orthogonal columns.
    base : int
    separated : numpy.ndarray
        (J, n).
    free : numpy.ndarray
        (P, q): the directions along which no other pair moves.
    deadline : float
        When to give up, on the clock of `time.monotonic`.
    near : numpy.ndarray
        (P,): where a climb came to. If it separates the pairs, no linear programme is needed.
    """
    turn = _even_out(free, len(separated))
    guess = np.nan_to_num(np.linalg.solve(turn.T @ turn, turn.T @ near))
    guess /= max(float(np.abs(guess).max()), np.finfo(float).tiny)
    reached = blocks.map(map_gaps, turn @ guess, base)
    chosen = choose_pairs(np.where(separated, -reached, -np.inf), FIRST_PAIRS)
    for _ in range(ROUNDS):
        gaps = list_gaps(blocks, base, chosen) @ turn
        found = _find_widest(gaps, deadline, guess)
        if found is None:
            return None
        direction = turn @ found
        reached = blocks.map(map_gaps, direction, base)
        short = separated & ~chosen & (reached < 1 - SHORT)
        if not short.any():
            return direction
        chosen |= choose_pairs(np.where(short, -reached, -np.inf), MORE_PAIRS)
    return None


def _even_out(free: np.ndarray, categories: int) -> np.ndarray:
    """Return free directions (P, q) such that the length of coordinates is the spread."""
    cube = free.reshape(categories - 1, -1, free.shape[1])
    total = cube.sum(axis=0)
    spread = free.T @ free - np.einsum("iq,ir->qr", total, total) / categories
    lower = np.linalg.cholesky(spread)
    return np.asarray(np.linalg.solve(lower, free.T).T)


def _find_widest(gaps: np.ndarray, deadline: float, guess: np.ndarray) -> np.ndarray | None:
    """Return the shortest coordinates (q,) with all gaps one or more, or None if there are none.

    Where the margin is too narrow for its digits they are those of the widest in a box. A guess
    saves the programme; in more directions than `TIMELESS` that comes first, as it keeps the time.
    """
    size = gaps.shape[1]
    if size <= TIMELESS and (margin := float((gaps @ guess).min())) > WIDE:
        shortest = _find_shortest(gaps, margin)
        if shortest is not None:
            return shortest
    answer = run_solver(
        np.append(np.zeros(size), -1.0),
        deadline,
        A_ub=np.hstack([-gaps, np.ones((len(gaps), 1))]),
        b_ub=np.zeros(len(gaps)),
        bounds=[(-1.0, 1.0)] * size + [(0.0, None)],
    )
    if answer is None or answer[size] <= ROUNDING:
        return None
    boxed, margin = answer[:size], float(answer[size])
    shortest = _find_shortest(gaps, margin)
    return np.asarray(boxed / margin) if shortest is None else shortest


def _find_shortest(gaps: np.ndarray, margin: float) -> np.ndarray | None:
    """Return the shortest coordinates with all gaps one or more, given a margin.

    None where the programme has not come to an end, or its digits are too few.
    """
    size = gaps.shape[1]
    tall = np.vstack([gaps.T / margin, np.ones(len(gaps))])
    target = np.append(np.zeros(size), 1.0)
    try:
        weights, _ = nnls(tall, target, maxiter=30 * tall.shape[1])
    except RuntimeError:  # It has not come to an end.
        return None
    rest = tall @ weights - target
    nearest = np.asarray(rest[:-1] / (-rest[-1] * margin))
    return nearest if (gaps @ nearest).min() > 1 - SHORT else None


def measure_ties(
    blocks: RowBlocks,
    base: int,
    possible: np.ndarray,
    direction: np.ndarray,
    amplification: float,
) -> float | None:
    """Return a gap between those of ties and those of separated pairs, or None if there is none.

    A direction is right if it separates exactly the pairs that it should; this looks at all.
    Ties are level but for the rounding of the rows, which their basis amplifies.
    """
    gaps = blocks.map(map_gaps, direction, base)
    largest = float(np.abs(gaps).max())
    tied = float(np.abs(gaps[possible]).max(initial=ROUNDING * largest))
    apart = float(gaps[~possible].min(initial=np.inf))
    wide = tied <= LEVEL * amplification * largest and apart > 100 * tied
    return 10 * tied if wide else None


def find_sure(
    blocks: RowBlocks,
    base: int,
    separated: np.ndarray,
    free: np.ndarray,
    moves: np.ndarray,
    deadline: float,
) -> np.ndarray:
    """Tell which coefficients go the same way along every direction of recession.

    Some of the inequalities leave more directions than all of them do. So what is the same
    in those is the same in all; what is not is asked of more pairs. A direction that one
    coefficient goes the other way along is looked up for all others too: most need no programme.

    Parameters
    ----------
    blocks, base, separated, free, deadline
        As for `center_direction`.
    moves : numpy.ndarray
        (count, q): how each coefficient moves along the free directions, times its sign
        along the one that was found.

    Returns
    -------
    numpy.ndarray
        (count,) of float: 1 if it does, 0 if not, NaN where time was up.
    """
    chosen = choose_pairs(np.where(separated, 0.0, -np.inf), FIRST_PAIRS)
    gaps = list_gaps(blocks, base, chosen) @ free
    sure = np.full(len(moves), np.nan)
    moves = moves / np.linalg.norm(moves, axis=1, keepdims=True)
    for place, move in enumerate(moves):
        for _ in range(ROUNDS if np.isnan(sure[place]) else 0):
            zeros = np.zeros(len(gaps))
            answer = run_solver(move, deadline, A_ub=-gaps, b_ub=zeros, bounds=(-1.0, 1.0))
            if answer is None:
                break
            if move @ answer > -STRICT:
                sure[place] = 1.0
                break
            reached = blocks.map(map_gaps, free @ answer, base)
            broken = np.where(separated & ~chosen & (reached < -STRICT), -reached, -np.inf)
            if not np.isfinite(broken).any():
                sure[moves @ answer <= -STRICT] = 0.0
                break
            more = choose_pairs(broken, MORE_PAIRS)
            gaps = np.vstack([gaps, list_gaps(blocks, base, more) @ free])
            chosen |= more
    return sure


def separate_beside(
    blocks: RowBlocks,
    base: int,
    separated: np.ndarray,
    free: np.ndarray,
    held: np.ndarray,
    deadline: float,
) -> np.ndarray | None:
    """Mark the pairs (J, n) that directions of recession separate without moving a combination.

    One programme finds them all: a gap counts up to one, and every gap that can be positive
    can be one, since directions have no length.

    Parameters
    ----------
    blocks, base, separated, free, deadline
        As for `center_direction`.
    held : numpy.ndarray
        (q,): how the combination moves along the free directions.

    Returns
    -------
    numpy.ndarray or None
        None if the programme did not come to an end.
    """
    gaps = list_gaps(blocks, base, separated) @ free
    count, size = gaps.shape
    answer = run_solver(
        np.append(np.zeros(size), -np.ones(count)),
        deadline,
        A_ub=hstack([csr_array(-gaps), eye_array(count)]),
        b_ub=np.zeros(count),
        A_eq=np.append(held / np.linalg.norm(held), np.zeros(count))[np.newaxis],
        b_eq=np.zeros(1),
        bounds=[(None, None)] * size + [(0.0, 1.0)] * count,
    )
    if answer is None:
        return None
    marked = np.zeros_like(separated)
    marked[np.nonzero(separated)] = answer[size:] > HALF
    return marked

r"""Decide by linear programming whether a combination of columns separates the categories.

A direction δ of the parameters gives row n the scores ``u_nk = x_n' δ_k``. Along it the
likelihood never falls if in every row the observed categories have the highest score:
``u_nk - u_nl >= 0`` for every observed k and every other l. Such a δ is a direction of
recession. If one of these inequalities is strict for some row, no finite maximum exists, the
probability of l in that row goes to zero, and the pair (n, l) is *separated*. Separation is
complete if one category is left of every row, and quasi-complete otherwise (Albert and Anderson
1984; Konis 2007, for the linear programme; Geyer 2009, for what is left in the limit).

Directions of recession add up to directions of recession. So one linear programme finds some
separated pairs, the next some more among the rest, and when one finds none, none are left.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import linprog

from mlelogit.data.blocks import Block, RowBlocks
from mlelogit.data.design import take_rows
from mlelogit.data.sources import lay_out
from mlelogit.fitting.likelihood import (
    Matrix,
    evaluate_block,
    map_outcome,
    predict_scores,
    project_equations,
)

# Rows have length one here. A gap counts as none below what the solver can be wrong by.
SOLVER_TOLERANCE = 1e-10
TIED = 1e-9
STRICT = 1e-8
FIRST_PAIRS = 4000
MORE_PAIRS = 2000
STAGES = 40
ROUNDS = 60


@dataclass(frozen=True)
class Pairs:
    """What is known of the pairs of a row and a category.

    Attributes
    ----------
    possible : numpy.ndarray
        (J, n): False where the pair is separated: the category is none in the limit.
    decided : bool
        Whether the last programme found nothing more; False if it ran out of time.
    """

    possible: np.ndarray
    decided: bool

    @property
    def found(self) -> bool:
        """Whether any pair is separated."""
        return not self.possible.all()


def separate_pairs(
    blocks: RowBlocks,
    base: int,
    likely: np.ndarray,
    deadline: float,
    inside: np.ndarray | None = None,
) -> Pairs:
    """Find all separated pairs of a row and a category.

    Parameters
    ----------
    blocks : RowBlocks
        Rows, their columns well scaled.
    base : int
    likely : numpy.ndarray
        (J, n): the larger the likelier a pair is not separated, such as the probabilities
        where a climb ended; those pairs are tried first.
    deadline : float
        When to give up, on the clock of `time.monotonic`.
    inside : numpy.ndarray, optional
        (P, r): the directions that constraints leave free; all if not given.
    """
    observed = blocks.map(find_observed)
    possible = np.ones(observed.shape, dtype=bool)
    for _ in range(STAGES):
        found = _find_direction(blocks, base, observed, possible, likely, deadline, inside)
        if found is None:
            break
        separated = possible & ~observed & (blocks.map(map_gaps, found, base) > STRICT)
        if not separated.any():
            return Pairs(possible, decided=True)
        possible &= ~separated
    return Pairs(possible, decided=False)


def _find_direction(
    blocks: RowBlocks,
    base: int,
    observed: np.ndarray,
    possible: np.ndarray,
    likely: np.ndarray,
    deadline: float,
    inside: np.ndarray | None,
) -> np.ndarray | None:
    """Find a direction of recession that separates some of the pairs left, or zero if none does.

    Of the inequalities only those that matter are handed to the solver: the likeliest to
    begin with, then those that its answer violates, until none is. The objective is the sum of
    all gaps, so an answer of zero proves that no pair left can be separated.
    """
    total = restrict_rows(blocks, possible).reduce(sum_gaps, base).value
    if not total.any():
        return total
    ties = observed & (np.arange(len(observed))[:, np.newaxis] != observed.argmax(axis=0))
    pending = possible & (ties | ~observed)
    chosen = choose_pairs(np.where(pending, likely, -np.inf), FIRST_PAIRS + 3 * len(total))
    for _ in range(ROUNDS):
        direction = _solve(blocks, base, chosen, ties, total, deadline, inside)
        if direction is None:
            return None
        gaps = blocks.map(map_gaps, direction, base)
        wrong = np.where(ties, np.abs(gaps), -gaps)
        broken = np.where(pending & ~chosen & (wrong > TIED), wrong, -np.inf)
        if not np.isfinite(broken).any():
            return direction
        chosen |= choose_pairs(broken, MORE_PAIRS)
    return None


def choose_pairs(urgency: np.ndarray, most: int) -> np.ndarray:
    """Mark the pairs that are most urgent, of those whose urgency is finite."""
    flat = urgency.ravel()
    wanted = np.flatnonzero(np.isfinite(flat))
    if len(wanted) > most:
        wanted = wanted[np.argpartition(flat[wanted], -most)[-most:]]
    chosen = np.zeros(flat.shape, dtype=bool)
    chosen[wanted] = True
    return chosen.reshape(urgency.shape)


def _solve(
    blocks: RowBlocks,
    base: int,
    chosen: np.ndarray,
    ties: np.ndarray,
    total: np.ndarray,
    deadline: float,
    inside: np.ndarray | None,
) -> np.ndarray | None:
    """Maximize the sum of gaps over the box from -1 to 1, subject to the pairs chosen."""
    rising = list_gaps(blocks, base, chosen & ~ties)
    level = list_gaps(blocks, base, chosen & ties)
    if inside is not None:
        rising, level, total = rising @ inside, level @ inside, total @ inside
        if not total.any():
            return np.zeros(len(inside))
    answer = run_solver(
        -total / np.abs(total).max(),
        deadline,
        A_ub=-rising,
        b_ub=np.zeros(len(rising)),
        A_eq=level,
        b_eq=np.zeros(len(level)),
        bounds=(-1.0, 1.0),
    )
    return answer if inside is None or answer is None else inside @ answer


def run_solver(cost: np.ndarray, deadline: float, **programme: Any) -> np.ndarray | None:
    """Minimize a linear cost with HiGHS; None if it does not end, or not in time."""
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    answer = linprog(
        cost,
        **programme,
        method="highs",
        options={
            "time_limit": left,
            "primal_feasibility_tolerance": SOLVER_TOLERANCE,
            "dual_feasibility_tolerance": SOLVER_TOLERANCE,
        },
    )
    return np.asarray(answer.x) if answer.status == 0 else None


def list_gaps(blocks: RowBlocks, base: int, chosen: np.ndarray) -> np.ndarray:
    """Return the gaps of some pairs as linear functions of the direction (count, P)."""
    rows = np.flatnonzero(chosen.any(axis=0))
    width, others = blocks.width, len(chosen) - 1
    if not rows.size:
        return np.zeros((0, others * width))
    few = RowBlocks(take_rows(blocks.design, rows), blocks.basis)
    x = few.map(map_directions).T
    first = few.map(find_observed).argmax(axis=0)
    category, row = np.nonzero(chosen[:, rows])
    gaps = np.zeros((len(row), others + 1, width))
    gaps[np.arange(len(row)), first[row]] += x[row]
    gaps[np.arange(len(row)), category] -= x[row]
    return np.delete(gaps, base, axis=1).reshape(len(row), -1)


def restrict_rows(blocks: RowBlocks, possible: np.ndarray) -> RowBlocks:
    """Return the rows with a score of minus infinity for the categories that are none of theirs."""
    design = blocks.design
    barrier = np.where(possible.T, 0.0, -np.inf)
    offset = barrier if design.offset is None else design.offset + barrier
    return RowBlocks(replace(design, offset=offset), blocks.basis, blocks.size, blocks.threads)


def find_observed(block: Block) -> np.ndarray:
    """Return which categories are observed in every row (J, m)."""
    return np.asarray(map_outcome(block) > 0)


def map_gaps(block: Block, direction: np.ndarray, base: int) -> np.ndarray:
    """Return by how much the first observed category leads each other one, rows of length one."""
    scores = predict_scores(block.x, direction, base, None)
    first = find_observed(block).argmax(axis=0)
    leading = scores[first, np.arange(len(first))]
    return np.asarray((leading - scores) / measure_rows(block))


def map_probabilities(block: Block, params: np.ndarray, base: int) -> np.ndarray:
    """Return the probabilities of every row (J, m)."""
    return evaluate_block(block, params, base).probabilities.copy()


def measure_rows(block: Block) -> np.ndarray:
    """Return the lengths of the rows (m,); one for rows of zeros."""
    lengths = np.sqrt((lay_out(block.x) ** 2).sum(axis=0))
    return np.where(lengths > 0, lengths, 1.0)


def sum_gaps(block: Block, base: int) -> Matrix:
    """Add up the gaps of the pairs left open, as a linear function of the direction (P,)."""
    observed = find_observed(block)
    left = np.isfinite(np.asarray(block.offset)) & ~observed
    values = -left.astype(np.float64)
    values[observed.argmax(axis=0), np.arange(left.shape[1])] = left.sum(axis=0)
    return Matrix(project_equations(block, values / measure_rows(block), base))


def map_directions(block: Block) -> np.ndarray:
    """Return the rows, each of length one (K, m)."""
    return np.asarray(lay_out(block.x) / measure_rows(block))

"""Examine a climb that found no finite maximum: whether data are separated, and their limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mlelogit.data.blocks import RowBlocks
from mlelogit.data.design import Design, count_people
from mlelogit.fitting.basis import make_objective
from mlelogit.fitting.limit import (
    OVERLAPPING,
    UNDECIDED,
    Separation,
    fit_limit,
    leave_columns,
    split_directions,
)
from mlelogit.fitting.linalg import ColumnBasis
from mlelogit.fitting.maximum import Maximum, Status
from mlelogit.fitting.objective import LogLikelihood
from mlelogit.fitting.recession import center_direction, find_sure, measure_ties
from mlelogit.fitting.separation import (
    FIRST_PAIRS,
    find_observed,
    map_probabilities,
    restrict_rows,
    separate_pairs,
)
from mlelogit.fitting.subspace import FreeSpace

# Of a log-likelihood, relative: a limit that is lower than where the climb stood is none.
LOST = 1e-9
# Probabilities that a climb leaves of separated pairs.
GUESSES = (1e-3, 1e-5, 1e-7, 1e-9)
# In seconds, for all programmes of an examination.
TIME_LIMIT = 60.0
# Rows times categories times coefficients: a second or two.
EXAMINED_PAIRS = 20_000_000
# In seconds: signs are an extra, and in hundreds of directions each programme takes some.
SIGNS_LIMIT = 5.0


@dataclass(frozen=True)
class Verdict:
    """Whether data are separated, and the climb's answer in view of that."""

    separation: Separation
    maximum: Maximum


def examine_separation(
    blocks: RowBlocks,
    base: int,
    basis: ColumnBasis,
    climbed: Maximum,
    tolerance: float,
    free: FreeSpace | None = None,
) -> Verdict:
    """Decide whether data are separated; if so, fit the limiting model.

    With many pairs those that the climb left improbable are tried first: if a direction
    separates just them, and the model in the limit is certified, there is nothing to search.

    Parameters
    ----------
    blocks : RowBlocks
        In the columns of the design.
    base : int
    basis : ColumnBasis
    climbed : Maximum
        A climb in the basis that ended without a certificate.
    tolerance : float
        Of the limiting model's fit.
    free : FreeSpace, optional
        What equations about the params leave of them; all if not given.
    """
    deadline = time.monotonic() + TIME_LIMIT
    plain = strip_rows(blocks, basis)
    turned = RowBlocks(blocks.design, basis, blocks.size, blocks.threads)
    likely = turned.map(map_probabilities, climbed.params, base)
    question = Question(blocks, plain, base, basis, climbed, tolerance, deadline, free)
    for possible in _guess(plain, likely):
        verdict = question.settle(possible)
        if verdict is not None:
            return verdict
    pairs = separate_pairs(plain, base, likely, deadline, question.inside)
    if pairs.decided and not pairs.found:
        return Verdict(OVERLAPPING, _blame_rounding(climbed))
    verdict = question.settle(pairs.possible) if pairs.decided else None
    return Verdict(UNDECIDED, climbed) if verdict is None else verdict


def strip_rows(blocks: RowBlocks, basis: ColumnBasis) -> RowBlocks:
    """Return rows in a basis that say which categories they have, and nothing else."""
    design = blocks.design
    outcome = design.outcome
    if outcome.table is not None:
        seen = (outcome.table > 0).astype(np.float64)
        shares = seen / seen.sum(axis=1, keepdims=True)
        outcome = replace(outcome, table=shares, kind="probabilities")
    bare = replace(design, outcome=outcome, weights=None, offset=None, compression=None)
    return RowBlocks(bare, basis, blocks.size, blocks.threads)


def _guess(plain: RowBlocks, likely: np.ndarray) -> Iterator[np.ndarray]:
    """Guess, where pairs are many, which categories are left of every row (J, n)."""
    if likely.size <= FIRST_PAIRS:
        return
    observed, last = plain.map(find_observed), 0
    for threshold in GUESSES:
        possible = observed | (likely > threshold)
        count = int(possible.sum())
        if last < count < possible.size:
            yield possible
        last = count


@dataclass(frozen=True)
class Question:
    """What is to be decided, and until when."""

    blocks: RowBlocks
    plain: RowBlocks
    base: int
    basis: ColumnBasis
    climbed: Maximum
    tolerance: float
    deadline: float
    free: FreeSpace | None = None

    @property
    def inside(self) -> np.ndarray | None:
        """The directions that equations leave free, None if all are."""
        return None if self.free is None else self.free.directions

    def settle(self, possible: np.ndarray) -> Verdict | None:
        """Fit the model in the limit that leaves these categories, if that is the right one.

        It is if a direction separates all others, and no finite parameters do better.
        """
        base, basis, plain = self.base, self.basis, self.plain
        # Rows themselves in the basis: sums mapped to it would blur what is exactly zero.
        directions = split_directions(
            LogLikelihood(restrict_rows(plain, possible), base), self.inside
        )
        if directions is None or not directions.free.shape[1]:
            return None
        climbed = self.climbed.params
        direction = center_direction(
            plain, base, ~possible, directions.free, self.deadline, climbed
        )
        if direction is None:
            return None
        tie = measure_ties(plain, base, possible, direction, basis.amplification)
        if tie is None:
            return None
        whole = make_objective(restrict_rows(self.blocks, possible), base, basis)
        origin = None if self.free is None else self.free.origin
        limit = fit_limit(whole, directions.estimable, self.climbed.params, self.tolerance, origin)
        if not limit.certificate.finite_maximum or _is_lower(limit, self.climbed):
            return None
        people = _weigh_people(self.blocks.design)
        separation = Separation(
            verdict="quasi-complete" if (possible.sum(axis=0) > 1).any() else "complete",
            proof="a direction separates these pairs; the limit's certificate shows no others are",
            pairs=round(people.sum() * (len(possible) - 1)),
            separated=round(people @ (~possible).sum(axis=0)),
            possible=possible,
            direction=direction,
            tie=tie,
            estimable=directions.estimable,
            free=directions.free,
            certificate=limit.certificate,
        )
        sure = examine_signs(plain, base, basis, separation, self.deadline)
        return Verdict(replace(separation, sure=sure), _mark_separated(self.climbed, limit))


def _is_lower(limit: Maximum, climbed: Maximum) -> bool:
    """Tell whether a supremum is below what a climb has reached, and so is none."""
    reached = climbed.sums.loglike
    return limit.sums.loglike < reached - LOST * abs(reached)


def _weigh_people(design: Design) -> np.ndarray:
    """Return how many observations every row stands for (n,)."""
    people = count_people(design)
    return people if design.weight_type != "frequency" else people * np.asarray(design.weights)


def examine_signs(
    plain: RowBlocks, base: int, basis: ColumnBasis, separation: Separation, deadline: float
) -> np.ndarray:
    """Tell which coefficients have one sign of infinity only, as far as `SIGNS_LIMIT` allows.

    Parameters
    ----------
    plain : RowBlocks
        As `strip_rows` returns them.
    base : int
    basis : ColumnBasis
    separation : Separation
    deadline : float
        When to give up, on the clock of `time.monotonic`.

    Returns
    -------
    numpy.ndarray
        (P,): as `Separation.sure`; 1 for finite coefficients, NaN for those that were left open.
    """
    limits, free = separation.find_limits(basis), np.asarray(separation.free)
    sure = np.where(np.isnan(limits), 0.0, 1.0)
    running = np.flatnonzero(np.isinf(limits))
    if free.shape[1] == 1:
        return sure
    sure[running] = np.nan
    separated = ~np.asarray(separation.possible)
    if separated.size * len(running) <= EXAMINED_PAIRS:
        moves = leave_columns(basis, free)[running] * np.sign(limits[running])[:, np.newaxis]
        until = min(deadline, time.monotonic() + SIGNS_LIMIT)
        sure[running] = find_sure(plain, base, separated, free, moves, until)
    return sure


def _blame_rounding(climbed: Maximum) -> Maximum:
    """Say that a finite maximum exists though the climb could not certify it."""
    if climbed.status is Status.NO_FINITE_MAXIMUM:
        return replace(climbed, status=Status.STALLED)
    return climbed


def _mark_separated(climbed: Maximum, limit: Maximum) -> Maximum:
    """Return the limiting model's answer, without a claim that a finite maximum exists."""
    return replace(
        limit,
        status=Status.SEPARATED,
        certificate=climbed.certificate,
        method=climbed.method,
        iterations=climbed.iterations + limit.iterations,
    )

"""Rows of constraints in the basis: which are independent, what they leave free, what they cost."""

from __future__ import annotations

import numpy as np

from mlelogit.data.hypotheses.restrictions import Restriction
from mlelogit.data.limits import check_memory
from mlelogit.exceptions import ConstraintError
from mlelogit.fitting.certificate import EPSILON
from mlelogit.fitting.constrained.bounds import Bounds, find_conflict, is_feasible
from mlelogit.fitting.constrained.moves import find_moves
from mlelogit.fitting.constrained.restriction import level_rows
from mlelogit.fitting.linalg import (
    ColumnBasis,
    find_aliases,
    triangularize,
)
from mlelogit.fitting.maximum import Maximum
from mlelogit.fitting.record import FitRecord
from mlelogit.fitting.subspace import FreeSpace

# Rows of equations of length one: values that differ by less say the same.
SAME_VALUE = 1e-9
# What equations leave of a bound's row, of length one, if they settle it.
NOTHING_FREE = 1e-10
# A slack counts as none below so many roundings of its terms, which the basis amplifies.
ROUNDINGS = 100
# With more constraints the message names them all: finding a few takes a programme for each.
LARGEST_CONFLICT = 300


def _level_rows(given: Restriction, basis: ColumnBasis) -> tuple[np.ndarray, np.ndarray]:
    return level_rows(given, np.tile(basis.scale, given.matrix.shape[1] // len(basis.scale)))


def sort_equations(given: Restriction, basis: ColumnBasis) -> tuple[np.ndarray, np.ndarray]:
    """Tell which rows are independent equations, and which equations those before them imply.

    Raises
    ------
    ConstraintError
        If equations contradict each other.
    """
    matrix, values = _level_rows(given, basis)
    places = [i for i, relation in enumerate(given.relations) if relation == "="]
    equations, implied = np.zeros(len(given), dtype=bool), np.zeros(len(given), dtype=bool)
    equations[places] = True
    if not places:
        return equations, implied
    check_memory(
        8.0 * len(places) ** 2,
        f"Telling which of {len(places):,} equations follow from others",
        "Leave out those that say the same",
    )
    few, right = matrix[places], values[places]
    aliases = find_aliases(triangularize(few.T), np.ones(len(few)))
    for row, weights in aliases.items():
        if abs(right[row] - weights @ right) > SAME_VALUE * (1 + np.abs(weights) @ np.abs(right)):
            used = [*np.flatnonzero(np.abs(weights) > SAME_VALUE), row]
            _refuse(given.pick([places[i] for i in used]))
        equations[places[row]], implied[places[row]] = False, True
    return equations, implied


def _refuse(conflict: Restriction) -> None:
    raise ConstraintError(f"These constraints cannot all hold: {conflict.said}. Drop one.")


def span_free(equations: Restriction, basis: ColumnBasis) -> FreeSpace:
    """Return all params that meet independent equations, in the internal basis.

    See `mlelogit.fitting.constrained.moves`.
    """
    size = equations.matrix.shape[1]
    if not len(equations):
        return FreeSpace(np.zeros(size), np.eye(size))
    return find_moves(equations, basis).space


def find_settled(given: Restriction, held: Restriction, basis: ColumnBasis) -> np.ndarray:
    """Tell of which rows independent equations that are held leave nothing free: (m,), bool."""
    free = find_moves(held, basis).free(given.matrix)[0]
    return np.asarray(np.linalg.norm(free, axis=1) <= NOTHING_FREE)


def find_space(record: FitRecord) -> FreeSpace | None:
    """Return what a fit's equations and active bounds leave free, None if there are none."""
    return None if record.moves is None else record.moves.space


def find_directions(record: FitRecord) -> np.ndarray | None:
    """Return the directions (P, r) in which a fit tells its params, None if these are all.

    The limiting model of separated data tells some only, and constraints leave some only free.
    """
    if record.separation.estimable is not None:
        return record.separation.estimable
    space = find_space(record)
    return None if space is None else space.directions


def enter_bounds(
    given: Restriction, space: FreeSpace, basis: ColumnBasis
) -> tuple[np.ndarray, Bounds]:
    """Return the bounds as inequalities about free params, and which rows they are.

    Rows that the equations settle are left out.

    Raises
    ------
    ConstraintError
        If no params meet all constraints.
    """
    places = np.array([i for i, sign in enumerate(given.relations) if sign != "="], dtype=int)
    sign = np.array([-1.0 if given.relations[i] == "<=" else 1.0 for i in places])
    rows = given.matrix[places] * sign[:, np.newaxis]
    width = len(basis.scale)
    inner = np.array([basis.enter_score(row.reshape(-1, width)) for row in rows])
    inner = inner.reshape(len(places), len(space.origin))
    length = np.linalg.norm(inner, axis=1)
    inner, values = inner / length[:, np.newaxis], given.values[places] * sign / length
    matrix, short = inner @ space.directions, values - inner @ space.origin
    size = np.linalg.norm(matrix, axis=1)
    moves = size > NOTHING_FREE
    broken = ~moves & (short > SAME_VALUE * (1 + np.abs(values)))
    rounding = ROUNDINGS * EPSILON * max(basis.amplification, 1.0)
    terms = 1 + np.abs(values) + np.abs(inner) @ np.abs(space.origin)
    noise = rounding * terms[moves] / size[moves]
    rows = matrix[moves] / size[moves, np.newaxis]
    bounds = Bounds(rows, short[moves] / size[moves], noise, rounding)
    if broken.any() or not is_feasible(bounds.matrix, bounds.values, [">="] * int(moves.sum())):
        few = len(given) <= LARGEST_CONFLICT
        _refuse(find_conflict(given, *_level_rows(given, basis)) if few else given)
    return places[moves], bounds


def find_multipliers(maximum: Maximum, held: Restriction, basis: ColumnBasis) -> np.ndarray:
    """Return the λ (q,) with ``s = R'λ`` for the score in the columns of the design."""
    if not len(held):
        return np.zeros(0)
    width = len(basis.scale)
    inner = np.asarray(maximum.sums.score).reshape(-1, width)
    units = np.tile(basis.scale, held.matrix.shape[1] // width)
    score = basis.leave_score(inner).ravel() / units
    rows = held.matrix / units
    length = np.linalg.norm(rows, axis=1)
    rows = rows / length[:, np.newaxis]
    return np.asarray(np.linalg.lstsq(rows.T, score, rcond=None)[0] / length)
